/*
 * Claims: smooth images are laid on each other to 0.05 px; applying shifts moves every channel by one interpolation,
 * whole-pixel shifts and quarter turns exactly, and marks what holds no data; the shifts survive their table; they do not
 * depend on the unit of the images.
 */
#include "core/alloc.h"
#include "core/threads.h"
#include "support/scene.h"
#include "support/test.h"

/* A smooth scene at 3 levels of difficulty: two images of one tilt, shifted by a known fraction. */
static void peaks_are_sub_pixel(void **state) {
    sei_device *device = sei_test_device("ref");
    sei_test_scene film;
    (void)state;
    sei_test_film(&film, 3);
    for (int i = 0; i < 6; ++i) {
        sei_series s = {0};
        sei_shifts f = {0};
        sei_align_options o;
        sei_test_truth t;
        sei_test_photograph(&film, 72 + i % 2, 64 + i / 2, 2, 0, 0.01, 4, 0, 0, 200 + (uint64_t)i, &s, &t);
        sei_align_options_default(&o);
        o.iterations = 1;
        assert_ok(sei_align_find(device, &s, &o, &f));
        assert_close(f.dx_px[1] - f.dx_px[0], t.sx[0] - t.sx[1], 0.05);
        assert_close(f.dy_px[1] - f.dy_px[0], t.sy[0] - t.sy[1], 0.05);
        assert_true(f.score[1] > 0.98);
        sei_shifts_free(&f);
        sei_series_free(&s);
    }
    sei_device_close(device);
}

static void shifts_are_applied_once(void **state) {
    sei_device *device = sei_test_device("ref");
    sei_series s = {0}, out = {0};
    sei_shifts f = {0};
    (void)state;
    assert_ok(sei_series_alloc(20, 15, 2, 2, &s));
    assert_ok(sei_shifts_alloc(2, &f));
    for (int i = 0; i < 2 * 300; ++i) {
        s.channels[0].data[i] = (float)(i % 20 + 100 * (i / 20 % 15));
        s.channels[1].data[i] = i == 5 * 20 + 7 ? 1 : 0;
    }
    s.tilts[1].tilt_deg = f.tilt_deg[1] = 5;
    f.dx_px[0] = 3;
    f.dy_px[0] = -2;
    f.dx_px[1] = 0.25;
    f.dy_px[1] = 0.5;
    f.axis_offset_px = 1.5;
    s.axis_offset_px = 9;
    assert_ok(sei_align_apply(device, &s, &f, 1, &out));
    assert_true(out.aligned);
    assert_close(out.axis_offset_px, 1.5, 0);
    sei_series_free(&out);
    f.axis_offset_px = NAN; /* shifts that say nothing of the axis leave it where the series has it */
    assert_ok(sei_align_apply(device, &s, &f, 1, &out));
    assert_close(out.axis_offset_px, 9, 0);
    for (int y = 0; y < 15; ++y) {
        for (int x = 0; x < 20; ++x) {
            const bool inside = x >= 3 && y < 13;
            assert_int_equal(out.valid[y * 20 + x], inside);
            assert_close((double)out.channels[0].data[y * 20 + x], inside ? x - 3 + 100 * (y + 2) : 0, 0);
            /* between pixels: a plane is interpolated exactly */
            if (out.valid[300 + y * 20 + x])
                assert_close((double)out.channels[0].data[300 + y * 20 + x], x - 0.25 + 100 * (y - 0.5), 1e-4);
        }
    }
    assert_int_equal(out.valid[300 + 20], 0);
    assert_int_equal(out.valid[300 + 21], 1);
    assert_close((double)out.channels[1].data[3 * 20 + 10], 1, 0); /* the lone count at (7, 5) went along */
    sei_series_free(&out);
    /* A pixel without data stays without, and so do those interpolated from it. */
    assert_ok(SEI_NEW(s.valid, 2, 15, 20));
    memset(s.valid, 1, 600);
    s.valid[300 + 8 * 20 + 8] = 0;
    assert_ok(sei_align_apply(device, &s, &f, 1, &out));
    assert_int_equal(
        out.valid[300 + 8 * 20 + 8] + out.valid[300 + 8 * 20 + 9] + out.valid[300 + 9 * 20 + 8] + out.valid[300 + 9 * 20 + 9], 0);
    assert_int_equal(out.valid[300 + 7 * 20 + 8], 1);
    sei_series_free(&out);
    /* refusals */
    f.tilt_deg[1] = 5.01;
    assert_refused(sei_align_apply(device, &s, &f, 1, &out), SEI_ERR_INPUT, "5.0100 deg, the series has 5.0000");
    f.tilt_deg[1] = 5;
    f.dx_px[1] = NAN;
    assert_refused(sei_align_apply(device, &s, &f, 1, &out), SEI_ERR_INPUT, "no shift");
    f.dx_px[1] = 0;
    assert_refused(sei_align_apply(device, &s, &f, 2, &out), SEI_ERR_USAGE, "interpolation 2");
    f.count = 1;
    assert_refused(sei_align_apply(device, &s, &f, 1, &out), SEI_ERR_INPUT, "1 shifts for 2 tilts");
    assert_null(out.channels);
    sei_shifts_free(&f);
    sei_series_free(&s);
    sei_device_close(device);
}

