/*
 * The model as it is written down: the specification that every other backend is compared with. Chemical potentials over
 * the whole field, then fluxes through the faces; the library's logarithm and exponential.
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
static double spread(const sei_pf_work *w, const double *field, int what, int64_t cell, const int64_t at[6]) {
    double d[6];
    for (int n = 0; n < 6; ++n) {
        const bool open = what == 0 || ((w->mask[cell] & what) != 0 && (w->mask[at[n]] & what) != 0);
        d[n] = open ? field[at[n]] - field[cell] : 0;
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

static void bracket(const sei_pf_work *w, int64_t z0, int64_t z1, const double *c_v) {
    const sei_pf_constants *c = &w->k;
    for (int64_t n = z0 * w->ny * w->nx; n < z1 * w->ny * w->nx; ++n) {
        const double f = sei_pf_solution_energy(c_v[n], c->omega, c->e_v), away = c_v[n] - c->c_min;
        double value = 0;
        if (c->form == SEI_PHASEFIELD_ADDITIVE) value = f - c->f_min - 0.5 * c->k_vl * away * away;
        if (c->form == SEI_PHASEFIELD_ADDITIVE && (w->mask[n] & SEI_PF_WETTED) != 0) value = 0;
        if (c->form == SEI_PHASEFIELD_LITERAL) value = f;
        w->bracket[n] = value;
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

static void potential(const sei_pf_work *w, int64_t z0, int64_t z1, const double *c_li, double *mu) {
    const sei_pf_constants *c = &w->k;
    int64_t at[6];
    for (int64_t k = z0; k < z1; ++k)
        for (int64_t j = 0; j < w->ny; ++j)
            for (int64_t i = 0; i < w->nx; ++i) {
                const int64_t n = (k * w->ny + j) * w->nx + i;
                neighbours_of(w, i, j, k, at);
                mu[n] = (w->mask[n] & SEI_PF_ACTIVE) == 0
                            ? c->mu_exterior
                            : bulk_mu_li(c, c_li[n], w->bracket[n]) - c->kappa_li_dx2 * spread(w, c_li, 0, n, at);
            }
}

static void lithium(const sei_pf_work *w, int thread, int64_t z0, int64_t z1, const sei_pf_li *s) {
    const sei_pf_constants *c = &w->k;
    double *mu = w->scratch;
    int64_t at[6];
    (void)thread;
    potential(w, 0, w->nz, s->y1, mu);
    for (int64_t k = z0; k < z1; ++k)
        for (int64_t j = 0; j < w->ny; ++j)
            for (int64_t i = 0; i < w->nx; ++i) {
                const int64_t n = (k * w->ny + j) * w->nx + i;
                if ((w->mask[n] & SEI_PF_ACTIVE) == 0) continue;
                neighbours_of(w, i, j, k, at);
                double rate = c->m_li_dx2 * spread(w, mu, SEI_PF_OPEN_LI, n, at);
                if (w->source != NULL) rate += w->source[n] * (c->c_exterior - s->y1[n]);
                s->y[n] = (s->y1[n] + s->stage.b * (s->y1[n] - s->y2[n])) + s->stage.w * rate;
            }
}

static double react(const sei_pf_constants *c, double c_v, double dc_li, double g) {
    if (c->direction > 0 && dc_li > 0) return c->c_min + (c_v - c->c_min) * exp(-c->annihilation * dc_li);
    if (c->direction < 0 && dc_li < 0 && c_v < c->c_s) return c->c_s + (c_v - c->c_s) * exp(c->nucleation * g * dc_li);
    return c_v;
}

static void vacancy(const sei_pf_work *w, int thread, int64_t z0, int64_t z1, const sei_pf_vacancy *s) {
    const sei_pf_constants *c = &w->k;
    double *mu = w->scratch;
    int64_t at[6];
    (void)thread;
    for (int64_t k = 0; k < w->nz; ++k)
        for (int64_t j = 0; j < w->ny; ++j)
            for (int64_t i = 0; i < w->nx; ++i) {
                const int64_t n = (k * w->ny + j) * w->nx + i;
                const double h = (w->mask[n] & SEI_PF_WETTED) != 0 ? 0 : step_h(c, s->li_new[n]);
                neighbours_of(w, i, j, k, at);
                mu[n] = (1 - h) * sei_pf_solution_slope(s->c[n], c->omega, c->e_v) + h * c->k_vl * (s->c[n] - c->c_min) -
                        c->kappa_v_dx2 * spread(w, s->c, SEI_PF_OPEN_VACANCY, n, at);
            }
    for (int64_t k = z0; k < z1; ++k)
        for (int64_t j = 0; j < w->ny; ++j)
            for (int64_t i = 0; i < w->nx; ++i) {
                const int64_t n = (k * w->ny + j) * w->nx + i;
                if ((w->mask[n] & SEI_PF_ACTIVE) == 0) continue;
                neighbours_of(w, i, j, k, at);
                const double moved = s->c[n] + w->tau * c->m_v_dx2 * spread(w, mu, SEI_PF_OPEN_VACANCY, n, at);
                const bool frozen = (w->mask[n] & SEI_PF_OPEN_LI) == 0;
                s->c_new[n] = frozen ? moved : react(c, moved, s->li_new[n] - s->li_old[n], w->noise == NULL ? 0 : w->noise[n]);
            }
    bracket(w, z0, z1, s->c_new);
}

const sei_pf_operators sei_pf_ref = {
    .name = "ref", .bracket = bracket, .potential = potential, .lithium = lithium, .vacancy = vacancy, .team = false};
