/* io: files <-> series, volumes, labels. The only room, with report, that touches files. */
#ifndef SEITOMO_IO_H
#define SEITOMO_IO_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How to read a tilt series. Zero values mean: take it from the file. Strings belong to the caller. */
typedef struct sei_read_options {
    size_t n_files;
    const char *const *files; /* each "PATH" or "NAME=PATH"; many channels in one file or one file per channel */
    size_t n_channels;
    const char *const *channels; /* which channels to keep, in this order; each "NAME" or "NAME=NAME_IN_FILE"; 0: all */
    const char *angles;          /* side file with the angles, or NULL: found beside the file or inside it */
    double pixel_nm;             /* <= 0 or NaN: from the file */
    double axis_deg;             /* NaN: from the file, else 0 */
    double axis_offset_px;       /* NaN: from the file, else 0 */
    bool invert_tilt;            /* negate every angle */
    bool flip_y;                 /* reverse the stored rows */
    bool allow_truncated;        /* keep the whole tilts of a cut file and say which */
    bool allow_missing_geometry; /* info only: no angles or pixel size is not an error */
    bool headers_only;           /* everything but images and mask: the channels' data and valid stay NULL */
    sei_provenance *inputs;      /* or NULL; gets every file that is read, those found beside a series among them */
} sei_read_options;

void sei_read_options_default(sei_read_options *options);

/*
 * Reads, checks (angles: one per image, finite, in degrees, no duplicates), sorts by tilt, joins the channels.
 * Precedence of angles and pixel size, highest first: options, side file, extended header, main header; every fact is
 * recorded in out->facts with its source. A series without angles or without a pixel size is refused with the option
 * that supplies it. Errors: SEI_ERR_INPUT (one line: file, tilt or field, found, expected, remedy), SEI_ERR_ENVIRONMENT,
 * SEI_ERR_MEMORY; `out` is untouched then. Sizes are checked against the file before anything is allocated.
 *
 * A file without angles takes those of another file of the same call. A channel whose file names no unit is "grey" when it
 * is called HAADF, BF, DF or the like, "counts" when its stored type is an integer, else "". A channel whose file gives no
 * name has the file's, without folder, extension and a leading EDS_ or EDX_. Images of an unsorted file are sorted by tilt;
 * where nothing tells the acquisition order it is then the order in the file (for one that descends it stays unknown).
 * Cost: headers of all files first, then each wanted channel once; memory for those channels and one more while sorting.
 */
sei_status sei_io_read_series(const sei_read_options *options, sei_series *out) SEI_MUST_CHECK;

/*
 * Writes by extension: .mrc/.st (one channel; several become NAME_<channel>.mrc, each with SERI extended header and a
 * .rawtlt beside it), .tif (ImageJ stack, one channel each), .emd/.h5 (all channels in one file, Berkeley EMD 0.2).
 * Keeps a channel's stored type while every value is exact in it, else float32. A valid mask goes to NAME.valid.mrc or
 * into the EMD. provenance may be NULL; else NAME.json is written beside the file. SEI_ERR_ENVIRONMENT when a file
 * exists and not overwrite. read and write are exact inverses: data, tilts, order, pixel size, names, windows.
 */
sei_status sei_io_write_series(const char *path, const sei_series *series, const sei_provenance *provenance,
                               bool overwrite) SEI_MUST_CHECK;
/* "NAME_<channel>.ext" for "NAME.ext", the channel as a file's name may be (sei_safe_name); sei_free it. */
sei_status sei_io_channel_path(const char *path, const char *channel, char **out) SEI_MUST_CHECK;
/* The file that holds a channel of what sei_io_write_series writes; sei_free it. */
sei_status sei_io_series_path(const char *path, const sei_series *series, size_t channel, char **out) SEI_MUST_CHECK;
/* Whether sei_io_write_series could write every file it would write (a mask when `masked`, NAME.json when with_json): to be
 * asked before hours of work. Errors as there. */
