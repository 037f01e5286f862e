/*
 * Claims: a smooth wire, its shell and spheres have the volumes of their closed forms; roughness and shell have the mean,
 * standard deviation and correlation length asked for; pores fill the share asked for, closed ones stay closed and channels
 * are open to the outside, by the segmentation's own rule; a mixture has the silicon share and connectivity asked for; the
 * null twin is the same outside the core and has no SEI in it; the same bits for any number of threads, other seeds other
 * specimens; labels map to materials; what cannot be is refused with the numbers.
 */
#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/grow.h"
#include "seitomo/morphology.h"
#include "seitomo/segment.h"
#include "support/test.h"

static const double pi = 3.14159265358979323846;

enum { VACUUM, SILICON, SEI, OXIDE, CLOSED, OPEN, CARBON, GOLD, N_MATERIALS };

static const sei_material materials[N_MATERIALS] = {{.name = "vacuum"},
                                                    {.name = "silicon", .label = 1, .density_g_cm3 = 2.33},
                                                    {.name = "sei", .label = 2, .density_g_cm3 = 1.6},
                                                    {.name = "oxide", .label = 10, .density_g_cm3 = 2.2},
                                                    {.name = "closed_void", .label = 3},
                                                    {.name = "open_void", .label = 4},
                                                    {.name = "carbon", .label = 5, .density_g_cm3 = 2},
                                                    {.name = "gold", .label = 11, .density_g_cm3 = 19.3}};

/* A core of 24 nm in a field of 96 nm. */
static sei_grow wire(void) {
    return (sei_grow){.material = {SILICON, SEI, OXIDE, CLOSED, OPEN, CARBON}, .radius_nm = 24};
}

static sei_grown grown(const sei_grow *d, int64_t n, double voxel_nm, uint64_t seed) {
    sei_grown out = {0};
    assert_ok(sei_grow_specimen(d, N_MATERIALS, materials, n, n, n, voxel_nm, seed, &out));
    return out;
}

static double volume_of(const sei_grown *g, int material) {
    int64_t count = 0;
    for (int64_t v = 0; v < g->nx * g->ny * g->nz; ++v) count += g->voxels[v] == material;
    return (double)count * g->voxel_nm * g->voxel_nm * g->voxel_nm;
}

static double number_of(const sei_grown *g, const char *name) {
    const sei_number *n = sei_numbers_find(&g->numbers, name);
    if (n == NULL) fail_msg("no number %s", name);
    return n->value;
}

static void smooth_bodies_have_their_closed_forms(void **state) {
    sei_grow d = wire();
    (void)state;
    d.oval = 1.3;
    d.oval_deg = 25;
    d.centre_nm[0] = -4.3;
    d.oxide_nm = 2;
    d.n_spheres = 2;
    d.spheres[0] =
        (sei_grow_spheres){.count = 1, .radius_nm = 7, .material = GOLD, .placed = true, .centre_nm = {38.2, 3.1, -34.4}};
    d.spheres[1] = (sei_grow_spheres){.count = 3, .radius_nm = 5, .gap_nm = 2, .material = CARBON};
    sei_grown g = grown(&d, 96, 1, 5);
    assert_close(volume_of(&g, SILICON) / (pi * 24 * 24 * 96), 1, 0.01);
    assert_close(volume_of(&g, GOLD) / (4 * pi / 3 * 343), 1, 0.01);
    assert_close(volume_of(&g, CARBON) / (3 * 4 * pi / 3 * 125), 1, 0.03); /* 5 voxels of radius */
    sei_grown_free(&g);
    d = wire();
    d.shell_nm = 12;
    g = grown(&d, 96, 1, 5);
    assert_close(volume_of(&g, SILICON) / (pi * 24 * 24 * 96), 1, 0.01);
    assert_close(volume_of(&g, SEI) / (pi * (36 * 36 - 24 * 24) * 96), 1, 0.01);
    assert_int_equal((int)volume_of(&g, CLOSED), 0);
    assert_int_equal((int)volume_of(&g, OPEN), 0);
    sei_grown_free(&g);
    d.support = (sei_grow_support){.thickness_nm = 6, .gap_nm = 1};
    g = grown(&d, 96, 1, 5);
    assert_int_equal((int)volume_of(&g, CARBON), 6 * 96 * 96);
    for (int k = 85; k < 91; ++k)
        assert_int_equal(g.voxels[k * 96 * 96], CARBON); /* 37 to 43 nm: the beam meets the wire first */
    sei_grown_free(&g);
}

