/*
 * The model as it is written down: the specification that every other backend is compared with. Chemical potentials over
 * the whole field, then fluxes through the faces; the library's logarithm and exponential. Fields are of REF_REAL, what is
 * computed from them is double.
 */
#include <math.h>

#include "phasefield/model.h"

/* A cell's six neighbours: at a closed face the cell itself, so that every difference across it is zero. */
static void neighbours_of(const sei_pf_work *w, int64_t i, int64_t j, int64_t k, int64_t at[6]) {
    const int64_t nx = w->nx, ny = w->ny, nz = w->nz;
    const int64_t west = i > 0 ? i - 1 : (w->periodic_x ? nx - 1 : i), east = i < nx - 1 ? i + 1 : (w->periodic_x ? 0 : i);
    const int64_t down = k > 0 ? k - 1 : (w->periodic_z ? nz - 1 : k), up = k < nz - 1 ? k + 1 : (w->periodic_z ? 0 : k);
    const int64_t back = j > 0 ? j - 1 : ny - 1, front = j < ny - 1 ? j + 1 : 0;
    at[0] = (k * ny + j) * nx + west;
    at[1] = (k * ny + j) * nx + east;
    at[2] = (down * ny + j) * nx + i;
    at[3] = (up * ny + j) * nx + i;
    at[4] = (k * ny + back) * nx + i;
    at[5] = (k * ny + front) * nx + i;
}

static double add6(const double d[6]) {
    return ((d[0] + d[1]) + (d[2] + d[3])) + (d[4] + d[5]);
}

/* Sum of differences of `field` across the faces that are open to `what` (0: all). */
static double spread(const sei_pf_work *w, const REF_REAL *field, int what, int64_t cell, const int64_t at[6]) {
    double d[6];
    for (int n = 0; n < 6; ++n) {
        const bool open = what == 0 || ((w->mask[cell] & what) != 0 && (w->mask[at[n]] & what) != 0);
        d[n] = open ? (double)field[at[n]] - (double)field[cell] : 0;
    }
    return add6(d);
}

static double step_h(const sei_pf_constants *c, double c_li) {
    const double x = fmin(fmax((c_li - c->c_min) * c->inverse_swing, 0), 1);
    return x * x * (3 - 2 * x);
}

static double step_h_slope(const sei_pf_constants *c, double c_li) {
    const double x = fmin(fmax((c_li - c->c_min) * c->inverse_swing, 0), 1);
    return 6 * x * (1 - x) * c->inverse_swing;
}

static void bracket(const sei_pf_work *w, int64_t z0, int64_t z1, const void *vacancies) {
    const sei_pf_constants *c = &w->k;
    const REF_REAL *c_v = vacancies;
    REF_REAL *out = w->bracket;
    for (int64_t n = z0 * w->ny * w->nx; n < z1 * w->ny * w->nx; ++n) {
        const double f = sei_pf_solution_energy(c_v[n], c->omega, c->e_v), away = c_v[n] - c->c_min;
        double value = 0;
        if (c->form == SEI_PHASEFIELD_ADDITIVE) value = f - c->f_min - 0.5 * c->k_vl * away * away;
        if (c->form == SEI_PHASEFIELD_ADDITIVE && (w->mask[n] & SEI_PF_WETTED) != 0) value = 0;
        if (c->form == SEI_PHASEFIELD_LITERAL) value = f;
        out[n] = (REF_REAL)value;
    }
}

static double bulk_mu_li(const sei_pf_constants *c, double c_li, double bracket_value) {
    const double slope = sei_pf_solution_slope(c_li, c->omega, c->e_li);
    switch (c->form) {
        case SEI_PHASEFIELD_QUARTIC: return 2 * c->rho * (c_li - c->c_a) * (c_li - c->c_b) * (2 * c_li - c->c_a - c->c_b);
        case SEI_PHASEFIELD_LITERAL:
            return step_h(c, c_li) * slope +
                   step_h_slope(c, c_li) * (sei_pf_solution_energy(c_li, c->omega, c->e_li) - bracket_value);
        case SEI_PHASEFIELD_ADDITIVE: return slope - step_h_slope(c, c_li) * bracket_value;
        default: return slope;
    }
}

