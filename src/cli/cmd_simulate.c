#include <math.h>

#include "cli/cli.h"
#include "core/log.h"
#include "study/simulation_file.h"

typedef struct words {
    sei_common common;
    const char *file;
    bool mrc;
} words;

static const struct argp_option options[] = {{"mrc", 'm', 0, 0, "write the series as MRC with .rawtlt as well", 0}, {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const sei_cli_one says = {"no simulation file", "one simulation file at a time", "no output folder; give -o FOLDER",
                                     false};
    words *w = state->input;
    if (key != 'm') return sei_cli_parse_one(key, arg, state, &says, &w->common, &w->file);
    w->mrc = true;
    return 0;
}

sei_status sei_cmd_simulate(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "FILE.yaml -o FOLDER",
        "Makes the tilt series of a specimen whose truth is known: projections, drift, counting noise, "
        "and beside them the true labels, volumes, shifts and numbers.",
        sei_common_children,
        NULL,
        NULL};
    words w = {0};
    sei_simulation_file file = {0};
    sei_numbers truth = {0};
    char seed[40];
    sei_status status = sei_cli_begin(&argp, argc, argv, &w, &w.common);
    if (status != SEI_OK) return status;
    if (w.common.seed_given && w.common.n_set < sizeof w.common.set / sizeof w.common.set[0]) {
        snprintf(seed, sizeof seed, "seed=%llu", (unsigned long long)w.common.seed);
        w.common.set[w.common.n_set++] = seed;
    }
    SEI_TRY(sei_simulation_file_read(w.file, w.common.n_set, w.common.set, &file));
    if (w.common.plan) {
        const sei_simulation *s = &file.simulation;
        const double gib = 1073741824.0;
        const double series = (double)(s->n_tilts * s->ny * s->nx) * (double)s->n_channels * 4;
        const double truth_bytes = (double)(s->nz * s->ny * s->nx) * (double)(4 * s->n_channels + 1);
        const double bytes = series + truth_bytes;
        sei_info("plan: memory %.2f GiB, disk at most %.2f GiB, %lld images of %lld x %lld in %zu channels; nothing was written",
                 bytes / gib, bytes / gib, (long long)s->n_tilts, (long long)s->nx, (long long)s->ny, s->n_channels);
        status = sei_cli_print_json(&w.common, json_pack("{s:{s:o, s:o}}", "plan", "memory", sei_cli_number(bytes, "B", NAN),
                                                         "disk", sei_cli_number(bytes, "B", NAN)));
        goto done;
    }
    SEI_TRY(sei_simulation_run(&file, w.common.output, w.mrc, w.common.force, &truth));
    sei_info("tilt series and truth: %s", w.common.output);
    status = sei_cli_print_json(&w.common, sei_cli_numbers(&truth));
done:
    sei_simulation_file_free(&file);
    sei_numbers_free(&truth);
    return status;
}
