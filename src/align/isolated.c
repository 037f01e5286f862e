/*
 * A specimen that stands alone between empty margins, a wire for one, needs no correlation to be laid exactly:
 *
 *   along the axis  the mass in a row of the detector, m(y), is the same at every tilt (Scott et al., Nature 483 (2012) 444;
 *                   Sanders et al., Adv. Struct. Chem. Imaging 1 (2015) 7): each m(y) is laid on the mean of the others;
 *   across the axis the centre of mass moves as u(theta) = x0 cos(theta) - z0 sin(theta) + axis.
 *
 * With a free shift for every tilt, x0 and z0 are a gauge: no series can tell them. The gauge chosen puts the centre of
 * mass of the rows that all tilts show on the axis, x0 = z0 = 0.
 */
#include <math.h>

#include "align/align.h"
#include "core/alloc.h"

enum { PARTS = 4 };

typedef struct isolated {
    const sei_frames *f;
    int margin;      /* columns at either side that are empty */
    double *level;   /* [n] background of each image */
    double *profile; /* [n][ny] mass in a row, scaled to mean 1, smoothed */
    double *raw;     /* [n][ny] the same before smoothing */
} isolated;

/* Background from the margins' column means; whether what is left is positive and confined to the middle. */
static bool is_alone(const isolated *s, int t, double *columns) {
    const sei_frames *f = s->f;
    const float *image = f->data + (size_t)t * (size_t)f->nx * (size_t)f->ny;
    double edge[2] = {0}, peak = 0, negative = 0, total = 0;
    for (int x = 0; x < f->nx; ++x) {
        columns[x] = 0;
        for (int y = 0; y < f->ny; ++y) columns[x] += (double)image[(size_t)y * (size_t)f->nx + (size_t)x] / f->ny;
    }
    for (int x = 0; x < s->margin; ++x) {
        edge[0] += columns[x] / s->margin;
        edge[1] += columns[f->nx - 1 - x] / s->margin;
    }
    s->level[t] = 0.5 * (edge[0] + edge[1]);
    for (int x = 0; x < f->nx; ++x) {
        const double v = columns[x] - s->level[t];
        peak = fmax(peak, v);
        negative += v < 0 ? -v : 0;
        total += fabs(v);
    }
    return total > 0 && negative < 0.02 * total && fabs(edge[0] - edge[1]) < 0.02 * peak;
}

static void make_profile(const isolated *s, int t) {
    const sei_frames *f = s->f;
    double *raw = s->raw + (size_t)t * (size_t)f->ny, *profile = s->profile + (size_t)t * (size_t)f->ny;
    double mean = 0;
    for (int y = 0; y < f->ny; ++y) {
        const float *row = f->data + ((size_t)t * (size_t)f->ny + (size_t)y) * (size_t)f->nx;
        raw[y] = 0;
        for (int x = 0; x < f->nx; ++x) raw[y] += (double)row[x] - s->level[t];
        mean += raw[y] / f->ny;
    }
    for (int y = 0; y < f->ny; ++y) raw[y] /= mean;
    for (int y = 0; y < f->ny; ++y) { /* Gaussian of sigma 1: interpolation and derivative then behave */
        double sum = 0, weight = 0;
        for (int k = -4; k <= 4; ++k) {
            if (y + k < 0 || y + k >= f->ny) continue;
            const double w = exp(-0.5 * k * k);
            sum += w * raw[y + k];
            weight += w;
        }
        profile[y] = sum / weight;
    }
}

/* Cubic (Keys) value and slope of a profile at position p; false outside. */
static bool look(const double *profile, int n, double p, double *value, double *slope) {
    const double base = floor(p), t = p - base;
    const int i = (int)base;
    if (!(base >= 1 && base + 2 < n)) return false;
    const double a = profile[i - 1], b = profile[i], c = profile[i + 1], d = profile[i + 2];
    const double c1 = 0.5 * (c - a), c2 = a - 2.5 * b + 2 * c - 0.5 * d, c3 = 1.5 * (b - c) + 0.5 * (d - a);
    *value = b + t * (c1 + t * (c2 + t * c3));
    *slope = c1 + t * (2 * c2 + 3 * t * c3);
    return true;
}

/* One Gauss-Newton step of tilt t's profile onto the mean of the others; *sd is the shift's standard deviation. */
static double profile_step(const isolated *s, int t, const double *dy, double *sd) {
    const sei_frames *f = s->f;
    const int ny = f->ny;
    double mm = 0, mr = 0, gain = 1, top = 0, bottom = 0, misfit = 0;
    int used = 0;
    for (int pass = 0; pass < 2; ++pass) { /* the gain, then the step */
        for (int y = 0; y < ny; ++y) {
            double m = 0, slope = 0, sum = 0;
            int n = 0;
            if (!look(s->profile + (size_t)t * (size_t)ny, ny, y - dy[t], &m, &slope)) continue;
            for (int j = 0; j < f->n; ++j) {
                double v = 0, unused = 0;
                if (j == t || !look(s->profile + (size_t)j * (size_t)ny, ny, y - dy[j], &v, &unused)) continue;
                sum += v;
                n += 1;
            }
            if (2 * n < f->n) continue;
            const double reference = sum / n;
            if (pass == 0) {
                mm += m * m;
                mr += m * reference;
            } else {
                const double r = reference - gain * m;
                top -= r * gain * slope;
                bottom += gain * gain * slope * slope;
                misfit += r * r;
                used += 1;
            }
        }
        gain = mm > 0 ? mr / mm : 1;
    }
    /* Smoothing by sigma 1 leaves about one independent value in 3.5. */
    *sd = bottom > 0 && used > 4 ? sqrt(3.5 * misfit / (used - 2) / bottom) : INFINITY;
    return bottom > 0 ? fmax(-1, fmin(1, top / bottom)) : 0;
}

