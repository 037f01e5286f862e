/* CSV files: a header line, then numbers; an empty cell is NaN. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/io.h"

enum { LONGEST_CSV = 1 << 30, MOST_COLUMNS = 1024 };

static sei_status add_word(sei_text *text, const char *name) {
    sei_status status = SEI_OK;
    if (strpbrk(name, ",\"") == NULL) return sei_text_add(text, "%s", name);
    SEI_TRY(sei_text_add(text, "\""));
    for (; *name != 0; ++name) {
        if (*name == '"') SEI_TRY(sei_text_append(text, "\"", 1));
        SEI_TRY(sei_text_append(text, name, 1));
    }
    SEI_TRY(sei_text_add(text, "\""));
done:
    return status;
}

sei_status sei_io_write_table(const char *path, const sei_table *table, bool overwrite) {
    sei_text text = {0};
    char number[32];
    sei_status status = SEI_OK;
    for (size_t c = 0; c < table->n_columns; ++c) {
        if (c > 0) SEI_TRY(sei_text_add(&text, ","));
        SEI_TRY(add_word(&text, table->columns[c]));
    }
    SEI_TRY(sei_text_add(&text, "\n"));
    for (size_t r = 0; r < table->n_rows; ++r) {
        for (size_t c = 0; c < table->n_columns; ++c) {
            const double value = table->cells[r * table->n_columns + c];
            if (c == 0 && table->words != NULL) {
                SEI_TRY(add_word(&text, table->words[r]));
                continue;
            }
            SEI_TRY(sei_text_add(&text, "%s%s", c > 0 ? "," : "", isnan(value) ? "" : sei_format_double(value, number)));
        }
        SEI_TRY(sei_text_add(&text, "\n"));
    }
    SEI_TRY(sei_file_write_text(path, overwrite, text.data, text.length));
done:
    sei_text_free(&text);
    return status;
}

/* Takes the next cell off *line into the line's own memory, quotes removed; NULL after the last. */
static char *next_cell(char **line) {
    char *cell = *line;
    if (cell == NULL) return NULL;
    if (*cell != '"') {
        char *comma = strchr(cell, ',');
        *line = comma == NULL ? NULL : comma + 1;
        if (comma != NULL) *comma = 0;
        return cell;
    }
    char *to = cell;
    const char *from = cell + 1;
    while (*from != 0 && !(from[0] == '"' && from[1] != '"')) {
        if (from[0] == '"') ++from;
        *to++ = *from++;
    }
    const char *comma = strchr(from, ',');
    *line = comma == NULL ? NULL : cell + (comma - cell) + 1;
    *to = 0;
    return cell;
}

static char *cut_line(char *text) {
    char *end = text + strcspn(text, "\r\n");
    if (*end == 0) return NULL;
    char *next = end + (end[0] == '\r' && end[1] == '\n' ? 2 : 1);
    *end = 0;
    return *next == 0 ? NULL : next;
}

static sei_status parse_row(const char *path, size_t number, char *line, size_t row, sei_table *table) {
    size_t c = 0;
    for (char *cell = next_cell(&line); cell != NULL; cell = next_cell(&line), ++c) {
        if (c >= table->n_columns) continue;
        double value = NAN;
        if (cell[strspn(cell, " \t")] != 0 && !sei_parse_double(cell, &value)) {
            return sei_fail(SEI_ERR_INPUT, "%s: line %zu, column '%s': '%.40s' is not a number", path, number, table->columns[c],
                            cell);
        }
        table->cells[row * table->n_columns + c] = value;
    }
    if (c == table->n_columns) return SEI_OK;
    return sei_fail(SEI_ERR_INPUT, "%s: line %zu has %zu cells, the header has %zu", path, number, c, table->n_columns);
}

sei_status sei_io_read_table(const char *path, sei_table *out) {
    sei_table table = {0};
    char *text = NULL;
    const char *columns[MOST_COLUMNS];
    char name[SEI_NAME_LENGTH];
    size_t n_columns = 0;
    size_t lines = 0;
    size_t length = 0;
    sei_status status = sei_file_read_text(path, LONGEST_CSV, &text, &length);
    if (status != SEI_OK) return status;
    for (const char *c = text; *c != 0; ++c) lines += *c == '\n' || *c == '\r';
    char *header = text + (strncmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0); /* a spreadsheet's byte-order mark */
    char *line = cut_line(header);
    for (char *cell = next_cell(&header); cell != NULL; cell = next_cell(&header)) {
        if (n_columns == MOST_COLUMNS) {
            status = sei_fail(SEI_ERR_INPUT, "%s: more than %d columns", path, MOST_COLUMNS);
            goto done;
        }
        columns[n_columns++] = cell;
    }
    if (n_columns == 1 && columns[0][0] == 0) {
        status = sei_fail(SEI_ERR_INPUT, "%s: no header line with the names of the columns", path);
        goto done;
    }
    sei_path_stem(path, name, sizeof name);
    SEI_TRY(sei_table_alloc(name, n_columns, columns, lines + 1, &table));
    size_t rows = 0;
    for (size_t number = 2; line != NULL; ++number) {
        char *next = cut_line(line);
        if (line[0] != 0 || n_columns == 1) SEI_TRY(parse_row(path, number, line, rows++, &table));
        line = next;
    }
    table.n_rows = rows;
    *out = table;
    table = (sei_table){0};
done:
    sei_table_free(&table);
    sei_free(text);
    return status;
}
