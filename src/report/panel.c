/* The layout of one picture. All lengths derive from the image's size in picture pixels and the font's. */
#include "report/panel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "report/digits.h"
#include "report/utf8.h"

#define MICRO "\xc2\xb5"
#define ANGSTROM "\xc3\x85"
#define AT_LEAST "\xe2\x89\xa5 "
#define AT_MOST "\xe2\x89\xa4 "
#define ELLIPSIS "\xe2\x80\xa6"
enum { TITLE_LINES = 3 };

double sei_scale_bar_length(double width_nm) {
    static const double steps[] = {1, 2, 5, 10};
    const double wanted = width_nm / 5, decade = pow(10, floor(log10(wanted)));
    double best = decade;
    for (size_t i = 0; i < 4; ++i) {
        if (fabs(log(steps[i] * decade / wanted)) < fabs(log(best / wanted))) best = steps[i] * decade;
    }
    return best;
}

void sei_scale_bar_text(double length_nm, char *text, size_t size) {
    char number[SEI_DIGITS_LENGTH];
    const bool micro = length_nm >= 999.5, angstrom = length_nm < 0.995;
    sei_digits_significant(micro ? length_nm / 1000 : angstrom ? length_nm * 10 : length_nm, 3, number);
    /* 2.50 says no more than 2.5 */
    char *end = number + strlen(number);
    if (strchr(number, '.') != NULL) {
        while (end[-1] == '0') *--end = 0;
        if (end[-1] == '.') *--end = 0;
    }
    snprintf(text, size, "%s\xc2\xa0%s", number, micro ? MICRO "m" : angstrom ? ANGSTROM : "nm");
}

static double text_width(cairo_t *cr, const char *text) {
    cairo_text_extents_t extents;
    cairo_text_extents(cr, text, &extents);
    return extents.x_advance;
}

/* Cuts text in place, at a character, until it fits with an ellipsis. */
static void fit(cairo_t *cr, char *text, size_t size, double width) {
    size_t length = strlen(text);
    if (text_width(cr, text) <= width) return;
    while (length > 0) {
        do --length;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80);
        snprintf(text + length, size - length, ELLIPSIS);
        if (text_width(cr, text) <= width) return;
    }
}

typedef char title_line[SEI_TEXT_LENGTH + 8];

/* Wraps at spaces; the last line ends in an ellipsis when there is more. Returns the number of lines. */
static size_t wrap(cairo_t *cr, const char *text, double width, title_line lines[TITLE_LINES]) {
    size_t n = 0;
    while (*text != 0 && n < TITLE_LINES) {
        size_t taken = 0;
        for (size_t end = 1; end <= strlen(text) && end < SEI_TEXT_LENGTH; ++end) {
            if (text[end] != ' ' && text[end] != 0) continue;
            snprintf(lines[n], sizeof lines[n], "%.*s", (int)end, text);
            if (taken > 0 && (n == TITLE_LINES - 1 ? false : text_width(cr, lines[n]) > width)) break;
            taken = end;
        }
        if (taken == 0) taken = strnlen(text, SEI_TEXT_LENGTH - 1);
        snprintf(lines[n], sizeof lines[n], "%.*s", (int)taken, text);
        fit(cr, lines[n], sizeof lines[n], width);
        text += taken;
        while (*text == ' ') ++text;
        ++n;
    }
    return n;
}

/* Readable on any ground: white on a dark rim. */
static void text_on_image(cairo_t *cr, double x, double y, double font, const char *text) {
    cairo_move_to(cr, x, y);
    cairo_text_path(cr, text);
    cairo_set_source_rgba(cr, 0, 0, 0, 0.75);
    cairo_set_line_width(cr, 0.2 * font);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke_preserve(cr);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_fill(cr);
}

