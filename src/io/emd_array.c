/* What an EMD file says about one array: which axis is the angle, the pixel size, the channel, the energy window. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/text.h"
#include "io/emd_axes.h"

static sei_status fact(sei_stack *stack, const char *key, const char *source, const char *format, ...) SEI_PRINTF(4, 5);
static sei_status fact(sei_stack *stack, const char *key, const char *source, const char *format, ...) {
    char value[SEI_TEXT_LENGTH];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    return sei_facts_set(&stack->facts, key, value, source);
}

static sei_status fact_number(sei_stack *stack, const char *key, const char *source, double number) {
    char digits[32];
    return fact(stack, key, source, "%s", sei_format_double(number, digits));
}

static sei_status take_angles(const sei_axis *a, int64_t n, sei_stack *stack) {
    sei_status status = SEI_OK;
    char source[SEI_TEXT_LENGTH];
    if (a->count == 0) return SEI_OK;
    SEI_TRY(SEI_NEW(stack->tilt_deg, n, 1, 1));
    for (int64_t i = 0; i < n; ++i) {
        const double value = (int64_t)a->count == n ? a->values[i] : a->values[0] + (double)i * (a->values[1] - a->values[0]);
        stack->tilt_deg[i] = value * a->to_base;
    }
    stack->n_angles = (size_t)n;
    const char *what = a->unit[0] == 0   ? "without a unit, taken as degrees"
                       : a->to_base == 1 ? "in degrees"
                                         : "converted to degrees";
    snprintf(source, sizeof source, "%.150s '%.30s' [%.10s] %s", a->path, a->name, a->unit, what);
    SEI_TRY(
        fact(stack, "angles", source, "%lld from %.6g to %.6g deg", (long long)n, stack->tilt_deg[0], stack->tilt_deg[n - 1]));
done:
    return status;
}

static sei_status take_pixel(const sei_axis *x, const sei_axis *y, sei_stack *stack) {
    char source[SEI_TEXT_LENGTH];
    const double step_x = x == NULL ? NAN : sei_axis_step_nm(x, stack->nx);
    const double step_y = y == NULL ? NAN : sei_axis_step_nm(y, stack->ny);
    const double nm = isfinite(step_x) ? step_x : step_y;
    if (!isfinite(nm)) return SEI_OK;
    const sei_axis *from = isfinite(step_x) ? x : y;
    snprintf(source, sizeof source, "%.200s [%.20s]", from->path, from->unit);
    if (isfinite(step_x) && isfinite(step_y) && fabs(step_x - step_y) > 1e-4 * step_x) { /* refused above, where it matters */
        const sei_status status = fact_number(stack, "pixel_y_nm", y->path, step_y);
        if (status != SEI_OK) return status;
    }
    stack->pixel_nm = nm;
    return fact_number(stack, "pixel_nm", source, nm);
}

/* What seitomo's own files add for a whole series: exact angles, order, dose, geometry. */
static sei_status take_geometry(const sei_h5_in *in, sei_stack *stack) {
    static const char own[] = "/seitomo";
    sei_status status = SEI_OK;
    double *values = NULL;
    size_t count = 0;
    double number = 0;
    const size_t n = (size_t)stack->nz;
    if (H5Lexists(in->file, own, in->links) <= 0) return SEI_OK;
    const hid_t group = H5Gopen2(in->file, own, in->links);
    if (group < 0) return sei_h5_refuse(in, "'%s' cannot be opened", own);
    if (sei_h5_number(group, "pixel_nm", &number) && number > 0) {
        stack->pixel_nm = number;
        SEI_TRY(fact_number(stack, "pixel_nm", "/seitomo@pixel_nm", number));
    }
    if (sei_h5_number(group, "axis_deg", &stack->axis_deg))
        SEI_TRY(fact_number(stack, "axis_deg", "/seitomo@axis_deg", stack->axis_deg));
    if (sei_h5_number(group, "axis_offset_px", &stack->axis_offset_px))
        SEI_TRY(fact_number(stack, "axis_offset_px", "/seitomo@axis_offset_px", stack->axis_offset_px));
    if (sei_h5_number(group, "aligned", &number)) stack->aligned = number != 0;
    SEI_TRY(sei_h5_vector(in, "/seitomo/tilt_deg", SEI_EMD_MOST_VALUES, &values, &count));
    if (count == n) {
        sei_free(stack->tilt_deg);
        stack->tilt_deg = values;
        stack->n_angles = n;
        values = NULL;
        SEI_TRY(fact(stack, "angles", "/seitomo/tilt_deg", "%zu from %.6g to %.6g deg", n, stack->tilt_deg[0],
                     stack->tilt_deg[n - 1]));
    }
    sei_free(values);
    values = NULL;
    SEI_TRY(sei_h5_vector(in, "/seitomo/order", SEI_EMD_MOST_VALUES, &values, &count));
    if (count == n) {
        SEI_TRY(SEI_NEW(stack->order, (int64_t)n, 1, 1));
        for (size_t i = 0; i < n; ++i) stack->order[i] = values[i] >= 0 && values[i] < 2147483647.0 ? (int32_t)values[i] : -1;
        SEI_TRY(fact(stack, "order", "/seitomo/order", "acquisition order of %zu tilts", n));
    }
    sei_free(values);
    values = NULL;
    SEI_TRY(sei_h5_vector(in, "/seitomo/dose_e_per_nm2", SEI_EMD_MOST_VALUES, &values, &count));
    if (count == n) {
        stack->dose_e_per_nm2 = values;
        values = NULL;
        SEI_TRY(fact(stack, "dose", "/seitomo/dose_e_per_nm2", "dose of %zu tilts", n));
    }
done:
    sei_free(values);
    H5Gclose(group);
    return status;
}

