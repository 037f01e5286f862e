/*
 * Claims:
 *   the regular solution has the binodals, spinodals and barrier of Omega = 2.6;
 *   a flat interface relaxes to the analytic profile, width and energy, to second order in the cell;
 *   a closed box keeps both fields' sums and never gains energy, by Euler and by super-time-stepping;
 *   lithium's front reaches the axis when the shrinking core (Stefan) says so;
 *   RKL1 and Euler agree; the explicit limit is the limit: just below it the checkerboard dies, just above it grows;
 *   every instruction set with a fused multiply-add and any number of threads give the same bits, the others the same fields;
 *   a stored state goes on bit for bit; a wire without variation along its axis is the 2-D model.
 */
#include "core/instruction_sets.h"
#include "core/threads.h"
#include "phasefield/model.h"
#include "support/test.h"

/* 10-90 % width and energy of a flat interface for kappa = 1e-4, by quadrature of sqrt(f - f_min). */
static const double WIDTH = 0.02526462, ENERGY = 0.00162371397, BINODAL = 0.1239710;

static void test_regular_solution(void **state) {
    (void)state;
    const double poor = 0.123971, spinodal = 0.259808;
    assert_close(sei_pf_solution_slope(poor, 2.6, 0.06), 0, 1e-5);
    assert_close(sei_pf_solution_slope(1 - poor, 2.6, 0.06), 0, 1e-5);
    const double h = 1e-4;
    const double curvature =
        (sei_pf_solution_slope(spinodal + h, 2.6, 0.06) - sei_pf_solution_slope(spinodal - h, 2.6, 0.06)) / (2 * h);
    assert_close(curvature, 0, 1e-5);
    assert_close(sei_pf_solution_energy(0.5, 2.6, 0.06) - sei_pf_solution_energy(poor, 2.6, 0.06), 0.0492501, 1e-6);
    /* the continuation is twice differentiable: a quadratic with the same value, slope and curvature */
    const double e = 0.06, bend = sei_pf_solution_curvature(2.6, e);
    assert_close(bend, 1 / (e * (1 - e)) - 5.2, 1e-12);
    const double f = sei_pf_solution_energy(e, 2.6, e), slope = sei_pf_solution_slope(e, 2.6, e);
    assert_close(sei_pf_solution_energy(e - 0.2, 2.6, e), f - 0.2 * slope + 0.02 * bend, 1e-14);
    assert_close(sei_pf_solution_slope(e - 0.2, 2.6, e), slope - 0.2 * bend, 1e-14);
}

/* Where c crosses a value, from the cell centres around it. */
static double crossing(const double *c, int64_t n, double dx, double value) {
    for (int64_t i = 1; i < n; ++i)
        if (c[i - 1] < value && c[i] >= value) return dx * ((double)i - 0.5 + (value - c[i - 1]) / (c[i] - c[i - 1]));
    return NAN;
}

typedef struct interface {
    double width, energy, worst; /* worst: largest distance from the analytic profile */
} interface;

/* x(c) - x(1/2) = sqrt(kappa/2) times the integral of dc/sqrt(f - f_min) from 1/2. */
static double profile_position(double c, double kappa) {
    const int steps = 4000;
    const double floor_energy = sei_pf_solution_energy(BINODAL, 2.6, 0.06);
    double sum = 0;
    for (int n = 0; n < steps; ++n) {
        const double at = 0.5 + (c - 0.5) * (n + 0.5) / steps;
        sum += 1 / sqrt(sei_pf_solution_energy(at, 2.6, 0.06) - floor_energy);
    }
    return sqrt(kappa / 2) * sum * (c - 0.5) / steps;
}

static interface relaxed_interface(int64_t cells_per_width) {
    sei_phasefield_options o;
    sei_phasefield_state s = {0};
    sei_phasefield_options_default(&o);
    o.geometry = SEI_PHASEFIELD_BOX;
    o.nx = 10 * cells_per_width;
    o.nz = 3;
    o.dx = WIDTH / (double)cells_per_width;
    o.m_v = 0;
    assert_ok(sei_phasefield_begin(&o, &s));
    for (int64_t n = 0; n < o.nx * o.nz; ++n) s.c_li[n] = n % o.nx < o.nx / 2 ? BINODAL : 1 - BINODAL;
    sei_phasefield_limits limits;
    assert_ok(sei_phasefield_check(&o, &limits));
    assert_ok(sei_phasefield_step(&o, "cpu", (int64_t)(4e-3 / limits.tau), &s));
    double energy = 0;
    assert_ok(sei_phasefield_energy(&o, &s, &energy));
    interface result = {0};
    const double bulk = sei_pf_solution_energy(BINODAL, 2.6, 0.06);
    const double low = BINODAL + 0.1 * (1 - 2 * BINODAL), middle = crossing(s.c_li, o.nx, o.dx, 0.5);
    result.energy = energy / (3 * o.dx) - bulk * o.dx * (double)o.nx;
    result.width = crossing(s.c_li, o.nx, o.dx, 1 - low) - crossing(s.c_li, o.nx, o.dx, low);
    for (int64_t i = 0; i < o.nx; ++i)
        if (s.c_li[i] > 0.2 && s.c_li[i] < 0.8) {
            const double away = fabs(o.dx * ((double)i + 0.5) - middle - profile_position(s.c_li[i], o.kappa_li));
            result.worst = fmax(result.worst, away);
        }
    sei_phasefield_state_free(&s);
    return result;
}

