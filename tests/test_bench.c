/*
 * Claims:
 *   the work that rates are counted by is the number of weights above 0, as the reference projects single voxels
 *   the specimen's projections hold all of its signal at every tilt, and its noise has the variance of its mean
 *   error and elongation are what they are for volumes made by hand
 *   rates and fractions follow from the printed times, work and limits; assertions hold exactly within their bounds
 *   a part's rows come back from its process whole, and its failure with status and message; a part that dies is told of
 *   unknown cases, repeats and backends are refused
 *   a calibration gives rates above 0 whose wide sets are not slower than the narrow ones, and refuses what is not there
 */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "core/alloc.h"
#include "core/instruction_sets.h"
#include "support/test.h"

/* Bins that get light from one voxel after the other, from the reference. */
static double lit_bins(const sei_slab *slab) {
    const sei_device_options wanted = {.name = "ref"};
    const size_t area = (size_t)slab->nx * (size_t)slab->nz, bins = (size_t)slab->n_tilts * (size_t)slab->nu;
    sei_device *ref = NULL;
    sei_buffer *volume = NULL, *sinogram = NULL;
    float *image = calloc(area, sizeof *image), *out = calloc(bins, sizeof *out);
    double count = 0;
    assert_int_equal(sei_device_open(&wanted, &ref), SEI_OK);
    assert_int_equal(SEI_OP(ref, alloc)(ref, area, &volume), SEI_OK);
    assert_int_equal(SEI_OP(ref, alloc)(ref, bins, &sinogram), SEI_OK);
    for (size_t i = 0; i < area; ++i) {
        image[i] = 1;
        assert_int_equal(SEI_OP(ref, upload)(ref, volume, 0, area, image), SEI_OK);
        assert_int_equal(SEI_OP(ref, project)(ref, slab, volume, sinogram), SEI_OK);
        assert_int_equal(SEI_OP(ref, download)(ref, sinogram, 0, bins, out), SEI_OK);
        for (size_t b = 0; b < bins; ++b) count += out[b] > 1e-7F; /* bins that only touch a voxel's edge get rounding */
        image[i] = 0;
    }
    ref->backend->release(ref, volume);
    ref->backend->release(ref, sinogram);
    sei_device_close(ref);
    free(image);
    free(out);
    return count;
}

static void work_is_the_number_of_weights(void **state) {
    const sei_bench_size size = {.n = 11, .ny = 1, .n_tilts = 7, .max_deg = 71};
    (void)state;
    for (int kernel = 0; kernel < 2; ++kernel) {
        sei_bench_geometry g;
        sei_bench_geometry_make(&size, (sei_kernel)kernel, &g);
        g.axis_u[2] += 3.3; /* some of it off the detector */
        /* touching without overlap (tilt 0, 3 bins of a strip) may count or not, by a rounding */
        assert_close(sei_bench_nonzeros(&g.slab) / lit_bins(&g.slab), 1, 0.005);
    }
}

static void specimen_is_seen_whole_and_noisy(void **state) {
    const sei_bench_size size = {.n = 96, .ny = 200, .n_tilts = 5, .max_deg = 60};
    sei_bench_specimen s = {0};
    float *truth = NULL;
    double mass = 0, variance = 0, mean_sum = 0;
    (void)state;
    assert_int_equal(sei_bench_specimen_make(&size, true, 2, 200, 200, &s), SEI_OK);
    assert_int_equal(sei_bench_truth(size.n, true, &truth), SEI_OK);
    for (int i = 0; i < size.n * size.n; ++i) mass += (double)truth[i];
    for (int t = 0; t < size.n_tilts; ++t) {
        double counts = 0;
        for (int y = 0; y < size.ny; ++y) {
            for (int u = 0; u < size.n; ++u)
                counts +=
                    (double)s.series.channels[0].data[((size_t)t * (size_t)size.ny + (size_t)y) * (size_t)size.n + (size_t)u];
        }
        assert_close(counts / size.ny / s.truth_scale / mass, 1, 0.004); /* 10^6 counts a tilt: 0.1 % by their noise */
    }
    const size_t stride = (size_t)size.n;
    for (int u = 0; u < size.n; ++u) { /* tilt 0, over the slices */
        double sum = 0, sum2 = 0;
        for (int y = 0; y < size.ny; ++y) {
            const double b = (double)s.series.channels[1].data[(2 * (size_t)size.ny + (size_t)y) * stride + (size_t)u];
            sum += b;
            sum2 += b * b;
        }
        variance += (sum2 - sum * sum / size.ny) / (size.ny - 1);
        mean_sum += sum / size.ny;
    }
    assert_close(variance / mean_sum, 1, 0.07);
    assert_true(memcmp(s.series.channels[0].data, s.series.channels[1].data, stride * sizeof(float)) != 0);
    sei_bench_specimen_free(&s);
    sei_free(truth);
}

