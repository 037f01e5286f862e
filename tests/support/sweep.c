/* See sweep.h. */
#include "support/sweep.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include "core/alloc.h"
#include "support/test.h"

long sei_test_every_allocation(const sei_test_attempt *attempt) {
    for (long n = 0; n < 5000; ++n) {
        sei_alloc_fail_after(n);
        const sei_status status = attempt->call(attempt->context);
        sei_alloc_fail_after(-1);
        if (status == SEI_OK) return n;
        if (!attempt->any_error && status != SEI_ERR_MEMORY)
            fail_msg("allocation %ld fails: status %d, expected %d: %s", n, (int)status, (int)SEI_ERR_MEMORY, sei_last_error());
        if (attempt->failed != NULL) attempt->failed(attempt->context);
    }
    fail_msg("it fails without end: %s", sei_last_error());
    return -1;
}

static int files_in_test_folder(void) {
    int n = 0;
    DIR *folder = opendir(sei_test_folder());
    assert_non_null(folder);
    while (readdir(folder) != NULL) ++n;
    closedir(folder);
    return n;
}

void sei_test_every_full_disk(const sei_test_attempt *attempt, long step, long most, long needed) {
    struct rlimit old;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    const int before = files_in_test_folder();
    for (long bytes = 0; bytes < most; bytes += step) {
        const struct rlimit small = {(rlim_t)bytes, old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
        const sei_status status = attempt->call(attempt->context);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        if (status != SEI_ERR_ENVIRONMENT && !(status == SEI_OK && bytes >= needed))
            fail_msg("a disk of %ld bytes: status %d: %s", bytes, (int)status, sei_last_error());
        assert_int_equal(files_in_test_folder(), before);
    }
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(attempt->call(attempt->context), SEI_OK);
}