static void shifts_survive_their_table(void **state) {
    static const char *const needed[] = {"tilt_deg", "dx_px", "dy_px"};
    sei_shifts f = {0}, g = {0};
    sei_table table = {0};
    (void)state;
    assert_ok(sei_shifts_alloc(3, &f));
    for (int k = 0; k < 3; ++k) {
        f.tilt_deg[k] = -5 + 5 * k;
        f.dx_px[k] = 0.1 * k;
        f.dy_px[k] = -7.25 / 3 * k;
    }
    f.score[2] = 0.5;
    f.axis_offset_px = 1.0 / 3;
    assert_ok(sei_shifts_to_table(&f, &table));
    assert_string_equal(table.columns[0], "tilt_deg");
    assert_string_equal(table.columns[1], "dx_px");
    assert_string_equal(table.columns[2], "dy_px");
    assert_ok(sei_shifts_from_table(&table, &g));
    assert_memory_equal(f.dx_px, g.dx_px, 24);
    assert_memory_equal(f.dy_px, g.dy_px, 24);
    assert_true(g.axis_offset_px == f.axis_offset_px && isnan(g.score[0]) && g.score[2] == 0.5);
    sei_shifts_free(&g);
    table.cells[1] = NAN;
    assert_refused(sei_shifts_from_table(&table, &g), SEI_ERR_INPUT, "row 1");
    sei_table_free(&table);
    assert_ok(sei_table_alloc("plain", 3, needed, 2, &table));
    memset(table.cells, 0, 48);
    assert_ok(sei_shifts_from_table(&table, &g));
    assert_true(isnan(g.score[1]) && isnan(g.axis_offset_px));
    sei_shifts_free(&g);
    snprintf(table.columns[2], SEI_NAME_LENGTH, "dy");
    assert_refused(sei_shifts_from_table(&table, &g), SEI_ERR_INPUT, "no column dy_px");
    sei_table_free(&table);
    sei_shifts_free(&f);
}

/* Detectors may write any unit: squares of 1e35 or 1e-35 do not fit into single precision, the shifts stay what they are. */
static void units_change_nothing(void **state) {
    static const int shifts[] = {0, 110, -220}; /* powers of two, each on top of the last */
    sei_device *device = sei_test_device("cpu");
    sei_test_scene film;
    sei_series s = {0};
    sei_shifts first = {0};
    sei_test_truth t;
    (void)state;
    sei_test_film(&film, 3);
    sei_test_photograph(&film, 64, 48, 7, -30, 10, 3, 0, 400, 310, &s, &t);
    for (int i = 0; i < 3; ++i) {
        sei_shifts f = {0};
        sei_align_options o;
        sei_align_options_default(&o);
        for (int64_t k = 0; k < s.nx * s.ny * s.n_tilts; ++k) {
            float *pixel = &s.channels[0].data[k];
            *pixel = (float)ldexp((double)*pixel, shifts[i]);
        }
        assert_ok(sei_align_find(device, &s, &o, i == 0 ? &first : &f));
        for (int k = 0; i > 0 && k < 7; ++k) {
            assert_close(f.dx_px[k], first.dx_px[k], 1e-3);
            assert_close(f.dy_px[k], first.dy_px[k], 1e-3);
            if (!isnan(first.score[k])) assert_close(f.score[k], first.score[k], 1e-3);
        }
        sei_shifts_free(&f);
    }
    sei_shifts_free(&first);
    sei_series_free(&s);
    sei_device_close(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(peaks_are_sub_pixel), cmocka_unit_test(shifts_are_applied_once),
                                       cmocka_unit_test(shifts_survive_their_table), cmocka_unit_test(units_change_nothing)};
    return cmocka_run_group_tests(tests, NULL, sei_test_teardown);
}
