/*
 * Claims: components, distances, closing and smoothing are what their definitions say, also at faces and in single rows;
 * Otsu's thresholds are the best of all partitions and separate the data in the middle of a gap; resampling keeps the
 * signal; a core-shell wire with pores is labelled within 3 % of its analytic volumes at several voxel sizes, sharp and
 * blurred; carbon film is support; slabs get their classes without an envelope; the same bits come from any number of
 * threads; what cannot be segmented is refused with the reason; every allocation may fail.
 */
#include "seitomo/segment.h"

#include "core/alloc.h"
#include "core/threads.h"
#include "support/phantom.h"
#include "support/sweep.h"
#include "support/test.h"

static void components_follow_their_connectivity(void **state) {
    /* voxels that touch by a face, an edge and a corner: 0-1 face, 1-3 edge, 3-4 corner */
    uint8_t mask[4 * 3 * 3] = {0};
    uint32_t labels[36], n = 0;
    (void)state;
    mask[0] = mask[1] = 1;
    mask[1 * 4 + 2] = 1;
    mask[12 + 2 * 4 + 3] = 1;
    assert_ok(sei_components(mask, 4, 3, 3, 6, labels, &n));
    assert_int_equal(n, 3);
    assert_int_equal(labels[0], 1);
    assert_int_equal(labels[1], 1);
    assert_int_equal(labels[6], 2);
    assert_int_equal(labels[23], 3);
    assert_int_equal(labels[5], 0);
    assert_ok(sei_components(mask, 4, 3, 3, 18, labels, &n));
    assert_int_equal(n, 2);
    assert_int_equal(labels[6], 1);
    assert_ok(sei_components(mask, 4, 3, 3, 26, labels, &n));
    assert_int_equal(n, 1);
    const uint8_t classes[6] = {1, 2, 2, 0, 1, 1};
    assert_ok(sei_components_of_classes(classes, 3, 2, 1, 6, labels, &n));
    assert_int_equal(n, 3);
    assert_int_equal(labels[4], 2 + 1);
    assert_ok(sei_components_of_classes(classes, 3, 2, 1, 26, labels, &n));
    assert_int_equal(n, 2); /* 0 and 4 meet at an edge */
    assert_refused(sei_components(mask, 4, 3, 3, 8, labels, &n), SEI_ERR_USAGE, "6, 18 or 26");
    assert_refused(sei_components(mask, 0, 3, 3, 6, labels, &n), SEI_ERR_INPUT, "0 x 3 x 3");
}

static void distances_are_exact(void **state) {
    enum { NX = 19, NY = 7, NZ = 11, N = NX * NY * NZ };
    static uint8_t mask[N];
    static float distance2[N];
    (void)state;
    for (int border = 0; border < 2; ++border) {
        for (int i = 0; i < N; ++i) mask[i] = sei_test_uniform(7, (uint64_t)i) < 0.985;
        assert_ok(sei_distance2(mask, NX, NY, NZ, border, distance2));
        for (int i = 0; i < N; ++i) {
            const int x = i % NX, y = i / NX % NY, z = i / NX / NY;
            int best = 1 << 30;
            for (int q = 0; q < N; ++q) {
                const int dx = q % NX - x, dy = q / NX % NY - y, dz = q / NX / NY - z, d = dx * dx + dy * dy + dz * dz;
                if (!mask[q] && d < best) best = d;
            }
            const int walls[6] = {x + 1, y + 1, z + 1, NX - x, NY - y, NZ - z};
            for (int w = 0; border && mask[i] && w < 6; ++w) best = walls[w] * walls[w] < best ? walls[w] * walls[w] : best;
            assert_int_equal((int)distance2[i], best);
        }
    }
    memset(mask, 1, sizeof mask);
    assert_ok(sei_distance2(mask, NX, NY, NZ, false, distance2));
    for (int i = 0; i < N; ++i) assert_true(isinf(distance2[i]));
}

