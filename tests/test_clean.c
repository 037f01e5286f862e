/*
 * Claims: hot pixels are found (recall >= 99 %) with at most 0.01 % false positives on Poisson counts from 0.1 to 1000 per
 * pixel and on grey images with level-dependent noise; sparse maps lose no counts and smooth or thin structure none of its
 * pixels; one to four dead rows and columns are found and nothing is found where there is none; NaN and Inf are refused with
 * their place or repaired; every repair is listed with the value it replaced; binning keeps counts, the mean of greys and
 * the axis in space; the crop keeps the axis too; normalising gives equal means and spares counts; threads change nothing.
 */
#include <stdbool.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "seitomo/clean.h"
#include "support/test.h"

enum { NX = 96, NY = 90, TILTS = 9 };

static double normal(uint64_t seed, uint64_t n) {
    return sqrt(-2 * log(1 - sei_test_uniform(seed, 2 * n))) * cos(2 * M_PI * sei_test_uniform(seed, 2 * n + 1));
}

/* Poisson by inversion, in steps of at most 20 of the mean (a sum of Poisson variates is one). */
static double poisson(uint64_t seed, uint64_t n, double mean) {
    double total = 0;
    for (uint64_t part = 0; mean > 0; ++part) {
        const double m = mean < 20 ? mean : 20;
        double p = exp(-m), u = sei_test_uniform(seed + 7919 * part, n);
        double k = 0;
        for (; u > p && k < 200; ++k) {
            u -= p;
            p *= m / (k + 1);
        }
        total += k;
        mean -= m;
    }
    return total;
}

/* A wire along y with a bright shell, two pores and particles; 1 in the core. */
static double scene(double x, double y, double tilt_deg) {
    const double u = x - 47.3 - 3 * sin(0.1 * y) - 0.05 * tilt_deg;
    double v = fabs(u) < 24 ? 0.6 * sqrt(1 - u * u / 576) : 0;
    if (fabs(u) < 18) v += 0.5 * sqrt(1 - u * u / 324);
    const double centres[4][4] = {{8, 20, 6, -0.7}, {-6, 60, 4, -0.6}, {20, 44, 3, 1.5}, {-21, 75, 1.5, 1.2}};
    for (int i = 0; i < 4; ++i) {
        const double q = 1 - ((u - centres[i][0]) * (u - centres[i][0]) + (y - centres[i][1]) * (y - centres[i][1])) /
                                 (centres[i][2] * centres[i][2]);
        if (q > 0) v += centres[i][3] * sqrt(q);
    }
    return v > 0 ? v : 0;
}

/* Averaged over the pixel, as every detector does. */
static double pixel(int x, int y, double tilt_deg) {
    double sum = 0;
    for (int i = 0; i < 16; ++i) sum += scene(x + (i % 4 - 1.5) / 4, y + (i / 4 - 1.5) / 4, tilt_deg) / 16;
    return sum;
}

/* One channel: Poisson counts of `level` in the core over `background`, or (grey) Gaussian noise whose variance follows. */
static void make(bool counts, double level, double background, sei_series *s) {
    assert_ok(sei_series_alloc(NX, NY, TILTS, 1, s));
    snprintf(s->channels[0].name, sizeof s->channels[0].name, counts ? "Si" : "HAADF");
    snprintf(s->channels[0].unit, sizeof s->channels[0].unit, counts ? "counts" : "grey");
    s->channels[0].stored = counts ? SEI_DTYPE_U16 : SEI_DTYPE_F32;
    for (int t = 0; t < TILTS; ++t) {
        s->tilts[t].tilt_deg = -40 + 10 * t;
        for (int i = 0; i < NX * NY; ++i) {
            const uint64_t n = (uint64_t)(t * NX * NY + i);
            const double mean = level * pixel(i % NX, i / NX, s->tilts[t].tilt_deg) + background;
            s->channels[0].data[n] = (float)(counts ? poisson(11, n, mean) : mean + normal(12, n) * sqrt(mean));
        }
    }
}

