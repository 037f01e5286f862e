/* What a description may say. Messages name the keys as the file of a simulation has them. */
#include <math.h>
#include <stdio.h>

#include "simulate/grow_plan.h"

typedef struct limit {
    const char *key;
    double value, low, high;
} limit;

static sei_status check_limits(size_t n, const limit *limits) {
    for (size_t i = 0; i < n; ++i) {
        const limit *l = &limits[i];
        if (l->value >= l->low && l->value <= l->high) continue;
        return sei_fail(SEI_ERR_INPUT, "specimen.%s: %g is out of range, expected %g to %g", l->key, l->value, l->low, l->high);
    }
    return SEI_OK;
}

static sei_status check_role(const sei_grow *d, sei_grow_role role, const char *name, const char *why, size_t n_materials,
                             const sei_material *materials) {
    const int m = d->material[role];
    if (m >= 0 && (size_t)m < n_materials) {
        const bool is_void = role == SEI_GROW_CLOSED_VOID || role == SEI_GROW_OPEN_VOID;
        if (!is_void || !(materials[m].density_g_cm3 > 0)) return SEI_OK;
        return sei_fail(SEI_ERR_INPUT, "specimen.materials.%s: '%s' has a density of %g g/cm3: a void is empty", name,
                        materials[m].name, materials[m].density_g_cm3);
    }
    return sei_fail(SEI_ERR_INPUT,
                    "specimen.materials.%s: no material is given for it, and %s needs one; add one called %s to materials, or "
                    "name another here",
                    name, why, name);
}

static sei_status check_roles(const sei_grow *d, size_t n_materials, const sei_material *materials) {
    sei_status status = SEI_OK;
    const bool wire = d->radius_nm > 0;
    const bool sei = wire && (d->shell_nm > 0 || d->lumps > 0 || d->mixture.si_fraction > 0 || d->pores.lining_nm > 0 ||
                              (d->channels.count > 0 && (d->channels.lining_nm > 0 || d->channels.filled > 0)));
    if (wire) SEI_TRY(check_role(d, SEI_GROW_SILICON, "silicon", "the wire", n_materials, materials));
    if (wire) SEI_TRY(check_role(d, SEI_GROW_CLOSED_VOID, "closed_void", "a wire", n_materials, materials));
    if (wire) SEI_TRY(check_role(d, SEI_GROW_OPEN_VOID, "open_void", "a wire", n_materials, materials));
    if (sei) SEI_TRY(check_role(d, SEI_GROW_SEI, "sei", "the wire", n_materials, materials));
    if (wire && d->oxide_nm > 0) SEI_TRY(check_role(d, SEI_GROW_OXIDE, "oxide", "oxide_nm", n_materials, materials));
    if (d->support.thickness_nm > 0) SEI_TRY(check_role(d, SEI_GROW_SUPPORT, "support", "a film", n_materials, materials));
done:
    return status;
}

/* A field that varies needs a length its voxels can show. */
static sei_status check_field(const char *key, const sei_grow_field *f, double highest_sd, double voxel_nm) {
    char name[48];
    snprintf(name, sizeof name, "%s.sd_nm", key);
    const limit sd = {name, f->sd_nm, 0, highest_sd};
    const sei_status status = check_limits(1, &sd);
    if (status != SEI_OK || !(f->sd_nm > 0)) return status;
    if (f->length_nm >= 2 * voxel_nm && f->length_nm <= 1e6) return SEI_OK;
    return sei_fail(SEI_ERR_INPUT, "specimen.%s.length_nm: %g nm is out of range, expected two voxels (%g nm) or more", key,
                    f->length_nm, 2 * voxel_nm);
}

