/* No MRC crashes, leaks or takes long: headers alone, images, and whole images of a cut file. */
#include "bytes_as_file.h"
#include "io/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char path[64];
    const int fd = bytes_as_file(bytes, count, path);
    for (int pass = 0; pass < 3; ++pass) {
        const sei_format_read options = {.headers_only = pass == 0, .allow_truncated = pass == 2};
        sei_stacks stacks = {0};
        if (sei_format_mrc.read(path, &options, &stacks) == SEI_OK) sei_stacks_free(&stacks);
    }
    close(fd);
    return 0;
}
