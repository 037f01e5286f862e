/*
 * Claims about the phase field through the CUDA module, here its emulation:
 *   after 1,000 macro steps in double the fields are the cpu's within 1e-10, in 2-D and 3-D, wire and boxes, every free energy,
 *   closed and periodic faces, with voids wetted and frozen; in single within 1e-5;
 *   half-cycles end at the same step, wet the same cells and give the same metrics;
 *   states advanced together get what each gets alone, whichever of them ends first, and a state stored between goes on;
 *   neither the order of blocks and threads nor their number changes a bit;
 *   a field that leaves its range is told with its cell, and the state stands at the last test.
 */
#include "core/threads.h"
#include "phasefield/model.h"
#include "seitomo/backend.h"
#include "support/test.h"

static const char *const DEVICE = "cuda-emulated";

/* A wire in the middle of a run: fronts, voids, some of them wetted; or a box of the same fields. */
static void begin_busy(const sei_phasefield_options *o, int64_t half_cycles, sei_phasefield_state *s) {
    const int64_t cells = o->nx * o->ny * o->nz;
    double *li = malloc((size_t)cells * sizeof *li), *v = malloc((size_t)cells * sizeof *v);
    uint8_t *wetted = calloc((size_t)cells, 1);
    assert_true(li != NULL && v != NULL && wetted != NULL);
    for (int64_t n = 0; n < cells; ++n) {
        const int64_t i = n % o->nx, j = n / o->nx % o->ny, k = n / o->nx / o->ny; /* NOLINT */
        const double x = (double)i / (double)o->nx, z = (double)k / (double)o->nz, y = 0.3 * (double)j / (double)o->ny;
        const double r = sqrt(sei_pf_radius2(o, i, k));
        li[n] = 0.5 + 0.38 * tanh((r - 0.55 + 0.2 * y) / 0.1);
        v[n] = 0.14 + 0.75 * pow(sin(9 * x + y) * sin(11 * z - y), 4);
        wetted[n] = v[n] > 0.5 && r > 0.5 && r < 1;
    }
    assert_ok(sei_phasefield_begin_fields(o, li, v, o->geometry == SEI_PHASEFIELD_WIRE ? wetted : NULL, half_cycles, s));
    free(li);
    free(v);
    free(wetted);
}

static void assert_near(const sei_phasefield_state *a, const sei_phasefield_state *b, double tolerance) {
    double most = 0;
    for (int64_t n = 0; n < a->nx * a->ny * a->nz; ++n) {
        most = fmax(most, fabs(a->c_li[n] - b->c_li[n]));
        most = fmax(most, fabs(a->c_v[n] - b->c_v[n]));
        assert_int_equal(a->wetted[n], b->wetted[n]);
    }
    if (!(most <= tolerance)) fail_msg("fields differ by %g, expected at most %g", most, tolerance);
    assert_int_equal(a->macro_steps, b->macro_steps);
    assert_int_equal(a->evaluations, b->evaluations);
    assert_int_equal(a->half_cycles, b->half_cycles);
    assert_true(a->half_time == b->half_time && a->time == b->time);
}

static void assert_same(const sei_phasefield_state *a, const sei_phasefield_state *b) {
    const size_t bytes = (size_t)(a->nx * a->ny * a->nz) * sizeof *a->c_li;
    assert_near(a, b, 0);
    assert_memory_equal(a->source, b->source, bytes);
}

/* The same steps on the cpu and on the device. */
static void compare(const sei_phasefield_options *o, int64_t half_cycles, int64_t steps, double tolerance) {
    sei_phasefield_state cpu = {0}, device = {0};
    begin_busy(o, half_cycles, &cpu);
    begin_busy(o, half_cycles, &device);
    assert_ok(sei_phasefield_step(o, "cpu", steps, &cpu));
    assert_ok(sei_phasefield_step(o, DEVICE, steps, &device));
    assert_near(&cpu, &device, tolerance);
    sei_phasefield_state_free(&cpu);
    sei_phasefield_state_free(&device);
}

static void wire(sei_phasefield_options *o, int64_t n, int64_t ny) {
    sei_phasefield_options_default(o);
    o->nx = o->nz = n;
    o->ny = ny;
    o->kappa_v = 1e-3;
    o->check_every = 100;
}

