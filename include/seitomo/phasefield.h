/*
 * phasefield: lithium and vacancies in a silicon nanowire during cycling, the chemical half of the model of He et al.,
 * Nat. Nanotechnol. 16, 1113 (2021), eqs (1), (3)-(5), in explicit finite differences.
 *
 *   dc_Li/dt = div(M_Li grad mu_Li) + k_S chi_S |grad c_v| (c_bc - c_Li)
 *   dc_v/dt  = div(M_v  grad mu_v ) + R dc_Li/dt
 *   delithiation (dc_Li < 0): R = -R0 g(X) max(c_s - c_v, 0)/(c_s - c_min)      nucleation of voids, saturating at c_s
 *   lithiation   (dc_Li > 0): R = -k_a (c_v - c_min)/(c_max - c_min)           annihilation, none in wetted voids
 *
 * with both forms of R integrated exactly over a step. f(c) = c ln c + (1-c) ln(1-c) + Omega c(1-c), continued below e and above
 * 1-e by its second-order Taylor polynomial; h = x^2(3-2x), x = (c_Li - c_min)/(c_max - c_min) clamped to [0, 1];
 * energy = integral of f_ch + kappa_Li/2 |grad c_Li|^2 + kappa_v/2 |grad c_v|^2 with
 *
 *   additive    f_ch = f(c_Li) + (1-h) [f(c_v) - f(c_min)] + h (k_vL/2)(c_v - c_min)^2
 *   decoupled   the same in mu_v, but mu_Li = f'(c_Li) - kappa_Li lap c_Li: not variational, cheaper
 *   literal     f_ch = h f(c_Li) + (1-h) f(c_v), eq. (2) as printed: lithium does not leave again (a negative test)
 *   quartic     f_ch = rho (c_Li - c_a)^2 (c_b - c_Li)^2, one field without sources: the published benchmarks
 *
 * Numbers are without dimension: lengths in l0 (20 nm), times in 1 s, energies in c_max R T. Concentrations are fractions of
 * sites. The reference (undeformed) configuration is fixed; a cell's index is (k*ny + j)*nx + i as everywhere, the wire's
 * axis along y: a cross-section is (x, z), n by n cells on [-half_width, half_width]^2, ny = 1 is the 2-D model, ny > 1 a
 * periodic length of axis. Five or seven point stencils, fluxes through faces, so closed fields keep their sums to round-off.
 * Cells outside the unit circle hold c_Li = c_bc and mu_Li = f'(c_bc) and let no vacancies pass.
 *
 * A run alternates lithiation (half-cycles 1, 3, ...; c_bc = c_bc_high) and delithiation (2, 4, ...; c_bc_low). At the end of
 * each delithiation voids that the surface reaches become wetted (electrolyte, lined with SEI). Wetted cells are frozen during
 * lithiation: no flux of lithium or vacancies through their faces.
 */
#ifndef SEITOMO_PHASEFIELD_H
#define SEITOMO_PHASEFIELD_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum sei_phasefield_energy_form {
    SEI_PHASEFIELD_ADDITIVE = 0,
    SEI_PHASEFIELD_DECOUPLED,
    SEI_PHASEFIELD_LITERAL,
    SEI_PHASEFIELD_QUARTIC
} sei_phasefield_energy_form;

/* wire: Dirichlet exterior around the unit circle. box: every cell takes part, faces closed or periodic, no sources. */
typedef enum sei_phasefield_geometry { SEI_PHASEFIELD_WIRE = 0, SEI_PHASEFIELD_BOX } sei_phasefield_geometry;

/*
 * rkl1: super-time-stepping (Meyer, Balsara & Aslam, J. Comput. Phys. 257, 594 (2014), first order): s stages of c_Li cover
 * s(s+1)/2 explicit steps inside one Euler step of c_v. euler: one stage.
 */
typedef enum sei_phasefield_integrator { SEI_PHASEFIELD_RKL1 = 0, SEI_PHASEFIELD_EULER } sei_phasefield_integrator;

