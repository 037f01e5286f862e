/*
 * Claims, against the published phase-field benchmarks (PFHub):
 *   benchmark 1a (spinodal decomposition, periodic): the initial energy, mass to round-off, energy that never rises, from
 *   t = 50 on the energy within 3 % of the middle of the published curves (3.2 % from 60 to 90; to t = 100, or 1000 with
 *   SEITOMO_FULL=1), and within 0.5 % of the spectral code's at t = 50 and 100;
 *   benchmark 7 (manufactured solution of an Allen-Cahn equation): second order in space, first order in time of the shared
 *   stencils and explicit Euler.
 */
#include "phasefield/model.h"
#include "support/test.h"

/* ---- benchmark 1a: f = 5 (c - 0.3)^2 (0.7 - c)^2, kappa 2, M 5, 200 x 200, dx 1 */

static double spinodal_start(double x, double y) {
    const double a = cos(0.105 * x) * cos(0.11 * y), b = cos(0.13 * x) * cos(0.087 * y);
    return 0.5 + 0.01 * (a + b * b + cos(0.025 * x - 0.15 * y) * cos(0.07 * x - 0.02 * y));
}

/* offset: of the first sample from the corner, 0 (the nodes, as the published codes) or 1/2 (for quadrature). */
static void spinodal_begin(double offset, sei_phasefield_options *o, sei_phasefield_state *s) {
    sei_phasefield_options_default(o);
    o->geometry = SEI_PHASEFIELD_BOX;
    o->free_energy = SEI_PHASEFIELD_QUARTIC;
    o->nx = o->nz = 200;
    o->dx = 1;
    o->periodic_x = o->periodic_z = true;
    o->kappa_li = 2;
    o->m_li = 5;
    o->tau = 0.1; /* energies within 0.1 % of those of smaller steps */
    assert_ok(sei_phasefield_begin(o, s));
    for (int64_t k = 0; k < 200; ++k)
        for (int64_t i = 0; i < 200; ++i) s->c_li[k * 200 + i] = spinodal_start((double)i + offset, (double)k + offset);
}

typedef struct curve {
    int n;
    double t[20000], f[20000];
} curve;

