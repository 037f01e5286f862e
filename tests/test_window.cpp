/*
 * Claims: the walking projectors' window (cuda/window.cuh) moves by 0 or 1 bin from voxel to voxel up every column, at every
 * tilt from -180 to 180 degrees, axes at whole and at odd places, 0, 45 and 90 degrees among them; the bins in it are all that
 * the voxel's footprint meets, but for weights below 1e-8; their weights are those of backend/footprint.h, within 2^-22 of
 * 1 (strip) or of themselves (linear); a position does not depend on the way to it.
 */
#include "support/card.h"
#include "window.cuh"

enum { NX = 61, NZ = 64 };

static const double axes[] = {30, 30.5, 30.37, -4.123456789, 1000.999999};

template <int KERNEL>
static void compare(double degrees, double axis_u) {
    constexpr int TAPS = voxel_taps<KERNEL>::count;
    const double c = cos(degrees * 3.14159265358979323846 / 180), s = sin(degrees * 3.14159265358979323846 / 180);
    const sei_footprint f = sei_footprint_of(c, s);
    sei_cuda_walk w;
    sei_cuda_walk_of(KERNEL, NX, NZ, c, s, axis_u, &w);
    assert_true(w.per_z >= 0 && w.per_z <= (int64_t)1 << POSITION_BITS);
    for (int x = 0; x < NX; ++x) {
        int last = 0;
        for (int z = 0; z < NZ; ++z) {
            const int64_t position = sei_cuda_at(w, x, z);
            assert_true(position == sei_cuda_at(w, 0, z) + x * w.per_x);
            const sei_cuda_place place = sei_cuda_place_of(position);
            if (z > 0) assert_in_range(place.first - last, 0, 1);
            last = place.first;
            float weight[TAPS];
            sei_cuda_weigh(w, place.fraction, weight);
            const double bin = sei_voxel_bin(x, z, NX, NZ, c, s, axis_u);
            for (int k = -2; k < TAPS + 2; ++k) {
                const double d = bin - w.sign * (place.first + k), want = sei_footprint_weight(&f, KERNEL, d);
                const bool inside = k >= 0 && k < TAPS;
                const double got = inside ? (double)weight[k] : 0;
                const double tolerance = inside ? KERNEL == SEI_KERNEL_LINEAR ? ldexp(want, -22) + 1e-8 : ldexp(1, -22) : 1e-8;
                if (!(fabs(got - want) <= tolerance))
                    fail_msg("kernel %d, %g degrees, axis %g, x %d, z %d, tap %d: %.9g, not %.9g", KERNEL, degrees, axis_u, x, z,
                             k, got, want);
            }
        }
    }
}

static void windows_roll_and_weigh(void **) {
    for (const double axis : axes) {
        for (double degrees = -180; degrees <= 180; degrees += 7.5) {
            compare<SEI_KERNEL_LINEAR>(degrees, axis);
            compare<SEI_KERNEL_STRIP>(degrees, axis);
        }
        for (int k = 0; k < 40; ++k) {
            const double degrees = 360 * sei_test_uniform(9, (uint64_t)k) - 180;
            compare<SEI_KERNEL_LINEAR>(degrees, axis);
            compare<SEI_KERNEL_STRIP>(degrees, axis);
        }
    }
    /* as close to the special angles as a file's digits may bring them */
    for (const double degrees : {1e-9, -1e-7, 45 - 1e-8, 45 + 1e-8, 90 - 1e-9, -90 + 1e-7, 89.9999, 0.0001}) {
        compare<SEI_KERNEL_LINEAR>(degrees, 30);
        compare<SEI_KERNEL_STRIP>(degrees, 30);
    }
}

/* A sine or cosine that rounding left above 1 is still an angle to every backend (1e-9 of the circle is allowed). */
static void rounding_above_one_is_held(void **) {
    sei_cuda_walk w;
    for (const double s : {1 + 4e-10, -1 - 4e-10}) {
        sei_cuda_walk_of(SEI_KERNEL_LINEAR, NX, NZ, 0, s, 20, &w);
        assert_true(w.per_z == (int64_t)1 << POSITION_BITS);
        sei_cuda_walk_of(SEI_KERNEL_STRIP, NX, NZ, s, 0, 20, &w);
        assert_true(llabs(w.per_x) <= (int64_t)1 << POSITION_BITS);
    }
}

/* The largest sides and axes that a slab may have stay far from the ends of 64 bits. */
static void the_largest_slab_fits(void **) {
    const int side = 1 << 20;
    sei_cuda_walk w;
    for (const double degrees : {-135.0, -45.0, 45.0, 135.0}) {
        const double c = cos(degrees * 3.14159265358979323846 / 180), s = sin(degrees * 3.14159265358979323846 / 180);
        for (const double axis : {-1048576.0, 1048576.0}) {
            sei_cuda_walk_of(SEI_KERNEL_STRIP, side, side, c, s, axis, &w);
            for (const int x : {0, side + 15}) {
                for (const int z : {0, side + 15}) {
                    const double bin = sei_voxel_bin(x, z, side, side, c, s, axis);
                    const double got = w.sign * (sei_cuda_place_of(sei_cuda_at(w, x, z)).first + 0.5);
                    assert_true(fabs(got - bin) < 3);
                }
            }
        }
    }
}

int main(void) {
    const CMUnitTest tests[] = {
        cmocka_unit_test(windows_roll_and_weigh),
        cmocka_unit_test(rounding_above_one_is_held),
        cmocka_unit_test(the_largest_slab_fits),
    };
    return cmocka_run_group_tests(tests, nullptr, nullptr);
}
