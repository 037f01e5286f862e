/* render: volumes and labels to pictures. Every target is known and checked before anything is drawn. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "seitomo/report.h"

enum {
    KEY_THICKNESS = 0x2000,
    KEY_PLANE,
    KEY_POSITIONS,
    KEY_COMPOSITE,
    KEY_VIEWS,
    KEY_CUT,
    KEY_PROJECTION,
    KEY_LABELS,
    KEY_SCALE_BAR,
    KEY_PERCENTILES
};
enum { MAX_LIST = 360 };

typedef struct number_list {
    size_t count;
    double values[MAX_LIST];
} number_list;

typedef struct settings {
    sei_common common;
    sei_cli_files files;
    sei_picture_options picture;
    const char *labels;
    size_t n_planes;
    sei_plane planes[3];
    number_list positions_nm, views_deg;
    bool composite;
} settings;

static const char *const plane_names[3] = {"xy", "xz", "yz"};

static const struct argp_option options[] = {
    {"thickness-nm", KEY_THICKNESS, "X", 0, "thickness of a slice (default 5)", 1},
    {"plane", KEY_PLANE, "LIST", 0, "xy, xz, yz or several (default xz: across the wire)", 1},
    {"position-nm", KEY_POSITIONS, "LIST", 0, "slice centres from the volume's centre (default 0)", 1},
    {"composite", KEY_COMPOSITE, 0, 0, "all elements over each other, besides the single channels", 1},
    {"views", KEY_VIEWS, "LIST", 0, "3-D views from these angles about y, e.g. 0,30,60,90", 1},
    {"projection", KEY_PROJECTION, "NAME", 0, "of the views: shaded (default), maximum or sum", 1},
    {"cut", KEY_CUT, "FRACTION", 0, "part of a shaded view that is cut open to the axis (default 0.5)", 1},
    {"labels", KEY_LABELS, "FILE", 0, "labels to draw in the same planes", 1},
    {"scale-bar-nm", KEY_SCALE_BAR, "X", 0, "length of the scale bar (default: a round number; negative: none)", 1},
    {"percentiles", KEY_PERCENTILES, "LOW,HIGH", 0, "grey range (default 0.5,99.8)", 1},
    {0}};

static void list_of(const char *option, char *text, number_list *list, struct argp_state *state) {
    char *rest = NULL;
    list->count = 0;
    for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        if (list->count == MAX_LIST) argp_error(state, "%s: more than %d numbers", option, MAX_LIST);
        list->values[list->count++] = sei_cli_number_of(option, word, state);
    }
    if (list->count == 0) argp_error(state, "%s: no number given", option);
}

static void planes_of(char *text, settings *s, struct argp_state *state) {
    char *rest = NULL;
    s->n_planes = 0;
    for (char *word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
        int found = -1;
        for (int p = 0; p < 3; ++p) {
            if (strcmp(word, plane_names[p]) == 0) found = p;
        }
        if (found < 0 || s->n_planes == 3) argp_error(state, "--plane: '%s' is none of xy, xz, yz", word);
        s->planes[s->n_planes++] = (sei_plane)found;
    }
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    settings *s = state->input;
    number_list range = {0};
    switch (key) {
        case ARGP_KEY_INIT: state->child_inputs[0] = &s->common; break;
        case ARGP_KEY_ARG: sei_cli_add_file(&s->files, arg, state); break;
        case ARGP_KEY_END:
            if (s->common.output == NULL) argp_error(state, "no folder for the pictures; give one with -o DIR");
            if (s->files.count == 0 && s->labels == NULL) argp_error(state, "no volume given");
            if (s->files.count == 0 && (s->composite || s->views_deg.count > 0))
                argp_error(state, "composites and views need volumes");
            break;
        case KEY_THICKNESS:
            s->picture.thickness_nm = sei_cli_number_of("--thickness-nm", arg, state);
            if (s->picture.thickness_nm < 0) argp_error(state, "--thickness-nm: %s is below 0", arg);
            break;
        case KEY_PLANE: planes_of(arg, s, state); break;
        case KEY_POSITIONS: list_of("--position-nm", arg, &s->positions_nm, state); break;
        case KEY_COMPOSITE: s->composite = true; break;
        case KEY_VIEWS: list_of("--views", arg, &s->views_deg, state); break;
        case KEY_CUT:
            s->picture.cut_fraction = sei_cli_number_of("--cut", arg, state);
            if (s->picture.cut_fraction < 0 || s->picture.cut_fraction > 1)
                argp_error(state, "--cut: %s is not within 0 and 1", arg);
            break;
        case KEY_PROJECTION:
            if (strcmp(arg, "shaded") == 0)
                s->picture.projection = SEI_PROJECTION_SHADED;
            else if (strcmp(arg, "maximum") == 0)
                s->picture.projection = SEI_PROJECTION_MAXIMUM;
            else if (strcmp(arg, "sum") == 0)
                s->picture.projection = SEI_PROJECTION_SUM;
            else
                argp_error(state, "--projection: '%s' is none of shaded, maximum, sum", arg);
            break;
        case KEY_LABELS: s->labels = arg; break;
        case KEY_SCALE_BAR: s->picture.scale_bar_nm = sei_cli_number_of("--scale-bar-nm", arg, state); break;
        case KEY_PERCENTILES:
            list_of("--percentiles", arg, &range, state);
            if (range.count != 2) argp_error(state, "--percentiles: two numbers, LOW,HIGH");
            s->picture.low_percentile = range.values[0];
            s->picture.high_percentile = range.values[1];
            break;
        default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

typedef enum picture_kind { KIND_SLICE, KIND_SHEET, KIND_COMPOSITE, KIND_LABELS, KIND_VIEW } picture_kind;
static const char *const kind_names[] = {"slice", "sheet", "composite", "labels", "view"};

/* One picture to draw. */
typedef struct job {
    picture_kind kind;
    sei_plane plane;
    double position_nm, view_deg;
    size_t volume;
    size_t first; /* of a sheet: its first slice's job */
    char *path;
} job;

