/*
 * Claims about the CUDA module's projectors, on cuda-emulated here and on a card where there is one: every projector (rays,
 * tiles of 16 x 8 and of 16 x 16 columns) gives what ref gives and is its own transpose to 1e-6; the small scratch of a small
 * card changes no bit; --fast agrees with the fixed order to 1e-6 and says so in the record; a repeated body gives the bits
 * of the direct calls, whatever it contains, before and after buffers are released; tiles outside a support are skipped and
 * those across its border are not; copies begun beside the work arrive; a card's share of shared memory chooses the tile.
 */
#include "seitomo/backend.h"
#include "support/operators.h"

enum { NX = 35, NZ = 18, NU = 41, N_TILTS = 5, NY = 131, N_STEPS = 3 };

static sei_device *open_as(const char *name, const char *projector, bool fast) {
    const sei_device_options wanted = {.name = name, .threads = 2, .fast = fast};
    sei_device *d = NULL;
    if (projector != NULL) setenv("SEITOMO_CUDA_PROJECTOR", projector, 1);
    assert_ok(sei_device_open(&wanted, &d));
    unsetenv("SEITOMO_CUDA_PROJECTOR");
    return d;
}

static void make_case(ops_case *c, sei_kernel kernel, double max_tilt_deg) {
    memset(c, 0, sizeof *c);
    c->seed = 21;
    c->slab.kernel = kernel;
    ops_case_geometry(c, NX, NZ, NU, NY, N_TILTS, max_tilt_deg);
    for (int t = 0; t < N_TILTS; ++t) c->axis_u[t] += 0.3 * t - 1;
}

/* EM and SIRT steps on random numbers; the last volume, sinogram and sums behind one another. */
typedef struct steps {
    sei_device *device;
    const sei_slab *slab;
    sei_buffer *volume, *counts, *inverse, *row, *sinogram;
    double *sums;
} steps;

static sei_status em_step(void *context) {
    const steps *s = context;
    const sei_status status =
        SEI_OP(s->device, em_ratio)(s->device, s->slab, s->volume, s->counts, NULL, NULL, s->sinogram, s->sums);
    if (status != SEI_OK) return status;
    return SEI_OP(s->device, em_update)(s->device, s->slab, s->sinogram, s->inverse, false, s->volume);
}

/* What no graph can hold: a download in the middle. */
static sei_status looking_step(void *context) {
    const steps *s = context;
    float value = 0;
    const sei_status status = em_step(context);
    return status != SEI_OK ? status : SEI_OP(s->device, download)(s->device, s->volume, 0, 1, &value);
}

static float *run_steps(sei_device *d, const ops_case *c, sei_status (*body)(void *), bool repeated) {
    const size_t n_volume = ops_volume_count(c), n_sinogram = ops_sinogram_count(c), n_sums = SEI_SUM_COUNT * (size_t)c->slab.ny;
    float *volume = ops_values(c, 1, n_volume, false), *counts = ops_values(c, 2, n_sinogram, false);
    float *inverse = ops_values(c, 3, (size_t)NX * NZ, false), *out = malloc((n_volume + n_sinogram + n_sums) * sizeof *out);
    steps s = {.device = d, .slab = &c->slab, .sums = ops_doubles(n_sums, 0)};
    s.volume = ops_buffer(d, volume, n_volume);
    s.counts = ops_buffer(d, counts, n_sinogram);
    s.inverse = ops_buffer(d, inverse, (size_t)NX * NZ);
    s.sinogram = ops_output(d, n_sinogram);
    for (int k = 0; k < N_STEPS; ++k) {
        for (size_t i = 0; i < n_sums; ++i) s.sums[i] = NAN;
        assert_ok(repeated ? SEI_OP(d, repeat)(d, &s, body, &s) : body(&s));
        for (size_t i = 0; i < n_sums; ++i) assert_true(isfinite(s.sums[i]));
    }
    assert_ok(SEI_OP(d, download)(d, s.volume, 0, n_volume, out));
    assert_ok(SEI_OP(d, download)(d, s.sinogram, 0, n_sinogram, out + n_volume));
    for (size_t i = 0; i < n_sums; ++i) out[n_volume + n_sinogram + i] = (float)s.sums[i];
    sei_buffer *buffers[] = {s.volume, s.counts, s.inverse, s.sinogram};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; ++i) ops_release(d, buffers[i]);
    free(s.sums);
    free(volume);
    free(counts);
    free(inverse);
    return out;
}

