/*
 * Inside io: what every format's reader and writer offers to series.c, volume.c and probe.c. A reader fills a "stack":
 * the images in file order with what the file itself says; joining, precedence, sorting and checks happen once, above.
 */
#ifndef SEI_IO_FORMATS_H
#define SEI_IO_FORMATS_H

#include "seitomo/io.h"

/* One array of a file: images or slices [nz][ny][nx] as float, and what the file said about it. */
typedef struct sei_stack {
    int64_t nx, ny, nz;
    char name[SEI_NAME_LENGTH]; /* "" when the file does not say */
    char unit[SEI_UNIT_LENGTH];
    sei_dtype stored;
    float *data;       /* NULL when read with headers_only */
    double pixel_nm;   /* NaN unknown; x and y */
    double spacing_nm; /* between slices, NaN unknown */
    double window_low_kev, window_high_kev;
    size_t n_angles; /* 0, or what the file gives, in file order (checked above) */
    double *tilt_deg;
    int32_t *order;         /* acquisition order, NULL unknown; [n_angles] */
    double *dose_e_per_nm2; /* [n_angles] or NULL */
    double axis_deg;        /* NaN unknown */
    double axis_offset_px;  /* NaN unknown */
    bool aligned;
    bool is_volume;         /* the file says it is a volume, not a stack of images */
    uint8_t *valid;         /* [nz][ny][nx] or NULL; a mask shared by a file's arrays is with the first stack */
    int64_t rounded;        /* values that float32 could not hold exactly */
    int64_t missing_images; /* truncated file, allow_truncated: images that are not there */
    sei_facts facts;        /* keys: format, pixel_nm, angles, axis_deg, channel, energy_window, ... */
} sei_stack;

/* All arrays of one file. */
typedef struct sei_stacks {
    size_t count;
    sei_stack *items;
} sei_stacks;

void sei_stack_free(sei_stack *stack);
void sei_stacks_free(sei_stacks *stacks);

typedef struct sei_format_read {
    bool headers_only;
    bool allow_truncated;
    size_t n_wanted; /* names to load; 0: all. Other arrays may be skipped */
    const char *const *wanted;
} sei_format_read;

/* A format: how it is recognised (first bytes and name) and read. */
typedef struct sei_format {
    const char *name;
    bool (*recognise)(const unsigned char *head, size_t head_bytes, int64_t file_bytes, const char *path);
    sei_status (*read)(const char *path, const sei_format_read *options, sei_stacks *out);
} sei_format;

extern const sei_format sei_format_mrc;
extern const sei_format sei_format_tiff;
extern const sei_format sei_format_hdf5; /* Berkeley EMD 0.2 and 1.0; names Velox */

/* The format of a file, or SEI_ERR_INPUT naming what was found instead. */
sei_status sei_format_of(const char *path, const sei_format **out) SEI_MUST_CHECK;

/* A table of angles beside a series: .rawtlt .tlt .mdoc _TLT.txt and the FEI log. Same fields as in sei_stack. */
typedef struct sei_angle_table {
    size_t count;
    double *tilt_deg;
    int32_t *order;         /* NULL unknown */
    double *dose_e_per_nm2; /* NULL unknown */
    double pixel_nm;        /* mdoc; NaN unknown */
    double axis_deg;        /* mdoc; NaN unknown */
    char format[SEI_NAME_LENGTH];
} sei_angle_table;

sei_status sei_angles_read(const char *path, sei_angle_table *out) SEI_MUST_CHECK;
void sei_angle_table_free(sei_angle_table *table);
/* The side file that belongs to a series by name (X.rawtlt, X.tlt, X.mrc.mdoc, X.mdoc, X_TLT.txt), or NULL; sei_free. */
sei_status sei_angles_beside(const char *path, char **out) SEI_MUST_CHECK;

/* What writers get. Exactly one of series / volumes / labels is used by each function. */
sei_status sei_mrc_write_channel(const char *path, const sei_series *series, size_t channel, bool overwrite) SEI_MUST_CHECK;
sei_status sei_mrc_write_volume(const char *path, const sei_volume *volume, bool overwrite) SEI_MUST_CHECK;
sei_status sei_mrc_write_labels(const char *path, const sei_labels *labels, bool overwrite) SEI_MUST_CHECK;
sei_status sei_mrc_write_mask(const char *path, const sei_series *series, bool overwrite) SEI_MUST_CHECK;
sei_status sei_tiff_write_channel(const char *path, const sei_series *series, size_t channel, bool overwrite) SEI_MUST_CHECK;
sei_status sei_tiff_write_volume(const char *path, const sei_volume *volume, bool overwrite) SEI_MUST_CHECK;
sei_status sei_tiff_write_labels(const char *path, const sei_labels *labels, bool overwrite) SEI_MUST_CHECK;
sei_status sei_emd_write_series(const char *path, const sei_series *series, const char *provenance_json,
                                bool overwrite) SEI_MUST_CHECK;
sei_status sei_emd_write_volumes(const char *path, size_t n, const sei_volume *volumes, const char *provenance_json,
                                 bool overwrite) SEI_MUST_CHECK;
sei_status sei_emd_write_labels(const char *path, const sei_labels *labels, const char *provenance_json,
                                bool overwrite) SEI_MUST_CHECK;

/*
 * Label classes as facts, the form in which stacks carry them from and to files: key "class N" of value "r g b name", and key
 * "class N rule". Adding puts one fact per class; taking defines the classes that facts hold and leaves `labels` alone where
 * there are none.
 */
sei_status sei_facts_add_classes(sei_facts *facts, const sei_labels *labels, const char *source) SEI_MUST_CHECK;
sei_status sei_facts_take_classes(const sei_facts *facts, sei_labels *labels) SEI_MUST_CHECK;

/* The type to store a float array in: `wanted` if every value is exact in it, else float32. */
sei_dtype sei_storable_type(const float *data, size_t count, sei_dtype wanted);
/* Converts count elements between a stored type (native byte order) and float; *rounded (may be NULL) counts inexact ones. */
void sei_to_float(sei_dtype dtype, const void *from, size_t count, float *to, int64_t *rounded);
void sei_from_float(const float *from, size_t count, sei_dtype dtype, void *to);

#endif