/*
 * Of the fields and their arithmetic; options, states and sums are double. single: for cards whose doubles are slow, and quick
 * looks; a wire's cells are at least 0.008 then (256 across the default width), since what a stage adds shrinks with dx^4.
 */
typedef enum sei_phasefield_precision { SEI_PHASEFIELD_DOUBLE = 0, SEI_PHASEFIELD_SINGLE } sei_phasefield_precision;

/* Parameters; [T] of the paper's Supplementary Table 1, else ours. */
typedef struct sei_phasefield_options {
    sei_phasefield_geometry geometry;
    sei_phasefield_energy_form free_energy;
    sei_phasefield_integrator integrator;
    sei_phasefield_precision precision;
    int64_t nx, ny, nz;               /* cells; wire: nx = nz, default 256, ny = 1 */
    double dx;                        /* box: cell edge; wire: 0, it follows from half_width */
    bool periodic_x, periodic_z;      /* box; the axis y is always periodic */
    double half_width;                /* wire: of the square; default 1.1 */
    double omega;                     /* [T] 2.6 */
    double kappa_li, kappa_v;         /* [T] 1e-4, 1e-5. kappa_v 0 (default): see sei_phasefield_limits */
    double m_li, m_v;                 /* mobilities; [T] 10, 0.1. m_v 0: c_v stands still, but for R */
    double c_min, c_max;              /* [T] 0.14, 0.86: limits of x in h, and the vacancies' rest value */
    double e_li, e_v;                 /* where f is continued; 0.06, 0.04 */
    double k_vl;                      /* stiffness of c_v in the lithiated phase; 1 */
    double c_bc_high, c_bc_low;       /* Dirichlet values; 0.92, 0.08 */
    double mu_bc_high, mu_bc_low;     /* NaN (default), or chemical potentials that give c_bc instead */
    double r0, c_s;                   /* nucleation and its saturation; 0.25, 0.95 */
    double spot_density, spot_length; /* of g, p and ell: 0.35, 0.06 */
    double k_a;                       /* annihilation; 8. 0: the control without sink */
    double k_s;                       /* source at the wetted rim; 100 */
    bool wetting;                     /* true. false: the control without SEI, nothing is ever wetted or frozen */
    double d_gap, l_inv;              /* what wetting bridges, how far it reaches a cycle; 0.05, 0.25 */
    double void_threshold;            /* c_v above it is void; 0.5 */
    double release_threshold;         /* wetted cells below it leave the wetted set; 0.3 */
    double rho, c_a, c_b;             /* quartic; 5, 0.3, 0.7 */
    double safety;                    /* of the explicit limits, in (0, 1]; 0.8 */
    double tau;                       /* macro step; 0 (default): the largest allowed, at most 2e-5 in a wire */
    int check_every;                  /* macro steps between tests of the end, and refreshes of the source; 250 */
    double stop_soc;                  /* a half-cycle ends at this part of the Dirichlet swing; 0.985 */
    double t_max;                     /* or after this time; 0.12 */
    uint64_t seed;                    /* of g; 1 */
} sei_phasefield_options;

void sei_phasefield_options_default(sei_phasefield_options *options);

/* What follows from the options. */
typedef struct sei_phasefield_limits {
    double dx;
    double kappa_v; /* as given; 0: 1e-5 where dx <= 0.00266, a third of its interface, else the larger of 1e-4 and
                       2e-4 (dx/0.0171875)^2, so that voids are resolved */
    double c_bc_high, c_bc_low;
    double dt_li, dt_v; /* explicit limits times safety: 2/(M [(4d)^2 kappa/dx^4 + 4d max f''/dx^2]), d = 2 or 3 */
    double tau;         /* macro step */
    int stages;         /* of c_Li in it, 1..20 */
} sei_phasefield_limits;

/*
 * Checks the options and fills *out. Errors: SEI_ERR_USAGE naming the option, its value and its range; a tau above what is
 * stable names the limit. Cost: none.
 */
sei_status sei_phasefield_check(const sei_phasefield_options *options, sei_phasefield_limits *out) SEI_MUST_CHECK;

