/* What a TIFF says besides its numbers: ImageJ, OME, DigitalMicrograph and FEI pixel sizes, and seitomo's own lines. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "io/tiff.h"

enum {
    DM_UNIT_X = 65003,
    DM_UNIT_Y = 65004,
    DM_UNIT_Z = 65005,
    DM_SCALE_X = 65009,
    DM_SCALE_Y = 65010,
    DM_SCALE_Z = 65011,
    FEI_TEXT = 34682
};

static double nm_per_unit(const char *unit) {
    static const struct {
        const char *unit;
        double nm;
    } units[] = {{"nm", 1},           {"nanometer", 1},   {"um", 1e3},        {"micron", 1e3}, {"microns", 1e3},
                 {"micrometer", 1e3}, {"\xc2\xb5m", 1e3}, {"\xce\xbcm", 1e3}, {"\xb5m", 1e3},  {"\\u00B5m", 1e3},
                 {"mm", 1e6},         {"cm", 1e7},        {"m", 1e9},         {"pm", 1e-3},    {"A", 0.1},
                 {"angstrom", 0.1},   {"Angstrom", 0.1},  {"\xc3\x85", 0.1},  {"\xc5", 0.1}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; ++i) {
        if (strcmp(unit, units[i].unit) == 0) return units[i].nm;
    }
    return NAN;
}

/* Resolutions are ratios of whole numbers that pass through a float: the shortest number within that error is meant. */
static double shortest(double value) {
    for (int digits = 3; digits <= 7; ++digits) {
        char text[32];
        double rounded = 0;
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (sei_parse_double(text, &rounded) && fabs(rounded - value) <= 1e-7 * fabs(value)) return rounded;
    }
    return value;
}

static const char *description(const sei_tiff *tiff) {
    char *text = NULL;
    return TIFFGetField(tiff->handle, TIFFTAG_IMAGEDESCRIPTION, &text) != 0 && text != NULL ? text : "";
}

/* The value of "key=" at the start of a line, up to the line's end. */
static bool line_value(const char *text, const char *key, const char **value, size_t *length) {
    const size_t n = strlen(key);
    for (const char *line = text; line != NULL && *line != 0; line = strchr(line, '\n')) {
        if (*line == '\n') ++line;
        if (strncmp(line, key, n) != 0 || line[n] != '=') continue;
        *value = line + n + 1;
        *length = strcspn(*value, "\r\n");
        return true;
    }
    return false;
}

static bool line_text(const char *text, const char *key, char *to, size_t size) {
    const char *value = NULL;
    size_t length = 0;
    to[0] = 0;
    if (!line_value(text, key, &value, &length)) return false;
    snprintf(to, size, "%.*s", (int)(length < size ? length : size - 1), value);
    return true;
}

static bool line_number(const char *text, const char *key, double *number) {
    char value[64];
    return line_text(text, key, value, sizeof value) && sei_parse_double(value, number);
}

int64_t sei_tiff_images_said(const sei_tiff *tiff) {
    double images = 0;
    const char *text = description(tiff);
    if (strncmp(text, "ImageJ=", 7) != 0 || !line_number(text, "images", &images)) return 0;
    return images >= 1 && images <= 1e6 ? (int64_t)images : 0;
}

static sei_status set_pixel(sei_stack *stack, double x_nm, double y_nm, double spacing_nm, const char *source) {
    char digits[32];
    if (!isfinite(x_nm) || !(x_nm > 0)) return SEI_OK;
    if (isfinite(spacing_nm) && spacing_nm > 0) stack->spacing_nm = spacing_nm;
    if (isfinite(y_nm) && fabs(x_nm - y_nm) > 1e-4 * x_nm) { /* refused above, where it matters */
        const sei_status status = sei_facts_set(&stack->facts, "pixel_y_nm", sei_format_double(y_nm, digits), source);
        if (status != SEI_OK) return status;
    }
    stack->pixel_nm = x_nm;
    return sei_facts_set(&stack->facts, "pixel_nm", sei_format_double(x_nm, digits), source);
}

