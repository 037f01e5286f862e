/* HDF5 calls on a file nobody vouches for: nothing outside the file, nothing unbounded, every refusal with its object. */
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "io/emd.h"

enum { MOST_ATTRIBUTE_BYTES = 1 << 20, MOST_STRINGS = 16 };
static const hsize_t MOST_CHUNK_BYTES = (hsize_t)1 << 30;

static herr_t no_external_link(const char *parent_file, const char *parent_group, const char *child_file,
                               const char *child_object, unsigned *flags, hid_t access, void *data) {
    (void)parent_file, (void)parent_group, (void)child_file, (void)child_object, (void)flags, (void)access, (void)data;
    return -1;
}

bool sei_h5_no_external(hid_t access) {
    return H5Pset_elink_cb(access, no_external_link, NULL) >= 0;
}

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
void sei_h5_lock(void) {
    pthread_mutex_lock(&turn);
}
void sei_h5_unlock(void) {
    pthread_mutex_unlock(&turn);
}

/* The deepest entry of HDF5's error stack: the reason itself. */
static herr_t keep_reason(unsigned depth, const H5E_error2_t *entry, void *reason) {
    (void)depth;
    if (entry->desc != NULL && entry->desc[0] != 0) snprintf(reason, 160, "%s", entry->desc);
    return 0;
}

sei_status sei_h5_refuse(const sei_h5_in *in, const char *format, ...) {
    char what[512];
    char reason[160] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_reason, reason);
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, keep_reason, reason);
    H5Eclear2(H5E_DEFAULT);
    if (reason[0] == 0) return sei_fail(SEI_ERR_INPUT, "%s: %s", in->path, what);
    return sei_fail(SEI_ERR_INPUT, "%s: %s (HDF5: %s)", in->path, what, reason);
}

sei_status sei_h5_open(const char *path, int fd, sei_h5_in *in) {
    char name[64];
    sei_status status = SEI_OK;
    hid_t access = -1;
    *in = (sei_h5_in){.path = path, .file = -1, .links = -1};
    H5dont_atexit(); /* see emd_out.c */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0); /* no filter code from anywhere */
    access = H5Pcreate(H5P_FILE_ACCESS);
    in->links = H5Pcreate(H5P_LINK_ACCESS);
    if (access < 0 || in->links < 0 || !sei_h5_no_external(in->links)) {
        status = sei_h5_refuse(in, "the HDF5 library did not start");
        goto done;
    }
#if H5_VERSION_GE(1, 10, 7)
    H5Pset_file_locking(access, 0, 1); /* reading must work on network disks that know no locks */
#endif
    /* by descriptor, so that the file checked is the file read; by name where there is no /proc */
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    in->file = H5Fopen(fd >= 0 ? name : path, H5F_ACC_RDONLY, access);
    if (in->file < 0 && fd >= 0 && !sei_file_exists(name)) in->file = H5Fopen(path, H5F_ACC_RDONLY, access);
    if (in->file < 0) status = sei_h5_refuse(in, "not a readable HDF5 file; copy it again");
done:
    if (access >= 0) H5Pclose(access);
    if (status != SEI_OK) sei_h5_close(in);
    return status;
}

void sei_h5_close(sei_h5_in *in) {
    if (in->links >= 0) H5Pclose(in->links);
    if (in->file >= 0) H5Fclose(in->file);
    in->file = in->links = -1;
}

/* Copies a text from a file, without its line breaks. */
static void keep_text(const char *from, size_t length, char *text, size_t size) {
    size_t i = 0;
    for (; i < length && i + 1 < size && from[i] != 0; ++i) text[i] = from[i];
    text[i] = 0;
}

typedef herr_t (*reader)(hid_t object, hid_t type, void *to);
static herr_t read_attribute(hid_t object, hid_t type, void *to) {
    return H5Aread(object, type, to);
}
static herr_t read_dataset(hid_t object, hid_t type, void *to) {
    return H5Dread(object, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to);
}

