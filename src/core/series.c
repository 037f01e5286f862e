/* The tilt series: allocation, selection, joining, sorting. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "seitomo/types.h"

/* Elements of one channel; the series was allocated, so the product is known to fit. */
static size_t channel_elements(const sei_series *series) {
    return (size_t)series->n_tilts * (size_t)series->ny * (size_t)series->nx;
}

sei_status sei_series_alloc(int64_t nx, int64_t ny, int64_t n_tilts, size_t n_channels, sei_series *out) {
    sei_series series = {.nx = nx, .ny = ny, .n_tilts = n_tilts, .pixel_nm = NAN};
    sei_status status = SEI_OK;
    if (nx < 1 || ny < 1 || n_tilts < 1) {
        return sei_fail(SEI_ERR_INPUT, "a tilt series needs at least one pixel and one tilt, found %lld x %lld x %lld",
                        (long long)nx, (long long)ny, (long long)n_tilts);
    }
    SEI_TRY(SEI_NEW(series.tilts, n_tilts, 1, 1));
    for (int64_t t = 0; t < n_tilts; ++t) {
        series.tilts[t] = (sei_tilt){.order = -1, .section = (int32_t)t, .dose_e_per_nm2 = NAN};
    }
    SEI_TRY(SEI_NEW(series.channels, (int64_t)n_channels, 1, 1));
    series.n_channels = n_channels;
    for (size_t c = 0; c < n_channels; ++c) {
        series.channels[c] = (sei_channel){.stored = SEI_DTYPE_F32, .window_low_kev = NAN, .window_high_kev = NAN};
        SEI_TRY(SEI_NEW(series.channels[c].data, n_tilts, ny, nx));
    }
    *out = series;
    return SEI_OK;
done:
    sei_series_free(&series);
    return status;
}

void sei_series_free(sei_series *series) {
    for (size_t c = 0; c < series->n_channels; ++c) sei_free(series->channels[c].data);
    sei_free(series->channels);
    sei_free(series->tilts);
    sei_free(series->valid);
    sei_facts_free(&series->facts);
    *series = (sei_series){0};
}

sei_channel *sei_series_find(const sei_series *series, const char *name) {
    for (size_t c = 0; c < series->n_channels; ++c) {
        if (strcasecmp(series->channels[c].name, name) == 0) return &series->channels[c];
    }
    return NULL;
}

/* Everything but the channels. */
static sei_status copy_frame(const sei_series *from, size_t n_channels, sei_series *out) {
    sei_series copy = {0};
    sei_status status = sei_series_alloc(from->nx, from->ny, from->n_tilts, n_channels, &copy);
    if (status != SEI_OK) return status;
    copy.pixel_nm = from->pixel_nm;
    copy.axis_deg = from->axis_deg;
    copy.axis_offset_px = from->axis_offset_px;
    copy.aligned = from->aligned;
    memcpy(copy.tilts, from->tilts, (size_t)from->n_tilts * sizeof *from->tilts);
    if (from->valid != NULL) {
        SEI_TRY(SEI_NEW(copy.valid, from->n_tilts, from->ny, from->nx));
        memcpy(copy.valid, from->valid, channel_elements(from));
    }
    SEI_TRY(sei_facts_copy(&from->facts, &copy.facts));
    *out = copy;
    return SEI_OK;
done:
    sei_series_free(&copy);
    return status;
}

static void copy_channel(const sei_series *from, const sei_channel *source, sei_channel *target) {
    float *data = target->data;
    memcpy(data, source->data, channel_elements(from) * sizeof *data);
    *target = *source;
    target->data = data;
}

sei_status sei_series_select(const sei_series *series, size_t n, const char *const *names, sei_series *out) {
    sei_series chosen = {0};
    for (size_t i = 0; i < n; ++i) {
        if (sei_series_find(series, names[i]) != NULL) continue;
        char known[512] = "";
        for (size_t c = 0; c < series->n_channels; ++c) {
            const size_t used = strlen(known);
            snprintf(known + used, sizeof known - used, "%s%s", c > 0 ? ", " : "", series->channels[c].name);
        }
        return sei_fail(SEI_ERR_INPUT, "no channel named '%s'; the series holds: %s", names[i], known);
    }
    const sei_status status = copy_frame(series, n, &chosen);
    if (status != SEI_OK) return status;
    for (size_t i = 0; i < n; ++i) copy_channel(series, sei_series_find(series, names[i]), &chosen.channels[i]);
    *out = chosen;
    return SEI_OK;
}

sei_status sei_series_copy(const sei_series *series, sei_series *out) {
    sei_series copy = {0};
    const sei_status status = copy_frame(series, series->n_channels, &copy);
    if (status != SEI_OK) return status;
    for (size_t c = 0; c < series->n_channels; ++c) copy_channel(series, &series->channels[c], &copy.channels[c]);
    *out = copy;
    return SEI_OK;
}

