/* S = A V, EM's ratio and SIRT's residual with it: by columns and tiles (scatter.cuh, collect.cuh) or by rays (gather.cuh). */
#include "collect.cuh"
#include "gather.cuh"

#include <stdlib.h>
#include <string.h>

/* The rays of one tilt; the items are the rows of voxels that they cross. */
template <int KERNEL>
struct ray {
    static constexpr int TAPS = ray_taps<KERNEL>::count;
    const sei_cuda_tilt &tilt;
    int items;
    size_t item_stride, tap_stride;

    static __host__ __device__ int side(const sei_cuda_shape &s) { return s.nu; }
    static __host__ __device__ int lines(const sei_cuda_shape &s) { return s.n_tilts; }
    __device__ ray(const sei_cuda_shape &s, const sei_cuda_tilt *tilts, int line) : tilt(tilts[line]) {
        const bool along_x = rows_along_x(tilt);
        items = along_x ? s.nz : s.nx;
        item_stride = (size_t)(along_x ? s.nx : 1) * (size_t)s.ny;
        tap_stride = (size_t)(along_x ? 1 : s.nx) * (size_t)s.ny;
    }
    __device__ int weigh(const sei_cuda_shape &s, int u, int row, float (&weight)[TAPS]) const {
        return weigh_row<KERNEL>(tilt, s, u, row, weight);
    }
};

/* One block of slices on its way: what its launches share. */
struct projection {
    const char *op;
    const sei_slab *block;
    const float *volume;
    float *sinogram;
    sei_cuda_step step;
    double *sums; /* parts of the sums on the card, or NULL */
    sei_cuda_tiling tiling;
};

static int chunks_of(const projection &q) {
    return (q.block->ny + SLICES_PER_BLOCK - 1) / SLICES_PER_BLOCK;
}
static size_t groups_of(const sei_slab *slab) {
    return ((size_t)slab->nu + COLLECT_BINS - 1) / COLLECT_BINS;
}

template <int KERNEL, int TZ>
static sei_status collect(sei_cuda_device *device, const projection &q, const sei_cuda_part &part, int n_chunks,
                          const sei_cuda_collection &c) {
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_extent(device, q.op, groups_of(q.block) * (size_t)part.n_tilts * (size_t)n_chunks, &blocks));
    SEI_LAUNCH_ON(device->stream, (collect_kernel<KERNEL, TZ>), blocks, dim3(WARP, COLLECT_WARPS), 0, q.tiling, part, c, q.step,
                  q.sinogram);
    return sei_cuda_launched(device, "collect_kernel");
}

template <int KERNEL, int TZ, bool FAST>
static sei_status scatter(sei_cuda_device *device, const projection &q, const sei_cuda_part &part, int n_chunks, float *out) {
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_extent(device, q.op, (size_t)q.tiling.tiles_x * (size_t)part.n_rows * (size_t)n_chunks, &blocks));
    SEI_LAUNCH_ON(device->stream, (scatter_kernel<KERNEL, TZ, FAST>), blocks, dim3(WARP, TILE_X),
                  (scatter_shared<KERNEL, TZ>::bytes), q.tiling, part, q.volume, out);
    return sei_cuda_launched(device, "scatter_kernel");
}

/* Ratio or residual of a sinogram that is complete. */
template <int KERNEL, int TZ>
static sei_status step_only(sei_cuda_device *device, const projection &q) {
    const sei_cuda_part all = {0, 0, 0, q.block->n_tilts, 0};
    const sei_cuda_collection c = {nullptr, true, true, q.sums};
    if (q.step.kind == sei_cuda_step::PROJECT) return SEI_OK;
    return collect<KERNEL, TZ>(device, q, all, chunks_of(q), c);
}

static int within(size_t value, int most) {
    return value < 1 ? 1 : value > (size_t)most ? most : (int)value;
}

/* Tiles into the scratch, the scratch into bins: as many rows of tiles, tilts and slices at a time as the scratch holds. */
template <int KERNEL, int TZ>
static sei_status project_parts(sei_cuda_device *device, const projection &q) {
    const sei_cuda_tiling &g = q.tiling;
    const size_t row_bytes = sizeof(float) * (size_t)g.tiles_x * (size_t)(tile<KERNEL, TZ>::BINS * SLICES_PER_BLOCK);
    const int chunks = chunks_of(q);
    const int n_tilts = within(device->partial_bytes / row_bytes, g.n_tilts);
    const size_t tilts_bytes = row_bytes * (size_t)n_tilts;
    const int n_rows = within(device->partial_bytes / tilts_bytes, g.tiles_z);
    const size_t rows_bytes = tilts_bytes * (size_t)n_rows;
    const int n_chunks = n_rows == g.tiles_z ? within(device->partial_bytes / rows_bytes, chunks) : 1;
    void *memory = nullptr;
    SEI_RETURN(sei_cuda_scratch(device, SEI_SCRATCH_PARTIALS, rows_bytes * (size_t)n_chunks, &memory));
    float *partials = static_cast<float *>(memory);
    for (int chunk = 0; chunk < chunks; chunk += n_chunks) {
        const int chunks_now = chunks - chunk < n_chunks ? chunks - chunk : n_chunks;
        for (int tilt = 0; tilt < g.n_tilts; tilt += n_tilts) {
            const int tilts_now = g.n_tilts - tilt < n_tilts ? g.n_tilts - tilt : n_tilts;
            for (int row = 0; row < g.tiles_z; row += n_rows) {
                const int rows_now = g.tiles_z - row < n_rows ? g.tiles_z - row : n_rows;
                const sei_cuda_part part = {row, rows_now, tilt, tilts_now, chunk};
                const sei_cuda_collection c = {partials, row > 0, row + rows_now == g.tiles_z, q.sums};
                SEI_RETURN((scatter<KERNEL, TZ, false>(device, q, part, chunks_now, partials)));
                SEI_RETURN((collect<KERNEL, TZ>(device, q, part, chunks_now, c)));
            }
        }
    }
    return SEI_OK;
}

