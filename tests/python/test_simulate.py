"""A simulated series reads the same in every format and by other programs; its truth, ledger and angles stand beside it; labels
of one run are a specimen of the next; what cannot be is refused with one line and exit code 3."""
import csv
import json
import pathlib
import resource
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FILE = """
title: small wire
seed: 4
image: {nx: 24, ny: 12, nz: 24, pixel_nm: 3, subsamples: 2}
tilts: {from: -60, to: 60, step: 10, scheme: dose-symmetric, missing: [20]}
channels: [{name: HAADF, noise: 0.005}, {name: Si, counts: 80}, {name: O, counts: 40}]
materials:
  - {name: core, label: 1, signal: [1, 1, 0]}
  - {name: shell, label: 2, signal: [0.4, 0, 1]}
bodies:
  - {shape: cylinder, material: shell, centre_nm: [0, 0, 0], half_nm: [30, 0, 30]}
  - {shape: cylinder, material: core, centre_nm: [0, 0, 0], half_nm: [18, 0, 18]}
experiment: {drift_px: 2, dose_e_per_nm2: 1.1e+7, seconds: 10, angle_sd_deg: 0.2, backlash_deg: 0.1, hot_pixels: 2}
"""


def rows(path):
    with open(path, newline="", encoding="utf-8") as f:
        return [{k: float(v) if v else None for k, v in row.items()} for row in csv.DictReader(f)]


@pytest.fixture(name="made")
def fixture_made(seitomo, tmp_path):
    (tmp_path / "wire.yaml").write_text(FILE)
    seitomo("simulate", tmp_path / "wire.yaml", "-o", tmp_path / "s", "--mrc", "--tiff")
    return tmp_path / "s"


def test_every_format_holds_the_same_series(made):
    h5py = pytest.importorskip("h5py")
    mrcfile = pytest.importorskip("mrcfile")
    tifffile = pytest.importorskip("tifffile")
    with h5py.File(made / "series.emd") as f:
        emd = f["data/Si/data"][()]
        angles = f["data/Si/dim1"][()]
    assert emd.shape == (12, 12, 24) and 20 not in np.round(angles)
    with mrcfile.open(made / "series_Si.mrc", permissive=True) as f:
        assert np.array_equal(f.data, emd)
    assert np.array_equal(tifffile.imread(made / "series_Si.tif").reshape(emd.shape), emd)
    assert np.allclose([float(line) for line in (made / "series_Si.rawtlt").read_text().split()], angles)


def test_ledger_angles_and_truth_agree(made, seitomo):
    dose, exposures = rows(made / "dose.csv"), rows(made / "exposures_true.csv")
    by_order = sorted(dose, key=lambda row: row["order"])
    assert [row["tilt_deg"] for row in by_order[:5]] == [0, 10, -10, 30, -20]
    assert by_order[-1]["cumulative_e_per_nm2"] == pytest.approx(1.1e7)
    assert [row["passed"] for row in by_order] == [0] * 9 + [1] + [2] * 2  # 9.17e6 after the tenth, 1.008e7 after the eleventh
    assert max(abs(row["true_tilt_deg"] - row["tilt_deg"]) for row in exposures) > 0.05
    truth = json.loads((made / "truth.json").read_text())
    assert truth["si_volume"]["value"] == pytest.approx(np.pi * 18**2 * 36, rel=0.01)
    assert truth["core_radius_mean"]["value"] == pytest.approx(18, abs=1.5)
    assert truth["dose_limit_passed_deg"]["value"] == by_order[10]["tilt_deg"]
    again = seitomo("simulate", made.parent / "wire.yaml", "-o", made.parent / "t", "--json")
    assert "the limit of 1e+07 e/nm2 is passed in exposure 11" in again.stderr
    assert json.loads(again.stdout)["si_volume"] == truth["si_volume"]
    assert (made.parent / "t/series.emd").read_bytes() == (made / "series.emd").read_bytes()


def test_labels_are_a_specimen_and_several_files_stand_side_by_side(seitomo, made):
    folder = made.parent
    text = FILE[:FILE.index("bodies:")] + "labels: {file: s/truth_labels.mrc}\n"
    (folder / "again.yaml").write_text(text)
    seitomo("simulate", folder / "again.yaml", folder / "wire.yaml", "-o", folder / "two", "--set", "output.volumes=no")
    truth = [json.loads((folder / path / "truth.json").read_text()) for path in ("two/again", "two/wire")]
    assert truth[0]["sei_volume"]["value"] == pytest.approx(truth[1]["sei_volume"]["value"], rel=0.02)
    assert (folder / "two/overview.png").read_bytes().startswith(b"\x89PNG")
    assert not (folder / "two/wire/truth_Si.mrc").exists()


