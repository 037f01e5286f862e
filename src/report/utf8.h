/* Texts from outside: one decoder for everything that prints them. */
#ifndef SEI_REPORT_UTF8_H
#define SEI_REPORT_UTF8_H

#include <stddef.h>
#include <stdint.h>

#include "core/text.h"

/* Decodes the next character: bytes taken (>= 1), code point in *code. A byte that begins no valid UTF-8 (overlong forms,
 * surrogates and values above U+10FFFF included) gives U+FFFD and counts as one. */
size_t sei_utf8_next(const char *text, uint32_t *code);
/* Appends a code point as UTF-8. */
sei_status sei_utf8_put(sei_text *text, uint32_t code) SEI_MUST_CHECK;
/* Appends `text` as valid UTF-8 on one line: control characters become spaces. For pictures and plots. */
sei_status sei_utf8_line(sei_text *out, const char *text) SEI_MUST_CHECK;

#endif