static void draw_scale_bar(cairo_t *cr, const sei_panel *panel, double wanted_nm, double x, double y, double width, double height,
                           double font) {
    char text[64];
    if (wanted_nm < 0 || !(panel->pixel_nm > 0) || !isfinite(panel->pixel_nm)) return;
    const double across_nm = panel->pixel_nm * (double)panel->width;
    const double length_nm = wanted_nm > 0 ? wanted_nm : sei_scale_bar_length(across_nm);
    const double length = width * length_nm / across_nm, thick = fmax(round(0.3 * font), 2), inset = round(0.9 * font);
    sei_scale_bar_text(length_nm, text, sizeof text);
    sei_font(cr, font, true);
    const double wide = text_width(cr, text);
    if (fmax(length, wide) + 2 * inset > width || height < 3.5 * font) return;
    const double left = x + inset + fmax(0, (wide - length) / 2), top = y + height - inset - thick;
    cairo_rectangle(cr, left - 1, top - 1, length + 2, thick + 2);
    cairo_set_source_rgba(cr, 0, 0, 0, 0.6);
    cairo_fill(cr);
    cairo_rectangle(cr, left, top, length, thick);
    cairo_set_source_rgb(cr, 1, 1, 1);
    cairo_fill(cr);
    text_on_image(cr, left + (length - wide) / 2, top - 0.45 * font, font, text);
}

static void arrow(cairo_t *cr, double x, double y, double dx, double dy, double length, double font) {
    const double tip_x = x + dx * length, tip_y = y + dy * length, barb = 0.32 * font;
    for (int pass = 0; pass < 2; ++pass) {
        cairo_set_line_width(cr, pass == 0 ? 0.3 * font : 0.12 * font);
        cairo_set_source_rgba(cr, pass, pass, pass, pass == 0 ? 0.6 : 1);
        cairo_move_to(cr, x, y);
        cairo_line_to(cr, tip_x, tip_y);
        cairo_move_to(cr, tip_x - dx * barb + dy * 0.7 * barb, tip_y - dy * barb + dx * 0.7 * barb);
        cairo_line_to(cr, tip_x, tip_y);
        cairo_line_to(cr, tip_x - dx * barb - dy * 0.7 * barb, tip_y - dy * barb - dx * 0.7 * barb);
        cairo_stroke(cr);
    }
}

static void draw_axes(cairo_t *cr, const sei_panel *panel, double x, double y, double width, double height, double font) {
    const double inset = round(0.9 * font), length = 2.0 * font, small = 0.9 * font;
    if (width < 9 * font || height < 9 * font) return;
    sei_font(cr, small, false);
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_ROUND);
    cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
    if (panel->across[0] != 0) {
        arrow(cr, x + inset, y + inset, 1, 0, length, font);
        text_on_image(cr, x + inset + length + 0.35 * font, y + inset + 0.28 * small, small, panel->across);
    }
    if (panel->down[0] != 0) {
        arrow(cr, x + inset, y + inset, 0, 1, length, font);
        text_on_image(cr, x + inset - 0.28 * small, y + inset + length + 1.0 * small, small, panel->down);
    }
    cairo_set_line_cap(cr, CAIRO_LINE_CAP_BUTT);
}

/* Picture pixels from image pixels: k x k copies, or means over k x k. */
static void copy_pixels(const sei_panel *panel, int64_t enlarge, int64_t shrink, cairo_surface_t *surface, int64_t x0, int64_t y0,
                        int64_t width, int64_t height) {
    cairo_surface_flush(surface);
    unsigned char *data = cairo_image_surface_get_data(surface);
    const int64_t stride = cairo_image_surface_get_stride(surface);
    for (int64_t j = 0; j < height; ++j) {
        uint32_t *row = (uint32_t *)(void *)(data + (y0 + j) * stride);
        for (int64_t i = 0; i < width; ++i) {
            uint32_t sum[3] = {0, 0, 0}, count = 0;
            const int64_t span = panel->labels ? 1 : shrink;
            const int64_t first_x = i / enlarge * shrink + (panel->labels ? shrink / 2 : 0),
                          first_y = j / enlarge * shrink + (panel->labels ? shrink / 2 : 0);
            for (int64_t v = first_y; v < first_y + span && v < panel->height; ++v) {
                for (int64_t u = first_x; u < first_x + span && u < panel->width; ++u, ++count) {
                    for (int c = 0; c < 3; ++c) sum[c] += panel->rgb[(v * panel->width + u) * 3 + c];
                }
            }
            for (int c = 0; c < 3 && count > 0; ++c) sum[c] = (sum[c] + count / 2) / count;
            row[x0 + i] = 0xff000000u | sum[0] << 16 | sum[1] << 8 | sum[2];
        }
    }
    cairo_surface_mark_dirty(surface);
}

