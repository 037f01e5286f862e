/* Scenes with closed-form projections, photographed with known displacements: truths for alignment. */
#ifndef SEI_TESTS_SCENE_H
#define SEI_TESTS_SCENE_H

#include "align/align.h"
#include "seitomo/backend.h"

enum { SEI_TEST_MOST_TILTS = 40, SEI_TEST_MOST_BODIES = 64 };

/* A sphere, or (half > 0) an elliptic cylinder along y with half axes r in x and half in z. Density adds up. */
typedef struct sei_test_solid {
    double x, y, z, r, half, density;
} sei_test_solid;

typedef struct sei_test_scene {
    int n_bodies;
    sei_test_solid bodies[SEI_TEST_MOST_BODIES];
    double film, thickness; /* an endless film of this density */
} sei_test_scene;

/* A core-shell wire with pores and particles. */
void sei_test_wire(sei_test_scene *s);
/* A film that fills the field, with particles in it. */
void sei_test_film(sei_test_scene *s, uint64_t seed);

typedef struct sei_test_truth {
    double sx[SEI_TEST_MOST_TILTS], sy[SEI_TEST_MOST_TILTS], axis;
} sei_test_truth;

/* Images displaced by (sx, sy), at most most_px: the shift that undoes it is (-sx, -sy). counts 0: no noise. */
void sei_test_photograph(const sei_test_scene *s, int nx, int ny, int n_tilts, double first_deg, double step_deg, double most_px,
                         double axis, double counts, uint64_t seed, sei_series *out, sei_test_truth *t);

/* rms of what is left of the shifts once the gauge (1, cos, sin along x; 1 along y) is taken out; axis error in this gauge. */
typedef struct sei_test_errors {
    double x_px, y_px, axis_px;
} sei_test_errors;
sei_test_errors sei_test_judge(const sei_series *s, const sei_test_truth *t, const sei_shifts *f);

/* A backend by name, with all its threads; the caller closes it. */
sei_device *sei_test_device(const char *name);

#endif
