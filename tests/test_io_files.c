/*
 * needs: full
 * Claims: volumes and labels with their classes read back from MRC, TIFF and EMD; labels without a table get names; a volume
 * without a voxel size is refused; SHA-256 has its published values; numbers, provenance and tables survive any text and
 * read back to the bit; damaged ones are refused with their place.
 */
#include <jansson.h>

#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/io.h"
#include "support/test.h"

static void volumes_and_labels(void **state) {
    static const char *const extensions[] = {"mrc", "tif", "emd"};
    sei_volume made = {0};
    sei_labels labels = {0};
    (void)state;
    assert_ok(sei_volume_alloc(3, 4, 5, 1.7, &made));
    snprintf(made.name, sizeof made.name, "Si");
    snprintf(made.unit, sizeof made.unit, "counts");
    for (int i = 0; i < 60; ++i) made.data[i] = (float)i * 0.37f - 3;
    assert_ok(sei_labels_alloc(3, 4, 5, 1.7, &labels));
    assert_ok(sei_labels_define_wire(&labels));
    for (int i = 0; i < 60; ++i) labels.data[i] = (uint8_t)(i % 6);
    const uint8_t red[3] = {255, 1, 2};
    assert_ok(sei_labels_define(&labels, 200, "odd, \"quoted\"", red, "by hand"));
    labels.data[59] = 200;
    for (size_t e = 0; e < 3; ++e) {
        char name[64];
        sei_volume back = {0};
        sei_labels table = {0};
        snprintf(name, sizeof name, "vol%zu.%s", e, extensions[e]);
        const char *path = sei_test_path(name);
        assert_ok(sei_io_write_volumes(path, 1, &made, NULL, false));
        assert_ok(sei_io_read_volume(path, &back));
        assert_true(back.nx == 3 && back.ny == 4 && back.nz == 5 && back.voxel_nm == 1.7);
        assert_string_equal(back.name, "Si");
        assert_string_equal(back.unit, "counts");
        assert_memory_equal(back.data, made.data, 60 * sizeof(float));
        sei_volume_free(&back);
        snprintf(name, sizeof name, "lab%zu.%s", e, extensions[e]);
        path = sei_test_path(name);
        assert_ok(sei_io_write_labels(path, &labels, NULL, false));
        assert_ok(sei_io_read_labels(path, &table));
        assert_true(table.voxel_nm == 1.7);
        assert_memory_equal(table.data, labels.data, 60);
        assert_int_equal(table.n_classes, labels.n_classes);
        for (size_t c = 0; c < table.n_classes; ++c) {
            assert_int_equal(table.classes[c].id, labels.classes[c].id);
            assert_string_equal(table.classes[c].name, labels.classes[c].name);
            assert_string_equal(table.classes[c].rule, labels.classes[c].rule);
            assert_memory_equal(table.classes[c].rgb, labels.classes[c].rgb, 3);
        }
        sei_labels_free(&table);
        sei_file_info info = {0};
        assert_ok(sei_io_probe(path, &info));
        assert_int_equal(info.content, SEI_CONTENT_LABELS);
        sei_file_info_free(&info);
    }
    remove(sei_test_path("lab0.json")); /* no table: every label that occurs gets a name */
    sei_labels table = {0};
    assert_ok(sei_io_read_labels(sei_test_path("lab0.mrc"), &table));
    assert_int_equal(table.n_classes, 7);
    assert_string_equal(table.classes[6].name, "class 200");
    sei_labels_free(&table);
    assert_refused(sei_io_read_labels(sei_test_path("vol0.mrc"), &table), SEI_ERR_INPUT, "voxel 0 is -3");
    const char *flat = sei_test_path("flat.mrc");
    made.voxel_nm = NAN;
    assert_ok(sei_io_write_volumes(flat, 1, &made, NULL, false));
    sei_volume *volumes = NULL;
    size_t n = 0;
    assert_refused(sei_io_read_volumes(flat, &volumes, &n), SEI_ERR_INPUT, "no voxel size");
    assert_ok(sei_io_read_volumes_sized(flat, 4, &volumes, &n));
    assert_close(volumes[0].voxel_nm, 4, 0);
    sei_volumes_free(volumes, n);
    sei_volume_free(&made);
    sei_labels_free(&labels);
}

/* Many programs write stacks with a volume's header: one angle per image beside it tells. */
static void angles_beside_make_a_series(void **state) {
    static const struct {
        const char *angles;
        sei_content content;
    } cases[] = {{"-10\n0\n10\n", SEI_CONTENT_SERIES}, {"-10\n0\n", SEI_CONTENT_VOLUME}, {"what?\n", SEI_CONTENT_VOLUME}};
    sei_volume made = {0};
    (void)state;
    assert_ok(sei_volume_alloc(4, 5, 3, 2, &made));
    assert_ok(sei_io_write_volumes(sei_test_path("stack.mrc"), 1, &made, NULL, false));
    for (size_t i = 0; i < 3; ++i) {
        sei_file_info info = {0};
        sei_test_text("stack.rawtlt", cases[i].angles);
        assert_ok(sei_io_probe(sei_test_path("stack.mrc"), &info));
        assert_int_equal(info.content, cases[i].content);
        assert_int_equal(info.n_angles, i == 0 ? 3 : 0);
        sei_file_info_free(&info);
    }
    sei_volume_free(&made);
}

