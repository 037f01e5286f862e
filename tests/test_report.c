/*
 * needs: full
 * Claims: numbers are rounded to the second digit of their standard deviation; ten hostile texts stay text wherever the page
 * takes texts, and the page allows no script and nothing from outside; a page is the same bytes in any locale; pictures are
 * embedded whole, absent ones are named; the contents list nests; plots run no command, leave gaps at NaN, refuse unknown
 * columns, and without gnuplot nothing is written and nothing fails.
 */
#include <locale.h>
#include <unistd.h>

#include "core/alloc.h"
#include "core/file.h"
#include "report/digits.h"
#include "report/escape.h"
#include "seitomo/report.h"
#include "support/test.h"

#define MINUS "\xe2\x88\x92"
#define PM " \xc2\xb1 "

static void numbers_are_rounded_by_their_error(void **state) {
    static const struct {
        double value, sd;
        const char *shown;
    } cases[] = {{12.3456, 0.1234, "12.35" PM "0.12"},
                 {12.3456, 0.0996, "12.35" PM "0.10"},
                 {-0.001234, 0.0123, MINUS "0.001" PM "0.012"},
                 {4711, 12, "4711" PM "12"},
                 {123456, 12,
                  "123\xe2\x80\xaf"
                  "456" PM "12"},
                 {123456, 1200, "(1.235" PM "0.012) \xc3\x97 10\xe2\x81\xb5"},
                 {2.13e-7, 1e-9, "(2.130" PM "0.010) \xc3\x97 10\xe2\x81\xbb\xe2\x81\xb7"},
                 {5, 0, "5" PM "0"},
                 {20.123456, NAN, "20.12"},
                 {40, NAN, "40"},
                 {6.02214e23, NAN, "6.022 \xc3\x97 10\xc2\xb2\xc2\xb3"},
                 {NAN, 3, "\xe2\x80\x93"},
                 {0.4999, 0.05, "0.500" PM "0.050"}};
    char shown[SEI_DIGITS_LENGTH];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        sei_digits_with_sd(cases[i].value, cases[i].sd, shown);
        assert_string_equal(shown, cases[i].shown);
    }
    sei_digits_with_sd(1e300, 1e-300, shown); /* no overflow, whatever is printed */
    sei_digits_with_sd(5e-324, NAN, shown);
    sei_digits_fixed(-0.0001, 2, shown);
    assert_string_equal(shown, "0.00");
    const double column[] = {-60, -30.5, 0, 30.25, NAN};
    assert_int_equal(sei_digits_choose(column, 5, 1).decimals, 2);
    const double whole[] = {1, 2, 3};
    assert_int_equal(sei_digits_choose(whole, 3, 1).decimals, 0);
    const double large[] = {1.5e8, 2e12};
    assert_true(sei_digits_choose(large, 2, 1).scientific);
}

/* Ten texts that break pages which paste them. */
static const char *const hostile[10] = {"<script>alert(1)</script>",
                                        "\"><img src=x onerror=alert(1)>",
                                        "' onmouseover='alert(1)",
                                        "</title></style></pre></details><svg onload=alert(1)>",
                                        "javascript:alert(1)",
                                        "&lt;b&gt; &amp; &#60;",
                                        "<!--",
                                        "]]><![CDATA[",
                                        "</td></tr></table><iframe src=//evil.test>",
                                        "{{7*7}} ${7*7} `id` %s%n"};

static size_t count(const char *text, const char *part) {
    size_t n = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part)) ++n;
    return n;
}

static void build_hostile(const char *path, const char *picture) {
    sei_page *page = NULL;
    assert_ok(sei_page_begin(hostile[0], &page));
    for (int i = 0; i < 10; ++i) {
        sei_numbers numbers = {0};
        sei_facts facts = {0};
        sei_table table = {0};
        assert_ok(sei_numbers_set(&numbers, hostile[i], i, "<b>", NAN));
        assert_ok(sei_facts_set(&facts, hostile[i], hostile[i], hostile[i]));
        assert_ok(sei_table_alloc(hostile[i], 1, &hostile[i], 1, &table));
        assert_ok(sei_page_heading(page, 2 + i % 3, hostile[i]));
        assert_ok(sei_page_paragraph(page, hostile[i]));
        assert_ok(sei_page_numbers(page, hostile[i], &numbers));
        assert_ok(sei_page_facts(page, hostile[i], &facts));
        assert_ok(sei_page_table(page, hostile[i], &table, &hostile[i]));
        assert_ok(sei_page_picture(page, picture, hostile[i]));
        assert_ok(sei_page_picture(page, "/nowhere/<i>.png", hostile[i]));
        assert_ok(sei_page_provenance(page, hostile[i], hostile[i]));
        sei_numbers_free(&numbers);
        sei_facts_free(&facts);
        sei_table_free(&table);
    }
    assert_ok(sei_page_finish(page, path, false));
}

