/*
 * The card as the operators see it: its table, what is kept between calls, and how errors travel. The projectors run on
 * the device's stream, the others on the default stream, which waits for it and it for them: operators start in the order
 * of their calls; download and the sums wait for them.
 */
#ifndef SEI_CUDA_DEVICE_CUH
#define SEI_CUDA_DEVICE_CUH

#include "backend/footprint.h"
#include "platform.cuh"
#include "seitomo/backend.h"

/* The shape of a block of every projector: a warp along y for each ray, voxel or column, each lane so many slices. */
enum { WARP = 32, SLICES_PER_LANE = 4, SLICES_PER_BLOCK = WARP * SLICES_PER_LANE };

/* An array of floats on the card. */
struct sei_buffer {
    float *data;
    size_t count;
};

/* One tilt, as the kernels need it. */
struct sei_cuda_tilt {
    double cos_tilt, sin_tilt, axis_u;
    double inverse_main; /* 1/cos where |cos| >= |sin|, else 1/sin: voxels of a row per bin */
    sei_footprint footprint;
};

/* The sizes of a slab, passed to kernels by value. */
struct sei_cuda_shape {
    int nx, nz, nu, ny, n_tilts;
    const uint8_t *support; /* [nz][nx] on the card, or NULL */
};

/* What the operators work on in one block of slices: the block as a slab, and where it begins in the slab and its arrays. */
struct sei_cuda_block {
    sei_slab slab;
    int first;
    size_t volume, sinogram;
};
static inline sei_cuda_block sei_cuda_block_of(const sei_slab *slab, int index) {
    sei_cuda_block b = {};
    b.slab = sei_slab_block(slab, index, &b.first);
    b.volume = (size_t)slab->nz * (size_t)slab->nx * (size_t)b.first;
    b.sinogram = (size_t)slab->n_tilts * (size_t)slab->nu * (size_t)b.first;
    return b;
}

enum sei_cuda_scratch_use {
    SEI_SCRATCH_SUMS = 0, /* partial and final sums per slice */
    SEI_SCRATCH_PARTIALS, /* what the tiles have of the bins */
    SEI_SCRATCH_REAL,     /* rows before and after a transform */
    SEI_SCRATCH_SPECTRUM,
    SEI_SCRATCH_SPECTRUM_B,
    SEI_SCRATCH_TABLE, /* filter response, band, image transforms; the opening's probe */
    SEI_SCRATCH_COUNT
};

/* A pair of cuFFT plans: rows == 1 and batch > 1 for rows along u, rows > 1 for images. */
struct sei_cuda_plan {
    int rows, n, batch; /* n = 0: empty */
    cufftHandle forward, backward;
};
enum { SEI_CUDA_PLANS = 4 };

/* Something small that operators need on the card: found again by its content, so that a repeated call uploads nothing. */
struct sei_cuda_constant {
    void *host, *data;
    size_t bytes;
};
enum { SEI_CUDA_CONSTANTS = 512, SEI_CUDA_RECORDINGS = 8 };

/* Sums that a repeated body brings to the host: from its pinned memory to the caller's, after every replay. */
struct sei_cuda_delivery {
    double *to;
    size_t from, stride, width; /* SEI_SUM_COUNT rows of `width`, `stride` apart at the caller's */
};
/* One body that is repeated (graph.cu). */
struct sei_cuda_recording {
    const void *key;
    enum { EMPTY = 0, SEEN, RECORDED, REFUSED } state;
    cudaGraphExec_t graph;
    double *pinned;
    size_t pinned_count, pinned_used;
    sei_cuda_delivery *deliveries;
    size_t n_deliveries, deliveries_room;
};

/* Which kernels project: rays that gather, or tiles of 16 columns of 8 or 16 voxels. */
enum sei_cuda_projector { SEI_PROJECTOR_RAYS = 0, SEI_PROJECTOR_TILES_8 = 8, SEI_PROJECTOR_TILES_16 = 16 };

