/* How OpenMP's threads wait. */
#include <limits.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "core/threads.h"
#include "seitomo/backend.h"

void sei_wait_asleep(char *const argv[]) {
    static const char *const said[] = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"};
    char program[PATH_MAX];
    for (size_t i = 0; i < sizeof said / sizeof said[0]; ++i) {
        if (getenv(said[i]) != NULL) return;
    }
    /* AT_BASE is 0 where the dynamic linker was called by name, with the program as its argument */
    if (argv == NULL || argv[0] == NULL || sei_threads() == 1 || getauxval(AT_BASE) == 0) return;
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program);
    if (length <= 0 || (size_t)length >= sizeof program) return;
    program[length] = 0;
    if (setenv("OMP_WAIT_POLICY", "passive", 1) == 0) execv(program, argv);
}
