/*
 * Claims: every operator of every backend gives what ref gives, within a tolerance derived beside each check, on random
 * shapes that include 1, odd, prime and just over a vector, tilts of +-90 degrees, one tilt, zeros and huge values; it
 * writes nothing outside its output and leaves its inputs alone; it refuses buffers that are too small and senseless
 * numbers. The cpu's results have the same bits for every number of threads and every width of a slab or block.
 *
 *   test_operators                    the tests
 *   test_operators --bench [N [NY]]   times every operator on N x N slices (512), NY of them (64), 25 tilts
 *   test_operators --bits             a hash of the cpu's projections per arithmetic, the same on every processor
 *   test_operators --apply project|backproject BACKEND linear|strip NX NZ NU DEGREES...
 *                                     one slice: raw floats from standard input to standard output, for other programs
 */
#include "core/instruction_sets.h"
#include "support/operators.h"

static const ops_entry entries[] = {
#define X(op, parameters) {#op, check_##op, refuse_##op, bench_##op},
    SEI_OPERATOR_LIST(X)
#undef X
};
enum { N_ENTRIES = sizeof entries / sizeof entries[0], N_CASES = 60, N_CASES_EMULATED = 5 };

static void operators_agree_with_ref(void **state) {
    ops_backend backends[OPS_MAX_BACKENDS];
    (void)state;
    const int n = ops_backends(backends);
    assert_true(n >= 1); /* cpu with its baseline is always there */
    for (int b = 0; b < n; ++b) {
        const uint64_t n_cases = strcmp(backends[b].label, "cuda-emulated") == 0 ? N_CASES_EMULATED : N_CASES; /* slow */
        for (uint64_t index = 0; index < n_cases; ++index) {
            ops_case c;
            ops_case_make(index, &c);
            for (int e = 0; e < N_ENTRIES; ++e) entries[e].check(&backends[b], &c);
        }
    }
    ops_backends_close(n, backends);
}

/* Larger than the parts in which the cpu works: several regions each way, and more tilts than it takes at once. */
static void projections_of_many_parts_agree_with_ref(void **state) {
    static const struct {
        int nx, nz, nu, ny, block, n_tilts;
        sei_kernel kernel;
        bool support;
    } cases[] = {{150, 139, 170, 5, 0, 9, SEI_KERNEL_LINEAR, false},
                 {70, 150, 75, 3, 2, 41, SEI_KERNEL_STRIP, true},
                 {139, 70, 600, 70, 67, 3, SEI_KERNEL_STRIP, false},
                 {67, 35, 70, 2, 0, OPS_MAX_TILTS, SEI_KERNEL_LINEAR, true}};
    ops_backend backends[OPS_MAX_BACKENDS];
    (void)state;
    const int n = ops_backends(backends);
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; ++k) {
        ops_case c;
        memset(&c, 0, sizeof c);
        c.seed = 100 + k;
        ops_case_geometry(&c, cases[k].nx, cases[k].nz, cases[k].nu, cases[k].ny, cases[k].n_tilts, 80);
        c.slab.kernel = cases[k].kernel;
        c.slab.block = cases[k].block;
        const int area = c.slab.nx * c.slab.nz;
        uint8_t *support = malloc((size_t)area);
        assert_non_null(support);
        for (int i = 0; i < area; ++i) { /* a disc with holes */
            const double x = i % c.slab.nx - 0.4 * c.slab.nx, z = i / c.slab.nx - 0.5 * c.slab.nz;
            support[i] = hypot(x, z) < 24 && i % 17 != 0;
        }
        if (cases[k].support) c.slab.support = support;
        for (int b = 0; b < n; ++b) {
            if (strncmp(backends[b].label, "cpu", 3) != 0) continue; /* the others know no such parts */
            check_project(&backends[b], &c);
            check_backproject(&backends[b], &c);
            check_em_update(&backends[b], &c);
        }
        free(support);
    }
    ops_backends_close(n, backends);
}

