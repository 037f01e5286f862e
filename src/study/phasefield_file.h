/* A recipe of the phase-field model (YAML), read and checked. */
#ifndef SEI_STUDY_PHASEFIELD_FILE_H
#define SEI_STUDY_PHASEFIELD_FILE_H

#include "study/phasefield_schema.h"

/* One key of a sweep with its values; the texts belong to the file. */
typedef struct sei_phasefield_file {
    sei_pf_entry *entry; /* as loaded */
    sei_phasefield_options options;
    sei_phasefield_limits limits;
    sei_mechanics_options mechanics;
    char *resolved;                /* the whole recipe with overrides and defaults, as JSON text */
    char differs[SEI_TEXT_LENGTH]; /* the keys whose values are not the paper recipe's, "" when none; grid, seed, cycles,
                                      control and output are not among them */
} sei_phasefield_file;

/* Errors: SEI_ERR_INPUT (file, line, key: unknown keys, ranges, a step that is unstable, with the limit), SEI_ERR_USAGE (a
 * --set), SEI_ERR_ENVIRONMENT, SEI_ERR_MEMORY. */
sei_status sei_phasefield_file_read(const char *path, size_t n_set, const char *const *set,
                                    sei_phasefield_file *out) SEI_MUST_CHECK;
void sei_phasefield_file_free(sei_phasefield_file *file);

#endif
