/* The document: parsing, where nodes came from, overrides, defaults, writing it out again. */
#include "study/yaml_document.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"

/* Values of start_mark.column that no file of at most a mebibyte has. */
#define MARK_SET SIZE_MAX
#define MARK_DEFAULT (SIZE_MAX - 1)

/* More than any schema has; duplicates are looked for in every pair of keys. */
enum { MAX_KEYS = 1000 };

yaml_node_t *sei_yaml_node(const sei_yaml_source *source, int node) {
    return yaml_document_get_node((yaml_document_t *)(uintptr_t)&source->document, node);
}

const char *sei_yaml_scalar(const sei_yaml_source *source, int node) {
    const yaml_node_t *n = sei_yaml_node(source, node);
    return n != NULL && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : "";
}

sei_yaml_origin sei_yaml_origin_of(const sei_yaml_source *source, int node) {
    const yaml_node_t *n = sei_yaml_node(source, node);
    if (n == NULL || (n->start_mark.column != MARK_SET && n->start_mark.column != MARK_DEFAULT)) return SEI_YAML_FROM_FILE;
    return n->start_mark.column == MARK_SET ? SEI_YAML_FROM_SET : SEI_YAML_FROM_DEFAULTS;
}

sei_status sei_yaml_fail_at(const sei_yaml_source *source, int node, const char *path, const char *format, ...) {
    char what[768];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    const yaml_node_t *n = sei_yaml_node(source, node);
    const char *separator = path[0] == 0 ? "" : ": ";
    switch (sei_yaml_origin_of(source, node)) {
        case SEI_YAML_FROM_SET: return sei_fail(SEI_ERR_USAGE, "--set %s: %s", source->set[n->start_mark.line], what);
        case SEI_YAML_FROM_DEFAULTS: n = sei_yaml_node(source, 1); break; /* the file lacks it: where its keys begin */
        case SEI_YAML_FROM_FILE: break;
    }
    return sei_fail(SEI_ERR_INPUT, "%s:%zu: %s%s%s", source->name, n == NULL ? (size_t)1 : n->start_mark.line + 1, path,
                    separator, what);
}

int sei_yaml_find(const sei_yaml_source *source, int mapping, const char *key) {
    const yaml_node_t *n = sei_yaml_node(source, mapping);
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; ++p) {
        if (strcmp(sei_yaml_scalar(source, p->key), key) == 0) return p->value;
    }
    return 0;
}

/* Keys are single words and come once. */
static sei_status check_keys(const sei_yaml_source *source, const yaml_node_t *n) {
    const yaml_node_pair_t *start = n->data.mapping.pairs.start;
    if (n->data.mapping.pairs.top - start > MAX_KEYS) {
        return sei_yaml_fail_at(source, start[MAX_KEYS].key, "", "more than %d keys in one mapping", MAX_KEYS);
    }
    for (const yaml_node_pair_t *p = start; p < n->data.mapping.pairs.top; ++p) {
        if (sei_yaml_node(source, p->key)->type != YAML_SCALAR_NODE) {
            return sei_yaml_fail_at(source, p->key, "", "a key must be a single word");
        }
        const char *key = sei_yaml_scalar(source, p->key);
        if (strlen(key) != sei_yaml_node(source, p->key)->data.scalar.length) {
            return sei_yaml_fail_at(source, p->key, "", "a key holds a NUL byte");
        }
        for (const yaml_node_pair_t *q = start; q < p; ++q) {
            if (strcmp(sei_yaml_scalar(source, q->key), key) == 0) {
                return sei_yaml_fail_at(source, p->key, key, "this key stands twice (first in line %zu); remove one",
                                        sei_yaml_node(source, q->key)->start_mark.line + 1);
            }
        }
    }
    return SEI_OK;
}

