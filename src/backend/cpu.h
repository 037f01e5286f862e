/* The cpu backend's kernels, one set per instruction set. */
#ifndef SEI_BACKEND_CPU_H
#define SEI_BACKEND_CPU_H

#include "backend/footprint.h"
#include "backend/host.h"
#include "backend/work.h"
#include "core/instruction_sets.h"

/* Constants of the tilts, as arrays, so that a table over tilts vectorises. */
typedef struct sei_tilt_table {
    const sei_footprint *footprint;                                        /* [n_tilts] */
    const double *c, *inverse_c2, *a, *b, *height, *inverse_ramp, *radius; /* [n_tilts] */
    void *memory;
} sei_tilt_table;

sei_status sei_tilt_table_make(const sei_slab *slab, sei_tilt_table *out) SEI_MUST_CHECK;
void sei_tilt_table_free(sei_tilt_table *table);

/* Absent in a build without Random123; cpu then refuses as the reference does. */
#ifdef SEITOMO_HAVE_RANDOM123
#define SEI_CPU_RANDOM_LIST(X) X(expose, (int threads, const sei_exposure *exposure, size_t n, const float *mean, float *out))
#else
#define SEI_CPU_RANDOM_LIST(X)
#endif

/* What becomes of a voxel V when its back projection is B: B itself, V*B*inverse (V where the inverse is 0), or
 * V + relaxation*inverse*B. */
typedef enum sei_update_kind { SEI_UPDATE_REPLACE = 0, SEI_UPDATE_MULTIPLY, SEI_UPDATE_ADD } sei_update_kind;
typedef struct sei_update {
    sei_update_kind kind;
    const float *inverse; /* [nz][nx], or per_slice as the volume; NULL: replace */
    bool per_slice;
    float relaxation;
    bool positive; /* never below 0 */
} sei_update;

/* What is computed per instruction set. Operands are checked by the caller; parts[n_tilts][SEI_SUM_COUNT][ny] or NULL. */
#define SEI_CPU_KERNEL_LIST(X)                                                                                              \
    X(project, (int threads, const sei_slab *slab, const sei_tilt_table *tilts, const float *volume, float *sinogram,       \
                const sei_work *work))                                                                                      \
    X(backproject, (int threads, const sei_slab *slab, const sei_tilt_table *tilts, const float *sinogram,                  \
                    const sei_update *update, float *volume, const sei_work *work))                                         \
    X(em_ratio, (int threads, const sei_slab *slab, const float *counts, const float *weight, const float *background,      \
                 float *sinogram, double *parts))                                                                           \
    X(sirt_residual, (int threads, const sei_slab *slab, const float *counts, const float *weight, const float *background, \
                      const float *inverse_row, bool per_slice, float *sinogram, double *parts))                            \
    SEI_CPU_RANDOM_LIST(X)

typedef struct sei_cpu_kernels {
    const char *isa;
#define X(op, parameters) void(*op) parameters;
    SEI_CPU_KERNEL_LIST(X)
#undef X
} sei_cpu_kernels;

/* One table per instruction set, each in its own object: sei_cpu_kernels_avx2 and its like. */
#define X(set) extern const sei_cpu_kernels sei_cpu_kernels_##set;
SEI_ISA_LIST(X)
#undef X

typedef struct sei_cpu_device {
    sei_host_device host; /* first */
    const sei_cpu_kernels *kernels;
    sei_work work;
} sei_cpu_device;

static inline sei_cpu_device *sei_cpu(sei_device *device) {
    return (sei_cpu_device *)device;
}

/* Operators that need no instruction set of their own. */
sei_status sei_cpu_filter_rows(sei_device *device, const sei_slab *slab, const float *response, int n_padded,
                               sei_buffer *sinogram) SEI_MUST_CHECK;
sei_status sei_cpu_correlate(sei_device *device, int nx, int ny, const float *band, const sei_buffer *a, const sei_buffer *b,
                             sei_buffer *out) SEI_MUST_CHECK;
sei_status sei_cpu_resample(sei_device *device, int nx, int ny, int n, const double *xf, int interpolation, const sei_buffer *in,
                            sei_buffer *out, sei_buffer *covered) SEI_MUST_CHECK;

#endif
