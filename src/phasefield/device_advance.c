/*
 * Half-cycles on a card. States that differ in nothing but their fields and seeds go through them together, as members of
 * one run; the fields stay on the card from the first step to the last, and a state is written when they come back.
 */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "phasefield/course.h"
#include "phasefield/device.h"

typedef struct member {
    const sei_phasefield_options *options;
    sei_phasefield_limits limits;
    sei_phasefield_state *state;
    sei_pf_work work;
    int64_t dry;   /* cells in the state of charge */
    int64_t steps; /* taken and tested */
    bool placed, over;
} member;

/* Members of one run. */
typedef struct group {
    const sei_pf_device *table;
    member **members;
    int count;
    uint8_t *live;
    double *sums;
    int *bad;
    sei_pf_device_run *run;
} group;

/* Whether two members run the same model. */
static bool same_constants(const sei_pf_constants *a, const sei_pf_constants *b) {
    return a->form == b->form && a->direction == b->direction && a->omega == b->omega && a->c_min == b->c_min &&
           a->inverse_swing == b->inverse_swing && a->k_vl == b->k_vl && a->e_li == b->e_li &&
           a->curvature_li == b->curvature_li && a->e_v == b->e_v && a->curvature_v == b->curvature_v && a->f_min == b->f_min &&
           a->kappa_li_dx2 == b->kappa_li_dx2 && a->kappa_v_dx2 == b->kappa_v_dx2 && a->m_li_dx2 == b->m_li_dx2 &&
           a->m_v_dx2 == b->m_v_dx2 && a->c_exterior == b->c_exterior && a->mu_exterior == b->mu_exterior && a->c_s == b->c_s &&
           a->nucleation == b->nucleation && a->annihilation == b->annihilation && a->rho == b->rho && a->c_a == b->c_a &&
           a->c_b == b->c_b;
}

static bool alike(const member *a, const member *b) {
    const sei_pf_work *v = &a->work, *w = &b->work;
    return same_constants(&v->k, &w->k) && v->nx == w->nx && v->ny == w->ny && v->nz == w->nz && v->periodic_x == w->periodic_x &&
           v->periodic_z == w->periodic_z && v->single == w->single && v->stages == w->stages && v->tau == w->tau &&
           v->stage[0].w == w->stage[0].w && v->vacancies_move == w->vacancies_move && a->options->k_s == b->options->k_s &&
           a->limits.dx == b->limits.dx && a->options->check_every == b->options->check_every &&
           a->state->macro_steps % a->options->check_every == b->state->macro_steps % b->options->check_every;
}

static sei_status begin_run(sei_device *device, group *g) {
    const sei_pf_work **works = NULL;
    const double **source = NULL;
    const member *first = g->members[0];
    const int64_t rows = first->work.ny * first->work.nz;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(works, g->count, 1, 1));
    SEI_TRY(SEI_NEW(source, g->count, 1, 1));
    SEI_TRY(SEI_NEW(g->live, g->count, 1, 1));
    SEI_TRY(SEI_NEW(g->sums, g->count, rows, 1));
    SEI_TRY(SEI_NEW(g->bad, g->count, 1, 1));
    for (int n = 0; n < g->count; ++n) {
        works[n] = &g->members[n]->work;
        source[n] = g->members[n]->state->source;
        g->live[n] = 1;
    }
    SEI_TRY(g->table->begin(device, g->count, works, source, first->options->k_s, first->limits.dx, &g->run));
done:
    sei_free(works);
    sei_free(source);
    return status;
}

/* What the card reports of a field outside its range, in words. */
static sei_status tell_bad(const group *g, int which, int64_t steps) {
    const member *m = g->members[which];
    const size_t bytes = m->work.single ? sizeof(float) : sizeof(double);
    void *fields[3] = {NULL, NULL, NULL};
    sei_status status = SEI_OK;
    for (int n = 0; n < 3; ++n) SEI_TRY(sei_alloc_zero((size_t)(m->work.nx * m->work.ny * m->work.nz) * bytes, &fields[n]));
    SEI_TRY(g->table->fetch(g->run, which, false, fields[0], fields[1], fields[2]));
    SEI_TRY(sei_pf_check_fields(m->state, m->work.single, fields[0], fields[1], steps, m->limits.tau));
    status = sei_fail(SEI_ERR_ENVIRONMENT, "phase field: the card found a value outside -0.5 to 1.5 that is not there");
done:
    for (int n = 0; n < 3; ++n) sei_free(fields[n]);
    return status;
}

/* Tests the members after `steps` more macro steps; those at their end stop. */
static sei_status test(group *g, bool to_end, int64_t steps) {
    const int64_t rows = g->members[0]->work.ny * g->members[0]->work.nz;
    bool changed = false;
    sei_status status = SEI_OK;
    SEI_TRY(g->table->check(g->run, g->sums, g->bad));
    for (int n = 0; n < g->count; ++n)
        if (g->live[n] && g->bad[n] != 0) SEI_TRY(tell_bad(g, n, g->members[n]->steps + steps));
    SEI_TRY(g->table->keep(g->run, g->live));
    for (int n = 0; n < g->count; ++n) {
        member *m = g->members[n];
        if (!g->live[n]) continue;
        m->steps += steps;
        double sum = 0;
        for (int64_t row = 0; row < rows; ++row) sum += g->sums[n * rows + row];
        const double soc = sei_pf_soc_of_mean(&m->limits, m->dry > 0 ? sum / (double)m->dry : NAN);
        m->over = to_end && sei_pf_at_end(m->options, m->state, soc, (double)(m->state->macro_steps + m->steps) * m->limits.tau);
        if (m->over) g->live[n] = 0;
        changed = changed || m->over;
    }
    if (changed) SEI_TRY(g->table->select(g->run, g->live));
done:
    return status;
}

