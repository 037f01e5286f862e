/* Series as Berkeley EMD 0.2, volumes and labels as EMD 1.0. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "io/emd.h"
#include "io/emd_out.h"

enum { GROUP_BYTES = 128, PATH_BYTES = 256 };

static const char CONVENTION[] =
    "data[tilt][y][x]; tilt axis along y after turning by axis_deg (from +y towards -x); u = x cos(tilt) - z sin(tilt)";

/* A group name from a channel's: no slash, not empty, no second of its kind. */
static void group_name(const char *parent, const char *name, size_t index, char path[GROUP_BYTES]) {
    char safe[SEI_NAME_LENGTH];
    size_t n = 0;
    for (; name[n] != 0 && n + 1 < sizeof safe; ++n) safe[n] = name[n] == '/' || iscntrl((unsigned char)name[n]) ? '_' : name[n];
    safe[n] = 0;
    if (n == 0 || strspn(safe, ".") == n) {
        snprintf(path, GROUP_BYTES, "%s/channel_%zu", parent, index + 1);
    } else {
        snprintf(path, GROUP_BYTES, "%s/%s", parent, safe);
    }
}

static sei_status new_group(sei_h5_out *out, const char *parent, const char *name, size_t index, char path[GROUP_BYTES]) {
    group_name(parent, name, index, path);
    if (H5Lexists(out->id, path, H5P_DEFAULT) > 0) {
        const size_t length = strlen(path);
        snprintf(path + length, GROUP_BYTES - length, "_%zu", index + 1);
    }
    return sei_h5_make_group(out, path);
}

static sei_status path_in(const char *group, const char *name, char path[PATH_BYTES]) {
    const int n = snprintf(path, PATH_BYTES, "%s/%s", group, name);
    return n > 0 && n < PATH_BYTES ? SEI_OK : sei_fail(SEI_ERR_USAGE, "an object's name is too long: %s", name);
}

static sei_status put_if_known(sei_h5_out *out, const char *path, const char *name, double value) {
    return isfinite(value) ? sei_h5_put_number(out, path, name, value) : SEI_OK;
}

/* A series read for information only may lack its angles: then its first axis is a mere count. */
static bool angles_known(const sei_series *series) {
    for (int64_t i = 0; i < series->n_tilts; ++i) {
        if (!isfinite(series->tilts[i].tilt_deg)) return false;
    }
    return true;
}

/* What all channels share: exact angles, order, dose, geometry, mask. */
static sei_status write_geometry(sei_h5_out *out, const sei_series *series) {
    static const char own[] = "/seitomo";
    double *list = NULL;
    bool ordered = false;
    bool dosed = false;
    sei_status status = SEI_OK;
    const size_t n = (size_t)series->n_tilts;
    SEI_TRY(SEI_NEW(list, series->n_tilts, 1, 1));
    SEI_TRY(sei_h5_make_group(out, own));
    SEI_TRY(sei_h5_put_text(out, own, "convention", CONVENTION));
    SEI_TRY(put_if_known(out, own, "pixel_nm", series->pixel_nm));
    SEI_TRY(put_if_known(out, own, "axis_deg", series->axis_deg));
    SEI_TRY(put_if_known(out, own, "axis_offset_px", series->axis_offset_px));
    SEI_TRY(sei_h5_put_integer(out, own, "aligned", series->aligned));
    for (size_t i = 0; i < n; ++i) {
        list[i] = series->tilts[i].tilt_deg;
        ordered = ordered || series->tilts[i].order >= 0;
        dosed = dosed || isfinite(series->tilts[i].dose_e_per_nm2);
    }
    if (angles_known(series)) SEI_TRY(sei_h5_write_list(out, "/seitomo/tilt_deg", list, n, SEI_DTYPE_F64));
    for (size_t i = 0; i < n; ++i) list[i] = series->tilts[i].order;
    if (ordered) SEI_TRY(sei_h5_write_list(out, "/seitomo/order", list, n, SEI_DTYPE_I32));
    for (size_t i = 0; i < n; ++i) list[i] = series->tilts[i].dose_e_per_nm2;
    if (dosed) SEI_TRY(sei_h5_write_list(out, "/seitomo/dose_e_per_nm2", list, n, SEI_DTYPE_F64));
    if (series->valid != NULL) {
        const sei_h5_array mask = {series->nx, series->ny, series->n_tilts, SEI_DTYPE_U8, NULL, series->valid};
        SEI_TRY(sei_h5_write_array(out, "/seitomo/valid", &mask));
    }
done:
    sei_free(list);
    return status;
}

