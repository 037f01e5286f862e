/* Every key of a phase-field recipe with its range and default; data/recipes/phasefield-paper.yaml tells what they mean. */
#include "study/phasefield_schema.h"

#include "seitomo/types.h"

#define NUMBER(key, structure, member) CYAML_FIELD_FLOAT(key, CYAML_FLAG_DEFAULT, structure, member)
#define WHOLE(key, structure, member) CYAML_FIELD_INT(key, CYAML_FLAG_DEFAULT, structure, member)
#define CHOICE(key, structure, member, words) \
    CYAML_FIELD_ENUM(key, CYAML_FLAG_STRICT, structure, member, words, sizeof(words) / sizeof((words)[0]))
#define MECHANICS(name) NUMBER(#name, sei_pf_mechanics_entry, name)
#define MODEL(name) NUMBER(#name, sei_pf_model_entry, name)

static const cyaml_strval_t controls[] = {
    {"none", SEI_PF_CONTROL_NONE}, {"no-sei", SEI_PF_CONTROL_NO_SEI}, {"no-sink", SEI_PF_CONTROL_NO_SINK}};
static const cyaml_strval_t forms[] = {
    {"additive", SEI_PHASEFIELD_ADDITIVE}, {"decoupled", SEI_PHASEFIELD_DECOUPLED}, {"literal", SEI_PHASEFIELD_LITERAL}};
static const cyaml_strval_t integrators[] = {{"rkl1", SEI_PHASEFIELD_RKL1}, {"euler", SEI_PHASEFIELD_EULER}};

static const cyaml_strval_t axials[] = {{"plane_strain", SEI_MECHANICS_PLANE_STRAIN}, {"free", SEI_MECHANICS_AXIAL_FREE}};

static const cyaml_schema_field_t model_fields[] = {CHOICE("free_energy", sei_pf_model_entry, free_energy, forms),
                                                    MODEL(half_width),
                                                    MODEL(omega),
                                                    MODEL(kappa_li),
                                                    MODEL(kappa_v),
                                                    MODEL(m_li),
                                                    MODEL(m_v),
                                                    MODEL(c_min),
                                                    MODEL(c_max),
                                                    MODEL(e_li),
                                                    MODEL(e_v),
                                                    MODEL(k_vl),
                                                    MODEL(c_bc_high),
                                                    MODEL(c_bc_low),
                                                    MODEL(mu_bc_high),
                                                    MODEL(mu_bc_low),
                                                    MODEL(r0),
                                                    MODEL(c_s),
                                                    MODEL(spot_density),
                                                    MODEL(spot_length),
                                                    MODEL(k_a),
                                                    MODEL(k_s),
                                                    MODEL(d_gap),
                                                    MODEL(l_inv),
                                                    MODEL(void_threshold),
                                                    MODEL(release_threshold),
                                                    CYAML_FIELD_END};
static const cyaml_schema_field_t time_fields[] = {CHOICE("integrator", sei_pf_time_entry, integrator, integrators),
                                                   NUMBER("safety", sei_pf_time_entry, safety),
                                                   NUMBER("tau", sei_pf_time_entry, tau),
                                                   NUMBER("stop_soc", sei_pf_time_entry, stop_soc),
                                                   NUMBER("t_max", sei_pf_time_entry, t_max),
                                                   WHOLE("check_every", sei_pf_time_entry, check_every),
                                                   CYAML_FIELD_END};
static const cyaml_schema_field_t mechanics_fields[] = {
    SEI_YAML_BOOL("enabled", CYAML_FLAG_DEFAULT, sei_pf_mechanics_entry, enabled),
    WHOLE("coarsening", sei_pf_mechanics_entry, coarsening),
    CHOICE("axial", sei_pf_mechanics_entry, axial, axials),
    MECHANICS(soc_step),
    MECHANICS(beta),
    MECHANICS(youngs_si),
    MECHANICS(youngs_lithiated),
    MECHANICS(poisson),
    MECHANICS(yield),
    MECHANICS(void_stiffness),
    MECHANICS(hourglass),
    MECHANICS(largest_step),
    MECHANICS(tolerance),
    WHOLE("max_iterations", sei_pf_mechanics_entry, max_iterations),
    CYAML_FIELD_END};
static const cyaml_schema_field_t labels_fields[] = {NUMBER("radius_nm", sei_phasefield_label_options, radius_nm),
                                                     NUMBER("sei_nm", sei_phasefield_label_options, sei_nm),
                                                     NUMBER("shell_nm", sei_phasefield_label_options, shell_nm), CYAML_FIELD_END};
static const cyaml_schema_field_t output_fields[] = {SEI_YAML_BOOL("fields", CYAML_FLAG_DEFAULT, sei_pf_output_entry, fields),
                                                     SEI_YAML_BOOL("labels", CYAML_FLAG_DEFAULT, sei_pf_output_entry, labels),
                                                     SEI_YAML_BOOL("pictures", CYAML_FLAG_DEFAULT, sei_pf_output_entry, pictures),
                                                     SEI_YAML_BOOL("movie", CYAML_FLAG_DEFAULT, sei_pf_output_entry, movie),
                                                     NUMBER("movie_soc_step", sei_pf_output_entry, movie_soc_step),
                                                     WHOLE("checkpoint_every", sei_pf_output_entry, checkpoint_every),
                                                     CYAML_FIELD_END};
