/*
 * Claims: projections of a cylinder, an ellipsoid and a core-shell wire with a pore follow their closed forms at every
 * tilt; the sign convention is u = x cos - z sin; counts have the mean asked for, or the dose's, and Poisson variance; the
 * same seed gives the same bits for any number of threads, another seed independent noise; damage and contamination follow
 * the cumulative dose in the order of acquisition; gain, offset, noise and stored types are those asked for; the truth has
 * the specimen's volumes, from bodies and from voxels of another size; nonsense and overflow are refused.
 */
#include "core/alloc.h"
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
    const sei_simulation s = {.nx = 48,
                              .ny = 20,
                              .nz = 48,
                              .pixel_nm = 2,
                              .n_channels = 1,
                              .channels = {{.name = "HAADF"}},
                              .specimen = {.n_materials = 4, .materials = materials, .n_bodies = n, .bodies = bodies},
                              .signal = signal,
                              .subsamples = 8,
                              .experiment = {.n_tilts = n_tilts, .tilt_deg = tilts, .seed = 7}};
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
    sei_simulated made = {0};
    (void)state;
    assert_ok(sei_simulate(&s, &made));
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
            const double got = made.series.channels[0].data[(t * 20 + 10) * 48 + x];
            error2 += (got - want) * (got - want);
            norm2 += want * want;
        }
        assert_close(sqrt(error2 / norm2), 0, 0.005);
    }
    sei_simulated_free(&made);
}

static void ellipsoid_keeps_its_volume_at_every_tilt(void **state) {
    const double tilts[] = {-60, -20, 0, 33, 60};
    const sei_body body = {
        .shape = SEI_SHAPE_ELLIPSOID, .centre_nm = {3, 1, 5}, .half_nm = {20, 12, 9}, .rotation_deg = 25, .material = 1};
    const sei_simulation s = base(&body, 1, tilts, 5);
    const double volume = 4.0 / 3 * pi * 20 * 12 * 9;
    sei_simulated made = {0};
    sei_numbers truth = {0};
    (void)state;
    assert_ok(sei_simulate(&s, &made));
    assert_ok(sei_simulate_truth(&s, NULL, NULL, NULL, &truth));
    for (int t = 0; t < 5; ++t) {
        double sum = 0;
        for (int i = 0; i < 48 * 20; ++i) sum += made.series.channels[0].data[t * 48 * 20 + i];
        assert_close(sum * 4 / volume, 1, 0.003);
    }
    assert_close(sei_numbers_find(&truth, "si_volume")->value / volume, 1, 0.003);
    sei_simulated_free(&made);
    sei_numbers_free(&truth);
}

static void box_has_its_thickness(void **state) {
    const double tilts[] = {0, 30};
    const sei_body body = {.shape = SEI_SHAPE_BOX, .half_nm = {200, 100, 10}, .material = 1};
    sei_simulation s = base(&body, 1, tilts, 2);
    sei_simulated made = {0};
    (void)state;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT,
                   "body 1 (silicon) reaches 200 nm from the centre along x, the volume 48");
    s.beyond = true;
    assert_ok(sei_simulate(&s, &made));
    assert_close(made.series.channels[0].data[10 * 48 + 24], 20, 1e-4);
    assert_close(made.series.channels[0].data[(20 + 10) * 48 + 24], 20 / cos(pi / 6), 1e-4);
    sei_simulated_free(&made);
}

/* A plate that fills the field: the same mean in every pixel of a tilt. */
static const sei_body plate = {.shape = SEI_SHAPE_BOX, .half_nm = {4000, 4000, 10}, .material = 1};

enum { SIDE = 256 };

static sei_simulation flat_field(const double *tilts, int64_t n_tilts, double counts) {
    sei_simulation s = base(&plate, 1, tilts, n_tilts);
    s.nx = s.ny = SIDE;
    s.beyond = true;
    s.subsamples = 1;
    s.channels[0].counts = counts;
    return s;
}

