/*
 * V = A' S, voxel by voxel, with the weights of project_kernel.c: the same expression in the same order. A tile of eight
 * by eight voxels meets some twenty bins of every tilt, which stay in the cache.
 */
#include "backend/cpu.h"
#include "backend/isa.h"

enum { TILE = 8, TILTS = 64, MAX_TAPS = 3, SLICES = 512 };

/* The weights of tap j in the tilts, 0 outside the detector. The loop is written so that it becomes vectors. */
static inline void tap_weights(const sei_slab *s, const sei_tilt_table *tilts, bool linear, int first_tilt, int n_tilts, int j,
                               const double *bin, const double *first, float *weights) {
    const double *c = tilts->c + first_tilt, *inverse_c2 = tilts->inverse_c2 + first_tilt, *a = tilts->a + first_tilt;
    const double *b = tilts->b + first_tilt, *height = tilts->height + first_tilt, *ramp = tilts->inverse_ramp + first_tilt;
    const double end = s->nu;
    for (int k = 0; k < n_tilts; ++k) {
        const double u = first[k] + j, d = bin[k] - u;
        const double value = linear ? sei_triangle(c[k], inverse_c2[k], d)
                                    : sei_trapezoid_integral(a[k], b[k], height[k], ramp[k], d + 0.5) -
                                          sei_trapezoid_integral(a[k], b[k], height[k], ramp[k], d - 0.5);
        const double low = u >= 0 ? value : 0;
        weights[k] = (float)(u < end ? low : 0);
    }
}

/* The bins of voxel (x, z) in up to TILTS tilts: weights and offsets, tilt by tilt. Returns how many there are. */
static int voxel_table(const sei_slab *s, const sei_tilt_table *tilts, int x, int z, int first_tilt, int n_tilts, float *w,
                       size_t *offset) {
    const int n_taps = s->kernel == SEI_KERNEL_LINEAR ? 2 : 3, nx = s->nx, nz = s->nz;
    const double *cos_tilt = s->cos_tilt + first_tilt, *sin_tilt = s->sin_tilt + first_tilt, *axis_u = s->axis_u + first_tilt;
    const double *radius = tilts->radius + first_tilt;
    float weights[MAX_TAPS][TILTS];
    double bin[TILTS], first[TILTS];
    int n = 0;
    for (int k = 0; k < n_tilts; ++k) {
        bin[k] = sei_voxel_bin(x, z, nx, nz, cos_tilt[k], sin_tilt[k], axis_u[k]);
        first[k] = (double)((int)(bin[k] - radius[k] + 8388608.0) - 8388607); /* floor + 1 without a call */
    }
    for (int j = 0; j < n_taps; ++j) {
        if (s->kernel == SEI_KERNEL_LINEAR) tap_weights(s, tilts, true, first_tilt, n_tilts, j, bin, first, weights[j]);
        if (s->kernel != SEI_KERNEL_LINEAR) tap_weights(s, tilts, false, first_tilt, n_tilts, j, bin, first, weights[j]);
    }
    for (int k = 0; k < n_tilts; ++k) {
        /* wraps for a bin outside, whose weight is 0, so that it is never used */
        const size_t start = ((size_t)(first_tilt + k) * (size_t)s->nu + (size_t)(int64_t)first[k]) * (size_t)s->ny;
        for (int j = 0; j < n_taps; ++j) {
            w[n] = weights[j][k];
            offset[n] = start + (size_t)j * (size_t)s->ny;
            n += weights[j][k] != 0;
        }
    }
    return n;
}

/* What the update makes of one voxel; the float expressions are the same for every instruction set. */
static inline float updated(const sei_update *r, float value, float back, float inverse) {
    if (r->kind == SEI_UPDATE_REPLACE) return back;
    if (r->kind == SEI_UPDATE_MULTIPLY) return inverse == 0 ? value : (float)((double)value * (double)back * (double)inverse);
    const float next = (float)((double)value + (double)r->relaxation * (double)inverse * (double)back);
    return r->positive && next < 0 ? 0 : next;
}

/* One voxel of one block, some slices at a time. */
static void collect(const sei_host_block *b, const sei_tilt_table *tilts, int x, int z, const float *sinogram,
                    const sei_update *r, float *volume) {
    const sei_slab *s = &b->slab;
    const size_t voxel = (size_t)z * (size_t)s->nx + (size_t)x, first = b->volume + voxel * (size_t)s->ny;
    const bool inside = s->support == NULL || s->support[voxel] != 0;
    float w[MAX_TAPS * TILTS + 1], line[SLICES];
    size_t offset[MAX_TAPS * TILTS + 1];
    if (!inside && r->kind != SEI_UPDATE_REPLACE) return;
    for (int y0 = 0; y0 < s->ny; y0 += SLICES) {
        const int ny = s->ny - y0 < SLICES ? s->ny - y0 : SLICES;
        for (int y = 0; y < ny; ++y) line[y] = 0;
        for (int t = 0; inside && t < s->n_tilts; t += TILTS) {
            const int n_tilts = s->n_tilts - t < TILTS ? s->n_tilts - t : TILTS;
            const int n = voxel_table(s, tilts, x, z, t, n_tilts, w, offset);
            sei_gather(n, w, offset, sinogram + b->sinogram + y0, ny, 0, line);
        }
        for (int y = 0; y < ny; ++y) {
            const size_t i = first + (size_t)(y0 + y);
            const float inverse = r->inverse == NULL ? 0 : r->inverse[r->per_slice ? i : voxel];
            volume[i] = updated(r, volume[i], line[y], inverse);
        }
    }
}

void SEI_KERNEL_NAME(sei_cpu_backproject)(int threads, const sei_slab *slab, const sei_tilt_table *tilts, const float *sinogram,
                                          const sei_update *update, float *volume) {
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_host_block b = sei_host_block_of(slab, k);
#pragma omp parallel for collapse(2) schedule(dynamic) num_threads(threads)
        for (int z0 = 0; z0 < slab->nz; z0 += TILE) {
            for (int x0 = 0; x0 < slab->nx; x0 += TILE) {
                for (int z = z0; z < z0 + TILE && z < slab->nz; ++z) {
                    for (int x = x0; x < x0 + TILE && x < slab->nx; ++x) collect(&b, tilts, x, z, sinogram, update, volume);
                }
            }
        }
    }
}
