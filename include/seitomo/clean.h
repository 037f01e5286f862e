/* clean: what is done to images before alignment. Every repair is counted and listed; counts are never shifted. */
#ifndef SEITOMO_CLEAN_H
#define SEITOMO_CLEAN_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sei_normalise {
    SEI_NORMALISE_NONE = 0,
    SEI_NORMALISE_MEAN,  /* every image scaled so that its mean over valid pixels is the series' mean */
    SEI_NORMALISE_MEDIAN /* the same with medians */
} sei_normalise;

typedef struct sei_clean_options {
    double hot_pixel_sigma;   /* a pixel this many robust sigmas above its neighbours' median is hot; 0: off. Default 8 */
    bool dead_lines;          /* rows or columns that are constant or far off in every image. Default true */
    bool repair_non_finite;   /* replace NaN and Inf by the median of finite neighbours; else refuse. Default false */
    sei_normalise normalise;  /* default none; grey channels only when grey_only */
    bool normalise_grey_only; /* default true: channels whose unit is "counts" keep their counts */
    int64_t crop_x, crop_y, crop_nx, crop_ny; /* crop_nx = 0: no crop */
} sei_clean_options;

void sei_clean_options_default(sei_clean_options *options);

/*
 * Cleans in place. `repairs` (may be NULL, else an empty table the caller frees) lists every repair: channel index,
 * tilt_deg, x, y, kind (1 hot pixel, 2 dead row, 3 dead column, 4 non-finite), old and new value. Facts "hot_pixels",
 * "dead_lines", "non_finite" are set on the series. SEI_ERR_INPUT: a NaN or Inf while not repairing (channel, tilt,
 * pixel), a crop outside the image.
 */
sei_status sei_clean_series(sei_series *series, const sei_clean_options *options, sei_table *repairs) SEI_MUST_CHECK;

/*
 * Sums n x n pixels (counts keep their sum), or means them for units other than "counts". Edges that do not fill a bin
 * are left out at the high end and axis_offset_px follows, so the axis stays where it was in space. A bin is valid when
 * all its pixels are. SEI_ERR_INPUT: n < 1 or larger than the image.
 */
sei_status sei_clean_bin(const sei_series *series, int n, sei_series *out) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
