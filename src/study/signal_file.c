/* What a simulation file says of emission and detection -> what signal.h takes. */
#include "study/signal_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"

#define NUMBER(key, structure, member) CYAML_FIELD_FLOAT(key, CYAML_FLAG_DEFAULT, structure, member)

const cyaml_strval_t sei_signal_kinds[3] = {{"given", SEI_SIGNAL_GIVEN}, {"haadf", SEI_SIGNAL_HAADF}, {"eds", SEI_SIGNAL_EDS}};
const cyaml_strval_t sei_signal_lines[2] = {{"K", SEI_FAMILY_K}, {"L", SEI_FAMILY_L}};
const cyaml_schema_value_t sei_signal_number = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};

static const cyaml_schema_field_t detector_fields[] = {
    NUMBER("azimuth_deg", sei_detector_entry, azimuth_deg), NUMBER("elevation_deg", sei_detector_entry, elevation_deg),
    NUMBER("solid_angle_sr", sei_detector_entry, solid_angle_sr), CYAML_FIELD_END};
static const cyaml_schema_value_t detector_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, sei_detector_entry, detector_fields)};

const cyaml_schema_field_t sei_microscope_fields[] = {
    NUMBER("beam_kev", sei_microscope_entry, beam_kev),
    NUMBER("fwhm_mn_ev", sei_microscope_entry, fwhm_mn_ev),
    NUMBER("contact_nm", sei_microscope_entry, contact_nm),
    NUMBER("dead_nm", sei_microscope_entry, dead_nm),
    NUMBER("ice_nm", sei_microscope_entry, ice_nm),
    NUMBER("crystal_mm", sei_microscope_entry, crystal_mm),
    NUMBER("holder_rim_deg", sei_microscope_entry, holder_rim_deg),
    CYAML_FIELD_SEQUENCE_COUNT("detectors", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sei_microscope_entry, detectors,
                               n_detectors, &detector_value, 1, SEI_MAX_DETECTORS),
    SEI_YAML_BOOL("absorption", CYAML_FLAG_DEFAULT, sei_microscope_entry, absorption),
    CYAML_FIELD_INT("absorption_cells", CYAML_FLAG_DEFAULT, sei_microscope_entry, absorption_cells),
    CYAML_FIELD_END};

static const cyaml_schema_field_t stray_fields[] = {
    CYAML_FIELD_STRING_PTR("element", CYAML_FLAG_POINTER, sei_stray_entry, element, 1, 2),
    NUMBER("share", sei_stray_entry, share), CYAML_FIELD_END};
static const cyaml_schema_value_t stray_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, sei_stray_entry, stray_fields)};

const cyaml_schema_field_t sei_spectra_fields[] = {
    SEI_YAML_BOOL("summed", CYAML_FLAG_DEFAULT, sei_spectra_entry, summed),
    SEI_YAML_BOOL("images", CYAML_FLAG_DEFAULT, sei_spectra_entry, images),
    CYAML_FIELD_INT("bins", CYAML_FLAG_DEFAULT, sei_spectra_entry, bins),
    NUMBER("first_kev", sei_spectra_entry, first_kev),
    NUMBER("step_ev", sei_spectra_entry, step_ev),
    CYAML_FIELD_SEQUENCE_COUNT("stray", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, sei_spectra_entry, stray, n_stray, &stray_value,
                               0, 16),
    CYAML_FIELD_END};

