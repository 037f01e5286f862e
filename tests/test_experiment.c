/*
 * Claims: the three schemes take the tilts in the orders their authors describe; the dose is charge over area, and the
 * paper's three total doses over 2,700 s come back as 140, 147 and 137 pA; the ledger marks the exposure in which the first
 * voids' dose and the limit are passed; damage is the closed form of its integral; angle errors have the standard deviation
 * asked for, and the backlash shows only against the first turn; a random walk's spread grows as the square root of the number
 * of exposures; leaving tilts out changes nothing for the others; lines and hot pixels are where the list says; nonsense is
 * refused.
 */
#include "core/alloc.h"
#include "seitomo/experiment.h"
#include "support/test.h"

enum { N_TILTS = 25 };

static void angles(double *tilt_deg) {
    for (int t = 0; t < N_TILTS; ++t) tilt_deg[t] = -60 + 5 * t;
}

static sei_experiment usual(const double *tilt_deg) {
    return (sei_experiment){.n_tilts = N_TILTS,
                            .tilt_deg = tilt_deg,
                            .start_deg = NAN,
                            .group = 1,
                            .field_nm2 = 512.0 * 512.0 * 2.134 * 2.134,
                            .seed = 3};
}

/* The nominal angles in the order they were taken. */
static void assert_order(const sei_experiment *e, const double *want, int n) {
    sei_tilt_exposure *x = NULL;
    int64_t count = 0;
    assert_ok(sei_experiment_exposures(e, &x, &count));
    for (int i = 0; i < n; ++i) {
        int64_t at = -1;
        for (int64_t t = 0; t < count; ++t) {
            if (x[t].order == i) at = t;
        }
        assert_true(at >= 0);
        if (x[at].nominal_deg != want[i]) fail_msg("exposure %d is at %g deg, expected %g", i, x[at].nominal_deg, want[i]);
    }
    sei_free(x);
}

static void schemes_take_tilts_in_their_order(void **state) {
    const double tilts[] = {-9, -6, -3, 0, 3, 6, 9};
    const double up[] = {-9, -6, -3, 0, 3, 6, 9}, down[] = {9, 6, 3, 0, -3, -6, -9};
    const double both[] = {0, 3, 6, 9, -3, -6, -9}, from_3_down[] = {3, 0, -3, -6, -9, 6, 9};
    const double hagen[] = {0, 3, -3, 6, -6, 9, -9}, pairs[] = {0, -3, -6, 3, 6, -9, 9};
    const double uneven[] = {-6, -3, -9, 0, 3, 6, 9};
    sei_experiment e = {.n_tilts = 7, .tilt_deg = tilts, .start_deg = NAN, .group = 1};
    (void)state;
    assert_order(&e, up, 7);
    e.start_deg = 60;
    assert_order(&e, down, 7);
    e.start_deg = NAN;
    e.scheme = SEI_SCHEME_BIDIRECTIONAL;
    assert_order(&e, both, 7);
    e.start_deg = 3.4;
    e.down_first = true;
    assert_order(&e, from_3_down, 7);
    e.start_deg = NAN;
    e.scheme = SEI_SCHEME_DOSE_SYMMETRIC;
    e.down_first = false;
    assert_order(&e, hagen, 7);
    e.group = 2;
    e.down_first = true;
    assert_order(&e, pairs, 7); /* the example of SerialEM's manual, group 2 */
    e.group = 1;
    e.down_first = false;
    e.start_deg = -6;
    assert_order(&e, uneven, 7);
}

static void the_papers_doses_are_its_currents(void **state) {
    const double pixel_nm[] = {2.134, 1.48, 1.068}, dose[] = {1.97e6, 4.3e6, 7.7e6}, current[] = {140, 147, 137};
    double tilts[N_TILTS];
    (void)state;
    angles(tilts);
    for (int k = 0; k < 3; ++k) {
        sei_experiment e = usual(tilts);
        sei_tilt_exposure *x = NULL;
        int64_t n = 0;
        e.field_nm2 = 512 * 512 * pixel_nm[k] * pixel_nm[k];
        e.seconds = 2700.0 / N_TILTS;
        e.dose_e_per_nm2 = dose[k];
        assert_ok(sei_experiment_exposures(&e, &x, &n));
        const sei_dose_total total = sei_dose_sum(x, n);
        assert_close(total.current_pa, current[k], 1);
        assert_close(total.dose_e_per_nm2 / dose[k], 1, 1e-12);
        assert_close(total.seconds, 2700, 1e-9);
        assert_int_equal(total.limit_order, -1);
        sei_free(x);
        /* and the current gives the dose back */
        e.current_pa = total.current_pa;
        e.dose_e_per_nm2 = 0;
        assert_ok(sei_experiment_exposures(&e, &x, &n));
        assert_close(sei_dose_sum(x, n).dose_e_per_nm2 / dose[k], 1, 1e-12);
        sei_free(x);
    }
}

