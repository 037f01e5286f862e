/* Inside study: a recipe of the phase-field model as libcyaml loads it. */
#ifndef SEI_STUDY_PHASEFIELD_SCHEMA_H
#define SEI_STUDY_PHASEFIELD_SCHEMA_H

#include "seitomo/mechanics.h"
#include "seitomo/phasefield.h"
#include "study/yaml.h"

typedef enum sei_pf_control { SEI_PF_CONTROL_NONE = 0, SEI_PF_CONTROL_NO_SEI, SEI_PF_CONTROL_NO_SINK } sei_pf_control;

typedef struct sei_pf_model_entry {
    int free_energy;
    double half_width, omega, kappa_li, kappa_v, m_li, m_v, c_min, c_max, e_li, e_v, k_vl;
    double c_bc_high, c_bc_low, mu_bc_high, mu_bc_low;
    double r0, c_s, spot_density, spot_length, k_a, k_s, d_gap, l_inv, void_threshold, release_threshold;
} sei_pf_model_entry;

typedef struct sei_pf_time_entry {
    int integrator;
    double safety, tau, stop_soc, t_max;
    int check_every;
} sei_pf_time_entry;

typedef struct sei_pf_mechanics_entry {
    bool enabled;
    int coarsening; /* cells of the model along each side of one of mechanics' */
    int axial;      /* sei_mechanics_axial */
    double soc_step, beta, youngs_si, youngs_lithiated, poisson, yield, void_stiffness, hourglass, largest_step, tolerance;
    int max_iterations;
} sei_pf_mechanics_entry;

typedef struct sei_pf_output_entry {
    bool fields, labels, pictures, movie;
    double movie_soc_step;
    int checkpoint_every;
} sei_pf_output_entry;

/* One axis of a sweep: a key of the recipe and the values it takes. */
typedef struct sei_pf_sweep_entry {
    char *key;
    char **values;
    unsigned n_values;
} sei_pf_sweep_entry;

typedef struct sei_pf_entry {
    char *title;
    int grid, axial_cells, cycles;
    uint64_t seed;
    int control; /* sei_pf_control */
    sei_pf_model_entry model;
    sei_pf_time_entry time;
    sei_pf_mechanics_entry mechanics;
    sei_phasefield_label_options labels;
    sei_pf_output_entry output;
    sei_pf_sweep_entry *sweep;
    unsigned n_sweep;
} sei_pf_entry;

extern const sei_yaml_spec sei_phasefield_spec;

#endif
