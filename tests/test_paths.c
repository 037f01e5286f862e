/*
 * Claims: path lengths through a sphere, a turned ellipsoid and a core-shell cylinder follow their closed forms within
 * 0.5 % relative L2 at each of 25 tilts, as bodies and as 512 voxels a side (SEITOMO_FULL=1; 128 a side otherwise, whose
 * grain allows 2 %); signs and the tilt axis' angle are those of types.h; one voxel casts a trapezoid; a void owns only what
 * was there; the voxel truth is what its points say; nonsense and too little memory are refused.
 */
#include "core/alloc.h"
#include "core/threads.h"
#include "simulate/voxelise.h"
#include "support/specimens.h"
#include "support/test.h"

static const double degree = 3.14159265358979323846 / 180;
enum { TILTS = 25 };

/* ---- closed forms */

/*
 * A section of half axes a, c turned by rho, seen from theta, has a shadow of half width
 * U = sqrt(a^2 cos^2(theta+rho) + c^2 sin^2(theta+rho)), and the chord at u is 2ac/U sqrt(1 - (u/U)^2): its integral is the
 * area. At height y of an ellipsoid all of it shrinks by sqrt(1 - (y/b)^2).
 */
typedef struct shadow {
    double centre, half, chord;
    double y, half_y; /* half_y 0: endless */
} shadow;

static shadow shadow_of(const sei_body *b, double theta) {
    const double a = b->half_nm[0], c = b->half_nm[2], turned = theta + b->rotation_deg * degree;
    const double half = hypot(a * cos(turned), c * sin(turned));
    const bool endless = b->shape == SEI_SHAPE_CYLINDER;
    return (shadow){b->centre_nm[0] * cos(theta) - b->centre_nm[2] * sin(theta), half, 2 * a * c / half, b->centre_nm[1],
                    endless ? 0 : b->half_nm[1]};
}

static double chord_at(const shadow *s, double u, double y) {
    const double across = (u - s->centre) / s->half, along = s->half_y > 0 ? (y - s->y) / s->half_y : 0;
    const double rest = 1 - across * across - along * along;
    return rest > 0 ? s->chord * sqrt(rest) : 0;
}

/* Adds share times one solid's pixels, means over 6 x 6 points; tilt axis y. */
static void draw(const sei_view *v, const sei_body *body, double share, double *image) {
    const shadow solid = shadow_of(body, v->tilt_deg * degree);
    const int fine = 6;
    for (int p = 0; p < v->nx * v->ny; ++p) {
        const double x = (double)(p % v->nx) - (double)(v->nx - 1) / 2 - v->shift_px[0] - v->axis_offset_px;
        const double y = (double)(p / v->nx) - (double)(v->ny - 1) / 2 - v->shift_px[1];
        for (int i = 0; i < fine * fine; ++i) {
            const int part = i / fine;
            const double at[2] = {(x + (i % fine + 0.5) / fine - 0.5) * v->pixel_nm,
                                  (y + (part + 0.5) / fine - 0.5) * v->pixel_nm};
            image[p] += share * chord_at(&solid, at[0], at[1]) / (fine * fine);
        }
    }
}

/* Relative L2 distance of the signal, silicon 1 and SEI 0.5 per nm, from what is wanted. */
static double distance(const float *paths, const double *want, int64_t n) {
    double error2 = 0, norm2 = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double got = (double)paths[n + i] + 0.5 * (double)paths[2 * n + i];
        error2 += (got - want[i]) * (got - want[i]);
        norm2 += want[i] * want[i];
    }
    return sqrt(error2 / norm2);
}

