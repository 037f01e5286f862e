/* JSON beside results: numbers, provenance, label classes. Written as text in a fixed order, read with jansson. */
#include "io/json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/version.h"

enum { LONGEST_JSON = 64 << 20 };

sei_status sei_beside(const char *path, const char *ending, char **out) {
    const char *base = sei_path_base(path);
    const char *dot = strrchr(base, '.');
    const size_t stem = dot == NULL || dot == base ? strlen(path) : (size_t)(dot - path);
    const size_t bytes = stem + strlen(ending) + 1;
    void *made = NULL;
    const sei_status status = sei_alloc(bytes, &made);
    if (status != SEI_OK) return status;
    memcpy(made, path, stem);
    memcpy((char *)made + stem, ending, strlen(ending) + 1);
    *out = made;
    return SEI_OK;
}

sei_status sei_json_add_string(sei_text *text, const char *string) {
    json_t *value = json_string(string);
    char *copy = NULL;
    char *quoted = NULL;
    sei_status status = SEI_OK;
    if (value == NULL) { /* not UTF-8 */
        SEI_TRY(sei_strdup(string, &copy));
        for (char *c = copy; *c != 0; ++c) {
            if ((unsigned char)*c >= 128) *c = '?';
        }
        value = json_string(copy);
    }
    quoted = json_dumps(value, JSON_ENCODE_ANY);
    if (quoted == NULL) {
        status = sei_fail(SEI_ERR_MEMORY, "a text could not be written as JSON");
        goto done;
    }
    SEI_TRY(sei_text_append(text, quoted, strlen(quoted)));
done:
    free(quoted);
    json_decref(value);
    sei_free(copy);
    return status;
}

static sei_status add_real(sei_text *text, double value) {
    char number[32];
    return sei_text_add(text, "%s", isfinite(value) ? sei_format_double(value, number) : "null");
}

/* "name": {"value": v, "unit": u, "sd": s}, ... at `indent` spaces, without braces around. */
static sei_status add_numbers(sei_text *text, const sei_numbers *numbers, int indent) {
    sei_status status = SEI_OK;
    for (size_t i = 0; i < numbers->count; ++i) {
        const sei_number *n = &numbers->items[i];
        SEI_TRY(sei_text_add(text, "%s%*s", i > 0 ? ",\n" : "", indent, ""));
        SEI_TRY(sei_json_add_string(text, n->name));
        SEI_TRY(sei_text_add(text, ": {\"value\": "));
        SEI_TRY(add_real(text, n->value));
        SEI_TRY(sei_text_add(text, ", \"unit\": "));
        SEI_TRY(sei_json_add_string(text, n->unit));
        SEI_TRY(sei_text_add(text, ", \"sd\": "));
        SEI_TRY(add_real(text, n->sd));
        SEI_TRY(sei_text_add(text, "}"));
    }
done:
    return status;
}

static sei_status add_pair(sei_text *text, int indent, const char *key, const char *value, const char *end) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(text, "%*s", indent, ""));
    SEI_TRY(sei_json_add_string(text, key));
    SEI_TRY(sei_text_add(text, ": "));
    SEI_TRY(sei_json_add_string(text, value));
    SEI_TRY(sei_text_add(text, "%s\n", end));
done:
    return status;
}

/* The members of a provenance object at two spaces, without the closing brace or a last newline. */
static sei_status add_provenance(sei_text *text, const sei_provenance *p) {
    sei_status status = SEI_OK;
    SEI_TRY(add_pair(text, 2, "program", "seitomo " SEITOMO_VERSION, ","));
    SEI_TRY(add_pair(text, 2, "stage", p->stage, ","));
    SEI_TRY(add_pair(text, 2, "backend", p->backend, ","));
    SEI_TRY(sei_text_add(text, "  \"parameters\": {\n"));
    for (size_t i = 0; i < p->n_parameters; ++i) {
        SEI_TRY(add_pair(text, 4, p->parameters[i].key, p->parameters[i].value, i + 1 < p->n_parameters ? "," : ""));
    }
    SEI_TRY(sei_text_add(text, "  },\n  \"inputs\": [\n"));
    for (size_t i = 0; i < p->n_inputs; ++i) {
        SEI_TRY(sei_text_add(text, "    {\"name\": "));
        SEI_TRY(sei_json_add_string(text, p->inputs[i].name));
        SEI_TRY(sei_text_add(text, ", \"sha256\": \"%s\"}%s\n", p->inputs[i].sha256, i + 1 < p->n_inputs ? "," : ""));
    }
    SEI_TRY(sei_text_add(text, "  ],\n  \"numbers\": {\n"));
    SEI_TRY(add_numbers(text, &p->numbers, 4));
    SEI_TRY(sei_text_add(text, "%s  }", p->numbers.count > 0 ? "\n" : ""));
done:
    return status;
}

