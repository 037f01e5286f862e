/*
 * Animated PNG (the third edition of the PNG specification): the compressed pixels of each frame's own PNG, chunk by chunk, under
 * new heads. A frame's file is one picture; nothing is decoded.
 */
#include <math.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "report/panel.h"

enum { SIGNATURE = 8, HEAD = 13, CHUNK_FRAME = 12, MAX_FILE = 64 << 20 };
static const unsigned char signature[SIGNATURE] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

static uint32_t crc_of(uint32_t crc, const unsigned char *bytes, size_t count) {
    for (size_t n = 0; n < count; ++n) {
        crc ^= bytes[n];
        for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? crc >> 1 ^ 0xedb88320u : crc >> 1;
    }
    return crc;
}

static void put32(unsigned char *to, uint32_t value) {
    for (int n = 0; n < 4; ++n) to[n] = (unsigned char)(value >> (24 - 8 * n));
}

static uint32_t get32(const unsigned char *from) {
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

/* One chunk of `head` and `body`. */
static sei_status chunk(sei_outfile *file, const char *type, const unsigned char *head, size_t head_bytes,
                        const unsigned char *body, size_t body_bytes) {
    unsigned char start[8], end[4];
    sei_status status = SEI_OK;
    put32(start, (uint32_t)(head_bytes + body_bytes));
    memcpy(start + 4, type, 4);
    uint32_t crc = crc_of(0xffffffffu, start + 4, 4);
    crc = crc_of(crc, head, head_bytes);
    crc = crc_of(crc, body, body_bytes);
    put32(end, crc ^ 0xffffffffu);
    SEI_TRY(sei_outfile_write(file, start, sizeof start));
    if (head_bytes > 0) SEI_TRY(sei_outfile_write(file, head, head_bytes));
    if (body_bytes > 0) SEI_TRY(sei_outfile_write(file, body, body_bytes));
    SEI_TRY(sei_outfile_write(file, end, sizeof end));
done:
    return status;
}

/* A PNG in memory, its chunks looked over one by one. */
typedef struct picture {
    const char *path;
    unsigned char *bytes;
    size_t length;
} picture;

static sei_status read_picture(const char *path, picture *out) {
    char *text = NULL;
    size_t length = 0;
    sei_status status = sei_file_read_text(path, MAX_FILE, &text, &length);
    if (status != SEI_OK) return status;
    if (length < SIGNATURE + CHUNK_FRAME + HEAD || memcmp(text, signature, SIGNATURE) != 0 || memcmp(text + 12, "IHDR", 4) != 0) {
        sei_free(text);
        return sei_fail(SEI_ERR_INPUT, "%s: no PNG file", path);
    }
    *out = (picture){path, (unsigned char *)text, length};
    return SEI_OK;
}

/* The chunk at *at; moves *at behind it. */
static sei_status next_chunk(const picture *p, size_t *at, const unsigned char **type, const unsigned char **data,
                             uint32_t *bytes) {
    if (p->length - *at < CHUNK_FRAME || get32(p->bytes + *at) > p->length - *at - CHUNK_FRAME)
        return sei_fail(SEI_ERR_INPUT, "%s: the PNG ends in the middle of a chunk", p->path);
    *bytes = get32(p->bytes + *at);
    *type = p->bytes + *at + 4;
    *data = *type + 4;
    *at += CHUNK_FRAME + *bytes;
    return SEI_OK;
}

static sei_status write_frame(sei_outfile *file, const picture *p, size_t number, double seconds, uint32_t *sequence) {
    const unsigned char *ihdr = p->bytes + SIGNATURE + 8, *type = NULL, *data = NULL;
    unsigned char control[26] = {0}, order[4];
    uint32_t bytes = 0;
    size_t at = SIGNATURE;
    sei_status status = SEI_OK;
    put32(control, (*sequence)++);
    memcpy(control + 4, ihdr, 8); /* width and height; the offsets are 0 */
    const uint32_t milliseconds = (uint32_t)fmin(fmax(round(1000 * seconds), 1), 65535);
    control[20] = (unsigned char)(milliseconds >> 8);
    control[21] = (unsigned char)milliseconds;
    control[22] = 1000 >> 8;
    control[23] = 1000 & 255;
    SEI_TRY(chunk(file, "fcTL", control, sizeof control, NULL, 0));
    while (at < p->length) {
        SEI_TRY(next_chunk(p, &at, &type, &data, &bytes));
        if (memcmp(type, "IEND", 4) == 0) break;
        if (memcmp(type, "IDAT", 4) != 0) continue;
        if (number == 0) {
            SEI_TRY(chunk(file, "IDAT", data, bytes, NULL, 0));
        } else {
            put32(order, (*sequence)++);
            SEI_TRY(chunk(file, "fdAT", order, sizeof order, data, bytes));
        }
    }
done:
    return status;
}

sei_status sei_render_movie(const char *path, size_t n, const char *const *pngs, double seconds, bool overwrite) {
    sei_outfile file = {.fd = -1};
    unsigned char head[HEAD], control[8] = {0};
    uint32_t sequence = 0;
    sei_status status = SEI_OK;
    if (n < 1 || n > 100000) return sei_fail(SEI_ERR_INPUT, "%s: a movie takes 1 to 100000 pictures, found %zu", path, n);
    SEI_TRY(sei_outfile_open(path, overwrite, &file));
    SEI_TRY(sei_outfile_write(&file, signature, SIGNATURE));
    for (size_t i = 0; i < n; ++i) {
        picture p = {0};
        SEI_TRY(read_picture(pngs[i], &p));
        const unsigned char *ihdr = p.bytes + SIGNATURE + 8;
        if (i == 0) {
            memcpy(head, ihdr, HEAD);
            put32(control, (uint32_t)n);
            status = chunk(&file, "IHDR", head, HEAD, NULL, 0);
            if (status == SEI_OK) status = chunk(&file, "acTL", control, sizeof control, NULL, 0);
        } else if (memcmp(head, ihdr, HEAD) != 0) {
            status = sei_fail(SEI_ERR_INPUT, "%s: %u x %u pixels of another kind or size than the movie's %u x %u", pngs[i],
                              get32(ihdr), get32(ihdr + 4), get32(head), get32(head + 4));
        }
        if (status == SEI_OK) status = write_frame(&file, &p, i, i + 1 == n ? 4 * seconds : seconds, &sequence);
        sei_free(p.bytes);
        SEI_TRY(status);
    }
    SEI_TRY(chunk(&file, "IEND", NULL, 0, NULL, 0));
    SEI_TRY(sei_outfile_commit(&file));
done:
    sei_outfile_abort(&file);
    return status;
}
