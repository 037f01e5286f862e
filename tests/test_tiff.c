/*
 * needs: full
 * Claims: a series, a volume and labels come back from our TIFF with everything they carried, in every type; BigTIFF, tiles,
 * LZW, deflate, PackBits and big-endian files are read; the pixel sizes of ImageJ and DigitalMicrograph are found in nm; what
 * is truncated, declares more than it stores, or is no grey image is refused with the reason.
 */
#include <fcntl.h>
#include <tiffio.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "support/io_series.h"
#include "support/test.h"

static void series_come_back_whole(void **state) {
    sei_series series = {0};
    (void)state;
    sei_test_make_series(9, true, &series);
    for (size_t c = 0; c < series.n_channels; ++c) {
        sei_stacks stacks;
        const char *path = sei_test_path("channel.tif");
        assert_ok(sei_tiff_write_channel(path, &series, c, true));
        sei_test_read(&sei_format_tiff, path, false, &stacks);
        assert_int_equal(stacks.count, 1);
        sei_test_same_stack(&series, c, &stacks.items[0]);
        assert_non_null(stacks.items[0].valid);
        assert_memory_equal(stacks.items[0].valid, series.valid, 7 * 5 * 4);
        sei_stacks_free(&stacks);
    }
    sei_series_free(&series);
}

static void the_mask_is_absent_when_there_is_none(void **state) {
    sei_series series = {0};
    sei_stacks stacks;
    (void)state;
    sei_test_make_series(1, false, &series);
    assert_ok(sei_tiff_write_channel(sei_test_path("plain.tif"), &series, 0, false));
    sei_test_read(&sei_format_tiff, sei_test_path("plain.tif"), false, &stacks);
    assert_null(stacks.items[0].valid);
    sei_stacks_free(&stacks);
    sei_test_read(&sei_format_tiff, sei_test_path("plain.tif"), true, &stacks);
    assert_null(stacks.items[0].data);
    assert_int_equal(stacks.items[0].nz, 4);
    sei_stacks_free(&stacks);
    sei_series_free(&series);
}

static void names_cannot_forge_lines(void **state) {
    sei_series series = {0};
    sei_stacks stacks;
    (void)state;
    sei_test_make_series(1, false, &series);
    snprintf(series.channels[0].name, SEI_NAME_LENGTH, "a\nseitomo-axis_deg=77");
    assert_ok(sei_tiff_write_channel(sei_test_path("forged.tif"), &series, 0, false));
    sei_test_read(&sei_format_tiff, sei_test_path("forged.tif"), true, &stacks);
    assert_close(stacks.items[0].axis_deg, -1.25, 0);
    sei_stacks_free(&stacks);
    sei_series_free(&series);
}

static void volumes_and_labels_come_back(void **state) {
    sei_volume volume = {0};
    sei_labels labels = {0};
    sei_labels again = {0};
    sei_stacks stacks;
    (void)state;
    assert_ok(sei_volume_alloc(4, 3, 2, 2.5, &volume));
    snprintf(volume.name, sizeof volume.name, "Si");
    for (int i = 0; i < 24; ++i) volume.data[i] = (float)sei_test_uniform(3, (uint64_t)i);
    assert_ok(sei_tiff_write_volume(sei_test_path("v.tif"), &volume, false));
    sei_test_read(&sei_format_tiff, sei_test_path("v.tif"), false, &stacks);
    assert_memory_equal(stacks.items[0].data, volume.data, 24 * sizeof(float));
    assert_true(stacks.items[0].is_volume);
    assert_close(stacks.items[0].spacing_nm, 2.5, 0);
    assert_string_equal(stacks.items[0].name, "Si");
    sei_stacks_free(&stacks);
    sei_volume_free(&volume);

    assert_ok(sei_labels_alloc(4, 3, 2, 2.5, &labels));
    assert_ok(sei_labels_define_wire(&labels));
    assert_ok(sei_labels_define(&labels, 12, "a | name", (const uint8_t[]){1, 2, 3}, "a = rule | with bars"));
    for (int i = 0; i < 24; ++i) labels.data[i] = (uint8_t)(i % 6);
    assert_ok(sei_tiff_write_labels(sei_test_path("l.tif"), &labels, false));
    sei_test_read(&sei_format_tiff, sei_test_path("l.tif"), false, &stacks);
    assert_ok(sei_facts_take_classes(&stacks.items[0].facts, &again));
    assert_int_equal(again.n_classes, 7);
    assert_memory_equal(again.classes, labels.classes, 7 * sizeof *again.classes);
    sei_stacks_free(&stacks);
    sei_labels_free(&again);
    sei_labels_free(&labels);
}

