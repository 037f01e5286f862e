/* specimen: in a simulation file -> a description for grow. */
#include "study/specimen_file.h"

#include <stdio.h>
#include <string.h>

typedef sei_specimen_entry entry_t;

#define OPTIONAL CYAML_FLAG_OPTIONAL
#define NUMBER(key, structure, member) CYAML_FIELD_FLOAT(key, OPTIONAL, structure, member)
#define WHOLE(key, structure, member) CYAML_FIELD_INT(key, OPTIONAL, structure, member)
#define NAME(key, structure, member) \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | OPTIONAL, structure, member, 1, SEI_NAME_LENGTH - 1)
#define NEEDED_NAME(key, structure, member) \
    CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, structure, member, 1, SEI_NAME_LENGTH - 1)

static const cyaml_schema_value_t number = {CYAML_VALUE_FLOAT(CYAML_FLAG_DEFAULT, double)};
static const cyaml_strval_t directions[] = {{"x", 'x'}, {"z", 'z'}};

static const cyaml_schema_field_t names_fields[] = {NAME("silicon", struct sei_specimen_names, silicon),
                                                    NAME("sei", struct sei_specimen_names, sei),
                                                    NAME("oxide", struct sei_specimen_names, oxide),
                                                    NAME("closed_void", struct sei_specimen_names, closed_void),
                                                    NAME("open_void", struct sei_specimen_names, open_void),
                                                    NAME("support", struct sei_specimen_names, support),
                                                    CYAML_FIELD_END};
static const cyaml_schema_field_t field_fields[] = {NUMBER("sd_nm", sei_specimen_field_entry, sd_nm),
                                                    NUMBER("length_nm", sei_specimen_field_entry, length_nm), CYAML_FIELD_END};
static const cyaml_schema_value_t field_value = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, sei_specimen_field_entry, field_fields)};
static const cyaml_schema_field_t wire_fields[] = {
    NUMBER("radius_nm", struct sei_specimen_wire, radius_nm),
    NUMBER("oval", struct sei_specimen_wire, oval),
    NUMBER("oval_deg", struct sei_specimen_wire, oval_deg),
    NUMBER("x_nm", struct sei_specimen_wire, x_nm),
    NUMBER("z_nm", struct sei_specimen_wire, z_nm),
    CYAML_FIELD_MAPPING("wobble", OPTIONAL, struct sei_specimen_wire, wobble, field_fields),
    CYAML_FIELD_END};
static const cyaml_schema_field_t shell_fields[] = {NUMBER("thickness_nm", struct sei_specimen_shell, thickness_nm),
                                                    NUMBER("sd_nm", struct sei_specimen_shell, sd_nm),
                                                    NUMBER("length_nm", struct sei_specimen_shell, length_nm),
                                                    WHOLE("lumps", struct sei_specimen_shell, lumps),
                                                    NUMBER("lump_height_nm", struct sei_specimen_shell, lump_height_nm),
                                                    NUMBER("lump_width_nm", struct sei_specimen_shell, lump_width_nm),
                                                    CYAML_FIELD_END};
static const cyaml_schema_field_t pores_fields[] = {
    WHOLE("count", struct sei_specimen_pores, count),
    NUMBER("fraction", struct sei_specimen_pores, fraction),
    NUMBER("radius_nm", struct sei_specimen_pores, radius_nm),
    NUMBER("radius_sd_nm", struct sei_specimen_pores, radius_sd_nm),
    CYAML_FIELD_SEQUENCE_FIXED("depth_nm", OPTIONAL, struct sei_specimen_pores, depth_nm, &number, 2),
    NUMBER("aspect", struct sei_specimen_pores, aspect),
    NUMBER("irregularity", struct sei_specimen_pores, irregularity),
    NUMBER("lining_nm", struct sei_specimen_pores, lining_nm),
    CYAML_FIELD_END};
static const cyaml_schema_field_t channels_fields[] = {WHOLE("count", struct sei_specimen_channels, count),
                                                       NUMBER("width_nm", struct sei_specimen_channels, width_nm),
                                                       NUMBER("depth_nm", struct sei_specimen_channels, depth_nm),
                                                       NUMBER("depth_sd_nm", struct sei_specimen_channels, depth_sd_nm),
                                                       NUMBER("lining_nm", struct sei_specimen_channels, lining_nm),
                                                       NUMBER("filled", struct sei_specimen_channels, filled),
                                                       NUMBER("tortuosity", struct sei_specimen_channels, tortuosity),
                                                       CYAML_FIELD_END};
static const cyaml_schema_field_t mixture_fields[] = {NUMBER("si_fraction", sei_grow_mixture, si_fraction),
                                                      NUMBER("si_connectivity", sei_grow_mixture, si_connectivity),
                                                      NUMBER("domain_nm", sei_grow_mixture, domain_nm),
                                                      NUMBER("neck_nm", sei_grow_mixture, neck_nm),
                                                      NUMBER("irregularity", sei_grow_mixture, irregularity),
                                                      NUMBER("gradient", sei_grow_mixture, gradient),
                                                      CYAML_FIELD_END};
