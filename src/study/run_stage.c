/* Stamps, records and the ownership of files: what makes a run resumable and keeps it off other people's files. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "seitomo/version.h"
#include "study/record.h"
#include "study/run.h"

static sei_status no_memory(void) {
    return sei_fail(SEI_ERR_MEMORY, "not enough memory for the run's records");
}

sei_status sei_run_add_stage(sei_run_state *run, const char *name, sei_status (*perform)(sei_run_state *, sei_stage *),
                             const char *text, size_t n_upstream, const size_t *upstream, sei_stage **out) {
    sei_text whole = {0};
    sei_status status = SEI_OK;
    if (run->n_stages == SEI_RUN_MAX_STAGES)
        return sei_fail(SEI_ERR_USAGE, "more than %d stages; split the recipe", SEI_RUN_MAX_STAGES);
    sei_stage *stage = &run->stages[run->n_stages];
    *stage = (sei_stage){.perform = perform, .files = json_object()};
    if (stage->files == NULL) return no_memory();
    ++run->n_stages;
    snprintf(stage->name, sizeof stage->name, "%s", name);
    SEI_TRY(sei_text_add(&whole, "seitomo %s\nstage %s\n%s\n", SEITOMO_VERSION, name, text));
    for (size_t i = 0; i < n_upstream; ++i) SEI_TRY(sei_text_add(&whole, "%s\n", run->stages[upstream[i]].stamp));
    sei_io_sha256_bytes(whole.data, whole.length, stage->stamp);
    if (out != NULL) *out = stage;
done:
    sei_text_free(&whole);
    return status;
}

sei_status sei_stage_file(sei_stage *stage, const char *format, ...) {
    char name[SEI_RUN_NAME];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(name, sizeof name, format, args);
    va_end(args);
    if (length < 0 || (size_t)length >= sizeof name)
        return sei_fail(SEI_ERR_USAGE, "a file name of stage %s is too long", stage->name);
    return json_object_set_new(stage->files, name, json_null()) == 0 ? SEI_OK : no_memory();
}

sei_status sei_run_read_path(const sei_run_state *run, const char *name, char **path) {
    return sei_path_join(run->root, name, path);
}

sei_status sei_run_path(sei_run_state *run, const sei_stage *stage, const char *name, char **path) {
    char folder[SEI_RUN_NAME];
    if (json_object_get(stage->files, name) == NULL) {
        return sei_fail(SEI_ERR_USAGE, "stage %s writes '%s' without having announced it", stage->name, name);
    }
    const char *slash = strrchr(name, '/');
    if (slash != NULL) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - name), name);
        const sei_status status = sei_folder_make_below(run->root, folder);
        if (status != SEI_OK) return status;
    }
    return sei_path_join(run->root, name, path);
}

static sei_status record_path(const sei_run_state *run, const char *stage, char **path) {
    char name[SEI_RUN_NAME];
    snprintf(name, sizeof name, "stages/%s.json", stage);
    return sei_path_join(run->root, name, path);
}

/* The stage's record, or NULL when there is none that can be trusted. */
static json_t *read_record(const sei_run_state *run, const char *stage) {
    char *path = NULL;
    json_t *record = NULL;
    if (record_path(run, stage, &path) != SEI_OK) return NULL;
    if (sei_file_exists(path) && sei_sealed_read(path, &record) != SEI_OK) {
        sei_warn("stages/%s.json: damaged; the stage is done again", stage);
        record = NULL;
    }
    sei_free(path);
    return record;
}

/* Every record there is, whatever recipe wrote it: its files are ours. */
sei_status sei_run_load_records(sei_run_state *run) {
    char *folder = NULL;
    char **names = NULL;
    size_t n = 0;
    sei_status status = SEI_OK;
    run->owned = json_object();
    if (run->owned == NULL) return no_memory();
    SEI_TRY(sei_path_join(run->root, "stages", &folder));
    SEI_TRY(sei_folder_list(folder, ".json", &names, &n));
    for (size_t i = 0; i < n; ++i) {
        const char *name = NULL;
        json_t *value = NULL;
        char stage[SEI_STAGE_NAME];
        sei_path_stem(names[i], stage, sizeof stage);
        json_t *record = read_record(run, stage);
        json_object_foreach(json_object_get(record, "files"), name, value) {
            json_object_set_new(run->owned, name, json_true());
        }
        json_decref(record);
    }
done:
    sei_folder_list_free(names, n);
    sei_free(folder);
    return status;
}

bool sei_stage_is_current(const sei_run_state *run, const sei_stage *stage) {
    json_t *record = read_record(run, stage->name);
    const char *stamp = json_string_value(json_object_get(record, "stamp"));
    const char *state = json_string_value(json_object_get(record, "state"));
    bool current = stamp != NULL && state != NULL && strcmp(stamp, stage->stamp) == 0 && strcmp(state, "done") == 0;
    const char *name = NULL;
    json_t *entry = NULL;
    json_object_foreach(json_object_get(record, "files"), name, entry) {
        current = current && sei_record_holds(entry, run->root, name);
    }
    json_decref(record);
    return current;
}

