/* seitomo reconstruct: tilt series to volumes, one per channel. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/reconstruct.h"
#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "seitomo/clean.h"

enum {
    KEY_METHOD = 'm',
    KEY_ITERATIONS = 'n',
    KEY_PROJECTOR = 0x2000,
    KEY_DEPTH,
    KEY_RELAXATION,
    KEY_BACKGROUND,
    KEY_SUPPORT,
    KEY_FILTER,
    KEY_CUTOFF,
    KEY_BIN,
    KEY_HISTORY,
    KEY_SUBSETS,
    KEY_STOP,
    KEY_START
};

static const struct argp_option options[] = {
    {"method", KEY_METHOD, "NAME", 0, "em (default), osem, sirt, sirt-positive or wbp", 1},
    {"iterations", KEY_ITERATIONS, "N", 0,
     "iterations of em and sirt (20), sweeps of osem (20/subsets); with --stop held-out at most that many", 1},
    {"subsets", KEY_SUBSETS, "N", 0, "osem: update with every N-th tilt at a time (5)", 1},
    {"stop", KEY_STOP, "RULE", 0, "iterations (default), or held-out: as many as describe counts held out best (--seed)", 1},
    {"start", KEY_START, "[CHANNEL=]VOLUME", 0, "em, osem, sirt: go on from a volume; once per channel", 1},
    {"projector", KEY_PROJECTOR, "NAME", 0, "linear (default) or strip (exact areas)", 1},
    {"depth", KEY_DEPTH, "PX|nm", 0, "depth of the volume in pixels of the series, or with 'nm' (default: as x)", 1},
    {"relaxation", KEY_RELAXATION, "X", 0, "step of sirt, 0 to 2 (1)", 1},
    {"background", KEY_BACKGROUND, "X|CSV", 0,
     "additive counts per pixel, or a table with a column 'background', one row per tilt", 1},
    {"support", KEY_SUPPORT, "VOLUME|auto", 0, "voxels that are 0 there stay 0; auto[:CHANNEL]: found from HAADF or that channel",
     1},
    {"filter", KEY_FILTER, "NAME", 0, "wbp: hann (default), shepp-logan or ramp", 1},
    {"cutoff", KEY_CUTOFF, "X", 0, "wbp: fraction of Nyquist (1)", 1},
    {"bin", KEY_BIN, "N[,CHANNEL=M]", 0, "sum N x N pixels first, M x M for that channel", 1},
    {"history", KEY_HISTORY, "CSV", 0, "write likelihood and residual per iteration", 1},
    {0}};

/* "2" or "2,HAADF=1,Si=4", split in place. */
static void parse_bins(sei_cli_reconstruct *o, char *text, struct argp_state *state) {
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(word, '=');
        if (equals == NULL) {
            o->bin = sei_cli_whole_of("--bin", word, 1, 1000000, state);
            continue;
        }
        if (o->n_bins == SEI_CLI_MAX_BINS) argp_error(state, "--bin: more than %d channels", SEI_CLI_MAX_BINS);
        *equals = 0;
        o->bins[o->n_bins].channel = word;
        o->bins[o->n_bins++].bin = sei_cli_whole_of("--bin", equals + 1, 1, 1000000, state);
    }
}

static void parse_depth(sei_cli_reconstruct *o, const char *text, struct argp_state *state) {
    char number[64];
    const size_t length = strlen(text);
    const bool nm = length > 2 && strcmp(text + length - 2, "nm") == 0;
    snprintf(number, sizeof number, "%.*s", (int)(nm ? length - 2 : length), text);
    o->depth = sei_cli_number_of("--depth", number, state);
    o->depth_is_nm = nm;
    if (!(o->depth > 0)) argp_error(state, "--depth: %s is not above 0", text);
}

