/* Reconstruction of one channel by one entry of the recipe. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "study/record.h"
#include "study/run.h"
#include "study/series_edit.h"

bool sei_run_takes(const sei_run_state *run, unsigned e, size_t c) {
    const sei_recipe_recon *entry = &run->recipe->reconstruct[e];
    if (entry->n_channels == 0) return true;
    for (unsigned i = 0; i < entry->n_channels; ++i) {
        if (strcasecmp(entry->channels[i], run->channels[c]) == 0) return true;
    }
    return false;
}

void sei_run_volume_name(const sei_run_state *run, unsigned e, size_t c, char name[SEI_RUN_NAME]) {
    snprintf(name, SEI_RUN_NAME, "volumes/%s/%s.mrc", run->recipe->reconstruct[e].name, run->file_names[c]);
}

int sei_run_bin(const sei_run_state *run, unsigned e, size_t c) {
    const sei_recipe_recon *entry = &run->recipe->reconstruct[e];
    return (int)sei_recipe_pair(entry->bin_channels, entry->n_bin_channels, run->channels[c], entry->bin);
}

/* The images of all channels of an entry are cut to one size that every binning divides, so that the grids share a centre. */
static int common_bin(const sei_run_state *run, unsigned e) {
    int64_t common = 1;
    for (size_t c = 0; c < run->n_channels; ++c) {
        if (sei_run_takes(run, e, c)) common = sei_common_bin(common, sei_run_bin(run, e, c));
    }
    return (int)common;
}

/* Slices in depth for unbinned pixels, a multiple of the common binning. */
static int64_t depth_of(const sei_recipe_recon *entry, int64_t nx, double pixel_nm, int common) {
    double depth = entry->depth_px > 0 ? (double)entry->depth_px : (double)nx;
    if (!isnan(entry->depth_nm)) depth = entry->depth_nm / pixel_nm;
    const double steps = ceil(depth / common - 1e-9);
    return (int64_t)(steps < 1 ? 1 : steps) * common;
}

/* The recipe's background is per unbinned pixel; n x n summed pixels hold n^2 times as much. */
static void set_background(const sei_recipe_recon *entry, const sei_channel *channel, int bin, double *background,
                           sei_recon_options *options) {
    *background = sei_recipe_pair(entry->background, entry->n_background, channel->name, 0);
    if (!(*background > 0)) return;
    if (strcmp(channel->unit, "counts") == 0) *background *= (double)bin * bin;
    options->background = background;
    options->n_background = 1;
}

/* A fresh name for each channel: what the reconstruction says of itself. */
static sei_status summary(const sei_recon_report *report, const sei_series *binned, sei_numbers *numbers) {
    sei_status status = SEI_OK;
    const sei_table *h = &report->history;
    SEI_TRY(sei_numbers_set(numbers, "iterations", (double)report->n_iterations, "", NAN));
    if (h->n_rows > 0) {
        SEI_TRY(sei_numbers_set(numbers, "residual", sei_table_get(h, h->n_rows - 1, "residual"), binned->channels[0].unit, NAN));
        SEI_TRY(sei_numbers_set(numbers, "log_likelihood", sei_table_get(h, h->n_rows - 1, "log_likelihood"), "", NAN));
    }
    SEI_TRY(sei_numbers_set(numbers, "elongation_theory", report->elongation_theory, "", NAN));
    SEI_TRY(sei_numbers_set(numbers, "negative_counts", (double)report->negative_counts, "pixels", NAN));
    SEI_TRY(sei_numbers_set(numbers, "voxel", binned->pixel_nm, "nm", NAN));
done:
    return status;
}

sei_status sei_stage_reconstruct(sei_run_state *run, sei_stage *stage) {
    const sei_recipe_recon *entry = &run->recipe->reconstruct[stage->entry];
    const size_t c = stage->channel;
    const int bin = sei_run_bin(run, stage->entry, c);
    const int common = common_bin(run, stage->entry);
    sei_series trimmed = {0};
    sei_series binned = {0};
    sei_series padded = {0};
    sei_volume volume = {0};
    sei_recon_report report = {0};
    sei_numbers numbers = {0};
    sei_recon_options options;
    double background = 0;
    char name[SEI_RUN_NAME];
    char *path = NULL;
    char *table_path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_run_aligned(run));
    SEI_TRY(sei_series_trim(&run->aligned, c, common, &trimmed));
    const int64_t depth = depth_of(entry, trimmed.nx, trimmed.pixel_nm, common);
    SEI_TRY(sei_clean_bin(&trimmed, bin, &binned));
    sei_series_free(&trimmed);
    const int64_t pad = (entry->pad_px + bin - 1) / bin;
    SEI_TRY(sei_series_pad(&binned, pad, &padded));
    sei_recon_options_default(&options);
    options.method = entry->method;
    options.iterations = entry->iterations;
    options.kernel = entry->kernel;
    options.depth_px = depth / bin;
    options.relaxation = entry->relaxation;
    options.filter = entry->filter;
    options.filter_cutoff = entry->filter_cutoff;
    options.memory_bytes = run->options->memory_bytes / 2;
    set_background(entry, &binned.channels[0], bin, &background, &options);
    sei_info("reconstruct %s of %s: %lld x %lld x %lld voxels of %.4g nm", sei_method_name(entry->method), run->channels[c],
             (long long)binned.nx, (long long)binned.ny, (long long)options.depth_px, binned.pixel_nm);
    SEI_TRY(sei_reconstruct(run->device, &padded, 0, &options, &volume, &report));
    SEI_TRY(sei_volume_cut_sides(&volume, pad));
    SEI_TRY(summary(&report, &binned, &numbers));
    stage->numbers = sei_json_numbers(&numbers);
    snprintf(volume.name, sizeof volume.name, "%s", run->channels[c]);
    SEI_TRY(sei_run_provenance(run, stage, json_array_get(json_object_get(run->resolved, "reconstruct"), stage->entry), true));
    sei_run_volume_name(run, stage->entry, c, name);
    SEI_TRY(sei_run_path(run, stage, name, &path));
    SEI_TRY(sei_io_write_volumes(path, 1, &volume, &run->provenance, true));
    if (report.history.n_rows > 0) {
        snprintf(name, sizeof name, "tables/history_%s_%s.csv", entry->name, run->file_names[c]);
        SEI_TRY(sei_run_path(run, stage, name, &table_path));
        SEI_TRY(sei_io_write_table(table_path, &report.history, true));
    }
done:
    sei_free(path);
    sei_free(table_path);
    sei_numbers_free(&numbers);
    sei_recon_report_free(&report);
    sei_volume_free(&volume);
    sei_series_free(&padded);
    sei_series_free(&binned);
    sei_series_free(&trimmed);
    return status;
}

sei_status sei_run_read_volume(sei_run_state *run, unsigned e, size_t c, sei_volume *out) {
    char name[SEI_RUN_NAME];
    char *path = NULL;
    sei_run_volume_name(run, e, c, name);
    sei_status status = sei_run_read_path(run, name, &path);
    if (status != SEI_OK) return status;
    status = sei_io_read_volume(path, out);
    if (status == SEI_OK) snprintf(out->name, sizeof out->name, "%s", run->channels[c]);
    sei_free(path);
    return status;
}
