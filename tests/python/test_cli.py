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
    assert "backends" in seitomo("doctor", json_summary=True)


def test_a_device_asked_for_but_absent_is_an_environment_error(seitomo, tmp_path):
    doctor = seitomo("doctor", json_summary=True)
    if doctor["backends"].get("cuda", {}).get("usable"):
        pytest.skip("this machine has a card")
    assert seitomo("doctor", "--backend", "cuda", code=4).stderr.strip()
