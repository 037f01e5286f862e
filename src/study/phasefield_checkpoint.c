/*
 * checkpoint.bin: everything a run goes on from, as it stands in memory, behind a head that says whose it is, with the SHA-256
 * of all of it at the end. It is read by the program that wrote it on the machine that wrote it; elsewhere the recipe is run
 * again.
 */
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/text.h"
#include "seitomo/io.h"
#include "study/phasefield_run.h"

static const char magic[32] = "seitomo phase field checkpoint 1";
enum { HASH = 64 };

typedef struct head {
    char magic[32], stamp[64];
    int64_t nx, ny, nz, half_cycles, macro_steps, evaluations, wetted_before, wetted_still, n_rows, n_frames;
    int64_t shape_at, loads, balances, iterations, unbalanced, shape_cells; /* 0 cells: no mechanics */
    double half_time, time, last_time, frame_soc, shape_soc, stretch, residual, residual_worst;
} head;

static int64_t cells_of(const sei_phasefield_state *s) {
    return s->nx * s->ny * s->nz;
}

static head head_of(const sei_pf_run *run) {
    const sei_phasefield_state *s = &run->state;
    const sei_mechanics_state *m = &run->shape;
    head h = {.nx = s->nx,
              .ny = s->ny,
              .nz = s->nz,
              .half_cycles = s->half_cycles,
              .macro_steps = s->macro_steps,
              .evaluations = s->evaluations,
              .wetted_before = s->wetted_before,
              .wetted_still = s->wetted_still,
              .n_rows = (int64_t)run->n_rows,
              .n_frames = run->n_frames,
              .shape_at = run->shape_at,
              .loads = m->loads,
              .balances = m->balances,
              .iterations = m->iterations,
              .unbalanced = m->unbalanced,
              .shape_cells = m->nx * m->ny * m->nz,
              .shape_soc = run->shape_soc,
              .stretch = m->stretch,
              .residual = m->residual,
              .residual_worst = m->residual_worst,
              .half_time = s->half_time,
              .time = s->time,
              .last_time = s->last_time,
              .frame_soc = run->frame_soc}; /* members of eight bytes: no gaps between them */
    memcpy(h.magic, magic, sizeof h.magic);
    memcpy(h.stamp, run->stamp, sizeof h.stamp);
    return h;
}

/* The arrays of the deformed wire. */
typedef struct span {
    void *at;
    size_t bytes;
} span;
enum { N_SPANS = 8 };
static void spans_of(const sei_mechanics_state *m, span list[N_SPANS]) {
    const size_t nodes = (size_t)((m->nx + 1) * m->ny * (m->nz + 1)), cells = (size_t)(m->nx * m->ny * m->nz);
    const span all[N_SPANS] = {{m->x, nodes * sizeof *m->x},
                               {m->z, nodes * sizeof *m->z},
                               {m->y, m->y == NULL ? 0 : nodes * sizeof *m->y},
                               {m->plastic, cells * (m->ny > 1 ? 6 : 4) * sizeof *m->plastic},
                               {m->c_li, cells * sizeof *m->c_li},
                               {m->c_v, cells * sizeof *m->c_v},
                               {m->wire, cells},
                               {m->solid, cells}};
    memcpy(list, all, sizeof all);
    for (int n = 0; n < N_SPANS && m->x == NULL; ++n) list[n].bytes = 0;
}

static sei_status add(sei_text *text, const void *bytes, size_t count) {
    return sei_text_append(text, bytes, count);
}

sei_status sei_pf_checkpoint_write(const sei_pf_run *run) {
    const sei_phasefield_state *s = &run->state;
    const size_t cells = (size_t)cells_of(s);
    const head h = head_of(run);
    span spans[N_SPANS];
    sei_text text = {0};
    char hash[HASH + 1];
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_pf_path(run, "checkpoint.bin", &path));
    SEI_TRY(add(&text, &h, sizeof h));
    SEI_TRY(add(&text, s->c_li, cells * sizeof *s->c_li));
    SEI_TRY(add(&text, s->c_v, cells * sizeof *s->c_v));
    SEI_TRY(add(&text, s->source, cells * sizeof *s->source));
    SEI_TRY(add(&text, s->wetted, cells));
    spans_of(&run->shape, spans);
    for (int n = 0; n < N_SPANS; ++n)
        if (spans[n].bytes > 0) SEI_TRY(add(&text, spans[n].at, spans[n].bytes));
    for (size_t r = 0; r < run->n_rows; ++r) {
        const int64_t count = (int64_t)run->rows[r].count;
        SEI_TRY(add(&text, &count, sizeof count));
        SEI_TRY(add(&text, run->rows[r].items, run->rows[r].count * sizeof *run->rows[r].items));
    }
    sei_io_sha256_bytes(text.data, text.length, hash);
    SEI_TRY(add(&text, hash, HASH));
    SEI_TRY(sei_file_write_text(path, true, text.data, text.length));
done:
    sei_text_free(&text);
    sei_free(path);
    return status;
}

/* What is left of the file while it is read. */
typedef struct rest {
    const char *at;
    size_t bytes;
} rest;

