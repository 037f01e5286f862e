/* expose: not near what ref gives but its very bits, however the image is cut. */
#include "support/operators.h"

/* Means of every kind: none, far below one, both sides of each method's border, large, and what is no mean. */
static float *means(const ops_case *c, size_t n) {
    static const float odd[] = {0,  -0.0F, -3, NAN,        INFINITY,  -INFINITY, 1e-45F,  1e-38F,   9.9999990F,
                                10, 10.5F, 15, 16777215.F, 3.999e12F, 1.1e15F,   1.2e15F, 3.402e38F};
    const size_t n_odd = sizeof odd / sizeof odd[0];
    float *values = malloc((n > 0 ? n : 1) * sizeof *values);
    if (values == NULL) abort();
    for (size_t i = 0; i < n; ++i) {
        const double r = sei_test_uniform(c->seed * 64 + 40, i);
        values[i] = c->value_mode == 1 ? odd[i % n_odd] : c->value_mode == 2 ? (float)(12 + 1000 * r) : (float)pow(10, 7 * r - 3);
        if (c->value_mode == 3) values[i] = (float)(12 * r);
        if (c->value_mode == 0 && i % 17 == 3) values[i] = odd[(i / 17) % n_odd];
    }
    return values;
}

static sei_exposure exposure_of(const ops_case *c) {
    return (sei_exposure){.seed = 0x9e3779b97f4a7c15ULL * c->seed,
                          .stream = (uint32_t)(c->seed * 77),
                          .first_index = c->seed % 2 == 0 ? 4294967290ULL : c->seed, /* over the word's border */
                          .counting = c->seed % 7 != 0,
                          .noise = c->seed % 3 == 0 ? 0 : 0.7};
}

static bool without_random_numbers(const ops_backend *b) {
    sei_buffer *buffer = ops_output(b->ref, 1);
    const sei_exposure nothing = {0};
    const sei_status status = SEI_OP(b->ref, expose)(b->ref, &nothing, 0, buffer, buffer);
    ops_release(b->ref, buffer);
    if (status == SEI_OK) return false;
    assert_int_equal(status, SEI_ERR_ENVIRONMENT);
    assert_refused(SEI_OP(b->device, expose)(b->device, &nothing, 0, NULL, NULL), SEI_ERR_ENVIRONMENT, "Random123");
    return true;
}

static void same_bits(const ops_backend *b, const ops_case *c, size_t n, const float *mean, const float *got, const float *want) {
    for (size_t i = 0; i < n; ++i) {
        if (memcmp(&got[i], &want[i], sizeof *got) == 0 || (isnan(got[i]) && isnan(want[i]))) continue;
        fail_msg("%s: expose: element %zu of mean %.9g is %.9g, ref has %.9g (seed %llu)", b->label, i, (double)mean[i],
                 (double)got[i], (double)want[i], (unsigned long long)c->seed);
    }
}

