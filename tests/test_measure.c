/*
 * Claims: areas of spheres, cylinders and their interfaces come within 3 % of their formulas at any radius from 6 voxels
 * and any orientation of the cylinder; volumes, thickness, radii, core fractions, depth and profiles of constructed wires
 * are those of the construction; chains of voxels percolate exactly when they touch under the connectivity; a plum
 * pudding falls apart into its plums; elongations of ellipsoids are their axis ratios; a segmented wire measures its
 * analytic volumes within 3 %; the same bits come from any number of threads; nonsense is refused; allocations may fail.
 */
#include "seitomo/measure.h"

#include "core/alloc.h"
#include "core/threads.h"
#include "seitomo/segment.h"
#include "support/phantom.h"
#include "support/sweep.h"
#include "support/test.h"

static const double pi = 3.14159265358979323846;

/* Labels of nx x ny x nz voxels of `voxel_nm`, the class of each from a function of its place relative to the centre. */
static sei_labels make(int64_t nx, int64_t ny, int64_t nz, double voxel_nm,
                       uint8_t (*class)(double x, double y, double z, const double *p), const double *p) {
    sei_labels labels = {0};
    assert_ok(sei_labels_alloc(nx, ny, nz, voxel_nm, &labels));
    assert_ok(sei_labels_define_wire(&labels));
    for (int64_t i = 0; i < nx * ny * nz; ++i) {
        const double x = (double)(i % nx) - 0.5 * (double)(nx - 1), y = (double)(i / nx % ny) - 0.5 * (double)(ny - 1);
        const double z = (double)(i / nx / ny) - 0.5 * (double)(nz - 1);
        labels.data[i] = class(x, y, z, p);
    }
    return labels;
}

static double value(const sei_numbers *numbers, const char *name) {
    const sei_number *number = sei_numbers_find(numbers, name);
    if (number == NULL) fail_msg("no number %s", name);
    return number->value;
}

static double sd(const sei_numbers *numbers, const char *name) {
    return sei_numbers_find(numbers, name)->sd;
}

static sei_numbers measure(const sei_labels *labels) {
    sei_numbers numbers = {0};
    sei_measure_options options;
    sei_measure_options_default(&options);
    assert_ok(sei_measure(labels, 0, NULL, &options, &numbers, NULL));
    return numbers;
}

/* p: radius, then a shift off the grid */
static uint8_t ball(double x, double y, double z, const double *p) {
    return pow(x - p[1], 2) + pow(y - p[2], 2) + pow(z - p[3], 2) < p[0] * p[0] ? SEI_LABEL_SI : SEI_LABEL_OUTSIDE;
}

/* p: radius, tilt of the axis in the x-y plane and out of it, in radians; endless */
static uint8_t rod(double x, double y, double z, const double *p) {
    const double a[3] = {sin(p[1]) * cos(p[2]), cos(p[1]) * cos(p[2]), sin(p[2])};
    const double along = x * a[0] + y * a[1] + z * a[2];
    return x * x + y * y + z * z - along * along < p[0] * p[0] ? SEI_LABEL_SI : SEI_LABEL_OUTSIDE;
}

static void spheres_have_their_volume_and_surface(void **state) {
    (void)state;
    for (int i = 0; i < 8; ++i) {
        const double p[4] = {6 + 2.3 * i, sei_test_uniform(1, (uint64_t)i), sei_test_uniform(2, (uint64_t)i),
                             sei_test_uniform(3, (uint64_t)i)};
        sei_labels labels = make(52, 53, 54, 2.5, ball, p);
        sei_numbers numbers = measure(&labels);
        const double r = 2.5 * p[0], volume = 4 * pi / 3 * r * r * r;
        const double surface = value(&numbers, "specific_surface") * value(&numbers, "si_volume");
        assert_close(value(&numbers, "si_volume") / volume, 1, 0.02);
        assert_close(surface / (4 * pi * r * r), 1, 0.015);
        assert_close(sd(&numbers, "si_volume"), surface * 0.5 * 2.5 / sqrt(12), 1e-6 * volume);
        assert_true(fabs(value(&numbers, "si_volume") - volume) < 3 * sd(&numbers, "si_volume"));
        assert_close(value(&numbers, "si_component_count"), 1, 0);
        assert_close(value(&numbers, "mixing_index"), 0, 0);
        sei_numbers_free(&numbers);
        sei_labels_free(&labels);
    }
}

