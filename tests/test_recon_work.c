/*
 * Claims: four sweeps of OSEM-5 reach the error of twenty iterations of EM; counts held out stop EM, OSEM and SIRT near the best
 * number of iterations, at many counts and at few; a support gives a lower error at equal iterations, and one found from the data
 * holds the whole specimen. No way of working leaves a trace: channels at once or one by one, any memory, a device that runs out
 * of it. A start is where a reconstruction goes on; EM leaves its zeros.
 */
#include "core/alloc.h"
#include "core/random.h"
#include "core/threads.h"
#include "seitomo/recon.h"
#include "support/body.h"
#include "support/test.h"

enum { N = 96, SLICES = 4, TILTS = 25, PARTS = 10, VOXELS = N * N * SLICES, PIXELS = N * SLICES * TILTS };

/* A wire of core and shell with pores, and two particles beside it. */
static const sei_test_ellipse wire[PARTS] = {{0.4, -0.7, 24, 22, 20, 0.5}, {0.4, -0.7, 17, 15, 20, 0.5}, {6, 3, 3, 3, 0, -1},
                                             {-7, 4, 2, 4, 40, -1},        {-3, -8, 3, 2, 0, -1},        {8, -6, 2, 2, 0, -1},
                                             {0, 1, 2, 2, 0, -1},          {-10, -3, 1.5, 2, 0, -1},     {33, 14, 3, 3, 0, 1},
                                             {-30, -20, 2.5, 2.5, 0, 1}};

/* 25 tilts of +-60 degrees with about `counts` counts where the wire is thickest. */
static void wire_series(double counts, sei_series *out) {
    const sei_random random = {.seed = 11, .stream = 3};
    sei_test_ellipse_series(PARTS, wire, N, SLICES, TILTS, -60, 5, out);
    float *data = out->channels[0].data;
    for (int64_t i = 0; i < PIXELS; ++i) data[i] = (float)sei_random_poisson(&random, (uint64_t)i, counts / 40 * (double)data[i]);
    snprintf(out->channels[0].unit, sizeof out->channels[0].unit, "counts");
}

static double error_of(const sei_volume *v, double counts) {
    float *truth = sei_test_ellipse_slice(PARTS, wire, N, N);
    double sum = 0, norm = 0;
    for (int64_t i = 0; i < VOXELS; ++i) {
        const int64_t x = i % N, y = i / N % SLICES, z = i / N / SLICES;
        const double want = counts / 40 * (1 + (double)y / SLICES) * (double)truth[z * N + x];
        sum += pow((double)v->data[i] - want, 2);
        norm += want * want;
    }
    free(truth);
    return sqrt(sum / norm);
}

static double solve(sei_device *device, const sei_series *series, const sei_recon_options *o, double counts,
                    sei_recon_report *report) {
    sei_volume volume = {0};
    assert_ok(sei_reconstruct(device, series, 0, o, &volume, report));
    const double error = error_of(&volume, counts);
    sei_volume_free(&volume);
    return error;
}

static void four_sweeps_do_what_twenty_iterations_do(void **state) {
    (void)state;
    sei_device *device = sei_test_cpu();
    sei_series series = {0};
    sei_recon_report em = {0}, swept = {0}, every = {0};
    sei_recon_options o;
    sei_recon_options_default(&o);
    wire_series(1000, &series);
    const double twenty = solve(device, &series, &o, 1000, &em);
    o.method = SEI_METHOD_OSEM;
    const double four = solve(device, &series, &o, 1000, &swept);
    if (!(fabs(four / twenty - 1) < 0.01)) fail_msg("error %.4f after four sweeps, %.4f after twenty iterations", four, twenty);
    assert_int_equal(em.n_iterations, 20);
    assert_int_equal(swept.n_iterations, 4);
    assert_int_equal(swept.history.n_rows, 5);
    o.every_sweep = true;
    assert_true(solve(device, &series, &o, 1000, &every) == four); /* looking changes nothing */
    static const char *const columns[] = {"log_likelihood", "counted", "residual", "flux"};
    for (size_t i = 0; i < 5; ++i) {
        for (int k = 0; k < 4; ++k) {
            const double known = sei_table_get(&every.history, i, columns[k]),
                         quiet = sei_table_get(&swept.history, i, columns[k]);
            assert_true(isfinite(known) && (i == 4 ? quiet == known : isnan(quiet)));
        }
    }
    const double best = sei_table_get(&em.history, 20, "log_likelihood"), start = sei_table_get(&em.history, 0, "log_likelihood");
    assert_close(sei_table_get(&every.history, 0, "log_likelihood") / start, 1, 1e-9);
    assert_true((sei_table_get(&every.history, 4, "log_likelihood") - start) / (best - start) > 0.999);
    sei_recon_report_free(&em);
    sei_recon_report_free(&swept);
    sei_recon_report_free(&every);
    sei_series_free(&series);
    sei_device_close(device);
}

