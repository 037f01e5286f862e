/* A run of the phase-field model: folder, checkpoint, half-cycles, records. */
#include "study/phasefield_run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "core/threads.h"
#include "seitomo/io.h"
#include "seitomo/version.h"
#include "study/phasefield_sweep.h"
#include "study/record.h"

enum { PROGRESS = 1000 }; /* steps of a half-cycle */

sei_status sei_pf_path(const sei_pf_run *run, const char *name, char **path) {
    return sei_path_join(run->folder, name, path);
}

sei_status sei_pf_half_path(const sei_pf_run *run, size_t half_cycle, const char *name, char **path) {
    char relative[128];
    snprintf(relative, sizeof relative, "half_%02zu/%s", half_cycle, name);
    return sei_pf_path(run, relative, path);
}

double sei_pf_row(const sei_pf_run *run, size_t half_cycle, const char *name) {
    const sei_number *number = half_cycle < run->n_rows ? sei_numbers_find(&run->rows[half_cycle], name) : NULL;
    return number == NULL ? NAN : number->value;
}

sei_status sei_pf_add_row(sei_pf_run *run, sei_numbers **row) {
    void *rows = run->rows;
    if (run->n_rows == run->room) {
        const size_t room = 2 * run->room + 8;
        const sei_status status = sei_realloc(&rows, room * sizeof *run->rows);
        if (status != SEI_OK) return status;
        run->rows = rows;
        run->room = room;
    }
    run->rows[run->n_rows] = (sei_numbers){0};
    *row = &run->rows[run->n_rows++];
    return SEI_OK;
}

static void free_run(sei_pf_run *run) {
    for (size_t r = 0; r < run->n_rows; ++r) sei_numbers_free(&run->rows[r]);
    sei_free(run->rows);
    sei_phasefield_state_free(&run->state);
    sei_mechanics_state_free(&run->shape);
}

/* ---- whose folder it is */

/* What decides every number and picture of a half-cycle. More cycles are the same run, longer. */
static sei_status make_stamp(sei_pf_run *run) {
    char *text = NULL;
    json_t *recipe = json_loads(run->file->resolved, 0, NULL);
    if (recipe == NULL) return sei_fail(SEI_ERR_MEMORY, "not enough memory for the recipe");
    json_object_del(recipe, "cycles");
    json_object_del(recipe, "sweep");
    json_object_del(recipe, "title");
    json_object_del(json_object_get(recipe, "output"), "checkpoint_every");
    json_object_set_new(recipe, "version", json_string(SEITOMO_VERSION));
    json_object_set_new(recipe, "backend", json_string(run->options->backend));
    const sei_status status = sei_json_dump(recipe, &text);
    if (status == SEI_OK) sei_io_sha256_bytes(text, strlen(text), run->stamp);
    json_decref(recipe);
    sei_free(text);
    return status;
}

/* A folder without a checkpoint is new: nothing that will be written may be there. */
static sei_status check_targets(const sei_pf_run *run) {
    static const char *const names[] = {"checkpoint.bin",    "metrics.csv",          "metrics.json",        "fields.pvd",
                                        "summary.json",      "recipe.json",          "provenance.json",     "report.html",
                                        "run_log.json",      "pictures/figure5.png", "half_00/section.png", "half_00/fields.emd",
                                        "half_00/labels.mrc"};
    sei_status status = SEI_OK;
    for (size_t n = 0; status == SEI_OK && n < sizeof names / sizeof names[0]; ++n) {
        char *path = NULL;
        status = sei_pf_path(run, names[n], &path);
        if (status == SEI_OK && sei_path_in_the_way(path)) status = sei_file_check_target(path, run->options->force);
        sei_free(path);
    }
    return status;
}

