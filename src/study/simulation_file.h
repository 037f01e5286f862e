/* A simulation file (YAML): docs/simulate.md explains every key, data/demo.yaml is an example. */
#ifndef SEI_STUDY_SIMULATION_FILE_H
#define SEI_STUDY_SIMULATION_FILE_H

#include "seitomo/grow.h"
#include "seitomo/simulate.h"

/* The spectra a file asks for. */
typedef struct sei_spectra_wanted {
    bool summed, images; /* one per tilt; one per pixel and tilt, too */
    sei_energy_axis axis;
    size_t n_stray;
    sei_stray *stray;
} sei_spectra_wanted;

typedef struct sei_simulation_file {
    sei_simulation simulation; /* points into the fields below */
    char title[SEI_TEXT_LENGTH];
    double *tilt_deg;
    double *missing_deg;
    sei_material *materials; /* [0] is vacuum */
    double *signal;
    double *bremsstrahlung;
    sei_microscope *microscope;
    sei_signal_channel physics[SEI_SIMULATE_MAX_CHANNELS];
    sei_spectra_wanted spectra;
    sei_body *bodies;
    sei_grow *grow;     /* a specimen that is described, or NULL */
    int64_t oversample; /* its voxels per pixel and direction */
    char *labels_path;  /* a label volume that is the specimen, or NULL */
    double labels_voxel_nm;
    sei_grown grown; /* the voxels of either, once prepared */
    bool write_volumes, write_measures, write_pictures;
    char *resolved; /* the whole file with overrides and defaults, as JSON text */
} sei_simulation_file;

/* Reads the file with overrides. SEI_ERR_INPUT names file, line and key; unknown materials are named with the known ones.
 * SEI_ERR_ENVIRONMENT: channels of kind haadf or eds in a build without xraylib. */
sei_status sei_simulation_file_read(const char *path, size_t n_set, const char *const *set,
                                    sei_simulation_file *out) SEI_MUST_CHECK;
/* Grows the specimen that the file describes, or reads its labels, and lets it go on as far as the images reach beyond the
 * volume along y; nothing to do for bodies and a second time. The errors of
 * sei_grow_specimen, sei_io_read_labels and sei_grow_from_labels; two materials of one label are refused for labels. */
sei_status sei_simulation_file_prepare(sei_simulation_file *file) SEI_MUST_CHECK;
void sei_simulation_file_free(sei_simulation_file *file);

/* How a simulation is written. */
typedef struct sei_simulation_output {
    const char *folder;
    bool mrc, tiff; /* the series in these formats, too */
    bool overwrite;
} sei_simulation_output;

/* Stands in the folder while a simulation writes into it, and stays where it was stopped: sei_verify_folder tells of it. */
#define SEI_SIMULATION_UNFINISHED "unfinished.txt"

/*
 * Prepares the file, runs the simulation and writes into the folder: series.emd, truth_labels.mrc, truth_<channel>.mrc,
 * truth.json, shifts_true.csv, exposures_true.csv, faults_true.csv where there are faults, dose.csv where a dose is stated,
 * spectra.emd where spectra are asked for, simulation.json, pictures/, and with mrc and tiff one series_<channel> of that format
 * each. truth (may be NULL): what truth.json holds: measure's numbers of the true labels, the specimen's own, and the
 * experiment's. A warning says where the dose of the first voids, or the limit, is passed.
 */
sei_status sei_simulation_run(sei_simulation_file *file, const sei_simulation_output *output, sei_numbers *truth) SEI_MUST_CHECK;

/* The pictures of a run, in the order they are shown: {"tilt", "composite", "section", "labels"}; NULL beyond the last. */
const char *sei_simulation_picture(size_t index);

/* What a simulation needs: bytes of memory and disk, seconds on this machine (a rough estimate). */
typedef struct sei_simulation_plan {
    double memory_bytes, disk_bytes, seconds;
    int64_t n_tilts;
} sei_simulation_plan;
sei_status sei_simulation_make_plan(const sei_simulation_file *file, const sei_simulation_output *output,
                                    sei_simulation_plan *plan) SEI_MUST_CHECK;

#endif
