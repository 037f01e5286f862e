/*
 * Hot and cold pixels. A pixel stands out when it differs from its SECOND most extreme neighbour, so that lines, edges
 * and corners of real structure, which always have two neighbours alike, stay. How much is too much is judged by the
 * noise there is: for counts the signed root of the Poisson deviance (McCullagh & Nelder 1989, section 2.3), which stays
 * Gaussian-like down to means far below one; for grey levels a noise function sigma(level) measured in the image.
 */
#include <math.h>
#include <stdlib.h>

#include "clean/clean.h"

enum { GROUPS = 8, SAMPLES = 32768, BLOCK = 8 };

typedef struct noise {
    bool counts;
    double dispersion;                   /* counts: variance over mean, at least 1 */
    double level[GROUPS], sigma[GROUPS]; /* grey: noise against level, ascending */
} noise;

static int ascending(const void *a, const void *b) {
    const float p = *(const float *)a, q = *(const float *)b;
    return p < q ? -1 : p > q;
}

float sei_clean_select(float *values, int64_t n, int64_t k) {
    int64_t low = 0, high = n - 1;
    while (low < high) { /* Hoare's quickselect */
        const float pivot = values[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) ++i;
            while (values[j] > pivot) --j;
            if (i <= j) {
                const float swap = values[i];
                values[i++] = values[j];
                values[j--] = swap;
            }
        }
        if (k <= j) {
            high = j;
        } else if (k >= i) {
            low = i;
        } else {
            break;
        }
    }
    return values[k];
}

/* The pixels at Chebyshev distance `radius`. At most 8*radius values. */
static int ring(const sei_image *image, int64_t x, int64_t y, int64_t radius, float *out) {
    int n = 0;
    for (int64_t j = -radius; j <= radius; ++j) {
        const int64_t step = llabs(j) == radius ? 1 : 2 * radius;
        for (int64_t i = -radius; i <= radius; i += step) {
            if (sei_image_has(image, x + i, y + j)) out[n++] = image->data[(y + j) * image->nx + x + i];
        }
    }
    return n;
}

double sei_clean_neighbours_value(const sei_image *image, const uint8_t *flag, int64_t x, int64_t y, bool counts, bool whole) {
    const int64_t reach = image->nx > image->ny ? image->nx : image->ny;
    for (int64_t radius = 1; radius <= reach; ++radius) {
        float values[128];
        int n = 0;
        double sum = 0;
        for (int64_t j = -radius; j <= radius; ++j) {
            for (int64_t i = -radius; i <= radius && n < 128; ++i) {
                const int64_t at = (y + j) * image->nx + x + i;
                if (!sei_image_has(image, x + i, y + j) || flag[at] != 0 || !isfinite(image->data[at])) continue;
                sum += (double)image->data[at];
                values[n++] = image->data[at];
            }
        }
        if (n < 3 && !(radius == reach && n > 0)) continue;
        if (counts) return whole ? floor(sum / n + 0.5) : sum / n;
        qsort(values, (size_t)n, sizeof values[0], ascending);
        const double middle = 0.5 * ((double)values[(n - 1) / 2] + (double)values[n / 2]);
        return whole ? floor(middle + 0.5) : middle;
    }
    return NAN;
}

/* Variance over mean from differences of neighbours in a row, the median over blocks: 1 for plain Poisson counts. */
static double dispersion_of(const sei_image *image, float *scratch) {
    int64_t n = 0;
    for (int64_t y0 = 0; y0 < image->ny; y0 += BLOCK) {
        for (int64_t x0 = 0; x0 < image->nx; x0 += BLOCK) {
            double sum = 0, squares = 0;
            int pixels = 0, pairs = 0;
            for (int64_t y = y0; y < y0 + BLOCK; ++y) {
                for (int64_t x = x0; x < x0 + BLOCK; ++x) {
                    if (!sei_image_has(image, x, y)) continue;
                    const double v = (double)image->data[y * image->nx + x];
                    sum += v;
                    pixels += 1;
                    if (x + 1 == x0 + BLOCK || !sei_image_has(image, x + 1, y)) continue;
                    const double d = (double)image->data[y * image->nx + x + 1] - v;
                    squares += 0.5 * d * d;
                    pairs += 1;
                }
            }
            if (sum > 0 && pairs > 0) scratch[n++] = (float)(squares / pairs / (sum / pixels));
        }
    }
    const double median = n > 0 ? (double)sei_clean_select(scratch, n, n / 2) : 1;
    return median > 1 ? median : 1;
}

typedef struct sample {
    float level, residual;
} sample;

static int by_level(const void *a, const void *b) {
    const float p = ((const sample *)a)->level, q = ((const sample *)b)->level;
    return p < q ? -1 : p > q;
}

/* sigma(level): samples sorted by the median of their ring, in equal groups; in each the larger of the MAD and the mean
 * deviation of all but the top 2 % (which sees noise that is zero at most pixels). */
