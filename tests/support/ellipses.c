#include "support/ellipses.h"

#include "support/test.h"

static const double degree = 3.14159265358979323846 / 180;

/* Integral of 2ab sqrt(s^2 - t^2)/s^2 from 0 to t. */
static double integral(double a, double b, double s, double t) {
    const double at = t > s ? s : t < -s ? -s : t;
    return a * b / (s * s) * (at * sqrt(s * s - at * at) + s * s * asin(at / s));
}

double sei_test_ellipse_bin(const sei_test_ellipse *e, double tilt_deg, double u) {
    const double theta = tilt_deg * degree, phi = theta + e->rotation_deg * degree;
    const double centre = e->x0 * cos(theta) - e->z0 * sin(theta);
    const double s = sqrt(e->a * e->a * cos(phi) * cos(phi) + e->b * e->b * sin(phi) * sin(phi));
    return e->density * (integral(e->a, e->b, s, u - centre + 0.5) - integral(e->a, e->b, s, u - centre - 0.5));
}

double sei_test_ellipse_voxel(int n, const sei_test_ellipse *e, double x, double z) {
    double sum = 0;
    for (int i = 0; i < 256; ++i) {
        const double px = x + (i % 16 + 0.5) / 16 - 0.5, pz = z + (i / 16 + 0.5) / 16 - 0.5;
        for (int k = 0; k < n; ++k) {
            const double c = cos(e[k].rotation_deg * degree), s = sin(e[k].rotation_deg * degree), dx = px - e[k].x0,
                         dz = pz - e[k].z0;
            const double p = (dx * c + dz * s) / e[k].a, q = (-dx * s + dz * c) / e[k].b;
            if (p * p + q * q < 1) sum += e[k].density / 256;
        }
    }
    return sum;
}

void sei_test_ellipse_series(int n, const sei_test_ellipse *e, int64_t nx, int64_t ny, int64_t n_tilts, double first_deg,
                             double step_deg, sei_series *out) {
    assert_ok(sei_series_alloc(nx, ny, n_tilts, 1, out));
    out->pixel_nm = 2;
    out->aligned = true;
    snprintf(out->channels[0].name, sizeof out->channels[0].name, "Si");
    for (int64_t t = 0; t < n_tilts; ++t) {
        out->tilts[t].tilt_deg = first_deg + step_deg * (double)t;
        for (int64_t x = 0; x < nx; ++x) {
            double sum = 0;
            for (int k = 0; k < n; ++k)
                sum += sei_test_ellipse_bin(&e[k], out->tilts[t].tilt_deg, (double)x - 0.5 * (double)(nx - 1));
            for (int64_t y = 0; y < ny; ++y)
                out->channels[0].data[(t * ny + y) * nx + x] = (float)(sum * (1 + (double)y / (double)ny));
        }
    }
}

float *sei_test_ellipse_slice(int n, const sei_test_ellipse *e, int64_t nx, int64_t nz) {
    float *slice = malloc((size_t)(nx * nz) * sizeof *slice);
    if (slice == NULL) abort();
    for (int64_t z = 0; z < nz; ++z) {
        for (int64_t x = 0; x < nx; ++x) {
            slice[z * nx + x] =
                (float)sei_test_ellipse_voxel(n, e, (double)x - 0.5 * (double)(nx - 1), (double)z - 0.5 * (double)(nz - 1));
        }
    }
    return slice;
}

void sei_test_count(double counts, sei_series *series) {
    float *data = series->channels[0].data;
    for (int64_t i = 0; i < series->n_tilts * series->ny * series->nx; ++i) {
        const double mean = counts * (double)data[i];
        const double spread = sqrt(mean) * (sei_test_uniform(5, (uint64_t)i) * 3.4 - 1.7);
        data[i] = (float)fmax(0, floor(mean + spread + sei_test_uniform(6, (uint64_t)i)));
    }
}
