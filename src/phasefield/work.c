/* From options and state to what the operators work on: constants, masks, spans, stages, memory. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "phasefield/model.h"

sei_pf_constants sei_pf_constants_of(const sei_phasefield_options *o, const sei_phasefield_limits *limits, int direction) {
    const double dx2 = limits->dx * limits->dx, swing = o->c_max - o->c_min;
    sei_pf_constants k = {.form = (int)o->free_energy,
                          .direction = direction,
                          .omega = o->omega,
                          .c_min = o->c_min,
                          .inverse_swing = 1 / swing,
                          .k_vl = o->free_energy == SEI_PHASEFIELD_LITERAL ? 0 : o->k_vl,
                          .e_li = o->e_li,
                          .curvature_li = sei_pf_solution_curvature(o->omega, o->e_li),
                          .e_v = o->e_v,
                          .curvature_v = sei_pf_solution_curvature(o->omega, o->e_v),
                          .f_min = sei_pf_solution_energy(o->c_min, o->omega, o->e_v),
                          .kappa_li_dx2 = o->kappa_li / dx2,
                          .kappa_v_dx2 = limits->kappa_v / dx2,
                          .m_li_dx2 = o->m_li / dx2,
                          .m_v_dx2 = o->m_v / dx2,
                          .c_s = o->c_s,
                          .nucleation = o->r0 / (o->c_s - o->c_min),
                          .annihilation = o->k_a / swing,
                          .rho = o->rho,
                          .c_a = o->c_a,
                          .c_b = o->c_b};
    if (direction == 0) return k;
    const double c = k.c_exterior = direction > 0 ? limits->c_bc_high : limits->c_bc_low;
    const double slope = sei_pf_solution_slope(c, o->omega, o->e_li);
    const double x = fmin(fmax((c - o->c_min) / swing, 0), 1), h = x * x * (3 - 2 * x), rise = 6 * x * (1 - x) / swing;
    /* the exterior holds no vacancies: the additive form's bracket is zero at c_min */
    k.mu_exterior = o->free_energy == SEI_PHASEFIELD_LITERAL
                        ? h * slope + rise * (sei_pf_solution_energy(c, o->omega, o->e_li) - k.f_min)
                        : slope;
    return k;
}

static uint8_t mask_of(const sei_phasefield_state *s, int direction, int64_t n) {
    if (!s->wire[n]) return SEI_PF_OPEN_LI;
    unsigned mask = SEI_PF_ACTIVE;
    if (s->wetted[n]) mask |= SEI_PF_WETTED;
    if (!(s->wetted[n] && direction > 0)) mask |= SEI_PF_OPEN_LI | SEI_PF_OPEN_VACANCY;
    return (uint8_t)mask;
}

/* Cells that a row updates (none: 0, 0), and whether every face of the row and of its neighbours is open to lithium. */
static sei_status scan_rows(const sei_pf_work *w, const uint8_t *mask, int32_t *span, uint8_t *closed) {
    for (int64_t row = 0; row < w->ny * w->nz; ++row) {
        int32_t begin = 0, end = 0, active = 0;
        closed[row] = 0;
        for (int64_t i = 0; i < w->nx; ++i) {
            const unsigned m = mask[row * w->nx + i];
            if ((m & SEI_PF_OPEN_LI) == 0) closed[row] = 1;
            if ((m & SEI_PF_ACTIVE) == 0) continue;
            if (end == 0) begin = (int32_t)i;
            end = (int32_t)i + 1;
            ++active;
        }
        if (active != end - begin)
            return sei_fail(SEI_ERR_INPUT,
                            "phase field: the wire has a gap in row %lld; expected the mask of sei_phasefield_begin",
                            (long long)row);
        span[4 * row] = begin;
        span[4 * row + 1] = end;
    }
    return SEI_OK;
}

