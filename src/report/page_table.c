/* Numbers, tables and facts in the page. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/digits.h"
#include "report/escape.h"
#include "report/page.h"

/* Whether it is one of our stable names, which can be put into words; anything else is shown as it is. */
static bool stable_name(const char *name) {
    if (!islower((unsigned char)name[0])) return false;
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

/* "sei_thickness_mean" -> "SEI thickness mean". */
static sei_status put_words(sei_text *out, const char *name, size_t length) {
    static const struct {
        const char *plain, *shown;
    } words[] = {{"si", "Si"}, {"sei", "SEI"}, {"haadf", "HAADF"}, {"eds", "EDS"}, {"fsc", "FSC"},     {"o", "O"},
                 {"f", "F"},   {"c", "C"},     {"p", "P"},         {"pb", "P/B"},  {"nrmse", "NRMSE"}, {"dx", "dx"},
                 {"dy", "dy"}, {"x", "x"},     {"y", "y"},         {"z", "z"},     {"r", "r"}};
    sei_status status = SEI_OK;
    const char *at = name;
    bool first = true;
    while (at < name + length) {
        char word[SEI_NAME_LENGTH];
        size_t n = strcspn(at, "_");
        if (at + n > name + length) n = (size_t)(name + length - at);
        snprintf(word, sizeof word, "%.*s", (int)n, at);
        bool known = false;
        for (size_t i = 0; i < sizeof words / sizeof words[0] && !known; ++i) {
            known = strcmp(word, words[i].plain) == 0;
            if (known) snprintf(word, sizeof word, "%s", words[i].shown);
        }
        if (first && !known) word[0] = (char)toupper((unsigned char)word[0]);
        SEI_TRY(sei_text_add(out, "%s", first ? "" : " "));
        SEI_TRY(sei_html_escape(out, word));
        first = false;
        at += n + (at[n] == '_');
    }
done:
    return status;
}

/* A column's name in words with the unit that ends it: "dose_e_per_nm2" -> "Dose (e- nm-2)". */
static sei_status put_column(sei_text *out, const char *name) {
    static const char *const units[][2] = {{"_e_per_nm2", "e_per_nm2"},
                                           {"_nm3", "nm3"},
                                           {"_nm2", "nm2"},
                                           {"_nm", "nm"},
                                           {"_um", "um"},
                                           {"_px", "px"},
                                           {"_deg", "deg"},
                                           {"_kev", "keV"},
                                           {"_pa", "pA"},
                                           {"_seconds", "s"},
                                           {"_s", "s"},
                                           {"_percent", "percent"}};
    if (!stable_name(name)) return sei_html_escape(out, name);
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof units / sizeof units[0]; ++i) {
        const size_t tail = strlen(units[i][0]);
        if (length <= tail || strcmp(name + length - tail, units[i][0]) != 0) continue;
        char unit[64];
        sei_status status = put_words(out, name, length - tail);
        sei_digits_unit(units[i][1], unit, sizeof unit);
        if (status == SEI_OK) status = sei_text_add(out, " (%s)", unit);
        return status;
    }
    return put_words(out, name, length);
}

static sei_status begin_table(sei_page *page, const char *caption) {
    sei_status status = sei_text_add(&page->body, "<div class=\"table\"><table>");
    return status == SEI_OK ? sei_page_caption(page, "caption", "Table", ++page->n_tables, caption) : status;
}

static sei_status end_table(sei_page *page) {
    return sei_text_add(&page->body, "</tbody></table></div>\n");
}

sei_status sei_page_numbers(sei_page *page, const char *caption, const sei_numbers *numbers) {
    sei_status status = SEI_OK;
    SEI_TRY(begin_table(page, caption));
    SEI_TRY(sei_text_add(&page->body,
                         "<thead><tr><th class=\"t\">Quantity</th><th>Value</th><th class=\"t\">Unit</th><th "
                         "class=\"t\">Name</th></tr></thead><tbody>\n"));
    for (size_t i = 0; i < numbers->count; ++i) {
        const sei_number *n = &numbers->items[i];
        char value[SEI_DIGITS_LENGTH], unit[4 * SEI_UNIT_LENGTH];
        sei_digits_with_sd(n->value, n->sd, value);
        sei_digits_unit(n->unit, unit, sizeof unit);
        SEI_TRY(sei_text_add(&page->body, "<tr><th scope=\"row\">"));
        SEI_TRY(stable_name(n->name) ? put_words(&page->body, n->name, strlen(n->name)) : sei_html_escape(&page->body, n->name));
        SEI_TRY(sei_text_add(&page->body, "</th><td class=\"n\">%s</td><td class=\"t\">", value));
        SEI_TRY(sei_html_escape(&page->body, unit));
        SEI_TRY(sei_text_add(&page->body, "</td><td class=\"t\"><code>"));
        SEI_TRY(sei_html_escape(&page->body, n->name));
        SEI_TRY(sei_text_add(&page->body, "</code></td></tr>\n"));
    }
    SEI_TRY(end_table(page));
done:
    return status;
}

