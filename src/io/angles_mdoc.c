/* SerialEM's .mdoc: "key = value" lines in any order, under titles and [ZValue = n] or [FrameSet = n] sections. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/text.h"
#include "io/angles.h"

enum { MOST_SECTIONS = 1 << 18 };

typedef struct section {
    long number; /* n of [ZValue = n] */
    size_t line;
    double tilt_deg, prior_dose, exposure_dose, time_s;
} section;

typedef struct mdoc {
    const char *path;
    section *sections;
    size_t count, capacity;
    double pixel_a, axis_deg;
    bool z_values; /* sections are [ZValue], so their number is the image's place in the file */
    bool inside;   /* the current section is one of ours */
    size_t line;
} mdoc;

static char *trim(char *text) {
    while (isspace((unsigned char)*text)) ++text;
    size_t length = strlen(text);
    while (length > 0 && isspace((unsigned char)text[length - 1])) text[--length] = 0;
    return text;
}

/* Days since 1970-01-01 of a date in the Gregorian calendar. */
static double days_of(int year, int month, int day) {
    const int y = year - (month <= 2);
    const int era = y / 400;
    const int of_era = y - era * 400;
    const int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return 146097.0 * era + 365.0 * of_era + of_era / 4 - of_era / 100 + of_year - 719468.0;
}

/* "30-Nov-15  15:21:38" or "2023-Nov-30  15:21:38" in seconds; NaN when it is neither. */
static double seconds_of(const char *text) {
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    char name[4] = "";
    int first = 0;
    int last = 0;
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (sscanf(text, "%4d-%3[A-Za-z]-%4d %2d:%2d:%2d", &first, name, &last, &hour, &minute, &second) != 6) return NAN;
    for (char *c = name; *c != 0; ++c) *c = (char)tolower((unsigned char)*c);
    const char *found = strlen(name) == 3 ? strstr(months, name) : NULL;
    if (found == NULL || (found - months) % 3 != 0) return NAN;
    const bool year_first = first > 31;
    int year = year_first ? first : last;
    const int day = year_first ? last : first;
    if (year < 100) year += 2000;
    if (day < 1 || day > 31 || hour < 0 || minute < 0 || second < 0 || year < 1970 || year > 9999) return NAN;
    return 86400 * days_of(year, (int)(found - months) / 3 + 1, day) + 3600.0 * hour + 60.0 * minute + second;
}

static sei_status add_section(mdoc *m, long number) {
    if (m->count == MOST_SECTIONS) return sei_fail(SEI_ERR_INPUT, "%s: more than %d sections", m->path, MOST_SECTIONS);
    if (m->count == m->capacity) {
        void *grown = m->sections;
        const size_t capacity = m->capacity < 64 ? 64 : 2 * m->capacity;
        const sei_status status = sei_realloc(&grown, capacity * sizeof *m->sections);
        if (status != SEI_OK) return status;
        m->sections = grown;
        m->capacity = capacity;
    }
    m->sections[m->count++] = (section){number, m->line, NAN, NAN, NAN, NAN};
    return SEI_OK;
}

/* "[Key = value]": a title, an image's section, or one that is not about images. */
static sei_status parse_heading(mdoc *m, char *line) {
    char *close = strrchr(line, ']');
    char *equals = strchr(line, '=');
    if (close != NULL) *close = 0;
    m->inside = false;
    if (close == NULL || equals == NULL) {
        return sei_fail(SEI_ERR_INPUT, "%s: line %zu: '%.40s' is no section heading of the kind [ZValue = 0]", m->path, m->line,
                        line);
    }
    *equals = 0;
    const char *key = trim(line + 1);
    const char *value = trim(equals + 1);
    if (strcasecmp(key, "T") == 0) {
        (void)sei_axis_in_title(value, &m->axis_deg); /* the title is free text; an axis in it is a bonus */
        return SEI_OK;
    }
    const bool z_value = strcasecmp(key, "ZValue") == 0;
    if (!z_value && strcasecmp(key, "FrameSet") != 0) return SEI_OK;
    char *end = NULL;
    const long number = strtol(value, &end, 10);
    if (end == value || *end != 0)
        return sei_fail(SEI_ERR_INPUT, "%s: line %zu: section number '%.40s' is not a whole number", m->path, m->line, value);
    m->z_values = m->z_values || z_value;
    m->inside = true;
    return add_section(m, number);
}

static sei_status parse_pair(mdoc *m, char *line) {
    char *equals = strchr(line, '=');
    double value = NAN;
    if (equals == NULL) return SEI_OK; /* continuation of free text */
    *equals = 0;
    const char *key = trim(line);
    const char *text = trim(equals + 1);
    if (strcasecmp(key, "PixelSpacing") == 0) {
        if (sei_parse_double(text, &value) && value > 0 && isfinite(value) && isnan(m->pixel_a)) m->pixel_a = value;
        return SEI_OK;
    }
    if (!m->inside) return SEI_OK;
    section *s = &m->sections[m->count - 1];
    if (strcasecmp(key, "DateTime") == 0) s->time_s = seconds_of(text);
    double *field = strcasecmp(key, "TiltAngle") == 0         ? &s->tilt_deg
                    : strcasecmp(key, "PriorRecordDose") == 0 ? &s->prior_dose
                    : strcasecmp(key, "ExposureDose") == 0    ? &s->exposure_dose
                                                              : NULL;
    if (field == NULL) return SEI_OK;
    if (!sei_parse_double(text, &value) || !isfinite(value)) {
        return sei_fail(SEI_ERR_INPUT, "%s: line %zu: %s = '%.40s' is not a number", m->path, m->line, key, text);
    }
    *field = value;
    return SEI_OK;
}

