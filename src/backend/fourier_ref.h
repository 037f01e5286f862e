/* The discrete Fourier transform by its definition, in double: O(n^2), for the reference. */
#ifndef SEI_BACKEND_FOURIER_REF_H
#define SEI_BACKEND_FOURIER_REF_H

#include <stdbool.h>

typedef struct sei_complex {
    double re, im;
} sei_complex;

/* roots[k] = exp(-2 pi i k/n), k = 0 .. n-1 */
void sei_dft_roots(int n, sei_complex *roots);
/* out[k] = sum over j of in[j] exp(-+ 2 pi i jk/n), j = 0 .. n-1, k = 0 .. n_out-1; no scaling. inverse: sign +. */
void sei_dft(int n, const sei_complex *roots, bool inverse, const sei_complex *in, int n_out, sei_complex *out);

#endif
