/* Pictures of the model: sections, the movie, the figure of the paper's six panels, plots of the metrics. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "core/file.h"
#include "core/log.h"
#include "seitomo/report.h"
#include "study/phasefield_run.h"

static const char *ordinal(int64_t n) {
    static const char *const endings[] = {"th", "st", "nd", "rd"};
    return n % 100 / 10 == 1 || n % 10 > 3 ? endings[0] : endings[n % 10];
}

/* "2nd delithiation" after (or in) a half-cycle. */
static void name_half(int64_t half_cycle, char *text, size_t size) {
    const int64_t cycle = (half_cycle + 1) / 2;
    if (half_cycle == 0) {
        snprintf(text, size, "intact");
    } else {
        snprintf(text, size, "%lld%s %s", (long long)cycle, ordinal(cycle), half_cycle % 2 == 1 ? "lithiation" : "delithiation");
    }
}

/* The middle cross-section of a field of doubles or bytes. */
static void cut(const sei_phasefield_state *s, const double *c_li, double c_min, double swing, double *out) {
    const int64_t j = s->ny / 2;
    for (int64_t k = 0; k < s->nz; ++k)
        for (int64_t i = 0; i < s->nx; ++i) out[k * s->nx + i] = (c_li[(k * s->ny + j) * s->nx + i] - c_min) / swing;
}

static void cut_bytes(const sei_phasefield_state *s, const uint8_t *mask, uint8_t *out) {
    const int64_t j = s->ny / 2;
    for (int64_t k = 0; k < s->nz; ++k) memcpy(out + k * s->nx, mask + (k * s->ny + j) * s->nx, (size_t)s->nx);
}

/* The deformed wire's corners in the middle cross-section, in nm. */
typedef struct outline {
    double *x, *z;
    uint8_t *drawn;
} outline;

static void free_outline(outline *o) {
    sei_free(o->x);
    sei_free(o->z);
    sei_free(o->drawn);
}

static sei_status make_outline(const sei_pf_run *run, outline *o) {
    const sei_mechanics_state *m = &run->shape;
    const int64_t j = m->ny / 2;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(o->x, m->nx + 1, m->nz + 1, 1));
    SEI_TRY(SEI_NEW(o->z, m->nx + 1, m->nz + 1, 1));
    SEI_TRY(SEI_NEW(o->drawn, m->nx, m->nz, 1));
    for (int64_t k = 0; k <= m->nz; ++k)
        for (int64_t i = 0; i <= m->nx; ++i) {
            const int64_t from = (k * m->ny + j) * (m->nx + 1) + i, to = k * (m->nx + 1) + i;
            o->x[to] = m->x[from] * run->file->entry->labels.radius_nm;
            o->z[to] = m->z[from] * run->file->entry->labels.radius_nm;
        }
    for (int64_t k = 0; k < m->nz; ++k) memcpy(o->drawn + k * m->nx, m->wire + (k * m->ny + j) * m->nx, (size_t)m->nx);
done:
    return status;
}

/* Twice the wire's radius and a margin: as far as four times the volume reaches in the plane. */
static const double deformed_half_width = 2.2;

static sei_status draw(const sei_pf_run *run, const char *path, const char *title, bool legend, bool deformed) {
    const sei_phasefield_state *s = &run->state;
    const sei_phasefield_options *o = &run->file->options;
    double *lithiation = NULL, *vacancy = NULL;
    uint8_t *wire = NULL, *wetted = NULL;
    outline moved = {0};
    sei_picture_options options;
    sei_status status = SEI_OK;
    sei_picture_options_default(&options);
    options.title = title;
    options.no_axes = true;
    SEI_TRY(SEI_NEW(lithiation, s->nx, s->nz, 1));
    SEI_TRY(SEI_NEW(vacancy, s->nx, s->nz, 1));
    SEI_TRY(SEI_NEW(wire, s->nx, s->nz, 1));
    SEI_TRY(SEI_NEW(wetted, s->nx, s->nz, 1));
    cut(s, s->c_li, o->c_min, o->c_max - o->c_min, lithiation);
    cut(s, s->c_v, 0, 1, vacancy);
    cut_bytes(s, s->wire, wire);
    cut_bytes(s, s->wetted, wetted);
    if (deformed) SEI_TRY(make_outline(run, &moved));
    const sei_section section = {.nx = s->nx,
                                 .nz = s->nz,
                                 .cell_nm = run->file->limits.dx * run->file->entry->labels.radius_nm,
                                 .lithiation = lithiation,
                                 .vacancy = vacancy,
                                 .wire = wire,
                                 .wetted = wetted,
                                 .void_threshold = o->void_threshold,
                                 .lined = s->half_cycles > 0 && o->wetting,
                                 .no_legend = !legend,
                                 .place_nx = run->shape.nx,
                                 .place_nz = run->shape.nz,
                                 .place_x = moved.x,
                                 .place_z = moved.z,
                                 .drawn = moved.drawn,
                                 .half_width_nm = deformed ? deformed_half_width * run->file->entry->labels.radius_nm : 0};
    SEI_TRY(sei_render_section(path, &section, &options, true));
done:
    free_outline(&moved);
    sei_free(lithiation);
    sei_free(vacancy);
    sei_free(wire);
    sei_free(wetted);
    return status;
}