/* Radius where `material` ends along 256 rays in each section: the wire is centred and star-shaped. */
static void outline(const sei_grown *g, int inner, int outer, double *radius) {
    for (int64_t j = 0; j < g->ny; ++j) {
        for (int t = 0; t < 256; ++t) {
            const double c = cos(2 * pi * t / 256), s = sin(2 * pi * t / 256);
            double r = 1;
            for (;; r += 0.05) {
                const int64_t i = (int64_t)floor(r * c / g->voxel_nm + 0.5 * (double)g->nx);
                const int64_t k = (int64_t)floor(r * s / g->voxel_nm + 0.5 * (double)g->nz);
                const int m = g->voxels[(k * g->ny + j) * g->nx + i];
                if (m != inner && m != outer) break;
            }
            radius[j * 256 + t] = r - 0.025;
        }
    }
}

static void mean_and_sd(const double *value, int64_t n, double *mean, double *sd) {
    double square = 0;
    *mean = 0;
    for (int64_t i = 0; i < n; ++i) *mean += value[i] / (double)n;
    for (int64_t i = 0; i < n; ++i) square += (value[i] - *mean) * (value[i] - *mean) / (double)n;
    *sd = sqrt(square);
}

static void surfaces_vary_as_asked(void **state) {
    enum { N = 96, SEEDS = 6 };
    static double core[N * 256], whole[N * 256];
    sei_grow d = wire();
    double mean = 0, sd = 0, lag[2] = {0, 0};
    (void)state;
    d.radius_nm = 18;
    d.n_roughness = 1;
    d.roughness[0] = (sei_grow_field){1.8, 6};
    d.shell_nm = 8;
    d.shell = (sei_grow_field){1.5, 7};
    for (uint64_t seed = 0; seed < SEEDS; ++seed) {
        sei_grown g = grown(&d, N, 0.75, seed);
        outline(&g, SILICON, SILICON, core);
        outline(&g, SILICON, SEI, whole);
        mean_and_sd(core, N * 256, &mean, &sd);
        assert_close(mean, 18, 0.15);
        assert_close(sd, 1.8, 0.18);
        for (int l = 0; l < 2; ++l) { /* 8 rows are 6 nm; 50 rays are a fifth of the way round */
            const int ahead = l == 0 ? 8 * 256 : 50;
            for (int i = 0; i < (N - 8) * 256; ++i) lag[l] += (core[i] - mean) * (core[i + ahead] - mean);
        }
        for (int i = 0; i < N * 256; ++i) whole[i] -= core[i];
        assert_close(number_of(&g, "grown_core_radius_sd"), 1.8, 1e-6);
        assert_close(number_of(&g, "grown_shell_mean"), 8, 0.01);
        assert_close(number_of(&g, "grown_shell_sd"), 1.5, 0.01);
        mean_and_sd(whole, N * 256, &mean, &sd);
        assert_close(mean, 8, 0.1);
        assert_close(sd, 1.5, 0.15);
        sei_grown_free(&g);
    }
    const double variance = 1.8 * 1.8 * (double)SEEDS * (N - 8) * 256;
    assert_close(lag[0] / variance, exp(-1), 0.07); /* 10 % of the length change it by 0.07 */
    assert_close(lag[1] / variance, 0, 0.07);
}

static void the_field_is_the_same_wire_on_finer_voxels(void **state) {
    sei_grow d = wire();
    (void)state;
    d.n_roughness = 1;
    d.roughness[0] = (sei_grow_field){2, 15};
    d.wobble = (sei_grow_field){3, 40};
    sei_grown coarse = grown(&d, 48, 2, 3), fine = grown(&d, 96, 1, 3);
    int64_t differ = 0, core = 0;
    for (int64_t v = 0; v < 96 * 96 * 96; ++v) {
        const int64_t at = (v / 96 / 96 / 2 * 48 + v / 96 % 96 / 2) * 48 + v % 96 / 2;
        core += fine.voxels[v] == SILICON;
        differ += (fine.voxels[v] == SILICON) != (coarse.voxels[at] == SILICON);
    }
    /* centres lie half a nanometre apart in each direction, and a nanometre of surface is 2/24 of the volume */
    assert_true((double)differ < 0.06 * (double)core);
    sei_grown_free(&coarse);
    sei_grown_free(&fine);
}

