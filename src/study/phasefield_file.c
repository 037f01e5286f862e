/* From a phase-field recipe to the model's options, and whether they are still the paper's. */
#include "study/phasefield_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "core/alloc.h"
#include "core/text.h"

static void fill_model(const sei_pf_model_entry *m, sei_phasefield_options *o) {
    o->free_energy = (sei_phasefield_energy_form)m->free_energy;
    o->half_width = m->half_width;
    o->omega = m->omega;
    o->kappa_li = m->kappa_li;
    o->kappa_v = m->kappa_v;
    o->m_li = m->m_li;
    o->m_v = m->m_v;
    o->c_min = m->c_min;
    o->c_max = m->c_max;
    o->e_li = m->e_li;
    o->e_v = m->e_v;
    o->k_vl = m->k_vl;
    o->c_bc_high = m->c_bc_high;
    o->c_bc_low = m->c_bc_low;
    o->mu_bc_high = m->mu_bc_high;
    o->mu_bc_low = m->mu_bc_low;
    o->r0 = m->r0;
    o->c_s = m->c_s;
    o->spot_density = m->spot_density;
    o->spot_length = m->spot_length;
    o->k_a = m->k_a;
    o->k_s = m->k_s;
    o->d_gap = m->d_gap;
    o->l_inv = m->l_inv;
    o->void_threshold = m->void_threshold;
    o->release_threshold = m->release_threshold;
}

static void fill(const sei_pf_entry *e, sei_phasefield_options *o) {
    sei_phasefield_options_default(o);
    fill_model(&e->model, o);
    o->nx = o->nz = e->grid;
    o->ny = e->axial_cells;
    o->seed = e->seed;
    o->integrator = (sei_phasefield_integrator)e->time.integrator;
    o->safety = e->time.safety;
    o->tau = e->time.tau;
    o->stop_soc = e->time.stop_soc;
    o->t_max = e->time.t_max;
    o->check_every = e->time.check_every;
    if (e->control == SEI_PF_CONTROL_NO_SEI) o->wetting = false;
    if (e->control == SEI_PF_CONTROL_NO_SINK) o->k_a = 0;
}

static void fill_mechanics(const sei_pf_entry *e, sei_mechanics_options *o) {
    const sei_pf_mechanics_entry *m = &e->mechanics;
    sei_mechanics_options_default(o);
    o->nx = o->nz = e->grid / m->coarsening;
    o->ny = e->axial_cells > 1 ? e->axial_cells / m->coarsening : 1;
    o->half_width = e->model.half_width;
    o->c_min = e->model.c_min;
    o->c_max = e->model.c_max;
    o->axial = (sei_mechanics_axial)m->axial;
    o->beta = m->beta;
    o->youngs_si = m->youngs_si;
    o->youngs_lithiated = m->youngs_lithiated;
    o->poisson = m->poisson;
    o->yield = m->yield;
    o->void_stiffness = m->void_stiffness;
    o->hourglass = m->hourglass;
    o->largest_step = m->largest_step;
    o->tolerance = m->tolerance;
    o->max_iterations = m->max_iterations;
}

/* Two texts of one value; numbers by their value. */
static bool same_value(const char *a, const char *b) {
    double x = 0, y = 0;
    if (strcmp(a, b) == 0) return true;
    return sei_parse_double(a, &x) && sei_parse_double(b, &y) && (x == y || (isnan(x) && isnan(y)));
}

/* How finely mechanics looks is no parameter of the model. */
static bool is_means(const char *key) {
    static const char *const means[] = {"enabled", "coarsening", "soc_step", "tolerance", "max_iterations"};
    for (size_t n = 0; n < sizeof means / sizeof means[0]; ++n)
        if (strcmp(means[n], key) == 0) return true;
    return false;
}

/* Adds the keys under `group` that are not the defaults'. */
static void compare(const json_t *recipe, const json_t *defaults, const char *group, char *list, size_t size) {
    const char *key = NULL;
    json_t *standard = NULL;
    json_object_foreach(json_object_get(defaults, group), key, standard) {
        const char *found = json_string_value(json_object_get(json_object_get(recipe, group), key));
        const char *expected = json_string_value(standard);
        const size_t length = strlen(list);
        if (strcmp(group, "mechanics") == 0 && is_means(key)) continue;
        if (found != NULL && expected != NULL && same_value(found, expected)) continue;
        snprintf(list + length, size - length, "%s%s.%s", length > 0 ? ", " : "", group, key);
    }
}

