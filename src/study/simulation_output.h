/* Inside study: what a simulation writes beside its series. */
#ifndef SEI_STUDY_SIMULATION_OUTPUT_H
#define SEI_STUDY_SIMULATION_OUTPUT_H

#include "seitomo/io.h"
#include "study/simulation_file.h"

/* Thin parts of the true volumes, for pictures: [n_channels], freed one by one. */
typedef struct sei_sections {
    sei_volume across[SEI_SIMULATE_MAX_CHANNELS]; /* a slab of rows round the middle of y */
} sei_sections;
void sei_sections_free(sei_sections *sections);

/* Labels, volumes and numbers of the truth into the folder; numbers gets what truth.json shall hold of them. */
sei_status sei_simulation_write_truth(const sei_simulation_file *file, const sei_simulation_output *output,
                                      const sei_simulated *simulated, const sei_provenance *provenance, sei_labels *labels,
                                      sei_sections *sections, sei_numbers *numbers) SEI_MUST_CHECK;

/* pictures/NAME.png for the names of sei_simulation_picture; title stands above them. */
sei_status sei_simulation_pictures(const char *title, const sei_simulation_output *output, const sei_series *series,
                                   const sei_labels *labels, const sei_sections *sections) SEI_MUST_CHECK;

#endif