static void check_hot(bool counts, double level, double background, double least, double most, double share) {
    sei_series s = {0};
    sei_table repairs = {0};
    sei_clean_options options;
    uint8_t *is_hot = NULL;
    int hot = 0, found = 0, wrong = 0;
    make(counts, level, background, &s);
    assert_ok(SEI_NEW(is_hot, TILTS, NY, NX));
    for (uint64_t i = 0; i < (uint64_t)TILTS * NX * NY; ++i) {
        if (sei_test_uniform(5, i) >= share) continue;
        is_hot[i] = 1;
        hot += 1;
        s.channels[0].data[i] += (float)floor(least + (most - least) * sei_test_uniform(6, i));
    }
    sei_clean_options_default(&options);
    assert_ok(sei_clean_series(&s, &options, &repairs));
    for (size_t r = 0; r < repairs.n_rows; ++r) {
        const int t = (int)lround((sei_table_get(&repairs, r, "tilt_deg") + 40) / 10);
        const int at = (t * NY + (int)sei_table_get(&repairs, r, "y")) * NX + (int)sei_table_get(&repairs, r, "x");
        found += is_hot[at];
        wrong += !is_hot[at];
        assert_close((double)s.channels[0].data[at], sei_table_get(&repairs, r, "new"), 1e-3);
    }
    printf("  %s level %g + %g, hot by %g..%g: %d of %d found, %d of %d wrong\n", counts ? "counts" : "grey", level, background,
           least, most, found, hot, wrong, TILTS * NX * NY);
    assert_true(found >= 0.99 * hot);
    assert_true(wrong <= 1e-4 * TILTS * NX * NY);
    assert_string_equal(sei_facts_find(&s.facts, "dead_lines")->value, "0");
    sei_free(is_hot);
    sei_table_free(&repairs);
    sei_series_free(&s);
}

static void hot_pixels_are_found(void **state) {
    (void)state;
    check_hot(true, 0.1, 0.02, 20, 200, 1e-3);
    check_hot(true, 1, 0.1, 25, 250, 1e-3);
    check_hot(true, 20, 2, 100, 400, 1e-3);
    check_hot(true, 300, 10, 300, 3000, 1e-3);
    check_hot(true, 1000, 0, 600, 60000, 1e-3);
    check_hot(false, 300, 20, 400, 3000, 1e-3);
    check_hot(false, 20000, 1000, 5000, 65000, 1e-2);
    check_hot(false, 20000, 1000, 10000, 65000, 3e-3);
}

/* Nothing is hot: no map loses a count, no structure a pixel. */
static void clean_images_stay(void **state) {
    const double levels[] = {0.1, 0.5, 3, 30, 1000};
    (void)state;
    for (int grey = 0; grey < 3; ++grey) {
        for (int i = 0; i < 5; ++i) {
            sei_series s = {0}, before = {0};
            sei_clean_options options;
            sei_clean_options_default(&options);
            make(grey == 0, levels[i], 0.02 * levels[i], &s);
            if (grey == 2) { /* noise-free */
                for (int k = 0; k < TILTS * NX * NY; ++k) {
                    s.channels[0].data[k] = (float)(levels[i] * pixel(k % NX, k / NX % NY, -40 + 10 * (k / (NX * NY))));
                }
            }
            assert_ok(sei_series_copy(&s, &before));
            assert_ok(sei_clean_series(&s, &options, NULL));
            int changed = 0;
            for (int k = 0; k < TILTS * NX * NY; ++k) changed += s.channels[0].data[k] != before.channels[0].data[k];
            if (changed > 0) printf("  kind %d level %g: %d pixels changed\n", grey, levels[i], changed);
            assert_true(changed <= (grey == 1 ? (int)(1e-4 * TILTS * NX * NY) : 0));
            assert_string_equal(sei_facts_find(&s.facts, "dead_lines")->value, "0");
            sei_series_free(&s);
            sei_series_free(&before);
        }
    }
}

