/* em_ratio, em_update, sirt_residual, sirt_update. */
#include "support/operators.h"

enum { COUNTS, WEIGHT, BACKGROUND, SINOGRAM, ROW, N_FIELDS };

/* The operands of em_ratio and sirt_residual on one device, with their host values. */
typedef struct fields {
    size_t n;
    float *host[N_FIELDS];
    sei_buffer *buffer[N_FIELDS];
} fields;

static void fields_make(sei_device *device, const ops_case *c, fields *f) {
    f->n = ops_sinogram_count(c);
    for (int k = 0; k < N_FIELDS; ++k) {
        f->host[k] = ops_values(c, 10 + (uint64_t)k, f->n, false);
        if (k == WEIGHT) {
            for (size_t i = 0; i < f->n; ++i) f->host[k][i] = i % 5 == 0 ? 0 : i % 7 == 0 ? 0.375F : 1;
        }
        f->buffer[k] = ops_buffer(device, f->host[k], f->n);
    }
    if (c->seed % 3 == 0) f->buffer[WEIGHT] = (ops_release(device, f->buffer[WEIGHT]), NULL);
    if (c->seed % 4 == 0) f->buffer[BACKGROUND] = (ops_release(device, f->buffer[BACKGROUND]), NULL);
}

static void fields_free(sei_device *device, fields *f) {
    for (int k = 0; k < N_FIELDS; ++k) {
        ops_release(device, f->buffer[k]);
        free(f->host[k]);
    }
}

static sei_status run(const ops_case *c, sei_device *d, bool em, fields *f, double *sums) {
    if (em)
        return SEI_OP(d, em_ratio)(d, &c->slab, f->buffer[COUNTS], f->buffer[WEIGHT], f->buffer[BACKGROUND], f->buffer[SINOGRAM],
                                   sums);
    return SEI_OP(d, sirt_residual)(d, &c->slab, f->buffer[COUNTS], f->buffer[WEIGHT], f->buffer[BACKGROUND], f->buffer[ROW],
                                    f->buffer[SINOGRAM], sums);
}

/*
 * Sums: the terms may come from float arithmetic (a few 2^-24 each); they are added in double. Scale: the sum of the
 * terms' absolute values. In double the terms err by a few 2^-52, the cpu's logarithm by less than 1e-14.
 */
static void compare_sums(const ops_backend *b, const ops_case *c, const fields *f, const double *got, const double *want) {
    const size_t ny = (size_t)c->slab.ny;
    double *scale = ops_doubles(SEI_SUM_COUNT * ny, 0);
    for (size_t i = 0; i < f->n; ++i) {
        const double n = (double)f->host[COUNTS][i];
        const double m = (double)f->host[SINOGRAM][i] + (f->buffer[BACKGROUND] == NULL ? 0 : (double)f->host[BACKGROUND][i]);
        scale[SEI_SUM_LOG_LIKELIHOOD * ny + i % ny] += (m > 0 ? fabs(n * log(m)) + n : 0) + m;
        scale[SEI_SUM_COUNTED * ny + i % ny] += n;
        scale[SEI_SUM_RESIDUAL2 * ny + i % ny] += (n + m) * (n + m);
        scale[SEI_SUM_MODEL * ny + i % ny] += m;
    }
    for (size_t k = 0; k < SEI_SUM_COUNT * ny; ++k) {
        const double tolerance = (b->in_double ? 1e-13 : 16 * OPS_EPS) * scale[k];
        if (!(fabs(got[k] - want[k]) <= tolerance)) {
            fail_msg("%s: sum %zu of slice %zu is %.15g, ref has %.15g, tolerance %.3g (seed %llu)", b->label, k / ny, k % ny,
                     got[k], want[k], tolerance, (unsigned long long)c->seed);
        }
    }
    free(scale);
}

/* Tolerance per element: at most 8 roundings to float, relative to the largest intermediate (no cancellation in EM's). */
static double *field_tolerance(const ops_backend *b, bool em, const fields *f, const float *want) {
    double *tolerance = ops_doubles(f->n, 0);
    for (size_t i = 0; i < f->n; ++i) {
        const double sum = (double)f->host[COUNTS][i] + (double)f->host[SINOGRAM][i] + (double)f->host[BACKGROUND][i];
        const double size = em ? fabs((double)want[i]) : (double)f->host[ROW][i] * sum;
        tolerance[i] = (b->in_double ? 2 : 8) * OPS_EPS * size + 1.5e-45; /* the smallest denormal */
    }
    return tolerance;
}

