#include "simulate/detect.h"

#include <math.h>
#include <stdio.h>

#include "core/alloc.h"
#include "core/log.h"
#include "core/threads.h"
#include "simulate/streams.h"

/* float32 holds every whole number up to here */
static const double most_counts = 16777216.0;

static bool counting(const sei_simulated_channel *channel) {
    return channel->counts > 0 || channel->by_dose;
}

sei_status sei_find_scales(const sei_simulation *s, const sei_shadow *shadow, double electrons, sei_exposing *exposing) {
    for (size_t c = 0; c < s->n_channels; ++c) {
        const sei_simulated_channel *channel = &s->channels[c];
        sei_exposing *e = &exposing[c];
        *e = (sei_exposing){.scale = 1, .flat = channel->background};
        if (channel->by_dose) e->scale = electrons;
        if (channel->counts > 0 && shadow->sum[c] > 0) e->scale = channel->counts * (double)shadow->pixels / shadow->sum[c];
        if (channel->counts > 0 && !(shadow->sum[c] > 0)) {
            sei_warn("channel '%s': counts of %g are asked for, but nothing in the field emits into it: it holds background only",
                     channel->name, channel->counts);
        }
        if (!(channel->peak_to_background > 0) || shadow->pixels == 0) continue;
        const double wanted = e->scale * shadow->sum[c] / channel->peak_to_background;
        const double brems = s->bremsstrahlung != NULL ? shadow->sum[s->n_channels] : 0;
        if (brems > 0) {
            e->brems = wanted / brems;
        } else {
            e->flat += wanted / (double)shadow->pixels;
        }
    }
    return SEI_OK;
}

/* The mean counts of one image, in place; returns the largest. */
static double make_mean(const sei_exposing *e, int64_t n, const float *brems, float *image) {
    double largest = 0;
#pragma omp parallel for num_threads(sei_threads()) schedule(static) reduction(max : largest)
    for (int64_t p = 0; p < n; ++p) {
        double mean = e->scale * (double)image[p] + e->flat;
        if (brems != NULL) mean += e->brems * (double)brems[p];
        image[p] = (float)mean;
        largest = mean > largest ? mean : largest; /* gcc 12 for ARM fails on fmax over converted floats */
    }
    return largest;
}

/* What one image goes through. */
typedef struct detector {
    sei_device *device;
    sei_buffer *buffer;
    sei_exposure exposure;
    double gain, offset;
    bool whole;
} detector;

static sei_status expose_image(const detector *d, int64_t n, float *image) {
    sei_status status = SEI_OK;
    if (d->exposure.counting || d->exposure.noise > 0) {
        SEI_TRY(SEI_OP(d->device, upload)(d->device, d->buffer, 0, (size_t)n, image));
        SEI_TRY(SEI_OP(d->device, expose)(d->device, &d->exposure, (size_t)n, d->buffer, d->buffer));
        SEI_TRY(SEI_OP(d->device, download)(d->device, d->buffer, 0, (size_t)n, image));
    }
    if (d->gain == 1 && d->offset == 0 && !d->whole) return SEI_OK;
#pragma omp parallel for num_threads(sei_threads()) schedule(static)
    for (int64_t p = 0; p < n; ++p) {
        const double value = d->offset + d->gain * (double)image[p];
        image[p] = (float)(d->whole ? floor(value + 0.5) : value);
    }
done:
    return status;
}

/* The values a type holds; false for types that hold everything. */
static bool range_of(sei_dtype type, double range[2]) {
    switch (type) {
        case SEI_DTYPE_U8: range[0] = 0, range[1] = 255; return true;
        case SEI_DTYPE_I8: range[0] = -128, range[1] = 127; return true;
        case SEI_DTYPE_U16: range[0] = 0, range[1] = 65535; return true;
        case SEI_DTYPE_I16: range[0] = -32768, range[1] = 32767; return true;
        case SEI_DTYPE_U32: range[0] = 0, range[1] = most_counts; return true; /* what float holds exactly in memory */
        case SEI_DTYPE_I32: range[0] = -most_counts, range[1] = most_counts; return true;
        default: return false;
    }
}

static sei_status check_range(const sei_simulated_channel *channel, double tilt_deg, int64_t n, const float *image) {
    double range[2];
    if (!range_of(channel->stored, range)) return SEI_OK;
    for (int64_t p = 0; p < n; ++p) {
        if ((double)image[p] >= range[0] && (double)image[p] <= range[1]) continue;
        return sei_fail(SEI_ERR_INPUT,
                        "simulation: channel '%s' at %g deg has a value of %.6g, %s holds %.0f to %.0f; %s, or store float32",
                        channel->name, tilt_deg, (double)image[p], sei_dtype_name(channel->stored), range[0], range[1],
                        (double)image[p] < range[0] ? "raise its offset" : "ask for fewer counts or less gain");
    }
    return SEI_OK;
}

sei_status sei_detect(const sei_simulation *s, sei_device *device, size_t c, const sei_exposing *exposing,
                      const sei_tilt_exposure *exposures, int64_t n, const float *brems, sei_channel *out) {
    const sei_simulated_channel *channel = &s->channels[c];
    const int64_t pixels = s->nx * s->ny;
    double range[2];
    detector d = {.device = device,
                  .gain = channel->gain > 0 ? channel->gain : 1,
                  .offset = channel->offset,
                  .whole = range_of(channel->stored, range)};
    double largest = 0;
    sei_status status = SEI_OK;
    for (int64_t t = 0; t < n; ++t) {
        const float *under = exposing->brems > 0 && brems != NULL ? brems + t * pixels : NULL;
        largest = fmax(largest, make_mean(exposing, pixels, under, out->data + t * pixels));
    }
    if (counting(channel) && largest > most_counts / 2) {
        return sei_fail(SEI_ERR_INPUT,
                        "simulation: channel '%s' would hold %.3g counts in a pixel, float32 holds %.0f exactly; ask for "
                        "fewer counts",
                        channel->name, largest, most_counts);
    }
    const double noise = hypot(channel->noise * largest, channel->readout / d.gain);
    SEI_TRY(SEI_OP(device, alloc)(device, (size_t)pixels, &d.buffer));
    for (int64_t t = 0; t < n; ++t) {
        float *image = out->data + t * pixels;
        d.exposure = (sei_exposure){.seed = s->experiment.seed,
                                    .stream = (uint32_t)(SEI_STREAM_COUNTS + c),
                                    .first_index = (uint64_t)(exposures[t].index * pixels),
                                    .counting = counting(channel),
                                    .noise = noise};
        SEI_TRY(expose_image(&d, pixels, image));
        SEI_TRY(check_range(channel, exposures[t].nominal_deg, pixels, image));
    }
    out->stored = channel->stored;
    snprintf(out->name, sizeof out->name, "%s", channel->name);
    snprintf(out->unit, sizeof out->unit, "%s",
             counting(channel) && noise <= 0 && d.gain == 1 && d.offset == 0 ? "counts" : "grey");
done:
    SEI_OP(device, release)(device, d.buffer);
    return status;
}

void sei_settle_type(const sei_simulation *s, size_t c, int64_t n, sei_channel *channel) {
    if (s->channels[c].stored != SEI_DTYPE_UNKNOWN) return;
    channel->stored = SEI_DTYPE_F32;
    if (channel->unit[0] != 'c') return; /* not plain counts */
    for (int64_t i = 0; i < n; ++i) {
        if (channel->data[i] > 65535) return;
    }
    channel->stored = SEI_DTYPE_U16;
}
