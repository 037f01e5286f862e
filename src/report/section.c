/* Sections of the phase-field model, in the frame of the fields or where mechanics has moved their cells. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "report/panel.h"
#include "seitomo/morphology.h"

enum { SIDE = 440, FINE = 2 }; /* pixels of the picture, and samples per pixel and direction */

static const uint8_t silicon[3] = {62, 150, 70}, lithiated[3] = {245, 214, 60}, nothing[3] = {255, 255, 255},
                     electrolyte[3] = {64, 200, 200}, sei[3] = {36, 60, 200};

/* Where a sample's place in the section lies, in cells; NaN: outside the specimen. */
typedef struct places {
    int64_t side;
    float *x, *z;
} places;

static sei_status check(const sei_section *s) {
    const bool moved = s->place_x != NULL;
    if (s->nx < 2 || s->nz < 2 || !(s->cell_nm > 0) || s->lithiation == NULL || s->vacancy == NULL || s->wire == NULL)
        return sei_fail(SEI_ERR_INPUT, "a section needs at least 2 x 2 cells of a known size and its fields, found %lld x %lld",
                        (long long)s->nx, (long long)s->nz);
    if (moved && (s->place_nx < 1 || s->place_nz < 1 || s->place_z == NULL || s->drawn == NULL))
        return sei_fail(SEI_ERR_INPUT, "a moved section needs the places of its corners in both directions");
    return SEI_OK;
}

static double half_width_of(const sei_section *s) {
    return s->half_width_nm > 0 ? s->half_width_nm : 0.5 * s->cell_nm * (double)s->nx;
}

static void straight(const sei_section *s, const places *p) {
    const double half = half_width_of(s), step = 2 * half / (double)p->side / s->cell_nm;
    for (int64_t k = 0; k < p->side; ++k)
        for (int64_t i = 0; i < p->side; ++i) {
            const double x = ((double)i + 0.5 - 0.5 * (double)p->side) * step + 0.5 * (double)s->nx;
            const double z = ((double)k + 0.5 - 0.5 * (double)p->side) * step + 0.5 * (double)s->nz;
            const bool inside = x >= 0 && z >= 0 && x <= (double)s->nx && z <= (double)s->nz;
            p->x[k * p->side + i] = inside ? (float)x : NAN;
            p->z[k * p->side + i] = inside ? (float)z : NAN;
        }
}

/* A corner: where it is in the picture (samples) and in the section (cells). */
typedef struct corner {
    double u, v, x, z;
} corner;

/* Fills a triangle with the places that its corners span. */
static void triangle(const places *p, corner a, corner b, corner c) {
    const double area = (b.u - a.u) * (c.v - a.v) - (c.u - a.u) * (b.v - a.v);
    if (!(fabs(area) > 1e-12) || !isfinite(area)) return;
    const double last = (double)p->side - 1;
    const int64_t i0 = (int64_t)fmax(ceil(fmin(fmin(a.u, b.u), c.u) - 0.5), 0);
    const int64_t i1 = (int64_t)fmin(floor(fmax(fmax(a.u, b.u), c.u) - 0.5), last);
    const int64_t k0 = (int64_t)fmax(ceil(fmin(fmin(a.v, b.v), c.v) - 0.5), 0);
    const int64_t k1 = (int64_t)fmin(floor(fmax(fmax(a.v, b.v), c.v) - 0.5), last);
    for (int64_t k = k0; k <= k1; ++k)
        for (int64_t i = i0; i <= i1; ++i) {
            const double u = (double)i + 0.5, v = (double)k + 0.5;
            const double in_b = ((u - a.u) * (c.v - a.v) - (c.u - a.u) * (v - a.v)) / area;
            const double in_c = ((b.u - a.u) * (v - a.v) - (u - a.u) * (b.v - a.v)) / area;
            if (in_b < -1e-9 || in_c < -1e-9 || in_b + in_c > 1 + 1e-9) continue;
            p->x[k * p->side + i] = (float)(a.x + in_b * (b.x - a.x) + in_c * (c.x - a.x));
            p->z[k * p->side + i] = (float)(a.z + in_b * (b.z - a.z) + in_c * (c.z - a.z));
        }
}

static corner corner_at(const sei_section *s, const places *p, int64_t i, int64_t k) {
    const double half = half_width_of(s), scale = 0.5 * (double)p->side / half;
    const int64_t n = k * (s->place_nx + 1) + i;
    return (corner){(s->place_x[n] + half) * scale, (s->place_z[n] + half) * scale,
                    (double)i * (double)s->nx / (double)s->place_nx, (double)k * (double)s->nz / (double)s->place_nz};
}

static void moved(const sei_section *s, const places *p) {
    for (int64_t n = 0; n < p->side * p->side; ++n) p->x[n] = p->z[n] = NAN;
    for (int64_t k = 0; k < s->place_nz; ++k)
        for (int64_t i = 0; i < s->place_nx; ++i) {
            if (!s->drawn[k * s->place_nx + i]) continue;
            const corner a = corner_at(s, p, i, k), b = corner_at(s, p, i + 1, k);
            const corner c = corner_at(s, p, i, k + 1), d = corner_at(s, p, i + 1, k + 1);
            triangle(p, a, b, c);
            triangle(p, b, d, c);
        }
}

/* What the model says at one place: fields between cells, those of the wire only. */
typedef struct finding {
    double dry; /* part of the place that is neither outside nor wetted */
    double lithiation, vacancy;
} finding;