typedef struct work {
    sei_volume *volumes;
    size_t n_volumes;
    sei_volume *elements; /* borrowed copies of the structs: what composites show */
    size_t n_elements;
    sei_labels labels;
    job *jobs;
    size_t n_jobs;
} work;

static void work_free(work *w) {
    sei_volumes_free(w->volumes, w->n_volumes);
    sei_free(w->elements);
    sei_labels_free(&w->labels);
    for (size_t i = 0; i < w->n_jobs; ++i) sei_free(w->jobs[i].path);
    sei_free(w->jobs);
    *w = (work){0};
}

/* Appends one file's volumes; "NAME=PATH" names a file's only one. */
static sei_status read_more(const char *argument, work *w) {
    sei_volume *more = NULL;
    size_t n = 0;
    void *grown = NULL;
    sei_status status = SEI_OK;
    const char *equals = strchr(argument, '='), *slash = strchr(argument, '/');
    if (equals != NULL && (slash == NULL || equals < slash)) {
        SEI_TRY(SEI_NEW(more, 1, 1, 1));
        SEI_TRY(sei_io_read_volume(argument, more));
        n = 1;
    } else {
        SEI_TRY(sei_io_read_volumes(argument, &more, &n));
        if (n == 1 && more[0].name[0] == 0) sei_path_stem(argument, more[0].name, sizeof more[0].name);
    }
    grown = w->volumes;
    SEI_TRY(sei_realloc(&grown, (w->n_volumes + n) * sizeof *w->volumes));
    w->volumes = grown;
    memcpy(w->volumes + w->n_volumes, more, n * sizeof *more);
    w->n_volumes += n;
    sei_free(more);
    return SEI_OK;
done:
    sei_volumes_free(more, n);
    return status;
}

