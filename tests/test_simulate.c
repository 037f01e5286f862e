/*
 * Claims: projections of a cylinder, an ellipsoid and a core-shell wire with a pore follow their closed forms at every
 * tilt; the sign convention is u = x cos - z sin; counts have the mean asked for and Poisson variance; the same seed
 * gives the same bits for any number of threads; the truth has the bodies' volumes; nonsense is refused. needs: random123
 */
#include "core/threads.h"
#include "seitomo/simulate.h"
#include "support/test.h"

static const double pi = 3.14159265358979323846;

static const sei_material materials[] = {{.name = "vacuum", .is_void = true},
                                         {.name = "silicon", .label = SEI_LABEL_SI},
                                         {.name = "sei", .label = SEI_LABEL_SEI},
                                         {.name = "pore", .label = SEI_LABEL_CLOSED_VOID, .is_void = true}};
static const double signal[] = {0, 1, 0.5, 0};

static sei_simulation base(const sei_body *bodies, size_t n, const double *tilts, int64_t n_tilts) {
    sei_simulation s = {.nx = 48,
                        .ny = 20,
                        .nz = 48,
                        .pixel_nm = 2,
                        .n_tilts = n_tilts,
                        .tilt_deg = tilts,
                        .n_channels = 1,
                        .specimen = {.n_materials = 4, .materials = materials, .n_bodies = n, .bodies = bodies},
                        .signal = signal,
                        .subsamples = 8,
                        .seed = 7};
    strcpy(s.channel_names[0], "HAADF");
    return s;
}

/* Chord of a circle of radius r seen at distance d, averaged over the pixel by 200 points. */
static double mean_chord(double r, double d0, double width) {
    double sum = 0;
    for (int i = 0; i < 200; ++i) {
        const double d = d0 + ((i + 0.5) / 200 - 0.5) * width;
        if (fabs(d) < r) sum += 2 * sqrt(r * r - d * d);
    }
    return sum / 200;
}

static void core_shell_wire_follows_its_closed_form(void **state) {
    const double tilts[] = {-90, -60, -35, 0, 5, 60, 90};
    const sei_body bodies[] = {{.shape = SEI_SHAPE_CYLINDER, .centre_nm = {6, 0, -9}, .half_nm = {30, 0, 30}, .material = 2},
                               {.shape = SEI_SHAPE_CYLINDER, .centre_nm = {6, 0, -9}, .half_nm = {20, 0, 20}, .material = 1},
                               {.shape = SEI_SHAPE_CYLINDER, .centre_nm = {10, 0, -5}, .half_nm = {5, 0, 5}, .material = 3}};
    const sei_simulation s = base(bodies, 3, tilts, 7);
    sei_series series = {0};
    (void)state;
    assert_ok(sei_simulate(&s, &series, NULL, NULL, NULL, NULL));
    for (int t = 0; t < 7; ++t) {
        const double c = cos(tilts[t] * pi / 180);
        const double sn = sin(tilts[t] * pi / 180);
        double error2 = 0, norm2 = 0;
        for (int x = 0; x < 48; ++x) {
            const double u = (x - 23.5) * 2;
            const double wire = u - (6 * c + 9 * sn);
            const double pore = u - (10 * c + 5 * sn);
            const double want =
                0.5 * (mean_chord(30, wire, 2) - mean_chord(20, wire, 2)) + mean_chord(20, wire, 2) - mean_chord(5, pore, 2);
            const double got = series.channels[0].data[(t * 20 + 10) * 48 + x];
            error2 += (got - want) * (got - want);
            norm2 += want * want;
        }
        assert_close(sqrt(error2 / norm2), 0, 0.005);
    }
    sei_series_free(&series);
}

static void ellipsoid_keeps_its_volume_at_every_tilt(void **state) {
    const double tilts[] = {-60, -20, 0, 33, 60};
    const sei_body body = {
        .shape = SEI_SHAPE_ELLIPSOID, .centre_nm = {3, 1, 5}, .half_nm = {20, 12, 9}, .rotation_deg = 25, .material = 1};
    const sei_simulation s = base(&body, 1, tilts, 5);
    const double volume = 4.0 / 3 * pi * 20 * 12 * 9;
    sei_series series = {0};
    sei_numbers truth = {0};
    (void)state;
    assert_ok(sei_simulate(&s, &series, NULL, NULL, NULL, &truth));
    for (int t = 0; t < 5; ++t) {
        double sum = 0;
        for (int i = 0; i < 48 * 20; ++i) sum += series.channels[0].data[t * 48 * 20 + i];
        assert_close(sum * 4 / volume, 1, 0.003);
    }
    assert_close(sei_numbers_find(&truth, "si_volume")->value / volume, 1, 0.003);
    sei_series_free(&series);
    sei_numbers_free(&truth);
}

