/*
 * Claims: spectra written row by row read back as written, with axes in deg, nm and keV, rows that never came as zeros; an
 * unfinished file leaves nothing; existing files, impossible sizes and rows out of range are refused; a plan's bytes are the
 * arrays'. needs: full
 */
#include <hdf5.h>
#include <unistd.h>

#include "core/file.h"
#include "seitomo/io.h"
#include "support/test.h"

enum { TILTS = 2, NY = 3, NX = 5, BINS = 7 };

static const double tilts[TILTS] = {-10, 15};
static const sei_spectra_shape shape = {.n_tilts = TILTS,
                                        .ny = NY,
                                        .nx = NX,
                                        .n_energies = BINS,
                                        .pixel_nm = 2.5,
                                        .first_kev = 0.1,
                                        .step_kev = 0.01,
                                        .tilt_deg = tilts,
                                        .images = true};

static void read_all(hid_t file, const char *name, hid_t type, void *to) {
    const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(dataset >= 0);
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) >= 0);
    H5Dclose(dataset);
}

static void rows_read_back_as_written(void **state) {
    const char *path = sei_test_path("spectra.emd");
    sei_spectra_file *file = NULL;
    uint16_t row[NX * BINS], got[TILTS][NY][NX][BINS];
    double summed[TILTS * BINS], sums[TILTS * BINS], axis[BINS], angles[TILTS], y[NY];
    (void)state;
    for (int i = 0; i < TILTS * BINS; ++i) summed[i] = 1000.0 * i;
    assert_ok(sei_io_spectra_begin(path, &shape, false, &file));
    for (int t = 0; t < TILTS; ++t) {
        for (int r = 0; r < NY; ++r) {
            for (int i = 0; i < NX * BINS; ++i) row[i] = (uint16_t)(t * 10000 + r * 1000 + i);
            if (t == 1 && r == 2) continue; /* never comes */
            assert_ok(sei_io_spectra_row(file, t, r, row));
        }
    }
    assert_refused(sei_io_spectra_row(file, 2, 0, row), SEI_ERR_USAGE, "tilt 2");
    assert_refused(sei_io_spectra_row(file, 0, NY, row), SEI_ERR_USAGE, "row 3");
    assert_false(sei_file_exists(path));
    assert_ok(sei_io_spectra_finish(file, summed, NULL));
    sei_io_spectra_close(file);
    const hid_t in = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    assert_true(in >= 0);
    read_all(in, "/spectra/images/data", H5T_NATIVE_UINT16, got);
    read_all(in, "/spectra/summed/data", H5T_NATIVE_DOUBLE, sums);
    read_all(in, "/spectra/images/dim3", H5T_NATIVE_DOUBLE, axis);
    read_all(in, "/spectra/images/dim1", H5T_NATIVE_DOUBLE, y);
    read_all(in, "/spectra/summed/dim0", H5T_NATIVE_DOUBLE, angles);
    H5Fclose(in);
    for (int t = 0; t < TILTS; ++t) {
        for (int r = 0; r < NY; ++r) {
            for (int i = 0; i < NX * BINS; ++i) {
                assert_int_equal(got[t][r][i / BINS][i % BINS], t == 1 && r == 2 ? 0 : t * 10000 + r * 1000 + i);
            }
        }
    }
    assert_memory_equal(sums, summed, sizeof sums);
    assert_memory_equal(angles, tilts, sizeof tilts);
    assert_close(axis[6] - axis[0], 0.06, 1e-12);
    assert_close(axis[0], 0.1, 1e-15);
    assert_close(y[2], 5, 1e-15);
    /* not overwritten without leave */
    assert_refused(sei_io_spectra_begin(path, &shape, false, &file), SEI_ERR_ENVIRONMENT, "force");
}

static void summed_spectra_alone_need_no_pixels(void **state) {
    const char *path = sei_test_path("summed.emd");
    sei_spectra_shape alone = shape;
    sei_spectra_file *file = NULL;
    uint16_t row[NX * BINS] = {0};
    const double summed[TILTS * BINS] = {1};
    (void)state;
    alone.images = false;
    alone.nx = alone.ny = 0;
    assert_ok(sei_io_spectra_begin(path, &alone, false, &file));
    assert_refused(sei_io_spectra_row(file, 0, 0, row), SEI_ERR_USAGE, "no place");
    assert_ok(sei_io_spectra_finish(file, summed, NULL));
    sei_io_spectra_close(file);
    assert_true(sei_file_exists(path));
    assert_true(sei_io_spectra_bytes(&alone) == TILTS * BINS * 8.0);
    assert_true(sei_io_spectra_bytes(&shape) == TILTS * BINS * (8.0 + 2 * NX * NY));
}

static void unfinished_files_leave_nothing(void **state) {
    char **names = NULL;
    size_t count = 0;
    sei_spectra_file *file = NULL;
    (void)state;
    assert_ok(sei_io_spectra_begin(sei_test_path("unfinished.emd"), &shape, false, &file));
    sei_io_spectra_close(file);
    assert_false(sei_file_exists(sei_test_path("unfinished.emd")));
    assert_ok(sei_folder_list(sei_test_folder(), ".part", &names, &count));
    assert_int_equal(count, 0);
    sei_folder_list_free(names, count);
    sei_io_spectra_close(NULL);
}

static void impossible_sizes_are_refused(void **state) {
    const char *path = sei_test_path("never.emd");
    sei_spectra_shape bad = shape;
    sei_spectra_file *file = NULL;
    (void)state;
    bad.n_energies = 1;
    assert_refused(sei_io_spectra_begin(path, &bad, false, &file), SEI_ERR_USAGE, "1 energies");
    bad = shape;
    bad.nx = 0;
    assert_refused(sei_io_spectra_begin(path, &bad, false, &file), SEI_ERR_USAGE, "0 x 3 pixels");
    bad = shape;
    bad.nx = bad.ny = (int64_t)1 << 31;
    assert_refused(sei_io_spectra_begin(path, &bad, false, &file), SEI_ERR_INPUT, "never.emd");
    assert_null(file);
    assert_false(sei_file_exists(path));
}

static int clean(void **state) {
    (void)state;
    sei_test_clean();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_read_back_as_written), cmocka_unit_test(summed_spectra_alone_need_no_pixels),
        cmocka_unit_test(unfinished_files_leave_nothing), cmocka_unit_test(impossible_sizes_are_refused)};
    return cmocka_run_group_tests(tests, NULL, clean);
}
