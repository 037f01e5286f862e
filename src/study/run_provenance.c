/* The last records of a run: recipe.json and provenance.json, which lists every file with its hash. */
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/version.h"
#include "study/record.h"
#include "study/run.h"

static sei_status add_stage(sei_run_state *run, const sei_stage *stage, json_t *stages, json_t *files) {
    char name[SEI_RUN_NAME];
    char *path = NULL;
    json_t *record = NULL;
    const char *file = NULL;
    json_t *entry = NULL;
    sei_status status = SEI_OK;
    snprintf(name, sizeof name, "stages/%s.json", stage->name);
    SEI_TRY(sei_run_read_path(run, name, &path));
    SEI_TRY(sei_sealed_read(path, &record));
    json_array_append_new(stages, json_pack("{s:s, s:s}", "stage", stage->name, "stamp", stage->stamp));
    json_object_foreach(json_object_get(record, "files"), file, entry) {
        json_object_set(files, file, entry);
    }
done:
    json_decref(record);
    sei_free(path);
    return status;
}

sei_status sei_stage_provenance(sei_run_state *run, sei_stage *stage) {
    json_t *stages = json_array();
    json_t *files = json_object();
    json_t *inputs = json_array();
    json_t *whole = NULL;
    char *path = NULL;
    char *text = NULL;
    char *recipe_path = NULL;
    char backend[SEI_NAME_LENGTH];
    sei_status status = SEI_OK;
    sei_device_record(run->device, backend);
    for (size_t i = 0; &run->stages[i] < stage; ++i) SEI_TRY(add_stage(run, &run->stages[i], stages, files));
    for (size_t i = 0; i < run->provenance.n_inputs; ++i) {
        const sei_input_file *in = &run->provenance.inputs[i];
        json_array_append_new(inputs, json_pack("{s:o, s:s}", "name", sei_json_text(in->name), "sha256", in->sha256));
    }
    json_t *recipe = json_deep_copy(run->resolved);
    /* where the files lay is no part of a result */
    json_object_del(json_object_get(recipe, "input"), "folder");
    json_object_del(json_object_get(recipe, "input"), "angles");
    json_object_del(json_object_get(recipe, "input"), "files");
    json_object_del(json_object_get(recipe, "align"), "shifts");
    whole = json_pack("{s:s, s:s, s:s, s:s, s:O, s:O, s:O, s:O}", "kind", "run", "program", "seitomo", "version", SEITOMO_VERSION,
                      "backend", backend, "inputs", inputs, "recipe", recipe, "stages", stages, "files", files);
    SEI_TRY(sei_json_dump(recipe, &text));
    json_decref(recipe);
    if (whole == NULL) {
        status = sei_fail(SEI_ERR_MEMORY, "not enough memory for the provenance");
        goto done;
    }
    SEI_TRY(sei_run_path(run, stage, "recipe.json", &recipe_path));
    SEI_TRY(sei_file_write_text(recipe_path, true, text, strlen(text)));
    SEI_TRY(sei_run_path(run, stage, "provenance.json", &path));
    SEI_TRY(sei_sealed_write(path, true, whole));
done:
    json_decref(whole);
    json_decref(stages);
    json_decref(files);
    json_decref(inputs);
    sei_free(path);
    sei_free(text);
    sei_free(recipe_path);
    return status;
}
