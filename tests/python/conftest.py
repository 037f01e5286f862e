"""Shared by all Python tests: the program, its runner, and the third-party data."""
import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(os.environ.get("SEITOMO_SOURCE", pathlib.Path(__file__).resolve().parents[2]))


@pytest.fixture(scope="session")
def build():
    return pathlib.Path(os.environ.get("SEITOMO_BUILD", ROOT / "build" / "release"))


@pytest.fixture(scope="session")
def seitomo(build):
    """Runs the program: seitomo("info", path) -> CompletedProcess; with json=True the parsed summary."""
    binary = os.environ.get("SEITOMO_BIN", str(build / "seitomo"))

    def run(*words, json_summary=False, code=0, cwd=None, env=None, timeout=300):
        command = [binary, *map(str, words)] + (["--json"] if json_summary else [])
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=timeout,
                              env={**os.environ, **(env or {})})
        assert done.returncode == code, f"{command}: exit {done.returncode}, expected {code}\n{done.stdout}\n{done.stderr}"
        return json.loads(done.stdout) if json_summary else done

    run.binary = binary
    return run


@pytest.fixture(scope="session")
def third_party():
    """third_party("parse_mrc") -> folder, or skips with a clear line."""
    root = os.environ.get("SEITOMO_TEST_DATA", "")

    def folder(name):
        path = pathlib.Path(root) / name
        if not root or not path.is_dir():
            pytest.skip(f"third-party data '{name}' are absent (set SEITOMO_TEST_DATA to their folder)")
        return path

    return folder
