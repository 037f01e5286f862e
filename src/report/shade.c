/*
 * A shaded view: emission and absorption along rays, front to back (Max 1995, the volume rendering integral with step one
 * voxel), lit from the viewer's upper left by the gradient of the density. Density of a voxel: the largest of its channels'
 * shares; colour: as in a composite.
 */
#include "report/shade.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"

typedef struct field {
    int64_t nx, ny, nz;
    float *density;
    uint8_t *rgb;
} field;

/* Binomial smoothing (1 2 1)/4 along one axis of `length` elements `stride` apart: noise would make rough surfaces. */
static void smooth_line(float *line, int64_t length, int64_t stride) {
    float before = line[0];
    for (int64_t i = 0; i < length; ++i) {
        const float here = line[i * stride], after = line[(i + 1 < length ? i + 1 : i) * stride];
        line[i * stride] = 0.25f * before + 0.5f * here + 0.25f * after;
        before = here;
    }
}

static void smooth(field *f) {
    const int64_t row = f->nx, section = f->nx * f->ny;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t k = 0; k < f->nz; ++k) {
        for (int64_t y = 0; y < f->ny; ++y) smooth_line(f->density + k * section + y * row, f->nx, 1);
        for (int64_t x = 0; x < f->nx; ++x) smooth_line(f->density + k * section + x, f->ny, row);
    }
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t y = 0; y < f->ny; ++y) {
        for (int64_t x = 0; x < f->nx; ++x) smooth_line(f->density + y * row + x, f->nz, section);
    }
}

static void fill(field *f, size_t n, const sei_volume *volumes, const sei_range *ranges, uint8_t (*rgb)[3]) {
    const int64_t section = f->nx * f->ny;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t k = 0; k < f->nz; ++k) {
        for (int64_t p = k * section; p < (k + 1) * section; ++p) {
            sei_mix mix = {0};
            for (size_t v = 0; v < n; ++v)
                sei_mix_add(&mix, sei_share(volumes[v].data[p], &ranges[v], SEI_COMPOSITE_FLOOR), rgb[v]);
            f->density[p] = (float)mix.most;
            for (int c = 0; c < 3; ++c) f->rgb[3 * p + c] = mix.most > 0.15 ? (uint8_t)lround(mix.light[c] / mix.weight) : 0;
        }
    }
}

static double density_at(const field *f, int64_t x, int64_t y, int64_t z) {
    if (x < 0 || y < 0 || z < 0 || x >= f->nx || y >= f->ny || z >= f->nz) return 0;
    return (double)f->density[(z * f->ny + y) * f->nx + x];
}

/* Bilinear in x and z; y falls on voxels. Colour weighted by density, so that empty voxels lend none. */
static double sample(const field *f, double x, int64_t y, double z, double colour[3]) {
    const double fx = floor(x), fz = floor(z);
    double density = 0;
    colour[0] = colour[1] = colour[2] = 0;
    for (int corner = 0; corner < 4; ++corner) {
        const int64_t i = (int64_t)fx + (corner & 1), k = (int64_t)fz + (corner >> 1);
        const double weight = (corner & 1 ? x - fx : 1 - (x - fx)) * (corner >> 1 ? z - fz : 1 - (z - fz));
        const double share = weight * density_at(f, i, y, k);
        if (share <= 0) continue;
        const uint8_t *rgb = f->rgb + 3 * ((k * f->ny + y) * f->nx + i);
        if (rgb[0] + rgb[1] + rgb[2] == 0) continue; /* empty space that smoothing reached has only noise for a colour */
        density += share;
        for (int c = 0; c < 3; ++c) colour[c] += share * rgb[c];
    }
    for (int c = 0; c < 3 && density > 0; ++c) colour[c] /= density;
    return density;
}

typedef struct viewer {
    double cosine, sine;
} viewer;

