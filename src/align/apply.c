/* Shift and rotation of every channel in one interpolation; shifts as a table. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "align/align.h"
#include "core/alloc.h"
#include "core/log.h"

static sei_status check_tilts(const sei_series *series, const sei_shifts *shifts) {
    if (shifts->count != series->n_tilts) {
        return sei_fail(SEI_ERR_INPUT, "%lld shifts for %lld tilts; each tilt needs one", (long long)shifts->count,
                        (long long)series->n_tilts);
    }
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        if (!(fabs(shifts->tilt_deg[t] - series->tilts[t].tilt_deg) <= 1e-3)) {
            return sei_fail(SEI_ERR_INPUT, "shift %lld is for tilt %.4f deg, the series has %.4f deg there", (long long)t + 1,
                            shifts->tilt_deg[t], series->tilts[t].tilt_deg);
        }
        if (!(fabs(shifts->dx_px[t]) < 1e6) || !(fabs(shifts->dy_px[t]) < 1e6)) {
            return sei_fail(SEI_ERR_INPUT, "tilt %.4g deg: shift (%g, %g) px is no shift", shifts->tilt_deg[t], shifts->dx_px[t],
                            shifts->dy_px[t]);
        }
    }
    return SEI_OK;
}

/* Buffers for one image on its way through the device. */
typedef struct passage {
    sei_device *device;
    int nx, ny;
    sei_buffer *in, *out, *covered;
    float *turned; /* the image after quarter turns */
} passage;

static sei_status move(passage *p, const float *image, int64_t from_nx, int64_t from_ny, int quarter, const double xf[6],
                       int interpolation, float *to) {
    const size_t size = (size_t)p->nx * (size_t)p->ny;
    sei_status status = SEI_OK;
    sei_turn(image, from_nx, from_ny, quarter, p->turned);
    SEI_TRY(SEI_OP(p->device, upload)(p->device, p->in, 0, size, p->turned));
    SEI_TRY(SEI_OP(p->device, resample)(p->device, p->nx, p->ny, 1, xf, interpolation, p->in, p->out, p->covered));
    SEI_TRY(SEI_OP(p->device, download)(p->device, p->out, 0, size, to));
done:
    return status;
}

sei_status sei_align_apply(sei_device *device, const sei_series *series, const sei_shifts *shifts, int interpolation,
                           sei_series *out) {
    sei_series moved = {0};
    passage p = {.device = device};
    float *flags = NULL, *seen = NULL;
    int quarter = 0;
    double rest_deg = 0;
    sei_status status = SEI_OK;
    SEI_TRY(check_tilts(series, shifts));
    if (interpolation != 1 && interpolation != 3) {
        return sei_fail(SEI_ERR_USAGE, "interpolation %d is neither 1 (bilinear) nor 3 (cubic)", interpolation);
    }
    sei_split_angle(series->axis_deg, &quarter, &rest_deg);
    const int64_t nx = quarter % 2 != 0 ? series->ny : series->nx, ny = quarter % 2 != 0 ? series->nx : series->ny;
    const size_t size = (size_t)nx * (size_t)ny;
    const double c = cos(rest_deg * (M_PI / 180)), s = sin(rest_deg * (M_PI / 180));
    p.nx = (int)nx;
    p.ny = (int)ny;
    SEI_TRY(sei_series_alloc(nx, ny, series->n_tilts, series->n_channels, &moved));
    memcpy(moved.tilts, series->tilts, (size_t)series->n_tilts * sizeof *series->tilts);
    SEI_TRY(sei_facts_copy(&series->facts, &moved.facts));
    SEI_TRY(SEI_NEW(moved.valid, series->n_tilts, ny, nx));
    SEI_TRY(SEI_NEW(p.turned, ny, nx, 1));
    SEI_TRY(SEI_NEW(flags, ny, nx, 1));
    SEI_TRY(SEI_NEW(seen, ny, nx, 1));
    SEI_TRY(SEI_OP(device, alloc)(device, size, &p.in));
    SEI_TRY(SEI_OP(device, alloc)(device, size, &p.out));
    SEI_TRY(SEI_OP(device, alloc)(device, size, &p.covered));
    for (size_t k = 0; k < series->n_channels; ++k) {
        float *data = moved.channels[k].data;
        moved.channels[k] = series->channels[k];
        moved.channels[k].data = data;
    }
    sei_progress_begin("apply shifts", series->n_tilts);
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        const size_t at = (size_t)t * size;
        const double dx = shifts->dx_px[t], dy = shifts->dy_px[t];
        const double xf[6] = {c, -s, s, c, -c * dx + s * dy, -s * dx - c * dy};
        for (size_t i = 0; i < size; ++i) flags[i] = series->valid == NULL || series->valid[at + i] != 0 ? 1.0f : 0.0f;
        SEI_TRY(move(&p, flags, series->nx, series->ny, quarter, xf, 1, seen));
        SEI_TRY(SEI_OP(device, download)(device, p.covered, 0, size, flags));
        for (size_t i = 0; i < size; ++i) moved.valid[at + i] = flags[i] > 0 && seen[i] > 0.999f;
        for (size_t k = 0; k < series->n_channels; ++k) {
            float *to = moved.channels[k].data + at;
            SEI_TRY(move(&p, series->channels[k].data + at, series->nx, series->ny, quarter, xf, interpolation, to));
            if (interpolation != 1) { /* cubic taps reach further: what is valid is valid for every channel */
                SEI_TRY(SEI_OP(device, download)(device, p.covered, 0, size, flags));
                for (size_t i = 0; i < size; ++i) moved.valid[at + i] = moved.valid[at + i] != 0 && flags[i] > 0;
            }
        }
        for (size_t k = 0; k < series->n_channels; ++k) {
            for (size_t i = 0; i < size; ++i) {
                if (moved.valid[at + i] == 0) moved.channels[k].data[at + i] = 0;
            }
        }
        SEI_TRY(sei_progress_step(t + 1));
    }
    moved.pixel_nm = series->pixel_nm;
    moved.axis_deg = 0;
    moved.axis_offset_px = isnan(shifts->axis_offset_px) ? series->axis_offset_px : shifts->axis_offset_px;
    moved.aligned = true;
    SEI_TRY(sei_facts_set(&moved.facts, "aligned", interpolation == 1 ? "bilinear" : "cubic", "shifts applied to every channel"));
    *out = moved;
    moved = (sei_series){0};
