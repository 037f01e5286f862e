/*
 * Claims about the CUDA module as a program sees it. cuda-emulated, here on every machine: the same bits for any number of
 * threads, in either order of threads and blocks (a missing barrier would show) and for every width of a slab, transforms
 * included; a card that is too small is SEI_ERR_MEMORY with the sizes and works again afterwards. Without a card, asking
 * for cuda is SEI_ERR_ENVIRONMENT with the reason and auto gives the cpu; with one, cuda opens and agrees bit for bit with
 * the emulation wherever no transform or logarithm of the C library is involved. A module of another interface version is
 * refused.
 */
#include <dlfcn.h>

#include "seitomo/backend.h"
#include "support/test.h"

enum { NX = 27, NZ = 22, NU = 31, NY = 135, N_TILTS = 37, N_PADDED = 90, IMAGE_X = 24, IMAGE_Y = 18 };

typedef struct geometry {
    double cosine[N_TILTS], sine[N_TILTS], axis[N_TILTS];
    sei_slab slab;
} geometry;

static void make_geometry(geometry *g, int ny, sei_kernel kernel) {
    for (int t = 0; t < N_TILTS; ++t) {
        const double theta = (-90 + 5.0 * t) * 3.14159265358979323846 / 180;
        g->cosine[t] = cos(theta);
        g->sine[t] = sin(theta);
        g->axis[t] = 0.5 * (NU - 1) + 0.37;
    }
    g->slab = (sei_slab){.nx = NX, .nz = NZ, .nu = NU, .ny = ny, .n_tilts = N_TILTS, .kernel = kernel};
    g->slab.cos_tilt = g->cosine;
    g->slab.sin_tilt = g->sine;
    g->slab.axis_u = g->axis;
}

static sei_device *open_device(const char *name, int threads) {
    const sei_device_options wanted = {.name = name, .threads = threads};
    sei_device *d = NULL;
    assert_ok(sei_device_open(&wanted, &d));
    return d;
}

static sei_buffer *new_buffer(sei_device *d, size_t count) {
    sei_buffer *b = NULL;
    assert_ok(SEI_OP(d, alloc)(d, count, &b));
    return b;
}

/* A buffer of `lines` lines of ny values: slices y0 .. y0+ny-1 of reproducible numbers. */
static sei_buffer *random_lines(sei_device *d, uint64_t seed, size_t lines, int y0, int ny) {
    const size_t count = lines * (size_t)ny;
    float *values = malloc(count * sizeof *values);
    for (size_t i = 0; i < lines; ++i) {
        for (size_t y = 0; y < (size_t)ny; ++y)
            values[i * (size_t)ny + y] = (float)sei_test_uniform(seed, i * NY + (size_t)y0 + y);
    }
    sei_buffer *b = new_buffer(d, count);
    assert_ok(SEI_OP(d, upload)(d, b, 0, count, values));
    free(values);
    return b;
}

enum { N_VOLUME = NX * NZ, N_SINOGRAM = N_TILTS * NU, N_LINES = 2 * N_SINOGRAM + 2 * N_VOLUME };

/*
 * One EM and one SIRT step on slices y0 .. y0+ny-1, then the filter when wanted: N_LINES lines of ny values, and the sums
 * of EM's ratio.
 */
