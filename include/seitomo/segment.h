/* segment: volumes -> labels. Components, distances and closing stand in morphology.h. */
#ifndef SEITOMO_SEGMENT_H
#define SEITOMO_SEGMENT_H

#include "seitomo/morphology.h"
#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    SEI_OTSU_MAX_CLASSES = 16,
    /* As a rule's label: such voxels are solid, but their class comes from the classes around them (HAADF alone cannot
     * tell SEI from silicon that fills part of a voxel). */
    SEI_LABEL_FROM_NEIGHBOURS = 255
};

/*
 * Otsu's criterion for n_classes >= 2: the partition of a histogram of n_bins (0: 256) equal bins between the smallest
 * and largest value that has the largest between-class variance, exact by dynamic programming (Otsu 1979; Liao et al.
 * 2001). thresholds[n_classes - 1] ascending: a value > thresholds[i] lies above class i. Within the gap that separates
 * two classes the threshold is the middle of the classes' means. mask (may be NULL): only values where it is non-zero.
 * Errors: SEI_ERR_INPUT (values that are not finite, with their number; fewer occupied bins than classes, with both),
 * SEI_ERR_USAGE (classes or bins out of range), SEI_ERR_MEMORY. Cost: O(count + n_classes * n_bins^2).
 */
sei_status sei_otsu(const float *data, size_t count, const uint8_t *mask, int n_classes, int n_bins,
                    double *thresholds) SEI_MUST_CHECK;

/* One channel's rule: voxels above the threshold belong to the label. Start from sei_segment_rule_default. */
typedef struct sei_segment_rule {
    const char *channel;
    double threshold;       /* NaN: by Otsu */
    int otsu_classes;       /* default 2, 0 counts as 2 */
    int otsu_take;          /* which of Otsu's thresholds, 0-based; default the lowest */
    double smooth_sigma_px; /* Gaussian before thresholding; default 0: none */
    uint8_t label;          /* class given to such voxels; rules earlier in the list win */
    const char *label_name; /* NULL: the wire's, or the channel's for labels from SEI_LABEL_FIRST_FREE up */
    uint8_t rgb[3];         /* used when label >= SEI_LABEL_FIRST_FREE; black: from a fixed list */
    bool may_be_support;    /* wire: voxels that only this rule gives, further than two voxels outside the wire's
                               envelope, become support (label 5): carbon of a lacey film */
} sei_segment_rule;

void sei_segment_rule_default(sei_segment_rule *rule);

typedef struct sei_segment_options {
    size_t n_rules;
    const sei_segment_rule *rules; /* 0 rules: see sei_segment */
    bool wire;                     /* find the envelope, closed and open voids (labels 3 and 4); default true */
    int64_t min_component_voxels;  /* smaller pieces of specimen become outside, smaller voids vanish; default 8 */
    double closing_nm;             /* radius of the closing that makes the envelope of open voids; default 10 */
    double min_void_width_px;      /* narrower parts of voids are below what the grid resolves; default 2, 0: keep all */
} sei_segment_options;

void sei_segment_options_default(sei_segment_options *options);

/*
 * Labels every voxel.
 * 1. Each rule's channel is thresholded (value > threshold); the first rule that holds gives the class, else outside.
 * 2. Pieces of specimen (26-connected) with fewer than min_component_voxels voxels become outside.
 * With wire = true, further:
 * 3. The envelope is the closing of Si and SEI by a ball of closing_nm, with the holes of each cross-section (x-z) and
 *    of the whole filled. Voxels of may_be_support rules beyond it become support.
 * 4. Empty voxels in the envelope are void: open when their 6-connected component reaches outside the envelope, else
 *    closed (solids connect through 26 neighbours). The faces of the field are no outside.
 * 5. Parts of voids narrower than min_void_width_px, and voids of fewer than min_component_voxels voxels, take the class
 *    that most of their neighbours have; those on the envelope's rim become outside.
 * No rules: with wire, Si from channel "Si" and SEI from those of O, F, C, P there are, each by Otsu, "HAADF" above the upper of
 * three classes as SEI_LABEL_FROM_NEIGHBOURS when present, and carbon may be support when O, F or P is there too; without wire,
 * each channel but HAADF by Otsu, labels from 10 up in the order given (HAADF too when it is the only one). out gets classes with
 * their rules in words, and facts "threshold_<channel>" (source: how it was found) and "voxels_<class>". The same bits for any
 * number of threads. Errors: SEI_ERR_INPUT (grids that differ, with both; a channel a rule names is absent, with those present;
 * values that are not finite; nothing to tell apart), SEI_ERR_USAGE (options), SEI_ERR_MEMORY. out is untouched then.
 */
sei_status sei_segment(size_t n, const sei_volume *volumes, const sei_segment_options *options, sei_labels *out) SEI_MUST_CHECK;

/*
 * Resamples to a voxel size and shape; the volumes' centres coincide. To finer voxels: trilinear; to coarser ones: the
 * mean over the output voxel, whole or not. Beyond the input there is nothing: 0. Values keep their meaning per nm of
 * path, so they scale by the ratio of voxel edges. Errors: SEI_ERR_USAGE (voxel_nm), SEI_ERR_INPUT (the volume's own
 * voxel size is unknown, sizes), SEI_ERR_MEMORY.
 */
sei_status sei_volume_resample(const sei_volume *volume, int64_t nx, int64_t ny, int64_t nz, double voxel_nm,
                               sei_volume *out) SEI_MUST_CHECK;

/* Brings all volumes, in place, to the grid of the one with the largest voxels (the first such). Errors as above; volumes
 * before the failing one are resampled then. */
sei_status sei_volumes_to_one_grid(size_t n, sei_volume *volumes) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
