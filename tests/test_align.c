/*
 * Claims: a core-shell wire with pores and particles, closed-form projections, Poisson counts, shifts up to 10 px, is
 * aligned to 1 px rms (0.3 px here) and its axis found to 0.5 px, in images of even and odd size and with the axis along x;
 * a film that fills the field is aligned to 1 px with an honest uncertainty of the axis; smooth images are laid on each
 * other to 0.05 px; applying shifts moves every channel by one interpolation, whole-pixel shifts and quarter turns exactly,
 * and marks what holds no data; the shifts survive their table; what cannot be aligned is refused with its tilt; 1, 2, 3 and
 * 7 threads give the same bits; neighbours of real images correlate better after alignment.
 */
#include <stdbool.h>

#include "align/align.h"
#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/backend.h"
#include "support/test.h"

enum { MOST_TILTS = 40, MOST_BODIES = 64 };

/* A sphere, or (half > 0) an elliptic cylinder along y with half axes r in x and half in z. Density adds up. */
typedef struct body {
    double x, y, z, r, half, density;
} body;

typedef struct scene {
    int n_bodies;
    body bodies[MOST_BODIES];
    double film, thickness; /* an endless film of this density */
} scene;

static double shadow(const scene *s, double u, double y, double c, double sn) {
    double sum = s->film * s->thickness / c;
    for (int i = 0; i < s->n_bodies; ++i) {
        const body *b = &s->bodies[i];
        const double d = u - (b->x * c - b->z * sn);
        if (b->half > 0) {
            const double w2 = b->r * b->r * c * c + b->half * b->half * sn * sn;
            if (d * d < w2) sum += b->density * 2 * b->r * b->half * sqrt(w2 - d * d) / w2;
        } else {
            const double h2 = b->r * b->r - d * d - (y - b->y) * (y - b->y);
            if (h2 > 0) sum += b->density * 2 * sqrt(h2);
        }
    }
    return sum;
}

static double noise(uint64_t seed, uint64_t n, double mean) {
    if (mean > 30) {
        const double g = sqrt(-2 * log(1 - sei_test_uniform(seed, 2 * n))) * cos(2 * M_PI * sei_test_uniform(seed, 2 * n + 1));
        return floor(mean + sqrt(mean) * g + 0.5);
    }
    double p = exp(-mean), u = sei_test_uniform(seed, n), k = 0;
    for (; u > p && k < 200; ++k) {
        u -= p;
        p *= mean / (k + 1);
    }
    return k;
}

typedef struct truth {
    double sx[MOST_TILTS], sy[MOST_TILTS], axis;
} truth;

/* Images displaced by (sx, sy): the shift that undoes it is (-sx, -sy). */
static void photograph(const scene *s, int nx, int ny, int n_tilts, double first_deg, double step_deg, double most_px,
                       double axis, double counts, uint64_t seed, sei_series *out, truth *t) {
    double peak = 0;
    assert_ok(sei_series_alloc(nx, ny, n_tilts, 1, out));
    snprintf(out->channels[0].name, sizeof out->channels[0].name, "HAADF");
    out->pixel_nm = 1;
    t->axis = axis;
    for (int k = 0; k < n_tilts; ++k) {
        const double tilt_deg = first_deg + step_deg * k, c = cos(tilt_deg * M_PI / 180), sn = sin(tilt_deg * M_PI / 180);
        out->tilts[k].tilt_deg = tilt_deg;
        t->sx[k] = most_px * (2 * sei_test_uniform(seed, (uint64_t)(2 * k)) - 1);
        t->sy[k] = most_px * (2 * sei_test_uniform(seed, (uint64_t)(2 * k + 1)) - 1);
        float *image = out->channels[0].data + (size_t)k * (size_t)(nx * ny);
        for (int i = 0; i < nx * ny; ++i) {
            double sum = 0;
            for (int q = 0; q < 4; ++q) {
                const double u = i % nx - 0.5 * (nx - 1) - axis - t->sx[k] + 0.5 * (q % 2) - 0.25;
                const double y = (double)(i / nx) - 0.5 * (ny - 1) - t->sy[k] + 0.5 * (double)(q / 2) - 0.25;
                sum += 0.25 * shadow(s, u, y, c, sn);
            }
            image[i] = (float)sum;
            peak = fmax(peak, sum);
        }
    }
    for (int i = 0; i < nx * ny * n_tilts && counts > 0; ++i) {
        const double mean = counts * (double)out->channels[0].data[i] / peak + 2;
        out->channels[0].data[i] = (float)noise(seed + 1, (uint64_t)i, mean);
    }
}

