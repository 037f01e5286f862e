/*
 * Claims: a run writes whole, recorded files, gives the same bits in another folder, redoes only what a change touches (a
 * changed mask among them), takes the axis that comes with a table of shifts, keeps off files it did not write, off links, and
 * out of a folder that another process uses; verify finds a changed byte; compare finds EM's elongation of spheres below SIRT's.
 *
 * needs: full
 */
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "seitomo/report.h"
#include "seitomo/simulate.h"
#include "seitomo/study.h"
#include "support/test.h"

/* ---- a small wire, from simulation to report */

enum { SIDE = 40, ROWS = 12, TILTS = 13 };

static void make_series(const char *path, double drift_px) {
    double tilts[TILTS];
    for (int t = 0; t < TILTS; ++t) tilts[t] = -60 + 10 * t;
    static const sei_material materials[] = {{.name = "vacuum", .is_void = true},
                                             {.name = "sei", .label = SEI_LABEL_SEI},
                                             {.name = "silicon", .label = SEI_LABEL_SI},
                                             {.name = "pore", .label = SEI_LABEL_CLOSED_VOID, .is_void = true}};
    static const double signal[4][3] = {{0}, {0.4, 0, 1}, {1, 1, 0}, {0}};
    static const sei_body bodies[] = {
        {.shape = SEI_SHAPE_CYLINDER, .half_nm = {26, 0, 26}, .material = 1},
        {.shape = SEI_SHAPE_CYLINDER, .half_nm = {17, 0, 17}, .material = 2},
        {.shape = SEI_SHAPE_ELLIPSOID, .centre_nm = {4, 0, -3}, .half_nm = {6, 7, 6}, .material = 3}};
    sei_simulation s = {.nx = SIDE,
                        .ny = ROWS,
                        .nz = SIDE,
                        .pixel_nm = 2,
                        .n_channels = 3,
                        .channels = {{.name = "HAADF"}, {.name = "Si", .counts = 40}, {.name = "O", .counts = 40}},
                        .specimen = {.n_materials = 4, .materials = materials, .n_bodies = 3, .bodies = bodies},
                        .signal = signal[0],
                        .subsamples = 2,
                        .experiment = {.n_tilts = TILTS, .tilt_deg = tilts, .drift_px = drift_px, .seed = 7}};
    sei_simulated made = {0};
    assert_ok(sei_simulate(&s, &made));
    assert_ok(sei_io_write_series(path, &made.series, NULL, true));
    sei_simulated_free(&made);
}

static const char recipe_text[] =
    "title: a <b>small</b> wire\n"
    "cycle: 3\n"
    "input: {files: [wire.emd]}\n"
    "align: {method: none}\n"
    "reconstruct:\n"
    "  - {name: em, iterations: 4, channels: [Si, O], bin_channels: [O=2], pad_px: 4}\n"
    "  - {name: wbp, method: wbp, channels: [HAADF]}\n"
    "render: {views: [], min_side_px: 60}\n";

static sei_status run_in(const char *folder, size_t n_set, const char *const *set, bool force, sei_numbers *numbers) {
    const sei_run_options options = {.recipe = sei_test_path("wire.yaml"),
                                     .n_set = n_set,
                                     .set = set,
                                     .output = folder,
                                     .device = {.name = "cpu"},
                                     .force = force};
    return sei_run(&options, NULL, numbers);
}

static void sha_of(const char *folder, const char *name, char hex[65]) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(sei_io_sha256_file(path, hex));
}