struct sei_cuda_device {
    sei_device face; /* first: the table */
    sei_backend table;
    char description[192];
    sei_status (*fail)(sei_status status, const char *format, ...);
    cudaStream_t stream, copies; /* the projectors'; upload_begin's and download_begin's */
    cudaEvent_t before_copies;
    sei_cuda_projector projector;
    bool fast;            /* sums over tiles by atomics, in no fixed order */
    size_t partial_bytes; /* SEI_SCRATCH_PARTIALS may grow to this */
    struct {
        void *data;
        size_t bytes;
    } scratch[SEI_SCRATCH_COUNT];
    sei_cuda_constant constants[SEI_CUDA_CONSTANTS];
    int n_constants;
    double *pinned_sums;
    size_t n_pinned_sums;
    sei_cuda_recording recordings[SEI_CUDA_RECORDINGS];
    int next_recording;
    sei_cuda_recording *seeing, *recording; /* the body that runs now is seen for the first time, or recorded */
    sei_cuda_plan plans[SEI_CUDA_PLANS];
    int next_plan;
};

static inline sei_cuda_device *sei_cuda_of(sei_device *device) {
    return reinterpret_cast<sei_cuda_device *>(device);
}

/* Out of memory becomes SEI_ERR_MEMORY, everything else SEI_ERR_ENVIRONMENT with CUDA's own words. */
sei_status sei_cuda_failed(sei_cuda_device *device, cudaError_t error, const char *what);
sei_status sei_cufft_failed(sei_cuda_device *device, cufftResult result, const char *what);

