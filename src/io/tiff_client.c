/* libtiff over our own files. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/tiff.h"

/* A file cannot make libtiff take more than this beyond its own size in one piece. */
static const tmsize_t ALLOCATION_MOST = (tmsize_t)64 << 20;

static tmsize_t read_part(thandle_t handle, void *to, tmsize_t bytes) {
    sei_tiff *tiff = handle;
    size_t got = 0;
    if (bytes < 0) return -1;
    if (tiff->in != NULL) {
        if (sei_infile_read_some(tiff->in, tiff->position, to, (size_t)bytes, &got) != SEI_OK) return -1;
    } else { /* libtiff reads back the directories it has written */
        const ssize_t n = pread(tiff->out->fd, to, (size_t)bytes, (off_t)tiff->position);
        if (n < 0) return -1;
        got = (size_t)n;
    }
    tiff->position += (int64_t)got;
    return (tmsize_t)got;
}

static tmsize_t write_part(thandle_t handle, void *from, tmsize_t bytes) {
    sei_tiff *tiff = handle;
    tmsize_t done = 0;
    if (tiff->out == NULL || bytes < 0) return -1;
    while (done < bytes) {
        const ssize_t n =
            pwrite(tiff->out->fd, (const char *)from + done, (size_t)(bytes - done), (off_t)(tiff->position + done));
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            if (!tiff->failed) snprintf(tiff->complaint, sizeof tiff->complaint, "%s", strerror(errno));
            tiff->failed = true;
            return -1;
        }
        done += n;
    }
    tiff->position += done;
    if (tiff->position > tiff->length) tiff->length = tiff->position;
    return done;
}

static toff_t seek(thandle_t handle, toff_t offset, int whence) {
    sei_tiff *tiff = handle;
    const int64_t from = whence == SEEK_CUR ? tiff->position : whence == SEEK_END ? tiff->length : 0;
    int64_t to = 0;
    if (__builtin_add_overflow(from, (int64_t)offset, &to) || to < 0) return (toff_t)-1;
    tiff->position = to;
    return (toff_t)to;
}

static int close_nothing(thandle_t handle) {
    (void)handle;
    return 0;
}

static toff_t size_of(thandle_t handle) {
    return (toff_t)((sei_tiff *)handle)->length;
}

static int keep_complaint(TIFF *handle, void *user, const char *module, const char *format, va_list args) {
    sei_tiff *tiff = user;
    (void)handle, (void)module;
    if (tiff->complaint[0] == 0) vsnprintf(tiff->complaint, sizeof tiff->complaint, format, args);
    return 1;
}

static int ignore_warning(TIFF *handle, void *user, const char *module, const char *format, va_list args) {
    (void)handle, (void)user, (void)module, (void)format, (void)args;
    return 1;
}

sei_status sei_tiff_open(sei_tiff *tiff, const char *mode) {
    const char *path = tiff->in != NULL ? tiff->in->path : tiff->out->path;
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (options == NULL) return sei_fail(SEI_ERR_MEMORY, "%s: no memory for libtiff", path);
    tiff->position = 0;
    if (tiff->in != NULL) tiff->length = tiff->in->size;
    tiff->complaint[0] = 0;
    if (tiff->in != NULL) TIFFOpenOptionsSetMaxSingleMemAlloc(options, ALLOCATION_MOST + (tmsize_t)tiff->in->size);
    TIFFOpenOptionsSetErrorHandlerExtR(options, keep_complaint, tiff);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ignore_warning, tiff);
    tiff->handle = TIFFClientOpenExt(path, mode, tiff, read_part, write_part, seek, close_nothing, size_of, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    if (tiff->handle != NULL) return SEI_OK;
    if (tiff->in == NULL) return sei_fail(SEI_ERR_ENVIRONMENT, "%s: cannot be written: %s", path, tiff->complaint);
    return sei_fail(SEI_ERR_INPUT, "%s: not a readable TIFF (%s); copy it again", path, tiff->complaint);
}

void sei_tiff_close(sei_tiff *tiff) {
    if (tiff->handle != NULL) TIFFClose(tiff->handle);
    tiff->handle = NULL;
}
