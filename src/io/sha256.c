/* SHA-256 of inputs and outputs, through libmd. */
#include <sha2.h>
#include <stdio.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "seitomo/io.h"

static void finish(SHA2_CTX *context, char hex[65]) {
    uint8_t digest[SHA256_DIGEST_LENGTH];
    SHA256Final(digest, context);
    for (size_t i = 0; i < sizeof digest; ++i) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
}

void sei_io_sha256_bytes(const void *bytes, size_t count, char hex[65]) {
    SHA2_CTX context;
    SHA256Init(&context);
    SHA256Update(&context, bytes, count);
    finish(&context, hex);
}

sei_status sei_io_sha256_file(const char *path, char hex[65]) {
    enum { CHUNK = 1 << 20 };
    SHA2_CTX context;
    sei_infile file = {.fd = -1};
    void *buffer = NULL;
    size_t got = CHUNK;
    sei_status status = sei_infile_open(path, &file);
    if (status != SEI_OK) return status;
    SEI_TRY(sei_alloc(CHUNK, &buffer));
    SHA256Init(&context);
    for (int64_t at = 0; got == CHUNK; at += (int64_t)got) {
        SEI_TRY(sei_interrupt_check());
        SEI_TRY(sei_infile_read_some(&file, at, buffer, CHUNK, &got));
        SHA256Update(&context, buffer, got);
    }
    finish(&context, hex);
done:
    sei_free(buffer);
    sei_infile_close(&file);
    return status;
}

sei_status sei_io_provenance_add_input(sei_provenance *provenance, const char *path) {
    sei_input_file input = {0};
    void *inputs = provenance->inputs;
    sei_status status = sei_io_sha256_file(path, input.sha256);
    if (status != SEI_OK) return status;
    snprintf(input.name, sizeof input.name, "%.*s", (int)(sizeof input.name - 1), sei_path_base(path));
    for (char *c = input.name; *c != 0; ++c) {
        if ((unsigned char)*c < 32 || *c == 127) *c = '?';
    }
    status = sei_realloc(&inputs, (provenance->n_inputs + 1) * sizeof *provenance->inputs);
    if (status != SEI_OK) return status;
    provenance->inputs = inputs;
    provenance->inputs[provenance->n_inputs++] = input;
    return SEI_OK;
}
