/* Options that every verb understands, and the small things every verb prints. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/alloc.h"
#include "core/file.h"
#include "core/instruction_sets.h"
#include "core/log.h"
#include "core/text.h"
#include "core/threads.h"

enum {
    KEY_BACKEND = 0x1000,
    KEY_ISA,
    KEY_THREADS,
    KEY_MEMORY,
    KEY_ANGLES,
    KEY_PIXEL,
    KEY_AXIS,
    KEY_AXIS_OFFSET,
    KEY_INVERT,
    KEY_FLIP,
    KEY_TRUNCATED,
    KEY_SEED,
    KEY_SET,
    KEY_CHANNELS,
    KEY_FORCE,
    KEY_PLAN,
    KEY_JSON,
    KEY_FAST
};

static const struct argp_option options[] = {
    {"output", 'o', "PATH", 0, "where the result goes", 90},
    {"force", KEY_FORCE, 0, 0, "overwrite what is there", 90},
    {"json", KEY_JSON, 0, 0, "print the summary as JSON on standard output", 90},
    {"quiet", 'q', 0, 0, "only errors on standard error", 90},
    {"plan", KEY_PLAN, 0, 0, "say memory, disk and work, then stop", 90},
    {"backend", KEY_BACKEND, "NAME", 0, "auto, ref, cpu, cuda or cuda-emulated (auto: the card if there is one, else the CPU)",
     91},
    {"isa", KEY_ISA, "NAME", 0, "instruction set of the cpu backend: auto, " SEI_ISA_NAMES_TEXT, 91},
    {"fast", KEY_FAST, 0, 0, "cuda backend: sums in no fixed order; last bits differ from run to run, and the record says so",
     91},
    {"threads", KEY_THREADS, "N", 0, "threads (default: all cores); results do not depend on it", 91},
    {"memory", KEY_MEMORY, "LIMIT", 0, "most memory to use, e.g. 8G or 500M", 91},
    {"seed", KEY_SEED, "N", 0, "seed of random numbers", 91},
    {"set", KEY_SET, "KEY=VALUE", 0, "any key of the file given, e.g. --set title=test", 91},
    {"channels", KEY_CHANNELS, "LIST", 0, "channels to use, e.g. HAADF,Fe=Fe_Ka,Si=Si_K", 92},
    {"angles", KEY_ANGLES, "FILE", 0, "tilt angles: .rawtlt, .tlt, .mdoc, AreTomo _TLT.txt", 92},
    {"pixel-nm", KEY_PIXEL, "X", 0, "pixel size in nm", 92},
    {"axis", KEY_AXIS, "x|y|DEG", 0, "direction of the tilt axis; degrees from +y towards -x (after --flip-y)", 92},
    {"axis-offset", KEY_AXIS_OFFSET, "PX", 0, "tilt axis minus image centre (n-1)/2", 92},
    {"invert-tilt", KEY_INVERT, 0, 0, "negate every tilt angle", 92},
    {"flip-y", KEY_FLIP, 0, 0, "reverse the stored rows", 92},
    {"allow-truncated", KEY_TRUNCATED, 0, 0, "keep the whole tilts of a cut file", 92},
    {0}};

/* What a verb does with the options. Those above USES_FORCE would change its results or its work and are refused where nothing
 * is done with them; the others ask for nothing that could fail to be given, and are left out of the verb's help. */
enum {
    USES_THREADS = 1,
    USES_MEMORY = 2,
    USES_DEVICE = 4,
    USES_SEED = 8,
    USES_FORCE = 16,
    USES_OUTPUT = 32,
    USES_PLAN = 64,
    USES_SET = 128,
    USES_CHANNELS = 256,
    USES_PIXEL = 512,
    USES_TILTS = 1024
};
enum {
    USES_FILES = USES_OUTPUT | USES_FORCE,
    USES_SERIES = USES_FILES | USES_PLAN | USES_CHANNELS | USES_PIXEL | USES_TILTS,
    USES_WORK = USES_THREADS | USES_MEMORY | USES_DEVICE
};

