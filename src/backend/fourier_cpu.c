/* filter_rows and correlate by KissFFT; without it the reference's plain transform serves. */
#include "backend/cpu.h"

#ifdef SEITOMO_HAVE_KISSFFT

#include <kiss_fft.h>
#include <kiss_fftr.h>

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_thread_num(void) {
    return 0;
}
#endif

#include "core/alloc.h"

/* What one thread works with: KissFFT's real transforms keep scratch in their state. */
typedef struct worker {
    kiss_fftr_cfg forward, inverse;
    float *row;             /* [n] */
    kiss_fft_cpx *spectrum; /* [n/2+1], or a column */
    kiss_fft_cpx *column;
} worker;

static void workers_free(int n_workers, worker *workers) {
    for (int i = 0; workers != NULL && i < n_workers; ++i) {
        kiss_fftr_free(workers[i].forward);
        kiss_fftr_free(workers[i].inverse);
        sei_free(workers[i].row);
        sei_free(workers[i].spectrum);
        sei_free(workers[i].column);
    }
    sei_free(workers);
}

static sei_status workers_make(int n_workers, int n, int n_column, worker **out) {
    sei_status status = SEI_OK;
    worker *workers = NULL;
    SEI_TRY(SEI_NEW(workers, n_workers, 1, 1));
    for (int i = 0; i < n_workers; ++i) {
        workers[i].forward = kiss_fftr_alloc(n, 0, NULL, NULL);
        workers[i].inverse = kiss_fftr_alloc(n, 1, NULL, NULL);
        SEI_TRY(SEI_NEW(workers[i].row, n, 1, 1));
        SEI_TRY(SEI_NEW(workers[i].spectrum, n / 2 + 1 > n_column ? n / 2 + 1 : n_column, 1, 1));
        SEI_TRY(SEI_NEW(workers[i].column, n_column, 1, 1));
        if (workers[i].forward == NULL || workers[i].inverse == NULL) {
            SEI_TRY(sei_fail(SEI_ERR_MEMORY, "out of memory: Fourier transforms of length %d", n));
        }
    }
    *out = workers;
    return SEI_OK;
done:
    workers_free(n_workers, workers);
    return status;
}

sei_status sei_cpu_filter_rows(sei_device *device, const sei_slab *s, const float *response, int n_padded, sei_buffer *sinogram) {
    sei_status status = SEI_OK;
    worker *workers = NULL;
    const int threads = sei_host(device)->threads;
    SEI_TRY(sei_check_filter_rows(s, response, n_padded, sinogram));
    SEI_TRY(workers_make(threads, n_padded, 0, &workers));
    const float scale = 1.0F / (float)n_padded;
    const size_t n_bins = (size_t)s->n_tilts * (size_t)s->nu;
#pragma omp parallel for collapse(2) schedule(static) num_threads(threads)
    for (int t = 0; t < s->n_tilts; ++t) {
        for (int y = 0; y < s->ny; ++y) {
            worker *w = &workers[omp_get_thread_num()];
            float *first = sinogram->data + sei_slab_at(s, n_bins, (size_t)t * (size_t)s->nu, y);
            const size_t step = sei_slab_at(s, n_bins, 1, y) - sei_slab_at(s, n_bins, 0, y);
            for (int u = 0; u < n_padded; ++u) w->row[u] = u < s->nu ? first[(size_t)u * step] : 0;
            kiss_fftr(w->forward, w->row, w->spectrum);
            for (int k = 0; k <= n_padded / 2; ++k) {
                w->spectrum[k].r *= response[k] * scale;
                w->spectrum[k].i *= response[k] * scale;
            }
            kiss_fftri(w->inverse, w->spectrum, w->row);
            for (int u = 0; u < s->nu; ++u) first[(size_t)u * step] = w->row[u];
        }
    }
done:
    workers_free(threads, workers);
    return status;
}

/* Rows forward: image[ny][nx] to half[ny][nx/2+1]. */
static void rows_forward(int threads, worker *workers, int nx, int ny, const float *image, kiss_fft_cpx *half) {
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int y = 0; y < ny; ++y) {
        kiss_fftr(workers[omp_get_thread_num()].forward, image + (size_t)y * (size_t)nx, half + (size_t)y * (size_t)(nx / 2 + 1));
    }
}

static void columns(int threads, worker *workers, kiss_fft_cfg plan, int nx, int ny, kiss_fft_cpx *half) {
    const int n_half = nx / 2 + 1;
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int x = 0; x < n_half; ++x) {
        worker *w = &workers[omp_get_thread_num()];
        for (int y = 0; y < ny; ++y) w->column[y] = half[(size_t)y * (size_t)n_half + (size_t)x];
        kiss_fft(plan, w->column, w->spectrum);
        for (int y = 0; y < ny; ++y) half[(size_t)y * (size_t)n_half + (size_t)x] = w->spectrum[y];
    }
}

sei_status sei_cpu_correlate(sei_device *device, int nx, int ny, const float *band, const sei_buffer *a, const sei_buffer *b,
                             sei_buffer *out) {
    sei_status status = SEI_OK;
    worker *workers = NULL;
    kiss_fft_cpx *first = NULL, *second = NULL;
    kiss_fft_cfg forward = NULL, inverse = NULL;
    const int threads = sei_host(device)->threads, n_half = nx / 2 + 1;
    SEI_TRY(sei_check_correlate(nx, ny, band, a, b, out));
    SEI_TRY(workers_make(threads, nx, ny, &workers));
    SEI_TRY(SEI_NEW(first, n_half, ny, 1));
    SEI_TRY(SEI_NEW(second, n_half, ny, 1));
    forward = kiss_fft_alloc(ny, 0, NULL, NULL);
    inverse = kiss_fft_alloc(ny, 1, NULL, NULL);
    if (forward == NULL || inverse == NULL)
        SEI_TRY(sei_fail(SEI_ERR_MEMORY, "out of memory: Fourier transforms of length %d", ny));
    rows_forward(threads, workers, nx, ny, a->data, first);
    rows_forward(threads, workers, nx, ny, b->data, second);
    columns(threads, workers, forward, nx, ny, first);
    columns(threads, workers, forward, nx, ny, second);
    const size_t n = (size_t)n_half * (size_t)ny;
    const float scale = 1.0F / ((float)nx * (float)ny);
    for (size_t i = 0; i < n; ++i) {
        const kiss_fft_cpx p = first[i], q = second[i];
        const float w = band[i] * scale;
        first[i].r = w * (p.r * q.r + p.i * q.i);
        first[i].i = w * (p.i * q.r - p.r * q.i);
    }
    columns(threads, workers, inverse, nx, ny, first);
#pragma omp parallel for schedule(static) num_threads(threads)
    for (int y = 0; y < ny; ++y) {
        kiss_fftri(workers[omp_get_thread_num()].inverse, first + (size_t)y * (size_t)n_half, out->data + (size_t)y * (size_t)nx);
    }
done:
    workers_free(threads, workers);
    kiss_fft_free(forward);
    kiss_fft_free(inverse);
    sei_free(first);
    sei_free(second);
    return status;
}

#else

sei_status sei_cpu_filter_rows(sei_device *device, const sei_slab *s, const float *response, int n_padded, sei_buffer *sinogram) {
    return sei_ref_filter_rows(device, s, response, n_padded, sinogram);
}

sei_status sei_cpu_correlate(sei_device *device, int nx, int ny, const float *band, const sei_buffer *a, const sei_buffer *b,
                             sei_buffer *out) {
    return sei_ref_correlate(device, nx, ny, band, a, b, out);
}

#endif
