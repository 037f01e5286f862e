/*
 * Where one output pixel of `resample` looks, along one direction. One expression for every backend, so that they agree
 * on which pixels are covered.
 *
 * A position within 1e-6 px of a pixel centre counts as that centre: a rotation by 90 degrees or a whole-pixel shift then
 * takes pixels as they are, and the image's border stays covered.
 */
#ifndef SEI_BACKEND_RESAMPLE_TAPS_H
#define SEI_BACKEND_RESAMPLE_TAPS_H

#include "backend/footprint.h"

typedef struct sei_taps {
    int first, count; /* taps first .. first+count-1, all of weight other than 0 except for rounding */
    double weight[4];
} sei_taps;

/* interpolation 1: linear; 3: Keys 1981, a = -1/2. A position further than 2^22 px away is treated as that far. */
static SEI_EVERYWHERE sei_taps sei_taps_at(double position, int interpolation) {
    sei_taps taps = {0, 1, {1, 0, 0, 0}};
    const double limit = 4194304.0;
    const double p = position > limit ? limit : position < -limit ? -limit : position;
    const double nearest = floor(p + 0.5);
    if (fabs(p - nearest) < 1e-6) {
        taps.first = (int)nearest;
        return taps;
    }
    const double base = floor(p), t = p - base;
    if (interpolation == 1) {
        taps.first = (int)base;
        taps.count = 2;
        taps.weight[0] = 1 - t;
        taps.weight[1] = t;
        return taps;
    }
    taps.first = (int)base - 1;
    taps.count = 4;
    taps.weight[0] = t * (-0.5 + t * (1 - 0.5 * t));
    taps.weight[1] = 1 + t * t * (-2.5 + 1.5 * t);
    taps.weight[2] = t * (0.5 + t * (2 - 1.5 * t));
    taps.weight[3] = t * t * (-0.5 + 0.5 * t);
    return taps;
}

#endif
