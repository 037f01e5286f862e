/*
 * One vector type per instruction set. The files *_kernel.c are compiled once for each (SEI_ISA = baseline, avx2,
 * avx512, neon), with the vector as wide as the registers, and cpu_device.c takes the best at run time.
 *
 * Lanes are slices along y and never meet, and every lane adds in the same order, so width and blocking do not change a
 * bit. avx2, avx512 and neon give identical results; baseline has no fused multiply-add and differs from them in last bits.
 */
#ifndef SEI_BACKEND_ISA_H
#define SEI_BACKEND_ISA_H

#include <math.h>
#include <string.h>

#define SEI_ISA_JOIN2(name, isa) name##_##isa
#define SEI_ISA_JOIN(name, isa) SEI_ISA_JOIN2(name, isa)
#define SEI_KERNEL_NAME(name) SEI_ISA_JOIN(name, SEI_ISA)

/* For functions that are compiled once for every value of an argument. */
#define SEI_INLINE inline __attribute__((always_inline))

/* floor(x) for |x| < 2^23 in a loop that becomes vectors; the least set has no instruction for it. */
static inline double sei_floor(double x) {
#if defined(__AVX2__) || defined(SEI_ISA_NEON)
    return __builtin_floor(x);
#else
    return (double)((int)(x + 8388608.0) - 8388608);
#endif
}

#if defined(__AVX512F__)
#include <immintrin.h>
typedef __m512 sei_vec;
enum { SEI_LANES = 16, SEI_BLOCK = 4 };
static inline sei_vec sei_vec_of(float a) {
    return _mm512_set1_ps(a);
}
static inline sei_vec sei_vec_load(const float *p) {
    return _mm512_loadu_ps(p);
}
static inline void sei_vec_store(float *p, sei_vec a) {
    _mm512_storeu_ps(p, a);
}
static inline sei_vec sei_vec_fma(sei_vec a, sei_vec b, sei_vec c) {
    return _mm512_fmadd_ps(a, b, c);
}
#elif defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
typedef __m256 sei_vec;
enum { SEI_LANES = 8, SEI_BLOCK = 4 };
static inline sei_vec sei_vec_of(float a) {
    return _mm256_set1_ps(a);
}
static inline sei_vec sei_vec_load(const float *p) {
    return _mm256_loadu_ps(p);
}
static inline void sei_vec_store(float *p, sei_vec a) {
    _mm256_storeu_ps(p, a);
}
static inline sei_vec sei_vec_fma(sei_vec a, sei_vec b, sei_vec c) {
    return _mm256_fmadd_ps(a, b, c);
}
#elif defined(SEI_ISA_NEON)
#include <arm_neon.h>
typedef float32x4_t sei_vec;
enum { SEI_LANES = 4, SEI_BLOCK = 8 };
static inline sei_vec sei_vec_of(float a) {
    return vdupq_n_f32(a);
}
static inline sei_vec sei_vec_load(const float *p) {
    return vld1q_f32(p);
}
static inline void sei_vec_store(float *p, sei_vec a) {
    vst1q_f32(p, a);
}
static inline sei_vec sei_vec_fma(sei_vec a, sei_vec b, sei_vec c) {
    return vfmaq_f32(c, a, b);
}
#else
typedef float sei_vec __attribute__((vector_size(16)));
enum { SEI_LANES = 4, SEI_BLOCK = 4 };
static inline sei_vec sei_vec_of(float a) {
    return (sei_vec){a, a, a, a};
}
static inline sei_vec sei_vec_load(const float *p) {
    sei_vec a;
    memcpy(&a, p, sizeof a);
    return a;
}
static inline void sei_vec_store(float *p, sei_vec a) {
    memcpy(p, &a, sizeof a);
}
static inline sei_vec sei_vec_fma(sei_vec a, sei_vec b, sei_vec c) {
    return a * b + c;
}
#endif

#endif