static void make_wire(scene *s) {
    static const body fixed[] = {{0.5, 0, -0.7, 20, 18, 1},  {0.5, 0, -0.7, 15, 13, 0.6}, {4, -30, 3, 6, 0, -1.2},
                                 {-5, -8, -4, 5, 0, -1.2},   {2, 14, 6, 7, 0, -1.1},      {-6, 38, 2, 4, 0, -1.2},
                                 {17, -44, 6, 4, 0, 2},      {-16, -20, 8, 3, 0, 3},      {12, 2, -15, 4, 0, 2},
                                 {-18, 26, -5, 3.5, 0, 2.5}, {14, 46, 12, 3, 0, 3},       {-3, -52, 18, 3, 0, 2},
                                 {3, 55, -17, 4, 0, 2}};
    *s = (scene){.n_bodies = (int)(sizeof fixed / sizeof fixed[0])};
    memcpy(s->bodies, fixed, sizeof fixed);
}

static void make_film(scene *s, uint64_t seed) {
    *s = (scene){.n_bodies = MOST_BODIES, .film = 0.1, .thickness = 30};
    for (int i = 0; i < MOST_BODIES; ++i) {
        const uint64_t n = (uint64_t)(5 * i);
        s->bodies[i] = (body){200 * (sei_test_uniform(seed, n) - 0.5),
                              150 * (sei_test_uniform(seed, n + 1) - 0.5),
                              24 * (sei_test_uniform(seed, n + 2) - 0.5),
                              2 + 5 * sei_test_uniform(seed, n + 3),
                              0,
                              0.3 + sei_test_uniform(seed, n + 4)};
    }
}

/* rms of what is left of the shifts once the gauge (1, cos, sin along x; 1 along y) is taken out; axis error in this gauge. */
typedef struct errors {
    double x_px, y_px, axis_px;
} errors;

static errors judge(const sei_series *s, const truth *t, const sei_shifts *f) {
    double m[3][4] = {{0}}, a[3], my = 0;
    const int n = (int)s->n_tilts;
    errors e = {0};
    for (int k = 0; k < n; ++k) {
        const double rad = s->tilts[k].tilt_deg * M_PI / 180;
        const double row[4] = {1, cos(rad), sin(rad), f->dx_px[k] + t->sx[k]};
        for (int i = 0; i < 3; ++i) {
            for (int j = 0; j < 4; ++j) m[i][j] += row[i] * row[j];
        }
        my += (f->dy_px[k] + t->sy[k]) / n;
    }
    for (int i = 0; i < 3; ++i) {
        for (int k = 0; k < 3; ++k) {
            if (k == i) continue;
            const double factor = m[k][i] / m[i][i];
            for (int j = 0; j < 4; ++j) m[k][j] -= factor * m[i][j];
        }
    }
    for (int i = 0; i < 3; ++i) a[i] = m[i][3] / m[i][i];
    for (int k = 0; k < n; ++k) {
        const double rad = s->tilts[k].tilt_deg * M_PI / 180;
        const double rx = f->dx_px[k] + t->sx[k] - a[0] - a[1] * cos(rad) - a[2] * sin(rad), ry = f->dy_px[k] + t->sy[k] - my;
        e.x_px += rx * rx / n;
        e.y_px += ry * ry / n;
    }
    e.x_px = sqrt(e.x_px);
    e.y_px = sqrt(e.y_px);
    e.axis_px = f->axis_offset_px - (t->axis + a[0]);
    return e;
}

static sei_device *open_device(const char *name) {
    sei_device *device = NULL;
    assert_ok(sei_device_open(&(sei_device_options){.name = name}, &device));
    return device;
}

