/* What the kernels need of a slab besides its arrays, on the card: tilts, support, tiles. Found again by content. */
#include "device.cuh"

#include <stdlib.h>
#include <string.h>

#include "tiles.cuh"

void sei_cuda_constants_free(sei_cuda_device *device) {
    for (int i = 0; i < device->n_constants; ++i) {
        (void)cudaFree(device->constants[i].data);
        free(device->constants[i].host);
    }
    device->n_constants = 0;
}

sei_status sei_cuda_constant_of(sei_cuda_device *device, const void *from, size_t bytes, const void **out) {
    for (int i = 0; i < device->n_constants; ++i) {
        if (device->constants[i].bytes != bytes || memcmp(device->constants[i].host, from, bytes) != 0) continue;
        *out = device->constants[i].data;
        return SEI_OK;
    }
    if (device->n_constants == SEI_CUDA_CONSTANTS) {
        sei_cuda_forget_recordings(device);
        sei_cuda_constants_free(device);
    }
    sei_cuda_constant fresh = {};
    fresh.bytes = bytes;
    fresh.host = malloc(bytes);
    if (fresh.host == nullptr) return device->fail(SEI_ERR_MEMORY, "no memory for %zu bytes of the geometry", bytes);
    memcpy(fresh.host, from, bytes);
    cudaError_t error = cudaMalloc(&fresh.data, bytes);
    if (error == cudaSuccess) error = cudaMemcpy(fresh.data, from, bytes, cudaMemcpyHostToDevice);
    if (error != cudaSuccess) {
        (void)cudaFree(fresh.data);
        free(fresh.host);
        return sei_cuda_failed(device, error, "the upload of the geometry");
    }
    device->constants[device->n_constants++] = fresh;
    *out = fresh.data;
    return SEI_OK;
}

sei_status sei_cuda_tilts(sei_cuda_device *device, const sei_slab *slab, const sei_cuda_tilt **out) {
    const size_t n = (size_t)slab->n_tilts;
    sei_cuda_tilt *tilts = static_cast<sei_cuda_tilt *>(calloc(n, sizeof *tilts));
    if (tilts == nullptr) return device->fail(SEI_ERR_MEMORY, "no memory for the geometry of %zu tilts", n);
    for (size_t t = 0; t < n; ++t) {
        const double c = slab->cos_tilt[t], s = slab->sin_tilt[t];
        tilts[t].cos_tilt = c;
        tilts[t].sin_tilt = s;
        tilts[t].axis_u = slab->axis_u[t];
        tilts[t].inverse_main = 1.0 / (fabs(c) >= fabs(s) ? c : s);
        tilts[t].footprint = sei_footprint_of(c, s);
    }
    const void *data = nullptr;
    const sei_status status = sei_cuda_constant_of(device, tilts, n * sizeof *tilts, &data);
    free(tilts);
    *out = static_cast<const sei_cuda_tilt *>(data);
    return status;
}

static sei_status support_of(sei_cuda_device *device, const sei_slab *slab, const uint8_t **out) {
    const void *data = nullptr;
    if (slab->support != nullptr)
        SEI_RETURN(sei_cuda_constant_of(device, slab->support, (size_t)slab->nz * (size_t)slab->nx, &data));
    *out = static_cast<const uint8_t *>(data);
    return SEI_OK;
}

sei_status sei_cuda_shape_with_support(sei_cuda_device *device, const sei_slab *slab, sei_cuda_shape *out) {
    *out = sei_cuda_shape_of(slab);
    return support_of(device, slab, &out->support);
}

static sei_status walks_of(sei_cuda_device *device, const sei_slab *slab, const sei_cuda_walk **out) {
    const size_t n = (size_t)slab->n_tilts;
    sei_cuda_walk *walks = static_cast<sei_cuda_walk *>(calloc(n, sizeof *walks)); /* calloc: no padding that differs */
    if (walks == nullptr) return device->fail(SEI_ERR_MEMORY, "no memory for the geometry of %zu tilts", n);
    for (size_t t = 0; t < n; ++t)
        sei_cuda_walk_of(slab->kernel, slab->nx, slab->nz, slab->cos_tilt[t], slab->sin_tilt[t], slab->axis_u[t], &walks[t]);
    const void *data = nullptr;
    const sei_status status = sei_cuda_constant_of(device, walks, n * sizeof *walks, &data);
    free(walks);
    *out = static_cast<const sei_cuda_walk *>(data);
    return status;
}

/* Which tiles hold any voxel of the support. */
static sei_status tiles_of(sei_cuda_device *device, const sei_slab *slab, int tile_z, const sei_cuda_tiling *g,
                           const uint8_t **out) {
    *out = nullptr;
    if (slab->support == nullptr) return SEI_OK;
    const size_t n = (size_t)g->tiles_x * (size_t)g->tiles_z;
    uint8_t *used = static_cast<uint8_t *>(calloc(n, 1));
    if (used == nullptr) return device->fail(SEI_ERR_MEMORY, "no memory for the support of %zu tiles", n);
    for (int z = 0; z < slab->nz; ++z) {
        const uint8_t *row = slab->support + (size_t)z * (size_t)slab->nx;
        uint8_t *to = used + (size_t)(z / tile_z) * (size_t)g->tiles_x;
        for (int x = 0; x < slab->nx; ++x) to[x / TILE_X] |= row[x] != 0 ? 1 : 0;
    }
    const void *data = nullptr;
    const sei_status status = sei_cuda_constant_of(device, used, n, &data);
    free(used);
    *out = static_cast<const uint8_t *>(data);
    return status;
}

sei_status sei_cuda_tile(sei_cuda_device *device, const sei_slab *block, int tile_z, const float *const *rows, int n_rows,
                         sei_cuda_tiling *out) {
    sei_cuda_tiling g = {};
    g.nx = block->nx;
    g.nz = block->nz;
    g.nu = block->nu;
    g.ny = block->ny;
    g.n_tilts = block->n_tilts;
    g.tiles_x = (block->nx + TILE_X - 1) / TILE_X;
    g.tiles_z = (block->nz + tile_z - 1) / tile_z;
    g.vectors = block->ny % SLICES_PER_LANE == 0;
    for (int i = 0; i < n_rows; ++i) g.vectors = g.vectors && reinterpret_cast<uintptr_t>(rows[i]) % sizeof(float4) == 0;
    SEI_RETURN(walks_of(device, block, &g.walks));
    SEI_RETURN(support_of(device, block, &g.support));
    SEI_RETURN(tiles_of(device, block, tile_z, &g, &g.used));
    *out = g;
    return SEI_OK;
}
