"""What seitomo writes as EMD and TIFF opens in h5py, tifffile, rosettasciio and emdfile with the right shape, order, angles
and nanometres; what h5py and tifffile write reads back with every value; hostile HDF5 is refused by name and quickly."""
import json
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time
import zipfile

import pytest

np = pytest.importorskip("numpy")
h5py = pytest.importorskip("h5py")
tifffile = pytest.importorskip("tifffile")

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("SEITOMO_BIN", str(ROOT / "build" / "release" / "seitomo"))
TILTS = [-60.0, -33.3, 0.1, 45.25]
PIXEL_NM = 1.25


def call(*words, code=0):
    done = subprocess.run([BINARY, *map(str, words)], capture_output=True, text=True, timeout=120)
    assert done.returncode == code, f"{words}: exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def info(path):
    return json.loads(call("info", path, "--json").stdout)["files"][0]


def refused(path, *words):
    message = call("info", path, code=3).stderr
    for word in (pathlib.Path(path).name, *words):
        assert word in message, message
    assert len(message.strip().splitlines()) == 1
    return message


def ramp(dtype=np.uint16):
    return (np.arange(4 * 5 * 7).reshape(4, 5, 7) * 3 % 251).astype(dtype)


def add_array(file, name, data, dims, **attributes):
    group = file.create_group(name)
    group.attrs["emd_group_type"] = 1
    for key, value in attributes.items():
        group.attrs[key] = value
    if data is not None:
        group.create_dataset("data", data=data, **({} if data.ndim != 3 else {"compression": "gzip"}))
    for i, (values, axis, unit) in enumerate(dims):
        dim = group.create_dataset(f"dim{i + 1}", data=values)
        dim.attrs["name"] = axis
        dim.attrs["units"] = unit
    return group


def series_dims():
    return [(np.array(TILTS, np.float32), "angles", "[deg]"), (np.arange(5) * PIXEL_NM, "y", "[n_m]"),
            (np.arange(7) * PIXEL_NM, "x", "[n_m]")]


@pytest.fixture
def foreign_emd(tmp_path):
    """Two channels of one series, in the manner of ncempy."""
    path = tmp_path / "foreign.emd"
    with h5py.File(path, "w") as file:
        file.attrs["version_major"] = 0
        file.attrs["version_minor"] = 2
        add_array(file, "data/HAADF", ramp(), series_dims())
        add_array(file, "data/Si_Ka", ramp(np.uint8), series_dims(), keV_first=1.66, keV_last=1.82)
    return path


def test_our_emd_opens_in_h5py(foreign_emd, tmp_path):
    out = tmp_path / "ours.emd"
    call("convert", foreign_emd, out)
    with h5py.File(out) as file:
        assert int(file.attrs["version_major"]) == 0 and int(file.attrs["version_minor"]) == 2
        group = file["data/HAADF"]
        assert int(group.attrs["emd_group_type"]) == 1
        assert group["data"].dtype == np.uint16 and group["data"].compression == "gzip" and group["data"].shuffle
        assert np.array_equal(group["data"][:], ramp())
        assert group["dim1"].dtype == np.float32
        assert (group["dim1"].attrs["name"], group["dim1"].attrs["units"]) == ("angles", "[deg]")
        assert np.array_equal(group["dim1"][:], np.array(TILTS, np.float32))
        assert group["dim3"].attrs["units"] == "[n_m]" and np.allclose(np.diff(group["dim3"][:]), PIXEL_NM)
        assert file["data/Si_Ka/data"].dtype == np.uint8
        assert np.allclose(file["data/Si_Ka"].attrs["energy_window_kev"], [1.66, 1.82])
        provenance = file.attrs["provenance"]
        assert "convert" in json.dumps(json.loads(provenance))


