/*
 * Claims: a recipe's defaults are the rooms' own; the recipes in data/recipes load and wire.yaml explains every key; dropping
 * tilts and trimming keep the tilt axis where it is; a sealed record shows every flipped bit.
 *
 * needs: full
 */
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/report.h"
#include "seitomo/segment.h"
#include "seitomo/study.h"
#include "study/recipe_schema.h"
#include "study/record.h"
#include "study/run.h"
#include "study/series_edit.h"
#include "support/test.h"

static void test_recipe_defaults(void **state) {
    (void)state;
    sei_recipe *r = NULL;
    sei_test_text("short.yaml", "input: {files: [a.emd]}\nreconstruct: [{name: em}]\n");
    assert_ok(sei_recipe_load(sei_test_path("short.yaml"), 0, NULL, &r, NULL));
    sei_clean_options clean;
    sei_clean_options_default(&clean);
    assert_close(r->clean.hot_pixel_sigma, clean.hot_pixel_sigma, 0);
    assert_int_equal(r->clean.dead_lines, clean.dead_lines);
    assert_int_equal(r->clean.normalise, clean.normalise);
    assert_int_equal(r->clean.normalise_grey_only, clean.normalise_grey_only);
    sei_align_options align;
    sei_align_options_default(&align);
    assert_int_equal(r->align.cosine_stretch, align.cosine_stretch);
    assert_close(r->align.low_cutoff, align.low_cutoff, 0);
    assert_close(r->align.high_cutoff, align.high_cutoff, 0);
    assert_close(r->align.high_sigma, align.high_sigma, 0);
    assert_int_equal(r->align.iterations, align.iterations);
    assert_int_equal(r->align.interpolation, align.interpolation);
    assert_int_equal(r->align.find_axis_offset, align.find_axis_offset);
    assert_true(r->align.taper_px < 0 && align.taper_px < 0);
    sei_recon_options recon;
    sei_recon_options_default(&recon);
    assert_int_equal(r->reconstruct[0].iterations, recon.iterations);
    assert_int_equal(r->reconstruct[0].kernel, recon.kernel);
    assert_close(r->reconstruct[0].relaxation, recon.relaxation, 0);
    assert_close(r->reconstruct[0].filter_cutoff, recon.filter_cutoff, 0);
    sei_segment_options segment;
    sei_segment_options_default(&segment);
    assert_int_equal(r->segment.wire, segment.wire);
    assert_int_equal(r->segment.min_component_voxels, segment.min_component_voxels);
    assert_close(r->segment.closing_nm, segment.closing_nm, 0);
    assert_close(r->segment.min_void_width_px, segment.min_void_width_px, 0);
    sei_measure_options measure;
    sei_measure_options_default(&measure);
    assert_int_equal(r->measure.connectivity, measure.connectivity);
    sei_picture_options picture;
    sei_picture_options_default(&picture);
    assert_close(r->render.slice_nm, picture.thickness_nm, 0);
    assert_close(r->render.low_percentile, picture.low_percentile, 0);
    assert_close(r->render.high_percentile, picture.high_percentile, 0);
    assert_true(isnan(r->cycle));
    assert_true(isnan(r->input.pixel_nm));
    sei_recipe_free(r);
}

static void test_recipes_of_the_project_load(void **state) {
    (void)state;
    static const char *const names[] = {"wire.yaml", "ncem_idp_eds.yaml"};
    const char *source = getenv("SEITOMO_SOURCE");
    if (source == NULL) {
        printf("skipped: SEITOMO_SOURCE is not set\n");
        return;
    }
    for (size_t i = 0; i < 2; ++i) {
        char path[4096];
        sei_recipe *r = NULL;
        snprintf(path, sizeof path, "%s/data/recipes/%s", source, names[i]);
        assert_ok(sei_recipe_load(path, 0, NULL, &r, NULL));
        assert_true(r->n_reconstruct >= 2);
        sei_recipe_free(r);
    }
}

/* Every key below `schema` must stand in the text, alone or after a comment sign, with a colon. */
static void find_keys(const cyaml_schema_value_t *schema, const char *text) {
    if (schema->type == CYAML_SEQUENCE) {
        find_keys(schema->sequence.entry, text);
        return;
    }
    if (schema->type != CYAML_MAPPING) return;
    for (const cyaml_schema_field_t *field = schema->mapping.fields; field->key != NULL; ++field) {
        char wanted[128];
        snprintf(wanted, sizeof wanted, "%s:", field->key);
        const char *at = strstr(text, wanted);
        while (at != NULL && at > text && strchr(" \n", at[-1]) == NULL) at = strstr(at + 1, wanted);
        if (at == NULL) fail_msg("data/recipes/wire.yaml does not explain the key '%s'", field->key);
        find_keys(&field->value, text);
    }
}

