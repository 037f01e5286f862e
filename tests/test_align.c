/*
 * Claims: a core-shell wire with pores and particles, closed-form projections, Poisson counts, shifts up to 10 px, is
 * aligned to 1 px rms (0.3 px here) and its axis found to 0.5 px, in images of even and odd size and with the axis along x;
 * a film that fills the field is aligned to 1 px with an honest uncertainty of the axis; what cannot be aligned is refused
 * with its tilt; 1, 2, 3 and 7 threads give the same bits.
 */
#include "core/threads.h"
#include "support/scene.h"
#include "support/test.h"

static void wires_are_aligned(void **state) {
    static const struct {
        int nx, ny;
        double most_px, axis;
    } cases[] = {{128, 120, 10, 0}, {129, 121, 10, 4.3}, {121, 128, 3, -7}};
    sei_device *device = sei_test_device("cpu");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        sei_test_scene wire;
        sei_series s = {0};
        sei_shifts f = {0};
        sei_align_options o;
        sei_test_truth t;
        sei_test_wire(&wire);
        sei_align_options_default(&o);
        sei_test_photograph(&wire, cases[i].nx, cases[i].ny, 25, -60, 5, cases[i].most_px, cases[i].axis, 300, 40 + i, &s, &t);
        assert_ok(sei_align_find(device, &s, &o, &f));
        const sei_test_errors e = sei_test_judge(&s, &t, &f);
        printf("  wire %d x %d: x %.3f px, y %.3f px rms, axis %.3f px (sd %.3f)\n", cases[i].nx, cases[i].ny, e.x_px, e.y_px,
               e.axis_px, f.axis_offset_sd_px);
        assert_true(e.x_px < 0.3 && e.y_px < 0.3);
        assert_true(fabs(e.axis_px) < 0.5);
        assert_true(f.axis_offset_sd_px < 0.5 && fabs(e.axis_px) < 5 * f.axis_offset_sd_px + 0.1);
        double mean_x = 0, mean_y = 0;
        for (int k = 0; k < 25; ++k) {
            mean_x += f.dx_px[k];
            mean_y += f.dy_px[k];
            if (k != 12) assert_true(f.score[k] > f.score_before[k] - 0.02);
        }
        assert_close(mean_x, 0, 1e-9);
        assert_close(mean_y, 0, 1e-9);
        sei_shifts_free(&f);
        /* With the axis given, the centre of mass goes onto it. */
        if (i > 0) {
            sei_series_free(&s);
            continue;
        }
        o.find_axis_offset = false;
        o.axis_offset_px = 2.5;
        assert_ok(sei_align_find(device, &s, &o, &f));
        assert_close(f.axis_offset_px, 2.5, 0);
        assert_close(sei_test_judge(&s, &t, &f).axis_px, 0, 0.5);
        sei_shifts_free(&f);
        sei_series_free(&s);
    }
    sei_device_close(device);
}

static void films_are_aligned(void **state) {
    sei_device *device = sei_test_device("cpu");
    (void)state;
    for (int i = 0; i < 2; ++i) {
        sei_test_scene film;
        sei_series s = {0};
        sei_shifts f = {0};
        sei_align_options o;
        sei_test_truth t;
        sei_test_film(&film, 7 + (uint64_t)i);
        sei_align_options_default(&o);
        sei_test_photograph(&film, 128 + i, 96 + i, i == 0 ? 16 : 25, i == 0 ? -40 : -60, 5, 5, i == 0 ? 0 : 4, 500,
                            90 + (uint64_t)i, &s, &t);
        o.iterations = 1;
        assert_ok(sei_align_find(device, &s, &o, &f));
        const sei_test_errors rough = sei_test_judge(&s, &t, &f);
        sei_shifts_free(&f);
        o.iterations = 3;
        assert_ok(sei_align_find(device, &s, &o, &f));
        const sei_test_errors e = sei_test_judge(&s, &t, &f);
        printf("  film: pairs x %.3f y %.3f px; refined x %.3f y %.3f px rms, axis %.2f px (sd %.2f)\n", rough.x_px, rough.y_px,
               e.x_px, e.y_px, e.axis_px, f.axis_offset_sd_px);
        assert_true(e.x_px < 0.3 && e.y_px < 0.3);
        /* Over +-40 deg an axis wrong by 1 px moves no image by more than 0.03 px from where it belongs: it is known less well.
         */
        assert_true(fabs(e.axis_px) < (i == 0 ? 2 : 1));
        assert_true(fabs(e.axis_px) < 4 * f.axis_offset_sd_px + 0.1 && f.axis_offset_sd_px < 1);
        sei_shifts_free(&f);
        sei_series_free(&s);
    }
    sei_device_close(device);
}

