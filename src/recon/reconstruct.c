/* Cuts a series into slabs along y, lets a method solve each, and puts volume and history together. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "recon/slabs.h"
#include "recon/solver.h"

static int64_t depth_of(const sei_series *series, const sei_recon_options *o) {
    return o->depth_px > 0 ? o->depth_px : series->nx;
}

/* Floats per slice: in the device, and again on the host for what travels. */
static size_t slice_bytes(const sei_series *series, const sei_recon_options *o) {
    const size_t area = (size_t)series->nx * (size_t)depth_of(series, o), bins = (size_t)series->n_tilts * (size_t)series->nx;
    return sizeof(float) * (2 * area + 5 * bins + area + bins);
}

static sei_status choose_width(sei_device *device, const sei_series *series, const sei_recon_options *o, int *width) {
    const size_t bytes = o->memory_bytes > 0 ? o->memory_bytes : device->backend->free_bytes(device) / 2;
    return sei_slab_width(series->ny, slice_bytes(series, o), bytes, o->slab_slices, width);
}

sei_status sei_reconstruct_plan(sei_device *device, const sei_series *series, const sei_recon_options *o, size_t *bytes,
                                int *slab_slices) {
    int width = 0;
    sei_status status = sei_recon_check_geometry(series);
    if (status == SEI_OK) status = choose_width(device, series, o, &width);
    if (status != SEI_OK) return status;
    *bytes = (size_t)width * slice_bytes(series, o) +
             sizeof(float) * (size_t)series->nx * (size_t)depth_of(series, o) * (size_t)series->ny;
    *slab_slices = width;
    return SEI_OK;
}

/* Refuses what is not finite where there are data, counts what is negative. */
static sei_status look_at_data(const sei_series *series, const sei_channel *channel, sei_method method,
                               int64_t *negative_counts) {
    const int64_t n = series->n_tilts * series->ny * series->nx;
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
    if (method == SEI_METHOD_EM && negative > 0.5 * positive) {
        return sei_fail(SEI_ERR_INPUT,
                        "channel '%s': negative values add up to %g against %g positive; EM needs counts: do not subtract a "
                        "mean, or use sirt",
                        channel->name, negative, positive);
    }
    if (method == SEI_METHOD_EM && count > 0) {
        sei_warn("channel '%s': %lld negative values (sum %g of %g) count as 0 in EM", channel->name, (long long)count, -negative,
                 positive);
    }
    *negative_counts = count;
    return SEI_OK;
}

typedef struct job {
    sei_solver solver;
    const sei_series *series;
    const sei_channel *channel;
    double *background_sum;                /* [width] */
    double weight_total, background_total; /* sums of w and of w*r over the series */
    sei_history history;
    int64_t steps_done;
    sei_tilts tilts;
    int width;
} job;

static void job_free(job *j) {
    sei_solver *s = &j->solver;
    sei_buffer *buffers[] = {s->volume, s->inverse_column, s->counts, s->weight, s->background, s->model, s->inverse_row};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; ++i) s->device->backend->release(s->device, buffers[i]);
    sei_free(s->host_volume);
    sei_free(s->host_sinogram);
    sei_free(s->slice_sums);
    sei_free(j->background_sum);
    sei_free(j->history.sums);
    sei_tilts_free(&j->tilts);
}

