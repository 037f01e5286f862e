/* Inside simulate: voxels laid out for rays. */
#ifndef SEI_SIMULATE_VOXEL_GRID_H
#define SEI_SIMULATE_VOXEL_GRID_H

#include "seitomo/specimen.h"

enum { SEI_VOXEL_BLOCK = 64 }; /* rows that are looked at together */

/*
 * The box in x and z that holds everything, y innermost: a ray of an xz plane meets the same cells in every plane, so one
 * walk serves all y. masks tell which materials a block of 64 rows has (bit m), so that empty blocks cost nothing and
 * those of one material next to nothing.
 */
typedef struct sei_voxel_grid {
    int64_t nx, ny, nz;        /* of the box; ny is the specimen's */
    int64_t n_blocks;          /* of every column */
    double voxel_nm;           /* edge */
    double corner_x, corner_z; /* of the box, in voxels from the specimen's centre */
    double corner_y;           /* lower end of the columns, likewise */
    uint8_t *columns;          /* [nz][nx][n_blocks][SEI_VOXEL_BLOCK]: materials, 0 beyond the end */
    uint32_t *masks;           /* [nz][nx][n_blocks]; bit 0: it has empty voxels, or ends within the block */
    uint32_t *column_masks;    /* [nz][nx], without bit 0 */
    uint32_t all;              /* materials there are */
} sei_voxel_grid;

/* SEI_ERR_INPUT when a voxel is of a material that does not exist, SEI_ERR_MEMORY. */
sei_status sei_voxel_grid_of(const sei_specimen *specimen, sei_voxel_grid *out) SEI_MUST_CHECK;
void sei_voxel_grid_free(sei_voxel_grid *grid);

/* A cell on a ray: which column of the grid, how long the ray stays in it and where its middle is (nm). */
typedef struct sei_ray_cell {
    int64_t column;
    float length_nm;
    float x_nm, z_nm;
} sei_ray_cell;

/* Room for the cells of one ray. */
int64_t sei_ray_cells_most(const sei_voxel_grid *grid);
/* The columns that hold anything on the ray across the axis at u (nm), in its order; the count. */
int64_t sei_ray_cells(const sei_voxel_grid *grid, double cos_tilt, double sin_tilt, double u_nm, sei_ray_cell *cells);

#endif
