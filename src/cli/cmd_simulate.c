#include <math.h>

#include "cli/cli.h"
#include "core/log.h"
#include "study/simulation_file.h"

typedef struct words {
    sei_common common;
    const char *file;
    bool mrc, tiff;
} words;

enum { KEY_TIFF = 0x600 };

static const struct argp_option options[] = {
    {"mrc", 'm', 0, 0, "write the series as MRC with .rawtlt as well, one file per channel", 0},
    {"tiff", KEY_TIFF, 0, 0, "write the series as TIFF as well, one file per channel", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    static const sei_cli_one says = {"no simulation file", "one simulation file at a time", "no output folder; give -o FOLDER",
                                     false};
    words *w = state->input;
    switch (key) {
        case 'm': w->mrc = true; break;
        case KEY_TIFF: w->tiff = true; break;
        default: return sei_cli_parse_one(key, arg, state, &says, &w->common, &w->file);
    }
    return 0;
}

/* With --plan says what is needed; without it refuses what --memory does not allow. */
static sei_status plan(const words *w, const sei_simulation_file *file, const sei_simulation_output *output) {
    const double gib = 1073741824.0;
    const sei_simulation *s = &file->simulation;
    sei_simulation_plan p;
    sei_status status = sei_simulation_make_plan(file, output, &p);
    if (status == SEI_OK) status = sei_cli_check_memory(&w->common, p.memory_bytes);
    if (status != SEI_OK || !w->common.plan) return status;
    sei_info(
        "plan: memory %.2f GiB, disk at most %.2f GiB, about %.0f s; %lld images of %lld x %lld in %zu channels; nothing was "
        "written",
        p.memory_bytes / gib, p.disk_bytes / gib, ceil(p.seconds), (long long)p.n_tilts, (long long)s->nx, (long long)s->ny,
        s->n_channels);
    return sei_cli_print_json(&w->common,
                              json_pack("{s:{s:o, s:o, s:o}}", "plan", "memory", sei_cli_number(p.memory_bytes, "B", NAN), "disk",
                                        sei_cli_number(p.disk_bytes, "B", NAN), "time", sei_cli_number(p.seconds, "s", NAN)));
}

sei_status sei_cmd_simulate(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "FILE.yaml -o FOLDER",
        "The virtual microscope: makes the tilt series of a specimen whose truth is known, with the order of its tilts, dose, "
        "drift, damage and counting noise, and beside it the true labels, volumes, shifts, angles and numbers.",
        sei_common_children,
        NULL,
        NULL};
    words w = {0};
    sei_simulation_file file = {0};
    sei_numbers truth = {0};
    sei_device *device = NULL;
    char seed[40];
    sei_status status = sei_cli_begin(&argp, argc, argv, &w, &w.common);
    if (status != SEI_OK) return status;
    if (w.common.seed_given && w.common.n_set < sizeof w.common.set / sizeof w.common.set[0]) {
        snprintf(seed, sizeof seed, "seed=%llu", (unsigned long long)w.common.seed);
        w.common.set[w.common.n_set++] = seed;
    }
    const sei_simulation_output output = {w.common.output, w.mrc, w.tiff, w.common.force};
    SEI_TRY(sei_simulation_file_read(w.file, w.common.n_set, w.common.set, &file));
    SEI_TRY(plan(&w, &file, &output));
    if (w.common.plan) goto done;
    SEI_TRY(sei_cli_open_device(&w.common, &device));
    file.simulation.device = device;
    SEI_TRY(sei_simulation_run(&file, &output, &truth));
    sei_info("tilt series and truth: %s", w.common.output);
    status = sei_cli_print_json(&w.common, sei_cli_numbers(&truth));
done:
    sei_device_close(device);
    sei_simulation_file_free(&file);
    sei_numbers_free(&truth);
    return status;
}