static void error_and_elongation_are_what_they_are(void **state) {
    const int n = 256;
    float *truth = NULL;
    sei_volume v = {0};
    (void)state;
    assert_int_equal(sei_bench_truth(n, true, &truth), SEI_OK);
    assert_int_equal(sei_volume_alloc(n, 2, n, 1, &v), SEI_OK);
    for (int z = 0; z < n; ++z) {
        for (int y = 0; y < 2; ++y) {
            for (int x = 0; x < n; ++x) v.data[(z * 2 + y) * n + x] = 7 * 1.1F * truth[z * n + x];
        }
    }
    assert_close(sei_bench_error(&v, 7, truth), 0.1, 1e-6);
    assert_close(sei_bench_error(&v, 7.7, truth), 0, 1e-6);
    /* a Gaussian at the first particle, (-95, 30) from the centre, 1.5 times as long along z */
    for (int z = 0; z < n; ++z) {
        for (int x = 0; x < n; ++x) {
            const double dx = x - 127.5 + 95, dz = z - 127.5 - 30;
            v.data[z * 2 * n + x] = v.data[(z * 2 + 1) * n + x] = (float)exp(-dx * dx / 8 - dz * dz / 18);
        }
    }
    assert_close(sei_bench_elongation(&v, 0), 1.5, 0.03);
    sei_volume_free(&v);
    sei_free(truth);
}

static void assertions_hold_within_their_bounds(void **state) {
    sei_bench_row row = {.value = 1, .low = NAN, .high = NAN};
    char line[SEI_BENCH_LINE_LENGTH];
    (void)state;
    assert_true(sei_bench_holds(&row));
    row.high = 1;
    assert_true(sei_bench_holds(&row));
    row.high = 0.999;
    assert_false(sei_bench_holds(&row));
    sei_bench_line(&row, line);
    assert_non_null(strstr(line, "FAILS"));
    row.low = 0.5;
    row.high = 2;
    assert_true(sei_bench_holds(&row));
    row.value = 0.4;
    assert_false(sei_bench_holds(&row));
    row.value = NAN; /* not measured is not kept */
    assert_false(sei_bench_holds(&row));
}

/* ---- parts in their processes */

typedef struct seen {
    size_t n_rows, n_calibrations;
    sei_bench_row last;
} seen;
static sei_status see_row(void *context, const sei_bench_row *row) {
    seen *s = context;
    s->n_rows += 1;
    s->last = *row;
    return SEI_OK;
}
static sei_status see_calibration(void *context, const sei_bench_calibration *calibration) {
    seen *s = context;
    assert_true(calibration->rates.fma_gflops > 0);
    s->n_calibrations += 1;
    return SEI_OK;
}

static sei_status wait_a_little(void *context) {
    volatile double *sum = context;
    for (int i = 0; i < 200000; ++i) *sum += i;
    return SEI_OK;
}
static sei_status timed_part(sei_bench_part *part) {
    sei_device *device = NULL;
    char isa[SEI_UNIT_LENGTH];
    double sum = 0;
    sei_bench_subject subject = {.what = "sum", .context = &sum, .run = wait_a_little, .updates = 2e5, .flop = 4e5, .isa = isa};
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_open(part, &device, isa));
    subject.device = device;
    SEI_TRY(sei_bench_time(part, 1, &subject));
done:
    sei_bench_subjects_free(1, &subject);
    sei_device_close(device);
    return status;
}
static sei_status failing_part(sei_bench_part *part) {
    (void)part;
    return sei_fail(SEI_ERR_MEMORY, "too little of it");
}
static sei_status dying_part(sei_bench_part *part) {
    (void)part;
    raise(SIGUSR1);
    return SEI_OK;
}

