/* Angles beside a series: which file, which kind, and whether the numbers can be tilt angles. */
#include "io/angles.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"

enum { LONGEST_TABLE = 64 << 20 };

void sei_angle_table_free(sei_angle_table *table) {
    sei_free(table->tilt_deg);
    sei_free(table->order);
    sei_free(table->dose_e_per_nm2);
    *table = (sei_angle_table){0};
}

void sei_angles_describe(const double *tilt_deg, size_t count, char *text, size_t size) {
    double low = INFINITY;
    double high = -INFINITY;
    char a[32];
    char b[32];
    for (size_t i = 0; i < count; ++i) {
        low = fmin(low, tilt_deg[i]);
        high = fmax(high, tilt_deg[i]);
    }
    if (low == high) {
        snprintf(text, size, "%zu at %s deg", count, sei_format_double(low, a));
        return;
    }
    snprintf(text, size, "%zu from %s to %s deg", count, sei_format_double(low, a), sei_format_double(high, b));
}

bool sei_axis_in_title(const char *title, double *axis_deg) {
    const char *found = strcasestr(title, "tilt axis");
    if (found == NULL || (found = strcasestr(found, "angle")) == NULL) return false;
    found += strspn(found + 5, " ") + 5;
    if (*found != '=') return false;
    char number[32];
    found += 1 + strspn(found + 1, " ");
    const size_t length = strspn(found, "+-.0123456789eE");
    if (length == 0 || length >= sizeof number) return false;
    memcpy(number, found, length);
    number[length] = 0;
    double value = NAN;
    if (!sei_parse_double(number, &value) || !isfinite(value) || fabs(value) > 360) return false;
    *axis_deg = value;
    return true;
}

typedef struct placed {
    double tilt_deg;
    size_t index;
} placed;

static int by_angle(const void *a, const void *b) {
    const placed *p = a;
    const placed *q = b;
    return p->tilt_deg < q->tilt_deg ? -1 : p->tilt_deg > q->tilt_deg;
}

/* Two images at one tilt. 0.0001 deg is far below what a goniometer repeats. */
static sei_status check_twice(const double *tilt_deg, size_t count, const char *source) {
    placed *sorted = NULL;
    sei_status status = SEI_NEW(sorted, (int64_t)count, 1, 1);
    if (status != SEI_OK) return status;
    for (size_t i = 0; i < count; ++i) sorted[i] = (placed){tilt_deg[i], i};
    qsort(sorted, count, sizeof *sorted, by_angle);
    const double span = sorted[count - 1].tilt_deg - sorted[0].tilt_deg;
    if (count > 1 && span <= 1e-4) {
        status = sei_fail(SEI_ERR_INPUT, "%s: all %zu angles are %g deg; give the true ones with --angles FILE", source, count,
                          tilt_deg[0]);
        goto done;
    }
    for (size_t i = 1; i < count; ++i) {
        if (sorted[i].tilt_deg - sorted[i - 1].tilt_deg > 1e-4) continue;
        const size_t a = sorted[i - 1].index < sorted[i].index ? sorted[i - 1].index : sorted[i].index;
        const size_t b = sorted[i - 1].index < sorted[i].index ? sorted[i].index : sorted[i - 1].index;
        status = sei_fail(SEI_ERR_INPUT,
                          "%s: images %zu and %zu have the same tilt, %g deg; every tilt may appear once: correct the "
                          "angles or remove one image",
                          source, a + 1, b + 1, tilt_deg[a]);
        goto done;
    }
done:
    sei_free(sorted);
    return status;
}

