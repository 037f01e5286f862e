/* Names of channels and of files that belong together. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "io/series.h"

void sei_source_split(const char *argument, char name[SEI_NAME_LENGTH], const char **path) {
    const char *equals = strchr(argument, '=');
    name[0] = 0;
    *path = argument;
    if (equals == NULL || equals == argument || memchr(argument, '/', (size_t)(equals - argument)) != NULL) return;
    if (sei_file_exists(argument) || equals - argument >= SEI_NAME_LENGTH) return;
    memcpy(name, argument, (size_t)(equals - argument));
    name[equals - argument] = 0;
    *path = equals + 1;
}

void sei_channel_name_of_path(const char *path, char name[SEI_NAME_LENGTH]) {
    char stem[SEI_TEXT_LENGTH];
    sei_path_stem(path, stem, sizeof stem);
    const bool prefixed = strncasecmp(stem, "EDS_", 4) == 0 || strncasecmp(stem, "EDX_", 4) == 0;
    snprintf(name, SEI_NAME_LENGTH, "%.*s", SEI_NAME_LENGTH - 1, prefixed && stem[4] != 0 ? stem + 4 : stem);
}

const char *sei_unit_of(const char *channel, sei_dtype stored) {
    static const char *const imaging[] = {"HAADF", "ADF", "MAADF", "LAADF", "ABF",  "BF", "DF",
                                          "DF2",   "DF4", "DF-I",  "DF-S",  "STEM", "TEM"};
    for (size_t i = 0; i < sizeof imaging / sizeof imaging[0]; ++i) {
        if (strcasecmp(channel, imaging[i]) == 0) return "grey";
    }
    return stored >= SEI_DTYPE_U8 && stored <= SEI_DTYPE_I32 ? "counts" : "";
}

sei_status sei_note_input(const sei_read_options *options, const char *path) {
    sei_provenance *p = options->inputs;
    if (p == NULL) return SEI_OK;
    const sei_status status = sei_io_provenance_add_input(p, path);
    if (status != SEI_OK) return status;
    const sei_input_file *last = &p->inputs[p->n_inputs - 1];
    for (size_t i = 0; i + 1 < p->n_inputs; ++i) {
        if (strcmp(p->inputs[i].name, last->name) != 0 || strcmp(p->inputs[i].sha256, last->sha256) != 0) continue;
        --p->n_inputs;
        break;
    }
    return sei_interrupt_check();
}

sei_status sei_mask_beside(const char *path, const char *channel, char **out) {
    static const char ending[] = ".valid.mrc";
    const char *base = sei_path_base(path);
    const char *dot = strrchr(base, '.');
    size_t stem = dot == NULL || dot == base ? strlen(path) : (size_t)(dot - path);
    char safe[SEI_NAME_LENGTH]; /* the channel as our writer puts it into a name */
    sei_safe_name(channel, safe, sizeof safe);
    const size_t suffix = strlen(safe) + 1;
    void *made = NULL;
    const sei_status status = sei_alloc(stem + sizeof ending, &made);
    *out = NULL;
    if (status != SEI_OK) return status;
    char *name = made;
    memcpy(name, path, stem);
    for (int shorter = 0; shorter < 2; ++shorter) {
        memcpy(name + stem, ending, sizeof ending);
        if (sei_file_exists(name)) {
            *out = name;
            return SEI_OK;
        }
        if (channel[0] == 0 || stem <= suffix || path[stem - suffix] != '_' ||
            strncasecmp(path + stem - suffix + 1, safe, suffix - 1) != 0) {
            break;
        }
        stem -= suffix;
    }
    sei_free(made);
    return SEI_OK;
}
