#include "seitomo/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_BYTES = 1024 };
static _Thread_local char message[MESSAGE_BYTES];

const char *sei_status_text(sei_status status) {
    switch (status) {
#define X(name, code, text) \
    case name: return text;
        SEI_STATUS_LIST(X)
#undef X
    }
    return "unknown status";
}

/* A message is one line: control bytes (also those of text from files) become '?'. */
static void flatten(char *text) {
    for (unsigned char *c = (unsigned char *)text; *c != 0; ++c) {
        if (*c < 32 || *c == 127) *c = '?';
    }
}

sei_status(sei_fail)(sei_status status, const char *format, ...) {
    char fresh[MESSAGE_BYTES]; /* the arguments may point into the old message */
    va_list args;
    va_start(args, format);
    vsnprintf(fresh, sizeof fresh, format, args);
    va_end(args);
    flatten(fresh);
    memcpy(message, fresh, sizeof message);
    return status;
}

sei_status sei_fail_context(sei_status status, const char *format, ...) {
    if (status == SEI_OK) return status;
    char context[MESSAGE_BYTES];
    char joined[2 * MESSAGE_BYTES + 4];
    va_list args;
    va_start(args, format);
    vsnprintf(context, sizeof context, format, args);
    va_end(args);
    flatten(context);
    snprintf(joined, sizeof joined, "%s: %s", context, message);
    joined[MESSAGE_BYTES - 1] = 0;
    memcpy(message, joined, sizeof message);
    return status;
}

const char *sei_last_error(void) {
    return message;
}
