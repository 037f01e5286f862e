/* The cpu backend: checks operands, chooses the instruction set, adds up the parts of sums. */
#include <stdio.h>
#include <string.h>

#include "backend/cpu.h"
#include "core/alloc.h"

static const sei_cpu_kernels *kernels_of(const char *isa) {
    static const sei_cpu_kernels *const sets[] = {
#define X(set) &sei_cpu_kernels_##set,
        SEI_ISA_LIST(X)
#undef X
    };
    const int set = sei_isa_find(isa);
    return set < 0 ? NULL : sets[set];
}

const char *sei_cpu_best_isa(void) {
    return kernels_of("auto")->isa;
}
bool sei_cpu_has_isa(const char *isa) {
    return kernels_of(isa) != NULL;
}

sei_status sei_tilt_table_make(const sei_slab *s, sei_tilt_table *out) {
    sei_footprint *footprint = NULL;
    double *numbers = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(footprint, s->n_tilts, 1, 1));
    SEI_TRY(SEI_NEW(numbers, s->n_tilts, 7, 1));
    const size_t n = (size_t)s->n_tilts;
    for (size_t t = 0; t < n; ++t) {
        const sei_footprint f = footprint[t] = sei_footprint_of(s->cos_tilt[t], s->sin_tilt[t]);
        const double values[7] = {
            f.c, f.inverse_c2, f.a, f.b, f.height, f.inverse_ramp, sei_footprint_radius(&f, (int)s->kernel)};
        for (size_t k = 0; k < 7; ++k) numbers[k * n + t] = values[k];
    }
    *out = (sei_tilt_table){.footprint = footprint,
                            .c = numbers,
                            .inverse_c2 = numbers + n,
                            .a = numbers + 2 * n,
                            .b = numbers + 3 * n,
                            .height = numbers + 4 * n,
                            .inverse_ramp = numbers + 5 * n,
                            .radius = numbers + 6 * n};
    return SEI_OK;
done:
    sei_free(footprint);
    return status;
}

void sei_tilt_table_free(sei_tilt_table *table) {
    sei_free((void *)(uintptr_t)table->footprint);
    sei_free((void *)(uintptr_t)table->c);
    *table = (sei_tilt_table){0};
}

sei_status sei_work_reserve(sei_work *work, int threads, size_t bytes) {
    sei_status status = SEI_OK;
    size_t all = 0;
    if (work->memory != NULL && work->bytes >= bytes) return SEI_OK;
    sei_work_free(work);
    SEI_TRY(sei_checked_bytes((int64_t)bytes, threads, 1, 1, &all));
    SEI_TRY(sei_alloc_aligned(all, (void **)&work->memory));
    sei_host_large_pages(work->memory, all);
    work->bytes = bytes;
done:
    return status;
}

void sei_work_free(sei_work *work) {
    sei_free(work->memory);
    *work = (sei_work){0};
}

static sei_status sei_cpu_project(sei_device *device, const sei_slab *slab, const sei_buffer *volume, sei_buffer *sinogram) {
    sei_status status = SEI_OK;
    sei_tilt_table tilts = {0};
    SEI_TRY(sei_check_projection("project", slab, volume, sinogram));
    SEI_TRY(sei_tilt_table_make(slab, &tilts));
    SEI_TRY(sei_work_reserve(&sei_cpu(device)->work, sei_host(device)->threads, sei_project_bytes(slab)));
    sei_cpu(device)->kernels->project(sei_host(device)->threads, slab, &tilts, volume->data, sinogram->data,
                                      &sei_cpu(device)->work);
done:
    sei_tilt_table_free(&tilts);
    return status;
}

static sei_status back(sei_device *device, const sei_slab *slab, const sei_buffer *sinogram, const sei_update *update,
                       sei_buffer *volume) {
    sei_status status = SEI_OK;
    sei_tilt_table tilts = {0};
    SEI_TRY(sei_tilt_table_make(slab, &tilts));
    SEI_TRY(sei_work_reserve(&sei_cpu(device)->work, sei_host(device)->threads, sei_backproject_bytes(slab)));
    sei_cpu(device)->kernels->backproject(sei_host(device)->threads, slab, &tilts, sinogram->data, update, volume->data,
                                          &sei_cpu(device)->work);
done:
    sei_tilt_table_free(&tilts);
    return status;
}

static sei_status sei_cpu_backproject(sei_device *device, const sei_slab *slab, const sei_buffer *sinogram, sei_buffer *volume) {
    const sei_update replace = {.kind = SEI_UPDATE_REPLACE};
    const sei_status status = sei_check_projection("backproject", slab, volume, sinogram);
    return status != SEI_OK ? status : back(device, slab, sinogram, &replace, volume);
}

static sei_status sei_cpu_em_update(sei_device *device, const sei_slab *slab, const sei_buffer *sinogram,
                                    const sei_buffer *inverse, bool per_slice, sei_buffer *volume) {
    const sei_status status = sei_check_update("em_update", slab, sinogram, inverse, per_slice, volume);
    if (status != SEI_OK) return status;
    const sei_update multiply = {.kind = SEI_UPDATE_MULTIPLY, .inverse = inverse->data, .per_slice = per_slice};
    return back(device, slab, sinogram, &multiply, volume);
}

