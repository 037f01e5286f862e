/* Between the arrays of the world (images [t][y][x], volumes [z][y][x]) and slabs ([t][u][y], [z][x][y], in blocks). */
#ifndef SEI_RECON_SLABS_H
#define SEI_RECON_SLABS_H

#include "seitomo/recon.h"

/* The geometry of some tilts of a series, in one block of memory. */
typedef struct sei_tilts {
    double *cos_tilt, *sin_tilt, *axis_u, *tilt_deg; /* [n] */
} sei_tilts;
/* Of the n tilts whose numbers are given; NULL: of the first n. */
sei_status sei_tilts_make(const sei_series *series, int n, const int *numbers, sei_tilts *out) SEI_MUST_CHECK;
void sei_tilts_free(sei_tilts *tilts);

/*
 * Rows of the world that make up a slab: slice s of the slab has its rows from slice[s] on, those of plane k (a tilt, a z)
 * `plane` elements further for every one before it; planes[k] is k's number there (NULL: k).
 */
typedef struct sei_rows {
    const float *const *slice; /* [ny of the slab] */
    const int *planes;
    size_t plane;
} sei_rows;
typedef struct sei_target_rows {
    float *const *slice;
    size_t plane;
} sei_target_rows;
typedef struct sei_mask_rows {
    const uint8_t *const *slice;
    const int *planes;
    size_t plane;
} sei_mask_rows;

/* Part of a slab that lies together: of one block some planes. */
typedef struct sei_piece {
    int block_first, block_ny; /* the block's slices */
    int first, count;          /* planes */
    size_t offset;             /* of its first float in the buffer */
    size_t floats;
} sei_piece;
/*
 * The pieces of a buffer of n_planes planes of n_x items, each of at most `room` floats but never less than a plane:
 *     for (sei_piece p = sei_piece_first(...); p.floats > 0; p = sei_piece_next(...))
 */
sei_piece sei_piece_first(const sei_slab *slab, int n_planes, int n_x, size_t room);
sei_piece sei_piece_next(const sei_slab *slab, int n_planes, int n_x, size_t room, sei_piece piece);

/* piece[k][x][s] = row of plane first + k of slice block_first + s; back; and a mask as 0 and 1. */
void sei_piece_gather(const sei_piece *piece, int n_x, const sei_rows *rows, float *out);
void sei_piece_scatter(const sei_piece *piece, int n_x, const float *in, const sei_target_rows *rows);
void sei_piece_gather_mask(const sei_piece *piece, int n_x, const sei_mask_rows *rows, float *out);

/* Floats of a staging area for slabs whose blocks have up to `ny` slices of n_x items: some planes, a few megabytes. */
size_t sei_staging_floats(int ny, int n_x, int n_planes);

#endif
