/*
 * Claims about a view: the sum of paths is the volume under any; whole pixels of shift move the image to the bit; blur and
 * smear add their variances and move nothing else; a blurred edge is an error function; a weight of 1 changes nothing, a linear
 * one and an exponential one follow their integrals, and along a body's chord the integral is exact; any number of threads
 * gives the same bits.
 */
#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/specimen.h"
#include "support/specimens.h"
#include "support/test.h"

static const double degree = 3.14159265358979323846 / 180;

/* ---- mass, shift, blur, smear */

static void mass_is_the_volume_under_any_view(void **state) {
    sei_body bodies[4];
    test_chiral(80, bodies);
    uint8_t *voxels = test_voxels_of(bodies, 4, 100, 80);
    const sei_specimen specimens[2] = {test_of_bodies(bodies, 4), test_of_voxels(voxels, 100, 80)};
    double volume[TEST_MATERIALS] = {0};
    (void)state;
    for (int i = 0; i < 1000000; ++i) volume[voxels[i]] += 0.8 * 0.8 * 0.8;
    for (int kind = 0; kind < 2; ++kind) {
        for (int which = 0; which < 7; ++which) {
            sei_view view = {.nx = 110, .ny = 100, .pixel_nm = 1.1, .subsamples = 4, .tilt_deg = 31};
            if (which == 1) view.tilt_deg = -64;
            if (which == 2) view.shift_px[0] = 4.3, view.shift_px[1] = -2.9;
            if (which == 3) view.smear_px[0] = 3.7, view.smear_px[1] = 2.1;
            if (which == 4) view.blur_nm = 1.9;
            if (which == 5) view.axis_deg = 27;
            if (which == 6) {
                view.axis_deg = -8, view.axis_offset_px = 3.3, view.blur_nm = 1.2;
                view.smear_px[0] = -2.2, view.smear_px[1] = 1.1, view.tilt_deg = 50;
            }
            float *paths = test_paths_of(&specimens[kind], &view, NULL);
            double mass[TEST_MATERIALS];
            for (int m = 0; m < TEST_MATERIALS; ++m) mass[m] = test_sum_of(paths + m * 11000, 11000) * 1.1 * 1.1;
            assert_close(mass[0], 0, 0);
            for (int m = 1; m < TEST_MATERIALS; ++m) assert_close(mass[m] / volume[m], 1, kind == 0 ? 0.02 : 0.001);
            if (which == 3 || which == 4) { /* the same rays, spread: nothing is lost */
                sei_view plain = view;
                plain.blur_nm = plain.smear_px[0] = plain.smear_px[1] = 0;
                float *sharp = test_paths_of(&specimens[kind], &plain, NULL);
                for (int m = 1; m < TEST_MATERIALS; ++m) {
                    assert_close(mass[m] / (test_sum_of(sharp + m * 11000, 11000) * 1.1 * 1.1), 1, 2e-6);
                }
                sei_free(sharp);
            }
            sei_free(paths);
        }
    }
    sei_free(voxels);
}

static void whole_pixels_of_shift_move_the_image_exactly(void **state) {
    sei_body bodies[4];
    test_chiral(50, bodies);
    uint8_t *voxels = test_voxels_of(bodies, 4, 70, 50);
    const sei_specimen specimens[2] = {test_of_bodies(bodies, 4), test_of_voxels(voxels, 70, 50)};
    (void)state;
    for (int kind = 0; kind < 2; ++kind) {
        sei_view view = {
            .nx = 64, .ny = 60, .pixel_nm = 1.3, .subsamples = 3, .tilt_deg = 23, .blur_nm = 0.7, .smear_px = {0.6, 0.4}};
        float *still = test_paths_of(&specimens[kind], &view, NULL);
        view.shift_px[0] = 5, view.shift_px[1] = -3;
        float *moved = test_paths_of(&specimens[kind], &view, NULL);
        for (int m = 0; m < TEST_MATERIALS; ++m) {
            for (int y = 3; y < 60; ++y) {
                assert_memory_equal(moved + (m * 60 + y - 3) * 64 + 5, still + (m * 60 + y) * 64, 59 * sizeof *still);
            }
        }
        assert_true(test_sum_of(still, 4 * 64 * 60) > 1000);
        sei_free(still);
        sei_free(moved);
    }
    sei_free(voxels);
}