static void closing_bridges_gaps_up_to_its_diameter(void **state) {
    enum { N = 40 };
    static uint8_t mask[N * N * N], closed[N * N * N];
    (void)state;
    for (int gap = 3; gap <= 9; gap += 2) { /* two half spaces with a slit; a ball of radius 3 enters slits wider than 6 */
        for (int i = 0; i < N * N * N; ++i) mask[i] = i % N < 12 || i % N >= 12 + gap;
        assert_ok(sei_close(mask, N, N, N, 3, closed));
        assert_int_equal(closed[(20 * N + 20) * N + 12 + gap / 2], gap < 7);
        for (int i = 0; i < N * N * N; ++i) assert_true(!mask[i] || closed[i]);
    }
    /* the field's faces add nothing: a ball far from a face and one cut by it stay as they are */
    for (int i = 0; i < N * N * N; ++i) {
        const int x = i % N, y = i / N % N - 20, z = i / N / N - 20;
        mask[i] = (x - 4) * (x - 4) + y * y + z * z <= 100;
    }
    assert_ok(sei_close(mask, N, N, N, 3, closed));
    int more = 0;
    for (int i = 0; i < N * N * N; ++i) more += closed[i] != mask[i];
    assert_true(more < 60); /* single voxels on the staircase of the surface of 950 */
    assert_false(closed[(20 * N + 35) * N]);
}

static void smoothing_keeps_sums_and_widths(void **state) {
    enum { N = 33 };
    static float data[N * N * N];
    (void)state;
    data[(16 * N + 16) * N + 16] = 1;
    assert_ok(sei_smooth_gaussian(data, N, N, N, 2));
    double sum = 0, xx = 0, yy = 0, zz = 0;
    for (int i = 0; i < N * N * N; ++i) {
        const double v = (double)data[i];
        sum += v;
        xx += v * pow(i % N - 16, 2);
        yy += v * pow(i / N % N - 16, 2);
        zz += v * pow(i / N / N - 16, 2);
    }
    assert_close(sum, 1, 1e-6);
    assert_close(xx, 4, 0.01); /* the tails beyond 4 sigma hold 0.1 % of the variance */
    assert_close(yy, xx, 1e-5);
    assert_close(zz, xx, 1e-5);
    assert_refused(sei_smooth_gaussian(data, N, N, N, -1), SEI_ERR_USAGE, "-1");
    assert_refused(sei_smooth_gaussian(data, N, N, N, (double)NAN), SEI_ERR_USAGE, "nan");
}

/* Between-class variance of values split at thresholds, up to a constant: sum over classes of sum^2 / count. */
static double criterion(const float *data, size_t n, int classes, const double *thresholds) {
    double count[4] = {0}, sum[4] = {0}, total = 0;
    for (size_t i = 0; i < n; ++i) {
        int c = 0;
        while (c + 1 < classes && (double)data[i] > thresholds[c]) ++c;
        count[c] += 1;
        sum[c] += (double)data[i];
    }
    for (int c = 0; c < classes; ++c) total += count[c] > 0 ? sum[c] * sum[c] / count[c] : 0;
    return total;
}

static void otsu_is_the_best_partition(void **state) {
    enum { N = 3000, LEVELS = 24 };
    float data[N];
    double found[3], trial[3];
    (void)state;
    for (uint64_t seed = 0; seed < 6; ++seed) {
        for (uint64_t i = 0; i < N; ++i) { /* whole levels, so that bins hold one value each and the criterion is exact */
            data[i] = (float)floor(LEVELS * pow(sei_test_uniform(seed, i), 1 + (double)(seed % 3)));
        }
        data[0] = 0;
        data[1] = LEVELS - 1;
        for (int classes = 2; classes <= 4; ++classes) {
            assert_ok(sei_otsu(data, N, NULL, classes, LEVELS, found));
            double best = 0;
            for (int a = 0; a < LEVELS - 1; ++a) {
                for (int b = classes > 2 ? a + 1 : LEVELS; b < LEVELS - 1 || classes == 2; ++b) {
                    for (int c = classes > 3 ? b + 1 : LEVELS; c < LEVELS - 1 || classes < 4; ++c) {
                        trial[0] = a + 0.5, trial[1] = b + 0.5, trial[2] = c + 0.5;
                        best = fmax(best, criterion(data, N, classes, trial));
                        if (classes < 4) break;
                    }
                    if (classes == 2) break;
                }
            }
            assert_close(criterion(data, N, classes, found) / best, 1, 1e-12);
        }
    }
}