/* Lays the profiles; gives up (dy as it was) when they have too little relief to fix a shift to half a pixel. */
static sei_status lay_profiles(const isolated *s, double *dy) {
    const int n = s->f->n;
    double *trial = NULL, *step = NULL;
    double worst = 0;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(trial, n, 1, 1));
    SEI_TRY(SEI_NEW(step, n, 1, 1));
    for (int t = 0; t < n; ++t) trial[t] = dy[t];
    for (int round = 0; round < 40; ++round) {
        double mean = 0, largest = 0;
        worst = 0;
        for (int t = 0; t < n; ++t) {
            double sd = 0;
            step[t] = profile_step(s, t, trial, &sd);
            mean += step[t] / n;
            worst = fmax(worst, sd);
        }
        for (int t = 0; t < n; ++t) {
            trial[t] += 0.7 * (step[t] - mean);
            largest = fmax(largest, fabs(step[t] - mean));
        }
        if (largest < 0.003) break;
    }
    if (worst < 0.5) {
        for (int t = 0; t < n; ++t) dy[t] = trial[t];
    }
done:
    sei_free(trial);
    sei_free(step);
    return status;
}

/* Centre of mass across the axis, from the image's centre, of rows [from, to] of the aligned frame; end rows count in part. */
static double centre_of_mass(const isolated *s, int t, double dy, double from, double to) {
    const sei_frames *f = s->f;
    double mass = 0, moment = 0;
    for (int y = 0; y < f->ny; ++y) {
        const double low = fmax(from, y + dy - 0.5), high = fmin(to, y + dy + 0.5);
        if (!(high > low)) continue;
        const float *row = f->data + ((size_t)t * (size_t)f->ny + (size_t)y) * (size_t)f->nx;
        double row_mass = 0, row_moment = 0;
        for (int x = 0; x < f->nx; ++x) {
            const double v = (double)row[x] - s->level[t];
            row_mass += v;
            row_moment += v * (x - 0.5 * (f->nx - 1));
        }
        mass += (high - low) * row_mass;
        moment += (high - low) * row_moment;
    }
    return mass > 0 ? moment / mass : NAN;
}

double sei_fit_axis(const sei_frames *f, const double *u) {
    double m[3][4] = {{0}};
    for (int t = 0; t < f->n; ++t) {
        const double row[4] = {1, f->cos_tilt[t], -f->sin_tilt[t], u[t]};
        for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 4; ++j) m[i][j] += row[i] * row[j];
        }
    }
    for (int i = 2; i > 0; --i) { /* eliminate towards the first unknown, the axis */
        if (!(fabs(m[i][i]) > 1e-9)) return NAN;
        for (int k = 0; k < i; ++k) {
            const double factor = m[k][i] / m[i][i];
            for (int j = 0; j < 4; ++j) m[k][j] -= factor * m[i][j];
        }
    }
    return m[0][0] > 1e-9 ? m[0][3] / m[0][0] : NAN;
}

/* The axis once for each of four parts of the specimen along y: their scatter is the uncertainty. */
static double scatter(const isolated *s, const double *dx, const double *dy, double from, double to, double *u) {
    double axis[PARTS], mean = 0, squares = 0;
    for (int part = 0; part < PARTS; ++part) {
        const double a = from + (to - from) * part / PARTS, b = from + (to - from) * (part + 1) / PARTS;
        for (int t = 0; t < s->f->n; ++t) u[t] = centre_of_mass(s, t, dy[t], a, b) + dx[t];
        axis[part] = sei_fit_axis(s->f, u);
        mean += axis[part] / PARTS;
    }
    for (int part = 0; part < PARTS; ++part) squares += (axis[part] - mean) * (axis[part] - mean);
    return sqrt(squares / (PARTS - 1) / PARTS);
}

sei_status sei_align_isolated(const sei_frames *f, double *dx, double *dy, bool *alone, sei_estimate *axis) {
    isolated s = {.f = f, .margin = f->nx / 16 > 2 ? f->nx / 16 : 2};
    double *columns = NULL, *u = NULL;
    double from = -INFINITY, to = INFINITY, mean = 0;
    sei_status status = SEI_OK;
    *alone = false;
    if (f->nx < 16 || f->ny < 16 || f->n < 4) return SEI_OK;
    SEI_TRY(SEI_NEW(s.level, f->n, 1, 1));
    SEI_TRY(SEI_NEW(s.profile, f->n, f->ny, 1));
    SEI_TRY(SEI_NEW(s.raw, f->n, f->ny, 1));
    SEI_TRY(SEI_NEW(columns, f->nx, 1, 1));
    SEI_TRY(SEI_NEW(u, f->n, 1, 1));
    for (int t = 0; t < f->n; ++t) {
        if (!is_alone(&s, t, columns)) goto done;
        make_profile(&s, t);
    }
    SEI_TRY(lay_profiles(&s, dy));
    for (int t = 0; t < f->n; ++t) {
        from = fmax(from, dy[t] - 0.5);
        to = fmin(to, f->ny - 0.5 + dy[t]);
    }
    if (!(to - from > 8)) goto done;
    for (int t = 0; t < f->n; ++t) {
        u[t] = centre_of_mass(&s, t, dy[t], from, to);
        if (!isfinite(u[t])) goto done;
        mean += u[t] / f->n;
    }
    for (int t = 0; t < f->n; ++t) dx[t] = mean - u[t];
    axis->value = mean;
    axis->sd = scatter(&s, dx, dy, from, to, u);
    *alone = true;
done:
    sei_free(s.level);
    sei_free(s.profile);
    sei_free(s.raw);
    sei_free(columns);
    sei_free(u);
    return status;
}