static sei_status write_channel(sei_h5_out *out, const sei_series *series, size_t index) {
    const sei_channel *channel = &series->channels[index];
    const size_t values = (size_t)(series->nx * series->ny * series->n_tilts);
    const double window[] = {channel->window_low_kev, channel->window_high_kev};
    const bool scaled = isfinite(series->pixel_nm) && series->pixel_nm > 0;
    char group[GROUP_BYTES];
    char path[PATH_BYTES];
    double *angles = NULL;
    sei_status status = SEI_OK;
    const sei_h5_array array = {
        series->nx, series->ny, series->n_tilts, sei_storable_type(channel->data, values, channel->stored), channel->data, NULL};
    SEI_TRY(new_group(out, "/data", channel->name, index, group));
    SEI_TRY(sei_h5_put_integer(out, group, "emd_group_type", 1));
    SEI_TRY(sei_h5_put_text(out, group, "channel", channel->name));
    SEI_TRY(sei_h5_put_integer(out, group, "channel_index", (int64_t)index));
    if (isfinite(window[0]) || isfinite(window[1])) SEI_TRY(sei_h5_put_numbers(out, group, "energy_window_kev", window, 2));
    SEI_TRY(path_in(group, "data", path));
    SEI_TRY(sei_h5_write_array(out, path, &array));
    if (channel->unit[0] != 0) SEI_TRY(sei_h5_put_text(out, path, "units", channel->unit));
    /* tomviz reads the angles as float32 and as nothing else; /seitomo/tilt_deg keeps every digit */
    SEI_TRY(SEI_NEW(angles, series->n_tilts, 1, 1));
    for (int64_t i = 0; i < series->n_tilts; ++i) angles[i] = series->tilts[i].tilt_deg;
    SEI_TRY(path_in(group, "dim1", path));
    if (!angles_known(series)) {
        SEI_TRY(sei_h5_write_dim(out, group, 1, series->n_tilts, 1, "image", "[px]"));
    } else {
        SEI_TRY(sei_h5_write_list(out, path, angles, (size_t)series->n_tilts, SEI_DTYPE_F32));
        SEI_TRY(sei_h5_put_text(out, path, "name", "angles"));
        SEI_TRY(sei_h5_put_text(out, path, "units", "[deg]"));
    }
    SEI_TRY(sei_h5_write_dim(out, group, 2, series->ny, scaled ? series->pixel_nm : 1, "y", scaled ? "[n_m]" : "[px]"));
    SEI_TRY(sei_h5_write_dim(out, group, 3, series->nx, scaled ? series->pixel_nm : 1, "x", scaled ? "[n_m]" : "[px]"));
done:
    sei_free(angles);
    return status;
}

static sei_status write_series(sei_h5_out *out, const sei_series *series, const char *provenance_json) {
    static const char *const groups[] = {"/data", "/microscope", "/sample", "/user", "/comments"};
    sei_status status = SEI_OK;
    SEI_TRY(sei_h5_put_integer(out, "/", "version_major", 0));
    SEI_TRY(sei_h5_put_integer(out, "/", "version_minor", 2));
    SEI_TRY(sei_h5_put_text(out, "/", "authoring_program", "seitomo"));
    SEI_TRY(sei_h5_write_provenance(out, provenance_json));
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; ++i) SEI_TRY(sei_h5_make_group(out, groups[i]));
    SEI_TRY(write_geometry(out, series));
    for (size_t c = 0; c < series->n_channels; ++c) SEI_TRY(write_channel(out, series, c));
done:
    return status;
}

sei_status sei_emd_write_series(const char *path, const sei_series *series, const char *provenance_json, bool overwrite) {
    sei_h5_out out = {.file = {.fd = -1}, .id = -1};
    sei_status status = SEI_OK;
    sei_h5_lock();
    SEI_TRY(sei_h5_create(path, overwrite, &out));
    SEI_TRY(write_series(&out, series, provenance_json));
    SEI_TRY(sei_h5_finish(&out));
done:
    sei_h5_abandon(&out);
    sei_h5_unlock();
    return status;
}

sei_status sei_emd1_begin(sei_h5_out *out, const char *root) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_h5_put_text(out, "/", "emd_group_type", "file"));
    SEI_TRY(sei_h5_put_integer(out, "/", "version_major", 1));
    SEI_TRY(sei_h5_put_integer(out, "/", "version_minor", 0));
    SEI_TRY(sei_h5_put_text(out, "/", "authoring_program", "seitomo"));
    SEI_TRY(sei_h5_make_group(out, root));
    SEI_TRY(sei_h5_put_text(out, root, "emd_group_type", "root"));
    SEI_TRY(sei_h5_put_text(out, root, "python_class", "Root"));