/* Label classes in a file of ours: attributes of the group "classes". */
static sei_status take_classes(hid_t group, const char *source, sei_stack *stack) {
    sei_status status = SEI_OK;
    char key[SEI_NAME_LENGTH];
    char text[SEI_TEXT_LENGTH];
    for (int id = 0; id < 256 && status == SEI_OK; ++id) {
        snprintf(key, sizeof key, "class %d", id);
        if (!sei_h5_text(group, key, text, sizeof text)) continue;
        status = sei_facts_set(&stack->facts, key, text, source);
        snprintf(key, sizeof key, "class %d rule", id);
        if (status == SEI_OK && sei_h5_text(group, key, text, sizeof text))
            status = sei_facts_set(&stack->facts, key, text, source);
    }
    return status;
}

/* Channel, value unit, energy window, classes: attributes of the array's group and of its data. */
static sei_status take_attributes(const sei_h5_in *in, const sei_emd_found *found, hid_t dataset, sei_stack *stack) {
    double window[2] = {NAN, NAN};
    double nm = 0;
    char name[SEI_TEXT_LENGTH];
    sei_status status = SEI_OK;
    char source[SEI_TEXT_LENGTH];
    const hid_t group = H5Gopen2(in->file, found->group, in->links);
    if (group < 0) return sei_h5_refuse(in, "'%s' cannot be opened", found->group);
    const bool exact = sei_h5_text(group, "channel", name, sizeof name);
    snprintf(source, sizeof source, "%.200s%s", found->group, exact ? "@channel" : " (name of the group)");
    SEI_TRY(fact(stack, "channel", source, "%s", stack->name));
    sei_h5_text(dataset, "units", stack->unit, sizeof stack->unit);
    if (sei_h5_numbers(group, "energy_window_kev", window, 2)) {
        snprintf(source, sizeof source, "%.200s@energy_window_kev", found->group);
    } else if (sei_h5_number(group, "keV_first", &window[0]) && sei_h5_number(group, "keV_last", &window[1])) {
        snprintf(source, sizeof source, "%.200s@keV_first, keV_last", found->group);
    }
    if (isfinite(window[0]) && isfinite(window[1])) {
        stack->window_low_kev = window[0];
        stack->window_high_kev = window[1];
        SEI_TRY(fact(stack, "energy_window", source, "%g to %g keV", window[0], window[1]));
    }
    if (found->emd1) {
        if (sei_h5_number(group, "voxel_nm", &nm) && nm > 0) {
            stack->pixel_nm = stack->spacing_nm = nm;
            snprintf(source, sizeof source, "%.200s@voxel_nm", found->group);
            SEI_TRY(fact_number(stack, "pixel_nm", source, nm));
        }
        snprintf(source, sizeof source, "%.200s", found->group);
        SEI_TRY(take_classes(group, source, stack));
    }
    double index = 0;
    if (!found->emd1 && sei_h5_number(group, "channel_index", &index)) SEI_TRY(take_geometry(in, stack));
done:
    H5Gclose(group);
    return status;
}

