/* Segmentation by rules: thresholds, classes, facts. */
#include "seitomo/segment.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/text.h"
#include "core/threads.h"
#include "segment/wire.h"

enum { MAX_RULES = 32 };

void sei_segment_rule_default(sei_segment_rule *rule) {
    *rule = (sei_segment_rule){.threshold = NAN, .otsu_classes = 2};
}

void sei_segment_options_default(sei_segment_options *options) {
    *options = (sei_segment_options){.wire = true, .min_component_voxels = 8, .closing_nm = 10, .min_void_width_px = 2};
}

static const sei_volume *find_volume(size_t n, const sei_volume *volumes, const char *name) {
    for (size_t i = 0; i < n; ++i) {
        if (strcasecmp(volumes[i].name, name) == 0) return &volumes[i];
    }
    return NULL;
}

/* "HAADF, Si, O" */
static void list_names(size_t n, const sei_volume *volumes, char *text, size_t size) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < n && used < size; ++i) {
        const int wrote = snprintf(text + used, size - used, "%s%s", i > 0 ? ", " : "", volumes[i].name);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

static sei_status check_grids(size_t n, const sei_volume *volumes) {
    if (n == 0) return sei_fail(SEI_ERR_USAGE, "segmentation needs at least one volume");
    if (!(volumes[0].voxel_nm > 0)) return sei_fail(SEI_ERR_INPUT, "volume %s has no voxel size: give it in nm", volumes[0].name);
    for (size_t i = 1; i < n; ++i) {
        const sei_volume *a = &volumes[0], *b = &volumes[i];
        if (a->nx == b->nx && a->ny == b->ny && a->nz == b->nz && fabs(b->voxel_nm / a->voxel_nm - 1) < 1e-6) continue;
        return sei_fail(
            SEI_ERR_INPUT,
            "volume %s has %lld x %lld x %lld voxels of %g nm, %s has %lld x %lld x %lld of %g nm: resample to one grid", a->name,
            (long long)a->nx, (long long)a->ny, (long long)a->nz, a->voxel_nm, b->name, (long long)b->nx, (long long)b->ny,
            (long long)b->nz, b->voxel_nm);
    }
    return SEI_OK;
}

static void add_rule(sei_segment_rule *rules, size_t *n, const char *channel, uint8_t label, bool may_be_support) {
    sei_segment_rule_default(&rules[*n]);
    rules[*n].channel = channel;
    rules[*n].label = label;
    rules[*n].may_be_support = may_be_support;
    *n += 1;
}

static sei_status wire_rules(size_t n, const sei_volume *volumes, sei_segment_rule *rules, size_t *n_rules) {
    static const char *const evidence[] = {"O", "F", "P"};
    bool others = false;
    if (find_volume(n, volumes, "Si") == NULL) {
        char names[SEI_TEXT_LENGTH];
        list_names(n, volumes, names, sizeof names);
        return sei_fail(SEI_ERR_INPUT, "no channel Si among %s: the wire's default rules need one; give rules of your own",
                        names);
    }
    add_rule(rules, n_rules, "Si", SEI_LABEL_SI, false);
    for (size_t e = 0; e < sizeof evidence / sizeof evidence[0]; ++e) {
        if (find_volume(n, volumes, evidence[e]) == NULL) continue;
        others = true;
        add_rule(rules, n_rules, evidence[e], SEI_LABEL_SEI, false);
    }
    if (find_volume(n, volumes, "C") != NULL) add_rule(rules, n_rules, "C", SEI_LABEL_SEI, others);
    if (find_volume(n, volumes, "HAADF") != NULL) {
        /* what is as bright as silicon is no void, however few X-rays it gave; SEI's grey is that of half-filled voxels */
        add_rule(rules, n_rules, "HAADF", SEI_LABEL_FROM_NEIGHBOURS, false);
        rules[*n_rules - 1].otsu_classes = 3;
        rules[*n_rules - 1].otsu_take = 1;
    }
    return SEI_OK;
}

static sei_status free_rules(size_t n, const sei_volume *volumes, sei_segment_rule *rules, size_t *n_rules) {
    if (n > MAX_RULES) return sei_fail(SEI_ERR_USAGE, "%zu channels without rules, at most %d: give rules", n, MAX_RULES);
    for (size_t i = 0; i < n; ++i) {
        if (n > 1 && strcasecmp(volumes[i].name, "HAADF") == 0) continue;
        add_rule(rules, n_rules, volumes[i].name, (uint8_t)(SEI_LABEL_FIRST_FREE + *n_rules), false);
    }
    return SEI_OK;
}

static int otsu_classes(const sei_segment_rule *rule) {
    return rule->otsu_classes == 0 ? 2 : rule->otsu_classes;
}

static sei_status check_options(const sei_segment_options *options) {
    if (!(options->closing_nm >= 0) || options->closing_nm > 1e4) {
        return sei_fail(SEI_ERR_USAGE, "a closing of %g nm: the radius lies between 0 and 10000 nm", options->closing_nm);
    }
    if (!(options->min_void_width_px >= 0) || options->min_component_voxels < 0) {
        return sei_fail(SEI_ERR_USAGE, "smallest void width %g and smallest component %lld must not be negative",
                        options->min_void_width_px, (long long)options->min_component_voxels);
    }
    for (size_t r = 0; r < options->n_rules; ++r) {
        const sei_segment_rule *rule = &options->rules[r];
        const bool known = rule->label == SEI_LABEL_SI || rule->label == SEI_LABEL_SEI || rule->label == SEI_LABEL_SUPPORT ||
                           rule->label >= SEI_LABEL_FIRST_FREE;
        if (rule->channel == NULL) return sei_fail(SEI_ERR_USAGE, "segmentation rule %zu names no channel", r + 1);
        if (!known) {
            return sei_fail(SEI_ERR_USAGE,
                            "rule for %s: label %d cannot be given by a threshold; use 1 (Si), 2 (SEI), 5 (support) or %d to 254",
                            rule->channel, rule->label, SEI_LABEL_FIRST_FREE);
        }
        if (isnan(rule->threshold) && (rule->otsu_take < 0 || rule->otsu_take > otsu_classes(rule) - 2)) {
            return sei_fail(SEI_ERR_USAGE, "rule for %s: threshold number %d of %d Otsu classes; there are numbers 1 to %d",
                            rule->channel, rule->otsu_take + 1, otsu_classes(rule), otsu_classes(rule) - 1);
        }
    }
    return SEI_OK;
}

static sei_status find_threshold(const float *data, size_t count, const sei_segment_rule *rule, double *threshold, char *how,
                                 size_t size) {
    double found[SEI_OTSU_MAX_CLASSES];
    char smoothed[48] = "";
    if (rule->smooth_sigma_px > 0) snprintf(smoothed, sizeof smoothed, ", smoothed by %g voxels", rule->smooth_sigma_px);
    if (!isnan(rule->threshold)) {
        *threshold = rule->threshold;
        snprintf(how, size, "given%s", smoothed);
        return SEI_OK;
    }
    const sei_status status = sei_otsu(data, count, NULL, otsu_classes(rule), 0, found);
    if (status != SEI_OK) return status;
    *threshold = found[rule->otsu_take];
    snprintf(how, size, "Otsu, %d classes, threshold %d%s", otsu_classes(rule), rule->otsu_take + 1, smoothed);
    return SEI_OK;
}

/* A name for what a rule gives. */
static const char *label_name(const sei_segment_rule *rule) {
    if (rule->label_name != NULL) return rule->label_name;
    switch (rule->label) {
        case SEI_LABEL_SI: return "Si";
        case SEI_LABEL_SEI: return "SEI";
        case SEI_LABEL_SUPPORT: return "support";
        default: return rule->channel;
    }
}

/* Writes the class of a rule, or adds the rule's words to a class that an earlier rule made. */
static sei_status define_class(sei_labels *labels, const sei_segment_rule *rule, double threshold, const char *how, bool first) {
    static const uint8_t palette[][3] = {{214, 96, 36},  {52, 120, 198}, {64, 160, 84},  {150, 92, 190},
                                         {222, 186, 48}, {196, 64, 120}, {72, 176, 184}, {140, 110, 84}};
    char words[4 * SEI_TEXT_LENGTH], number[32];
    uint8_t rgb[3];
    const sei_label_class *known = NULL;
    if (rule->label == SEI_LABEL_FROM_NEIGHBOURS) return SEI_OK;
    for (size_t c = 0; c < labels->n_classes; ++c) {
        if (labels->classes[c].id == rule->label) known = &labels->classes[c];
    }
    if (known != NULL)
        memcpy(rgb, known->rgb, sizeof rgb);
    else if ((rule->rgb[0] | rule->rgb[1] | rule->rgb[2]) != 0)
        memcpy(rgb, rule->rgb, sizeof rgb);
    else
        memcpy(rgb, palette[(rule->label - SEI_LABEL_FIRST_FREE) % (sizeof palette / sizeof palette[0])], sizeof rgb);
    snprintf(words, sizeof words, "%s%s%s > %s (%s)", known != NULL && !first ? known->rule : "",
             known != NULL && !first ? " or " : "", rule->channel, sei_format_double(threshold, number), how);
    return sei_labels_define(labels, rule->label, known != NULL && !first ? known->name : label_name(rule), rgb, words);
}

/* Thresholds one channel into the labels: voxels that no earlier rule took. film marks what only may_be_support rules gave. */
static sei_status apply_rule(const sei_volume *volume, const sei_segment_rule *rule, bool first, sei_labels *labels,
                             uint8_t *film) {
    sei_status status = SEI_OK;
    float *smooth = NULL;
    const float *data = volume->data;
    const int64_t count = labels->nx * labels->ny * labels->nz;
    double threshold = NAN;
    char how[SEI_TEXT_LENGTH], key[SEI_NAME_LENGTH + 16], number[32];
    if (rule->smooth_sigma_px != 0) {
        SEI_TRY(SEI_NEW(smooth, count, 1, 1));
        memcpy(smooth, volume->data, (size_t)count * sizeof *smooth);
        SEI_TRY(sei_smooth_gaussian(smooth, labels->nx, labels->ny, labels->nz, rule->smooth_sigma_px));
        data = smooth;
    }
    SEI_TRY(find_threshold(data, (size_t)count, rule, &threshold, how, sizeof how));
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t i = 0; i < count; ++i) {
        if (!((double)data[i] > threshold)) continue;
        if (labels->data[i] == SEI_LABEL_OUTSIDE) {
            labels->data[i] = rule->label;
            if (film != NULL) film[i] = rule->may_be_support;
        } else if (film != NULL && !rule->may_be_support && rule->label == labels->data[i]) {
            film[i] = 0; /* another element says the same: not only film */
        }
    }
    SEI_TRY(define_class(labels, rule, threshold, how, first));
    snprintf(key, sizeof key, "threshold_%s", volume->name);
    SEI_TRY(sei_facts_set(&labels->facts, key, sei_format_double(threshold, number), how));
    sei_info("segment: %s > %.6g (%s) is %s", volume->name, threshold, how,
             rule->label == SEI_LABEL_FROM_NEIGHBOURS ? "solid" : label_name(rule));
done:
    sei_free(smooth);
    return status;
}

