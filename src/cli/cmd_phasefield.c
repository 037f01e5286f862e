/* phasefield: the model of void formation and inward SEI growth, from a recipe. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "core/log.h"
#include "study/phasefield_run.h"

typedef struct words {
    sei_common common;
    const char *recipe;
} words;

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const sei_cli_one says = {"no recipe", "one recipe at a time (many parameters: a sweep in the recipe)",
                                     "no output folder; give -o DIR", true};
    words *w = state->input;
    return sei_cli_parse_one(key, arg, state, &says, &w->common, &w->recipe);
}

/* The verdict as one line per run, and a line per threshold that does not hold. */
static void say(const json_t *summary) {
    const json_t *figure = json_object_get(summary, "figure5");
    const json_t *check = NULL;
    size_t n = 0;
    if (figure == NULL) return;
    sei_info("%s: %s (%s)", json_string_value(json_object_get(figure, "of")),
             json_string_value(json_object_get(figure, "verdict")), json_string_value(json_object_get(figure, "why")));
    json_array_foreach(json_object_get(figure, "checks"), n, check) {
        if (strcmp(json_string_value(json_object_get(check, "result")), "failed") != 0) continue;
        sei_info("  %s: %s is %.4g, expected %s", json_string_value(json_object_get(check, "panel")),
                 json_string_value(json_object_get(check, "metric")), json_number_value(json_object_get(check, "value")),
                 json_string_value(json_object_get(check, "expected")));
    }
}

sei_status sei_cmd_phasefield(int argc, char **argv) {
    static const struct argp argp = {
        NULL,
        parse,
        "RECIPE.yaml -o DIR",
        "Runs the phase-field model of lithium, vacancies and voids in a cycled silicon nanowire: fields for ParaView, labels "
        "with "
        "their measures, metrics by half-cycle, pictures, a movie, a page. A run that was stopped goes on where it was when the "
        "same command is given again.\v"
        "data/recipes/phasefield-paper.yaml explains every key; --set grid=128 makes it quick.",
        sei_common_children,
        NULL,
        NULL};
    words w = {0};
    sei_device *device = NULL;
    json_t *summary = NULL;
    char seed[40];
    sei_status status = sei_cli_begin(&argp, argc, argv, &w, &w.common);
    if (status != SEI_OK) return status;
    if (w.common.seed_given) {
        const size_t room = sizeof w.common.set / sizeof w.common.set[0];
        if (w.common.n_set >= room)
            SEI_TRY(sei_fail(SEI_ERR_USAGE, "--seed and %zu --set are too many; at most %zu", w.common.n_set, room));
        snprintf(seed, sizeof seed, "seed=%llu", (unsigned long long)w.common.seed);
        w.common.set[w.common.n_set++] = seed;
    }
    if (!w.common.plan) SEI_TRY(sei_cli_open_device(&w.common, &device));
    const sei_phasefield_run_options options = {.recipe = w.recipe,
                                                .n_set = w.common.n_set,
                                                .set = w.common.set,
                                                .output = w.common.output == NULL ? "." : w.common.output,
                                                .backend = device == NULL ? "cpu" : device->backend->name,
                                                .memory_bytes = w.common.memory_bytes,
                                                .force = w.common.force,
                                                .plan_only = w.common.plan};
    status = sei_phasefield_run(&options, &summary);
    if (summary != NULL) {
        say(summary);
        const sei_status printed = sei_cli_print_json(&w.common, json_incref(summary));
        if (status == SEI_OK) status = printed;
    }
done:
    json_decref(summary);
    sei_device_close(device);
    return status;
}
