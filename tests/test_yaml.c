/*
 * Claims: a recipe file is loaded into its struct with defaults and --set overrides in place; every mistake (unknown,
 * missing or double key, wrong type, range, alias bomb, a mebibyte of brackets or keys, tab, empty or foreign file) is refused in
 * one line that names file and line, or the --set, and the key's path; the program's locale does not change numbers.
 *
 * needs: full
 */
#include <jansson.h>
#include <locale.h>
#include <time.h>

#include "core/alloc.h"
#include "study/yaml.h"
#include "support/test.h"

typedef struct step {
    char *name;
    int iterations;
    double cutoff;
    bool positive;
} step;

typedef struct demo {
    char *title;
    double pixel_nm;
    unsigned n_files;
    char **files;
    unsigned n_steps;
    step *steps;
    struct {
        int radius;
        int mode;
    } clean;
} demo;

static const cyaml_schema_value_t text_entry = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 1, 64)};
static const cyaml_strval_t modes[] = {{"none", 0}, {"mean", 1}, {"median", 2}};
static const cyaml_schema_field_t step_fields[] = {CYAML_FIELD_STRING_PTR("name", CYAML_FLAG_POINTER, step, name, 1, 64),
                                                   CYAML_FIELD_INT("iterations", CYAML_FLAG_DEFAULT, step, iterations),
                                                   CYAML_FIELD_FLOAT("cutoff", CYAML_FLAG_DEFAULT, step, cutoff),
                                                   SEI_YAML_BOOL("positive", CYAML_FLAG_DEFAULT, step, positive),
                                                   CYAML_FIELD_END};
static const cyaml_schema_value_t step_entry = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, step, step_fields)};
static const cyaml_schema_field_t clean_fields[] = {
    {.key = "radius", .data_offset = 0, .value = {CYAML_VALUE_INT(CYAML_FLAG_DEFAULT, int)}},
    {.key = "mode", .data_offset = sizeof(int), .value = {CYAML_VALUE_ENUM(CYAML_FLAG_STRICT, int, modes, 3)}},
    CYAML_FIELD_END};
static const cyaml_schema_field_t fields[] = {
    CYAML_FIELD_STRING_PTR("title", CYAML_FLAG_POINTER, demo, title, 0, 64),
    CYAML_FIELD_FLOAT("pixel_nm", CYAML_FLAG_OPTIONAL, demo, pixel_nm),
    CYAML_FIELD_SEQUENCE_COUNT("files", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, demo, files, n_files, &text_entry, 0, 4),
    CYAML_FIELD_SEQUENCE_COUNT("steps", CYAML_FLAG_POINTER, demo, steps, n_steps, &step_entry, 0, 3),
    CYAML_FIELD_MAPPING("clean", CYAML_FLAG_DEFAULT, demo, clean, clean_fields),
    CYAML_FIELD_END};
static const cyaml_schema_value_t schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, demo, fields)};
static const sei_yaml_range ranges[] = {{"steps.*.iterations", 1, 1000}, {"clean.radius", 0, 9}};
static const sei_yaml_spec spec = {
    .what = "demo",
    .schema = &schema,
    .defaults =
        "title: ''\n"
        "steps: [{iterations: 20, cutoff: nan, positive: false}]\n"
        "clean: {radius: 2, mode: none}\n",
    .n_ranges = 2,
    .ranges = ranges,
};

static const char good[] =
    "# a comment\n"
    "title: \"wire: 36\"\n"
    "files:\n"
    "  - a.mrc\n"
    "  - b.mrc\n"
    "steps:\n"
    "  - name: em\n"
    "    cutoff: 0.5\n"
    "  - {name: sirt, iterations: 7, positive: yes}\n";

static sei_status load(const char *text, size_t n_set, const char *const *set, demo **out, char **resolved) {
    return sei_yaml_load_text(&spec, "demo.yaml", text, strlen(text), n_set, set, (void **)out, resolved);
}

static void test_values_and_defaults(void **state) {
    (void)state;
    demo *d = NULL;
    char *resolved = NULL;
    assert_ok(load(good, 0, NULL, &d, &resolved));
    assert_string_equal(d->title, "wire: 36");
    assert_int_equal(d->n_files, 2);
    assert_string_equal(d->files[1], "b.mrc");
    assert_int_equal(d->n_steps, 2);
    assert_int_equal(d->steps[0].iterations, 20);
    assert_close(d->steps[0].cutoff, 0.5, 0);
    assert_false(d->steps[0].positive);
    assert_int_equal(d->steps[1].iterations, 7);
    assert_true(isnan(d->steps[1].cutoff));
    assert_true(d->steps[1].positive);
    assert_int_equal(d->clean.radius, 2);
    assert_close(d->pixel_nm, 0, 0);
    /* the resolved text is JSON and holds defaults too */
    json_t *json = json_loads(resolved, 0, NULL);
    assert_non_null(json);
    assert_string_equal(json_string_value(json_object_get(json_object_get(json, "clean"), "radius")), "2");
    json_decref(json);
    sei_free(resolved);
    sei_yaml_free(&spec, d);
}

