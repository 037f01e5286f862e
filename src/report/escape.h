/* The one way texts enter HTML. */
#ifndef SEI_REPORT_ESCAPE_H
#define SEI_REPORT_ESCAPE_H

#include "core/text.h"

/*
 * Appends `text` so that an HTML parser gives it back as text, in elements and in quoted attributes alike: & < > " ' `
 * become references, and so do carriage returns, which a parser would turn into line feeds. Bytes that are not UTF-8 and
 * control characters other than tab and line feed become U+FFFD.
 */
sei_status sei_html_escape(sei_text *out, const char *text) SEI_MUST_CHECK;

#endif
