/* Every key of a simulation file with its range and default. docs/simulate.md tells what they mean. */
#include "study/simulation_schema.h"

#define NUMBER(key, structure, member) CYAML_FIELD_FLOAT(key, CYAML_FLAG_DEFAULT, structure, member)
#define WHOLE(key, structure, member) CYAML_FIELD_INT(key, CYAML_FLAG_DEFAULT, structure, member)
#define TEXT(key, structure, member, low) \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, structure, member, low, SEI_NAME_LENGTH - 1)
#define CHOICE(key, structure, member, words) \
    CYAML_FIELD_ENUM(key, CYAML_FLAG_STRICT, structure, member, words, sizeof(words) / sizeof((words)[0]))

static const cyaml_schema_value_t number = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};
static const cyaml_strval_t shapes[] = {
    {"cylinder", SEI_SHAPE_CYLINDER}, {"ellipsoid", SEI_SHAPE_ELLIPSOID}, {"box", SEI_SHAPE_BOX}};
static const cyaml_strval_t schemes[] = {{"continuous", SEI_SCHEME_CONTINUOUS},
                                         {"bidirectional", SEI_SCHEME_BIDIRECTIONAL},
                                         {"dose-symmetric", SEI_SCHEME_DOSE_SYMMETRIC}};
static const cyaml_strval_t sides[] = {{"up", 0}, {"down", 1}};
static const cyaml_strval_t types[] = {{"auto", SEI_DTYPE_UNKNOWN}, {"uint8", SEI_DTYPE_U8},   {"int8", SEI_DTYPE_I8},
                                       {"uint16", SEI_DTYPE_U16},   {"int16", SEI_DTYPE_I16},  {"uint32", SEI_DTYPE_U32},
                                       {"int32", SEI_DTYPE_I32},    {"float32", SEI_DTYPE_F32}};

static const cyaml_schema_field_t image_fields[] = {WHOLE("nx", struct sei_image_entry, nx),
                                                    WHOLE("ny", struct sei_image_entry, ny),
                                                    WHOLE("nz", struct sei_image_entry, nz),
                                                    WHOLE("subsamples", struct sei_image_entry, subsamples),
                                                    NUMBER("pixel_nm", struct sei_image_entry, pixel_nm),
                                                    SEI_YAML_BOOL("beyond", CYAML_FLAG_DEFAULT, struct sei_image_entry, beyond),
                                                    CYAML_FIELD_END};
static const cyaml_schema_field_t tilts_fields[] = {
    NUMBER("from", sei_tilts_entry, from),
    NUMBER("to", sei_tilts_entry, to),
    NUMBER("step", sei_tilts_entry, step),
    CHOICE("scheme", sei_tilts_entry, scheme, schemes),
    NUMBER("start", sei_tilts_entry, start),
    CHOICE("first", sei_tilts_entry, down_first, sides),
    WHOLE("group", sei_tilts_entry, group),
    CYAML_FIELD_SEQUENCE_COUNT("missing", CYAML_FLAG_POINTER, sei_tilts_entry, missing, n_missing, &number, 0, 10000),
    WHOLE("missing_count", sei_tilts_entry, missing_count),
    CYAML_FIELD_END};
static const cyaml_schema_field_t channel_fields[] = {TEXT("name", sei_channel_entry, name, 1),
                                                      NUMBER("counts", sei_channel_entry, counts),
                                                      NUMBER("background", sei_channel_entry, background),
                                                      NUMBER("noise", sei_channel_entry, noise),
                                                      NUMBER("readout", sei_channel_entry, readout),
                                                      NUMBER("gain", sei_channel_entry, gain),
                                                      NUMBER("offset", sei_channel_entry, offset),
                                                      CHOICE("stored", sei_channel_entry, stored, types),
                                                      SEI_SIGNAL_CHANNEL_FIELDS(sei_channel_entry, physics),
                                                      CYAML_FIELD_END};
static const cyaml_schema_value_t channel_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, sei_channel_entry, channel_fields)};
static const cyaml_schema_field_t material_fields[] = {
    TEXT("name", sei_material_entry, name, 1), WHOLE("label", sei_material_entry, label),
    CYAML_FIELD_SEQUENCE_COUNT("signal", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sei_material_entry, signal, n_signal, &number,
                               1, SEI_SIMULATE_MAX_CHANNELS),
    SEI_SIGNAL_MATERIAL_FIELDS(sei_material_entry, physics), CYAML_FIELD_END};
static const cyaml_schema_value_t material_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, sei_material_entry, material_fields)};
static const cyaml_schema_field_t body_fields[] = {
    CHOICE("shape", sei_body_entry, shape, shapes),
    TEXT("material", sei_body_entry, material, 1),
    CYAML_FIELD_SEQUENCE_FIXED("centre_nm", CYAML_FLAG_DEFAULT, sei_body_entry, centre_nm, &number, 3),
    CYAML_FIELD_SEQUENCE_FIXED("half_nm", CYAML_FLAG_DEFAULT, sei_body_entry, half_nm, &number, 3),
    NUMBER("rotation_deg", sei_body_entry, rotation_deg),
    CYAML_FIELD_END};
