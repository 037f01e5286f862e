/*
 * Claims, for ref and every instruction set of cpu, and for both projectors: forward and back projection are transposes to
 * 1e-6; discs and ellipses anywhere project to their closed-form chords; a chiral phantom lands where the conventions of
 * types.h say (sign of the tilt, order of axes); even and odd sizes share one centre; at 0 and 90 degrees the projection is
 * the plain sum; strip keeps every voxel's mass, and both lose only what leaves the detector.
 */
#include "seitomo/recon.h"
#include "support/ellipses.h"
#include "support/operators.h"

static const sei_device_options devices[] = {{.name = "ref"},
                                             {.name = "cpu", .isa = "baseline"},
                                             {.name = "cpu", .isa = "avx2"},
                                             {.name = "cpu", .isa = "avx512"},
                                             {.name = "cpu", .isa = "neon"}};
enum { N_DEVICES = sizeof devices / sizeof devices[0] };

/* Calls `check` with every device of this machine and both projectors. */
static void everywhere(void (*check)(sei_device *device, sei_kernel kernel)) {
    for (int i = 0; i < N_DEVICES; ++i) {
        sei_device *device = NULL;
        if (sei_device_open(&devices[i], &device) != SEI_OK) continue;
        for (int kernel = 0; kernel < 2; ++kernel) check(device, (sei_kernel)kernel);
        sei_device_close(device);
    }
}

/* Projects values on the case's geometry. free() the result. */
static float *project(sei_device *d, const ops_case *c, const float *volume) {
    sei_buffer *v = ops_buffer(d, volume, ops_volume_count(c)), *s = ops_output(d, ops_sinogram_count(c));
    const ops_backend b = {.label = "device", .device = d};
    assert_ok(SEI_OP(d, project)(d, &c->slab, v, s));
    float *sinogram = ops_read(&b, s, ops_sinogram_count(c), "sinogram");
    ops_release(d, v);
    ops_release(d, s);
    return sinogram;
}

static float *backproject(sei_device *d, const ops_case *c, const float *sinogram) {
    sei_buffer *s = ops_buffer(d, sinogram, ops_sinogram_count(c)), *v = ops_output(d, ops_volume_count(c));
    const ops_backend b = {.label = "device", .device = d};
    assert_ok(SEI_OP(d, backproject)(d, &c->slab, s, v));
    float *volume = ops_read(&b, v, ops_volume_count(c), "volume");
    ops_release(d, s);
    ops_release(d, v);
    return volume;
}

static double dot(const float *a, const float *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += (double)a[i] * (double)b[i];
    return sum;
}

static void check_adjoint(sei_device *d, sei_kernel kernel) {
    static const int shapes[][5] = {
        {33, 29, 37, 5, 11}, {32, 32, 32, 17, 7}, {1, 40, 9, 2, 5}, {40, 1, 44, 3, 5}, {64, 48, 65, 16, 25}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; ++i) {
        ops_case c;
        memset(&c, 0, sizeof c);
        c.seed = 40 + i;
        c.slab.kernel = kernel;
        ops_case_geometry(&c, shapes[i][0], shapes[i][1], shapes[i][2], shapes[i][3], shapes[i][4], i % 2 == 0 ? 90 : 63);
        for (int t = 0; t < c.slab.n_tilts; ++t) c.axis_u[t] += 0.37 * (double)i;
        float *x = ops_values(&c, 1, ops_volume_count(&c), false), *y = ops_values(&c, 2, ops_sinogram_count(&c), false);
        float *ax = project(d, &c, x), *aty = backproject(d, &c, y);
        const double left = dot(ax, y, ops_sinogram_count(&c)), right = dot(x, aty, ops_volume_count(&c));
        assert_true(left > 0);
        assert_close(left / right, 1, 1e-6);
        free(x);
        free(y);
        free(ax);
        free(aty);
    }
}

static void projectors_are_transposes(void **state) {
    (void)state;
    everywhere(check_adjoint);
}

