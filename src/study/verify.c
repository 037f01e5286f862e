/* Integrity of outputs, and the page of a folder that is a run's or a batch's. */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "seitomo/study.h"
#include "study/page.h"
#include "study/phasefield_run.h"
#include "study/record.h"
#include "study/simulation_file.h"

static bool has(const char *folder, const char *name) {
    char *path = NULL;
    const bool there = sei_path_join(folder, name, &path) == SEI_OK && sei_file_exists(path);
    sei_free(path);
    return there;
}

/* provenance.json of the phase-field model says what it is of. */
static bool is_phasefield(const char *folder) {
    char *path = NULL;
    json_t *provenance = NULL;
    const bool read = has(folder, "provenance.json") && sei_path_join(folder, "provenance.json", &path) == SEI_OK &&
                      sei_sealed_read(path, &provenance) == SEI_OK;
    const bool is = read && strcmp(sei_json_text_at(provenance, "kind"), "phase field") == 0;
    json_decref(provenance);
    sei_free(path);
    return is;
}

sei_status sei_report_folder(const char *folder, const char *html, bool overwrite) {
    if (is_phasefield(folder)) return sei_page_of_phasefield(folder, html, overwrite);
    if (has(folder, "batch.json")) return sei_page_of_batch(folder, html, overwrite);
    if (has(folder, "provenance.json")) return sei_page_of_run(folder, html, overwrite);
    return sei_fail(SEI_ERR_INPUT, "%s: no finished run, batch or model (neither provenance.json nor batch.json is there)",
                    folder);
}

typedef struct tally {
    const char *data_set; /* folder of a batch's data set; "": the folder itself */
    int64_t checked, bad;
    char first[512];
} tally;

static void found_bad(tally *t, const char *name, const char *why) {
    const char *slash = t->data_set[0] != 0 ? "/" : "";
    sei_warn("%s%s%s: %s", t->data_set, slash, name, why);
    if (t->bad++ == 0) snprintf(t->first, sizeof t->first, "%s%s%s: %s", t->data_set, slash, name, why);
}

/* A sealed file and the files it lists, if it lists any. */
static void check_sealed(const char *folder, const char *name, tally *t) {
    char *path = NULL;
    json_t *record = NULL;
    const char *file = NULL;
    json_t *entry = NULL;
    ++t->checked;
    if (sei_path_join(folder, name, &path) != SEI_OK || sei_sealed_read(path, &record) != SEI_OK) {
        found_bad(t, name, "changed since it was written");
        sei_free(path);
        return;
    }
    const char *state = json_string_value(json_object_get(record, "state"));
    if (state != NULL && strcmp(state, "done") != 0) {
        found_bad(t, name, "its stage was not finished; run the recipe again");
    } else {
        json_object_foreach(json_object_get(record, "files"), file, entry) {
            ++t->checked;
            if (!sei_record_holds(entry, folder, file)) found_bad(t, file, "missing or changed since it was written");
        }
    }
    json_decref(record);
    sei_free(path);
}

static sei_status verify_one(const char *folder, tally *t) {
    char *stages = NULL;
    char **names = NULL;
    size_t n = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_path_join(folder, "stages", &stages));
    SEI_TRY(sei_folder_list(stages, ".json", &names, &n));
    for (size_t i = 0; i < n; ++i) {
        char name[512];
        snprintf(name, sizeof name, "stages/%s", names[i]);
        check_sealed(folder, name, t);
        SEI_TRY(sei_interrupt_check());
    }
    static const char *const sealed[] = {"run_log.json", "batch.json"};
    for (size_t i = 0; i < 2; ++i) {
        if (has(folder, sealed[i])) check_sealed(folder, sealed[i], t);
    }
done:
    sei_folder_list_free(names, n);
    sei_free(stages);
    return status;
}

sei_status sei_verify_folder(const char *folder, int64_t *checked) {
    tally t = {.data_set = ""};
    json_t *batch = NULL;
    char *path = NULL;
    char *below = NULL;
    sei_status status = SEI_OK;
    if (has(folder, SEI_SIMULATION_UNFINISHED)) {
        return sei_fail(SEI_ERR_INPUT,
                        "%s: a simulation that was stopped, or is still at work (%s is there): its files are whole, their set is "
                        "not; simulate it again with --force",
                        folder, SEI_SIMULATION_UNFINISHED);
    }
    if (is_phasefield(folder)) {
        check_sealed(folder, "provenance.json", &t);
    } else if (!has(folder, "batch.json") && !has(folder, "stages/input.json")) {
        return sei_fail(SEI_ERR_INPUT,
                        "%s: no run, batch or model (none of stages/input.json, batch.json, provenance.json is there)", folder);
    }
    SEI_TRY(verify_one(folder, &t));
    SEI_TRY(sei_path_join(folder, "batch.json", &path));
    if (sei_file_exists(path) && sei_sealed_read(path, &batch) == SEI_OK) {
        const json_t *sets = json_object_get(batch, "data");
        for (size_t i = 0; i < json_array_size(sets); ++i) {
            const char *name = json_string_value(json_object_get(json_array_get(sets, i), "folder"));
            const json_t *exit_code = json_object_get(json_array_get(sets, i), "exit_code");
            if (name == NULL || json_integer_value(exit_code) != 0) continue;
            SEI_TRY(sei_path_join(folder, name, &below));
            t.data_set = name;
            SEI_TRY(verify_one(below, &t));
            sei_free(below);
            below = NULL;
        }
    }
    if (checked != NULL) *checked = t.checked;
    if (t.bad > 0) {
        status = sei_fail(SEI_ERR_INPUT, "%s: %lld of %lld files are not as they were written, first %s", folder,
                          (long long)t.bad, (long long)t.checked, t.first);
    }
done:
    json_decref(batch);
    sei_free(path);
    sei_free(below);
    return status;
}