/* What the file says about microscope, specimen and people, as it stands there. */
typedef struct remarks {
    sei_stack *stack;
    const char *group;
    int left;
    sei_status status;
} remarks;

static herr_t remark(hid_t object, const char *name, const H5A_info_t *info, void *context) {
    remarks *r = context;
    char key[SEI_NAME_LENGTH];
    char value[SEI_TEXT_LENGTH];
    char source[SEI_TEXT_LENGTH];
    (void)info;
    if (r->left-- <= 0) return 1;
    if (!sei_h5_text(object, name, value, sizeof value) || value[0] == 0) return 0;
    snprintf(key, sizeof key, "%.20s.%.40s", r->group + 1, name);
    snprintf(source, sizeof source, "%.60s@%.150s", r->group, name);
    r->status = sei_facts_set(&r->stack->facts, key, value, source);
    return r->status == SEI_OK ? 0 : 1;
}

static sei_status take_remarks(const sei_h5_in *in, sei_stack *stack) {
    static const char *const groups[] = {"/microscope", "/sample", "/user", "/comments"};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; ++i) {
        remarks r = {stack, groups[i], 32, SEI_OK};
        hsize_t at = 0;
        if (H5Lexists(in->file, groups[i], in->links) <= 0) continue;
        const hid_t object = H5Oopen(in->file, groups[i], in->links);
        if (object < 0) continue;
        H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, &at, remark, &r);
        H5Oclose(object);
        if (r.status != SEI_OK) return r.status;
    }
    return SEI_OK;
}

static void empty_stack(const sei_emd_found *found, sei_stack *stack) {
    *stack = (sei_stack){.pixel_nm = NAN,
                         .spacing_nm = NAN,
                         .window_low_kev = NAN,
                         .window_high_kev = NAN,
                         .axis_deg = NAN,
                         .axis_offset_px = NAN};
    memcpy(stack->name, found->name, sizeof stack->name);
}

/* Drops axes of length 1, slowest first, while there are more than three. */
static void squeeze(sei_emd_layout *layout, const sei_axis *axes, int kept[SEI_EMD_AXES + 1], int *n_kept) {
    int excess = layout->rank - SEI_EMD_AXES;
    *n_kept = 0;
    for (int i = 0; i < layout->rank; ++i) {
        if (excess > 0 && layout->size[i] == 1 && axes[i].kind != SEI_AXIS_ANGLE) {
            excess -= 1;
            continue;
        }
        kept[(*n_kept)++] = i;
    }
}

/* Where the stored order is not ours: what it was. */
static sei_status note_order(sei_stack *stack, const sei_emd_found *found, const sei_axis *stored, int n,
                             const int axis_of[SEI_EMD_AXES]) {
    char names[SEI_EMD_AXES * (SEI_NAME_LENGTH + 2)] = "";
    size_t used = 0;
    int last = -1;
    bool in_order = true;
    for (int i = 0; i < SEI_EMD_AXES; ++i) {
        in_order = in_order && (axis_of[i] < 0 || axis_of[i] > last);
        if (axis_of[i] >= 0) last = axis_of[i];
    }
    if (in_order || axis_of[0] < 0) return SEI_OK;
    for (int i = 0; i < n; ++i)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i > 0 ? ", " : "", stored[i].name);
    return fact(stack, "axes", found->data, "stored as %s; turned to [%s]%s[x]", names,
                stored[axis_of[0]].kind == SEI_AXIS_ANGLE ? "tilt" : "z", axis_of[1] < 0 ? "" : "[y]");
}

