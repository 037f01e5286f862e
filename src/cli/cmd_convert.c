/* convert: one format to another, nothing lost. */
#include <math.h>
#include <string.h>

#include "cli/cli.h"
#include "core/file.h"
#include "core/log.h"

enum { KEY_AS = 0x2000 };

typedef struct convert_words {
    sei_common common;
    sei_cli_files files; /* the inputs, and the output last unless -o was given */
    const char *as;
} convert_words;

static error_t parse(int key, char *arg, struct argp_state *state) {
    convert_words *words = state->input;
    switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &words->common; return 0;
        case KEY_AS:
            if (strcmp(arg, "series") != 0 && strcmp(arg, "volume") != 0 && strcmp(arg, "labels") != 0) {
                argp_error(state, "--as: '%s' is none of series, volume, labels", arg);
            }
            words->as = arg;
            return 0;
        case ARGP_KEY_ARG: sei_cli_add_file(&words->files, arg, state); return 0;
        case ARGP_KEY_END:
            if (words->common.output == NULL && words->files.count > 1)
                words->common.output = words->files.names[--words->files.count];
            if (words->files.count == 0 || words->common.output == NULL) argp_error(state, "give IN and OUT");
            return 0;
        default: return ARGP_ERR_UNKNOWN;
    }
}

/* The file of "PATH" or "NAME=PATH". */
static const char *file_of(const char *word) {
    const char *equals = strchr(word, '=');
    return !sei_file_exists(word) && equals != NULL ? equals + 1 : word;
}

/* What the input is: --as, or what the file says; images without angles are taken for a series, whose reader asks for them. */
static sei_status content_of(const convert_words *words, sei_content *content) {
    sei_file_info info = {0};
    if (words->as != NULL) {
        *content = words->as[0] == 's' ? SEI_CONTENT_SERIES : words->as[0] == 'v' ? SEI_CONTENT_VOLUME : SEI_CONTENT_LABELS;
        return SEI_OK;
    }
    *content = SEI_CONTENT_SERIES;
    if (words->files.count > 1 || words->common.angles != NULL) return SEI_OK;
    const char *path = file_of(words->files.names[0]);
    if (words->common.allow_truncated) return SEI_OK; /* only a series can lack its end */
    const sei_status status = sei_io_probe(path, &info);
    if (status != SEI_OK) return status;
    if (info.content == SEI_CONTENT_VOLUME || info.content == SEI_CONTENT_LABELS) *content = info.content;
    const bool angles = info.content == SEI_CONTENT_ANGLES;
    sei_file_info_free(&info);
    return angles ? sei_fail(SEI_ERR_INPUT, "%s: a table of angles has no images to convert", path) : SEI_OK;
}

static sei_status make_provenance(const convert_words *words, bool series, sei_provenance *provenance) {
    sei_status status = SEI_OK;
    snprintf(provenance->stage, sizeof provenance->stage, "convert");
    for (size_t i = 0; i < words->files.count && !series; ++i) /* a series' reader adds its files and those beside them */
        SEI_TRY(sei_io_provenance_add_input(provenance, file_of(words->files.names[i])));
    if (!isnan(words->common.pixel_nm)) SEI_TRY(sei_provenance_set(provenance, "pixel_nm", "%.17g", words->common.pixel_nm));
    if (!isnan(words->common.axis_deg)) SEI_TRY(sei_provenance_set(provenance, "axis_deg", "%.17g", words->common.axis_deg));
    if (!isnan(words->common.axis_offset_px))
        SEI_TRY(sei_provenance_set(provenance, "axis_offset_px", "%.17g", words->common.axis_offset_px));
    SEI_TRY(sei_provenance_set(provenance, "invert_tilt", "%s", words->common.invert_tilt ? "yes" : "no"));
    SEI_TRY(sei_provenance_set(provenance, "flip_y", "%s", words->common.flip_y ? "yes" : "no"));
done:
    return status;
}

static json_t *summary_of(const char *content, const char *output, int64_t nx, int64_t ny, int64_t nz, double edge_nm) {
    json_t *summary = json_object();
    json_object_set_new(summary, "content", json_string(content));
    json_object_set_new(summary, "output", json_string(output));
    json_object_set_new(summary, "nx", json_integer(nx));
    json_object_set_new(summary, "ny", json_integer(ny));
    json_object_set_new(summary, "nz", json_integer(nz));
    json_object_set_new(summary, "pixel", sei_cli_number(edge_nm, "nm", NAN));
    return summary;
}

