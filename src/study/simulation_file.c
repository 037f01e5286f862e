/* A simulation file -> a simulation. */
#include "study/simulation_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/io.h"
#include "study/simulation_schema.h"
#include "study/simulation_spectra.h"

static sei_status fill_tilts(const sei_tilts_entry *tilts, sei_simulation_file *file) {
    sei_experiment *e = &file->simulation.experiment;
    const double span = tilts->to - tilts->from;
    const double steps = round(span / tilts->step);
    if (!(span >= 0) || fabs(steps * tilts->step - span) > 1e-6) {
        return sei_fail(SEI_ERR_INPUT,
                        "tilts.step: from %g to %g deg in steps of %g: 'to' must lie a whole number of steps above 'from'",
                        tilts->from, tilts->to, tilts->step);
    }
    sei_status status = SEI_OK;
    e->n_tilts = (int64_t)steps + 1;
    SEI_TRY(SEI_NEW(file->tilt_deg, e->n_tilts, 1, 1));
    for (int64_t t = 0; t < e->n_tilts; ++t) file->tilt_deg[t] = tilts->from + (double)t * tilts->step;
    e->tilt_deg = file->tilt_deg;
    e->scheme = (sei_scheme)tilts->scheme;
    e->start_deg = tilts->start;
    e->down_first = tilts->down_first;
    e->group = tilts->group;
    SEI_TRY(SEI_NEW(file->missing_deg, tilts->n_missing + 1, 1, 1));
    for (unsigned m = 0; m < tilts->n_missing; ++m) file->missing_deg[m] = tilts->missing[m];
    e->n_missing = tilts->n_missing;
    e->missing_deg = file->missing_deg;
    e->missing_count = tilts->missing_count;
done:
    return status;
}

/* Index into the specimen's materials, whose first is vacuum; 0 when the file does not define it. */
static int material_of(const sei_simulation_entry *entry, const char *name) {
    for (unsigned m = 0; m < entry->n_materials; ++m) {
        if (strcmp(entry->materials[m].name, name) == 0) return (int)m + 1;
    }
    return 0;
}

static sei_status unknown_material(const sei_simulation_entry *entry, const char *key, const char *name) {
    char known[400] = "";
    for (unsigned m = 0; m < entry->n_materials; ++m) {
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", m > 0 ? ", " : "", entry->materials[m].name);
    }
    return sei_fail(SEI_ERR_INPUT, "%s: unknown material '%s'; the file defines: %s", key, name, known);
}

/* Name, composition and damage; a material is known by its name alone unless the file says what it emits. */
static sei_status fill_materials(const sei_simulation_entry *entry, sei_simulation_file *file) {
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(file->materials, entry->n_materials + 1, 1, 1));
    snprintf(file->materials[0].name, SEI_NAME_LENGTH, "vacuum");
    for (unsigned m = 0; m < entry->n_materials; ++m) {
        const sei_material_entry *from = &entry->materials[m];
        char where[SEI_TEXT_LENGTH];
        snprintf(where, sizeof where, "materials.%u", m);
        if (strcmp(from->name, "vacuum") == 0 || material_of(entry, from->name) <= (int)m) {
            return sei_fail(SEI_ERR_INPUT, "%s: '%s' is defined already; name materials apart", where, from->name);
        }
        SEI_TRY(sei_signal_material_fill(where, from->name, from->label, from->signal == NULL, &from->physics,
                                         &file->materials[m + 1]));
    }
    file->simulation.specimen.n_materials = entry->n_materials + 1;
    file->simulation.specimen.materials = file->materials;
done:
    return status;
}

/* The signals that stand in the file, [n_materials][n_channels]; every channel of kind given needs them. */
static sei_status given_signals(const sei_simulation_entry *entry, double *given) {
    unsigned wanting = entry->n_channels;
    for (unsigned c = entry->n_channels; c-- > 0;) {
        if (entry->channels[c].physics.kind == SEI_SIGNAL_GIVEN) wanting = c;
    }
    for (unsigned m = 0; m < entry->n_materials; ++m) {
        const sei_material_entry *from = &entry->materials[m];
        if (from->n_signal == 0 && wanting < entry->n_channels && from->physics.density_g_cm3 != 0) {
            return sei_fail(SEI_ERR_INPUT,
                            "materials.%u: no signal for channel '%s'; give one value per channel, or let the "
                            "channel be of kind haadf or eds",
                            m, entry->channels[wanting].name);
        }
        if (from->n_signal > 0 && from->n_signal != entry->n_channels) {
            return sei_fail(SEI_ERR_INPUT, "materials.%u.signal: %u values for %u channels; give one per channel", m,
                            from->n_signal, entry->n_channels);
        }
        for (unsigned c = 0; c < from->n_signal; ++c) given[(m + 1) * entry->n_channels + c] = from->signal[c];
    }
    return SEI_OK;
}

