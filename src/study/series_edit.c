#include "study/series_edit.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

static void copy_header(const sei_channel *from, sei_channel *to) {
    float *data = to->data;
    *to = *from;
    to->data = data;
}

static void copy_frame(const sei_series *from, sei_series *to) {
    to->pixel_nm = from->pixel_nm;
    to->axis_deg = from->axis_deg;
    to->axis_offset_px = from->axis_offset_px;
    to->aligned = from->aligned;
}

int64_t sei_common_bin(int64_t a, int64_t b) {
    int64_t x = a, y = b;
    while (y != 0) {
        const int64_t rest = x % y;
        x = y;
        y = rest;
    }
    return a / x * b < 4096 ? a / x * b : 4096;
}

sei_status sei_series_drop(sei_series *series, size_t n, const double *tilt_deg) {
    sei_series kept = {0};
    uint8_t *drop = NULL;
    int64_t left = series->n_tilts;
    sei_status status = SEI_OK;
    if (n == 0) return SEI_OK;
    SEI_TRY(SEI_NEW(drop, series->n_tilts, 1, 1));
    for (size_t i = 0; i < n; ++i) {
        bool found = false;
        for (int64_t t = 0; t < series->n_tilts; ++t) {
            if (fabs(series->tilts[t].tilt_deg - tilt_deg[i]) > 0.01) continue;
            left -= drop[t] == 0;
            drop[t] = 1;
            found = true;
        }
        if (!found) {
            status = sei_fail(SEI_ERR_INPUT, "input.drop_tilts: the series has no tilt at %g deg", tilt_deg[i]);
            goto done;
        }
    }
    if (left < 1) {
        status = sei_fail(SEI_ERR_INPUT, "input.drop_tilts: no tilt is left");
        goto done;
    }
    const bool images = series->n_channels > 0 && series->channels[0].data != NULL; /* else headers alone were read */
    SEI_TRY(sei_series_alloc(series->nx, series->ny, left, images ? series->n_channels : 0, &kept));
    copy_frame(series, &kept);
    if (series->valid != NULL) SEI_TRY(SEI_NEW(kept.valid, left, series->ny, series->nx));
    SEI_TRY(sei_facts_copy(&series->facts, &kept.facts));
    const size_t image = (size_t)series->nx * (size_t)series->ny;
    for (int64_t t = 0, to = 0; t < series->n_tilts; ++t) {
        if (drop[t] != 0) continue;
        kept.tilts[to] = series->tilts[t];
        for (size_t c = 0; images && c < series->n_channels; ++c) {
            copy_header(&series->channels[c], &kept.channels[c]);
            memcpy(kept.channels[c].data + (size_t)to * image, series->channels[c].data + (size_t)t * image,
                   image * sizeof(float));
        }
        if (series->valid != NULL) memcpy(kept.valid + (size_t)to * image, series->valid + (size_t)t * image, image);
        ++to;
    }
    if (!images) {
        sei_channel *none = kept.channels;
        kept.channels = series->channels;
        kept.n_channels = series->n_channels;
        series->channels = none;
        series->n_channels = 0;
    }
    sei_series_free(series);
    *series = kept;
    kept = (sei_series){0};
done:
    sei_free(drop);
    sei_series_free(&kept);
    return status;
}

sei_status sei_series_trim(const sei_series *series, size_t channel, int n, sei_series *out) {
    sei_series cut = {0};
    sei_status status = SEI_OK;
    const int64_t nx = series->nx / n * n;
    const int64_t ny = series->ny / n * n;
    if (nx < 1 || ny < 1) {
        return sei_fail(SEI_ERR_INPUT, "images of %lld x %lld pixels cannot be binned by %d", (long long)series->nx,
                        (long long)series->ny, n);
    }
    SEI_TRY(sei_series_alloc(nx, ny, series->n_tilts, 1, &cut));
    copy_frame(series, &cut);
    /* the axis stays where it is in space while the image's centre moves */
    cut.axis_offset_px += 0.5 * (double)(series->nx - nx);
    copy_header(&series->channels[channel], &cut.channels[0]);
    memcpy(cut.tilts, series->tilts, (size_t)series->n_tilts * sizeof *cut.tilts);
    if (series->valid != NULL) SEI_TRY(SEI_NEW(cut.valid, series->n_tilts, ny, nx));
    SEI_TRY(sei_facts_copy(&series->facts, &cut.facts));
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        for (int64_t y = 0; y < ny; ++y) {
            const size_t from = (size_t)((t * series->ny + y) * series->nx);
            const size_t to = (size_t)((t * ny + y) * nx);
            memcpy(cut.channels[0].data + to, series->channels[channel].data + from, (size_t)nx * sizeof(float));
            if (series->valid != NULL) memcpy(cut.valid + to, series->valid + from, (size_t)nx);
        }
    }
    *out = cut;
    cut = (sei_series){0};
