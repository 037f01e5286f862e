"""What mrcfile and numpy write, seitomo reads with every value, in every mode and both byte orders; every MRC that seitomo
writes passes mrcfile.validate and reads back there; FEI extended headers filled through mrcfile's own field table come out with
their numbers; damaged headers end with one line and exit code 3."""
import contextlib
import io
import json
import os
import pathlib
import random
import subprocess

import pytest

np = pytest.importorskip("numpy")
mrcfile = pytest.importorskip("mrcfile")
dtypes = pytest.importorskip("mrcfile.dtypes")

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SEITOMO_BIN", str(ROOT / "build" / "release" / "seitomo"))
TILTS = [-40.0, -3.25, 20.5]


def call(*words, code=0):
    done = subprocess.run([BINARY, *map(str, words)], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def info(path):
    return json.loads(call("info", path, "--json").stdout)["files"][0]


def assert_valid(path):
    said = io.StringIO()
    with contextlib.redirect_stderr(io.StringIO()):
        assert mrcfile.validate(str(path), print_file=said), said.getvalue()


def stack(dtype):
    """An asymmetric stack of 3 images, 4 rows, 5 columns that uses the type's range."""
    values = np.arange(60).reshape(3, 4, 5).astype(np.float64) * 2 - 20
    if np.dtype(dtype) == np.uint16:
        values = values - values.min()
        values[2, 3, 4] = 65535
    if np.dtype(dtype) == np.float32:
        values[0, 1, 2] = 1e-7
    if np.dtype(dtype) == np.float16:
        values[0, 1, 2] = 0.5
    if np.dtype(dtype) == np.int16:
        values[1, 1, 1] = -32768
    return values.astype(dtype)


def write_with_mrcfile(path, data, voxel=15.0, volume=False, extended=None, kind=b""):
    with mrcfile.new(str(path), overwrite=True) as mrc:
        mrc.set_data(data)
        if not volume:
            mrc.set_image_stack()
        if extended is not None:
            mrc.set_extended_header(extended)
            mrc.header.exttyp = kind
        mrc.voxel_size = voxel
        mrc.update_header_stats()


def angles_beside(path):
    path.with_suffix(".rawtlt").write_text("".join(f"{t}\n" for t in TILTS))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("name", ["i1", "i2", "f4", "u2", "f2"])
def test_every_mode_and_byte_order(tmp_path, name, order):
    data = stack(np.dtype(name)).astype(np.dtype(order + name))
    source = tmp_path / "in.mrc"
    write_with_mrcfile(source, data)
    raw = source.read_bytes()
    assert raw[212] == (0x11 if order == ">" and name != "i1" else 0x44)
    angles_beside(source)
    call("convert", source, tmp_path / "out.mrc", "--channels", "HAADF=in")
    assert_valid(tmp_path / "out.mrc")
    with mrcfile.open(str(tmp_path / "out.mrc")) as mrc:
        assert mrc.is_image_stack()
        assert mrc.data.shape == (3, 4, 5)
        assert np.array_equal(mrc.data, data.astype(data.dtype.newbyteorder("=")))
        if name not in ("f2",):  # halves go to mode 2: few programs know mode 12
            assert mrc.data.dtype == np.dtype(name)
        assert abs(float(mrc.voxel_size.x) - 15.0) < 1e-5
        assert mrc.header.exttyp.item() == b"SERI"
        written = np.frombuffer(mrc.extended_header.tobytes(), "<i2")[:3] / 100
        assert np.array_equal(written, TILTS)
    facts = info(tmp_path / "out.mrc")
    assert facts["channels"] == ["HAADF"] and facts["tilt_deg"] == TILTS
    assert abs(facts["pixel"]["value"] - 1.5) < 1e-9


def test_hand_made_big_endian_with_numpy(tmp_path):
    """No library: a header packed by numpy in big-endian order, with IMOD's unsigned bytes."""
    header = np.zeros(256, ">i4")
    header[:4] = (5, 4, 3, 0)
    header[7:10] = (5, 4, 3)
    header[16:19] = (1, 2, 3)
    header[38] = 1146047817
    raw = bytearray(header.tobytes())
    raw[40:52] = np.array([50, 40, 30], ">f4").tobytes()
    raw[208:214] = b"MAP \x11\x11"
    data = np.arange(60, dtype=np.uint8) * 4
    source = tmp_path / "imod.st"
    source.write_bytes(bytes(raw) + data.tobytes())
    angles_beside(source)
    assert "uint8" in info(source)["facts"]["mode"]["value"]
    call("convert", source, tmp_path / "out.mrc")
    with mrcfile.open(str(tmp_path / "out.mrc")) as mrc:  # above 127 bytes go to mode 6, because mode 0 is signed
        assert mrc.header.mode == 6 and np.array_equal(mrc.data.ravel(), data)


@pytest.mark.parametrize("kind", ["FEI1", "FEI2"])
@pytest.mark.parametrize("order", ["<", ">"])
def test_fei_headers_through_mrcfiles_field_table(tmp_path, kind, order):
    fields = dtypes.get_ext_header_dtype(kind.encode(), order)
    extended = np.zeros(3, fields)
    extended["Metadata size"] = fields.itemsize
    extended["Bitmask 1"] = 0xFFFFFFFF
    extended["Timestamp"] = [45000.3, 45000.1, 45000.2]
    extended["Alpha tilt"] = TILTS
    extended["Pixel size X"] = extended["Pixel size Y"] = 2.5e-9
    extended["HT"] = 300e3
    extended["Dwell time"] = 2e-5
    extended["STEM Detector name"] = b"SuperXG21"
    extended["Element"] = b"Fe"
    extended["Energy interval lower"] = 6330
    extended["Energy interval higher"] = 6470
    source = tmp_path / "fei.mrc"
    write_with_mrcfile(source, stack(np.uint16).astype(order + "u2"), extended=extended, kind=kind.encode())
    said = info(source)
    assert said["content"] == "tilt series" and said["tilt_deg"] == TILTS
    assert said["channels"] == ["Fe"]
    assert abs(said["pixel"]["value"] - 2.5) < 1e-12
    assert said["facts"]["energy_window_kev"]["value"] == "6.33 to 6.47"
    assert said["facts"]["detector"]["value"] == "SuperXG21"
    assert kind in said["facts"]["angles"]["source"]
    assert float(said["facts"]["dwell_time_us"]["value"]) == pytest.approx(20)
    call("convert", source, tmp_path / "out.mrc")
    assert_valid(tmp_path / "out.mrc")
    order_column = [line.split()[1] for line in (tmp_path / "out_TLT.txt").read_text().splitlines()]
    assert order_column == ["3", "1", "2"]  # from the time stamps


def test_volumes_labels_and_masks_are_valid(tmp_path):
    volume = (np.arange(60).reshape(3, 4, 5) * 0.25 - 3).astype(np.float32)
    write_with_mrcfile(tmp_path / "vol.mrc", volume, volume=True)
    assert info(tmp_path / "vol.mrc")["content"] == "volume"
    call("convert", tmp_path / "vol.mrc", tmp_path / "vol2.mrc")
    assert_valid(tmp_path / "vol2.mrc")
    with mrcfile.open(str(tmp_path / "vol2.mrc")) as mrc:
        assert mrc.is_volume() and np.array_equal(mrc.data, volume)
        assert abs(float(mrc.voxel_size.z) - 15.0) < 1e-5

    write_with_mrcfile(tmp_path / "lab.mrc", (np.arange(60).reshape(3, 4, 5) % 4).astype(np.int8), volume=True)
    (tmp_path / "lab.json").write_text(json.dumps({"classes": [{"id": i, "name": f"c{i}", "rgb": [i, 2, 3]} for i in range(4)]}))
    assert info(tmp_path / "lab.mrc")["content"] == "labels"
    for name in ("lab2.mrc", "lab2.emd", "lab2.tif"):
        call("convert", tmp_path / "lab.mrc", tmp_path / name, "--force")
    call("convert", tmp_path / "lab2.emd", tmp_path / "lab3.mrc")
    assert_valid(tmp_path / "lab2.mrc")
    assert_valid(tmp_path / "lab3.mrc")
    classes = json.loads((tmp_path / "lab3.json").read_text())["classes"]
    assert [(c["id"], c["name"], c["rgb"]) for c in classes] == [(i, f"c{i}", [i, 2, 3]) for i in range(4)]

    series = tmp_path / "s.mrc"
    write_with_mrcfile(series, stack(np.int16))
    angles_beside(series)
    write_with_mrcfile(tmp_path / "s.valid.mrc", (np.arange(60).reshape(3, 4, 5) % 3 > 0).astype(np.int8))
    call("convert", series, tmp_path / "m.emd")
    call("convert", tmp_path / "m.emd", tmp_path / "m.mrc", "--force")
    assert_valid(tmp_path / "m.valid.mrc")
    with mrcfile.open(str(tmp_path / "m.valid.mrc")) as mrc:
        assert np.array_equal(mrc.data, (np.arange(60).reshape(3, 4, 5) % 3 > 0))


def test_a_circle_through_every_format_loses_nothing(tmp_path):
    source = tmp_path / "a.mrc"
    write_with_mrcfile(source, stack(np.int16), voxel=130.814)
    (tmp_path / "a_TLT.txt").write_text("-40.0031 2 1.234\n-3.25 1 1.2345e-3\n20.5 3 7\n")
    call("convert", source, tmp_path / "b.emd")
    call("convert", tmp_path / "b.emd", tmp_path / "c.tif")
    call("convert", tmp_path / "c.tif", tmp_path / "d.emd")
    call("convert", tmp_path / "d.emd", tmp_path / "e.mrc")
    call("convert", source, tmp_path / "f.mrc")
    assert (tmp_path / "e.mrc").read_bytes() == (tmp_path / "f.mrc").read_bytes()
    assert (tmp_path / "e_TLT.txt").read_text() == (tmp_path / "f_TLT.txt").read_text()
    rows = [line.split() for line in (tmp_path / "e_TLT.txt").read_text().splitlines()]
    assert [float(r[0]) for r in rows] == [-40.0031, -3.25, 20.5] and [r[1] for r in rows] == ["2", "1", "3"]
    assert [float(r[2]) for r in rows] == pytest.approx([1.234, 1.2345e-3, 7], rel=1e-15)
    message = call("convert", source, tmp_path / "b.emd", code=4).stderr
    assert "--force" in message


def test_geometry_is_asked_for(tmp_path):
    source = tmp_path / "plain.mrc"
    write_with_mrcfile(source, stack(np.int16), voxel=0)
    assert "--angles" in call("convert", source, tmp_path / "o.mrc", code=3).stderr
    angles = tmp_path / "angles.tlt"
    angles.write_text("20.5\n-40\n-3.25\n")
    assert "--pixel-nm" in call("convert", source, tmp_path / "o.mrc", "--angles", angles, code=3).stderr
    said = call("convert", source, tmp_path / "o.mrc", "--angles", angles, "--pixel-nm", "2")
    assert "sorted by tilt" in said.stderr
    with mrcfile.open(str(tmp_path / "o.mrc")) as mrc:
        assert np.array_equal(mrc.data, stack(np.int16)[[1, 2, 0]])
    assert [float(x) for x in (tmp_path / "o.rawtlt").read_text().split()] == [-40, -3.25, 20.5]
    for text, word in (("0\n1\n", "2 angles for 3 images"), ("0\n5\n5\n", "same tilt"), ("-1\n0\n1\n", "radians"), ("0\n\n5\n7\n", "blank"),
                       ("0\nnan\n7\n", "nan")):
        angles.write_text(text)
        message = call("convert", source, tmp_path / "p.mrc", "--angles", angles, "--pixel-nm", "2", code=3).stderr
        assert word in message and len(message.strip().splitlines()) == 1


def test_mutated_files_end_cleanly(tmp_path):
    fields = dtypes.get_ext_header_dtype(b"FEI1", "<")
    extended = np.zeros(3, fields)
    extended["Metadata size"] = fields.itemsize
    extended["Bitmask 1"] = 0xFFFFFFFF
    extended["Alpha tilt"] = TILTS
    source = tmp_path / "seed.mrc"
    write_with_mrcfile(source, stack(np.uint16), extended=extended, kind=b"FEI1")
    seed = source.read_bytes()
    chance = random.Random(20)
    extremes = [b"\xff\xff\xff\x7f", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x00\x00\x00\x00", b"\x01\x00\x00\x00"]
    for i in range(150):
        mutant = bytearray(seed)
        if i % 3 == 0:
            mutant = mutant[: chance.randrange(len(seed))]
        for _ in range(chance.randrange(1, 6)):
            at = 4 * chance.randrange(max(1, min(len(mutant), 1400) // 4))
            if i % 3 == 1:
                mutant[at:at + 4] = chance.choice(extremes)
            elif at < len(mutant):
                mutant[at] ^= 1 << chance.randrange(8)
        path = tmp_path / "mutant.mrc"
        path.write_bytes(mutant)
        done = subprocess.run([BINARY, "info", str(path)], capture_output=True, timeout=10)
        assert done.returncode in (0, 3), (i, done)
        if i % 3 == 0 and len(mutant) < len(seed):
            assert done.returncode == 3, (i, len(mutant))
        assert len(done.stderr.splitlines()) <= 1