/* The defaults are the paper's recipe; a test holds data/recipes/phasefield-paper.yaml to them. */
static sei_status find_differences(const char *resolved, char *list, size_t size) {
    void *entry = NULL;
    char *text = NULL;
    const sei_status status = sei_yaml_load_text(&sei_phasefield_spec, "defaults", "{}", 2, 0, NULL, &entry, &text);
    if (status != SEI_OK) return status;
    json_t *recipe = json_loads(resolved, 0, NULL), *defaults = json_loads(text, 0, NULL);
    compare(recipe, defaults, "model", list, size);
    compare(recipe, defaults, "time", list, size);
    compare(recipe, defaults, "mechanics", list, size);
    json_decref(recipe);
    json_decref(defaults);
    sei_free(text);
    sei_yaml_free(&sei_phasefield_spec, entry);
    return SEI_OK;
}

/* A room names the option that it refuses; the recipe's key is made of it, so that the line is found. */
static sei_status blame(const char *path, size_t n_set, const char *const *set, const char *room, const char *group,
                        sei_status status) {
    static const struct {
        const char *begins, *key;
    } keys[] = {{"a macro step", "time.tau"},         {"a grid of", "grid"},          {"the wire's section", "grid"},
                {"no stable concentration", "model"}, {"tau ", "time.tau"},           {"safety ", "time.safety"},
                {"check_every ", "time.check_every"}, {"stop_soc ", "time.stop_soc"}, {"t_max ", "time.t_max"}};
    char message[1024], key[64];
    const char *said = sei_last_error();
    const size_t head = strlen(room);
    if (status != SEI_ERR_USAGE || strncmp(said, room, head) != 0) return status;
    snprintf(message, sizeof message, "%s", said + head);
    snprintf(key, sizeof key, "%s.%.*s", group, (int)strspn(message, "abcdefghijklmnopqrstuvwxyz0123456789_"), message);
    for (size_t n = 0; n < sizeof keys / sizeof keys[0]; ++n)
        if (strncmp(message, keys[n].begins, strlen(keys[n].begins)) == 0) snprintf(key, sizeof key, "%s", keys[n].key);
    return sei_yaml_blame(path, n_set, set, key, sei_fail(status, "%s: %s", key, message));
}

static sei_status check_mechanics(const sei_pf_entry *e, const sei_mechanics_options *o) {
    const int c = e->mechanics.coarsening;
    if (!e->mechanics.enabled) return SEI_OK;
    if (e->grid % c != 0 || (e->axial_cells > 1 && e->axial_cells % c != 0))
        return sei_fail(SEI_ERR_USAGE, "mechanics: coarsening %d does not divide the grid of %d x %d cells", c, e->grid,
                        e->axial_cells);
    return sei_mechanics_check(o);
}

sei_status sei_phasefield_file_read(const char *path, size_t n_set, const char *const *set, sei_phasefield_file *out) {
    void *entry = NULL;
    sei_phasefield_file file = {0};
    sei_status status = sei_yaml_load(&sei_phasefield_spec, path, n_set, set, &entry, &file.resolved);
    if (status != SEI_OK) return status;
    file.entry = entry;
    fill(file.entry, &file.options);
    status = sei_phasefield_check(&file.options, &file.limits);
    if (status != SEI_OK) status = blame(path, n_set, set, "phase field: ", "model", status);
    SEI_TRY(status);
    fill_mechanics(file.entry, &file.mechanics);
    status = check_mechanics(file.entry, &file.mechanics);
    if (status != SEI_OK) status = blame(path, n_set, set, "mechanics: ", "mechanics", status);
    SEI_TRY(status);
    SEI_TRY(find_differences(file.resolved, file.differs, sizeof file.differs));
    *out = file;
    file = (sei_phasefield_file){0};
done:
    sei_phasefield_file_free(&file);
    return status;
}

void sei_phasefield_file_free(sei_phasefield_file *file) {
    sei_yaml_free(&sei_phasefield_spec, file->entry);
    sei_free(file->resolved);
    *file = (sei_phasefield_file){0};
}