static void test_run_resume_and_refusals(void **state) {
    (void)state;
    static const char *const results[] = {
        "aligned/series.emd", "volumes/em/Si.mrc", "volumes/em/O.mrc",  "volumes/wbp/HAADF.mrc",
        "labels/labels.mrc",  "measures.json",     "tables/shifts.csv", "pictures/labels_xz.png",
        "report.html",        "provenance.json",   "recipe.json",       "stages/align.json"};
    char one[512];
    char two[512];
    char path[1024];
    char a[65];
    char b[65];
    int64_t checked = 0;
    sei_numbers numbers = {0};
    make_series(sei_test_path("wire.emd"), 0);
    sei_test_text("wire.yaml", recipe_text);
    snprintf(one, sizeof one, "%s", sei_test_path("one"));
    snprintf(two, sizeof two, "%s", sei_test_path("two"));
    assert_ok(run_in(one, 0, NULL, false, &numbers));
    assert_ok(sei_verify_folder(one, &checked));
    assert_true(checked > 25);
    const sei_number *si = sei_numbers_find(&numbers, "si_volume");
    assert_non_null(si);
    assert_true(si->value > 0);
    sei_numbers_free(&numbers);
    /* another folder: the same bits; the run log alone may differ */
    assert_ok(run_in(two, 0, NULL, false, NULL));
    for (size_t i = 0; i < sizeof results / sizeof results[0]; ++i) {
        sha_of(one, results[i], a);
        sha_of(two, results[i], b);
        if (strcmp(a, b) != 0) fail_msg("%s differs between two runs", results[i]);
    }
    /* a changed picture setting leaves the volumes' files alone; the report follows */
    struct stat before;
    struct stat after;
    snprintf(path, sizeof path, "%s/volumes/em/Si.mrc", two);
    assert_int_equal(stat(path, &before), 0);
    sha_of(two, "report.html", a);
    const char *const thick[] = {"render.slice_nm=9"};
    assert_ok(run_in(two, 1, thick, false, NULL));
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino == after.st_ino && before.st_ctim.tv_sec == after.st_ctim.tv_sec &&
                before.st_ctim.tv_nsec == after.st_ctim.tv_nsec);
    sha_of(two, "report.html", b);
    assert_string_not_equal(a, b);
    /* a changed method redoes its volumes */
    const char *const more[] = {"reconstruct.0.iterations=5"};
    assert_ok(run_in(two, 1, more, false, NULL));
    assert_int_equal(stat(path, &after), 0);
    /* the old file went first, so a new one may have its number; its time tells */
    assert_true(before.st_ctim.tv_sec != after.st_ctim.tv_sec || before.st_ctim.tv_nsec != after.st_ctim.tv_nsec);
    /* a flipped byte is found, and the stage is done again with the first bits */
    snprintf(path, sizeof path, "%s/volumes/em/O.mrc", one);
    sha_of(one, "volumes/em/O.mrc", a);
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 2000, SEEK_SET);
    const int byte = fgetc(file);
    fseek(file, 2000, SEEK_SET);
    fputc(byte ^ 1, file);
    fclose(file);
    assert_refused(sei_verify_folder(one, NULL), SEI_ERR_INPUT, "volumes/em/O.mrc");
    assert_ok(run_in(one, 0, NULL, false, NULL));
    sha_of(one, "volumes/em/O.mrc", b);
    assert_string_equal(a, b);
    assert_ok(sei_verify_folder(one, NULL));
    /* the page again from the folder: the same page */
    snprintf(path, sizeof path, "%s", sei_test_path("again.html"));
    assert_ok(sei_report_folder(one, path, false));
    assert_refused(sei_report_folder(one, path, false), SEI_ERR_ENVIRONMENT, "--force");
    assert_ok(sei_io_sha256_file(path, a));
    sha_of(one, "report.html", b);
    assert_string_equal(a, b);
    assert_refused(sei_report_folder(sei_test_folder(), path, true), SEI_ERR_INPUT, "no finished run, batch or model");
}

