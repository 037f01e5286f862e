/* The wire's axis; rays from it; the smooth envelope of its silicon. */
#include "measure/wire.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"

static const double pi = 3.14159265358979323846;
static const double ray_step = 0.25; /* voxels */

/* The straight line value(y) through the centroids of all cross-sections that hold specimen, weighted by their voxels. */
static void fit_line(const sei_section *sections, int64_t ny, const double *value, double line[2]) {
    double w = 0, y = 0, v = 0, yy = 0, yv = 0;
    for (int64_t j = 0; j < ny; ++j) {
        const double weight = (double)sections[j].specimen;
        w += weight;
        y += weight * (double)j;
        v += weight * value[j];
    }
    if (!(w > 0)) return;
    for (int64_t j = 0; j < ny; ++j) {
        const double weight = (double)sections[j].specimen, dy = (double)j - y / w;
        yy += weight * dy * dy;
        yv += weight * dy * (value[j] - v / w);
    }
    line[1] = yy > 0 ? yv / yy : 0;
    line[0] = v / w - line[1] * y / w;
}

static void find_centroid(const sei_labels *labels, int64_t j, sei_section *section) {
    int64_t n = 0, sum_x = 0, sum_z = 0;
    for (int64_t k = 0; k < labels->nz; ++k) {
        const uint8_t *row = labels->data + (k * labels->ny + j) * labels->nx;
        for (int64_t i = 0; i < labels->nx; ++i) {
            if (!sei_is_specimen(row[i])) continue;
            ++n;
            sum_x += i;
            sum_z += k;
        }
    }
    section->specimen = n;
    section->x = n > 0 ? (double)sum_x / (double)n : 0;
    section->z = n > 0 ? (double)sum_z / (double)n : 0;
}

sei_status sei_wire_axis(const sei_labels *labels, sei_section *sections) {
    sei_status status = SEI_OK;
    const int64_t ny = labels->ny;
    double *value = NULL;
    double along_x[2] = {0.5 * (double)(labels->nx - 1), 0}, along_z[2] = {0.5 * (double)(labels->nz - 1), 0};
    SEI_TRY(SEI_NEW(value, ny, 1, 1));
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t j = 0; j < ny; ++j) find_centroid(labels, j, &sections[j]);
    for (int64_t j = 0; j < ny; ++j) value[j] = sections[j].x;
    fit_line(sections, ny, value, along_x);
    for (int64_t j = 0; j < ny; ++j) value[j] = sections[j].z;
    fit_line(sections, ny, value, along_z);
    for (int64_t j = 0; j < ny; ++j) {
        if (sections[j].specimen > 0) continue;
        sections[j].x = along_x[0] + along_x[1] * (double)j;
        sections[j].z = along_z[0] + along_z[1] * (double)j;
    }
done:
    sei_free(value);
    return status;
}

/* Index of the voxel at radius r on a ray, or -1 beyond the field. */
static int64_t at_ray(const sei_labels *labels, const sei_section *section, int64_t j, double cosine, double sine, double r) {
    const int64_t i = (int64_t)floor(section->x + r * cosine + 0.5), k = (int64_t)floor(section->z + r * sine + 0.5);
    if (i < 0 || i >= labels->nx || k < 0 || k >= labels->nz) return -1;
    return (k * labels->ny + j) * labels->nx + i;
}

/* Number of steps that surely leave the field. */
static int64_t longest_ray(const sei_labels *labels) {
    return (int64_t)(hypot((double)labels->nx, (double)labels->nz) / ray_step) + 2;
}

/* Radius of the end of the outermost silicon of a ray; 0 when there is none. */
static double outermost(const sei_labels *labels, const uint8_t *silicon, const sei_section *section, int64_t j, double phi) {
    const double cosine = cos(phi), sine = sin(phi);
    for (int64_t s = longest_ray(labels); s >= 0; --s) {
        const double r = ((double)s + 0.5) * ray_step;
        const int64_t at = at_ray(labels, section, j, cosine, sine, r);
        if (at >= 0 && silicon[at]) return r + 0.5 * ray_step;
    }
    return 0;
}

static void fourier_row(double phi, double row[SEI_WIRE_TERMS]) {
    row[0] = 1;
    for (int k = 1; k <= SEI_WIRE_ORDER; ++k) {
        row[2 * k - 1] = cos(k * phi);
        row[2 * k] = sin(k * phi);
    }
}

