/* The list of cases, and their run: calibration of the large arrays, part after part, and again the large arrays. */
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "core/log.h"
#include "core/threads.h"

enum { MAX_PARTS = 2, MAX_REPEATS = 1000, DEFAULT_REPEATS = 5 };
static const struct {
    const char *name, *does;
    sei_bench_work *parts[MAX_PARTS]; /* each in its own process */
} cases[] = {
    {"B1", "forward and back projection of 512^3, 25 tilts, linear kernel", {sei_bench_projection}},
    {"B1s", "the same with the strip kernel", {sei_bench_projection}},
    {"B1n", "the same with 64 slices", {sei_bench_projection}},
    {"B1i", "forward and back projection on every instruction set of this processor", {sei_bench_isas}},
    {"B2", "EM and SIRT, 20 iterations, 1 and 5 channels; peak memory", {sei_bench_solve, sei_bench_memory}},
    {"B2o", "OSEM with 5 subsets and 4 sweeps beside EM-20", {sei_bench_subsets}},
    {"B2m", "EM with the support of a wire beside EM without", {sei_bench_support}},
    {"B3", "forward against back projection, and both against the reference", {sei_bench_adjoint}},
    {"B4", "quality on a noisy specimen", {sei_bench_quality}},
    {"B5", "one iteration of a slab of 2048 x 2048 x 64, 141 tilts; peak memory", {sei_bench_large}},
    {"peers",
     "what scripts/bench-peers compares: projections, EM and SIRT with both kernels (by name only)",
     {sei_bench_peer_projection, sei_bench_peer_solve}},
    {"growth", "an EM iteration at many sizes, beside a line through R", {sei_bench_growth}},
};
enum { N_CASES = sizeof cases / sizeof cases[0] };

const char *sei_bench_case_name(size_t index) {
    return index < N_CASES ? cases[index].name : NULL;
}
const char *sei_bench_case_does(size_t index) {
    return index < N_CASES ? cases[index].does : NULL;
}

bool sei_bench_holds(const sei_bench_row *row) {
    const bool above = row->low != row->low || row->value >= row->low, below = row->high != row->high || row->value <= row->high;
    return above && below; /* a NaN fails where anything is asserted */
}

static sei_status check_names(const sei_bench_options *o) {
    for (size_t i = 0; i < o->n_cases; ++i) {
        bool known = false;
        for (size_t k = 0; k < N_CASES; ++k) known = known || strcmp(o->cases[i], cases[k].name) == 0;
        for (size_t k = 0; k < o->n_extra; ++k) known = known || strcmp(o->cases[i], o->extra[k].name) == 0;
        if (known) continue;
        char names[SEI_TEXT_LENGTH] = "";
        for (size_t k = 0; k < N_CASES + o->n_extra; ++k) {
            const size_t used = strlen(names);
            snprintf(names + used, sizeof names - used, "%s%s", k > 0 ? ", " : "",
                     k < N_CASES ? cases[k].name : o->extra[k - N_CASES].name);
        }
        return sei_fail(SEI_ERR_USAGE, "no case '%s'; there are %s", o->cases[i], names);
    }
    return SEI_OK;
}

static bool is_wanted(const sei_bench_options *o, const char *name, bool by_name) {
    bool wanted = o->n_cases == 0 && !by_name;
    for (size_t i = 0; i < o->n_cases; ++i) wanted = wanted || strcmp(o->cases[i], name) == 0;
    return wanted;
}

/* Whether the backend opens, before anything takes time. */
sei_status sei_bench_probe(sei_bench_part *part) {
    sei_device *device = NULL;
    char isa[SEI_UNIT_LENGTH];
    const sei_status status = sei_bench_open(part, &device, isa);
    sei_device_close(device);
    return status;
}

static sei_status run_case(sei_bench_part *asked, const char *name, const char *does, sei_bench_work *const *parts,
                           size_t n_parts, const sei_bench_sink *sink) {
    sei_status status = SEI_OK;
    asked->bench_case = name;
    sei_info("%s: %s", name, does);
    for (size_t p = 0; status == SEI_OK && p < n_parts && parts[p] != NULL; ++p)
        status = sei_bench_in_child(asked, parts[p], sink);
    return status;
}

sei_status sei_bench_run(const sei_bench_options *o, const sei_bench_sink *sink) {
    sei_bench_part asked = {.bench_case = "", .device = o->device, .quick = o->quick};
    sei_status status = SEI_OK;
    if (o->repeats < 0 || o->repeats > MAX_REPEATS)
        return sei_fail(SEI_ERR_USAGE, "%d repeats; give 1 to %d", o->repeats, MAX_REPEATS);
    asked.repeats = o->repeats == 0 ? DEFAULT_REPEATS : o->repeats;
    if (o->device.threads > 0) sei_threads_set(o->device.threads);
    SEI_TRY(check_names(o));
    SEI_TRY(sei_bench_in_child(&asked, sei_bench_probe, sink));
    SEI_TRY(sei_bench_in_child(&asked, sei_bench_arrays_before, sink));
    for (size_t k = 0; k < N_CASES; ++k) {
        if (is_wanted(o, cases[k].name, strcmp(cases[k].name, "peers") == 0))
            SEI_TRY(run_case(&asked, cases[k].name, cases[k].does, cases[k].parts, MAX_PARTS, sink));
    }
    for (size_t k = 0; k < o->n_extra; ++k) {
        asked.context = o->extra[k].context;
        if (is_wanted(o, o->extra[k].name, false))
            SEI_TRY(run_case(&asked, o->extra[k].name, o->extra[k].does, &o->extra[k].work, 1, sink));
    }
    asked = (sei_bench_part){.bench_case = "", .device = o->device, .repeats = asked.repeats, .quick = o->quick};
    SEI_TRY(sei_bench_in_child(&asked, sei_bench_arrays_after, sink));
done:
    return status;
}
