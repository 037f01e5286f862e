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

/* One image of a channel as a volume one voxel deep. */
static sei_status image_of(const sei_series *series, size_t c, int64_t tilt, sei_volume *out) {
    const int64_t pixels = series->nx * series->ny;
    const sei_status status = sei_volume_alloc(series->nx, series->ny, 1, series->pixel_nm, out);
    if (status != SEI_OK) return status;
    snprintf(out->name, sizeof out->name, "%s", series->channels[c].name);
    memcpy(out->data, series->channels[c].data + tilt * pixels, (size_t)pixels * sizeof *out->data);
    return SEI_OK;
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

sei_status sei_simulation_pictures(const sei_simulation_output *output, const sei_series *series, const sei_labels *labels,
                                   const sei_sections *sections) {
    const int64_t flat = flattest(series);
    sei_volume images[SEI_SIMULATE_MAX_CHANNELS] = {0};
    sei_picture_options options;
    char title[SEI_TEXT_LENGTH];
    char *path = NULL;
    sei_status status = SEI_OK;
    sei_picture_options_default(&options);
    for (size_t c = 0; c < series->n_channels; ++c) SEI_TRY(image_of(series, c, flat, &images[c]));
    SEI_TRY(picture_path(output, 0, &path));
    SEI_TRY(sei_render_tilt(path, series, 0, flat, &options, output->overwrite));
    options.thickness_nm = series->pixel_nm;
    snprintf(title, sizeof title, "%.4g deg", series->tilts[flat].tilt_deg);
    options.title = title;
    SEI_TRY(picture_path(output, 1, &path));
    SEI_TRY(composite(path, series->n_channels, images, &options, output->overwrite));
    options.plane = SEI_PLANE_XZ;
    options.title = "truth, cross-section";
    options.thickness_nm = 5;
    SEI_TRY(picture_path(output, 2, &path));
    SEI_TRY(composite(path, series->n_channels, sections->across, &options, output->overwrite));
    options.title = "true labels, cross-section";
    SEI_TRY(picture_path(output, 3, &path));
    SEI_TRY(sei_render_labels(path, labels, &options, output->overwrite));
done:
    for (size_t c = 0; c < series->n_channels; ++c) sei_volume_free(&images[c]);
    sei_free(path);
    return status;
}
