/* Inside simulate: ideal projections and the voxel truth of a specimen made of bodies. */
#ifndef SEI_SIMULATE_PROJECTION_H
#define SEI_SIMULATE_PROJECTION_H

#include "seitomo/simulate.h"

/*
 * One image: signal[c][ny][nx] (channel-major), the mean over subsamples^2 rays of every pixel, of the specimen moved by
 * (dx_px, dy_px) on the detector. A ray's signal is the sum over bodies of the chord that no later body covers, in nm,
 * times the body's density.
 */
sei_status sei_project_bodies(const sei_simulation *simulation, double tilt_deg, double dx_px, double dy_px,
                              float *signal) SEI_MUST_CHECK;

/*
 * Truth by fine^3 points a voxel: the label most points have, the mean density times scale[c] and the voxel edge, and
 * label_voxels[256], how many voxels each label fills. NULL outputs are skipped.
 */
sei_status sei_voxelise(const sei_simulation *simulation, const double *scale, int fine, sei_labels *labels, sei_volume *volumes,
                        double *label_voxels) SEI_MUST_CHECK;

#endif
