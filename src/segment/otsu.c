/* Otsu's criterion for several classes: the exact best partition of a histogram. */
#include <math.h>

#include "core/alloc.h"
#include "seitomo/segment.h"

/* A bin keeps the extremes of its values, so that a threshold separates the data and not only the bins. */
typedef struct bin {
    double count, sum;
    float low, high;
} bin;

static sei_status find_range(const float *data, size_t count, const uint8_t *mask, float range[2]) {
    size_t used = 0, bad = 0;
    float low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; ++i) {
        if (mask != NULL && mask[i] == 0) continue;
        if (!isfinite(data[i])) {
            ++bad;
            continue;
        }
        ++used;
        if (data[i] < low) low = data[i];
        if (data[i] > high) high = data[i];
    }
    if (bad > 0) return sei_fail(SEI_ERR_INPUT, "%zu of %zu values are not finite: no threshold can be found", bad, used + bad);
    if (used == 0) return sei_fail(SEI_ERR_INPUT, "no values to find a threshold in");
    range[0] = low;
    range[1] = high;
    return SEI_OK;
}

/* The bin of a value: n equal bins from low to high, each closed below, the last one closed above. */
static int bin_of(double value, double low, double width, int n) {
    int b = (int)((value - low) / width);
    if (b >= n) b = n - 1;
    if (b > 0 && value < low + b * width) --b;
    if (b + 1 < n && value >= low + (b + 1) * width) ++b;
    return b;
}

static void fill_bins(const float *data, size_t count, const uint8_t *mask, double low, double width, int n, bin *bins) {
    for (int b = 0; b < n; ++b) bins[b] = (bin){0, 0, INFINITY, -INFINITY};
    for (size_t i = 0; i < count; ++i) {
        if (mask != NULL && mask[i] == 0) continue;
        bin *at = &bins[bin_of((double)data[i], low, width, n)];
        at->count += 1;
        if (data[i] < at->low) at->low = data[i];
        if (data[i] > at->high) at->high = data[i];
    }
    /* a bin's values are taken at its index, as histograms are: the criterion does not change under a shift or scale */
    for (int b = 0; b < n; ++b) bins[b].sum = bins[b].count * b;
}

/* Drops empty bins; returns how many remain. */
static int compact(bin *bins, int n) {
    int used = 0;
    for (int b = 0; b < n; ++b) {
        if (bins[b].count > 0) bins[used++] = bins[b];
    }
    return used;
}

/* sum^2 / count of the bins first .. last: the between-class variance is the total of this over the classes. */
static double gain(const double *counts, const double *sums, int first, int last) {
    const double count = counts[last + 1] - counts[first], sum = sums[last + 1] - sums[first];
    return sum * sum / count;
}

/* best[c][b]: largest total for bins 0..b in c+1 classes; last_of_previous[c][b]: where class c-1 ends then. */
static void search(const bin *bins, int n, int classes, double *counts, double *sums, double *best, int *previous, int *ends) {
    counts[0] = sums[0] = 0;
    for (int b = 0; b < n; ++b) {
        counts[b + 1] = counts[b] + bins[b].count;
        sums[b + 1] = sums[b] + bins[b].sum;
    }
    for (int b = 0; b < n; ++b) best[b] = gain(counts, sums, 0, b);
    for (int c = 1; c < classes; ++c) {
        for (int b = c; b < n; ++b) {
            double top = -1;
            int at = c - 1;
            for (int e = c - 1; e < b; ++e) {
                const double value = best[(c - 1) * n + e] + gain(counts, sums, e + 1, b);
                if (value > top) {
                    top = value;
                    at = e;
                }
            }
            best[c * n + b] = top;
            previous[c * n + b] = at;
        }
    }
    int b = n - 1;
    for (int c = classes - 1; c > 0; --c) {
        b = previous[c * n + b];
        ends[c - 1] = b;
    }
}

/* Within the gap between two classes every threshold separates the same values: the middle of their means is taken. */
static double place(const bin *bins, int first, int end, int last, double low, double width) {
    double count[2] = {0, 0}, sum[2] = {0, 0};
    for (int b = first; b <= last; ++b) {
        count[b > end] += bins[b].count;
        sum[b > end] += bins[b].sum;
    }
    const double middle = low + width * (0.5 + 0.5 * (sum[0] / count[0] + sum[1] / count[1]));
    const double below = (double)bins[end].high, above = (double)nextafterf(bins[end + 1].low, -INFINITY);
    return middle < below ? below : middle > above ? above : middle;
}

sei_status sei_otsu(const float *data, size_t count, const uint8_t *mask, int n_classes, int n_bins, double *thresholds) {
    sei_status status = SEI_OK;
    bin *bins = NULL;
    double *work = NULL;
    int *previous = NULL, ends[SEI_OTSU_MAX_CLASSES];
    float range[2] = {0, 0};
    const int n = n_bins > 0 ? n_bins : 256;
    if (n_classes < 2 || n_classes > SEI_OTSU_MAX_CLASSES) {
        return sei_fail(SEI_ERR_USAGE, "Otsu's thresholds: %d classes asked for, 2 to %d are possible", n_classes,
                        SEI_OTSU_MAX_CLASSES);
    }
    if (n < n_classes || n > 65536)
        return sei_fail(SEI_ERR_USAGE, "Otsu's thresholds: %d bins, %d to 65536 are possible", n, n_classes);
    SEI_TRY(find_range(data, count, mask, range));
    const double low = (double)range[0], width = ((double)range[1] - low) / n;
    if (!(width > 0)) SEI_TRY(sei_fail(SEI_ERR_INPUT, "all values are %g: %d classes cannot be told apart", low, n_classes));
    SEI_TRY(SEI_NEW(bins, n, 1, 1));
    SEI_TRY(SEI_NEW(work, n_classes + 2, n + 1, 1));
    SEI_TRY(SEI_NEW(previous, n_classes, n, 1));
    fill_bins(data, count, mask, low, width, n, bins);
    const int used = compact(bins, n);
    if (used < n_classes) {
        SEI_TRY(sei_fail(SEI_ERR_INPUT, "the values fill %d of %d bins: %d classes cannot be told apart", used, n, n_classes));
    }
    search(bins, used, n_classes, work, work + n + 1, work + 2 * (n + 1), previous, ends);
    for (int c = 0; c + 1 < n_classes; ++c) {
        const int first = c > 0 ? ends[c - 1] + 1 : 0, last = c + 2 < n_classes ? ends[c + 1] : used - 1;
        thresholds[c] = place(bins, first, ends[c], last, low, width);
    }
done:
    sei_free(bins);
    sei_free(work);
    sei_free(previous);
    return status;
}
