#include "io/emd_out.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/log.h"
#include "io/emd.h"

enum { DEFLATE_LEVEL = 1, ATTRIBUTE_MOST = 60000, PATH_BYTES = 512 };

static herr_t keep_reason(unsigned depth, const H5E_error2_t *entry, void *reason) {
    (void)depth;
    if (entry->desc != NULL && entry->desc[0] != 0) snprintf(reason, 160, "%s", entry->desc);
    return 0;
}

sei_status sei_h5_out_failed(const sei_h5_out *out, const char *what) {
    char reason[160] = "no reason given";
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_reason, reason);
    H5Eclear2(H5E_DEFAULT);
    return sei_fail(SEI_ERR_ENVIRONMENT, "%s: '%s' cannot be written (HDF5: %s); is the disk full?", out->file.path, what,
                    reason);
}

sei_status sei_h5_create(const char *path, bool overwrite, sei_h5_out *out) {
    sei_h5_out fresh = {.file = {.fd = -1}, .id = -1, .objects = 1};
    sei_status status = sei_outfile_open(path, overwrite, &fresh.file);
    if (status != SEI_OK) return status;
    H5dont_atexit(); /* after a write that failed HDF5 faults when it tidies up at exit; everything is closed here anyway */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0);
    const hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    if (creation >= 0) H5Pset_obj_track_times(creation, false); /* the same data make the same bytes */
    fresh.id = creation < 0 ? -1 : H5Fcreate(fresh.file.temporary, H5F_ACC_TRUNC, creation, H5P_DEFAULT);
    if (creation >= 0) H5Pclose(creation);
    if (fresh.id < 0) {
        status = sei_h5_out_failed(&fresh, "/");
        sei_outfile_abort(&fresh.file);
        return status;
    }
    *out = fresh;
    return SEI_OK;
}

void sei_h5_abandon(sei_h5_out *out) {
    if (out->file.path == NULL) return;
    if (out->id >= 0) H5Fclose(out->id);
    /* a file that HDF5 could not close stays open in it: at least its bytes go back to a full disk */
    if (out->file.fd >= 0 && ftruncate(out->file.fd, 0) != 0) sei_info("%s: its unfinished bytes stay", out->file.path);
    sei_outfile_abort(&out->file);
    *out = (sei_h5_out){.file = {.fd = -1}, .id = -1};
}

static herr_t count_object(hid_t object, const char *name, const H5O_info_t *info, void *count) {
    (void)object, (void)name, (void)info;
    *(int64_t *)count += 1;
    return 0;
}

#if H5_VERSION_GE(1, 12, 0)
#define VISIT(id, visit, context) H5Ovisit3(id, H5_INDEX_NAME, H5_ITER_NATIVE, visit, context, H5O_INFO_BASIC)
#else
#define VISIT(id, visit, context) H5Ovisit1(id, H5_INDEX_NAME, H5_ITER_NATIVE, visit, context)
#endif

