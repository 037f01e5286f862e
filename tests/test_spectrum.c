/*
 * Claims: exit absorption of a slab is its closed form, the mean over a uniform sphere is the known escape probability to the
 * stated error, for voxels as for bodies, on the side the geometry says, with the same bits for any number of threads; a window
 * of the net spectrum holds what the channel counts; lines have the stated width; a bent background holds its windows' counts;
 * stray lines sum to their share; drawn spectra have the mean and the variance of Poisson counts; nonsense is refused.
 */
#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/signal.h"
#include "support/test.h"

static const double pi = 3.14159265358979323846;

/* A made-up dense material, and vacuum. */
static const sei_material dense[] = {
    {.name = "vacuum", .is_void = true},
    {.name = "dense", .label = 1, .density_g_cm3 = 10, .n_constituents = 1, .constituents = {{14, 1}}}};

static double mu_of(const sei_material *m, double energy_kev) {
    double per_nm = 0;
    assert_ok(sei_material_attenuation(m, energy_kev, &per_nm));
    return per_nm;
}

static sei_microscope one_detector(double azimuth_deg, double elevation_deg) {
    sei_microscope scope;
    sei_microscope_default(&scope);
    scope.n_detectors = 1;
    scope.detectors[0] = (sei_eds_detector){azimuth_deg, elevation_deg, 0.2};
    return scope;
}

static float *weights_of(const sei_volume *map, const sei_microscope *scope, double tilt_deg) {
    float *weight = NULL;
    assert_ok(SEI_NEW(weight, map->nz, map->ny, map->nx));
    assert_ok(sei_exit_weights(map, scope, tilt_deg, weight));
    return weight;
}

static void slab_follows_its_closed_form(void **state) {
    /* as wide as the map, 240 nm thick; seen from above, photons run (z - top)/sin(elevation) */
    const sei_body body = {.shape = SEI_SHAPE_BOX, .half_nm = {4000, 4000, 120}, .material = 1};
    const sei_specimen specimen = {.n_materials = 2, .materials = dense, .n_bodies = 1, .bodies = &body};
    const double size[] = {1600, 320, 400};
    const double energy = 0.5249;
    const double mu = mu_of(&dense[1], energy);
    const double elevation = 40;
    const sei_microscope scope = one_detector(0, elevation);
    sei_volume map = {0};
    (void)state;
    assert_ok(sei_attenuation_maps(&specimen, size, 20, 1, &energy, &map));
    assert_int_equal(map.nx, 80);
    assert_int_equal(map.nz, 20);
    float *weight = weights_of(&map, &scope, 0);
    for (int64_t k = 4; k < 16; ++k) {
        const double depth = ((double)k - 9.5) * 20 + 120; /* below the face that the beam, running to +z, meets first */
        const double want = exp(-mu * depth / sin(elevation * pi / 180));
        assert_close((double)weight[(k * map.ny + 8) * map.nx + 20], want, 2e-6);
        /* near the edge of the map the ray leaves it sideways: nothing lies there */
        const double sideways = exp(-mu * fmin(depth / sin(elevation * pi / 180), 50 / cos(elevation * pi / 180)));
        assert_close((double)weight[(k * map.ny + 8) * map.nx + 77], sideways, 2e-6);
    }
    sei_free(weight);
    /* towards +y, where a wire goes on, the end of the map is no end */
    const sei_microscope along = one_detector(90, elevation);
    weight = weights_of(&map, &along, 0);
    for (int64_t j = 0; j < map.ny; ++j) {
        assert_close((double)weight[(9 * map.ny + j) * map.nx + 20], exp(-mu * 110 / sin(elevation * pi / 180)), 2e-6);
    }
    sei_free(weight);
    /* tilted by t, a detector on the +x side sees the slab at elevation + t: u = x cos t - z sin t lifts that side */
    weight = weights_of(&map, &scope, 25);
    const double depth = 110;
    assert_close((double)weight[(9 * map.ny + 8) * map.nx + 30], exp(-mu * depth / sin(65 * pi / 180)), 2e-6);
    sei_free(weight);
    weight = weights_of(&map, &scope, -25);
    assert_close((double)weight[(9 * map.ny + 8) * map.nx + 30], exp(-mu * depth / sin(15 * pi / 180)), 2e-6);
    sei_free(weight);
    sei_volume_free(&map);
}