/* Everything a run goes on from: plain numbers and arrays of nx*ny*nz cells, to be stored and restored bit by bit. */
typedef struct sei_phasefield_state {
    int64_t nx, ny, nz;
    double *c_li, *c_v;
    double *source;        /* k_S chi_S |grad c_v| as last refreshed */
    uint8_t *wire;         /* 1 where the model lives */
    uint8_t *wetted;       /* 1 in wetted voids */
    int64_t half_cycles;   /* completed */
    int64_t macro_steps;   /* in the current half-cycle */
    int64_t evaluations;   /* of the lithium operator since the beginning */
    double half_time;      /* in the current half-cycle */
    double time;           /* since the beginning, at the start of the current half-cycle */
    double last_time;      /* duration of the last completed half-cycle */
    int64_t wetted_before; /* wetted cells when the last completed half-cycle began */
    int64_t wetted_still;  /* those of them that were void at its end */
} sei_phasefield_state;

/*
 * The intact wire (c_Li = c_v = c_min), or a box filled with c_min. Errors: those of sei_phasefield_check, SEI_ERR_INPUT
 * (sizes), SEI_ERR_MEMORY; out is untouched then.
 */
sei_status sei_phasefield_begin(const sei_phasefield_options *options, sei_phasefield_state *out) SEI_MUST_CHECK;
/*
 * A state from fields [nz][ny][nx]: c_li, c_v, wetted (NULL: none), and how many half-cycles it has behind it. Cells outside
 * the wire are ignored. Errors: as above, SEI_ERR_INPUT (the first value that is not finite or outside [-0.5, 1.5]).
 */
sei_status sei_phasefield_begin_fields(const sei_phasefield_options *options, const double *c_li, const double *c_v,
                                       const uint8_t *wetted, int64_t half_cycles, sei_phasefield_state *out) SEI_MUST_CHECK;
void sei_phasefield_state_free(sei_phasefield_state *state);

/*
 * `steps` macro steps of the current half-cycle, whether or not its end is reached. backend: "ref" (plain, one thread), "cpu"
 * (OpenMP, the same bits for any number of threads and every instruction set with a fused multiply-add), "cuda" or
 * "cuda-emulated" (cpu's bits; the fields stay on the card until the call returns). The same bits as when the steps are taken in
 * several calls. Errors: SEI_ERR_USAGE (options, backend), SEI_ERR_INPUT (the state's shape; a field that left [-0.5, 1.5] or is
 * not finite, tested every check_every steps), SEI_ERR_MEMORY, SEI_ERR_INTERRUPTED, SEI_ERR_ENVIRONMENT (no card). After an error
 * that arose on the way the state stands at the last test before it. Cost: stages + 1 passes over the cells per step.
 */
sei_status sei_phasefield_step(const sei_phasefield_options *options, const char *backend, int64_t steps,
                               sei_phasefield_state *state) SEI_MUST_CHECK;
/*
 * Goes on with the current half-cycle to its end (stop_soc or t_max), at most `checks` times check_every steps. *ended tells
 * whether it ended: then voids are wetted (after a delithiation), half_cycles has grown by one and metrics may be taken.
 * Errors as above. A box has no half-cycles: SEI_ERR_USAGE.
 */
sei_status sei_phasefield_advance(const sei_phasefield_options *options, const char *backend, int64_t checks,
                                  sei_phasefield_state *state, bool *ended) SEI_MUST_CHECK;

/*
 * The same for `count` states at once, options[n] for states[n], ended[n] of each: for sweeps. On a card, states that differ in
 * nothing but fields, seeds and what acts between half-cycles go through each launch together; on the cpu, when there are as
 * many as threads, each thread takes whole states. Each state gets the bits it gets alone. Errors as above, the first one's;
 * the other states then stand somewhere in their half-cycles and can be taken on.
 */
sei_status sei_phasefield_advance_many(const sei_phasefield_options *options, const char *backend, int64_t checks, int64_t count,
                                       sei_phasefield_state *states, bool *ended) SEI_MUST_CHECK;