/* The first string of an attribute or a dataset of strings. */
static bool read_text(hid_t object, hid_t type, hid_t space, reader read, char *text, size_t size) {
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    const size_t one = H5Tget_size(type);
    void *buffer = NULL;
    bool found = false;
    text[0] = 0;
    if (H5Tget_class(type) != H5T_STRING || count < 1 || count > MOST_STRINGS || one < 1 || one > MOST_ATTRIBUTE_BYTES)
        return false;
    const hid_t memory = H5Tcopy(type);
    if (memory < 0) return false;
    if (sei_alloc_zero((size_t)count * (one < sizeof(char *) ? sizeof(char *) : one) + 1, &buffer) == SEI_OK &&
        read(object, memory, buffer) >= 0) {
        if (H5Tis_variable_str(type) > 0) {
            char **strings = buffer;
            if (strings[0] != NULL) keep_text(strings[0], strlen(strings[0]), text, size);
            found = strings[0] != NULL;
            H5Dvlen_reclaim(memory, space, H5P_DEFAULT, buffer);
        } else {
            keep_text(buffer, one, text, size);
            found = true;
        }
    }
    sei_free(buffer);
    H5Tclose(memory);
    return found;
}

bool sei_h5_text(hid_t object, const char *attribute, char *text, size_t size) {
    bool found = false;
    double number = 0;
    text[0] = 0;
    if (H5Aexists(object, attribute) <= 0) return false;
    const hid_t id = H5Aopen(object, attribute, H5P_DEFAULT);
    if (id < 0) return false;
    const hid_t type = H5Aget_type(id);
    const hid_t space = H5Aget_space(id);
    if (type >= 0 && space >= 0 && H5Aget_storage_size(id) <= MOST_ATTRIBUTE_BYTES)
        found = read_text(id, type, space, read_attribute, text, size);
    if (!found && type >= 0 && space >= 0 && H5Tget_class(type) != H5T_STRING && H5Sget_simple_extent_npoints(space) == 1 &&
        sei_h5_number(object, attribute, &number)) {
        char digits[32];
        snprintf(text, size, "%s", sei_format_double(number, digits));
        found = true;
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    H5Aclose(id);
    return found;
}

bool sei_h5_numbers(hid_t object, const char *attribute, double *values, size_t count) {
    bool found = false;
    if (H5Aexists(object, attribute) <= 0) return false;
    const hid_t id = H5Aopen(object, attribute, H5P_DEFAULT);
    if (id < 0) return false;
    const hid_t type = H5Aget_type(id);
    const hid_t space = H5Aget_space(id);
    const H5T_class_t class = H5Tget_class(type);
    if (class == H5T_STRING && count == 1) {
        char text[64];
        found = read_text(id, type, space, read_attribute, text, sizeof text) && sei_parse_double(text, values);
    } else if ((class == H5T_INTEGER || class == H5T_FLOAT) && H5Sget_simple_extent_npoints(space) == (hssize_t)count) {
        found = H5Aread(id, H5T_NATIVE_DOUBLE, values) >= 0;
    }
    if (space >= 0) H5Sclose(space);
    if (type >= 0) H5Tclose(type);
    H5Aclose(id);
    return found;
}

bool sei_h5_number(hid_t object, const char *attribute, double *value) {
    return sei_h5_numbers(object, attribute, value, 1);
}

bool sei_h5_dataset_text(const sei_h5_in *in, const char *name, char *text, size_t size) {
    bool found = false;
    text[0] = 0;
    if (H5Lexists(in->file, name, in->links) <= 0) return false;
    const hid_t object = H5Oopen(in->file, name, in->links);
    if (object < 0) return false;
    if (H5Iget_type(object) == H5I_DATASET) {
        const hid_t type = H5Dget_type(object);
        const hid_t space = H5Dget_space(object);
        const hid_t creation = H5Dget_create_plist(object);
        const bool inside = creation >= 0 && H5Pget_external_count(creation) == 0 && H5Pget_layout(creation) != H5D_VIRTUAL &&
                            H5Pget_nfilters(creation) == 0;
        if (inside && type >= 0 && space >= 0) found = read_text(object, type, space, read_dataset, text, size);
        if (creation >= 0) H5Pclose(creation);
        if (space >= 0) H5Sclose(space);
        if (type >= 0) H5Tclose(type);
    }
    H5Oclose(object);
    return found;
}

hid_t sei_h5_native(sei_dtype dtype) {
    switch (dtype) {
        case SEI_DTYPE_U8: return H5T_NATIVE_UINT8;
        case SEI_DTYPE_I8: return H5T_NATIVE_INT8;
        case SEI_DTYPE_U16: return H5T_NATIVE_UINT16;
        case SEI_DTYPE_I16: return H5T_NATIVE_INT16;
        case SEI_DTYPE_U32: return H5T_NATIVE_UINT32;
        case SEI_DTYPE_I32: return H5T_NATIVE_INT32;
        case SEI_DTYPE_F32: return H5T_NATIVE_FLOAT;
        case SEI_DTYPE_F64: return H5T_NATIVE_DOUBLE;
        default: return -1;
    }
}

/* The types of a dataset's values, in the file and on their way to memory; text and the like are refused. */
static sei_status number_types(const sei_h5_in *in, const char *name, hid_t type, sei_dtype *wire, sei_dtype *stored) {
    static const char *const classes[] = {"integer",
                                          "float",
                                          "time",
                                          "text",
                                          "bit field",
                                          "opaque",
                                          "compound (complex?)",
                                          "reference",
                                          "enumeration",
                                          "variable-length (object)",
                                          "array"};
    const H5T_class_t class = H5Tget_class(type);
    const size_t bytes = H5Tget_size(type);
    const bool is_signed = class == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_2;
    if (class == H5T_ENUM) { /* h5py's booleans */
        const hid_t base = H5Tget_super(type);
        const sei_status status = base < 0 ? sei_h5_refuse(in, "'%s' is of a broken enumeration type", name)
                                           : number_types(in, name, base, wire, stored);
        if (base >= 0) H5Tclose(base);
        return status;
    }
    if (class == H5T_FLOAT && bytes <= 16) {
        *wire = bytes <= 4 ? SEI_DTYPE_F32 : SEI_DTYPE_F64;
        *stored = bytes == 2 ? SEI_DTYPE_F16 : *wire;
        return SEI_OK;
    }
    if (class == H5T_INTEGER && bytes <= 8) {
        const sei_dtype u = bytes <= 1 ? SEI_DTYPE_U8 : bytes <= 2 ? SEI_DTYPE_U16 : SEI_DTYPE_U32;
        const sei_dtype s = bytes <= 1 ? SEI_DTYPE_I8 : bytes <= 2 ? SEI_DTYPE_I16 : SEI_DTYPE_I32;
        *stored = is_signed ? s : u; /* 64-bit whole numbers are written back as 32-bit ones while they fit */
        *wire = bytes <= 4 ? *stored : SEI_DTYPE_F64;
        return SEI_OK;
    }
    return sei_fail(SEI_ERR_INPUT,
                    "%s: '%s' holds %s values of %zu bytes (an object array?), not numbers; save it as a numeric array", in->path,
                    name, class >= 0 && class <= H5T_ARRAY ? classes[class] : "unknown", bytes);
}

/* Refuses what lies outside the file or needs code that is not here. */
static sei_status check_storage(const sei_h5_in *in, const char *name, hid_t creation) {
    const H5D_layout_t layout = H5Pget_layout(creation);
    if (layout == H5D_VIRTUAL)
        return sei_fail(SEI_ERR_INPUT, "%s: '%s' is a virtual dataset, made of other files; copy it into one file", in->path,
                        name);
    if (layout != H5D_COMPACT && layout != H5D_CONTIGUOUS && layout != H5D_CHUNKED)
        return sei_h5_refuse(in, "'%s' is stored in an unknown way", name);
    if (H5Pget_external_count(creation) != 0)
        return sei_fail(SEI_ERR_INPUT, "%s: '%s' keeps its values in another file (external storage); copy it into one file",
                        in->path, name);
    const int filters = H5Pget_nfilters(creation);
    if (filters < 0) return sei_h5_refuse(in, "the filters of '%s' cannot be read", name);
    for (int i = 0; i < filters; ++i) {
        char filter_name[64] = "";
        unsigned flags = 0;
        unsigned config = 0;
        size_t values = 0;
        const H5Z_filter_t id =
            H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, sizeof filter_name, filter_name, &config);
        if (id != H5Z_FILTER_DEFLATE && id != H5Z_FILTER_SHUFFLE && id != H5Z_FILTER_FLETCHER32)
            return sei_fail(SEI_ERR_INPUT,
                            "%s: '%s' is compressed with filter %d (%.40s); seitomo reads deflate: h5repack -f GZIP=4", in->path,
                            name, (int)id, filter_name);
    }
    return SEI_OK;
}

