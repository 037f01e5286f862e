/* The page of a batch: numbers by cycle, plots, what became of each data set. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/report.h"
#include "study/batch.h"
#include "study/page.h"
#include "study/record.h"

enum { MAX_QUANTITIES = 128 };

static double real_at(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* The group a quantity belongs to; SEI_BATCH_GROUPS for none. */
static int group_of(const char *name, const char *unit) {
    int g = 0;
    while (g < SEI_BATCH_GROUPS && !sei_batch_in_group(g, name, unit)) ++g;
    return g;
}

/* The done data sets' quantities of one group as a table: one row per data set by cycle. */
static sei_status page_table(sei_page *page, const json_t *sets, const sei_batch_rank *ranks, size_t n, int group) {
    const char *columns[MAX_QUANTITIES + 1] = {"cycle"};
    const char *unit = "";
    size_t n_columns = 1;
    const char **names = NULL;
    sei_table table = {0};
    char caption[SEI_TEXT_LENGTH];
    sei_status status = SEI_OK;
    for (size_t r = 0; r < n; ++r) {
        const char *key = NULL;
        json_t *number = NULL;
        json_object_foreach(json_object_get(json_array_get(sets, ranks[r].index), "numbers"), key, number) {
            bool known = n_columns > MAX_QUANTITIES || group_of(key, sei_json_text_at(number, "unit")) != group ||
                         !isfinite(real_at(number, "value"));
            for (size_t c = 1; c < n_columns && !known; ++c) known = strcmp(columns[c], key) == 0;
            if (known) continue;
            columns[n_columns++] = key;
            unit = sei_json_text_at(number, "unit");
        }
    }
    if (n_columns == 1) return SEI_OK;
    SEI_TRY(SEI_NEW(names, (int64_t)n, 1, 1));
    SEI_TRY(sei_table_alloc("numbers", n_columns, columns, n, &table));
    for (size_t r = 0; r < n; ++r) {
        names[r] = sei_json_text_at(json_array_get(sets, ranks[r].index), "name");
        table.cells[r * n_columns] = ranks[r].cycle;
        for (size_t c = 1; c < n_columns; ++c) {
            table.cells[r * n_columns + c] =
                real_at(json_object_get(json_object_get(json_array_get(sets, ranks[r].index), "numbers"), columns[c]), "value");
        }
    }
    const bool has_unit = group < SEI_BATCH_GROUPS && strcmp(unit, "1") != 0 && unit[0] != 0;
    snprintf(caption, sizeof caption, has_unit ? "%s in %s" : "%s",
             group < SEI_BATCH_GROUPS ? sei_batch_groups[group].title : "Other numbers", unit);
    SEI_TRY(sei_page_table(page, caption, &table, names));
done:
    sei_table_free(&table);
    sei_free(names);
    return status;
}

/* Every group with its table and, when there is one, its plot. */
static sei_status page_numbers(sei_page *page, const char *folder, const json_t *sets) {
    sei_batch_rank *ranks = NULL;
    char *path = NULL;
    size_t n = 0;
    sei_status status = SEI_NEW(ranks, (int64_t)json_array_size(sets) + 1, 1, 1);
    if (status != SEI_OK) return status;
    for (size_t i = 0; i < json_array_size(sets); ++i) {
        const json_t *set = json_array_get(sets, i);
        if (json_integer_value(json_object_get(set, "exit_code")) == 0) ranks[n++] = (sei_batch_rank){real_at(set, "cycle"), i};
    }
    if (n > 0) {
        qsort(ranks, n, sizeof *ranks, sei_batch_by_cycle);
        SEI_TRY(sei_page_heading(page, 2, "Numbers by cycle"));
        SEI_TRY(sei_page_paragraph(page, "numbers.csv holds them all with their standard deviations."));
    }
    for (int g = 0; g <= SEI_BATCH_GROUPS && n > 0; ++g) {
        SEI_TRY(page_table(page, sets, ranks, n, g));
        if (g == SEI_BATCH_GROUPS) break;
        char name[SEI_RUN_NAME];
        snprintf(name, sizeof name, "plots/%s.svg", sei_batch_groups[g].name);
        sei_free(path);
        path = NULL;
        SEI_TRY(sei_path_join(folder, name, &path));
        if (sei_file_exists(path)) SEI_TRY(sei_page_picture(page, path, sei_batch_groups[g].title));
    }
done:
    sei_free(path);
    sei_free(ranks);
    return status;
}

/* What became of each data set, with a few of its pictures. */
static sei_status page_sets(sei_page *page, const char *folder, const json_t *sets) {
    static const char *const shown[] = {"labels_xz", "labels_xy"};
    char line[2 * SEI_TEXT_LENGTH];
    char name[SEI_RUN_NAME];
    char *path = NULL;
    sei_status status = SEI_OK;
    for (size_t i = 0; i < json_array_size(sets); ++i) {
        const json_t *set = json_array_get(sets, i);
        const int exit_code = (int)json_integer_value(json_object_get(set, "exit_code"));
        SEI_TRY(sei_page_heading(page, 2, sei_json_text_at(set, "name")));
        if (exit_code != 0) {
            snprintf(line, sizeof line, "Failed with exit code %d: %s", exit_code, sei_json_text_at(set, "message"));
            SEI_TRY(sei_page_paragraph(page, line));
            continue;
        }
        for (size_t p = 0; p < sizeof shown / sizeof shown[0]; ++p) {
            snprintf(name, sizeof name, "%s/pictures/%s.png", sei_json_text_at(set, "folder"), shown[p]);
            SEI_TRY(sei_path_join(folder, name, &path));
            if (sei_file_exists(path))
                SEI_TRY(sei_page_picture(page, path, p == 0 ? "labels, cross-section" : "labels, seen along the beam"));
            sei_free(path);
            path = NULL;
        }
    }
done:
    sei_free(path);
    return status;
}

sei_status sei_page_of_batch(const char *folder, const char *html, bool overwrite) {
    sei_page *page = NULL;
    json_t *batch = NULL;
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_path_join(folder, "batch.json", &path));
    SEI_TRY(sei_sealed_read(path, &batch));
    const json_t *sets = json_object_get(batch, "data");
    SEI_TRY(sei_page_begin(sei_json_text_at(batch, "title")[0] != 0 ? sei_json_text_at(batch, "title") : "Study", &page));
    SEI_TRY(page_numbers(page, folder, sets));
    SEI_TRY(page_sets(page, folder, sets));
    sei_page *finished = page;
    page = NULL; /* finish frees it */
    SEI_TRY(sei_page_finish(finished, html, overwrite));
done:
    sei_page_free(page);
    json_decref(batch);
    sei_free(path);
    return status;
}
