/* Inside simulate: where a view's rays run, and how the image they make becomes pixels. */
#ifndef SEI_SIMULATE_VIEW_H
#define SEI_SIMULATE_VIEW_H

#include "seitomo/specimen.h"

#define SEI_BLUR_TAIL 5.0 /* standard deviations of the blur that count: 6e-7 of it lie outside */

/* A view made ready. Ray (I, J) stands in column I and row J of the lattice of subsamples per pixel; both may lie outside. */
typedef struct sei_camera {
    sei_view view;
    double cos_tilt, sin_tilt; /* exact at quarter turns */
    double cos_axis, sin_axis;
} sei_camera;

/* SEI_ERR_INPUT names the number that is out of range. */
sei_status sei_camera_of(const sei_view *view, sei_camera *out) SEI_MUST_CHECK;
/* Detector coordinates of lattice column I and row J, nm, from the moved image's centre. */
double sei_camera_u(const sei_camera *camera, int64_t column);
double sei_camera_v(const sei_camera *camera, int64_t row);
/* The ray through a point of the detector: across the tilt axis and along it. */
static inline void sei_camera_turn(const sei_camera *c, double across_nm, double v_nm, double *u_nm, double *y_nm) {
    *u_nm = across_nm * c->cos_axis + v_nm * c->sin_axis - c->view.axis_offset_px * c->view.pixel_nm;
    *y_nm = v_nm * c->cos_axis - across_nm * c->sin_axis;
}

/*
 * Weights of rays in a pixel: pixel x is the sum over steps k, rows b and columns a of
 *     rows[k][b] * columns[k][a] * ray(x*subsamples + low_column + a, y*subsamples + low_row + b).
 * A ray stands for its share 1/subsamples of a pixel, on which the pixel's box, moved by the smear's step k and blurred, is
 * integrated exactly; all weights of a pixel add up to 1.
 */
typedef struct sei_exposure {
    int n_steps; /* 1 when the smear runs along rows or columns: its steps are in the weights then */
    int n_moves; /* steps of the smear */
    int64_t low_column, low_row;
    int n_columns, n_rows;
    double *columns; /* [n_steps][n_columns] */
    double *rows;    /* [n_steps][n_rows], each divided by n_steps */
    double *move_px; /* [n_moves][2]: how far the image has moved */
    double blur_px;
} sei_exposure;

sei_status sei_exposure_of(const sei_view *view, sei_exposure *out) SEI_MUST_CHECK;
void sei_exposure_free(sei_exposure *exposure);
/* Share of a pixel's box [0, 1], blurred by sd (all in pixels), that lies below t: 0 far below, 1 far above. */
double sei_box_below(double t, double sd);

#endif