static void rows_follow_from_their_numbers(void **state) {
    const sei_bench_part asked = {.bench_case = "T", .device = {.name = "cpu", .threads = 1}, .repeats = 4, .quick = true};
    seen s = {0};
    const sei_bench_sink sink = {&s, see_row, see_calibration};
    (void)state;
    assert_int_equal(sei_bench_in_child(&asked, timed_part, &sink), SEI_OK);
    assert_int_equal(s.n_rows, 1);
    assert_int_equal(s.n_calibrations, 2);
    const sei_bench_row *r = &s.last;
    assert_string_equal(r->bench_case, "T");
    assert_string_equal(r->what, "sum");
    assert_true(r->value > 0 && r->least > 0 && r->least <= r->value && r->cpu > 0);
    assert_close(r->gups, 2e5 * 1e-9 / (1e-3 * r->value), 1e-9 * r->gups);
    assert_close(r->gflops, 2 * r->gups, 1e-9 * r->gflops);
    assert_close(r->fraction_of_fma, r->gflops / r->fma_gflops, 1e-9);
    assert_close(r->fraction_of_l1_fma, r->gflops / r->l1_fma_gflops, 1e-9);
    assert_close(r->fraction_of_l1_fma_cpu, r->gflop / (1e-3 * r->cpu) * r->threads / r->l1_fma_cpu_gflops, 1e-9);
    assert_int_equal(r->repeats, 4);
}

static void failures_come_through(void **state) {
    const sei_bench_part asked = {.bench_case = "T", .device = {.name = "cpu"}, .repeats = 1, .quick = true};
    seen s = {0};
    const sei_bench_sink sink = {&s, see_row, see_calibration};
    (void)state;
    assert_int_equal(sei_bench_in_child(&asked, failing_part, &sink), SEI_ERR_MEMORY);
    assert_string_equal(sei_last_error(), "T: too little of it");
    assert_int_equal(sei_bench_in_child(&asked, dying_part, &sink), SEI_ERR_ENVIRONMENT);
    assert_non_null(strstr(sei_last_error(), "T: it ended by a signal"));
    assert_int_equal(s.n_rows, 0);
}

static void what_is_not_there_is_refused(void **state) {
    const char *const unknown[] = {"B1", "B7"};
    const char *const known[] = {"B3"};
    seen s = {0};
    const sei_bench_sink sink = {&s, see_row, see_calibration};
    sei_bench_options o = {.n_cases = 2, .cases = unknown, .quick = true};
    (void)state;
    assert_int_equal(sei_bench_run(&o, &sink), SEI_ERR_USAGE);
    assert_non_null(strstr(sei_last_error(), "'B7'"));
    o = (sei_bench_options){.n_cases = 1, .cases = known, .quick = true, .repeats = -1};
    assert_int_equal(sei_bench_run(&o, &sink), SEI_ERR_USAGE);
    o = (sei_bench_options){.n_cases = 1, .cases = known, .quick = true, .device = {.name = "abacus"}};
    assert_int_equal(sei_bench_run(&o, &sink), SEI_ERR_USAGE);
    assert_int_equal(s.n_rows + s.n_calibrations, 0);
}

static void calibration_knows_its_machine(void **state) {
    sei_calibration narrow = {0}, wide = {0}, untouched = {.threads = -5};
    (void)state;
    assert_int_equal(sei_calibrate("baseline", 0.02, 0, &narrow), SEI_OK);
    assert_int_equal(sei_calibrate(NULL, 0.02, 1 << 22, &wide), SEI_OK);
    assert_string_equal(narrow.isa, "baseline");
    assert_true(narrow.fma_cpu_gflops > 0 && narrow.fma_l1_cpu_gflops > 0 && isnan(narrow.copy_gbytes));
    assert_true(wide.copy_gbytes > 0 && wide.read_gbytes > 0);
    assert_true(wide.fma_cpu_gflops > 0.7 * narrow.fma_cpu_gflops); /* far below what is so: cores are shared */
    assert_int_equal(sei_calibrate("abacus", 0.1, 0, &untouched), SEI_ERR_USAGE);
    assert_int_equal(sei_calibrate(NULL, 0, 0, &untouched), SEI_ERR_USAGE);
    assert_int_equal(sei_calibrate(sei_isa_find("neon") >= 0 ? "avx512" : "neon", 0.1, 0, &untouched), SEI_ERR_ENVIRONMENT);
    assert_int_equal(untouched.threads, -5);
}

/* Parts are forked, which a process whose threads have begun may not do: they come first. */
int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_follow_from_their_numbers),         cmocka_unit_test(failures_come_through),
        cmocka_unit_test(what_is_not_there_is_refused),           cmocka_unit_test(assertions_hold_within_their_bounds),
        cmocka_unit_test(work_is_the_number_of_weights),          cmocka_unit_test(specimen_is_seen_whole_and_noisy),
        cmocka_unit_test(error_and_elongation_are_what_they_are), cmocka_unit_test(calibration_knows_its_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
