/* S = A V: every ray gathers its voxels, row by row (gather.cuh). */
#include "gather.cuh"

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

sei_status sei_cuda_project(sei_device *face, const sei_slab *slab, const sei_buffer *volume, sei_buffer *sinogram) {
    sei_cuda_device *device = sei_cuda_of(face);
    SEI_RETURN(sei_cuda_check_projection(device, "project", slab, volume, sinogram));
    for (int k = 0; k < sei_slab_blocks(slab); ++k) {
        const sei_cuda_block b = sei_cuda_block_of(slab, k);
        SEI_RETURN(gather<ray>(device, "project", &b.slab, volume->data + b.volume, sinogram->data + b.sinogram, store_sum()));
    }
    return SEI_OK;
}