sei_status sei_h5_finish(sei_h5_out *out) {
    hsize_t written = 0;
    int64_t found = 0;
    struct stat info;
    sei_status status = SEI_OK;
    if (H5Fflush(out->id, H5F_SCOPE_GLOBAL) < 0 || H5Fget_filesize(out->id, &written) < 0) {
        status = sei_h5_out_failed(out, "/");
        goto done;
    }
    const herr_t closed = H5Fclose(out->id); /* may claim success on a full disk: look */
    out->id = -1;
    if (closed < 0 || fstat(out->file.fd, &info) != 0 || (hsize_t)info.st_size < written) {
        status = sei_h5_out_failed(out, "/");
        goto done;
    }
    out->id = H5Fopen(out->file.temporary, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (out->id < 0 || VISIT(out->id, count_object, &found) < 0 || found != out->objects) {
        status = sei_h5_out_failed(out, "/ (what was written does not read back)");
        goto done;
    }
    H5Fclose(out->id);
    out->id = -1;
    status = sei_outfile_commit(&out->file);
done:
    sei_h5_abandon(out);
    return status;
}

sei_status sei_h5_make_group(sei_h5_out *out, const char *path) {
    const hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    if (creation >= 0) H5Pset_obj_track_times(creation, false);
    const hid_t group = creation < 0 ? -1 : H5Gcreate2(out->id, path, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (creation >= 0) H5Pclose(creation);
    if (group < 0 || H5Gclose(group) < 0) return sei_h5_out_failed(out, path);
    out->objects += 1;
    return SEI_OK;
}

/* One attribute of any type. */
static sei_status put(sei_h5_out *out, const char *path, const char *name, hid_t file_type, hid_t memory_type, size_t count,
                      const void *value) {
    const hsize_t size = count;
    const hid_t space = count == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(1, &size, NULL);
    const hid_t attribute =
        space < 0 ? -1 : H5Acreate_by_name(out->id, path, name, file_type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const bool written = attribute >= 0 && H5Awrite(attribute, memory_type, value) >= 0;
    const bool closed = attribute >= 0 && H5Aclose(attribute) >= 0;
    if (space >= 0) H5Sclose(space);
    return written && closed ? SEI_OK : sei_h5_out_failed(out, name);
}

sei_status sei_h5_put_text(sei_h5_out *out, const char *path, const char *name, const char *text) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    sei_status status = SEI_OK;
    if (type < 0 || H5Tset_size(type, H5T_VARIABLE) < 0 || H5Tset_cset(type, H5T_CSET_UTF8) < 0) {
        status = sei_h5_out_failed(out, name);
    } else {
        status = put(out, path, name, type, type, 0, &text);
    }
    if (type >= 0) H5Tclose(type);
    return status;
}

sei_status sei_h5_put_number(sei_h5_out *out, const char *path, const char *name, double value) {
    return put(out, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 0, &value);
}

sei_status sei_h5_put_numbers(sei_h5_out *out, const char *path, const char *name, const double *values, size_t count) {
    return put(out, path, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, count, values);
}

sei_status sei_h5_put_integer(sei_h5_out *out, const char *path, const char *name, int64_t value) {
    return put(out, path, name, H5T_STD_I64LE, H5T_NATIVE_INT64, 0, &value);
}

/* The little-endian file type and the native one; half precision as h5py knows it. */
static hid_t type_of(sei_dtype dtype) {
    switch (dtype) {
        case SEI_DTYPE_U8: return H5Tcopy(H5T_STD_U8LE);
        case SEI_DTYPE_I8: return H5Tcopy(H5T_STD_I8LE);
        case SEI_DTYPE_U16: return H5Tcopy(H5T_STD_U16LE);
        case SEI_DTYPE_I16: return H5Tcopy(H5T_STD_I16LE);
        case SEI_DTYPE_U32: return H5Tcopy(H5T_STD_U32LE);
        case SEI_DTYPE_I32: return H5Tcopy(H5T_STD_I32LE);
        case SEI_DTYPE_F64: return H5Tcopy(H5T_IEEE_F64LE);
        case SEI_DTYPE_F16: {
            const hid_t half = H5Tcopy(H5T_IEEE_F32LE);
            if (half >= 0 && H5Tset_fields(half, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(half, 2) >= 0 &&
                H5Tset_ebias(half, 15) >= 0)
                return half;
            if (half >= 0) H5Tclose(half);
            return -1;
        }
        default: return H5Tcopy(H5T_IEEE_F32LE);
    }
}

static hid_t memory_type_of(sei_dtype dtype) {
    /* a little-endian machine's half is the file's; seitomo runs on no other */
    return dtype == SEI_DTYPE_F16 ? type_of(dtype) : H5Tcopy(sei_h5_native(dtype));
}

sei_status sei_h5_write_list(sei_h5_out *out, const char *path, const double *values, size_t count, sei_dtype dtype) {
    const hsize_t size = count;
    const hid_t type = type_of(dtype);
    const hid_t space = H5Screate_simple(1, &size, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (type >= 0 && space >= 0 && creation >= 0 && H5Pset_obj_track_times(creation, false) >= 0)
        dataset = H5Dcreate2(out->id, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    const bool written = dataset >= 0 && H5Dwrite(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0;
    const bool closed = dataset >= 0 && H5Dclose(dataset) >= 0;
    if (creation >= 0) H5Pclose(creation);
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    out->objects += 1;
    return written && closed ? SEI_OK : sei_h5_out_failed(out, path);
}

/* An empty chunked dataset for the array. */
static hid_t make_dataset(const sei_h5_out *out, const char *path, const sei_h5_array *array, hid_t space) {
    const hsize_t chunk[] = {1, (hsize_t)array->ny, (hsize_t)array->nx};
    const hid_t type = type_of(array->dtype);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    hid_t dataset = -1;
    if (type >= 0 && creation >= 0 && H5Pset_obj_track_times(creation, false) >= 0 && H5Pset_chunk(creation, 3, chunk) >= 0 &&
        H5Pset_shuffle(creation) >= 0 && H5Pset_deflate(creation, DEFLATE_LEVEL) >= 0)
        dataset = H5Dcreate2(out->id, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (creation >= 0) H5Pclose(creation);
    if (type >= 0) H5Tclose(type);
    return dataset;
}

sei_status sei_h5_write_array(sei_h5_out *out, const char *path, const sei_h5_array *array) {
    const hsize_t size[] = {(hsize_t)array->nz, (hsize_t)array->ny, (hsize_t)array->nx};
    const hsize_t count[] = {1, size[1], size[2]};
    const size_t values = (size_t)(array->nx * array->ny);
    void *image = NULL;
    sei_status status = SEI_OK;
    const hid_t space = H5Screate_simple(3, size, NULL);
    const hid_t memory = H5Screate_simple(3, count, NULL);
    const hid_t type = memory_type_of(array->dtype);
    hid_t dataset = space < 0 ? -1 : make_dataset(out, path, array, space);
    if (memory < 0 || type < 0 || dataset < 0) {
        status = sei_h5_out_failed(out, path);
        goto done;
    }
    out->objects += 1;
    SEI_TRY(sei_alloc(values * sei_dtype_size(array->dtype), &image));
    for (int64_t z = 0; z < array->nz; ++z) {
        const hsize_t start[] = {(hsize_t)z, 0, 0};
        const void *from = image;
        SEI_TRY(sei_interrupt_check());
        if (array->bytes != NULL) {
            from = array->bytes + (size_t)z * values;
        } else {
            sei_from_float(array->values + (size_t)z * values, values, array->dtype, image);
        }
        if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0 ||
            H5Dwrite(dataset, type, memory, space, H5P_DEFAULT, from) < 0) {
            status = sei_h5_out_failed(out, path);
            goto done;
        }
    }
    const herr_t flushed = H5Dflush(dataset);
    const herr_t closed = H5Dclose(dataset);
    dataset = -1;
    if (flushed < 0 || closed < 0) status = sei_h5_out_failed(out, path);
done:
    if (dataset >= 0) H5Dclose(dataset);
    if (type >= 0) H5Tclose(type);
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    sei_free(image);
    return status;
}

sei_status sei_h5_write_dim(sei_h5_out *out, const char *group, int number, int64_t count, double step, const char *name,
                            const char *unit) {
    char path[PATH_BYTES];
    double *values = NULL;
    sei_status status = SEI_OK;
    snprintf(path, sizeof path, "%s/dim%d", group, number);
    SEI_TRY(SEI_NEW(values, count, 1, 1));
    for (int64_t i = 0; i < count; ++i) values[i] = (double)i * step;
    SEI_TRY(sei_h5_write_list(out, path, values, (size_t)count, SEI_DTYPE_F64));
    SEI_TRY(sei_h5_put_text(out, path, "name", name));
    SEI_TRY(sei_h5_put_text(out, path, "units", unit));
done:
    sei_free(values);
    return status;
}

sei_status sei_h5_write_provenance(sei_h5_out *out, const char *json) {
    const size_t length = json == NULL ? 0 : strlen(json);
    if (json == NULL) return SEI_OK;
    if (length < ATTRIBUTE_MOST) return sei_h5_put_text(out, "/", "provenance", json);
    const hid_t type = H5Tcopy(H5T_C_S1);
    const hid_t space = H5Screate(H5S_SCALAR);
    hid_t dataset = -1;
    if (type >= 0 && space >= 0 && H5Tset_size(type, length + 1) >= 0 && H5Tset_cset(type, H5T_CSET_UTF8) >= 0)
        dataset = H5Dcreate2(out->id, "/provenance", type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const bool written = dataset >= 0 && H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, json) >= 0;
    const bool closed = dataset >= 0 && H5Dclose(dataset) >= 0;
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    out->objects += 1;
    return written && closed ? SEI_OK : sei_h5_out_failed(out, "/provenance");
}