/* Both kinds of one specimen, nested bodies with `share` of signal more than what they lie in, at every tilt. */
static void compare(const char *name, const sei_body *bodies, const double *share, int n_bodies, int n, int64_t ny) {
    const double side = 2.0 * n;
    uint8_t *voxels = test_voxels_of(bodies, n_bodies, n, side);
    const sei_specimen specimens[2] = {test_of_bodies(bodies, n_bodies), test_of_voxels(voxels, n, side)};
    /* the grain of whole voxels is 0.5 % at 512 a side and falls as their number */
    const double most[2] = {0.005, 0.005 * 512 / n};
    double worst[2] = {0}, *want = NULL;
    sei_tracer *tracers[2] = {NULL};
    float *paths = NULL;
    assert_ok(SEI_NEW(want, ny, n, 1));
    assert_ok(SEI_NEW(paths, TEST_MATERIALS, ny, n));
    for (int kind = 0; kind < 2; ++kind) assert_ok(sei_tracer_new(&specimens[kind], &tracers[kind]));
    for (int t = 0; t < TILTS; ++t) {
        const sei_view view = {.nx = n,
                               .ny = ny,
                               .pixel_nm = 2,
                               .subsamples = 4,
                               .tilt_deg = -60 + 5 * t,
                               .axis_offset_px = 1.5,
                               .shift_px = {0.3, -2.6}};
        memset(want, 0, (size_t)(ny * n) * sizeof *want);
        for (int b = 0; b < n_bodies; ++b) draw(&view, &bodies[b], share[b], want);
        for (int kind = 0; kind < 2; ++kind) {
            assert_ok(sei_tracer_paths(tracers[kind], &view, NULL, paths));
            const double error = distance(paths, want, ny * n);
            if (!(error <= most[kind])) fail_msg("%s, %s, tilt %g: %g", name, kind ? "voxels" : "bodies", view.tilt_deg, error);
            worst[kind] = fmax(worst[kind], error);
        }
    }
    print_message("%s: worst relative L2 error of %d tilts %.3f %% as bodies, %.3f %% as %d^3 voxels\n", name, TILTS,
                  100 * worst[0], 100 * worst[1], n);
    for (int kind = 0; kind < 2; ++kind) sei_tracer_free(tracers[kind]);
    sei_free(want);
    sei_free(paths);
    sei_free(voxels);
}

static void closed_forms_hold_at_every_tilt(void **state) {
    const int n = getenv("SEITOMO_FULL") != NULL ? 512 : 128;
    const sei_body sphere = {
        .shape = SEI_SHAPE_ELLIPSOID, .centre_nm = {0.05, -0.03, 0.08}, .half_nm = {0.3, 0.3, 0.3}, .material = 1};
    const sei_body ellipsoid = {.shape = SEI_SHAPE_ELLIPSOID,
                                .centre_nm = {-0.06, 0.02, 0.04},
                                .half_nm = {0.36, 0.3, 0.2},
                                .rotation_deg = 25,
                                .material = 1};
    const sei_body shell = {.centre_nm = {0.03, 0, -0.05}, .half_nm = {0.32, 0, 0.32}, .material = 2};
    const sei_body core = {.centre_nm = {0.03, 0, -0.05}, .half_nm = {0.22, 0, 0.22}, .material = 1};
    const sei_body ball = test_sized(sphere, 2 * n), egg = test_sized(ellipsoid, 2 * n);
    const sei_body wire[2] = {test_sized(shell, 2 * n), test_sized(core, 2 * n)};
    const double whole[] = {1}, nested[] = {0.5, 0.5};
    (void)state;
    compare("sphere", &ball, whole, 1, n, n);
    compare("turned ellipsoid", &egg, whole, 1, n, n);
    compare("core-shell cylinder", wire, nested, 2, n, 7);
}

static void voxels_and_bodies_agree_on_a_chiral_piece(void **state) {
    const double voxel_counts[] = {96, 192}; /* voxels coarser and finer than a pixel */
    sei_body bodies[4];
    (void)state;
    test_chiral(120, bodies);
    for (int grain = 0; grain < 2; ++grain) {
        const int n = (int)voxel_counts[grain];
        uint8_t *voxels = test_voxels_of(bodies, 4, n, 120);
        const sei_specimen solid = test_of_bodies(bodies, 4), grid = test_of_voxels(voxels, n, 120);
        const double tilts[] = {-90, -55, 0, 20, 70, 90, 180};
        for (int t = 0; t < 7; ++t) {
            for (int turned = 0; turned < 2; ++turned) {
                const sei_view view = {.nx = 130,
                                       .ny = 120,
                                       .pixel_nm = 1,
                                       .subsamples = 3,
                                       .tilt_deg = tilts[t],
                                       .axis_deg = turned * 35,
                                       .axis_offset_px = 2,
                                       .shift_px = {3, -1.5}};
                float *a = test_paths_of(&solid, &view, NULL), *b = test_paths_of(&grid, &view, NULL);
                const int64_t image = view.nx * view.ny;
                for (int m = 1; m < TEST_MATERIALS; ++m) {
                    double error2 = 0, norm2 = 0;
                    for (int64_t i = m * image; i < (m + 1) * image; ++i) {
                        error2 += pow((double)a[i] - (double)b[i], 2);
                        norm2 += pow((double)a[i], 2);
                    }
                    assert_true(norm2 > 100);
                    assert_close(sqrt(error2 / norm2), 0, grain == 0 ? 0.15 : 0.06);
                }
                sei_free(a);
                sei_free(b);
            }
        }
        sei_free(voxels);
    }
}