done:
    sei_series_free(&cut);
    return status;
}

sei_status sei_series_pad(const sei_series *series, int64_t n, sei_series *out) {
    sei_series wide = {0};
    sei_status status = SEI_OK;
    if (n == 0) return sei_series_copy(series, out);
    const int64_t nx = series->nx + 2 * n;
    SEI_TRY(sei_series_alloc(nx, series->ny, series->n_tilts, series->n_channels, &wide));
    copy_frame(series, &wide);
    memcpy(wide.tilts, series->tilts, (size_t)series->n_tilts * sizeof *wide.tilts);
    SEI_TRY(SEI_NEW(wide.valid, series->n_tilts, series->ny, nx));
    SEI_TRY(sei_facts_copy(&series->facts, &wide.facts));
    for (size_t c = 0; c < series->n_channels; ++c) copy_header(&series->channels[c], &wide.channels[c]);
    for (int64_t row = 0; row < series->n_tilts * series->ny; ++row) {
        const size_t from = (size_t)(row * series->nx);
        const size_t to = (size_t)(row * nx + n);
        for (size_t c = 0; c < series->n_channels; ++c) {
            memcpy(wide.channels[c].data + to, series->channels[c].data + from, (size_t)series->nx * sizeof(float));
        }
        if (series->valid != NULL) {
            memcpy(wide.valid + to, series->valid + from, (size_t)series->nx);
        } else {
            memset(wide.valid + to, 1, (size_t)series->nx);
        }
    }
    *out = wide;
    wide = (sei_series){0};
done:
    sei_series_free(&wide);
    return status;
}

sei_status sei_volume_cut_sides(sei_volume *volume, int64_t n) {
    sei_volume cut = {0};
    if (n == 0) return SEI_OK;
    const sei_status status = sei_volume_alloc(volume->nx - 2 * n, volume->ny, volume->nz, volume->voxel_nm, &cut);
    if (status != SEI_OK) return status;
    for (int64_t row = 0; row < volume->ny * volume->nz; ++row) {
        memcpy(cut.data + row * cut.nx, volume->data + row * volume->nx + n, (size_t)cut.nx * sizeof(float));
    }
    memcpy(cut.name, volume->name, sizeof cut.name);
    memcpy(cut.unit, volume->unit, sizeof cut.unit);
    cut.facts = volume->facts;
    volume->facts = (sei_facts){0};
    sei_volume_free(volume);
    *volume = cut;
    return SEI_OK;
}

static double channel_mean(const sei_series *series, size_t c, int64_t t) {
    const size_t image = (size_t)series->nx * (size_t)series->ny;
    const float *data = series->channels[c].data + (size_t)t * image;
    const uint8_t *valid = series->valid == NULL ? NULL : series->valid + (size_t)t * image;
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < image; ++i) {
        if ((valid != NULL && valid[i] == 0) || !isfinite(data[i])) continue;
        sum += (double)data[i];
        ++count;
    }
    return count > 0 ? sum / (double)count : NAN;
}

sei_status sei_series_tilt_table(const sei_series *series, sei_table *out) {
    enum { FIXED = 4, MAX_CHANNELS = 64 };
    static const char *const fixed[FIXED] = {"tilt_deg", "order", "section", "dose_e_per_nm2"};
    char names[MAX_CHANNELS][SEI_NAME_LENGTH];
    const char *columns[FIXED + MAX_CHANNELS];
    const size_t shown = series->n_channels < MAX_CHANNELS ? series->n_channels : MAX_CHANNELS;
    for (size_t i = 0; i < FIXED; ++i) columns[i] = fixed[i];
    for (size_t c = 0; c < shown; ++c) {
        snprintf(names[c], sizeof names[c], "mean_%.*s", (int)(SEI_NAME_LENGTH - 6), series->channels[c].name);
        columns[FIXED + c] = names[c];
    }
    sei_table table = {0};
    const sei_status status = sei_table_alloc("tilts", FIXED + shown, columns, (size_t)series->n_tilts, &table);
    if (status != SEI_OK) return status;
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        double *row = table.cells + (size_t)t * table.n_columns;
        const sei_tilt *tilt = &series->tilts[t];
        row[0] = tilt->tilt_deg;
        row[1] = tilt->order >= 0 ? (double)tilt->order : NAN;
        row[2] = (double)tilt->section;
        row[3] = tilt->dose_e_per_nm2;
        for (size_t c = 0; c < shown; ++c) row[FIXED + c] = channel_mean(series, c, t);
    }
    *out = table;
    return SEI_OK;
}
