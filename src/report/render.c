/* The pictures of the public header: values to colours, then to a panel. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "report/digits.h"
#include "report/panel.h"
#include "report/shade.h"

void sei_picture_options_default(sei_picture_options *options) {
    *options = (sei_picture_options){.thickness_nm = 5,
                                     .min_side_px = 400,
                                     .low_percentile = 0.5,
                                     .high_percentile = 99.8,
                                     .max_side_px = 2400,
                                     .range_low = NAN,
                                     .range_high = NAN};
}

/* 0 to 1; what is no number is black. */
double sei_share(float value, const sei_range *range, double floor_share) {
    if (!isfinite(value)) return 0;
    const double share = fmin(((double)value - range->low) / (range->high - range->low), 1);
    return fmax(share - floor_share, 0) / (1 - floor_share);
}

/*
 * Colour of a pixel from the channels' shares of their ranges: their mix, as bright as the strongest. In a composite the lowest
 * eighth of each range is left black, else the backgrounds of many channels add up to a haze.
 */
static sei_status compose(size_t n, const sei_image *images, const sei_range *ranges, uint8_t (*rgb)[3], uint8_t **out) {
    const int64_t width = images[0].width, height = images[0].height;
    const double floor_share = n > 1 ? SEI_COMPOSITE_FLOOR : 0;
    uint8_t *pixels = NULL;
    const sei_status status = SEI_NEW(pixels, height, width, 3);
    if (status != SEI_OK) return status;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t p = 0; p < width * height; ++p) {
        sei_mix mix = {0};
        for (size_t v = 0; v < n; ++v) sei_mix_add(&mix, sei_share(images[v].data[p], &ranges[v], floor_share), rgb[v]);
        for (int c = 0; c < 3 && mix.weight > 0; ++c) pixels[3 * p + c] = (uint8_t)(mix.light[c] / mix.weight * mix.most + 0.5);
    }
    *out = pixels;
    return SEI_OK;
}

static sei_status check_volumes(size_t n, const sei_volume *volumes) {
    if (n < 1) return sei_fail(SEI_ERR_INPUT, "a picture needs at least one volume");
    for (size_t v = 0; v < n; ++v) {
        const sei_volume *a = &volumes[0], *b = &volumes[v];
        if (b->data == NULL || b->nx < 1 || b->ny < 1 || b->nz < 1) return sei_fail(SEI_ERR_INPUT, "volume %zu is empty", v + 1);
        if (a->nx != b->nx || a->ny != b->ny || a->nz != b->nz || fabs(a->voxel_nm - b->voxel_nm) > 1e-4 * fabs(a->voxel_nm)) {
            return sei_fail(SEI_ERR_INPUT,
                            "volumes of one picture must share one grid: '%s' has %lld x %lld x %lld voxels of %g nm, '%s' %lld "
                            "x %lld x %lld of %g nm; resample them first",
                            a->name, (long long)a->nx, (long long)a->ny, (long long)a->nz, a->voxel_nm, b->name, (long long)b->nx,
                            (long long)b->ny, (long long)b->nz, b->voxel_nm);
        }
    }
    return SEI_OK;
}

/* One image per volume to a file; frees nothing. shaded: pixels that are made already, or NULL; then images[0] has no data. */
static sei_status write_images(const char *path, size_t n, const sei_image *images, const uint8_t *shaded,
                               const sei_range *ranges, const char *const *names, const char *unit,
                               const sei_picture_options *options, bool overwrite) {
    sei_legend_entry *legend = NULL;
    uint8_t(*rgb)[3] = NULL;
    uint8_t *pixels = NULL;
    sei_panel panel = {.width = images[0].width,
                       .height = images[0].height,
                       .pixel_nm = images[0].pixel_nm,
                       .across = images[0].across,
                       .down = images[0].down};
    sei_status status = SEI_OK;
    char shown[3 * SEI_UNIT_LENGTH];
    SEI_TRY(SEI_NEW(legend, (int64_t)n, 1, 1));
    SEI_TRY(SEI_NEW(rgb, (int64_t)n, 1, 1));
    for (size_t v = 0; v < n; ++v) {
        sei_channel_colour(names[v], rgb[v]);
        snprintf(legend[v].name, sizeof legend[v].name, "%s", names[v][0] != 0 ? names[v] : "signal");
        memcpy(legend[v].rgb, rgb[v], 3);
    }
    sei_digits_unit(unit, shown, sizeof shown);
    panel.n_legend = n > 1 || shaded != NULL ? n : 0;
    panel.legend = legend;
    panel.colour_bar = n == 1 && shaded == NULL;
    panel.range = ranges[0];
    panel.unit = shown;
    memcpy(panel.bar_rgb, rgb[0], 3);
    if (shaded == NULL) SEI_TRY(compose(n, images, ranges, rgb, &pixels));
    panel.rgb = shaded != NULL ? shaded : pixels;
    SEI_TRY(sei_panel_write(path, &panel, options, overwrite));
done:
    sei_free(pixels);
    sei_free(rgb);
    sei_free(legend);
    return status;
}