static void cylinders_have_their_surface_at_any_orientation(void **state) {
    double area[256 * 256];
    (void)state;
    for (int i = 0; i < 12; ++i) {
        const double p[3] = {6 + i, i == 0 ? 0 : 0.8 * sei_test_uniform(4, (uint64_t)i),
                             i == 0 ? 0 : 0.5 * (sei_test_uniform(5, (uint64_t)i) - 0.5)};
        sei_labels labels = make(96, 32, 72, 2, rod, p);
        int64_t count = 0;
        for (int64_t v = 0; v < 96 * 32 * 72; ++v) count += labels.data[v] != 0;
        assert_ok(sei_measure_areas(&labels, area));
        /* cut by the field, the rod keeps its ratio of surface to volume: 2 / r */
        assert_close(area[256] / ((double)count * 8) * p[0] * 2 / 2, 1, 0.03);
        assert_true(area[256] == area[1] && area[0] == 0);
        sei_labels_free(&labels);
    }
}

/* A round wire: silicon to p[0], SEI to p[1]; closed voids: tube round the axis from p[2] to p[3] for |y| < p[4]; an
 * open slit |z| < p[5] from x = p[6] outwards. */
static uint8_t coat(double x, double y, double z, const double *p) {
    const double r = hypot(x, z);
    if (r >= p[1]) return SEI_LABEL_OUTSIDE;
    if (fabs(z) < p[5] && x > p[6]) return SEI_LABEL_OPEN_VOID;
    if (r >= p[2] && r < p[3] && fabs(y) < p[4]) return SEI_LABEL_CLOSED_VOID;
    return r < p[0] ? SEI_LABEL_SI : SEI_LABEL_SEI;
}

static void wires_have_the_lengths_they_were_built_with(void **state) {
    const double p[7] = {20, 30, 0, 0, 0, 0, 99};
    sei_labels labels = make(80, 24, 76, 1.5, coat, p);
    sei_numbers numbers = measure(&labels);
    (void)state;
    assert_close(value(&numbers, "wire_radius_mean"), 45, 0.3);
    assert_close(value(&numbers, "core_radius_mean"), 30, 0.6); /* an upper envelope: up to half a voxel outside */
    assert_close(value(&numbers, "sei_thickness_mean"), 15, 0.3);
    assert_true(sd(&numbers, "sei_thickness_mean") < 0.75);
    assert_close(value(&numbers, "mixing_index"), 2 / 30.0, 0.03 * 2 / 30.0);
    assert_close(value(&numbers, "sei_fraction_in_core"), 0, 0);
    assert_close(value(&numbers, "si_fraction_in_core"), 1, 0);
    assert_close(value(&numbers, "si_percolates_y"), 1, 0);
    assert_close(value(&numbers, "void_percolates_y"), 0, 0);
    assert_close(value(&numbers, "open_void_depth_mean"), 0, 0);
    assert_true(isnan(value(&numbers, "sei_fraction_in_core_null")));
    sei_numbers_free(&numbers);
    sei_labels_free(&labels);
}

static void voids_are_counted_and_their_depth_is_known(void **state) {
    const double p[7] = {30, 30, 6, 12, 5, 2.5, 14}; /* bare silicon, a closed ring, a slit 16 voxels deep */
    sei_labels labels = make(72, 32, 71, 2, coat, p);
    sei_numbers numbers = measure(&labels);
    (void)state;
    assert_close(value(&numbers, "closed_void_volume"), pi * (144 - 36) * 10 * 8, 0.03 * pi * 108 * 80);
    assert_close(value(&numbers, "void_count"), 2, 0);
    assert_close(value(&numbers, "closed_void_count"), 1, 0);
    assert_close(value(&numbers, "open_void_depth_max"), 32, 2);
    /* the slit's end spans 2 atan(2.5 / 14) = 20 degrees, 4 or 5 sectors of 72 at 13 to 16 voxels of 2 nm */
    assert_close(value(&numbers, "open_void_depth_mean"), 4.5 / 72 * 30, 0.35);
    assert_close(value(&numbers, "void_percolates_y"), 1, 0);
    assert_close(value(&numbers, "void_percolates_x"), 0, 0);
    assert_close(value(&numbers, "sei_thickness_mean"), 0, 0); /* bare */
    /* the ring is core: 108 * 10 of 28^2 * 32 minus the slit's part; the slit reaches from 14 to the core's edge at 28 */
    assert_close(value(&numbers, "void_fraction_in_core"), (pi * 1080 + 32 * 5 * 14) / (pi * 784 * 32), 0.006);
    sei_numbers_free(&numbers);
    sei_labels_free(&labels);
}

