/* TIFF stacks that ImageJ, tifffile and we read: one directory per image, plain strips, little-endian like the machine. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "io/tiff.h"

static const size_t CLASSIC_MOST = 4000000000u; /* bytes a classic TIFF can address, with room for directories */
enum { DIRECTORY_BYTES = 512 };

/* What is written, whatever it is. */
typedef struct source {
    int64_t nx, ny, nz;
    double pixel_nm;
    sei_dtype dtype;      /* type in the file */
    const float *values;  /* or */
    const uint8_t *bytes; /* labels */
    const uint8_t *valid; /* mask, or NULL */
    const char *description;
} source;

/* ImageJ knows no signed bytes and no half floats: they are widened, and a line of the description says what they were. */
static sei_dtype tiff_type(sei_dtype dtype) {
    return dtype == SEI_DTYPE_I8 ? SEI_DTYPE_I16 : dtype == SEI_DTYPE_F16 ? SEI_DTYPE_F32 : dtype;
}

static uint16_t sample_format(sei_dtype dtype) {
    switch (dtype) {
        case SEI_DTYPE_F32:
        case SEI_DTYPE_F64: return SAMPLEFORMAT_IEEEFP;
        case SEI_DTYPE_I16:
        case SEI_DTYPE_I32: return SAMPLEFORMAT_INT;
        default: return SAMPLEFORMAT_UINT;
    }
}

static sei_status not_written(const sei_tiff *tiff) {
    return sei_fail(SEI_ERR_ENVIRONMENT, "%s: cannot be written: %s; is the disk full?", tiff->out->path, tiff->complaint);
}

static bool set_form(TIFF *t, const source *s, sei_dtype dtype, uint16_t compression, uint32_t kind) {
    return TIFFSetField(t, TIFFTAG_SUBFILETYPE, kind) && TIFFSetField(t, TIFFTAG_IMAGEWIDTH, (uint32_t)s->nx) &&
           TIFFSetField(t, TIFFTAG_IMAGELENGTH, (uint32_t)s->ny) &&
           TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, (int)sei_dtype_size(dtype) * 8) &&
           TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1) && TIFFSetField(t, TIFFTAG_SAMPLEFORMAT, (int)sample_format(dtype)) &&
           TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK) &&
           TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG) && TIFFSetField(t, TIFFTAG_COMPRESSION, (int)compression) &&
           TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, (uint32_t)s->ny);
}

/*
 * ImageJ's way of storing a stack, and what tifffile takes for granted once it reads "ImageJ=": all images in one run, in
 * order. So the directories are written first, without the places of the images, then the images, each filling its place in.
 */
static sei_status write_directory(sei_tiff *tiff, const source *s, int64_t n) {
    TIFF *t = tiff->handle;
    const size_t values = (size_t)(s->nx * s->ny);
    toff_t below[1] = {0};
    if (!set_form(t, s, s->dtype, COMPRESSION_NONE, 0)) return not_written(tiff);
    if (s->valid != NULL && !TIFFSetField(t, TIFFTAG_SUBIFD, 1, below)) return not_written(tiff);
    if (isfinite(s->pixel_nm) && s->pixel_nm > 0 &&
        (!TIFFSetField(t, TIFFTAG_XRESOLUTION, 1 / s->pixel_nm) || !TIFFSetField(t, TIFFTAG_YRESOLUTION, 1 / s->pixel_nm) ||
         !TIFFSetField(t, TIFFTAG_RESOLUTIONUNIT, RESUNIT_NONE)))
        return not_written(tiff);
    if (n == 0 && !TIFFSetField(t, TIFFTAG_IMAGEDESCRIPTION, s->description)) return not_written(tiff);
    if (!TIFFDeferStrileArrayWriting(t) || !TIFFWriteCheck(t, 0, "image") || !TIFFWriteDirectory(t)) return not_written(tiff);
    if (s->valid == NULL) return SEI_OK;
    /* the directory after one with a SubIFD tag is that SubIFD; its data are small and lie between the directories */
    uint8_t *mask = (uint8_t *)(uintptr_t)(s->valid + (size_t)n * values); /* libtiff takes void * and only reads */
    if (!set_form(t, s, SEI_DTYPE_U8, COMPRESSION_ADOBE_DEFLATE, FILETYPE_MASK) ||
        TIFFWriteEncodedStrip(t, 0, mask, (tmsize_t)values) != (tmsize_t)values || !TIFFWriteDirectory(t))
        return not_written(tiff);
    return SEI_OK;
}

