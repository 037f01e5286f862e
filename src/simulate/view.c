#include "simulate/view.h"

#include <math.h>
#include <string.h>

#include "core/alloc.h"

static const double degree = 3.14159265358979323846 / 180;

/* Sine and cosine of an angle in degrees, exact at quarter turns. */
static void turn(double deg, double *cosine, double *sine) {
    const double quarters = floor(deg / 90 + 0.5);
    const double rest = (deg - 90 * quarters) * degree;
    const double c = cos(rest);
    const double s = sin(rest);
    switch ((int)(quarters - 4 * floor(quarters / 4))) {
        case 0: *cosine = c, *sine = s; break;
        case 1: *cosine = -s, *sine = c; break;
        case 2: *cosine = -c, *sine = -s; break;
        default: *cosine = s, *sine = -c; break;
    }
}

sei_status sei_camera_of(const sei_view *view, sei_camera *out) {
    if (view->nx < 1 || view->ny < 1 || view->nx > 65536 || view->ny > 65536) {
        return sei_fail(SEI_ERR_INPUT, "view: %lld x %lld pixels; each side must be 1 to 65536", (long long)view->nx,
                        (long long)view->ny);
    }
    if (!(view->pixel_nm > 0) || !isfinite(view->pixel_nm)) {
        return sei_fail(SEI_ERR_INPUT, "view: pixel_nm is %g, expected above 0", view->pixel_nm);
    }
    if (view->subsamples < 1 || view->subsamples > 32) {
        return sei_fail(SEI_ERR_INPUT, "view: subsamples is %d, expected 1 to 32", view->subsamples);
    }
    const struct {
        const char *name;
        double value, least, most;
    } numbers[] = {{"tilt_deg", view->tilt_deg, -360, 360},
                   {"axis_deg", view->axis_deg, -360, 360},
                   {"axis_offset_px", view->axis_offset_px, -65536, 65536},
                   {"shift_px[0]", view->shift_px[0], -65536, 65536},
                   {"shift_px[1]", view->shift_px[1], -65536, 65536},
                   {"smear_px[0]", view->smear_px[0], -256, 256},
                   {"smear_px[1]", view->smear_px[1], -256, 256},
                   {"blur_nm", view->blur_nm, 0, 64 * view->pixel_nm}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; ++i) {
        if (numbers[i].value >= numbers[i].least && numbers[i].value <= numbers[i].most) continue;
        return sei_fail(SEI_ERR_INPUT, "view: %s is %g, expected %g to %g", numbers[i].name, numbers[i].value, numbers[i].least,
                        numbers[i].most);
    }
    out->view = *view;
    turn(view->tilt_deg, &out->cos_tilt, &out->sin_tilt);
    turn(view->axis_deg, &out->cos_axis, &out->sin_axis);
    return SEI_OK;
}

/* The pixel is taken off first: a shift by whole pixels gives the same numbers to the last bit. */
static double lattice_nm(int64_t index, int64_t n, double shift_px, int fine, double pixel_nm) {
    const int64_t pixel = index >= 0 ? index / fine : -((-index + fine - 1) / fine);
    const double centre = ((double)pixel - (double)(n - 1) / 2) - shift_px;
    return (centre + (((double)(index - pixel * fine) + 0.5) / fine - 0.5)) * pixel_nm;
}

double sei_camera_u(const sei_camera *camera, int64_t column) {
    const sei_view *v = &camera->view;
    return lattice_nm(column, v->nx, v->shift_px[0], v->subsamples, v->pixel_nm);
}

double sei_camera_v(const sei_camera *camera, int64_t row) {
    const sei_view *v = &camera->view;
    return lattice_nm(row, v->ny, v->shift_px[1], v->subsamples, v->pixel_nm);
}

/* Integral of the normal distribution function of standard deviation sd, up to t. */
static double ramp(double t, double sd) {
    if (!(sd > 0)) return fmax(t, 0);
    const double z = t / sd;
    return t * 0.5 * erfc(-z / sqrt(2)) + sd * exp(-z * z / 2) / sqrt(2 * 3.14159265358979323846);
}

double sei_box_below(double t, double sd) {
    return ramp(t, sd) - ramp(t - 1, sd);
}

/* Which rays count, for an image that moves by -reach..reach pixels. */
static void span(double smear_px, double blur_px, int fine, int64_t *low, int *n) {
    const double reach = SEI_BLUR_TAIL * blur_px + fabs(smear_px) / 2;
    *low = -(int64_t)ceil(reach * fine);
    *n = (int)(fine - 2 * *low);
}

static void fill_weights(double step_px, double blur_px, int fine, int64_t low, int n, double *weights) {
    double sum = 0;
    for (int i = 0; i < n; ++i) {
        const double t = (double)(low + i) / fine + step_px;
        weights[i] = fmax(0, sei_box_below(t + 1.0 / fine, blur_px) - sei_box_below(t, blur_px));
        sum += weights[i];
    }
    for (int i = 0; i < n; ++i) weights[i] /= sum;
}

/* All steps in one where the image moves along one direction of the lattice only. */
static void join_steps(int n_steps, int n, double *weights) {
    for (int i = 0; i < n; ++i) {
        double sum = 0;
        for (int k = 0; k < n_steps; ++k) sum += weights[k * n + i];
        weights[i] = sum / n_steps;
    }
}

sei_status sei_exposure_of(const sei_view *view, sei_exposure *out) {
    const int fine = view->subsamples;
    const double *smear = view->smear_px;
    const int n_steps = (int)fmax(1, ceil(hypot(smear[0], smear[1]) * fine));
    sei_exposure e = {.n_steps = n_steps, .n_moves = n_steps, .blur_px = view->blur_nm / view->pixel_nm};
    sei_status status = SEI_OK;
    span(smear[0], e.blur_px, fine, &e.low_column, &e.n_columns);
    span(smear[1], e.blur_px, fine, &e.low_row, &e.n_rows);
    SEI_TRY(SEI_NEW(e.columns, n_steps, e.n_columns, 1));
    SEI_TRY(SEI_NEW(e.rows, n_steps, e.n_rows, 1));
    SEI_TRY(SEI_NEW(e.move_px, n_steps, 2, 1));
    for (int k = 0; k < n_steps; ++k) {
        const double part = (k + 0.5) / n_steps - 0.5;
        e.move_px[2 * k] = part * smear[0];
        e.move_px[2 * k + 1] = part * smear[1];
        fill_weights(part * smear[0], e.blur_px, fine, e.low_column, e.n_columns, e.columns + k * e.n_columns);
        fill_weights(part * smear[1], e.blur_px, fine, e.low_row, e.n_rows, e.rows + k * e.n_rows);
    }
    if (smear[0] == 0 || smear[1] == 0) {
        join_steps(n_steps, e.n_columns, e.columns);
        join_steps(n_steps, e.n_rows, e.rows);
        e.n_steps = 1;
    }
    for (int i = 0; i < e.n_steps * e.n_rows; ++i) e.rows[i] /= e.n_steps;
    *out = e;
    memset(&e, 0, sizeof e);
done:
    sei_exposure_free(&e);
    return status;
}

void sei_exposure_free(sei_exposure *exposure) {
    sei_free(exposure->columns);
    sei_free(exposure->rows);
    sei_free(exposure->move_px);
    memset(exposure, 0, sizeof *exposure);
}
