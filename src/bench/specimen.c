/*
 * The specimen: discs in the plane across the tilt axis, the same in every slice. Its projections are integrals over each
 * bin, exact whatever the grid, so no projector of seitomo has a part in the data; its truth is known.
 */
#include <math.h>
#include <string.h>

#include "bench/bench.h"
#include "core/alloc.h"
#include "core/threads.h"

static const double pi = 3.14159265358979323846;

/* Position, radius and value in slices of 256 x 256; values of discs in one place add up. */
typedef struct disc {
    double x, z, r, value;
} disc;
#define WIRE_RADIUS 60.0
static const disc discs[] = {
    {0, 0, WIRE_RADIUS, 0.6}, /* shell */
    {0, 0, 42, 0.4},          /* core: 1 */
    /* pores in the shell, then in the core */
    {51, 4, 4, -0.6},
    {-6, 51, 5, -0.6},
    {-51, -8, 4.5, -0.6},
    {9, -50, 5, -0.6},
    {20, 6, 6, -1},
    {-8, 22, 5, -1},
    {-4, -20, 6.5, -1},
    {-24, 2, 4.5, -1},
    /* particles, bright and smaller than two voxels, so that their image is the method's own shape of a point */
    {-95, 30, 1.2, 4},
    {98, -22, 1.2, 4},
};
enum { N_DISCS = sizeof discs / sizeof discs[0], FIRST_PARTICLE = N_DISCS - 2 };

/* Area of a disc of radius r between its left edge and the chord at t. */
static double area_left_of(double r, double t) {
    const double s = fmax(-r, fmin(r, t));
    return s * sqrt(r * r - s * s) + r * r * (asin(s / r) + pi / 2);
}

static double bin_signal(int n_discs, double scale, double cosine, double sine, double u) {
    double sum = 0;
    for (int i = 0; i < n_discs; ++i) {
        const double r = scale * discs[i].r, at = u - scale * (discs[i].x * cosine - discs[i].z * sine);
        if (fabs(at) < r + 0.5) sum += discs[i].value * (area_left_of(r, at + 0.5) - area_left_of(r, at - 0.5));
    }
    return sum;
}

/* A number in (0, 1) of a counter: SplitMix64 (Steele, Lea & Flood 2014). A library without Random123 measures as well. */
static double uniform_of(uint64_t counter) {
    uint64_t z = (counter + 1) * 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return ((double)((z ^ (z >> 31)) >> 12) + 0.5) * 0x1p-52;
}

/* Poisson counts by their definition: how many exponential waits fit into the mean. */
static double poisson(double mean, uint64_t item) {
    const uint64_t stream = item << 16; /* 2^16 draws each */
    double waited = 0;
    int n = 0;
    for (; n < 65535; ++n) {
        waited -= log(uniform_of(stream + (uint64_t)n));
        if (waited > mean) break;
    }
    return n;
}

sei_bench_size sei_bench_reference(const sei_bench_part *part) {
    if (part->quick) return (sei_bench_size){.n = 64, .ny = 32, .n_tilts = 25, .max_deg = 60};
    return (sei_bench_size){.n = 512, .ny = 512, .n_tilts = 25, .max_deg = 60};
}

double sei_bench_tilt_deg(const sei_bench_size *size, int tilt) {
    return -size->max_deg + 2 * size->max_deg * tilt / (size->n_tilts - 1);
}

void sei_bench_geometry_make(const sei_bench_size *size, sei_kernel kernel, sei_bench_geometry *out) {
    for (int t = 0; t < size->n_tilts; ++t) {
        out->cos_tilt[t] = cos(sei_bench_tilt_deg(size, t) * pi / 180);
        out->sin_tilt[t] = sin(sei_bench_tilt_deg(size, t) * pi / 180);
        out->axis_u[t] = 0.5 * (size->n - 1);
    }
    out->slab = (sei_slab){.nx = size->n,
                           .nz = size->n,
                           .nu = size->n,
                           .ny = size->ny,
                           .n_tilts = size->n_tilts,
                           .cos_tilt = out->cos_tilt,
                           .sin_tilt = out->sin_tilt,
                           .axis_u = out->axis_u,
                           .kernel = kernel};
}

