"""run, batch, verify and report as a user meets them: a killed run that goes on has the bits of one that was never
killed; nothing outside the output folder is touched; a broken data set takes no other with it; names stay text; the real
EDS series gives the same volumes from EMD, MRC and TIFF."""
import csv
import fcntl
import hashlib
import html.parser
import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")
mrcfile = pytest.importorskip("mrcfile", reason="mrcfile is not installed")

TILTS = range(-60, 61, 15)
RECIPE = """
title: small wire
input:
  files: [HAADF=haadf.mrc, Si=si.mrc, O=o.mrc]
  angles: tilts.rawtlt
align: {{method: none}}
reconstruct:
  - {{name: em, iterations: 3, bin_channels: [O=2]}}
  - {{name: sirt, method: sirt, iterations: 3, channels: [HAADF]}}
render: {{views: [0], min_side_px: 40}}
{more}
"""


def write_data(folder, seed=1, more="", size=24, radius=8.0):
    """A core-shell cylinder along y with Poisson counts: MRC files, angles and a recipe."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    u = np.arange(size) - (size - 1) / 2
    chord = lambda r: 2 * np.sqrt(np.clip(r * r - u * u, 0, None))
    core, wire = chord(0.6 * radius), chord(radius)
    signals = {"haadf": 100 * core + 40 * (wire - core), "si": 2 * core, "o": 2 * (wire - core)}
    for name, line in signals.items():
        stack = np.broadcast_to(line, (len(TILTS), 8, size))
        stack = rng.poisson(stack).astype(np.uint16)
        with mrcfile.new(folder / f"{name}.mrc") as out:
            out.set_data(stack)
            out.voxel_size = 20.0
            out.set_image_stack()
    (folder / "tilts.rawtlt").write_text("".join(f"{t}\n" for t in TILTS))
    (folder / "wire.yaml").write_text(RECIPE.format(more=more))
    return folder / "wire.yaml"


def hashes(folder, without=("run_log.json",)):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*")) if p.is_file() and p.name not in without}


def test_a_picture_that_is_not_made_again_is_gone(seitomo, recipe, tmp_path):
    if shutil.which("gnuplot") is None:
        pytest.skip("no gnuplot on this machine")
    out = tmp_path / "out"
    seitomo("run", recipe, "-o", out)
    assert (out / "plots/shifts.svg").is_file()
    seitomo("run", recipe, "-o", out, "--set", "render.slice_nm=7", env={"PATH": str(tmp_path)})
    assert not (out / "plots/shifts.svg").exists() and (out / "tables/shifts.csv").is_file()
    seitomo("verify", out)


@pytest.fixture
def recipe(tmp_path):
    return write_data(tmp_path / "data")


def test_every_file_is_recorded(seitomo, recipe, tmp_path):
    out = tmp_path / "out"
    summary = seitomo("run", recipe, "-o", out, json_summary=True)
    assert summary["measures"]["si_volume"]["value"] > 0
    recorded = {"run_log.json"}
    for record in (out / "stages").iterdir():
        recorded |= {f"stages/{record.name}", *json.loads(record.read_text())["files"]}
    assert set(hashes(out, without=())) == recorded
    log = json.loads((out / "run_log.json").read_text())
    assert {"threads", "seconds", "host"} <= set(log)
    # what cannot change the result stands in the log alone
    provenance = (out / "provenance.json").read_text()
    assert str(tmp_path) not in provenance and "seconds" not in provenance
    assert "whole" in seitomo("verify", out, "--json").stdout


def test_killed_and_resumed_has_the_same_bits(seitomo, recipe, tmp_path):
    whole = tmp_path / "whole"
    start = time.monotonic()
    seitomo("run", recipe, "-o", whole)
    took = time.monotonic() - start
    expected = hashes(whole)
    seed = random.randrange(1 << 30)
    print(f"seed {seed}")
    rng = random.Random(seed)
    out = tmp_path / "killed"
    kills = 0
    for _ in range(12):
        process = subprocess.Popen([seitomo.binary, "run", recipe, "-o", out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0, 0.6 * took))
        process.kill()
        kills += process.wait() == -signal.SIGKILL
    assert kills > 0
    seitomo("run", recipe, "-o", out)
    assert hashes(out) == expected
    # a third call finds everything done and changes nothing
    before = {p: p.stat().st_mtime_ns for p in out.rglob("*") if p.is_file() and p.name != "run_log.json"}
    assert "are whole and kept" in seitomo("run", recipe, "-o", out).stderr
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_bits_depend_on_neither_threads_locale_nor_time_zone(seitomo, recipe, tmp_path):
    seitomo("run", recipe, "-o", tmp_path / "a", "--threads", 1)
    seitomo("run", recipe, "-o", tmp_path / "b", "--threads", 3, env={"LC_ALL": "de_DE.UTF-8", "TZ": "Asia/Kathmandu", "OMP_SCHEDULE": "dynamic"})
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_and_the_same_command_goes_on(seitomo, tmp_path, number, code):
    recipe = write_data(tmp_path / "data", size=64, radius=20)
    words = [seitomo.binary, "run", str(recipe), "-o", str(tmp_path / "out"), "--set", "reconstruct.0.iterations=20000"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while "stage 4" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(number)
    sent = time.monotonic()
    assert process.wait(timeout=30) == code
    assert time.monotonic() - sent < 10
    assert "resumes" in process.stderr.read()
    assert not list((tmp_path / "out").rglob("*.part"))
    done = seitomo("run", recipe, "-o", tmp_path / "out")
    assert "are whole and kept" in done.stderr


def test_a_folder_in_use_and_foreign_files(seitomo, recipe, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    lock = os.open(out, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    start = time.monotonic()
    assert "another process" in seitomo("run", recipe, "-o", out, code=4).stderr
    assert time.monotonic() - start < 5
    os.close(lock)
    (out / "report.html").write_text("mine")
    assert "report.html" in seitomo("run", recipe, "-o", out, code=4).stderr
    assert (out / "report.html").read_text() == "mine" and len(list(out.rglob("*"))) == 1
    seitomo("run", recipe, "-o", out, "--force")
    assert "mine" != (out / "report.html").read_text()


def test_numbers_for_absent_channels_are_named(seitomo, recipe, tmp_path):
    said = seitomo("run", recipe, "-o", tmp_path / "out", "--set", "reconstruct.0.background=[Sii=2,O=0.1]", "--set",
                   "reconstruct.0.bin_channels=[P=2]", "--set", "render.composite=[Si,F]").stderr
    assert "reconstruct.0.background: 'Sii=2' is not used" in said and "'O=0.1'" not in said
    assert "reconstruct.0.bin_channels: 'P=2' is not used" in said and "no channel 'F'" in said


def test_plan_writes_nothing(seitomo, recipe, tmp_path):
    plan = seitomo("run", recipe, "-o", tmp_path / "out", "--plan", json_summary=True)["plan"]
    assert plan["n_tilts"] == len(TILTS) and plan["n_channels"] == 3 and plan["memory"]["unit"] == "B"
    assert not (tmp_path / "out").exists()


def test_wrong_recipes_say_where(seitomo, recipe, tmp_path):
    out = tmp_path / "out"
    assert "unknown key 'itrations'" in seitomo("run", recipe, "-o", out, "--set", "align.itrations=3", code=2).stderr
    recipe.write_text(recipe.read_text() + "extra: 1\n")
    last = seitomo("run", recipe, "-o", out, code=3).stderr.strip().splitlines()[-1]
    assert "wire.yaml:" in last and "unknown key 'extra'" in last
    assert not out.exists()


def test_flipped_bits_are_found(seitomo, recipe, tmp_path):
    out = tmp_path / "out"
    seitomo("run", recipe, "-o", out)
    rng = random.Random(5)
    files = sorted(p for p in out.rglob("*") if p.is_file())
    for path in rng.sample(files, 40):
        data = path.read_bytes()
        bit = rng.randrange(8 * len(data))
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << (bit % 8)
        path.write_bytes(flipped)
        seitomo("verify", out, code=3)
        path.write_bytes(data)
    seitomo("verify", out)


def test_a_study_survives_a_broken_data_set(seitomo, tmp_path):
    for name, seed in (("late", 3), ("broken", 2), ("early", 1)):
        write_data(tmp_path / name, seed)
    cut = tmp_path / "broken" / "si.mrc"
    cut.write_bytes(cut.read_bytes()[:-500])
    study = tmp_path / "study.yaml"
    study.write_text("""