template <int KERNEL, int TZ>
static sei_status project_tiles(sei_cuda_device *device, const projection &q) {
    if (!device->fast) return project_parts<KERNEL, TZ>(device, q);
    const sei_cuda_part all = {0, q.tiling.tiles_z, 0, q.tiling.n_tilts, 0};
    SEI_CUDA_TRY(device, cudaMemsetAsync(q.sinogram, 0, sei_cuda_sinogram_count(q.block) * sizeof(float), device->stream));
    SEI_RETURN((scatter<KERNEL, TZ, true>(device, q, all, chunks_of(q), q.sinogram)));
    return step_only<KERNEL, TZ>(device, q);
}

template <int KERNEL>
static sei_status project_block(sei_cuda_device *device, projection &q) {
    const float *const rows[] = {q.volume,      q.sinogram,        q.step.counts,
                                 q.step.weight, q.step.background, q.step.per_slice ? q.step.inverse_row : nullptr};
    const int tile_z = device->projector == SEI_PROJECTOR_TILES_16 ? 16 : 8;
    SEI_RETURN(sei_cuda_tile(device, q.block, tile_z, rows, sizeof rows / sizeof rows[0], &q.tiling));
    if (device->projector == SEI_PROJECTOR_TILES_16) return project_tiles<KERNEL, 16>(device, q);
    if (device->projector == SEI_PROJECTOR_TILES_8) return project_tiles<KERNEL, 8>(device, q);
    SEI_RETURN(gather<ray>(device, q.op, q.block, q.volume, q.sinogram, store_sum()));
    return step_only<KERNEL, 8>(device, q);
}

/* All blocks of a slab; `step` holds the pointers of the whole slab. */
static sei_status project(sei_cuda_device *device, const char *op, const sei_slab *slab, const float *volume, float *sinogram,
                          const sei_cuda_step &step, double *sums) {
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_cuda_block b = sei_cuda_block_of(slab, k);
        const size_t chunks = groups_of(slab) * (size_t)slab->n_tilts;
        projection q = {op, &b.slab, volume + b.volume, sinogram + b.sinogram, step, nullptr, {}};
        if (step.counts != nullptr) q.step.counts += b.sinogram;
        if (step.weight != nullptr) q.step.weight += b.sinogram;
        if (step.background != nullptr) q.step.background += b.sinogram;
        if (step.inverse_row != nullptr && step.per_slice) q.step.inverse_row += b.sinogram;
        if (sums != nullptr) SEI_RETURN(sei_cuda_sums_room(device, &b.slab, chunks, &q.sums));
        SEI_RETURN(slab->kernel == SEI_KERNEL_LINEAR ? project_block<SEI_KERNEL_LINEAR>(device, q)
                                                     : project_block<SEI_KERNEL_STRIP>(device, q));
        if (sums != nullptr) SEI_RETURN(sei_cuda_bring_sums(device, q.sums, chunks, slab, &b, sums));
    }
    return SEI_OK;
}

sei_status sei_cuda_project(sei_device *face, const sei_slab *slab, const sei_buffer *volume, sei_buffer *sinogram) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_projection(device, "project", slab, volume, sinogram));
    return project(device, "project", slab, volume->data, sinogram->data, sei_cuda_step(), nullptr);
}

/* The operands that both comparisons take. */
static sei_status comparison(sei_cuda_device *device, const char *op, const sei_slab *slab, const sei_buffer *volume,
                             const sei_buffer *counts, const sei_buffer *weight, const sei_buffer *background,
                             const sei_buffer *sinogram, sei_cuda_step *step) {
    SEI_RETURN(sei_cuda_check_projection(device, op, slab, volume, sinogram));
    const size_t n = sei_cuda_sinogram_count(slab);
    SEI_RETURN(sei_cuda_check_buffer(device, op, "counts", counts, n));
    SEI_RETURN(sei_cuda_check_optional(device, op, "weight", weight, n));
    SEI_RETURN(sei_cuda_check_optional(device, op, "background", background, n));
    SEI_RETURN(sei_cuda_check_distinct(device, op, counts, sinogram));
    SEI_RETURN(sei_cuda_check_distinct(device, op, weight, sinogram));
    SEI_RETURN(sei_cuda_check_distinct(device, op, background, sinogram));
    step->counts = counts->data;
    step->weight = weight == nullptr ? nullptr : weight->data;
    step->background = background == nullptr ? nullptr : background->data;
    return SEI_OK;
}

