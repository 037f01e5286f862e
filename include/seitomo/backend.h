/*
 * Backends: one list of operators, several places where they run.
 *
 *   ref            plain C in double precision; the specification every other backend is compared with
 *   cpu            OpenMP over slabs, one object per instruction set, chosen at start
 *   cuda           kernels and cuFFT in a module loaded at run time
 *   cuda-emulated  the same .cu files built by the host compiler, for machines without a card
 *
 * The unit of work is a slab: some slices along the tilt axis y, y innermost in memory, so that the weights of the
 * projector (which do not depend on y) are computed once for all of them.
 *
 *   volume slab    V[z][x][y]        nz * nx * ny floats
 *   sinogram slab  S[tilt][u][y]     n_tilts * nu * ny floats
 *
 * A slab with a block of B slices lies in memory as ny/B slabs of B slices one after another, V[ny/B][z][x][B] and
 * S[ny/B][tilt][u][B] (the last is narrower where B does not divide ny): what one processor works on stays together. Sums and
 * maps do not know of blocks. Several channels that share the geometry are simply more slices.
 *
 * Slices never mix: a result does not depend on how the volume was cut into slabs and blocks, nor on the number of threads.
 * cpu: avx2, avx512 and neon agree in every bit; baseline, without a fused multiply-add, differs from them in last bits.
 * Random numbers (expose) have the same bits on every backend.
 */
#ifndef SEITOMO_BACKEND_H
#define SEITOMO_BACKEND_H

#include "seitomo/types.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The projector's footprint of a voxel on the detector. d = distance of the bin from the voxel's centre, in bins. */
typedef enum sei_kernel {
    SEI_KERNEL_LINEAR = 0, /* Joseph 1982: w = max(0, c-|d|)/c^2, c = max(|cos|,|sin|); at most 2 bins */
    SEI_KERNEL_STRIP = 1   /* exact overlap of the square voxel with a strip one bin wide; at most 3 bins */
} sei_kernel;

/* The geometry of one slab. Arrays belong to the caller and outlive the calls. */
typedef struct sei_slab {
    int nx, nz, nu, ny;
    int n_tilts;
    const double *cos_tilt; /* [n_tilts] */
    const double *sin_tilt; /* [n_tilts] */
    const double *axis_u;   /* [n_tilts] bin coordinate of the projected axis: (nu-1)/2 + offset */
    sei_kernel kernel;
    int block;              /* slices that lie together, 0: all; see sei_slab_block below */
    const uint8_t *support; /* [nz][nx] 0: this voxel is 0 in every slice; NULL: everywhere may be something */
} sei_slab;

/* The slices first .. first+count-1 of a slab that lie together, as a slab of its own; `index` counts from 0. */
static inline int sei_slab_blocks(const sei_slab *slab) {
    return slab->block > 0 && slab->block < slab->ny ? (slab->ny + slab->block - 1) / slab->block : 1;
}
static inline sei_slab sei_slab_block(const sei_slab *slab, int index, int *first) {
    sei_slab part = *slab;
    part.block = 0;
    *first = sei_slab_blocks(slab) > 1 ? index * slab->block : 0;
    if (sei_slab_blocks(slab) > 1) part.ny = slab->ny - *first < slab->block ? slab->ny - *first : slab->block;
    return part;
}
/* Where the slab's element (item, y) lies, item = z*nx + x of n_items = nz*nx, or tilt*nu + u of n_tilts*nu. */
static inline size_t sei_slab_at(const sei_slab *slab, size_t n_items, size_t item, int y) {
    int first = 0;
    const sei_slab part = sei_slab_block(slab, sei_slab_blocks(slab) > 1 ? y / slab->block : 0, &first);
    return n_items * (size_t)first + item * (size_t)part.ny + (size_t)(y - first);
}