/* A ball of SEI (p[0] = 1) or the empty space (0) in the middle of solid silicon: the envelope bridges it. */
static uint8_t pudding(double x, double y, double z, const double *p) {
    const double r = hypot(x, z);
    if (r >= 30) return SEI_LABEL_OUTSIDE;
    if (r >= 22) return SEI_LABEL_SEI;
    const double cx = x - 9 * floor(x / 9 + 0.5), cy = y - 9 * floor(y / 9 + 0.5), cz = z - 9 * floor(z / 9 + 0.5);
    return cx * cx + cy * cy + cz * cz < p[0] * p[0] ? SEI_LABEL_SI : SEI_LABEL_SEI;
}

static void a_plum_pudding_falls_into_its_plums(void **state) {
    const double apart[1] = {3.2}, together[1] = {4.8};
    sei_labels labels = make(70, 45, 70, 1, pudding, apart);
    sei_numbers numbers = measure(&labels);
    (void)state;
    /* plums of 3.2 voxels on a lattice of 9: none larger than a ball, about pi 22^2 45 / 9^3 of them */
    assert_true(value(&numbers, "si_component_count") > 80);
    assert_true(value(&numbers, "si_largest_component_fraction") < 0.02);
    assert_close(value(&numbers, "si_percolates_y"), 0, 0);
    /* silicon that ends in plums at 18 + 3.2 voxels; the same count in the round cylinder 2 voxels inside the envelope */
    const double core = value(&numbers, "core_radius_mean");
    assert_close(core, 20.5, 1.5);
    int64_t sei = 0, all = 0;
    for (int64_t i = 0; i < 70 * 45 * 70; ++i) {
        if (hypot((double)(i % 70) - 34.5, (double)(i / 3150) - 34.5) >= core - 2) continue;
        ++all;
        sei += labels.data[i] == SEI_LABEL_SEI;
    }
    assert_close(value(&numbers, "sei_fraction_in_core"), (double)sei / (double)all, 0.03);
    assert_true(sd(&numbers, "sei_fraction_in_core") < 0.03);
    sei_numbers_free(&numbers);
    sei_labels_free(&labels);
    labels = make(70, 45, 70, 1, pudding, together);
    numbers = measure(&labels);
    assert_true(value(&numbers, "si_largest_component_fraction") > 0.98);
    assert_close(value(&numbers, "si_percolates_y"), 1, 0);
    assert_true(value(&numbers, "mixing_index") > 0.3);
    sei_numbers_free(&numbers);
    sei_labels_free(&labels);
}

static void chains_percolate_when_they_touch(void **state) {
    enum { N = 12 };
    sei_labels labels = {0};
    sei_measure_options options;
    (void)state;
    sei_measure_options_default(&options);
    assert_ok(sei_labels_alloc(N, N, N, 1, &labels));
    /* a block of SEI that fills the field; a chain of voids along x, straight, then with one diagonal step */
    for (int diagonal = 0; diagonal < 2; ++diagonal) {
        for (int solid = 6; solid <= 26; solid += 20) {
            sei_numbers numbers = {0};
            memset(labels.data, SEI_LABEL_SEI, N * N * N);
            for (int i = 0; i < N; ++i) labels.data[(5 * N + (diagonal && i > 6 ? 6 : 5)) * N + i] = SEI_LABEL_CLOSED_VOID;
            for (int i = 0; i < N; ++i) labels.data[((i > 6 ? 2 : 1) * N + i) * N + 1] = SEI_LABEL_SI;
            options.connectivity = solid;
            assert_ok(sei_measure(&labels, 0, NULL, &options, &numbers, NULL));
            /* voids connect through 6 neighbours when solids do through 26, and the other way round */
            assert_close(value(&numbers, "void_percolates_x"), !diagonal || solid == 6, 0);
            assert_close(value(&numbers, "void_count"), diagonal && solid == 26 ? 2 : 1, 0);
            assert_close(value(&numbers, "void_percolates_y"), 0, 0);
            assert_close(value(&numbers, "void_percolates_z"), 0, 0);
            assert_close(value(&numbers, "si_percolates_y"), solid == 26, 0);
            assert_close(value(&numbers, "si_component_count"), solid == 26 ? 1 : 2, 0);
            sei_numbers_free(&numbers);
        }
    }
    sei_labels_free(&labels);
}