sei_status sei_angles_check(const double *tilt_deg, size_t count, int64_t n_images, const char *source) {
    double largest = 0;
    double low = INFINITY;
    double high = -INFINITY;
    if (n_images >= 0 && count != (size_t)n_images) {
        return sei_fail(SEI_ERR_INPUT, "%s: %zu angles for %lld images; one per image is needed%s", source, count,
                        (long long)n_images, count < (size_t)n_images ? ": an angle is missing" : ": there are too many");
    }
    for (size_t i = 0; i < count; ++i) {
        if (!isfinite(tilt_deg[i])) {
            return sei_fail(SEI_ERR_INPUT, "%s: the angle of image %zu is %s; every angle must be a number of degrees", source,
                            i + 1, isnan(tilt_deg[i]) ? "not a number" : "infinite");
        }
        if (fabs(tilt_deg[i]) > 360) {
            return sei_fail(SEI_ERR_INPUT, "%s: the angle of image %zu is %g; expected degrees within -360 to 360", source, i + 1,
                            tilt_deg[i]);
        }
        largest = fmax(largest, fabs(tilt_deg[i]));
        low = fmin(low, tilt_deg[i]);
        high = fmax(high, tilt_deg[i]);
    }
    if (count == 0) return sei_fail(SEI_ERR_INPUT, "%s: no angles", source);
    /* +-126 deg is 2.2 rad; three or more images within +-2.2 deg would be no tomography */
    if (count >= 3 && largest <= 2.2 && high - low >= 0.3) {
        return sei_fail(SEI_ERR_INPUT,
                        "%s: the angles go from %g to %g, which looks like radians (%.1f to %.1f deg); write them in degrees",
                        source, low, high, low * 57.29577951308232, high * 57.29577951308232);
    }
    return check_twice(tilt_deg, count, source);
}

/* Whether any line of the text begins with `[key = `. */
static bool has_section(const char *text, const char *key) {
    for (const char *line = strchr(text, '['); line != NULL; line = strchr(line + 1, '[')) {
        if (line != text && line[-1] != '\n' && line[-1] != '\r') continue;
        const char *word = line + 1 + strspn(line + 1, " \t");
        if (strncasecmp(word, key, strlen(key)) == 0) return true;
    }
    return false;
}

sei_status sei_angles_read(const char *path, sei_angle_table *out) {
    sei_angle_table table = {.pixel_nm = NAN, .axis_deg = NAN};
    char *text = NULL;
    size_t length = 0;
    sei_status status = sei_file_read_text(path, LONGEST_TABLE, &text, &length);
    if (status != SEI_OK) return status;
    if (strlen(text) != length) {
        status = sei_fail(SEI_ERR_INPUT, "%s: a NUL byte at offset %zu; a table of angles is plain text", path, strlen(text));
        goto done;
    }
    if (has_section(text, "ZValue") || has_section(text, "FrameSet") || sei_path_has_extension(path, "mdoc")) {
        SEI_TRY(sei_angles_parse_mdoc(path, text, &table));
    } else if (strcasestr(text, "tilt scheme") != NULL && strcasestr(text, "Start tilt") != NULL) {
        SEI_TRY(sei_angles_parse_scheme(path, text, &table));
    } else {
        SEI_TRY(sei_angles_parse_columns(path, text, &table));
    }
    *out = table;
    table = (sei_angle_table){0};
done:
    sei_angle_table_free(&table);
    sei_free(text);
    return status;
}

/* The first `keep` bytes of path + ending in *out, when that file exists; else *out stays NULL. */
static sei_status find_existing(const char *path, size_t keep, const char *ending, char **out) {
    void *made = NULL;
    const size_t bytes = keep + strlen(ending) + 1;
    if (*out != NULL) return SEI_OK;
    const sei_status status = sei_alloc(bytes, &made);
    if (status != SEI_OK) return status;
    memcpy(made, path, keep);
    memcpy((char *)made + keep, ending, strlen(ending) + 1);
    if (sei_file_exists(made)) {
        *out = made;
    } else {
        sei_free(made);
    }
    return SEI_OK;
}

sei_status sei_angles_beside(const char *path, char **out) {
    /* _TLT.txt first: it alone also holds order and dose. An aligned stack goes with the refined angles */
    static const char *const raw_first[] = {"_TLT.txt", ".rawtlt", ".tlt"};
    static const char *const refined_first[] = {"_TLT.txt", ".tlt", ".rawtlt"};
    const char *base = sei_path_base(path);
    const char *dot = strrchr(base, '.');
    const size_t whole = strlen(path);
    const size_t stem = dot == NULL || dot == base ? whole : (size_t)(dot - path);
    const bool processed = sei_path_has_extension(path, "ali") || sei_path_has_extension(path, "preali");
    const char *const *endings = processed ? refined_first : raw_first;
    char *found = NULL;
    sei_status status = SEI_OK;
    for (int i = 0; i < 3; ++i) SEI_TRY(find_existing(path, stem, endings[i], &found));
    SEI_TRY(find_existing(path, whole, ".mdoc", &found));
    if (!processed) SEI_TRY(find_existing(path, stem, ".mdoc", &found)); /* an mdoc describes the images as recorded */
    *out = found;
    found = NULL;
done:
    sei_free(found);
    return status;
}