/* The column that holds the standard deviation of column c, or n_columns. */
static size_t sd_column(const sei_table *table, size_t c) {
    char wanted[SEI_NAME_LENGTH + 4];
    snprintf(wanted, sizeof wanted, "%s_sd", table->columns[c]);
    for (size_t i = 0; i < table->n_columns; ++i) {
        if (strcmp(table->columns[i], wanted) == 0) return i;
    }
    return table->n_columns;
}

/* Whether the column is the standard deviation of another one. */
static bool is_sd(const sei_table *table, size_t c) {
    for (size_t i = 0; i < table->n_columns; ++i) {
        if (i != c && sd_column(table, i) == c) return true;
    }
    return false;
}

sei_status sei_page_table(sei_page *page, const char *caption, const sei_table *table, const char *const *row_names) {
    sei_status status = SEI_OK;
    char cell[SEI_DIGITS_LENGTH];
    SEI_TRY(begin_table(page, caption != NULL && caption[0] != 0 ? caption : table->name));
    SEI_TRY(sei_text_add(&page->body, "<thead><tr>%s", row_names != NULL ? "<th></th>" : ""));
    for (size_t c = 0; c < table->n_columns; ++c) {
        if (is_sd(table, c)) continue;
        SEI_TRY(sei_text_add(&page->body, "<th>"));
        SEI_TRY(put_column(&page->body, table->columns[c]));
        SEI_TRY(sei_text_add(&page->body, "</th>"));
    }
    SEI_TRY(sei_text_add(&page->body, "</tr></thead><tbody>\n"));
    for (size_t r = 0; r < table->n_rows; ++r) {
        SEI_TRY(sei_text_add(&page->body, "<tr>"));
        if (row_names != NULL) {
            SEI_TRY(sei_text_add(&page->body, "<th scope=\"row\">"));
            SEI_TRY(sei_html_escape(&page->body, row_names[r]));
            SEI_TRY(sei_text_add(&page->body, "</th>"));
        }
        for (size_t c = 0; c < table->n_columns; ++c) {
            if (is_sd(table, c)) continue;
            if (c == 0 && table->words != NULL) {
                SEI_TRY(sei_text_add(&page->body, "<th scope=\"row\">"));
                SEI_TRY(sei_html_escape(&page->body, table->words[r]));
                SEI_TRY(sei_text_add(&page->body, "</th>"));
                continue;
            }
            const double value = table->cells[r * table->n_columns + c];
            const size_t sd = sd_column(table, c);
            if (sd < table->n_columns) {
                sei_digits_with_sd(value, table->cells[r * table->n_columns + sd], cell);
            } else {
                sei_digits_cell(value, sei_digits_choose(table->cells + c, table->n_rows, table->n_columns), cell);
            }
            SEI_TRY(sei_text_add(&page->body, "<td class=\"n\">%s</td>", cell));
        }
        SEI_TRY(sei_text_add(&page->body, "</tr>\n"));
    }
    SEI_TRY(end_table(page));
done:
    return status;
}

sei_status sei_page_facts(sei_page *page, const char *caption, const sei_facts *facts) {
    sei_status status = SEI_OK;
    SEI_TRY(begin_table(page, caption));
    SEI_TRY(sei_text_add(
        &page->body,
        "<thead><tr><th class=\"t\">Fact</th><th class=\"t\">Value</th><th class=\"t\">Source</th></tr></thead><tbody>\n"));
    for (size_t i = 0; i < facts->count; ++i) {
        const sei_fact *fact = &facts->items[i];
        SEI_TRY(sei_text_add(&page->body, "<tr><th scope=\"row\"><code>"));
        SEI_TRY(sei_html_escape(&page->body, fact->key));
        SEI_TRY(sei_text_add(&page->body, "</code></th><td class=\"t\">"));
        SEI_TRY(sei_html_escape(&page->body, fact->value));
        SEI_TRY(sei_text_add(&page->body, "</td><td class=\"t\">"));
        SEI_TRY(sei_html_escape(&page->body, fact->source));
        SEI_TRY(sei_text_add(&page->body, "</td></tr>\n"));
    }
    SEI_TRY(end_table(page));
done:
    return status;
}
