/* The first stages: reading, cleaning, aligning. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "study/record.h"
#include "study/run.h"
#include "study/series_edit.h"

/* Reader options from the recipe; the strings stay with the run. */
static void read_options(const sei_run_state *run, sei_read_options *out) {
    const sei_recipe_input *in = &run->recipe->input;
    double axis = NAN;
    sei_read_options_default(out);
    out->n_files = in->n_files;
    out->files = (const char *const *)run->input_paths;
    out->n_channels = in->n_channels;
    out->channels = (const char *const *)in->channels;
    out->angles = run->angles_path;
    out->pixel_nm = in->pixel_nm;
    if (strcmp(in->axis, "x") == 0) axis = 90;
    if (strcmp(in->axis, "y") == 0) axis = 0;
    if (isnan(axis) && in->axis[0] != 0) (void)sei_parse_double(in->axis, &axis);
    out->axis_deg = axis;
    out->axis_offset_px = in->axis_offset_px;
    out->invert_tilt = in->invert_tilt;
    out->flip_y = in->flip_y;
    out->allow_truncated = in->allow_truncated;
}

sei_status sei_run_read_input(sei_run_state *run, bool headers_only) {
    sei_read_options options;
    sei_series series = {0};
    sei_status status = SEI_OK;
    read_options(run, &options);
    options.headers_only = headers_only;
    if (!headers_only) options.inputs = &run->provenance;
    SEI_TRY(sei_io_read_series(&options, &series));
    SEI_TRY(sei_series_drop(&series, run->recipe->input.n_drop_tilts, run->recipe->input.drop_tilts));
    if (!headers_only)
        sei_info("input: %lld tilts of %lld x %lld pixels, %zu channels, pixel %.6g nm", (long long)series.n_tilts,
                 (long long)series.nx, (long long)series.ny, series.n_channels, series.pixel_nm);
    sei_series_free(&run->series);
    run->series = series;
    series = (sei_series){0};
done:
    sei_series_free(&series);
    return status;
}

/* Writes a table of the run. */
static sei_status write_table(sei_run_state *run, const sei_stage *stage, const char *name, const sei_table *table) {
    char *path = NULL;
    sei_status status = sei_run_path(run, stage, name, &path);
    if (status == SEI_OK) status = sei_io_write_table(path, table, true);
    sei_free(path);
    return status;
}

sei_status sei_stage_input(sei_run_state *run, sei_stage *stage) {
    sei_table table = {0};
    sei_status status = sei_series_tilt_table(&run->series, &table);
    if (status != SEI_OK) return status;
    stage->facts = sei_json_facts(&run->series.facts);
    SEI_TRY(write_table(run, stage, "tables/tilts.csv", &table));
done:
    sei_table_free(&table);
    return status;
}

/* Cleaning is repeated in memory when a later stage needs it: the same input gives the same bits. */
static sei_status ensure_cleaned(sei_run_state *run, sei_table *repairs) {
    if (run->cleaned) return SEI_OK;
    const sei_status status = sei_clean_series(&run->series, &run->recipe->clean, repairs);
    run->cleaned = status == SEI_OK;
    return status;
}

sei_status sei_stage_clean(sei_run_state *run, sei_stage *stage) {
    sei_table repairs = {0};
    sei_facts facts = {0};
    sei_status status = SEI_OK;
    SEI_TRY(ensure_cleaned(run, &repairs));
    static const char *const kept[] = {"hot_pixels", "dead_lines", "non_finite"};
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; ++i) {
        const sei_fact *fact = sei_facts_find(&run->series.facts, kept[i]);
        if (fact == NULL) continue;
        SEI_TRY(sei_facts_set(&facts, fact->key, fact->value, fact->source));
    }
    stage->facts = sei_json_facts(&facts);
    if (repairs.n_columns > 0) SEI_TRY(write_table(run, stage, "tables/repairs.csv", &repairs));
done:
    sei_facts_free(&facts);
    sei_table_free(&repairs);
    return status;
}

