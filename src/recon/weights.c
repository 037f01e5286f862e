/*
 * The sums of columns and rows of A. They depend on y only where pixels without data or the support do: else they are maps,
 * made from a single slice and shared by all slices of all slabs.
 */
#include "core/threads.h"
#include "recon/solver.h"

/* A voxel seen by less than this part of one tilt, or a ray through less than this much of a voxel, carries no weight. */
static const float least_sum = 1e-3F;

/* Of the slab at work, or of a single slice of it. */
typedef struct of_slices {
    sei_slab slab;
    bool map;
} of_slices;

/* model = the weights of the slab's first slice. */
static sei_status first_weights(sei_solver *s, const sei_part *part, const sei_slab *one) {
    sei_status status = SEI_OK;
    int64_t y = 0;
    sei_solver_source(s, 0, &y);
    const uint8_t *const slice = s->series->valid + y * s->nx;
    const sei_mask_rows rows = {&slice, part->tilts, (size_t)(s->series->ny * s->nx)};
    for
        SEI_EACH_PIECE(p, one, one->n_tilts) {
            sei_piece_gather_mask(&p, s->nx, &rows, s->staging);
            SEI_TRY(SEI_OP(s->device, upload)(s->device, s->model, p.offset, p.floats, s->staging));
        }
done:
    return status;
}

/* sums[s] += values of slice s that carry weight, voxel by voxel. */
static void add_up(const sei_piece *p, size_t voxels, const float *values, double *sums) {
    const int together = 16; /* slices in a line of the cache */
#pragma omp parallel for num_threads(sei_threads())
    for (int i0 = 0; i0 < p->block_ny; i0 += together) {
        for (size_t voxel = 0; voxel < voxels; ++voxel) {
            const float *line = values + voxel * (size_t)p->block_ny;
            for (int i = i0; i < i0 + together && i < p->block_ny; ++i)
                sums[p->block_first + i] += line[i] > least_sum ? (double)line[i] : 0;
        }
    }
}

/* staging holds A'w of a piece: it becomes the inverse, staging_2 1 where that is not 0. */
static void invert_columns(sei_solver *s, const sei_piece *p, double *ones) {
    const size_t nx = (size_t)s->nx, ny = (size_t)p->block_ny, voxels = (size_t)p->count * nx;
    float *values = s->staging;
    if (s->support_per_slice) {
#pragma omp parallel for num_threads(sei_threads())
        for (size_t voxel = 0; voxel < voxels; ++voxel) {
            const int x = (int)(voxel % nx), z = p->first + (int)(voxel / nx);
            for (size_t i = 0; i < ny; ++i)
                if (!sei_solver_in_support(s, x, z, p->block_first + (int)i)) values[voxel * ny + i] = 0;
        }
    }
    add_up(p, voxels, values, ones);
#pragma omp parallel for num_threads(sei_threads())
    for (size_t i = 0; i < p->floats; ++i) {
        values[i] = values[i] > least_sum ? 1 / values[i] : 0;
        s->staging_2[i] = values[i] > 0 ? 1 : 0;
    }
}

static sei_status columns(sei_solver *s, const sei_part *part, const of_slices *of, bool rows, double *ones) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    const sei_buffer *sinogram = part->weight != NULL && !of->map ? part->weight : s->model;
    sei_buffer *inverse = of->map ? part->column_map : part->column_slices;
    if (part->weight == NULL) SEI_TRY(SEI_OP(d, fill)(d, s->model, 1));
    if (part->weight != NULL && of->map) SEI_TRY(first_weights(s, part, &of->slab));
    SEI_TRY(SEI_OP(d, backproject)(d, &of->slab, sinogram, s->volume));
    for
        SEI_EACH_PIECE(p, &of->slab, s->nz) {
            SEI_TRY(SEI_OP(d, download)(d, s->volume, p.offset, p.floats, s->staging));
            invert_columns(s, &p, ones);
            SEI_TRY(SEI_OP(d, upload)(d, inverse, p.offset, p.floats, s->staging));
            if (rows) SEI_TRY(SEI_OP(d, upload)(d, s->volume, p.offset, p.floats, s->staging_2));
        }
done:
    return status;
}

/* The volume holds 1 where the columns' inverse is not 0. */
static sei_status row_sums(sei_solver *s, const sei_part *part, const of_slices *of) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    sei_buffer *inverse = of->map ? part->row_map : part->row_slices;
    SEI_TRY(SEI_OP(d, project)(d, &of->slab, s->volume, inverse));
    for
        SEI_EACH_PIECE(p, &of->slab, of->slab.n_tilts) {
            float *values = s->staging;
            SEI_TRY(SEI_OP(d, download)(d, inverse, p.offset, p.floats, values));
#pragma omp parallel for num_threads(sei_threads())
            for (size_t i = 0; i < p.floats; ++i) values[i] = values[i] > least_sum ? 1 / values[i] : 0;
            SEI_TRY(SEI_OP(d, upload)(d, inverse, p.offset, p.floats, values));
        }
done:
    return status;
}

/* Which mask the slices of the slab share; -1: they differ. */
static int shared_mask(const sei_solver *s) {
    int64_t y = 0;
    if (s->mask_id == NULL) return 0;
    sei_solver_source(s, 0, &y);
    const int id = s->mask_id[y];
    for (int i = 1; i < s->ny; ++i) {
        sei_solver_source(s, i, &y);
        if (s->mask_id[y] != id) return -1;
    }
    return id;
}

sei_status sei_solver_weights(sei_solver *s, bool rows) {
    sei_status status = SEI_OK;
    const int mask = shared_mask(s);
    s->per_slice = s->support_per_slice || mask < 0;
    for (int k = 0; k < s->n_parts; ++k) {
        sei_part *part = &s->parts[k];
        part->inverse_column = s->per_slice ? part->column_slices : part->column_map;
        part->inverse_row = s->per_slice ? part->row_slices : part->row_map;
    }
    if (!s->per_slice && s->maps_of == mask) return SEI_OK;
    double *ones = s->per_slice ? s->ones : &s->ones_of_maps;
    for (int i = 0; i < (s->per_slice ? s->ny : 1); ++i) ones[i] = 0;
    for (int k = 0; k < s->n_parts; ++k) {
        of_slices of = {s->parts[k].slab, !s->per_slice};
        if (of.map) {
            of.slab.ny = 1;
            of.slab.block = 0;
        }
        SEI_TRY(columns(s, &s->parts[k], &of, rows, ones));
        if (rows) SEI_TRY(row_sums(s, &s->parts[k], &of));
    }
    if (!s->per_slice) s->maps_of = mask;
done:
    return status;
}

sei_status sei_solver_see(sei_solver *s) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    SEI_TRY(SEI_OP(d, fill)(d, s->volume, 1));
    for (int k = 0; k < s->n_parts; ++k) {
        const sei_part *part = &s->parts[k];
        sei_slab one = part->slab;
        one.ny = 1;
        one.block = 0;
        SEI_TRY(SEI_OP(d, project)(d, &one, s->volume, s->model));
        for
            SEI_EACH_PIECE(p, &one, one.n_tilts) {
                SEI_TRY(SEI_OP(d, download)(d, s->model, p.offset, p.floats, s->staging));
                for (size_t i = 0; i < p.floats; ++i) {
                    const size_t tilt = (size_t)part->tilts[(size_t)p.first + i / (size_t)s->nx];
                    s->seen[tilt * (size_t)s->nx + i % (size_t)s->nx] = s->staging[i] > 0;
                }
            }
    }
done:
    return status;
}
