#include "support/phantom.h"

#include <math.h>
#include <stdio.h>

static const double pi = 3.14159265358979323846;

phantom phantom_wire(void) {
    return (phantom){.core_radius = 36,
                     .wire_radius = 50,
                     .width = 116,
                     .length = 60,
                     .sphere = {{-14, -12, 6, 10}, {4, 14, -16, 9}, {-2, 4, 21, 8}, {0, 0, 0, 0}},
                     .channel_radius = 6,
                     .channel_bottom = -2};
}

enum material { NOTHING, SI, SEI };

/* The wire is a little off the field's centre, and the channel off the axis, so that nothing sits on the grid. */
static enum material material_at(const phantom *p, double field_x, double y, double field_z) {
    const double cosine = cos(p->rotation_deg * pi / 180), sine = sin(p->rotation_deg * pi / 180);
    const double x = (field_x - 0.37) * cosine - (field_z - 0.81) * sine;
    const double z = (field_x - 0.37) * sine + (field_z - 0.81) * cosine;
    const double r2 = x * x + z * z;
    if (r2 > p->wire_radius * p->wire_radius) return NOTHING;
    if (p->channel_radius > 0 && x > p->channel_bottom && pow(y - 0.63, 2) + z * z < p->channel_radius * p->channel_radius)
        return NOTHING;
    for (int s = 0; s < PHANTOM_SPHERES; ++s) {
        const double *c = p->sphere[s], dx = x - c[0], dy = y - c[1], dz = z - c[2];
        if (dx * dx + dy * dy + dz * dz < c[3] * c[3]) return NOTHING;
    }
    return r2 < p->core_radius * p->core_radius ? SI : SEI;
}

/* Volume of the channel between x = bottom and the cylinder of radius `radius`. */
static double channel_volume(const phantom *p, double radius) {
    const int n = 4000;
    double sum = 0;
    for (int i = 0; i < n; ++i) {
        const double z = p->channel_radius * (2 * (i + 0.5) / n - 1);
        const double depth = sqrt(radius * radius - z * z) - p->channel_bottom;
        if (depth > 0) sum += depth * 2 * sqrt(p->channel_radius * p->channel_radius - z * z);
    }
    return sum * 2 * p->channel_radius / n;
}

double phantom_closed_volume(const phantom *p) {
    double sum = 0;
    for (int s = 0; s < PHANTOM_SPHERES; ++s) sum += 4 * pi / 3 * pow(p->sphere[s][3], 3);
    return sum;
}

double phantom_open_volume(const phantom *p) {
    return channel_volume(p, p->wire_radius);
}

double phantom_si_volume(const phantom *p) {
    return pi * p->core_radius * p->core_radius * p->length - phantom_closed_volume(p) - channel_volume(p, p->core_radius);
}

double phantom_sei_volume(const phantom *p) {
    const double area = pi * (p->wire_radius * p->wire_radius - p->core_radius * p->core_radius);
    return area * p->length - (channel_volume(p, p->wire_radius) - channel_volume(p, p->core_radius));
}

/* Fractions of silicon and SEI in the cube of edge h about a point; cubes of one material are not subdivided. */
static void fractions(const phantom *p, const double at[3], double h, int fine, double *si, double *sei) {
    const enum material centre = material_at(p, at[0], at[1], at[2]);
    int same = 1, count[3] = {0, 0, 0};
    for (int c = 0; c < 27 && same; ++c) {
        same = material_at(p, at[0] + h * (c % 3 - 1) * 0.5, at[1] + h * (c / 3 % 3 - 1) * 0.5, at[2] + h * (c / 9 - 1) * 0.5) ==
               centre;
    }
    if (same) count[centre] = 1;
    for (int s = 0; !same && s < fine * fine * fine; ++s) {
        const double dx = (s % fine + 0.5) / fine - 0.5, dy = (s / fine % fine + 0.5) / fine - 0.5,
                     dz = (s / fine / fine + 0.5) / fine - 0.5;
        count[material_at(p, at[0] + h * dx, at[1] + h * dy, at[2] + h * dz)] += 1;
    }
    const double total = count[0] + count[1] + count[2];
    *si = count[SI] / total;
    *sei = count[SEI] / total;
}

sei_status phantom_volumes(const phantom *p, double voxel_nm, int fine, sei_volume volumes[3]) {
    static const char *const names[3] = {"Si", "O", "HAADF"};
    const int64_t nx = (int64_t)ceil(p->width / voxel_nm), ny = (int64_t)floor(p->length / voxel_nm + 0.5);
    for (int v = 0; v < 3; ++v) {
        const sei_status status = sei_volume_alloc(nx, ny, nx, voxel_nm, &volumes[v]);
        if (status != SEI_OK) return status;
        snprintf(volumes[v].name, sizeof volumes[v].name, "%s", names[v]);
    }
    for (int64_t k = 0; k < nx; ++k) {
        for (int64_t j = 0; j < ny; ++j) {
            for (int64_t i = 0; i < nx; ++i) {
                const double at[3] = {voxel_nm * ((double)i - 0.5 * (double)(nx - 1)),
                                      voxel_nm * ((double)j - 0.5 * (double)(ny - 1)),
                                      voxel_nm * ((double)k - 0.5 * (double)(nx - 1))};
                const int64_t index = (k * ny + j) * nx + i;
                double si, sei;
                fractions(p, at, voxel_nm, fine, &si, &sei);
                volumes[0].data[index] = (float)si;
                volumes[1].data[index] = (float)sei;
                volumes[2].data[index] = (float)(si + 0.35 * sei);
            }
        }
    }
    return SEI_OK;
}