static void grey_noise(const sei_image *image, float *scratch, noise *out) {
    sample *samples = (sample *)(void *)scratch; /* nx*ny floats hold nx*ny/2 samples */
    const int64_t pixels = image->nx * image->ny;
    const int64_t room = pixels / 2 < SAMPLES ? pixels / 2 : SAMPLES;
    int64_t stride = pixels / (room > 0 ? room : 1) + 1;
    if (image->nx % stride == 0) stride += 1; /* do not walk down one column */
    int64_t n = 0;
    for (int64_t at = 0; at < pixels && n < room; at += stride) {
        float values[8];
        if (!sei_image_has(image, at % image->nx, at / image->nx)) continue;
        const int found = ring(image, at % image->nx, at / image->nx, 1, values);
        if (found < 3) continue;
        qsort(values, (size_t)found, sizeof values[0], ascending);
        const float median = 0.5f * (values[(found - 1) / 2] + values[found / 2]);
        samples[n++] = (sample){median, fabsf(image->data[at] - median)};
    }
    qsort(samples, (size_t)n, sizeof *samples, by_level);
    const double range = n > 0 ? (double)samples[n - 1 - n / 100].level - (double)samples[n / 100].level : 0;
    for (int g = 0; g < GROUPS; ++g) {
        const int64_t from = n * g / GROUPS, to = n * (g + 1) / GROUPS, m = to - from;
        out->level[g] = n > 0 ? (double)samples[from + m / 2 < n ? from + m / 2 : n - 1].level : 0;
        out->sigma[g] = 3e-3 * range; /* less than this is never a fault */
        if (m < 8) continue;
        float residuals[SAMPLES / GROUPS + 1];
        for (int64_t i = 0; i < m; ++i) residuals[i] = samples[from + i].residual;
        qsort(residuals, (size_t)m, sizeof residuals[0], ascending);
        double sum = 0;
        const int64_t kept = m - m / 50;
        for (int64_t i = 0; i < kept; ++i) sum += (double)residuals[i];
        /* The MAD of a Gaussian is sigma/1.4826; the mean |r| of its inner 98 % is 0.752 sigma. */
        out->sigma[g] = fmax(out->sigma[g], fmax(1.4826 * (double)residuals[m / 2], sum / (double)kept / 0.752));
    }
}

static double sigma_at(const noise *model, double level) {
    int g = 0;
    if (level <= model->level[0]) return model->sigma[0];
    while (g + 1 < GROUPS && model->level[g + 1] < level) ++g;
    if (g + 1 == GROUPS) { /* above all levels: noise grows no faster than the level's root */
        const double top = model->level[GROUPS - 1];
        return model->sigma[GROUPS - 1] * (top > 0 ? sqrt(level / top) : 1);
    }
    const double width = model->level[g + 1] - model->level[g];
    const double f = width > 0 ? (level - model->level[g]) / width : 0;
    return (1 - f) * model->sigma[g] + f * model->sigma[g + 1];
}

/* Signed root of the deviance of a count n against the mean. */
static double root_deviance(double n, double mean) {
    const double term = n > 0 ? n * log(n / mean) : 0;
    const double deviance = 2 * (term - n + mean);
    return deviance > 0 ? (n > mean ? sqrt(deviance) : -sqrt(deviance)) : 0;
}

/* How many sigmas a pixel lies beyond its second most extreme neighbour; above 0 hot, below 0 cold, 0 neither. */
static double strangeness(const sei_image *image, const noise *model, int64_t x, int64_t y) {
    float inner[8], outer[16];
    const double v = (double)image->data[y * image->nx + x];
    const int n = ring(image, x, y, 1, inner);
    if (n < 3) return 0;
    int above = 0, below = 0;
    for (int i = 0; i < n; ++i) {
        above += (double)inner[i] >= v;
        below += (double)inner[i] <= v;
    }
    if (above > 1 && below > 1) return 0;
    const int m = ring(image, x, y, 2, outer);
    if (m < 3) return 0;
    qsort(inner, (size_t)n, sizeof inner[0], ascending);
    qsort(outer, (size_t)m, sizeof outer[0], ascending);
    const bool hot = above <= 1;
    /* At the image's edge half of the neighbourhood is out of sight: there the most extreme neighbour decides. */
    const int rank = n == 8 ? 1 : 0;
    const double next = (double)(hot ? inner[n - 1 - rank] : inner[rank]);
    const double beyond = (double)(hot ? outer[m - 1 - rank] : outer[rank]);
    if (hot ? v <= next : v >= next) return 0;
    const double least_drop = model->counts ? 0 : 0.25 * model->level[GROUPS - 1];
    if (!hot && (v > 0.1 * next || next - v < least_drop))
        return 0; /* a dead pixel reads nearly nothing; real dark spots do not */
    /* A real peak already rises from the outer ring to the inner one; a fault jumps at the pixel alone. */
    const double slope = hot ? next - beyond : beyond - next;
    if (fabs(v - next) <= 2 * fmax(slope, 0)) return 0;
    if (!model->counts) return (v - next) / sigma_at(model, (double)inner[n - 1]);
    double mean = fmax(next, 0);
    if (hot) { /* the mean is not below what the 24 neighbours say; their two largest may be hot themselves */
        double sum = 0, first = 0, second = 0;
        for (int i = 0; i < n + m; ++i) {
            const double w = (double)(i < n ? inner[i] : outer[i - n]);
            sum += w;
            if (w > first) {
                second = first;
                first = w;
            } else if (w > second) {
                second = w;
            }
        }
        mean = fmax(mean, (fmax(sum - first - second, 0) + 1) / (n + m - 1));
    }
    if (!(mean > 0) || (hot && v <= mean)) return 0;
    return root_deviance(fmax(v, 0), mean) / sqrt(model->dispersion);
}

void sei_clean_find_hot(const sei_image *image, bool counts, double sigma, uint8_t *flag, float *scratch) {
    noise model = {.counts = counts};
    if (counts) {
        model.dispersion = dispersion_of(image, scratch);
    } else {
        grey_noise(image, scratch, &model);
    }
    for (int64_t y = 0; y < image->ny; ++y) {
        for (int64_t x = 0; x < image->nx; ++x) {
            if (!sei_image_has(image, x, y)) continue;
            const double z = strangeness(image, &model, x, y);
            if (fabs(z) > sigma) flag[y * image->nx + x] = z > 0 ? 1 : 2;
        }
    }
}
