/* From volumes to grey images, and from grey images to the range that shows them. */
#ifndef SEI_REPORT_IMAGE_H
#define SEI_REPORT_IMAGE_H

#include "seitomo/report.h"

/* One image of values; rows top to bottom as stored. */
typedef struct sei_image {
    int64_t width, height;
    float *data;             /* [height][width] */
    double pixel_nm;         /* NaN unknown */
    char across[8], down[8]; /* the axes' names; "" where an axis is none of the specimen's */
} sei_image;
void sei_image_free(sei_image *image);

typedef struct sei_range {
    double low, high; /* low < high */
} sei_range;

/* Mean over the slab of options->plane, ->position_nm, ->thickness_nm; voxels cut by its faces count by their part. */
sei_status sei_image_slab(const sei_volume *volume, const sei_picture_options *options, sei_image *out) SEI_MUST_CHECK;
/* The voxel layer nearest to options->position_nm, along the plane's third axis. */
sei_status sei_image_layer(int64_t nx, int64_t ny, int64_t nz, double voxel_nm, const sei_picture_options *options,
                           int64_t *layer) SEI_MUST_CHECK;
/* Offset and strides of a plane's pixel (i, j) in layer k: i*across + j*down + k*through. */
typedef struct sei_plane_strides {
    int64_t width, height, depth, across, down, through;
    const char *across_name, *down_name;
} sei_plane_strides;
sei_plane_strides sei_plane_layout(sei_plane plane, int64_t nx, int64_t ny, int64_t nz);

/* Half the width of every view of these volumes, in voxels: no value that shows lies farther from the axis. */
sei_status sei_image_view_radius(size_t n, const sei_volume *volumes, const sei_range *ranges, double *radius) SEI_MUST_CHECK;
/* Names the axis that lies across a view, where one does. */
void sei_image_view_arrow(double view_deg, sei_image *image);
/* The projection of one volume at view_deg, 2*ceil(radius) wide, or one more, as nx is even or odd. */
sei_status sei_image_project(const sei_volume *volume, double view_deg, double radius, sei_projection how,
                             sei_image *out) SEI_MUST_CHECK;

/* Percentiles of finite values, exact, whatever the outliers; `element`: the range begins at 0. mask NULL or [n]. */
sei_status sei_range_of(const float *values, const uint8_t *mask, size_t n, bool element, const sei_picture_options *options,
                        sei_range *out) SEI_MUST_CHECK;
/* The same over all slabs of the volume. */
sei_status sei_range_of_slabs(const sei_volume *volume, const sei_picture_options *options, sei_range *out) SEI_MUST_CHECK;
/* Whether a channel is an element or other coloured signal (its black is zero) and no detector image. */
bool sei_is_element(const char *name);

/* Refuses options that no picture can be made of. */
sei_status sei_picture_check(const sei_picture_options *options) SEI_MUST_CHECK;

#endif
