/* seitomo segment: volumes to labels. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/volume_files.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "seitomo/segment.h"

enum { MAX_RULES = 32, KEY_RULE = 0x2000, KEY_WIRE, KEY_NO_WIRE, KEY_CLOSING, KEY_MIN_VOXELS, KEY_VOID_WIDTH, KEY_SMOOTH };

typedef struct arguments {
    sei_common common;
    sei_cli_files files;
    sei_segment_options options;
    sei_segment_rule rules[MAX_RULES];
    char *rule_text[MAX_RULES]; /* as given, for the provenance; cut up in place by rules */
    size_t n_rules;
    double smooth_sigma_px;
    bool wire_given;
} arguments;

static const struct argp_option options[] = {
    {"rule", KEY_RULE, "CHANNEL:HOW:LABEL[:NAME]", 0,
     "voxels of CHANNEL above a threshold get LABEL; earlier rules win. HOW: a number, otsuN (lowest threshold of N classes) or "
     "otsuN/K (the K-th). LABEL: Si, SEI, support, solid (class from the neighbours) or a number from 10 to 254",
     1},
    {"wire", KEY_WIRE, 0, 0, "find the wire's envelope, closed and open voids (default unless a rule gives a label from 10 up)",
     1},
    {"no-wire", KEY_NO_WIRE, 0, 0, "only apply the rules", 1},
    {"closing-nm", KEY_CLOSING, "R", 0, "radius of the closing that makes the wire's envelope (default 10)", 1},
    {"min-voxels", KEY_MIN_VOXELS, "N", 0, "smaller pieces and voids are dropped (default 8)", 1},
    {"min-void-width", KEY_VOID_WIDTH, "PX", 0, "narrower parts of voids are filled (default 2; 0: none)", 1},
    {"smooth", KEY_SMOOTH, "PX", 0, "Gaussian before every threshold, sigma in voxels (default 0)", 1},
    {0}};

static uint8_t label_of(const char *word, struct argp_state *state) {
    static const struct {
        const char *name;
        uint8_t label;
    } names[] = {
        {"Si", SEI_LABEL_SI}, {"SEI", SEI_LABEL_SEI}, {"support", SEI_LABEL_SUPPORT}, {"solid", SEI_LABEL_FROM_NEIGHBOURS}};
    char *end = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        if (strcasecmp(word, names[i].name) == 0) return names[i].label;
    }
    const long label = strtol(word, &end, 10);
    const bool named = label == SEI_LABEL_SI || label == SEI_LABEL_SEI || label == SEI_LABEL_SUPPORT;
    if (end == word || *end != 0 || !(named || (label >= SEI_LABEL_FIRST_FREE && label < SEI_LABEL_FROM_NEIGHBOURS))) {
        argp_error(state, "--rule: '%s' is no label: Si, SEI, support, solid or %d to 254", word, SEI_LABEL_FIRST_FREE);
    }
    return (uint8_t)label;
}

/* "otsu3/2" or "123.5" */
static void threshold_of(const char *word, sei_segment_rule *rule, struct argp_state *state) {
    int classes = 0, take = 1, used = 0;
    if (strncasecmp(word, "otsu", 4) != 0) {
        rule->threshold = sei_cli_number_of("--rule, threshold", word, state);
        return;
    }
    const bool plain = word[4] == 0;
    const bool whole = sscanf(word + 4, "%d/%d%n", &classes, &take, &used) == 2 && word[4 + used] == 0;
    const bool lowest = !whole && sscanf(word + 4, "%d%n", &classes, &used) == 1 && word[4 + used] == 0;
    if (plain) classes = 2;
    if (!(plain || whole || lowest) || classes < 2 || classes > SEI_OTSU_MAX_CLASSES || take < 1 || take >= classes) {
        argp_error(state, "--rule: '%s' is not otsuN or otsuN/K with 2 to %d classes N and thresholds K from 1 to N-1", word,
                   SEI_OTSU_MAX_CLASSES);
    }
    rule->otsu_classes = classes;
    rule->otsu_take = take - 1;
}