static const cyaml_schema_value_t body_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, sei_body_entry, body_fields)};
static const cyaml_schema_field_t labels_fields[] = {
    CYAML_FIELD_STRING_PTR("file", CYAML_FLAG_POINTER, struct sei_labels_entry, file, 1, 4096),
    CYAML_FIELD_FLOAT("voxel_nm", CYAML_FLAG_OPTIONAL, struct sei_labels_entry, voxel_nm), CYAML_FIELD_END};
static const cyaml_schema_field_t experiment_fields[] = {
    NUMBER("current_pa", sei_experiment_entry, current_pa),
    NUMBER("seconds", sei_experiment_entry, seconds),
    NUMBER("dwell_us", sei_experiment_entry, dwell_us),
    WHOLE("frames", sei_experiment_entry, frames),
    NUMBER("dose_e_per_nm2", sei_experiment_entry, dose_e_per_nm2),
    NUMBER("angle_sd_deg", sei_experiment_entry, angle_sd_deg),
    NUMBER("backlash_deg", sei_experiment_entry, backlash_deg),
    NUMBER("drift_px", sei_experiment_entry, drift_px),
    NUMBER("drift_walk_px", sei_experiment_entry, drift_walk_px),
    CYAML_FIELD_SEQUENCE_FIXED("drift_px_per_s", CYAML_FLAG_DEFAULT, sei_experiment_entry, drift_px_per_s, &number, 2),
    NUMBER("drift_in_tilt_px", sei_experiment_entry, drift_in_tilt_px),
    NUMBER("axis_deg", sei_experiment_entry, axis_deg),
    NUMBER("axis_error_deg", sei_experiment_entry, axis_error_deg),
    NUMBER("axis_offset_px", sei_experiment_entry, axis_offset_px),
    NUMBER("blur_nm", sei_experiment_entry, blur_nm),
    NUMBER("blur_tilt_nm", sei_experiment_entry, blur_tilt_nm),
    TEXT("contaminant", sei_experiment_entry, contaminant, 0),
    NUMBER("contamination_nm_per_1e6", sei_experiment_entry, contamination_nm_per_1e6),
    WHOLE("hot_pixels", sei_experiment_entry, hot_pixels),
    WHOLE("dead_rows", sei_experiment_entry, dead_rows),
    WHOLE("dead_columns", sei_experiment_entry, dead_columns),
    CYAML_FIELD_END};
static const cyaml_schema_field_t output_fields[] = {
    SEI_YAML_BOOL("volumes", CYAML_FLAG_DEFAULT, struct sei_output_entry, volumes),
    SEI_YAML_BOOL("measures", CYAML_FLAG_DEFAULT, struct sei_output_entry, measures),
    SEI_YAML_BOOL("pictures", CYAML_FLAG_DEFAULT, struct sei_output_entry, pictures), CYAML_FIELD_END};
static const cyaml_schema_field_t fields[] = {
    CYAML_FIELD_STRING_PTR("title", CYAML_FLAG_POINTER, sei_simulation_entry, title, 0, SEI_TEXT_LENGTH - 1),
    CYAML_FIELD_UINT("seed", CYAML_FLAG_DEFAULT, sei_simulation_entry, seed),
    CYAML_FIELD_MAPPING("image", CYAML_FLAG_DEFAULT, sei_simulation_entry, image, image_fields),
    CYAML_FIELD_MAPPING("tilts", CYAML_FLAG_DEFAULT, sei_simulation_entry, tilts, tilts_fields),
    CYAML_FIELD_SEQUENCE_COUNT("channels", CYAML_FLAG_POINTER, sei_simulation_entry, channels, n_channels, &channel_value, 1,
                               SEI_SIMULATE_MAX_CHANNELS),
    CYAML_FIELD_SEQUENCE_COUNT("materials", CYAML_FLAG_POINTER, sei_simulation_entry, materials, n_materials, &material_value, 1,
                               SEI_MAX_MATERIALS - 1),
    CYAML_FIELD_SEQUENCE_COUNT("bodies", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sei_simulation_entry, bodies, n_bodies,
                               &body_value, 0, 10000),
    CYAML_FIELD_MAPPING_PTR("specimen", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sei_simulation_entry, specimen,
                            sei_specimen_fields),
    CYAML_FIELD_MAPPING_PTR("labels", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sei_simulation_entry, labels, labels_fields),
    CYAML_FIELD_MAPPING("microscope", CYAML_FLAG_DEFAULT, sei_simulation_entry, microscope, sei_microscope_fields),
    CYAML_FIELD_MAPPING("spectra", CYAML_FLAG_DEFAULT, sei_simulation_entry, spectra, sei_spectra_fields),
    CYAML_FIELD_MAPPING("experiment", CYAML_FLAG_DEFAULT, sei_simulation_entry, experiment, experiment_fields),
    CYAML_FIELD_MAPPING("output", CYAML_FLAG_DEFAULT, sei_simulation_entry, output, output_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, sei_simulation_entry, fields)};