static const cyaml_schema_field_t support_fields[] = {
    NUMBER("thickness_nm", sei_grow_support, thickness_nm), NUMBER("gap_nm", sei_grow_support, gap_nm),
    NUMBER("width_nm", sei_grow_support, width_nm),         NUMBER("hole_nm", sei_grow_support, hole_nm),
    NUMBER("strand_nm", sei_grow_support, strand_nm),       CYAML_FIELD_END};
static const cyaml_schema_field_t spheres_fields[] = {
    WHOLE("count", sei_specimen_spheres_entry, count),
    CYAML_FIELD_FLOAT("radius_nm", CYAML_FLAG_DEFAULT, sei_specimen_spheres_entry, radius_nm),
    NUMBER("gap_nm", sei_specimen_spheres_entry, gap_nm),
    NEEDED_NAME("material", sei_specimen_spheres_entry, material),
    CYAML_FIELD_SEQUENCE_COUNT("centre_nm", CYAML_FLAG_POINTER | OPTIONAL, sei_specimen_spheres_entry, centre_nm, n_centre,
                               &number, 3, 3),
    CYAML_FIELD_END};
static const cyaml_schema_value_t spheres_value = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, sei_specimen_spheres_entry, spheres_fields)};
static const cyaml_schema_field_t bars_fields[] = {
    CYAML_FIELD_SEQUENCE_COUNT("spacings_nm", CYAML_FLAG_POINTER, struct sei_specimen_bars, spacings_nm, n_spacings, &number, 1,
                               SEI_GROW_MAX_BARS),
    WHOLE("count", struct sei_specimen_bars, count),
    CYAML_FIELD_FLOAT("length_nm", CYAML_FLAG_DEFAULT, struct sei_specimen_bars, length_nm),
    CYAML_FIELD_ENUM("along", CYAML_FLAG_STRICT | OPTIONAL, struct sei_specimen_bars, along, directions, 2),
    CYAML_FIELD_SEQUENCE_FIXED("centre_nm", CYAML_FLAG_DEFAULT, struct sei_specimen_bars, centre_nm, &number, 3),
    NEEDED_NAME("material", struct sei_specimen_bars, material),
    CYAML_FIELD_END};

const cyaml_schema_field_t sei_specimen_fields[] = {
    CYAML_FIELD_MAPPING("materials", OPTIONAL, entry_t, materials, names_fields),
    CYAML_FIELD_MAPPING("wire", OPTIONAL, entry_t, wire, wire_fields),
    CYAML_FIELD_SEQUENCE_COUNT("roughness", CYAML_FLAG_POINTER | OPTIONAL, entry_t, roughness, n_roughness, &field_value, 0,
                               SEI_GROW_MAX_ROUGHNESS),
    CYAML_FIELD_MAPPING("shell", OPTIONAL, entry_t, shell, shell_fields),
    NUMBER("oxide_nm", entry_t, oxide_nm),
    CYAML_FIELD_MAPPING("pores", OPTIONAL, entry_t, pores, pores_fields),
    CYAML_FIELD_MAPPING("channels", OPTIONAL, entry_t, channels, channels_fields),
    CYAML_FIELD_MAPPING("mixture", OPTIONAL, entry_t, mixture, mixture_fields),
    CYAML_FIELD_MAPPING("support", OPTIONAL, entry_t, support, support_fields),
    CYAML_FIELD_SEQUENCE_COUNT("spheres", CYAML_FLAG_POINTER | OPTIONAL, entry_t, spheres, n_spheres, &spheres_value, 0,
                               SEI_GROW_MAX_SPHERES),
    CYAML_FIELD_MAPPING("bars", OPTIONAL, entry_t, bars, bars_fields),
    NUMBER("closing_nm", entry_t, closing_nm),
    SEI_YAML_BOOL("empty_core", OPTIONAL, entry_t, empty_core),
    WHOLE("oversample", entry_t, oversample),
    CYAML_FIELD_END};

/* Index of a material by name, -1 when there is none. */
static int index_of(const char *name, size_t n, const sei_material *materials) {
    for (size_t m = 0; m < n; ++m) {
        if (strcmp(materials[m].name, name) == 0) return (int)m;
    }
    return -1;
}

static sei_status unknown(const char *key, const char *name, size_t n, const sei_material *materials) {
    char known[400] = "";
    for (size_t m = 0; m < n; ++m) {
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", m > 0 ? ", " : "", materials[m].name);
    }
    return sei_fail(SEI_ERR_INPUT, "specimen.%s: unknown material '%s'; there are: %s", key, name, known);
}