static void test_wire_recipe_explains_every_key(void **state) {
    (void)state;
    const char *source = getenv("SEITOMO_SOURCE");
    char path[4096];
    char *text = NULL;
    if (source == NULL) {
        printf("skipped: SEITOMO_SOURCE is not set\n");
        return;
    }
    snprintf(path, sizeof path, "%s/data/recipes/wire.yaml", source);
    assert_ok(sei_file_read_text(path, 1 << 20, &text, NULL));
    find_keys(sei_recipe_spec.schema, text);
    sei_free(text);
}

/* What is wrong stands in the last line. */
static void refuse_recipe(const char *more, const char *part) {
    char text[1024], place[32];
    int line = 1;
    sei_recipe *r = NULL;
    snprintf(text, sizeof text, "input: {files: [a.emd]}\n%s", more);
    sei_test_text("bad.yaml", text);
    assert_refused(sei_recipe_load(sei_test_path("bad.yaml"), 0, NULL, &r, NULL), SEI_ERR_INPUT, part);
    assert_null(r);
    for (const char *c = more; *c != 0; ++c) line += *c == '\n';
    snprintf(place, sizeof place, "bad.yaml:%d: ", line);
    if (strstr(sei_last_error(), place) == NULL) fail_msg("'%s' lacks '%s'", sei_last_error(), place);
}

static void test_recipe_refusals(void **state) {
    (void)state;
    refuse_recipe("", "reconstruct: a list of 0, expected 1 to 32 items");
    refuse_recipe("reconstruct: [{name: ../up}]\n", "names a folder");
    refuse_recipe("reconstruct: [{name: a/b}]\n", "names a folder");
    refuse_recipe("reconstruct: [{name: em}, {name: EM}]\n", "is the name of reconstruct.0 too");
    refuse_recipe("reconstruct: [{name: em, bin_channels: [Fe]}]\n", "is not NAME=NUMBER");
    refuse_recipe("reconstruct: [{name: em, bin_channels: [Fe=1.5]}]\n", "whole number from 1 to 64");
    refuse_recipe("reconstruct: [{name: em, background: [Fe=-1]}]\n", "is not NAME=NUMBER");
    refuse_recipe("reconstruct: [{name: w, method: art}]\n", "is not one of: em, sirt, sirt-positive, wbp");
    refuse_recipe("reconstruct: [{name: w, filter: cosine}]\n", "is not one of: ramp, hann, shepp-logan");
    refuse_recipe("reconstruct: [{name: em}]\nsegment: {from: sirt}\n", "no reconstruction is named 'sirt'");
    refuse_recipe("reconstruct: [{name: em}]\nsegment: {rules: [{channel: Si, label: 7}]}\n", "7 is reserved");
    refuse_recipe("reconstruct: [{name: em}]\nsegment: {rules: [{channel: Si, label: 10}]}\n", "label 10 needs a name");
    refuse_recipe("reconstruct: [{name: em}]\nsegment: {rules: [{channel: Si, label: 1, otsu_take: 1}]}\n",
                  "2 classes have thresholds 0 to 0");
    refuse_recipe("reconstruct: [{name: em}]\nsegment: {rules: [{channel: Si, label: 1, colour: green}]}\n", "is not '#rrggbb'");
    refuse_recipe("reconstruct: [{name: em}]\nalign: {method: file}\n", "needs the CSV");
    refuse_recipe("reconstruct: [{name: em}]\nclean: {crop_nx: 5}\n", "go together");
    refuse_recipe("reconstruct: [{name: em}]\nrender: {low_percentile: 99.9}\n", "must be below");
    sei_test_text("bad.yaml", "input: {files: [a.emd], axis: up}\nreconstruct: [{name: em}]\n");
    sei_recipe *r = NULL;
    assert_refused(sei_recipe_load(sei_test_path("bad.yaml"), 0, NULL, &r, NULL), SEI_ERR_INPUT, "neither x, y nor an angle");
    char *pairs[] = {(char *)"Fe=4", (char *)"a=b=2"};
    assert_close(sei_recipe_pair(pairs, 2, "fe", 1), 4, 0);
    assert_close(sei_recipe_pair(pairs, 2, "a=b", 1), 2, 0);
    assert_close(sei_recipe_pair(pairs, 2, "Si", 1), 1, 0);
}

