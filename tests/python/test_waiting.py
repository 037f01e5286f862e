"""Claims: the program's OpenMP threads sleep while they wait, whoever starts it, unless the user said otherwise; starting itself
anew for that changes neither name, arguments nor exit code, and is left out where it is of no use or cannot work."""
import os
import re
import subprocess

import pytest

NAMES = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


@pytest.fixture
def started(seitomo):
    """started(words...) -> (exit code, standard error, spin counts that libgomp told, one per start)"""
    if "libgomp" not in subprocess.run(["ldd", seitomo.binary], capture_output=True, text=True).stdout:
        pytest.skip("this build does not use gcc's OpenMP, which alone tells how it waits")

    def run(*words, cores=None, before=(), **said):
        clean = {k: v for k, v in os.environ.items() if k not in NAMES}
        done = subprocess.run([*before, seitomo.binary, *words], capture_output=True, text=True, timeout=60,
                              env={**clean, "OMP_DISPLAY_ENV": "VERBOSE", **said},
                              preexec_fn=None if cores is None else lambda: os.sched_setaffinity(0, cores))
        return done.returncode, done.stderr, re.findall(r"GOMP_SPINCOUNT = '(.*)'", done.stderr)

    return run


def test_threads_sleep_and_nothing_else_changes(started, tmp_path):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("needs two cores")
    code, text, spins = started("measure", str(tmp_path / "a file.mrc"), "-o", str(tmp_path / "x.json"))
    assert len(spins) == 2 and spins[-1] == "0"
    assert code == 3 and "a file.mrc" in text.splitlines()[-1]
    code, text, spins = started("segment", "--no-such-option")
    assert code == 2 and spins[-1] == "0"


def test_what_the_user_said_holds(started, tmp_path):
    words = ("measure", str(tmp_path / "none.mrc"), "-o", str(tmp_path / "x.json"))
    assert started(*words, GOMP_SPINCOUNT="77")[2] == ["77"]
    assert len(started(*words, OMP_WAIT_POLICY="active")[2]) == 1
    assert started(*words, OMP_WAIT_POLICY="passive")[2] == ["0"]


def test_it_is_left_out_where_it_is_of_no_use(started, tmp_path):
    words = ("measure", str(tmp_path / "none.mrc"), "-o", str(tmp_path / "x.json"))
    assert len(started(*words, cores={min(os.sched_getaffinity(0))})[2]) == 1
    assert len(started("version")[2]) == 1 and len(started("help", "measure")[2]) == 1


def test_called_through_the_dynamic_linker(started, seitomo, tmp_path):
    """Then the program's file is the linker's: it must not be started with the program's arguments."""
    told = subprocess.run(["ldd", seitomo.binary], capture_output=True, text=True).stdout
    linker = re.search(r"(/\S*ld-linux\S*)", told).group(1)
    code, text, spins = started("measure", str(tmp_path / "none.mrc"), "-o", str(tmp_path / "x.json"), before=[linker])
    assert code == 3 and "none.mrc" in text.splitlines()[-1] and len(spins) == 1