/* Every node has one parent (an alias makes a second one), and the tree is not deep. */
static sei_status check_tree(const sei_yaml_source *source, int node, int depth, uint8_t *seen) {
    const yaml_node_t *n = sei_yaml_node(source, node);
    sei_status status = SEI_OK;
    if (seen[node]++ != 0)
        return sei_yaml_fail_at(source, node, "", "anchors with aliases (&name, *name) are not allowed; write the value out");
    if (depth > SEI_YAML_MAX_DEPTH) return sei_yaml_fail_at(source, node, "", "nested deeper than %d levels", SEI_YAML_MAX_DEPTH);
    if (n->type == YAML_SCALAR_NODE && memchr(n->data.scalar.value, 0, n->data.scalar.length) != NULL) {
        return sei_yaml_fail_at(source, node, "", "a value holds a NUL byte");
    }
    if (n->type == YAML_SEQUENCE_NODE) {
        for (const yaml_node_item_t *i = n->data.sequence.items.start; status == SEI_OK && i < n->data.sequence.items.top; ++i) {
            status = check_tree(source, *i, depth + 1, seen);
        }
    }
    if (n->type == YAML_MAPPING_NODE) {
        if ((status = check_keys(source, n)) != SEI_OK) return status;
        for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; status == SEI_OK && p < n->data.mapping.pairs.top; ++p) {
            status = check_tree(source, p->key, depth + 1, seen);
            if (status == SEI_OK) status = check_tree(source, p->value, depth + 1, seen);
        }
    }
    return status;
}

static sei_status parser_failed(const sei_yaml_source *source, const yaml_parser_t *parser, const char *text, size_t length) {
    if (parser->error == YAML_MEMORY_ERROR) return sei_fail(SEI_ERR_MEMORY, "%s: not enough memory to read it", source->name);
    const char *problem = parser->problem == NULL ? "not YAML" : parser->problem;
    const char *hint = strstr(problem, "cannot start any token") != NULL ? " (tabs are not allowed, indent with spaces)" : "";
    if (parser->error == YAML_READER_ERROR) {
        size_t line = 1;
        for (size_t i = 0; i < parser->problem_offset && i < length; ++i) line += text[i] == '\n';
        return sei_fail(SEI_ERR_INPUT, "%s:%zu: %s at byte %zu; the file must be UTF-8 text", source->name, line, problem,
                        parser->problem_offset);
    }
    return sei_fail(SEI_ERR_INPUT, "%s:%zu: column %zu: %s%s", source->name, parser->problem_mark.line + 1,
                    parser->problem_mark.column + 1, problem, hint);
}

/* libyaml's time grows with the square of the depth, minutes for a mebibyte of brackets: its events, which come one at a time,
   tell the depth before a document is made of them. What is no YAML is left to the parser proper. */
