/*
 * S = A V, ray by ray. A ray runs along lines of voxels: rows of z for tilts up to 45 degrees, columns of x beyond. On
 * every line it meets at most two voxels (linear) or four (strip). Lines are taken sixteen at a time for all rays of all
 * tilts, so that this part of the volume stays in the cache; the sum over parts runs in a fixed order.
 */
#include "backend/cpu.h"
#include "backend/isa.h"

enum { LINES = 16, MAX_TAPS = 4, RAYS = 64 };

/* The voxels of one ray on up to sixteen lines: weights and offsets, line by line. Returns how many there are. */
static int ray_table(const sei_slab *s, const sei_footprint *f, int t, int u, int first_line, int n_lines, float *w,
                     size_t *offset) {
    const double cos_t = s->cos_tilt[t], sin_t = s->sin_tilt[t], axis = s->axis_u[t];
    const bool along_z = fabs(cos_t) >= fabs(sin_t);
    const double slope = along_z ? cos_t : -sin_t; /* bins per step across the line */
    const double reach = sei_footprint_radius(f, s->kernel) / fabs(slope);
    const double reach_taps = ceil(2 * reach);
    const int n_taps = reach_taps < MAX_TAPS ? (int)reach_taps : MAX_TAPS;
    const int across = along_z ? s->nx : s->nz;
    const size_t ny = (size_t)s->ny, step = along_z ? ny : ny * (size_t)s->nx, line_step = along_z ? ny * (size_t)s->nx : ny;
    const double centre = 0.5 * (across - 1);
    double weights[MAX_TAPS][LINES];
    int first[LINES], n = 0;
    for (int k = 0; k < n_lines; ++k) {
        const double x0 = along_z ? centre : first_line + k, z0 = along_z ? first_line + k : centre;
        const double hit = centre + (u - sei_voxel_bin(x0, z0, s->nx, s->nz, cos_t, sin_t, axis)) / slope;
        first[k] = (int)(hit - reach + 8388608.0) - 8388607; /* floor + 1 without a call */
    }
    for (int j = 0; j < n_taps; ++j) {
        for (int k = 0; k < n_lines; ++k) {
            const int i = first[k] + j;
            const double x = along_z ? i : first_line + k, z = along_z ? first_line + k : i;
            const double d = sei_voxel_bin(x, z, s->nx, s->nz, cos_t, sin_t, axis) - u;
            const double value = sei_footprint_weight(f, s->kernel, d);
            weights[j][k] = i >= 0 && i < across ? value : 0;
        }
    }
    for (int k = 0; k < n_lines; ++k) {
        for (int j = 0; j < n_taps; ++j) {
            if (weights[j][k] == 0) continue;
            w[n] = (float)weights[j][k];
            offset[n++] = (size_t)(first_line + k) * line_step + (size_t)(first[k] + j) * step;
        }
    }
    return n;
}

/* Adds what a part of the volume gives to the rays u0 .. u1-1 of tilt t. */
static void add_rays(const sei_slab *s, const sei_tilt_table *tilts, int t, int u0, int u1, int first_line, int n_lines,
                     const float *volume, float *sinogram) {
    float w[MAX_TAPS * LINES];
    size_t offset[MAX_TAPS * LINES];
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
