/*
 * Claims: a simulation file becomes the simulation it describes; overrides work; unknown materials, a wrong number of
 * signals and tilts that do not fit their step are refused with file, key and remedy, and leave no folder behind; names tell
 * labels, those of voids, too; a grown wire goes on beyond the field, so that no image which drifts, is blurred or turned shows
 * its end, and its truth is that of the volume.
 *
 * needs: full
 */
#include "core/file.h"
#include "study/simulation_file.h"
#include "support/test.h"

static const char good[] =
    "image: {nx: 16, ny: 8, nz: 16, pixel_nm: 2.5}\n"
    "tilts: {from: -10, to: 10, step: 5}\n"
    "channels:\n  - {name: HAADF}\n  - {name: Si, counts: 12}\n"
    "materials:\n  - {name: silicon, label: 1, signal: [1, 2]}\n"
    "bodies:\n  - {shape: ellipsoid, material: silicon, centre_nm: [1, 2, 3], half_nm: [4, 5, 6], rotation_deg: 30}\n";

static sei_status read_text(const char *text, size_t n_set, const char *const *set, sei_simulation_file *file) {
    const char *path = sei_test_path("simulation.yaml");
    assert_ok(sei_file_write_text(path, true, text, strlen(text)));
    return sei_simulation_file_read(path, n_set, set, file);
}

static void a_file_becomes_its_simulation(void **state) {
    static const char *const set[] = {"seed=9", "experiment.drift_px=3.5"};
    sei_simulation_file file = {0};
    (void)state;
    assert_ok(read_text(good, 2, set, &file));
    assert_int_equal(file.simulation.experiment.n_tilts, 5);
    assert_close(file.tilt_deg[4], 10, 0);
    assert_int_equal(file.simulation.experiment.seed, 9);
    assert_close(file.simulation.experiment.drift_px, 3.5, 0);
    assert_close(file.simulation.channels[1].counts, 12, 0);
    assert_string_equal(file.simulation.channels[1].name, "Si");
    assert_int_equal(file.bodies[0].shape, SEI_SHAPE_ELLIPSOID);
    assert_close(file.bodies[0].centre_nm[2], 3, 0);
    assert_int_equal(file.bodies[0].material, 1);
    assert_string_equal(file.materials[1].name, "silicon");
    assert_close(file.signal[1 * 2 + 1], 2, 0);
    assert_int_equal(file.materials[1].label, 1);
    assert_false(file.materials[1].is_void);
    sei_simulation_file_free(&file);
}

static void a_grown_wire_shows_no_end(void **state) {
    static const char wire[] =
        "image: {nx: 48, ny: 24, nz: 40, pixel_nm: 2}\n"
        "tilts: {from: -60, to: 60, step: 30}\n"
        "channels:\n  - {name: HAADF}\n"
        "materials:\n  - {name: silicon, label: 1, signal: [1]}\n  - {name: closed_void, label: 3, density_g_cm3: 0}\n"
        "  - {name: open_void, label: 4, density_g_cm3: 0}\n"
        "specimen:\n  wire: {radius_nm: 16}\n  oversample: 4\n"
        "experiment: {drift_px: 5, drift_in_tilt_px: 1, blur_nm: 2}\n";
    static const char *const axes[] = {"experiment.axis_deg=0", "experiment.axis_deg=-20"};
    (void)state;
    for (int a = 0; a < 2; ++a) {
        sei_simulation_file file = {0};
        sei_simulated made = {0};
        sei_numbers truth = {0};
        double most_px = 0;
        assert_ok(read_text(wire, 1, axes + a, &file));
        assert_ok(sei_simulation_file_prepare(&file));
        const sei_simulation *s = &file.simulation;
        assert_int_equal(s->specimen.ny, 4 * s->ny + 2 * s->beyond_rows);
        assert_ok(sei_simulate(s, &made));
        assert_ok(sei_simulate_truth(s, NULL, NULL, NULL, &truth));
        assert_close(sei_numbers_find(&truth, "si_volume")->value / (3.14159265358979 * 16 * 16 * 48), 1, 0.01);
        for (size_t t = 0; t < made.shifts.n_rows; ++t) most_px = fmax(most_px, fabs(sei_table_get(&made.shifts, t, "dy_px")));
        assert_true(most_px > 2);
        for (int64_t row = 0; row < made.series.n_tilts * s->ny; ++row) {
            const double thick_nm2 = 3.14159265358979 * 16 * 16 / cos(a * 20 * 3.14159265358979 / 180);
            double sum = 0;
            for (int64_t x = 0; x < s->nx; ++x) sum += 2 * (double)made.series.channels[0].data[row * s->nx + x];
            assert_close(sum / thick_nm2, 1, 0.02); /* rows at the edges as those in the middle */
        }
        sei_simulated_free(&made);
        sei_numbers_free(&truth);
        sei_simulation_file_free(&file);
    }
}

