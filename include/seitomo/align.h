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
    int iterations;        /* passes: 1 = neighbours only; more = against the summed stretched reference. Default 3 */
    bool find_axis_offset; /* estimate the axis offset after the shifts (default true) */
    double axis_offset_px; /* used when not found: given offset */
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
 * Finds the shifts by cross-correlation (pairwise from the lowest tilt outward with cosine stretch, band-pass, taper and
 * sub-pixel peak; then refined), composes them, and the axis offset. The mean shift is the gauge.
 * SEI_ERR_INPUT: no such channel, an image without contrast (which tilt), a shift beyond max_shift_px (which tilt).
 */
sei_status sei_align_find(sei_device *device, const sei_series *series, const sei_align_options *options,
                          sei_shifts *out) SEI_MUST_CHECK;

/*
 * Applies shifts (and the rotation that makes the tilt axis y, series->axis_deg) to every channel at once with one
 * interpolation. Pixels without data get valid = 0. Sets aligned and axis_offset_px. The shifts must match the tilts
 * to 1e-3 deg (SEI_ERR_INPUT with both values).
 */
sei_status sei_align_apply(sei_device *device, const sei_series *series, const sei_shifts *shifts, int interpolation,
                           sei_series *out) SEI_MUST_CHECK;

/* As a table tilt_deg,dx_px,dy_px,score and back (score column optional). */
sei_status sei_shifts_to_table(const sei_shifts *shifts, sei_table *out) SEI_MUST_CHECK;
sei_status sei_shifts_from_table(const sei_table *table, sei_shifts *out) SEI_MUST_CHECK;
/* Zero shifts (and NaN scores) for `count` tilts. */
sei_status sei_shifts_alloc(int64_t count, sei_shifts *out) SEI_MUST_CHECK;
void sei_shifts_free(sei_shifts *shifts);

#ifdef __cplusplus
}
#endif
#endif
