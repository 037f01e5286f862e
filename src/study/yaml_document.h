/* Inside yaml: a libyaml document, and where each of its nodes came from. */
#ifndef SEI_STUDY_YAML_DOCUMENT_H
#define SEI_STUDY_YAML_DOCUMENT_H

#include <yaml.h>

#include "core/text.h"
#include "study/yaml.h"

enum { SEI_YAML_MAX_DEPTH = 12, SEI_YAML_PATH = 512 };

/* A file (or a --set, or the defaults) while it is being worked on. */
typedef struct sei_yaml_source {
    const char *name;       /* file name for messages */
    const char *const *set; /* the --set texts */
    yaml_document_t document;
    bool loaded;
} sei_yaml_source;

/* Nodes added to the file's document say in their mark that they are no line of it. */
typedef enum sei_yaml_origin { SEI_YAML_FROM_FILE, SEI_YAML_FROM_SET, SEI_YAML_FROM_DEFAULTS } sei_yaml_origin;

/* Fails with the origin of `node` in front: "FILE:LINE: path: ..." (INPUT) or "--set TEXT: ..." (USAGE). */
sei_status sei_yaml_fail_at(const sei_yaml_source *source, int node, const char *path, const char *format, ...)
    SEI_PRINTF(4, 5) SEI_MUST_CHECK;
sei_yaml_origin sei_yaml_origin_of(const sei_yaml_source *source, int node);

/* Parses one document and refuses aliases, several documents, duplicate or compound keys, depth. */
sei_status sei_yaml_parse(sei_yaml_source *source, const char *text, size_t length) SEI_MUST_CHECK;
void sei_yaml_close(sei_yaml_source *source);

yaml_node_t *sei_yaml_node(const sei_yaml_source *source, int node);  /* valid until a node is added */
const char *sei_yaml_scalar(const sei_yaml_source *source, int node); /* "" when it is no scalar */
/* The value of a key, 0 when absent. */
int sei_yaml_find(const sei_yaml_source *source, int mapping, const char *key);

/* Applies set[index] = "a.b.0.c=value". */
sei_status sei_yaml_override(sei_yaml_source *source, size_t index) SEI_MUST_CHECK;
/* Removes keys without a value. */
void sei_yaml_drop_nulls(sei_yaml_source *source, int node);
/* Fills in what `defaults` has and the document lacks. */
sei_status sei_yaml_merge(sei_yaml_source *source, int node, const sei_yaml_source *defaults, int pattern) SEI_MUST_CHECK;
/* The node as JSON, every scalar a string, one key or item per line. */
sei_status sei_yaml_emit(const sei_yaml_source *source, int node, sei_text *out) SEI_MUST_CHECK;

/* Types, known and required keys, choices, ranges. */
sei_status sei_yaml_check(const sei_yaml_source *source, const sei_yaml_spec *spec) SEI_MUST_CHECK;

#endif
