/*
 * Reprojection matching for specimens that fill the field (after Dengler, Ultramicroscopy 30 (1989) 337, and Odstrcil et al.,
 * Opt. Express 27 (2019) 36637): binned, high-passed images are reconstructed by SIRT about the axis; each image is laid on
 * the projection of a volume it had no part in (every third tilt is left out in turn, so no image is compared with itself).
 *
 * Where the axis lies needs no search: with a shift for every tilt, moving all images and the axis together changes nothing,
 * so the shifts are made for the axis that was assumed, and it is theirs. What can be wrong is their agreement with it, a
 * remainder c in u = x0 cos(theta) - z0 sin(theta) + c: four parts of the specimen along y tell it four times, and their
 * scatter is the axis's uncertainty. (The residual of a reconstruction against the offset, measured on the same data, has
 * a valley tens of times wider than that.)
 */
#include <math.h>

#include "align/align.h"
#include "core/alloc.h"
#include "core/log.h"

enum { BINS = 128, FOLDS = 3, ITERATIONS = 10, PARTS = 4, ROUNDS = 4 };

typedef struct model {
    sei_device *device;
    const sei_frames *f;
    int bin;
    sei_slab slab;
    double *axis_u;              /* [n_tilts] */
    float *data, *weight, *kept; /* [n_tilts][nu][ny]: images, where they hold data, where a fold uses them */
    float *host;                 /* [n_tilts][nu][ny] */
    float *volume;               /* nz*nx*ny */
    float *blur[4];              /* nu*ny each */
    sei_buffer *b_data, *b_weight, *b_inverse_row, *b_inverse_column, *b_sinogram, *b_volume;
    size_t sinogram_size, volume_size;
} model;

static void close_model(model *m) {
    sei_buffer *const buffers[] = {m->b_data, m->b_weight, m->b_inverse_row, m->b_inverse_column, m->b_sinogram, m->b_volume};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; ++i) {
        if (buffers[i] != NULL) m->device->backend->release(m->device, buffers[i]);
    }
    float *const arrays[] = {m->data, m->weight, m->kept, m->host, m->volume, m->blur[0], m->blur[1], m->blur[2], m->blur[3]};
    for (size_t i = 0; i < sizeof arrays / sizeof arrays[0]; ++i) sei_free(arrays[i]);
    sei_free(m->axis_u);
    *m = (model){0};
}

static sei_status open_model(sei_device *device, const sei_frames *f, model *out) {
    model m = {.device = device, .f = f};
    const int side = f->nx > f->ny ? f->nx : f->ny;
    double least_cos = 1;
    sei_status status = SEI_OK;
    m.bin = (side + BINS - 1) / BINS;
    for (int t = 0; t < f->n; ++t) least_cos = fmin(least_cos, fabs(f->cos_tilt[t]));
    const int nu = f->nx / m.bin > 0 ? f->nx / m.bin : 1, ny = f->ny / m.bin > 0 ? f->ny / m.bin : 1;
    /* A tilted image sees u / cos(theta) of a film; half the field is deep enough for what is worth a tilt series. */
    const int nx = (int)ceil(nu * fmin(1.6, 1 / fmax(least_cos, 0.1)));
    const int nz = nu / 2 > 8 ? nu / 2 : 8;
    m.slab = (sei_slab){.nx = nx,
                        .nz = nz,
                        .nu = nu,
                        .ny = ny,
                        .n_tilts = f->n,
                        .cos_tilt = f->cos_tilt,
                        .sin_tilt = f->sin_tilt,
                        .kernel = SEI_KERNEL_LINEAR};
    m.sinogram_size = (size_t)f->n * (size_t)nu * (size_t)ny;
    m.volume_size = (size_t)nz * (size_t)nx * (size_t)ny;
    SEI_TRY(SEI_NEW(m.axis_u, f->n, 1, 1));
    float **const sinograms[] = {&m.data, &m.weight, &m.kept, &m.host};
    for (int i = 0; i < 4; ++i) SEI_TRY(SEI_NEW(*sinograms[i], f->n, nu, ny));
    for (int i = 0; i < 4; ++i) SEI_TRY(SEI_NEW(m.blur[i], nu, ny, 1));
    SEI_TRY(SEI_NEW(m.volume, nz, nx, ny));
    m.slab.axis_u = m.axis_u;
    sei_buffer **const sinogram_buffers[] = {&m.b_data, &m.b_weight, &m.b_inverse_row, &m.b_sinogram};
    sei_buffer **const volume_buffers[] = {&m.b_inverse_column, &m.b_volume};
    for (int i = 0; i < 4; ++i) SEI_TRY(SEI_OP(device, alloc)(device, m.sinogram_size, sinogram_buffers[i]));
    for (int i = 0; i < 2; ++i) SEI_TRY(SEI_OP(device, alloc)(device, m.volume_size, volume_buffers[i]));
    *out = m;
    return SEI_OK;
done:
    close_model(&m);
    return status;
}

