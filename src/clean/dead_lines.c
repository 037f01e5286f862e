/*
 * Dead rows and columns. Real structure moves, bends and fades; a dead line is straight, one pixel sharp and in the same
 * place in every image. Two kinds are taken for dead, both only where they jump by more than twice what their
 * neighbours differ among themselves:
 *   constant  up to four adjacent lines that hold one value in every image while both sides do not;
 *   far off   a single line whose mean lies outside that of all lines elsewhere, and three quarters of whose pixels lie
 *             outside both neighbours', in every image and in one direction.
 */
#include <math.h>
#include <stdlib.h>

#include "clean/clean.h"
#include "core/alloc.h"

enum { MOST_ADJACENT = 4, FEWEST_LINES = 8 };
static const double least_sigma = 8;

/* A channel seen as lines: rows, or columns. */
typedef struct lines {
    sei_series *series;
    size_t channel;
    bool rows, counts;
    int64_t n, length, n_tilts;
    double *mean;      /* [n_tilts][n] mean of the valid pixels */
    double *range;     /* [n_tilts][n] largest minus smallest */
    double *total;     /* [n] sum over everything */
    uint8_t *constant; /* [n] */
    uint8_t *dead;     /* [n] */
    double contrast;   /* mean over images of largest minus smallest pixel */
} lines;

static bool has(const lines *l, int64_t t, int64_t line, int64_t i, size_t *at) {
    const int64_t x = l->rows ? i : line, y = l->rows ? line : i;
    *at = (size_t)((t * l->series->ny + y) * l->series->nx + x);
    return l->series->valid == NULL || l->series->valid[*at] != 0;
}

static void measure(lines *l) {
    const float *data = l->series->channels[l->channel].data;
    for (int64_t t = 0; t < l->n_tilts; ++t) {
        double least = INFINITY, most = -INFINITY;
        for (int64_t k = 0; k < l->n; ++k) {
            double sum = 0, low = INFINITY, high = -INFINITY;
            int64_t count = 0;
            for (int64_t i = 0; i < l->length; ++i) {
                size_t at = 0;
                if (!has(l, t, k, i, &at)) continue;
                sum += (double)data[at];
                low = fmin(low, (double)data[at]);
                high = fmax(high, (double)data[at]);
                count += 1;
            }
            l->mean[t * l->n + k] = count > 0 ? sum / (double)count : NAN;
            l->range[t * l->n + k] = count > 0 ? high - low : 0;
            l->total[k] += sum;
            if (count < l->length / 2 || high > low) l->constant[k] = 0;
            least = fmin(least, low);
            most = fmax(most, high);
        }
        l->contrast += fmax(most - least, 0) / (double)l->n_tilts;
    }
}

/* The nearest line from `start` in direction `step` that varies in at least half of the images; -1: none. */
static int64_t varying(const lines *l, int64_t start, int64_t step) {
    for (int64_t k = start; k >= 0 && k < l->n; k += step) {
        int64_t images = 0;
        for (int64_t t = 0; t < l->n_tilts; ++t) images += l->range[t * l->n + k] > 0;
        if (!l->constant[k] && !l->dead[k] && 2 * images >= l->n_tilts) return k;
    }
    return -1;
}

/* Mean over pixels of |a - b|. */
static double difference(const lines *l, int64_t a, int64_t b) {
    const float *data = l->series->channels[l->channel].data;
    double sum = 0;
    int64_t count = 0;
    for (int64_t t = 0; t < l->n_tilts; ++t) {
        for (int64_t i = 0; i < l->length; ++i) {
            size_t p = 0, q = 0;
            if (!has(l, t, a, i, &p) || !has(l, t, b, i, &q)) continue;
            sum += fabs((double)data[p] - (double)data[q]);
            count += 1;
        }
    }
    return count > 0 ? sum / (double)count : 0;
}

/* Mean over pixels of the distance of line k from the interval between lines a and b; in `share` the smallest share, over
 * images, of pixels outside it in the direction `sign` (0: either). */
static double outside(const lines *l, int64_t k, int64_t a, int64_t b, int sign, double *share) {
    const float *data = l->series->channels[l->channel].data;
    double sum = 0;
    int64_t count = 0;
    *share = 1;
    for (int64_t t = 0; t < l->n_tilts; ++t) {
        int64_t out = 0, seen = 0;
        for (int64_t i = 0; i < l->length; ++i) {
            size_t at = 0, p = 0, q = 0;
            if (!has(l, t, k, i, &at) || !has(l, t, a, i, &p) || !has(l, t, b, i, &q)) continue;
            const double v = (double)data[at];
            const double low = fmin((double)data[p], (double)data[q]), high = fmax((double)data[p], (double)data[q]);
            const double distance = v > high ? v - high : v < low ? v - low : 0;
            sum += fabs(distance);
            out += sign == 0 ? distance != 0 : sign * distance > 0;
            seen += 1;
        }
        count += seen;
        if (seen > 0) *share = fmin(*share, (double)out / (double)seen);
    }
    return count > 0 ? sum / (double)count : 0;
}

