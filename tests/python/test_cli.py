"""The command line: every verb explains itself, wrong calls say so on one line with exit code 2, standard output is
either empty or JSON when --json is given."""
import json
import pathlib
import re
import shutil
import struct
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERBS = re.findall(r"^X\((\w+),", (ROOT / "src/cli/verbs.def").read_text(encoding="utf-8"), flags=re.M)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(seitomo, verb):
    text = seitomo("help", verb).stdout
    assert f"seitomo {verb}" in text and "--json" in text


@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_option_is_a_usage_error(seitomo, verb):
    assert "--no-such-option" in seitomo(verb, "--no-such-option", code=2).stderr


def options_of(text):
    return set(re.findall(r"^ +(?:-., +)?(--[a-z-]+)", text, flags=re.M))


@pytest.mark.parametrize("verb", VERBS)
def test_help_lists_what_the_verb_takes(seitomo, verb):
    """Every option the help lists is taken; a common option that is refused for being of no use is not listed."""
    listed = options_of(seitomo("help", verb).stdout)
    assert {"--json", "--quiet", "--help"} <= listed
    common = {"--output": "x.mrc", "--plan": None, "--set": "a=1", "--channels": "Si", "--pixel-nm": "1", "--angles": "a.rawtlt", "--axis": "x",
              "--axis-offset": "1", "--invert-tilt": None, "--flip-y": None, "--allow-truncated": None}
    stop = ["no-such-case"] if verb == "bench" else []  # the others stop for want of an input
    for option, value in common.items():
        done = subprocess.run([seitomo.binary, verb, *stop, option] + ([value] if value else []), capture_output=True, text=True)
        assert ("no use for it" in done.stderr) == (option not in listed), (verb, option)
    assert ("--seed" in listed) == (verb in ("simulate", "phasefield"))
    assert ("--backend" in listed) == (verb in ("align", "batch", "bench", "compare", "phasefield", "reconstruct", "run", "simulate"))


def test_no_verb_and_a_wrong_verb(seitomo):
    assert "usage" in seitomo(code=2).stderr
    assert "no verb 'bogus'" in seitomo("bogus", code=2).stderr
    assert "exit codes" in seitomo("help").stdout


def test_absent_input_is_rejected_in_one_line(seitomo, tmp_path):
    for verb in ("info", "reconstruct", "align", "segment", "measure", "render"):
        words = [verb, tmp_path / "absent.mrc"] + ([] if verb == "info" else ["-o", tmp_path / "out.mrc"])
        lines = seitomo(*words, code=3).stderr.strip().splitlines()
        assert "absent.mrc" in lines[-1] and "no such file" in lines[-1]


def test_version_and_doctor_as_json(seitomo):
    assert json.loads(seitomo("version", "--json").stdout)["licence"] == "BSD-3-Clause"
    findings = {f["what"]: f for f in seitomo("doctor", json_summary=True)["findings"]}
    assert findings["processor"]["ok"]


def test_a_device_asked_for_but_absent_is_an_environment_error(seitomo, tmp_path):
    findings = seitomo("doctor", json_summary=True)["findings"]
    if any(f["ok"] for f in findings if f["what"] == "cuda"):
        pytest.skip("this machine has a card")
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", "--set", "image.nx=16", "--set", "image.ny=4", "--set", "image.nz=16",
            "--set", "image.subsamples=1", "--set", "image.beyond=true")
    words = ("reconstruct", tmp_path / "s/series.emd", "--channels", "Si", "-o", tmp_path / "v.mrc")
    assert "cuda" in seitomo(*words, "--backend", "cuda", code=4).stderr
    (tmp_path / "modules").mkdir()
    said = seitomo(*words, "--backend", "auto", env={"SEITOMO_MODULE_PATH": str(tmp_path / "modules")}).stderr
    assert "backend: cpu" in said and "no card" not in said  # nothing was built for a card: nothing to explain
    (tmp_path / "modules/libseitomo_cuda.so").write_text("no library")
    said = seitomo(*words, "--backend", "auto", "--force", env={"SEITOMO_MODULE_PATH": str(tmp_path / "modules")}).stderr
    assert "backend: cpu" in said and len([line for line in said.splitlines() if "no card is used: " in line]) == 1


