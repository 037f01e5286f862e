/* The mixture's cells: a jittered grid of seeds whose sizes vary, bent by a smooth field; every voxel finds its own. */
#include <math.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "seitomo/morphology.h"
#include "simulate/grow_mixture.h"

enum { MAX_CELLS = 1 << 18 };

/* How much a domain's depth falls with the distance to its seed. */
static const double rounding = 0.3;

void grow_mixture_free(grow_mixture_work *m) {
    sei_free(m->grid.seed);
    for (int i = 0; i < 3; ++i) sei_free(m->warp[i]);
    sei_free(m->depth);
    sei_free(m->edge);
    sei_free(m->in_neck);
    sei_free(m->rank);
    sei_free(m->open);
    sei_free(m->mask);
    sei_free(m->components);
}

/* Seeds of the cells about the box, anchored to the volume's centre. */
static sei_status make_seeds(grow_mixture_work *m, uint64_t seed) {
    const grow_box *box = m->box;
    const double pitch = m->d->mixture.domain_nm;
    const sei_random random = {.seed = seed, .stream = GROW_STREAM_SEEDS};
    const double low[3] = {grow_box_x(box, 0), grow_box_y(box, 0), grow_box_z(box, 0)};
    const int64_t size[3] = {box->nx, box->ny, box->nz};
    int64_t first[3];
    double cells = 1;
    for (int i = 0; i < 3; ++i) {
        /* two cells more: the warp moves a point by less than one, its neighbours are one away */
        first[i] = (int64_t)floor(low[i] / pitch) - 2;
        m->grid.n[i] = (int64_t)floor((low[i] + (double)(size[i] - 1) * box->voxel_nm) / pitch) + 3 - first[i];
        m->grid.first[i] = (double)first[i] * pitch;
        cells *= (double)m->grid.n[i];
    }
    m->grid.pitch_nm = pitch;
    if (cells > MAX_CELLS) {
        return sei_fail(SEI_ERR_INPUT,
                        "specimen.mixture.domain_nm: %g nm makes %.3g cells in the wire's box, at most %d: take larger domains",
                        pitch, cells, (int)MAX_CELLS);
    }
    const sei_status status = SEI_NEW(m->grid.seed, grow_cells_of(m), SEED_VALUES, 1);
    if (status != SEI_OK) return status;
    for (int64_t c = 0; c < grow_cells_of(m); ++c) {
        const int64_t at[3] = {c % m->grid.n[0], c / m->grid.n[0] % m->grid.n[1], c / m->grid.n[0] / m->grid.n[1]};
        uint64_t index = 0;
        for (int i = 0; i < 3; ++i) index = index << 21 | (uint64_t)((at[i] + first[i] + (1 << 20)) & 0x1fffff);
        for (int i = 0; i < 3; ++i) {
            const double jitter = 0.1 + 0.8 * sei_random_uniform(&random, index, (uint32_t)i);
            m->grid.seed[SEED_VALUES * c + i] = m->grid.first[i] + ((double)at[i] + jitter) * pitch;
        }
        m->grid.seed[SEED_VALUES * c + 3] = 0.8 + 0.4 * sei_random_uniform(&random, index, 3);
        m->grid.seed[SEED_VALUES * c + 4] = 0.7 + 0.6 * sei_random_uniform(&random, index, 4);
    }
    return SEI_OK;
}

/* Three smooth fields of standard deviation 1 over the box: lattice of a quarter of the domains' distance. */
static sei_status make_warp(grow_mixture_work *m, uint64_t seed) {
    sei_status status = SEI_OK;
    const grow_box *box = m->box;
    const int64_t size[3] = {box->nx, box->ny, box->nz};
    m->warp_step_nm = m->d->mixture.domain_nm / 4;
    for (int i = 0; i < 3; ++i) m->warp_n[i] = (int64_t)ceil((double)size[i] * box->voxel_nm / m->warp_step_nm) + 2;
    const int64_t n = m->warp_n[0] * m->warp_n[1] * m->warp_n[2];
    for (int i = 0; i < 3; ++i) {
        const sei_random random = {.seed = seed, .stream = GROW_STREAM_WARP + (uint32_t)i};
        double square = 0;
        SEI_TRY(SEI_NEW(m->warp[i], n, 1, 1));
        for (int64_t v = 0; v < n; ++v) m->warp[i][v] = (float)sei_random_normal(&random, (uint64_t)v, 0);
        SEI_TRY(sei_smooth_gaussian(m->warp[i], m->warp_n[0], m->warp_n[1], m->warp_n[2], 1.6));
        for (int64_t v = 0; v < n; ++v) square += (double)m->warp[i][v] * (double)m->warp[i][v];
        const double scale = 1 / sqrt(square / (double)n);
        for (int64_t v = 0; v < n; ++v) m->warp[i][v] = (float)((double)m->warp[i][v] * scale);
    }
done:
    return status;
}

