/* Half-cycles: macro steps between tests, the source's refresh, the end. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "phasefield/model.h"

static sei_status operators_of(const char *backend, const sei_pf_operators **out) {
    *out = NULL;
    if (backend != NULL && strcmp(backend, "ref") == 0) *out = &sei_pf_ref;
    if (backend != NULL && strcmp(backend, "cpu") == 0) *out = sei_pf_cpu("auto", false);
    if (*out != NULL) return SEI_OK;
    return sei_fail(SEI_ERR_USAGE, "phase field: no backend '%s'; there are ref and cpu", backend == NULL ? "" : backend);
}

static sei_status check_fields(const sei_pf_work *w, const sei_phasefield_state *s) {
    const double *fields[2] = {w->li[0], w->vacancy[0]};
    const char *names[2] = {"c_Li", "c_v"};
    for (int f = 0; f < 2; ++f)
        for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n) {
            const double c = fields[f][n];
            if (!s->wire[n] || (c >= -0.5 && c <= 1.5)) continue;
            return sei_fail(SEI_ERR_INPUT,
                            "phase field: %s at (%lld, %lld, %lld) became %g in half-cycle %lld after %lld macro steps of %g; "
                            "expected -0.5 to 1.5: the model is outside its range or the step too large (lower safety)",
                            names[f], (long long)(n % s->nx), (long long)(n / s->nx % s->ny), (long long)(n / s->nx / s->ny), c,
                            (long long)s->half_cycles + 1, (long long)s->macro_steps, w->tau);
        }
    return SEI_OK;
}

/* Sums row by row, so that the mean's bits depend on nothing but the field. */
static double mean_li(const sei_phasefield_state *s) {
    double sum = 0;
    int64_t count = 0;
    for (int64_t row = 0; row < s->ny * s->nz; ++row) {
        double line = 0;
        for (int64_t n = row * s->nx; n < (row + 1) * s->nx; ++n) {
            if (!s->wire[n] || s->wetted[n]) continue;
            line += s->c_li[n];
            ++count;
        }
        sum += line;
    }
    return count > 0 ? sum / (double)count : NAN;
}

double sei_phasefield_soc(const sei_phasefield_limits *limits, const sei_phasefield_state *state) {
    return (mean_li(state) - limits->c_bc_low) / (limits->c_bc_high - limits->c_bc_low);
}

/* The state takes the work's fields. */
static void take_fields(const sei_pf_work *w, sei_phasefield_state *s) {
    const double *li = w->li[0], *v = w->vacancy[0];
    for (int64_t n = 0; n < s->nx * s->ny * s->nz; ++n) {
        if (!s->wire[n]) continue;
        s->c_li[n] = li[n];
        s->c_v[n] = v[n];
    }
}

/* Threads meet after every stage: fewer cells than this each, and meeting costs more than it saves. */
enum { CELLS_PER_THREAD = 4096 };

static int threads_for(const sei_phasefield_state *s) {
    const int64_t useful = s->nx * s->ny * s->nz / CELLS_PER_THREAD, threads = sei_threads();
    return useful < 1 ? 1 : (int)(useful < threads ? useful : threads);
}

typedef struct journey {
    const sei_phasefield_options *options;
    sei_phasefield_limits limits;
    const sei_pf_operators *operators;
    sei_pf_work work;
    int threads;
} journey;

static sei_status journey_begin(const sei_phasefield_options *options, const char *backend, const sei_phasefield_state *state,
                                journey *out) {
    journey j = {.options = options};
    sei_status status = SEI_OK;
    SEI_TRY(sei_phasefield_check(options, &j.limits));
    SEI_TRY(sei_pf_state_check(options, state));
    SEI_TRY(operators_of(backend, &j.operators));
    j.threads = threads_for(state);
    SEI_TRY(sei_pf_work_make(options, &j.limits, state, j.threads, false, &j.work));
    *out = j;
done:
    return status;
}

/* Up to the next test, or fewer steps. */
static sei_status take_steps(journey *j, int64_t steps, sei_phasefield_state *s) {
    const sei_phasefield_options *o = j->options;
    sei_status status = SEI_OK;
    const bool wire = o->geometry == SEI_PHASEFIELD_WIRE;
    SEI_TRY(sei_interrupt_check());
    if (wire && s->macro_steps % o->check_every == 0) SEI_TRY(sei_pf_refresh_source(o, &j->limits, s));
    bool any = false;
    for (int64_t n = 0; wire && n < s->nx * s->ny * s->nz && !any; ++n) any = s->source[n] != 0;
    j->work.source = any ? s->source : NULL;
    sei_pf_macro_steps(&j->work, j->operators, j->threads, steps);
    SEI_TRY(check_fields(&j->work, s));
    take_fields(&j->work, s);
    s->macro_steps += steps;
    s->evaluations += steps * j->limits.stages;
    s->half_time = (double)s->macro_steps * j->limits.tau;
done:
    return status;
}

sei_status sei_phasefield_step(const sei_phasefield_options *options, const char *backend, int64_t steps,
                               sei_phasefield_state *state) {
    journey j = {0};
    sei_status status = SEI_OK;
    if (steps < 0) return sei_fail(SEI_ERR_USAGE, "phase field: %lld steps, expected 0 or more", (long long)steps);
    SEI_TRY(journey_begin(options, backend, state, &j));
    while (steps > 0) {
        const int64_t to_test = options->check_every - state->macro_steps % options->check_every;
        const int64_t now = steps < to_test ? steps : to_test;
        SEI_TRY(take_steps(&j, now, state));
        steps -= now;
    }
done:
    sei_pf_work_free(&j.work);
    return status;
}

static bool at_end(const journey *j, const sei_phasefield_state *s) {
    const double soc = sei_phasefield_soc(&j->limits, s);
    const bool full = sei_pf_direction(s->half_cycles) > 0 ? soc >= j->options->stop_soc : soc <= 1 - j->options->stop_soc;
    return full || s->half_time >= j->options->t_max;
}

static sei_status end_half_cycle(const journey *j, sei_phasefield_state *s) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_pf_wet(j->options, &j->limits, s));
    s->time += s->half_time;
    s->last_time = s->half_time;
    s->half_time = 0;
    s->macro_steps = 0;
    s->half_cycles += 1;
    memset(s->source, 0, (size_t)(s->nx * s->ny * s->nz) * sizeof *s->source);
done:
    return status;
}

sei_status sei_phasefield_advance(const sei_phasefield_options *options, const char *backend, int64_t checks,
                                  sei_phasefield_state *state, bool *ended) {
    journey j = {0};
    bool over = false;
    sei_status status = SEI_OK;
    if (options->geometry != SEI_PHASEFIELD_WIRE)
        return sei_fail(SEI_ERR_USAGE, "phase field: a box has no half-cycles; take steps");
    SEI_TRY(journey_begin(options, backend, state, &j));
    for (int64_t n = 0; n < checks && !over; ++n) {
        SEI_TRY(take_steps(&j, options->check_every - state->macro_steps % options->check_every, state));
        over = at_end(&j, state);
    }
    if (over) SEI_TRY(end_half_cycle(&j, state));
    *ended = over;
done:
    sei_pf_work_free(&j.work);
    return status;
}
