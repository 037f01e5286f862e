/* Between the arrays of the world (images [t][y][x], volumes [z][y][x]) and slabs ([t][u][y], [z][x][y]). */
#ifndef SEI_RECON_SLABS_H
#define SEI_RECON_SLABS_H

#include "seitomo/recon.h"

/* The geometry of a whole series: cosines, sines, axes, angles, in one block of memory. */
typedef struct sei_tilts {
    double *cos_tilt, *sin_tilt, *axis_u, *tilt_deg; /* [n_tilts] */
} sei_tilts;
sei_status sei_tilts_make(const sei_series *series, sei_tilts *out) SEI_MUST_CHECK;
void sei_tilts_free(sei_tilts *tilts);

/* slab[k][x][y] = image[k][y0 + y][x] for n_k planes of ny x nx, and back. */
void sei_slab_gather(int64_t n_k, int64_t ny, int64_t nx, int64_t y0, int64_t width, const float *planes, float *slab);
void sei_slab_scatter(int64_t n_k, int64_t ny, int64_t nx, int64_t y0, int64_t width, const float *slab, float *planes);
/* The same for a mask of 0 and 1. */
void sei_slab_gather_mask(int64_t n_k, int64_t ny, int64_t nx, int64_t y0, int64_t width, const uint8_t *planes, float *slab);

/*
 * The width of a slab: wanted if > 0, else as many slices as the memory holds, at most 256 and whole vectors when there
 * is room. SEI_ERR_MEMORY says what one slice needs.
 */
sei_status sei_slab_width(int64_t ny, size_t bytes_per_slice, size_t bytes, int wanted, int *width) SEI_MUST_CHECK;

#endif
