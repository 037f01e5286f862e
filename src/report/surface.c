/* cairo surfaces in and out of files; every byte goes through core/file. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "report/panel.h"

enum { MAX_SIDE = 30000 }; /* cairo's own limit is 32767 */

typedef struct sink {
    sei_outfile *file;
    sei_status status;
} sink;

static cairo_status_t take_bytes(void *closure, const unsigned char *bytes, unsigned int length) {
    sink *to = closure;
    to->status = sei_outfile_write(to->file, bytes, length);
    return to->status == SEI_OK ? CAIRO_STATUS_SUCCESS : CAIRO_STATUS_WRITE_ERROR;
}

sei_status sei_surface_write(const char *path, cairo_surface_t *surface, bool overwrite) {
    sei_outfile file = {.fd = -1};
    sei_status status = sei_outfile_open(path, overwrite, &file);
    if (status != SEI_OK) return status;
    sink to = {&file, SEI_OK};
    const cairo_status_t written = cairo_surface_write_to_png_stream(surface, take_bytes, &to);
    SEI_TRY(to.status);
    if (written != CAIRO_STATUS_SUCCESS) {
        status = sei_fail(written == CAIRO_STATUS_NO_MEMORY ? SEI_ERR_MEMORY : SEI_ERR_ENVIRONMENT,
                          "%s: the PNG could not be written: %s", path, cairo_status_to_string(written));
        goto done;
    }
    SEI_TRY(sei_outfile_commit(&file));
done:
    sei_outfile_abort(&file);
    return status;
}

typedef struct source {
    const sei_infile *file;
    int64_t at;
} source;

static cairo_status_t give_bytes(void *closure, unsigned char *bytes, unsigned int length) {
    source *from = closure;
    size_t got = 0;
    if (sei_infile_read_some(from->file, from->at, bytes, length, &got) != SEI_OK || got < length) return CAIRO_STATUS_READ_ERROR;
    from->at += (int64_t)length;
    return CAIRO_STATUS_SUCCESS;
}

static uint32_t big_endian(const unsigned char *b) {
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

sei_status sei_surface_read(const char *path, cairo_surface_t **out) {
    sei_infile file = {.fd = -1};
    unsigned char head[24];
    size_t got = 0;
    cairo_surface_t *surface = NULL;
    sei_status status = sei_infile_open(path, &file);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_infile_read_some(&file, 0, head, sizeof head, &got));
    if (got < sizeof head || memcmp(head, "\x89PNG\r\n\x1a\n", 8) != 0 || memcmp(head + 12, "IHDR", 4) != 0) {
        status = sei_fail(SEI_ERR_INPUT, "%s: no PNG file", path);
        goto done;
    }
    if (big_endian(head + 16) > MAX_SIDE || big_endian(head + 20) > MAX_SIDE) {
        status = sei_fail(SEI_ERR_INPUT, "%s: %u x %u pixels, more than %d a side", path, big_endian(head + 16),
                          big_endian(head + 20), MAX_SIDE);
        goto done;
    }
    source from = {&file, 0};
    surface = cairo_image_surface_create_from_png_stream(give_bytes, &from);
    const cairo_status_t found = cairo_surface_status(surface);
    if (found != CAIRO_STATUS_SUCCESS) {
        status = sei_fail(found == CAIRO_STATUS_NO_MEMORY ? SEI_ERR_MEMORY : SEI_ERR_INPUT, "%s: the PNG is damaged: %s", path,
                          cairo_status_to_string(found));
        goto done;
    }
    *out = surface;
    surface = NULL;
done:
    if (surface != NULL) cairo_surface_destroy(surface);
    sei_infile_close(&file);
    return status;
}

sei_status sei_surface_new(double width, double height, cairo_surface_t **out) {
    if (width > MAX_SIDE || height > MAX_SIDE || width < 1 || height < 1) {
        return sei_fail(SEI_ERR_INPUT, "a picture of %.0f x %.0f pixels: 1 to %d a side can be drawn", width, height, MAX_SIDE);
    }
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(width), (int)ceil(height));
    if (cairo_surface_status(surface) != CAIRO_STATUS_SUCCESS) {
        cairo_surface_destroy(surface);
        return sei_fail(SEI_ERR_MEMORY, "a picture of %.0f x %.0f pixels does not fit into memory", width, height);
    }
    cairo_t *cr = cairo_create(surface);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_paint(cr);
    cairo_destroy(cr);
    *out = surface;
    return SEI_OK;
}

void sei_font(cairo_t *cr, double size, bool bold) {
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(cr, options);
    cairo_font_options_destroy(options);
    cairo_select_font_face(cr, "Helvetica", CAIRO_FONT_SLANT_NORMAL, bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(cr, size);
}
