/* Plots of table columns: the script that gnuplot gets. Texts are single-quoted, where gnuplot replaces nothing. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "report/gnuplot.h"
#include "report/utf8.h"
#include "seitomo/report.h"

/* Okabe and Ito's colours that are told apart with any colour vision, with points that differ as well. */
static const struct {
    const char *colour;
    int point;
} lines[] = {{"#0072B2", 7},  {"#D55E00", 5}, {"#009E73", 9}, {"#CC79A7", 13},
             {"#E69F00", 11}, {"#56B4E9", 6}, {"#000000", 4}, {"#8C6D31", 8}};
enum { N_LINES = sizeof lines / sizeof lines[0] };

static sei_status find_column(const sei_table *table, const char *name, size_t *column) {
    char known[512] = "";
    for (size_t c = 0; c < table->n_columns; ++c) {
        if (strcmp(table->columns[c], name) == 0) {
            *column = c;
            return SEI_OK;
        }
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", c > 0 ? ", " : "", table->columns[c]);
    }
    return sei_fail(SEI_ERR_INPUT, "table '%s' has no column '%s'; it has: %s", table->name, name, known);
}

/* 'text' as gnuplot reads it: one line; quotes become apostrophes, since it misreads doubled ones at the beginning. "]]>" must
 * not stand in the text of an XML file. */
static sei_status add_quoted(sei_text *script, const char *text) {
    sei_text line = {0};
    sei_status status = SEI_OK;
    SEI_TRY(sei_utf8_line(&line, text == NULL ? "" : text));
    SEI_TRY(sei_text_append(script, "'", 1));
    for (const char *c = line.data; *c != 0; ++c) {
        const bool closes = *c == '>' && c >= line.data + 2 && c[-1] == ']' && c[-2] == ']';
        SEI_TRY(sei_text_add(script, "%s", closes ? " >" : *c == '\'' ? "\xe2\x80\x99" : (char[]){*c, 0}));
    }
    SEI_TRY(sei_text_append(script, "'", 1));
done:
    sei_text_free(&line);
    return status;
}

typedef struct chosen {
    size_t x, n;
    size_t *y, *error; /* columns; error n_columns: none */
} chosen;

/* A power of ten (a multiple of three) that brings large or small values to a readable size; 0 most of the time. */
static int scale_of(const sei_table *table, size_t n, const size_t *columns) {
    double largest = 0;
    for (size_t i = 0; i < n; ++i) {
        for (size_t r = 0; r < table->n_rows; ++r) {
            const double value = fabs(table->cells[r * table->n_columns + columns[i]]);
            if (isfinite(value)) largest = fmax(largest, value);
        }
    }
    if (largest == 0 || (largest < 1e5 && largest >= 1e-3)) return 0;
    return 3 * (int)floor(log10(largest) / 3);
}

static sei_status add_number(sei_text *script, double value, int scale) {
    char text[32];
    const int half = scale / 2;
    if (!isfinite(value)) return sei_text_add(script, " NaN");
    return sei_text_add(script, " %s", sei_format_double(value / pow(10, half) / pow(10, scale - half), text));
}

static sei_status add_data(sei_text *script, const sei_table *table, const chosen *columns, bool log_y, int scale) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(script, "$data << END_OF_DATA\n"));
    for (size_t r = 0; r < table->n_rows; ++r) {
        const double *row = table->cells + r * table->n_columns;
        SEI_TRY(add_number(script, row[columns->x], 0));
        for (size_t i = 0; i < columns->n; ++i) {
            const double value = row[columns->y[i]];
            SEI_TRY(add_number(script, log_y && !(value > 0) ? NAN : value, scale));
            SEI_TRY(add_number(script, columns->error[i] < table->n_columns ? row[columns->error[i]] : NAN, scale));
        }
        SEI_TRY(sei_text_add(script, "\n"));
    }
    SEI_TRY(sei_text_add(script, "END_OF_DATA\n"));
done:
    return status;
}

/* Smallest and largest finite value of a column; above zero only, if so wanted. False when there is none. */
static bool extent(const sei_table *table, size_t column, bool positive, double *low, double *high) {
    bool found = false;
    for (size_t r = 0; r < table->n_rows; ++r) {
        const double value = table->cells[r * table->n_columns + column];
        if (!isfinite(value) || (positive && !(value > 0))) continue;
        *low = found ? fmin(*low, value) : value;
        *high = found ? fmax(*high, value) : value;
        found = true;
    }
    return found;
}

