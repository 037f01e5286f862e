/* The page's frame: headings, paragraphs, contents, and putting it all into one file. */
#include "report/page.h"

#include "core/alloc.h"
#include "core/file.h"
#include "report/escape.h"
#include "seitomo/version.h"

sei_status sei_page_begin(const char *title, sei_page **out) {
    sei_page *page = NULL;
    sei_status status = SEI_NEW(page, 1, 1, 1);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_html_escape(&page->title, title));
    *out = page;
    return SEI_OK;
done:
    sei_page_free(page);
    return status;
}

void sei_page_free(sei_page *page) {
    if (page == NULL) return;
    sei_text_free(&page->title);
    sei_text_free(&page->contents);
    sei_text_free(&page->body);
    sei_free(page);
}

/* Opens and closes lists so that an entry of that level (0: none) may follow. */
static sei_status contents_level(sei_page *page, int level) {
    sei_status status = SEI_OK;
    if (level == page->contents_level) {
        if (level != 0) SEI_TRY(sei_text_add(&page->contents, "</li>"));
    } else if (level > page->contents_level) {
        /* a first heading of level 3 stands in the outer list */
        if (page->contents_level == 0) level = 2;
        SEI_TRY(sei_text_add(&page->contents, "<ul>"));
    } else {
        SEI_TRY(sei_text_add(&page->contents, page->contents_level == 3 && level == 0 ? "</li></ul></li></ul>" : "</li></ul>%s",
                             level == 2 ? "</li>" : ""));
    }
    page->contents_level = level;
done:
    return status;
}

sei_status sei_page_heading(sei_page *page, int level, const char *text) {
    sei_status status = SEI_OK;
    level = level < 2 ? 2 : level > 4 ? 4 : level;
    const unsigned number = ++page->n_headings;
    SEI_TRY(sei_text_add(&page->body, "<h%d id=\"s%u\">", level, number));
    SEI_TRY(sei_html_escape(&page->body, text));
    SEI_TRY(sei_text_add(&page->body, "</h%d>\n", level));
    if (level <= 3) {
        SEI_TRY(contents_level(page, level));
        SEI_TRY(sei_text_add(&page->contents, "<li><a href=\"#s%u\">", number));
        SEI_TRY(sei_html_escape(&page->contents, text));
        SEI_TRY(sei_text_add(&page->contents, "</a>"));
    }
done:
    return status;
}

sei_status sei_page_paragraph(sei_page *page, const char *text) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(&page->body, "<p>"));
    SEI_TRY(sei_html_escape(&page->body, text));
    SEI_TRY(sei_text_add(&page->body, "</p>\n"));
done:
    return status;
}

sei_status sei_page_caption(sei_page *page, const char *element, const char *kind, unsigned number, const char *text) {
    sei_status status = SEI_OK;
    const bool empty = text == NULL || text[0] == 0;
    SEI_TRY(sei_text_add(&page->body, "<%s><b>%s&nbsp;%u%s</b>", element, kind, number, empty ? "" : "&nbsp;|&nbsp;"));
    if (!empty) {
        SEI_TRY(sei_text_add(&page->body, "<span>"));
        SEI_TRY(sei_html_escape(&page->body, text));
        SEI_TRY(sei_text_add(&page->body, "</span>"));
    }
    SEI_TRY(sei_text_add(&page->body, "</%s>\n", element));
done:
    return status;
}

sei_status sei_page_provenance(sei_page *page, const char *caption, const char *json) {
    sei_status status = SEI_OK;
    SEI_TRY(sei_text_add(&page->body, "<details><summary>"));
    SEI_TRY(sei_html_escape(&page->body, caption == NULL || caption[0] == 0 ? "Provenance" : caption));
    /* a parser drops one line feed after <pre>: give it that one */
    SEI_TRY(sei_text_add(&page->body, "</summary><pre>\n"));
    SEI_TRY(sei_html_escape(&page->body, json));
    SEI_TRY(sei_text_add(&page->body, "</pre></details>\n"));
done:
    return status;
}

sei_status sei_page_finish(sei_page *page, const char *path, bool overwrite) {
    sei_text all = {0};
    sei_status status = SEI_OK;
    SEI_TRY(contents_level(page, 0));
    SEI_TRY(sei_text_add(
        &all,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"referrer\" "
        "content=\"no-referrer\">\n<title>"));
    SEI_TRY(sei_text_append(&all, page->title.data, page->title.length));
    SEI_TRY(sei_text_add(&all, "</title>\n<style>"));
    SEI_TRY(sei_text_add(&all, "%s", sei_page_style));
    SEI_TRY(sei_text_add(&all, "</style></head>\n<body><header><h1>"));
    SEI_TRY(sei_text_append(&all, page->title.data, page->title.length));
    SEI_TRY(sei_text_add(&all, "</h1></header>\n"));
    if (page->contents.length > 0) {
        SEI_TRY(sei_text_add(&all, "<nav aria-label=\"Contents\">"));
        SEI_TRY(sei_text_append(&all, page->contents.data, page->contents.length));
        SEI_TRY(sei_text_add(&all, "</nav>\n"));
    }
    SEI_TRY(sei_text_add(&all, "<main>\n"));
    if (page->body.length > 0) SEI_TRY(sei_text_append(&all, page->body.data, page->body.length));
    SEI_TRY(sei_text_add(&all, "</main>\n<footer>seitomo %s</footer></body></html>\n", SEITOMO_VERSION));
    SEI_TRY(sei_file_write_text(path, overwrite, all.data, all.length));
done:
    sei_text_free(&all);
    sei_page_free(page);
    return status;
}
