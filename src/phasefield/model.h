/* What the model's operators work on, and their table: one row of functions per backend, one text of the macro step. */
#ifndef SEI_PHASEFIELD_MODEL_H
#define SEI_PHASEFIELD_MODEL_H

#include "seitomo/phasefield.h"

enum { SEI_PF_MAX_STAGES = 20 };

/* Bits of a cell's mask during a half-cycle. */
enum {
    SEI_PF_ACTIVE = 1,       /* takes part: the wire, or any cell of a box */
    SEI_PF_OPEN_LI = 2,      /* lithium passes its faces: the exterior too, not what is frozen */
    SEI_PF_OPEN_VACANCY = 4, /* vacancies pass its faces */
    SEI_PF_WETTED = 8,       /* no lithiated phase here: h = 0 */
    SEI_PF_RIM = 16          /* the source S may act here: chi_S = 1 */
};

/* The numbers of a half-cycle's operators, by value so that a kernel takes them as one argument. */
typedef struct sei_pf_constants {
    int form;      /* sei_phasefield_energy_form */
    int direction; /* +1 lithiation, -1 delithiation, 0 no source R */
    double omega, c_min, inverse_swing, k_vl;
    double e_li, curvature_li; /* f'' beyond e */
    double e_v, curvature_v;
    double f_min;                     /* f(c_min) */
    double kappa_li_dx2, kappa_v_dx2; /* kappa/dx^2 */
    double m_li_dx2, m_v_dx2;         /* M/dx^2 */
    double c_exterior, mu_exterior;
    double c_s, nucleation, annihilation; /* R0/(c_s - c_min), k_a/(c_max - c_min) */
    double rho, c_a, c_b;
} sei_pf_constants;

/* One stage of c_Li: y = y1 + b (y1 - y2) + w L(y1); weights that must add up to 1 would drift by their rounding. */
typedef struct sei_pf_stage {
    double b, w;
} sei_pf_stage;

/* Fields of reals: float when single, else double. */
typedef struct sei_pf_work {
    sei_pf_constants k;
    int64_t nx, ny, nz;
    bool periodic_x, periodic_z;
    bool single;
    int stages;
    double tau;
    sei_pf_stage stage[SEI_PF_MAX_STAGES];
    const uint8_t *mask;         /* [nz][ny][nx] */
    const int32_t *span;         /* [nz*ny][4]: cells that a row updates, all of them active / whose chemical potential it or a
                                    neighbour needs: begin, end, begin, end; an empty range is 0, 0 */
    const uint8_t *row_open;     /* [nz*ny]: 1 where no face of the row's cells is closed to lithium */
    const int64_t *cells_before; /* [nz + 1]: cells to update in the planes before each */
    bool vacancies_move;         /* false: c_v stands still and its step is left out */
    const void *source;          /* NULL: none */
    const void *noise;           /* g; NULL: none */
    void *li[3];                 /* li[0]: c_Li of the last macro step */
    void *vacancy[2];            /* vacancy[0]: c_v of the last macro step */
    void *bracket;               /* what multiplies h' in mu_Li, from c_v */
    void *scratch;               /* [3*threads][ny][nx] and at least a whole field: potentials on their way to fluxes */
    void *memory;
} sei_pf_work;

/* Fields of one operator call. */
typedef struct sei_pf_li {
    sei_pf_stage stage;
    const void *y1, *y2;
    void *y;
} sei_pf_li;

typedef struct sei_pf_vacancy {
    const void *li_old, *li_new, *c;
    void *c_new;
} sei_pf_vacancy;

/*
 * The operators. Each writes the planes z0 <= z < z1 and may read all of them; thread tells which scratch is its own.
 *   bracket   work->bracket from c_v
 *   potential mu_Li of c_li
 *   lithium   one stage of c_Li
 *   vacancy   one Euler step of c_v with the source R, and work->bracket of the new c_v
 */
typedef struct sei_pf_operators {
    const char *name;
    void (*bracket)(const sei_pf_work *work, int64_t z0, int64_t z1, const void *c_v);
    void (*potential)(const sei_pf_work *work, int64_t z0, int64_t z1, const void *c_li, void *mu);
    void (*lithium)(const sei_pf_work *work, int thread, int64_t z0, int64_t z1, const sei_pf_li *step);
    void (*vacancy)(const sei_pf_work *work, int thread, int64_t z0, int64_t z1, const sei_pf_vacancy *step);
    bool team; /* planes are shared out over threads */
} sei_pf_operators;

/* The plain reference. ref_single: fields are float, what is computed from them is double all the same. */
extern const sei_pf_operators sei_pf_ref, sei_pf_ref_single;
/* The best instruction set of this machine, or the one named (NULL, "auto" or of SEI_ISA_NAMES); NULL: not here. */
const sei_pf_operators *sei_pf_cpu(const char *isa, bool single);

/* `steps` macro steps by whatever operators; the new fields end in work->li[0] and work->vacancy[0]. */
void sei_pf_macro_steps(sei_pf_work *work, const sei_pf_operators *operators, int threads, int64_t steps);

/* ---- host side, shared by all backends */

sei_pf_constants sei_pf_constants_of(const sei_phasefield_options *options, const sei_phasefield_limits *limits, int direction);
/* f(c) of the regular solution, continued beyond e and 1-e; its second derivative at e. */
double sei_pf_solution_energy(double c, double omega, double e);
double sei_pf_solution_slope(double c, double omega, double e);
double sei_pf_solution_curvature(double omega, double e);

/* +1 or -1 for the half-cycle that follows `completed` ones. */
static inline int sei_pf_direction(int64_t completed) {
    return completed % 2 == 0 ? 1 : -1;
}

/* `single`: fields of float. */
sei_status sei_pf_work_make(const sei_phasefield_options *options, const sei_phasefield_limits *limits,
                            const sei_phasefield_state *state, int threads, bool single, sei_pf_work *out) SEI_MUST_CHECK;
void sei_pf_work_free(sei_pf_work *work);
/* The fields' reals as n doubles, and back. */
void sei_pf_from_reals(bool single, const void *from, int64_t n, double *to);
void sei_pf_to_reals(bool single, const double *from, int64_t n, void *to);

sei_status sei_pf_state_check(const sei_phasefield_options *options, const sei_phasefield_state *state) SEI_MUST_CHECK;
void sei_pf_wire_mask(const sei_phasefield_options *options, uint8_t *wire);
/* Squared distance of a cell's centre to the wire's axis, in l0^2. */
double sei_pf_radius2(const sei_phasefield_options *options, int64_t i, int64_t k);

/* 1 where S acts in the current half-cycle (chi_S); acts is zero before. */
void sei_pf_mark_acting(const sei_phasefield_state *state, uint8_t *acts);
/* k_S chi_S |grad c_v| of the current half-cycle into state->source. */
sei_status sei_pf_refresh_source(const sei_phasefield_options *options, const sei_phasefield_limits *limits,
                                 sei_phasefield_state *state) SEI_MUST_CHECK;
/* Ends a half-cycle: counts what was kept and, after a delithiation, wets the voids the surface reaches. */
sei_status sei_pf_wet(const sei_phasefield_options *options, const sei_phasefield_limits *limits,
                      sei_phasefield_state *state) SEI_MUST_CHECK;
int64_t sei_pf_count(const uint8_t *mask, int64_t n);

#endif
