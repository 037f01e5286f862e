/* seitomo measure: labels and volumes to numbers with units and errors. */
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/volume_files.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/measure.h"

enum { KEY_PROFILES = 0x2000, KEY_CONNECTIVITY, KEY_BIN, KEY_EROSION };

typedef struct arguments {
    sei_common common;
    sei_cli_files files; /* labels first */
    sei_measure_options options;
    const char *profiles;
} arguments;

static const struct argp_option options[] = {
    {"profiles", KEY_PROFILES, "OUT.csv", 0, "write the radial profiles", 1},
    {"connectivity", KEY_CONNECTIVITY, "6|18|26", 0, "neighbours that connect solids (default 26; voids then connect through 6)",
     1},
    {"bin-nm", KEY_BIN, "W", 0, "width of a profile's bin (default one voxel)", 1},
    {"core-erosion-nm", KEY_EROSION, "W", 0, "how far inside the silicon's envelope the core begins (default 2 voxels)", 1},
    {0}};

static double positive(const char *what, const char *text, struct argp_state *state) {
    double value = NAN;
    if (!sei_parse_double(text, &value) || !isfinite(value) || value < 0)
        argp_error(state, "%s: '%s' is not a number from 0 up", what, text);
    return value;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &a->common; break;
        case ARGP_KEY_ARG: sei_cli_add_file(&a->files, arg, state); break;
        case KEY_PROFILES: a->profiles = arg; break;
        case KEY_CONNECTIVITY:
            a->options.connectivity = strcmp(arg, "6") == 0 ? 6 : strcmp(arg, "18") == 0 ? 18 : strcmp(arg, "26") == 0 ? 26 : 0;
            if (a->options.connectivity == 0) argp_error(state, "--connectivity: '%s' is not 6, 18 or 26", arg);
            break;
        case KEY_BIN: a->options.profile_bin_nm = positive("--bin-nm", arg, state); break;
        case KEY_EROSION: a->options.core_erosion_nm = positive("--core-erosion-nm", arg, state); break;
        case ARGP_KEY_END:
            if (a->files.count == 0) argp_error(state, "no labels given");
            if (a->common.output == NULL && !a->common.json && !a->common.plan)
                argp_error(state, "no output given: -o MEASURES.json, or --json");
            break;
        default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static sei_status note_parameters(const arguments *a, sei_provenance *provenance) {
    sei_status status = SEI_OK;
    char number[32];
    snprintf(provenance->stage, sizeof provenance->stage, "measure");
    SEI_TRY(sei_provenance_set(provenance, "connectivity", "%d", a->options.connectivity));
    SEI_TRY(sei_provenance_set(provenance, "profile_bin_nm", "%s", sei_format_double(a->options.profile_bin_nm, number)));
    SEI_TRY(sei_provenance_set(
        provenance, "core_erosion", "%s",
        isnan(a->options.core_erosion_nm) ? "2 voxels" : sei_format_double(a->options.core_erosion_nm, number)));
done:
    return status;
}

static sei_status summarise(const arguments *a, const sei_numbers *numbers, const sei_table *profiles) {
    json_t *summary = sei_cli_numbers(numbers);
    json_object_set_new(summary, "profiles", sei_cli_table(profiles));
    return sei_cli_print_json(&a->common, summary);
}

/* Memory, without reading any data: labels, volumes, and what the distances and surfaces work on. */
static sei_status needs(const arguments *a, double *memory_bytes) {
    *memory_bytes = 0;
    for (size_t f = 0; f < a->files.count; ++f) {
        sei_file_info info = {0};
        const sei_status status = sei_io_probe(f == 0 ? a->files.names[0] : sei_cli_volume_path(a->files.names[f]), &info);
        if (status != SEI_OK) return status;
        const double size = (double)info.nx * (double)info.ny * (double)info.nz;
        *memory_bytes += f == 0 ? 15 * size : 4 * size * (double)(info.n_channels > 0 ? info.n_channels : 1);
        sei_file_info_free(&info);
    }
    return SEI_OK;
}

static sei_status measure(arguments *a) {
    sei_status status = SEI_OK;
    sei_provenance provenance = {0};
    sei_volume *volumes = NULL;
    sei_labels labels = {0};
    sei_numbers numbers = {0};
    sei_table profiles = {0};
    size_t n = 0;
    double memory = 0;
    SEI_TRY(needs(a, &memory));
    if (a->common.plan) return sei_cli_say_plan(&a->common, memory, 1e6); /* numbers and profiles are text */
    SEI_TRY(sei_cli_check_memory(&a->common, memory));
    const char *const outputs[] = {a->common.output, a->profiles};
    SEI_TRY(sei_cli_check_outputs(&a->common, &a->files, 2, outputs));
    if (a->common.output != NULL) SEI_TRY(sei_file_check_target(a->common.output, a->common.force));
    if (a->profiles != NULL) SEI_TRY(sei_file_check_target(a->profiles, a->common.force));
    SEI_TRY(sei_io_read_labels(a->files.names[0], &labels));
    SEI_TRY(sei_io_provenance_add_input(&provenance, a->files.names[0]));
    if (a->files.count > 1)
        SEI_TRY(sei_cli_read_volumes(&a->common, a->files.count - 1, a->files.names + 1, &provenance, &volumes, &n));
    SEI_TRY(sei_measure(&labels, n, volumes, &a->options, &numbers, &profiles));
    SEI_TRY(note_parameters(a, &provenance));
    if (a->profiles != NULL) SEI_TRY(sei_io_write_table(a->profiles, &profiles, a->common.force));
    if (a->common.output != NULL) SEI_TRY(sei_io_write_numbers(a->common.output, &numbers, &provenance, a->common.force));
    SEI_TRY(summarise(a, &numbers, &profiles));
done:
    if (volumes != NULL) sei_volumes_free(volumes, n);
    sei_labels_free(&labels);
    sei_numbers_free(&numbers);
    sei_table_free(&profiles);
    sei_provenance_free(&provenance);
    return status;
}

sei_status sei_cmd_measure(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "LABELS [VOLUMES...]",
        "Measures a labelled specimen: volumes, surfaces, connectivity, percolation, the core's content, SEI thickness, depth of "
        "open voids, radial profiles; each number with its unit and, where one is known, its standard deviation.",
        sei_common_children,
        NULL,
        NULL};
    arguments a = {0};
    sei_measure_options_default(&a.options);
    const sei_status status = sei_cli_begin(&argp, argc, argv, &a, &a.common);
    if (status != SEI_OK) return status;
    return measure(&a);
}