static void mistakes_are_named(void **state) {
    sei_simulation_file file = {0};
    (void)state;
    const char *const gold[] = {"bodies.0.material=gold"};
    assert_refused(read_text(good, 1, gold, &file), SEI_ERR_INPUT, "unknown material 'gold'");
    const char *const third[] = {"channels.2={name: F}"};
    assert_refused(read_text(good, 1, third, &file), SEI_ERR_INPUT, "2 values for 3 channels");
    const char *const step[] = {"tilts.step=3"};
    assert_refused(read_text(good, 1, step, &file), SEI_ERR_INPUT, "whole number of steps");
    const char *const same[] = {"channels.0.name=si"};
    assert_refused(read_text(good, 1, same, &file), SEI_ERR_INPUT, "'Si' is the name of channels.0, too");
    const char *const below[] = {"channels.0.name=../x"};
    assert_refused(read_text(good, 1, below, &file), SEI_ERR_INPUT, "leave out '/'");
    const char *const labels[] = {"channels.0.name=Labels"};
    assert_refused(read_text(good, 1, labels, &file), SEI_ERR_INPUT, "the file of the true labels");
    /* what several keys say together is told with the line of the first of them that the message names, or the --set */
    char text[sizeof good + 80];
    assert_refused(read_text(good, 1, step, &file), SEI_ERR_INPUT, "--set tilts.step=3: tilts.step: from -10 to 10 deg");
    snprintf(text, sizeof text, "%s%s", good, "experiment:\n  contamination_nm_per_1e6: 2\n");
    assert_refused(read_text(text, 0, NULL, &file), SEI_ERR_INPUT, "simulation.yaml:11: experiment: contamination needs both");
    assert_refused(read_text(good, 1, third, &file), SEI_ERR_INPUT, "simulation.yaml:7: materials.0.signal: 2 values");
    assert_refused(read_text(good, 1, gold, &file), SEI_ERR_INPUT, "--set bodies.0.material=gold: bodies.0.material: unknown");
    const char *const key[] = {"image.pixels=3"};
    assert_int_equal(read_text(good, 1, key, &file), SEI_ERR_USAGE);
}

