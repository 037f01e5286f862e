"""Provenance: whatever was read and whatever can change the result stands in the record of every output, and nothing else does."""
import hashlib
import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SMALL = [word for size in ("nx=16", "ny=8", "nz=16", "pixel_nm=10", "subsamples=1") for word in ("--set", f"image.{size}")]


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def inputs_of(record):
    return {i["name"]: i["sha256"] for i in record["inputs"]}


@pytest.fixture
def series(seitomo, tmp_path):
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", *SMALL)
    return tmp_path / "s/series.emd"


def test_measures_carry_their_provenance(seitomo, series, tmp_path):
    (tmp_path / "wire.yaml").write_text("input: {files: [s/series.emd]}\nalign: {method: none}\nreconstruct: [{name: em, iterations: 1}]\n"
                                        "measure: {connectivity: 18}\n")
    seitomo("run", tmp_path / "wire.yaml", "-o", tmp_path / "out")
    record = json.loads((tmp_path / "out/measures.json").read_text())["provenance"]
    assert record["program"] == "seitomo " + json.loads(seitomo("version", "--json").stdout)["version"]
    assert record["stage"] == "measure"
    assert float(record["parameters"]["connectivity"]) == 18
    assert inputs_of(record) == {"series.emd": sha256(series)}


def test_the_record_names_what_changes_last_bits(seitomo, series, tmp_path):
    """The instruction sets that give the same bits have one name; --pixel-nm and --axis-offset of align are recorded."""
    findings = {f["what"]: f["detail"] for f in seitomo("doctor", json_summary=True)["findings"]}
    volumes = {}
    for isa in ("baseline", "avx2", "avx512", "neon"):
        if isa not in findings["processor"].split():
            continue
        words = ("--backend", "cpu", "--isa", isa)
        seitomo("reconstruct", series, "-o", tmp_path / f"{isa}.emd", "--iterations", 1, *words)
        record = json.loads((tmp_path / f"{isa}.json").read_text())
        assert record["backend"] == ("cpu (baseline)" if isa == "baseline" else "cpu (fma)")
        volumes.setdefault(record["backend"], set()).add(sha256(tmp_path / f"{isa}.emd"))
        out = tmp_path / f"a_{isa}.emd"
        seitomo("align", series, "-o", out, "--pixel-nm", 1.25, "--axis-offset", 0.5, "--apply", series.with_name("shifts_true.csv"), *words)
        aligned = json.loads(out.with_suffix(".json").read_text())
        assert aligned["backend"] == record["backend"]
        assert float(aligned["parameters"]["pixel_nm"]) == 1.25 and float(aligned["parameters"]["axis_offset_px"]) == 0.5
    assert all(len(same) == 1 for same in volumes.values())
    # a run that another instruction set began is not gone on with by one that differs from it in last bits
    if len(volumes) == 2:
        (tmp_path / "wire.yaml").write_text("input: {files: [s/series.emd]}\nalign: {method: none}\nreconstruct: [{name: em, iterations: 1}]\n")
        words = ("run", tmp_path / "wire.yaml", "-o", tmp_path / "out", "--backend", "cpu", "--isa")
        seitomo(*words, "baseline")
        assert "stage 4" in seitomo(*words, "auto").stderr
        assert json.loads((tmp_path / "out/provenance.json").read_text())["backend"] == "cpu (fma)"


