/*
 * The part of a simulation file that says what the specimen's materials emit and what the microscope counts. The mappings
 * `microscope` and `spectra` are whole; of `channels` and `materials`, whose items other parts of the file share, the keys are
 * given as macros that stand in the owner's list of fields, with the structs the owner embeds.
 */
#ifndef SEI_STUDY_SIGNAL_FILE_H
#define SEI_STUDY_SIGNAL_FILE_H

#include "seitomo/signal.h"
#include "study/yaml.h"

/* ---- channels: kind, exponent, element, line, window_kev, overlaps, k_factor, peak_to_background ---- */

typedef struct sei_signal_channel_entry {
    int kind, line;
    char *element; /* NULL: as the channel's name says */
    double *window_kev;
    unsigned n_window;
    bool overlaps;
    double exponent, k_factor, peak_to_background;
} sei_signal_channel_entry;

extern const cyaml_strval_t sei_signal_kinds[3];
extern const cyaml_strval_t sei_signal_lines[2];
extern const cyaml_schema_value_t sei_signal_number;

/* Fields of a mapping `structure` that holds a sei_signal_channel_entry as `member`. */
#define SEI_SIGNAL_CHANNEL_FIELDS(structure, member)                                                                     \
    CYAML_FIELD_ENUM("kind", CYAML_FLAG_STRICT, structure, member.kind, sei_signal_kinds, 3),                            \
        CYAML_FIELD_ENUM("line", CYAML_FLAG_STRICT, structure, member.line, sei_signal_lines, 2),                        \
        CYAML_FIELD_STRING_PTR("element", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member.element, 1, 2),    \
        CYAML_FIELD_SEQUENCE_COUNT("window_kev", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member.window_kev, \
                                   member.n_window, &sei_signal_number, 2, 2),                                           \
        SEI_YAML_BOOL("overlaps", CYAML_FLAG_DEFAULT, structure, member.overlaps),                                       \
        CYAML_FIELD_FLOAT("exponent", CYAML_FLAG_DEFAULT, structure, member.exponent),                                   \
        CYAML_FIELD_FLOAT("k_factor", CYAML_FLAG_DEFAULT, structure, member.k_factor),                                   \
        CYAML_FIELD_FLOAT("peak_to_background", CYAML_FLAG_DEFAULT, structure, member.peak_to_background)
/* For the braces of the item's pattern in the built-in defaults. */
#define SEI_SIGNAL_CHANNEL_DEFAULTS "kind: given, line: K, overlaps: false, exponent: 1.7, k_factor: 0, peak_to_background: 0"
#define SEI_SIGNAL_CHANNEL_RANGES                                                                           \
    {"channels.*.window_kev.*", 0, 1000}, {"channels.*.exponent", 0, 3}, {"channels.*.k_factor", 0, 1e6}, { \
        "channels.*.peak_to_background", 0, 1e9                                                             \
    }

/* ---- materials: formula, density_g_cm3, critical_dose_e_per_nm2, lost_fraction ---- */

typedef struct sei_signal_material_entry {
    char *formula;        /* NULL: none */
    double density_g_cm3; /* NaN: not said */
    double critical_dose_e_per_nm2, lost_fraction;
} sei_signal_material_entry;

#define SEI_SIGNAL_MATERIAL_FIELDS(structure, member)                                                                \
    CYAML_FIELD_STRING_PTR("formula", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, structure, member.formula, 1, 127),  \
        CYAML_FIELD_FLOAT("density_g_cm3", CYAML_FLAG_DEFAULT, structure, member.density_g_cm3),                     \
        CYAML_FIELD_FLOAT("critical_dose_e_per_nm2", CYAML_FLAG_DEFAULT, structure, member.critical_dose_e_per_nm2), \
        CYAML_FIELD_FLOAT("lost_fraction", CYAML_FLAG_DEFAULT, structure, member.lost_fraction)
#define SEI_SIGNAL_MATERIAL_DEFAULTS "density_g_cm3: nan, critical_dose_e_per_nm2: 0, lost_fraction: 0"
#define SEI_SIGNAL_MATERIAL_RANGES                                                            \
    {"materials.*.density_g_cm3", 0, 25}, {"materials.*.critical_dose_e_per_nm2", 0, 1e15}, { \
        "materials.*.lost_fraction", 0, 1                                                     \
    }

