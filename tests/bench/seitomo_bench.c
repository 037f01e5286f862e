/*
 * seitomo-bench [CASE...] [--backend NAME] [--isa NAME] [--threads N] [--repeats N] [--quick]
 * The cases of `seitomo bench` that need no files, in a build that has no file libraries: the table alone.
 */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/log.h"
#include "seitomo/bench.h"

enum { KEY_BACKEND = 1000, KEY_ISA, KEY_THREADS, KEY_REPEATS, KEY_QUICK, MAX_CASES = 32 };

typedef struct words {
    sei_bench_options options;
    const char *cases[MAX_CASES];
    size_t n_failed;
} words;

static const struct argp_option options[] = {{"backend", KEY_BACKEND, "NAME", 0, "auto, ref, cpu, cuda or cuda-emulated", 0},
                                             {"isa", KEY_ISA, "NAME", 0, "instruction set of the cpu backend", 0},
                                             {"threads", KEY_THREADS, "N", 0, "threads (default: all cores)", 0},
                                             {"repeats", KEY_REPEATS, "N", 0, "of what is timed (5)", 0},
                                             {"quick", KEY_QUICK, 0, 0, "small sizes, to see that it works", 0},
                                             {0}};

static int number_of(const char *text, struct argp_state *state) {
    char *end = NULL;
    const long value = strtol(text, &end, 10);
    if (*end != 0 || end == text || value < 1 || value > 4096) argp_error(state, "'%s' is not a number from 1 to 4096", text);
    return (int)value;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    words *w = state->input;
    switch (key) {
        case KEY_BACKEND: w->options.device.name = arg; break;
        case KEY_ISA: w->options.device.isa = arg; break;
        case KEY_THREADS: w->options.device.threads = number_of(arg, state); break;
        case KEY_REPEATS: w->options.repeats = number_of(arg, state); break;
        case KEY_QUICK: w->options.quick = true; break;
        case ARGP_KEY_ARG:
            if (w->options.n_cases == MAX_CASES) argp_error(state, "too many cases");
            w->cases[w->options.n_cases++] = arg;
            break;
        default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static sei_status print_row(void *context, const sei_bench_row *row) {
    words *w = context;
    char line[SEI_BENCH_LINE_LENGTH];
    sei_bench_line(row, line);
    puts(line);
    fflush(stdout);
    w->n_failed += !sei_bench_holds(row);
    return SEI_OK;
}

static sei_status print_calibration(void *context, const sei_bench_calibration *calibration) {
    char line[SEI_BENCH_LINE_LENGTH];
    (void)context;
    sei_bench_calibration_line(calibration, line);
    puts(line);
    return SEI_OK;
}

int main(int argc, char **argv) {
    static const struct argp argp = {options, parse, "[CASE...]", "Timings beside the machine's own limits.", NULL, NULL, NULL};
    words w = {0};
    sei_wait_asleep(argv); /* as the program itself does for the verb */
    argp_err_exit_status = SEI_ERR_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &w);
    w.options.cases = w.cases;
    sei_interrupt_install();
    sei_log_set_level(SEI_LOG_INFO);
    puts(sei_bench_heading());
    fflush(stdout); /* children must not inherit unwritten lines */
    const sei_bench_sink sink = {.context = &w, .row = print_row, .calibration = print_calibration};
    const sei_status status = sei_bench_run(&w.options, &sink);
    if (status != SEI_OK) fprintf(stderr, "seitomo-bench: %s\n", sei_last_error());
    if (status != SEI_OK) return (int)status;
    return w.n_failed == 0 ? 0 : (int)SEI_ERR_PARTIAL;
}