/* Root mean square of the difference from the closed form, over all bins, as a part of the largest chord. */
static double ellipse_error(sei_device *d, sei_kernel kernel, const sei_test_ellipse *e, int n) {
    static const double tilts[] = {-90, -71.3, -60, -45, -30, -12, 0, 5, 33, 45, 60, 77, 90};
    ops_case c;
    memset(&c, 0, sizeof c);
    c.slab.kernel = kernel;
    ops_case_geometry(&c, n, n + 3, n + 1, 1, 13, 60);
    for (int t = 0; t < 13; ++t) {
        c.cos_tilt[t] = cos(tilts[t] * 3.14159265358979323846 / 180);
        c.sin_tilt[t] = sin(tilts[t] * 3.14159265358979323846 / 180);
        c.axis_u[t] += 0.25;
    }
    float *slice = sei_test_ellipse_slice(1, e, c.slab.nx, c.slab.nz), *got = project(d, &c, slice);
    double sum = 0, largest = 0;
    for (int i = 0; i < 13 * c.slab.nu; ++i) {
        const int t = i / c.slab.nu, u = i % c.slab.nu;
        const double want = sei_test_ellipse_bin(e, tilts[t], u - c.axis_u[t]);
        sum += ((double)got[i] - want) * ((double)got[i] - want);
        largest = fmax(largest, want);
    }
    free(slice);
    free(got);
    return sqrt(sum / (13 * c.slab.nu)) / largest;
}

/*
 * Both err where voxels stand for a curved edge: about a third of a voxel over the two edges of a shadow some 40 bins wide,
 * that is a few thousandths of the longest chord. On a grid twice as fine the error must fall by nearly two.
 */
static void check_ellipses(sei_device *d, sei_kernel kernel) {
    const double tolerance = kernel == SEI_KERNEL_STRIP ? 0.006 : 0.010;
    const sei_test_ellipse both[] = {{0, 0, 20, 20, 0, 1}, {7.3, -5.2, 17, 9, 25, 2.5}};
    for (int k = 0; k < 2; ++k) {
        const sei_test_ellipse e = both[k], twice = {2 * e.x0, 2 * e.z0, 2 * e.a, 2 * e.b, e.rotation_deg, e.density};
        for (int n = 63; n <= 64; ++n) {
            const double error = ellipse_error(d, kernel, &e, n), finer = ellipse_error(d, kernel, &twice, 2 * n);
            if (!(error < tolerance && finer < 0.65 * error)) {
                fail_msg("%s, kernel %d, %d px, ellipse %d: error %.5f, on twice the grid %.5f, tolerance %.4f", d->backend->name,
                         (int)kernel, n, k, error, finer, tolerance);
            }
        }
    }
}

static void discs_and_ellipses_project_to_their_chords(void **state) {
    (void)state;
    everywhere(check_ellipses);
}

/* One voxel at x = +10, z = +6, y = 2 of 5: its shadow's centre of mass is the formula of the conventions. */
static void check_chiral(sei_device *d, sei_kernel kernel) {
    for (int64_t nx = 40; nx <= 41; ++nx) {
        sei_volume volume = {0};
        sei_series geometry = {0}, images = {0};
        const int64_t nz = 31, ny = 5, ix = nx / 2 + 10, iz = nz / 2 + 6;
        assert_ok(sei_volume_alloc(nx, ny, nz, 1, &volume));
        assert_ok(sei_series_alloc(nx, ny, 3, 1, &geometry));
        volume.data[(iz * ny + 2) * nx + ix] = 1;
        geometry.axis_offset_px = 1.75;
        for (int t = 0; t < 3; ++t) geometry.tilts[t].tilt_deg = 40.0 * (t - 1);
        assert_ok(sei_reproject(d, &volume, &geometry, kernel, &images));
        for (int64_t t = 0; t < 3; ++t) {
            const double theta = geometry.tilts[t].tilt_deg * 3.14159265358979323846 / 180;
            const double x = (double)ix - 0.5 * (double)(nx - 1), z = (double)iz - 0.5 * (double)(nz - 1);
            double mass = 0, moment = 0, elsewhere = 0;
            for (int64_t i = 0; i < ny * nx; ++i) {
                const double value = (double)images.channels[0].data[t * ny * nx + i];
                if (i / nx != 2) elsewhere += fabs(value);
                mass += value;
                moment += value * (double)(i % nx);
            }
            assert_true(elsewhere == 0);
            assert_close(mass, 1, kernel == SEI_KERNEL_STRIP ? 1e-6 : 0.35);
            assert_close(moment / mass, x * cos(theta) - z * sin(theta) + 0.5 * (double)(nx - 1) + 1.75,
                         kernel == SEI_KERNEL_STRIP ? 0.05 : 0.3);
        }
        sei_volume_free(&volume);
        sei_series_free(&geometry);
        sei_series_free(&images);
    }
}