static void potential(const sei_pf_work *w, int64_t z0, int64_t z1, const void *lithium, void *potentials) {
    const sei_pf_constants *c = &w->k;
    const REF_REAL *c_li = lithium, *factor = w->bracket;
    REF_REAL *mu = potentials;
    int64_t at[6];
    for (int64_t k = z0; k < z1; ++k)
        for (int64_t j = 0; j < w->ny; ++j)
            for (int64_t i = 0; i < w->nx; ++i) {
                const int64_t n = (k * w->ny + j) * w->nx + i;
                neighbours_of(w, i, j, k, at);
                mu[n] = (w->mask[n] & SEI_PF_ACTIVE) == 0
                            ? (REF_REAL)c->mu_exterior
                            : (REF_REAL)(bulk_mu_li(c, c_li[n], factor[n]) - c->kappa_li_dx2 * spread(w, c_li, 0, n, at));
            }
}

static void lithium(const sei_pf_work *w, int thread, int64_t z0, int64_t z1, const sei_pf_li *s) {
    const sei_pf_constants *c = &w->k;
    const REF_REAL *y1 = s->y1, *y2 = s->y2, *source = w->source;
    REF_REAL *mu = w->scratch, *y = s->y;
    int64_t at[6];
    (void)thread;
    potential(w, 0, w->nz, y1, mu);
    for (int64_t k = z0; k < z1; ++k)
        for (int64_t j = 0; j < w->ny; ++j)
            for (int64_t i = 0; i < w->nx; ++i) {
                const int64_t n = (k * w->ny + j) * w->nx + i;
                if ((w->mask[n] & SEI_PF_ACTIVE) == 0) continue;
                neighbours_of(w, i, j, k, at);
                double rate = c->m_li_dx2 * spread(w, mu, SEI_PF_OPEN_LI, n, at);
                if (source != NULL) rate += source[n] * (c->c_exterior - y1[n]);
                const double before = y1[n];
                y[n] = (REF_REAL)((before + s->stage.b * (before - y2[n])) + s->stage.w * rate);
            }
}

static double react(const sei_pf_constants *c, double c_v, double dc_li, double g) {
    if (c->direction > 0 && dc_li > 0) return c->c_min + (c_v - c->c_min) * exp(-c->annihilation * dc_li);
    if (c->direction < 0 && dc_li < 0 && c_v < c->c_s) return c->c_s + (c_v - c->c_s) * exp(c->nucleation * g * dc_li);
    return c_v;
}

static void vacancy(const sei_pf_work *w, int thread, int64_t z0, int64_t z1, const sei_pf_vacancy *s) {
    const sei_pf_constants *c = &w->k;
    const REF_REAL *c_v = s->c, *li_new = s->li_new, *li_old = s->li_old, *noise = w->noise;
    REF_REAL *mu = w->scratch, *c_new = s->c_new;
    int64_t at[6];
    (void)thread;
    for (int64_t k = 0; k < w->nz; ++k)
        for (int64_t j = 0; j < w->ny; ++j)
            for (int64_t i = 0; i < w->nx; ++i) {
                const int64_t n = (k * w->ny + j) * w->nx + i;
                const double h = (w->mask[n] & SEI_PF_WETTED) != 0 ? 0 : step_h(c, li_new[n]);
                neighbours_of(w, i, j, k, at);
                const double bulk = (1 - h) * sei_pf_solution_slope(c_v[n], c->omega, c->e_v) + h * c->k_vl * (c_v[n] - c->c_min);
                mu[n] = (REF_REAL)(bulk - c->kappa_v_dx2 * spread(w, c_v, SEI_PF_OPEN_VACANCY, n, at));
            }
    for (int64_t k = z0; k < z1; ++k)
        for (int64_t j = 0; j < w->ny; ++j)
            for (int64_t i = 0; i < w->nx; ++i) {
                const int64_t n = (k * w->ny + j) * w->nx + i;
                if ((w->mask[n] & SEI_PF_ACTIVE) == 0) continue;
                neighbours_of(w, i, j, k, at);
                const double moved = c_v[n] + w->tau * c->m_v_dx2 * spread(w, mu, SEI_PF_OPEN_VACANCY, n, at);
                const bool frozen = (w->mask[n] & SEI_PF_OPEN_LI) == 0;
                const double dc_li = (double)li_new[n] - (double)li_old[n], g = noise == NULL ? 0 : noise[n];
                c_new[n] = (REF_REAL)(frozen ? moved : react(c, moved, dc_li, g));
            }
    bracket(w, z0, z1, c_new);
}

const sei_pf_operators REF_OPERATORS = {
    .name = "ref", .bracket = bracket, .potential = potential, .lithium = lithium, .vacancy = vacancy, .team = false};
