/* Names, defaults and checks of what a reconstruction is asked to do. */
#include <math.h>
#include <string.h>

#include "recon/solver.h"

static const char *const method_names[] = {"em", "sirt", "sirt-positive", "wbp", "osem"};
enum { N_METHODS = sizeof method_names / sizeof method_names[0], MAX_SIDE = 1 << 20 };

const char *sei_method_name(sei_method method) {
    return (size_t)method < N_METHODS ? method_names[method] : "unknown";
}

sei_status sei_method_from_name(const char *name, sei_method *out) {
    for (int i = 0; i < N_METHODS; ++i) {
        if (strcmp(name, method_names[i]) == 0) {
            *out = (sei_method)i;
            return SEI_OK;
        }
    }
    return sei_fail(SEI_ERR_USAGE, "no method '%s'; there are em, osem, sirt, sirt-positive, wbp", name);
}

const char *sei_kernel_name(sei_kernel kernel) {
    return kernel == SEI_KERNEL_STRIP ? "strip" : "linear";
}

sei_status sei_kernel_from_name(const char *name, sei_kernel *out) {
    const bool linear = strcmp(name, "linear") == 0;
    if (!linear && strcmp(name, "strip") != 0) return sei_fail(SEI_ERR_USAGE, "no projector '%s'; there are linear, strip", name);
    *out = linear ? SEI_KERNEL_LINEAR : SEI_KERNEL_STRIP;
    return SEI_OK;
}

const char *sei_stop_name(sei_stop stop) {
    return stop == SEI_STOP_HELD_OUT ? "held-out" : "iterations";
}

sei_status sei_stop_from_name(const char *name, sei_stop *out) {
    const bool held_out = strcmp(name, "held-out") == 0;
    if (!held_out && strcmp(name, "iterations") != 0)
        return sei_fail(SEI_ERR_USAGE, "no rule '%s' to stop by; there are iterations, held-out", name);
    *out = held_out ? SEI_STOP_HELD_OUT : SEI_STOP_ITERATIONS;
    return SEI_OK;
}

void sei_recon_options_default(sei_recon_options *options) {
    *options = (sei_recon_options){.subsets = 5, .seed = 1, .relaxation = 1, .filter_cutoff = 1, .filter = "hann"};
}

bool sei_method_is_em(sei_method method) {
    return method == SEI_METHOD_EM || method == SEI_METHOD_OSEM;
}

int sei_recon_iterations(const sei_recon_options *o) {
    if (o->method == SEI_METHOD_WBP) return 0;
    if (o->iterations > 0) return o->iterations;
    const int all = o->stop != SEI_STOP_HELD_OUT ? 20 : sei_method_is_em(o->method) ? 60 : 200;
    return o->method == SEI_METHOD_OSEM && o->subsets > 0 ? (all + o->subsets - 1) / o->subsets : all;
}

void sei_recon_report_free(sei_recon_report *report) {
    sei_table_free(&report->history);
    *report = (sei_recon_report){0};
}

double sei_elongation_theory(double max_tilt_deg) {
    const double a = fmin(fabs(max_tilt_deg), 90) * 3.14159265358979323846 / 180;
    const double mixed = sin(a) * cos(a);
    return sqrt((a + mixed) / (a - mixed));
}

static sei_status check_background(const double *values, int64_t n, int64_t n_tilts) {
    if (values == NULL && n == 0) return SEI_OK;
    if (values == NULL || (n != 1 && n != n_tilts)) {
        return sei_fail(SEI_ERR_USAGE, "background: %lld values, expected 1 or one per tilt (%lld)", (long long)n,
                        (long long)n_tilts);
    }
    for (int64_t t = 0; t < n; ++t) {
        if (!(values[t] >= 0 && values[t] < 1e30)) {
            return sei_fail(SEI_ERR_USAGE, "background of tilt %lld is %g; it must be 0 or more counts per pixel", (long long)t,
                            values[t]);
        }
    }
    return SEI_OK;
}

sei_status sei_recon_check_geometry(const sei_series *series) {
    if (series->n_tilts < 1 || series->nx < 1 || series->ny < 1 || series->tilts == NULL) {
        return sei_fail(SEI_ERR_INPUT, "the series is empty");
    }
    if (series->nx > MAX_SIDE || series->ny > MAX_SIDE || series->n_tilts > MAX_SIDE) {
        return sei_fail(SEI_ERR_INPUT, "the series is %lld x %lld x %lld; no side may exceed %d", (long long)series->nx,
                        (long long)series->ny, (long long)series->n_tilts, MAX_SIDE);
    }
    if (!(fabs(series->axis_deg) <= 1e-6)) {
        return sei_fail(SEI_ERR_INPUT, "the tilt axis lies %g degrees from y; align the series first, so that the axis is y",
                        series->axis_deg);
    }
    if (!(fabs(series->axis_offset_px) <= (double)series->nx)) {
        return sei_fail(SEI_ERR_INPUT, "the tilt axis lies %g px from the image centre, outside the image",
                        series->axis_offset_px);
    }
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        if (!(fabs(series->tilts[t].tilt_deg) <= 360)) {
            return sei_fail(SEI_ERR_INPUT, "tilt %lld: %g degrees; expected -360 to 360", (long long)t,
                            series->tilts[t].tilt_deg);
        }
    }
    return SEI_OK;
}

