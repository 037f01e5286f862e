"""Claims: the verb reconstruct writes what other programs can open, the same bits for any number of threads, overwrites
nothing unasked, refuses in one line with the right exit code, and --plan writes nothing; doctor names every backend."""
import csv
import json
import os
import subprocess

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")
mrcfile = pytest.importorskip("mrcfile", reason="mrcfile is not installed")

BIN = os.environ.get("SEITOMO_BIN")
pytestmark = pytest.mark.skipif(BIN is None, reason="SEITOMO_BIN names no seitomo program")


def run(*words):
    return subprocess.run([BIN, *map(str, words)], capture_output=True, text=True)


@pytest.fixture
def series(tmp_path):
    """A disc of radius 9 px and density 3 in 5 slices, 13 tilts, 2 nm; whole counts."""
    u = np.arange(32) - 15.5
    row = 3 * 2 * np.sqrt(np.clip(81 - u**2, 0, None))
    path = tmp_path / "wire.mrc"
    with mrcfile.new(str(path)) as mrc:
        mrc.set_data(np.broadcast_to(np.round(row), (13, 5, 32)).astype(np.uint16).copy())
        mrc.voxel_size = 20.0
    (tmp_path / "wire.rawtlt").write_text("".join(f"{t}\n" for t in range(-60, 61, 10)))
    return path


def test_volume_history_and_summary(series, tmp_path):
    out, table = tmp_path / "v.mrc", tmp_path / "h.csv"
    done = run("reconstruct", series, "-o", out, "--axis", "y", "--json", "--iterations", 8, "--history", table, "--depth", "40nm")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["method"] == "em" and summary["backend"] in ("cpu", "cuda")
    history = summary["channels"][0]["history"]
    likelihood = [row["log_likelihood"] for row in history]
    assert len(history) == 9 and likelihood == sorted(likelihood) and all("residual" in row for row in history)
    assert summary["channels"][0]["voxel"] == {"value": 2.0, "unit": "nm", "sd": None}
    assert mrcfile.validate(str(out))
    with mrcfile.open(str(out)) as mrc:
        assert mrc.data.shape == (20, 5, 32) and mrc.data.dtype == np.float32
        assert abs(float(mrc.voxel_size.x) - 20) < 1e-5
        assert abs(mrc.data[7:13, 2, 13:19].mean() - 3) < 0.5
    with open(table) as lines:
        rows = list(csv.DictReader(lines))
    assert len(rows) == 9 and float(rows[8]["residual"]) < float(rows[0]["residual"])
    sidecar = json.loads((tmp_path / "v.json").read_text())
    assert sidecar["stage"] == "reconstruct" and sidecar["parameters"]["iterations"] == "8"
    assert "threads" not in sidecar["parameters"]


def test_bits_do_not_depend_on_threads_or_memory(series, tmp_path):
    volumes = []
    for words in (["--threads", 1], ["--threads", 3], ["--threads", 7, "--memory", "200k"]):
        out = tmp_path / f"v{len(volumes)}.mrc"
        done = run("reconstruct", series, "-o", out, "--axis", "y", "--iterations", 3, *words)
        assert done.returncode == 0, done.stderr
        volumes.append(out.read_bytes())
    assert volumes[0] == volumes[1] == volumes[2]


def test_bin_keeps_the_signal(series, tmp_path):
    for n in (1, 2):
        assert run("reconstruct", series, "-o", tmp_path / f"b{n}.mrc", "--axis", "y", "--bin", n).returncode == 0
    with mrcfile.open(str(tmp_path / "b1.mrc")) as one, mrcfile.open(str(tmp_path / "b2.mrc")) as two:
        assert two.data.shape == (16, 2, 16) and abs(float(two.voxel_size.x) - 40) < 1e-4
        # slices 0 to 3 went into the bins; a voxel of 2 x 2 x 2 holds what eight held
        assert abs(two.data.sum() / one.data[:, :4].sum() - 1) < 0.01


def test_background_follows_the_binning(series, tmp_path):
    """Bins add up counts and average everything else; the background per pixel goes the same way."""
    with mrcfile.open(str(series), mode="r+") as mrc:
        mrc.set_data(mrc.data[:, :4] + np.uint16(20))
        mrc.voxel_size = 20.0
    sums = {}
    for name in ("HAADF", "Si"):
        for n in (1, 2):
            out = tmp_path / f"{name}{n}.mrc"
            done = run("reconstruct", f"{name}={series}", "-o", out, "--axis", "y", "--bin", n, "--background", 20)
            assert done.returncode == 0, done.stderr
            with mrcfile.open(str(out)) as mrc:
                sums[name, n] = float(mrc.data.sum(dtype=float))
    assert abs(sums["HAADF", 2] / (sums["HAADF", 1] / 4) - 1) < 0.02
    assert abs(sums["Si", 2] / sums["Si", 1] - 1) < 0.02


