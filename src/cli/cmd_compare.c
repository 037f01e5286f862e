/* compare: reconstruction methods side by side on one aligned series. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/log.h"
#include "core/text.h"
#include "seitomo/study.h"

enum {
    KEY_METHODS = 0x2000,
    KEY_TRUTH,
    KEY_ITERATIONS,
    KEY_DEPTH,
    KEY_PAD,
    KEY_BIN,
    KEY_CHANNEL,
    KEY_KERNEL,
    KEY_SLICE,
    MAX_METHODS = 8
};

typedef struct words {
    sei_common common;
    sei_cli_files files;
    sei_compare_options options;
    sei_method methods[MAX_METHODS];
    const char *truth;
} words;

static const struct argp_option options[] = {
    {"methods", KEY_METHODS, "LIST", 0, "em, osem, sirt, sirt-positive, wbp (default em,sirt,wbp)", 10},
    {"truth", KEY_TRUTH, "VOLUME", 0, "the true volume, if it is known", 10},
    {"iterations", KEY_ITERATIONS, "N", 0, "of em and sirt (default 20)", 10},
    {"kernel", KEY_KERNEL, "NAME", 0, "linear or strip (default linear)", 10},
    {"depth", KEY_DEPTH, "PX", 0, "depth of the volume in unbinned pixels (default: as wide)", 10},
    {"pad", KEY_PAD, "PX", 0, "room beside the field for specimens that go on beyond it, in unbinned pixels", 10},
    {"bin", KEY_BIN, "N", 0, "sum N x N pixels first", 10},
    {"channel", KEY_CHANNEL, "NAME", 0, "channel to compare on (default HAADF, else the first)", 10},
    {"slice-nm", KEY_SLICE, "NM", 0, "thickness of the slices in the pictures (default 5)", 10},
    {0}};

static void read_methods(words *w, char *list, struct argp_state *state) {
    char *rest = NULL;
    for (char *word = strtok_r(list, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        if (w->options.n_methods == MAX_METHODS) argp_error(state, "--methods: too many");
        if (sei_method_from_name(word, &w->methods[w->options.n_methods]) != SEI_OK)
            argp_error(state, "--methods: %s", sei_last_error());
        ++w->options.n_methods;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    words *w = state->input;
    switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &w->common; return 0;
        case KEY_METHODS: read_methods(w, arg, state); return 0;
        case KEY_TRUTH: w->truth = arg; return 0;
        case KEY_ITERATIONS: w->options.iterations = sei_cli_whole_of("--iterations", arg, 1, 100000, state); return 0;
        case KEY_DEPTH: w->options.depth_px = sei_cli_whole_of("--depth", arg, 1, 65536, state); return 0;
        case KEY_PAD: w->options.pad_px = sei_cli_whole_of("--pad", arg, 0, 65536, state); return 0;
        case KEY_BIN: w->options.bin = sei_cli_whole_of("--bin", arg, 1, 64, state); return 0;
        case KEY_CHANNEL: w->options.channel = arg; return 0;
        case KEY_KERNEL:
            if (strcmp(arg, "linear") != 0 && strcmp(arg, "strip") != 0)
                argp_error(state, "--kernel: '%s' is neither linear nor strip", arg);
            w->options.kernel = strcmp(arg, "strip") == 0 ? SEI_KERNEL_STRIP : SEI_KERNEL_LINEAR;
            return 0;
        case KEY_SLICE:
            if (!sei_parse_double(arg, &w->options.slice_nm) || !(w->options.slice_nm > 0))
                argp_error(state, "--slice-nm: '%s' is not above 0", arg);
            return 0;
        case ARGP_KEY_ARG: sei_cli_add_file(&w->files, arg, state); return 0;
        case ARGP_KEY_END:
            if (w->files.count == 0) argp_error(state, "no series");
            if (w->common.output == NULL && !w->common.plan) argp_error(state, "no output folder; give -o DIR");
            return 0;
        default: return ARGP_ERR_UNKNOWN;
    }
}

static json_t *summary(const sei_table *rows, const char *backend) {
    json_t *methods = json_object();
    for (size_t r = 0; r < rows->n_rows; ++r) {
        json_t *one = json_object();
        for (size_t c = 1; c < rows->n_columns; ++c) {
            const double sd =
                strcmp(rows->columns[c], "elongation_moments") == 0 ? sei_table_get(rows, r, "elongation_moments_sd") : NAN;
            json_object_set_new(one, rows->columns[c], sei_cli_number(rows->cells[r * rows->n_columns + c], "", sd));
        }
        json_object_set_new(methods, sei_method_name((sei_method)(int)sei_table_get(rows, r, "method")), one);
    }
    return json_pack("{s:o, s:s}", "methods", methods, "backend", backend);
}

/* A number of the table; '-' where there is none. */
static const char *cell(const sei_table *rows, size_t row, const char *column, int digits, char text[32]) {
    const double value = sei_table_get(rows, row, column);
    if (isnan(value)) return "-";
    snprintf(text, 32, "%.*g", digits, value);
    return text;
}