/* Share of photons born evenly in a sphere of optical radius t that leave it along one direction (Case et al. 1953). */
static double escape(double t) {
    return 3 / (8 * t * t * t) * (2 * t * t - 1 + (1 + 2 * t) * exp(-2 * t));
}

/* Mean of the weight over a specimen, as the rays of the projection see it. */
static double mean_weight(const sei_specimen *specimen, const sei_volume *map, const float *weight, int64_t n, double pixel_nm,
                          double tilt_deg) {
    const sei_view view = {.nx = n, .ny = n, .pixel_nm = pixel_nm, .subsamples = 2, .tilt_deg = tilt_deg};
    const sei_weight_grid grid = {map->nx, map->ny, map->nz, map->voxel_nm, weight};
    float *paths = NULL;
    double sum[2] = {0, 0};
    assert_ok(SEI_NEW(paths, 2, n, n));
    for (int weighted = 0; weighted < 2; ++weighted) {
        assert_ok(sei_specimen_paths(specimen, &view, weighted ? &grid : NULL, paths));
        for (int64_t p = 0; p < n * n; ++p) sum[weighted] += (double)paths[n * n + p];
    }
    sei_free(paths);
    return sum[1] / sum[0];
}

/* Simulated over known mean for a sphere of an optical radius, `cells` wide. */
static double sphere_ratio(double optical, int cells, double tilt_deg) {
    const double energy = 0.5249;
    const double radius = optical / mu_of(&dense[1], energy);
    const sei_body body = {.shape = SEI_SHAPE_ELLIPSOID, .half_nm = {radius, radius, radius}, .material = 1};
    const sei_specimen specimen = {.n_materials = 2, .materials = dense, .n_bodies = 1, .bodies = &body};
    const double spacing = 2 * radius / cells;
    const double edge = 2 * radius + 4 * spacing;
    const double size[] = {edge, edge, edge};
    sei_microscope scope;
    sei_volume map = {0};
    sei_microscope_default(&scope);
    assert_ok(sei_attenuation_maps(&specimen, size, spacing, 1, &energy, &map));
    float *weight = weights_of(&map, &scope, tilt_deg);
    const double mean = mean_weight(&specimen, &map, weight, 48, edge / 48, tilt_deg);
    if (getenv("SEITOMO_TEST_PRINT") != NULL) {
        printf("sphere of %g, %d cells, tilt %g: %.5f against %.5f\n", optical, cells, tilt_deg, mean, escape(optical));
    }
    sei_free(weight);
    sei_volume_free(&map);
    return mean / escape(optical);
}

static void sphere_has_the_known_escape_probability(void **state) {
    (void)state;
    assert_close(escape(1e-3), 1 - 0.75e-3, 1e-6);
    for (int tilt = -60; tilt <= 60; tilt += 60) {
        assert_close(sphere_ratio(1, 24, tilt), 1, 0.008);
        assert_close(sphere_ratio(0.2, 24, tilt), 1, 0.002); /* a wire of 200 nm in oxygen's light */
    }
    assert_close(sphere_ratio(1, 48, 0), 1, 0.004);
}

