/*
 * Forward projection by columns. A warp keeps its column's TZ voxels in registers for all tilts, walks it with the same
 * window as the back projection (rolling.cuh), and lays every finished bin into its own part of shared memory, once. Then
 * the block adds up, bin by bin, the columns that touch it, in their order. A tile's bins go either
 *   - into the tile's part of a scratch, from where collect.cuh adds up the tiles in their order: every run has the same
 *     bits; or
 *   - by red.global.add into the sinogram (fast): no scratch, no second pass, and last bits that depend on the order in
 *     which blocks come by.
 */
#ifndef SEI_CUDA_SCATTER_CUH
#define SEI_CUDA_SCATTER_CUH

#include "tiles.cuh"

/* The part of a projection that one launch does: some rows of tiles, some tilts, some slices. */
struct sei_cuda_part {
    int tile_row, n_rows, tilt, n_tilts, chunk; /* the first of each, and how many; chunks follow from the grid */
};

/* Where a tile's bins begin in the scratch: [chunk][row][tile x][tilt][BINS][SLICES_PER_BLOCK]. */
template <int KERNEL, int TZ>
static __device__ inline size_t partial_at(const sei_cuda_tiling &g, const sei_cuda_part &p, int chunk, int row, int tile_x,
                                           int tilt) {
    const size_t tile_index =
        ((size_t)(chunk - p.chunk) * (size_t)p.n_rows + (size_t)(row - p.tile_row)) * (size_t)g.tiles_x + (size_t)tile_x;
    return (tile_index * (size_t)p.n_tilts + (size_t)(tilt - p.tilt)) * (size_t)(tile<KERNEL, TZ>::BINS * SLICES_PER_BLOCK);
}

/* Adds four floats to memory without bringing the old ones back; as one operation from sm_90 on. */
static __device__ inline void add_to_memory(float *row, int y, int ny, bool vectors, const float4 &v) {
#if SEI_PLATFORM_EMULATED
    if (vectors) {
        if (y < ny) (void)atomicAdd(reinterpret_cast<float4 *>(row + y), v);
        return;
    }
#elif __CUDA_ARCH__ >= 900
    if (vectors) {
        if (y < ny) {
            asm volatile("red.global.add.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(row + y)), "f"(v.x),
                         "f"(v.y), "f"(v.z), "f"(v.w)
                         : "memory");
        }
        return;
    }
#else
    (void)vectors;
#endif
    if (y < ny) (void)atomicAdd(row + y, v.x);
    if (y + 1 < ny) (void)atomicAdd(row + y + 1, v.y);
    if (y + 2 < ny) (void)atomicAdd(row + y + 2, v.z);
    if (y + 3 < ny) (void)atomicAdd(row + y + 3, v.w);
}

/* One column through one tilt: its bins, finished ones first, at `to`. Returns how many there are. */
template <int KERNEL, int TZ>
static __device__ inline int lay_column(float4 *to, unsigned advances, const typename tap_weights<KERNEL>::type *table,
                                        const float4 (&value)[TZ]) {
    constexpr int TAPS = voxel_taps<KERNEL>::count;
    float4 window[TAPS];
    const float4 *const begin = to;
    SEI_UNROLL
    for (int k = 0; k < TAPS; ++k) window[k] = make_float4(0, 0, 0, 0);
    SEI_UNROLL
    for (int i = 0; i < TZ; ++i) {
        if (i > 0 && (advances >> i & 1U) != 0) {
            *to = window[0];
            to += WARP;
            SEI_UNROLL
            for (int k = 0; k + 1 < TAPS; ++k) window[k] = window[k + 1];
            window[TAPS - 1] = make_float4(0, 0, 0, 0);
        }
        float weight[TAPS];
        tap_weights<KERNEL>::spread(table[i], weight);
        SEI_UNROLL
        for (int k = 0; k < TAPS; ++k) add_product(window[k], weight[k], value[i]);
    }
    SEI_UNROLL
    for (int k = 0; k < TAPS; ++k) to[k * WARP] = window[k];
    return (int)((to - begin) / WARP) + TAPS;
}

/* Shared memory of a block: the columns' bins. */
template <int KERNEL, int TZ>
struct scatter_shared {
    static constexpr size_t bytes = sizeof(float4) * TILE_X * tile<KERNEL, TZ>::COLUMN_BINS * WARP;
};