static void test_a_thousand_macro_steps(void **state) {
    (void)state;
    sei_phasefield_options o;
    wire(&o, 28, 1);
    compare(&o, 3, 1000, 1e-10);
    compare(&o, 2, 120, 1e-10);
    o.integrator = SEI_PHASEFIELD_EULER;
    compare(&o, 3, 30, 1e-10);
}

static void test_forms_and_shapes(void **state) {
    (void)state;
    for (int form = SEI_PHASEFIELD_ADDITIVE; form <= SEI_PHASEFIELD_QUARTIC; ++form)
        for (int64_t ny = 1; ny <= 11; ny += 10) {
            sei_phasefield_options o;
            wire(&o, 28, ny);
            o.free_energy = (sei_phasefield_energy_form)form;
            if (form != SEI_PHASEFIELD_QUARTIC) compare(&o, 3, 11, 1e-10);
            o.geometry = SEI_PHASEFIELD_BOX;
            o.dx = 0.02;
            o.nz = 19;
            o.safety = 0.05; /* the limit knows the quartic's curvature between c_a and c_b only */
            for (int faces = 0; faces < 4; ++faces) {
                o.periodic_x = (faces & 1) != 0;
                o.periodic_z = (faces & 2) != 0;
                compare(&o, 0, 4, 1e-10);
            }
        }
}

static void test_single(void **state) {
    (void)state;
    for (int64_t ny = 1; ny <= 5; ny += 4) {
        sei_phasefield_options o;
        sei_phasefield_state exact = {0}, single = {0};
        wire(&o, 36, ny);
        begin_busy(&o, 2, &exact);
        begin_busy(&o, 2, &single);
        assert_ok(sei_phasefield_step(&o, "cpu", 100, &exact));
        o.precision = SEI_PHASEFIELD_SINGLE;
        assert_ok(sei_phasefield_step(&o, "ref", 100, &single));
        assert_near(&exact, &single, 1e-4);
        compare(&o, 3, ny == 1 ? 110 : 10, 1e-5);
        sei_phasefield_state_free(&exact);
        sei_phasefield_state_free(&single);
    }
}

static double number_of(const sei_phasefield_options *o, const sei_phasefield_state *s, const char *name) {
    sei_numbers numbers = {0};
    assert_ok(sei_phasefield_metrics(o, s, &numbers));
    const sei_number *number = sei_numbers_find(&numbers, name);
    assert_non_null(number);
    const double value = number->value;
    sei_numbers_free(&numbers);
    return value;
}

static void test_half_cycles_together(void **state) {
    (void)state;
    enum { SEEDS = 3 };
    sei_phasefield_options o[SEEDS];
    sei_phasefield_state alone[SEEDS] = {0}, together[SEEDS] = {0};
    bool ended[SEEDS] = {false};
    for (int n = 0; n < SEEDS; ++n) {
        wire(&o[n], 28, 1);
        o[n].seed = (uint64_t)n + 1;
        o[n].t_max = n == 1 ? 0.002 : 0.004; /* one ends before the others */
        o[n].check_every = 35;               /* an odd number of steps goes on without the one that ended */
        begin_busy(&o[n], 1, &alone[n]);
        begin_busy(&o[n], 1, &together[n]);
    }
    for (int half = 0; half < 2; ++half) {
        bool all = false;
        /* in pieces: what is stored between goes on */
        for (int piece = 0; piece < 60 && !all; ++piece) {
            for (int n = 0; n < SEEDS; ++n) {
                if (together[n].half_cycles != 1 + half) continue;
                assert_ok(sei_phasefield_advance_many(&o[n], DEVICE, 3, 1, &together[n], &ended[n]));
            }
            all = true;
            for (int n = 0; n < SEEDS; ++n) all = all && together[n].half_cycles == 2 + half;
        }
        assert_true(all);
        sei_phasefield_state again[SEEDS] = {0};
        for (int n = 0; n < SEEDS; ++n) {
            assert_ok(sei_phasefield_advance(&o[n], "cpu", 400, &alone[n], &ended[n]));
            assert_true(ended[n]);
            assert_near(&alone[n], &together[n], 1e-9);
            assert_close(number_of(&o[n], &together[n], "void_fraction"), number_of(&o[n], &alone[n], "void_fraction"), 1e-3);
            assert_close(number_of(&o[n], &together[n], "wetted_depth"), number_of(&o[n], &alone[n], "wetted_depth"), 1e-3);
            if (half == 0) begin_busy(&o[n], 1, &again[n]);
        }
        if (half > 0) break;
        bool at_once[SEEDS] = {false};
        assert_ok(sei_phasefield_advance_many(o, DEVICE, 400, SEEDS, again, at_once));
        for (int n = 0; n < SEEDS; ++n) {
            assert_true(at_once[n]);
            assert_same(&again[n], &together[n]);
            sei_phasefield_state_free(&again[n]);
        }
        assert_true(together[0].last_time > together[1].last_time);
    }
    for (int n = 0; n < SEEDS; ++n) {
        sei_phasefield_state_free(&alone[n]);
        sei_phasefield_state_free(&together[n]);
    }
}

