/* EMD 0.2 files in the manner of other programs, and refusals that name the file. */
#ifndef SEI_TESTS_FOREIGN_EMD_H
#define SEI_TESTS_FOREIGN_EMD_H

#include <hdf5.h>

typedef struct foreign_dim {
    const char *name, *unit;
    double first, step;
} foreign_dim;

/* A new file with an empty array group /data/map; the caller closes it. */
hid_t foreign_emd_begin(const char *path);
/*
 * A whole file: /data/map/data[n0][n1][n2] = 100 i + 10 j + k as big-endian int16, `rank` dims of at most 16 values; with two
 * the last index is k = 0.
 */
void foreign_emd_write(const char *path, int rank, const hsize_t size[3], const foreign_dim dims[3]);
/* HDF5 as the library sets it up before its first call, for tests that call it themselves. */
void foreign_emd_setup(void);
/* Fails unless the reader refuses the file, names it, and says `part`. */
void foreign_emd_refused(const char *path, const char *part);

#endif
