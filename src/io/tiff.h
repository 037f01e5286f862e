/* Inside the TIFF reader and writer: libtiff over descriptors of core/file.h, and the text that seitomo puts beside images. */
#ifndef SEI_IO_TIFF_H
#define SEI_IO_TIFF_H

#include <tiffio.h>

#include "core/file.h"
#include "core/text.h"
#include "io/formats.h"

/* A TIFF that is open. libtiff's complaints are kept, its reads and writes go to one of the two files. */
typedef struct sei_tiff {
    TIFF *handle;
    const sei_infile *in;
    sei_outfile *out;
    int64_t position, length;
    bool failed; /* a write did not reach the file */
    char complaint[160];
} sei_tiff;

/* mode as libtiff's: "r", "w", "w8", "r+". SEI_ERR_INPUT / SEI_ERR_ENVIRONMENT with libtiff's reason. */
sei_status sei_tiff_open(sei_tiff *tiff, const char *mode) SEI_MUST_CHECK;
void sei_tiff_close(sei_tiff *tiff);

/* tiff_page.c: the directory libtiff stands at; `number` counts images from 1, for messages */
typedef struct sei_tiff_page {
    uint32_t nx, ny;
    sei_dtype dtype;
    uint16_t compression;
    bool tiled;
} sei_tiff_page;
/* SEI_ERR_INPUT for anything but grey numbers in a compression we read. */
sei_status sei_tiff_page_form(const sei_tiff *tiff, int64_t number, sei_tiff_page *out) SEI_MUST_CHECK;
/* Its parts lie inside the file and can hold image_bytes once expanded; else SEI_ERR_INPUT: truncated, or a trap. */
sei_status sei_tiff_page_bytes(const sei_tiff *tiff, const sei_tiff_page *form, int64_t number,
                               size_t image_bytes) SEI_MUST_CHECK;
/* Its values, rows one after another, in `dtype` of native byte order. */
sei_status sei_tiff_read_page(const sei_tiff *tiff, const sei_tiff_page *form, int64_t number, char *image) SEI_MUST_CHECK;
sei_status sei_tiff_damaged(const sei_tiff *tiff, int64_t number) SEI_MUST_CHECK;

/* tiff_learn.c and tiff_describe.c: ImageJ's and seitomo's lines of an ImageDescription */
enum { SEI_TIFF_DESCRIPTION_MOST = 16 << 20 };
sei_status sei_tiff_describe_series(const sei_series *series, size_t channel, sei_dtype stored, sei_text *text) SEI_MUST_CHECK;
sei_status sei_tiff_describe_volume(const sei_volume *volume, sei_text *text) SEI_MUST_CHECK;
sei_status sei_tiff_describe_labels(const sei_labels *labels, sei_text *text) SEI_MUST_CHECK;
/* What the first page says: pixel size (ImageJ, OME, DigitalMicrograph, FEI), and all that seitomo wrote. */
sei_status sei_tiff_learn(const sei_tiff *tiff, sei_stack *stack) SEI_MUST_CHECK;
/* Takes the per-tilt lists over once nz is known: checks their length, keeps the first nz of a truncated file. */
sei_status sei_tiff_fit_tilts(const sei_tiff *tiff, sei_stack *stack) SEI_MUST_CHECK;
/* ImageJ's images=N of the first page; 0 when it does not say. */
int64_t sei_tiff_images_said(const sei_tiff *tiff);

#endif