static void voxels_absorb_like_bodies(void **state) {
    enum { N = 48 };
    const double energies[] = {0.2774, 1.7397};
    uint8_t *voxels = NULL;
    const sei_body body = {.shape = SEI_SHAPE_ELLIPSOID, .half_nm = {110, 80, 60}, .material = 1};
    const sei_specimen solid = {.n_materials = 2, .materials = dense, .n_bodies = 1, .bodies = &body};
    const double size[] = {240, 240, 240};
    const sei_microscope scope = one_detector(30, 18);
    sei_volume of_body[2] = {{.nx = 0}};
    sei_volume of_voxels[2] = {{.nx = 0}};
    (void)state;
    assert_ok(SEI_NEW(voxels, N, N, N));
    for (int i = 0; i < N * N * N; ++i) {
        const double x = (i % N - (N - 1) / 2.0) * 5 / 110, y = (i / N % N - (N - 1) / 2.0) * 5 / 80,
                     z = (i / N / N - (N - 1) / 2.0) * 5 / 60;
        voxels[i] = x * x + y * y + z * z <= 1;
    }
    const sei_specimen grown = {.n_materials = 2, .materials = dense, .nx = N, .ny = N, .nz = N, .voxel_nm = 5, .voxels = voxels};
    assert_ok(sei_attenuation_maps(&solid, size, 10, 2, energies, of_body));
    assert_ok(sei_attenuation_maps(&grown, size, 10, 2, energies, of_voxels));
    for (int e = 0; e < 2; ++e) {
        float *a = weights_of(&of_body[e], &scope, 20);
        float *b = weights_of(&of_voxels[e], &scope, 20);
        double total[2] = {0, 0}; /* light that leaves */
        for (int i = 0; i < 24 * 24 * 24; ++i) {
            total[0] += (double)a[i] * (double)of_body[e].data[i];
            total[1] += (double)b[i] * (double)of_voxels[e].data[i];
        }
        if (getenv("SEITOMO_TEST_PRINT") != NULL) printf("light from voxels over that from bodies: %.5f\n", total[1] / total[0]);
        assert_close(total[1] / total[0], 1, 0.01);
        sei_free(a);
        sei_threads_set(1);
        a = weights_of(&of_voxels[e], &scope, 20);
        sei_threads_set(3);
        float *c = weights_of(&of_voxels[e], &scope, 20);
        assert_memory_equal(a, c, 24 * 24 * 24 * sizeof *a);
        sei_threads_set(0);
        sei_free(a);
        sei_free(b);
        sei_free(c);
        sei_volume_free(&of_body[e]);
        sei_volume_free(&of_voxels[e]);
    }
    sei_free(voxels);
}

static void impossible_grids_are_refused(void **state) {
    const sei_body body = {.shape = SEI_SHAPE_BOX, .half_nm = {10, 10, 10}, .material = 1};
    const sei_specimen specimen = {.n_materials = 2, .materials = dense, .n_bodies = 1, .bodies = &body};
    const double size[] = {4000, 4000, 4000};
    const double energy = 0.5;
    const double soft = 0.05;
    sei_volume map = {0};
    (void)state;
    assert_refused(sei_attenuation_maps(&specimen, size, 4, 1, &energy, &map), SEI_ERR_INPUT, "greater spacing");
    assert_refused(sei_attenuation_maps(&specimen, size, 0, 1, &energy, &map), SEI_ERR_INPUT, "cells of 0 nm");
    assert_refused(sei_attenuation_maps(&specimen, size, 400, 1, &soft, &map), SEI_ERR_INPUT, "0.05 keV");
    assert_null(map.data);
}

static void windows_of_the_net_spectrum_hold_the_channels_counts(void **state) {
    static const int elements[] = {14, 8, 9, 6, 15};
    const sei_energy_axis axis = {.bins = 4096, .first_kev = -0.1, .step_kev = 0.001};
    double *spectrum = NULL;
    sei_material sei = {0};
    sei_microscope scope;
    (void)state;
    sei_microscope_default(&scope);
    assert_ok(sei_material_by_name("sei", &sei));
    assert_ok(SEI_NEW(spectrum, axis.bins, 1, 1));
    assert_ok(sei_spectrum_net(&scope, &sei, &axis, spectrum));
    for (int k = 0; k < 5; ++k) {
        sei_signal_channel c = {.kind = SEI_SIGNAL_EDS, .atomic_number = elements[k], .window_kev = {NAN, NAN}, .overlaps = true};
        double coefficient = 0;
        assert_ok(sei_signal_channel_check(&scope, &c));
        assert_ok(sei_signal_coefficients(1, &sei, NULL, 1, &c, &scope, &coefficient));
        const double window = sei_spectrum_window(&axis, spectrum, c.window_kev[0], c.window_kev[1]);
        assert_close(window / coefficient, 1, 1e-4);
    }
    sei_free(spectrum);
}

