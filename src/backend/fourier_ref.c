#include "backend/fourier_ref.h"

#include <math.h>

void sei_dft_roots(int n, sei_complex *roots) {
    for (int k = 0; k < n; ++k) {
        const double angle = -2 * 3.14159265358979323846 * k / n;
        roots[k] = (sei_complex){cos(angle), sin(angle)};
    }
}

void sei_dft(int n, const sei_complex *roots, bool inverse, const sei_complex *in, int n_out, sei_complex *out) {
    for (int k = 0; k < n_out; ++k) {
        sei_complex sum = {0, 0};
        int power = 0; /* j*k modulo n */
        for (int j = 0; j < n; ++j) {
            const double c = roots[power].re, s = inverse ? -roots[power].im : roots[power].im;
            sum.re += in[j].re * c - in[j].im * s;
            sum.im += in[j].re * s + in[j].im * c;
            power += k;
            if (power >= n) power -= n;
        }
        out[k] = sum;
    }
}
