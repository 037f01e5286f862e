#include "io/emd_axes.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/text.h"

static const double UNEVEN = 1e-3; /* of a step: more, and the axis is not a length scale */

/* "[n_m]" -> "nm", "[deg]" -> "deg". */
static void plain_unit(const char *from, char unit[SEI_NAME_LENGTH]) {
    size_t n = 0;
    for (; *from != 0 && n + 1 < SEI_NAME_LENGTH; ++from) {
        if (strchr("[]_ ", *from) == NULL) unit[n++] = *from;
    }
    unit[n] = 0;
}

static bool one_of(const char *text, const char *const *list) {
    for (; *list != NULL; ++list) {
        if (strcasecmp(text, *list) == 0) return true;
    }
    return false;
}

static void classify(sei_axis *a) {
    static const struct {
        const char *unit;
        sei_axis_kind kind;
        double to_base;
    } units[] = {{"nm", SEI_AXIS_LENGTH, 1},
                 {"nanometer", SEI_AXIS_LENGTH, 1},
                 {"nanometers", SEI_AXIS_LENGTH, 1},
                 {"um", SEI_AXIS_LENGTH, 1e3},
                 {"\xc2\xb5m", SEI_AXIS_LENGTH, 1e3},
                 {"\xce\xbcm", SEI_AXIS_LENGTH, 1e3},
                 {"\xb5m", SEI_AXIS_LENGTH, 1e3},
                 {"micron", SEI_AXIS_LENGTH, 1e3},
                 {"mm", SEI_AXIS_LENGTH, 1e6},
                 {"m", SEI_AXIS_LENGTH, 1e9},
                 {"pm", SEI_AXIS_LENGTH, 1e-3},
                 {"A", SEI_AXIS_LENGTH, 0.1},
                 {"angstrom", SEI_AXIS_LENGTH, 0.1},
                 {"angstroms", SEI_AXIS_LENGTH, 0.1},
                 {"\xc3\x85", SEI_AXIS_LENGTH, 0.1},
                 {"\xe2\x84\xab", SEI_AXIS_LENGTH, 0.1},
                 {"deg", SEI_AXIS_ANGLE, 1},
                 {"degree", SEI_AXIS_ANGLE, 1},
                 {"degrees", SEI_AXIS_ANGLE, 1},
                 {"\xc2\xb0", SEI_AXIS_ANGLE, 1},
                 {"rad", SEI_AXIS_ANGLE, 180 / M_PI},
                 {"radian", SEI_AXIS_ANGLE, 180 / M_PI},
                 {"radians", SEI_AXIS_ANGLE, 180 / M_PI},
                 {"mrad", SEI_AXIS_ANGLE, 0.18 / M_PI}};
    static const char *const angle_names[] = {"angle",       "angles",     "tilt",        "tilts", "tilt angle",
                                              "tilt angles", "tilt_angle", "tilt_angles", "alpha", "theta",
                                              "tilt_deg",    "tilt_alpha", NULL};
    a->kind = SEI_AXIS_OTHER;
    a->to_base = 1;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; ++i) {
        /* case tells mm from Mm, but not Deg from deg */
        if (units[i].kind == SEI_AXIS_ANGLE ? strcasecmp(a->unit, units[i].unit) == 0 : strcmp(a->unit, units[i].unit) == 0) {
            a->kind = units[i].kind;
            a->to_base = units[i].to_base;
            return;
        }
    }
    if (strcasecmp(a->unit, "angstrom") == 0) {
        a->kind = SEI_AXIS_LENGTH;
        a->to_base = 0.1;
    } else if (one_of(a->name, angle_names)) {
        a->kind = SEI_AXIS_ANGLE; /* without a unit: degrees; the fact says so */
    }
}

