"""Segmentation's tools agree with those of others on 200 random volumes each: components with scipy.ndimage and
connected-components-3d, distances with scipy.ndimage, Otsu's thresholds with scikit-image, smoothing with scipy.ndimage,
and surfaces with the analytic areas of spheres and of randomly oriented planes and ellipsoids. The library is called through ctypes on
NumPy's own memory."""
import ctypes
import os
import pathlib

import pytest

np = pytest.importorskip("numpy")
ndimage = pytest.importorskip("scipy.ndimage")

ROOT = pathlib.Path(__file__).resolve().parents[2]
BINARY = pathlib.Path(os.environ.get("SEITOMO_BIN", ROOT / "build" / "release" / "seitomo"))
LIBRARY = pathlib.Path(os.environ.get("SEITOMO_BUILD", BINARY.parent)) / "libseitomo.so"
VOLUMES = 200


@pytest.fixture(scope="module")
def library():
    if not LIBRARY.exists():
        pytest.skip(f"no library at {LIBRARY}: build it, or set SEITOMO_BUILD")
    lib = ctypes.CDLL(str(LIBRARY))
    lib.sei_last_error.restype = ctypes.c_char_p
    return lib


def pointer(array):
    assert array.flags.c_contiguous
    return array.ctypes.data_as(ctypes.c_void_p)


def sizes(array):
    nz, ny, nx = array.shape
    return ctypes.c_int64(nx), ctypes.c_int64(ny), ctypes.c_int64(nz)


def components(library, classes, connectivity, name="sei_components"):
    labels, n = np.empty(classes.shape, np.uint32), ctypes.c_uint32()
    status = getattr(library, name)(pointer(classes), *sizes(classes), connectivity, pointer(labels), ctypes.byref(n))
    assert status == 0, library.sei_last_error()
    assert labels.max(initial=0) == n.value
    return labels


def by_first_voxel(labels):
    """Renumbers components in the order of their first voxels, which other programs do not promise."""
    values, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    order = np.argsort(np.where(values > 0, first, -1))
    number = np.zeros(len(values), np.uint32)
    number[[i for i in order if values[i] > 0]] = np.arange(1, np.count_nonzero(values) + 1)
    return number[inverse].reshape(labels.shape)


def random_masks(seed):
    rng = np.random.default_rng(seed)
    for index in range(VOLUMES):
        shape = rng.integers(1, 28, 3)
        field = rng.random(shape)
        if index % 2:  # blobs, not only salt and pepper
            field = ndimage.gaussian_filter(field, 1.2)
        yield (field < np.quantile(field, rng.random())).astype(np.uint8), rng


def test_components_equal_scipy(library):
    for mask, _ in random_masks(1):
        for connectivity, rank in ((6, 1), (18, 2), (26, 3)):
            theirs, _ = ndimage.label(mask, ndimage.generate_binary_structure(3, rank))
            assert np.array_equal(components(library, mask, connectivity), by_first_voxel(theirs))


def test_components_of_classes_equal_cc3d(library):
    cc3d = pytest.importorskip("cc3d", reason="connected-components-3d is not installed")
    for mask, rng in random_masks(2):
        classes = (mask * rng.integers(1, 4, mask.shape)).astype(np.uint8)
        classes = np.where(ndimage.uniform_filter(rng.random(mask.shape), 3) < 0.5, classes, 2 * mask).astype(np.uint8)
        for connectivity in (6, 18, 26):
            theirs = by_first_voxel(cc3d.connected_components(classes, connectivity=connectivity))
            assert np.array_equal(components(library, classes, connectivity, "sei_components_of_classes"), theirs)
            theirs = by_first_voxel(cc3d.connected_components(mask, connectivity=connectivity))
            assert np.array_equal(components(library, mask, connectivity), theirs)


