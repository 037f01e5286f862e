/*
 * Whatever a reading child sends, its parent survives: the messages of the pipe, byte by byte. SEITOMO_FUZZ_WIRE_OF=FILE.emd
 * makes a seed instead of fuzzing: what the child sends about that file goes to standard output.
 */
#include <fcntl.h>
#include <hdf5.h>
#include <string.h>

#include "bytes_as_file.h"
#include "io/emd.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

enum { PIPE_BYTES = 60000 }; /* less than what a pipe holds without a reader */

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    const char *path = getenv("SEITOMO_FUZZ_WIRE_OF");
    (void)argc, (void)argv;
    if (path == NULL) return 0;
    const sei_format_read options = {.n_wanted = 0};
    const sei_emd_job job = {.path = path, .fd = open(path, O_RDONLY), .options = &options, .memory_bytes = PIPE_BYTES};
    if (job.fd < 0) abort();
    sei_emd_send_all(STDOUT_FILENO, (void *)&job);
    _exit(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    int ends[2];
    sei_emd_collector collector = {.memory_bytes = (size_t)8 << 20};
    const sei_emd_sink sink = sei_emd_collect(&collector);
    if (pipe2(ends, O_CLOEXEC) != 0) abort();
    if (count > PIPE_BYTES) count = PIPE_BYTES;
    if (write(ends[1], bytes, count) != (ssize_t)count) abort();
    close(ends[1]);
    if (sei_emd_receive(ends[0], &sink) == SEI_OK) {
        for (size_t i = 0; i < collector.stacks.count; ++i) { /* its flags are flags, its texts end */
            const sei_stack *stack = &collector.stacks.items[i];
            if ((int)stack->aligned + (int)stack->is_volume > 2) abort();
            if (strnlen(stack->name, sizeof stack->name) == sizeof stack->name) abort();
            if (strnlen(stack->unit, sizeof stack->unit) == sizeof stack->unit) abort();
        }
    }
    sei_stacks_free(&collector.stacks);
    close(ends[0]);
    return 0;
}
