/*
 * report: numbers and volumes -> files people look at (PNG, SVG, HTML).
 *
 * Every file is deterministic (no times, no host names, C locale) and is complete or absent. Existing files are refused
 * unless `overwrite` (SEI_ERR_ENVIRONMENT). Texts from outside may hold anything: bytes that are not UTF-8 show as U+FFFD,
 * and no text can become markup, a command or a control character of its target.
 *
 * Pictures draw stored row 0 (y = 0, z = 0) at the top and x to the right; a small pair of arrows says so. One voxel
 * becomes a whole number of picture pixels, or a whole number of voxels is averaged into one; shapes are never stretched.
 */
#ifndef SEITOMO_REPORT_H
#define SEITOMO_REPORT_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * seitomo's colour of a channel: HAADF grey, Si green, O red, F blue, C yellow, P magenta; others from a fixed list. The
 * element is what the name begins with ("Si", "Si_K", "F Ka"); names that begin with no element are drawn grey when they
 * are detectors (HAADF, ADF, DF, BF, ...), else take a colour that depends only on the name.
 */
void sei_channel_colour(const char *name, uint8_t rgb[3]);

typedef enum sei_plane { SEI_PLANE_XY = 0, SEI_PLANE_XZ, SEI_PLANE_YZ } sei_plane; /* XZ is the wire's cross-section */

/* How the values along a ray become one: the largest, their sum (one step is one voxel edge), or light from shaded surfaces
 * (a picture of shapes; no values are to be read from it). */
typedef enum sei_projection { SEI_PROJECTION_MAXIMUM = 0, SEI_PROJECTION_SUM, SEI_PROJECTION_SHADED } sei_projection;

typedef struct sei_picture_options {
    sei_plane plane;
    double position_nm;                     /* of the slice's centre from the volume's centre, along the third axis */
    double thickness_nm;                    /* slab that is averaged; default 5; at least one voxel */
    double scale_bar_nm;                    /* 0: a round number near a fifth of the width; < 0: none */
    int min_side_px;                        /* small pictures are enlarged by whole factors up to this; default 400 */
    double low_percentile, high_percentile; /* grey range, default 0.5 and 99.8 of the whole volume (see below) */
    const char *title;                      /* drawn above; NULL: none */
    int max_side_px;                        /* larger pictures are averaged over whole factors down to this; default 2400 */
    double range_low, range_high;           /* grey range given outright, e.g. one for all cycles; NaN (default): percentiles */
    sei_projection projection;              /* of sei_render_projection */
    bool no_axes;                           /* leave the arrows out */
    double cut_fraction; /* of a shaded view: the part of the height, from the top, cut open to the axis; default 0 */
} sei_picture_options;
void sei_picture_options_default(sei_picture_options *options);

/*
 * The grey range: percentiles of all slabs of that thickness in the volume, not of one slice, so that all slices of a
 * volume share it, and a slab's lower noise is taken into account. Non-finite values are left out. An element's range
 * begins at 0 (of a maximum projection: above the noise of empty space). A few outliers of any size change nothing. A sparse
 * volume whose high percentile is not above the low one takes its percentiles among the values above it.
 *
 * Errors of all six: SEI_ERR_INPUT (a position outside the volume, grids that differ, an index out of range, NaN or a
 * percentile outside 0..100 in the options), SEI_ERR_ENVIRONMENT (target), SEI_ERR_MEMORY. Cost: two passes over the volume.
 */

/* One volume as a slice in its channel's colour map (grey for HAADF), with scale bar, colour bar and title. */
sei_status sei_render_slice(const char *path, const sei_volume *volume, const sei_picture_options *options,
                            bool overwrite) SEI_MUST_CHECK;
/*
 * Several volumes of one grid over each other with a legend: with s the share of a channel's range, less its lowest
 * eighth, a pixel has the mean of the channels' colours weighted by s^2 and the brightness of the largest s.
 */
sei_status sei_render_composite(const char *path, size_t n, const sei_volume *volumes, const sei_picture_options *options,
                                bool overwrite) SEI_MUST_CHECK;
/* Labels in their classes' colours with a legend of the classes that occur. The slice's middle voxel layer: labels cannot
 * be averaged, thickness is ignored. */
sei_status sei_render_labels(const char *path, const sei_labels *labels, const sei_picture_options *options,
                             bool overwrite) SEI_MUST_CHECK;
/*
 * Projection of the volume turned by `view_deg` about y (u = x cos - z sin, trilinear, steps of one voxel); n volumes are
 * composed in their colours. All views of one set of volumes share size and grey range. Cost: three projections.
 */
sei_status sei_render_projection(const char *path, size_t n, const sei_volume *volumes, double view_deg,
                                 const sei_picture_options *options, bool overwrite) SEI_MUST_CHECK;
/* One image of a series (channel, tilt index) with its angle as title (unless a title is given). Grey range: the channel. */
sei_status sei_render_tilt(const char *path, const sei_series *series, size_t channel, int64_t tilt,
                           const sei_picture_options *options, bool overwrite) SEI_MUST_CHECK;
/*
 * Pictures side by side in one file (all read as PNG), `columns` per row (< 1: near square), lettered a, b, c ... Columns
 * are as wide as their widest picture. SEI_ERR_INPUT: a file is absent or no PNG, or the sheet would exceed 30000 pixels a side.
 */