static sei_status frame_path(const sei_pf_run *run, int64_t number, char **path) {
    char name[64];
    snprintf(name, sizeof name, "pictures/frames/%05lld.png", (long long)number);
    return sei_pf_path(run, name, path);
}

sei_status sei_pf_frame(sei_pf_run *run) {
    char title[96];
    char *path = NULL;
    const double soc = sei_phasefield_soc(&run->file->limits, &run->state);
    /* a half-cycle that has just ended still shows its own name */
    const bool between = run->state.macro_steps == 0;
    sei_status status = SEI_OK;
    name_half(run->state.half_cycles + (between ? 0 : 1), title, sizeof title);
    const size_t length = strlen(title);
    snprintf(title + length, sizeof title - length, ", state of charge %.0f %%", 100 * fmin(fmax(soc, 0), 1));
    SEI_TRY(sei_folder_make_below(run->folder, "pictures/frames"));
    SEI_TRY(frame_path(run, run->n_frames, &path));
    SEI_TRY(draw(run, path, title, true, run->file->entry->mechanics.enabled));
    run->n_frames += 1;
    run->frame_soc = soc;
done:
    sei_free(path);
    return status;
}

static sei_status write_movie(const sei_pf_run *run) {
    char **frames = NULL, *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(frames, run->n_frames, 1, 1));
    for (int64_t n = 0; n < run->n_frames; ++n) SEI_TRY(frame_path(run, n, &frames[n]));
    SEI_TRY(sei_pf_path(run, "pictures/movie.png", &path));
    SEI_TRY(sei_render_movie(path, (size_t)run->n_frames, (const char *const *)frames, 0.12, true));
done:
    for (int64_t n = 0; frames != NULL && n < run->n_frames; ++n) sei_free(frames[n]);
    sei_free(frames);
    sei_free(path);
    return status;
}

static sei_status panel_path(const sei_pf_run *run, size_t half_cycle, bool deformed, char **path) {
    char name[64];
    snprintf(name, sizeof name, "pictures/panels/%s_%02zu.png", deformed ? "deformed" : "half", half_cycle);
    return sei_pf_path(run, name, path);
}

/* The section in its own folder with a legend, and as a panel of figures; there one legend, in the middle below, is enough. */
static sei_status half_pictures(const sei_pf_run *run, bool deformed) {
    enum { MIDDLE_BELOW = 4 };
    const size_t half_cycle = (size_t)run->state.half_cycles;
    char title[64];
    char *path = NULL;
    sei_status status = SEI_OK;
    name_half((int64_t)half_cycle, title, sizeof title);
    SEI_TRY(sei_pf_half_path(run, half_cycle, deformed ? "deformed.png" : "section.png", &path));
    SEI_TRY(draw(run, path, title, true, deformed));
    sei_free(path);
    path = NULL;
    SEI_TRY(sei_folder_make_below(run->folder, "pictures/panels"));
    SEI_TRY(panel_path(run, half_cycle, deformed, &path));
    SEI_TRY(draw(run, path, title, half_cycle == MIDDLE_BELOW, deformed));
done:
    sei_free(path);
    return status;
}

sei_status sei_pf_half_pictures(const sei_pf_run *run) {
    const sei_status status = half_pictures(run, false);
    return status == SEI_OK && run->file->entry->mechanics.enabled ? half_pictures(run, true) : status;
}

/* Panels of the given half-cycles side by side; those that are not there are left out. */
static sei_status side_by_side(const sei_pf_run *run, const char *name, const size_t *halves, size_t n, int columns,
                               bool deformed) {
    char **pngs = NULL, *path = NULL;
    size_t there = 0;
    sei_status status = SEI_OK;
    SEI_TRY(SEI_NEW(pngs, (int64_t)n, 1, 1));
    for (size_t i = 0; i < n; ++i) {
        SEI_TRY(panel_path(run, halves[i], deformed, &pngs[there]));
        if (halves[i] < run->n_rows && sei_file_exists(pngs[there])) { /* not those of a longer run that was here before */
            ++there;
        } else {
            sei_free(pngs[there]);
            pngs[there] = NULL;
        }
    }
    if (there == 0) goto done;
    SEI_TRY(sei_pf_path(run, name, &path));
    SEI_TRY(sei_render_montage(path, there, (const char *const *)pngs, columns, true));
done:
    for (size_t i = 0; pngs != NULL && i < there; ++i) sei_free(pngs[i]);
    sei_free(pngs);
    sei_free(path);
    return status;
}

