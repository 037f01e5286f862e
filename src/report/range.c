/* The grey range: exact percentiles through a radix count of the floats' bits, so that no outlier moves the bins. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "report/image.h"

/* Order-preserving bits of a finite float. */
static uint32_t key_of(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

static double value_of(uint32_t key) {
    const uint32_t bits = key & 0x80000000u ? key ^ 0x80000000u : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

typedef struct sample {
    const float *values;
    const uint8_t *mask;
    size_t n;
    double above; /* only values above this count; -INFINITY: all */
} sample;

static bool counts(const sample *s, size_t i) {
    return isfinite(s->values[i]) && (s->mask == NULL || s->mask[i] != 0) && (double)s->values[i] > s->above;
}

/* The value of rank floor(percent/100*(count-1)) by two counts of 16 bits each. bins [65536]. count 0: NaN. */
static double percentile(const sample *s, double percent, uint64_t *bins) {
    uint64_t total = 0, before = 0;
    memset(bins, 0, 65536 * sizeof *bins);
    for (size_t i = 0; i < s->n; ++i) {
        if (counts(s, i)) ++bins[key_of(s->values[i]) >> 16];
    }
    for (size_t b = 0; b < 65536; ++b) total += bins[b];
    if (total == 0) return NAN;
    const uint64_t rank = (uint64_t)(percent / 100 * (double)(total - 1));
    uint32_t high = 0;
    while (before + bins[high] <= rank) before += bins[high++];
    memset(bins, 0, 65536 * sizeof *bins);
    for (size_t i = 0; i < s->n; ++i) {
        if (counts(s, i) && key_of(s->values[i]) >> 16 == high) ++bins[key_of(s->values[i]) & 0xffffu];
    }
    uint32_t low = 0;
    while (before + bins[low] <= rank) before += bins[low++];
    return value_of(high << 16 | low);
}

bool sei_is_element(const char *name) {
    uint8_t rgb[3];
    sei_channel_colour(name, rgb);
    return rgb[0] != 255 || rgb[1] != 255 || rgb[2] != 255;
}

sei_status sei_range_of(const float *values, const uint8_t *mask, size_t n, bool element, const sei_picture_options *options,
                        sei_range *out) {
    uint64_t *bins = NULL;
    sei_range range = {options->range_low, options->range_high};
    sei_status status = SEI_OK;
    if (isnan(range.low) || isnan(range.high)) {
        sample s = {values, mask, n, -INFINITY};
        SEI_TRY(SEI_NEW(bins, 65536, 1, 1));
        double low = percentile(&s, options->low_percentile, bins);
        double high = percentile(&s, options->high_percentile, bins);
        if (element && high > 0) low = 0;
        if (!(high > low) || (element && high <= 0)) {
            /* nearly all is one value: what differs is what matters */
            s.above = element && !(low > 0) ? 0 : low;
            high = percentile(&s, options->high_percentile, bins);
            if (element && high > 0) low = 0;
        }
        if (isnan(range.low)) range.low = isnan(low) ? 0 : low;
        if (isnan(range.high)) range.high = isnan(high) ? range.low + 1 : high;
    }
    if (!(range.high > range.low)) range.high = range.low + (fabs(range.low) > 1 ? 1e-6 * fabs(range.low) : 1);
    *out = range;
done:
    sei_free(bins);
    return status;
}

sei_status sei_range_of_slabs(const sei_volume *volume, const sei_picture_options *options, sei_range *out) {
    const sei_plane_strides at = sei_plane_layout(options->plane, volume->nx, volume->ny, volume->nz);
    const size_t voxels = (size_t)(at.width * at.height * at.depth);
    const double in_voxels = options->thickness_nm / volume->voxel_nm;
    int64_t layers = isfinite(in_voxels) && in_voxels > 1.5 ? (int64_t)fmin(round(in_voxels), (double)at.depth) : 1;
    const bool element = sei_is_element(volume->name);
    float *means = NULL;
    sei_status status = SEI_OK;
    if (layers == 1 || (!isnan(options->range_low) && !isnan(options->range_high)))
        return sei_range_of(volume->data, NULL, voxels, element, options, out);
    const int64_t slabs = at.depth / layers;
    const int64_t jobs = slabs * at.height;
    SEI_TRY(SEI_NEW(means, slabs, at.height, at.width));
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t job = 0; job < jobs; ++job) {
        const int64_t first = job / at.height * layers, j = job % at.height;
        for (int64_t i = 0; i < at.width; ++i) {
            double sum = 0;
            for (int64_t k = first; k < first + layers; ++k)
                sum += (double)volume->data[i * at.across + j * at.down + k * at.through];
            means[job * at.width + i] = (float)(sum / (double)layers);
        }
    }
    SEI_TRY(sei_range_of(means, NULL, (size_t)(jobs * at.width), element, options, out));
done:
    sei_free(means);
    return status;
}
