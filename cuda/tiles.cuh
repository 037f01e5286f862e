/*
 * What the walking projectors share. A block takes a tile of TILE_X columns of TZ voxels each and SLICES_PER_BLOCK slices;
 * a warp walks one column along z, each lane four neighbouring slices. Everything that depends on x, z and tilt is the
 * same for a whole warp. Bins of a tile are counted from the first one that any of its voxels meets (mirrored as
 * window.cuh says), and slices beyond the slab are read as 0 and not written, so a slab may have any number of slices
 * and its results do not depend on it.
 */
#ifndef SEI_CUDA_TILES_CUH
#define SEI_CUDA_TILES_CUH

#include "device.cuh"
#include "window.cuh"

enum { TILE_X = 16, TILE_THREADS = TILE_X * WARP };

template <int KERNEL, int TZ>
struct tile {
    static constexpr int TAPS = voxel_taps<KERNEL>::count;
    /* a tile's diagonal, rounded up, is the most that first bins differ by; then the taps of the last one */
    static constexpr int SPREAD = TZ == 16 ? 22 : 17;
    static constexpr int BINS = SPREAD + TAPS;
    static constexpr int COLUMN_BINS = TZ - 1 + TAPS;
    static constexpr int TILTS_PER_PASS = WARP / TZ; /* a warp's lanes weigh a column at so many tilts at once */
    static_assert((TZ == 16 || TZ == 8) && TILE_X == 16, "the spread of another tile");
};

/* A launch over the tiles of a block of slices. */
struct sei_cuda_tiling {
    int nx, nz, nu, ny, n_tilts;
    int tiles_x, tiles_z;
    const sei_cuda_walk *walks;
    const uint8_t *support; /* [nz][nx], or NULL: everywhere */
    const uint8_t *used;    /* [tiles_z][tiles_x]: 0 where the tile lies outside the support; NULL: all are used */
    bool vectors;           /* every row of slices begins at 16 bytes */
};

/* The weights of one voxel at one tilt, in the window's order. */
template <int KERNEL>
struct tap_weights {
    typedef float2 type;
    static __device__ type of(const sei_cuda_walk &w, int fraction) {
        float weight[2];
        sei_cuda_weigh(w, fraction, weight);
        return make_float2(weight[0], weight[1]);
    }
    static __device__ void spread(const type &from, float (&to)[2]) {
        to[0] = from.x;
        to[1] = from.y;
    }
};
template <>
struct tap_weights<SEI_KERNEL_STRIP> {
    typedef float4 type;
    static __device__ type of(const sei_cuda_walk &w, int fraction) {
        float weight[3];
        sei_cuda_weigh(w, fraction, weight);
        return make_float4(weight[0], weight[1], weight[2], 0.0F);
    }
    static __device__ void spread(const type &from, float (&to)[3]) {
        to[0] = from.x;
        to[1] = from.y;
        to[2] = from.z;
    }
};

/* The bins of a tile at one tilt. */
struct tile_frame {
    int64_t at; /* position of the tile's first voxel */
    int first, bins;
};
template <int KERNEL, int TZ>
static __device__ inline tile_frame frame_of(const sei_cuda_walk &w, int x0, int z0) {
    const int64_t along_x = (TILE_X - 1) * w.per_x;
    tile_frame frame;
    frame.at = sei_cuda_at(w, x0, z0);
    frame.first = sei_cuda_first_bin(frame.at + (along_x < 0 ? along_x : 0));
    frame.bins =
        sei_cuda_first_bin(frame.at + (along_x > 0 ? along_x : 0) + (TZ - 1) * w.per_z) - frame.first + tile<KERNEL, TZ>::TAPS;
    return frame;
}

/* Of a column, at the tilts of one pass: bit TZ*k + i of `advances` says that the window moves on before voxel i at tilt k. */
template <int KERNEL, int TZ>
struct column_walk {
    typename tap_weights<KERNEL>::type table[WARP]; /* [TILTS_PER_PASS][TZ] */
    int first[tile<KERNEL, TZ>::TILTS_PER_PASS];    /* the first voxel's first bin */
    unsigned advances;
};
/* Weighs column x at the tilts from tilt0 on, a voxel and tilt in each lane. */
template <int KERNEL, int TZ>
static __device__ inline void weigh_column(const sei_cuda_tiling &g, int x, int z0, int tilt0, column_walk<KERNEL, TZ> *column) {
    const int lane = (int)threadIdx.x, last = g.n_tilts - 1, tilt = tilt0 + lane / TZ;
    const sei_cuda_walk &w = g.walks[tilt < last ? tilt : last];
    const int64_t position = sei_cuda_at(w, x, z0 + lane % TZ);
    const sei_cuda_place place = sei_cuda_place_of(position);
    __syncwarp(); /* the last pass is read to its end */
    column->table[lane] = tap_weights<KERNEL>::of(w, place.fraction);
    if (lane % TZ == 0) column->first[lane / TZ] = place.first;
    const unsigned advances = __ballot_sync(0xffffffffU, place.first != sei_cuda_first_bin(position - w.per_z));
    if (lane == 0) column->advances = advances;
    __syncwarp();
}

static __device__ inline void add_product(float4 &sum, float weight, const float4 &value) {
    sum.x = fmaf(weight, value.x, sum.x);
    sum.y = fmaf(weight, value.y, sum.y);
    sum.z = fmaf(weight, value.z, sum.z);
    sum.w = fmaf(weight, value.w, sum.w);
}
static __device__ inline void add(float4 &sum, const float4 &value) {
    sum.x += value.x;
    sum.y += value.y;
    sum.z += value.z;
    sum.w += value.w;
}

/* Four slices of a row from y on; those beyond the slab are 0, and are not written. */
static __device__ inline float4 load_slices(const float *row, int y, int ny, bool vectors) {
    float4 v = make_float4(0, 0, 0, 0);
    if (vectors) {
        if (y < ny) v = *reinterpret_cast<const float4 *>(row + y);
        return v;
    }
    if (y < ny) v.x = row[y];
    if (y + 1 < ny) v.y = row[y + 1];
    if (y + 2 < ny) v.z = row[y + 2];
    if (y + 3 < ny) v.w = row[y + 3];
    return v;
}
static __device__ inline void store_slices(float *row, int y, int ny, bool vectors, const float4 &v) {
    if (vectors) {
        if (y < ny) *reinterpret_cast<float4 *>(row + y) = v;
        return;
    }
    if (y < ny) row[y] = v.x;
    if (y + 1 < ny) row[y + 1] = v.y;
    if (y + 2 < ny) row[y + 2] = v.z;
    if (y + 3 < ny) row[y + 3] = v.w;
}

/* Prepares a launch over one block of slices; `rows` are the arrays whose alignment decides how slices are read. */
sei_status sei_cuda_tile(sei_cuda_device *device, const sei_slab *block, int tile_z, const float *const *rows, int n_rows,
                         sei_cuda_tiling *out);

#endif
