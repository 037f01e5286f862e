/*
 * needs: full
 * Claims: writing and reading a series are exact inverses in MRC, TIFF and EMD: values, tilts, order, dose, pixel size, names,
 * windows, axis, mask; the source of angles and pixel size follows the stated precedence and none is ever guessed; channels
 * are chosen, renamed and refused by name; a permuted file gives the same bits; channels that differ in shape, pixel size or
 * tilts are refused with both values; whichever allocation fails, nothing leaks and nothing is half read; the real HAADF + EDS
 * series is the same from MRC, TIFF and EMD.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/io.h"
#include "support/sweep.h"
#include "support/test.h"

enum { NX = 5, NY = 4, NT = 3, COUNT = NX * NY * NT };

static void make_series(sei_series *series, size_t n_channels) {
    static const char *const names[] = {"HAADF", "Fe Ka"};
    assert_ok(sei_series_alloc(NX, NY, NT, n_channels, series));
    series->pixel_nm = 13.0814;
    series->axis_deg = 2.5;
    series->axis_offset_px = 0.125;
    for (int t = 0; t < NT; ++t) {
        series->tilts[t].tilt_deg = -20.003 + 20.1 * t;
        series->tilts[t].order = (t + 1) % NT;
        series->tilts[t].dose_e_per_nm2 = 1234.567 / (t + 1);
    }
    for (size_t c = 0; c < n_channels; ++c) {
        sei_channel *channel = &series->channels[c];
        snprintf(channel->name, sizeof channel->name, "%s", names[c]);
        snprintf(channel->unit, sizeof channel->unit, "%s", c == 0 ? "grey" : "counts");
        channel->stored = c == 0 ? SEI_DTYPE_U16 : SEI_DTYPE_U8;
        if (c == 1) channel->window_low_kev = 6.331148775, channel->window_high_kev = 6.471190775;
        for (int i = 0; i < COUNT; ++i) channel->data[i] = (float)(c == 0 ? 1000 * i % 65536 : i % 14);
    }
}

static void add_mask(sei_series *series) {
    assert_ok(SEI_NEW(series->valid, NT, NY, NX));
    for (int i = 0; i < COUNT; ++i) series->valid[i] = i % 7 != 0;
}

static void read_files(size_t n, const char *const *files, sei_series *out) {
    sei_read_options options;
    sei_read_options_default(&options);
    options.n_files = n;
    options.files = files;
    assert_ok(sei_io_read_series(&options, out));
}

static void assert_same(const sei_series *a, const sei_series *b) {
    assert_true(a->nx == b->nx && a->ny == b->ny && a->n_tilts == b->n_tilts);
    assert_int_equal(a->n_channels, b->n_channels);
    assert_true(a->pixel_nm == b->pixel_nm && a->axis_deg == b->axis_deg && a->axis_offset_px == b->axis_offset_px &&
                a->aligned == b->aligned);
    for (int64_t t = 0; t < a->n_tilts; ++t) {
        assert_true(a->tilts[t].tilt_deg == b->tilts[t].tilt_deg);
        assert_int_equal(a->tilts[t].order, b->tilts[t].order);
        assert_true(a->tilts[t].dose_e_per_nm2 == b->tilts[t].dose_e_per_nm2);
    }
    const size_t count = (size_t)(a->nx * a->ny * a->n_tilts);
    for (size_t c = 0; c < a->n_channels; ++c) {
        const sei_channel *p = &a->channels[c];
        const sei_channel *q = &b->channels[c];
        assert_string_equal(p->name, q->name);
        assert_string_equal(p->unit, q->unit);
        assert_int_equal(p->stored, q->stored);
        assert_true(p->window_low_kev == q->window_low_kev || (isnan(p->window_low_kev) && isnan(q->window_low_kev)));
        assert_true(p->window_high_kev == q->window_high_kev || (isnan(p->window_high_kev) && isnan(q->window_high_kev)));
        assert_memory_equal(p->data, q->data, count * sizeof *p->data);
    }
    assert_true((a->valid == NULL) == (b->valid == NULL));
    if (a->valid != NULL) assert_memory_equal(a->valid, b->valid, count);
}

static void round_trips_are_exact(void **state) {
    static const char *const extensions[] = {"mrc", "tif", "emd"};
    (void)state;
    for (size_t e = 0; e < 3; ++e) {
        for (int channels = 1; channels <= 2; ++channels) {
            for (int masked = 0; masked < 2; ++masked) {
                sei_series series = {0};
                sei_series back = {0};
                char name[2][64];
                make_series(&series, (size_t)channels);
                if (masked) add_mask(&series);
                snprintf(name[0], sizeof name[0], "trip%zu%d%d.%s", e, channels, masked, extensions[e]);
                const char *path = sei_test_path(name[0]);
                assert_ok(sei_io_write_series(path, &series, NULL, false));
                assert_refused(sei_io_write_series(path, &series, NULL, false), SEI_ERR_ENVIRONMENT, "--force");
                const char *files[2] = {path, NULL};
                size_t n = 1;
                if (channels == 2 && e < 2) {
                    snprintf(name[0], sizeof name[0], "trip%zu%d%d_HAADF.%s", e, channels, masked, extensions[e]);
                    snprintf(name[1], sizeof name[1], "trip%zu%d%d_Fe_Ka.%s", e, channels, masked, extensions[e]);
                    files[0] = sei_test_path(name[0]);
                    files[1] = sei_test_path(name[1]);
                    n = 2;
                }
                read_files(n, files, &back);
                assert_same(&series, &back);
                sei_series_free(&back);
                sei_series_free(&series);
            }
        }
    }
}

static void stale_side_files_are_seen(void **state) {
    sei_series series = {0};
    (void)state;
    make_series(&series, 1);
    const char *path = sei_test_path("stale.mrc");
    assert_ok(sei_io_write_series(path, &series, NULL, false));
    for (int t = 0; t < NT; ++t) series.tilts[t].order = -1;
    assert_refused(sei_io_write_series(path, &series, NULL, true), SEI_ERR_ENVIRONMENT, "stale_TLT.txt: lies there already");
    remove(sei_test_path("stale_TLT.txt"));
    assert_ok(sei_io_write_series(path, &series, NULL, true));
    assert_ok(sei_file_write_text(sei_test_path("stale.valid.mrc"), false, "x", 1));
    assert_refused(sei_io_write_series(path, &series, NULL, true), SEI_ERR_ENVIRONMENT, "stale.valid.mrc");
    assert_refused(sei_io_write_series(sei_test_path("a.xyz"), &series, NULL, false), SEI_ERR_USAGE, ".emd");
    assert_refused(sei_io_write_series(sei_test_path("none/a.mrc"), &series, NULL, false), SEI_ERR_ENVIRONMENT, "folder");
    sei_series_free(&series);
}

/* One channel without geometry: a bare MRC and nothing beside it. */
static const char *bare(const char *name, int64_t nx, int64_t n_tilts, double pixel_nm) {
    sei_series series = {0};
    assert_ok(sei_series_alloc(nx, NY, n_tilts, 1, &series));
    series.pixel_nm = pixel_nm;
    for (int64_t t = 0; t < n_tilts; ++t) series.tilts[t].tilt_deg = NAN;
    for (int64_t i = 0; i < nx * NY * n_tilts; ++i) series.channels[0].data[i] = (float)i;
    const char *path = sei_test_path(name);
    assert_ok(sei_io_write_series(path, &series, NULL, true));
    sei_series_free(&series);
    return path;
}

