/* B1, B1s, B1n, B1i, growth: the operators on data that lie in the device. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "core/instruction_sets.h"

/* A slab in a device. */
typedef struct work {
    sei_device *device;
    char isa[SEI_UNIT_LENGTH];
    sei_bench_geometry geometry;
    sei_buffer *volume, *sinogram;
    sei_buffer *counts, *inverse; /* of an EM iteration; else NULL */
} work;

static void work_free(work *w) {
    if (w->device == NULL) return;
    w->device->backend->release(w->device, w->volume);
    w->device->backend->release(w->device, w->sinogram);
    w->device->backend->release(w->device, w->counts);
    w->device->backend->release(w->device, w->inverse);
    sei_device_close(w->device);
    *w = (work){0};
}

static size_t volume_count(const sei_slab *s) {
    return (size_t)s->nx * (size_t)s->nz * (size_t)s->ny;
}
static size_t sinogram_count(const sei_slab *s) {
    return (size_t)s->n_tilts * (size_t)s->nu * (size_t)s->ny;
}

static sei_status work_make(work *w, const sei_bench_part *part, const sei_bench_size *size, sei_kernel kernel) {
    sei_status status = SEI_OK;
    sei_bench_geometry_make(size, kernel, &w->geometry);
    SEI_TRY(sei_bench_open(part, &w->device, w->isa));
    w->geometry.slab.block = w->device->backend->preferred_block;
    SEI_TRY(SEI_OP(w->device, alloc)(w->device, volume_count(&w->geometry.slab), &w->volume));
    SEI_TRY(SEI_OP(w->device, alloc)(w->device, sinogram_count(&w->geometry.slab), &w->sinogram));
    SEI_TRY(SEI_OP(w->device, fill)(w->device, w->volume, 1));
    SEI_TRY(SEI_OP(w->device, fill)(w->device, w->sinogram, 1));
done:
    return status;
}

/* A card's operators return before they are done; reading one number back waits for them. */
static sei_status wait_for(sei_device *device, const sei_buffer *buffer) {
    float one;
    return SEI_OP(device, download)(device, buffer, 0, 1, &one);
}

static sei_status run_forward(void *context) {
    work *w = context;
    const sei_status status = SEI_OP(w->device, project)(w->device, &w->geometry.slab, w->volume, w->sinogram);
    return status == SEI_OK ? wait_for(w->device, w->sinogram) : status;
}

static sei_status run_back(void *context) {
    work *w = context;
    const sei_status status = SEI_OP(w->device, backproject)(w->device, &w->geometry.slab, w->sinogram, w->volume);
    return status == SEI_OK ? wait_for(w->device, w->volume) : status;
}

static sei_status add_iteration(work *w) {
    const size_t bins = sinogram_count(&w->geometry.slab), area = (size_t)w->geometry.slab.nx * (size_t)w->geometry.slab.nz;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_OP(w->device, alloc)(w->device, bins, &w->counts));
    SEI_TRY(SEI_OP(w->device, alloc)(w->device, area, &w->inverse));
    SEI_TRY(SEI_OP(w->device, fill)(w->device, w->counts, 100));
    SEI_TRY(SEI_OP(w->device, fill)(w->device, w->inverse, 1 / (float)w->geometry.slab.n_tilts));
done:
    return status;
}

/* One iteration of EM as the reconstructions do it: comparison in the projection, update in the back projection. */
static sei_status run_iteration(void *context) {
    work *w = context;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_OP(w->device, em_ratio)(w->device, &w->geometry.slab, w->volume, w->counts, NULL, NULL, w->sinogram, NULL));
    SEI_TRY(SEI_OP(w->device, em_update)(w->device, &w->geometry.slab, w->sinogram, w->inverse, false, w->volume));
    SEI_TRY(wait_for(w->device, w->volume));
done:
    return status;
}

static sei_bench_subject subject_of(work *w, const char *what, sei_status (*run)(void *), double operators) {
    const sei_slab *s = &w->geometry.slab;
    return (sei_bench_subject){.what = what,
                               .device = w->device,
                               .isa = w->isa,
                               .context = w,
                               .run = run,
                               .nx = s->nx,
                               .nz = s->nz,
                               .ny = s->ny,
                               .n_tilts = s->n_tilts,
                               .n_channels = 1,
                               .updates = operators * (double)volume_count(s) * s->n_tilts,
                               .flop = operators * 2 * sei_bench_nonzeros(s) * s->ny};
}

sei_status sei_bench_projection(sei_bench_part *part) {
    const bool strip = strcmp(part->bench_case, "B1s") == 0;
    sei_bench_size size = sei_bench_reference(part);
    work w = {0};
    sei_bench_subject subjects[2] = {{0}};
    sei_status status = SEI_OK;
    if (strcmp(part->bench_case, "B1n") == 0) size.ny = size.ny < 64 ? size.ny / 2 : 64;
    SEI_TRY(work_make(&w, part, &size, strip ? SEI_KERNEL_STRIP : SEI_KERNEL_LINEAR));
    subjects[0] = subject_of(&w, "forward", run_forward, 1);
    subjects[1] = subject_of(&w, "back", run_back, 1);
    SEI_TRY(sei_bench_time(part, 2, subjects));
done:
    sei_bench_subjects_free(2, subjects);
    work_free(&w);
    return status;
}

