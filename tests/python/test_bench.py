"""seitomo bench at its quick sizes: stable names, numbers that follow from each other, refusals. Times themselves are judged
nowhere: machines are shared."""
import csv
import json
import math
import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(os.environ.get("SEITOMO_SOURCE", pathlib.Path(__file__).resolve().parents[2]))

ROW = {"case", "what", "backend", "isa", "threads", "nx", "nz", "ny", "n_tilts", "n_channels", "value", "unit", "repeats", "least",
       "cpu", "gupdates", "gflop", "gups", "gflops", "fma_gflops", "l1_fma_gflops", "l1_fma_cpu_gflops", "fraction_of_fma",
       "fraction_of_l1_fma", "fraction_of_l1_fma_cpu", "peak_bytes", "low", "high", "holds"}
CALIBRATION = {"case", "when", "isa", "threads", "fma_gflops", "l1_fma_gflops", "fma_cpu_gflops", "l1_fma_cpu_gflops", "copy_gbytes",
               "read_gbytes"}


@pytest.fixture(scope="module")
def everything(seitomo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bench")
    return seitomo("bench", "--quick", "--repeats", "2", "--threads", "2", "--backend", "cpu", "-o", folder / "all.json", "--folder",
                   folder, "--commit", "abc", json_summary=True), folder


def test_every_case_has_rows_with_stable_names(everything, seitomo):
    summary, folder = everything
    cases = [line.split()[0] for line in seitomo("bench", "--list").stdout.splitlines()]
    assert {"B1", "B1s", "B1n", "B1i", "B2", "B2o", "B2m", "B3", "B4", "B5", "peers", "growth", "B6"} == set(cases)
    assert {row["case"] for row in summary["results"]} == set(cases) - {"peers"}  # which is run by name
    assert all(set(row) == ROW for row in summary["results"])
    assert all(set(row) == CALIBRATION for row in summary["calibration"])
    assert summary["commit"] == "abc" and summary["quick"] is True and "bench --quick" in summary["command"]
    assert set(summary["machine"]) == {"processor", "cores", "memory_bytes", "architecture", "system"}
    written = json.loads((folder / "all.json").read_text())
    assert [(r["case"], r["what"]) for r in written["results"]] == [(r["case"], r["what"]) for r in summary["results"]]
    assert sorted(p.name for p in folder.iterdir() if p.suffix in {".json", ".csv", ".emd"}) == ["all-growth.csv", "all.json"]


def test_rates_follow_from_times_work_and_limits(everything):
    summary, _ = everything
    timed = [r for r in summary["results"] if r["fraction_of_l1_fma"] is not None]
    assert len(timed) > 20
    for r in timed:
        assert 0 < r["least"] <= r["value"] and r["repeats"] == 2 and r["unit"] == "ms"
        assert r["gflops"] == pytest.approx(r["gflop"] / (r["value"] / 1e3))
        assert r["gups"] == pytest.approx(r["gupdates"] / (r["value"] / 1e3))
        assert r["fraction_of_fma"] == pytest.approx(r["gflops"] / r["fma_gflops"])
        assert r["fraction_of_l1_fma"] == pytest.approx(r["gflops"] / r["l1_fma_gflops"])
        assert r["fraction_of_l1_fma_cpu"] == pytest.approx(r["gflop"] / (r["cpu"] / 1e3) * r["threads"] / r["l1_fma_cpu_gflops"])
    row = next(r for r in timed if (r["case"], r["what"]) == ("B1", "forward"))
    assert row["gupdates"] == pytest.approx(row["nx"] * row["nz"] * row["ny"] * row["n_tilts"] * 1e-9)
    assert 1.3 < row["gflop"] / row["gupdates"] / 2 < 2  # weights per voxel and tilt, linear kernel
    limits = [c["l1_fma_gflops"] for c in summary["calibration"] if c["case"] == "B1"]
    assert len(limits) == 2 and row["l1_fma_gflops"] == pytest.approx(sum(limits) / 2)


def test_what_is_asserted_holds(everything):
    summary, _ = everything
    asserted = [r for r in summary["results"] if r["holds"] is not None]
    assert {r["case"] for r in asserted} == {"B3", "B4", "B5"} and all(r["holds"] for r in asserted)
    for r in asserted:
        assert (r["low"] is None or r["value"] >= r["low"]) and (r["high"] is None or r["value"] <= r["high"])


def test_memory_is_each_parts_own(everything):
    summary, _ = everything
    peaks = {r["case"]: r for r in summary["results"] if r["peak_bytes"] is not None}
    assert set(peaks) == {"B2", "B5", "B6"}
    for r in peaks.values():
        assert r["unit"] == "MiB" and r["value"] == pytest.approx(r["peak_bytes"] / 2**20)
        assert r["peak_bytes"] > 4 * r["nx"] * r["nz"] * r["ny"]


def test_growth_is_written_with_its_line(everything):
    summary, folder = everything
    with open(folder / "all-growth.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    work = [float(r["giga_multiply_adds"]) for r in rows]
    assert work == sorted(work)
    slopes = [float(r["line_ms"]) / float(r["giga_multiply_adds"]) for r in rows]
    assert all(math.isclose(s, slopes[0], rel_tol=1e-9) for s in slopes)
    assert any(math.isclose(float(r["line_ms"]), float(r["measured_ms"])) for r in rows)  # R lies on it


def test_the_table_is_for_reading(seitomo):
    lines = seitomo("bench", "B3", "--quick", "--backend", "ref", "--quiet").stdout.splitlines()
    assert lines[0].startswith("case") and any("<Ax,y>" in line and "holds" in line for line in lines)


def test_refusals(seitomo, tmp_path):
    assert "there are B1" in seitomo("bench", "B9", code=2).stderr
    seitomo("bench", "B1", "--repeats", "0", code=2)
    assert "abacus" in seitomo("bench", "B1", "--quick", "--backend", "abacus", code=2).stderr
    seitomo("bench", "B1", "--quick", "--channels", "HAADF", code=2)
    (tmp_path / "there.json").write_text("mine")
    seitomo("bench", "B3", "--quick", "-o", tmp_path / "there.json", code=4)
    assert (tmp_path / "there.json").read_text() == "mine"
    seitomo("bench", "B6", "--quick", "--folder", tmp_path / "nowhere" / "there.json", "-o", tmp_path / "no" / "x.json", code=4)


@pytest.mark.skipif(not os.environ.get("SEITOMO_FULL"), reason="takes a minute of two cores (set SEITOMO_FULL=1)")
def test_peers_are_compared_by_their_times(seitomo, tmp_path):
    pytest.importorskip("astra", reason="ASTRA is absent")
    done = subprocess.run([sys.executable, ROOT / "tests/bench/peers.py", "--seitomo", seitomo.binary, "--quick", "--slices", "2", "--rounds",
                           "1", "--threads", "1,2", "--json", tmp_path / "peers.json"], capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    found = json.loads((tmp_path / "peers.json").read_text())
    assert {(r["peer_what"], r["what"], r["threads"]) for r in found["results"]} >= {
        (f"SIRT 20, {kernel}", f"EM 20, {kernel}", threads) for kernel in ("linear", "strip") for threads in (1, 2)}
    for r in found["results"]:
        assert r["ratio"] == pytest.approx(r["peer_s"] / r["value_s"])  # of one round the median is the ratio
    assert found["calibration"] and found["machine"]["cores"] >= 1
