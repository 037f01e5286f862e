/*
 * mechanics: the deformation of a nanowire that swells with lithium and opens voids; the mechanical half of the model of He
 * et al., Nat. Nanotechnol. 16, 1113 (2021), eq. (6), by damped dynamic relaxation. It takes the fields of the chemical half
 * (phasefield.h) and gives back nothing to them: positions, stresses and how well they are in balance.
 *
 *   F = F^e F^c F^p,  F^c = theta I,  theta = 1 + beta x,  x = (c_Li - c_min)/(c_max - c_min) clamped to [0, 1]
 *   b_e = F C_p^{-1} F^T/theta^2,  eps = ln(b_e)/2  (Hencky)
 *   tau/J_c = K tr(eps) I + 2 G dev(eps),  |dev tau| sqrt(3/2) <= sigma_Y J_c,  J_c = theta^3,  P = tau F^{-T}
 *
 * with E and sigma_Y per lithiated volume, the return to the yield surface radial in eps (the exponential map), and C_p^{-1}
 * taken over only when a step is in balance. E falls linearly with x. Voids, x_v = smoothstep((c_v - 0.2)/0.6), carry
 * (1 - x_v)^3 of the stress above and the rest of a soft linear one, P = k_e E_Si (F - I). Cells whose x_v passes 1/2, silicon
 * without silicon on either side along an axis, and silicon not joined to the main body through faces carry the soft stress
 * alone; a cell that fills again is born free of stress, C_p^{-1} = theta^2 F^{-1} F^{-T}. The exterior carries nothing.
 *
 * Numbers are those of the phase field: lengths in l0, stresses in c_max R T (0.9 GPa). The grid is the undeformed section, a
 * cell's index (k*ny + j)*nx + i, a node's (k*ny + j)*(nx + 1) + i with k = 0..nz, i = 0..nx and j = 0..ny - 1 (periodic). One
 * deformation gradient per cell, at its centre, and hourglass stiffness. The axial stretch, of every cell when ny = 1, else of
 * the periodic length, is 1 (plane strain) or such that the mean axial force vanishes.
 *
 * A cycle (lithiation and delithiation) begins from the undeformed wire: perfect plasticity keeps of the cycles before
 * nothing but residual stress, and the fields live on the undeformed grid.
 */
#ifndef SEITOMO_MECHANICS_H
#define SEITOMO_MECHANICS_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sei_mechanics_axial { SEI_MECHANICS_PLANE_STRAIN = 0, SEI_MECHANICS_AXIAL_FREE } sei_mechanics_axial;

/* Parameters; [T] of the paper's Supplementary Table 1, else ours. */
typedef struct sei_mechanics_options {
    int64_t nx, ny, nz;      /* as in the phase field; default 256, 1, 256 */
    double half_width;       /* of the square; 1.1 */
    double c_min, c_max;     /* [T] 0.14, 0.86 */
    double beta;             /* [T] linear expansion; 0.5874: four times the volume */
    double youngs_si;        /* [T] 175 */
    double youngs_lithiated; /* [T] 43.75 */
    double poisson;          /* 0.25 */
    double yield;            /* [T] sigma_Y; 1.64 */
    double void_stiffness;   /* k_e; 0.03 */
    double hourglass;        /* of G; 0.05 */
    sei_mechanics_axial axial;
    double largest_step;    /* of x and of x_v in a cell between two states of balance; 0.05 */
    double tolerance;       /* |f|/|f_int| of a balance; 3e-3 */
    int64_t max_iterations; /* for one balance, after which the residual is taken as it is; 20000 */
} sei_mechanics_options;

void sei_mechanics_options_default(sei_mechanics_options *options);
/* Errors: SEI_ERR_USAGE naming the option, its value and its range. */
sei_status sei_mechanics_check(const sei_mechanics_options *options) SEI_MUST_CHECK;

/* Everything the deformation goes on from: plain numbers and arrays, to be stored and restored bit by bit. */
typedef struct sei_mechanics_state {
    int64_t nx, ny, nz;
    double *x, *z;         /* positions of the nodes in l0, [nz + 1][ny][nx + 1] */
    double *y;             /* the same along the axis; NULL when ny = 1 */
    double *plastic;       /* C_p^{-1}: xx, zz, xz, yy and, when ny > 1, xy, zy; [4 or 6][nz][ny][nx] */
    double *c_li, *c_v;    /* of the last load */
    uint8_t *wire;         /* 1 in cells of the wire */
    uint8_t *solid;        /* 1 where a cell carries more than the soft stress */
    double stretch;        /* of the axis */
    int64_t loads;         /* since the beginning */
    int64_t balances;      /* states of balance found since the beginning */
    int64_t iterations;    /* since the beginning */
    int64_t unbalanced;    /* of `balances`, those that missed the tolerance */
    double residual;       /* |f|/|f_int| of the last balance */
    double residual_worst; /* of any since sei_mechanics_begin_cycle */
} sei_mechanics_state;