def test_binnings_of_one_call_share_a_centre(series, tmp_path):
    """Volumes of different binnings are resampled about their centres, so these must lie at one place of the specimen."""
    images = np.zeros((13, 7, 30), np.float32)
    images[:, 2:4, 11:17] = 1  # about (13.5, 2.5): the centre of what whole 4 x 4 bins hold, of 28 x 4 pixels
    path = tmp_path / "odd.mrc"
    with mrcfile.new(str(path)) as mrc:
        mrc.set_data(images)
        mrc.voxel_size = 20.0
    (tmp_path / "odd.rawtlt").write_text((tmp_path / "wire.rawtlt").read_text())
    words = ("reconstruct", f"HAADF={path}", f"Fe={path}", "--axis", "y", "--axis-offset", -1, "--bin", "1,Fe=4", "--iterations", 2)
    done = run(*words, "-o", tmp_path / "v.mrc")
    assert done.returncode == 0, done.stderr
    for name, shape in (("HAADF", (28, 4, 28)), ("Fe", (7, 1, 7))):
        with mrcfile.open(str(tmp_path / f"v_{name}.mrc")) as mrc:
            assert mrc.data.shape == shape
            x = np.arange(shape[2]) - (shape[2] - 1) / 2
            assert abs((mrc.data.sum(axis=(0, 1), dtype=float) * x).sum() / mrc.data.sum(dtype=float)) < 0.02
    done = run(*words, "-o", tmp_path / "w.mrc", "--depth", 9)
    with mrcfile.open(str(tmp_path / "w_HAADF.mrc")) as one, mrcfile.open(str(tmp_path / "w_Fe.mrc")) as four:
        assert one.data.shape[0] == 8 and four.data.shape[0] == 2


def test_every_target_is_looked_at_before_the_work(series, tmp_path):
    for name in ("v.json", "v_Si.mrc", "v_Si.json"):
        (tmp_path / name).write_text("mine")
        files = (f"Si={series}",) if name == "v.json" else (f"O={series}", f"Si={series}")
        done = run("reconstruct", *files, "-o", tmp_path / "v.mrc", "--axis", "y")
        assert done.returncode == 4 and name in done.stderr and "residual" not in done.stderr
        assert (tmp_path / name).read_text() == "mine" and not (tmp_path / "v_O.mrc").exists()
        (tmp_path / name).unlink()
    # two names that make one file are refused, also where files may be replaced
    done = run("reconstruct", f"Si={series}", f"SI_={series}", "-o", tmp_path / "v.mrc", "--axis", "y", "--channels", "a_b=Si,a/b=SI_", "--force")
    assert done.returncode == 3 and "both go to" in done.stderr


def test_support_lies_on_the_volumes_grid(series, tmp_path):
    call = ("reconstruct", series, "-o", tmp_path / "v.mrc", "--axis", "y", "--depth", 20, "--support", tmp_path / "s.mrc")
    for shape, code in [((5, 20, 32), 3), ((20, 1, 32), 0), ((20, 5, 32), 0)]:  # as many voxels in another order do not fit
        with mrcfile.new(str(tmp_path / "s.mrc"), overwrite=True) as mrc:
            mrc.set_data(np.ones(shape, np.float32))
            mrc.voxel_size = 20.0
            mrc.set_volume()
        done = run(*call, "--force")
        assert done.returncode == code, done.stderr
        assert code == 0 or "expected 32 x 5 (or 1) x 20" in done.stderr


def volume_of(path):
    with mrcfile.open(str(path)) as mrc:
        return mrc.data.copy()


def test_sweeps_of_subsets(series, tmp_path):
    for name, words in (("em", ["--iterations", 20]), ("osem", ["--method", "osem"]), ("quiet", ["--method", "osem", "--subsets", 5])):
        table = ["--history", tmp_path / f"{name}.csv"] if name != "quiet" else []
        done = run("reconstruct", series, "-o", tmp_path / f"{name}.mrc", "--axis", "y", "--json", *words, *table)
        assert done.returncode == 0, done.stderr
        summary = json.loads(done.stdout)
        rows = summary["channels"][0]["history"]
        assert summary["iterations"] == (20 if name == "em" else 4) and len(rows) == summary["iterations"] + 1
        # looking at every sweep costs a projection each: only where a table is asked for
        assert all((row["residual"] is None) == (name == "quiet") for row in rows[:-1]) and rows[-1]["residual"] < 1
    em, osem = volume_of(tmp_path / "em.mrc"), volume_of(tmp_path / "osem.mrc")
    assert np.abs(em - osem).max() < 0.15 * em.max()
    assert np.array_equal(osem, volume_of(tmp_path / "quiet.mrc"))
    assert json.loads((tmp_path / "osem.json").read_text())["parameters"]["subsets"] == "5"


