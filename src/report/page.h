/* The page while it is built. */
#ifndef SEI_REPORT_PAGE_H
#define SEI_REPORT_PAGE_H

#include "core/text.h"
#include "seitomo/report.h"

struct sei_page {
    sei_text title, contents, body; /* all escaped already */
    unsigned n_headings, n_figures, n_tables;
    int contents_level; /* of the list that is open in the contents: 0, 2 or 3 */
};

/* "<figcaption>" or "<caption>" with its number: "Table 3 | text"; nothing but the number when the text is empty. */
sei_status sei_page_caption(sei_page *page, const char *element, const char *kind, unsigned number,
                            const char *text) SEI_MUST_CHECK;
/* The stylesheet, and the policy that goes with it. */
extern const char sei_page_style[];

#endif