/* The same wire with its axis along x (and then at -90 deg): the answers are those of the upright one. */
static void axis_along_x(void **state) {
    sei_device *device = sei_test_device("cpu");
    sei_test_scene wire;
    sei_series s = {0}, lying = {0}, upright = {0};
    sei_shifts f = {0}, g = {0};
    sei_align_options o;
    sei_test_truth t;
    (void)state;
    sei_test_wire(&wire);
    sei_test_photograph(&wire, 96, 80, 13, -60, 10, 5, 2, 300, 77, &s, &t);
    sei_align_options_default(&o);
    assert_ok(sei_align_find(device, &s, &o, &f));
    for (int sign = -1; sign <= 1; sign += 2) {
        assert_ok(sei_series_alloc(80, 96, 13, 1, &lying));
        for (int k = 0; k < 13; ++k) {
            lying.tilts[k] = s.tilts[k];
            /* a quarter turn back of what alignment will turn forward */
            sei_turn(s.channels[0].data + k * 96 * 80, 96, 80, sign > 0 ? 3 : 1, lying.channels[0].data + k * 96 * 80);
        }
        lying.axis_deg = 90 * sign;
        assert_ok(sei_align_find(device, &lying, &o, &g));
        assert_close(g.axis_offset_px, f.axis_offset_px, 1e-9);
        for (int k = 0; k < 13; ++k) {
            assert_close(g.dx_px[k], f.dx_px[k], 1e-9);
            assert_close(g.dy_px[k], f.dy_px[k], 1e-9);
        }
        for (int k = 0; k < 13; ++k) g.dx_px[k] = g.dy_px[k] = 0;
        assert_ok(sei_align_apply(device, &lying, &g, 1, &upright));
        assert_int_equal(upright.nx, 96);
        assert_memory_equal(upright.channels[0].data, s.channels[0].data, sizeof(float) * 13 * 96 * 80);
        assert_close(upright.axis_deg, 0, 0);
        sei_shifts_free(&g);
        sei_series_free(&lying);
        sei_series_free(&upright);
    }
    sei_shifts_free(&f);
    sei_series_free(&s);
    sei_device_close(device);
}

static void what_cannot_be_aligned_is_refused(void **state) {
    sei_device *device = sei_test_device("cpu");
    sei_test_scene film;
    sei_series s = {0};
    sei_shifts f = {0};
    sei_align_options o;
    sei_test_truth t;
    (void)state;
    sei_test_film(&film, 3);
    sei_test_photograph(&film, 64, 48, 3, -5, 5, 8, 0, 0, 300, &s, &t);
    sei_align_options_default(&o);
    o.reference = "Si";
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_INPUT, "no channel named 'Si'; the series holds: HAADF");
    o.reference = "haadf";
    o.max_shift_px = 2;
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_INPUT,
                   "beyond the allowed shift of 2 px; raise max_shift_px (--max-shift)");
    o.max_shift_px = 0;
    assert_ok(sei_align_find(device, &s, &o, &f));
    sei_shifts_free(&f);
    o.high_cutoff = 0.7;
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_USAGE, "0.7");
    o.high_cutoff = 0.25;
    o.iterations = 0;
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_USAGE, "iterations is 0");
    o.iterations = 1;
    s.channels[0].data[64 * 48 + 70] = NAN;
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_INPUT,
                   "tilt 0 deg: pixel (6, 1) is not a finite number; repair it first (clean.repair_non_finite");
    for (int i = 0; i < 64 * 48; ++i) s.channels[0].data[64 * 48 + i] = 7;
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_INPUT, "tilt 0 deg: the image has no contrast");
    assert_null(f.dx_px);
    sei_series_free(&s);
    sei_device_close(device);
}

static void threads_change_nothing(void **state) {
    static const int threads[] = {1, 2, 3, 7};
    sei_test_scene film;
    sei_series s = {0};
    sei_shifts first = {0};
    sei_test_truth t;
    (void)state;
    sei_test_film(&film, 3);
    sei_test_photograph(&film, 64, 48, 7, -30, 10, 3, 0, 400, 310, &s, &t);
    for (int i = 0; i < 4; ++i) {
        sei_device *device = NULL;
        sei_shifts f = {0};
        sei_align_options o;
        sei_align_options_default(&o);
        o.iterations = 2;
        sei_threads_set(threads[i]);
        assert_ok(sei_device_open(&(sei_device_options){.name = "cpu", .threads = threads[i]}, &device));
        assert_ok(sei_align_find(device, &s, &o, i == 0 ? &first : &f));
        if (i > 0) {
            assert_memory_equal(f.dx_px, first.dx_px, 7 * sizeof(double));
            assert_memory_equal(f.dy_px, first.dy_px, 7 * sizeof(double));
            assert_memory_equal(&f.axis_offset_px, &first.axis_offset_px, sizeof(double));
        }
        sei_shifts_free(&f);
        sei_device_close(device);
    }
    sei_threads_set(0);
    sei_shifts_free(&first);
    sei_series_free(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(wires_are_aligned), cmocka_unit_test(films_are_aligned),
                                       cmocka_unit_test(axis_along_x), cmocka_unit_test(what_cannot_be_aligned_is_refused),
                                       cmocka_unit_test(threads_change_nothing)};
    return cmocka_run_group_tests(tests, NULL, sei_test_teardown);
}
