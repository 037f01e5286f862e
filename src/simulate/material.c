/* Materials: formulas, the known ones, and what follows from composition and density. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/text.h"
#include "seitomo/signal.h"

enum { DEEPEST = 4, MOST_ELEMENTS = 103 };

static const double AVOGADRO_PER_NM3 = 602.214076; /* atoms/mol, per nm3 when the density is in g/cm3 */

/* Atoms per element while a formula is being read. */
typedef struct reading {
    const char *formula, *at;
    double atoms[MOST_ELEMENTS + 1];
} reading;

static sei_status refuse(const reading *r, const char *what) {
    return sei_fail(SEI_ERR_INPUT, "formula '%s': %s at character %td; write as SiO2, Li2CO3, Ca(OH)2 or Si0.2O1.5", r->formula,
                    what, r->at - r->formula + 1);
}

/* A number above 0 after an element or a bracket; 1 when there is none. */
static sei_status read_count(reading *r, double *count) {
    char digits[32];
    size_t n = 0;
    while (isdigit((unsigned char)r->at[n]) || r->at[n] == '.') {
        if (n + 1 >= sizeof digits) return refuse(r, "a number too long");
        digits[n] = r->at[n];
        n += 1;
    }
    digits[n] = 0;
    *count = 1;
    if (n == 0) return SEI_OK;
    if (!sei_parse_double(digits, count) || !(*count > 0 && *count <= 1e6)) return refuse(r, "no number above 0 and up to 1e6");
    r->at += n;
    return SEI_OK;
}

static sei_status read_element(reading *r, int *atomic_number) {
    char symbol[3] = {r->at[0], 0, 0};
    if (islower((unsigned char)r->at[1])) symbol[1] = r->at[1];
    if (sei_atom_number(symbol, atomic_number) != SEI_OK) return refuse(r, "no element");
    r->at += strlen(symbol);
    return SEI_OK;
}

/* Elements and brackets up to the end or a closing bracket. */
static sei_status read_group(reading *r, int depth, double atoms[MOST_ELEMENTS + 1]) {
    sei_status status = SEI_OK;
    while (*r->at != 0 && *r->at != ')') {
        double inner[MOST_ELEMENTS + 1] = {0};
        double count = 1;
        if (*r->at == '(') {
            if (depth == DEEPEST) return refuse(r, "brackets too deep");
            r->at += 1;
            SEI_TRY(read_group(r, depth + 1, inner));
            if (*r->at != ')') return refuse(r, "a ')' is missing");
            r->at += 1;
        } else {
            int z = 0;
            SEI_TRY(read_element(r, &z));
            inner[z] = 1;
        }
        SEI_TRY(read_count(r, &count));
        for (int z = 1; z <= MOST_ELEMENTS; ++z) atoms[z] += count * inner[z];
    }
done:
    return status;
}

sei_status sei_formula_read(const char *formula, sei_constituent constituents[SEI_MAX_CONSTITUENTS], size_t *count) {
    reading r = {.formula = formula, .at = formula};
    size_t n = 0;
    const sei_status status = read_group(&r, 0, r.atoms);
    if (status != SEI_OK) return status;
    if (*r.at != 0) return refuse(&r, "a ')' too many");
    for (int z = 1; z <= MOST_ELEMENTS; ++z) n += r.atoms[z] > 0;
    if (n == 0) return refuse(&r, "nothing");
    if (n > SEI_MAX_CONSTITUENTS) {
        return sei_fail(SEI_ERR_INPUT, "formula '%s': %zu elements, at most %d", formula, n, SEI_MAX_CONSTITUENTS);
    }
    n = 0;
    for (int z = 1; z <= MOST_ELEMENTS; ++z) {
        if (r.atoms[z] > 0) constituents[n++] = (sei_constituent){z, r.atoms[z]};
    }
    *count = n;
    return SEI_OK;
}

/*
 * Densities of the pure compounds: CRC Handbook of Chemistry and Physics. `sei` is a mixture of what the paper finds in the
 * interphase (O, F, C, a trace of P and Si, with the Li no X-ray shows): fluoride, carbonate and oxygen-rich organic parts; its
 * density, that of LixPFyOz and those of the carbon films are round values of ours.
 */
static const struct known_material {
    const char *name, *formula;
    double density_g_cm3;
    uint8_t label;
} known_materials[] = {{"vacuum", "", 0, SEI_LABEL_OUTSIDE},
                       {"silicon", "Si", 2.329, SEI_LABEL_SI},
                       {"amorphous_silicon", "Si", 2.285, SEI_LABEL_SI},
                       {"Li15Si4", "Li15Si4", 1.179, SEI_LABEL_SI},
                       {"native_oxide", "SiO2", 2.196, SEI_LABEL_SEI},
                       {"sei", "Li2C1O2F1P0.06Si0.1", 1.9, SEI_LABEL_SEI},
                       {"LiF", "LiF", 2.640, SEI_LABEL_SEI},
                       {"Li2CO3", "Li2CO3", 2.11, SEI_LABEL_SEI},
                       {"Li2O", "Li2O", 2.013, SEI_LABEL_SEI},
                       {"LixPFyOz", "LiPO2F2", 2.0, SEI_LABEL_SEI},
                       {"carbon_film", "C", 2.0, SEI_LABEL_SUPPORT},
                       {"lacey_carbon", "C", 1.8, SEI_LABEL_SUPPORT},
                       {"contamination", "CH2", 1.1, SEI_LABEL_SUPPORT},
                       {"copper", "Cu", 8.96, SEI_LABEL_SUPPORT},
                       {"ice", "H2O", 0.94, SEI_LABEL_FIRST_FREE},
                       {"closed_void", "", 0, SEI_LABEL_CLOSED_VOID},
                       {"open_void", "", 0, SEI_LABEL_OPEN_VOID}};