sei_status sei_io_check_series(const char *path, const sei_series *series, bool masked, bool with_json,
                               bool overwrite) SEI_MUST_CHECK;

/* The first file of angles beside `path` (a channel's .mrc or .tif) that writing the series there would replace by other angles;
 * *out is NULL where there is none, else sei_free it. SEI_ERR_MEMORY. */
sei_status sei_io_replaced_angles(const char *path, const sei_series *series, char **out) SEI_MUST_CHECK;

/*
 * A list of volumes from a file (.mrc: one, .tif: one, .emd/.h5: all). *out is an array of *n owned by the caller:
 * sei_volumes_free. The MRC's voxel size must be equal along all axes (SEI_ERR_INPUT otherwise).
 */
sei_status sei_io_read_volumes(const char *path, sei_volume **out, size_t *n) SEI_MUST_CHECK;
/* The same with the edge of a voxel given by the caller (> 0) instead of taken from the file. */
sei_status sei_io_read_volumes_sized(const char *path, double voxel_nm, sei_volume **out, size_t *n) SEI_MUST_CHECK;
/* "NAME=PATH" or "PATH"; exactly one volume expected. */
sei_status sei_io_read_volume(const char *path, sei_volume *out) SEI_MUST_CHECK;
/* .mrc (float32, z slowest), .tif (ImageJ stack) take n = 1; .emd/.h5 several (EMD 1.0). */
sei_status sei_io_write_volumes(const char *path, size_t n, const sei_volume *volumes, const sei_provenance *provenance,
                                bool overwrite) SEI_MUST_CHECK;
/* The same question for a file of volumes or labels. */
sei_status sei_io_check_volume(const char *path, bool with_json, bool overwrite) SEI_MUST_CHECK;
void sei_volumes_free(sei_volume *volumes, size_t n);

/* Labels: .mrc (mode 0, classes in NAME.json) or .emd (classes inside). Reading without a table gives "class N". */
sei_status sei_io_read_labels(const char *path, sei_labels *out) SEI_MUST_CHECK;
sei_status sei_io_write_labels(const char *path, const sei_labels *labels, const sei_provenance *provenance,
                               bool overwrite) SEI_MUST_CHECK;

/*
 * Spectra of a tilt series into one EMD 1.0 file, while they are made: /spectra/summed, float64 [tilt][energy], and with
 * images /spectra/images, uint16 [tilt][y][x][energy] in compressed pieces of a row; both with axes in deg, nm and keV.
 */
typedef struct sei_spectra_shape {
    int64_t n_tilts, ny, nx, n_energies; /* at most 65536 energies */
    double pixel_nm;
    double first_kev, step_kev; /* middle of the first energy bin; from bin to bin */
    const double *tilt_deg;     /* [n_tilts], copied */
    bool images;
} sei_spectra_shape;
typedef struct sei_spectra_file sei_spectra_file;

/* Bytes before compression: what a plan says. */
double sei_io_spectra_bytes(const sei_spectra_shape *shape);
/* Begins the file under a temporary name; *out is for sei_io_spectra_close. SEI_ERR_USAGE, _INPUT (a size), _ENVIRONMENT,
 * _MEMORY. */
sei_status sei_io_spectra_begin(const char *path, const sei_spectra_shape *shape, bool overwrite,
                                sei_spectra_file **out) SEI_MUST_CHECK;
/* counts[nx][n_energies] of one row of one tilt; rows that never come are zeros. */
sei_status sei_io_spectra_row(sei_spectra_file *file, int64_t tilt, int64_t y, const uint16_t *counts) SEI_MUST_CHECK;
/* summed[n_tilts][n_energies]; then the file gets its name. provenance may be NULL; it goes inside. */
sei_status sei_io_spectra_finish(sei_spectra_file *file, const double *summed, const sei_provenance *provenance) SEI_MUST_CHECK;
void sei_io_spectra_close(sei_spectra_file *file); /* unfinished: nothing stays. NULL: nothing */

