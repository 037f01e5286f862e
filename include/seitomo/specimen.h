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
    bool is_void;                   /* emits nothing: a body of it owns only points that an earlier solid body holds */
} sei_material;

/* A solid: an elliptic cylinder along y (endless when half_nm[1] <= 0), an ellipsoid, or a box. */
typedef enum sei_shape { SEI_SHAPE_CYLINDER = 0, SEI_SHAPE_ELLIPSOID, SEI_SHAPE_BOX } sei_shape;

typedef struct sei_body {
    sei_shape shape;
    double centre_nm[3]; /* x, y, z from the volume's centre */
    double half_nm[3];   /* half axes or half edges */
    double rotation_deg; /* about y, from x towards z */
    int material;        /* index into the specimen's materials, 1 and up */
} sei_body;

/*
 * A specimen. materials[0] is what fills everything not said (vacuum). Exactly one of bodies and voxels is given.
 * Bodies are laid over each other: the last that holds a point decides its material; a void body owns only points that an
 * earlier body of a material that is no void holds, so a pore that sticks out of the specimen owns nothing there.
 * Voxels: voxels[(k*ny + y)*nx + x] is the index of a material; the grid's centre is the volume's centre, its voxel edge
 * may be any (finer than, equal to or coarser than the detector's pixel). Pointers are borrowed: the caller keeps them.
 */
typedef struct sei_specimen {
    size_t n_materials; /* 1 to SEI_MAX_MATERIALS */
    const sei_material *materials;
    size_t n_bodies;
    const sei_body *bodies;
    int64_t nx, ny, nz; /* of the voxels */
    double voxel_nm;
    const uint8_t *voxels;
} sei_specimen;

/*
 * How one image is taken. Detector coordinates (U, V) count from the image's centre ((nx-1)/2, (ny-1)/2) moved by shift_px.
 * In the frame whose tilt axis is y (the one align makes), u = U*cos(axis) + V*sin(axis) - axis_offset and
 * y = V*cos(axis) - U*sin(axis), and u = x*cos(tilt) - z*sin(tilt) as in types.h. +shift moves the image to larger x, y; the
 * shift that undoes it in align's frame is -(dx*cos + dy*sin, dy*cos - dx*sin).
 */
typedef struct sei_view {
    int64_t nx, ny;
    double pixel_nm;
    int subsamples;        /* rays per pixel and direction, 1 to 32 */
    double tilt_deg;       /* the true one, with every angle error */
    double axis_deg;       /* in-plane angle of the tilt axis, conventions of types.h */
    double axis_offset_px; /* projected axis minus image centre, across the axis */
    double shift_px[2];    /* where the image's centre stands at the middle of the exposure */
    double smear_px[2];    /* straight motion during the exposure, from -smear/2 to +smear/2, each at most 256 */
    double blur_nm;        /* standard deviation of the probe (defocus), 0: a point; at most 64 pixels */
} sei_view;

/* A factor on the path's emission, on a coarse grid over the specimen (exit absorption): trilinear between the cells'
 * centres, the outermost values go on outside. */
typedef struct sei_weight_grid {
    int64_t nx, ny, nz;
    double spacing_nm;
    const float *data; /* [nz][ny][nx], centred like the volume */
} sei_weight_grid;

/*
 * A specimen made ready for many images: checked, and for voxels laid out for rays (a copy of what is not empty).
 * It borrows the specimen's arrays until it is freed.
 * Errors: SEI_ERR_INPUT (counts, sizes, a material's index, named), SEI_ERR_MEMORY; *out is untouched then.
 */
typedef struct sei_tracer sei_tracer;
sei_status sei_tracer_new(const sei_specimen *specimen, sei_tracer **out) SEI_MUST_CHECK;
void sei_tracer_free(sei_tracer *tracer); /* NULL: nothing */

/*
 * Path length of the beam in every material, nm, mean over each pixel: paths_nm[(m*ny + y)*nx + x], n_materials images,
 * the one of materials[0] is 0. weight may be NULL (1 everywhere). Several threads may trace with one tracer.
 * Rays are traced at subsamples^2 points a pixel: bodies by exact chords, voxels by exact lengths in every cell, so the
 * route shares nothing with the reconstruction's projectors. Voxels are traced in planes across the tilt axis, all planes at
 * once: with the axis along y (axis_deg 0) every voxel counts by its exact share of a pixel's height, under a turned axis the
 * rays stand at half their distance and are interpolated linearly.
 * The weight is integrated exactly along a body's chord (two Gauss points in every piece between the grid's planes); in a
 * voxel it is the one in the middle of the ray's piece, which errs by length^2/24 times its second derivative.
 * Smear and blur act on the image of the rays, each ray standing for its share of a pixel, by their exact integrals over it
 * (the smear in steps of at most one ray's distance), so they move no signal but at the field's edges.
 * Same bits for any thread count. Cost of 512^2 pixels of a 512^3 wire of six materials at 4 rays a pixel and direction:
 * about 55 ms of processor time, 105 ms with a weight; under a turned axis 0.2 s, with blur and oblique smear 0.7 s.
 * Errors: SEI_ERR_INPUT (a view or weight out of range, named), SEI_ERR_MEMORY, SEI_ERR_INTERRUPTED; paths_nm undefined then.
 */
sei_status sei_tracer_paths(const sei_tracer *tracer, const sei_view *view, const sei_weight_grid *weight,
                            float *paths_nm) SEI_MUST_CHECK;

/* The same for one image: makes a tracer, uses it once and frees it. */
sei_status sei_specimen_paths(const sei_specimen *specimen, const sei_view *view, const sei_weight_grid *weight,
                              float *paths_nm) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