static void counts_are_poisson_and_do_not_depend_on_threads(void **state) {
    const double tilts[] = {-0.002, -0.001, 0.001, 0.002};
    sei_simulation s = flat_field(tilts, 4, 6);
    sei_simulated one = {0}, many = {0}, other = {0};
    double sum = 0, squares = 0, cross = 0;
    (void)state;
    s.experiment.drift_px = 3;
    sei_threads_set(1);
    assert_ok(sei_simulate(&s, &one));
    sei_threads_set(7);
    assert_ok(sei_simulate(&s, &many));
    sei_threads_set(0);
    s.experiment.seed = 8;
    assert_ok(sei_simulate(&s, &other));
    const int n = 4 * SIDE * SIDE;
    assert_memory_equal(one.series.channels[0].data, many.series.channels[0].data, (size_t)n * sizeof(float));
    for (int i = 0; i < n; ++i) {
        const double a = one.series.channels[0].data[i] - 6;
        sum += a;
        squares += a * a;
        cross += a * (other.series.channels[0].data[i] - 6);
    }
    assert_close(sum / n, 0, 5 * sqrt(6.0 / n));
    assert_close((6 + sum / n) / (squares / n), 1, 0.02);
    assert_close(cross / n / 6, 0, 0.01);
    assert_int_equal(one.series.channels[0].stored, SEI_DTYPE_U16);
    sei_simulated_free(&one);
    sei_simulated_free(&many);
    sei_simulated_free(&other);
}

static void total_counts_are_those_of_the_dose(void **state) {
    double tilts[25];
    const double per_electron[] = {0, 2e-8, 0, 0}; /* counts per electron and nm */
    sei_simulated made = {0};
    (void)state;
    for (int t = 0; t < 25; ++t) tilts[t] = -60 + 5 * t;
    sei_simulation s = flat_field(tilts, 25, 0);
    s.signal = per_electron;
    s.channels[0].by_dose = true;
    s.channels[0].background = 0.05;
    s.experiment.dose_e_per_nm2 = 2e6;
    assert_ok(sei_simulate(&s, &made));
    double chi2 = 0;
    for (int t = 0; t < 25; ++t) {
        const double path_nm = 20 / cos(tilts[t] * pi / 180);
        const double want = SIDE * SIDE * (2e6 / 25 * 4 * 2e-8 * path_nm + 0.05); /* a pixel is 4 nm^2 */
        double got = 0;
        for (int i = 0; i < SIDE * SIDE; ++i) got += made.series.channels[0].data[t * SIDE * SIDE + i];
        chi2 += (got - want) * (got - want) / want;
    }
    assert_true(chi2 > 10.5 && chi2 < 46.9); /* 1 % of all series lie outside, half of them on either side */
    assert_close(made.scale[0], 2e6 / 25 * 4, 1e-6);
    assert_close(sei_table_get(&made.dose, 24, "cumulative_e_per_nm2"), 2e6, 1e-3);
    sei_simulated_free(&made);
    s.experiment.dose_e_per_nm2 = 0;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT, "none is stated");
}

