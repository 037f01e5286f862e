/* What is asked for: channels of a series in, volumes and reports out. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "recon/solver.h"

sei_status sei_reconstruct_plan(sei_device *device, const sei_series *series, size_t n, const sei_recon_options *o,
                                sei_recon_plan *out) {
    sei_needs needs;
    int width = 0;
    const int64_t n_slices = (int64_t)n * series->ny;
    sei_status status = sei_recon_check_geometry(series);
    if (status != SEI_OK) return status;
    sei_recon_needs(device, series, n, o, &needs);
    status = sei_recon_width(device, &needs, n_slices, o, &width);
    if (status != SEI_OK) return status;
    *out = (sei_recon_plan){.bytes = sei_recon_bytes(&needs, width), .least = sei_recon_bytes(&needs, 1), .slab_slices = width};
    for (int64_t first = 0; first < n_slices; ++out->slabs) first += sei_recon_next_width(&needs, width, n_slices - first);
    return SEI_OK;
}

/* Refuses what is not finite where there are data, counts what is negative. */
static sei_status look_at_data(const sei_series *series, const sei_channel *channel, sei_method method,
                               int64_t *negative_counts) {
    const int64_t n = series->n_tilts * series->ny * series->nx;
    const bool em = sei_method_is_em(method);
    double positive = 0, negative = 0;
    int64_t count = 0;
    for (int64_t i = 0; i < n; ++i) {
        if (series->valid != NULL && series->valid[i] == 0) continue;
        const double value = (double)channel->data[i];
        if (!isfinite(value)) {
            const int64_t t = i / (series->ny * series->nx);
            return sei_fail(SEI_ERR_INPUT,
                            "channel '%s', tilt %lld (%g degrees), pixel x %lld y %lld: %g is not a number of counts; repair it "
                            "first (clean.repair_non_finite, in a recipe of seitomo run)",
                            channel->name, (long long)t, series->tilts[t].tilt_deg, (long long)(i % series->nx),
                            (long long)(i / series->nx % series->ny), value);
        }
        positive += value > 0 ? value : 0;
        negative -= value < 0 ? value : 0;
        count += value < 0;
    }
    if (em && negative > 0.5 * positive) {
        return sei_fail(SEI_ERR_INPUT,
                        "channel '%s': negative values add up to %g against %g positive; EM needs counts: do not subtract a "
                        "mean, or use sirt",
                        channel->name, negative, positive);
    }
    if (em && count > 0) {
        sei_warn("channel '%s': %lld negative values (sum %g of %g) count as 0 in EM", channel->name, (long long)count, -negative,
                 positive);
    }
    *negative_counts = count;
    return SEI_OK;
}

/* What is known of a channel of the batch while it is worked on. */
typedef struct task {
    sei_recon_channel asked;
    int64_t negative_counts;
    sei_trial trial;
    bool done;
} task;

/* The channels that go through as many iterations as the first that is not done, as one batch. */
static sei_status run_alike(sei_device *device, const sei_series *series, const sei_recon_options *o, size_t n, task *tasks,
                            sei_volume *volumes, sei_recon_report *reports) {
    sei_status status = SEI_OK;
    sei_solver s = {0};
    sei_recon_options untried = *o;
    size_t first = 0, alike = 0, c = 0;
    int width = 0;
    untried.stop = SEI_STOP_ITERATIONS;
    while (tasks[first].done) ++first;
    const int iterations = tasks[first].trial.iterations;
    for (size_t i = first; i < n; ++i) alike += !tasks[i].done && tasks[i].trial.iterations == iterations;
    SEI_TRY(sei_solver_make(&s, device, series, &untried, iterations, alike));
    for (size_t i = first; i < n; ++i) {
        if (tasks[i].done || tasks[i].trial.iterations != iterations) continue;
        sei_source *source = &s.sources[c++];
        source->data = series->channels[tasks[i].asked.channel].data;
        source->start = tasks[i].asked.start;
        source->volume = volumes[i].data;
        SEI_TRY(sei_recon_background(series, &tasks[i].asked, 1, &source->background));
    }
    const char *name = series->channels[tasks[first].asked.channel].name;
    sei_progress_begin(alike == 1 && name[0] != 0 ? name : "reconstruct", s.n_slices * (iterations + 1));
    SEI_TRY(sei_solver_run(&s, &width));
    c = 0;
    for (size_t i = first; i < n; ++i) {
        if (tasks[i].done || tasks[i].trial.iterations != iterations) continue;
        if (reports != NULL) SEI_TRY(sei_recon_make_report(&s, c, &tasks[i].trial, tasks[i].negative_counts, width, &reports[i]));
        tasks[i].done = true;
        ++c;
    }
done:
    sei_progress_end();
    sei_solver_free(&s);
    return status;
}