static float *one_step(sei_device *d, sei_kernel kernel, int y0, int ny, bool filtered, double *sums) {
    geometry g;
    make_geometry(&g, ny, kernel);
    const size_t n_volume = (size_t)N_VOLUME * (size_t)ny, n_sinogram = (size_t)N_SINOGRAM * (size_t)ny;
    float response[N_PADDED / 2 + 1], *all = malloc((size_t)N_LINES * (size_t)ny * sizeof *all);
    for (int k = 0; k <= N_PADDED / 2; ++k) response[k] = (float)k / N_PADDED;
    sei_buffer *volume = random_lines(d, 1, N_VOLUME, y0, ny), *counts = random_lines(d, 2, N_SINOGRAM, y0, ny);
    sei_buffer *inverse = random_lines(d, 3, N_VOLUME, y0, ny), *row = random_lines(d, 4, N_SINOGRAM, y0, ny);
    sei_buffer *sinogram = new_buffer(d, n_sinogram);
    assert_ok(SEI_OP(d, em_ratio)(d, &g.slab, volume, counts, NULL, NULL, sinogram, sums));
    assert_ok(SEI_OP(d, download)(d, sinogram, 0, n_sinogram, all));
    assert_ok(SEI_OP(d, em_update)(d, &g.slab, sinogram, inverse, true, volume));
    assert_ok(SEI_OP(d, download)(d, volume, 0, n_volume, all + n_sinogram));
    assert_ok(SEI_OP(d, sirt_residual)(d, &g.slab, volume, counts, NULL, NULL, row, true, sinogram, NULL));
    if (filtered) assert_ok(SEI_OP(d, filter_rows)(d, &g.slab, response, N_PADDED, sinogram));
    assert_ok(SEI_OP(d, download)(d, sinogram, 0, n_sinogram, all + n_sinogram + n_volume));
    assert_ok(SEI_OP(d, sirt_update)(d, &g.slab, sinogram, inverse, true, 0.5F, true, volume));
    assert_ok(SEI_OP(d, download)(d, volume, 0, n_volume, all + 2 * n_sinogram + n_volume));
    sei_buffer *buffers[] = {volume, counts, inverse, row, sinogram};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; ++i) d->backend->release(d, buffers[i]);
    return all;
}

/* Counts and readout noise of one image with means on both sides of the methods' border; zeros without Random123. */
static void exposed(sei_device *d, float *out) {
    const size_t n = IMAGE_X * IMAGE_Y;
    const sei_exposure exposure = {.seed = 36, .stream = 4, .first_index = 4294967000ULL, .counting = true, .noise = 0.5};
    float mean[IMAGE_X * IMAGE_Y];
    for (size_t i = 0; i < n; ++i) mean[i] = (float)pow(10, 7 * sei_test_uniform(7, i) - 2);
    sei_buffer *b = new_buffer(d, n);
    assert_ok(SEI_OP(d, upload)(d, b, 0, n, mean));
    const sei_status status = SEI_OP(d, expose)(d, &exposure, n, b, b);
    if (status != SEI_OK) assert_int_equal(status, SEI_ERR_ENVIRONMENT);
    assert_ok(SEI_OP(d, download)(d, b, 0, n, out));
    if (status != SEI_OK) memset(out, 0, n * sizeof *out);
    d->backend->release(d, b);
}

/* Correlation of two images, a cubic resampling of two, and one exposed: IMAGE_X*IMAGE_Y*4 values. */
static void images(sei_device *d, float *out) {
    const size_t n = IMAGE_X * IMAGE_Y;
    const double xf[12] = {0.9, 0.1, -0.1, 1.1, 0.7, -1.3, 1, 0, 0, 1, 0.25, 0.5};
    float band[IMAGE_Y * (IMAGE_X / 2 + 1)];
    for (size_t i = 0; i < sizeof band / sizeof band[0]; ++i) band[i] = i == 0 ? 0 : 1;
    sei_buffer *a = random_lines(d, 5, 2 * n, 0, 1), *b = random_lines(d, 6, n, 0, 1), *c = new_buffer(d, 2 * n);
    assert_ok(SEI_OP(d, correlate)(d, IMAGE_X, IMAGE_Y, band, a, b, c));
    assert_ok(SEI_OP(d, download)(d, c, 0, n, out));
    assert_ok(SEI_OP(d, resample)(d, IMAGE_X, IMAGE_Y, 2, xf, 3, a, c, NULL));
    assert_ok(SEI_OP(d, download)(d, c, 0, 2 * n, out + n));
    exposed(d, out + 3 * n);
    d->backend->release(d, a);
    d->backend->release(d, b);
    d->backend->release(d, c);
}