static void otsu_splits_gaps_in_the_middle(void **state) {
    const float two[6] = {0, 0, 0, 0, 1, 1};
    const uint8_t mask[6] = {0, 0, 1, 1, 1, 0};
    float bad[6] = {0, 1, 2, NAN, 4, INFINITY};
    double t[3] = {-7, -7, -7};
    (void)state;
    assert_ok(sei_otsu(two, 6, NULL, 2, 0, t));
    assert_close(t[0], 0.5, 1e-12);
    assert_ok(sei_otsu(two, 6, mask, 2, 0, t));
    assert_close(t[0], 0.5, 1e-12);
    t[0] = -7;
    assert_refused(sei_otsu(two, 6, NULL, 3, 0, t), SEI_ERR_INPUT, "2 of 256 bins");
    assert_refused(sei_otsu(two, 4, NULL, 2, 0, t), SEI_ERR_INPUT, "all values are 0");
    assert_refused(sei_otsu(bad, 6, NULL, 2, 0, t), SEI_ERR_INPUT, "2 of 6 values are not finite");
    assert_refused(sei_otsu(two, 6, NULL, 1, 0, t), SEI_ERR_USAGE, "1 classes");
    assert_refused(sei_otsu(two, 0, NULL, 2, 0, t), SEI_ERR_INPUT, "no values");
    assert_true(t[0] == -7);
}

static void resampling_keeps_the_signal(void **state) {
    sei_volume fine = {0}, coarse = {0}, back = {0};
    (void)state;
    assert_ok(sei_volume_alloc(12, 9, 6, 2, &fine));
    for (int i = 0; i < 12 * 9 * 6; ++i) fine.data[i] = (float)(1 + sei_test_uniform(3, (uint64_t)i));
    assert_ok(sei_volume_resample(&fine, 4, 3, 2, 6, &coarse));
    double sum = 0;
    for (int k = 0; k < 3; ++k) {
        for (int j = 0; j < 3; ++j) {
            for (int i = 0; i < 3; ++i) sum += (double)fine.data[(k * 9 + j + 3) * 12 + i + 6];
        }
    }
    /* mean over 3 x 3 x 3 voxels, times 3 because a path through the longer edge holds three times the signal */
    assert_close((double)coarse.data[(0 * 3 + 1) * 4 + 2], 3 * sum / 27, 1e-5);
    sei_volume_free(&coarse);
    /* a factor that is not whole keeps the total signal per area: sum * voxel_nm^2 */
    assert_ok(sei_volume_resample(&fine, 9, 7, 5, 3, &coarse));
    double before = 0, after = 0;
    for (int i = 0; i < 12 * 9 * 6; ++i) before += (double)fine.data[i] * 4;
    for (int i = 0; i < 9 * 7 * 5; ++i) after += (double)coarse.data[i] * 9;
    assert_close(after / before, 1, 1e-6);
    sei_volume_free(&coarse);
    /* linear functions come back exactly from finer grids */
    for (int i = 0; i < 12 * 9 * 6; ++i) fine.data[i] = (float)(i % 12) + 10 * (float)(i / 12 % 9) + 100 * (float)(i / 108);
    assert_ok(sei_volume_resample(&fine, 24, 18, 12, 1, &back));
    assert_close((double)back.data[(6 * 18 + 9) * 24 + 11], 0.5 * (5.25 + 10 * 4.25 + 100 * 2.75), 1e-3);
    sei_volume_free(&back);
    fine.voxel_nm = NAN;
    assert_refused(sei_volume_resample(&fine, 4, 4, 4, 1, &back), SEI_ERR_INPUT, "voxel size");
    fine.voxel_nm = 2;
    assert_refused(sei_volume_resample(&fine, 4, 4, 4, 0, &back), SEI_ERR_USAGE, "above 0");
    assert_refused(sei_volume_resample(&fine, 4, 0, 4, 1, &back), SEI_ERR_INPUT, "4 x 0 x 4");
    assert_null(back.data);
    sei_volume_free(&fine);
}