void check_expose(const ops_backend *b, const ops_case *c) {
    const ops_backend reference = {.label = "ref", .device = b->ref, .ref = b->ref};
    const size_t n = ops_volume_count(c), half = n / 3;
    const sei_exposure whole = exposure_of(c);
    sei_exposure rest = whole;
    if (without_random_numbers(b)) return;
    float *mean = means(c, n);
    sei_buffer *from = ops_buffer(b->device, mean, n), *to = ops_output(b->device, n),
               *tail = ops_buffer(b->device, mean + half, n - half);
    sei_buffer *ref_from = ops_buffer(b->ref, mean, n), *ref_to = ops_output(b->ref, n);
    assert_ok(SEI_OP(b->ref, expose)(b->ref, &whole, n, ref_from, ref_to));
    assert_ok(SEI_OP(b->device, expose)(b->device, &whole, n, from, to));
    float *want = ops_read(&reference, ref_to, n, "output"), *got = ops_read(b, to, n, "output");
    same_bits(b, c, n, mean, got, want);
    ops_unchanged(b, from, mean, n, "the mean");
    /* the image's last part by itself, in place */
    rest.first_index += half;
    assert_ok(SEI_OP(b->device, expose)(b->device, &rest, n - half, tail, tail));
    float *part = ops_read(b, tail, n - half, "output");
    same_bits(b, c, n - half, mean + half, part, want + half);
    for (size_t i = 0; i < n; ++i) {
        const double m = (double)mean[i], k = (double)want[i];
        if (!whole.counting || whole.noise > 0 || isnan(mean[i]) || m > 1e15) continue;
        /* nine deviations below, twelve and a rare count above, and rounding to float */
        const double rate = m > 0 ? m : 0, low = rate - 9 * sqrt(rate), high = rate + 12 * sqrt(rate) + (rate > 0 ? 12 : 0);
        if (!(k >= 0 && k == floor(k)) || k < low * (1 - OPS_EPS) || k > high * (1 + OPS_EPS)) {
            fail_msg("%s: expose: %.9g is no count of mean %.9g (seed %llu)", b->label, k, m, (unsigned long long)c->seed);
        }
    }
    sei_buffer *buffers[] = {from, to, tail};
    for (int k = 0; k < 3; ++k) ops_release(b->device, buffers[k]);
    ops_release(b->ref, ref_from);
    ops_release(b->ref, ref_to);
    free(mean);
    free(want);
    free(got);
    free(part);
}

void refuse_expose(const ops_backend *b, const ops_case *c) {
    static const double noises[] = {-1, NAN, INFINITY};
    const sei_exposure good = exposure_of(c);
    if (without_random_numbers(b)) return;
    sei_buffer *mean = ops_buffer(b->device, NULL, 10), *out = ops_buffer(b->device, NULL, 10);
    const size_t held = 10 + OPS_GUARD;
    assert_refused(SEI_OP(b->device, expose)(b->device, NULL, 10, mean, out), SEI_ERR_USAGE, "no exposure");
    assert_refused(SEI_OP(b->device, expose)(b->device, &good, held + 1, mean, out), SEI_ERR_USAGE, "the mean holds");
    assert_refused(SEI_OP(b->device, expose)(b->device, &good, 10, NULL, out), SEI_ERR_USAGE, "no mean");
    assert_refused(SEI_OP(b->device, expose)(b->device, &good, 10, mean, NULL), SEI_ERR_USAGE, "no output");
    for (int k = 0; k < 3; ++k) {
        sei_exposure bad = good;
        bad.noise = noises[k];
        assert_refused(SEI_OP(b->device, expose)(b->device, &bad, 10, mean, out), SEI_ERR_USAGE, "noise");
    }
    assert_ok(SEI_OP(b->device, expose)(b->device, &good, 0, mean, out));
    ops_release(b->device, mean);
    ops_release(b->device, out);
}

/* kernel 0: mean 0.5; kernel 1: mean 1000. */
double bench_expose(const ops_backend *b, const ops_case *c, double *seconds) {
    const size_t n = ops_volume_count(c);
    const sei_exposure exposure = {.seed = 11, .stream = 3, .counting = true};
    float last = 0;
    if (without_random_numbers(b)) return 0;
    sei_buffer *mean = ops_buffer(b->device, NULL, n), *out = ops_buffer(b->device, NULL, n);
    assert_ok(SEI_OP(b->device, fill)(b->device, mean, c->slab.kernel == SEI_KERNEL_LINEAR ? 0.5F : 1000));
    const double start = ops_now_s();
    assert_ok(SEI_OP(b->device, expose)(b->device, &exposure, n, mean, out));
    assert_ok(SEI_OP(b->device, download)(b->device, out, 0, 1, &last));
    *seconds = ops_now_s() - start;
    ops_release(b->device, mean);
    ops_release(b->device, out);
    return 1e-9 * (double)n;
}