static void pores_fill_what_they_should_and_stay_closed(void **state) {
    sei_grow d = wire();
    (void)state;
    d.shell_nm = 8;
    d.pores = (sei_grow_pores){.fraction = 0.08, .radius_nm = 4, .radius_sd_nm = 0.8, .aspect = 1.4, .irregularity = 0.3};
    sei_grown g = grown(&d, 96, 1, 9);
    const double core = volume_of(&g, SILICON) + volume_of(&g, CLOSED);
    assert_close(core / (pi * 24 * 24 * 96), 1, 0.01);
    assert_close(volume_of(&g, CLOSED) / core, 0.08, 0.001);
    assert_close(number_of(&g, "grown_pore_fraction"), 0.08, 0.001);
    assert_int_equal((int)volume_of(&g, OPEN), 0);
    /* each pore is one void: none touches another */
    uint8_t *mask = calloc(96 * 96 * 96, 1);
    uint32_t *components = calloc(96 * 96 * 96, sizeof *components), n = 0;
    for (int v = 0; v < 96 * 96 * 96; ++v) mask[v] = g.voxels[v] == CLOSED;
    assert_ok(sei_components(mask, 96, 96, 96, 26, components, &n));
    assert_close(number_of(&g, "grown_pores"), n, 0.5);
    free(mask);
    free(components);
    sei_grown_free(&g);
    /* by count, all of one size, lined: the void is the ball less its lining */
    d.pores = (sei_grow_pores){.count = 20, .radius_nm = 6, .depth_nm = {8, 20}, .lining_nm = 2};
    g = grown(&d, 96, 1, 9);
    assert_close(volume_of(&g, CLOSED) / (20 * 4 * pi / 3 * 64), 1, 0.06); /* one or two are cut by the faces */
    assert_close(number_of(&g, "grown_sei_fraction_in_core") * pi * 24 * 24 * 96 / (20 * 4 * pi / 3 * (216 - 64)), 1, 0.06);
    sei_grown_free(&g);
}

static void channels_are_open_and_as_deep_as_asked(void **state) {
    sei_grow d = wire();
    (void)state;
    d.shell_nm = 8;
    d.channels = (sei_grow_channels){.count = 6, .width_nm = 5, .depth_nm = 12, .lining_nm = 2, .tortuosity = 0.5};
    sei_grown g = grown(&d, 96, 1, 21);
    assert_true(volume_of(&g, OPEN) > 6 * pi * 1.5 * 1.5 * 18);
    assert_int_equal((int)volume_of(&g, CLOSED), 0);
    double deepest = 0;
    for (int64_t v = 0; v < 96 * 96 * 96; ++v) {
        const double x = (double)(v % 96) - 47.5, z = (double)(v / 96 / 96) - 47.5;
        if (g.voxels[v] == OPEN) deepest = fmax(deepest, 24 - sqrt(x * x + z * z));
    }
    assert_close(deepest, 12, 1);
    sei_grown_free(&g);
    d.channels.filled = 1;
    g = grown(&d, 96, 1, 21);
    assert_int_equal((int)volume_of(&g, OPEN), 0);
    assert_true(number_of(&g, "grown_sei_fraction_in_core") > 0.005);
    sei_grown_free(&g);
}

static sei_grow pudding(double fraction, double connectivity) {
    sei_grow d = wire();
    d.shell_nm = 8;
    d.pores = (sei_grow_pores){.fraction = 0.03, .radius_nm = 4};
    d.channels = (sei_grow_channels){.count = 4, .width_nm = 5, .depth_nm = 12, .lining_nm = 2, .tortuosity = 0.5, .filled = 0.5};
    d.mixture = (sei_grow_mixture){.si_fraction = fraction,
                                   .si_connectivity = connectivity,
                                   .domain_nm = 14,
                                   .neck_nm = 3,
                                   .irregularity = 0.8,
                                   .gradient = 0.2};
    return d;
}

