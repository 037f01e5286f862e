/*
 * needs: full
 * Claims: every kind of angle table reads with its values, CR LF or not, keys of an mdoc in any order; a table with a
 * missing, duplicated, NaN, radian or wrong-count angle, or a blank line inside, gives one clear line; an unsorted one is
 * legal; no table ever yields an unset angle; the third-party tables have the values of their SOURCE.md.
 */
#include "core/alloc.h"
#include "core/file.h"
#include "io/angles.h"
#include "support/test.h"

static const char *save(const char *name, const char *text) {
    const char *path = sei_test_path(name);
    assert_ok(sei_file_write_text(path, true, text, strlen(text)));
    return path;
}

static void columns(void **state) {
    sei_angle_table table = {0};
    (void)state;
    static const char *const plain[] = {"-10\n 0.5\n10.25\n",    "-10\r\n0.5\r\n10.25\r\n",     "-10\n0.5\n10.25",
                                        "-10\n0.5\n10.25\n\n\n", "# angles\n-10\n0.5\n10.25\n", "-10\r0.5\r10.25\r"};
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; ++i) {
        assert_ok(sei_angles_read(save("a.tlt", plain[i]), &table));
        assert_int_equal(table.count, 3);
        assert_close(table.tilt_deg[0], -10, 0);
        assert_close(table.tilt_deg[1], 0.5, 0);
        assert_close(table.tilt_deg[2], 10.25, 0);
        assert_true(table.order == NULL && table.dose_e_per_nm2 == NULL);
        sei_angle_table_free(&table);
    }
    assert_ok(sei_angles_read(save("a_TLT.txt", "-10 3 1.234\n0 1 12.5e-1\n10\t2\t0.1\n"), &table));
    assert_int_equal(table.order[0], 2);
    assert_int_equal(table.order[1], 0);
    assert_int_equal(table.order[2], 1);
    assert_true(table.dose_e_per_nm2[0] == 123.4 && table.dose_e_per_nm2[1] == 125 && table.dose_e_per_nm2[2] == 10);
    sei_angle_table_free(&table);
}

