/* The check of a document against its schema and ranges, with messages that name file, line and key. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "study/yaml_document.h"

static const char *kind_of(const yaml_node_t *n) {
    switch (n->type) {
        case YAML_SEQUENCE_NODE: return "a list";
        case YAML_MAPPING_NODE: return "a mapping";
        default: return "a single value";
    }
}

/* "a, b, c" of the keys or choices there are. */
static void add_word(char *list, size_t size, const char *word) {
    const size_t used = strlen(list);
    snprintf(list + used, size - used, "%s%s", used > 0 ? ", " : "", word);
}

/* Whether "reconstruct.*.bin" covers "reconstruct.0.bin". */
static bool covers(const char *pattern, const char *path) {
    while (*pattern != 0 && *path != 0) {
        if (*pattern == '*') {
            while (*path >= '0' && *path <= '9') ++path;
            ++pattern;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == 0 && *path == 0;
}

static sei_status check_range(const sei_yaml_source *source, const sei_yaml_spec *spec, int node, const char *path,
                              double value) {
    char low[32];
    char high[32];
    for (size_t i = 0; i < spec->n_ranges; ++i) {
        const sei_yaml_range *r = &spec->ranges[i];
        if (!covers(r->key, path) || (value >= r->low && value <= r->high)) continue;
        return sei_yaml_fail_at(source, node, path, "%s is out of range, expected %s to %s", sei_yaml_scalar(source, node),
                                sei_format_double(r->low, low), sei_format_double(r->high, high));
    }
    return SEI_OK;
}

static sei_status check_integer(const sei_yaml_source *source, const sei_yaml_spec *spec, const cyaml_schema_value_t *schema,
                                int node, const char *path) {
    const char *text = sei_yaml_scalar(source, node);
    const char *digits = text + (text[0] == '-');
    char *end = NULL;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    /* libcyaml reads 010 as eight and 0x10 as sixteen: only plain decimals are taken */
    const bool plain = digits[0] >= '0' && digits[0] <= '9' && !(digits[0] == '0' && digits[1] != 0);
    if (!plain || *end != 0 || errno != 0) return sei_yaml_fail_at(source, node, path, "'%s' is not a whole number", text);
    const bool is_signed = schema->type == CYAML_INT;
    const double limit = ldexp(1.0, (int)(8 * schema->data_size) - (is_signed ? 1 : 0));
    if ((double)value >= limit || (double)value < (is_signed ? -limit : 0)) {
        return sei_yaml_fail_at(source, node, path, "%s does not fit, expected %s to %.0f", text,
                                is_signed ? "a whole number up" : "0", limit - 1);
    }
    return check_range(source, spec, node, path, (double)value);
}

static sei_status check_scalar(const sei_yaml_source *source, const sei_yaml_spec *spec, const cyaml_schema_value_t *schema,
                               int node, const char *path) {
    const char *text = sei_yaml_scalar(source, node);
    const size_t length = strlen(text);
    double value = NAN;
    char choices[512] = "";
    switch (schema->type) {
        case CYAML_INT:
        case CYAML_UINT: return check_integer(source, spec, schema, node, path);
        case CYAML_FLOAT:
            if (!sei_parse_double(text, &value)) return sei_yaml_fail_at(source, node, path, "'%s' is not a number", text);
            if (sei_yaml_origin_of(source, node) == SEI_YAML_FROM_DEFAULTS) return SEI_OK; /* nan: not known */
            if (!isfinite(value)) return sei_yaml_fail_at(source, node, path, "'%s' is not a finite number", text);
            return check_range(source, spec, node, path, value);
        case CYAML_STRING:
            if (length < schema->string.min || length > schema->string.max) {
                return sei_yaml_fail_at(source, node, path, "a text of %zu bytes, expected %u to %u", length, schema->string.min,
                                        schema->string.max);
            }
            return SEI_OK;
        case CYAML_ENUM:
            for (uint32_t i = 0; i < schema->enumeration.count; ++i) {
                if (strcmp(schema->enumeration.strings[i].str, text) == 0) return SEI_OK;
                add_word(choices, sizeof choices, schema->enumeration.strings[i].str);
            }
            return sei_yaml_fail_at(source, node, path, "'%s' is not one of: %s", text, choices);
        default: return SEI_OK;
    }
}

static sei_status check_node(const sei_yaml_source *source, const sei_yaml_spec *spec, const cyaml_schema_value_t *schema,
                             int node, char *path);

/* Checks a child with its name at the end of the path. */
static sei_status check_child(const sei_yaml_source *source, const sei_yaml_spec *spec, const cyaml_schema_value_t *schema,
                              int node, char *path, const char *name) {
    const size_t length = strlen(path);
    snprintf(path + length, SEI_YAML_PATH - length, "%s%s", length > 0 ? "." : "", name);
    const sei_status status = check_node(source, spec, schema, node, path);
    path[length] = 0;
    return status;
}

static sei_status check_mapping(const sei_yaml_source *source, const sei_yaml_spec *spec, const cyaml_schema_value_t *schema,
                                int node, char *path) {
    const yaml_node_t *n = sei_yaml_node(source, node);
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; ++p) {
        const char *key = sei_yaml_scalar(source, p->key);
        const cyaml_schema_field_t *field = schema->mapping.fields;
        char known[512] = "";
        for (; field->key != NULL && strcmp(field->key, key) != 0; ++field) add_word(known, sizeof known, field->key);
        if (field->key == NULL) {
            return sei_yaml_fail_at(source, p->key, path, "unknown key '%s'; there are: %s", key, known);
        }
        const sei_status status = check_child(source, spec, &field->value, p->value, path, key);
        if (status != SEI_OK) return status;
    }
    for (const cyaml_schema_field_t *field = schema->mapping.fields; field->key != NULL; ++field) {
        if ((field->value.flags & CYAML_FLAG_OPTIONAL) == 0 && sei_yaml_find(source, node, field->key) == 0) {
            return sei_yaml_fail_at(source, node, path, "the key '%s' is missing", field->key);
        }
    }
    return SEI_OK;
}

static sei_status check_list(const sei_yaml_source *source, const sei_yaml_spec *spec, const cyaml_schema_value_t *schema,
                             int node, char *path) {
    const yaml_node_t *n = sei_yaml_node(source, node);
    const ptrdiff_t count = n->data.sequence.items.top - n->data.sequence.items.start;
    if (count < (ptrdiff_t)schema->sequence.min || count > (ptrdiff_t)schema->sequence.max) {
        return sei_yaml_fail_at(source, node, path, "a list of %td, expected %u to %u items", count, schema->sequence.min,
                                schema->sequence.max);
    }
    for (ptrdiff_t i = 0; i < count; ++i) {
        char name[32];
        snprintf(name, sizeof name, "%td", i);
        const sei_status status = check_child(source, spec, schema->sequence.entry, n->data.sequence.items.start[i], path, name);
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}

static sei_status check_node(const sei_yaml_source *source, const sei_yaml_spec *spec, const cyaml_schema_value_t *schema,
                             int node, char *path) {
    const yaml_node_t *n = sei_yaml_node(source, node);
    const char *expected = schema->type == CYAML_MAPPING                                            ? "a mapping of keys"
                           : schema->type == CYAML_SEQUENCE || schema->type == CYAML_SEQUENCE_FIXED ? "a list"
                                                                                                    : "a single value";
    const yaml_node_type_t wanted = schema->type == CYAML_MAPPING                                            ? YAML_MAPPING_NODE
                                    : schema->type == CYAML_SEQUENCE || schema->type == CYAML_SEQUENCE_FIXED ? YAML_SEQUENCE_NODE
                                                                                                             : YAML_SCALAR_NODE;
    if (schema->type == CYAML_IGNORE) return SEI_OK;
    if (n->type != wanted) return sei_yaml_fail_at(source, node, path, "%s found, expected %s", kind_of(n), expected);
    if (wanted == YAML_MAPPING_NODE) return check_mapping(source, spec, schema, node, path);
    if (wanted == YAML_SEQUENCE_NODE) return check_list(source, spec, schema, node, path);
    return check_scalar(source, spec, schema, node, path);
}

sei_status sei_yaml_check(const sei_yaml_source *source, const sei_yaml_spec *spec) {
    char path[SEI_YAML_PATH] = "";
    return check_node(source, spec, spec->schema, 1, path);
}
