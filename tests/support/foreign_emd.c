/* See foreign_emd.h. needs: full */
#include "support/foreign_emd.h"

#include "core/file.h"
#include "io/formats.h"
#include "support/test.h"

void foreign_emd_setup(void) {
    H5dont_atexit();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

hid_t foreign_emd_begin(const char *path) {
    const int32_t one = 1;
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t data = H5Gcreate2(file, "data", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t group = H5Gcreate2(data, "map", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t scalar = H5Screate(H5S_SCALAR);
    const hid_t type = H5Acreate2(group, "emd_group_type", H5T_STD_I32LE, scalar, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(type, H5T_NATIVE_INT32, &one) >= 0);
    H5Aclose(type);
    H5Sclose(scalar);
    H5Gclose(group);
    H5Gclose(data);
    return file;
}

static void put_string(hid_t object, const char *name, const char *text) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    const hid_t space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(text) + 1);
    const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, text) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

void foreign_emd_write(const char *path, int rank, const hsize_t size[3], const foreign_dim dims[3]) {
    const hid_t file = foreign_emd_begin(path);
    const hid_t space = H5Screate_simple(rank, size, NULL);
    const hid_t data = H5Dcreate2(file, "data/map/data", H5T_STD_I16BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    int16_t values[200];
    int n = 0;
    for (hsize_t i = 0; i < size[0]; ++i) {
        for (hsize_t j = 0; j < size[1]; ++j) {
            for (hsize_t k = 0; k < (rank == 3 ? size[2] : 1); ++k) values[n++] = (int16_t)(100 * i + 10 * j + k);
        }
    }
    assert_true(H5Dwrite(data, H5T_NATIVE_INT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(data);
    H5Sclose(space);
    for (int d = 0; d < rank; ++d) {
        char name[32];
        float vector[16];
        for (hsize_t i = 0; i < size[d]; ++i) vector[i] = (float)(dims[d].first + (double)i * dims[d].step);
        snprintf(name, sizeof name, "data/map/dim%d", d + 1);
        const hid_t line = H5Screate_simple(1, &size[d], NULL);
        const hid_t dim = H5Dcreate2(file, name, H5T_IEEE_F32LE, line, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        assert_true(H5Dwrite(dim, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, vector) >= 0);
        put_string(dim, "name", dims[d].name);
        put_string(dim, "units", dims[d].unit);
        H5Dclose(dim);
        H5Sclose(line);
    }
    H5Fclose(file);
}

void foreign_emd_refused(const char *path, const char *part) {
    const sei_format_read options = {.n_wanted = 0};
    sei_stacks stacks = {0};
    assert_refused(sei_format_hdf5.read(path, &options, &stacks), SEI_ERR_INPUT, part);
    if (strstr(sei_last_error(), sei_path_base(path)) == NULL) fail_msg("'%s' does not name the file", sei_last_error());
    assert_int_equal(stacks.count, 0);
}