static sei_status check_surface(const sei_grow *d, double voxel_nm) {
    sei_status status = SEI_OK;
    const limit limits[] = {{"wire.oval", d->oval == 0 ? 1 : d->oval, 1, 3},
                            {"wire.oval_deg", d->oval_deg, -360, 360},
                            {"wire.x_nm", d->centre_nm[0], -1e5, 1e5},
                            {"wire.z_nm", d->centre_nm[1], -1e5, 1e5},
                            {"shell.thickness_nm", d->shell_nm, 0, 1e4},
                            {"shell.lumps", (double)d->lumps, 0, 2000},
                            {"shell.lump_height_nm", d->lump_height_nm, d->lumps > 0 ? voxel_nm : 0, 1e4},
                            {"shell.lump_width_nm", d->lump_width_nm, d->lumps > 0 ? voxel_nm : 0, 1e4},
                            {"oxide_nm", d->oxide_nm, 0, 1e3}};
    SEI_TRY(check_limits(sizeof limits / sizeof limits[0], limits));
    SEI_TRY(check_field("wire.wobble", &d->wobble, 1e4, voxel_nm));
    SEI_TRY(check_field("shell", &d->shell, d->shell_nm, voxel_nm));
    if (d->n_roughness > SEI_GROW_MAX_ROUGHNESS) {
        return sei_fail(SEI_ERR_INPUT, "specimen.roughness: %zu fields, at most %d", d->n_roughness, SEI_GROW_MAX_ROUGHNESS);
    }
    for (size_t r = 0; r < d->n_roughness; ++r) SEI_TRY(check_field("roughness", &d->roughness[r], 0.4 * d->radius_nm, voxel_nm));
done:
    return status;
}

static sei_status check_pores(const sei_grow_pores *p, double radius_nm, double voxel_nm) {
    if (p->count < 0) return sei_fail(SEI_ERR_INPUT, "specimen.pores.count: %lld is negative", (long long)p->count);
    if (p->count == 0 && p->fraction == 0) return SEI_OK;
    if (p->count > 0 && p->fraction != 0) {
        return sei_fail(SEI_ERR_INPUT, "specimen.pores: count %lld and fraction %g are given, only one of them can be met",
                        (long long)p->count, p->fraction);
    }
    const double deepest = p->depth_nm[1] == 0 ? radius_nm : p->depth_nm[1];
    const limit limits[] = {{"pores.count", (double)p->count, 0, 100000},
                            {"pores.fraction", p->fraction, 0, 0.5},
                            {"pores.radius_nm", p->radius_nm, voxel_nm, 0.9 * radius_nm},
                            {"pores.radius_sd_nm", p->radius_sd_nm, 0, p->radius_nm},
                            {"pores.depth_nm.0", p->depth_nm[0], 0, deepest},
                            {"pores.depth_nm.1", deepest, 0, 1e5},
                            {"pores.aspect", p->aspect == 0 ? 1 : p->aspect, 1, 4},
                            {"pores.irregularity", p->irregularity, 0, 0.5},
                            {"pores.lining_nm", p->lining_nm, 0, p->radius_nm}};
    return check_limits(sizeof limits / sizeof limits[0], limits);
}

static sei_status check_inside(const sei_grow *d, double voxel_nm) {
    sei_status status = SEI_OK;
    const sei_grow_channels *c = &d->channels;
    const sei_grow_mixture *m = &d->mixture;
    const limit count = {"channels.count", (double)c->count, 0, 10000};
    const limit channels[] = {
        {"channels.width_nm", c->width_nm, 1.5 * voxel_nm, d->radius_nm},
        {"channels.depth_nm", c->depth_nm, voxel_nm, 0.9 * d->radius_nm},
        {"channels.depth_sd_nm", c->depth_sd_nm, 0, c->depth_nm},
        {"channels.depth_nm and its spread", c->depth_nm * (c->depth_sd_nm > 0 ? 1.5 : 1), 0, 1.35 * d->radius_nm},
        {"channels.lining_nm", c->lining_nm, 0, d->radius_nm},
        {"channels.filled", c->filled, 0, 1},
        {"channels.tortuosity", c->tortuosity, 0, 1}};
    const limit fraction = {"mixture.si_fraction", m->si_fraction, 0, 0.95};
    const limit mixture[] = {{"mixture.si_connectivity", m->si_connectivity, 0, 1},
                             {"mixture.domain_nm", m->domain_nm, 4 * voxel_nm, 1e4},
                             {"mixture.neck_nm", m->neck_nm, 0, 0.5 * m->domain_nm},
                             {"mixture.irregularity", m->irregularity, 0, 1},
                             {"mixture.gradient", m->gradient, 0, 1}};
    SEI_TRY(check_pores(&d->pores, d->radius_nm, voxel_nm));
    SEI_TRY(check_limits(1, &count));
    if (c->count > 0) SEI_TRY(check_limits(sizeof channels / sizeof channels[0], channels));
    SEI_TRY(check_limits(1, &fraction));
    if (m->si_fraction > 0) SEI_TRY(check_limits(sizeof mixture / sizeof mixture[0], mixture));
done:
    return status;
}

