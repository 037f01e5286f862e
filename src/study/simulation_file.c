/* A simulation file -> a simulation. */
#include "study/simulation_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "study/yaml.h"

typedef struct channel_entry {
    char *name;
    double counts, background, noise;
} channel_entry;

typedef struct material_entry {
    char *name;
    int label;
    double *signal;
    unsigned n_signal;
} material_entry;

typedef struct body_entry {
    int shape;
    char *material;
    double centre_nm[3], half_nm[3], rotation_deg;
} body_entry;

typedef struct simulation_entry {
    char *title;
    uint64_t seed;
    struct image_entry {
        int nx, ny, nz, subsamples;
        double pixel_nm;
    } image;
    struct tilts_entry {
        double from, to, step;
    } tilts;
    channel_entry *channels;
    unsigned n_channels;
    material_entry *materials;
    unsigned n_materials;
    body_entry *bodies;
    unsigned n_bodies;
    struct experiment_entry {
        double drift_px, axis_offset_px, current_pa, seconds;
        int hot_pixels;
    } experiment;
} simulation_entry;

#define NUMBER(key, structure, member) CYAML_FIELD_FLOAT(key, CYAML_FLAG_DEFAULT, structure, member)
#define WHOLE(key, structure, member) CYAML_FIELD_INT(key, CYAML_FLAG_DEFAULT, structure, member)

static const cyaml_schema_value_t number = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};
static const cyaml_strval_t shapes[] = {
    {"cylinder", SEI_SHAPE_CYLINDER}, {"ellipsoid", SEI_SHAPE_ELLIPSOID}, {"box", SEI_SHAPE_BOX}};
static const cyaml_schema_field_t image_fields[] = {WHOLE("nx", struct image_entry, nx),
                                                    WHOLE("ny", struct image_entry, ny),
                                                    WHOLE("nz", struct image_entry, nz),
                                                    WHOLE("subsamples", struct image_entry, subsamples),
                                                    NUMBER("pixel_nm", struct image_entry, pixel_nm),
                                                    CYAML_FIELD_END};
static const cyaml_schema_field_t tilts_fields[] = {NUMBER("from", struct tilts_entry, from),
                                                    NUMBER("to", struct tilts_entry, to),
                                                    NUMBER("step", struct tilts_entry, step), CYAML_FIELD_END};
static const cyaml_schema_field_t channel_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, channel_entry, name, 1, SEI_NAME_LENGTH - 1),
    NUMBER("counts", channel_entry, counts), NUMBER("background", channel_entry, background),
    NUMBER("noise", channel_entry, noise), CYAML_FIELD_END};
static const cyaml_schema_value_t channel_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, channel_entry, channel_fields)};
static const cyaml_schema_field_t material_fields[] = {
    CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, material_entry, name, 1, SEI_NAME_LENGTH - 1),
    WHOLE("label", material_entry, label),
    CYAML_FIELD_SEQUENCE_COUNT("signal", CYAML_FLAG_POINTER, material_entry, signal, n_signal, &number, 1,
                               SEI_SIMULATE_MAX_CHANNELS),
    CYAML_FIELD_END};
static const cyaml_schema_value_t material_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, material_entry, material_fields)};
static const cyaml_schema_field_t body_fields[] = {
    CYAML_FIELD_ENUM("shape", CYAML_FLAG_STRICT, body_entry, shape, shapes, 3),
    CYAML_FIELD_STRING_PTR("material", CYAML_FLAG_POINTER, body_entry, material, 1, SEI_NAME_LENGTH - 1),
    CYAML_FIELD_SEQUENCE_FIXED("centre_nm", CYAML_FLAG_DEFAULT, body_entry, centre_nm, &number, 3),
    CYAML_FIELD_SEQUENCE_FIXED("half_nm", CYAML_FLAG_DEFAULT, body_entry, half_nm, &number, 3),
    NUMBER("rotation_deg", body_entry, rotation_deg),
    CYAML_FIELD_END};
static const cyaml_schema_value_t body_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, body_entry, body_fields)};
static const cyaml_schema_field_t experiment_fields[] = {
    NUMBER("drift_px", struct experiment_entry, drift_px),     NUMBER("axis_offset_px", struct experiment_entry, axis_offset_px),
    NUMBER("current_pa", struct experiment_entry, current_pa), NUMBER("seconds", struct experiment_entry, seconds),
    WHOLE("hot_pixels", struct experiment_entry, hot_pixels),  CYAML_FIELD_END};
