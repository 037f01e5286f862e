/* The free energy of a state: what a closed run must never raise. */
#include <math.h>

#include "phasefield/model.h"

static double bulk_energy(const sei_phasefield_options *o, const sei_pf_constants *k, double c_li, double c_v, bool wetted) {
    if (o->free_energy == SEI_PHASEFIELD_QUARTIC) return k->rho * pow((c_li - k->c_a) * (k->c_b - c_li), 2);
    const double x = fmin(fmax((c_li - k->c_min) * k->inverse_swing, 0), 1);
    const double f_li = sei_pf_solution_energy(c_li, k->omega, k->e_li), f_v = sei_pf_solution_energy(c_v, k->omega, k->e_v);
    const double smooth = x * x * (3 - 2 * x), away = c_v - k->c_min;
    if (o->free_energy == SEI_PHASEFIELD_LITERAL) return smooth * f_li + (1 - smooth) * f_v;
    const double h = wetted ? 0 : smooth;
    return f_li + (1 - h) * (f_v - k->f_min) + h * 0.5 * k->k_vl * away * away;
}

/* Gradient energy of the face between two cells. */
static double face_energy(const sei_pf_work *w, int64_t a, int64_t b) {
    const bool li = ((w->mask[a] | w->mask[b]) & SEI_PF_ACTIVE) != 0;
    const bool vacancy = (w->mask[a] & w->mask[b] & SEI_PF_OPEN_VACANCY) != 0 && w->vacancies_move;
    const double *c_li = w->li[0], *c_v = w->vacancy[0], d_li = c_li[b] - c_li[a], d_v = c_v[b] - c_v[a];
    return (li ? 0.5 * w->k.kappa_li_dx2 * d_li * d_li : 0) + (vacancy ? 0.5 * w->k.kappa_v_dx2 * d_v * d_v : 0);
}

/* A row's energy: its cells, and the faces towards larger x, y, z. */
static double row_energy(const sei_phasefield_options *o, const sei_pf_work *w, const sei_phasefield_state *s, int64_t j,
                         int64_t k) {
    const int64_t nx = w->nx, ny = w->ny, row = (k * ny + j) * nx;
    const int64_t front = (k * ny + (j + 1) % ny) * nx, up = ((k + 1) % w->nz * ny + j) * nx;
    const bool has_up = k < w->nz - 1 || w->periodic_z;
    double sum = 0;
    for (int64_t i = 0; i < nx; ++i) {
        const int64_t n = row + i;
        if (s->wire[n]) sum += bulk_energy(o, &w->k, s->c_li[n], s->c_v[n], s->wetted[n] != 0);
        if (i < nx - 1 || w->periodic_x) sum += face_energy(w, n, row + (i + 1) % nx);
        if (has_up) sum += face_energy(w, n, up + i);
        if (ny > 1) sum += face_energy(w, n, front + i);
    }
    return sum;
}

sei_status sei_phasefield_energy(const sei_phasefield_options *o, const sei_phasefield_state *s, double *out) {
    sei_phasefield_limits limits;
    sei_pf_work w = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_phasefield_check(o, &limits));
    SEI_TRY(sei_pf_state_check(o, s));
    SEI_TRY(sei_pf_work_make(o, &limits, s, 1, false, &w));
    double sum = 0;
    for (int64_t k = 0; k < w.nz; ++k)
        for (int64_t j = 0; j < w.ny; ++j) sum += row_energy(o, &w, s, j, k);
    *out = sum * limits.dx * limits.dx * (w.ny > 1 ? limits.dx : 1);
done:
    sei_pf_work_free(&w);
    return status;
}
