/* V = A' S: every voxel gathers its bins over all tilts (gather.cuh). */
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

sei_status sei_cuda_backproject(sei_device *face, const sei_slab *slab, const sei_buffer *sinogram, sei_buffer *volume) {
    SEI_RETURN(sei_cuda_check_slab(sei_cuda_of(face), "backproject", slab));
    return gather<voxel>(face, "backproject", slab, {"sinogram", sinogram, sei_cuda_sinogram_count(slab)},
                         {"volume", volume, sei_cuda_volume_count(slab)});
}