static void lines_have_the_stated_width(void **state) {
    const sei_energy_axis axis = {.bins = 16000, .first_kev = 0, .step_kev = 0.0005};
    double *shape = NULL;
    double sum = 0, first = 0, second = 0;
    sei_microscope scope;
    (void)state;
    sei_microscope_default(&scope);
    assert_close(sei_microscope_fwhm_ev(&scope, 5.8987), 130, 1e-12);
    assert_ok(SEI_NEW(shape, axis.bins, 1, 1));
    assert_ok(sei_spectrum_lines(&scope, 9, &axis, shape)); /* fluorine: one line */
    for (int64_t i = 0; i < axis.bins; ++i) {
        const double energy = (double)i * axis.step_kev;
        sum += shape[i];
        first += shape[i] * energy;
        second += shape[i] * energy * energy;
    }
    const double mean = first / sum;
    const double fwhm_ev = sqrt(second / sum - mean * mean) * 2.3548 * 1000;
    assert_close(mean, 0.6768, 1e-5);
    assert_close(fwhm_ev, sqrt(130 * 130 + 2.5 * (676.8 - 5898.7)), 0.05);
    sei_free(shape);
}

static void background_holds_the_counts_of_its_windows(void **state) {
    /* the paper's windows, with background counts far from any smooth law */
    const sei_spectrum_anchor anchors[] = {{1.662, 1.818, 300}, {0.231, 0.321, 900}, {0.461, 0.587, 150}, {0.626, 0.726, 800}};
    const sei_spectrum_anchor twins[] = {{1, 2, 5}, {1.2, 1.8, 5}};
    const sei_spectrum_anchor empty = {20, 21, 5}; /* beyond the axis */
    sei_energy_axis axis;
    double shape[1024];
    sei_microscope scope;
    (void)state;
    sei_energy_axis_default(&axis);
    sei_microscope_default(&scope);
    assert_ok(sei_spectrum_bremsstrahlung(&scope, &axis, shape));
    assert_close(sei_spectrum_window(&axis, shape, -1, 20), 1, 1e-12);
    assert_true(shape[20] > shape[600]);       /* falls with energy */
    assert_true(shape[0] < 0.001 * shape[30]); /* nothing far below 0.1 keV */
    /* between the edges of its layers it falls as Kramers says; a bin there is as wide as a hair beside the broadening */
    double ratio[2];
    assert_ok(sei_microscope_efficiency(&scope, 4, &ratio[0]));
    assert_ok(sei_microscope_efficiency(&scope, 8, &ratio[1]));
    assert_close(shape[400] / shape[800] / (ratio[0] / ratio[1] * (196.0 / 4) / (192.0 / 8)), 1, 0.002);
    assert_ok(sei_spectrum_bend(&axis, 4, anchors, shape));
    for (int a = 0; a < 4; ++a) {
        assert_close(sei_spectrum_window(&axis, shape, anchors[a].low_kev, anchors[a].high_kev) / anchors[a].counts, 1, 1e-6);
    }
    for (int i = 0; i < 1024; ++i) assert_true(shape[i] >= 0);
    assert_refused(sei_spectrum_bend(&axis, 2, twins, shape), SEI_ERR_INPUT, "one middle");
    assert_refused(sei_spectrum_bend(&axis, 1, &empty, shape), SEI_ERR_INPUT, "no background");
}

static void stray_lines_sum_to_their_share(void **state) {
    const sei_stray stray[] = {{26, 0.02}, {29, 0.1}};
    const sei_stray lithium = {3, 0.1};
    const sei_energy_axis bad = {.bins = 1, .step_kev = 0.01};
    sei_energy_axis axis;
    double shape[1024];
    sei_microscope scope;
    (void)state;
    sei_energy_axis_default(&axis);
    sei_microscope_default(&scope);
    assert_ok(sei_spectrum_stray(&scope, 2, stray, &axis, shape));
    assert_close(sei_spectrum_window(&axis, shape, -1, 20), 0.12, 1e-9);
    assert_true(sei_spectrum_window(&axis, shape, 7.8, 8.3) > 0.03);      /* Cu K-alpha */
    assert_true(sei_spectrum_window(&axis, shape, 0.626, 0.726) > 0.001); /* Fe L-alpha in fluorine's window */
    assert_refused(sei_spectrum_stray(&scope, 1, &lithium, &axis, shape), SEI_ERR_INPUT, "Li");
    assert_refused(sei_spectrum_lines(&scope, 9, &bad, shape), SEI_ERR_INPUT, "1 bins");
}