/* The axis that comes with a table of shifts is used, unless the recipe has one of its own. */
static void test_run_takes_the_axis_of_the_shifts(void **state) {
    (void)state;
    static const struct {
        const char *columns, *cells, *set;
        double axis_offset_px;
    } cases[] = {{",axis_offset_px", ",1.5", "align.interpolation=linear", 1.5},
                 {",axis_offset_px", ",1.5", "align.axis_offset_px=-2", -2},
                 {",axis_offset_px", ",1.5", "input.axis_offset_px=3", 3},
                 {"", "", "align.interpolation=linear", 0}};
    make_series(sei_test_path("wire.emd"), 0);
    sei_test_text("wire.yaml", recipe_text);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        char text[2048], folder[512], file[600];
        const char *files[1] = {file};
        sei_read_options read;
        sei_series aligned = {0};
        int used = snprintf(text, sizeof text, "tilt_deg,dx_px,dy_px%s\n", cases[i].columns);
        for (int t = 0; t < TILTS; ++t)
            used += snprintf(text + used, sizeof text - (size_t)used, "%d,0.5,0%s\n", -60 + 10 * t, cases[i].cells);
        sei_test_text("shifts.csv", text);
        const char *const set[] = {"align.method=file", "align.shifts=shifts.csv", "segment.enabled=false", cases[i].set};
        snprintf(folder, sizeof folder, "%s_%zu", sei_test_path("axis"), i);
        assert_ok(run_in(folder, 4, set, false, NULL));
        snprintf(file, sizeof file, "%s/aligned/series.emd", folder);
        sei_read_options_default(&read);
        read.n_files = 1;
        read.files = files;
        assert_ok(sei_io_read_series(&read, &aligned));
        assert_close(aligned.axis_offset_px, cases[i].axis_offset_px, 1e-12);
        sei_series_free(&aligned);
    }
}

/* A mask is an input like any other: when it changes, what was made with it is made again. */
static void test_run_sees_a_changed_mask(void **state) {
    (void)state;
    static const char *const set[] = {"input.files=[wire.mrc]", "input.channels=[HAADF]", "segment.enabled=false",
                                      "reconstruct=[{name: wbp, method: wbp}]"};
    const char *from[1] = {sei_test_path("wire.emd")};
    const char *name[1] = {"HAADF"};
    sei_read_options read;
    sei_series series = {0};
    char folder[512], before[65], after[65];
    make_series(from[0], 0);
    sei_test_text("wire.yaml", recipe_text);
    sei_read_options_default(&read);
    read.n_files = read.n_channels = 1;
    read.files = from;
    read.channels = name;
    assert_ok(sei_io_read_series(&read, &series));
    const size_t n = (size_t)series.nx * (size_t)series.ny * (size_t)series.n_tilts;
    assert_ok(SEI_NEW(series.valid, (int64_t)n, 1, 1));
    snprintf(folder, sizeof folder, "%s", sei_test_path("masked"));
    for (size_t i = 0; i < n; ++i) series.valid[i] = 1;
    assert_ok(sei_io_write_series(sei_test_path("wire.mrc"), &series, NULL, true));
    assert_ok(run_in(folder, 4, set, false, NULL));
    sha_of(folder, "volumes/wbp/HAADF.mrc", before);
    for (size_t i = 0; i < n / 2; ++i) series.valid[i] = 0;
    assert_ok(sei_io_write_series(sei_test_path("wire.mrc"), &series, NULL, true));
    assert_ok(run_in(folder, 4, set, false, NULL));
    sha_of(folder, "volumes/wbp/HAADF.mrc", after);
    assert_string_not_equal(before, after);
    sei_series_free(&series);
}