/* A name that is written must be a material; the key's own name need not be, unless grow needs the role. */
static sei_status fill_names(const struct sei_specimen_names *names, size_t n, const sei_material *materials, sei_grow *out) {
    const char *const given[SEI_GROW_ROLES] = {names->silicon,     names->sei,       names->oxide,
                                               names->closed_void, names->open_void, names->support};
    static const char *const keys[SEI_GROW_ROLES] = {"silicon", "sei", "oxide", "closed_void", "open_void", "support"};
    for (int r = 0; r < SEI_GROW_ROLES; ++r) {
        char key[40];
        out->material[r] = index_of(given[r] != NULL ? given[r] : keys[r], n, materials);
        if (out->material[r] >= 0 || given[r] == NULL) continue;
        snprintf(key, sizeof key, "materials.%s", keys[r]);
        return unknown(key, given[r], n, materials);
    }
    return SEI_OK;
}

static sei_status fill_objects(const entry_t *e, size_t n, const sei_material *materials, sei_grow *out) {
    out->n_spheres = e->n_spheres;
    for (unsigned s = 0; s < e->n_spheres; ++s) {
        const sei_specimen_spheres_entry *from = &e->spheres[s];
        sei_grow_spheres *to = &out->spheres[s];
        char key[40];
        *to = (sei_grow_spheres){.count = from->count == 0 ? 1 : from->count,
                                 .radius_nm = from->radius_nm,
                                 .gap_nm = from->gap_nm,
                                 .material = index_of(from->material, n, materials),
                                 .placed = from->n_centre == 3};
        snprintf(key, sizeof key, "spheres.%u.material", s);
        if (to->material < 0) return unknown(key, from->material, n, materials);
        for (unsigned a = 0; a < from->n_centre; ++a) to->centre_nm[a] = from->centre_nm[a];
    }
    if (e->bars.n_spacings == 0) return SEI_OK;
    out->bars = (sei_grow_bars){.n_spacings = e->bars.n_spacings,
                                .bars = e->bars.count == 0 ? 3 : e->bars.count,
                                .length_nm = e->bars.length_nm,
                                .along = e->bars.along == 'z' ? 'z' : 'x',
                                .material = index_of(e->bars.material, n, materials)};
    memcpy(out->bars.spacing_nm, e->bars.spacings_nm, e->bars.n_spacings * sizeof *e->bars.spacings_nm);
    memcpy(out->bars.centre_nm, e->bars.centre_nm, sizeof out->bars.centre_nm);
    return out->bars.material < 0 ? unknown("bars.material", e->bars.material, n, materials) : SEI_OK;
}

sei_status sei_specimen_fill(const sei_specimen_entry *e, size_t n, const sei_material *materials, sei_grow *out) {
    sei_status status = SEI_OK;
    sei_grow d = {.radius_nm = e->wire.radius_nm,
                  .oval = e->wire.oval,
                  .oval_deg = e->wire.oval_deg,
                  .centre_nm = {e->wire.x_nm, e->wire.z_nm},
                  .wobble = {e->wire.wobble.sd_nm, e->wire.wobble.length_nm},
                  .n_roughness = e->n_roughness,
                  .shell_nm = e->shell.thickness_nm,
                  .shell = {e->shell.sd_nm, e->shell.length_nm},
                  .lumps = e->shell.lumps,
                  .lump_height_nm = e->shell.lump_height_nm,
                  .lump_width_nm = e->shell.lump_width_nm,
                  .oxide_nm = e->oxide_nm,
                  .pores = {.count = e->pores.count,
                            .fraction = e->pores.fraction,
                            .radius_nm = e->pores.radius_nm,
                            .radius_sd_nm = e->pores.radius_sd_nm,
                            .depth_nm = {e->pores.depth_nm[0], e->pores.depth_nm[1]},
                            .aspect = e->pores.aspect,
                            .irregularity = e->pores.irregularity,
                            .lining_nm = e->pores.lining_nm},
                  .channels = {.count = e->channels.count,
                               .width_nm = e->channels.width_nm,
                               .depth_nm = e->channels.depth_nm,
                               .depth_sd_nm = e->channels.depth_sd_nm,
                               .lining_nm = e->channels.lining_nm,
                               .filled = e->channels.filled,
                               .tortuosity = e->channels.tortuosity},
                  .mixture = e->mixture,
                  .support = e->support,
                  .closing_nm = e->closing_nm,
                  .empty_core = e->empty_core};
    for (unsigned r = 0; r < e->n_roughness; ++r) {
        d.roughness[r] = (sei_grow_field){e->roughness[r].sd_nm, e->roughness[r].length_nm};
    }
    if (e->oversample < 0 || e->oversample > 8) {
        return sei_fail(SEI_ERR_INPUT, "specimen.oversample: %lld is out of range, expected 1 to 8", (long long)e->oversample);
    }
    SEI_TRY(fill_names(&e->materials, n, materials, &d));
    SEI_TRY(fill_objects(e, n, materials, &d));
    *out = d;
done:
    return status;
}