static const cyaml_schema_field_t fields[] = {
    CYAML_FIELD_STRING_PTR("title", CYAML_FLAG_POINTER, simulation_entry, title, 0, SEI_TEXT_LENGTH - 1),
    CYAML_FIELD_UINT("seed", CYAML_FLAG_DEFAULT, simulation_entry, seed),
    CYAML_FIELD_MAPPING("image", CYAML_FLAG_DEFAULT, simulation_entry, image, image_fields),
    CYAML_FIELD_MAPPING("tilts", CYAML_FLAG_DEFAULT, simulation_entry, tilts, tilts_fields),
    CYAML_FIELD_SEQUENCE_COUNT("channels", CYAML_FLAG_POINTER, simulation_entry, channels, n_channels, &channel_value, 1,
                               SEI_SIMULATE_MAX_CHANNELS),
    CYAML_FIELD_SEQUENCE_COUNT("materials", CYAML_FLAG_POINTER, simulation_entry, materials, n_materials, &material_value, 1,
                               SEI_MAX_MATERIALS - 1),
    CYAML_FIELD_SEQUENCE_COUNT("bodies", CYAML_FLAG_POINTER, simulation_entry, bodies, n_bodies, &body_value, 1, 10000),
    CYAML_FIELD_MAPPING("experiment", CYAML_FLAG_DEFAULT, simulation_entry, experiment, experiment_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, simulation_entry, fields)};

static const sei_yaml_range ranges[] = {{"image.nx", 1, 16384},
                                        {"image.ny", 1, 16384},
                                        {"image.nz", 1, 16384},
                                        {"image.subsamples", 1, 32},
                                        {"image.pixel_nm", SEI_PIXEL_NM_LEAST, SEI_PIXEL_NM_MOST},
                                        {"tilts.from", -90, 90},
                                        {"tilts.to", -90, 90},
                                        {"tilts.step", 0.01, 180},
                                        {"channels.*.counts", 0, 1e6},
                                        {"channels.*.background", 0, 1e6},
                                        {"channels.*.noise", 0, 1},
                                        {"materials.*.label", 0, 255},
                                        {"experiment.drift_px", 0, 1000},
                                        {"experiment.axis_offset_px", -1000, 1000},
                                        {"experiment.current_pa", 0, 1e6},
                                        {"experiment.seconds", 0, 1e6},
                                        {"experiment.hot_pixels", 0, 1e6}};

static const sei_yaml_spec spec = {.what = "simulation",
                                   .schema = &schema,
                                   .defaults =
                                       "title: ''\n"
                                       "seed: 1\n"
                                       "image: {subsamples: 4}\n"
                                       "tilts: {from: -60, to: 60, step: 5}\n"
                                       "channels: [{counts: 0, background: 0, noise: 0}]\n"
                                       "bodies: [{rotation_deg: 0}]\n"
                                       "experiment: {drift_px: 0, axis_offset_px: 0, current_pa: 0, seconds: 0, hot_pixels: 0}\n",
                                   .n_ranges = sizeof ranges / sizeof ranges[0],
                                   .ranges = ranges};

static sei_status fill_tilts(const char *path, const struct tilts_entry *tilts, sei_simulation_file *file) {
    const double span = tilts->to - tilts->from;
    const double steps = round(span / tilts->step);
    if (!(span >= 0) || fabs(steps * tilts->step - span) > 1e-6) {
        return sei_fail(SEI_ERR_INPUT,
                        "%s: tilts from %g to %g deg in steps of %g: 'to' must lie a whole number of steps above 'from'", path,
                        tilts->from, tilts->to, tilts->step);
    }
    file->simulation.n_tilts = (int64_t)steps + 1;
    const sei_status status = SEI_NEW(file->tilt_deg, file->simulation.n_tilts, 1, 1);
    if (status != SEI_OK) return status;
    for (int64_t t = 0; t < file->simulation.n_tilts; ++t) file->tilt_deg[t] = tilts->from + (double)t * tilts->step;
    file->simulation.tilt_deg = file->tilt_deg;
    return SEI_OK;
}

/* Index into the specimen's materials, whose first is vacuum; 0 when the file does not define it. */
static int material_of(const simulation_entry *entry, const char *name) {
    for (unsigned m = 0; m < entry->n_materials; ++m) {
        if (strcmp(entry->materials[m].name, name) == 0) return (int)m + 1;
    }
    return 0;
}

static sei_status unknown_material(const char *path, const simulation_entry *entry, unsigned body) {
    char known[400] = "";
    for (unsigned m = 0; m < entry->n_materials; ++m) {
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", m > 0 ? ", " : "", entry->materials[m].name);
    }
    return sei_fail(SEI_ERR_INPUT, "%s: bodies.%u.material: unknown material '%s'; the file defines: %s", path, body,
                    entry->bodies[body].material, known);
}