double sei_wire_radius(const sei_section *section, double cosine, double sine) {
    double c = 1, s = 0, sum = section->envelope[0];
    for (int k = 1; k <= SEI_WIRE_ORDER; ++k) { /* cos k phi and sin k phi by turning on */
        const double next = c * cosine - s * sine;
        s = s * cosine + c * sine;
        c = next;
        sum += section->envelope[2 * k - 1] * c + section->envelope[2 * k] * s;
    }
    return sum;
}

/* Solves the symmetric positive definite system a x = b in place (Cholesky); x is left in b. */
static void solve(double a[SEI_WIRE_TERMS][SEI_WIRE_TERMS], double b[SEI_WIRE_TERMS]) {
    const int n = SEI_WIRE_TERMS;
    for (int j = 0; j < n; ++j) {
        for (int i = j; i < n; ++i) {
            double sum = a[i][j];
            for (int k = 0; k < j; ++k) sum -= a[i][k] * a[j][k];
            a[i][j] = i == j ? sqrt(sum) : sum / a[j][j];
        }
    }
    for (int i = 0; i < n; ++i) {
        for (int k = 0; k < i; ++k) b[i] -= a[i][k] * b[k];
        b[i] /= a[i][i];
    }
    for (int i = n - 1; i >= 0; --i) {
        for (int k = i + 1; k < n; ++k) b[i] -= a[k][i] * b[k];
        b[i] /= a[i][i];
    }
}

/* Rays of neighbouring cross-sections that are fitted together: radius[n][SEI_WIRE_RAYS], 0 where a ray has no silicon. */
typedef struct ray_bundle {
    const double (*radius)[SEI_WIRE_RAYS];
    int64_t n;
    double cosines[SEI_WIRE_RAYS][SEI_WIRE_TERMS]; /* rows of the Fourier series */
} ray_bundle;

/* How many of the directions meet silicon in any of the cross-sections. */
static int count_directions(const ray_bundle *rays) {
    int used = 0;
    for (int ray = 0; ray < SEI_WIRE_RAYS; ++ray) {
        bool any = false;
        for (int64_t j = 0; j < rays->n; ++j) any = any || rays->radius[j][ray] > 0;
        used += any;
    }
    return used;
}

static double on_curve(const double row[SEI_WIRE_TERMS], const double envelope[SEI_WIRE_TERMS]) {
    double sum = 0;
    for (int t = 0; t < SEI_WIRE_TERMS; ++t) sum += row[t] * envelope[t];
    return sum;
}

/*
 * Expectile fit: rays above the curve weigh 0.85, those below 0.15, until the weights stay. A small stiffness keeps the
 * curve tame where a wide sector holds no silicon.
 */
static bool fit_envelope(const ray_bundle *rays, double envelope[SEI_WIRE_TERMS]) {
    static const double expectile = 0.85, stiffness = 0.02;
    double mean = 0, n = 0;
    if (count_directions(rays) < SEI_WIRE_RAYS / 4) return false;
    for (int64_t i = 0; i < rays->n * SEI_WIRE_RAYS; ++i) {
        const double radius = rays->radius[i / SEI_WIRE_RAYS][i % SEI_WIRE_RAYS];
        mean += radius;
        n += radius > 0;
    }
    double curve[SEI_WIRE_TERMS] = {mean / n};
    for (int round = 0; round < 60; ++round) {
        double a[SEI_WIRE_TERMS][SEI_WIRE_TERMS] = {{0}}, b[SEI_WIRE_TERMS] = {0}, moved = 0;
        for (int64_t i = 0; i < rays->n * SEI_WIRE_RAYS; ++i) {
            const double radius = rays->radius[i / SEI_WIRE_RAYS][i % SEI_WIRE_RAYS], *row = rays->cosines[i % SEI_WIRE_RAYS];
            if (!(radius > 0)) continue;
            const double weight = radius > on_curve(row, curve) ? expectile : 1 - expectile;
            for (int r = 0; r < SEI_WIRE_TERMS; ++r) {
                b[r] += weight * row[r] * radius;
                for (int c = 0; c <= r; ++c) a[r][c] += weight * row[r] * row[c];
            }
        }
        for (int r = 1; r < SEI_WIRE_TERMS; ++r) a[r][r] += stiffness * (double)rays->n * ((r + 1) / 2) * ((r + 1) / 2);
        solve(a, b);
        for (int t = 0; t < SEI_WIRE_TERMS; ++t) moved = fmax(moved, fabs(b[t] - curve[t]));
        memcpy(curve, b, sizeof b);
        if (moved < 1e-9) break;
    }
    memcpy(envelope, curve, sizeof curve);
    return true;
}

