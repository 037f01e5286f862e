/* Exact Euclidean distance transform and the closing that it gives. */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/morphology.h"

enum { BLOCK = 16 }; /* neighbouring lines handled together: one cache line of floats */

/* The lower envelope of the parabolas height[q] + (x - q)^2 over the sites q = 0 .. n-1, one line's work space. */
typedef struct envelope {
    double *height; /* [n] INFINITY: no parabola here */
    double *from;   /* [n + 1] x where the parabola begins to be the lowest */
    int64_t *site;  /* [n] its apex */
} envelope;

static int64_t build_envelope(envelope *e, int64_t n) {
    int64_t top = -1;
    for (int64_t q = 0; q < n; ++q) {
        const double h = e->height[q];
        double x = -INFINITY;
        if (isinf(h)) continue;
        while (top >= 0) {
            const int64_t v = e->site[top];
            x = ((h + (double)(q * q)) - (e->height[v] + (double)(v * v))) / (2.0 * (double)(q - v));
            if (x > e->from[top]) break;
            --top;
            x = -INFINITY;
        }
        ++top;
        e->site[top] = q;
        e->from[top] = x;
    }
    return top + 1;
}

/* line[i * stride] (i < n) becomes min over q of line[q] + (i - q)^2; `border` adds sites of height 0 at -1 and n. */
static void transform_line(envelope *e, float *line, int64_t n, bool border) {
    const int64_t shift = border ? 1 : 0, sites = n + 2 * shift;
    if (border) e->height[0] = e->height[n + 1] = 0;
    for (int64_t i = 0; i < n; ++i) e->height[i + shift] = (double)line[i];
    const int64_t parabolas = build_envelope(e, sites);
    if (parabolas == 0) return;
    int64_t at = 0;
    for (int64_t i = 0; i < n; ++i) {
        const double x = (double)(i + shift);
        while (at + 1 < parabolas && e->from[at + 1] < x) ++at;
        const int64_t q = e->site[at];
        line[i] = (float)(e->height[q] + (x - (double)q) * (x - (double)q));
    }
}

static void envelope_free(envelope *e) {
    sei_free(e->height);
    sei_free(e->from);
    sei_free(e->site);
}

static sei_status envelope_new(int64_t n, envelope *e) {
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(e->height, n + 2, 1, 1));
    SEI_TRY(SEI_NEW(e->from, n + 3, 1, 1));
    SEI_TRY(SEI_NEW(e->site, n + 2, 1, 1));
done:
    return status;
}

/* Along x: distance to the nearest background of the row, by one sweep each way. */
static void transform_row(const uint8_t *mask, float *row, int64_t n, bool border) {
    float since = border ? 0 : INFINITY;
    for (int64_t i = 0; i < n; ++i) {
        since = mask[i] == 0 ? 0 : since + 1;
        row[i] = since;
    }
    since = border ? 0 : INFINITY;
    for (int64_t i = n - 1; i >= 0; --i) {
        since = mask[i] == 0 ? 0 : since + 1;
        const float nearest = since < row[i] ? since : row[i];
        row[i] = nearest * nearest;
    }
}

/*
 * One pass over the axis of `n` voxels and `stride`: planes of lines, `outer` planes `outer_stride` apart, nx lines each.
 * Lines are gathered BLOCK at a time so that memory is read along x.
 */
static sei_status transform_axis(float *data, int64_t nx, int64_t n, int64_t stride, int64_t outer, int64_t outer_stride,
                                 bool border) {
    sei_status status = SEI_OK;
    const int threads = sei_threads();
    envelope *work = NULL;
    float *lines = NULL;
    SEI_TRY(SEI_NEW(work, threads, 1, 1));
    for (int t = 0; t < threads; ++t) SEI_TRY(envelope_new(n, &work[t]));
    SEI_TRY(SEI_NEW(lines, threads, n, BLOCK));
    const int64_t blocks = (nx + BLOCK - 1) / BLOCK;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int t = 0; t < threads; ++t) {
        float *line = lines + (int64_t)t * n * BLOCK;
        for (int64_t job = t; job < outer * blocks; job += threads) {
            const int64_t x0 = job % blocks * BLOCK, width = nx - x0 < BLOCK ? nx - x0 : BLOCK;
            float *base = data + job / blocks * outer_stride + x0;
            for (int64_t i = 0; i < n; ++i) {
                for (int64_t b = 0; b < width; ++b) line[b * n + i] = base[i * stride + b];
            }
            for (int64_t b = 0; b < width; ++b) transform_line(&work[t], line + b * n, n, border);
            for (int64_t i = 0; i < n; ++i) {
                for (int64_t b = 0; b < width; ++b) base[i * stride + b] = line[b * n + i];
            }
        }
    }
