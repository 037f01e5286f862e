#include "support/test.h"

#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

const char *sei_test_data(const char *folder) {
    static char path[4096];
    const char *root = getenv("SEITOMO_TEST_DATA");
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", root == NULL ? "" : root, folder);
    if (root == NULL || root[0] == 0 || stat(path, &info) != 0) {
        printf("skipped: third-party data '%s' are absent (set SEITOMO_TEST_DATA to their folder)\n", folder);
        return NULL;
    }
    return path;
}

static char test_folder[64];

const char *sei_test_folder(void) {
    if (test_folder[0] == 0) {
        snprintf(test_folder, sizeof test_folder, "/tmp/seitomo-test-XXXXXX");
        if (mkdtemp(test_folder) == NULL) abort();
    }
    return test_folder;
}

const char *sei_test_path(const char *name) {
    static char paths[64][512];
    static int next = 0;
    char *path = paths[next++ % 64];
    snprintf(path, sizeof paths[0], "%s/%s", sei_test_folder(), name);
    return path;
}

const char *sei_test_text(const char *name, const char *text) {
    const char *path = sei_test_path(name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    return path;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *walk) {
    (void)info;
    (void)type;
    (void)walk;
    return remove(path);
}

void sei_test_clean(void) {
    if (test_folder[0] != 0) nftw(test_folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    test_folder[0] = 0;
}

int sei_test_teardown(void **state) {
    (void)state;
    sei_test_clean();
    return 0;
}

double sei_test_uniform(uint64_t seed, uint64_t n) {
    uint64_t z = seed * 0x9e3779b97f4a7c15ULL + (n + 1) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    z ^= z >> 31;
    return (double)(z >> 11) * (1.0 / 9007199254740992.0);
}

/*
 * Under AddressSanitizer: fontconfig, which draws the pictures' texts, never returns the patterns it caches, and HDF5 loses
 * what belongs to a file that it could not finish on a full disk.
 */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void) {
    return "leak:libfontconfig\nleak:libhdf5\n";
}
