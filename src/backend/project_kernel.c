/*
 * S = A V, ray by ray. A ray runs along lines of voxels: rows of z for tilts up to 45 degrees, columns of x beyond. On
 * every line it meets at most two voxels (linear) or four (strip). Lines are taken sixteen at a time for all rays of all
 * tilts, so that this part of the volume stays in the cache; the sum over parts runs in a fixed order.
 */
#include "backend/cpu.h"
#include "backend/isa.h"

enum { LINES = 16, MAX_TAPS = 4, RAYS = 64 };

/* Where tap 0 of a ray lies on each of sixteen lines: the first voxel within reach, as a whole number. */
static inline void first_voxels(const sei_slab *s, int t, int u, bool along_z, int first_line, double reach, double slope,
                                double *first) {
    const int across = along_z ? s->nx : s->nz;
    const double centre = 0.5 * (across - 1), cos_t = s->cos_tilt[t], sin_t = s->sin_tilt[t], axis = s->axis_u[t];
    for (int k = 0; k < LINES; ++k) {
        const double line = first_line + k, x0 = along_z ? centre : line, z0 = along_z ? line : centre;
        const double hit = centre + (u - sei_voxel_bin(x0, z0, s->nx, s->nz, cos_t, sin_t, axis)) / slope;
        first[k] = (double)((int)(hit - reach + 8388608.0) - 8388607); /* floor + 1 without a call */
    }
}

/* The weights of tap j on sixteen lines, 0 outside the volume. The loop is written so that it becomes vectors. */
static inline void tap_weights(const sei_slab *s, const sei_footprint *f, int t, int u, bool along_z, bool linear, int first_line,
                               int j, const double *first, float *weights) {
    const double cos_t = s->cos_tilt[t], sin_t = s->sin_tilt[t], axis = s->axis_u[t], end = along_z ? s->nx : s->nz;
    const double c = f->c, inverse_c2 = f->inverse_c2, a = f->a, b = f->b, height = f->height, inverse_ramp = f->inverse_ramp;
    const int nx = s->nx, nz = s->nz;
    for (int k = 0; k < LINES; ++k) {
        const double line = first_line + k, i = first[k] + j, x = along_z ? i : line, z = along_z ? line : i;
        const double d = sei_voxel_bin(x, z, nx, nz, cos_t, sin_t, axis) - u;
        const double value = linear ? sei_triangle(c, inverse_c2, d)
                                    : sei_trapezoid_integral(a, b, height, inverse_ramp, d + 0.5) -
                                          sei_trapezoid_integral(a, b, height, inverse_ramp, d - 0.5);
        const double low = i >= 0 ? value : 0;
        weights[k] = (float)(i < end ? low : 0);
    }
}

/* The voxels of one ray on up to sixteen lines: weights and offsets, line by line. Returns how many there are. */
static int ray_table(const sei_slab *s, const sei_footprint *f, int t, int u, int first_line, int n_lines, float *w,
                     size_t *offset) {
    const bool along_z = fabs(s->cos_tilt[t]) >= fabs(s->sin_tilt[t]);
    const double slope = along_z ? s->cos_tilt[t] : -s->sin_tilt[t]; /* bins per step across the line */
    const double reach = sei_footprint_radius(f, s->kernel) / fabs(slope), reach_taps = ceil(2 * reach);
    const int n_taps = reach_taps < MAX_TAPS ? (int)reach_taps : MAX_TAPS;
    const size_t ny = (size_t)s->ny, step = along_z ? ny : ny * (size_t)s->nx, line_step = along_z ? ny * (size_t)s->nx : ny;
    float weights[MAX_TAPS][LINES];
    double first[LINES];
    int n = 0;
    if (along_z) first_voxels(s, t, u, true, first_line, reach, slope, first);
    if (!along_z) first_voxels(s, t, u, false, first_line, reach, slope, first);
    for (int j = 0; j < n_taps; ++j) {
        if (along_z && s->kernel == SEI_KERNEL_LINEAR) tap_weights(s, f, t, u, true, true, first_line, j, first, weights[j]);
        if (along_z && s->kernel != SEI_KERNEL_LINEAR) tap_weights(s, f, t, u, true, false, first_line, j, first, weights[j]);
        if (!along_z && s->kernel == SEI_KERNEL_LINEAR) tap_weights(s, f, t, u, false, true, first_line, j, first, weights[j]);
        if (!along_z && s->kernel != SEI_KERNEL_LINEAR) tap_weights(s, f, t, u, false, false, first_line, j, first, weights[j]);
    }
    for (int k = 0; k < n_lines; ++k) {
        /* wraps for a voxel outside, whose weight is 0, so that it is never used */
        const size_t start = (size_t)(first_line + k) * line_step + (size_t)(int64_t)first[k] * step;
        for (int j = 0; j < n_taps; ++j) {
            w[n] = weights[j][k];
            offset[n] = start + (size_t)j * step;
            n += weights[j][k] != 0;
        }
    }
    return n;
}

/* Adds what a part of the volume gives to the rays u0 .. u1-1 of tilt t. */
static void add_rays(const sei_slab *s, const sei_tilt_table *tilts, int t, int u0, int u1, int first_line, int n_lines,
                     const float *volume, float *sinogram) {
    float w[MAX_TAPS * LINES + 1];
    size_t offset[MAX_TAPS * LINES + 1];
    for (int u = u0; u < u1; ++u) {
        const int n = ray_table(s, &tilts->footprint[t], t, u, first_line, n_lines, w, offset);
        float *line = sinogram + ((size_t)t * (size_t)s->nu + (size_t)u) * (size_t)s->ny;
        if (n > 0) sei_gather(n, w, offset, volume, s->ny, 1, line);
    }
}

void SEI_KERNEL_NAME(sei_cpu_project)(int threads, const sei_slab *s, const sei_tilt_table *tilts, const float *volume,
                                      float *sinogram) {
    const int n_ranges = (s->nu + RAYS - 1) / RAYS, n_items = s->n_tilts * n_ranges;
    const size_t n = sei_slab_sinogram_count(s);
    for (size_t i = 0; i < n; ++i) sinogram[i] = 0;
#pragma omp parallel num_threads(threads)
    for (int along = 0; along < 2; ++along) { /* lines along z, then along x */
        const int n_lines_all = along == 0 ? s->nz : s->nx;
        for (int line = 0; line < n_lines_all; line += LINES) {
            const int n_lines = n_lines_all - line < LINES ? n_lines_all - line : LINES;
            /* no barrier: with this schedule an item always belongs to the same thread; t turns the ranges, which differ in work
             */
#pragma omp for schedule(static, 1) nowait
            for (int item = 0; item < n_items; ++item) {
                const int t = item / n_ranges, u0 = (item + t) % n_ranges * RAYS, u1 = u0 + RAYS < s->nu ? u0 + RAYS : s->nu;
                if ((fabs(s->cos_tilt[t]) >= fabs(s->sin_tilt[t])) != (along == 0)) continue;
                add_rays(s, tilts, t, u0, u1, line, n_lines, volume, sinogram);
            }
        }
    }
}