static void test_equilibrium_interface(void **state) {
    (void)state;
    const interface coarse = relaxed_interface(4), fine = relaxed_interface(8);
    const double energy_coarse = fabs(coarse.energy / ENERGY - 1), energy_fine = fabs(fine.energy / ENERGY - 1);
    print_message("interface at dx = w/4, w/8: energy off by %.2e, %.2e; width by %.2e, %.2e; profile by %.2e w, %.2e w\n",
                  energy_coarse, energy_fine, fabs(coarse.width / WIDTH - 1), fabs(fine.width / WIDTH - 1), coarse.worst / WIDTH,
                  fine.worst / WIDTH);
    assert_true(energy_coarse < 0.01);
    assert_true(fabs(coarse.width / WIDTH - 1) < 0.04);
    assert_true(coarse.worst < 0.02 * WIDTH);
    assert_close(log2(energy_coarse / energy_fine), 2, 0.2);
    assert_true(fine.worst < 0.35 * coarse.worst);
}

/* A closed, coupled box of random fields. */
static void begin_box(sei_phasefield_options *o, sei_phasefield_state *s, int64_t n, sei_phasefield_integrator integrator) {
    sei_phasefield_options_default(o);
    o->geometry = SEI_PHASEFIELD_BOX;
    o->integrator = integrator;
    o->nx = n;
    o->nz = n + 5;
    o->periodic_x = true;
    o->dx = 0.0172;
    o->kappa_v = 2e-4;
    assert_ok(sei_phasefield_begin(o, s));
    for (int64_t i = 0; i < s->nx * s->nz; ++i) {
        s->c_li[i] = 0.2 + 0.6 * sei_test_uniform(1, (uint64_t)i);
        s->c_v[i] = 0.05 + 0.7 * sei_test_uniform(2, (uint64_t)i);
    }
}

static double sum_of(const double *field, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += field[i];
    return sum;
}

static void check_closed_box(sei_phasefield_integrator integrator, int64_t steps, const char *backend) {
    sei_phasefield_options o;
    sei_phasefield_state s = {0};
    begin_box(&o, &s, 40, integrator);
    const int64_t n = s.nx * s.nz;
    const double li = sum_of(s.c_li, n), vacancies = sum_of(s.c_v, n);
    double energy = 0, first = 0;
    assert_ok(sei_phasefield_energy(&o, &s, &first));
    energy = first;
    for (int test = 0; test < 40; ++test) {
        double next = 0;
        assert_ok(sei_phasefield_step(&o, backend, steps / 40, &s));
        assert_ok(sei_phasefield_energy(&o, &s, &next));
        if (!(next <= energy + 1e-13 * fabs(energy))) fail_msg("test %d: energy rose from %.17g to %.17g", test, energy, next);
        energy = next;
    }
    assert_true(energy < first - 0.01); /* and something happened */
    assert_close(sum_of(s.c_li, n) / li, 1, 1e-12);
    assert_close(sum_of(s.c_v, n) / vacancies, 1, 1e-12);
    sei_phasefield_state_free(&s);
}

static void test_closed_box(void **state) {
    (void)state;
    check_closed_box(SEI_PHASEFIELD_EULER, 4000, "cpu");
    check_closed_box(SEI_PHASEFIELD_RKL1, 1200, "cpu");
    check_closed_box(SEI_PHASEFIELD_RKL1, 200, "ref");
}

/* A wire without sources. */
static void quiet_wire(sei_phasefield_options *o, int64_t n) {
    sei_phasefield_options_default(o);
    o->nx = o->nz = n;
    o->r0 = o->k_s = o->k_a = 0;
}

static double mean_of(const sei_phasefield_state *s, const double *field) {
    double sum = 0;
    for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n) sum += s->wire[n] ? field[n] : 0;
    return sum / (double)sei_pf_count(s->wire, s->nx * s->ny * s->nz);
}

