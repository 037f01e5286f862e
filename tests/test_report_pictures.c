/*
 * needs: full
 * Claims: a slab is the mean of its voxels, faces weighted by their part; a projection puts (x, z) at u = x cos - z sin and
 * is exact at 0 and 90 degrees; a shaded view shows the shell and, cut open, the core; the grey range is an exact percentile that
 * no outlier, NaN or empty space moves; scale bars are round numbers of the right length; pictures enlarge by whole factors, keep
 * shapes, carry the colours promised, are the same bytes for any thread count and locale, and survive any title; wrong grids,
 * positions and files are refused.
 */
#include <cairo.h>
#include <locale.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/threads.h"
#include "report/panel.h"
#include "report/shade.h"
#include "seitomo/report.h"
#include "support/test.h"

static sei_volume make_volume(int64_t nx, int64_t ny, int64_t nz, const char *name) {
    sei_volume volume = {0};
    assert_ok(sei_volume_alloc(nx, ny, nz, 2, &volume));
    snprintf(volume.name, sizeof volume.name, "%s", name);
    return volume;
}

static void slabs_are_weighted_means(void **state) {
    sei_picture_options options;
    sei_image image = {0};
    (void)state;
    sei_volume volume = make_volume(4, 3, 5, "Si");
    for (int64_t i = 0; i < 4 * 3 * 5; ++i) volume.data[i] = (float)(i / 12); /* the value is z */
    sei_picture_options_default(&options);
    options.thickness_nm = 0;
    assert_ok(sei_image_slab(&volume, &options, &image));
    assert_int_equal(image.width, 4);
    assert_int_equal(image.height, 3);
    assert_close(image.data[5], 2, 0);
    sei_image_free(&image);
    /* 5 nm = 2.5 voxels about z = 3: [1.75, 4.25] holds 0.75 of voxel 2, all of 3, 0.75 of 4 */
    options.thickness_nm = 5;
    options.position_nm = 2;
    assert_ok(sei_image_slab(&volume, &options, &image));
    assert_close(image.data[0], (0.75 * 2 + 3 + 0.75 * 4) / 2.5, 1e-6);
    sei_image_free(&image);
    volume.data[3 * 12] = NAN; /* left out, not spread */
    assert_ok(sei_image_slab(&volume, &options, &image));
    assert_close(image.data[0], 3, 1e-6);
    sei_image_free(&image);
    options.plane = SEI_PLANE_YZ;
    options.position_nm = 0;
    assert_ok(sei_image_slab(&volume, &options, &image));
    assert_int_equal(image.width, 3);
    assert_int_equal(image.height, 5);
    for (int64_t z = 0; z < 5; ++z) assert_close(image.data[3 * z + 1], (double)z, 1e-6);
    sei_image_free(&image);
    options.position_nm = 4.1;
    assert_refused(sei_image_slab(&volume, &options, &image), SEI_ERR_INPUT, "outside the volume");
    volume.voxel_nm = NAN;
    assert_refused(sei_image_slab(&volume, &options, &image), SEI_ERR_INPUT, "voxel size");
    sei_volume_free(&volume);
}

static void projections_follow_the_convention(void **state) {
    sei_image image = {0};
    (void)state;
    sei_volume volume = make_volume(21, 2, 17, "Si");
    const double x = 6, z = -4; /* from the centre (10, 8) */
    volume.data[((8 - 4) * 2 + 1) * 21 + 16] = 5;
    for (double view = -90; view <= 180; view += 15) {
        const double angle = view * acos(-1) / 180;
        assert_ok(sei_image_project(&volume, view, 12, SEI_PROJECTION_SUM, &image));
        double sum = 0, first = 0;
        for (int64_t i = 0; i < image.width; ++i) {
            assert_true(image.data[i] == 0); /* y = 0 is empty */
            sum += (double)image.data[image.width + i];
            first += (double)image.data[image.width + i] * ((double)i - (double)(image.width - 1) / 2);
        }
        assert_close(first / sum, x * cos(angle) - z * sin(angle), 0.35);
        assert_close(sum, 5, 1.6); /* one voxel seen by rays one voxel apart */
        sei_image_free(&image);
    }
    for (int64_t i = 0; i < 21 * 2 * 17; ++i) volume.data[i] = (float)sei_test_uniform(1, (uint64_t)i);
    assert_ok(sei_image_project(&volume, 0, 12, SEI_PROJECTION_MAXIMUM, &image));
    const int64_t rim = (image.width - 21) / 2;
    for (int64_t i = 0; i < 21; ++i) {
        double most = 0;
        for (int64_t k = 0; k < 17; ++k) most = fmax(most, (double)volume.data[(k * 2 + 1) * 21 + i]);
        assert_close(image.data[image.width + rim + i], most, 0);
    }
    sei_image_free(&image);
    sei_volume_free(&volume);
}