static void wires_are_aligned(void **state) {
    static const struct {
        int nx, ny;
        double most_px, axis;
    } cases[] = {{128, 120, 10, 0}, {129, 121, 10, 4.3}, {121, 128, 3, -7}};
    sei_device *device = open_device("cpu");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        scene wire;
        sei_series s = {0};
        sei_shifts f = {0};
        sei_align_options o;
        truth t;
        make_wire(&wire);
        sei_align_options_default(&o);
        photograph(&wire, cases[i].nx, cases[i].ny, 25, -60, 5, cases[i].most_px, cases[i].axis, 300, 40 + i, &s, &t);
        assert_ok(sei_align_find(device, &s, &o, &f));
        const errors e = judge(&s, &t, &f);
        printf("  wire %d x %d: x %.3f px, y %.3f px rms, axis %.3f px (sd %.3f)\n", cases[i].nx, cases[i].ny, e.x_px, e.y_px,
               e.axis_px, f.axis_offset_sd_px);
        assert_true(e.x_px < 0.3 && e.y_px < 0.3);
        assert_true(fabs(e.axis_px) < 0.5);
        assert_true(f.axis_offset_sd_px < 0.5 && fabs(e.axis_px) < 5 * f.axis_offset_sd_px + 0.1);
        double mean_x = 0, mean_y = 0;
        for (int k = 0; k < 25; ++k) {
            mean_x += f.dx_px[k];
            mean_y += f.dy_px[k];
            if (k != 12) assert_true(f.score[k] > f.score_before[k] - 0.02);
        }
        assert_close(mean_x, 0, 1e-9);
        assert_close(mean_y, 0, 1e-9);
        sei_shifts_free(&f);
        /* With the axis given, the centre of mass goes onto it. */
        if (i > 0) {
            sei_series_free(&s);
            continue;
        }
        o.find_axis_offset = false;
        o.axis_offset_px = 2.5;
        assert_ok(sei_align_find(device, &s, &o, &f));
        assert_close(f.axis_offset_px, 2.5, 0);
        assert_close(judge(&s, &t, &f).axis_px, 0, 0.5);
        sei_shifts_free(&f);
        sei_series_free(&s);
    }
    sei_device_close(device);
}

static void films_are_aligned(void **state) {
    sei_device *device = open_device("cpu");
    (void)state;
    for (int i = 0; i < 2; ++i) {
        scene film;
        sei_series s = {0};
        sei_shifts f = {0};
        sei_align_options o;
        truth t;
        make_film(&film, 7 + (uint64_t)i);
        sei_align_options_default(&o);
        photograph(&film, 128 + i, 96 + i, i == 0 ? 16 : 25, i == 0 ? -40 : -60, 5, 5, i == 0 ? 0 : 4, 500, 90 + (uint64_t)i, &s,
                   &t);
        o.iterations = 1;
        assert_ok(sei_align_find(device, &s, &o, &f));
        const errors rough = judge(&s, &t, &f);
        sei_shifts_free(&f);
        o.iterations = 3;
        assert_ok(sei_align_find(device, &s, &o, &f));
        const errors e = judge(&s, &t, &f);
        printf("  film: pairs x %.3f y %.3f px; refined x %.3f y %.3f px rms, axis %.2f px (sd %.2f)\n", rough.x_px, rough.y_px,
               e.x_px, e.y_px, e.axis_px, f.axis_offset_sd_px);
        assert_true(e.x_px < 0.3 && e.y_px < 0.3);
        /* Over +-40 deg an axis wrong by 1 px moves no image by more than 0.03 px from where it belongs: it is known less well.
         */
        assert_true(fabs(e.axis_px) < (i == 0 ? 2 : 1));
        assert_true(fabs(e.axis_px) < 4 * f.axis_offset_sd_px + 0.1 && f.axis_offset_sd_px < 1);
        sei_shifts_free(&f);
        sei_series_free(&s);
    }
    sei_device_close(device);
}

/* A smooth scene at 3 levels of difficulty: two images of one tilt, shifted by a known fraction. */
static void peaks_are_sub_pixel(void **state) {
    sei_device *device = open_device("ref");
    scene film;
    (void)state;
    make_film(&film, 3);
    for (int i = 0; i < 6; ++i) {
        sei_series s = {0};
        sei_shifts f = {0};
        sei_align_options o;
        truth t;
        photograph(&film, 72 + i % 2, 64 + i / 2, 2, 0, 0.01, 4, 0, 0, 200 + (uint64_t)i, &s, &t);
        sei_align_options_default(&o);
        o.iterations = 1;
        assert_ok(sei_align_find(device, &s, &o, &f));
        assert_close(f.dx_px[1] - f.dx_px[0], t.sx[0] - t.sx[1], 0.05);
        assert_close(f.dy_px[1] - f.dy_px[0], t.sy[0] - t.sy[1], 0.05);
        assert_true(f.score[1] > 0.98);
        sei_shifts_free(&f);
        sei_series_free(&s);
    }
    sei_device_close(device);
}