/* ---- microscope: a whole mapping ---- */

typedef struct sei_detector_entry {
    double azimuth_deg, elevation_deg, solid_angle_sr;
} sei_detector_entry;

typedef struct sei_microscope_entry {
    double beam_kev, fwhm_mn_ev, contact_nm, dead_nm, ice_nm, crystal_mm;
    double holder_rim_deg; /* NaN: no shadow */
    sei_detector_entry *detectors;
    unsigned n_detectors; /* 0: the usual four */
    bool absorption;
    int absorption_cells; /* along the volume's longest edge */
} sei_microscope_entry;

extern const cyaml_schema_field_t sei_microscope_fields[];
#define SEI_MICROSCOPE_DEFAULTS                                                                               \
    "microscope: {beam_kev: 200, fwhm_mn_ev: 130, contact_nm: 30, dead_nm: 50, ice_nm: 0, crystal_mm: 0.45, " \
    "holder_rim_deg: nan, absorption: false, absorption_cells: 40}\n"
#define SEI_MICROSCOPE_RANGES                                                                                            \
    {"microscope.beam_kev", 1, 1000}, {"microscope.fwhm_mn_ev", 121, 1000}, {"microscope.contact_nm", 0, 1e5},           \
        {"microscope.dead_nm", 0, 1e5}, {"microscope.ice_nm", 0, 1e6}, {"microscope.crystal_mm", 1e-3, 100},             \
        {"microscope.holder_rim_deg", -90, 90}, {"microscope.detectors.*.azimuth_deg", -360, 360},                       \
        {"microscope.detectors.*.elevation_deg", -90, 90}, {"microscope.detectors.*.solid_angle_sr", 1e-6, 6.2831853}, { \
        "microscope.absorption_cells", 4, 128                                                                            \
    }

/* ---- spectra: a whole mapping ---- */

typedef struct sei_stray_entry {
    char *element;
    double share;
} sei_stray_entry;

typedef struct sei_spectra_entry {
    bool summed, images; /* one spectrum per tilt; one per pixel and tilt, too */
    int bins;
    double first_kev, step_ev;
    sei_stray_entry *stray;
    unsigned n_stray;
} sei_spectra_entry;

extern const cyaml_schema_field_t sei_spectra_fields[];
#define SEI_SPECTRA_DEFAULTS "spectra: {summed: false, images: false, bins: 1024, first_kev: 0, step_ev: 10}\n"
#define SEI_SPECTRA_RANGES                                                                         \
    {"spectra.bins", 2, 16384}, {"spectra.first_kev", -1, 1000}, {"spectra.step_ev", 0.1, 1000}, { \
        "spectra.stray.*.share", 0, 1                                                              \
    }

/* ---- entries -> what signal.h takes. `where` stands in front of messages: "FILE: channels.2" ---- */

/* The channel's physics, checked, its window filled in. SEI_ERR_INPUT. */
sei_status sei_signal_channel_fill(const char *where, const char *name, const sei_signal_channel_entry *entry,
                                   const sei_microscope *microscope, sei_signal_channel *out) SEI_MUST_CHECK;
/*
 * Composition, density and damage into *out, whose name and label are set already (label < 0: the known material's). A
 * material without a formula takes the known one's of its name, if there is one and `known_wanted`, and a density of its own
 * if that is given; else it has no composition. A known name tells the label in any case. A label that is still unknown is
 * SEI_LABEL_FIRST_FREE. SEI_ERR_INPUT.
 */
sei_status sei_signal_material_fill(const char *where, const char *name, int label, bool known_wanted,
                                    const sei_signal_material_entry *entry, sei_material *out) SEI_MUST_CHECK;
/* SEI_ERR_INPUT. */
sei_status sei_microscope_fill(const char *where, const sei_microscope_entry *entry, sei_microscope *out) SEI_MUST_CHECK;
/* Axis and stray lines; *stray is an array of *n_stray for sei_free. SEI_ERR_INPUT, SEI_ERR_MEMORY. */
sei_status sei_spectra_fill(const char *where, const sei_spectra_entry *entry, sei_energy_axis *axis, sei_stray **stray,
                            size_t *n_stray) SEI_MUST_CHECK;

#endif
