/* Runs a simulation and writes the series with its truth. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/io.h"
#include "study/simulation_file.h"

/* One electron's charge in coulomb (exact, SI 2019). */
static const double electron_c = 1.602176634e-19;

static sei_status in_folder(const char *folder, const char *name, char **path) {
    return sei_path_join(folder, name, path);
}

/* tilt_deg,order,current_pa,seconds,dose_e_per_nm2,cumulative_e_per_nm2, and the dose into each tilt. */
static sei_status ledger(const sei_simulation_file *file, sei_series *series, sei_table *out) {
    static const char *const columns[] = {"tilt_deg", "order", "current_pa", "seconds", "dose_e_per_nm2", "cumulative_e_per_nm2"};
    const sei_simulation *s = &file->simulation;
    const double field_nm2 = (double)(s->nx * s->ny) * s->pixel_nm * s->pixel_nm;
    const double dose = file->current_pa * 1e-12 * file->seconds / electron_c / field_nm2;
    const sei_status status = sei_table_alloc("dose", 6, columns, (size_t)series->n_tilts, out);
    if (status != SEI_OK) return status;
    for (int64_t t = 0; t < series->n_tilts; ++t) {
        const double row[6] = {series->tilts[t].tilt_deg,          series->tilts[t].order, file->current_pa, file->seconds, dose,
                               dose * (series->tilts[t].order + 1)};
        memcpy(out->cells + t * 6, row, sizeof row);
        series->tilts[t].dose_e_per_nm2 = dose;
    }
    return SEI_OK;
}

static sei_status write_truth(const char *folder, const sei_simulation *s, const sei_labels *labels, const sei_volume *volumes,
                              const sei_numbers *numbers, const sei_provenance *provenance, bool overwrite) {
    char name[SEI_NAME_LENGTH + 16];
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(in_folder(folder, "truth_labels.mrc", &path));
    SEI_TRY(sei_io_write_labels(path, labels, provenance, overwrite));
    for (size_t c = 0; c < s->n_channels; ++c) {
        sei_free(path);
        path = NULL;
        snprintf(name, sizeof name, "truth_%s.mrc", s->channel_names[c]);
        SEI_TRY(in_folder(folder, name, &path));
        SEI_TRY(sei_io_write_volumes(path, 1, &volumes[c], NULL, overwrite));
    }
    sei_free(path);
    path = NULL;
    SEI_TRY(in_folder(folder, "truth.json", &path));
    SEI_TRY(sei_io_write_numbers(path, numbers, NULL, overwrite));
done:
    sei_free(path);
    return status;
}

static sei_status write_tables(const char *folder, const sei_table *shifts, const sei_table *dose, bool overwrite) {
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(in_folder(folder, "shifts_true.csv", &path));
    SEI_TRY(sei_io_write_table(path, shifts, overwrite));
    if (dose->n_rows == 0) goto done;
    sei_free(path);
    path = NULL;
    SEI_TRY(in_folder(folder, "dose.csv", &path));
    SEI_TRY(sei_io_write_table(path, dose, overwrite));
done:
    sei_free(path);
    return status;
}

/* Nothing may be in the way of any file: before the work, not after it. */
static sei_status check_targets(const sei_simulation_file *file, const char *folder, bool overwrite) {
    static const char *const fixed[] = {"series.emd",        "series.json", "simulation.json", "truth_labels.mrc",
                                        "truth_labels.json", "truth.json",  "shifts_true.csv", "dose.csv"};
    const size_t n_fixed = sizeof fixed / sizeof fixed[0];
    char name[SEI_NAME_LENGTH + 16];
    sei_status status = SEI_OK;
    for (size_t i = 0; status == SEI_OK && i < n_fixed + file->simulation.n_channels; ++i) {
        char *path = NULL;
        if (i < n_fixed) snprintf(name, sizeof name, "%s", fixed[i]);
        if (i >= n_fixed) snprintf(name, sizeof name, "truth_%s.mrc", file->simulation.channel_names[i - n_fixed]);
        status = in_folder(folder, name, &path);
        if (status == SEI_OK) status = sei_file_check_target(path, overwrite);
        sei_free(path);
    }
    return status;
}

static sei_status write_description(const sei_simulation_file *file, const char *folder, bool overwrite) {
    char *path = NULL;
    sei_status status = in_folder(folder, "simulation.json", &path);
    if (status == SEI_OK) status = sei_file_write_text(path, overwrite, file->resolved, strlen(file->resolved));
    sei_free(path);
    return status;
}

sei_status sei_simulation_run(const sei_simulation_file *file, const char *folder, bool mrc, bool overwrite, sei_numbers *truth) {
    const sei_simulation *s = &file->simulation;
    sei_series series = {0};
    sei_table shifts = {0};
    sei_table dose = {0};
    sei_labels labels = {0};
    sei_volume volumes[SEI_SIMULATE_MAX_CHANNELS] = {0};
    sei_numbers numbers = {0};
    sei_provenance provenance = {.stage = "simulate"};
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_folder_make(folder));
    SEI_TRY(check_targets(file, folder, overwrite));
    SEI_TRY(in_folder(folder, "series.emd", &path));
    SEI_TRY(sei_provenance_set(&provenance, "title", "%s", file->title));
    SEI_TRY(sei_provenance_set(&provenance, "seed", "%llu", (unsigned long long)s->seed));
    char hash[65];
    sei_io_sha256_bytes(file->resolved, strlen(file->resolved), hash);
    SEI_TRY(sei_provenance_set(&provenance, "description_sha256", "%s", hash));
    SEI_TRY(sei_simulate(s, &series, &shifts, &labels, volumes, &numbers));
    series.axis_offset_px = 0; /* a microscope does not know it either: finding it is align's work */
    SEI_TRY(sei_numbers_set(&numbers, "axis_offset_px", s->axis_offset_px, "px", 0));
    if (file->current_pa > 0 && file->seconds > 0) SEI_TRY(ledger(file, &series, &dose));
    SEI_TRY(sei_io_write_series(path, &series, &provenance, overwrite));
    if (mrc) {
        sei_free(path);
        path = NULL;
        SEI_TRY(in_folder(folder, "series.mrc", &path));
        SEI_TRY(sei_io_write_series(path, &series, NULL, overwrite));
    }
    SEI_TRY(write_description(file, folder, overwrite));
    SEI_TRY(write_truth(folder, s, &labels, volumes, &numbers, &provenance, overwrite));
    SEI_TRY(write_tables(folder, &shifts, &dose, overwrite));
    if (truth != NULL) {
        *truth = numbers;
        numbers = (sei_numbers){0};
    }
done:
    sei_free(path);
    sei_series_free(&series);
    sei_table_free(&shifts);
    sei_table_free(&dose);
    sei_labels_free(&labels);
    for (size_t c = 0; c < SEI_SIMULATE_MAX_CHANNELS; ++c) sei_volume_free(&volumes[c]);
    sei_numbers_free(&numbers);
    sei_provenance_free(&provenance);
    return status;
}
