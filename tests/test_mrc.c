/*
 * needs: full
 * Claims: an MRC file made byte by byte reads back value for value in modes 0, 1, 2, 6, 12 and both byte orders; bytes are
 * signed as MRC2014 says unless IMOD's stamp says otherwise; the FEI1, FEI2, Agard and SerialEM extended headers give their
 * angles, pixel size, element, window and dose; sizes that lie are refused before allocation and cut files with expected and
 * actual bytes; the third-party files have the values of their SOURCE.md.
 */
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "io/formats.h"
#include "support/test.h"

enum { NX = 3, NY = 2, NZ = 2, COUNT = NX * NY * NZ, MOST = 300000 };

/* A file under construction. */
typedef struct image {
    unsigned char bytes[MOST];
    size_t length;
    bool big;
} image;

static void put(image *f, size_t at, const void *value, size_t size) {
    unsigned char raw[8];
    const unsigned one = 1;
    const bool host_big = *(const unsigned char *)&one == 0;
    memcpy(raw, value, size);
    for (size_t i = 0; i < size; ++i) f->bytes[at + i] = raw[f->big == host_big ? i : size - 1 - i];
    if (at + size > f->length) f->length = at + size;
}
static void put_i32(image *f, size_t at, int32_t v) {
    put(f, at, &v, 4);
}
static void put_i16(image *f, size_t at, int16_t v) {
    put(f, at, &v, 2);
}
static void put_f32(image *f, size_t at, float v) {
    put(f, at, &v, 4);
}
static void put_f64(image *f, size_t at, double v) {
    put(f, at, &v, 8);
}

/* A stack of NX x NY x NZ without data, 2 nm pixels. */
static image *begin(int32_t mode, bool big) {
    static image f;
    memset(&f, 0, sizeof f);
    f.big = big;
    const int32_t sizes[3] = {NX, NY, NZ};
    for (size_t i = 0; i < 3; ++i) {
        put_i32(&f, 4 * i, sizes[i]);
        put_i32(&f, 28 + 4 * i, sizes[i]);
        put_f32(&f, 40 + 4 * i, 20.0f * (float)sizes[i]);
        put_i32(&f, 64 + 4 * i, (int32_t)i + 1);
    }
    put_i32(&f, 12, mode);
    put_i32(&f, 108, 20140);
    memcpy(f.bytes + 208, "MAP ", 4);
    f.bytes[212] = f.bytes[213] = big ? 0x11 : 0x44;
    f.length = 1024;
    return &f;
}

static const char *save(const image *f) {
    const char *path = sei_test_path("made.mrc");
    assert_ok(sei_file_write_text(path, true, (const char *)f->bytes, f->length));
    return path;
}

static sei_status read_it(const char *path, bool allow_truncated, sei_stacks *stacks) {
    const sei_format_read options = {.allow_truncated = allow_truncated};
    return sei_format_mrc.read(path, &options, stacks);
}

static const char *fact_of(const sei_stack *stack, const char *key) {
    const sei_fact *fact = sei_facts_find(&stack->facts, key);
    return fact == NULL ? "" : fact->value;
}