static void test_overrides(void **state) {
    (void)state;
    static const char *const set[] = {"steps.1.iterations=5",     "clean.mode=median",   "title=a=b: [c]",
                                      "files=[x.mrc, 'y z.mrc']", "steps.2={name: wbp}", "steps.2.positive=true",
                                      "pixel_nm=2.134",           "steps.0.cutoff="};
    demo *d = NULL;
    assert_ok(load(good, 8, set, &d, NULL));
    assert_int_equal(d->steps[1].iterations, 5);
    assert_int_equal(d->clean.mode, 2);
    assert_string_equal(d->title, "a=b: [c]");
    assert_string_equal(d->files[1], "y z.mrc");
    assert_int_equal(d->n_steps, 3);
    assert_string_equal(d->steps[2].name, "wbp");
    assert_true(d->steps[2].positive);
    assert_int_equal(d->steps[2].iterations, 20);
    assert_close(d->pixel_nm, 2.134, 0);
    assert_true(isnan(d->steps[0].cutoff)); /* no value: as if not given */
    sei_yaml_free(&spec, d);
    /* quotes keep brackets as text */
    static const char *const quoted[] = {"title=\"[a, b\"", "steps.0.name=\"half"};
    d = NULL;
    assert_ok(load(good, 2, quoted, &d, NULL));
    assert_string_equal(d->title, "[a, b");
    assert_string_equal(d->steps[0].name, "\"half");
    sei_yaml_free(&spec, d);
    /* a list that the file lacks grows from its first item */
    static const char *const grow[] = {"steps.0.name=em", "steps.1.name=wbp"};
    d = NULL;
    assert_ok(load("title: x\n", 2, grow, &d, NULL));
    assert_int_equal(d->n_steps, 2);
    assert_string_equal(d->steps[1].name, "wbp");
    sei_yaml_free(&spec, d);
    d = NULL;
    assert_ok(load("title: x\n", 0, NULL, &d, NULL));
    assert_int_equal(d->n_steps, 0); /* the pattern in the defaults is no item */
    sei_yaml_free(&spec, d);
}

static void refuse(const char *text, const char *part) {
    demo *d = NULL;
    assert_refused(load(text, 0, NULL, &d, NULL), SEI_ERR_INPUT, part);
    assert_null(d);
    assert_null(strchr(sei_last_error(), '\n'));
}

static void test_refusals_name_file_line_and_key(void **state) {
    (void)state;
    refuse("title: a\nstps: []\n", "demo.yaml:2: unknown key 'stps'; there are: title, pixel_nm, files, steps, clean");
    refuse("title: a\nclean:\n  radius: 3\n  radios: 4\n", "demo.yaml:4: clean: unknown key 'radios'; there are: radius, mode");
    refuse("steps:\n  - name: em\n    iterations: many\n", "demo.yaml:3: steps.0.iterations: 'many' is not a whole number");
    refuse("steps:\n  - {name: em, iterations: 2.5}\n", "demo.yaml:2: steps.0.iterations: '2.5' is not a whole number");
    refuse("steps:\n  - {name: em, iterations: 010}\n", "'010' is not a whole number");
    refuse("steps:\n  - {name: em, iterations: 0}\n", "steps.0.iterations: 0 is out of range, expected 1 to 1000");
    refuse("steps: [{name: em, iterations: 99999999999999999999}]\n", "is not a whole number");
    refuse("steps: [{name: em, iterations: 4294967296}]\n", "does not fit");
    refuse("steps: [{name: em, cutoff: 1;5}]\n", "steps.0.cutoff: '1;5' is not a number");
    refuse("pixel_nm: nan\n", "pixel_nm: 'nan' is not a finite number");
    refuse("steps: [{name: em, positive: maybe}]\n", "steps.0.positive: 'maybe' is not one of: false, true, no, yes");
    refuse("clean: {mode: max}\n", "clean.mode: 'max' is not one of: none, mean, median");
    refuse("clean: 5\n", "demo.yaml:1: clean: a single value found, expected a mapping of keys");
    refuse("title: [a]\n", "title: a list found, expected a single value");
    refuse("steps: {name: em}\n", "steps: a mapping found, expected a list");
    refuse("steps:\n  - iterations: 3\n", "demo.yaml:2: steps.0: the key 'name' is missing");
    refuse("files: [a, b, c, d, e]\n", "files: a list of 5, expected 0 to 4 items");
    refuse("title: a\nclean: {}\ntitle: b\n", "demo.yaml:3: title: this key stands twice (first in line 1)");
    refuse("[a, b]\n", "demo.yaml:1: a list found, expected a mapping");
    refuse("just words\n", "a single value found, expected a mapping");
    refuse("? [a, b]\n: c\n", "a key must be a single word");
    refuse("title: a\n---\ntitle: b\n", "several documents");
    refuse("title:\n\tx: 1\n", "tabs are not allowed");
    refuse("title: 'open\n", "demo.yaml:");
    refuse("title: \"a\\0b\"\n", "NUL");
    refuse("title: \xff\xfe\xfd\n", "UTF-8");
    refuse("", "the file is empty");
    refuse("# only a comment\n", "the file is empty");
    refuse("a: {b: {c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: 1}}}}}}}}}}}}\n", "nested deeper than 12");
}

