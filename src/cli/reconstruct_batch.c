/* The work behind the verb reconstruct: channels of one binning go through the solver together. */
#include <math.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "cli/reconstruct.h"
#include "core/alloc.h"
#include "core/log.h"
#include "core/text.h"
#include "seitomo/clean.h"
#include "study/series_edit.h"

static int bin_of(const sei_cli_reconstruct *o, const char *channel) {
    for (size_t i = 0; i < o->n_bins; ++i) {
        if (strcasecmp(o->bins[i].channel, channel) == 0) return o->bins[i].bin;
    }
    return o->bin;
}

/* The images of all channels are cut to one size that every binning divides, so that their volumes share a centre. */
static int common_bin(const sei_cli_reconstruct *o, const sei_series *series) {
    int64_t common = 1;
    for (size_t c = 0; c < series->n_channels; ++c) common = sei_common_bin(common, bin_of(o, series->channels[c].name));
    return (int)common;
}

/* Depth in voxels of the binned series: a multiple of the common binning, so that the volumes share a centre in z, too. */
static int64_t depth_of(const sei_cli_reconstruct *o, const sei_series *series, int64_t binned_nx, int bin) {
    if (o->depth <= 0) return binned_nx;
    const int common = common_bin(o, series);
    const double steps = (o->depth_is_nm ? o->depth / series->pixel_nm : o->depth) / common;
    const int64_t whole = steps < 1 ? 1 : steps > 1e9 ? (int64_t)1e9 : (int64_t)floor(steps + 0.5);
    return whole * (common / bin);
}

/* The channels of one binning. */
typedef struct group {
    int bin;
    size_t n;
    size_t channels[SEI_CLI_MAX_BINS * 4]; /* of the series */
    sei_series binned;                     /* of these channels; empty where the series itself will do */
    const sei_series *series;              /* that, or the series itself */
    sei_recon_options options;
    sei_recon_channel *tasks; /* [n] */
    double *background;       /* [n][1 or n_tilts] */
    uint8_t *support;
    sei_volume *starts; /* [n] */
} group;

static void group_free(group *g) {
    for (size_t i = 0; g->starts != NULL && i < g->n; ++i) sei_volume_free(&g->starts[i]);
    sei_free(g->starts);
    sei_free(g->tasks);
    sei_free(g->background);
    sei_free(g->support);
    sei_series_free(&g->binned);
    *g = (group){0};
}

/* The next group: the channels binned as the first that is not `done`, which they then are. False: there is none. */
static bool next_group(const sei_cli_reconstruct *o, const sei_series *series, bool *done, group *g) {
    *g = (group){0};
    for (size_t c = 0; c < series->n_channels; ++c) {
        const int bin = bin_of(o, series->channels[c].name);
        if (done[c] || (g->n > 0 && bin != g->bin) || g->n == sizeof g->channels / sizeof g->channels[0]) continue;
        g->bin = bin;
        g->channels[g->n++] = c;
        done[c] = true;
    }
    return g->n > 0;
}

/* Size of the group's images and of its depth, before they are made. */
static sei_series frame_of(const sei_cli_reconstruct *o, const sei_series *series, group *g) {
    const int common = common_bin(o, series);
    sei_series frame = *series; /* its geometry alone */
    frame.nx = series->nx / common * common / g->bin;
    frame.ny = series->ny / common * common / g->bin;
    frame.axis_offset_px = 0;
    g->options = o->recon;
    g->options.depth_px = depth_of(o, series, frame.nx, g->bin);
    g->options.n_background = o->background != NULL ? 1 : 0;
    return frame;
}

/* Bytes of the copies of the channels that are binned or cut. */
static double copies_of(const sei_cli_reconstruct *o, const sei_series *series, const group *g) {
    const double images = 4.0 * (double)series->nx * (double)series->ny * (double)series->n_tilts;
    if (common_bin(o, series) == 1) return 0;
    return images + images * (double)g->n / ((double)g->bin * g->bin);
}