static bool any_live(const group *g) {
    for (int n = 0; n < g->count; ++n)
        if (g->live[n]) return true;
    return false;
}

static sei_status take_steps(group *g, bool to_end, int64_t most) {
    const member *first = g->members[0];
    const int64_t every = first->options->check_every;
    int64_t at = first->state->macro_steps % every, left = most;
    sei_status status = SEI_OK;
    while (left > 0 && any_live(g)) {
        const int64_t to_test = every - at, steps = !to_end && left < to_test ? left : to_test;
        SEI_TRY(sei_interrupt_check());
        if (first->options->geometry == SEI_PHASEFIELD_WIRE && at == 0) SEI_TRY(g->table->refresh_source(g->run));
        SEI_TRY(g->table->steps(g->run, steps));
        SEI_TRY(test(g, to_end, steps));
        at = (at + steps) % every;
        left -= to_end ? 1 : steps;
    }
done:
    return status;
}

/* The fields of the last test into the states. */
static sei_status store(const group *g) {
    const sei_pf_work *w = &g->members[0]->work;
    const int64_t cells = w->nx * w->ny * w->nz;
    const size_t bytes = w->single ? sizeof(float) : sizeof(double);
    void *fields[3] = {NULL, NULL, NULL};
    sei_status status = SEI_OK;
    for (int n = 0; n < 3; ++n) SEI_TRY(sei_alloc_zero((size_t)cells * bytes, &fields[n]));
    for (int n = 0; n < g->count; ++n) {
        member *m = g->members[n];
        if (m->steps == 0) continue;
        SEI_TRY(g->table->fetch(g->run, n, true, fields[0], fields[1], fields[2]));
        sei_pf_take_fields(m->state, w->single, fields[0], fields[1]);
        sei_pf_from_reals(w->single, fields[2], cells, m->state->source);
        sei_pf_count_steps(&m->limits, m->steps, m->state);
        if (m->over) SEI_TRY(sei_pf_end_half_cycle(m->options, &m->limits, m->state));
    }
done:
    for (int n = 0; n < 3; ++n) sei_free(fields[n]);
    return status;
}

static sei_status run_group(sei_device *device, group *g, bool to_end, int64_t most) {
    sei_status status = SEI_OK;
    SEI_TRY(begin_run(device, g));
    status = take_steps(g, to_end, most);
    const sei_status stored = store(g);
    if (status == SEI_OK) status = stored;
done:
    g->table->end(g->run);
    sei_free(g->live);
    sei_free(g->sums);
    sei_free(g->bad);
    return status;
}

static sei_status begin_members(const sei_phasefield_options *options, int64_t count, sei_phasefield_state *states,
                                member *members) {
    sei_status status = SEI_OK;
    for (int64_t n = 0; n < count; ++n) {
        member *m = &members[n];
        const bool single = options[n].precision == SEI_PHASEFIELD_SINGLE;
        m->options = &options[n];
        m->state = &states[n];
        SEI_TRY(sei_phasefield_check(m->options, &m->limits));
        SEI_TRY(sei_pf_state_check(m->options, m->state));
        SEI_TRY(sei_pf_work_make(m->options, &m->limits, m->state, 1, single, &m->work));
        m->dry = sei_pf_count_dry(m->state);
    }
done:
    return status;
}

static sei_status run_groups(sei_device *device, member *members, int64_t count, bool to_end, int64_t most) {
    member **chosen = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(chosen, count, 1, 1));
    for (int64_t first = 0; first < count; ++first) {
        if (members[first].placed) continue;
        group g = {.table = device->backend->phasefield, .members = chosen};
        for (int64_t n = first; n < count; ++n) {
            if (members[n].placed || !alike(&members[first], &members[n])) continue;
            members[n].placed = true;
            chosen[g.count++] = &members[n];
        }
        SEI_TRY(run_group(device, &g, to_end, most));
    }
done:
    sei_free(chosen);
    return status;
}

sei_status sei_pf_device_advance(const sei_phasefield_options *options, const char *backend, bool to_end, int64_t most,
                                 int64_t count, sei_phasefield_state *states, bool *ended) {
    sei_device *device = NULL;
    member *members = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(members, count, 1, 1));
    SEI_TRY(begin_members(options, count, states, members));
    SEI_TRY(sei_device_open(&(sei_device_options){.name = backend}, &device));
    if (device->backend->phasefield == NULL) {
        status = sei_fail(SEI_ERR_USAGE, "phase field: backend '%s' has no phase field", backend);
        goto done;
    }
    SEI_TRY(run_groups(device, members, count, to_end, most));
    for (int64_t n = 0; to_end && n < count; ++n) ended[n] = members[n].over;
done:
    sei_device_close(device);
    for (int64_t n = 0; members != NULL && n < count; ++n) sei_pf_work_free(&members[n].work);
    sei_free(members);
    return status;
}