static void mixtures_reach_their_targets(void **state) {
    static const double asked[][2] = {{0.5, 0.3}, {0.5, 0.6}, {0.5, 0.9}, {0.35, 0.5}};
    (void)state;
    for (size_t a = 0; a < sizeof asked / sizeof asked[0]; ++a) {
        const sei_grow d = pudding(asked[a][0], asked[a][1]);
        sei_grown g = grown(&d, 96, 1, 17);
        /* connectivity measured here, on the whole volume */
        uint8_t *mask = calloc(96 * 96 * 96, 1);
        uint32_t *components = calloc(96 * 96 * 96, sizeof *components), n = 0;
        int64_t silicon = 0, largest = 0;
        for (int v = 0; v < 96 * 96 * 96; ++v) mask[v] = g.voxels[v] == SILICON;
        assert_ok(sei_components(mask, 96, 96, 96, 26, components, &n));
        int64_t *sizes = calloc(n + 1, sizeof *sizes);
        sei_component_sizes(components, 96 * 96 * 96, n, sizes);
        for (uint32_t c = 1; c <= n; ++c) {
            silicon += sizes[c];
            largest = sizes[c] > largest ? sizes[c] : largest;
        }
        assert_close((double)largest / (double)silicon, asked[a][1], 0.03);
        assert_close(number_of(&g, "grown_si_connectivity"), (double)largest / (double)silicon, 1e-12);
        assert_close(number_of(&g, "grown_si_fraction"), asked[a][0], 0.01);
        free(mask);
        free(components);
        free(sizes);
        sei_grown_free(&g);
    }
}

static void the_twin_differs_in_the_core_only(void **state) {
    sei_grow d = pudding(0.5, 0.5);
    (void)state;
    d.oxide_nm = 1.5;
    sei_grown full = grown(&d, 96, 1, 17);
    d.empty_core = true;
    sei_grown twin = grown(&d, 96, 1, 17);
    int64_t sei_in_core = 0;
    for (int64_t v = 0; v < 96 * 96 * 96; ++v) {
        const double x = (double)(v % 96) - 47.5, z = (double)(v / 96 / 96) - 47.5;
        const bool core = x * x + z * z <= 24 * 24;
        sei_in_core += core && full.voxels[v] == SEI;
        if (core && twin.voxels[v] == SEI) fail_msg("SEI in the empty core");
        if (core && (full.voxels[v] == SILICON) != (twin.voxels[v] == SILICON)) fail_msg("the twin's silicon moved");
        if (!core && full.voxels[v] != twin.voxels[v]) fail_msg("%d became %d outside", full.voxels[v], twin.voxels[v]);
    }
    assert_true(sei_in_core > 20000);
    assert_close(number_of(&twin, "grown_sei_fraction_in_core"), 0, 0);
    sei_grown_free(&full);
    sei_grown_free(&twin);
}

static void the_bits_depend_on_the_seed_alone(void **state) {
    sei_grow d = pudding(0.5, 0.5);
    (void)state;
    d.n_roughness = 1;
    d.roughness[0] = (sei_grow_field){1.5, 10};
    d.shell = (sei_grow_field){2, 12};
    d.lumps = 5;
    d.lump_height_nm = 4;
    d.lump_width_nm = 5;
    d.support = (sei_grow_support){.thickness_nm = 5, .hole_nm = 40, .strand_nm = 12};
    d.n_spheres = 1;
    d.spheres[0] = (sei_grow_spheres){.count = 2, .radius_nm = 3, .gap_nm = 1, .material = GOLD};
    static const int threads[] = {1, 2, 3, 7};
    sei_grown first = {0};
    for (int t = 0; t < 4; ++t) {
        sei_threads_set(threads[t]);
        sei_grown g = grown(&d, 96, 1, 4);
        if (t == 0) {
            first = g;
            continue;
        }
        assert_memory_equal(first.voxels, g.voxels, 96 * 96 * 96);
        sei_grown_free(&g);
    }
    sei_threads_set(0);
    assert_true(volume_of(&first, CARBON) > 1000);
    sei_grown other = grown(&d, 96, 1, 5);
    int64_t same = 0, silicon = 0;
    for (int v = 0; v < 96 * 96 * 96; ++v) {
        silicon += first.voxels[v] == SILICON;
        same += first.voxels[v] == SILICON && other.voxels[v] == SILICON;
    }
    assert_true((double)same < 0.75 * (double)silicon); /* half by chance */
    sei_grown_free(&first);
    sei_grown_free(&other);
}