static sei_status begin_or_resume(sei_pf_run *run) {
    const size_t wanted = 2 * (size_t)run->file->entry->cycles + 1;
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_pf_mechanics_begin(run));
    SEI_TRY(sei_pf_path(run, "checkpoint.bin", &path));
    if (!run->options->force && sei_file_exists(path)) {
        SEI_TRY(sei_pf_checkpoint_read(run));
        if (run->n_rows > wanted || (run->n_rows == wanted && run->state.macro_steps > 0)) {
            status = sei_fail(
                SEI_ERR_ENVIRONMENT,
                "%s: the folder holds %zu half-cycles of this recipe already, more than the %zu asked for; choose another "
                "folder, or begin anew with --force",
                run->folder, run->n_rows - 1 + (run->state.macro_steps > 0), wanted - 1);
            goto done;
        }
        sei_info("resume: %zu half-cycles are done, the next at state of charge %.3f", run->n_rows > 0 ? run->n_rows - 1 : 0,
                 sei_phasefield_soc(&run->file->limits, &run->state));
    } else {
        SEI_TRY(check_targets(run));
        SEI_TRY(sei_phasefield_begin(&run->file->options, &run->state));
        SEI_TRY(sei_pf_checkpoint_write(run));
    }
done:
    sei_free(path);
    return status;
}

/* What a killed process left behind, wherever it was writing. */
static void sweep_away(const sei_pf_run *run) {
    static const char *const names[] = {".", "pictures", "pictures/panels", "pictures/frames", "plots"};
    const size_t halves = 2 * (size_t)run->file->entry->cycles + 1, fixed = sizeof names / sizeof names[0];
    for (size_t n = 0; n < fixed + halves; ++n) {
        char *path = NULL;
        const sei_status status = n < fixed ? sei_pf_path(run, names[n], &path) : sei_pf_half_path(run, n - fixed, ".", &path);
        if (status == SEI_OK && sei_folder_exists(path)) sei_folder_sweep(path);
        sei_free(path);
    }
}

/* ---- half-cycles */

/* The state after a half-cycle (or the intact wire's) becomes a row and files. */
static sei_status finish_half(sei_pf_run *run) {
    sei_numbers *row = NULL;
    const size_t rows = run->n_rows;
    double drift = NAN;
    sei_status status = SEI_OK;
    SEI_TRY(sei_pf_mechanics_follow(run));
    SEI_TRY(sei_phasefield_drift(&run->file->options, run->options->backend, &run->state, &drift));
    SEI_TRY(sei_pf_add_row(run, &row));
    SEI_TRY(sei_phasefield_metrics(&run->file->options, &run->state, row));
    SEI_TRY(sei_numbers_set(row, "mass_drift", drift, "", NAN));
    if (run->file->entry->mechanics.enabled) SEI_TRY(sei_mechanics_metrics(&run->file->mechanics, &run->shape, row));
    SEI_TRY(sei_pf_write_half(run));
    if (run->file->entry->output.movie) SEI_TRY(sei_pf_frame(run));
    SEI_TRY(sei_pf_write_metrics(run));
done:
    /* a half-cycle is finished when all of it is written */
    if (status != SEI_OK && run->n_rows > rows) sei_numbers_free(&run->rows[--run->n_rows]);
    return status;
}

/* How far the current half-cycle has come, 0 to 1. */
static double part_done(const sei_pf_run *run) {
    const sei_phasefield_options *o = &run->file->options;
    const double soc = sei_phasefield_soc(&run->file->limits, &run->state);
    const double charged = (run->state.half_cycles % 2 == 0 ? soc : 1 - soc) / o->stop_soc;
    return run->state.macro_steps == 0 ? 0 : fmin(fmax(fmax(charged, run->state.half_time / o->t_max), 0), 1);
}

/* What the state asks for before it goes on. All of it depends on the state alone, so that a run that stops here and goes on
 * from a checkpoint takes the same steps. */
