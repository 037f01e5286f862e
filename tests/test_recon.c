/*
 * Claims: EM's likelihood never falls and its flux equals the counts in the bins it sees after every iteration; EM models a
 * background better than ignoring it; SIRT starts at 0 and its residual falls; positivity holds; pixels without
 * data carry no weight whatever they hold; the support is kept; scale does not matter; the bits do not depend on threads, slab
 * width or memory; cpu agrees with ref; senseless calls are refused with one clear line; running out of memory anywhere is
 * reported and leaks nothing.
 */
#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/recon.h"
#include "support/ellipses.h"
#include "support/test.h"

enum { NX = 40, NY = 11 };
static const sei_test_ellipse body[] = {{1.5, -2, 13, 9, 20, 1}, {5, 3, 3, 3, 0, 1.5}};

static sei_device *cpu(void) {
    sei_device *device = NULL;
    const sei_device_options wanted = {.name = "cpu", .threads = 1};
    assert_ok(sei_device_open(&wanted, &device));
    return device;
}

/* 21 tilts of +-60 degrees with counting noise: the fraction rounds up with its own probability. */
static void noisy_series(double counts, sei_series *out) {
    sei_test_ellipse_series(2, body, NX, NY, 21, -60, 6, out);
    for (int64_t i = 0; i < out->n_tilts * NX * NY; ++i) {
        const double mean = counts * (double)out->channels[0].data[i],
                     spread = sqrt(mean) * (sei_test_uniform(5, (uint64_t)i) * 3.4 - 1.7);
        out->channels[0].data[i] = (float)fmax(0, floor(mean + spread + sei_test_uniform(6, (uint64_t)i)));
    }
}

/* Root mean square of slice y minus the truth, inside the circle that every tilt sees, divided by the truth's. */
static double error_of(const sei_volume *v, int64_t y, double counts) {
    float *truth = sei_test_ellipse_slice(2, body, v->nx, v->nz);
    double sum = 0, norm = 0;
    const double scale = counts * (1 + (double)y / (double)v->ny);
    for (int64_t z = 0; z < v->nz; ++z) {
        for (int64_t x = 0; x < v->nx; ++x) {
            const double want = scale * (double)truth[z * v->nx + x], got = (double)v->data[(z * v->ny + y) * v->nx + x];
            if (hypot((double)x - 0.5 * (double)(v->nx - 1), (double)z - 0.5 * (double)(v->nz - 1)) > 19) continue;
            sum += (got - want) * (got - want);
            norm += want * want;
        }
    }
    free(truth);
    return sqrt(sum / norm);
}

static void likelihood_never_falls_and_flux_is_kept(void **state) {
    (void)state;
    sei_device *device = cpu();
    for (int kernel = 0; kernel < 2; ++kernel) {
        sei_series series = {0};
        sei_volume volume = {0};
        sei_recon_report report = {0};
        sei_recon_options options;
        sei_recon_options_default(&options);
        options.kernel = (sei_kernel)kernel;
        options.iterations = 60;
        noisy_series(4, &series);
        assert_ok(sei_reconstruct(device, &series, 0, &options, &volume, &report));
        assert_int_equal(report.history.n_rows, 61);
        assert_int_equal(report.n_iterations, 60);
        for (size_t i = 0; i + 1 < report.history.n_rows; ++i) {
            const double before = sei_table_get(&report.history, i, "log_likelihood"),
                         after = sei_table_get(&report.history, i + 1, "log_likelihood");
            if (!(after >= before - 1e-8 * fabs(before)))
                fail_msg("iteration %zu: likelihood fell from %.12g to %.12g", i, before, after);
            assert_close(sei_table_get(&report.history, i + 1, "flux") / sei_table_get(&report.history, i, "counted"), 1, 1e-5);
        }
        assert_true(sei_table_get(&report.history, 60, "log_likelihood") > sei_table_get(&report.history, 0, "log_likelihood"));
        for (int64_t i = 0; i < volume.nx * volume.ny * volume.nz; ++i)
            assert_true(volume.data[i] >= 0 && isfinite(volume.data[i]));
        assert_true(volume.nz == NX && volume.voxel_nm == 2);
        assert_string_equal(volume.name, "Si");
        sei_series_free(&series);
        sei_volume_free(&volume);
        sei_recon_report_free(&report);
    }
    sei_device_close(device);
}