static sei_status job_make(job *j, sei_device *device, const sei_series *series, size_t channel, const sei_recon_options *o) {
    sei_status status = SEI_OK;
    sei_solver *s = &j->solver;
    const bool em = o->method == SEI_METHOD_EM;
    s->device = device;
    s->options = o;
    s->history = &j->history;
    s->steps_done = &j->steps_done;
    s->series_ny = series->ny;
    j->series = series;
    j->channel = &series->channels[channel];
    SEI_TRY(choose_width(device, series, o, &j->width));
    SEI_TRY(sei_tilts_make(series, &j->tilts));
    s->tilt_deg = j->tilts.tilt_deg;
    s->slab = (sei_slab){.nx = (int)series->nx,
                         .nz = (int)depth_of(series, o),
                         .nu = (int)series->nx,
                         .ny = j->width,
                         .n_tilts = (int)series->n_tilts,
                         .cos_tilt = j->tilts.cos_tilt,
                         .sin_tilt = j->tilts.sin_tilt,
                         .axis_u = j->tilts.axis_u,
                         .kernel = o->kernel};
    const size_t n_volume = sei_solver_volume_count(s), n_sinogram = sei_solver_sinogram_count(s);
    SEI_TRY(SEI_OP(device, alloc)(device, n_volume, &s->volume));
    SEI_TRY(SEI_OP(device, alloc)(device, n_sinogram, &s->counts));
    SEI_TRY(SEI_OP(device, alloc)(device, n_sinogram, &s->model));
    if (o->method != SEI_METHOD_WBP) SEI_TRY(SEI_OP(device, alloc)(device, n_volume, &s->inverse_column));
    if (!em) SEI_TRY(SEI_OP(device, alloc)(device, n_sinogram, &s->inverse_row));
    if (series->valid != NULL) SEI_TRY(SEI_OP(device, alloc)(device, n_sinogram, &s->weight));
    if (o->n_background > 0) SEI_TRY(SEI_OP(device, alloc)(device, n_sinogram, &s->background));
    SEI_TRY(SEI_NEW(s->host_volume, (int64_t)n_volume, 1, 1));
    SEI_TRY(SEI_NEW(s->host_sinogram, (int64_t)n_sinogram, 1, 1));
    SEI_TRY(SEI_NEW(s->slice_sums, j->width, SEI_SUM_COUNT, 1));
    if (o->n_background > 0) SEI_TRY(SEI_NEW(j->background_sum, j->width, 1, 1));
    s->background_sum = j->background_sum;
    j->history.rows = o->method == SEI_METHOD_WBP ? 1 : o->iterations + 1;
    SEI_TRY(SEI_NEW(j->history.sums, j->history.rows, SEI_SUM_COUNT, 1));
done:
    return status;
}

/* The background of the slab; host_sinogram holds the weights, which its sums need. */
static sei_status upload_background(job *j) {
    sei_status status = SEI_OK;
    sei_solver *s = &j->solver;
    const sei_recon_options *o = s->options;
    const size_t n = sei_solver_sinogram_count(s), ny = (size_t)s->slab.ny, per_tilt = (size_t)s->slab.nu * ny;
    for (size_t i = 0; i < n; ++i) {
        const double w = s->weight == NULL ? 1 : (double)s->host_sinogram[i];
        j->weight_total += w;
        if (j->background_sum != NULL) j->background_sum[i % ny] += w * o->background[o->n_background > 1 ? i / per_tilt : 0];
    }
    if (j->background_sum == NULL) return SEI_OK;
    for (size_t y = 0; y < ny; ++y) j->background_total += j->background_sum[y];
    for (size_t i = 0; i < n; ++i) s->host_sinogram[i] = (float)o->background[o->n_background > 1 ? i / per_tilt : 0];
    SEI_TRY(SEI_OP(s->device, upload)(s->device, s->background, 0, n, s->host_sinogram));
done:
    return status;
}

/* Takes the slices y0 .. y0+width-1 into the device. */
static sei_status load_slab(job *j, int64_t y0) {
    sei_status status = SEI_OK;
    sei_solver *s = &j->solver;
    const sei_series *series = j->series;
    sei_device *d = s->device;
    const int64_t width = series->ny - y0 < j->width ? series->ny - y0 : j->width;
    s->first_slice = y0;
    s->slab.ny = (int)width;
    const size_t n = sei_solver_sinogram_count(s);
    if (j->background_sum != NULL) memset(j->background_sum, 0, (size_t)width * sizeof *j->background_sum);
    if (s->weight != NULL) {
        sei_slab_gather_mask(series->n_tilts, series->ny, series->nx, y0, width, series->valid, s->host_sinogram);
        SEI_TRY(SEI_OP(d, upload)(d, s->weight, 0, n, s->host_sinogram));
    }
    SEI_TRY(upload_background(j));
    sei_slab_gather(series->n_tilts, series->ny, series->nx, y0, width, j->channel->data, s->host_sinogram);
    for (size_t i = 0; i < n; ++i) {
        const float value = s->host_sinogram[i];
        if (!isfinite(value) || (s->options->method == SEI_METHOD_EM && value < 0))
            s->host_sinogram[i] = 0; /* NaN only where weight is 0 */
    }
    SEI_TRY(SEI_OP(d, upload)(d, s->counts, 0, n, s->host_sinogram));
done:
    return status;
}

