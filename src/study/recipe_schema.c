/* The keys of a recipe: their types, defaults and ranges. data/recipes/wire.yaml explains each. */
#include "study/recipe_schema.h"

#include <stdint.h>

#include "seitomo/study.h"

static const cyaml_schema_value_t text_entry = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 4096)};
static const cyaml_schema_value_t number_entry = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};

#define TEXT(key, structure, member, low, high) CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, structure, member, low, high)
#define NUMBER(key, structure, member) CYAML_FIELD_FLOAT(key, CYAML_FLAG_DEFAULT, structure, member)
#define WHOLE(key, structure, member) CYAML_FIELD_INT(key, CYAML_FLAG_DEFAULT, structure, member)
#define CHOICE(key, structure, member, list) \
    CYAML_FIELD_ENUM(key, CYAML_FLAG_STRICT, structure, member, list, CYAML_ARRAY_LEN(list))
#define LIST(key, structure, member, entry, low, high) \
    CYAML_FIELD_SEQUENCE_COUNT(key, CYAML_FLAG_POINTER, structure, member, n_##member, entry, low, high)
#define YESNO(key, structure, member) SEI_YAML_BOOL(key, CYAML_FLAG_DEFAULT, structure, member)

static const cyaml_schema_field_t input_fields[] = {TEXT("folder", sei_recipe_input, folder, 0, 4096),
                                                    LIST("files", sei_recipe_input, files, &text_entry, 1, 64),
                                                    LIST("channels", sei_recipe_input, channels, &text_entry, 0, 32),
                                                    TEXT("angles", sei_recipe_input, angles, 0, 4096),
                                                    NUMBER("pixel_nm", sei_recipe_input, pixel_nm),
                                                    TEXT("axis", sei_recipe_input, axis, 0, 32),
                                                    NUMBER("axis_offset_px", sei_recipe_input, axis_offset_px),
                                                    YESNO("invert_tilt", sei_recipe_input, invert_tilt),
                                                    YESNO("flip_y", sei_recipe_input, flip_y),
                                                    YESNO("allow_truncated", sei_recipe_input, allow_truncated),
                                                    LIST("drop_tilts", sei_recipe_input, drop_tilts, &number_entry, 0, 1024),
                                                    CYAML_FIELD_END};

static const cyaml_strval_t normalisations[] = {
    {"none", SEI_NORMALISE_NONE}, {"mean", SEI_NORMALISE_MEAN}, {"median", SEI_NORMALISE_MEDIAN}};
static const cyaml_schema_field_t clean_fields[] = {NUMBER("hot_pixel_sigma", sei_clean_options, hot_pixel_sigma),
                                                    YESNO("dead_lines", sei_clean_options, dead_lines),
                                                    YESNO("repair_non_finite", sei_clean_options, repair_non_finite),
                                                    CHOICE("normalise", sei_clean_options, normalise, normalisations),
                                                    YESNO("normalise_grey_only", sei_clean_options, normalise_grey_only),
                                                    WHOLE("crop_x", sei_clean_options, crop_x),
                                                    WHOLE("crop_y", sei_clean_options, crop_y),
                                                    WHOLE("crop_nx", sei_clean_options, crop_nx),
                                                    WHOLE("crop_ny", sei_clean_options, crop_ny),
                                                    CYAML_FIELD_END};

static const cyaml_strval_t align_methods[] = {{"xcorr", SEI_ALIGN_XCORR}, {"none", SEI_ALIGN_NONE}, {"file", SEI_ALIGN_FILE}};
static const cyaml_strval_t interpolations[] = {{"linear", 1}, {"cubic", 3}};
static const cyaml_schema_field_t align_fields[] = {CHOICE("method", sei_recipe_align, method, align_methods),
                                                    TEXT("shifts", sei_recipe_align, shifts, 0, 4096),
                                                    TEXT("reference", sei_recipe_align, reference, 0, SEI_NAME_LENGTH - 1),
                                                    YESNO("cosine_stretch", sei_recipe_align, cosine_stretch),
                                                    YESNO("find_axis_offset", sei_recipe_align, find_axis_offset),
                                                    NUMBER("taper_px", sei_recipe_align, taper_px),
                                                    NUMBER("low_cutoff", sei_recipe_align, low_cutoff),
                                                    NUMBER("high_cutoff", sei_recipe_align, high_cutoff),
                                                    NUMBER("high_sigma", sei_recipe_align, high_sigma),
                                                    NUMBER("max_shift_px", sei_recipe_align, max_shift_px),
                                                    NUMBER("axis_offset_px", sei_recipe_align, axis_offset_px),
                                                    WHOLE("iterations", sei_recipe_align, iterations),
                                                    CHOICE("interpolation", sei_recipe_align, interpolation, interpolations),
                                                    CYAML_FIELD_END};

static const cyaml_strval_t methods[] = {{"em", SEI_METHOD_EM},
                                         {"sirt", SEI_METHOD_SIRT},
                                         {"sirt-positive", SEI_METHOD_SIRT_POSITIVE},
                                         {"wbp", SEI_METHOD_WBP},
                                         {"osem", SEI_METHOD_OSEM}};
static const cyaml_strval_t stops[] = {{"iterations", SEI_STOP_ITERATIONS}, {"held-out", SEI_STOP_HELD_OUT}};
static const cyaml_strval_t kernels[] = {{"linear", SEI_KERNEL_LINEAR}, {"strip", SEI_KERNEL_STRIP}};
static const cyaml_schema_field_t recon_fields[] = {TEXT("name", sei_recipe_recon, name, 1, 32),
                                                    LIST("channels", sei_recipe_recon, channels, &text_entry, 0, 32),
                                                    CHOICE("method", sei_recipe_recon, method, methods),
                                                    WHOLE("iterations", sei_recipe_recon, iterations),
                                                    CHOICE("kernel", sei_recipe_recon, kernel, kernels),
                                                    WHOLE("bin", sei_recipe_recon, bin),
                                                    LIST("bin_channels", sei_recipe_recon, bin_channels, &text_entry, 0, 32),
                                                    NUMBER("depth_nm", sei_recipe_recon, depth_nm),
                                                    WHOLE("depth_px", sei_recipe_recon, depth_px),
                                                    WHOLE("pad_px", sei_recipe_recon, pad_px),
                                                    NUMBER("relaxation", sei_recipe_recon, relaxation),
                                                    TEXT("filter", sei_recipe_recon, filter, 1, 32),
                                                    NUMBER("filter_cutoff", sei_recipe_recon, filter_cutoff),
                                                    LIST("background", sei_recipe_recon, background, &text_entry, 0, 32),
                                                    WHOLE("subsets", sei_recipe_recon, subsets),
                                                    CHOICE("stop", sei_recipe_recon, stop, stops),
                                                    WHOLE("seed", sei_recipe_recon, seed),
                                                    TEXT("support", sei_recipe_recon, support, 0, 4096),
                                                    LIST("start", sei_recipe_recon, start, &text_entry, 0, 32),
                                                    CYAML_FIELD_END};
static const cyaml_schema_value_t recon_entry = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, sei_recipe_recon, recon_fields)};

