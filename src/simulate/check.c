#include "simulate/check.h"

#include <math.h>

static sei_status check_image(const sei_simulation *s) {
    if (s->nx < 1 || s->ny < 1 || s->nz < 1) {
        return sei_fail(SEI_ERR_INPUT, "simulation: %lld x %lld x %lld voxels; each side must be at least 1", (long long)s->nx,
                        (long long)s->ny, (long long)s->nz);
    }
    if (!(s->pixel_nm > 0) || !isfinite(s->pixel_nm)) {
        return sei_fail(SEI_ERR_INPUT, "simulation: pixel_nm is %g, expected above 0", s->pixel_nm);
    }
    if (s->n_channels < 1 || s->n_channels > SEI_SIMULATE_MAX_CHANNELS) {
        return sei_fail(SEI_ERR_INPUT, "simulation: %zu channels, expected 1 to %d", s->n_channels, SEI_SIMULATE_MAX_CHANNELS);
    }
    if (s->subsamples < 1 || s->subsamples > 32) {
        return sei_fail(SEI_ERR_INPUT, "simulation: subsamples is %d, expected 1 to 32", s->subsamples);
    }
    return SEI_OK;
}

/* A number of a channel and where it must lie. */
typedef struct bound {
    const char *name;
    double value, low, high;
} bound;

static sei_status check_channel(const sei_simulation *s, const sei_simulated_channel *channel) {
    const bound bounds[] = {{"counts", channel->counts, 0, 1e12},
                            {"background", channel->background, 0, 1e12},
                            {"peak_to_background", channel->peak_to_background, 0, 1e12},
                            {"gain", channel->gain, 0, 1e12},
                            {"offset", channel->offset, -1e12, 1e12},
                            {"noise", channel->noise, 0, 1e6},
                            {"readout", channel->readout, 0, 1e12},
                            {"energy_kev", channel->energy_kev, 0, 1000}};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; ++i) {
        if (bounds[i].value >= bounds[i].low && bounds[i].value <= bounds[i].high) continue;
        return sei_fail(SEI_ERR_INPUT, "simulation: channel '%s': %s is %g, expected %g to %g", channel->name, bounds[i].name,
                        bounds[i].value, bounds[i].low, bounds[i].high);
    }
    if (channel->by_dose && channel->counts > 0) {
        return sei_fail(SEI_ERR_INPUT,
                        "simulation: channel '%s': its counts follow from the dose and are given as %g, too; leave one out",
                        channel->name, channel->counts);
    }
    const sei_experiment *e = &s->experiment;
    if (channel->by_dose && !(e->dose_e_per_nm2 > 0) && !(e->current_pa > 0 && e->seconds > 0)) {
        return sei_fail(SEI_ERR_INPUT,
                        "simulation: channel '%s': its counts follow from the dose, and none is stated; give current_pa and "
                        "seconds, or dose_e_per_nm2, or the channel's counts",
                        channel->name);
    }
    return SEI_OK;
}

/* Photons need a beam that makes them and a way out that can be told. */
static sei_status check_absorption(const sei_simulation *s) {
    if (!(s->absorption_nm >= 0) || (s->absorption_nm > 0 && s->microscope == NULL)) {
        return sei_fail(SEI_ERR_INPUT, "simulation: absorption in cells of %g nm %s", s->absorption_nm,
                        s->microscope == NULL ? "needs a microscope with detectors" : "is not possible");
    }
    return s->microscope != NULL ? sei_microscope_check(s->microscope) : SEI_OK;
}

static sei_status check_materials(const sei_simulation *s) {
    const sei_specimen *specimen = &s->specimen;
    if (specimen->n_materials < 1 || specimen->n_materials > SEI_MAX_MATERIALS || specimen->materials == NULL) {
        return sei_fail(SEI_ERR_INPUT, "simulation: %zu materials, expected 1 (what fills the rest) to %d", specimen->n_materials,
                        SEI_MAX_MATERIALS);
    }
    if (s->contaminant < 0 || (size_t)s->contaminant >= specimen->n_materials) {
        return sei_fail(SEI_ERR_INPUT, "simulation: the contamination is of material %d, expected 0 to %zu", s->contaminant,
                        specimen->n_materials - 1);
    }
    for (size_t m = 0; m < specimen->n_materials; ++m) {
        const sei_material *material = &specimen->materials[m];
        const bool damaged = material->critical_dose_e_per_nm2 > 0 && material->lost_fraction > 0;
        const sei_experiment *e = &s->experiment;
        for (size_t c = 0; c < s->n_channels; ++c) {
            const double signal = s->signal[m * s->n_channels + c];
            if (signal >= 0 && isfinite(signal)) continue;
            return sei_fail(SEI_ERR_INPUT, "simulation: material '%s' has signal %g in channel '%s'; it must be 0 or more",
                            material->name, signal, s->channels[c].name);
        }
        if (!(material->density_g_cm3 >= 0) || !(material->critical_dose_e_per_nm2 >= 0) || !(material->lost_fraction >= 0) ||
            material->lost_fraction > 1) {
            return sei_fail(
                SEI_ERR_INPUT,
                "simulation: material '%s': density %g g/cm3, critical dose %g e/nm2, lost fraction %g; the first two "
                "must be 0 or more, the last from 0 to 1",
                material->name, material->density_g_cm3, material->critical_dose_e_per_nm2, material->lost_fraction);
        }
        if (damaged && !(e->dose_e_per_nm2 > 0) && !(e->current_pa > 0 && e->seconds > 0)) {
            return sei_fail(SEI_ERR_INPUT,
                            "simulation: material '%s' is damaged by dose, and none is stated; give current_pa and seconds, or "
                            "dose_e_per_nm2",
                            material->name);
        }
    }
    return SEI_OK;
}