def test_our_emd_opens_in_rosettasciio(foreign_emd, tmp_path):
    rosettasciio = pytest.importorskip("rsciio.emd")
    out = tmp_path / "ours.emd"
    call("convert", foreign_emd, out)
    signals = rosettasciio.file_reader(str(out))
    assert len(signals) == 2
    by_title = {s["metadata"]["General"]["title"]: s for s in signals}
    haadf = by_title["HAADF"]
    # rosettasciio turns every EMD 0.2 array round, fastest axis first; the axes it names tell which is which
    assert np.array_equal(haadf["data"].transpose(), ramp())
    axes = haadf["axes"][::-1]
    assert [a["name"] for a in axes] == ["angles", "y", "x"]
    assert [a["units"] for a in axes] == ["deg", "nm", "nm"]
    assert all(abs(a["scale"] - PIXEL_NM) < 1e-9 for a in axes[1:])


def test_emd_of_rosettasciio(tmp_path):
    """It stores [x][y][tilt] with two values per axis; by their names the axes come out as [tilt][y][x]."""
    rosettasciio = pytest.importorskip("rsciio.emd")
    axes = [{"name": n, "units": u, "offset": o, "scale": s, "size": k, "navigate": n == "tilt", "index_in_array": i}
            for i, (n, u, o, s, k) in enumerate([("tilt", "deg", -60.0, 2.0, 4), ("y", "nm", 0.0, PIXEL_NM, 5),
                                                 ("x", "nm", 0.0, PIXEL_NM, 7)])]
    signal = {"data": ramp(), "axes": axes, "original_metadata": {},
              "metadata": {"General": {"title": "map"}, "Signal": {"signal_type": ""}}}
    rosettasciio.file_writer(str(tmp_path / "r.emd"), signal)
    said = info(tmp_path / "r.emd")
    assert (said["nx"], said["ny"], said["nz"]) == (7, 5, 4)
    assert said["tilt_deg"] == [-60, -58, -56, -54] and said["pixel"]["value"] == PIXEL_NM
    call("convert", tmp_path / "r.emd", tmp_path / "ours.emd")
    with h5py.File(tmp_path / "ours.emd") as file:
        group, = file["data"].values()
        assert np.array_equal(group["data"][:], ramp())


def test_our_tiff_opens_in_tifffile(foreign_emd, tmp_path):
    call("convert", foreign_emd, tmp_path / "ours.tif")
    for channel, dtype in (("HAADF", np.uint16), ("Si_Ka", np.uint8)):
        with tifffile.TiffFile(tmp_path / f"ours_{channel}.tif") as file:
            assert file.is_imagej and len(file.pages) == 4
            data = file.asarray()
            assert data.dtype == dtype and np.array_equal(data, ramp(dtype))
            said = file.imagej_metadata
            assert said["images"] == 4 and said["unit"] == "nm"
            x, y = (file.pages[0].tags[t].value for t in ("XResolution", "YResolution"))
            assert abs(x[1] / x[0] - PIXEL_NM) < 1e-6 and abs(y[1] / y[0] - PIXEL_NM) < 1e-6


def test_volumes(tmp_path):
    data = np.random.default_rng(1).random((3, 5, 7), np.float32)
    with h5py.File(tmp_path / "volume.emd", "w") as file:
        add_array(file, "data/Si", data, [(np.arange(n) * 2.5, a, "[n_m]") for n, a in zip(data.shape, "zyx")])
    call("convert", tmp_path / "volume.emd", tmp_path / "v.tif")
    with tifffile.TiffFile(tmp_path / "v.tif") as file:
        assert np.array_equal(file.asarray(), data)
        assert file.imagej_metadata["spacing"] == 2.5 and file.imagej_metadata["unit"] == "nm"
    call("convert", tmp_path / "v.tif", tmp_path / "v.emd")
    with h5py.File(tmp_path / "v.emd") as file:
        assert file.attrs["emd_group_type"] == "file"
        group = file["volumes/Si"]
        assert group.attrs["emd_group_type"] == "array" and np.array_equal(group["data"][:], data)
        assert [group[f"dim{i}"].attrs["name"] for i in range(3)] == ["z", "y", "x"]
        assert group["dim0"].attrs["units"] == "nm" and np.allclose(np.diff(group["dim0"][:]), 2.5)
    rosettasciio = pytest.importorskip("rsciio.emd")
    signal, = rosettasciio.file_reader(str(tmp_path / "v.emd"))
    assert np.array_equal(signal["data"], data)
    assert [(a["name"], a["units"], a["scale"]) for a in signal["axes"]] == [(a, "nm", 2.5) for a in "zyx"]
    emdfile = pytest.importorskip("emdfile")
    array = emdfile.read(str(tmp_path / "v.emd"))
    array = array if hasattr(array, "data") else array.tree("Si")
    assert np.array_equal(array.data, data) and list(array.dim_units) == ["nm"] * 3


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "i8", "f2", "f4", "f8"])
def test_types_survive_emd_to_tiff_to_emd(tmp_path, dtype):
    data = ramp(dtype) / (4 if dtype[0] == "f" else 1)
    with h5py.File(tmp_path / "a.emd", "w") as file:
        add_array(file, "data/map", data.astype(dtype), series_dims())
    call("convert", tmp_path / "a.emd", tmp_path / "b.tif")
    call("convert", tmp_path / "b.tif", tmp_path / "c.emd")
    with h5py.File(tmp_path / "c.emd") as file:
        again = file["data/map/data"][:]
        assert np.array_equal(again, data)
        assert again.dtype == np.dtype({"i8": "i4"}.get(dtype, dtype))
        assert np.array_equal(file["seitomo/tilt_deg"][:], np.float64(np.float32(TILTS)))
        assert file["seitomo"].attrs["pixel_nm"] == PIXEL_NM


