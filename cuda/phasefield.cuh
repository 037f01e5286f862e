/* A run of the phase-field model on the card: what the kernels of both precisions and the table's functions share. */
#ifndef SEI_CUDA_PHASEFIELD_CUH
#define SEI_CUDA_PHASEFIELD_CUH

#include <math.h>
#include <string.h>

#include "core/everywhere.h"
#include "device.cuh"
#include "phasefield/device.h"
#include "phasefield/gradient.h"

/* Tiles: FLAT_X by FLAT_Z cells and one around them, a thread each; DEEP_X by DEEP_Y and one around, DEEP_Z planes. */
enum {
    FLAT_X = 32,
    FLAT_Z = 16,
    FLAT_THREADS = ((FLAT_X + 2) * (FLAT_Z + 2) + 31) / 32 * 32,
    DEEP_X = 32,
    DEEP_Y = 8,
    DEEP_Z = 16,
    DEEP_THREADS = ((DEEP_X + 2) * (DEEP_Y + 2) + 31) / 32 * 32,
    REPORT_THREADS = 256,
    PF_BUFFERS = 16,
    GRAPH_STEPS = 10 /* macro steps of a graph: even, so that the fields' names come back */
};

/* What every kernel knows of the fields: members lie one after another. */
struct pf_shape {
    int nx, ny, nz, periodic_x, periodic_z;
    int tiles_x, tiles_y;
    unsigned n_tiles, members;
    size_t cells;
    const int *tiles; /* [n_tiles]: tiles with active cells */
    const uint8_t *live;
};

struct sei_pf_device_run {
    sei_cuda_device *device;
    sei_pf_work work; /* constants, stages, precision: of all members */
    double k_s, dx;
    pf_shape shape;
    void *buffers[PF_BUFFERS];
    int n_buffers;
    size_t real; /* bytes of a number */
    void *li[3], *vacancy[2], *bracket, *source, *noise, *kept[2];
    uint8_t *mask, *live;
    double *sums;
    int *bad;
    bool fed;   /* some member has cells where S may act */
    int parity; /* macro steps taken, modulo 2: which field bears which name */
    cudaStream_t stream;
    cudaGraphExec_t graph[2]; /* by parity; NULL: not yet made */
};

/* After a macro step whose last stage lies in li[last]. */
static inline void sei_pf_device_rotate(sei_pf_device_run *r, int last) {
    void *const li = r->li[0];
    r->li[0] = r->li[last];
    r->li[last] = li;
    if (r->work.vacancies_move) {
        void *const vacancy = r->vacancy[0];
        r->vacancy[0] = r->vacancy[1];
        r->vacancy[1] = vacancy;
    }
    r->parity ^= 1;
}

#endif