static sei_status describe_axes(const sei_h5_in *in, const sei_emd_found *found, sei_stack *stack, sei_emd_layout *layout) {
    sei_axis axes[SEI_EMD_AXES + 1] = {0};
    sei_axis ours[SEI_EMD_AXES];
    int kept[SEI_EMD_AXES + 1];
    int n_kept = 0;
    sei_status status = SEI_OK;
    for (int i = 0; i < layout->rank; ++i) SEI_TRY(sei_axis_read(in, found, i, layout->size[i], &axes[i]));
    squeeze(layout, axes, kept, &n_kept);
    if (n_kept > SEI_EMD_AXES) {
        status = sei_fail(SEI_ERR_INPUT, "%s: '%s' has four axes of more than one value; a tilt series or a volume has three",
                          in->path, found->data);
        goto done;
    }
    for (int i = 0; i < n_kept; ++i) ours[i] = axes[kept[i]];
    sei_axes_assign(ours, n_kept, layout->axis_of);
    SEI_TRY(note_order(stack, found, ours, n_kept, layout->axis_of));
    for (int i = 0; i < SEI_EMD_AXES; ++i) layout->axis_of[i] = layout->axis_of[i] < 0 ? -1 : kept[layout->axis_of[i]];
    const sei_axis *z = layout->axis_of[0] < 0 ? NULL : &axes[layout->axis_of[0]];
    const sei_axis *y = layout->axis_of[1] < 0 ? NULL : &axes[layout->axis_of[1]];
    const sei_axis *x = layout->axis_of[2] < 0 ? NULL : &axes[layout->axis_of[2]];
    stack->nz = z == NULL ? 1 : (int64_t)layout->size[layout->axis_of[0]];
    stack->ny = y == NULL ? 1 : (int64_t)layout->size[layout->axis_of[1]];
    stack->nx = x == NULL ? 1 : (int64_t)layout->size[layout->axis_of[2]];
    SEI_TRY(take_pixel(x, y, stack));
    if (z != NULL && z->kind == SEI_AXIS_ANGLE) {
        SEI_TRY(take_angles(z, stack->nz, stack));
    } else if (z != NULL) {
        stack->spacing_nm = sei_axis_step_nm(z, stack->nz);
        stack->is_volume =
            isfinite(stack->spacing_nm) && x != NULL && x->kind == SEI_AXIS_LENGTH && y != NULL && y->kind == SEI_AXIS_LENGTH;
    }
done:
    for (int i = 0; i < SEI_EMD_AXES + 1; ++i) sei_free(axes[i].values);
    return status;
}

sei_status sei_emd_describe(const sei_h5_in *in, const sei_emd_contents *contents, const sei_emd_found *found, sei_stack *stack,
                            sei_emd_layout *layout) {
    sei_stack fresh;
    sei_emd_layout where = {0};
    sei_status status = SEI_OK;
    hid_t dataset = -1;
    char text[SEI_TEXT_LENGTH];
    empty_stack(found, &fresh);
    for (int i = 0; i <= SEI_EMD_AXES; ++i) where.size[i] = 1;
    SEI_TRY(sei_h5_open_numbers(in, found->data, &dataset, &where.rank, where.size, &where.wire, &fresh.stored));
    if (contents->kind == SEI_EMD_VELOX) {
        const int order[] = {where.rank > 2 ? 2 : -1, 0, where.rank > 1 ? 1 : -1}; /* stored as (y, x, frame) */
        memcpy(where.axis_of, order, sizeof order);
        fresh.ny = (int64_t)where.size[0];
        fresh.nx = (int64_t)where.size[1];
        fresh.nz = (int64_t)where.size[2];
        SEI_TRY(fact(&fresh, "format", "/Version", "Velox EMD"));
        SEI_TRY(fact(&fresh, "velox_version", "/Version", "%s", contents->version));
    } else {
        SEI_TRY(fact(&fresh, "format", "emd_group_type", "%s", found->emd1 ? "EMD 1.0" : "EMD 0.2 (Berkeley)"));
        SEI_TRY(describe_axes(in, found, &fresh, &where));
        SEI_TRY(take_attributes(in, found, dataset, &fresh));
        const hid_t root = H5Gopen2(in->file, "/", H5P_DEFAULT);
        const bool said = root >= 0 && sei_h5_text(root, "authoring_program", text, sizeof text);
        if (root >= 0) H5Gclose(root);
        if (found == contents->items) SEI_TRY(take_remarks(in, &fresh)); /* once per file */
        if (said) SEI_TRY(fact(&fresh, "written_by", "/@authoring_program", "%s", text));
    }
    SEI_TRY(fact(&fresh, "stored_type", found->data, "%s", sei_dtype_name(fresh.stored)));
    *stack = fresh;
    *layout = where;
    fresh = (sei_stack){0};
done:
    if (dataset >= 0) H5Dclose(dataset);
    sei_stack_free(&fresh);
    return status;
}
