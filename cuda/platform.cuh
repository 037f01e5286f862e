/*
 * The one place that knows which compiler builds a .cu file: nvcc for the card, or the host's C++ compiler with the
 * emulation in cuda/emulation. Kernels and the code that launches them use these words and are written once.
 *
 *   SEI_LAUNCH(kernel, grid, block, shared_bytes, arguments...)        a kernel with barriers or warp collectives
 *   SEI_LAUNCH_PLAIN(kernel, grid, block, arguments...)                a kernel without: a plain loop when emulated
 *   SEI_LAUNCH_ON(stream, kernel, grid, block, shared_bytes, arguments...)   as SEI_LAUNCH, in a stream: can be recorded
 *   SEI_UNROLL, SEI_UNROLL_4, SEI_NO_UNROLL                            before a loop: wholly, by four, not at all
 *   SEI_SHARED(type, name, [extents])                                  a __shared__ array
 *   SEI_SHARED_DYNAMIC(type, name)                                     the launch's shared_bytes as type *name
 */
#ifndef SEI_CUDA_PLATFORM_CUH
#define SEI_CUDA_PLATFORM_CUH

#if defined(__CUDACC__)

#include <cuda_pipeline_primitives.h>
#include <cuda_runtime.h>
#include <cufft.h>

#define SEI_LAUNCH(kernel, grid, block, shared_bytes, ...) kernel<<<(grid), (block), (shared_bytes)>>>(__VA_ARGS__)
#define SEI_LAUNCH_PLAIN(kernel, grid, block, ...) kernel<<<(grid), (block)>>>(__VA_ARGS__)
#define SEI_LAUNCH_ON(stream, kernel, grid, block, shared_bytes, ...) \
    kernel<<<(grid), (block), (shared_bytes), (stream)>>>(__VA_ARGS__)
#define SEI_UNROLL _Pragma("unroll")
#define SEI_NO_UNROLL _Pragma("unroll 1")
#define SEI_UNROLL_4 _Pragma("unroll 4")
#define SEI_SHARED(type, name, extents) __shared__ type name extents
#define SEI_SHARED_DYNAMIC(type, name)                    \
    extern __shared__ unsigned char sei_dynamic_shared[]; \
    type *const name = reinterpret_cast<type *>(sei_dynamic_shared)

#define SEI_PLATFORM_NAME "cuda"
#define SEI_PLATFORM_EMULATED 0

#else

#include "emulation/emulation.h"

#define SEI_LAUNCH(kernel, grid, block, shared_bytes, ...) SEI_LAUNCH_ON(nullptr, kernel, grid, block, shared_bytes, __VA_ARGS__)
#define SEI_LAUNCH_PLAIN(kernel, grid, block, ...) \
    ::emulation::enqueue(nullptr, [&] { ::emulation::launch(#kernel, false, (grid), (block), 0, [&] { kernel(__VA_ARGS__); }); })
/* The arguments' values are taken here: a graph may run the kernel long after what they were read from is gone. */
#define SEI_LAUNCH_ON(stream, kernel, grid, block, shared_bytes, ...)                                                          \
    [](cudaStream_t stream_, dim3 grid_, dim3 block_, size_t bytes_, auto... values_) {                                        \
        ::emulation::enqueue(stream_,                                                                                          \
                             [=] { ::emulation::launch(#kernel, true, grid_, block_, bytes_, [&] { kernel(values_...); }); }); \
    }((stream), (grid), (block), (shared_bytes), __VA_ARGS__)
#define SEI_UNROLL
#define SEI_NO_UNROLL
#define SEI_UNROLL_4
/* A reference to an array keeps its extents, so the sanitizers see an index that leaves an inner dimension. */
#define SEI_SHARED(type, name, extents) \
    typedef type name##_array extents;  \
    static char name##_key;             \
    name##_array &name = *static_cast<name##_array *>(::emulation::shared(&name##_key, sizeof(name##_array)))
#define SEI_SHARED_DYNAMIC(type, name) type *const name = static_cast<type *>(::emulation::shared_dynamic())

#define SEI_PLATFORM_NAME "cuda-emulated"
#define SEI_PLATFORM_EMULATED 1

#endif
#endif
