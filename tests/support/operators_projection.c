/* project and backproject. */
#include "support/operators.h"

/*
 * Tolerance: an element is a sum of N products of weights >= 0 with values. Rounding the weights to float and adding in
 * any order in float errs by at most (N + 3) * 2^-24 * sum |w v|, and that sum is ref's result on |v|. Which side of a
 * rounded edge a tap lies on may differ where its weight is below 1e-8.
 */
static double *tolerance_of(const float *scale, size_t n, double terms, double largest) {
    double *tolerance = ops_doubles(n, 0);
    for (size_t i = 0; i < n; ++i) tolerance[i] = (terms + 3) * OPS_EPS * (double)scale[i] + 1e-8 * terms * largest;
    return tolerance;
}

static void check_pair(const ops_backend *b, const ops_case *c, bool forward) {
    const size_t n_in = forward ? ops_volume_count(c) : ops_sinogram_count(c),
                 n_out = forward ? ops_sinogram_count(c) : ops_volume_count(c);
    float *values = ops_values(c, 1, n_in, true), *absolute = ops_absolute(values, n_in);
    const ops_backend reference = {.label = "ref", .device = b->ref, .ref = b->ref};
    sei_buffer *in = ops_buffer(b->device, values, n_in), *out = ops_output(b->device, n_out);
    sei_buffer *ref_in = ops_buffer(b->ref, values, n_in), *ref_absolute = ops_buffer(b->ref, absolute, n_in);
    sei_buffer *ref_out = ops_output(b->ref, n_out), *ref_scale = ops_output(b->ref, n_out);
    assert_ok(forward ? SEI_OP(b->device, project)(b->device, &c->slab, in, out)
                      : SEI_OP(b->device, backproject)(b->device, &c->slab, in, out));
    assert_ok(forward ? SEI_OP(b->ref, project)(b->ref, &c->slab, ref_in, ref_out)
                      : SEI_OP(b->ref, backproject)(b->ref, &c->slab, ref_in, ref_out));
    assert_ok(forward ? SEI_OP(b->ref, project)(b->ref, &c->slab, ref_absolute, ref_scale)
                      : SEI_OP(b->ref, backproject)(b->ref, &c->slab, ref_absolute, ref_scale));
    float *got = ops_read(b, out, n_out, "output"), *want = ops_read(&reference, ref_out, n_out, "output");
    float *scale = ops_read(&reference, ref_scale, n_out, "output");
    const int longest = c->slab.nx > c->slab.nz ? c->slab.nx : c->slab.nz;
    double *tolerance = tolerance_of(scale, n_out, forward ? 4.0 * longest : 3.0 * c->slab.n_tilts, ops_max(values, n_in));
    ops_compare(b, c, forward ? "project" : "backproject", n_out, got, want, tolerance);
    ops_unchanged(b, in, values, n_in, "input");
    ops_release(b->device, in);
    ops_release(b->device, out);
    ops_release(b->ref, ref_in);
    ops_release(b->ref, ref_absolute);
    ops_release(b->ref, ref_out);
    ops_release(b->ref, ref_scale);
    free(values);
    free(absolute);
    free(got);
    free(want);
    free(scale);
    free(tolerance);
}

void check_project(const ops_backend *b, const ops_case *c) {
    check_pair(b, c, true);
}
void check_backproject(const ops_backend *b, const ops_case *c) {
    check_pair(b, c, false);
}

static void refuse_pair(const ops_backend *b, const ops_case *c, bool forward) {
    const size_t n_volume = ops_volume_count(c), n_sinogram = ops_sinogram_count(c);
    sei_buffer *volume = NULL, *sinogram = NULL, *small = NULL;
    sei_device *d = b->device;
    assert_ok(SEI_OP(d, alloc)(d, n_volume, &volume));
    assert_ok(SEI_OP(d, alloc)(d, n_sinogram, &sinogram));
    assert_ok(SEI_OP(d, alloc)(d, (n_volume < n_sinogram ? n_volume : n_sinogram) - 1, &small));
#define RUN(slab, v, s) (forward ? SEI_OP(d, project)(d, slab, v, s) : SEI_OP(d, backproject)(d, slab, s, v))
    assert_ok(RUN(&c->slab, volume, sinogram));
    assert_int_equal(RUN(&c->slab, small, sinogram), SEI_ERR_USAGE);
    assert_int_equal(RUN(&c->slab, volume, small), SEI_ERR_USAGE);
    assert_int_equal(RUN(&c->slab, volume, NULL), SEI_ERR_USAGE);
    sei_slab wrong = c->slab;
    wrong.nz = 0;
    assert_int_equal(RUN(&wrong, volume, sinogram), SEI_ERR_USAGE);
    wrong = c->slab;
    wrong.kernel = (sei_kernel)7;
    assert_int_equal(RUN(&wrong, volume, sinogram), SEI_ERR_USAGE);
    wrong = c->slab;
    wrong.n_tilts = -1;
    assert_int_equal(RUN(&wrong, volume, sinogram), SEI_ERR_USAGE);
#undef RUN
    ops_release(d, volume);
    ops_release(d, sinogram);
    ops_release(d, small);
}

void refuse_project(const ops_backend *b, const ops_case *c) {
    refuse_pair(b, c, true);
}
void refuse_backproject(const ops_backend *b, const ops_case *c) {
    refuse_pair(b, c, false);
}

static double bench_pair(const ops_backend *b, const ops_case *c, bool forward, double *seconds) {
    float *values = ops_values(c, 1, ops_volume_count(c), false), *bins = ops_values(c, 2, ops_sinogram_count(c), false);
    sei_buffer *volume = ops_buffer(b->device, values, ops_volume_count(c)),
               *sinogram = ops_buffer(b->device, bins, ops_sinogram_count(c));
    float last = 0;
    const double start = ops_now_s();
    assert_ok(forward ? SEI_OP(b->device, project)(b->device, &c->slab, volume, sinogram)
                      : SEI_OP(b->device, backproject)(b->device, &c->slab, sinogram, volume));
    assert_ok(SEI_OP(b->device, download)(b->device, forward ? sinogram : volume, 0, 1, &last)); /* waits for the device */
    *seconds = ops_now_s() - start;
    ops_release(b->device, volume);
    ops_release(b->device, sinogram);
    free(values);
    free(bins);
    return 1e-9 * (double)ops_volume_count(c) * c->slab.n_tilts;
}

double bench_project(const ops_backend *b, const ops_case *c, double *seconds) {
    return bench_pair(b, c, true, seconds);
}
double bench_backproject(const ops_backend *b, const ops_case *c, double *seconds) {
    return bench_pair(b, c, false, seconds);
}
