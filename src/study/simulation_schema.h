/* Inside study: a simulation file as libcyaml loads it. */
#ifndef SEI_STUDY_SIMULATION_SCHEMA_H
#define SEI_STUDY_SIMULATION_SCHEMA_H

#include "seitomo/simulate.h"
#include "study/signal_file.h"
#include "study/specimen_file.h"
#include "study/yaml.h"

typedef struct sei_channel_entry {
    char *name;
    sei_signal_channel_entry physics;
    double counts, background, noise, readout, gain, offset;
    int stored; /* sei_dtype */
} sei_channel_entry;

typedef struct sei_material_entry {
    char *name;
    int label;      /* -1: the known material's */
    double *signal; /* NULL: none given */
    unsigned n_signal;
    sei_signal_material_entry physics;
} sei_material_entry;

typedef struct sei_body_entry {
    int shape;
    char *material;
    double centre_nm[3], half_nm[3], rotation_deg;
} sei_body_entry;

typedef struct sei_tilts_entry {
    double from, to, step;
    int scheme; /* sei_scheme */
    double start;
    bool down_first;
    int group;
    double *missing;
    unsigned n_missing;
    int missing_count;
} sei_tilts_entry;

typedef struct sei_experiment_entry {
    double current_pa, seconds, dwell_us, dose_e_per_nm2;
    int frames;
    double angle_sd_deg, backlash_deg;
    double drift_px, drift_walk_px, drift_px_per_s[2], drift_in_tilt_px;
    double axis_deg, axis_error_deg, axis_offset_px;
    double blur_nm, blur_tilt_nm;
    char *contaminant;
    double contamination_nm_per_1e6;
    int hot_pixels, dead_rows, dead_columns;
} sei_experiment_entry;

typedef struct sei_simulation_entry {
    char *title;
    uint64_t seed;
    struct sei_image_entry {
        int nx, ny, nz, subsamples;
        double pixel_nm;
        bool beyond;
    } image;
    sei_tilts_entry tilts;
    sei_channel_entry *channels;
    unsigned n_channels;
    sei_material_entry *materials;
    unsigned n_materials;
    sei_body_entry *bodies;
    unsigned n_bodies;
    sei_specimen_entry *specimen; /* NULL: none */
    struct sei_labels_entry {
        char *file;
        double voxel_nm; /* 0: the file's */
    } * labels;          /* NULL: none */
    sei_microscope_entry microscope;
    sei_spectra_entry spectra;
    sei_experiment_entry experiment;
    struct sei_output_entry {
        bool volumes, measures, pictures;
    } output;
} sei_simulation_entry;

extern const sei_yaml_spec sei_simulation_spec;

#endif