done:
    return status;
}

/* One EMD 1.0 array; `group` is made here. */
static sei_status write_array1(sei_h5_out *out, const char *group, const sei_h5_array *array, double voxel_nm, const char *name,
                               const char *unit, size_t index) {
    static const char *const axes[] = {"z", "y", "x"};
    const int64_t sizes[] = {array->nz, array->ny, array->nx};
    const bool scaled = isfinite(voxel_nm) && voxel_nm > 0;
    char path[PATH_BYTES];
    sei_status status = SEI_OK;
    SEI_TRY(sei_h5_put_text(out, group, "emd_group_type", "array"));
    SEI_TRY(sei_h5_put_text(out, group, "python_class", "Array"));
    SEI_TRY(sei_h5_put_text(out, group, "channel", name));
    SEI_TRY(sei_h5_put_integer(out, group, "channel_index", (int64_t)index));
    SEI_TRY(put_if_known(out, group, "voxel_nm", voxel_nm));
    SEI_TRY(path_in(group, "data", path));
    SEI_TRY(sei_h5_write_array(out, path, array));
    SEI_TRY(sei_h5_put_text(out, path, "units", unit));
    for (int i = 0; i < 3; ++i)
        SEI_TRY(sei_h5_write_dim(out, group, i, sizes[i], scaled ? voxel_nm : 1, axes[i], scaled ? "nm" : "pixels"));
done:
    return status;
}

static sei_status write_volumes(sei_h5_out *out, size_t n, const sei_volume *volumes, const char *provenance_json) {
    char group[GROUP_BYTES];
    sei_status status = SEI_OK;
    SEI_TRY(sei_emd1_begin(out, "/volumes"));
    SEI_TRY(sei_h5_write_provenance(out, provenance_json));
    for (size_t i = 0; i < n; ++i) {
        const sei_volume *v = &volumes[i];
        const sei_h5_array array = {v->nx, v->ny, v->nz, SEI_DTYPE_F32, v->data, NULL};
        SEI_TRY(new_group(out, "/volumes", v->name, i, group));
        SEI_TRY(write_array1(out, group, &array, v->voxel_nm, v->name, v->unit, i));
    }
done:
    return status;
}

sei_status sei_emd_write_volumes(const char *path, size_t n, const sei_volume *volumes, const char *provenance_json,
                                 bool overwrite) {
    sei_h5_out out = {.file = {.fd = -1}, .id = -1};
    sei_status status = SEI_OK;
    sei_h5_lock();
    SEI_TRY(sei_h5_create(path, overwrite, &out));
    SEI_TRY(write_volumes(&out, n, volumes, provenance_json));
    SEI_TRY(sei_h5_finish(&out));
done:
    sei_h5_abandon(&out);
    sei_h5_unlock();
    return status;
}

static sei_status write_labels(sei_h5_out *out, const sei_labels *labels, const char *provenance_json) {
    static const char group[] = "/segmentation/labels";
    const sei_h5_array array = {labels->nx, labels->ny, labels->nz, SEI_DTYPE_U8, NULL, labels->data};
    sei_facts classes = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_emd1_begin(out, "/segmentation"));
    SEI_TRY(sei_h5_write_provenance(out, provenance_json));
    SEI_TRY(sei_h5_make_group(out, group));
    SEI_TRY(write_array1(out, group, &array, labels->voxel_nm, "labels", "", 0));
    SEI_TRY(sei_facts_add_classes(&classes, labels, group));
    for (size_t i = 0; i < classes.count; ++i) SEI_TRY(sei_h5_put_text(out, group, classes.items[i].key, classes.items[i].value));
done:
    sei_facts_free(&classes);
    return status;
}

sei_status sei_emd_write_labels(const char *path, const sei_labels *labels, const char *provenance_json, bool overwrite) {
    sei_h5_out out = {.file = {.fd = -1}, .id = -1};
    sei_status status = SEI_OK;
    sei_h5_lock();
    SEI_TRY(sei_h5_create(path, overwrite, &out));
    SEI_TRY(write_labels(&out, labels, provenance_json));
    SEI_TRY(sei_h5_finish(&out));
done:
    sei_h5_abandon(&out);
    sei_h5_unlock();
    return status;
}