static void geometry_is_never_guessed(void **state) {
    sei_read_options options;
    sei_series series = {0};
    const char *files[1] = {bare("bare.mrc", NX, NT, NAN)};
    (void)state;
    sei_read_options_default(&options);
    options.n_files = 1;
    options.files = files;
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "--angles");
    options.angles = sei_test_text("t.tlt", "-1\n40\n5\n");
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "--pixel-nm");
    assert_null(series.tilts);
    options.pixel_nm = 2.5;
    assert_ok(sei_io_read_series(&options, &series));
    assert_close(series.pixel_nm, 2.5, 0);
    assert_string_equal(sei_facts_find(&series.facts, "pixel_nm")->source, "command line, --pixel-nm");
    assert_non_null(strstr(sei_facts_find(&series.facts, "angles")->source, "t.tlt"));
    /* sorted, the order of the unsorted file kept */
    assert_close(series.tilts[1].tilt_deg, 5, 0);
    assert_int_equal(series.tilts[1].order, 2);
    assert_int_equal(series.tilts[1].section, 2);
    assert_close(series.channels[0].data[NX * NY], 2 * NX * NY, 0);
    sei_series_free(&series);
    options.angles = sei_test_text("t.tlt", "-1\n40\n");
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "2 angles for 3 images");
    options.angles = sei_test_text("t.tlt", "-1\n40\n40\n");
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "same tilt");
    options.angles = sei_test_text("t.tlt", "-1\n0.1\n1\n");
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "radians");
    options.angles = NULL;
    options.allow_missing_geometry = true;
    assert_ok(sei_io_read_series(&options, &series));
    assert_true(isnan(series.tilts[0].tilt_deg));
    sei_series_free(&series);
}

