/*
 * Sealed JSON files and stage records. A sealed file carries the SHA-256 of its own text without the seal, so that any
 * change to it shows. A stage record lists what the stage wrote, with sizes and hashes, and is written last.
 */
#ifndef SEI_STUDY_RECORD_H
#define SEI_STUDY_RECORD_H

#include <jansson.h>
#include <stdbool.h>

#include "seitomo/types.h"

/* NaN and infinities become null. New references; NULL only without memory. */
json_t *sei_json_real(double value);
json_t *sei_json_number(const sei_number *number);    /* {"value", "unit", "sd"} */
json_t *sei_json_numbers(const sei_numbers *numbers); /* by name */
json_t *sei_json_facts(const sei_facts *facts);       /* list of {"key", "value", "source"} */
/* A text that is no UTF-8 (from a file's header) with its bad bytes as '?'. */
json_t *sei_json_text(const char *text);
/* object[key], "" where there is no text. */
const char *sei_json_text_at(const json_t *object, const char *key);
sei_status sei_json_to_facts(const json_t *list, sei_facts *out) SEI_MUST_CHECK;
sei_status sei_json_to_numbers(const json_t *object, sei_numbers *out) SEI_MUST_CHECK;

/* Sorted keys, one text for one content. sei_free it. */
sei_status sei_json_dump(const json_t *json, char **text) SEI_MUST_CHECK;
/* Writes an object with its seal (replacing an old one in it). */
sei_status sei_sealed_write(const char *path, bool overwrite, json_t *object) SEI_MUST_CHECK;
/* Reads a sealed file; SEI_ERR_INPUT: not JSON, or changed since it was written. */
sei_status sei_sealed_read(const char *path, json_t **object) SEI_MUST_CHECK;

/* Adds {"bytes", "sha256"} of root/name to files[name]; an absent file adds nothing. */
sei_status sei_record_file(json_t *files, const char *root, const char *name) SEI_MUST_CHECK;
/* Whether root/name has the recorded size and hash. `entry`: what sei_record_file made. */
bool sei_record_holds(const json_t *entry, const char *root, const char *name);

#endif
