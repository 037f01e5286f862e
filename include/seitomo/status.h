/* Status codes and error messages: every fallible function of seitomo returns a sei_status. */
#ifndef SEITOMO_STATUS_H
#define SEITOMO_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* The one list of statuses: name, process exit code, short text. */
#define SEI_STATUS_LIST(X)                                              \
    X(SEI_OK, 0, "done")                                                \
    X(SEI_ERR_USAGE, 2, "the call or the command line is wrong")        \
    X(SEI_ERR_INPUT, 3, "input rejected")                               \
    X(SEI_ERR_ENVIRONMENT, 4, "disk, permission or device unavailable") \
    X(SEI_ERR_MEMORY, 5, "out of memory")                               \
    X(SEI_ERR_PARTIAL, 6, "part of a batch failed")                     \
    X(SEI_ERR_INTERRUPTED, 130, "interrupted")

typedef enum sei_status {
#define X(name, code, text) name = (code),
    SEI_STATUS_LIST(X)
#undef X
} sei_status;

#if defined(__GNUC__)
#define SEI_MUST_CHECK __attribute__((warn_unused_result))
#define SEI_PRINTF(fmt_index, args_index) __attribute__((format(printf, fmt_index, args_index)))
#else
#define SEI_MUST_CHECK
#define SEI_PRINTF(fmt_index, args_index)
#endif

/* The short text of a status, e.g. "input rejected". Static storage; never NULL. */
const char *sei_status_text(sei_status status);

/*
 * Sets this thread's error message (printf style) and returns `status` unchanged, so that a failing
 * function ends with `return sei_fail(SEI_ERR_INPUT, "%s: ...", path)`. The message is one line: what was
 * wrong, where (file, tilt, field), found against expected, what to do. Longer text is cut at 1023 bytes;
 * control characters are replaced by '?' so that text from files cannot forge lines.
 */
sei_status sei_fail(sei_status status, const char *format, ...) SEI_PRINTF(2, 3) SEI_MUST_CHECK;
#if defined(__clang_analyzer__)
/* The analyzer does not see into other files; it must know that a failure is not SEI_OK. */
void sei_analyzer_sees(const char *format, ...);
#define sei_fail(status, ...) (sei_analyzer_sees(__VA_ARGS__), (status))
#endif

/* Puts "context: " in front of this thread's message and returns `status` unchanged (SEI_OK passes through). */
sei_status sei_fail_context(sei_status status, const char *format, ...) SEI_PRINTF(2, 3) SEI_MUST_CHECK;

/* This thread's last message; "" when there was none. Valid until the next sei_fail of this thread. */
const char *sei_last_error(void);

/* Jumps to the function's `done:` label on failure; needs a local `sei_status status`. */
#define SEI_TRY(expression)              \
    do {                                 \
        status = (expression);           \
        if (status != SEI_OK) goto done; \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif
