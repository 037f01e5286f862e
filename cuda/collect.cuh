/*
 * The second stage of a projection: a warp takes one bin and SLICES_PER_BLOCK slices, adds up what the tiles have of it
 * (row by row, each from small x to large, onto what earlier launches left in the sinogram: the order of additions does
 * not depend on how the work was parted), and takes EM's ratio or SIRT's residual of it in the same pass. A block takes
 * COLLECT_BINS bins of one tilt and adds up what an iteration reports of them, slice by slice, in their order.
 */
#ifndef SEI_CUDA_COLLECT_CUH
#define SEI_CUDA_COLLECT_CUH

#include "scatter.cuh"
#include "step.cuh"

enum { COLLECT_WARPS = 8, COLLECT_BINS = 64 };

/* What a launch of the second stage finds and leaves. */
struct sei_cuda_collection {
    const float *partials; /* NULL: the sinogram has everything already */
    bool onto;             /* the sinogram holds a part of the sum */
    bool finish;           /* this is the last part: the step follows */
    double *sums;          /* [tilt][chunk of COLLECT_BINS bins][SEI_SUM_COUNT][ny], or NULL */
};

/* Adds what the tiles of the launch have of a bin; `bin` is mirrored. The tiles of a row are asked 32 at a time. */
template <int KERNEL, int TZ>
static __device__ inline void add_tiles(const sei_cuda_tiling &g, const sei_cuda_part &p, const float *__restrict__ partials,
                                        const sei_cuda_walk &w, int tilt, int bin, int chunk, float4 &sum) {
    const int lane = (int)threadIdx.x;
    for (int row = p.tile_row; row < p.tile_row + p.n_rows; ++row) {
        for (int x0 = 0; x0 < g.tiles_x; x0 += WARP) {
            const int tile_x = x0 + lane;
            const tile_frame frame = frame_of<KERNEL, TZ>(w, tile_x * TILE_X, row * TZ);
            const int at = bin - frame.first;
            const bool used =
                tile_x < g.tiles_x && (g.used == nullptr || g.used[(size_t)row * (size_t)g.tiles_x + (size_t)tile_x] != 0);
            unsigned hits = __ballot_sync(0xffffffffU, used && at >= 0 && at < frame.bins);
            while (hits != 0) {
                float4 part[4] = {};
                int n = 0;
                SEI_UNROLL
                for (int k = 0; k < 4; ++k) { /* four loads under way at a time */
                    if (hits == 0) continue;
                    const int hit = __ffs((int)hits) - 1;
                    hits &= hits - 1;
                    const int there = __shfl_sync(0xffffffffU, at, hit);
                    const float *from = partials + partial_at<KERNEL, TZ>(g, p, chunk, row, x0 + hit, tilt);
                    part[k] = *reinterpret_cast<const float4 *>(from + (size_t)there * SLICES_PER_BLOCK + lane * SLICES_PER_LANE);
                    n = k + 1;
                }
                SEI_UNROLL
                for (int k = 0; k < 4; ++k) {
                    if (k < n) add(sum, part[k]);
                }
            }
        }
    }
}

/* The step for four slices of a bin; sum[which] of slice j is at sum[which * SUM_STRIDE + j * WARP]. Not unrolled: logarithm
 * and division are long. */
enum { SUM_STRIDE = COLLECT_WARPS * SLICES_PER_BLOCK };
static __device__ inline void take_step(const sei_cuda_step &step, const sei_cuda_tiling &g, size_t bin, int y, double *sum,
                                        float4 &m) {
    for (int j = 0; j < SLICES_PER_LANE; ++j) {
        const float projected = m.x;
        m.x = m.y;
        m.y = m.z;
        m.z = m.w;
        m.w = y + j < g.ny ? step.value(projected, bin, bin * (size_t)g.ny + (size_t)(y + j),
                                        sum == nullptr ? nullptr : sum + j * WARP, SUM_STRIDE)
                           : 0.0F;
    }
}

template <int KERNEL, int TZ>
__global__ void __launch_bounds__(WARP *COLLECT_WARPS)
    collect_kernel(sei_cuda_tiling g, sei_cuda_part p, sei_cuda_collection c, sei_cuda_step step, float *__restrict__ sinogram) {
    SEI_SHARED(double, warp_sums, [SEI_SUM_COUNT][COLLECT_WARPS][SLICES_PER_BLOCK]);
    const int lane = (int)threadIdx.x, mine = (int)threadIdx.y;
    const unsigned groups = (unsigned)(g.nu + COLLECT_BINS - 1) / COLLECT_BINS;
    const int group = (int)(blockIdx.x % groups), tilt = p.tilt + (int)(blockIdx.x / groups % (unsigned)p.n_tilts);
    const int chunk = p.chunk + (int)(blockIdx.x / groups / (unsigned)p.n_tilts);
    const int y = chunk * SLICES_PER_BLOCK + lane * SLICES_PER_LANE;
    const sei_cuda_walk &w = g.walks[tilt];
    const bool finish = c.finish && step.kind != sei_cuda_step::PROJECT, wants = finish && c.sums != nullptr;
    for (int i = 0; wants && i < SEI_SUM_COUNT * SLICES_PER_LANE; ++i) /* a lane's own places, until the barrier */
        warp_sums[i / SLICES_PER_LANE][mine][i % SLICES_PER_LANE * WARP + lane] = 0;
    for (int b = 0; b < COLLECT_BINS / COLLECT_WARPS; ++b) {
        const int u = group * COLLECT_BINS + mine * (COLLECT_BINS / COLLECT_WARPS) + b;
        if (u >= g.nu) break;
        const size_t bin = (size_t)tilt * (size_t)g.nu + (size_t)u;
        float *row = sinogram + bin * (size_t)g.ny;
        float4 m = make_float4(0, 0, 0, 0);
        if (c.onto) m = load_slices(row, y, g.ny, g.vectors);
        if (c.partials != nullptr) add_tiles<KERNEL, TZ>(g, p, c.partials, w, tilt, w.sign * u, chunk, m);
        if (finish) take_step(step, g, bin, y, wants ? &warp_sums[0][mine][lane] : nullptr, m);
        store_slices(row, y, g.ny, g.vectors, m);
    }
    if (!wants) return;
    const size_t n = (size_t)SEI_SUM_COUNT * (size_t)g.ny;
    double *to = c.sums + ((size_t)tilt * groups + (size_t)group) * n;
    __syncthreads();
    for (int i = mine * WARP + lane; i < SEI_SUM_COUNT * SLICES_PER_BLOCK; i += COLLECT_WARPS * WARP) {
        const int which = i / SLICES_PER_BLOCK, at = i % SLICES_PER_BLOCK;
        const int slice = chunk * SLICES_PER_BLOCK + at % WARP * SLICES_PER_LANE + at / WARP;
        if (slice >= g.ny) continue;
        double sum = 0;
        for (int k = 0; k < COLLECT_WARPS; ++k) sum += warp_sums[which][k][at];
        to[(size_t)which * (size_t)g.ny + (size_t)slice] = sum;
    }
}

#endif