/* Pieces of specimen that are too small become outside. */
static sei_status remove_small(sei_labels *labels, int64_t least) {
    sei_status status = SEI_OK;
    uint32_t *components = NULL, n = 0;
    int64_t *sizes = NULL;
    const int64_t count = labels->nx * labels->ny * labels->nz;
    if (least <= 1) return SEI_OK;
    SEI_TRY(SEI_NEW(components, count, 1, 1));
    SEI_TRY(sei_components(labels->data, labels->nx, labels->ny, labels->nz, 26, components, &n));
    SEI_TRY(SEI_NEW(sizes, (int64_t)n + 1, 1, 1));
    sei_component_sizes(components, count, n, sizes);
    for (int64_t i = 0; i < count; ++i) {
        if (sizes[components[i]] < least) labels->data[i] = SEI_LABEL_OUTSIDE;
    }
done:
    sei_free(components);
    sei_free(sizes);
    return status;
}

/* Solid voxels without a class of their own, where no wire is looked for: their neighbours decide, or they are outside. */
static sei_status settle_solids(sei_labels *labels) {
    sei_status status = SEI_OK;
    uint8_t *pending = NULL;
    const int64_t count = labels->nx * labels->ny * labels->nz;
    SEI_TRY(SEI_NEW(pending, count, 1, 1));
    for (int64_t i = 0; i < count; ++i) {
        pending[i] = labels->data[i] == SEI_LABEL_FROM_NEIGHBOURS;
        if (pending[i]) labels->data[i] = SEI_LABEL_OUTSIDE;
    }
    SEI_TRY(sei_fill_from_neighbours(labels, pending));
done:
    sei_free(pending);
    return status;
}

