/* The page of a model's folder, from its summary and pictures alone. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/report.h"
#include "study/phasefield_run.h"
#include "study/record.h"

static const json_t *value_of(const json_t *row, const char *name) {
    return json_object_get(json_object_get(row, name), "value");
}

static sei_status metrics_table(sei_page *page, const json_t *rows) {
    static const char *const columns[] = {
        "state_of_charge", "void_fraction",        "n_voids",           "enclosed_fraction",
        "wetted_fraction", "wetted_kept_fraction", "depth_mean",        "si_largest_component_fraction",
        "area_radius",     "mass_drift",           "residual_mechanics"};
    enum { N_COLUMNS = sizeof columns / sizeof columns[0] };
    const size_t n = json_array_size(rows);
    sei_table table = {0};
    char(*names)[48] = NULL;
    const char **pointers = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(names, (int64_t)n, 1, 1));
    SEI_TRY(SEI_NEW(pointers, (int64_t)n, 1, 1));
    SEI_TRY(sei_table_alloc("metrics", N_COLUMNS, columns, n, &table));
    for (size_t r = 0; r < n; ++r) {
        const json_t *row = json_array_get(rows, r);
        snprintf(names[r], sizeof names[r], "%zu %s", r, sei_json_text_at(row, "phase"));
        pointers[r] = names[r];
        for (size_t c = 0; c < N_COLUMNS; ++c) {
            const json_t *value = value_of(row, columns[c]);
            table.cells[r * N_COLUMNS + c] = json_is_number(value) ? json_number_value(value) : NAN;
        }
    }
    SEI_TRY(sei_page_table(page, "Metrics at the end of each half-cycle (depth in wire radii)", &table, pointers));
done:
    sei_table_free(&table);
    sei_free(names);
    sei_free(pointers);
    return status;
}

static sei_status figure_checks(sei_page *page, const json_t *figure) {
    sei_facts facts = {0};
    char line[2 * SEI_TEXT_LENGTH], caption[SEI_TEXT_LENGTH];
    const json_t *check = NULL;
    size_t n = 0;
    sei_status status = SEI_OK;
    snprintf(line, sizeof line, "%s: %s (%s).", sei_json_text_at(figure, "of"), sei_json_text_at(figure, "verdict"),
             sei_json_text_at(figure, "why"));
    SEI_TRY(sei_page_paragraph(page, line));
    json_array_foreach(json_object_get(figure, "checks"), n, check) {
        char key[SEI_NAME_LENGTH + 64], value[32] = "none", source[SEI_TEXT_LENGTH];
        const json_t *number = json_object_get(check, "value");
        if (json_is_number(number)) snprintf(value, sizeof value, "%.4g", json_number_value(number));
        snprintf(key, sizeof key, "%.12s: %.100s", sei_json_text_at(check, "panel"), sei_json_text_at(check, "metric"));
        snprintf(source, sizeof source, "%s; expected %s", sei_json_text_at(check, "result"),
                 sei_json_text_at(check, "expected"));
        SEI_TRY(sei_facts_set(&facts, key, value, source));
    }
    snprintf(caption, sizeof caption, "Thresholds for %s, panel by panel", sei_json_text_at(figure, "of"));
    SEI_TRY(sei_page_facts(page, caption, &facts));
done:
    sei_facts_free(&facts);
    return status;
}

static sei_status picture(sei_page *page, const char *folder, const char *name, const char *caption) {
    char *path = NULL;
    sei_status status = sei_path_join(folder, name, &path);
    if (status == SEI_OK && sei_file_exists(path)) status = sei_page_picture(page, path, caption);
    sei_free(path);
    return status;
}

static sei_status pictures(sei_page *page, const char *folder) {
    static const struct {
        const char *name, *caption;
    } all[] = {{"pictures/figure5.png",
                "The wire's section as in Fig. 5 a-f of He et al. (2021): intact, lithiated and delithiated in turn. Green: Si; "
                "yellow: LixSi; white: void; turquoise: electrolyte; blue: SEI"},
               {"pictures/figure5_reference.png", "The same on the undeformed section, where the fields live"},
               {"pictures/half_cycles.png", "The end of every half-cycle, a cycle a column: lithiated above, delithiated below"},
               {"pictures/movie.png", "The same as a movie"},
               {"plots/areas.svg", "Voids by half-cycle"},
               {"plots/depth.svg", "How deep the electrolyte has come"},
               {"plots/silicon.svg", "Connectivity of silicon"},
               {"plots/radius.svg", "Radius of the deformed wire"}};
    sei_status status = SEI_OK;
    for (size_t n = 0; status == SEI_OK && n < sizeof all / sizeof all[0]; ++n)
        status = picture(page, folder, all[n].name, all[n].caption);
    return status;
}

sei_status sei_page_of_phasefield(const char *folder, const char *html, bool overwrite) {
    sei_page *page = NULL;
    json_t *summary = NULL;
    sei_numbers numerics = {0};
    char *path = NULL, *recipe = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_path_join(folder, "summary.json", &path));
    SEI_TRY(sei_sealed_read(path, &summary));
    const char *title = sei_json_text_at(summary, "title");
    SEI_TRY(sei_page_begin(title[0] != 0 ? title : "Phase-field model of a silicon nanowire", &page));
    SEI_TRY(sei_page_heading(page, 2, "Pictures"));
    SEI_TRY(pictures(page, folder));
    SEI_TRY(sei_page_heading(page, 2, "Against the published figure"));
    SEI_TRY(figure_checks(page, json_object_get(summary, "figure5")));
    SEI_TRY(sei_page_heading(page, 2, "Metrics"));
    SEI_TRY(metrics_table(page, json_object_get(summary, "half_cycles")));
    SEI_TRY(sei_page_heading(page, 2, "How it was made"));
    SEI_TRY(sei_json_to_numbers(json_object_get(summary, "numerics"), &numerics));
    SEI_TRY(sei_page_numbers(page, "Grid and steps", &numerics));
    sei_free(path);
    path = NULL;
    SEI_TRY(sei_path_join(folder, "recipe.json", &path));
    if (sei_file_exists(path)) {
        SEI_TRY(sei_file_read_text(path, (size_t)1 << 20, &recipe, NULL));
        SEI_TRY(sei_page_provenance(page, "Recipe", recipe));
    }
    sei_page *finished = page;
    page = NULL; /* finish frees it */
    SEI_TRY(sei_page_finish(finished, html, overwrite));
done:
    sei_page_free(page);
    json_decref(summary);
    sei_numbers_free(&numerics);
    sei_free(path);
    sei_free(recipe);
    return status;
}
