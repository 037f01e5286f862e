/*
 * Claims: several files of one series share one tilt axis: a file that is silent takes it from the one that has angles, whichever
 * comes first; two that differ are refused with both values, unless the user says where the axis lies.
 *
 * needs: full
 */
#include "core/file.h"
#include "seitomo/io.h"
#include "support/test.h"

enum { NX = 5, NY = 4, NT = 3 };

/* One channel; its axis lies where it is told. */
static void write_one(const char *path, const char *name, double first_deg, double axis_deg, double axis_offset_px) {
    sei_series series = {0};
    assert_ok(sei_series_alloc(NX, NY, NT, 1, &series));
    for (int t = 0; t < NT; ++t) series.tilts[t].tilt_deg = first_deg + 20 * t;
    snprintf(series.channels[0].name, SEI_NAME_LENGTH, "%s", name);
    series.pixel_nm = 2;
    series.axis_deg = axis_deg;
    series.axis_offset_px = axis_offset_px;
    assert_ok(sei_io_write_series(path, &series, NULL, false));
    sei_series_free(&series);
}

static void channels_share_one_axis(void **state) {
    char first[512], silent[512], moved[512];
    sei_series series = {0};
    sei_read_options options;
    (void)state;
    snprintf(first, sizeof first, "%s", sei_test_path("first.mrc"));
    snprintf(silent, sizeof silent, "%s", sei_test_path("silent.mrc"));
    snprintf(moved, sizeof moved, "%s", sei_test_path("moved.mrc"));
    write_one(first, "HAADF", -20, 2.5, 0.125);
    write_one(silent, "O", NAN, NAN, NAN);
    write_one(moved, "Si", -20, 2.5, -3);
    const char *files[2] = {silent, first};
    sei_read_options_default(&options);
    options.n_files = 2;
    options.files = files;
    for (int order = 0; order < 2; ++order) {
        assert_ok(sei_io_read_series(&options, &series));
        assert_true(series.n_channels == 2 && series.axis_deg == 2.5 && series.axis_offset_px == 0.125);
        sei_series_free(&series);
        files[0] = first;
        files[1] = silent;
    }
    files[1] = moved;
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "0.125 px");
    assert_non_null(strstr(sei_last_error(), "-3 px"));
    options.axis_offset_px = 1;
    assert_ok(sei_io_read_series(&options, &series));
    assert_close(series.axis_offset_px, 1, 0);
    sei_series_free(&series);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(channels_share_one_axis)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
