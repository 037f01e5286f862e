/* Ellipses with closed-form projections: truths for projectors and reconstructions. */
#ifndef SEI_TESTS_ELLIPSES_H
#define SEI_TESTS_ELLIPSES_H

#include "seitomo/types.h"

/* In px from the centre; rotation_deg turns the axis a from +x towards +z. */
typedef struct sei_test_ellipse {
    double x0, z0, a, b, rotation_deg, density;
} sei_test_ellipse;

/* Mean over the bin [u-1/2, u+1/2] of the chord through the ellipse at that tilt; u in px from the axis. */
double sei_test_ellipse_bin(const sei_test_ellipse *e, double tilt_deg, double u);
/* Sum of the densities over the voxel at (x, z) px from the centre, by 16 x 16 points. */
double sei_test_ellipse_voxel(int n, const sei_test_ellipse *e, double x, double z);
/* A one-channel series "Si" of ellipses that are the same in every slice, times 1 + y/ny; aligned, pixel 2 nm. */
void sei_test_ellipse_series(int n, const sei_test_ellipse *e, int64_t nx, int64_t ny, int64_t n_tilts, double first_deg,
                             double step_deg, sei_series *out);
/* Makes counts of the first channel: `counts` times its values, with noise; fractions round up with their own probability. */
void sei_test_count(double counts, sei_series *series);
/* [nz][nx] of one slice of weight 1. free() it. */
float *sei_test_ellipse_slice(int n, const sei_test_ellipse *e, int64_t nx, int64_t nz);

#endif