sei_status sei_io_provenance_json(const sei_provenance *provenance, char **json) {
    sei_text text = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(&text, "{\n"));
    SEI_TRY(add_provenance(&text, provenance));
    SEI_TRY(sei_text_add(&text, "\n}\n"));
    *json = text.data;
    text = (sei_text){0};
done:
    sei_text_free(&text);
    return status;
}

static sei_status add_classes(sei_text *text, const sei_labels *labels) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(text, "  \"classes\": [\n"));
    for (size_t i = 0; i < labels->n_classes; ++i) {
        const sei_label_class *c = &labels->classes[i];
        SEI_TRY(sei_text_add(text, "    {\"id\": %d, \"name\": ", c->id));
        SEI_TRY(sei_json_add_string(text, c->name));
        SEI_TRY(sei_text_add(text, ", \"rgb\": [%d, %d, %d], \"rule\": ", c->rgb[0], c->rgb[1], c->rgb[2]));
        SEI_TRY(sei_json_add_string(text, c->rule));
        SEI_TRY(sei_text_add(text, "}%s\n", i + 1 < labels->n_classes ? "," : ""));
    }
    SEI_TRY(sei_text_add(text, "  ]"));
done:
    return status;
}

sei_status sei_json_write_beside(const char *path, const char *file, const sei_provenance *provenance, const sei_labels *labels,
                                 bool overwrite) {
    sei_text text = {0};
    char *name = NULL;
    sei_status status = SEI_OK;
    if (provenance == NULL && labels == NULL) return SEI_OK;
    SEI_TRY(sei_sidecar(path, file, &name));
    SEI_TRY(sei_text_add(&text, "{\n"));
    SEI_TRY(add_pair(&text, 2, "file", sei_path_base(file), ","));
    if (labels != NULL) SEI_TRY(add_classes(&text, labels));
    if (labels != NULL && provenance != NULL) SEI_TRY(sei_text_add(&text, ",\n"));
    if (provenance != NULL) SEI_TRY(add_provenance(&text, provenance));
    SEI_TRY(sei_text_add(&text, "\n}\n"));
    SEI_TRY(sei_file_write_text(name, overwrite, text.data, text.length));
done:
    sei_free(name);
    sei_text_free(&text);
    return status;
}

static sei_status load(const char *path, json_t **out) {
    json_error_t error;
    char *text = NULL;
    size_t length = 0;
    sei_status status = sei_file_read_text(path, LONGEST_JSON, &text, &length);
    if (status != SEI_OK) return status;
    *out = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    sei_free(text);
    if (*out == NULL) return sei_fail(SEI_ERR_INPUT, "%s: line %d, column %d: %s", path, error.line, error.column, error.text);
    if (json_is_object(*out)) return SEI_OK;
    json_decref(*out);
    *out = NULL;
    return sei_fail(SEI_ERR_INPUT, "%s: expected a JSON object", path);
}

/* Whether NAME.json tells of another file that lies beside it. A pair that was renamed names a file that is not called so: it
 * stays a pair. */
static bool tells_of_another(const char *json, const char *file) {
    char stem[SEI_TEXT_LENGTH];
    char *folder = NULL;
    char *beside = NULL;
    json_t *root = NULL;
    bool another = false;
    if (!sei_file_exists(json) || load(json, &root) != SEI_OK) return false;
    const char *named = json_string_value(json_object_get(root, "file"));
    sei_path_stem(json, stem, sizeof stem);
    const bool possible = named != NULL && strcmp(named, sei_path_base(file)) != 0 && strchr(named, '/') == NULL &&
                          strncmp(named, stem, strlen(stem)) == 0;
    if (possible && sei_strdup(json, &folder) == SEI_OK) {
        folder[sei_path_base(json) - json] = 0;
        another = sei_path_join(folder, named, &beside) == SEI_OK && sei_file_exists(beside);
    }
    sei_free(folder);
    sei_free(beside);
    json_decref(root);
    return another;
}

