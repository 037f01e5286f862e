/*
 * The shared types of seitomo: tilt series, volumes, labels, tables of numbers.
 *
 * CONVENTIONS (they hold everywhere; docs and tests refer to this block)
 *
 * Axes       x: along a detector row, fastest in memory. y: along the tilt axis, rows of the detector.
 *            z: along the beam at tilt 0. Stored row r is y = r in every format; nothing is ever flipped
 *            unless the user asks (--flip-y).
 * Arrays     images  data[tilt][y][x]; volumes data[z][y][x]; index of an element = (k*ny + y)*nx + x.
 * Geometry   a voxel at (x, z), measured from the volume's centre ((nx-1)/2, (nz-1)/2), lands on the detector
 *            coordinate  u = x*cos(theta) - z*sin(theta)  for tilt theta (IMOD's sign), measured from the
 *            projected tilt axis, which lies at bin (nu-1)/2 + axis_offset_px. One bin is one pixel wide.
 * Tilt axis  after alignment it is y. axis_deg counts from +y towards -x with +y drawn upwards.
 * Values     a volume's value is signal per voxel edge length: the sum of values along a ray, each times its
 *            path in voxel edges, is the projection. Counts are never shifted by subtracting a minimum.
 * Shifts     (dx_px, dy_px) is the translation to APPLY to an image.
 * Units      names end in their unit (pixel_nm, tilt_deg, dose_e_per_nm2); no suffix means dimensionless.
 * Unknown    an unknown real number is NaN, an unknown integer -1, an unknown text "".
 * Ownership  a struct owns what its pointers point to. A zeroed struct is valid and empty; *_free() empties a
 *            struct and may be called on an empty one. Functions write their output last: on error it is untouched.
 */
#ifndef SEITOMO_TYPES_H
#define SEITOMO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "seitomo/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SEI_NAME_LENGTH = 64, SEI_UNIT_LENGTH = 16, SEI_TEXT_LENGTH = 256 };

/* Element types found in files. In memory everything is float (labels: uint8_t). */
typedef enum sei_dtype {
    SEI_DTYPE_UNKNOWN = 0,
    SEI_DTYPE_U8,
    SEI_DTYPE_I8,
    SEI_DTYPE_U16,
    SEI_DTYPE_I16,
    SEI_DTYPE_U32,
    SEI_DTYPE_I32,
    SEI_DTYPE_F16,
    SEI_DTYPE_F32,
    SEI_DTYPE_F64
} sei_dtype;

/* Edges of pixels and voxels that an electron microscope can have; others are a slip of unit or a damaged header. */
#define SEI_PIXEL_NM_LEAST 1e-4
#define SEI_PIXEL_NM_MOST 1e6
static inline bool sei_pixel_nm_is_possible(double pixel_nm) {
    return pixel_nm >= SEI_PIXEL_NM_LEAST && pixel_nm <= SEI_PIXEL_NM_MOST;
}

size_t sei_dtype_size(sei_dtype dtype);      /* bytes; 0 for UNKNOWN */
const char *sei_dtype_name(sei_dtype dtype); /* "uint16" and so on; static storage */

/* One thing a reader learned, with where it came from: ("pixel_nm", "13.0814", "MRC header, xlen/mx"). */
typedef struct sei_fact {
    char key[SEI_NAME_LENGTH];
    char value[SEI_TEXT_LENGTH];
    char source[SEI_TEXT_LENGTH];
} sei_fact;

typedef struct sei_facts {
    size_t count;
    sei_fact *items;
} sei_facts;

/* Adds a fact, or replaces the one of the same key. Texts are cut to their fields, control bytes become '?'. */
sei_status sei_facts_set(sei_facts *facts, const char *key, const char *value, const char *source) SEI_MUST_CHECK;
const sei_fact *sei_facts_find(const sei_facts *facts, const char *key);        /* NULL when absent */
sei_status sei_facts_copy(const sei_facts *from, sei_facts *to) SEI_MUST_CHECK; /* `to` must be empty */
void sei_facts_free(sei_facts *facts);

