/* The driver of a run: folder and lock, plan, stages in order, log. */
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/threads.h"
#include "seitomo/version.h"
#include "study/record.h"
#include "study/run.h"
#include "study/yaml.h"

static void close_run(sei_run_state *run) {
    for (size_t i = 0; i < run->n_stages; ++i) {
        json_decref(run->stages[i].files);
        json_decref(run->stages[i].facts);
        json_decref(run->stages[i].numbers);
    }
    sei_free(run->stages);
    json_decref(run->owned);
    json_decref(run->resolved);
    for (unsigned i = 0; run->input_paths != NULL && i < run->recipe->input.n_files; ++i) sei_free(run->input_paths[i]);
    sei_free(run->input_paths);
    sei_free(run->angles_path);
    sei_free(run->shifts_path);
    sei_free(run->base_folder);
    sei_free(run->channels);
    sei_free(run->file_names);
    sei_series_free(&run->series);
    sei_series_free(&run->aligned);
    sei_provenance_free(&run->provenance);
    sei_device_close(run->device);
    sei_recipe_free(run->recipe);
    sei_folder_unlock(run->lock);
}

/* input.folder is relative to the recipe when the recipe says it, to the working folder when --set does. */
static sei_status find_base_folder(sei_run_state *run) {
    const char *folder = run->recipe->input.folder;
    bool from_set = false;
    for (size_t i = 0; i < run->options->n_set; ++i) {
        from_set = from_set || strncmp(run->options->set[i], "input.folder=", 13) == 0;
    }
    if (from_set && folder[0] != 0) return sei_strdup(folder, &run->base_folder);
    char *recipe_folder = NULL;
    const char *base = sei_path_base(run->options->recipe);
    sei_status status = sei_strdup(run->options->recipe, &recipe_folder);
    if (status != SEI_OK) return status;
    const size_t length = (size_t)(base - run->options->recipe);
    recipe_folder[length] = 0;
    status = folder[0] == 0 ? sei_strdup(length == 0 ? "." : recipe_folder, &run->base_folder)
                            : sei_path_join(recipe_folder, folder, &run->base_folder);
    sei_free(recipe_folder);
    return status;
}

/* Bytes of "NAME=" in front of a path; a name holds no '/'. */
static size_t name_bytes(const char *word) {
    const char *equals = strchr(word, '=');
    const char *slash = strchr(word, '/');
    const bool named = equals != NULL && equals > word && (slash == NULL || equals < slash);
    return named ? (size_t)(equals + 1 - word) : 0;
}

const char *sei_run_plain_path(const sei_run_state *run, unsigned i) {
    const char *word = run->recipe->input.files[i];
    const size_t head = name_bytes(word);
    /* joined with its name in front, or with the folder in front of all of it */
    const bool named = head > 0 && strncmp(run->input_paths[i], word, head) == 0 && !sei_file_exists(run->input_paths[i]);
    return run->input_paths[i] + (named ? head : 0);
}

static sei_status join_input(const sei_run_state *run, const char *word, char **out) {
    const size_t head = name_bytes(word);
    char *path = NULL;
    void *joined = NULL;
    sei_status status = sei_path_join(run->base_folder, word, &path);
    /* a file that is called so is meant, whatever its name looks like */
    if (status != SEI_OK || head == 0 || sei_file_exists(path)) {
        *out = path;
        return status;
    }
    sei_free(path);
    path = NULL;
    if ((status = sei_path_join(run->base_folder, word + head, &path)) != SEI_OK) return status;
    const size_t bytes = head + strlen(path) + 1;
    status = sei_alloc(bytes, &joined);
    if (status == SEI_OK) {
        memcpy(joined, word, head);
        memcpy((char *)joined + head, path, bytes - head);
        *out = joined;
    }
    sei_free(path);
    return status;
}

static sei_status find_inputs(sei_run_state *run) {
    const sei_recipe_input *in = &run->recipe->input;
    sei_status status = SEI_OK;
    SEI_TRY(find_base_folder(run));
    SEI_TRY(SEI_NEW(run->input_paths, in->n_files, 1, 1));
    for (unsigned i = 0; i < in->n_files; ++i) SEI_TRY(join_input(run, in->files[i], &run->input_paths[i]));
    if (in->angles[0] != 0) SEI_TRY(sei_path_join(run->base_folder, in->angles, &run->angles_path));
    if (run->recipe->align.method == SEI_ALIGN_FILE)
        SEI_TRY(sei_path_join(run->base_folder, run->recipe->align.shifts, &run->shifts_path));
done:
    return status;
}

