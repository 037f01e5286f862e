/*
 * Claims: sizes cannot overflow; every file is complete or absent; facts, numbers and labels keep their order; a series
 * sorts by tilt with images and mask.
 */
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/types.h"
#include "support/test.h"

static void sizes_are_checked(void **state) {
    size_t bytes = 0;
    (void)state;
    assert_ok(sei_checked_bytes(3, 4, 5, 4, &bytes));
    assert_int_equal(bytes, 240);
    assert_refused(sei_checked_bytes(INT64_MAX, 2, 1, 4, &bytes), SEI_ERR_INPUT, "too large");
    assert_refused(sei_checked_bytes(-1, 2, 1, 4, &bytes), SEI_ERR_INPUT, "negative");
    assert_int_equal(bytes, 240);
}

static void messages_are_one_line(void **state) {
    (void)state;
    const sei_status status = sei_fail(SEI_ERR_INPUT, "bad %s", "a\nb\x1b[31m");
    assert_int_equal(status, 3);
    assert_string_equal(sei_last_error(), "bad a?b?[31m");
    assert_int_equal(sei_fail_context(status, "file %d", 7), 3);
    assert_string_equal(sei_last_error(), "file 7: bad a?b?[31m");
}

static void files_are_whole_or_absent(void **state) {
    sei_outfile out = {.fd = -1};
    char *text = NULL;
    (void)state;
    const char *path = sei_test_path("a.txt");
    assert_ok(sei_outfile_open(path, false, &out));
    assert_ok(sei_outfile_write(&out, "hello", 5));
    assert_false(sei_file_exists(path));
    sei_outfile_abort(&out);
    assert_false(sei_file_exists(path));
    assert_ok(sei_file_write_text(path, false, "one", 3));
    assert_refused(sei_file_write_text(path, false, "two", 3), SEI_ERR_ENVIRONMENT, "--force");
    assert_ok(sei_file_write_text(path, true, "three", 5));
    assert_ok(sei_file_read_text(path, 100, &text, NULL));
    assert_string_equal(text, "three");
    sei_free(text);
    assert_refused(sei_file_read_text(path, 4, &text, NULL), SEI_ERR_INPUT, "5 bytes");
    const char *link_path = sei_test_path("link");
    assert_int_equal(symlink(path, link_path), 0);
    assert_refused(sei_file_write_text(link_path, true, "x", 1), SEI_ERR_ENVIRONMENT, "symbolic link");
    assert_refused(sei_file_write_text(sei_test_path("no/such/folder"), false, "x", 1), SEI_ERR_ENVIRONMENT, "does not exist");
}

static void series_sort_with_their_images(void **state) {
    sei_series series = {0};
    (void)state;
    assert_ok(sei_series_alloc(2, 1, 3, 1, &series));
    const double angles[3] = {10, -20, 5};
    for (int t = 0; t < 3; ++t) {
        series.tilts[t].tilt_deg = angles[t];
        series.channels[0].data[2 * t] = (float)angles[t];
        series.channels[0].data[2 * t + 1] = (float)t;
    }
    assert_ok(sei_series_sort(&series));
    for (int t = 0; t < 3; ++t) assert_close(series.channels[0].data[2 * t], series.tilts[t].tilt_deg, 0);
    assert_int_equal(series.tilts[0].section, 1);
    sei_series_free(&series);
    assert_refused(sei_series_alloc(0, 1, 3, 1, &series), SEI_ERR_INPUT, "at least one");
    assert_refused(sei_series_alloc(INT64_MAX / 2, 1 << 20, 3, 1, &series), SEI_ERR_INPUT, "too large");
}

static void a_folder_that_cannot_be_made_says_why(void **state) {
    (void)state;
    /* nobody makes folders there, each kernel and container for its own reason; that the folder is absent is none */
    assert_int_equal(sei_folder_make("/sys/seitomo"), SEI_ERR_ENVIRONMENT);
    assert_non_null(strstr(sei_last_error(), "/sys/seitomo: the folder cannot be made"));
    assert_null(strstr(sei_last_error(), "No such file"));
}

static void numbers_read_back_exactly(void **state) {
    char text[32];
    (void)state;
    for (uint64_t i = 0; i < 2000; ++i) {
        const double value = (sei_test_uniform(1, i) - 0.5) * pow(10, 40 * sei_test_uniform(2, i) - 20);
        double back = 0;
        assert_true(sei_parse_double(sei_format_double(value, text), &back));
        assert_true(value == back);
    }
    double back = 7;
    assert_false(sei_parse_double("1.5x", &back));
    assert_false(sei_parse_double("", &back));
    assert_true(back == 7);
}

static void allocations_can_be_made_to_fail(void **state) {
    sei_volume volume = {0};
    (void)state;
    sei_alloc_fail_after(0);
    const sei_status status = sei_volume_alloc(4, 4, 4, 1, &volume);
    sei_alloc_fail_after(-1);
    assert_int_equal(status, SEI_ERR_MEMORY);
    assert_null(volume.data);
}

static void a_disk_is_asked_before_it_is_full(void **state) {
    (void)state;
    assert_ok(sei_folder_check_space(sei_test_path("not/there/yet"), 1));
    assert_refused(sei_folder_check_space(sei_test_path("not/there/yet"), 1e30), SEI_ERR_ENVIRONMENT, "are free on the disk");
    assert_refused(sei_folder_check_space("/not-there-either", 1e30), SEI_ERR_ENVIRONMENT, "/not-there-either");
    assert_refused(sei_folder_check_space("nor-this", 1e30), SEI_ERR_ENVIRONMENT, "nor-this");
    assert_ok(sei_folder_check_space("/", 0));
    assert_ok(sei_folder_check_space("/proc/self", 1e30)); /* a file system that counts nothing */
    assert_false(sei_folder_exists(sei_test_path("not")));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sizes_are_checked),
                                       cmocka_unit_test(messages_are_one_line),
                                       cmocka_unit_test(files_are_whole_or_absent),
                                       cmocka_unit_test(series_sort_with_their_images),
                                       cmocka_unit_test(a_folder_that_cannot_be_made_says_why),
                                       cmocka_unit_test(numbers_read_back_exactly),
                                       cmocka_unit_test(a_disk_is_asked_before_it_is_full),
                                       cmocka_unit_test(allocations_can_be_made_to_fail)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
