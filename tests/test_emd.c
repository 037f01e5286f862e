/*
 * needs: full
 * Claims: a series, volumes and labels come back from our EMD with everything they carried; the axis that is the angle is found
 * by name or unit, wherever it stands, in degrees or radians, and images come out as [tilt][y][x]; foreign EMD files read as
 * their SOURCE.md says; Velox, object arrays and HDF5 of other kinds are refused by name; nothing outside the file is reached
 * and nothing in it can end the program.
 */
#include <dirent.h>
#include <fcntl.h>
#include <hdf5.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "io/emd.h"
#include "io/sandbox.h"
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

/* An EMD 0.2 file in another program's manner: data[n0][n1][n2] = 100 i + 10 j + k, three dims. */
typedef struct foreign_dim {
    const char *name, *unit;
    double first, step;
} foreign_dim;

static hid_t begin_foreign(const char *path) {
    const int32_t one = 1;
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t data = H5Gcreate2(file, "data", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t group = H5Gcreate2(data, "map", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    const hid_t scalar = H5Screate(H5S_SCALAR);
    const hid_t type = H5Acreate2(group, "emd_group_type", H5T_STD_I32LE, scalar, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(type, H5T_NATIVE_INT32, &one) >= 0);
    H5Aclose(type);
    H5Sclose(scalar);
    H5Gclose(group);
    H5Gclose(data);
    return file;
}

static void put_string(hid_t object, const char *name, const char *text) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    const hid_t space = H5Screate(H5S_SCALAR);
    H5Tset_size(type, strlen(text) + 1);
    const hid_t attribute = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    assert_true(H5Awrite(attribute, type, text) >= 0);
    H5Aclose(attribute);
    H5Sclose(space);
    H5Tclose(type);
}

static void write_foreign(const char *path, const hsize_t size[3], const foreign_dim dims[3]) {
    const hid_t file = begin_foreign(path);
    const hid_t space = H5Screate_simple(3, size, NULL);
    const hid_t data = H5Dcreate2(file, "data/map/data", H5T_STD_I16BE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    int16_t values[200];
    int n = 0;
    for (hsize_t i = 0; i < size[0]; ++i) {
        for (hsize_t j = 0; j < size[1]; ++j) {
            for (hsize_t k = 0; k < size[2]; ++k) values[n++] = (int16_t)(100 * i + 10 * j + k);
        }
    }
    assert_true(H5Dwrite(data, H5T_NATIVE_INT16, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(data);
    H5Sclose(space);
    for (int d = 0; d < 3; ++d) {
        char name[32];
        float vector[16];
        for (hsize_t i = 0; i < size[d]; ++i) vector[i] = (float)(dims[d].first + (double)i * dims[d].step);
        snprintf(name, sizeof name, "data/map/dim%d", d + 1);
        const hid_t line = H5Screate_simple(1, &size[d], NULL);
        const hid_t dim = H5Dcreate2(file, name, H5T_IEEE_F32LE, line, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        assert_true(H5Dwrite(dim, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, vector) >= 0);
        put_string(dim, "name", dims[d].name);
        put_string(dim, "units", dims[d].unit);
        H5Dclose(dim);
        H5Sclose(line);
    }
    H5Fclose(file);
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
        write_foreign(path, size, cases[c].dims);
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

static void refuse(const char *path, const char *part) {
    const sei_format_read options = {.n_wanted = 0};
    sei_stacks stacks = {0};
    assert_refused(sei_format_hdf5.read(path, &options, &stacks), SEI_ERR_INPUT, part);
    if (strstr(sei_last_error(), sei_path_base(path)) == NULL) fail_msg("'%s' does not name the file", sei_last_error());
    assert_int_equal(stacks.count, 0);
}

static void nothing_outside_the_file(void **state) {
    static const hsize_t size[3] = {2, 3, 4};
    static const foreign_dim dims[3] = {{"angle", "deg", 0, 1}, {"y", "nm", 0, 1}, {"x", "nm", 0, 1}};
    (void)state;
    const char *other = sei_test_path("other.emd");
    const char *path = sei_test_path("hostile.emd");
    write_foreign(other, size, dims);

    hid_t file = begin_foreign(path); /* external link as the data */
    assert_true(H5Lcreate_external("other.emd", "/data/map/data", file, "data/map/data", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    refuse(path, "/data/map/data");
    assert_non_null(strstr(sei_last_error(), "another file"));

    file = begin_foreign(path); /* a soft link that leads to an external link */
    assert_true(H5Lcreate_external("other.emd", "/data/map", file, "away", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    assert_true(H5Lcreate_soft("/away/data", file, "data/map/data", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    refuse(path, "away");

    file = begin_foreign(path); /* external storage */
    hid_t space = H5Screate_simple(3, size, NULL);
    hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_external(creation, "/etc/passwd", 0, 24) >= 0);
    hid_t dataset = H5Dcreate2(file, "data/map/data", H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Fclose(file);
    refuse(path, "external storage");

    file = begin_foreign(path); /* virtual dataset */
    creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_virtual(creation, space, "other.emd", "/data/map/data", space) >= 0);
    dataset = H5Dcreate2(file, "data/map/data", H5T_STD_I16LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Fclose(file);
    refuse(path, "virtual");

    file = begin_foreign(path); /* a filter we do not run */
    creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(creation, 3, size) >= 0 && H5Pset_scaleoffset(creation, H5Z_SO_INT, 0) >= 0);
    dataset = H5Dcreate2(file, "data/map/data", H5T_STD_I16LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    refuse(path, "filter");

    file = begin_foreign(path); /* links in a circle */
    assert_true(H5Lcreate_soft("/data/map/b", file, "data/map/data", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    assert_true(H5Lcreate_soft("/data/map/data", file, "data/map/b", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    refuse(path, "/data/map/");

    file = begin_foreign(path); /* a group inside itself */
    assert_true(H5Lcreate_hard(file, "data", file, "data/again", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Fclose(file);
    refuse(path, "contains itself");
}

static void declared_sizes_are_not_believed(void **state) {
    static const hsize_t huge[3] = {20000, 20000, 22000};
    static const hsize_t chunk[3] = {1, 65535, 65535};
    (void)state;
    const char *path = sei_test_path("huge.emd");
    for (int chunked = 0; chunked < 2; ++chunked) {
        const hid_t file = begin_foreign(path);
        const hid_t space = H5Screate_simple(3, huge, (const hsize_t[]){H5S_UNLIMITED, H5S_UNLIMITED, H5S_UNLIMITED});
        const hid_t fixed = H5Screate_simple(3, huge, NULL);
        const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
        if (chunked)
            assert_true(H5Pset_chunk(creation, 3, (const hsize_t[]){1, 32768, 16384}) >= 0 && H5Pset_deflate(creation, 1) >= 0);
        const hid_t dataset =
            H5Dcreate2(file, "data/map/data", H5T_STD_U8LE, chunked ? space : fixed, H5P_DEFAULT, creation, H5P_DEFAULT);
        assert_true(dataset >= 0);
        H5Dclose(dataset);
        H5Pclose(creation);
        H5Sclose(space);
        H5Sclose(fixed);
        H5Fclose(file);
        refuse(path, "declares");
    }
    (void)chunk;
}

static void a_bomb_is_refused(void **state) {
    static const hsize_t size[3] = {1, 8192, 8192};
    (void)state;
    const char *path = sei_test_path("bomb.emd");
    const hid_t file = begin_foreign(path);
    const hid_t space = H5Screate_simple(3, size, NULL);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    assert_true(H5Pset_chunk(creation, 3, size) >= 0 && H5Pset_deflate(creation, 9) >= 0 && H5Pset_deflate(creation, 9) >= 0);
    const hid_t dataset = H5Dcreate2(file, "data/map/data", H5T_STD_U8LE, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    void *zeros = calloc(8192, 8192);
    assert_true(H5Dwrite(dataset, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, zeros) >= 0);
    free(zeros);
    H5Dclose(dataset);
    H5Pclose(creation);
    H5Sclose(space);
    H5Fclose(file);
    refuse(path, "trap");
}

static void truncated_and_broken_files(void **state) {
    sei_series series = {0};
    char *bytes = NULL;
    size_t length = 0;
    (void)state;
    const char *path = sei_test_path("broken.emd");
    sei_test_make_series(1, false, &series);
    assert_ok(sei_emd_write_series(sei_test_path("whole.emd"), &series, NULL, true));
    sei_series_free(&series);
    assert_ok(sei_file_read_text(sei_test_path("whole.emd"), 1 << 24, &bytes, &length));
    for (size_t k = 0; k < 20; ++k) {
        assert_ok(sei_file_write_text(path, true, bytes, length * k / 20));
        refuse(path, path);
    }
    for (uint64_t k = 0; k < 60; ++k) { /* any outcome but a crash of this process */
        const size_t at = (size_t)(sei_test_uniform(5, k) * (double)length);
        const char before = bytes[at];
        const sei_format_read options = {.n_wanted = 0};
        sei_stacks stacks = {0};
        bytes[at] = (char)(bytes[at] ^ (1 << (k % 8)));
        assert_ok(sei_file_write_text(path, true, bytes, length));
        const sei_status status = sei_format_hdf5.read(path, &options, &stacks);
        assert_true(status == SEI_OK || status == SEI_ERR_INPUT || status == SEI_ERR_MEMORY);
        sei_stacks_free(&stacks);
        bytes[at] = before;
    }
    free(bytes);
}

/* Children that die in several ways. */
static void die(int pipe, void *context) {
    (void)pipe;
    switch (*(int *)context) {
        case 0: raise(SIGSEGV); break;
        case 1: abort();
        case 2: _exit(7);
        case 3:
            for (volatile unsigned i = 0;; ++i) continue; /* a hang among headers */
        default: break;
    }
}

static sei_status want_a_byte(int pipe, void *context) {
    char byte;
    (void)context;
    return sei_sandbox_take(pipe, &byte, 1);
}

static void peek(int pipe, void *context) {
    (void)context;
    const char seen = open("/etc/passwd", O_RDONLY) >= 0 ? 'y' : 'n';
    const char made = open(sei_test_path("made-by-child"), O_CREAT | O_WRONLY, 0600) >= 0 ? 'y' : 'n';
    const char answer[2] = {seen, made};
    if (sei_sandbox_put(pipe, answer, 2) != SEI_OK) _exit(1);
}

static sei_status two_bytes(int pipe, void *context) {
    return sei_sandbox_take(pipe, context, 2);
}

static void a_child_that_dies_is_an_error_message(void **state) {
    static const char *const words[] = {"crashed", "crashed", "gave up", "did not come to an end"};
    sei_infile file = {.fd = -1};
    (void)state;
    assert_ok(sei_file_write_text(sei_test_path("victim"), true, "x", 1));
    assert_ok(sei_infile_open(sei_test_path("victim"), &file));
    for (int how = 0; how < 4; ++how) {
        const sei_sandbox_job job = {&file, "HDF5", die, want_a_byte, &how};
        assert_refused(sei_sandbox_run(&job), SEI_ERR_INPUT, words[how]);
        assert_non_null(strstr(sei_last_error(), "victim"));
    }
    char answer[2] = "??";
    const sei_sandbox_job job = {&file, "HDF5", peek, two_bytes, answer};
    assert_ok(sei_sandbox_run(&job));
    assert_int_equal(answer[1], 'n'); /* RLIMIT_FSIZE does not stop an empty file, Landlock does */
    assert_int_equal(answer[0], 'n');
    sei_infile_close(&file);
}

/* Every allocation of writer, child and parent fails once: an error each time, and nothing left behind. */
static void memory_that_runs_out(void **state) {
    const sei_format_read options = {.n_wanted = 0};
    sei_series series = {0};
    (void)state;
    const char *path = sei_test_path("memory.emd");
    sei_test_make_series(2, true, &series);
    for (int writing = 1; writing >= 0; --writing) {
        sei_status status = SEI_ERR_MEMORY;
        long n = 0;
        for (; status != SEI_OK && n < 2000; ++n) {
            sei_stacks stacks = {0};
            sei_alloc_fail_after(n);
            status = writing ? sei_emd_write_series(path, &series, NULL, false) : sei_format_hdf5.read(path, &options, &stacks);
            sei_alloc_fail_after(-1);
            if (status != SEI_OK) {
                assert_int_equal(stacks.count, 0);
                assert_int_equal(sei_file_exists(path), !writing);
            }
            sei_stacks_free(&stacks);
        }
        assert_int_equal(status, SEI_OK);
        assert_true(n > 10);
    }
    sei_series_free(&series);
}

static int files_in_test_folder(void) {
    int n = 0;
    DIR *folder = opendir(sei_test_folder());
    while (readdir(folder) != NULL) ++n;
    closedir(folder);
    return n;
}

/* A disk that takes so many bytes and no more: an error, and no file of any name. */
static void a_disk_that_is_full(void **state) {
    struct rlimit old;
    sei_series series = {0};
    (void)state;
    sei_test_make_series(9, true, &series);
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    const int before = files_in_test_folder();
    for (rlim_t most = 0; most < 40000; most += 1333) {
        const struct rlimit small = {most, old.rlim_max};
        setrlimit(RLIMIT_FSIZE, &small);
        const sei_status emd = sei_emd_write_series(sei_test_path("full.emd"), &series, NULL, false);
        const sei_status tif = sei_tiff_write_channel(sei_test_path("full.tif"), &series, 0, false);
        setrlimit(RLIMIT_FSIZE, &old);
        assert_true(emd == SEI_ERR_ENVIRONMENT || (emd == SEI_OK && most > 5000));
        assert_true(tif == SEI_ERR_ENVIRONMENT || (tif == SEI_OK && most > 500));
        if (emd == SEI_OK) unlink(sei_test_path("full.emd"));
        if (tif == SEI_OK) unlink(sei_test_path("full.tif"));
        assert_int_equal(files_in_test_folder(), before);
    }
    signal(SIGXFSZ, SIG_DFL);
    sei_series_free(&series);
}

static void a_parent_with_threads(void **state) {
    static const hsize_t size[3] = {2, 3, 4};
    static const foreign_dim dims[3] = {{"angle", "deg", 0, 1}, {"y", "nm", 0, 1}, {"x", "nm", 0, 1}};
    int good = 0;
    (void)state;
    const char *path = sei_test_path("threads.emd");
    write_foreign(path, size, dims);
#pragma omp parallel for num_threads(4) reduction(+ : good)
    for (int i = 0; i < 8; ++i) {
        const sei_format_read options = {.n_wanted = 0};
        sei_stacks stacks = {0};
        good +=
            sei_format_hdf5.read(path, &options, &stacks) == SEI_OK && stacks.count == 1 && stacks.items[0].data[23] == 123.0f;
        sei_stacks_free(&stacks);
    }
    assert_int_equal(good, 8);
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
        snprintf(path, sizeof path, "%s/%s", folder, files[f].name);
        sei_test_read(&sei_format_hdf5, path, false, &stacks);
        const sei_stack *s = &stacks.items[0];
        assert_int_equal(stacks.count, 1);
        assert_string_equal(s->name, files[f].channel);
        assert_int_equal(s->nx, files[f].nx);
        assert_int_equal(s->ny, files[f].ny);
        assert_int_equal(s->nz, files[f].nz);
        assert_int_equal(s->stored, files[f].stored);
        assert_true(s->data[s->nx * s->ny * s->nz - 1] == files[f].last);
        assert_true(isnan(s->pixel_nm));
        assert_int_equal(s->n_angles, 0);
        sei_stacks_free(&stacks);
    }
    snprintf(path, sizeof path, "%s/rsciio_example_object_dtype_data.emd", folder);
    refuse(path, "/test_group/data_group/data");
    assert_non_null(strstr(sei_last_error(), "text"));
    static const char *const velox[] = {"rsciio_fei_example_tem_stack.emd", "openncem_STEM_HAADF_Diffraction_Micro.emd"};
    for (size_t f = 0; f < 2; ++f) {
        snprintf(path, sizeof path, "%s/%s", folder, velox[f]);
        refuse(path, "Velox");
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
        assert_int_equal(s->nx, 256);
        assert_int_equal(s->ny, 256);
        assert_int_equal(s->nz, 16);
        assert_close(s->pixel_nm, 13.0814, 5e-5);
        for (int i = 0; i < 16; ++i) assert_close(s->tilt_deg[i], -40 + 5 * i, 0);
        assert_int_equal(s->stored, SEI_DTYPE_U16);
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
        cmocka_unit_test(nothing_outside_the_file),
        cmocka_unit_test(declared_sizes_are_not_believed),
        cmocka_unit_test(a_bomb_is_refused),
        cmocka_unit_test(truncated_and_broken_files),
        cmocka_unit_test(a_child_that_dies_is_an_error_message),
        cmocka_unit_test(memory_that_runs_out),
        cmocka_unit_test(a_disk_that_is_full),
        cmocka_unit_test(a_parent_with_threads),
        cmocka_unit_test(files_of_other_programs),
        cmocka_unit_test(real_series),
    };
    H5dont_atexit(); /* as the library does before its first call */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