/* What every material gives to every channel, and which materials are voids. */
static sei_status fill_signals(const sei_simulation_entry *entry, sei_simulation_file *file) {
    const size_t n_channels = entry->n_channels, n_materials = entry->n_materials + 1;
    sei_signal_channel *physics = file->physics;
    double *given = NULL;
    bool photons = false, composed = true;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(file->microscope, 1, 1, 1));
    SEI_TRY(sei_microscope_fill("microscope", &entry->microscope, file->microscope));
    for (size_t c = 0; c < n_channels; ++c) {
        sei_simulated_channel *channel = &file->simulation.channels[c];
        char where[SEI_TEXT_LENGTH];
        snprintf(where, sizeof where, "channels.%zu", c);
        SEI_TRY(sei_signal_channel_fill(where, channel->name, &entry->channels[c].physics, file->microscope, &physics[c]));
        channel->peak_to_background = physics[c].peak_to_background;
        if (physics[c].kind != SEI_SIGNAL_EDS) continue;
        photons = true;
        channel->by_dose = !(channel->counts > 0);
        channel->energy_kev = (physics[c].window_kev[0] + physics[c].window_kev[1]) / 2;
    }
    SEI_TRY(SEI_NEW(given, (int64_t)n_materials, (int64_t)n_channels, 1));
    SEI_TRY(SEI_NEW(file->signal, (int64_t)n_materials, (int64_t)n_channels, 1));
    SEI_TRY(given_signals(entry, given));
    status = sei_signal_coefficients(n_materials, file->materials, given, n_channels, physics, file->microscope, file->signal);
    SEI_TRY(status);
    for (size_t m = 0; m < n_materials; ++m) {
        sei_material *material = &file->materials[m];
        material->is_void = material->n_constituents == 0;
        for (size_t c = 0; c < n_channels; ++c) material->is_void = material->is_void && file->signal[m * n_channels + c] == 0;
        composed = composed && (material->is_void || material->n_constituents > 0);
    }
    file->simulation.signal = file->signal;
    if (!photons) goto done;
    file->simulation.microscope = file->microscope;
    if (!composed) goto done; /* the background is the same everywhere then */
    SEI_TRY(SEI_NEW(file->bremsstrahlung, (int64_t)n_materials, 1, 1));
    SEI_TRY(sei_signal_bremsstrahlung(n_materials, file->materials, file->bremsstrahlung));
    file->simulation.bremsstrahlung = file->bremsstrahlung;
done:
    sei_free(given);
    return status;
}

static sei_status fill_spectra(const sei_simulation_entry *entry, sei_simulation_file *file) {
    sei_spectra_wanted *wanted = &file->spectra;
    wanted->summed = entry->spectra.summed;
    wanted->images = entry->spectra.images;
    const sei_status status = sei_spectra_fill("spectra", &entry->spectra, &wanted->axis, &wanted->stray, &wanted->n_stray);
    return status == SEI_OK ? sei_simulation_spectra_check(file) : status;
}

/* Photons are absorbed in cubes, so many along the longest edge of the volume. */
static void fill_absorption(const sei_simulation_entry *entry, sei_simulation *s) {
    const int64_t longest = s->nx > s->ny ? (s->nx > s->nz ? s->nx : s->nz) : (s->ny > s->nz ? s->ny : s->nz);
    if (s->microscope == NULL || !entry->microscope.absorption) return;
    s->absorption_nm = (double)longest * s->pixel_nm / entry->microscope.absorption_cells;
}

