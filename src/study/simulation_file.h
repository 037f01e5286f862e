/* A simulation file (YAML): image, tilts, channels, materials, bodies and the experiment, as data/demo.yaml explains. */
#ifndef SEI_STUDY_SIMULATION_FILE_H
#define SEI_STUDY_SIMULATION_FILE_H

#include "seitomo/simulate.h"

typedef struct sei_simulation_file {
    sei_simulation simulation; /* points into the fields below */
    char title[SEI_TEXT_LENGTH];
    double current_pa, seconds; /* per tilt; 0: not stated, no doses */
    double *tilt_deg;
    sei_material *materials; /* [0] is vacuum */
    double *signal;
    sei_body *bodies;
    char *resolved; /* the whole file with overrides and defaults, as JSON text */
} sei_simulation_file;

/* Reads the file with overrides. SEI_ERR_INPUT names file, line and key; unknown materials are named with the known ones. */
sei_status sei_simulation_file_read(const char *path, size_t n_set, const char *const *set,
                                    sei_simulation_file *out) SEI_MUST_CHECK;
void sei_simulation_file_free(sei_simulation_file *file);

/*
 * Runs the simulation and writes into `folder`: series.emd, truth_labels.mrc, truth_<channel>.mrc, truth.json,
 * shifts_true.csv, dose.csv (when current and time are stated), and with mrc one series_<channel>.mrc each.
 * The dose of a tilt is current*time/(e * field of view), in e/nm^2.
 */
sei_status sei_simulation_run(const sei_simulation_file *file, const char *folder, bool mrc, bool overwrite,
                              sei_numbers *truth) SEI_MUST_CHECK;

#endif
