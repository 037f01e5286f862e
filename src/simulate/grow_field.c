/* Correlated random fields: white noise of Philox normals on a lattice tied to the middle, smoothed by Gaussians. */
#include <math.h>

#include "core/alloc.h"
#include "core/threads.h"
#include "simulate/grow_plan.h"

/* The lattice's step is an eighth of the correlation length: the smoothing's sigma is 4 steps. */
enum { STEPS_PER_LENGTH = 8, REACH_SIGMAS = 4, MAX_COLUMNS = 1 << 16, MAX_CELLS = 1 << 26 };

static const double pi = 3.14159265358979323846;

/* atan(t) for 0 <= t <= 1: the angle halved twice, then the series. */
static double fixed_atan(double t) {
    t = t / (1 + sqrt(1 + t * t));
    t = t / (1 + sqrt(1 + t * t));
    const double t2 = t * t;
    double sum = 0;
    for (int n = 13; n >= 1; n -= 2) sum = 1.0 / n - t2 * sum;
    return 4 * t * sum;
}

double grow_turn(double x, double z) {
    const double ax = fabs(x);
    const double az = fabs(z);
    const double large = fmax(ax, az);
    if (!(large > 0)) return 0;
    double turn = fixed_atan(fmin(ax, az) / large) / (2 * pi);
    if (az > ax) turn = 0.25 - turn;
    if (x < 0) turn = 0.5 - turn;
    if (z < 0) turn = 1 - turn;
    return turn < 1 ? turn : 0;
}

void grow_unit(double turn, double *cosine, double *sine) {
    const double eighths = floor(8 * (turn - floor(turn)) + 0.5); /* 0 to 8 */
    const double quarter = floor(0.5 * eighths + 0.5);            /* the nearest quarter turn, 0 to 4 */
    const double x = 2 * pi * (turn - floor(turn) - 0.25 * quarter);
    const double x2 = x * x;
    double c = 1, s = 1;
    for (int n = 16; n >= 2; n -= 2) {
        c = 1 - c * x2 / (n * (n - 1));
        s = 1 - s * x2 / (n * (n + 1));
    }
    s *= x;
    switch ((int)quarter % 4) {
        case 0: *cosine = c, *sine = s; break;
        case 1: *cosine = -s, *sine = c; break;
        case 2: *cosine = -c, *sine = -s; break;
        default: *cosine = s, *sine = -c; break;
    }
}

/* Weights of a Gaussian from -reach to reach, their sum 1. */
static sei_status gaussian(double sigma, int64_t *reach, double **weights) {
    double *w = NULL;
    double sum = 0;
    *reach = (int64_t)ceil(REACH_SIGMAS * sigma);
    const sei_status status = SEI_NEW(w, 2 * *reach + 1, 1, 1);
    if (status != SEI_OK) return status;
    for (int64_t i = -*reach; i <= *reach; ++i) {
        const double t = (double)i / sigma;
        w[i + *reach] = sei_fixed_exp(-0.5 * t * t);
        sum += w[i + *reach];
    }
    for (int64_t i = 0; i <= 2 * *reach; ++i) w[i] /= sum;
    *weights = w;
    return SEI_OK;
}

/* The lattice: `columns` around (periodic), rows -half..half along y. */
typedef struct lattice {
    int64_t columns, half;
    double step_nm;
    double *value; /* [2*half + 1][columns] */
} lattice;