static void the_ledger_marks_the_ceiling(void **state) {
    double tilts[N_TILTS];
    sei_tilt_exposure *x = NULL;
    int64_t n = 0;
    sei_table ledger = {0};
    (void)state;
    angles(tilts);
    sei_experiment e = usual(tilts);
    e.scheme = SEI_SCHEME_BIDIRECTIONAL;
    e.dose_e_per_nm2 = 1.1e7; /* 4.4e5 each: 8.9e6 is passed by the 21st exposure (9.24e6), 1e7 by the 23rd (1.012e7) */
    assert_ok(sei_experiment_exposures(&e, &x, &n));
    const sei_dose_total total = sei_dose_sum(x, n);
    assert_int_equal(total.first_voids_order, 20);
    assert_int_equal(total.limit_order, 22);
    assert_close(total.first_voids_deg, -40, 0); /* 0 to 60 are 13 exposures, then -5, -10, ... -40 */
    assert_close(total.limit_deg, -50, 0);
    assert_ok(sei_dose_ledger(x, n, &ledger));
    for (size_t row = 0; row < ledger.n_rows; ++row) {
        const double order = sei_table_get(&ledger, row, "order");
        assert_close(sei_table_get(&ledger, row, "cumulative_e_per_nm2"), 4.4e5 * (order + 1), 1e-3);
        assert_close(sei_table_get(&ledger, row, "passed"), (order >= 20) + (order >= 22), 0);
    }
    assert_true(isnan(sei_table_get(&ledger, 0, "current_pa"))); /* no seconds were stated */
    sei_table_free(&ledger);
    sei_free(x);
    /* the limit itself is not passed, though 7 or 23 equal parts of it add up to a rounding more */
    e.dose_e_per_nm2 = SEI_DOSE_LIMIT_E_PER_NM2;
    for (e.n_tilts = 1; e.n_tilts <= N_TILTS; ++e.n_tilts) {
        assert_ok(sei_experiment_exposures(&e, &x, &n));
        assert_int_equal(sei_dose_sum(x, n).limit_order, -1);
        sei_free(x);
    }
}

static void damage_is_the_mean_of_its_exponential(void **state) {
    const sei_material m = {.critical_dose_e_per_nm2 = 2e6, .lost_fraction = 0.4};
    const double before = 1.5e6, dose = 3e5;
    double mean = 0;
    (void)state;
    for (int i = 0; i < 2000; ++i) mean += exp(-(before + (i + 0.5) / 2000 * dose) / 2e6) / 2000;
    assert_close(sei_damage_factor(&m, before, dose), 1 - 0.4 * (1 - mean), 1e-9);
    assert_close(sei_damage_factor(&m, 0, 0), 1, 1e-15);
    assert_close(sei_damage_factor(&m, 1e12, 1), 0.6, 1e-12);
    const sei_material hard = {.lost_fraction = 0.4};
    assert_close(sei_damage_factor(&hard, 1e12, 1), 1, 0);
}

static void angles_err_and_lag_as_asked(void **state) {
    enum { MANY = 9001 };
    static double tilts[MANY];
    sei_tilt_exposure *x = NULL;
    int64_t n = 0;
    double sum = 0, squares = 0;
    (void)state;
    for (int t = 0; t < MANY; ++t) tilts[t] = -45 + 0.01 * t;
    sei_experiment e = usual(tilts);
    e.n_tilts = MANY;
    e.angle_sd_deg = 0.2;
    assert_ok(sei_experiment_exposures(&e, &x, &n));
    for (int64_t t = 0; t < n; ++t) {
        sum += x[t].true_deg - x[t].nominal_deg;
        squares += pow(x[t].true_deg - x[t].nominal_deg, 2);
    }
    assert_close(sum / MANY, 0, 5 * 0.2 / sqrt(MANY));
    assert_close(sqrt(squares / MANY), 0.2, 5 * 0.2 / sqrt(2.0 * MANY));
    sei_free(x);
    /* 0, 3, 6, 9 upwards as calibrated; the turn to -3 and all below lag behind */
    const double seven[] = {-9, -6, -3, 0, 3, 6, 9};
    e = (sei_experiment){.n_tilts = 7, .tilt_deg = seven, .scheme = SEI_SCHEME_BIDIRECTIONAL, .backlash_deg = 0.25, .group = 1};
    assert_ok(sei_experiment_exposures(&e, &x, &n));
    for (int t = 0; t < 7; ++t) assert_close(x[t].true_deg, seven[t] + (t < 3 ? 0.25 : 0), 1e-12);
    sei_free(x);
}

