/* Finding the shifts: which channel, in which steps. */
#include <math.h>
#include <string.h>

#include "align/align.h"
#include "core/alloc.h"
#include "core/log.h"

void sei_align_options_default(sei_align_options *options) {
    *options = (sei_align_options){.cosine_stretch = true,
                                   .taper_px = -1,
                                   .low_cutoff = 0.03,
                                   .high_cutoff = 0.25,
                                   .high_sigma = 0.05,
                                   .iterations = 3,
                                   .find_axis_offset = true,
                                   .interpolation = 1};
}

void sei_shifts_free(sei_shifts *shifts) {
    sei_free(shifts->tilt_deg);
    sei_free(shifts->dx_px);
    sei_free(shifts->dy_px);
    sei_free(shifts->score);
    sei_free(shifts->score_before);
    *shifts = (sei_shifts){0};
}

sei_status sei_shifts_alloc(int64_t count, sei_shifts *out) {
    sei_shifts shifts = {.count = count, .axis_offset_sd_px = NAN};
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(shifts.tilt_deg, count, 1, 1));
    SEI_TRY(SEI_NEW(shifts.dx_px, count, 1, 1));
    SEI_TRY(SEI_NEW(shifts.dy_px, count, 1, 1));
    SEI_TRY(SEI_NEW(shifts.score, count, 1, 1));
    SEI_TRY(SEI_NEW(shifts.score_before, count, 1, 1));
    for (int64_t t = 0; t < count; ++t) shifts.score[t] = shifts.score_before[t] = NAN;
    *out = shifts;
    return SEI_OK;
done:
    sei_shifts_free(&shifts);
    return status;
}

static sei_status reference_channel(const sei_series *series, const char *name, size_t *channel) {
    const sei_channel *found = sei_series_find(series, name != NULL ? name : "HAADF");
    if (series->n_channels == 0) return sei_fail(SEI_ERR_INPUT, "the series has no channel to align on");
    if (found == NULL && name != NULL) {
        sei_series none = {0};
        return sei_series_select(series, 1, &name, &none); /* its message lists the names there are */
    }
    *channel = found == NULL ? 0 : (size_t)(found - series->channels);
    return SEI_OK;
}

static sei_status check_options(const sei_align_options *o) {
    if (!(o->low_cutoff >= 0 && o->low_cutoff < 0.5) || !(o->high_cutoff > 0 && o->high_cutoff <= 0.5) || !(o->high_sigma >= 0)) {
        return sei_fail(SEI_ERR_USAGE, "band-pass %g..%g (fall-off %g) does not lie in 0..0.5 cycles per pixel", o->low_cutoff,
                        o->high_cutoff, o->high_sigma);
    }
    if (o->iterations < 1 || o->iterations > 100)
        return sei_fail(SEI_ERR_USAGE, "iterations is %d, not from 1 to 100", o->iterations);
    if (!isfinite(o->taper_px) || isnan(o->max_shift_px) || !isfinite(o->axis_offset_px)) {
        return sei_fail(SEI_ERR_USAGE, "taper, largest shift and axis offset must be numbers");
    }
    return SEI_OK;
}

/* Mean shift 0 along y, and along x with the axis moving along. */
static void centre(sei_shifts *s, bool along_x) {
    double mx = 0, my = 0;
    for (int64_t t = 0; t < s->count; ++t) {
        mx += s->dx_px[t] / (double)s->count;
        my += s->dy_px[t] / (double)s->count;
    }
    for (int64_t t = 0; t < s->count; ++t) {
        s->dx_px[t] -= along_x ? mx : 0;
        s->dy_px[t] -= my;
    }
    if (along_x) s->axis_offset_px -= mx;
}

/* Mean shift 0 with the axis where it is: the specimen moves by a cos(theta), which no series can tell from a specimen
 * that lies elsewhere. */
static void centre_about_axis(sei_shifts *s, const sei_frames *f) {
    double mean = 0, cosines = 0;
    for (int t = 0; t < f->n; ++t) {
        mean += s->dx_px[t] / f->n;
        cosines += f->cos_tilt[t] / f->n;
    }
    for (int t = 0; t < f->n && fabs(cosines) > 0.1; ++t) s->dx_px[t] -= mean / cosines * f->cos_tilt[t];
    centre(s, false);
}

sei_status sei_align_find(sei_device *device, const sei_series *series, const sei_align_options *o, sei_shifts *out) {
    sei_frames f = {0};
    sei_correlator c = {0};
    sei_shifts s = {0};
    size_t channel = 0;
    bool alone = false;
    sei_status status = SEI_OK;
    SEI_TRY(check_options(o));
    SEI_TRY(reference_channel(series, o->reference, &channel));
    SEI_TRY(sei_frames_make(device, series, channel, &f));
    SEI_TRY(sei_shifts_alloc(f.n, &s));
    for (int t = 0; t < f.n; ++t) s.tilt_deg[t] = f.tilts[t].tilt_deg;
    const double most_px = o->max_shift_px > 0 ? o->max_shift_px : 0.25 * (f.nx < f.ny ? f.nx : f.ny);
    SEI_TRY(sei_correlator_open(device, f.nx, f.ny, o, o->low_cutoff, &c));
    sei_progress_begin("align", f.n - 1);
    SEI_TRY(sei_align_scores(&f, &c, o->cosine_stretch, o->axis_offset_px, s.dx_px, s.dy_px, s.score_before));
    SEI_TRY(sei_align_pairwise(&f, &c, o->cosine_stretch, o->axis_offset_px, most_px, s.dx_px, s.dy_px));
    s.axis_offset_px = o->axis_offset_px;
    centre_about_axis(&s, &f);
    if (o->iterations > 1) {
        sei_estimate axis = {s.axis_offset_px, NAN};
        SEI_TRY(sei_align_isolated(&f, s.dx_px, s.dy_px, &alone, &axis));
        if (alone && !o->find_axis_offset) { /* the centre of mass goes onto the axis that was given */
            for (int t = 0; t < f.n; ++t) s.dx_px[t] += o->axis_offset_px - axis.value;
            axis = (sei_estimate){o->axis_offset_px, NAN};
        }
        if (!alone) SEI_TRY(sei_align_consistency(device, &f, o, o->iterations - 1, s.dx_px, s.dy_px, &axis));
        s.axis_offset_px = axis.value;
        s.axis_offset_sd_px = axis.sd;
        if (alone) centre(&s, o->find_axis_offset);
        if (!alone) centre_about_axis(&s, &f);
    }
    SEI_TRY(sei_align_scores(&f, &c, o->cosine_stretch && !alone, s.axis_offset_px, s.dx_px, s.dy_px, s.score));
    sei_info("aligned on '%s' (%s): axis %.2f px from the centre", series->channels[channel].name,
             alone ? "alone in the field: mass profiles and centres of mass" : "fills the field: correlation and reprojection",
             s.axis_offset_px);
    *out = s;
    s = (sei_shifts){0};
done:
    sei_progress_end();
    sei_correlator_close(&c);
    sei_frames_free(&f);
    sei_shifts_free(&s);
    return status;
}