/* The same wire with its axis along x (and then at -90 deg): the answers are those of the upright one. */
static void axis_along_x(void **state) {
    sei_device *device = open_device("cpu");
    scene wire;
    sei_series s = {0}, lying = {0}, upright = {0};
    sei_shifts f = {0}, g = {0};
    sei_align_options o;
    truth t;
    (void)state;
    make_wire(&wire);
    photograph(&wire, 96, 80, 13, -60, 10, 5, 2, 300, 77, &s, &t);
    sei_align_options_default(&o);
    assert_ok(sei_align_find(device, &s, &o, &f));
    for (int sign = -1; sign <= 1; sign += 2) {
        assert_ok(sei_series_alloc(80, 96, 13, 1, &lying));
        for (int k = 0; k < 13; ++k) {
            lying.tilts[k] = s.tilts[k];
            /* a quarter turn back of what alignment will turn forward */
            sei_turn(s.channels[0].data + k * 96 * 80, 96, 80, sign > 0 ? 3 : 1, lying.channels[0].data + k * 96 * 80);
        }
        lying.axis_deg = 90 * sign;
        assert_ok(sei_align_find(device, &lying, &o, &g));
        assert_close(g.axis_offset_px, f.axis_offset_px, 1e-9);
        for (int k = 0; k < 13; ++k) {
            assert_close(g.dx_px[k], f.dx_px[k], 1e-9);
            assert_close(g.dy_px[k], f.dy_px[k], 1e-9);
        }
        for (int k = 0; k < 13; ++k) g.dx_px[k] = g.dy_px[k] = 0;
        assert_ok(sei_align_apply(device, &lying, &g, 1, &upright));
        assert_int_equal(upright.nx, 96);
        assert_memory_equal(upright.channels[0].data, s.channels[0].data, sizeof(float) * 13 * 96 * 80);
        assert_close(upright.axis_deg, 0, 0);
        sei_shifts_free(&g);
        sei_series_free(&lying);
        sei_series_free(&upright);
    }
    sei_shifts_free(&f);
    sei_series_free(&s);
    sei_device_close(device);
}

static void shifts_are_applied_once(void **state) {
    sei_device *device = open_device("ref");
    sei_series s = {0}, out = {0};
    sei_shifts f = {0};
    (void)state;
    assert_ok(sei_series_alloc(20, 15, 2, 2, &s));
    assert_ok(sei_shifts_alloc(2, &f));
    for (int i = 0; i < 2 * 300; ++i) {
        s.channels[0].data[i] = (float)(i % 20 + 100 * (i / 20 % 15));
        s.channels[1].data[i] = i == 5 * 20 + 7 ? 1 : 0;
    }
    s.tilts[1].tilt_deg = f.tilt_deg[1] = 5;
    f.dx_px[0] = 3;
    f.dy_px[0] = -2;
    f.dx_px[1] = 0.25;
    f.dy_px[1] = 0.5;
    f.axis_offset_px = 1.5;
    s.axis_offset_px = 9;
    assert_ok(sei_align_apply(device, &s, &f, 1, &out));
    assert_true(out.aligned);
    assert_close(out.axis_offset_px, 1.5, 0);
    sei_series_free(&out);
    f.axis_offset_px = NAN; /* shifts that say nothing of the axis leave it where the series has it */
    assert_ok(sei_align_apply(device, &s, &f, 1, &out));
    assert_close(out.axis_offset_px, 9, 0);
    for (int y = 0; y < 15; ++y) {
        for (int x = 0; x < 20; ++x) {
            const bool inside = x >= 3 && y < 13;
            assert_int_equal(out.valid[y * 20 + x], inside);
            assert_close((double)out.channels[0].data[y * 20 + x], inside ? x - 3 + 100 * (y + 2) : 0, 0);
            /* between pixels: a plane is interpolated exactly */
            if (out.valid[300 + y * 20 + x])
                assert_close((double)out.channels[0].data[300 + y * 20 + x], x - 0.25 + 100 * (y - 0.5), 1e-4);
        }
    }
    assert_int_equal(out.valid[300 + 20], 0);
    assert_int_equal(out.valid[300 + 21], 1);
    assert_close((double)out.channels[1].data[3 * 20 + 10], 1, 0); /* the lone count at (7, 5) went along */
    sei_series_free(&out);
    /* A pixel without data stays without, and so do those interpolated from it. */
    assert_ok(SEI_NEW(s.valid, 2, 15, 20));
    memset(s.valid, 1, 600);
    s.valid[300 + 8 * 20 + 8] = 0;
    assert_ok(sei_align_apply(device, &s, &f, 1, &out));
    assert_int_equal(
        out.valid[300 + 8 * 20 + 8] + out.valid[300 + 8 * 20 + 9] + out.valid[300 + 9 * 20 + 8] + out.valid[300 + 9 * 20 + 9], 0);
    assert_int_equal(out.valid[300 + 7 * 20 + 8], 1);
    sei_series_free(&out);
    /* refusals */
    f.tilt_deg[1] = 5.01;
    assert_refused(sei_align_apply(device, &s, &f, 1, &out), SEI_ERR_INPUT, "5.0100 deg, the series has 5.0000");
    f.tilt_deg[1] = 5;
    f.dx_px[1] = NAN;
    assert_refused(sei_align_apply(device, &s, &f, 1, &out), SEI_ERR_INPUT, "no shift");
    f.dx_px[1] = 0;
    assert_refused(sei_align_apply(device, &s, &f, 2, &out), SEI_ERR_USAGE, "interpolation 2");
    f.count = 1;
    assert_refused(sei_align_apply(device, &s, &f, 1, &out), SEI_ERR_INPUT, "1 shifts for 2 tilts");
    assert_null(out.channels);
    sei_shifts_free(&f);
    sei_series_free(&s);
    sei_device_close(device);
}

