/*
 * CUDA's words for the host compiler, so that the kernels run on machines without a card: the index variables, shared
 * memory, barriers, atomics, warp collectives, device memory and cuFFT, as far as the kernels use them.
 *
 * What it finds: reads of memory that nobody wrote (allocations and shared arrays are filled with NaN), host accesses
 * to device memory (it is unmapped from the host's view outside kernels and copies), writes past an allocation, barriers
 * that not all threads of a block reach; with AddressSanitizer every index outside an allocation or shared array, with
 * ThreadSanitizer every race between the threads of a block. What it cannot find is written in docs/cuda.md.
 *
 * Environment, read when a device is opened:
 *   SEITOMO_EMULATED_ORDER=descending   threads and blocks run in the opposite order: other bits mean a missing barrier
 *   SEITOMO_EMULATED_MEMORY_MIB=N       the emulated card has N MiB
 *   SEITOMO_EMULATED_SHARED_KIB=N       a block may have N KiB of shared memory (227, as sm_90; 99 as sm_86, sm_89, sm_120)
 */
#ifndef SEI_EMULATION_H
#define SEI_EMULATION_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <functional>

#define __global__ static
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)

struct uint3 {
    unsigned x, y, z;
};
struct dim3 {
    unsigned x, y, z;
    constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};
extern __thread uint3 threadIdx, blockIdx, blockDim, gridDim;

struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
inline float2 make_float2(float x, float y) {
    return {x, y};
}
inline float4 make_float4(float x, float y, float z, float w) {
    return {x, y, z, w};
}

enum cudaError_t {
    cudaSuccess = 0,
    cudaErrorInvalidValue = 1,
    cudaErrorMemoryAllocation = 2,
    cudaErrorInvalidConfiguration = 9,
    cudaErrorNoDevice = 100,
    cudaErrorLaunchFailure = 719,
    cudaErrorStreamCaptureUnsupported = 900,
    cudaErrorStreamCaptureInvalidated = 901
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
struct cudaDeviceProp {
    char name[256];
    size_t totalGlobalMem;
    size_t sharedMemPerBlockOptin;
    int major, minor;
};

cudaError_t cudaGetDeviceCount(int *count);
cudaError_t cudaSetDevice(int device);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp *properties, int device);
cudaError_t cudaDriverGetVersion(int *version);
cudaError_t cudaRuntimeGetVersion(int *version);
cudaError_t cudaMemGetInfo(size_t *free_bytes, size_t *total_bytes);
cudaError_t cudaMalloc(void **out, size_t bytes);
cudaError_t cudaFree(void *memory);
cudaError_t cudaMemcpy(void *to, const void *from, size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemset(void *memory, int value, size_t bytes);
cudaError_t cudaDeviceSynchronize(void);
cudaError_t cudaGetLastError(void); /* this thread's last error, and forgets it */
const char *cudaGetErrorString(cudaError_t error);

/*
 * Streams: work is done when it is called, in its order; a stream that is being captured keeps it instead. Events order
 * nothing that is not ordered already.
 */
typedef struct sei_emulated_stream *cudaStream_t;
typedef struct sei_emulated_event *cudaEvent_t;
typedef struct sei_emulated_graph *cudaGraph_t, *cudaGraphExec_t;
enum { cudaStreamNonBlocking = 1, cudaEventDisableTiming = 2 };
enum cudaStreamCaptureMode { cudaStreamCaptureModeThreadLocal = 1 };
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
cudaError_t cudaStreamCreate(cudaStream_t *stream);
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags);
cudaError_t cudaStreamDestroy(cudaStream_t stream);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned flags);
cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode);
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph);
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned flags);
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream);
cudaError_t cudaEventDestroy(cudaEvent_t event);
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t *out, cudaGraph_t graph, unsigned long long flags);
cudaError_t cudaGraphLaunch(cudaGraphExec_t graph, cudaStream_t stream);
cudaError_t cudaGraphDestroy(cudaGraph_t graph);
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t graph);
cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream);
cudaError_t cudaMemsetAsync(void *memory, int value, size_t bytes, cudaStream_t stream);
cudaError_t cudaMallocHost(void **out, size_t bytes);
cudaError_t cudaFreeHost(void *memory);

/* cuFFT, single precision, in the forms the operators use. */
typedef int cufftHandle;
struct cufftComplex {
    float x, y;
};
typedef float cufftReal;
enum cufftResult { CUFFT_SUCCESS = 0, CUFFT_INVALID_PLAN = 1, CUFFT_ALLOC_FAILED = 2, CUFFT_INVALID_VALUE = 4 };
enum cufftType { CUFFT_R2C = 0x2a, CUFFT_C2R = 0x2c };
cufftResult cufftPlanMany(cufftHandle *plan, int rank, int *n, int *inembed, int istride, int idist, int *onembed, int ostride,
                          int odist, cufftType type, int batch);
cufftResult cufftDestroy(cufftHandle plan);
cufftResult cufftExecR2C(cufftHandle plan, cufftReal *in, cufftComplex *out);
cufftResult cufftExecC2R(cufftHandle plan, cufftComplex *in, cufftReal *out);