def test_counts_held_out_choose_the_iterations(series, tmp_path):
    with mrcfile.open(str(series), mode="r+") as mrc:
        mrc.set_data(np.random.default_rng(5).poisson(mrc.data).astype(np.uint16))
        mrc.voxel_size = 20.0
    words = ("reconstruct", f"Si={series}", "--axis", "y", "--stop", "held-out", "--json")
    told = {}
    for name, more in (("a", []), ("b", []), ("c", ["--seed", 9])):
        done = run(*words, "-o", tmp_path / f"{name}.mrc", *more)
        assert done.returncode == 0, done.stderr
        told[name] = json.loads(done.stdout)["channels"][0]
        parameters = json.loads((tmp_path / f"{name}.json").read_text())
        assert parameters["parameters"]["seed"] == ("9" if name == "c" else "1") and "stop" in parameters["parameters"]
        assert parameters["numbers"]["iterations_Si"]["value"] == told[name]["iterations"]
    assert told["a"] == told["b"] and (tmp_path / "a.mrc").read_bytes() == (tmp_path / "b.mrc").read_bytes()
    figures = [row["held_out"] for row in told["a"]["history"]]
    assert figures == sorted(figures) and len(figures) == told["a"]["iterations"] + 1
    assert 1 <= told["a"]["iterations"] < told["a"]["trial"]["iterations"] and told["a"]["trial"]["slices"] == 5
    assert figures != [row["held_out"] for row in told["c"]["history"]][:len(figures)]
    grey = run("reconstruct", f"HAADF={series}", "-o", tmp_path / "grey.mrc", "--axis", "y", "--stop", "held-out")
    assert grey.returncode == 3 and "HAADF" in grey.stderr and not (tmp_path / "grey.mrc").exists()


def test_a_start_goes_on(series, tmp_path):
    call = ("reconstruct", f"Si={series}", "--axis", "y", "--method", "sirt")
    assert run(*call, "-o", tmp_path / "five.mrc", "--iterations", 5).returncode == 0
    assert run(*call, "-o", tmp_path / "eight.mrc", "--iterations", 8).returncode == 0
    done = run(*call, "-o", tmp_path / "on.mrc", "--iterations", 3, "--start", f"si={tmp_path / 'five.mrc'}")
    assert done.returncode == 0, done.stderr
    assert np.array_equal(volume_of(tmp_path / "eight.mrc"), volume_of(tmp_path / "on.mrc"))
    assert "five.mrc" in [f["name"] for f in json.loads((tmp_path / "on.json").read_text())["inputs"]]
    done = run(*call, "-o", tmp_path / "no.mrc", "--start", f"Fe={tmp_path / 'five.mrc'}")
    assert done.returncode == 2 and "no channel 'Fe'" in done.stderr
    done = run(*call, "-o", tmp_path / "no.mrc", "--start", tmp_path / "five.mrc", "--depth", 20)
    assert done.returncode == 3 and "expected 32 x 5 x 20" in done.stderr


def test_a_support_is_found(series, tmp_path):
    call = ("reconstruct", f"HAADF={series}", f"Si={series}", "--axis", "y", "-o", tmp_path / "v.mrc")
    done = run(*call, "--support", "auto")
    assert done.returncode == 0 and "% of the area, from HAADF" in done.stderr, done.stderr
    assert json.loads((tmp_path / "v_Si.json").read_text())["parameters"]["support"] == "auto"
    done = run("reconstruct", series, "--axis", "y", "-o", tmp_path / "s.mrc", "--support", "auto:Fe")
    assert done.returncode == 2 and "auto:NAME" in done.stderr
    done = run("reconstruct", f"Si={series}", "--axis", "y", "-o", tmp_path / "s.mrc", "--support", "auto:si")
    assert done.returncode == 0, done.stderr
    found = volume_of(tmp_path / "s.mrc") > 0
    z, x = np.mgrid[:32, :32] - 15.5
    assert found[:, 2][np.hypot(x, z) < 8].all() and 0.1 < found.mean() < 0.75 and not found[0].any()


def test_channels_at_once(series, tmp_path):
    """Channels of one binning are one batch; of several, one each. The bits are those of one channel alone."""
    call = ("--axis", "y", "--iterations", 3, "--bin", "1,Fe=2", "--background", 1)
    done = run("reconstruct", f"Si={series}", f"Fe={series}", f"O={series}", *call, "-o", tmp_path / "v.mrc")
    assert done.returncode == 0, done.stderr
    done = run("reconstruct", f"Si={series}", f"Fe={series}", *call, "-o", tmp_path / "w.mrc")
    assert done.returncode == 0, done.stderr
    assert np.array_equal(volume_of(tmp_path / "v_Si.mrc"), volume_of(tmp_path / "v_O.mrc"))
    for name in ("Si", "Fe"):
        assert np.array_equal(volume_of(tmp_path / f"v_{name}.mrc"), volume_of(tmp_path / f"w_{name}.mrc"))


