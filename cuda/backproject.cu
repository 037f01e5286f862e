/*
 * V = A' S: every voxel gathers its bins over all tilts. A block takes VOXELS_PER_BLOCK neighbouring voxels of one row
 * and SLICES_PER_BLOCK slices; the weights of WARP tilts for all these voxels are computed once into shared memory.
 */
#include "weights.cuh"

template <int KERNEL>
__global__ void __launch_bounds__(WARP *VOXELS_PER_BLOCK)
    backproject_kernel(sei_cuda_shape s, const sei_cuda_tilt *tilts, const float *__restrict__ sinogram,
                       float *__restrict__ volume) {
    constexpr int TAPS = voxel_taps<KERNEL>::count;
    SEI_SHARED(int, first, [VOXELS_PER_BLOCK][WARP]);
    SEI_SHARED(float, weight, [VOXELS_PER_BLOCK][WARP][TAPS]);
    const int lane = (int)threadIdx.x, voxel = (int)threadIdx.y;
    const unsigned tiles = (unsigned)(s.nx + VOXELS_PER_BLOCK - 1) / VOXELS_PER_BLOCK;
    const int x = (int)(blockIdx.x % tiles) * VOXELS_PER_BLOCK + voxel;
    const int z = (int)(blockIdx.x / tiles % (unsigned)s.nz);
    const int y0 = (int)(blockIdx.x / tiles / (unsigned)s.nz) * SLICES_PER_BLOCK + lane;

    float total[SLICES_PER_LANE] = {0};
    for (int tilt0 = 0; tilt0 < s.n_tilts; tilt0 += WARP) {
        const int n = s.n_tilts - tilt0 < WARP ? s.n_tilts - tilt0 : WARP;
        if (lane < n) first[voxel][lane] = weigh_voxel<KERNEL>(tilts[tilt0 + lane], s, x, z, weight[voxel][lane]);
        __syncthreads();
        float part[SLICES_PER_LANE] = {0};
        for (int i = 0; i < n; ++i) {
            for (int k = 0; k < TAPS; ++k) {
                const float w = weight[voxel][i][k];
                if (w == 0.0F) continue; /* the whole warp: also keeps the index on the detector */
                const float *b = sinogram + ((size_t)(tilt0 + i) * (size_t)s.nu + (size_t)(first[voxel][i] + k)) * (size_t)s.ny;
                for (int j = 0; j < SLICES_PER_LANE; ++j) {
                    const int y = y0 + j * WARP;
                    if (y < s.ny) part[j] = fmaf(w, b[y], part[j]);
                }
            }
        }
        for (int j = 0; j < SLICES_PER_LANE; ++j) total[j] += part[j];
        __syncthreads();
    }
    if (x >= s.nx) return;
    float *out = volume + ((size_t)z * (size_t)s.nx + (size_t)x) * (size_t)s.ny;
    for (int j = 0; j < SLICES_PER_LANE; ++j) {
        const int y = y0 + j * WARP;
        if (y < s.ny) out[y] = total[j];
    }
}

sei_status sei_cuda_backproject(sei_device *face, const sei_slab *slab, const sei_buffer *sinogram, sei_buffer *volume) {
    sei_cuda_device *device = sei_cuda_of(face);
    const sei_cuda_tilt *tilts = nullptr;
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_check_slab(device, "backproject", slab));
    SEI_RETURN(sei_cuda_check_buffer(device, "backproject", "sinogram", sinogram, sei_cuda_sinogram_count(slab)));
    SEI_RETURN(sei_cuda_check_buffer(device, "backproject", "volume", volume, sei_cuda_volume_count(slab)));
    SEI_RETURN(sei_cuda_check_distinct(device, "backproject", sinogram, volume));
    const size_t tiles = ((size_t)slab->nx + VOXELS_PER_BLOCK - 1) / VOXELS_PER_BLOCK;
    const size_t chunks = ((size_t)slab->ny + SLICES_PER_BLOCK - 1) / SLICES_PER_BLOCK;
    SEI_RETURN(sei_cuda_extent(device, "backproject", tiles * (size_t)slab->nz * chunks, &blocks));
    SEI_RETURN(sei_cuda_tilts(device, slab, &tilts));
    const sei_cuda_shape shape = sei_cuda_shape_of(slab);
    const dim3 block(WARP, VOXELS_PER_BLOCK);
    if (slab->kernel == SEI_KERNEL_LINEAR) {
        SEI_LAUNCH(backproject_kernel<SEI_KERNEL_LINEAR>, blocks, block, 0, shape, tilts, sinogram->data, volume->data);
    } else {
        SEI_LAUNCH(backproject_kernel<SEI_KERNEL_STRIP>, blocks, block, 0, shape, tilts, sinogram->data, volume->data);
    }
    return sei_cuda_launched(device, "backproject_kernel");
}