static void methods_recover_the_body(void **state) {
    (void)state;
    static const double most[] = {0.35, 0.45, 0.40, 0.75};
    sei_device *device = cpu();
    sei_series series = {0};
    sei_test_ellipse_series(2, body, NX, NY, 21, -60, 6, &series);
    for (int method = 0; method < 4; ++method) {
        for (int kernel = 0; kernel < 2; ++kernel) {
            sei_volume volume = {0};
            sei_recon_report report = {0};
            sei_recon_options options;
            sei_recon_options_default(&options);
            options.method = (sei_method)method;
            options.kernel = (sei_kernel)kernel;
            assert_ok(sei_reconstruct(device, &series, 0, &options, &volume, &report));
            const double error = error_of(&volume, 7, 1);
            if (!(error < most[method]))
                fail_msg("%s, kernel %d: error %.3f, expected below %.2f", sei_method_name(options.method), kernel, error,
                         most[method]);
            if (method == SEI_METHOD_SIRT || method == SEI_METHOD_SIRT_POSITIVE) {
                double square = 0;
                for (int64_t i = 0; i < 21 * NX * NY; ++i)
                    square += (double)series.channels[0].data[i] * (double)series.channels[0].data[i];
                /* the first estimate is 0, so its residual is the data */
                assert_close(sei_table_get(&report.history, 0, "residual") / sqrt(square / (21 * NX * NY)), 1, 1e-6);
                for (size_t i = 0; i + 1 < report.history.n_rows; ++i) {
                    assert_true(sei_table_get(&report.history, i + 1, "residual") <
                                sei_table_get(&report.history, i, "residual"));
                }
            }
            if (method == SEI_METHOD_SIRT_POSITIVE || method == SEI_METHOD_EM) {
                for (int64_t i = 0; i < NX * NX * NY; ++i) assert_true(volume.data[i] >= 0);
            }
            sei_volume_free(&volume);
            sei_recon_report_free(&report);
        }
    }
    sei_series_free(&series);
    sei_device_close(device);
}

static void background_is_modelled(void **state) {
    (void)state;
    sei_device *device = cpu();
    sei_series series = {0};
    sei_volume with = {0}, without = {0};
    sei_recon_report report = {0};
    sei_recon_options options;
    double background[21];
    sei_recon_options_default(&options);
    sei_test_ellipse_series(2, body, NX, NY, 21, -60, 6, &series);
    for (int t = 0; t < 21; ++t) {
        background[t] = 3 + 0.1 * t;
        for (int64_t i = 0; i < NX * NY; ++i) series.channels[0].data[t * NX * NY + i] += (float)background[t];
    }
    assert_ok(sei_reconstruct(device, &series, 0, &options, &without, NULL));
    options.background = background;
    options.n_background = 21;
    assert_ok(sei_reconstruct(device, &series, 0, &options, &with, &report));
    const double modelled = error_of(&with, 5, 1), ignored = error_of(&without, 5, 1);
    if (!(modelled < 0.4 && ignored > 1.15 * modelled))
        fail_msg("error %.3f with the background modelled, %.3f ignored", modelled, ignored);
    for (size_t i = 0; i + 1 < report.history.n_rows; ++i) {
        const double before = sei_table_get(&report.history, i, "log_likelihood"),
                     after = sei_table_get(&report.history, i + 1, "log_likelihood");
        assert_true(after >= before - 1e-8 * fabs(before));
    }
    /* the first estimate holds exactly what the data hold above the background */
    double total = 0;
    for (int64_t i = 0; i < 21 * NX * NY; ++i) total += (double)series.channels[0].data[i] - background[i / (NX * NY)];
    assert_close(sei_table_get(&report.history, 0, "flux") / total, 1, 1e-4);
    sei_recon_report_free(&report);
    options.n_background = 1; /* one value for all tilts; all of it background: the start stays above 0 and goes down */
    background[0] = 1000;
    sei_volume_free(&with);
    assert_ok(sei_reconstruct(device, &series, 0, &options, &with, NULL));
    for (int64_t i = 0; i < NX * NX * NY; ++i) assert_true(with.data[i] >= 0 && with.data[i] < 0.2F);
    sei_volume_free(&with);
    sei_volume_free(&without);
    sei_series_free(&series);
    sei_device_close(device);
}