/* Half-width of a voxel's footprint on the detector, in bins (seitomo/backend.h). */
static double footprint_radius(sei_kernel kernel, double cosine, double sine) {
    const double c = fabs(cosine), s = fabs(sine);
    return kernel == SEI_KERNEL_LINEAR ? fmax(c, s) : 0.5 * (c + s) + 0.5;
}

double sei_bench_nonzeros(const sei_slab *slab) {
    int64_t count = 0;
#pragma omp parallel for num_threads(sei_threads()) schedule(static) reduction(+ : count)
    for (int z = 0; z < slab->nz; ++z) {
        for (int t = 0; t < slab->n_tilts; ++t) {
            const double radius = footprint_radius(slab->kernel, slab->cos_tilt[t], slab->sin_tilt[t]);
            for (int x = 0; x < slab->nx; ++x) {
                const double u = (x - 0.5 * (slab->nx - 1)) * slab->cos_tilt[t] - (z - 0.5 * (slab->nz - 1)) * slab->sin_tilt[t] +
                                 slab->axis_u[t];
                const double first = fmax(0, floor(u - radius) + 1), last = fmin(slab->nu - 1, ceil(u + radius) - 1);
                count += last >= first ? (int64_t)(last - first) + 1 : 0;
            }
        }
    }
    return (double)count;
}

sei_status sei_bench_specimen_make(const sei_bench_size *size, bool particles, int n_channels, double peak, int different,
                                   sei_bench_specimen *out) {
    sei_bench_specimen s = {0};
    sei_bench_geometry g;
    double *signal = NULL, brightest = 0;
    sei_status status = SEI_OK;
    const int n = size->n, n_tilts = size->n_tilts;
    sei_bench_geometry_make(size, SEI_KERNEL_LINEAR, &g);
    SEI_TRY(SEI_NEW(signal, n_tilts, n, 1));
    SEI_TRY(sei_series_alloc(n, size->ny, n_tilts, (size_t)n_channels, &s.series));
    s.series.pixel_nm = 1;
    s.series.aligned = true;
    for (int t = 0; t < n_tilts; ++t) {
        s.series.tilts[t].tilt_deg = sei_bench_tilt_deg(size, t);
        for (int u = 0; u < n; ++u) {
            double *bin = &signal[(size_t)t * (size_t)n + (size_t)u];
            *bin = bin_signal(particles ? N_DISCS : FIRST_PARTICLE, n / 256.0, g.cos_tilt[t], g.sin_tilt[t], u - g.axis_u[t]);
            brightest = fmax(brightest, *bin);
        }
    }
    s.truth_scale = peak / brightest;
    for (int c = 0; c < n_channels; ++c) {
        float *data = s.series.channels[c].data;
#pragma omp parallel for num_threads(sei_threads()) schedule(dynamic)
        for (int t = 0; t < n_tilts; ++t) {
            for (int y = 0; y < size->ny; ++y) {
                float *row = data + ((size_t)t * (size_t)size->ny + (size_t)y) * (size_t)n;
                if (y >= different) {
                    memcpy(row, row - (size_t)different * (size_t)n, (size_t)n * sizeof *row);
                    continue;
                }
                for (int u = 0; u < n; ++u) {
                    const uint64_t item =
                        (((uint64_t)c * (uint64_t)n_tilts + (uint64_t)t) * (uint64_t)different + (uint64_t)y) * (uint64_t)n +
                        (uint64_t)u;
                    row[u] = (float)poisson(s.truth_scale * signal[(size_t)t * (size_t)n + (size_t)u], item);
                }
            }
        }
    }
    *out = s;
    s = (sei_bench_specimen){0};
done:
    sei_free(signal);
    sei_series_free(&s.series);
    return status;
}

void sei_bench_specimen_free(sei_bench_specimen *specimen) {
    sei_series_free(&specimen->series);
}

