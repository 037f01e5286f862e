/* align: shifts and tilt axis from one channel, applied to every channel. */
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "seitomo/align.h"
#include "seitomo/report.h"

enum { KEY_REFERENCE = 0x2000, KEY_SHIFTS, KEY_APPLY, KEY_PLOT, KEY_ITERATIONS, KEY_NO_STRETCH, KEY_MAX_SHIFT, KEY_CUBIC };

static const struct argp_option options[] = {
    {"reference", KEY_REFERENCE, "NAME", 0, "channel to align on (default HAADF, else the first)", 1},
    {"shifts", KEY_SHIFTS, "CSV", 0, "write the shifts found", 1},
    {"apply", KEY_APPLY, "CSV", 0, "apply the shifts of this table instead of finding them", 1},
    {"plot", KEY_PLOT, "PATH", 0, "plot the shifts against the tilt (PATH.svg and PATH.png)", 1},
    {"iterations", KEY_ITERATIONS, "N", 0, "passes: 1 lays neighbours on each other only (default 3)", 2},
    {"no-stretch", KEY_NO_STRETCH, 0, 0, "no cosine stretch of the more tilted neighbour", 2},
    {"max-shift", KEY_MAX_SHIFT, "PX", 0, "largest shift between neighbours (default a quarter of the image)", 2},
    {"cubic", KEY_CUBIC, 0, 0, "cubic instead of bilinear interpolation (counts may become negative)", 2},
    {0}};

typedef struct align_words {
    sei_common common;
    sei_cli_files files;
    sei_align_options align;
    const char *shifts, *apply, *plot;
} align_words;

