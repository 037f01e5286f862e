/* Inside the clean room: views of images, the list of repairs, the finders. */
#ifndef SEI_CLEAN_CLEAN_H
#define SEI_CLEAN_CLEAN_H

#include "seitomo/clean.h"

/* One image of a channel. */
typedef struct sei_image {
    float *data;          /* [ny][nx] */
    const uint8_t *valid; /* [ny][nx] or NULL */
    int64_t nx, ny;
} sei_image;

sei_image sei_image_of(const sei_series *series, size_t channel, int64_t tilt);

static inline bool sei_image_has(const sei_image *image, int64_t x, int64_t y) {
    return x >= 0 && y >= 0 && x < image->nx && y < image->ny && (image->valid == NULL || image->valid[y * image->nx + x] != 0);
}

typedef struct sei_repair {
    size_t channel;
    double tilt_deg, x, y; /* NaN: all of them */
    sei_repair_kind kind;
    double before, after;
} sei_repair;

typedef struct sei_repairs {
    size_t count, capacity;
    sei_repair *items;
    int64_t x0, y0; /* added to coordinates: the crop's corner in the image as read */
} sei_repairs;

sei_status sei_repairs_add(sei_repairs *repairs, sei_repair repair) SEI_MUST_CHECK;

/*
 * Whether a channel's noise is that of counting: its unit is "counts", or it has no unit and holds only small whole
 * numbers, most of them below 16, as an element map read from a file without units does.
 */
bool sei_clean_is_counts(const sei_series *series, size_t channel);

/*
 * The median (grey) or mean (counts, rounded when stored as whole numbers) of the pixels around (x, y) whose flag is 0,
 * from the smallest square that has three of them. NaN when the image has none.
 */
double sei_clean_neighbours_value(const sei_image *image, const uint8_t *flag, int64_t x, int64_t y, bool counts, bool whole);

/* Marks hot (1) and cold (2) pixels of one image in flag[ny][nx]. scratch: nx*ny floats. */
void sei_clean_find_hot(const sei_image *image, bool counts, double sigma, uint8_t *flag, float *scratch);

/* Finds and repairs dead rows and columns of one channel; *lines is raised by their number. */
sei_status sei_clean_dead_lines(sei_series *series, size_t channel, sei_repairs *repairs, int64_t *lines) SEI_MUST_CHECK;

/* Whether a type holds whole numbers. */
bool sei_clean_is_whole(sei_dtype dtype);
/* The k-th smallest (0-based) of n values; reorders them. */
float sei_clean_select(float *values, int64_t n, int64_t k);

#endif
