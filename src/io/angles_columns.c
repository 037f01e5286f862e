/* Angles in columns (.rawtlt, .tlt, AreTomo's _TLT.txt) and from the tilt scheme in an FEI Xplore3D log. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/text.h"
#include "io/angles.h"

enum { MOST_COLUMNS = 3, MOST_LINES = 1 << 20 };

/* Ends the line at `text` (LF, CR LF or CR); the start of the next one, NULL after the last. */
static char *cut_line(char *text) {
    char *end = text + strcspn(text, "\r\n");
    if (*end == 0) return NULL;
    char *next = end + (end[0] == '\r' && end[1] == '\n' ? 2 : 1);
    *end = 0;
    return next;
}

static bool is_blank(const char *line) {
    return line[strspn(line, " \t")] == 0;
}

/* A dose in e/A2 as text to e/nm2: the decimal exponent grows by two, so that no digit is rounded. */
static bool parse_dose(const char *text, double *dose_e_per_nm2) {
    char scaled[96];
    const size_t mantissa = strcspn(text, "eE");
    long exponent = 0;
    if (text[mantissa] != 0) {
        char *end = NULL;
        exponent = strtol(text + mantissa + 1, &end, 10);
        if (end == text + mantissa + 1 || *end != 0) return false;
    }
    if (mantissa == 0 || mantissa > 60 || labs(exponent) > 300) return false;
    snprintf(scaled, sizeof scaled, "%.*se%ld", (int)mantissa, text, exponent + 2);
    return sei_parse_double(scaled, dose_e_per_nm2);
}

/* The words of a line into table row `row`; *columns is set by the first line and checked by the others. */
static sei_status parse_line(const char *path, size_t number, char *line, size_t row, size_t *columns, double *order,
                             sei_angle_table *table) {
    char *rest = NULL;
    size_t n = 0;
    for (char *word = strtok_r(line, " \t", &rest); word != NULL; word = strtok_r(NULL, " \t", &rest), ++n) {
        double value = NAN;
        if (n >= MOST_COLUMNS) {
            return sei_fail(SEI_ERR_INPUT, "%s: line %zu has more than 3 columns; expected an angle, or angle, order and dose",
                            path, number);
        }
        const bool parsed = n == 2 && strcasecmp(word, "nan") != 0 ? parse_dose(word, &value) : sei_parse_double(word, &value);
        if (!parsed || (n < 2 && !isfinite(value))) {
            return sei_fail(SEI_ERR_INPUT, "%s: line %zu: '%.40s' is not %s; expected a number with a decimal point", path,
                            number, word,
                            n == 0   ? "an angle in degrees"
                            : n == 1 ? "an acquisition order"
                                     : "a dose");
        }
        if (n == 0) table->tilt_deg[row] = value;
        if (n == 1) order[row] = value;
        if (n == 2) table->dose_e_per_nm2[row] = value;
    }
    if (row == 0) *columns = n;
    if (n != *columns) {
        return sei_fail(SEI_ERR_INPUT, "%s: line %zu has %zu columns, the first line has %zu; every line needs the same", path,
                        number, n, *columns);
    }
    return SEI_OK;
}

/* The second column counts from 1 (AreTomo) or 0; each number once. */
static sei_status take_order(const char *path, const double *order, sei_angle_table *table) {
    uint8_t *seen = NULL;
    sei_status status = SEI_OK;
    double first = INFINITY;
    for (size_t i = 0; i < table->count; ++i) first = fmin(first, order[i]);
    SEI_TRY(SEI_NEW(seen, (int64_t)table->count, 1, 1));
    SEI_TRY(SEI_NEW(table->order, (int64_t)table->count, 1, 1));
    for (size_t i = 0; i < table->count; ++i) {
        const double at = order[i] - first;
        if ((first != 0 && first != 1) || at != floor(at) || at >= (double)table->count || seen[(size_t)at]) {
            status = sei_fail(SEI_ERR_INPUT, "%s: image %zu has acquisition order %g; expected each of 1 to %zu once", path,
                              i + 1, order[i], table->count);
            goto done;
        }
        seen[(size_t)at] = 1;
        table->order[i] = (int32_t)at;
    }
done:
    sei_free(seen);
    return status;
}

