/*
 * A tilt series to files. EMD holds everything in one file; MRC and TIFF take one file per channel, a .rawtlt with the
 * exact angles, AreTomo's _TLT.txt when order or dose are known, and a mask as NAME.valid.mrc.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "io/formats.h"
#include "io/json.h"

typedef enum container { CONTAINER_NONE, CONTAINER_MRC, CONTAINER_TIFF, CONTAINER_EMD } container;

static container container_of(const char *path) {
    static const struct {
        const char *extension;
        container is;
    } known[] = {{"mrc", CONTAINER_MRC},  {"st", CONTAINER_MRC},   {"ali", CONTAINER_MRC},
                 {"mrcs", CONTAINER_MRC}, {"tif", CONTAINER_TIFF}, {"tiff", CONTAINER_TIFF},
                 {"emd", CONTAINER_EMD},  {"h5", CONTAINER_EMD},   {"hdf5", CONTAINER_EMD}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; ++i) {
        if (sei_path_has_extension(path, known[i].extension)) return known[i].is;
    }
    return CONTAINER_NONE;
}

sei_status sei_io_channel_path(const char *path, const char *channel, char **out) {
    char safe[SEI_NAME_LENGTH];
    char ending[SEI_NAME_LENGTH + 32];
    const char *base = sei_path_base(path), *dot = strrchr(base, '.');
    sei_safe_name(channel, safe, sizeof safe);
    snprintf(ending, sizeof ending, "_%s%.24s", safe, dot == NULL || dot == base ? "" : dot);
    return sei_beside(path, ending, out);
}

/* Where channel c goes: the path itself, or NAME_<channel>.ext when there are several. */
static sei_status channel_path(const char *path, const sei_series *series, size_t c, char **out) {
    return series->n_channels == 1 ? sei_strdup(path, out) : sei_io_channel_path(path, series->channels[c].name, out);
}

static bool angles_known(const sei_series *series) {
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        if (isnan(series->tilts[t].tilt_deg)) return false;
    }
    return true;
}

/* _TLT.txt needs an order for every image, each once. Doses alone go there with the order of the file. */
static bool needs_tlt(const sei_series *series, bool *has_dose) {
    bool ordered = true;
    *has_dose = false;
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        ordered = ordered && series->tilts[t].order >= 0;
        *has_dose = *has_dose || !isnan(series->tilts[t].dose_e_per_nm2);
    }
    return ordered && angles_known(series);
}

/* A dose in e/nm2 as text in e/A2: the exponent falls by two, so that reading gives the same double again. */
static sei_status add_dose(sei_text *text, double dose_e_per_nm2) {
    char number[40];
    double back = 0;
    if (isnan(dose_e_per_nm2)) return sei_text_add(text, " nan");
    for (int digits = 0; digits <= 17; ++digits) {
        snprintf(number, sizeof number, "%.*e", digits, dose_e_per_nm2);
        if (sei_parse_double(number, &back) && back == dose_e_per_nm2) break;
    }
    char *exponent = strchr(number, 'e');
    if (exponent == NULL) return sei_text_add(text, " nan");
    int power = 0;
    if (sscanf(exponent + 1, "%d", &power) != 1) return sei_text_add(text, " nan");
    return sei_text_add(text, " %.*se%d", (int)(exponent - number), number, power - 2);
}

/* The texts of .rawtlt and _TLT.txt; empty where a file is not written. */
static sei_status angle_texts(const sei_series *series, sei_text *rawtlt, sei_text *tlt) {
    char number[32];
    bool has_dose = false;
    const bool with_order = needs_tlt(series, &has_dose);
    sei_status status = SEI_OK;
    for (int64_t t = 0; t < series->n_tilts && angles_known(series); ++t) {
        const sei_tilt *tilt = &series->tilts[t];
        sei_format_double(tilt->tilt_deg, number);
        SEI_TRY(sei_text_add(rawtlt, "%s\n", number));
        if (!with_order) continue;
        SEI_TRY(sei_text_add(tlt, "%s %d", number, tilt->order + 1));
        if (has_dose) SEI_TRY(add_dose(tlt, tilt->dose_e_per_nm2));
        SEI_TRY(sei_text_add(tlt, "\n"));
    }
done:
    return status;
}

/* Whether the file says just that already: X.mrc and X.tif share their angles. */
static bool says(const char *path, const sei_text *text) {
    char *there = NULL;
    size_t length = 0;
    if (!sei_file_exists(path) || sei_file_read_text(path, text->length + 1, &there, &length) != SEI_OK) return false;
    const bool same = length == text->length && memcmp(there, text->data, length) == 0;
    sei_free(there);
    return same;
}

static sei_status write_angles(const char *path, const sei_series *series, bool overwrite) {
    sei_text texts[2] = {{0}, {0}};
    char *name = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(angle_texts(series, &texts[0], &texts[1]));
    for (int i = 0; i < 2; ++i) {
        if (texts[i].length == 0) continue;
        SEI_TRY(sei_beside(path, i == 0 ? ".rawtlt" : "_TLT.txt", &name));
        if (!says(name, &texts[i])) SEI_TRY(sei_file_write_text(name, overwrite, texts[i].data, texts[i].length));
        sei_free(name);
        name = NULL;
    }
done:
    sei_free(name);
    sei_text_free(&texts[0]);
    sei_text_free(&texts[1]);
    return status;
}

