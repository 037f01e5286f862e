/* segment: volumes -> labels. */
#ifndef SEITOMO_SEGMENT_H
#define SEITOMO_SEGMENT_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Otsu's criterion for k >= 2 classes over a histogram, exact by dynamic programming; thresholds[k-1] ascending: a
 * value > thresholds[i] lies above class i. n_bins default 256. mask (may be NULL): only where non-zero.
 * SEI_ERR_INPUT: fewer distinct values than classes (says how many). */
sei_status sei_otsu(const float *data, size_t count, const uint8_t *mask, int n_classes, int n_bins,
                    double *thresholds) SEI_MUST_CHECK;

/* 3-D connected components of mask != 0 with connectivity 6, 18 or 26: labels[count] 1..*n in order of first voxel, 0
 * elsewhere. Union-find, two passes. */
sei_status sei_components(const uint8_t *mask, int64_t nx, int64_t ny, int64_t nz, int connectivity, uint32_t *labels,
                          uint32_t *n) SEI_MUST_CHECK;
/* The same for labels: neighbours join when they carry the same class. */

/* Exact squared Euclidean distance of each voxel with mask != 0 to the nearest voxel with mask == 0, in voxels^2;
 * outside_is_background: the volume's border counts as background. (Felzenszwalb & Huttenlocher 2012) */
sei_status sei_distance2(const uint8_t *mask, int64_t nx, int64_t ny, int64_t nz, bool outside_is_background,
                         float *distance2) SEI_MUST_CHECK;

/* One channel's rule: voxels above the threshold belong to the element. */
typedef struct sei_segment_rule {
    const char *channel;
    double threshold; /* NaN: by Otsu */
    int otsu_classes; /* default 2; the threshold used is number otsu_take (0-based; default the lowest) */
    int otsu_take;
    double smooth_sigma_px; /* Gaussian before thresholding, default 0: none */
    uint8_t label;          /* class given to such voxels; rules earlier in the list win */
    const char *label_name; /* NULL: the wire's */
    uint8_t rgb[3];         /* used when label >= SEI_LABEL_FIRST_FREE */
} sei_segment_rule;

typedef struct sei_segment_options {
    size_t n_rules;
    const sei_segment_rule *rules; /* 0: the wire's: Si by Otsu, SEI by Otsu on O, F, C (those present) */
    bool wire;                     /* find envelope, closed and open voids (labels 3 and 4) */
    int64_t min_component_voxels;  /* smaller specimen components become outside; default 8 */
    double closing_nm;             /* radius of the closing that makes the envelope of open voids; default 10 */
} sei_segment_options;

void sei_segment_options_default(sei_segment_options *options);

/*
 * Volumes must share one grid (SEI_ERR_INPUT names both). out gets classes, and facts "threshold_<channel>" with how it
 * was found. Resample first with sei_volume_resample.
 */
sei_status sei_segment(size_t n, const sei_volume *volumes, const sei_segment_options *options, sei_labels *out) SEI_MUST_CHECK;

/* Trilinear (to finer) or area-mean (to coarser by whole factors) resampling to a voxel size and shape; the volumes'
 * centres coincide. Values keep their meaning per nm of path: they scale by the ratio of voxel edges. */
sei_status sei_volume_resample(const sei_volume *volume, int64_t nx, int64_t ny, int64_t nz, double voxel_nm,
                               sei_volume *out) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