static void pixels_without_data_carry_no_weight(void **state) {
    (void)state;
    sei_device *device = cpu();
    for (int method = 0; method < 4; ++method) {
        sei_series series = {0};
        sei_volume volumes[2] = {{0}};
        sei_recon_options options;
        sei_recon_options_default(&options);
        options.method = (sei_method)method;
        sei_test_ellipse_series(2, body, NX, NY, 21, -60, 6, &series);
        void *valid = NULL;
        assert_ok(sei_alloc_zero((size_t)(21 * NX * NY), &valid));
        series.valid = valid;
        for (int64_t i = 0; i < 21 * NX * NY; ++i)
            series.valid[i] = i / (NX * NY) == 4 || i % NX < 3 ? 0 : 1; /* a tilt and an edge */
        for (int k = 0; k < 2; ++k) {
            for (int64_t i = 0; i < 21 * NX * NY; ++i) {
                if (series.valid[i] == 0) series.channels[0].data[i] = k == 0 ? NAN : 1e6F;
            }
            assert_ok(sei_reconstruct(device, &series, 0, &options, &volumes[k], NULL));
        }
        assert_memory_equal(volumes[0].data, volumes[1].data, NX * NX * NY * sizeof(float));
        if (method != SEI_METHOD_WBP) assert_true(error_of(&volumes[0], 3, 1) < 0.5);
        sei_volume_free(&volumes[0]);
        sei_volume_free(&volumes[1]);
        sei_series_free(&series);
    }
    sei_device_close(device);
}

static void support_is_kept(void **state) {
    (void)state;
    sei_device *device = cpu();
    sei_series series = {0};
    uint8_t flat[20 * NX] = {0}, *full = calloc(20 * NY * NX, 1);
    for (int i = 0; i < 20 * NX; ++i) flat[i] = hypot(i % NX - 19.5, i / NX - 9.5) < 9;
    for (int i = 0; i < 20 * NY * NX; ++i) full[i] = flat[i / (NY * NX) * NX + i % NX];
    sei_test_ellipse_series(2, body, NX, NY, 21, -60, 6, &series);
    for (int method = 0; method < 4; ++method) {
        sei_volume one = {0}, other = {0};
        sei_recon_options options;
        sei_recon_options_default(&options);
        options.method = (sei_method)method;
        options.depth_px = 20;
        options.support = flat;
        options.n_support = 20 * NX;
        assert_ok(sei_reconstruct(device, &series, 0, &options, &one, NULL));
        options.support = full;
        options.n_support = 20 * NX * NY;
        assert_ok(sei_reconstruct(device, &series, 0, &options, &other, NULL));
        assert_memory_equal(one.data, other.data, 20 * NY * NX * sizeof(float));
        double inside = 0;
        for (int i = 0; i < 20 * NY * NX; ++i) {
            if (full[i] == 0) assert_true(one.data[i] == 0);
            inside += fabs((double)one.data[i]);
        }
        assert_true(inside > 0);
        sei_volume_free(&one);
        sei_volume_free(&other);
    }
    free(full);
    sei_series_free(&series);
    sei_device_close(device);
}