static size_t steps_count(const ops_case *c) {
    return ops_volume_count(c) + ops_sinogram_count(c) + SEI_SUM_COUNT * (size_t)c->slab.ny;
}

/* <A x, y> = <x, A' y>, in double. */
static void check_adjoint(sei_device *d, const ops_case *c) {
    const size_t n_volume = ops_volume_count(c), n_sinogram = ops_sinogram_count(c);
    float *x = ops_values(c, 4, n_volume, false), *y = ops_values(c, 5, n_sinogram, false);
    float *ax = malloc(n_sinogram * sizeof *ax), *aty = malloc(n_volume * sizeof *aty);
    sei_buffer *volume = ops_buffer(d, x, n_volume), *sinogram = ops_buffer(d, y, n_sinogram);
    sei_buffer *forward = ops_output(d, n_sinogram), *back = ops_output(d, n_volume);
    assert_ok(SEI_OP(d, project)(d, &c->slab, volume, forward));
    assert_ok(SEI_OP(d, backproject)(d, &c->slab, sinogram, back));
    assert_ok(SEI_OP(d, download)(d, forward, 0, n_sinogram, ax));
    assert_ok(SEI_OP(d, download)(d, back, 0, n_volume, aty));
    double left = 0, right = 0;
    for (size_t i = 0; i < n_sinogram; ++i) left += (double)ax[i] * (double)y[i];
    for (size_t i = 0; i < n_volume; ++i) right += (double)x[i] * (double)aty[i];
    if (!(fabs(left - right) <= 1e-6 * fabs(left))) fail_msg("<Ax,y> = %.9g, <x,A'y> = %.9g", left, right);
    sei_buffer *buffers[] = {volume, sinogram, forward, back};
    for (size_t i = 0; i < 4; ++i) ops_release(d, buffers[i]);
    free(x);
    free(y);
    free(ax);
    free(aty);
}

static const char *const projectors[] = {"rays", "tiles16x8", "tiles16x16"};
static int n_projectors = 3; /* a card with 99 KiB of shared memory a block has the first two */
static const char *backend = "cuda-emulated";

static void every_projector_is_right(void **state) {
    (void)state;
    ops_backend here = {.device = NULL, .in_double = true};
    const sei_device_options ref = {.name = "ref"};
    assert_ok(sei_device_open(&ref, &here.ref));
    for (int p = 0; p < n_projectors; ++p) {
        here.device = open_as(backend, projectors[p], false);
        snprintf(here.label, sizeof here.label, "%s", projectors[p]);
        for (uint64_t index = 5; index < 8; ++index) {
            ops_case c;
            ops_case_make(index, &c);
            check_project(&here, &c);
            check_backproject(&here, &c);
            check_em_ratio(&here, &c);
            check_em_update(&here, &c);
            check_sirt_residual(&here, &c);
            check_sirt_update(&here, &c);
        }
        for (int kernel = 0; kernel < 2; ++kernel) {
            ops_case c;
            make_case(&c, (sei_kernel)kernel, 90);
            check_adjoint(here.device, &c);
        }
        sei_device_close(here.device);
    }
    sei_device_close(here.ref);
}

/* One row of tiles, one tilt and one chunk of slices at a time give the bits of all at once. */
static void a_small_scratch_changes_nothing(void **state) {
    (void)state;
    for (int kernel = 0; kernel < 2; ++kernel) {
        ops_case c;
        make_case(&c, (sei_kernel)kernel, 70);
        sei_device *large = open_as(backend, "tiles16x8", false);
        setenv("SEITOMO_CUDA_PARTIAL_MIB", "0", 1);
        sei_device *small = open_as(backend, "tiles16x8", false);
        unsetenv("SEITOMO_CUDA_PARTIAL_MIB");
        float *want = run_steps(large, &c, em_step, false), *got = run_steps(small, &c, em_step, false);
        assert_memory_equal(got, want, steps_count(&c) * sizeof *want);
        free(want);
        free(got);
        sei_device_close(large);
        sei_device_close(small);
    }
}

