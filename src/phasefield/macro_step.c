/* The macro step, written once over the operators: s stages of lithium inside one step of the vacancies. */
#include "phasefield/model.h"

#ifdef _OPENMP
#include <omp.h>
#endif

static int thread_number(void) {
#ifdef _OPENMP
    return omp_get_thread_num();
#else
    return 0;
#endif
}

static int team_size(void) {
#ifdef _OPENMP
    return omp_get_num_threads();
#else
    return 1;
#endif
}

/* The first plane of a thread's band: bands hold about equal numbers of cells. */
static int64_t band_begin(const sei_pf_work *w, int thread, int threads) {
    const int64_t cells = w->cells_before[w->nz] * thread / threads;
    int64_t z = 0;
    while (z < w->nz && w->cells_before[z] < cells) ++z;
    return thread == threads ? w->nz : z;
}

/* What one thread of the team does; planes z0 <= z < z1 are its own. Threads meet after each operator. */
static void team_steps(const sei_pf_work *w, const sei_pf_operators *operators, int thread, int64_t z0, int64_t z1,
                       int64_t steps) {
    void *old = w->li[0], *a = w->li[1], *b = w->li[2];
    void *c = w->vacancy[0], *c_new = w->vacancy[1];
    operators->bracket(w, z0, z1, c);
#pragma omp barrier
    for (int64_t n = 0; n < steps; ++n) {
        for (int j = 0; j < w->stages; ++j) {
            /* stage j writes over the field of stage j-2, which it needs at the same cell only; the old field stays */
            const void *y1 = j == 0 ? old : (j % 2 == 1 ? a : b), *y2 = j < 2 ? old : (j % 2 == 1 ? b : a);
            const sei_pf_li step = {w->stage[j], y1, y2, j % 2 == 0 ? a : b};
            operators->lithium(w, thread, z0, z1, &step);
#pragma omp barrier
        }
        void *last = w->stages % 2 == 1 ? a : b;
        if (w->vacancies_move) {
            const sei_pf_vacancy step = {old, last, c, c_new};
            operators->vacancy(w, thread, z0, z1, &step);
#pragma omp barrier
            void *swapped = c;
            c = c_new;
            c_new = swapped;
        }
        if (last == a) {
            a = old;
        } else {
            b = old;
        }
        old = last;
    }
}

void sei_pf_macro_steps(sei_pf_work *w, const sei_pf_operators *operators, int threads, int64_t steps) {
    /* a team of its own even for one thread: its barriers must not meet those who advance other states beside it */
#pragma omp parallel num_threads(operators->team ? (int)(threads < w->nz ? threads : w->nz) : 1)
    {
        const int thread = thread_number(), size = team_size();
        team_steps(w, operators, thread, band_begin(w, thread, size), band_begin(w, thread + 1, size), steps);
    }
    /* where the fields came to lie: each step takes the old field's place for the last stage's */
    for (int64_t n = 0; n < steps; ++n) {
        const int last = w->stages % 2 == 1 ? 1 : 2;
        void *const swapped = w->li[0];
        w->li[0] = w->li[last];
        w->li[last] = swapped;
        if (!w->vacancies_move) continue;
        void *const other = w->vacancy[0];
        w->vacancy[0] = w->vacancy[1];
        w->vacancy[1] = other;
    }
}