def test_a_plan_writes_nothing(seitomo, tmp_path):
    """--plan says what a call would need; it neither computes nor writes."""
    small = [word for size in ("nx=16", "ny=8", "nz=16", "pixel_nm=10", "subsamples=1") for word in ("--set", f"image.{size}")]
    series = tmp_path / "s/series.emd"
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", *small)
    (tmp_path / "wire.yaml").write_text("input: {files: [s/series.emd]}\nreconstruct: [{name: em, iterations: 1}]\n")
    (tmp_path / "study.yaml").write_text("recipe: wire.yaml\ndata: [{name: one}, {name: two}]\n")
    before = sorted(tmp_path.rglob("*"))
    for words in (("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "t"), ("convert", series, tmp_path / "c.mrc"),
                  ("align", series, "-o", tmp_path / "a.emd"), ("compare", series, "-o", tmp_path / "cmp"),
                  ("measure", tmp_path / "s/truth_labels.mrc", tmp_path / "s/truth_Si.mrc", "-o", tmp_path / "m.json"),
                  ("segment", tmp_path / "s/truth_Si.mrc", "-o", tmp_path / "l.mrc"),
                  ("reconstruct", series, "-o", tmp_path / "v.emd"), ("run", tmp_path / "wire.yaml", "-o", tmp_path / "r")):
        plan = seitomo(*words, "--plan", json_summary=True)
        plan = plan.get("plan", plan)
        assert plan["memory"]["value"] > 0 and plan["disk"]["value"] > 0, words
        assert sorted(tmp_path.rglob("*")) == before, words
    said = seitomo("batch", tmp_path / "study.yaml", "-o", tmp_path / "b", "--plan").stderr
    assert "one: " in said and "two: " in said and "memory about" in said
    assert sorted(tmp_path.rglob("*")) == before


def test_compare_tells_its_geometry(seitomo, tmp_path):
    """Everything that can change the result stands in the provenance; a depth below one bin is one voxel, not the default."""
    small = [word for size in ("nx=16", "ny=8", "nz=16", "pixel_nm=10", "subsamples=1") for word in ("--set", f"image.{size}")]
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", *small)
    angles = tmp_path / "tilts.rawtlt"
    angles.write_text("".join(f"{t}\n" for t in range(-60, 61, 5)))
    done = seitomo("compare", tmp_path / "s/series.emd", "-o", tmp_path / "c", "--methods", "sirt", "--iterations", 2, "--bin", 4, "--depth", 1,
            "--axis-offset", 2, "--invert-tilt", "--pixel-nm", 3, "--angles", angles)
    assert done.stderr.rstrip().endswith(" -") and "nan" not in done.stderr  # no truth was given
    facts = json.loads((tmp_path / "c/sirt/HAADF.json").read_text())
    given = facts["parameters"]
    assert float(given["pixel_nm"]) == 12 and float(given["axis_offset_px"]) == 0.5 and given["invert_tilt"] == "yes"
    assert "tilts.rawtlt" in json.dumps(facts["inputs"])
    assert struct.unpack("<3i", (tmp_path / "c/sirt/HAADF.mrc").read_bytes()[:12]) == (4, 2, 1)


@pytest.mark.parametrize("words", ["align a.emd -o b.emd --set align.iterations=1", "reconstruct a.emd -o b.mrc --set a=1",
                                   "batch s.yaml -o b --invert-tilt", "batch s.yaml -o b --pixel-nm 2", "report a -o b.html --plan", "simulate s.yaml -o b --pixel-nm 1",
                                   "measure a.mrc --json --pixel-nm 3", "info a.emd -o b", "info a.emd --angles a.rawtlt",
                                   "verify a --plan"])
def test_an_option_without_use_is_refused_not_passed_over(seitomo, tmp_path, words):
    words = words.split()
    option = "--output" if words[-2:-1] == ["-o"] else [w for w in words if w.startswith("--") and w != "--json"][-1]
    said = seitomo(*words, code=2, cwd=tmp_path).stderr
    assert f"{option}: this verb has no use for it" in said
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", ["info a.emd --threads {}", "batch s.yaml -o b --jobs {}", "compare a.emd -o b --bin {}",
                                   "align a.emd --json --iterations {}", "reconstruct a.emd -o b.mrc --iterations {}"])
@pytest.mark.parametrize("number", ["0", "-1", "1.5", "4294967297", "many", "1x", "nan", ""])
def test_a_count_that_is_none_is_refused(seitomo, tmp_path, words, number):
    said = seitomo(*(number if w == "{}" else w for w in words.split()), code=2, cwd=tmp_path).stderr
    assert f"{words.split()[-2]}: '{number}' is not a" in said
    assert list(tmp_path.iterdir()) == []