static void fast_agrees_and_says_so(void **state) {
    (void)state;
    char record[SEI_NAME_LENGTH];
    ops_case c;
    make_case(&c, SEI_KERNEL_STRIP, 60);
    sei_device *exact = open_as(backend, NULL, false), *fast = open_as(backend, NULL, true);
    sei_device_record(exact, record);
    assert_string_equal(record, backend);
    sei_device_record(fast, record);
    assert_non_null(strstr(record, "(fast)"));
    for (int kernel = 0; kernel < 2; ++kernel) {
        c.slab.kernel = (sei_kernel)kernel;
        float *want = run_steps(exact, &c, em_step, false), *got = run_steps(fast, &c, em_step, false);
        for (size_t i = 0; i < steps_count(&c); ++i) {
            if (!(fabsf(got[i] - want[i]) <= 1e-5F * fabsf(want[i]) + 1e-6F)) fail_msg("%zu: %g, not %g", i, got[i], want[i]);
        }
        check_adjoint(fast, &c);
        free(want);
        free(got);
    }
    sei_device_close(exact);
    sei_device_close(fast);
}

static void repeated_work_gives_the_same_bits(void **state) {
    (void)state;
    for (int p = 0; p < n_projectors; ++p) {
        sei_device *d = open_as(backend, projectors[p], false);
        for (int kernel = 0; kernel < 2; ++kernel) {
            ops_case c;
            make_case(&c, (sei_kernel)kernel, 60);
            c.slab.block = kernel == 0 ? 0 : 64;
            float *want = run_steps(d, &c, em_step, false), *got = run_steps(d, &c, em_step, true);
            float *looked = run_steps(d, &c, looking_step, true); /* the same key, other buffers, another body */
            assert_memory_equal(got, want, steps_count(&c) * sizeof *want);
            assert_memory_equal(looked, want, steps_count(&c) * sizeof *want);
            free(want);
            free(got);
            free(looked);
        }
        sei_device_close(d);
    }
}

static void tiles_outside_the_support_are_left_out(void **state) {
    (void)state;
    ops_case c;
    uint8_t support[NX * NZ], everywhere[NX * NZ];
    make_case(&c, SEI_KERNEL_LINEAR, 60);
    for (int z = 0; z < NZ; ++z) {
        for (int x = 0; x < NX; ++x) support[z * NX + x] = x > 3 && x < 14 && z > 10; /* two tiles of six */
    }
    memset(everywhere, 1, sizeof everywhere);
    sei_device *d = open_as(backend, NULL, false);
    const size_t n_volume = ops_volume_count(&c), n_sinogram = ops_sinogram_count(&c);
    float *values = ops_values(&c, 1, n_volume, false), *bins = ops_values(&c, 2, n_sinogram, false);
    for (size_t i = 0; i < n_volume; ++i) values[i] = support[i / NY] != 0 ? values[i] : 0;
    float *got = malloc(n_sinogram * sizeof *got), *want = malloc(n_sinogram * sizeof *want);
    float *back = malloc(n_volume * sizeof *back), *whole = malloc(n_volume * sizeof *whole);
    sei_buffer *volume = ops_buffer(d, values, n_volume), *sinogram = ops_output(d, n_sinogram);
    const uint8_t *masks[] = {everywhere, support};
    for (int k = 0; k < 2; ++k) {
        c.slab.support = masks[k];
        assert_ok(SEI_OP(d, upload)(d, volume, 0, n_volume, values));
        assert_ok(SEI_OP(d, project)(d, &c.slab, volume, sinogram));
        assert_ok(SEI_OP(d, download)(d, sinogram, 0, n_sinogram, k == 0 ? want : got));
        assert_ok(SEI_OP(d, upload)(d, sinogram, 0, n_sinogram, bins));
        assert_ok(SEI_OP(d, backproject)(d, &c.slab, sinogram, volume));
        assert_ok(SEI_OP(d, download)(d, volume, 0, n_volume, k == 0 ? whole : back));
    }
    assert_memory_equal(got, want, n_sinogram * sizeof *got); /* 0 added or not added */
    for (size_t i = 0; i < n_volume; ++i) assert_true(back[i] == (support[i / NY] != 0 ? whole[i] : 0));
    ops_release(d, volume);
    ops_release(d, sinogram);
    sei_device_close(d);
    float *all[] = {values, bins, got, want, back, whole};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; ++i) free(all[i]);
}