static sei_status check_material(const char *what, int material, size_t n_materials) {
    if (material >= 0 && (size_t)material < n_materials) return SEI_OK;
    return sei_fail(SEI_ERR_INPUT, "specimen.%s: material %d of %zu", what, material, n_materials);
}

static sei_status check_beside(const sei_grow *d, size_t n_materials, double voxel_nm) {
    sei_status status = SEI_OK;
    const sei_grow_support *s = &d->support;
    const limit limits[] = {
        {"support.thickness_nm", s->thickness_nm, 0, 1e4},
        {"support.gap_nm", s->gap_nm, -1e4, 1e4},
        {"support.width_nm", s->width_nm, 0, 1e5},
        {"support.hole_nm", s->hole_nm, 0, 1e5},
        {"support.strand_nm", s->strand_nm, s->hole_nm > 0 ? voxel_nm : 0, s->hole_nm > 0 ? s->hole_nm : 1e5}};
    SEI_TRY(check_limits(sizeof limits / sizeof limits[0], limits));
    if (d->n_spheres > SEI_GROW_MAX_SPHERES || d->bars.n_spacings > SEI_GROW_MAX_BARS) {
        return sei_fail(SEI_ERR_INPUT, "specimen: %zu kinds of spheres and %zu spacings of bars, at most %d and %d", d->n_spheres,
                        d->bars.n_spacings, SEI_GROW_MAX_SPHERES, SEI_GROW_MAX_BARS);
    }
    for (size_t i = 0; i < d->n_spheres; ++i) {
        const sei_grow_spheres *a = &d->spheres[i];
        const limit sphere[] = {{"spheres.count", (double)a->count, a->placed ? 1 : 0, a->placed ? 1 : 10000},
                                {"spheres.radius_nm", a->radius_nm, voxel_nm, 1e5},
                                {"spheres.gap_nm", a->gap_nm, 0, 1e5}};
        SEI_TRY(check_limits(sizeof sphere / sizeof sphere[0], sphere));
        SEI_TRY(check_material("spheres", a->material, n_materials));
    }
    if (d->bars.n_spacings == 0) goto done;
    const limit bars[] = {{"bars.count", (double)d->bars.bars, 1, 1000}, {"bars.length_nm", d->bars.length_nm, voxel_nm, 1e5}};
    SEI_TRY(check_limits(2, bars));
    SEI_TRY(check_material("bars", d->bars.material, n_materials));
    for (size_t i = 0; i < d->bars.n_spacings; ++i) {
        const limit spacing = {"bars.spacings_nm", d->bars.spacing_nm[i], 2 * voxel_nm, 1e5};
        SEI_TRY(check_limits(1, &spacing));
    }
done:
    return status;
}

sei_status grow_check(const sei_grow *d, size_t n_materials, const sei_material *materials, int64_t nx, int64_t ny, int64_t nz,
                      double voxel_nm) {
    sei_status status = SEI_OK;
    const limit volume[] = {{"volume's nx", (double)nx, 1, 65536},    {"volume's ny", (double)ny, 1, 65536},
                            {"volume's nz", (double)nz, 1, 65536},    {"voxel_nm", voxel_nm, 1e-4, 1e4},
                            {"wire.radius_nm", d->radius_nm, 0, 1e5}, {"closing_nm", d->closing_nm, 0, fmax(10, 100 * voxel_nm)}};
    SEI_TRY(check_limits(sizeof volume / sizeof volume[0], volume));
    if (n_materials < 1 || n_materials > SEI_MAX_MATERIALS) {
        return sei_fail(SEI_ERR_INPUT, "specimen: %zu materials, expected 1 to %d", n_materials, SEI_MAX_MATERIALS);
    }
    SEI_TRY(check_roles(d, n_materials, materials));
    SEI_TRY(check_beside(d, n_materials, voxel_nm));
    if (d->radius_nm > 0) {
        SEI_TRY(check_surface(d, voxel_nm));
        SEI_TRY(check_inside(d, voxel_nm));
    } else if (d->shell_nm > 0 || d->oxide_nm > 0 || d->pores.count > 0 || d->pores.fraction > 0 || d->channels.count > 0 ||
               d->mixture.si_fraction > 0 || d->n_roughness > 0) {
        return sei_fail(SEI_ERR_INPUT,
                        "specimen.wire.radius_nm: 0, so there is no wire to have a shell, roughness, pores, channels or a "
                        "mixture: give a radius");
    }
done:
    return status;
}
