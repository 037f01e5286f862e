#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "seitomo/report.h"
#include "study/simulation_file.h"
#include "study/yaml.h"

typedef struct words {
    sei_common common;
    sei_cli_files files;
    bool mrc, tiff;
} words;

enum { KEY_TIFF = 0x600, MOST_PICTURES = 8 };

static const struct argp_option options[] = {
    {"mrc", 'm', 0, 0, "write the series as MRC with .rawtlt as well, one file per channel", 0},
    {"tiff", KEY_TIFF, 0, 0, "write the series as TIFF as well, one file per channel", 0},
    {0}};

static error_t parse(int key, char *arg, struct argp_state *state) {
    words *w = state->input;
    switch (key) {
        case 'm': w->mrc = true; break;
        case KEY_TIFF: w->tiff = true; break;
        default:
            if (key == ARGP_KEY_END && w->common.output == NULL) argp_error(state, "no output folder; give -o FOLDER");
            return sei_cli_parse_files(key, arg, state, &w->common, &w->files, "no simulation file");
    }
    return 0;
}

/* With --plan says what is needed; without it refuses what --memory does not allow. */
static sei_status plan(const words *w, const sei_simulation_file *file, const sei_simulation_output *output, json_t **summary) {
    const double gib = 1073741824.0;
    const sei_simulation *s = &file->simulation;
    sei_simulation_plan p;
    sei_status status = sei_simulation_make_plan(file, output, &p);
    if (status == SEI_OK) status = sei_cli_check_memory(&w->common, p.memory_bytes);
    if (status != SEI_OK || !w->common.plan) return status;
    sei_info(
        "plan: memory %.2f GiB, disk at most %.2f GiB, about %.0f s; %lld images of %lld x %lld in %zu channels; nothing "
        "was written",
        p.memory_bytes / gib, p.disk_bytes / gib, ceil(p.seconds), (long long)p.n_tilts, (long long)s->nx, (long long)s->ny,
        s->n_channels);
    *summary = json_pack("{s:{s:o, s:o, s:o}}", "plan", "memory", sei_cli_number(p.memory_bytes, "B", NAN), "disk",
                         sei_cli_number(p.disk_bytes, "B", NAN), "time", sei_cli_number(p.seconds, "s", NAN));
    return SEI_OK;
}

/* What the file asks for and cannot be had is told with its name and line. */
static sei_status of_file(const words *w, const char *path, sei_status status) {
    return status == SEI_ERR_INPUT ? sei_yaml_blame(path, w->common.n_set, w->common.set, "", status) : status;
}

/* One file into one folder; its summary is a new reference. */
static sei_status simulate(words *w, const char *path, const char *folder, sei_device *device, json_t **summary) {
    const sei_simulation_output output = {folder, w->mrc, w->tiff, w->common.force};
    sei_simulation_file file = {0};
    sei_numbers truth = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_simulation_file_read(path, w->common.n_set, w->common.set, &file));
    SEI_TRY(of_file(w, path, plan(w, &file, &output, summary)));
    if (w->common.plan) goto done;
    file.simulation.device = device;
    SEI_TRY(of_file(w, path, sei_simulation_run(&file, &output, &truth)));
    sei_info("tilt series and truth: %s", folder);
    *summary = sei_cli_numbers(&truth);
done:
    sei_simulation_file_free(&file);
    sei_numbers_free(&truth);
    return status;
}

/* FOLDER/NAME of each of several files. */
static sei_status folder_of(const words *w, size_t i, char name[SEI_TEXT_LENGTH], char **folder) {
    sei_path_stem(w->files.names[i], name, SEI_TEXT_LENGTH);
    for (size_t other = 0; other < i; ++other) {
        char before[SEI_TEXT_LENGTH];
        sei_path_stem(w->files.names[other], before, sizeof before);
        if (strcmp(name, before) != 0) continue;
        return sei_fail(SEI_ERR_USAGE, "%s and %s would share the folder %s; name the files apart", w->files.names[other],
                        w->files.names[i], name);
    }
    return sei_path_join(w->common.output, name, folder);
}