static double warp_at(const grow_mixture_work *m, int axis, const double at[3]) {
    const float *w = m->warp[axis];
    int64_t i[3];
    double f[3];
    for (int a = 0; a < 3; ++a) {
        i[a] = (int64_t)at[a];
        f[a] = at[a] - (double)i[a];
    }
    double sum = 0;
    for (int corner = 0; corner < 8; ++corner) {
        const int dx = corner & 1, dy = corner >> 1 & 1, dz = corner >> 2;
        const double weight = (dx ? f[0] : 1 - f[0]) * (dy ? f[1] : 1 - f[1]) * (dz ? f[2] : 1 - f[2]);
        sum += weight * (double)w[((i[2] + dz) * m->warp_n[1] + i[1] + dy) * m->warp_n[0] + i[0] + dx];
    }
    return sum;
}

/* The two cells nearest to p by distance over size. */
static void nearest_cells(const grow_cell_grid *g, const double p[3], int64_t cell[2], double scaled[2]) {
    int64_t at[3];
    for (int i = 0; i < 3; ++i) at[i] = (int64_t)floor((p[i] - g->first[i]) / g->pitch_nm);
    scaled[0] = scaled[1] = INFINITY;
    cell[0] = cell[1] = 0;
    for (int64_t z = at[2] > 0 ? at[2] - 1 : 0; z <= at[2] + 1 && z < g->n[2]; ++z) {
        for (int64_t y = at[1] > 0 ? at[1] - 1 : 0; y <= at[1] + 1 && y < g->n[1]; ++y) {
            for (int64_t x = at[0] > 0 ? at[0] - 1 : 0; x <= at[0] + 1 && x < g->n[0]; ++x) {
                const int64_t c = (z * g->n[1] + y) * g->n[0] + x;
                const double *s = g->seed + SEED_VALUES * c;
                const double dx = p[0] - s[0], dy = p[1] - s[1], dz = p[2] - s[2];
                const double d2 = (dx * dx + dy * dy + dz * dz) / (s[3] * s[3]);
                if (d2 < scaled[0]) {
                    scaled[1] = scaled[0];
                    cell[1] = cell[0];
                    scaled[0] = d2;
                    cell[0] = c;
                } else if (d2 < scaled[1]) {
                    scaled[1] = d2;
                    cell[1] = c;
                }
            }
        }
    }
    scaled[0] = sqrt(scaled[0]);
    scaled[1] = sqrt(scaled[1]);
}

/* The wall between two cells as one number, the same from both sides. */
static uint32_t edge_of(const grow_cell_grid *g, int64_t a, int64_t b) {
    const int64_t low = a < b ? a : b, high = a < b ? b : a;
    const int64_t dx = high % g->n[0] - low % g->n[0];
    const int64_t dy = high / g->n[0] % g->n[1] - low / g->n[0] % g->n[1];
    const int64_t dz = high / g->n[0] / g->n[1] - low / g->n[0] / g->n[1];
    return (uint32_t)(low * OFFSETS + ((dz + 2) * 5 + dy + 2) * 5 + dx + 2);
}

/* Squared distance of p to the line through the seeds of two cells. */
static double off_axis2(const grow_cell_grid *g, const double p[3], const int64_t cell[2]) {
    const double *a = g->seed + SEED_VALUES * cell[0], *b = g->seed + SEED_VALUES * cell[1];
    double ab2 = 0, ap_ab = 0, ap2 = 0;
    for (int i = 0; i < 3; ++i) {
        ab2 += (b[i] - a[i]) * (b[i] - a[i]);
        ap_ab += (p[i] - a[i]) * (b[i] - a[i]);
        ap2 += (p[i] - a[i]) * (p[i] - a[i]);
    }
    return ap2 - ap_ab * ap_ab / ab2;
}