def test_nothing_is_lost_between_formats(tmp_path):
    """order, dose, axis, window and mask, written by hand as our EMD has them, through TIFF and back."""
    with h5py.File(tmp_path / "a.emd", "w") as file:
        add_array(file, "data/Si", ramp(), series_dims(), channel="Si K/L", channel_index=0, energy_window_kev=[1.66, 1.82])
        own = file.create_group("seitomo")
        own.attrs.update(pixel_nm=1 / 3, axis_deg=-86.5, axis_offset_px=0.125, aligned=1)
        own["tilt_deg"] = np.array(TILTS) + 1e-9
        own["order"] = np.array([2, 0, 1, 3], np.int32)
        own["dose_e_per_nm2"] = np.array([1.1, 2.2, 3.3, 4.4])
        own["valid"] = (np.indices((4, 5, 7)).sum(axis=0) % 3 > 0).astype(np.uint8)
    call("convert", tmp_path / "a.emd", tmp_path / "b.tif")
    call("convert", tmp_path / "b.tif", tmp_path / "c.emd")
    with h5py.File(tmp_path / "a.emd") as a, h5py.File(tmp_path / "c.emd") as c:
        for name in ("tilt_deg", "order", "dose_e_per_nm2", "valid"):
            assert np.array_equal(a["seitomo"][name][:], c["seitomo"][name][:]), name
        for name in ("pixel_nm", "axis_deg", "axis_offset_px", "aligned"):
            assert a["seitomo"].attrs[name] == c["seitomo"].attrs[name], name
        group, = c["data"].values()
        assert group.attrs["channel"] == "Si K/L"
        assert np.array_equal(group.attrs["energy_window_kev"], [1.66, 1.82])


def test_tomviz_layout(tmp_path):
    """Further channels in tomviz_scalars, the first among them as a soft link that bears its name."""
    with h5py.File(tmp_path / "t.emd", "w") as file:
        group = add_array(file, "data/tomography", ramp(np.float32), series_dims())
        scalars = group.create_group("tomviz_scalars")
        scalars["HAADF"] = h5py.SoftLink("/data/tomography/data")
        scalars["Si"] = ramp(np.float32) + 1
    said = info(tmp_path / "t.emd")
    assert sorted(said["channels"]) == ["HAADF", "Si"]
    assert said["tilt_deg"] == pytest.approx(TILTS, abs=1e-5) and said["pixel"]["value"] == PIXEL_NM


def test_imagej_stack_of_tifffile(tmp_path):
    path = tmp_path / "ij.tif"
    tifffile.imwrite(path, ramp(), imagej=True, resolution=(1 / PIXEL_NM, 1 / PIXEL_NM),
                     metadata={"axes": "ZYX", "unit": "nm", "spacing": 2.0})
    said = info(path)
    assert (said["nx"], said["ny"], said["nz"], said["stored"]) == (7, 5, 4, "uint16")
    assert said["pixel"]["value"] == PIXEL_NM
    (tmp_path / "ij.rawtlt").write_text("\n".join(map(str, TILTS)))
    call("convert", path, tmp_path / "ij.emd")
    with h5py.File(tmp_path / "ij.emd") as file:
        group, = file["data"].values()
        assert np.array_equal(group["data"][:], ramp())


