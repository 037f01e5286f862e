/* The page of a run, from its records alone: the same page whether made by the run or by `report`. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/report.h"
#include "study/page.h"
#include "study/record.h"
#include "study/run.h"

/* The record of a stage; *record NULL when it is not there. */
static sei_status stage_record(const char *folder, const char *stage, json_t **record) {
    char name[SEI_RUN_NAME];
    char *path = NULL;
    *record = NULL;
    snprintf(name, sizeof name, "stages/%s.json", stage);
    sei_status status = sei_path_join(folder, name, &path);
    if (status == SEI_OK && sei_file_exists(path)) status = sei_sealed_read(path, record);
    sei_free(path);
    return status;
}

static sei_status facts_of(sei_page *page, const char *folder, const char *stage, const char *caption) {
    json_t *record = NULL;
    sei_facts facts = {0};
    sei_status status = stage_record(folder, stage, &record);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_json_to_facts(json_object_get(record, "facts"), &facts));
    if (facts.count > 0) SEI_TRY(sei_page_facts(page, caption, &facts));
done:
    sei_facts_free(&facts);
    json_decref(record);
    return status;
}

static sei_status numbers_of(sei_page *page, const char *folder, const char *stage, const char *caption, bool only_present) {
    json_t *record = NULL;
    sei_numbers numbers = {0};
    sei_numbers shown = {0};
    sei_status status = stage_record(folder, stage, &record);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_json_to_numbers(json_object_get(record, "numbers"), &numbers));
    for (size_t i = 0; i < numbers.count; ++i) {
        const sei_number *n = &numbers.items[i];
        if (only_present && (!isfinite(n->value) || n->value == 0 || strncmp(n->name, "wire_", 5) == 0)) continue;
        SEI_TRY(sei_numbers_set(&shown, n->name, n->value, n->unit, n->sd));
    }
    if (shown.count > 0) SEI_TRY(sei_page_numbers(page, caption, &shown));
done:
    sei_numbers_free(&shown);
    sei_numbers_free(&numbers);
    json_decref(record);
    return status;
}

/* Pictures in the order they were made, under a heading whenever the group changes. */
static sei_status pictures(sei_page *page, const char *folder) {
    json_t *record = NULL;
    char *path = NULL;
    char last[SEI_TEXT_LENGTH] = "";
    sei_status status = stage_record(folder, "render", &record);
    if (status != SEI_OK) return status;
    const json_t *list = json_object_get(record, "facts");
    const json_t *files = json_object_get(record, "files");
    for (size_t i = 0; i < json_array_size(list); ++i) {
        const json_t *fact = json_array_get(list, i);
        const char *value = sei_json_text_at(fact, "value");
        const char *group = sei_json_text_at(fact, "source");
        const char *bar = strchr(value, '|');
        char name[SEI_RUN_NAME];
        if (bar == NULL) continue;
        snprintf(name, sizeof name, "%.*s", (int)(bar - value), value);
        if (json_object_get(files, name) == NULL) continue; /* a plot without a plotting program */
        if (strcmp(group, last) != 0) SEI_TRY(sei_page_heading(page, 2, group));
        snprintf(last, sizeof last, "%s", group);
        SEI_TRY(sei_path_join(folder, name, &path));
        SEI_TRY(sei_page_picture(page, path, bar + 1));
        sei_free(path);
        path = NULL;
    }
done:
    sei_free(path);
    json_decref(record);
    return status;
}