done:
    sei_progress_end();
    if (p.in != NULL) device->backend->release(device, p.in);
    if (p.out != NULL) device->backend->release(device, p.out);
    if (p.covered != NULL) device->backend->release(device, p.covered);
    sei_free(p.turned);
    sei_free(flags);
    sei_free(seen);
    sei_series_free(&moved);
    return status;
}

sei_status sei_shifts_to_table(const sei_shifts *shifts, sei_table *out) {
    static const char *const columns[] = {"tilt_deg",         "dx_px", "dy_px", "score", "score_before", "axis_offset_px",
                                          "axis_offset_sd_px"};
    sei_table table = {0};
    const sei_status status = sei_table_alloc("shifts", 7, columns, (size_t)shifts->count, &table);
    if (status != SEI_OK) return status;
    for (int64_t t = 0; t < shifts->count; ++t) {
        const double row[7] = {shifts->tilt_deg[t],     shifts->dx_px[t],       shifts->dy_px[t],         shifts->score[t],
                               shifts->score_before[t], shifts->axis_offset_px, shifts->axis_offset_sd_px};
        memcpy(&table.cells[7 * t], row, sizeof row);
    }
    *out = table;
    return SEI_OK;
}

static bool has_column(const sei_table *table, const char *name) {
    for (size_t c = 0; c < table->n_columns; ++c) {
        if (strcmp(table->columns[c], name) == 0) return true;
    }
    return false;
}

sei_status sei_shifts_from_table(const sei_table *table, sei_shifts *out) {
    static const char *const needed[] = {"tilt_deg", "dx_px", "dy_px"};
    sei_shifts shifts = {0};
    sei_status status = SEI_OK;
    for (int i = 0; i < 3; ++i) {
        if (!has_column(table, needed[i])) {
            return sei_fail(SEI_ERR_INPUT, "table '%s' has no column %s; shifts need tilt_deg,dx_px,dy_px", table->name,
                            needed[i]);
        }
    }
    if (table->n_rows == 0) return sei_fail(SEI_ERR_INPUT, "table '%s' holds no shifts", table->name);
    SEI_TRY(sei_shifts_alloc((int64_t)table->n_rows, &shifts));
    for (size_t t = 0; t < table->n_rows; ++t) {
        shifts.tilt_deg[t] = sei_table_get(table, t, "tilt_deg");
        shifts.dx_px[t] = sei_table_get(table, t, "dx_px");
        shifts.dy_px[t] = sei_table_get(table, t, "dy_px");
        shifts.score[t] = sei_table_get(table, t, "score");
        shifts.score_before[t] = sei_table_get(table, t, "score_before");
        if (!isfinite(shifts.tilt_deg[t]) || !isfinite(shifts.dx_px[t]) || !isfinite(shifts.dy_px[t])) {
            SEI_TRY(sei_fail(SEI_ERR_INPUT, "table '%s', row %zu: tilt and shifts must be finite numbers", table->name, t + 1));
        }
    }
    shifts.axis_offset_px = sei_table_get(table, 0, "axis_offset_px"); /* NaN when absent: the table does not say */
    shifts.axis_offset_sd_px = sei_table_get(table, 0, "axis_offset_sd_px");
    *out = shifts;
    shifts = (sei_shifts){0};
done:
    sei_shifts_free(&shifts);
    return status;
}
