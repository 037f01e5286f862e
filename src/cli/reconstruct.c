#include "cli/reconstruct.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"

static bool one_file_holds_all(const char *path) {
    return sei_path_has_extension(path, "emd") || sei_path_has_extension(path, "h5");
}

sei_status sei_cli_reconstruct_check_targets(const sei_cli_reconstruct *o) {
    sei_status status = SEI_OK;
    const char *path = o->common.output;
    const char *const outputs[] = {path, o->history};
    SEI_TRY(sei_cli_check_outputs(&o->common, &o->files, 2, outputs));
    if (path != NULL) {
        const bool known = one_file_holds_all(path) || sei_path_has_extension(path, "mrc") ||
                           sei_path_has_extension(path, "tif") || sei_path_has_extension(path, "tiff");
        if (!known) return sei_fail(SEI_ERR_USAGE, "%s: no known kind of volume; use .mrc, .emd, .h5 or .tif", path);
        if (!o->common.plan) SEI_TRY(sei_io_check_volume(path, true, o->common.force));
    }
    if (o->history != NULL && !o->common.plan) SEI_TRY(sei_file_check_target(o->history, o->common.force));
done:
    return status;
}

sei_status sei_cli_reconstruct_check(const sei_cli_reconstruct *o, const sei_series *series) {
    sei_status status = SEI_OK;
    for (size_t i = 0; i < o->n_bins; ++i) {
        if (sei_series_find(series, o->bins[i].channel) == NULL) {
            return sei_fail(SEI_ERR_USAGE, "--bin: there is no channel '%s' in the series", o->bins[i].channel);
        }
    }
    for (size_t i = 0; i < o->n_starts; ++i) {
        if (o->starts[i].channel[0] != 0 && sei_series_find(series, o->starts[i].channel) == NULL)
            return sei_fail(SEI_ERR_USAGE, "--start: there is no channel '%s' in the series", o->starts[i].channel);
    }
    if (series->n_channels > 1 && o->common.output != NULL && !o->common.plan && !one_file_holds_all(o->common.output)) {
        for (size_t c = 0; c < series->n_channels; ++c) {
            char *path = NULL;
            SEI_TRY(sei_io_channel_path(o->common.output, series->channels[c].name, &path));
            status = sei_cli_check_outputs(&o->common, &o->files, 1, (const char *const *)&path);
            if (status == SEI_OK) status = sei_io_check_volume(path, true, o->common.force);
            for (size_t k = 0; status == SEI_OK && k < c; ++k) {
                char *other = NULL;
                status = sei_io_channel_path(o->common.output, series->channels[k].name, &other);
                if (status == SEI_OK && strcasecmp(path, other) == 0)
                    status = sei_fail(SEI_ERR_INPUT, "channels '%s' and '%s' would both go to %s; rename one with --channels",
                                      series->channels[k].name, series->channels[c].name, path);
                sei_free(other);
            }
            sei_free(path);
            if (status != SEI_OK) return status;
        }
    }
done:
    return status;
}

sei_status sei_cli_reconstruct_provenance(const sei_cli_reconstruct *o, const sei_device *device, sei_provenance *out) {
    sei_status status = SEI_OK;
    const sei_recon_options *r = &o->recon;
    snprintf(out->stage, sizeof out->stage, "reconstruct");
    sei_device_record(device, out->backend);
    SEI_TRY(sei_provenance_set(out, "method", "%s", sei_method_name(r->method)));
    SEI_TRY(sei_provenance_set(out, "projector", "%s", sei_kernel_name(r->kernel)));
    if (r->method != SEI_METHOD_WBP && r->stop == SEI_STOP_ITERATIONS)
        SEI_TRY(sei_provenance_set(out, "iterations", "%d", sei_recon_iterations(r)));
    if (r->method == SEI_METHOD_SIRT || r->method == SEI_METHOD_SIRT_POSITIVE)
        SEI_TRY(sei_provenance_set(out, "relaxation", "%.17g", r->relaxation));
    if (r->method == SEI_METHOD_WBP) SEI_TRY(sei_provenance_set(out, "filter", "%s, cut-off %.17g", r->filter, r->filter_cutoff));
    if (r->method == SEI_METHOD_OSEM) SEI_TRY(sei_provenance_set(out, "subsets", "%d", r->subsets));
    if (r->stop == SEI_STOP_HELD_OUT) {
        SEI_TRY(sei_provenance_set(out, "stop", "%s, at most %d iterations", sei_stop_name(r->stop), sei_recon_iterations(r)));
        SEI_TRY(sei_provenance_set(out, "seed", "%llu", (unsigned long long)r->seed));
    }
    if (o->support_from != NULL) SEI_TRY(sei_provenance_set(out, "support", "%s", o->support));
    if (o->depth > 0) SEI_TRY(sei_provenance_set(out, "depth", "%.17g%s", o->depth, o->depth_is_nm ? " nm" : " px"));
    SEI_TRY(sei_provenance_set(out, "bin", "%d", o->bin));
    for (size_t i = 0; i < o->n_bins; ++i) {
        char key[SEI_NAME_LENGTH];
        snprintf(key, sizeof key, "bin_%.50s", o->bins[i].channel);
        SEI_TRY(sei_provenance_set(out, key, "%d", o->bins[i].bin));
    }
    double value = NAN;
    if (o->background != NULL && sei_parse_double(o->background, &value))
        SEI_TRY(sei_provenance_set(out, "background", "%.17g", value));
    if (isfinite(o->common.pixel_nm)) SEI_TRY(sei_provenance_set(out, "pixel_nm", "%.17g", o->common.pixel_nm));
    if (isfinite(o->common.axis_deg)) SEI_TRY(sei_provenance_set(out, "axis_deg", "%.17g", o->common.axis_deg));
    if (isfinite(o->common.axis_offset_px)) SEI_TRY(sei_provenance_set(out, "axis_offset_px", "%.17g", o->common.axis_offset_px));
    if (o->common.invert_tilt) SEI_TRY(sei_provenance_set(out, "invert_tilt", "true"));
    if (o->common.flip_y) SEI_TRY(sei_provenance_set(out, "flip_y", "true"));
    const char *more[] = {o->support_from == NULL ? o->support : NULL,
                          o->background != NULL && !isfinite(value) ? o->background : NULL};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; ++i) {
        if (more[i] != NULL) SEI_TRY(sei_io_provenance_add_input(out, more[i]));
    }
    for (size_t i = 0; i < o->n_starts; ++i) SEI_TRY(sei_io_provenance_add_input(out, o->starts[i].path));