static void print_rows(const sei_table *rows) {
    sei_info("%-14s %12s %12s %12s %14s %10s", "method", "elong. acf", "elong. obj.", "residual", "log-likelihood", "truth rmse");
    for (size_t r = 0; r < rows->n_rows; ++r) {
        char t[5][32];
        sei_info("%-14s %12s %12s %12s %14s %10s", sei_method_name((sei_method)(int)sei_table_get(rows, r, "method")),
                 cell(rows, r, "elongation_autocorrelation", 5, t[0]), cell(rows, r, "elongation_moments", 5, t[1]),
                 cell(rows, r, "residual", 5, t[2]), cell(rows, r, "log_likelihood", 7, t[3]),
                 cell(rows, r, "truth_rmse", 4, t[4]));
    }
}

static sei_status say_plan(const words *w, sei_device *device, const sei_series *series) {
    double memory = 0, disk = 0;
    const sei_status status = sei_compare_plan(device, series, &w->options, &memory, &disk);
    if (status != SEI_OK) return status;
    sei_info("plan: memory %.2f GiB, disk %.2f GiB; nothing was written", memory / 1073741824.0, disk / 1073741824.0);
    return sei_cli_print_json(&w->common, json_pack("{s:s, s:{s:o, s:o}}", "backend", device->backend->name, "plan", "memory",
                                                    sei_cli_number(memory, "B", NAN), "disk", sei_cli_number(disk, "B", NAN)));
}

static sei_status check_memory(const words *w, sei_device *device, const sei_series *series) {
    double memory = 0, disk = 0;
    if (w->common.memory_bytes == 0) return SEI_OK;
    const sei_status status = sei_compare_plan(device, series, &w->options, &memory, &disk);
    return status != SEI_OK ? status : sei_cli_check_memory(&w->common, memory);
}

sei_status sei_cmd_compare(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "SERIES...",
        "Reconstructs one channel of an aligned series by several methods and sets them side by side: elongation, "
        "residual, likelihood, error against a truth, pictures.",
        sei_common_children,
        NULL,
        NULL};
    words w = {0};
    sei_read_options reading;
    sei_series series = {0};
    sei_volume truth = {0};
    sei_device *device = NULL;
    sei_table rows = {0};
    sei_provenance read = {0};
    sei_compare_options_default(&w.options);
    sei_status status = sei_cli_begin(&argp, argc, argv, &w, &w.common);
    if (status != SEI_OK) return status;
    w.options.methods = w.methods;
    w.options.overwrite = w.common.force;
    w.options.memory_bytes = w.common.memory_bytes;
    w.options.invert_tilt = w.common.invert_tilt;
    w.options.flip_y = w.common.flip_y;
    SEI_TRY(sei_cli_open_device(&w.common, &device));
    sei_cli_read_options(&w.common, w.files.count, w.files.names, &reading);
    if (!w.common.plan) reading.inputs = &read;
    w.options.read = &read;
    SEI_TRY(sei_io_read_series(&reading, &series));
    if (w.truth != NULL) {
        SEI_TRY(sei_io_read_volume(w.truth, &truth));
        w.options.truth = &truth;
        if (!w.common.plan) SEI_TRY(sei_io_provenance_add_input(&read, w.truth));
    }
    if (w.common.plan) {
        status = say_plan(&w, device, &series);
        goto done;
    }
    SEI_TRY(check_memory(&w, device, &series));
    SEI_TRY(sei_compare(device, &series, &w.options, w.common.output, &rows));
    print_rows(&rows);
    SEI_TRY(sei_cli_print_json(&w.common, summary(&rows, device->backend->name)));
done:
    sei_table_free(&rows);
    sei_provenance_free(&read);
    sei_volume_free(&truth);
    sei_series_free(&series);
    sei_device_close(device);
    return status;
}
