/* batch: many data sets of one study, each in a process of its own, and the table across them. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "seitomo/study.h"

enum { KEY_JOBS = 0x2000 };

typedef struct words {
    sei_common common;
    const char *study;
    int jobs;
} words;

static const struct argp_option options[] = {{"jobs", KEY_JOBS, "N", 0, "data sets at a time (default 1)", 10}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const sei_cli_one says = {"no study file", "one study file at a time", "no output folder; give -o DIR", false};
    words *w = state->input;
    if (key != KEY_JOBS) return sei_cli_parse_one(key, arg, state, &says, &w->common, &w->study);
    w->jobs = sei_cli_whole_of("--jobs", arg, 1, 256, state);
    return 0;
}

static json_t *summary(const sei_batch_result *results, size_t n) {
    json_t *list = json_array();
    for (size_t i = 0; i < n; ++i) {
        json_t *name = json_string(results[i].name);
        json_t *message = json_string(results[i].message);
        json_array_append_new(list, json_pack("{s:o, s:o, s:i, s:o}", "name", name == NULL ? json_string("?") : name, "cycle",
                                              sei_cli_real(results[i].cycle), "exit_code", results[i].exit_code, "message",
                                              message == NULL ? json_string("?") : message));
    }
    return json_pack("{s:o}", "data", list);
}

sei_status sei_cmd_batch(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "STUDY.yaml",
        "Runs every data set of a study in a process of its own and goes on after a failure; then one table "
        "across them by cycle number, plots and a page. Data sets that are done already are kept.\v"
        "The study file: title, recipe (for all), data: a list of {name, cycle, recipe, folder, set}, and set for all: "
        "[KEY=VALUE, ...] of the recipe. Paths are relative to the study file. --set changes keys of the study file.",
        sei_common_children,
        NULL,
        NULL};
    words w = {.jobs = 1};
    char program[4096];
    sei_batch_result *results = NULL;
    size_t n = 0;
    sei_status status = sei_cli_begin(&argp, argc, argv, &w, &w.common);
    if (status != SEI_OK) return status;
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0) return sei_fail(SEI_ERR_ENVIRONMENT, "/proc is not there: this program cannot find itself");
    program[length] = 0;
    const sei_batch_options batch = {.study = w.study,
                                     .n_set = w.common.n_set,
                                     .set = w.common.set,
                                     .output = w.common.output,
                                     .program = program,
                                     .jobs = w.jobs,
                                     .threads = w.common.threads,
                                     .backend = w.common.backend,
                                     .isa = w.common.isa,
                                     .memory_bytes = w.common.memory_bytes,
                                     .force = w.common.force,
                                     .plan_only = w.common.plan};
    status = sei_batch(&batch, &results, &n);
    if (results != NULL) {
        const sei_status printed = sei_cli_print_json(&w.common, summary(results, n));
        if (status == SEI_OK) status = printed;
    }
    sei_batch_results_free(results);
    return status;
}
