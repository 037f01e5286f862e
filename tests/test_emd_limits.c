/*
 * needs: full
 * Claims: whichever allocation of an EMD's writer, reading child or parent fails, an error comes back and nothing is left
 * behind; a disk that fills up while EMD or TIFF are written leaves no file of any name.
 */
#include <dirent.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "support/io_series.h"
#include "support/test.h"

/* Every allocation of writer, child and parent fails once: an error each time, and nothing left behind. */
static void memory_that_runs_out(void **state) {
    const sei_format_read options = {.n_wanted = 0};
    sei_series series = {0};
    (void)state;
    const char *path = sei_test_path("memory.emd");
    sei_test_make_series(2, true, &series);
    for (int writing = 1; writing >= 0; --writing) {
        sei_status status = SEI_ERR_MEMORY;
        long n = 0;
        for (; status != SEI_OK && n < 2000; ++n) {
            sei_stacks stacks = {0};
            sei_alloc_fail_after(n);
            status = writing ? sei_emd_write_series(path, &series, NULL, false) : sei_format_hdf5.read(path, &options, &stacks);
            sei_alloc_fail_after(-1);
            if (status != SEI_OK) {
                assert_int_equal(stacks.count, 0);
                assert_int_equal(sei_file_exists(path), !writing);
            }
            sei_stacks_free(&stacks);
        }
        assert_int_equal(status, SEI_OK);
        assert_true(n > 10);
    }
    sei_series_free(&series);
}

static int files_in_test_folder(void) {
    int n = 0;
    DIR *folder = opendir(sei_test_folder());
    while (readdir(folder) != NULL) ++n;
    closedir(folder);
    return n;
}

/* A disk that takes so many bytes and no more: an error, and no file of any name. */
static void a_disk_that_is_full(void **state) {
    struct rlimit old;
    sei_series series = {0};
    (void)state;
    sei_test_make_series(9, true, &series);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    const int before = files_in_test_folder();
    for (rlim_t most = 0; most < 40000; most += 1333) {
        const struct rlimit small = {most, old.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        const sei_status emd = sei_emd_write_series(sei_test_path("full.emd"), &series, NULL, false);
        const sei_status tif = sei_tiff_write_channel(sei_test_path("full.tif"), &series, 0, false);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_true(emd == SEI_ERR_ENVIRONMENT || (emd == SEI_OK && most > 5000));
        assert_true(tif == SEI_ERR_ENVIRONMENT || (tif == SEI_OK && most > 500));
        if (emd == SEI_OK) unlink(sei_test_path("full.emd"));
        if (tif == SEI_OK) unlink(sei_test_path("full.tif"));
        assert_int_equal(files_in_test_folder(), before);
    }
    signal(SIGXFSZ, SIG_DFL);
    sei_series_free(&series);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_that_runs_out),
        cmocka_unit_test(a_disk_that_is_full),
    };
    H5dont_atexit(); /* as the library does before its first call */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