sei_status sei_bench_peer_projection(sei_bench_part *part) {
    static const char *const what[4] = {"forward, linear", "back, linear", "forward, strip", "back, strip"};
    const sei_bench_size size = sei_bench_reference(part);
    work works[2] = {{0}};
    sei_bench_subject subjects[4] = {{0}};
    sei_status status = SEI_OK;
    for (int k = 0; k < 2; ++k) {
        SEI_TRY(work_make(&works[k], part, &size, (sei_kernel)k));
        subjects[2 * k] = subject_of(&works[k], what[2 * k], run_forward, 1);
        subjects[2 * k + 1] = subject_of(&works[k], what[2 * k + 1], run_back, 1);
    }
    SEI_TRY(sei_bench_time(part, 4, subjects));
done:
    sei_bench_subjects_free(4, subjects);
    for (int k = 0; k < 2; ++k) work_free(&works[k]);
    return status;
}

/* Each set beside its own limits, and the widest two compared: the narrower one's rate as a fraction of the wider one's. */
sei_status sei_bench_isas(sei_bench_part *part) {
    static const char *const isas[] = {SEI_ISA_NAMES};
    enum { AVX2 = 1, AVX512 = 2, N_ISAS = sizeof isas / sizeof isas[0] };
    sei_bench_size size = sei_bench_reference(part);
    work works[N_ISAS] = {{0}};
    sei_bench_subject subjects[2 * N_ISAS] = {{0}};
    int at[N_ISAS];
    size_t n = 0;
    sei_status status = SEI_OK;
    size.ny = size.ny / 2; /* four volumes at once */
    for (int i = 0; i < N_ISAS; ++i) {
        sei_bench_part here = *part;
        here.device.name = "cpu";
        here.device.isa = isas[i];
        at[i] = -1;
        status = work_make(&works[i], &here, &size, SEI_KERNEL_LINEAR);
        if (status == SEI_ERR_ENVIRONMENT && works[i].device == NULL) continue; /* not of this processor, or not in this build */
        if (status != SEI_OK) goto done;
        at[i] = (int)n;
        subjects[n++] = subject_of(&works[i], "forward", run_forward, 1);
        subjects[n++] = subject_of(&works[i], "back", run_back, 1);
    }
    SEI_TRY(sei_bench_time(part, n, subjects));
    for (int k = 0; k < 2 && at[AVX2] >= 0; ++k) {
        const char *what = k == 0 ? "forward, avx2 rate / avx512 rate" : "back, avx2 rate / avx512 rate";
        if (at[AVX512] >= 0)
            SEI_TRY(sei_bench_ratio(part, what, &subjects[at[AVX512] + k], &subjects[at[AVX2] + k]));
        else
            SEI_TRY(sei_bench_number(part, what, &subjects[at[AVX2] + k], NAN, "x", NAN, NAN));
    }
done:
    sei_bench_subjects_free(2 * N_ISAS, subjects);
    for (int i = 0; i < N_ISAS; ++i) work_free(&works[i]);
    return status;
}

/* The sizes of the growth. R is the first: the line goes through it. */
static const sei_bench_size growth[] = {
    {512, 512, 25, 60}, {512, 64, 25, 60},  {512, 128, 25, 60}, {512, 256, 25, 60},
    {256, 256, 25, 60}, {1024, 64, 25, 60}, {512, 128, 61, 60}, {512, 128, 141, 70},
};

sei_status sei_bench_growth(sei_bench_part *part) {
    enum { N_SIZES = sizeof growth / sizeof growth[0] };
    double per_flop = 0;
    sei_status status = SEI_OK;
    for (int i = 0; i < N_SIZES; ++i) {
        sei_bench_size size = growth[i];
        work w = {0};
        sei_bench_subject subject = {0};
        char what[SEI_NAME_LENGTH];
        if (part->quick) size.n /= 16;
        if (part->quick) size.ny /= 16;
        status = work_make(&w, part, &size, SEI_KERNEL_LINEAR);
        if (status == SEI_OK) status = add_iteration(&w);
        if (status == SEI_OK) {
            snprintf(what, sizeof what, "EM iteration, %d x %d x %d, %d tilts", size.n, size.n, size.ny, size.n_tilts);
            subject = subject_of(&w, what, run_iteration, 2);
            status = sei_bench_time(part, 1, &subject);
        }
        if (status == SEI_OK) {
            const sei_bench_row *row = &part->rows[part->n_rows - 1];
            if (i == 0) per_flop = row->value / row->gflop;
            snprintf(what, sizeof what, "line through R, %d x %d x %d, %d tilts", size.n, size.n, size.ny, size.n_tilts);
            status = sei_bench_number(part, what, &subject, per_flop * row->gflop, "ms", NAN, NAN);
            part->rows[part->n_rows - 1].gflop = 1e-9 * subject.flop;
            part->rows[part->n_rows - 1].gupdates = 1e-9 * subject.updates;
        }
        sei_bench_subjects_free(1, &subject);
        work_free(&w);
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}
