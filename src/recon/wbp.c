/*
 * Weighted back-projection: f(x, z) = sum over tilts of dtheta_t * q_t(u), q = (b - r) filtered with the ramp |nu|
 * (Kak & Slaney 1988, ch. 3), in its band-limited discrete form h(0) = 1/4, h(n odd) = -1/(pi n)^2, h(n even) = 0, times a
 * window. The weights dtheta are half the angles between neighbouring tilts; the missing wedge gets none.
 *
 * The sum over tilts spreads every bin by the strip weights, whichever projector the residual is made with: only they add up
 * to 1 over the bins for every voxel and tilt. Joseph's add up to 1/max(|cos|,|sin|) for a voxel that lands on a bin's centre
 * and to less for one that lands between two, which is a bright line along the axis.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "recon/solver.h"

static const double pi = 3.14159265358979323846;

/* The window at a frequency given as a fraction of the cut-off. */
static double window(const char *name, double fraction) {
    if (fraction > 1) return 0;
    if (strcmp(name, "hann") == 0) return 0.5 * (1 + cos(pi * fraction));
    if (strcmp(name, "shepp-logan") == 0) return fraction > 0 ? sin(0.5 * pi * fraction) / (0.5 * pi * fraction) : 1;
    return 1;
}

/* response[n/2+1]: the transform of the discrete ramp on n points, times the window. */
static sei_status ramp_response(const sei_recon_options *o, int n, float *response) {
    sei_status status = SEI_OK;
    double *cosine = NULL;
    SEI_TRY(SEI_NEW(cosine, n, 1, 1));
    for (int m = 0; m < n; ++m) cosine[m] = cos(2 * pi * m / n);
    for (int k = 0; k <= n / 2; ++k) {
        double sum = 0.25;
        for (int64_t m = 1; m < n / 2; m += 2) sum -= 2 * cosine[m * k % n] / (pi * pi * (double)(m * m));
        if (n / 2 % 2 == 1) sum -= cosine[(int64_t)(n / 2) * k % n] / (pi * pi * 0.25 * n * n);
        response[k] = (float)(sum * window(o->filter, 2.0 * k / n / o->filter_cutoff));
    }
done:
    sei_free(cosine);
    return status;
}

typedef struct angle {
    double value_deg; /* in [0, 180) */
    int tilt;
} angle;

static int by_value(const void *a, const void *b) {
    const double x = ((const angle *)a)->value_deg, y = ((const angle *)b)->value_deg;
    return x < y ? -1 : x > y ? 1 : ((const angle *)a)->tilt - ((const angle *)b)->tilt;
}

/*
 * weight[t] in radians: half the gap to the neighbour on each side, on the circle of 180 degrees. The widest gap is the
 * missing wedge when it exceeds 1.5 times the next one beside it: there a tilt takes its inner gap instead.
 */
static sei_status angular_weights(const sei_part *part, double *weight) {
    sei_status status = SEI_OK;
    angle *angles = NULL;
    const int n = part->slab.n_tilts;
    SEI_TRY(SEI_NEW(angles, n, 1, 1));
    for (int t = 0; t < n; ++t) {
        const double tilt_deg = part->geometry.tilt_deg[t];
        angles[t] = (angle){tilt_deg - 180 * floor(tilt_deg / 180), t};
    }
    qsort(angles, (size_t)n, sizeof *angles, by_value);
    int widest = 0;
    double gap_of_widest = -1, total = 0;
    for (int i = 0; i < n; ++i) {
        const double gap =
            i + 1 < n ? angles[i + 1].value_deg - angles[i].value_deg : angles[0].value_deg + 180 - angles[n - 1].value_deg;
        if (gap > gap_of_widest) {
            widest = i;
            gap_of_widest = gap;
        }
    }
    /* unrolled from the far side of the widest gap: first .. last, ascending over less than 180 degrees */
    for (int i = 0; i < n; ++i) {
        const int here = (widest + 1 + i) % n, before = (here + n - 1) % n, after = (here + 1) % n;
        double left = angles[here].value_deg - angles[before].value_deg, right = angles[after].value_deg - angles[here].value_deg;
        left += left < 0 || n == 1 ? 180 : 0;
        right += right < 0 || n == 1 ? 180 : 0;
        if (n > 1 && i == 0 && left > 1.5 * right) left = right;
        if (n > 1 && i == n - 1 && right > 1.5 * left) right = left;
        weight[angles[here].tilt] = 0.5 * (left + right) * pi / 180;
        total += weight[angles[here].tilt];
    }
    for (int t = 0; t < n && total == 0; ++t) weight[t] = pi / n; /* one angle, several times */
done:
    sei_free(angles);
    return status;
}

/* An even length 2^a 3^b 5^c of at least `least`. */
static int padded_length(int least) {
    for (int n = least + least % 2;; n += 2) {
        int rest = n;
        while (rest % 2 == 0) rest /= 2;
        while (rest % 3 == 0) rest /= 3;
        while (rest % 5 == 0) rest /= 5;
        if (rest == 1) return n;
    }
}

/*
 * Bins of one tilt without data, before the filter: a zero there would be an edge, which the ramp makes the brightest thing of
 * its row. They take what lies between the nearest bins with data, linearly; beyond the last of them, its value.
 */