static sei_status fill_bodies(const sei_simulation_entry *entry, sei_simulation_file *file) {
    const sei_status status = SEI_NEW(file->bodies, entry->n_bodies, 1, 1);
    if (status != SEI_OK) return status;
    for (unsigned b = 0; b < entry->n_bodies; ++b) {
        const sei_body_entry *from = &entry->bodies[b];
        sei_body *body = &file->bodies[b];
        char key[40];
        snprintf(key, sizeof key, "bodies.%u.material", b);
        body->material = material_of(entry, from->material);
        if (body->material == 0) return unknown_material(entry, key, from->material);
        body->shape = (sei_shape)from->shape;
        memcpy(body->centre_nm, from->centre_nm, sizeof body->centre_nm);
        memcpy(body->half_nm, from->half_nm, sizeof body->half_nm);
        body->rotation_deg = from->rotation_deg;
    }
    file->simulation.specimen.n_bodies = entry->n_bodies;
    file->simulation.specimen.bodies = file->bodies;
    return SEI_OK;
}

/* Every channel becomes a file truth_NAME.mrc. */
static sei_status check_names(const sei_simulation_entry *entry) {
    char safe[SEI_NAME_LENGTH], taken[SEI_NAME_LENGTH];
    for (unsigned c = 0; c < entry->n_channels; ++c) {
        const char *name = entry->channels[c].name;
        if (strchr(name, '/') != NULL) {
            return sei_fail(SEI_ERR_INPUT, "channels.%u.name: '%s' names a file as well; leave out '/'", c, name);
        }
        sei_safe_name(name, safe, sizeof safe);
        if (strcasecmp(safe, "labels") == 0) {
            return sei_fail(SEI_ERR_INPUT, "channels.%u.name: '%s' would take the file of the true labels; name it otherwise", c,
                            name);
        }
        for (unsigned other = 0; other < c; ++other) {
            sei_safe_name(entry->channels[other].name, taken, sizeof taken);
            if (strcasecmp(safe, taken) != 0) continue;
            return sei_fail(SEI_ERR_INPUT, "channels.%u.name: '%s' is the name of channels.%u, too; name them apart", c, name,
                            other);
        }
    }
    return SEI_OK;
}

static void fill_channels(const sei_simulation_entry *entry, sei_simulation *s) {
    s->n_channels = entry->n_channels;
    for (unsigned c = 0; c < entry->n_channels; ++c) {
        const sei_channel_entry *from = &entry->channels[c];
        sei_simulated_channel *to = &s->channels[c];
        *to = (sei_simulated_channel){.counts = from->counts,
                                      .background = from->background,
                                      .noise = from->noise,
                                      .readout = from->readout,
                                      .gain = from->gain,
                                      .offset = from->offset,
                                      .stored = (sei_dtype)from->stored};
        snprintf(to->name, sizeof to->name, "%s", from->name);
    }
}

/* Beam time of an exposure, from seconds or from the dwell time on a pixel. */
static sei_status fill_time(const sei_simulation_entry *entry, sei_experiment *to) {
    const sei_experiment_entry *from = &entry->experiment;
    const double pixels = (double)entry->image.nx * entry->image.ny;
    const double dwelt_s = from->dwell_us * 1e-6 * pixels * from->frames;
    if (from->dwell_us > 0 && from->seconds > 0 && fabs(dwelt_s - from->seconds) > 1e-3 * from->seconds) {
        return sei_fail(SEI_ERR_INPUT,
                        "experiment: dwell_us %g over %d frames makes %.6g s an exposure, seconds says %.6g; give one of both",
                        from->dwell_us, from->frames, dwelt_s, from->seconds);
    }
    to->seconds = from->seconds > 0 ? from->seconds : dwelt_s;
    return SEI_OK;
}

static sei_status fill_experiment(const sei_simulation_entry *entry, sei_simulation *s) {
    const sei_experiment_entry *from = &entry->experiment;
    sei_experiment *to = &s->experiment;
    to->seed = entry->seed;
    to->current_pa = from->current_pa;
    to->dose_e_per_nm2 = from->dose_e_per_nm2;
    to->angle_sd_deg = from->angle_sd_deg;
    to->backlash_deg = from->backlash_deg;
    to->drift_px = from->drift_px;
    to->drift_walk_px = from->drift_walk_px;
    memcpy(to->drift_px_per_s, from->drift_px_per_s, sizeof to->drift_px_per_s);
    to->drift_in_tilt_px = from->drift_in_tilt_px;
    to->axis_deg = from->axis_deg;
    to->axis_error_deg = from->axis_error_deg;
    to->axis_offset_px = from->axis_offset_px;
    to->blur_nm = from->blur_nm;
    to->blur_tilt_nm = from->blur_tilt_nm;
    to->contamination_nm_per_1e6 = from->contamination_nm_per_1e6;
    s->faults = (sei_faults){.hot_pixels = from->hot_pixels, .dead_rows = from->dead_rows, .dead_columns = from->dead_columns};
    if (from->contaminant[0] != 0) {
        s->contaminant = material_of(entry, from->contaminant);
        if (s->contaminant == 0) return unknown_material(entry, "experiment.contaminant", from->contaminant);
    }
    if ((s->contaminant > 0) != (from->contamination_nm_per_1e6 > 0)) {
        return sei_fail(SEI_ERR_INPUT,
                        "experiment: contamination needs both its material (contaminant: '%s') and its growth "
                        "(contamination_nm_per_1e6: %g)",
                        from->contaminant, from->contamination_nm_per_1e6);
    }
    return fill_time(entry, to);
}

