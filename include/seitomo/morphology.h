/* Shapes on a voxel grid that several rooms need: components, distances, closing, smoothing, a wire's voids. Part of core. */
#ifndef SEITOMO_MORPHOLOGY_H
#define SEITOMO_MORPHOLOGY_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * 3-D connected components of mask != 0 with connectivity 6, 18 or 26. labels[(k*ny + j)*nx + i] is 1..*n in the order
 * of each component's first voxel, 0 where the mask is 0. Union-find over runs along x (two passes: runs are joined with
 * those of the rows before them, then numbered). Errors: SEI_ERR_USAGE (another connectivity), SEI_ERR_INPUT (more than
 * 2^32 - 2 runs), SEI_ERR_MEMORY; outputs are untouched then. Cost: O(voxels), 12 bytes per run.
 */
sei_status sei_components(const uint8_t *mask, int64_t nx, int64_t ny, int64_t nz, int connectivity, uint32_t *labels,
                          uint32_t *n) SEI_MUST_CHECK;
/* The same for classes: neighbours join when they carry the same class; class 0 is the background. */
sei_status sei_components_of_classes(const uint8_t *classes, int64_t nx, int64_t ny, int64_t nz, int connectivity,
                                     uint32_t *labels, uint32_t *n) SEI_MUST_CHECK;

/* Number of voxels of each component: counts[n + 1], counts[0] is the background. */
void sei_component_sizes(const uint32_t *labels, int64_t count, uint32_t n, int64_t *sizes);

/*
 * Squared Euclidean distance, in voxels^2, of each voxel with mask != 0 to the centre of the nearest voxel with mask == 0
 * (0 where the mask is 0). outside_is_background: the layer of voxels around the volume counts as background, else it
 * does not exist; a volume without background is INFINITY everywhere then. Exact: integers up to 2^24, then rounded to
 * float. Lower envelope of parabolas, one axis after the other (Felzenszwalb & Huttenlocher, Theory of Computing 8,
 * 2012). Cost: O(voxels). Errors: SEI_ERR_MEMORY.
 */
sei_status sei_distance2(const uint8_t *mask, int64_t nx, int64_t ny, int64_t nz, bool outside_is_background,
                         float *distance2) SEI_MUST_CHECK;

/*
 * Morphological closing of mask != 0 by the Euclidean ball of radius_px: what no ball of at least this radius, centred on
 * a voxel and empty of the mask, can hold. A ball ends 1/4 voxel short of the centre it touches, midway between a face
 * along the grid (1/2) and an oblique one (0), so that gaps are bridged at the height of the solid's faces. The volume's
 * faces are continued by their last voxels, so that a specimen cut by the field stays cut there. closed may not be mask.
 * radius_px < 1 copies the mask. Errors: SEI_ERR_MEMORY.
 */
sei_status sei_close(const uint8_t *mask, int64_t nx, int64_t ny, int64_t nz, double radius_px, uint8_t *closed) SEI_MUST_CHECK;

/*
 * Gaussian smoothing in place, kernel cut at 4 sigma, the volume mirrored about its faces (edge voxels repeated). Sums in
 * double. sigma_px 0 changes nothing. SEI_ERR_USAGE: sigma_px negative, not finite or above 1000; SEI_ERR_MEMORY.
 */
sei_status sei_smooth_gaussian(float *data, int64_t nx, int64_t ny, int64_t nz, double sigma_px) SEI_MUST_CHECK;

/*
 * The envelope of a wire along y: the closing of solid != 0 by radius_px, with the holes of each cross-section (x-z) and of
 * the whole filled (parts of the complement, 4- and 6-connected, that do not reach a face). envelope may not be solid.
 * Errors: SEI_ERR_MEMORY. Cost: O(voxels), 5 bytes per voxel beside the closing's.
 */
sei_status sei_wire_envelope(const uint8_t *solid, int64_t nx, int64_t ny, int64_t nz, double radius_px,
                             uint8_t *envelope) SEI_MUST_CHECK;
/*
 * The voids of a wire: empty voxels in the envelope. In: empty != 0 where there is nothing. Out: 1 in a closed void, 2 in
 * an open one (its 6-connected component of emptiness leaves the envelope), else 0. On an error `empty` is as it was.
 * Errors: SEI_ERR_INPUT (as sei_components), SEI_ERR_MEMORY.
 */
sei_status sei_wire_voids(uint8_t *empty, const uint8_t *envelope, int64_t nx, int64_t ny, int64_t nz) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