static void a_chiral_phantom_lands_where_the_conventions_say(void **state) {
    (void)state;
    everywhere(check_chiral);
}

/* At 0 degrees a bin is the sum over z; at +90 the sum over x with u = -z; at -90 with u = +z. Sizes even and odd. */
static void check_plain_sums(sei_device *d, sei_kernel kernel) {
    for (int n = 7; n <= 12; ++n) {
        ops_case c;
        memset(&c, 0, sizeof c);
        c.seed = 60 + (uint64_t)n;
        c.slab.kernel = kernel;
        ops_case_geometry(&c, n, n, n, 1, 3, 90);
        float *volume = ops_values(&c, 1, ops_volume_count(&c), false), *got = project(d, &c, volume);
        for (int u = 0; u < n; ++u) {
            double over_x = 0, over_z = 0, mirrored = 0;
            for (int k = 0; k < n; ++k) {
                over_z += (double)volume[k * n + u];
                over_x += (double)volume[u * n + k];
                mirrored += (double)volume[(n - 1 - u) * n + k];
            }
            assert_close((double)got[n + u], over_z, 1e-5);
            assert_close((double)got[u], over_x, 1e-5);           /* -90 */
            assert_close((double)got[2 * n + u], mirrored, 1e-5); /* +90 */
        }
        free(volume);
        free(got);
    }
}

static void right_angles_are_plain_sums(void **state) {
    (void)state;
    everywhere(check_plain_sums);
}

static void check_mass(sei_device *d, sei_kernel kernel) {
    ops_case c;
    memset(&c, 0, sizeof c);
    c.seed = 77;
    c.slab.kernel = kernel;
    ops_case_geometry(&c, 20, 23, 40, 3, 37, 90);
    float *volume = ops_values(&c, 1, ops_volume_count(&c), false), *got = project(d, &c, volume);
    double mass = 0;
    for (size_t i = 0; i < ops_volume_count(&c); ++i) mass += (double)volume[i];
    for (int t = 0; t < c.slab.n_tilts; ++t) {
        double sum = 0;
        for (int i = 0; i < 40 * 3; ++i) sum += (double)got[t * 120 + i];
        assert_close(sum / mass, 1, kernel == SEI_KERNEL_STRIP ? 1e-6 : 0.02);
    }
    free(got);
    c.slab.nu = 6; /* a detector narrower than the object: light is lost, never wrapped */
    for (int t = 0; t < c.slab.n_tilts; ++t) c.axis_u[t] = 2.5;
    got = project(d, &c, volume);
    for (int t = 0; t < c.slab.n_tilts; ++t) {
        double sum = 0;
        for (int i = 0; i < 6 * 3; ++i) sum += (double)got[t * 18 + i];
        assert_true(sum < 0.45 * mass);
    }
    free(volume);
    free(got);
}

static void strip_keeps_mass(void **state) {
    (void)state;
    everywhere(check_mass);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(projectors_are_transposes),
        cmocka_unit_test(discs_and_ellipses_project_to_their_chords),
        cmocka_unit_test(a_chiral_phantom_lands_where_the_conventions_say),
        cmocka_unit_test(right_angles_are_plain_sums),
        cmocka_unit_test(strip_keeps_mass),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