static void check_field(const ops_backend *b, const ops_case *c, bool em) {
    const ops_backend reference = {.label = "ref", .device = b->ref, .ref = b->ref};
    fields f = {0}, g = {0};
    fields_make(b->device, c, &f);
    fields_make(b->ref, c, &g);
    const size_t n_sums = SEI_SUM_COUNT * (size_t)c->slab.ny;
    double *sums = ops_doubles(n_sums + 1, -7), *ref_sums = ops_doubles(n_sums + 1, -7);
    assert_ok(run(c, b->device, em, &f, c->seed % 5 == 0 ? NULL : sums));
    assert_ok(run(c, b->ref, em, &g, c->seed % 5 == 0 ? NULL : ref_sums));
    assert_true(sums[n_sums] == -7);
    float *got = ops_read(b, f.buffer[SINOGRAM], f.n, "sinogram"),
          *want = ops_read(&reference, g.buffer[SINOGRAM], f.n, "sinogram");
    double *tolerance = field_tolerance(b, em, &f, want);
    ops_compare(b, c, em ? "em_ratio" : "sirt_residual", f.n, got, want, tolerance);
    if (c->seed % 5 != 0) compare_sums(b, c, &f, sums, ref_sums);
    for (int k = 0; k < N_FIELDS; ++k) {
        if (k != SINOGRAM) ops_unchanged(b, f.buffer[k], f.host[k], f.n, "an input");
    }
    fields_free(b->device, &f);
    fields_free(b->ref, &g);
    free(sums);
    free(ref_sums);
    free(got);
    free(want);
    free(tolerance);
}

void check_em_ratio(const ops_backend *b, const ops_case *c) {
    check_field(b, c, true);
}
void check_sirt_residual(const ops_backend *b, const ops_case *c) {
    check_field(b, c, false);
}

static sei_status update(const ops_case *c, sei_device *d, bool em, const sei_buffer *back, const sei_buffer *inverse,
                         sei_buffer *volume) {
    return em ? SEI_OP(d, em_update)(d, &c->slab, back, inverse, volume)
              : SEI_OP(d, sirt_update)(d, &c->slab, back, inverse, 0.75F, c->seed % 2 == 0, volume);
}

/* Tolerance: at most 8 roundings to float of the sum of the terms' sizes. */
static void check_update(const ops_backend *b, const ops_case *c, bool em) {
    const ops_backend reference = {.label = "ref", .device = b->ref, .ref = b->ref};
    const size_t n = ops_volume_count(c);
    float *back = ops_values(c, 30, n, !em), *inverse = ops_values(c, 31, n, false), *values = ops_values(c, 32, n, !em);
    sei_buffer *in[3] = {ops_buffer(b->device, back, n), ops_buffer(b->device, inverse, n), ops_buffer(b->device, values, n)};
    sei_buffer *ref[3] = {ops_buffer(b->ref, back, n), ops_buffer(b->ref, inverse, n), ops_buffer(b->ref, values, n)};
    if (c->value_mode == 2 && em) goto out; /* the product of three huge values is no float */
    assert_ok(update(c, b->device, em, in[0], in[1], in[2]));
    assert_ok(update(c, b->ref, em, ref[0], ref[1], ref[2]));
    float *got = ops_read(b, in[2], n, "volume"), *want = ops_read(&reference, ref[2], n, "volume");
    double *tolerance = ops_doubles(n, 0);
    for (size_t i = 0; i < n; ++i) {
        const double size = em ? fabs((double)want[i]) : fabs((double)values[i]) + fabs((double)back[i] * (double)inverse[i]);
        tolerance[i] = (b->in_double ? 2 : 8) * OPS_EPS * size + 1.5e-45;
    }
    ops_compare(b, c, em ? "em_update" : "sirt_update", n, got, want, tolerance);
    ops_unchanged(b, in[0], back, n, "the back-projection");
    ops_unchanged(b, in[1], inverse, n, "the inverse sums");
    free(got);
    free(want);
    free(tolerance);
out:
    for (int k = 0; k < 3; ++k) {
        ops_release(b->device, in[k]);
        ops_release(b->ref, ref[k]);
    }
    free(back);
    free(inverse);
    free(values);
}

