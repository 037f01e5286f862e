/* The shared types: allocation, copies, order. */
#include "seitomo/types.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"

size_t sei_dtype_size(sei_dtype dtype) {
    static const size_t sizes[] = {0, 1, 1, 2, 2, 4, 4, 2, 4, 8};
    return (size_t)dtype < sizeof sizes / sizeof sizes[0] ? sizes[dtype] : 0;
}

const char *sei_dtype_name(sei_dtype dtype) {
    static const char *const names[] = {"unknown", "uint8", "int8",    "uint16",  "int16",
                                        "uint32",  "int32", "float16", "float32", "float64"};
    return (size_t)dtype < sizeof names / sizeof names[0] ? names[dtype] : "unknown";
}

/* Copies a text into a field of `size` bytes; control bytes become '?'. */
static void put_text(char *field, size_t size, const char *text) {
    size_t i = 0;
    for (; text[i] != 0 && i + 1 < size; ++i) {
        const unsigned char c = (unsigned char)text[i];
        field[i] = c < 32 || c == 127 ? '?' : (char)c;
    }
    field[i] = 0;
}

sei_status sei_facts_set(sei_facts *facts, const char *key, const char *value, const char *source) {
    sei_fact *slot = (sei_fact *)sei_facts_find(facts, key);
    if (slot == NULL) {
        void *items = facts->items;
        const sei_status status = sei_realloc(&items, (facts->count + 1) * sizeof *facts->items);
        if (status != SEI_OK) return status;
        facts->items = items;
        slot = &facts->items[facts->count++];
    }
    sei_fact fresh;
    put_text(fresh.key, sizeof fresh.key, key);
    put_text(fresh.value, sizeof fresh.value, value);
    put_text(fresh.source, sizeof fresh.source, source);
    *slot = fresh;
    return SEI_OK;
}

const sei_fact *sei_facts_find(const sei_facts *facts, const char *key) {
    for (size_t i = 0; i < facts->count; ++i) {
        if (strcmp(facts->items[i].key, key) == 0) return &facts->items[i];
    }
    return NULL;
}

sei_status sei_facts_copy(const sei_facts *from, sei_facts *to) {
    sei_facts copy = {0};
    sei_status status = SEI_OK;
    for (size_t i = 0; i < from->count; ++i) {
        SEI_TRY(sei_facts_set(&copy, from->items[i].key, from->items[i].value, from->items[i].source));
    }
    *to = copy;
    return SEI_OK;
done:
    sei_facts_free(&copy);
    return status;
}

void sei_facts_free(sei_facts *facts) {
    sei_free(facts->items);
    *facts = (sei_facts){0};
}

sei_status sei_volume_alloc(int64_t nx, int64_t ny, int64_t nz, double voxel_nm, sei_volume *out) {
    sei_volume volume = {.nx = nx, .ny = ny, .nz = nz, .voxel_nm = voxel_nm};
    if (nx < 1 || ny < 1 || nz < 1) {
        return sei_fail(SEI_ERR_INPUT, "a volume needs at least one voxel per axis, found %lld x %lld x %lld", (long long)nx,
                        (long long)ny, (long long)nz);
    }
    const sei_status status = SEI_NEW(volume.data, nx, ny, nz);
    if (status == SEI_OK) *out = volume;
    return status;
}

void sei_volume_free(sei_volume *volume) {
    sei_free(volume->data);
    sei_facts_free(&volume->facts);
    *volume = (sei_volume){0};
}

sei_status sei_labels_alloc(int64_t nx, int64_t ny, int64_t nz, double voxel_nm, sei_labels *out) {
    sei_labels labels = {.nx = nx, .ny = ny, .nz = nz, .voxel_nm = voxel_nm};
    if (nx < 1 || ny < 1 || nz < 1) {
        return sei_fail(SEI_ERR_INPUT, "labels need at least one voxel per axis, found %lld x %lld x %lld", (long long)nx,
                        (long long)ny, (long long)nz);
    }
    const sei_status status = SEI_NEW(labels.data, nx, ny, nz);
    if (status == SEI_OK) *out = labels;
    return status;
}

sei_status sei_labels_define(sei_labels *labels, uint8_t id, const char *name, const uint8_t rgb[3], const char *rule) {
    size_t at = 0;
    while (at < labels->n_classes && labels->classes[at].id < id) ++at;
    if (at == labels->n_classes || labels->classes[at].id != id) {
        void *classes = labels->classes;
        const sei_status status = sei_realloc(&classes, (labels->n_classes + 1) * sizeof *labels->classes);
        if (status != SEI_OK) return status;
        labels->classes = classes;
        memmove(&labels->classes[at + 1], &labels->classes[at], (labels->n_classes - at) * sizeof *labels->classes);
        labels->n_classes += 1;
    }
    sei_label_class fresh = {.id = id, .rgb = {rgb[0], rgb[1], rgb[2]}};
    put_text(fresh.name, sizeof fresh.name, name);
    put_text(fresh.rule, sizeof fresh.rule, rule);
    labels->classes[at] = fresh;
    return SEI_OK;
}

