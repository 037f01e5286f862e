/* measure: labels and volumes -> numbers with units and errors. The same ruler for tomograms and models. */
#ifndef SEITOMO_MEASURE_H
#define SEITOMO_MEASURE_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sei_measure_options {
    int connectivity;       /* of solids, 26 default; voids use the complement (6) */
    double profile_bin_nm;  /* radial profiles; 0: one voxel */
    double core_erosion_nm; /* the core is the wire's Si envelope eroded by this; default 2 voxels */
} sei_measure_options;
void sei_measure_options_default(sei_measure_options *options);

/*
 * Fills `numbers` (empty before) with, in nm units: si_volume, sei_volume, closed_void_volume, open_void_volume,
 * support_volume, si_largest_component_fraction, si_component_count, sei_fraction_in_core, sei_thickness_mean (sd: spread),
 * void_count, open_void_depth_mean, void_percolates_x/y/z (0 or 1), specific_surface (Si surface per Si volume, 1/nm),
 * mixing_index (Si-SEI interface area per Si volume, 1/nm), wire_radius_mean, <class>_volume and <class>_count for
 * classes from 10 up. A number that has no meaning for the labels (no Si) is NaN. sd of volumes: from moving the
 * boundary by the threshold's half-voxel uncertainty, +-(surface area * 0.5 voxel / sqrt(12)).
 * profiles (may be NULL, else empty): table r_nm, fraction of Si, SEI, void by distance from the wire's axis, and the
 * mean value of each volume. Volumes (n may be 0) must share the labels' grid (SEI_ERR_INPUT with both).
 */
sei_status sei_measure(const sei_labels *labels, size_t n, const sei_volume *volumes, const sei_measure_options *options,
                       sei_numbers *numbers, sei_table *profiles) SEI_MUST_CHECK;

/* Elongation of a bright isolated object in a box: ratio of rms extents z/x from second moments of values above half
 * of the maximum. NaN when nothing stands out. */
double sei_measure_elongation(const sei_volume *volume, int64_t cx, int64_t cy, int64_t cz, int64_t half_width);
/* Elongation of a whole volume from the widths (half maximum) of its autocorrelation along z and x. */
sei_status sei_measure_elongation_autocorrelation(const sei_volume *volume, double *elongation) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
