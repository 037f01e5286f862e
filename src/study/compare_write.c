/* What compare writes. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/report.h"
#include "study/compare.h"
#include "study/record.h"
#include "study/run.h"

const char *const sei_compare_columns[SEI_COMPARE_COLUMNS] = {"method",
                                                              "elongation_autocorrelation",
                                                              "elongation_moments",
                                                              "elongation_moments_sd",
                                                              "objects",
                                                              "elongation_theory",
                                                              "residual",
                                                              "log_likelihood",
                                                              "truth_rmse",
                                                              "truth_scale"};

static const struct {
    const char *name, *words;
    sei_plane plane;
} planes[] = {{"xz", "cross-section", SEI_PLANE_XZ}, {"xy", "seen along the beam", SEI_PLANE_XY}};

static sei_status path_of(const sei_compare_work *work, const char *name, char **path) {
    return sei_path_join(work->folder, name, path);
}

static sei_status check(const sei_compare_work *work, const char *name) {
    char *path = NULL;
    sei_status status = path_of(work, name, &path);
    if (status == SEI_OK) status = sei_file_check_target(path, work->options->overwrite);
    sei_free(path);
    return status;
}

sei_status sei_compare_check_targets(const sei_compare_work *work) {
    static const char *const fixed[] = {"compare.csv", "compare.json", "compare_xz.png", "compare_xy.png", "report.html"};
    static const char *const each[] = {"%s/%s.mrc", "%s/%s.json", "%s/history.csv", "%s/xz.png", "%s/xy.png"};
    char name[SEI_RUN_NAME];
    sei_status status = SEI_OK;
    SEI_TRY(sei_folder_make(work->folder));
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; ++i) SEI_TRY(check(work, fixed[i]));
    for (size_t m = 0; m < work->n_methods; ++m) {
        const char *method = sei_method_name(work->methods[m]);
        SEI_TRY(sei_folder_make_below(work->folder, method));
        for (size_t i = 0; i < sizeof each / sizeof each[0]; ++i) {
            const char *rest = strchr(each[i], '/') + 1;
            if (strstr(rest, "%s") != NULL) {
                snprintf(name, sizeof name, "%s/%s.%s", method, work->file_name, strrchr(rest, '.') + 1);
            } else {
                snprintf(name, sizeof name, "%s/%s", method, rest);
            }
            SEI_TRY(check(work, name));
        }
    }
done:
    return status;
}

static sei_status provenance_of(const sei_compare_work *work, size_t index, sei_provenance *out) {
    const sei_compare_options *o = work->options;
    sei_status status = SEI_OK;
    snprintf(out->stage, sizeof out->stage, "compare");
    sei_device_record(work->device, out->backend);
    SEI_TRY(sei_provenance_set(out, "method", "%s", sei_method_name(work->methods[index])));
    SEI_TRY(sei_provenance_set(out, "channel", "%s", work->channel));
    SEI_TRY(sei_provenance_set(out, "iterations", "%d", o->iterations));
    SEI_TRY(sei_provenance_set(out, "kernel", "%s", o->kernel == SEI_KERNEL_STRIP ? "strip" : "linear"));
    SEI_TRY(sei_provenance_set(out, "bin", "%d", o->bin));
    SEI_TRY(sei_provenance_set(out, "pad_px", "%lld", (long long)o->pad_px));
    SEI_TRY(sei_provenance_set(out, "depth_px", "%lld", (long long)o->depth_px));
    SEI_TRY(sei_provenance_set(out, "pixel_nm", "%.17g", work->series.pixel_nm));
    SEI_TRY(sei_provenance_set(out, "axis_offset_px", "%.17g", work->series.axis_offset_px));
    SEI_TRY(sei_provenance_set(out, "invert_tilt", "%s", o->invert_tilt ? "yes" : "no"));
    SEI_TRY(sei_provenance_set(out, "flip_y", "%s", o->flip_y ? "yes" : "no"));
    if (o->read != NULL) SEI_TRY(sei_provenance_add_inputs(out, o->read));
done:
    return status;
}

sei_status sei_compare_write_volume(const sei_compare_work *work, size_t index, const sei_volume *volume,
                                    const sei_recon_report *report) {
    const char *method = sei_method_name(work->methods[index]);
    const bool overwrite = work->options->overwrite;
    sei_provenance provenance = {0};
    char name[SEI_RUN_NAME];
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(provenance_of(work, index, &provenance));
    snprintf(name, sizeof name, "%s/%s.mrc", method, work->file_name);
    SEI_TRY(path_of(work, name, &path));
    SEI_TRY(sei_io_write_volumes(path, 1, volume, &provenance, overwrite));
    if (report->history.n_rows > 0) {
        snprintf(name, sizeof name, "%s/history.csv", method);
        sei_free(path);
        path = NULL;
        SEI_TRY(path_of(work, name, &path));
        SEI_TRY(sei_io_write_table(path, &report->history, overwrite));
    }
    for (size_t p = 0; p < 2; ++p) {
        char title[SEI_TEXT_LENGTH];
        sei_picture_options options;
        sei_picture_options_default(&options);
        options.plane = planes[p].plane;
        options.thickness_nm = work->options->slice_nm;
        snprintf(title, sizeof title, "%s, %s", work->channel, method);
        options.title = title;
        snprintf(name, sizeof name, "%s/%s.png", method, planes[p].name);
        sei_free(path);
        path = NULL;
        SEI_TRY(path_of(work, name, &path));
        SEI_TRY(sei_render_slice(path, volume, &options, overwrite));
    }
done:
    sei_free(path);
    sei_provenance_free(&provenance);
    return status;
}

static sei_status montage(const sei_compare_work *work, const char *plane) {
    char **pngs = NULL;
    char name[SEI_RUN_NAME];
    char *path = NULL;
    sei_status status = SEI_NEW(pngs, (int64_t)work->n_methods, 1, 1);
    if (status != SEI_OK) return status;
    for (size_t i = 0; i < work->n_methods; ++i) {
        snprintf(name, sizeof name, "%s/%s.png", sei_method_name(work->methods[i]), plane);
        SEI_TRY(path_of(work, name, &pngs[i]));
    }
    snprintf(name, sizeof name, "compare_%s.png", plane);
    SEI_TRY(path_of(work, name, &path));
    SEI_TRY(sei_render_montage(path, work->n_methods, (const char *const *)pngs, (int)work->n_methods, work->options->overwrite));
done:
    for (size_t i = 0; i < work->n_methods; ++i) sei_free(pngs[i]);
    sei_free(pngs);
    sei_free(path);
    return status;
}

/* {"em": {"residual": {"value", "unit", "sd"}, ...}, ...} */
static sei_status write_json(const sei_compare_work *work, const sei_table *table) {
    json_t *methods = json_object();
    char *path = NULL;
    char *text = NULL;
    sei_status status = SEI_OK;
    for (size_t i = 0; i < work->n_methods; ++i) {
        const double *row = table->cells + i * SEI_COMPARE_COLUMNS;
        sei_numbers numbers = {0};
        for (size_t c = 1; c < SEI_COMPARE_COLUMNS && status == SEI_OK; ++c) {
            if (c == SEI_COMPARE_MOMENTS_SD) continue;
            status = sei_numbers_set(&numbers, sei_compare_columns[c], row[c],
                                     c == SEI_COMPARE_RESIDUAL ? work->series.channels[0].unit : "",
                                     c == SEI_COMPARE_MOMENTS ? row[SEI_COMPARE_MOMENTS_SD] : NAN);
        }
        json_object_set_new(methods, sei_method_name(work->methods[i]), sei_json_numbers(&numbers));
        sei_numbers_free(&numbers);
    }
    if (status != SEI_OK) goto done;
    SEI_TRY(sei_json_dump(methods, &text));
    SEI_TRY(path_of(work, "compare.json", &path));
    SEI_TRY(sei_file_write_text(path, work->options->overwrite, text, strlen(text)));
done:
    json_decref(methods);
    sei_free(text);
    sei_free(path);
    return status;
}