static void same_bits_for_threads_and_orders(void **state) {
    static const struct {
        int threads;
        const char *order;
    } runs[] = {{1, "ascending"}, {1, "descending"}, {2, "ascending"}, {3, "descending"}, {7, "ascending"}};
    (void)state;
    float *want = NULL, want_images[4 * IMAGE_X * IMAGE_Y];
    double want_sums[SEI_SUM_COUNT * NY];
    for (int k = 0; k < 5; ++k) {
        float got_images[4 * IMAGE_X * IMAGE_Y];
        double sums[SEI_SUM_COUNT * NY];
        setenv("SEITOMO_EMULATED_ORDER", runs[k].order, 1);
        sei_device *d = open_device("cuda-emulated", runs[k].threads);
        float *got = one_step(d, SEI_KERNEL_STRIP, 0, NY, true, sums);
        images(d, got_images);
        sei_device_close(d);
        if (want == NULL) {
            want = got;
            memcpy(want_sums, sums, sizeof sums);
            memcpy(want_images, got_images, sizeof got_images);
            continue;
        }
        assert_memory_equal(got, want, (size_t)N_LINES * NY * sizeof *want);
        assert_memory_equal(sums, want_sums, sizeof sums);
        assert_memory_equal(got_images, want_images, sizeof want_images);
        free(got);
    }
    unsetenv("SEITOMO_EMULATED_ORDER");
    free(want);
}

static void same_bits_for_slab_widths(void **state) {
    static const int widths[] = {1, 33, 128};
    (void)state;
    sei_device *d = open_device("cuda-emulated", 2);
    for (int kernel = 0; kernel < 2; ++kernel) {
        double want_sums[SEI_SUM_COUNT * NY], sums[SEI_SUM_COUNT * NY];
        float *want = one_step(d, (sei_kernel)kernel, 0, NY, true, want_sums);
        for (int k = 0; k < 3; ++k) {
            const size_t w = (size_t)widths[k], y0 = 5;
            float *got = one_step(d, (sei_kernel)kernel, (int)y0, widths[k], true, sums);
            for (size_t i = 0; i < N_LINES; ++i) assert_memory_equal(got + i * w, want + i * NY + y0, w * sizeof *got);
            for (size_t s = 0; s < SEI_SUM_COUNT; ++s)
                assert_memory_equal(sums + s * w, want_sums + s * NY + y0, w * sizeof *sums);
            free(got);
        }
        free(want);
    }
    sei_device_close(d);
}

static void a_full_card_is_an_error_of_memory(void **state) {
    (void)state;
    setenv("SEITOMO_EMULATED_MEMORY_MIB", "4", 1);
    sei_device *d = open_device("cuda-emulated", 1);
    sei_buffer *first = NULL, *second = NULL;
    const size_t free_at_start = d->backend->free_bytes(d);
    assert_in_range(free_at_start, 1, 4 << 20);
    assert_ok(SEI_OP(d, alloc)(d, 700000, &first));
    assert_refused(SEI_OP(d, alloc)(d, 700000, &second), SEI_ERR_MEMORY, "no room for 2800000 bytes");
    assert_null(second);
    assert_refused(SEI_OP(d, alloc)(d, SIZE_MAX / 2, &second), SEI_ERR_MEMORY, "more than any memory");
    assert_int_equal(d->backend->free_bytes(d), free_at_start - 2800000);
    /* an operator's own scratch: the filter asks for 2 MiB */
    geometry g;
    make_geometry(&g, 1, SEI_KERNEL_LINEAR);
    float response[N_PADDED / 2 + 1] = {0};
    assert_refused(SEI_OP(d, filter_rows)(d, &g.slab, response, N_PADDED, first), SEI_ERR_MEMORY, "smaller slabs");
    d->backend->release(d, first);
    assert_int_equal(d->backend->free_bytes(d) >= free_at_start - (2 << 20), 1);
    assert_ok(SEI_OP(d, alloc)(d, 200000, &second));
    assert_ok(SEI_OP(d, fill)(d, second, 2));
    float value = 0;
    assert_ok(SEI_OP(d, download)(d, second, 199999, 1, &value));
    assert_true(value == 2);
    d->backend->release(d, second);
    sei_device_close(d);
    unsetenv("SEITOMO_EMULATED_MEMORY_MIB");
}

static void unwritten_buffers_are_nan_and_ranges_are_checked(void **state) {
    (void)state;
    sei_device *d = open_device("cuda-emulated", 1);
    sei_buffer *b = new_buffer(d, 100);
    float values[100];
    assert_ok(SEI_OP(d, download)(d, b, 0, 100, values));
    for (int i = 0; i < 100; ++i) assert_true(isnan(values[i]));
    assert_ok(SEI_OP(d, download)(d, b, 100, 0, values));
    assert_refused(SEI_OP(d, download)(d, b, 90, 11, values), SEI_ERR_USAGE, "a buffer of 100");
    assert_refused(SEI_OP(d, upload)(d, b, 101, 0, values), SEI_ERR_USAGE, "a buffer of 100");
    assert_refused(SEI_OP(d, upload)(d, b, SIZE_MAX, 2, values), SEI_ERR_USAGE, "a buffer of 100");
    d->backend->release(d, b);
    d->backend->release(d, NULL);
    sei_device_close(d);
}