static void set_axis(model *m, double offset_px) {
    const double offset = offset_px / m->bin + 0.5 * (m->f->nx - m->slab.nu * m->bin) / m->bin;
    for (int t = 0; t < m->slab.n_tilts; ++t) m->axis_u[t] = 0.5 * (m->slab.nu - 1) + offset;
}

/* Sums over 2r+1 neighbours along one direction of a [nu][ny] array. */
static void box(const float *in, float *out, int lines, int length, size_t line_step, size_t step, int r) {
    for (int l = 0; l < lines; ++l) {
        double sum = 0;
        const float *from = in + (size_t)l * line_step;
        for (int i = 0; i < r && i < length; ++i) sum += (double)from[(size_t)i * step];
        for (int i = 0; i < length; ++i) {
            if (i + r < length) sum += (double)from[(size_t)(i + r) * step];
            if (i - r - 1 >= 0) sum -= (double)from[(size_t)(i - r - 1) * step];
            out[(size_t)l * line_step + (size_t)i * step] = (float)sum;
        }
    }
}

/* Takes the local mean (twice-boxed, over the pixels there are) off one image and scales it to unit variance. */
static void high_pass(model *m, float *image, const float *weight) {
    const int nu = m->slab.nu, ny = m->slab.ny, r = nu / 12 > 2 ? nu / 12 : 2;
    const size_t n = (size_t)nu * (size_t)ny;
    double squares = 0, count = 0;
    for (size_t i = 0; i < n; ++i) {
        m->blur[0][i] = image[i] * weight[i];
        m->blur[2][i] = weight[i];
    }
    for (int pass = 0; pass < 2; ++pass) {
        for (int k = 0; k < 4; k += 2) {
            box(m->blur[k], m->blur[k + 1], nu, ny, (size_t)ny, 1, r);
            box(m->blur[k + 1], m->blur[k], ny, nu, 1, (size_t)ny, r);
        }
    }
    for (size_t i = 0; i < n; ++i) {
        image[i] = weight[i] > 0 && m->blur[2][i] > 0 ? image[i] - m->blur[0][i] / m->blur[2][i] : 0;
        squares += (double)image[i] * (double)image[i];
        count += (double)weight[i];
    }
    const double sd = count > 0 ? sqrt(squares / count) : 0;
    for (size_t i = 0; i < n && sd > 0; ++i) image[i] = (float)((double)image[i] / sd);
}