static void bridge_gaps(int nu, int ny, const float *valid, float *row) {
    for (int y = 0; y < ny; ++y) {
        int last = -1; /* the last bin with data */
        for (int u = 0; u <= nu; ++u) {
            if (u < nu && valid[(size_t)u * (size_t)ny + (size_t)y] <= 0) continue;
            const int left = last >= 0 ? last : u, right = u < nu ? u : last;
            for (int gap = last + 1; gap < u && right >= 0 && left < nu; ++gap) {
                const double a = (double)row[(size_t)left * (size_t)ny + (size_t)y];
                const double b = (double)row[(size_t)right * (size_t)ny + (size_t)y];
                const double share = right > left ? (double)(gap - left) / (right - left) : 0;
                row[(size_t)gap * (size_t)ny + (size_t)y] = (float)(a + share * (b - a));
            }
            last = u;
        }
    }
}

/* After the filter: what was continued beyond the data is not spread. A bridge between two bins with data is: its voxels would
 * lack this tilt's share of their density. */
static void cut_ends(int nu, int ny, const float *valid, float *row) {
    for (int y = 0; y < ny; ++y) {
        int first = 0, last = nu - 1;
        while (first < nu && valid[(size_t)first * (size_t)ny + (size_t)y] <= 0) ++first;
        while (last > first && valid[(size_t)last * (size_t)ny + (size_t)y] <= 0) --last;
        for (int u = 0; u < nu; ++u)
            if (u < first || u > last) row[(size_t)u * (size_t)ny + (size_t)y] = 0;
    }
}

/* staging = model, staging_2 = weights of some tilts. */
static sei_status fetch(sei_solver *s, const sei_part *part, const sei_piece *p) {
    sei_status status = SEI_OK;
    SEI_TRY(SEI_OP(s->device, download)(s->device, s->model, p->offset, p->floats, s->staging));
    if (part->weight != NULL) SEI_TRY(SEI_OP(s->device, download)(s->device, part->weight, p->offset, p->floats, s->staging_2));
done:
    return status;
}

/* model = dtheta * w * (b - r), filtered along u. */
static sei_status filtered(sei_solver *s, sei_part *part) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    float *response = NULL;
    double *weight = NULL;
    const int n_padded = padded_length(2 * part->slab.nu);
    const size_t per_tilt = (size_t)part->slab.nu * (size_t)s->ny;
    SEI_TRY(SEI_NEW(response, n_padded / 2 + 1, 1, 1));
    SEI_TRY(SEI_NEW(weight, part->slab.n_tilts, 1, 1));
    SEI_TRY(ramp_response(s->options, n_padded, response));
    SEI_TRY(angular_weights(part, weight));
    SEI_TRY(SEI_OP(d, fill)(d, s->volume, 0));
    SEI_TRY(SEI_OP(d, fill)(d, part->row_map, 1));
    SEI_TRY(SEI_OP(d, sirt_residual)(d, &part->slab, s->volume, part->counts, part->weight, part->background, part->row_map,
                                     false, s->model, NULL));
    for
        SEI_EACH_PIECE(p, &part->slab, part->slab.n_tilts) {
            SEI_TRY(fetch(s, part, &p));
            for (int k = 0; k < p.count; ++k) {
                float *tilt = s->staging + (size_t)k * per_tilt;
                if (part->weight != NULL) bridge_gaps(part->slab.nu, s->ny, s->staging_2 + (size_t)k * per_tilt, tilt);
                for (size_t i = 0; i < per_tilt; ++i) tilt[i] *= (float)weight[p.first + k];
            }
            SEI_TRY(SEI_OP(d, upload)(d, s->model, p.offset, p.floats, s->staging));
        }
    SEI_TRY(SEI_OP(d, filter_rows)(d, &part->slab, response, n_padded, s->model));
    if (part->weight == NULL) goto done;
    for
        SEI_EACH_PIECE(p, &part->slab, part->slab.n_tilts) {
            SEI_TRY(fetch(s, part, &p));
            for (int k = 0; k < p.count; ++k)
                cut_ends(part->slab.nu, s->ny, s->staging_2 + (size_t)k * per_tilt, s->staging + (size_t)k * per_tilt);
            SEI_TRY(SEI_OP(d, upload)(d, s->model, p.offset, p.floats, s->staging));
        }
done:
    sei_free(response);
    sei_free(weight);
    return status;
}

/* What the support of a slice leaves out of the common one. */
static sei_status cut_to_support(sei_solver *s, const sei_part *part) {
    sei_status status = SEI_OK;
    const size_t nx = (size_t)s->nx, ny = (size_t)s->ny;
    for
        SEI_EACH_PIECE(p, &part->slab, s->nz) {
            SEI_TRY(SEI_OP(s->device, download)(s->device, s->volume, p.offset, p.floats, s->staging));
            for (size_t i = 0; i < p.floats; ++i) {
                const size_t voxel = i / ny;
                if (!sei_solver_in_support(s, (int)(voxel % nx), p.first + (int)(voxel / nx), (int)(i % ny))) s->staging[i] = 0;
            }
            SEI_TRY(SEI_OP(s->device, upload)(s->device, s->volume, p.offset, p.floats, s->staging));
        }
done:
    return status;
}

sei_status sei_solve_wbp(sei_solver *s) {
    sei_status status = SEI_OK;
    sei_device *d = s->device;
    sei_part *part = &s->parts[0];
    sei_slab even = part->slab;
    even.kernel = SEI_KERNEL_STRIP;
    SEI_TRY(filtered(s, part));
    SEI_TRY(SEI_OP(d, backproject)(d, &even, s->model, s->volume));
    if (s->support_per_slice) SEI_TRY(cut_to_support(s, part));
    SEI_TRY(SEI_OP(d, sirt_residual)(d, &part->slab, s->volume, part->counts, part->weight, part->background, part->row_map,
                                     false, s->model, s->slice_sums)); /* the residual of the result */
    sei_solver_note(s, 0, false);
    SEI_TRY(sei_solver_tick(s));
done:
    return status;
}