static finding look(const sei_section *s, double x, double z) {
    const double fx = floor(x - 0.5), fz = floor(z - 0.5);
    double wire = 0;
    finding f = {0};
    for (int dz = 0; dz <= 1; ++dz)
        for (int dx = 0; dx <= 1; ++dx) {
            const int64_t i = (int64_t)fx + dx, k = (int64_t)fz + dz, n = k * s->nx + i;
            const double weight = (dx ? x - 0.5 - fx : 1 - (x - 0.5 - fx)) * (dz ? z - 0.5 - fz : 1 - (z - 0.5 - fz));
            if (i < 0 || k < 0 || i >= s->nx || k >= s->nz || !s->wire[n]) continue;
            wire += weight;
            f.lithiation += weight * s->lithiation[n];
            f.vacancy += weight * s->vacancy[n];
            if (s->wetted == NULL || !s->wetted[n]) f.dry += weight;
        }
    f.lithiation /= fmax(wire, 1e-12);
    f.vacancy /= fmax(wire, 1e-12);
    return f;
}

static double clamp01(double t) {
    return t < 0 ? 0 : t > 1 ? 1 : t;
}

static void blend(const uint8_t from[3], const uint8_t to[3], double share, uint8_t rgb[3]) {
    for (int c = 0; c < 3; ++c) rgb[c] = (uint8_t)(0.5 + from[c] + share * ((double)to[c] - from[c]));
}

/* Colours every sample; dry is 1 where there is no electrolyte. */
static void paint(const sei_section *s, const places *p, uint8_t *rgb, uint8_t *dry) {
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t n = 0; n < p->side * p->side; ++n) {
        const finding f = isnan(p->x[n]) ? (finding){0} : look(s, (double)p->x[n], (double)p->z[n]);
        dry[n] = f.dry >= 0.5;
        if (!dry[n]) {
            memcpy(rgb + 3 * n, electrolyte, 3);
            continue;
        }
        uint8_t solid[3];
        blend(silicon, lithiated, clamp01(f.lithiation), solid);
        blend(solid, nothing, clamp01((f.vacancy - s->void_threshold) / 0.3 + 0.5), rgb + 3 * n);
    }
}

/* SEI stands on the dry side of every border of the electrolyte. */
static sei_status line_borders(const sei_section *s, int64_t side, const uint8_t *dry, uint8_t *rgb) {
    const double width = 0.0065 * (double)side;
    float *distance2 = NULL;
    sei_status status = SEI_OK;
    if (!s->lined) return SEI_OK;
    SEI_TRY(SEI_NEW(distance2, side, side, 1));
    SEI_TRY(sei_distance2(dry, side, side, 1, false, distance2));
    for (int64_t n = 0; n < side * side; ++n)
        if (dry[n] && (double)distance2[n] <= width * width) memcpy(rgb + 3 * n, sei, 3);
done:
    sei_free(distance2);
    return status;
}

static void average(const uint8_t *fine, int64_t side, uint8_t *rgb) {
    const int64_t coarse = side / FINE;
    for (int64_t n = 0; n < coarse * coarse; ++n)
        for (int c = 0; c < 3; ++c) {
            int sum = FINE * FINE / 2;
            for (int64_t b = 0; b < FINE; ++b)
                for (int64_t a = 0; a < FINE; ++a)
                    sum += fine[(((n / coarse) * FINE + b) * side + (n % coarse) * FINE + a) * 3 + c];
            rgb[n * 3 + c] = (uint8_t)(sum / (FINE * FINE));
        }
}

static void fill_legend(sei_legend_entry legend[5], const sei_section *s, sei_panel *panel) {
    static const char *const names[] = {"Si", "LixSi", "void", "electrolyte", "SEI"};
    const uint8_t *const colours[] = {silicon, lithiated, nothing, electrolyte, sei};
    panel->n_legend = s->no_legend ? 0 : s->lined ? 5 : 4;
    for (size_t n = 0; n < panel->n_legend; ++n) {
        memcpy(legend[n].rgb, colours[n], 3);
        strncpy(legend[n].name, names[n], sizeof legend[n].name - 1);
    }
    panel->legend = legend;
}

sei_status sei_render_section(const char *path, const sei_section *section, const sei_picture_options *options, bool overwrite) {
    const int64_t side = (int64_t)SIDE * FINE;
    places p = {.side = side};
    uint8_t *fine = NULL, *rgb = NULL, *dry = NULL;
    sei_legend_entry legend[5] = {0};
    sei_panel panel = {.width = SIDE, .height = SIDE, .across = "x", .down = "z"};
    sei_status status = SEI_OK;
    SEI_TRY(check(section));
    SEI_TRY(sei_picture_check(options));
    SEI_TRY(SEI_NEW(p.x, side, side, 1));
    SEI_TRY(SEI_NEW(p.z, side, side, 1));
    SEI_TRY(SEI_NEW(fine, side, side, 3));
    SEI_TRY(SEI_NEW(dry, side, side, 1));
    SEI_TRY(SEI_NEW(rgb, SIDE, SIDE, 3));
    if (section->place_x != NULL) {
        moved(section, &p);
    } else {
        straight(section, &p);
    }
    paint(section, &p, fine, dry);
    SEI_TRY(line_borders(section, side, dry, fine));
    average(fine, side, rgb);
    panel.rgb = rgb;
    panel.pixel_nm = 2 * half_width_of(section) / SIDE;
    fill_legend(legend, section, &panel);
    SEI_TRY(sei_panel_write(path, &panel, options, overwrite));
done:
    sei_free(p.x);
    sei_free(p.z);
    sei_free(fine);
    sei_free(dry);
    sei_free(rgb);
    return status;
}
