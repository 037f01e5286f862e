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

typedef enum sei_repair_kind {
    SEI_REPAIR_HOT = 1,
    SEI_REPAIR_ROW = 2,
    SEI_REPAIR_COLUMN = 3,
    SEI_REPAIR_NON_FINITE = 4,
    SEI_REPAIR_COLD = 5
} sei_repair_kind;

typedef struct sei_clean_options {
    /* A pixel is hot (cold) when it lies this many sigmas above (below) its second most extreme neighbour and stands alone.
     * Sigma is Poisson's for counts (signed root deviance; sparse maps keep their counts) and measured against the grey
     * level otherwise. 0: off. Default 8. */
    double hot_pixel_sigma;
    /* At most four adjacent rows or columns that are constant in every image while both sides are not, or a single one
     * that lies outside all others in every image. Default true. */
    bool dead_lines;
    bool repair_non_finite;   /* replace NaN and Inf by the median of finite neighbours; else refuse. Default false */
    sei_normalise normalise;  /* default none; grey channels only when normalise_grey_only */
    bool normalise_grey_only; /* default true: channels whose unit is "counts" keep their counts */
    int64_t crop_x, crop_y, crop_nx, crop_ny; /* crop_nx = 0: no crop; done before anything else */
} sei_clean_options;

void sei_clean_options_default(sei_clean_options *options);

/*
 * Cleans in place: crop, non-finite pixels, dead lines, hot pixels, normalisation, in this order. `repairs` (may be NULL,
 * else an empty table the caller frees) lists every repair in columns channel (index), tilt_deg, x, y (in the image as
 * given, before the crop), kind (sei_repair_kind), old, new. A dead line is one row of the table: tilt_deg and the
 * coordinate along the line are NaN, old and new its mean. Pixels outside the valid mask are left alone (non-finite
 * ones become 0). Facts "hot_pixels" (hot and cold), "dead_lines", "non_finite" are set on the series. An image of which
 * more than 2 % would be hot or cold is left as it is with a warning: that is noise or structure, not faults.
 * Whole-number channels stay whole. axis_offset_px follows the crop.
 * SEI_ERR_INPUT: a NaN or Inf while not repairing (channel, tilt, pixel, how many), an image without any finite pixel, a
 * crop outside the image, an image whose mean or median is not positive when normalising; the series is then unchanged
 * except for repairs already made. SEI_ERR_MEMORY. Cost: about 30 ns a pixel; one image of memory a thread.
 */
sei_status sei_clean_series(sei_series *series, const sei_clean_options *options, sei_table *repairs) SEI_MUST_CHECK;

/*
 * Sums n x n pixels (counts keep their sum), or means them for units other than "counts". Edges that do not fill a bin
 * are left out at the high end and axis_offset_px follows, so the axis stays where it was in space. A bin is valid when
 * all its pixels are, and 0 otherwise. `out` must be empty. SEI_ERR_INPUT: n < 1 or larger than the image.
 */
sei_status sei_clean_bin(const sei_series *series, int n, sei_series *out) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
