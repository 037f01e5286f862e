/* Numbers as a reader wants them: rounded by their uncertainty, with real minus signs, units with exponents. */
#ifndef SEI_REPORT_DIGITS_H
#define SEI_REPORT_DIGITS_H

#include <stdbool.h>
#include <stddef.h>

enum { SEI_DIGITS_LENGTH = 160 };

/* "%.*f" in the C locale with U+2212 for minus and narrow spaces between groups of three from five digits on. */
void sei_digits_fixed(double value, int decimals, char out[SEI_DIGITS_LENGTH]);
/* `digits` significant digits, as m x 10^e outside 10^-3 .. 10^6; whole numbers stay whole. NaN becomes a dash. */
void sei_digits_significant(double value, int digits, char out[SEI_DIGITS_LENGTH]);
/* "12.35 +- 0.12": sd to two significant digits and the value to the same place; without sd four significant digits. */
void sei_digits_with_sd(double value, double sd, char out[SEI_DIGITS_LENGTH]);
/* "nm3" as nm with superscript 3, "um" as micrometre, "deg" as degree sign; other texts unchanged. */
void sei_digits_unit(const char *unit, char *out, size_t size);
/* How a whole column is written: so many decimals, or powers of ten. */
typedef struct sei_digits_column {
    int decimals;
    bool scientific;
} sei_digits_column;
/* n values, `stride` apart; five significant digits of the largest, fewer when zeros would follow. */
sei_digits_column sei_digits_choose(const double *values, size_t n, size_t stride);
void sei_digits_cell(double value, sei_digits_column column, char out[SEI_DIGITS_LENGTH]);

#endif