sei_status sei_io_replaced_angles(const char *path, const sei_series *series, char **out) {
    sei_text texts[2] = {{0}, {0}};
    char *name = NULL;
    sei_status status = SEI_OK;
    *out = NULL;
    SEI_TRY(angle_texts(series, &texts[0], &texts[1]));
    for (int i = 0; i < 2 && *out == NULL; ++i) {
        if (texts[i].length == 0) continue;
        SEI_TRY(sei_beside(path, i == 0 ? ".rawtlt" : "_TLT.txt", &name));
        if (sei_file_exists(name) && !says(name, &texts[i])) {
            *out = name;
        } else {
            sei_free(name);
        }
        name = NULL;
    }
done:
    sei_text_free(&texts[0]);
    sei_text_free(&texts[1]);
    return status;
}

/* A file that will be written: nothing in its way but what it would say itself. One that will not: nothing there that a reader
 * would take for ours. */
static sei_status check_side(const char *path, const char *ending, bool written, const sei_text *text, bool overwrite) {
    char *name = NULL;
    sei_status status = sei_beside(path, ending, &name);
    if (status != SEI_OK) return status;
    if (written) {
        if (text == NULL || !says(name, text)) status = sei_file_check_target(name, overwrite);
    } else if (sei_file_exists(name)) {
        status = sei_fail(SEI_ERR_ENVIRONMENT,
                          "%s: lies there already and would be taken for a part of %s; remove it or choose another name", name,
                          sei_path_base(path));
    }
    sei_free(name);
    return status;
}

static sei_status check_sidecar(const char *path, const char *file, bool overwrite) {
    char *name = NULL;
    sei_status status = sei_sidecar(path, file, &name);
    if (status == SEI_OK) status = sei_file_check_target(name, overwrite);
    sei_free(name);
    return status;
}

/* Whether the mask beside X.tif is the one of X.mrc, which lies there: they share it. */
static bool mask_lies_there(const char *path, const sei_series *series) {
    const sei_format_read all = {0};
    sei_stacks stacks = {0};
    char *name = NULL;
    bool same = false;
    if (series->valid == NULL || sei_beside(path, ".valid.mrc", &name) != SEI_OK) return false;
    if (sei_file_exists(name) && sei_format_mrc.read(name, &all, &stacks) == SEI_OK) {
        const sei_stack *mask = &stacks.items[0];
        same = mask->nx == series->nx && mask->ny == series->ny && mask->nz == series->n_tilts;
        for (int64_t i = 0; same && i < mask->nx * mask->ny * mask->nz; ++i)
            same = (mask->data[i] != 0) == (series->valid[i] != 0);
    }
    sei_stacks_free(&stacks);
    sei_free(name);
    return same;
}

static sei_status check_targets(const char *path, const sei_series *series, bool masked, bool with_json, bool overwrite) {
    sei_text rawtlt = {0}, tlt = {0};
    char *file = NULL;
    char *other = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(angle_texts(series, &rawtlt, &tlt));
    if (!masked || !mask_lies_there(path, series)) SEI_TRY(check_side(path, ".valid.mrc", masked, NULL, overwrite));
    for (size_t c = 0; c < series->n_channels; ++c) {
        SEI_TRY(channel_path(path, series, c, &file));
        if (with_json && c == 0) SEI_TRY(check_sidecar(path, file, overwrite));
        SEI_TRY(sei_file_check_target(file, overwrite));
        SEI_TRY(check_side(file, ".rawtlt", rawtlt.length > 0, &rawtlt, overwrite));
        SEI_TRY(check_side(file, "_TLT.txt", tlt.length > 0, &tlt, overwrite));
        if (sei_path_has_extension(path, "ali")) SEI_TRY(check_side(file, ".tlt", false, NULL, overwrite));
        for (size_t k = 0; k < c; ++k) {
            SEI_TRY(channel_path(path, series, k, &other));
            if (strcasecmp(file, other) == 0) {
                status = sei_fail(SEI_ERR_INPUT, "channels '%s' and '%s' would both go to %s; rename one with --channels",
                                  series->channels[k].name, series->channels[c].name, file);
                goto done;
            }
            sei_free(other);
            other = NULL;
        }
        sei_free(file);
        file = NULL;
    }
done:
    sei_free(file);
    sei_free(other);
    sei_text_free(&rawtlt);
    sei_text_free(&tlt);
    return status;
}

static sei_status write_channels(const char *path, const sei_series *series, container is, bool overwrite) {
    char *file = NULL;
    char *mask = NULL;
    sei_status status = SEI_OK;
    for (size_t c = 0; c < series->n_channels; ++c) {
        SEI_TRY(channel_path(path, series, c, &file));
        SEI_TRY(is == CONTAINER_MRC ? sei_mrc_write_channel(file, series, c, overwrite)
                                    : sei_tiff_write_channel(file, series, c, overwrite));
        SEI_TRY(write_angles(file, series, overwrite));
        sei_free(file);
        file = NULL;
    }
    if (series->valid != NULL && !mask_lies_there(path, series)) {
        SEI_TRY(sei_beside(path, ".valid.mrc", &mask));
        SEI_TRY(sei_mrc_write_mask(mask, series, overwrite));
    }
done:
    sei_free(file);
    sei_free(mask);
    return status;
}