static void segmentation_of_the_truth_is_the_truth(void **state) {
    const sei_segment_rule rules[] = {{.channel = "Si", .threshold = 0.5, .label = SEI_LABEL_SI},
                                      {.channel = "O", .threshold = 0.5, .label = SEI_LABEL_SEI}};
    sei_segment_options options;
    sei_grow d = wire();
    sei_volume volumes[2] = {0};
    sei_labels labels = {0};
    (void)state;
    d.shell_nm = 8;
    d.n_roughness = 1;
    d.roughness[0] = (sei_grow_field){2, 8};
    d.shell = (sei_grow_field){2, 8};
    d.pores = (sei_grow_pores){.fraction = 0.05, .radius_nm = 4};
    d.channels = (sei_grow_channels){.count = 6, .width_nm = 6, .depth_nm = 12, .lining_nm = 2, .tortuosity = 0.5};
    sei_grown g = grown(&d, 96, 1, 8);
    for (int c = 0; c < 2; ++c) {
        assert_ok(sei_volume_alloc(96, 96, 96, 1, &volumes[c]));
        snprintf(volumes[c].name, sizeof volumes[c].name, "%s", rules[c].channel);
        for (int v = 0; v < 96 * 96 * 96; ++v) volumes[c].data[v] = g.voxels[v] == (c == 0 ? SILICON : SEI);
    }
    sei_segment_options_default(&options);
    options.n_rules = 2;
    options.rules = rules;
    assert_ok(sei_segment(2, volumes, &options, &labels));
    int64_t voids[2] = {0, 0}, agree[2] = {0, 0};
    for (int v = 0; v < 96 * 96 * 96; ++v) {
        for (int open = 0; open < 2; ++open) {
            const bool truth = g.voxels[v] == (open ? OPEN : CLOSED);
            const bool found = labels.data[v] == (open ? SEI_LABEL_OPEN_VOID : SEI_LABEL_CLOSED_VOID);
            voids[open] += truth || found;
            agree[open] += truth && found;
        }
    }
    assert_true(voids[0] > 5000 && voids[1] > 1500);
    assert_true((double)agree[0] > 0.99 * (double)voids[0]);
    assert_true((double)agree[1] > 0.97 * (double)voids[1]);
    for (int c = 0; c < 2; ++c) sei_volume_free(&volumes[c]);
    sei_labels_free(&labels);
    sei_grown_free(&g);
}

static void memory_that_runs_out_is_said(void **state) {
    sei_grow d = pudding(0.5, 0);
    sei_grown g = {0};
    (void)state;
    d.radius_nm = 12;
    d.shell_nm = 5;
    d.n_roughness = 1;
    d.roughness[0] = (sei_grow_field){0.5, 8};
    d.channels.depth_nm = 6;
    sei_threads_set(1);
    long n = 0;
    for (;; ++n) {
        sei_alloc_fail_after(n);
        const sei_status status = sei_grow_specimen(&d, N_MATERIALS, materials, 44, 24, 44, 1, 1, &g);
        sei_alloc_fail_after(-1);
        if (status == SEI_OK) break;
        assert_int_equal(status, SEI_ERR_MEMORY);
        assert_null(g.voxels);
    }
    sei_threads_set(0);
    assert_true(n > 40);
    sei_grown_free(&g);
}

static void bars_stand_where_they_should(void **state) {
    sei_grow d = {.material = {-1, -1, -1, -1, -1, -1},
                  .bars = {.n_spacings = 2, .spacing_nm = {4, 8}, .bars = 3, .length_nm = 10, .along = 'x', .material = GOLD}};
    (void)state;
    sei_grown g = grown(&d, 64, 1, 1);
    assert_close(volume_of(&g, GOLD), 3 * (2 + 4) * 10 * 10, 1e-9);
    /* a row of the first group, then of the second, through the middle of z: bars of 2 and 4, gaps as wide */
    char row[65] = "";
    for (int i = 0; i < 64; ++i) row[i] = g.voxels[(32 * 64 + 22) * 64 + i] == GOLD ? '#' : '.';
    assert_non_null(strstr(row, ".##..##..##."));
    for (int i = 0; i < 64; ++i) row[i] = g.voxels[(32 * 64 + 42) * 64 + i] == GOLD ? '#' : '.';
    assert_non_null(strstr(row, ".####....####....####."));
    sei_grown_free(&g);
}

static void labels_become_materials(void **state) {
    sei_labels labels = {0};
    sei_grown g = {0};
    int map[256];
    (void)state;
    assert_ok(sei_labels_alloc(4, 4, 4, 2, &labels));
    for (int v = 0; v < 64; ++v) labels.data[v] = v % 4 < 2 ? 7 : 9;
    for (int l = 0; l < 256; ++l) map[l] = -1;
    map[7] = SILICON;
    assert_refused(sei_grow_from_labels(&labels, map, N_MATERIALS, materials, &g), SEI_ERR_INPUT,
                   "label 9 (32 voxels) has no material");
    map[9] = 40;
    assert_refused(sei_grow_from_labels(&labels, map, N_MATERIALS, materials, &g), SEI_ERR_INPUT, "material 40 of 8");
    map[9] = SEI;
    assert_ok(sei_grow_from_labels(&labels, map, N_MATERIALS, materials, &g));
    const sei_specimen s = sei_grown_specimen(&g, N_MATERIALS, materials);
    assert_close(s.voxel_nm, 2, 0);
    assert_int_equal(s.nz, 4);
    for (int v = 0; v < 64; ++v) assert_int_equal(s.voxels[v], v % 4 < 2 ? SILICON : SEI);
    labels.voxel_nm = NAN;
    sei_grown_free(&g);
    assert_refused(sei_grow_from_labels(&labels, map, N_MATERIALS, materials, &g), SEI_ERR_INPUT, "voxel size");
    sei_labels_free(&labels);
}