/* A material without signal in any channel is a void. */
static sei_status fill_materials(const char *path, const simulation_entry *entry, sei_simulation_file *file) {
    const size_t n_channels = entry->n_channels;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(file->materials, entry->n_materials + 1, 1, 1));
    SEI_TRY(SEI_NEW(file->signal, entry->n_materials + 1, entry->n_channels, 1));
    snprintf(file->materials[0].name, SEI_NAME_LENGTH, "vacuum");
    file->materials[0].is_void = true;
    for (unsigned m = 0; m < entry->n_materials; ++m) {
        const material_entry *from = &entry->materials[m];
        sei_material *to = &file->materials[m + 1];
        if (from->n_signal != n_channels) {
            return sei_fail(SEI_ERR_INPUT, "%s: materials.%u.signal: %u values for %zu channels; give one per channel", path, m,
                            from->n_signal, n_channels);
        }
        snprintf(to->name, sizeof to->name, "%s", from->name);
        to->label = (uint8_t)from->label;
        to->is_void = true;
        for (size_t c = 0; c < n_channels; ++c) {
            file->signal[(m + 1) * n_channels + c] = from->signal[c];
            to->is_void = to->is_void && from->signal[c] == 0;
        }
    }
    file->simulation.specimen.n_materials = entry->n_materials + 1;
    file->simulation.specimen.materials = file->materials;
    file->simulation.signal = file->signal;
done:
    return status;
}

static sei_status fill_bodies(const char *path, const simulation_entry *entry, sei_simulation_file *file) {
    const sei_status status = SEI_NEW(file->bodies, entry->n_bodies, 1, 1);
    if (status != SEI_OK) return status;
    for (unsigned b = 0; b < entry->n_bodies; ++b) {
        const body_entry *from = &entry->bodies[b];
        sei_body *body = &file->bodies[b];
        body->material = material_of(entry, from->material);
        if (body->material == 0) return unknown_material(path, entry, b);
        body->shape = (sei_shape)from->shape;
        memcpy(body->centre_nm, from->centre_nm, sizeof body->centre_nm);
        memcpy(body->half_nm, from->half_nm, sizeof body->half_nm);
        body->rotation_deg = from->rotation_deg;
    }
    file->simulation.specimen.n_bodies = entry->n_bodies;
    file->simulation.specimen.bodies = file->bodies;
    return SEI_OK;
}

/* Every channel becomes a file truth_NAME.mrc. */
static sei_status check_names(const char *path, const simulation_entry *entry) {
    for (unsigned c = 0; c < entry->n_channels; ++c) {
        const char *name = entry->channels[c].name;
        if (strchr(name, '/') != NULL) {
            return sei_fail(SEI_ERR_INPUT, "%s: channels.%u.name: '%s' names a file as well; leave out '/'", path, c, name);
        }
        for (unsigned other = 0; other < c; ++other) {
            if (strcasecmp(name, entry->channels[other].name) != 0) continue;
            return sei_fail(SEI_ERR_INPUT, "%s: channels.%u.name: '%s' is the name of channels.%u, too; name them apart", path, c,
                            name, other);
        }
    }
    return SEI_OK;
}

sei_status sei_simulation_file_read(const char *path, size_t n_set, const char *const *set, sei_simulation_file *out) {
    simulation_entry *entry = NULL;
    sei_simulation_file file = {0};
    sei_simulation *s = &file.simulation;
    sei_status status = sei_yaml_load(&spec, path, n_set, set, (void **)&entry, &file.resolved);
    if (status != SEI_OK) return status;
    SEI_TRY(check_names(path, entry));
    snprintf(file.title, sizeof file.title, "%s", entry->title);
    file.current_pa = entry->experiment.current_pa;
    file.seconds = entry->experiment.seconds;
    s->nx = entry->image.nx;
    s->ny = entry->image.ny;
    s->nz = entry->image.nz;
    s->pixel_nm = entry->image.pixel_nm;
    s->subsamples = entry->image.subsamples;
    s->seed = entry->seed;
    s->drift_px = entry->experiment.drift_px;
    s->axis_offset_px = entry->experiment.axis_offset_px;
    s->hot_pixels = entry->experiment.hot_pixels;
    s->n_channels = entry->n_channels;
    for (unsigned c = 0; c < entry->n_channels; ++c) {
        snprintf(s->channel_names[c], SEI_NAME_LENGTH, "%s", entry->channels[c].name);
        s->counts[c] = entry->channels[c].counts;
        s->background[c] = entry->channels[c].background;
        s->noise[c] = entry->channels[c].noise;
    }
    SEI_TRY(fill_tilts(path, &entry->tilts, &file));
    SEI_TRY(fill_materials(path, entry, &file));
    SEI_TRY(fill_bodies(path, entry, &file));
    *out = file;
    memset(&file, 0, sizeof file);
done:
    sei_yaml_free(&spec, entry);
    sei_simulation_file_free(&file);
    return status;
}

void sei_simulation_file_free(sei_simulation_file *file) {
    sei_free(file->tilt_deg);
    sei_free(file->materials);
    sei_free(file->signal);
    sei_free(file->bodies);
    sei_free(file->resolved);
    memset(file, 0, sizeof *file);
}
