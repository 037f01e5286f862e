/*
 * Neighbours laid on each other, from the tilt nearest 0 outward. For a film the more tilted image is stretched about the
 * axis by the ratio of cosines (Guckenberger 1982; IMOD tiltxcorr), since x = u / cos(theta) is what both share.
 */
#include <math.h>

#include "align/align.h"
#include "core/log.h"

/* out(X) = in(o + (X - o)/stretch - dx, Y - dy): the translation (dx, dy), then the stretch about the axis o. */
static void transform(double stretch, double axis_px, double dx, double dy, double xf[6]) {
    const double values[6] = {1 / stretch, 0, 0, 1, axis_px * (1 - 1 / stretch) - dx, -dy};
    for (int i = 0; i < 6; ++i) xf[i] = values[i];
}

/* Ratio of cosines by which tilt t is stretched onto its inner neighbour; 1 near 90 deg, where nothing is left to stretch. */
static double stretch_of(const sei_frames *f, bool stretch, int inner, int t) {
    if (!stretch || fabs(f->cos_tilt[t]) < 0.05) return 1;
    return fabs(f->cos_tilt[inner] / f->cos_tilt[t]);
}

static const float *frame(const sei_frames *f, int t) {
    return f->data + (size_t)t * (size_t)f->nx * (size_t)f->ny;
}

/* How one pair is laid. */
typedef struct pair {
    const sei_frames *f;
    sei_correlator *c;
    int inner, t;
    double stretch, axis_px, most_px;
    double at[2]; /* the inner image's shift */
} pair;

/* Loads the pair at its shifts, both windows on the part that both show. */
static sei_status load_pair(const pair *p, const double shift[2], bool texture) {
    double inner_xf[6], xf[6];
    int common[4];
    sei_status status = SEI_OK;
    transform(1, p->axis_px, p->at[0], p->at[1], inner_xf);
    transform(p->stretch, p->axis_px, shift[0], shift[1], xf);
    SEI_TRY(sei_correlator_load(p->c, frame(p->f, p->inner), inner_xf, NULL, texture, p->c->a, NULL));
    for (int i = 0; i < 4; ++i) common[i] = p->c->rectangle[i];
    SEI_TRY(sei_correlator_load(p->c, frame(p->f, p->t), xf, common, texture, p->c->b, NULL));
    for (int i = 0; i < 4; ++i) common[i] = p->c->rectangle[i];
    SEI_TRY(sei_correlator_load(p->c, frame(p->f, p->inner), inner_xf, common, texture, p->c->a, NULL));
done:
    return status;
}

/* From the inner image's shift to *found, in rounds: with the shift made, the windows show the same part. */
static sei_status lay_pair(const pair *p, bool texture, double found[2], double *score, bool *inside) {
    sei_status status = SEI_OK;
    found[0] = p->at[0];
    found[1] = p->at[1];
    *inside = true;
    for (int round = 0; round < 3; ++round) {
        double shift[2];
        SEI_TRY(load_pair(p, found, texture && round == 0));
        SEI_TRY(sei_correlator_peak(p->c, p->most_px, shift, inside));
        found[0] += shift[0] / p->stretch;
        found[1] += shift[1];
        *inside = *inside && fabs(found[0] - p->at[0]) <= p->most_px && fabs(found[1] - p->at[1]) <= p->most_px;
        if (!*inside) goto done;
        if (round > 0 && fabs(shift[0]) < 0.02 && fabs(shift[1]) < 0.02) break;
    }
    SEI_TRY(load_pair(p, found, false));
    SEI_TRY(sei_correlator_score(p->c, score));
done:
    return status;
}

/*
 * A wire along y looks the same wherever it is cut: windows cut alike then match best unshifted, whatever the wire did. So
 * the pair is tried twice, first by all there is, then by its texture (column means taken off), and the better likeness kept.
 */
static sei_status one_pair(const sei_frames *f, sei_correlator *c, double stretch, double axis_px, double most_px, int inner,
                           int t, double *dx, double *dy) {
    const pair p = {f, c, inner, t, stretch, axis_px, most_px, {dx[inner], dy[inner]}};
    double best = -INFINITY;
    sei_status status = SEI_OK;
    for (int texture = 0; texture < 2; ++texture) {
        double found[2], score = 0;
        bool inside = false;
        SEI_TRY(lay_pair(&p, texture == 1, found, &score, &inside));
        if (!inside || score <= best) continue;
        best = score;
        dx[t] = found[0];
        dy[t] = found[1];
    }
    if (!isfinite(best)) {
        SEI_TRY(sei_fail(SEI_ERR_INPUT,
                         "tilt %.4g deg: its best match with %.4g deg lies beyond the allowed shift of %.4g px; raise "
                         "max_shift_px (--max-shift), "
                         "leave this tilt out, or repair hot pixels first (clean, in a recipe of seitomo run)",
                         f->tilts[t].tilt_deg, f->tilts[inner].tilt_deg, most_px));
    }
done:
    return status;
}

sei_status sei_align_pairwise(const sei_frames *f, sei_correlator *c, bool stretch, double axis_offset_px, double most_px,
                              double *dx, double *dy) {
    sei_status status = SEI_OK;
    int64_t done_pairs = 0;
    dx[f->start] = dy[f->start] = 0;
    for (int step = -1; step <= 1; step += 2) {
        for (int t = f->start + step; t >= 0 && t < f->n; t += step) {
            SEI_TRY(one_pair(f, c, stretch_of(f, stretch, t - step, t), axis_offset_px, most_px, t - step, t, dx, dy));
            SEI_TRY(sei_progress_step(++done_pairs));
        }
    }
done:
    return status;
}

sei_status sei_align_scores(const sei_frames *f, sei_correlator *c, bool stretch, double axis_offset_px, const double *dx,
                            const double *dy, double *score) {
    sei_status status = SEI_OK;
    score[f->start] = NAN;
    for (int t = 0; t < f->n; ++t) {
        const int inner = t < f->start ? t + 1 : t - 1;
        if (t == f->start) continue;
        const pair p = {f, c, inner, t, stretch_of(f, stretch, inner, t), axis_offset_px, 0, {dx[inner], dy[inner]}};
        SEI_TRY(load_pair(&p, (const double[2]){dx[t], dy[t]}, false));
        SEI_TRY(sei_correlator_score(c, &score[t]));
    }
done:
    return status;
}
