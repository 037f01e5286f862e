/* A picture on white: title above, the image with scale bar and arrows, colour bar beside it or legend below it. */
#ifndef SEI_REPORT_PANEL_H
#define SEI_REPORT_PANEL_H

#include <cairo.h>

#include "report/image.h"

typedef struct sei_legend_entry {
    char name[SEI_NAME_LENGTH];
    uint8_t rgb[3];
} sei_legend_entry;

typedef struct sei_panel {
    int64_t width, height;     /* of the image, in its own pixels */
    const uint8_t *rgb;        /* [height][width][3] */
    double pixel_nm;           /* NaN: no scale bar */
    const char *across, *down; /* names of the arrows; "" leaves one out */
    size_t n_legend;
    const sei_legend_entry *legend;
    bool colour_bar; /* from range.low (black) to range.high (bar_rgb) */
    sei_range range;
    uint8_t bar_rgb[3];
    const char *unit;
    bool labels; /* classes: averaging would invent colours */
} sei_panel;

sei_status sei_panel_write(const char *path, const sei_panel *panel, const sei_picture_options *options,
                           bool overwrite) SEI_MUST_CHECK;

/* 1, 2 or 5 times a power of ten, nearest (by ratio) to a fifth of `width_nm`, with its text ("20 nm", "1 µm", "5 Å"). */
double sei_scale_bar_length(double width_nm);
void sei_scale_bar_text(double length_nm, char *text, size_t size);

/* An opaque surface written as PNG through core/file. */
sei_status sei_surface_write(const char *path, cairo_surface_t *surface, bool overwrite) SEI_MUST_CHECK;
/* The surface of a PNG, 30000 pixels a side at most. cairo_surface_destroy it. */
sei_status sei_surface_read(const char *path, cairo_surface_t **out) SEI_MUST_CHECK;
/* A white opaque surface. */
sei_status sei_surface_new(double width, double height, cairo_surface_t **out) SEI_MUST_CHECK;
void sei_font(cairo_t *cr, double size, bool bold);

#endif