/* State of charge: mean c_Li of wire cells that are not wetted, (mean - c_bc_low)/(c_bc_high - c_bc_low). */
double sei_phasefield_soc(const sei_phasefield_limits *limits, const sei_phasefield_state *state);
/* Total free energy of the wire or box, faces to the exterior included, in l0^2 per axis cell edge (2-D) or l0^3. */
sei_status sei_phasefield_energy(const sei_phasefield_options *options, const sei_phasefield_state *state,
                                 double *out) SEI_MUST_CHECK;
/*
 * g of a cycle (1, 2, ...) on the cells of the wire, mean 1, 0 outside: spot_density/spot_length^2 Gaussian spots of standard
 * deviation spot_length/1.5, centres uniform in the circle, amplitudes uniform in 0.5..1.5 (3-D: spot_density * length /
 * spot_length^3 of them, periodic along the axis). Philox with key = seed, counter = cycle and spot: a function of seed and
 * cycle alone. Errors: those of sei_phasefield_check, SEI_ERR_MEMORY, SEI_ERR_INPUT (no spot reaches the wire).
 */
sei_status sei_phasefield_noise(const sei_phasefield_options *options, uint32_t cycle, double *g) SEI_MUST_CHECK;

/*
 * Numbers of a state at the end of a half-cycle into `numbers` (empty before). Voids are wire cells with c_v above
 * void_threshold, connected through faces (solids through faces, edges and corners), across the periodic axis too.
 *
 *   half_cycle cycle time (s) duration (s, of the last half-cycle) c_li_mean soc
 *   void_fraction            of the wire          void_count   components
 *   enclosed_void_fraction   voids that are not wetted, of the wire
 *   wetted_fraction          A_n: wetted cells of the wire
 *   wetted_still_void        of the cells wetted when the last half-cycle began, the part that was void at its end
 *   wetted_growth            wetted cells over those when the last half-cycle began (A_n / A_(n-1)); both NaN where there were
 * none wetted_depth (l0)        d_n: mean over 72 sectors (and cross-sections) of the deepest wetted cell, 0 where there is none
 *   wetted_depth_max (l0)
 *   void_size_gradient       mean size of voids with centroid at r > 0.6 over that at r < 0.6; NaN where one has none
 *   si_component_count si_largest_component_fraction   of wire cells that are not void
 *
 * Errors: SEI_ERR_USAGE (box), SEI_ERR_MEMORY.
 */
sei_status sei_phasefield_metrics(const sei_phasefield_options *options, const sei_phasefield_state *state,
                                  sei_numbers *numbers) SEI_MUST_CHECK;

/*
 * What the scheme itself loses: the state's fields in a closed box of the same cells, without sources, check_every macro steps
 * long; *drift is the larger relative change of the sums of c_Li and c_v. Round-off (1e-15 to 1e-13) when all is well. In a wire
 * lithium comes and goes through the surface and vacancies through R, so that its own sums tell nothing. Errors as
 * sei_phasefield_step.
 */
sei_status sei_phasefield_drift(const sei_phasefield_options *options, const char *backend, const sei_phasefield_state *state,
                                double *drift) SEI_MUST_CHECK;

/* How cells become labels. */
typedef struct sei_phasefield_label_options {
    double radius_nm; /* of the wire, which is l0; default 20 (0.1 to 1e5) */
    double sei_nm;    /* wetted cells within this of silicon are SEI; 2 */
    double shell_nm;  /* of SEI round the wire once it has been lithiated; 20 */
} sei_phasefield_label_options;
void sei_phasefield_label_options_default(sei_phasefield_label_options *options);
/*
 * The wire's labels of a state, ids and colours as segment's: silicon (lithiated or not), closed void (void, not wetted), SEI
 * (wetted within sei_nm of silicon; the shell), open void (wetted beyond). The grid is the state's with as many cells added on
 * all four sides as the shell needs; its voxel is the cell. Errors: SEI_ERR_USAGE (options, a box), SEI_ERR_INPUT,
 * SEI_ERR_MEMORY; out is untouched then.
 */
sei_status sei_phasefield_labels(const sei_phasefield_options *options, const sei_phasefield_state *state,
                                 const sei_phasefield_label_options *how, sei_labels *out) SEI_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