static sei_status check_depth(const sei_yaml_source *source, const char *text, size_t length) {
    yaml_parser_t parser;
    yaml_event_t event;
    sei_status status = SEI_OK;
    if (!yaml_parser_initialize(&parser)) return sei_fail(SEI_ERR_MEMORY, "%s: not enough memory to read it", source->name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    for (int depth = 0; status == SEI_OK && yaml_parser_parse(&parser, &event);) {
        const bool end = event.type == YAML_STREAM_END_EVENT || event.type == YAML_NO_EVENT;
        if (event.type == YAML_MAPPING_START_EVENT || event.type == YAML_SEQUENCE_START_EVENT) ++depth;
        if (event.type == YAML_MAPPING_END_EVENT || event.type == YAML_SEQUENCE_END_EVENT) --depth;
        if (depth > SEI_YAML_MAX_DEPTH) {
            status = sei_fail(SEI_ERR_INPUT, "%s:%zu: nested deeper than %d levels", source->name, event.start_mark.line + 1,
                              SEI_YAML_MAX_DEPTH);
        }
        yaml_event_delete(&event);
        if (end) break;
    }
    yaml_parser_delete(&parser);
    return status;
}

sei_status sei_yaml_parse(sei_yaml_source *source, const char *text, size_t length) {
    sei_status status = SEI_OK;
    yaml_parser_t parser;
    yaml_document_t more;
    uint8_t *seen = NULL;
    if ((status = check_depth(source, text, length)) != SEI_OK) return status;
    if (!yaml_parser_initialize(&parser)) return sei_fail(SEI_ERR_MEMORY, "%s: not enough memory to read it", source->name);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    if (!yaml_parser_load(&parser, &source->document)) {
        status = parser_failed(source, &parser, text, length);
        goto done;
    }
    source->loaded = true;
    const yaml_node_t *root = yaml_document_get_root_node(&source->document);
    if (root == NULL) {
        status = sei_fail(SEI_ERR_INPUT, "%s:1: the file is empty; a mapping of keys is expected", source->name);
        goto done;
    }
    if (!yaml_parser_load(&parser, &more)) {
        status = parser_failed(source, &parser, text, length);
        goto done;
    }
    const bool several = yaml_document_get_root_node(&more) != NULL;
    const size_t second = more.start_mark.line + 1;
    yaml_document_delete(&more);
    if (several) {
        status = sei_fail(SEI_ERR_INPUT, "%s:%zu: several documents ('---') in one file; keep one", source->name, second);
        goto done;
    }
    SEI_TRY(SEI_NEW(seen, source->document.nodes.top - source->document.nodes.start + 1, 1, 1));
    SEI_TRY(check_tree(source, 1, 1, seen));
done:
    sei_free(seen);
    yaml_parser_delete(&parser);
    return status;
}

void sei_yaml_close(sei_yaml_source *source) {
    if (source->loaded) yaml_document_delete(&source->document);
    source->loaded = false;
}

static bool is_null(const yaml_node_t *n) {
    if (n->type != YAML_SCALAR_NODE || n->data.scalar.style != YAML_PLAIN_SCALAR_STYLE) return false;
    const char *value = (const char *)n->data.scalar.value;
    return value[0] == 0 || strcmp(value, "~") == 0 || strcmp(value, "null") == 0;
}

void sei_yaml_drop_nulls(sei_yaml_source *source, int node) {
    yaml_node_t *n = sei_yaml_node(source, node);
    if (n->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; ++i)
            sei_yaml_drop_nulls(source, *i);
    }
    if (n->type != YAML_MAPPING_NODE) return;
    yaml_node_pair_t *kept = n->data.mapping.pairs.start;
    for (yaml_node_pair_t *p = kept; p < n->data.mapping.pairs.top; ++p) {
        if (is_null(sei_yaml_node(source, p->value))) continue;
        sei_yaml_drop_nulls(source, p->value);
        *kept++ = *p;
    }
    n->data.mapping.pairs.top = kept;
}

static sei_status no_memory(const sei_yaml_source *source) {
    return sei_fail(SEI_ERR_MEMORY, "%s: not enough memory to work on it", source->name);
}

/* Marks a node that was added; its id, or 0. */
static int marked(sei_yaml_source *source, int node, size_t column, size_t line) {
    yaml_node_t *n = sei_yaml_node(source, node);
    if (n == NULL) return 0;
    n->start_mark.column = column;
    n->start_mark.line = line;
    return node;
}

static int add_scalar(sei_yaml_source *source, const char *value, yaml_scalar_style_t style, size_t column, size_t line) {
    const int id = yaml_document_add_scalar(&source->document, NULL, (const yaml_char_t *)value, (int)strlen(value), style);
    return marked(source, id, column, line);
}