sei_status sei_bench_truth(int n, bool particles, float **out) {
    enum { FINE = 8 }; /* points along each edge of a voxel */
    float *truth = NULL;
    const double scale = n / 256.0;
    const int n_discs = particles ? N_DISCS : FIRST_PARTICLE;
    const sei_status status = SEI_NEW(truth, n, n, 1);
    if (status != SEI_OK) return status;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int z = 0; z < n; ++z) {
        for (int x = 0; x < n; ++x) {
            double sum = 0;
            for (int p = 0; p < FINE * FINE; ++p) {
                const double px = x - 0.5 * (n - 1) + (p % FINE + 0.5) / FINE - 0.5;
                const double pz = z - 0.5 * (n - 1) + (p / FINE + 0.5) / FINE - 0.5; /* NOLINT(bugprone-integer-division) */
                for (int i = 0; i < n_discs; ++i) {
                    const double dx = px - scale * discs[i].x, dz = pz - scale * discs[i].z, r = scale * discs[i].r;
                    if (dx * dx + dz * dz < r * r) sum += discs[i].value;
                }
            }
            truth[(size_t)z * (size_t)n + (size_t)x] = (float)(sum / (FINE * FINE));
        }
    }
    *out = truth;
    return SEI_OK;
}

sei_status sei_bench_wire_support(int n, uint8_t **out) {
    uint8_t *support = NULL;
    const double radius = WIRE_RADIUS * n / 256 + n / 32.0;
    const sei_status status = SEI_NEW(support, n, n, 1);
    if (status != SEI_OK) return status;
    for (int z = 0; z < n; ++z) {
        for (int x = 0; x < n; ++x)
            support[(size_t)z * (size_t)n + (size_t)x] = hypot(x - 0.5 * (n - 1), z - 0.5 * (n - 1)) < radius;
    }
    *out = support;
    return SEI_OK;
}

double sei_bench_error(const sei_volume *volume, double scale, const float *truth) {
    double difference2 = 0, truth2 = 0;
    for (int64_t z = 0; z < volume->nz; ++z) {
        for (int64_t y = 0; y < volume->ny; ++y) {
            const float *row = volume->data + (z * volume->ny + y) * volume->nx, *line = truth + z * volume->nx;
            for (int64_t x = 0; x < volume->nx; ++x) {
                const double true_value = (double)line[x], d = (double)row[x] / scale - true_value;
                difference2 += d * d;
                truth2 += true_value * true_value;
            }
        }
    }
    return sqrt(difference2 / truth2);
}

/* Full width at half of the peak at index `peak` of a profile, by the lines between its points. */
static double half_width(int n, const double *profile, int peak) {
    const double half = 0.5 * profile[peak];
    double edges[2];
    for (int side = 0; side < 2; ++side) {
        const int step = side == 0 ? -1 : 1;
        int i = peak;
        while (i + step >= 0 && i + step < n && profile[i + step] > half) i += step;
        if (i + step < 0 || i + step >= n) return NAN;
        edges[side] = i + step * (profile[i] - half) / (profile[i] - profile[i + step]);
    }
    return edges[1] - edges[0];
}

double sei_bench_elongation(const sei_volume *volume, int particle) {
    enum { REACH = 12, N = 2 * REACH + 1 };
    const disc *d = &discs[FIRST_PARTICLE + particle];
    const double scale = (double)volume->nx / 256;
    const int64_t x0 = llround(scale * d->x + 0.5 * (double)(volume->nx - 1)),
                  z0 = llround(scale * d->z + 0.5 * (double)(volume->nz - 1));
    double along_x[N] = {0}, along_z[N] = {0}, widths[2];
    double *const lines[2] = {along_x, along_z};
    for (int64_t y = 0; y < volume->ny; ++y) {
        for (int i = 0; i < N; ++i) {
            along_x[i] += (double)volume->data[(z0 * volume->ny + y) * volume->nx + x0 + i - REACH];
            along_z[i] += (double)volume->data[((z0 + i - REACH) * volume->ny + y) * volume->nx + x0];
        }
    }
    for (int l = 0; l < 2; ++l) {
        int peak = REACH;
        for (int i = 0; i < N; ++i) {
            if (lines[l][i] > lines[l][peak]) peak = i;
        }
        widths[l] = half_width(N, lines[l], peak);
    }
    return widths[1] / widths[0];
}