static void points_land_where_the_conventions_say(void **state) {
    const double at[3] = {9, -6, 14};
    const sei_body ball = {.shape = SEI_SHAPE_ELLIPSOID, .centre_nm = {9, -6, 14}, .half_nm = {4, 4, 4}, .material = 1};
    uint8_t *voxels = test_voxels_of(&ball, 1, 128, 64);
    const sei_specimen specimens[2] = {test_of_bodies(&ball, 1), test_of_voxels(voxels, 128, 64)};
    const double tilts[] = {-60, -25, 0, 45, 90}, axes[] = {0, 12, 90, -101, 180};
    (void)state;
    for (int i = 0; i < 50; ++i) {
        const double tilt = tilts[i % 5], axis = axes[i / 5 % 5], theta = tilt * degree, phi = axis * degree;
        const sei_view view = {.nx = 61,
                               .ny = 64,
                               .pixel_nm = 1,
                               .subsamples = 3,
                               .tilt_deg = tilt,
                               .axis_deg = axis,
                               .axis_offset_px = 3,
                               .shift_px = {-2, 1.25}};
        /* once the axis is y the centre of the axis is 3 px off; axis_deg counts from +y towards -x */
        const double u = at[0] * cos(theta) - at[2] * sin(theta) + 3;
        const double want[2] = {30 - 2 + u * cos(phi) - at[1] * sin(phi), 31.5 + 1.25 + u * sin(phi) + at[1] * cos(phi)};
        float *paths = test_paths_of(&specimens[i / 25], &view, NULL);
        const float *image = paths + view.nx * view.ny;
        double mass = 0, mx = 0, my = 0;
        for (int p = 0; p < 61 * 64; ++p) {
            mass += (double)image[p];
            mx += (double)image[p] * (p % 61);
            my += (double)image[p] * (double)(p / 61);
        }
        assert_close(mx / mass, want[0], 0.01);
        assert_close(my / mass, want[1], 0.01);
        sei_free(paths);
    }
    sei_free(voxels);
}

/* ---- one voxel */

static void one_voxel_casts_a_trapezoid(void **state) {
    uint8_t voxels[5 * 5 * 5] = {0};
    const sei_specimen specimen = test_of_voxels(voxels, 5, 50);
    const double tilts[] = {0, 1e-7, 17, 45, -45, -80, 90};
    (void)state;
    voxels[(3 * 5 + 2) * 5 + 1] = 1; /* x = -10, y = 0, z = 10 nm, edge 10 nm */
    for (int t = 0; t < 7; ++t) {
        const sei_view view = {.nx = 64, .ny = 7, .pixel_nm = 1, .subsamples = 1, .tilt_deg = tilts[t]};
        const double c = cos(tilts[t] * degree), s = sin(tilts[t] * degree);
        const double wide = 5 * (fabs(c) + fabs(s)), narrow = 5 * fabs(fabs(c) - fabs(s));
        const double height = 10 / fmax(fabs(c), fabs(s));
        float *paths = test_paths_of(&specimen, &view, NULL);
        for (int x = 0; x < 64; ++x) {
            const double off = fabs(x - 31.5 - (-10 * c - 10 * s));
            double want = off <= narrow ? height : off >= wide ? 0 : height * (wide - off) / (wide - narrow);
            if (fabs(off - wide) < 1e-5) want = (double)paths[(7 + 3) * 64 + x]; /* along a wall: any share is right */
            assert_close(paths[(7 + 3) * 64 + x], want, 2e-5);
        }
        assert_close(test_sum_of(paths, 4 * 64 * 7), 7 * test_sum_of(paths + (7 + 3) * 64, 64), 1e-3);
        sei_free(paths);
    }
    /* a ray along the wall between two voxels belongs to both by halves, so nothing is counted twice or lost */
    const sei_view view = {.nx = 65, .ny = 7, .pixel_nm = 1, .subsamples = 1};
    float *paths = test_paths_of(&specimen, &view, NULL);
    assert_close(test_sum_of(paths + (7 + 3) * 65, 65), 100, 1e-4);
    assert_close(paths[(7 + 3) * 65 + 32 - 15], 5, 1e-5);
    assert_close(paths[(7 + 3) * 65 + 32 - 5], 5, 1e-5);
    sei_free(paths);
    /* and along y a pixel has its exact share of a voxel */
    const sei_view tall = {.nx = 65, .ny = 5, .pixel_nm = 4, .subsamples = 1};
    paths = test_paths_of(&specimen, &tall, NULL);
    const double shares[] = {0, 0.75, 1, 0.75, 0}; /* rows -2 .. 2 of 4 nm against -5 .. 5 nm */
    for (int y = 0; y < 5; ++y) assert_close(paths[(5 + y) * 65 + 30], 10 * shares[y], 1e-5);
    sei_free(paths);
}

