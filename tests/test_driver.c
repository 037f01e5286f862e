/*
 * Claims: whatever is wrong with the card or its driver, asking for backend cuda gives SEI_ERR_ENVIRONMENT and one line
 * that says what is wrong, auto gives the cpu, and nothing ends the program. Tried with a stub of the driver's library
 * that returns the codes ASTRA's users meet: 35 (old driver), 100 (no card), 222 (PTX of a newer CUDA), 804 (forward
 * compatibility on a consumer card), 999 (unknown), and with no visible card at all.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "seitomo/backend.h"
#include "support/test.h"

/* In a program of its own: opens cuda, then auto; prints status, message and the backend that auto gave. */
static int open_and_tell(void) {
    const sei_device_options cuda = {.name = "cuda"}, any = {.name = "auto"};
    sei_device *d = NULL;
    const sei_status status = sei_device_open(&cuda, &d);
    printf("%d|%s|", (int)status, status == SEI_OK ? "" : sei_last_error());
    sei_device_close(d);
    d = NULL;
    if (sei_device_open(&any, &d) != SEI_OK) return 1;
    printf("%s\n", d->backend->name);
    sei_device_close(d);
    return 0;
}

static void tell(const char *driver_folder, const char *code, const char *version, const char *visible, char *text, size_t size) {
    int ends[2] = {-1, -1}, status = 0;
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDOUT_FILENO);
        if (driver_folder != NULL) setenv("LD_LIBRARY_PATH", driver_folder, 1);
        if (visible != NULL) setenv("CUDA_VISIBLE_DEVICES", visible, 1);
        setenv("SEITOMO_STUB_CUINIT", code, 1);
        setenv("SEITOMO_STUB_VERSION", version, 1);
        execl("/proc/self/exe", "test_driver", "--open", (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t n = 1; n > 0 && length<size - 1; length += n> 0 ? (size_t)n : 0) {
        n = read(ends[0], text + length, size - 1 - length);
    }
    text[length] = 0;
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail_msg("code %s: the program ended with %d: %s", code, status, text);
}

static void broken_drivers_are_told(void **state) {
    (void)state;
    static const struct {
        const char *code, *version, *part;
    } cases[] = {{"35", "12020", "driver for CUDA 12.2"},
                 {"100", "99000", "no CUDA-capable device"},
                 {"222", "99000", "CUDA error 222"},
                 {"804", "99000", "CUDA error 804"},
                 {"999", "99000", "CUDA error 999"}};
    const char *folder = getenv("SEITOMO_STUB_DRIVER");
    char text[2048];
    if (folder == NULL) {
        printf("skipped: this build has no CUDA module (SEITOMO_CUDA, nvcc)\n");
        return;
    }
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        tell(folder, cases[i].code, cases[i].version, NULL, text, sizeof text);
        if (strncmp(text, "4|cuda: ", 8) != 0) fail_msg("code %s: %s", cases[i].code, text);
        if (strstr(text, cases[i].part) == NULL) fail_msg("code %s: '%s' lacks '%s'", cases[i].code, text, cases[i].part);
        if (strstr(text, "|cpu\n") == NULL) fail_msg("code %s: auto did not fall back: %s", cases[i].code, text);
    }
}

static void no_visible_card_falls_back(void **state) {
    char text[2048];
    (void)state;
    tell(NULL, "0", "0", "", text, sizeof text);
    if (strncmp(text, "4|", 2) != 0 || strstr(text, "|cpu\n") == NULL) fail_msg("%s", text);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--open") == 0) return open_and_tell();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_drivers_are_told),
        cmocka_unit_test(no_visible_card_falls_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