static void shifts_survive_their_table(void **state) {
    static const char *const needed[] = {"tilt_deg", "dx_px", "dy_px"};
    sei_shifts f = {0}, g = {0};
    sei_table table = {0};
    (void)state;
    assert_ok(sei_shifts_alloc(3, &f));
    for (int k = 0; k < 3; ++k) {
        f.tilt_deg[k] = -5 + 5 * k;
        f.dx_px[k] = 0.1 * k;
        f.dy_px[k] = -7.25 / 3 * k;
    }
    f.score[2] = 0.5;
    f.axis_offset_px = 1.0 / 3;
    assert_ok(sei_shifts_to_table(&f, &table));
    assert_string_equal(table.columns[0], "tilt_deg");
    assert_string_equal(table.columns[1], "dx_px");
    assert_string_equal(table.columns[2], "dy_px");
    assert_ok(sei_shifts_from_table(&table, &g));
    assert_memory_equal(f.dx_px, g.dx_px, 24);
    assert_memory_equal(f.dy_px, g.dy_px, 24);
    assert_true(g.axis_offset_px == f.axis_offset_px && isnan(g.score[0]) && g.score[2] == 0.5);
    sei_shifts_free(&g);
    table.cells[1] = NAN;
    assert_refused(sei_shifts_from_table(&table, &g), SEI_ERR_INPUT, "row 1");
    sei_table_free(&table);
    assert_ok(sei_table_alloc("plain", 3, needed, 2, &table));
    memset(table.cells, 0, 48);
    assert_ok(sei_shifts_from_table(&table, &g));
    assert_true(isnan(g.score[1]) && isnan(g.axis_offset_px));
    sei_shifts_free(&g);
    snprintf(table.columns[2], SEI_NAME_LENGTH, "dy");
    assert_refused(sei_shifts_from_table(&table, &g), SEI_ERR_INPUT, "no column dy_px");
    sei_table_free(&table);
    sei_shifts_free(&f);
}