/* The axes' ranges and number formats, and a zero line where values lie on both sides. */
static sei_status add_axes(sei_text *script, const sei_table *table, const sei_plot *plot, const chosen *columns) {
    double low = 0, high = 0, least = INFINITY, most = -INFINITY;
    char from[32], to[32];
    sei_status status = SEI_OK;
    if (extent(table, columns->x, false, &low, &high) && high > low) {
        const double rim = 0.03 * (high - low);
        SEI_TRY(sei_text_add(script, "set xrange [%s:%s]\n", sei_format_double(low == 0 ? 0 : low - rim, from),
                             sei_format_double(high + rim, to)));
    }
    for (size_t i = 0; i < columns->n; ++i) {
        if (!extent(table, columns->y[i], plot->log_y, &low, &high)) continue;
        least = fmin(least, low);
        most = fmax(most, high);
    }
    if (plot->log_y) {
        const bool plain = least >= 1e-3 && most <= 1e4;
        SEI_TRY(sei_text_add(script, "set logscale y\nset format y '%s'\nset mytics 10\n", plain ? "%g" : "10^{%T}"));
        if (least > 0 && most < INFINITY) {
            SEI_TRY(sei_text_add(script, "set yrange [%s:%s]\n", sei_format_double(least / 1.6, from),
                                 sei_format_double(most * 1.6, to)));
        }
        return SEI_OK;
    }
    SEI_TRY(sei_text_add(script, "set format y '%%.8g'\nset mytics 2\nset offsets 0, 0, graph 0.05, graph %s\n",
                         plot->y_from_zero ? "0" : "0.05"));
    if (plot->y_from_zero) SEI_TRY(sei_text_add(script, "set yrange [0:*]\n"));
    if (least < 0 && most > 0 && !plot->y_from_zero) {
        SEI_TRY(
            sei_text_add(script, "set arrow from graph 0, first 0 to graph 1, first 0 nohead back lw 0.6 lc rgb '#AAAAAA'\n"));
    }
done:
    return status;
}

static sei_status add_labels(sei_text *script, const sei_plot *plot, int scale) {
    static const char *const raised[10] = {"\xe2\x81\xb0", "\xc2\xb9",     "\xc2\xb2",     "\xc2\xb3",     "\xe2\x81\xb4",
                                           "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7", "\xe2\x81\xb8", "\xe2\x81\xb9"};
    char y_label[SEI_TEXT_LENGTH], power[16];
    sei_status status = SEI_OK;
    if (plot->title != NULL && plot->title[0] != 0) {
        SEI_TRY(sei_text_add(script, "set title "));
        SEI_TRY(add_quoted(script, plot->title));
        SEI_TRY(sei_text_add(script, " noenhanced offset 0,-0.4\n"));
    }
    SEI_TRY(sei_text_add(script, "set xlabel "));
    SEI_TRY(add_quoted(script, plot->x_label));
    SEI_TRY(sei_text_add(script, " noenhanced offset 0,0.2\nset ylabel "));
    snprintf(y_label, sizeof y_label, "%s", plot->y_label == NULL ? "" : plot->y_label);
    if (scale != 0) {
        /* the unit in brackets stays last: "log-likelihood x 10^6" or "signal x 10^6 (counts)" */
        char factor[64] = " \xc3\x97 10", unit[SEI_TEXT_LENGTH] = "";
        snprintf(power, sizeof power, "%d", scale);
        for (const char *c = power; *c != 0; ++c)
            strncat(factor, *c == '-' ? "\xe2\x81\xbb" : raised[*c - '0'], sizeof factor - strlen(factor) - 1);
        char *bracket = strrchr(y_label, '(');
        const size_t length = strlen(y_label);
        if (bracket != NULL && bracket > y_label && bracket[-1] == ' ' && y_label[length - 1] == ')') {
            /* (10^6 counts): the factor belongs to the unit */
            snprintf(unit, sizeof unit, "%s", bracket + 1);
            *bracket = 0;
            snprintf(y_label + strlen(y_label), sizeof y_label - strlen(y_label), "(%s %s", factor + 4, unit);
        } else {
            snprintf(y_label + length, sizeof y_label - length, " (%s)", factor + 4);
        }
    }
    SEI_TRY(add_quoted(script, y_label));
    SEI_TRY(sei_text_add(script, " noenhanced offset 0.2,0\n"));
done:
    return status;
}

