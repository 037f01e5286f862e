/* Inside io: the JSON files that stand beside results. Numbers are written in their shortest exact form. */
#ifndef SEI_IO_JSON_H
#define SEI_IO_JSON_H

#include "core/text.h"
#include "seitomo/io.h"

/* "PATH without extension" + ending as a new string: "a/b.mrc", ".json" -> "a/b.json". sei_free it. */
sei_status sei_beside(const char *path, const char *ending, char **out) SEI_MUST_CHECK;

/* A JSON string with its quotes; bytes that are no UTF-8 become '?'. */
sei_status sei_json_add_string(sei_text *text, const char *string) SEI_MUST_CHECK;

/*
 * The JSON file of `path`, which tells of `file` (the path, or its first channel): NAME.json, unless NAME.EXT.json is there
 * already or NAME.json tells of another file beside it, as between X.mrc and X.emd. sei_free it.
 */
sei_status sei_sidecar(const char *path, const char *file, char **out) SEI_MUST_CHECK;

/* Writes the JSON file of `path`: provenance (may be NULL) and label classes (labels may be NULL). Nothing when both are. */
sei_status sei_json_write_beside(const char *path, const char *file, const sei_provenance *provenance, const sei_labels *labels,
                                 bool overwrite) SEI_MUST_CHECK;

/* Defines the classes that the JSON file of `path` lists; leaves `labels` alone when there is no such file or list. */
sei_status sei_json_read_classes(const char *path, sei_labels *labels) SEI_MUST_CHECK;

#endif
