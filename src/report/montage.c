/* Pictures of one sheet, lettered as in a journal. */
#include <math.h>

#include "core/alloc.h"
#include "report/panel.h"

enum { MAX_PICTURES = 400, MAX_SIDE = 30000 };

sei_status sei_render_montage(const char *path, size_t n, const char *const *pngs, int columns, bool overwrite) {
    cairo_surface_t **pictures = NULL, *sheet = NULL;
    cairo_t *cr = NULL;
    double *widths = NULL, *heights = NULL;
    sei_status status = SEI_OK;
    if (n < 1 || n > MAX_PICTURES) return sei_fail(SEI_ERR_INPUT, "a montage takes 1 to %d pictures, found %zu", MAX_PICTURES, n);
    const size_t across = columns >= 1 ? ((size_t)columns < n ? (size_t)columns : n) : (size_t)ceil(sqrt((double)n));
    const size_t down = (n + across - 1) / across;
    SEI_TRY(SEI_NEW(pictures, (int64_t)n, 1, 1));
    SEI_TRY(SEI_NEW(widths, (int64_t)across, 1, 1));
    SEI_TRY(SEI_NEW(heights, (int64_t)down, 1, 1));
    double width = 0, height = 0, widest = 0;
    for (size_t i = 0; i < n; ++i) {
        SEI_TRY(sei_surface_read(pngs[i], &pictures[i]));
        const double w = cairo_image_surface_get_width(pictures[i]), h = cairo_image_surface_get_height(pictures[i]);
        widths[i % across] = fmax(widths[i % across], w);
        heights[i / across] = fmax(heights[i / across], h);
        widest = fmax(widest, w);
    }
    /* the letter stands in a margin of its own, left of the picture's title */
    const bool lettered = n > 1 && n <= 26;
    const double font = fmin(fmax(round(widest / 26), 15), 40), gutter = lettered ? round(0.9 * font) : 0;
    for (size_t c = 0; c < across; ++c) width += widths[c] + gutter;
    for (size_t r = 0; r < down; ++r) height += heights[r];
    if (width > MAX_SIDE || height > MAX_SIDE) {
        status = sei_fail(SEI_ERR_INPUT,
                          "a montage of %.0f x %.0f pixels: %d a side at most; take fewer pictures or another number of columns",
                          width, height, MAX_SIDE);
        goto done;
    }
    SEI_TRY(sei_surface_new(width, height, &sheet));
    cr = cairo_create(sheet);
    double y = 0;
    for (size_t r = 0; r < down; y += heights[r++]) {
        double x = 0;
        for (size_t c = 0; c < across && r * across + c < n; x += widths[c++] + gutter) {
            const size_t i = r * across + c;
            cairo_set_source_surface(cr, pictures[i], x + gutter, y);
            cairo_paint(cr);
            if (!lettered) continue;
            sei_font(cr, font, true);
            cairo_set_source_rgb(cr, 0, 0, 0);
            cairo_move_to(cr, x + 0.3 * font, y + 1.25 * font);
            cairo_show_text(cr, (char[]){(char)('a' + (int)i), 0});
        }
    }
    SEI_TRY(sei_surface_write(path, sheet, overwrite));
done:
    if (cr != NULL) cairo_destroy(cr);
    if (sheet != NULL) cairo_surface_destroy(sheet);
    for (size_t i = 0; pictures != NULL && i < n; ++i) {
        if (pictures[i] != NULL) cairo_surface_destroy(pictures[i]);
    }
    sei_free(pictures);
    sei_free(widths);
    sei_free(heights);
    return status;
}