/* One specimen: bodies, a description, or labels. */
static sei_status fill_specimen(const char *path, const sei_simulation_entry *entry, sei_simulation_file *file) {
    const int sources = (entry->n_bodies > 0) + (entry->specimen != NULL) + (entry->labels != NULL);
    sei_status status = SEI_OK;
    if (sources != 1) {
        return sei_fail(SEI_ERR_INPUT, "%d of bodies, specimen and labels are given; one of them says what the specimen is",
                        sources);
    }
    if (entry->n_bodies > 0) return fill_bodies(entry, file);
    if (entry->labels != NULL) {
        const char *slash = strrchr(path, '/');
        char *folder = NULL;
        SEI_TRY(sei_strdup(path, &folder));
        folder[slash != NULL ? slash - path : 0] = 0;
        status = sei_path_join(slash != NULL ? folder : ".", entry->labels->file, &file->labels_path);
        sei_free(folder);
        file->labels_voxel_nm = entry->labels->voxel_nm;
        goto done;
    }
    SEI_TRY(SEI_NEW(file->grow, 1, 1, 1));
    SEI_TRY(sei_specimen_fill(entry->specimen, entry->n_materials + 1, file->materials, file->grow));
    file->oversample = entry->specimen->oversample > 0 ? entry->specimen->oversample : 1;
done:
    return status;
}

static sei_status read_labels(sei_simulation_file *file) {
    const sei_specimen *specimen = &file->simulation.specimen;
    int material_of_label[256];
    sei_labels labels = {0};
    sei_status status = SEI_OK;
    for (int label = 0; label < 256; ++label) material_of_label[label] = label == 0 ? 0 : -1;
    for (size_t m = 1; m < specimen->n_materials; ++m) {
        int *owner = &material_of_label[specimen->materials[m].label];
        if (*owner > 0) {
            return sei_fail(SEI_ERR_INPUT, "%s: materials '%s' and '%s' have the label %u both; a label volume needs one of each",
                            file->labels_path, specimen->materials[*owner].name, specimen->materials[m].name,
                            specimen->materials[m].label);
        }
        *owner = (int)m;
    }
    SEI_TRY(sei_io_read_labels(file->labels_path, &labels));
    if (file->labels_voxel_nm > 0) labels.voxel_nm = file->labels_voxel_nm;
    status = sei_grow_from_labels(&labels, material_of_label, specimen->n_materials, specimen->materials, &file->grown);
    if (status != SEI_OK) status = sei_fail_context(status, "%s", file->labels_path);
done:
    sei_labels_free(&labels);
    return status;
}

/* How far the images show the specimen beyond the volume's ends along y: what drift, blur and a turned axis bring into view. */
static sei_status reach_beyond_nm(const sei_simulation *s, double *reach_nm) {
    sei_tilt_exposure *exposures = NULL;
    int64_t n = 0;
    const double axis = (s->experiment.axis_deg + s->experiment.axis_error_deg) * 3.14159265358979323846 / 180;
    const sei_status status = sei_simulation_exposures(s, &exposures, &n);
    if (status != SEI_OK) return status;
    *reach_nm = 0;
    for (int64_t t = 0; t < n; ++t) {
        const sei_tilt_exposure *e = &exposures[t];
        const double tail_px = 5 * e->blur_nm / s->pixel_nm; /* as the view has it */
        const double across = (double)s->nx / 2 + fabs(e->shift_px[0]) + fabs(e->smear_px[0]) / 2 + tail_px;
        const double along = (double)s->ny / 2 + fabs(e->shift_px[1]) + fabs(e->smear_px[1]) / 2 + tail_px;
        const double seen = fabs(along * cos(axis)) + fabs(across * sin(axis));
        *reach_nm = fmax(*reach_nm, (seen - (double)s->ny / 2) * s->pixel_nm);
    }
    sei_free(exposures);
    return SEI_OK;
}

