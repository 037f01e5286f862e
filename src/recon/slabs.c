#include "recon/slabs.h"

#include <math.h>

#include "core/alloc.h"
#include "core/threads.h"

enum { BLOCK = 32 }; /* x at a time, so that both sides of a transposition stay in the cache */

sei_status sei_tilts_make(const sei_series *series, sei_tilts *out) {
    double *numbers = NULL;
    const sei_status status = SEI_NEW(numbers, series->n_tilts, 4, 1);
    if (status != SEI_OK) return status;
    const size_t n = (size_t)series->n_tilts;
    for (size_t t = 0; t < n; ++t) {
        const double tilt_rad = series->tilts[t].tilt_deg * 3.14159265358979323846 / 180;
        numbers[t] = cos(tilt_rad);
        numbers[n + t] = sin(tilt_rad);
        numbers[2 * n + t] = 0.5 * (double)(series->nx - 1) + series->axis_offset_px;
        numbers[3 * n + t] = series->tilts[t].tilt_deg;
    }
    *out = (sei_tilts){numbers, numbers + n, numbers + 2 * n, numbers + 3 * n};
    return SEI_OK;
}

void sei_tilts_free(sei_tilts *tilts) {
    sei_free(tilts->cos_tilt);
    *tilts = (sei_tilts){0};
}

void sei_slab_gather(int64_t n_k, int64_t ny, int64_t nx, int64_t y0, int64_t width, const float *planes, float *slab) {
#pragma omp parallel for collapse(2) num_threads(sei_threads())
    for (int64_t k = 0; k < n_k; ++k) {
        for (int64_t x0 = 0; x0 < nx; x0 += BLOCK) {
            for (int64_t y = 0; y < width; ++y) {
                const float *row = planes + (k * ny + y0 + y) * nx;
                for (int64_t x = x0; x < x0 + BLOCK && x < nx; ++x) slab[(k * nx + x) * width + y] = row[x];
            }
        }
    }
}

void sei_slab_scatter(int64_t n_k, int64_t ny, int64_t nx, int64_t y0, int64_t width, const float *slab, float *planes) {
#pragma omp parallel for collapse(2) num_threads(sei_threads())
    for (int64_t k = 0; k < n_k; ++k) {
        for (int64_t x0 = 0; x0 < nx; x0 += BLOCK) {
            for (int64_t y = 0; y < width; ++y) {
                float *row = planes + (k * ny + y0 + y) * nx;
                for (int64_t x = x0; x < x0 + BLOCK && x < nx; ++x) row[x] = slab[(k * nx + x) * width + y];
            }
        }
    }
}

void sei_slab_gather_mask(int64_t n_k, int64_t ny, int64_t nx, int64_t y0, int64_t width, const uint8_t *planes, float *slab) {
#pragma omp parallel for collapse(2) num_threads(sei_threads())
    for (int64_t k = 0; k < n_k; ++k) {
        for (int64_t x0 = 0; x0 < nx; x0 += BLOCK) {
            for (int64_t y = 0; y < width; ++y) {
                const uint8_t *row = planes + (k * ny + y0 + y) * nx;
                for (int64_t x = x0; x < x0 + BLOCK && x < nx; ++x) slab[(k * nx + x) * width + y] = row[x] != 0 ? 1 : 0;
            }
        }
    }
}

sei_status sei_slab_width(int64_t ny, size_t bytes_per_slice, size_t bytes, int wanted, int *width) {
    const int64_t room = (int64_t)(bytes / (bytes_per_slice > 0 ? bytes_per_slice : 1));
    if (wanted < 0) return sei_fail(SEI_ERR_USAGE, "a slab of %d slices", wanted);
    if (wanted > 0) {
        *width = wanted < ny ? wanted : (int)ny;
        return SEI_OK;
    }
    if (room < 1) {
        return sei_fail(SEI_ERR_MEMORY,
                        "one slice needs %.1f MiB and %.1f MiB may be used; give more with --memory, bin the series, or choose a "
                        "smaller depth",
                        (double)bytes_per_slice / 1048576.0, (double)bytes / 1048576.0);
    }
    int64_t best = room < 256 ? room : 256;
    if (best >= 64) best -= best % 64;
    *width = (int)(best < ny ? best : ny);
    return SEI_OK;
}
