/*
 * Claims: a volume's bits do not depend on threads, slab width or memory; cpu agrees with ref; senseless calls are refused with
 * one clear line; running out of memory anywhere is reported and leaks nothing.
 */
#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/recon.h"
#include "support/body.h"
#include "support/sweep.h"
#include "support/test.h"

enum { NX = SEI_TEST_NX, NY = SEI_TEST_NY };

static void threads_slabs_and_memory_leave_no_trace(void **state) {
    static const struct {
        int threads, slices;
        size_t memory;
    } ways[] = {{1, 0, 0}, {2, 3, 0}, {3, 5, 0}, {7, 11, 0}, {2, 0, 160000}, {1, 1, 0}};
    (void)state;
    for (int method = 0; method < 4; ++method) {
        sei_volume first = {0};
        sei_recon_report first_report = {0};
        sei_series series = {0};
        double background[1] = {0.5};
        sei_test_noisy_series(3, &series);
        for (size_t k = 0; k < sizeof ways / sizeof ways[0]; ++k) {
            sei_device *device = NULL;
            sei_volume volume = {0};
            sei_recon_report report = {0};
            sei_recon_options options;
            const sei_device_options wanted = {.name = "cpu", .threads = ways[k].threads};
            sei_threads_set(ways[k].threads);
            assert_ok(sei_device_open(&wanted, &device));
            sei_recon_options_default(&options);
            options.method = (sei_method)method;
            options.iterations = 3;
            options.slab_slices = ways[k].slices;
            options.memory_bytes = ways[k].memory;
            options.background = method == SEI_METHOD_SIRT ? NULL : background;
            options.n_background = method == SEI_METHOD_SIRT ? 0 : 1;
            assert_ok(sei_reconstruct(device, &series, 0, &options, &volume, &report));
            if (ways[k].memory > 0) assert_in_range(report.slab_slices, 1, NY - 1);
            if (k > 0) {
                assert_memory_equal(volume.data, first.data, NX * NX * NY * sizeof(float));
                assert_memory_equal(report.history.cells, first_report.history.cells,
                                    report.history.n_rows * report.history.n_columns * sizeof(double));
                sei_volume_free(&volume);
                sei_recon_report_free(&report);
            } else {
                first = volume;
                first_report = report;
            }
            sei_device_close(device);
        }
        sei_volume_free(&first);
        sei_recon_report_free(&first_report);
        sei_series_free(&series);
    }
    sei_threads_set(1);
}

static void cpu_agrees_with_ref(void **state) {
    (void)state;
    sei_device *devices[2] = {sei_test_cpu(), NULL};
    const sei_device_options wanted = {.name = "ref"};
    assert_ok(sei_device_open(&wanted, &devices[1]));
    for (int method = 0; method < 4; ++method) {
        sei_series series = {0};
        sei_volume volumes[2] = {{0}};
        sei_recon_options options;
        double difference = 0, largest = 0;
        sei_recon_options_default(&options);
        options.method = (sei_method)method;
        sei_test_ellipse_series(2, sei_test_body, 24, 3, 9, -60, 15, &series);
        for (int k = 0; k < 2; ++k) assert_ok(sei_reconstruct(devices[k], &series, 0, &options, &volumes[k], NULL));
        for (int i = 0; i < 24 * 24 * 3; ++i) {
            const double size = fabs((double)volumes[1].data[i]);
            const double off = fabs((double)volumes[0].data[i] - (double)volumes[1].data[i]);
            difference = off > difference ? off : difference;
            largest = size > largest ? size : largest;
        }
        assert_true(difference < 1e-5 * largest); /* 20 iterations of float rounding */
        for (int k = 0; k < 2; ++k) sei_volume_free(&volumes[k]);
        sei_series_free(&series);
    }
    for (int k = 0; k < 2; ++k) sei_device_close(devices[k]);
}