static sei_status check_voxels(const sei_simulation *s, const double *size_nm) {
    const sei_specimen *specimen = &s->specimen;
    const double within = (double)(specimen->ny - 2 * s->beyond_rows);
    const double voxels_nm[3] = {(double)specimen->nx * specimen->voxel_nm, within * specimen->voxel_nm,
                                 (double)specimen->nz * specimen->voxel_nm};
    if (s->beyond_rows < 0 || within < 1) {
        return sei_fail(SEI_ERR_INPUT,
                        "simulation: %lld of the specimen's %lld rows of voxels lie beyond either end of the volume",
                        (long long)s->beyond_rows, (long long)specimen->ny);
    }
    for (int axis = 0; axis < 3; ++axis) {
        if (voxels_nm[axis] <= size_nm[axis] * (1 + 1e-9)) continue;
        return sei_fail(SEI_ERR_INPUT,
                        "simulation: the specimen is %.6g x %.6g x %.6g nm, larger than the volume of %.6g x %.6g x %.6g nm; "
                        "enlarge image.nx, ny, nz or pixel_nm",
                        voxels_nm[0], voxels_nm[1], voxels_nm[2], size_nm[0], size_nm[1], size_nm[2]);
    }
    return SEI_OK;
}

/* How far a body reaches from its centre along x and z. */
static void reach_of(const sei_body *body, double reach_nm[2]) {
    const double angle = body->rotation_deg * 3.14159265358979323846 / 180;
    const double a = body->half_nm[0], b = body->half_nm[2];
    const double c = fabs(cos(angle)), s = fabs(sin(angle));
    const bool box = body->shape == SEI_SHAPE_BOX;
    reach_nm[0] = box ? a * c + b * s : hypot(a * c, b * s);
    reach_nm[1] = box ? a * s + b * c : hypot(a * s, b * c);
}

/* What lies outside the volume sideways would be seen at some tilts and be missing in the truth. */
static sei_status check_size(const sei_simulation *s) {
    const sei_specimen *specimen = &s->specimen;
    const double size_nm[3] = {(double)s->nx * s->pixel_nm, (double)s->ny * s->pixel_nm, (double)s->nz * s->pixel_nm};
    if (specimen->voxels != NULL) return check_voxels(s, size_nm);
    for (size_t b = 0; b < specimen->n_bodies && !s->beyond; ++b) {
        const sei_body *body = &specimen->bodies[b];
        double reach_nm[2];
        if (body->material < 1 || (size_t)body->material >= specimen->n_materials) continue; /* the tracer names it */
        const sei_material *material = &specimen->materials[body->material];
        if (material->is_void || material->label == SEI_LABEL_SUPPORT) continue;
        reach_of(body, reach_nm);
        for (int axis = 0; axis < 2; ++axis) {
            const double far_nm = fabs(body->centre_nm[2 * axis]) + reach_nm[axis];
            if (!(far_nm > size_nm[2 * axis] / 2 * (1 + 1e-9))) continue;
            return sei_fail(SEI_ERR_INPUT,
                            "simulation: body %zu (%s) reaches %.6g nm from the centre along %c, the volume %.6g nm; enlarge the "
                            "volume, move the body, or set image.beyond",
                            b + 1, material->name, far_nm, axis == 0 ? 'x' : 'z', size_nm[2 * axis] / 2);
        }
    }
    return SEI_OK;
}

sei_status sei_simulation_check(const sei_simulation *s) {
    sei_status status = check_image(s);
    for (size_t c = 0; status == SEI_OK && c < s->n_channels; ++c) status = check_channel(s, &s->channels[c]);
    if (status == SEI_OK) status = check_absorption(s);
    if (status == SEI_OK) status = check_materials(s);
    if (status == SEI_OK) status = check_size(s);
    return status;
}

sei_status sei_simulation_check_exposures(const sei_simulation *s, const sei_tilt_exposure *exposures, int64_t n) {
    for (int64_t t = 0; t < n; ++t) {
        if (s->contaminant == 0 || !(exposures[t].contamination_nm > 0) || fabs(exposures[t].true_deg) <= 85) continue;
        return sei_fail(SEI_ERR_INPUT,
                        "simulation: at %g deg a film of contamination has no projected thickness; keep tilts within 85 deg or "
                        "leave contamination out",
                        exposures[t].true_deg);
    }
    return SEI_OK;
}
