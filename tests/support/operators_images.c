/* filter_rows, correlate, resample. */
#include "support/operators.h"

static int good_length(int least) {
    for (int n = least < 2 ? 2 : least;; ++n) {
        int rest = n;
        while (rest % 2 == 0) rest /= 2;
        while (rest % 3 == 0) rest /= 3;
        while (rest % 5 == 0) rest /= 5;
        if (rest == 1 && n % 2 == 0) return n;
    }
}

/*
 * Tolerance of a float FFT: relative error in the 2-norm below about 6 * 2^-24 * log2(n) a transform (Higham 2002, ch. 24,
 * with float twiddles), twice, and an element is at most the 2-norm: 12 * log2(n) * 2^-24 * max|H| * |row|.
 */
void check_filter_rows(const ops_backend *b, const ops_case *c) {
    const ops_backend reference = {.label = "ref", .device = b->ref, .ref = b->ref};
    const size_t n = ops_sinogram_count(c), ny = (size_t)c->slab.ny, nu = (size_t)c->slab.nu;
    const int n_padded = good_length(c->slab.nu * (c->seed % 3 == 0 ? 1 : 2));
    float *values = ops_values(c, 40, n, true), *response = malloc(((size_t)n_padded / 2 + 1) * sizeof *response);
    for (int k = 0; k <= n_padded / 2; ++k) response[k] = (float)(2 * sei_test_uniform(c->seed, 900 + (uint64_t)k) - 0.5);
    sei_buffer *mine = ops_buffer(b->device, values, n), *its = ops_buffer(b->ref, values, n);
    assert_ok(SEI_OP(b->device, filter_rows)(b->device, &c->slab, response, n_padded, mine));
    assert_ok(SEI_OP(b->ref, filter_rows)(b->ref, &c->slab, response, n_padded, its));
    float *got = ops_read(b, mine, n, "sinogram"), *want = ops_read(&reference, its, n, "sinogram");
    double *tolerance = ops_doubles(n, 0);
    for (size_t t = 0; t < (size_t)c->slab.n_tilts; ++t) {
        for (size_t y = 0; y < ny; ++y) {
            const size_t bins = nu * (size_t)c->slab.n_tilts, first = sei_slab_at(&c->slab, bins, t * nu, (int)y);
            const size_t step = sei_slab_at(&c->slab, bins, t * nu + 1, (int)y) - first;
            const double norm = ops_norm(values + first, nu, step);
            for (size_t u = 0; u < nu; ++u) tolerance[first + u * step] = 12 * (1 + log2(n_padded)) * OPS_EPS * 1.5 * norm;
        }
    }
    ops_compare(b, c, "filter_rows", n, got, want, tolerance);
    ops_release(b->device, mine);
    ops_release(b->ref, its);
    free(values);
    free(response);
    free(got);
    free(want);
    free(tolerance);
}

void refuse_filter_rows(const ops_backend *b, const ops_case *c) {
    sei_device *d = b->device;
    float response[4096] = {0};
    sei_buffer *rows = ops_buffer(d, NULL, ops_sinogram_count(c)), *small = NULL;
    assert_ok(SEI_OP(d, alloc)(d, ops_sinogram_count(c) - 1, &small));
    const int n = good_length(2 * c->slab.nu);
    assert_int_equal(SEI_OP(d, filter_rows)(d, &c->slab, response, n, small), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, filter_rows)(d, &c->slab, NULL, n, rows), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, filter_rows)(d, &c->slab, response, n, NULL), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, filter_rows)(d, &c->slab, response, 14 * 81, rows), SEI_ERR_USAGE); /* a factor 7 */
    assert_int_equal(SEI_OP(d, filter_rows)(d, &c->slab, response, 1125, rows), SEI_ERR_USAGE);    /* odd */
    if (c->slab.nu > 2) assert_int_equal(SEI_OP(d, filter_rows)(d, &c->slab, response, 2, rows), SEI_ERR_USAGE);
    ops_release(d, rows);
    ops_release(d, small);
}

double bench_filter_rows(const ops_backend *b, const ops_case *c, double *seconds) {
    const int n_padded = good_length(2 * c->slab.nu);
    float last = 0, *values = ops_values(c, 1, ops_sinogram_count(c), false),
          *response = calloc((size_t)n_padded / 2 + 1, sizeof *response);
    sei_buffer *rows = ops_buffer(b->device, values, ops_sinogram_count(c));
    const double start = ops_now_s();
    assert_ok(SEI_OP(b->device, filter_rows)(b->device, &c->slab, response, n_padded, rows));
    assert_ok(SEI_OP(b->device, download)(b->device, rows, 0, 1, &last));
    *seconds = ops_now_s() - start;
    ops_release(b->device, rows);
    free(values);
    free(response);
    return 1e-9 * (double)ops_sinogram_count(c);
}

