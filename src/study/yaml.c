#include "study/yaml.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "study/yaml_document.h"

enum { MAX_BYTES = 1 << 20, SEI_YAML_MESSAGE = 1024 };

const cyaml_strval_t sei_yaml_bools[4] = {{"false", 0}, {"true", 1}, {"no", 0}, {"yes", 1}};

static void *cyaml_memory(void *context, void *pointer, size_t size) {
    (void)context;
    if (size == 0) {
        sei_free(pointer);
        return NULL;
    }
    return sei_realloc(&pointer, size) == SEI_OK ? pointer : NULL;
}

static const cyaml_config_t config = {.mem_fn = cyaml_memory, .log_level = CYAML_LOG_ERROR, .flags = CYAML_CFG_NO_ALIAS};

void sei_yaml_free(const sei_yaml_spec *spec, void *data) {
    if (data != NULL) cyaml_free(&config, spec->schema, data, 0);
}

/* Numbers in the text are in the C locale whatever the program's locale is. */
static cyaml_err_t load_checked(const sei_yaml_spec *spec, const sei_text *text, void **data) {
    const locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    const locale_t before = c_locale == (locale_t)0 ? (locale_t)0 : uselocale(c_locale);
    const cyaml_err_t error =
        cyaml_load_data((const uint8_t *)text->data, text->length, &config, spec->schema, (cyaml_data_t **)data, NULL);
    if (c_locale != (locale_t)0) {
        uselocale(before);
        freelocale(c_locale);
    }
    return error;
}

sei_status sei_yaml_load_text(const sei_yaml_spec *spec, const char *name, const char *text, size_t length, size_t n_set,
                              const char *const *set, void **out, char **resolved) {
    sei_status status = SEI_OK;
    sei_yaml_source source = {.name = name, .set = set};
    sei_yaml_source defaults = {.name = "built-in defaults"};
    sei_text whole = {0};
    void *data = NULL;
    SEI_TRY(sei_yaml_parse(&source, text, length));
    for (size_t i = 0; i < n_set; ++i) SEI_TRY(sei_yaml_override(&source, i));
    sei_yaml_drop_nulls(&source, 1);
    if (spec->defaults != NULL) {
        SEI_TRY(sei_yaml_parse(&defaults, spec->defaults, strlen(spec->defaults)));
        SEI_TRY(sei_yaml_merge(&source, 1, &defaults, 1));
    }
    SEI_TRY(sei_yaml_check(&source, spec));
    SEI_TRY(sei_yaml_emit(&source, 1, &whole));
    const cyaml_err_t error = load_checked(spec, &whole, &data);
    if (error == CYAML_ERR_OOM) {
        status = sei_fail(SEI_ERR_MEMORY, "%s: not enough memory to load this %s", name, spec->what);
        goto done;
    }
    if (error != CYAML_OK || data == NULL) {
        status = sei_fail(SEI_ERR_INPUT, "%s: this %s cannot be loaded: %s", name, spec->what, cyaml_strerror(error));
        goto done;
    }
    *out = data;
    data = NULL;
    if (resolved != NULL) {
        *resolved = whole.data;
        whole = (sei_text){0};
    }
done:
    sei_yaml_free(spec, data);
    sei_text_free(&whole);
    sei_yaml_close(&source);
    sei_yaml_close(&defaults);
    return status;
}

sei_status sei_yaml_load(const sei_yaml_spec *spec, const char *path, size_t n_set, const char *const *set, void **out,
                         char **resolved) {
    char *text = NULL;
    size_t length = 0;
    sei_status status = sei_file_read_text(path, MAX_BYTES, &text, &length);
    if (status != SEI_OK) return status;
    status = sei_yaml_load_text(spec, path, text, length, n_set, set, out, resolved);
    sei_free(text);
    return status;
}

/* The node that the dotted key names, or its nearest parent; 0 when not even the first word is there. */
static int deepest(const sei_yaml_source *source, const char *key) {
    char words[SEI_YAML_PATH];
    char *rest = NULL;
    int node = 1;
    int found = 0;
    snprintf(words, sizeof words, "%s", key);
    for (char *word = strtok_r(words, ".", &rest); word != NULL; word = strtok_r(NULL, ".", &rest)) {
        const yaml_node_t *n = sei_yaml_node(source, node);
        int child = 0;
        if (n != NULL && n->type == YAML_MAPPING_NODE) child = sei_yaml_find(source, node, word);
        if (n != NULL && n->type == YAML_SEQUENCE_NODE) {
            const long item = strtol(word, NULL, 10);
            if (item >= 0 && item < n->data.sequence.items.top - n->data.sequence.items.start)
                child = n->data.sequence.items.start[item];
        }
        if (child == 0) break;
        found = node = child;
    }
    return found;
}

sei_status sei_yaml_blame(const char *path, size_t n_set, const char *const *set, const char *key, sei_status status) {
    char message[SEI_YAML_MESSAGE];
    char said[SEI_YAML_PATH];
    sei_yaml_source source = {.name = path, .set = set};
    char *text = NULL;
    size_t length = 0;
    int node = 0;
    snprintf(message, sizeof message, "%s", sei_last_error());
    snprintf(said, sizeof said, "%.*s", (int)strspn(message, "abcdefghijklmnopqrstuvwxyz0123456789_."), message);
    bool whole = sei_file_read_text(path, MAX_BYTES, &text, &length) == SEI_OK;
    whole = whole && sei_yaml_parse(&source, text, length) == SEI_OK;
    for (size_t i = 0; i < n_set && whole; ++i) whole = sei_yaml_override(&source, i) == SEI_OK;
    if (whole && message[strlen(said)] == ':') node = deepest(&source, said);
    if (whole && node == 0) node = deepest(&source, key);
    const sei_yaml_origin origin = sei_yaml_origin_of(&source, node);
    if (node == 0) {
        status = sei_fail(status, "%s: %s", path, message);
    } else if (origin == SEI_YAML_FROM_SET) {
        status = sei_fail(status, "--set %s: %s", set[sei_yaml_node(&source, node)->start_mark.line], message);
    } else {
        status = sei_fail(status, "%s:%zu: %s", path, sei_yaml_node(&source, node)->start_mark.line + 1, message);
    }
    if (status == SEI_ERR_USAGE && origin == SEI_YAML_FROM_FILE) status = SEI_ERR_INPUT;
    sei_yaml_close(&source);
    sei_free(text);
    return status;
}