static void cuda_opens_or_says_why_not(void **state) {
    (void)state;
    const sei_device_options wanted = {.name = "cuda"};
    const char *absence = sei_backend_absence("cuda");
    sei_device *d = NULL;
    assert_null(sei_backend_absence("cuda-emulated"));
    if (absence != NULL) {
        printf("no card: %s\n", absence);
        assert_null(strchr(absence, '\n'));
        assert_refused(sei_device_open(&wanted, &d), SEI_ERR_ENVIRONMENT, "cuda");
        assert_null(d);
        d = open_device("auto", 0);
        assert_string_equal(d->backend->name, "cpu");
        sei_device_close(d);
        return;
    }
    double card_sums[SEI_SUM_COUNT * NY], sums[SEI_SUM_COUNT * NY];
    d = open_device("cuda", 0);
    printf("card: %s\n", d->backend->description);
    /* the tile's shape is part of the order of the sums */
    if (strstr(d->backend->description, "tiles of 16 x 8") != NULL) setenv("SEITOMO_EMULATED_SHARED_KIB", "99", 1);
    sei_device *emulated = open_device("cuda-emulated", 0);
    unsetenv("SEITOMO_EMULATED_SHARED_KIB");
    for (int kernel = 0; kernel < 2; ++kernel) {
        float *card = one_step(d, (sei_kernel)kernel, 0, NY, false, card_sums);
        float *again = one_step(d, (sei_kernel)kernel, 0, NY, false, sums);
        float *same = one_step(emulated, (sei_kernel)kernel, 0, NY, false, NULL);
        assert_memory_equal(card, again, (size_t)N_LINES * NY * sizeof *card);
        assert_memory_equal(card_sums, sums, sizeof sums);
        assert_memory_equal(card, same, (size_t)N_LINES * NY * sizeof *card);
        free(card);
        free(again);
        free(same);
    }
    float card_image[IMAGE_X * IMAGE_Y], same_image[IMAGE_X * IMAGE_Y];
    exposed(d, card_image);
    exposed(emulated, same_image);
    assert_memory_equal(card_image, same_image, sizeof card_image);
    sei_device_close(d);
    sei_device_close(emulated);
    d = open_device("auto", 0);
    assert_string_equal(d->backend->name, "cuda");
    sei_device_close(d);
}

static void another_interface_is_refused(void **state) {
    (void)state;
    char path[4096];
    Dl_info here;
    void *known = dlsym(RTLD_DEFAULT, "sei_device_open");
    assert_true(known != NULL && dladdr(known, &here) != 0);
    const char *slash = strrchr(here.dli_fname, '/');
    assert_non_null(slash);
    snprintf(path, sizeof path, "%.*s/libseitomo_cuda_emulated.so", (int)(slash - here.dli_fname), here.dli_fname);
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) fail_msg("%s", dlerror());
    void *symbol = dlsym(library, SEI_BACKEND_MODULE_SYMBOL);
    sei_backend_module_open open_module = NULL;
    memcpy(&open_module, &symbol, sizeof open_module);
    const sei_module_host host = {.interface_version = SEI_MODULE_VERSION + 1, .fail = sei_fail};
    const sei_device_options wanted = {.name = "cuda-emulated"};
    sei_device *d = NULL;
    assert_refused(open_module(&host, &wanted, &d), SEI_ERR_ENVIRONMENT, "from one build");
    assert_null(d);
    dlclose(library);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bits_for_threads_and_orders),  cmocka_unit_test(same_bits_for_slab_widths),
        cmocka_unit_test(a_full_card_is_an_error_of_memory), cmocka_unit_test(unwritten_buffers_are_nan_and_ranges_are_checked),
        cmocka_unit_test(cuda_opens_or_says_why_not),        cmocka_unit_test(another_interface_is_refused),
    };
    const char *absence = sei_backend_absence("cuda-emulated");
    if (absence != NULL && strstr(absence, "not found") != NULL) {
        printf("skipped: %s\n", absence);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