static sei_status find_shifts(sei_run_state *run, sei_shifts *shifts) {
    const sei_recipe_align *a = &run->recipe->align;
    const double axis_offset = isnan(a->axis_offset_px) ? run->series.axis_offset_px : a->axis_offset_px;
    sei_table table = {0};
    sei_status status = SEI_OK;
    if (a->method == SEI_ALIGN_FILE) {
        status = sei_io_read_table(run->shifts_path, &table);
        if (status == SEI_OK) status = sei_shifts_from_table(&table, shifts);
        /* said in the recipe, else by the table, else by the series */
        const bool said = !isnan(a->axis_offset_px) || !isnan(run->recipe->input.axis_offset_px);
        if (status == SEI_OK && (said || isnan(shifts->axis_offset_px))) shifts->axis_offset_px = axis_offset;
        sei_table_free(&table);
        return status;
    }
    sei_align_options options;
    sei_align_options_default(&options);
    if (a->reference[0] != 0) options.reference = a->reference;
    options.cosine_stretch = a->cosine_stretch;
    options.taper_px = a->taper_px;
    options.low_cutoff = a->low_cutoff;
    options.high_cutoff = a->high_cutoff;
    options.high_sigma = a->high_sigma;
    options.max_shift_px = a->max_shift_px;
    options.iterations = a->iterations;
    options.find_axis_offset = a->find_axis_offset;
    options.axis_offset_px = axis_offset;
    options.interpolation = a->interpolation;
    return sei_align_find(run->device, &run->series, &options, shifts);
}

/* Zero shifts for a series that is aligned as it is. */
static sei_status no_shifts(const sei_series *series, double axis_offset_px, sei_shifts *shifts) {
    const sei_status status = sei_shifts_alloc(series->n_tilts, shifts);
    if (status != SEI_OK) return status;
    for (int64_t t = 0; t < series->n_tilts; ++t) shifts->tilt_deg[t] = series->tilts[t].tilt_deg;
    shifts->axis_offset_px = axis_offset_px;
    shifts->axis_offset_sd_px = NAN;
    return SEI_OK;
}

sei_status sei_stage_align(sei_run_state *run, sei_stage *stage) {
    const sei_recipe_align *a = &run->recipe->align;
    sei_shifts shifts = {0};
    sei_series aligned = {0};
    sei_table table = {0};
    sei_numbers numbers = {0};
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(ensure_cleaned(run, NULL));
    if (a->method == SEI_ALIGN_NONE) {
        SEI_TRY(no_shifts(&run->series, isnan(a->axis_offset_px) ? run->series.axis_offset_px : a->axis_offset_px, &shifts));
    } else {
        SEI_TRY(find_shifts(run, &shifts));
    }
    if (a->method == SEI_ALIGN_NONE && fabs(run->series.axis_deg) < 1e-9) {
        /* nothing to move: the pixels stay as they are */
        SEI_TRY(sei_series_copy(&run->series, &aligned));
        aligned.aligned = true;
        aligned.axis_offset_px = shifts.axis_offset_px;
    } else {
        SEI_TRY(sei_align_apply(run->device, &run->series, &shifts, a->interpolation, &aligned));
    }
    SEI_TRY(sei_shifts_to_table(&shifts, &table));
    SEI_TRY(sei_numbers_set(&numbers, "axis_deg", run->series.axis_deg, "deg", NAN));
    SEI_TRY(sei_numbers_set(&numbers, "axis_offset_px", shifts.axis_offset_px, "px", shifts.axis_offset_sd_px));
    stage->numbers = sei_json_numbers(&numbers);
    stage->facts = sei_json_facts(&aligned.facts);
    SEI_TRY(write_table(run, stage, "tables/shifts.csv", &table));
    SEI_TRY(sei_run_provenance(run, stage, json_object_get(run->resolved, "align"), true));
    SEI_TRY(sei_run_path(run, stage, "aligned/series.emd", &path));
    SEI_TRY(sei_io_write_series(path, &aligned, &run->provenance, true));
done:
    sei_free(path);
    sei_numbers_free(&numbers);
    sei_table_free(&table);
    sei_series_free(&aligned);
    sei_shifts_free(&shifts);
    return status;
}

sei_status sei_run_aligned(sei_run_state *run) {
    char *path = NULL;
    sei_read_options options;
    if (run->aligned.n_tilts > 0) return SEI_OK;
    sei_series_free(&run->series); /* not needed any more */
    sei_status status = sei_run_read_path(run, "aligned/series.emd", &path);
    if (status != SEI_OK) return status;
    const char *files[1] = {path};
    sei_read_options_default(&options);
    options.n_files = 1;
    options.files = files;
    status = sei_io_read_series(&options, &run->aligned);
    if (status == SEI_OK) run->aligned.aligned = true;
    sei_free(path);
    return status;
}