static sei_status attend(sei_pf_run *run) {
    const sei_pf_entry *e = run->file->entry;
    const double soc = sei_phasefield_soc(&run->file->limits, &run->state);
    const bool beginning = run->state.macro_steps == 0;
    sei_status status = SEI_OK;
    if (run->n_rows <= (size_t)run->state.half_cycles) {
        SEI_TRY(finish_half(run));
        run->checks = e->output.checkpoint_every;
    }
    if (beginning && run->state.half_cycles % 2 == 0) {
        SEI_TRY(sei_pf_mechanics_cycle(run));
        run->shape_soc = soc;
    }
    if (fabs(soc - run->shape_soc) >= e->mechanics.soc_step) SEI_TRY(sei_pf_mechanics_follow(run));
    if (!beginning && e->output.movie && fabs(soc - run->frame_soc) >= e->output.movie_soc_step) SEI_TRY(sei_pf_frame(run));
    if (run->checks >= e->output.checkpoint_every) {
        run->checks = 0;
        SEI_TRY(sei_pf_checkpoint_write(run));
    }
done:
    return status;
}

static sei_status advance(sei_pf_run *run) {
    const int64_t wanted = 2 * (int64_t)run->file->entry->cycles;
    sei_status status = SEI_OK;
    for (;;) {
        bool ended = false;
        SEI_TRY(attend(run));
        SEI_TRY(sei_progress_step(PROGRESS * run->state.half_cycles + (int64_t)(PROGRESS * part_done(run))));
        if (run->state.half_cycles >= wanted) break;
        SEI_TRY(sei_phasefield_advance(&run->file->options, run->options->backend, 1, &run->state, &ended));
        ++run->checks;
    }
done:
    return status;
}

/* From the checkpoint, or the intact wire, to the last half-cycle. An interruption leaves a checkpoint where it came. */
static sei_status run_half_cycles(sei_pf_run *run) {
    sei_progress_begin("phase field", (int64_t)2 * PROGRESS * run->file->entry->cycles);
    sei_status status = advance(run);
    sei_progress_end();
    if (status == SEI_ERR_INTERRUPTED) {
        char message[512];
        snprintf(message, sizeof message, "%s", sei_last_error());
        if (sei_pf_checkpoint_write(run) == SEI_OK)
            status = sei_fail(SEI_ERR_INTERRUPTED, "%s; the same command goes on from half-cycle %lld", message,
                              (long long)run->state.half_cycles + 1);
    }
    return status;
}

/* ---- records */

static sei_status write_object(const sei_pf_run *run, const char *name, json_t *object) {
    char *path = NULL;
    sei_status status = object == NULL ? sei_fail(SEI_ERR_MEMORY, "not enough memory for %s", name) : SEI_OK;
    if (status == SEI_OK) status = sei_pf_path(run, name, &path);
    if (status == SEI_OK) status = sei_sealed_write(path, true, object);
    sei_free(path);
    return status;
}

static json_t *make_summary(const sei_pf_run *run) {
    const sei_phasefield_limits *l = &run->file->limits;
    const sei_number values[] = {{"cell", "l0", l->dx, NAN},
                                 {"kappa_v", "", l->kappa_v, NAN},
                                 {"macro_step", "s", l->tau, NAN},
                                 {"explicit_step", "s", l->dt_li, NAN},
                                 {"stages", "", (double)l->stages, NAN},
                                 {"time", "s", run->state.time, NAN},
                                 {"evaluations", "", (double)run->state.evaluations, NAN}};
    sei_numbers numbers = {0};
    json_t *summary = NULL;
    sei_status status = SEI_OK;
    for (size_t n = 0; n < sizeof values / sizeof values[0]; ++n)
        SEI_TRY(sei_numbers_set(&numbers, values[n].name, values[n].value, values[n].unit, NAN));
    summary = json_pack("{s:s, s:s, s:o, s:o, s:o}", "kind", "phase field", "title", run->file->entry->title, "figure5",
                        sei_pf_figure_json(run), "numerics", sei_json_numbers(&numbers), "half_cycles", sei_pf_rows_json(run));
done:
    sei_numbers_free(&numbers);
    return summary;
}

