/* Rays through voxels: the exact length in every cell (Siddon 1985, Med. Phys. 12:252; the next wall is found from its number,
 * so errors do not add up). */
#include <math.h>
#include <string.h>

#include "simulate/tracer.h"

/* Narrows [enter, leave] to where 0 <= start + s*slope <= n. */
static bool between_walls(double start, double slope, double n, double *enter, double *leave) {
    if (slope == 0) return start >= 0 && start <= n;
    const double a = -start / slope, b = (n - start) / slope;
    *enter = fmax(*enter, fmin(a, b));
    *leave = fmin(*leave, fmax(a, b));
    return *enter < *leave;
}

static int64_t clamp(double at, int64_t n) {
    const int64_t cell = (int64_t)floor(at);
    return cell < 0 ? 0 : cell > n - 1 ? n - 1 : cell;
}

/* Adds share times the ray's length in every material; x0, z0 in voxels from the grid's corner, lengths in voxels. */
static void walk(const sei_tracer *t, const sei_weight_grid *weight, const sei_ray *ray, double x0, double z0, double share,
                 double *sum) {
    const sei_specimen *g = &t->specimen;
    double enter = -INFINITY, leave = INFINITY;
    const int64_t y = (int64_t)floor(ray->y / g->voxel_nm + (double)g->ny / 2);
    if (y < 0 || y >= g->ny) return;
    if (!between_walls(x0, ray->dx, (double)g->nx, &enter, &leave)) return;
    if (!between_walls(z0, ray->dz, (double)g->nz, &enter, &leave)) return;
    const double inside = enter + fmin(1e-9, (leave - enter) / 2);
    int64_t i = clamp(x0 + inside * ray->dx, g->nx), k = clamp(z0 + inside * ray->dz, g->nz);
    for (double s = enter; s < leave;) {
        const double wall_x = ray->dx == 0 ? INFINITY : ((double)(i + (ray->dx > 0)) - x0) / ray->dx;
        const double wall_z = ray->dz == 0 ? INFINITY : ((double)(k + (ray->dz > 0)) - z0) / ray->dz;
        const double end = fmin(leave, fmin(wall_x, wall_z));
        const int m = g->voxels[(k * g->ny + y) * g->nx + i];
        if (m != 0 && end > s) {
            const double middle = (s + end) / 2 * g->voxel_nm;
            const double factor =
                weight == NULL ? 1 : sei_weight_at(weight, ray->x0 + middle * ray->dx, ray->y, ray->z0 + middle * ray->dz);
            sum[m] += share * (end - s) * factor * g->voxel_nm;
        }
        if (wall_x <= wall_z) i += ray->dx > 0 ? 1 : -1;
        if (wall_z <= wall_x) k += ray->dz > 0 ? 1 : -1;
        if (i < 0 || k < 0 || i >= g->nx || k >= g->nz) return;
        s = fmax(s, end);
    }
}

/* A ray along a wall between cells belongs to both by halves: a point on either side decides. */
static bool on_wall(double start, double slope) {
    return slope == 0 && fabs(start - floor(start + 0.5)) < 1e-9;
}

void sei_trace_voxels(const sei_tracer *tracer, const sei_lattice *lattice, int64_t row, float *paths) {
    const sei_camera *c = lattice->camera;
    const sei_specimen *g = &tracer->specimen;
    const double v_nm = sei_camera_v(c, row);
    memset(paths, 0, g->n_materials * (size_t)lattice->n_columns * sizeof *paths);
    for (int64_t column = 0; column < lattice->n_columns; ++column) {
        double sum[SEI_MAX_MATERIALS] = {0};
        double u;
        sei_ray ray = {.dx = c->sin_tilt, .dz = c->cos_tilt};
        sei_camera_ray(c, lattice->first_column + column, v_nm, &u, &ray.y);
        ray.x0 = u * c->cos_tilt;
        ray.z0 = -u * c->sin_tilt;
        const double x0 = ray.x0 / g->voxel_nm + (double)g->nx / 2, z0 = ray.z0 / g->voxel_nm + (double)g->nz / 2;
        if (on_wall(x0, ray.dx) || on_wall(z0, ray.dz)) {
            const double aside = 1e-6;
            const double ax = ray.dx == 0 ? aside : 0, az = ray.dz == 0 ? aside : 0;
            walk(tracer, lattice->weight, &ray, x0 - ax, z0 - az, 0.5, sum);
            walk(tracer, lattice->weight, &ray, x0 + ax, z0 + az, 0.5, sum);
        } else {
            walk(tracer, lattice->weight, &ray, x0, z0, 1, sum);
        }
        for (size_t m = 1; m < g->n_materials; ++m) paths[(int64_t)m * lattice->n_columns + column] = (float)sum[m];
    }
}