/* All tilts of one subset are missing in a slice: the others reconstruct it alone. */
static void a_subset_without_data_ends_nothing(void **state) {
    (void)state;
    sei_device *device = sei_test_cpu();
    sei_series series = {0};
    sei_volume all = {0}, cut = {0};
    sei_recon_options o;
    void *valid = NULL;
    sei_recon_options_default(&o);
    o.method = SEI_METHOD_OSEM;
    wire_series(1000, &series);
    assert_ok(sei_reconstruct(device, &series, 0, &o, &all, NULL));
    assert_ok(sei_alloc_zero(PIXELS, &valid));
    series.valid = valid;
    for (int64_t i = 0; i < PIXELS; ++i) series.valid[i] = !(i / N % SLICES == 1 && i / (N * SLICES) % 5 == 2);
    assert_ok(sei_reconstruct(device, &series, 0, &o, &cut, NULL));
    assert_true(error_of(&cut, 1000) < 1.15 * error_of(&all, 1000));
    for (int64_t i = 0; i < VOXELS; ++i) assert_true(i / N % SLICES == 1 || all.data[i] == cut.data[i]);
    sei_volume_free(&all);
    sei_volume_free(&cut);
    sei_series_free(&series);
    sei_device_close(device);
}

static void counts_held_out_stop_near_the_best(void **state) {
    (void)state;
    static const struct {
        double counts;
        sei_method method;
        int near_best[2];
        double most; /* of the least error */
    } cases[] = {{1000, SEI_METHOD_EM, {20, 30}, 1.03},
                 {20, SEI_METHOD_EM, {7, 9}, 1.05},
                 {1000, SEI_METHOD_OSEM, {4, 6}, 1.05},
                 {20, SEI_METHOD_OSEM, {1, 2}, 1.15},
                 {20, SEI_METHOD_SIRT_POSITIVE, {20, 25}, 1.10}};
    sei_device *device = sei_test_cpu();
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; ++k) {
        sei_series series = {0};
        sei_recon_report report = {0}, again = {0};
        sei_recon_options o;
        double least = INFINITY;
        sei_recon_options_default(&o);
        o.method = cases[k].method;
        wire_series(cases[k].counts, &series);
        for (int i = 0; i < 2; ++i) {
            o.iterations = cases[k].near_best[i];
            least = fmin(least, solve(device, &series, &o, cases[k].counts, NULL));
        }
        o.iterations = 0;
        o.stop = SEI_STOP_HELD_OUT;
        const double error = solve(device, &series, &o, cases[k].counts, &report);
        if (!(error < cases[k].most * least))
            fail_msg("%s at %g counts: error %.4f after %d iterations, %.4f at best", sei_method_name(o.method), cases[k].counts,
                     error, (int)report.n_iterations, least);
        assert_int_equal(report.history.n_rows, report.n_iterations + 1);
        assert_int_equal(report.trial_slices, SLICES);
        assert_true(report.trial_iterations > report.n_iterations);
        for (int64_t i = 0; i < report.n_iterations; ++i)
            assert_true(sei_table_get(&report.history, (size_t)i, "held_out") <
                        sei_table_get(&report.history, (size_t)report.n_iterations, "held_out"));
        o.slab_slices = 1; /* a trial in pieces decides alike */
        assert_true((k != 1 && k != 3) || solve(device, &series, &o, cases[k].counts, &again) == error);
        sei_recon_report_free(&report);
        sei_recon_report_free(&again);
        sei_series_free(&series);
    }
    sei_device_close(device);
}

