/*
 * The projector's weights: how much of a voxel falls into a detector bin. One expression for every backend (C, CUDA and
 * the emulation), so that forward and back projection use identical weights and are exact transposes.
 *
 * d is the distance, in bins, of the voxel's projected centre from the bin's centre.
 */
#ifndef SEI_BACKEND_FOOTPRINT_H
#define SEI_BACKEND_FOOTPRINT_H

#include <math.h>

#include "core/everywhere.h"

/* Constants of one tilt, computed once on the host by sei_footprint_of. */
typedef struct sei_footprint {
    double c, inverse_c2; /* linear: half-width max(|cos|,|sin|) */
    double a, b;          /* strip: the trapezoid's flat half-width and foot half-width */
    double height, inverse_ramp;
} sei_footprint;

static SEI_EVERYWHERE sei_footprint sei_footprint_of(double cos_tilt, double sin_tilt) {
    sei_footprint f;
    const double c = fabs(cos_tilt), s = fabs(sin_tilt);
    const double larger = c > s ? c : s;
    f.c = larger;
    f.inverse_c2 = 1.0 / (larger * larger);
    f.a = fabs(c - s) / 2;
    f.b = (c + s) / 2;
    f.height = 1.0 / larger;
    f.inverse_ramp = f.b - f.a > 1e-6 ? 1.0 / (2 * (f.b - f.a)) : 0.0; /* 0 and 90 deg: a rectangle */
    return f;
}

/* Half-width of the footprint on the bins: the weight is 0 where |d| >= radius. */
static SEI_EVERYWHERE double sei_footprint_radius(const sei_footprint *f, int kernel) {
    return kernel == 0 ? f->c : f->b + 0.5;
}

/* Where the centre of voxel (x, z) lands, in bins. Every projector evaluates this one expression. */
static SEI_EVERYWHERE double sei_voxel_bin(double x, double z, int nx, int nz, double cos_tilt, double sin_tilt, double axis_u) {
    return (x - 0.5 * (nx - 1)) * cos_tilt - (z - 0.5 * (nz - 1)) * sin_tilt + axis_u;
}

/* Joseph's weight as a triangle: max(0, c-|d|)/c^2. */
static SEI_EVERYWHERE double sei_triangle(double c, double inverse_c2, double d) {
    const double w = c - fabs(d);
    return (w > 0 ? w : 0) * inverse_c2;
}
static SEI_EVERYWHERE double sei_footprint_linear(const sei_footprint *f, double d) {
    return sei_triangle(f->c, f->inverse_c2, d);
}

/* Integral of the trapezoid from 0 to t. */
static SEI_EVERYWHERE double sei_trapezoid_integral(double a, double b, double height, double inverse_ramp, double t) {
    const double at = fabs(t) < b ? fabs(t) : b;
    const double over = at - a > 0 ? at - a : 0;
    const double value = height * (at - over * over * inverse_ramp);
    return t < 0 ? -value : value;
}
static SEI_EVERYWHERE double sei_footprint_integral(const sei_footprint *f, double t) {
    return sei_trapezoid_integral(f->a, f->b, f->height, f->inverse_ramp, t);
}

/* Overlap of the projected square with the bin [d-1/2, d+1/2]. */
static SEI_EVERYWHERE double sei_footprint_strip(const sei_footprint *f, double d) {
    return sei_footprint_integral(f, d + 0.5) - sei_footprint_integral(f, d - 0.5);
}

static SEI_EVERYWHERE double sei_footprint_weight(const sei_footprint *f, int kernel, double d) {
    return kernel == 0 ? sei_footprint_linear(f, d) : sei_footprint_strip(f, d);
}

#endif
