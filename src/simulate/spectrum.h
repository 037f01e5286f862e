/* Inside the spectra: lines as a detector shows them. */
#ifndef SEI_SIMULATE_SPECTRUM_H
#define SEI_SIMULATE_SPECTRUM_H

#include "seitomo/signal.h"

/* Part of a line, broadened by the detector, between two energies. */
double sei_line_between(const sei_microscope *microscope, double line_kev, double low_kev, double high_kev);
/* The detectors' solid angle over the whole sphere. */
double sei_solid_angle_share(const sei_microscope *microscope);

#endif
