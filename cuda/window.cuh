/*
 * The window that a walk along z moves over the bins, in exact integers.
 *
 * Going up a column of voxels (x fixed), the first bin under the voxel moves by at most one bin a step, because |sin| <= 1:
 * a kernel can hold the 2 (linear) or 3 (strip) bins of the present voxel in registers and fetch one when the window
 * advances. Rounded arithmetic spoils that (a rounding at a bin's edge looks like a step of two bins), so positions are
 * integers of 2^-41 bin: a voxel's position is the same number however a kernel comes to it, and a window advances by 0
 * or 1. Tilts whose bins run down along z are mirrored (sign = -1: bin = -P), so every walk goes forward.
 *
 * The weights are those of backend/footprint.h, written as functions of the part of a bin that lies between the
 * footprint's left foot and the next edge. Differences are taken in integers of 2^-30 bin; one conversion and one
 * product (linear) or a tail's area (strip) follow in float: within 2^-22 of footprint.h's (tests/test_window.cpp). Why not in
 * double: position and two weights are some 20 operations in double a voxel and tilt, three strip weights some 50; half a warp
 * does them for a column of 16 voxels, whose 128 slices are 16 x 2 x 4 = 128 fused multiply-adds of a warp. Where a card has
 * half as many units for double as for float (sm_80, sm_90) that would be a sixth to a third more; where it has a 64th (sm_86,
 * sm_89, sm_120), several times the whole rest.
 */
#ifndef SEI_CUDA_WINDOW_CUH
#define SEI_CUDA_WINDOW_CUH

#include "backend/footprint.h"
#include "platform.cuh"
#include "seitomo/backend.h"

enum { POSITION_BITS = 41, FRACTION_BITS = 30, FRACTION_ONE = 1 << FRACTION_BITS };

/* The bins under one voxel. */
template <int KERNEL>
struct voxel_taps {
    static constexpr int count = KERNEL == SEI_KERNEL_LINEAR ? 2 : 3;
};

/* One tilt. Position of voxel (x, z): start + x*per_x + z*per_z = sign*bin - radius, per_z >= 0, at most one bin. */
struct sei_cuda_walk {
    int64_t start, per_x, per_z;
    int sign;
    int short_by;     /* how much the footprint's width is short of the taps' bins, in 2^-30 bin */
    float scale;      /* linear: 1/c^2 in units of the fraction */
    float ramp, flat; /* strip: the trapezoid's ramp and top, in bins */
    float height, inverse_ramp;
};

/* A voxel's first bin (mirrored where sign < 0), and how far its footprint reaches over the edge before it, in 2^-30 bin. */
struct sei_cuda_place {
    int first, fraction;
};

static inline int64_t sei_cuda_position(double bins) {
    return (int64_t)llrint(ldexp(bins, POSITION_BITS));
}

/* For sides up to 2^20 and axes up to 2^20 bins nothing here overflows: a position stays below 2^21 bins. */
static inline void sei_cuda_walk_of(int kernel, int nx, int nz, double cos_tilt, double sin_tilt, double axis_u,
                                    sei_cuda_walk *out) {
    const sei_footprint f = sei_footprint_of(cos_tilt, sin_tilt);
    const double width = 2 * sei_footprint_radius(&f, kernel);
    sei_cuda_walk &w = *out;
    w.sign = sin_tilt < 0 ? 1 : -1; /* bins run up along z when the sine is negative */
    const int64_t one = (int64_t)1 << POSITION_BITS;
    w.per_x = sei_cuda_position(w.sign * (cos_tilt > 1 ? 1 : cos_tilt < -1 ? -1 : cos_tilt));
    w.per_z = sei_cuda_position(fabs(sin_tilt));
    if (w.per_z > one) w.per_z = one; /* a sine rounded to just above 1 */
    w.start = sei_cuda_position(w.sign * axis_u) - sei_cuda_position(width / 2) - (nx - 1) * w.per_x / 2 - (nz - 1) * w.per_z / 2;
    w.short_by = (int)lrint(ldexp((kernel == SEI_KERNEL_LINEAR ? 2 : 3) - width, FRACTION_BITS));
    w.scale = (float)ldexp(f.inverse_c2, -FRACTION_BITS);
    w.ramp = f.inverse_ramp > 0 ? (float)(f.b - f.a) : 0.0F;
    w.flat = (float)(f.inverse_ramp > 0 ? 2 * f.a : 2 * f.b);
    w.height = (float)f.height;
    w.inverse_ramp = (float)f.inverse_ramp;
}

static SEI_EVERYWHERE int64_t sei_cuda_at(const sei_cuda_walk &w, int x, int z) {
    return w.start + x * w.per_x + z * w.per_z;
}
static SEI_EVERYWHERE int sei_cuda_first_bin(int64_t position) {
    return (int)(position >> POSITION_BITS) + 1;
}
static SEI_EVERYWHERE sei_cuda_place sei_cuda_place_of(int64_t position) {
    const sei_cuda_place place = {sei_cuda_first_bin(position),
                                  (int)(position >> (POSITION_BITS - FRACTION_BITS)) & (FRACTION_ONE - 1)};
    return place;
}

/* The area of the trapezoid's part within `length` bins of its foot. */
static SEI_EVERYWHERE float sei_cuda_tail(const sei_cuda_walk &w, float length) {
    const float rise = length < w.ramp ? length : w.ramp;
    const float beyond = length - w.ramp > 0 ? length - w.ramp : 0.0F;
    const float top = beyond < w.flat ? beyond : w.flat, fall = beyond - top;
    return w.height * (rise * rise * w.inverse_ramp + top + (fall - fall * fall * w.inverse_ramp));
}

/* The weights of the bins first, first + 1, ... */
static SEI_EVERYWHERE void sei_cuda_weigh(const sei_cuda_walk &w, int fraction, float (&weight)[2]) {
    const int up = FRACTION_ONE - fraction, down = FRACTION_ONE - w.short_by + fraction; /* both flanks of the triangle */
    const int next = fraction - w.short_by;
    weight[0] = (float)(up < down ? up : down) * w.scale;
    weight[1] = (float)(next > 0 ? next : 0) * w.scale;
}
static SEI_EVERYWHERE void sei_cuda_weigh(const sei_cuda_walk &w, int fraction, float (&weight)[3]) {
    const float unit = 1.0F / FRACTION_ONE;
    const int next = fraction - w.short_by;
    weight[0] = sei_cuda_tail(w, (float)(FRACTION_ONE - fraction) * unit);
    weight[2] = sei_cuda_tail(w, (float)(next > 0 ? next : 0) * unit);
    weight[1] = 1.0F - weight[0] - weight[2]; /* the footprint's area is 1, and this bin holds its middle */
}

#endif
