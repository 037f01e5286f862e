/* Pictures of a simulation: what the microscope shows at 0 deg, and a section of the truth. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/report.h"
#include "study/simulation_output.h"

static const char *const names[] = {"tilt", "composite", "section", "labels"};

const char *sei_simulation_picture(size_t index) {
    return index < sizeof names / sizeof names[0] ? names[index] : NULL;
}

static int64_t flattest(const sei_series *series) {
    int64_t flat = 0;
    for (int64_t t = 1; t < series->n_tilts; ++t) {
        if (fabs(series->tilts[t].tilt_deg) < fabs(series->tilts[flat].tilt_deg)) flat = t;
    }
    return flat;
}

static bool is_element(const char *name) {
    return strcasecmp(name, "HAADF") != 0;
}

/* Counts are few in a pixel: maps are shown as the paper's are, after a Gaussian of this many pixels. */
static const double smooth_px = 0.8;
enum { REACH = 3 };

/* One line of n values `step` apart, smoothed from `from` to `to`; the ends are held. */
static void smooth_line(const float *from, float *to, int64_t n, int64_t step, const double *weight) {
    for (int64_t i = 0; i < n; ++i) {
        double sum = 0;
        for (int64_t d = -REACH; d <= REACH; ++d) {
            const int64_t at = i + d < 0 ? 0 : i + d >= n ? n - 1 : i + d;
            sum += weight[d + REACH] * (double)from[at * step];
        }
        to[i * step] = (float)sum;
    }
}

/* One image of a channel as a volume one voxel deep, smoothed. */
static sei_status image_of(const sei_series *series, size_t c, int64_t tilt, sei_volume *out) {
    const float *image = series->channels[c].data + tilt * series->nx * series->ny;
    double weight[2 * REACH + 1];
    double total = 0;
    float *rows = NULL;
    sei_status status = SEI_OK;
    for (int d = -REACH; d <= REACH; ++d) total += weight[d + REACH] = exp(-0.5 * d * d / (smooth_px * smooth_px));
    for (int d = 0; d <= 2 * REACH; ++d) weight[d] /= total;
    SEI_TRY(SEI_NEW(rows, series->ny, series->nx, 1));
    SEI_TRY(sei_volume_alloc(series->nx, series->ny, 1, series->pixel_nm, out));
    snprintf(out->name, sizeof out->name, "%s", series->channels[c].name);
    for (int64_t y = 0; y < series->ny; ++y) {
        smooth_line(image + y * series->nx, rows + y * series->nx, series->nx, 1, weight);
    }
    for (int64_t x = 0; x < series->nx; ++x) smooth_line(rows + x, out->data + x, series->ny, series->nx, weight);
done:
    sei_free(rows);
    return status;
}

/* The volumes laid over each other, without HAADF when there is anything else. */
static sei_status composite(const char *path, size_t n, const sei_volume *volumes, const sei_picture_options *options,
                            bool overwrite) {
    sei_volume chosen[SEI_SIMULATE_MAX_CHANNELS]; /* shallow */
    size_t n_chosen = 0;
    for (size_t c = 0; c < n; ++c) {
        if (is_element(volumes[c].name) && volumes[c].data != NULL) chosen[n_chosen++] = volumes[c];
    }
    if (n_chosen == 0) chosen[n_chosen++] = volumes[0];
    return sei_render_composite(path, n_chosen, chosen, options, overwrite);
}

static sei_status picture_path(const sei_simulation_output *output, size_t which, char **path) {
    char name[64];
    snprintf(name, sizeof name, "pictures/%s.png", names[which]);
    sei_free(*path);
    *path = NULL;
    return sei_path_join(output->folder, name, path);
}

/* "title: what", or what alone. */
static const char *titled(const char *title, const char *what, char text[2 * SEI_TEXT_LENGTH]) {
    snprintf(text, 2 * (size_t)SEI_TEXT_LENGTH, "%.150s%s%s", title, title[0] != 0 ? ": " : "", what);
    return text;
}

sei_status sei_simulation_pictures(const char *title, const sei_simulation_output *output, const sei_series *series,
                                   const sei_labels *labels, const sei_sections *sections) {
    const int64_t flat = flattest(series);
    sei_volume images[SEI_SIMULATE_MAX_CHANNELS] = {0};
    sei_picture_options options;
    char text[2 * SEI_TEXT_LENGTH], what[SEI_TEXT_LENGTH];
    char *path = NULL;
    sei_status status = SEI_OK;
    sei_picture_options_default(&options);
    for (size_t c = 0; c < series->n_channels; ++c) SEI_TRY(image_of(series, c, flat, &images[c]));
    SEI_TRY(picture_path(output, 0, &path));
    snprintf(what, sizeof what, "%s, tilt %.1f°", series->channels[0].name, series->tilts[flat].tilt_deg);
    options.title = titled(title, what, text);
    SEI_TRY(sei_render_tilt(path, series, 0, flat, &options, output->overwrite));
    options.thickness_nm = series->pixel_nm;
    snprintf(what, sizeof what, "elements, tilt %.1f°", series->tilts[flat].tilt_deg);
    options.title = titled(title, what, text);
    SEI_TRY(picture_path(output, 1, &path));
    SEI_TRY(composite(path, series->n_channels, images, &options, output->overwrite));
    options.plane = SEI_PLANE_XZ;
    options.title = titled(title, "truth, cross-section", text);
    options.thickness_nm = 5;
    SEI_TRY(picture_path(output, 2, &path));
    SEI_TRY(composite(path, series->n_channels, sections->across, &options, output->overwrite));
    options.title = titled(title, "true labels, cross-section", text);
    SEI_TRY(picture_path(output, 3, &path));
    SEI_TRY(sei_render_labels(path, labels, &options, output->overwrite));
done:
    for (size_t c = 0; c < series->n_channels; ++c) sei_volume_free(&images[c]);
    sei_free(path);
    return status;
}
