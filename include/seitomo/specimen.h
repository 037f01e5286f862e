/*
 * specimen: what lies under the virtual microscope's beam. Materials, and where they are: analytic bodies with
 * closed-form chords, or a grid of voxels (grown from a description, or any label volume). Its one answer is the length
 * of path a beam has in each material; what that path emits is the signal's business (seitomo/signal.h).
 */
#ifndef SEITOMO_SPECIMEN_H
#define SEITOMO_SPECIMEN_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { SEI_MAX_MATERIALS = 32, SEI_MAX_CONSTITUENTS = 8 };

/* `atoms` of one element in a material's formula: SiO2 is {14, 1}, {8, 2}. Any common factor, above 0. */
typedef struct sei_constituent {
    int atomic_number;
    double atoms;
} sei_constituent;

/* A material: its place in the truth's labels, what it is made of, and what the beam takes away from it. */
typedef struct sei_material {
    char name[SEI_NAME_LENGTH];
    uint8_t label;         /* truth label: 1 Si, 2 SEI, 3 closed void, 4 open void, 5 support, 10 and up others */
    double density_g_cm3;  /* 0: a void */
    size_t n_constituents; /* 0 for a void, and for a material whose signals are given */
    sei_constituent constituents[SEI_MAX_CONSTITUENTS];
    double critical_dose_e_per_nm2; /* mass loss goes as exp(-dose/this); 0: none */
    double lost_fraction;           /* share of the signal lost at infinite dose, 0 to 1 */
} sei_material;

/*
 * A specimen. materials[0] is what fills everything not said (vacuum). Exactly one of bodies and voxels is given.
 * Bodies: the last that holds a point decides its material; a void body owns only points that an earlier body holds.
 * Voxels: voxels[(k*ny + y)*nx + x] is the index of a material; the grid's centre is the volume's centre, its voxel edge
 * may be any (finer than, equal to or coarser than the detector's pixel). Pointers are borrowed: the caller keeps them.
 */
struct sei_body;
typedef struct sei_specimen {
    size_t n_materials;
    const sei_material *materials;
    size_t n_bodies;
    const struct sei_body *bodies;
    int64_t nx, ny, nz;
    double voxel_nm;
    const uint8_t *voxels;
} sei_specimen;

/* How one image is taken. Lengths in detector pixels move the image, so +shift moves the specimen's image to larger x, y. */
typedef struct sei_view {
    int64_t nx, ny;
    double pixel_nm;
    int subsamples;  /* rays per pixel and direction, 1 to 32 */
    double tilt_deg; /* the true one, with every angle error */
    double axis_deg; /* in-plane angle of the tilt axis, conventions of types.h */
    double axis_offset_px;
    double shift_px[2]; /* where the image's centre stands at the middle of the exposure */
    double smear_px[2]; /* straight motion during the exposure, from -smear/2 to +smear/2 */
    double blur_nm;     /* standard deviation of the probe (defocus), 0: a point */
} sei_view;

/* A factor on the path's emission, on a coarse grid over the specimen (exit absorption): trilinear between centres. */
typedef struct sei_weight_grid {
    int64_t nx, ny, nz;
    double spacing_nm;
    const float *data; /* [nz][ny][nx], centred like the volume */
} sei_weight_grid;

/*
 * Path length of the beam in every material, nm, mean over each pixel: paths_nm[(m*ny + y)*nx + x], n_materials images,
 * the one of materials[0] is 0. weight may be NULL (1 everywhere).
 * Rays are traced at subsamples^2 points a pixel: bodies by exact chords, voxels by exact lengths in every cell, so the
 * route shares nothing with the reconstruction's projectors. Same bits for any thread count.
 * Errors: SEI_ERR_INPUT (a view or specimen out of range, named), SEI_ERR_MEMORY, SEI_ERR_INTERRUPTED; paths_nm undefined then.
 */
sei_status sei_specimen_paths(const sei_specimen *specimen, const sei_view *view, const sei_weight_grid *weight,
                              float *paths_nm) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