@pytest.mark.parametrize("setting, words", [
    ("bodies.0.material=gold", "unknown material 'gold'"),
    ("materials.0.signal=[-1, 1, 0]", "'core': a signal of -1"),
    ("bodies.0.half_nm=[90, 0, 30]", "body 1 (shell) reaches 90 nm"),
    ("labels={file: x.mrc}", "2 of bodies, specimen and labels"),
    ("channels.1.stored=uint8", "uint8 holds 0 to 255"),
    ("experiment.current_pa=5", "are both given"),
    ("experiment.contamination_nm_per_1e6=1", "contaminant"),
    ("tilts.missing=[25]", "25 deg is none"),
    ("channels.0.kind=eds", "HAADF"),
])
def test_what_cannot_be_is_refused(seitomo, tmp_path, setting, words):
    (tmp_path / "wire.yaml").write_text(FILE)
    done = seitomo("simulate", tmp_path / "wire.yaml", "-o", tmp_path / "s", "--set", setting, "--set", "channels.1.counts=250", code=3)
    refusal = done.stderr.strip().splitlines()[-1]  # after what was said of the backend
    assert refusal.startswith("seitomo simulate: ") and words in refusal, done.stderr
    assert done.stderr.count("seitomo simulate:") == 1, done.stderr
    assert not (tmp_path / "s").exists()


def test_what_stands_in_the_way_is_found_before_the_work(seitomo, tmp_path):
    (tmp_path / "wire.yaml").write_text(FILE)
    (tmp_path / "other.yaml").write_text(FILE)
    (tmp_path / "s").mkdir()
    for name, option in (("series_Si.mrc", "--mrc"), ("series_Si.tif", "--tiff"), ("overview.png", "other.yaml")):
        (tmp_path / "s" / name).write_text("mine")
        more = tmp_path / option if option.endswith("yaml") else option
        done = seitomo("simulate", tmp_path / "wire.yaml", more, "-o", tmp_path / "s", code=4)
        assert name in done.stderr and "--force" in done.stderr
        assert [path.name for path in (tmp_path / "s").iterdir() if path.is_file()] == [name]
        assert (tmp_path / "s" / name).read_text() == "mine"
        (tmp_path / "s" / name).unlink()


def test_a_run_can_be_repeated_over_itself(seitomo, made):
    before = {path.name: path.read_bytes() for path in made.iterdir() if path.suffix in (".mrc", ".tif", ".rawtlt", ".txt")}
    assert len(before) >= 3 * 4
    done = seitomo("simulate", made.parent / "wire.yaml", "-o", made, "--mrc", "--tiff", code=4)
    assert "exists already" in done.stderr
    seitomo("simulate", made.parent / "wire.yaml", "-o", made, "--mrc", "--tiff", "--force")
    assert before == {name: (made / name).read_bytes() for name in before}


def test_nothing_of_an_earlier_run_stays(seitomo, tmp_path):
    (tmp_path / "wire.yaml").write_text(FILE)
    seitomo("simulate", tmp_path / "wire.yaml", "-o", tmp_path / "s")
    (tmp_path / "s/mine.txt").write_text("mine")
    (tmp_path / "s/spectra.emd").write_text("old")
    fewer = ("output.volumes=no", "output.pictures=no", "experiment.dose_e_per_nm2=0", "experiment.hot_pixels=0")
    seitomo("simulate", tmp_path / "wire.yaml", "-o", tmp_path / "s", "--force", *(x for key in fewer for x in ("--set", key)))
    assert sorted(path.name for path in (tmp_path / "s").iterdir()) == [
        "exposures_true.csv", "mine.txt", "pictures", "series.emd", "series.json", "shifts_true.csv", "simulation.json",
        "truth.json", "truth_labels.json", "truth_labels.mrc"]
    assert not list((tmp_path / "s/pictures").iterdir())


def test_a_mistake_is_told_with_its_file(seitomo, tmp_path):
    (tmp_path / "good.yaml").write_text(FILE)
    (tmp_path / "bad.yaml").write_text(FILE + "output: {pictures: no}\n")
    text = (tmp_path / "bad.yaml").read_text().replace("half_nm: [18, 0, 18]", "half_nm: [180, 0, 18]")
    (tmp_path / "bad.yaml").write_text(text)
    done = seitomo("simulate", tmp_path / "good.yaml", tmp_path / "bad.yaml", "-o", tmp_path / "s", code=3)
    assert f"{tmp_path / 'bad.yaml'}: simulation: body 2 (core) reaches 180 nm" in done.stderr