static const cyaml_schema_field_t rule_fields[] = {TEXT("channel", sei_recipe_rule, channel, 1, SEI_NAME_LENGTH - 1),
                                                   NUMBER("threshold", sei_recipe_rule, threshold),
                                                   WHOLE("otsu_classes", sei_recipe_rule, otsu_classes),
                                                   WHOLE("otsu_take", sei_recipe_rule, otsu_take),
                                                   NUMBER("smooth_sigma_px", sei_recipe_rule, smooth_sigma_px),
                                                   WHOLE("label", sei_recipe_rule, label),
                                                   TEXT("name", sei_recipe_rule, name, 0, SEI_NAME_LENGTH - 1),
                                                   TEXT("colour", sei_recipe_rule, colour, 0, 7),
                                                   YESNO("may_be_support", sei_recipe_rule, may_be_support),
                                                   CYAML_FIELD_END};
static const cyaml_schema_value_t rule_entry = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, sei_recipe_rule, rule_fields)};
static const cyaml_strval_t grids[] = {{"coarsest", SEI_GRID_COARSEST}, {"finest", SEI_GRID_FINEST}};
static const cyaml_schema_field_t segment_fields[] = {YESNO("enabled", sei_recipe_segment, enabled),
                                                      TEXT("from", sei_recipe_segment, from, 0, 32),
                                                      CHOICE("grid", sei_recipe_segment, grid, grids),
                                                      LIST("rules", sei_recipe_segment, rules, &rule_entry, 0, 32),
                                                      YESNO("wire", sei_recipe_segment, wire),
                                                      WHOLE("min_component_voxels", sei_recipe_segment, min_component_voxels),
                                                      NUMBER("closing_nm", sei_recipe_segment, closing_nm),
                                                      NUMBER("min_void_width_px", sei_recipe_segment, min_void_width_px),
                                                      CYAML_FIELD_END};

