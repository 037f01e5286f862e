/* Slabs and projections of volumes. */
#include "report/image.h"

#include <math.h>
#include <stdio.h>

#include "core/alloc.h"
#include "core/threads.h"

void sei_image_free(sei_image *image) {
    sei_free(image->data);
    *image = (sei_image){0};
}

sei_plane_strides sei_plane_layout(sei_plane plane, int64_t nx, int64_t ny, int64_t nz) {
    const int64_t row = nx, section = nx * ny;
    switch (plane) {
        case SEI_PLANE_XY: return (sei_plane_strides){nx, ny, nz, 1, row, section, "x", "y"};
        case SEI_PLANE_XZ: return (sei_plane_strides){nx, nz, ny, 1, section, row, "x", "z"};
        case SEI_PLANE_YZ: break;
    }
    return (sei_plane_strides){ny, nz, nx, row, section, 1, "y", "z"};
}

sei_status sei_picture_check(const sei_picture_options *o) {
    if (o->plane < SEI_PLANE_XY || o->plane > SEI_PLANE_YZ)
        return sei_fail(SEI_ERR_INPUT, "a picture's plane is xy, xz or yz, found number %d", (int)o->plane);
    if (!isfinite(o->position_nm) || !(o->thickness_nm >= 0) || !isfinite(o->thickness_nm) || isnan(o->scale_bar_nm)) {
        return sei_fail(SEI_ERR_INPUT, "a slice needs a finite position and a thickness of 0 nm or more, found %g nm and %g nm",
                        o->position_nm, o->thickness_nm);
    }
    if (!(o->low_percentile >= 0 && o->low_percentile < o->high_percentile && o->high_percentile <= 100)) {
        return sei_fail(SEI_ERR_INPUT, "the grey range needs percentiles 0 <= low < high <= 100, found %g and %g",
                        o->low_percentile, o->high_percentile);
    }
    if (!(o->cut_fraction >= 0 && o->cut_fraction <= 1))
        return sei_fail(SEI_ERR_INPUT, "a view is cut open over 0 to 1 of its height, found %g", o->cut_fraction);
    if (!isnan(o->range_low) && !isnan(o->range_high) &&
        !(o->range_low < o->range_high && isfinite(o->range_high - o->range_low))) {
        return sei_fail(SEI_ERR_INPUT, "the grey range needs low < high, found %g and %g", o->range_low, o->range_high);
    }
    return SEI_OK;
}

/* The slab's centre as a layer coordinate. */
static sei_status centre_of(int64_t depth, double voxel_nm, const sei_picture_options *options, double *centre) {
    const double offset = options->position_nm == 0 ? 0 : options->position_nm / voxel_nm;
    const double c = offset + (double)(depth - 1) / 2;
    if (isnan(c))
        return sei_fail(SEI_ERR_INPUT, "a slice at %g nm needs the voxel size, which is unknown; give it with --pixel-nm",
                        options->position_nm);
    if (c < -0.5 || c > (double)depth - 0.5) {
        const double half = (double)depth * voxel_nm / 2;
        return sei_fail(SEI_ERR_INPUT,
                        "a slice at %g nm lies outside the volume, which reaches from %.4g to %.4g nm along that axis",
                        options->position_nm, -half, half);
    }
    *centre = c;
    return SEI_OK;
}

sei_status sei_image_layer(int64_t nx, int64_t ny, int64_t nz, double voxel_nm, const sei_picture_options *options,
                           int64_t *layer) {
    const int64_t depth = sei_plane_layout(options->plane, nx, ny, nz).depth;
    double centre = 0;
    const sei_status status = centre_of(depth, voxel_nm, options, &centre);
    if (status == SEI_OK) *layer = (int64_t)fmin(fmax(floor(centre + 0.5), 0), (double)(depth - 1));
    return status;
}

static sei_status image_alloc(int64_t width, int64_t height, double pixel_nm, const char *across, const char *down,
                              sei_image *out) {
    sei_image image = {.width = width, .height = height, .pixel_nm = pixel_nm};
    const sei_status status = SEI_NEW(image.data, height, width, 1);
    if (status != SEI_OK) return status;
    snprintf(image.across, sizeof image.across, "%s", across);
    snprintf(image.down, sizeof image.down, "%s", down);
    *out = image;
    return SEI_OK;
}

sei_status sei_image_slab(const sei_volume *volume, const sei_picture_options *options, sei_image *out) {
    const sei_plane_strides at = sei_plane_layout(options->plane, volume->nx, volume->ny, volume->nz);
    double centre = 0;
    sei_image image = {0};
    sei_status status = centre_of(at.depth, volume->voxel_nm, options, &centre);
    if (status != SEI_OK) return status;
    const double in_voxels = options->thickness_nm / volume->voxel_nm;
    const double half = isfinite(in_voxels) && in_voxels > 1 ? in_voxels / 2 : 0.5;
    const double from = fmax(centre - half, -0.5), to = fmin(centre + half, (double)at.depth - 0.5);
    const int64_t first = (int64_t)fmax(floor(from + 0.5), 0), last = (int64_t)fmin(ceil(to - 0.5), (double)(at.depth - 1));
    status = image_alloc(at.width, at.height, volume->voxel_nm, at.across_name, at.down_name, &image);
    if (status != SEI_OK) return status;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t j = 0; j < at.height; ++j) {
        for (int64_t i = 0; i < at.width; ++i) {
            double sum = 0, weights = 0;
            for (int64_t k = first; k <= last; ++k) {
                const double weight = fmin(to, (double)k + 0.5) - fmax(from, (double)k - 0.5);
                const double value = (double)volume->data[i * at.across + j * at.down + k * at.through];
                if (weight <= 0 || !isfinite(value)) continue;
                sum += weight * value;
                weights += weight;
            }
            image.data[j * at.width + i] = (float)(sum / weights); /* NaN where no value is finite */
        }
    }
    *out = image;
    return SEI_OK;
}

