"""Provenance: whatever was read and whatever can change the result stands in the record of every output, and nothing else does."""
import hashlib
import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SMALL = [word for size in ("nx=16", "ny=8", "nz=16", "subsamples=1") for word in ("--set", f"image.{size}")]


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
    for isa in ("baseline", "avx2", "avx512"):
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
