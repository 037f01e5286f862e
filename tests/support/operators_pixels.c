/* em_ratio, em_update, sirt_residual, sirt_update. */
#include "support/operators.h"

enum { COUNTS, WEIGHT, BACKGROUND, ROW, N_FIELDS };

/* The operands of em_ratio and sirt_residual, with their host values. */
typedef struct fields {
    size_t n, n_row, n_volume;
    bool per_slice;
    float *host[N_FIELDS], *volume_values, *model; /* model: A V as this backend projects it */
    sei_buffer *buffer[N_FIELDS], *volume, *sinogram;
} fields;

static void fields_make(const ops_backend *b, const ops_case *c, fields *f) {
    sei_device *d = b->device;
    f->n = ops_sinogram_count(c);
    f->n_volume = ops_volume_count(c);
    f->per_slice = c->seed % 2 == 0;
    f->n_row = f->per_slice ? f->n : f->n / (size_t)c->slab.ny;
    for (int k = 0; k < N_FIELDS; ++k) {
        const size_t n = k == ROW ? f->n_row : f->n;
        f->host[k] = ops_values(c, 10 + (uint64_t)k, n, false);
        if (k == WEIGHT) {
            for (size_t i = 0; i < n; ++i) f->host[k][i] = i % 5 == 0 ? 0 : i % 7 == 0 ? 0.375F : 1;
        }
        f->buffer[k] = ops_buffer(d, f->host[k], n);
    }
    if (c->seed % 3 == 0) f->buffer[WEIGHT] = (ops_release(d, f->buffer[WEIGHT]), NULL);
    if (c->seed % 4 == 0) f->buffer[BACKGROUND] = (ops_release(d, f->buffer[BACKGROUND]), NULL);
    f->volume_values = ops_values(c, 20, f->n_volume, false);
    f->volume = ops_buffer(d, f->volume_values, f->n_volume);
    f->sinogram = ops_output(d, f->n);
    assert_ok(SEI_OP(d, project)(d, &c->slab, f->volume, f->sinogram));
    f->model = ops_read(b, f->sinogram, f->n, "projection");
    ops_release(d, f->sinogram);
    f->sinogram = ops_output(d, f->n);
}

static void fields_free(sei_device *device, fields *f) {
    for (int k = 0; k < N_FIELDS; ++k) {
        ops_release(device, f->buffer[k]);
        free(f->host[k]);
    }
    ops_release(device, f->volume);
    ops_release(device, f->sinogram);
    free(f->volume_values);
    free(f->model);
}

static sei_status run(const ops_case *c, sei_device *d, bool em, fields *f, double *sums) {
    if (em)
        return SEI_OP(d, em_ratio)(d, &c->slab, f->volume, f->buffer[COUNTS], f->buffer[WEIGHT], f->buffer[BACKGROUND],
                                   f->sinogram, sums);
    return SEI_OP(d, sirt_residual)(d, &c->slab, f->volume, f->buffer[COUNTS], f->buffer[WEIGHT], f->buffer[BACKGROUND],
                                    f->buffer[ROW], f->per_slice, f->sinogram, sums);
}

/* What the operator means, in double, from the projection as this backend makes it: value, its size, and sums' terms. */
typedef struct expected {
    double *value, *size, *sums, *scale;
} expected;

