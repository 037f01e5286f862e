/* Areas between classes by Crofton's formula on the 13 directions of the grid. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/measure.h"

/* One of each opposite pair of neighbours. */
static const int64_t directions[13][3] = {{1, 0, 0}, {0, 1, 0},  {0, 0, 1}, {1, 1, 0},  {1, -1, 0}, {1, 0, 1},  {1, 0, -1},
                                          {0, 1, 1}, {0, 1, -1}, {1, 1, 1}, {1, 1, -1}, {1, -1, 1}, {1, -1, -1}};

/*
 * Share of the sphere nearer to a direction (and its opposite) than to any other: along an axis, a face's, a cube's diagonal.
 * They add up to 1, so the mean over a plane's orientations is exact; its rms error is 1.62 %, and 1.61 % is the least that any
 * three weights for these directions reach.
 */
static const double weights[4] = {0, 2 * 0.04577789120476, 2 * 0.03698062787608, 2 * 0.03519563978232};

enum { CLASSES = 256, KINDS = 4 };

/* A pair of neighbours counts FULL; one whose second voxel would lie beyond the field, and is taken from the face, half. */
enum { FULL = 4 };

/* Adds the class changes between a row and its neighbour `dx` (0 or 1) further along x: counts[a][b]. */
static void count_rows(const uint8_t *a, const uint8_t *b, int64_t n, int64_t dx, int64_t weight, int64_t (*counts)[CLASSES]) {
    for (int64_t i = 0; i + dx < n; ++i) {
        if (a[i] != b[i + dx]) counts[a[i]][b[i + dx]] += weight;
    }
    if (dx == 0) return;
    if (a[0] != b[0]) counts[a[0]][b[0]] += weight / 2;
    if (a[n - 1] != b[n - 1]) counts[a[n - 1]][b[n - 1]] += weight / 2;
}

static int64_t clamp(int64_t i, int64_t n) {
    return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/*
 * Beyond the field's faces the specimen is taken to go on as it ends there, so that lines which leave through a face lose
 * nothing of a surface that is cut by it: each such step counts half, at the face it leaves and at the one it enters by.
 */
static void count_plane(const sei_labels *labels, int64_t k, int64_t (*counts)[CLASSES][CLASSES]) {
    const int64_t nx = labels->nx, ny = labels->ny, nz = labels->nz;
    for (int d = 0; d < 13; ++d) {
        const int64_t dx = directions[d][0], dy = directions[d][1], dz = directions[d][2];
        const int kind = (int)(dx + dy * dy + dz * dz);
        for (int64_t j = 0; j < ny; ++j) {
            const int64_t to_j = clamp(j + dy, ny), to_k = clamp(k + dz, nz), from_j = clamp(j - dy, ny),
                          from_k = clamp(k - dz, nz);
            const bool leaves = to_j != j + dy || to_k != k + dz, enters = from_j != j - dy || from_k != k - dz;
            const uint8_t *row = labels->data + (k * ny + j) * nx;
            count_rows(row, labels->data + (to_k * ny + to_j) * nx, nx, dx, leaves ? FULL / 2 : FULL, counts[kind]);
            if (enters) count_rows(labels->data + (from_k * ny + from_j) * nx, row, nx, dx, FULL / 2, counts[kind]);
        }
    }
}

sei_status sei_measure_areas(const sei_labels *labels, double *area) {
    sei_status status = SEI_OK;
    const int threads = sei_threads();
    int64_t(*counts)[KINDS][CLASSES][CLASSES] = NULL;
    SEI_TRY(SEI_NEW(counts, threads, 1, 1));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; ++t) {
        for (int64_t k = t; k < labels->nz; k += threads) count_plane(labels, k, counts[t]);
    }
    /* area = 2 * mean over directions of crossings * area per line, which is voxel^3 / step length */
    const double face = labels->voxel_nm * labels->voxel_nm;
    for (int a = 0; a < CLASSES; ++a) {
        for (int b = 0; b < CLASSES; ++b) {
            double sum = 0;
            for (int kind = 1; kind < KINDS; ++kind) {
                int64_t crossings = 0;
                for (int t = 0; t < threads; ++t) crossings += counts[t][kind][a][b] + counts[t][kind][b][a];
                sum += weights[kind] * (double)crossings / (FULL * sqrt((double)kind));
            }
            area[a * CLASSES + b] = a == b ? 0 : 2 * face * sum;
        }
    }
done:
    sei_free(counts);
    return status;
}
