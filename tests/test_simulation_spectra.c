/*
 * Claims: a simulation's spectra hold, in every channel's window, what the channel's maps hold, within Poisson error, net and
 * background alike; the spectrum of a tilt is the sum of its pixels'; the same seed gives the same spectra for any number of
 * threads; without pixels the summed spectra have the same mean; what spectra cannot be made of is refused. needs: full
 */
#include <hdf5.h>

#include "core/file.h"
#include "core/threads.h"
#include "seitomo/io.h"
#include "study/simulation_file.h"
#include "support/test.h"

enum { N = 24, TILTS = 3, BINS = 512 };

static const char description[] =
    "image: {nx: 24, ny: 24, nz: 24, pixel_nm: 8, subsamples: 2}\n"
    "tilts: {from: -40, to: 40, step: 40}\n"
    "channels:\n"
    "  - {name: HAADF, kind: haadf}\n"
    "  - {name: Si, kind: eds, counts: 60, peak_to_background: 6}\n"
    "  - {name: C, kind: eds, counts: 20, peak_to_background: 1}\n"
    "materials: [{name: sei}, {name: silicon}]\n"
    "bodies:\n"
    "  - {shape: cylinder, material: sei, centre_nm: [0, 0, 0], half_nm: [70, 0, 70]}\n"
    "  - {shape: cylinder, material: silicon, centre_nm: [0, 0, 0], half_nm: [45, 0, 45]}\n"
    "spectra: {images: yes, bins: 512, step_ev: 5}\n"
    "output: {volumes: no, measures: no, pictures: no}\n";

/* Simulates the description with settings into a folder of the test's. */
static sei_status simulate(const char *text, size_t n_set, const char *const *set, const char *folder) {
    const char *path = sei_test_path("spectra.yaml");
    sei_simulation_file file = {0};
    assert_ok(sei_file_write_text(path, true, text, strlen(text)));
    sei_status status = sei_simulation_file_read(path, n_set, set, &file);
    if (status == SEI_OK) {
        const sei_simulation_output output = {.folder = folder, .overwrite = true};
        status = sei_simulation_run(&file, &output, NULL);
    }
    sei_simulation_file_free(&file);
    return status;
}

static void read_dataset(const char *folder, const char *name, hid_t type, void *to) {
    char *path = NULL;
    assert_ok(sei_path_join(folder, "spectra.emd", &path));
    const hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
    assert_true(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, to) >= 0);
    H5Dclose(dataset);
    H5Fclose(file);
    free(path);
}

static double counts_of(const char *folder, const char *channel, int64_t tilt) {
    char *path = NULL;
    double sum = 0;
    sei_series series = {0};
    sei_read_options options;
    assert_ok(sei_path_join(folder, "series.emd", &path));
    sei_read_options_default(&options);
    options.n_files = 1;
    options.files = (const char *const *)&path;
    assert_ok(sei_io_read_series(&options, &series));
    const sei_channel *map = sei_series_find(&series, channel);
    for (int64_t p = 0; p < N * N; ++p) sum += (double)map->data[tilt * N * N + p];
    sei_series_free(&series);
    free(path);
    return sum;
}

static void windows_hold_what_the_maps_hold(void **state) {
    static uint16_t images[TILTS][N][N][BINS];
    static double summed[TILTS][BINS], alone[TILTS][BINS];
    static const char *const set[] = {"spectra.images=no", "spectra.summed=yes"};
    const sei_energy_axis axis = {.bins = BINS, .first_kev = 0, .step_kev = 0.005};
    const char *folder = sei_test_path("windows");
    const char *other = sei_test_path("summed");
    (void)state;
    assert_ok(simulate(description, 0, NULL, folder));
    assert_ok(simulate(description, 2, set, other));
    read_dataset(folder, "/spectra/images/data", H5T_NATIVE_UINT16, images);
    read_dataset(folder, "/spectra/summed/data", H5T_NATIVE_DOUBLE, summed);
    read_dataset(other, "/spectra/summed/data", H5T_NATIVE_DOUBLE, alone);
    for (int t = 0; t < TILTS; ++t) {
        double total[2] = {0, 0};
        for (int e = 0; e < BINS; ++e) {
            double sum = 0;
            for (int p = 0; p < N * N; ++p) sum += images[t][p / N][p % N][e];
            assert_true(sum == summed[t][e]);
            total[0] += summed[t][e];
            total[1] += alone[t][e];
        }
        assert_close(total[0], total[1], 4.5 * sqrt(total[0] + total[1]));
        const double si = sei_spectrum_window(&axis, summed[t], 1.662, 1.818);
        const double c = sei_spectrum_window(&axis, summed[t], 0.231, 0.321);
        assert_close(si, counts_of(folder, "Si", t), 4.5 * sqrt(2 * si));
        assert_close(c, counts_of(folder, "C", t), 4.5 * sqrt(2 * c));
        assert_true(si > 1000 && c > 500);
    }
}

static void threads_change_nothing(void **state) {
    static uint16_t one[TILTS][N][N][BINS], three[TILTS][N][N][BINS];
    static const char *const seed[] = {"seed=2"};
    const char *folder = sei_test_path("threads");
    (void)state;
    sei_threads_set(1);
    assert_ok(simulate(description, 0, NULL, folder));
    read_dataset(folder, "/spectra/images/data", H5T_NATIVE_UINT16, one);
    sei_threads_set(3);
    assert_ok(simulate(description, 0, NULL, folder));
    read_dataset(folder, "/spectra/images/data", H5T_NATIVE_UINT16, three);
    assert_memory_equal(one, three, sizeof one);
    sei_threads_set(0);
    assert_ok(simulate(description, 1, seed, folder));
    read_dataset(folder, "/spectra/images/data", H5T_NATIVE_UINT16, three);
    assert_memory_not_equal(one, three, sizeof one);
}

static void what_has_no_spectrum_is_refused(void **state) {
    static const char *const overlaps[] = {"channels.1.overlaps=yes"};
    static const char *const twins[] = {"channels.2.element=Si"};
    static const char *const no_lines[] = {"channels.1.kind=haadf", "channels.2.kind=haadf", "channels.1.peak_to_background=0",
                                           "channels.2.peak_to_background=0"};
    static const char *const short_axis[] = {"spectra.bins=100"};
    static const char *const no_element[] = {"spectra.stray=[{element: Qq, share: 0.1}]"};
    const char *folder = sei_test_path("refused");
    (void)state;
    assert_refused(simulate(description, 1, overlaps, folder), SEI_ERR_INPUT, "overlaps");
    assert_refused(simulate(description, 1, twins, folder), SEI_ERR_INPUT, "one element");
    assert_refused(simulate(description, 4, no_lines, folder), SEI_ERR_INPUT, "no channel is of kind eds");
    assert_refused(simulate(description, 1, short_axis, folder), SEI_ERR_INPUT, "holds none of its lines");
    assert_refused(simulate(description, 1, no_element, folder), SEI_ERR_INPUT, "'Qq' is no element");
}

static int clean(void **state) {
    (void)state;
    sei_test_clean();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(windows_hold_what_the_maps_hold),
                                       cmocka_unit_test(threads_change_nothing),
                                       cmocka_unit_test(what_has_no_spectrum_is_refused)};
    if (!sei_atoms_known()) {
        printf("skipped: this build has no xraylib\n");
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, clean);
}
