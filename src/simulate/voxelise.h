/* Inside simulate: the voxel truth of a specimen. */
#ifndef SEI_SIMULATE_VOXELISE_H
#define SEI_SIMULATE_VOXELISE_H

#include "seitomo/specimen.h"

/*
 * Truth by fine^3 points a voxel, bodies and voxels alike. labels and volumes ([n_channels]) are made already, of one shape
 * and voxel size, centred like the specimen: the label most points have, and the mean over the points of
 * value[material*n_channels + channel] (per nm) times the voxel edge. label_voxels[256]: how many voxels each label fills,
 * counted in points. volumes and label_voxels may be NULL. SEI_ERR_MEMORY, SEI_ERR_INTERRUPTED, and the specimen's SEI_ERR_INPUT.
 */
sei_status sei_voxelise(const sei_specimen *specimen, int fine, size_t n_channels, const double *value, sei_labels *labels,
                        sei_volume *volumes, double *label_voxels) SEI_MUST_CHECK;

#endif
