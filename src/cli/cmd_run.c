/* run: one data set, from files to report, as a recipe says. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/study.h"

enum { MAX_SET = 96 };

/* The command's own options as overrides of the recipe, after every --set. */
typedef struct overrides {
    size_t count;
    const char *set[MAX_SET];
    sei_text texts[16];
    size_t n_texts;
} overrides;

static sei_status add(overrides *o, const char *key, const char *value) {
    sei_text *text = &o->texts[o->n_texts++];
    const sei_status status = sei_text_add(text, "%s=%s", key, value);
    if (status == SEI_OK) o->set[o->count++] = text->data;
    return status;
}

static sei_status add_number(overrides *o, const char *key, double value) {
    char buffer[32];
    return isnan(value) ? SEI_OK : add(o, key, sei_format_double(value, buffer));
}

/* A file named on the command line is relative to the working folder, not to the data's. */
static sei_status add_path(overrides *o, const char *key, const char *path) {
    char here[4096];
    char *whole = NULL;
    if (path == NULL) return SEI_OK;
    if (getcwd(here, sizeof here) == NULL) return sei_fail(SEI_ERR_ENVIRONMENT, "the working folder has no name");
    sei_status status = sei_path_join(here, path, &whole);
    if (status == SEI_OK) status = add(o, key, whole);
    sei_free(whole);
    return status;
}

static sei_status add_channels(overrides *o, const sei_common *common) {
    sei_text list = {0};
    sei_status status = SEI_OK;
    if (common->n_channels == 0) return SEI_OK;
    SEI_TRY(sei_text_append(&list, "[", 1));
    for (size_t i = 0; i < common->n_channels; ++i) {
        SEI_TRY(sei_text_append(&list, i > 0 ? ",'" : "'", i > 0 ? 2 : 1));
        for (const char *c = common->channels[i]; *c != 0; ++c)
            SEI_TRY(sei_text_append(&list, *c == '\'' ? "''" : c, *c == '\'' ? 2 : 1));
        SEI_TRY(sei_text_append(&list, "'", 1));
    }
    SEI_TRY(sei_text_append(&list, "]", 1));
    SEI_TRY(add(o, "input.channels", list.data));
done:
    sei_text_free(&list);
    return status;
}

static sei_status collect(const sei_common *common, overrides *o) {
    sei_status status = SEI_OK;
    for (size_t i = 0; i < common->n_set; ++i) o->set[o->count++] = common->set[i];
    SEI_TRY(add_path(o, "input.angles", common->angles));
    SEI_TRY(add_number(o, "input.pixel_nm", common->pixel_nm));
    SEI_TRY(add_number(o, "input.axis", common->axis_deg));
    SEI_TRY(add_number(o, "input.axis_offset_px", common->axis_offset_px));
    if (common->invert_tilt) SEI_TRY(add(o, "input.invert_tilt", "true"));
    if (common->flip_y) SEI_TRY(add(o, "input.flip_y", "true"));
    if (common->allow_truncated) SEI_TRY(add(o, "input.allow_truncated", "true"));
    SEI_TRY(add_channels(o, common));
done:
    return status;
}

typedef struct words {
    sei_common common;
    const char *recipe;
} words;

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const sei_cli_one says = {"no recipe", "one recipe at a time (many data sets: seitomo batch)",
                                     "no output folder; give -o DIR", true};
    words *w = state->input;
    return sei_cli_parse_one(key, arg, state, &says, &w->common, &w->recipe);
}

static sei_status print_summary(const sei_common *common, const sei_run_plan *plan, const sei_numbers *numbers) {
    json_t *needs = json_pack("{s:I, s:I, s:I, s:I, s:o, s:o, s:f}", "nx", (json_int_t)plan->nx, "ny", (json_int_t)plan->ny,
                              "n_tilts", (json_int_t)plan->n_tilts, "n_channels", (json_int_t)plan->n_channels, "memory",
                              sei_cli_number(plan->memory_bytes, "B", NAN), "disk", sei_cli_number(plan->disk_bytes, "B", NAN),
                              "multiply_adds", plan->multiply_adds);
    return sei_cli_print_json(common, json_pack("{s:o, s:o}", "plan", needs, "measures", sei_cli_numbers(numbers)));
}

sei_status sei_cmd_run(int argc, char **argv) {
    static const struct argp argp = {
        NULL,
        parse,
        "RECIPE.yaml",
        "Carries out a recipe: input, clean, align, reconstruct, segment, measure, render, report. A run that "
        "was stopped goes on where it was when the same command is given again.\v"
        "data/recipes/wire.yaml explains every key. Input folders given by --set are relative to the working "
        "folder, those in the recipe to the recipe's.",
        sei_common_children,
        NULL,
        NULL};
    words w = {0};
    overrides o = {0};
    sei_run_plan plan = {0};
    sei_numbers numbers = {0};
    sei_status status = sei_cli_begin(&argp, argc, argv, &w, &w.common);
    if (status != SEI_OK) return status;
    SEI_TRY(collect(&w.common, &o));
    const sei_run_options options = {.recipe = w.recipe,
                                     .n_set = o.count,
                                     .set = o.set,
                                     .output = w.common.output == NULL ? "." : w.common.output,
                                     .device = {.name = w.common.backend, .threads = w.common.threads, .isa = w.common.isa},
                                     .memory_bytes = w.common.memory_bytes,
                                     .force = w.common.force,
                                     .plan_only = w.common.plan};
    SEI_TRY(sei_run(&options, &plan, &numbers));
    SEI_TRY(print_summary(&w.common, &plan, &numbers));
done:
    for (size_t i = 0; i < o.n_texts; ++i) sei_text_free(&o.texts[i]);
    sei_numbers_free(&numbers);
    return status;
}