/* Three channels, of which one has a background, in a series with pixels without data. */
static void channels_at_once_are_channels_one_by_one(void **state) {
    (void)state;
    static const int widths[] = {0, 1, 5, 7};
    sei_device *device = sei_test_cpu();
    sei_series series = {0};
    const double background[1] = {2};
    const sei_recon_channel asked[3] = {
        {.channel = 2}, {.channel = 0, .background = background, .n_background = 1}, {.channel = 1}};
    assert_ok(sei_series_alloc(N, SLICES, TILTS, 3, &series));
    for (int c = 0; c < 3; ++c) {
        sei_series one = {0};
        wire_series(c == 0 ? 300 : c == 1 ? 40 : 100, &one);
        memcpy(series.channels[c].data, one.channels[0].data, PIXELS * sizeof(float));
        memcpy(series.tilts, one.tilts, TILTS * sizeof *one.tilts);
        sei_series_free(&one);
    }
    void *valid = NULL;
    assert_ok(sei_alloc_zero(PIXELS, &valid));
    series.valid = valid;
    for (int64_t i = 0; i < PIXELS; ++i) series.valid[i] = !(i / N % SLICES == 3 && i / (N * SLICES) < 4) && i % N > 1;
    for (int method = 0; method < 5; ++method) {
        sei_volume one[3] = {{0}};
        sei_recon_report told[3] = {{0}};
        sei_recon_options o;
        sei_recon_options_default(&o);
        o.method = (sei_method)method;
        o.iterations = 2;
        for (int c = 0; c < 3; ++c) assert_ok(sei_reconstruct_channels(device, &series, 1, &asked[c], &o, &one[c], &told[c]));
        for (size_t w = 0; w < sizeof widths / sizeof widths[0]; ++w) {
            sei_volume all[3] = {{0}};
            sei_recon_report reports[3] = {{0}};
            o.slab_slices = widths[w];
            assert_ok(sei_reconstruct_channels(device, &series, 3, asked, &o, all, reports));
            for (int c = 0; c < 3; ++c) {
                assert_memory_equal(one[c].data, all[c].data, VOXELS * sizeof(float));
                assert_memory_equal(told[c].history.cells, reports[c].history.cells,
                                    told[c].history.n_rows * told[c].history.n_columns * sizeof(double));
                sei_volume_free(&all[c]);
                sei_recon_report_free(&reports[c]);
            }
        }
        for (int c = 0; c < 3; ++c) {
            sei_volume_free(&one[c]);
            sei_recon_report_free(&told[c]);
        }
    }
    sei_series_free(&series);
    sei_device_close(device);
}

/* A device that holds no buffer of more than this many floats. */
static size_t most_floats;
static sei_status (*plain_alloc)(sei_device *, size_t, sei_buffer **);
static sei_status poor_alloc(sei_device *device, size_t count, sei_buffer **out) {
    if (count > most_floats) return sei_fail(SEI_ERR_MEMORY, "the device has no room for %zu floats", count);
    return plain_alloc(device, count, out);
}

static void memory_is_obeyed_and_leaves_no_trace(void **state) {
    (void)state;
    sei_device *device = sei_test_cpu();
    sei_series series = {0};
    sei_volume whole = {0}, volume = {0};
    sei_recon_report report = {0};
    sei_recon_plan plan;
    sei_recon_options o;
    int before = SLICES;
    sei_recon_options_default(&o);
    o.iterations = 3;
    wire_series(100, &series);
    assert_ok(sei_reconstruct(device, &series, 0, &o, &whole, NULL));
    assert_ok(sei_reconstruct_plan(device, &series, 1, &o, &plan));
    assert_true(plan.slab_slices == SLICES && plan.slabs == 1 && plan.least < plan.bytes);
    for (int k = 1; k <= 3; ++k) { /* from nearly all to just enough */
        o.memory_bytes = plan.least + (plan.bytes - plan.least) * (size_t)(3 - k) / 3;
        assert_ok(sei_reconstruct(device, &series, 0, &o, &volume, &report));
        assert_memory_equal(whole.data, volume.data, VOXELS * sizeof(float));
        assert_in_range(report.slab_slices, 1, before - (k == 1));
        before = report.slab_slices;
        sei_volume_free(&volume);
        sei_recon_report_free(&report);
    }
    assert_int_equal(before, 1);
    o.memory_bytes = plan.least - 1;
    assert_refused(sei_reconstruct(device, &series, 0, &o, &volume, NULL), SEI_ERR_MEMORY, "are needed at least");
    o.memory_bytes = 0;
    const sei_backend *const rich = device->backend;
    sei_backend poor = *rich;
    plain_alloc = rich->alloc;
    poor.alloc = poor_alloc;
    device->backend = &poor;
    most_floats = 2 * N * N;
    assert_ok(sei_reconstruct(device, &series, 0, &o, &volume, &report));
    assert_int_equal(report.slab_slices, 2);
    assert_memory_equal(whole.data, volume.data, VOXELS * sizeof(float));
    sei_volume_free(&volume);
    most_floats = N * N - 1;
    assert_refused(sei_reconstruct(device, &series, 0, &o, &volume, NULL), SEI_ERR_MEMORY, "no room");
    device->backend = rich;
    sei_volume_free(&whole);
    sei_recon_report_free(&report);
    sei_series_free(&series);
    sei_device_close(device);
}

