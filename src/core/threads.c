#include "core/threads.h"

#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

static _Atomic int wanted = 0;

void sei_threads_set(int count) {
    atomic_store(&wanted, count > 0 ? count : 0);
}

int sei_threads(void) {
    cpu_set_t set;
    const int count = atomic_load(&wanted);
    if (count > 0) return count;
    if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (int)online : 1;
}