/* Tolerance: as above over three transforms of both dimensions; the elements are at most max|band| * |a| * |b|. */
void check_correlate(const ops_backend *b, const ops_case *c) {
    const ops_backend reference = {.label = "ref", .device = b->ref, .ref = b->ref};
    const int nx = good_length(c->slab.nx), ny = good_length(c->slab.nu);
    const size_t n = (size_t)nx * (size_t)ny, n_band = (size_t)ny * ((size_t)nx / 2 + 1);
    float *first = ops_values(c, 50, n, true), *second = ops_values(c, 51, n, true), *band = malloc(n_band * sizeof *band);
    for (size_t i = 0; i < n_band; ++i) band[i] = (float)sei_test_uniform(c->seed, 2000 + i);
    for (size_t i = 0; c->value_mode == 2 && i < n; ++i) first[i] *= 1e-12F; /* the product of two spectra is a float */
    sei_buffer *a = ops_buffer(b->device, first, n), *q = ops_buffer(b->device, second, n), *out = ops_output(b->device, n);
    sei_buffer *ref_a = ops_buffer(b->ref, first, n), *ref_q = ops_buffer(b->ref, second, n), *ref_out = ops_output(b->ref, n);
    assert_ok(SEI_OP(b->device, correlate)(b->device, nx, ny, band, a, q, out));
    assert_ok(SEI_OP(b->ref, correlate)(b->ref, nx, ny, band, ref_a, ref_q, ref_out));
    float *got = ops_read(b, out, n, "output"), *want = ops_read(&reference, ref_out, n, "output");
    double *tolerance = ops_doubles(n, 18 * (1 + log2((double)n)) * OPS_EPS * ops_norm(first, n, 1) * ops_norm(second, n, 1));
    ops_compare(b, c, "correlate", n, got, want, tolerance);
    ops_unchanged(b, a, first, n, "the first image");
    ops_unchanged(b, q, second, n, "the second image");
    ops_release(b->device, a);
    ops_release(b->device, q);
    ops_release(b->device, out);
    ops_release(b->ref, ref_a);
    ops_release(b->ref, ref_q);
    ops_release(b->ref, ref_out);
    free(first);
    free(second);
    free(band);
    free(got);
    free(want);
    free(tolerance);
}

void refuse_correlate(const ops_backend *b, const ops_case *c) {
    (void)c;
    sei_device *d = b->device;
    float band[6 * 4] = {0};
    sei_buffer *one = ops_buffer(d, NULL, 36), *two = ops_buffer(d, NULL, 36), *three = ops_buffer(d, NULL, 36), *small = NULL;
    assert_ok(SEI_OP(d, alloc)(d, 35, &small));
    assert_ok(SEI_OP(d, correlate)(d, 6, 6, band, one, two, three));
    assert_ok(SEI_OP(d, correlate)(d, 6, 6, band, one, one, three));
    assert_int_equal(SEI_OP(d, correlate)(d, 6, 6, band, small, two, three), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, correlate)(d, 6, 6, band, one, small, three), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, correlate)(d, 6, 6, band, one, two, small), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, correlate)(d, 6, 6, NULL, one, two, three), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, correlate)(d, 5, 6, band, one, two, three), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, correlate)(d, 6, 14, band, one, two, three), SEI_ERR_USAGE);
    ops_release(d, one);
    ops_release(d, two);
    ops_release(d, three);
    ops_release(d, small);
}

double bench_correlate(const ops_backend *b, const ops_case *c, double *seconds) {
    const int nx = good_length(c->slab.nx), ny = good_length(c->slab.nx);
    const size_t n = (size_t)nx * (size_t)ny;
    float last = 0, *values = ops_values(c, 1, n, false), *band = calloc(n, sizeof *band);
    sei_buffer *one = ops_buffer(b->device, values, n), *two = ops_buffer(b->device, values, n),
               *out = ops_buffer(b->device, values, n);
    const double start = ops_now_s();
    assert_ok(SEI_OP(b->device, correlate)(b->device, nx, ny, band, one, two, out));
    assert_ok(SEI_OP(b->device, download)(b->device, out, 0, 1, &last));
    *seconds = ops_now_s() - start;
    ops_release(b->device, one);
    ops_release(b->device, two);
    ops_release(b->device, out);
    free(values);
    free(band);
    return 1e-9 * (double)n;
}

/*
 * Tolerance: positions are exact in all backends (double, one expression); weights and the sum of 16 taps may be float,
 * and the absolute weights of Keys' kernel add up to at most 1.25 in each direction: 24 * 2^-24 * 1.6 * max|in|.
 */