/* A copy of a node of another document; 0 when memory runs out. */
static int copy_node(sei_yaml_source *to, const sei_yaml_source *from, int node, size_t column, size_t line) {
    const yaml_node_t *n = sei_yaml_node(from, node);
    if (n->type == YAML_SCALAR_NODE) {
        return add_scalar(to, (const char *)n->data.scalar.value, n->data.scalar.style, column, line);
    }
    if (n->type == YAML_SEQUENCE_NODE) {
        const int id = marked(to, yaml_document_add_sequence(&to->document, NULL, YAML_ANY_SEQUENCE_STYLE), column, line);
        for (const yaml_node_item_t *i = n->data.sequence.items.start; id != 0 && i < n->data.sequence.items.top; ++i) {
            const int item = copy_node(to, from, *i, column, line);
            if (item == 0 || !yaml_document_append_sequence_item(&to->document, id, item)) return 0;
        }
        return id;
    }
    const int id = marked(to, yaml_document_add_mapping(&to->document, NULL, YAML_ANY_MAPPING_STYLE), column, line);
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; id != 0 && p < n->data.mapping.pairs.top; ++p) {
        const int key = copy_node(to, from, p->key, column, line);
        const int value = key == 0 ? 0 : copy_node(to, from, p->value, column, line);
        if (value == 0 || !yaml_document_append_mapping_pair(&to->document, id, key, value)) return 0;
    }
    return id;
}

static bool is_pattern_list(const sei_yaml_source *source, const yaml_node_t *n) {
    return n->type == YAML_SEQUENCE_NODE && n->data.sequence.items.start < n->data.sequence.items.top &&
           sei_yaml_node(source, n->data.sequence.items.start[0])->type == YAML_MAPPING_NODE;
}

/* A copy of a default: the pattern of a list's items is no item. */
static int copy_default(sei_yaml_source *to, const sei_yaml_source *defaults, int node) {
    const yaml_node_t *n = sei_yaml_node(defaults, node);
    if (is_pattern_list(defaults, n)) {
        return marked(to, yaml_document_add_sequence(&to->document, NULL, YAML_ANY_SEQUENCE_STYLE), MARK_DEFAULT, 0);
    }
    if (n->type != YAML_MAPPING_NODE) return copy_node(to, defaults, node, MARK_DEFAULT, 0);
    const int id = marked(to, yaml_document_add_mapping(&to->document, NULL, YAML_ANY_MAPPING_STYLE), MARK_DEFAULT, 0);
    for (const yaml_node_pair_t *p = n->data.mapping.pairs.start; id != 0 && p < n->data.mapping.pairs.top; ++p) {
        const int key = copy_node(to, defaults, p->key, MARK_DEFAULT, 0);
        const int value = key == 0 ? 0 : copy_default(to, defaults, p->value);
        if (value == 0 || !yaml_document_append_mapping_pair(&to->document, id, key, value)) return 0;
    }
    return id;
}

/* The node for a --set value. */
static sei_status value_node(sei_yaml_source *source, size_t index, const char *value, int *out) {
    sei_status status = SEI_OK;
    char name[256];
    const size_t length = strlen(value);
    const bool quoted = length >= 2 && value[0] == '"' && value[length - 1] == '"';
    if (value[0] != '[' && value[0] != '{' && !quoted) {
        *out = add_scalar(source, value, YAML_PLAIN_SCALAR_STYLE, MARK_SET, index);
        return *out == 0 ? no_memory(source) : SEI_OK;
    }
    snprintf(name, sizeof name, "--set %s", source->set[index]);
    sei_yaml_source piece = {.name = name};
    status = sei_yaml_parse(&piece, value, strlen(value));
    if (status == SEI_OK) {
        *out = copy_node(source, &piece, 1, MARK_SET, index);
        if (*out == 0) status = no_memory(source);
    } else if (status == SEI_ERR_INPUT) {
        status = SEI_ERR_USAGE; /* the message stands already; the text came from the command line */
    }
    sei_yaml_close(&piece);
    return status;
}