static int by_value(const void *a, const void *b) {
    return (*(const float *)a > *(const float *)b) - (*(const float *)a < *(const float *)b);
}

static void ranges_are_exact_and_robust(void **state) {
    enum { N = 5001 };
    static float values[N + 20], sorted[N];
    sei_picture_options options;
    sei_range range, again;
    (void)state;
    sei_picture_options_default(&options);
    for (size_t i = 0; i < N; ++i) sorted[i] = values[i] = (float)(20 * sei_test_uniform(4, i) - 10);
    qsort(sorted, N, sizeof sorted[0], by_value);
    assert_ok(sei_range_of(values, NULL, N, false, &options, &range));
    assert_close(range.low, sorted[25], 0);
    assert_close(range.high, sorted[4990], 0);
    assert_ok(sei_range_of(values, NULL, N, true, &options, &range));
    assert_close(range.low, 0, 0); /* an element's black is zero */
    for (size_t i = N; i < N + 20; ++i) values[i] = NAN;
    for (size_t i = N; i < N + 3; ++i) values[i] = 3e38f;
    assert_ok(sei_range_of(values, NULL, N + 20, true, &options, &again));
    assert_true(again.high < 10 && again.high >= range.high);
    /* 0.1 % of the volume holds all the signal: still visible */
    for (size_t i = 0; i < N; ++i) values[i] = i % 1000 == 7 ? (float)(3 + i % 3) : 0;
    assert_ok(sei_range_of(values, NULL, N, true, &options, &range));
    assert_close(range.low, 0, 0);
    assert_true(range.high >= 3 && range.high <= 5);
    /* nothing at all: a valid range */
    for (size_t i = 0; i < N; ++i) values[i] = 0;
    assert_ok(sei_range_of(values, NULL, N, true, &options, &range));
    assert_true(range.high > range.low);
    for (size_t i = 0; i < N; ++i) values[i] = NAN;
    assert_ok(sei_range_of(values, NULL, N, false, &options, &range));
    assert_true(range.high > range.low);
    options.range_low = 2;
    options.range_high = 7;
    assert_ok(sei_range_of(values, NULL, N, false, &options, &range));
    assert_true(range.low == 2 && range.high == 7);
}

static void scale_bars_are_round(void **state) {
    char text[64];
    (void)state;
    for (double width = 0.7; width < 3e5; width *= 1.07) {
        const double length = sei_scale_bar_length(width), mantissa = length / pow(10, floor(log10(length) + 1e-9));
        assert_true(fabs(mantissa - 1) < 1e-9 || fabs(mantissa - 2) < 1e-9 || fabs(mantissa - 5) < 1e-9);
        assert_true(length / width > 0.2 / 1.6 && length / width < 0.2 * 1.6);
    }
    sei_scale_bar_text(20, text, sizeof text);
    assert_string_equal(text, "20\xc2\xa0nm");
    sei_scale_bar_text(1000, text, sizeof text);
    assert_string_equal(text, "1\xc2\xa0\xc2\xb5m");
    sei_scale_bar_text(2.5, text, sizeof text);
    assert_string_equal(text, "2.5\xc2\xa0nm");
    sei_scale_bar_text(0.5, text, sizeof text);
    assert_string_equal(text, "5\xc2\xa0\xc3\x85");
}

static uint32_t pixel(cairo_surface_t *surface, int64_t x, int64_t y) {
    uint32_t value;
    memcpy(&value, cairo_image_surface_get_data(surface) + y * cairo_image_surface_get_stride(surface) + 4 * x, 4);
    return value & 0xffffffu;
}

/* How many pixels of the picture have that colour. */
static int64_t area(cairo_surface_t *surface, uint32_t colour) {
    int64_t n = 0;
    for (int64_t y = 0; y < cairo_image_surface_get_height(surface); ++y) {
        for (int64_t x = 0; x < cairo_image_surface_get_width(surface); ++x) n += pixel(surface, x, y) == colour;
    }
    return n;
}

static void colours_are_the_promised_ones(void **state) {
    static const char *const alike[][2] = {{"Si", "si_K"},     {"Si", "Si Ka"},      {"O", "o"},
                                           {"HAADF", "haadf"}, {"HAADF", "HAADF 2"}, {"F", "F-K"}};
    uint8_t a[3], b[3];
    (void)state;
    for (size_t i = 0; i < sizeof alike / sizeof alike[0]; ++i) {
        sei_channel_colour(alike[i][0], a);
        sei_channel_colour(alike[i][1], b);
        assert_memory_equal(a, b, 3);
    }
    sei_channel_colour("Si", a);
    assert_true(a[1] > a[0] && a[1] > a[2]);
    sei_channel_colour("O", a);
    assert_true(a[0] > 2 * a[1] && a[0] > 2 * a[2]);
    sei_channel_colour("F", a);
    assert_true(a[2] > a[0] && a[2] > a[1]);
    sei_channel_colour("C", a);
    assert_true(a[0] > 3 * a[2] && a[1] > 3 * a[2]);
    sei_channel_colour("P", a);
    assert_true(a[0] > 2 * a[1] && a[2] > 2 * a[1]);
    sei_channel_colour("HAADF", a);
    assert_true(a[0] == a[1] && a[1] == a[2]);
    assert_false(sei_is_element("HAADF"));
    assert_true(sei_is_element("Si"));
}