/* Brightness of a surface element: ambient and diffuse light on both sides. */
static double lit(const field *f, const viewer *from, double x, int64_t y, double z, bool cut_face) {
    static const double light[3] = {-0.40, -0.45, -0.80}; /* in the picture: right, down, away */
    if (cut_face) return 0.95;
    const int64_t i = (int64_t)floor(x + 0.5), k = (int64_t)floor(z + 0.5);
    const double gx = density_at(f, i + 1, y, k) - density_at(f, i - 1, y, k);
    const double gy = density_at(f, i, y + 1, k) - density_at(f, i, y - 1, k);
    const double gz = density_at(f, i, y, k + 1) - density_at(f, i, y, k - 1);
    const double length = sqrt(gx * gx + gy * gy + gz * gz);
    if (length < 0.02) return 0.8; /* inside, where there is no surface */
    /* outward normal: against the gradient; turned as u = x cos - z sin, w = x sin + z cos */
    const double right = -(gx * from->cosine - gz * from->sine) / length, down = -gy / length;
    const double away = -(gx * from->sine + gz * from->cosine) / length;
    const double facing = right * light[0] + down * light[1] + away * light[2];
    return 0.38 + 0.62 * fmax(facing, 0);
}

static void march(const field *f, const viewer *from, double u, int64_t y, double reach, bool cut, uint8_t out[3]) {
    const double cx = (double)(f->nx - 1) / 2, cz = (double)(f->nz - 1) / 2;
    const double start = cut ? 0 : -reach;
    double light[3] = {0, 0, 0}, left = 1;
    for (double w = start; w <= reach && left > 0.02; w += 0.5) {
        const double x = u * from->cosine + w * from->sine + cx, z = -u * from->sine + w * from->cosine + cz;
        double colour[3];
        if (x <= -1 || z <= -1 || x >= (double)f->nx || z >= (double)f->nz) continue;
        const double density = sample(f, x, y, z, colour);
        const double t = fmin(fmax((density - 0.12) / 0.35, 0), 1);
        const double opacity = 0.45 * t * t * (3 - 2 * t);
        if (opacity <= 0) continue;
        const double shine = left * opacity * lit(f, from, x, y, z, cut && w < 1.5);
        for (int c = 0; c < 3; ++c) light[c] += shine * colour[c];
        left *= 1 - opacity;
    }
    for (int c = 0; c < 3; ++c) out[c] = (uint8_t)(fmin(light[c], 255) + 0.5);
}

sei_status sei_shade(size_t n, const sei_volume *volumes, const sei_range *ranges, uint8_t (*rgb)[3], double view_deg,
                     double radius, double cut_fraction, int64_t *width, uint8_t **out) {
    const int64_t columns = 2 * (int64_t)ceil(radius) + volumes[0].nx % 2;
    const double angle = view_deg * 3.14159265358979323846 / 180;
    const viewer from = {cos(angle), sin(angle)};
    field f = {.nx = volumes[0].nx, .ny = volumes[0].ny, .nz = volumes[0].nz};
    uint8_t *pixels = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(f.density, f.nz, f.ny, f.nx));
    SEI_TRY(SEI_NEW(f.rgb, f.nz * f.ny, f.nx, 3));
    SEI_TRY(SEI_NEW(pixels, f.ny, columns, 3));
    fill(&f, n, volumes, ranges, rgb);
    smooth(&f);
    smooth(&f);
    const double reach = ceil(hypot((double)f.nx, (double)f.nz) / 2);
    const int64_t cut_rows = (int64_t)(cut_fraction * (double)f.ny + 0.5);
#pragma omp parallel for num_threads(sei_threads()) schedule(dynamic)
    for (int64_t y = 0; y < f.ny; ++y) {
        for (int64_t i = 0; i < columns; ++i) {
            march(&f, &from, (double)i - (double)(columns - 1) / 2, y, reach, y < cut_rows, pixels + 3 * (y * columns + i));
        }
    }
    *width = columns;
    *out = pixels;
    pixels = NULL;
done:
    sei_free(f.density);
    sei_free(f.rgb);
    sei_free(pixels);
    return status;
}
