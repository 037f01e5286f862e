/* Whatever a reading child sends, its parent survives: the messages of the pipe, byte by byte. */
#include <fcntl.h>
#include <string.h>

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
    if (sei_emd_receive(ends[0], &sink) == SEI_OK) {
        for (size_t i = 0; i < collector.stacks.count; ++i) { /* its flags are flags, its texts end */
            const sei_stack *stack = &collector.stacks.items[i];
            if ((int)stack->aligned + (int)stack->is_volume > 2) abort();
            if (strlen(stack->name) >= sizeof stack->name || strlen(stack->unit) >= sizeof stack->unit) abort();
        }
    }
    sei_stacks_free(&collector.stacks);
    close(ends[0]);
    return 0;
}
