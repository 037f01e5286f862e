/* Pores and channels: where they are drawn to be, and how they carve the wire's box. */
#include "simulate/grow_cavity.h"

#include <math.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"

enum { MAX_FAILED_DRAWS = 20000, MAX_PORES = 200000, TRIES_OF_A_RADIUS = 64 };

void grow_direction(const sei_random *random, uint64_t index, uint32_t draw, double unit[3]) {
    double square = 0;
    for (uint32_t i = 0; i < 3; ++i) {
        unit[i] = sei_random_normal(random, index, draw + i);
        square += unit[i] * unit[i];
    }
    for (int i = 0; i < 3; ++i) unit[i] = square > 0 ? unit[i] / sqrt(square) : i == 0;
}

/* Where a point lies in a pore: the part of its local radius left inside (1 at the centre, 0 on the surface, negative
 * outside) and, in *inner_nm, the distance to the surface along the radius. */
static double inside_pore(const grow_pore *p, const double d[3], double *inner_nm) {
    const double square = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    const double along = d[0] * p->axis[0] + d[1] * p->axis[1] + d[2] * p->axis[2];
    const double across2 = fmax(0, square - along * along);
    const double q = sqrt(along * along / (p->half_long * p->half_long) + across2 / (p->half_short * p->half_short));
    const double length = sqrt(square);
    double edge = 1;
    if (p->irregularity > 0 && length > 0) {
        double dents = 0;
        for (int m = 0; m < 3; ++m) {
            const double t = (d[0] * p->dent[m][0] + d[1] * p->dent[m][1] + d[2] * p->dent[m][2]) / length;
            dents += 0.5 * t * (5 * t * t - 3); /* Legendre's P3: no net volume to first order */
        }
        edge += p->irregularity * dents / 3;
    }
    *inner_nm = q > 0 ? (edge - q) * length / q : p->half_short;
    return edge - q;
}

static double reach_of(const grow_pore *p) {
    return fmax(p->half_long, p->half_short) * (1 + p->irregularity);
}

static void size_pore(grow_pore *p, double radius, double aspect) {
    const double root = sei_fixed_exp(sei_fixed_log(aspect) / 3); /* long = r a^(2/3), short = r a^(-1/3) */
    p->half_long = radius * root * root;
    p->half_short = radius / root;
}

/* The box's voxels [low, high) within `reach` of anything between a and b, along one direction. */
static void touched(double a, double b, double reach, double first, double voxel, int64_t n, int64_t *low, int64_t *high) {
    *low = (int64_t)fmax(0, floor((fmin(a, b) - reach - first) / voxel));
    *high = (int64_t)fmin((double)n, ceil((fmax(a, b) + reach - first) / voxel) + 1);
}

static void touched_box(const grow_box *box, const double a[3], const double b[3], double reach, int64_t low[3],
                        int64_t high[3]) {
    touched(a[0], b[0], reach, grow_box_x(box, 0), box->voxel_nm, box->nx, &low[0], &high[0]);
    touched(a[1], b[1], reach, grow_box_y(box, 0), box->voxel_nm, box->ny, &low[1], &high[1]);
    touched(a[2], b[2], reach, grow_box_z(box, 0), box->voxel_nm, box->nz, &low[2], &high[2]);
}

/* Carves slice k of a pore: its lining, or with void_pass its void. Returns how many of the wire's voxels it holds there. */
static int64_t carve_pore(grow_box *box, const grow_pore *p, double lining_nm, int64_t k, bool count_only, bool void_pass) {
    int64_t low[3], high[3], inside = 0;
    touched_box(box, p->centre, p->centre, reach_of(p), low, high);
    if (k < low[2] || k >= high[2]) return 0;
    const double z = grow_box_z(box, k) - p->centre[2];
    for (int64_t j = low[1]; j < high[1]; ++j) {
        const double y = grow_box_y(box, j) - p->centre[1];
        uint8_t *code = box->code + (k * box->ny + j) * box->nx;
        for (int64_t i = low[0]; i < high[0]; ++i) {
            const double d[3] = {grow_box_x(box, i) - p->centre[0], y, z};
            double inner_nm = 0;
            if (inside_pore(p, d, &inner_nm) <= 0 || code[i] == GROW_OUTSIDE) continue;
            ++inside;
            if (count_only) continue;
            if (!void_pass && inner_nm < lining_nm && code[i] == GROW_CORE) code[i] = GROW_CORE_SEI;
            if (void_pass && inner_nm >= lining_nm && (code[i] == GROW_CORE || code[i] == GROW_CORE_SEI)) code[i] = GROW_VOID;
        }
    }
    return inside;
}

static int64_t pore_voxels(grow_box *box, const grow_pore *p) {
    int64_t low[3], high[3], n = 0;
    touched_box(box, p->centre, p->centre, reach_of(p), low, high);
    for (int64_t k = low[2]; k < high[2]; ++k) n += carve_pore(box, p, 0, k, true, false);
    return n;
}

