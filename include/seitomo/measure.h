/* measure: labels and volumes -> numbers with units and errors. The same ruler for tomograms and models. */
#ifndef SEITOMO_MEASURE_H
#define SEITOMO_MEASURE_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sei_measure_options {
    int connectivity;       /* of solids, default 26; voids connect through the complement: 26-6, 18-6, 6-26 */
    double profile_bin_nm;  /* width of a bin of the radial profiles; default 0: one voxel */
    double core_erosion_nm; /* the core is the silicon's envelope moved inwards by this; default NaN: 2 voxels */
} sei_measure_options;

void sei_measure_options_default(sei_measure_options *options);

/*
 * Measures a labelled specimen. The wire's axis runs along y: in each cross-section (x-z) it passes through the centroid
 * of the specimen (every label but outside and support). Fills `numbers` (empty before) with
 *
 *   si_volume sei_volume closed_void_volume open_void_volume support_volume   nm^3; voxels of the class. sd: the
 *       boundary's place within a voxel, surface area * 0.5 voxel / sqrt(12)
 *   si_component_count, si_largest_component_fraction   of silicon, connected through options->connectivity
 *   si_percolates_x/y/z, void_percolates_x/y/z   1 when one component of silicon, or of voids (closed or open), reaches
 *       from one flank of the specimen to the other along that axis, else 0. Flanks are the ends of the specimen's chords
 *       at least half as long as the longest: a groove in the surface does not percolate, a specimen that fills the field
 *       is judged face to face
 *   void_count, closed_void_count   components of voids
 *   void_fraction   voids in the specimen's volume
 *   specific_surface   1/nm; silicon's surface (to SEI, voids and outside) per silicon volume
 *   mixing_index       1/nm; area of the Si-SEI interface per silicon volume
 *   wire_radius_mean, core_radius_mean   nm; radius of the circle of equal area of the specimen and of the silicon's
 *       envelope, mean over cross-sections. sd: spread over cross-sections
 *   sei_fraction_in_core, si_fraction_in_core, void_fraction_in_core   of the core's volume. The core, one rule for all
 *       cycles: the outermost silicon (components of at least 8 voxels) on 144 rays from the axis, those of the cross-
 *       sections within 5 nm along the wire taken together, fitted by a Fourier series of order 4 with asymmetric weights
 *       (expectile 0.85: a smooth upper envelope that bridges pores and missing silicon; where no silicon is near, in
 *       proportion between the cross-sections before and after), moved inwards by core_erosion_nm. sd: half the
 *       difference between cores one voxel wider and narrower
 *   sei_fraction_in_core_wide, sei_fraction_in_core_narrow   the same for the two, no sd
 *   sei_fraction_in_core_null   NaN: what an empty core would show needs a simulation and a reconstruction
 *   sei_thickness_mean   nm; outermost run of SEI on the same rays (0 where silicon is bare; rays that meet a void or
 *       nothing first do not count). sd: spread over rays
 *   open_void_depth_mean   nm; in each cross-section and each of 72 sectors about the axis the deepest open void below
 *       the specimen's outer surface (0 where there is none), mean over all. sd: spread over cross-sections
 *   open_void_depth_max    nm
 *   <class>_volume, <class>_count   for classes from 10 up (name in lower case, other characters than letters and
 *       digits become _)
 *
 * Surface areas are Crofton's: crossings of the boundary by the lines of the 13 grid directions, weighted by the solid
 * angles they stand for (Legland, Kieu & Devaux, Image Anal. Stereol. 26, 2007). Averaged over orientations they are
 * exact, a sphere of 8 voxels or more measures within 1 %; one plane's rms error is 1.6 %, at most 7 % less along the grid. sd
 * is 3 %. The faces of the field are no surface.
 * A number that has no meaning for the labels (no silicon) is NaN; volumes and counts are 0 then.
 * profiles (may be NULL, else empty): table r_nm, r_over_radius, voxels, fraction_Si, fraction_SEI, fraction_void,
 * fraction_closed_void, fraction_open_void, fraction_<class> for classes from 10 up, mean_<volume>, by distance from the
 * wire's axis, up to the specimen's edge and a quarter more.
 * Volumes (n may be 0) share the labels' grid. The same bits for any number of threads.
 * Errors: SEI_ERR_INPUT (grids that differ, with both; no voxel size), SEI_ERR_USAGE (options), SEI_ERR_MEMORY; outputs
 * are untouched then. Cost: O(voxels), about 14 bytes per voxel beside the labels.
 */
sei_status sei_measure(const sei_labels *labels, size_t n, const sei_volume *volumes, const sei_measure_options *options,
                       sei_numbers *numbers, sei_table *profiles) SEI_MUST_CHECK;

/*
 * Areas of contact in nm^2 between every two classes, by the estimator above: area[a * 256 + b], symmetric, 0 on the
 * diagonal. The surface of a class is the sum of its row. Errors: SEI_ERR_MEMORY.
 */
sei_status sei_measure_areas(const sei_labels *labels, double *area) SEI_MUST_CHECK;

/*
 * Elongation of a bright isolated object about voxel (cx, cy, cz): ratio of rms extents z / x from second moments of the
 * values above half of the maximum in the box of half width half_width (voxels joined to the maximum through faces). NaN
 * when nothing stands out: no positive value, fewer than 8 voxels, no extent along x, or the object touches the box.
 */
double sei_measure_elongation(const sei_volume *volume, int64_t cx, int64_t cy, int64_t cz, int64_t half_width);
/*
 * Elongation of a whole volume: ratio z / x of the widths at half maximum of its autocorrelation (the mean taken away),
 * linear between lags. *elongation is NaN when a width is not reached within half of the volume. SEI_ERR_INPUT: an empty
 * volume or one value everywhere. Cost: O(voxels * width).
 */
sei_status sei_measure_elongation_autocorrelation(const sei_volume *volume, double *elongation) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
