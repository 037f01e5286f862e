/* A growing text: the one way reports, CSV files and messages are put together. */
#ifndef SEI_CORE_TEXT_H
#define SEI_CORE_TEXT_H

#include <stddef.h>

#include "seitomo/status.h"

typedef struct sei_text {
    char *data; /* NUL-terminated once anything was added; NULL before */
    size_t length, capacity;
} sei_text;

sei_status sei_text_add(sei_text *text, const char *format, ...) SEI_PRINTF(2, 3) SEI_MUST_CHECK;
sei_status sei_text_append(sei_text *text, const char *bytes, size_t count) SEI_MUST_CHECK;
void sei_text_free(sei_text *text);

/* A double in the C locale, shortest form that reads back exactly. "nan" and "inf" as such. buffer of >= 32 bytes. */
const char *sei_format_double(double value, char buffer[32]);
/* Reads a finite or non-finite double in the C locale from the whole of `text` (spaces around allowed). 0 on failure. */
int sei_parse_double(const char *text, double *value);

/* A name for a file, the same from every verb: letters, digits, '.', '+', '-', '_' stay, the rest becomes '_', a leading '.' or
 * '-' too; at most 48 bytes; never empty. */
void sei_safe_name(const char *name, char *safe, size_t size);

#endif