/* Per-slice sums that some operators report, as sums[which * ny + y], added up in a fixed order in double. */
enum {
    SEI_SUM_LOG_LIKELIHOOD = 0, /* sum of w*(b*log(m) - m) over bins with w > 0 and m > 0, m = Ax + r */
    SEI_SUM_COUNTED = 1,        /* sum of w*b over the same bins */
    SEI_SUM_RESIDUAL2 = 2,      /* sum of w*(b - m)^2 over all bins */
    SEI_SUM_MODEL = 3,          /* sum of w*m over all bins; without background this is the sum of (A'w)x */
    SEI_SUM_COUNT = 4
};

/* What a detector adds to an image: which random numbers, and how many. */
typedef struct sei_exposure {
    uint64_t seed;
    uint32_t stream;      /* one per purpose, such as a channel's */
    uint64_t first_index; /* number of the image's first element within the whole data set */
    bool counting;        /* true: Poisson counts; false: the mean itself */
    double noise;         /* standard deviation of the normal noise added afterwards; 0: none */
} sei_exposure;

typedef struct sei_device sei_device; /* an open backend with its memory and plans */
typedef struct sei_buffer sei_buffer; /* a float array that lives in a device */

/*
 * Operators. Every pointer to a buffer must come from the same device; shapes as in the slab; outputs may not alias
 * inputs unless said. All return SEI_ERR_USAGE when a buffer is too small, SEI_ERR_ENVIRONMENT when the device fails.
 *
 * project       S = A V. Weight of voxel (x,z) in bin u of tilt t: footprint(d), with
 *               d = (x-(nx-1)/2)*cos_t - (z-(nz-1)/2)*sin_t + axis_u[t] - u. Light off the detector is lost.
 * backproject   V = A' S with identical weights.
 *               Both pass over voxels outside the slab's support: project takes them as 0 whatever they hold,
 *               backproject makes them 0.
 * em_ratio      With m = A V + r (r = background, NULL: 0): S = w*b/m where w > 0 and m > 0, else 0. w = weight, NULL: all 1.
 *               sums[SEI_SUM_COUNT*ny] (host, may be NULL) is filled.
 * em_update     In place: V = V * (A' S) * inverse_sensitivity, except outside the support and where the inverse is 0 (these
 *               tilts do not see the voxel): there V is left alone. inverse_sensitivity is a map [nz][nx], or per_slice as the
 *               volume.
 * sirt_residual S = w*inverse_row*(b - r - A V); sums as above (likelihood and counted 0). inverse_row is [n_tilts][nu], or
 *               per_slice as the sinogram.
 * sirt_update   In place: V += relaxation*inverse_column*(A' S); then, when positive, V = max(V, 0); support and maps as in
 *               em_update.
 * filter_rows   In place on S: every row along u is padded with zeros to n_padded, its real FFT is multiplied by
 *               response[n_padded/2+1] (host), transformed back, and cut to nu. n_padded even, >= nu, 2^a 3^b 5^c.
 * correlate     out[ny][nx] = real( IFFT( FFT(a) * conj(FFT(b)) * band[ny][nx/2+1] ) ) / (nx*ny), both dimensions
 *               even and 2^a 3^b 5^c; band is on the host. The peak of out lies at the translation to apply to b
 *               to lay it on a (negative translations wrap round).
 * resample      n images: out(x,y) = in at (xf[0]*X + xf[1]*Y + xf[4], xf[2]*X + xf[3]*Y + xf[5]) relative to the image
 *               centre, X = x-(nx-1)/2, Y = y-(ny-1)/2; xf is [n][6] on the host. interpolation 1: bilinear,
 *               3: cubic (Keys, a = -1/2). covered[n][ny][nx] (may be NULL) gets 1 where all taps lie inside, else
 *               0; there out is 0. A position within 1e-6 px of a pixel's centre takes that pixel alone, so the
 *               identity is exact and covers the border (backend/resample_taps.h: one expression for all backends).
 * expose        out[i] = K_i + noise*Z_i for i = 0 .. n-1: K_i Poisson of mean[i] (or mean[i] itself), Z_i standard normal,
 *               from Philox4x32-10 with key seed and counter (first_index + i, attempt, stream): the numbers do not depend
 *               on how the image was cut, and every backend gives the same bits (core/random_variates.h). A mean not above
 *               0 counts 0, NaN stays NaN; a count is exact up to 2^24, then the nearest float, and above a mean of 2^50
 *               the mean. out may be the buffer of the mean. SEI_ERR_ENVIRONMENT in a build without Random123.
 */
