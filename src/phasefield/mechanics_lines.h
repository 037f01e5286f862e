/* Complex Fourier transforms of lines, by KissFFT, or plainly where it is absent. */
#ifndef SEI_PHASEFIELD_MECHANICS_LINES_H
#define SEI_PHASEFIELD_MECHANICS_LINES_H

#include "seitomo/types.h"

typedef struct sei_mech_complex {
    double re, im;
} sei_mech_complex;

/* What transforms of one length need; for one thread at a time. */
typedef struct sei_mech_lines sei_mech_lines;

sei_status sei_mech_lines_make(int64_t n, sei_mech_lines **out) SEI_MUST_CHECK;
void sei_mech_lines_free(sei_mech_lines *lines);
/* line[k step] <- sum over j of line[j step] exp(-+ 2 pi i jk/n), in place, unscaled; inverse: sign +. */
void sei_mech_lines_transform(sei_mech_lines *lines, bool inverse, int64_t step, sei_mech_complex *line);

#endif