static void every_mode_in_both_byte_orders(void **state) {
    static const int32_t modes[] = {0, 1, 2, 6, 12};
    static const float values[5][COUNT] = {{-128, -1, 0, 1, 2, 3, 4, 5, 6, 100, 126, 127},
                                           {-32768, -1, 0, 1, 2, 3, 4, 5, 6, 1000, 32766, 32767},
                                           {-1e30f, -1.5f, 0, 1, 2, 3, 4, 5, 6, 1e-30f, 0.1f, 3e38f},
                                           {0, 1, 2, 3, 4, 5, 6, 7, 255, 256, 32768, 65535},
                                           {-65504, -1.5f, 0, 1, 2, 3, 4, 5, 6, 0.5f, 0x1p-24f, 65504}};
    static const uint16_t halves[COUNT] = {0xfbff, 0xbe00, 0, 0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x3800, 1, 0x7bff};
    (void)state;
    for (size_t m = 0; m < 5; ++m) {
        for (int big = 0; big < 2; ++big) {
            image *f = begin(modes[m], big != 0);
            for (size_t i = 0; i < COUNT; ++i) {
                const float v = values[m][i];
                if (modes[m] == 0) f->bytes[f->length++] = (unsigned char)(int8_t)v;
                if (modes[m] == 1) put_i16(f, f->length, (int16_t)v);
                if (modes[m] == 2) put_f32(f, f->length, v);
                if (modes[m] == 6) put_i16(f, f->length, (int16_t)(uint16_t)v);
                if (modes[m] == 12) put_i16(f, f->length, (int16_t)halves[i]);
            }
            sei_stacks stacks = {0};
            assert_ok(read_it(save(f), false, &stacks));
            assert_int_equal(stacks.count, 1);
            const sei_stack *s = &stacks.items[0];
            assert_true(s->nx == NX && s->ny == NY && s->nz == NZ);
            for (size_t i = 0; i < COUNT; ++i) assert_true(s->data[i] == values[m][i]);
            assert_close(s->pixel_nm, 2, 1e-12);
            assert_string_equal(fact_of(s, "byte_order"), big ? "big endian" : "little endian");
            assert_false(s->is_volume);
            sei_stacks_free(&stacks);
        }
    }
}

static void bytes_are_signed_unless_imod_says_not(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; ++kind) {
        image *f = begin(0, false);
        if (kind > 0) put_i32(f, 152, 1146047817);
        if (kind == 2) put_i32(f, 156, 1);
        memset(f->bytes + 1024, 200, COUNT);
        f->length = 1024 + COUNT;
        sei_stacks stacks = {0};
        assert_ok(read_it(save(f), false, &stacks));
        assert_close(stacks.items[0].data[0], kind == 1 ? 200 : -56, 0);
        assert_int_equal(stacks.items[0].stored, kind == 1 ? SEI_DTYPE_U8 : SEI_DTYPE_I8);
        sei_stacks_free(&stacks);
    }
}

static void odd_headers_still_read(void **state) {
    sei_stacks stacks = {0};
    (void)state;
    image *f = begin(6, true); /* no stamp at all: the order is found from the sizes */
    memset(f->bytes + 208, 0, 8);
    for (size_t i = 0; i < COUNT; ++i) put_i16(f, f->length, (int16_t)i);
    assert_ok(read_it(save(f), false, &stacks));
    assert_close(stacks.items[0].data[5], 5, 0);
    sei_stacks_free(&stacks);
    f = begin(6, false); /* a stamp that lies */
    f->bytes[212] = f->bytes[213] = 0x11;
    for (size_t i = 0; i < COUNT; ++i) put_i16(f, f->length, (int16_t)i);
    assert_ok(read_it(save(f), false, &stacks));
    assert_close(stacks.items[0].data[11], 11, 0);
    sei_stacks_free(&stacks);
    f = begin(6, false); /* negative cell: no pixel size, and it says so */
    put_f32(f, 40, -30);
    f->length = 1024 + 2 * COUNT;
    assert_ok(read_it(save(f), false, &stacks));
    assert_true(isnan(stacks.items[0].pixel_nm));
    assert_non_null(strstr(fact_of(&stacks.items[0], "pixel_header"), "-30"));
    sei_stacks_free(&stacks);
    f = begin(6, false); /* cell axes permuted: columns run along cell z */
    put_i32(f, 64, 3);
    put_i32(f, 72, 1);
    put_f32(f, 48, 100);
    put_i32(f, 92, 777); /* an extended header of no known kind is stepped over */
    f->length = 1024 + 777;
    for (size_t i = 0; i < COUNT; ++i) put_i16(f, f->length, (int16_t)(100 + i));
    assert_ok(read_it(save(f), false, &stacks));
    assert_close(stacks.items[0].pixel_nm, 5, 1e-6);
    assert_close(stacks.items[0].data[0], 100, 0);
    sei_stacks_free(&stacks);
}

