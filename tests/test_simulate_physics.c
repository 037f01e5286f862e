/*
 * Claims: the holder's shadow takes away what the detectors lose; exit absorption dims a line by what a slab lets through;
 * every backend that is here gives the same bits.
 */
#include "seitomo/simulate.h"
#include "support/test.h"

enum { NX = 48, NY = 20, TILTS = 3 };

static sei_material materials[3] = {{.name = "vacuum", .is_void = true}};
static const sei_body plate = {.shape = SEI_SHAPE_BOX, .half_nm = {4000, 4000, 40}, .material = 1};
static const double tilts[TILTS] = {-40, 0, 40};
static sei_microscope microscope;
static double signal[3 * 2], bremsstrahlung[3];

/* A plate of quartz under Si and O channels; false where elements are not known. */
static bool quartz(sei_simulation *s, sei_signal_channel physics[2]) {
    if (!sei_atoms_known()) {
        print_message("skipped: built without xraylib\n");
        return false;
    }
    sei_microscope_default(&microscope);
    assert_ok(sei_material_by_name("native_oxide", &materials[1]));
    assert_ok(sei_material_by_name("contamination", &materials[2]));
    physics[0] = (sei_signal_channel){.name = "Si", .kind = SEI_SIGNAL_EDS, .atomic_number = 14, .window_kev = {NAN, NAN}};
    physics[1] = (sei_signal_channel){.name = "O", .kind = SEI_SIGNAL_EDS, .atomic_number = 8, .window_kev = {NAN, NAN}};
    for (int c = 0; c < 2; ++c) assert_ok(sei_signal_channel_check(&microscope, &physics[c]));
    assert_ok(sei_signal_coefficients(3, materials, NULL, 2, physics, &microscope, signal));
    assert_ok(sei_signal_bremsstrahlung(3, materials, bremsstrahlung));
    *s = (sei_simulation){.nx = NX,
                          .ny = NY,
                          .nz = 40,
                          .pixel_nm = 4,
                          .subsamples = 1,
                          .beyond = true,
                          .n_channels = 2,
                          .specimen = {.n_materials = 3, .materials = materials, .n_bodies = 1, .bodies = &plate},
                          .signal = signal,
                          .bremsstrahlung = bremsstrahlung,
                          .microscope = &microscope,
                          .experiment = {.n_tilts = TILTS, .tilt_deg = tilts, .dose_e_per_nm2 = 3e6, .seed = 5}};
    for (int c = 0; c < 2; ++c) {
        s->channels[c] = (sei_simulated_channel){.by_dose = true,
                                                 .peak_to_background = c == 0 ? 10 : 3,
                                                 .energy_kev = (physics[c].window_kev[0] + physics[c].window_kev[1]) / 2};

        snprintf(s->channels[c].name, SEI_NAME_LENGTH, "%s", physics[c].name);
    }
    return true;
}

static double counts_of(const sei_simulated *made, int c, int t) {
    double sum = 0;
    for (int i = 0; i < NX * NY; ++i) sum += made->series.channels[c].data[t * NX * NY + i];
    return sum;
}

static void the_holder_and_the_specimen_take_photons_away(void **state) {
    sei_simulation s;
    sei_signal_channel physics[2];
    sei_simulated bright = {0}, dim = {0};
    (void)state;
    if (!quartz(&s, physics)) return;
    for (int c = 0; c < 2; ++c) s.channels[c] = (sei_simulated_channel){.name = "", .energy_kev = s.channels[c].energy_kev};
    assert_ok(sei_simulate(&s, &bright));
    microscope.holder_rim_deg = 20;
    assert_ok(sei_simulate(&s, &dim));
    for (int t = 0; t < TILTS; ++t) {
        const double seen = sei_microscope_visible(&microscope, tilts[t]);
        assert_close(counts_of(&dim, 0, t) / counts_of(&bright, 0, t), seen, 1e-5);
        assert_true(seen < 0.95);
    }
    sei_simulated_free(&dim);
    /* one detector straight above a plate of optical thickness mu*t: the mean of exp(-mu z) is (1 - exp(-mu t))/(mu t) */
    microscope.holder_rim_deg = NAN;
    microscope.n_detectors = 1;
    microscope.detectors[0].elevation_deg = 90;
    s.nz = 20; /* the plate fills the volume: 80 nm */
    s.absorption_nm = 2;
    s.nx = 16;
    s.ny = 8;
    sei_simulated_free(&bright);
    s.experiment.n_tilts = 1;
    s.experiment.tilt_deg = tilts + 1;
    assert_ok(sei_simulate(&s, &dim));
    s.absorption_nm = 0;
    assert_ok(sei_simulate(&s, &bright));
    double mu = 0;
    assert_ok(sei_material_attenuation(&materials[1], s.channels[1].energy_kev, &mu));
    const double want = (1 - exp(-mu * 80)) / (mu * 80);
    const int middle = 4 * 16 + 8;
    assert_close(dim.series.channels[1].data[middle] / bright.series.channels[1].data[middle], want, 2e-3);
    assert_true(want < 0.99);
    sei_simulated_free(&bright);
    sei_simulated_free(&dim);
}

static void every_backend_gives_the_same_bits(void **state) {
    static const char *const names[] = {"cpu", "cuda-emulated", "cuda"};
    static const sei_material plain[] = {{.name = "vacuum", .is_void = true}, {.name = "silicon", .label = 1}};
    static const double given[] = {0, 0, 1, 1};
    const sei_simulation s = {.nx = NX,
                              .ny = NY,
                              .nz = 40,
                              .pixel_nm = 4,
                              .subsamples = 1,
                              .beyond = true,
                              .n_channels = 2,
                              .channels = {{.name = "HAADF", .noise = 0.02}, {.name = "Si", .counts = 8, .background = 0.5}},
                              .specimen = {.n_materials = 2, .materials = plain, .n_bodies = 1, .bodies = &plate},
                              .signal = given,
                              .experiment = {.n_tilts = TILTS, .tilt_deg = tilts, .seed = 5}};
    sei_simulated want = {0};
    sei_simulation other = s;
    const sei_device_options ref = {.name = "ref"};
    (void)state;
    assert_ok(sei_device_open(&ref, &other.device));
    assert_ok(sei_simulate(&other, &want));
    sei_device_close(other.device);
    for (size_t b = 0; b < sizeof names / sizeof names[0]; ++b) {
        const sei_device_options options = {.name = names[b]};
        sei_simulated made = {0};
        if (sei_backend_absence(names[b]) != NULL) continue;
        assert_ok(sei_device_open(&options, &other.device));
        assert_ok(sei_simulate(&other, &made));
        for (int c = 0; c < 2; ++c) {
            assert_memory_equal(made.series.channels[c].data, want.series.channels[c].data, sizeof(float) * NX * NY * TILTS);
        }
        sei_simulated_free(&made);
        sei_device_close(other.device);
        print_message("%s: same bits as ref\n", names[b]);
    }
    sei_simulated_free(&want);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_holder_and_the_specimen_take_photons_away),
                                       cmocka_unit_test(every_backend_gives_the_same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