static void the_dose_is_charge_over_area(void **state) {
    /* 140 pA for 114 s over (512 * 2.134 nm)^2: 8.34e4 e/nm^2 a tilt, 2.09e6 in 25 tilts */
    static const char *const set[] = {"experiment.current_pa=140", "experiment.seconds=114"};
    const sei_simulation_output output = {.folder = sei_test_path("simulated"), .mrc = true, .tiff = true};
    sei_simulation_file file = {0};
    sei_numbers truth = {0};
    char *text = NULL;
    (void)state;
    assert_ok(read_text(good, 2, set, &file));
    assert_ok(sei_simulation_run(&file, &output, &truth));
    assert_close(sei_numbers_find(&truth, "si_volume")->value, 4.0 / 3 * 3.14159265358979 * 4 * 5 * 6, 25);
    assert_ok(sei_file_read_text(sei_test_path("simulated/dose.csv"), 10000, &text, NULL));
    const double field_nm2 = 16 * 8 * 2.5 * 2.5;
    const double want = 140e-12 * 114 / 1.602176634e-19 / field_nm2;
    double tilt = 0, order = 0, current = 0, seconds = 0, dose = 0;
    assert_int_equal(sscanf(strchr(text, '\n'), "%lf,%lf,%lf,%lf,%lf", &tilt, &order, &current, &seconds, &dose), 5);
    assert_close(dose / want, 1, 1e-9);
    free(text);
    assert_refused(sei_simulation_run(&file, &output, NULL), SEI_ERR_ENVIRONMENT, "--force");
    /* one file in the way is enough, and nothing is written before it is seen */
    assert_int_equal(remove(sei_test_path("simulated/series.emd")), 0);
    assert_refused(sei_simulation_run(&file, &output, NULL), SEI_ERR_ENVIRONMENT, "series.json");
    assert_false(sei_file_exists(sei_test_path("simulated/series.emd")));
    /* a refusal leaves no folder behind, and one that was there where it was */
    const sei_simulation_output fresh = {.folder = sei_test_path("simulated_never")};
    file.simulation.faults.dead_rows = 9;
    assert_refused(sei_simulation_run(&file, &fresh, NULL), SEI_ERR_INPUT, "dead rows");
    assert_false(sei_folder_exists(fresh.folder));
    assert_ok(sei_folder_make(fresh.folder));
    assert_refused(sei_simulation_run(&file, &fresh, NULL), SEI_ERR_INPUT, "dead rows");
    assert_true(sei_folder_exists(fresh.folder));
    /* every parameter stands beside the series */
    assert_ok(sei_file_read_text(sei_test_path("simulated/simulation.json"), 10000, &text, NULL));
    assert_non_null(strstr(text, "\"current_pa\""));
    assert_non_null(strstr(text, "\"silicon\""));
    free(text);
    sei_numbers_free(&truth);
    sei_simulation_file_free(&file);
}

/* A pore of a wire counts as a void in the truth because of its name; a name keeps its label with a formula or signal of its own.
 */
static void names_tell_labels(void **state) {
    static const char text[] =
        "image: {nx: 32, ny: 16, nz: 32, pixel_nm: 2}\n"
        "tilts: {from: 0, to: 0, step: 5}\n"
        "channels:\n  - {name: HAADF}\n"
        "materials:\n  - {name: silicon, signal: [1]}\n  - {name: sei, signal: [0.5], formula: LiF, density_g_cm3: 2.6}\n"
        "  - {name: closed_void, signal: [0]}\n  - {name: open_void, density_g_cm3: 0, signal: [0]}\n"
        "  - {name: other, signal: [1]}\n  - {name: silicon, label: 12, signal: [1]}\n"
        "specimen: {wire: {radius_nm: 20}, pores: {count: 3, radius_nm: 4}}\n";
    const uint8_t want[] = {SEI_LABEL_SI, SEI_LABEL_SEI, SEI_LABEL_CLOSED_VOID, SEI_LABEL_OPEN_VOID, SEI_LABEL_FIRST_FREE};
    static const char *const rename[] = {"materials.5.name=germanium"};
    const sei_simulation_output output = {.folder = sei_test_path("named")};
    sei_simulation_file file = {0};
    sei_numbers truth = {0};
    (void)state;
    assert_ok(read_text(text, 1, rename, &file));
    for (size_t m = 0; m < sizeof want; ++m) assert_int_equal(file.materials[m + 1].label, want[m]);
    assert_int_equal(file.materials[6].label, 12);
    assert_ok(sei_simulation_run(&file, &output, &truth));
    assert_close(sei_numbers_find(&truth, "closed_void_count")->value, 3, 0);
    assert_true(sei_numbers_find(&truth, "closed_void_volume")->value > 0);
    sei_numbers_free(&truth);
    sei_simulation_file_free(&file);
    /* a wire without a name for its voids says what to add */
    static const char *const nameless[] = {"materials.5.name=germanium", "materials.3.name=hole"};
    assert_ok(read_text(text, 2, nameless, &file));
    assert_refused(sei_simulation_file_prepare(&file), SEI_ERR_INPUT, "add one called open_void to materials");
    sei_simulation_file_free(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_file_becomes_its_simulation),
                                       cmocka_unit_test(a_grown_wire_shows_no_end), cmocka_unit_test(mistakes_are_named),
                                       cmocka_unit_test(names_tell_labels), cmocka_unit_test(the_dose_is_charge_over_area)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
