/*
 * Claims: a study of 128 x 128 pixels, 25 tilts and five channels, with its truth, takes less than 3 s; one of 512 x 512 from
 * 512^3 voxels less than 60 s on two cores (SEITOMO_FULL=1). Times are of this process on its own.
 */
#include <time.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/simulate.h"
#include "support/test.h"

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Seconds of processor time of all threads. */
static double work_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A wire of radius 0.3 of the side with a shell to 0.36, and pores on a lattice. */
static uint8_t *wire(int64_t side) {
    uint8_t *voxels = NULL;
    assert_ok(SEI_NEW(voxels, side, side, side));
#pragma omp parallel for num_threads(sei_threads())
    for (int64_t z = 0; z < side; ++z) {
        for (int64_t y = 0; y < side; ++y) {
            for (int64_t x = 0; x < side; ++x) {
                const double dx = ((double)x + 0.5) / (double)side - 0.5, dz = ((double)z + 0.5) / (double)side - 0.5;
                const double r = sqrt(dx * dx + dz * dz);
                const bool pore = x * 12 / side % 3 == 0 && y * 12 / side % 3 == 0 && z * 12 / side % 2 == 0;
                voxels[(z * side + y) * side + x] = r > 0.36 ? 0 : r > 0.3 ? 2 : pore ? 3 : 1;
            }
        }
    }
    return voxels;
}

/* Wall and processor seconds of the series and the truth of every channel. */
static void take(int64_t side, double seconds[2]) {
    static const sei_material materials[] = {{.name = "vacuum", .is_void = true},
                                             {.name = "silicon", .label = SEI_LABEL_SI},
                                             {.name = "sei", .label = SEI_LABEL_SEI},
                                             {.name = "pore", .label = SEI_LABEL_CLOSED_VOID, .is_void = true}};
    static const double signal[4][5] = {{0}, {1, 1, 0, 0, 0}, {0.4, 0, 1, 0.6, 0.5}, {0}};
    double tilts[25];
    for (int t = 0; t < 25; ++t) tilts[t] = -60 + 5 * t;
    uint8_t *voxels = wire(side);
    const sei_simulation s = {
        .nx = side,
        .ny = side,
        .nz = side,
        .pixel_nm = 1,
        .subsamples = 2,
        .n_channels = 5,
        .channels = {{.name = "HAADF", .noise = 0.01},
                     {.name = "Si", .counts = 5, .background = 0.1},
                     {.name = "O", .counts = 3, .background = 0.1},
                     {.name = "F", .counts = 1, .background = 0.3},
                     {.name = "C", .counts = 1, .background = 0.1}},
        .specimen =
            {.n_materials = 4, .materials = materials, .nx = side, .ny = side, .nz = side, .voxel_nm = 1, .voxels = voxels},
        .signal = signal[0],
        .experiment = {.n_tilts = 25, .tilt_deg = tilts, .drift_px = 4, .seed = 1}};
    sei_simulated made = {0};
    sei_labels labels = {0};
    const double start[2] = {now_s(), work_s()};
    assert_ok(sei_simulate(&s, &made));
    const double series_s = now_s() - start[0];
    assert_ok(sei_simulate_truth(&s, made.scale, &labels, NULL, NULL));
    for (size_t c = 0; c < 5; ++c) {
        sei_volume volume = {0};
        assert_ok(sei_simulate_truth_volume(&s, made.scale[c], c, &volume));
        sei_volume_free(&volume);
    }
    seconds[0] = now_s() - start[0];
    seconds[1] = work_s() - start[1];
    print_message("%lld^3: %.2f s, %.2f s of them the series, %.2f s of processor time\n", (long long)side, seconds[0], series_s,
                  seconds[1]);
    sei_labels_free(&labels);
    sei_simulated_free(&made);
    sei_free(voxels);
}

static void a_small_study_takes_less_than_three_seconds(void **state) {
    double seconds[2];
    (void)state;
    take(128, seconds);
    assert_true(seconds[1] < 6); /* of two cores */
}

static void a_whole_one_takes_less_than_a_minute(void **state) {
    double seconds[2];
    (void)state;
    if (getenv("SEITOMO_FULL") == NULL) {
        print_message("skipped: SEITOMO_FULL is not set\n");
        skip();
    }
    sei_threads_set(2);
    take(512, seconds);
    assert_true(seconds[1] < 120); /* two cores for a minute, whoever else uses them */
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_small_study_takes_less_than_three_seconds),
                                       cmocka_unit_test(a_whole_one_takes_less_than_a_minute)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