/* Smooths white noise on rows -(half + reach)..half + reach around, then along. */
static sei_status smooth_noise(const sei_random *random, double sigma_around, double sigma_along, lattice *l) {
    sei_status status = SEI_OK;
    int64_t reach_around = 0, reach = 0;
    double *around = NULL, *along = NULL, *white = NULL, *once = NULL;
    const int64_t n = l->columns;
    SEI_TRY(gaussian(sigma_along, &reach, &along));
    if (n > 1) SEI_TRY(gaussian(sigma_around, &reach_around, &around));
    const int64_t rows = 2 * (l->half + reach) + 1;
    if (rows * n > MAX_CELLS) {
        status = sei_fail(SEI_ERR_INPUT,
                          "specimen: a random field with %lld cells around and %lld along, at most %d in all: choose a "
                          "longer length_nm",
                          (long long)n, (long long)rows, (int)MAX_CELLS);
        goto done;
    }
    SEI_TRY(SEI_NEW(white, rows, n, 1));
    SEI_TRY(SEI_NEW(once, rows, n, 1));
    SEI_TRY(SEI_NEW(l->value, 2 * l->half + 1, n, 1));
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t r = 0; r < rows; ++r) {
        const uint64_t row = (uint64_t)(r - l->half - reach + (INT64_C(1) << 32));
        for (int64_t c = 0; c < n; ++c) white[r * n + c] = sei_random_normal(random, row * MAX_COLUMNS + (uint64_t)c, 0);
        for (int64_t c = 0; c < n; ++c) {
            double sum = n > 1 ? 0 : white[r * n + c];
            for (int64_t i = -reach_around; around != NULL && i <= reach_around; ++i) {
                const int64_t from = ((c + i) % n + n) % n;
                sum += around[i + reach_around] * white[r * n + from];
            }
            once[r * n + c] = sum;
        }
    }
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t r = 0; r <= 2 * l->half; ++r) {
        for (int64_t c = 0; c < n; ++c) {
            double sum = 0;
            for (int64_t i = 0; i <= 2 * reach; ++i) sum += along[i] * once[(r + i) * n + c];
            l->value[r * n + c] = sum;
        }
    }
done:
    sei_free(around);
    sei_free(along);
    sei_free(white);
    sei_free(once);
    return status;
}

static double between(const lattice *l, double y_nm, double turn) {
    const double row = y_nm / l->step_nm + (double)l->half;
    const double column = turn * (double)l->columns;
    const int64_t r = (int64_t)floor(row);
    const int64_t c = (int64_t)floor(column);
    const double fr = row - (double)r;
    const double fc = column - (double)c;
    const double *low = l->value + r * l->columns;
    const double *high = low + l->columns;
    const int64_t a = c % l->columns;
    const int64_t b = (c + 1) % l->columns;
    return (1 - fr) * ((1 - fc) * low[a] + fc * low[b]) + fr * ((1 - fc) * high[a] + fc * high[b]);
}

sei_status grow_surface_field(const sei_grow_field *field, const sei_random *random, double circumference_nm, double voxel_nm,
                              int64_t ny, int64_t n_turn, double *add) {
    sei_status status = SEI_OK;
    lattice l = {.step_nm = field->length_nm / STEPS_PER_LENGTH};
    double *table = NULL;
    if (!(field->sd_nm > 0)) return SEI_OK;
    const double sigma_nm = field->length_nm / 2;
    const double columns = fmax(8, ceil(circumference_nm / l.step_nm));
    if (n_turn > 1 && columns > MAX_COLUMNS) {
        return sei_fail(SEI_ERR_INPUT,
                        "specimen: a random field of length %g nm on a circumference of %g nm: it must be %g nm or more",
                        field->length_nm, circumference_nm, circumference_nm * STEPS_PER_LENGTH / MAX_COLUMNS);
    }
    l.columns = n_turn > 1 ? (int64_t)columns : 1;
    l.half = (int64_t)ceil(0.5 * (double)ny * voxel_nm / l.step_nm) + 1;
    SEI_TRY(smooth_noise(random, sigma_nm * (double)l.columns / circumference_nm, sigma_nm / l.step_nm, &l));
    SEI_TRY(SEI_NEW(table, ny, n_turn, 1));
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t j = 0; j < ny; ++j) {
        const double y = ((double)j - 0.5 * (double)(ny - 1)) * voxel_nm;
        for (int64_t m = 0; m < n_turn; ++m) table[j * n_turn + m] = between(&l, y, (double)m / (double)n_turn);
    }
    double mean = 0, square = 0;
    for (int64_t i = 0; i < ny * n_turn; ++i) mean += table[i];
    mean /= (double)(ny * n_turn);
    for (int64_t i = 0; i < ny * n_turn; ++i) square += (table[i] - mean) * (table[i] - mean);
    const double sd = sqrt(square / (double)(ny * n_turn));
    if (!(sd > 1e-9)) {
        status = sei_fail(SEI_ERR_INPUT,
                          "specimen: a random field of length %g nm does not vary over %g nm: choose a shorter length_nm",
                          field->length_nm, (double)ny * voxel_nm);
        goto done;
    }
    for (int64_t i = 0; i < ny * n_turn; ++i) add[i] += field->sd_nm * (table[i] - mean) / sd;
done:
    sei_free(l.value);
    sei_free(table);
    return status;
}
