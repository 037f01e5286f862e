#include "simulate/weight.h"

#include <math.h>

int64_t sei_weight_cell(double at, int64_t n, double *part) {
    if (!(at > 0) || n == 1) {
        *part = 0;
        return 0;
    }
    const double last = (double)(n - 1);
    if (at >= last) {
        *part = 1;
        return n - 2;
    }
    const int64_t cell = (int64_t)at;
    *part = at - (double)cell;
    return cell;
}

double sei_weight_at(const sei_weight_grid *weight, double x, double y, double z) {
    const double to_grid = 1 / weight->spacing_nm;
    double px, py, pz;
    const int64_t i = sei_weight_cell(x * to_grid + (double)(weight->nx - 1) / 2, weight->nx, &px);
    const int64_t j = sei_weight_cell(y * to_grid + (double)(weight->ny - 1) / 2, weight->ny, &py);
    const int64_t k = sei_weight_cell(z * to_grid + (double)(weight->nz - 1) / 2, weight->nz, &pz);
    const int64_t next_x = weight->nx > 1, next_y = weight->ny > 1 ? weight->nx : 0;
    const int64_t next_z = weight->nz > 1 ? weight->nx * weight->ny : 0;
    const float *at = weight->data + (k * weight->ny + j) * weight->nx + i;
    double sum = 0;
    for (int corner = 0; corner < 8; ++corner) {
        const bool bx = corner & 1, by = corner & 2, bz = corner & 4;
        const double value = (double)at[(bx ? next_x : 0) + (by ? next_y : 0) + (bz ? next_z : 0)];
        sum += value * (bx ? px : 1 - px) * (by ? py : 1 - py) * (bz ? pz : 1 - pz);
    }
    return sum;
}

/* Where the ray, at s, next crosses a plane of centres of one axis, above s; infinity when it does not. */
static double next_plane(double start, double slope, int64_t n, double s) {
    if (slope == 0) return INFINITY;
    const double at = start + s * slope;
    double plane = slope > 0 ? floor(at + 1e-9) + 1 : ceil(at - 1e-9) - 1;
    if (slope > 0 && plane < 0) plane = 0;
    if (slope < 0 && plane > (double)(n - 1)) plane = (double)(n - 1);
    if (plane < 0 || plane > (double)(n - 1)) return INFINITY;
    return (plane - start) / slope;
}

/* Between the planes the weight along the ray is a polynomial of degree 2, which two Gauss points integrate exactly. */
double sei_weight_along(const sei_weight_grid *weight, const sei_ray *ray, double s0, double s1) {
    const double to_grid = 1 / weight->spacing_nm;
    const double x0 = ray->x0 * to_grid + (double)(weight->nx - 1) / 2, dx = ray->dx * to_grid;
    const double z0 = ray->z0 * to_grid + (double)(weight->nz - 1) / 2, dz = ray->dz * to_grid;
    const double gauss = 0.28867513459481288; /* half of 1/sqrt(3) */
    double sum = 0;
    for (double s = s0; s < s1;) {
        double end = fmin(s1, fmin(next_plane(x0, dx, weight->nx, s), next_plane(z0, dz, weight->nz, s)));
        if (!(end > s)) end = s1;
        const double middle = (s + end) / 2, half = gauss * (end - s);
        for (int side = -1; side <= 1; side += 2) {
            const double at = middle + side * half;
            sum += (end - s) / 2 * sei_weight_at(weight, ray->x0 + at * ray->dx, ray->y, ray->z0 + at * ray->dz);
        }
        s = end;
    }
    return sum;
}