static int by_number(const void *a, const void *b) {
    const section *p = a;
    const section *q = b;
    if (p->number != q->number) return p->number < q->number ? -1 : 1;
    return p->line < q->line ? -1 : p->line > q->line;
}

/* Images in the order of the file: [ZValue] numbers are places there and must be complete. */
static sei_status check_sections(mdoc *m) {
    if (m->count == 0) return sei_fail(SEI_ERR_INPUT, "%s: no [ZValue = n] or [FrameSet = n] section in it", m->path);
    if (m->z_values) qsort(m->sections, m->count, sizeof *m->sections, by_number);
    for (size_t i = 0; i < m->count; ++i) {
        const section *s = &m->sections[i];
        if (m->z_values && s->number != (long)i) {
            return sei_fail(SEI_ERR_INPUT,
                            "%s: section [ZValue = %ld] (line %zu) where %zu was expected; each image needs one section", m->path,
                            s->number, s->line, i);
        }
        if (isnan(s->tilt_deg)) {
            return sei_fail(
                SEI_ERR_INPUT,
                "%s: the section at line %zu (image %zu) has no TiltAngle; add it, or give the angles with --angles FILE",
                m->path, s->line, i + 1);
        }
    }
    return SEI_OK;
}

typedef struct keyed {
    double key;
    int32_t index;
} keyed;

static int by_key(const void *a, const void *b) {
    const keyed *p = a;
    const keyed *q = b;
    return p->key < q->key ? -1 : p->key > q->key;
}

/* Acquisition order from one key per section; *order stays NULL when a key is unknown or occurs twice. */
static sei_status order_by(const mdoc *m, bool by_time, int32_t **order) {
    keyed *keys = NULL;
    int32_t *made = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(keys, (int64_t)m->count, 1, 1));
    SEI_TRY(SEI_NEW(made, (int64_t)m->count, 1, 1));
    for (size_t i = 0; i < m->count; ++i) {
        const double key = by_time ? m->sections[i].time_s : m->sections[i].prior_dose;
        if (isnan(key)) goto done;
        keys[i] = (keyed){key, (int32_t)i};
    }
    qsort(keys, m->count, sizeof *keys, by_key);
    for (size_t i = 1; i < m->count; ++i) {
        if (keys[i].key == keys[i - 1].key) goto done;
    }
    for (size_t i = 0; i < m->count; ++i) made[keys[i].index] = (int32_t)i;
    *order = made;
    made = NULL;
done:
    sei_free(keys);
    sei_free(made);
    return status;
}

/* ExposureDose is e/A2 per image; SerialEM writes 0 where it was not calibrated. */
static sei_status take_dose(const mdoc *m, sei_angle_table *table) {
    bool known = false;
    for (size_t i = 0; i < m->count; ++i) known = known || m->sections[i].exposure_dose > 0;
    if (!known) return SEI_OK;
    const sei_status status = SEI_NEW(table->dose_e_per_nm2, (int64_t)m->count, 1, 1);
    if (status != SEI_OK) return status;
    for (size_t i = 0; i < m->count; ++i) table->dose_e_per_nm2[i] = 100 * m->sections[i].exposure_dose;
    return SEI_OK;
}

sei_status sei_angles_parse_mdoc(const char *path, char *text, sei_angle_table *out) {
    mdoc m = {.path = path, .pixel_a = NAN, .axis_deg = NAN};
    sei_angle_table table = {.pixel_nm = NAN, .axis_deg = NAN};
    sei_status status = SEI_OK;
    for (char *line = text, *next = NULL; line != NULL; line = next) {
        char *end = line + strcspn(line, "\r\n");
        next = *end == 0 ? NULL : end + (end[0] == '\r' && end[1] == '\n' ? 2 : 1);
        *end = 0;
        ++m.line;
        char *content = trim(line);
        if (content[0] == '[') {
            SEI_TRY(parse_heading(&m, content));
        } else if (content[0] != 0 && content[0] != '#') {
            SEI_TRY(parse_pair(&m, content));
        }
    }
    SEI_TRY(check_sections(&m));
    SEI_TRY(SEI_NEW(table.tilt_deg, (int64_t)m.count, 1, 1));
    table.count = m.count;
    for (size_t i = 0; i < m.count; ++i) table.tilt_deg[i] = m.sections[i].tilt_deg;
    SEI_TRY(order_by(&m, true, &table.order));
    if (table.order == NULL) SEI_TRY(order_by(&m, false, &table.order));
    SEI_TRY(take_dose(&m, &table));
    table.pixel_nm = m.pixel_a / 10;
    table.axis_deg = m.axis_deg;
    snprintf(table.format, sizeof table.format, "SerialEM mdoc");
    *out = table;
    table = (sei_angle_table){0};
done:
    sei_free(m.sections);
    sei_angle_table_free(&table);
    return status;
}
