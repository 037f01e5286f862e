#include "support/specimens.h"

#include "core/alloc.h"
#include "seitomo/specimen.h"
#include "support/test.h"

static const double degree = 3.14159265358979323846 / 180;

static const sei_material materials[] = {{.name = "vacuum", .is_void = true},
                                         {.name = "silicon", .label = 1},
                                         {.name = "sei", .label = 2},
                                         {.name = "pore", .label = 3, .is_void = true}};

sei_body test_sized(sei_body body, double side_nm) {
    for (int i = 0; i < 3; ++i) body.centre_nm[i] *= side_nm, body.half_nm[i] *= side_nm;
    return body;
}

static bool holds(const sei_body *b, double x, double y, double z) {
    const double c = cos(b->rotation_deg * degree), s = sin(b->rotation_deg * degree);
    const double dx = x - b->centre_nm[0], dy = y - b->centre_nm[1], dz = z - b->centre_nm[2];
    const double p = (dx * c + dz * s) / b->half_nm[0], q = (dz * c - dx * s) / b->half_nm[2];
    const bool endless = b->half_nm[1] <= 0;
    const double r = endless ? 0 : dy / b->half_nm[1];
    if (b->shape == SEI_SHAPE_BOX) return fabs(p) <= 1 && fabs(q) <= 1 && fabs(r) <= 1;
    if (b->shape == SEI_SHAPE_CYLINDER) return p * p + q * q <= 1 && fabs(r) <= 1;
    return p * p + q * q + r * r <= 1;
}

uint8_t *test_voxels_of(const sei_body *bodies, int n_bodies, int n, double side_nm) {
    uint8_t *voxels = NULL;
    assert_ok(SEI_NEW(voxels, n, n, n));
    for (int k = 0; k < n; ++k) {
        for (int j = 0; j < n; ++j) {
            for (int i = 0; i < n; ++i) {
                const double at[3] = {((i + 0.5) / n - 0.5) * side_nm, ((j + 0.5) / n - 0.5) * side_nm,
                                      ((k + 0.5) / n - 0.5) * side_nm};
                for (int b = 0; b < n_bodies; ++b) {
                    uint8_t *voxel = &voxels[((int64_t)k * n + j) * n + i];
                    if (!holds(&bodies[b], at[0], at[1], at[2])) continue;
                    if (*voxel == 0 && materials[bodies[b].material].is_void) continue;
                    *voxel = (uint8_t)bodies[b].material;
                }
            }
        }
    }
    return voxels;
}

sei_specimen test_of_bodies(const sei_body *bodies, int n) {
    return (sei_specimen){.n_materials = TEST_MATERIALS, .materials = materials, .n_bodies = (size_t)n, .bodies = bodies};
}

sei_specimen test_of_voxels(const uint8_t *voxels, int n, double side_nm) {
    return (sei_specimen){.n_materials = TEST_MATERIALS,
                          .materials = materials,
                          .nx = n,
                          .ny = n,
                          .nz = n,
                          .voxel_nm = side_nm / n,
                          .voxels = voxels};
}

float *test_paths_of(const sei_specimen *specimen, const sei_view *view, const sei_weight_grid *weight) {
    float *paths = NULL;
    assert_ok(SEI_NEW(paths, TEST_MATERIALS, view->ny, view->nx));
    assert_ok(sei_specimen_paths(specimen, view, weight, paths));
    return paths;
}

double test_sum_of(const float *values, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += (double)values[i];
    return sum;
}

void test_chiral(double side, sei_body bodies[4]) {
    const sei_body pieces[4] = {
        {.shape = SEI_SHAPE_ELLIPSOID,
         .centre_nm = {0.05, 0, -0.1},
         .half_nm = {0.25, 0.15, 0.1},
         .rotation_deg = 30,
         .material = 1},
        {.shape = SEI_SHAPE_BOX, .centre_nm = {0.15, 0.2, 0.1}, .half_nm = {0.08, 0.1, 0.05}, .rotation_deg = -20, .material = 2},
        {.shape = SEI_SHAPE_CYLINDER,
         .centre_nm = {-0.1, -0.15, 0.05},
         .half_nm = {0.1, 0.2, 0.06},
         .rotation_deg = 70,
         .material = 2},
        {.shape = SEI_SHAPE_ELLIPSOID, .centre_nm = {0.05, 0.02, -0.05}, .half_nm = {0.07, 0.07, 0.07}, .material = 3}};
    for (int b = 0; b < 4; ++b) bodies[b] = test_sized(pieces[b], side);
}