static sei_status sei_cpu_sirt_update(sei_device *device, const sei_slab *slab, const sei_buffer *sinogram,
                                      const sei_buffer *inverse, bool per_slice, float relaxation, bool positive,
                                      sei_buffer *volume) {
    const sei_status status = sei_check_update("sirt_update", slab, sinogram, inverse, per_slice, volume);
    if (status != SEI_OK) return status;
    const sei_update add = {
        .kind = SEI_UPDATE_ADD, .inverse = inverse->data, .per_slice = per_slice, .relaxation = relaxation, .positive = positive};
    return back(device, slab, sinogram, &add, volume);
}

/* Memory for the sums of every tilt, or NULL when none are wanted. */
static sei_status new_parts(const sei_slab *slab, const double *sums, double **parts) {
    return sums == NULL ? SEI_OK : SEI_NEW(*parts, slab->n_tilts, slab->ny, SEI_SUM_COUNT);
}

static void add_parts(const sei_slab *slab, const double *parts, double *sums) {
    const size_t n = (size_t)slab->ny * SEI_SUM_COUNT;
    if (sums == NULL) return;
    for (size_t i = 0; i < n; ++i) {
        double sum = 0;
        for (size_t t = 0; t < (size_t)slab->n_tilts; ++t) sum += parts[t * n + i];
        sums[i] = sum;
    }
}

static const float *data_of(const sei_buffer *buffer) {
    return buffer == NULL ? NULL : buffer->data;
}

static sei_status sei_cpu_em_ratio(sei_device *device, const sei_slab *slab, const sei_buffer *volume, const sei_buffer *counts,
                                   const sei_buffer *weight, const sei_buffer *background, sei_buffer *sinogram, double *sums) {
    sei_status status = SEI_OK;
    double *parts = NULL;
    SEI_TRY(sei_check_em_ratio(slab, volume, counts, weight, background, sinogram));
    SEI_TRY(new_parts(slab, sums, &parts));
    SEI_TRY(sei_cpu_project(device, slab, volume, sinogram));
    sei_cpu(device)->kernels->em_ratio(sei_host(device)->threads, slab, counts->data, data_of(weight), data_of(background),
                                       sinogram->data, parts);
    add_parts(slab, parts, sums);
done:
    sei_free(parts);
    return status;
}

static sei_status sei_cpu_sirt_residual(sei_device *device, const sei_slab *slab, const sei_buffer *volume,
                                        const sei_buffer *counts, const sei_buffer *weight, const sei_buffer *background,
                                        const sei_buffer *inverse_row, bool per_slice, sei_buffer *sinogram, double *sums) {
    sei_status status = SEI_OK;
    double *parts = NULL;
    SEI_TRY(sei_check_sirt_residual(slab, volume, counts, weight, background, inverse_row, per_slice, sinogram));
    SEI_TRY(new_parts(slab, sums, &parts));
    SEI_TRY(sei_cpu_project(device, slab, volume, sinogram));
    sei_cpu(device)->kernels->sirt_residual(sei_host(device)->threads, slab, counts->data, data_of(weight), data_of(background),
                                            inverse_row->data, per_slice, sinogram->data, parts);
    add_parts(slab, parts, sums);
done:
    sei_free(parts);
    return status;
}

static sei_status sei_cpu_expose(sei_device *device, const sei_exposure *exposure, size_t n, const sei_buffer *mean,
                                 sei_buffer *out) {
#ifdef SEITOMO_HAVE_RANDOM123
    const sei_status status = sei_check_expose(exposure, n, mean, out);
    if (status != SEI_OK) return status;
    sei_cpu(device)->kernels->expose(sei_host(device)->threads, exposure, n, mean->data, out->data);
    return SEI_OK;
#else
    return sei_ref_expose(device, exposure, n, mean, out);
#endif
}

static void cpu_close(sei_device *device) {
    sei_work_free(&sei_cpu(device)->work);
    sei_free(device);
}

sei_status sei_cpu_open(const sei_device_options *options, sei_device **out) {
    const char *isa = options->isa == NULL ? "auto" : options->isa;
    if (strcmp(isa, "auto") != 0 && !sei_isa_known(isa))
        return sei_fail(SEI_ERR_USAGE, "no instruction set '%s'; there are auto, " SEI_ISA_NAMES_TEXT, isa);
    const sei_cpu_kernels *kernels = kernels_of(isa);
    if (kernels == NULL) {
        return sei_fail(SEI_ERR_ENVIRONMENT, "backend 'cpu': this processor or this build has no %s; the best here is %s", isa,
                        sei_cpu_best_isa());
    }
    sei_host_device *host = NULL;
    sei_status status = sei_host_device_new(options, sizeof(sei_cpu_device), &host);
    if (status != SEI_OK) return status;
    sei_cpu(&host->device)->kernels = kernels;
    host->table.name = "cpu";
    host->table.close = cpu_close;
    host->table.preferred_block = 64;                                                    /* backend/slices.h */
    host->table.arithmetic = strcmp(kernels->isa, "baseline") == 0 ? "baseline" : "fma"; /* the others differ in no bit */
    snprintf(host->description, sizeof host->description, "%s, %d thread%s", kernels->isa, host->threads,
             host->threads == 1 ? "" : "s");
#define X(op, parameters) host->table.op = sei_cpu_##op;
    SEI_OPERATOR_LIST(X)
#undef X
    *out = &host->device;
    return SEI_OK;
}