/* A 37 x 29 x 3 uint16 ramp written by libtiff itself. */
static void write_ramp(const char *path, const char *mode, uint16_t compression, bool tiled) {
    TIFF *t = TIFFOpen(path, mode);
    assert_non_null(t);
    for (int n = 0; n < 3; ++n) {
        uint16_t image[29 * 37];
        for (int i = 0; i < 29 * 37; ++i) image[i] = (uint16_t)(i * 7 + n * 1000);
        TIFFSetField(t, TIFFTAG_IMAGEWIDTH, 37);
        TIFFSetField(t, TIFFTAG_IMAGELENGTH, 29);
        TIFFSetField(t, TIFFTAG_BITSPERSAMPLE, 16);
        TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, 1);
        TIFFSetField(t, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
        TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
        TIFFSetField(t, TIFFTAG_COMPRESSION, compression);
        if (compression == COMPRESSION_LZW || compression == COMPRESSION_ADOBE_DEFLATE) TIFFSetField(t, TIFFTAG_PREDICTOR, 2);
        if (tiled) {
            uint16_t tile[16 * 16];
            TIFFSetField(t, TIFFTAG_TILEWIDTH, 16);
            TIFFSetField(t, TIFFTAG_TILELENGTH, 16);
            for (uint32_t y = 0; y < 29; y += 16) {
                for (uint32_t x = 0; x < 37; x += 16) {
                    memset(tile, 0, sizeof tile);
                    for (uint32_t r = 0; r < 16 && y + r < 29; ++r) {
                        for (uint32_t c = 0; c < 16 && x + c < 37; ++c) tile[r * 16 + c] = image[(y + r) * 37 + x + c];
                    }
                    assert_true(TIFFWriteTile(t, tile, x, y, 0, 0) > 0);
                }
            }
        } else {
            TIFFSetField(t, TIFFTAG_ROWSPERSTRIP, 8);
            for (uint32_t y = 0; y < 29; ++y) assert_int_equal(TIFFWriteScanline(t, image + y * 37, y, 0), 1);
        }
        assert_int_equal(TIFFWriteDirectory(t), 1);
    }
    TIFFClose(t);
}

static void other_forms_are_read(void **state) {
    static const struct {
        const char *mode;
        uint16_t compression;
        bool tiled;
    } forms[] = {
        {"w", COMPRESSION_NONE, false},          {"wb", COMPRESSION_NONE, false},     {"w8", COMPRESSION_NONE, false},
        {"wb", COMPRESSION_LZW, false},          {"w", COMPRESSION_LZW, true},        {"w8", COMPRESSION_ADOBE_DEFLATE, true},
        {"w", COMPRESSION_ADOBE_DEFLATE, false}, {"wb", COMPRESSION_PACKBITS, false}, {"wb", COMPRESSION_NONE, true}};
    (void)state;
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; ++f) {
        sei_stacks stacks;
        const char *path = sei_test_path("ramp.tif");
        write_ramp(path, forms[f].mode, forms[f].compression, forms[f].tiled);
        sei_test_read(&sei_format_tiff, path, false, &stacks);
        const sei_stack *s = &stacks.items[0];
        assert_int_equal(s->nx, 37);
        assert_int_equal(s->ny, 29);
        assert_int_equal(s->nz, 3);
        assert_int_equal(s->stored, SEI_DTYPE_U16);
        assert_true(isnan(s->pixel_nm));
        for (int n = 0; n < 3; ++n) {
            for (int i = 0; i < 29 * 37; ++i) assert_true(s->data[n * 29 * 37 + i] == (float)(uint16_t)(i * 7 + n * 1000));
        }
        sei_stacks_free(&stacks);
    }
}