sei_status sei_signal_channel_fill(const char *where, const char *name, const sei_signal_channel_entry *entry,
                                   const sei_microscope *microscope, sei_signal_channel *out) {
    sei_signal_channel channel = {.kind = (sei_signal_kind)entry->kind,
                                  .exponent = entry->exponent,
                                  .family = (sei_family)entry->line,
                                  .window_kev = {NAN, NAN},
                                  .overlaps = entry->overlaps,
                                  .k_factor = entry->k_factor,
                                  .peak_to_background = entry->peak_to_background};
    sei_status status = SEI_OK;
    snprintf(channel.name, sizeof channel.name, "%s", name);
    if (entry->n_window == 2) {
        channel.window_kev[0] = entry->window_kev[0];
        channel.window_kev[1] = entry->window_kev[1];
    }
    if (channel.kind == SEI_SIGNAL_EDS)
        SEI_TRY(sei_atom_number(entry->element != NULL ? entry->element : name, &channel.atomic_number));
    if (channel.kind != SEI_SIGNAL_EDS && (entry->element != NULL || entry->n_window > 0)) {
        status = sei_fail(SEI_ERR_INPUT, "element and window_kev belong to channels of kind eds");
        goto done;
    }
    SEI_TRY(sei_signal_channel_check(microscope, &channel));
    *out = channel;
done:
    return status == SEI_OK ? status : sei_fail_context(status, "%s", where);
}

sei_status sei_signal_material_fill(const char *where, const char *name, int label, bool known_wanted,
                                    const sei_signal_material_entry *entry, sei_material *out) {
    sei_material material = {.label = SEI_LABEL_FIRST_FREE};
    sei_status status = SEI_OK;
    bool known = false;
    for (size_t i = 0; sei_material_known(i) != NULL; ++i) known = known || strcmp(sei_material_known(i), name) == 0;
    if (known) SEI_TRY(sei_material_by_name(name, &material));
    /* of another composition, or with a signal in its place, a name still tells the label */
    if (!known_wanted || entry->formula != NULL) material = (sei_material){.label = material.label};
    if (entry->formula != NULL) SEI_TRY(sei_formula_read(entry->formula, material.constituents, &material.n_constituents));
    snprintf(material.name, sizeof material.name, "%s", name);
    if (isfinite(entry->density_g_cm3)) material.density_g_cm3 = entry->density_g_cm3;
    if (label >= 0) material.label = (uint8_t)label;
    material.critical_dose_e_per_nm2 = entry->critical_dose_e_per_nm2;
    material.lost_fraction = entry->lost_fraction;
    SEI_TRY(sei_material_check(&material));
    *out = material;
done:
    return status == SEI_OK ? status : sei_fail_context(status, "%s", where);
}

sei_status sei_microscope_fill(const char *where, const sei_microscope_entry *entry, sei_microscope *out) {
    sei_microscope microscope;
    sei_microscope_default(&microscope);
    microscope.beam_kev = entry->beam_kev;
    microscope.fwhm_mn_ev = entry->fwhm_mn_ev;
    microscope.contact_nm = entry->contact_nm;
    microscope.dead_nm = entry->dead_nm;
    microscope.ice_nm = entry->ice_nm;
    microscope.crystal_mm = entry->crystal_mm;
    microscope.holder_rim_deg = entry->holder_rim_deg;
    if (entry->n_detectors > 0) microscope.n_detectors = entry->n_detectors;
    for (size_t d = 0; d < entry->n_detectors; ++d) {
        const sei_detector_entry *from = &entry->detectors[d];
        microscope.detectors[d] = (sei_eds_detector){from->azimuth_deg, from->elevation_deg, from->solid_angle_sr};
    }
    const sei_status status = sei_microscope_check(&microscope);
    if (status != SEI_OK) return sei_fail_context(status, "%s", where);
    *out = microscope;
    return SEI_OK;
}

sei_status sei_spectra_fill(const char *where, const sei_spectra_entry *entry, sei_energy_axis *axis, sei_stray **stray,
                            size_t *n_stray) {
    const sei_energy_axis wanted = {.bins = entry->bins, .first_kev = entry->first_kev, .step_kev = entry->step_ev / 1000};
    sei_stray *list = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_energy_axis_check(&wanted));
    SEI_TRY(SEI_NEW(list, entry->n_stray, 1, 1));
    for (size_t k = 0; k < entry->n_stray; ++k) {
        SEI_TRY(sei_atom_number(entry->stray[k].element, &list[k].atomic_number));
        list[k].share = entry->stray[k].share;
    }
    *axis = wanted;
    *stray = list;
    *n_stray = entry->n_stray;
    list = NULL;
done:
    sei_free(list);
    return status == SEI_OK ? status : sei_fail_context(status, "%s", where);
}