/* A specimen as long as the volume is a piece of a wire that goes on. */
static sei_status go_on(sei_simulation_file *file) {
    sei_simulation *s = &file->simulation;
    sei_grown *grown = &file->grown;
    const double length_nm = (double)s->ny * s->pixel_nm;
    double reach_nm = 0;
    sei_status status = SEI_OK;
    if (fabs((double)grown->ny * grown->voxel_nm - length_nm) > 1e-6 * length_nm) return SEI_OK;
    SEI_TRY(reach_beyond_nm(s, &reach_nm));
    if (!(reach_nm > 0)) goto done;
    s->beyond_rows = (int64_t)fmin(ceil(reach_nm / grown->voxel_nm) + 1, (double)grown->ny);
    SEI_TRY(sei_grown_continue(grown, s->beyond_rows));
done:
    return status;
}

sei_status sei_simulation_file_prepare(sei_simulation_file *file) {
    sei_simulation *s = &file->simulation;
    const int64_t fine = file->oversample;
    sei_status status = SEI_OK;
    if (s->specimen.bodies != NULL || s->specimen.voxels != NULL) return SEI_OK;
    if (file->labels_path != NULL) {
        SEI_TRY(read_labels(file));
    } else {
        SEI_TRY(sei_grow_specimen(file->grow, s->specimen.n_materials, s->specimen.materials, s->nx * fine, s->ny * fine,
                                  s->nz * fine, s->pixel_nm / (double)fine, s->experiment.seed, &file->grown));
    }
    SEI_TRY(go_on(file));
    s->specimen = sei_grown_specimen(&file->grown, s->specimen.n_materials, s->specimen.materials);
done:
    return status;
}

sei_status sei_simulation_file_read(const char *path, size_t n_set, const char *const *set, sei_simulation_file *out) {
    sei_simulation_entry *entry = NULL;
    sei_simulation_file file = {0};
    sei_simulation *s = &file.simulation;
    sei_status status = sei_yaml_load(&sei_simulation_spec, path, n_set, set, (void **)&entry, &file.resolved);
    if (status != SEI_OK) return status;
    SEI_TRY(check_names(entry));
    snprintf(file.title, sizeof file.title, "%s", entry->title);
    s->nx = entry->image.nx;
    s->ny = entry->image.ny;
    s->nz = entry->image.nz;
    s->pixel_nm = entry->image.pixel_nm;
    s->subsamples = entry->image.subsamples;
    s->beyond = entry->image.beyond;
    file.write_volumes = entry->output.volumes;
    file.write_measures = entry->output.measures;
    file.write_pictures = entry->output.pictures;
    fill_channels(entry, s);
    SEI_TRY(fill_tilts(&entry->tilts, &file));
    SEI_TRY(fill_materials(entry, &file));
    SEI_TRY(fill_signals(entry, &file));
    SEI_TRY(fill_spectra(entry, &file));
    fill_absorption(entry, s);
    SEI_TRY(fill_specimen(path, entry, &file));
    SEI_TRY(fill_experiment(entry, s));
    *out = file;
    memset(&file, 0, sizeof file);
done:
    if (status == SEI_ERR_INPUT || status == SEI_ERR_USAGE) status = sei_yaml_blame(path, n_set, set, "", status);
    sei_yaml_free(&sei_simulation_spec, entry);
    sei_simulation_file_free(&file);
    return status;
}

void sei_simulation_file_free(sei_simulation_file *file) {
    sei_free(file->tilt_deg);
    sei_free(file->missing_deg);
    sei_free(file->materials);
    sei_free(file->signal);
    sei_free(file->bremsstrahlung);
    sei_free(file->microscope);
    sei_free(file->spectra.stray);
    sei_free(file->bodies);
    sei_free(file->grow);
    sei_free(file->labels_path);
    sei_grown_free(&file->grown);
    sei_free(file->resolved);
    memset(file, 0, sizeof *file);
}
