/* One table across the data sets of a study, plots against cycle, and the page. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/report.h"
#include "study/batch.h"
#include "study/page.h"
#include "study/record.h"

/* Plots against cycle: the numbers that go together by unit. */
const sei_batch_group sei_batch_groups[SEI_BATCH_GROUPS] = {{"volumes", "Volumes", "nm3", "_volume"},
                                                            {"fractions", "Fractions", "1", "fraction"},
                                                            {"lengths", "Lengths", "nm", ""},
                                                            {"surfaces", "Surface per volume", "1/nm", ""},
                                                            {"counts", "Counts", "1", "count"}};
enum { MAX_COLUMNS = 128 };

typedef struct across {
    size_t n_columns;
    char names[MAX_COLUMNS][SEI_NAME_LENGTH];
    char units[MAX_COLUMNS][SEI_UNIT_LENGTH];
    size_t *order; /* data sets that are done, by cycle; those without one last */
    size_t n_rows;
    sei_numbers *numbers; /* [n_data] */
} across;

int sei_batch_by_cycle(const void *a, const void *b) {
    const sei_batch_rank *p = a;
    const sei_batch_rank *q = b;
    const double x = isnan(p->cycle) ? INFINITY : p->cycle;
    const double y = isnan(q->cycle) ? INFINITY : q->cycle;
    if (x != y) return x < y ? -1 : 1;
    return p->index < q->index ? -1 : p->index > q->index;
}

static void add_column(across *a, const sei_number *number) {
    for (size_t c = 0; c < a->n_columns; ++c) {
        if (strcmp(a->names[c], number->name) == 0) return;
    }
    if (a->n_columns == MAX_COLUMNS) return;
    memcpy(a->names[a->n_columns], number->name, SEI_NAME_LENGTH);
    memcpy(a->units[a->n_columns], number->unit, SEI_UNIT_LENGTH);
    ++a->n_columns;
}

static void across_free(across *a, unsigned n) {
    for (unsigned i = 0; a->numbers != NULL && i < n; ++i) sei_numbers_free(&a->numbers[i]);
    sei_free(a->numbers);
    sei_free(a->order);
    sei_free(a);
}

/* Reads measures.json of every data set that is done. */
static sei_status collect(const sei_batch_state *batch, across **out) {
    const unsigned n = batch->study->n_data;
    across *a = NULL;
    sei_batch_rank *ranks = NULL;
    char *path = NULL;
    char name[SEI_RUN_NAME];
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(a, 1, 1, 1));
    SEI_TRY(SEI_NEW(a->numbers, n, 1, 1));
    SEI_TRY(SEI_NEW(a->order, n, 1, 1));
    SEI_TRY(SEI_NEW(ranks, n, 1, 1));
    for (unsigned i = 0; i < n; ++i) {
        if (batch->results[i].exit_code != 0) continue;
        ranks[a->n_rows++] = (sei_batch_rank){batch->results[i].cycle, i};
        snprintf(name, sizeof name, "%s/measures.json", batch->folders[i]);
        SEI_TRY(sei_path_join(batch->run.root, name, &path));
        if (sei_file_exists(path)) SEI_TRY(sei_io_read_numbers(path, &a->numbers[i]));
        sei_free(path);
        path = NULL;
        for (size_t k = 0; k < a->numbers[i].count; ++k) add_column(a, &a->numbers[i].items[k]);
    }
    if (a->n_rows > 1) qsort(ranks, a->n_rows, sizeof *ranks, sei_batch_by_cycle);
    for (size_t r = 0; r < a->n_rows; ++r) a->order[r] = ranks[r].index;
    *out = a;
    a = NULL;
done:
    sei_free(path);
    sei_free(ranks);
    if (a != NULL) across_free(a, n);
    return status;
}

/* A CSV cell: quoted, quotes doubled, and never the start of a spreadsheet formula. */
static sei_status add_cell(sei_text *csv, const char *text) {
    sei_status status = sei_text_add(csv, "\"%s", strchr("=+-@", text[0]) != NULL && text[0] != 0 ? "'" : "");
    for (const char *c = text; status == SEI_OK && *c != 0; ++c) {
        status = *c == '"' ? sei_text_append(csv, "\"\"", 2) : sei_text_append(csv, (unsigned char)*c < 32 ? "?" : c, 1);
    }
    return status == SEI_OK ? sei_text_append(csv, "\"", 1) : status;
}

static sei_status add_real(sei_text *csv, double value) {
    char buffer[32];
    return isfinite(value) ? sei_text_add(csv, ",%s", sei_format_double(value, buffer)) : sei_text_append(csv, ",", 1);
}

static sei_status write_csv(sei_batch_state *batch, const sei_stage *stage, const across *a) {
    sei_text csv = {0};
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(&csv, "data_set,cycle"));
    for (size_t c = 0; c < a->n_columns; ++c) SEI_TRY(sei_text_add(&csv, ",%s,%s_sd", a->names[c], a->names[c]));
    SEI_TRY(sei_text_append(&csv, "\n", 1));
    for (size_t r = 0; r < a->n_rows; ++r) {
        const size_t i = a->order[r];
        SEI_TRY(add_cell(&csv, batch->results[i].name));
        SEI_TRY(add_real(&csv, batch->results[i].cycle));
        for (size_t c = 0; c < a->n_columns; ++c) {
            const sei_number *number = sei_numbers_find(&a->numbers[i], a->names[c]);
            SEI_TRY(add_real(&csv, number == NULL ? NAN : number->value));
            SEI_TRY(add_real(&csv, number == NULL ? NAN : number->sd));
        }
        SEI_TRY(sei_text_append(&csv, "\n", 1));
    }
    SEI_TRY(sei_run_path(&batch->run, stage, "numbers.csv", &path));
    SEI_TRY(sei_file_write_text(path, true, csv.data, csv.length));
