/* Memory and checks that the host backends (ref and cpu) share. */
#ifndef SEI_BACKEND_HOST_H
#define SEI_BACKEND_HOST_H

#include <stddef.h>

#include "seitomo/backend.h"

struct sei_buffer {
    size_t count;
    float *data;
};

typedef struct sei_host_device {
    sei_device device; /* first: a sei_device* is a sei_host_device* */
    int threads;
    bool poison; /* new buffers are filled with NaN, so that a read of nothing shows */
    char description[SEI_TEXT_LENGTH];
    sei_backend table;
} sei_host_device;

static inline sei_host_device *sei_host(sei_device *device) {
    return (sei_host_device *)device;
}

/* An empty device of `bytes` (a struct that begins with sei_host_device) with the memory operators filled in. */
sei_status sei_host_device_new(const sei_device_options *options, size_t bytes, sei_host_device **out) SEI_MUST_CHECK;
size_t sei_host_free_bytes(sei_device *device);
/* Asks for large pages: the projectors walk through more memory than the small ones' addresses that a core remembers. */
void sei_host_large_pages(void *memory, size_t bytes);

static inline size_t sei_slab_volume_count(const sei_slab *slab) {
    return (size_t)slab->nz * (size_t)slab->nx * (size_t)slab->ny;
}
static inline size_t sei_slab_sinogram_count(const sei_slab *slab) {
    return (size_t)slab->n_tilts * (size_t)slab->nu * (size_t)slab->ny;
}

/* What an operator works on in one block: the block as a slab, and where its slices begin in the slab and in its arrays. */
typedef struct sei_host_block {
    sei_slab slab;
    int first;               /* slice of the whole slab */
    size_t volume, sinogram; /* floats before this block */
} sei_host_block;
static inline sei_host_block sei_host_block_of(const sei_slab *slab, int index) {
    sei_host_block b = {0};
    b.slab = sei_slab_block(slab, index, &b.first);
    b.volume = (size_t)slab->nz * (size_t)slab->nx * (size_t)b.first;
    b.sinogram = (size_t)slab->n_tilts * (size_t)slab->nu * (size_t)b.first;
    return b;
}

/* Sizes from 1 to 2^20, finite geometry, a known kernel. SEI_ERR_USAGE names what is wrong. */
sei_status sei_check_slab(const char *operator_name, const sei_slab *slab) SEI_MUST_CHECK;
/* A buffer that is there and holds at least `need` floats. SEI_ERR_USAGE. */
sei_status sei_check_buffer(const char *operator_name, const char *what, const sei_buffer *buffer, size_t need) SEI_MUST_CHECK;
sei_status sei_check_optional(const char *operator_name, const char *what, const sei_buffer *buffer, size_t need) SEI_MUST_CHECK;
/* Two buffers that may not be one. */
sei_status sei_check_distinct(const char *operator_name, const sei_buffer *in, const sei_buffer *out) SEI_MUST_CHECK;
/* An even length 2^a 3^b 5^c from `least` to 2^24. */
sei_status sei_check_length(const char *operator_name, int n, int least) SEI_MUST_CHECK;

/* The operands of the operators, checked once for every host backend. */
sei_status sei_check_projection(const char *operator_name, const sei_slab *slab, const sei_buffer *volume,
                                const sei_buffer *sinogram) SEI_MUST_CHECK;
sei_status sei_check_em_ratio(const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts, const sei_buffer *weight,
                              const sei_buffer *background, const sei_buffer *sinogram) SEI_MUST_CHECK;
sei_status sei_check_sirt_residual(const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts,
                                   const sei_buffer *weight, const sei_buffer *background, const sei_buffer *inverse_row,
                                   bool per_slice, const sei_buffer *sinogram) SEI_MUST_CHECK;
sei_status sei_check_update(const char *operator_name, const sei_slab *slab, const sei_buffer *sinogram,
                            const sei_buffer *inverse, bool per_slice, const sei_buffer *volume) SEI_MUST_CHECK;
sei_status sei_check_filter_rows(const sei_slab *slab, const float *response, int n_padded,
                                 const sei_buffer *sinogram) SEI_MUST_CHECK;
sei_status sei_check_correlate(int nx, int ny, const float *band, const sei_buffer *a, const sei_buffer *b,
                               const sei_buffer *out) SEI_MUST_CHECK;
sei_status sei_check_resample(int nx, int ny, int n, const double *xf, int interpolation, const sei_buffer *in,
                              const sei_buffer *out, const sei_buffer *covered) SEI_MUST_CHECK;
sei_status sei_check_expose(const sei_exposure *exposure, size_t n, const sei_buffer *mean, const sei_buffer *out) SEI_MUST_CHECK;

/* Opens the built-in backends. */
sei_status sei_ref_open(const sei_device_options *options, sei_device **out) SEI_MUST_CHECK;
sei_status sei_cpu_open(const sei_device_options *options, sei_device **out) SEI_MUST_CHECK;
/* The best instruction set of this processor among those built in, and whether a named one can be used. */
const char *sei_cpu_best_isa(void);
bool sei_cpu_has_isa(const char *isa);

/* The reference operators; cpu takes some of them when a library is absent. */
#define X(op, parameters) sei_status sei_ref_##op parameters SEI_MUST_CHECK;
SEI_OPERATOR_LIST(X)
#undef X

#endif