/* mass, centre and second moments of an image */
static void moments(const float *image, int nx, int ny, double m[6]) {
    double s[6] = {0};
    for (int i = 0; i < nx * ny; ++i) {
        const double v = (double)image[i], x = i % nx, y = (double)(i / nx);
        const double add[6] = {v, v * x, v * y, v * x * x, v * y * y, v * x * y};
        for (int k = 0; k < 6; ++k) s[k] += add[k];
    }
    m[0] = s[0], m[1] = s[1] / s[0], m[2] = s[2] / s[0];
    m[3] = s[3] / s[0] - m[1] * m[1], m[4] = s[4] / s[0] - m[2] * m[2], m[5] = s[5] / s[0] - m[1] * m[2];
}

/* Against the moments of the solid itself: an ellipsoid's variance along a half axis a is a^2/5, a pixel's is 1/12. */
static void blur_and_smear_add_their_variances(void **state) {
    const sei_body ball = {.shape = SEI_SHAPE_ELLIPSOID, .centre_nm = {2, 1, -3}, .half_nm = {9, 7, 9}, .material = 1};
    uint8_t *voxels = test_voxels_of(&ball, 1, 90, 45);
    const sei_specimen specimens[2] = {test_of_bodies(&ball, 1), test_of_voxels(voxels, 90, 45)};
    (void)state;
    for (int i = 0; i < 12; ++i) {
        const bool blurred = i % 3 != 1, smeared = i % 3 != 0;
        const double phi = i >= 6 ? 15 * degree : 0, theta = 10 * degree;
        const sei_view view = {.nx = 60,
                               .ny = 62,
                               .pixel_nm = 1,
                               .subsamples = 4,
                               .tilt_deg = 10,
                               .axis_deg = i >= 6 ? 15 : 0,
                               .blur_nm = blurred ? 1.7 : 0,
                               .smear_px = {smeared ? 4 : 0, smeared ? -2.5 : 0}};
        const double c = cos(phi), s = sin(phi), u = 2 * cos(theta) + 3 * sin(theta), y = 1;
        const double across = 81 / 5.0, along = 49 / 5.0, pixel = 1 / 12.0 + view.blur_nm * view.blur_nm;
        const double sx = view.smear_px[0], sy = view.smear_px[1];
        const double want[6] = {4.0 / 3 * 3.14159265358979323846 * 9 * 7 * 9,
                                29.5 + u * c - y * s,
                                30.5 + u * s + y * c,
                                across * c * c + along * s * s + pixel + sx * sx / 12,
                                across * s * s + along * c * c + pixel + sy * sy / 12,
                                (across - along) * c * s + sx * sy / 12};
        double got[6];
        float *paths = test_paths_of(&specimens[i / 3 % 2], &view, NULL);
        moments(paths + 60 * 62, 60, 62, got);
        sei_free(paths);
        assert_close(got[0] / want[0], 1, 0.005);
        for (int k = 1; k < 3; ++k) assert_close(got[k], want[k], 0.01);
        for (int k = 3; k < 6; ++k) assert_close(got[k], want[k], i / 3 % 2 == 0 ? 0.02 : 0.08); /* the voxels' grain */
    }
    sei_free(voxels);
}

static void a_blurred_edge_is_an_error_function(void **state) {
    const sei_body slab = {.shape = SEI_SHAPE_BOX, .centre_nm = {50, 0, 0}, .half_nm = {50.25, 500, 10}, .material = 1};
    const sei_specimen specimen = test_of_bodies(&slab, 1);
    const sei_view view = {.nx = 40, .ny = 2, .pixel_nm = 1, .subsamples = 4, .blur_nm = 2};
    float *paths = test_paths_of(&specimen, &view, NULL);
    (void)state;
    for (int x = 0; x < 40; ++x) {
        double want = 0; /* the edge stands at -0.25 nm, where two rays meet */
        for (int i = 0; i < 100; ++i) want += 20 * 0.5 * erfc(-(x - 19.5 + (i + 0.5) / 100 - 0.5 + 0.25) / 2 / sqrt(2)) / 100;
        assert_close(paths[(2 + 1) * 40 + x], want, 1e-4);
    }
    sei_free(paths);
}