static void box_has_its_thickness(void **state) {
    const double tilts[] = {0, 30};
    const sei_body body = {.shape = SEI_SHAPE_BOX, .half_nm = {200, 100, 10}, .material = 1};
    const sei_simulation s = base(&body, 1, tilts, 2);
    sei_series series = {0};
    (void)state;
    assert_ok(sei_simulate(&s, &series, NULL, NULL, NULL, NULL));
    assert_close(series.channels[0].data[10 * 48 + 24], 20, 1e-4);
    assert_close(series.channels[0].data[(20 + 10) * 48 + 24], 20 / cos(pi / 6), 1e-4);
    sei_series_free(&series);
}

static void counts_are_poisson_and_do_not_depend_on_threads(void **state) {
    const double tilts[] = {-40, 0, 40};
    const sei_body body = {.shape = SEI_SHAPE_BOX, .half_nm = {400, 400, 400}, .material = 1};
    sei_simulation s = base(&body, 1, tilts, 3);
    sei_series one = {0}, many = {0}, other = {0};
    double sum = 0, squares = 0, cross = 0;
    (void)state;
    s.tilt_deg = (const double[]){0, 0, 0};
    s.counts[0] = 6;
    s.drift_px = 3;
    sei_threads_set(1);
    assert_ok(sei_simulate(&s, &one, NULL, NULL, NULL, NULL));
    sei_threads_set(7);
    assert_ok(sei_simulate(&s, &many, NULL, NULL, NULL, NULL));
    sei_threads_set(0);
    s.seed = 8;
    assert_ok(sei_simulate(&s, &other, NULL, NULL, NULL, NULL));
    const int n = 3 * 48 * 20;
    assert_memory_equal(one.channels[0].data, many.channels[0].data, (size_t)n * sizeof(float));
    for (int i = 0; i < n; ++i) {
        const double a = one.channels[0].data[i] - 6;
        sum += a;
        squares += a * a;
        cross += a * (other.channels[0].data[i] - 6);
    }
    assert_close(sum / n, 0, 5 * sqrt(6.0 / n));
    assert_close(squares / n / 6, 1, 5 * sqrt(2.2 / n));
    assert_close(cross / n / 6, 0, 5 / sqrt(n));
    assert_int_equal(one.channels[0].stored, SEI_DTYPE_U16);
    sei_series_free(&one);
    sei_series_free(&many);
    sei_series_free(&other);
}

static void drift_is_undone_by_the_true_shifts(void **state) {
    const double tilts[] = {-30, 10};
    const sei_body body = {.shape = SEI_SHAPE_ELLIPSOID, .half_nm = {12, 9, 12}, .material = 1};
    sei_simulation s = base(&body, 1, tilts, 2);
    sei_series series = {0};
    sei_table shifts = {0};
    (void)state;
    s.drift_px = 4;
    assert_ok(sei_simulate(&s, &series, &shifts, NULL, NULL, NULL));
    for (int t = 0; t < 2; ++t) {
        double mass = 0, mx = 0, my = 0;
        for (int i = 0; i < 48 * 20; ++i) {
            const double v = series.channels[0].data[t * 48 * 20 + i];
            mass += v;
            mx += v * (i % 48);
            my += v * (i / 48);
        }
        assert_close(mx / mass + sei_table_get(&shifts, (size_t)t, "dx_px"), 23.5, 0.02);
        assert_close(my / mass + sei_table_get(&shifts, (size_t)t, "dy_px"), 9.5, 0.02);
    }
    sei_series_free(&series);
    sei_table_free(&shifts);
}

static void nonsense_is_refused(void **state) {
    const double tilts[] = {0};
    sei_body body = {.shape = SEI_SHAPE_ELLIPSOID, .half_nm = {12, 9, 12}, .material = 1};
    sei_simulation s = base(&body, 1, tilts, 1);
    static const double negative[] = {0, -1, 0, 0};
    (void)state;
    s.signal = negative;
    assert_refused(sei_simulate(&s, NULL, NULL, NULL, NULL, NULL), SEI_ERR_INPUT, "'silicon' has signal -1");
    s.signal = signal;
    body.half_nm[1] = 0;
    assert_refused(sei_simulate(&s, NULL, NULL, NULL, NULL, NULL), SEI_ERR_INPUT, "half sizes");
    body.half_nm[1] = 9;
    s.counts[0] = 1e9;
    assert_refused(sei_simulate(&s, NULL, NULL, NULL, NULL, NULL), SEI_ERR_INPUT, "fewer counts");
    s.pixel_nm = NAN;
    assert_refused(sei_simulate(&s, NULL, NULL, NULL, NULL, NULL), SEI_ERR_INPUT, "pixel_nm");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(core_shell_wire_follows_its_closed_form),
                                       cmocka_unit_test(ellipsoid_keeps_its_volume_at_every_tilt),
                                       cmocka_unit_test(box_has_its_thickness),
                                       cmocka_unit_test(counts_are_poisson_and_do_not_depend_on_threads),
                                       cmocka_unit_test(drift_is_undone_by_the_true_shifts),
                                       cmocka_unit_test(nonsense_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