#define SEI_OPERATOR_LIST(X)                                                                                                    \
    X(project, (sei_device * device, const sei_slab *slab, const sei_buffer *volume, sei_buffer *sinogram))                     \
    X(backproject, (sei_device * device, const sei_slab *slab, const sei_buffer *sinogram, sei_buffer *volume))                 \
    X(em_ratio, (sei_device * device, const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts,                 \
                 const sei_buffer *weight, const sei_buffer *background, sei_buffer *sinogram, double *sums))                   \
    X(em_update, (sei_device * device, const sei_slab *slab, const sei_buffer *sinogram, const sei_buffer *inverse_sensitivity, \
                  bool per_slice, sei_buffer *volume))                                                                          \
    X(sirt_residual,                                                                                                            \
      (sei_device * device, const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts, const sei_buffer *weight, \
       const sei_buffer *background, const sei_buffer *inverse_row, bool per_slice, sei_buffer *sinogram, double *sums))        \
    X(sirt_update, (sei_device * device, const sei_slab *slab, const sei_buffer *sinogram, const sei_buffer *inverse_column,    \
                    bool per_slice, float relaxation, bool positive, sei_buffer *volume))                                       \
    X(filter_rows, (sei_device * device, const sei_slab *slab, const float *response, int n_padded, sei_buffer *sinogram))      \
    X(correlate,                                                                                                                \
      (sei_device * device, int nx, int ny, const float *band, const sei_buffer *a, const sei_buffer *b, sei_buffer *out))      \
    X(resample, (sei_device * device, int nx, int ny, int n, const double *xf, int interpolation, const sei_buffer *in,         \
                 sei_buffer *out, sei_buffer *covered))                                                                         \
    X(expose, (sei_device * device, const sei_exposure *exposure, size_t n, const sei_buffer *mean, sei_buffer *out))

/*
 * Memory of a device, in the same table. alloc leaves the content undefined (NaN in cuda-emulated and debug builds).
 * upload and download copy `count` floats from or to element `offset`; they return when the host memory may be reused.
 *
 * upload_begin, download_begin   the same, but the copy may go on after they return, beside what operators then compute: the
 *               host memory belongs to the copy, and no operator may touch the buffer, until finish. A copy begins after
 *               the operators called before it. Only memory of alloc_host is copied without holding up the caller.
 * finish        waits for the copies begun.
 * alloc_host    `count` floats of host memory, content undefined, that the device copies fastest (page-locked where there is
 *               a card). release_host gives it back; the copies from or to it must be finished.
 * repeat        Runs body(context), which calls operators, and promises that it comes again under the same key (any address)
 *               with the same operators on the same buffers, numbers and places for sums. A device that can (cuda)
 *               records what the body does the second time and replays it from the third on without calling it; the
 *               others just call it. Sums are on the host when it returns. What else the body does on the host happens only
 *               when it is called, so it should do nothing else. Releasing any buffer ends all promises.
 */
#define SEI_MEMORY_LIST(X)                                                                                      \
    X(alloc, (sei_device * device, size_t count, sei_buffer * *out))                                            \
    X(upload, (sei_device * device, sei_buffer * buffer, size_t offset, size_t count, const float *from))       \
    X(download, (sei_device * device, const sei_buffer *buffer, size_t offset, size_t count, float *to))        \
    X(fill, (sei_device * device, sei_buffer * buffer, float value))                                            \
    X(upload_begin, (sei_device * device, sei_buffer * buffer, size_t offset, size_t count, const float *from)) \
    X(download_begin, (sei_device * device, const sei_buffer *buffer, size_t offset, size_t count, float *to))  \
    X(finish, (sei_device * device))                                                                            \
    X(alloc_host, (sei_device * device, size_t count, float **out))                                             \
    X(repeat, (sei_device * device, const void *key, sei_status (*body)(void *context), void *context))