static const cyaml_schema_value_t value = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, SEI_NAME_LENGTH - 1)};
static const cyaml_schema_field_t sweep_fields[] = {
    CYAML_FIELD_STRING_PTR("key", CYAML_FLAG_POINTER, sei_pf_sweep_entry, key, 1, SEI_NAME_LENGTH - 1),
    CYAML_FIELD_SEQUENCE_COUNT("values", CYAML_FLAG_POINTER, sei_pf_sweep_entry, values, n_values, &value, 1, 1000),
    CYAML_FIELD_END};
static const cyaml_schema_value_t sweep_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, sei_pf_sweep_entry, sweep_fields)};
static const cyaml_schema_field_t fields[] = {
    CYAML_FIELD_STRING_PTR("title", CYAML_FLAG_POINTER, sei_pf_entry, title, 0, SEI_TEXT_LENGTH - 1),
    WHOLE("grid", sei_pf_entry, grid),
    WHOLE("axial_cells", sei_pf_entry, axial_cells),
    WHOLE("cycles", sei_pf_entry, cycles),
    CYAML_FIELD_UINT("seed", CYAML_FLAG_DEFAULT, sei_pf_entry, seed),
    CHOICE("control", sei_pf_entry, control, controls),
    CYAML_FIELD_MAPPING("model", CYAML_FLAG_DEFAULT, sei_pf_entry, model, model_fields),
    CYAML_FIELD_MAPPING("time", CYAML_FLAG_DEFAULT, sei_pf_entry, time, time_fields),
    CYAML_FIELD_MAPPING("mechanics", CYAML_FLAG_DEFAULT, sei_pf_entry, mechanics, mechanics_fields),
    CYAML_FIELD_MAPPING("labels", CYAML_FLAG_DEFAULT, sei_pf_entry, labels, labels_fields),
    CYAML_FIELD_MAPPING("output", CYAML_FLAG_DEFAULT, sei_pf_entry, output, output_fields),
    CYAML_FIELD_SEQUENCE_COUNT("sweep", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sei_pf_entry, sweep, n_sweep, &sweep_value, 0,
                               16),
    CYAML_FIELD_END};
static const cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, sei_pf_entry, fields)};

static const sei_yaml_range ranges[] = {{"grid", 24, 8192},
                                        {"axial_cells", 1, 8192},
                                        {"cycles", 1, 1000},
                                        {"labels.radius_nm", 0.1, 1e5},
                                        {"labels.sei_nm", 0, 1e5},
                                        {"labels.shell_nm", 0, 1e5},
                                        {"time.check_every", 1, 1e9},
                                        {"mechanics.coarsening", 1, 64},
                                        {"mechanics.soc_step", 0.001, 0.1},
                                        {"mechanics.max_iterations", 1, 1e9},
                                        {"output.movie_soc_step", 0.001, 1},
                                        {"output.checkpoint_every", 1, 1e9}};

const sei_yaml_spec sei_phasefield_spec = {
    .what = "phase-field recipe",
    .schema = &schema,
    .defaults =
        "title: ''\n"
        "grid: 256\n"
        "axial_cells: 1\n"
        "cycles: 5\n"
        "seed: 1\n"
        "control: none\n"
        "model: {free_energy: additive, half_width: 1.1, omega: 2.6, kappa_li: 1e-4, kappa_v: 0, m_li: 10, m_v: 0.1,\n"
        "  c_min: 0.14, c_max: 0.86, e_li: 0.06, e_v: 0.04, k_vl: 1, c_bc_high: 0.92, c_bc_low: 0.08,\n"
        "  mu_bc_high: nan, mu_bc_low: nan, r0: 0.25, c_s: 0.95, spot_density: 0.35, spot_length: 0.06, k_a: 8,\n"
        "  k_s: 100, d_gap: 0.05, l_inv: 0.25, void_threshold: 0.5, release_threshold: 0.3}\n"
        "time: {integrator: rkl1, safety: 0.8, tau: 0, stop_soc: 0.985, t_max: 0.12, check_every: 250}\n"
        "mechanics: {enabled: no, coarsening: 2, axial: plane_strain, soc_step: 0.03, beta: 0.5874, youngs_si: 175,\n"
        "  youngs_lithiated: 43.75, poisson: 0.25, yield: 1.64, void_stiffness: 0.03, hourglass: 0.05, largest_step: 0.05,\n"
        "  tolerance: 3e-3, max_iterations: 20000}\n"
        "labels: {radius_nm: 20, sei_nm: 2, shell_nm: 20}\n"
        "output: {fields: yes, labels: yes, pictures: yes, movie: yes, movie_soc_step: 0.05, checkpoint_every: 40}\n",
    .n_ranges = sizeof ranges / sizeof ranges[0],
    .ranges = ranges};