/* All half-cycles, a cycle a column: lithiated above, delithiated below. */
static sei_status all_halves(const sei_pf_run *run) {
    enum { MOST = 13 };
    const size_t cycles = (run->n_rows - 1) / 2 < MOST ? (run->n_rows - 1) / 2 : MOST;
    size_t halves[2 * MOST], n = 0;
    for (size_t c = 0; c < cycles; ++c) halves[n++] = 2 * c + 1;
    for (size_t c = 0; c < cycles; ++c) halves[n++] = 2 * c + 2;
    return n == 0 ? SEI_OK : side_by_side(run, "pictures/half_cycles.png", halves, n, (int)cycles, false);
}

/* The metrics that are drawn, a few lines each. */
static sei_status plots(const sei_pf_run *run) {
    static const char *const columns[] = {"half_cycle",   "void_fraction", "enclosed_void_fraction",        "wetted_fraction",
                                          "wetted_depth", "void_count",    "si_largest_component_fraction", "area_radius"};
    enum { N_COLUMNS = sizeof columns / sizeof columns[0] };
    static const char *const areas[] = {"void_fraction", "enclosed_void_fraction", "wetted_fraction"};
    static const char *const area_names[] = {"void", "enclosed void", "wetted"};
    static const char *const depth[] = {"wetted_depth"}, *const cluster[] = {"si_largest_component_fraction"},
                             *const radius[] = {"area_radius"};
    const struct {
        const char *file, *title, *label;
        size_t n;
        const char *const *series, *const *names;
    } kinds[] = {{"plots/areas", "Voids by half-cycle", "part of the section", 3, areas, area_names},
                 {"plots/depth", "Depth of the wetted voids", "mean depth (radii)", 1, depth, NULL},
                 {"plots/silicon", "Connectivity of silicon", "largest cluster / all silicon", 1, cluster, NULL},
                 {"plots/radius", "Radius of the deformed wire", "radius / intact radius", 1, radius, NULL}};
    sei_table table = {0};
    char *path = NULL;
    sei_status status = SEI_OK;
    SEI_TRY(sei_folder_make_below(run->folder, "plots"));
    SEI_TRY(sei_table_alloc("metrics", N_COLUMNS, columns, run->n_rows, &table));
    for (size_t r = 0; r < run->n_rows; ++r)
        for (size_t c = 0; c < N_COLUMNS; ++c) table.cells[r * N_COLUMNS + c] = sei_pf_row(run, r, columns[c]);
    for (size_t n = 0; n < sizeof kinds / sizeof kinds[0]; ++n) {
        const sei_plot plot = {.title = kinds[n].title,
                               .x_label = "half-cycle",
                               .y_label = kinds[n].label,
                               .x = "half_cycle",
                               .n_series = kinds[n].n,
                               .series = kinds[n].series,
                               .points = true,
                               .labels = kinds[n].names,
                               .y_from_zero = true};
        if (isnan(sei_pf_row(run, run->n_rows - 1, plot.series[0]))) continue;
        SEI_TRY(sei_pf_path(run, kinds[n].file, &path));
        SEI_TRY(sei_plot_table(path, &table, &plot, true));
        sei_free(path);
        path = NULL;
    }
done:
    sei_table_free(&table);
    sei_free(path);
    return status;
}

sei_status sei_pf_pictures(const sei_pf_run *run) {
    static const size_t panels[] = {0, 1, 2, 3, 4, 5};
    const sei_pf_output_entry *wanted = &run->file->entry->output;
    sei_status status = SEI_OK;
    SEI_TRY(sei_folder_make_below(run->folder, "pictures"));
    if (wanted->pictures) {
        const bool moved = run->file->entry->mechanics.enabled;
        SEI_TRY(side_by_side(run, "pictures/figure5.png", panels, 6, 3, moved));
        if (moved) SEI_TRY(side_by_side(run, "pictures/figure5_reference.png", panels, 6, 3, false));
        SEI_TRY(all_halves(run));
        SEI_TRY(plots(run));
    }
    if (wanted->movie) SEI_TRY(write_movie(run));
done:
    return status;
}