static sei_status solve(sei_solver *s) {
    switch (s->options->method) {
        case SEI_METHOD_EM: return sei_solve_em(s);
        case SEI_METHOD_WBP: return sei_solve_wbp(s);
        default: return sei_solve_sirt(s);
    }
}

static sei_status make_report(const job *j, int64_t negative_counts, sei_recon_report *report) {
    static const char *const columns[] = {"iteration", "log_likelihood", "counted", "residual", "flux"};
    const sei_recon_options *o = j->solver.options;
    const bool em = o->method == SEI_METHOD_EM;
    sei_table history = {0};
    const sei_status status = sei_table_alloc("history", 5, columns, (size_t)j->history.rows, &history);
    if (status != SEI_OK) return status;
    for (int i = 0; i < j->history.rows; ++i) {
        const double *sums = j->history.sums + (size_t)i * SEI_SUM_COUNT;
        double *cells = history.cells + (size_t)i * 5;
        cells[0] = i;
        cells[1] = em ? sums[SEI_SUM_LOG_LIKELIHOOD] : NAN;
        cells[2] = em ? sums[SEI_SUM_COUNTED] : NAN;
        cells[3] = j->weight_total > 0 ? sqrt(sums[SEI_SUM_RESIDUAL2] / j->weight_total) : NAN;
        cells[4] = em ? sums[SEI_SUM_MODEL] - j->background_total : NAN;
    }
    double low = INFINITY, high = -INFINITY;
    for (int64_t t = 0; t < j->series->n_tilts; ++t) {
        low = fmin(low, j->series->tilts[t].tilt_deg);
        high = fmax(high, j->series->tilts[t].tilt_deg);
    }
    *report = (sei_recon_report){.n_iterations = j->history.rows - 1,
                                 .history = history,
                                 .negative_counts = negative_counts,
                                 .elongation_theory = sei_elongation_theory(0.5 * (high - low)),
                                 .slab_slices = j->width};
    return SEI_OK;
}

sei_status sei_reconstruct(sei_device *device, const sei_series *series, size_t channel, const sei_recon_options *options,
                           sei_volume *out, sei_recon_report *report) {
    sei_status status = sei_recon_check(series, channel, options);
    job j = {0};
    sei_volume volume = {0};
    int64_t negative_counts = 0;
    if (status != SEI_OK) return status;
    j.solver.device = device;
    sei_progress_begin(series->channels[channel].name[0] != 0 ? series->channels[channel].name : "reconstruct",
                       series->ny * (options->method == SEI_METHOD_WBP ? 1 : options->iterations + 1));
    SEI_TRY(look_at_data(series, &series->channels[channel], options->method, &negative_counts));
    SEI_TRY(job_make(&j, device, series, channel, options));
    SEI_TRY(sei_volume_alloc(series->nx, series->ny, depth_of(series, options), series->pixel_nm, &volume));
    memcpy(volume.name, j.channel->name, sizeof volume.name);
    memcpy(volume.unit, j.channel->unit, sizeof volume.unit);
    for (int64_t y0 = 0; y0 < series->ny; y0 += j.width) {
        SEI_TRY(load_slab(&j, y0));
        SEI_TRY(solve(&j.solver));
        SEI_TRY(SEI_OP(device, download)(device, j.solver.volume, 0, sei_solver_volume_count(&j.solver), j.solver.host_volume));
        sei_slab_scatter(volume.nz, volume.ny, volume.nx, y0, j.solver.slab.ny, j.solver.host_volume, volume.data);
    }
    if (report != NULL) SEI_TRY(make_report(&j, negative_counts, report));
    *out = volume;
    volume = (sei_volume){0};
done:
    sei_progress_end();
    job_free(&j);
    sei_volume_free(&volume);
    return status;
}
