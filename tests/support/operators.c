#include "support/operators.h"

#include <float.h>
#include <time.h>

#include "core/alloc.h"

static const float guard_value = -12345.5F;

double ops_now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int pick(uint64_t seed, uint64_t n, int count) {
    return (int)(sei_test_uniform(seed, n) * count);
}

void ops_case_geometry(ops_case *c, int nx, int nz, int nu, int ny, int n_tilts, double max_tilt_deg) {
    c->slab = (sei_slab){.nx = nx,
                         .nz = nz,
                         .nu = nu,
                         .ny = ny,
                         .n_tilts = n_tilts,
                         .cos_tilt = c->cos_tilt,
                         .sin_tilt = c->sin_tilt,
                         .axis_u = c->axis_u,
                         .kernel = c->slab.kernel};
    for (int t = 0; t < n_tilts; ++t) {
        const double degrees = n_tilts == 1 ? max_tilt_deg : -max_tilt_deg + 2 * max_tilt_deg * t / (n_tilts - 1);
        c->cos_tilt[t] = cos(degrees * 3.14159265358979323846 / 180);
        c->sin_tilt[t] = sin(degrees * 3.14159265358979323846 / 180);
        c->axis_u[t] = 0.5 * (nu - 1);
    }
}

void ops_case_make(uint64_t index, ops_case *c) {
    static const int sides[] = {1, 2, 3, 5, 7, 8, 13, 16, 17, 24, 31, 33};
    static const int widths[] = {1, 3, 4, 5, 8, 9, 15, 16, 17, 31, 33, 64, 65, 67, 97, 131};
    static const double ranges[] = {0, 30, 45, 60, 77.7, 90};
    const uint64_t seed = 1000 + index;
    memset(c, 0, sizeof *c);
    c->seed = seed;
    c->slab.kernel = index % 2 == 0 ? SEI_KERNEL_LINEAR : SEI_KERNEL_STRIP;
    c->value_mode = pick(seed, 0, 6);
    if (c->value_mode > 3) c->value_mode = 0;
    const int n_tilts = pick(seed, 1, 3) == 0 ? 1 : 1 + pick(seed, 2, index % 8 == 7 ? OPS_RANDOM_TILTS : 9);
    ops_case_geometry(c, sides[pick(seed, 3, 12)], sides[pick(seed, 4, 12)], sides[pick(seed, 5, 12)], widths[pick(seed, 6, 16)],
                      n_tilts, ranges[pick(seed, 7, 6)] * (pick(seed, 8, 2) == 0 ? 1 : -1));
    static const int blocks[] = {0, 0, 1, 7, 16, 64};
    c->slab.block = blocks[pick(seed, 9, 6)];
    if (pick(seed, 10, 3) == 0) {
        for (int i = 0; i < c->slab.nx * c->slab.nz; ++i) c->support[i] = sei_test_uniform(seed, 1000 + (uint64_t)i) < 0.6;
        c->slab.support = c->support;
    }
    for (int t = 0; t < n_tilts; ++t) c->axis_u[t] += index % 3 == 0 ? 0 : 3 * sei_test_uniform(seed, 20 + (uint64_t)t) - 1.5;
}

size_t ops_volume_count(const ops_case *c) {
    return (size_t)c->slab.nx * (size_t)c->slab.nz * (size_t)c->slab.ny;
}
size_t ops_sinogram_count(const ops_case *c) {
    return (size_t)c->slab.n_tilts * (size_t)c->slab.nu * (size_t)c->slab.ny;
}

float *ops_values(const ops_case *c, uint64_t stream, size_t n, bool signs) {
    float *values = malloc((n > 0 ? n : 1) * sizeof *values);
    if (values == NULL) abort();
    for (size_t i = 0; i < n; ++i) {
        const double r = sei_test_uniform(c->seed * 64 + stream, i);
        if (c->value_mode == 1) values[i] = 0;
        if (c->value_mode == 0) values[i] = r < 0.2 ? 0 : (float)r;
        if (c->value_mode == 2) values[i] = (float)(1e18 * r);
        if (c->value_mode == 3) values[i] = (float)(signs ? 2 * r - 1 : r);
    }
    return values;
}

float *ops_absolute(const float *from, size_t n) {
    float *values = malloc((n > 0 ? n : 1) * sizeof *values);
    if (values == NULL) abort();
    for (size_t i = 0; i < n; ++i) values[i] = fabsf(from[i]);
    return values;
}

double ops_max(const float *a, size_t n) {
    double largest = 0;
    for (size_t i = 0; i < n; ++i) { /* gcc 12 for ARM fails on fmax over converted floats, here and elsewhere */
        const double size = fabs((double)a[i]);
        largest = size > largest ? size : largest;
    }
    return largest;
}

