/* How many threads loops use. */
#ifndef SEI_CORE_THREADS_H
#define SEI_CORE_THREADS_H

/* Sets the count for this process (0: one per core this process may use). Results never depend on it. */
void sei_threads_set(int count);
int sei_threads(void);

#endif