static void damage_and_contamination_follow_the_dose(void **state) {
    const double tilts[] = {-60, 0, 60};
    static const sei_material soft[] = {{.name = "vacuum", .is_void = true},
                                        {.name = "sei", .label = 2, .critical_dose_e_per_nm2 = 1e6, .lost_fraction = 0.5},
                                        {.name = "carbon", .label = 5}};
    static const double given[] = {0, 1, 3};
    sei_simulated made = {0};
    (void)state;
    sei_simulation s = flat_field(tilts, 3, 0);
    s.specimen.n_materials = 3;
    s.specimen.materials = soft;
    s.signal = given;
    s.contaminant = 2;
    s.experiment.dose_e_per_nm2 = 3e6;
    s.experiment.contamination_nm_per_1e6 = 2;
    s.experiment.scheme = SEI_SCHEME_BIDIRECTIONAL; /* 0, 60, -60 */
    s.experiment.start_deg = 0;
    assert_ok(sei_simulate(&s, &made));
    for (int t = 0; t < 3; ++t) {
        const int order = t == 0 ? 2 : t - 1;
        /* exp(-D/Dc) over one Dc from `order` on has the mean exp(-order)*(1 - 1/e) */
        const double left = 1 - 0.5 * (1 - exp(-order) * (1 - exp(-1)));
        const double want = (20 * left + 3 * 2 * (order + 0.5)) / cos(tilts[t] * pi / 180);
        assert_close(made.series.channels[0].data[(t * SIDE + 100) * SIDE + 100] / want, 1, 1e-5);
        assert_int_equal(made.series.tilts[t].order, order);
    }
    sei_simulated_free(&made);
    s.experiment.dose_e_per_nm2 = 0;
    s.experiment.contamination_nm_per_1e6 = 0;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT, "damaged by dose");
}

static void detectors_do_what_they_are_set_to(void **state) {
    const double tilts[] = {0};
    sei_simulated made = {0};
    double sum = 0, squares = 0;
    (void)state;
    sei_simulation s = flat_field(tilts, 1, 0);
    s.channels[0].gain = 100;
    s.channels[0].offset = 500;
    s.channels[0].readout = 30;
    s.channels[0].stored = SEI_DTYPE_I16;
    assert_ok(sei_simulate(&s, &made));
    const int n = SIDE * SIDE;
    for (int i = 0; i < n; ++i) {
        const double a = made.series.channels[0].data[i] - 2500; /* 20 nm * 1 * 100 + 500 */
        assert_true(a == floor(a));
        sum += a;
        squares += a * a;
    }
    assert_close(sum / n, 0, 5 * 30 / sqrt(n));
    assert_close(sqrt(squares / n), 30, 5 * 30 / sqrt(2.0 * n));
    assert_string_equal(made.series.channels[0].unit, "grey");
    assert_int_equal(made.series.channels[0].stored, SEI_DTYPE_I16);
    sei_simulated_free(&made);
    s.channels[0].gain = 1700;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT, "'HAADF' at 0 deg has a value of 34");
    s.channels[0].gain = 1;
    s.channels[0].offset = -20000;
    s.channels[0].stored = SEI_DTYPE_U8;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT, "uint8 holds 0 to 255; raise its offset");
    /* half of the field, 8 counts there, one background count for two net ones */
    static const sei_body half = {.shape = SEI_SHAPE_BOX, .centre_nm = {-128, 0, 0}, .half_nm = {128, 4000, 10}, .material = 1};
    s = flat_field(tilts, 1, 8);
    s.specimen.bodies = &half;
    s.channels[0].peak_to_background = 2;
    assert_ok(sei_simulate(&s, &made));
    double side[2] = {0};
    for (int i = 0; i < n; ++i) side[i % SIDE >= SIDE / 2] += made.series.channels[0].data[i] / (double)(n / 2);
    assert_close(side[0], 12, 5 * sqrt(12.0 / (n / 2)));
    assert_close(side[1], 4, 5 * sqrt(4.0 / (n / 2)));
    sei_simulated_free(&made);
}

static void blur_and_motion_do_not_widen_the_shadow(void **state) {
    const double tilts[] = {-20, 20};
    const sei_body body = {.shape = SEI_SHAPE_CYLINDER, .half_nm = {14, 0, 14}, .material = 1};
    sei_simulation s = base(&body, 1, tilts, 2);
    double scale[2];
    (void)state;
    s.channels[0].counts = 40;
    for (int blurred = 0; blurred < 2; ++blurred) {
        sei_simulated made = {0};
        s.experiment.blur_nm = 3.0 * blurred;
        s.experiment.drift_px_per_s[0] = 2.0 * blurred;
        s.experiment.seconds = 1;
        assert_ok(sei_simulate(&s, &made));
        scale[blurred] = made.scale[0];
        sei_simulated_free(&made);
    }
    /* what the blur carries out of the shadow is made up for: some 4 % of a wire 14 pixels wide, not 100 % by a wider shadow */
    assert_true(scale[1] > scale[0] && scale[1] < 1.12 * scale[0]);
}