/* A description that names our lines but leaves them empty says nothing, and nothing of it stays behind. */
static void empty_lines_say_nothing(void **state) {
    sei_stacks stacks;
    const char *path = sei_test_path("ramp.tif");
    (void)state;
    write_ramp(path, "w", COMPRESSION_NONE, false);
    TIFF *t = TIFFOpen(path, "r+");
    assert_non_null(t);
    TIFFSetField(t, TIFFTAG_IMAGEDESCRIPTION, "ImageJ=1.54f\nseitomo-channel=\nseitomo-tilt_deg=  \nseitomo-order= \n");
    assert_int_equal(TIFFRewriteDirectory(t), 1);
    TIFFClose(t);
    sei_test_read(&sei_format_tiff, path, false, &stacks);
    assert_int_equal(stacks.items[0].n_angles, 0);
    assert_null(stacks.items[0].tilt_deg);
    sei_stacks_free(&stacks);
}

static void refuse(const char *path, const char *part) {
    const sei_format_read options = {.n_wanted = 0};
    sei_stacks stacks = {0};
    assert_refused(sei_format_tiff.read(path, &options, &stacks), SEI_ERR_INPUT, part);
    assert_int_equal(stacks.count, 0);
}

static void truncated_files_say_so(void **state) {
    static const uint16_t compressions[] = {COMPRESSION_NONE, COMPRESSION_LZW};
    (void)state;
    const char *path = sei_test_path("cut.tif");
    for (size_t c = 0; c < 2; ++c) {
        for (int k = 1; k < 40; ++k) {
            char *bytes = NULL;
            size_t length = 0;
            write_ramp(path, "w", compressions[c], false);
            assert_ok(sei_file_read_text(path, 1 << 20, &bytes, &length));
            free(bytes);
            assert_int_equal(truncate(path, (off_t)(length * (size_t)k / 40)), 0);
            refuse(path, path);
        }
    }
}

static void a_cut_stack_keeps_its_whole_images(void **state) {
    sei_stacks stacks = {0};
    sei_series series = {0};
    (void)state;
    const sei_format_read options = {.allow_truncated = true};
    const char *path = sei_test_path("cut2.tif");
    sei_test_make_series(1, false, &series);
    assert_ok(sei_tiff_write_channel(path, &series, 0, true));
    char *bytes = NULL;
    size_t length = 0;
    assert_ok(sei_file_read_text(path, 1 << 20, &bytes, &length));
    free(bytes);
    assert_int_equal(truncate(path, (off_t)(length - 50)), 0); /* into the last image, of 70 bytes */
    refuse(path, "truncated");
    assert_ok(sei_format_tiff.read(path, &options, &stacks));
    assert_int_equal(stacks.items[0].nz, 3);
    assert_int_equal(stacks.items[0].missing_images, 1);
    assert_int_equal(stacks.items[0].n_angles, 3);
    assert_memory_equal(stacks.items[0].data, series.channels[0].data, 3 * 35 * sizeof(float));
    sei_stacks_free(&stacks);
    sei_series_free(&series);
}

/* A directory with chosen sizes over a few bytes of data. */
static void write_trap(const char *path, uint32_t nx, uint32_t ny, uint16_t samples, uint16_t bits, uint16_t compression) {
    const uint16_t tags[][2] = {{256, 4}, {257, 4}, {258, 3}, {259, 3}, {262, 3}, {273, 4}, {277, 3}, {278, 4}, {279, 4}};
    const uint32_t values[] = {nx, ny, bits, compression, 1, 8, samples, ny, 64};
    unsigned char file[256] = {'I', 'I', 42, 0, 72, 0, 0, 0};
    uint16_t count = 9;
    memcpy(file + 72, &count, 2);
    for (size_t i = 0; i < 9; ++i) {
        const uint32_t one = 1;
        memcpy(file + 74 + i * 12, tags[i], 4);
        memcpy(file + 78 + i * 12, &one, 4);
        memcpy(file + 82 + i * 12, &values[i], 4);
    }
    assert_ok(sei_file_write_text(path, true, (const char *)file, sizeof file));
}

static void traps_are_refused(void **state) {
    (void)state;
    const char *path = sei_test_path("trap.tif");
    write_trap(path, 4, 8, 1, 16, COMPRESSION_NONE);
    sei_stacks stacks;
    sei_test_read(&sei_format_tiff, path, false, &stacks); /* the harmless one of its kind */
    sei_stacks_free(&stacks);
    write_trap(path, 2147483647u, 2147483647u, 1, 64, COMPRESSION_NONE);
    refuse(path, path);
    write_trap(path, 100000, 100000, 1, 8, COMPRESSION_ADOBE_DEFLATE);
    refuse(path, "trap");
    write_trap(path, 100000, 100000, 1, 8, COMPRESSION_LZW);
    refuse(path, "trap");
    write_trap(path, 300, 8, 1, 16, COMPRESSION_NONE);
    refuse(path, "trap");
    write_trap(path, 4, 8, 65529, 8, COMPRESSION_NONE);
    refuse(path, path);
    write_trap(path, 0, 8, 1, 8, COMPRESSION_NONE);
    refuse(path, path);
    write_trap(path, 4, 8, 1, 12, COMPRESSION_NONE);
    refuse(path, "12-bit");
    write_trap(path, 4, 8, 3, 8, COMPRESSION_NONE);
    refuse(path, "RGB");
}