static const struct {
    const char *verb;
    unsigned uses;
} verbs[] = {{"align", USES_SERIES | USES_WORK},
             {"batch", USES_FILES | USES_PLAN | USES_SET | USES_WORK},
             {"bench", USES_FILES | USES_THREADS | USES_DEVICE},
             {"compare", USES_SERIES | USES_WORK},
             {"convert", USES_SERIES},
             {"doctor", USES_THREADS},
             {"info", 0},
             {"measure", USES_FILES | USES_PLAN | USES_CHANNELS | USES_THREADS | USES_MEMORY},
             {"reconstruct", USES_SERIES | USES_WORK},
             {"render", USES_FILES | USES_PLAN | USES_CHANNELS | USES_PIXEL | USES_THREADS},
             {"report", USES_FILES},
             {"phasefield", USES_FILES | USES_PLAN | USES_SET | USES_SEED | USES_WORK},
             {"run", USES_SERIES | USES_SET | USES_WORK},
             {"segment", USES_FILES | USES_PLAN | USES_CHANNELS | USES_PIXEL | USES_THREADS | USES_MEMORY},
             {"simulate", USES_FILES | USES_PLAN | USES_SET | USES_SEED | USES_WORK},
             {"verify", 0},
             {"version", 0}};

static unsigned use_of(int key) {
    switch (key) {
        case 'o': return USES_OUTPUT;
        case KEY_THREADS: return USES_THREADS;
        case KEY_MEMORY: return USES_MEMORY;
        case KEY_BACKEND:
        case KEY_ISA:
        case KEY_FAST: return USES_DEVICE;
        case KEY_SEED: return USES_SEED;
        case KEY_FORCE: return USES_FORCE;
        case KEY_PLAN: return USES_PLAN;
        case KEY_SET: return USES_SET;
        case KEY_CHANNELS: return USES_CHANNELS;
        case KEY_PIXEL: return USES_PIXEL;
        case KEY_ANGLES:
        case KEY_AXIS:
        case KEY_AXIS_OFFSET:
        case KEY_INVERT:
        case KEY_FLIP:
        case KEY_TRUNCATED: return USES_TILTS;
        default: return 0;
    }
}

/* Whether a verb takes an option; --json and --quiet are everybody's. */
static bool takes(const char *verb, int key) {
    for (size_t v = 0; use_of(key) != 0 && v < sizeof verbs / sizeof verbs[0]; ++v) {
        if (strcmp(verb, verbs[v].verb) == 0) return (verbs[v].uses & use_of(key)) != 0;
    }
    return true;
}

/* An option that would be passed over in silence is refused: the result would not be the one asked for. */
static void refuse_unused(int key, const struct argp_state *state) {
    const char *space = use_of(key) > USES_FORCE ? strrchr(state->name, ' ') : NULL;
    if (space == NULL || takes(space + 1, key)) return;
    for (const struct argp_option *o = options; o->name != NULL; ++o) {
        if (o->key != key) continue;
        argp_error(
            state, "--%s: this verb has no use for it%s", o->name,
            strcmp(space + 1, "batch") == 0 ? "; what holds for every data set stands in the study's set: [KEY=VALUE]" : "");
    }
}

static void set_defaults(sei_common *common) {
    *common = (sei_common){.backend = "auto", .isa = "auto", .pixel_nm = NAN, .axis_deg = NAN, .axis_offset_px = NAN};
}

/* "8G", "500M", "123456" in bytes; 0 when it is none of these. */
static size_t parse_bytes(const char *text) {
    char *end = NULL;
    const double number = strtod(text, &end);
    double unit = 1;
    if (end == text || !(number > 0)) return 0;
    if (*end == 'k' || *end == 'K') unit = 1024.0;
    if (*end == 'm' || *end == 'M') unit = 1048576.0;
    if (*end == 'g' || *end == 'G') unit = 1073741824.0;
    if (*end == 't' || *end == 'T') unit = 1099511627776.0;
    const char *rest = end + (unit > 1);
    if (*rest != 0 && strcmp(rest, "B") != 0 && strcmp(rest, "iB") != 0) return 0;
    return number * unit < 1e18 ? (size_t)(number * unit) : 0;
}

double sei_cli_number_of(const char *option, const char *text, struct argp_state *state) {
    double value = NAN;
    if (!sei_parse_double(text, &value) || !isfinite(value)) argp_error(state, "%s: '%s' is not a number", option, text);
    return value;
}

