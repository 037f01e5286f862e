/*
 * Cross-correlation of two images: window, band-pass, peak. The band-pass is IMOD tiltxcorr's (Mastronarde): a Gaussian
 * high-pass 1 - exp(-k^2 / 2 sigma1^2) and a Gaussian fall-off beyond a low-pass radius. A correlation so limited is sampled
 * finely enough that windowed-sinc interpolation gives it between the pixels; its maximum is the sub-pixel shift.
 */
#include <math.h>
#include <stdlib.h>

#include "align/align.h"
#include "core/alloc.h"

enum { SINC_REACH = 8 };

/* The next even length >= n with no prime factor above 5. */
static int fast_length(int n) {
    for (int m = n + n % 2;; m += 2) {
        int rest = m;
        while (rest % 2 == 0) rest /= 2;
        while (rest % 3 == 0) rest /= 3;
        while (rest % 5 == 0) rest /= 5;
        if (rest == 1) return m;
    }
}

sei_status sei_correlator_open(sei_device *device, int nx, int ny, const sei_align_options *o, double low_cutoff,
                               sei_correlator *out) {
    sei_correlator c = {.device = device, .nx = nx, .ny = ny};
    sei_status status = SEI_OK;
    c.padded_x = fast_length(nx + nx / 4);
    c.padded_y = fast_length(ny + ny / 4);
    c.taper_px = o->taper_px < 0 ? 0.1 * (nx < ny ? nx : ny) : o->taper_px;
    const size_t image = (size_t)nx * (size_t)ny, padded = (size_t)c.padded_x * (size_t)c.padded_y;
    const int half = c.padded_x / 2 + 1;
    SEI_TRY(SEI_NEW(c.band, c.padded_y, half, 1));
    SEI_TRY(SEI_NEW(c.host, ny, nx, 1));
    SEI_TRY(SEI_NEW(c.covered, ny, nx, 1));
    SEI_TRY(SEI_NEW(c.window, nx, 1, 1));
    SEI_TRY(SEI_NEW(c.map, c.padded_y, c.padded_x, 1));
    for (int y = 0; y < c.padded_y; ++y) {
        const double ky = (double)(y <= c.padded_y / 2 ? y : y - c.padded_y) / c.padded_y;
        for (int x = 0; x < half; ++x) {
            const double kx = (double)x / c.padded_x;
            const double k = sqrt(kx * kx + ky * ky), beyond = k - o->high_cutoff;
            const double high_pass = low_cutoff > 0 ? 1 - exp(-k * k / (2 * low_cutoff * low_cutoff)) : k > 0;
            const double low_pass = beyond <= 0         ? 1
                                    : o->high_sigma > 0 ? exp(-beyond * beyond / (2 * o->high_sigma * o->high_sigma))
                                                        : 0;
            c.band[y * half + x] = (float)(high_pass * low_pass);
        }
    }
    SEI_TRY(SEI_OP(device, alloc)(device, image, &c.image));
    SEI_TRY(SEI_OP(device, alloc)(device, image, &c.moved));
    SEI_TRY(SEI_OP(device, alloc)(device, image, &c.mask));
    SEI_TRY(SEI_OP(device, alloc)(device, padded, &c.a));
    SEI_TRY(SEI_OP(device, alloc)(device, padded, &c.b));
    SEI_TRY(SEI_OP(device, alloc)(device, padded, &c.out));
    *out = c;
    return SEI_OK;
done:
    sei_correlator_close(&c);
    return status;
}

void sei_correlator_close(sei_correlator *c) {
    sei_buffer *const buffers[] = {c->image, c->moved, c->mask, c->a, c->b, c->out};
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; ++i) {
        if (buffers[i] != NULL) c->device->backend->release(c->device, buffers[i]);
    }
    sei_free(c->band);
    sei_free(c->host);
    sei_free(c->covered);
    sei_free(c->window);
    sei_free(c->map);
    *c = (sei_correlator){0};
}