def test_no_input_is_ever_replaced(seitomo, tmp_path):
    """--force replaces what lies in the way, but never what the call reads, whatever it is called there."""
    small = [word for size in ("nx=16", "ny=8", "nz=16", "pixel_nm=10", "subsamples=1") for word in ("--set", f"image.{size}")]
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", *small)
    folder = tmp_path / "s"
    emd, truth, labels = folder / "series.emd", folder / "truth_Si.mrc", folder / "truth_labels.mrc"
    seitomo("convert", emd, folder / "x.mrc", "--channels", "HAADF,Si")
    (folder / "same.emd").hardlink_to(emd)
    images = (f"HAADF={folder / 'x_HAADF.mrc'}", f"Si={folder / 'x_Si.mrc'}")
    before = {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}
    for words in (("convert", emd, emd), ("convert", *images, folder / "x.mrc"), ("align", emd, "-o", folder / "same.emd"),
                  ("align", *images, "-o", folder / "x.mrc"), ("reconstruct", *images, "-o", folder / "x.mrc"),
                  ("reconstruct", emd, "-o", emd), ("segment", truth, "-o", truth), ("measure", labels, "-o", labels)):
        assert "an input would be overwritten" in seitomo(*words, "--force", code=2).stderr, words
        assert {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()} == before, words


@pytest.mark.parametrize("size", ["1e300", "1e-5", "1.1e6", "0", "-1", "nan"])
def test_impossible_pixels_are_refused_by_every_verb(seitomo, tmp_path, size):
    small = [word for size in ("nx=16", "ny=8", "nz=16", "pixel_nm=10", "subsamples=1") for word in ("--set", f"image.{size}")]
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", *small)
    series, truth = tmp_path / "s/series.emd", tmp_path / "s/truth_Si.mrc"
    for words in (("convert", series, tmp_path / "x.mrc"), ("align", series, "-o", tmp_path / "x.emd"), ("compare", series, "-o", tmp_path / "x"),
                  ("reconstruct", series, "-o", tmp_path / "x.emd"), ("segment", truth, "-o", tmp_path / "x.mrc"),
                  ("render", truth, "-o", tmp_path / "x"), ("run", tmp_path / "absent.yaml", "-o", tmp_path / "x")):
        assert "--pixel-nm" in seitomo(*words, "--pixel-nm", size, code=2).stderr
    assert [p.name for p in tmp_path.iterdir()] == ["s"]
    # a header that says so is refused, too, and the option mends it
    seitomo("convert", series, tmp_path / "x.mrc", "--channels", "HAADF")
    header = bytearray((tmp_path / "x.mrc").read_bytes())
    header[40:52] = struct.pack("<3f", 16e10, 8e10, 1e10)
    (tmp_path / "x.mrc").write_bytes(header)
    assert "pixel size" in seitomo("convert", tmp_path / "x.mrc", tmp_path / "y.emd", code=3).stderr
    seitomo("convert", tmp_path / "x.mrc", tmp_path / "y.emd", "--pixel-nm", 2)


def test_options_of_another_method_are_usage_errors(seitomo, tmp_path):
    words = ("reconstruct", tmp_path / "s.emd", "-o", tmp_path / "v.emd")
    for method, option in (("em", "--filter=hann"), ("sirt", "--cutoff=0.5"), ("em", "--relaxation=0.5"), ("wbp", "--relaxation=0.5")):
        said = seitomo(*words, "--method", method, option, code=2).stderr
        assert option.split("=")[0] + " goes with --method" in said
    assert "--filter" in seitomo(*words, "--filter", "ramp", code=2).stderr  # em is the default


