#include "core/text.h"

#include <ctype.h>
#include <locale.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"

sei_status sei_text_append(sei_text *text, const char *bytes, size_t count) {
    if (count >= text->capacity - text->length) {
        size_t capacity = text->capacity < 256 ? 256 : text->capacity;
        while (count >= capacity - text->length) capacity *= 2;
        void *grown = text->data;
        const sei_status status = sei_realloc(&grown, capacity);
        if (status != SEI_OK) return status;
        text->data = grown;
        text->capacity = capacity;
    }
    memcpy(text->data + text->length, bytes, count);
    text->length += count;
    text->data[text->length] = 0;
    return SEI_OK;
}

sei_status sei_text_add(sei_text *text, const char *format, ...) {
    char small[512];
    void *large = NULL;
    va_list args;
    va_start(args, format);
    const int needed = vsnprintf(small, sizeof small, format, args);
    va_end(args);
    if (needed < 0) return sei_fail(SEI_ERR_USAGE, "a text could not be formatted: %s", format);
    if ((size_t)needed < sizeof small) return sei_text_append(text, small, (size_t)needed);
    sei_status status = sei_alloc((size_t)needed + 1, &large);
    if (status != SEI_OK) return status;
    va_start(args, format);
    vsnprintf(large, (size_t)needed + 1, format, args);
    va_end(args);
    status = sei_text_append(text, large, (size_t)needed);
    sei_free(large);
    return status;
}

void sei_text_free(sei_text *text) {
    sei_free(text->data);
    *text = (sei_text){0};
}

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static void make_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

const char *sei_format_double(double value, char buffer[32]) {
    pthread_once(&c_locale_once, make_c_locale);
    const locale_t before = uselocale(c_locale);
    for (int digits = 6; digits <= 17; ++digits) {
        snprintf(buffer, 32, "%.*g", digits, value);
        if (value != value || strtod(buffer, NULL) == value) break;
    }
    uselocale(before);
    return buffer;
}

int sei_parse_double(const char *text, double *value) {
    char *end = NULL;
    pthread_once(&c_locale_once, make_c_locale);
    const double parsed = strtod_l(text, &end, c_locale);
    if (end == text) return 0;
    while (isspace((unsigned char)*end)) ++end;
    if (*end != 0) return 0;
    *value = parsed;
    return 1;
}

void sei_safe_name(const char *name, char *safe, size_t size) {
    size_t n = 0;
    for (const char *c = name; *c != 0 && n + 1 < size && n < 48; ++c) {
        const bool plain =
            (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("+-_.", *c) != NULL;
        safe[n] = plain && !(n == 0 && (*c == '.' || *c == '-')) ? *c : '_';
        ++n;
    }
    if (n == 0) safe[n++] = '_';
    safe[n] = 0;
}