static void test_drop_and_trim(void **state) {
    (void)state;
    sei_series s = {0};
    sei_series cut = {0};
    assert_ok(sei_series_alloc(11, 7, 5, 2, &s));
    for (int t = 0; t < 5; ++t) s.tilts[t].tilt_deg = -20 + 10 * t;
    for (size_t i = 0; i < 5 * 7 * 11; ++i) s.channels[1].data[i] = (float)i;
    s.axis_offset_px = 1.25;
    s.pixel_nm = 2;
    snprintf(s.channels[1].name, SEI_NAME_LENGTH, "Fe");
    /* axis in pixels from the first column: it must not move */
    const double axis = 5.0 + s.axis_offset_px;
    assert_ok(sei_series_trim(&s, 1, 4, &cut));
    assert_int_equal(cut.nx, 8);
    assert_int_equal(cut.ny, 4);
    assert_string_equal(cut.channels[0].name, "Fe");
    assert_close(3.5 + cut.axis_offset_px, axis, 1e-12);
    assert_close((double)cut.channels[0].data[(2 * 4 + 3) * 8 + 7], (2 * 7 + 3) * 11 + 7, 0);
    sei_series_free(&cut);
    assert_refused(sei_series_trim(&s, 1, 8, &cut), SEI_ERR_INPUT, "cannot be binned by 8");
    const double drop[] = {-20, 10.005};
    assert_ok(sei_series_drop(&s, 2, drop));
    assert_int_equal(s.n_tilts, 3);
    assert_close(s.tilts[0].tilt_deg, -10, 0);
    assert_close(s.tilts[2].tilt_deg, 20, 0);
    assert_close((double)s.channels[1].data[2 * 77], 4 * 77, 0);
    assert_close(s.axis_offset_px, 1.25, 0);
    const double absent = 55;
    assert_refused(sei_series_drop(&s, 1, &absent), SEI_ERR_INPUT, "no tilt at 55 deg");
    const double all[] = {-10, 0, 20};
    assert_refused(sei_series_drop(&s, 3, all), SEI_ERR_INPUT, "no tilt is left");
    sei_series_free(&s);
}

static void test_safe_names(void **state) {
    (void)state;
    static const char *const cases[][2] = {{"Fe_Ka", "Fe_Ka"}, {"../../etc", "_._.._etc"}, {"", "_"},
                                           {"a/b", "a_b"},     {".hidden", "_hidden"},     {"-rf", "_rf"},
                                           {"a\nb", "a_b"},    {"Si\xc3\xa9", "Si__"},     {"<script>", "_script_"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        char safe[64];
        sei_safe_name(cases[i][0], safe, sizeof safe);
        assert_null(strchr(safe, '/'));
        assert_true(safe[0] != '.' && safe[0] != '-' && safe[0] != 0);
        if (i != 1) assert_string_equal(safe, cases[i][1]);
    }
}

static void test_seal_shows_every_flipped_bit(void **state) {
    (void)state;
    const char *path = sei_test_path("sealed.json");
    json_t *object = json_pack("{s:s, s:f, s:[i,i], s:n}", "name", "caf\xc3\xa9 \"x\"", "value", 0.1, "list", 1, 2, "none");
    json_t *back = NULL;
    assert_ok(sei_sealed_write(path, true, object));
    assert_ok(sei_sealed_read(path, &back));
    assert_int_equal(json_equal(object, back), 1);
    json_decref(back);
    json_decref(object);
    char text[1024];
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t n = fread(text, 1, sizeof text, file);
    fclose(file);
    for (size_t bit = 0; bit < 8 * n; ++bit) {
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
        file = fopen(path, "wb");
        assert_non_null(file);
        fwrite(text, 1, n, file);
        fclose(file);
        if (sei_sealed_read(path, &back) == SEI_OK) fail_msg("flipped bit %zu went unnoticed", bit);
        text[bit / 8] = (char)(text[bit / 8] ^ (1 << (bit % 8)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe_defaults),
        cmocka_unit_test(test_recipes_of_the_project_load),
        cmocka_unit_test(test_wire_recipe_explains_every_key),
        cmocka_unit_test(test_recipe_refusals),
        cmocka_unit_test(test_drop_and_trim),
        cmocka_unit_test(test_safe_names),
        cmocka_unit_test(test_seal_shows_every_flipped_bit),
    };
    return cmocka_run_group_tests(tests, NULL, sei_test_teardown);
}