static void imod_tilts_of_the_main_header(void **state) {
    sei_stacks stacks = {0};
    (void)state;
    image *f = begin(6, false);
    put_i32(f, 152, 1146047817);
    put_i16(f, 160, 1);
    put_i16(f, 164, 2);
    put_i16(f, 168, 250);
    put_i16(f, 170, -6000);
    f->length = 1024 + 2 * COUNT;
    assert_ok(read_it(save(f), false, &stacks));
    assert_int_equal(stacks.items[0].n_angles, 2);
    assert_close(stacks.items[0].tilt_deg[0], -60, 1e-12);
    assert_close(stacks.items[0].tilt_deg[1], -57.5, 1e-12);
    sei_stacks_free(&stacks);
}

/* Extended header of `bytes`, then zeroed images of mode 6. */
static void finish(image *f, size_t extended, const char *type) {
    put_i32(f, 92, (int32_t)extended);
    memcpy(f->bytes + 104, type, strlen(type));
    f->length = 1024 + extended + 2 * COUNT;
}

static void fei_headers(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; ++kind) { /* FEI1, FEI2 padded at its end, FEI2 little endian inside a big-endian file */
        image *f = begin(6, kind == 2);
        const size_t stride = kind == 0 ? 768 : 888;
        f->big = false;
        for (size_t i = 0; i < NZ; ++i) {
            const size_t at = 1024 + i * stride;
            put_i32(f, at, (int32_t)stride);
            put_i32(f, at + 4, 1);
            put_i32(f, at + 8, 1 << 7);
            put_f64(f, at + 12, 45000.5 - (double)i); /* the second image was recorded first */
            put_f64(f, at + 84, 200000);
            put_f64(f, at + 100, 10.5 * (double)i - 20);
            put_f64(f, at + 140, 84.5);
            put_f64(f, at + 156, 1.5e-9);
            put_f64(f, at + 164, 1.5e-9);
            memcpy(f->bytes + at + 519, "SuperXG1", 8);
            memcpy(f->bytes + at + 619, "Si", 2);
            put_f64(f, at + 635, 1680);
            put_f64(f, at + 643, 1800);
        }
        f->big = kind == 2;
        finish(f, stride * NZ + (kind == 1 ? 1000 : 0), kind == 0 ? "FEI1" : "FEI2");
        sei_stacks stacks = {0};
        assert_ok(read_it(save(f), false, &stacks));
        const sei_stack *s = &stacks.items[0];
        assert_int_equal(s->n_angles, NZ);
        assert_close(s->tilt_deg[0], -20, 0);
        assert_close(s->tilt_deg[1], -9.5, 0);
        assert_int_equal(s->order[0], 1);
        assert_int_equal(s->order[1], 0);
        assert_close(s->pixel_nm, 1.5, 1e-12); /* above the main header's 2 nm */
        assert_string_equal(s->name, "Si");
        assert_close(s->window_low_kev, 1.68, 1e-12);
        assert_close(s->window_high_kev, 1.8, 1e-12);
        assert_string_equal(fact_of(s, "detector"), "SuperXG1");
        assert_string_equal(fact_of(s, "tilt_axis_fei_deg"), "84.5");
        assert_true(isnan(s->axis_deg));
        sei_stacks_free(&stacks);
    }
    image *f = begin(6, false); /* tilt bit not set: no angles, though the field is there */
    put_i32(f, 1024, 768);
    put_i32(f, 1024 + 768, 768);
    finish(f, 2 * 768, "FEI1");
    sei_stacks stacks = {0};
    assert_ok(read_it(save(f), false, &stacks));
    assert_int_equal(stacks.items[0].n_angles, 0);
    sei_stacks_free(&stacks);
    f = begin(6, false); /* a block size that cannot be */
    put_i32(f, 1024, 5000);
    finish(f, 2 * 768, "FEI1");
    assert_ok(read_it(save(f), false, &stacks));
    assert_non_null(strstr(fact_of(&stacks.items[0], "extended_header"), "does not fit"));
    sei_stacks_free(&stacks);
}