int sei_cli_whole_of(const char *option, const char *text, int low, int high, struct argp_state *state) {
    const double value = sei_cli_number_of(option, text, state);
    if (!(value >= low && value <= high) || value != floor(value)) {
        argp_error(state, "%s: '%s' is not a whole number from %d to %d", option, text, low, high);
        return low;
    }
    return (int)value;
}

/* Splits "A,B=C" in place. */
static void split_channels(sei_common *common, char *list, struct argp_state *state) {
    char *rest = NULL;
    for (char *word = strtok_r(list, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        if (common->n_channels == sizeof common->channels / sizeof common->channels[0]) argp_error(state, "too many channels");
        common->channels[common->n_channels++] = word;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    sei_common *common = state->input;
    char *end = NULL;
    refuse_unused(key, state);
    switch (key) {
        case 'o': common->output = arg; break;
        case 'q': common->quiet = true; break;
        case KEY_FORCE: common->force = true; break;
        case KEY_JSON: common->json = true; break;
        case KEY_PLAN: common->plan = true; break;
        case KEY_BACKEND: common->backend = arg; break;
        case KEY_ISA: common->isa = arg; break;
        case KEY_FAST: common->fast = true; break;
        case KEY_THREADS: common->threads = sei_cli_whole_of("--threads", arg, 1, 4096, state); break;
        case KEY_MEMORY:
            common->memory_bytes = parse_bytes(arg);
            if (common->memory_bytes == 0) argp_error(state, "--memory: '%s' is not a size such as 8G or 500M", arg);
            break;
        case KEY_ANGLES: common->angles = arg; break;
        case KEY_PIXEL:
            common->pixel_nm = sei_cli_number_of("--pixel-nm", arg, state);
            if (!sei_pixel_nm_is_possible(common->pixel_nm))
                argp_error(state, "--pixel-nm: %s is not from %g to %g", arg, SEI_PIXEL_NM_LEAST, SEI_PIXEL_NM_MOST);
            break;
        case KEY_AXIS:
            common->axis_deg = strcmp(arg, "y") == 0 ? 0 : strcmp(arg, "x") == 0 ? 90 : sei_cli_number_of("--axis", arg, state);
            break;
        case KEY_AXIS_OFFSET: common->axis_offset_px = sei_cli_number_of("--axis-offset", arg, state); break;
        case KEY_INVERT: common->invert_tilt = true; break;
        case KEY_FLIP: common->flip_y = true; break;
        case KEY_TRUNCATED: common->allow_truncated = true; break;
        case KEY_SEED:
            common->seed = strtoull(arg, &end, 10);
            common->seed_given = true;
            if (*end != 0 || end == arg || arg[0] == '-') argp_error(state, "--seed: '%s' is not a whole number", arg);
            break;
        case KEY_SET:
            if (strchr(arg, '=') == NULL) argp_error(state, "--set: '%s' has no '='; write KEY=VALUE", arg);
            if (common->n_set == sizeof common->set / sizeof common->set[0]) argp_error(state, "too many --set");
            common->set[common->n_set++] = arg;
            break;
        case KEY_CHANNELS: split_channels(common, arg, state); break;
        default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static const struct argp common_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};
const struct argp_child sei_common_children[] = {{&common_argp, 0, "common options", 9}, {0}};

sei_status sei_cli_begin(const struct argp *argp, int argc, char **argv, void *words, sei_common *common) {
    char name[64];
    /* the verb's help lists what it takes; the rest is still known, to be refused by name */
    struct argp_option listed[sizeof options / sizeof options[0]];
    memcpy(listed, options, sizeof listed);
    for (struct argp_option *o = listed; o->name != NULL; ++o) o->flags |= takes(argv[0], o->key) ? 0 : OPTION_HIDDEN;
    struct argp common_here = common_argp, verb_here = *argp;
    common_here.options = listed;
    struct argp_child children_here[] = {sei_common_children[0], {0}};
    children_here[0].argp = &common_here;
    verb_here.children = children_here;
    set_defaults(common);
    argp_err_exit_status = SEI_ERR_USAGE; /* argp prints its own line and leaves with this code */
    snprintf(name, sizeof name, "seitomo %s", argv[0]);
    argv[0] = name;
    const error_t error = argp_parse(&verb_here, argc, argv, ARGP_IN_ORDER, NULL, words);
    if (error != 0) return sei_fail(SEI_ERR_USAGE, "the command line could not be read: %s", strerror(error));
    sei_threads_set(common->threads);
    sei_log_set_level(common->quiet ? SEI_LOG_QUIET : SEI_LOG_INFO);
    return SEI_OK;
}

void sei_cli_read_options(const sei_common *common, size_t n_files, const char *const *files, sei_read_options *out) {
    sei_read_options_default(out);
    out->n_files = n_files;
    out->files = files;
    out->n_channels = common->n_channels;
    out->channels = common->channels;
    out->angles = common->angles;
    out->pixel_nm = common->pixel_nm;
    out->axis_deg = common->axis_deg;
    out->axis_offset_px = common->axis_offset_px;
    out->invert_tilt = common->invert_tilt;
    out->flip_y = common->flip_y;
    out->allow_truncated = common->allow_truncated;
}

sei_status sei_cli_open_device(const sei_common *common, sei_device **out) {
    const sei_device_options wanted = {
        .name = common->backend, .threads = common->threads, .fast = common->fast, .isa = common->isa};
    const sei_status status = sei_device_open(&wanted, out);
    if (status == SEI_OK) sei_info("backend: %s, %s", (*out)->backend->name, (*out)->backend->description);
    return status;
}

void sei_cli_add_file(sei_cli_files *files, const char *name, struct argp_state *state) {
    if (files->count == SEI_CLI_MAX_FILES) argp_error(state, "more than %d files", SEI_CLI_MAX_FILES);
    files->names[files->count++] = name;
}

error_t sei_cli_parse_files(int key, char *arg, struct argp_state *state, sei_common *common, sei_cli_files *files,
                            const char *none) {
    switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = common; return 0;
        case ARGP_KEY_ARG: sei_cli_add_file(files, arg, state); return 0;
        case ARGP_KEY_END:
            if (files->count == 0) argp_error(state, "%s", none);
            return 0;
        default: return ARGP_ERR_UNKNOWN;
    }
}

error_t sei_cli_parse_one(int key, char *arg, struct argp_state *state, const sei_cli_one *says, sei_common *common,
                          const char **argument) {
    switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = common; return 0;
        case ARGP_KEY_ARG:
            if (*argument != NULL) argp_error(state, "%s; found also '%s'", says->several, arg);
            *argument = arg;
            return 0;
        case ARGP_KEY_END:
            if (*argument == NULL) argp_error(state, "%s", says->none);
            if (common->output == NULL && !(common->plan && says->plan_without_output)) argp_error(state, "%s", says->no_output);
            return 0;
        default: return ARGP_ERR_UNKNOWN;
    }
}

/* Whether a path is a file of angles or a mask that lies beside an input and is read with it. */
static bool is_beside(const char *path, const char *input) {
    static const char *const endings[] = {"_TLT.txt", ".rawtlt", ".tlt", ".mdoc", ".valid.mrc"};
    const char *base = sei_path_base(input), *dot = strrchr(base, '.');
    const size_t whole = strlen(input), stem = dot == NULL || dot == base ? whole : (size_t)(dot - input);
    bool is = false;
    for (size_t i = 0; i < 2 * sizeof endings / sizeof endings[0] && !is; ++i) {
        sei_text side = {0};
        is = sei_text_add(&side, "%.*s%s", (int)(i % 2 == 0 ? stem : whole), input, endings[i / 2]) == SEI_OK &&
             sei_file_exists(side.data) && sei_path_same(path, side.data);
        sei_text_free(&side);
    }
    return is;
}

sei_status sei_cli_check_outputs(const sei_common *common, const sei_cli_files *inputs, size_t n_outputs,
                                 const char *const *outputs) {
    for (size_t o = 0; o < n_outputs; ++o) {
        if (outputs[o] == NULL) continue;
        if (common->angles != NULL && sei_path_same(outputs[o], common->angles))
            return sei_fail(SEI_ERR_USAGE, "%s: the angles would be overwritten; give the result another name", outputs[o]);
        for (size_t i = 0; i < inputs->count; ++i) {
            const char *word = inputs->names[i], *equals = strchr(word, '=');
            const char *path = equals != NULL && !sei_file_exists(word) ? equals + 1 : word;
            if (sei_path_same(outputs[o], path))
                return sei_fail(SEI_ERR_USAGE, "%s: an input would be overwritten; give the result another name", outputs[o]);
            if (is_beside(outputs[o], path))
                return sei_fail(SEI_ERR_USAGE, "%s: it belongs to the input %s; give the result another name", outputs[o], path);
        }
        for (size_t other = 0; other < o; ++other) {
            if (outputs[other] != NULL && sei_path_same(outputs[o], outputs[other]))
                return sei_fail(SEI_ERR_USAGE, "%s: two results cannot have one name", outputs[o]);
        }
    }
    return SEI_OK;
}

sei_status sei_cli_check_series_outputs(const sei_common *common, const sei_cli_files *inputs, const char *output,
                                        const sei_series *series) {
    sei_status status = SEI_OK;
    for (size_t c = 0; status == SEI_OK && c < series->n_channels; ++c) {
        char *path = NULL;
        status = sei_io_series_path(output, series, c, &path);
        if (status == SEI_OK) status = sei_cli_check_outputs(common, inputs, 1, (const char *const *)&path);
        /* angles that go beside the result must not be an input's, either */
        char *replaced = NULL;
        const bool alone = sei_path_has_extension(output, "emd") || sei_path_has_extension(output, "h5");
        if (status == SEI_OK && !alone) status = sei_io_replaced_angles(path, series, &replaced);
        if (status == SEI_OK && replaced != NULL)
            status = sei_cli_check_outputs(common, inputs, 1, (const char *const *)&replaced);
        sei_free(replaced);
        sei_free(path);
    }
    return status;
}

json_t *sei_cli_real(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *sei_cli_number(double value, const char *unit, double sd) {
    json_t *number = json_object();
    json_object_set_new(number, "value", sei_cli_real(value));
    json_object_set_new(number, "unit", json_string(unit));
    json_object_set_new(number, "sd", sei_cli_real(sd));
    return number;
}

json_t *sei_cli_numbers(const sei_numbers *numbers) {
    json_t *object = json_object();
    for (size_t i = 0; i < numbers->count; ++i) {
        const sei_number *n = &numbers->items[i];
        json_object_set_new(object, n->name, sei_cli_number(n->value, n->unit, n->sd));
    }
    return object;
}

json_t *sei_cli_table(const sei_table *table) {
    json_t *rows = json_array();
    for (size_t r = 0; r < table->n_rows; ++r) {
        json_t *row = json_object();
        for (size_t c = 0; c < table->n_columns; ++c) {
            json_object_set_new(row, table->columns[c], sei_cli_real(table->cells[r * table->n_columns + c]));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

sei_status sei_cli_say_plan(const sei_common *common, double memory_bytes, double disk_bytes) {
    sei_info("plan: memory %.2f GiB, disk at most %.2f GiB; nothing was written", memory_bytes / 1073741824.0,
             disk_bytes / 1073741824.0);
    return sei_cli_print_json(common, json_pack("{s:{s:o, s:o}}", "plan", "memory", sei_cli_number(memory_bytes, "B", NAN),
                                                "disk", sei_cli_number(disk_bytes, "B", NAN)));
}

sei_status sei_cli_check_memory(const sei_common *common, double memory_bytes) {
    if (common->memory_bytes == 0 || memory_bytes <= (double)common->memory_bytes) return SEI_OK;
    return sei_fail(SEI_ERR_MEMORY,
                    "at least %.1f MiB of memory are needed and --memory gives %.1f MiB; give more, or bin or crop first",
                    memory_bytes / 1048576.0, (double)common->memory_bytes / 1048576.0);
}

sei_status sei_cli_print_json(const sei_common *common, json_t *summary) {
    sei_status status = SEI_OK;
    if (common->json) {
        char *text = json_dumps(summary, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        if (text == NULL) status = sei_fail(SEI_ERR_MEMORY, "the summary could not be written as JSON");
        if (text != NULL) puts(text);
        free(text);
    }
    json_decref(summary);
    return status;
}
