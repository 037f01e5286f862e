/* Loading a recipe and the checks that concern several keys. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/segment.h"
#include "seitomo/study.h"
#include "study/recipe_schema.h"

void sei_recipe_free(sei_recipe *recipe) {
    sei_yaml_free(&sei_recipe_spec, recipe);
}

void sei_recipe_text_free(char *resolved) {
    sei_free(resolved);
}

double sei_recipe_pair(char *const *pairs, unsigned count, const char *name, double otherwise) {
    for (unsigned i = 0; i < count; ++i) {
        const char *equals = strrchr(pairs[i], '=');
        double value = NAN;
        if (equals == NULL || (size_t)(equals - pairs[i]) != strlen(name)) continue;
        if (strncasecmp(pairs[i], name, strlen(name)) == 0 && sei_parse_double(equals + 1, &value)) return value;
    }
    return otherwise;
}

/* Every "NAME=NUMBER" is one, with the number in its range. */
static sei_status check_pairs(const char *key, char *const *pairs, unsigned count, double low, double high, bool whole) {
    for (unsigned i = 0; i < count; ++i) {
        const char *equals = strrchr(pairs[i], '=');
        double value = NAN;
        if (equals == NULL || equals == pairs[i] || !sei_parse_double(equals + 1, &value) || !(value >= low && value <= high) ||
            (whole && value != floor(value))) {
            return sei_fail(SEI_ERR_INPUT, "%s: '%s' is not NAME=NUMBER with a %snumber from %g to %g", key, pairs[i],
                            whole ? "whole " : "", low, high);
        }
    }
    return SEI_OK;
}

static bool is_plain_name(const char *name) {
    for (const char *c = name; *c != 0; ++c) {
        const bool word = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_';
        if (!word && !(*c == '-' && c > name)) return false;
    }
    return name[0] != 0;
}

/* Supports and starts, and what does not go with the method. */
static sei_status check_work(const sei_recipe_recon *e, unsigned i) {
    const bool file = e->support[0] != 0 && strcmp(e->support, "auto") != 0 && strncmp(e->support, "auto:", 5) != 0;
    if (e->method == SEI_METHOD_WBP && e->stop != SEI_STOP_ITERATIONS)
        return sei_fail(SEI_ERR_INPUT, "reconstruct.%u.stop: wbp has no iterations to stop", i);
    if (e->method == SEI_METHOD_WBP && e->n_start > 0)
        return sei_fail(SEI_ERR_INPUT, "reconstruct.%u.start: wbp does not start from a volume", i);
    if (e->pad_px > 0 && (file || e->n_start > 0)) {
        return sei_fail(SEI_ERR_INPUT, "reconstruct.%u.%s: the file knows nothing of the room that pad_px adds; leave one out", i,
                        file ? "support" : "start");
    }
    return SEI_OK;
}

