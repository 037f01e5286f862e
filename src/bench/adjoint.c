/* B3: back projection is the transpose of the forward one, and the backend agrees with the reference. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "core/alloc.h"
#include "core/instruction_sets.h"

/* What goes in and what comes out, on the host. */
typedef struct arrays {
    size_t n_volume, n_sinogram;
    float *volume, *sinogram;  /* in */
    float *projected, *spread; /* A volume, A' sinogram */
} arrays;

static void arrays_free(arrays *a) {
    sei_free(a->volume);
    sei_free(a->sinogram);
    sei_free(a->projected);
    sei_free(a->spread);
    *a = (arrays){0};
}

/* Numbers from 1/2 to 3/2 without a pattern: Weyl's sequence of the golden ratio. */
static void fill(size_t n, float *to) {
    for (size_t i = 0; i < n; ++i) to[i] = (float)(0.5 + fmod((double)i * 0.61803398874989485, 1));
}

static sei_status arrays_make(const sei_slab *s, arrays *a) {
    sei_status status = SEI_OK;
    a->n_volume = (size_t)s->nx * (size_t)s->nz * (size_t)s->ny;
    a->n_sinogram = (size_t)s->n_tilts * (size_t)s->nu * (size_t)s->ny;
    SEI_TRY(SEI_NEW(a->volume, (int64_t)a->n_volume, 1, 1));
    SEI_TRY(SEI_NEW(a->spread, (int64_t)a->n_volume, 1, 1));
    SEI_TRY(SEI_NEW(a->sinogram, (int64_t)a->n_sinogram, 1, 1));
    SEI_TRY(SEI_NEW(a->projected, (int64_t)a->n_sinogram, 1, 1));
    fill(a->n_volume, a->volume);
    fill(a->n_sinogram, a->sinogram);
done:
    return status;
}

static sei_status apply(sei_device *device, const sei_slab *slab, arrays *a) {
    sei_buffer *volume = NULL, *sinogram = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_OP(device, alloc)(device, a->n_volume, &volume));
    SEI_TRY(SEI_OP(device, alloc)(device, a->n_sinogram, &sinogram));
    SEI_TRY(SEI_OP(device, upload)(device, volume, 0, a->n_volume, a->volume));
    SEI_TRY(SEI_OP(device, project)(device, slab, volume, sinogram));
    SEI_TRY(SEI_OP(device, download)(device, sinogram, 0, a->n_sinogram, a->projected));
    SEI_TRY(SEI_OP(device, upload)(device, sinogram, 0, a->n_sinogram, a->sinogram));
    SEI_TRY(SEI_OP(device, backproject)(device, slab, sinogram, volume));
    SEI_TRY(SEI_OP(device, download)(device, volume, 0, a->n_volume, a->spread));
done:
    device->backend->release(device, volume);
    device->backend->release(device, sinogram);
    return status;
}

static double dot(size_t n, const float *a, const float *b) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Largest difference as a fraction of the largest value. */
static double difference(size_t n, const float *a, const float *b) {
    double largest = 0, most = 0;
    for (size_t i = 0; i < n; ++i) {
        const double off = fabs((double)a[i] - (double)b[i]), size = fabs((double)b[i]);
        largest = off > largest ? off : largest; /* gcc 12 for ARM fails on fmax over converted floats */
        most = size > most ? size : most;
    }
    return largest / most;
}

static sei_status compare(sei_bench_part *part, sei_device *device, const char *isa, const sei_bench_geometry *g,
                          const arrays *ours, const arrays *reference) {
    const bool strip = g->slab.kernel == SEI_KERNEL_STRIP;
    const sei_bench_subject of = {.device = device,
                                  .isa = isa,
                                  .nx = g->slab.nx,
                                  .nz = g->slab.nz,
                                  .ny = g->slab.ny,
                                  .n_tilts = g->slab.n_tilts,
                                  .n_channels = 1};
    const double forward = dot(ours->n_sinogram, ours->projected, ours->sinogram),
                 back = dot(ours->n_volume, ours->volume, ours->spread);
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_number(part, strip ? "<Ax,y> against <x,A'y>, strip" : "<Ax,y> against <x,A'y>, linear", &of,
                             fabs(forward - back) / fabs(forward), "", NAN, 1e-6));
    SEI_TRY(sei_bench_number(part, strip ? "forward against ref, strip" : "forward against ref, linear", &of,
                             difference(ours->n_sinogram, ours->projected, reference->projected), "", NAN, 1e-5));
    SEI_TRY(sei_bench_number(part, strip ? "back against ref, strip" : "back against ref, linear", &of,
                             difference(ours->n_volume, ours->spread, reference->spread), "", NAN, 1e-5));
done:
    return status;
}

/* One device against what the reference found. */
static sei_status judge(sei_bench_part *part, const sei_bench_geometry *g, const arrays *reference) {
    char isa[SEI_UNIT_LENGTH];
    sei_device *device = NULL;
    arrays ours = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_open(part, &device, isa));
    SEI_TRY(arrays_make(&g->slab, &ours));
    SEI_TRY(apply(device, &g->slab, &ours));
    SEI_TRY(compare(part, device, isa, g, &ours, reference));
done:
    arrays_free(&ours);
    sei_device_close(device);
    return status;
}

/* The device asked for; of cpu, unless one set was named, every set this processor has. */
static sei_status judge_all(sei_bench_part *part, const sei_bench_geometry *g, const arrays *reference) {
    static const char *const isas[] = {SEI_ISA_NAMES};
    const sei_device_options asked = part->device;
    sei_device *device = NULL;
    char isa[SEI_UNIT_LENGTH];
    sei_status status = sei_bench_open(part, &device, isa);
    sei_device_close(device);
    if (status != SEI_OK) return status;
    if (isa[0] == 0 || (asked.isa != NULL && strcmp(asked.isa, "auto") != 0)) return judge(part, g, reference);
    for (size_t i = 0; status == SEI_OK && i < sizeof isas / sizeof isas[0]; ++i) {
        if (sei_isa_find(isas[i]) < 0) continue;
        part->device.isa = isas[i];
        status = judge(part, g, reference);
    }
    part->device = asked;
    return status;
}

sei_status sei_bench_adjoint(sei_bench_part *part) {
    /* slices that fill no block of vectors, an axis off the middle */
    const sei_bench_size size = {.n = part->quick ? 48 : 160, .ny = part->quick ? 10 : 75, .n_tilts = 25, .max_deg = 60};
    const sei_device_options reference_options = {.name = "ref"};
    sei_device *ref = NULL, *device = NULL;
    sei_bench_geometry g;
    arrays reference = {0};
    char isa[SEI_UNIT_LENGTH];
    int block = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_bench_open(part, &device, isa));
    block = device->backend->preferred_block;
    sei_device_close(device);
    SEI_TRY(sei_device_open(&reference_options, &ref));
    for (int kernel = 0; kernel < 2; ++kernel) {
        sei_bench_geometry_make(&size, (sei_kernel)kernel, &g);
        for (int t = 0; t < size.n_tilts; ++t) g.axis_u[t] += 1.37 + 0.01 * t;
        g.slab.block = block; /* the same for both, so that their arrays can be compared number by number */
        arrays_free(&reference);
        SEI_TRY(arrays_make(&g.slab, &reference));
        SEI_TRY(apply(ref, &g.slab, &reference));
        SEI_TRY(judge_all(part, &g, &reference));
    }
done:
    arrays_free(&reference);
    sei_device_close(ref);
    return status;
}