sei_status sei_image_view_radius(size_t n, const sei_volume *volumes, const sei_range *ranges, double *radius) {
    double largest = 0;
    for (size_t v = 0; v < n; ++v) {
        const sei_volume *volume = &volumes[v];
        const double threshold = ranges[v].low + 0.1 * (ranges[v].high - ranges[v].low);
        const double cx = (double)(volume->nx - 1) / 2, cz = (double)(volume->nz - 1) / 2;
        double most = 0;
#pragma omp parallel for num_threads(sei_threads()) schedule(static) reduction(max : most)
        for (int64_t k = 0; k < volume->nz; ++k) {
            for (int64_t y = 0; y < volume->ny; ++y) {
                const float *row = volume->data + (k * volume->ny + y) * volume->nx;
                int64_t left = 0, right = volume->nx - 1;
                while (left <= right && !((double)row[left] > threshold)) ++left;
                while (right > left && !((double)row[right] > threshold)) --right;
                if (left > right) continue;
                most = fmax(most, hypot(fmax(fabs((double)left - cx), fabs((double)right - cx)), (double)k - cz));
            }
        }
        largest = fmax(largest, most);
    }
    /* a rim, so that nothing touches the frame */
    const double whole = volumes[0].nx > volumes[0].nz ? (double)volumes[0].nx / 2 : (double)volumes[0].nz / 2;
    *radius = largest > 0 ? largest * 1.05 + 1.5 : whole;
    return SEI_OK;
}

/* Value at (x, z) of section y, bilinear (y falls on voxels); 0 outside, where there is no signal. */
static double sample(const sei_volume *volume, int64_t y, double x, double z) {
    const double fx = floor(x), fz = floor(z);
    double value = 0;
    for (int dz = 0; dz <= 1; ++dz) {
        for (int dx = 0; dx <= 1; ++dx) {
            const double i = fx + dx, k = fz + dz;
            if (i < 0 || k < 0 || i >= (double)volume->nx || k >= (double)volume->nz) continue;
            const double weight = (dx ? x - fx : 1 - (x - fx)) * (dz ? z - fz : 1 - (z - fz));
            const float found = volume->data[((int64_t)k * volume->ny + y) * volume->nx + (int64_t)i];
            if (weight > 0 && isfinite(found)) value += weight * (double)found;
        }
    }
    return value;
}

void sei_image_view_arrow(double view_deg, sei_image *image) {
    static const char *const names[4] = {"x", "\xe2\x88\x92z", "\xe2\x88\x92x", "z"};
    const double quarters = view_deg / 90;
    const int quarter = (int)fmod(round(quarters), 4);
    /* an arrow only where an axis lies in the picture's plane */
    const bool square = fabs(quarters - round(quarters)) < 1e-9;
    snprintf(image->across, sizeof image->across, "%s", square ? names[quarter < 0 ? quarter + 4 : quarter] : "");
}

sei_status sei_image_project(const sei_volume *volume, double view_deg, double radius, sei_projection how, sei_image *out) {
    const double angle = view_deg * 3.14159265358979323846 / 180, c = cos(angle), s = sin(angle);
    const double cx = (double)(volume->nx - 1) / 2, cz = (double)(volume->nz - 1) / 2;
    /* odd or even as the volume is, so that the views at 0 and 90 degrees interpolate nothing */
    const int64_t width = 2 * (int64_t)ceil(radius) + volume->nx % 2;
    const int64_t steps = 2 * (int64_t)ceil(hypot(cx, cz)) + volume->nz % 2;
    sei_image image = {0};
    const sei_status status = image_alloc(width, volume->ny, volume->voxel_nm, "", "y", &image);
    if (status != SEI_OK) return status;
    sei_image_view_arrow(view_deg, &image);
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t y = 0; y < volume->ny; ++y) {
        for (int64_t i = 0; i < width; ++i) {
            const double u = (double)i - (double)(width - 1) / 2;
            double most = 0, sum = 0;
            for (int64_t step = 0; step < steps; ++step) {
                /* u = x cos - z sin, w = x sin + z cos */
                const double w = (double)step - (double)(steps - 1) / 2;
                const double x = u * c + w * s + cx, z = -u * s + w * c + cz;
                if (x <= -1 || z <= -1 || x >= (double)volume->nx || z >= (double)volume->nz) continue;
                const double value = sample(volume, y, x, z);
                most = fmax(most, value);
                sum += value;
            }
            image.data[y * width + i] = (float)(how == SEI_PROJECTION_SUM ? sum : most);
        }
    }
    *out = image;
    return SEI_OK;
}