/* What a picture of n volumes is made of: an image, a range and a name for each. */
typedef struct layers {
    sei_image *images;
    sei_range *ranges;
    const char **names;
} layers;

static sei_status layers_new(size_t n, const sei_volume *volumes, layers *l) {
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(l->images, (int64_t)n, 1, 1));
    SEI_TRY(SEI_NEW(l->ranges, (int64_t)n, 1, 1));
    SEI_TRY(SEI_NEW(l->names, (int64_t)n, 1, 1));
    for (size_t v = 0; v < n; ++v) l->names[v] = volumes[v].name;
done:
    return status;
}

static void layers_free(size_t n, layers *l) {
    for (size_t v = 0; l->images != NULL && v < n; ++v) sei_image_free(&l->images[v]);
    sei_free(l->images);
    sei_free(l->ranges);
    sei_free(l->names);
}

sei_status sei_render_composite(const char *path, size_t n, const sei_volume *volumes, const sei_picture_options *options,
                                bool overwrite) {
    layers l = {0};
    sei_status status = check_volumes(n, volumes);
    if (status == SEI_OK) status = sei_picture_check(options);
    if (status != SEI_OK) return status;
    SEI_TRY(layers_new(n, volumes, &l));
    for (size_t v = 0; v < n; ++v) {
        SEI_TRY(sei_image_slab(&volumes[v], options, &l.images[v]));
        SEI_TRY(sei_range_of_slabs(&volumes[v], options, &l.ranges[v]));
    }
    SEI_TRY(write_images(path, n, l.images, NULL, l.ranges, l.names, volumes[0].unit, options, overwrite));
done:
    layers_free(n, &l);
    return status;
}

sei_status sei_render_slice(const char *path, const sei_volume *volume, const sei_picture_options *options, bool overwrite) {
    return sei_render_composite(path, 1, volume, options, overwrite);
}

/*
 * One range for all views: the percentiles of the views at 0 and 90 degrees together. A maximum along a ray lifts the
 * noise of empty space above zero; the range begins above that: at the 5th percentile of the rays that meet anything.
 */
static sei_status range_of_views(const sei_volume *volume, double radius, const sei_picture_options *options, sei_range *range) {
    sei_image front = {0}, side = {0};
    float *both = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_image_project(volume, 0, radius, options->projection, &front));
    SEI_TRY(sei_image_project(volume, 90, radius, options->projection, &side));
    const size_t pixels = (size_t)(front.width * front.height);
    SEI_TRY(SEI_NEW(both, 2, front.height, front.width));
    memcpy(both, front.data, pixels * sizeof *both);
    memcpy(both + pixels, side.data, pixels * sizeof *both);
    if (options->projection == SEI_PROJECTION_MAXIMUM) {
        for (size_t p = 0; p < 2 * pixels; ++p) both[p] = both[p] > 0 ? both[p] : NAN;
        sei_picture_options lifted = *options;
        lifted.low_percentile = fmin(fmax(options->low_percentile, 5), options->high_percentile);
        SEI_TRY(sei_range_of(both, NULL, 2 * pixels, false, &lifted, range));
    } else {
        SEI_TRY(sei_range_of(both, NULL, 2 * pixels, sei_is_element(volume->name), options, range));
    }
done:
    sei_image_free(&front);
    sei_image_free(&side);
    sei_free(both);
    return status;
}

sei_status sei_render_projection(const char *path, size_t n, const sei_volume *volumes, double view_deg,
                                 const sei_picture_options *options, bool overwrite) {
    layers l = {0};
    double radius = 0;
    sei_status status = check_volumes(n, volumes);
    if (status == SEI_OK) status = sei_picture_check(options);
    if (status == SEI_OK && !isfinite(view_deg)) status = sei_fail(SEI_ERR_INPUT, "a view needs a finite angle in degrees");
    if (status != SEI_OK) return status;
    SEI_TRY(layers_new(n, volumes, &l));
    for (size_t v = 0; v < n; ++v) {
        /* what shows in slices decides how far the view reaches */
        sei_picture_options plain = *options;
        plain.range_low = plain.range_high = NAN;
        SEI_TRY(sei_range_of_slabs(&volumes[v], &plain, &l.ranges[v]));
    }
    SEI_TRY(sei_image_view_radius(n, volumes, l.ranges, &radius));
    if (options->projection == SEI_PROJECTION_SHADED) {
        uint8_t(*rgb)[3] = NULL, *pixels = NULL;
        sei_image frame = {.height = volumes[0].ny, .pixel_nm = volumes[0].voxel_nm, .down = "y"};
        sei_image_view_arrow(view_deg, &frame);
        status = SEI_NEW(rgb, (int64_t)n, 1, 1);
        for (size_t v = 0; v < n && status == SEI_OK; ++v) sei_channel_colour(l.names[v], rgb[v]);
        if (status == SEI_OK)
            status = sei_shade(n, volumes, l.ranges, rgb, view_deg, radius, options->cut_fraction, &frame.width, &pixels);
        if (status == SEI_OK) status = write_images(path, n, &frame, pixels, l.ranges, l.names, "", options, overwrite);
        sei_free(rgb);
        sei_free(pixels);
        goto done;
    }
    for (size_t v = 0; v < n; ++v) {
        SEI_TRY(sei_interrupt_check());
        SEI_TRY(range_of_views(&volumes[v], radius, options, &l.ranges[v]));
        SEI_TRY(sei_image_project(&volumes[v], view_deg, radius, options->projection, &l.images[v]));
    }
    SEI_TRY(write_images(path, n, l.images, NULL, l.ranges, l.names, volumes[0].unit, options, overwrite));
done:
    layers_free(n, &l);
    return status;
}