sei_status sei_series_join(sei_series *series, sei_series *more) {
    if (series->nx != more->nx || series->ny != more->ny || series->n_tilts != more->n_tilts) {
        return sei_fail(SEI_ERR_INPUT,
                        "channels differ in shape: %lld x %lld x %lld tilts ('%s') against %lld x %lld x %lld tilts ('%s')",
                        (long long)series->nx, (long long)series->ny, (long long)series->n_tilts,
                        series->n_channels > 0 ? series->channels[0].name : "", (long long)more->nx, (long long)more->ny,
                        (long long)more->n_tilts, more->n_channels > 0 ? more->channels[0].name : "");
    }
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        if (fabs(series->tilts[t].tilt_deg - more->tilts[t].tilt_deg) > 1e-3) {
            return sei_fail(SEI_ERR_INPUT, "channels differ at tilt %lld: %.4f deg against %.4f deg", (long long)t + 1,
                            series->tilts[t].tilt_deg, more->tilts[t].tilt_deg);
        }
    }
    if (!isnan(series->pixel_nm) && !isnan(more->pixel_nm) &&
        fabs(series->pixel_nm - more->pixel_nm) > 1e-4 * fabs(series->pixel_nm)) {
        return sei_fail(SEI_ERR_INPUT, "channels differ in pixel size: %.6g nm against %.6g nm", series->pixel_nm,
                        more->pixel_nm);
    }
    if (!(fabs(series->axis_deg - more->axis_deg) <= 1e-3) || !(fabs(series->axis_offset_px - more->axis_offset_px) <= 1e-3)) {
        return sei_fail(
            SEI_ERR_INPUT,
            "channels differ in the tilt axis: %.4g deg and %.4g px from the centre against %.4g deg and %.4g px; say "
            "where it lies (--axis, --axis-offset)",
            series->axis_deg, series->axis_offset_px, more->axis_deg, more->axis_offset_px);
    }
    for (size_t c = 0; c < more->n_channels; ++c) {
        if (sei_series_find(series, more->channels[c].name) != NULL) {
            return sei_fail(SEI_ERR_INPUT, "two channels are named '%s'; name them apart with NAME=FILE", more->channels[c].name);
        }
    }
    void *channels = series->channels;
    const sei_status status = sei_realloc(&channels, (series->n_channels + more->n_channels) * sizeof *series->channels);
    if (status != SEI_OK) return status;
    series->channels = channels;
    memcpy(&series->channels[series->n_channels], more->channels, more->n_channels * sizeof *more->channels);
    series->n_channels += more->n_channels;
    more->n_channels = 0; /* the data moved */
    if (series->valid == NULL) {
        series->valid = more->valid;
        more->valid = NULL;
    } else if (more->valid != NULL) {
        for (size_t i = 0; i < channel_elements(series); ++i) series->valid[i] &= more->valid[i];
    }
    sei_series_free(more);
    return SEI_OK;
}

typedef struct ranked {
    double tilt_deg;
    int64_t index;
} ranked;

static int by_angle(const void *a, const void *b) {
    const ranked *p = a;
    const ranked *q = b;
    if (p->tilt_deg != q->tilt_deg) return p->tilt_deg < q->tilt_deg ? -1 : 1;
    return p->index < q->index ? -1 : p->index > q->index;
}

sei_status sei_series_sort(sei_series *series) {
    sei_status status = SEI_OK;
    const size_t image = (size_t)series->ny * (size_t)series->nx;
    const size_t n = (size_t)series->n_tilts;
    ranked *order = NULL;
    sei_tilt *tilts = NULL;
    float *scratch = NULL;
    uint8_t *valid = NULL;
    bool sorted = true;
    for (size_t t = 1; t < n; ++t) sorted = sorted && series->tilts[t - 1].tilt_deg <= series->tilts[t].tilt_deg;
    if (sorted) return SEI_OK;
    SEI_TRY(SEI_NEW(order, series->n_tilts, 1, 1));
    SEI_TRY(SEI_NEW(tilts, series->n_tilts, 1, 1));
    const bool images = series->n_channels > 0 && series->channels[0].data != NULL; /* else headers alone were read */
    if (images) SEI_TRY(SEI_NEW(scratch, series->n_tilts, series->ny, series->nx));
    if (series->valid != NULL) SEI_TRY(SEI_NEW(valid, series->n_tilts, series->ny, series->nx));
    for (size_t t = 0; t < n; ++t) order[t] = (ranked){series->tilts[t].tilt_deg, (int64_t)t};
    qsort(order, n, sizeof *order, by_angle);
    for (size_t c = 0; images && c < series->n_channels; ++c) {
        for (size_t t = 0; t < n; ++t) {
            memcpy(scratch + t * image, series->channels[c].data + (size_t)order[t].index * image, image * sizeof *scratch);
        }
        float *old = series->channels[c].data;
        series->channels[c].data = scratch;
        scratch = old;
    }
    for (size_t t = 0; t < n; ++t) {
        tilts[t] = series->tilts[order[t].index];
        if (valid != NULL) memcpy(valid + t * image, series->valid + (size_t)order[t].index * image, image);
    }
    memcpy(series->tilts, tilts, n * sizeof *tilts);
    if (valid != NULL) {
        sei_free(series->valid);
        series->valid = valid;
        valid = NULL;
    }
done:
    sei_free(order);
    sei_free(tilts);
    sei_free(scratch);
    sei_free(valid);
    return status;
}
