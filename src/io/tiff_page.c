/* One image of a TIFF: its form, where its parts lie, its numbers. */
#include <string.h>

#include "core/alloc.h"
#include "io/tiff.h"

static sei_dtype page_type(uint16_t bits, uint16_t format) {
    static const struct {
        uint16_t bits, format;
        sei_dtype dtype;
    } types[] = {{8, SAMPLEFORMAT_UINT, SEI_DTYPE_U8},     {8, SAMPLEFORMAT_INT, SEI_DTYPE_I8},
                 {16, SAMPLEFORMAT_UINT, SEI_DTYPE_U16},   {16, SAMPLEFORMAT_INT, SEI_DTYPE_I16},
                 {32, SAMPLEFORMAT_UINT, SEI_DTYPE_U32},   {32, SAMPLEFORMAT_INT, SEI_DTYPE_I32},
                 {16, SAMPLEFORMAT_IEEEFP, SEI_DTYPE_F16}, {32, SAMPLEFORMAT_IEEEFP, SEI_DTYPE_F32},
                 {64, SAMPLEFORMAT_IEEEFP, SEI_DTYPE_F64}};
    if (format == SAMPLEFORMAT_VOID) format = SAMPLEFORMAT_UINT;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; ++i) {
        if (types[i].bits == bits && types[i].format == format) return types[i].dtype;
    }
    return SEI_DTYPE_UNKNOWN;
}

/* The most bytes that one stored byte can become: what more is declared cannot be there. 0: a compression we do not read. */
static uint64_t most_ratio(uint16_t compression) {
    switch (compression) {
        case COMPRESSION_NONE: return 1;
        case COMPRESSION_PACKBITS: return 64;
        case COMPRESSION_ADOBE_DEFLATE:
        case COMPRESSION_DEFLATE: return 1040;
        case COMPRESSION_LZW: return 4096;
        default: return 0;
    }
}

static const char *compression_name(uint16_t compression) {
    switch (compression) {
        case COMPRESSION_JPEG:
        case COMPRESSION_OJPEG: return "JPEG";
        case COMPRESSION_JP2000: return "JPEG 2000";
        case COMPRESSION_ZSTD: return "Zstandard";
        case COMPRESSION_LZMA: return "LZMA";
        case COMPRESSION_WEBP: return "WebP";
        case COMPRESSION_CCITTRLE:
        case COMPRESSION_CCITTFAX3:
        case COMPRESSION_CCITTFAX4: return "fax";
        default: return "an unknown method";
    }
}

/* The form of the current page, or why it cannot be a grey image of numbers. */
sei_status sei_tiff_page_form(const sei_tiff *tiff, int64_t number, sei_tiff_page *out) {
    TIFF *t = tiff->handle;
    const char *path = tiff->in->path;
    sei_tiff_page form = {0};
    uint16_t samples = 1;
    uint16_t bits = 1;
    uint16_t format = SAMPLEFORMAT_UINT;
    uint16_t photometric = PHOTOMETRIC_MINISBLACK;
    const char *why = NULL;
    TIFFGetField(t, TIFFTAG_IMAGEWIDTH, &form.nx);
    TIFFGetField(t, TIFFTAG_IMAGELENGTH, &form.ny);
    TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLESPERPIXEL, &samples);
    TIFFGetFieldDefaulted(t, TIFFTAG_BITSPERSAMPLE, &bits);
    TIFFGetFieldDefaulted(t, TIFFTAG_SAMPLEFORMAT, &format);
    TIFFGetFieldDefaulted(t, TIFFTAG_COMPRESSION, &form.compression);
    TIFFGetField(t, TIFFTAG_PHOTOMETRIC, &photometric);
    if (samples != 1 || photometric == PHOTOMETRIC_RGB || photometric == PHOTOMETRIC_YCBCR) {
        why = "a colour picture (RGB)";
    } else if (photometric == PHOTOMETRIC_PALETTE) {
        why = "a palette picture";
    }
    const bool alien = most_ratio(form.compression) == 0;
    if (alien || why != NULL)
        return sei_fail(
            SEI_ERR_INPUT,
            "%s: image %lld is %s%s%s%s, expected grey numbers in plain, LZW, deflate or PackBits form; export it as 16-bit "
            "or float TIFF",
            path, (long long)number, why == NULL ? "" : why, why != NULL && alien ? ", " : "", alien ? "compressed as " : "",
            alien ? compression_name(form.compression) : "");
    form.dtype = page_type(bits, format);
    if (form.dtype == SEI_DTYPE_UNKNOWN)
        return sei_fail(SEI_ERR_INPUT,
                        "%s: image %lld has %u-bit values of sample format %u; 8, 16, 32-bit whole and 16, 32, 64-bit "
                        "floating numbers are read",
                        path, (long long)number, bits, format);
    if (form.nx < 1 || form.ny < 1)
        return sei_fail(SEI_ERR_INPUT, "%s: image %lld has no size (%u x %u)", path, (long long)number, form.nx, form.ny);
    form.tiled = TIFFIsTiled(t) != 0;
    *out = form;
    return SEI_OK;
}

