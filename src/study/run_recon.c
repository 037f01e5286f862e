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

/* The channel that a support is found from; NULL: the support is a file, or there is none. */
static const char *support_channel(const sei_recipe_recon *entry) {
    if (strcmp(entry->support, "auto") == 0) return "HAADF";
    return strncmp(entry->support, "auto:", 5) == 0 ? entry->support + 5 : NULL;
}

/* The file that a channel starts from: "PATH" or "NAME=PATH", relative to the recipe's folder. NULL: none. */
static sei_status start_path(const sei_run_state *run, const sei_recipe_recon *entry, size_t c, char **out) {
    const size_t length = strlen(run->channels[c]);
    *out = NULL;
    for (unsigned i = 0; i < entry->n_start; ++i) {
        const char *word = entry->start[i], *equals = strchr(word, '='), *slash = strchr(word, '/');
        const bool named = equals != NULL && (slash == NULL || equals < slash);
        if (named && ((size_t)(equals - word) != length || strncasecmp(word, run->channels[c], length) != 0)) continue;
        return sei_path_join(run->base_folder, named ? equals + 1 : word, out);
    }
    return SEI_OK;
}

sei_status sei_run_recon_files(sei_run_state *run, unsigned e, size_t c, sei_text *stamp) {
    const sei_recipe_recon *entry = &run->recipe->reconstruct[e];
    sei_status status = SEI_OK;
    char *paths[2] = {NULL, NULL};
    if (entry->support[0] != 0 && support_channel(entry) == NULL)
        SEI_TRY(sei_path_join(run->base_folder, entry->support, &paths[0]));
    SEI_TRY(start_path(run, entry, c, &paths[1]));
    for (int i = 0; i < 2; ++i) {
        if (paths[i] == NULL) continue;
        SEI_TRY(sei_io_provenance_add_input(&run->provenance, paths[i]));
        SEI_TRY(sei_text_add(stamp, "%s\n", run->provenance.inputs[run->provenance.n_inputs - 1].sha256));
    }
done:
    sei_free(paths[0]);
    sei_free(paths[1]);
    return status;
}

/* A channel of the aligned series as the entry wants it: cut, binned, with room beside it. */
static sei_status prepare(sei_run_state *run, unsigned e, size_t c, int bin, sei_series *out, int64_t *depth, int64_t *pad) {
    const sei_recipe_recon *entry = &run->recipe->reconstruct[e];
    const int common = common_bin(run, e);
    sei_series trimmed = {0};
    sei_series binned = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_series_trim(&run->aligned, c, common, &trimmed));
    *depth = depth_of(entry, trimmed.nx, trimmed.pixel_nm, common) / bin;
    SEI_TRY(sei_clean_bin(&trimmed, bin, &binned));
    sei_series_free(&trimmed);
    *pad = (entry->pad_px + bin - 1) / bin;
    SEI_TRY(sei_series_pad(&binned, *pad, out));
done:
    sei_series_free(&binned);
    sei_series_free(&trimmed);
    return status;
}

/* The support that another channel shows on this one's grid. */
static sei_status find_support(sei_run_state *run, unsigned e, size_t c, const sei_recon_options *options, uint8_t *support) {
    const char *name = support_channel(&run->recipe->reconstruct[e]);
    sei_recon_options o = *options;
    sei_series seen = {0};
    double background = 0;
    int64_t depth = 0, pad = 0;
    sei_status status = SEI_OK;
    const sei_channel *channel = sei_series_find(&run->aligned, name);
    if (channel == NULL)
        return sei_fail(SEI_ERR_INPUT, "reconstruct.%u.support: the series has no channel '%s'; name one: auto:NAME", e, name);
    const int bin = sei_run_bin(run, e, c);
    SEI_TRY(prepare(run, e, (size_t)(channel - run->aligned.channels), bin, &seen, &depth, &pad));
    o.background = NULL;
    o.n_background = 0;
    set_background(&run->recipe->reconstruct[e], &seen.channels[0], bin, &background, &o);
    SEI_TRY(sei_recon_find_support(run->device, &seen, 0, &o, support));
done:
    sei_series_free(&seen);
    return status;
}