title: three wires
recipe: early/wire.yaml
data:
  - {name: late wire, cycle: 100, folder: late}
  - {name: broken wire, cycle: 36, folder: broken}
  - {name: early wire, cycle: 1, folder: early, set: [render.slice_nm=4]}
""")
    out = tmp_path / "out"
    done = seitomo("batch", study, "-o", out, "--jobs", 2, "--json", code=6)
    last = done.stderr.strip().splitlines()[-1]
    assert "1 of 3 data sets failed" in last and "broken wire" in last and "si.mrc" in last and "exit code 3" in last
    codes = {d["name"]: d["exit_code"] for d in json.loads(done.stdout)["data"]}
    assert codes == {"late wire": 0, "broken wire": 3, "early wire": 0}
    with open(out / "numbers.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["data_set"], float(r["cycle"])) for r in rows] == [("early wire", 1), ("late wire", 100)]
    assert all(float(r["si_volume"]) > 0 for r in rows)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "broken wire" in page and "three wires" in page
    seitomo("verify", out)
    # a changed file is named with its data set: each has a file of that name
    volume = out / "early_wire" / "volumes" / "em" / "Si.mrc"
    whole = volume.read_bytes()
    volume.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "first early_wire/volumes/em/Si.mrc" in seitomo("verify", out, code=3).stderr.strip().splitlines()[-1]
    volume.write_bytes(whole)
    # mended, the batch goes on: finished data sets are kept
    kept = (out / "late_wire" / "volumes" / "em" / "Si.mrc").stat().st_mtime_ns
    write_data(tmp_path / "mended", 2)
    (tmp_path / "broken" / "si.mrc").write_bytes((tmp_path / "mended" / "si.mrc").read_bytes())
    seitomo("batch", study, "-o", out)
    assert kept == (out / "late_wire" / "volumes" / "em" / "Si.mrc").stat().st_mtime_ns
    assert len((out / "numbers.csv").read_text().splitlines()) == 4
    again = tmp_path / "again.html"
    seitomo("report", out, "-o", again)
    assert again.read_bytes() == (out / "report.html").read_bytes()


HOSTILE = ["<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "</title><svg onload=alert(1)>", "a & b < c > d",
           "javascript:alert(1)", "'; DROP TABLE wires;--", "{{7*7}} ${7*7}", "&lt;b&gt;", "../../../escape", "=1+1|cmd"]


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)


def assert_inert(path):
    page = Page(path.read_text(encoding="utf-8"))
    for tag, attributes in page.tags:
        assert tag not in ("script", "iframe", "object", "embed", "base")
        assert not any(name.startswith("on") for name in attributes)
        for name in ("src", "href"):
            assert attributes.get(name, "data:").startswith(("data:", "#"))
    return "".join(page.words)


def test_hostile_names_stay_text(seitomo, tmp_path):
    data = write_data(tmp_path / "data").parent
    entries = "".join(f"  - name: {json.dumps(text)}\n    set: [{json.dumps('title=' + text)}]\n" for text in HOSTILE[:3] + HOSTILE[8:])
    study = tmp_path / "study.yaml"
    study.write_text(f"title: {json.dumps(HOSTILE[1])}\nrecipe: data/wire.yaml\ndata:\n{entries}")
    outside = hashes(data)
    out = tmp_path / "deep" / "er" / "out"
    seitomo("batch", study, "-o", out)
    words = assert_inert(out / "report.html")
    for text in HOSTILE[:3] + HOSTILE[8:]:
        assert text in words
    # nothing was written beside the output folder, and every data set lies directly in it
    assert {p.name for p in tmp_path.iterdir()} == {"data", "study.yaml", "deep"}
    assert [p.name for p in (tmp_path / "deep" / "er").iterdir()] == ["out"]
    assert hashes(data) == outside
    with open(out / "numbers.csv", newline="") as file:
        names = [row["data_set"] for row in csv.DictReader(file)]
    assert not any(name[0] in "=+-@" for name in names)
    pages = [p for p in out.glob("*/report.html")]
    assert len(pages) == 5
    for page in pages:
        assert_inert(page)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_channel_names_stay_text(seitomo, tmp_path, text):
    recipe = write_data(tmp_path / "data")
    channel = text.replace("=", "-").replace("/", "-")  # NAME=FILE, and a name holds no '/'
    files = json.dumps([f"{channel}=haadf.mrc", "Si=si.mrc", "O=o.mrc"])
    out = tmp_path / "out"
    seitomo("run", recipe, "-o", out, "--set", f"input.files={files}", "--set", "reconstruct=[{name: em, iterations: 1}]",
            "--set", "segment.enabled=false", "--set", "title=" + json.dumps(text))
    assert text in assert_inert(out / "report.html")
    assert {p.name for p in tmp_path.iterdir()} == {"data", "out"}
    seitomo("verify", out)


MRC_FILES = "input.files=[HAADF=HAADF.mrc, Fe=EDS_Fe_Ka.mrc, Si=EDS_Si_K.mrc, O=EDS_O_K.mrc, Mg=EDS_Mg_K.mrc]"
TIFF_FILES = "input.files=[HAADF=HAADF.tif, Fe=EDS_Fe_Ka.tif]"


def test_real_eds_series_from_emd_mrc_and_tiff(seitomo, third_party, tmp_path):
    folder = third_party("ncem_idp_eds")
    recipe = os.path.join(os.path.dirname(__file__), "..", "..", "data", "recipes", "ncem_idp_eds.yaml")
    side = ["--set", "input.angles=tilts.rawtlt", "--set", "input.channels=[]"]
    kinds = {"emd": [], "mrc": ["--set", MRC_FILES, *side],
             "tif": ["--set", TIFF_FILES, *side, "--set", "segment.enabled=false", "--set", "render.composite=[Fe]"]}
    for kind, words in kinds.items():
        start = time.monotonic()
        seitomo("run", recipe, "-o", tmp_path / kind, "--set", f"input.folder={folder}", *words, timeout=600)
        print(f"{kind}: {time.monotonic() - start:.0f} s")
    def voxels(kind):  # the headers name the files they came from; the voxels and their size must not differ
        found = {}
        for path in sorted((tmp_path / kind / "volumes").rglob("*.mrc")):
            with mrcfile.open(path) as volume:
                size = f"{volume.voxel_size.x:.3f} {volume.data.shape} "
                found[f"{path.parent.name}/{path.name}"] = size + hashlib.sha256(volume.data.tobytes()).hexdigest()
        return found

    emd, mrc, tif = voxels("emd"), voxels("mrc"), voxels("tif")
    assert len(emd) == 10 and emd == mrc
    assert len(tif) == 4 and all(emd[name] == value for name, value in tif.items())
    labels = json.loads((tmp_path / "emd" / "measures.json").read_text())
    del labels["provenance"]
    assert labels["fe_rich_grain_volume"]["value"] > 0 and labels["silicate_count"]["value"] >= 1
    # an MRC header holds the pixel size as float32, so numbers in nm may differ in its last digits
    again = json.loads((tmp_path / "mrc" / "measures.json").read_text())
    del again["provenance"]
    assert labels.keys() == again.keys()
    for name, number in labels.items():
        other = again[name]["value"]
        assert number["value"] == (other if other is None else pytest.approx(other, rel=1e-6)), name
    with mrcfile.open(tmp_path / "emd" / "volumes" / "em" / "Fe.mrc") as fe:
        assert abs(fe.voxel_size.x - 4 * 130.814) < 0.01