static void test_order_and_threads(void **state) {
    (void)state;
    sei_phasefield_options o;
    sei_phasefield_state runs[3] = {0};
    wire(&o, 40, 1);
    for (int n = 0; n < 3; ++n) {
        begin_busy(&o, 3, &runs[n]);
        if (n == 1) setenv("SEITOMO_EMULATED_ORDER", "descending", 1);
        sei_threads_set(n == 2 ? 1 : 0);
        assert_ok(sei_phasefield_step(&o, DEVICE, 12, &runs[n]));
        unsetenv("SEITOMO_EMULATED_ORDER");
        sei_threads_set(0);
        assert_same(&runs[n], &runs[0]);
    }
    for (int n = 0; n < 3; ++n) sei_phasefield_state_free(&runs[n]);
}

static void test_cpu_side_by_side(void **state) {
    (void)state;
    enum { STATES = 4 };
    sei_phasefield_options o[STATES];
    sei_phasefield_state many[STATES] = {0}, one[STATES] = {0};
    bool ended[STATES], single;
    for (int n = 0; n < STATES; ++n) {
        wire(&o[n], 28, 1);
        o[n].seed = (uint64_t)n;
        o[n].r0 = 0.2 + 0.05 * n;
        begin_busy(&o[n], 1, &many[n]);
        begin_busy(&o[n], 1, &one[n]);
    }
    sei_threads_set(3);
    assert_ok(sei_phasefield_advance_many(o, "cpu", 2, STATES, many, ended));
    sei_threads_set(0);
    for (int n = 0; n < STATES; ++n) {
        assert_ok(sei_phasefield_advance(&o[n], "cpu", 2, &one[n], &single));
        assert_same(&many[n], &one[n]);
        assert_true(single == ended[n]);
    }
    o[2].tau = 1; /* of four states one is refused: the error comes through with its words */
    assert_refused(sei_phasefield_advance_many(o, "cpu", 1, STATES, many, ended), SEI_ERR_USAGE, "macro step");
    for (int n = 0; n < STATES; ++n) {
        sei_phasefield_state_free(&many[n]);
        sei_phasefield_state_free(&one[n]);
    }
}

static void test_a_field_out_of_range(void **state) {
    (void)state;
    sei_phasefield_options o;
    sei_phasefield_state s = {0}, before = {0};
    bool ended = false;
    wire(&o, 28, 1);
    begin_busy(&o, 1, &s);
    begin_busy(&o, 1, &before);
    s.c_li[14 * 28 + 14] = before.c_li[14 * 28 + 14] = NAN; /* set behind the door's back */
    assert_refused(sei_phasefield_advance(&o, DEVICE, 2, &s, &ended), SEI_ERR_INPUT, "c_Li at (");
    assert_same(&s, &before);
    assert_refused(sei_phasefield_step(&o, "cudda", 1, &s), SEI_ERR_USAGE, "cudda");
    o.precision = (sei_phasefield_precision)7; /* NOLINT */
    assert_refused(sei_phasefield_step(&o, DEVICE, 1, &s), SEI_ERR_USAGE, "precision");
    o.precision = SEI_PHASEFIELD_SINGLE;
    o.nx = o.nz = 512;
    sei_phasefield_limits limits;
    assert_refused(sei_phasefield_check(&o, &limits), SEI_ERR_USAGE, "0.008");
    sei_phasefield_state_free(&s);
    sei_phasefield_state_free(&before);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thousand_macro_steps),
        cmocka_unit_test(test_forms_and_shapes),
        cmocka_unit_test(test_single),
        cmocka_unit_test(test_half_cycles_together),
        cmocka_unit_test(test_order_and_threads),
        cmocka_unit_test(test_cpu_side_by_side),
        cmocka_unit_test(test_a_field_out_of_range),
    };
    const char *absence = sei_backend_absence(DEVICE);
    if (absence != NULL) {
        print_message("skipped: %s\n", absence);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
