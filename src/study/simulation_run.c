/* Runs a simulation and writes the series with its truth. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/text.h"
#include "seitomo/io.h"
#include "study/simulation_spectra.h"

/* An empty table is no file, and takes away that of an earlier run. */
static sei_status write_table(const sei_simulation_output *output, const char *name, const sei_table *table) {
    char *path = NULL;
    sei_status status = sei_path_join(output->folder, name, &path);
    if (status == SEI_OK && table->n_rows == 0 && output->overwrite) sei_file_remove(path);
    if (status == SEI_OK && table->n_rows > 0) status = sei_io_write_table(path, table, output->overwrite);
    sei_free(path);
    return status;
}

static sei_status check_target(const sei_simulation_output *output, const char *name) {
    char *path = NULL;
    sei_status status = sei_path_join(output->folder, name, &path);
    if (status == SEI_OK) status = sei_file_check_target(path, output->overwrite);
    sei_free(path);
    return status;
}

/* The series as it will be named, with the tilts it will have, in the formats that are wanted. */
static sei_status check_series(const sei_simulation_file *file, const sei_simulation_output *output) {
    static const char *const names[] = {"series.emd", "series.mrc", "series.tif"};
    const bool wanted[] = {true, output->mrc, output->tiff};
    const sei_simulation *s = &file->simulation;
    sei_series series = {.n_channels = s->n_channels};
    sei_tilt_exposure *exposures = NULL;
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_simulation_exposures(s, &exposures, &series.n_tilts));
    SEI_TRY(SEI_NEW(series.channels, (int64_t)series.n_channels, 1, 1));
    SEI_TRY(SEI_NEW(series.tilts, series.n_tilts, 1, 1));
    for (int64_t t = 0; t < series.n_tilts; ++t) {
        const sei_tilt_exposure *e = &exposures[t];
        series.tilts[t] = (sei_tilt){
            .tilt_deg = e->nominal_deg, .order = e->order, .dose_e_per_nm2 = e->dose_e_per_nm2 > 0 ? e->dose_e_per_nm2 : NAN};
    }
    for (size_t c = 0; c < series.n_channels; ++c) {
        snprintf(series.channels[c].name, SEI_NAME_LENGTH, "%s", file->simulation.channels[c].name);
    }
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        if (!wanted[i]) continue;
        SEI_TRY(sei_path_join(output->folder, names[i], &path));
        SEI_TRY(sei_io_check_series(path, &series, false, i == 0, output->overwrite));
        sei_free(path);
        path = NULL;
    }
done:
    sei_free(exposures);
    sei_free(series.channels);
    sei_free(series.tilts);
    sei_free(path);
    return status;
}

/* What is done with a file of the folder that this run writes or not. */
typedef sei_status (*act)(const sei_simulation_output *output, const char *name, bool written);

static sei_status check_written(const sei_simulation_output *output, const char *name, bool written) {
    return written ? check_target(output, name) : SEI_OK;
}

/* Files that an earlier run left and this one did not replace would tell of another series. */
static sei_status remove_others(const sei_simulation_output *output, const char *name, bool written) {
    char *path = NULL;
    if (written || !output->overwrite) return SEI_OK;
    const sei_status status = sei_path_join(output->folder, name, &path);
    if (status == SEI_OK) sei_file_remove(path);
    sei_free(path);
    return status;
}

/* The files that some runs write and others do not, without the tables. */
static sei_status for_choices(const sei_simulation_file *file, const sei_simulation_output *output, act do_it) {
    char name[SEI_NAME_LENGTH + 32], safe[SEI_NAME_LENGTH];
    sei_status status = SEI_OK;
    SEI_TRY(do_it(output, "spectra.emd", file->spectra.summed || file->spectra.images));
    for (size_t c = 0; c < file->simulation.n_channels; ++c) {
        sei_safe_name(file->simulation.channels[c].name, safe, sizeof safe);
        snprintf(name, sizeof name, "truth_%s.mrc", safe);
        SEI_TRY(do_it(output, name, file->write_volumes));
    }
    for (size_t i = 0; sei_simulation_picture(i) != NULL; ++i) {
        snprintf(name, sizeof name, "pictures/%s.png", sei_simulation_picture(i));
        SEI_TRY(do_it(output, name, file->write_pictures));
    }
done:
    return status;
}