#define SEI_CUDA_TRY(device, call)                                                  \
    do {                                                                            \
        const cudaError_t error_ = (call);                                          \
        if (error_ != cudaSuccess) return sei_cuda_failed((device), error_, #call); \
    } while (0)
#define SEI_CUFFT_TRY(device, call)                                                      \
    do {                                                                                 \
        const cufftResult result_ = (call);                                              \
        if (result_ != CUFFT_SUCCESS) return sei_cufft_failed((device), result_, #call); \
    } while (0)
/* Passes a failure on. */
#define SEI_RETURN(call)                       \
    do {                                       \
        const sei_status status_ = (call);     \
        if (status_ != SEI_OK) return status_; \
    } while (0)

/* Checks the launch just made; what the kernel itself does wrong shows at the next copy. */
sei_status sei_cuda_launched(sei_cuda_device *device, const char *kernel);

/* At least `bytes` of device memory for one use; the content of an earlier call is lost when it grows. */
sei_status sei_cuda_scratch(sei_cuda_device *device, sei_cuda_scratch_use use, size_t bytes, void **out);
/* Puts `bytes` of host memory into a scratch. */
sei_status sei_cuda_upload_scratch(sei_cuda_device *device, sei_cuda_scratch_use use, const void *from, size_t bytes, void **out);
/* A copy of `bytes` of host memory on the card, which stays as long as the device; uploaded only when it is new. */
sei_status sei_cuda_constant_of(sei_cuda_device *device, const void *from, size_t bytes, const void **out);
void sei_cuda_constants_free(sei_cuda_device *device);
/* The slab's tilts on the card. */
sei_status sei_cuda_tilts(sei_cuda_device *device, const sei_slab *slab, const sei_cuda_tilt **out);
/* Reads the device's options and environment, and asks the card for the shared memory that the projector needs. */
sei_status sei_cuda_choose_projector(sei_cuda_device *device, const sei_device_options *options, const cudaDeviceProp *card);

/* Room for the sums of `chunks` parts of a block's bins, and one more for their sum. */
sei_status sei_cuda_sums_room(sei_cuda_device *device, const sei_slab *block, size_t chunks, double **out);
/* Adds up partial[chunk][SEI_SUM_COUNT][ny] in order and brings it to the block's slices of sums[SEI_SUM_COUNT][ny] on the host.
 */
sei_status sei_cuda_bring_sums(sei_cuda_device *device, double *partial, size_t chunks, const sei_slab *slab,
                               const sei_cuda_block *block, double *sums);
/* The same inside a body that is being recorded: the copy becomes part of the graph. */
sei_status sei_cuda_record_delivery(sei_cuda_device *device, const double *from, const sei_cuda_delivery &delivery);
void sei_cuda_deliver(const double *pinned, const sei_cuda_delivery &delivery);
/* Recordings name memory of the card: they are forgotten when any of it goes. */
void sei_cuda_forget_recordings(sei_cuda_device *device);

enum { SEI_CUDA_MAX_SIDE = 1 << 20 };
/* What every operator refuses before it touches memory, as the host backends do: SEI_ERR_USAGE with the reason. */
sei_status sei_cuda_check_slab(sei_cuda_device *device, const char *op, const sei_slab *slab);
sei_status sei_cuda_check_buffer(sei_cuda_device *device, const char *op, const char *name, const sei_buffer *buffer,
                                 size_t needed);
sei_status sei_cuda_check_optional(sei_cuda_device *device, const char *op, const char *name, const sei_buffer *buffer,
                                   size_t needed);
/* Input and output must be two buffers. */
sei_status sei_cuda_check_distinct(sei_cuda_device *device, const char *op, const sei_buffer *in, const sei_buffer *out);
/* Volume and sinogram of a slab, as every projection takes them. */
sei_status sei_cuda_check_projection(sei_cuda_device *device, const char *op, const sei_slab *slab, const sei_buffer *volume,
                                     const sei_buffer *sinogram);
/* The operands of em_update and sirt_update. */
sei_status sei_cuda_check_update(sei_cuda_device *device, const char *op, const sei_slab *slab, const sei_buffer *sinogram,
                                 const sei_buffer *inverse, bool per_slice, const sei_buffer *volume);
/* The length of a transform: even, 2^a 3^b 5^c, at least `least`. */
sei_status sei_cuda_check_length(sei_cuda_device *device, const char *op, const char *name, int n, int least);
/* `count` blocks or threads as a launch's x extent; SEI_ERR_USAGE beyond what a card takes. */
sei_status sei_cuda_extent(sei_cuda_device *device, const char *op, size_t count, unsigned *out);

static inline size_t sei_cuda_volume_count(const sei_slab *s) {
    return (size_t)s->nz * (size_t)s->nx * (size_t)s->ny;
}
static inline size_t sei_cuda_sinogram_count(const sei_slab *s) {
    return (size_t)s->n_tilts * (size_t)s->nu * (size_t)s->ny;
}
static inline sei_cuda_shape sei_cuda_shape_of(const sei_slab *s) {
    const sei_cuda_shape shape = {s->nx, s->nz, s->nu, s->ny, s->n_tilts, nullptr};
    return shape;
}
/* The same with the slab's support on the card. */
sei_status sei_cuda_shape_with_support(sei_cuda_device *device, const sei_slab *slab, sei_cuda_shape *out);

/* Plans for `batch` interleaved real rows of length n (rows = 1) or for one image of `rows` rows of n; kept. */
sei_status sei_cuda_plans(sei_cuda_device *device, int rows, int n, int batch, const sei_cuda_plan **out);
void sei_cuda_plans_free(sei_cuda_device *device);

#define X(op, parameters) sei_status sei_cuda_##op parameters;
SEI_OPERATOR_LIST(X)
SEI_MEMORY_LIST(X)
#undef X
void sei_cuda_release(sei_device *device, sei_buffer *buffer);
void sei_cuda_release_host(sei_device *device, float *memory);
size_t sei_cuda_free_bytes(sei_device *device);

/* The phase-field model's part of the table. */
extern const struct sei_pf_device sei_cuda_phasefield;

/* Opens card 0 (CUDA_VISIBLE_DEVICES chooses which that is), proves that it runs this module's kernels. */
sei_status sei_cuda_open(const sei_module_host *host, const sei_device_options *options, sei_cuda_device **out);
void sei_cuda_close(sei_device *device);

#endif