static void agard_and_serialem_headers(void **state) {
    sei_stacks stacks = {0};
    (void)state;
    for (int named = 0; named < 2; ++named) {
        image *f = begin(6, named != 0);
        for (size_t i = 0; i < NZ; ++i) {
            put_f32(f, 1024 + 128 * i, (float)i * 3 - 60);
            put_f32(f, 1024 + 128 * i + 40, 12);
            put_f32(f, 1024 + 128 * i + 44, 7.5e-10f);
        }
        finish(f, 131072, named ? "AGAR" : "");
        assert_ok(read_it(save(f), false, &stacks));
        assert_int_equal(stacks.items[0].n_angles, NZ);
        assert_close(stacks.items[0].tilt_deg[1], -57, 1e-6);
        assert_close(stacks.items[0].pixel_nm, 0.75, 1e-6);
        sei_stacks_free(&stacks);
    }
    for (int named = 0; named < 2; ++named) { /* tilt, magnification, dose: 2 + 2 + 4 bytes */
        image *f = begin(6, false);
        put_i16(f, 128, 8);
        put_i16(f, 130, 1 + 8 + 32);
        for (size_t i = 0; i < NZ; ++i) {
            put_i16(f, 1024 + 8 * i, (int16_t)(-4512 + 300 * (int)i));
            put_i16(f, 1024 + 8 * i + 4, 5);
            put_i16(f, 1024 + 8 * i + 6, -(4 * 256 + 16)); /* (5*256 + 16) * 2^-4 = 81 e/A2 */
        }
        finish(f, 1024, named ? "SERI" : "");
        assert_ok(read_it(save(f), false, &stacks));
        assert_close(stacks.items[0].tilt_deg[0], -45.12, 1e-12);
        assert_close(stacks.items[0].tilt_deg[1], -42.12, 1e-12);
        assert_close(stacks.items[0].dose_e_per_nm2[0], 8100, 1e-9);
        sei_stacks_free(&stacks);
    }
    image *f = begin(6, false);
    put_f32(f, 1024, NAN);
    finish(f, 131072, "AGAR");
    assert_ok(read_it(save(f), false, &stacks));
    assert_int_equal(stacks.items[0].n_angles, 0);
    assert_non_null(strstr(fact_of(&stacks.items[0], "extended_angles"), "not used"));
    sei_stacks_free(&stacks);
}

static void lies_are_refused(void **state) {
    static const int32_t sizes[] = {0, -1, INT32_MAX, 1 << 24};
    static const struct {
        int32_t mode;
        const char *says;
    } modes[] = {{3, "complex"}, {4, "complex"},    {16, "RGB"},      {101, "4-bit"},
                 {7, "32-bit"},  {99, "mode = 99"}, {-1, "mode = -1"}};
    sei_stacks stacks = {0};
    (void)state;
    for (size_t s = 0; s < 4; ++s) {
        for (size_t axis = 0; axis < 3; ++axis) {
            image *f = begin(6, false);
            put_i32(f, 4 * axis, sizes[s]);
            f->length = 1024 + 2 * COUNT;
            assert_refused(read_it(save(f), false, &stacks), SEI_ERR_INPUT, sizes[s] == 1 << 24 ? "truncated" : "nx, ny, nz");
        }
    }
    for (size_t m = 0; m < sizeof modes / sizeof modes[0]; ++m) {
        image *f = begin(modes[m].mode, false);
        f->length = 1024 + 8 * COUNT;
        assert_refused(read_it(save(f), false, &stacks), SEI_ERR_INPUT, modes[m].says);
    }
    image *f = begin(6, false);
    put_i32(f, 92, -5);
    assert_refused(read_it(save(f), false, &stacks), SEI_ERR_INPUT, "negative");
    f = begin(6, false);
    put_i32(f, 92, INT32_MAX);
    assert_refused(read_it(save(f), false, &stacks), SEI_ERR_INPUT, "truncated");
    assert_int_equal(stacks.count, 0);
}