/* An input is never replaced, whoever wrote it. */
static sei_status spare_inputs(const sei_run_state *run, const char *path) {
    const unsigned n = run->recipe == NULL ? 0 : run->recipe->input.n_files;
    for (unsigned i = 0; i < n; ++i) {
        if (sei_path_same(path, sei_run_plain_path(run, i)))
            return sei_fail(SEI_ERR_ENVIRONMENT, "%s: is an input of this run and is not replaced; choose another folder", path);
    }
    return SEI_OK;
}

sei_status sei_run_check_foreign(const sei_run_state *run, const sei_stage *stage) {
    const char *name = NULL;
    json_t *value = NULL;
    sei_status status = SEI_OK;
    json_object_foreach(stage->files, name, value) {
        char *path = NULL;
        const bool ours = json_object_get(run->owned, name) != NULL;
        if (status != SEI_OK || (status = sei_path_join(run->root, name, &path)) != SEI_OK) break;
        status = spare_inputs(run, path);
        /* the folder may not be there yet: only what stands in the way matters here */
        if (status == SEI_OK && sei_path_in_the_way(path) && !(ours && sei_file_exists(path))) {
            status = sei_file_check_target(path, run->options->force);
        }
        sei_free(path);
    }
    return status;
}

static sei_status write_record(sei_run_state *run, sei_stage *stage, const char *state, json_t *files) {
    char *path = NULL;
    sei_status status = SEI_OK;
    json_t *record =
        json_pack("{s:s, s:s, s:s, s:O}", "stage", stage->name, "stamp", stage->stamp, "state", state, "files", files);
    if (record == NULL) return no_memory();
    if (stage->facts != NULL) json_object_set(record, "facts", stage->facts);
    if (stage->numbers != NULL) json_object_set(record, "numbers", stage->numbers);
    SEI_TRY(sei_folder_make_below(run->root, "stages"));
    SEI_TRY(record_path(run, stage->name, &path));
    SEI_TRY(sei_sealed_write(path, true, record));
done:
    sei_free(path);
    json_decref(record);
    return status;
}

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What an earlier run wrote under the names this stage announces goes first: a picture that is not made again must not
 * pass for a new one. */
static sei_status clear_owned(const sei_run_state *run, const sei_stage *stage) {
    const char *name = NULL;
    json_t *value = NULL;
    sei_status status = SEI_OK;
    json_object_foreach(stage->files, name, value) {
        char *path = NULL;
        if (json_object_get(run->owned, name) == NULL) continue;
        if (status != SEI_OK || (status = sei_path_join(run->root, name, &path)) != SEI_OK) break;
        sei_file_remove(path);
        sei_free(path);
    }
    return status;
}

sei_status sei_run_stage(sei_run_state *run, sei_stage *stage) {
    const double started = now_s();
    const char *name = NULL;
    json_t *value = NULL;
    json_t *written = json_object();
    sei_status status = sei_interrupt_check();
    if (status != SEI_OK) goto done;
    if (written == NULL) {
        status = no_memory();
        goto done;
    }
    SEI_TRY(sei_run_check_foreign(run, stage));
    /* from here on what the stage may write counts as ours, even if the process dies before it is done */
    SEI_TRY(write_record(run, stage, "started", stage->files));
    SEI_TRY(clear_owned(run, stage));
    json_object_foreach(stage->files, name, value) {
        json_object_set_new(run->owned, name, json_true());
    }
    status = stage->perform(run, stage);
    if (status != SEI_OK) {
        status = sei_fail_context(status, "stage %s", stage->name);
        goto done;
    }
    json_object_foreach(stage->files, name, value) {
        if (status == SEI_OK) status = sei_record_file(written, run->root, name);
    }
    if (status != SEI_OK) goto done;
    SEI_TRY(write_record(run, stage, "done", written));
    stage->done_now = true;
    stage->seconds = now_s() - started;
done:
    json_decref(written);
    return status;
}

/* Leaves of the JSON as "a.b.0.c = text". */
static sei_status add_parameters(sei_provenance *provenance, const char *prefix, const json_t *json) {
    char key[SEI_TEXT_LENGTH];
    sei_status status = SEI_OK;
    if (json_is_object(json)) {
        const char *name = NULL;
        json_t *value = NULL;
        json_object_foreach((json_t *)(uintptr_t)json, name, value) {
            snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] != 0 ? "." : "", name);
            if (status == SEI_OK) status = add_parameters(provenance, key, value);
        }
    } else if (json_is_array(json)) {
        for (size_t i = 0; status == SEI_OK && i < json_array_size(json); ++i) {
            snprintf(key, sizeof key, "%s.%zu", prefix, i);
            status = add_parameters(provenance, key, json_array_get(json, i));
        }
    } else {
        status = sei_provenance_set(provenance, prefix, "%s", json_is_string(json) ? json_string_value(json) : "");
    }
    return status;
}

sei_status sei_run_provenance(sei_run_state *run, const sei_stage *stage, const json_t *parameters, bool uses_device) {
    sei_provenance *p = &run->provenance;
    sei_free(p->parameters);
    p->parameters = NULL;
    p->n_parameters = 0;
    sei_numbers_free(&p->numbers);
    snprintf(p->stage, sizeof p->stage, "%.*s", SEI_NAME_LENGTH - 1, stage->name);
    p->backend[0] = 0;
    if (uses_device) sei_device_record(run->device, p->backend);
    return add_parameters(p, "", parameters);
}