static const cyaml_strval_t connectivities[] = {{"6", 6}, {"18", 18}, {"26", 26}};
static const cyaml_schema_field_t measure_fields[] = {CHOICE("connectivity", sei_measure_options, connectivity, connectivities),
                                                      NUMBER("profile_bin_nm", sei_measure_options, profile_bin_nm),
                                                      NUMBER("core_erosion_nm", sei_measure_options, core_erosion_nm),
                                                      CYAML_FIELD_END};

static const cyaml_schema_field_t render_fields[] = {NUMBER("slice_nm", sei_recipe_render, slice_nm),
                                                     LIST("views", sei_recipe_render, views, &number_entry, 0, 64),
                                                     LIST("composite", sei_recipe_render, composite, &text_entry, 0, 16),
                                                     NUMBER("low_percentile", sei_recipe_render, low_percentile),
                                                     NUMBER("high_percentile", sei_recipe_render, high_percentile),
                                                     WHOLE("min_side_px", sei_recipe_render, min_side_px),
                                                     CYAML_FIELD_END};

static const cyaml_schema_field_t fields[] = {
    TEXT("title", sei_recipe, title, 0, 200),
    NUMBER("cycle", sei_recipe, cycle),
    CYAML_FIELD_MAPPING("input", CYAML_FLAG_DEFAULT, sei_recipe, input, input_fields),
    CYAML_FIELD_MAPPING("clean", CYAML_FLAG_DEFAULT, sei_recipe, clean, clean_fields),
    CYAML_FIELD_MAPPING("align", CYAML_FLAG_DEFAULT, sei_recipe, align, align_fields),
    LIST("reconstruct", sei_recipe, reconstruct, &recon_entry, 1, 32),
    CYAML_FIELD_MAPPING("segment", CYAML_FLAG_DEFAULT, sei_recipe, segment, segment_fields),
    CYAML_FIELD_MAPPING("measure", CYAML_FLAG_DEFAULT, sei_recipe, measure, measure_fields),
    CYAML_FIELD_MAPPING("render", CYAML_FLAG_DEFAULT, sei_recipe, render, render_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, sei_recipe, fields)};