/* Chunks: of a sane size, and all there. */
static sei_status check_chunks(const sei_h5_in *in, const char *name, hid_t dataset, hid_t space, hid_t creation, int rank,
                               const hsize_t *size, hsize_t bytes, size_t element) {
    hsize_t chunk[H5S_MAX_RANK];
    hsize_t chunk_bytes = element;
    hsize_t expected = 1;
    hsize_t found = 0;
    if (H5Pget_chunk(creation, H5S_MAX_RANK, chunk) != rank) return sei_h5_refuse(in, "the chunks of '%s' cannot be read", name);
    for (int i = 0; i < rank; ++i) {
        if (chunk[i] < 1 || __builtin_mul_overflow(chunk_bytes, chunk[i], &chunk_bytes) ||
            __builtin_mul_overflow(expected, (size[i] + chunk[i] - 1) / chunk[i], &expected))
            return sei_fail(SEI_ERR_INPUT, "%s: the chunks of '%s' have an impossible size", in->path, name);
    }
    if (chunk_bytes > MOST_CHUNK_BYTES || (chunk_bytes > ((hsize_t)64 << 20) && chunk_bytes / 16 > bytes))
        return sei_fail(SEI_ERR_INPUT, "%s: '%s' of %llu bytes lies in chunks of %llu bytes, at most %llu are read", in->path,
                        name, (unsigned long long)bytes, (unsigned long long)chunk_bytes, (unsigned long long)MOST_CHUNK_BYTES);
    if (H5Dget_num_chunks(dataset, space, &found) < 0) return sei_h5_refuse(in, "the chunks of '%s' cannot be counted", name);
    if (found < expected)
        return sei_fail(SEI_ERR_INPUT, "%s: '%s' is incomplete: %llu of its %llu chunks were written; copy or export it again",
                        in->path, name, (unsigned long long)found, (unsigned long long)expected);
    return SEI_OK;
}