/* Reads dimN; whatever is missing or odd leaves the axis without values or unit. */
sei_status sei_axis_read(const sei_h5_in *in, const sei_emd_found *found, int number, hsize_t length, sei_axis *a) {
    char unit[SEI_NAME_LENGTH] = "";
    sei_status status = SEI_OK;
    *a = (sei_axis){.to_base = 1};
    const int written =
        snprintf(a->path, sizeof a->path, "%.*s/dim%d", SEI_EMD_PATH - 16, found->group, found->first_dim + number);
    if (written < 0 || H5Lexists(in->file, a->path, in->links) <= 0) return SEI_OK;
    const hid_t object = H5Oopen(in->file, a->path, in->links);
    if (object < 0) return sei_h5_refuse(in, "'%s' cannot be opened", a->path);
    sei_h5_text(object, "name", a->name, sizeof a->name);
    if (!sei_h5_text(object, "units", unit, sizeof unit)) sei_h5_text(object, "unit", unit, sizeof unit);
    plain_unit(unit, a->unit);
    classify(a);
    const hid_t type = H5Iget_type(object) == H5I_DATASET ? H5Dget_type(object) : -1;
    const H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
    if (type >= 0) H5Tclose(type);
    H5Oclose(object);
    if (class != H5T_INTEGER && class != H5T_FLOAT) return SEI_OK; /* labels of slices and the like */
    SEI_TRY(sei_h5_vector(in, a->path, SEI_EMD_MOST_VALUES, &a->values, &a->count));
    if (a->count != (size_t)length && a->count != 2) { /* says nothing usable */
        sei_free(a->values);
        a->values = NULL;
        a->count = 0;
    }
done:
    return status;
}

/* Evenly spaced values: their step in nm; NaN when there is none. Digits that only float32 made are dropped. */
double sei_axis_step_nm(const sei_axis *a, int64_t length) {
    const size_t n = a->count;
    char text[32];
    double short_form = 0;
    if (a->kind != SEI_AXIS_LENGTH || n < 2) return NAN;
    const double step = (a->values[n - 1] - a->values[0]) / (double)(n - 1);
    for (size_t i = 0; (int64_t)n == length && i < n; ++i) {
        if (!(fabs(a->values[i] - a->values[0] - (double)i * step) <= UNEVEN * fabs(step))) return NAN;
    }
    const double nm = fabs(step) * a->to_base;
    if (!(nm > 0) || !isfinite(nm)) return NAN;
    snprintf(text, sizeof text, "%.7g", nm);
    if (sei_parse_double(text, &short_form) && fabs(short_form - nm) <= 1e-9 * nm) return short_form;
    return nm;
}

static bool is_named(const sei_axis *a, char letter) {
    return tolower((unsigned char)a->name[0]) == letter && (a->name[1] == 0 || strchr(" _-(", a->name[1]) != NULL);
}

/* Which stored axis is z (or the angle), y and x. Names decide where all are named; else the stored order does. */
void sei_axes_assign(const sei_axis *axes, int rank, int axis_of[SEI_EMD_AXES]) {
    int rest[SEI_EMD_AXES];
    int n = 0;
    int angle = -1;
    for (int i = 0; i < rank && angle < 0; ++i) {
        if (axes[i].kind == SEI_AXIS_ANGLE) angle = i;
    }
    axis_of[0] = axis_of[1] = axis_of[2] = -1;
    if (rank == 3 && angle < 0) {
        int named[3] = {-1, -1, -1};
        for (int i = 0; i < 3; ++i) {
            for (int k = 0; k < 3; ++k) {
                if (is_named(&axes[i], "zyx"[k])) named[k] = i;
            }
        }
        for (int i = 0; i < 3; ++i) axis_of[i] = named[0] >= 0 && named[1] >= 0 && named[2] >= 0 ? named[i] : i;
        return;
    }
    axis_of[0] = angle;
    for (int i = 0; i < rank; ++i) {
        if (i != angle) rest[n++] = i;
    }
    if (n == 1) axis_of[2] = rest[0];
    if (n == 2) {
        const bool x_first = is_named(&axes[rest[0]], 'x') && is_named(&axes[rest[1]], 'y');
        axis_of[1] = rest[x_first ? 1 : 0];
        axis_of[2] = rest[x_first ? 0 : 1];
    }
}