sei_status sei_labels_define_wire(sei_labels *labels) {
    static const struct {
        uint8_t id;
        const char *name, *rule;
        uint8_t rgb[3];
    } wire[] = {{SEI_LABEL_OUTSIDE, "outside", "neither specimen nor support", {0, 0, 0}},
                {SEI_LABEL_SI, "Si", "silicon above its threshold", {40, 170, 60}},
                {SEI_LABEL_SEI, "SEI", "an SEI element above its threshold, not silicon", {50, 90, 220}},
                {SEI_LABEL_CLOSED_VOID, "closed void", "empty, not connected to the outside", {255, 255, 255}},
                {SEI_LABEL_OPEN_VOID, "open void", "empty inside the wire's envelope, connected to the outside", {64, 208, 200}},
                {SEI_LABEL_SUPPORT, "support", "carbon film", {200, 180, 40}}};
    for (size_t i = 0; i < sizeof wire / sizeof wire[0]; ++i) {
        const sei_status status = sei_labels_define(labels, wire[i].id, wire[i].name, wire[i].rgb, wire[i].rule);
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}

void sei_labels_free(sei_labels *labels) {
    sei_free(labels->data);
    sei_free(labels->classes);
    sei_facts_free(&labels->facts);
    *labels = (sei_labels){0};
}

sei_status sei_numbers_set(sei_numbers *numbers, const char *name, double value, const char *unit, double sd) {
    sei_number *slot = (sei_number *)sei_numbers_find(numbers, name);
    if (slot == NULL) {
        void *items = numbers->items;
        const sei_status status = sei_realloc(&items, (numbers->count + 1) * sizeof *numbers->items);
        if (status != SEI_OK) return status;
        numbers->items = items;
        slot = &numbers->items[numbers->count++];
    }
    *slot = (sei_number){.value = value, .sd = sd};
    put_text(slot->name, sizeof slot->name, name);
    put_text(slot->unit, sizeof slot->unit, unit);
    return SEI_OK;
}

const sei_number *sei_numbers_find(const sei_numbers *numbers, const char *name) {
    for (size_t i = 0; i < numbers->count; ++i) {
        if (strcmp(numbers->items[i].name, name) == 0) return &numbers->items[i];
    }
    return NULL;
}

void sei_numbers_free(sei_numbers *numbers) {
    sei_free(numbers->items);
    *numbers = (sei_numbers){0};
}

sei_status sei_table_alloc(const char *name, size_t n_columns, const char *const *columns, size_t n_rows, sei_table *out) {
    sei_table table = {.n_columns = n_columns, .n_rows = n_rows};
    sei_status status = SEI_OK;
    put_text(table.name, sizeof table.name, name);
    SEI_TRY(SEI_NEW(table.columns, (int64_t)n_columns, 1, 1));
    SEI_TRY(SEI_NEW(table.cells, (int64_t)n_rows, (int64_t)n_columns, 1));
    for (size_t c = 0; c < n_columns; ++c) put_text(table.columns[c], SEI_NAME_LENGTH, columns[c]);
    for (size_t i = 0; i < n_rows * n_columns; ++i) table.cells[i] = NAN;
    *out = table;
    return SEI_OK;
done:
    sei_table_free(&table);
    return status;
}

sei_status sei_table_set_word(sei_table *table, size_t row, const char *word) {
    sei_status status = SEI_OK;
    if (table->words == NULL) status = SEI_NEW(table->words, (int64_t)table->n_rows, 1, 1);
    if (status == SEI_OK) put_text(table->words[row], SEI_NAME_LENGTH, word);
    return status;
}

double sei_table_get(const sei_table *table, size_t row, const char *column) {
    for (size_t c = 0; c < table->n_columns && row < table->n_rows; ++c) {
        if (strcmp(table->columns[c], column) == 0) return table->cells[row * table->n_columns + c];
    }
    return NAN;
}

void sei_table_free(sei_table *table) {
    sei_free(table->columns);
    sei_free(table->cells);
    sei_free(table->words);
    *table = (sei_table){0};
}

sei_status sei_provenance_set(sei_provenance *provenance, const char *key, const char *format, ...) {
    sei_parameter fresh = {0};
    char value[SEI_TEXT_LENGTH];
    va_list args;
    va_start(args, format);
    vsnprintf(value, sizeof value, format, args);
    va_end(args);
    put_text(fresh.key, sizeof fresh.key, key);
    put_text(fresh.value, sizeof fresh.value, value);
    for (size_t i = 0; i < provenance->n_parameters; ++i) {
        if (strcmp(provenance->parameters[i].key, fresh.key) == 0) {
            provenance->parameters[i] = fresh;
            return SEI_OK;
        }
    }
    void *items = provenance->parameters;
    const sei_status status = sei_realloc(&items, (provenance->n_parameters + 1) * sizeof *provenance->parameters);
    if (status != SEI_OK) return status;
    provenance->parameters = items;
    provenance->parameters[provenance->n_parameters++] = fresh;
    return SEI_OK;
}

sei_status sei_provenance_add_inputs(sei_provenance *provenance, const sei_provenance *from) {
    void *inputs = provenance->inputs;
    if (from->n_inputs == 0) return SEI_OK;
    const sei_status status = sei_realloc(&inputs, (provenance->n_inputs + from->n_inputs) * sizeof *provenance->inputs);
    if (status != SEI_OK) return status;
    provenance->inputs = inputs;
    memcpy(&provenance->inputs[provenance->n_inputs], from->inputs, from->n_inputs * sizeof *from->inputs);
    provenance->n_inputs += from->n_inputs;
    return SEI_OK;
}

void sei_provenance_free(sei_provenance *provenance) {
    sei_free(provenance->parameters);
    sei_free(provenance->inputs);
    sei_numbers_free(&provenance->numbers);
    *provenance = (sei_provenance){0};
}