static sei_status add_plot(sei_text *script, const sei_table *table, const sei_plot *plot, const chosen *columns, int scale) {
    const bool key = plot->n_series > 1 || plot->labels != NULL;
    const bool marked = plot->points || table->n_rows < 2; /* a line of one point would be invisible */
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(script,
                         "set encoding utf8\nset minussign\nset border 3 lw 0.9 lc rgb '#222222'\n"
                         "set tics nomirror out scale 0.6 textcolor rgb '#222222'\nset format x '%%.8g'\nset mxtics 2\n"
                         "set style fill transparent solid 0.2 noborder\nset pointsize 0.55\n"));
    SEI_TRY(sei_text_add(script, "%s\n",
                         key ? "set key tmargin left horizontal Left reverse noenhanced samplen 1.6 width 1" : "unset key"));
    SEI_TRY(add_axes(script, table, plot, columns));
    SEI_TRY(add_labels(script, plot, scale));
    SEI_TRY(add_data(script, table, columns, plot->log_y, scale));
    SEI_TRY(sei_text_add(script, "plot "));
    for (size_t i = 0; i < columns->n; ++i) {
        const char *label = plot->labels != NULL && plot->labels[i] != NULL ? plot->labels[i] : plot->series[i];
        const char *colour = lines[i % N_LINES].colour;
        const size_t y = 2 + 2 * i, sd = y + 1;
        const bool dotted = plot->dots != NULL && plot->dots[i];
        if (columns->error[i] < table->n_columns && marked) { /* bars behind points, a band behind a line */
            SEI_TRY(sei_text_add(script, "$data using 1:($%zu-$%zu):(0):(2*$%zu) with vectors nohead lw 1 lc rgb '%s' notitle, ",
                                 y, sd, sd, colour));
        } else if (columns->error[i] < table->n_columns) {
            SEI_TRY(sei_text_add(script, "$data using 1:($%zu-$%zu):($%zu+$%zu) with filledcurves lc rgb '%s' notitle, ", y, sd,
                                 y, sd, colour));
        }
        SEI_TRY(sei_text_add(script, "$data using 1:%zu with %s lw 1.6 dt %d pt %d lc rgb '%s' title ", y,
                             dotted   ? "points"
                             : marked ? "linespoints"
                                      : "lines",
                             i >= N_LINES ? 2 : 1, lines[i % N_LINES].point, colour));
        SEI_TRY(add_quoted(script, label));
        SEI_TRY(sei_text_add(script, "%s", i + 1 < columns->n ? ", " : "\n"));
    }
done:
    return status;
}

/* One terminal after the other until one works; *ran false and one line in complaint when none does. */
static sei_status draw(const char *path, const char *extension, size_t n, const char *const *terminals, const sei_text *script,
                       bool overwrite, bool *ran, char complaint[256]) {
    sei_text whole = {0}, name = {0}, picture = {0};
    sei_status status = SEI_OK;
    *ran = false;
    SEI_TRY(sei_text_add(&name, "%s.%s", path, extension));
    SEI_TRY(sei_file_check_target(name.data, overwrite));
    for (size_t i = 0; i < n && !*ran; ++i) {
        sei_text_free(&whole);
        sei_text_free(&picture);
        SEI_TRY(sei_text_add(&whole, "%s\n", terminals[i]));
        SEI_TRY(sei_text_append(&whole, script->data, script->length));
        SEI_TRY(sei_gnuplot_run(whole.data, whole.length, &picture, ran, complaint));
    }
    if (*ran) SEI_TRY(sei_file_write_text(name.data, overwrite, picture.data, picture.length));
done:
    sei_text_free(&whole);
    sei_text_free(&name);
    sei_text_free(&picture);
    return status;
}

sei_status sei_plot_table(const char *path, const sei_table *table, const sei_plot *plot, bool overwrite) {
    static const char *const svg[] = {
        "set terminal svg size 500,340 enhanced background '#ffffff' font 'Helvetica,Arial,sans-serif,12' linewidth 1.2",
        "set terminal svg size 500,340 font 'Helvetica,12'"};
    static const char *const png[] = {
        "set terminal pngcairo size 1000,680 enhanced background '#ffffff' font 'Helvetica,13' fontscale 1.8 linewidth 2.3 "
        "pointscale 2",
        "set terminal png size 1000,680 font 'Helvetica,13' fontscale 1.8 linewidth 2"};
    char complaint[256] = "";
    sei_text script = {0};
    chosen columns = {.n = plot->n_series};
    bool ran_svg = false, ran_png = false;
    sei_status status = SEI_OK;
    if (plot->n_series < 1 || table->n_rows < 1)
        return sei_fail(SEI_ERR_INPUT, "table '%s': a plot needs at least one series and one row", table->name);
    SEI_TRY(SEI_NEW(columns.y, (int64_t)plot->n_series, 1, 1));
    SEI_TRY(SEI_NEW(columns.error, (int64_t)plot->n_series, 1, 1));
    SEI_TRY(find_column(table, plot->x, &columns.x));
    for (size_t i = 0; i < plot->n_series; ++i) {
        SEI_TRY(find_column(table, plot->series[i], &columns.y[i]));
        columns.error[i] = table->n_columns;
        if (plot->errors != NULL && plot->errors[i] != NULL) SEI_TRY(find_column(table, plot->errors[i], &columns.error[i]));
    }
    SEI_TRY(add_plot(&script, table, plot, &columns, plot->log_y ? 0 : scale_of(table, columns.n, columns.y)));
    SEI_TRY(draw(path, "svg", 2, svg, &script, overwrite, &ran_svg, complaint));
    if (ran_svg) SEI_TRY(draw(path, "png", 2, png, &script, overwrite, &ran_png, complaint));
    if (!ran_svg || !ran_png)
        sei_warn("plot %s.%s not made: %s; the numbers are in the tables", sei_path_base(path), ran_svg ? "png" : "svg",
                 complaint);
done:
    sei_free(columns.y);
    sei_free(columns.error);
    sei_text_free(&script);
    return status;
}
