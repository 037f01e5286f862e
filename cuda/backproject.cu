/* V = A' S, and the updates of EM and SIRT with it: by columns (rolling.cuh) or voxel by voxel (gather.cuh). */
#include "gather.cuh"
#include "rolling.cuh"

/* The voxels of one row along x; the items are the tilts. */
template <int KERNEL>
struct voxel {
    static constexpr int TAPS = voxel_taps<KERNEL>::count;
    const sei_cuda_tilt *tilts;
    int z, items;
    size_t item_stride, tap_stride;

    static __host__ __device__ int side(const sei_cuda_shape &s) { return s.nx; }
    static __host__ __device__ int lines(const sei_cuda_shape &s) { return s.nz; }
    __device__ voxel(const sei_cuda_shape &s, const sei_cuda_tilt *tilts_, int line)
        : tilts(tilts_), z(line), items(s.n_tilts), item_stride((size_t)s.nu * (size_t)s.ny), tap_stride((size_t)s.ny) {}
    __device__ int weigh(const sei_cuda_shape &s, int x, int tilt, float (&weight)[TAPS]) const {
        return tilt < items ? weigh_voxel<KERNEL>(tilts[tilt], s, x, z, weight) : 0;
    }
};

/* The update, as gather asks for it. */
struct store_update {
    sei_cuda_update update;
    __device__ bool skips(const sei_cuda_shape &s, size_t voxel) const {
        return update.keeps() && s.support != nullptr && s.support[voxel] == 0;
    }
    __device__ float value(const sei_cuda_shape &s, float old, float sum, size_t voxel, size_t index) const {
        if (s.support != nullptr && s.support[voxel] == 0) return 0.0F;
        return update.value(old, sum, update.keeps() ? update.inverse[update.per_slice ? index : voxel] : 0.0F);
    }
};

/* A column's sums live in registers: tiles are as deep as 16 voxels on every card, and static shared memory is enough. */
enum { ROLLING_Z = 16 };

template <int KERNEL>
static sei_status roll(sei_cuda_device *device, const char *op, const sei_slab *block, const float *sinogram, float *volume,
                       const sei_cuda_update &update) {
    const float *const rows[] = {sinogram, volume, update.per_slice ? update.inverse : nullptr};
    sei_cuda_tiling g = {};
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_tile(device, block, ROLLING_Z, rows, 3, &g));
    const size_t chunks = ((size_t)block->ny + SLICES_PER_BLOCK - 1) / SLICES_PER_BLOCK;
    SEI_RETURN(sei_cuda_extent(device, op, (size_t)g.tiles_x * (size_t)g.tiles_z * chunks, &blocks));
    SEI_LAUNCH_ON(device->stream, (rolling_kernel<KERNEL, ROLLING_Z>), blocks, dim3(WARP, TILE_X), 0, g, sinogram, volume,
                  update);
    return sei_cuda_launched(device, "rolling_kernel");
}

/* All blocks of a slab; `update` holds the pointers of the whole slab. */
static sei_status backproject(sei_cuda_device *device, const char *op, const sei_slab *slab, const float *sinogram, float *volume,
                              const sei_cuda_update &update) {
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_cuda_block b = sei_cuda_block_of(slab, k);
        const float *from = sinogram + b.sinogram;
        float *to = volume + b.volume;
        sei_cuda_update now = update;
        if (update.inverse != nullptr && update.per_slice) now.inverse += b.volume;
        if (device->projector == SEI_PROJECTOR_RAYS) {
            SEI_RETURN(gather<voxel>(device, op, &b.slab, from, to, store_update{now}));
        } else if (slab->kernel == SEI_KERNEL_LINEAR) {
            SEI_RETURN(roll<SEI_KERNEL_LINEAR>(device, op, &b.slab, from, to, now));
        } else {
            SEI_RETURN(roll<SEI_KERNEL_STRIP>(device, op, &b.slab, from, to, now));
        }
    }
    return SEI_OK;
}

sei_status sei_cuda_backproject(sei_device *face, const sei_slab *slab, const sei_buffer *sinogram, sei_buffer *volume) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_projection(device, "backproject", slab, volume, sinogram));
    return backproject(device, "backproject", slab, sinogram->data, volume->data, sei_cuda_update());
}

sei_status sei_cuda_em_update(sei_device *face, const sei_slab *slab, const sei_buffer *sinogram, const sei_buffer *inverse,
                              bool per_slice, sei_buffer *volume) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_update(device, "em_update", slab, sinogram, inverse, per_slice, volume));
    sei_cuda_update update = {};
    update.kind = sei_cuda_update::EM;
    update.inverse = inverse->data;
    update.per_slice = per_slice;
    return backproject(device, "em_update", slab, sinogram->data, volume->data, update);
}

sei_status sei_cuda_sirt_update(sei_device *face, const sei_slab *slab, const sei_buffer *sinogram, const sei_buffer *inverse,
                                bool per_slice, float relaxation, bool positive, sei_buffer *volume) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_update(device, "sirt_update", slab, sinogram, inverse, per_slice, volume));
    sei_cuda_update update = {};
    update.kind = sei_cuda_update::SIRT;
    update.inverse = inverse->data;
    update.per_slice = per_slice;
    update.positive = positive;
    update.relaxation = relaxation;
    return backproject(device, "sirt_update", slab, sinogram->data, volume->data, update);
}