static void test_stefan(void **state) {
    (void)state;
    sei_phasefield_options o;
    sei_phasefield_state s = {0};
    bool ended = false;
    quiet_wire(&o, 96);
    o.kappa_li = 4e-4;
    assert_ok(sei_phasefield_begin(&o, &s));
    /* t = Dc/(M Dmu) [1/4 - r^2/4 + (r^2/2) ln r]: a front between the binodal and c_min, driven by mu = 0.25835 at the rim */
    const double scale = 0.736 / (o.m_li * 0.25835);
    assert_ok(sei_phasefield_step(&o, "cpu", 1000, &s));
    assert_close(s.half_time, 0.02, 1e-12);
    const double early = mean_of(&s, s.c_li);
    assert_ok(sei_phasefield_advance(&o, "cpu", 100, &s, &ended));
    assert_true(ended);
    print_message("front: mean c_Li(0.02) %.4f, lithiated after %.4f (sharp front %.4f)\n", early, s.last_time, scale / 4);
    assert_close(early, 0.633, 0.02 * 0.633);
    assert_close(s.last_time, 0.073, 0.02 * 0.073 + 250 * 2e-5);
    sei_phasefield_state_free(&s);
}

static void test_integrators_agree(void **state) {
    (void)state;
    double means[2];
    for (int n = 0; n < 2; ++n) {
        sei_phasefield_options o;
        sei_phasefield_state s = {0};
        quiet_wire(&o, 48);
        o.tau = n == 0 ? 1.6e-5 : 4e-7;
        o.integrator = n == 0 ? SEI_PHASEFIELD_RKL1 : SEI_PHASEFIELD_EULER;
        o.kappa_li = 4e-4;
        assert_ok(sei_phasefield_begin(&o, &s));
        assert_ok(sei_phasefield_step(&o, "cpu", n == 0 ? 500 : 20000, &s));
        means[n] = mean_of(&s, s.c_li);
        assert_close(s.half_time, 8e-3, 1e-10);
        sei_phasefield_state_free(&s);
    }
    print_message("mean c_Li by rkl1 %.5f, by euler %.5f\n", means[0], means[1]);
    assert_close(means[0], means[1], 1e-3);
}

/* Growth of the checkerboard over ten Euler steps of `part` times the limit, about a state where f'' is the largest. */
static double checkerboard_growth(double part, int64_t ny) {
    sei_phasefield_options o;
    sei_phasefield_limits limits;
    sei_phasefield_state s = {0};
    sei_pf_work work = {0};
    sei_phasefield_options_default(&o);
    o.geometry = SEI_PHASEFIELD_BOX;
    o.integrator = SEI_PHASEFIELD_EULER;
    o.nx = o.nz = 8;
    o.ny = ny;
    o.periodic_x = o.periodic_z = true;
    o.dx = 0.02;
    o.m_v = 0;
    o.safety = 1;
    assert_ok(sei_phasefield_check(&o, &limits));
    assert_ok(sei_phasefield_begin(&o, &s));
    const int64_t n = 64 * ny;
    for (int64_t i = 0; i < n; ++i) s.c_li[i] = 0.01 + (((i % 8 + i / 8 % ny + i / 8 / ny) & 1) != 0 ? 1e-6 : -1e-6);
    assert_ok(sei_pf_work_make(&o, &limits, &s, 1, false, &work));
    work.stage[0].w = part * limits.dt_li;
    sei_pf_macro_steps(&work, sei_pf_cpu("auto", false), 1, 10);
    const double growth = fabs(((double *)work.li[0])[1] - ((double *)work.li[0])[0]) / 2e-6;
    sei_pf_work_free(&work);
    sei_phasefield_state_free(&s);
    return growth;
}

static void test_explicit_limit(void **state) {
    (void)state;
    /* each step multiplies the mode by 1 - 2 part */
    for (int64_t ny = 1; ny <= 8; ny += 7) {
        assert_close(checkerboard_growth(0.95, ny), pow(0.9, 10), 1e-3);
        assert_close(checkerboard_growth(1.05, ny), pow(1.1, 10), 1e-2);
    }
}