namespace emulation {

enum order { ascending = 0, descending = 1 };

/* Threads that run blocks (0: one per core), the order of threads and blocks, the card's memory (0: the machine's). */
void set_threads(int count);
int threads();
void set_order(order which);
void set_memory_limit(size_t bytes);
void set_shared_limit(size_t bytes);
size_t shared_limit();
void read_environment();

typedef void (*kernel_body)(void *closure);
void run(const char *name, bool has_barriers, dim3 grid, dim3 block, size_t shared_bytes, kernel_body body, void *closure);

/* Runs every thread of every block. Faults become this thread's last CUDA error, with a text that names the kernel. */
template <class Body>
void launch(const char *name, bool has_barriers, dim3 grid, dim3 block, size_t shared_bytes, Body body) {
    run(
        name, has_barriers, grid, block, shared_bytes, [](void *closure) { (*static_cast<Body *>(closure))(); }, &body);
}

/* Work of a stream: done now, or kept for the graph. */
void enqueue(cudaStream_t stream, std::function<void()> work);
cudaError_t copy_now(void *to, const void *from, size_t bytes, cudaMemcpyKind kind);
cudaError_t set_now(void *memory, int value, size_t bytes);
/* Whether any stream of this thread is being captured: then nothing may wait for the card (the error says what did). */
bool refuse_in_capture(const char *what);

/* The block's array for this key, the same for all its threads; NaN in every block until written. */
void *shared(const void *key, size_t bytes);
void *shared_dynamic();
void barrier(const char *file, int line);
void warp_barrier(const char *file, int line);
/* Every lane of the warp gives a value; afterwards peer(lane) is what that lane gave, *exists whether there is one. */
void warp_publish(uint64_t value, const char *file, int line);
uint64_t warp_peer(unsigned lane, bool *exists);
unsigned lane();
/* A copy into shared memory that arrives when the thread waits for it, not before: a missing wait leaves NaN. */
struct later_copy {
    void *to;
    const void *from;
    size_t bytes, group;
};
void copy_later(void *to, const void *from, size_t bytes);
void close_copies(); /* those begun so far are one group */
/* The next copy that must arrive before at most `allowed` groups are under way; false: none is left. */
bool take_copy(size_t allowed, later_copy *out);

/* Makes device memory visible to this code while it lives (kernels, copies, transforms). */
struct device_access {
    device_access();
    ~device_access();
    device_access(const device_access &) = delete;
    device_access &operator=(const device_access &) = delete;
};
void set_error(cudaError_t error, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool check_allocations(); /* false, and the error set, when something wrote past an allocation */

template <class T>
T shuffle(T value, unsigned from, const char *file, int line) {
    static_assert(sizeof(T) <= sizeof(uint64_t), "values of up to eight bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    warp_publish(bits, file, line);
    bool exists = false;
    bits = warp_peer(from, &exists);
    if (exists) memcpy(&value, &bits, sizeof value);
    return value;
}

inline unsigned ballot(bool predicate, const char *file, int line) {
    unsigned bits = 0;
    warp_publish(predicate ? 1 : 0, file, line);
    for (unsigned l = 0; l < 32; ++l) {
        bool exists = false;
        if (warp_peer(l, &exists) != 0 && exists) bits |= 1U << l;
    }
    return bits;
}

template <class T>
T atomic_add(T *to, T value) {
    T old, sum;
    __atomic_load(to, &old, __ATOMIC_RELAXED);
    do {
        sum = static_cast<T>(old + value);
    } while (!__atomic_compare_exchange(to, &old, &sum, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return old;
}

}  // namespace emulation

template <class Kernel>
cudaError_t cudaFuncSetAttribute(Kernel *, cudaFuncAttribute, int bytes) {
    return bytes >= 0 && (size_t)bytes <= emulation::shared_limit() ? cudaSuccess : cudaErrorInvalidValue;
}

#define __syncthreads() ::emulation::barrier(__FILE__, __LINE__)
#define __syncwarp() ::emulation::warp_barrier(__FILE__, __LINE__)
/* Whole warps only: the mask must be all lanes. */
#define __shfl_sync(mask, value, from) ::emulation::shuffle(value, (unsigned)(from)&31U, __FILE__, __LINE__)
#define __shfl_down_sync(mask, value, by) ::emulation::shuffle(value, ::emulation::lane() + (unsigned)(by), __FILE__, __LINE__)
#define __shfl_xor_sync(mask, value, by) ::emulation::shuffle(value, ::emulation::lane() ^ (unsigned)(by), __FILE__, __LINE__)
#define __ballot_sync(mask, predicate) ::emulation::ballot(predicate, __FILE__, __LINE__)

inline int __ffs(int bits) {
    return __builtin_ffs(bits);
}
inline void __pipeline_memcpy_async(void *to, const void *from, size_t bytes) {
    emulation::copy_later(to, from, bytes);
}
inline void __pipeline_commit() {
    emulation::close_copies();
}
inline void __pipeline_wait_prior(size_t groups) {
    emulation::later_copy copy;
    while (emulation::take_copy(groups, &copy)) { /* here, where the sanitizers see it */
        for (size_t i = 0; i < copy.bytes / sizeof(float); ++i)
            static_cast<float *>(copy.to)[i] = static_cast<const float *>(copy.from)[i];
    }
}

inline int atomicAdd(int *to, int value) {
    return emulation::atomic_add(to, value);
}
inline unsigned atomicAdd(unsigned *to, unsigned value) {
    return emulation::atomic_add(to, value);
}
inline float atomicAdd(float *to, float value) {
    return emulation::atomic_add(to, value);
}
inline double atomicAdd(double *to, double value) {
    return emulation::atomic_add(to, value);
}
inline float4 atomicAdd(float4 *to, float4 value) { /* each part by itself, as on the card */
    return {atomicAdd(&to->x, value.x), atomicAdd(&to->y, value.y), atomicAdd(&to->z, value.z), atomicAdd(&to->w, value.w)};
}

#endif
