/* The numbers of a model's half-cycles as files: metrics.csv and metrics.json. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "study/phasefield_run.h"
#include "study/record.h"

/* metrics.csv's columns, and the model's names for them; "" is a word. */
static const struct {
    const char *column, *name;
} columns[] = {{"half_cycle", "half_cycle"},
               {"cycle", "cycle"},
               {"phase", ""},
               {"state_of_charge", "soc"},
               {"void_fraction", "void_fraction"},
               {"n_voids", "void_count"},
               {"enclosed_fraction", "enclosed_void_fraction"},
               {"wetted_fraction", "wetted_fraction"},
               {"wetted_kept_fraction", "wetted_still_void"},
               {"depth_mean", "wetted_depth"},
               {"si_largest_component_fraction", "si_largest_component_fraction"},
               {"area_radius", "area_radius"},
               {"mass_drift", "mass_drift"},
               {"residual_mechanics", "residual_mechanics"}};
enum { N_COLUMNS = sizeof columns / sizeof columns[0] };

static const char *phase_of(size_t half_cycle) {
    return half_cycle == 0 ? "intact" : half_cycle % 2 == 1 ? "lithiation" : "delithiation";
}

static sei_status add_cell(const sei_pf_run *run, size_t r, size_t c, sei_text *text) {
    char number[32];
    const char *cell = phase_of(r);
    if (columns[c].name[0] != 0) {
        const double value = sei_pf_row(run, r, columns[c].name);
        cell = isfinite(value) ? sei_format_double(value, number) : "";
    }
    return sei_text_add(text, "%s%s", c > 0 ? "," : "", cell);
}

/* The interface's columns by their names, then everything else the model says by its own. */
static json_t *row_json(const sei_pf_run *run, size_t r) {
    json_t *row = json_object();
    for (size_t c = 0; c < N_COLUMNS; ++c) {
        if (columns[c].name[0] == 0) {
            json_object_set_new(row, columns[c].column, json_string(phase_of(r)));
            continue;
        }
        const sei_number *found = sei_numbers_find(&run->rows[r], columns[c].name);
        const sei_number none = {.value = NAN, .sd = NAN};
        json_object_set_new(row, columns[c].column, sei_json_number(found != NULL ? found : &none));
    }
    for (size_t n = 0; n < run->rows[r].count; ++n) {
        const sei_number *number = &run->rows[r].items[n];
        bool listed = false;
        for (size_t c = 0; c < N_COLUMNS; ++c) listed = listed || strcmp(columns[c].name, number->name) == 0;
        if (!listed) json_object_set_new(row, number->name, sei_json_number(number));
    }
    return row;
}

json_t *sei_pf_rows_json(const sei_pf_run *run) {
    json_t *rows = json_array();
    for (size_t r = 0; r < run->n_rows; ++r) json_array_append_new(rows, row_json(run, r));
    return rows;
}

static sei_status write_json(const sei_pf_run *run, const char *path) {
    char *text = NULL;
    json_t *all = json_pack("{s:o}", "half_cycles", sei_pf_rows_json(run));
    if (all == NULL) return sei_fail(SEI_ERR_MEMORY, "not enough memory for the metrics");
    sei_status status = sei_json_dump(all, &text);
    if (status == SEI_OK) status = sei_file_write_text(path, true, text, strlen(text));
    json_decref(all);
    sei_free(text);
    return status;
}

sei_status sei_pf_write_metrics(const sei_pf_run *run) {
    sei_text text = {0};
    char *path = NULL;
    sei_status status = SEI_OK;
    for (size_t c = 0; c < N_COLUMNS; ++c) SEI_TRY(sei_text_add(&text, "%s%s", c > 0 ? "," : "", columns[c].column));
    for (size_t r = 0; r < run->n_rows; ++r) {
        SEI_TRY(sei_text_append(&text, "\n", 1));
        for (size_t c = 0; c < N_COLUMNS; ++c) SEI_TRY(add_cell(run, r, c, &text));
    }
    SEI_TRY(sei_text_append(&text, "\n", 1));
    SEI_TRY(sei_pf_path(run, "metrics.csv", &path));
    SEI_TRY(sei_file_write_text(path, true, text.data, text.length));
    sei_free(path);
    path = NULL;
    SEI_TRY(sei_pf_path(run, "metrics.json", &path));
    SEI_TRY(write_json(run, path));
done:
    sei_text_free(&text);
    sei_free(path);
    return status;
}
