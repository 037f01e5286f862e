"""compare as a user meets it: rows named by word, a channel without contrast refused at once, many objects told of."""
import csv
import hashlib
import json

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")
mrcfile = pytest.importorskip("mrcfile", reason="mrcfile is not installed")

TILTS = range(-60, 61, 15)


def write(path, data, pixel_nm=2.0, stack=True):
    with mrcfile.new(path) as out:
        out.set_data(data.astype(np.float32))
        out.voxel_size = 10 * pixel_nm
        out.set_image_stack() if stack else out.set_volume()
    if stack:
        path.with_suffix(".rawtlt").write_text("".join(f"{t}\n" for t in TILTS))


def test_methods_are_named_by_word(seitomo, tmp_path):
    write(tmp_path / "Si.mrc", np.random.default_rng(1).poisson(20, (len(TILTS), 8, 16)))
    seitomo("compare", tmp_path / "Si.mrc", "-o", tmp_path / "c", "--iterations", 2, "--methods", "em,sirt-positive,wbp")
    with open(tmp_path / "c/compare.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["em", "sirt-positive", "wbp"]
    numbers = json.loads((tmp_path / "c/compare.json").read_text())
    for row in rows:
        assert float(row["residual"]) == pytest.approx(numbers[row["method"]]["residual"]["value"], rel=1e-12)
    page = (tmp_path / "c/report.html").read_text()
    assert all(f">{row['method']}</th>" in page for row in rows)


def test_a_channel_without_contrast_is_refused_before_any_work(seitomo, tmp_path):
    write(tmp_path / "P.mrc", np.full((len(TILTS), 8, 16), 7))
    write(tmp_path / "Si.mrc", np.random.default_rng(1).poisson(20, (len(TILTS), 8, 16)))
    files = (tmp_path / "P.mrc", tmp_path / "Si.mrc")
    for plan in ((), ("--plan",)):
        done = seitomo("compare", *files, "-o", tmp_path / "c", *plan, code=3)
        last = done.stderr.strip().splitlines()[-1]
        assert "channel 'P' is 7 in every pixel" in last and "--channel" in last
    assert not (tmp_path / "c").exists()
    seitomo("compare", *files, "-o", tmp_path / "c", "--channel", "Si", "--methods", "wbp")


def test_the_largest_objects_are_measured_and_the_rest_told_of(seitomo, tmp_path):
    """400 cubes of 2^3 voxels come first in the file, 16 of 4^3 last: those are among the 256 that are looked at."""
    nx, ny, nz = 64, 32, 84
    truth = np.zeros((nz, ny, nx))
    small = [(z, y, x) for z in range(4, 60, 5) for y in range(4, 27, 5) for x in range(4, 58, 6)][:400]
    for z, y, x in small:
        truth[z:z + 2, y:y + 2, x:x + 2] = 1
    large = [(72, y, x) for y in (6, 20) for x in range(4, 60, 7)]
    for z, y, x in large:
        truth[z:z + 4, y:y + 4, x:x + 4] = 1
    write(tmp_path / "truth.mrc", truth, stack=False)
    images = []
    for tilt in np.deg2rad(TILTS):  # only the large ones shine, so that only they have an elongation
        image = np.zeros((ny, nx))
        for z, y, x in large:
            u = (x + 1.5 - (nx - 1) / 2) * np.cos(tilt) - (z + 1.5 - (nz - 1) / 2) * np.sin(tilt) + (nx - 1) / 2
            low = int(np.clip(round(u - 1.5), 0, nx - 4))
            image[y:y + 4, low:low + 4] += 100
        images.append(image)
    write(tmp_path / "Si.mrc", np.stack(images))
    def objects(name):
        done = seitomo("compare", tmp_path / "Si.mrc", "-o", tmp_path / name, "--methods", "em", "--iterations", 5, "--depth", nz,
                       "--truth", tmp_path / "truth.mrc")
        return done.stderr, json.loads((tmp_path / name / "compare.json").read_text())["em"]["objects"]["value"]

    said, both = objects("c")
    assert f"{len(small) + len(large)} isolated objects; the 256 largest are measured" in said
    truth[72:] = 0
    (tmp_path / "truth.mrc").unlink()
    write(tmp_path / "truth.mrc", truth, stack=False)
    said, small_alone = objects("d")
    assert both > small_alone, (both, small_alone)


def test_the_truth_is_an_input_of_the_record(seitomo, tmp_path):
    write(tmp_path / "Si.mrc", np.random.default_rng(1).poisson(20, (len(TILTS), 8, 16)))
    truth = np.zeros((16, 8, 16))
    truth[5:10, 2:6, 5:10] = 1
    write(tmp_path / "truth.mrc", truth, stack=False)
    seitomo("compare", tmp_path / "Si.mrc", "-o", tmp_path / "c", "--methods", "wbp", "--truth", tmp_path / "truth.mrc")
    (record,) = [json.loads(p.read_text()) for p in (tmp_path / "c/wbp").glob("*.json")]
    listed = {i["name"]: i["sha256"] for i in record["inputs"]}
    assert listed["truth.mrc"] == hashlib.sha256((tmp_path / "truth.mrc").read_bytes()).hexdigest()
    assert {"Si.mrc", "Si.rawtlt", "truth.mrc"} == set(listed)