/* The declared size against what is stored. */
static sei_status check_size(const sei_h5_in *in, const char *name, hid_t dataset, hid_t space, hid_t creation, int rank,
                             const hsize_t *size, size_t element) {
    hsize_t bytes = element;
    bool fits = true;
    for (int i = 0; i < rank; ++i) fits = fits && size[i] > 0 && !__builtin_mul_overflow(bytes, size[i], &bytes);
    const hsize_t stored = H5Dget_storage_size(dataset);
    const bool chunked = H5Pget_layout(creation) == H5D_CHUNKED;
    if (!fits || bytes > (hsize_t)INT64_MAX / 8)
        return sei_fail(SEI_ERR_INPUT, "%s: '%s' has an impossible size", in->path, name);
    if (bytes / SEI_EMD_MOST_RATIO > stored || (!chunked && stored < bytes))
        return sei_fail(SEI_ERR_INPUT, "%s: '%s' declares %llu bytes but stores %llu; the file is incomplete or a trap", in->path,
                        name, (unsigned long long)bytes, (unsigned long long)stored);
    return chunked ? check_chunks(in, name, dataset, space, creation, rank, size, bytes, element) : SEI_OK;
}

sei_status sei_h5_open_numbers(const sei_h5_in *in, const char *name, hid_t *dataset, int *rank, hsize_t size[SEI_EMD_AXES + 1],
                               sei_dtype *wire, sei_dtype *stored) {
    sei_status status = SEI_OK;
    hid_t space = -1;
    hid_t type = -1;
    hid_t creation = -1;
    const hid_t id = H5Oopen(in->file, name, in->links);
    if (id < 0) return sei_h5_refuse(in, "'%s' cannot be opened", name);
    if (H5Iget_type(id) != H5I_DATASET) {
        status = sei_fail(SEI_ERR_INPUT, "%s: '%s' is not an array", in->path, name);
        goto done;
    }
    space = H5Dget_space(id);
    type = H5Dget_type(id);
    creation = H5Dget_create_plist(id);
    if (space < 0 || type < 0 || creation < 0) {
        status = sei_h5_refuse(in, "'%s' cannot be read", name);
        goto done;
    }
    SEI_TRY(number_types(in, name, type, wire, stored));
    SEI_TRY(check_storage(in, name, creation));
    *rank = H5Sget_simple_extent_ndims(space);
    if (*rank < 0 || *rank > SEI_EMD_AXES + 1 || H5Sget_simple_extent_type(space) == H5S_NULL) {
        status = sei_fail(SEI_ERR_INPUT, "%s: '%s' has %d axes; a tilt series or a volume has three", in->path, name, *rank);
        goto done;
    }
    if (*rank > 0 && H5Sget_simple_extent_dims(space, size, NULL) != *rank) {
        status = sei_h5_refuse(in, "the size of '%s' cannot be read", name);
        goto done;
    }
    SEI_TRY(check_size(in, name, id, space, creation, *rank, size, H5Tget_size(type)));
    *dataset = id;
done:
    if (creation >= 0) H5Pclose(creation);
    if (type >= 0) H5Tclose(type);
    if (space >= 0) H5Sclose(space);
    if (status != SEI_OK) H5Oclose(id);
    return status;
}