/* The place in `node` a path segment names: its value's id, 0 when it can be added, or a failure. */
static sei_status step_into(const sei_yaml_source *source, size_t index, int node, const char *segment, int *child) {
    const yaml_node_t *n = sei_yaml_node(source, node);
    *child = 0;
    if (n->type == YAML_MAPPING_NODE) {
        *child = sei_yaml_find(source, node, segment);
        return SEI_OK;
    }
    if (n->type == YAML_SEQUENCE_NODE) {
        const long count = (long)(n->data.sequence.items.top - n->data.sequence.items.start);
        char *end = NULL;
        const long item = strtol(segment, &end, 10);
        if (end == segment || *end != 0 || item < 0 || item > count) {
            return sei_fail(SEI_ERR_USAGE, "--set %s: '%s' is no item of a list of %ld; count from 0, %ld appends",
                            source->set[index], segment, count, count);
        }
        if (item < count) *child = n->data.sequence.items.start[item];
        return SEI_OK;
    }
    return sei_fail(SEI_ERR_USAGE, "--set %s: '%s' lies below a single value", source->set[index], segment);
}

/* Puts `value` where the segment names, replacing `old` when that is not 0. */
static sei_status put(sei_yaml_source *source, size_t index, int node, const char *segment, int old, int value) {
    yaml_node_t *n = sei_yaml_node(source, node);
    if (n->type == YAML_SEQUENCE_NODE) {
        for (yaml_node_item_t *i = n->data.sequence.items.start; i < n->data.sequence.items.top; ++i) {
            if (old != 0 && *i == old) {
                *i = value;
                return SEI_OK;
            }
        }
        return yaml_document_append_sequence_item(&source->document, node, value) ? SEI_OK : no_memory(source);
    }
    for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; ++p) {
        if (old != 0 && p->value == old) {
            p->value = value;
            return SEI_OK;
        }
    }
    const int key = add_scalar(source, segment, YAML_PLAIN_SCALAR_STYLE, MARK_SET, index);
    return key != 0 && yaml_document_append_mapping_pair(&source->document, node, key, value) ? SEI_OK : no_memory(source);
}

sei_status sei_yaml_override(sei_yaml_source *source, size_t index) {
    const char *equals = strchr(source->set[index], '=');
    char path[SEI_YAML_PATH];
    char *rest = NULL;
    int node = 1;
    int depth = 1;
    if (equals == NULL || equals == source->set[index] || (size_t)(equals - source->set[index]) >= sizeof path) {
        return sei_fail(SEI_ERR_USAGE, "--set %s: write KEY.PATH=VALUE", source->set[index]);
    }
    snprintf(path, sizeof path, "%.*s", (int)(equals - source->set[index]), source->set[index]);
    char *segment = strtok_r(path, ".", &rest);
    if (segment == NULL) return sei_fail(SEI_ERR_USAGE, "--set %s: write KEY.PATH=VALUE", source->set[index]);
    for (;; ++depth) {
        int child = 0;
        int fresh = 0;
        char *next = strtok_r(NULL, ".", &rest);
        sei_status status = step_into(source, index, node, segment, &child);
        if (status != SEI_OK) return status;
        if (depth >= SEI_YAML_MAX_DEPTH)
            return sei_fail(SEI_ERR_USAGE, "--set %s: nested deeper than %d levels", source->set[index], SEI_YAML_MAX_DEPTH);
        if (next == NULL) {
            status = value_node(source, index, equals + 1, &fresh);
            return status == SEI_OK ? put(source, index, node, segment, child, fresh) : status;
        }
        if (child == 0 || is_null(sei_yaml_node(source, child))) {
            /* the parent is not there yet: a list when its first key is a number, else a mapping */
            const bool list = strcmp(next, "0") == 0;
            fresh = list ? yaml_document_add_sequence(&source->document, NULL, YAML_ANY_SEQUENCE_STYLE)
                         : yaml_document_add_mapping(&source->document, NULL, YAML_ANY_MAPPING_STYLE);
            if (marked(source, fresh, MARK_SET, index) == 0) return no_memory(source);
            if ((status = put(source, index, node, segment, child, fresh)) != SEI_OK) return status;
            child = fresh;
        }
        node = child;
        segment = next;
    }
}