static void cut_files_say_their_bytes(void **state) {
    sei_stacks stacks = {0};
    char expected[64];
    (void)state;
    image *f = begin(6, false);
    for (size_t i = 0; i < COUNT; ++i) put_i16(f, f->length, (int16_t)i);
    const size_t whole = f->length;
    snprintf(expected, sizeof expected, "%zu bytes expected", whole);
    for (size_t cut = 0; cut < whole; cut += cut < 1000 ? 97 : 1) {
        f->length = cut;
        const char *path = save(f);
        char found[64];
        snprintf(found, sizeof found, "%zu found", cut);
        assert_refused(read_it(path, false, &stacks), SEI_ERR_INPUT, found);
        if (cut >= 1024) assert_non_null(strstr(sei_last_error(), expected));
        const bool one_image = cut >= 1024 + 2 * NX * NY;
        if (!one_image) {
            assert_refused(read_it(path, true, &stacks), SEI_ERR_INPUT, "found");
            continue;
        }
        assert_ok(read_it(path, true, &stacks));
        assert_true(stacks.items[0].nz == 1 && stacks.items[0].missing_images == 1);
        assert_close(stacks.items[0].data[5], 5, 0);
        assert_non_null(strstr(fact_of(&stacks.items[0], "truncated"), "first 1 of 2"));
        sei_stacks_free(&stacks);
    }
}

static void serialem_tells_the_axis(void **state) {
    sei_stacks stacks = {0};
    (void)state;
    /* SerialEM's axis: used as recorded, not after another label */
    image *f = begin(6, false);
    f->length = 1024 + 2 * COUNT;
    memcpy(f->bytes + 224, "    Tilt axis angle = -88.7, binning = 1  spot = 8  camera = 1 bidir = 0.0", 74);
    put_i32(f, 220, 1);
    assert_ok(read_it(save(f), false, &stacks));
    assert_close(stacks.items[0].axis_deg, -88.7, 1e-12);
    sei_stacks_free(&stacks);
    memcpy(f->bytes + 304, "NEWSTACK: Images copied, transformed", 36);
    put_i32(f, 220, 2);
    assert_ok(read_it(save(f), false, &stacks));
    assert_true(isnan(stacks.items[0].axis_deg));
    assert_string_equal(fact_of(&stacks.items[0], "tilt_axis_label_deg"), "-88.7");
    sei_stacks_free(&stacks);
}

