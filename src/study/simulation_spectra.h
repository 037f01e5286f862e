/* Inside study: the spectra of a simulation. */
#ifndef SEI_STUDY_SIMULATION_SPECTRA_H
#define SEI_STUDY_SIMULATION_SPECTRA_H

#include "study/simulation_output.h"

/* Who asks sei_simulate for its noise-free images. */
typedef struct sei_spectra_asker {
    const sei_simulation_file *file;
    const sei_simulation_output *output;
    const sei_provenance *provenance;
} sei_spectra_asker;

/*
 * Writes spectra.emd (sei_simulation.noise_free; asker is a sei_spectra_asker). The mean spectrum of a pixel is the sum of
 *   every EDS channel's net image times its element's lines, scaled so that the channel's window holds the channel's counts;
 *   stray lines, following all net counts of the pixel;
 *   bremsstrahlung, following the specimen's, bent so that every channel's window holds the channel's background.
 * Each bin's count is drawn by itself, apart from the maps' counts, which have the same means.
 */
sei_status sei_simulation_spectra(void *asker, const sei_noise_free *images) SEI_MUST_CHECK;

/* Before the work, nothing to do without spectra: no EDS channel, an element in two, a channel with overlaps. SEI_ERR_INPUT. */
sei_status sei_simulation_spectra_check(const sei_simulation_file *file) SEI_MUST_CHECK;

#endif