sei_status sei_yaml_merge(sei_yaml_source *source, int node, const sei_yaml_source *defaults, int pattern) {
    const yaml_node_t *d = sei_yaml_node(defaults, pattern);
    sei_status status = SEI_OK;
    if (sei_yaml_node(source, node)->type != d->type) return SEI_OK; /* the check names what is wrong */
    if (d->type == YAML_SEQUENCE_NODE && d->data.sequence.items.start < d->data.sequence.items.top) {
        /* the source's items may move in memory while nodes are added */
        for (ptrdiff_t i = 0; status == SEI_OK; ++i) {
            const yaml_node_t *n = sei_yaml_node(source, node);
            if (n->data.sequence.items.start + i >= n->data.sequence.items.top) break;
            status = sei_yaml_merge(source, n->data.sequence.items.start[i], defaults, d->data.sequence.items.start[0]);
        }
        return status;
    }
    if (d->type != YAML_MAPPING_NODE) return SEI_OK;
    for (const yaml_node_pair_t *p = d->data.mapping.pairs.start; status == SEI_OK && p < d->data.mapping.pairs.top; ++p) {
        const char *name = sei_yaml_scalar(defaults, p->key);
        const int there = sei_yaml_find(source, node, name);
        if (there != 0) {
            status = sei_yaml_merge(source, there, defaults, p->value);
            continue;
        }
        const int key = add_scalar(source, name, YAML_PLAIN_SCALAR_STYLE, MARK_DEFAULT, 0);
        const int copy = key == 0 ? 0 : copy_default(source, defaults, p->value);
        if (copy == 0 || !yaml_document_append_mapping_pair(&source->document, node, key, copy)) return no_memory(source);
    }
    return status;
}

static sei_status emit_string(const char *value, sei_text *out) {
    sei_status status = sei_text_append(out, "\"", 1);
    for (const unsigned char *c = (const unsigned char *)value; status == SEI_OK && *c != 0; ++c) {
        if (*c == '"' || *c == '\\') {
            status = sei_text_add(out, "\\%c", *c);
        } else if (*c < 32 || *c == 127) {
            status = sei_text_add(out, "\\u%04x", *c);
        } else {
            status = sei_text_append(out, (const char *)c, 1);
        }
    }
    return status == SEI_OK ? sei_text_append(out, "\"", 1) : status;
}

static sei_status emit(const sei_yaml_source *source, int node, int indent, sei_text *out) {
    const yaml_node_t *n = sei_yaml_node(source, node);
    sei_status status = SEI_OK;
    if (n->type == YAML_SCALAR_NODE) return emit_string((const char *)n->data.scalar.value, out);
    const bool mapping = n->type == YAML_MAPPING_NODE;
    const ptrdiff_t count = mapping ? n->data.mapping.pairs.top - n->data.mapping.pairs.start
                                    : n->data.sequence.items.top - n->data.sequence.items.start;
    SEI_TRY(sei_text_append(out, mapping ? "{" : "[", 1));
    for (ptrdiff_t i = 0; i < count; ++i) {
        SEI_TRY(sei_text_add(out, "%s\n%*s", i > 0 ? "," : "", 2 * indent, ""));
        if (mapping) {
            SEI_TRY(emit_string(sei_yaml_scalar(source, n->data.mapping.pairs.start[i].key), out));
            SEI_TRY(sei_text_append(out, ": ", 2));
        }
        SEI_TRY(emit(source, mapping ? n->data.mapping.pairs.start[i].value : n->data.sequence.items.start[i], indent + 1, out));
    }
    if (count > 0) SEI_TRY(sei_text_add(out, "\n%*s", 2 * (indent - 1), ""));
    SEI_TRY(sei_text_append(out, mapping ? "}" : "]", 1));
done:
    return status;
}

sei_status sei_yaml_emit(const sei_yaml_source *source, int node, sei_text *out) {
    const sei_status status = emit(source, node, 1, out);
    return status == SEI_OK ? sei_text_append(out, "\n", 1) : status;
}