const char *sei_material_known(size_t index) {
    return index < sizeof known_materials / sizeof known_materials[0] ? known_materials[index].name : NULL;
}

sei_status sei_material_by_name(const char *name, sei_material *out) {
    char list[512] = "";
    for (size_t i = 0; sei_material_known(i) != NULL; ++i) {
        const struct known_material *known = &known_materials[i];
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", known->name);
        if (strcmp(known->name, name) != 0) continue;
        sei_material material = {.label = known->label, .density_g_cm3 = known->density_g_cm3, .is_void = known->formula[0] == 0};
        snprintf(material.name, sizeof material.name, "%s", name);
        if (known->formula[0] != 0) {
            const sei_status status = sei_formula_read(known->formula, material.constituents, &material.n_constituents);
            if (status != SEI_OK) return status;
        }
        *out = material;
        return SEI_OK;
    }
    return sei_fail(SEI_ERR_INPUT, "unknown material '%s'; known without a definition are: %s", name, list);
}

sei_status sei_material_check(const sei_material *m) {
    if (!(m->density_g_cm3 >= 0 && m->density_g_cm3 <= 25)) {
        return sei_fail(SEI_ERR_INPUT, "material '%s': a density of %g g/cm3, expected 0 to 25", m->name, m->density_g_cm3);
    }
    if (m->n_constituents > SEI_MAX_CONSTITUENTS) {
        return sei_fail(SEI_ERR_INPUT, "material '%s': %zu constituents, at most %d", m->name, m->n_constituents,
                        SEI_MAX_CONSTITUENTS);
    }
    if (m->n_constituents > 0 && m->density_g_cm3 <= 0) {
        return sei_fail(SEI_ERR_INPUT, "material '%s': a composition without a density; give density_g_cm3", m->name);
    }
    if (m->n_constituents == 0 && m->density_g_cm3 > 0) {
        return sei_fail(SEI_ERR_INPUT, "material '%s': a density without a composition; give a formula", m->name);
    }
    for (size_t i = 0; i < m->n_constituents; ++i) {
        const sei_constituent *c = &m->constituents[i];
        if (sei_atom_symbol(c->atomic_number)[0] == 0 || !(c->atoms > 0 && isfinite(c->atoms))) {
            return sei_fail(SEI_ERR_INPUT,
                            "material '%s': %g atoms of the element with number %d; expected more than 0 of 1 to %d", m->name,
                            c->atoms, c->atomic_number, MOST_ELEMENTS);
        }
    }
    if (!(m->lost_fraction >= 0 && m->lost_fraction <= 1)) {
        return sei_fail(SEI_ERR_INPUT, "material '%s': lost_fraction %g, expected 0 to 1", m->name, m->lost_fraction);
    }
    if (!(m->critical_dose_e_per_nm2 >= 0 && isfinite(m->critical_dose_e_per_nm2))) {
        return sei_fail(SEI_ERR_INPUT, "material '%s': critical dose %g e/nm2, expected 0 (no damage) or more", m->name,
                        m->critical_dose_e_per_nm2);
    }
    return SEI_OK;
}

/* Weights of the constituents and their sum over the formula, g/mol. */
static sei_status weigh(const sei_material *m, double weights[SEI_MAX_CONSTITUENTS], double *formula_weight) {
    *formula_weight = 0;
    for (size_t i = 0; i < m->n_constituents; ++i) {
        const sei_status status = sei_atom_weight(m->constituents[i].atomic_number, &weights[i]);
        if (status != SEI_OK) return sei_fail_context(status, "material '%s'", m->name);
        *formula_weight += m->constituents[i].atoms * weights[i];
    }
    return SEI_OK;
}

sei_status sei_material_atoms_per_nm3(const sei_material *material, double atoms_per_nm3[SEI_MAX_CONSTITUENTS]) {
    double weights[SEI_MAX_CONSTITUENTS];
    double formula_weight = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_material_check(material));
    SEI_TRY(weigh(material, weights, &formula_weight));
    for (size_t i = 0; i < material->n_constituents; ++i) {
        atoms_per_nm3[i] = material->density_g_cm3 * AVOGADRO_PER_NM3 * material->constituents[i].atoms / formula_weight;
    }
done:
    return status;
}

sei_status sei_material_attenuation(const sei_material *material, double energy_kev, double *per_nm) {
    double weights[SEI_MAX_CONSTITUENTS];
    double formula_weight = 0;
    double sum = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_material_check(material));
    SEI_TRY(weigh(material, weights, &formula_weight));
    for (size_t i = 0; i < material->n_constituents; ++i) {
        double cm2_per_g = 0;
        SEI_TRY(sei_atom_attenuation(material->constituents[i].atomic_number, energy_kev, &cm2_per_g));
        sum += material->constituents[i].atoms * weights[i] / formula_weight * cm2_per_g;
    }
    *per_nm = sum * material->density_g_cm3 * 1e-7; /* 1/cm to 1/nm */
done:
    return status;
}