/* Bytes as "1.2 GB". */
static void say_bytes(double bytes, char text[32]) {
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    int u = 0;
    while (bytes >= 1000 && u < 5) {
        bytes /= 1000;
        ++u;
    }
    snprintf(text, 32, "%.3g %s", bytes, units[u]);
}

static sei_status check_plan(const sei_run_state *run, const sei_run_plan *plan) {
    char memory[32];
    char disk[32];
    char there[32];
    say_bytes(plan->memory_bytes, memory);
    say_bytes(plan->disk_bytes, disk);
    sei_info("plan: %lld tilts of %lld x %lld, %zu channels; memory about %s, disk about %s, %.3g multiply-adds",
             (long long)plan->n_tilts, (long long)plan->nx, (long long)plan->ny, plan->n_channels, memory, disk,
             plan->multiply_adds);
    const double available = run->options->memory_bytes > 0 ? (double)run->options->memory_bytes : (double)sei_memory_available();
    if (plan->memory_bytes > available) {
        say_bytes(available, there);
        return sei_fail(SEI_ERR_MEMORY,
                        "the run needs about %s of memory and may use %s; crop or bin in the recipe, or raise --memory", memory,
                        there);
    }
    /* what an earlier run wrote is replaced or kept */
    return sei_folder_check_space(run->root, fmax(plan->disk_bytes - plan->written_bytes, 0));
}

/* Bytes of the files that earlier runs of the folder wrote. */
static sei_status count_written(sei_run_state *run, double *bytes) {
    const char *name = NULL;
    json_t *value = NULL;
    const sei_log_level level = sei_log_set_level(SEI_LOG_QUIET); /* a damaged record is told of when it matters */
    sei_status status = sei_run_load_records(run);
    sei_log_set_level(level);
    *bytes = 0;
    json_object_foreach(run->owned, name, value) {
        char *path = NULL;
        sei_infile file = {.fd = -1};
        if (status != SEI_OK || (status = sei_run_read_path(run, name, &path)) != SEI_OK) break;
        if (sei_file_exists(path) && sei_infile_open(path, &file) == SEI_OK) *bytes += (double)file.size;
        sei_infile_close(&file);
        sei_free(path);
    }
    json_decref(run->owned); /* read again once the folder is ours */
    run->owned = NULL;
    return status;
}

/* Threads, times, host: what cannot change the result stands here and nowhere else. */
static sei_status write_log(const sei_run_state *run, time_t started, double seconds) {
    struct utsname host = {0};
    struct tm utc = {0};
    char when[32] = "";
    char *path = NULL;
    json_t *stages = json_array();
    uname(&host);
    if (gmtime_r(&started, &utc) != NULL) strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &utc);
    for (size_t i = 0; i < run->n_stages; ++i) {
        json_array_append_new(stages, json_pack("{s:s, s:b, s:f}", "stage", run->stages[i].name, "done_now",
                                                run->stages[i].done_now ? 1 : 0, "seconds", run->stages[i].seconds));
    }
    json_t *log = json_pack("{s:s, s:s, s:f, s:i, s:s, s:s, s:o, s:o}", "kind", "run log", "started", when, "seconds", seconds,
                            "threads", sei_threads(), "backend", run->device->backend->description, "machine", host.machine,
                            "host", sei_json_text(host.nodename), "stages", stages);
    if (log == NULL) return sei_fail(SEI_ERR_MEMORY, "not enough memory for the run's log");
    sei_status status = sei_path_join(run->root, "run_log.json", &path);
    if (status == SEI_OK) status = sei_sealed_write(path, true, log);
    sei_free(path);
    json_decref(log);
    return status;
}

/* run_log.json may be replaced when it is one of ours. */
static sei_status check_log_target(const sei_run_state *run) {
    char *path = NULL;
    json_t *log = NULL;
    sei_status status = sei_path_join(run->root, "run_log.json", &path);
    if (status != SEI_OK) return status;
    if (sei_path_in_the_way(path) && !(sei_file_exists(path) && sei_sealed_read(path, &log) == SEI_OK)) {
        status = sei_file_check_target(path, run->options->force);
    }
    json_decref(log);
    sei_free(path);
    return status;
}

static void sweep(const sei_run_state *run) {
    static const char *const folders[] = {".", "aligned", "labels", "tables", "plots", "pictures", "stages"};
    char *path = NULL;
    char name[SEI_RUN_NAME];
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] + run->recipe->n_reconstruct; ++i) {
        const size_t fixed = sizeof folders / sizeof folders[0];
        snprintf(name, sizeof name, "%s%s", i < fixed ? folders[i] : "volumes/",
                 i < fixed ? "" : run->recipe->reconstruct[i - fixed].name);
        if (sei_path_join(run->root, name, &path) != SEI_OK) return;
        sei_folder_sweep(path);
        sei_free(path);
    }
}