/* What composites and views show: the elements, or everything when there is none. --channels chooses and orders. */
static sei_status choose_elements(const settings *s, work *w) {
    sei_status status = SEI_OK;
    const size_t wanted = s->common.n_channels > 0 ? s->common.n_channels : w->n_volumes;
    SEI_TRY(SEI_NEW(w->elements, (int64_t)wanted, 1, 1));
    for (size_t i = 0; i < s->common.n_channels; ++i) {
        size_t v = 0;
        while (v < w->n_volumes && strcasecmp(w->volumes[v].name, s->common.channels[i]) != 0) ++v;
        if (v == w->n_volumes) return sei_fail(SEI_ERR_INPUT, "--channels: no volume is named '%s'", s->common.channels[i]);
        w->elements[w->n_elements++] = w->volumes[v];
    }
    for (size_t v = 0; v < w->n_volumes && s->common.n_channels == 0; ++v) {
        uint8_t rgb[3];
        sei_channel_colour(w->volumes[v].name, rgb);
        if (rgb[0] != 255 || rgb[1] != 255 || rgb[2] != 255) w->elements[w->n_elements++] = w->volumes[v];
    }
    if (w->n_elements == 0) {
        memcpy(w->elements, w->volumes, w->n_volumes * sizeof *w->volumes);
        w->n_elements = w->n_volumes;
    }
done:
    return status;
}

static sei_status add_job(const settings *s, work *w, job fresh, const char *format, ...) SEI_PRINTF(4, 5) SEI_MUST_CHECK;
static sei_status add_job(const settings *s, work *w, job fresh, const char *format, ...) {
    char name[SEI_TEXT_LENGTH];
    va_list args;
    void *grown = w->jobs;
    sei_status status = SEI_OK;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    SEI_TRY(sei_realloc(&grown, (w->n_jobs + 1) * sizeof *w->jobs));
    w->jobs = grown;
    SEI_TRY(sei_path_join(s->common.output, name, &fresh.path));
    for (size_t i = 0; i < w->n_jobs; ++i) {
        if (strcmp(w->jobs[i].path, fresh.path) != 0) continue;
        status = sei_fail(SEI_ERR_INPUT, "two pictures would be named %s; name the volumes apart with NAME=FILE", name);
        sei_free(fresh.path);
        return status;
    }
    w->jobs[w->n_jobs++] = fresh;
done:
    return status;
}

/* "_+12.5nm" where more than one position is asked for. */
static const char *position_text(const settings *s, double position_nm, char text[48]) {
    char number[32];
    text[0] = 0;
    if (s->positions_nm.count > 1) snprintf(text, 48, "_%snm", sei_format_double(position_nm, number));
    return text;
}

static sei_status plan_slices(const settings *s, work *w, sei_plane plane, double position_nm) {
    const job at = {.plane = plane, .position_nm = position_nm, .first = w->n_jobs};
    const char *name = plane_names[plane];
    char where[48];
    sei_status status = SEI_OK;
    (void)position_text(s, position_nm, where);
    for (size_t v = 0; v < w->n_volumes; ++v) {
        job slice = at;
        char safe[SEI_NAME_LENGTH];
        slice.volume = v;
        sei_safe_name(w->volumes[v].name, safe, sizeof safe);
        SEI_TRY(add_job(s, w, slice, "slice_%s_%s%s.png", safe, name, where));
    }
    job other = at;
    if (w->n_volumes > 1 && w->n_volumes <= 26) {
        other.kind = KIND_SHEET;
        SEI_TRY(add_job(s, w, other, "slices_%s%s.png", name, where));
    }
    if (s->composite) {
        other.kind = KIND_COMPOSITE;
        SEI_TRY(add_job(s, w, other, "composite_%s%s.png", name, where));
    }
    if (s->labels != NULL) {
        other.kind = KIND_LABELS;
        SEI_TRY(add_job(s, w, other, "labels_%s%s.png", name, where));
    }
done:
    return status;
}

static sei_status plan(const settings *s, work *w) {
    sei_status status = SEI_OK;
    for (size_t p = 0; p < s->n_planes; ++p) {
        for (size_t i = 0; i < s->positions_nm.count; ++i) SEI_TRY(plan_slices(s, w, s->planes[p], s->positions_nm.values[i]));
    }
    for (size_t i = 0; i < s->views_deg.count; ++i) {
        char number[32];
        const job view = {.kind = KIND_VIEW, .view_deg = s->views_deg.values[i]};
        SEI_TRY(add_job(s, w, view, "view_%s.png", sei_format_double(view.view_deg, number)));
    }
done:
    return status;
}