static void expect(const ops_case *c, bool em, const fields *f, expected *e) {
    const size_t ny = (size_t)c->slab.ny, n_bins = f->n / ny;
    *e = (expected){ops_doubles(f->n, 0), ops_doubles(f->n, 0), ops_doubles(SEI_SUM_COUNT * ny, 0),
                    ops_doubles(SEI_SUM_COUNT * ny, 0)};
    for (size_t bin = 0; bin < n_bins; ++bin) {
        for (size_t y = 0; y < ny; ++y) {
            const size_t i = sei_slab_at(&c->slab, n_bins, bin, (int)y);
            const double n = (double)f->host[COUNTS][i], w = f->buffer[WEIGHT] == NULL ? 1 : (double)f->host[WEIGHT][i];
            const double r = f->buffer[BACKGROUND] == NULL ? 0 : (double)f->host[BACKGROUND][i];
            const double m = (double)f->model[i] + r, inverse = (double)f->host[ROW][f->per_slice ? i : bin];
            const bool used = em && w > 0 && m > 0;
            e->value[i] = em ? (used ? w * n / m : 0) : w * inverse * (n - m);
            e->size[i] = em ? fabs(e->value[i]) : inverse * (n + fabs(m));
            const double terms[SEI_SUM_COUNT] = {used ? w * (n * log(m) - m) : 0, used ? w * n : 0, w * (n - m) * (n - m), w * m};
            const double sizes[SEI_SUM_COUNT] = {(m > 0 ? fabs(n * log(m)) + n : 0) + m, n, (n + fabs(m)) * (n + fabs(m)),
                                                 fabs(m)};
            for (size_t k = 0; k < SEI_SUM_COUNT; ++k) {
                e->sums[k * ny + y] += terms[k];
                e->scale[k * ny + y] += sizes[k];
            }
        }
    }
}

/*
 * Sums: the terms may come from float arithmetic (a few 2^-24 each); they are added in double. Scale: the sum of the
 * terms' absolute values. In double the terms err by a few 2^-52, the cpu's logarithm by less than 1e-14.
 */
static void compare_sums(const ops_backend *b, const ops_case *c, const expected *e, const double *got) {
    const size_t ny = (size_t)c->slab.ny;
    for (size_t k = 0; k < SEI_SUM_COUNT * ny; ++k) {
        const double tolerance = (b->in_double ? 1e-13 : 16 * OPS_EPS) * e->scale[k];
        if (!(fabs(got[k] - e->sums[k]) <= tolerance)) {
            fail_msg("%s: sum %zu of slice %zu is %.15g, not %.15g, tolerance %.3g (seed %llu)", b->label, k / ny, k % ny, got[k],
                     e->sums[k], tolerance, (unsigned long long)c->seed);
        }
    }
}

/* Tolerance per element: at most 8 roundings to float, relative to the largest intermediate (no cancellation in EM's). */
static void check_field(const ops_backend *b, const ops_case *c, bool em) {
    fields f = {0};
    expected e;
    fields_make(b, c, &f);
    expect(c, em, &f, &e);
    const size_t n_sums = SEI_SUM_COUNT * (size_t)c->slab.ny;
    double *sums = ops_doubles(n_sums + 1, -7);
    assert_ok(run(c, b->device, em, &f, c->seed % 5 == 0 ? NULL : sums));
    assert_true(sums[n_sums] == -7);
    float *got = ops_read(b, f.sinogram, f.n, "sinogram"), *want = malloc(f.n * sizeof *want);
    for (size_t i = 0; i < f.n; ++i) {
        want[i] = (float)e.value[i];
        e.size[i] = (b->in_double ? 2 : 8) * OPS_EPS * e.size[i] + 1.5e-45; /* the smallest denormal */
    }
    ops_compare(b, c, em ? "em_ratio" : "sirt_residual", f.n, got, want, e.size);
    if (c->seed % 5 != 0) compare_sums(b, c, &e, sums);
    for (int k = 0; k < N_FIELDS; ++k) ops_unchanged(b, f.buffer[k], f.host[k], k == ROW ? f.n_row : f.n, "an input");
    ops_unchanged(b, f.volume, f.volume_values, f.n_volume, "the volume");
    fields_free(b->device, &f);
    free(e.value);
    free(e.size);
    free(e.sums);
    free(e.scale);
    free(sums);
    free(got);
    free(want);
}

void check_em_ratio(const ops_backend *b, const ops_case *c) {
    check_field(b, c, true);
}
void check_sirt_residual(const ops_backend *b, const ops_case *c) {
    check_field(b, c, false);
}

static sei_status update(const ops_case *c, sei_device *d, bool em, const sei_buffer *sinogram, const sei_buffer *inverse,
                         bool per_slice, sei_buffer *volume) {
    return em ? SEI_OP(d, em_update)(d, &c->slab, sinogram, inverse, per_slice, volume)
              : SEI_OP(d, sirt_update)(d, &c->slab, sinogram, inverse, per_slice, 0.75F, c->seed % 2 == 0, volume);
}

