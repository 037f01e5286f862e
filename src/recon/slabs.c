#include "recon/slabs.h"

#include <math.h>

#include "core/alloc.h"
#include "core/threads.h"

enum { TILE = 32 /* x at a time, so that both sides of a transposition stay in the cache */, STAGING = 1 << 20 };

sei_status sei_tilts_make(const sei_series *series, int n_tilts, const int *numbers, sei_tilts *out) {
    double *values = NULL;
    const sei_status status = SEI_NEW(values, n_tilts, 4, 1);
    if (status != SEI_OK) return status;
    const size_t n = (size_t)n_tilts;
    for (size_t t = 0; t < n; ++t) {
        const double tilt_deg = series->tilts[numbers == NULL ? t : (size_t)numbers[t]].tilt_deg;
        const double tilt_rad = tilt_deg * 3.14159265358979323846 / 180;
        values[t] = cos(tilt_rad);
        values[n + t] = sin(tilt_rad);
        values[2 * n + t] = 0.5 * (double)(series->nx - 1) + series->axis_offset_px;
        values[3 * n + t] = tilt_deg;
    }
    *out = (sei_tilts){values, values + n, values + 2 * n, values + 3 * n};
    return SEI_OK;
}

void sei_tilts_free(sei_tilts *tilts) {
    sei_free(tilts->cos_tilt);
    *tilts = (sei_tilts){0};
}

static sei_piece piece_at(const sei_slab *slab, int n_planes, int n_x, size_t room, int block, int first) {
    sei_piece p = {0};
    if (first >= n_planes) {
        ++block;
        first = 0;
    }
    if (block >= sei_slab_blocks(slab)) return p;
    p.block_ny = sei_slab_block(slab, block, &p.block_first).ny;
    const size_t plane = (size_t)n_x * (size_t)p.block_ny, fit = room / plane > 0 ? room / plane : 1;
    p.first = first;
    p.count = (size_t)(n_planes - first) < fit ? n_planes - first : (int)fit;
    p.offset = (size_t)n_planes * (size_t)n_x * (size_t)p.block_first + (size_t)first * plane;
    p.floats = (size_t)p.count * plane;
    return p;
}

sei_piece sei_piece_first(const sei_slab *slab, int n_planes, int n_x, size_t room) {
    return piece_at(slab, n_planes, n_x, room, 0, 0);
}

sei_piece sei_piece_next(const sei_slab *slab, int n_planes, int n_x, size_t room, sei_piece piece) {
    const int block = sei_slab_blocks(slab) > 1 ? piece.block_first / slab->block : 0;
    return piece_at(slab, n_planes, n_x, room, block, piece.first + piece.count);
}

size_t sei_staging_floats(int ny, int n_x, int n_planes) {
    const size_t plane = (size_t)n_x * (size_t)ny, all = plane * (size_t)n_planes;
    const size_t some = plane > STAGING ? plane : STAGING;
    return all < some ? all : some;
}

void sei_piece_gather(const sei_piece *p, int n_x, const sei_rows *rows, float *out) {
    const size_t ny = (size_t)p->block_ny;
#pragma omp parallel for collapse(2) num_threads(sei_threads())
    for (int k = 0; k < p->count; ++k) {
        for (int x0 = 0; x0 < n_x; x0 += TILE) {
            const size_t plane = (size_t)(rows->planes == NULL ? p->first + k : rows->planes[p->first + k]) * rows->plane;
            float *tile = out + (size_t)k * (size_t)n_x * ny;
            for (size_t s = 0; s < ny; ++s) {
                const float *row = rows->slice[(size_t)p->block_first + s] + plane;
                for (int x = x0; x < x0 + TILE && x < n_x; ++x) tile[(size_t)x * ny + s] = row[x];
            }
        }
    }
}

void sei_piece_scatter(const sei_piece *p, int n_x, const float *in, const sei_target_rows *rows) {
    const size_t ny = (size_t)p->block_ny;
#pragma omp parallel for collapse(2) num_threads(sei_threads())
    for (int k = 0; k < p->count; ++k) {
        for (int x0 = 0; x0 < n_x; x0 += TILE) {
            const float *tile = in + (size_t)k * (size_t)n_x * ny;
            for (size_t s = 0; s < ny; ++s) {
                float *row = rows->slice[(size_t)p->block_first + s] + (size_t)(p->first + k) * rows->plane;
                for (int x = x0; x < x0 + TILE && x < n_x; ++x) row[x] = tile[(size_t)x * ny + s];
            }
        }
    }
}

void sei_piece_gather_mask(const sei_piece *p, int n_x, const sei_mask_rows *rows, float *out) {
    const size_t ny = (size_t)p->block_ny;
#pragma omp parallel for collapse(2) num_threads(sei_threads())
    for (int k = 0; k < p->count; ++k) {
        for (int x0 = 0; x0 < n_x; x0 += TILE) {
            const size_t plane = (size_t)(rows->planes == NULL ? p->first + k : rows->planes[p->first + k]) * rows->plane;
            float *tile = out + (size_t)k * (size_t)n_x * ny;
            for (size_t s = 0; s < ny; ++s) {
                const uint8_t *row = rows->slice[(size_t)p->block_first + s] + plane;
                for (int x = x0; x < x0 + TILE && x < n_x; ++x) tile[(size_t)x * ny + s] = row[x] != 0 ? 1 : 0;
            }
        }
    }
}
