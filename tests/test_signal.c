/*
 * Claims: densities of atoms in silicon, silica, LiF and copper, line energies and attenuation coefficients are the published
 * ones; ionisation cross-sections keep within the stated error of Bote et al. 2009; known materials are sane, unknown ones,
 * elements and formulas are refused by name; HAADF and EDS coefficients are their equations, with window, overlap and k-factor;
 * lithium is refused with the reason; bremsstrahlung goes as the square of the charge; a detector half hidden by the holder's
 * rim sees half.
 */
#include "seitomo/signal.h"
#include "support/test.h"

static const double pi = 3.14159265358979323846;

static double atoms_of(const char *formula, double density, int atomic_number) {
    sei_material m = {.name = "m", .density_g_cm3 = density};
    double atoms[SEI_MAX_CONSTITUENTS];
    assert_ok(sei_formula_read(formula, m.constituents, &m.n_constituents));
    assert_ok(sei_material_atoms_per_nm3(&m, atoms));
    for (size_t i = 0; i < m.n_constituents; ++i) {
        if (m.constituents[i].atomic_number == atomic_number) return atoms[i];
    }
    fail_msg("%s holds no element %d", formula, atomic_number);
    return 0;
}

static void atoms_per_nm3_are_the_published_ones(void **state) {
    (void)state;
    assert_close(atoms_of("Si", 2.329, 14), 49.94, 0.05);  /* 8 atoms in (0.5431 nm)^3 */
    assert_close(atoms_of("Cu", 8.96, 29), 84.9, 0.2);     /* 4 in (0.3615 nm)^3: 84.7 */
    assert_close(atoms_of("SiO2", 2.196, 14), 22.0, 0.05); /* 2.20e22 molecules per cm3 of silica */
    assert_close(atoms_of("SiO2", 2.196, 8), 44.0, 0.1);
    assert_close(atoms_of("LiF", 2.640, 9), 4 / (0.4026 * 0.4026 * 0.4026), 0.4); /* rock salt, a = 0.4026 nm */
    assert_close(atoms_of("Li2CO3", 2.11, 3) / atoms_of("Li2CO3", 2.11, 6), 2, 1e-12);
    assert_close(atoms_of("(CH2)2", 1, 1) / atoms_of("CH2", 1, 1), 1, 1e-12);
}

static void line_energies_are_the_published_ones(void **state) {
    /* Bearden 1967; the paper's centres for C, O, F, Si */
    static const struct {
        int z;
        sei_family family;
        double kev;
    } published[] = {{6, SEI_FAMILY_K, 0.2774},  {8, SEI_FAMILY_K, 0.5249},  {9, SEI_FAMILY_K, 0.6768},
                     {14, SEI_FAMILY_K, 1.7397}, {15, SEI_FAMILY_K, 2.0137}, {29, SEI_FAMILY_K, 8.041},
                     {26, SEI_FAMILY_K, 6.399},  {24, SEI_FAMILY_L, 0.5728}, {25, SEI_FAMILY_L, 0.6374},
                     {26, SEI_FAMILY_L, 0.7050}, {29, SEI_FAMILY_L, 0.9297}};
    (void)state;
    for (size_t k = 0; k < sizeof published / sizeof published[0]; ++k) {
        sei_line lines[SEI_MAX_LINES];
        size_t count = 0;
        assert_ok(sei_atom_lines(published[k].z, published[k].family, 200, lines, &count));
        assert_true(count > 0);
        assert_close(lines[0].energy_kev, published[k].kev, 0.005);
        for (size_t other = 1; other < count; ++other) assert_true(lines[other].emission_nm2 < lines[0].emission_nm2);
    }
}