static void drift_is_undone_by_the_true_shifts(void **state) {
    const double tilts[] = {-30, 10};
    const sei_body body = {.shape = SEI_SHAPE_ELLIPSOID, .half_nm = {10, 8, 10}, .material = 1};
    sei_simulation s = base(&body, 1, tilts, 2);
    sei_simulated made = {0};
    (void)state;
    s.ny = 48;
    s.experiment.drift_px = 4;
    s.experiment.axis_deg = 20;
    s.experiment.axis_error_deg = 5;
    assert_ok(sei_simulate(&s, &made));
    assert_close(made.series.axis_deg, 20, 0);
    const double c = cos(25 * pi / 180), sn = sin(25 * pi / 180);
    for (int t = 0; t < 2; ++t) {
        double mass = 0, mx = 0, my = 0;
        for (int i = 0; i < 48 * 48; ++i) {
            const double v = made.series.channels[0].data[t * 48 * 48 + i];
            mass += v;
            mx += v * (i % 48 - 23.5);
            my += v * (i / 48 - 23.5);
        }
        /* in the frame whose tilt axis is y, the shift brings the mass back to the centre */
        const double u = (mx * c + my * sn) / mass, v = (my * c - mx * sn) / mass;
        assert_close(u + sei_table_get(&made.shifts, (size_t)t, "dx_px"), 0, 0.02);
        assert_close(v + sei_table_get(&made.shifts, (size_t)t, "dy_px"), 0, 0.02);
        assert_true(hypot(u, v) > 0.1);
    }
    sei_simulated_free(&made);
}

static void voxels_and_bodies_have_one_truth(void **state) {
    /* a box on 1 nm voxels, which 2 nm voxels of the truth hold exactly; the grid is smaller than the volume */
    enum { NX = 40, NY = 40, NZ = 32 };
    static uint8_t voxels[NX * NY * NZ];
    const double tilts[] = {0};
    sei_labels labels = {0};
    sei_volume volume = {0};
    sei_numbers numbers = {0};
    (void)state;
    for (int i = 0; i < NX * NY * NZ; ++i) {
        const int x = i % NX, z = i / NX / NY;
        voxels[i] = x >= 10 && x < 30 && z >= 7 && z < 25 ? (z < 11 ? 2 : 1) : 0;
    }
    sei_simulation s = base(NULL, 0, tilts, 1);
    s.specimen.nx = NX;
    s.specimen.ny = NY;
    s.specimen.nz = NZ;
    s.specimen.voxel_nm = 1;
    s.specimen.voxels = voxels;
    const double twice = 2;
    assert_ok(sei_simulate_truth(&s, &twice, &labels, &volume, &numbers));
    assert_close(sei_numbers_find(&numbers, "si_volume")->value, 20 * 40 * 14, 1e-9);
    assert_close(sei_numbers_find(&numbers, "sei_volume")->value, 20 * 40 * 4, 1e-9);
    /* z 7 is half of the volume's voxel 24 + (7 - 16)/2: two of its four nm^2 hold SEI (0.5 per nm), scale 2, edge 2 nm */
    const int64_t at = ((int64_t)19 * 20 + 10) * 48 + 24;
    assert_close(volume.data[at], 0.5 * 0.5 * 2 * 2, 1e-6);
    assert_close(volume.data[at + (int64_t)4 * 20 * 48], 1 * 2 * 2, 1e-6);
    assert_int_equal(labels.data[at + (int64_t)1 * 20 * 48], SEI_LABEL_SEI);
    assert_int_equal(labels.data[at], SEI_LABEL_OUTSIDE); /* a tie goes to the lower label */
    assert_int_equal(labels.data[0], SEI_LABEL_OUTSIDE);
    s.nx = 19;
    assert_refused(sei_simulate_truth(&s, NULL, NULL, NULL, NULL), SEI_ERR_INPUT,
                   "40 x 40 x 32 nm, larger than the volume of 38");
    sei_labels_free(&labels);
    sei_volume_free(&volume);
    sei_numbers_free(&numbers);
}