/* The shifted images, binned and high-passed, into data and weight. */
static sei_status load(model *m, sei_correlator *c, const double *dx, const double *dy) {
    const sei_frames *f = m->f;
    const size_t size = (size_t)f->nx * (size_t)f->ny;
    const int nu = m->slab.nu, ny = m->slab.ny, b = m->bin;
    sei_status status = SEI_OK;
    for (int t = 0; t < f->n; ++t) {
        const double xf[6] = {1, 0, 0, 1, -dx[t], -dy[t]};
        float *data = m->data + (size_t)t * (size_t)nu * (size_t)ny, *weight = m->weight + (size_t)t * (size_t)nu * (size_t)ny;
        SEI_TRY(SEI_OP(m->device, upload)(m->device, c->image, 0, size, f->data + (size_t)t * size));
        SEI_TRY(SEI_OP(m->device, resample)(m->device, f->nx, f->ny, 1, xf, 3, c->image, c->moved, c->mask));
        SEI_TRY(SEI_OP(m->device, download)(m->device, c->moved, 0, size, c->host));
        SEI_TRY(SEI_OP(m->device, download)(m->device, c->mask, 0, size, c->covered));
        for (int u = 0; u < nu; ++u) {
            for (int y = 0; y < ny; ++y) {
                double sum = 0, seen = 0;
                for (int i = 0; i < b * b; ++i) {
                    const int at = (y * b + i / b) * f->nx + u * b + i % b;
                    sum += (double)c->host[at];
                    seen += (double)c->covered[at];
                }
                data[u * ny + y] = (float)(sum / (b * b));
                weight[u * ny + y] = seen + 0.5 > b * b ? 1.0f : 0.0f;
            }
        }
        high_pass(m, data, weight);
    }
    SEI_TRY(SEI_OP(m->device, upload)(m->device, m->b_data, 0, m->sinogram_size, m->data));
done:
    return status;
}

/* inverse = 1 / sums where they are large enough to divide by, else 0. */
static sei_status invert(model *m, sei_buffer *sums, size_t n, float *host, sei_buffer *inverse) {
    sei_status status = SEI_OK;
    SEI_TRY(SEI_OP(m->device, download)(m->device, sums, 0, n, host));
    for (size_t i = 0; i < n; ++i) host[i] = host[i] > 0.1f ? 1 / host[i] : 0;
    SEI_TRY(SEI_OP(m->device, upload)(m->device, inverse, 0, n, host));
done:
    return status;
}

/* SIRT without the tilts of one fold, then b_sinogram = the projection. */
static sei_status solve(model *m, int fold) {
    sei_device *d = m->device;
    const size_t image = (size_t)m->slab.nu * (size_t)m->slab.ny;
    sei_status status = SEI_OK;
    for (size_t i = 0; i < m->sinogram_size; ++i) m->kept[i] = (int)(i / image) % FOLDS == fold ? 0 : m->weight[i];
    SEI_TRY(SEI_OP(d, upload)(d, m->b_weight, 0, m->sinogram_size, m->kept));
    SEI_TRY(SEI_OP(d, fill)(d, m->b_volume, 1));
    SEI_TRY(SEI_OP(d, project)(d, &m->slab, m->b_volume, m->b_sinogram));
    SEI_TRY(invert(m, m->b_sinogram, m->sinogram_size, m->host, m->b_inverse_row));
    SEI_TRY(SEI_OP(d, backproject)(d, &m->slab, m->b_weight, m->b_volume));
    SEI_TRY(invert(m, m->b_volume, m->volume_size, m->volume, m->b_inverse_column));
    SEI_TRY(SEI_OP(d, fill)(d, m->b_volume, 0));
    for (int i = 0; i < ITERATIONS; ++i) {
        SEI_TRY(SEI_OP(d, sirt_residual)(d, &m->slab, m->b_volume, m->b_data, m->b_weight, NULL, m->b_inverse_row, true,
                                         m->b_sinogram, NULL));
        SEI_TRY(SEI_OP(d, sirt_update)(d, &m->slab, m->b_sinogram, m->b_inverse_column, true, 1.5f, false, m->b_volume));
    }
    SEI_TRY(SEI_OP(d, project)(d, &m->slab, m->b_volume, m->b_sinogram));
    SEI_TRY(sei_interrupt_check());
done:
    return status;
}

/* [u][y] of a sinogram times its weight to an image [y][u]. */
static void to_image(const model *m, const float *sinogram, int t, float *image) {
    const int nu = m->slab.nu, ny = m->slab.ny;
    const size_t at = (size_t)t * (size_t)nu * (size_t)ny;
    for (int u = 0; u < nu; ++u) {
        for (int y = 0; y < ny; ++y)
            image[y * nu + u] = sinogram[at + (size_t)(u * ny + y)] * m->weight[at + (size_t)(u * ny + y)];
    }
}

/*
 * The shift of every image onto the projection of a volume made without it, for the images as loaded, in binned pixels:
 * step[part][tilt][2], the parts cut along y. No likeness nearby, or nothing to compare: 0, and the neighbours' answer stays.
 */
