/*
 * The plum pudding: cells of a jittered grid of seeds (Worley's cells with sizes that vary), bent by a smooth field, with
 * walls of SEI between them. Silicon is where the depth in a domain is above the quantile that gives the silicon its
 * share; which walls have a neck follows from a union-find over the pieces of silicon without necks, walls taken
 * in random order and left out where one would make the largest piece larger than asked for. The voxels with necks are then
 * measured and both targets corrected.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "seitomo/morphology.h"
#include "simulate/grow_mixture.h"

/* The threshold of depth that the given share of the solid lies above. */
static double threshold_for(const grow_mixture_work *m, double share) {
    const int64_t count = m->box->nx * m->box->ny * m->box->nz;
    /* depths lie well within three pitches: borders within one and a half, the rest takes less than one and a half */
    const double low = -3 * m->grid.pitch_nm;
    const double scale = BINS / (6 * m->grid.pitch_nm);
    int64_t bins[BINS] = {0};
    for (int64_t v = 0; v < count; ++v) {
        if (isnan(m->depth[v])) continue;
        const double bin = ((double)m->depth[v] - low) * scale;
        bins[bin < 0 ? 0 : bin < BINS - 1 ? (int)bin : BINS - 1] += 1;
    }
    double left = (1 - share) * (double)m->solid;
    for (int b = 0; b < BINS; ++b) {
        if (left < (double)bins[b]) return low + ((double)b + left / (double)bins[b]) / scale;
        left -= (double)bins[b];
    }
    return -low;
}

/* A wall that may have a neck, and the pieces of silicon that the neck would join. */
typedef struct candidate {
    double draw;
    uint32_t edge;
    uint32_t piece[JOINED];
} candidate;

static int by_draw(const void *a, const void *b) {
    const candidate *p = a, *q = b;
    if (p->draw != q->draw) return p->draw < q->draw ? -1 : 1;
    return p->edge < q->edge ? -1 : p->edge > q->edge;
}

/* The walls whose necks hold voxels, in the order of their draws. */
static sei_status list_walls(grow_mixture_work *m, uint64_t seed, candidate **list, int64_t *n) {
    const sei_random random = {.seed = seed, .stream = GROW_STREAM_NECKS};
    int64_t count = 0;
    for (int64_t e = 0; e < grow_cells_of(m) * OFFSETS; ++e) count += m->rank[e];
    const sei_status status = SEI_NEW(*list, count, 1, 1);
    if (status != SEI_OK) return status;
    for (int64_t e = 0; e < grow_cells_of(m) * OFFSETS; ++e) {
        if (!m->rank[e]) continue;
        (*list)[(*n)++] = (candidate){.draw = sei_random_uniform(&random, (uint64_t)e, 0), .edge = (uint32_t)e};
    }
    qsort(*list, (size_t)*n, sizeof **list, by_draw);
    for (int64_t i = 0; i < *n; ++i) m->rank[(*list)[i].edge] = (uint32_t)(i + 1);
    return SEI_OK;
}

/* Silicon in mask: outside the walls, and in the necks that are open. */
static void mark_silicon(grow_mixture_work *m, double threshold) {
    const int64_t count = m->box->nx * m->box->ny * m->box->nz;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t v = 0; v < count; ++v) {
        m->mask[v] = (double)m->depth[v] >= threshold || (m->in_neck[v] && m->open[m->edge[v]]);
    }
}

static void note_piece(candidate *c, uint32_t piece) {
    for (int i = 0; i < JOINED; ++i) {
        if (c->piece[i] == piece) return;
        if (c->piece[i] != 0) continue;
        c->piece[i] = piece;
        return;
    }
}

/* Tells every wall which pieces touch its neck. */
static void find_joined(const grow_mixture_work *m, double threshold, candidate *list, int64_t n) {
    const grow_box *box = m->box;
    for (int64_t i = 0; i < n; ++i) {
        for (int j = 0; j < JOINED; ++j) list[i].piece[j] = 0;
    }
    /* the box's rim is empty along x and z */
    for (int64_t v = 0; v < box->nx * box->ny * box->nz; ++v) {
        if (!m->in_neck[v] || (double)m->depth[v] >= threshold || m->rank[m->edge[v]] == 0) continue;
        candidate *c = &list[m->rank[m->edge[v]] - 1];
        const int64_t y = v / box->nx % box->ny;
        for (int64_t dz = -1; dz <= 1; ++dz) {
            for (int64_t dy = y > 0 ? -1 : 0; dy <= (y + 1 < box->ny ? 1 : 0); ++dy) {
                for (int64_t dx = -1; dx <= 1; ++dx) {
                    const uint32_t piece = m->components[v + (dz * box->ny + dy) * box->nx + dx];
                    if (piece != 0) note_piece(c, piece);
                }
            }
        }
    }
}