/* One row per reconstructed channel. */
static sei_status reconstructions(sei_page *page, const char *folder, const json_t *stages) {
    static const char *const columns[] = {"voxel",          "iterations",        "residual",
                                          "log_likelihood", "elongation_theory", "negative_counts"};
    enum { N_COLUMNS = sizeof columns / sizeof columns[0] };
    static const char head[] = "reconstruct.";
    sei_table table = {0};
    char **names = NULL;
    size_t n = 0;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(names, (int64_t)json_array_size(stages) + 1, 1, 1));
    SEI_TRY(sei_table_alloc("reconstructions", N_COLUMNS, columns, json_array_size(stages), &table));
    for (size_t i = 0; i < json_array_size(stages); ++i) {
        const char *stage = sei_json_text_at(json_array_get(stages, i), "stage");
        json_t *record = NULL;
        sei_numbers numbers = {0};
        if (strncmp(stage, head, sizeof head - 1) != 0) continue;
        SEI_TRY(stage_record(folder, stage, &record));
        status = sei_json_to_numbers(json_object_get(record, "numbers"), &numbers);
        json_decref(record);
        for (size_t c = 0; status == SEI_OK && c < N_COLUMNS; ++c) {
            const sei_number *number = sei_numbers_find(&numbers, columns[c]);
            if (number != NULL) table.cells[n * N_COLUMNS + c] = number->value;
        }
        sei_numbers_free(&numbers);
        if (status == SEI_OK) status = sei_strdup(stage + sizeof head - 1, &names[n]);
        if (status != SEI_OK) goto done;
        ++n;
    }
    table.n_rows = n;
    if (n > 0) SEI_TRY(sei_page_table(page, "Reconstructions (voxel in nm)", &table, (const char *const *)names));
done:
    for (size_t i = 0; i < n; ++i) sei_free(names[i]);
    sei_free(names);
    sei_table_free(&table);
    return status;
}

sei_status sei_page_of_run(const char *folder, const char *html, bool overwrite) {
    sei_page *page = NULL;
    json_t *provenance = NULL;
    char *path = NULL;
    char *text = NULL;
    char line[2 * SEI_TEXT_LENGTH];
    sei_status status = SEI_OK;
    SEI_TRY(sei_path_join(folder, "provenance.json", &path));
    SEI_TRY(sei_sealed_read(path, &provenance));
    const json_t *recipe = json_object_get(provenance, "recipe");
    const json_t *stages = json_object_get(provenance, "stages");
    const char *title = sei_json_text_at(recipe, "title");
    const char *cycle = sei_json_text_at(recipe, "cycle");
    /* of a specimen that is no wire, the wire's numbers are nothing */
    const char *word = sei_json_text_at(json_object_get(recipe, "segment"), "wire");
    const bool wire = strcmp(word, "true") == 0 || strcmp(word, "yes") == 0;
    SEI_TRY(sei_page_begin(title[0] != 0 ? title : "Electron tomography run", &page));
    if (cycle[0] != 0 && strcmp(cycle, "nan") != 0) {
        snprintf(line, sizeof line, "Cycle %s.", cycle);
        SEI_TRY(sei_page_paragraph(page, line));
    }
    snprintf(line, sizeof line, "Made by seitomo %s on backend %s.", sei_json_text_at(provenance, "version"),
             sei_json_text_at(provenance, "backend"));
    SEI_TRY(sei_page_paragraph(page, line));
    SEI_TRY(sei_page_heading(page, 2, "Measures"));
    SEI_TRY(numbers_of(page, folder, "measure",
                       "Numbers of the labelled volume. ± covers where boundaries lie within a voxel, not the bias of the "
                       "missing wedge or of thresholds",
                       !wire));
    SEI_TRY(pictures(page, folder));
    SEI_TRY(sei_page_heading(page, 2, "How it was made"));
    SEI_TRY(facts_of(page, folder, "input", "Input: every fact with its source"));
    SEI_TRY(facts_of(page, folder, "clean", "Cleaning"));
    SEI_TRY(numbers_of(page, folder, "align", "Alignment", false));
    SEI_TRY(reconstructions(page, folder, stages));
    SEI_TRY(facts_of(page, folder, "segment", "Segmentation"));
    SEI_TRY(sei_json_dump(provenance, &text));
    SEI_TRY(sei_page_provenance(page, "Provenance", text));
    sei_page *finished = page;
    page = NULL; /* finish frees it */
    SEI_TRY(sei_page_finish(finished, html, overwrite));
done:
    sei_page_free(page);
    json_decref(provenance);
    sei_free(path);
    sei_free(text);
    return status;
}

sei_status sei_stage_page(sei_run_state *run, sei_stage *stage, sei_page_maker *page_of) {
    char *path = NULL;
    sei_status status = sei_run_path(run, stage, "report.html", &path);
    if (status == SEI_OK) status = page_of(run->root, path, true);
    sei_free(path);
    return status;
}

sei_status sei_stage_report(sei_run_state *run, sei_stage *stage) {
    return sei_stage_page(run, stage, sei_page_of_run);
}