/* Cosine taper over `width` from the covered rectangle's edge [low, high]. */
static double taper(int i, int low, int high, double width) {
    const int distance = i - low < high - i ? i - low : high - i;
    if (distance < 0) return 0;
    return distance + 0.5 >= width ? 1 : 0.5 - 0.5 * cos(M_PI * (distance + 0.5) / width);
}

/* Shifts and stretches keep a rectangle covered: its extent is read off the middle row and column. */
static void covered_range(const float *covered, int n, size_t step, int *low, int *high) {
    *low = 0;
    *high = n - 1;
    while (*low < n && covered[(size_t)*low * step] == 0.0f) *low += 1;
    while (*high >= 0 && covered[(size_t)*high * step] == 0.0f) *high -= 1;
}

/* Takes every column's mean over the covered rows off it. */
static void drop_columns(sei_correlator *c, int y0, int y1) {
    for (int x = 0; x < c->nx && y1 >= y0; ++x) {
        double sum = 0;
        for (int y = y0; y <= y1; ++y) sum += (double)c->host[y * c->nx + x];
        for (int y = y0; y <= y1; ++y) c->host[y * c->nx + x] -= (float)(sum / (y1 - y0 + 1));
    }
}

sei_status sei_correlator_load(sei_correlator *c, const float *image, const double xf[6], const int within[4], bool texture,
                               sei_buffer *target, double *contrast) {
    const size_t size = (size_t)c->nx * (size_t)c->ny;
    const int nx = c->nx, ny = c->ny;
    int x0 = 0, x1 = 0, y0 = 0, y1 = 0;
    double sum = 0, weight = 0, squares = 0;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_OP(c->device, upload)(c->device, c->image, 0, size, image));
    SEI_TRY(SEI_OP(c->device, resample)(c->device, nx, ny, 1, xf, 3, c->image, c->moved, c->mask));
    SEI_TRY(SEI_OP(c->device, download)(c->device, c->moved, 0, size, c->host));
    SEI_TRY(SEI_OP(c->device, download)(c->device, c->mask, 0, size, c->covered));
    covered_range(c->covered + (size_t)(ny / 2) * (size_t)nx, nx, 1, &x0, &x1);
    covered_range(c->covered + nx / 2, ny, (size_t)nx, &y0, &y1);
    if (within != NULL) {
        x0 = x0 > within[0] ? x0 : within[0];
        x1 = x1 < within[1] ? x1 : within[1];
        y0 = y0 > within[2] ? y0 : within[2];
        y1 = y1 < within[3] ? y1 : within[3];
    }
    const int seen[4] = {x0, x1, y0, y1};
    for (int i = 0; i < 4; ++i) c->rectangle[i] = seen[i];
    if (texture) drop_columns(c, y0, y1);
    for (int x = 0; x < nx; ++x) c->window[x] = taper(x, x0, x1, c->taper_px);
    for (size_t i = 0; i < (size_t)c->padded_x * (size_t)c->padded_y; ++i) c->map[i] = 0;
    for (int pass = 0; pass < 2; ++pass) { /* the weighted mean, then the windowed image */
        const double mean = weight > 0 ? sum / weight : 0;
        for (int y = y0; y <= y1; ++y) {
            const double wy = taper(y, y0, y1, c->taper_px);
            for (int x = x0; x <= x1; ++x) {
                const double w = wy * c->window[x], v = (double)c->host[y * nx + x];
                if (pass == 0) {
                    sum += w * v;
                    weight += w;
                } else {
                    squares += w * (v - mean) * (v - mean);
                    c->map[(size_t)y * (size_t)c->padded_x + (size_t)x] = (float)(w * (v - mean));
                }
            }
        }
    }
    if (contrast != NULL) *contrast = weight > 0 ? sqrt(squares / weight) : 0;
    SEI_TRY(SEI_OP(c->device, upload)(c->device, target, 0, (size_t)c->padded_x * (size_t)c->padded_y, c->map));