static void profiles_follow_the_radius(void **state) {
    const double p[7] = {20, 30, 0, 0, 0, 0, 99};
    sei_labels labels = make(80, 12, 80, 2, coat, p);
    sei_volume volume = {0};
    sei_numbers numbers = {0};
    sei_table table = {0};
    sei_measure_options options;
    static const uint8_t rgb[3] = {1, 2, 3};
    (void)state;
    sei_measure_options_default(&options);
    options.profile_bin_nm = 4;
    assert_ok(sei_volume_alloc(80, 12, 80, 2, &volume));
    snprintf(volume.name, sizeof volume.name, "F");
    for (int64_t i = 0; i < 80 * 12 * 80; ++i)
        volume.data[i] = (float)(2 * hypot((double)(i % 80) - 39.5, (double)(i / 960) - 39.5));
    for (int64_t i = 0; i < 12; ++i) labels.data[i * 80] = 17; /* a class of one's own in a corner */
    assert_ok(sei_labels_define(&labels, 17, "Pt strap (W)", rgb, "by hand"));
    labels.data[0] = SEI_LABEL_OUTSIDE;
    assert_ok(sei_measure(&labels, 1, &volume, &options, &numbers, &table));
    assert_close(value(&numbers, "pt_strap__w__volume"), 11 * 8, 0);
    assert_close(value(&numbers, "pt_strap__w__count"), 1, 0);
    assert_close(sei_table_get(&table, 0, "r_nm"), 2, 1e-12);
    for (size_t row = 0; row < table.n_rows; ++row) {
        const double r = sei_table_get(&table, row, "r_nm");
        if (r < 160 / 2.0 - 4) assert_close(sei_table_get(&table, row, "mean_F"), r, 1.2);
        if (r < 36) assert_close(sei_table_get(&table, row, "fraction_Si"), 1, 0);
        if (r > 44 && r < 56) assert_close(sei_table_get(&table, row, "fraction_SEI"), 1, 0);
        if (r > 64 && r < 76) assert_close(sei_table_get(&table, row, "fraction_SEI"), 0, 0);
        if (sei_table_get(&table, row, "voxels") > 0) assert_close(sei_table_get(&table, row, "fraction_void"), 0, 0);
    }
    double strap = 0;
    for (size_t row = 0; row < table.n_rows; ++row) {
        const double voxels = sei_table_get(&table, row, "voxels");
        strap += voxels > 0 ? voxels * sei_table_get(&table, row, "fraction_Pt strap (W)") : 0;
    }
    assert_close(strap, 11, 1e-9);
    sei_table_free(&table);
    sei_numbers_free(&numbers);
    volume.voxel_nm = 2.1;
    assert_refused(sei_measure(&labels, 1, &volume, &options, &numbers, &table), SEI_ERR_INPUT,
                   "of 2 nm, volume F has 80 x 12 x 80 of 2.1 nm");
    options.profile_bin_nm = -1;
    assert_refused(sei_measure(&labels, 0, NULL, &options, &numbers, &table), SEI_ERR_USAGE, "-1 nm");
    options.profile_bin_nm = 0, options.connectivity = 7;
    assert_refused(sei_measure(&labels, 0, NULL, &options, &numbers, &table), SEI_ERR_USAGE, "connectivity 7");
    options.connectivity = 6, options.core_erosion_nm = -2;
    assert_refused(sei_measure(&labels, 0, NULL, &options, &numbers, &table), SEI_ERR_USAGE, "-2 nm");
    labels.voxel_nm = NAN;
    assert_refused(sei_measure(&labels, 0, NULL, &options, &numbers, &table), SEI_ERR_INPUT, "no voxel size");
    assert_null(numbers.items);
    assert_null(table.cells);
    sei_volume_free(&volume);
    sei_labels_free(&labels);
}

