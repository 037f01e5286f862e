/*
 * Damped dynamic relaxation (Underwood, in Computational Methods for Transient Analysis, 1983): nodes of fictitious mass fall
 * towards balance, v <- ((2 - c) v + 2 f/m)/(2 + c), x <- x + v, the damping c twice the lowest frequency that the last step
 * shows (Rayleigh's quotient).
 */
#include <math.h>
#include <string.h>

#include "core/log.h"
#include "phasefield/mechanics.h"

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_thread_num(void) {
    return 0;
}
static int omp_get_num_threads(void) {
    return 1;
}
#endif

enum { ITERATIONS_PER_MASS = 50 };
static const double LEAST_DAMPING = 0.02, MOST_DAMPING = 1.9, LARGEST_STRETCHING = 0.002;

/* What the iterations share beside the nodes: every thread keeps the same copy. */
typedef struct course {
    double damping, stretch_velocity, stretch_mass;
    double residual;
    int64_t iterations;
    bool met;
} course;

typedef struct totals {
    double sum[SEI_MECH_SUMS];
} totals;

/* Row by row, so that threads change no bit. */
static totals add_rows(const double *sums, int64_t rows) {
    totals t = {{0}};
    for (int64_t r = 0; r < rows; ++r)
        for (int n = 0; n < SEI_MECH_SUMS; ++n) t.sum[n] += sums[r * SEI_MECH_SUMS + n];
    return t;
}

/* What an iteration's sums mean: balance, or the next damping and axial stretch. */
static void judge(const sei_mech_aim *aim, const totals *t, sei_mech_work *w, course *c) {
    const double axial = aim->axial_free ? t->sum[SEI_MECH_AXIAL] : 0;
    const double force2 = t->sum[SEI_MECH_FORCE2] + axial * axial / aim->cells;
    const double floor2 = aim->cells * aim->least_stress * aim->least_stress;
    c->residual = sqrt(force2 / fmax(t->sum[SEI_MECH_INTERNAL2], floor2));
    c->met = c->residual <= aim->tolerance;
    c->iterations += 1;
    if (c->met || !isfinite(c->residual)) return;
    const double work = t->sum[SEI_MECH_WORK], inertia = t->sum[SEI_MECH_INERTIA];
    if (inertia > 0) c->damping = fmin(fmax(2 * sqrt(fmax(work, 0) / inertia), LEAST_DAMPING), MOST_DAMPING);
    if (!aim->axial_free) return;
    const double push = -2 * axial / c->stretch_mass;
    const double v = ((2 - c->damping) * c->stretch_velocity + push) / (2 + c->damping);
    c->stretch_velocity = fmin(fmax(v, -LARGEST_STRETCHING), LARGEST_STRETCHING);
    w->stretch += c->stretch_velocity;
    w->log_stretch = log(w->stretch);
}

static void swap_positions(sei_mech_work *w) {
    for (int d = 0; d < w->dims; ++d) {
        double *const position = w->position[d];
        w->position[d] = w->next[d];
        w->next[d] = position;
    }
}

/* What one thread of the team does; planes of nodes z0 <= k < z1 are its own. */
static void team_iterate(const sei_mech_operators *operators, const sei_mech_aim *aim, int thread, int64_t z0, int64_t z1,
                         int64_t count, sei_mech_work *w, course *c) {
    const int64_t rows = (w->nz + 1) * w->ny;
    for (int64_t n = 0; n < count && !c->met; ++n) {
        double *sums = w->sums[n & 1];
        operators->iterate(w, thread, z0, z1, c->damping, sums);
#pragma omp barrier
        const totals t = add_rows(sums, rows);
        judge(aim, &t, w, c);
        if (!isfinite(c->residual)) return;
        if (!c->met) swap_positions(w);
    }
}

static void some_iterations(const sei_mech_operators *operators, const sei_mech_aim *aim, int64_t count, sei_mech_work *w,
                            course *c) {
    const int64_t planes = w->nz + 1;
    const sei_mech_work before = *w;
    const course start = *c;
#pragma omp parallel num_threads(before.threads)
    {
        const int thread = omp_get_thread_num(), size = omp_get_num_threads();
        const int64_t z0 = planes * thread / size, z1 = planes * (thread + 1) / size;
        sei_mech_work mine = before;
        course my_course = start;
        operators->mass(&mine, thread, z0, z1);
#pragma omp barrier
        if (aim->axial_free) {
            double mass = 0;
            for (int64_t n = 0; n < mine.nodes; ++n) mass += mine.mass[n];
            my_course.stretch_mass = mass / (mine.dims == 3 ? 8 * SEI_MECH_SHARE_SPACE : 4 * SEI_MECH_SHARE_PLANE);
        }
        team_iterate(operators, aim, thread, z0, z1, count, &mine, &my_course);
        if (thread == 0) {
            *w = mine;
            *c = my_course;
        }
    }
}

sei_status sei_mech_relax(const sei_mech_operators *operators, const sei_mech_aim *aim, sei_mech_work *w, sei_mech_balance *out) {
    course c = {.damping = 0.1};
    sei_status status = SEI_OK;
    for (int d = 0; d < w->dims; ++d) {
        memset(w->velocity[d], 0, (size_t)w->nodes * sizeof(double));
        memset(w->force[d], 0, (size_t)w->nodes * sizeof(double));
        memcpy(w->next[d], w->position[d], (size_t)w->nodes * sizeof(double));
    }
    while (!c.met && c.iterations < aim->max_iterations) {
        SEI_TRY(sei_interrupt_check());
        const int64_t left = aim->max_iterations - c.iterations;
        some_iterations(operators, aim, left < ITERATIONS_PER_MASS ? left : ITERATIONS_PER_MASS, w, &c);
        if (!isfinite(c.residual))
            SEI_TRY(sei_fail(SEI_ERR_INPUT,
                             "mechanics: positions are no longer finite after %lld iterations; take smaller steps (largest_step)",
                             (long long)c.iterations));
    }
    *out = (sei_mech_balance){c.residual, c.iterations, c.met};
done:
    return status;
}
