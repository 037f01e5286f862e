/* From one pair of fields to the next: small steps, what is solid, balance, plastic strain taken over. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "phasefield/mechanics.h"

/* Threads meet after every iteration: fewer cells than this each, and meeting costs more than it saves. */
enum { CELLS_PER_THREAD = 6144 };

static sei_status operators_of(const char *backend, int dims, const sei_mech_operators **out) {
    *out = NULL;
    if (backend != NULL && strcmp(backend, "ref") == 0) *out = &sei_mech_ref;
    if (backend != NULL && strcmp(backend, "cpu") == 0) *out = sei_mech_cpu("auto", dims);
    if (*out != NULL) return SEI_OK;
    return sei_fail(SEI_ERR_USAGE, "mechanics: no backend '%s'; there are ref and cpu", backend == NULL ? "" : backend);
}

static sei_status check_field(const sei_mechanics_state *s, const double *field, const char *name) {
    for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n)
        if (s->wire[n] && !isfinite(field[n]))
            return sei_fail(SEI_ERR_INPUT, "mechanics: %s at (%lld, %lld, %lld) is %g", name, (long long)(n % s->nx),
                            (long long)(n / s->nx % s->ny), (long long)(n / s->nx / s->ny), field[n]);
    return SEI_OK;
}

/* Along the axis positions are those of the stretched wire and what deviates from them, which is periodic. */
static double undeformed_y(const sei_mech_work *w, double stretch, int64_t node) {
    return stretch * (double)(node / (w->nx + 1) % w->ny);
}

void sei_mech_take_state(const sei_mechanics_options *o, const sei_mechanics_state *s, sei_mech_work *w) {
    const double per_cell = (double)o->nx / (2 * o->half_width);
    const double *const from[3] = {s->x, s->z, s->y};
    for (int d = 0; d < w->dims; ++d)
        for (int64_t n = 0; n < w->nodes; ++n)
            w->position[d][n] = from[d][n] * per_cell - (d == 2 ? undeformed_y(w, s->stretch, n) : 0);
    w->stretch = s->stretch;
    w->log_stretch = log(s->stretch);
}

void sei_mech_fill(const sei_mechanics_options *o, const sei_mechanics_state *s, sei_mech_work *w) {
    const double nu = o->poisson, per_corner = w->dims == 3 ? 0.25 : 1;
    for (int64_t n = 0; n < w->cells; ++n) {
        if (!s->wire[n]) continue;
        const double x = sei_mech_fraction(o, s->c_li[n]), theta = 1 + o->beta * x, jc = theta * theta * theta;
        const double youngs = o->youngs_si + x * (o->youngs_lithiated - o->youngs_si);
        const double bulk = youngs / (3 * (1 - 2 * nu)), shear = youngs / (2 * (1 + nu));
        const double filled = 1 - sei_mech_emptiness(s->c_v[n]), part = s->solid[n] ? filled * filled * filled : 0;
        const double soft = (1 - part) * o->void_stiffness * o->youngs_si;
        w->cell[SEI_MECH_BULK][n] = part * jc * bulk;
        w->cell[SEI_MECH_SHEAR][n] = part * jc * 2 * shear;
        w->cell[SEI_MECH_YIELD][n] = o->yield / (2 * shear);
        w->cell[SEI_MECH_SOFT][n] = soft;
        /* the soft stress' hourglass is its own stiffness integrated over the cell */
        w->cell[SEI_MECH_HOURGLASS][n] = (part * o->hourglass * shear + soft / 6) * per_corner;
        double c[6];
        for (int m = 0; m < (w->dims == 3 ? 6 : 4); ++m) c[m] = s->plastic[m * w->cells + n] / (theta * theta);
        w->cell[SEI_MECH_SXX][n] = c[0];
        w->cell[SEI_MECH_SZZ][n] = c[1];
        w->cell[SEI_MECH_SXZ][n] = c[2];
        w->cell[SEI_MECH_SYY][n] = c[3];
        if (w->dims == 3) {
            w->cell[SEI_MECH_SXY][n] = c[4];
            w->cell[SEI_MECH_SZY][n] = c[5];
        } else {
            w->cell[SEI_MECH_LOGS][n] = 0.25 * log(c[0] * c[1] - c[2] * c[2]);
            w->cell[SEI_MECH_LOGY][n] = 0.5 * log(c[3]);
        }
    }
}

