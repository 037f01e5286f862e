/* Complex Fourier transforms of lines. KissFFT is single precision; the plain transform is double and costs n^2. */
#include "phasefield/mechanics_lines.h"

#include <math.h>

#include "core/alloc.h"

#ifdef SEITOMO_HAVE_KISSFFT

#include <kiss_fft.h>

struct sei_mech_lines {
    int64_t n;
    kiss_fft_cfg plan[2];
    kiss_fft_cpx *in, *out;
};

sei_status sei_mech_lines_make(int64_t n, sei_mech_lines **out) {
    sei_mech_lines *lines = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(lines, 1, 1, 1));
    lines->n = n;
    SEI_TRY(SEI_NEW(lines->in, n, 1, 1));
    SEI_TRY(SEI_NEW(lines->out, n, 1, 1));
    for (int inverse = 0; inverse < 2; ++inverse) {
        lines->plan[inverse] = kiss_fft_alloc((int)n, inverse, NULL, NULL);
        if (lines->plan[inverse] == NULL)
            SEI_TRY(sei_fail(SEI_ERR_MEMORY, "out of memory: Fourier transforms of length %lld", (long long)n));
    }
    *out = lines;
    return SEI_OK;
done:
    sei_mech_lines_free(lines);
    return status;
}

void sei_mech_lines_free(sei_mech_lines *lines) {
    if (lines == NULL) return;
    kiss_fft_free(lines->plan[0]);
    kiss_fft_free(lines->plan[1]);
    sei_free(lines->in);
    sei_free(lines->out);
    sei_free(lines);
}

void sei_mech_lines_transform(sei_mech_lines *lines, bool inverse, int64_t step, sei_mech_complex *line) {
    for (int64_t j = 0; j < lines->n; ++j) {
        lines->in[j].r = (float)line[j * step].re;
        lines->in[j].i = (float)line[j * step].im;
    }
    kiss_fft(lines->plan[inverse ? 1 : 0], lines->in, lines->out);
    for (int64_t j = 0; j < lines->n; ++j) line[j * step] = (sei_mech_complex){lines->out[j].r, lines->out[j].i};
}

#else

struct sei_mech_lines {
    int64_t n;
    sei_mech_complex *root, *in;
};

sei_status sei_mech_lines_make(int64_t n, sei_mech_lines **out) {
    sei_mech_lines *lines = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(lines, 1, 1, 1));
    lines->n = n;
    SEI_TRY(SEI_NEW(lines->root, n, 1, 1));
    SEI_TRY(SEI_NEW(lines->in, n, 1, 1));
    for (int64_t k = 0; k < n; ++k) {
        const double turn = 2 * acos(-1) * (double)k / (double)n;
        lines->root[k] = (sei_mech_complex){cos(turn), -sin(turn)};
    }
    *out = lines;
    return SEI_OK;
done:
    sei_mech_lines_free(lines);
    return status;
}

void sei_mech_lines_free(sei_mech_lines *lines) {
    if (lines == NULL) return;
    sei_free(lines->root);
    sei_free(lines->in);
    sei_free(lines);
}

void sei_mech_lines_transform(sei_mech_lines *lines, bool inverse, int64_t step, sei_mech_complex *line) {
    for (int64_t j = 0; j < lines->n; ++j) lines->in[j] = line[j * step];
    for (int64_t k = 0; k < lines->n; ++k) {
        double re = 0, im = 0;
        for (int64_t j = 0, at = 0; j < lines->n; ++j, at = (at + k) % lines->n) {
            const double c = lines->root[at].re, s = inverse ? -lines->root[at].im : lines->root[at].im;
            re += lines->in[j].re * c - lines->in[j].im * s;
            im += lines->in[j].re * s + lines->in[j].im * c;
        }
        line[k * step] = (sei_mech_complex){re, im};
    }
}

#endif