static void draw_colour_bar(cairo_t *cr, const sei_panel *panel, double x, double y, double width, double height, double font,
                            const char *low, const char *high) {
    cairo_pattern_t *ramp = cairo_pattern_create_linear(0, y + height, 0, y);
    cairo_pattern_add_color_stop_rgb(ramp, 0, 0, 0, 0);
    cairo_pattern_add_color_stop_rgb(ramp, 1, panel->bar_rgb[0] / 255.0, panel->bar_rgb[1] / 255.0, panel->bar_rgb[2] / 255.0);
    cairo_rectangle(cr, x, y, width, height);
    cairo_set_source(cr, ramp);
    cairo_fill_preserve(cr);
    cairo_pattern_destroy(ramp);
    cairo_set_source_rgb(cr, 0.25, 0.25, 0.25);
    cairo_set_line_width(cr, 1);
    cairo_stroke(cr);
    cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
    cairo_move_to(cr, x + width + 0.4 * font, y + 0.75 * font);
    cairo_show_text(cr, high);
    cairo_move_to(cr, x + width + 0.4 * font, y + height);
    cairo_show_text(cr, low);
    const double wide = text_width(cr, panel->unit);
    if (panel->unit[0] != 0 && wide < height - 4 * font) {
        cairo_save(cr);
        cairo_translate(cr, x + width + 1.2 * font, y + (height + wide) / 2);
        cairo_rotate(cr, -1.57079632679489661923);
        cairo_move_to(cr, 0, 0);
        cairo_show_text(cr, panel->unit);
        cairo_restore(cr);
    }
}

/* Lays the legend out in rows; draws it when `draw`. Returns its height. */
static double legend(cairo_t *cr, const sei_panel *panel, double x, double y, double width, double font, bool draw) {
    const double row = 1.6 * font, square = round(0.85 * font);
    double at = x, top = y;
    sei_font(cr, font, false);
    for (size_t i = 0; i < panel->n_legend; ++i) {
        const sei_legend_entry *entry = &panel->legend[i];
        char name[3 * SEI_NAME_LENGTH + 8];
        sei_text line = {0};
        if (sei_utf8_line(&line, entry->name) != SEI_OK) continue;
        snprintf(name, sizeof name, "%s", line.data);
        sei_text_free(&line);
        fit(cr, name, sizeof name, width - 1.5 * square);
        const double wide = square * 1.5 + text_width(cr, name);
        if (at > x && at + wide > x + width) {
            at = x;
            top += row;
        }
        if (draw) {
            cairo_rectangle(cr, round(at) + 0.5, round(top + (row - square) / 2) + 0.5, square - 1, square - 1);
            cairo_set_source_rgb(cr, entry->rgb[0] / 255.0, entry->rgb[1] / 255.0, entry->rgb[2] / 255.0);
            cairo_fill_preserve(cr);
            cairo_set_source_rgb(cr, 0.3, 0.3, 0.3);
            cairo_set_line_width(cr, 1);
            cairo_stroke(cr);
            cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
            cairo_move_to(cr, round(at) + square * 1.5, top + row / 2 + 0.36 * font);
            cairo_show_text(cr, name);
        }
        at += wide + 1.3 * font;
    }
    return panel->n_legend > 0 ? top - y + row : 0;
}