static void drift_walks_and_smears(void **state) {
    enum { SERIES = 400 };
    double tilts[N_TILTS];
    double last2 = 0, fifth2 = 0, smear2 = 0;
    sei_tilt_exposure *x = NULL;
    int64_t n = 0;
    (void)state;
    angles(tilts);
    sei_experiment e = usual(tilts);
    e.drift_walk_px = 1.5;
    e.drift_in_tilt_px = 0.5;
    e.seconds = 10;
    e.drift_px_per_s[0] = 0.1;
    for (int s = 0; s < SERIES; ++s) {
        e.seed = (uint64_t)s;
        assert_ok(sei_experiment_exposures(&e, &x, &n));
        assert_close(x[0].shift_px[0], 0, 0);
        for (int axis = 0; axis < 2; ++axis) {
            last2 += x[24].shift_px[axis] * x[24].shift_px[axis];
            fifth2 += x[5].shift_px[axis] * x[5].shift_px[axis];
            smear2 += pow(x[7].smear_px[axis] - (axis == 0 ? 1 : 0), 2);
        }
        sei_free(x);
    }
    const double spread = 5 * sqrt(2.0 / (2 * SERIES));
    assert_close(last2 / (2 * SERIES) / (24 * 2.25), 1, spread);
    assert_close(fifth2 / (2 * SERIES) / (5 * 2.25), 1, spread);
    assert_close(smear2 / (2 * SERIES) / 0.25, 1, spread);
}

static void missing_tilts_change_nothing_for_the_others(void **state) {
    double tilts[N_TILTS];
    const double named[] = {-60, 5};
    sei_tilt_exposure *all = NULL, *some = NULL;
    int64_t n = 0, left = 0;
    (void)state;
    angles(tilts);
    sei_experiment e = usual(tilts);
    e.drift_px = 4;
    e.angle_sd_deg = 0.1;
    assert_ok(sei_experiment_exposures(&e, &all, &n));
    e.n_missing = 2;
    e.missing_deg = named;
    e.missing_count = 3;
    assert_ok(sei_experiment_exposures(&e, &some, &left));
    assert_int_equal(left, 20);
    for (int64_t i = 0; i < left; ++i) {
        const sei_tilt_exposure *same = &all[some[i].index];
        assert_true(some[i].nominal_deg != -60 && some[i].nominal_deg != 5);
        assert_close(some[i].true_deg, same->true_deg, 0);
        assert_close(some[i].shift_px[1], same->shift_px[1], 0);
        assert_int_equal(some[i].order, i);
    }
    sei_free(all);
    sei_free(some);
}

static void contamination_grows_with_dose(void **state) {
    double tilts[N_TILTS];
    sei_tilt_exposure *x = NULL;
    int64_t n = 0;
    (void)state;
    angles(tilts);
    sei_experiment e = usual(tilts);
    e.dose_e_per_nm2 = 5e6;
    e.contamination_nm_per_1e6 = 2;
    e.blur_nm = 3;
    e.blur_tilt_nm = 8;
    assert_ok(sei_experiment_exposures(&e, &x, &n));
    for (int t = 0; t < N_TILTS; ++t) assert_close(x[t].contamination_nm, 2 * 0.2 * (t + 0.5), 1e-12);
    assert_close(x[12].blur_nm, 3, 1e-12);
    assert_close(x[18].blur_nm, 5, 1e-12); /* 30 deg: sqrt(9 + 16) */
    sei_free(x);
}

