/* The truth of a simulation: what measure says of the labels, the volumes, the experiment's own numbers. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/io.h"
#include "study/simulation_output.h"
#include "study/specimen_file.h"

void sei_sections_free(sei_sections *sections) {
    for (size_t c = 0; c < SEI_SIMULATE_MAX_CHANNELS; ++c) sei_volume_free(&sections->across[c]);
}

static const double section_nm = 5; /* the paper's slices */

/* The rows round the middle of y. */
static sei_status cut(const sei_volume *volume, sei_volume *out) {
    const int64_t rows = (int64_t)fmax(1, fmin(round(section_nm / volume->voxel_nm), (double)volume->ny));
    const int64_t first = (volume->ny - rows) / 2;
    const sei_status status = sei_volume_alloc(volume->nx, rows, volume->nz, volume->voxel_nm, out);
    if (status != SEI_OK) return status;
    snprintf(out->name, sizeof out->name, "%s", volume->name);
    for (int64_t z = 0; z < volume->nz; ++z) {
        memcpy(out->data + z * rows * volume->nx, volume->data + (z * volume->ny + first) * volume->nx,
               (size_t)(rows * volume->nx) * sizeof *out->data);
    }
    return SEI_OK;
}

static sei_status write_volume(const sei_simulation_output *output, const sei_volume *volume) {
    char name[SEI_NAME_LENGTH + 16], safe[SEI_NAME_LENGTH];
    char *path = NULL;
    sei_safe_name(volume->name, safe, sizeof safe);
    snprintf(name, sizeof name, "truth_%s.mrc", safe);
    sei_status status = sei_path_join(output->folder, name, &path);
    if (status == SEI_OK) status = sei_io_write_volumes(path, 1, volume, NULL, output->overwrite);
    sei_free(path);
    return status;
}

/* A voxel specimen's volumes one after the other: together they need not fit into memory. */
static sei_status volumes_one_by_one(const sei_simulation_file *file, const sei_simulation_output *output,
                                     const sei_simulated *simulated, sei_sections *sections) {
    sei_volume volume = {0};
    sei_status status = SEI_OK;
    for (size_t c = 0; c < file->simulation.n_channels; ++c) {
        SEI_TRY(sei_simulate_truth_volume(&file->simulation, simulated->scale[c], c, &volume));
        SEI_TRY(cut(&volume, &sections->across[c]));
        if (file->write_volumes) SEI_TRY(write_volume(output, &volume));
        sei_volume_free(&volume);
    }
done:
    sei_volume_free(&volume);
    return status;
}

static sei_status make_truth(const sei_simulation_file *file, const sei_simulation_output *output, const sei_simulated *simulated,
                             sei_labels *labels, sei_sections *sections, sei_numbers *sampled) {
    const sei_simulation *s = &file->simulation;
    const bool wanted = file->write_volumes || file->write_pictures;
    sei_volume volumes[SEI_SIMULATE_MAX_CHANNELS] = {0};
    sei_status status = SEI_OK;
    if (s->specimen.voxels != NULL) {
        SEI_TRY(sei_simulate_truth(s, simulated->scale, labels, NULL, sampled));
        if (wanted) SEI_TRY(volumes_one_by_one(file, output, simulated, sections));
        goto done;
    }
    SEI_TRY(sei_simulate_truth(s, simulated->scale, labels, wanted ? volumes : NULL, sampled));
    for (size_t c = 0; c < s->n_channels && wanted; ++c) {
        SEI_TRY(cut(&volumes[c], &sections->across[c]));
        if (file->write_volumes) SEI_TRY(write_volume(output, &volumes[c]));
    }
done:
    for (size_t c = 0; c < s->n_channels; ++c) sei_volume_free(&volumes[c]);
    return status;
}

static sei_status copy_numbers(const sei_numbers *from, sei_numbers *to) {
    sei_status status = SEI_OK;
    for (size_t i = 0; status == SEI_OK && i < from->count; ++i) {
        const sei_number *n = &from->items[i];
        status = sei_numbers_set(to, n->name, n->value, n->unit, n->sd);
    }
    return status;
}

/* What align, reconstruct and a dose meter would have to find. */
static sei_status experiment_numbers(const sei_simulation_file *file, const sei_simulated *simulated, sei_numbers *numbers) {
    const sei_experiment *e = &file->simulation.experiment;
    const sei_dose_total *total = &simulated->total;
    sei_status status = SEI_OK;
    SEI_TRY(sei_numbers_set(numbers, "axis_offset_px", e->axis_offset_px, "px", 0));
    SEI_TRY(sei_numbers_set(numbers, "axis_deg", e->axis_deg + e->axis_error_deg, "deg", 0));
    for (size_t c = 0; c < file->simulation.n_channels; ++c) {
        char name[SEI_NAME_LENGTH];
        snprintf(name, sizeof name, "scale_%.*s", SEI_NAME_LENGTH - 8, file->simulation.channels[c].name);
        SEI_TRY(sei_numbers_set(numbers, name, simulated->scale[c], "", 0));
    }
    if (!(total->dose_e_per_nm2 > 0)) goto done;
    SEI_TRY(sei_numbers_set(numbers, "dose_e_per_nm2", total->dose_e_per_nm2, "e/nm2", 0));
    SEI_TRY(sei_numbers_set(numbers, "dose_limit_e_per_nm2", SEI_DOSE_LIMIT_E_PER_NM2, "e/nm2", 0));
    SEI_TRY(sei_numbers_set(numbers, "current_pa", total->current_pa, "pA", 0));
    SEI_TRY(sei_numbers_set(numbers, "seconds", total->seconds, "s", 0));
    SEI_TRY(sei_numbers_set(numbers, "first_voids_dose_passed_deg", total->first_voids_deg, "deg", 0));
    SEI_TRY(sei_numbers_set(numbers, "dose_limit_passed_deg", total->limit_deg, "deg", 0));
    if (e->contamination_nm_per_1e6 > 0) {
        const double thickness = e->contamination_nm_per_1e6 * total->dose_e_per_nm2 / 1e6;
        SEI_TRY(sei_numbers_set(numbers, "contamination_final_nm", thickness, "nm", 0));
    }
done:
    return status;
}

sei_status sei_simulation_write_truth(const sei_simulation_file *file, const sei_simulation_output *output,
                                      const sei_simulated *simulated, const sei_provenance *provenance, sei_labels *labels,
                                      sei_sections *sections, sei_numbers *numbers) {
    sei_numbers sampled = {0};
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(make_truth(file, output, simulated, labels, sections, &sampled));
    SEI_TRY(sei_path_join(output->folder, "truth_labels.mrc", &path));
    SEI_TRY(sei_io_write_labels(path, labels, provenance, output->overwrite));
    if (file->write_measures) SEI_TRY(sei_truth_measure(labels, numbers, NULL));
    SEI_TRY(copy_numbers(&sampled, numbers)); /* finer than whole voxels, so they stand above measure's */
    SEI_TRY(copy_numbers(&file->grown.numbers, numbers));
    SEI_TRY(experiment_numbers(file, simulated, numbers));
    sei_free(path);
    path = NULL;
    SEI_TRY(sei_path_join(output->folder, "truth.json", &path));
    SEI_TRY(sei_io_write_numbers(path, numbers, NULL, output->overwrite));
done:
    sei_free(path);
    sei_numbers_free(&sampled);
    return status;
}
