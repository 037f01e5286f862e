/*
 * The projector's weights as the kernels use them: the voxels that a ray meets in one row of the volume, and the bins
 * that a voxel's shadow meets at one tilt. Both evaluate one expression (backend/footprint.h) at the same distance, in
 * double precision, and round once to float: the two operators are transposes to the last bit of every weight.
 */
#ifndef SEI_CUDA_WEIGHTS_CUH
#define SEI_CUDA_WEIGHTS_CUH

#include "device.cuh"
#include "window.cuh"

enum { TARGETS_PER_BLOCK = 8 };

/* The most voxels of a row that one ray meets: |x - centre| < reach/larger, an open interval of at most that length. */
template <int KERNEL>
struct ray_taps {
    static constexpr int count = KERNEL == SEI_KERNEL_LINEAR ? 2 : 4;
};
/* A row is a line of voxels along x (at one z) when the beam is nearer to z, else along z (at one x). */
static __device__ inline bool rows_along_x(const sei_cuda_tilt &t) {
    return fabs(t.cos_tilt) >= fabs(t.sin_tilt);
}

/* The first voxel of `row` that ray u meets (may lie outside) and the weights from there on; 0 outside the volume. */
template <int KERNEL>
static __device__ inline int weigh_row(const sei_cuda_tilt &t, const sei_cuda_shape &s, int u, int row,
                                       float (&weight)[ray_taps<KERNEL>::count]) {
    const bool along_x = rows_along_x(t);
    const double xc = 0.5 * (s.nx - 1), zc = 0.5 * (s.nz - 1);
    const int n_along = along_x ? s.nx : s.nz, n_rows = along_x ? s.nz : s.nx;
    const double off = u - t.axis_u;
    const double centre =
        along_x ? xc + (off + (row - zc) * t.sin_tilt) * t.inverse_main : zc + ((row - xc) * t.cos_tilt - off) * t.inverse_main;
    const double edge = floor(centre - sei_footprint_radius(&t.footprint, KERNEL) * fabs(t.inverse_main));
    /* far outside: any index whose taps all miss, so that no conversion overflows */
    const int first = edge < -16 ? -16 : edge > n_along ? n_along : (int)edge + 1;
    for (int k = 0; k < ray_taps<KERNEL>::count; ++k) {
        const int i = first + k;
        const int x = along_x ? i : row, z = along_x ? row : i;
        bool inside = row < n_rows && u < s.nu && i >= 0 && i < n_along;
        if (inside && s.support != nullptr) inside = s.support[(size_t)z * (size_t)s.nx + (size_t)x] != 0;
        const double bin = sei_voxel_bin(x, z, s.nx, s.nz, t.cos_tilt, t.sin_tilt, t.axis_u);
        weight[k] = inside ? (float)sei_footprint_weight(&t.footprint, KERNEL, bin - u) : 0.0F;
    }
    return first;
}

/* The first bin under voxel (x, z) and the weights from there on; 0 off the detector. */
template <int KERNEL>
static __device__ inline int weigh_voxel(const sei_cuda_tilt &t, const sei_cuda_shape &s, int x, int z,
                                         float (&weight)[voxel_taps<KERNEL>::count]) {
    const double bin = sei_voxel_bin(x, z, s.nx, s.nz, t.cos_tilt, t.sin_tilt, t.axis_u);
    const double edge = floor(bin - sei_footprint_radius(&t.footprint, KERNEL));
    const int first = edge < -16 ? -16 : edge > s.nu ? s.nu : (int)edge + 1;
    for (int k = 0; k < voxel_taps<KERNEL>::count; ++k) {
        const int u = first + k;
        weight[k] = u >= 0 && u < s.nu ? (float)sei_footprint_weight(&t.footprint, KERNEL, bin - u) : 0.0F;
    }
    return first;
}

#endif