done:
    sei_free(path);
    sei_text_free(&csv);
    return status;
}

bool sei_batch_in_group(int g, const char *name, const char *unit) {
    return strcmp(unit, sei_batch_groups[g].unit) == 0 && strstr(name, sei_batch_groups[g].part) != NULL;
}

static sei_status plot_group(sei_batch_state *batch, const sei_stage *stage, const across *a, int g) {
    const char *columns[MAX_COLUMNS + 1] = {"cycle"};
    size_t n = 1;
    char name[SEI_RUN_NAME];
    char *path = NULL;
    sei_table table = {0};
    sei_status status = SEI_OK;
    size_t rows = 0;
    while (rows < a->n_rows && !isnan(batch->results[a->order[rows]].cycle)) ++rows;
    for (size_t c = 0; c < a->n_columns && n <= 8; ++c) {
        bool any = false;
        for (size_t r = 0; r < rows; ++r) {
            const sei_number *number = sei_numbers_find(&a->numbers[a->order[r]], a->names[c]);
            any = any || (number != NULL && isfinite(number->value));
        }
        if (any && sei_batch_in_group(g, a->names[c], a->units[c])) columns[n++] = a->names[c];
    }
    if (n == 1 || rows < 2) return SEI_OK;
    SEI_TRY(sei_table_alloc(sei_batch_groups[g].name, n, columns, rows, &table));
    for (size_t r = 0; r < rows; ++r) {
        table.cells[r * n] = batch->results[a->order[r]].cycle;
        for (size_t c = 1; c < n; ++c) {
            const sei_number *number = sei_numbers_find(&a->numbers[a->order[r]], columns[c]);
            if (number != NULL) table.cells[r * n + c] = number->value;
        }
    }
    snprintf(name, sizeof name, "plots/%s.svg", sei_batch_groups[g].name);
    SEI_TRY(sei_run_path(&batch->run, stage, name, &path));
    path[strlen(path) - 4] = 0;
    const sei_plot plot = {
        .title = sei_batch_groups[g].title,
        .x_label = "cycle",
        .y_label = strcmp(sei_batch_groups[g].unit, "1") == 0 ? sei_batch_groups[g].title : sei_batch_groups[g].unit,
        .x = "cycle",
        .n_series = n - 1,
        .series = columns + 1,
        .points = true};
    SEI_TRY(sei_plot_table(path, &table, &plot, true));
done:
    sei_free(path);
    sei_table_free(&table);
    return status;
}

sei_status sei_batch_announce(sei_batch_state *batch, sei_stage *stage) {
    (void)batch;
    sei_status status = SEI_OK;
    SEI_TRY(sei_stage_file(stage, "numbers.csv"));
    SEI_TRY(sei_stage_file(stage, "batch.json"));
    for (int g = 0; g < SEI_BATCH_GROUPS; ++g) {
        SEI_TRY(sei_stage_file(stage, "plots/%s.svg", sei_batch_groups[g].name));
        SEI_TRY(sei_stage_file(stage, "plots/%s.png", sei_batch_groups[g].name));
    }
done:
    return status;
}

/* batch.json: every data set with its outcome, and the numbers of those that are done. */
static sei_status write_json(sei_batch_state *batch, const sei_stage *stage, const across *a) {
    json_t *sets = json_array();
    char *path = NULL;
    sei_status status = SEI_OK;
    for (unsigned i = 0; i < batch->study->n_data; ++i) {
        const sei_batch_result *r = &batch->results[i];
        json_array_append_new(sets, json_pack("{s:o, s:s, s:o, s:i, s:o, s:o}", "name", sei_json_text(r->name), "folder",
                                              batch->folders[i], "cycle", sei_json_real(r->cycle), "exit_code", r->exit_code,
                                              "message", sei_json_text(r->message), "numbers", sei_json_numbers(&a->numbers[i])));
    }
    json_t *whole = json_pack("{s:s, s:o, s:o}", "kind", "batch", "title", sei_json_text(batch->study->title), "data", sets);
    if (whole == NULL) return sei_fail(SEI_ERR_MEMORY, "not enough memory for the batch's summary");
    SEI_TRY(sei_run_path(&batch->run, stage, "batch.json", &path));
    SEI_TRY(sei_sealed_write(path, true, whole));
done:
    sei_free(path);
    json_decref(whole);
    return status;
}

sei_status sei_stage_table(sei_run_state *run, sei_stage *stage) {
    sei_batch_state *batch = (sei_batch_state *)run; /* its first member */
    across *a = NULL;
    sei_status status = collect(batch, &a);
    if (status != SEI_OK) return status;
    SEI_TRY(write_csv(batch, stage, a));
    for (int g = 0; g < SEI_BATCH_GROUPS; ++g) SEI_TRY(plot_group(batch, stage, a, g));
    SEI_TRY(write_json(batch, stage, a));
done:
    across_free(a, batch->study->n_data);
    return status;
}

sei_status sei_stage_batch_report(sei_run_state *run, sei_stage *stage) {
    return sei_stage_page(run, stage, sei_page_of_batch);
}