static void cross_sections_keep_within_the_stated_error(void **state) {
    /* barn; K, and L2 + L3, from the analytical formula and coefficients of Bote et al. 2009 */
    static const struct {
        int z;
        sei_family family;
        double beam_kev, barn;
    } published[] = {{6, SEI_FAMILY_K, 100, 22545},  {6, SEI_FAMILY_K, 200, 15174},  {8, SEI_FAMILY_K, 200, 7546},
                     {9, SEI_FAMILY_K, 200, 5681},   {14, SEI_FAMILY_K, 100, 2506},  {14, SEI_FAMILY_K, 200, 1745},
                     {14, SEI_FAMILY_K, 300, 1487},  {15, SEI_FAMILY_K, 200, 1450},  {26, SEI_FAMILY_K, 200, 318.5},
                     {29, SEI_FAMILY_K, 200, 234.9}, {24, SEI_FAMILY_L, 200, 22677}, {26, SEI_FAMILY_L, 200, 17789},
                     {29, SEI_FAMILY_L, 200, 12913}};
    (void)state;
    for (size_t k = 0; k < sizeof published / sizeof published[0]; ++k) {
        const bool is_k = published[k].family == SEI_FAMILY_K;
        double a = 0;
        double b = 0;
        assert_ok(sei_atom_ionisation(published[k].z, is_k ? SEI_SUBSHELL_K : SEI_SUBSHELL_L3, published[k].beam_kev, &a));
        if (!is_k) assert_ok(sei_atom_ionisation(published[k].z, SEI_SUBSHELL_L2, published[k].beam_kev, &b));
        const double ratio = (a + b) * 1e10 / published[k].barn;
        if (getenv("SEITOMO_TEST_PRINT") != NULL)
            printf("Z %d, %g keV: ratio %.3f\n", published[k].z, published[k].beam_kev, ratio);
        assert_true(is_k ? ratio > 1.03 && ratio < 1.26 : ratio > 0.95 && ratio < 1.08);
    }
    double below = -1;
    assert_ok(sei_atom_ionisation(29, SEI_SUBSHELL_K, 8.9, &below));
    assert_close(below, 0, 0);
    assert_refused(sei_atom_ionisation(3, SEI_SUBSHELL_L3, 200, &below), SEI_ERR_INPUT, "Li has no inner shell L3");
    assert_refused(sei_atom_ionisation(14, SEI_SUBSHELL_K, 0, &below), SEI_ERR_INPUT, "expected 1 to 1000");
}

static void attenuation_is_the_published_one(void **state) {
    /* Hubbell and Seltzer, NISTIR 5632, at 1 keV, cm2/g */
    static const struct {
        int z;
        double cm2_per_g;
    } published[] = {{6, 2211}, {8, 4590}, {14, 1570}, {29, 10590}};
    double value = 0;
    (void)state;
    for (size_t k = 0; k < sizeof published / sizeof published[0]; ++k) {
        assert_ok(sei_atom_attenuation(published[k].z, 1.0, &value));
        assert_close(value / published[k].cm2_per_g, 1, 0.02);
    }
    sei_material silicon = {0};
    assert_ok(sei_material_by_name("silicon", &silicon));
    assert_ok(sei_material_attenuation(&silicon, 0.5249, &value));
    assert_true(1 / value > 400 &&
                1 / value < 800); /* oxygen's line goes some 570 nm through silicon, so a wire dims it little */
    assert_refused(sei_atom_attenuation(14, 0.054, &value), SEI_ERR_INPUT, "0.054 keV");
}

static void known_materials_are_sane(void **state) {
    (void)state;
    for (size_t i = 0; sei_material_known(i) != NULL; ++i) {
        sei_material m = {0};
        assert_ok(sei_material_by_name(sei_material_known(i), &m));
        assert_ok(sei_material_check(&m));
        assert_string_equal(m.name, sei_material_known(i));
        assert_true(m.is_void == (m.n_constituents == 0));
    }
}

