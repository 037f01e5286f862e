/* See scene.h. */
#include "support/scene.h"

#include "support/test.h"

static double shadow(const sei_test_scene *s, double u, double y, double c, double sn) {
    double sum = s->film * s->thickness / c;
    for (int i = 0; i < s->n_bodies; ++i) {
        const sei_test_solid *b = &s->bodies[i];
        const double d = u - (b->x * c - b->z * sn);
        if (b->half > 0) {
            const double w2 = b->r * b->r * c * c + b->half * b->half * sn * sn;
            if (d * d < w2) sum += b->density * 2 * b->r * b->half * sqrt(w2 - d * d) / w2;
        } else {
            const double h2 = b->r * b->r - d * d - (y - b->y) * (y - b->y);
            if (h2 > 0) sum += b->density * 2 * sqrt(h2);
        }
    }
    return sum;
}

static double noise(uint64_t seed, uint64_t n, double mean) {
    if (mean > 30) {
        const double g = sqrt(-2 * log(1 - sei_test_uniform(seed, 2 * n))) * cos(2 * M_PI * sei_test_uniform(seed, 2 * n + 1));
        return floor(mean + sqrt(mean) * g + 0.5);
    }
    double p = exp(-mean), u = sei_test_uniform(seed, n), k = 0;
    for (; u > p && k < 200; ++k) {
        u -= p;
        p *= mean / (k + 1);
    }
    return k;
}

void sei_test_photograph(const sei_test_scene *s, int nx, int ny, int n_tilts, double first_deg, double step_deg, double most_px,
                         double axis, double counts, uint64_t seed, sei_series *out, sei_test_truth *t) {
    double peak = 0;
    assert_ok(sei_series_alloc(nx, ny, n_tilts, 1, out));
    snprintf(out->channels[0].name, sizeof out->channels[0].name, "HAADF");
    out->pixel_nm = 1;
    t->axis = axis;
    for (int k = 0; k < n_tilts; ++k) {
        const double tilt_deg = first_deg + step_deg * k, c = cos(tilt_deg * M_PI / 180), sn = sin(tilt_deg * M_PI / 180);
        out->tilts[k].tilt_deg = tilt_deg;
        t->sx[k] = most_px * (2 * sei_test_uniform(seed, (uint64_t)(2 * k)) - 1);
        t->sy[k] = most_px * (2 * sei_test_uniform(seed, (uint64_t)(2 * k + 1)) - 1);
        float *image = out->channels[0].data + (size_t)k * (size_t)(nx * ny);
        for (int i = 0; i < nx * ny; ++i) {
            double sum = 0;
            for (int q = 0; q < 4; ++q) {
                const double u = i % nx - 0.5 * (nx - 1) - axis - t->sx[k] + 0.5 * (q % 2) - 0.25;
                const double y = (double)(i / nx) - 0.5 * (ny - 1) - t->sy[k] + 0.5 * (double)(q / 2) - 0.25;
                sum += 0.25 * shadow(s, u, y, c, sn);
            }
            image[i] = (float)sum;
            peak = fmax(peak, sum);
        }
    }
    for (int i = 0; i < nx * ny * n_tilts && counts > 0; ++i) {
        const double mean = counts * (double)out->channels[0].data[i] / peak + 2;
        out->channels[0].data[i] = (float)noise(seed + 1, (uint64_t)i, mean);
    }
}

void sei_test_wire(sei_test_scene *s) {
    static const sei_test_solid fixed[] = {{0.5, 0, -0.7, 20, 18, 1},  {0.5, 0, -0.7, 15, 13, 0.6}, {4, -30, 3, 6, 0, -1.2},
                                           {-5, -8, -4, 5, 0, -1.2},   {2, 14, 6, 7, 0, -1.1},      {-6, 38, 2, 4, 0, -1.2},
                                           {17, -44, 6, 4, 0, 2},      {-16, -20, 8, 3, 0, 3},      {12, 2, -15, 4, 0, 2},
                                           {-18, 26, -5, 3.5, 0, 2.5}, {14, 46, 12, 3, 0, 3},       {-3, -52, 18, 3, 0, 2},
                                           {3, 55, -17, 4, 0, 2}};
    *s = (sei_test_scene){.n_bodies = (int)(sizeof fixed / sizeof fixed[0])};
    memcpy(s->bodies, fixed, sizeof fixed);
}

void sei_test_film(sei_test_scene *s, uint64_t seed) {
    *s = (sei_test_scene){.n_bodies = SEI_TEST_MOST_BODIES, .film = 0.1, .thickness = 30};
    for (int i = 0; i < SEI_TEST_MOST_BODIES; ++i) {
        const uint64_t n = (uint64_t)(5 * i);
        s->bodies[i] = (sei_test_solid){200 * (sei_test_uniform(seed, n) - 0.5),
                                        150 * (sei_test_uniform(seed, n + 1) - 0.5),
                                        24 * (sei_test_uniform(seed, n + 2) - 0.5),
                                        2 + 5 * sei_test_uniform(seed, n + 3),
                                        0,
                                        0.3 + sei_test_uniform(seed, n + 4)};
    }
}

sei_test_errors sei_test_judge(const sei_series *s, const sei_test_truth *t, const sei_shifts *f) {
    double m[3][4] = {{0}}, a[3], my = 0;
    const int n = (int)s->n_tilts;
    sei_test_errors e = {0};
    for (int k = 0; k < n; ++k) {
        const double rad = s->tilts[k].tilt_deg * M_PI / 180;
        const double row[4] = {1, cos(rad), sin(rad), f->dx_px[k] + t->sx[k]};
        for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 4; ++j) m[i][j] += row[i] * row[j];
        }
        my += (f->dy_px[k] + t->sy[k]) / n;
    }
    for (int i = 0; i < 3; ++i) {
        for (int k = 0; k < 3; ++k) {
            if (k == i) continue;
            const double factor = m[k][i] / m[i][i];
            for (int j = 0; j < 4; ++j) m[k][j] -= factor * m[i][j];
        }
    }
    for (int i = 0; i < 3; ++i) a[i] = m[i][3] / m[i][i];
    for (int k = 0; k < n; ++k) {
        const double rad = s->tilts[k].tilt_deg * M_PI / 180;
        const double rx = f->dx_px[k] + t->sx[k] - a[0] - a[1] * cos(rad) - a[2] * sin(rad), ry = f->dy_px[k] + t->sy[k] - my;
        e.x_px += rx * rx / n;
        e.y_px += ry * ry / n;
    }
    e.x_px = sqrt(e.x_px);
    e.y_px = sqrt(e.y_px);
    e.axis_px = f->axis_offset_px - (t->axis + a[0]);
    return e;
}

sei_device *sei_test_device(const char *name) {
    sei_device *device = NULL;
    assert_ok(sei_device_open(&(sei_device_options){.name = name}, &device));
    return device;
}