/* Rows beside row (j, k), itself among them. */
static int rows_beside(const sei_pf_work *w, int64_t j, int64_t k, int64_t rows[5]) {
    int count = 0;
    rows[count++] = k * w->ny + j;
    rows[count++] = k * w->ny + (j + 1) % w->ny;
    rows[count++] = k * w->ny + (j + w->ny - 1) % w->ny;
    if (k > 0 || w->periodic_z) rows[count++] = (k + w->nz - 1) % w->nz * w->ny + j;
    if (k < w->nz - 1 || w->periodic_z) rows[count++] = (k + 1) % w->nz * w->ny + j;
    return count;
}

static void widen_rows(const sei_pf_work *w, const uint8_t *closed, int32_t *span, uint8_t *row_open) {
    for (int64_t k = 0; k < w->nz; ++k)
        for (int64_t j = 0; j < w->ny; ++j) {
            const int64_t row = k * w->ny + j;
            int64_t rows[5];
            const int count = rows_beside(w, j, k, rows);
            int32_t begin = (int32_t)w->nx, end = 0;
            row_open[row] = 1;
            for (int n = 0; n < count; ++n) {
                const int32_t *other = span + 4 * rows[n];
                if (closed[rows[n]]) row_open[row] = 0;
                if (other[1] == 0) continue;
                if (other[0] < begin) begin = other[0];
                if (other[1] > end) end = other[1];
            }
            if (end == 0) begin = 0;
            if (end > 0 && begin > 0) --begin;
            if (end > 0 && end < w->nx) ++end;
            span[4 * row + 2] = begin;
            span[4 * row + 3] = end;
        }
}

static void make_stages(sei_pf_work *w, sei_phasefield_integrator integrator) {
    const double s = w->stages, weight = 2 / (s * s + s);
    for (int n = 0; n < w->stages; ++n) {
        const double j = n + 1;
        w->stage[n] = (sei_pf_stage){(j - 1) / j, (2 * j - 1) / j * weight * w->tau};
    }
    if (integrator == SEI_PHASEFIELD_EULER) w->stage[0] = (sei_pf_stage){0, w->tau};
}

typedef struct pieces {
    void *fields; /* li, vacancy, bracket, noise, scratch */
    uint8_t *mask;
    uint8_t *row_open;
    int32_t *span;
    int64_t *cells_before;
} pieces;

static void free_pieces(pieces *p) {
    sei_free(p->fields);
    sei_free(p->mask);
    sei_free(p->row_open);
    sei_free(p->span);
    sei_free(p->cells_before);
    sei_free(p);
}

void sei_pf_work_free(sei_pf_work *work) {
    if (work->memory != NULL) free_pieces(work->memory);
    *work = (sei_pf_work){0};
}

/* Field `number` of the work's memory. */
static void *field_of(const sei_pf_work *w, const pieces *p, int64_t number) {
    const size_t cells = (size_t)(w->nx * w->ny * w->nz), bytes = w->single ? sizeof(float) : sizeof(double);
    return (char *)p->fields + (size_t)number * cells * bytes;
}

void sei_pf_from_reals(bool single, const void *from, int64_t n, double *to) {
    if (!single) {
        memcpy(to, from, (size_t)n * sizeof *to);
        return;
    }
    const float *in = from;
    for (int64_t i = 0; i < n; ++i) to[i] = (double)in[i];
}

void sei_pf_to_reals(bool single, const double *from, int64_t n, void *to) {
    if (!single) {
        memcpy(to, from, (size_t)n * sizeof *from);
        return;
    }
    float *out = to;
    for (int64_t i = 0; i < n; ++i) out[i] = (float)from[i];
}

static sei_status draw_noise(const sei_phasefield_options *o, const sei_phasefield_state *s, sei_pf_work *w, void *to) {
    double *g = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(g, s->nx, s->ny, s->nz));
    SEI_TRY(sei_phasefield_noise(o, (uint32_t)(s->half_cycles / 2 + 1), g));
    sei_pf_to_reals(w->single, g, s->nx * s->ny * s->nz, to);
    w->noise = to;
done:
    sei_free(g);
    return status;
}

