/* align: shifts and tilt axis from one channel, applied to every channel in one interpolation. */
#ifndef SEITOMO_ALIGN_H
#define SEITOMO_ALIGN_H

#include "seitomo/backend.h"
#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sei_align_options {
    const char *reference; /* channel to align on; NULL: "HAADF", else the first */
    bool cosine_stretch;   /* stretch the more tilted image by the cosine ratio about the axis before correlating */
    double taper_px;       /* edge taper; default 0.1 of the smaller side, < 0 */
    double low_cutoff;     /* band-pass in cycles/pixel: Gaussian high-pass sigma (default 0.03) ... */
    double high_cutoff;    /* ... and low-pass start (default 0.25) with high_sigma fall-off (default 0.05) */
    double high_sigma;
    double max_shift_px;   /* between neighbours; <= 0: a quarter of the image */
    int iterations;        /* 1: neighbours only; more: refined as said below. Default 3 */
    bool find_axis_offset; /* default true */
    double axis_offset_px; /* the axis the images are stretched and matched about; see the gauge below */
    int interpolation;     /* 1 bilinear (default: keeps counts non-negative), 3 cubic */
} sei_align_options;

void sei_align_options_default(sei_align_options *options);

/* Translation to APPLY to each image, in the order of the series' tilts. */
typedef struct sei_shifts {
    int64_t count;
    double *tilt_deg, *dx_px, *dy_px;
    double *score;        /* normalised correlation with the inner neighbour after the shifts, NaN for the reference */
    double *score_before; /* the same before them */
    double axis_offset_px;
    double axis_offset_sd_px; /* NaN unknown */
} sei_shifts;

/*
 * Finds the shifts, dx across and dy along the tilt axis, in the frame whose axis is y (series->axis_deg turned away), and
 * the axis offset that belongs to them.
 *
 * 1. Neighbours by cross-correlation from the lowest tilt outward: cosine stretch about the axis, edge taper, band-pass,
 *    sub-pixel peak; the shifts are composed. iterations = 1 stops here.
 * 2. A specimen alone between empty margins: dy by its mass profile along the axis, dx and the axis by its centre of mass.
 *    Any other: 4 * (iterations - 1) rounds at most of reprojection matching on at most 128 bins.
 *
 * Gauge: every tilt has its own shift, so no series can tell the specimen's mean position (dx + a cos + b sin) nor a common
 * move of images and axis. The mean of dx and of dy is 0, and the axis lies in the specimen's centre of mass (alone) or
 * where options->axis_offset_px has it (else). With find_axis_offset false it lies there in both cases, and for a specimen
 * alone the mean of dx is then not 0. axis_offset_sd_px says how well the shifts agree with the axis: scatter over four
 * parts of the specimen along y; NaN where it was not measured.
 *
 * score and score_before: normalised, band-passed correlation of a tilt with its inner neighbour where both hold data.
 * SEI_ERR_INPUT: no such channel, a pixel that is no number, an image without contrast, a shift beyond max_shift_px (each
 * says which tilt); SEI_ERR_USAGE: options out of range. Bits do not depend on threads. Cost: about 20 correlations a
 * tilt, and for films 24 small reconstructions of 10 SIRT iterations.
 */
sei_status sei_align_find(sei_device *device, const sei_series *series, const sei_align_options *options,
                          sei_shifts *out) SEI_MUST_CHECK;

/*
 * Applies shifts (and the rotation that makes the tilt axis y, series->axis_deg) to every channel at once with one
 * interpolation. Pixels without data get valid = 0. Sets aligned and axis_offset_px, to that of the shifts or, where that is
 * NaN, to the series' own. The shifts must match the tilts
 * to 1e-3 deg (SEI_ERR_INPUT with both values).
 */
sei_status sei_align_apply(sei_device *device, const sei_series *series, const sei_shifts *shifts, int interpolation,
                           sei_series *out) SEI_MUST_CHECK;

/* As a table tilt_deg,dx_px,dy_px,score,score_before,axis_offset_px,axis_offset_sd_px (the last two in every row) and back:
 * only the first three are needed; what the others would say is then NaN. */
sei_status sei_shifts_to_table(const sei_shifts *shifts, sei_table *out) SEI_MUST_CHECK;
sei_status sei_shifts_from_table(const sei_table *table, sei_shifts *out) SEI_MUST_CHECK;
/* Zero shifts (and NaN scores) for `count` tilts. */
sei_status sei_shifts_alloc(int64_t count, sei_shifts *out) SEI_MUST_CHECK;
void sei_shifts_free(sei_shifts *shifts);

#ifdef __cplusplus
}
#endif
#endif