/* ---- weights */

enum { GRID = 21 };

static sei_weight_grid filled(float *data, double spacing_nm, double (*value)(double x, double y, double z)) {
    for (int i = 0; i < GRID * GRID * GRID; ++i) {
        const double at[3] = {(i % GRID - 10) * spacing_nm, (i / GRID % GRID - 10) * spacing_nm,
                              ((double)(i / GRID / GRID) - 10) * spacing_nm};
        data[i] = (float)value(at[0], at[1], at[2]);
    }
    return (sei_weight_grid){GRID, GRID, GRID, spacing_nm, data};
}

static double one(double x, double y, double z) {
    (void)x, (void)y, (void)z;
    return 1;
}

static double linear(double x, double y, double z) {
    return 2 + 0.01 * x - 0.02 * y + 0.03 * z;
}

static double decay(double x, double y, double z) {
    (void)x, (void)y;
    return exp(-0.02 * (z + 20));
}

static void weights_follow_their_integrals(void **state) {
    static float data[GRID * GRID * GRID];
    const sei_body slab = {.shape = SEI_SHAPE_BOX, .half_nm = {30, 30, 20}, .material = 2};
    uint8_t *voxels = test_voxels_of(&slab, 1, 80, 80);
    const sei_specimen specimens[2] = {test_of_bodies(&slab, 1), test_of_voxels(voxels, 80, 80)};
    (void)state;
    for (int kind = 0; kind < 2; ++kind) {
        sei_view view = {.nx = 80, .ny = 76, .pixel_nm = 1, .subsamples = 2, .tilt_deg = 33, .shift_px = {1.2, 0.4}};
        const int64_t image = view.nx * view.ny;
        for (int turned = 0; turned < 2; ++turned) {
            view.axis_deg = 11 * turned;
            const sei_weight_grid ones = filled(data, 4.3, one);
            float *plain = test_paths_of(&specimens[kind], &view, NULL),
                  *weighted = test_paths_of(&specimens[kind], &view, &ones);
            for (int64_t i = 0; i < TEST_MATERIALS * image; ++i)
                assert_close(weighted[i], plain[i], 1e-5 * (1 + (double)plain[i]));
            sei_free(plain);
            sei_free(weighted);
        }
        /* linear: the integral of w over the specimen is the volume times w at its centre of mass, which is at 0 */
        view.axis_deg = 0;
        const sei_weight_grid ramp = filled(data, 4.3, linear);
        float *paths = test_paths_of(&specimens[kind], &view, &ramp);
        assert_close(test_sum_of(paths + 2 * image, image) / (2.0 * 60 * 60 * 40), 1, 2e-3);
        sei_free(paths);
        /* and at tilt 0, pixel by pixel: 40 nm times w at (x, y, 0) */
        view = (sei_view){.nx = 80, .ny = 76, .pixel_nm = 1, .subsamples = 2};
        paths = test_paths_of(&specimens[kind], &view, &ramp);
        for (int64_t y = 12; y < 64; ++y) {
            for (int64_t x = 14; x < 66; ++x) {
                const double want = 40 * linear((double)x - 39.5, (double)y - 37.5, 0);
                assert_close(paths[2 * image + y * view.nx + x], want, 2e-4);
            }
        }
        sei_free(paths);
        /* attenuation over the slab: (1 - exp(-mu t))/mu; the trilinear grid errs by (mu spacing)^2/8 at most */
        const double spacing = 4.3, mu = 0.02, want = (1 - exp(-mu * 40)) / mu;
        const sei_weight_grid absorbing = filled(data, spacing, decay);
        paths = test_paths_of(&specimens[kind], &view, &absorbing);
        assert_close(paths[2 * image + 38 * view.nx + 40] / want, 1, mu * mu * spacing * spacing / 8);
        sei_free(paths);
    }
    sei_free(voxels);
}

