/*
 * needs: full
 * Claims: every binary16 is exact and rounding to one is to nearest even; a type is kept only while every value is exact in
 * it; an MRC that is written reads back with values, stored type, name, unit, window, pixel size and axis to the bit; notes
 * about geometry count only while no other program added a label.
 */
#include "core/alloc.h"
#include "core/file.h"
#include "io/formats.h"
#include "support/test.h"

enum { NX = 3, NY = 2, NZ = 2, COUNT = NX * NY * NZ };

static sei_status read_it(const char *path, bool allow_truncated, sei_stacks *stacks) {
    const sei_format_read options = {.allow_truncated = allow_truncated};
    return sei_format_mrc.read(path, &options, stacks);
}

static void halves_are_exact(void **state) {
    (void)state;
    for (uint32_t h = 0; h < 65536; ++h) {
        const uint16_t half = (uint16_t)h;
        uint16_t back = 0;
        float value = 0;
        sei_to_float(SEI_DTYPE_F16, &half, 1, &value, NULL);
        sei_from_float(&value, 1, SEI_DTYPE_F16, &back);
        if (isnan(value)) {
            assert_true((h & 0x7c00u) == 0x7c00u && (h & 1023u) != 0);
        } else {
            assert_int_equal(back, half);
        }
    }
    /* to nearest, ties to even: between 1 and its neighbours, at both ends of the range */
    static const struct {
        float value;
        uint16_t half;
    } ties[] = {{1 + 0x1p-11f, 0x3c00}, {1 + 3 * 0x1p-11f, 0x3c02}, {65519.99f, 0x7bff}, {65520, 0x7c00}, {0x1p-25f, 0},
                {0x1.8p-25f, 1}};
    for (size_t i = 0; i < sizeof ties / sizeof ties[0]; ++i) {
        uint16_t half = 7;
        sei_from_float(&ties[i].value, 1, SEI_DTYPE_F16, &half);
        assert_int_equal(half, ties[i].half);
    }
    const float fits[3] = {0, 255, 7};
    const float spills[3] = {0, 256, 7};
    const float part[3] = {0, 1.5f, 7};
    assert_int_equal(sei_storable_type(fits, 3, SEI_DTYPE_U8), SEI_DTYPE_U8);
    assert_int_equal(sei_storable_type(spills, 3, SEI_DTYPE_U8), SEI_DTYPE_F32);
    assert_int_equal(sei_storable_type(part, 3, SEI_DTYPE_U16), SEI_DTYPE_F32);
    assert_int_equal(sei_storable_type(part, 3, SEI_DTYPE_F16), SEI_DTYPE_F16);
    const int32_t large[2] = {16777217, 16777216};
    int64_t rounded = 0;
    float back[2];
    sei_to_float(SEI_DTYPE_I32, large, 2, back, &rounded);
    assert_int_equal(rounded, 1);
}

static void make_series(sei_series *series) {
    assert_ok(sei_series_alloc(NX, NY, NZ, 1, series));
    series->pixel_nm = 13.0814; /* no float */
    series->axis_deg = 1.25;
    series->axis_offset_px = -0.75;
    series->aligned = true;
    series->tilts[0].tilt_deg = -40.004;
    series->tilts[1].tilt_deg = 35.5;
    sei_channel *c = &series->channels[0];
    snprintf(c->name, sizeof c->name, "Fe K\xc3\xa4 %%");
    snprintf(c->unit, sizeof c->unit, "counts");
    c->window_low_kev = 6.331148775;
    c->window_high_kev = 6.471190775;
    for (int i = 0; i < COUNT; ++i) c->data[i] = (float)i;
}

static void what_is_written_reads_back(void **state) {
    static const struct {
        sei_dtype stored;
        float first;
        int32_t mode;
    } cases[] = {{SEI_DTYPE_U8, 127, 0},    {SEI_DTYPE_U8, 128, 6},     {SEI_DTYPE_I8, -128, 0},
                 {SEI_DTYPE_U16, 65535, 6}, {SEI_DTYPE_I16, -32768, 1}, {SEI_DTYPE_U32, 70000, 2},
                 {SEI_DTYPE_U16, 1.5f, 2},  {SEI_DTYPE_F16, 0.5f, 2},   {SEI_DTYPE_F32, 1e30f, 2}};
    (void)state;
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; ++k) {
        sei_series series = {0};
        sei_stacks stacks = {0};
        sei_infile file = {.fd = -1};
        unsigned char raw[1024];
        make_series(&series);
        series.channels[0].stored = cases[k].stored;
        series.channels[0].data[0] = cases[k].first;
        const char *path = sei_test_path("written.mrc");
        assert_ok(sei_mrc_write_channel(path, &series, 0, true));
        assert_ok(sei_infile_open(path, &file));
        assert_ok(sei_infile_read(&file, 0, raw, sizeof raw));
        sei_infile_close(&file);
        assert_int_equal(raw[12], cases[k].mode);
        assert_memory_equal(raw + 104, "SERI", 4);
        assert_ok(read_it(path, false, &stacks));
        const sei_stack *s = &stacks.items[0];
        assert_memory_equal(s->data, series.channels[0].data, COUNT * sizeof *s->data);
        assert_int_equal(s->stored, cases[k].stored); /* kept in a label where the mode is another */
        assert_true(s->pixel_nm == 13.0814 && s->axis_deg == 1.25 && s->axis_offset_px == -0.75 && s->aligned);
        assert_string_equal(s->name, series.channels[0].name);
        assert_string_equal(s->unit, "counts");
        assert_true(s->window_low_kev == 6.331148775 && s->window_high_kev == 6.471190775);
        assert_close(s->tilt_deg[0], -40.00, 1e-12); /* hundredths of a degree; the exact ones go beside the file */
        assert_false(s->is_volume);
        sei_stacks_free(&stacks);
        sei_series_free(&series);
    }
}

static void notes_end_where_others_begin(void **state) {
    sei_series series = {0};
    sei_stacks stacks = {0};
    char *bytes = NULL;
    size_t length = 0;
    (void)state;
    make_series(&series);
    const char *path = sei_test_path("written.mrc");
    assert_ok(sei_mrc_write_channel(path, &series, 0, true));
    assert_ok(sei_file_read_text(path, 100000, &bytes, &length));
    const int labels = bytes[220];
    memcpy(bytes + 224 + 80 * labels, "ROTATED by another program", 26);
    bytes[220] = (char)(labels + 1);
    assert_ok(sei_file_write_text(path, true, bytes, length));
    assert_ok(read_it(path, false, &stacks));
    assert_true(isnan(stacks.items[0].axis_deg) && !stacks.items[0].aligned);
    assert_string_equal(stacks.items[0].name, series.channels[0].name);
    sei_stacks_free(&stacks);
    sei_free(bytes);
    sei_series_free(&series);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_are_exact),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(notes_end_where_others_begin),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