/* ---- voids, refusals */

static void a_void_owns_only_what_was_there(void **state) {
    /* a pore that sticks out of a slab of 40 nm by half, and one that does not touch it */
    const sei_body bodies[] = {{.shape = SEI_SHAPE_BOX, .half_nm = {100, 100, 20}, .material = 1},
                               {.shape = SEI_SHAPE_BOX, .centre_nm = {0, 0, 20}, .half_nm = {100, 100, 10}, .material = 3},
                               {.shape = SEI_SHAPE_BOX, .centre_nm = {0, 0, 60}, .half_nm = {100, 100, 10}, .material = 3}};
    const sei_specimen specimen = test_of_bodies(bodies, 3);
    const sei_view view = {.nx = 5, .ny = 5, .pixel_nm = 1, .subsamples = 2};
    float *paths = test_paths_of(&specimen, &view, NULL);
    (void)state;
    assert_close(paths[25 + 12], 30, 1e-5);
    assert_close(paths[75 + 12], 10, 1e-5);
    sei_free(paths);
}

/* Voxels that no surface crosses are settled by one point; the others, and all of them here, by 4^3. */
static void the_voxel_truth_is_what_the_points_say(void **state) {
    enum { N = 40, FINE = 4 };
    static const double value[TEST_MATERIALS] = {0, 1, 0.25, 0};
    sei_body bodies[4];
    sei_labels labels = {0};
    sei_volume volume = {0};
    double filled[256], points[256] = {0};
    (void)state;
    test_chiral(60, bodies);
    const sei_specimen specimen = test_of_bodies(bodies, 4);
    uint8_t *owners = test_voxels_of(bodies, 4, N * FINE, 60);
    assert_ok(sei_labels_alloc(N, N, N, 60.0 / N, &labels));
    assert_ok(sei_volume_alloc(N, N, N, 60.0 / N, &volume));
    assert_ok(sei_voxelise(&specimen, FINE, 1, value, &labels, &volume, filled));
    for (int v = 0; v < N * N * N; ++v) {
        int votes[TEST_MATERIALS] = {0}, most = 0;
        for (int p = 0; p < FINE * FINE * FINE; ++p) {
            const int x = v % N * FINE + p % FINE, y = v / N % N * FINE + p / FINE % FINE, z = v / N / N * FINE + p / FINE / FINE;
            votes[owners[((int64_t)z * N * FINE + y) * N * FINE + x]] += 1;
        }
        for (int m = 0; m < TEST_MATERIALS; ++m) {
            if (votes[m] > most) most = votes[m];
            points[m] += votes[m]; /* label m is material m */
        }
        assert_int_equal(votes[labels.data[v]], most);
        assert_close(volume.data[v], (votes[1] + 0.25 * votes[2]) / 64 * 60 / N, 1e-6);
    }
    for (int m = 0; m < TEST_MATERIALS; ++m) assert_close(filled[m], points[m] / 64, 1e-9);
    assert_true(points[3] > 1000);
    sei_labels_free(&labels);
    sei_volume_free(&volume);
    sei_free(owners);
}