static void a_lack_of_memory_is_told_and_leaves_nothing(void **state) {
    const double tilts[] = {-30, 0, 30};
    const sei_body body = {.shape = SEI_SHAPE_ELLIPSOID, .half_nm = {12, 9, 12}, .material = 1};
    sei_simulation s = base(&body, 1, tilts, 3);
    sei_simulated made = {0};
    sei_labels labels = {0};
    sei_volume volume = {0};
    sei_numbers numbers = {0};
    bool whole = false;
    (void)state;
    s.subsamples = 1;
    s.nx = s.nz = 16;
    s.ny = 8;
    s.beyond = true;
    s.channels[0].counts = 5;
    s.faults.dead_rows = 1;
    s.experiment.dose_e_per_nm2 = 1e5;
    for (long n = 0; n < 400 && !whole; ++n) {
        sei_alloc_fail_after(n);
        sei_status status = sei_simulate(&s, &made);
        if (status == SEI_OK) status = sei_simulate_truth(&s, made.scale, &labels, &volume, &numbers);
        sei_alloc_fail_after(-1);
        whole = status == SEI_OK;
        assert_true(whole || status == SEI_ERR_MEMORY);
        assert_true(whole || (labels.data == NULL && volume.data == NULL && numbers.items == NULL));
        sei_simulated_free(&made);
    }
    assert_true(whole);
    sei_labels_free(&labels);
    sei_volume_free(&volume);
    sei_numbers_free(&numbers);
}

static void nonsense_is_refused(void **state) {
    const double tilts[] = {0};
    sei_body body = {.shape = SEI_SHAPE_ELLIPSOID, .half_nm = {12, 9, 12}, .material = 1};
    sei_simulation s = base(&body, 1, tilts, 1);
    static const double negative[] = {0, -1, 0, 0};
    sei_simulated made = {0};
    (void)state;
    s.signal = negative;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT, "'silicon' has signal -1");
    s.signal = signal;
    body.half_nm[1] = 0;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT, "half sizes");
    body.half_nm[1] = 9;
    s.channels[0].counts = 1e9;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT, "fewer counts");
    s.channels[0].by_dose = true;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT, "leave one out");
    s.channels[0].by_dose = false;
    s.channels[0].gain = -1;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT, "gain is -1");
    s.contaminant = 4;
    s.channels[0].gain = 0;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT, "material 4, expected 0 to 3");
    s.pixel_nm = NAN;
    assert_refused(sei_simulate(&s, &made), SEI_ERR_INPUT, "pixel_nm");
    assert_null(made.series.channels);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(core_shell_wire_follows_its_closed_form),
                                       cmocka_unit_test(ellipsoid_keeps_its_volume_at_every_tilt),
                                       cmocka_unit_test(box_has_its_thickness),
                                       cmocka_unit_test(counts_are_poisson_and_do_not_depend_on_threads),
                                       cmocka_unit_test(total_counts_are_those_of_the_dose),
                                       cmocka_unit_test(damage_and_contamination_follow_the_dose),
                                       cmocka_unit_test(detectors_do_what_they_are_set_to),
                                       cmocka_unit_test(voxels_and_bodies_have_one_truth),
                                       cmocka_unit_test(blur_and_motion_do_not_widen_the_shadow),
                                       cmocka_unit_test(drift_is_undone_by_the_true_shifts),
                                       cmocka_unit_test(a_lack_of_memory_is_told_and_leaves_nothing),
                                       cmocka_unit_test(nonsense_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