/* Whether the pore and gap_nm around it hold nothing but core that no other pore has taken; with `take` takes the pore. */
static bool pore_is_free(const grow_box *box, const grow_pore *p, double gap_nm, bool take, uint8_t *taken) {
    int64_t low[3], high[3];
    touched_box(box, p->centre, p->centre, reach_of(p) + gap_nm, low, high);
    for (int64_t k = low[2]; k < high[2]; ++k) {
        for (int64_t j = low[1]; j < high[1]; ++j) {
            for (int64_t i = low[0]; i < high[0]; ++i) {
                const int64_t v = (k * box->ny + j) * box->nx + i;
                const double d[3] = {grow_box_x(box, i) - p->centre[0], grow_box_y(box, j) - p->centre[1],
                                     grow_box_z(box, k) - p->centre[2]};
                double inner_nm = 0;
                inside_pore(p, d, &inner_nm);
                if (take && inner_nm > 0) taken[v] = 1;
                if (!take && inner_nm > -gap_nm && (box->code[v] != GROW_CORE || taken[v])) return false;
            }
        }
    }
    return true;
}

/* One draw of a pore's place, in the section's disc; false when it lies at another depth than asked for. */
static bool place_pore(const sei_grow *d, const grow_wire *wire, const sei_random *random, uint64_t index, grow_pore *p) {
    const double half_y = 0.5 * (double)wire->ny * wire->voxel_nm;
    const double u = (2 * sei_random_uniform(random, index, 0) - 1) * wire->core_max;
    const double v = (2 * sei_random_uniform(random, index, 1) - 1) * wire->core_max;
    const double y = (2 * sei_random_uniform(random, index, 2) - 1) * half_y;
    int64_t row = (int64_t)((y + half_y) / wire->voxel_nm);
    if (row >= wire->ny) row = wire->ny - 1;
    const double depth = grow_radius(wire, wire->core, row, grow_turn(u, v)) - sqrt(u * u + v * v);
    const double deepest = d->pores.depth_nm[1] > 0 ? d->pores.depth_nm[1] : INFINITY;
    if (depth < fmax(d->pores.depth_nm[0], p->half_short) || depth > deepest) return false;
    p->centre[0] = wire->centre_x[row] + u;
    p->centre[1] = y;
    p->centre[2] = wire->centre_z[row] + v;
    return true;
}

static void draw_shape(const sei_grow_pores *asked, const sei_random *random, uint64_t index, grow_pore *p) {
    double relative = 1;
    for (uint32_t i = 0; i < TRIES_OF_A_RADIUS; ++i) {
        relative = 1 + asked->radius_sd_nm / asked->radius_nm * sei_random_normal(random, index, 1 + i);
        if (relative >= 0.4 && relative <= 2) break;
        relative = 1;
    }
    *p = (grow_pore){.irregularity = asked->irregularity};
    size_pore(p, asked->radius_nm * relative, asked->aspect > 1 ? asked->aspect : 1);
    grow_direction(random, index, 80, p->axis);
    for (uint32_t m = 0; m < 3; ++m) grow_direction(random, index, 84 + 4 * m, p->dent[m]);
}

static sei_status no_place(const sei_grow *d, int64_t n, double share) {
    return sei_fail(
        SEI_ERR_INPUT,
        "specimen.pores: %lld pores of radius %g nm found a place, filling %.4g of the core, then none any more: ask for "
        "fewer or smaller ones, or a wider range of depth_nm",
        (long long)n, d->pores.radius_nm, share);
}

sei_status grow_draw_pores(const sei_grow *d, uint64_t seed, const grow_wire *wire, grow_box *box, grow_pore **pores,
                           int64_t *n) {
    sei_status status = SEI_OK;
    const sei_random random = {.seed = seed, .stream = GROW_STREAM_PORES};
    const sei_grow_pores *asked = &d->pores;
    const double target = asked->count > 0 ? INFINITY : asked->fraction * (double)box->core_voxels;
    const double aspect = asked->aspect > 1 ? asked->aspect : 1;
    const double gap_nm = 2 * wire->voxel_nm;
    double filled = 0;
    int64_t room = 0;
    uint8_t *taken = NULL;
    uint64_t index = 0;
    if (asked->count == 0 && !(asked->fraction > 0)) return SEI_OK;
    SEI_TRY(SEI_NEW(taken, box->nx, box->ny, box->nz));
    while (asked->count > 0 ? *n < asked->count : filled < target && *n < MAX_PORES) {
        grow_pore p;
        int failed = 0;
        draw_shape(asked, &random, (uint64_t)*n << 32 | UINT32_MAX, &p);
        while (!place_pore(d, wire, &random, index++, &p) || !pore_is_free(box, &p, gap_nm, false, taken)) {
            if (++failed < MAX_FAILED_DRAWS) continue;
            status = no_place(d, *n, filled / (double)box->core_voxels);
            goto done;
        }
        SEI_TRY(sei_interrupt_check());
        double own = (double)pore_voxels(box, &p);
        if (filled + own > target && own > 0) { /* the last one takes what is left */
            const double shrink = sei_fixed_exp(sei_fixed_log((target - filled) / own) / 3);
            const double radius = p.half_short * sei_fixed_exp(sei_fixed_log(aspect) / 3) * shrink;
            if (radius < box->voxel_nm) break;
            size_pore(&p, radius, aspect);
            own = target - filled;
        }
        if (*n == room) {
            room = room > 0 ? 2 * room : 64;
            SEI_TRY(sei_realloc((void **)pores, (size_t)room * sizeof **pores));
        }
        (*pores)[(*n)++] = p;
        filled += own;
        pore_is_free(box, &p, 0, true, taken);
    }
done:
    sei_free(taken);
    return status;
}