static void precedence(void **state) {
    sei_read_options options;
    sei_series series = {0};
    sei_series made = {0};
    (void)state;
    make_series(&made, 1);
    for (int t = 0; t < NT; ++t) made.tilts[t].order = -1, made.tilts[t].dose_e_per_nm2 = NAN;
    const char *files[1] = {sei_test_path("prec.mrc")};
    assert_ok(sei_io_write_series(files[0], &made, NULL, false));
    sei_read_options_default(&options);
    options.n_files = 1;
    options.files = files;
    remove(sei_test_path("prec.rawtlt"));
    assert_ok(sei_io_read_series(&options, &series)); /* extended header: hundredths of a degree */
    assert_close(series.tilts[0].tilt_deg, -20.0, 1e-12);
    assert_non_null(strstr(sei_facts_find(&series.facts, "angles")->source, "SerialEM extended header"));
    sei_series_free(&series);
    sei_test_text(
        "prec.mdoc",
        "PixelSpacing = 50\n[T = Tilt axis angle = 7.5]\n[ZValue = 0]\nTiltAngle = 1\n[ZValue = 1]\nTiltAngle = 20\n[ZValue = "
        "2]\nTiltAngle = 30\n");
    assert_ok(sei_io_read_series(&options, &series)); /* a side file is above it, for all it tells */
    assert_true(series.tilts[0].tilt_deg == 1 && series.pixel_nm == 5 && series.axis_deg == 7.5);
    sei_series_free(&series);
    options.flip_y = true; /* the axis is mirrored with the rows */
    assert_ok(sei_io_read_series(&options, &series));
    assert_close(series.axis_deg, -7.5, 0);
    sei_series_free(&series);
    options.angles = sei_test_text("given.tlt", "2\n21\n31\n"); /* the command line is above all */
    options.pixel_nm = 3;
    options.axis_deg = -1;
    options.axis_offset_px = 4;
    options.invert_tilt = true;
    options.flip_y = true;
    assert_ok(sei_io_read_series(&options, &series));
    assert_true(series.tilts[0].tilt_deg == -31 && series.pixel_nm == 3 && series.axis_deg == -1 && series.axis_offset_px == 4);
    for (int y = 0; y < NY; ++y) { /* tilt -31 is the third image; its rows are reversed */
        assert_memory_equal(series.channels[0].data + y * NX, made.channels[0].data + (2 * NY + NY - 1 - y) * NX,
                            NX * sizeof(float));
    }
    sei_series_free(&series);
    sei_series_free(&made);
}

