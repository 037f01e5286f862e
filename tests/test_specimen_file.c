/*
 * Claims: a description in a simulation file reaches grow with every number in its place; what is left out is not there;
 * names of materials are found, by the role's own name or the one given, and unknown ones are refused with those there are;
 * truth's numbers are measure's, whatever the empty field around the specimen.
 *
 * needs: full
 */
#include "study/specimen_file.h"
#include "support/test.h"

typedef struct holder {
    sei_specimen_entry *specimen;
} holder;

static const cyaml_schema_field_t fields[] = {
    CYAML_FIELD_MAPPING_PTR("specimen", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, holder, specimen, sei_specimen_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, holder, fields)};
static const sei_yaml_spec spec = {.what = "simulation", .schema = &schema};

static const sei_material materials[] = {{.name = "vacuum"},
                                         {.name = "silicon", .label = 1, .density_g_cm3 = 2.3},
                                         {.name = "sei", .label = 2, .density_g_cm3 = 1.6},
                                         {.name = "SiO2", .label = 10, .density_g_cm3 = 2.2},
                                         {.name = "closed_void", .label = 3},
                                         {.name = "open_void", .label = 4},
                                         {.name = "gold", .label = 11, .density_g_cm3 = 19}};

enum { N = sizeof materials / sizeof materials[0] };

static sei_status fill(const char *text, sei_grow *out) {
    holder *loaded = NULL;
    sei_status status = sei_yaml_load_text(&spec, "wire.yaml", text, strlen(text), 0, NULL, (void **)&loaded, NULL);
    if (status == SEI_OK) status = sei_specimen_fill(loaded->specimen, N, materials, out);
    sei_yaml_free(&spec, loaded);
    return status;
}

static void every_number_finds_its_place(void **state) {
    static const char text[] =
        "specimen:\n"
        "  materials: {oxide: SiO2}\n"
        "  wire: {radius_nm: 1, oval: 2, oval_deg: 3, x_nm: 4, z_nm: 5, wobble: {sd_nm: 6, length_nm: 7}}\n"
        "  roughness: [{sd_nm: 8, length_nm: 9}, {sd_nm: 10, length_nm: 11}]\n"
        "  shell: {thickness_nm: 12, sd_nm: 13, length_nm: 14, lumps: 15, lump_height_nm: 16, lump_width_nm: 17}\n"
        "  oxide_nm: 18\n"
        "  pores: {count: 19, fraction: 20, radius_nm: 21, radius_sd_nm: 22, depth_nm: [23, 24], aspect: 25, irregularity: 26,\n"
        "    lining_nm: 27}\n"
        "  channels: {count: 28, width_nm: 29, depth_nm: 30, depth_sd_nm: 31, lining_nm: 32, filled: 33, tortuosity: 34}\n"
        "  mixture: {si_fraction: 35, si_connectivity: 36, domain_nm: 37, neck_nm: 38, irregularity: 39, gradient: 40}\n"
        "  support: {thickness_nm: 41, gap_nm: 42, width_nm: 43, hole_nm: 44, strand_nm: 45}\n"
        "  spheres: [{radius_nm: 46, material: gold, centre_nm: [47, 48, 49]}, {radius_nm: 50, count: 51, gap_nm: 52, material: "
        "sei}]\n"
        "  bars: {spacings_nm: [53, 54], count: 55, length_nm: 56, along: z, centre_nm: [57, 58, 59], material: gold}\n"
        "  closing_nm: 60\n"
        "  empty_core: yes\n";
    sei_grow d;
    (void)state;
    assert_ok(fill(text, &d));
    const double found[] = {d.radius_nm,
                            d.oval,
                            d.oval_deg,
                            d.centre_nm[0],
                            d.centre_nm[1],
                            d.wobble.sd_nm,
                            d.wobble.length_nm,
                            d.roughness[0].sd_nm,
                            d.roughness[0].length_nm,
                            d.roughness[1].sd_nm,
                            d.roughness[1].length_nm,
                            d.shell_nm,
                            d.shell.sd_nm,
                            d.shell.length_nm,
                            (double)d.lumps,
                            d.lump_height_nm,
                            d.lump_width_nm,
                            d.oxide_nm,
                            (double)d.pores.count,
                            d.pores.fraction,
                            d.pores.radius_nm,
                            d.pores.radius_sd_nm,
                            d.pores.depth_nm[0],
                            d.pores.depth_nm[1],
                            d.pores.aspect,
                            d.pores.irregularity,
                            d.pores.lining_nm,
                            (double)d.channels.count,
                            d.channels.width_nm,
                            d.channels.depth_nm,
                            d.channels.depth_sd_nm,
                            d.channels.lining_nm,
                            d.channels.filled,
                            d.channels.tortuosity,
                            d.mixture.si_fraction,
                            d.mixture.si_connectivity,
                            d.mixture.domain_nm,
                            d.mixture.neck_nm,
                            d.mixture.irregularity,
                            d.mixture.gradient,
                            d.support.thickness_nm,
                            d.support.gap_nm,
                            d.support.width_nm,
                            d.support.hole_nm,
                            d.support.strand_nm,
                            d.spheres[0].radius_nm,
                            d.spheres[0].centre_nm[0],
                            d.spheres[0].centre_nm[1],
                            d.spheres[0].centre_nm[2],
                            d.spheres[1].radius_nm,
                            (double)d.spheres[1].count,
                            d.spheres[1].gap_nm,
                            d.bars.spacing_nm[0],
                            d.bars.spacing_nm[1],
                            (double)d.bars.bars,
                            d.bars.length_nm,
                            d.bars.centre_nm[0],
                            d.bars.centre_nm[1],
                            d.bars.centre_nm[2],
                            d.closing_nm};
    assert_int_equal(sizeof found / sizeof found[0], 60);
    for (int i = 0; i < 60; ++i) {
        if (found[i] != i + 1) fail_msg("value %d is %g", i + 1, found[i]);
    }
    assert_int_equal(d.n_roughness, 2);
    assert_int_equal(d.n_spheres, 2);
    assert_true(d.spheres[0].placed && d.spheres[0].count == 1 && d.spheres[0].material == 6);
    assert_true(!d.spheres[1].placed && d.spheres[1].material == 2);
    assert_true(d.bars.n_spacings == 2 && d.bars.along == 'z' && d.bars.material == 6 && d.empty_core);
    const int roles[SEI_GROW_ROLES] = {1, 2, 3, 4, 5, -1};
    for (int r = 0; r < SEI_GROW_ROLES; ++r) assert_int_equal(d.material[r], roles[r]);
}

