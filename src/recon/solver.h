/*
 * What the methods work on: one slab of slices with its data in a device. reconstruct.c cuts a batch of channels into slabs
 * and puts the results together; em.c, sirt.c and wbp.c each solve one slab and know nothing of files, cards or threads.
 *
 * The slices of a batch are numbered through: slice v is row v % ny of channel v / ny, of all ny or of a sample of them.
 */
#ifndef SEI_RECON_SOLVER_H
#define SEI_RECON_SOLVER_H

#include "recon/slabs.h"
#include "seitomo/recon.h"

/* The history of one channel: sums over its slices, added in the order of y, so that slabs leave no trace. */
typedef struct sei_history {
    double *sums;     /* [iterations + 1][SEI_SUM_COUNT] */
    double *held_out; /* the same of the counts held out; NULL: none are */
} sei_history;

/* A subset of the tilts, or all of them: its geometry, and what of the slab belongs to it, in the device. */
typedef struct sei_part {
    sei_slab slab; /* ny, block: of the slab at work */
    int *tilts;    /* [slab.n_tilts] numbers in the series */
    sei_tilts geometry;
    sei_buffer *counts, *held_out, *weight, *background;           /* as the sinogram; NULL where there are none */
    sei_buffer *column_map, *row_map, *column_slices, *row_slices; /* inverse sums: for all slices, or each of its own */
    sei_buffer *inverse_column, *inverse_row;                      /* of these, those of the slab at work */
} sei_part;

/* The data of a slice, and what is asked of its channel. */
typedef struct sei_source {
    const float *data;       /* [n_tilts][ny][nx] */
    double *background;      /* [n_tilts]; NULL: none */
    const sei_volume *start; /* NULL: none */
    float *volume;           /* [nz][ny][nx]; NULL: the result is not wanted */
    sei_history history;
} sei_source;

typedef struct sei_solver {
    sei_device *device;
    const sei_series *series;
    const sei_recon_options *options;
    int iterations, n_parts, nx, nz;
    const int64_t *sample; /* [sample_ny] the rows at work; NULL: all */
    int64_t sample_ny;
    bool trial;         /* a tenth of the counts is held out, see recon.h */
    double trial_share; /* of the counts go into the trial; the others, held out, judge it */
    int patience;       /* of a trial: it is over this many iterations after the best */
    bool ends_early;    /* and may stop there: its slices are all at work at once */
    sei_part *parts;
    size_t n_channels;
    sei_source *sources;    /* [n_channels] */
    const uint8_t *support; /* [nz][nx], where any slice has some; NULL: everywhere */
    bool support_per_slice; /* options->support says more */
    int *mask_id;           /* [ny] equal for slices whose mask is equal; NULL: all pixels are valid */
    uint8_t *seen;          /* [n_tilts][nu] 1: the support is seen by this bin */
    int64_t n_slices;       /* of all channels */

    /* the slab at work */
    int64_t first;
    int ny, block;
    bool per_slice;             /* the inverse sums are slices of their own */
    int maps_of;                /* the mask that the maps belong to; -1: no maps yet */
    sei_buffer *volume;         /* [nz][nx][ny] */
    sei_buffer *model;          /* [tilts of the largest part][nu][ny] */
    double *slice_sums;         /* [SEI_SUM_COUNT][ny] */
    double *part_sums;          /* the same of one part */
    double *ones, ones_of_maps; /* sum of A'w over the support: [ny], or of every slice */
    float *staging, *staging_2; /* what goes between */
    size_t staging_floats;
    const void **rows; /* [ny] */
    int allocated;     /* slices there is room for */
    int64_t steps_done;
} sei_solver;

/* Expectation maximisation, SIRT, weighted back-projection of one slab: the result is left in solver->volume. */
sei_status sei_solve_em(sei_solver *s) SEI_MUST_CHECK;
sei_status sei_solve_sirt(sei_solver *s) SEI_MUST_CHECK;
sei_status sei_solve_wbp(sei_solver *s) SEI_MUST_CHECK;

/* for SEI_EACH_PIECE(piece, slab, planes) { ... }: what goes between at a time, by way of s->staging. */
#define SEI_EACH_PIECE(p, slab, n_planes)                                                     \
    (sei_piece p = sei_piece_first(slab, n_planes, s->nx, s->staging_floats); (p).floats > 0; \
     (p) = sei_piece_next(slab, n_planes, s->nx, s->staging_floats, p))

/* ---- solver.c: the iterations */

/* Compares A x of a part with counts (its own or those held out), left in model; sums may be NULL. */
typedef sei_status sei_solver_compare(sei_solver *s, const sei_part *part, const sei_buffer *counts, double *sums);
/* Updates x with the comparison in model. */
typedef sei_status sei_solver_update(sei_solver *s, const sei_part *part);
/* `compare` and `update` with one part after the other, solver->iterations times; the sums go into the histories. */
sei_status sei_solver_iterate(sei_solver *s, sei_solver_compare *compare, sei_solver_update *update) SEI_MUST_CHECK;
/* Adds slice_sums of every slice to row `row` of its channel's history. */
void sei_solver_note(sei_solver *s, int row, bool held_out);
/* One step of progress; sees to interrupts. */
sei_status sei_solver_tick(sei_solver *s) SEI_MUST_CHECK;
/* Held-out figure of row `row` of a history, the larger the better; see recon.h. */
double sei_solver_score(const sei_solver *s, const sei_history *history, int row);
/* The best of rows 0 .. last. */
int sei_solver_best(const sei_solver *s, const sei_history *history, int last);

/* ---- weights.c: sums of columns and rows of A */

