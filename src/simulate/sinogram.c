#include "simulate/sinogram.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "simulate/weight.h"

enum { BLOCK = SEI_VOXEL_BLOCK };

/* The weight with y spread to the grid's rows: rows[(k*nx + i)*n_y + y]. */
typedef struct spread_weight {
    const sei_weight_grid *grid;
    int64_t n_y;
    float *rows;
} spread_weight;

static sei_status spread(const sei_weight_grid *w, const sei_voxel_grid *g, int64_t first_y, int64_t n_y, spread_weight *out) {
    const int64_t next = w->ny > 1 ? w->nx : 0;
    out->grid = w;
    out->n_y = n_y;
    const sei_status status = SEI_NEW(out->rows, w->nz, w->nx, n_y);
    if (status != SEI_OK) return status;
    for (int64_t y = 0; y < n_y; ++y) {
        const double y_nm = ((double)(first_y + y) + 0.5 + g->corner_y) * g->voxel_nm;
        double part;
        const int64_t j = sei_weight_cell(y_nm / w->spacing_nm + (double)(w->ny - 1) / 2, w->ny, &part);
        for (int64_t k = 0; k < w->nz; ++k) {
            for (int64_t i = 0; i < w->nx; ++i) {
                const float *at = w->data + (k * w->ny + j) * w->nx + i;
                out->rows[(k * w->nx + i) * n_y + y] = (float)((double)at[0] * (1 - part) + (double)at[next] * part);
            }
        }
    }
    return SEI_OK;
}

/* The four columns of the spread weight round a point of the xz plane, and their shares. */
typedef struct weight_columns {
    const float *rows[4];
    float share[4];
} weight_columns;

static weight_columns columns_of(const spread_weight *w, const sei_ray_cell *cell) {
    const sei_weight_grid *g = w->grid;
    const double to_grid = 1 / g->spacing_nm;
    double px, pz;
    const int64_t i = sei_weight_cell((double)cell->x_nm * to_grid + (double)(g->nx - 1) / 2, g->nx, &px);
    const int64_t k = sei_weight_cell((double)cell->z_nm * to_grid + (double)(g->nz - 1) / 2, g->nz, &pz);
    const float *at = w->rows + (k * g->nx + i) * w->n_y;
    const int64_t next_x = g->nx > 1 ? w->n_y : 0, next_z = g->nz > 1 ? g->nx * w->n_y : 0;
    const double length = (double)cell->length_nm;
    return (weight_columns){{at, at + next_x, at + next_z, at + next_x + next_z},
                            {(float)(length * (1 - px) * (1 - pz)), (float)(length * px * (1 - pz)),
                             (float)(length * (1 - px) * pz), (float)(length * px * pz)}};
}

/* The inner loops: 64 rows of one material, in single precision. */
static void add_where(float *restrict sum, const uint8_t *restrict cells, uint8_t material, float length) {
    for (int y = 0; y < BLOCK; ++y) sum[y] += cells[y] == material ? length : 0.0f;
}

static void add_values_where(float *restrict sum, const uint8_t *restrict cells, uint8_t material, const float *restrict values) {
    for (int y = 0; y < BLOCK; ++y) sum[y] += cells[y] == material ? values[y] : 0.0f;
}

static void add_values(float *restrict sum, const float *restrict values) {
    for (int y = 0; y < BLOCK; ++y) sum[y] += values[y];
}

static void weigh(const weight_columns *w, int64_t y0, float *restrict values) {
    const float *a = w->rows[0] + y0, *b = w->rows[1] + y0, *c = w->rows[2] + y0, *d = w->rows[3] + y0;
    for (int y = 0; y < BLOCK; ++y)
        values[y] = (w->share[0] * a[y] + w->share[1] * b[y]) + (w->share[2] * c[y] + w->share[3] * d[y]);
}

/* One worker's sums over a block of rows. */
typedef struct block_sums {
    float rows[SEI_MAX_MATERIALS][BLOCK];
    double all[SEI_MAX_MATERIALS]; /* the same for all rows of the block */
} block_sums;

static void sum_block(const sei_voxel_grid *g, int64_t block, const sei_ray_cell *cells, int64_t n, block_sums *sums) {
    for (int64_t c = 0; c < n; ++c) {
        const int64_t at = cells[c].column * g->n_blocks + block;
        uint32_t mask = g->masks[at];
        if (mask == 1) continue;
        if ((mask & (mask - 1)) == 0) { /* one material fills it */
            sums->all[__builtin_ctz(mask)] += (double)cells[c].length_nm;
            continue;
        }
        for (mask &= ~1U; mask != 0; mask &= mask - 1) {
            const int m = __builtin_ctz(mask);
            add_where(sums->rows[m], g->columns + at * BLOCK, (uint8_t)m, cells[c].length_nm);
        }
    }
}