static double theta_of(const sei_mechanics_options *o, double c_li) {
    return 1 + o->beta * sei_mech_fraction(o, c_li);
}

static void set_plastic(const sei_mech_work *w, int64_t cell, double p[3][3], double factor, sei_mechanics_state *s) {
    const double values[6] = {p[0][0], p[1][1], p[0][1], p[2][2], p[0][2], p[1][2]};
    for (int m = 0; m < (w->dims == 3 ? 6 : 4); ++m) s->plastic[m * w->cells + cell] = factor * values[m];
}

/* Plastic strain of the balance that was found. */
static void commit(const sei_mechanics_options *o, const sei_mech_work *w, sei_mechanics_state *s) {
    const double cell = 2 * o->half_width / (double)o->nx;
    double *const to[3] = {s->x, s->z, s->y};
    for (int d = 0; d < w->dims; ++d)
        for (int64_t n = 0; n < w->nodes; ++n)
            to[d][n] = (w->position[d][n] + (d == 2 ? undeformed_y(w, w->stretch, n) : 0)) * cell;
    s->stretch = w->stretch;
#pragma omp parallel for schedule(static) num_threads(w->threads)
    for (int64_t k = 0; k < w->nz; ++k)
        for (int64_t j = 0; j < w->ny; ++j)
            for (int64_t i = 0; i < w->nx; ++i) {
                const int64_t n = (k * w->ny + j) * w->nx + i;
                if (!s->wire[n] || !s->solid[n]) continue;
                sei_mech_cell at;
                sei_mech_cell_evaluate(w, i, j, k, &at);
                const double theta = theta_of(o, s->c_li[n]);
                if (at.yields) set_plastic(w, n, at.plastic, theta * theta, s);
            }
}

/* A rigid motion of the whole is none: its mean displacement and rotation in the section are taken back. */
static void take_back_rigid_motion(const sei_mechanics_options *o, sei_mechanics_state *s) {
    const double dx = 2 * o->half_width / (double)o->nx;
    double count = 0, sum[3] = {0}, cross = 0, dot = 0;
    const int64_t nx = s->nx + 1, nodes = nx * s->ny * (s->nz + 1);
    for (int pass = 0; pass < 3; ++pass)
        for (int64_t n = 0; n < nodes; ++n) {
            const double u = ((double)(n % nx) - 0.5 * (double)s->nx) * dx,
                         w = ((double)(n / nx / s->ny) - 0.5 * (double)s->nz) * dx;
            if (u * u + w * w >= 1) continue;
            if (pass == 0) {
                count += 1;
                sum[0] += s->x[n];
                sum[1] += s->z[n];
                if (s->y != NULL) sum[2] += s->y[n] - s->stretch * (double)(n / nx % s->ny) * dx;
            } else if (pass == 1) {
                const double x = s->x[n] - sum[0] / count, z = s->z[n] - sum[1] / count;
                cross += u * z - w * x;
                dot += u * x + w * z;
            }
        }
    const double length = sqrt(cross * cross + dot * dot), cosine = dot / length, sine = cross / length;
    for (int64_t n = 0; n < nodes; ++n) {
        const double u = ((double)(n % nx) - 0.5 * (double)s->nx) * dx, w = ((double)(n / nx / s->ny) - 0.5 * (double)s->nz) * dx;
        if (u * u + w * w >= 1.1 * 1.1) continue;
        const double x = s->x[n] - sum[0] / count, z = s->z[n] - sum[1] / count;
        s->x[n] = cosine * x + sine * z;
        s->z[n] = cosine * z - sine * x;
        if (s->y != NULL) s->y[n] -= sum[2] / count;
    }
}

typedef struct journey {
    const sei_mechanics_options *options;
    const sei_mech_operators *operators;
    sei_mech_aim aim;
    sei_mech_work work;
} journey;

static sei_status one_balance(journey *j, sei_mechanics_state *s) {
    sei_mech_balance balance;
    sei_status status = SEI_OK;
    sei_mech_take_state(j->options, s, &j->work);
    SEI_TRY(sei_mech_find_solid(j->options, &j->work, s));
    sei_mech_fill(j->options, s, &j->work);
    SEI_TRY(sei_mech_relax(j->operators, &j->aim, &j->work, &balance));
    commit(j->options, &j->work, s);
    s->balances += 1;
    s->iterations += balance.iterations;
    s->unbalanced += balance.met ? 0 : 1;
    s->residual = balance.residual;
    s->residual_worst = fmax(s->residual_worst, balance.residual);
done:
    return status;
}