sei_status sei_cuda_em_ratio(sei_device *face, const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts,
                             const sei_buffer *weight, const sei_buffer *background, sei_buffer *sinogram, double *sums) {
    sei_cuda_device *device = sei_cuda_of(face);
    sei_cuda_step step = {};
    step.kind = sei_cuda_step::EM_RATIO;
    SEI_RETURN(comparison(device, "em_ratio", slab, volume, counts, weight, background, sinogram, &step));
    return project(device, "em_ratio", slab, volume->data, sinogram->data, step, sums);
}

sei_status sei_cuda_sirt_residual(sei_device *face, const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts,
                                  const sei_buffer *weight, const sei_buffer *background, const sei_buffer *inverse_row,
                                  bool per_slice, sei_buffer *sinogram, double *sums) {
    sei_cuda_device *device = sei_cuda_of(face);
    sei_cuda_step step = {};
    step.kind = sei_cuda_step::SIRT_RESIDUAL;
    SEI_RETURN(comparison(device, "sirt_residual", slab, volume, counts, weight, background, sinogram, &step));
    const size_t bins = (size_t)slab->n_tilts * (size_t)slab->nu;
    SEI_RETURN(sei_cuda_check_buffer(device, "sirt_residual", "inverse row sums", inverse_row,
                                     per_slice ? bins * (size_t)slab->ny : bins));
    SEI_RETURN(sei_cuda_check_distinct(device, "sirt_residual", inverse_row, sinogram));
    step.inverse_row = inverse_row->data;
    step.per_slice = per_slice;
    return project(device, "sirt_residual", slab, volume->data, sinogram->data, step, sums);
}

/* ---- which projector */

template <int TZ>
static constexpr size_t tiles_need = scatter_shared<SEI_KERNEL_STRIP, TZ>::bytes +
                                     sizeof(column_walk<SEI_KERNEL_STRIP, TZ>) * TILE_X + 2 * sizeof(int) * (TILE_X + 1);

template <int TZ>
static sei_status ask_for_shared(sei_cuda_device *device) {
#define ASK(KERNEL, FAST)                                                                                                    \
    SEI_CUDA_TRY(device, cudaFuncSetAttribute(scatter_kernel<KERNEL, TZ, FAST>, cudaFuncAttributeMaxDynamicSharedMemorySize, \
                                              (int)scatter_shared<KERNEL, TZ>::bytes))
    ASK(SEI_KERNEL_LINEAR, false);
    ASK(SEI_KERNEL_LINEAR, true);
    ASK(SEI_KERNEL_STRIP, false);
    ASK(SEI_KERNEL_STRIP, true);
#undef ASK
    return SEI_OK;
}

sei_status sei_cuda_choose_projector(sei_cuda_device *device, const sei_device_options *options, const cudaDeviceProp *card) {
    const char *wanted = getenv("SEITOMO_CUDA_PROJECTOR"), *partials = getenv("SEITOMO_CUDA_PARTIAL_MIB");
    const size_t room = card->sharedMemPerBlockOptin, default_bytes = (size_t)320 << 20;
    device->fast = options != nullptr && options->fast;
    device->partial_bytes = card->totalGlobalMem / 16 < default_bytes ? card->totalGlobalMem / 16 : default_bytes;
    if (partials != nullptr) device->partial_bytes = (size_t)strtoul(partials, nullptr, 10) << 20;
    device->projector = room >= tiles_need<16>  ? SEI_PROJECTOR_TILES_16
                        : room >= tiles_need<8> ? SEI_PROJECTOR_TILES_8
                                                : SEI_PROJECTOR_RAYS;
    if (wanted != nullptr) {
        const sei_cuda_projector best = device->projector;
        device->projector = strcmp(wanted, "rays") == 0        ? SEI_PROJECTOR_RAYS
                            : strcmp(wanted, "tiles16x8") == 0 ? SEI_PROJECTOR_TILES_8
                                                               : SEI_PROJECTOR_TILES_16;
        if (device->projector == SEI_PROJECTOR_TILES_16 && strcmp(wanted, "tiles16x16") != 0) {
            return device->fail(SEI_ERR_USAGE, "SEITOMO_CUDA_PROJECTOR is '%s', not rays, tiles16x8 or tiles16x16", wanted);
        }
        if (device->projector > best) {
            return device->fail(SEI_ERR_ENVIRONMENT, "%s: a block of %s needs more shared memory than the card's %zu bytes",
                                SEI_PLATFORM_NAME, wanted, room);
        }
    }
    if (device->projector == SEI_PROJECTOR_TILES_16) return ask_for_shared<16>(device);
    if (device->projector == SEI_PROJECTOR_TILES_8) return ask_for_shared<8>(device);
    return SEI_OK;
}
