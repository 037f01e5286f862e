/*
 * What the projector and its transpose have in common: every target (a ray, or a voxel) gathers weighted runs of slices
 * from a line of items (the rows it crosses, or the tilts it is seen in). A block takes TARGETS_PER_BLOCK neighbouring
 * targets of one line and SLICES_PER_BLOCK slices; its threads first compute the weights of WARP items for all these
 * targets into shared memory, then every warp walks its target's items. Sums are taken per batch of items, then over
 * batches: short chains of float additions, always in the same order.
 *
 * A TARGET says what it is:
 *   TAPS                                      the most elements of an item that one target meets
 *   side(s), lines(s)                         how many targets lie beside one another, and how many such lines there are
 *   TARGET(s, tilts, line)                    with the items' number, and the strides of items and taps in floats
 *   weigh(s, at, item, weight)                the first element of the item that it meets, and its weights from there on;
 *                                             what it says of an item beyond the last one is not read
 * A STORE says what becomes of the target's old value: skips(s, target) and value(s, old, sum, target, index).
 */
#ifndef SEI_CUDA_GATHER_CUH
#define SEI_CUDA_GATHER_CUH

#include "weights.cuh"

/* The sum itself. */
struct store_sum {
    __device__ bool skips(const sei_cuda_shape &, size_t) const { return false; }
    __device__ float value(const sei_cuda_shape &, float, float sum, size_t, size_t) const { return sum; }
};

template <class TARGET, class STORE>
__global__ void __launch_bounds__(WARP *TARGETS_PER_BLOCK, 3)
    gather_kernel(sei_cuda_shape s, const sei_cuda_tilt *tilts, const float *__restrict__ in, float *__restrict__ out,
                  STORE store) {
    constexpr int TAPS = TARGET::TAPS;
    SEI_SHARED(int, first, [TARGETS_PER_BLOCK][WARP]);
    SEI_SHARED(float, weight, [TARGETS_PER_BLOCK][WARP][TAPS]);
    const int lane = (int)threadIdx.x, mine = (int)threadIdx.y;
    const unsigned tiles = (unsigned)(TARGET::side(s) + TARGETS_PER_BLOCK - 1) / TARGETS_PER_BLOCK;
    const unsigned lines = (unsigned)TARGET::lines(s);
    const int at = (int)(blockIdx.x % tiles) * TARGETS_PER_BLOCK + mine;
    const int line = (int)(blockIdx.x / tiles % lines);
    const int y0 = (int)(blockIdx.x / tiles / lines) * SLICES_PER_BLOCK + lane;
    const TARGET target(s, tilts, line);

    float total[SLICES_PER_LANE] = {0};
    for (int item0 = 0; item0 < target.items; item0 += WARP) {
        const int n = target.items - item0 < WARP ? target.items - item0 : WARP;
        first[mine][lane] = target.weigh(s, at, item0 + lane, weight[mine][lane]);
        __syncthreads();
        float part[SLICES_PER_LANE] = {0};
        for (int i = 0; i < n; ++i) {
            for (int k = 0; k < TAPS; ++k) {
                const float w = weight[mine][i][k];
                if (w == 0.0F) continue; /* the whole warp: also keeps the index inside the item */
                const float *run =
                    in + (size_t)(item0 + i) * target.item_stride + (size_t)(first[mine][i] + k) * target.tap_stride;
                for (int j = 0; j < SLICES_PER_LANE; ++j) {
                    const int y = y0 + j * WARP;
                    if (y < s.ny) part[j] = fmaf(w, run[y], part[j]);
                }
            }
        }
        for (int j = 0; j < SLICES_PER_LANE; ++j) total[j] += part[j];
        __syncthreads();
    }
    if (at >= TARGET::side(s)) return;
    const size_t target_index = (size_t)line * (size_t)TARGET::side(s) + (size_t)at;
    if (store.skips(s, target_index)) return;
    for (int j = 0; j < SLICES_PER_LANE; ++j) {
        const int y = y0 + j * WARP;
        const size_t index = target_index * (size_t)s.ny + (size_t)y;
        if (y < s.ny) out[index] = store.value(s, out[index], total[j], target_index, index);
    }
}

/* Launches the kernel for one block of slices; operands are checked. */
template <template <int> class TARGET, class STORE>
static sei_status gather(sei_cuda_device *device, const char *op, const sei_slab *slab, const float *in, float *out,
                         const STORE &store) {
    const sei_cuda_tilt *tilts = nullptr;
    sei_cuda_shape s = {};
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_shape_with_support(device, slab, &s));
    const size_t side = (size_t)TARGET<SEI_KERNEL_LINEAR>::side(s), lines = (size_t)TARGET<SEI_KERNEL_LINEAR>::lines(s);
    const size_t tiles = (side + TARGETS_PER_BLOCK - 1) / TARGETS_PER_BLOCK;
    const size_t chunks = ((size_t)slab->ny + SLICES_PER_BLOCK - 1) / SLICES_PER_BLOCK;
    SEI_RETURN(sei_cuda_extent(device, op, tiles * lines * chunks, &blocks));
    SEI_RETURN(sei_cuda_tilts(device, slab, &tilts));
    const dim3 block(WARP, TARGETS_PER_BLOCK);
    if (slab->kernel == SEI_KERNEL_LINEAR) {
        SEI_LAUNCH_ON(device->stream, (gather_kernel<TARGET<SEI_KERNEL_LINEAR>, STORE>), blocks, block, 0, s, tilts, in, out,
                      store);
    } else {
        SEI_LAUNCH_ON(device->stream, (gather_kernel<TARGET<SEI_KERNEL_STRIP>, STORE>), blocks, block, 0, s, tilts, in, out,
                      store);
    }
    return sei_cuda_launched(device, op);
}

#endif
