/* SEI_EVERYWHERE: an inline function of C, of CUDA's kernels and of their emulation, written once. */
#ifndef SEI_CORE_EVERYWHERE_H
#define SEI_CORE_EVERYWHERE_H

#if defined(__CUDACC__)
#define SEI_EVERYWHERE __host__ __device__ inline
#else
#define SEI_EVERYWHERE inline
#endif

#endif