static void operators_refuse(void **state) {
    ops_backend backends[OPS_MAX_BACKENDS];
    (void)state;
    const int n = ops_backends(backends);
    backends[n] = (ops_backend){.label = "ref", .device = backends[0].ref, .ref = backends[0].ref};
    for (int b = 0; b <= n; ++b) {
        ops_case c;
        memset(&c, 0, sizeof c);
        c.seed = 7;
        ops_case_geometry(&c, 5, 6, 7, 3, 2, 60);
        for (int e = 0; e < N_ENTRIES; ++e) entries[e].refuse(&backends[b], &c);
    }
    ops_backends_close(n, backends);
}

/* Runs every projection of a case on a cpu device and returns volume and sinogram behind each other. */
static float *run_cpu(const char *isa, int threads, const ops_case *c, const float *volume, const float *sinogram) {
    const sei_device_options wanted = {.name = "cpu", .isa = isa, .threads = threads};
    sei_device *d = NULL;
    if (sei_device_open(&wanted, &d) != SEI_OK) return NULL;
    const size_t n_volume = ops_volume_count(c), n_sinogram = ops_sinogram_count(c);
    float *all = malloc((n_volume + 2 * n_sinogram) * sizeof *all);
    double *sums = ops_doubles(SEI_SUM_COUNT * (size_t)c->slab.ny, 0);
    sei_buffer *v = ops_buffer(d, volume, n_volume), *s = ops_output(d, n_sinogram),
               *counts = ops_buffer(d, sinogram, n_sinogram);
    assert_ok(SEI_OP(d, project)(d, &c->slab, v, s));
    assert_ok(SEI_OP(d, download)(d, s, 0, n_sinogram, all));
    assert_ok(SEI_OP(d, em_ratio)(d, &c->slab, v, counts, NULL, NULL, s, sums));
    assert_ok(SEI_OP(d, download)(d, s, 0, n_sinogram, all + n_sinogram));
    assert_ok(SEI_OP(d, backproject)(d, &c->slab, s, v));
    assert_ok(SEI_OP(d, download)(d, v, 0, n_volume, all + 2 * n_sinogram));
    ops_release(d, v);
    ops_release(d, s);
    ops_release(d, counts);
    sei_device_close(d);
    free(sums);
    return all;
}

static void threads_and_instruction_sets_give_the_same_bits(void **state) {
    static const int counts[] = {2, 3, 7};
    (void)state;
    for (int kernel = 0; kernel < 2; ++kernel) {
        ops_case c;
        memset(&c, 0, sizeof c);
        c.seed = 3;
        c.slab.kernel = (sei_kernel)kernel;
        ops_case_geometry(&c, 37, 41, 43, 83, 9, 75);
        const size_t bytes = (ops_volume_count(&c) + 2 * ops_sinogram_count(&c)) * sizeof(float);
        float *volume = ops_values(&c, 1, ops_volume_count(&c), false),
              *sinogram = ops_values(&c, 2, ops_sinogram_count(&c), false);
        float *one = run_cpu("auto", 1, &c, volume, sinogram), *avx2 = run_cpu("avx2", 1, &c, volume, sinogram);
        float *avx512 = run_cpu("avx512", 1, &c, volume, sinogram);
        for (int k = 0; k < 3; ++k) {
            float *more = run_cpu("auto", counts[k], &c, volume, sinogram);
            assert_memory_equal(one, more, bytes);
            free(more);
        }
        if (avx2 != NULL && avx512 != NULL) assert_memory_equal(avx2, avx512, bytes);
        free(volume);
        free(sinogram);
        free(one);
        free(avx2);
        free(avx512);
    }
}

