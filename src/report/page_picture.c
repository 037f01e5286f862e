/* Pictures inside the page: data URIs in <img>, the one place where an SVG can neither run nor load anything. */
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "report/escape.h"
#include "report/page.h"

enum { MAX_PICTURE_BYTES = 64 << 20 };

static sei_status add_base64(sei_text *out, const unsigned char *bytes, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char group[4096];
    size_t used = 0;
    for (size_t i = 0; i < n; i += 3) {
        const unsigned value =
            (unsigned)bytes[i] << 16 | (i + 1 < n ? (unsigned)bytes[i + 1] << 8 : 0) | (i + 2 < n ? bytes[i + 2] : 0u);
        group[used++] = digits[value >> 18];
        group[used++] = digits[value >> 12 & 63];
        group[used++] = i + 1 < n ? digits[value >> 6 & 63] : '=';
        group[used++] = i + 2 < n ? digits[value & 63] : '=';
        if (used + 4 > sizeof group || i + 3 >= n) {
            const sei_status status = sei_text_append(out, group, used);
            if (status != SEI_OK) return status;
            used = 0;
        }
    }
    return SEI_OK;
}

/* Width of the picture in CSS pixels; 0 when the file does not say. */
static unsigned width_of(const char *bytes, size_t n, bool svg) {
    if (!svg) {
        const unsigned char *b = (const unsigned char *)bytes + 16;
        return n >= 24 ? (unsigned)b[0] << 24 | (unsigned)b[1] << 16 | (unsigned)b[2] << 8 | b[3] : 0;
    }
    const char *root = strstr(bytes, "<svg");
    const char *end = root == NULL ? NULL : strchr(root, '>');
    const char *width = root == NULL ? NULL : strstr(root, " width=\"");
    return width != NULL && end != NULL && width < end ? (unsigned)strtoul(width + 8, NULL, 10) : 0;
}

static bool is_svg(const char *bytes) {
    bytes += strncmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    bytes += strspn(bytes, " \t\r\n");
    return strncmp(bytes, "<svg", 4) == 0 || (strncmp(bytes, "<?xml", 5) == 0 && strstr(bytes, "<svg") != NULL);
}

sei_status sei_page_picture(sei_page *page, const char *path, const char *caption) {
    static const char closing[] = "</div>\n";
    char *bytes = NULL;
    size_t n = 0;
    sei_status status = SEI_OK;
    if (!sei_file_exists(path)) {
        SEI_TRY(sei_text_add(&page->body, "<p class=\"absent\">Picture "));
        SEI_TRY(sei_html_escape(&page->body, sei_path_base(path)));
        SEI_TRY(sei_text_add(&page->body, " was not made. "));
        SEI_TRY(sei_html_escape(&page->body, caption == NULL ? "" : caption));
        SEI_TRY(sei_text_add(&page->body, "</p>\n"));
        return SEI_OK;
    }
    SEI_TRY(sei_file_read_text(path, MAX_PICTURE_BYTES, &bytes, &n));
    const bool png = n >= 24 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
    if (!png && !is_svg(bytes)) {
        status = sei_fail(SEI_ERR_INPUT, "%s: neither PNG nor SVG; a page takes only these", path);
        goto done;
    }
    const unsigned width = width_of(bytes, n, !png);
    /* pictures that follow one another share a row */
    const size_t tail = sizeof closing - 1;
    static const char marker[] = "</figure></div>\n";
    const size_t mark = sizeof marker - 1;
    if (page->body.length >= mark && memcmp(page->body.data + page->body.length - mark, marker, mark) == 0) {
        page->body.length -= tail;
        page->body.data[page->body.length] = 0;
    } else {
        SEI_TRY(sei_text_add(&page->body, "<div class=\"pictures\">"));
    }
    SEI_TRY(sei_text_add(&page->body, "<figure"));
    if (width > 0) SEI_TRY(sei_text_add(&page->body, " style=\"width:%upx\"", width));
    SEI_TRY(sei_text_add(&page->body, "><img alt=\""));
    SEI_TRY(sei_html_escape(&page->body, caption == NULL ? "" : caption));
    SEI_TRY(sei_text_add(&page->body, "\" src=\"data:image/%s;base64,", png ? "png" : "svg+xml"));
    SEI_TRY(add_base64(&page->body, (const unsigned char *)bytes, n));
    SEI_TRY(sei_text_add(&page->body, "\">"));
    SEI_TRY(sei_page_caption(page, "figcaption", "Fig.", ++page->n_figures, caption));
    SEI_TRY(sei_text_add(&page->body, "</figure>%s", closing));
done:
    sei_free(bytes);
    return status;
}