static void bad_columns(void **state) {
    sei_angle_table table = {0};
    static const struct {
        const char *text, *says;
    } bad[] = {{"-10\n\n10\n", "line 2 is blank"},
               {"\n-10\n10\n", "line 1 is blank"},
               {"-10\nnan\n10\n", "line 2: 'nan' is not an angle"},
               {"-10\ninf\n", "line 2: 'inf'"},
               {"-10\n3,5\n", "line 2: '3,5'"},
               {"-10\nzero\n", "line 2: 'zero'"},
               {"", "no angles"},
               {"# only words\n", "no angles"},
               {"-10 1\n0\n", "line 2 has 1 columns"},
               {"-10 1 1 1\n", "more than 3 columns"},
               {"-10 1\n0 1\n", "image 2 has acquisition order 1"},
               {"-10 1\n0 3\n", "image 2 has acquisition order 3"},
               {"-10 1.5\n0 1\n", "acquisition order"},
               {"-10 5\n0 6\n", "acquisition order"},
               {"-10 1 x\n", "not a dose"},
               {"-10 1 1e\n", "not a dose"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        assert_refused(sei_angles_read(save("bad.tlt", bad[i].text), &table), SEI_ERR_INPUT, bad[i].says);
        assert_null(table.tilt_deg);
    }
    const char *path = sei_test_path("nul.tlt");
    assert_ok(sei_file_write_text(path, true, "1\n2\0\n3\n", 7));
    assert_refused(sei_angles_read(path, &table), SEI_ERR_INPUT, "NUL byte at offset 3");
}

static void angles_are_checked(void **state) {
    double degrees[61];
    double radians[61];
    (void)state;
    for (int i = 0; i < 61; ++i) {
        degrees[i] = 2.0 * ((i * 7) % 61) - 60; /* unsorted is legal */
        radians[i] = degrees[i] * 0.017453292519943295;
    }
    assert_ok(sei_angles_check(degrees, 61, 61, "t"));
    assert_refused(sei_angles_check(degrees, 60, 61, "t"), SEI_ERR_INPUT, "60 angles for 61 images");
    assert_refused(sei_angles_check(degrees, 61, 60, "t"), SEI_ERR_INPUT, "too many");
    assert_refused(sei_angles_check(radians, 61, 61, "t"), SEI_ERR_INPUT, "radians");
    const double near_90[3] = {-1.57, 0, 1.57};
    assert_refused(sei_angles_check(near_90, 3, 3, "t"), SEI_ERR_INPUT, "-90.0 to 90.0 deg");
    degrees[7] = NAN;
    assert_refused(sei_angles_check(degrees, 61, 61, "t"), SEI_ERR_INPUT, "image 8 is not a number");
    degrees[7] = 400;
    assert_refused(sei_angles_check(degrees, 61, 61, "t"), SEI_ERR_INPUT, "image 8 is 400");
    degrees[7] = degrees[20];
    assert_refused(sei_angles_check(degrees, 61, 61, "t"), SEI_ERR_INPUT, "images 8 and 21 have the same tilt");
    for (int i = 0; i < 61; ++i) degrees[i] = 5;
    assert_refused(sei_angles_check(degrees, 61, 61, "t"), SEI_ERR_INPUT, "all 61 angles are 5 deg");
    const double one = 0.5;
    assert_ok(sei_angles_check(&one, 1, 1, "t"));
}

static void mdoc_in_any_order(void **state) {
    sei_angle_table first = {0};
    sei_angle_table second = {0};
    (void)state;
    assert_ok(sei_angles_read(save("a.mdoc",
                                   "PixelSpacing = 7.88\n[T =     Tilt axis angle = -88.7, binning = 1]\n"
                                   "[ZValue = 0]\nTiltAngle = -3\nExposureDose = 1.5\nDateTime = 31-Mar-23  16:24:15\n\n"
                                   "[ZValue = 1]\nTiltAngle = 0.25\nExposureDose = 2\nDateTime = 31-Mar-23  16:20:15\n"
                                   "[MontSection = 0]\nTiltAngle = 99\n"),
                              &first));
    assert_ok(
        sei_angles_read(save("b.mdoc",
                             "[T =     Tilt axis angle = -88.7, binning = 1]\r\nPixelSpacing = 7.88\r\n"
                             "[ZValue = 1]\r\nDateTime = 2023-Mar-31  16:20:15\r\nExposureDose=2\r\ntiltangle = 0.25\r\n"
                             "[ZValue = 0]\r\nExposureDose = 1.5\r\nDateTime = 2023-Mar-31 16:24:15\r\nNote\r\nTiltAngle = -3"),
                        &second));
    sei_angle_table *tables[2] = {&first, &second};
    for (int i = 0; i < 2; ++i) {
        const sei_angle_table *t = tables[i];
        assert_int_equal(t->count, 2);
        assert_close(t->tilt_deg[0], -3, 0);
        assert_close(t->tilt_deg[1], 0.25, 0);
        assert_int_equal(t->order[0], 1);
        assert_int_equal(t->order[1], 0);
        assert_close(t->dose_e_per_nm2[0], 150, 1e-12);
        assert_close(t->pixel_nm, 0.788, 1e-15);
        assert_close(t->axis_deg, -88.7, 0);
        sei_angle_table_free(tables[i]);
    }
    /* without times the dose before each image tells the order; across a month and a leap day times do */
    assert_ok(sei_angles_read(
        save("c.mdoc",
             "[FrameSet = 0]\nTiltAngle = 1\nPriorRecordDose = 3\n[FrameSet = 0]\nTiltAngle = 2\nPriorRecordDose = 0\n"),
        &first));
    assert_int_equal(first.order[0], 1);
    sei_angle_table_free(&first);
    assert_ok(sei_angles_read(save("d.mdoc",
                                   "[ZValue = 0]\nTiltAngle = 1\nDateTime = 01-Mar-24  00:00:01\n[ZValue = 1]\nTiltAngle = "
                                   "2\nDateTime = 29-Feb-24  23:59:59\n"),
                              &first));
    assert_int_equal(first.order[0], 1);
    sei_angle_table_free(&first);
}

static void bad_mdocs(void **state) {
    sei_angle_table table = {0};
    static const struct {
        const char *text, *says;
    } bad[] = {{"[ZValue = 0]\nTiltAngle = 1\n[ZValue = 1]\nStageZ = 3\n", "no TiltAngle"},
               {"[ZValue = 0]\nTiltAngle = 1\n[ZValue = 2]\nTiltAngle = 3\n", "[ZValue = 2] (line 3) where 1"},
               {"[ZValue = 0]\nTiltAngle = 1\n[ZValue = 0]\nTiltAngle = 3\n", "where 1 was expected"},
               {"[ZValue = 0]\nTiltAngle = nan\n", "line 2: TiltAngle = 'nan'"},
               {"[ZValue = 0]\nTiltAngle = \n", "TiltAngle = ''"},
               {"[ZValue = x]\nTiltAngle = 1\n", "'x' is not a whole number"},
               {"[ZValue 0]\n", "no section heading"},
               {"PixelSpacing = 5\n", "no [ZValue = n]"}};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; ++i) {
        assert_refused(sei_angles_read(save("bad.mdoc", bad[i].text), &table), SEI_ERR_INPUT, bad[i].says);
    }
}