static sei_status describe(sei_labels *labels, const sei_segment_options *options) {
    sei_status status = SEI_OK;
    int64_t voxels[256] = {0};
    char key[SEI_NAME_LENGTH + 16], value[32];
    if (options->wire) {
        char rule[SEI_TEXT_LENGTH];
        const struct {
            uint8_t id;
            const char *what;
        } voids[] = {{SEI_LABEL_CLOSED_VOID, "no 6-connected way to the outside"},
                     {SEI_LABEL_OPEN_VOID, "connected to the outside"}};
        for (size_t v = 0; v < 2; ++v) {
            for (size_t c = 0; c < labels->n_classes; ++c) {
                if (labels->classes[c].id != voids[v].id) continue;
                snprintf(rule, sizeof rule,
                         "empty, %s, within the closing of Si and SEI by %g nm with holes filled; at least %g voxels wide and "
                         "%lld large",
                         voids[v].what, options->closing_nm, options->min_void_width_px,
                         (long long)options->min_component_voxels);
                SEI_TRY(sei_labels_define(labels, voids[v].id, labels->classes[c].name, labels->classes[c].rgb, rule));
            }
        }
    }
    for (int64_t i = 0; i < labels->nx * labels->ny * labels->nz; ++i) voxels[labels->data[i]] += 1;
    for (size_t c = 0; c < labels->n_classes; ++c) {
        snprintf(key, sizeof key, "voxels_%s", labels->classes[c].name);
        snprintf(value, sizeof value, "%lld", (long long)voxels[labels->classes[c].id]);
        SEI_TRY(sei_facts_set(&labels->facts, key, value, "counted"));
    }
done:
    return status;
}

