/* A study of many data sets: its file, its folder, and what is said at the end. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "study/batch.h"
#include "study/record.h"
#include "study/yaml.h"

static const cyaml_schema_value_t text_entry = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 4096)};
static const cyaml_schema_field_t entry_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, sei_study_entry, name, 1, SEI_NAME_LENGTH - 1),
    CYAML_FIELD_FLOAT("cycle", CYAML_FLAG_DEFAULT, sei_study_entry, cycle),
    CYAML_FIELD_STRING_PTR("recipe", CYAML_FLAG_POINTER, sei_study_entry, recipe, 0, 4096),
    CYAML_FIELD_STRING_PTR("folder", CYAML_FLAG_POINTER, sei_study_entry, folder, 0, 4096),
    CYAML_FIELD_SEQUENCE_COUNT("set", CYAML_FLAG_POINTER, sei_study_entry, set, n_set, &text_entry, 0, 48),
    CYAML_FIELD_END};
static const cyaml_schema_value_t entry = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, sei_study_entry, entry_fields)};
static const cyaml_schema_field_t fields[] = {
    CYAML_FIELD_STRING_PTR("title", CYAML_FLAG_POINTER, sei_study_file, title, 0, 200),
    CYAML_FIELD_STRING_PTR("recipe", CYAML_FLAG_POINTER, sei_study_file, recipe, 0, 4096),
    CYAML_FIELD_SEQUENCE_COUNT("set", CYAML_FLAG_POINTER, sei_study_file, set, n_set, &text_entry, 0, 12),
    CYAML_FIELD_SEQUENCE_COUNT("data", CYAML_FLAG_POINTER, sei_study_file, data, n_data, &entry, 1, 10000), CYAML_FIELD_END};
static const cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, sei_study_file, fields)};
static const sei_yaml_range ranges[] = {{"data.*.cycle", 0, 1e9}};
static const sei_yaml_spec spec = {
    .what = "study",
    .schema = &schema,
    .defaults = "title: ''\nrecipe: ''\nset: []\ndata: [{cycle: nan, recipe: '', folder: '', set: []}]\n",
    .n_ranges = 1,
    .ranges = ranges};

/* Every message begins with the key it is about. */
static sei_status check_study(sei_batch_state *batch) {
    static const char *const taken[] = {"stages", "plots", "."};
    const sei_study_file *s = batch->study;
    sei_status status = SEI_NEW(batch->folders, s->n_data, 1, 1);
    if (status != SEI_OK) return status;
    for (unsigned i = 0; i < s->n_data; ++i) {
        sei_safe_name(s->data[i].name, batch->folders[i], SEI_NAME_LENGTH);
        for (size_t t = 0; t < sizeof taken / sizeof taken[0]; ++t) {
            if (strcasecmp(batch->folders[i], taken[t]) == 0) {
                return sei_fail(SEI_ERR_INPUT, "data.%u.name: '%s' is the name of a folder of the batch itself", i,
                                s->data[i].name);
            }
        }
        for (unsigned j = 0; j < i; ++j) {
            if (strcasecmp(batch->folders[j], batch->folders[i]) != 0) continue;
            return sei_fail(SEI_ERR_INPUT, "data.%u.name: '%s' and '%s' (data.%u) would share the folder '%s'", i,
                            s->data[i].name, s->data[j].name, j, batch->folders[i]);
        }
        if (s->data[i].recipe[0] == 0 && s->recipe[0] == 0) {
            return sei_fail(SEI_ERR_INPUT, "data.%u: neither it nor the study names a recipe", i);
        }
    }
    return SEI_OK;
}

static sei_status summary(const sei_batch_state *batch) {
    sei_text failed = {0};
    size_t count = 0;
    sei_status status = SEI_OK;
    for (unsigned i = 0; i < batch->study->n_data; ++i) {
        const sei_batch_result *r = &batch->results[i];
        if (r->exit_code == 0) continue;
        SEI_TRY(sei_text_add(&failed, "%s%s (exit code %d: %s)", count > 0 ? "; " : "", r->name, r->exit_code, r->message));
        ++count;
    }
    if (count > 0) {
        status = sei_fail(SEI_ERR_PARTIAL, "%zu of %u data sets failed: %s", count, batch->study->n_data, failed.data);
    }
done:
    sei_text_free(&failed);
    return status;
}