/* Nothing may be in the way of any file: before the work, not after it. */
static sei_status check_targets(const sei_simulation_file *file, const sei_simulation_output *output) {
    static const char *const fixed[] = {"simulation.json", "truth_labels.mrc",   "truth_labels.json", "truth.json",
                                        "shifts_true.csv", "exposures_true.csv", "faults_true.csv",   "dose.csv"};
    sei_status status = SEI_OK;
    SEI_TRY(check_series(file, output));
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; ++i) SEI_TRY(check_target(output, fixed[i]));
    SEI_TRY(for_choices(file, output, check_written));
done:
    return status;
}

static sei_status make_folders(const sei_simulation_file *file, const sei_simulation_output *output) {
    sei_status status = sei_folder_make(output->folder);
    if (status == SEI_OK && file->write_pictures) status = sei_folder_make_below(output->folder, "pictures");
    return status;
}

/* What was made for a run that failed before it wrote anything. */
static void remove_empty_folders(const sei_simulation_output *output, bool made) {
    char *pictures = NULL;
    if (sei_path_join(output->folder, "pictures", &pictures) == SEI_OK) sei_folder_remove_empty(pictures);
    if (made) sei_folder_remove_empty(output->folder);
    sei_free(pictures);
}

/* The series as NAME and, for formats that hold one channel a file, NAME_CHANNEL. */
static sei_status write_series(const sei_simulation_output *output, const char *name, const sei_series *series,
                               const sei_provenance *provenance) {
    char *path = NULL;
    sei_status status = sei_path_join(output->folder, name, &path);
    if (status == SEI_OK) status = sei_io_write_series(path, series, provenance, output->overwrite);
    sei_free(path);
    return status;
}

static sei_status write_description(const sei_simulation_file *file, const sei_simulation_output *output) {
    char *path = NULL;
    sei_status status = sei_path_join(output->folder, "simulation.json", &path);
    if (status == SEI_OK) status = sei_file_write_text(path, output->overwrite, file->resolved, strlen(file->resolved));
    sei_free(path);
    return status;
}

static sei_status describe(const sei_simulation_file *file, sei_provenance *provenance) {
    char hash[65];
    sei_status status = SEI_OK;
    snprintf(provenance->stage, sizeof provenance->stage, "simulate");
    SEI_TRY(sei_provenance_set(provenance, "title", "%s", file->title));
    SEI_TRY(sei_provenance_set(provenance, "seed", "%llu", (unsigned long long)file->simulation.experiment.seed));
    sei_io_sha256_bytes(file->resolved, strlen(file->resolved), hash);
    SEI_TRY(sei_provenance_set(provenance, "description_sha256", "%s", hash));
    if (file->labels_path != NULL) SEI_TRY(sei_io_provenance_add_input(provenance, file->labels_path));
done:
    return status;
}

static void warn_of_dose(const sei_dose_total *total) {
    if (total->limit_order >= 0) {
        sei_warn("dose: %.3g e/nm2 in all; the limit of %.2g e/nm2 is passed in exposure %d, at %g deg", total->dose_e_per_nm2,
                 SEI_DOSE_LIMIT_E_PER_NM2, (int)total->limit_order + 1, total->limit_deg);
    } else if (total->first_voids_order >= 0) {
        sei_warn("dose: %.3g e/nm2 in all; %.2g e/nm2, where the first voids were seen, is passed in exposure %d, at %g deg",
                 total->dose_e_per_nm2, SEI_DOSE_FIRST_VOIDS_E_PER_NM2, (int)total->first_voids_order + 1,
                 total->first_voids_deg);
    }
}