static void what_is_left_out_is_not_there(void **state) {
    sei_grow d;
    sei_grown g = {0};
    (void)state;
    assert_ok(fill("specimen: {wire: {radius_nm: 10}}\n", &d));
    assert_true(d.n_roughness == 0 && d.n_spheres == 0 && d.bars.n_spacings == 0 && !d.empty_core);
    assert_ok(sei_grow_specimen(&d, N, materials, 32, 8, 32, 1, 1, &g));
    for (int v = 0; v < 32 * 8 * 32; ++v) assert_true(g.voxels[v] <= 1);
    sei_grown_free(&g);
}

static void mistakes_are_named(void **state) {
    sei_grow d;
    (void)state;
    assert_refused(fill("specimen: {materials: {sei: SEI}, wire: {radius_nm: 10}}\n", &d), SEI_ERR_INPUT,
                   "specimen.materials.sei: unknown material 'SEI'; there are: vacuum, silicon, sei, SiO2");
    assert_refused(fill("specimen: {spheres: [{radius_nm: 3, material: glass}]}\n", &d), SEI_ERR_INPUT,
                   "specimen.spheres.0.material: unknown material 'glass'");
    assert_refused(fill("specimen: {bars: {spacings_nm: [3], length_nm: 5, centre_nm: [0, 0, 0], material: no}}\n", &d),
                   SEI_ERR_INPUT, "specimen.bars.material: unknown material 'no'");
    assert_refused(fill("specimen: {oversample: 9}\n", &d), SEI_ERR_INPUT, "specimen.oversample: 9 is out of range");
    assert_refused(fill("specimen: {shell: {thick_nm: 9}}\n", &d), SEI_ERR_INPUT,
                   "unknown key 'thick_nm'; there are: thickness_nm");
    assert_refused(fill("specimen:\n  spheres:\n    - {material: gold}\n", &d), SEI_ERR_INPUT, "the key 'radius_nm' is missing");
}

static void truth_is_measured_whatever_is_empty(void **state) {
    enum { NX = 61, NY = 24, NZ = 50 };
    sei_labels labels = {0};
    sei_numbers whole = {0}, cut = {0};
    sei_measure_options options;
    (void)state;
    assert_ok(sei_labels_alloc(NX, NY, NZ, 1.5, &labels));
    assert_ok(sei_labels_define_wire(&labels));
    for (int v = 0; v < NX * NY * NZ; ++v) {
        const int x = v % NX - 33, y = v / NX % NY - 12, z = v / NX / NY - 20;
        const int r2 = x * x + z * z;
        labels.data[v] = r2 < 81 ? SEI_LABEL_SI : r2 < 169 ? SEI_LABEL_SEI : SEI_LABEL_OUTSIDE;
        if ((x - 3) * (x - 3) + y * y + z * z < 9) labels.data[v] = SEI_LABEL_CLOSED_VOID;
    }
    sei_measure_options_default(&options);
    assert_ok(sei_measure(&labels, 0, NULL, &options, &whole, NULL));
    assert_ok(sei_numbers_set(&cut, "axis_offset_px", 2, "px", 0));
    assert_ok(sei_truth_measure(&labels, &cut, NULL));
    assert_int_equal(cut.count, whole.count + 1);
    for (size_t i = 0; i < whole.count; ++i) {
        const sei_number *n = sei_numbers_find(&cut, whole.items[i].name);
        assert_non_null(n);
        if (isnan(n->value) && isnan(whole.items[i].value)) continue;
        if (fabs(n->value - whole.items[i].value) > 1e-9 * fabs(n->value)) {
            fail_msg("%s: %.15g cut, %.15g whole", n->name, n->value, whole.items[i].value);
        }
    }
    sei_numbers_free(&whole);
    sei_numbers_free(&cut);
    memset(labels.data, 0, NX * NY * NZ);
    assert_ok(sei_truth_measure(&labels, &cut, NULL)); /* nothing at all: zeros and NaN */
    assert_close(sei_numbers_find(&cut, "si_volume")->value, 0, 0);
    sei_numbers_free(&cut);
    sei_labels_free(&labels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_finds_its_place),
        cmocka_unit_test(what_is_left_out_is_not_there),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(truth_is_measured_whatever_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
