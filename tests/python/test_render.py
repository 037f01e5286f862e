"""Claims: `seitomo render` draws every picture it announces, the same bytes each time; nothing is overwritten without
--force; targets are checked before anything is drawn; wrong calls leave with 2, wrong inputs with 3."""

import json
import os
import struct
import subprocess

import pytest


def run(*words):
    binary = os.environ.get("SEITOMO_BIN")
    if not binary:
        pytest.skip("SEITOMO_BIN is not set")
    return subprocess.run([binary, "render", *map(str, words)], capture_output=True, text=True, timeout=120, check=False)


def write_mrc(path, nx, ny, nz, value, mode=2):
    """An MRC2014 volume of 2 nm voxels by the format's own description."""
    header = bytearray(1024)
    struct.pack_into("<10i", header, 0, nx, ny, nz, mode, 0, 0, 0, nx, ny, nz)
    struct.pack_into("<6f", header, 40, nx * 20.0, ny * 20.0, nz * 20.0, 90, 90, 90)
    struct.pack_into("<3i", header, 64, 1, 2, 3)
    struct.pack_into("<2i", header, 88, 1, 0)
    header[208:216] = b"MAP \x44\x44\x00\x00"
    cells = [value(x, y, z) for z in range(nz) for y in range(ny) for x in range(nx)]
    path.write_bytes(bytes(header) + struct.pack(f"<{len(cells)}{'f' if mode == 2 else 'b'}", *cells))


@pytest.fixture(scope="module")
def wire(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wire")

    def radius(x, z):
        return ((x - 14.5) ** 2 + (z - 13.5) ** 2) ** 0.5

    write_mrc(folder / "Si.mrc", 30, 20, 28, lambda x, y, z: 5.0 * (radius(x, z) < 7))
    write_mrc(folder / "O.mrc", 30, 20, 28, lambda x, y, z: 2.0 * (7 <= radius(x, z) < 11))
    write_mrc(folder / "labels.mrc", 30, 20, 28, lambda x, y, z: 1 if radius(x, z) < 7 else 2 if radius(x, z) < 11 else 0, mode=0)
    return folder


def test_every_picture_it_announces(wire, tmp_path):
    words = (f"Si={wire / 'Si.mrc'}", f"O={wire / 'O.mrc'}", "--plane", "xz,xy", "--composite", "--views", "0,30", "--labels", wire / "labels.mrc")
    first = run(*words, "-o", tmp_path / "a", "--json")
    assert first.returncode == 0, first.stderr
    files = [one["file"] for one in json.loads(first.stdout)["pictures"]]
    assert sorted(files) == sorted(["slice_Si_xz.png", "slice_O_xz.png", "slices_xz.png", "composite_xz.png", "labels_xz.png", "slice_Si_xy.png",
                                    "slice_O_xy.png", "slices_xy.png", "composite_xy.png", "labels_xy.png", "view_0.png", "view_30.png"])
    assert sorted(p.name for p in (tmp_path / "a").iterdir()) == sorted(files + ["render.json"])
    record = json.loads((tmp_path / "a" / "render.json").read_text())
    assert record["parameters"]["views_deg"] == "0,30" and len(record["inputs"]) == 3
    second = run(*words, "-o", tmp_path / "b", "--threads", 1)
    assert second.returncode == 0, second.stderr
    for name in files + ["render.json"]:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name
        assert name.endswith(".json") or (tmp_path / "a" / name).read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_nothing_is_overwritten_unasked(wire, tmp_path):
    picture = tmp_path / "slice_Si_xz.png"
    picture.write_text("mine")
    refused = run(f"Si={wire / 'Si.mrc'}", "-o", tmp_path)
    assert refused.returncode == 4 and "--force" in refused.stderr and picture.read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["slice_Si_xz.png"]
    assert run(f"Si={wire / 'Si.mrc'}", "-o", tmp_path, "--force").returncode == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_labels_alone(wire, tmp_path):
    done = run("--labels", wire / "labels.mrc", "-o", tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["labels_xz.png", "render.json"]


@pytest.mark.parametrize("words, code, part", [
    (("--plane", "xw"), 2, "xw"), (("--cut", "2"), 2, "0 and 1"), (("--views", "0,x"), 2, "'x'"), (("--percentiles", "5"), 2, "LOW,HIGH"),
    (("--position-nm", "500"), 3, "outside the volume"), (("--percentiles", "90,10"), 3, "low < high"), (("--channels", "Fe", "--composite"), 3, "Fe")])
def test_wrong_calls_are_refused(wire, tmp_path, words, code, part):
    refused = run(f"Si={wire / 'Si.mrc'}", "-o", tmp_path / "out", *words)
    assert refused.returncode == code and part in refused.stderr, refused.stderr
    assert not list((tmp_path / "out").glob("*")) if (tmp_path / "out").exists() else True


def test_two_files_of_one_name(wire, tmp_path):
    refused = run(f"Si={wire / 'Si.mrc'}", f"Si={wire / 'O.mrc'}", "-o", tmp_path / "out")
    assert refused.returncode == 3 and "NAME=FILE" in refused.stderr


def test_the_record_holds_what_changes_pictures(wire, tmp_path):
    done = run(f"Si={wire / 'Si.mrc'}", f"O={wire / 'O.mrc'}", "--composite", "--channels", "O", "--pixel-nm", 3, "-o", tmp_path / "a")
    assert done.returncode == 0, done.stderr
    given = json.loads((tmp_path / "a" / "render.json").read_text())["parameters"]
    assert given["composite"] == "yes" and given["channel_1"] == "O" and float(given["pixel_nm"]) == 3