static void channels_are_chosen_by_name(void **state) {
    sei_read_options options;
    sei_series made = {0};
    sei_series series = {0};
    char named[1024];
    (void)state;
    make_series(&made, 2);
    assert_ok(sei_io_write_series(sei_test_path("pick.emd"), &made, NULL, false));
    assert_ok(sei_io_write_series(sei_test_path("pick.mrc"), &made, NULL, false));
    const char *both[2] = {sei_test_path("pick_HAADF.mrc"), sei_test_path("pick_Fe_Ka.mrc")};
    const char *one[1] = {sei_test_path("pick.emd")};
    static const char *const wanted[2] = {"Fe=Fe Ka", "HAADF"};
    static const char *const absent[1] = {"Mg"};
    static const char *const twice[2] = {"HAADF", "A=haadf"};
    for (int from = 0; from < 2; ++from) {
        sei_read_options_default(&options);
        options.n_files = from == 0 ? 1 : 2;
        options.files = from == 0 ? one : both;
        options.n_channels = 2;
        options.channels = wanted;
        assert_ok(sei_io_read_series(&options, &series));
        assert_int_equal(series.n_channels, 2);
        assert_string_equal(series.channels[0].name, "Fe");
        assert_string_equal(series.channels[1].name, "HAADF");
        assert_memory_equal(series.channels[0].data, made.channels[1].data, COUNT * sizeof(float));
        assert_memory_equal(series.channels[1].data, made.channels[0].data, COUNT * sizeof(float));
        sei_series_free(&series);
        options.n_channels = 1;
        assert_ok(sei_io_read_series(&options, &series));
        assert_int_equal(series.n_channels, 1);
        assert_string_equal(series.channels[0].name, "Fe");
        sei_series_free(&series);
        options.channels = absent;
        assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "no channel named 'Mg'; there are: HAADF, Fe Ka");
        options.channels = twice;
        options.n_channels = 2;
        assert_refused(sei_io_read_series(&options, &series), SEI_ERR_USAGE, "twice");
    }
    sei_read_options_default(&options);
    snprintf(named, sizeof named, "Iron=%s", both[1]);
    const char *files[2] = {both[0], named};
    options.n_files = 2;
    options.files = files;
    assert_ok(sei_io_read_series(&options, &series));
    assert_string_equal(series.channels[1].name, "Iron");
    sei_series_free(&series);
    snprintf(named, sizeof named, "Iron=%s", one[0]);
    options.n_files = 1;
    options.files = files + 1;
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "holds 2 channels");
    files[1] = both[0];
    options.n_files = 2;
    options.files = files;
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "two channels are named 'HAADF'");
    sei_series_free(&made);
}

static void units_follow_names_and_types(void **state) {
    sei_series made = {0};
    sei_series series = {0};
    static const struct {
        const char *name;
        sei_dtype stored;
        const char *unit;
    } cases[] = {{"EDS_Si_K", SEI_DTYPE_U16, "counts"},
                 {"haadf", SEI_DTYPE_U16, "grey"},
                 {"EDX_BF", SEI_DTYPE_F32, "grey"},
                 {"Si", SEI_DTYPE_F32, ""}};
    (void)state;
    for (size_t i = 0; i < 4; ++i) {
        char file[64];
        make_series(&made, 1);
        made.channels[0].name[0] = made.channels[0].unit[0] = 0; /* so the file's name and type decide */
        made.channels[0].stored = cases[i].stored;
        snprintf(file, sizeof file, "%s.mrc", cases[i].name);
        const char *path = sei_test_path(file);
        assert_ok(sei_io_write_series(path, &made, NULL, true));
        read_files(1, &path, &series);
        assert_string_equal(series.channels[0].name, strncmp(cases[i].name, "ED", 2) == 0 ? cases[i].name + 4 : cases[i].name);
        assert_string_equal(series.channels[0].unit, cases[i].unit);
        sei_series_free(&series);
        sei_series_free(&made);
    }
}