/* 2^-60 times the data gives 2^-60 times the volume, bit for bit: no guard of fixed size decides anything. */
static void scale_does_not_matter(void **state) {
    (void)state;
    sei_device *device = cpu();
    const float scale = 8.673617379884035e-19F;
    for (int method = 0; method < 4; ++method) {
        sei_series series = {0};
        sei_volume one = {0}, other = {0};
        sei_recon_options options;
        sei_recon_options_default(&options);
        options.method = (sei_method)method;
        noisy_series(3, &series);
        assert_ok(sei_reconstruct(device, &series, 0, &options, &one, NULL));
        for (int64_t i = 0; i < 21 * NX * NY; ++i) series.channels[0].data[i] *= scale;
        assert_ok(sei_reconstruct(device, &series, 0, &options, &other, NULL));
        for (int64_t i = 0; i < NX * NX * NY; ++i) {
            if (fabsf(one.data[i]) < 1e-15F) continue; /* the scaled one may be a denormal */
            assert_true(other.data[i] == one.data[i] * scale);
        }
        sei_series_free(&series);
        sei_volume_free(&one);
        sei_volume_free(&other);
    }
    sei_device_close(device);
}

static void nothing_gives_nothing(void **state) {
    (void)state;
    sei_device *device = cpu();
    for (int method = 0; method < 4; ++method) {
        sei_series series = {0};
        sei_volume volume = {0};
        sei_recon_options options;
        sei_recon_options_default(&options);
        options.method = (sei_method)method;
        assert_ok(sei_series_alloc(7, 2, 1, 1, &series)); /* one tilt, all zeros */
        assert_ok(sei_reconstruct(device, &series, 0, &options, &volume, NULL));
        for (int i = 0; i < 7 * 7 * 2; ++i) assert_true(volume.data[i] == 0);
        sei_series_free(&series);
        sei_volume_free(&volume);
    }
    sei_device_close(device);
}

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
        noisy_series(3, &series);
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
                assert_memory_equal(report.history.cells, first_report.history.cells, report.history.n_rows * 5 * sizeof(double));
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
    sei_device *devices[2] = {cpu(), NULL};
    const sei_device_options wanted = {.name = "ref"};
    assert_ok(sei_device_open(&wanted, &devices[1]));
    for (int method = 0; method < 4; ++method) {
        sei_series series = {0};
        sei_volume volumes[2] = {{0}};
        sei_recon_options options;
        double difference = 0, largest = 0;
        sei_recon_options_default(&options);
        options.method = (sei_method)method;
        sei_test_ellipse_series(2, body, 24, 3, 9, -60, 15, &series);
        for (int k = 0; k < 2; ++k) assert_ok(sei_reconstruct(devices[k], &series, 0, &options, &volumes[k], NULL));
        for (int i = 0; i < 24 * 24 * 3; ++i) {
            difference = fmax(difference, fabs((double)volumes[0].data[i] - (double)volumes[1].data[i]));
            largest = fmax(largest, fabs((double)volumes[1].data[i]));
        }
        assert_true(difference < 1e-5 * largest); /* 20 iterations of float rounding */
        for (int k = 0; k < 2; ++k) sei_volume_free(&volumes[k]);
        sei_series_free(&series);
    }
    for (int k = 0; k < 2; ++k) sei_device_close(devices[k]);
}

