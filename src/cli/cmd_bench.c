/* seitomo bench: how fast and how right this machine reconstructs, beside the limits of the machine in the same run. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "cli/bench.h"
#include "cli/cli.h"
#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/report.h"
#include "seitomo/version.h"

enum { KEY_REPEATS = 'r', KEY_QUICK = 0x2000, KEY_LIST, KEY_COMMIT, KEY_FOLDER, MAX_CASES = 32 };

static const struct argp_option options[] = {
    {"repeats", KEY_REPEATS, "N", 0, "how often each is timed, after one run to warm up (5)", 1},
    {"list", KEY_LIST, 0, 0, "name the cases and stop", 1},
    {"quick", KEY_QUICK, 0, 0, "small sizes, to see that it works; the numbers mean nothing", 1},
    {"commit", KEY_COMMIT, "NAME", 0, "what was built, for the record", 1},
    {"folder", KEY_FOLDER, "DIR", 0, "where B6 keeps its files meanwhile, 4 GB (default: TMPDIR, else /tmp)", 1},
    {0}};

typedef struct words {
    sei_common common;
    sei_bench_options bench;
    const char *cases[MAX_CASES];
    const char *commit, *folder;
    bool list;
    /* found */
    size_t n_rows, n_failed;
    sei_bench_row *rows;
    json_t *results, *calibration;
} words;

static error_t parse(int key, char *arg, struct argp_state *state) {
    words *w = state->input;
    switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &w->common; break;
        case KEY_REPEATS: w->bench.repeats = sei_cli_whole_of("--repeats", arg, 1, 1000, state); break;
        case KEY_QUICK: w->bench.quick = true; break;
        case KEY_LIST: w->list = true; break;
        case KEY_COMMIT: w->commit = arg; break;
        case KEY_FOLDER: w->folder = arg; break;
        case ARGP_KEY_ARG:
            if (w->bench.n_cases == MAX_CASES) argp_error(state, "more than %d cases", MAX_CASES);
            w->cases[w->bench.n_cases++] = arg;
            break;
        default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* ---- JSON, with the names of the struct */

static void set_real(json_t *object, const char *name, double value) {
    json_object_set_new(object, name, sei_cli_real(value));
}

static json_t *json_of_row(const sei_bench_row *r) {
    json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:I, s:I, s:I, s:I}", "case", r->bench_case, "what", r->what, "backend",
                          r->backend, "isa", r->isa, "threads", r->threads, "nx", (json_int_t)r->nx, "nz", (json_int_t)r->nz,
                          "ny", (json_int_t)r->ny, "n_tilts", (json_int_t)r->n_tilts, "n_channels", (json_int_t)r->n_channels);
    set_real(o, "value", r->value);
    json_object_set_new(o, "unit", json_string(r->unit));
    json_object_set_new(o, "repeats", json_integer(r->repeats));
    set_real(o, "least", r->least);
    set_real(o, "cpu", r->cpu);
    set_real(o, "gupdates", r->gupdates);
    set_real(o, "gflop", r->gflop);
    set_real(o, "gups", r->gups);
    set_real(o, "gflops", r->gflops);
    set_real(o, "fma_gflops", r->fma_gflops);
    set_real(o, "l1_fma_gflops", r->l1_fma_gflops);
    set_real(o, "l1_fma_cpu_gflops", r->l1_fma_cpu_gflops);
    set_real(o, "fraction_of_fma", r->fraction_of_fma);
    set_real(o, "fraction_of_l1_fma", r->fraction_of_l1_fma);
    set_real(o, "fraction_of_l1_fma_cpu", r->fraction_of_l1_fma_cpu);
    set_real(o, "peak_bytes", r->peak_bytes);
    set_real(o, "low", r->low);
    set_real(o, "high", r->high);
    json_object_set_new(o, "holds", isnan(r->low) && isnan(r->high) ? json_null() : json_boolean(sei_bench_holds(r)));
    return o;
}