static sei_status write_first_channel(const char *path, const sei_series *series) {
    return sei_tiff_write_channel(path, series, 0, false);
}

static void memory_that_runs_out(void **state) {
    sei_series series = {0};
    (void)state;
    sei_test_make_series(1, true, &series);
    sei_test_memory_of_format(&sei_format_tiff, sei_test_path("memory.tif"), write_first_channel, &series, 4, false);
    sei_series_free(&series);
}

static void files_of_other_programs(void **state) {
    sei_stacks stacks;
    char path[4096];
    (void)state;
    const char *folder = sei_test_data("parse_tiff");
    if (folder == NULL) return;
    static const struct {
        const char *name;
        int64_t nz;
        sei_dtype stored;
        double pixel_nm, spacing_nm; /* NaN: none */
    } files[] = {{"rsciio_test_loading_image_saved_with_DM.tif", 1, SEI_DTYPE_I32, 168.675, NAN},
                 {"rsciio_test_loading_image_saved_with_DM_stack.tif", 2, SEI_DTYPE_F32, 168.674,
                  NAN}, /* pixels ten times longer along y */
                 {"rsciio_test_loading_image_saved_with_imageJ_stack.tif", 2, SEI_DTYPE_F32, 168.675, 2500},
                 {"rsciio_test_loading_image_saved_with_imageJ_stack_no_scale.tif", 2, SEI_DTYPE_F32, NAN, NAN}};
    for (size_t f = 0; f < sizeof files / sizeof files[0]; ++f) {
        sei_test_read_in(&sei_format_tiff, folder, files[f].name, false, &stacks);
        const sei_stack *s = &stacks.items[0];
        sei_test_shape(s, 68, 68, files[f].nz, files[f].stored);
        if (isnan(files[f].pixel_nm)) {
            assert_true(isnan(s->pixel_nm));
        } else {
            assert_close(s->pixel_nm, files[f].pixel_nm, 0.001);
        }
        assert_int_equal(sei_facts_find(&s->facts, "pixel_y_nm") != NULL, f == 1);
        if (!isnan(files[f].spacing_nm)) assert_close(s->spacing_nm, files[f].spacing_nm, 1e-9);
        sei_stacks_free(&stacks);
    }
    snprintf(path, sizeof path, "%s/rsciio_olympus_SIS.tif", folder);
    refuse(path, "RGB");
    refuse(path, "JPEG");
}

static void real_series(void **state) {
    sei_stacks stacks;
    (void)state;
    const char *folder = sei_test_data("ncem_idp_eds");
    if (folder == NULL) return;
    sei_test_read_in(&sei_format_tiff, folder, "HAADF.tif", false, &stacks);
    sei_test_shape(&stacks.items[0], 256, 256, 16, SEI_DTYPE_U16);
    assert_close(stacks.items[0].pixel_nm, 13.0814, 5e-5);
    float most = 0;
    for (int i = 0; i < 16 * 65536; ++i) most = fmaxf(most, stacks.items[0].data[i]);
    assert_close((double)most, 65535, 0);
    sei_stacks_free(&stacks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_come_back_whole),   cmocka_unit_test(the_mask_is_absent_when_there_is_none),
        cmocka_unit_test(names_cannot_forge_lines), cmocka_unit_test(volumes_and_labels_come_back),
        cmocka_unit_test(other_forms_are_read),     cmocka_unit_test(empty_lines_say_nothing),
        cmocka_unit_test(truncated_files_say_so),   cmocka_unit_test(a_cut_stack_keeps_its_whole_images),
        cmocka_unit_test(traps_are_refused),        cmocka_unit_test(memory_that_runs_out),
        cmocka_unit_test(files_of_other_programs),  cmocka_unit_test(real_series),
    };
    TIFFSetErrorHandler(NULL);
    TIFFSetWarningHandler(NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