/*
 * inverse_column = 1 / A'w inside the support where the part sees a voxel (A'w > 1/1000 of one tilt's view), else 0; and
 * `ones`. As maps where all slices of the slab have one mask, else slice by slice; maps of the slab before are kept where
 * they hold. rows: inverse_row = 1 / A v as well, v = 1 where inverse_column is not 0; 0 where a ray misses it.
 * The volume is used.
 */
sei_status sei_solver_weights(sei_solver *s, bool rows) SEI_MUST_CHECK;
/* seen, from the support and the geometry alone. */
sei_status sei_solver_see(sei_solver *s) SEI_MUST_CHECK;

/* ---- transfer.c: slices in and out */

/* Counts, weights and backgrounds of the slab into the device. */
sei_status sei_solver_load(sei_solver *s) SEI_MUST_CHECK;
/*
 * volume = level of the slice, or what the channel starts from, where a part sees the voxel inside the support; else 0.
 * level NULL: 1 everywhere. floor: what a start lies below is raised to this share of the level (EM); below 0: left as it is.
 */
sei_status sei_solver_start(sei_solver *s, const double *level, double floor) SEI_MUST_CHECK;
/* The slab's volume into the world's. */
sei_status sei_solver_store(sei_solver *s) SEI_MUST_CHECK;
/* Whether voxel (x, z) of the slab's slice lies in the support. */
bool sei_solver_in_support(const sei_solver *s, int x, int z, int slice);
static inline const sei_source *sei_solver_source(const sei_solver *s, int slice, int64_t *y) {
    const int64_t v = s->first + slice, ny = s->sample == NULL ? s->series->ny : s->sample_ny;
    *y = s->sample == NULL ? v % ny : s->sample[v % ny];
    return &s->sources[v / ny];
}

/* ---- memory.c: who needs what, and slabs cut accordingly */

typedef struct sei_needs {
    size_t volumes, maps; /* on the host; in the device, once */
    size_t slice;         /* in the device, per slice of a slab */
    int block;            /* slices that the device likes together; 0: all */
    int widest;           /* a slab is not wider */
    int nx, planes;       /* of what goes between */
    bool apart;           /* the device has memory of its own */
} sei_needs;
/* Of n channels. */
void sei_recon_needs(sei_device *device, const sei_series *series, size_t n, const sei_recon_options *options, sei_needs *out);
/* Bytes in all with slabs of `width` slices. */
size_t sei_recon_bytes(const sei_needs *needs, int width);
/* The widest slab that fits; SEI_ERR_MEMORY says what the least is. */
sei_status sei_recon_width(sei_device *device, const sei_needs *needs, int64_t n_slices, const sei_recon_options *options,
                           int *width) SEI_MUST_CHECK;
/* The next slab, when `rest` slices are left: the last ones are narrower, so that little lies beside a volume nearly whole. */
int sei_recon_next_width(const sei_needs *needs, int width, int64_t rest);
/* Memory for slabs of `ny` slices in place of what there was; released by sei_solver_release. */
sei_status sei_solver_allocate(sei_solver *s, const sei_needs *needs, int ny) SEI_MUST_CHECK;
void sei_solver_release(sei_solver *s);

/* ---- subsets.c */

/* The parts of the tilts, in the order of use: all tilts, or the subsets of osem. */
sei_status sei_parts_make(const sei_series *series, const sei_recon_options *options, int nz, const uint8_t *support, int *n,
                          sei_part **out) SEI_MUST_CHECK;
void sei_parts_free(int n, sei_part *parts);

/* ---- batch.c: one batch of slices */

/* A solver for n sources, which the caller fills; sei_solver_free empties it. */
sei_status sei_solver_make(sei_solver *s, sei_device *device, const sei_series *series, const sei_recon_options *options,
                           int iterations, size_t n_sources) SEI_MUST_CHECK;
void sei_solver_free(sei_solver *s);
/* Solves all slices, slab by slab; *width (may be NULL): of the widest. */
sei_status sei_solver_run(sei_solver *s, int *width) SEI_MUST_CHECK;
/* The background of every tilt, times a factor; *out is NULL where there is none. */
sei_status sei_recon_background(const sei_series *series, const sei_recon_channel *channel, double factor,
                                double **out) SEI_MUST_CHECK;

/* ---- held_out.c */

/* A value of the series split by chance: what the trial gets, and (held_out) what it is judged by. */
float sei_held_out_split(uint64_t seed, uint64_t index, float value, double trial_share, bool held_out);
/* The iterations that counts held out choose for one channel, with the figure of every iteration tried. */
typedef struct sei_trial {
    int iterations, tried, slices;
    double *figures; /* [tried + 1]; sei_free */
} sei_trial;
sei_status sei_recon_try(sei_device *device, const sei_series *series, const sei_recon_channel *channel,
                         const sei_recon_options *options, sei_trial *out) SEI_MUST_CHECK;

/* ---- report.c */

sei_status sei_recon_make_report(const sei_solver *s, size_t source, const sei_trial *trial, int64_t negative_counts, int width,
                                 sei_recon_report *report) SEI_MUST_CHECK;

/* ---- options.c: checks of a call, before anything is allocated */

bool sei_method_is_em(sei_method method); /* em, osem */
sei_status sei_recon_check_geometry(const sei_series *series) SEI_MUST_CHECK;
sei_status sei_recon_check(const sei_series *series, const sei_recon_options *options) SEI_MUST_CHECK;
sei_status sei_recon_check_channel(const sei_series *series, const sei_recon_options *options,
                                   const sei_recon_channel *channel) SEI_MUST_CHECK;

#endif