static void a_start_is_gone_on_from(void **state) {
    (void)state;
    sei_device *device = sei_test_cpu();
    sei_series series = {0};
    sei_volume half = {0}, on = {0}, whole = {0};
    sei_recon_report cold = {0}, warm = {0};
    sei_recon_options o;
    sei_recon_options_default(&o);
    wire_series(100, &series);
    o.method = SEI_METHOD_SIRT;
    o.iterations = 8;
    assert_ok(sei_reconstruct(device, &series, 0, &o, &whole, NULL));
    o.iterations = 5;
    assert_ok(sei_reconstruct(device, &series, 0, &o, &half, NULL));
    o.start = &half;
    o.iterations = 3;
    assert_ok(sei_reconstruct(device, &series, 0, &o, &on, NULL));
    assert_memory_equal(whole.data, on.data, VOXELS * sizeof(float));
    sei_volume_free(&on);
    /* EM from SIRT's result, half of it negative or lost: nearer to the data than its own start, and free to fill the gap */
    for (int64_t i = 0; i < VOXELS; ++i)
        if (i % N < N / 2) half.data[i] = i % 2 == 0 ? 0 : -1;
    o.method = SEI_METHOD_EM;
    o.iterations = 20;
    o.start = NULL;
    assert_true(solve(device, &series, &o, 100, &cold) < 0.35);
    o.start = &half;
    const double led = solve(device, &series, &o, 100, &warm), before = error_of(&half, 100);
    if (!(led < 0.4 && before > 0.7)) fail_msg("error %.4f from a start with %.4f", led, before);
    assert_true(sei_table_get(&warm.history, 0, "residual") < sei_table_get(&cold.history, 0, "residual"));
    for (size_t i = 0; i < 20; ++i) {
        const double now = sei_table_get(&warm.history, i, "log_likelihood");
        assert_true(sei_table_get(&warm.history, i + 1, "log_likelihood") >= now - 1e-8 * fabs(now));
    }
    half.nz -= 1;
    assert_refused(sei_reconstruct(device, &series, 0, &o, &on, NULL), SEI_ERR_INPUT, "expected 96 x 4 x 96");
    half.nz += 1;
    half.voxel_nm = 2.1;
    assert_refused(sei_reconstruct(device, &series, 0, &o, &on, NULL), SEI_ERR_INPUT, "voxels of 2.1 nm");
    half.voxel_nm = 2;
    half.data[N + 3] = NAN;
    assert_refused(sei_reconstruct(device, &series, 0, &o, &on, NULL), SEI_ERR_INPUT, "voxel x 3 y 1 z 0");
    half.data[N + 3] = 0;
    o.method = SEI_METHOD_WBP;
    assert_refused(sei_reconstruct(device, &series, 0, &o, &on, NULL), SEI_ERR_USAGE, "wbp");
    sei_volume_free(&half);
    sei_volume_free(&whole);
    sei_recon_report_free(&cold);
    sei_recon_report_free(&warm);
    sei_series_free(&series);
    sei_device_close(device);
}