static void empty_labels_give_nothing_but_nan(void **state) {
    sei_labels labels = {0};
    (void)state;
    assert_ok(sei_labels_alloc(5, 1, 3, 1, &labels));
    sei_numbers numbers = measure(&labels);
    assert_close(value(&numbers, "si_volume"), 0, 0);
    assert_close(value(&numbers, "void_count"), 0, 0);
    const char *const without[] = {"si_largest_component_fraction",
                                   "specific_surface",
                                   "mixing_index",
                                   "sei_fraction_in_core",
                                   "sei_thickness_mean",
                                   "void_percolates_x",
                                   "wire_radius_mean",
                                   "core_radius_mean",
                                   "open_void_depth_mean",
                                   "void_fraction"};
    for (size_t i = 0; i < sizeof without / sizeof without[0]; ++i) assert_true(isnan(value(&numbers, without[i])));
    sei_numbers_free(&numbers);
    sei_labels_free(&labels);
}

static void elongations_are_axis_ratios(void **state) {
    enum { N = 48 };
    sei_volume volume = {0};
    double ratio = NAN;
    (void)state;
    assert_ok(sei_volume_alloc(N, N, N, 1, &volume));
    for (int e = 0; e < 3; ++e) {
        const double longer = 1 + 0.4 * e, sx = 3.5, sz = sx * longer;
        for (int i = 0; i < N * N * N; ++i) {
            const double x = i % N - 23.4, y = i / N % N - 24.2, z = i / N / N - 22.7;
            volume.data[i] = (float)exp(-0.5 * ((x * x + y * y) / (sx * sx) + z * z / (sz * sz)));
        }
        assert_close(sei_measure_elongation(&volume, 24, 24, 23, 16), longer, 0.04);
        for (int b = 0; b < 200; ++b) { /* a texture of many such blobs */
            double at[3];
            for (int a = 0; a < 3; ++a) at[a] = N * sei_test_uniform(20 + (uint64_t)a, (uint64_t)b);
            for (int i = 0; i < 15 * 15 * 31; ++i) {
                const int u = (int)at[0] + i % 15 - 7, v = (int)at[1] + i / 15 % 15 - 7, w = (int)at[2] + i / 225 - 15;
                if (u < 0 || v < 0 || w < 0 || u >= N || v >= N || w >= N) continue;
                const double x = u - at[0], y = v - at[1], z = w - at[2];
                volume.data[(w * N + v) * N + u] += (float)exp(-0.5 * ((x * x + y * y) / 4 + z * z / (4 * longer * longer)));
            }
        }
        assert_ok(sei_measure_elongation_autocorrelation(&volume, &ratio));
        assert_close(ratio / longer, 1, 0.1);
    }
    assert_true(isnan(sei_measure_elongation(&volume, 24, 24, 23, 3))); /* touches the box */
    assert_true(isnan(sei_measure_elongation(&volume, 24, 24, 99, 3))); /* beyond the volume */
    memset(volume.data, 0, sizeof(float) * N * N * N);
    assert_true(isnan(sei_measure_elongation(&volume, 24, 24, 23, 16))); /* nothing there */
    assert_refused(sei_measure_elongation_autocorrelation(&volume, &ratio), SEI_ERR_INPUT, "do not vary");
    sei_volume_free(&volume);
    assert_refused(sei_measure_elongation_autocorrelation(&volume, &ratio), SEI_ERR_INPUT, "empty");
}

static void a_segmented_wire_measures_its_formula(void **state) {
    const phantom wire = phantom_wire();
    sei_volume volumes[3] = {{0}};
    sei_labels labels = {0};
    sei_segment_options how;
    (void)state;
    sei_segment_options_default(&how);
    how.closing_nm = 40;
    assert_ok(phantom_volumes(&wire, 1.3, 5, volumes));
    assert_ok(sei_segment(3, volumes, &how, &labels));
    sei_numbers numbers = measure(&labels);
    const double field = (double)labels.ny * 1.3 / wire.length;
    assert_close(value(&numbers, "si_volume") / (phantom_si_volume(&wire) * field), 1, 0.03);
    assert_close(value(&numbers, "sei_volume") / (phantom_sei_volume(&wire) * field), 1, 0.03);
    assert_close(value(&numbers, "closed_void_volume") / phantom_closed_volume(&wire), 1, 0.03);
    assert_close(value(&numbers, "open_void_volume") / phantom_open_volume(&wire), 1, 0.03);
    assert_close(value(&numbers, "wire_radius_mean"), 50, 0.5);
    assert_close(value(&numbers, "core_radius_mean"), 36, 1);
    assert_close(value(&numbers, "sei_thickness_mean"), 14, 0.5);
    assert_close(value(&numbers, "closed_void_count"), 3, 0);
    assert_close(value(&numbers, "void_count"), 4, 0);
    assert_close(value(&numbers, "open_void_depth_max"), 50, 1.5); /* from the axis, where all ways out are the radius */
    assert_close(value(&numbers, "sei_fraction_in_core"), 0, 0.002);
    /* silicon's surface: the cylinder without the channel's mouth, the pores, the channel's wall in silicon and its end */
    const double surface = 2 * pi * 36 * 60 * field - pi * 36 + 4 * pi * (100 + 81 + 64) + 2 * pi * 6 * 38 + pi * 36;
    assert_close(value(&numbers, "specific_surface") * value(&numbers, "si_volume") / surface, 1, 0.04);
    sei_numbers_free(&numbers);
    sei_labels_free(&labels);
    for (int v = 0; v < 3; ++v) sei_volume_free(&volumes[v]);
}

