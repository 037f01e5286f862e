/*
 * Claims: WBP gives a full-range disc its density with every filter, and is even across the tilt axis whichever projector was
 * chosen. Bins without data draw no edges into it.
 */
#include <stdlib.h>

#include "core/alloc.h"
#include "seitomo/recon.h"
#include "support/body.h"
#include "support/test.h"

static void wbp_gives_a_disc_its_density(void **state) {
    (void)state;
    static const char *const filters[] = {"ramp", "hann", "shepp-logan"};
    const sei_test_ellipse disc = {3, -4, 14, 14, 0, 2.5};
    sei_device *device = sei_test_cpu();
    for (int f = 0; f < 3; ++f) {
        for (int half = 0; half < 2; ++half) { /* 0 .. 179 by 1; -90 .. 90 by 3, both ends there */
            sei_series series = {0};
            sei_volume volume = {0};
            sei_recon_options options;
            double inside = 0, outside = 0, n_inside = 0, n_outside = 0;
            sei_recon_options_default(&options);
            options.method = SEI_METHOD_WBP;
            options.filter = filters[f];
            if (half == 0) sei_test_ellipse_series(1, &disc, 64, 1, 180, 0, 1, &series);
            if (half == 1) sei_test_ellipse_series(1, &disc, 64, 1, 61, -90, 3, &series);
            assert_ok(sei_reconstruct(device, &series, 0, &options, &volume, NULL));
            for (int i = 0; i < 64 * 64; ++i) {
                const double r = hypot(i % 64 - 31.5 - 3, i / 64 - 31.5 + 4);
                inside += r < 11 ? (double)volume.data[i] : 0;
                n_inside += r < 11;
                outside += r > 17 && r < 24 ? (double)volume.data[i] : 0;
                n_outside += r > 17 && r < 24;
            }
            assert_close(inside / n_inside, 2.5, 0.025);
            assert_close(outside / n_outside, 0, 0.025);
            sei_series_free(&series);
            sei_volume_free(&volume);
        }
    }
    sei_device_close(device);
}

/* A centred disc in an odd image: its middle column lands on the centre of a bin at every tilt. */
static void wbp_is_even_across_the_axis(void **state) {
    (void)state;
    enum { N = 65 };
    const sei_test_ellipse disc = {0, 0, 24, 24, 0, 2};
    sei_device *device = sei_test_cpu();
    for (int kernel = 0; kernel < 2; ++kernel) {
        sei_series series = {0};
        sei_volume volume = {0};
        sei_recon_options options;
        sei_recon_options_default(&options);
        options.method = SEI_METHOD_WBP;
        options.kernel = (sei_kernel)kernel;
        options.filter = "ramp";
        sei_test_ellipse_series(1, &disc, N, 1, 90, -90, 2, &series);
        assert_ok(sei_reconstruct(device, &series, 0, &options, &volume, NULL));
        for (int z = -6; z <= 6; ++z) {
            for (int x = -6; x <= 6; ++x) assert_close((double)volume.data[(z + N / 2) * N + x + N / 2], 2, 0.02);
        }
        sei_series_free(&series);
        sei_volume_free(&volume);
    }
    sei_device_close(device);
}

/* Bins without data leave no edge in the ramp's way: dead bins inside the specimen are bridged, the masked side of a field that
 * the specimen goes beyond (as alignment leaves it, another width at every tilt) is continued. */
static void wbp_draws_no_edges_at_masks(void **state) {
    (void)state;
    enum { N = 65, TILTS = 90 };
    static const double most_rms[] = {0.06, 0.2}; /* of densities from 1 to 3; zeros there give 0.64 and 0.54 */
    sei_device *device = sei_test_cpu();
    for (int side = 0; side < 2; ++side) {
        sei_series series = {0};
        sei_volume volume = {0};
        sei_recon_options options;
        const double a = side ? 60 : 5, b = side ? 40 : 5;
        const sei_test_ellipse ellipses[] = {{0, 0, 24, 24, 0, 2}, {0, 0, a, b, 0, 1}};
        float *truth = sei_test_ellipse_slice(2, ellipses, N, N);
        double squares = 0, n = 0;
        sei_recon_options_default(&options);
        options.method = SEI_METHOD_WBP;
        sei_test_ellipse_series(2, ellipses, N, 1, TILTS, -90, 2, &series);
        assert_ok(SEI_NEW(series.valid, TILTS, 1, N));
        for (int i = 0; i < TILTS * N; ++i) {
            const int t = i / N, u = i % N;
            series.valid[i] = side ? u >= 5 + t % 7 : t % 3 != 0 || u < 40 || u >= 44;
            if (!series.valid[i]) series.channels[0].data[i] = NAN;
        }
        assert_ok(sei_reconstruct(device, &series, 0, &options, &volume, NULL));
        for (int i = 0; i < N * N; ++i) {
            if (hypot(i % N - N / 2, i / N - N / 2) > 20) continue;
            squares += pow((double)volume.data[i] - (double)truth[i], 2);
            n += 1;
        }
        assert_true(sqrt(squares / n) < most_rms[side]);
        free(truth);
        sei_series_free(&series);
        sei_volume_free(&volume);
    }
    sei_device_close(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wbp_gives_a_disc_its_density),
        cmocka_unit_test(wbp_is_even_across_the_axis),
        cmocka_unit_test(wbp_draws_no_edges_at_masks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