static sei_status write_images(sei_tiff *tiff, const source *s) {
    TIFF *t = tiff->handle;
    const size_t values = (size_t)(s->nx * s->ny);
    const size_t bytes = values * sei_dtype_size(s->dtype);
    void *image = NULL;
    uint64_t *places = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_alloc(bytes, &image));
    SEI_TRY(SEI_NEW(places, s->nz, 1, 1));
    for (int64_t n = 0; n < s->nz; ++n) {
        if (n > 0 && !TIFFReadDirectory(t)) {
            status = not_written(tiff);
            goto done;
        }
        places[n] = TIFFCurrentDirOffset(t);
    }
    for (int64_t n = 0; n < s->nz; ++n) {
        SEI_TRY(sei_interrupt_check());
        if (s->bytes != NULL) {
            memcpy(image, s->bytes + (size_t)n * values, values);
        } else {
            sei_from_float(s->values + (size_t)n * values, values, s->dtype, image);
        }
        if (!TIFFSetSubDirectory(t, places[n]) || TIFFWriteEncodedStrip(t, 0, image, (tmsize_t)bytes) != (tmsize_t)bytes ||
            !TIFFFlush(t)) {
            status = not_written(tiff);
            goto done;
        }
    }
done:
    sei_free(image);
    sei_free(places);
    return status;
}

static sei_status write_stack(const char *path, const source *s, bool overwrite) {
    sei_outfile out = {.fd = -1};
    sei_tiff tiff = {.out = &out};
    size_t bytes = 0;
    size_t total = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_checked_bytes(s->nx, s->ny, 1, sei_dtype_size(s->dtype), &bytes));
    SEI_TRY(sei_checked_bytes((int64_t)bytes + DIRECTORY_BYTES, s->nz, 1, 1, &total));
    if (s->nx > UINT32_MAX || s->ny > UINT32_MAX || bytes > UINT32_MAX) {
        status = sei_fail(SEI_ERR_INPUT, "%s: images of %lld x %lld do not fit a TIFF; write .emd or .mrc", path,
                          (long long)s->nx, (long long)s->ny);
        goto done;
    }
    if (s->valid != NULL) total += total / sei_dtype_size(s->dtype);
    SEI_TRY(sei_outfile_open(path, overwrite, &out));
    SEI_TRY(sei_tiff_open(&tiff, total + strlen(s->description) > CLASSIC_MOST ? "w8" : "w"));
    for (int64_t n = 0; n < s->nz; ++n) SEI_TRY(write_directory(&tiff, s, n));
    sei_tiff_close(&tiff);
    SEI_TRY(sei_tiff_open(&tiff, "r+m"));
    SEI_TRY(write_images(&tiff, s));
    sei_tiff_close(&tiff);
    if (tiff.failed) {
        status = not_written(&tiff);
        goto done;
    }
    SEI_TRY(sei_outfile_commit(&out));
done:
    sei_tiff_close(&tiff);
    sei_outfile_abort(&out);
    return status;
}

sei_status sei_tiff_write_channel(const char *path, const sei_series *series, size_t channel, bool overwrite) {
    const sei_channel *c = &series->channels[channel];
    const size_t values = (size_t)(series->nx * series->ny * series->n_tilts);
    const sei_dtype stored = sei_storable_type(c->data, values, c->stored);
    sei_text text = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_tiff_describe_series(series, channel, stored, &text));
    const source s = {series->nx, series->ny, series->n_tilts, series->pixel_nm, tiff_type(stored),
                      c->data,    NULL,       series->valid,   text.data};
    SEI_TRY(write_stack(path, &s, overwrite));
done:
    sei_text_free(&text);
    return status;
}

sei_status sei_tiff_write_volume(const char *path, const sei_volume *volume, bool overwrite) {
    sei_text text = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_tiff_describe_volume(volume, &text));
    const source s = {volume->nx, volume->ny, volume->nz, volume->voxel_nm, SEI_DTYPE_F32, volume->data, NULL, NULL, text.data};
    SEI_TRY(write_stack(path, &s, overwrite));
done:
    sei_text_free(&text);
    return status;
}

sei_status sei_tiff_write_labels(const char *path, const sei_labels *labels, bool overwrite) {
    sei_text text = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_tiff_describe_labels(labels, &text));
    const source s = {labels->nx, labels->ny, labels->nz, labels->voxel_nm, SEI_DTYPE_U8, NULL, labels->data, NULL, text.data};
    SEI_TRY(write_stack(path, &s, overwrite));
done:
    sei_text_free(&text);
    return status;
}