/* Whether a rule is the first of the list that gives its label. */
static bool first_of_label(const sei_segment_rule *rules, size_t r) {
    for (size_t i = 0; i < r; ++i) {
        if (rules[i].label == rules[r].label) return false;
    }
    return true;
}

sei_status sei_segment(size_t n, const sei_volume *volumes, const sei_segment_options *options, sei_labels *out) {
    static const uint8_t black[3] = {0, 0, 0};
    sei_status status = SEI_OK;
    sei_labels labels = {0};
    sei_segment_rule own[MAX_RULES];
    sei_segment_options asked = *options;
    uint8_t *film = NULL;
    size_t n_own = 0;
    SEI_TRY(check_grids(n, volumes));
    if (asked.n_rules == 0) {
        SEI_TRY((asked.wire ? wire_rules : free_rules)(n, volumes, own, &n_own));
        asked.rules = own;
        asked.n_rules = n_own;
    }
    SEI_TRY(check_options(&asked));
    SEI_TRY(sei_labels_alloc(volumes[0].nx, volumes[0].ny, volumes[0].nz, volumes[0].voxel_nm, &labels));
    if (asked.wire)
        SEI_TRY(sei_labels_define_wire(&labels));
    else
        SEI_TRY(sei_labels_define(&labels, SEI_LABEL_OUTSIDE, "outside", black, "no rule holds"));
    for (size_t r = 0; r < asked.n_rules && film == NULL; ++r) {
        if (asked.wire && asked.rules[r].may_be_support) SEI_TRY(SEI_NEW(film, labels.nx, labels.ny, labels.nz));
    }
    for (size_t r = 0; r < asked.n_rules; ++r) {
        const sei_volume *volume = find_volume(n, volumes, asked.rules[r].channel);
        if (volume == NULL) {
            char names[SEI_TEXT_LENGTH];
            list_names(n, volumes, names, sizeof names);
            SEI_TRY(sei_fail(SEI_ERR_INPUT, "segmentation rule %zu: no channel '%s'; there are %s", r + 1, asked.rules[r].channel,
                             names));
        }
        status = apply_rule(volume, &asked.rules[r], first_of_label(asked.rules, r), &labels, film);
        if (status != SEI_OK) SEI_TRY(sei_fail_context(status, "channel %s", volume->name));
        SEI_TRY(sei_interrupt_check());
    }
    SEI_TRY(remove_small(&labels, asked.min_component_voxels));
    if (asked.wire)
        SEI_TRY(sei_wire_find_voids(&labels, film, &asked));
    else
        SEI_TRY(settle_solids(&labels));
    SEI_TRY(describe(&labels, &asked));
    *out = labels;
    labels = (sei_labels){0};
done:
    sei_labels_free(&labels);
    sei_free(film);
    return status;
}
