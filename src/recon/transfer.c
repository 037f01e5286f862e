/* Slices in and out of the device: transposed piece by piece, so that no second copy of a volume or a series ever exists. */
#include <math.h>
#include <string.h>

#include "core/threads.h"
#include "recon/solver.h"

bool sei_solver_in_support(const sei_solver *s, int x, int z, int slice) {
    if (s->support == NULL) return true;
    if (!s->support_per_slice) return s->support[(size_t)z * (size_t)s->nx + (size_t)x] != 0;
    int64_t y = 0;
    sei_solver_source(s, slice, &y);
    return s->options->support[((int64_t)z * s->series->ny + y) * s->nx + x] != 0;
}

/* A trial's share of the counts, or what it is judged by. */
static void split(const sei_solver *s, const sei_part *part, const sei_piece *p, bool held_out, float *values) {
    const int64_t series_ny = s->series->ny, nx = s->nx;
#pragma omp parallel for collapse(2) num_threads(sei_threads())
    for (int k = 0; k < p->count; ++k) {
        for (int64_t x = 0; x < nx; ++x) {
            float *line = values + ((int64_t)k * nx + x) * p->block_ny;
            for (int i = 0; i < p->block_ny; ++i) {
                int64_t y = 0;
                sei_solver_source(s, p->block_first + i, &y);
                const int64_t index = (part->tilts[p->first + k] * series_ny + y) * nx + x;
                line[i] = sei_held_out_split(s->options->seed, (uint64_t)index, line[i], s->trial_share, held_out);
                /* SIRT compares them with its model of the trial's counts */
                if (held_out && !sei_method_is_em(s->options->method)) line[i] *= (float)(s->trial_share / (1 - s->trial_share));
            }
        }
    }
}

static sei_status load_counts(sei_solver *s, const sei_part *part, bool held_out, sei_buffer *buffer) {
    sei_status status = SEI_OK;
    const int64_t nx = s->nx, series_ny = s->series->ny;
    const bool em = sei_method_is_em(s->options->method);
    for (int i = 0; i < s->ny; ++i) {
        int64_t y = 0;
        const sei_source *source = sei_solver_source(s, i, &y);
        s->rows[i] = source->data + y * nx;
    }
    const sei_rows rows = {(const float *const *)s->rows, part->tilts, (size_t)(series_ny * nx)};
    for
        SEI_EACH_PIECE(p, &part->slab, part->slab.n_tilts) {
            float *values = s->staging;
            sei_piece_gather(&p, s->nx, &rows, values);
#pragma omp parallel for num_threads(sei_threads())
            for (size_t i = 0; i < p.floats; ++i) { /* NaN only where the weight is 0 */
                if (!isfinite(values[i]) || (em && values[i] < 0)) values[i] = 0;
            }
            if (s->trial) split(s, part, &p, held_out, values);
            SEI_TRY(SEI_OP(s->device, upload)(s->device, buffer, p.offset, p.floats, values));
        }
done:
    return status;
}

static sei_status load_weights(sei_solver *s, const sei_part *part) {
    sei_status status = SEI_OK;
    for (int i = 0; i < s->ny; ++i) {
        int64_t y = 0;
        sei_solver_source(s, i, &y);
        s->rows[i] = s->series->valid + y * s->nx;
    }
    const sei_mask_rows rows = {(const uint8_t *const *)s->rows, part->tilts, (size_t)(s->series->ny * s->nx)};
    for
        SEI_EACH_PIECE(p, &part->slab, part->slab.n_tilts) {
            sei_piece_gather_mask(&p, s->nx, &rows, s->staging);
            SEI_TRY(SEI_OP(s->device, upload)(s->device, part->weight, p.offset, p.floats, s->staging));
        }
done:
    return status;
}

static sei_status load_background(sei_solver *s, const sei_part *part) {
    sei_status status = SEI_OK;
    for
        SEI_EACH_PIECE(p, &part->slab, part->slab.n_tilts) {
            float *value = s->staging;
            for (int k = 0; k < p.count; ++k) {
                for (int x = 0; x < s->nx; ++x) {
                    for (int i = 0; i < p.block_ny; ++i) {
                        int64_t y = 0;
                        const sei_source *source = sei_solver_source(s, p.block_first + i, &y);
                        *value++ = source->background == NULL ? 0 : (float)source->background[part->tilts[p.first + k]];
                    }
                }
            }
            SEI_TRY(SEI_OP(s->device, upload)(s->device, part->background, p.offset, p.floats, s->staging));
        }
done:
    return status;
}

