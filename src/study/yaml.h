/*
 * Recipe files: YAML text with --set overrides and built-in defaults, checked key by key and loaded into a struct by
 * libcyaml. Every refusal is one line: file and line (or the --set), the key's path, found against expected.
 */
#ifndef SEI_STUDY_YAML_H
#define SEI_STUDY_YAML_H

#include <cyaml/cyaml.h>
#include <stdbool.h>
#include <stddef.h>

#include "seitomo/status.h"

/* The numbers allowed for a key. '*' stands for any list index: {"reconstruct.*.iterations", 1, 100000}. */
typedef struct sei_yaml_range {
    const char *key;
    double low, high;
} sei_yaml_range;

/* What a kind of file may hold. */
typedef struct sei_yaml_spec {
    const char *what;                   /* "recipe", "study": for messages */
    const cyaml_schema_value_t *schema; /* a CYAML_FLAG_POINTER mapping. Booleans: SEI_YAML_BOOL, never CYAML_BOOL,
                                           which takes every word for true */
    const char *defaults; /* YAML text; keys the file lacks are taken from here. A list's first item is the pattern of
                             every item, an absent list stays empty. NULL: none. Keys without a default must be
                             CYAML_FLAG_OPTIONAL (zero or NULL then), or they are required. */
    size_t n_ranges;
    const sei_yaml_range *ranges;
} sei_yaml_spec;

/* A true/false (yes/no) key of a bool member. */
extern const cyaml_strval_t sei_yaml_bools[4];
#define SEI_YAML_BOOL(key, flags, structure, member) \
    CYAML_FIELD_ENUM(key, (flags) | CYAML_FLAG_STRICT, structure, member, sei_yaml_bools, 4)

/*
 * Loads a file of at most 1 MiB: one document, no aliases, no duplicate keys, at most 12 levels. `set` are n_set texts
 * "key.path=value" that replace or add a value before anything is checked; list items are numbers ("reconstruct.0.bin=4",
 * one past the end appends); a value that begins with '[' or '{', or stands in "", is
 * read as YAML, every other one is text as it stands.
 * A key with no value (or ~ or null) counts as not given.
 *
 * out       the struct the schema describes; release with sei_yaml_free
 * resolved  may be NULL; else the whole document with overrides and defaults as JSON text (every scalar a string),
 *           for provenance and hashes; sei_free it
 * Errors: SEI_ERR_INPUT (the file), SEI_ERR_USAGE (a --set), SEI_ERR_ENVIRONMENT, SEI_ERR_MEMORY; outputs untouched.
 */
sei_status sei_yaml_load(const sei_yaml_spec *spec, const char *path, size_t n_set, const char *const *set, void **out,
                         char **resolved) SEI_MUST_CHECK;
/* The same from a text; `name` stands in messages for the file. */
sei_status sei_yaml_load_text(const sei_yaml_spec *spec, const char *name, const char *text, size_t length, size_t n_set,
                              const char *const *set, void **out, char **resolved) SEI_MUST_CHECK;
/*
 * For what shows only once a file is loaded: puts "FILE:LINE: " (or "--set TEXT: ") in front of this thread's message, the line
 * of the key that the message begins with ("reconstruct.0.channels: ..."), else of `key`; of a key that the file lacks, the
 * mapping where it would stand; "FILE: " where there is none. A SEI_ERR_USAGE that a file caused becomes SEI_ERR_INPUT; every
 * other status is returned as it is. Reads the file again, which failures can afford.
 */
sei_status sei_yaml_blame(const char *path, size_t n_set, const char *const *set, const char *key,
                          sei_status status) SEI_MUST_CHECK;
void sei_yaml_free(const sei_yaml_spec *spec, void *data); /* NULL: nothing */

#endif
