/*
 * needs: full
 * Claims: nothing outside an HDF5 file is reached; sizes it declares are not believed, and bombs are refused; a cut or damaged
 * one gives one line, whatever it does to the library; a child that dies in any way is an error message, and it can neither
 * read nor write anything else; a parent with threads reads too.
 */
#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <unistd.h>

#include "core/file.h"
#include "io/sandbox.h"
#include "support/foreign_emd.h"
#include "support/io_series.h"
#include "support/test.h"

static void nothing_outside_the_file(void **state) {
    static const hsize_t size[3] = {2, 3, 4};
    static const foreign_dim dims[3] = {{"angle", "deg", 0, 1}, {"y", "nm", 0, 1}, {"x", "nm", 0, 1}};
    (void)state;
    const char *other = sei_test_path("other.emd");
    const char *path = sei_test_path("hostile.emd");
    foreign_emd_write(other, 3, size, dims);

    hid_t file = foreign_emd_begin(path); /* external link as the data */
    assert_true(H5Lcreate_external("other.emd", "/data/map/data", file, "data/map/data", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    foreign_emd_refused(path, "/data/map/data");
    assert_non_null(strstr(sei_last_error(), "another file"));

    file = foreign_emd_begin(path); /* a soft link that leads to an external link */
    assert_true(H5Lcreate_external("other.emd", "/data/map", file, "away", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    assert_true(H5Lcreate_soft("/away/data", file, "data/map/data", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    foreign_emd_refused(path, "away");

    file = foreign_emd_begin(path); /* external storage */
    hid_t space = H5Screate_simple(3, size, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_external(creation, "/etc/passwd", 0, 24) >= 0);
    hid_t dataset = H5Dcreate2(file, "data/map/data", H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Fclose(file);
    foreign_emd_refused(path, "external storage");

    file = foreign_emd_begin(path); /* virtual dataset */
    creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_virtual(creation, space, "other.emd", "/data/map/data", space) >= 0);
    dataset = H5Dcreate2(file, "data/map/data", H5T_STD_I16LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Fclose(file);
    foreign_emd_refused(path, "virtual");

    file = foreign_emd_begin(path); /* a filter we do not run */
    creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(creation, 3, size) >= 0 && H5Pset_scaleoffset(creation, H5Z_SO_INT, 0) >= 0);
    dataset = H5Dcreate2(file, "data/map/data", H5T_STD_I16LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    foreign_emd_refused(path, "filter");

    file = foreign_emd_begin(path); /* links in a circle */
    assert_true(H5Lcreate_soft("/data/map/b", file, "data/map/data", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    assert_true(H5Lcreate_soft("/data/map/data", file, "data/map/b", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    foreign_emd_refused(path, "/data/map/");

    file = foreign_emd_begin(path); /* a group inside itself */
    assert_true(H5Lcreate_hard(file, "data", file, "data/again", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    foreign_emd_refused(path, "contains itself");
}

static void declared_sizes_are_not_believed(void **state) {
    static const hsize_t huge[3] = {20000, 20000, 22000};
    static const hsize_t chunk[3] = {1, 65535, 65535};
    (void)state;
    const char *path = sei_test_path("huge.emd");
    for (int chunked = 0; chunked < 2; ++chunked) {
        const hid_t file = foreign_emd_begin(path);
        const hid_t space = H5Screate_simple(3, huge, (const hsize_t[]){H5S_UNLIMITED, H5S_UNLIMITED, H5S_UNLIMITED});
        const hid_t fixed = H5Screate_simple(3, huge, NULL);
        const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
        if (chunked)
            assert_true(H5Pset_chunk(creation, 3, (const hsize_t[]){1, 32768, 16384}) >= 0 && H5Pset_deflate(creation, 1) >= 0);
        const hid_t dataset =
            H5Dcreate2(file, "data/map/data", H5T_STD_U8LE, chunked ? space : fixed, H5P_DEFAULT, creation, H5P_DEFAULT);
        assert_true(dataset >= 0);
        H5Dclose(dataset);
        H5Pclose(creation);
        H5Sclose(space);
        H5Sclose(fixed);
        H5Fclose(file);
        foreign_emd_refused(path, "declares");
    }
    (void)chunk;
}

static void a_bomb_is_refused(void **state) {
    static const hsize_t size[3] = {1, 8192, 8192};
    (void)state;
    const char *path = sei_test_path("bomb.emd");
    const hid_t file = foreign_emd_begin(path);
    const hid_t space = H5Screate_simple(3, size, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(creation, 3, size) >= 0 && H5Pset_deflate(creation, 9) >= 0 && H5Pset_deflate(creation, 9) >= 0);
    const hid_t dataset = H5Dcreate2(file, "data/map/data", H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    void *zeros = calloc(8192, 8192);
    assert_true(H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros) >= 0);
    free(zeros);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    foreign_emd_refused(path, "trap");
}

static void truncated_and_broken_files(void **state) {
    sei_series series = {0};
    char *bytes = NULL;
    size_t length = 0;
    (void)state;
    const char *path = sei_test_path("broken.emd");
    sei_test_make_series(1, false, &series);
    assert_ok(sei_emd_write_series(sei_test_path("whole.emd"), &series, NULL, true));
    sei_series_free(&series);
    assert_ok(sei_file_read_text(sei_test_path("whole.emd"), 1 << 24, &bytes, &length));
    for (size_t k = 0; k < 20; ++k) {
        assert_ok(sei_file_write_text(path, true, bytes, length * k / 20));
        foreign_emd_refused(path, path);
    }
    for (uint64_t k = 0; k < 60; ++k) { /* any outcome but a crash of this process */
        const size_t at = (size_t)(sei_test_uniform(5, k) * (double)length);
        const char before = bytes[at];
        const sei_format_read options = {.n_wanted = 0};
        sei_stacks stacks = {0};
        bytes[at] = (char)(bytes[at] ^ (1 << (k % 8)));
        assert_ok(sei_file_write_text(path, true, bytes, length));
        const sei_status status = sei_format_hdf5.read(path, &options, &stacks);
        assert_true(status == SEI_OK || status == SEI_ERR_INPUT || status == SEI_ERR_MEMORY);
        sei_stacks_free(&stacks);
        bytes[at] = before;
    }
    free(bytes);
}

/* Children that die in several ways. */
static void die(int pipe, void *context) {
    (void)pipe;
    switch (*(int *)context) {
        case 0: raise(SIGSEGV); break;
        case 1: abort();
        case 2: _exit(7);
        case 3:
            for (volatile unsigned i = 0;; ++i) continue; /* a hang among headers */
        default: break;
    }
}

static sei_status want_a_byte(int pipe, void *context) {
    char byte;
    (void)context;
    return sei_sandbox_take(pipe, &byte, 1);
}

static void peek(int pipe, void *context) {
    (void)context;
    const char seen = open("/etc/passwd", O_RDONLY) >= 0 ? 'y' : 'n';
    const char made = open(sei_test_path("made-by-child"), O_CREAT | O_WRONLY, 0600) >= 0 ? 'y' : 'n';
    const char answer[2] = {seen, made};
    if (sei_sandbox_put(pipe, answer, 2) != SEI_OK) _exit(1);
}

static sei_status two_bytes(int pipe, void *context) {
    return sei_sandbox_take(pipe, context, 2);
}

static void a_child_that_dies_is_an_error_message(void **state) {
    static const char *const words[] = {"crashed", "crashed", "gave up", "did not come to an end"};
    sei_infile file = {.fd = -1};
    (void)state;
    assert_ok(sei_file_write_text(sei_test_path("victim"), true, "x", 1));
    assert_ok(sei_infile_open(sei_test_path("victim"), &file));
    for (int how = 0; how < 4; ++how) {
        const sei_sandbox_job job = {&file, "HDF5", die, want_a_byte, &how};
        assert_refused(sei_sandbox_run(&job), SEI_ERR_INPUT, words[how]);
        assert_non_null(strstr(sei_last_error(), "victim"));
    }
    char answer[2] = "??";
    const sei_sandbox_job job = {&file, "HDF5", peek, two_bytes, answer};
    assert_ok(sei_sandbox_run(&job));
    assert_int_equal(answer[1], 'n'); /* RLIMIT_FSIZE does not stop an empty file, Landlock does */
    assert_int_equal(answer[0], 'n');
    sei_infile_close(&file);
}

static void a_parent_with_threads(void **state) {
    static const hsize_t size[3] = {2, 3, 4};
    static const foreign_dim dims[3] = {{"angle", "deg", 0, 1}, {"y", "nm", 0, 1}, {"x", "nm", 0, 1}};
    int good = 0;
    (void)state;
    const char *path = sei_test_path("threads.emd");
    foreign_emd_write(path, 3, size, dims);
#pragma omp parallel for num_threads(4) reduction(+ : good)
    for (int i = 0; i < 8; ++i) {
        const sei_format_read options = {.n_wanted = 0};
        sei_stacks stacks = {0};
        good +=
            sei_format_hdf5.read(path, &options, &stacks) == SEI_OK && stacks.count == 1 && stacks.items[0].data[23] == 123.0f;
        sei_stacks_free(&stacks);
    }
    assert_int_equal(good, 8);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_outside_the_file),
        cmocka_unit_test(declared_sizes_are_not_believed),
        cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(truncated_and_broken_files),
        cmocka_unit_test(a_child_that_dies_is_an_error_message),
        cmocka_unit_test(a_parent_with_threads),
    };
    foreign_emd_setup();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