/* Every file of the run with its hash. */
static sei_status list_files(const sei_pf_run *run, json_t *files) {
    static const char *const names[] = {"metrics.csv",
                                        "metrics.json",
                                        "fields.pvd",
                                        "deformation.pvd",
                                        "pictures/figure5_reference.png",
                                        "summary.json",
                                        "recipe.json",
                                        "pictures/figure5.png",
                                        "pictures/half_cycles.png",
                                        "pictures/movie.png",
                                        "plots/areas.svg",
                                        "plots/areas.png",
                                        "plots/depth.svg",
                                        "plots/depth.png",
                                        "plots/silicon.svg",
                                        "plots/silicon.png",
                                        "plots/radius.svg",
                                        "plots/radius.png",
                                        "report.html"};
    static const char *const halves[] = {"fields.emd",      "fields.json",      "fields.vti",     "labels.mrc",
                                         "labels.json",     "measures.json",    "section.png",    "deformed.png",
                                         "deformation.emd", "deformation.json", "deformation.vti"};
    sei_status status = SEI_OK;
    for (size_t n = 0; status == SEI_OK && n < sizeof names / sizeof names[0]; ++n)
        status = sei_record_file(files, run->folder, names[n]);
    for (size_t h = 0; status == SEI_OK && h < run->n_rows; ++h)
        for (size_t n = 0; status == SEI_OK && n < sizeof halves / sizeof halves[0]; ++n) {
            char name[64];
            snprintf(name, sizeof name, "half_%02zu/%s", h, halves[n]);
            status = sei_record_file(files, run->folder, name);
        }
    return status;
}

static sei_status write_provenance(const sei_pf_run *run) {
    json_t *files = json_object(), *recipe = json_loads(run->file->resolved, 0, NULL), *whole = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(list_files(run, files));
    whole = json_pack("{s:s, s:s, s:s, s:s, s:O, s:O}", "kind", "phase field", "program", "seitomo", "version", SEITOMO_VERSION,
                      "backend", run->options->backend, "recipe", recipe, "files", files);
    SEI_TRY(write_object(run, "provenance.json", whole));
done:
    json_decref(whole);
    json_decref(files);
    json_decref(recipe);
    return status;
}

static sei_status write_log(const sei_pf_run *run, time_t started, double seconds) {
    struct utsname host = {0};
    struct tm utc = {0};
    char when[32] = "";
    uname(&host);
    if (gmtime_r(&started, &utc) != NULL) strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    json_t *log =
        json_pack("{s:s, s:s, s:f, s:i, s:s, s:s, s:o}", "kind", "run log", "started", when, "seconds", seconds, "threads",
                  sei_threads(), "backend", run->options->backend, "machine", host.machine, "host", sei_json_text(host.nodename));
    const sei_status status = write_object(run, "run_log.json", log);
    json_decref(log);
    return status;
}

static sei_status write_recipe(const sei_pf_run *run) {
    char *path = NULL;
    sei_status status = sei_pf_path(run, "recipe.json", &path);
    if (status == SEI_OK) status = sei_file_write_text(path, true, run->file->resolved, strlen(run->file->resolved));
    sei_free(path);
    return status;
}

static sei_status write_records(const sei_pf_run *run, json_t **summary) {
    char *path = NULL;
    json_t *made = make_summary(run);
    sei_status status = SEI_OK;
    SEI_TRY(write_recipe(run));
    SEI_TRY(write_object(run, "summary.json", made));
    SEI_TRY(sei_pf_pictures(run));
    SEI_TRY(sei_pf_path(run, "report.html", &path));
    SEI_TRY(sei_page_of_phasefield(run->folder, path, true));
    SEI_TRY(write_provenance(run));
    if (summary != NULL) *summary = json_incref(made);
done:
    json_decref(made);
    sei_free(path);
    return status;
}

/* ---- the whole */

/* Bytes and seconds; the time is that of 4 ns per cell and evaluation and core, and half-cycles of a tenth of the time limit
 * less than it. */
