/*
 * needs: full
 * Claims: whichever allocation of an EMD's writer, reading child or parent fails, an error comes back and nothing is left
 * behind; a disk that fills up while EMD or TIFF are written leaves no file of any name.
 */
#include <unistd.h>

#include "support/foreign_emd.h"
#include "support/io_series.h"
#include "support/sweep.h"
#include "support/test.h"

static sei_status write_emd(const char *path, const sei_series *series) {
    return sei_emd_write_series(path, series, NULL, false);
}

/* Every allocation of writer, child and parent fails once: an error each time, and nothing left behind. */
static void memory_that_runs_out(void **state) {
    sei_series series = {0};
    (void)state;
    sei_test_make_series(2, true, &series);
    sei_test_memory_of_format(&sei_format_hdf5, sei_test_path("memory.emd"), write_emd, &series, 10, true);
    sei_series_free(&series);
}

static sei_status write_and_remove_emd(void *context) {
    const char *path = sei_test_path("full.emd");
    const sei_status status = sei_emd_write_series(path, context, NULL, false);
    if (status == SEI_OK) unlink(path);
    return status;
}

static sei_status write_and_remove_tiff(void *context) {
    const char *path = sei_test_path("full.tif");
    const sei_status status = sei_tiff_write_channel(path, context, 0, false);
    if (status == SEI_OK) unlink(path);
    return status;
}

/* A disk that takes so many bytes and no more: an error, and no file of any name. */
static void a_disk_that_is_full(void **state) {
    sei_series series = {0};
    (void)state;
    sei_test_make_series(9, true, &series);
    const sei_test_attempt emd = {.call = write_and_remove_emd, .context = &series};
    const sei_test_attempt tiff = {.call = write_and_remove_tiff, .context = &series};
    sei_test_every_full_disk(&emd, 1333, 40000, 5000);
    sei_test_every_full_disk(&tiff, 1333, 40000, 500);
    sei_series_free(&series);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_runs_out),
        cmocka_unit_test(a_disk_that_is_full),
    };
    foreign_emd_setup();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
