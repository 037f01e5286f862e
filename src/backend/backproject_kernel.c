/*
 * V = A' S, voxel by voxel, with the weights of project_kernel.c: the same expression in the same order. A tile of eight
 * by eight voxels meets some twenty bins of every tilt, which stay in the cache.
 */
#include "backend/cpu.h"
#include "backend/isa.h"

enum { TILE = 8, TILTS = 64, MAX_TAPS = 3 };

/* The bins of voxel (x, z) in up to TILTS tilts: weights and offsets, tilt by tilt. Returns how many there are. */
static int voxel_table(const sei_slab *s, const sei_tilt_table *tilts, int x, int z, int first_tilt, int n_tilts, float *w,
                       size_t *offset) {
    const int n_taps = s->kernel == SEI_KERNEL_LINEAR ? 2 : 3;
    double weights[MAX_TAPS][TILTS], bin[TILTS];
    int first[TILTS], n = 0;
    for (int k = 0; k < n_tilts; ++k) {
        const int t = first_tilt + k;
        bin[k] = sei_voxel_bin(x, z, s->nx, s->nz, s->cos_tilt[t], s->sin_tilt[t], s->axis_u[t]);
        first[k] = (int)(bin[k] - tilts->radius[t] + 8388608.0) - 8388607; /* floor + 1 without a call */
    }
    for (int j = 0; j < n_taps; ++j) {
        for (int k = 0; k < n_tilts; ++k) {
            const int t = first_tilt + k, u = first[k] + j;
            const sei_footprint f = {tilts->c[t], tilts->inverse_c2[t], tilts->a[t],
                                     tilts->b[t], tilts->height[t],     tilts->inverse_ramp[t]};
            const double value = sei_footprint_weight(&f, s->kernel, bin[k] - u);
            weights[j][k] = u >= 0 && u < s->nu ? value : 0;
        }
    }
    for (int k = 0; k < n_tilts; ++k) {
        for (int j = 0; j < n_taps; ++j) {
            if (weights[j][k] == 0) continue;
            w[n] = (float)weights[j][k];
            offset[n++] = ((size_t)(first_tilt + k) * (size_t)s->nu + (size_t)(first[k] + j)) * (size_t)s->ny;
        }
    }
    return n;
}

static void collect(const sei_slab *s, const sei_tilt_table *tilts, int x, int z, const float *sinogram, float *line) {
    float w[MAX_TAPS * TILTS];
    size_t offset[MAX_TAPS * TILTS];
    for (int y = 0; y < s->ny; ++y) line[y] = 0;
    for (int t = 0; t < s->n_tilts; t += TILTS) {
        const int n_tilts = s->n_tilts - t < TILTS ? s->n_tilts - t : TILTS;
        const int n = voxel_table(s, tilts, x, z, t, n_tilts, w, offset);
        sei_gather(n, w, offset, sinogram, s->ny, 0, line);
    }
}

void SEI_KERNEL_NAME(sei_cpu_backproject)(int threads, const sei_slab *s, const sei_tilt_table *tilts, const float *sinogram,
                                          float *volume) {
#pragma omp parallel for collapse(2) schedule(dynamic) num_threads(threads)
    for (int z0 = 0; z0 < s->nz; z0 += TILE) {
        for (int x0 = 0; x0 < s->nx; x0 += TILE) {
            for (int z = z0; z < z0 + TILE && z < s->nz; ++z) {
                for (int x = x0; x < x0 + TILE && x < s->nx; ++x) {
                    collect(s, tilts, x, z, sinogram, volume + ((size_t)z * (size_t)s->nx + (size_t)x) * (size_t)s->ny);
                }
            }
        }
    }
}