static sei_status finish(sei_batch_state *batch) {
    sei_run_state *run = &batch->run;
    sei_stage *stage = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(run->stages, 2, 1, 1));
    SEI_TRY(sei_run_add_stage(run, "table", sei_stage_table, "", 0, NULL, &stage));
    SEI_TRY(sei_batch_announce(batch, stage));
    SEI_TRY(sei_run_stage(run, stage));
    SEI_TRY(sei_run_add_stage(run, "report", sei_stage_batch_report, "", 0, NULL, &stage));
    SEI_TRY(sei_stage_file(stage, "report.html"));
    SEI_TRY(sei_run_stage(run, stage));
done:
    return status;
}

static sei_status write_log(const sei_batch_state *batch) {
    char *path = NULL;
    json_t *log = json_pack("{s:s, s:O}", "kind", "run log", "data", batch->logs);
    if (log == NULL) return sei_fail(SEI_ERR_MEMORY, "not enough memory for the batch's log");
    sei_status status = sei_path_join(batch->run.root, "run_log.json", &path);
    if (status == SEI_OK) status = sei_sealed_write(path, true, log);
    sei_free(path);
    json_decref(log);
    return status;
}

/* A file of the batch that is in the way shows before hours of work, not after. */
static sei_status check_targets(const sei_batch_state *batch) {
    static const char *const names[] = {"batch.json", "numbers.csv", "report.html", "run_log.json"};
    sei_stage probe = {.files = json_object()};
    char *path = NULL;
    json_t *log = NULL;
    sei_status status = SEI_OK;
    for (size_t i = 0; i < 4; ++i) json_object_set_new(probe.files, names[i], json_null());
    SEI_TRY(sei_path_join(batch->run.root, "run_log.json", &path));
    if (sei_file_exists(path) && sei_sealed_read(path, &log) == SEI_OK)
        json_object_set_new(batch->run.owned, "run_log.json", json_true());
    SEI_TRY(sei_run_check_foreign(&batch->run, &probe));
done:
    json_decref(log);
    json_decref(probe.files);
    sei_free(path);
    return status;
}

sei_status sei_batch(const sei_batch_options *options, sei_batch_result **results, size_t *n) {
    sei_batch_state batch = {.options = options, .run_options = {.force = options->force, .output = options->output}};
    void *data = NULL;
    sei_status status = SEI_OK;
    batch.run = (sei_run_state){.options = &batch.run_options, .root = options->output, .lock = -1};
    if (options->output == NULL || options->output[0] == 0) return sei_fail(SEI_ERR_USAGE, "no output folder; give -o DIR");
    SEI_TRY(sei_yaml_load(&spec, options->study, options->n_set, options->set, &data, NULL));
    batch.study = data;
    status = check_study(&batch);
    if (status == SEI_ERR_INPUT) status = sei_yaml_blame(options->study, options->n_set, options->set, "", status);
    SEI_TRY(status);
    SEI_TRY(sei_strdup(options->study, &batch.study_folder));
    batch.study_folder[sei_path_base(options->study) - options->study] = 0;
    SEI_TRY(SEI_NEW(batch.results, batch.study->n_data, 1, 1));
    batch.logs = json_object();
    SEI_TRY(sei_batch_check_space(&batch));
    if (!options->plan_only) {
        SEI_TRY(sei_folder_make(options->output));
        SEI_TRY(sei_folder_lock(options->output, &batch.run.lock));
        sei_folder_sweep(options->output);
        SEI_TRY(sei_run_load_records(&batch.run));
        SEI_TRY(check_targets(&batch));
    }
    SEI_TRY(sei_batch_processes(&batch));
    if (!options->plan_only) {
        SEI_TRY(finish(&batch));
        SEI_TRY(write_log(&batch));
    }
    status = summary(&batch);
    if (results != NULL && (status == SEI_OK || status == SEI_ERR_PARTIAL)) {
        *results = batch.results;
        *n = batch.study->n_data;
        batch.results = NULL;
    }
done:
    for (size_t i = 0; i < batch.run.n_stages; ++i) {
        json_decref(batch.run.stages[i].files);
        json_decref(batch.run.stages[i].facts);
        json_decref(batch.run.stages[i].numbers);
    }
    sei_free(batch.run.stages);
    json_decref(batch.run.owned);
    json_decref(batch.logs);
    sei_folder_unlock(batch.run.lock);
    sei_free(batch.results);
    sei_free(batch.folders);
    sei_free(batch.study_folder);
    sei_yaml_free(&spec, data);
    return status;
}

void sei_batch_results_free(sei_batch_result *results) {
    sei_free(results);
}