template <int KERNEL, int TZ, bool FAST>
__global__ void __launch_bounds__(TILE_THREADS, 1)
    scatter_kernel(sei_cuda_tiling g, sei_cuda_part p, const float *__restrict__ volume, float *__restrict__ out) {
    typedef column_walk<KERNEL, TZ> walk;
    constexpr int PASS = tile<KERNEL, TZ>::TILTS_PER_PASS, COLUMN_BINS = tile<KERNEL, TZ>::COLUMN_BINS;
    SEI_SHARED_DYNAMIC(float4, columns); /* [TILE_X][COLUMN_BINS][WARP] */
    SEI_SHARED(walk, walks, [TILE_X]);
    SEI_SHARED(int, begin, [TILE_X]);
    SEI_SHARED(int, count, [TILE_X]);
    SEI_SHARED(int, tile_bins, [2]); /* the first, and how many */
    const int lane = (int)threadIdx.x, mine = (int)threadIdx.y;
    const unsigned n_tiles = (unsigned)g.tiles_x * (unsigned)p.n_rows, tile_index = blockIdx.x % n_tiles;
    const int tile_x = (int)(tile_index % (unsigned)g.tiles_x), row = p.tile_row + (int)(tile_index / (unsigned)g.tiles_x);
    const int chunk = p.chunk + (int)(blockIdx.x / n_tiles);
    const int x0 = tile_x * TILE_X, z0 = row * TZ, x = x0 + mine;
    const int y = chunk * SLICES_PER_BLOCK + lane * SLICES_PER_LANE;
    if (g.used != nullptr && g.used[(size_t)row * (size_t)g.tiles_x + (size_t)tile_x] == 0) return;

    float4 value[TZ];
    SEI_UNROLL
    for (int i = 0; i < TZ; ++i) {
        value[i] = make_float4(0, 0, 0, 0);
        const size_t voxel = (size_t)(z0 + i) * (size_t)g.nx + (size_t)x;
        if (x < g.nx && z0 + i < g.nz && (g.support == nullptr || g.support[voxel] != 0))
            value[i] = load_slices(volume + voxel * (size_t)g.ny, y, g.ny, g.vectors);
    }
    SEI_NO_UNROLL
    for (int k = 0; k < p.n_tilts; ++k) {
        const int t = p.tilt + k, in_pass = k % PASS;
        if (in_pass == 0) weigh_column<KERNEL, TZ>(g, x, z0, t, &walks[mine]);
        const int first = walks[mine].first[in_pass];
        const int n = lay_column<KERNEL, TZ>(columns + mine * COLUMN_BINS * WARP + lane, walks[mine].advances >> (in_pass * TZ),
                                             walks[mine].table + in_pass * TZ, value);
        if (lane == 0) {
            begin[mine] = first;
            count[mine] = x < g.nx ? n : 0;
            if (mine == 0) {
                const tile_frame frame = frame_of<KERNEL, TZ>(g.walks[t], x0, z0);
                tile_bins[0] = frame.first;
                tile_bins[1] = frame.bins;
            }
        }
        __syncthreads();
        const int first_bin = tile_bins[0], n_bins = tile_bins[1];
        SEI_NO_UNROLL
        for (int b = mine; b < n_bins; b += TILE_X) {
            float4 sum = make_float4(0, 0, 0, 0);
            SEI_UNROLL_4
            for (int c = 0; c < TILE_X; ++c) {
                const unsigned at = (unsigned)(first_bin + b - begin[c]);
                if (at < (unsigned)count[c]) add(sum, columns[(c * COLUMN_BINS + (int)at) * WARP + lane]);
            }
            if (FAST) {
                const int u = g.walks[t].sign * (first_bin + b);
                if (u < 0 || u >= g.nu) continue;
                add_to_memory(out + ((size_t)t * (size_t)g.nu + (size_t)u) * (size_t)g.ny, y, g.ny, g.vectors, sum);
            } else {
                float *to = out + partial_at<KERNEL, TZ>(g, p, chunk, row, tile_x, t) + (size_t)b * SLICES_PER_BLOCK;
                *reinterpret_cast<float4 *>(to + lane * SLICES_PER_LANE) = sum;
            }
        }
        __syncthreads(); /* the columns' bins are laid anew */
    }
}

#endif