static void faults_are_where_the_list_says(void **state) {
    sei_series series = {0};
    sei_table list = {0};
    (void)state;
    assert_ok(sei_series_alloc(40, 30, 3, 2, &series));
    for (int t = 0; t < 3; ++t) series.tilts[t].tilt_deg = 10 * t;
    for (int c = 0; c < 2; ++c) {
        for (int i = 0; i < 3 * 30 * 40; ++i) series.channels[c].data[i] = 5000 + (float)(i % 7);
    }
    series.channels[1].stored = SEI_DTYPE_U16;
    const sei_faults faults = {.hot_pixels = 4, .dead_rows = 2, .dead_columns = 3, .seed = 5};
    assert_ok(sei_faults_apply(&faults, &series, &list));
    assert_int_equal(list.n_rows, 4 * 2 + 5);
    int zeros = 0, hot[2] = {0, 0};
    for (int c = 0; c < 2; ++c) {
        for (int i = 0; i < 3 * 30 * 40; ++i) {
            zeros += series.channels[c].data[i] == 0;
            hot[c] += series.channels[c].data[i] > 5006;
        }
    }
    assert_int_equal(zeros, 2 * 3 * (2 * 40 + 3 * 30 - 6));
    for (size_t row = 0; row < list.n_rows; ++row) {
        const double kind = sei_table_get(&list, row, "kind");
        if (kind == 2) assert_close(series.channels[0].data[(int)sei_table_get(&list, row, "y") * 40 + 7], 0, 0);
        if (kind == 3) assert_close(series.channels[1].data[11 * 40 + (int)sei_table_get(&list, row, "x")], 0, 0);
        if (kind != 1) continue;
        const int c = (int)sei_table_get(&list, row, "channel");
        const int x = (int)sei_table_get(&list, row, "x"), y = (int)sei_table_get(&list, row, "y");
        int t = 0;
        while (series.tilts[t].tilt_deg != sei_table_get(&list, row, "tilt_deg")) ++t;
        const float value = series.channels[c].data[(t * 30 + y) * 40 + x];
        assert_close(value, c == 0 ? 100120 : 65535, 0);
    }
    assert_int_equal(hot[0], 4);
    assert_int_equal(hot[1], 4);
    sei_table_free(&list);
    sei_series_free(&series);
}

static void nonsense_is_refused(void **state) {
    double tilts[N_TILTS];
    const double absent[] = {2.5};
    sei_tilt_exposure *x = NULL;
    int64_t n = 0;
    (void)state;
    angles(tilts);
    sei_experiment e = usual(tilts);
    e.current_pa = 10;
    e.dose_e_per_nm2 = 1;
    assert_refused(sei_experiment_exposures(&e, &x, &n), SEI_ERR_INPUT, "both given");
    e = usual(tilts);
    e.drift_px_per_s[1] = 1;
    assert_refused(sei_experiment_exposures(&e, &x, &n), SEI_ERR_INPUT, "seconds");
    e = usual(tilts);
    e.contamination_nm_per_1e6 = 1;
    assert_refused(sei_experiment_exposures(&e, &x, &n), SEI_ERR_INPUT, "no dose is stated");
    e = usual(tilts);
    e.n_missing = 1;
    e.missing_deg = absent;
    assert_refused(sei_experiment_exposures(&e, &x, &n), SEI_ERR_INPUT, "2.5 deg is none");
    e = usual(tilts);
    e.missing_count = N_TILTS;
    assert_refused(sei_experiment_exposures(&e, &x, &n), SEI_ERR_INPUT, "none is left");
    e = usual(tilts);
    e.scheme = SEI_SCHEME_DOSE_SYMMETRIC;
    e.group = 0;
    assert_refused(sei_experiment_exposures(&e, &x, &n), SEI_ERR_INPUT, "groups of 0");
    e = usual(tilts);
    e.angle_sd_deg = NAN;
    assert_refused(sei_experiment_exposures(&e, &x, &n), SEI_ERR_INPUT, "angle_sd_deg");
    tilts[3] = tilts[2];
    e = usual(tilts);
    assert_refused(sei_experiment_exposures(&e, &x, &n), SEI_ERR_INPUT, "ascend");
    assert_null(x);
    sei_series series = {0};
    assert_ok(sei_series_alloc(8, 8, 1, 1, &series));
    const sei_faults faults = {.dead_rows = 3};
    assert_refused(sei_faults_apply(&faults, &series, NULL), SEI_ERR_INPUT, "fewer");
    sei_series_free(&series);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(schemes_take_tilts_in_their_order),
                                       cmocka_unit_test(the_papers_doses_are_its_currents),
                                       cmocka_unit_test(the_ledger_marks_the_ceiling),
                                       cmocka_unit_test(damage_is_the_mean_of_its_exponential),
                                       cmocka_unit_test(angles_err_and_lag_as_asked),
                                       cmocka_unit_test(drift_walks_and_smears),
                                       cmocka_unit_test(missing_tilts_change_nothing_for_the_others),
                                       cmocka_unit_test(contamination_grows_with_dose),
                                       cmocka_unit_test(faults_are_where_the_list_says),
                                       cmocka_unit_test(nonsense_is_refused)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