/* Fields on a regular grid as VTK image data, for ParaView. Arrays belong to the caller; one of values and bytes is set. */
typedef struct sei_vti_array {
    const char *name; /* letters, digits and '_' */
    int components;   /* 1: a scalar, 3: a vector, 9: a tensor; they stand together */
    bool at_points;   /* (nz+1)(ny+1)(nx+1) corners of the cells; else nz*ny*nx cells */
    const float *values;
    const uint8_t *bytes;
} sei_vti_array;
typedef struct sei_vti {
    int64_t nx, ny, nz; /* cells */
    double spacing;     /* edge of a cell */
    double origin[3];   /* the corner of the first cell: x, y, z */
    size_t n_arrays;
    const sei_vti_array *arrays;
} sei_vti;
/* Errors: SEI_ERR_USAGE (names, components, sizes), SEI_ERR_INPUT (too large), SEI_ERR_ENVIRONMENT, SEI_ERR_MEMORY. */
sei_status sei_io_write_vti(const char *path, const sei_vti *vti, bool overwrite) SEI_MUST_CHECK;

/* CSV with a header line, C locale, shortest exact numbers, empty cells for NaN. */
sei_status sei_io_write_table(const char *path, const sei_table *table, bool overwrite) SEI_MUST_CHECK;
sei_status sei_io_read_table(const char *path, sei_table *out) SEI_MUST_CHECK;
/* {"name": {"value": v, "unit": u, "sd": s}, ...} with the provenance beside it (may be NULL). */
sei_status sei_io_write_numbers(const char *path, const sei_numbers *numbers, const sei_provenance *provenance,
                                bool overwrite) SEI_MUST_CHECK;
sei_status sei_io_read_numbers(const char *path, sei_numbers *out) SEI_MUST_CHECK;

/* SHA-256 of a file as 64 hex digits and NUL. */
sei_status sei_io_sha256_file(const char *path, char hex[65]) SEI_MUST_CHECK;
void sei_io_sha256_bytes(const void *bytes, size_t count, char hex[65]);
/* Hashes the file and adds it to the provenance by its base name. */
sei_status sei_io_provenance_add_input(sei_provenance *provenance, const char *path) SEI_MUST_CHECK;
/* The provenance as a JSON text (sei_text in core/text.h style: *json is owned by the caller, sei_free). */
sei_status sei_io_provenance_json(const sei_provenance *provenance, char **json) SEI_MUST_CHECK;

/* What a file's numbers are, as far as it says. A stack of images without angles is UNKNOWN. */
typedef enum sei_content {
    SEI_CONTENT_UNKNOWN = 0,
    SEI_CONTENT_SERIES,
    SEI_CONTENT_VOLUME,
    SEI_CONTENT_LABELS,
    SEI_CONTENT_ANGLES
} sei_content;

/* What a file is, without its data: for `info`. */
typedef struct sei_file_info {
    sei_content content;
    char format[SEI_NAME_LENGTH]; /* "MRC", "TIFF", "EMD 0.2 (Berkeley)", "EMD 1.0", "Velox EMD", "tilt table", ... */
    int64_t nx, ny, nz;           /* nz: images or slices */
    size_t n_channels;
    char (*channels)[SEI_NAME_LENGTH];
    sei_dtype stored; /* of the first channel */
    size_t n_angles;
    double *tilt_deg; /* [n_angles] in file order; NULL when none */
    sei_facts facts;  /* everything learned with its source */
} sei_file_info;

/* Errors as for reading; Velox files are named as Velox and refused by read_series, not by probe. */
sei_status sei_io_probe(const char *path, sei_file_info *out) SEI_MUST_CHECK;
void sei_file_info_free(sei_file_info *info);

#ifdef __cplusplus
}
#endif
#endif