/* The series, and on the way its spectra. */
static sei_status simulate(const sei_simulation_file *file, const sei_simulation_output *output, const sei_provenance *provenance,
                           sei_simulated *simulated) {
    sei_spectra_asker asker = {file, output, provenance};
    sei_simulation simulation = file->simulation;
    if (file->spectra.summed || file->spectra.images) {
        simulation.noise_free = sei_simulation_spectra;
        simulation.asker = &asker;
    }
    return sei_simulate(&simulation, simulated);
}

/* There from before the first file until after the last: a set that was stopped in between says so to every reader. */
static sei_status mark_unfinished(const sei_simulation_output *output, char **mark, bool *before) {
    static const char text[] =
        "This simulation is being written, or was stopped before all its files were: the set is incomplete.\n";
    const sei_status status = sei_path_join(output->folder, SEI_SIMULATION_UNFINISHED, mark);
    if (status == SEI_OK) *before = sei_file_exists(*mark);
    return status == SEI_OK ? sei_file_write_text(*mark, true, text, strlen(text)) : status;
}

sei_status sei_simulation_run(sei_simulation_file *file, const sei_simulation_output *output, sei_numbers *truth) {
    sei_simulated simulated = {0};
    sei_labels labels = {0};
    sei_sections sections = {0};
    sei_numbers numbers = {0};
    sei_provenance provenance = {0};
    sei_simulation_plan needs;
    char *mark = NULL;
    bool was_unfinished = false;
    bool begun = file->spectra.summed || file->spectra.images; /* they are written on the way */
    sei_status status = SEI_OK;
    const bool there = sei_folder_exists(output->folder);
    SEI_TRY(sei_simulation_make_plan(file, output, &needs));
    SEI_TRY(sei_folder_check_space(output->folder, needs.disk_bytes));
    SEI_TRY(make_folders(file, output));
    SEI_TRY(check_targets(file, output));
    SEI_TRY(describe(file, &provenance));
    SEI_TRY(sei_simulation_file_prepare(file));
    SEI_TRY(mark_unfinished(output, &mark, &was_unfinished));
    SEI_TRY(simulate(file, output, &provenance, &simulated));
    begun = true;
    warn_of_dose(&simulated.total);
    simulated.series.axis_offset_px = 0; /* a microscope does not know it either: finding it is align's work */
    SEI_TRY(write_series(output, "series.emd", &simulated.series, &provenance));
    if (output->mrc) SEI_TRY(write_series(output, "series.mrc", &simulated.series, NULL));
    if (output->tiff) SEI_TRY(write_series(output, "series.tif", &simulated.series, NULL));
    SEI_TRY(write_description(file, output));
    SEI_TRY(write_table(output, "shifts_true.csv", &simulated.shifts));
    SEI_TRY(write_table(output, "exposures_true.csv", &simulated.exposures));
    SEI_TRY(write_table(output, "faults_true.csv", &simulated.faults));
    SEI_TRY(write_table(output, "dose.csv", &simulated.dose));
    SEI_TRY(sei_simulation_write_truth(file, output, &simulated, &provenance, &labels, &sections, &numbers));
    if (file->write_pictures) SEI_TRY(sei_simulation_pictures(file->title, output, &simulated.series, &labels, &sections));
    SEI_TRY(for_choices(file, output, remove_others));
    sei_file_remove(mark);
    if (truth != NULL) {
        *truth = numbers;
        numbers = (sei_numbers){0};
    }
done:
    if (status != SEI_OK && mark != NULL && !begun && !was_unfinished) sei_file_remove(mark);
    if (status != SEI_OK) remove_empty_folders(output, !there);
    sei_free(mark);
    sei_simulated_free(&simulated);
    sei_labels_free(&labels);
    sei_sections_free(&sections);
    sei_numbers_free(&numbers);
    sei_provenance_free(&provenance);
    return status;
}