@pytest.mark.parametrize("other, words, code", [("wire.yaml", "would share the folder", 2), ("none.yaml", "no such file", 3),
                                                ("bad.yaml", "unknown key 'sed'", 3)])
def test_a_mistake_in_the_last_file_is_told_before_the_first_is_simulated(seitomo, tmp_path, other, words, code):
    (tmp_path / "wire.yaml").write_text(FILE)
    (tmp_path / "bad.yaml").write_text(FILE + "sed: 3\n")
    done = seitomo("simulate", tmp_path / "wire.yaml", tmp_path / other, "-o", tmp_path / "s", code=code)
    assert words in done.stderr
    assert not (tmp_path / "s").exists()


def test_a_limit_of_file_sizes_is_an_error_and_leaves_no_part(seitomo, tmp_path):
    (tmp_path / "wire.yaml").write_text(FILE)
    words = [seitomo.binary, "simulate", str(tmp_path / "wire.yaml"), "-o", str(tmp_path / "s")]
    limits = (20000, 20000)
    done = subprocess.run(words, capture_output=True, text=True, check=False,
                          preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits))
    assert done.returncode == 4, done.stderr
    assert "series.emd" in done.stderr and "is the disk full?" in done.stderr
    assert not list((tmp_path / "s").rglob("*.part")) and not list((tmp_path / "s").rglob("series.emd"))


def test_a_channel_that_nothing_emits_into_is_told_of(seitomo, tmp_path):
    (tmp_path / "wire.yaml").write_text(FILE)
    done = seitomo("simulate", tmp_path / "wire.yaml", "-o", tmp_path / "s", "--set", "materials.1.signal=[0.4, 0, 0]")
    assert "channel 'O': counts of 40 are asked for, but nothing in the field emits into it" in done.stderr
    assert "'Si'" not in done.stderr


def test_a_signal_stops_and_says_how_to_begin_again(seitomo, tmp_path):
    (tmp_path / "wire.yaml").write_text(FILE.replace("nx: 24, ny: 12", "nx: 512, ny: 512"))
    process = subprocess.Popen([seitomo.binary, "simulate", str(tmp_path / "wire.yaml"), "-o", str(tmp_path / "s"), "--set",
                                "image.subsamples=32"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    while "%" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert "begins again" in said and "resumes" not in said
    assert not (tmp_path / "s").exists()


def test_a_plan_names_memory_disk_and_time(seitomo, tmp_path):
    (tmp_path / "wire.yaml").write_text(FILE)
    done = seitomo("simulate", tmp_path / "wire.yaml", "-o", tmp_path / "s", "--plan", "--json")
    plan = json.loads(done.stdout)["plan"]
    assert set(plan) == {"memory", "disk", "time"} and plan["memory"]["value"] > 0
    assert not (tmp_path / "s").exists()
    refused = seitomo("simulate", tmp_path / "wire.yaml", "-o", tmp_path / "s", "--memory", "10k", code=5)
    assert "memory" in refused.stderr


def test_a_simulation_that_was_stopped_says_so(seitomo, tmp_path):
    """unfinished.txt stands in the folder from before the first file until after the last, and verify tells of it."""
    out = tmp_path / "s"
    words = [seitomo.binary, "simulate", str(ROOT / "data/demo.yaml"), "-o", str(out), "--quiet", "--force"]
    size = [word for key in ("nx=64", "ny=64", "nz=64", "pixel_nm=4") for word in ("--set", f"image.{key}")]
    for _ in range(10):
        process = subprocess.Popen([*words, *size])
        while not (out / "series.emd").exists() and process.poll() is None:
            time.sleep(0.001)
        process.kill()
        if process.wait() != 0:
            break
        shutil.rmtree(out)
    assert process.returncode == -signal.SIGKILL and (out / "unfinished.txt").exists()
    assert "a simulation that was stopped" in seitomo("verify", out, code=3).stderr
    subprocess.run([*words, *size], check=True)
    assert not (out / "unfinished.txt").exists() and (out / "truth.json").exists()
    # one that is refused before its first file leaves no mark
    seitomo("simulate", ROOT / "data/demo.yaml", "-o", tmp_path / "never", "--set", "experiment.dead_rows=4096", code=3)
    assert not (tmp_path / "never").exists()
