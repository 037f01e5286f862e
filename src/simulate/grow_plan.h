/* Inside grow: the wire's surfaces, the box of voxels around it, and what happens to it in turn. */
#ifndef SEI_SIMULATE_GROW_PLAN_H
#define SEI_SIMULATE_GROW_PLAN_H

#include "core/random.h"
#include "seitomo/grow.h"

/* One stream of random numbers a purpose, so that describing one thing anew leaves the others where they were. */
enum {
    GROW_STREAM_WOBBLE = 0x6700,
    GROW_STREAM_SHELL = 0x6704,
    GROW_STREAM_LUMPS,
    GROW_STREAM_PORES,
    GROW_STREAM_CHANNELS,
    GROW_STREAM_SEEDS,
    GROW_STREAM_NECKS,
    GROW_STREAM_WARP,
    GROW_STREAM_LACEY = 0x6710,
    GROW_STREAM_SPHERES,
    GROW_STREAM_ROUGHNESS = 0x6720
};

/* What a voxel of the wire's box is. GROW_VOID is told into closed and open at the end. */
typedef enum grow_code {
    GROW_OUTSIDE = 0,
    GROW_CORE,
    GROW_OXIDE,
    GROW_SHELL,
    GROW_CORE_SEI,
    GROW_VOID,
    GROW_CLOSED,
    GROW_OPEN,
    GROW_CODES
} grow_code;

/* The wire's surfaces by row (y) and angle: radii from the centre line. */
typedef struct grow_wire {
    int64_t ny, n_turn;
    double voxel_nm;
    double *centre_x, *centre_z; /* [ny] */
    float *core, *outer;         /* [ny][n_turn], the angle of column m is m/n_turn turns, from x towards z */
    double core_max, outer_max;
} grow_wire;

/* The voxels around the wire: columns first_x.. and slices first_z.. of the volume, every row. */
typedef struct grow_box {
    int64_t nx, ny, nz, first_x, first_z;
    int64_t volume_nx, volume_nz;
    double voxel_nm;
    uint8_t *code; /* [nz][ny][nx] */
    int64_t core_voxels;
} grow_box;

/* Angle of (x, z) in turns, 0 to 1, in fixed-order arithmetic (error below 1e-11). */
double grow_turn(double x, double z);
/* And back: cosine and sine of an angle in turns, also in fixed-order arithmetic (error below 1e-13). */
void grow_unit(double turn, double *cosine, double *sine);
/* Linear between the columns of a row of core or outer. */
double grow_radius(const grow_wire *wire, const float *surface, int64_t row, double turn);

/* Centres of the box's voxels, nm from the volume's centre. */
static inline double grow_box_x(const grow_box *box, int64_t i) {
    return ((double)(box->first_x + i) - 0.5 * (double)(box->volume_nx - 1)) * box->voxel_nm;
}
static inline double grow_box_y(const grow_box *box, int64_t j) {
    return ((double)j - 0.5 * (double)(box->ny - 1)) * box->voxel_nm;
}
static inline double grow_box_z(const grow_box *box, int64_t k) {
    return ((double)(box->first_z + k) - 0.5 * (double)(box->volume_nz - 1)) * box->voxel_nm;
}

/*
 * add[ny][n_turn] += the field on a cylinder of the given circumference (n_turn 1: along a line), centred and scaled over
 * the table. Rows are voxel_nm apart about the middle. The noise is anchored there, so a finer or longer table holds the
 * same field up to its scale.
 */
sei_status grow_surface_field(const sei_grow_field *field, const sei_random *random, double circumference_nm, double voxel_nm,
                              int64_t ny, int64_t n_turn, double *add) SEI_MUST_CHECK;

/* Ranges, needed materials, parts that contradict each other. */
sei_status grow_check(const sei_grow *d, size_t n_materials, const sei_material *materials, int64_t nx, int64_t ny, int64_t nz,
                      double voxel_nm) SEI_MUST_CHECK;

/* The wire's surfaces; refused when they leave the volume sideways. numbers: the radii and thicknesses. */
sei_status grow_wire_make(const sei_grow *d, uint64_t seed, int64_t nx, int64_t ny, int64_t nz, double voxel_nm, grow_wire *wire,
                          sei_numbers *numbers) SEI_MUST_CHECK;
void grow_wire_free(grow_wire *wire);
/* The box with core, oxide and shell. */
sei_status grow_box_make(const sei_grow *d, const grow_wire *wire, int64_t nx, int64_t nz, grow_box *box) SEI_MUST_CHECK;

/* Pores and channels carve core (and shell); linings come first, so a void is never filled by a neighbour's lining. */
sei_status grow_cavities(const sei_grow *d, uint64_t seed, const grow_wire *wire, grow_box *box,
                         sei_numbers *numbers) SEI_MUST_CHECK;
/* Parts what is left of the core into silicon and SEI. */
sei_status grow_mixture(const sei_grow *d, uint64_t seed, const grow_wire *wire, grow_box *box,
                        sei_numbers *numbers) SEI_MUST_CHECK;

/* The film below the wire's lowest point, before the wire comes to lie on it. */
sei_status grow_support(const sei_grow *d, uint64_t seed, const grow_wire *wire, sei_grown *grown) SEI_MUST_CHECK;
/* Spheres and bars in the vacuum that is left. */
sei_status grow_test_objects(const sei_grow *d, uint64_t seed, sei_grown *grown) SEI_MUST_CHECK;

/* GROW_VOID and enclosed emptiness -> GROW_CLOSED, GROW_OPEN. support: the volume with the film in it. */
sei_status grow_name_voids(const sei_grow *d, const sei_material *materials, const sei_grown *support,
                           grow_box *box) SEI_MUST_CHECK;

#endif