static sei_status unknown_container(const char *path) {
    return sei_fail(SEI_ERR_USAGE, "%s: the format is chosen by the extension: .mrc, .tif, .emd or .h5", path);
}

sei_status sei_io_series_path(const char *path, const sei_series *series, size_t channel, char **out) {
    const container is = container_of(path);
    if (is == CONTAINER_NONE) return unknown_container(path);
    return is == CONTAINER_EMD ? sei_strdup(path, out) : channel_path(path, series, channel, out);
}

sei_status sei_io_check_series(const char *path, const sei_series *series, bool masked, bool with_json, bool overwrite) {
    const container is = container_of(path);
    sei_status status = SEI_OK;
    if (is == CONTAINER_NONE) return unknown_container(path);
    if (series->n_channels == 0) return sei_fail(SEI_ERR_USAGE, "%s: a series without channels cannot be written", path);
    if (is != CONTAINER_EMD) return check_targets(path, series, masked, with_json, overwrite);
    SEI_TRY(sei_file_check_target(path, overwrite));
    if (with_json) SEI_TRY(check_sidecar(path, path, overwrite));
done:
    return status;
}

sei_status sei_io_check_volume(const char *path, bool with_json, bool overwrite) {
    const bool known =
        container_of(path) != CONTAINER_NONE || sei_path_has_extension(path, "rec") || sei_path_has_extension(path, "map");
    sei_status status = SEI_OK;
    if (!known) return unknown_container(path);
    SEI_TRY(sei_file_check_target(path, overwrite));
    if (with_json) SEI_TRY(check_sidecar(path, path, overwrite));
done:
    return status;
}

sei_status sei_io_write_series(const char *path, const sei_series *series, const sei_provenance *provenance, bool overwrite) {
    const container is = container_of(path);
    char *json = NULL;
    char *file = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_io_check_series(path, series, series->valid != NULL, provenance != NULL, overwrite));
    if (is == CONTAINER_EMD) {
        if (provenance != NULL) SEI_TRY(sei_io_provenance_json(provenance, &json));
        SEI_TRY(sei_emd_write_series(path, series, json, overwrite));
    } else {
        SEI_TRY(write_channels(path, series, is, overwrite));
    }
    SEI_TRY(sei_io_series_path(path, series, 0, &file));
    SEI_TRY(sei_json_write_beside(path, file, provenance, NULL, overwrite));
done:
    sei_free(file);
    sei_free(json);
    return status;
}

sei_status sei_io_write_volumes(const char *path, size_t n, const sei_volume *volumes, const sei_provenance *provenance,
                                bool overwrite) {
    const container is = container_of(path);
    char *json = NULL;
    sei_status status = SEI_OK;
    if (n == 0) return sei_fail(SEI_ERR_USAGE, "%s: no volume to write", path);
    if (n > 1 && is != CONTAINER_EMD) {
        return sei_fail(SEI_ERR_USAGE, "%s: it holds one volume and %zu are to be written; write .emd or .h5", path, n);
    }
    SEI_TRY(sei_io_check_volume(path, provenance != NULL, overwrite));
    if (provenance != NULL) SEI_TRY(sei_io_provenance_json(provenance, &json));
    SEI_TRY(is == CONTAINER_EMD    ? sei_emd_write_volumes(path, n, volumes, json, overwrite)
            : is == CONTAINER_TIFF ? sei_tiff_write_volume(path, volumes, overwrite)
                                   : sei_mrc_write_volume(path, volumes, overwrite));
    SEI_TRY(sei_json_write_beside(path, path, provenance, NULL, overwrite));
done:
    sei_free(json);
    return status;
}

sei_status sei_io_write_labels(const char *path, const sei_labels *labels, const sei_provenance *provenance, bool overwrite) {
    const container is = container_of(path);
    char *json = NULL;
    sei_status status = SEI_OK;
    if (is == CONTAINER_NONE) return unknown_container(path);
    SEI_TRY(sei_file_check_target(path, overwrite));
    if (is != CONTAINER_EMD || provenance != NULL) SEI_TRY(check_sidecar(path, path, overwrite));
    if (provenance != NULL) SEI_TRY(sei_io_provenance_json(provenance, &json));
    SEI_TRY(is == CONTAINER_EMD    ? sei_emd_write_labels(path, labels, json, overwrite)
            : is == CONTAINER_TIFF ? sei_tiff_write_labels(path, labels, overwrite)
                                   : sei_mrc_write_labels(path, labels, overwrite));
    SEI_TRY(sei_json_write_beside(path, path, provenance, is == CONTAINER_EMD ? NULL : labels, overwrite));
done:
    sei_free(json);
    return status;
}