static void hostile_texts_stay_text(void **state) {
    sei_picture_options options;
    sei_volume volume = {0};
    char *html = NULL, *again = NULL;
    (void)state;
    assert_ok(sei_volume_alloc(3, 3, 3, 1, &volume));
    sei_picture_options_default(&options);
    const char *picture = sei_test_path("picture.png");
    assert_ok(sei_render_slice(picture, &volume, &options, false));
    sei_volume_free(&volume);
    build_hostile(sei_test_path("page.html"), picture);
    assert_ok(sei_file_read_text(sei_test_path("page.html"), 1 << 26, &html, NULL));
    assert_int_equal(count(html, "default-src 'none'; img-src data:; style-src 'unsafe-inline'\">"), 1);
    static const char *const forbidden[] = {"<script",           "<iframe", "<svg",   "<img src=x", "onerror=alert(1)>",
                                            " onload=alert(1)>", "<!--",    "<b>\"",  "<i>.png",    "href=\"j",
                                            "src=\"h",           "http:",   "https:", "url("};
    for (size_t i = 0; i < sizeof forbidden / sizeof forbidden[0]; ++i) {
        if (strstr(html, forbidden[i]) != NULL) fail_msg("the page holds '%s'", forbidden[i]);
    }
    assert_int_equal(count(html, "<img alt="), 10);
    assert_int_equal(count(html, "was not made."), 10);
    assert_int_equal(count(html, "<ul>"), count(html, "</ul>"));
    assert_int_equal(count(html, "<li>"), count(html, "</li>"));
    assert_int_equal(count(html, "<div"), count(html, "</div>"));
    (void)setlocale(LC_ALL, "de_DE.UTF-8");
    build_hostile(sei_test_path("page2.html"), picture);
    (void)setlocale(LC_ALL, "C");
    assert_ok(sei_file_read_text(sei_test_path("page2.html"), 1 << 26, &again, NULL));
    assert_string_equal(html, again);
    sei_free(html);
    sei_free(again);
}

static void texts_become_valid_utf8(void **state) {
    static const char *const cases[][2] = {{"a&b", "a&#38;b"},
                                           {"\xff", "\xef\xbf\xbd"},
                                           {"\xc0\xbc script", "\xef\xbf\xbd\xef\xbf\xbd script"}, /* an overlong '<' */
                                           {"\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd"},
                                           {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                                           {"\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80"},
                                           {"\x01\t\n\r", "\xef\xbf\xbd\t\n&#13;"}};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        sei_text out = {0};
        assert_ok(sei_html_escape(&out, cases[i][0]));
        assert_string_equal(out.data, cases[i][1]);
        sei_text_free(&out);
    }
}

static void pictures_are_checked(void **state) {
    sei_page *page = NULL;
    (void)state;
    assert_ok(sei_file_write_text(sei_test_path("x.html.png"), false, "<html>no picture</html>..............", 37));
    assert_ok(sei_page_begin("t", &page));
    assert_refused(sei_page_picture(page, sei_test_path("x.html.png"), ""), SEI_ERR_INPUT, "neither PNG nor SVG");
    assert_refused(sei_page_finish(page, sei_test_path("no/folder/x.html"), false), SEI_ERR_ENVIRONMENT, "does not exist");
    sei_page_free(NULL);
}

static void plots_are_inert_and_optional(void **state) {
    static const char *const names[] = {"x", "a'b", "`touch owned`"};
    static const char *const series[] = {"a'b", "`touch owned`"};
    static const char *const wrong[] = {"c"};
    const sei_plot plot = {.title = "]]></text><script>alert(1)</script>",
                           .x_label = "'; system('touch owned'); '",
                           .y_label = "y \xff (nm)",
                           .x = "x",
                           .n_series = 2,
                           .series = series,
                           .errors = series};
    const sei_plot unknown = {.x = "x", .n_series = 1, .series = wrong};
    sei_table table = {0};
    char *text = NULL;
    (void)state;
    assert_ok(sei_table_alloc("t", 3, names, 12, &table));
    for (int i = 0; i < 12; ++i) {
        table.cells[3 * i] = i;
        table.cells[3 * i + 1] = i == 5 ? NAN : 1e6 * i;
        table.cells[3 * i + 2] = -2e5 * i;
    }
    assert_refused(sei_plot_table(sei_test_path("u"), &table, &unknown, false), SEI_ERR_INPUT, "it has: x, a'b");
    /* no program to be found: nothing written, no error */
    char *path = strdup(getenv("PATH"));
    setenv("PATH", sei_test_folder(), 1);
    assert_ok(sei_plot_table(sei_test_path("absent"), &table, &plot, false));
    setenv("PATH", path, 1);
    free(path);
    assert_false(sei_file_exists(sei_test_path("absent.svg")));
    assert_false(sei_file_exists(sei_test_path("absent.png")));
    assert_ok(sei_plot_table(sei_test_path("p"), &table, &plot, false));
    assert_int_not_equal(access("owned", F_OK), 0);
    if (!sei_file_exists(sei_test_path("p.svg"))) {
        printf("skipped: no gnuplot\n");
    } else {
        assert_refused(sei_plot_table(sei_test_path("p"), &table, &plot, false), SEI_ERR_ENVIRONMENT, "--force");
        assert_ok(sei_file_read_text(sei_test_path("p.svg"), 1 << 24, &text, NULL));
        assert_null(strstr(text, "<script"));
        assert_null(strstr(text, "]]>"));
        assert_non_null(strstr(text, "(10\xe2\x81\xb6 nm)")); /* 11 000 000 is drawn as 11 */
        char *again = NULL;
        assert_ok(sei_plot_table(sei_test_path("p"), &table, &plot, true));
        assert_ok(sei_file_read_text(sei_test_path("p.svg"), 1 << 24, &again, NULL));
        assert_string_equal(text, again);
        sei_free(text);
        sei_free(again);
    }
    sei_table_free(&table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_rounded_by_their_error),
        cmocka_unit_test(hostile_texts_stay_text),
        cmocka_unit_test(texts_become_valid_utf8),
        cmocka_unit_test(pictures_are_checked),
        cmocka_unit_test(plots_are_inert_and_optional),
    };
    return cmocka_run_group_tests(tests, NULL, sei_test_teardown);
}