/* Reads time and energy from two columns of a published table; rows without energy are left out. */
static void read_curve(const char *folder, const char *name, int energy_column, curve *out) {
    char path[4400], line[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    out->n = 0;
    assert_non_null(fgets(line, sizeof line, file));
    while (fgets(line, sizeof line, file) != NULL && out->n < 20000) {
        char *cell = line;
        const double t = strtod(cell, NULL);
        for (int n = 0; n < energy_column && cell != NULL; ++n) {
            cell = strchr(cell, ',');
            if (cell != NULL) ++cell;
        }
        const double f = cell == NULL ? 0 : strtod(cell, NULL);
        if (!(f > 0) || (out->n > 0 && t <= out->t[out->n - 1])) continue;
        out->t[out->n] = t;
        out->f[out->n++] = f;
    }
    assert_int_equal(fclose(file), 0);
    assert_true(out->n > 10);
}

/* Between two samples a power law of time, as coarsening goes: one of the curves has few samples. */
static double curve_at(const curve *c, double t) {
    for (int n = 1; n < c->n; ++n)
        if (c->t[n] >= t && c->t[n - 1] <= t && c->t[n - 1] > 0)
            return c->f[n - 1] * pow(t / c->t[n - 1], log(c->f[n] / c->f[n - 1]) / log(c->t[n] / c->t[n - 1]));
    return NAN;
}

/* The middle between the lowest and the highest of the curves. */
static double middle_at(const curve *curves, int n, double t) {
    double low = INFINITY, high = -INFINITY;
    for (int k = 0; k < n; ++k) {
        const double f = curve_at(&curves[k], t);
        if (isnan(f)) continue;
        low = fmin(low, f);
        high = fmax(high, f);
    }
    return 0.5 * (low + high);
}

static void test_spinodal_decomposition(void **state) {
    (void)state;
    static curve curves[4];
    const char *folder = sei_test_data("pfhub_bm");
    sei_phasefield_options o;
    sei_phasefield_state s = {0};
    double energy = 0, sum = 0, first_sum = 0;
    spinodal_begin(0.5, &o, &s);
    o.periodic_x = o.periodic_z = false; /* the initial field does not close: its quadrature has no seam */
    assert_ok(sei_phasefield_energy(&o, &s, &energy));
    for (int64_t n = 0; n < 40000; ++n) sum += s.c_li[n];
    assert_close(energy, 319.043, 0.005);
    assert_close(sum, 20100.911, 0.05);
    sei_phasefield_state_free(&s);

    spinodal_begin(0, &o, &s);
    assert_ok(sei_phasefield_energy(&o, &s, &energy));
    sum = 0;
    for (int64_t n = 0; n < 40000; ++n) first_sum += s.c_li[n];
    if (folder != NULL) {
        read_curve(folder, "bm1a_meumapps_spectral.csv", 1, &curves[0]);
        read_curve(folder, "bm1a_fenics_yashchuk.csv", 1, &curves[1]);
        read_curve(folder, "bm1a_moose_frichtl.csv", 4, &curves[2]);
        read_curve(folder, "bm1a_moose_schwen.csv", 2, &curves[3]);
    }
    const char *full = getenv("SEITOMO_FULL");
    const int end = full != NULL && strcmp(full, "1") == 0 ? 1000 : 100;
    double worst = 0;
    for (int t = 10; t <= end; t += 10) {
        double next = 0;
        assert_ok(sei_phasefield_step(&o, "cpu", 100, &s));
        assert_ok(sei_phasefield_energy(&o, &s, &next));
        if (!(next <= energy + 1e-10)) fail_msg("t = %d: energy rose from %.12g to %.12g", t, energy, next);
        energy = next;
        if (folder == NULL || t < 50) continue;
        const double off = energy / middle_at(curves, 4, t) - 1;
        worst = fabs(off) > fabs(worst) ? off : worst;
        if (t % 100 == 0 || t == 50) print_message("benchmark 1a, t = %d: energy %.2f, off by %+.1f %%\n", t, energy, 100 * off);
        /* the spectral code has the same cells: the same energy, until the paths of coarsening part */
        if (t == 50 || t == 100) assert_close(energy / curve_at(&curves[0], t), 1, 0.005);
        /* from 60 to 80 one of the curves is late by its time step and draws the middle up: 3.1 % there, whatever step we take */
        const double allowed = t > 50 && t < 100 ? 0.032 : 0.03;
        if (fabs(off) > allowed) fail_msg("t = %d: energy %g is %+.1f %% off the middle of the curves", t, energy, 100 * off);
    }
    for (int64_t n = 0; n < 40000; ++n) sum += s.c_li[n];
    assert_close(sum / first_sum, 1, 1e-12);
    if (folder != NULL) print_message("benchmark 1a to t = %d: at most %+.1f %% off\n", end, 100 * worst);
    sei_phasefield_state_free(&s);
}

/* ---- benchmark 7: d eta/dt = -4 eta (eta-1)(eta-1/2) + kappa lap eta + S on 1 x 1/2 */

typedef struct front {
    double alpha, t, x, xx; /* place, and its derivatives */
} front;

static front front_at(double x, double t) {
    const double pi = 3.14159265358979323846, a1 = 0.0075, b1 = 8 * pi, a2 = 0.03, b2 = 22 * pi, c2 = 0.0625 * pi;
    const double inner = b2 * x + c2 * t;
    return (front){0.25 + a1 * t * sin(b1 * x) + a2 * sin(inner), a1 * sin(b1 * x) + a2 * c2 * cos(inner),
                   a1 * b1 * t * cos(b1 * x) + a2 * b2 * cos(inner), -a1 * b1 * b1 * t * sin(b1 * x) - a2 * b2 * b2 * sin(inner)};
}

static const double KAPPA = 0.0004;

static double manufactured(double x, double y, double t) {
    return 0.5 * (1 - tanh((y - front_at(x, t).alpha) / sqrt(2 * KAPPA)));
}

/* What makes the manufactured solution one: with u = (y - alpha)/sqrt(2 kappa), sech^2 u = 1 - tanh^2 u. */
static double manufactured_source(double x, double y, double t) {
    const front f = front_at(x, t);
    const double root = sqrt(2 * KAPPA), th = tanh((y - f.alpha) / root), sech2 = 1 - th * th;
    return sech2 / (4 * sqrt(KAPPA)) * (-2 * sqrt(KAPPA) * th * f.x * f.x + sqrt(2) * (f.t - KAPPA * f.xx));
}

/* Explicit Euler to `end` with the room's chemical potential: f = eta^2 (eta - 1)^2. The field belongs to the caller. */
static double *allen_cahn(int64_t nx, int steps, double end, const sei_pf_operators *operators) {
    sei_phasefield_options o;
    sei_phasefield_limits limits;
    sei_phasefield_state s = {0};
    sei_pf_work work = {0};
    sei_phasefield_options_default(&o);
    o.geometry = SEI_PHASEFIELD_BOX;
    o.free_energy = SEI_PHASEFIELD_QUARTIC;
    o.nx = nx;
    o.nz = nx / 2;
    o.dx = 1 / (double)nx;
    o.periodic_x = true; /* the solution is flat at the faces along z, which are closed */
    o.kappa_li = KAPPA;
    o.rho = 1;
    o.c_a = 0;
    o.c_b = 1;
    assert_ok(sei_phasefield_check(&o, &limits));
    assert_ok(sei_phasefield_begin(&o, &s));
    assert_ok(sei_pf_work_make(&o, &limits, &s, 1, false, &work));
    const int64_t n = o.nx * o.nz;
    double *eta = malloc((size_t)n * sizeof *eta), *mu = malloc((size_t)n * sizeof *mu);
    assert_true(eta != NULL && mu != NULL);
    for (int64_t i = 0; i < n; ++i)
        eta[i] = manufactured(((double)(i % nx) + 0.5) * o.dx, ((double)(i / nx) + 0.5) * o.dx, 0); /* NOLINT */
    const double dt = end / steps;
    operators->bracket(&work, 0, o.nz, work.vacancy[0]);
    for (int step = 0; step < steps; ++step) {
        operators->potential(&work, 0, o.nz, eta, mu);
        for (int64_t i = 0; i < n; ++i) {
            const double x = ((double)(i % nx) + 0.5) * o.dx, y = ((double)(i / nx) + 0.5) * o.dx; /* NOLINT */
            eta[i] += dt * (manufactured_source(x, y, step * dt) - mu[i]);
        }
    }
    free(mu);
    sei_pf_work_free(&work);
    sei_phasefield_state_free(&s);
    return eta;
}

/* Root mean square difference from the exact solution at t. */
static double error_at(const double *eta, int64_t nx, double t) {
    double sum = 0;
    for (int64_t i = 0; i < nx * (nx / 2); ++i) {
        const double x = ((double)(i % nx) + 0.5) / (double)nx, y = ((double)(i / nx) + 0.5) / (double)nx; /* NOLINT */
        const double d = eta[i] - manufactured(x, y, t);
        sum += d * d;
    }
    return sqrt(sum / (double)(nx * (nx / 2)));
}

static void test_manufactured_solution(void **state) {
    (void)state;
    /* in space: the step shrinks with the cell's square, so that it adds the same order */
    const char *full = getenv("SEITOMO_FULL");
    const bool long_run = full != NULL && strcmp(full, "1") == 0;
    const double end = long_run ? 8 : 1;
    double errors[2];
    for (int n = 0; n < 2; ++n) {
        const int64_t nx = (long_run ? 256 : 128) << n;
        double *eta = allen_cahn(nx, (int)(end * (long_run ? 160 : 40)) << (2 * n), end, sei_pf_cpu("auto", false));
        errors[n] = error_at(eta, nx, end);
        free(eta);
    }
    const double order = log2(errors[0] / errors[1]);
    print_message("benchmark 7, in space at t = %g: rms error %.2e, %.2e, order %.3f\n", end, errors[0], errors[1], order);
    assert_close(order, 2, 0.1);

    /* in time, on one grid: the differences between successive halvings of the step halve */
    double *runs[3], first = 0, second = 0;
    const int64_t nx = 64;
    for (int n = 0; n < 3; ++n) runs[n] = allen_cahn(nx, 40 << n, 1, n == 0 ? &sei_pf_ref : sei_pf_cpu("auto", false));
    for (int64_t i = 0; i < nx * nx / 2; ++i) {
        first += pow(runs[0][i] - runs[1][i], 2);
        second += pow(runs[1][i] - runs[2][i], 2);
    }
    for (int n = 0; n < 3; ++n) free(runs[n]);
    print_message("benchmark 7, in time: order %.3f\n", 0.5 * log2(first / second));
    assert_close(0.5 * log2(first / second), 1, 0.1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spinodal_decomposition),
        cmocka_unit_test(test_manufactured_solution),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