static uint32_t root_of(uint32_t *parent, uint32_t c) {
    while (parent[c] != c) c = parent[c] = parent[parent[c]];
    return c;
}

/* Opens a wall's neck unless that makes a piece of more than `most` voxels, or joins nothing; the size of what it makes. */
static int64_t try_neck(grow_mixture_work *m, const candidate *c, double most, uint32_t *parent, int64_t *size) {
    uint32_t root[JOINED];
    int different = 0;
    int64_t together = 0;
    for (int i = 0; i < JOINED && c->piece[i] != 0; ++i) {
        const uint32_t r = root_of(parent, c->piece[i]);
        int seen = 0;
        while (seen < different && root[seen] != r) ++seen;
        if (seen < different) continue;
        root[different++] = r;
        together += size[r];
    }
    if (different < 2 || (double)together > most) return 0;
    m->open[c->edge] = 1;
    for (int i = 1; i < different; ++i) parent[root[i]] = root[0];
    size[root[0]] = together;
    return together;
}

/* Opens necks until the largest of the joined pieces holds `share` of the silicon. */
static sei_status choose_necks(grow_mixture_work *m, candidate *list, int64_t n, double threshold, double share) {
    sei_status status = SEI_OK;
    uint32_t *parent = NULL, pieces = 0;
    int64_t *size = NULL, largest = 0, silicon = 0;
    const grow_box *box = m->box;
    for (int64_t e = 0; e < n; ++e) m->open[list[e].edge] = 0;
    mark_silicon(m, threshold);
    SEI_TRY(sei_components(m->mask, box->nx, box->ny, box->nz, 26, m->components, &pieces));
    SEI_TRY(SEI_NEW(parent, (int64_t)pieces + 1, 1, 1));
    SEI_TRY(SEI_NEW(size, (int64_t)pieces + 1, 1, 1));
    sei_component_sizes(m->components, box->nx * box->ny * box->nz, pieces, size);
    for (uint32_t c = 1; c <= pieces; ++c) {
        parent[c] = c;
        silicon += size[c];
        if (size[c] > largest) largest = size[c];
    }
    find_joined(m, threshold, list, n);
    const double most = share * (double)silicon;
    for (int64_t e = 0; e < n && (double)largest < most - 0.004 * (double)silicon; ++e) {
        const int64_t made = try_neck(m, &list[e], most, parent, size);
        if (made > largest) largest = made;
    }
done:
    sei_free(parent);
    sei_free(size);
    return status;
}

/* What a choice of walls and necks measures as. */
typedef struct outcome {
    double fraction, connectivity;
} outcome;

/* Marks silicon (mask 1), drops its smallest pieces, measures. */
static sei_status realise(grow_mixture_work *m, double threshold, outcome *found) {
    sei_status status = SEI_OK;
    const grow_box *box = m->box;
    const int64_t count = box->nx * box->ny * box->nz;
    int64_t *sizes = NULL, silicon = 0, largest = 0;
    uint32_t n = 0;
    mark_silicon(m, threshold);
    SEI_TRY(sei_components(m->mask, box->nx, box->ny, box->nz, 26, m->components, &n));
    SEI_TRY(SEI_NEW(sizes, (int64_t)n + 1, 1, 1));
    sei_component_sizes(m->components, count, n, sizes);
    for (uint32_t c = 1; c <= n; ++c) {
        if (sizes[c] < SMALLEST_PIECE) continue;
        silicon += sizes[c];
        if (sizes[c] > largest) largest = sizes[c];
    }
    for (int64_t v = 0; v < count; ++v) m->mask[v] = m->mask[v] && sizes[m->components[v]] >= SMALLEST_PIECE;
    found->fraction = m->solid > 0 ? (double)silicon / (double)m->solid : 0;
    found->connectivity = silicon > 0 ? (double)largest / (double)silicon : 0;
    SEI_TRY(sei_interrupt_check());
done:
    sei_free(sizes);
    return status;
}

static bool good(const sei_grow_mixture *asked, const outcome *found, double fraction_within, double connectivity_within) {
    const double off = asked->si_connectivity > 0 ? found->connectivity - asked->si_connectivity : 0;
    return fabs(found->fraction - asked->si_fraction) <= fraction_within && fabs(off) <= connectivity_within;
}

