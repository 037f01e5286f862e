/*
 * Claims: the generator is Philox4x32-10 as published (Random123's known answers); fixed-order log and exp are accurate;
 * Poisson numbers follow their distribution (chi-square of the whole distribution, mean and variance, and the weights of each
 * method) for means from 0.01 to 1e5 and around the methods' borders, normal numbers theirs; numbers of other seeds, streams and
 * neighbouring indices are uncorrelated; nothing depends on the order of calls.
 */
#include "core/random.h"

#include "core/random_variates.h"
#include "support/test.h"

static void philox_gives_the_published_answers(void **state) {
    /* Random123's kat_vectors, philox4x32 with 10 rounds: counter, key, result */
    static const uint32_t known[3][10] = {
        {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
        {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
        {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0, 0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}};
    (void)state;
    for (int i = 0; i < 3; ++i) {
        const uint32_t *k = known[i];
        const sei_random random = {.seed = k[4] | (uint64_t)k[5] << 32, .stream = k[3]};
        uint32_t words[4];
        sei_random_words(&random, k[0] | (uint64_t)k[1] << 32, k[2], words);
        assert_memory_equal(words, k + 6, sizeof words);
    }
}

static void fixed_functions_are_accurate(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 20000; ++i) {
        const double x = pow(10, 630 * sei_test_uniform(3, i) - 322); /* subnormal numbers among them */
        assert_close(sei_fixed_log(x) / log(x), 1, 1e-14 + 1e-16 / fabs(log(x)));
        const double near_one = 0.5 + sei_test_uniform(5, i);
        assert_close(sei_fixed_log(near_one), log(near_one), 1e-15);
        const double y = 1400 * sei_test_uniform(4, i) - 700;
        assert_close(sei_fixed_exp(y) / exp(y), 1, 1e-14);
    }
    assert_close(sei_fixed_exp(-730) / exp(-730), 1, 1e-8); /* a subnormal number has few digits */
    assert_true(sei_fixed_exp(-800) == 0 && sei_fixed_exp(800) > 1e308 && sei_fixed_exp(0) == 1 && sei_fixed_log(1) == 0);
}

static const double means[] = {0.01, 0.1, 0.5, 1, 3, 9.999, 10, 10.001, 12, 16, 20, 37, 100, 1000, 12345.6, 1e5};
enum { N_MEANS = sizeof means / sizeof means[0] };

/* log of Poisson's probability, by the C library. */
static double log_probability(double k, double mean) {
    return k * log(mean) - mean - lgamma(k + 1);
}

static void rejection_weighs_with_the_true_probability(void **state) {
    (void)state;
    for (size_t m = 0; m < N_MEANS; ++m) {
        if (means[m] < SEI_POISSON_REJECTION) continue;
        const double step = fmax(1, floor(sqrt(means[m]) / 7));
        for (double k = fmax(0, floor(means[m] - 9 * sqrt(means[m]))); k < means[m] + 11 * sqrt(means[m]); k += step) {
            const double want = log_probability(k, means[m]);
            /* the digits that the C library's form loses by cancellation: k log(mean) * 2^-52, a few times */
            assert_close(sei_ptrs_log_probability(k, means[m], 1), want, 2e-12 + 1e-15 * k * log(means[m]));
            assert_close(sei_ptrs_log_probability(k, means[m], 3.5), want + log(3.5), 2e-12 + 1e-15 * k * log(means[m]));
        }
    }
}

static void inversion_ends_where_the_distribution_does(void **state) {
    (void)state;
    for (size_t m = 0; m < N_MEANS && means[m] < SEI_POISSON_REJECTION; ++m) {
        for (int i = 1; i < 50; ++i) {
            const double above = pow(2, -i), k = sei_poisson_inverted(means[m], 1 - above);
            double tail = 0, beyond = 0; /* P(K >= k) > above >= P(K > k), as far as 1 - above has digits */
            for (double j = k + 200; j > k; j -= 1) beyond += exp(log_probability(j, means[m]));
            tail = beyond + exp(log_probability(k, means[m]));
            if (!(tail > above - 4e-16 && beyond < above + 4e-16)) fail_msg("mean %g, u = 1 - 2^-%d: %g", means[m], i, k);
        }
    }
}

/*
 * Counts of n numbers against the distribution, neighbours joined until `least` are expected in each bin. Returns the
 * deviation of chi-square from its degrees of freedom in standard deviations (Wilson and Hilferty 1931).
 */
static double chi_square_deviation(double mean, const double *numbers, int n, double least) {
    const double first = floor(fmax(0, mean - 12 * sqrt(mean) - 12));
    const int n_values = (int)(24 * sqrt(mean) + 60);
    double *seen = calloc((size_t)n_values + 1, sizeof *seen);
    double chi2 = 0, expected = 0, counted = 0, expected_left = n, counted_left = n;
    int bins = 0;
    for (int i = 0; i < n; ++i) {
        const double at = numbers[i] - first;
        if (!(at >= 0 && at < n_values)) fail_msg("mean %g gave %g", mean, numbers[i]);
        seen[(int)at] += 1;
    }
    for (int v = 0; v < n_values; ++v) {
        expected += n * exp(log_probability(first + v, mean));
        counted += seen[v];
        if (expected < least || expected_left - expected < least) continue;
        chi2 += (counted - expected) * (counted - expected) / expected;
        bins += 1;
        expected_left -= expected;
        counted_left -= counted;
        expected = counted = 0;
    }
    chi2 += (counted_left - expected_left) * (counted_left - expected_left) / expected_left; /* everything above */
    free(seen);
    return (cbrt(chi2 / bins) - (1 - 2.0 / (9 * bins))) / sqrt(2.0 / (9 * bins));
}

static void poisson_follows_its_distribution(void **state) {
    (void)state;
    enum { N = 1000000 };
    double *numbers = malloc(N * sizeof *numbers);
    for (uint32_t m = 0; m < N_MEANS; ++m) {
        const sei_random random = {.seed = 2026, .stream = m};
        for (uint64_t i = 0; i < N; ++i) numbers[i] = sei_random_poisson(&random, i, means[m]);
        /* once in fine bins, down to the rare counts, and once in few coarse ones */
        assert_close(chi_square_deviation(means[m], numbers, N, 12), 0, 4);
        if (means[m] > 0.1) assert_close(chi_square_deviation(means[m], numbers, N, N / 20.0), 0, 4);
    }
    free(numbers);
}

static void poisson_has_its_moments(void **state) {
    (void)state;
    for (uint32_t m = 0; m < N_MEANS; ++m) {
        const sei_random random = {.seed = 11, .stream = m};
        /* so many that 0.02 is four standard errors of the variance, sqrt((2 + 1/mean)/n) */
        const int n = (int)fmax(200000, 40000 * (2 + 1 / means[m]));
        double sum = 0, squares = 0;
        for (int i = 0; i < n; ++i) {
            const double k = sei_random_poisson(&random, (uint64_t)i, means[m]);
            sum += k;
            squares += (k - means[m]) * (k - means[m]);
        }
        assert_close(sum / n, means[m], 4 * sqrt(means[m] / n));
        assert_close(squares / n / means[m], 1, 0.02);
    }
}

static void means_that_are_none_and_too_large_ones(void **state) {
    const sei_random random = {.seed = 3, .stream = 9};
    (void)state;
    assert_true(sei_random_poisson(&random, 1, 0) == 0 && sei_random_poisson(&random, 1, -5) == 0);
    assert_true(isnan(sei_random_poisson(&random, 1, NAN)) && sei_random_poisson(&random, 1, INFINITY) == INFINITY);
    assert_true(sei_random_poisson(&random, 1, 1e300) == 1e300);
    double squares = 0;
    for (uint64_t i = 0; i < 20000; ++i) {
        const double deviation = (sei_random_poisson(&random, i, 1e14) - 1e14) / 1e7;
        squares += deviation * deviation / 20000;
    }
    assert_close(squares, 1, 0.05); /* five standard errors: nothing is lost to rounding at large means */
}

static void order_of_calls_does_not_matter(void **state) {
    const sei_random random = {.seed = 3, .stream = 9};
    (void)state;
    const double late = sei_random_poisson(&random, 123456789012ULL, 55);
    for (uint64_t i = 0; i < 100; ++i) (void)sei_random_poisson(&random, i, 2.5);
    assert_true(late == sei_random_poisson(&random, 123456789012ULL, 55));
}

static double correlation(const double *a, const double *b, int n) {
    double ma = 0, mb = 0, aa = 0, bb = 0, ab = 0;
    for (int i = 0; i < n; ++i) ma += a[i] / n, mb += b[i] / n;
    for (int i = 0; i < n; ++i) {
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
        ab += (a[i] - ma) * (b[i] - mb);
    }
    return ab / sqrt(aa * bb);
}

static void seeds_streams_and_neighbours_are_independent(void **state) {
    enum { N = 160000, LAST = 512 };
    double *row[5];
    (void)state;
    for (int k = 0; k < 5; ++k) row[k] = malloc((N + LAST) * sizeof *row[k]);
    for (int m = 0; m < 3; ++m) {
        const double mean = m == 0 ? 0.5 : m == 1 ? 15 : 1000;
        const sei_random sources[4] = {{.seed = 1, .stream = 100},
                                       {.seed = 2, .stream = 100},
                                       {.seed = 1, .stream = 101},
                                       {.seed = 1ULL << 32, .stream = 100}};
        for (int k = 0; k < 4; ++k) {
            for (uint64_t i = 0; i < N + LAST; ++i) row[k][i] = sei_random_poisson(&sources[k], i, mean);
        }
        /* the readout noise of the same pixels, as the operator expose draws it */
        for (uint64_t i = 0; i < N; ++i) row[4][i] = sei_random_normal(&sources[0], i, 1U << 25);
        for (int k = 1; k < 5; ++k) assert_close(correlation(row[0], row[k], N), 0, 0.01); /* 0.01: four standard errors */
        const int lags[] = {1, 2, 4, 128, 512};
        for (int k = 0; k < 5; ++k) assert_close(correlation(row[0], row[0] + lags[k], N), 0, 0.01);
    }
    for (int k = 0; k < 5; ++k) free(row[k]);
}

static void normal_has_its_moments(void **state) {
    const sei_random random = {.seed = 5, .stream = 1};
    const int n = 200000;
    double sum = 0, squares = 0, cubes = 0, fourth = 0, beyond = 0;
    (void)state;
    for (int i = 0; i < n; ++i) {
        const double x = sei_random_normal(&random, (uint64_t)i, 0);
        sum += x;
        squares += x * x;
        cubes += x * x * x;
        fourth += x * x * x * x;
        beyond += fabs(x) > 3;
    }
    assert_close(sum / n, 0, 4 / sqrt(n));
    assert_close(squares / n, 1, 4 * sqrt(2.0 / n));
    assert_close(cubes / n, 0, 4 * sqrt(15.0 / n));
    assert_close(fourth / n, 3, 4 * sqrt(96.0 / n));
    assert_close(beyond / n, 0.0026997960632602, 4 * sqrt(0.0027 / n));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_gives_the_published_answers),
        cmocka_unit_test(fixed_functions_are_accurate),
        cmocka_unit_test(rejection_weighs_with_the_true_probability),
        cmocka_unit_test(inversion_ends_where_the_distribution_does),
        cmocka_unit_test(poisson_follows_its_distribution),
        cmocka_unit_test(poisson_has_its_moments),
        cmocka_unit_test(means_that_are_none_and_too_large_ones),
        cmocka_unit_test(order_of_calls_does_not_matter),
        cmocka_unit_test(seeds_streams_and_neighbours_are_independent),
        cmocka_unit_test(normal_has_its_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