static double volume_of(const sei_labels *labels, uint8_t class) {
    int64_t count = 0;
    for (int64_t i = 0; i < labels->nx * labels->ny * labels->nz; ++i) count += labels->data[i] == class;
    return (double)count * pow(labels->voxel_nm, 3);
}

static void a_wire_is_labelled_within_3_percent(void **state) {
    const struct { double voxel_nm, blur_px; } cases[] = {{1, 0}, {1, 0.5}, {1.3, 0}, {1.3, 0.5}, {1.6, 0}};
    const phantom wire = phantom_wire();
    sei_segment_options options;
    (void)state;
    /* the half level of a blurred ball lies sigma^2 / R inside it: 0.03 voxel here, or 1 % of a pore's volume */
    sei_segment_options_default(&options);
    options.closing_nm = 40; /* the envelope sags into the channel's mouth by closing - sqrt(closing^2 - 6^2) */
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; ++c) {
        sei_volume volumes[3] = {{0}};
        sei_labels labels = {0};
        assert_ok(phantom_volumes(&wire, cases[c].voxel_nm, 6, volumes));
        for (int v = 0; v < 3; ++v) {
            assert_ok(sei_smooth_gaussian(volumes[v].data, volumes[v].nx, volumes[v].ny, volumes[v].nz, cases[c].blur_px));
        }
        assert_ok(sei_segment(3, volumes, &options, &labels));
        const double field = (double)labels.ny * labels.voxel_nm / wire.length; /* the field is a whole number of voxels */
        const double closed = volume_of(&labels, SEI_LABEL_CLOSED_VOID), open = volume_of(&labels, SEI_LABEL_OPEN_VOID);
        const struct {
            const char *name;
            double found, truth, tolerance;
        } parts[] = {{"Si", volume_of(&labels, SEI_LABEL_SI), phantom_si_volume(&wire) * field, 0.03},
                     {"SEI", volume_of(&labels, SEI_LABEL_SEI), phantom_sei_volume(&wire) * field, 0.03},
                     {"closed", closed, phantom_closed_volume(&wire), 0.03},
                     {"voids", closed + open, phantom_closed_volume(&wire) + phantom_open_volume(&wire), 0.03},
                     {"open", open, phantom_open_volume(&wire), 0.03}};
        for (size_t p = 0; p < sizeof parts / sizeof parts[0]; ++p) {
            const double error = parts[p].found / parts[p].truth - 1;
            print_message("voxel %.3f nm blur %.1f px: %s %+.2f %%\n", cases[c].voxel_nm, cases[c].blur_px, parts[p].name,
                          100 * error);
            assert_close(error, 0, parts[p].tolerance);
        }
        assert_non_null(sei_facts_find(&labels.facts, "threshold_Si"));
        assert_non_null(strstr(sei_facts_find(&labels.facts, "threshold_O")->source, "Otsu"));
        assert_non_null(strstr(labels.classes[1].rule, "Si > 0."));
        assert_non_null(strstr(labels.classes[4].rule, "40 nm"));
        sei_labels_free(&labels);
        for (int v = 0; v < 3; ++v) sei_volume_free(&volumes[v]);
    }
}