static const char defaults[] =
    "title: ''\n"
    "cycle: nan\n"
    "input: {folder: '', files: [], channels: [], angles: '', pixel_nm: nan, axis: '', axis_offset_px: nan,\n"
    "  invert_tilt: false, flip_y: false, allow_truncated: false, drop_tilts: []}\n"
    "clean: {hot_pixel_sigma: 8, dead_lines: true, repair_non_finite: false, normalise: none, normalise_grey_only: true,\n"
    "  crop_x: 0, crop_y: 0, crop_nx: 0, crop_ny: 0}\n"
    "align: {method: xcorr, shifts: '', reference: '', cosine_stretch: true, find_axis_offset: true, taper_px: -1,\n"
    "  low_cutoff: 0.03, high_cutoff: 0.25, high_sigma: 0.05, max_shift_px: 0, axis_offset_px: nan, iterations: 3,\n"
    "  interpolation: linear}\n"
    "reconstruct: [{channels: [], method: em, iterations: 0, kernel: linear, bin: 1, bin_channels: [], depth_nm: nan,\n"
    "  depth_px: 0, pad_px: 0, relaxation: 1, filter: hann, filter_cutoff: 1, background: [],\n"
    "  subsets: 5, stop: iterations, seed: 1, support: '', start: []}]\n"
    "segment: {enabled: true, from: '', grid: coarsest, wire: true, min_component_voxels: 8, closing_nm: 10, min_void_width_px: "
    "2,\n"
    "  rules: [{threshold: nan, otsu_classes: 2, otsu_take: 0, smooth_sigma_px: 0, name: '', colour: '', may_be_support: "
    "false}]}\n"
    "measure: {connectivity: 26, profile_bin_nm: 0, core_erosion_nm: nan}\n"
    "render: {slice_nm: 5, views: [0, 90], composite: [], low_percentile: 0.5, high_percentile: 99.8, min_side_px: 400}\n";

static const sei_yaml_range ranges[] = {{"cycle", 0, 1e9},
                                        {"input.pixel_nm", SEI_PIXEL_NM_LEAST, SEI_PIXEL_NM_MOST},
                                        {"input.axis_offset_px", -1e6, 1e6},
                                        {"input.drop_tilts.*", -90, 90},
                                        {"clean.hot_pixel_sigma", 0, 1e6},
                                        {"clean.crop_x", 0, 1e6},
                                        {"clean.crop_y", 0, 1e6},
                                        {"clean.crop_nx", 0, 1e6},
                                        {"clean.crop_ny", 0, 1e6},
                                        {"align.taper_px", -1, 1e4},
                                        {"align.low_cutoff", 0, 0.5},
                                        {"align.high_cutoff", 0, 1},
                                        {"align.high_sigma", 0, 1},
                                        {"align.max_shift_px", 0, 1e5},
                                        {"align.axis_offset_px", -1e6, 1e6},
                                        {"align.iterations", 1, 100},
                                        {"reconstruct.*.iterations", 0, 100000},
                                        {"reconstruct.*.bin", 1, 64},
                                        {"reconstruct.*.depth_nm", 1e-4, 1e9},
                                        {"reconstruct.*.depth_px", 0, 65536},
                                        {"reconstruct.*.pad_px", 0, 65536},
                                        {"reconstruct.*.relaxation", 1e-6, 2},
                                        {"reconstruct.*.filter_cutoff", 1e-3, 1},
                                        {"reconstruct.*.subsets", 2, 1024},
                                        {"reconstruct.*.seed", 0, 9007199254740992.0},
                                        {"segment.rules.*.otsu_classes", 2, 8},
                                        {"segment.rules.*.otsu_take", 0, 6},
                                        {"segment.rules.*.smooth_sigma_px", 0, 100},
                                        {"segment.rules.*.label", 1, 255},
                                        {"segment.min_component_voxels", 0, 1e9},
                                        {"segment.closing_nm", 0, 1e6},
                                        {"segment.min_void_width_px", 0, 1000},
                                        {"measure.profile_bin_nm", 0, 1e6},
                                        {"measure.core_erosion_nm", 0, 1e6},
                                        {"render.slice_nm", 1e-3, 1e6},
                                        {"render.views.*", -360, 360},
                                        {"render.low_percentile", 0, 100},
                                        {"render.high_percentile", 0, 100},
                                        {"render.min_side_px", 1, 8192}};

const sei_yaml_spec sei_recipe_spec = {
    .what = "recipe", .schema = &schema, .defaults = defaults, .n_ranges = sizeof ranges / sizeof ranges[0], .ranges = ranges};