static sei_status write_page(const sei_compare_work *work, const sei_table *table) {
    sei_page *page = NULL;
    char *path = NULL;
    char title[SEI_TEXT_LENGTH];
    sei_status status = SEI_OK;
    snprintf(title, sizeof title, "Reconstruction methods compared on %s", work->channel);
    SEI_TRY(sei_page_begin(title, &page));
    SEI_TRY(sei_page_table(page, "The methods by the same rules", table, NULL));
    for (size_t p = 0; p < 2; ++p) {
        char name[SEI_RUN_NAME];
        snprintf(name, sizeof name, "compare_%s.png", planes[p].name);
        SEI_TRY(path_of(work, name, &path));
        SEI_TRY(sei_page_picture(page, path, planes[p].words));
        sei_free(path);
        path = NULL;
    }
    SEI_TRY(path_of(work, "report.html", &path));
    sei_page *finished = page;
    page = NULL; /* finish frees it */
    SEI_TRY(sei_page_finish(finished, path, work->options->overwrite));
done:
    sei_page_free(page);
    sei_free(path);
    return status;
}

sei_status sei_compare_write_summary(const sei_compare_work *work, const sei_table *table) {
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(path_of(work, "compare.csv", &path));
    SEI_TRY(sei_io_write_table(path, table, work->options->overwrite));
    SEI_TRY(write_json(work, table));
    SEI_TRY(montage(work, "xz"));
    SEI_TRY(montage(work, "xy"));
    SEI_TRY(write_page(work, table));
done:
    sei_free(path);
    return status;
}
