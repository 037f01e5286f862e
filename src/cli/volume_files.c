#include "cli/volume_files.h"

#include <string.h>
#include <strings.h>

#include "core/alloc.h"

const char *sei_cli_volume_path(const char *word) {
    const char *equals = strchr(word, '='), *slash = strchr(word, '/');
    return equals != NULL && (slash == NULL || equals < slash) ? equals + 1 : word;
}

/* Moves the volumes of one file to the end of the list. */
static sei_status append(sei_volume **list, size_t *n, sei_volume *more, size_t n_more) {
    void *grown = *list;
    const sei_status status = sei_realloc(&grown, (*n + n_more) * sizeof **list);
    if (status != SEI_OK) return status;
    *list = grown;
    memcpy(*list + *n, more, n_more * sizeof *more);
    *n += n_more;
    return SEI_OK;
}

static sei_status read_file(const char *word, double voxel_nm, sei_volume **list, size_t *n) {
    sei_status status = SEI_OK;
    sei_volume *found = NULL;
    size_t n_found = 0;
    const char *path = sei_cli_volume_path(word);
    SEI_TRY(sei_io_read_volumes_sized(path, voxel_nm, &found, &n_found));
    if (path != word) {
        if (n_found != 1)
            SEI_TRY(sei_fail(SEI_ERR_INPUT, "%s holds %zu volumes: a name in front of it needs exactly one", path, n_found));
        snprintf(found[0].name, sizeof found[0].name, "%.*s", (int)(path - word - 1), word);
    }
    SEI_TRY(append(list, n, found, n_found));
    sei_free(found); /* the volumes in it have moved */
    found = NULL;
done:
    if (found != NULL) sei_volumes_free(found, n_found);
    return status;
}

/* Brings the volume that `wanted` ("NAME" or "NAME=NAME_IN_FILE") names to place `at` of the list, renamed. */
static sei_status pick(const char *wanted, sei_volume *list, size_t n, size_t at) {
    const char *equals = strchr(wanted, '=');
    const char *stored = equals != NULL ? equals + 1 : wanted;
    const size_t length = equals != NULL ? (size_t)(equals - wanted) : strlen(wanted);
    for (size_t i = at; i < n; ++i) {
        if (strcasecmp(list[i].name, stored) != 0) continue;
        const sei_volume held = list[at];
        list[at] = list[i];
        list[i] = held;
        snprintf(list[at].name, sizeof list[at].name, "%.*s", (int)(length < SEI_NAME_LENGTH ? length : SEI_NAME_LENGTH - 1),
                 wanted);
        return SEI_OK;
    }
    return sei_fail(SEI_ERR_INPUT, "--channels: no volume named '%s' in the files given; `seitomo info FILE` lists them", stored);
}

sei_status sei_cli_read_volumes(const sei_common *common, size_t n_files, const char *const *files, sei_provenance *provenance,
                                sei_volume **out, size_t *n) {
    sei_status status = SEI_OK;
    sei_volume *list = NULL;
    size_t count = 0;
    for (size_t f = 0; f < n_files; ++f) {
        SEI_TRY(read_file(files[f], common->pixel_nm, &list, &count));
        SEI_TRY(sei_io_provenance_add_input(provenance, sei_cli_volume_path(files[f])));
    }
    for (size_t c = 0; c < common->n_channels; ++c) SEI_TRY(pick(common->channels[c], list, count, c));
    for (size_t i = common->n_channels; common->n_channels > 0 && i < count; ++i) sei_volume_free(&list[i]);
    if (common->n_channels > 0) count = common->n_channels;
    for (size_t i = 0; i < count; ++i) {
        for (size_t j = 0; j < i; ++j) {
            if (strcasecmp(list[i].name, list[j].name) != 0) continue;
            SEI_TRY(sei_fail(SEI_ERR_INPUT, "two volumes are named '%s': name them apart with NAME=FILE", list[i].name));
        }
    }
    *out = list;
    *n = count;
    return SEI_OK;
done:
    if (list != NULL) sei_volumes_free(list, count);
    return status;
}
