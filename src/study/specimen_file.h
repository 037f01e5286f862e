/*
 * The `specimen:` part of a simulation file: a described nanowire (seitomo/grow.h). Every key may be left out; then there is
 * none of it, or what the header of grow.h says. Lists have no defaults.
 */
#ifndef SEI_STUDY_SPECIMEN_FILE_H
#define SEI_STUDY_SPECIMEN_FILE_H

#include "seitomo/grow.h"
#include "seitomo/measure.h"
#include "study/yaml.h"

typedef struct sei_specimen_field_entry {
    double sd_nm, length_nm;
} sei_specimen_field_entry;

typedef struct sei_specimen_spheres_entry {
    int64_t count;
    double radius_nm, gap_nm;
    char *material;
    double *centre_nm;
    unsigned n_centre;
} sei_specimen_spheres_entry;

/* What libcyaml loads; names of materials are resolved by sei_specimen_fill. */
typedef struct sei_specimen_entry {
    struct sei_specimen_names {
        char *silicon, *sei, *oxide, *closed_void, *open_void, *support; /* NULL: the key's own name */
    } materials;
    struct sei_specimen_wire {
        double radius_nm, oval, oval_deg, x_nm, z_nm;
        sei_specimen_field_entry wobble;
    } wire;
    sei_specimen_field_entry *roughness;
    unsigned n_roughness;
    struct sei_specimen_shell {
        double thickness_nm, sd_nm, length_nm, lump_height_nm, lump_width_nm;
        int64_t lumps;
    } shell;
    double oxide_nm;
    struct sei_specimen_pores {
        int64_t count;
        double fraction, radius_nm, radius_sd_nm, depth_nm[2], aspect, irregularity, lining_nm;
    } pores;
    struct sei_specimen_channels {
        int64_t count;
        double width_nm, depth_nm, depth_sd_nm, lining_nm, filled, tortuosity;
    } channels;
    sei_grow_mixture mixture;
    sei_grow_support support;
    sei_specimen_spheres_entry *spheres;
    unsigned n_spheres;
    struct sei_specimen_bars {
        double *spacings_nm;
        unsigned n_spacings;
        int64_t count;
        double length_nm, centre_nm[3];
        int along;
        char *material;
    } bars;
    double closing_nm;
    bool empty_core;
    int64_t oversample; /* voxels per pixel and direction, 0: 1 */
} sei_specimen_entry;

/* For CYAML_FIELD_MAPPING_PTR("specimen", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, ..., sei_specimen_fields). */
extern const cyaml_schema_field_t sei_specimen_fields[];

/*
 * The description in grow's terms. Errors: SEI_ERR_INPUT (a name that is no material, with those there are; what libcyaml
 * cannot check), the key in front, for sei_yaml_blame. Pointers in `out`: none.
 */
sei_status sei_specimen_fill(const sei_specimen_entry *entry, size_t n_materials, const sei_material *materials,
                             sei_grow *out) SEI_MUST_CHECK;

/*
 * Truth in measure's words: sei_measure (defaults) on the labels, cut to the box of what is not outside, so that an empty
 * field costs nothing. `numbers` gains them; profiles (may be NULL, else empty). Errors: as sei_measure.
 */
sei_status sei_truth_measure(const sei_labels *labels, sei_numbers *numbers, sei_table *profiles) SEI_MUST_CHECK;

#endif
