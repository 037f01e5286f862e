"""Claims: seitomo's methods and projectors agree with other programs.

tomopy: its stored results of 4 iterations (third-party data), correlation at least 0.999 (MLEM) and 0.998 (SIRT) inside
r < 21 px, both projectors. ASTRA toolbox on the CPU, linear kernel: forward projection, back projection and SIRT of 20
iterations agree to a relative RMSE of 1 %.
"""
import json
import os
import subprocess
from pathlib import Path

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")
mrcfile = pytest.importorskip("mrcfile", reason="mrcfile is not installed")

BIN = os.environ.get("SEITOMO_BIN")
pytestmark = pytest.mark.skipif(BIN is None, reason="SEITOMO_BIN names no seitomo program")


def reconstruct(folder, images, degrees, *words):
    """Reconstructs images[tilt][y][x] and returns (volume[z][y][x], summary)."""
    series, volume = folder / "series.mrc", folder / "volume.mrc"
    with mrcfile.new(str(series), overwrite=True) as mrc:
        mrc.set_data(np.ascontiguousarray(images, dtype=np.float32))
        mrc.voxel_size = 10.0
    (folder / "series.rawtlt").write_text("".join(f"{d:.10f}\n" for d in degrees))
    done = subprocess.run([BIN, "reconstruct", str(series), "-o", str(volume), "--axis", "y", "--json", "--quiet", "--force", *words],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with mrcfile.open(str(volume)) as mrc:
        assert mrc.data.dtype == np.float32
        return mrc.data.copy(), json.loads(done.stdout)


def correlation(a, b):
    return np.corrcoef(a.ravel(), b.ravel())[0, 1]


@pytest.mark.parametrize("projector", ["linear", "strip"])
@pytest.mark.parametrize("method,stored,least", [("em", "mlem.npy", 0.999), ("sirt", "sirt.npy", 0.998)])
def test_tomopy_reference(tmp_path, projector, method, stored, least):
    data = Path(os.environ.get("SEITOMO_TEST_DATA", "/nonexistent")) / "tomopy_reference"
    if not data.is_dir():
        pytest.skip("third-party data 'tomopy_reference' are absent (set SEITOMO_TEST_DATA)")
    images, degrees, theirs = np.load(data / "proj.npy"), np.degrees(np.load(data / "angle.npy")), np.load(data / stored)
    volume, summary = reconstruct(tmp_path, images, degrees, "--method", method, "--iterations", "4", "--projector", projector)
    ours = volume.transpose(1, 0, 2)  # [y][z][x], as their [row][y][x]
    assert ours.shape == theirs.shape
    z, x = np.mgrid[:48, :48] - 23.5
    inside = np.hypot(x, z) < 21
    for row in range(8):
        assert correlation(ours[row][inside], theirs[row][inside]) >= least
    # the level as well as the shape
    assert abs(ours[:, inside].mean() / theirs[:, inside].mean() - 1) < 0.02
    history = summary["channels"][0]["history"]
    assert len(history) == 5 and history[-1]["residual"] < history[0]["residual"]


N, NU = 96, 110
DEGREES = np.linspace(-70, 70, 29)


def phantom():
    """Something without symmetry."""
    z, x = np.mgrid[:N, :N] - (N - 1) / 2
    slice_ = 1.0 * (np.hypot(x / 30, z / 22) < 1) + 0.7 * (np.hypot(x - 12, z + 6) < 8) - 0.5 * (np.hypot(x + 9, z - 5) < 6)
    slice_[20:30, 60:64] += 2
    return slice_.astype(np.float32)


def astra_geometry(nu=NU):
    astra = pytest.importorskip("astra", reason="the ASTRA toolbox is not installed")
    # ASTRA's image rows run downwards: row z at y = -z, so x cos + y sin is our x cos - z sin at the same angle
    volume = astra.create_vol_geom(N, N)
    detector = astra.create_proj_geom("parallel", 1.0, nu, np.radians(DEGREES))
    return astra, volume, detector, astra.create_projector("linear", detector, volume)


def apply(operator, values, nu=NU):
    tool = Path(BIN).parent / "test_operators"
    if not tool.exists():
        pytest.skip(f"{tool.name} does not lie beside {BIN}")
    done = subprocess.run([str(tool), "--apply", operator, "cpu", "linear", str(N), str(N), str(nu), *map(str, DEGREES)],
                          input=np.ascontiguousarray(values, dtype=np.float32).tobytes(), capture_output=True)
    assert done.returncode == 0, done.stderr
    return np.frombuffer(done.stdout, dtype=np.float32)


def relative_rmse(ours, theirs):
    return np.sqrt(np.mean((ours - theirs) ** 2) / np.mean(theirs ** 2))


def test_astra_forward():
    astra, _, _, projector = astra_geometry()
    _, theirs = astra.create_sino(phantom(), projector)
    ours = apply("project", phantom()).reshape(theirs.shape)
    assert relative_rmse(ours, theirs) <= 0.01
    assert relative_rmse(ours[:, ::-1], theirs) > 0.1  # a mirrored detector would be seen


def test_astra_backprojection():
    astra, _, _, projector = astra_geometry()
    _, sinogram = astra.create_sino(phantom(), projector)
    _, theirs = astra.create_backprojection(sinogram, projector)
    ours = apply("backproject", sinogram).reshape(theirs.shape)
    assert relative_rmse(ours, theirs) <= 0.01
    assert relative_rmse(ours[::-1], theirs) > 0.05


def test_astra_sirt(tmp_path):
    astra, volume, detector, projector = astra_geometry(N)
    _, sinogram = astra.create_sino(phantom(), projector)
    data, image = astra.data2d.create("-sino", detector, sinogram), astra.data2d.create("-vol", volume, 0)
    config = astra.astra_dict("SIRT")
    config.update(ProjectorId=projector, ProjectionDataId=data, ReconstructionDataId=image)
    algorithm = astra.algorithm.create(config)
    astra.algorithm.run(algorithm, 20)
    theirs = astra.data2d.get(image)
    images = np.repeat(sinogram[:, None, :], 3, axis=1)  # three equal slices
    ours, _ = reconstruct(tmp_path, images, DEGREES, "--method", "sirt", "--iterations", "20")
    for y in range(3):
        assert relative_rmse(ours[:, y, :], theirs) <= 0.01
    assert np.array_equal(ours[:, 0], ours[:, 2])