static json_t *json_of_calibration(const sei_bench_calibration *c) {
    json_t *o = json_pack("{s:s, s:s, s:s, s:i}", "case", c->bench_case, "when", c->when, "isa", c->rates.isa, "threads",
                          c->rates.threads);
    set_real(o, "fma_gflops", c->rates.fma_gflops);
    set_real(o, "l1_fma_gflops", c->rates.fma_l1_gflops);
    set_real(o, "fma_cpu_gflops", c->rates.fma_cpu_gflops);
    set_real(o, "l1_fma_cpu_gflops", c->rates.fma_l1_cpu_gflops);
    set_real(o, "copy_gbytes", c->rates.copy_gbytes);
    set_real(o, "read_gbytes", c->rates.read_gbytes);
    return o;
}

static sei_status take_row(void *context, const sei_bench_row *row) {
    words *w = context;
    char line[SEI_BENCH_LINE_LENGTH];
    const sei_status status = sei_realloc((void **)&w->rows, (w->n_rows + 1) * sizeof *w->rows);
    if (status != SEI_OK) return status;
    w->rows[w->n_rows++] = *row;
    w->n_failed += !sei_bench_holds(row);
    json_array_append_new(w->results, json_of_row(row));
    sei_bench_line(row, line);
    if (!w->common.json) printf("%s\n", line);
    fflush(stdout); /* also so that the next child inherits no unwritten line */
    return SEI_OK;
}

static sei_status take_calibration(void *context, const sei_bench_calibration *calibration) {
    words *w = context;
    char line[SEI_BENCH_LINE_LENGTH];
    json_array_append_new(w->calibration, json_of_calibration(calibration));
    sei_bench_calibration_line(calibration, line);
    if (!w->common.json) printf("%s\n", line);
    fflush(stdout);
    return SEI_OK;
}

