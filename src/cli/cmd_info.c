/* info: what files are, every fact with its source. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/file.h"
#include "core/text.h"

typedef struct info_words {
    sei_common common;
    sei_cli_files files;
} info_words;

static error_t parse(int key, char *arg, struct argp_state *state) {
    info_words *words = state->input;
    return sei_cli_parse_files(key, arg, state, &words->common, &words->files, "no FILE given");
}

static const char *content_name(sei_content content) {
    static const char *const names[] = {"images", "tilt series", "volume", "labels", "tilt angles"};
    return names[content];
}

/* Text from files and their names reaches a terminal: control bytes do not. */
static void print_clean(const char *text) {
    for (; *text != 0; ++text) putchar((unsigned char)*text < 32 || *text == 127 ? '?' : *text);
}

static void print_info(const char *path, const sei_file_info *info) {
    size_t width = 0;
    for (size_t i = 0; i < info->facts.count; ++i) {
        const size_t length = strlen(info->facts.items[i].key);
        width = length > width ? length : width;
    }
    print_clean(path);
    printf(": %s, %s", info->format, content_name(info->content));
    if (info->content != SEI_CONTENT_ANGLES) {
        printf(", %lld x %lld x %lld, %zu channel%s, %s", (long long)info->nx, (long long)info->ny, (long long)info->nz,
               info->n_channels, info->n_channels == 1 ? "" : "s", sei_dtype_name(info->stored));
    }
    putchar('\n');
    for (size_t i = 0; i < info->facts.count; ++i) {
        const sei_fact *fact = &info->facts.items[i];
        printf("  %-*s  %s  [%s]\n", (int)width, fact->key, fact->value, fact->source);
    }
}

/* Text as JSON; bytes that are no UTF-8 become '?'. */
static json_t *json_text(const char *text) {
    json_t *value = json_string(text);
    if (value != NULL) return value;
    char *copy = strdup(text);
    if (copy == NULL) return json_null();
    for (char *c = copy; *c != 0; ++c) {
        if ((unsigned char)*c >= 128) *c = '?';
    }
    value = json_string(copy);
    free(copy);
    return value;
}

static json_t *json_info(const char *path, const sei_file_info *info) {
    json_t *object = json_object();
    json_t *channels = json_array();
    json_t *tilts = json_array();
    json_t *facts = json_object();
    double pixel_nm = NAN;
    json_object_set_new(object, "file", json_text(path));
    json_object_set_new(object, "format", json_text(info->format));
    json_object_set_new(object, "content", json_string(content_name(info->content)));
    json_object_set_new(object, "nx", json_integer(info->nx));
    json_object_set_new(object, "ny", json_integer(info->ny));
    json_object_set_new(object, "nz", json_integer(info->nz));
    json_object_set_new(object, "stored", json_string(sei_dtype_name(info->stored)));
    const sei_fact *pixel = sei_facts_find(&info->facts, "pixel_nm");
    if (pixel != NULL && !sei_parse_double(pixel->value, &pixel_nm)) pixel_nm = NAN;
    json_object_set_new(object, "pixel", sei_cli_number(pixel_nm, "nm", NAN));
    for (size_t i = 0; i < info->n_channels; ++i) json_array_append_new(channels, json_text(info->channels[i]));
    for (size_t i = 0; i < info->n_angles; ++i) json_array_append_new(tilts, sei_cli_real(info->tilt_deg[i]));
    json_object_set_new(object, "channels", channels);
    json_object_set_new(object, "tilt_deg", tilts);
    for (size_t i = 0; i < info->facts.count; ++i) {
        json_t *fact = json_object();
        json_object_set_new(fact, "value", json_text(info->facts.items[i].value));
        json_object_set_new(fact, "source", json_text(info->facts.items[i].source));
        json_object_set_new(facts, info->facts.items[i].key, fact);
    }
    json_object_set_new(object, "facts", facts);
    return object;
}

sei_status sei_cmd_info(int argc, char **argv) {
    static const struct argp argp = {
        NULL,
        parse,
        "FILE...",
        "Says what each FILE is: format, shape, channels, pixel size, tilt angles, and where each of these was "
        "found. Image files (MRC, TIFF, EMD) and tables of angles (.rawtlt, .tlt, .mdoc) are known.",
        sei_common_children,
        NULL,
        NULL};
    info_words words = {0};
    sei_status status = sei_cli_begin(&argp, argc, argv, &words, &words.common);
    if (status != SEI_OK) return status;
    json_t *files = json_array();
    size_t failed = 0;
    sei_status first = SEI_OK;
    for (size_t i = 0; i < words.files.count; ++i) {
        sei_file_info info = {0};
        status = sei_io_probe(words.files.names[i], &info);
        if (status != SEI_OK) {
            first = failed == 0 ? status : first;
            ++failed;
            /* main prints the last one; the others are printed as they happen */
            if (words.files.count > 1) fprintf(stderr, "seitomo info: %s\n", sei_last_error());
            continue;
        }
        if (words.common.json) json_array_append_new(files, json_info(words.files.names[i], &info));
        if (!words.common.json) print_info(words.files.names[i], &info);
        sei_file_info_free(&info);
    }
    if (words.files.count == 1 && failed == 1) {
        json_decref(files);
        return first;
    }
    json_t *summary = json_object();
    json_object_set_new(summary, "files", files);
    status = sei_cli_print_json(&words.common, summary);
    if (status != SEI_OK || failed == 0) return status;
    return sei_fail(failed == words.files.count ? first : SEI_ERR_PARTIAL, "%zu of %zu files could not be read", failed,
                    words.files.count);
}