static void what_cannot_be_aligned_is_refused(void **state) {
    sei_device *device = open_device("cpu");
    scene film;
    sei_series s = {0};
    sei_shifts f = {0};
    sei_align_options o;
    truth t;
    (void)state;
    make_film(&film, 3);
    photograph(&film, 64, 48, 3, -5, 5, 8, 0, 0, 300, &s, &t);
    sei_align_options_default(&o);
    o.reference = "Si";
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_INPUT, "no channel named 'Si'; the series holds: HAADF");
    o.reference = "haadf";
    o.max_shift_px = 2;
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_INPUT,
                   "beyond the allowed shift of 2 px; raise max_shift_px (--max-shift)");
    o.max_shift_px = 0;
    assert_ok(sei_align_find(device, &s, &o, &f));
    sei_shifts_free(&f);
    o.high_cutoff = 0.7;
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_USAGE, "0.7");
    o.high_cutoff = 0.25;
    o.iterations = 0;
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_USAGE, "iterations is 0");
    o.iterations = 1;
    s.channels[0].data[64 * 48 + 70] = NAN;
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_INPUT,
                   "tilt 0 deg: pixel (6, 1) is not a finite number; repair it first (clean.repair_non_finite");
    for (int i = 0; i < 64 * 48; ++i) s.channels[0].data[64 * 48 + i] = 7;
    assert_refused(sei_align_find(device, &s, &o, &f), SEI_ERR_INPUT, "tilt 0 deg: the image has no contrast");
    assert_null(f.dx_px);
    sei_series_free(&s);
    sei_device_close(device);
}

static void threads_change_nothing(void **state) {
    static const int threads[] = {1, 2, 3, 7};
    scene film;
    sei_series s = {0};
    sei_shifts first = {0};
    truth t;
    (void)state;
    make_film(&film, 3);
    photograph(&film, 64, 48, 7, -30, 10, 3, 0, 400, 310, &s, &t);
    for (int i = 0; i < 4; ++i) {
        sei_device *device = NULL;
        sei_shifts f = {0};
        sei_align_options o;
        sei_align_options_default(&o);
        o.iterations = 2;
        sei_threads_set(threads[i]);
        assert_ok(sei_device_open(&(sei_device_options){.name = "cpu", .threads = threads[i]}, &device));
        assert_ok(sei_align_find(device, &s, &o, i == 0 ? &first : &f));
        if (i > 0) {
            assert_memory_equal(f.dx_px, first.dx_px, 7 * sizeof(double));
            assert_memory_equal(f.dy_px, first.dy_px, 7 * sizeof(double));
            assert_memory_equal(&f.axis_offset_px, &first.axis_offset_px, sizeof(double));
        }
        sei_shifts_free(&f);
        sei_device_close(device);
    }
    sei_threads_set(0);
    sei_shifts_free(&first);
    sei_series_free(&s);
}

/* Detectors may write any unit: squares of 1e35 or 1e-35 do not fit into single precision, the shifts stay what they are. */
static void units_change_nothing(void **state) {
    static const int shifts[] = {0, 110, -220}; /* powers of two, each on top of the last */
    sei_device *device = open_device("cpu");
    scene film;
    sei_series s = {0};
    sei_shifts first = {0};
    truth t;
    (void)state;
    make_film(&film, 3);
    photograph(&film, 64, 48, 7, -30, 10, 3, 0, 400, 310, &s, &t);
    for (int i = 0; i < 3; ++i) {
        sei_shifts f = {0};
        sei_align_options o;
        sei_align_options_default(&o);
        for (int64_t k = 0; k < s.nx * s.ny * s.n_tilts; ++k) {
            float *pixel = &s.channels[0].data[k];
            *pixel = (float)ldexp((double)*pixel, shifts[i]);
        }
        assert_ok(sei_align_find(device, &s, &o, i == 0 ? &first : &f));
        for (int k = 0; i > 0 && k < 7; ++k) {
            assert_close(f.dx_px[k], first.dx_px[k], 1e-3);
            assert_close(f.dy_px[k], first.dy_px[k], 1e-3);
            if (!isnan(first.score[k])) assert_close(f.score[k], first.score[k], 1e-3);
        }
        sei_shifts_free(&f);
    }
    sei_shifts_free(&first);
    sei_series_free(&s);
    sei_device_close(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(peaks_are_sub_pixel),
                                       cmocka_unit_test(wires_are_aligned),
                                       cmocka_unit_test(films_are_aligned),
                                       cmocka_unit_test(axis_along_x),
                                       cmocka_unit_test(shifts_are_applied_once),
                                       cmocka_unit_test(shifts_survive_their_table),
                                       cmocka_unit_test(what_cannot_be_aligned_is_refused),
                                       cmocka_unit_test(threads_change_nothing),
                                       cmocka_unit_test(units_change_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