/* Blocks only say where numbers lie; a slice has its bits whatever its neighbours in memory. */
static void blocks_give_the_same_bits(void **state) {
    static const int widths[] = {1, 16, 48, 64, 100};
    (void)state;
    for (int kernel = 0; kernel < 2; ++kernel) {
        ops_case c;
        memset(&c, 0, sizeof c);
        c.seed = 6;
        c.slab.kernel = (sei_kernel)kernel;
        const int ny = 131;
        ops_case_geometry(&c, 21, 18, 24, ny, 7, 60);
        const size_t n_volume = ops_volume_count(&c), n_sinogram = ops_sinogram_count(&c), lines = n_volume / (size_t)ny,
                     bins = n_sinogram / (size_t)ny;
        float *volume = ops_values(&c, 1, n_volume, false), *sinogram = ops_values(&c, 2, n_sinogram, false);
        float *want = run_cpu("auto", 2, &c, volume, sinogram);
        for (int k = 0; k < 5; ++k) {
            ops_case b = c;
            b.slab.block = widths[k];
            float *some_volume = malloc(n_volume * sizeof *some_volume), *some_bins = malloc(n_sinogram * sizeof *some_bins);
            for (size_t i = 0; i < n_volume; ++i)
                some_volume[sei_slab_at(&b.slab, lines, i / (size_t)ny, (int)(i % (size_t)ny))] = volume[i];
            for (size_t i = 0; i < n_sinogram; ++i)
                some_bins[sei_slab_at(&b.slab, bins, i / (size_t)ny, (int)(i % (size_t)ny))] = sinogram[i];
            float *got = run_cpu("auto", 2, &b, some_volume, some_bins);
            for (size_t i = 0; i < n_sinogram; ++i) {
                const size_t at = sei_slab_at(&b.slab, bins, i / (size_t)ny, (int)(i % (size_t)ny));
                assert_memory_equal(got + at, want + i, sizeof *got);
                assert_memory_equal(got + n_sinogram + at, want + n_sinogram + i, sizeof *got);
            }
            for (size_t i = 0; i < n_volume; ++i) {
                const size_t at = sei_slab_at(&b.slab, lines, i / (size_t)ny, (int)(i % (size_t)ny));
                assert_memory_equal(got + 2 * n_sinogram + at, want + 2 * n_sinogram + i, sizeof *got);
            }
            free(some_volume);
            free(some_bins);
            free(got);
        }
        free(volume);
        free(sinogram);
        free(want);
    }
}

static void slab_widths_give_the_same_bits(void **state) {
    static const int widths[] = {1, 2, 13, 16, 48, 64};
    (void)state;
    ops_case whole;
    memset(&whole, 0, sizeof whole);
    whole.seed = 5;
    const int ny = 83;
    ops_case_geometry(&whole, 21, 18, 24, ny, 7, 60);
    float *volume = ops_values(&whole, 1, ops_volume_count(&whole), false),
          *sinogram = ops_values(&whole, 2, ops_sinogram_count(&whole), false);
    float *want = run_cpu("auto", 2, &whole, volume, sinogram);
    const size_t lines = ops_volume_count(&whole) / (size_t)ny, bins = ops_sinogram_count(&whole) / (size_t)ny;
    for (int k = 0; k < 6; ++k) {
        ops_case part;
        memset(&part, 0, sizeof part);
        part.seed = 5;
        const size_t w = (size_t)widths[k], y0 = 17;
        ops_case_geometry(&part, 21, 18, 24, widths[k], 7, 60);
        float *some_volume = malloc(lines * w * sizeof *some_volume), *some_bins = malloc(bins * w * sizeof *some_bins);
        for (size_t i = 0; i < lines; ++i) memcpy(some_volume + i * w, volume + i * (size_t)ny + y0, w * sizeof *volume);
        for (size_t i = 0; i < bins; ++i) memcpy(some_bins + i * w, sinogram + i * (size_t)ny + y0, w * sizeof *volume);
        float *got = run_cpu("auto", 2, &part, some_volume, some_bins);
        for (size_t i = 0; i < lines + 2 * bins; ++i)
            assert_memory_equal(got + i * w, want + i * (size_t)ny + y0, w * sizeof *got);
        free(some_volume);
        free(some_bins);
        free(got);
    }
    free(volume);
    free(sinogram);
    free(want);
}