void check_em_update(const ops_backend *b, const ops_case *c) {
    check_update(b, c, true);
}
void check_sirt_update(const ops_backend *b, const ops_case *c) {
    check_update(b, c, false);
}

static void refuse_field(const ops_backend *b, const ops_case *c, bool em) {
    fields f = {0};
    fields_make(b->device, c, &f);
    sei_buffer *small = NULL;
    assert_ok(SEI_OP(b->device, alloc)(b->device, f.n - 1, &small));
    for (int k = 0; k < N_FIELDS; ++k) {
        if (k == ROW && em) continue;
        sei_buffer *kept = f.buffer[k];
        f.buffer[k] = small;
        assert_int_equal(run(c, b->device, em, &f, NULL), SEI_ERR_USAGE);
        f.buffer[k] = kept;
    }
    sei_buffer *kept = f.buffer[COUNTS];
    f.buffer[COUNTS] = NULL;
    assert_int_equal(run(c, b->device, em, &f, NULL), SEI_ERR_USAGE);
    f.buffer[COUNTS] = kept;
    ops_release(b->device, small);
    fields_free(b->device, &f);
}

void refuse_em_ratio(const ops_backend *b, const ops_case *c) {
    refuse_field(b, c, true);
}
void refuse_sirt_residual(const ops_backend *b, const ops_case *c) {
    refuse_field(b, c, false);
}

static void refuse_update(const ops_backend *b, const ops_case *c, bool em) {
    const size_t n = ops_volume_count(c);
    sei_buffer *one = ops_buffer(b->device, NULL, n), *two = ops_buffer(b->device, NULL, n),
               *three = ops_buffer(b->device, NULL, n), *small = NULL;
    assert_ok(SEI_OP(b->device, alloc)(b->device, n - 1, &small));
    assert_int_equal(update(c, b->device, em, small, two, three), SEI_ERR_USAGE);
    assert_int_equal(update(c, b->device, em, one, small, three), SEI_ERR_USAGE);
    assert_int_equal(update(c, b->device, em, one, two, small), SEI_ERR_USAGE);
    assert_int_equal(update(c, b->device, em, one, NULL, three), SEI_ERR_USAGE);
    ops_release(b->device, one);
    ops_release(b->device, two);
    ops_release(b->device, three);
    ops_release(b->device, small);
}

void refuse_em_update(const ops_backend *b, const ops_case *c) {
    refuse_update(b, c, true);
}
void refuse_sirt_update(const ops_backend *b, const ops_case *c) {
    refuse_update(b, c, false);
}

static double bench_field(const ops_backend *b, const ops_case *c, bool em, double *seconds) {
    fields f = {0};
    float last = 0;
    fields_make(b->device, c, &f);
    double *sums = ops_doubles(SEI_SUM_COUNT * (size_t)c->slab.ny, 0);
    const double start = ops_now_s();
    assert_ok(run(c, b->device, em, &f, sums));
    assert_ok(SEI_OP(b->device, download)(b->device, f.buffer[SINOGRAM], 0, 1, &last));
    *seconds = ops_now_s() - start;
    fields_free(b->device, &f);
    free(sums);
    return 1e-9 * (double)ops_sinogram_count(c);
}

double bench_em_ratio(const ops_backend *b, const ops_case *c, double *seconds) {
    return bench_field(b, c, true, seconds);
}
double bench_sirt_residual(const ops_backend *b, const ops_case *c, double *seconds) {
    return bench_field(b, c, false, seconds);
}

static double bench_update(const ops_backend *b, const ops_case *c, bool em, double *seconds) {
    const size_t n = ops_volume_count(c);
    float last = 0, *values = ops_values(c, 3, n, false);
    sei_buffer *one = ops_buffer(b->device, values, n), *two = ops_buffer(b->device, values, n),
               *three = ops_buffer(b->device, values, n);
    const double start = ops_now_s();
    assert_ok(update(c, b->device, em, one, two, three));
    assert_ok(SEI_OP(b->device, download)(b->device, three, 0, 1, &last));
    *seconds = ops_now_s() - start;
    ops_release(b->device, one);
    ops_release(b->device, two);
    ops_release(b->device, three);
    free(values);
    return 1e-9 * (double)n;
}

double bench_em_update(const ops_backend *b, const ops_case *c, double *seconds) {
    return bench_update(b, c, true, seconds);
}
double bench_sirt_update(const ops_backend *b, const ops_case *c, double *seconds) {
    return bench_update(b, c, false, seconds);
}
