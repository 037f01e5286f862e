/* Half-cycles: macro steps between tests, the source's refresh, the end. Which backend takes them. */
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "phasefield/course.h"

#ifdef _OPENMP
#include <omp.h>
#endif

/* The host's operators, or NULL. */
static const sei_pf_operators *operators_of(const char *backend, bool single) {
    if (strcmp(backend, "ref") == 0) return single ? &sei_pf_ref_single : &sei_pf_ref;
    return strcmp(backend, "cpu") == 0 ? sei_pf_cpu("auto", single) : NULL;
}

static bool on_device(const char *backend) {
    return backend != NULL && (strcmp(backend, "cuda") == 0 || strcmp(backend, "cuda-emulated") == 0);
}

/* Threads meet after every stage: fewer cells than this each, and meeting costs more than it saves. */
enum { CELLS_PER_THREAD = 4096 };

static int threads_for(const sei_phasefield_state *s, int threads) {
    const int64_t useful = s->nx * s->ny * s->nz / CELLS_PER_THREAD;
    return useful < 1 ? 1 : (int)(useful < threads ? useful : threads);
}

typedef struct journey {
    const sei_phasefield_options *options;
    sei_phasefield_limits limits;
    const sei_pf_operators *operators;
    sei_pf_work work;
    void *source; /* the state's source in the work's precision, when that is single */
    int threads;
} journey;

static void journey_end(journey *j) {
    sei_pf_work_free(&j->work);
    sei_free(j->source);
}

static sei_status journey_begin(const sei_phasefield_options *options, const char *backend, int threads,
                                const sei_phasefield_state *state, journey *out) {
    journey j = {.options = options};
    sei_status status = SEI_OK;
    const bool single = options->precision == SEI_PHASEFIELD_SINGLE;
    SEI_TRY(sei_phasefield_check(options, &j.limits));
    SEI_TRY(sei_pf_state_check(options, state));
    j.operators = backend == NULL ? NULL : operators_of(backend, single);
    if (j.operators == NULL)
        return sei_fail(SEI_ERR_USAGE, "phase field: no backend '%s'; there are ref, cpu, cuda and cuda-emulated",
                        backend == NULL ? "" : backend);
    j.threads = threads_for(state, threads);
    if (single) {
        size_t bytes = 0;
        SEI_TRY(sei_checked_bytes(state->nz, state->ny, state->nx, sizeof(float), &bytes));
        SEI_TRY(sei_alloc_zero(bytes, &j.source));
    }
    SEI_TRY(sei_pf_work_make(options, &j.limits, state, j.threads, single, &j.work));
    *out = j;
    return SEI_OK;
done:
    journey_end(&j);
    return status;
}

/* The source for the next steps; none when it is zero everywhere. */
static void use_source(journey *j, const sei_phasefield_state *s) {
    const int64_t cells = s->nx * s->ny * s->nz;
    bool any = false;
    for (int64_t n = 0; j->options->geometry == SEI_PHASEFIELD_WIRE && n < cells && !any; ++n) any = s->source[n] != 0;
    j->work.source = NULL;
    if (!any) return;
    j->work.source = s->source;
    if (!j->work.single) return;
    sei_pf_to_reals(true, s->source, cells, j->source);
    j->work.source = j->source;
}

/* Up to the next test, or fewer steps. */
static sei_status take_steps(journey *j, int64_t steps, sei_phasefield_state *s) {
    const sei_phasefield_options *o = j->options;
    sei_status status = SEI_OK;
    const bool wire = o->geometry == SEI_PHASEFIELD_WIRE;
    SEI_TRY(sei_interrupt_check());
    /* S follows from the fields as the steps have them */
    if (j->work.single) sei_pf_take_fields(s, true, j->work.li[0], j->work.vacancy[0]);
    if (wire && s->macro_steps % o->check_every == 0) SEI_TRY(sei_pf_refresh_source(o, &j->limits, s));
    use_source(j, s);
    sei_pf_macro_steps(&j->work, j->operators, j->threads, steps);
    SEI_TRY(sei_pf_check_fields(s, j->work.single, j->work.li[0], j->work.vacancy[0], 0, j->limits.tau));
    sei_pf_take_fields(s, j->work.single, j->work.li[0], j->work.vacancy[0]);
    sei_pf_count_steps(&j->limits, steps, s);
done:
    return status;
}