static sei_status draw(const settings *s, const work *w, const job *j) {
    sei_picture_options picture = s->picture;
    char title[SEI_TEXT_LENGTH], number[32];
    const bool force = s->common.force;
    picture.plane = j->plane;
    picture.position_nm = j->position_nm;
    picture.title = title;
    const char *plane = plane_names[j->plane];
    switch (j->kind) {
        case KIND_SLICE:
            snprintf(title, sizeof title, "%s, %s, %s nm slice", w->volumes[j->volume].name, plane,
                     sei_format_double(picture.thickness_nm, number));
            return sei_render_slice(j->path, &w->volumes[j->volume], &picture, force);
        case KIND_COMPOSITE:
            snprintf(title, sizeof title, "Composite, %s, %s nm slice", plane, sei_format_double(picture.thickness_nm, number));
            return sei_render_composite(j->path, w->n_elements, w->elements, &picture, force);
        case KIND_LABELS:
            snprintf(title, sizeof title, "Classes, %s", plane);
            return sei_render_labels(j->path, &w->labels, &picture, force);
        case KIND_VIEW:
            snprintf(title, sizeof title, "View from %s\xc2\xb0", sei_format_double(j->view_deg, number));
            return sei_render_projection(j->path, w->n_elements, w->elements, j->view_deg, &picture, force);
        case KIND_SHEET: break;
    }
    const char *slices[26];
    for (size_t v = 0; v < w->n_volumes; ++v) slices[v] = w->jobs[j->first + v].path;
    return sei_render_montage(j->path, w->n_volumes, slices, w->n_volumes <= 3 ? (int)w->n_volumes : 3, force);
}

static sei_status set_numbers(sei_provenance *provenance, const char *key, const number_list *list) {
    sei_text text = {0};
    char number[32];
    sei_status status = sei_text_append(&text, "", 0);
    for (size_t i = 0; i < list->count && status == SEI_OK; ++i) {
        status = sei_text_add(&text, "%s%s", i > 0 ? "," : "", sei_format_double(list->values[i], number));
    }
    if (status == SEI_OK) status = sei_provenance_set(provenance, key, "%s", text.data);
    sei_text_free(&text);
    return status;
}

/* What can change the pictures, beside them as render.json. */
static sei_status write_provenance(const settings *s, const char *path) {
    static const char *const projections[] = {"maximum", "sum", "shaded"};
    sei_provenance provenance = {.stage = "render"};
    char *json = NULL;
    sei_text list = {0};
    sei_status status = SEI_OK;
    for (size_t i = 0; i < s->n_planes; ++i) SEI_TRY(sei_text_add(&list, "%s%s", i > 0 ? "," : "", plane_names[s->planes[i]]));
    SEI_TRY(sei_provenance_set(&provenance, "planes", "%s", list.data));
    SEI_TRY(set_numbers(&provenance, "positions_nm", &s->positions_nm));
    SEI_TRY(set_numbers(&provenance, "views_deg", &s->views_deg));
    SEI_TRY(sei_provenance_set(&provenance, "scale_bar_nm", "%g", s->picture.scale_bar_nm));
    SEI_TRY(sei_provenance_set(&provenance, "thickness_nm", "%g", s->picture.thickness_nm));
    SEI_TRY(sei_provenance_set(&provenance, "percentiles", "%g,%g", s->picture.low_percentile, s->picture.high_percentile));
    SEI_TRY(sei_provenance_set(&provenance, "projection", "%s", projections[s->picture.projection]));
    SEI_TRY(sei_provenance_set(&provenance, "cut", "%g", s->picture.cut_fraction));
    SEI_TRY(sei_provenance_set(&provenance, "composite", "%s", s->composite ? "yes" : "no"));
    if (!isnan(s->common.pixel_nm)) SEI_TRY(sei_provenance_set(&provenance, "pixel_nm", "%.17g", s->common.pixel_nm));
    for (size_t i = 0; i < s->common.n_channels; ++i) {
        char key[32];
        snprintf(key, sizeof key, "channel_%zu", i + 1);
        SEI_TRY(sei_provenance_set(&provenance, key, "%s", s->common.channels[i]));
    }
    for (size_t i = 0; i < s->files.count; ++i) {
        const char *name = s->files.names[i], *equals = strchr(name, '='), *slash = strchr(name, '/');
        SEI_TRY(
            sei_io_provenance_add_input(&provenance, equals != NULL && (slash == NULL || equals < slash) ? equals + 1 : name));
    }
    if (s->labels != NULL) SEI_TRY(sei_io_provenance_add_input(&provenance, s->labels));
    SEI_TRY(sei_io_provenance_json(&provenance, &json));
    SEI_TRY(sei_file_write_text(path, s->common.force, json, strlen(json)));
done:
    sei_text_free(&list);
    sei_free(json);
    sei_provenance_free(&provenance);
    return status;
}