/* "VOLUME" or "CHANNEL=VOLUME"; a name holds no '/'. */
static void parse_start(sei_cli_reconstruct *o, char *text, struct argp_state *state) {
    char *equals = strchr(text, '='), *slash = strchr(text, '/');
    const bool named = equals != NULL && equals > text && (slash == NULL || equals < slash) && !sei_file_exists(text);
    if (o->n_starts == SEI_CLI_MAX_BINS) argp_error(state, "--start: more than %d volumes", SEI_CLI_MAX_BINS);
    if (named) *equals = 0;
    o->starts[o->n_starts].channel = named ? text : "";
    o->starts[o->n_starts++].path = named ? equals + 1 : text;
    o->iterative_option = "--start";
}

/* Options that the method does not know are a slip. */
static void check_method(const sei_cli_reconstruct *o, struct argp_state *state) {
    const sei_method method = o->recon.method;
    if (o->wbp_option != NULL && method != SEI_METHOD_WBP) argp_error(state, "%s goes with --method wbp alone", o->wbp_option);
    if (o->sirt_option != NULL && method != SEI_METHOD_SIRT && method != SEI_METHOD_SIRT_POSITIVE)
        argp_error(state, "%s goes with --method sirt and sirt-positive alone", o->sirt_option);
    if (o->osem_option != NULL && method != SEI_METHOD_OSEM)
        argp_error(state, "%s goes with --method osem alone", o->osem_option);
    if (o->iterative_option != NULL && method == SEI_METHOD_WBP)
        argp_error(state, "%s does not go with --method wbp", o->iterative_option);
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    sei_cli_reconstruct *o = state->input;
    switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &o->common; break;
        case ARGP_KEY_ARG: sei_cli_add_file(&o->files, arg, state); break;
        case ARGP_KEY_NO_ARGS: argp_error(state, "no tilt series given"); break;
        case KEY_METHOD:
            if (sei_method_from_name(arg, &o->recon.method) != SEI_OK) argp_error(state, "%s", sei_last_error());
            break;
        case KEY_ITERATIONS: o->recon.iterations = sei_cli_whole_of("--iterations", arg, 1, 1000000, state); break;
        case KEY_PROJECTOR:
            if (sei_kernel_from_name(arg, &o->recon.kernel) != SEI_OK) argp_error(state, "%s", sei_last_error());
            break;
        case KEY_DEPTH: parse_depth(o, arg, state); break;
        case KEY_RELAXATION:
            o->sirt_option = "--relaxation";
            o->recon.relaxation = sei_cli_number_of("--relaxation", arg, state);
            break;
        case KEY_BACKGROUND: o->background = arg; break;
        case KEY_SUPPORT:
            o->support = arg;
            o->support_from = strcmp(arg, "auto") == 0 ? "HAADF" : strncmp(arg, "auto:", 5) == 0 ? arg + 5 : NULL;
            break;
        case KEY_SUBSETS:
            o->osem_option = "--subsets";
            o->recon.subsets = sei_cli_whole_of("--subsets", arg, 2, 1000000, state);
            break;
        case KEY_STOP:
            if (sei_stop_from_name(arg, &o->recon.stop) != SEI_OK) argp_error(state, "%s", sei_last_error());
            o->iterative_option = "--stop";
            break;
        case KEY_START: parse_start(o, arg, state); break;
        case KEY_FILTER:
            o->wbp_option = "--filter";
            o->recon.filter = arg;
            break;
        case KEY_CUTOFF:
            o->wbp_option = "--cutoff";
            o->recon.filter_cutoff = sei_cli_number_of("--cutoff", arg, state);
            break;
        case KEY_BIN: parse_bins(o, arg, state); break;
        case KEY_HISTORY: o->history = arg; break;
        case ARGP_KEY_END: check_method(o, state); break;
        default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static sei_status print_summary(const sei_cli_reconstruct *o, const sei_device *device, const sei_series *series,
                                const sei_volume *volumes, const sei_recon_report *reports) {
    json_t *summary =
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "backend", device->backend->name, "device", device->backend->description,
                  "method", sei_method_name(o->recon.method), "projector", sei_kernel_name(o->recon.kernel), "iterations",
                  (json_int_t)reports[0].n_iterations, "output", o->common.output);
    json_object_set_new(summary, "elongation_theory", sei_cli_number(reports[0].elongation_theory, "", NAN));
    json_t *channels = json_array();
    for (size_t c = 0; c < series->n_channels; ++c) {
        const sei_volume *v = &volumes[c];
        json_t *channel = json_pack("{s:s, s:[I,I,I], s:I, s:I}", "name", v->name, "shape_zyx", (json_int_t)v->nz,
                                    (json_int_t)v->ny, (json_int_t)v->nx, "negative_counts",
                                    (json_int_t)reports[c].negative_counts, "iterations", (json_int_t)reports[c].n_iterations);
        if (reports[c].trial_iterations > 0)
            json_object_set_new(channel, "trial",
                                json_pack("{s:I, s:I}", "iterations", (json_int_t)reports[c].trial_iterations, "slices",
                                          (json_int_t)reports[c].trial_slices));
        json_object_set_new(channel, "voxel", sei_cli_number(v->voxel_nm, "nm", NAN));
        json_object_set_new(channel, "history", sei_cli_table(&reports[c].history));
        json_array_append_new(channels, channel);
    }
    json_object_set_new(summary, "channels", channels);
    return sei_cli_print_json(&o->common, summary);
}