sei_status sei_angles_parse_columns(const char *path, char *text, sei_angle_table *out) {
    sei_angle_table table = {.pixel_nm = NAN, .axis_deg = NAN};
    double *order = NULL;
    size_t lines = 1;
    size_t number = 0;
    size_t columns = 0;
    size_t blank = 0; /* the first blank line after which more follows */
    sei_status status = SEI_OK;
    for (const char *c = text; *c != 0; ++c) lines += *c == '\n' || *c == '\r';
    if (lines > MOST_LINES) {
        status = sei_fail(SEI_ERR_INPUT, "%s: %zu lines; a table of tilt angles has one per image", path, lines);
        goto done;
    }
    SEI_TRY(SEI_NEW(table.tilt_deg, (int64_t)lines, 1, 1));
    SEI_TRY(SEI_NEW(table.dose_e_per_nm2, (int64_t)lines, 1, 1));
    SEI_TRY(SEI_NEW(order, (int64_t)lines, 1, 1));
    for (char *line = text, *next = NULL; line != NULL; line = next) {
        next = cut_line(line);
        ++number;
        if (is_blank(line)) {
            if (blank == 0) blank = number;
            continue;
        }
        if (line[strspn(line, " \t")] == '#') continue;
        if (blank != 0) {
            status =
                sei_fail(SEI_ERR_INPUT, "%s: line %zu is blank: an angle is missing there, or the line should go", path, blank);
            goto done;
        }
        SEI_TRY(parse_line(path, number, line, table.count, &columns, order, &table));
        ++table.count;
    }
    if (table.count == 0) {
        status = sei_fail(SEI_ERR_INPUT, "%s: no angles in it; expected one number per line", path);
        goto done;
    }
    if (columns >= 2) SEI_TRY(take_order(path, order, &table));
    if (columns < 3) {
        sei_free(table.dose_e_per_nm2);
        table.dose_e_per_nm2 = NULL;
    }
    snprintf(table.format, sizeof table.format, "%s",
             columns == 1   ? "tilt angles, one per line"
             : columns == 2 ? "tilt angles, order"
                            : "tilt angles, order, dose");
    *out = table;
    table = (sei_angle_table){0};
done:
    sei_free(order);
    sei_angle_table_free(&table);
    return status;
}

/* The number after the first ':' that follows `key`; NaN when there is none. */
static double value_after(const char *text, const char *key) {
    const char *found = strcasestr(text, key);
    const char *colon = found == NULL ? NULL : strpbrk(found + strlen(key), ":\r\n");
    if (colon == NULL || *colon != ':') return NAN;
    char number[32];
    const char *start = colon + 1 + strspn(colon + 1, " \t");
    const size_t length = strspn(start, "+-.0123456789eE");
    double value = NAN;
    if (length == 0 || length >= sizeof number) return NAN;
    memcpy(number, start, length);
    number[length] = 0;
    return sei_parse_double(number, &value) ? value : NAN;
}

sei_status sei_angles_parse_scheme(const char *path, char *text, sei_angle_table *out) {
    sei_angle_table table = {.pixel_nm = value_after(text, "Image pixel size"), .axis_deg = NAN};
    const double low = value_after(text, "Max negative tilt");
    const double high = value_after(text, "Max positive tilt");
    const double start = value_after(text, "Start tilt");
    const double step = value_after(text, "Low tilt step");
    const double high_step = value_after(text, "High tilt step");
    const double change = value_after(text, "High tilt switch");
    sei_status status = SEI_OK;
    if (!(low < high) || !(fabs(low) <= 360) || !(fabs(high) <= 360) || !(step > 0.001) || !isfinite(start)) {
        return sei_fail(SEI_ERR_INPUT,
                        "%s: an Xplore3D log without its tilt scheme (start, limits, step); give the angles one per line", path);
    }
    const bool uniform = isnan(high_step) || high_step == step || !(change < fmax(fabs(low), fabs(high)));
    if (strcasestr(text, "Linear tilt scheme") == NULL || !uniform || (start != low && start != high)) {
        return sei_fail(SEI_ERR_INPUT,
                        "%s: the tilt scheme of this Xplore3D log is not one run of equal steps from end to end; give the "
                        "angles one per line",
                        path);
    }
    const size_t count = (size_t)floor((high - low) / step + 1e-6) + 1;
    SEI_TRY(SEI_NEW(table.tilt_deg, (int64_t)count, 1, 1));
    SEI_TRY(SEI_NEW(table.order, (int64_t)count, 1, 1));
    table.count = count;
    for (size_t i = 0; i < count; ++i) {
        table.tilt_deg[i] = start + (start == low ? 1 : -1) * step * (double)i;
        table.order[i] = (int32_t)i;
    }
    snprintf(table.format, sizeof table.format, "FEI Xplore3D log");
    *out = table;
    table = (sei_angle_table){0};
done:
    sei_angle_table_free(&table);
    return status;
}