/* A wire in the middle of a run: fronts, voids, some of them wetted. */
static void begin_busy(sei_phasefield_options *o, sei_phasefield_state *s, int64_t n, int64_t ny, int64_t half_cycles) {
    sei_phasefield_options_default(o);
    o->nx = o->nz = n;
    o->ny = ny;
    o->kappa_v = 8e-4;
    const int64_t cells = n * n * ny;
    double *li = malloc((size_t)cells * sizeof *li), *v = malloc((size_t)cells * sizeof *v);
    uint8_t *wetted = calloc((size_t)cells, 1);
    assert_true(li != NULL && v != NULL && wetted != NULL);
    for (int64_t k = 0; k < n; ++k)
        for (int64_t j = 0; j < ny; ++j)
            for (int64_t i = 0; i < n; ++i) {
                const int64_t at = (k * ny + j) * n + i;
                const double r = sqrt(sei_pf_radius2(o, i, k)), x = (double)i / (double)n, z = (double)k / (double)n;
                const double y = ny > 1 ? 0.2 * cos(2 * 3.14159265358979 * (double)j / (double)ny) : 0;
                li[at] = 0.5 + 0.38 * tanh((r - 0.55 + y * 0.3) / 0.06);
                v[at] = 0.14 + 0.75 * pow(sin(9 * x + y) * sin(11 * z - y), 4);
                wetted[at] = v[at] > 0.5 && r > 0.5;
            }
    assert_ok(sei_phasefield_begin_fields(o, li, v, wetted, half_cycles, s));
    free(li);
    free(v);
    free(wetted);
}

static void assert_same_fields(const sei_phasefield_state *a, const sei_phasefield_state *b) {
    const size_t bytes = (size_t)(a->nx * a->ny * a->nz) * sizeof *a->c_li;
    assert_memory_equal(a->c_li, b->c_li, bytes);
    assert_memory_equal(a->c_v, b->c_v, bytes);
    assert_memory_equal(a->source, b->source, bytes);
}

static void test_threads_give_the_same_bits(void **state) {
    (void)state;
    for (int64_t half = 2; half <= 3; ++half)
        for (int64_t ny = 1; ny <= 5; ny += 4) {
            sei_phasefield_options o;
            sei_phasefield_limits limits;
            sei_phasefield_state s = {0};
            begin_busy(&o, &s, ny == 1 ? 45 : 27, ny, half);
            assert_ok(sei_phasefield_check(&o, &limits));
            assert_ok(sei_pf_refresh_source(&o, &limits, &s));
            const int threads[] = {1, 2, 3, 7};
            sei_pf_work work[4] = {0};
            const size_t bytes = (size_t)(s.nx * s.ny * s.nz) * sizeof(double);
            for (size_t t = 0; t < 4; ++t) {
                assert_ok(sei_pf_work_make(&o, &limits, &s, threads[t], false, &work[t]));
                work[t].source = s.source;
                sei_pf_macro_steps(&work[t], sei_pf_cpu("auto", false), threads[t], 25);
                assert_memory_equal(work[t].li[0], work[0].li[0], bytes);
                assert_memory_equal(work[t].vacancy[0], work[0].vacancy[0], bytes);
            }
            for (size_t t = 0; t < 4; ++t) sei_pf_work_free(&work[t]);
            sei_phasefield_state_free(&s);
        }
    /* and through the front door, where the number of threads follows from the field's size */
    sei_phasefield_state runs[2] = {0};
    for (int t = 0; t < 2; ++t) {
        sei_phasefield_options o;
        begin_busy(&o, &runs[t], 128, 1, 3);
        sei_threads_set(t == 0 ? 1 : 3);
        assert_ok(sei_phasefield_step(&o, "cpu", 12, &runs[t]));
        sei_threads_set(0);
    }
    assert_same_fields(&runs[0], &runs[1]);
    sei_phasefield_state_free(&runs[0]);
    sei_phasefield_state_free(&runs[1]);
}

static double largest_difference(const double *a, const double *b, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; ++i) most = fmax(most, fabs(a[i] - b[i]));
    return most;
}

/* The same macro steps by two sets of operators. */
static void check_operators(const sei_phasefield_options *o, const sei_phasefield_state *s, const sei_pf_operators *other,
                            const sei_pf_operators *plain, int64_t steps, double tolerance) {
    sei_phasefield_limits limits;
    sei_pf_work a = {0}, b = {0};
    assert_ok(sei_phasefield_check(o, &limits));
    assert_ok(sei_pf_work_make(o, &limits, s, 2, false, &a));
    assert_ok(sei_pf_work_make(o, &limits, s, 2, false, &b));
    a.source = b.source = s->source;
    sei_pf_macro_steps(&a, other, 2, steps);
    sei_pf_macro_steps(&b, plain, 2, steps);
    const int64_t n = s->nx * s->ny * s->nz;
    assert_true(largest_difference(b.li[0], s->c_li, 1) >= 0 && sum_of(b.li[0], n) != sum_of(s->c_li, n));
    assert_close(largest_difference(a.li[0], b.li[0], n), 0, tolerance);
    assert_close(largest_difference(a.vacancy[0], b.vacancy[0], n), 0, tolerance);
    sei_pf_work_free(&a);
    sei_pf_work_free(&b);
}