done:
    return status;
}

/* The last row of a history as numbers: what the sidecar file holds. */
static sei_status add_numbers(sei_provenance *provenance, const sei_volume *volume, const sei_recon_report *report) {
    sei_status status = SEI_OK;
    const struct { const char *name, *unit; } columns[] = {{"log_likelihood", ""}, {"residual", volume->unit}};
    for (size_t k = 0; k < 2; ++k) {
        char name[SEI_NAME_LENGTH];
        const double value = sei_table_get(&report->history, report->history.n_rows - 1, columns[k].name);
        snprintf(name, sizeof name, "%s_%.40s", columns[k].name, volume->name);
        if (isfinite(value)) SEI_TRY(sei_numbers_set(&provenance->numbers, name, value, columns[k].unit, NAN));
    }
    if (report->trial_iterations > 0) {
        char name[SEI_NAME_LENGTH];
        snprintf(name, sizeof name, "iterations_%.40s", volume->name);
        SEI_TRY(sei_numbers_set(&provenance->numbers, name, (double)report->n_iterations, "", NAN));
    }
done:
    return status;
}

/* All histories in one table with a first column that counts the channels. */
static sei_status write_history(const sei_cli_reconstruct *o, size_t n, const sei_recon_report *reports) {
    static const char *const columns[] = {"channel", "iteration", "log_likelihood", "counted", "residual", "flux", "held_out"};
    enum { COLUMNS = sizeof columns / sizeof columns[0] };
    sei_status status = SEI_OK;
    sei_table table = {0};
    size_t rows = 0;
    for (size_t c = 0; c < n; ++c) rows += reports[c].history.n_rows;
    SEI_TRY(sei_table_alloc("history", COLUMNS, columns, rows, &table));
    double *cell = table.cells;
    for (size_t c = 0; c < n; ++c) {
        for (size_t r = 0; r < reports[c].history.n_rows; ++r) {
            *cell++ = (double)c;
            for (size_t k = 1; k < COLUMNS; ++k) *cell++ = sei_table_get(&reports[c].history, r, columns[k]);
        }
    }
    SEI_TRY(sei_io_write_table(o->history, &table, o->common.force));
done:
    sei_table_free(&table);
    return status;
}

sei_status sei_cli_reconstruct_write(const sei_cli_reconstruct *o, size_t n, sei_volume *volumes, const sei_recon_report *reports,
                                     sei_provenance *provenance) {
    sei_status status = SEI_OK;
    const char *path = o->common.output;
    for (size_t c = 0; c < n; ++c) SEI_TRY(add_numbers(provenance, &volumes[c], &reports[c]));
    if (n == 1 || one_file_holds_all(path)) {
        SEI_TRY(sei_io_write_volumes(path, n, volumes, provenance, o->common.force));
        sei_info("wrote %s", path);
    }
    for (size_t c = 0; n > 1 && !one_file_holds_all(path) && c < n; ++c) {
        char *one = NULL;
        SEI_TRY(sei_io_channel_path(path, volumes[c].name, &one));
        status = sei_io_write_volumes(one, 1, &volumes[c], provenance, o->common.force);
        if (status == SEI_OK) sei_info("wrote %s", one);
        sei_free(one);
        if (status != SEI_OK) return status;
    }
    if (o->history != NULL) SEI_TRY(write_history(o, n, reports));
done:
    return status;
}
