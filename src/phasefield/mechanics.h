/* What the mechanics' operators work on, and their table: one row of functions per backend, one text of the relaxation. */
#ifndef SEI_PHASEFIELD_MECHANICS_H
#define SEI_PHASEFIELD_MECHANICS_H

#include "seitomo/mechanics.h"

/* Arrays over cells that stand still while a balance is sought. */
enum {
    SEI_MECH_SXX, /* C_p^{-1}/theta^2 */
    SEI_MECH_SZZ,
    SEI_MECH_SXZ,
    SEI_MECH_SYY,
    SEI_MECH_SXY, /* the last two of a wire with length only */
    SEI_MECH_SZY,
    SEI_MECH_BULK,  /* K J_c times what the cell carries, (1 - x_v)^3 */
    SEI_MECH_SHEAR, /* 2 G J_c times the same */
    SEI_MECH_YIELD, /* sigma_Y/(2 G) */
    SEI_MECH_SOFT,  /* k_e E_Si of the rest */
    SEI_MECH_HOURGLASS,
    SEI_MECH_LOGS, /* ln det of the in-plane part of C_p^{-1}/theta^2, a quarter of it; ny = 1 */
    SEI_MECH_LOGY, /* ln of its yy, half of it; ny = 1 */
    SEI_MECH_ARRAYS
};

/* Sums over a row of nodes (and of cells), added up row by row. */
enum { SEI_MECH_WORK, SEI_MECH_INERTIA, SEI_MECH_FORCE2, SEI_MECH_INTERNAL2, SEI_MECH_AXIAL, SEI_MECH_SUMS };

/* Lanes that a row's sum runs in; rows of scratch for a row of cells in the plane and in space, and for sums. */
enum { SEI_MECH_LANES = 8, SEI_MECH_ROWS_PLANE = 6, SEI_MECH_ROWS_SPACE = 24, SEI_MECH_TERMS = 5 };
/* What of a cell's mass each of its nodes carries, so that the stiffest mode of a cell stays well below 4. */
#define SEI_MECH_SHARE_PLANE 0.75
#define SEI_MECH_SHARE_SPACE 0.4
#define SEI_MECH_REACH 0.05 /* largest displacement of an iteration, in cell edges */

typedef struct sei_mech_work {
    int64_t nx, ny, nz;
    int dims, threads; /* 2 or 3; that take part */
    int64_t cells, nodes;
    double *cell[SEI_MECH_ARRAYS];
    double *position[3]; /* x, z, y in cell edges, of the iteration that is worked on; y less the stretched undeformed one */
    double *next[3];     /* of the one after it */
    double *velocity[3];
    double *force[3];     /* of the last iteration */
    double *mass;         /* of nodes; 0 where nothing pulls */
    double *sums[2];      /* [rows of nodes][SEI_MECH_SUMS], of this and the next iteration */
    double *scratch;      /* per thread */
    int64_t scratch_size; /* of one thread */
    int32_t *span;        /* [nz][2]: the wire's cells of a row of planes, begin and end along x */
    double stretch, log_stretch;
    void *memory;
} sei_mech_work;

/*
 * One iteration for the planes of nodes z0 <= k < z1 of nz + 1: forces at `position`, new velocities, next positions, sums.
 *   mass    the fictitious mass of the nodes in those planes
 */
typedef struct sei_mech_operators {
    const char *name;
    void (*iterate)(const sei_mech_work *work, int thread, int64_t z0, int64_t z1, double damping, double *sums);
    void (*mass)(const sei_mech_work *work, int thread, int64_t z0, int64_t z1);
    bool team;
} sei_mech_operators;

extern const sei_mech_operators sei_mech_ref;
/* The best instruction set of this machine, or the one named; NULL: not here. */
const sei_mech_operators *sei_mech_cpu(const char *isa, int dims);

sei_status sei_mech_work_make(const sei_mechanics_state *state, int threads, sei_mech_work *out) SEI_MUST_CHECK;
void sei_mech_work_free(sei_mech_work *work);

/* What counts as balance. */
typedef struct sei_mech_aim {
    double tolerance;
    double least_stress; /* per cell, in |f_int| */
    double cells;        /* of the wire */
    bool axial_free;
    int64_t max_iterations;
} sei_mech_aim;

typedef struct sei_mech_balance {
    double residual;
    int64_t iterations;
    bool met;
} sei_mech_balance;

/* From work->position, at rest, to balance; the outcome stands in work->position and work->stretch. */
sei_status sei_mech_relax(const sei_mech_operators *operators, const sei_mech_aim *aim, sei_mech_work *work,
                          sei_mech_balance *out) SEI_MUST_CHECK;

/* Strain, stress and what is plastic of one cell, by the library's logarithm and exponential. */
typedef struct sei_mech_cell {
    double f[3][3];       /* x, z, y */
    double tau[3][3];     /* Kirchhoff, of what the cell carries, soft stress apart */
    double plastic[3][3]; /* C_p^{-1}/theta^2 after the return */
    bool yields;
} sei_mech_cell;
void sei_mech_cell_gradient(const sei_mech_work *work, int64_t i, int64_t j, int64_t k, double f[3][3]);
void sei_mech_cell_evaluate(const sei_mech_work *work, int64_t i, int64_t j, int64_t k, sei_mech_cell *out);
/* Work arrays from a state: positions in cell edges, and what cells are made of at the fields c_li, c_v. */
void sei_mech_take_state(const sei_mechanics_options *options, const sei_mechanics_state *state, sei_mech_work *work);
void sei_mech_fill(const sei_mechanics_options *options, const sei_mechanics_state *state, sei_mech_work *work);
/* What carries stress at the fields of the state, into state->solid; what is new is born free of stress. */
sei_status sei_mech_find_solid(const sei_mechanics_options *options, const sei_mech_work *work,
                               sei_mechanics_state *state) SEI_MUST_CHECK;
sei_status sei_mech_state_check(const sei_mechanics_options *options, const sei_mechanics_state *state) SEI_MUST_CHECK;

static inline double sei_mech_fraction(const sei_mechanics_options *o, double c_li) {
    const double x = (c_li - o->c_min) / (o->c_max - o->c_min);
    return x < 0 ? 0 : (x > 1 ? 1 : x);
}
/* x_v */
static inline double sei_mech_emptiness(double c_v) {
    const double s = (c_v - 0.2) / 0.6, t = s < 0 ? 0 : (s > 1 ? 1 : s);
    return t * t * (3 - 2 * t);
}

#endif