/* Cross-sections of the wire without an envelope of their own take it from those before and after, in proportion. */
static void bridge_envelopes(sei_section *sections, int64_t ny) {
    int64_t before = -1;
    for (int64_t j = 0; j <= ny; ++j) {
        if (j < ny && !sections[j].has_core) continue;
        for (int64_t m = before + 1; m < j; ++m) {
            const int64_t a = before >= 0 ? before : j, b = j < ny ? j : before;
            if (sections[m].specimen == 0 || a == ny || b < 0) continue;
            const double share = b > a ? (double)(m - a) / (double)(b - a) : 0;
            for (int t = 0; t < SEI_WIRE_TERMS; ++t) {
                sections[m].envelope[t] = (1 - share) * sections[a].envelope[t] + share * sections[b].envelope[t];
            }
        }
        before = j;
    }
    /* only now, so that bridged sections are no support for others */
    for (int64_t j = 0; j < ny; ++j) sections[j].has_core = sections[j].specimen > 0 && sections[j].envelope[0] > 0;
}

sei_status sei_wire_envelopes(const sei_labels *labels, const uint8_t *silicon, double window_px, sei_section *sections) {
    sei_status status = SEI_OK;
    const int64_t ny = labels->ny, reach = (int64_t)ceil(window_px);
    double(*radius)[SEI_WIRE_RAYS] = NULL;
    ray_bundle all = {0};
    SEI_TRY(SEI_NEW(radius, ny, 1, 1));
    for (int ray = 0; ray < SEI_WIRE_RAYS; ++ray) fourier_row(2 * pi * ray / SEI_WIRE_RAYS, all.cosines[ray]);
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t j = 0; j < ny; ++j) {
        for (int ray = 0; ray < SEI_WIRE_RAYS; ++ray) {
            radius[j][ray] = outermost(labels, silicon, &sections[j], j, 2 * pi * ray / SEI_WIRE_RAYS);
        }
    }
#pragma omp parallel for num_threads(sei_threads()) schedule(static) firstprivate(all)
    for (int64_t j = 0; j < ny; ++j) {
        const int64_t first = j > reach ? j - reach : 0, last = j + reach < ny ? j + reach : ny - 1;
        all.radius = (const double(*)[SEI_WIRE_RAYS])(radius + first);
        all.n = last - first + 1;
        sections[j].has_core = sections[j].specimen > 0 && fit_envelope(&all, sections[j].envelope);
    }
    bridge_envelopes(sections, ny);
done:
    sei_free(radius);
    return status;
}

/* Outermost run of SEI on one ray in voxels; 0 where silicon is bare; NaN when a void or nothing comes first. */
static double sei_run(const sei_labels *labels, const sei_section *section, int64_t j, double phi) {
    const double cosine = cos(phi), sine = sin(phi);
    int64_t steps = 0;
    for (int64_t s = longest_ray(labels); s >= 0; --s) {
        const int64_t at = at_ray(labels, section, j, cosine, sine, ((double)s + 0.5) * ray_step);
        if (at < 0 || (steps == 0 && !sei_is_specimen(labels->data[at]))) continue;
        const uint8_t label = labels->data[at];
        if (steps == 0 && label != SEI_LABEL_SEI) return label == SEI_LABEL_SI ? 0 : (double)NAN;
        if (label != SEI_LABEL_SEI) break;
        ++steps;
    }
    return steps > 0 ? (double)steps * ray_step : (double)NAN;
}

void sei_wire_sei_thickness(const sei_labels *labels, const sei_section *sections, double *mean, double *spread) {
    int64_t n = 0;
    double sum = 0, squares = 0;
    for (int64_t j = 0; j < labels->ny; ++j) {
        for (int ray = 0; sections[j].specimen > 0 && ray < SEI_WIRE_RAYS; ++ray) {
            const double run = sei_run(labels, &sections[j], j, 2 * pi * ray / SEI_WIRE_RAYS);
            if (isnan(run)) continue;
            ++n;
            sum += run;
            squares += run * run;
        }
    }
    *mean = n > 0 ? sum / (double)n : (double)NAN;
    *spread = n > 1 ? sqrt(fmax(0, squares / (double)n - *mean * *mean) * (double)n / (double)(n - 1)) : (double)NAN;
}