/* The images of the group, binned. */
static sei_status take_channels(const sei_cli_reconstruct *o, const sei_series *series, group *g) {
    sei_status status = SEI_OK;
    const int common = common_bin(o, series);
    sei_series trimmed = {0}, one = {0};
    g->series = series;
    for (size_t i = 0; common > 1 && i < g->n; ++i) {
        SEI_TRY(sei_series_trim(series, g->channels[i], common, &trimmed));
        SEI_TRY(sei_clean_bin(&trimmed, g->bin, &one));
        sei_series_free(&trimmed);
        if (i > 0) SEI_TRY(sei_series_join(&g->binned, &one));
        if (i == 0) g->binned = one;
        one = (sei_series){0};
        g->series = &g->binned;
    }
    SEI_TRY(SEI_NEW(g->tasks, (int64_t)g->n, 1, 1));
    for (size_t i = 0; i < g->n; ++i) g->tasks[i].channel = common > 1 ? i : g->channels[i];
    g->options = o->recon;
    g->options.depth_px = depth_of(o, series, g->series->nx, g->bin);
done:
    sei_series_free(&trimmed);
    sei_series_free(&one);
    return status;
}

/* The background per pixel of the series, from a number or a table. */
static sei_status read_background(const char *text, int64_t n_tilts, double **out, int64_t *n) {
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
        values[t] = is_number ? value : sei_table_get(&table, (size_t)t, "background");
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

/* The same per pixel of the group: binning adds up counts and averages everything else. */
static sei_status set_background(const sei_cli_reconstruct *o, group *g) {
    sei_status status = SEI_OK;
    double *values = NULL;
    int64_t n = 0;
    if (o->background == NULL) return SEI_OK;
    SEI_TRY(read_background(o->background, g->series->n_tilts, &values, &n));
    SEI_TRY(SEI_NEW(g->background, (int64_t)g->n, n, 1));
    for (size_t i = 0; i < g->n; ++i) {
        const bool counts = strcmp(g->series->channels[g->tasks[i].channel].unit, "counts") == 0;
        double *own = g->background + i * (size_t)n;
        for (int64_t t = 0; t < n; ++t) own[t] = values[t] * (counts ? (double)g->bin * g->bin : 1);
        g->tasks[i].background = own;
        g->tasks[i].n_background = n;
    }
    g->options.background = g->background; /* of the first, for what looks at one channel alone */
    g->options.n_background = n;
done:
    sei_free(values);
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

/* The support that a channel of the whole series shows, on the group's grid. */
static sei_status find_support(const sei_cli_reconstruct *o, sei_device *device, const sei_series *series, group *g) {
    sei_status status = SEI_OK;
    group seen = {.bin = g->bin, .n = 1};
    const sei_channel *channel = sei_series_find(series, o->support_from);
    if (channel == NULL) {
        return sei_fail(SEI_ERR_USAGE,
                        "--support %s: there is no channel '%s' in the series; name one that shows the whole specimen, as in "
                        "auto:NAME",
                        o->support, o->support_from);
    }
    seen.channels[0] = (size_t)(channel - series->channels);
    SEI_TRY(take_channels(o, series, &seen));
    SEI_TRY(set_background(o, &seen));
    const int64_t area = seen.options.depth_px * seen.series->nx;
    double inside = 0;
    SEI_TRY(SEI_NEW(g->support, area, 1, 1));
    SEI_TRY(sei_recon_find_support(device, seen.series, seen.tasks[0].channel, &seen.options, g->support));
    for (int64_t i = 0; i < area; ++i) inside += g->support[i];
    sei_info("support: %.0f %% of the area, from %s", 100 * inside / (double)area, channel->name);
    g->options.n_support = area;
done:
    group_free(&seen);
    return status;
}

/* A start for the channels it is named for, or for every one. */
static sei_status read_starts(const sei_cli_reconstruct *o, group *g) {
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(g->starts, (int64_t)g->n, 1, 1));
    for (size_t i = 0; i < g->n; ++i) {
        const char *name = g->series->channels[g->tasks[i].channel].name;
        for (size_t k = 0; k < o->n_starts && g->tasks[i].start == NULL; ++k) {
            if (o->starts[k].channel[0] != 0 && strcasecmp(o->starts[k].channel, name) != 0) continue;
            status = sei_io_read_volume(o->starts[k].path, &g->starts[i]);
            if (status != SEI_OK) return status;
            g->tasks[i].start = &g->starts[i];
        }
    }
done:
    return status;
}

/* Everything that the options name, read or found. */
static sei_status prepare(const sei_cli_reconstruct *o, sei_device *device, const sei_series *series, group *g) {
    sei_status status = SEI_OK;
    SEI_TRY(take_channels(o, series, g));
    SEI_TRY(set_background(o, g));
    if (o->support_from != NULL) SEI_TRY(find_support(o, device, series, g));
    if (o->support != NULL && o->support_from == NULL)
        SEI_TRY(read_support(o->support, g->series, g->options.depth_px, &g->support, &g->options.n_support));
    g->options.support = g->support;
    SEI_TRY(read_starts(o, g));
done:
    return status;
}

sei_status sei_cli_reconstruct_all(const sei_cli_reconstruct *o, sei_device *device, const sei_series *series,
                                   sei_volume *volumes, sei_recon_report *reports) {
    sei_status status = SEI_OK;
    bool *done = NULL;
    group g = {0};
    sei_volume *made = NULL;
    sei_recon_report *told = NULL;
    double kept = 0;
    const double images = 4.0 * (double)series->nx * (double)series->ny * (double)series->n_tilts * (double)series->n_channels;
    SEI_TRY(SEI_NEW(done, (int64_t)series->n_channels, 1, 1));
    SEI_TRY(SEI_NEW(made, (int64_t)series->n_channels, 1, 1));
    SEI_TRY(SEI_NEW(told, (int64_t)series->n_channels, 1, 1));
    while (next_group(o, series, done, &g)) {
        SEI_TRY(prepare(o, device, series, &g));
        if (o->common.memory_bytes > 0)
            g.options.memory_bytes = o->common.memory_bytes - (size_t)(images + copies_of(o, series, &g) + kept);
        SEI_TRY(sei_reconstruct_channels(device, g.series, g.n, g.tasks, &g.options, made, told));
        for (size_t i = 0; i < g.n; ++i) {
            const sei_volume *v = &made[i];
            kept += 4.0 * (double)v->nx * (double)v->ny * (double)v->nz;
            sei_info("%s: %lld x %lld x %lld voxels of %g nm, residual %.4g per pixel after %lld iterations", v->name,
                     (long long)v->nx, (long long)v->ny, (long long)v->nz, v->voxel_nm,
                     sei_table_get(&told[i].history, told[i].history.n_rows - 1, "residual"), (long long)told[i].n_iterations);
            volumes[g.channels[i]] = made[i];
            reports[g.channels[i]] = told[i];
        }
        group_free(&g);
    }
done:
    group_free(&g);
    sei_free(done);
    sei_free(made);
    sei_free(told);
    return status;
}

/* Seconds of a run of some iterations of some slices of the real geometry. */
static sei_status time_run(sei_device *device, const sei_series *few, const sei_recon_options *wanted, int iterations,
                           double *seconds) {
    sei_volume volume = {0};
    sei_recon_options o = *wanted;
    struct timespec before, after;
    o.iterations = iterations;
    o.stop = SEI_STOP_ITERATIONS;
    o.memory_bytes = 0;
    clock_gettime(CLOCK_MONOTONIC, &before);
    const sei_status status = sei_reconstruct(device, few, 0, &o, &volume, NULL);
    clock_gettime(CLOCK_MONOTONIC, &after);
    *seconds = (double)(after.tv_sec - before.tv_sec) + 1e-9 * (double)(after.tv_nsec - before.tv_nsec);
    sei_volume_free(&volume);
    return status;
}

/* Seconds that `slices` slices take here, from runs of one and of two iterations of at most 64 of them. */
static sei_status time_slices(sei_device *device, const sei_series *frame, const sei_recon_options *wanted, double slices,
                              double *seconds) {
    sei_status status = SEI_OK;
    sei_series few = {0};
    double one = 0, two = 0;
    const int64_t ny = frame->ny < 64 ? frame->ny : 64;
    sei_recon_options plain = *wanted;
    const int iterations = sei_recon_iterations(wanted);
    plain.n_background = 0;
    plain.slab_slices = 0;
    SEI_TRY(sei_series_alloc(frame->nx, ny, frame->n_tilts, 1, &few));
    for (int64_t t = 0; t < few.n_tilts; ++t) few.tilts[t] = frame->tilts[t];
    few.pixel_nm = frame->pixel_nm;
    SEI_TRY(time_run(device, &few, &plain, 1, &one));
    if (iterations > 1) SEI_TRY(time_run(device, &few, &plain, 2, &two));
    const double step = iterations > 1 ? fmax(two - one, 0.25 * one) : 0;
    *seconds = (one + (iterations - 1) * step) * slices / (double)ny;
    if (wanted->stop == SEI_STOP_HELD_OUT) *seconds += 1.5 * iterations * step; /* a trial of 64 slices */
done:
    sei_series_free(&few);
    return status;
}

sei_status sei_cli_reconstruct_plan(const sei_cli_reconstruct *o, sei_device *device, const sei_series *series) {
    sei_status status = SEI_OK;
    bool *done = NULL;
    group g = {0};
    double seconds = 0, disk = 0, most = 0, least = 0,
           kept = 4.0 * (double)series->nx * (double)series->ny * (double)series->n_tilts * (double)series->n_channels;
    int64_t slabs = 0;
    int width = 0;
    SEI_TRY(SEI_NEW(done, (int64_t)series->n_channels, 1, 1));
    while (next_group(o, series, done, &g)) {
        const sei_series frame = frame_of(o, series, &g);
        sei_recon_plan plan;
        double of_group = 0;
        const double volumes = 4.0 * (double)g.n * (double)frame.nx * (double)frame.ny * (double)g.options.depth_px;
        const double held = kept + copies_of(o, series, &g);
        if (o->common.memory_bytes > 0) g.options.memory_bytes = o->common.memory_bytes - (size_t)held;
        SEI_TRY(sei_reconstruct_plan(device, &frame, g.n, &g.options, &plan));
        SEI_TRY(time_slices(device, &frame, &g.options, (double)g.n * (double)frame.ny, &of_group));
        seconds += of_group;
        disk += volumes;
        most = fmax(most, held + (double)plan.bytes);
        least = fmax(least, held + (double)plan.least);
        slabs += plan.slabs;
        width = plan.slab_slices > width ? plan.slab_slices : width;
        kept += volumes;
    }
    sei_info(
        "plan: memory %.2f GiB (at least %.2f), %lld slabs of up to %d slices, disk %.2f GiB, time about %.0f s; nothing was "
        "written",
        most / 1073741824.0, least / 1073741824.0, (long long)slabs, width, disk / 1073741824.0, seconds);
    json_t *plan = json_object();
    json_object_set_new(plan, "memory", sei_cli_number(most, "B", NAN));
    json_object_set_new(plan, "least_memory", sei_cli_number(least, "B", NAN));
    json_object_set_new(plan, "disk", sei_cli_number(disk, "B", NAN));
    json_object_set_new(plan, "time", sei_cli_number(seconds, "s", NAN));
    json_object_set_new(plan, "slabs", json_integer(slabs));
    json_object_set_new(plan, "slab_slices", json_integer(width));
    SEI_TRY(sei_cli_print_json(&o->common, json_pack("{s:s, s:o}", "backend", device->backend->name, "plan", plan)));
done:
    sei_free(done);
    return status;
}

sei_status sei_cli_reconstruct_check_memory(const sei_cli_reconstruct *o, sei_device *device, const sei_series *series) {
    sei_status status = SEI_OK;
    bool *done = NULL;
    group g = {0};
    double needed = 0,
           kept = 4.0 * (double)series->nx * (double)series->ny * (double)series->n_tilts * (double)series->n_channels;
    if (o->common.memory_bytes == 0) return SEI_OK;
    SEI_TRY(SEI_NEW(done, (int64_t)series->n_channels, 1, 1));
    while (next_group(o, series, done, &g)) {
        const sei_series frame = frame_of(o, series, &g);
        sei_recon_plan plan;
        g.options.slab_slices = 1; /* what it comes to is no matter here */
        SEI_TRY(sei_reconstruct_plan(device, &frame, g.n, &g.options, &plan));
        needed = fmax(needed, kept + copies_of(o, series, &g) + (double)plan.least);
        kept += 4.0 * (double)g.n * (double)frame.nx * (double)frame.ny * (double)g.options.depth_px;
    }
    SEI_TRY(sei_cli_check_memory(&o->common, needed));
done:
    sei_free(done);
    return status;
}
