/* V = A' S, and the updates of EM and SIRT with it: every voxel gathers its bins over all tilts (gather.cuh). */
#include "gather.cuh"

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

/* What of the volume is not the sum itself: a voxel outside the support is left alone, or 0. */
struct store_back {
    __device__ bool skips(const sei_cuda_shape &, size_t) const { return false; }
    const uint8_t *support;
    __device__ float value(float, float sum, size_t voxel, size_t) const {
        return support == nullptr || support[voxel] != 0 ? sum : 0.0F;
    }
};
/* EM and SIRT: the factor is a map or as the volume. In double, so that a product of large factors does not overflow on the way.
 */
struct update {
    const float *inverse;
    bool per_slice;
    __device__ bool skips(const sei_cuda_shape &s, size_t voxel) const { return s.support != nullptr && s.support[voxel] == 0; }
    __device__ double factor(size_t voxel, size_t index) const { return (double)inverse[per_slice ? index : voxel]; }
};
struct store_em : update {
    __device__ float value(float old, float sum, size_t voxel, size_t index) const {
        const double by = factor(voxel, index);
        return by == 0 ? old : (float)((double)old * (double)sum * by);
    }
};
struct store_sirt : update {
    float relaxation;
    bool positive;
    __device__ float value(float old, float sum, size_t voxel, size_t index) const {
        const double next = (double)old + (double)relaxation * factor(voxel, index) * (double)sum;
        return positive && next < 0 ? 0.0F : (float)next;
    }
};

sei_status sei_cuda_backproject(sei_device *face, const sei_slab *slab, const sei_buffer *sinogram, sei_buffer *volume) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_projection(device, "backproject", slab, volume, sinogram));
    sei_cuda_shape with_support = {};
    SEI_RETURN(sei_cuda_shape_with_support(device, slab, &with_support));
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_cuda_block b = sei_cuda_block_of(slab, k);
        const store_back store = {with_support.support};
        SEI_RETURN(gather<voxel>(device, "backproject", &b.slab, sinogram->data + b.sinogram, volume->data + b.volume, store));
    }
    return SEI_OK;
}

sei_status sei_cuda_em_update(sei_device *face, const sei_slab *slab, const sei_buffer *sinogram, const sei_buffer *inverse,
                              bool per_slice, sei_buffer *volume) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_update(device, "em_update", slab, sinogram, inverse, per_slice, volume));
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_cuda_block b = sei_cuda_block_of(slab, k);
        store_em store = {};
        store.inverse = inverse->data + (per_slice ? b.volume : 0);
        store.per_slice = per_slice;
        SEI_RETURN(gather<voxel>(device, "em_update", &b.slab, sinogram->data + b.sinogram, volume->data + b.volume, store));
    }
    return SEI_OK;
}

sei_status sei_cuda_sirt_update(sei_device *face, const sei_slab *slab, const sei_buffer *sinogram, const sei_buffer *inverse,
                                bool per_slice, float relaxation, bool positive, sei_buffer *volume) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_update(device, "sirt_update", slab, sinogram, inverse, per_slice, volume));
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_cuda_block b = sei_cuda_block_of(slab, k);
        store_sirt store = {};
        store.inverse = inverse->data + (per_slice ? b.volume : 0);
        store.per_slice = per_slice;
        store.relaxation = relaxation;
        store.positive = positive;
        SEI_RETURN(gather<voxel>(device, "sirt_update", &b.slab, sinogram->data + b.sinogram, volume->data + b.volume, store));
    }
    return SEI_OK;
}