static sei_status plan(const sei_pf_run *run, bool only, json_t **summary) {
    const sei_phasefield_options *o = &run->file->options;
    const sei_phasefield_limits *l = &run->file->limits;
    const double cells = (double)o->nx * (double)o->ny * (double)o->nz, halves = 2 * (double)run->file->entry->cycles;
    const double evaluations = halves * 0.65 * o->t_max / l->tau * (l->stages + 1);
    const double seconds = evaluations * cells * 4e-9 / fmin(sei_threads(), fmax(cells / 4096, 1));
    const sei_mechanics_options *m = &run->file->mechanics;
    const double mechanics = run->file->entry->mechanics.enabled ? (double)m->nx * (double)m->ny * (double)m->nz : 0;
    /* the model's fields, the checkpoint's text, and mechanics' state twice, work and coarsened fields */
    const double memory = 200 * cells + (o->ny > 1 ? 500 : 400) * mechanics + 5e7;
    const double disk = (halves + 1) * (60 * cells + 120 * mechanics + 4e5) + 30 * cells + 90 * mechanics + 1e7;
    const double available = run->options->memory_bytes > 0 ? (double)run->options->memory_bytes : (double)sei_memory_available();
    sei_info(
        "plan: %lld x %lld x %lld cells of %.4g l0, %d stages in steps of %.3g s, %g half-cycles: memory %.2f GiB, disk at "
        "most %.2f GiB, about %.0f s",
        (long long)o->nx, (long long)o->ny, (long long)o->nz, l->dx, l->stages, l->tau, halves, memory / 1073741824.0,
        disk / 1073741824.0, ceil(seconds));
    if (memory > available)
        return sei_fail(SEI_ERR_MEMORY, "the model needs about %.2f GiB of memory and may use %.2f GiB; take a smaller grid",
                        memory / 1073741824.0, available / 1073741824.0);
    if (!only) return sei_folder_check_space(run->folder, disk);
    const sei_number memory_n = {"", "B", memory, NAN}, disk_n = {"", "B", disk, NAN}, time_n = {"", "s", seconds, NAN};
    if (summary != NULL)
        *summary = json_pack("{s:{s:o, s:o, s:o}}", "plan", "memory", sei_json_number(&memory_n), "disk",
                             sei_json_number(&disk_n), "time", sei_json_number(&time_n));
    return SEI_OK;
}

sei_status sei_pf_run_one(const sei_phasefield_file *file, const sei_phasefield_run_options *options, const char *folder,
                          json_t **summary) {
    sei_pf_run run = {.file = file, .options = options, .folder = folder};
    struct timespec before, after;
    const time_t started = time(NULL);
    int lock = -1;
    sei_status status = SEI_OK;
    clock_gettime(CLOCK_MONOTONIC, &before);
    SEI_TRY(plan(&run, options->plan_only, summary));
    if (options->plan_only) goto done;
    SEI_TRY(make_stamp(&run));
    SEI_TRY(sei_folder_make(folder));
    SEI_TRY(sei_folder_lock(folder, &lock));
    sweep_away(&run);
    SEI_TRY(begin_or_resume(&run));
    SEI_TRY(run_half_cycles(&run));
    SEI_TRY(write_records(&run, summary));
    clock_gettime(CLOCK_MONOTONIC, &after);
    SEI_TRY(write_log(&run, started, (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec)));
done:
    free_run(&run);
    sei_folder_unlock(lock);
    return status;
}

sei_status sei_phasefield_run(const sei_phasefield_run_options *options, json_t **summary) {
    sei_phasefield_file file = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_phasefield_file_read(options->recipe, options->n_set, options->set, &file));
    status = file.entry->n_sweep > 0 ? sei_pf_sweep(&file, options, summary)
                                     : sei_pf_run_one(&file, options, options->output, summary);
done:
    sei_phasefield_file_free(&file);
    return status;
}