/* Tolerance: at most 8 roundings to float of the sum of the terms' sizes; the back projection is this backend's own. */
static void check_update(const ops_backend *b, const ops_case *c, bool em) {
    const size_t ny = (size_t)c->slab.ny, n = ops_volume_count(c), n_bins = ops_sinogram_count(c), n_voxels = n / ny;
    const bool per_slice = c->seed % 3 != 0;
    const size_t n_inverse = per_slice ? n : n_voxels;
    sei_device *d = b->device;
    if (c->value_mode == 2 && em) return; /* the product of three huge values is no float */
    float *bins = ops_values(c, 30, n_bins, !em), *inverse = ops_values(c, 31, n_inverse, false);
    float *values = ops_values(c, 32, n, !em);
    for (size_t i = 0; i < n_inverse; i += 7) inverse[i] = 0; /* voxels that these tilts do not see */
    sei_buffer *sinogram = ops_buffer(d, bins, n_bins), *factor = ops_buffer(d, inverse, n_inverse), *back = ops_output(d, n);
    sei_buffer *volume = ops_buffer(d, values, n);
    assert_ok(SEI_OP(d, backproject)(d, &c->slab, sinogram, back));
    assert_ok(update(c, d, em, sinogram, factor, per_slice, volume));
    float *sum = ops_read(b, back, n, "back projection"), *got = ops_read(b, volume, n, "volume"),
          *want = malloc(n * sizeof *want);
    double *tolerance = ops_doubles(n, 0);
    for (size_t voxel = 0; voxel < n_voxels; ++voxel) {
        for (size_t y = 0; y < ny; ++y) {
            const size_t i = sei_slab_at(&c->slab, n_voxels, voxel, (int)y);
            const double v = (double)values[i], factor_here = (double)inverse[per_slice ? i : voxel];
            const double step = (double)sum[i] * factor_here;
            double next = em ? v * step : v + 0.75 * step;
            if (!em && c->seed % 2 == 0 && next < 0) next = 0;
            const bool in_support = c->slab.support == NULL || c->slab.support[voxel] != 0;
            const bool inside = in_support && !(em && factor_here == 0);
            want[i] = inside ? (float)next : values[i];
            tolerance[i] = inside ? 8 * OPS_EPS * (em ? fabs(next) : fabs(v) + fabs(step)) + 1.5e-45 : 0;
        }
    }
    ops_compare(b, c, em ? "em_update" : "sirt_update", n, got, want, tolerance);
    ops_unchanged(b, sinogram, bins, n_bins, "the sinogram");
    ops_unchanged(b, factor, inverse, n_inverse, "the inverse sums");
    sei_buffer *const buffers[] = {sinogram, factor, back, volume};
    for (int k = 0; k < 4; ++k) ops_release(d, buffers[k]);
    float *const arrays[] = {bins, inverse, values, sum, got, want};
    for (int k = 0; k < 6; ++k) free(arrays[k]);
    free(tolerance);
}

void check_em_update(const ops_backend *b, const ops_case *c) {
    check_update(b, c, true);
}
void check_sirt_update(const ops_backend *b, const ops_case *c) {
    check_update(b, c, false);
}

