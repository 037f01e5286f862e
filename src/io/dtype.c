/* Numbers as files store them <-> float. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "io/formats.h"

static float float_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of_float(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* IEEE 754 binary16 to float: always exact. */
static float half_to_float(uint16_t half) {
    const uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    const uint32_t exponent = (half >> 10) & 31u;
    const uint32_t mantissa = half & 1023u;
    if (exponent == 0) { /* zero or subnormal: mantissa * 2^-24 */
        const float magnitude = (float)mantissa * 0x1p-24f;
        return sign != 0 ? -magnitude : magnitude;
    }
    const uint32_t wide = exponent == 31 ? 255u : exponent + 112u; /* bias 15 -> 127 */
    return float_of_bits(sign | wide << 23 | mantissa << 13);
}

/* float to IEEE 754 binary16, to nearest, ties to even. */
static uint16_t half_of_float(float value) {
    const uint32_t bits = bits_of_float(value);
    const uint16_t sign = (uint16_t)((bits >> 16) & 0x8000u);
    const float magnitude = fabsf(value);
    if (isnan(value)) return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 65520.0f) return (uint16_t)(sign | 0x7c00u); /* half a step above the largest, 65504 */
    if (magnitude < 0x1p-14f)
        return (uint16_t)(sign | (uint16_t)nearbyintf(magnitude * 0x1p24f)); /* subnormal, or the first normal */
    const uint32_t rest = bits & 0x7fffffffu;
    const uint32_t rounded = rest + 0xfffu + ((rest >> 13) & 1u);
    return (uint16_t)(sign | (uint16_t)((rounded >> 13) - (112u << 10)));
}

#define EACH_FROM(type)                                                                \
    do {                                                                               \
        for (size_t i = 0; i < count; ++i) {                                           \
            type element;                                                              \
            memcpy(&element, (const char *)from + i * sizeof element, sizeof element); \
            to[i] = (float)element;                                                    \
        }                                                                              \
    } while (0)

/* As EACH_FROM, counting values that the float does not hold exactly (NaN is held). */
#define EACH_FROM_COUNTED(type)                                                                \
    do {                                                                                       \
        for (size_t i = 0; i < count; ++i) {                                                   \
            type element;                                                                      \
            memcpy(&element, (const char *)from + i * sizeof element, sizeof element);         \
            to[i] = (float)element;                                                            \
            inexact += (double)to[i] != (double)element && (double)element == (double)element; \
        }                                                                                      \
    } while (0)

void sei_to_float(sei_dtype dtype, const void *from, size_t count, float *to, int64_t *rounded) {
    int64_t inexact = 0;
    switch (dtype) {
        case SEI_DTYPE_U8: EACH_FROM(uint8_t); break;
        case SEI_DTYPE_I8: EACH_FROM(int8_t); break;
        case SEI_DTYPE_U16: EACH_FROM(uint16_t); break;
        case SEI_DTYPE_I16: EACH_FROM(int16_t); break;
        case SEI_DTYPE_U32: EACH_FROM_COUNTED(uint32_t); break;
        case SEI_DTYPE_I32: EACH_FROM_COUNTED(int32_t); break;
        case SEI_DTYPE_F64: EACH_FROM_COUNTED(double); break;
        case SEI_DTYPE_F32: memcpy(to, from, count * sizeof *to); break;
        case SEI_DTYPE_F16:
            for (size_t i = 0; i < count; ++i) {
                uint16_t half;
                memcpy(&half, (const char *)from + i * sizeof half, sizeof half);
                to[i] = half_to_float(half);
            }
            break;
        case SEI_DTYPE_UNKNOWN: break;
    }
    if (rounded != NULL) *rounded = inexact;
}

/* The whole numbers an integer type holds; false for floating types. */
static bool integer_range(sei_dtype dtype, double *low, double *high) {
    static const double lows[] = {0, 0, -128, 0, -32768, 0, -2147483648.0};
    static const double highs[] = {0, 255, 127, 65535, 32767, 4294967295.0, 2147483647.0};
    if (dtype < SEI_DTYPE_U8 || dtype > SEI_DTYPE_I32) return false;
    *low = lows[dtype];
    *high = highs[dtype];
    return true;
}

sei_dtype sei_storable_type(const float *data, size_t count, sei_dtype wanted) {
    double low = 0;
    double high = 0;
    if (wanted == SEI_DTYPE_F64 || wanted == SEI_DTYPE_F32) return wanted;
    if (wanted == SEI_DTYPE_F16) {
        for (size_t i = 0; i < count; ++i) {
            if (!isnan(data[i]) && half_to_float(half_of_float(data[i])) != data[i]) return SEI_DTYPE_F32;
        }
        return wanted;
    }
    if (!integer_range(wanted, &low, &high)) return SEI_DTYPE_F32;
    for (size_t i = 0; i < count; ++i) {
        const double value = (double)data[i];
        if (!(value >= low && value <= high) || value != floor(value)) return SEI_DTYPE_F32;
    }
    return wanted;
}

/* To the nearest whole number inside the range; NaN becomes 0. */
static double whole_within(float value, double low, double high) {
    const double nearest = nearbyint((double)value);
    return isnan(nearest) ? 0 : nearest < low ? low : nearest > high ? high : nearest;
}

#define EACH_TO(type, value)                                                   \
    do {                                                                       \
        for (size_t i = 0; i < count; ++i) {                                   \
            const type element = (type)(value);                                \
            memcpy((char *)to + i * sizeof element, &element, sizeof element); \
        }                                                                      \
    } while (0)

void sei_from_float(const float *from, size_t count, sei_dtype dtype, void *to) {
    double low = 0;
    double high = 0;
    (void)integer_range(dtype, &low, &high);
    switch (dtype) {
        case SEI_DTYPE_U8: EACH_TO(uint8_t, whole_within(from[i], low, high)); break;
        case SEI_DTYPE_I8: EACH_TO(int8_t, whole_within(from[i], low, high)); break;
        case SEI_DTYPE_U16: EACH_TO(uint16_t, whole_within(from[i], low, high)); break;
        case SEI_DTYPE_I16: EACH_TO(int16_t, whole_within(from[i], low, high)); break;
        case SEI_DTYPE_U32: EACH_TO(uint32_t, whole_within(from[i], low, high)); break;
        case SEI_DTYPE_I32: EACH_TO(int32_t, whole_within(from[i], low, high)); break;
        case SEI_DTYPE_F16: EACH_TO(uint16_t, half_of_float(from[i])); break;
        case SEI_DTYPE_F64: EACH_TO(double, from[i]); break;
        case SEI_DTYPE_F32: memcpy(to, from, count * sizeof *from); break;
        case SEI_DTYPE_UNKNOWN: break;
    }
}