/* A channel 6 to 12 voxels wide whose walls fall on the grid in every way: counting voxels has an error of its own there. */
static void an_open_channel_is_found_at_any_voxel_size(void **state) {
    enum { SIZES = 12 };
    phantom wire = phantom_wire();
    sei_segment_options options;
    double sum = 0, worst = 0;
    (void)state;
    wire.rotation_deg = 17;
    sei_segment_options_default(&options);
    options.closing_nm = 40;
    for (int s = 0; s < SIZES; ++s) {
        const double voxel_nm = 1 + 0.1 * s;
        sei_volume volumes[3] = {{0}};
        sei_labels labels = {0};
        assert_ok(phantom_volumes(&wire, voxel_nm, 4, volumes));
        assert_ok(sei_segment(3, volumes, &options, &labels));
        const double error = volume_of(&labels, SEI_LABEL_OPEN_VOID) / phantom_open_volume(&wire) - 1;
        print_message("voxel %.3f nm: open %+.2f %%\n", voxel_nm, 100 * error);
        sum += error;
        worst = fmax(worst, fabs(error));
        sei_labels_free(&labels);
        for (int v = 0; v < 3; ++v) sei_volume_free(&volumes[v]);
    }
    print_message("open void over %d voxel sizes: mean %+.2f %%, worst %.2f %%\n", SIZES, 100 * sum / SIZES, 100 * worst);
    assert_close(sum / SIZES, 0, 0.03);
    assert_true(worst < 0.065);
}

/* A volume of n^3 voxels of 2 nm whose value is 1 where inside(x, y, z) holds, else 0. */
static void fill(sei_volume *volume, const char *name, int64_t n, int (*inside)(int x, int y, int z)) {
    assert_ok(sei_volume_alloc(n, n, n, 2, volume));
    snprintf(volume->name, sizeof volume->name, "%s", name);
    for (int64_t i = 0; i < n * n * n; ++i) volume->data[i] = inside((int)(i % n), (int)(i / n % n), (int)(i / n / n)) ? 1 : 0;
}

static int square(int a) {
    return a * a;
}
static int in_core(int x, int y, int z) {
    return (void)y, square(x - 20) + square(z - 20) < 64;
}
static int in_shell(int x, int y, int z) {
    return !in_core(x, y, z) && square(x - 20) + square(z - 20) < 144;
}
static int in_shell_or_film(int x, int y, int z) {
    return in_shell(x, y, z) || (z >= 36 && z < 39 && y > 3) || (z >= 30 && y == 20 && x == 20);
}
static int in_grain(int x, int y, int z) {
    return square(x - 12) + square(y - 20) + square(z - 20) < 50;
}
static int in_slab(int x, int y, int z) {
    return (void)x, (void)y, z >= 10 && z < 30;
}
static int in_slab_matrix(int x, int y, int z) {
    return in_slab(x, y, z) && !in_grain(x, y, z);
}
static int nowhere_else(int x, int y, int z) {
    return x == 3 && y == 3 && z < 9;
}

static void carbon_away_from_the_wire_is_support(void **state) {
    enum { N = 40 };
    sei_volume volumes[3] = {{0}};
    sei_labels labels = {0};
    sei_segment_options options;
    (void)state;
    sei_segment_options_default(&options);
    fill(&volumes[0], "Si", N, in_core);
    fill(&volumes[1], "O", N, in_shell);
    fill(&volumes[2], "C", N, in_shell_or_film);
    assert_ok(sei_segment(3, volumes, &options, &labels));
    assert_int_equal(labels.data[(37 * N + 20) * N + 10], SEI_LABEL_SUPPORT);
    assert_int_equal(labels.data[(20 * N + 20) * N + 10], SEI_LABEL_SEI); /* carbon beside oxygen */
    assert_int_equal(labels.data[(20 * N + 20) * N + 20], SEI_LABEL_SI);
    assert_int_equal(labels.data[(2 * N + 20) * N + 2], SEI_LABEL_OUTSIDE);
    int64_t sei = 0, shell = 0;
    for (int i = 0; i < N * N * N; ++i) {
        sei += labels.data[i] == SEI_LABEL_SEI;
        shell += in_shell(i % N, i / N % N, i / N / N);
    }
    assert_true(sei >= shell && sei < shell + 20); /* and the foot of the film, two voxels of it */
    sei_labels_free(&labels);
    for (int v = 0; v < 3; ++v) sei_volume_free(&volumes[v]);
}