static error_t parse(int key, char *arg, struct argp_state *state) {
    align_words *words = state->input;
    double number = NAN;
    switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &words->common; break;
        case ARGP_KEY_ARG: sei_cli_add_file(&words->files, arg, state); break;
        case ARGP_KEY_NO_ARGS: argp_error(state, "no tilt series given"); break;
        case KEY_REFERENCE: words->align.reference = arg; break;
        case KEY_SHIFTS: words->shifts = arg; break;
        case KEY_APPLY: words->apply = arg; break;
        case KEY_PLOT: words->plot = arg; break;
        case KEY_NO_STRETCH: words->align.cosine_stretch = false; break;
        case KEY_CUBIC: words->align.interpolation = 3; break;
        case KEY_ITERATIONS: words->align.iterations = sei_cli_whole_of("--iterations", arg, 1, 100, state); break;
        case KEY_MAX_SHIFT:
            if (!sei_parse_double(arg, &number) || !(number > 0) || !isfinite(number)) {
                argp_error(state, "--max-shift: '%s' is not a number above 0", arg);
            }
            words->align.max_shift_px = number;
            break;
        case ARGP_KEY_END:
            if (words->apply != NULL && words->shifts != NULL) argp_error(state, "--shifts and --apply exclude each other");
            if (words->common.output == NULL && words->shifts == NULL && words->plot == NULL && !words->common.json) {
                argp_error(state, "nothing to do: give -o ALIGNED, --shifts CSV, --plot PATH or --json");
            }
            if (words->apply != NULL && words->common.output == NULL) argp_error(state, "--apply needs -o ALIGNED");
            break;
        default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static sei_status check_targets(const align_words *words) {
    sei_text plotted = {0};
    sei_status status = SEI_OK;
    const char *const outputs[] = {words->common.output, words->shifts};
    SEI_TRY(sei_cli_check_outputs(&words->common, &words->files, 2, outputs));
    if (words->common.output != NULL) SEI_TRY(sei_file_check_target(words->common.output, words->common.force));
    if (words->shifts != NULL) SEI_TRY(sei_file_check_target(words->shifts, words->common.force));
    for (int i = 0; words->plot != NULL && i < 2; ++i) {
        SEI_TRY(sei_text_add(&plotted, "%s.%s", words->plot, i == 0 ? "svg" : "png"));
        SEI_TRY(sei_file_check_target(plotted.data, words->common.force));
        plotted.length = 0;
    }
done:
    sei_text_free(&plotted);
    return status;
}

/* The series and its aligned copy with a mask, and one channel's frames. */
static double memory_bytes(const sei_series *series) {
    const double image = (double)series->nx * (double)series->ny * (double)series->n_tilts;
    return image * (8.0 * (double)series->n_channels + 1) + image * 4;
}

static sei_status say_plan(const align_words *words, const sei_series *series) {
    const double image = (double)series->nx * (double)series->ny * (double)series->n_tilts;
    const double memory = memory_bytes(series);
    json_t *plan = json_object();
    json_object_set_new(plan, "memory", sei_cli_number(memory, "bytes", NAN));
    json_object_set_new(
        plan, "disk",
        sei_cli_number(words->common.output != NULL ? image * (4.0 * (double)series->n_channels + 1) : 0, "bytes", NAN));
    if (!words->common.json) {
        printf("align: %lld tilts of %lld x %lld, %zu channel(s): about %.0f MB of memory, at most %.0f MB on disk\n",
               (long long)series->n_tilts, (long long)series->nx, (long long)series->ny, series->n_channels, memory / 1e6,
               json_real_value(json_object_get(json_object_get(plan, "disk"), "value")) / 1e6);
    }
    return sei_cli_print_json(&words->common, plan);
}

static sei_status make_provenance(const align_words *words, const sei_device *device, const sei_series *series,
                                  const sei_shifts *shifts, sei_provenance *provenance) {
    const sei_align_options *o = &words->align;
    sei_status status = SEI_OK;
    snprintf(provenance->stage, sizeof provenance->stage, "align");
    sei_device_record(device, provenance->backend);
    SEI_TRY(sei_provenance_set(provenance, "pixel_nm", "%.17g", series->pixel_nm));
    SEI_TRY(sei_provenance_set(provenance, "axis_deg", "%.17g", series->axis_deg));
    if (!isnan(words->common.axis_offset_px))
        SEI_TRY(sei_provenance_set(provenance, "axis_offset_px", "%.17g", words->common.axis_offset_px));
    SEI_TRY(sei_provenance_set(provenance, "interpolation", "%s", o->interpolation == 1 ? "bilinear" : "cubic"));
    SEI_TRY(sei_provenance_set(provenance, "invert_tilt", "%s", words->common.invert_tilt ? "yes" : "no"));
    SEI_TRY(sei_provenance_set(provenance, "flip_y", "%s", words->common.flip_y ? "yes" : "no"));
    if (words->apply != NULL) {
        SEI_TRY(sei_io_provenance_add_input(provenance, words->apply));
    } else {
        SEI_TRY(sei_provenance_set(provenance, "reference", "%s", o->reference == NULL ? "HAADF, else the first" : o->reference));
        SEI_TRY(sei_provenance_set(provenance, "cosine_stretch", "%s", o->cosine_stretch ? "yes" : "no"));
        SEI_TRY(sei_provenance_set(provenance, "taper_px", "%.17g", o->taper_px));
        SEI_TRY(sei_provenance_set(provenance, "band", "%.17g..%.17g, fall-off %.17g cycles/pixel", o->low_cutoff, o->high_cutoff,
                                   o->high_sigma));
        SEI_TRY(sei_provenance_set(provenance, "max_shift_px", "%.17g", o->max_shift_px));
        SEI_TRY(sei_provenance_set(provenance, "iterations", "%d", o->iterations));
        SEI_TRY(sei_provenance_set(provenance, "axis_offset", "%s", o->find_axis_offset ? "found" : "given"));
    }
    SEI_TRY(sei_numbers_set(&provenance->numbers, "axis_offset_px", shifts->axis_offset_px, "px", shifts->axis_offset_sd_px));
done:
    return status;
}

static sei_status plot(const align_words *words, const sei_table *table) {
    static const char *const columns[] = {"dx_px", "dy_px"};
    return sei_plot_table(words->plot, table,
                          &(sei_plot){.title = "Shifts applied",
                                      .x_label = "tilt (deg)",
                                      .y_label = "shift (px)",
                                      .x = "tilt_deg",
                                      .n_series = 2,
                                      .series = columns,
                                      .points = true},
                          words->common.force);
}

/* Mean of the numbers there are. */
static double mean_of(const double *values, int64_t n) {
    double sum = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < n; ++i) {
        if (isnan(values[i])) continue;
        sum += values[i];
        count += 1;
    }
    return count > 0 ? sum / (double)count : NAN;
}

