/* Spectra: mean counts and drawn counts. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/random.h"
#include "core/threads.h"
#include "seitomo/signal.h"

sei_status sei_spectrum_sum(const sei_energy_axis *axis, size_t n, const sei_spectrum_part *parts, int64_t n_pixels,
                            double *mean) {
    const sei_status status = sei_energy_axis_check(axis);
    if (status != SEI_OK) return status;
    for (int64_t e = 0; e < axis->bins; ++e) mean[e] = 0;
    for (size_t k = 0; k < n; ++k) {
        double total = parts[k].image == NULL ? (double)n_pixels : 0;
        for (int64_t p = 0; parts[k].image != NULL && p < n_pixels; ++p) total += (double)parts[k].image[p];
        for (int64_t e = 0; e < axis->bins; ++e) mean[e] += total * parts[k].shape[e];
    }
    return SEI_OK;
}

sei_status sei_spectrum_draw(const double *mean, int64_t bins, uint64_t seed, uint32_t stream, double *counts) {
    const sei_random random = {seed, stream};
    for (int64_t e = 0; e < bins; ++e) {
        if (!(mean[e] >= 0 && isfinite(mean[e]))) {
            return sei_fail(SEI_ERR_INPUT, "a mean of %g counts in bin %lld, expected 0 or more", mean[e], (long long)e);
        }
    }
    for (int64_t e = 0; e < bins; ++e) counts[e] = sei_random_poisson(&random, (uint64_t)e, mean[e]);
    return SEI_OK;
}

sei_status sei_spectrum_sampler_make(const sei_energy_axis *axis, size_t n, const sei_spectrum_part *parts,
                                     sei_spectrum_sampler *out) {
    sei_spectrum_sampler sampler = {.axis = *axis, .n = n};
    sei_status status = SEI_OK;
    SEI_TRY(sei_energy_axis_check(axis));
    SEI_TRY(SEI_NEW(sampler.parts, (int64_t)n, 1, 1));
    SEI_TRY(SEI_NEW(sampler.cumulative, (int64_t)n, axis->bins, 1));
    for (size_t k = 0; k < n; ++k) {
        double *cumulative = sampler.cumulative + (size_t)axis->bins * k;
        double sum = 0;
        sampler.parts[k] = parts[k];
        for (int64_t e = 0; e < axis->bins; ++e) {
            if (!(parts[k].shape[e] >= 0 && isfinite(parts[k].shape[e]))) {
                status = sei_fail(SEI_ERR_INPUT, "part %zu of the spectrum holds %g in bin %lld, expected 0 or more", k,
                                  parts[k].shape[e], (long long)e);
                goto done;
            }
            sum += parts[k].shape[e];
            cumulative[e] = sum;
        }
    }
    *out = sampler;
    sampler = (sei_spectrum_sampler){0};
done:
    sei_spectrum_sampler_free(&sampler);
    return status;
}

void sei_spectrum_sampler_free(sei_spectrum_sampler *sampler) {
    sei_free(sampler->parts);
    sei_free(sampler->cumulative);
    memset(sampler, 0, sizeof *sampler);
}

/* The first bin whose cumulative sum is above `value`. */
static int64_t find_bin(const double *cumulative, int64_t bins, double value) {
    int64_t low = 0;
    int64_t high = bins - 1;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        if (cumulative[middle] > value) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

/*
 * One pixel: counts per bin. Index 2p+1 of the counter serves the photons' bins, 2p with the part in its upper bits the
 * numbers of photons. False when a bin overflows.
 */
static bool sample_pixel(const sei_spectrum_sampler *sampler, const sei_random *random, int64_t pixel, uint16_t *counts) {
    const int64_t bins = sampler->axis.bins;
    uint32_t draw = 0;
    for (size_t k = 0; k < sampler->n; ++k) {
        const sei_spectrum_part *part = &sampler->parts[k];
        const double *cumulative = sampler->cumulative + (size_t)bins * k;
        const double total = cumulative[bins - 1];
        const double image = part->image == NULL ? 1 : (double)part->image[pixel];
        const uint64_t number = (uint64_t)pixel * 2 + ((uint64_t)(k + 1) << 48);
        const double photons = sei_random_poisson(random, number, image * total);
        for (double p = 0; p < photons; p += 1) {
            const double value = sei_random_uniform(random, (uint64_t)pixel * 2 + 1, draw) * total;
            const int64_t bin = find_bin(cumulative, bins, value);
            draw += 1;
            if (counts[bin] == UINT16_MAX) return false;
            counts[bin] = (uint16_t)(counts[bin] + 1);
        }
    }
    return true;
}

sei_status sei_spectrum_sample_row(const sei_spectrum_sampler *sampler, int64_t nx, int64_t y, uint64_t seed, uint32_t stream,
                                   uint16_t *counts) {
    const int64_t bins = sampler->axis.bins;
    const sei_random random = {seed, stream};
    int64_t overflown = 0;
    memset(counts, 0, (size_t)nx * (size_t)bins * sizeof *counts);
#pragma omp parallel for num_threads(sei_threads()) schedule(dynamic, 8) reduction(+ : overflown)
    for (int64_t x = 0; x < nx; ++x) {
        if (!sample_pixel(sampler, &random, y * nx + x, counts + x * bins)) overflown += 1;
    }
    if (overflown == 0) return SEI_OK;
    return sei_fail(
        SEI_ERR_INPUT,
        "row %lld of a spectrum image: %lld pixels pass 65535 counts in a bin; lower the dose or the counts, or write no "
        "spectrum images",
        (long long)y, (long long)overflown);
}