/* The support of an entry on the channel's grid, if it wants one. */
static sei_status make_support(sei_run_state *run, unsigned e, size_t c, const sei_series *series, sei_recon_options *options,
                               uint8_t **out) {
    const sei_recipe_recon *entry = &run->recipe->reconstruct[e];
    const int64_t area = options->depth_px * series->nx;
    uint8_t *support = NULL;
    sei_volume volume = {0};
    char *path = NULL;
    sei_status status = SEI_OK;
    if (entry->support[0] == 0) return SEI_OK;
    if (support_channel(entry) != NULL) {
        SEI_TRY(SEI_NEW(support, area, 1, 1));
        SEI_TRY(find_support(run, e, c, options, support));
        options->n_support = area;
    } else {
        SEI_TRY(sei_path_join(run->base_folder, entry->support, &path));
        SEI_TRY(sei_io_read_volume(path, &volume));
        if (volume.nx != series->nx || volume.nz != options->depth_px || (volume.ny != series->ny && volume.ny != 1)) {
            status = sei_fail(SEI_ERR_INPUT,
                              "reconstruct.%u.support: %s holds %lld x %lld x %lld voxels; expected %lld x %lld (or 1) x %lld", e,
                              entry->support, (long long)volume.nx, (long long)volume.ny, (long long)volume.nz,
                              (long long)series->nx, (long long)series->ny, (long long)options->depth_px);
            goto done;
        }
        options->n_support = area * volume.ny;
        SEI_TRY(SEI_NEW(support, options->n_support, 1, 1));
        for (int64_t i = 0; i < options->n_support; ++i) support[i] = volume.data[i] != 0;
    }
    options->support = *out = support;
    support = NULL;
done:
    sei_free(path);
    sei_free(support);
    sei_volume_free(&volume);
    return status;
}

/* Of the run's memory what lies there already leaves; 0: no limit is set. */
static size_t left_of_memory(const sei_run_state *run, const sei_series *series) {
    const sei_series *all = &run->aligned;
    const double held = 4.0 * ((double)all->nx * (double)all->ny * (double)all->n_tilts * (double)all->n_channels +
                               2.0 * (double)series->nx * (double)series->ny * (double)series->n_tilts);
    const double left = (double)run->options->memory_bytes - held;
    return run->options->memory_bytes == 0 ? 0 : left > 1 ? (size_t)left : 1;
}

sei_status sei_stage_reconstruct(sei_run_state *run, sei_stage *stage) {
    const sei_recipe_recon *entry = &run->recipe->reconstruct[stage->entry];
    const size_t c = stage->channel;
    const int bin = sei_run_bin(run, stage->entry, c);
    int64_t pad = 0;
    uint8_t *support = NULL;
    sei_volume start = {0};
    char *start_file = NULL;
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
    sei_recon_options_default(&options);
    SEI_TRY(prepare(run, stage->entry, c, bin, &padded, &options.depth_px, &pad));
    options.method = entry->method;
    options.iterations = entry->iterations;
    options.kernel = entry->kernel;
    options.relaxation = entry->relaxation;
    options.filter = entry->filter;
    options.filter_cutoff = entry->filter_cutoff;
    options.subsets = entry->subsets;
    options.stop = entry->stop;
    options.seed = (uint64_t)entry->seed;
    options.every_sweep = true; /* for the table and the plot */
    options.memory_bytes = left_of_memory(run, &padded);
    set_background(entry, &padded.channels[0], bin, &background, &options);
    SEI_TRY(make_support(run, stage->entry, c, &padded, &options, &support));
    SEI_TRY(start_path(run, entry, c, &start_file));
    if (start_file != NULL) {
        SEI_TRY(sei_io_read_volume(start_file, &start));
        options.start = &start;
    }
    sei_info("reconstruct %s of %s: %lld x %lld x %lld voxels of %.4g nm", sei_method_name(entry->method), run->channels[c],
             (long long)(padded.nx - 2 * pad), (long long)padded.ny, (long long)options.depth_px, padded.pixel_nm);
    SEI_TRY(sei_reconstruct(run->device, &padded, 0, &options, &volume, &report));
    SEI_TRY(sei_volume_cut_sides(&volume, pad));
    SEI_TRY(summary(&report, &padded, &numbers));
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
    sei_volume_free(&start);
    sei_series_free(&padded);
    sei_free(start_file);
    sei_free(support);
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