static sei_status summarise(const align_words *words, const sei_device *device, const sei_series *series,
                            const sei_shifts *shifts, const sei_table *table) {
    const double before = mean_of(shifts->score_before, shifts->count), after = mean_of(shifts->score, shifts->count);
    json_t *summary = json_object();
    json_object_set_new(summary, "backend", json_string(device->backend->name));
    json_object_set_new(summary, "shifts", sei_cli_table(table));
    json_object_set_new(summary, "axis_deg", sei_cli_number(series->axis_deg, "deg", NAN));
    json_object_set_new(summary, "axis_offset_px", sei_cli_number(shifts->axis_offset_px, "px", shifts->axis_offset_sd_px));
    json_object_set_new(summary, "score_before", sei_cli_number(before, "", NAN));
    json_object_set_new(summary, "score", sei_cli_number(after, "", NAN));
    if (words->apply == NULL) sei_info("neighbours correlate by %.3f before and %.3f after (mean)", before, after);
    return sei_cli_print_json(&words->common, summary);
}

static sei_status get_shifts(align_words *words, sei_device *device, const sei_series *series, sei_shifts *shifts) {
    sei_table given = {0};
    sei_status status = SEI_OK;
    words->align.find_axis_offset = isnan(words->common.axis_offset_px);
    words->align.axis_offset_px = isnan(words->common.axis_offset_px) ? series->axis_offset_px : words->common.axis_offset_px;
    if (words->apply == NULL) return sei_align_find(device, series, &words->align, shifts);
    SEI_TRY(sei_io_read_table(words->apply, &given));
    SEI_TRY(sei_fail_context(sei_shifts_from_table(&given, shifts), "%s", words->apply));
    /* said on the command line, else by the table, else by the series */
    if (!isnan(words->common.axis_offset_px) || isnan(shifts->axis_offset_px))
        shifts->axis_offset_px = words->align.axis_offset_px;
done:
    sei_table_free(&given);
    return status;
}

static sei_status run(align_words *words) {
    const sei_common *common = &words->common;
    sei_read_options read;
    sei_device *device = NULL;
    sei_series series = {0}, aligned = {0};
    sei_shifts shifts = {0};
    sei_table table = {0};
    sei_provenance provenance = {0};
    sei_status status = SEI_OK;
    if (!common->plan) SEI_TRY(check_targets(words));
    sei_cli_read_options(common, words->files.count, words->files.names, &read);
    if (common->output != NULL && !common->plan) read.inputs = &provenance;
    SEI_TRY(sei_io_read_series(&read, &series));
    if (common->plan) {
        status = say_plan(words, &series);
        goto done;
    }
    SEI_TRY(sei_cli_check_memory(common, memory_bytes(&series)));
    if (common->output != NULL) SEI_TRY(sei_cli_check_series_outputs(&words->common, &words->files, common->output, &series));
    if (common->output != NULL) SEI_TRY(sei_io_check_series(common->output, &series, true, true, common->force));
    SEI_TRY(sei_cli_open_device(common, &device));
    SEI_TRY(get_shifts(words, device, &series, &shifts));
    SEI_TRY(sei_shifts_to_table(&shifts, &table));
    if (common->output != NULL) {
        SEI_TRY(sei_align_apply(device, &series, &shifts, words->align.interpolation, &aligned));
        SEI_TRY(make_provenance(words, device, &series, &shifts, &provenance));
        SEI_TRY(sei_io_write_series(common->output, &aligned, &provenance, common->force));
    }
    if (words->shifts != NULL) SEI_TRY(sei_io_write_table(words->shifts, &table, common->force));
    if (words->plot != NULL) SEI_TRY(plot(words, &table));
    SEI_TRY(summarise(words, device, &series, &shifts, &table));
done:
    sei_series_free(&series);
    sei_series_free(&aligned);
    sei_shifts_free(&shifts);
    sei_table_free(&table);
    sei_provenance_free(&provenance);
    sei_device_close(device);
    return status;
}

sei_status sei_cmd_align(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "SERIES...",
        "Aligns a tilt series: finds shifts and the tilt axis's offset on one channel and applies them, with the "
        "rotation that makes the axis y (--axis), to every channel in one interpolation.\v"
        "ALIGNED is .emd for all channels, or .mrc or .tif (several channels become NAME_CHANNEL.mrc). The shifts "
        "table has the columns tilt_deg,dx_px,dy_px: the translation to apply, dx across the axis, dy along it. "
        "With --axis-offset the axis is taken as given.",
        sei_common_children,
        NULL,
        NULL};
    align_words words = {0};
    sei_align_options_default(&words.align);
    const sei_status status = sei_cli_begin(&argp, argc, argv, &words, &words.common);
    if (status != SEI_OK) return status;
    return run(&words);
}