static void channels_must_match(void **state) {
    sei_read_options options;
    sei_series series = {0};
    (void)state;
    sei_read_options_default(&options);
    const char *first = bare("m_first.mrc", NX, NT, 2);
    const char *other = bare("m_other.mrc", NX + 1, NT, 2);
    const char *files[2] = {first, other};
    options.n_files = 2;
    options.files = files;
    options.angles = sei_test_text("m.tlt", "-1\n4\n50\n");
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "5 x 4 pixels x 3 images");
    assert_non_null(strstr(sei_last_error(), "6 x 4 x 3"));
    files[1] = bare("m_other.mrc", NX, NT + 1, 2);
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "5 x 4 x 4");
    files[1] = bare("m_other.mrc", NX, NT, 2.5);
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "2 nm against 2.5 nm");
    files[1] = bare("m_other.mrc", NX, NT, 2);
    options.angles = NULL;
    sei_test_text("m_first.rawtlt", "-1\n4\n50\n");
    assert_ok(sei_io_read_series(&options, &series)); /* the second takes the angles of the first */
    sei_series_free(&series);
    sei_test_text("m_other.rawtlt", "-1\n4\n51\n");
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, "50.0000 deg against 51.0000 deg");
    sei_test_text("m_other.rawtlt", "50\n-1\n4\n"); /* another order of the same tilts is the same series */
    assert_ok(sei_io_read_series(&options, &series));
    assert_close(series.channels[1].data[0], NX * NY, 0);
    sei_series_free(&series);
}

static void permuted_files_give_the_same_bits(void **state) {
    sei_series made = {0};
    sei_series first = {0};
    sei_series second = {0};
    (void)state;
    make_series(&made, 1);
    const char *path = sei_test_path("sorted.mrc");
    assert_ok(sei_io_write_series(path, &made, NULL, false));
    read_files(1, &path, &first);
    static const int order[NT] = {2, 0, 1};
    sei_series permuted = {0};
    assert_ok(sei_series_copy(&made, &permuted));
    for (int t = 0; t < NT; ++t) {
        permuted.tilts[t] = made.tilts[order[t]];
        memcpy(permuted.channels[0].data + t * NX * NY, made.channels[0].data + order[t] * NX * NY, NX * NY * sizeof(float));
    }
    path = sei_test_path("permuted.mrc");
    assert_ok(sei_io_write_series(path, &permuted, NULL, false));
    read_files(1, &path, &second);
    assert_same(&first, &second);
    sei_series_free(&made);
    sei_series_free(&permuted);
    sei_series_free(&first);
    sei_series_free(&second);
}

static void truncated_series_keep_whole_tilts(void **state) {
    sei_read_options options;
    sei_series made = {0};
    sei_series series = {0};
    (void)state;
    make_series(&made, 1);
    const char *path = sei_test_path("cut.mrc");
    assert_ok(sei_io_write_series(path, &made, NULL, false));
    struct stat before;
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(truncate(path, before.st_size - 3), 0);
    sei_read_options_default(&options);
    options.n_files = 1;
    options.files = &path;
    char expected[64];
    snprintf(expected, sizeof expected, "%lld bytes expected", (long long)before.st_size);
    assert_refused(sei_io_read_series(&options, &series), SEI_ERR_INPUT, expected);
    options.allow_truncated = true;
    assert_ok(sei_io_read_series(&options, &series));
    assert_int_equal(series.n_tilts, NT - 1);
    assert_true(series.tilts[1].tilt_deg == made.tilts[1].tilt_deg);
    assert_non_null(sei_facts_find(&series.facts, "truncated"));
    sei_series_free(&series);
    sei_series_free(&made);
}

typedef struct round_trip {
    const sei_read_options *options;
    const sei_series *made;
    sei_series read;
} round_trip;

static sei_status read_series(void *context) {
    round_trip *trip = context;
    return sei_io_read_series(trip->options, &trip->read);
}