/* Bytes that the page's strips or tiles take in the file; SEI_ERR_INPUT when they lie beyond its end. */
sei_status sei_tiff_page_bytes(const sei_tiff *tiff, const sei_tiff_page *form, int64_t number, size_t image_bytes) {
    const uint32_t parts = form->tiled ? TIFFNumberOfTiles(tiff->handle) : TIFFNumberOfStrips(tiff->handle);
    const uint64_t file = (uint64_t)tiff->in->size;
    uint64_t stored = 0;
    if (parts < 1 || parts > image_bytes)
        return sei_fail(SEI_ERR_INPUT, "%s: image %lld is in %u parts, which cannot be", tiff->in->path, (long long)number,
                        parts);
    const uint64_t ratio = most_ratio(form->compression);
    if (ratio == 0 || image_bytes / ratio > file)
        return sei_fail(SEI_ERR_INPUT,
                        "%s: image %lld declares %zu bytes, but the whole file has %lld; it is truncated or a trap",
                        tiff->in->path, (long long)number, image_bytes, (long long)tiff->in->size);
    for (uint32_t i = 0; i < parts; ++i) {
        const uint64_t offset = TIFFGetStrileOffset(tiff->handle, i);
        const uint64_t bytes = TIFFGetStrileByteCount(tiff->handle, i);
        if (offset > file || bytes > file - offset)
            return sei_fail(SEI_ERR_INPUT, "%s: truncated: image %lld ends at byte %llu, the file has %lld; copy it again",
                            tiff->in->path, (long long)number,
                            (unsigned long long)(offset > UINT64_MAX - bytes ? UINT64_MAX : offset + bytes),
                            (long long)tiff->in->size);
        stored += bytes;
    }
    if (image_bytes / most_ratio(form->compression) > stored)
        return sei_fail(SEI_ERR_INPUT,
                        "%s: image %lld declares %zu bytes but stores %llu, too few for its compression; it is truncated or "
                        "a trap",
                        tiff->in->path, (long long)number, image_bytes, (unsigned long long)stored);
    return SEI_OK;
}

sei_status sei_tiff_damaged(const sei_tiff *tiff, int64_t number) {
    return sei_fail(SEI_ERR_INPUT, "%s: image %lld cannot be read (%s); the file is damaged", tiff->in->path, (long long)number,
                    tiff->complaint);
}

/* All strips or tiles of the current page into `image`, rows one after another. */
sei_status sei_tiff_read_page(const sei_tiff *tiff, const sei_tiff_page *form, int64_t number, char *image) {
    TIFF *t = tiff->handle;
    const size_t element = sei_dtype_size(form->dtype);
    const size_t row = form->nx * element;
    void *buffer = NULL;
    sei_status status = SEI_OK;
    if (!form->tiled) {
        uint32_t rows = form->ny;
        TIFFGetFieldDefaulted(t, TIFFTAG_ROWSPERSTRIP, &rows);
        if (rows < 1 || rows > form->ny) rows = form->ny;
        for (uint32_t y = 0, strip = 0; y < form->ny; y += rows, ++strip) {
            const tmsize_t wanted = (tmsize_t)((y + rows <= form->ny ? rows : form->ny - y) * row);
            if (TIFFReadEncodedStrip(t, strip, image + y * row, wanted) != wanted) return sei_tiff_damaged(tiff, number);
            if (rows > form->ny - y) break;
        }
        return SEI_OK;
    }
    uint32_t tile_x = 0;
    uint32_t tile_y = 0;
    TIFFGetField(t, TIFFTAG_TILEWIDTH, &tile_x);
    TIFFGetField(t, TIFFTAG_TILELENGTH, &tile_y);
    const tmsize_t tile = TIFFTileSize(t);
    size_t expected = 0;
    if (tile_x < 1 || tile_y < 1 || sei_checked_bytes(tile_x, tile_y, 1, element, &expected) != SEI_OK || tile < 1 ||
        (size_t)tile != expected || expected / 64 > (size_t)form->ny * row + (1 << 20))
        return sei_fail(SEI_ERR_INPUT, "%s: image %lld has tiles of %u x %u, which cannot be", tiff->in->path, (long long)number,
                        tile_x, tile_y);
    SEI_TRY(sei_alloc(expected, &buffer));
    for (uint32_t y = 0; y < form->ny; y += tile_y) {
        for (uint32_t x = 0; x < form->nx; x += tile_x) {
            const uint32_t rows = tile_y < form->ny - y ? tile_y : form->ny - y;
            const uint32_t columns = tile_x < form->nx - x ? tile_x : form->nx - x;
            if (TIFFReadEncodedTile(t, TIFFComputeTile(t, x, y, 0, 0), buffer, tile) != tile) {
                status = sei_tiff_damaged(tiff, number);
                goto done;
            }
            for (uint32_t r = 0; r < rows; ++r)
                memcpy(image + (y + r) * row + x * element, (char *)buffer + (size_t)r * tile_x * element, columns * element);
            if (tile_x > form->nx - x) break;
        }
        if (tile_y > form->ny - y) break;
    }
done:
    sei_free(buffer);
    return status;
}