static void sum_weighted_block(const sei_voxel_grid *g, int64_t block, const sei_ray_cell *cells, const weight_columns *weights,
                               int64_t n, int64_t y0, block_sums *sums) {
    float values[BLOCK];
    for (int64_t c = 0; c < n; ++c) {
        const int64_t at = cells[c].column * g->n_blocks + block;
        uint32_t mask = g->masks[at];
        if (mask == 1) continue;
        weigh(&weights[c], y0, values);
        if ((mask & (mask - 1)) == 0) {
            add_values(sums->rows[__builtin_ctz(mask)], values);
            continue;
        }
        for (mask &= ~1U; mask != 0; mask &= mask - 1) {
            const int m = __builtin_ctz(mask);
            add_values_where(sums->rows[m], g->columns + at * BLOCK, (uint8_t)m, values);
        }
    }
}

void sei_sinogram_shape(const sei_voxel_grid *grid, int64_t y0, int64_t y1, sei_sinogram *out, int64_t *ray_bytes) {
    const int64_t last = grid->n_blocks * BLOCK;
    memset(out, 0, sizeof *out);
    for (int m = 1; m < SEI_MAX_MATERIALS; ++m) {
        if ((grid->all >> m & 1) != 0) out->material[out->n_materials++] = m;
    }
    y0 = y0 < 0 ? 0 : y0 > last ? last : y0 / BLOCK * BLOCK;
    y1 = y1 < 0 ? 0 : y1 > grid->ny ? last : (y1 + BLOCK - 1) / BLOCK * BLOCK;
    out->first_y = y0;
    out->n_y = y1 > y0 ? y1 - y0 : 0;
    *ray_bytes = out->n_materials * out->n_y * (int64_t)sizeof *out->data;
}

/* What all workers share, and each worker's own cells. */
typedef struct tracing {
    const sei_voxel_grid *grid;
    const sei_camera *camera;
    const spread_weight *weight; /* NULL: 1 */
    int64_t most;                /* cells of a ray */
    sei_ray_cell *cells;
    weight_columns *weights;
} tracing;

static void trace_ray(const tracing *t, double u_nm, int worker, const sei_sinogram *s, int64_t ray) {
    const sei_voxel_grid *g = t->grid;
    sei_ray_cell *cells = t->cells + worker * t->most;
    weight_columns *weights = t->weight == NULL ? NULL : t->weights + worker * t->most;
    const int64_t n = sei_ray_cells(g, t->camera->cos_tilt, t->camera->sin_tilt, u_nm, cells);
    float *to = s->data + ray * s->n_materials * s->n_y;
    s->lit[ray] = n > 0;
    if (n == 0) return;
    const int64_t next_material = s->interleaved ? 1 : s->n_y, next_y = s->interleaved ? s->n_materials : 1;
    for (int64_t c = 0; weights != NULL && c < n; ++c) weights[c] = columns_of(t->weight, &cells[c]);
    for (int64_t y = 0; y < s->n_y; y += BLOCK) {
        block_sums sums;
        memset(&sums, 0, sizeof sums);
        const int64_t block = (s->first_y + y) / BLOCK;
        if (weights == NULL) sum_block(g, block, cells, n, &sums);
        if (weights != NULL) sum_weighted_block(g, block, cells, weights, n, y, &sums);
        for (int m = 0; m < s->n_materials; ++m) {
            const float *rows = sums.rows[s->material[m]];
            const float all = (float)sums.all[s->material[m]];
            for (int j = 0; j < BLOCK; ++j) to[m * next_material + (y + j) * next_y] = rows[j] + all;
        }
    }
}

sei_status sei_sinogram_trace(const sei_voxel_grid *grid, const sei_camera *camera, const sei_weight_grid *weight,
                              const double *u_nm, sei_sinogram *s) {
    const int n_threads = sei_threads();
    spread_weight wide = {0};
    tracing t = {.grid = grid, .camera = camera, .most = sei_ray_cells_most(grid)};
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(s->data, s->n_rays, s->n_materials, s->n_y));
    SEI_TRY(SEI_NEW(s->lit, s->n_rays, 1, 1));
    SEI_TRY(SEI_NEW(t.cells, n_threads, t.most, 1));
    if (weight != NULL) {
        SEI_TRY(spread(weight, grid, s->first_y, s->n_y, &wide));
        SEI_TRY(SEI_NEW(t.weights, n_threads, t.most, 1));
        t.weight = &wide;
    }
#pragma omp parallel for num_threads(n_threads) schedule(static, 1)
    for (int worker = 0; worker < n_threads; ++worker) {
        for (int64_t r = worker; r < s->n_rays; r += n_threads) trace_ray(&t, u_nm[r], worker, s, r);
    }
done:
    sei_free(wide.rows);
    sei_free(t.weights);
    sei_free(t.cells);
    return status;
}

void sei_sinogram_free(sei_sinogram *sinogram) {
    sei_free(sinogram->data);
    sei_free(sinogram->lit);
    sinogram->data = NULL;
    sinogram->lit = NULL;
}