static sei_status learn_imagej(const sei_tiff *tiff, const char *text, sei_stack *stack) {
    char unit[32];
    float x = 0;
    float y = 0;
    double spacing = NAN;
    if (strncmp(text, "ImageJ=", 7) != 0) return SEI_OK;
    if (!line_text(text, "unit", unit, sizeof unit) || TIFFGetField(tiff->handle, TIFFTAG_XRESOLUTION, &x) == 0 ||
        TIFFGetField(tiff->handle, TIFFTAG_YRESOLUTION, &y) == 0 || !(x > 0) || !(y > 0))
        return SEI_OK;
    const double nm = nm_per_unit(unit);
    if (line_number(text, "spacing", &spacing)) spacing = fabs(spacing) * nm; /* ImageJ writes it negative at times */
    return set_pixel(stack, shortest(nm / (double)x), shortest(nm / (double)y), spacing, "ImageJ: XResolution, unit");
}

/* name="..." of OME's XML. */
static bool xml_text(const char *text, const char *name, char *to, size_t size) {
    const size_t n = strlen(name);
    for (const char *at = strstr(text, name); at != NULL; at = strstr(at + n, name)) {
        if (at[n] != '=' || at[n + 1] != '"' || at == text || at[-1] != ' ') continue;
        const size_t length = strcspn(at + n + 2, "\"");
        snprintf(to, size, "%.*s", (int)(length < size ? length : size - 1), at + n + 2);
        return true;
    }
    return false;
}

static sei_status learn_ome(const char *text, sei_stack *stack) {
    static const char *const axes[] = {"PhysicalSizeX", "PhysicalSizeY", "PhysicalSizeZ"};
    double nm[3] = {NAN, NAN, NAN};
    if (strstr(text, "<OME") == NULL) return SEI_OK;
    for (int i = 0; i < 3; ++i) {
        char value[64];
        char key[32];
        char unit[32];
        double number = 0;
        snprintf(key, sizeof key, "%sUnit", axes[i]);
        if (!xml_text(text, axes[i], value, sizeof value) || !sei_parse_double(value, &number)) continue;
        nm[i] = number * nm_per_unit(xml_text(text, key, unit, sizeof unit) ? unit : "um"); /* OME's default */
    }
    return set_pixel(stack, shortest(nm[0]), shortest(nm[1]), nm[2], "OME-XML: PhysicalSizeX");
}

/* Values of tags that libtiff does not know. */
static bool tag_text(const sei_tiff *tiff, uint32_t tag, char *to, size_t size) {
    uint32_t count = 0;
    void *values = NULL;
    const TIFFField *field = TIFFFindField(tiff->handle, tag, TIFF_ANY);
    to[0] = 0;
    if (field == NULL || TIFFFieldDataType(field) != TIFF_ASCII || TIFFFieldPassCount(field) == 0 ||
        TIFFGetField(tiff->handle, tag, &count, &values) == 0 || values == NULL)
        return false;
    snprintf(to, size, "%.*s", (int)(count < size ? count : size - 1), (const char *)values);
    return true;
}

static bool tag_double(const sei_tiff *tiff, uint32_t tag, double *number) {
    uint32_t count = 0;
    void *values = NULL;
    const TIFFField *field = TIFFFindField(tiff->handle, tag, TIFF_ANY);
    if (field == NULL || TIFFFieldDataType(field) != TIFF_DOUBLE || TIFFFieldPassCount(field) == 0 ||
        TIFFGetField(tiff->handle, tag, &count, &values) == 0 || count < 1 || values == NULL)
        return false;
    memcpy(number, values, sizeof *number);
    return true;
}

static sei_status learn_digital_micrograph(const sei_tiff *tiff, sei_stack *stack) {
    static const uint32_t units[] = {DM_UNIT_X, DM_UNIT_Y, DM_UNIT_Z};
    static const uint32_t scales[] = {DM_SCALE_X, DM_SCALE_Y, DM_SCALE_Z};
    double nm[3] = {NAN, NAN, NAN};
    for (int i = 0; i < 3; ++i) {
        char unit[32];
        double scale = 0;
        if (tag_double(tiff, scales[i], &scale) && tag_text(tiff, units[i], unit, sizeof unit)) nm[i] = scale * nm_per_unit(unit);
    }
    return set_pixel(stack, shortest(nm[0]), shortest(nm[1]), nm[2], "DigitalMicrograph: tags 65009, 65003");
}

