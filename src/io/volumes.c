/* Volumes and labels from files. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "io/json.h"
#include "io/series.h"

void sei_volumes_free(sei_volume *volumes, size_t n) {
    for (size_t i = 0; volumes != NULL && i < n; ++i) sei_volume_free(&volumes[i]);
    sei_free(volumes);
}

/* One edge length for all axes, or a message. A stack's section spacing is no length (MRC2014 sets mz = 1). */
static sei_status find_voxel(const char *path, const sei_stack *stack, double given_nm, double *voxel_nm) {
    const sei_fact *fact = sei_facts_find(&stack->facts, "pixel_y_nm");
    double y_nm = NAN;
    if (given_nm > 0) {
        *voxel_nm = given_nm;
        return SEI_OK;
    }
    if (!(stack->pixel_nm > 0)) {
        return sei_fail(SEI_ERR_INPUT, "%s: no voxel size in it; write it into the header first (seitomo convert --pixel-nm X)",
                        path);
    }
    if (fact == NULL || !sei_parse_double(fact->value, &y_nm)) y_nm = stack->pixel_nm;
    const double z_nm = stack->is_volume && stack->spacing_nm > 0 ? stack->spacing_nm : stack->pixel_nm;
    if (fabs(y_nm - stack->pixel_nm) > 1e-3 * stack->pixel_nm || fabs(z_nm - stack->pixel_nm) > 1e-3 * stack->pixel_nm) {
        return sei_fail(SEI_ERR_INPUT,
                        "%s: its voxels are not cubes: %.6g x %.6g x %.6g nm; resample it to one edge length first", path,
                        stack->pixel_nm, y_nm, z_nm);
    }
    *voxel_nm = stack->pixel_nm;
    return SEI_OK;
}

static sei_status voxel_of(const char *path, const sei_stack *stack, double given_nm, double *voxel_nm) {
    const sei_status status = find_voxel(path, stack, given_nm, voxel_nm);
    if (status != SEI_OK || sei_pixel_nm_is_possible(*voxel_nm)) return status;
    return sei_fail(SEI_ERR_INPUT,
                    "%s: voxels of %g nm; expected %g to %g nm, write the right size first (seitomo convert --pixel-nm X)", path,
                    *voxel_nm, SEI_PIXEL_NM_LEAST, SEI_PIXEL_NM_MOST);
}

static sei_status volume_of(const char *path, double given_nm, sei_stack *stack, sei_volume *volume) {
    sei_volume made = {.nx = stack->nx, .ny = stack->ny, .nz = stack->nz};
    sei_status status = voxel_of(path, stack, given_nm, &made.voxel_nm);
    if (status != SEI_OK) return status;
    if (stack->n_angles > 0) {
        return sei_fail(SEI_ERR_INPUT, "%s: '%s' is a tilt series (%zu angles), not a volume; reconstruct it first", path,
                        stack->name, stack->n_angles);
    }
    status = sei_facts_copy(&stack->facts, &made.facts);
    if (status != SEI_OK) return status;
    memcpy(made.name, stack->name, sizeof made.name);
    memcpy(made.unit, stack->unit, sizeof made.unit);
    if (made.name[0] == 0) sei_channel_name_of_path(path, made.name);
    if (stack->rounded > 0)
        sei_warn("%s: %lld values of '%s' were rounded to float32", path, (long long)stack->rounded, made.name);
    made.data = stack->data;
    stack->data = NULL;
    *volume = made;
    return SEI_OK;
}

sei_status sei_io_read_volumes(const char *path, sei_volume **out, size_t *n) {
    return sei_io_read_volumes_sized(path, NAN, out, n);
}

sei_status sei_io_read_volumes_sized(const char *path, double voxel_nm, sei_volume **out, size_t *n) {
    const sei_format_read all = {0};
    const sei_format *format = NULL;
    sei_stacks stacks = {0};
    sei_volume *volumes = NULL;
    size_t count = 0;
    sei_status status = sei_format_of(path, &format);
    if (status != SEI_OK) return status;
    SEI_TRY(format->read(path, &all, &stacks));
    if (stacks.count == 0) {
        status = sei_fail(SEI_ERR_INPUT, "%s: no volume in it", path);
        goto done;
    }
    SEI_TRY(SEI_NEW(volumes, (int64_t)stacks.count, 1, 1));
    count = stacks.count;
    for (size_t i = 0; i < count; ++i) SEI_TRY(volume_of(path, voxel_nm, &stacks.items[i], &volumes[i]));
    *out = volumes;
    *n = count;
    volumes = NULL;
done:
    sei_volumes_free(volumes, count);
    sei_stacks_free(&stacks);
    return status;
}

