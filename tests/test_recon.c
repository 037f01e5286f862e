/*
 * Claims: EM's likelihood never falls and its flux equals the counts in the bins it sees after every iteration; EM models a
 * background better than ignoring it; SIRT starts at 0 and its residual falls; positivity holds; pixels without data carry no
 * weight whatever they hold; the support is kept; scale does not matter.
 */
#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/recon.h"
#include "support/body.h"
#include "support/test.h"

enum { NX = SEI_TEST_NX, NY = SEI_TEST_NY };

/* Root mean square of slice y minus the truth, inside the circle that every tilt sees, divided by the truth's. */
static double error_of(const sei_volume *v, int64_t y, double counts) {
    float *truth = sei_test_ellipse_slice(2, sei_test_body, v->nx, v->nz);
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
    sei_device *device = sei_test_cpu();
    for (int kernel = 0; kernel < 2; ++kernel) {
        sei_series series = {0};
        sei_volume volume = {0};
        sei_recon_report report = {0};
        sei_recon_options options;
        sei_recon_options_default(&options);
        options.kernel = (sei_kernel)kernel;
        options.iterations = 60;
        sei_test_noisy_series(4, &series);
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
    sei_device *device = sei_test_cpu();
    sei_series series = {0};
    sei_test_body_series(&series);
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
    sei_device *device = sei_test_cpu();
    sei_series series = {0};
    sei_volume with = {0}, without = {0};
    sei_recon_report report = {0};
    sei_recon_options options;
    double background[21];
    sei_recon_options_default(&options);
    sei_test_body_series(&series);
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
    sei_device *device = sei_test_cpu();
    for (int method = 0; method < 4; ++method) {
        sei_series series = {0};
        sei_volume volumes[2] = {{0}};
        sei_recon_options options;
        sei_recon_options_default(&options);
        options.method = (sei_method)method;
        sei_test_body_series(&series);
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
    sei_device *device = sei_test_cpu();
    sei_series series = {0};
    uint8_t flat[20 * NX] = {0}, *full = calloc(20 * NY * NX, 1);
    for (int i = 0; i < 20 * NX; ++i) flat[i] = hypot(i % NX - 19.5, i / NX - 9.5) < 9;
    for (int i = 0; i < 20 * NY * NX; ++i) full[i] = flat[i / (NY * NX) * NX + i % NX];
    sei_test_body_series(&series);
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
    sei_device *device = sei_test_cpu();
    const float scale = 8.673617379884035e-19F;
    for (int method = 0; method < 4; ++method) {
        sei_series series = {0};
        sei_volume one = {0}, other = {0};
        sei_recon_options options;
        sei_recon_options_default(&options);
        options.method = (sei_method)method;
        sei_test_noisy_series(3, &series);
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
    sei_device *device = sei_test_cpu();
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

static void the_axis_offset_moves_the_detector_not_the_body(void **state) {
    (void)state;
    sei_device *device = sei_test_cpu();
    sei_series series = {0}, images = {0};
    sei_volume volume = {0};
    sei_recon_options options;
    sei_recon_options_default(&options);
    options.iterations = 60;
    sei_test_body_series(&series);
    for (int64_t t = 0; t < 21; ++t) { /* the same body with the axis 2.5 px to the right */
        for (int64_t i = 0; i < NX * NY; ++i) {
            double sum = 0;
            for (int k = 0; k < 2; ++k)
                sum += sei_test_ellipse_bin(&sei_test_body[k], series.tilts[t].tilt_deg, (double)(i % NX) - 19.5 - 2.5);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(likelihood_never_falls_and_flux_is_kept),
        cmocka_unit_test(methods_recover_the_body),
        cmocka_unit_test(background_is_modelled),
        cmocka_unit_test(pixels_without_data_carry_no_weight),
        cmocka_unit_test(support_is_kept),
        cmocka_unit_test(scale_does_not_matter),
        cmocka_unit_test(nothing_gives_nothing),
        cmocka_unit_test(the_axis_offset_moves_the_detector_not_the_body),
        cmocka_unit_test(elongation_is_the_published_formula),
    };
    sei_threads_set(1); /* small problems: threads would only wait for one another */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