sei_status sei_phasefield_step(const sei_phasefield_options *options, const char *backend, int64_t steps,
                               sei_phasefield_state *state) {
    journey j = {0};
    sei_status status = SEI_OK;
    if (steps < 0) return sei_fail(SEI_ERR_USAGE, "phase field: %lld steps, expected 0 or more", (long long)steps);
    if (on_device(backend)) return sei_pf_device_advance(options, backend, false, steps, 1, state, NULL);
    SEI_TRY(journey_begin(options, backend, sei_threads(), state, &j));
    while (steps > 0) {
        const int64_t to_test = options->check_every - state->macro_steps % options->check_every;
        const int64_t now = steps < to_test ? steps : to_test;
        SEI_TRY(take_steps(&j, now, state));
        steps -= now;
    }
done:
    journey_end(&j);
    return status;
}

static sei_status advance_one(const sei_phasefield_options *options, const char *backend, int threads, int64_t checks,
                              sei_phasefield_state *state, bool *ended) {
    journey j = {0};
    bool over = false;
    sei_status status = SEI_OK;
    SEI_TRY(journey_begin(options, backend, threads, state, &j));
    for (int64_t n = 0; n < checks && !over; ++n) {
        SEI_TRY(take_steps(&j, options->check_every - state->macro_steps % options->check_every, state));
        over = sei_pf_at_end(options, state, sei_phasefield_soc(&j.limits, state), state->half_time);
    }
    if (over) SEI_TRY(sei_pf_end_half_cycle(options, &j.limits, state));
    *ended = over;
done:
    journey_end(&j);
    return status;
}

sei_status sei_phasefield_advance(const sei_phasefield_options *options, const char *backend, int64_t checks,
                                  sei_phasefield_state *state, bool *ended) {
    return sei_phasefield_advance_many(options, backend, checks, 1, state, ended);
}

enum { MESSAGE_LENGTH = 512 };

/* What became of a state that another thread advanced: an error's text belongs to its thread. */
typedef struct outcome {
    sei_status status;
    char message[MESSAGE_LENGTH];
} outcome;

/* Every thread takes states for itself: none waits for another after each stage. */
static sei_status advance_side_by_side(const sei_phasefield_options *options, const char *backend, int64_t checks, int64_t count,
                                       sei_phasefield_state *states, bool *ended) {
    outcome *outcomes = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(outcomes, count, 1, 1));
#pragma omp parallel for schedule(dynamic, 1) num_threads(sei_threads())
    for (int64_t n = 0; n < count; ++n) {
        outcomes[n].status = advance_one(&options[n], backend, 1, checks, &states[n], &ended[n]);
        if (outcomes[n].status == SEI_OK) continue;
        strncpy(outcomes[n].message, sei_last_error(), MESSAGE_LENGTH - 1);
    }
    for (int64_t n = 0; n < count && status == SEI_OK; ++n)
        if (outcomes[n].status != SEI_OK) status = sei_fail(outcomes[n].status, "%s", outcomes[n].message);
done:
    sei_free(outcomes);
    return status;
}

sei_status sei_phasefield_advance_many(const sei_phasefield_options *options, const char *backend, int64_t checks, int64_t count,
                                       sei_phasefield_state *states, bool *ended) {
    sei_status status = SEI_OK;
    for (int64_t n = 0; n < count; ++n)
        if (options[n].geometry != SEI_PHASEFIELD_WIRE)
            return sei_fail(SEI_ERR_USAGE, "phase field: a box has no half-cycles; take steps");
    if (on_device(backend)) return sei_pf_device_advance(options, backend, true, checks, count, states, ended);
    if (count >= sei_threads() && count > 1) return advance_side_by_side(options, backend, checks, count, states, ended);
    for (int64_t n = 0; n < count; ++n) SEI_TRY(advance_one(&options[n], backend, sei_threads(), checks, &states[n], &ended[n]));
done:
    return status;
}
