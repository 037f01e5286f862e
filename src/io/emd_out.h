/* Writing HDF5: every call is checked, and what was written is looked at again before the file gets its name. */
#ifndef SEI_IO_EMD_OUT_H
#define SEI_IO_EMD_OUT_H

#include <hdf5.h>

#include "core/file.h"
#include "io/formats.h"

typedef struct sei_h5_out {
    sei_outfile file;
    hid_t id;
    int64_t objects; /* groups and datasets made, the root among them */
} sei_h5_out;

/* SEI_ERR_ENVIRONMENT: the file cannot be written; the deepest reason HDF5 gives is the system's. */
sei_status sei_h5_out_failed(const sei_h5_out *out, const char *what) SEI_MUST_CHECK;

sei_status sei_h5_create(const char *path, bool overwrite, sei_h5_out *out) SEI_MUST_CHECK;
/* Flushes, closes, opens again, counts the objects, commits. Closed in any case. */
sei_status sei_h5_finish(sei_h5_out *out) SEI_MUST_CHECK;
void sei_h5_abandon(sei_h5_out *out); /* closed already: nothing */

sei_status sei_h5_make_group(sei_h5_out *out, const char *path) SEI_MUST_CHECK;
/* Attributes of the object at `path`. */
sei_status sei_h5_put_text(sei_h5_out *out, const char *path, const char *name, const char *text) SEI_MUST_CHECK;
sei_status sei_h5_put_number(sei_h5_out *out, const char *path, const char *name, double value) SEI_MUST_CHECK;
sei_status sei_h5_put_numbers(sei_h5_out *out, const char *path, const char *name, const double *values,
                              size_t count) SEI_MUST_CHECK;
sei_status sei_h5_put_integer(sei_h5_out *out, const char *path, const char *name, int64_t value) SEI_MUST_CHECK;
/* A list of doubles stored as `dtype`. */
sei_status sei_h5_write_list(sei_h5_out *out, const char *path, const double *values, size_t count,
                             sei_dtype dtype) SEI_MUST_CHECK;

/* [nz][ny][nx] from floats (stored as dtype) or bytes (uint8): one image per chunk, shuffle and deflate. */
typedef struct sei_h5_array {
    int64_t nx, ny, nz;
    sei_dtype dtype;
    const float *values;
    const uint8_t *bytes;
} sei_h5_array;
sei_status sei_h5_write_array(sei_h5_out *out, const char *path, const sei_h5_array *array) SEI_MUST_CHECK;
/* A dimN vector: first + i*step, stored as float64, with its name and unit. */
sei_status sei_h5_write_dim(sei_h5_out *out, const char *group, int number, int64_t count, double step, const char *name,
                            const char *unit) SEI_MUST_CHECK;
/* The provenance: an attribute of the root while it fits, else a dataset of the same name. NULL: nothing. */
sei_status sei_h5_write_provenance(sei_h5_out *out, const char *json) SEI_MUST_CHECK;

/* emd_write.c: the frame of an EMD 1.0 file, its attributes and its root group. */
sei_status sei_emd1_begin(sei_h5_out *out, const char *root) SEI_MUST_CHECK;

#endif