static void refused(const sei_grow *d, const char *part) {
    sei_grown g = {0};
    assert_refused(sei_grow_specimen(d, N_MATERIALS, materials, 96, 96, 96, 1, 1, &g), SEI_ERR_INPUT, part);
    assert_null(g.voxels);
}

static void what_cannot_be_is_refused(void **state) {
    sei_grow d = wire();
    (void)state;
    d.shell_nm = 26;
    refused(&d, "reaches 50 nm from the volume's centre along x, the volume ends at 48 nm");
    d = wire();
    d.material[SEI_GROW_OPEN_VOID] = -1;
    refused(&d, "specimen.materials.open_void: no material");
    d = wire();
    d.material[SEI_GROW_CLOSED_VOID] = SEI;
    refused(&d, "a void is empty");
    d = wire();
    d.oxide_nm = -1;
    refused(&d, "specimen.oxide_nm: -1 is out of range");
    d = wire();
    d.radius_nm = -3;
    refused(&d, "specimen.wire.radius_nm: -3");
    d = wire();
    d.n_roughness = 1;
    d.roughness[0] = (sei_grow_field){9, 20};
    refused(&d, "roughness leaves a core radius");
    d.roughness[0] = (sei_grow_field){1, 0};
    refused(&d, "two voxels");
    d = wire();
    d.pores = (sei_grow_pores){.fraction = 0.1, .count = 3, .radius_nm = 4};
    refused(&d, "only one of them");
    d.pores = (sei_grow_pores){.fraction = 0.5, .radius_nm = 7};
    refused(&d, "found a place, filling");
    d.pores = (sei_grow_pores){.count = 3, .radius_nm = 4, .lining_nm = 5};
    refused(&d, "specimen.pores.lining_nm");
    d.pores = (sei_grow_pores){.count = 3, .radius_nm = 4, .depth_nm = {9, 6}};
    refused(&d, "specimen.pores.depth_nm");
    d = pudding(0.5, 0.5);
    d.mixture.neck_nm = 0.3; /* no neck holds a voxel */
    refused(&d, "silicon's share 0.500 and connectivity 0.500 were asked for");
    d = wire();
    d.n_spheres = 1;
    d.spheres[0] = (sei_grow_spheres){.count = 1, .radius_nm = 5, .material = GOLD, .placed = true};
    refused(&d, "overlaps");
    d.spheres[0].centre_nm[0] = 46;
    refused(&d, "reaches 51 nm from the volume's centre along x");
    d.spheres[0] = (sei_grow_spheres){.count = 400, .radius_nm = 6, .material = GOLD};
    refused(&d, "no free place for sphere");
    d.spheres[0].material = 99;
    refused(&d, "material 99 of 8");
    d = wire();
    d.support = (sei_grow_support){.thickness_nm = 30};
    refused(&d, "the volume ends at 48 nm");
    d = (sei_grow){.shell_nm = 3};
    refused(&d, "no wire to have a shell");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(smooth_bodies_have_their_closed_forms),
        cmocka_unit_test(surfaces_vary_as_asked),
        cmocka_unit_test(the_field_is_the_same_wire_on_finer_voxels),
        cmocka_unit_test(pores_fill_what_they_should_and_stay_closed),
        cmocka_unit_test(channels_are_open_and_as_deep_as_asked),
        cmocka_unit_test(mixtures_reach_their_targets),
        cmocka_unit_test(the_twin_differs_in_the_core_only),
        cmocka_unit_test(the_bits_depend_on_the_seed_alone),
        cmocka_unit_test(segmentation_of_the_truth_is_the_truth),
        cmocka_unit_test(memory_that_runs_out_is_said),
        cmocka_unit_test(bars_stand_where_they_should),
        cmocka_unit_test(labels_become_materials),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