static sei_status write_series(void *context) {
    return sei_io_write_series(sei_test_path("alloc_w.mrc"), ((const round_trip *)context)->made, NULL, true);
}

static void no_series(void *context) {
    assert_null(((const round_trip *)context)->read.tilts);
}

static void every_allocation_may_fail(void **state) {
    sei_series made = {0};
    (void)state;
    make_series(&made, 2);
    add_mask(&made);
    assert_ok(sei_io_write_series(sei_test_path("alloc.mrc"), &made, NULL, false));
    const char *files[2] = {sei_test_path("alloc_HAADF.mrc"), sei_test_path("alloc_Fe_Ka.mrc")};
    sei_read_options options;
    sei_read_options_default(&options);
    options.n_files = 2;
    options.files = files;
    round_trip trip = {.options = &options, .made = &made};
    const sei_test_attempt reading = {.call = read_series, .failed = no_series, .context = &trip};
    const sei_test_attempt writing = {.call = write_series, .context = &trip};
    assert_true(sei_test_every_allocation(&reading) >= 50);
    assert_same(&made, &trip.read);
    sei_series_free(&trip.read);
    assert_true(sei_test_every_allocation(&writing) > 0);
    sei_series_free(&made);
}

static void the_real_series(void **state) {
    static const char *const wanted[2] = {"HAADF", "Fe=Fe_Ka"};
    const char *folder = sei_test_data("ncem_idp_eds");
    char paths[6][4200];
    (void)state;
    if (folder == NULL) return;
    static const char *const names[6] = {"HAADF.mrc",     "EDS_Fe_Ka.mrc",   "HAADF.tif",
                                         "EDS_Fe_Ka.tif", "tilt_series.emd", "tilts.rawtlt"};
    for (int i = 0; i < 6; ++i) snprintf(paths[i], sizeof paths[i], "%s/%s", folder, names[i]);
    sei_series series[3] = {0};
    for (int from = 0; from < 3; ++from) {
        const char *files[2] = {paths[2 * from], paths[2 * from + 1]};
        sei_read_options options;
        sei_read_options_default(&options);
        options.files = files;
        options.n_files = from < 2 ? 2 : 1;
        options.angles = from < 2 ? paths[5] : NULL;
        options.pixel_nm = from == 1 ? 13.0814 : NAN;
        options.channels = wanted;
        options.n_channels = 2;
        assert_ok(sei_io_read_series(&options, &series[from]));
        assert_true(series[from].nx == 256 && series[from].ny == 256 && series[from].n_tilts == 16);
        assert_close(series[from].pixel_nm, 13.0814, 1e-3);
        assert_string_equal(series[from].channels[0].unit, "grey");
        assert_string_equal(series[from].channels[1].unit, "counts");
        for (int t = 0; t < 16; ++t) assert_close(series[from].tilts[t].tilt_deg, -40 + 5 * t, 1e-12);
        for (int c = 0; c < 2; ++c) {
            assert_memory_equal(series[from].channels[c].data, series[0].channels[c].data, 16 * 256 * 256 * sizeof(float));
        }
    }
    float most = 0;
    for (int i = 0; i < 16 * 256 * 256; ++i) most = fmaxf(most, series[0].channels[1].data[i]);
    assert_true(most > 0 && most <= 13);
    assert_close(series[2].channels[1].window_low_kev, 6.331148775, 1e-9);
    for (int from = 0; from < 3; ++from) sei_series_free(&series[from]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips_are_exact),
        cmocka_unit_test(stale_side_files_are_seen),
        cmocka_unit_test(geometry_is_never_guessed),
        cmocka_unit_test(precedence),
        cmocka_unit_test(channels_are_chosen_by_name),
        cmocka_unit_test(units_follow_names_and_types),
        cmocka_unit_test(channels_must_match),
        cmocka_unit_test(permuted_files_give_the_same_bits),
        cmocka_unit_test(truncated_series_keep_whole_tilts),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(the_real_series),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
