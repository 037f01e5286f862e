/*
 * cuFFT's calls on the CPU: KissFFT where it is there and the length is even, else the plain sum in double precision.
 * As in cuFFT nothing is normalised and a complex-to-real transform reads only the non-negative frequencies.
 */
#include <math.h>
#include <stdlib.h>

#include <map>
#include <mutex>
#include <new>
#include <vector>

#if defined(SEITOMO_HAVE_KISSFFT)
#include <kiss_fft.h>
#include <kiss_fftr.h>
#endif

#include "emulation.h"

namespace {

typedef std::vector<cufftComplex> line;

/* Transforms of one length: real forward and back, complex forward and back. */
struct transform {
    int n = 0;
    std::vector<double> cosine, sine; /* plain sum only */
#if defined(SEITOMO_HAVE_KISSFFT)
    kiss_fft_cfg complex_cfg[2] = {nullptr, nullptr};
    kiss_fftr_cfg real_cfg[2] = {nullptr, nullptr};
#endif

    bool make(int length, bool real) {
        n = length;
#if defined(SEITOMO_HAVE_KISSFFT)
        if (!real || n % 2 == 0) {
            for (int inverse = 0; inverse < 2; ++inverse) {
                if (real)
                    real_cfg[inverse] = kiss_fftr_alloc(n, inverse, nullptr, nullptr);
                else
                    complex_cfg[inverse] = kiss_fft_alloc(n, inverse, nullptr, nullptr);
                if (real_cfg[inverse] == nullptr && complex_cfg[inverse] == nullptr) return false;
            }
            return true;
        }
#endif
        (void)real;
        cosine.resize((size_t)n);
        sine.resize((size_t)n);
        for (int k = 0; k < n; ++k) {
            cosine[(size_t)k] = cos(2 * M_PI * k / n);
            sine[(size_t)k] = sin(2 * M_PI * k / n);
        }
        return true;
    }

    ~transform() {
#if defined(SEITOMO_HAVE_KISSFFT)
        for (int inverse = 0; inverse < 2; ++inverse) {
            free(complex_cfg[inverse]);
            free(real_cfg[inverse]);
        }
#endif
    }

    void forward_real(const std::vector<float> &in, line &out) const {
#if defined(SEITOMO_HAVE_KISSFFT)
        if (real_cfg[0] != nullptr) {
            kiss_fftr(real_cfg[0], in.data(), reinterpret_cast<kiss_fft_cpx *>(out.data()));
            return;
        }
#endif
        for (int k = 0; k < n / 2 + 1; ++k) {
            double re = 0, im = 0;
            for (int j = 0; j < n; ++j) {
                const size_t phase = (size_t)((int64_t)j * k % n);
                re += in[(size_t)j] * cosine[phase];
                im -= in[(size_t)j] * sine[phase];
            }
            out[(size_t)k] = {(float)re, (float)im};
        }
    }

    void backward_real(line &in, std::vector<float> &out) const {
        in[0].y = 0; /* a real signal's spectrum has none; cuFFT ignores it */
        if (n % 2 == 0) in[(size_t)(n / 2)].y = 0;
#if defined(SEITOMO_HAVE_KISSFFT)
        if (real_cfg[1] != nullptr) {
            kiss_fftri(real_cfg[1], reinterpret_cast<const kiss_fft_cpx *>(in.data()), out.data());
            return;
        }
#endif
        for (int j = 0; j < n; ++j) {
            double sum = in[0].x;
            for (int k = 1; k < n / 2 + 1; ++k) {
                const size_t phase = (size_t)((int64_t)j * k % n);
                const double twice = 2 * k == n ? 1 : 2;
                sum += twice * (in[(size_t)k].x * cosine[phase] - in[(size_t)k].y * sine[phase]);
            }
            out[(size_t)j] = (float)sum;
        }
    }