done:
    for (int t = 0; work != NULL && t < threads; ++t) envelope_free(&work[t]);
    sei_free(work);
    sei_free(lines);
    return status;
}

sei_status sei_distance2(const uint8_t *mask, int64_t nx, int64_t ny, int64_t nz, bool outside_is_background, float *distance2) {
    sei_status status = SEI_OK;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t r = 0; r < ny * nz; ++r) transform_row(mask + r * nx, distance2 + r * nx, nx, outside_is_background);
    SEI_TRY(transform_axis(distance2, nx, ny, nx, nz, nx * ny, outside_is_background));
    SEI_TRY(transform_axis(distance2, nx, nz, nx * ny, ny, nx, outside_is_background));
done:
    return status;
}

/* How far the centres of a solid's outer voxels lie below its face: 1/2 where it runs along the grid, near 0 where it runs
 * obliquely, since some centre then lies close to the face. Half of the greatest serves all directions. */
static const double centre_depth_px = 0.25;

/* The voxel of the unpadded volume that a padded index repeats. */
static int64_t clamp_index(int64_t i, int64_t pad, int64_t n) {
    const int64_t at = i - pad;
    return at < 0 ? 0 : at >= n ? n - 1 : at;
}

sei_status sei_close(const uint8_t *mask, int64_t nx, int64_t ny, int64_t nz, double radius_px, uint8_t *closed) {
    sei_status status = SEI_OK;
    uint8_t *padded = NULL;
    float *distance2 = NULL;
    if (!(radius_px >= 1)) {
        memcpy(closed, mask, (size_t)(nx * ny * nz));
        return SEI_OK;
    }
    const int64_t pad = (int64_t)ceil(radius_px) + 1;
    const int64_t px = nx + 2 * pad, py = ny + 2 * pad, pz = nz + 2 * pad;
    const float reach2 = (float)(radius_px * radius_px);
    SEI_TRY(SEI_NEW(padded, px, py, pz));
    SEI_TRY(SEI_NEW(distance2, px, py, pz));
    /* the distance to the mask is that to the background of its complement */
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t k = 0; k < pz; ++k) {
        for (int64_t j = 0; j < py; ++j) {
            const uint8_t *row = mask + (clamp_index(k, pad, nz) * ny + clamp_index(j, pad, ny)) * nx;
            uint8_t *to = padded + (k * py + j) * px;
            for (int64_t i = 0; i < px; ++i) to[i] = row[clamp_index(i, pad, nx)] == 0;
        }
    }
    SEI_TRY(sei_distance2(padded, px, py, pz, false, distance2));
    /* Every voxel further than the radius is the centre of an empty ball that reaches to the solid. What no such ball
     * holds is closed. The power distance |p - c|^2 - ball(c)^2 to the nearest ball tells, one axis after the other. */
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t i = 0; i < px * py * pz; ++i) {
        const double ball = sqrt((double)distance2[i]) - centre_depth_px;
        distance2[i] = distance2[i] > reach2 ? (float)(-ball * ball) : INFINITY;
    }
    SEI_TRY(transform_axis(distance2, 1, px, 1, py * pz, px, false)); /* over x each plane is one line */
    SEI_TRY(transform_axis(distance2, px, py, px, pz, px * py, false));
    SEI_TRY(transform_axis(distance2, px, pz, px * py, py, px, false));
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t k = 0; k < nz; ++k) {
        for (int64_t j = 0; j < ny; ++j) {
            const float *row = distance2 + ((k + pad) * py + j + pad) * px + pad;
            for (int64_t i = 0; i < nx; ++i) closed[(k * ny + j) * nx + i] = row[i] >= 0;
        }
    }
done:
    sei_free(padded);
    sei_free(distance2);
    return status;
}
