"""The spectra a simulation writes open in rosettasciio, not turned round, with axes in deg, nm and keV; h5py finds them
compressed; peaks stand where the lines of the specimen's elements are, stray copper among them."""
import h5py
import numpy as np
import pytest

DESCRIPTION = """
image: {nx: 16, ny: 12, nz: 16, pixel_nm: 10, subsamples: 2}
tilts: {from: -30, to: 30, step: 30}
channels:
  - {name: Si, kind: eds, counts: 200, peak_to_background: 60}
  - {name: O, kind: eds, counts: 100, peak_to_background: 75}
materials: [{name: native_oxide}]
bodies: [{shape: cylinder, material: native_oxide, centre_nm: [0, 0, 0], half_nm: [60, 0, 60]}]
spectra: {images: yes, stray: [{element: Cu, share: 0.2}]}
output: {volumes: no, measures: no, pictures: no}
"""


@pytest.fixture(scope="module")
def folder(seitomo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("spectra")
    (folder / "oxide.yaml").write_text(DESCRIPTION)
    findings = seitomo("doctor", json_summary=True)["findings"]
    if not next(f["ok"] for f in findings if f["what"] == "atoms"):
        pytest.skip("this build has no xraylib")
    seitomo("simulate", folder / "oxide.yaml", "-o", folder / "out")
    return folder / "out"


def test_rosettasciio_reads_them_as_written(folder):
    emd = pytest.importorskip("rsciio.emd")
    by_rank = {signal["data"].ndim: signal for signal in emd.file_reader(str(folder / "spectra.emd"))}
    images, summed = by_rank[4], by_rank[2]
    assert images["data"].shape == (3, 12, 16, 1024) and images["data"].dtype == np.uint16
    assert [(a["name"], a["units"]) for a in images["axes"]] == [("tilt", "deg"), ("y", "nm"), ("x", "nm"), ("energy", "keV")]
    assert np.allclose([a["scale"] for a in images["axes"]], [30, 10, 10, 0.01])
    assert np.array_equal(images["data"].sum(axis=(1, 2)), summed["data"])


def test_peaks_stand_at_the_lines(folder):
    with h5py.File(folder / "spectra.emd") as file:
        data = file["spectra/images/data"]
        assert data.compression == "gzip" and data.shuffle and data.chunks == (1, 1, 16, 1024)
        spectrum = file["spectra/summed/data"][:].sum(axis=0)
        energy = file["spectra/summed/dim1"][:]
        assert "simulate" in file.attrs["provenance"]
    for low, high, line in [(0.45, 0.6, 0.5249), (1.65, 1.83, 1.7397), (7.8, 8.3, 8.041)]:
        window = (energy > low) & (energy < high)
        centre = (spectrum[window] * energy[window]).sum() / spectrum[window].sum()
        assert abs(centre - line) < 0.01
    assert spectrum[(energy > 3) & (energy < 7)].max() < 0.05 * spectrum.max()