static void test_run_keeps_off_foreign_files(void **state) {
    (void)state;
    char folder[512];
    char path[1024];
    char text[64] = "";
    make_series(sei_test_path("wire.emd"), 0);
    sei_test_text("wire.yaml", recipe_text);
    snprintf(folder, sizeof folder, "%s", sei_test_path("mine"));
    assert_int_equal(mkdir(folder, 0777), 0);
    snprintf(path, sizeof path, "%s/measures.json", folder);
    sei_test_text("mine/measures.json", "my thesis");
    assert_refused(run_in(folder, 0, NULL, false, NULL), SEI_ERR_ENVIRONMENT, "measures.json: exists already; use --force");
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_non_null(fgets(text, sizeof text, file));
    fclose(file);
    assert_string_equal(text, "my thesis");
    /* nothing was computed before the refusal */
    snprintf(path, sizeof path, "%s/tables", folder);
    assert_false(sei_folder_exists(path));
    assert_ok(run_in(folder, 0, NULL, true, NULL));

    /* what a run reads it never replaces, though it wrote it itself and may use force */
    char first[65], later[65];
    const char *const own[] = {"input.files=[mine/aligned/series.emd]"};
    sha_of(folder, "aligned/series.emd", first);
    assert_refused(run_in(folder, 1, own, true, NULL), SEI_ERR_ENVIRONMENT, "series.emd: is an input of this run");
    sha_of(folder, "aligned/series.emd", later);
    assert_string_equal(first, later);

    /* a link in the folder leads nowhere, even with force */
    snprintf(folder, sizeof folder, "%s", sei_test_path("linked"));
    assert_int_equal(mkdir(folder, 0777), 0);
    assert_int_equal(mkdir(sei_test_path("elsewhere"), 0777), 0);
    snprintf(path, sizeof path, "%s/volumes", folder);
    assert_int_equal(symlink(sei_test_path("elsewhere"), path), 0);
    assert_refused(run_in(folder, 0, NULL, true, NULL), SEI_ERR_ENVIRONMENT, "a link or file stands where a folder is needed");
    char **names = NULL;
    size_t n = 0;
    assert_ok(sei_folder_list(sei_test_path("elsewhere"), "", &names, &n));
    assert_int_equal(n, 0);
    sei_folder_list_free(names, n);

    /* a folder in use */
    snprintf(folder, sizeof folder, "%s", sei_test_path("busy"));
    assert_int_equal(mkdir(folder, 0777), 0);
    const int fd = open(folder, O_RDONLY | O_DIRECTORY);
    assert_true(fd >= 0);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_refused(run_in(folder, 0, NULL, false, NULL), SEI_ERR_ENVIRONMENT, "another process works in this folder");
    close(fd);
    /* a file where the folder should be; a recipe that asks for what is not there */
    sei_test_text("plain", "x");
    assert_refused(run_in(sei_test_path("plain"), 0, NULL, false, NULL), SEI_ERR_ENVIRONMENT, "plain");
    const char *const wrong[] = {"reconstruct.0.channels=[Xe]"};
    assert_refused(run_in(sei_test_path("wrong"), 1, wrong, false, NULL), SEI_ERR_INPUT, "the series has no channel 'Xe'");
    assert_non_null(strstr(sei_last_error(), "--set reconstruct.0.channels=[Xe]: "));
    const char *const coarse[] = {"reconstruct.0.bin_channels=[O=40]"};
    assert_refused(run_in(sei_test_path("coarse"), 1, coarse, false, NULL), SEI_ERR_INPUT, "wire.yaml:");
    sei_test_text("wire.yaml",
                  "input: {files: [wire.emd]}\nalign: {method: none}\nreconstruct:\n  - name: em\n    channels:\n"
                  "      - Si\n      - Xe\n");
    assert_refused(run_in(sei_test_path("line"), 0, NULL, false, NULL), SEI_ERR_INPUT,
                   "wire.yaml:6: reconstruct.0.channels: the series has no channel 'Xe'");
    sei_test_text("wire.yaml", recipe_text);
    const char *const absent[] = {"input.files=[absent.emd]"};
    assert_refused(run_in(sei_test_path("absent"), 1, absent, false, NULL), SEI_ERR_INPUT, "absent.emd: no such file");
    assert_false(sei_folder_exists(sei_test_path("absent")));
    const sei_run_options tight = {
        .recipe = sei_test_path("wire.yaml"), .output = sei_test_path("tight"), .device = {.name = "cpu"}, .memory_bytes = 1000};
    sei_run_plan plan = {0};
    assert_refused(sei_run(&tight, &plan, NULL), SEI_ERR_MEMORY, "wire.yaml: the run needs about");
    assert_int_equal(plan.nx, SIDE);
    assert_int_equal(plan.n_tilts, TILTS);
}