static json_t *summary_of(const work *w) {
    json_t *pictures = json_array();
    for (size_t i = 0; i < w->n_jobs; ++i) {
        const job *j = &w->jobs[i];
        json_t *one = json_pack("{s:s, s:s}", "file", sei_path_base(j->path), "kind", kind_names[j->kind]);
        if (j->kind == KIND_VIEW) {
            json_object_set_new(one, "view", sei_cli_number(j->view_deg, "deg", NAN));
        } else {
            json_object_set_new(one, "plane", json_string(plane_names[j->plane]));
            json_object_set_new(one, "position", sei_cli_number(j->position_nm, "nm", NAN));
        }
        json_array_append_new(pictures, one);
    }
    return json_pack("{s:o}", "pictures", pictures);
}

static sei_status render(const settings *s) {
    work w = {0};
    char *record = NULL;
    sei_status status = SEI_OK;
    for (size_t i = 0; i < s->files.count; ++i) SEI_TRY(read_more(s->files.names[i], &w));
    for (size_t v = 0; v < w.n_volumes && !isnan(s->common.pixel_nm); ++v) w.volumes[v].voxel_nm = s->common.pixel_nm;
    if (s->labels != NULL) SEI_TRY(sei_io_read_labels(s->labels, &w.labels));
    if (w.n_volumes > 0) SEI_TRY(choose_elements(s, &w));
    SEI_TRY(plan(s, &w));
    SEI_TRY(sei_path_join(s->common.output, "render.json", &record));
    if (s->common.plan) {
        for (size_t i = 0; i < w.n_jobs; ++i) sei_info("%s", w.jobs[i].path);
        SEI_TRY(sei_cli_print_json(&s->common, summary_of(&w)));
        goto done;
    }
    SEI_TRY(sei_folder_make(s->common.output));
    for (size_t i = 0; i < w.n_jobs; ++i) SEI_TRY(sei_file_check_target(w.jobs[i].path, s->common.force));
    SEI_TRY(sei_file_check_target(record, s->common.force));
    sei_progress_begin("render", (int64_t)w.n_jobs);
    for (size_t i = 0; i < w.n_jobs && status == SEI_OK; ++i) {
        status = draw(s, &w, &w.jobs[i]);
        if (status == SEI_OK) status = sei_progress_step((int64_t)i + 1);
    }
    sei_progress_end();
    if (status == SEI_OK) status = write_provenance(s, record);
    if (status == SEI_OK) sei_info("%zu pictures in %s", w.n_jobs, s->common.output);
    if (status == SEI_OK) status = sei_cli_print_json(&s->common, summary_of(&w));
done:
    sei_free(record);
    work_free(&w);
    return status;
}

sei_status sei_cmd_render(int argc, char **argv) {
    static const struct argp argp = {
        options,
        parse,
        "VOLUMES...",
        "Draws slices of each volume, composites of all elements, labels and 3-D views as PNG.\v"
        "A volume is a file or NAME=FILE. Composites and views show the elements; --channels chooses others. "
        "Each channel's grey range is the same in all its slices.",
        sei_common_children,
        NULL,
        NULL};
    settings s = {.n_planes = 1, .planes = {SEI_PLANE_XZ}, .positions_nm = {.count = 1}};
    sei_picture_options_default(&s.picture);
    s.picture.projection = SEI_PROJECTION_SHADED;
    s.picture.cut_fraction = 0.5;
    const sei_status status = sei_cli_begin(&argp, argc, argv, &s, &s.common);
    if (status != SEI_OK) return status;
    return render(&s);
}