/* A body's chord takes the trilinear weight exactly: against a sum in steps of a thousandth, at an odd tilt and height. */
static void weights_are_integrated_exactly_along_chords(void **state) {
    static float data[GRID * GRID * GRID];
    const sei_body ball = {.shape = SEI_SHAPE_ELLIPSOID, .half_nm = {20, 20, 20}, .material = 1};
    const sei_specimen specimen = test_of_bodies(&ball, 1);
    sei_weight_grid grid = filled(data, 1.7, one);
    (void)state;
    for (int i = 0; i < GRID * GRID * GRID; ++i) data[i] = (float)sei_test_uniform(3, (uint64_t)i);
    const sei_view view = {.nx = 9, .ny = 9, .pixel_nm = 3, .subsamples = 1, .tilt_deg = 37};
    const double c = cos(37 * degree), s = sin(37 * degree);
    float *paths = test_paths_of(&specimen, &view, &grid);
    for (int p = 0; p < 81; ++p) {
        const double u = (p % 9 - 4) * 3.0, y = ((double)(p / 9) - 4) * 3.0;
        const double half = sqrt(400 - u * u - y * y);
        const int steps = 40000;
        double want = 0;
        for (int k = 0; k < steps; ++k) {
            const double l = ((k + 0.5) / steps * 2 - 1) * half;
            const double at[3] = {u * c + l * s, y, -u * s + l * c};
            int cell[3];
            double part[3], w = 0;
            for (int a = 0; a < 3; ++a) {
                const double g = fmin(fmax(at[a] / 1.7 + 10, 0), 20);
                cell[a] = g >= 20 ? 19 : (int)g;
                part[a] = g - cell[a];
            }
            for (int corner = 0; corner < 8; ++corner) {
                const int i = corner & 1, j = corner >> 1 & 1, n = corner >> 2;
                w += (double)data[((cell[2] + n) * GRID + cell[1] + j) * GRID + cell[0] + i] * (i ? part[0] : 1 - part[0]) *
                     (j ? part[1] : 1 - part[1]) * (n ? part[2] : 1 - part[2]);
            }
            want += w * 2 * half / steps;
        }
        assert_close(paths[81 + p], want, 2e-5 * want);
    }
    sei_free(paths);
}

/* ---- threads */

static void any_number_of_threads_gives_the_same_bits(void **state) {
    static float data[GRID * GRID * GRID];
    const int counts[] = {1, 2, 3, 7};
    const sei_weight_grid grid = filled(data, 3, linear);
    sei_body bodies[4];
    test_chiral(50, bodies);
    uint8_t *voxels = test_voxels_of(bodies, 4, 70, 50);
    const sei_specimen specimens[2] = {test_of_bodies(bodies, 4), test_of_voxels(voxels, 70, 50)};
    (void)state;
    for (int i = 0; i < 8; ++i) {
        const sei_view view = {.nx = 53,
                               .ny = 51,
                               .pixel_nm = 1,
                               .subsamples = 3,
                               .tilt_deg = -41,
                               .axis_deg = (i & 2) != 0 ? 5 : 0,
                               .blur_nm = 0.8,
                               .smear_px = {0.9, 0.7}};
        float *first = NULL;
        for (int k = 0; k < 4; ++k) {
            sei_threads_set(counts[k]);
            float *paths = test_paths_of(&specimens[i & 1], &view, (i & 4) != 0 ? &grid : NULL);
            if (first != NULL) assert_memory_equal(paths, first, TEST_MATERIALS * 53 * 51 * sizeof *paths);
            if (first == NULL) first = paths;
            if (paths != first) sei_free(paths);
        }
        assert_true(test_sum_of(first, TEST_MATERIALS * 53 * 51) > 1000);
        sei_free(first);
    }
    sei_threads_set(0);
    sei_free(voxels);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(mass_is_the_volume_under_any_view),
                                       cmocka_unit_test(whole_pixels_of_shift_move_the_image_exactly),
                                       cmocka_unit_test(blur_and_smear_add_their_variances),
                                       cmocka_unit_test(a_blurred_edge_is_an_error_function),
                                       cmocka_unit_test(weights_follow_their_integrals),
                                       cmocka_unit_test(weights_are_integrated_exactly_along_chords),
                                       cmocka_unit_test(any_number_of_threads_gives_the_same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