/* Checks a channel and finds its number of iterations. */
static sei_status prepare(sei_device *device, const sei_series *series, const sei_recon_options *o, task *t) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_recon_check_channel(series, o, &t->asked));
    SEI_TRY(look_at_data(series, &series->channels[t->asked.channel], o->method, &t->negative_counts));
    t->trial.iterations = sei_recon_iterations(o);
    if (o->stop == SEI_STOP_HELD_OUT) {
        SEI_TRY(sei_recon_try(device, series, &t->asked, o, &t->trial));
        sei_info("%s: counts held out are described best after %d iterations", series->channels[t->asked.channel].name,
                 t->trial.iterations);
    }
done:
    return status;
}

static sei_status make_volume(const sei_series *series, const sei_recon_options *o, size_t channel, sei_volume *out) {
    const int64_t nz = o->depth_px > 0 ? o->depth_px : series->nx;
    const sei_status status = sei_volume_alloc(series->nx, series->ny, nz, series->pixel_nm, out);
    if (status != SEI_OK) return status;
    memcpy(out->name, series->channels[channel].name, sizeof out->name);
    memcpy(out->unit, series->channels[channel].unit, sizeof out->unit);
    return SEI_OK;
}

sei_status sei_reconstruct_channels(sei_device *device, const sei_series *series, size_t n, const sei_recon_channel *channels,
                                    const sei_recon_options *o, sei_volume *out, sei_recon_report *reports) {
    sei_status status = sei_recon_check(series, o);
    task *tasks = NULL;
    sei_volume *volumes = NULL;
    sei_recon_report *told = NULL;
    sei_recon_plan plan;
    bool all = false;
    if (status != SEI_OK) return status;
    if (n == 0) return sei_fail(SEI_ERR_USAGE, "no channel asked for");
    SEI_TRY(SEI_NEW(tasks, (int64_t)n, 1, 1));
    SEI_TRY(SEI_NEW(volumes, (int64_t)n, 1, 1));
    SEI_TRY(SEI_NEW(told, (int64_t)n, 1, 1));
    SEI_TRY(sei_reconstruct_plan(device, series, n, o, &plan)); /* refused before anything is computed */
    for (size_t i = 0; i < n; ++i) {
        tasks[i].asked = channels[i];
        if (channels[i].n_background == 0) {
            tasks[i].asked.background = o->background;
            tasks[i].asked.n_background = o->n_background;
        }
        if (channels[i].start == NULL) tasks[i].asked.start = o->start;
        SEI_TRY(prepare(device, series, o, &tasks[i]));
    }
    for (size_t i = 0; i < n; ++i) SEI_TRY(make_volume(series, o, channels[i].channel, &volumes[i]));
    while (!all) {
        SEI_TRY(run_alike(device, series, o, n, tasks, volumes, reports == NULL ? NULL : told));
        all = true;
        for (size_t i = 0; i < n; ++i) all = all && tasks[i].done;
    }
    memcpy(out, volumes, n * sizeof *out);
    memset(volumes, 0, n * sizeof *volumes);
    if (reports != NULL) {
        memcpy(reports, told, n * sizeof *reports);
        memset(told, 0, n * sizeof *told);
    }
done:
    for (size_t i = 0; i < n; ++i) {
        if (tasks != NULL) sei_free(tasks[i].trial.figures);
        if (volumes != NULL) sei_volume_free(&volumes[i]);
        if (told != NULL) sei_recon_report_free(&told[i]);
    }
    sei_free(tasks);
    sei_free(volumes);
    sei_free(told);
    return status;
}

sei_status sei_reconstruct(sei_device *device, const sei_series *series, size_t channel, const sei_recon_options *options,
                           sei_volume *out, sei_recon_report *report) {
    const sei_recon_channel one = {.channel = channel};
    return sei_reconstruct_channels(device, series, 1, &one, options, out, report);
}