/* Processor, cores, memory, system: what a figure is worth nothing without. */
static json_t *machine(void) {
    sei_infile cpuinfo = {.fd = -1};
    struct utsname system = {0};
    char text[4096], model[SEI_TEXT_LENGTH] = "unknown";
    size_t got = 0;
    if (sei_infile_open("/proc/cpuinfo", &cpuinfo) == SEI_OK &&
        sei_infile_read_some(&cpuinfo, 0, text, sizeof text - 1, &got) == SEI_OK) {
        text[got] = 0;
        const char *line = strstr(text, "model name"), *colon = line == NULL ? NULL : strchr(line, ':');
        if (colon != NULL) snprintf(model, sizeof model, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
    }
    sei_infile_close(&cpuinfo);
    (void)uname(&system);
    return json_pack("{s:s, s:i, s:I, s:s, s:s}", "processor", model, "cores", (int)sysconf(_SC_NPROCESSORS_ONLN), "memory_bytes",
                     (json_int_t)sysconf(_SC_PHYS_PAGES) * (json_int_t)sysconf(_SC_PAGESIZE), "architecture", system.machine,
                     "system", system.release);
}

static json_t *summary_of(const words *w, const char *command) {
    char date[32];
    const time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *summary =
        json_pack("{s:s, s:s, s:s, s:s, s:b}", "version", SEITOMO_VERSION, "commit", w->commit == NULL ? "" : w->commit, "date",
                  date, "command", command, "quick", (int)w->bench.quick);
    json_object_set_new(summary, "machine", machine());
    json_object_set(summary, "calibration", w->calibration);
    json_object_set(summary, "results", w->results);
    return summary;
}

/* The growth's table and its plot beside NAME.json: NAME-growth.csv, .svg, .png. */
static sei_status write_growth(const words *w) {
    static const char *const series[] = {"measured_ms", "line_ms"};
    static const char *const labels[] = {"measured", "line through R (512\xc2\xb3, 25 tilts)"};
    static const bool dots[] = {true, false};
    sei_text csv = {0}, plot = {0};
    sei_table table = {0};
    char stem[SEI_TEXT_LENGTH];
    sei_status status = SEI_OK;
    SEI_TRY(sei_cli_bench_growth(w->n_rows, w->rows, &table));
    if (table.n_rows == 0) goto done;
    sei_path_stem(w->common.output, stem, sizeof stem);
    const int folder = (int)(sei_path_base(w->common.output) - w->common.output);
    SEI_TRY(sei_text_add(&plot, "%.*s%s-growth", folder, w->common.output, stem));
    SEI_TRY(sei_text_add(&csv, "%s.csv", plot.data));
    SEI_TRY(sei_io_write_table(csv.data, &table, w->common.force));
    SEI_TRY(sei_plot_table(plot.data, &table,
                           &(sei_plot){.title = "One iteration of EM",
                                       .x_label = "multiply-adds (10\xe2\x81\xb9)",
                                       .y_label = "time (ms)",
                                       .x = "giga_multiply_adds",
                                       .n_series = 2,
                                       .series = series,
                                       .labels = labels,
                                       .dots = dots,
                                       .y_from_zero = true},
                           w->common.force));
done:
    sei_table_free(&table);
    sei_text_free(&csv);
    sei_text_free(&plot);
    return status;
}

static sei_status finish(words *w, const char *command) {
    sei_status status = SEI_OK;
    json_t *summary = summary_of(w, command);
    if (w->common.output != NULL) {
        char *text = json_dumps(summary, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
        status = text == NULL ? sei_fail(SEI_ERR_MEMORY, "the results could not be written as JSON")
                              : sei_file_write_text(w->common.output, w->common.force, text, strlen(text));
        free(text);
        if (status == SEI_OK) status = write_growth(w);
    }
    if (status != SEI_OK) {
        json_decref(summary);
        return status;
    }
    status = sei_cli_print_json(&w->common, summary);
    if (status == SEI_OK && w->n_failed > 0)
        status = sei_fail(SEI_ERR_PARTIAL, "%zu of %zu results are not what is asserted of them", w->n_failed, w->n_rows);
    return status;
}

static void print_list(const words *w) {
    for (size_t i = 0; sei_bench_case_name(i) != NULL; ++i) printf("%-8s%s\n", sei_bench_case_name(i), sei_bench_case_does(i));
    for (size_t i = 0; i < w->bench.n_extra; ++i) printf("%-8s%s\n", w->bench.extra[i].name, w->bench.extra[i].does);
}

/* argp changes argv's order, so the words are joined before it sees them. */
static sei_status join(int argc, char **argv, sei_text *command) {
    sei_status status = sei_text_add(command, "seitomo");
    for (int i = 0; status == SEI_OK && i < argc; ++i) status = sei_text_add(command, " %s", argv[i]);
    return status;
}

sei_status sei_cmd_bench(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "[CASE...]",
        "Times and checks this machine's reconstructions beside the machine's own limits in the same run: "
        "multiply-adds from registers and with an operand from the L1 cache, copying and reading of "
        "large arrays. Without a case all are run, which takes the better part of an hour; --list names them.",
        sei_common_children,
        NULL,
        NULL};
    words w = {0};
    sei_text command = {0};
    sei_status status = SEI_OK;
    SEI_TRY(join(argc, argv, &command));
    SEI_TRY(sei_cli_begin(&argp, argc, argv, &w, &w.common));
    const char *temporary = getenv("TMPDIR");
    w.folder = w.folder != NULL ? w.folder : temporary != NULL && temporary[0] != 0 ? temporary : "/tmp";
    const sei_bench_extra files = {"B6", "from a file to a file: 5 maps, EM 20", sei_cli_bench_files,
                                   (void *)(uintptr_t)w.folder};
    w.bench.cases = w.cases;
    w.bench.n_extra = 1;
    w.bench.extra = &files;
    w.bench.device =
        (sei_device_options){.name = w.common.backend, .threads = w.common.threads, .isa = w.common.isa, .fast = w.common.fast};
    if (w.list) {
        print_list(&w);
        goto done;
    }
    if (w.common.output != NULL) SEI_TRY(sei_file_check_target(w.common.output, w.common.force));
    w.results = json_array();
    w.calibration = json_array();
    if (!w.common.json) printf("%s\n", sei_bench_heading());
    fflush(stdout);
    const sei_bench_sink sink = {.context = &w, .row = take_row, .calibration = take_calibration};
    SEI_TRY(sei_bench_run(&w.bench, &sink));
    SEI_TRY(finish(&w, command.data));
done:
    json_decref(w.results);
    json_decref(w.calibration);
    sei_free(w.rows);
    sei_text_free(&command);
    return status;
}
