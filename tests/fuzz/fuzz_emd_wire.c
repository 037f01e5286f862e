/* Whatever a reading child sends, its parent survives: the messages of the pipe, byte by byte. */
#include <fcntl.h>

#include "bytes_as_file.h"
#include "io/emd.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    int ends[2];
    sei_emd_collector collector = {.memory_bytes = (size_t)8 << 20};
    const sei_emd_sink sink = sei_emd_collect(&collector);
    if (pipe2(ends, O_CLOEXEC) != 0) abort();
    if (count > 60000) count = 60000; /* what a pipe holds without a reader */
    if (write(ends[1], bytes, count) != (ssize_t)count) abort();
    close(ends[1]);
    if (sei_emd_receive(ends[0], &sink) != SEI_OK) sei_stacks_free(&collector.stacks);
    sei_stacks_free(&collector.stacks);
    close(ends[0]);
    return 0;
}