static void test_alias_bomb(void **state) {
    (void)state;
    refuse("a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: &d [*c,*c]\n", "aliases");
    refuse("a: &a\n  b: *a\n", "aliases");
    char text[4096] = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n";
    for (int i = 1; i < 40; ++i) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d,*a%d,*a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1,
                 i - 1, i - 1);
    }
    refuse(text, "aliases");
}

/* A mebibyte of brackets or of keys is refused at once (libyaml's time, and that of looking for keys that stand twice, would
   grow with the square: a quarter of an hour), without using up the stack. */
static void test_files_made_to_last(void **state) {
    (void)state;
    enum { BYTES = 1000000 };
    char *text = malloc(BYTES + 1);
    assert_non_null(text);
    for (int kind = 0; kind < 3; ++kind) {
        memset(text, "[{-"[kind], BYTES);
        if (kind == 2) {
            for (int i = 1; i < BYTES; i += 2) text[i] = ' '; /* - - - - */
        }
        text[BYTES] = 0;
        const clock_t begin = clock();
        refuse(text, "demo.yaml:1: nested deeper than 12 levels");
        assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 2);
    }
    size_t used = 0;
    for (int i = 0; used < BYTES - 20; ++i) used += (size_t)snprintf(text + used, BYTES - used, "k%d: 1\n", i);
    const clock_t begin = clock();
    refuse(text, "demo.yaml:1001: more than 1000 keys in one mapping");
    assert_true((double)(clock() - begin) / CLOCKS_PER_SEC < 5);
    free(text);
}

static void test_set_refusals(void **state) {
    (void)state;
    static const struct {
        const char *set, *part;
    } cases[] = {{"clean.radios=4", "--set clean.radios=4: unknown key 'radios'"},
                 {"clean.radius=x", "--set clean.radius=x: 'x' is not a whole number"},
                 {"clean.radius=10", "10 is out of range, expected 0 to 9"},
                 {"steps.9.name=x", "'9' is no item of a list of 2"},
                 {"steps.x.name=x", "'x' is no item"},
                 {"title.x=1", "'x' lies below a single value"},
                 {"=1", "write KEY.PATH=VALUE"},
                 {"title", "write KEY.PATH=VALUE"},
                 {"...=1", "write KEY.PATH=VALUE"},
                 {"files=[a, b", "--set files=[a, b"},
                 {"a.a.a.a.a.a.a.a.a.a.a.a.a.a.a=1", "nested deeper"},
                 {"files=[&a x, *a]", "aliases"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        demo *d = NULL;
        assert_refused(load(good, 1, &cases[i].set, &d, NULL), SEI_ERR_USAGE, cases[i].part);
        assert_null(d);
    }
}

static void test_file_and_locale(void **state) {
    (void)state;
    demo *d = NULL;
    FILE *file = fopen(sei_test_path("demo.yaml"), "wb");
    assert_non_null(file);
    fputs(good, file);
    fclose(file);
    const char *before = setlocale(LC_ALL, NULL);
    char saved[256];
    snprintf(saved, sizeof saved, "%s", before);
    const bool comma = setlocale(LC_ALL, "de_DE.UTF-8") != NULL;
    if (!comma) printf("skipped: no locale with a decimal comma on this machine\n");
    assert_ok(sei_yaml_load(&spec, sei_test_path("demo.yaml"), 0, NULL, (void **)&d, NULL));
    setlocale(LC_ALL, saved);
    assert_close(d->steps[0].cutoff, 0.5, 0);
    sei_yaml_free(&spec, d);
    d = NULL;
    assert_refused(sei_yaml_load(&spec, sei_test_path("absent.yaml"), 0, NULL, (void **)&d, NULL), SEI_ERR_INPUT, "no such file");
    file = fopen(sei_test_path("large.yaml"), "wb");
    assert_non_null(file);
    for (int i = 0; i < 70000; ++i) fputs("# sixteen bytes\n", file);
    fclose(file);
    assert_refused(sei_yaml_load(&spec, sei_test_path("large.yaml"), 0, NULL, (void **)&d, NULL), SEI_ERR_INPUT,
                   "more than the 1048576 allowed");
    sei_test_clean();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_and_defaults),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_refusals_name_file_line_and_key),
        cmocka_unit_test(test_alias_bomb),
        cmocka_unit_test(test_files_made_to_last),
        cmocka_unit_test(test_set_refusals),
        cmocka_unit_test(test_file_and_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