def test_distances_equal_scipy(library):
    def distance2(mask, border):
        out = np.empty(mask.shape, np.float32)
        assert library.sei_distance2(pointer(mask), *sizes(mask), ctypes.c_bool(border), pointer(out)) == 0
        return out

    for mask, _ in random_masks(3):
        if not mask.all():
            assert np.array_equal(distance2(mask, False), np.rint(ndimage.distance_transform_edt(mask) ** 2))
        framed = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1, 1:-1]
        assert np.array_equal(distance2(mask, True), np.rint(framed**2))


def otsu(library, data, classes):
    found = np.empty(classes - 1)
    status = library.sei_otsu(pointer(data), ctypes.c_size_t(data.size), None, classes, 256, pointer(found))
    assert status == 0, library.sei_last_error()
    return found


def between_class(data, edges, cuts):
    """Otsu's criterion of the partition of a 256-bin histogram at the given thresholds, up to what is constant."""
    counts, _ = np.histogram(data, edges)
    centres = np.arange(256)
    total = 0.0
    for members in np.split(np.arange(256), cuts):
        if counts[members].sum() > 0:
            total += (counts[members] * centres[members]).sum() ** 2 / counts[members].sum()
    return total


@pytest.mark.parametrize("classes", [2, 3, 4])
def test_otsu_parts_the_data_as_scikit_image(library, classes):
    filters = pytest.importorskip("skimage.filters", reason="scikit-image is not installed")
    rng = np.random.default_rng(4)
    equal = 0
    for index in range(VOLUMES):
        modes = rng.uniform(-50, 200, classes)
        data = rng.normal(modes[rng.integers(0, classes, 4000)], rng.uniform(2, 30)).astype(np.float32)
        if index % 3 == 0:
            data = rng.poisson(np.abs(data) / 4).astype(np.float32)
        wide = data.astype(np.float64)
        theirs = filters.threshold_multiotsu(wide, classes) if classes > 2 or index % 2 else [filters.threshold_otsu(wide)]
        ours = otsu(library, data, classes)
        edges = np.histogram_bin_edges(wide, 256)
        their_cuts = [int(np.searchsorted(edges, t, side="right")) for t in theirs]  # the bin of a threshold belongs below it
        their_class = np.digitize(np.clip(np.searchsorted(edges, wide, side="right") - 1, 0, 255), their_cuts)
        our_class = (wide[:, None] > ours[None, :]).sum(axis=1)
        if np.array_equal(our_class, their_class):
            equal += 1
            continue
        # they search in single precision: where they part the data otherwise, ours must be the better partition
        our_cuts = [int(np.clip(np.searchsorted(edges, wide[our_class > c].min(), side="right") - 1, 0, 255)) for c in range(classes - 1)]
        mine, other = between_class(wide, edges, our_cuts), between_class(wide, edges, their_cuts)
        assert mine >= other * (1 - 1e-12), (index, ours, theirs)
        assert mine <= other * (1 + 1e-4), (index, ours, theirs)
    assert equal >= 0.95 * VOLUMES, equal


def test_smoothing_equals_scipy(library):
    rng = np.random.default_rng(5)
    for _ in range(40):
        data = rng.normal(size=rng.integers(1, 24, 3)).astype(np.float32)
        sigma = rng.uniform(0.3, 4)
        theirs = ndimage.gaussian_filter(data.astype(np.float64), sigma, mode="reflect", truncate=4.0)
        ours = data.copy()
        assert library.sei_smooth_gaussian(pointer(ours), *sizes(ours), ctypes.c_double(sigma)) == 0
        assert np.abs(ours - theirs).max() < 1e-6


class Labels(ctypes.Structure):
    """The head of sei_labels; the classes and facts that follow stay empty."""

    _fields_ = [("nx", ctypes.c_int64), ("ny", ctypes.c_int64), ("nz", ctypes.c_int64), ("voxel_nm", ctypes.c_double),
                ("data", ctypes.c_void_p), ("rest", ctypes.c_uint64 * 8)]


def area(library, classes, voxel_nm=1.0):
    labels = Labels(classes.shape[2], classes.shape[1], classes.shape[0], voxel_nm, classes.ctypes.data)
    out = np.empty((256, 256))
    assert library.sei_measure_areas(ctypes.byref(labels), pointer(out)) == 0
    return out[1, 0]


