/*
 * Work on a file that nobody vouches for, in a child process: a fault, a hang or a memory bomb inside a file library
 * ends the child and becomes an error message. The child may read the one file and nothing else, writes only into the
 * pipe to its parent, and may use a bounded amount of memory and processor time.
 */
#ifndef SEI_IO_SANDBOX_H
#define SEI_IO_SANDBOX_H

#include "core/file.h"

typedef struct sei_sandbox_job {
    const sei_infile *file;
    const char *library; /* named when the child dies: "HDF5" */
    /* Runs in the child: writes its answer to `pipe`. Must not start threads. Its status reaches the parent only through
     * the answer. */
    void (*work)(int pipe, void *context);
    /* Runs in the parent: reads the answer with sei_sandbox_take until it is complete. */
    sei_status (*receive)(int pipe, void *context);
    void *context;
} sei_sandbox_job;

/*
 * Forks, confines, runs. SEI_ERR_INPUT naming the file when the child dies or the answer is cut short; else what
 * `receive` returned. The child is gone when this returns.
 */
sei_status sei_sandbox_run(const sei_sandbox_job *job) SEI_MUST_CHECK;

/* In the child, before work on data of known size begins: adds memory to what headers need, and gives processor time from now. */
void sei_sandbox_grant(size_t memory_bytes, int64_t processor_seconds);
/* Whole writes and reads on the pipe; a closed pipe is SEI_ERR_ENVIRONMENT, an interrupt SEI_ERR_INTERRUPTED. */
sei_status sei_sandbox_put(int pipe, const void *bytes, size_t count) SEI_MUST_CHECK;
sei_status sei_sandbox_take(int pipe, void *bytes, size_t count) SEI_MUST_CHECK;

#endif