    void complex(const line &in, line &out, bool inverse) const {
#if defined(SEITOMO_HAVE_KISSFFT)
        if (complex_cfg[inverse] != nullptr) {
            kiss_fft(complex_cfg[inverse], reinterpret_cast<const kiss_fft_cpx *>(in.data()),
                     reinterpret_cast<kiss_fft_cpx *>(out.data()));
            return;
        }
#endif
        const double sign = inverse ? 1 : -1;
        for (int k = 0; k < n; ++k) {
            double re = 0, im = 0;
            for (int j = 0; j < n; ++j) {
                const size_t phase = (size_t)((int64_t)j * k % n);
                const cufftComplex v = in[(size_t)j];
                re += v.x * cosine[phase] - sign * v.y * sine[phase];
                im += v.y * cosine[phase] + sign * v.x * sine[phase];
            }
            out[(size_t)k] = {(float)re, (float)im};
        }
    }
};

/* in_* and out_* as in cufftPlanMany; rank 2 is contiguous. */
struct plan {
    int rows = 1, n = 0; /* rank 2: rows of n */
    int istride = 1, idist = 0, ostride = 1, odist = 0, batch = 1;
    cufftType type = CUFFT_R2C;
    transform along, across;
};

std::mutex plans_mutex;
std::map<int, plan *> plans;
int next_handle = 1;

plan *find(cufftHandle handle) {
    std::lock_guard<std::mutex> hold(plans_mutex);
    const auto found = plans.find(handle);
    return found == plans.end() ? nullptr : found->second;
}

/* Columns of a [rows][width] spectrum in place. */
void columns(const plan &p, std::vector<cufftComplex> &spectrum, size_t width, bool inverse) {
    const size_t rows = (size_t)p.rows;
    line in(rows), out(rows);
    for (size_t c = 0; c < width; ++c) {
        for (size_t r = 0; r < rows; ++r) in[r] = spectrum[r * width + c];
        p.across.complex(in, out, inverse);
        for (size_t r = 0; r < rows; ++r) spectrum[r * width + c] = out[r];
    }
}

void real_to_complex(const plan &p, const float *in, cufftComplex *out) {
    const size_t n = (size_t)p.n, width = n / 2 + 1, rows = (size_t)p.rows;
    std::vector<float> values(n);
    line spectrum(width);
    if (p.rows > 1) {
        std::vector<cufftComplex> all(rows * width);
        for (size_t r = 0; r < rows; ++r) {
            values.assign(in + r * n, in + (r + 1) * n);
            p.along.forward_real(values, spectrum);
            for (size_t k = 0; k < width; ++k) all[r * width + k] = spectrum[k];
        }
        columns(p, all, width, false);
        memcpy(out, all.data(), all.size() * sizeof(cufftComplex));
        return;
    }
    for (size_t b = 0; b < (size_t)p.batch; ++b) {
        for (size_t j = 0; j < n; ++j) values[j] = in[b * (size_t)p.idist + j * (size_t)p.istride];
        p.along.forward_real(values, spectrum);
        for (size_t k = 0; k < width; ++k) out[b * (size_t)p.odist + k * (size_t)p.ostride] = spectrum[k];
    }
}

void complex_to_real(const plan &p, cufftComplex *in, float *out) {
    const size_t n = (size_t)p.n, width = n / 2 + 1, rows = (size_t)p.rows;
    std::vector<float> values(n);
    line spectrum(width);
    if (p.rows > 1) {
        std::vector<cufftComplex> all(in, in + rows * width);
        columns(p, all, width, true);
        for (size_t r = 0; r < rows; ++r) {
            spectrum.assign(all.begin() + (ptrdiff_t)(r * width), all.begin() + (ptrdiff_t)((r + 1) * width));
            p.along.backward_real(spectrum, values);
            memcpy(out + r * n, values.data(), n * sizeof(float));
        }
        memset(in, 0xff, rows * width * sizeof(cufftComplex)); /* cuFFT may overwrite its input here: rely on nothing */
        return;
    }
    for (size_t b = 0; b < (size_t)p.batch; ++b) {
        for (size_t k = 0; k < width; ++k) spectrum[k] = in[b * (size_t)p.idist + k * (size_t)p.istride];
        p.along.backward_real(spectrum, values);
        for (size_t j = 0; j < n; ++j) out[b * (size_t)p.odist + j * (size_t)p.ostride] = values[j];
    }
}

}  // namespace

cufftResult cufftPlanMany(cufftHandle *handle, int rank, int *n, int *inembed, int istride, int idist, int *onembed, int ostride,
                          int odist, cufftType type, int batch) {
    const bool contiguous = inembed == nullptr || onembed == nullptr;
    if (rank < 1 || rank > 2 || n[0] < 1 || n[rank - 1] < 1 || batch < 1 || (rank == 2 && (!contiguous || batch != 1))) {
        return CUFFT_INVALID_VALUE;
    }
    plan *p = new (std::nothrow) plan();
    if (p == nullptr) return CUFFT_ALLOC_FAILED;
    p->rows = rank == 2 ? n[0] : 1;
    p->n = n[rank - 1];
    p->type = type;
    p->batch = batch;
    const int width = p->n / 2 + 1;
    p->istride = contiguous ? 1 : istride;
    p->ostride = contiguous ? 1 : ostride;
    p->idist = contiguous ? (type == CUFFT_R2C ? p->n : width) : idist;
    p->odist = contiguous ? (type == CUFFT_R2C ? width : p->n) : odist;
    if (!p->along.make(p->n, true) || !p->across.make(p->rows, false)) {
        delete p;
        return CUFFT_ALLOC_FAILED;
    }
    std::lock_guard<std::mutex> hold(plans_mutex);
    *handle = next_handle++;
    plans[*handle] = p;
    return CUFFT_SUCCESS;
}

cufftResult cufftDestroy(cufftHandle handle) {
    std::lock_guard<std::mutex> hold(plans_mutex);
    const auto found = plans.find(handle);
    if (found == plans.end()) return CUFFT_INVALID_PLAN;
    delete found->second;
    plans.erase(found);
    return CUFFT_SUCCESS;
}

cufftResult cufftExecR2C(cufftHandle handle, cufftReal *in, cufftComplex *out) {
    const plan *p = find(handle);
    if (p == nullptr || p->type != CUFFT_R2C) return CUFFT_INVALID_PLAN;
    const emulation::device_access open;
    real_to_complex(*p, in, out);
    return CUFFT_SUCCESS;
}

cufftResult cufftExecC2R(cufftHandle handle, cufftComplex *in, cufftReal *out) {
    const plan *p = find(handle);
    if (p == nullptr || p->type != CUFFT_C2R) return CUFFT_INVALID_PLAN;
    const emulation::device_access open;
    complex_to_real(*p, in, out);
    return CUFFT_SUCCESS;
}