static double root_deviance(double n, double mean) {
    const double deviance = 2 * ((n > 0 ? n * log(n / mean) : 0) - n + mean);
    return deviance > 0 ? sqrt(deviance) : 0;
}

static void find_constant(lines *l) {
    for (int64_t first = 0; first < l->n; ++first) {
        if (!l->constant[first]) continue;
        int64_t last = first;
        while (last + 1 < l->n && l->constant[last + 1]) ++last;
        const int64_t before = varying(l, first - 1, -1), after = varying(l, last + 1, 1);
        const int64_t a = before >= 0 ? before : after, b = after >= 0 ? after : before;
        const bool touches = (before < 0 || before == first - 1) && (after < 0 || after == last + 1);
        if (last - first < MOST_ADJACENT && touches && a >= 0) {
            const int64_t beyond_a = before >= 0 ? varying(l, before - 1, -1) : varying(l, after + 1, 1);
            const int64_t beyond_b = after >= 0 ? varying(l, after + 1, 1) : varying(l, before - 1, -1);
            double slope = 0, pooled = 0;
            if (beyond_a >= 0) {
                slope = difference(l, a, beyond_a);
                pooled = fabs(l->total[a] - l->total[beyond_a]);
            }
            if (beyond_b >= 0) {
                slope = fmax(slope, difference(l, b, beyond_b));
                pooled = fmax(pooled, fabs(l->total[b] - l->total[beyond_b]));
            }
            for (int64_t k = first; k <= last; ++k) {
                double share = 0;
                const double low = fmin(l->total[a], l->total[b]), high = fmax(l->total[a], l->total[b]);
                const double wanted = l->total[k] < low ? low : l->total[k] > high ? high : l->total[k];
                const double jump = outside(l, k, a, b, 0, &share);
                if (l->counts) {
                    l->dead[k] = wanted > 0 && fabs(l->total[k] - wanted) > 2 * pooled &&
                                 root_deviance(fmax(l->total[k], 0), wanted) > least_sigma;
                } else {
                    l->dead[k] = jump > 2 * slope && jump > 0.02 * l->contrast;
                }
            }
        }
        first = last;
    }
}

static int ascending(const void *a, const void *b) {
    const double p = *(const double *)a, q = *(const double *)b;
    return p < q ? -1 : p > q;
}

/* Noise of a line's mean in image t, from second differences of the profile (grey) or the counts themselves. */
static double profile_sigma(const lines *l, int64_t t, double level, double *scratch) {
    const double *mean = &l->mean[t * l->n];
    int64_t m = 0;
    if (l->counts) return sqrt(fmax(level, 1.0 / (double)l->length) / (double)l->length);
    for (int64_t k = 1; k + 1 < l->n; ++k) {
        const double d = mean[k] - 0.5 * (mean[k - 1] + mean[k + 1]);
        if (isfinite(d)) scratch[m++] = fabs(d);
    }
    if (m == 0) return INFINITY;
    qsort(scratch, (size_t)m, sizeof *scratch, ascending);
    return fmax(1.4826 * sqrt(2.0 / 3.0) * scratch[m / 2], 1e-3 * l->contrast);
}

/* Whether line k alone lies outside all lines more than MOST_ADJACENT away, in every image, up (sign 1) or down (-1). */
static bool far_off(const lines *l, int64_t k, int sign, double *scratch) {
    double jump = 0, variance = 0, slope = 0, share = 0;
    if (k < 2 || k + 2 >= l->n || l->dead[k - 1] || l->dead[k + 1]) return false;
    for (int64_t t = 0; t < l->n_tilts; ++t) {
        const double *mean = &l->mean[t * l->n];
        double edge = -INFINITY; /* the most extreme of the others, signed */
        if (!(sign * (mean[k] - mean[k - 1]) > 0 && sign * (mean[k] - mean[k + 1]) > 0)) return false;
        for (int64_t j = 0; j < l->n; ++j) {
            if (llabs(j - k) <= MOST_ADJACENT && j != k - 1 && j != k + 1) continue;
            if (!l->dead[j] && isfinite(mean[j])) edge = fmax(edge, sign * mean[j]);
        }
        if (!(sign * mean[k] > edge)) return false;
        jump += sign * mean[k] - edge;
        slope += fmax(fabs(mean[k - 1] - mean[k - 2]), fabs(mean[k + 1] - mean[k + 2]));
        const double sigma = profile_sigma(l, t, fabs(edge), scratch);
        variance += sigma * sigma;
    }
    if (!(jump > 2 * slope && jump > least_sigma * sqrt(variance))) return false;
    (void)outside(l, k, k - 1, k + 1, sign, &share);
    return share >= 0.75;
}