static sei_status learn_fei(const sei_tiff *tiff, sei_stack *stack) {
    void *text = NULL;
    void *whole = NULL;
    uint32_t count = 0;
    double width = 0;
    double height = NAN;
    sei_status status = SEI_OK;
    const TIFFField *field = TIFFFindField(tiff->handle, FEI_TEXT, TIFF_ANY);
    if (field == NULL || TIFFFieldPassCount(field) == 0 || TIFFDataWidth(TIFFFieldDataType(field)) != 1 ||
        TIFFGetField(tiff->handle, FEI_TEXT, &count, &text) == 0 || text == NULL || count > SEI_TIFF_DESCRIPTION_MOST)
        return SEI_OK;
    SEI_TRY(sei_alloc_zero((size_t)count + 1, &whole));
    memcpy(whole, text, count);
    line_number(whole, "PixelHeight", &height);
    if (line_number(whole, "PixelWidth", &width))
        SEI_TRY(set_pixel(stack, shortest(width * 1e9), shortest(height * 1e9), NAN, "FEI: tag 34682, PixelWidth"));
done:
    sei_free(whole);
    return status;
}

/* Numbers between spaces; *count of them. */
static sei_status line_numbers(const char *text, const char *key, double **numbers, size_t *count) {
    const char *value = NULL;
    size_t length = 0;
    double *list = NULL;
    size_t n = 0;
    sei_status status = SEI_OK;
    *count = 0;
    if (!line_value(text, key, &value, &length)) return SEI_OK;
    SEI_TRY(SEI_NEW(list, (int64_t)length / 2 + 1, 1, 1));
    for (const char *at = value; at < value + length;) {
        const size_t word = strcspn(at, " \r\n");
        char digits[64];
        if (word == 0) {
            ++at;
            continue;
        }
        snprintf(digits, sizeof digits, "%.*s", (int)(word < sizeof digits ? word : sizeof digits - 1), at);
        if (!sei_parse_double(digits, &list[n++])) {
            status = sei_fail(SEI_ERR_INPUT, "ImageDescription: '%s' holds '%s', not a number", key, digits);
            goto done;
        }
        at += word;
    }
    *numbers = list;
    *count = n;
    list = NULL;
done:
    sei_free(list);
    return status;
}

static const char OWN[] = "ImageDescription";

static sei_status learn_tilts(const char *text, sei_stack *stack) {
    char value[SEI_TEXT_LENGTH];
    double *numbers = NULL;
    size_t count = 0;
    sei_status status = SEI_OK;
    SEI_TRY(line_numbers(text, "seitomo-tilt_deg", &numbers, &count));
    if (count == 0) goto done; /* the line may be there and empty */
    stack->tilt_deg = numbers;
    stack->n_angles = count;
    numbers = NULL;
    snprintf(value, sizeof value, "%zu from %.6g to %.6g deg", count, stack->tilt_deg[0], stack->tilt_deg[count - 1]);
    SEI_TRY(sei_facts_set(&stack->facts, "angles", value, "ImageDescription seitomo-tilt_deg"));
    SEI_TRY(line_numbers(text, "seitomo-order", &numbers, &count));
    if (count == stack->n_angles) {
        SEI_TRY(SEI_NEW(stack->order, (int64_t)count, 1, 1));
        for (size_t i = 0; i < count; ++i)
            stack->order[i] = numbers[i] >= 0 && numbers[i] < 2147483647.0 ? (int32_t)numbers[i] : -1;
    }
    sei_free(numbers);
    numbers = NULL;
    SEI_TRY(line_numbers(text, "seitomo-dose_e_per_nm2", &numbers, &count));
    if (count == stack->n_angles) {
        stack->dose_e_per_nm2 = numbers;
        numbers = NULL;
    }
done:
    sei_free(numbers);
    return status;
}

