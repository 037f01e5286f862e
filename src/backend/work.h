/* Work space of the cpu backend's threads, and the list of items they take one after the other. */
#ifndef SEI_BACKEND_WORK_H
#define SEI_BACKEND_WORK_H

#include <stddef.h>

#include "seitomo/status.h"

/* What one thread has: this much, or more when there are more than a thousand tilts (see backproject_kernel.c). */
enum { SEI_WORK_BYTES = 7 << 20, SEI_WORK_BYTES_PER_TILT = 6144 };

typedef struct sei_work {
    char *memory;
    size_t bytes; /* of one thread */
} sei_work;

/* Makes sure that there is room for `threads` threads and a slab of `n_tilts`. SEI_ERR_MEMORY. */
sei_status sei_work_reserve(sei_work *work, int threads, int n_tilts) SEI_MUST_CHECK;
void sei_work_free(sei_work *work);

static inline void *sei_work_of(const sei_work *work, int worker) {
    return work->memory + (size_t)worker * work->bytes;
}

/* The next item of a list that starts with *next = 0. */
static inline int sei_work_next(int *next) {
    int item;
#pragma omp atomic capture
    item = (*next)++;
    return item;
}

#endif
