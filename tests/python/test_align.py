"""The verb align on the real tilt series: neighbours correlate better, the table of shifts gives the same images again,
every channel moves alike, and nothing is overwritten or taken from a table that does not fit."""
import json
import os
import subprocess

import pytest

h5py = pytest.importorskip("h5py")
numpy = pytest.importorskip("numpy")

BINARY = os.environ.get("SEITOMO_BIN", "seitomo")
FOLDER = os.path.join(os.environ.get("SEITOMO_TEST_DATA", ""), "ncem_idp_eds")
SERIES = os.path.join(FOLDER, "tilt_series.emd")
pytestmark = pytest.mark.skipif(not os.path.exists(SERIES), reason="third-party data ncem_idp_eds are absent")


def run(*words):
    return subprocess.run([BINARY, "align", *map(str, words)], capture_output=True, text=True, check=False)


def channel(path, name):
    with h5py.File(path, "r") as file:
        return file[f"data/{name}/data"][()]


@pytest.fixture(scope="module")
def aligned(tmp_path_factory):
    folder = tmp_path_factory.mktemp("align")
    result = run(SERIES, "--channels", "HAADF,Fe_Ka", "-o", folder / "a.emd", "--shifts", folder / "s.csv", "--json")
    assert result.returncode == 0, result.stderr
    return folder, json.loads(result.stdout)


def test_summary(aligned):
    _, summary = aligned
    assert summary["score"]["value"] > 0.95 > summary["score_before"]["value"]
    assert summary["axis_deg"] == {"value": 0.0, "unit": "deg", "sd": None}
    assert summary["axis_offset_px"]["unit"] == "px" and summary["axis_offset_px"]["sd"] < 5
    shifts = summary["shifts"]
    assert [s["tilt_deg"] for s in shifts] == list(range(-40, 40, 5))
    assert abs(sum(s["dx_px"] for s in shifts)) < 1e-6 and abs(sum(s["dy_px"] for s in shifts)) < 1e-6
    assert max(abs(s["dx_px"]) for s in shifts) < 20 and max(abs(s["dy_px"]) for s in shifts) < 8


def test_mass_along_the_axis(aligned):
    """What the aligner does not look at for a film: rows of neighbouring tilts hold similar profiles once aligned."""
    folder, _ = aligned

    def likeness(images):
        rows = [numpy.diff(image[20:-20, 60:-60].astype(float).mean(axis=1)) for image in images]
        return numpy.mean([numpy.corrcoef(a, b)[0, 1] for a, b in zip(rows, rows[1:])])

    assert likeness(channel(folder / "a.emd", "HAADF")) > likeness(channel(SERIES, "HAADF")) + 0.02


def test_table_gives_the_same_images(aligned):
    folder, _ = aligned
    with open(folder / "s.csv", encoding="ascii") as file:
        assert file.readline().startswith("tilt_deg,dx_px,dy_px")
    result = run(SERIES, "--channels", "HAADF,Fe_Ka", "--apply", folder / "s.csv", "-o", folder / "b.emd")
    assert result.returncode == 0, result.stderr
    for name in ("HAADF", "Fe_Ka"):
        assert numpy.array_equal(channel(folder / "a.emd", name), channel(folder / "b.emd", name))
    lost = 1 - channel(folder / "a.emd", "Fe_Ka").sum() / channel(SERIES, "Fe_Ka").sum()
    assert 0 <= lost < 0.06  # only what was shifted out of the field


def test_refusals(aligned):
    folder, _ = aligned
    result = run(SERIES, "-o", folder / "a.emd")
    assert result.returncode == 4 and "--force" in result.stderr
    (folder / "bad.csv").write_text("tilt_deg,dx_px,dy_px\n-40,1,1\n", encoding="ascii")
    result = run(SERIES, "--apply", folder / "bad.csv", "-o", folder / "c.emd")
    assert result.returncode == 3 and "1 shifts for 16 tilts" in result.stderr
    (folder / "worse.csv").write_text("tilt_deg,dx_px\n-40,1\n", encoding="ascii")
    result = run(SERIES, "--apply", folder / "worse.csv", "-o", folder / "c.emd")
    assert result.returncode == 3 and "dy_px" in result.stderr
    result = run(SERIES, "--reference", "Xx", "--json")
    assert result.returncode == 3 and "HAADF" in result.stderr
    assert run(SERIES).returncode == 2
    assert not (folder / "c.emd").exists()


def test_every_target_is_looked_at_before_the_work(tmp_path):
    for name, words in (("a.json", ("-o", tmp_path / "a.emd")), ("a_HAADF.rawtlt", ("-o", tmp_path / "a.mrc")),
                        ("p.png", ("--plot", tmp_path / "p"))):
        (tmp_path / name).write_text("mine")
        result = run(SERIES, "--channels", "HAADF,Fe_Ka", *words)
        assert result.returncode == 4 and name in result.stderr and "correlate" not in result.stderr
        assert (tmp_path / name).read_text() == "mine" and sorted(p.name for p in tmp_path.iterdir()) == [name]
        (tmp_path / name).unlink()