static void others_files(void **state) {
    sei_stacks stacks = {0};
    char path[4200];
    const char *folder = sei_test_data("parse_mrc");
    (void)state;
    if (folder == NULL) return;
    snprintf(path, sizeof path, "%s/EMD-3001.map", folder);
    assert_ok(read_it(path, false, &stacks));
    const sei_stack *s = &stacks.items[0];
    assert_true(s->nx == 73 && s->ny == 43 && s->nz == 25 && s->is_volume);
    assert_non_null(strstr(fact_of(s, "space_group"), "4"));
    assert_non_null(strstr(fact_of(s, "extended_header"), "2 symmetry"));
    double sum = 0;
    float low = s->data[0];
    float high = s->data[0];
    for (size_t i = 0; i < 73 * 43 * 25; ++i) {
        sum += (double)s->data[i];
        low = fminf(low, s->data[i]);
        high = fmaxf(high, s->data[i]);
    }
    /* the header's own minimum, maximum and mean: the data begin at byte 1184 */
    assert_close(low, -0.3681429624557495, 1e-7);
    assert_close(high, 0.7216102480888367, 1e-7);
    assert_close(sum / (73 * 43 * 25), 0.0005329666892066598, 1e-7);
    sei_stacks_free(&stacks);
    snprintf(path, sizeof path, "%s/EMD-3197.map", folder);
    assert_ok(read_it(path, false, &stacks));
    assert_true(stacks.items[0].nx == 20 && stacks.items[0].ny == 20 && stacks.items[0].nz == 20);
    assert_close(stacks.items[0].pixel_nm, 1.14, 1e-6);
    sei_stacks_free(&stacks);
    snprintf(path, sizeof path, "%s/openncem_temp.mrc", folder);
    assert_ok(read_it(path, false, &stacks));
    assert_true(stacks.items[0].nx == 128 && stacks.items[0].ny == 128 && stacks.items[0].nz == 3);
    assert_close(stacks.items[0].pixel_nm, 0.2, 1e-12);
    assert_non_null(strstr(sei_facts_find(&stacks.items[0].facts, "format")->source, "missing"));
    sei_stacks_free(&stacks);
    snprintf(path, sizeof path, "%s/rsciio_de_HAADFscan.mrc", folder);
    assert_ok(read_it(path, false, &stacks));
    assert_true(stacks.items[0].nx == 16 && stacks.items[0].nz == 1 && stacks.items[0].stored == SEI_DTYPE_U16);
    assert_string_equal(stacks.items[0].name, "HAADF");
    sei_stacks_free(&stacks);
    snprintf(path, sizeof path, "%s/rsciio_de_Custom_movie.mrc", folder);
    assert_ok(read_it(path, false, &stacks));
    assert_true(stacks.items[0].nx == 16 && stacks.items[0].nz == 30 && isnan(stacks.items[0].pixel_nm));
    sei_stacks_free(&stacks);
    snprintf(path, sizeof path, "%s/imod_headerTest.st", folder);
    assert_refused(read_it(path, false, &stacks), SEI_ERR_INPUT, "526336 bytes expected");
    assert_non_null(strstr(sei_last_error(), "2048 found"));
}

static void others_by_name(void **state) {
    const sei_format *format = NULL;
    char path[4200];
    (void)state;
    const char *made = sei_test_path("x.mrc");
    assert_ok(sei_file_write_text(made, true, "\x1f\x8b\x08\x00 not an MRC", 14));
    assert_refused(sei_format_of(made, &format), SEI_ERR_INPUT, "gzip");
    assert_ok(sei_file_write_text(made, true, "", 0));
    assert_refused(sei_format_of(made, &format), SEI_ERR_INPUT, "empty");
    assert_refused(sei_format_of(sei_test_path("absent.mrc"), &format), SEI_ERR_INPUT, "no such file");
    made = sei_test_path("x.bin");
    assert_ok(sei_file_write_text(made, true, "some text", 9));
    assert_refused(sei_format_of(made, &format), SEI_ERR_INPUT, "neither MRC");
    const char *folder = sei_test_data("parse_mrc");
    if (folder == NULL) return;
    snprintf(path, sizeof path, "%s/emd_3197.map.gz", folder);
    assert_refused(sei_format_of(path, &format), SEI_ERR_INPUT, "gunzip");
    snprintf(path, sizeof path, "%s/EMD-3197.map.bz2", folder);
    assert_refused(sei_format_of(path, &format), SEI_ERR_INPUT, "bunzip2");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mode_in_both_byte_orders),
        cmocka_unit_test(bytes_are_signed_unless_imod_says_not),
        cmocka_unit_test(odd_headers_still_read),
        cmocka_unit_test(imod_tilts_of_the_main_header),
        cmocka_unit_test(fei_headers),
        cmocka_unit_test(agard_and_serialem_headers),
        cmocka_unit_test(lies_are_refused),
        cmocka_unit_test(cut_files_say_their_bytes),
        cmocka_unit_test(serialem_tells_the_axis),
        cmocka_unit_test(others_files),
        cmocka_unit_test(others_by_name),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