static sei_status perform_stages(sei_run_state *run) {
    sei_status status = SEI_OK;
    size_t kept = 0;
    for (size_t i = 0; i < run->n_stages; ++i) {
        run->stages[i].current = !run->options->force && sei_stage_is_current(run, &run->stages[i]);
        kept += run->stages[i].current;
    }
    /* everything that could stand in the way is looked at before anything is computed */
    for (size_t i = 0; i < run->n_stages; ++i) {
        if (!run->stages[i].current) SEI_TRY(sei_run_check_foreign(run, &run->stages[i]));
    }
    if (kept > 0) sei_info("resume: %zu of %zu stages are whole and kept", kept, run->n_stages);
    for (size_t i = 0; i < run->n_stages; ++i) {
        if (run->stages[i].current) continue;
        sei_info("stage %zu of %zu: %s", i + 1, run->n_stages, run->stages[i].name);
        if (run->stages[i].perform == sei_stage_reconstruct) {
            snprintf(run->at, sizeof run->at, "reconstruct.%u", run->stages[i].entry);
        } else {
            snprintf(run->at, sizeof run->at, "%.31s", run->stages[i].name);
        }
        SEI_TRY(sei_run_stage(run, &run->stages[i]));
    }
done:
    return status;
}

static sei_status read_numbers(const sei_run_state *run, sei_numbers *numbers) {
    char *path = NULL;
    if (!run->recipe->segment.enabled) return SEI_OK;
    sei_status status = sei_run_read_path(run, "measures.json", &path);
    if (status == SEI_OK) status = sei_io_read_numbers(path, numbers);
    sei_free(path);
    return status;
}

sei_status sei_run(const sei_run_options *options, sei_run_plan *plan, sei_numbers *numbers) {
    sei_run_state run = {.options = options, .root = options->output, .lock = -1, .at = "input"};
    sei_run_plan needs = {0};
    char *text = NULL;
    struct timespec before;
    struct timespec after;
    const time_t started = time(NULL);
    sei_status status = SEI_OK;
    clock_gettime(CLOCK_MONOTONIC, &before);
    if (options->output == NULL || options->output[0] == 0) return sei_fail(SEI_ERR_USAGE, "no output folder; give -o DIR");
    SEI_TRY(sei_recipe_load(options->recipe, options->n_set, options->set, &run.recipe, &text));
    run.resolved = json_loads(text, 0, NULL);
    if (run.resolved == NULL) {
        status = sei_fail(SEI_ERR_MEMORY, "not enough memory for the recipe");
        goto done;
    }
    SEI_TRY(find_inputs(&run));
    SEI_TRY(sei_run_make_plan(&run, &needs));
    run.at[0] = 0;
    SEI_TRY(count_written(&run, &needs.written_bytes));
    if (plan != NULL) *plan = needs;
    SEI_TRY(check_plan(&run, &needs));
    if (options->plan_only) goto done;
    SEI_TRY(sei_folder_make(options->output));
    SEI_TRY(sei_folder_lock(options->output, &run.lock));
    if (access(options->output, W_OK | X_OK) != 0) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: the folder cannot be written; choose another", options->output);
        goto done;
    }
    sweep(&run);
    SEI_TRY(check_log_target(&run));
    SEI_TRY(sei_run_load_records(&run));
    SEI_TRY(sei_device_open(&options->device, &run.device));
    sei_info("backend: %s, %s", run.device->backend->name, run.device->backend->description);
    SEI_TRY(sei_run_read_input(&run, false));
    if (run.shifts_path != NULL) SEI_TRY(sei_io_provenance_add_input(&run.provenance, run.shifts_path));
    SEI_TRY(sei_run_layout(&run));
    SEI_TRY(perform_stages(&run));
    clock_gettime(CLOCK_MONOTONIC, &after);
    SEI_TRY(write_log(&run, started, (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec)));
    if (numbers != NULL) SEI_TRY(read_numbers(&run, numbers));
done:
    /* what the recipe asked for and cannot be had; the disk, the card and interruptions are not its fault */
    if (run.recipe != NULL && (status == SEI_ERR_INPUT || status == SEI_ERR_USAGE || status == SEI_ERR_MEMORY))
        status = sei_yaml_blame(options->recipe, options->n_set, options->set, run.at, status);
    sei_free(text);
    close_run(&run);
    return status;
}