static void add_rule(arguments *a, const char *text, struct argp_state *state) {
    char *words[4] = {NULL};
    if (a->n_rules == MAX_RULES) argp_error(state, "more than %d rules", MAX_RULES);
    char *copy = strdup(text);
    if (copy == NULL) argp_failure(state, SEI_ERR_MEMORY, 0, "out of memory");
    a->rule_text[a->n_rules] = copy;
    int n = 0;
    for (char *rest = copy; rest != NULL && n < 4; ++n) words[n] = n < 3 ? strsep(&rest, ":") : rest;
    if (n < 3 || words[0][0] == 0) {
        argp_error(state, "--rule: '%s' is not CHANNEL:HOW:LABEL[:NAME]", text);
        return;
    }
    sei_segment_rule *rule = &a->rules[a->n_rules++];
    sei_segment_rule_default(rule);
    rule->channel = words[0];
    threshold_of(words[1], rule, state);
    rule->label = label_of(words[2], state);
    rule->label_name = n == 4 && words[3] != NULL && words[3][0] != 0 ? words[3] : NULL;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    arguments *a = state->input;
    switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &a->common; break;
        case ARGP_KEY_ARG: sei_cli_add_file(&a->files, arg, state); break;
        case KEY_RULE: add_rule(a, arg, state); break;
        case KEY_WIRE:
        case KEY_NO_WIRE:
            a->options.wire = key == KEY_WIRE;
            a->wire_given = true;
            break;
        case KEY_CLOSING: a->options.closing_nm = sei_cli_number_of("--closing-nm", arg, state); break;
        case KEY_MIN_VOXELS: {
            const double count = sei_cli_number_of("--min-voxels", arg, state);
            if (!(count >= 0) || count > 1e15 || count != floor(count))
                argp_error(state, "--min-voxels: '%s' is not a count", arg);
            a->options.min_component_voxels = (int64_t)count;
            break;
        }
        case KEY_VOID_WIDTH: a->options.min_void_width_px = sei_cli_number_of("--min-void-width", arg, state); break;
        case KEY_SMOOTH: a->smooth_sigma_px = sei_cli_number_of("--smooth", arg, state); break;
        case ARGP_KEY_END:
            if (a->files.count == 0) argp_error(state, "no volumes given");
            if (a->common.output == NULL && !a->common.plan) argp_error(state, "no output given: -o LABELS");
            if (a->smooth_sigma_px != 0 && a->n_rules == 0) argp_error(state, "--smooth goes with --rule");
            break;
        default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

/* Without --wire or --no-wire: rules that give labels of one's own are no wire's. */
static void settle_options(arguments *a) {
    for (size_t r = 0; r < a->n_rules; ++r) {
        a->rules[r].smooth_sigma_px = a->smooth_sigma_px;
        const uint8_t label = a->rules[r].label;
        if (!a->wire_given && label >= SEI_LABEL_FIRST_FREE && label != SEI_LABEL_FROM_NEIGHBOURS) a->options.wire = false;
    }
    a->options.rules = a->rules;
    a->options.n_rules = a->n_rules;
}

static sei_status note_parameters(const arguments *a, const sei_labels *labels, sei_provenance *provenance) {
    sei_status status = SEI_OK;
    char number[32];
    snprintf(provenance->stage, sizeof provenance->stage, "segment");
    SEI_TRY(sei_provenance_set(provenance, "wire", "%s", a->options.wire ? "true" : "false"));
    SEI_TRY(sei_provenance_set(provenance, "closing_nm", "%s", sei_format_double(a->options.closing_nm, number)));
    SEI_TRY(sei_provenance_set(provenance, "min_component_voxels", "%lld", (long long)a->options.min_component_voxels));
    SEI_TRY(sei_provenance_set(provenance, "min_void_width_px", "%s", sei_format_double(a->options.min_void_width_px, number)));
    SEI_TRY(sei_provenance_set(provenance, "smooth_sigma_px", "%s", sei_format_double(a->smooth_sigma_px, number)));
    for (size_t f = 0; f < labels->facts.count; ++f) {
        const sei_fact *fact = &labels->facts.items[f];
        if (strncmp(fact->key, "threshold_", 10) == 0)
            SEI_TRY(sei_provenance_set(provenance, fact->key, "%s (%s)", fact->value, fact->source));
    }
    for (size_t c = 0; c < labels->n_classes; ++c) {
        SEI_TRY(sei_provenance_set(provenance, labels->classes[c].name, "label %d: %s", labels->classes[c].id,
                                   labels->classes[c].rule));
    }
done:
    return status;
}

/* {"thresholds": {channel: {value, source}}, "classes": [{id, name, voxels, volume, rule}], "voxel": ...} */
static json_t *summary_of(const sei_labels *labels, const char *output) {
    json_t *summary = json_object(), *thresholds = json_object(), *classes = json_array();
    int64_t voxels[256] = {0};
    for (int64_t i = 0; i < labels->nx * labels->ny * labels->nz; ++i) voxels[labels->data[i]] += 1;
    for (size_t f = 0; f < labels->facts.count; ++f) {
        const sei_fact *fact = &labels->facts.items[f];
        double value = NAN;
        if (strncmp(fact->key, "threshold_", 10) != 0 || !sei_parse_double(fact->value, &value)) continue;
        json_object_set_new(thresholds, fact->key + 10,
                            json_pack("{s:o, s:s}", "value", sei_cli_real(value), "source", fact->source));
    }
    for (size_t c = 0; c < labels->n_classes; ++c) {
        const sei_label_class *class = &labels->classes[c];
        const double volume = (double)voxels[class->id] * pow(labels->voxel_nm, 3);
        json_array_append_new(
            classes, json_pack("{s:i, s:s, s:I, s:o, s:s}", "id", class->id, "name", class->name, "voxels",
                               (json_int_t)voxels[class->id], "volume", sei_cli_number(volume, "nm3", NAN), "rule", class->rule));
    }
    json_object_set_new(summary, "output", json_string(sei_path_base(output)));
    json_object_set_new(summary, "voxel", sei_cli_number(labels->voxel_nm, "nm", NAN));
    json_object_set_new(summary, "thresholds", thresholds);
    json_object_set_new(summary, "classes", classes);
    return summary;
}

/* Memory and disk, without reading any data. */
static sei_status needs(const arguments *a, double *memory_bytes, double *disk_bytes) {
    double values = 0, voxels = 0;
    for (size_t f = 0; f < a->files.count; ++f) {
        sei_file_info info = {0};
        const sei_status status = sei_io_probe(sei_cli_volume_path(a->files.names[f]), &info);
        if (status != SEI_OK) return status;
        const double size = (double)info.nx * (double)info.ny * (double)info.nz;
        values += size * (double)(info.n_channels > 0 ? info.n_channels : 1);
        voxels = fmax(voxels, size);
        sei_file_info_free(&info);
    }
    /* the closing works on a copy that is wider by its radius; a quarter more is ample at the default */
    *memory_bytes = 4 * values + 17.5 * voxels;
    *disk_bytes = voxels;
    return SEI_OK;
}

static sei_status segment(arguments *a) {
    sei_status status = SEI_OK;
    sei_provenance provenance = {0};
    sei_volume *volumes = NULL;
    sei_labels labels = {0};
    size_t n = 0;
    double memory = 0, disk = 0;
    SEI_TRY(needs(a, &memory, &disk));
    if (a->common.plan) return sei_cli_say_plan(&a->common, memory, disk);
    SEI_TRY(sei_cli_check_memory(&a->common, memory));
    SEI_TRY(sei_cli_check_outputs(&a->common, &a->files, 1, &a->common.output));
    SEI_TRY(sei_io_check_volume(a->common.output, true, a->common.force));
    SEI_TRY(sei_cli_read_volumes(&a->common, a->files.count, a->files.names, &provenance, &volumes, &n));
    SEI_TRY(sei_volumes_to_one_grid(n, volumes));
    SEI_TRY(sei_segment(n, volumes, &a->options, &labels));
    SEI_TRY(note_parameters(a, &labels, &provenance));
    SEI_TRY(sei_io_write_labels(a->common.output, &labels, &provenance, a->common.force));
    SEI_TRY(sei_cli_print_json(&a->common, summary_of(&labels, a->common.output)));
done:
    if (volumes != NULL) sei_volumes_free(volumes, n);
    sei_labels_free(&labels);
    sei_provenance_free(&provenance);
    return status;
}

sei_status sei_cmd_segment(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "VOLUMES...",
        "Labels every voxel. Volumes are files or NAME=FILE and are brought to the coarsest grid among them. Without rules the "
        "wire's are "
        "taken: Si from channel Si, SEI from O, F, C and P, each by Otsu; voids are what the wire's envelope holds empty.",
        sei_common_children,
        NULL,
        NULL};
    arguments a = {0};
    sei_segment_options_default(&a.options);
    sei_status status = sei_cli_begin(&argp, argc, argv, &a, &a.common);
    if (status == SEI_OK) {
        settle_options(&a);
        status = segment(&a);
    }
    for (size_t r = 0; r < a.n_rules; ++r) free(a.rule_text[r]);
    return status;
}
