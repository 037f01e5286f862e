/*
 * S = A V, ray by ray. A ray runs along lines of voxels: rows of z for tilts up to 45 degrees, columns of x beyond. On
 * every line it meets at most two voxels (linear) or four (strip). Sixteen lines and a window across them are taken for
 * all tilts, so that this part of the volume stays in the cache; a bin's sum runs over the lines in a fixed order.
 */
#include "backend/cpu.h"
#include "backend/isa.h"

enum { LINES = 16, MAX_TAPS = 4, WINDOW = 32 };

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
    const double reach = sei_footprint_radius(f, (int)s->kernel) / fabs(slope), reach_taps = ceil(2 * reach);
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
            n += weights[j][k] != 0 && (s->support == NULL || s->support[offset[n] / ny] != 0);
        }
    }
    return n;
}

/* Adds what sixteen lines of the volume give to the rays u0 .. u1-1 of tilt t. */
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

/*
 * The first ray that crosses the middle of the lines at or beyond voxel `x`: rays from one window's edge to the next belong
 * to that window, and every ray to one window.
 */
static int first_ray(const sei_slab *s, int t, bool along_z, int first_line, double x) {
    const double middle = first_line + 0.5 * (LINES - 1);
    const double bin =
        sei_voxel_bin(along_z ? x : middle, along_z ? middle : x, s->nx, s->nz, s->cos_tilt[t], s->sin_tilt[t], s->axis_u[t]);
    return bin < 0 ? 0 : bin > s->nu ? s->nu : (int)ceil(bin);
}

/* Rays u0 .. u1-1 of tilts t0 .. t1-1 from everything: lines, then windows across them, so that tilts find both in the cache. */
static void add_volume(const sei_slab *s, const sei_tilt_table *tilts, bool along_z, int t0, int t1, int u0, int u1,
                       const float *volume, float *sinogram) {
    const int n_lines_all = along_z ? s->nz : s->nx, across = along_z ? s->nx : s->nz;
    for (int line = 0; line < n_lines_all; line += LINES) {
        const int n_lines = n_lines_all - line < LINES ? n_lines_all - line : LINES;
        for (int edge = 0; edge < across; edge += WINDOW) {
            /* a ray that crosses beyond the ends may still meet them on an outer line */
            const double left = edge == 0 ? -LINES : edge - 0.5,
                         right = edge + WINDOW < across ? edge + WINDOW - 0.5 : across + LINES;
            for (int t = t0; t < t1; ++t) {
                if ((fabs(s->cos_tilt[t]) >= fabs(s->sin_tilt[t])) != along_z) continue;
                const int a = first_ray(s, t, along_z, line, left), b = first_ray(s, t, along_z, line, right);
                const int low = a < b ? a : b, high = a < b ? b : a;
                add_rays(s, tilts, t, low > u0 ? low : u0, high < u1 ? high : u1, line, n_lines, volume, sinogram);
            }
        }
    }
}

static void project_block(int threads, const sei_slab *s, const sei_tilt_table *tilts, const float *volume, float *sinogram) {
    /* a bin's sum runs over the lines in order whoever computes it, so this cut may follow the number of threads */
    const int n_groups = threads < 4 ? threads : 4, n_ranges = (4 * threads + n_groups - 1) / n_groups;
    const size_t n = sei_slab_sinogram_count(s);
    for (size_t i = 0; i < n; ++i) sinogram[i] = 0;
#pragma omp parallel for schedule(dynamic) num_threads(threads)
    for (int item = 0; item < n_groups * n_ranges; ++item) {
        const int64_t group = item / n_ranges, range = item % n_ranges;
        const int t0 = (int)(s->n_tilts * group / n_groups), t1 = (int)(s->n_tilts * (group + 1) / n_groups);
        const int u0 = (int)(s->nu * range / n_ranges), u1 = (int)(s->nu * (range + 1) / n_ranges);
        add_volume(s, tilts, true, t0, t1, u0, u1, volume, sinogram);
        add_volume(s, tilts, false, t0, t1, u0, u1, volume, sinogram);
    }
}

void SEI_KERNEL_NAME(sei_cpu_project)(int threads, const sei_slab *slab, const sei_tilt_table *tilts, const float *volume,
                                      float *sinogram) {
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_host_block b = sei_host_block_of(slab, k);
        project_block(threads, &b.slab, tilts, volume + b.volume, sinogram + b.sinogram);
    }
}
