/* Names, defaults and checks of what a reconstruction is asked to do. */
#include <math.h>
#include <string.h>

#include "recon/solver.h"

static const char *const method_names[] = {"em", "sirt", "sirt-positive", "wbp"};
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
    return sei_fail(SEI_ERR_USAGE, "no method '%s'; there are em, sirt, sirt-positive, wbp", name);
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

void sei_recon_options_default(sei_recon_options *options) {
    *options = (sei_recon_options){.iterations = 20, .relaxation = 1, .filter_cutoff = 1, .filter = "hann"};
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

static sei_status check_background(const sei_recon_options *o, int64_t n_tilts) {
    if (o->background == NULL && o->n_background == 0) return SEI_OK;
    if (o->background == NULL || (o->n_background != 1 && o->n_background != n_tilts)) {
        return sei_fail(SEI_ERR_USAGE, "background: %lld values, expected 1 or one per tilt (%lld)", (long long)o->n_background,
                        (long long)n_tilts);
    }
    for (int64_t t = 0; t < o->n_background; ++t) {
        if (!(o->background[t] >= 0 && o->background[t] < 1e30)) {
            return sei_fail(SEI_ERR_USAGE, "background of tilt %lld is %g; it must be 0 or more counts per pixel", (long long)t,
                            o->background[t]);
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

sei_status sei_recon_check(const sei_series *series, size_t channel, const sei_recon_options *o) {
    const sei_status status = sei_recon_check_geometry(series);
    if (status != SEI_OK) return status;
    if (channel >= series->n_channels || series->channels[channel].data == NULL) {
        return sei_fail(SEI_ERR_USAGE, "channel %zu of %zu asked for", channel, series->n_channels);
    }
    if ((size_t)o->method >= N_METHODS) return sei_fail(SEI_ERR_USAGE, "method %d is unknown", (int)o->method);
    if (o->kernel != SEI_KERNEL_LINEAR && o->kernel != SEI_KERNEL_STRIP)
        return sei_fail(SEI_ERR_USAGE, "projector %d is unknown", (int)o->kernel);
    if (o->method != SEI_METHOD_WBP && (o->iterations < 1 || o->iterations > 1000000)) {
        return sei_fail(SEI_ERR_USAGE, "%d iterations; expected 1 to 1000000", o->iterations);
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
    return check_background(o, series->n_tilts);
}