double ops_norm(const float *a, size_t n, size_t stride) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += (double)a[i * stride] * (double)a[i * stride];
    return sqrt(sum);
}

double *ops_doubles(size_t n, double value) {
    double *values = malloc((n > 0 ? n : 1) * sizeof *values);
    if (values == NULL) abort();
    for (size_t i = 0; i < n; ++i) values[i] = value;
    return values;
}

sei_buffer *ops_buffer(sei_device *device, const float *values, size_t n) {
    sei_buffer *buffer = NULL;
    assert_ok(SEI_OP(device, alloc)(device, n + OPS_GUARD, &buffer));
    assert_ok(SEI_OP(device, fill)(device, buffer, guard_value));
    if (values != NULL) assert_ok(SEI_OP(device, upload)(device, buffer, 0, n, values));
    return buffer;
}

sei_buffer *ops_output(sei_device *device, size_t n) {
    float *nothing = malloc((n > 0 ? n : 1) * sizeof *nothing);
    if (nothing == NULL) abort();
    for (size_t i = 0; i < n; ++i) nothing[i] = NAN;
    sei_buffer *buffer = ops_buffer(device, nothing, n);
    free(nothing);
    return buffer;
}

float *ops_read(const ops_backend *b, sei_buffer *buffer, size_t n, const char *what) {
    float *values = malloc((n + OPS_GUARD) * sizeof *values);
    if (values == NULL) abort();
    assert_ok(SEI_OP(b->device, download)(b->device, buffer, 0, n + OPS_GUARD, values));
    for (size_t i = n; i < n + OPS_GUARD; ++i) {
        if (values[i] != guard_value) fail_msg("%s: %s: wrote %zu floats past its end", b->label, what, i - n + 1);
    }
    return values;
}

void ops_unchanged(const ops_backend *b, sei_buffer *buffer, const float *values, size_t n, const char *what) {
    if (buffer == NULL) return;
    float *now = ops_read(b, buffer, n, what);
    if (memcmp(now, values, n * sizeof *now) != 0) fail_msg("%s: %s was changed", b->label, what);
    free(now);
}

void ops_release(sei_device *device, sei_buffer *buffer) {
    SEI_OP(device, release)(device, buffer);
}

void ops_compare(const ops_backend *b, const ops_case *c, const char *op, size_t n, const float *got, const float *want,
                 const double *tolerance) {
    for (size_t i = 0; i < n; ++i) {
        const double difference = fabs((double)got[i] - (double)want[i]);
        if (difference <= tolerance[i]) continue;
        fail_msg(
            "%s: %s: element %zu is %.9g, ref has %.9g, tolerance %.3g (seed %llu: nx %d nz %d nu %d ny %d in blocks of %d, %d "
            "tilts, "
            "kernel %d, values %d, support %d)",
            b->label, op, i, (double)got[i], (double)want[i], tolerance[i], (unsigned long long)c->seed, c->slab.nx, c->slab.nz,
            c->slab.nu, c->slab.ny, c->slab.block, c->slab.n_tilts, (int)c->slab.kernel, c->value_mode, c->slab.support != NULL);
    }
}

static bool open_one(const char *name, const char *isa, sei_device *ref, ops_backend *out) {
    const sei_device_options wanted = {.name = name, .isa = isa, .threads = 2};
    sei_device *device = NULL;
    const sei_status status = sei_device_open(&wanted, &device);
    if (status != SEI_OK) {
        printf("not here: %s %s: %s\n", name, isa == NULL ? "" : isa, sei_last_error());
        assert_int_equal(status, SEI_ERR_ENVIRONMENT);
        return false;
    }
    *out = (ops_backend){.device = device, .ref = ref, .in_double = true};
    snprintf(out->label, sizeof out->label, "%s%s%s", name, isa == NULL ? "" : " ", isa == NULL ? "" : isa);
    return true;
}

int ops_backends(ops_backend backends[OPS_MAX_BACKENDS]) {
    static const char *const wanted[][2] = {{"cpu", "baseline"}, {"cpu", "avx2"},         {"cpu", "avx512"},
                                            {"cpu", "neon"},     {"cuda-emulated", NULL}, {"cuda", NULL}};
    sei_device *ref = NULL;
    int n = 0;
    const sei_device_options options = {.name = "ref"};
    assert_ok(sei_device_open(&options, &ref));
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; ++i) n += open_one(wanted[i][0], wanted[i][1], ref, &backends[n]);
    return n;
}

void ops_backends_close(int n, ops_backend *backends) {
    if (n > 0) sei_device_close(backends[0].ref);
    for (int i = 0; i < n; ++i) sei_device_close(backends[i].device);
}