static sei_status check_stop(const sei_recon_options *o) {
    if (o->stop == SEI_STOP_ITERATIONS) return SEI_OK;
    if (o->stop != SEI_STOP_HELD_OUT) return sei_fail(SEI_ERR_USAGE, "rule %d to stop by is unknown", (int)o->stop);
    if (o->method == SEI_METHOD_WBP) return sei_fail(SEI_ERR_USAGE, "wbp has no iterations to stop");
#ifndef SEITOMO_HAVE_RANDOM123
    return sei_fail(SEI_ERR_ENVIRONMENT, "this build has no Random123, and holds no counts out; give the number of iterations");
#endif
    return SEI_OK;
}

static sei_status check_start(const sei_series *series, const sei_recon_options *o, const sei_volume *v) {
    const int64_t nz = o->depth_px > 0 ? o->depth_px : series->nx;
    if (v == NULL) return SEI_OK;
    if (o->method == SEI_METHOD_WBP) return sei_fail(SEI_ERR_USAGE, "wbp does not start from a volume");
    if (v->data == NULL || v->nx != series->nx || v->ny != series->ny || v->nz != nz) {
        return sei_fail(SEI_ERR_INPUT, "the start is a volume of %lld x %lld x %lld voxels; expected %lld x %lld x %lld",
                        (long long)v->nx, (long long)v->ny, (long long)v->nz, (long long)series->nx, (long long)series->ny,
                        (long long)nz);
    }
    if (fabs(v->voxel_nm / series->pixel_nm - 1) > 1e-3) {
        return sei_fail(SEI_ERR_INPUT, "the start has voxels of %g nm, the series pixels of %g nm", v->voxel_nm,
                        series->pixel_nm);
    }
    for (int64_t i = 0; i < nz * v->ny * v->nx; ++i) {
        if (!isfinite(v->data[i])) {
            return sei_fail(SEI_ERR_INPUT, "the start holds %g at voxel x %lld y %lld z %lld", (double)v->data[i],
                            (long long)(i % v->nx), (long long)(i / v->nx % v->ny), (long long)(i / v->nx / v->ny));
        }
    }
    return SEI_OK;
}

sei_status sei_recon_check_channel(const sei_series *series, const sei_recon_options *o, const sei_recon_channel *channel) {
    if (channel->channel >= series->n_channels || series->channels[channel->channel].data == NULL) {
        return sei_fail(SEI_ERR_USAGE, "channel %zu of %zu asked for", channel->channel, series->n_channels);
    }
    const sei_channel *data = &series->channels[channel->channel];
    if (o->stop == SEI_STOP_HELD_OUT && strcmp(data->unit, "counts") != 0) {
        return sei_fail(SEI_ERR_INPUT,
                        "channel '%s' holds %s, no counts of which some could be held out; give it a number of iterations",
                        data->name, data->unit[0] != 0 ? data->unit : "values without a unit");
    }
    const sei_status status = check_background(channel->background, channel->n_background, series->n_tilts);
    return status != SEI_OK ? status : check_start(series, o, channel->start);
}

sei_status sei_recon_check(const sei_series *series, const sei_recon_options *o) {
    const sei_status status = sei_recon_check_geometry(series);
    if (status != SEI_OK) return status;
    if ((size_t)o->method >= N_METHODS) return sei_fail(SEI_ERR_USAGE, "method %d is unknown", (int)o->method);
    if (o->kernel != SEI_KERNEL_LINEAR && o->kernel != SEI_KERNEL_STRIP)
        return sei_fail(SEI_ERR_USAGE, "projector %d is unknown", (int)o->kernel);
    if (o->method != SEI_METHOD_WBP && (o->iterations < 0 || o->iterations > 1000000)) {
        return sei_fail(SEI_ERR_USAGE, "%d iterations; expected 1 to 1000000, or 0 for the method's own", o->iterations);
    }
    if (o->method == SEI_METHOD_OSEM && (o->subsets < 2 || o->subsets > series->n_tilts)) {
        return sei_fail(SEI_ERR_USAGE, "%d subsets; expected 2 to the number of tilts, %lld", o->subsets,
                        (long long)series->n_tilts);
    }
    if (o->method == SEI_METHOD_WBP) {
        const bool known = o->filter != NULL && (strcmp(o->filter, "ramp") == 0 || strcmp(o->filter, "hann") == 0 ||
                                                 strcmp(o->filter, "shepp-logan") == 0);
        if (!known)
            return sei_fail(SEI_ERR_USAGE, "no filter '%s'; there are ramp, hann, shepp-logan",
                            o->filter == NULL ? "" : o->filter);
        if (!(o->filter_cutoff > 0 && o->filter_cutoff <= 1)) {
            return sei_fail(SEI_ERR_USAGE, "filter cut-off %g; expected more than 0 and up to 1 (Nyquist)", o->filter_cutoff);
        }
    }
    if (o->depth_px < 0 || o->depth_px > MAX_SIDE) {
        return sei_fail(SEI_ERR_USAGE, "depth of %lld px; expected 1 to %d, or 0 for the image's width", (long long)o->depth_px,
                        MAX_SIDE);
    }
    if (!(o->relaxation > 0 && o->relaxation <= 2)) {
        return sei_fail(SEI_ERR_USAGE, "relaxation %g; SIRT converges for more than 0 and up to 2", o->relaxation);
    }
    const int64_t nz = o->depth_px > 0 ? o->depth_px : series->nx, area = nz * series->nx;
    if (o->support != NULL && o->n_support != area && (o->n_support % area != 0 || o->n_support / area != series->ny)) {
        return sei_fail(SEI_ERR_USAGE, "the support has %lld voxels; expected %lld (nz*nx) or nz*ny*nx", (long long)o->n_support,
                        (long long)area);
    }
    return check_stop(o);
}
