#include "report/digits.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUS "\xe2\x88\x92"
#define NARROW_SPACE "\xe2\x80\xaf"
#define PLUS_MINUS " \xc2\xb1 "
#define TIMES_TEN " \xc3\x97 10"
#define DASH "\xe2\x80\x93"
#define INFINITY_SIGN "\xe2\x88\x9e"

static locale_t c_locale;
static pthread_once_t c_locale_once = PTHREAD_ONCE_INIT;
static void make_c_locale(void) {
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static void print_c(char *out, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void print_c(char *out, size_t size, const char *format, ...) {
    va_list args;
    pthread_once(&c_locale_once, make_c_locale);
    const locale_t before = uselocale(c_locale);
    va_start(args, format);
    vsnprintf(out, size, format, args);
    va_end(args);
    uselocale(before);
}

static void append(char out[SEI_DIGITS_LENGTH], const char *more) {
    const size_t used = strlen(out);
    snprintf(out + used, SEI_DIGITS_LENGTH - used, "%s", more);
}

/* Decimal exponent of a finite value other than 0 once it is rounded to `digits` significant digits. */
static int exponent_of(double value, int digits) {
    char text[64];
    print_c(text, sizeof text, "%.*e", digits - 1, value);
    return atoi(strchr(text, 'e') + 1);
}

static bool special(double value, char out[SEI_DIGITS_LENGTH]) {
    if (isfinite(value)) return false;
    snprintf(out, SEI_DIGITS_LENGTH, "%s", isnan(value) ? DASH : value > 0 ? INFINITY_SIGN : MINUS INFINITY_SIGN);
    return true;
}

void sei_digits_fixed(double value, int decimals, char out[SEI_DIGITS_LENGTH]) {
    char plain[96];
    if (special(value, out)) return;
    if (fabs(value) >= 1e40) { /* no one reads forty digits; callers switch to powers of ten long before */
        print_c(out, SEI_DIGITS_LENGTH, "%.*g", 6, value);
        return;
    }
    print_c(plain, sizeof plain, "%.*f", decimals > 0 ? decimals : 0, fabs(value));
    const size_t whole = strcspn(plain, ".");
    const bool zero = strspn(plain, "0.") == strlen(plain);
    out[0] = 0;
    if (value < 0 && !zero) append(out, MINUS);
    for (size_t i = 0; i < whole; ++i) {
        if (whole >= 5 && i > 0 && (whole - i) % 3 == 0) append(out, NARROW_SPACE);
        append(out, (char[]){plain[i], 0});
    }
    append(out, plain + whole);
}

static void append_power(char out[SEI_DIGITS_LENGTH], int exponent) {
    static const char *const raised[10] = {"\xe2\x81\xb0", "\xc2\xb9",     "\xc2\xb2",     "\xc2\xb3",     "\xe2\x81\xb4",
                                           "\xe2\x81\xb5", "\xe2\x81\xb6", "\xe2\x81\xb7", "\xe2\x81\xb8", "\xe2\x81\xb9"};
    char plain[16];
    append(out, TIMES_TEN);
    snprintf(plain, sizeof plain, "%d", exponent);
    for (const char *c = plain; *c != 0; ++c) append(out, *c == '-' ? "\xe2\x81\xbb" : raised[*c - '0']);
}

/* value / 10^exponent with that many decimals. */
static void append_scaled(char out[SEI_DIGITS_LENGTH], double value, int exponent, int decimals) {
    char part[SEI_DIGITS_LENGTH];
    /* two steps, so that neither power over- nor underflows */
    const int half = exponent / 2;
    sei_digits_fixed(value / pow(10, half) / pow(10, exponent - half), decimals, part);
    append(out, part);
}

void sei_digits_significant(double value, int digits, char out[SEI_DIGITS_LENGTH]) {
    if (special(value, out)) return;
    if (value == 0) {
        snprintf(out, SEI_DIGITS_LENGTH, "0");
        return;
    }
    const int e = exponent_of(value, digits);
    if (value == round(value) && fabs(value) < 1e9) {
        sei_digits_fixed(value, 0, out);
    } else if (e >= 6 || e < -3) {
        out[0] = 0;
        append_scaled(out, value, e, digits - 1);
        append_power(out, e);
    } else {
        sei_digits_fixed(value, digits - 1 - e, out);
    }
}

void sei_digits_with_sd(double value, double sd, char out[SEI_DIGITS_LENGTH]) {
    char part[SEI_DIGITS_LENGTH];
    if (special(value, out)) return;
    if (!isfinite(sd) || sd < 0) {
        sei_digits_significant(value, 4, out);
        return;
    }
    if (sd == 0) {
        sei_digits_significant(value, 6, out);
        append(out, PLUS_MINUS "0");
        return;
    }
    const int last = exponent_of(sd, 2) - 1; /* decimal place of the second digit of sd */
    const double larger = fabs(value) > sd ? fabs(value) : sd;
    const int e = exponent_of(larger, 2);
    if (e >= 6 || e < -3 || last > 0) {
        snprintf(out, SEI_DIGITS_LENGTH, "(");
        append_scaled(out, value, e, e - last);
        append(out, PLUS_MINUS);
        append_scaled(out, sd, e, e - last);
        append(out, ")");
        append_power(out, e);
        return;
    }
    sei_digits_fixed(value, -last, out);
    sei_digits_fixed(sd, -last, part);
    append(out, PLUS_MINUS);
    append(out, part);
}

void sei_digits_unit(const char *unit, char *out, size_t size) {
    static const struct {
        const char *plain, *shown;
    } units[] = {{"nm2", "nm\xc2\xb2"},
                 {"nm3", "nm\xc2\xb3"},
                 {"nm^2", "nm\xc2\xb2"},
                 {"nm^3", "nm\xc2\xb3"},
                 {"1/nm", "nm\xe2\x81\xbb\xc2\xb9"},
                 {"nm^-1", "nm\xe2\x81\xbb\xc2\xb9"},
                 {"um", "\xc2\xb5m"},
                 {"um2", "\xc2\xb5m\xc2\xb2"},
                 {"um3", "\xc2\xb5m\xc2\xb3"},
                 {"deg", "\xc2\xb0"},
                 {"percent", "%"},
                 {"e/nm2", "e\xe2\x81\xbb nm\xe2\x81\xbb\xc2\xb2"},
                 {"e_per_nm2", "e\xe2\x81\xbb nm\xe2\x81\xbb\xc2\xb2"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; ++i) {
        if (strcmp(unit, units[i].plain) == 0) unit = units[i].shown;
    }
    snprintf(out, size, "%s", unit);
}

sei_digits_column sei_digits_choose(const double *values, size_t n, size_t stride) {
    double largest = 0;
    for (size_t i = 0; i < n; ++i) {
        const double value = fabs(values[i * stride]);
        if (isfinite(value) && value > largest) largest = value;
    }
    if (largest == 0) return (sei_digits_column){0, false};
    const int e = exponent_of(largest, 5);
    const int most = e >= 4 ? 0 : 4 - e;
    bool whole = largest < 1e9;
    for (size_t i = 0; i < n; ++i)
        whole = whole && (!isfinite(values[i * stride]) || values[i * stride] == round(values[i * stride]));
    if (whole) return (sei_digits_column){0, false};
    if (e >= 6 || e < -3) return (sei_digits_column){3, true};
    /* the fewest decimals that print the same numbers */
    int decimals = most;
    for (bool same = true; same && decimals > 0; decimals -= same) {
        const double shorter = pow(10, decimals - 1), full = pow(10, most);
        for (size_t i = 0; i < n && same; ++i) {
            const double value = values[i * stride];
            if (isfinite(value)) same = fabs(round(value * shorter) / shorter - round(value * full) / full) < 0.1 / full;
        }
    }
    return (sei_digits_column){decimals, false};
}

void sei_digits_cell(double value, sei_digits_column column, char out[SEI_DIGITS_LENGTH]) {
    if (special(value, out)) return;
    if (!column.scientific) {
        sei_digits_fixed(value, column.decimals, out);
    } else if (value == 0) {
        snprintf(out, SEI_DIGITS_LENGTH, "0");
    } else {
        const int e = exponent_of(value, column.decimals + 1);
        out[0] = 0;
        append_scaled(out, value, e, column.decimals);
        append_power(out, e);
    }
}
