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
 */
#ifndef SEI_CUDA_GATHER_CUH
#define SEI_CUDA_GATHER_CUH

#include "weights.cuh"

template <class TARGET>
__global__ void __launch_bounds__(WARP *TARGETS_PER_BLOCK)
    gather_kernel(sei_cuda_shape s, const sei_cuda_tilt *tilts, const float *__restrict__ in, float *__restrict__ out) {
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
    float *to = out + ((size_t)line * (size_t)TARGET::side(s) + (size_t)at) * (size_t)s.ny;
    for (int j = 0; j < SLICES_PER_LANE; ++j) {
        const int y = y0 + j * WARP;
        if (y < s.ny) to[y] = total[j];
    }
}

/* One operand of an operator: its name in messages, the buffer, and the floats it must hold. */
struct gather_operand {
    const char *name;
    const sei_buffer *buffer;
    size_t count;
};

/* Checks the operands and launches the kernel for the slab's projector. */
template <template <int> class TARGET>
static sei_status gather(sei_device *face, const char *op, const sei_slab *slab, const gather_operand &in,
                         const gather_operand &out) {
    sei_cuda_device *device = sei_cuda_of(face);
    const sei_cuda_tilt *tilts = nullptr;
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_check_buffer(device, op, in.name, in.buffer, in.count));
    SEI_RETURN(sei_cuda_check_buffer(device, op, out.name, out.buffer, out.count));
    SEI_RETURN(sei_cuda_check_distinct(device, op, in.buffer, out.buffer));
    const sei_cuda_shape s = sei_cuda_shape_of(slab);
    const size_t side = (size_t)TARGET<SEI_KERNEL_LINEAR>::side(s), lines = (size_t)TARGET<SEI_KERNEL_LINEAR>::lines(s);
    const size_t tiles = (side + TARGETS_PER_BLOCK - 1) / TARGETS_PER_BLOCK;
    const size_t chunks = ((size_t)slab->ny + SLICES_PER_BLOCK - 1) / SLICES_PER_BLOCK;
    SEI_RETURN(sei_cuda_extent(device, op, tiles * lines * chunks, &blocks));
    SEI_RETURN(sei_cuda_tilts(device, slab, &tilts));
    const dim3 block(WARP, TARGETS_PER_BLOCK);
    if (slab->kernel == SEI_KERNEL_LINEAR) {
        SEI_LAUNCH(gather_kernel<TARGET<SEI_KERNEL_LINEAR>>, blocks, block, 0, s, tilts, in.buffer->data, out.buffer->data);
    } else {
        SEI_LAUNCH(gather_kernel<TARGET<SEI_KERNEL_STRIP>>, blocks, block, 0, s, tilts, in.buffer->data, out.buffer->data);
    }
    return sei_cuda_launched(device, op);
}

#endif