typedef struct measured {
    const sei_labels *labels;
    const sei_volume *volume;
    const sei_measure_options *options;
    sei_numbers numbers;
    sei_table profile;
} measured;

static sei_status measure_again(void *context) {
    measured *m = context;
    return sei_measure(m->labels, 1, m->volume, m->options, &m->numbers, &m->profile);
}

static void nothing_is_measured(void *context) {
    const measured *m = context;
    assert_true(m->numbers.items == NULL && m->profile.cells == NULL);
}

static void threads_change_nothing_and_allocations_may_fail(void **state) {
    const double p[7] = {7, 10, 2, 4, 3, 1.5, 5};
    sei_labels labels = make(26, 9, 24, 2, coat, p);
    sei_volume volume = {0};
    sei_numbers first = {0}, again = {0};
    sei_table profile = {0}, other = {0};
    sei_measure_options options;
    (void)state;
    sei_measure_options_default(&options);
    assert_ok(sei_volume_alloc(26, 9, 24, 2, &volume));
    for (int i = 0; i < 26 * 9 * 24; ++i) volume.data[i] = (float)sei_test_uniform(9, (uint64_t)i);
    sei_threads_set(1);
    assert_ok(sei_measure(&labels, 1, &volume, &options, &first, &profile));
    for (int t = 2; t <= 7; t += t == 3 ? 4 : 1) {
        sei_threads_set(t);
        assert_ok(sei_measure(&labels, 1, &volume, &options, &again, &other));
        assert_int_equal(again.count, first.count);
        for (size_t i = 0; i < first.count; ++i) {
            assert_memory_equal(&first.items[i].value, &again.items[i].value, sizeof(double));
            assert_memory_equal(&first.items[i].sd, &again.items[i].sd, sizeof(double));
        }
        assert_memory_equal(profile.cells, other.cells, profile.n_rows * profile.n_columns * sizeof(double));
        sei_numbers_free(&again);
        sei_table_free(&other);
    }
    sei_threads_set(2);
    measured m = {.labels = &labels, .volume = &volume, .options = &options};
    const sei_test_attempt attempt = {.call = measure_again, .failed = nothing_is_measured, .context = &m};
    assert_true(sei_test_every_allocation(&attempt) > 0);
    sei_numbers_free(&m.numbers);
    sei_table_free(&m.profile);
    sei_threads_set(0);
    sei_numbers_free(&first);
    sei_table_free(&profile);
    sei_volume_free(&volume);
    sei_labels_free(&labels);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(spheres_have_their_volume_and_surface),
                                       cmocka_unit_test(cylinders_have_their_surface_at_any_orientation),
                                       cmocka_unit_test(wires_have_the_lengths_they_were_built_with),
                                       cmocka_unit_test(voids_are_counted_and_their_depth_is_known),
                                       cmocka_unit_test(a_plum_pudding_falls_into_its_plums),
                                       cmocka_unit_test(chains_percolate_when_they_touch),
                                       cmocka_unit_test(profiles_follow_the_radius),
                                       cmocka_unit_test(empty_labels_give_nothing_but_nan),
                                       cmocka_unit_test(elongations_are_axis_ratios),
                                       cmocka_unit_test(a_segmented_wire_measures_its_formula),
                                       cmocka_unit_test(threads_change_nothing_and_allocations_may_fail)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    sei_test_clean();
    return failed;
}