static sei_status run(sei_cli_reconstruct *o) {
    sei_status status = SEI_OK;
    sei_series series = {0};
    sei_device *device = NULL;
    sei_volume *volumes = NULL;
    sei_recon_report *reports = NULL;
    sei_provenance provenance = {0};
    sei_read_options read;
    size_t n = 0;
    if (o->common.seed_given) o->recon.seed = o->common.seed;
    o->recon.every_sweep = o->history != NULL;
    sei_cli_read_options(&o->common, o->files.count, o->files.names, &read);
    if (!o->common.plan) read.inputs = &provenance;
    SEI_TRY(sei_cli_reconstruct_check_targets(o));
    SEI_TRY(sei_io_read_series(&read, &series));
    n = series.n_channels;
    SEI_TRY(sei_cli_open_device(&o->common, &device));
    SEI_TRY(sei_cli_reconstruct_check(o, &series));
    SEI_TRY(sei_cli_reconstruct_check_memory(o, device, &series));
    if (o->common.plan) {
        status = sei_cli_reconstruct_plan(o, device, &series);
        goto done;
    }
    SEI_TRY(SEI_NEW(volumes, (int64_t)n, 1, 1));
    SEI_TRY(SEI_NEW(reports, (int64_t)n, 1, 1));
    SEI_TRY(sei_cli_reconstruct_all(o, device, &series, volumes, reports));
    SEI_TRY(sei_cli_reconstruct_provenance(o, device, &provenance));
    SEI_TRY(sei_cli_reconstruct_write(o, n, volumes, reports, &provenance));
    SEI_TRY(print_summary(o, device, &series, volumes, reports));
done:
    for (size_t c = 0; volumes != NULL && c < n; ++c) sei_volume_free(&volumes[c]);
    for (size_t c = 0; reports != NULL && c < n; ++c) sei_recon_report_free(&reports[c]);
    sei_free(volumes);
    sei_free(reports);
    sei_provenance_free(&provenance);
    sei_series_free(&series);
    sei_device_close(device);
    return status;
}

sei_status sei_cmd_reconstruct(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "SERIES...",
        "Reconstructs every channel of an aligned tilt series.\v"
        "OUTPUT is .mrc or .tif for one channel (several become NAME_CHANNEL.mrc) or .emd for all. The tilt axis must be y; "
        "'seitomo align' makes it so.",
        sei_common_children,
        NULL,
        NULL};
    sei_cli_reconstruct o = {.bin = 1};
    sei_recon_options_default(&o.recon);
    sei_status status = sei_cli_begin(&argp, argc, argv, &o, &o.common);
    if (status != SEI_OK) return status;
    if (o.common.output == NULL && !o.common.plan)
        return sei_fail(SEI_ERR_USAGE, "no output given; say where the volume goes with -o VOLUME.mrc");
    return run(&o);
}