static const sei_yaml_range ranges[] = {{"image.nx", 1, 16384},
                                        {"image.ny", 1, 16384},
                                        {"image.nz", 1, 16384},
                                        {"image.subsamples", 1, 32},
                                        {"image.pixel_nm", SEI_PIXEL_NM_LEAST, SEI_PIXEL_NM_MOST},
                                        {"tilts.from", -90, 90},
                                        {"tilts.to", -90, 90},
                                        {"tilts.step", 0.01, 180},
                                        {"tilts.start", -90, 90},
                                        {"tilts.group", 1, 10000},
                                        {"tilts.missing.*", -90, 90},
                                        {"tilts.missing_count", 0, 10000},
                                        {"channels.*.counts", 0, 1e6},
                                        {"channels.*.background", 0, 1e6},
                                        {"channels.*.noise", 0, 1},
                                        {"channels.*.readout", 0, 1e6},
                                        {"channels.*.gain", 1e-9, 1e9},
                                        {"channels.*.offset", -1e9, 1e9},
                                        {"materials.*.label", -1, 255},
                                        SEI_SIGNAL_CHANNEL_RANGES,
                                        SEI_SIGNAL_MATERIAL_RANGES,
                                        SEI_MICROSCOPE_RANGES,
                                        SEI_SPECTRA_RANGES,
                                        {"labels.voxel_nm", SEI_PIXEL_NM_LEAST, SEI_PIXEL_NM_MOST},
                                        {"experiment.current_pa", 0, 1e6},
                                        {"experiment.seconds", 0, 1e6},
                                        {"experiment.dwell_us", 0, 1e6},
                                        {"experiment.frames", 1, 1e6},
                                        {"experiment.dose_e_per_nm2", 0, 1e12},
                                        {"experiment.angle_sd_deg", 0, 45},
                                        {"experiment.backlash_deg", 0, 45},
                                        {"experiment.drift_px", 0, 1000},
                                        {"experiment.drift_walk_px", 0, 1000},
                                        {"experiment.drift_px_per_s.*", -1000, 1000},
                                        {"experiment.drift_in_tilt_px", 0, 100},
                                        {"experiment.axis_deg", -180, 180},
                                        {"experiment.axis_error_deg", -90, 90},
                                        {"experiment.axis_offset_px", -1000, 1000},
                                        {"experiment.blur_nm", 0, 1000},
                                        {"experiment.blur_tilt_nm", 0, 1000},
                                        {"experiment.contamination_nm_per_1e6", 0, 1000},
                                        {"experiment.hot_pixels", 0, 1e6},
                                        {"experiment.dead_rows", 0, 16384},
                                        {"experiment.dead_columns", 0, 16384}};

const sei_yaml_spec sei_simulation_spec = {
    .what = "simulation",
    .schema = &schema,
    .defaults =
        "title: ''\n"
        "seed: 1\n"
        "image: {subsamples: 4, beyond: no}\n"
        "tilts: {from: -60, to: 60, step: 5, scheme: continuous, start: nan, first: up, group: 1, missing: [],\n"
        "  missing_count: 0}\n"
        "channels: [{counts: 0, background: 0, noise: 0, readout: 0, gain: 1, offset: 0,\n"
        "  stored: auto, " SEI_SIGNAL_CHANNEL_DEFAULTS
        "}]\n"
        "materials: [{label: -1, " SEI_SIGNAL_MATERIAL_DEFAULTS
        "}]\n"
        "bodies: [{rotation_deg: 0}]\n"
        "experiment: {current_pa: 0, seconds: 0, dwell_us: 0, frames: 1, dose_e_per_nm2: 0, angle_sd_deg: 0,\n"
        "  backlash_deg: 0, drift_px: 0, drift_walk_px: 0, drift_px_per_s: [0, 0], drift_in_tilt_px: 0, axis_deg: 0,\n"
        "  axis_error_deg: 0, axis_offset_px: 0, blur_nm: 0, blur_tilt_nm: 0, contaminant: '',\n"
        "  contamination_nm_per_1e6: 0, hot_pixels: 0, dead_rows: 0, dead_columns: 0}\n" SEI_MICROSCOPE_DEFAULTS
            SEI_SPECTRA_DEFAULTS "output: {volumes: yes, measures: yes, pictures: yes}\n",
    .n_ranges = sizeof ranges / sizeof ranges[0],
    .ranges = ranges};