static void a_support_spares_error(void **state) {
    (void)state;
    sei_device *device = sei_test_cpu();
    sei_series series = {0};
    sei_recon_options o;
    uint8_t support[N * N];
    double area = 0;
    sei_recon_options_default(&o);
    o.iterations = 6;
    wire_series(1000, &series);
    float *truth = sei_test_ellipse_slice(PARTS, wire, N, N);
    assert_ok(sei_recon_find_support(device, &series, 0, &o, support));
    for (int i = 0; i < N * N; ++i) {
        area += support[i];
        assert_true(support[i] <= 1 && (truth[i] <= 0 || support[i] == 1));
    }
    if (!(area < 0.55 * N * N)) fail_msg("the support found covers %.2f of the area", area / (N * N));
    const double without = solve(device, &series, &o, 1000, NULL);
    o.support = support;
    o.n_support = N * N;
    const double found = solve(device, &series, &o, 1000, NULL);
    for (int i = 0; i < N * N; ++i) support[i] = truth[i] > 0 || hypot(i % N - 47.9, i / N - 46.8) < 25;
    const double tight = solve(device, &series, &o, 1000, NULL);
    if (!(found < 0.97 * without && tight < found))
        fail_msg("error %.3f without a support, %.3f with the one found, %.3f with a tight one", without, found, tight);
    free(truth);
    for (int64_t i = 0; i < PIXELS; ++i) series.channels[0].data[i] = 0;
    assert_refused(sei_recon_find_support(device, &series, 0, &o, support), SEI_ERR_INPUT, "no signal");
    assert_refused(sei_recon_find_support(device, &series, 1, &o, support), SEI_ERR_USAGE, "channel 1 of 1");
    sei_series_free(&series);
    sei_device_close(device);
}

static void senseless_words_are_refused(void **state) {
    (void)state;
    sei_device *device = sei_test_cpu();
    sei_series series = {0};
    sei_volume volume = {0};
    sei_recon_options o;
    sei_stop stop = SEI_STOP_ITERATIONS;
    sei_recon_options_default(&o);
    wire_series(100, &series);
    o.method = SEI_METHOD_OSEM;
    for (int k = 0; k < 3; ++k) {
        static const int subsets[] = {0, 1, TILTS + 1};
        o.subsets = subsets[k];
        assert_refused(sei_reconstruct(device, &series, 0, &o, &volume, NULL), SEI_ERR_USAGE, "2 to the number of tilts, 25");
    }
    o.subsets = 5;
    assert_int_equal(sei_recon_iterations(&o), 4);
    o.stop = (sei_stop)7;
    assert_refused(sei_reconstruct(device, &series, 0, &o, &volume, NULL), SEI_ERR_USAGE, "to stop by");
    o.stop = SEI_STOP_HELD_OUT;
    assert_int_equal(sei_recon_iterations(&o), 12);
    snprintf(series.channels[0].unit, sizeof series.channels[0].unit, "grey");
    assert_refused(sei_reconstruct(device, &series, 0, &o, &volume, NULL), SEI_ERR_INPUT, "holds grey, no counts");
    o.method = SEI_METHOD_WBP;
    assert_refused(sei_reconstruct(device, &series, 0, &o, &volume, NULL), SEI_ERR_USAGE, "no iterations");
    assert_refused(sei_reconstruct_channels(device, &series, 0, NULL, &o, NULL, NULL), SEI_ERR_USAGE, "no iterations");
    o.stop = SEI_STOP_ITERATIONS;
    assert_refused(sei_reconstruct_channels(device, &series, 0, NULL, &o, NULL, NULL), SEI_ERR_USAGE, "no channel");
    assert_refused(sei_stop_from_name("chi2", &stop), SEI_ERR_USAGE, "held-out");
    assert_ok(sei_stop_from_name("held-out", &stop));
    assert_int_equal(stop, SEI_STOP_HELD_OUT);
    assert_null(volume.data);
    sei_series_free(&series);
    sei_device_close(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_sweeps_do_what_twenty_iterations_do),
        cmocka_unit_test(a_subset_without_data_ends_nothing),
        cmocka_unit_test(counts_held_out_stop_near_the_best),
        cmocka_unit_test(channels_at_once_are_channels_one_by_one),
        cmocka_unit_test(memory_is_obeyed_and_leaves_no_trace),
        cmocka_unit_test(a_start_is_gone_on_from),
        cmocka_unit_test(a_support_spares_error),
        cmocka_unit_test(senseless_words_are_refused),
    };
    sei_threads_set(1); /* small problems: threads would only wait for one another */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