def test_refusals(series, tmp_path):
    out = tmp_path / "v.mrc"
    out.write_text("mine")
    done = run("reconstruct", series, "-o", out, "--axis", "y")
    assert done.returncode == 4 and "--force" in done.stderr and out.read_text() == "mine"
    for words, code, text in [
        (["--axis", "x"], 3, "align"),
        (["--axis", "y", "--method", "art"], 2, "sirt-positive"),
        (["--axis", "y", "--iterations", "0"], 2, "iterations"),
        (["--axis", "y", "--bin", "2,Fe=4"], 2, "Fe"),
        (["--axis", "y", "--background", "-1"], 2, "background"),
        (["--axis", "y", "--subsets", "5"], 2, "--method osem alone"),
        (["--axis", "y", "--method", "osem", "--subsets", "14"], 2, "2 to the number of tilts, 13"),
        (["--axis", "y", "--stop", "chi2"], 2, "held-out"),
        (["--axis", "y", "--stop", "held-out", "--method", "wbp"], 2, "does not go with --method wbp"),
        (["--axis", "y", "--start", "nowhere.mrc"], 3, "nowhere.mrc"),
        (["--axis", "y", "--memory", "1k"], 5, "are needed and --memory gives"),
        (["--axis", "y", "--backend", "opencl"], 2, "cuda-emulated"),
    ]:
        done = run("reconstruct", series, "-o", tmp_path / "w.mrc", *words)
        assert done.returncode == code, (words, done.stderr)
        assert text in done.stderr and not (tmp_path / "w.mrc").exists()
    assert run("reconstruct", series).returncode == 2
    assert run("reconstruct", "-o", tmp_path / "w.mrc").returncode == 2


def test_no_result_replaces_an_input_or_another_result(series, tmp_path):
    """Not even with --force: a slip in a file name would cost the series."""
    before = series.read_bytes()
    twin = tmp_path / "twin.mrc"
    twin.symlink_to(series)
    out = tmp_path / "v.mrc"
    for words in (("reconstruct", series, "-o", out, "--history", series), ("reconstruct", series, "-o", series),
                  ("reconstruct", f"A={series}", "-o", tmp_path / "v.emd", "--history", series),
                  ("reconstruct", series, "-o", out, "--history", tmp_path / "." / "v.mrc"),
                  ("align", series, "--shifts", twin), ("align", series, "-o", out, "--shifts", out),
                  ("segment", series, "-o", series), ("measure", series, "-o", out, "--profiles", out)):
        done = run(*words, "--force")
        assert done.returncode == 2, (words, done.stderr)
        assert "would be overwritten" in done.stderr or "two results cannot have one name" in done.stderr
        assert series.read_bytes() == before and not out.exists()


def test_plan_writes_nothing(series, tmp_path):
    before = sorted(os.listdir(tmp_path))
    done = run("reconstruct", series, "-o", tmp_path / "v.mrc", "--axis", "y", "--plan", "--json")
    assert done.returncode == 0 and sorted(os.listdir(tmp_path)) == before
    plan = json.loads(done.stdout)["plan"]
    assert plan["disk"]["value"] == 4 * 32 * 32 * 5 and plan["memory"]["value"] > plan["disk"]["value"]
    assert plan["slabs"] == 1 and plan["slab_slices"] == 5 and plan["least_memory"]["value"] < plan["memory"]["value"]
    least = int(plan["least_memory"]["value"])
    done = run("reconstruct", series, "--axis", "y", "--plan", "--json", "--memory", least)
    assert done.returncode == 0 and json.loads(done.stdout)["plan"]["slabs"] == 5, done.stderr
    assert run("reconstruct", series, "--axis", "y", "--plan", "--memory", least - 1).returncode == 5


def test_doctor_names_every_backend():
    done = run("doctor", "--json")
    assert done.returncode == 0, done.stderr
    findings = {f["what"]: f for f in json.loads(done.stdout)["findings"]}
    assert {"processor", "memory", "ref", "cpu", "cuda", "cuda-emulated", "libraries", "gnuplot", "ffmpeg"} <= set(findings)
    assert findings["cpu"]["ok"] and findings["ref"]["ok"]
    assert all(f["ok"] or f["remedy"] for f in findings.values())
    assert run("doctor", "file").returncode == 2