typedef struct sei_backend {
    const char *name;
    const char *description; /* one line: instruction set or card, threads; for logs and doctor */
    int preferred_block;     /* for sei_slab.block: slices that this backend likes to have together; 0: all */
    const char *arithmetic;  /* what beside the name changes last bits: "fma" or "baseline" (cpu), "fast" (cuda); NULL: nothing */
#define X(op, parameters) sei_status(*op) parameters;
    SEI_OPERATOR_LIST(X)
    SEI_MEMORY_LIST(X)
#undef X
    void (*release)(sei_device *device, sei_buffer *buffer); /* NULL buffer: nothing */
    void (*release_host)(sei_device *device, float *memory); /* NULL: nothing */
    void (*close)(sei_device *device);
    size_t (*free_bytes)(sei_device *device); /* memory there is for buffers now; host backends: physical memory */
    const struct sei_pf_device *phasefield;   /* the phase-field model (phasefield/device.h); NULL: the host's own code runs it */
} sei_backend;

/* Every backend's device begins with its table, so an operator is called as  SEI_OP(device, project)(device, ...). */
struct sei_device {
    const sei_backend *backend;
};
#define SEI_OP(device, op) ((device)->backend->op)

typedef struct sei_device_options {
    const char *name; /* "auto", "ref", "cpu", "cuda", "cuda-emulated"; NULL: auto (a card if there is one, else cpu) */
    int threads;      /* 0: one per available core */
    bool fast;        /* cuda: sums over tiles in no fixed order, so that last bits differ from run to run */
    const char *isa;  /* cpu only: "auto", "baseline", "avx2", "avx512", "neon"; NULL: auto */
} sei_device_options;

/*
 * Opens a backend. Errors: SEI_ERR_USAGE (unknown name or instruction set), SEI_ERR_ENVIRONMENT (module or card or
 * instruction set asked for but absent, with the reason), SEI_ERR_MEMORY. Close with sei_device_close.
 */
sei_status sei_device_open(const sei_device_options *options, sei_device **out) SEI_MUST_CHECK;
void sei_device_close(sei_device *device); /* NULL: nothing */
/* The backend as provenance and stamps name it, equal where bits are: "ref", "cpu (fma)", "cpu (baseline)", "cuda", "cuda
 * (fast)". */
void sei_device_record(const sei_device *device, char record[SEI_NAME_LENGTH]);

/* Why a backend cannot be used here, as one line, or NULL if it can. Static or thread-local storage. */
const char *sei_backend_absence(const char *name);

/* What a module library (cuda, cuda-emulated) gets from the program and gives back through sei_backend_module. */
typedef struct sei_module_host {
    int interface_version; /* SEI_MODULE_VERSION of the program */
    sei_status (*fail)(sei_status status, const char *format, ...);
} sei_module_host;
enum { SEI_MODULE_VERSION = 4 };
typedef sei_status (*sei_backend_module_open)(const sei_module_host *host, const sei_device_options *options, sei_device **out);
#define SEI_BACKEND_MODULE_SYMBOL "sei_backend_module"

/*
 * For a program's main, before anything else: gcc's OpenMP threads spin while they wait, which on a machine that others use
 * too costs many times what it saves, and what they do is read from OMP_WAIT_POLICY when the program is loaded. Where neither
 * it nor GOMP_SPINCOUNT nor KMP_BLOCKTIME is set and there is more than one core, this starts the program anew with
 * OMP_WAIT_POLICY=passive: the same process, arguments and files, some milliseconds. Else, and where it cannot, it returns.
 * What loads libseitomo into a running program (an interpreter) sets the variable before it loads OpenMP, or bears the spinning.
 */
void sei_wait_asleep(char *const argv[]);

#ifdef __cplusplus
}
#endif
#endif
