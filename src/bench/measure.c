/* Times of subjects in turn, between calibrations, and the rows they make. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "bench/bench.h"
#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "core/threads.h"

static double wall_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Of all threads of this process, in the program and in the kernel. */
static double cpu_seconds(void) {
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) != 0) return NAN;
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static sei_status median_of(int n, const double *values, double *median) {
    double *sorted = NULL;
    const sei_status status = SEI_NEW(sorted, n, 1, 1);
    if (status != SEI_OK) return status;
    memcpy(sorted, values, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    *median = n % 2 == 1 ? sorted[n / 2] : 0.5 * (sorted[n / 2 - 1] + sorted[n / 2]);
    sei_free(sorted);
    return SEI_OK;
}

sei_status sei_bench_open(const sei_bench_part *part, sei_device **out, char isa[SEI_UNIT_LENGTH]) {
    const sei_status status = sei_device_open(&part->device, out);
    if (status != SEI_OK) return status;
    const char *says = (*out)->backend->description; /* "avx512, 2 threads" */
    const bool cpu = strcmp((*out)->backend->name, "cpu") == 0;
    snprintf(isa, SEI_UNIT_LENGTH, "%.*s", cpu ? (int)strcspn(says, ",") : 0, says);
    return SEI_OK;
}

/* ---- calibrations */

static sei_status calibrate(sei_bench_part *part, const char *isa, const char *when) {
    sei_bench_calibration *c;
    sei_status status = sei_realloc((void **)&part->calibrations, (part->n_calibrations + 1) * sizeof *part->calibrations);
    if (status != SEI_OK) return status;
    c = &part->calibrations[part->n_calibrations];
    *c = (sei_bench_calibration){0};
    snprintf(c->bench_case, sizeof c->bench_case, "%s", part->bench_case);
    snprintf(c->when, sizeof c->when, "%s", when);
    status = sei_calibrate(isa, part->quick ? 0.01 : 0.3, 0, &c->rates);
    part->n_calibrations += status == SEI_OK;
    return status;
}

/* Every instruction set of the subjects once. */
static sei_status calibrate_all(sei_bench_part *part, size_t n, const sei_bench_subject *subjects, const char *when) {
    sei_status status = SEI_OK;
    for (size_t i = 0; i < n; ++i) {
        bool seen = subjects[i].isa[0] == 0;
        for (size_t k = 0; k < i; ++k) seen = seen || strcmp(subjects[k].isa, subjects[i].isa) == 0;
        if (!seen) SEI_TRY(calibrate(part, subjects[i].isa, when));
    }
done:
    return status;
}

static double rate_of(const sei_calibration *c, int which) {
    return which == 0 ? c->fma_gflops : which == 1 ? c->fma_l1_gflops : c->fma_l1_cpu_gflops;
}

/* Mean over the calibrations of an instruction set from `first` on. */
static double limit_of(const sei_bench_part *part, size_t first, const char *isa, int which) {
    double sum = 0, count = 0;
    for (size_t i = first; i < part->n_calibrations; ++i) {
        if (strcmp(part->calibrations[i].rates.isa, isa) != 0) continue;
        sum += rate_of(&part->calibrations[i].rates, which);
        count += 1;
    }
    return count > 0 ? sum / count : NAN;
}

/* The arrays are to be far larger than the caches: a half GiB each, or what a small machine can spare. */
static sei_status large_arrays(sei_bench_part *part, const char *when) {
    const size_t spare = sei_memory_available() / 8, wanted = (size_t)1 << (part->quick ? 22 : 29);
    sei_bench_calibration c = {0};
    const char *isa = part->device.isa;
    sei_status status = sei_calibrate(isa, part->quick ? 0.01 : 1, wanted < spare ? wanted : spare, &c.rates);
    if (status == SEI_OK) status = sei_realloc((void **)&part->calibrations, sizeof c);
    if (status != SEI_OK) return status;
    snprintf(c.when, sizeof c.when, "%s", when);
    part->calibrations[0] = c;
    part->n_calibrations = 1;
    return SEI_OK;
}
sei_status sei_bench_arrays_before(sei_bench_part *part) {
    return large_arrays(part, "before");
}
sei_status sei_bench_arrays_after(sei_bench_part *part) {
    return large_arrays(part, "after");
}

/* ---- rows */

static sei_status new_row(sei_bench_part *part, const char *what, const sei_bench_subject *of, sei_bench_row **row) {
    const sei_status status = sei_realloc((void **)&part->rows, (part->n_rows + 1) * sizeof *part->rows);
    if (status != SEI_OK) return status;
    sei_bench_row *r = &part->rows[part->n_rows++];
    *r = (sei_bench_row){.threads = sei_threads(),
                         .nx = of->nx,
                         .nz = of->nz,
                         .ny = of->ny,
                         .n_tilts = of->n_tilts,
                         .n_channels = of->n_channels,
                         .value = NAN,
                         .least = NAN,
                         .cpu = NAN,
                         .gupdates = NAN,
                         .gflop = NAN,
                         .gups = NAN,
                         .gflops = NAN,
                         .fma_gflops = NAN,
                         .l1_fma_gflops = NAN,
                         .l1_fma_cpu_gflops = NAN,
                         .fraction_of_fma = NAN,
                         .fraction_of_l1_fma = NAN,
                         .fraction_of_l1_fma_cpu = NAN,
                         .peak_bytes = NAN,
                         .low = NAN,
                         .high = NAN};
    snprintf(r->bench_case, sizeof r->bench_case, "%s", part->bench_case);
    snprintf(r->what, sizeof r->what, "%s", what);
    snprintf(r->backend, sizeof r->backend, "%s", of->device->backend->name);
    snprintf(r->isa, sizeof r->isa, "%s", of->isa);
    *row = r;
    return SEI_OK;
}

static sei_status add_time(sei_bench_part *part, size_t first_calibration, const sei_bench_subject *s) {
    sei_bench_row *row = NULL;
    sei_status status = SEI_OK;
    double wall = 0, cpu = 0, least = INFINITY;
    SEI_TRY(median_of(part->repeats, s->wall, &wall));
    SEI_TRY(median_of(part->repeats, s->cpu, &cpu));
    for (int r = 0; r < part->repeats; ++r) least = fmin(least, s->wall[r]);
    SEI_TRY(new_row(part, s->what, s, &row));
    snprintf(row->unit, sizeof row->unit, "ms");
    row->value = 1e3 * wall;
    row->least = 1e3 * least;
    row->cpu = 1e3 * cpu;
    row->repeats = part->repeats;
    row->gupdates = 1e-9 * s->updates;
    row->gflop = 1e-9 * s->flop;
    row->gups = row->gupdates / wall;
    row->gflops = row->gflop / wall;
    row->fma_gflops = limit_of(part, first_calibration, s->isa, 0);
    row->l1_fma_gflops = limit_of(part, first_calibration, s->isa, 1);
    row->l1_fma_cpu_gflops = limit_of(part, first_calibration, s->isa, 2);
    row->fraction_of_fma = row->gflops / row->fma_gflops;
    row->fraction_of_l1_fma = row->gflops / row->l1_fma_gflops;
    /* the limit of all threads holds for as many processor seconds a second */
    row->fraction_of_l1_fma_cpu = row->gflop / cpu * row->threads / row->l1_fma_cpu_gflops;
done:
    return status;
}

sei_status sei_bench_time(sei_bench_part *part, size_t n, sei_bench_subject *subjects) {
    const size_t first_calibration = part->n_calibrations;
    sei_status status = SEI_OK;
    for (size_t i = 0; i < n; ++i) {
        SEI_TRY(SEI_NEW(subjects[i].wall, part->repeats, 2, 1));
        subjects[i].cpu = subjects[i].wall + part->repeats;
    }
    SEI_TRY(calibrate_all(part, n, subjects, "before"));
    for (int r = -1; r < part->repeats; ++r) { /* -1: to warm up */
        for (size_t i = 0; i < n; ++i) {
            SEI_TRY(sei_interrupt_check());
            const double wall = wall_seconds(), cpu = cpu_seconds();
            SEI_TRY(subjects[i].run(subjects[i].context));
            if (r >= 0) subjects[i].cpu[r] = cpu_seconds() - cpu;
            if (r >= 0) subjects[i].wall[r] = wall_seconds() - wall;
        }
    }
    SEI_TRY(calibrate_all(part, n, subjects, "after"));
    for (size_t i = 0; i < n; ++i) SEI_TRY(add_time(part, first_calibration, &subjects[i]));
done:
    return status;
}

void sei_bench_subjects_free(size_t n, sei_bench_subject *subjects) {
    for (size_t i = 0; i < n; ++i) {
        sei_free(subjects[i].wall);
        subjects[i].wall = subjects[i].cpu = NULL;
    }
}

sei_status sei_bench_number(sei_bench_part *part, const char *what, const sei_bench_subject *of, double value, const char *unit,
                            double low, double high) {
    sei_bench_row *row = NULL;
    const sei_status status = new_row(part, what, of, &row);
    if (status != SEI_OK) return status;
    row->value = value;
    row->low = low;
    row->high = high;
    snprintf(row->unit, sizeof row->unit, "%s", unit);
    return SEI_OK;
}

sei_status sei_bench_ratio(sei_bench_part *part, const char *what, const sei_bench_subject *slow, const sei_bench_subject *fast) {
    double *ratios = NULL, median = 0, cpu_median = 0;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(ratios, part->repeats, 2, 1));
    for (int r = 0; r < part->repeats; ++r) {
        ratios[r] = slow->wall[r] / fast->wall[r];
        ratios[part->repeats + r] = slow->cpu[r] / fast->cpu[r];
    }
    SEI_TRY(median_of(part->repeats, ratios, &median));
    SEI_TRY(median_of(part->repeats, ratios + part->repeats, &cpu_median));
    SEI_TRY(sei_bench_number(part, what, fast, median, "x", NAN, NAN));
    part->rows[part->n_rows - 1].cpu = cpu_median;
    part->rows[part->n_rows - 1].repeats = part->repeats;
done:
    sei_free(ratios);
    return status;
}

sei_status sei_bench_peak(sei_bench_part *part, const char *what, const sei_bench_subject *of) {
    sei_infile file = {.fd = -1};
    char text[4096];
    size_t got = 0;
    double peak = NAN;
    sei_status status = SEI_OK;
    SEI_TRY(sei_infile_open("/proc/self/status", &file));
    SEI_TRY(sei_infile_read_some(&file, 0, text, sizeof text - 1, &got));
    text[got] = 0;
    const char *line = strstr(text, "VmHWM:");
    if (line == NULL) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "/proc/self/status has no VmHWM: this kernel does not tell the most memory used");
        goto done;
    }
    peak = 1024 * strtod(line + strlen("VmHWM:"), NULL);
    SEI_TRY(sei_bench_number(part, what, of, peak / 1048576, "MiB", NAN, NAN));
    part->rows[part->n_rows - 1].peak_bytes = peak;
done:
    sei_infile_close(&file);
    return status;
}