static void devices_are_refused_with_the_reason(void **state) {
    (void)state;
    sei_device *device = NULL;
    sei_device_options wanted = {.name = "opencl"};
    assert_refused(sei_device_open(&wanted, &device), SEI_ERR_USAGE, "cuda-emulated");
    wanted = (sei_device_options){.name = "cpu", .isa = "mmx"};
    assert_refused(sei_device_open(&wanted, &device), SEI_ERR_USAGE, "avx512");
    wanted.isa = sei_isa_find("neon") < 0 ? "neon" : "avx2"; /* another machine's */
    assert_refused(sei_device_open(&wanted, &device), SEI_ERR_ENVIRONMENT, "the best here is");
    wanted = (sei_device_options){.name = "cpu", .threads = -1};
    assert_refused(sei_device_open(&wanted, &device), SEI_ERR_USAGE, "threads");
    assert_null(sei_backend_absence("cpu"));
    assert_null(sei_backend_absence("ref"));
    assert_non_null(strstr(sei_backend_absence("opencl"), "no backend"));
    setenv("SEITOMO_MODULE_PATH", "/nowhere:/neither", 1);
    assert_non_null(strstr(sei_backend_absence("cuda-emulated"), "libseitomo_cuda_emulated.so"));
    assert_ok(sei_device_open(NULL, &device)); /* auto falls back to the cpu */
    assert_string_equal(device->backend->name, "cpu");
    unsetenv("SEITOMO_MODULE_PATH");
    sei_buffer *buffer = NULL;
    float value[4] = {1, 2, 3, 4};
    assert_ok(SEI_OP(device, alloc)(device, 3, &buffer));
    assert_refused(SEI_OP(device, upload)(device, buffer, 0, 4, value), SEI_ERR_USAGE, "buffer of 3");
    assert_refused(SEI_OP(device, download)(device, buffer, 3, 1, value), SEI_ERR_USAGE, "buffer of 3");
    assert_ok(SEI_OP(device, upload)(device, buffer, 1, 2, value));
    assert_ok(SEI_OP(device, download)(device, buffer, 2, 1, value + 3));
    assert_true(value[3] == 2);
    SEI_OP(device, release)(device, buffer);
    SEI_OP(device, release)(device, NULL);
    sei_device_close(device);
    sei_device_close(NULL);
}

/* Median of five runs after one to warm up, for each kernel that matters. */
static int bench(int n, int ny) {
    ops_backend backends[OPS_MAX_BACKENDS];
    const int n_backends = ops_backends(backends);
    printf("%-22s %-14s %-7s %12s %14s\n", "backend", "operator", "variant", "median ms", "10^9 items/s");
    for (int b = 0; b < n_backends; ++b) {
        for (int e = 0; e < N_ENTRIES; ++e) {
            const bool random = strcmp(entries[e].name, "expose") == 0; /* by mean instead of by kernel */
            const char *const variants[2] = {random ? "0.5" : "linear", random ? "1000" : "strip"};
            for (int kernel = 0; kernel < (e < 2 || random ? 2 : 1); ++kernel) {
                ops_case c;
                double times[5] = {0}, work = 0, warm = 0;
                memset(&c, 0, sizeof c);
                c.seed = 11;
                c.slab.kernel = (sei_kernel)kernel;
                ops_case_geometry(&c, n, n, n, ny, 25, 60);
                c.slab.block = backends[b].device->backend->preferred_block;
                entries[e].bench_gigaupdates(&backends[b], &c, &warm);
                for (int k = 0; k < 5; ++k) work = entries[e].bench_gigaupdates(&backends[b], &c, &times[k]);
                for (int k = 0; k < 5; ++k) {
                    for (int j = k + 1; j < 5; ++j) {
                        if (times[j] < times[k]) warm = times[j], times[j] = times[k], times[k] = warm;
                    }
                }
                printf("%-22s %-14s %-7s %12.3f %14.3f\n", backends[b].label, entries[e].name, variants[kernel], 1e3 * times[2],
                       work / times[2]);
            }
        }
    }
    ops_backends_close(n_backends, backends);
    return 0;
}