static void labels_keep_their_colours_and_areas(void **state) {
    sei_labels labels = {0};
    sei_picture_options options;
    cairo_surface_t *surface = NULL;
    (void)state;
    assert_ok(sei_labels_alloc(60, 4, 30, 2, &labels));
    assert_ok(sei_labels_define_wire(&labels));
    for (int64_t k = 0; k < 30; ++k) {
        for (int64_t y = 0; y < 4; ++y) {
            for (int64_t x = 0; x < 60; ++x)
                labels.data[(k * 4 + y) * 60 + x] = x >= 35 && x < 45 && k >= 8 && k < 16 ? SEI_LABEL_SI : SEI_LABEL_OUTSIDE;
        }
    }
    sei_picture_options_default(&options);
    options.plane = SEI_PLANE_XZ;
    options.scale_bar_nm = -1;
    options.no_axes = true;
    const char *path = sei_test_path("labels.png");
    assert_ok(sei_render_labels(path, &labels, &options, false));
    assert_refused(sei_render_labels(path, &labels, &options, false), SEI_ERR_ENVIRONMENT, "--force");
    assert_ok(sei_surface_read(path, &surface));
    /* 30 voxels become 390 pixels: factor 13; 10 x 8 voxels of Si and one swatch of the legend */
    const int64_t silicon = area(surface, 40 << 16 | 170 << 8 | 60);
    assert_true(silicon > 80 * 169 && silicon < 80 * 169 + 900);
    assert_true(cairo_image_surface_get_width(surface) >= 780);
    assert_int_equal(area(surface, 50 << 16 | 90 << 8 | 220), 0); /* SEI does not occur: not in the legend */
    cairo_surface_destroy(surface);
    options.position_nm = 5;
    assert_refused(sei_render_labels(path, &labels, &options, true), SEI_ERR_INPUT, "outside the volume");
    sei_labels_free(&labels);
}

static void pictures_are_the_same_bytes(void **state) {
    sei_picture_options options;
    sei_volume volumes[2] = {make_volume(40, 30, 36, "Si"), make_volume(40, 30, 36, "O")};
    char *text[2] = {NULL, NULL};
    size_t length[2];
    (void)state;
    for (size_t i = 0; i < 40 * 30 * 36; ++i) {
        volumes[0].data[i] = (float)sei_test_uniform(2, i);
        volumes[1].data[i] = (float)sei_test_uniform(3, i);
    }
    sei_picture_options_default(&options);
    options.title =
        "a title that is much too long for a picture of this width and therefore has to be wrapped, and cut at the end of its "
        "third line, "
        "because otherwise it would run out of the frame \xff\xc3 <script>\n\x1b[31m";
    options.projection = SEI_PROJECTION_SHADED;
    for (int pass = 0; pass < 2; ++pass) {
        sei_threads_set(pass == 0 ? 1 : 3);
        if (pass == 1) (void)setlocale(LC_ALL, "de_DE.UTF-8");
        const char *path = sei_test_path(pass == 0 ? "one.png" : "three.png");
        assert_ok(sei_render_projection(path, 2, volumes, 33, &options, false));
        assert_ok(sei_file_read_text(path, 1 << 24, &text[pass], &length[pass]));
    }
    sei_threads_set(0);
    (void)setlocale(LC_ALL, "C");
    assert_int_equal(length[0], length[1]);
    assert_memory_equal(text[0], text[1], length[0]);
    assert_null(memmem(text[0], length[0], "tIME", 4));
    assert_null(memmem(text[0], length[0], "tEXt", 4));
    sei_free(text[0]);
    sei_free(text[1]);
    volumes[1].voxel_nm = 3;
    assert_refused(sei_render_composite(sei_test_path("x.png"), 2, volumes, &options, false), SEI_ERR_INPUT, "one grid");
    assert_false(sei_file_exists(sei_test_path("x.png")));
    options.low_percentile = 100;
    assert_refused(sei_render_slice(sei_test_path("x.png"), &volumes[0], &options, false), SEI_ERR_INPUT, "percentiles");
    sei_volume_free(&volumes[0]);
    sei_volume_free(&volumes[1]);
}