static void nonsense_is_refused(void **state) {
    sei_body body = {.shape = SEI_SHAPE_ELLIPSOID, .half_nm = {12, 9, 12}, .material = 1};
    uint8_t voxels[8] = {0, 1, 2, 3, 0, 0, 0, 0};
    float weights[1] = {1}, paths[TEST_MATERIALS * 16];
    const sei_view good = {.nx = 4, .ny = 4, .pixel_nm = 1, .subsamples = 1};
    const sei_specimen solid = test_of_bodies(&body, 1), grid = test_of_voxels(voxels, 2, 2);
    sei_specimen bad = solid;
    sei_view view = good;
    (void)state;
    assert_ok(sei_specimen_paths(&solid, &good, NULL, paths));
    assert_ok(sei_specimen_paths(&grid, &good, NULL, paths));
    bad.voxels = voxels;
    assert_refused(sei_specimen_paths(&bad, &good, NULL, paths), SEI_ERR_INPUT, "exactly one");
    bad = solid, bad.n_bodies = 0;
    assert_refused(sei_specimen_paths(&bad, &good, NULL, paths), SEI_ERR_INPUT, "exactly one");
    bad = solid, bad.n_materials = 33;
    assert_refused(sei_specimen_paths(&bad, &good, NULL, paths), SEI_ERR_INPUT, "33 materials");
    bad = grid, bad.voxel_nm = NAN;
    assert_refused(sei_specimen_paths(&bad, &good, NULL, paths), SEI_ERR_INPUT, "voxel_nm");
    bad = grid, bad.ny = 0;
    assert_refused(sei_specimen_paths(&bad, &good, NULL, paths), SEI_ERR_INPUT, "2 x 0 x 2 voxels");
    bad = grid, bad.n_materials = 3;
    assert_refused(sei_specimen_paths(&bad, &good, NULL, paths), SEI_ERR_INPUT, "material 3, expected 0 to 2");
    body.material = 4;
    assert_refused(sei_specimen_paths(&solid, &good, NULL, paths), SEI_ERR_INPUT, "material 4, expected 1 to 3");
    body.material = 1, body.half_nm[1] = 0;
    assert_refused(sei_specimen_paths(&solid, &good, NULL, paths), SEI_ERR_INPUT, "half sizes");
    body.half_nm[1] = 9, body.centre_nm[2] = INFINITY;
    assert_refused(sei_specimen_paths(&solid, &good, NULL, paths), SEI_ERR_INPUT, "finite");
    body.centre_nm[2] = 0;
    view.nx = 0;
    assert_refused(sei_specimen_paths(&grid, &view, NULL, paths), SEI_ERR_INPUT, "0 x 4 pixels");
    view = good, view.pixel_nm = -1;
    assert_refused(sei_specimen_paths(&grid, &view, NULL, paths), SEI_ERR_INPUT, "pixel_nm is -1");
    view = good, view.subsamples = 33;
    assert_refused(sei_specimen_paths(&grid, &view, NULL, paths), SEI_ERR_INPUT, "subsamples is 33");
    view = good, view.tilt_deg = NAN;
    assert_refused(sei_specimen_paths(&grid, &view, NULL, paths), SEI_ERR_INPUT, "tilt_deg");
    view = good, view.smear_px[1] = 300;
    assert_refused(sei_specimen_paths(&grid, &view, NULL, paths), SEI_ERR_INPUT, "smear_px[1] is 300");
    view = good, view.blur_nm = -0.1;
    assert_refused(sei_specimen_paths(&grid, &view, NULL, paths), SEI_ERR_INPUT, "blur_nm");
    sei_weight_grid weight = {1, 1, 1, 0, weights};
    assert_refused(sei_specimen_paths(&grid, &good, &weight, paths), SEI_ERR_INPUT, "spacing_nm");
    weight = (sei_weight_grid){1, 0, 1, 1, weights};
    assert_refused(sei_specimen_paths(&grid, &good, &weight, paths), SEI_ERR_INPUT, "1 x 0 x 1 cells");
}

/* Every allocation on the way may fail: an error comes back and nothing is lost. */
static void too_little_memory_is_said(void **state) {
    const sei_body body = {.shape = SEI_SHAPE_ELLIPSOID, .half_nm = {3, 3, 3}, .material = 1};
    uint8_t *voxels = test_voxels_of(&body, 1, 12, 12);
    float weights[1] = {1}, paths[TEST_MATERIALS * 64];
    const sei_weight_grid weight = {1, 1, 1, 5, weights};
    const sei_specimen specimens[2] = {test_of_bodies(&body, 1), test_of_voxels(voxels, 12, 12)};
    (void)state;
    for (int i = 0; i < 4; ++i) {
        const sei_view view = {.nx = 8, .ny = 8, .pixel_nm = 1, .subsamples = 2, .axis_deg = i >= 2 ? 3 : 0};
        long n = 0;
        sei_status status = SEI_ERR_MEMORY;
        while (status == SEI_ERR_MEMORY) {
            sei_alloc_fail_after(n++);
            status = sei_specimen_paths(&specimens[i & 1], &view, &weight, paths);
            sei_alloc_fail_after(-1);
        }
        assert_ok(status);
        assert_true(n > 5);
    }
    sei_free(voxels);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(closed_forms_hold_at_every_tilt),
                                       cmocka_unit_test(voxels_and_bodies_agree_on_a_chiral_piece),
                                       cmocka_unit_test(points_land_where_the_conventions_say),
                                       cmocka_unit_test(one_voxel_casts_a_trapezoid),
                                       cmocka_unit_test(a_void_owns_only_what_was_there),
                                       cmocka_unit_test(the_voxel_truth_is_what_the_points_say),
                                       cmocka_unit_test(nonsense_is_refused),
                                       cmocka_unit_test(too_little_memory_is_said)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