/* Distance of a point to the segment from a to b, minus the radius there. */
static double beyond_segment(const grow_segment *s, const double p[3]) {
    double ab2 = 0, ap_ab = 0, distance2 = 0;
    for (int i = 0; i < 3; ++i) {
        ab2 += (s->to[i] - s->from[i]) * (s->to[i] - s->from[i]);
        ap_ab += (p[i] - s->from[i]) * (s->to[i] - s->from[i]);
    }
    const double t = ab2 > 0 ? fmin(1, fmax(0, ap_ab / ab2)) : 0;
    for (int i = 0; i < 3; ++i) {
        const double d = p[i] - s->from[i] - t * (s->to[i] - s->from[i]);
        distance2 += d * d;
    }
    return sqrt(distance2) - (s->radius_from + t * (s->radius_to - s->radius_from));
}

static void carve_segment(grow_box *box, const grow_segment *s, double lining_nm, int64_t k, bool void_pass) {
    const double reach = fmax(s->radius_from, s->radius_to) + lining_nm;
    int64_t low[3], high[3];
    touched_box(box, s->from, s->to, reach, low, high);
    if (k < low[2] || k >= high[2]) return;
    for (int64_t j = low[1]; j < high[1]; ++j) {
        uint8_t *code = box->code + (k * box->ny + j) * box->nx;
        for (int64_t i = low[0]; i < high[0]; ++i) {
            const double p[3] = {grow_box_x(box, i), grow_box_y(box, j), grow_box_z(box, k)};
            const bool core = code[i] == GROW_CORE || code[i] == GROW_CORE_SEI;
            const bool coat = code[i] == GROW_OXIDE || code[i] == GROW_SHELL;
            if (!core && !coat) continue;
            const double beyond = beyond_segment(s, p);
            if (!void_pass && core && beyond <= (s->filled ? 0 : lining_nm)) code[i] = GROW_CORE_SEI;
            if (void_pass && !s->filled && beyond <= 0) code[i] = GROW_VOID;
        }
    }
}

/* The pores' share of the core, from how many voxels each holds. They do not overlap. */
static double pore_share(grow_box *box, const grow_pore *pores, int64_t n) {
    int64_t voxels = 0;
#pragma omp parallel for num_threads(sei_threads()) schedule(dynamic, 8) reduction(+ : voxels)
    for (int64_t p = 0; p < n; ++p) voxels += pore_voxels(box, &pores[p]);
    return (double)voxels / (double)box->core_voxels;
}

sei_status grow_cavities(const sei_grow *d, uint64_t seed, const grow_wire *wire, grow_box *box, sei_numbers *numbers) {
    sei_status status = SEI_OK;
    grow_pore *pores = NULL;
    grow_segment *segments = NULL;
    int64_t n_pores = 0, n_segments = 0;
    SEI_TRY(grow_draw_pores(d, seed, wire, box, &pores, &n_pores));
    SEI_TRY(grow_draw_channels(d, seed, wire, &segments, &n_segments));
    SEI_TRY(sei_numbers_set(numbers, "grown_pores", (double)n_pores, "1", NAN));
    SEI_TRY(sei_numbers_set(numbers, "grown_pore_fraction", pore_share(box, pores, n_pores), "1", NAN));
    SEI_TRY(sei_numbers_set(numbers, "grown_channels", (double)d->channels.count, "1", NAN));
    for (int pass = 0; pass < 2; ++pass) {
#pragma omp parallel for num_threads(sei_threads()) schedule(dynamic, 4)
        for (int64_t k = 0; k < box->nz; ++k) {
            for (int64_t p = 0; p < n_pores; ++p) carve_pore(box, &pores[p], d->pores.lining_nm, k, false, pass == 1);
            for (int64_t s = 0; s < n_segments; ++s) carve_segment(box, &segments[s], d->channels.lining_nm, k, pass == 1);
        }
    }
done:
    sei_free(pores);
    sei_free(segments);
    return status;
}