static void test_backends_agree(void **state) {
    (void)state;
    const char *isas[] = {SEI_ISA_NAMES};
    for (int form = SEI_PHASEFIELD_ADDITIVE; form <= SEI_PHASEFIELD_LITERAL; ++form)
        for (int64_t half = 2; half <= 3; ++half)
            for (int64_t ny = 1; ny <= 4; ny += 3) {
                sei_phasefield_options o;
                sei_phasefield_limits limits;
                sei_phasefield_state s = {0};
                begin_busy(&o, &s, 25, ny, half);
                o.free_energy = (sei_phasefield_energy_form)form;
                assert_ok(sei_phasefield_check(&o, &limits));
                assert_ok(sei_pf_refresh_source(&o, &limits, &s));
                const int64_t steps = ny > 1 ? 40 : (form == SEI_PHASEFIELD_ADDITIVE ? 1000 : 100);
                check_operators(&o, &s, sei_pf_cpu("auto", false), &sei_pf_ref, steps, 1e-10);
                for (size_t n = 0; n < sizeof isas / sizeof isas[0]; ++n)
                    if (sei_pf_cpu(isas[n], false) != NULL)
                        check_operators(&o, &s, sei_pf_cpu(isas[n], false), sei_pf_cpu("auto", false), 20, n == 0 ? 1e-12 : 0);
                sei_phasefield_state_free(&s);
            }
}

static void test_stored_state_goes_on(void **state) {
    (void)state;
    for (int64_t half = 2; half <= 3; ++half) {
        sei_phasefield_options o;
        sei_phasefield_state whole = {0}, parts = {0};
        begin_busy(&o, &whole, 33, 1, half);
        begin_busy(&o, &parts, 33, 1, half);
        o.check_every = 40;
        assert_ok(sei_phasefield_step(&o, "cpu", 150, &whole));
        const int64_t pieces[] = {1, 38, 2, 60, 49};
        for (size_t n = 0; n < 5; ++n) assert_ok(sei_phasefield_step(&o, "cpu", pieces[n], &parts));
        assert_same_fields(&whole, &parts);
        assert_true(whole.half_time == parts.half_time && whole.evaluations == parts.evaluations);
        sei_phasefield_state_free(&whole);
        sei_phasefield_state_free(&parts);
    }
}

static void test_axis_without_variation(void **state) {
    (void)state;
    sei_phasefield_options o;
    sei_phasefield_state flat = {0}, deep = {0};
    begin_busy(&o, &flat, 30, 1, 2);
    double *li = malloc(30 * 30 * 4 * sizeof *li), *v = malloc(30 * 30 * 4 * sizeof *v);
    uint8_t *wetted = malloc(30 * 30 * 4);
    assert_true(li != NULL && v != NULL && wetted != NULL);
    for (int64_t n = 0; n < 30 * 30 * 4; ++n) {
        const int64_t from = n / 120 * 30 + n % 30;
        li[n] = flat.c_li[from];
        v[n] = flat.c_v[from];
        wetted[n] = flat.wetted[from];
    }
    o.integrator = SEI_PHASEFIELD_EULER;
    o.tau = 1e-6;
    assert_ok(sei_phasefield_step(&o, "cpu", 300, &flat));
    o.ny = 4;
    assert_ok(sei_phasefield_begin_fields(&o, li, v, wetted, 2, &deep));
    assert_ok(sei_phasefield_step(&o, "cpu", 300, &deep));
    for (int64_t n = 0; n < 30 * 30 * 4; ++n) {
        assert_close(deep.c_li[n], flat.c_li[n / 120 * 30 + n % 30], 1e-13);
        assert_close(deep.c_v[n], flat.c_v[n / 120 * 30 + n % 30], 1e-13);
    }
    free(li);
    free(v);
    free(wetted);
    sei_phasefield_state_free(&flat);
    sei_phasefield_state_free(&deep);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regular_solution),
        cmocka_unit_test(test_equilibrium_interface),
        cmocka_unit_test(test_closed_box),
        cmocka_unit_test(test_stefan),
        cmocka_unit_test(test_integrators_agree),
        cmocka_unit_test(test_explicit_limit),
        cmocka_unit_test(test_threads_give_the_same_bits),
        cmocka_unit_test(test_backends_agree),
        cmocka_unit_test(test_stored_state_goes_on),
        cmocka_unit_test(test_axis_without_variation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