def test_surfaces_of_ellipsoids(library):
    rng = np.random.default_rng(6)
    n = 64
    z, y, x = np.mgrid[:n, :n, :n] - (n - 1) / 2
    errors = []
    for _ in range(30):
        half = rng.uniform(8, 24, 3)
        turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
        u = np.tensordot(turn, np.stack([x, y, z]), 1) / half[:, None, None, None]
        # area of an ellipsoid by quadrature over the unit sphere's mid-point grid
        theta, phi = (np.arange(400) + 0.5) * np.pi / 400, (np.arange(400) + 0.5) * 2 * np.pi / 400
        s, c = np.sin(theta)[:, None], np.cos(theta)[:, None]
        a, b, d = half
        element = s * np.sqrt((b * d * s * np.cos(phi)) ** 2 + (a * d * s * np.sin(phi)) ** 2 + (a * b * c) ** 2)
        truth = element.sum() * (np.pi / 400) * (2 * np.pi / 400)
        errors.append(area(library, (np.sum(u**2, axis=0) < 1).astype(np.uint8)) / truth - 1)
    assert np.abs(errors).max() < 0.03, errors
    assert abs(np.mean(errors)) < 0.01


def test_surfaces_of_spheres(library):
    rng = np.random.default_rng(8)
    for radius in (8, 10, 13, 17, 22, 28):
        n = 2 * radius + 6
        for _ in range(4):
            z, y, x = np.mgrid[:n, :n, :n] - (n - 1) / 2 - rng.uniform(-0.5, 0.5, 3)[:, None, None, None]
            found = area(library, (x**2 + y**2 + z**2 < radius**2).astype(np.uint8)) / (4 * np.pi * radius**2)
            assert abs(found - 1) < (0.015 if radius < 10 else 0.006), (radius, found)


def rim_loss():
    """How much a disc's radius seems smaller when both ends of a pair of voxels must lie in the ball that it cuts: a step of
    length h at the angle t to the plane's normal crosses the plane anywhere along itself, so that its outer end reaches
    h sin t |cos f| / 2 beyond the crossing towards the rim, on average. Over all normals and azimuths f, crossings weighing
    w cos t: sum of w h (1/3) (2/pi) / 2 over sum of w / 2, with the shares w of the sphere that the 13 directions have."""
    shares = 3 * 2 * 0.04577789120476, 6 * 2 * 0.03698062787608, 4 * 2 * 0.03519563978232
    return 2 / (3 * np.pi) * sum(w * np.sqrt(k) for w, k in zip(shares, (1, 2, 3)))


def test_planes_of_any_orientation(library):
    """The error of one orientation, and that its mean over all is none: Crofton's formula is exact there. A plane that
    halves a ball of 24 voxels."""
    rng = np.random.default_rng(6)
    n = 64
    z, y, x = np.mgrid[:n, :n, :n] - (n - 1) / 2
    truth = np.pi * (24 - rim_loss()) ** 2
    planes = []
    for _ in range(100):
        normal = rng.normal(size=3)
        normal /= np.linalg.norm(normal)
        inside = (normal[0] * x + normal[1] * y + normal[2] * z < 0) & (x**2 + y**2 + z**2 < 24**2)
        ball = (x**2 + y**2 + z**2 < 24**2).astype(np.uint8)
        both = np.where(inside, 1, ball * 2).astype(np.uint8)
        labels = Labels(n, n, n, 1.0, both.ctypes.data)
        out = np.empty((256, 256))
        assert library.sei_measure_areas(ctypes.byref(labels), pointer(out)) == 0
        planes.append(out[1, 2] / truth - 1)
    # a plane's rms error is 1.6 % (measure.h), so the mean of 100 has a standard error of 0.16 %
    assert np.abs(planes).max() < 0.08 and np.std(planes) < 0.02 and abs(np.mean(planes)) < 0.006, planes