done:
    return status;
}

static double at(const sei_correlator *c, int x, int y) {
    const int px = c->padded_x, py = c->padded_y;
    return (double)c->map[(size_t)((y % py + py) % py) * (size_t)px + (size_t)((x % px + px) % px)];
}

/* Lanczos-windowed sinc weights of the samples around position p. */
static void sinc_weights(double p, double weights[2 * SINC_REACH]) {
    const double base = floor(p);
    for (int i = 0; i < 2 * SINC_REACH; ++i) {
        const double d = p - (base + i - SINC_REACH + 1);
        const double a = M_PI * d;
        weights[i] = fabs(d) < 1e-9 ? 1 : fabs(d) >= SINC_REACH ? 0 : SINC_REACH * sin(a) * sin(a / SINC_REACH) / (a * a);
    }
}

static double between(const sei_correlator *c, double x, double y) {
    double wx[2 * SINC_REACH], wy[2 * SINC_REACH], sum = 0;
    sinc_weights(x, wx);
    sinc_weights(y, wy);
    for (int j = 0; j < 2 * SINC_REACH; ++j) {
        double row = 0;
        for (int i = 0; i < 2 * SINC_REACH; ++i)
            row += wx[i] * at(c, (int)floor(x) + i - SINC_REACH + 1, (int)floor(y) + j - SINC_REACH + 1);
        sum += wy[j] * row;
    }
    return sum;
}

/* Where a parabola through three equidistant values peaks, in steps from the middle one; at most one step. */
static double vertex(double left, double middle, double right) {
    const double curvature = left - 2 * middle + right;
    if (!(curvature < 0)) return left > right ? -1 : 1;
    return fmax(-1, fmin(1, 0.5 * (left - right) / curvature));
}

sei_status sei_correlator_peak(sei_correlator *c, double most_px, double shift[2], bool *inside) {
    sei_status status = SEI_OK;
    double best = -INFINITY, x = 0, y = 0, highest = -INFINITY;
    SEI_TRY(SEI_OP(c->device, correlate)(c->device, c->padded_x, c->padded_y, c->band, c->a, c->b, c->out));
    SEI_TRY(SEI_OP(c->device, download)(c->device, c->out, 0, (size_t)c->padded_x * (size_t)c->padded_y, c->map));
    for (int j = -c->padded_y / 2; j < c->padded_y / 2; ++j) {
        for (int i = -c->padded_x / 2; i < c->padded_x / 2; ++i) {
            const double v = at(c, i, j);
            highest = fmax(highest, v);
            if (abs(i) > most_px || abs(j) > most_px || !(v > best)) continue;
            best = v;
            x = i;
            y = j;
        }
    }
    *inside = best >= highest && fabs(x) < most_px && fabs(y) < most_px;
    for (double h = 0.5; h > 0.005; h *= 0.4) {
        const double middle = between(c, x, y);
        const double sx = vertex(between(c, x - h, y), middle, between(c, x + h, y));
        const double sy = vertex(between(c, x, y - h), middle, between(c, x, y + h));
        x += h * sx;
        y += h * sy;
    }
    shift[0] = x;
    shift[1] = y;
done:
    return status;
}

sei_status sei_correlator_score(sei_correlator *c, double *score) {
    sei_buffer *const pairs[3][2] = {{c->a, c->b}, {c->a, c->a}, {c->b, c->b}};
    double value[3] = {0};
    sei_status status = SEI_OK;
    for (int i = 0; i < 3; ++i) {
        float first = 0;
        SEI_TRY(SEI_OP(c->device, correlate)(c->device, c->padded_x, c->padded_y, c->band, pairs[i][0], pairs[i][1], c->out));
        SEI_TRY(SEI_OP(c->device, download)(c->device, c->out, 0, 1, &first));
        value[i] = (double)first;
    }
    *score = value[1] > 0 && value[2] > 0 ? value[0] / sqrt(value[1] * value[2]) : 0;
done:
    return status;
}