/* An O shell about a Si core, lying along y. */
static void shaded_views_show_shells_and_cuts(void **state) {
    sei_volume volumes[2] = {make_volume(41, 24, 41, "Si"), make_volume(41, 24, 41, "O")};
    sei_range ranges[2] = {{0, 1}, {0, 1}};
    uint8_t rgb[2][3], *pixels = NULL;
    int64_t width = 0;
    (void)state;
    for (int64_t k = 0; k < 41; ++k) {
        for (int64_t y = 0; y < 24; ++y) {
            for (int64_t x = 0; x < 41; ++x) {
                const double r = hypot((double)(x - 20), (double)(k - 20));
                volumes[0].data[(k * 24 + y) * 41 + x] = r < 8;
                volumes[1].data[(k * 24 + y) * 41 + x] = r >= 8 && r < 14;
            }
        }
    }
    sei_channel_colour("Si", rgb[0]);
    sei_channel_colour("O", rgb[1]);
    for (double view = 0; view < 360; view += 60) {
        assert_ok(sei_shade(2, volumes, ranges, rgb, view, 18, 0.5, &width, &pixels));
        const uint8_t *open_part = pixels + 3 * (6 * width + width / 2), *shell = pixels + 3 * (18 * width + width / 2);
        const uint8_t *empty = pixels + 3 * (18 * width + 1);
        assert_true(open_part[1] > 2 * open_part[0] && open_part[1] > 150); /* the core, where it is cut open */
        assert_true(shell[0] > 2 * shell[1] && shell[0] > 100);             /* the shell, where it is whole */
        assert_int_equal(empty[0] + empty[1] + empty[2], 0);
        sei_free(pixels);
    }
    sei_volume_free(&volumes[0]);
    sei_volume_free(&volumes[1]);
}

static void montages_hold_their_pictures(void **state) {
    sei_picture_options options;
    sei_series series = {0};
    const char *paths[3];
    char names[3][512];
    cairo_surface_t *one = NULL, *sheet = NULL;
    (void)state;
    assert_ok(sei_series_alloc(50, 20, 3, 1, &series));
    series.pixel_nm = 2.13;
    snprintf(series.channels[0].name, sizeof series.channels[0].name, "HAADF");
    sei_picture_options_default(&options);
    for (int t = 0; t < 3; ++t) {
        series.tilts[t].tilt_deg = 30 * t - 30;
        for (int i = 0; i < 1000; ++i) series.channels[0].data[1000 * t + i] = (float)(i % 50);
        snprintf(names[t], sizeof names[t], "%s", sei_test_path(t == 0 ? "t0.png" : t == 1 ? "t1.png" : "t2.png"));
        paths[t] = names[t];
        assert_ok(sei_render_tilt(paths[t], &series, 0, t, &options, false));
    }
    assert_refused(sei_render_tilt(sei_test_path("t9.png"), &series, 0, 3, &options, false), SEI_ERR_INPUT,
                   "no channel 0, tilt 3");
    assert_ok(sei_render_montage(sei_test_path("sheet.png"), 3, paths, 2, false));
    assert_ok(sei_surface_read(paths[0], &one));
    assert_ok(sei_surface_read(sei_test_path("sheet.png"), &sheet));
    assert_true(cairo_image_surface_get_width(sheet) >= 2 * cairo_image_surface_get_width(one));
    assert_int_equal(cairo_image_surface_get_height(sheet), 2 * cairo_image_surface_get_height(one));
    cairo_surface_destroy(one);
    cairo_surface_destroy(sheet);
    assert_ok(sei_file_write_text(sei_test_path("no.png"), false, "this is no picture at all, whatever its name", 44));
    paths[1] = sei_test_path("no.png");
    assert_refused(sei_render_montage(sei_test_path("sheet2.png"), 3, paths, 2, false), SEI_ERR_INPUT, "no PNG");
    paths[1] = sei_test_path("absent.png");
    assert_refused(sei_render_montage(sei_test_path("sheet2.png"), 3, paths, 2, false), SEI_ERR_INPUT, "no such file");
    sei_series_free(&series);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slabs_are_weighted_means),          cmocka_unit_test(projections_follow_the_convention),
        cmocka_unit_test(ranges_are_exact_and_robust),       cmocka_unit_test(scale_bars_are_round),
        cmocka_unit_test(colours_are_the_promised_ones),     cmocka_unit_test(labels_keep_their_colours_and_areas),
        cmocka_unit_test(pictures_are_the_same_bytes),       cmocka_unit_test(montages_hold_their_pictures),
        cmocka_unit_test(shaded_views_show_shells_and_cuts),
    };
    return cmocka_run_group_tests(tests, NULL, sei_test_teardown);
}