/* Copies begun before an operator that works on other buffers are there when they are finished. */
static void copies_go_beside_the_work(void **state) {
    (void)state;
    ops_case c;
    make_case(&c, SEI_KERNEL_LINEAR, 60);
    sei_device *d = open_as(backend, NULL, false);
    const size_t n = 1000, n_volume = ops_volume_count(&c), n_sinogram = ops_sinogram_count(&c);
    float *values = ops_values(&c, 1, n_volume, false), *there = NULL, *back = NULL;
    sei_buffer *volume = ops_buffer(d, values, n_volume), *sinogram = ops_output(d, n_sinogram), *other = NULL;
    assert_ok(SEI_OP(d, alloc)(d, n, &other));
    assert_ok(SEI_OP(d, alloc_host)(d, n, &there));
    assert_ok(SEI_OP(d, alloc_host)(d, n, &back));
    for (size_t i = 0; i < n; ++i) there[i] = (float)i;
    assert_ok(SEI_OP(d, upload_begin)(d, other, 0, n, there));
    assert_ok(SEI_OP(d, project)(d, &c.slab, volume, sinogram));
    assert_ok(SEI_OP(d, finish)(d));
    assert_ok(SEI_OP(d, download_begin)(d, other, 10, n - 10, back));
    assert_ok(SEI_OP(d, backproject)(d, &c.slab, sinogram, volume));
    assert_ok(SEI_OP(d, finish)(d));
    for (size_t i = 0; i < n - 10; ++i) assert_true(back[i] == (float)(i + 10));
    assert_refused(SEI_OP(d, upload_begin)(d, other, 1, n, there), SEI_ERR_USAGE, "a buffer of 1000");
    assert_refused(SEI_OP(d, download_begin)(d, NULL, 0, n, there), SEI_ERR_USAGE, "no buffer");
    assert_refused(SEI_OP(d, alloc_host)(d, SIZE_MAX / 2, &there), SEI_ERR_MEMORY, "more than any memory");
    d->backend->release_host(d, there);
    d->backend->release_host(d, back);
    d->backend->release_host(d, NULL);
    ops_release(d, volume);
    ops_release(d, sinogram);
    ops_release(d, other);
    sei_device_close(d);
    free(values);
}

static void shared_memory_chooses_the_tile(void **state) {
    (void)state;
    sei_device *d = NULL;
    const sei_device_options wanted = {.name = "cuda-emulated"};
    static const struct {
        const char *kib, *says;
    } cards[] = {{"227", "tiles of 16 x 16"}, {"163", "tiles of 16 x 16"}, {"99", "tiles of 16 x 8"}, {"48", "rays"}};
    for (int k = 0; k < 4; ++k) {
        setenv("SEITOMO_EMULATED_SHARED_KIB", cards[k].kib, 1);
        assert_ok(sei_device_open(&wanted, &d));
        if (strstr(d->backend->description, cards[k].says) == NULL) fail_msg("%s KiB: %s", cards[k].kib, d->backend->description);
        sei_device_close(d);
    }
    setenv("SEITOMO_CUDA_PROJECTOR", "tiles16x8", 1);
    assert_refused(sei_device_open(&wanted, &d), SEI_ERR_ENVIRONMENT, "more shared memory");
    setenv("SEITOMO_CUDA_PROJECTOR", "pencils", 1);
    assert_refused(sei_device_open(&wanted, &d), SEI_ERR_USAGE, "rays, tiles16x8 or tiles16x16");
    unsetenv("SEITOMO_CUDA_PROJECTOR");
    unsetenv("SEITOMO_EMULATED_SHARED_KIB");
}

int main(int argc, char **argv) {
    if (argc > 1) cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_projector_is_right),
        cmocka_unit_test(a_small_scratch_changes_nothing),
        cmocka_unit_test(fast_agrees_and_says_so),
        cmocka_unit_test(repeated_work_gives_the_same_bits),
        cmocka_unit_test(tiles_outside_the_support_are_left_out),
        cmocka_unit_test(copies_go_beside_the_work),
        cmocka_unit_test(shared_memory_chooses_the_tile),
    };
    const char *absence = sei_backend_absence(backend);
    if (absence != NULL && strstr(absence, "not found") != NULL) {
        printf("skipped: %s\n", absence);
        return 0;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    backend = "cuda";
    if (sei_backend_absence(backend) != NULL) return failed;
    setenv("SEITOMO_CUDA_PROJECTOR", projectors[2], 1);
    if (sei_backend_absence(backend) != NULL) n_projectors = 2;
    unsetenv("SEITOMO_CUDA_PROJECTOR");
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