static void side_files_are_found(void **state) {
    char *found = NULL;
    (void)state;
    const char *path = sei_test_path("wire.st");
    assert_ok(sei_angles_beside(path, &found));
    assert_null(found);
    static const char *const names[] = {"wire.mdoc", "wire.st.mdoc", "wire.tlt", "wire.rawtlt", "wire_TLT.txt"};
    for (size_t i = 0; i < 5; ++i) { /* each takes precedence over those before it */
        save(names[i], "0\n");
        assert_ok(sei_angles_beside(sei_test_path("wire.st"), &found));
        assert_string_equal(found, sei_test_path(names[i]));
        sei_free(found);
    }
    remove(sei_test_path("wire_TLT.txt"));
    assert_ok(sei_angles_beside(sei_test_path("wire.ali"), &found)); /* an aligned stack goes with the refined angles */
    assert_string_equal(found, sei_test_path("wire.tlt"));
    sei_free(found);
}

static void read_data(const char *folder, const char *name, sei_angle_table *table) {
    char path[4200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_ok(sei_angles_read(path, table));
}

static void others_tables(void **state) {
    sei_angle_table t = {0};
    sei_angle_table log = {0};
    const char *folder = sei_test_data("parse_angles");
    (void)state;
    if (folder == NULL) return;
    read_data(folder, "etspy_HAADF.rawtlt", &t);
    read_data(folder, "etspy_HAADF.txt", &log);
    assert_int_equal(t.count, 77);
    assert_int_equal(log.count, 77);
    for (size_t i = 0; i < 77; ++i) {
        assert_close(t.tilt_deg[i], -76 + 2 * (double)i, 0);
        assert_close(log.tilt_deg[i], t.tilt_deg[i], 0); /* the log of the same acquisition */
    }
    assert_close(log.pixel_nm, 3.36, 0);
    sei_angle_table_free(&t);
    sei_angle_table_free(&log);
    read_data(folder, "imod_2deg-even.rawtlt", &t);
    assert_int_equal(t.count, 61);
    for (size_t i = 0; i < 61; ++i) assert_close(t.tilt_deg[i], -60 + 2 * (double)i, 0);
    sei_angle_table_free(&t);
    read_data(folder, "imod_BBa.tlt", &t);
    assert_int_equal(t.count, 61);
    assert_close(t.tilt_deg[0], 65.06, 0);
    assert_close(t.tilt_deg[60], -55.12, 0);
    assert_ok(sei_angles_check(t.tilt_deg, 61, 61, "imod_BBa.tlt"));
    sei_angle_table_free(&t);
    read_data(folder, "mdocfile_tilt_series.mdoc", &t);
    assert_int_equal(t.count, 41);
    assert_close(t.tilt_deg[0], 0.000999877, 0);
    assert_close(t.tilt_deg[1], 3.00113, 0);
    assert_close(t.tilt_deg[2], -2.99863, 0);
    assert_close(t.pixel_nm, 0.54, 1e-15);
    assert_close(t.axis_deg, 85.3, 0);
    for (size_t i = 0; i < 41; ++i) assert_int_equal(t.order[i], (int)i);
    assert_ok(sei_angles_check(t.tilt_deg, 41, 41, "mdocfile"));
    sei_angle_table_free(&t);
    static const double tilts[3] = {-0.000488, 5.00054, -5.00151};
    for (int i = 0; i < 3; ++i) {
        char name[64];
        snprintf(name, sizeof name, "etspy_multiframe_test_00%d.mdoc", i);
        read_data(folder, name, &t);
        assert_int_equal(t.count, 2);
        assert_close(t.tilt_deg[0], tilts[i], 0);
        assert_close(t.axis_deg, -90, 0);
        assert_refused(sei_angles_check(t.tilt_deg, 2, 2, "two frames"), SEI_ERR_INPUT, "all 2 angles");
        sei_angle_table_free(&t);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns),           cmocka_unit_test(bad_columns), cmocka_unit_test(angles_are_checked),
        cmocka_unit_test(mdoc_in_any_order), cmocka_unit_test(bad_mdocs),   cmocka_unit_test(side_files_are_found),
        cmocka_unit_test(others_tables),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
