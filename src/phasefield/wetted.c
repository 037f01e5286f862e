/* The wetted set: voids that electrolyte reaches from the surface at the end of a delithiation. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "phasefield/model.h"
#include "seitomo/morphology.h"

/* A step of the flood fill. */
typedef struct offset {
    int64_t i, j, k;
} offset;

static int64_t index_of(const sei_phasefield_state *s, int64_t i, int64_t j, int64_t k) {
    return (k * s->ny + j) * s->nx + i;
}

/*
 * Squared distance in cells to the nearest wetted cell, INFINITY where there is none. The axis is periodic: the field is
 * continued along y by the distance that matters, on both sides.
 */
static sei_status distance_to_wetted(const sei_phasefield_state *s, double reach_cells, float *distance2) {
    const int64_t pad = s->ny > 1 ? (int64_t)ceil(reach_cells) + 1 : 0, ny = s->ny + 2 * pad;
    uint8_t *dry = NULL;
    float *longer = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(dry, s->nx, ny, s->nz));
    SEI_TRY(SEI_NEW(longer, s->nx, ny, s->nz));
    for (int64_t k = 0; k < s->nz; ++k)
        for (int64_t j = 0; j < ny; ++j)
            for (int64_t i = 0; i < s->nx; ++i) {
                const int64_t from = ((j - pad) % s->ny + s->ny) % s->ny;
                dry[(k * ny + j) * s->nx + i] = s->wetted[index_of(s, i, from, k)] == 0;
            }
    SEI_TRY(sei_distance2(dry, s->nx, ny, s->nz, false, longer));
    for (int64_t k = 0; k < s->nz; ++k)
        for (int64_t j = 0; j < s->ny; ++j)
            memcpy(distance2 + index_of(s, 0, j, k), longer + (k * ny + j + pad) * s->nx, (size_t)s->nx * sizeof *longer);
done:
    sei_free(dry);
    sei_free(longer);
    return status;
}

/* All steps no longer than `reach` cells, in a fixed order. */
static sei_status make_offsets(double reach, bool three_d, offset **out, int64_t *count) {
    const int64_t radius = (int64_t)floor(reach), along = three_d ? radius : 0;
    offset *list = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(list, 2 * radius + 1, 2 * along + 1, 2 * radius + 1));
    int64_t n = 0;
    for (int64_t k = -radius; k <= radius; ++k)
        for (int64_t j = -along; j <= along; ++j)
            for (int64_t i = -radius; i <= radius; ++i) {
                const int64_t d2 = i * i + j * j + k * k;
                if (d2 > 0 && (double)d2 <= reach * reach + 1e-9) list[n++] = (offset){i, j, k};
            }
    *out = list;
    *count = n;
done:
    return status;
}

/* Spreads from the cells of `reached` (exterior and wetted) over cells of `may`, in steps of at most `reach` cells. */
static sei_status flood(const sei_phasefield_state *s, double reach, const uint8_t *may, uint8_t *reached) {
    const int64_t cells = s->nx * s->ny * s->nz;
    offset *steps = NULL;
    int64_t *queue = NULL, n_steps = 0, head = 0, tail = 0;
    sei_status status = SEI_OK;
    SEI_TRY(make_offsets(reach, s->ny > 1, &steps, &n_steps));
    SEI_TRY(SEI_NEW(queue, cells, 1, 1));
    for (int64_t n = 0; n < cells; ++n)
        if (reached[n]) queue[tail++] = n;
    while (head < tail) {
        const int64_t at = queue[head++];
        const int64_t i = at % s->nx, j = at / s->nx % s->ny, k = at / s->nx / s->ny;
        for (int64_t n = 0; n < n_steps; ++n) {
            const int64_t x = i + steps[n].i, z = k + steps[n].k;
            if (x < 0 || x >= s->nx || z < 0 || z >= s->nz) continue;
            const int64_t y = ((j + steps[n].j) % s->ny + s->ny) % s->ny, to = index_of(s, x, y, z);
            if (reached[to] || !may[to]) continue;
            reached[to] = 1;
            queue[tail++] = to;
        }
    }
done:
    sei_free(steps);
    sei_free(queue);
    return status;
}

/* Void cells near enough to the surface or to what was wetted before. */
static sei_status proximal_voids(const sei_phasefield_options *o, double dx, const sei_phasefield_state *s, uint8_t *may) {
    float *distance2 = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(distance2, s->nx, s->ny, s->nz));
    SEI_TRY(distance_to_wetted(s, o->l_inv / dx, distance2));
    for (int64_t k = 0; k < s->nz; ++k)
        for (int64_t j = 0; j < s->ny; ++j)
            for (int64_t i = 0; i < s->nx; ++i) {
                const int64_t n = index_of(s, i, j, k);
                const double depth = 1 - sqrt(sei_pf_radius2(o, i, k));
                const bool near = depth <= o->l_inv || sqrt((double)distance2[n]) * dx <= o->l_inv;
                may[n] = s->wire[n] && s->c_v[n] > o->void_threshold && near;
            }
done:
    sei_free(distance2);
    return status;
}

sei_status sei_pf_wet(const sei_phasefield_options *o, const sei_phasefield_limits *limits, sei_phasefield_state *s) {
    const int64_t cells = s->nx * s->ny * s->nz;
    uint8_t *may = NULL, *reached = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(may, cells, 1, 1));
    SEI_TRY(SEI_NEW(reached, cells, 1, 1));
    int64_t before = 0, still = 0;
    for (int64_t n = 0; n < cells; ++n) {
        before += s->wetted[n] != 0;
        still += s->wetted[n] != 0 && s->c_v[n] > o->void_threshold;
    }
    if (o->wetting && sei_pf_direction(s->half_cycles) < 0) {
        SEI_TRY(proximal_voids(o, limits->dx, s, may));
        for (int64_t n = 0; n < cells; ++n) {
            const bool stays = s->wetted[n] && s->c_v[n] >= o->release_threshold;
            reached[n] = !s->wire[n] || stays;
        }
        SEI_TRY(flood(s, fmax(o->d_gap / limits->dx, 1), may, reached));
        for (int64_t n = 0; n < cells; ++n) s->wetted[n] = s->wire[n] && reached[n];
    }
    s->wetted_before = before;
    s->wetted_still = still;
done:
    sei_free(may);
    sei_free(reached);
    return status;
}