/* Turns the two screws until both measures are right. */
static sei_status adjust(grow_mixture_work *m, candidate *list, int64_t n, outcome *found) {
    sei_status status = SEI_OK;
    const sei_grow_mixture *asked = &m->d->mixture;
    double fraction = asked->si_fraction, connectivity = asked->si_connectivity;
    for (int round = 0; round < ROUNDS; ++round) {
        const double threshold = threshold_for(m, fraction);
        SEI_TRY(choose_necks(m, list, n, threshold, connectivity));
        SEI_TRY(realise(m, threshold, found));
        if (good(asked, found, 0.003, 0.01) || (round >= ROUNDS / 2 && good(asked, found, 0.01, 0.03))) goto done;
        fraction = fmin(0.999, fmax(0.001, fraction + asked->si_fraction - found->fraction));
        if (asked->si_connectivity > 0) {
            connectivity = fmin(1, fmax(0.001, connectivity + 0.8 * (asked->si_connectivity - found->connectivity)));
        }
    }
    if (good(asked, found, 0.01, 0.03)) goto done;
    status = sei_fail(
        SEI_ERR_INPUT,
        "specimen.mixture: silicon's share %.3f and connectivity %.3f were asked for, %.3f and %.3f were reached: change "
        "si_connectivity, domain_nm or neck_nm, or take finer voxels (a neck's radius is %.2g of them)",
        asked->si_fraction, asked->si_connectivity, found->fraction, found->connectivity, m->neck_nm / m->box->voxel_nm);
done:
    return status;
}

/* The part of the box that holds core, one voxel more around it: most of the box is shell and emptiness. */
static sei_status core_box(const grow_box *box, grow_box *core) {
    int64_t low[2] = {box->nx, box->nz}, high[2] = {0, 0};
    for (int64_t v = 0; v < box->nx * box->ny * box->nz; ++v) {
        if (box->code[v] != GROW_CORE) continue;
        const int64_t at[2] = {v % box->nx, v / box->nx / box->ny};
        for (int a = 0; a < 2; ++a) {
            if (at[a] < low[a]) low[a] = at[a];
            if (at[a] > high[a]) high[a] = at[a];
        }
    }
    *core = *box;
    core->code = NULL;
    if (high[0] < low[0]) low[0] = low[1] = 1, high[0] = high[1] = 1;
    core->nx = high[0] - low[0] + 3;
    core->nz = high[1] - low[1] + 3;
    core->first_x = box->first_x + low[0] - 1;
    core->first_z = box->first_z + low[1] - 1;
    return SEI_NEW(core->code, core->nx, core->ny, core->nz);
}

/* Row (j, k) of the inner box in the outer one. */
static uint8_t *row_in(const grow_box *box, const grow_box *core, int64_t j, int64_t k) {
    return box->code + ((k + core->first_z - box->first_z) * box->ny + j) * box->nx + core->first_x - box->first_x;
}

static sei_status mix(grow_mixture_work *m, uint64_t seed, outcome *found) {
    sei_status status = SEI_OK;
    candidate *list = NULL;
    int64_t n = 0;
    const grow_box *box = m->box;
    SEI_TRY(grow_divide(m, seed));
    SEI_TRY(SEI_NEW(m->mask, box->nx, box->ny, box->nz));
    SEI_TRY(SEI_NEW(m->components, box->nx, box->ny, box->nz));
    SEI_TRY(list_walls(m, seed, &list, &n));
    SEI_TRY(adjust(m, list, n, found));
done:
    sei_free(list);
    return status;
}

sei_status grow_mixture(const sei_grow *d, uint64_t seed, const grow_wire *wire, grow_box *box, sei_numbers *numbers) {
    sei_status status = SEI_OK;
    grow_box core = {0};
    const double neck_nm = d->mixture.neck_nm > 0 ? d->mixture.neck_nm : 0.2 * d->mixture.domain_nm;
    grow_mixture_work m = {.box = &core, .d = d, .wire = wire, .neck_nm = neck_nm};
    outcome found = {NAN, NAN};
    if (d->mixture.si_fraction > 0) {
        SEI_TRY(core_box(box, &core));
        for (int64_t row = 0; row < core.nz * core.ny; ++row) {
            memcpy(core.code + row * core.nx, row_in(box, &core, row % core.ny, row / core.ny), (size_t)core.nx);
        }
        SEI_TRY(mix(&m, seed, &found));
        for (int64_t row = 0; row < core.nz * core.ny; ++row) {
            uint8_t *code = row_in(box, &core, row % core.ny, row / core.ny);
            for (int64_t i = 0; i < core.nx; ++i) {
                if (code[i] == GROW_CORE && !m.mask[row * core.nx + i]) code[i] = GROW_CORE_SEI;
            }
        }
    }
    SEI_TRY(sei_numbers_set(numbers, "grown_si_fraction", found.fraction, "1", NAN));
done:
    grow_mixture_free(&m);
    sei_free(core.code);
    return status;
}