sei_status sei_io_read_volume(const char *path, sei_volume *out) {
    char name[SEI_NAME_LENGTH];
    const char *file = NULL;
    sei_volume *volumes = NULL;
    size_t n = 0;
    sei_source_split(path, name, &file);
    sei_status status = sei_io_read_volumes(file, &volumes, &n);
    if (status != SEI_OK) return status;
    if (n != 1) {
        status = sei_fail(SEI_ERR_INPUT, "%s: holds %zu volumes where one is expected", file, n);
    } else {
        if (name[0] != 0) memcpy(volumes[0].name, name, sizeof name);
        *out = volumes[0];
        volumes[0] = (sei_volume){0};
    }
    sei_volumes_free(volumes, n);
    return status;
}

static sei_status take_labels(const char *path, const sei_stack *stack, sei_labels *labels) {
    const size_t count = (size_t)labels->nx * (size_t)labels->ny * (size_t)labels->nz;
    for (size_t i = 0; i < count; ++i) {
        const float value = stack->data[i];
        if (!(value >= 0 && value <= 255) || value != (float)(int)value) {
            return sei_fail(SEI_ERR_INPUT, "%s: voxel %zu is %g; labels are whole numbers from 0 to 255", path, i, (double)value);
        }
        labels->data[i] = (uint8_t)value;
    }
    return SEI_OK;
}

/* Every label that occurs and has no class gets "class N" and a colour of its own. */
static sei_status define_missing(sei_labels *labels) {
    bool present[256] = {false};
    const size_t count = (size_t)labels->nx * (size_t)labels->ny * (size_t)labels->nz;
    for (size_t i = 0; i < count; ++i) present[labels->data[i]] = true;
    for (size_t c = 0; c < labels->n_classes; ++c) present[labels->classes[c].id] = false;
    for (int id = 0; id < 256; ++id) {
        char name[SEI_NAME_LENGTH];
        /* multiples of numbers prime to 256 visit every brightness once */
        const uint8_t rgb[3] = {(uint8_t)(id * 97), (uint8_t)(id * 57), (uint8_t)(id * 151)};
        if (!present[id]) continue;
        snprintf(name, sizeof name, "class %d", id);
        const sei_status status = sei_labels_define(labels, (uint8_t)id, name, rgb, "");
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}

sei_status sei_io_read_labels(const char *path, sei_labels *out) {
    const sei_format_read all = {0};
    const sei_format *format = NULL;
    sei_stacks stacks = {0};
    sei_labels labels = {0};
    double voxel_nm = NAN;
    sei_status status = sei_format_of(path, &format);
    if (status != SEI_OK) return status;
    SEI_TRY(format->read(path, &all, &stacks));
    if (stacks.count != 1) {
        status = sei_fail(SEI_ERR_INPUT, "%s: holds %zu arrays where one of labels is expected", path, stacks.count);
        goto done;
    }
    const sei_stack *stack = &stacks.items[0];
    SEI_TRY(voxel_of(path, stack, NAN, &voxel_nm));
    SEI_TRY(sei_labels_alloc(stack->nx, stack->ny, stack->nz, voxel_nm, &labels));
    SEI_TRY(take_labels(path, stack, &labels));
    SEI_TRY(sei_facts_copy(&stack->facts, &labels.facts));
    SEI_TRY(sei_facts_take_classes(&stack->facts, &labels));
    if (labels.n_classes == 0) SEI_TRY(sei_json_read_classes(path, &labels));
    SEI_TRY(define_missing(&labels));
    *out = labels;
    labels = (sei_labels){0};
done:
    sei_labels_free(&labels);
    sei_stacks_free(&stacks);
    return status;
}
