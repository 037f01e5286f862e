/* Inside simulate: the projections of voxels in planes across the tilt axis, for many rays and all planes at once. */
#ifndef SEI_SIMULATE_SINOGRAM_H
#define SEI_SIMULATE_SINOGRAM_H

#include "simulate/view.h"
#include "simulate/voxel_grid.h"

/* Path lengths, nm, for rows y of the grid from first_y on: ray after ray, in each either data[material*n_y + y] or, when
 * interleaved, data[y*n_materials + material]. */
typedef struct sei_sinogram {
    int64_t n_rays;
    int n_materials;                 /* only those the grid has */
    int material[SEI_MAX_MATERIALS]; /* which they are */
    int64_t first_y, n_y;            /* whole blocks of the grid */
    bool interleaved;
    float *data;
    bool *lit; /* [n_rays]: whether the ray meets anything; the others are 0 */
} sei_sinogram;

/* The shape for grid rows y0 <= y < y1 (rounded outwards to whole blocks); bytes of one ray in *ray_bytes. */
void sei_sinogram_shape(const sei_voxel_grid *grid, int64_t y0, int64_t y1, sei_sinogram *out, int64_t *ray_bytes);
/* Makes and fills data for rays at u_nm[n_rays], n_rays set by the caller. weight may be NULL. SEI_ERR_MEMORY. */
sei_status sei_sinogram_trace(const sei_voxel_grid *grid, const sei_camera *camera, const sei_weight_grid *weight,
                              const double *u_nm, sei_sinogram *sinogram) SEI_MUST_CHECK;
void sei_sinogram_free(sei_sinogram *sinogram);

#endif