static void hashes_are_the_published_ones(void **state) {
    char hex[65];
    (void)state;
    sei_io_sha256_bytes("abc", 3, hex); /* FIPS 180-2, B.1 */
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sei_io_sha256_bytes("", 0, hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    char *million = malloc(1000000);
    assert_non_null(million);
    memset(million, 'a', 1000000); /* B.3, over several buffers of the file reader */
    const char *path = sei_test_path("million");
    assert_ok(sei_file_write_text(path, false, million, 1000000));
    free(million);
    assert_ok(sei_io_sha256_file(path, hex));
    assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_refused(sei_io_sha256_file(sei_test_path("absent"), hex), SEI_ERR_INPUT, "no such file");
}

static void numbers_tables_provenance(void **state) {
    sei_numbers numbers = {0};
    sei_numbers back = {0};
    sei_provenance provenance = {0};
    (void)state;
    assert_ok(sei_numbers_set(&numbers, "si_volume", 0.1, "nm3", 1.0 / 3));
    assert_ok(sei_numbers_set(&numbers, "a\"b\\c", NAN, "", NAN));
    snprintf(provenance.stage, sizeof provenance.stage, "measure");
    assert_ok(sei_provenance_set(&provenance, "note", "bad \xff byte and \"quotes\""));
    assert_ok(sei_io_provenance_add_input(&provenance, sei_test_text("input.txt", "abc")));
    assert_ok(sei_numbers_set(&provenance.numbers, "x", 2, "px", NAN));
    const char *path = sei_test_path("numbers.json");
    assert_ok(sei_io_write_numbers(path, &numbers, &provenance, false));
    assert_ok(sei_io_read_numbers(path, &back));
    assert_int_equal(back.count, 2);
    assert_string_equal(back.items[0].name, "si_volume");
    assert_true(back.items[0].value == 0.1 && back.items[0].sd == 1.0 / 3);
    assert_string_equal(back.items[1].name, "a\"b\\c");
    assert_true(isnan(back.items[1].value) && isnan(back.items[1].sd));
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    assert_non_null(root);
    const json_t *inside = json_object_get(root, "provenance");
    const json_t *input = json_array_get(json_object_get(inside, "inputs"), 0);
    assert_string_equal(json_string_value(json_object_get(input, "name")), "input.txt");
    assert_string_equal(json_string_value(json_object_get(input, "sha256")),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(json_string_value(json_object_get(json_object_get(inside, "parameters"), "note")),
                        "bad ? byte and \"quotes\"");
    json_decref(root);
    sei_numbers_free(&back);
    assert_refused(sei_io_read_numbers(sei_test_text("bad.json", "{\"a\": 1"), &back), SEI_ERR_INPUT, "line 1");
    assert_refused(sei_io_read_numbers(sei_test_text("bad.json", "[1]"), &back), SEI_ERR_INPUT, "object");
    assert_refused(sei_io_read_numbers(sei_test_text("bad.json", "{\"a\": {\"value\": \"x\"}}"), &back), SEI_ERR_INPUT,
                   "not a number");
    sei_numbers_free(&numbers);
    sei_provenance_free(&provenance);

    sei_table table = {0};
    sei_table read = {0};
    static const char *const columns[3] = {"tilt_deg", "a, \"b\"", "empty"};
    assert_ok(sei_table_alloc("t", 3, columns, 2, &table));
    table.cells[0] = 0.1, table.cells[1] = -1e300, table.cells[3] = 1.0 / 3, table.cells[4] = INFINITY;
    path = sei_test_path("shifts.csv");
    assert_ok(sei_io_write_table(path, &table, false));
    assert_ok(sei_io_read_table(path, &read));
    assert_int_equal(read.n_rows, 2);
    assert_int_equal(read.n_columns, 3);
    assert_string_equal(read.name, "shifts");
    assert_string_equal(read.columns[1], "a, \"b\"");
    for (int i = 0; i < 6; ++i) assert_true(read.cells[i] == table.cells[i] || (isnan(read.cells[i]) && isnan(table.cells[i])));
    sei_table_free(&read);
    sei_table_free(&table);
    assert_refused(sei_io_read_table(sei_test_text("bad.csv", "a,b\n1,2\n3\n"), &read), SEI_ERR_INPUT,
                   "line 3 has 1 cells, the header has 2");
    assert_refused(sei_io_read_table(sei_test_text("bad.csv", "a,b\r\n1,x\r\n"), &read), SEI_ERR_INPUT,
                   "line 2, column 'b': 'x'");
    assert_refused(sei_io_read_table(sei_test_text("bad.csv", ""), &read), SEI_ERR_INPUT, "no header");
    assert_ok(sei_io_read_table(sei_test_text("good.csv",
                                              "\xef\xbb\xbf"
                                              "a,b\r\n1,2\r\n"),
                                &read));
    assert_string_equal(read.columns[0], "a");
    assert_close(sei_table_get(&read, 0, "b"), 2, 0);
    sei_table_free(&read);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volumes_and_labels),
        cmocka_unit_test(angles_beside_make_a_series),
        cmocka_unit_test(hashes_are_the_published_ones),
        cmocka_unit_test(numbers_tables_provenance),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