static bool take(rest *r, void *to, size_t bytes) {
    if (bytes > r->bytes) return false;
    if (bytes > 0) memcpy(to, r->at, bytes);
    r->at += bytes;
    r->bytes -= bytes;
    return true;
}

static sei_status take_rows(sei_pf_run *run, int64_t n_rows, rest *r) {
    for (int64_t n = 0; n < n_rows; ++n) {
        int64_t count = 0;
        sei_numbers *row = NULL;
        sei_status status = sei_pf_add_row(run, &row);
        if (status == SEI_OK && !take(r, &count, sizeof count)) status = sei_fail(SEI_ERR_INPUT, "it ends too early");
        for (int64_t i = 0; status == SEI_OK && i < count; ++i) {
            sei_number number;
            if (!take(r, &number, sizeof number)) return sei_fail(SEI_ERR_INPUT, "it ends too early");
            number.name[SEI_NAME_LENGTH - 1] = number.unit[SEI_UNIT_LENGTH - 1] = 0;
            status = sei_numbers_set(row, number.name, number.value, number.unit, number.sd);
        }
        if (status != SEI_OK) return status;
    }
    return SEI_OK;
}

static sei_status take_shape(sei_pf_run *run, const head *h, rest *r) {
    sei_mechanics_state *m = &run->shape;
    span spans[N_SPANS];
    if (h->shape_cells != m->nx * m->ny * m->nz) return sei_fail(SEI_ERR_INPUT, "its mechanics has another grid");
    spans_of(m, spans);
    for (int n = 0; n < N_SPANS; ++n)
        if (!take(r, spans[n].at, spans[n].bytes)) return sei_fail(SEI_ERR_INPUT, "it ends too early");
    m->loads = h->loads;
    m->balances = h->balances;
    m->iterations = h->iterations;
    m->unbalanced = h->unbalanced;
    m->stretch = h->stretch;
    m->residual = h->residual;
    m->residual_worst = h->residual_worst;
    run->shape_at = h->shape_at;
    run->shape_soc = h->shape_soc;
    return SEI_OK;
}

static sei_status take_state(sei_pf_run *run, const head *h, rest *r) {
    const sei_phasefield_options *o = &run->file->options;
    sei_phasefield_state *s = &run->state;
    if (h->nx != o->nx || h->ny != o->ny || h->nz != o->nz)
        return sei_fail(SEI_ERR_INPUT, "its grid is %lld x %lld x %lld", (long long)h->nx, (long long)h->ny, (long long)h->nz);
    sei_status status = sei_phasefield_begin(o, s);
    if (status != SEI_OK) return status;
    const size_t cells = (size_t)cells_of(s);
    if (!take(r, s->c_li, cells * sizeof *s->c_li) || !take(r, s->c_v, cells * sizeof *s->c_v) ||
        !take(r, s->source, cells * sizeof *s->source) || !take(r, s->wetted, cells))
        return sei_fail(SEI_ERR_INPUT, "it ends too early");
    s->half_cycles = h->half_cycles;
    s->macro_steps = h->macro_steps;
    s->evaluations = h->evaluations;
    s->wetted_before = h->wetted_before;
    s->wetted_still = h->wetted_still;
    s->half_time = h->half_time;
    s->time = h->time;
    s->last_time = h->last_time;
    run->n_frames = h->n_frames;
    run->frame_soc = h->frame_soc;
    status = take_shape(run, h, r);
    return status == SEI_OK ? take_rows(run, h->n_rows, r) : status;
}

sei_status sei_pf_checkpoint_read(sei_pf_run *run) {
    const size_t most =
        sizeof(head) + (size_t)(run->file->options.nx * run->file->options.ny * run->file->options.nz) * 130 + ((size_t)64 << 20);
    char *path = NULL, *text = NULL;
    char hash[HASH + 1];
    size_t length = 0;
    head h;
    sei_status status = SEI_OK;
    SEI_TRY(sei_pf_path(run, "checkpoint.bin", &path));
    SEI_TRY(sei_file_read_text(path, most, &text, &length));
    rest r = {text, length < HASH ? 0 : length - HASH};
    sei_io_sha256_bytes(text, r.bytes, hash);
    if (r.bytes == 0 || memcmp(hash, text + r.bytes, HASH) != 0 || !take(&r, &h, sizeof h) ||
        memcmp(h.magic, magic, sizeof h.magic) != 0) {
        status = sei_fail(SEI_ERR_INPUT, "%s: no checkpoint, or damaged; begin anew with --force", path);
        goto done;
    }
    if (memcmp(h.stamp, run->stamp, sizeof h.stamp) != 0) {
        status =
            sei_fail(SEI_ERR_ENVIRONMENT,
                     "%s: the folder holds a run of another recipe, seed or program version; choose another folder, or begin "
                     "anew with --force",
                     run->folder);
        goto done;
    }
    status = take_state(run, &h, &r);
    if (status == SEI_ERR_INPUT) status = sei_fail_context(status, "%s", path);
done:
    sei_free(path);
    sei_free(text);
    return status;
}
