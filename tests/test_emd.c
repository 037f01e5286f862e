/*
 * needs: full
 * Claims: a series, volumes and labels come back from our EMD with everything they carried; the same data make the same bytes;
 * the axis that is the angle is found by name or unit, wherever it stands, in degrees or radians, and images come out as
 * [tilt][y][x]; foreign EMD files read as their SOURCE.md says; Velox, object arrays and HDF5 of other kinds are refused by
 * name.
 */
#include <hdf5.h>
#include <unistd.h>

#include "core/file.h"
#include "support/foreign_emd.h"
#include "support/io_series.h"
#include "support/test.h"

static void series_come_back_whole(void **state) {
    sei_series series = {0};
    sei_stacks stacks;
    (void)state;
    const char *path = sei_test_path("series.emd");
    sei_test_make_series(9, true, &series);
    assert_ok(sei_emd_write_series(path, &series, "{\"stage\": \"test\"}", false));
    assert_refused(sei_emd_write_series(path, &series, NULL, false), SEI_ERR_ENVIRONMENT, "--force");
    sei_test_read(&sei_format_hdf5, path, false, &stacks);
    assert_int_equal(stacks.count, 9);
    for (size_t c = 0; c < 9; ++c) sei_test_same_stack(&series, c, &stacks.items[c]);
    assert_non_null(stacks.items[0].valid);
    assert_null(stacks.items[1].valid);
    assert_memory_equal(stacks.items[0].valid, series.valid, 7 * 5 * 4);
    sei_stacks_free(&stacks);
    const sei_format_read one = {.n_wanted = 1, .wanted = (const char *const[]){"si k"}};
    assert_ok(sei_format_hdf5.read(path, &one, &stacks));
    assert_int_equal(stacks.count, 1);
    sei_test_same_stack(&series, 1, &stacks.items[0]);
    assert_non_null(stacks.items[0].valid);
    sei_stacks_free(&stacks);
    sei_series_free(&series);
}

static void the_same_data_make_the_same_bytes(void **state) {
    sei_series series = {0};
    char *a = NULL;
    char *b = NULL;
    size_t la = 0;
    size_t lb = 0;
    (void)state;
    sei_test_make_series(2, true, &series);
    assert_ok(sei_emd_write_series(sei_test_path("a.emd"), &series, "{}", false));
    sleep(1);
    assert_ok(sei_emd_write_series(sei_test_path("b.emd"), &series, "{}", false));
    assert_ok(sei_file_read_text(sei_test_path("a.emd"), 1 << 24, &a, &la));
    assert_ok(sei_file_read_text(sei_test_path("b.emd"), 1 << 24, &b, &lb));
    assert_int_equal(la, lb);
    assert_memory_equal(a, b, la);
    free(a);
    free(b);
    sei_series_free(&series);
}

static void volumes_and_labels_come_back(void **state) {
    sei_volume volumes[2] = {0};
    sei_labels labels = {0};
    sei_labels again = {0};
    sei_stacks stacks;
    (void)state;
    for (int v = 0; v < 2; ++v) {
        assert_ok(sei_volume_alloc(4, 3, 2, 1.0 / 3, &volumes[v]));
        snprintf(volumes[v].name, SEI_NAME_LENGTH, "%s", v == 0 ? "Si/K" : "O");
        snprintf(volumes[v].unit, SEI_UNIT_LENGTH, "counts");
        for (int i = 0; i < 24; ++i) volumes[v].data[i] = (float)sei_test_uniform((uint64_t)v, (uint64_t)i);
    }
    assert_ok(sei_emd_write_volumes(sei_test_path("v.emd"), 2, volumes, NULL, false));
    sei_test_read(&sei_format_hdf5, sei_test_path("v.emd"), false, &stacks);
    assert_int_equal(stacks.count, 2);
    for (int v = 0; v < 2; ++v) {
        const sei_stack *s = &stacks.items[v];
        assert_string_equal(s->name, volumes[v].name);
        assert_string_equal(s->unit, "counts");
        assert_true(s->is_volume);
        assert_true(s->pixel_nm == 1.0 / 3 && s->spacing_nm == 1.0 / 3);
        assert_int_equal(s->nx * 100 + s->ny * 10 + s->nz, 432);
        assert_memory_equal(s->data, volumes[v].data, 24 * sizeof(float));
        sei_volume_free(&volumes[v]);
    }
    sei_stacks_free(&stacks);
    assert_ok(sei_labels_alloc(4, 3, 2, 2.5, &labels));
    assert_ok(sei_labels_define_wire(&labels));
    for (int i = 0; i < 24; ++i) labels.data[i] = (uint8_t)(i % 6);
    assert_ok(sei_emd_write_labels(sei_test_path("l.emd"), &labels, NULL, false));
    sei_test_read(&sei_format_hdf5, sei_test_path("l.emd"), false, &stacks);
    assert_ok(sei_facts_take_classes(&stacks.items[0].facts, &again));
    assert_int_equal(again.n_classes, 6);
    assert_memory_equal(again.classes, labels.classes, 6 * sizeof *again.classes);
    for (int i = 0; i < 24; ++i) assert_true(stacks.items[0].data[i] == (float)(i % 6));
    sei_stacks_free(&stacks);
    sei_labels_free(&again);
    sei_labels_free(&labels);
}