/* Every kind of picture is a row, every file a column; left out where a file makes none. */
static sei_status overview(const words *w) {
    char *pngs[MOST_PICTURES * SEI_CLI_MAX_FILES];
    char *path = NULL;
    size_t n = 0;
    bool whole = true;
    sei_status status = SEI_OK;
    for (size_t kind = 0; kind < MOST_PICTURES && sei_simulation_picture(kind) != NULL; ++kind) {
        for (size_t i = 0; i < w->files.count; ++i) {
            char name[SEI_TEXT_LENGTH], picture[2 * SEI_TEXT_LENGTH];
            sei_path_stem(w->files.names[i], name, sizeof name);
            snprintf(picture, sizeof picture, "%s/pictures/%s.png", name, sei_simulation_picture(kind));
            SEI_TRY(sei_path_join(w->common.output, picture, &pngs[n]));
            whole = whole && sei_file_exists(pngs[n]);
            ++n;
        }
    }
    if (!whole) goto done;
    SEI_TRY(sei_path_join(w->common.output, "overview.png", &path));
    SEI_TRY(sei_render_montage(path, n, (const char *const *)pngs, (int)w->files.count, w->common.force));
    sei_info("side by side: %s", path);
done:
    for (size_t i = 0; i < n; ++i) sei_free(pngs[i]);
    sei_free(path);
    return status;
}

/* A mistake in the last of several files is told before the first takes its minutes. */
static sei_status check_all(const words *w) {
    sei_status status = SEI_OK;
    for (size_t i = 0; status == SEI_OK && i < w->files.count; ++i) {
        char name[SEI_TEXT_LENGTH];
        char *folder = NULL;
        sei_simulation_file file = {0};
        status = folder_of(w, i, name, &folder);
        if (status == SEI_OK) status = sei_simulation_file_read(w->files.names[i], w->common.n_set, w->common.set, &file);
        sei_simulation_file_free(&file);
        sei_free(folder);
    }
    return status;
}

static sei_status simulate_all(words *w, sei_device *device) {
    json_t *summaries = json_object();
    char *path = NULL;
    sei_status status = sei_path_join(w->common.output, "overview.png", &path);
    if (status == SEI_OK && !w->common.plan && sei_file_exists(path)) status = sei_file_check_target(path, w->common.force);
    sei_free(path);
    if (status == SEI_OK) status = check_all(w);
    for (size_t i = 0; status == SEI_OK && i < w->files.count; ++i) {
        char name[SEI_TEXT_LENGTH];
        char *folder = NULL;
        json_t *summary = NULL;
        status = folder_of(w, i, name, &folder);
        if (status == SEI_OK) status = simulate(w, w->files.names[i], folder, device, &summary);
        sei_free(folder);
        if (status == SEI_OK) json_object_set_new(summaries, name, summary);
        if (status != SEI_OK) break;
    }
    if (status == SEI_OK && !w->common.plan) status = overview(w);
    if (status == SEI_OK) return sei_cli_print_json(&w->common, summaries);
    json_decref(summaries);
    return status;
}

sei_status sei_cmd_simulate(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "FILE.yaml... -o FOLDER",
        "The virtual microscope: makes the tilt series of a specimen whose truth is known, with the order of its tilts, dose, "
        "drift, damage and counting noise, and beside it the true labels, volumes, shifts, angles and numbers. Several files go "
        "into folders of their own, and their pictures side by side into FOLDER/overview.png.",
        sei_common_children,
        NULL,
        NULL};
    words w = {0};
    sei_device *device = NULL;
    json_t *summary = NULL;
    char seed[40];
    sei_status status = sei_cli_begin(&argp, argc, argv, &w, &w.common);
    if (status != SEI_OK) return status;
    if (w.common.seed_given && w.common.n_set < sizeof w.common.set / sizeof w.common.set[0]) {
        snprintf(seed, sizeof seed, "seed=%llu", (unsigned long long)w.common.seed);
        w.common.set[w.common.n_set++] = seed;
    }
    if (!w.common.plan) SEI_TRY(sei_cli_open_device(&w.common, &device));
    if (w.files.count > 1) {
        status = simulate_all(&w, device);
    } else {
        SEI_TRY(simulate(&w, w.files.names[0], w.common.output, device, &summary));
        status = sei_cli_print_json(&w.common, summary);
    }
done:
    sei_device_close(device);
    return status;
}