sei_status sei_solver_load(sei_solver *s) {
    sei_status status = SEI_OK;
    for (int k = 0; k < s->n_parts; ++k) {
        sei_part *part = &s->parts[k];
        SEI_TRY(load_counts(s, part, false, part->counts));
        if (part->held_out != NULL) SEI_TRY(load_counts(s, part, true, part->held_out));
        if (part->weight != NULL) SEI_TRY(load_weights(s, part));
        if (part->background != NULL) SEI_TRY(load_background(s, part));
    }
done:
    return status;
}

/* staging_2 = 1 where any part sees the voxel inside the support; staging is used. */
static sei_status look_inside(sei_solver *s, const sei_piece *p) {
    sei_status status = SEI_OK;
    const size_t plane = (size_t)s->nx, ny = (size_t)p->block_ny, voxels = (size_t)p->count * plane;
    memset(s->staging_2, 0, p->floats * sizeof(float));
    for (int part = 0; part < s->n_parts; ++part) {
        const sei_buffer *inverse = s->parts[part].inverse_column;
        const size_t offset = s->per_slice ? p->offset : (size_t)p->first * plane;
        SEI_TRY(SEI_OP(s->device, download)(s->device, inverse, offset, s->per_slice ? p->floats : voxels, s->staging));
#pragma omp parallel for num_threads(sei_threads())
        for (size_t i = 0; i < voxels; ++i) {
            for (size_t y = 0; y < ny; ++y) {
                if (s->staging[s->per_slice ? i * ny + y : i] > 0) s->staging_2[i * ny + y] = 1;
            }
        }
    }
done:
    return status;
}

/* staging = where the slices start from, with 1 or 0 in staging_2. */
static void fill_start(sei_solver *s, const sei_piece *p, const double *level, double floor) {
    const size_t ny = (size_t)p->block_ny;
#pragma omp parallel for collapse(2) num_threads(sei_threads())
    for (int k = 0; k < p->count; ++k) {
        for (size_t i = 0; i < ny; ++i) {
            const int slice = p->block_first + (int)i;
            int64_t y = 0;
            const sei_source *source = sei_solver_source(s, slice, &y);
            const sei_volume *start = level == NULL ? NULL : source->start;
            const float flat = level == NULL ? 1 : (float)level[slice];
            const float least = floor < 0 ? -INFINITY : (float)(floor * (double)flat),
                        most = floor < 0 || flat > 0 ? INFINITY : 0;
            const float share = s->trial ? (float)s->trial_share : 1; /* a trial has this part of the counts */
            const float *row = start == NULL ? NULL : start->data + ((p->first + k) * start->ny + y) * start->nx;
            for (size_t x = 0; x < (size_t)s->nx; ++x) {
                const size_t at = ((size_t)k * (size_t)s->nx + x) * ny + i;
                const float given = row == NULL ? flat : row[x] * share;
                const float value = row == NULL ? flat : given < least ? least : given > most ? most : given;
                s->staging[at] = s->staging_2[at] > 0 ? value : 0;
            }
        }
    }
}

sei_status sei_solver_start(sei_solver *s, const double *level, double floor) {
    sei_status status = SEI_OK;
    const sei_slab *slab = &s->parts[0].slab;
    for
        SEI_EACH_PIECE(p, slab, s->nz) {
            SEI_TRY(look_inside(s, &p));
            fill_start(s, &p, level, floor);
            SEI_TRY(SEI_OP(s->device, upload)(s->device, s->volume, p.offset, p.floats, s->staging));
        }
done:
    return status;
}

sei_status sei_solver_store(sei_solver *s) {
    sei_status status = SEI_OK;
    const sei_slab *slab = &s->parts[0].slab;
    float **targets = (float **)(uintptr_t)s->rows;
    for (int i = 0; i < s->ny; ++i) {
        int64_t y = 0;
        const sei_source *source = sei_solver_source(s, i, &y);
        targets[i] = source->volume + y * s->nx;
    }
    const sei_target_rows rows = {targets, (size_t)(s->series->ny * s->nx)};
    for
        SEI_EACH_PIECE(p, slab, s->nz) {
            SEI_TRY(SEI_OP(s->device, download)(s->device, s->volume, p.offset, p.floats, s->staging));
            sei_piece_scatter(&p, s->nx, s->staging, &rows);
        }
done:
    return status;
}
