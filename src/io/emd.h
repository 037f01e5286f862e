/*
 * Inside the EMD reader. What runs where: the child finds arrays (emd_scan.c), learns what the file says about each
 * (emd_array.c) and reads numbers (emd_data.c) into a sink; the sink is the pipe to the parent (emd_wire.c), whose other
 * end feeds a second sink that fills sei_stacks. A program that trusts its input, or a fuzzer, joins the two in one process.
 */
#ifndef SEI_IO_EMD_H
#define SEI_IO_EMD_H

#include <hdf5.h>

#include "io/formats.h"

enum {
    SEI_EMD_AXES = 3,
    SEI_EMD_PATH = 512,
    SEI_EMD_MOST_ARRAYS = 256,
    SEI_EMD_MOST_LINKS = 10000,
    SEI_EMD_DEEPEST = 8,
    SEI_EMD_MOST_RATIO = 10000 /* array bytes to stored bytes: deflate alone reaches 1032 */
};

/* An open file that is being read. */
typedef struct sei_h5_in {
    const char *path;
    hid_t file;
    hid_t links; /* link access list: external links fail */
    bool headers_only;
    size_t memory_bytes; /* what arrays may take in all */
    size_t n_wanted;
    const char *const *wanted;
    void (*grant)(size_t memory_bytes, int64_t processor_seconds); /* asks for what data need; NULL: unlimited */
} sei_h5_in;

/* Where arrays go, in order: begin, data until all nz*ny*nx values are there, valid likewise. */
typedef struct sei_emd_sink {
    void *self;
    /* The stack's header fields, angles and facts; data and valid follow as the flags say, data as `wire`. */
    sei_status (*begin)(void *self, const sei_stack *header, sei_dtype wire, bool with_data, bool with_valid);
    sei_status (*data)(void *self, const void *values, size_t count);
    sei_status (*valid)(void *self, const uint8_t *values, size_t count);
} sei_emd_sink;

/* One array of the file, found but not read. */
typedef struct sei_emd_found {
    char group[SEI_EMD_PATH]; /* where dims and attributes are */
    char data[SEI_EMD_PATH];
    char name[SEI_NAME_LENGTH];
    int first_dim; /* dim0 or dim1 */
    bool emd1;
    int64_t index; /* place among the file's arrays, as the writer saw it; else the order found */
} sei_emd_found;

typedef enum sei_emd_kind { SEI_EMD_BERKELEY = 0, SEI_EMD_VELOX, SEI_EMD_OTHER } sei_emd_kind;

typedef struct sei_emd_contents {
    sei_emd_kind kind;
    char version[SEI_NAME_LENGTH]; /* Velox: its version; other: what it looks like */
    size_t count;
    sei_emd_found *items; /* at most SEI_EMD_MOST_ARRAYS */
} sei_emd_contents;

/* How an array lies in its file and which of its axes is which. */
typedef struct sei_emd_layout {
    int rank;
    hsize_t size[SEI_EMD_AXES + 1];
    int axis_of[SEI_EMD_AXES]; /* stored axis that is our z, y, x; -1: none (length 1) */
    sei_dtype wire;            /* type the values travel in */
} sei_emd_layout;

/* emd_h5.c: HDF5 calls that cannot reach outside the file */
sei_status sei_h5_open(const char *path, int fd, sei_h5_in *in) SEI_MUST_CHECK;
void sei_h5_close(sei_h5_in *in);
/* Makes an access list refuse links to other files. */
bool sei_h5_no_external(hid_t access);
/* HDF5 keeps state of the whole process: one thread of this library at a time is inside it, and none while another forks. */
void sei_h5_lock(void);
void sei_h5_unlock(void);
/* SEI_ERR_INPUT: "path: what (HDF5's own reason)". */
sei_status sei_h5_refuse(const sei_h5_in *in, const char *format, ...) SEI_PRINTF(2, 3) SEI_MUST_CHECK;
/* Attributes in any numeric or text form; false (and an empty text) when absent or of another kind. */
bool sei_h5_text(hid_t object, const char *attribute, char *text, size_t size);
bool sei_h5_numbers(hid_t object, const char *attribute, double *values, size_t count);
bool sei_h5_number(hid_t object, const char *attribute, double *value);
/* The text in a string dataset; false when there is none. */
bool sei_h5_dataset_text(const sei_h5_in *in, const char *name, char *text, size_t size);
/*
 * Opens a dataset that is safe to read: numbers, stored inside the file, filters deflate, shuffle, fletcher32 only, no
 * virtual parts, complete, not a bomb. Returns its shape (at most SEI_EMD_AXES + 1 axes; scalars have rank 0) and the type
 * that holds its values and the type of the file. Refusals name the dataset.
 */
sei_status sei_h5_open_numbers(const sei_h5_in *in, const char *name, hid_t *dataset, int *rank, hsize_t size[SEI_EMD_AXES + 1],
                               sei_dtype *wire, sei_dtype *stored) SEI_MUST_CHECK;
/* The native HDF5 type of a sei_dtype. */
hid_t sei_h5_native(sei_dtype dtype);
/* A one-dimensional (or scalar) numeric dataset as doubles; absent: *count = 0. At most `most` values; sei_free. */
sei_status sei_h5_vector(const sei_h5_in *in, const char *name, size_t most, double **values, size_t *count) SEI_MUST_CHECK;

/* emd_scan.c */
sei_status sei_emd_scan(const sei_h5_in *in, sei_emd_contents *contents) SEI_MUST_CHECK;
void sei_emd_contents_free(sei_emd_contents *contents);

/* emd_array.c: everything but the numbers; `layout` says how to read them. */
sei_status sei_emd_describe(const sei_h5_in *in, const sei_emd_contents *contents, const sei_emd_found *found, sei_stack *stack,
                            sei_emd_layout *layout) SEI_MUST_CHECK;

/* emd_data.c: the numbers, as [z][y][x]. */
sei_status sei_emd_read_numbers(const sei_h5_in *in, const char *dataset, const sei_emd_layout *layout,
                                const sei_emd_sink *sink) SEI_MUST_CHECK;
sei_status sei_emd_read_mask(const sei_h5_in *in, const sei_stack *stack, const sei_emd_sink *sink) SEI_MUST_CHECK;
bool sei_emd_has_mask(const sei_h5_in *in);

/* emd_read.c: all of a file into a sink, in this process. */
typedef struct sei_emd_job {
    const char *path;
    int fd;
    const sei_format_read *options;
    size_t memory_bytes;
    void (*grant)(size_t memory_bytes, int64_t processor_seconds);
} sei_emd_job;
sei_status sei_emd_read_into(const sei_emd_job *job, const sei_emd_sink *sink) SEI_MUST_CHECK;
/* A sink that fills `out`, which may use memory_bytes. */
typedef struct sei_emd_collector {
    sei_stacks stacks;
    size_t memory_bytes;
    sei_dtype wire;
    size_t data_done, valid_done;
} sei_emd_collector;
sei_emd_sink sei_emd_collect(sei_emd_collector *collector);

/* emd_wire.c: the child's whole work, reading a sei_emd_job into the pipe; and the parent's side. */
void sei_emd_send_all(int pipe, void *job);
sei_status sei_emd_receive(int pipe, const sei_emd_sink *sink) SEI_MUST_CHECK;

#endif