/* A sparse map read from a file that names no unit keeps its counts too. */
static void unitless_counts_are_known(void **state) {
    sei_series s = {0};
    sei_clean_options options;
    (void)state;
    make(true, 0.1, 0, &s);
    s.channels[0].unit[0] = 0;
    sei_clean_options_default(&options);
    assert_ok(sei_clean_series(&s, &options, NULL));
    assert_string_equal(sei_facts_find(&s.facts, "hot_pixels")->value, "0");
    sei_series_free(&s);
}

static void cold_pixels_are_found(void **state) {
    sei_series s = {0};
    sei_table repairs = {0};
    sei_clean_options options;
    (void)state;
    make(true, 300, 100, &s);
    s.channels[0].data[40 * NX + 47] = 0;
    sei_clean_options_default(&options);
    assert_ok(sei_clean_series(&s, &options, &repairs));
    assert_int_equal(repairs.n_rows, 1);
    assert_close(sei_table_get(&repairs, 0, "kind"), SEI_REPAIR_COLD, 0);
    assert_close(sei_table_get(&repairs, 0, "x"), 47, 0);
    assert_close(sei_table_get(&repairs, 0, "y"), 40, 0);
    assert_close(sei_table_get(&repairs, 0, "old"), 0, 0);
    assert_close(sei_table_get(&repairs, 0, "new"), 400, 80);
    sei_table_free(&repairs);
    sei_series_free(&s);
}

static void dead_lines_are_found(void **state) {
    (void)state;
    for (int kind = 0; kind < 6; ++kind) { /* counts or grey; dead at zero, saturated, or far off with its own noise */
        const bool counts = kind % 2 == 0;
        for (int n = 1; n <= (kind < 4 ? 4 : 1); ++n) {
            sei_series s = {0}, truth = {0};
            sei_table repairs = {0};
            sei_clean_options options;
            make(counts, counts ? 3 : 3000, counts ? 0.3 : 300, &s);
            assert_ok(sei_series_copy(&s, &truth));
            for (int t = 0; t < TILTS; ++t) {
                for (int i = 0; i < NX * NY; ++i) {
                    const int x = i % NX, y = i / NX;
                    const bool row = y >= 33 && y < 33 + n, column = x >= 51 && x < 51 + n;
                    float *v = &s.channels[0].data[t * NX * NY + i];
                    if (!row && !column) continue;
                    if (kind < 2) *v = 0;
                    if (kind == 2 || kind == 3) *v = 65535;
                    if (kind >= 4) *v += counts ? 40 : 20000;
                }
            }
            sei_clean_options_default(&options);
            options.hot_pixel_sigma = 0;
            assert_ok(sei_clean_series(&s, &options, &repairs));
            int rows = 0, columns = 0, missed = 0;
            for (size_t r = 0; r < repairs.n_rows; ++r) {
                const double x = sei_table_get(&repairs, r, "x"), y = sei_table_get(&repairs, r, "y");
                const bool is_row = (int)sei_table_get(&repairs, r, "kind") == SEI_REPAIR_ROW;
                rows += is_row && isnan(x) && y >= 33 && y < 33 + n;
                columns += !is_row && isnan(y) && x >= 51 && x < 51 + n;
                missed += is_row ? !(y >= 33 && y < 33 + n) : !(x >= 51 && x < 51 + n);
            }
            if (rows != n || columns != n || missed != 0)
                fail_msg("kind %d, %d lines: %d rows, %d columns, %d wrong", kind, n, rows, columns, missed);
            /* What is put in resembles what was there: within 10 % on the average over the lines. */
            double is = 0, was = 0;
            for (int i = 0; i < TILTS * NX * NY; ++i) {
                const int x = i % NX, y = i / NX % NY;
                if (!((y >= 33 && y < 33 + n) || (x >= 51 && x < 51 + n))) continue;
                is += (double)s.channels[0].data[i];
                was += (double)truth.channels[0].data[i];
            }
            assert_close(is / was, 1, 0.1);
            sei_table_free(&repairs);
            sei_series_free(&s);
            sei_series_free(&truth);
        }
    }
}

