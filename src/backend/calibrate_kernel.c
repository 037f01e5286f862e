/*
 * Loops at the limits of one instruction set: multiply-adds from registers, multiply-adds with one operand each from the L1
 * cache (what a gather through the projector's weights can reach at most), and reading.
 */
#include "backend/calibrate.h"
#include "backend/isa.h"

#define TEXT2(isa) #isa
#define TEXT(isa) TEXT2(isa)

/* Sums that run side by side: enough to hide the latency of 4 to 5 cycles on two ports, few enough for 16 registers. */
enum { N_SUMS = SEI_LANES == 16 ? 16 : 12 };

static float total(int n, const sei_vec *sums) {
    float lanes[SEI_LANES], all = 0;
    for (int i = 0; i < n; ++i) {
        sei_vec_store(lanes, sums[i]);
        for (int k = 0; k < SEI_LANES; ++k) all += lanes[k];
    }
    return all;
}

static double fma_register(long rounds, const float *values, float *sink) {
    sei_vec sums[N_SUMS];
    const sei_vec factor = sei_vec_load(values), term = sei_vec_load(values + SEI_LANES);
    for (int i = 0; i < N_SUMS; ++i) sums[i] = sei_vec_load(values + i);
    for (long r = 0; r < rounds; ++r) {
        for (int i = 0; i < N_SUMS; ++i) sums[i] = sei_vec_fma(sums[i], factor, term);
    }
    *sink += total(N_SUMS, sums);
    return (double)rounds * N_SUMS * SEI_LANES;
}

static double fma_l1(long rounds, const float *values, size_t count, float *sink) {
    sei_vec sums[N_SUMS];
    const sei_vec factor = sei_vec_of(values[0]);
    for (int i = 0; i < N_SUMS; ++i) sums[i] = sei_vec_of(0);
    for (long r = 0; r < rounds; ++r) {
        for (const float *from = values; from < values + count; from += N_SUMS * SEI_LANES) {
            for (int i = 0; i < N_SUMS; ++i) sums[i] = sei_vec_fma(factor, sei_vec_load(from + i * SEI_LANES), sums[i]);
        }
    }
    *sink += total(N_SUMS, sums);
    return (double)rounds * (double)count;
}

static void read_all(const float *values, size_t count, float *sink) {
    sei_vec sums[N_SUMS];
    for (int i = 0; i < N_SUMS; ++i) sums[i] = sei_vec_of(0);
    for (const float *from = values; from < values + count; from += N_SUMS * SEI_LANES) {
        for (int i = 0; i < N_SUMS; ++i) sums[i] = sums[i] + sei_vec_load(from + i * SEI_LANES);
    }
    *sink += total(N_SUMS, sums);
}

const sei_calibrate_kernels SEI_KERNEL_NAME(sei_calibrate_kernels) = {
    .isa = TEXT(SEI_ISA), .fma_register = fma_register, .fma_l1 = fma_l1, .read = read_all};