static void the_axis_offset_moves_the_detector_not_the_body(void **state) {
    (void)state;
    sei_device *device = cpu();
    sei_series series = {0}, images = {0};
    sei_volume volume = {0};
    sei_recon_options options;
    sei_recon_options_default(&options);
    options.iterations = 60;
    sei_test_ellipse_series(2, body, NX, NY, 21, -60, 6, &series);
    for (int64_t t = 0; t < 21; ++t) { /* the same body with the axis 2.5 px to the right */
        for (int64_t i = 0; i < NX * NY; ++i) {
            double sum = 0;
            for (int k = 0; k < 2; ++k)
                sum += sei_test_ellipse_bin(&body[k], series.tilts[t].tilt_deg, (double)(i % NX) - 19.5 - 2.5);
            series.channels[0].data[t * NX * NY + i] = (float)(sum * (1 + (double)(i / NX) / NY));
        }
    }
    series.axis_offset_px = 2.5;
    assert_ok(sei_reconstruct(device, &series, 0, &options, &volume, NULL));
    assert_true(error_of(&volume, 0, 1) < 0.3);
    assert_ok(sei_reproject(device, &volume, &series, SEI_KERNEL_LINEAR, &images));
    double difference = 0, norm = 0;
    for (int64_t i = 0; i < 21 * NX * NY; ++i) {
        const double want = (double)series.channels[0].data[i], got = (double)images.channels[0].data[i];
        difference += (got - want) * (got - want);
        norm += want * want;
    }
    assert_true(sqrt(difference / norm) < 0.03);
    assert_true(images.axis_offset_px == 2.5 && images.n_tilts == 21 && images.tilts[3].tilt_deg == -42);
    sei_series_free(&series);
    sei_series_free(&images);
    sei_volume_free(&volume);
    sei_device_close(device);
}

static void elongation_is_the_published_formula(void **state) {
    (void)state;
    assert_close(sei_elongation_theory(60), 1.552, 0.001);
    assert_close(sei_elongation_theory(70), 1.309, 0.002);
    assert_close(sei_elongation_theory(90), 1, 1e-12);
}

static void senseless_calls_are_refused(void **state) {
    (void)state;
    sei_device *device = cpu();
    sei_series series = {0};
    sei_volume volume = {0};
    sei_recon_options o, good;
    const double background[2] = {1, -1};
    const uint8_t support[4] = {1, 1, 1, 1};
    sei_recon_options_default(&good);
    sei_test_ellipse_series(2, body, NX, NY, 5, -60, 30, &series);
    float *data = series.channels[0].data;
#define REFUSED(change, status, part)                                                         \
    do {                                                                                      \
        o = good;                                                                             \
        change;                                                                               \
        assert_refused(sei_reconstruct(device, &series, 0, &o, &volume, NULL), status, part); \
    } while (0)
    REFUSED(o.iterations = 0, SEI_ERR_USAGE, "iterations");
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

static void running_out_of_memory_is_reported(void **state) {
    (void)state;
    for (int method = 0; method < 4; ++method) {
        sei_device *device = cpu();
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
        sei_test_ellipse_series(2, body, 8, 3, 3, -60, 60, &series);
        long n = 0;
        sei_status status = SEI_ERR_MEMORY;
        for (; status != SEI_OK && n < 500; ++n) {
            sei_alloc_fail_after(n);
            status = sei_reconstruct(device, &series, 0, &options, &volume, &report);
            sei_alloc_fail_after(-1);
            if (status != SEI_OK) assert_true(status == SEI_ERR_MEMORY && volume.data == NULL);
        }
        assert_in_range(n, 10, 499);
        sei_recon_report_free(&report);
        sei_volume_free(&volume);
        sei_series_free(&series);
        sei_device_close(device);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(likelihood_never_falls_and_flux_is_kept),
        cmocka_unit_test(methods_recover_the_body),
        cmocka_unit_test(background_is_modelled),
        cmocka_unit_test(pixels_without_data_carry_no_weight),
        cmocka_unit_test(support_is_kept),
        cmocka_unit_test(scale_does_not_matter),
        cmocka_unit_test(nothing_gives_nothing),
        cmocka_unit_test(threads_slabs_and_memory_leave_no_trace),
        cmocka_unit_test(cpu_agrees_with_ref),
        cmocka_unit_test(the_axis_offset_moves_the_detector_not_the_body),
        cmocka_unit_test(elongation_is_the_published_formula),
        cmocka_unit_test(senseless_calls_are_refused),
        cmocka_unit_test(running_out_of_memory_is_reported),
    };
    sei_threads_set(1); /* small problems: threads would only wait for one another */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