static void numbers_must_be_numbers(void **state) {
    sei_series s = {0};
    sei_table repairs = {0};
    sei_clean_options options;
    (void)state;
    make(false, 100, 10, &s);
    sei_clean_options_default(&options);
    s.channels[0].data[2 * NX * NY + 7 * NX + 5] = NAN;
    s.channels[0].data[2 * NX * NY + 7 * NX + 6] = INFINITY;
    assert_refused(sei_clean_series(&s, &options, NULL), SEI_ERR_INPUT, "channel 'HAADF', tilt -20 deg: pixel (5, 7)");
    assert_refused(sei_clean_series(&s, &options, NULL), SEI_ERR_INPUT, "2 such pixels");
    options.repair_non_finite = true;
    assert_ok(sei_clean_series(&s, &options, &repairs));
    assert_int_equal(repairs.n_rows, 2);
    assert_close(sei_table_get(&repairs, 0, "kind"), SEI_REPAIR_NON_FINITE, 0);
    for (int i = 0; i < TILTS * NX * NY; ++i) assert_true(isfinite(s.channels[0].data[i]));
    assert_string_equal(sei_facts_find(&s.facts, "non_finite")->value, "2");
    for (int i = 0; i < NX * NY; ++i) s.channels[0].data[i] = NAN;
    sei_table_free(&repairs);
    assert_refused(sei_clean_series(&s, &options, &repairs), SEI_ERR_INPUT, "tilt -40 deg: no pixel");
    assert_int_equal(repairs.n_rows, 0);
    options.hot_pixel_sigma = NAN;
    assert_refused(sei_clean_series(&s, &options, NULL), SEI_ERR_USAGE, "hot_pixel_sigma");
    sei_series_free(&s);
}

static void bins_keep_counts_and_axis(void **state) {
    (void)state;
    for (int n = 1; n <= 5; ++n) {
        sei_series s = {0}, b = {0};
        assert_ok(sei_series_alloc(23, 17, 2, 2, &s));
        snprintf(s.channels[0].unit, sizeof s.channels[0].unit, "counts");
        snprintf(s.channels[1].unit, sizeof s.channels[1].unit, "grey");
        s.pixel_nm = 1.5;
        s.axis_offset_px = 1.25;
        double sum = 0;
        for (int i = 0; i < 2 * 17 * 23; ++i) {
            s.channels[0].data[i] = s.channels[1].data[i] = (float)(i % 31);
            if (i % 23 < 23 / n * n && i / 23 % 17 < 17 / n * n) sum += i % 31;
        }
        assert_ok(sei_clean_bin(&s, n, &b));
        assert_int_equal(b.nx, 23 / n);
        assert_int_equal(b.ny, 17 / n);
        double counts = 0, grey = 0;
        for (int i = 0; i < 2 * b.nx * b.ny; ++i) {
            counts += (double)b.channels[0].data[i];
            grey += (double)b.channels[1].data[i];
        }
        assert_close(counts, sum, 1e-3);
        assert_close(grey * n * n, sum, 2e-2);
        assert_close(b.pixel_nm, 1.5 * n, 1e-12);
        /* the axis in nm from the first pixel's low edge */
        const double was = (0.5 * 22 + s.axis_offset_px + 0.5) * s.pixel_nm;
        assert_close((0.5 * (double)(b.nx - 1) + b.axis_offset_px + 0.5) * b.pixel_nm, was, 1e-9);
        sei_series_free(&s);
        sei_series_free(&b);
    }
    sei_series s = {0}, b = {0};
    assert_ok(sei_series_alloc(8, 4, 1, 1, &s));
    assert_ok(SEI_NEW(s.valid, 1, 4, 8));
    memset(s.valid, 1, 32);
    s.valid[9] = 0;
    assert_ok(sei_clean_bin(&s, 2, &b));
    assert_int_equal(b.valid[0], 0);
    assert_int_equal(b.valid[1], 1);
    sei_series_free(&b);
    assert_refused(sei_clean_bin(&s, 0, &b), SEI_ERR_INPUT, "binning by 0");
    assert_refused(sei_clean_bin(&s, 5, &b), SEI_ERR_INPUT, "8 x 4");
    sei_series_free(&s);
}