static sei_status learn_own(const char *text, sei_stack *stack) {
    char value[SEI_TEXT_LENGTH];
    double number = 0;
    sei_status status = SEI_OK;
    if (strstr(text, "\nseitomo-") == NULL) return SEI_OK;
    if (line_text(text, "seitomo-channel", stack->name, sizeof stack->name))
        SEI_TRY(sei_facts_set(&stack->facts, "channel", stack->name, "ImageDescription seitomo-channel"));
    line_text(text, "seitomo-unit", stack->unit, sizeof stack->unit);
    if (line_number(text, "seitomo-pixel_nm", &number) && number > 0) {
        stack->pixel_nm = number;
        char digits[32];
        SEI_TRY(sei_facts_set(&stack->facts, "pixel_nm", sei_format_double(number, digits), "ImageDescription seitomo-pixel_nm"));
    }
    if (line_text(text, "seitomo-stored", value, sizeof value)) {
        for (int type = SEI_DTYPE_U8; type <= SEI_DTYPE_F64; ++type) {
            if (strcmp(value, sei_dtype_name((sei_dtype)type)) == 0) stack->stored = (sei_dtype)type;
        }
    }
    line_number(text, "seitomo-axis_offset_px", &stack->axis_offset_px);
    if (line_number(text, "seitomo-axis_deg", &stack->axis_deg)) {
        char digits[32];
        SEI_TRY(sei_facts_set(&stack->facts, "axis_deg", sei_format_double(stack->axis_deg, digits), OWN));
    }
    if (line_number(text, "seitomo-aligned", &number)) stack->aligned = number != 0;
    if (line_number(text, "seitomo-volume", &number)) stack->is_volume = number != 0;
    if (stack->is_volume) stack->spacing_nm = stack->pixel_nm;
    if (line_number(text, "seitomo-window_low_kev", &stack->window_low_kev) &&
        line_number(text, "seitomo-window_high_kev", &stack->window_high_kev)) {
        snprintf(value, sizeof value, "%g to %g keV", stack->window_low_kev, stack->window_high_kev);
        SEI_TRY(sei_facts_set(&stack->facts, "energy_window", value, OWN));
    }
    for (int id = 0; id < 256; ++id) {
        char key[SEI_NAME_LENGTH];
        char line[SEI_NAME_LENGTH + 16];
        for (int rule = 0; rule < 2; ++rule) {
            snprintf(key, sizeof key, "class %d%s", id, rule == 1 ? " rule" : "");
            snprintf(line, sizeof line, "seitomo-%s", key);
            if (line_text(text, line, value, sizeof value)) SEI_TRY(sei_facts_set(&stack->facts, key, value, OWN));
        }
    }
    SEI_TRY(learn_tilts(text, stack));
done:
    return status;
}

sei_status sei_tiff_learn(const sei_tiff *tiff, sei_stack *stack) {
    const char *text = description(tiff);
    sei_status status = SEI_OK;
    SEI_TRY(learn_fei(tiff, stack));
    SEI_TRY(learn_digital_micrograph(tiff, stack));
    SEI_TRY(learn_ome(text, stack));
    SEI_TRY(learn_imagej(tiff, text, stack));
    SEI_TRY(learn_own(text, stack));
done:
    return sei_fail_context(status, "%s", tiff->in->path);
}

sei_status sei_tiff_fit_tilts(const sei_tiff *tiff, sei_stack *stack) {
    const int64_t declared = stack->nz + stack->missing_images;
    if (stack->n_angles == 0) return SEI_OK;
    if ((int64_t)stack->n_angles != declared)
        return sei_fail(SEI_ERR_INPUT, "%s: %lld images but %zu angles in its ImageDescription; give the angles with --angles",
                        tiff->in->path, (long long)declared, stack->n_angles);
    stack->n_angles = (size_t)stack->nz;
    return SEI_OK;
}
