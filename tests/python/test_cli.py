"""The command line: every verb explains itself, wrong calls say so on one line with exit code 2, standard output is
either empty or JSON when --json is given."""
import json
import pathlib
import re

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
    assert "backend: cpu" in seitomo(*words, "--backend", "auto").stderr
