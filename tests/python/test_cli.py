"""The command line: every verb explains itself, wrong calls say so on one line with exit code 2, standard output is
either empty or JSON when --json is given."""
import json
import pathlib
import re
import struct

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
            "--set", "image.subsamples=1")
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
    small = [word for size in ("nx=16", "ny=8", "nz=16", "subsamples=1") for word in ("--set", f"image.{size}")]
    series = tmp_path / "s/series.emd"
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", *small)
    (tmp_path / "wire.yaml").write_text("input: {files: [s/series.emd]}\nreconstruct: [{name: em, iterations: 1}]\n")
    (tmp_path / "study.yaml").write_text("recipe: wire.yaml\ndata: [{name: one}, {name: two}]\n")
    before = sorted(tmp_path.rglob("*"))
    for words in (("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "t"), ("convert", series, tmp_path / "c.mrc"),
                  ("align", series, "-o", tmp_path / "a.emd"), ("compare", series, "-o", tmp_path / "cmp"),
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
    small = [word for size in ("nx=16", "ny=8", "nz=16", "subsamples=1") for word in ("--set", f"image.{size}")]
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


def test_no_input_is_ever_replaced(seitomo, tmp_path):
    """--force replaces what lies in the way, but never what the call reads, whatever it is called there."""
    small = [word for size in ("nx=16", "ny=8", "nz=16", "subsamples=1") for word in ("--set", f"image.{size}")]
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "s", *small)
    folder = tmp_path / "s"
    emd, truth, labels = folder / "series.emd", folder / "truth_Si.mrc", folder / "truth_labels.mrc"
    seitomo("convert", emd, folder / "x.mrc", "--channels", "HAADF,Si")
    (folder / "same.emd").hardlink_to(emd)
    images = (f"HAADF={folder / 'x_HAADF.mrc'}", f"Si={folder / 'x_Si.mrc'}")
    before = {p.name: p.read_bytes() for p in folder.iterdir()}
    for words in (("convert", emd, emd), ("convert", *images, folder / "x.mrc"), ("align", emd, "-o", folder / "same.emd"),
                  ("align", *images, "-o", folder / "x.mrc"), ("reconstruct", *images, "-o", folder / "x.mrc"),
                  ("reconstruct", emd, "-o", emd), ("segment", truth, "-o", truth), ("measure", labels, "-o", labels)):
        assert "an input would be overwritten" in seitomo(*words, "--force", code=2).stderr, words
        assert {p.name: p.read_bytes() for p in folder.iterdir()} == before, words