static void drawn_spectra_are_poisson_with_the_mean(void **state) {
    enum { NX = 64, NY = 64, BINS = 40 };
    const sei_energy_axis axis = {.bins = BINS, .first_kev = 0, .step_kev = 0.1};
    float image[NX * NY];
    double line[BINS] = {0};
    double flat[BINS];
    const sei_spectrum_part parts[] = {{image, line}, {NULL, flat}};
    sei_spectrum_sampler sampler = {0};
    uint16_t row[NX * BINS], again[NX * BINS];
    double sum[BINS] = {0}, mean[BINS], chi2 = 0;
    (void)state;
    for (int p = 0; p < NX * NY; ++p) image[p] = (float)(p % NX) / 8;
    line[7] = 1;
    line[8] = 0.5;
    for (int e = 0; e < BINS; ++e) flat[e] = 0.05;
    assert_ok(sei_spectrum_sum(&axis, 2, parts, NX * NY, mean));
    assert_close(mean[8], NY * 0.5 * (63.0 * 64 / 2 / 8) + NX * NY * 0.05, 1e-6);
    assert_ok(sei_spectrum_sampler_make(&axis, 2, parts, &sampler));
    for (int y = 0; y < NY; ++y) {
        sei_threads_set(1);
        assert_ok(sei_spectrum_sample_row(&sampler, NX, y, 5, 3, again));
        sei_threads_set(3);
        assert_ok(sei_spectrum_sample_row(&sampler, NX, y, 5, 3, row));
        assert_memory_equal(row, again, sizeof row);
        for (int i = 0; i < NX * BINS; ++i) {
            const double expected = (double)image[y * NX + i / BINS] * line[i % BINS] + 0.05;
            sum[i % BINS] += row[i];
            chi2 += (row[i] - expected) * (row[i] - expected) / expected;
        }
    }
    sei_threads_set(0);
    for (int e = 0; e < BINS; ++e) assert_close(sum[e], mean[e], 4.5 * sqrt(mean[e]));
    /* variance over mean of NX*NY*BINS counts: the sum of squares has mean n and variance sum(2 + 1/mean) */
    const double n = (double)NX * NY * BINS;
    assert_close(chi2 / n, 1, 4.5 * sqrt((2 + 1 / 0.05) / n));
    sei_spectrum_sampler_free(&sampler);
    double drawn[BINS];
    assert_ok(sei_spectrum_draw(mean, BINS, 5, 3, drawn));
    for (int e = 0; e < BINS; ++e) assert_close(drawn[e], mean[e], 4.5 * sqrt(mean[e]));
    line[7] = 1e5;
    assert_ok(sei_spectrum_sampler_make(&axis, 2, parts, &sampler));
    assert_refused(sei_spectrum_sample_row(&sampler, NX, 0, 5, 3, row), SEI_ERR_INPUT, "pass 65535");
    sei_spectrum_sampler_free(&sampler);
    line[7] = -1;
    assert_refused(sei_spectrum_sampler_make(&axis, 2, parts, &sampler), SEI_ERR_INPUT, "holds -1 in bin 7");
    mean[3] = NAN;
    assert_refused(sei_spectrum_draw(mean, BINS, 5, 3, drawn), SEI_ERR_INPUT, "bin 3");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(slab_follows_its_closed_form),
                                       cmocka_unit_test(sphere_has_the_known_escape_probability),
                                       cmocka_unit_test(voxels_absorb_like_bodies),
                                       cmocka_unit_test(impossible_grids_are_refused),
                                       cmocka_unit_test(windows_of_the_net_spectrum_hold_the_channels_counts),
                                       cmocka_unit_test(lines_have_the_stated_width),
                                       cmocka_unit_test(background_holds_the_counts_of_its_windows),
                                       cmocka_unit_test(stray_lines_sum_to_their_share),
                                       cmocka_unit_test(drawn_spectra_are_poisson_with_the_mean)};
    if (!sei_atoms_known()) {
        printf("skipped: this build has no xraylib\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