/* The state's fields, the exterior's concentration around them. */
static void take_state(const sei_phasefield_state *s, sei_pf_work *w) {
    const int64_t cells = s->nx * s->ny * s->nz;
    for (int m = 0; m < 3; ++m) {
        sei_pf_to_reals(w->single, s->c_li, cells, w->li[m]);
        for (int64_t n = 0; n < cells; ++n) {
            if (s->wire[n]) continue;
            if (w->single)
                ((float *)w->li[m])[n] = (float)w->k.c_exterior;
            else
                ((double *)w->li[m])[n] = w->k.c_exterior;
        }
    }
    for (int m = 0; m < 2; ++m) sei_pf_to_reals(w->single, s->c_v, cells, w->vacancy[m]);
}

static void count_cells(const sei_pf_work *w, const int32_t *span, int64_t *before) {
    for (int64_t k = 0; k < w->nz; ++k) {
        before[k + 1] = before[k];
        for (int64_t row = k * w->ny; row < (k + 1) * w->ny; ++row) before[k + 1] += span[4 * row + 1] - span[4 * row];
    }
}

sei_status sei_pf_work_make(const sei_phasefield_options *o, const sei_phasefield_limits *limits, const sei_phasefield_state *s,
                            int threads, bool single, sei_pf_work *out) {
    const bool wire = o->geometry == SEI_PHASEFIELD_WIRE;
    const int direction = wire ? sei_pf_direction(s->half_cycles) : 0;
    sei_pf_work w = {.k = sei_pf_constants_of(o, limits, direction),
                     .nx = s->nx,
                     .ny = s->ny,
                     .nz = s->nz,
                     .periodic_x = o->periodic_x,
                     .periodic_z = o->periodic_z,
                     .single = single,
                     .stages = limits->stages,
                     .tau = limits->tau,
                     .vacancies_move = o->free_energy != SEI_PHASEFIELD_QUARTIC && (o->m_v > 0 || wire)};
    const int64_t cells = s->nx * s->ny * s->nz, rows = s->ny * s->nz;
    const int64_t most = threads < s->nz ? threads : s->nz;
    const int64_t scratch = most * 3 > s->nz ? most * 3 : s->nz;
    uint8_t *closed = NULL, *acts = NULL;
    pieces *p = NULL;
    size_t bytes = 0;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(p, 1, 1, 1));
    SEI_TRY(sei_checked_bytes(7 * s->nz + scratch, s->ny, s->nx, single ? sizeof(float) : sizeof(double), &bytes));
    SEI_TRY(sei_alloc_aligned(bytes, &p->fields));
    SEI_TRY(SEI_NEW(p->mask, cells, 1, 1));
    SEI_TRY(SEI_NEW(p->row_open, rows, 1, 1));
    SEI_TRY(SEI_NEW(p->span, rows, 4, 1));
    SEI_TRY(SEI_NEW(p->cells_before, s->nz + 1, 1, 1));
    SEI_TRY(SEI_NEW(closed, rows, 1, 1));
    memset(p->fields, 0, bytes);
    for (int n = 0; n < 3; ++n) w.li[n] = field_of(&w, p, n);
    for (int n = 0; n < 2; ++n) w.vacancy[n] = field_of(&w, p, 3 + n);
    w.bracket = field_of(&w, p, 5);
    w.scratch = field_of(&w, p, 7);
    if (direction < 0) SEI_TRY(draw_noise(o, s, &w, field_of(&w, p, 6)));
    SEI_TRY(SEI_NEW(acts, s->nx, s->ny, s->nz));
    if (wire) sei_pf_mark_acting(s, acts);
    for (int64_t n = 0; n < cells; ++n) p->mask[n] = (uint8_t)(mask_of(s, direction, n) | (acts[n] ? SEI_PF_RIM : 0));
    SEI_TRY(scan_rows(&w, p->mask, p->span, closed));
    widen_rows(&w, closed, p->span, p->row_open);
    count_cells(&w, p->span, p->cells_before);
    take_state(s, &w);
    w.mask = p->mask;
    w.row_open = p->row_open;
    w.span = p->span;
    w.cells_before = p->cells_before;
    w.memory = p;
    make_stages(&w, o->integrator);
    *out = w;
    p = NULL;
done:
    sei_free(closed);
    sei_free(acts);
    if (p != NULL) free_pieces(p);
    return status;
}
