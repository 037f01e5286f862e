/* Inside the align room: prepared images, the correlator, and the steps of sei_align_find. */
#ifndef SEI_ALIGN_ALIGN_H
#define SEI_ALIGN_ALIGN_H

#include "seitomo/align.h"

/* The reference channel with the tilt axis along y; pixels without data hold their image's mean. */
typedef struct sei_frames {
    int nx, ny, n;
    const sei_tilt *tilts;
    double *cos_tilt, *sin_tilt; /* [n] */
    float *data;                 /* [n][ny][nx] */
    int start;                   /* the tilt nearest 0 */
} sei_frames;

sei_status sei_frames_make(sei_device *device, const sei_series *series, size_t channel, sei_frames *out) SEI_MUST_CHECK;
void sei_frames_free(sei_frames *frames);

/* Turns an image by quarter turns, exactly: out(X, Y) = in(R (X, Y)), R the rotation by 90 deg * quarter. in is nx * ny; out is
 * ny * nx for an odd quarter. */
void sei_turn(const float *in, int64_t nx, int64_t ny, int quarter, float *out);
/* axis_deg as quarter turns (0..3) and a rest within +-45 deg. */
void sei_split_angle(double axis_deg, int *quarter, double *rest_deg);

/* Correlates images of one size: resample, subtract the mean, taper, pad, band-pass, find the peak. */
typedef struct sei_correlator {
    sei_device *device;
    int nx, ny; /* images */
    int padded_x, padded_y;
    double taper_px;
    int rectangle[4];                 /* of the image loaded last: x0, x1, y0, y1 */
    double *window;                   /* [nx] scratch */
    float *band;                      /* [padded_y][padded_x/2+1] */
    float *host, *map, *covered;      /* nx*ny, padded, nx*ny */
    sei_buffer *image, *moved, *mask; /* nx*ny */
    sei_buffer *a, *b, *out;          /* padded */
} sei_correlator;

sei_status sei_correlator_open(sei_device *device, int nx, int ny, const sei_align_options *options, double low_cutoff,
                               sei_correlator *out) SEI_MUST_CHECK;
void sei_correlator_close(sei_correlator *correlator);
/* target(x, y) = image at xf (see resample), windowed on the part that is covered and lies `within`
 * (x0, x1, y0, y1 inclusive; NULL: all), which goes to c->rectangle; with `texture` without what is constant along y. *contrast
 * (may be NULL) is its standard deviation inside the window. */
sei_status sei_correlator_load(sei_correlator *c, const float *image, const double xf[6], const int within[4], bool texture,
                               sei_buffer *target, double *contrast) SEI_MUST_CHECK;
/* The shift of b onto a with |shift| <= most_px in both directions; *inside is false when the highest peak lies beyond. */
sei_status sei_correlator_peak(sei_correlator *c, double most_px, double shift[2], bool *inside) SEI_MUST_CHECK;
/* Normalised correlation of a and b at no shift, -1..1. */
sei_status sei_correlator_score(sei_correlator *c, double *score) SEI_MUST_CHECK;

/* Neighbours from the lowest tilt outward. */
sei_status sei_align_pairwise(const sei_frames *f, sei_correlator *c, bool stretch, double axis_offset_px, double most_px,
                              double *dx, double *dy) SEI_MUST_CHECK;
/* Correlation of each tilt with its inner neighbour after the shifts. */
sei_status sei_align_scores(const sei_frames *f, sei_correlator *c, bool stretch, double axis_offset_px, const double *dx,
                            const double *dy, double *score) SEI_MUST_CHECK;

/* An offset with its uncertainty. */
typedef struct sei_estimate {
    double value, sd;
} sei_estimate;

/* For a specimen that stands alone between empty margins: see isolated.c. *isolated tells whether it was so; else nothing
 * changed. */
sei_status sei_align_isolated(const sei_frames *f, double *dx, double *dy, bool *isolated, sei_estimate *axis) SEI_MUST_CHECK;

/* For any specimen: see consistency.c. At most 4 * passes rounds of reprojection matching about the axis, whose sd is set. */
sei_status sei_align_consistency(sei_device *device, const sei_frames *f, const sei_align_options *options, int passes,
                                 double *dx, double *dy, sei_estimate *axis) SEI_MUST_CHECK;

/* The constant of the least-squares fit u = x0 cos - z0 sin + axis; NaN when the tilts do not span enough. */
double sei_fit_axis(const sei_frames *f, const double *u);

#endif