def test_ome_and_compressed_and_big(tmp_path):
    path = tmp_path / "o.ome.tif"
    tifffile.imwrite(path, ramp(), ome=True, metadata={"axes": "ZYX", "PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "nm",
                                                       "PhysicalSizeY": 0.5, "PhysicalSizeYUnit": "nm"})
    assert info(path)["pixel"]["value"] == 0.5
    pytest.importorskip("imagecodecs")
    for options in ({"compression": "zlib"}, {"compression": "lzw", "predictor": True}, {"compression": "packbits"},
                    {"bigtiff": True}, {"byteorder": ">"}, {"tile": (16, 16), "compression": "zlib"}):
        tifffile.imwrite(tmp_path / "c.tif", ramp(), photometric="minisblack", **options)
        (tmp_path / "c.rawtlt").write_text("\n".join(map(str, TILTS)))
        call("convert", tmp_path / "c.tif", tmp_path / "c.emd", "--pixel-nm", "2", "--force")
        with h5py.File(tmp_path / "c.emd") as file:
            assert np.array_equal(file["data/c/data"][:], ramp()), options
    tifffile.imwrite(tmp_path / "z.tif", ramp(), compression="zstd", photometric="minisblack")
    refused(tmp_path / "z.tif", "Zstandard")


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.h5"
    with h5py.File(path, "w") as file:
        file["data"] = np.full((4, 5, 7), 42, np.uint8)
    return path


def hostile(tmp_path, build):
    path = tmp_path / "hostile.emd"
    with h5py.File(path, "w") as file:
        group = add_array(file, "data/map", None, series_dims())
        build(file, group)
    return path


def test_external_link(tmp_path, secret):
    def build(_, group):
        group["data"] = h5py.ExternalLink(secret.name, "/data")
    refused(hostile(tmp_path, build), "/data/map/data", "another file")


def test_external_link_anywhere(tmp_path, secret):
    def build(file, group):
        group["data"] = ramp()
        file["notes"] = h5py.ExternalLink(secret.name, "/data")
    refused(hostile(tmp_path, build), "/notes")


def test_external_storage(tmp_path):
    def build(_, group):
        group.create_dataset("data", (4, 5, 7), "u1", external=[("/etc/passwd", 0, 140)])
    refused(hostile(tmp_path, build), "/data/map/data", "external storage")


def test_virtual_dataset(tmp_path, secret):
    def build(_, group):
        layout = h5py.VirtualLayout((4, 5, 7), "u1")
        layout[:] = h5py.VirtualSource(str(secret), "data", (4, 5, 7))
        group.create_virtual_dataset("data", layout)
    refused(hostile(tmp_path, build), "/data/map/data", "virtual")


def test_virtual_dim(tmp_path, secret):
    def build(_, group):
        group["data"] = ramp()
        del group["dim1"]
        layout = h5py.VirtualLayout((4,), "f4")
        layout[:] = h5py.VirtualSource(str(secret), "data", (4,))
        group.create_virtual_dataset("dim1", layout)
    refused(hostile(tmp_path, build), "/data/map/dim1", "virtual")


def test_soft_link_loop(tmp_path):
    def build(file, group):
        group["data"] = ramp()
        file["a"] = h5py.SoftLink("/b")
        file["b"] = h5py.SoftLink("/a")
    refused(hostile(tmp_path, build), "circle")


def test_group_inside_itself(tmp_path):
    def build(file, group):
        group["data"] = ramp()
        group["again"] = file["data"]
    refused(hostile(tmp_path, build), "contains itself")


