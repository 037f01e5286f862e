"""Claims: a reconstruction needs little more than its volume. 512 x 512 x 512 voxels from 25 tilts take at most 1.2 times volume,
two sinograms and maps, program and series included; an iteration of 2048 x 2048 x 64 from 141 tilts stays within 3 GiB. Large:
only with SEITOMO_FULL=1."""
import os
import subprocess

import pytest

np = pytest.importorskip("numpy", reason="numpy is not installed")
mrcfile = pytest.importorskip("mrcfile", reason="mrcfile is not installed")

BIN = os.environ.get("SEITOMO_BIN")
pytestmark = [pytest.mark.skipif(BIN is None, reason="SEITOMO_BIN names no seitomo program"),
              pytest.mark.skipif(not os.environ.get("SEITOMO_FULL"), reason="large: SEITOMO_FULL is not set")]


@pytest.mark.parametrize("n,ny,tilts,most", [(512, 512, 25, 1.2 * 4 * (512**3 + 2 * 25 * 512**2 + 2 * 512**2)),
                                             (2048, 64, 141, 3 * 2**30)])
def test_peak_memory(tmp_path, n, ny, tilts, most):
    u = np.arange(n) - (n - 1) / 2
    row = np.round(np.sqrt(np.clip((n / 5) ** 2 - u**2, 0, None))).astype(np.uint16)
    path = tmp_path / "wire.mrc"
    with mrcfile.new(str(path)) as mrc:
        mrc.set_data(np.broadcast_to(row, (tilts, ny, n)).copy())
        mrc.voxel_size = 20.0
    (tmp_path / "wire.rawtlt").write_text("".join(f"{t}\n" for t in np.linspace(-60, 60, tilts)))
    child = subprocess.Popen([BIN, "reconstruct", str(path), "-o", str(tmp_path / "v.mrc"), "--axis", "y", "--iterations", "1", "--quiet"])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    print(f"{n} x {n} x {ny}, {tilts} tilts: {usage.ru_maxrss / 1024:.1f} MiB, bound {most / 2**20:.1f} MiB")
    assert usage.ru_maxrss * 1024 <= most