/* Interpolates the dead lines from the nearest good ones. Whole numbers stay whole and keep their mean: the fraction is
 * rounded up at its share of the pixels (thresholds in golden-ratio order). */
static sei_status repair(const lines *l, sei_repairs *repairs, int64_t *count) {
    sei_channel *channel = &l->series->channels[l->channel];
    const bool whole = sei_clean_is_whole(channel->stored);
    for (int64_t k = 0; k < l->n; ++k) {
        int64_t a = k, b = k, pixels = 0;
        double before = 0, after = 0;
        if (!l->dead[k]) continue;
        while (a >= 0 && l->dead[a]) --a;
        while (b < l->n && l->dead[b]) ++b;
        if (a < 0 && b == l->n) continue;
        const double weight = a < 0 ? 1 : b == l->n ? 0 : (double)(k - a) / (double)(b - a);
        for (int64_t t = 0; t < l->n_tilts; ++t) {
            for (int64_t i = 0; i < l->length; ++i) {
                size_t at = 0, p = 0, q = 0;
                const bool here = has(l, t, k, i, &at);
                const bool low = a >= 0 && has(l, t, a, i, &p), high = b < l->n && has(l, t, b, i, &q);
                if (!here || (!low && !high)) continue;
                const double u = low ? (double)channel->data[p] : (double)channel->data[q];
                const double v = high ? (double)channel->data[q] : u;
                double value = (1 - weight) * u + weight * v;
                if (whole) {
                    const double golden = 0.61803398874989485 * (double)(i + t);
                    value = floor(value + (golden - floor(golden)));
                }
                before += (double)channel->data[at];
                channel->data[at] = (float)value;
                after += value;
                pixels += 1;
            }
        }
        const double where = (double)(k + (l->rows ? repairs->y0 : repairs->x0));
        const sei_status status = sei_repairs_add(
            repairs, (sei_repair){l->channel, NAN, l->rows ? NAN : where, l->rows ? where : NAN,
                                  l->rows ? SEI_REPAIR_ROW : SEI_REPAIR_COLUMN, before / (double)pixels, after / (double)pixels});
        if (status != SEI_OK) return status;
        *count += 1;
    }
    return SEI_OK;
}

static sei_status one_direction(sei_series *series, size_t channel, bool rows, sei_repairs *repairs, int64_t *count) {
    lines l = {.series = series,
               .channel = channel,
               .rows = rows,
               .counts = sei_clean_is_counts(series, channel),
               .n = rows ? series->ny : series->nx,
               .length = rows ? series->nx : series->ny,
               .n_tilts = series->n_tilts};
    double *scratch = NULL;
    sei_status status = SEI_OK;
    if (l.n < FEWEST_LINES || l.length < FEWEST_LINES) return SEI_OK;
    SEI_TRY(SEI_NEW(l.mean, l.n_tilts, l.n, 1));
    SEI_TRY(SEI_NEW(l.range, l.n_tilts, l.n, 1));
    SEI_TRY(SEI_NEW(l.total, l.n, 1, 1));
    SEI_TRY(SEI_NEW(l.constant, l.n, 1, 1));
    SEI_TRY(SEI_NEW(l.dead, l.n, 1, 1));
    SEI_TRY(SEI_NEW(scratch, l.n, 1, 1));
    for (int64_t k = 0; k < l.n; ++k) l.constant[k] = 1;
    measure(&l);
    find_constant(&l);
    for (int64_t k = 0; k < l.n; ++k) {
        if (!l.dead[k] && !l.constant[k]) l.dead[k] = far_off(&l, k, 1, scratch) || far_off(&l, k, -1, scratch);
    }
    SEI_TRY(repair(&l, repairs, count));
done:
    sei_free(l.mean);
    sei_free(l.range);
    sei_free(l.total);
    sei_free(l.constant);
    sei_free(l.dead);
    sei_free(scratch);
    return status;
}

sei_status sei_clean_dead_lines(sei_series *series, size_t channel, sei_repairs *repairs, int64_t *lines_found) {
    const sei_status status = one_direction(series, channel, true, repairs, lines_found);
    return status == SEI_OK ? one_direction(series, channel, false, repairs, lines_found) : status;
}