static sei_status check_reconstructions(const sei_recipe *r) {
    char key[64];
    for (unsigned i = 0; i < r->n_reconstruct; ++i) {
        const sei_recipe_recon *e = &r->reconstruct[i];
        if (!is_plain_name(e->name)) {
            return sei_fail(SEI_ERR_INPUT, "reconstruct.%u.name: '%s' names a folder; use letters, digits, '-' and '_'", i,
                            e->name);
        }
        for (unsigned j = 0; j < i; ++j) {
            if (strcasecmp(r->reconstruct[j].name, e->name) == 0) {
                return sei_fail(SEI_ERR_INPUT, "reconstruct.%u.name: '%s' is the name of reconstruct.%u too", i, e->name, j);
            }
        }
        snprintf(key, sizeof key, "reconstruct.%u.bin_channels", i);
        sei_status status = check_pairs(key, e->bin_channels, e->n_bin_channels, 1, 64, true);
        if (status != SEI_OK) return status;
        snprintf(key, sizeof key, "reconstruct.%u.background", i);
        status = check_pairs(key, e->background, e->n_background, 0, 1e9, false);
        if (status != SEI_OK) return status;
        if (strcmp(e->filter, "ramp") != 0 && strcmp(e->filter, "hann") != 0 && strcmp(e->filter, "shepp-logan") != 0) {
            return sei_fail(SEI_ERR_INPUT, "reconstruct.%u.filter: '%s' is not one of: ramp, hann, shepp-logan", i, e->filter);
        }
        status = check_work(e, i);
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}

static bool is_colour(const char *text) {
    if (text[0] == 0) return true;
    return text[0] == '#' && strlen(text) == 7 && strspn(text + 1, "0123456789abcdefABCDEF") == 6;
}

static sei_status check_segment(const sei_recipe *r) {
    const sei_recipe_segment *s = &r->segment;
    bool known = s->from[0] == 0;
    for (unsigned i = 0; i < r->n_reconstruct; ++i) known = known || strcmp(r->reconstruct[i].name, s->from) == 0;
    if (!known) return sei_fail(SEI_ERR_INPUT, "segment.from: no reconstruction is named '%s'", s->from);
    for (unsigned i = 0; i < s->n_rules; ++i) {
        const sei_recipe_rule *rule = &s->rules[i];
        if (rule->label > SEI_LABEL_SUPPORT && rule->label < SEI_LABEL_FIRST_FREE) {
            return sei_fail(SEI_ERR_INPUT, "segment.rules.%u.label: %d is reserved; use 1 to 5 (the wire's) or 10 and up", i,
                            rule->label);
        }
        if (rule->label >= SEI_LABEL_FIRST_FREE && rule->label != SEI_LABEL_FROM_NEIGHBOURS && rule->name[0] == 0) {
            return sei_fail(SEI_ERR_INPUT, "segment.rules.%u: label %d needs a name", i, rule->label);
        }
        if (rule->otsu_take > rule->otsu_classes - 2) {
            return sei_fail(SEI_ERR_INPUT, "segment.rules.%u.otsu_take: %d; %d classes have thresholds 0 to %d", i,
                            rule->otsu_take, rule->otsu_classes, rule->otsu_classes - 2);
        }
        if (!is_colour(rule->colour)) {
            return sei_fail(SEI_ERR_INPUT, "segment.rules.%u.colour: '%s' is not '#rrggbb'", i, rule->colour);
        }
    }
    return SEI_OK;
}

/* Every message begins with the key it is about. */
static sei_status check(const sei_recipe *r) {
    double axis = NAN;
    if (r->input.axis[0] != 0 && strcmp(r->input.axis, "x") != 0 && strcmp(r->input.axis, "y") != 0 &&
        !(sei_parse_double(r->input.axis, &axis) && fabs(axis) <= 360)) {
        return sei_fail(SEI_ERR_INPUT, "input.axis: '%s' is neither x, y nor an angle in degrees", r->input.axis);
    }
    if (r->align.method == SEI_ALIGN_FILE && r->align.shifts[0] == 0) {
        return sei_fail(SEI_ERR_INPUT, "align.shifts: the method 'file' needs the CSV with the shifts");
    }
    if ((r->clean.crop_nx > 0) != (r->clean.crop_ny > 0)) {
        return sei_fail(SEI_ERR_INPUT, "clean: crop_nx and crop_ny go together");
    }
    if (!(r->render.low_percentile < r->render.high_percentile)) {
        return sei_fail(SEI_ERR_INPUT, "render.low_percentile: must be below high_percentile");
    }
    const sei_status status = check_reconstructions(r);
    return status == SEI_OK ? check_segment(r) : status;
}

sei_status sei_recipe_load(const char *path, size_t n_set, const char *const *set, sei_recipe **out, char **resolved) {
    void *data = NULL;
    char *text = NULL;
    sei_status status = sei_yaml_load(&sei_recipe_spec, path, n_set, set, &data, &text);
    if (status != SEI_OK) return status;
    status = check(data);
    if (status != SEI_OK) {
        status = sei_yaml_blame(path, n_set, set, "", status);
        sei_recipe_free(data);
        sei_free(text);
        return status;
    }
    sei_recipe *recipe = data;
    /* the options' own default stands for "two voxels", which the recipe cannot know */
    if (isnan(recipe->measure.core_erosion_nm)) {
        sei_measure_options standard;
        sei_measure_options_default(&standard);
        recipe->measure.core_erosion_nm = standard.core_erosion_nm;
    }
    *out = recipe;
    if (resolved != NULL) {
        *resolved = text;
    } else {
        sei_free(text);
    }
    return SEI_OK;
}
