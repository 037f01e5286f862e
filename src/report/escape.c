#include "report/escape.h"

#include <stdbool.h>

#include "report/utf8.h"

sei_status sei_html_escape(sei_text *out, const char *text) {
    sei_status status = sei_text_append(out, "", 0);
    while (status == SEI_OK && *text != 0) {
        uint32_t code = 0;
        text += sei_utf8_next(text, &code);
        const bool control = (code < 32 && code != '\t' && code != '\n' && code != '\r') || (code >= 0x7f && code < 0xa0);
        if (code == '&' || code == '<' || code == '>' || code == '"' || code == '\'' || code == '`' || code == '\r') {
            status = sei_text_add(out, "&#%u;", code);
        } else {
            status = sei_utf8_put(out, control ? 0xfffd : code);
        }
    }
    return status;
}