/* One tilt of a series. */
typedef struct sei_tilt {
    double tilt_deg;
    int32_t order;         /* acquisition order, 0-based; -1 unknown */
    int32_t section;       /* index of the image in the file it came from */
    double dose_e_per_nm2; /* dose of this exposure; NaN unknown */
} sei_tilt;

/* One signal of a series: HAADF or one element's map. */
typedef struct sei_channel {
    char name[SEI_NAME_LENGTH];
    char unit[SEI_UNIT_LENGTH]; /* "counts", "grey", "" */
    sei_dtype stored;           /* type in the file; writers keep it while every value is exact in it */
    double window_low_kev;      /* EDS energy window; NaN unknown */
    double window_high_kev;
    float *data; /* [n_tilts][ny][nx] */
} sei_channel;

/* A tilt series: several channels that share one detector grid, one list of tilts and one geometry. */
typedef struct sei_series {
    int64_t nx, ny;
    int64_t n_tilts;
    double pixel_nm;       /* NaN until known */
    double axis_deg;       /* direction of the tilt axis in the images; 0 = y */
    double axis_offset_px; /* projected axis minus image centre (nx-1)/2, along x once the axis is y */
    bool aligned;          /* shifts have been applied */
    sei_tilt *tilts;       /* [n_tilts], ascending tilt_deg */
    size_t n_channels;
    sei_channel *channels;
    uint8_t *valid; /* [n_tilts][ny][nx], 1 where a pixel holds data; NULL: all do. Shared by all channels */
    sei_facts facts;
} sei_series;

/*
 * Makes a series of the given shape with n_channels zero-filled channels, unknown names, NaN pixel size, tilts
 * zeroed with order -1 and section i. Sizes are checked for overflow before anything is allocated.
 * Errors: SEI_ERR_INPUT (a size < 1 or too large), SEI_ERR_MEMORY; `out` is untouched then.
 */
sei_status sei_series_alloc(int64_t nx, int64_t ny, int64_t n_tilts, size_t n_channels, sei_series *out) SEI_MUST_CHECK;
void sei_series_free(sei_series *series);
/* The channel of that name (ASCII case ignored), or NULL. */
sei_channel *sei_series_find(const sei_series *series, const char *name);
/* A new series holding copies of the named channels in the given order. SEI_ERR_INPUT lists the names there are. */
sei_status sei_series_select(const sei_series *series, size_t n, const char *const *names, sei_series *out) SEI_MUST_CHECK;
/* Moves the channels of `more` (same shape, tilts, pixel size and axis, else SEI_ERR_INPUT with both values) into `series`; frees
 * `more`. */
sei_status sei_series_join(sei_series *series, sei_series *more) SEI_MUST_CHECK;
/* Sorts tilts, images and valid mask by ascending tilt_deg; sections and orders keep their meaning. Stable. */
sei_status sei_series_sort(sei_series *series) SEI_MUST_CHECK;
/* A deep copy. */
sei_status sei_series_copy(const sei_series *series, sei_series *out) SEI_MUST_CHECK;

/* A reconstructed (or true) volume of one channel. */
typedef struct sei_volume {
    int64_t nx, ny, nz;
    double voxel_nm;
    char name[SEI_NAME_LENGTH];
    char unit[SEI_UNIT_LENGTH];
    float *data; /* [nz][ny][nx] */
    sei_facts facts;
} sei_volume;

sei_status sei_volume_alloc(int64_t nx, int64_t ny, int64_t nz, double voxel_nm, sei_volume *out) SEI_MUST_CHECK;
void sei_volume_free(sei_volume *volume);

/* What a label number means. */
typedef struct sei_label_class {
    uint8_t id;
    char name[SEI_NAME_LENGTH];
    uint8_t rgb[3];
    char rule[SEI_TEXT_LENGTH]; /* how voxels came to it, in words */
} sei_label_class;

/* The wire's default classes (interface of seitomo): ids are stable. Other specimens define theirs from 10 up. */
enum {
    SEI_LABEL_OUTSIDE = 0,
    SEI_LABEL_SI = 1,
    SEI_LABEL_SEI = 2,
    SEI_LABEL_CLOSED_VOID = 3,
    SEI_LABEL_OPEN_VOID = 4,
    SEI_LABEL_SUPPORT = 5,
    SEI_LABEL_FIRST_FREE = 10
};