/* One slice through one projector, for comparison with other programs. */
static int apply(int argc, char **argv) {
    ops_case c;
    sei_device *device = NULL;
    const bool forward = strcmp(argv[2], "project") == 0;
    const sei_device_options wanted = {.name = argv[3]};
    memset(&c, 0, sizeof c);
    c.slab.kernel = strcmp(argv[4], "strip") == 0 ? SEI_KERNEL_STRIP : SEI_KERNEL_LINEAR;
    if (argc - 8 > OPS_MAX_TILTS) return 2;
    ops_case_geometry(&c, atoi(argv[5]), atoi(argv[6]), atoi(argv[7]), 1, argc - 8, 0);
    for (int t = 0; t < argc - 8; ++t) {
        c.cos_tilt[t] = cos(atof(argv[8 + t]) * 3.14159265358979323846 / 180);
        c.sin_tilt[t] = sin(atof(argv[8 + t]) * 3.14159265358979323846 / 180);
    }
    const size_t n_in = forward ? ops_volume_count(&c) : ops_sinogram_count(&c),
                 n_out = forward ? ops_sinogram_count(&c) : ops_volume_count(&c);
    float *in = malloc(n_in * sizeof *in), *out = malloc(n_out * sizeof *out);
    sei_buffer *from = NULL, *to = NULL;
    int code = 2;
    if (in == NULL || out == NULL || fread(in, sizeof *in, n_in, stdin) != n_in || sei_device_open(&wanted, &device) != SEI_OK)
        goto done;
    if (SEI_OP(device, alloc)(device, n_in, &from) != SEI_OK || SEI_OP(device, alloc)(device, n_out, &to) != SEI_OK) goto done;
    if (SEI_OP(device, upload)(device, from, 0, n_in, in) != SEI_OK) goto done;
    if ((forward ? SEI_OP(device, project)(device, &c.slab, from, to) : SEI_OP(device, backproject)(device, &c.slab, from, to)) !=
        SEI_OK)
        goto done;
    if (SEI_OP(device, download)(device, to, 0, n_out, out) != SEI_OK) goto done;
    code = fwrite(out, sizeof *out, n_out, stdout) == n_out ? 0 : 2;
done:
    if (code != 0) fprintf(stderr, "%s\n", sei_last_error());
    if (device != NULL) ops_release(device, from);
    if (device != NULL) ops_release(device, to);
    sei_device_close(device);
    free(in);
    free(out);
    return code;
}

/* One line per arithmetic of the cpu backend, to hold processors against one another: "fma strip 1f3c...". */
static int print_bits(void) {
    static const char *const isas[] = {SEI_ISA_NAMES};
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; ++i) {
        for (int kernel = 0; kernel < 2; ++kernel) {
            ops_case c;
            memset(&c, 0, sizeof c);
            c.seed = 3;
            c.slab.kernel = (sei_kernel)kernel;
            ops_case_geometry(&c, 37, 41, 43, 83, 9, 75);
            const size_t bytes = (ops_volume_count(&c) + 2 * ops_sinogram_count(&c)) * sizeof(float);
            float *volume = ops_values(&c, 1, ops_volume_count(&c), false),
                  *sinogram = ops_values(&c, 2, ops_sinogram_count(&c), false);
            float *all = run_cpu(isas[i], 2, &c, volume, sinogram);
            uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
            for (size_t k = 0; all != NULL && k < bytes; ++k) hash = (hash ^ ((unsigned char *)all)[k]) * 0x100000001b3u;
            if (all != NULL)
                printf("%s %s %016llx\n", strcmp(isas[i], "baseline") == 0 ? isas[i] : "fma", kernel == 0 ? "linear" : "strip",
                       (unsigned long long)hash);
            free(volume);
            free(sinogram);
            free(all);
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operators_agree_with_ref),
        cmocka_unit_test(projections_of_many_parts_agree_with_ref),
        cmocka_unit_test(operators_refuse),
        cmocka_unit_test(threads_and_instruction_sets_give_the_same_bits),
        cmocka_unit_test(slab_widths_give_the_same_bits),
        cmocka_unit_test(blocks_give_the_same_bits),
        cmocka_unit_test(devices_are_refused_with_the_reason),
    };
    if (argc > 1 && strcmp(argv[1], "--bench") == 0) return bench(argc > 2 ? atoi(argv[2]) : 512, argc > 3 ? atoi(argv[3]) : 64);
    if (argc > 1 && strcmp(argv[1], "--bits") == 0) return print_bits();
    if (argc > 8 && strcmp(argv[1], "--apply") == 0) return apply(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
