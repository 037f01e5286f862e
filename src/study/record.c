#include "study/record.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/io.h"

enum { MAX_SEALED_BYTES = 64 << 20 };

static sei_status no_memory(void) {
    return sei_fail(SEI_ERR_MEMORY, "not enough memory for a record");
}

json_t *sei_json_real(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

json_t *sei_json_text(const char *text) {
    json_t *json = json_string(text);
    if (json != NULL) return json;
    char *copy = NULL;
    if (sei_strdup(text, &copy) != SEI_OK) return NULL;
    for (unsigned char *c = (unsigned char *)copy; *c != 0; ++c) {
        if (*c >= 128) *c = '?';
    }
    json = json_string(copy);
    sei_free(copy);
    return json;
}

json_t *sei_json_number(const sei_number *number) {
    return json_pack("{s:o, s:o, s:o}", "value", sei_json_real(number->value), "unit", sei_json_text(number->unit), "sd",
                     sei_json_real(number->sd));
}

json_t *sei_json_numbers(const sei_numbers *numbers) {
    json_t *object = json_object();
    for (size_t i = 0; i < numbers->count; ++i)
        json_object_set_new(object, numbers->items[i].name, sei_json_number(&numbers->items[i]));
    return object;
}

json_t *sei_json_facts(const sei_facts *facts) {
    json_t *list = json_array();
    for (size_t i = 0; i < facts->count; ++i) {
        const sei_fact *f = &facts->items[i];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "key", sei_json_text(f->key), "value", sei_json_text(f->value),
                                              "source", sei_json_text(f->source)));
    }
    return list;
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

const char *sei_json_text_at(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text == NULL ? "" : text;
}

sei_status sei_json_to_facts(const json_t *list, sei_facts *out) {
    for (size_t i = 0; i < json_array_size(list); ++i) {
        const json_t *f = json_array_get(list, i);
        const sei_status status = sei_facts_set(out, text_of(f, "key"), text_of(f, "value"), text_of(f, "source"));
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}

static double real_of(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

sei_status sei_json_to_numbers(const json_t *object, sei_numbers *out) {
    const char *name = NULL;
    json_t *n = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, name, n) {
        const sei_status status = sei_numbers_set(out, name, real_of(n, "value"), text_of(n, "unit"), real_of(n, "sd"));
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}

sei_status sei_json_dump(const json_t *json, char **text) {
    char *dumped = json_dumps(json, JSON_INDENT(1) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
    if (dumped == NULL) return no_memory();
    const sei_status status = sei_strdup(dumped, text);
    free(dumped);
    return status;
}

/* The object's text without its seal, hashed. */
static sei_status seal_of(const json_t *object, char hex[65]) {
    char *text = NULL;
    json_t *bare = json_copy((json_t *)(uintptr_t)object);
    if (bare == NULL) return no_memory();
    json_object_del(bare, "seal");
    const sei_status status = sei_json_dump(bare, &text);
    json_decref(bare);
    if (status != SEI_OK) return status;
    sei_io_sha256_bytes(text, strlen(text), hex);
    sei_free(text);
    return SEI_OK;
}

sei_status sei_sealed_write(const char *path, bool overwrite, json_t *object) {
    char hex[65];
    char *text = NULL;
    sei_status status = seal_of(object, hex);
    if (status != SEI_OK) return status;
    if (json_object_set_new(object, "seal", json_string(hex)) != 0) return no_memory();
    if ((status = sei_json_dump(object, &text)) != SEI_OK) return status;
    status = sei_file_write_text(path, overwrite, text, strlen(text));
    sei_free(text);
    return status;
}

sei_status sei_sealed_read(const char *path, json_t **object) {
    char *text = NULL;
    char *again = NULL;
    size_t length = 0;
    json_t *json = NULL;
    char hex[65];
    sei_status status = sei_file_read_text(path, MAX_SEALED_BYTES, &text, &length);
    if (status != SEI_OK) return status;
    json = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(json)) {
        status = sei_fail(SEI_ERR_INPUT, "%s: not a record of this program, or damaged", path);
        goto done;
    }
    SEI_TRY(seal_of(json, hex));
    SEI_TRY(sei_json_dump(json, &again));
    /* byte for byte: a changed blank is a change too */
    if (strcmp(hex, text_of(json, "seal")) != 0 || strlen(again) != length || memcmp(again, text, length) != 0) {
        status = sei_fail(SEI_ERR_INPUT, "%s: changed since it was written (its seal does not fit)", path);
        goto done;
    }
    *object = json;
    json = NULL;
done:
    json_decref(json);
    sei_free(text);
    sei_free(again);
    return status;
}

sei_status sei_record_file(json_t *files, const char *root, const char *name) {
    char *path = NULL;
    char hex[65];
    sei_infile file = {.fd = -1};
    sei_status status = sei_path_join(root, name, &path);
    if (status != SEI_OK) return status;
    if (!sei_file_exists(path)) goto done;
    SEI_TRY(sei_infile_open(path, &file));
    SEI_TRY(sei_io_sha256_file(path, hex));
    if (json_object_set_new(files, name, json_pack("{s:I, s:s}", "bytes", (json_int_t)file.size, "sha256", hex)) != 0)
        status = no_memory();
done:
    sei_infile_close(&file);
    sei_free(path);
    return status;
}

bool sei_record_holds(const json_t *entry, const char *root, const char *name) {
    json_t *now = json_object();
    const bool holds = now != NULL && sei_record_file(now, root, name) == SEI_OK && json_object_get(now, name) != NULL &&
                       json_equal(json_object_get(now, name), (json_t *)(uintptr_t)entry) != 0;
    json_decref(now);
    return holds;
}