/* Steps in which nothing changes by more than largest_step; x_v rises by at most 2.5 times c_v. */
static int64_t steps_between(const sei_mechanics_options *o, const sei_mechanics_state *s, const double *c_li,
                             const double *c_v) {
    double largest = 0;
    for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n) {
        if (!s->wire[n]) continue;
        const double empty = fmin(fmax(c_v[n], 0.2), 0.8) - fmin(fmax(s->c_v[n], 0.2), 0.8);
        largest = fmax(largest, fabs(sei_mech_fraction(o, c_li[n]) - sei_mech_fraction(o, s->c_li[n])));
        largest = fmax(largest, 0.5 * 2.5 * fabs(empty));
    }
    return (int64_t)fmax(ceil(largest / o->largest_step - 1e-9), 1);
}

static sei_status copy_state(const sei_mechanics_options *o, const sei_mechanics_state *from, sei_mechanics_state *out) {
    sei_mechanics_state s = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_mechanics_begin(o, &s));
    const size_t nodes = (size_t)((s.nx + 1) * s.ny * (s.nz + 1)), cells = (size_t)(s.nx * s.ny * s.nz);
    sei_mechanics_state copy = *from;
    memcpy(s.x, from->x, nodes * sizeof *s.x);
    memcpy(s.z, from->z, nodes * sizeof *s.z);
    if (s.y != NULL) memcpy(s.y, from->y, nodes * sizeof *s.y);
    memcpy(s.plastic, from->plastic, cells * (s.ny > 1 ? 6 : 4) * sizeof *s.plastic);
    memcpy(s.c_li, from->c_li, cells * sizeof *s.c_li);
    memcpy(s.c_v, from->c_v, cells * sizeof *s.c_v);
    memcpy(s.solid, from->solid, cells);
    memcpy(s.wire, from->wire, cells);
    copy.x = s.x;
    copy.y = s.y;
    copy.z = s.z;
    copy.plastic = s.plastic;
    copy.c_li = s.c_li;
    copy.c_v = s.c_v;
    copy.wire = s.wire;
    copy.solid = s.solid;
    *out = copy;
    return SEI_OK;
done:
    sei_mechanics_state_free(&s);
    return status;
}

sei_status sei_mechanics_load(const sei_mechanics_options *o, const char *backend, const double *c_li, const double *c_v,
                              sei_mechanics_state *state) {
    journey j = {.options = o};
    sei_mechanics_state s = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_mechanics_check(o));
    SEI_TRY(sei_mech_state_check(o, state));
    SEI_TRY(operators_of(backend, o->ny > 1 ? 3 : 2, &j.operators));
    SEI_TRY(check_field(state, c_li, "c_li"));
    SEI_TRY(check_field(state, c_v, "c_v"));
    SEI_TRY(copy_state(o, state, &s));
    const int64_t cells = s.nx * s.ny * s.nz, useful = cells / CELLS_PER_THREAD;
    const int threads = useful < 1 || !j.operators->team ? 1 : (int)(useful < sei_threads() ? useful : sei_threads());
    SEI_TRY(sei_mech_work_make(&s, threads, &j.work));
    j.aim = (sei_mech_aim){.tolerance = o->tolerance,
                           .least_stress = 1e-4 * o->yield,
                           .axial_free = o->axial == SEI_MECHANICS_AXIAL_FREE,
                           .max_iterations = o->max_iterations};
    for (int64_t n = 0; n < cells; ++n) j.aim.cells += s.wire[n];
    take_back_rigid_motion(o, &s);
    const int64_t steps = steps_between(o, &s, c_li, c_v);
    for (int64_t step = 1; step <= steps; ++step) {
        const double part = (double)step / (double)steps, rest = 1 - part;
        for (int64_t n = 0; n < cells; ++n) {
            s.c_li[n] = step == steps ? c_li[n] : rest * state->c_li[n] + part * c_li[n];
            s.c_v[n] = step == steps ? c_v[n] : rest * state->c_v[n] + part * c_v[n];
        }
        SEI_TRY(one_balance(&j, &s));
    }
    s.loads += 1;
    const sei_mechanics_state old = *state;
    *state = s;
    s = old;
done:
    sei_mechanics_state_free(&s);
    sei_mech_work_free(&j.work);
    return status;
}