static void what_is_no_material_is_refused(void **state) {
    sei_material m = {0};
    sei_constituent list[SEI_MAX_CONSTITUENTS];
    size_t count = 7;
    int z = 0;
    (void)state;
    assert_refused(sei_material_by_name("unobtainium", &m), SEI_ERR_INPUT, "silicon, amorphous_silicon");
    assert_refused(sei_atom_number("Xx", &z), SEI_ERR_INPUT, "'Xx' is no element");
    assert_refused(sei_formula_read("SiXx2", list, &count), SEI_ERR_INPUT, "no element at character 3");
    assert_refused(sei_formula_read("Si-2", list, &count), SEI_ERR_INPUT, "no element at character 3");
    assert_refused(sei_formula_read("Si0", list, &count), SEI_ERR_INPUT, "above 0");
    assert_refused(sei_formula_read("(SiO2", list, &count), SEI_ERR_INPUT, "missing");
    assert_refused(sei_formula_read("SiO2)", list, &count), SEI_ERR_INPUT, "too many");
    assert_refused(sei_formula_read("", list, &count), SEI_ERR_INPUT, "nothing");
    assert_refused(sei_formula_read("((((((Si))))))", list, &count), SEI_ERR_INPUT, "too deep");
    assert_refused(sei_formula_read("HHeLiBeBCNOF", list, &count), SEI_ERR_INPUT, "9 elements");
    assert_int_equal(count, 7);
    m = (sei_material){.name = "m", .density_g_cm3 = -1, .n_constituents = 1, .constituents = {{14, 1}}};
    assert_refused(sei_material_check(&m), SEI_ERR_INPUT, "density of -1");
    m.density_g_cm3 = 26;
    assert_refused(sei_material_check(&m), SEI_ERR_INPUT, "expected 0 to 25");
    m.density_g_cm3 = NAN;
    assert_refused(sei_material_check(&m), SEI_ERR_INPUT, "density");
    m.density_g_cm3 = 0;
    assert_refused(sei_material_check(&m), SEI_ERR_INPUT, "without a density");
    m.density_g_cm3 = 2;
    m.constituents[0].atoms = 0;
    assert_refused(sei_material_check(&m), SEI_ERR_INPUT, "0 atoms");
    m.constituents[0].atoms = 1;
    m.lost_fraction = 1.5;
    assert_refused(sei_material_check(&m), SEI_ERR_INPUT, "lost_fraction 1.5");
    m.lost_fraction = 0;
    m.n_constituents = 0;
    assert_refused(sei_material_check(&m), SEI_ERR_INPUT, "give a formula");
}

static sei_signal_channel eds(int atomic_number) {
    sei_signal_channel c = {.kind = SEI_SIGNAL_EDS, .atomic_number = atomic_number, .window_kev = {NAN, NAN}};
    snprintf(c.name, sizeof c.name, "%s", sei_atom_symbol(atomic_number));
    return c;
}

static void coefficients_are_their_equations(void **state) {
    sei_material m[2] = {{.label = 0}};
    sei_signal_channel channels[4] = {{.name = "HAADF", .kind = SEI_SIGNAL_HAADF, .exponent = 1.7},
                                      eds(14),
                                      eds(8),
                                      {.name = "mass", .kind = SEI_SIGNAL_GIVEN}};
    const double given[8] = {0, 0, 0, 0.25, 0, 0, 0, 4};
    double got[8];
    double atoms[SEI_MAX_CONSTITUENTS];
    sei_microscope scope;
    (void)state;
    sei_microscope_default(&scope);
    assert_ok(sei_microscope_check(&scope));
    assert_ok(sei_material_by_name("silicon", &m[0]));
    assert_ok(sei_material_by_name("native_oxide", &m[1]));
    for (int c = 0; c < 4; ++c) assert_ok(sei_signal_channel_check(&scope, &channels[c]));
    assert_close(channels[1].window_kev[0], 1.662, 0);
    assert_close(channels[1].window_kev[1], 1.818, 0);
    assert_ok(sei_signal_coefficients(2, m, given, 4, channels, &scope, got));
    assert_ok(sei_material_atoms_per_nm3(&m[1], atoms)); /* O, Si */
    assert_close(got[4] / (atoms[0] * pow(8, 1.7) + atoms[1] * pow(14, 1.7)), 1, 1e-12);
    assert_close(got[3], 0.25, 0);
    assert_close(got[7], 4, 0);
    assert_close(got[2], 0, 0); /* no oxygen in silicon, and no overlap asked for */
    assert_close(got[5] / got[1], atoms[1] / 49.94, 1e-3);
    /* O: one line at 0.5249, sigma from the stated width, erf over the window, layers of 30 nm Al and 50 nm Si */
    double ionisation = 0;
    double efficiency = 0;
    assert_ok(sei_atom_ionisation(8, SEI_SUBSHELL_K, 200, &ionisation));
    assert_ok(sei_microscope_efficiency(&scope, 0.5249, &efficiency));
    assert_close(efficiency, exp(-(5989.4 * 2.70 * 30e-7 + 7549.1 * 2.329 * 50e-7)), 1e-4);
    const double sigma = sqrt(130.0 * 130 + 2.5 * (524.9 - 5898.7)) / 2.35482 / 1000;
    const double inside = 0.5 * (erf((0.587 - 0.5249) / sigma / sqrt(2)) + erf((0.5249 - 0.461) / sigma / sqrt(2)));
    assert_close(got[6] / (atoms[0] * ionisation * 0.006909 * 0.7 / (4 * pi) * efficiency * inside), 1, 2e-4);
    assert_true(inside > 0.9 && inside < 1);
}