static void a_slab_gets_its_classes_and_no_envelope(void **state) {
    enum { N = 40 };
    sei_volume volumes[3] = {{0}};
    sei_labels labels = {0};
    sei_segment_options options;
    sei_segment_rule rules[3];
    (void)state;
    sei_segment_options_default(&options);
    options.wire = false;
    fill(&volumes[0], "Fe", N, in_grain);
    fill(&volumes[1], "O", N, in_slab_matrix);
    fill(&volumes[2], "HAADF", N, nowhere_else);
    assert_ok(sei_segment(3, volumes, &options, &labels)); /* no rules: one class per element */
    assert_int_equal(labels.n_classes, 3);
    assert_string_equal(labels.classes[1].name, "Fe");
    assert_int_equal(labels.classes[2].id, 11);
    for (int i = 0; i < N * N * N; ++i) {
        const int x = i % N, y = i / N % N, z = i / N / N;
        assert_int_equal(labels.data[i], in_grain(x, y, z) ? 10 : in_slab(x, y, z) ? 11 : 0);
    }
    assert_string_equal(sei_facts_find(&labels.facts, "threshold_O")->source, "Otsu, 2 classes, threshold 1");
    sei_labels_free(&labels);
    for (int r = 0; r < 3; ++r) sei_segment_rule_default(&rules[r]);
    rules[0].channel = "fe", rules[0].label = 12, rules[0].label_name = "Fe-rich grain", rules[0].threshold = 0.25;
    rules[1].channel = "O", rules[1].label = 13;
    rules[2].channel = "HAADF", rules[2].label = 13, rules[2].smooth_sigma_px = 0.01;
    options.rules = rules, options.n_rules = 3;
    options.min_component_voxels = 0;
    assert_ok(sei_segment(3, volumes, &options, &labels));
    assert_int_equal(labels.data[(5 * N + 3) * N + 3], 13); /* two channels may give one class */
    assert_string_equal(labels.classes[1].name, "Fe-rich grain");
    assert_string_equal(sei_facts_find(&labels.facts, "threshold_Fe")->value, "0.25");
    assert_non_null(strstr(labels.classes[2].rule, " or HAADF > "));
    sei_labels_free(&labels);
    options.min_component_voxels = 50; /* the needle of 9 voxels goes */
    assert_ok(sei_segment(3, volumes, &options, &labels));
    assert_int_equal(labels.data[(5 * N + 3) * N + 3], 0);
    sei_labels_free(&labels);
    for (int v = 0; v < 3; ++v) sei_volume_free(&volumes[v]);
}

typedef struct segmented {
    const sei_volume *volumes; /* three */
    const sei_segment_options *options;
    sei_labels labels;
} segmented;

static sei_status segment_again(void *context) {
    segmented *s = context;
    return sei_segment(3, s->volumes, s->options, &s->labels);
}

static void nothing_is_segmented(void *context) {
    assert_null(((const segmented *)context)->labels.data);
}

static void threads_change_nothing_and_allocations_may_fail(void **state) {
    phantom wire = phantom_wire();
    sei_volume volumes[3] = {{0}};
    sei_labels first = {0}, again = {0};
    sei_segment_options options;
    (void)state;
    wire.length = 25;
    sei_segment_options_default(&options);
    assert_ok(phantom_volumes(&wire, 5, 2, volumes));
    const int64_t count = volumes[0].nx * volumes[0].ny * volumes[0].nz;
    for (int v = 0; v < 3; ++v) { /* noise makes every step of the method work */
        for (int64_t i = 0; i < count; ++i)
            volumes[v].data[i] += (float)(0.8 * (sei_test_uniform((uint64_t)v, (uint64_t)i) - 0.5));
    }
    sei_threads_set(1);
    assert_ok(sei_segment(3, volumes, &options, &first));
    for (int t = 2; t <= 7; t += t == 3 ? 4 : 1) {
        sei_threads_set(t);
        assert_ok(sei_segment(3, volumes, &options, &again));
        assert_memory_equal(first.data, again.data, (size_t)count);
        sei_labels_free(&again);
    }
    sei_threads_set(2);
    segmented s = {.volumes = volumes, .options = &options};
    const sei_test_attempt attempt = {.call = segment_again, .failed = nothing_is_segmented, .context = &s};
    assert_true(sei_test_every_allocation(&attempt) > 0);
    sei_labels_free(&s.labels);
    sei_threads_set(0);
    sei_labels_free(&first);
    for (int v = 0; v < 3; ++v) sei_volume_free(&volumes[v]);
}