static void refuse_field(const ops_backend *b, const ops_case *c, bool em) {
    fields f = {0};
    fields_make(b, c, &f);
    sei_buffer *small = NULL;
    assert_ok(SEI_OP(b->device, alloc)(b->device, (f.n_row < f.n_volume ? f.n_row : f.n_volume) - 1, &small));
    sei_buffer **const operands[] = {&f.buffer[COUNTS], &f.buffer[WEIGHT], &f.buffer[BACKGROUND],
                                     &f.volume,         &f.sinogram,       &f.buffer[ROW]};
    for (int k = 0; k < (em ? 5 : 6); ++k) {
        sei_buffer *kept = *operands[k];
        *operands[k] = small;
        assert_int_equal(run(c, b->device, em, &f, NULL), SEI_ERR_USAGE);
        *operands[k] = kept;
    }
    sei_buffer *kept = f.buffer[COUNTS];
    f.buffer[COUNTS] = NULL;
    assert_int_equal(run(c, b->device, em, &f, NULL), SEI_ERR_USAGE);
    f.buffer[COUNTS] = f.sinogram;
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
    const size_t n = ops_volume_count(c), n_bins = ops_sinogram_count(c), n_map = n / (size_t)c->slab.ny;
    sei_device *d = b->device;
    sei_buffer *sinogram = ops_buffer(d, NULL, n_bins), *inverse = ops_buffer(d, NULL, n), *volume = ops_buffer(d, NULL, n),
               *small = NULL, *map = NULL;
    assert_ok(SEI_OP(d, alloc)(d, n_map - 1, &small));
    assert_ok(SEI_OP(d, alloc)(d, n_map, &map));
    assert_int_equal(update(c, d, em, small, inverse, true, volume), SEI_ERR_USAGE);
    assert_int_equal(update(c, d, em, sinogram, map, true, volume), SEI_ERR_USAGE);
    assert_int_equal(update(c, d, em, sinogram, small, false, volume), SEI_ERR_USAGE);
    assert_int_equal(update(c, d, em, sinogram, inverse, true, small), SEI_ERR_USAGE);
    assert_int_equal(update(c, d, em, sinogram, NULL, true, volume), SEI_ERR_USAGE);
    assert_int_equal(update(c, d, em, sinogram, volume, true, volume), SEI_ERR_USAGE);
    sei_buffer *const buffers[] = {sinogram, inverse, volume, small, map};
    for (int k = 0; k < 5; ++k) ops_release(d, buffers[k]);
}

void refuse_em_update(const ops_backend *b, const ops_case *c) {
    refuse_update(b, c, true);
}
void refuse_sirt_update(const ops_backend *b, const ops_case *c) {
    refuse_update(b, c, false);
}

/* Projection and ratio together, as an iteration does it. */
static double bench_field(const ops_backend *b, const ops_case *c, bool em, double *seconds) {
    fields f = {0};
    float last = 0;
    fields_make(b, c, &f);
    double *sums = ops_doubles(SEI_SUM_COUNT * (size_t)c->slab.ny, 0);
    const double start = ops_now_s();
    assert_ok(run(c, b->device, em, &f, sums));
    assert_ok(SEI_OP(b->device, download)(b->device, f.sinogram, 0, 1, &last));
    *seconds = ops_now_s() - start;
    fields_free(b->device, &f);
    free(sums);
    return 1e-9 * (double)ops_volume_count(c) * c->slab.n_tilts;
}

double bench_em_ratio(const ops_backend *b, const ops_case *c, double *seconds) {
    return bench_field(b, c, true, seconds);
}
double bench_sirt_residual(const ops_backend *b, const ops_case *c, double *seconds) {
    return bench_field(b, c, false, seconds);
}

/* Back projection and update together. */
static double bench_update(const ops_backend *b, const ops_case *c, bool em, double *seconds) {
    const size_t n = ops_volume_count(c), n_map = n / (size_t)c->slab.ny;
    sei_device *d = b->device;
    float *values = ops_values(c, 1, n, false), *bins = ops_values(c, 2, ops_sinogram_count(c), false), last = 0;
    sei_buffer *sinogram = ops_buffer(d, bins, ops_sinogram_count(c)), *inverse = ops_buffer(d, values, n_map),
               *volume = ops_buffer(d, values, n);
    const double start = ops_now_s();
    assert_ok(update(c, d, em, sinogram, inverse, false, volume));
    assert_ok(SEI_OP(d, download)(d, volume, 0, 1, &last));
    *seconds = ops_now_s() - start;
    ops_release(d, sinogram);
    ops_release(d, inverse);
    ops_release(d, volume);
    free(values);
    free(bins);
    return 1e-9 * (double)n * c->slab.n_tilts;
}

double bench_em_update(const ops_backend *b, const ops_case *c, double *seconds) {
    return bench_update(b, c, true, seconds);
}
double bench_sirt_update(const ops_backend *b, const ops_case *c, double *seconds) {
    return bench_update(b, c, false, seconds);
}