typedef struct sei_labels {
    int64_t nx, ny, nz;
    double voxel_nm;
    uint8_t *data; /* [nz][ny][nx] */
    size_t n_classes;
    sei_label_class *classes; /* ascending id */
    sei_facts facts;          /* thresholds and counts among them */
} sei_labels;

sei_status sei_labels_alloc(int64_t nx, int64_t ny, int64_t nz, double voxel_nm, sei_labels *out) SEI_MUST_CHECK;
/* Adds or replaces a class; keeps ascending ids. */
sei_status sei_labels_define(sei_labels *labels, uint8_t id, const char *name, const uint8_t rgb[3],
                             const char *rule) SEI_MUST_CHECK;
/* Defines the wire's six default classes with seitomo's colours. */
sei_status sei_labels_define_wire(sei_labels *labels) SEI_MUST_CHECK;
void sei_labels_free(sei_labels *labels);

/* A number as it is published: value, unit, standard deviation (NaN: none known). */
typedef struct sei_number {
    char name[SEI_NAME_LENGTH];
    char unit[SEI_UNIT_LENGTH];
    double value;
    double sd;
} sei_number;

/* Numbers by stable name, in the order they were added. */
typedef struct sei_numbers {
    size_t count;
    sei_number *items;
} sei_numbers;

/* Adds or replaces a number by name. */
sei_status sei_numbers_set(sei_numbers *numbers, const char *name, double value, const char *unit, double sd) SEI_MUST_CHECK;
const sei_number *sei_numbers_find(const sei_numbers *numbers, const char *name); /* NULL when absent */
void sei_numbers_free(sei_numbers *numbers);

/* A table with a header: the memory form of a CSV file and of a plot's data. Cells are double; NaN is an empty cell. */
typedef struct sei_table {
    char name[SEI_NAME_LENGTH];
    size_t n_columns, n_rows;
    char (*columns)[SEI_NAME_LENGTH]; /* [n_columns] */
    double *cells;                    /* [n_rows][n_columns] */
    char (*words)[SEI_NAME_LENGTH];   /* NULL, or [n_rows]: what files and pages show in the first column */
} sei_table;

sei_status sei_table_alloc(const char *name, size_t n_columns, const char *const *columns, size_t n_rows,
                           sei_table *out) SEI_MUST_CHECK;
/* The word in the first column of a row. Words of earlier rows that were never set are "". */
sei_status sei_table_set_word(sei_table *table, size_t row, const char *word) SEI_MUST_CHECK;
double sei_table_get(const sei_table *table, size_t row, const char *column); /* NaN when absent */
void sei_table_free(sei_table *table);

/* Where a result came from: written beside it (NAME.json) and, for EMD, inside it. */
typedef struct sei_parameter {
    char key[SEI_NAME_LENGTH];
    char value[SEI_TEXT_LENGTH];
} sei_parameter;

typedef struct sei_input_file {
    char name[SEI_TEXT_LENGTH]; /* base name only: folders are no part of a result */
    char sha256[65];
} sei_input_file;

typedef struct sei_provenance {
    char stage[SEI_NAME_LENGTH];   /* "reconstruct", "align", ... */
    char backend[SEI_NAME_LENGTH]; /* "" where no backend was used */
    size_t n_parameters;
    sei_parameter *parameters; /* every parameter that can change the result */
    size_t n_inputs;
    sei_input_file *inputs;
    sei_numbers numbers; /* the stage's summary */
} sei_provenance;

sei_status sei_provenance_set(sei_provenance *provenance, const char *key, const char *format, ...)
    SEI_PRINTF(3, 4) SEI_MUST_CHECK;
/* Appends the inputs of another provenance. */
sei_status sei_provenance_add_inputs(sei_provenance *provenance, const sei_provenance *from) SEI_MUST_CHECK;
void sei_provenance_free(sei_provenance *provenance);

#ifdef __cplusplus
}
#endif
#endif