sei_status sei_sidecar(const char *path, const char *file, char **out) {
    sei_text whole = {0};
    char *name = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_beside(path, ".json", &name));
    SEI_TRY(sei_text_add(&whole, "%s.json", path));
    if (sei_file_exists(whole.data) || tells_of_another(name, file)) {
        sei_free(name);
        name = whole.data;
        whole = (sei_text){0};
    }
    *out = name;
    name = NULL;
done:
    sei_free(name);
    sei_text_free(&whole);
    return status;
}

static sei_status read_class(const char *path, size_t index, const json_t *entry, sei_labels *labels) {
    uint8_t rgb[3] = {0};
    const json_t *id = json_object_get(entry, "id");
    const json_t *colour = json_object_get(entry, "rgb");
    const char *name = json_string_value(json_object_get(entry, "name"));
    const char *rule = json_string_value(json_object_get(entry, "rule"));
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) > 255 || name == NULL) {
        return sei_fail(SEI_ERR_INPUT, "%s: class %zu needs an id from 0 to 255 and a name", path, index + 1);
    }
    for (size_t c = 0; c < 3 && colour != NULL; ++c) {
        const json_int_t value = json_integer_value(json_array_get(colour, c));
        if (value < 0 || value > 255)
            return sei_fail(SEI_ERR_INPUT, "%s: class %zu: rgb holds numbers from 0 to 255", path, index + 1);
        rgb[c] = (uint8_t)value;
    }
    return sei_labels_define(labels, (uint8_t)json_integer_value(id), name, rgb, rule == NULL ? "" : rule);
}

sei_status sei_json_read_classes(const char *path, sei_labels *labels) {
    char *name = NULL;
    json_t *root = NULL;
    size_t index = 0;
    const json_t *entry = NULL;
    sei_status status = sei_sidecar(path, path, &name);
    if (status != SEI_OK) return status;
    if (!sei_file_exists(name)) goto done;
    SEI_TRY(load(name, &root));
    json_array_foreach(json_object_get(root, "classes"), index, entry) SEI_TRY(read_class(name, index, entry, labels));
done:
    json_decref(root);
    sei_free(name);
    return status;
}

sei_status sei_io_write_numbers(const char *path, const sei_numbers *numbers, const sei_provenance *provenance, bool overwrite) {
    sei_text text = {0};
    char *json = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(&text, "{\n"));
    SEI_TRY(add_numbers(&text, numbers, 2));
    if (provenance != NULL) {
        SEI_TRY(sei_io_provenance_json(provenance, &json));
        SEI_TRY(sei_text_add(&text, "%s  \"provenance\": %.*s", numbers->count > 0 ? ",\n" : "", (int)strlen(json) - 1, json));
    }
    SEI_TRY(sei_text_add(&text, "\n}\n"));
    SEI_TRY(sei_file_write_text(path, overwrite, text.data, text.length));
done:
    sei_free(json);
    sei_text_free(&text);
    return status;
}

sei_status sei_io_read_numbers(const char *path, sei_numbers *out) {
    sei_numbers numbers = {0};
    json_t *root = NULL;
    const char *key = NULL;
    json_t *entry = NULL;
    sei_status status = load(path, &root);
    if (status != SEI_OK) return status;
    json_object_foreach(root, key, entry) {
        const json_t *value = json_object_get(entry, "value");
        const json_t *sd = json_object_get(entry, "sd");
        const char *unit = json_string_value(json_object_get(entry, "unit"));
        if (value == NULL) continue; /* not a number: provenance, notes, lists */
        if (!json_is_number(value) && !json_is_null(value)) {
            status = sei_fail(SEI_ERR_INPUT, "%s: the value of '%s' is not a number", path, key);
            goto done;
        }
        SEI_TRY(sei_numbers_set(&numbers, key, json_is_number(value) ? json_number_value(value) : NAN, unit == NULL ? "" : unit,
                                json_is_number(sd) ? json_number_value(sd) : NAN));
    }
    *out = numbers;
    numbers = (sei_numbers){0};
done:
    sei_numbers_free(&numbers);
    json_decref(root);
    return status;
}