def test_unknown_filter(tmp_path):
    def build(_, group):
        group.create_dataset("data", data=ramp(), compression="lzf")
    trap = tmp_path / "plugins"
    trap.mkdir()
    # a library that leaves a mark when it is loaded; HDF5 asks every library of that folder for its filter
    (trap / "trap.c").write_text(f'''#include <stdio.h>
__attribute__((constructor)) static void loaded(void) {{ fclose(fopen("{tmp_path}/loaded", "w")); }}''')
    compiler = shutil.which("cc")
    if compiler:
        subprocess.run([compiler, "-shared", "-fPIC", "-o", trap / "libtrap.so", trap / "trap.c"], check=True)
    os.environ["HDF5_PLUGIN_PATH"] = str(trap)
    try:
        refused(hostile(tmp_path, build), "/data/map/data", "lzf")
    finally:
        del os.environ["HDF5_PLUGIN_PATH"]
    assert not (tmp_path / "loaded").exists()


def test_huge_declarations_take_no_memory(tmp_path):
    def build(_, group):
        group.create_dataset("data", (20000, 20000, 22000), "u1")
    path = hostile(tmp_path, build)
    assert path.stat().st_size < 20000
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    start = time.monotonic()
    refused(path, "/data/map/data", "declares 8800000000000 bytes")
    assert time.monotonic() - start < 2
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss - before < 64 * 1024

    def chunked(_, group):
        group.create_dataset("data", (20000, 20000, 22000), "u1", chunks=(1, 20000, 22000), compression="gzip")
    refused(hostile(tmp_path, chunked), "/data/map/data")


@pytest.mark.parametrize("most", [0, 1000, 5000, 9000, 20000])
def test_a_full_disk_is_an_error_and_nothing_else(foreign_emd, tmp_path, most):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    for out in ("full.emd", "full.tif"):
        done = subprocess.run([BINARY, "convert", foreign_emd, tmp_path / out], capture_output=True, text=True, preexec_fn=limit)
        assert done.returncode == 4 or (done.returncode == 0 and most > 1000), (done.returncode, done.stderr)
        if done.returncode == 4:
            assert not (tmp_path / out).exists()
        assert not [p for p in tmp_path.iterdir() if ".part" in p.name]


def test_objects_and_text_and_complex(tmp_path):
    for data in (np.array(["a", "b"], dtype=h5py.string_dtype()), np.zeros((4, 5, 7), np.complex64)):
        def build(_, group, data=data):
            group["data"] = data
        refused(hostile(tmp_path, build), "/data/map/data")


def test_other_hdf5_is_named(tmp_path):
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["image"] = ramp()
    refused(tmp_path / "x.h5", "not an EMD")
    with h5py.File(tmp_path / "x.hspy", "w") as file:
        file.attrs["file_format"] = "HyperSpy"
    refused(tmp_path / "x.hspy", "HyperSpy")


def test_real_files(tmp_path):
    root = os.environ.get("SEITOMO_TEST_DATA", "")
    folder = pathlib.Path(root) / "parse_emd"
    if not root or not folder.is_dir():
        pytest.skip("third-party data 'parse_emd' are absent (set SEITOMO_TEST_DATA to their folder)")
    for path in folder.glob("rsciio_example_*.emd"):
        if "object_dtype" in path.name:
            refused(path, "text")
            continue
        assert info(path)["format"].startswith("EMD 0.2")
    facts = info(folder / "rsciio_example_metadata.emd")["facts"]
    assert facts["microscope.voltage"]["value"] == "300kV" and facts["sample.material"]["value"] == "TiO2"
    for name in ("rsciio_fei_example_tem_stack.emd", "openncem_STEM_HAADF_Diffraction_Micro.emd"):
        said = info(folder / name)
        assert "Velox" in said["format"] and said["facts"]["velox_version"]["value"] == "8"
        message = call("convert", folder / name, tmp_path / "v.mrc", "--as", "series", code=3).stderr
        assert "Velox EMD (version 8)" in message and name in message
    with zipfile.ZipFile(folder / "rsciio_velox_emd_version11.zip") as archive:
        for name in archive.namelist():
            if name.endswith(".emd"):
                said = info(archive.extract(name, tmp_path))
                assert "Velox" in said["format"] and said["facts"]["velox_version"]["value"] == "11"
                assert (said["nx"], said["ny"]) == (16, 16)
