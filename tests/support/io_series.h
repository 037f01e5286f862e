/* A small series with everything a file can carry, and its comparison with what was read back. */
#ifndef SEI_TESTS_IO_SERIES_H
#define SEI_TESTS_IO_SERIES_H

#include "io/formats.h"

/* 7 x 5 pixels, 4 tilts, n channels (uint16 counts, float32, int8, ...); with or without a mask. */
void sei_test_make_series(size_t n_channels, bool with_mask, sei_series *out);
/* The stack holds channel `index` of the series: values, tilts, order, dose, pixel, axis, name, unit, window, type. */
void sei_test_same_stack(const sei_series *series, size_t index, const sei_stack *stack);
/*
 * Whichever allocation of writing the file at `path` and of reading it fails: SEI_ERR_MEMORY (any_error: or another) comes back,
 * no stack, and no file that was not there. At least `least` allocations each. `write` gets the series.
 */
void sei_test_memory_of_format(const sei_format *format, const char *path, sei_status (*write)(const char *, const sei_series *),
                               const sei_series *series, long least, bool any_error);
void sei_test_shape(const sei_stack *stack, int64_t nx, int64_t ny, int64_t nz, sei_dtype stored);
/* Reads all of FOLDER/name, which must be readable. */
void sei_test_read_in(const sei_format *format, const char *folder, const char *name, bool headers_only, sei_stacks *out);
/* Reads all of a file that must be readable. */
void sei_test_read(const sei_format *format, const char *path, bool headers_only, sei_stacks *out);

#endif
