/* Shaded views of volumes. */
#ifndef SEI_REPORT_SHADE_H
#define SEI_REPORT_SHADE_H

#include "report/image.h"

/* The lowest part of a channel's range that composites leave black: the backgrounds of many channels would add up to a haze. */
#define SEI_COMPOSITE_FLOOR 0.125

/* A value as its share of the range above its lowest `floor_share`, 0 to 1; what is no number is 0. */
double sei_share(float value, const sei_range *range, double floor_share);

/*
 * n volumes of one grid, in colours rgb, seen from view_deg about y; rows up to cut_fraction of the height are cut open
 * down to the axis. *out: [ny][*width][3], of the caller. Memory: 7 bytes per voxel.
 */
sei_status sei_shade(size_t n, const sei_volume *volumes, const sei_range *ranges, uint8_t (*rgb)[3], double view_deg,
                     double radius, double cut_fraction, int64_t *width, uint8_t **out) SEI_MUST_CHECK;

#endif