def test_files_found_beside_a_series_are_inputs(seitomo, series, tmp_path):
    """What the reader found by itself (angles in four formats, a mask) is listed with its hash, like what was named."""
    data = tmp_path / "data"
    data.mkdir()
    seitomo("convert", series, data / "x.mrc", "--channels", "HAADF,Si")
    (data / "x_HAADF.rawtlt").rename(data / "x_HAADF.tlt")
    (data / "x_Si_TLT.txt").unlink()
    angles = [float(a) for a in (data / "x_HAADF.tlt").read_text().split()]
    mask = bytearray((data / "x_HAADF.mrc").read_bytes()[:1024])
    mask[12:16] = bytes(4)  # mode 0
    mask[92:96] = bytes(4)  # no extended header
    (data / "x.valid.mrc").write_bytes(bytes(mask) + b"\1" * (16 * 8 * len(angles)))
    files = [data / name for name in ("x_HAADF.mrc", "x_Si.mrc", "x_HAADF_TLT.txt", "x_Si.rawtlt", "x.valid.mrc")]
    (data / "x_HAADF.tlt").unlink()
    expected = {p.name: sha256(p) for p in files}
    images = (data / "x_HAADF.mrc", data / "x_Si.mrc")
    seitomo("align", *images, "-o", tmp_path / "a.emd", "--apply", series.with_name("shifts_true.csv"))
    shifts = {"shifts_true.csv": sha256(series.with_name("shifts_true.csv"))}
    assert inputs_of(json.loads((tmp_path / "a.json").read_text())) == {**expected, **shifts}
    seitomo("convert", *images, tmp_path / "c.emd")
    seitomo("reconstruct", *images, "-o", tmp_path / "r.emd", "--iterations", 1)
    seitomo("compare", *images, "-o", tmp_path / "cmp", "--methods", "wbp")
    (tmp_path / "w.yaml").write_text("input: {files: [data/x_HAADF.mrc, data/x_Si.mrc]}\nalign: {method: none}\n"
                                     "reconstruct: [{name: em, iterations: 1}]\n")
    seitomo("run", tmp_path / "w.yaml", "-o", tmp_path / "run")
    for record in ("c.json", "r.json", "cmp/wbp/HAADF.json", "run/provenance.json", "run/volumes/em/Si.json", "run/aligned/series.json"):
        assert inputs_of(json.loads((tmp_path / record).read_text())) == expected, record


@pytest.mark.parametrize("name", ["x.rawtlt", "x.tlt", "x.mrc.mdoc", "x.mdoc", "x_TLT.txt"])
def test_every_kind_of_angles_found_is_an_input(seitomo, series, tmp_path, name):
    data = tmp_path / "data"
    data.mkdir()
    seitomo("convert", series, data / "x.mrc", "--channels", "Si")
    angles = (data / "x.rawtlt").read_text().split()
    for beside in ("x.rawtlt", "x_TLT.txt"):
        (data / beside).unlink(missing_ok=True)
    text = "".join(f"{a} {i + 1}\n" if "TLT" in name else f"[ZValue = {i}]\nTiltAngle = {a}\n" if "mdoc" in name else f"{a}\n"
                   for i, a in enumerate(angles))
    (data / name).write_text(text)
    seitomo("convert", data / "x.mrc", tmp_path / "c.emd")
    assert inputs_of(json.loads((tmp_path / "c.json").read_text())) == {p: sha256(data / p) for p in ("x.mrc", name)}


def test_a_plan_refuses_what_the_run_would(seitomo, series, tmp_path):
    (tmp_path / "w.yaml").write_text("input: {files: [s/series.emd]}\nreconstruct: [{name: em, iterations: 1}]\n")
    for change, said in (("input.drop_tilts=[-60,7]", "no tilt at 7 deg"), ("align.reference=Feh", "align.reference: no channel named 'Feh'"),
                         ("reconstruct.0.channels=[Feh]", "no channel 'Feh'"), ("input.channels=[Feh]", "no channel named 'Feh'")):
        for words in ((), ("--plan",)):
            assert said in seitomo("run", tmp_path / "w.yaml", "-o", tmp_path / "out", "--set", change, *words, code=3).stderr
    assert not (tmp_path / "out").exists()
    words = ("run", tmp_path / "w.yaml", "-o", tmp_path / "out", "--plan")
    whole = seitomo(*words, json_summary=True)["plan"]
    plan = seitomo(*words, "--set", "input.drop_tilts=[-60,60]", json_summary=True)["plan"]
    assert plan["n_tilts"] == whole["n_tilts"] - 2 and plan["n_channels"] == whole["n_channels"]
