#include "cli/reconstruct.h"

#include <math.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "seitomo/clean.h"
#include "study/series_edit.h"

static bool one_file_holds_all(const char *path) {
    return sei_path_has_extension(path, "emd") || sei_path_has_extension(path, "h5");
}

static int bin_of(const sei_cli_reconstruct *o, const char *channel) {
    for (size_t i = 0; i < o->n_bins; ++i) {
        if (strcasecmp(o->bins[i].channel, channel) == 0) return o->bins[i].bin;
    }
    return o->bin;
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

/* The images of all channels are cut to one size that every binning divides, so that their volumes share a centre. */
static int common_bin(const sei_cli_reconstruct *o, const sei_series *series) {
    int64_t common = 1;
    for (size_t c = 0; c < series->n_channels; ++c) common = sei_common_bin(common, bin_of(o, series->channels[c].name));
    return (int)common;
}

/* The series of one channel, binned. */
static sei_status take_channel(const sei_cli_reconstruct *o, const sei_series *series, size_t channel, sei_series *out) {
    sei_status status = SEI_OK;
    sei_series trimmed = {0};
    SEI_TRY(sei_series_trim(series, channel, common_bin(o, series), &trimmed));
    SEI_TRY(sei_clean_bin(&trimmed, bin_of(o, series->channels[channel].name), out));
done:
    sei_series_free(&trimmed);
    return status;
}

/* Depth in voxels of the binned series: a multiple of the common binning, so that the volumes share a centre in z, too. */
static int64_t depth_of(const sei_cli_reconstruct *o, const sei_series *series, const sei_series *binned, int bin) {
    if (o->depth <= 0) return binned->nx;
    const int common = common_bin(o, series);
    const double steps = (o->depth_is_nm ? o->depth / series->pixel_nm : o->depth) / common;
    const int64_t whole = steps < 1 ? 1 : steps > 1e9 ? (int64_t)1e9 : (int64_t)floor(steps + 0.5);
    return whole * (common / bin);
}

/* The background per pixel of the binned series, from a number or a table: `pixels` of the series make up one. */
static sei_status read_background(const char *text, int64_t n_tilts, double pixels, double **out, int64_t *n) {
    sei_status status = SEI_OK;
    sei_table table = {0};
    double *values = NULL, value = NAN;
    const bool is_number = sei_parse_double(text, &value) != 0;
    if (!is_number) {
        SEI_TRY(sei_io_read_table(text, &table));
        if (table.n_rows != (size_t)n_tilts) {
            SEI_TRY(sei_fail(SEI_ERR_INPUT, "%s: %zu rows, the series has %lld tilts", text, table.n_rows, (long long)n_tilts));
        }
    }
    const int64_t count = is_number ? 1 : n_tilts;
    SEI_TRY(SEI_NEW(values, count, 1, 1));
    for (int64_t t = 0; t < count; ++t) {
        values[t] = (is_number ? value : sei_table_get(&table, (size_t)t, "background")) * pixels;
        if (!isfinite(values[t]))
            SEI_TRY(sei_fail(SEI_ERR_INPUT, "%s: row %lld has no number in a column 'background'", text, (long long)t + 1));
    }
    *out = values;
    *n = count;
    values = NULL;
done:
    sei_free(values);
    sei_table_free(&table);
    return status;
}

/* The support on the grid of the volume to come; a number of voxels that fits in another order is no fit. */
static sei_status read_support(const char *path, const sei_series *one, int64_t depth, uint8_t **out, int64_t *n) {
    sei_status status = SEI_OK;
    sei_volume volume = {0};
    uint8_t *support = NULL;
    SEI_TRY(sei_io_read_volume(path, &volume));
    const int64_t count = volume.nx * volume.ny * volume.nz;
    if (volume.nx != one->nx || volume.nz != depth || (volume.ny != one->ny && volume.ny != 1)) {
        SEI_TRY(sei_fail(SEI_ERR_INPUT, "%s: a support of %lld x %lld x %lld voxels; expected %lld x %lld (or 1) x %lld", path,
                         (long long)volume.nx, (long long)volume.ny, (long long)volume.nz, (long long)one->nx, (long long)one->ny,
                         (long long)depth));
    }
    SEI_TRY(SEI_NEW(support, count, 1, 1));
    for (int64_t i = 0; i < count; ++i) support[i] = volume.data[i] != 0;
    *out = support;
    *n = count;
done:
    sei_volume_free(&volume);
    return status;
}

sei_status sei_cli_reconstruct_channel(const sei_cli_reconstruct *o, sei_device *device, const sei_series *series, size_t channel,
                                       sei_volume *volume, sei_recon_report *report) {
    sei_status status = SEI_OK;
    sei_series one = {0};
    double *background = NULL;
    uint8_t *support = NULL;
    sei_recon_options wanted = o->recon;
    const int bin = bin_of(o, series->channels[channel].name);
    SEI_TRY(take_channel(o, series, channel, &one));
    wanted.depth_px = depth_of(o, series, &one, bin);
    if (o->background != NULL) {
        /* binning adds up counts and averages everything else */
        const double pixels = strcmp(one.channels[0].unit, "counts") == 0 ? (double)bin * bin : 1;
        SEI_TRY(read_background(o->background, series->n_tilts, pixels, &background, &wanted.n_background));
        wanted.background = background;
    }
    if (o->support != NULL) {
        SEI_TRY(read_support(o->support, &one, wanted.depth_px, &support, &wanted.n_support));
        wanted.support = support;
    }
    SEI_TRY(sei_reconstruct(device, &one, 0, &wanted, volume, report));
    const size_t last = report->history.n_rows - 1;
    sei_info("%s: %lld x %lld x %lld voxels of %g nm, residual %.4g per pixel after %lld iterations", volume->name,
             (long long)volume->nx, (long long)volume->ny, (long long)volume->nz, volume->voxel_nm,
             sei_table_get(&report->history, last, "residual"), (long long)report->n_iterations);
done:
    sei_series_free(&one);
    sei_free(background);
    sei_free(support);
    return status;
}

/* Seconds one slice of one iteration takes here: sixteen slices of the real geometry, forward and back. */
static sei_status time_slice(sei_device *device, const sei_series *one, const sei_recon_options *wanted, double *seconds) {
    sei_status status = SEI_OK;
    sei_series few = {0};
    sei_volume volume = {0};
    sei_recon_options short_run = *wanted;
    struct timespec before, after;
    const int64_t ny = one->ny < 16 ? one->ny : 16;
    short_run.iterations = 1;
    short_run.slab_slices = 0;
    SEI_TRY(sei_series_alloc(one->nx, ny, one->n_tilts, 1, &few));
    for (int64_t t = 0; t < few.n_tilts; ++t) few.tilts[t] = one->tilts[t];
    clock_gettime(CLOCK_MONOTONIC, &before);
    SEI_TRY(sei_reconstruct(device, &few, 0, &short_run, &volume, NULL));
    clock_gettime(CLOCK_MONOTONIC, &after);
    *seconds = ((double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec)) / (double)ny;
done:
    sei_series_free(&few);
    sei_volume_free(&volume);
    return status;
}

sei_status sei_cli_reconstruct_share_memory(sei_cli_reconstruct *o, sei_device *device, const sei_series *series) {
    const double images = 4.0 * (double)series->nx * (double)series->ny * (double)series->n_tilts;
    double volumes = 0, held = 0, slice = 0;
    if (o->common.memory_bytes == 0) return SEI_OK;
    for (size_t c = 0; c < series->n_channels; ++c) {
        const int common = common_bin(o, series), bin = bin_of(o, series->channels[c].name);
        sei_series one = *series; /* its frame alone */
        sei_recon_options wanted = o->recon;
        sei_recon_plan plan;
        one.nx = series->nx / common * common / bin;
        one.ny = series->ny / common * common / bin;
        wanted.depth_px = depth_of(o, series, &one, bin);
        wanted.slab_slices = 1;
        const sei_status status = sei_reconstruct_plan(device, &one, 1, &wanted, &plan);
        if (status != SEI_OK) return status;
        const double volume = 4.0 * (double)one.nx * (double)one.ny * (double)wanted.depth_px;
        /* cut and binned copies of the channel's images */
        held = fmax(held, volumes + images + images / ((double)bin * bin) + volume);
        slice = fmax(slice, (double)plan.least - volume);
        volumes += volume;
    }
    held += images * (double)series->n_channels;
    const sei_status status = sei_cli_check_memory(&o->common, held + slice);
    if (status == SEI_OK) o->recon.memory_bytes = o->common.memory_bytes - (size_t)held;
    return status;
}

sei_status sei_cli_reconstruct_plan(const sei_cli_reconstruct *o, sei_device *device, const sei_series *series) {
    sei_status status = SEI_OK;
    sei_series one = {0};
    double seconds = 0, disk = 0, most = 0;
    size_t kept = 0;
    for (size_t c = 0; c < series->n_channels; ++c) {
        sei_recon_options wanted = o->recon;
        sei_recon_plan plan;
        double per_slice = 0;
        SEI_TRY(take_channel(o, series, c, &one));
        wanted.depth_px = depth_of(o, series, &one, bin_of(o, series->channels[c].name));
        const double volume_bytes = 4.0 * (double)one.nx * (double)one.ny * (double)wanted.depth_px;
        SEI_TRY(sei_reconstruct_plan(device, &one, 1, &wanted, &plan));
        SEI_TRY(time_slice(device, &one, &wanted, &per_slice));
        /* a run of one iteration costs about two iterations: sums of columns, start, and the result's sums */
        seconds += per_slice * (double)one.ny * (wanted.method == SEI_METHOD_WBP ? 1 : 0.5 * (sei_recon_iterations(&wanted) + 1));
        disk += volume_bytes;
        most = fmax(most, (double)kept + (double)plan.bytes);
        kept += (size_t)volume_bytes;
        sei_series_free(&one);
    }
    double input = 0;
    for (size_t c = 0; c < series->n_channels; ++c)
        input += 4.0 * (double)series->nx * (double)series->ny * (double)series->n_tilts;
    sei_info("plan: memory %.2f GiB, disk %.2f GiB, time about %.0f s; nothing was written", (most + input) / 1073741824.0,
             disk / 1073741824.0, seconds);
    json_t *plan = json_object();
    json_object_set_new(plan, "memory", sei_cli_number(most + input, "B", NAN));
    json_object_set_new(plan, "disk", sei_cli_number(disk, "B", NAN));
    json_object_set_new(plan, "time", sei_cli_number(seconds, "s", NAN));
    SEI_TRY(sei_cli_print_json(&o->common, json_pack("{s:s, s:o}", "backend", device->backend->name, "plan", plan)));
done:
    sei_series_free(&one);
    return status;
}

sei_status sei_cli_reconstruct_provenance(const sei_cli_reconstruct *o, const sei_device *device, sei_provenance *out) {
    sei_status status = SEI_OK;
    const sei_recon_options *r = &o->recon;
    snprintf(out->stage, sizeof out->stage, "reconstruct");
    sei_device_record(device, out->backend);
    SEI_TRY(sei_provenance_set(out, "method", "%s", sei_method_name(r->method)));
    SEI_TRY(sei_provenance_set(out, "projector", "%s", sei_kernel_name(r->kernel)));
    if (r->method != SEI_METHOD_WBP) SEI_TRY(sei_provenance_set(out, "iterations", "%d", sei_recon_iterations(r)));
    if (r->method == SEI_METHOD_SIRT || r->method == SEI_METHOD_SIRT_POSITIVE)
        SEI_TRY(sei_provenance_set(out, "relaxation", "%.17g", r->relaxation));
    if (r->method == SEI_METHOD_WBP) SEI_TRY(sei_provenance_set(out, "filter", "%s, cut-off %.17g", r->filter, r->filter_cutoff));
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
    const char *more[] = {o->support, o->background != NULL && !isfinite(value) ? o->background : NULL};
    for (size_t i = 0; i < sizeof more / sizeof more[0]; ++i) {
        if (more[i] != NULL) SEI_TRY(sei_io_provenance_add_input(out, more[i]));
    }
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
done:
    return status;
}

/* All histories in one table with a first column that counts the channels. */
static sei_status write_history(const sei_cli_reconstruct *o, size_t n, const sei_recon_report *reports) {
    static const char *const columns[] = {"channel", "iteration", "log_likelihood", "counted", "residual", "flux"};
    sei_status status = SEI_OK;
    sei_table table = {0};
    size_t rows = 0;
    for (size_t c = 0; c < n; ++c) rows += reports[c].history.n_rows;
    SEI_TRY(sei_table_alloc("history", 6, columns, rows, &table));
    double *cell = table.cells;
    for (size_t c = 0; c < n; ++c) {
        for (size_t r = 0; r < reports[c].history.n_rows; ++r) {
            *cell++ = (double)c;
            for (size_t k = 0; k < 5; ++k) *cell++ = reports[c].history.cells[r * 5 + k];
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