sei_status sei_panel_write(const char *path, const sei_panel *panel, const sei_picture_options *options, bool overwrite) {
    const int64_t shorter = panel->width < panel->height ? panel->width : panel->height;
    const int64_t longer = panel->width < panel->height ? panel->height : panel->width;
    const int64_t most = options->max_side_px > 0 ? options->max_side_px : INT64_MAX;
    int64_t enlarge = 1, shrink = 1;
    while ((enlarge + 1) * shorter <= options->min_side_px && (enlarge + 1) * longer <= most &&
           (enlarge + 1) * longer <= 4 * (int64_t)options->min_side_px)
        ++enlarge;
    while (longer / shrink > most) ++shrink;
    const int64_t width = (panel->width + shrink - 1) / shrink * enlarge,
                  height = (panel->height + shrink - 1) / shrink * enlarge;
    const double font = fmin(fmax(round((double)width / 30), 13), 36), margin = round(0.8 * font);
    char low[SEI_DIGITS_LENGTH + 8] = "", high[SEI_DIGITS_LENGTH + 8] = "";
    title_line lines[TITLE_LINES];
    size_t n_lines = 0;
    double bar = 0;
    sei_text title = {0};
    cairo_surface_t *surface = NULL, *ruler = NULL;
    cairo_t *cr = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_surface_new(1, 1, &ruler));
    cr = cairo_create(ruler);
    if (options->title != NULL) {
        SEI_TRY(sei_utf8_line(&title, options->title));
        sei_font(cr, font, true);
        n_lines = wrap(cr, title.data, (double)width, lines);
    }
    sei_font(cr, 0.85 * font, false);
    if (panel->colour_bar) {
        char number[SEI_DIGITS_LENGTH];
        sei_digits_significant(panel->range.high, 3, number);
        snprintf(high, sizeof high, AT_LEAST "%s", number);
        /* an end that the bar cannot tell from zero is written as zero */
        const double lowest = fabs(panel->range.low) < 1e-3 * fabs(panel->range.high) ? 0 : panel->range.low;
        sei_digits_significant(lowest, 3, number);
        snprintf(low, sizeof low, "%s%s", lowest != 0 ? AT_MOST : "", number);
        bar = margin + 0.8 * font + 0.4 * font + fmax(fmax(text_width(cr, low), text_width(cr, high)), font);
    }
    const double title_height = (double)n_lines * round(1.35 * font);
    const double legend_height = legend(cr, panel, 0, 0, (double)width, 0.95 * font, false);
    const double below = legend_height > 0 ? legend_height + 0.4 * font : 0;
    cairo_destroy(cr);
    cr = NULL;
    const double x = margin, y = margin + title_height + (n_lines > 0 ? round(0.1 * font) : 0);
    SEI_TRY(sei_surface_new(2 * margin + (double)width + ceil(bar), y + (double)height + below + margin, &surface));
    copy_pixels(panel, enlarge, shrink, surface, (int64_t)x, (int64_t)y, width, height);
    cr = cairo_create(surface);
    sei_font(cr, font, true);
    cairo_set_source_rgb(cr, 0.1, 0.1, 0.1);
    for (size_t i = 0; i < n_lines; ++i) {
        cairo_move_to(cr, x, margin + 0.85 * font + (double)i * round(1.35 * font));
        cairo_show_text(cr, lines[i]);
    }
    cairo_save(cr);
    cairo_rectangle(cr, x, y, (double)width, (double)height);
    cairo_clip(cr);
    draw_scale_bar(cr, panel, options->scale_bar_nm, x, y, (double)width, (double)height, font);
    if (!options->no_axes) draw_axes(cr, panel, x, y, (double)width, (double)height, font);
    cairo_restore(cr);
    if (panel->colour_bar) {
        sei_font(cr, 0.85 * font, false);
        draw_colour_bar(cr, panel, x + (double)width + margin, y + 0.5, round(0.8 * font), (double)height - 1, 0.85 * font, low,
                        high);
    }
    (void)legend(cr, panel, x, y + (double)height + 0.4 * font, (double)width, 0.95 * font, true);
    if (cairo_status(cr) != CAIRO_STATUS_SUCCESS) {
        status = sei_fail(SEI_ERR_ENVIRONMENT, "%s: the picture could not be drawn: %s", path,
                          cairo_status_to_string(cairo_status(cr)));
        goto done;
    }
    SEI_TRY(sei_surface_write(path, surface, overwrite));
done:
    if (cr != NULL) cairo_destroy(cr);
    if (surface != NULL) cairo_surface_destroy(surface);
    if (ruler != NULL) cairo_surface_destroy(ruler);
    sei_text_free(&title);
    return status;
}