static void overlaps_and_k_factors_count_as_they_say(void **state) {
    sei_material m[2] = {{.label = 0},
                         {.name = "manganese", .density_g_cm3 = 7.3, .n_constituents = 1, .constituents = {{25, 1}}}};
    sei_signal_channel channels[4] = {eds(9), eds(9), eds(8), eds(14)};
    double got[8];
    double weight[2];
    sei_microscope scope;
    (void)state;
    sei_microscope_default(&scope);
    channels[1].overlaps = true;
    channels[2].k_factor = 1.4;
    assert_ok(sei_material_by_name("native_oxide", &m[0]));
    for (int c = 0; c < 4; ++c) assert_ok(sei_signal_channel_check(&scope, &channels[c]));
    assert_ok(sei_signal_coefficients(2, m, NULL, 4, channels, &scope, got));
    assert_close(got[4], 0, 0);          /* no fluorine */
    assert_true(got[5] > 0.01 * got[3]); /* manganese's L lines lie in fluorine's window */
    /* Cliff-Lorimer: C_O/C_Si = k I_O/I_Si with mass fractions */
    assert_ok(sei_atom_weight(8, &weight[0]));
    assert_ok(sei_atom_weight(14, &weight[1]));
    assert_close(1.4 * got[2] / got[3], 2 * weight[0] / weight[1], 1e-9);
}

static void channels_that_cannot_be_are_refused(void **state) {
    sei_microscope scope;
    sei_material m = {.name = "paint"};
    sei_signal_channel c = eds(3);
    double got = 0;
    (void)state;
    sei_microscope_default(&scope);
    assert_refused(sei_signal_channel_check(&scope, &c), SEI_ERR_INPUT, "lithium's lies at 0.054 keV");
    c = eds(1);
    assert_refused(sei_signal_channel_check(&scope, &c), SEI_ERR_INPUT, "H emits no K line");
    c = eds(14);
    c.window_kev[0] = 2;
    c.window_kev[1] = 1;
    assert_refused(sei_signal_channel_check(&scope, &c), SEI_ERR_INPUT, "window_kev from 2 to 1");
    c = eds(14);
    c.k_factor = -1;
    assert_refused(sei_signal_channel_check(&scope, &c), SEI_ERR_INPUT, "k_factor");
    c.k_factor = 1;
    c.overlaps = true;
    assert_refused(sei_signal_channel_check(&scope, &c), SEI_ERR_INPUT, "overlaps");
    scope.beam_kev = 5;
    c = eds(29);
    assert_refused(sei_signal_channel_check(&scope, &c), SEI_ERR_INPUT, "5 keV electrons");
    c = (sei_signal_channel){.name = "HAADF", .kind = SEI_SIGNAL_HAADF, .exponent = 17};
    assert_refused(sei_signal_channel_check(&scope, &c), SEI_ERR_INPUT, "exponent 17");
    const double negative = -1;
    c = (sei_signal_channel){.name = "mass"};
    assert_refused(sei_signal_coefficients(1, &m, &negative, 1, &c, &scope, &got), SEI_ERR_INPUT, "'paint': a signal of -1");
    sei_microscope_default(&scope);
    scope.n_detectors = 9;
    assert_refused(sei_microscope_check(&scope), SEI_ERR_INPUT, "n_detectors 9");
}

