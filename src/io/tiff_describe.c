/* The ImageDescription of what we write: ImageJ's lines, then ours, which ImageJ passes over. */
#include <math.h>
#include <string.h>

#include "io/tiff.h"

static sei_status add_number(sei_text *text, const char *key, double value) {
    char digits[32];
    return isfinite(value) ? sei_text_add(text, "seitomo-%s=%s\n", key, sei_format_double(value, digits)) : SEI_OK;
}

/* A line of its own: what would end it becomes '?'. */
static sei_status add_text(sei_text *text, const char *key, const char *value) {
    char line[SEI_TEXT_LENGTH];
    size_t n = 0;
    if (value[0] == 0) return SEI_OK;
    for (; value[n] != 0 && n + 1 < sizeof line; ++n) line[n] = (unsigned char)value[n] < 32 ? '?' : value[n];
    line[n] = 0;
    return sei_text_add(text, "seitomo-%s=%s\n", key, line);
}

static sei_status begin(sei_text *text, int64_t images, double pixel_nm, double spacing_nm) {
    char digits[32];
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(text, "ImageJ=1.54f\nimages=%lld\nslices=%lld\n", (long long)images, (long long)images));
    if (isfinite(pixel_nm)) SEI_TRY(sei_text_add(text, "unit=nm\n"));
    if (isfinite(spacing_nm)) SEI_TRY(sei_text_add(text, "spacing=%s\n", sei_format_double(spacing_nm, digits)));
    SEI_TRY(sei_text_add(text, "loop=false\n"));
    SEI_TRY(add_number(text, "pixel_nm", pixel_nm));
done:
    return status;
}

sei_status sei_tiff_describe_series(const sei_series *series, size_t channel, sei_dtype stored, sei_text *text) {
    const sei_channel *c = &series->channels[channel];
    char digits[32];
    bool known = true;
    bool ordered = false;
    bool dosed = false;
    sei_status status = SEI_OK;
    SEI_TRY(begin(text, series->n_tilts, series->pixel_nm, NAN));
    SEI_TRY(add_text(text, "channel", c->name));
    SEI_TRY(add_text(text, "unit", c->unit));
    SEI_TRY(add_text(text, "stored", sei_dtype_name(stored)));
    SEI_TRY(add_number(text, "window_low_kev", c->window_low_kev));
    SEI_TRY(add_number(text, "window_high_kev", c->window_high_kev));
    SEI_TRY(add_number(text, "axis_deg", series->axis_deg));
    SEI_TRY(add_number(text, "axis_offset_px", series->axis_offset_px));
    SEI_TRY(add_text(text, "aligned", series->aligned ? "1" : "0"));
    for (int64_t i = 0; i < series->n_tilts; ++i) {
        known = known && isfinite(series->tilts[i].tilt_deg);
        ordered = ordered || series->tilts[i].order >= 0;
        dosed = dosed || isfinite(series->tilts[i].dose_e_per_nm2);
    }
    for (int64_t i = 0; i < series->n_tilts && known; ++i)
        SEI_TRY(
            sei_text_add(text, "%s%s", i == 0 ? "seitomo-tilt_deg=" : " ", sei_format_double(series->tilts[i].tilt_deg, digits)));
    if (known) SEI_TRY(sei_text_add(text, "\n"));
    for (int64_t i = 0; i < series->n_tilts && ordered; ++i)
        SEI_TRY(sei_text_add(text, "%s%d", i == 0 ? "seitomo-order=" : " ", series->tilts[i].order));
    if (ordered) SEI_TRY(sei_text_add(text, "\n"));
    for (int64_t i = 0; i < series->n_tilts && dosed; ++i)
        SEI_TRY(sei_text_add(text, "%s%s", i == 0 ? "seitomo-dose_e_per_nm2=" : " ",
                             sei_format_double(series->tilts[i].dose_e_per_nm2, digits)));
    if (dosed) SEI_TRY(sei_text_add(text, "\n"));
done:
    return status;
}

sei_status sei_tiff_describe_volume(const sei_volume *volume, sei_text *text) {
    sei_status status = SEI_OK;
    SEI_TRY(begin(text, volume->nz, volume->voxel_nm, volume->voxel_nm));
    SEI_TRY(add_text(text, "channel", volume->name));
    SEI_TRY(add_text(text, "unit", volume->unit));
    SEI_TRY(add_text(text, "volume", "1"));
done:
    return status;
}

sei_status sei_tiff_describe_labels(const sei_labels *labels, sei_text *text) {
    sei_facts classes = {0};
    sei_status status = SEI_OK;
    SEI_TRY(begin(text, labels->nz, labels->voxel_nm, labels->voxel_nm));
    SEI_TRY(add_text(text, "channel", "labels"));
    SEI_TRY(add_text(text, "volume", "1"));
    SEI_TRY(sei_facts_add_classes(&classes, labels, ""));
    for (size_t i = 0; i < classes.count; ++i) SEI_TRY(add_text(text, classes.items[i].key, classes.items[i].value));
done:
    sei_facts_free(&classes);
    return status;
}