/* The undeformed wire without lithium and voids. Errors: those of sei_mechanics_check, SEI_ERR_MEMORY. */
sei_status sei_mechanics_begin(const sei_mechanics_options *options, sei_mechanics_state *out) SEI_MUST_CHECK;
void sei_mechanics_state_free(sei_mechanics_state *state);
/*
 * To be called before each lithiation: the wire undeformed, free of stress and lithium again, with the voids of c_v. Counters
 * go on. Errors: SEI_ERR_INPUT (the state's shape).
 */
sei_status sei_mechanics_begin_cycle(const sei_mechanics_options *options, const double *c_v,
                                     sei_mechanics_state *state) SEI_MUST_CHECK;

/*
 * Follows the fields from those of the last load to c_li and c_v [nz][ny][nx], linearly, in so many steps that x and x_v
 * change nowhere by more than largest_step, each brought into balance. backend: "ref" (plain, one thread) or "cpu" (OpenMP;
 * the same bits for any number of threads and instruction set). To be called every 3 % of the state of charge or more often.
 * A balance that misses the tolerance within max_iterations is counted and gone on from; look at `unbalanced`.
 *
 * |f|/|f_int|: the root of the sum over nodes of the squared force left, over that of the squares of the forces that cells
 * exert on their nodes, at least 1e-4 sigma_Y in each cell.
 *
 * Errors: SEI_ERR_USAGE (options, backend), SEI_ERR_INPUT (the state's shape; the first value that is not finite; positions
 * that became so), SEI_ERR_MEMORY, SEI_ERR_INTERRUPTED; the state is as before then. Cost: some hundred passes over the cells per
 * balance, more on finer grids.
 */
sei_status sei_mechanics_load(const sei_mechanics_options *options, const char *backend, const double *c_li, const double *c_v,
                              sei_mechanics_state *state) SEI_MUST_CHECK;

/* Of the deformed wire, [nz][ny][nx]; zero outside. What is not wanted is NULL. */
typedef struct sei_mechanics_fields {
    double *x, *y, *z;           /* positions of the cells' centres, l0 */
    double *sigma[6];            /* Cauchy stress xx, zz, xz, yy, xy, zy; the last two 0 when ny = 1 */
    double *mean_stress, *mises; /* sigma_kk/3; sqrt(3/2) |dev sigma| */
    double *jacobian;            /* det F */
} sei_mechanics_fields;

/* Errors: SEI_ERR_USAGE, SEI_ERR_INPUT (the state's shape), SEI_ERR_MEMORY. */
sei_status sei_mechanics_evaluate(const sei_mechanics_options *options, const sei_mechanics_state *state,
                                  const sei_mechanics_fields *out) SEI_MUST_CHECK;

/*
 * Numbers of a state, added to `numbers`:
 *
 *   area_radius          sqrt of the deformed over the undeformed area of the wire's cells, voids included: 1 undeformed
 *   axial_stretch
 *   residual_mechanics   largest |f|/|f_int| since the cycle began
 *   unbalanced_mechanics balances since the beginning that missed the tolerance
 *   core_mean_stress     c_max R T, mean over silicon within r < 0.5 of sigma_kk/3
 *   core_radial_stress   of (sigma_xx + sigma_zz)/2
 *   core_axial_stress    of sigma_yy
 *   jacobian_min         smallest det F of silicon
 *
 * Errors: as sei_mechanics_evaluate.
 */
sei_status sei_mechanics_metrics(const sei_mechanics_options *options, const sei_mechanics_state *state,
                                 sei_numbers *numbers) SEI_MUST_CHECK;

/*
 * The linear problem, as a check by another method: small strains, plane strain, isotropic moduli youngs[nz][nx] (0 < their
 * ratio <= 1e6) and poisson, an isotropic misfit strain misfit[nz][nx], periodic, mean in-plane stress zero. Galerkin form of the
 * Lippmann-Schwinger equation (Moulinec & Suquet, Comput. Methods Appl. Mech. Eng. 157, 69 (1998)) with the rotated
 * scheme's discrete Green operator (Willot, C. R. Mecanique 343, 232 (2015)), solved by conjugate gradients to a relative
 * residual `tolerance` (1e-6 to 1: the transforms may be single precision). stress[4][nz][nx]: xx, zz, xz, yy. iterations may be
 * NULL. Errors: SEI_ERR_USAGE (sizes, values), SEI_ERR_INPUT (not reached in 10000 iterations), SEI_ERR_MEMORY,
 * SEI_ERR_INTERRUPTED.
 */
sei_status sei_mechanics_misfit_fourier(int64_t nx, int64_t nz, const double *youngs, const double *misfit, double poisson,
                                        double tolerance, double *stress, int64_t *iterations) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
