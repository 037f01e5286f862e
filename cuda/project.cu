/*
 * S = A V: every ray gathers its voxels, row by row. A block takes RAYS_PER_BLOCK neighbouring rays of one tilt and
 * SLICES_PER_BLOCK slices; its threads first compute the weights of WARP rows for all these rays into shared memory,
 * then every warp walks its ray. Sums are taken per batch of rows, then over batches: short chains of float additions,
 * always in the same order.
 */
#include "weights.cuh"

template <int KERNEL>
__global__ void __launch_bounds__(WARP *RAYS_PER_BLOCK)
    project_kernel(sei_cuda_shape s, const sei_cuda_tilt *tilts, const float *__restrict__ volume, float *__restrict__ sinogram) {
    constexpr int TAPS = ray_taps<KERNEL>::count;
    SEI_SHARED(int, first, [RAYS_PER_BLOCK][WARP]);
    SEI_SHARED(float, weight, [RAYS_PER_BLOCK][WARP][TAPS]);
    const int lane = (int)threadIdx.x, ray = (int)threadIdx.y;
    const unsigned tiles = (unsigned)(s.nu + RAYS_PER_BLOCK - 1) / RAYS_PER_BLOCK;
    const int u = (int)(blockIdx.x % tiles) * RAYS_PER_BLOCK + ray;
    const int tilt = (int)(blockIdx.x / tiles % (unsigned)s.n_tilts);
    const int y0 = (int)(blockIdx.x / tiles / (unsigned)s.n_tilts) * SLICES_PER_BLOCK + lane;
    const sei_cuda_tilt &t = tilts[tilt];
    const bool along_x = rows_along_x(t);
    const int n_rows = along_x ? s.nz : s.nx;
    const size_t tap_stride = (size_t)(along_x ? 1 : s.nx) * (size_t)s.ny;
    const size_t row_stride = (size_t)(along_x ? s.nx : 1) * (size_t)s.ny;

    float total[SLICES_PER_LANE] = {0};
    for (int row0 = 0; row0 < n_rows; row0 += WARP) {
        first[ray][lane] = weigh_row<KERNEL>(t, s, u, row0 + lane, weight[ray][lane]);
        __syncthreads();
        float part[SLICES_PER_LANE] = {0};
        const int rows = n_rows - row0 < WARP ? n_rows - row0 : WARP;
        for (int r = 0; r < rows; ++r) {
            for (int k = 0; k < TAPS; ++k) {
                const float w = weight[ray][r][k];
                if (w == 0.0F) continue; /* the whole warp: also keeps the index inside the volume */
                const float *v = volume + (size_t)(row0 + r) * row_stride + (size_t)(first[ray][r] + k) * tap_stride;
                for (int j = 0; j < SLICES_PER_LANE; ++j) {
                    const int y = y0 + j * WARP;
                    if (y < s.ny) part[j] = fmaf(w, v[y], part[j]);
                }
            }
        }
        for (int j = 0; j < SLICES_PER_LANE; ++j) total[j] += part[j];
        __syncthreads();
    }
    if (u >= s.nu) return;
    float *out = sinogram + ((size_t)tilt * (size_t)s.nu + (size_t)u) * (size_t)s.ny;
    for (int j = 0; j < SLICES_PER_LANE; ++j) {
        const int y = y0 + j * WARP;
        if (y < s.ny) out[y] = total[j];
    }
}

sei_status sei_cuda_project(sei_device *face, const sei_slab *slab, const sei_buffer *volume, sei_buffer *sinogram) {
    sei_cuda_device *device = sei_cuda_of(face);
    const sei_cuda_tilt *tilts = nullptr;
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_check_slab(device, "project", slab));
    SEI_RETURN(sei_cuda_check_buffer(device, "project", "volume", volume, sei_cuda_volume_count(slab)));
    SEI_RETURN(sei_cuda_check_buffer(device, "project", "sinogram", sinogram, sei_cuda_sinogram_count(slab)));
    SEI_RETURN(sei_cuda_check_distinct(device, "project", volume, sinogram));
    const size_t tiles = ((size_t)slab->nu + RAYS_PER_BLOCK - 1) / RAYS_PER_BLOCK;
    const size_t chunks = ((size_t)slab->ny + SLICES_PER_BLOCK - 1) / SLICES_PER_BLOCK;
    SEI_RETURN(sei_cuda_extent(device, "project", tiles * (size_t)slab->n_tilts * chunks, &blocks));
    SEI_RETURN(sei_cuda_tilts(device, slab, &tilts));
    const sei_cuda_shape shape = sei_cuda_shape_of(slab);
    const dim3 block(WARP, RAYS_PER_BLOCK);
    if (slab->kernel == SEI_KERNEL_LINEAR) {
        SEI_LAUNCH(project_kernel<SEI_KERNEL_LINEAR>, blocks, block, 0, shape, tilts, volume->data, sinogram->data);
    } else {
        SEI_LAUNCH(project_kernel<SEI_KERNEL_STRIP>, blocks, block, 0, shape, tilts, volume->data, sinogram->data);
    }
    return sei_cuda_launched(device, "project_kernel");
}