def test_memory_below_the_need_is_refused(seitomo, tmp_path):
    """With need and given on one line, exit code 5; with what is needed at least it goes, to the same bits."""
    small = [word for size in ("nx=64", "ny=32", "nz=64", "pixel_nm=2.5", "subsamples=1") for word in ("--set", f"image.{size}")]
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", *small)
    series, labels = tmp_path / "s/series.emd", tmp_path / "s/truth_labels.mrc"
    for words in (("reconstruct", series, "-o", tmp_path / "v.emd"), ("align", series, "-o", tmp_path / "a.emd"), ("measure", labels, "--json"),
                  ("compare", series, "-o", tmp_path / "c"), ("segment", tmp_path / "s/truth_Si.mrc", "-o", tmp_path / "l.mrc")):
        last = seitomo(*words, "--memory", "300K", code=5).stderr.strip().splitlines()[-1]
        assert re.search(r"needs? [0-9.]+ MiB|[0-9.]+ MiB of memory are needed", last) and "0.3 MiB" in last or "0.1 MiB" in last, last
    assert [p.name for p in tmp_path.iterdir()] == ["s"]
    words = ("reconstruct", series, "--iterations", 1, "--channels", "Si,O")
    need = float(re.search(r"([0-9.]+) MiB of memory", seitomo(*words, "-o", tmp_path / "v.emd", "--memory", "1M", code=5).stderr)[1])
    seitomo(*words, "-o", tmp_path / "tight.emd", "--memory", f"{1024 * (need + 0.1):.0f}K")
    seitomo(*words, "-o", tmp_path / "ample.emd")
    assert (tmp_path / "tight.emd").read_bytes() == (tmp_path / "ample.emd").read_bytes()


def test_a_disk_too_small_is_told_before_anything_is_written(seitomo, tmp_path):
    """run, batch and simulate: exit code 4 and one line with need and room; no folder is made."""
    small = [word for size in ("nx=16", "ny=8", "nz=16", "pixel_nm=10", "subsamples=1") for word in ("--set", f"image.{size}")]
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", *small)
    (tmp_path / "wire.yaml").write_text("input: {files: [s/series.emd]}\nalign: {method: none}\nreconstruct: [{name: em, iterations: 1}]\n")
    # each data set has room for itself, all of them together have not
    (tmp_path / "study.yaml").write_text("recipe: wire.yaml\ndata: [" + ", ".join(f"{{name: d{i}}}" for i in range(40)) + "]\n")
    free = shutil.disk_usage(tmp_path).free
    plan = seitomo("run", tmp_path / "wire.yaml", "-o", tmp_path / "r", "--plan", json_summary=True)["plan"]
    voxels = 16 * 8 * 4 * 4 * 1.1  # bytes of disk a slice in depth takes, of four channels
    deep = lambda share: ["--set", f"reconstruct.0.depth_nm={10 * share * free / voxels:.0f}"]
    assert plan["disk"]["value"] < free
    room = r"about [0-9.e+]+ [kMGTP]?B are to be written and [0-9.e+]+ [kMGTP]?B are free"
    vast = ["--memory", "900000T"]
    for words in (["run", tmp_path / "wire.yaml", *vast, *deep(3)],
                  ["batch", tmp_path / "study.yaml", *vast, "--set", "set=[reconstruct.0.depth_nm=" + deep(0.1)[1].split("=")[1] + "]"],
                  ["simulate", ROOT / "data/demo.yaml", "--set", "image.nx=16384", "--set", "image.ny=16384", "--set", "image.nz=16384"]):
        done = seitomo(*words, "-o", tmp_path / "out", code=4)
        assert re.search(room, done.stderr.strip().splitlines()[-1]), done.stderr
        assert not (tmp_path / "out").exists()
    # what an earlier run wrote is not needed twice
    seitomo("run", tmp_path / "wire.yaml", "-o", tmp_path / "r")
    seitomo("run", tmp_path / "wire.yaml", "-o", tmp_path / "r")


def test_force_spares_what_belongs_to_an_input(seitomo, tmp_path):
    """Angles beside an input, or named by --angles, are read with it: not even --force lets a result replace them."""
    size = [word for key in ("nx=16", "ny=16", "nz=16", "pixel_nm=16") for word in ("--set", f"image.{key}")]
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", "--mrc", "--set", "output.pictures=no", *size)
    series, side = tmp_path / "s/series_Si.mrc", tmp_path / "s/series_Si.rawtlt"
    angles = tmp_path / "angles.tlt"
    angles.write_bytes(side.read_bytes())
    before = side.read_bytes()
    words = ("align", series, "--force", "--shifts")
    assert "belongs to the input" in seitomo(*words, side, code=2).stderr
    assert "the angles would be overwritten" in seitomo(*words, angles, "--angles", angles, code=2).stderr
    # nor does a result of the same stem that would have other angles
    words = ("convert", series, series.with_suffix(".tif"), "--force")
    angles.write_text("".join(f"{float(line) + 1}\n" for line in before.decode().split()))
    assert "belongs to the input" in seitomo(*words, "--angles", angles, code=2).stderr
    assert side.read_bytes() == before
    seitomo(*words)
    assert side.read_bytes() == before