static void senseless_calls_are_refused(void **state) {
    (void)state;
    sei_device *device = sei_test_cpu();
    sei_series series = {0};
    sei_volume volume = {0};
    sei_recon_options o, good;
    const double background[2] = {1, -1};
    const uint8_t support[4] = {1, 1, 1, 1};
    sei_recon_options_default(&good);
    sei_test_ellipse_series(2, sei_test_body, NX, NY, 5, -60, 30, &series);
    float *data = series.channels[0].data;
#define REFUSED(change, status, part)                                                         \
    do {                                                                                      \
        o = good;                                                                             \
        change;                                                                               \
        assert_refused(sei_reconstruct(device, &series, 0, &o, &volume, NULL), status, part); \
    } while (0)
    REFUSED(o.iterations = -1, SEI_ERR_USAGE, "iterations");
    REFUSED(o.method = (sei_method)9, SEI_ERR_USAGE, "method");
    REFUSED(o.kernel = (sei_kernel)9, SEI_ERR_USAGE, "projector");
    REFUSED(o.relaxation = 2.5, SEI_ERR_USAGE, "relaxation");
    REFUSED(o.depth_px = -3, SEI_ERR_USAGE, "depth");
    REFUSED(o.slab_slices = -3, SEI_ERR_USAGE, "slab");
    REFUSED(o.memory_bytes = 1000, SEI_ERR_MEMORY, "one slice needs");
    REFUSED((o.support = support, o.n_support = 4), SEI_ERR_USAGE, "support");
    REFUSED((o.background = background, o.n_background = 2), SEI_ERR_USAGE, "one per tilt (5)");
    REFUSED((o.background = background + 1, o.n_background = 1), SEI_ERR_USAGE, "background of tilt 0");
    REFUSED((o.filter = "cosine", o.method = SEI_METHOD_WBP), SEI_ERR_USAGE, "shepp-logan");
    REFUSED((o.filter_cutoff = 0, o.method = SEI_METHOD_WBP), SEI_ERR_USAGE, "cut-off");
    assert_refused(sei_reconstruct(device, &series, 3, &good, &volume, NULL), SEI_ERR_USAGE, "channel 3 of 1");
    series.axis_deg = 3;
    REFUSED((void)0, SEI_ERR_INPUT, "align");
    series.axis_deg = 0;
    series.tilts[2].tilt_deg = NAN;
    REFUSED((void)0, SEI_ERR_INPUT, "tilt 2");
    series.tilts[2].tilt_deg = 0;
    data[2 * NX * NY + 3 * NX + 4] = NAN;
    REFUSED((void)0, SEI_ERR_INPUT, "tilt 2 (0 degrees), pixel x 4 y 3");
    data[2 * NX * NY + 3 * NX + 4] = 0;
    sei_recon_report report = {0};
    data[0] = -1; /* a little below 0 by subtracted noise: counted, not refused */
    o = good;
    assert_ok(sei_reconstruct(device, &series, 0, &o, &volume, &report));
    assert_int_equal(report.negative_counts, 1);
    sei_recon_report_free(&report);
    sei_volume_free(&volume);
    for (int i = 0; i < 5 * NX * NY; ++i) data[i] -= 15;
    REFUSED((void)0, SEI_ERR_INPUT, "EM needs counts");
    sei_method method;
    assert_refused(sei_method_from_name("art", &method), SEI_ERR_USAGE, "sirt-positive");
    assert_ok(sei_method_from_name("sirt-positive", &method));
    assert_int_equal(method, SEI_METHOD_SIRT_POSITIVE);
    sei_kernel kernel;
    assert_refused(sei_kernel_from_name("siddon", &kernel), SEI_ERR_USAGE, "strip");
    assert_null(volume.data);
    sei_series_free(&series);
    sei_device_close(device);
}

typedef struct reconstructed {
    sei_device *device;
    const sei_series *series;
    const sei_recon_options *options;
    sei_volume *volume;
    sei_recon_report *report;
} reconstructed;

static sei_status reconstruct_again(void *context) {
    const reconstructed *r = context;
    return sei_reconstruct(r->device, r->series, 0, r->options, r->volume, r->report);
}

static void no_volume(void *context) {
    assert_null(((const reconstructed *)context)->volume->data);
}

static void running_out_of_memory_is_reported(void **state) {
    (void)state;
    for (int method = 0; method < 4; ++method) {
        sei_device *device = sei_test_cpu();
        sei_series series = {0};
        sei_volume volume = {0};
        sei_recon_report report = {0};
        sei_recon_options options;
        double background[1] = {0.1};
        sei_recon_options_default(&options);
        options.method = (sei_method)method;
        options.iterations = 1;
        options.slab_slices = 2;
        options.background = background;
        options.n_background = 1;
        sei_test_ellipse_series(2, sei_test_body, 8, 3, 3, -60, 60, &series);
        reconstructed r = {device, &series, &options, &volume, &report};
        const sei_test_attempt attempt = {.call = reconstruct_again, .failed = no_volume, .context = &r};
        assert_true(sei_test_every_allocation(&attempt) >= 9);
        sei_recon_report_free(&report);
        sei_volume_free(&volume);
        sei_series_free(&series);
        sei_device_close(device);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_slabs_and_memory_leave_no_trace),
        cmocka_unit_test(cpu_agrees_with_ref),
        cmocka_unit_test(senseless_calls_are_refused),
        cmocka_unit_test(running_out_of_memory_is_reported),
    };
    sei_threads_set(1); /* small problems: threads would only wait for one another */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
