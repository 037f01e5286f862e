#include "report/utf8.h"

size_t sei_utf8_next(const char *text, uint32_t *code) {
    const unsigned char *s = (const unsigned char *)text;
    static const uint32_t smallest[5] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = s[0] < 0x80                   ? 1
                    : s[0] >= 0xf0 && s[0] < 0xf8 ? 4
                    : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
                    : s[0] >= 0xc0 && s[0] < 0xe0 ? 2
                                                  : 0;
    if (length == 1) {
        *code = s[0];
        return 1;
    }
    uint32_t value = length == 0 ? 0 : s[0] & (0xffu >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
        if ((s[i] & 0xc0) != 0x80) { /* also the terminating NUL */
            length = 0;
            break;
        }
        value = value << 6 | (s[i] & 0x3fu);
    }
    if (length == 0 || value < smallest[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        *code = 0xfffd;
        return 1;
    }
    *code = value;
    return length;
}

sei_status sei_utf8_put(sei_text *text, uint32_t code) {
    char bytes[4];
    size_t n = 0;
    if (code < 0x80) {
        bytes[n++] = (char)code;
    } else if (code < 0x800) {
        bytes[n++] = (char)(0xc0 | code >> 6);
        bytes[n++] = (char)(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        bytes[n++] = (char)(0xe0 | code >> 12);
        bytes[n++] = (char)(0x80 | (code >> 6 & 0x3f));
        bytes[n++] = (char)(0x80 | (code & 0x3f));
    } else {
        bytes[n++] = (char)(0xf0 | code >> 18);
        bytes[n++] = (char)(0x80 | (code >> 12 & 0x3f));
        bytes[n++] = (char)(0x80 | (code >> 6 & 0x3f));
        bytes[n++] = (char)(0x80 | (code & 0x3f));
    }
    return sei_text_append(text, bytes, n);
}

sei_status sei_utf8_line(sei_text *out, const char *text) {
    sei_status status = sei_text_append(out, "", 0);
    while (status == SEI_OK && *text != 0) {
        uint32_t code = 0;
        text += sei_utf8_next(text, &code);
        status = sei_utf8_put(out, code < 32 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ? ' ' : code);
    }
    return status;
}