static sei_status convert_series(const convert_words *words, sei_provenance *provenance) {
    const sei_common *common = &words->common;
    sei_read_options options;
    sei_series series = {0};
    sei_cli_read_options(common, words->files.count, words->files.names, &options);
    options.inputs = provenance;
    sei_status status = sei_io_read_series(&options, &series);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_cli_check_series_outputs(&words->common, &words->files, common->output, &series));
    SEI_TRY(sei_io_write_series(common->output, &series, provenance, common->force));
    json_t *summary = summary_of("tilt series", common->output, series.nx, series.ny, series.n_tilts, series.pixel_nm);
    json_t *channels = json_array();
    for (size_t c = 0; c < series.n_channels; ++c) json_array_append_new(channels, json_string(series.channels[c].name));
    json_object_set_new(summary, "channels", channels);
    status = sei_cli_print_json(common, summary);
    sei_info("%lld images of %lld x %lld, %zu channel(s) written to %s", (long long)series.n_tilts, (long long)series.nx,
             (long long)series.ny, series.n_channels, common->output);
done:
    sei_series_free(&series);
    return status;
}

static sei_status convert_volumes(const convert_words *words, const sei_provenance *provenance) {
    const sei_common *common = &words->common;
    sei_volume *volumes = NULL;
    size_t n = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_io_read_volumes_sized(words->files.names[0], common->pixel_nm, &volumes, &n));
    SEI_TRY(sei_io_write_volumes(common->output, n, volumes, provenance, common->force));
    json_t *summary = summary_of("volume", common->output, volumes[0].nx, volumes[0].ny, volumes[0].nz, volumes[0].voxel_nm);
    json_t *channels = json_array();
    for (size_t i = 0; i < n; ++i) json_array_append_new(channels, json_string(volumes[i].name));
    json_object_set_new(summary, "channels", channels);
    status = sei_cli_print_json(common, summary);
    sei_info("%zu volume(s) written to %s", n, common->output);
done:
    sei_volumes_free(volumes, n);
    return status;
}

static sei_status convert_labels(const convert_words *words, const sei_provenance *provenance) {
    const sei_common *common = &words->common;
    sei_labels labels = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_io_read_labels(words->files.names[0], &labels));
    SEI_TRY(sei_io_write_labels(common->output, &labels, provenance, common->force));
    SEI_TRY(sei_cli_print_json(common, summary_of("labels", common->output, labels.nx, labels.ny, labels.nz, labels.voxel_nm)));
    sei_info("labels with %zu classes written to %s", labels.n_classes, common->output);
done:
    sei_labels_free(&labels);
    return status;
}

/* Every value is held once as float32 and written as large at most. */
static sei_status say_plan(const convert_words *words) {
    double bytes = 0;
    for (size_t i = 0; i < words->files.count; ++i) {
        sei_file_info info = {0};
        const sei_status status = sei_io_probe(file_of(words->files.names[i]), &info);
        if (status != SEI_OK) return status;
        bytes += 4.0 * (double)info.nx * (double)info.ny * (double)info.nz * (double)(info.n_channels > 0 ? info.n_channels : 1);
        sei_file_info_free(&info);
    }
    return sei_cli_say_plan(&words->common, bytes, bytes);
}

sei_status sei_cmd_convert(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"as", KEY_AS, "KIND", 0, "what IN holds, where it does not say: series, volume or labels", 1}, {0}};
    static const struct argp argp = {
        options,
        parse,
        "IN... OUT",
        "Writes a tilt series, volumes or labels in another format, chosen by OUT's extension: .mrc, .tif, .emd or .h5. "
        "Several IN (PATH or NAME=PATH) become the channels of one series; several channels become NAME_<channel>.mrc "
        "or .tif. Values, angles, acquisition order, dose, pixel size, names, energy windows and the mask are kept.",
        sei_common_children,
        NULL,
        NULL};
    convert_words words = {0};
    sei_provenance provenance = {0};
    sei_content content = SEI_CONTENT_UNKNOWN;
    sei_status status = sei_cli_begin(&argp, argc, argv, &words, &words.common);
    if (status != SEI_OK) return status;
    /* the folder, before any reading; the writers check every name they will use before they write the first */
    SEI_TRY(sei_file_check_target(words.common.output, true));
    SEI_TRY(sei_cli_check_outputs(&words.common, &words.files, 1, &words.common.output));
    SEI_TRY(content_of(&words, &content));
    if (content != SEI_CONTENT_SERIES && words.files.count > 1) {
        status = sei_fail(SEI_ERR_USAGE, "one volume or label file at a time; %zu were given", words.files.count);
        goto done;
    }
    if (words.common.plan) {
        status = say_plan(&words);
        goto done;
    }
    SEI_TRY(make_provenance(&words, content == SEI_CONTENT_SERIES, &provenance));
    SEI_TRY(content == SEI_CONTENT_SERIES   ? convert_series(&words, &provenance)
            : content == SEI_CONTENT_VOLUME ? convert_volumes(&words, &provenance)
                                            : convert_labels(&words, &provenance));
done:
    sei_provenance_free(&provenance);
    return status;
}
