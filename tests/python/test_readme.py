"""The README's commands do what it says: its lines of 'seitomo' run as they stand, on a small simulated wire."""
import os
import re
import subprocess

from conftest import ROOT

SPECIMEN = """
title: small wire
image: {nx: 48, ny: 24, nz: 48, pixel_nm: 3, subsamples: 2}
tilts: {from: -60, to: 60, step: 10}
channels: [{name: HAADF, noise: 0.005}, {name: Si, counts: 80}, {name: O, counts: 40}, {name: F, counts: 30}, {name: C, counts: 20}]
materials:
  - {name: silicon, label: 1, signal: [1, 1, 0, 0, 0]}
  - {name: sei, label: 2, signal: [0.4, 0, 1, 1, 1]}
  - {name: pore, label: 3, signal: [0, 0, 0, 0, 0]}
bodies:
  - {shape: cylinder, material: sei, centre_nm: [0, 0, 0], half_nm: [48, 0, 48]}
  - {shape: ellipsoid, material: sei, centre_nm: [40, 10, 10], half_nm: [18, 14, 18]}
  - {shape: cylinder, material: silicon, centre_nm: [0, 0, 0], half_nm: [30, 0, 30]}
  - {shape: ellipsoid, material: pore, centre_nm: [4, -6, 3], half_nm: [10, 12, 10]}
experiment: {drift_px: 2}
"""


def commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.S)
    return [line for block in blocks for line in block.splitlines() if line.startswith("seitomo ")]


def test_its_commands_run(seitomo, tmp_path):
    (tmp_path / "wire.yaml").write_text(SPECIMEN)
    seitomo("simulate", tmp_path / "wire.yaml", "-o", tmp_path / "wire36")
    (tmp_path / "tilt_series.emd").write_bytes((tmp_path / "wire36" / "series.emd").read_bytes())
    (tmp_path / "data").symlink_to(ROOT / "data")
    found = commands()
    assert any(" info " in c for c in found) and any(" run " in c for c in found)
    path = f"{os.path.dirname(seitomo.binary)}:{os.environ['PATH']}"
    for command in found:
        here = command.replace("/data/wire36", str(tmp_path / "wire36")).replace("-o wire36", "-o out36")
        done = subprocess.run(["bash", "-c", here], cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PATH": path})
        assert done.returncode == 0, f"{here}\n{done.stderr}"
    for name in ("report.html", "measures.json", "volumes/em/Si.mrc", "labels/labels.mrc", "aligned"):
        assert (tmp_path / "out36" / name).exists(), sorted(p.name for p in (tmp_path / "out36").iterdir())