static void what_cannot_be_segmented_is_refused(void **state) {
    enum { N = 40 };
    sei_volume volumes[2] = {{0}};
    sei_labels labels = {0};
    sei_segment_options options;
    sei_segment_rule rule;
    (void)state;
    sei_segment_options_default(&options);
    sei_segment_rule_default(&rule);
    fill(&volumes[0], "Fe", N, in_grain);
    fill(&volumes[1], "O", N / 2, in_grain);
    assert_refused(sei_segment(2, volumes, &options, &labels), SEI_ERR_INPUT, "40 x 40 x 40 voxels of 2 nm, O has 20 x 20 x 20");
    assert_ok(sei_volumes_to_one_grid(2, volumes)); /* equal voxels: the first grid */
    assert_int_equal(volumes[1].nx, N);
    assert_refused(sei_segment(2, volumes, &options, &labels), SEI_ERR_INPUT, "no channel Si among Fe, O");
    options.rules = &rule, options.n_rules = 1;
    assert_refused(sei_segment(2, volumes, &options, &labels), SEI_ERR_USAGE, "names no channel");
    rule.channel = "Mg", rule.label = 10;
    assert_refused(sei_segment(2, volumes, &options, &labels), SEI_ERR_INPUT, "no channel 'Mg'; there are Fe, O");
    rule.channel = "Fe", rule.label = SEI_LABEL_OPEN_VOID;
    assert_refused(sei_segment(2, volumes, &options, &labels), SEI_ERR_USAGE, "label 4");
    rule.label = 10, rule.otsu_take = 1;
    assert_refused(sei_segment(2, volumes, &options, &labels), SEI_ERR_USAGE, "threshold number 2 of 2");
    rule.otsu_take = 0, options.closing_nm = -1;
    assert_refused(sei_segment(2, volumes, &options, &labels), SEI_ERR_USAGE, "closing of -1 nm");
    options.closing_nm = 10, volumes[0].data[7] = NAN;
    assert_refused(sei_segment(2, volumes, &options, &labels), SEI_ERR_INPUT, "channel Fe: 1 of 64000 values are not finite");
    volumes[0].voxel_nm = volumes[1].voxel_nm = NAN;
    assert_refused(sei_segment(2, volumes, &options, &labels), SEI_ERR_INPUT, "no voxel size");
    assert_refused(sei_segment(0, volumes, &options, &labels), SEI_ERR_USAGE, "at least one");
    assert_null(labels.data);
    for (int v = 0; v < 2; ++v) sei_volume_free(&volumes[v]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(components_follow_their_connectivity),
                                       cmocka_unit_test(distances_are_exact),
                                       cmocka_unit_test(closing_bridges_gaps_up_to_its_diameter),
                                       cmocka_unit_test(smoothing_keeps_sums_and_widths),
                                       cmocka_unit_test(otsu_is_the_best_partition),
                                       cmocka_unit_test(otsu_splits_gaps_in_the_middle),
                                       cmocka_unit_test(resampling_keeps_the_signal),
                                       cmocka_unit_test(a_wire_is_labelled_within_3_percent),
                                       cmocka_unit_test(an_open_channel_is_found_at_any_voxel_size),
                                       cmocka_unit_test(carbon_away_from_the_wire_is_support),
                                       cmocka_unit_test(a_slab_gets_its_classes_and_no_envelope),
                                       cmocka_unit_test(threads_change_nothing_and_allocations_may_fail),
                                       cmocka_unit_test(what_cannot_be_segmented_is_refused)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