sei_status sei_render_montage(const char *path, size_t n, const char *const *pngs, int columns, bool overwrite) SEI_MUST_CHECK;

/*
 * A section of the phase-field model: fields of nx by nz cells, row z, drawn in the paper's colours: silicon green, lithiated
 * silicon yellow, void white, electrolyte (outside and in wetted voids) turquoise, and SEI as a blue line on every surface that
 * electrolyte reaches. Cells are interpolated, so that outlines are smooth.
 */
typedef struct sei_section {
    int64_t nx, nz;
    double cell_nm;
    const double *lithiation; /* 0 silicon .. 1 lithiated */
    const double *vacancy;
    const uint8_t *wire, *wetted;
    double void_threshold; /* of vacancy */
    bool lined;            /* there is SEI */
    bool no_legend;
    /* Where the corners of a grid over the same square have moved to, in nm from the section's centre; NULL: the reference frame.
     * drawn: cells of that grid that have a place. */
    int64_t place_nx, place_nz;
    const double *place_x, *place_z; /* [place_nz + 1][place_nx + 1] */
    const uint8_t *drawn;            /* [place_nz][place_nx] */
    double half_width_nm;            /* of the picture; 0: the section's own */
} sei_section;
/* Errors: SEI_ERR_INPUT (sizes), SEI_ERR_ENVIRONMENT, SEI_ERR_MEMORY. */
sei_status sei_render_section(const char *path, const sei_section *section, const sei_picture_options *options,
                              bool overwrite) SEI_MUST_CHECK;
/*
 * Pictures of one size as an animated PNG, endless, `seconds` each and the last one four times as long: the pictures' own bytes
 * behind each other, so nothing is lost, every browser plays it, and what cannot shows the first. SEI_ERR_INPUT: a file is no
 * PNG, or its size or pixels differ from the first one's.
 */
sei_status sei_render_movie(const char *path, size_t n, const char *const *pngs, double seconds, bool overwrite) SEI_MUST_CHECK;

/*
 * A line plot of table columns against the column x, as PATH.svg and PATH.png by gnuplot. Without gnuplot nothing is
 * written, one line says so, and SEI_OK is returned: the CSV beside it holds the numbers. path without extension. Values
 * that are not finite leave a gap (with log_y also those <= 0). SEI_ERR_INPUT: a column is not there (the message lists
 * those that are). SEI_ERR_ENVIRONMENT: a target cannot be written.
 */
typedef struct sei_plot {
    const char *title, *x_label, *y_label;
    const char *x;
    size_t n_series;
    const char *const *series; /* columns */
    bool log_y, points;
    const char *const *labels; /* [n_series] texts of the legend; NULL: the columns' names */
    const char *const *errors; /* [n_series] columns of standard deviations, drawn as bars; NULL, also single ones: none */
    bool y_from_zero;
    const bool *dots; /* [n_series] true: points without a line between them; NULL: none */
} sei_plot;
sei_status sei_plot_table(const char *path, const sei_table *table, const sei_plot *plot, bool overwrite) SEI_MUST_CHECK;

/*
 * A self-contained HTML page, built part by part; every text from outside is escaped in one function. No script, no
 * link to anything outside, and a Content-Security-Policy that allows neither; pictures are data URIs in <img>, where
 * even an SVG is inert. After an error the page is still valid; free it. Only the functions with files say
 * SEI_ERR_INPUT or SEI_ERR_ENVIRONMENT, all may say SEI_ERR_MEMORY.
 */
typedef struct sei_page sei_page;
sei_status sei_page_begin(const char *title, sei_page **out) SEI_MUST_CHECK;
/* level 2 to 4; 2 and 3 stand in the table of contents. Others are taken as the nearest. */
sei_status sei_page_heading(sei_page *page, int level, const char *text) SEI_MUST_CHECK;
sei_status sei_page_paragraph(sei_page *page, const char *text) SEI_MUST_CHECK;
/* value +- sd, both rounded to the second significant digit of sd; four significant digits where no sd is known. */
sei_status sei_page_numbers(sei_page *page, const char *caption, const sei_numbers *numbers) SEI_MUST_CHECK;
/* row_names [n_rows] may be NULL. Columns X and X_sd become one column "value +- sd". */
sei_status sei_page_table(sei_page *page, const char *caption, const sei_table *table,
                          const char *const *row_names) SEI_MUST_CHECK;
sei_status sei_page_facts(sei_page *page, const char *caption, const sei_facts *facts) SEI_MUST_CHECK;
/* PNG or SVG embedded as data URI; an absent file becomes a line that says so. SEI_ERR_INPUT: neither PNG nor SVG. */
sei_status sei_page_picture(sei_page *page, const char *png_or_svg_path, const char *caption) SEI_MUST_CHECK;
/* A text (JSON) that opens on demand. */
sei_status sei_page_provenance(sei_page *page, const char *caption, const char *json) SEI_MUST_CHECK;
sei_status sei_page_finish(sei_page *page, const char *path, bool overwrite) SEI_MUST_CHECK; /* writes and frees, always */
void sei_page_free(sei_page *page);                                                          /* NULL: nothing */

#ifdef __cplusplus
}
#endif
#endif