sei_status sei_h5_vector(const sei_h5_in *in, const char *name, size_t most, double **values, size_t *count) {
    sei_status status = SEI_OK;
    hid_t dataset = -1;
    int rank = 0;
    hsize_t size[SEI_EMD_AXES + 1] = {1, 1, 1, 1};
    sei_dtype wire = SEI_DTYPE_UNKNOWN;
    sei_dtype stored = SEI_DTYPE_UNKNOWN;
    double *numbers = NULL;
    *count = 0;
    *values = NULL;
    if (H5Lexists(in->file, name, in->links) <= 0) return SEI_OK;
    SEI_TRY(sei_h5_open_numbers(in, name, &dataset, &rank, size, &wire, &stored));
    if (rank > 1 || size[0] > most) {
        status = sei_fail(SEI_ERR_INPUT, "%s: '%s' has %d axes and %llu values, expected a list of at most %zu", in->path, name,
                          rank, (unsigned long long)size[0], most);
        goto done;
    }
    SEI_TRY(SEI_NEW(numbers, (int64_t)size[0], 1, 1));
    if (H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers) < 0) {
        status = sei_h5_refuse(in, "'%s' cannot be read", name);
        goto done;
    }
    *values = numbers;
    *count = (size_t)size[0];
    numbers = NULL;
done:
    if (dataset >= 0) H5Dclose(dataset);
    sei_free(numbers);
    return status;
}