/* Below the core's surface, nm. */
static double below_surface(const grow_mixture_work *m, int64_t i, int64_t j, int64_t k) {
    const double u = grow_box_x(m->box, i) - m->wire->centre_x[j];
    const double v = grow_box_z(m->box, k) - m->wire->centre_z[j];
    return grow_radius(m->wire, m->wire->core, j, grow_turn(u, v)) - sqrt(u * u + v * v);
}

/* The voxel's cell, its wall, and how deep in its domain it lies: the distance to the cell's border, in a cell drawn to
 * have thick walls less, far from the seed less (which rounds the corners), near the wire's surface less. */
static void divide_voxel(grow_mixture_work *m, int64_t i, int64_t j, int64_t k) {
    const grow_box *box = m->box;
    const sei_grow_mixture *asked = &m->d->mixture;
    const int64_t v = (k * box->ny + j) * box->nx + i;
    const double lattice = box->voxel_nm / m->warp_step_nm;
    const double at[3] = {(double)i * lattice, (double)j * lattice, (double)k * lattice};
    const double pitch = m->grid.pitch_nm;
    double p[3] = {grow_box_x(box, i), grow_box_y(box, j), grow_box_z(box, k)};
    double scaled[2];
    int64_t cell[2];
    /* a quarter of the distance is typical, and never more than one cell */
    const double bend = 0.25 * asked->irregularity * pitch;
    for (int a = 0; bend > 0 && a < 3; ++a) p[a] += bend * fmin(3, fmax(-3, warp_at(m, a, at)));
    nearest_cells(&m->grid, p, cell, scaled);
    const double *seed = m->grid.seed + SEED_VALUES * cell[0];
    const double border = (scaled[1] - scaled[0]) / (1 / seed[3] + 1 / m->grid.seed[SEED_VALUES * cell[1] + 3]);
    double depth = border * seed[4] - rounding * scaled[0] * seed[3];
    if (asked->gradient > 0) depth -= asked->gradient * pitch * sei_fixed_exp(-below_surface(m, i, j, k) / pitch);
    /* a wall is two voxels thick at least, so that pieces do not touch across it */
    if (border < 1.2 * box->voxel_nm) depth = -3 * pitch;
    m->depth[v] = (float)depth;
    m->edge[v] = edge_of(&m->grid, cell[0], cell[1]);
    if (off_axis2(&m->grid, p, cell) > m->neck_nm * m->neck_nm) return;
    m->in_neck[v] = border < box->voxel_nm ? IN_NECK | AT_BORDER : IN_NECK;
}

static sei_status divide(grow_mixture_work *m) {
    const grow_box *box = m->box;
    int64_t solid = 0;
#pragma omp parallel for num_threads(sei_threads()) schedule(dynamic, 1) reduction(+ : solid)
    for (int64_t k = 0; k < box->nz; ++k) {
        for (int64_t v = k * box->ny * box->nx; v < (k + 1) * box->ny * box->nx; ++v) {
            m->depth[v] = NAN;
            if (box->code[v] != GROW_CORE) continue;
            divide_voxel(m, v % box->nx, v / box->nx % box->ny, k);
            ++solid;
        }
    }
    m->solid = solid;
    for (int64_t v = 0; v < box->nx * box->ny * box->nz; ++v) {
        if (m->in_neck[v] & AT_BORDER) m->rank[m->edge[v]] = 1;
    }
    return sei_interrupt_check();
}

sei_status grow_divide(grow_mixture_work *m, uint64_t seed) {
    sei_status status = SEI_OK;
    const grow_box *box = m->box;
    SEI_TRY(make_seeds(m, seed));
    SEI_TRY(make_warp(m, seed));
    SEI_TRY(SEI_NEW(m->depth, box->nx, box->ny, box->nz));
    SEI_TRY(SEI_NEW(m->edge, box->nx, box->ny, box->nz));
    SEI_TRY(SEI_NEW(m->in_neck, box->nx, box->ny, box->nz));
    SEI_TRY(SEI_NEW(m->rank, grow_cells_of(m), OFFSETS, 1));
    SEI_TRY(SEI_NEW(m->open, grow_cells_of(m), OFFSETS, 1));
    SEI_TRY(divide(m));
done:
    return status;
}