static void bremsstrahlung_goes_as_the_square_of_the_charge(void **state) {
    sei_material m[3] = {{.label = 0}};
    double weight[3];
    (void)state;
    assert_ok(sei_material_by_name("vacuum", &m[0]));
    assert_ok(sei_material_by_name("silicon", &m[1]));
    assert_ok(sei_material_by_name("LiF", &m[2]));
    assert_ok(sei_signal_bremsstrahlung(3, m, weight));
    assert_close(weight[0], 0, 0);
    assert_close(weight[1], 49.94 * 14 * 14, 10);
    assert_close(weight[2], 61.3 * (3 * 3 + 9 * 9), 40);
}

static void directions_and_shadow_follow_the_tilt(void **state) {
    sei_microscope scope;
    double d[3];
    (void)state;
    sei_microscope_default(&scope);
    assert_close(sei_microscope_visible(&scope, 60), 1, 0); /* no rim, no shadow */
    const sei_eds_detector right = {0, 30, 0.2};
    sei_detector_direction(&right, 0, d);
    assert_close(d[0], cos(pi / 6), 1e-15);
    assert_close(d[2], -0.5, 1e-15);
    /* whatever stands at (x, z) is seen at x cos - z sin: turning back the direction must give the same lab vector */
    for (double tilt = -70; tilt <= 70; tilt += 35) {
        const double t = tilt * pi / 180;
        sei_detector_direction(&right, tilt, d);
        assert_close(d[0] * cos(t) - d[2] * sin(t), cos(pi / 6), 1e-14);
        assert_close(d[0] * sin(t) + d[2] * cos(t), -0.5, 1e-14);
    }
    scope.n_detectors = 1;
    scope.detectors[0] = right;
    scope.holder_rim_deg = 30;
    assert_close(sei_detector_visible(&scope, 0, 0), 0.5, 1e-12); /* centre on the rim */
    assert_close(sei_detector_visible(&scope, 0, -40), 0, 0);     /* tilt that takes the detector under the rim ... */
    assert_close(sei_detector_visible(&scope, 0, 40), 1, 0);      /* ... and over it */
    /* the direction found above: at +tilt the specimen's +x side turns towards +w, away from the source */
    sei_detector_direction(&right, 40, d);
    assert_close(asin(-d[2]) * 180 / pi, 70, 1e-9);
    scope.holder_rim_deg = 22;
    const double half = acos(1 - 0.2 / (2 * pi)) * 180 / pi;
    const double part = 8 / half;
    assert_close(sei_microscope_visible(&scope, 0), 0.5 + (part * sqrt(1 - part * part) + asin(part)) / pi, 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(atoms_per_nm3_are_the_published_ones),
                                       cmocka_unit_test(line_energies_are_the_published_ones),
                                       cmocka_unit_test(cross_sections_keep_within_the_stated_error),
                                       cmocka_unit_test(attenuation_is_the_published_one),
                                       cmocka_unit_test(known_materials_are_sane),
                                       cmocka_unit_test(what_is_no_material_is_refused),
                                       cmocka_unit_test(coefficients_are_their_equations),
                                       cmocka_unit_test(overlaps_and_k_factors_count_as_they_say),
                                       cmocka_unit_test(channels_that_cannot_be_are_refused),
                                       cmocka_unit_test(bremsstrahlung_goes_as_the_square_of_the_charge),
                                       cmocka_unit_test(directions_and_shadow_follow_the_tilt)};
    if (!sei_atoms_known()) {
        printf("skipped: this build has no xraylib\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