static void crop_and_normalise(void **state) {
    sei_series s = {0};
    sei_table repairs = {0};
    sei_clean_options options;
    (void)state;
    make(false, 300, 100, &s);
    const float kept = s.channels[0].data[(3 * NY + 20) * NX + 30];
    s.channels[0].data[0] = NAN; /* outside the crop: nobody minds */
    s.channels[0].data[(3 * NY + 40) * NX + 50] = 60000;
    sei_clean_options_default(&options);
    options.crop_x = 10;
    options.crop_y = 15;
    options.crop_nx = 61;
    options.crop_ny = 50;
    assert_ok(sei_clean_series(&s, &options, &repairs));
    assert_int_equal(s.nx, 61);
    assert_int_equal(s.ny, 50);
    assert_true(s.channels[0].data[(3 * 50 + 5) * 61 + 20] == kept);
    assert_close(30.0 + s.axis_offset_px, 47.5 - 10, 1e-12); /* the axis stood at pixel 47.5 */
    assert_int_equal(repairs.n_rows, 1);
    assert_close(sei_table_get(&repairs, 0, "x"), 50, 0);
    assert_close(sei_table_get(&repairs, 0, "y"), 40, 0);
    options.crop_x = 1;
    assert_refused(sei_clean_series(&s, &options, NULL), SEI_ERR_INPUT, "61 x 50 image");
    options.crop_nx = options.crop_ny = options.crop_x = options.crop_y = 0;
    options.normalise = SEI_NORMALISE_MEAN;
    for (int i = 0; i < 61 * 50; ++i) s.channels[0].data[i] *= 3;
    assert_ok(sei_clean_series(&s, &options, NULL));
    double first = 0, last = 0;
    for (int i = 0; i < 61 * 50; ++i) {
        first += (double)s.channels[0].data[i];
        last += (double)s.channels[0].data[8 * 61 * 50 + i];
    }
    assert_close(first / last, 1, 1e-6);
    snprintf(s.channels[0].unit, sizeof s.channels[0].unit, "counts");
    const float before = s.channels[0].data[100];
    s.channels[0].data[200] = 0;
    options.hot_pixel_sigma = 0;
    assert_ok(sei_clean_series(&s, &options, NULL));
    assert_true(s.channels[0].data[100] == before);
    snprintf(s.channels[0].unit, sizeof s.channels[0].unit, "grey");
    for (int i = 0; i < 61 * 50; ++i) s.channels[0].data[i] = -1;
    options.normalise = SEI_NORMALISE_MEDIAN;
    assert_refused(sei_clean_series(&s, &options, NULL), SEI_ERR_INPUT, "median -1 is not above 0");
    sei_table_free(&repairs);
    sei_series_free(&s);
}

static void threads_change_nothing(void **state) {
    const int threads[] = {1, 2, 3, 7};
    sei_series first = {0};
    (void)state;
    for (int i = 0; i < 4; ++i) {
        sei_series s = {0};
        sei_clean_options options;
        make(false, 300, 20, &s);
        for (int k = 0; k < 50; ++k) s.channels[0].data[k * 1501] = 50000;
        sei_clean_options_default(&options);
        sei_threads_set(threads[i]);
        assert_ok(sei_clean_series(&s, &options, NULL));
        if (i == 0) assert_ok(sei_series_copy(&s, &first));
        assert_memory_equal(s.channels[0].data, first.channels[0].data, sizeof(float) * TILTS * NX * NY);
        sei_series_free(&s);
    }
    sei_threads_set(0);
    sei_series_free(&first);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(hot_pixels_are_found),      cmocka_unit_test(clean_images_stay),
                                       cmocka_unit_test(unitless_counts_are_known), cmocka_unit_test(cold_pixels_are_found),
                                       cmocka_unit_test(dead_lines_are_found),      cmocka_unit_test(numbers_must_be_numbers),
                                       cmocka_unit_test(bins_keep_counts_and_axis), cmocka_unit_test(crop_and_normalise),
                                       cmocka_unit_test(threads_change_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