static sei_status match(model *m, sei_correlator *small, int parts, double *step) {
    static const double identity[6] = {1, 0, 0, 1, 0, 0};
    const int n = m->slab.n_tilts, ny = m->slab.ny;
    sei_status status = SEI_OK;
    for (int fold = 0; fold < FOLDS; ++fold) {
        SEI_TRY(solve(m, fold));
        SEI_TRY(SEI_OP(m->device, download)(m->device, m->b_sinogram, 0, m->sinogram_size, m->host));
        for (int i = 0; i < parts * n; ++i) {
            const int t = i % n, part = i / n;
            const int within[4] = {0, m->slab.nu - 1, part * ny / parts, (part + 1) * ny / parts - 1};
            double contrast[2] = {0};
            bool inside = false;
            if (t % FOLDS != fold) continue;
            step[2 * i] = step[2 * i + 1] = 0;
            to_image(m, m->host, t, m->blur[0]);
            to_image(m, m->data, t, m->blur[1]);
            SEI_TRY(sei_correlator_load(small, m->blur[0], identity, within, false, small->a, &contrast[0]));
            SEI_TRY(sei_correlator_load(small, m->blur[1], identity, within, false, small->b, &contrast[1]));
            if (!(contrast[0] > 0 && contrast[1] > 0)) continue;
            SEI_TRY(sei_correlator_peak(small, 6, &step[2 * i], &inside));
            if (!inside) step[2 * i] = step[2 * i + 1] = 0;
        }
    }
done:
    return status;
}

sei_status sei_align_consistency(sei_device *device, const sei_frames *f, const sei_align_options *o, int passes, double *dx,
                                 double *dy, sei_estimate *axis) {
    model m = {0};
    sei_correlator full = {0}, small = {0};
    double *step = NULL, *u = NULL;
    double remainder[PARTS], mean = 0, squares = 0;
    sei_status status = SEI_OK;
    if (f->n < 2 * FOLDS || f->nx < 32 || f->ny < 32) return SEI_OK; /* too little to predict one image from the others */
    SEI_TRY(SEI_NEW(step, PARTS, f->n, 2));
    SEI_TRY(SEI_NEW(u, f->n, 1, 1));
    SEI_TRY(open_model(device, f, &m));
    SEI_TRY(sei_correlator_open(device, f->nx, f->ny, o, o->low_cutoff, &full));
    SEI_TRY(sei_correlator_open(device, m.slab.nu, m.slab.ny, o, fmin(o->low_cutoff * m.bin, 0.05), &small));
    set_axis(&m, axis->value);
    sei_progress_begin("refine shifts", (int64_t)passes * ROUNDS);
    for (int round = 0; round < passes * ROUNDS; ++round) {
        double largest = 0;
        SEI_TRY(load(&m, &full, dx, dy));
        SEI_TRY(match(&m, &small, 1, step));
        for (int t = 0; t < f->n; ++t) {
            dx[t] += m.bin * step[2 * t];
            dy[t] += m.bin * step[2 * t + 1];
            largest = fmax(largest, m.bin * fmax(fabs(step[2 * t]), fabs(step[2 * t + 1])));
        }
        SEI_TRY(sei_progress_step(round + 1));
        if (largest < 0.02) break;
    }
    SEI_TRY(load(&m, &full, dx, dy));
    SEI_TRY(match(&m, &small, PARTS, step));
    for (int part = 0; part < PARTS; ++part) {
        for (int t = 0; t < f->n; ++t) u[t] = m.bin * step[2 * (part * f->n + t)];
        remainder[part] = sei_fit_axis(f, u);
        mean += remainder[part] / PARTS;
    }
    for (int part = 0; part < PARTS; ++part) squares += (remainder[part] - mean) * (remainder[part] - mean);
    axis->sd = sqrt(squares / (PARTS - 1) / PARTS);
done:
    sei_progress_end();
    close_model(&m);
    sei_correlator_close(&full);
    sei_correlator_close(&small);
    sei_free(step);
    sei_free(u);
    return status;
}