sei_status sei_render_tilt(const char *path, const sei_series *series, size_t channel, int64_t tilt,
                           const sei_picture_options *options, bool overwrite) {
    sei_picture_options titled = *options;
    sei_range range = {0};
    char title[SEI_NAME_LENGTH + SEI_DIGITS_LENGTH + 16], angle[SEI_DIGITS_LENGTH];
    if (channel >= series->n_channels || tilt < 0 || tilt >= series->n_tilts) {
        return sei_fail(SEI_ERR_INPUT, "no channel %zu, tilt %lld: the series holds %zu channels of %lld tilts", channel,
                        (long long)tilt, series->n_channels, (long long)series->n_tilts);
    }
    sei_status status = sei_picture_check(options);
    if (status != SEI_OK) return status;
    const sei_channel *of = &series->channels[channel];
    const size_t pixels = (size_t)(series->nx * series->ny);
    sei_image image = {.width = series->nx,
                       .height = series->ny,
                       .data = of->data + (size_t)tilt * pixels,
                       .pixel_nm = series->pixel_nm,
                       .across = "x",
                       .down = "y"};
    sei_digits_fixed(series->tilts[tilt].tilt_deg, 1, angle);
    snprintf(title, sizeof title, "%s, tilt %s\xc2\xb0", of->name, angle);
    if (titled.title == NULL) titled.title = title;
    status = sei_range_of(of->data, series->valid, pixels * (size_t)series->n_tilts, sei_is_element(of->name), options, &range);
    if (status != SEI_OK) return status;
    const char *name = of->name;
    return write_images(path, 1, &image, NULL, &range, &name, of->unit, &titled, overwrite);
}

sei_status sei_render_labels(const char *path, const sei_labels *labels, const sei_picture_options *options, bool overwrite) {
    const sei_plane_strides at = sei_plane_layout(options->plane, labels->nx, labels->ny, labels->nz);
    uint8_t colours[256][3], *pixels = NULL;
    bool occurs[256] = {false};
    sei_legend_entry legend[256];
    size_t n_legend = 0;
    int64_t layer = 0;
    sei_status status = sei_picture_check(options);
    if (status == SEI_OK && (labels->data == NULL || labels->nx < 1 || labels->ny < 1 || labels->nz < 1))
        status = sei_fail(SEI_ERR_INPUT, "the labels are empty");
    if (status == SEI_OK) status = sei_image_layer(labels->nx, labels->ny, labels->nz, labels->voxel_nm, options, &layer);
    if (status != SEI_OK) return status;
    for (size_t i = 0; i < (size_t)(labels->nx * labels->ny * labels->nz); ++i) occurs[labels->data[i]] = true;
    for (size_t id = 0; id < 256; ++id) {
        char name[SEI_NAME_LENGTH];
        snprintf(name, sizeof name, "class %zu", id);
        sei_channel_colour(name, colours[id]);
        for (size_t c = 0; c < labels->n_classes; ++c) {
            if (labels->classes[c].id != id) continue;
            memcpy(colours[id], labels->classes[c].rgb, 3);
            snprintf(name, sizeof name, "%s", labels->classes[c].name);
        }
        if (!occurs[id]) continue;
        memcpy(legend[n_legend].name, name, sizeof name);
        memcpy(legend[n_legend++].rgb, colours[id], 3);
    }
    SEI_TRY(SEI_NEW(pixels, at.height, at.width, 3));
    for (int64_t j = 0; j < at.height; ++j) {
        for (int64_t i = 0; i < at.width; ++i)
            memcpy(pixels + 3 * (j * at.width + i), colours[labels->data[i * at.across + j * at.down + layer * at.through]], 3);
    }
    const sei_panel panel = {.width = at.width,
                             .height = at.height,
                             .rgb = pixels,
                             .pixel_nm = labels->voxel_nm,
                             .across = at.across_name,
                             .down = at.down_name,
                             .n_legend = n_legend,
                             .legend = legend,
                             .unit = "",
                             .labels = true};
    SEI_TRY(sei_panel_write(path, &panel, options, overwrite));
done:
    sei_free(pixels);
    return status;
}
