/* Shaded views of volumes. */
#ifndef SEI_REPORT_SHADE_H
#define SEI_REPORT_SHADE_H

#include "report/image.h"

/* The lowest part of a channel's range that composites leave black: the backgrounds of many channels would add up to a haze. */
#define SEI_COMPOSITE_FLOOR 0.125

/* A value as its share of the range above its lowest `floor_share`, 0 to 1; what is no number is 0. */
double sei_share(float value, const sei_range *range, double floor_share);

/*
 * The colour of several channels in one place, from their shares s: the mean of their colours weighted by s^2, and the strongest
 * share. A sum of the light would turn white wherever four elements meet, which is all of an SEI.
 */
typedef struct sei_mix {
    double light[3], weight, most;
} sei_mix;
static inline void sei_mix_add(sei_mix *mix, double share, const uint8_t rgb[3]) {
    for (int c = 0; c < 3; ++c) mix->light[c] += share * share * rgb[c];
    mix->weight += share * share;
    if (share > mix->most) mix->most = share;
}

/*
 * n volumes of one grid, in colours rgb, seen from view_deg about y; rows up to cut_fraction of the height are cut open
 * down to the axis. *out: [ny][*width][3], of the caller. Memory: 7 bytes per voxel.
 */
sei_status sei_shade(size_t n, const sei_volume *volumes, const sei_range *ranges, uint8_t (*rgb)[3], double view_deg,
                     double radius, double cut_fraction, int64_t *width, uint8_t **out) SEI_MUST_CHECK;

#endif