static void axes_are_found(void **state) {
    /* stored shape, its dims, and where z, y, x lie among them */
    static const struct {
        foreign_dim dims[3];
        int axis_of[3];
        double first_deg, step_deg, pixel_nm;
    } cases[] = {
        {{{"angles", "[deg]", -60, 2}, {"y", "[n_m]", 0, 1.5}, {"x", "[n_m]", 0, 1.5}}, {0, 1, 2}, -60, 2, 1.5},
        {{{"x", "[n_m]", 0, 1.5}, {"y", "[n_m]", 0, 1.5}, {"angles", "[deg]", -60, 2}}, {2, 1, 0}, -60, 2, 1.5},
        {{{"y", "[u_m]", 3, 0.5}, {"tilt", "[rad]", -1, 0.5}, {"x", "[u_m]", 9, 0.5}}, {1, 0, 2}, -180 / M_PI, 90 / M_PI, 500},
        {{{"Theta", "", 10, 5}, {"", "[A]", 0, 2}, {"", "[A]", 0, 2}}, {0, 1, 2}, 10, 5, 0.2},
        {{{"scan", "[mrad]", 0, 100}, {"x", "[n_m]", 0, 2}, {"y", "[n_m]", 0, 2}}, {0, 2, 1}, 0, 18 / M_PI, 2},
    };
    static const hsize_t size[3] = {4, 3, 5};
    (void)state;
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c) {
        sei_stacks stacks;
        const char *path = sei_test_path("foreign.emd");
        foreign_emd_write(path, 3, size, cases[c].dims);
        sei_test_read(&sei_format_hdf5, path, false, &stacks);
        const sei_stack *s = &stacks.items[0];
        const int64_t shape[3] = {s->nz, s->ny, s->nx};
        assert_string_equal(s->name, "map");
        assert_int_equal(s->stored, SEI_DTYPE_I16);
        for (int a = 0; a < 3; ++a) assert_int_equal(shape[a], size[cases[c].axis_of[a]]);
        assert_int_equal(s->n_angles, s->nz);
        for (int64_t i = 0; i < s->nz; ++i)
            assert_close(s->tilt_deg[i], cases[c].first_deg + (double)i * cases[c].step_deg, 1e-5);
        assert_close(s->pixel_nm, cases[c].pixel_nm, 1e-6);
        for (int64_t z = 0; z < s->nz; ++z) {
            for (int64_t y = 0; y < s->ny; ++y) {
                for (int64_t x = 0; x < s->nx; ++x) {
                    const int64_t at[3] = {z, y, x};
                    int64_t stored[3];
                    for (int a = 0; a < 3; ++a) stored[cases[c].axis_of[a]] = at[a];
                    assert_true(s->data[(z * s->ny + y) * s->nx + x] == (float)(100 * stored[0] + 10 * stored[1] + stored[2]));
                }
            }
        }
        assert_non_null(sei_facts_find(&s->facts, "angles"));
        assert_non_null(sei_facts_find(&s->facts, "pixel_nm"));
        sei_stacks_free(&stacks);
    }
}

/* One line per tilt, a sinogram: the note on the stored order names the axes that there are. */
static void two_axes_are_enough(void **state) {
    static const foreign_dim dims[3] = {{"angles", "[deg]", -60, 30}, {"x", "[n_m]", 0, 1.5}, {"angles", "[deg]", -60, 30}};
    static const hsize_t size[3] = {4, 5, 4};
    (void)state;
    for (int turned = 0; turned < 2; ++turned) {
        sei_stacks stacks;
        const char *path = sei_test_path("sinogram.emd");
        foreign_emd_write(path, 2, size + turned, dims + turned);
        sei_test_read(&sei_format_hdf5, path, false, &stacks);
        const sei_stack *s = &stacks.items[0];
        assert_int_equal(s->nz, 4);
        assert_int_equal(s->ny, 1);
        assert_int_equal(s->nx, 5);
        assert_close(s->tilt_deg[3], 30, 0);
        for (int t = 0; t < 4; ++t) {
            for (int x = 0; x < 5; ++x) assert_true(s->data[t * 5 + x] == (float)(turned ? 100 * x + 10 * t : 100 * t + 10 * x));
        }
        const sei_fact *order = sei_facts_find(&s->facts, "axes");
        assert_int_equal(order != NULL, turned);
        if (turned) assert_string_equal(order->value, "stored as x, angles; turned to [tilt][x]");
        sei_stacks_free(&stacks);
    }
}

