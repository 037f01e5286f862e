/* report: numbers and volumes -> files people look at (PNG, SVG, HTML). */
#ifndef SEITOMO_REPORT_H
#define SEITOMO_REPORT_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* seitomo's colour of a channel: HAADF grey, Si green, O red, F blue, C yellow, P magenta; others from a fixed list. */
void sei_channel_colour(const char *name, uint8_t rgb[3]);

typedef enum sei_plane { SEI_PLANE_XY = 0, SEI_PLANE_XZ, SEI_PLANE_YZ } sei_plane; /* XZ is the wire's cross-section */

typedef struct sei_picture_options {
    sei_plane plane;
    double position_nm;                     /* of the slice's centre from the volume's centre, along the third axis */
    double thickness_nm;                    /* slab that is averaged; default 5 */
    double scale_bar_nm;                    /* 0: a round number near a fifth of the width; < 0: none */
    int min_side_px;                        /* small pictures are enlarged by whole factors up to this; default 400 */
    double low_percentile, high_percentile; /* grey range, default 0.5 and 99.8 of the whole volume */
    const char *title;                      /* drawn above; NULL: none */
} sei_picture_options;
void sei_picture_options_default(sei_picture_options *options);

/* One volume as a slice in its channel's colour map (grey for HAADF), with scale bar and title. */
sei_status sei_render_slice(const char *path, const sei_volume *volume, const sei_picture_options *options,
                            bool overwrite) SEI_MUST_CHECK;
/* Several volumes of one grid over each other, additive in their colours, with a legend. */
sei_status sei_render_composite(const char *path, size_t n, const sei_volume *volumes, const sei_picture_options *options,
                                bool overwrite) SEI_MUST_CHECK;
/* Labels in their classes' colours with a legend. */
sei_status sei_render_labels(const char *path, const sei_labels *labels, const sei_picture_options *options,
                             bool overwrite) SEI_MUST_CHECK;
/* Maximum projection seen from `view_deg` about y; n volumes are composed in their colours. */
sei_status sei_render_projection(const char *path, size_t n, const sei_volume *volumes, double view_deg,
                                 const sei_picture_options *options, bool overwrite) SEI_MUST_CHECK;
/* One image of a series (channel, tilt index) with its angle as title. */
sei_status sei_render_tilt(const char *path, const sei_series *series, size_t channel, int64_t tilt,
                           const sei_picture_options *options, bool overwrite) SEI_MUST_CHECK;
/* Pictures side by side in one file (all read as PNG), `columns` per row. */
sei_status sei_render_montage(const char *path, size_t n, const char *const *pngs, int columns, bool overwrite) SEI_MUST_CHECK;

/* A line plot of table columns against the column x, as SVG and PNG by gnuplot. Without gnuplot nothing is written, one
 * line says so, and SEI_OK is returned: the CSV beside it holds the numbers. path without extension. */
typedef struct sei_plot {
    const char *title, *x_label, *y_label;
    const char *x;
    size_t n_series;
    const char *const *series; /* columns */
    bool log_y, points;
} sei_plot;
sei_status sei_plot_table(const char *path, const sei_table *table, const sei_plot *plot, bool overwrite) SEI_MUST_CHECK;

/* A self-contained HTML page, built part by part; every text from outside is escaped in one function. */
typedef struct sei_page sei_page;
sei_status sei_page_begin(const char *title, sei_page **out) SEI_MUST_CHECK;
sei_status sei_page_heading(sei_page *page, int level, const char *text) SEI_MUST_CHECK;
sei_status sei_page_paragraph(sei_page *page, const char *text) SEI_MUST_CHECK;
sei_status sei_page_numbers(sei_page *page, const char *caption, const sei_numbers *numbers) SEI_MUST_CHECK;
/* row_names [n_rows] may be NULL */
sei_status sei_page_table(sei_page *page, const char *caption, const sei_table *table,
                          const char *const *row_names) SEI_MUST_CHECK;
sei_status sei_page_facts(sei_page *page, const char *caption, const sei_facts *facts) SEI_MUST_CHECK;
/* PNG or SVG embedded as data URI; an absent file becomes a line that says so. */
sei_status sei_page_picture(sei_page *page, const char *png_or_svg_path, const char *caption) SEI_MUST_CHECK;
sei_status sei_page_provenance(sei_page *page, const char *caption, const char *json) SEI_MUST_CHECK;
sei_status sei_page_finish(sei_page *page, const char *path, bool overwrite) SEI_MUST_CHECK; /* writes and frees */
void sei_page_free(sei_page *page);

#ifdef __cplusplus
}
#endif
#endif