void check_resample(const ops_backend *b, const ops_case *c) {
    const ops_backend reference = {.label = "ref", .device = b->ref, .ref = b->ref};
    const int nx = c->slab.nx, ny = c->slab.nu, n = c->slab.n_tilts, interpolation = c->seed % 2 == 0 ? 1 : 3;
    const size_t count = (size_t)nx * (size_t)ny * (size_t)n;
    float *values = ops_values(c, 60, count, true);
    double *xf = ops_doubles(6 * (size_t)n, 0);
    for (int k = 0; k < n; ++k) {
        const double r = sei_test_uniform(c->seed, 3000 + (uint64_t)k);
        const double angle = k % 4 == 0   ? 0
                             : k % 4 == 1 ? 1.57079632679489661923
                                          : 6.3 * r; /* the identity, a quarter turn, any */
        xf[6 * k] = xf[6 * k + 3] = cos(angle);
        xf[6 * k + 1] = -sin(angle);
        xf[6 * k + 2] = sin(angle);
        xf[6 * k + 4] = k % 4 < 2 ? 0 : 4 * r - 2;
        xf[6 * k + 5] = k % 4 < 2 ? 0 : 3 * r - 1;
    }
    if (n > 6) xf[6 * 6 + 4] = 5e5; /* far outside */
    sei_buffer *in = ops_buffer(b->device, values, count), *out = ops_output(b->device, count),
               *covered = ops_output(b->device, count);
    sei_buffer *ref_in = ops_buffer(b->ref, values, count), *ref_out = ops_output(b->ref, count),
               *ref_covered = ops_output(b->ref, count);
    assert_ok(SEI_OP(b->device, resample)(b->device, nx, ny, n, xf, interpolation, in, out, covered));
    assert_ok(SEI_OP(b->ref, resample)(b->ref, nx, ny, n, xf, interpolation, ref_in, ref_out, ref_covered));
    float *got = ops_read(b, out, count, "output"), *want = ops_read(&reference, ref_out, count, "output");
    float *got_covered = ops_read(b, covered, count, "coverage"),
          *want_covered = ops_read(&reference, ref_covered, count, "coverage");
    double *tolerance = ops_doubles(count, 24 * OPS_EPS * 1.6 * ops_max(values, count)), *none = ops_doubles(count, 0);
    ops_compare(b, c, "resample", count, got, want, tolerance);
    ops_compare(b, c, "resample's coverage", count, got_covered, want_covered, none);
    assert_memory_equal(want, values, (size_t)nx * (size_t)ny * sizeof *want); /* the identity is exact and covers all */
    assert_true(want_covered[0] == 1 && want_covered[(size_t)nx * (size_t)ny - 1] == 1);
    ops_unchanged(b, in, values, count, "input");
    assert_ok(SEI_OP(b->device, resample)(b->device, nx, ny, n, xf, interpolation, in, out, NULL));
    sei_buffer *buffers[] = {in, out, covered};
    sei_buffer *ref_buffers[] = {ref_in, ref_out, ref_covered};
    for (int k = 0; k < 3; ++k) {
        ops_release(b->device, buffers[k]);
        ops_release(b->ref, ref_buffers[k]);
    }
    free(values);
    free(xf);
    free(got);
    free(want);
    free(got_covered);
    free(want_covered);
    free(tolerance);
    free(none);
}

void refuse_resample(const ops_backend *b, const ops_case *c) {
    (void)c;
    sei_device *d = b->device;
    const double xf[12] = {1, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0}, bad[6] = {NAN, 0, 0, 1, 0, 0};
    sei_buffer *in = ops_buffer(d, NULL, 24), *out = ops_buffer(d, NULL, 24), *small = NULL;
    assert_ok(SEI_OP(d, alloc)(d, 23, &small));
    assert_ok(SEI_OP(d, resample)(d, 4, 3, 2, xf, 1, in, out, NULL));
    assert_int_equal(SEI_OP(d, resample)(d, 4, 3, 2, xf, 1, small, out, NULL), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, resample)(d, 4, 3, 2, xf, 1, in, small, NULL), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, resample)(d, 4, 3, 2, xf, 1, in, out, small), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, resample)(d, 4, 3, 2, xf, 2, in, out, NULL), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, resample)(d, 4, 3, 2, NULL, 1, in, out, NULL), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, resample)(d, 4, 3, 1, bad, 1, in, out, NULL), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, resample)(d, 0, 3, 2, xf, 1, in, out, NULL), SEI_ERR_USAGE);
    assert_int_equal(SEI_OP(d, resample)(d, 4, 3, 2, xf, 1, in, in, NULL), SEI_ERR_USAGE);
    ops_release(d, in);
    ops_release(d, out);
    ops_release(d, small);
}

double bench_resample(const ops_backend *b, const ops_case *c, double *seconds) {
    const int nx = c->slab.nx, ny = c->slab.nx;
    const size_t n = (size_t)nx * (size_t)ny;
    const double xf[6] = {0.999, -0.01, 0.01, 0.999, 0.3, -0.7};
    float last = 0, *values = ops_values(c, 1, n, false);
    sei_buffer *in = ops_buffer(b->device, values, n), *out = ops_buffer(b->device, values, n);
    const double start = ops_now_s();
    assert_ok(SEI_OP(b->device, resample)(b->device, nx, ny, 1, xf, 3, in, out, NULL));
    assert_ok(SEI_OP(b->device, download)(b->device, out, 0, 1, &last));
    *seconds = ops_now_s() - start;
    ops_release(b->device, in);
    ops_release(b->device, out);
    free(values);
    return 1e-9 * (double)n;
}