static void files_of_other_programs(void **state) {
    sei_stacks stacks;
    char path[4096];
    (void)state;
    const char *folder = sei_test_data("parse_emd");
    if (folder == NULL) return;
    static const struct {
        const char *name, *channel;
        int64_t nx, ny, nz;
        sei_dtype stored;
        float last;
    } files[] = {{"rsciio_example_axis_len_1.emd", "data_group", 5, 1, 5, SEI_DTYPE_F64, 0},
                 {"rsciio_example_bytes_string_metadata.emd", "data_group", 10, 1, 1, SEI_DTYPE_I32, 9},
                 {"rsciio_example_image.emd", "__unnamed__", 3, 3, 1, SEI_DTYPE_I32, 8},
                 {"rsciio_example_metadata.emd", "This is a test!", 3, 3, 1, SEI_DTYPE_I32, 8},
                 {"rsciio_example_signal.emd", "__unnamed__", 3, 3, 3, SEI_DTYPE_I32, 26}};
    for (size_t f = 0; f < sizeof files / sizeof files[0]; ++f) {
        sei_test_read_in(&sei_format_hdf5, folder, files[f].name, false, &stacks);
        const sei_stack *s = &stacks.items[0];
        assert_int_equal(stacks.count, 1);
        assert_string_equal(s->name, files[f].channel);
        sei_test_shape(s, files[f].nx, files[f].ny, files[f].nz, files[f].stored);
        assert_true(s->data[s->nx * s->ny * s->nz - 1] == files[f].last);
        assert_true(isnan(s->pixel_nm));
        assert_int_equal(s->n_angles, 0);
        sei_stacks_free(&stacks);
    }
    snprintf(path, sizeof path, "%s/rsciio_example_object_dtype_data.emd", folder);
    foreign_emd_refused(path, "/test_group/data_group/data");
    assert_non_null(strstr(sei_last_error(), "text"));
    static const char *const velox[] = {"rsciio_fei_example_tem_stack.emd", "openncem_STEM_HAADF_Diffraction_Micro.emd"};
    for (size_t f = 0; f < 2; ++f) {
        snprintf(path, sizeof path, "%s/%s", folder, velox[f]);
        foreign_emd_refused(path, "Velox");
        sei_test_read(&sei_format_hdf5, path, true, &stacks);
        assert_string_equal(sei_facts_find(&stacks.items[0].facts, "format")->value, "Velox EMD");
        assert_int_equal(stacks.items[0].nx, f == 0 ? 3 : 128);
        assert_int_equal(stacks.items[0].nz, f == 0 ? 2 : 1);
        sei_stacks_free(&stacks);
    }
}

static void real_series(void **state) {
    sei_stacks stacks;
    char path[4096];
    (void)state;
    const char *folder = sei_test_data("ncem_idp_eds");
    if (folder == NULL) return;
    snprintf(path, sizeof path, "%s/tilt_series.emd", folder);
    sei_test_read(&sei_format_hdf5, path, true, &stacks);
    assert_int_equal(stacks.count, 15);
    sei_stacks_free(&stacks);
    const sei_format_read two = {.n_wanted = 2, .wanted = (const char *const[]){"HAADF", "Fe_Ka"}};
    assert_ok(sei_format_hdf5.read(path, &two, &stacks));
    assert_int_equal(stacks.count, 2);
    for (size_t c = 0; c < 2; ++c) {
        const sei_stack *s = &stacks.items[c];
        sei_test_shape(s, 256, 256, 16, SEI_DTYPE_U16);
        assert_close(s->pixel_nm, 13.0814, 5e-5);
        for (int i = 0; i < 16; ++i) assert_close(s->tilt_deg[i], -40 + 5 * i, 0);
    }
    const sei_stack *fe = &stacks.items[strcmp(stacks.items[0].name, "Fe_Ka") == 0 ? 0 : 1];
    assert_close(fe->window_low_kev, -0.470891 + 0.010003 * 680, 2e-5);
    assert_close(fe->window_high_kev, -0.470891 + 0.010003 * 694, 2e-5);
    sei_stacks_free(&stacks);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(series_come_back_whole),
        cmocka_unit_test(the_same_data_make_the_same_bytes),
        cmocka_unit_test(volumes_and_labels_come_back),
        cmocka_unit_test(axes_are_found),
        cmocka_unit_test(two_axes_are_enough),
        cmocka_unit_test(files_of_other_programs),
        cmocka_unit_test(real_series),
    };
    foreign_emd_setup();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