static void test_compare_on_spheres(void **state) {
    (void)state;
    enum { N = 48 };
    double tilts[25];
    for (int t = 0; t < 25; ++t) tilts[t] = -60 + 5 * t;
    static const sei_material materials[] = {{.name = "vacuum", .is_void = true}, {.name = "silicon", .label = 1}};
    static const double signal[] = {0, 1};
    static const sei_body bodies[] = {
        {.shape = SEI_SHAPE_ELLIPSOID, .centre_nm = {-9, 0, -8}, .half_nm = {5, 5, 5}, .material = 1},
        {.shape = SEI_SHAPE_ELLIPSOID, .centre_nm = {9, -2, 7}, .half_nm = {5, 5, 5}, .material = 1},
        {.shape = SEI_SHAPE_ELLIPSOID, .centre_nm = {-8, 3, 9}, .half_nm = {4, 4, 4}, .material = 1}};
    sei_simulation s = {.nx = N,
                        .ny = 20,
                        .nz = N,
                        .pixel_nm = 1,
                        .n_channels = 1,
                        .channels = {{.name = "HAADF"}},
                        .specimen = {.n_materials = 2, .materials = materials, .n_bodies = 3, .bodies = bodies},
                        .signal = signal,
                        .subsamples = 2,
                        .experiment = {.n_tilts = 25, .tilt_deg = tilts}};
    sei_simulated made = {0};
    sei_volume truth = {0};
    sei_device *device = NULL;
    sei_table rows = {0};
    sei_compare_options options;
    assert_ok(sei_simulate(&s, &made));
    assert_ok(sei_simulate_truth(&s, made.scale, NULL, &truth, NULL));
    const sei_device_options cpu = {.name = "cpu"};
    assert_ok(sei_device_open(&cpu, &device));
    sei_compare_options_default(&options);
    options.truth = &truth;
    assert_ok(sei_compare(device, &made.series, &options, sei_test_path("compared"), &rows));
    assert_int_equal(rows.n_rows, 3);
    const double em = sei_table_get(&rows, 0, "elongation_moments");
    const double sirt = sei_table_get(&rows, 1, "elongation_moments");
    assert_close(sei_table_get(&rows, 0, "objects"), 3, 0);
    assert_true(em > 0.9 && em < sirt);
    assert_close(sei_table_get(&rows, 0, "elongation_theory"), 1.552, 0.001);
    assert_true(sei_table_get(&rows, 0, "truth_rmse") < sei_table_get(&rows, 2, "truth_rmse"));
    assert_true(sei_table_get(&rows, 0, "log_likelihood") > sei_table_get(&rows, 2, "log_likelihood"));
    assert_true(sei_file_exists(sei_test_path("compared/compare_xz.png")));
    assert_true(sei_file_exists(sei_test_path("compared/em/HAADF.mrc")));
    /* nothing is overwritten */
    assert_refused(sei_compare(device, &made.series, &options, sei_test_path("compared"), NULL), SEI_ERR_ENVIRONMENT, "--force");
    truth.voxel_nm = 2;
    options.overwrite = true;
    assert_refused(sei_compare(device, &made.series, &options, sei_test_path("compared"), NULL), SEI_ERR_INPUT,
                   "not the same space");
    sei_table_free(&rows);
    sei_volume_free(&truth);
    sei_simulated_free(&made);
    sei_device_close(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_run_resume_and_refusals, sei_test_teardown),
        cmocka_unit_test_teardown(test_run_takes_the_axis_of_the_shifts, sei_test_teardown),
        cmocka_unit_test_teardown(test_run_sees_a_changed_mask, sei_test_teardown),
        cmocka_unit_test_teardown(test_run_keeps_off_foreign_files, sei_test_teardown),
        cmocka_unit_test_teardown(test_compare_on_spheres, sei_test_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, sei_test_teardown);
}
