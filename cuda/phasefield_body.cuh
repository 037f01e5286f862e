/*
 * The model's kernels in the precision PF_SINGLE, in the namespace that includes this: no include guard.
 *
 * Chemical potential and flux go through the field in one kernel. In 2-D a block computes the potentials of a tile and of one
 * cell around it into shared memory, then the tile's fluxes; every thread has one cell. In 3-D a block walks along z with the
 * potentials of four planes in shared memory, so that one barrier a plane is enough. A cell's arithmetic is update.h's,
 * the host's own. Tiles without active cells are not in the list and get no block.
 */
#include "phasefield/update.h"

/* The cells beside one; at a closed face the cell itself. */
struct beside {
    size_t w, e, d, u, b, f;
};

static __device__ inline int next_to(int i, int step, int n, int periodic) {
    const int to = i + step;
    if (to >= 0 && to < n) return to;
    return periodic ? (to + n) % n : i;
}

/* Where -1 .. n lies: wrapped, or -1 beyond a closed face and outside that range. */
static __device__ inline int place_of(int i, int n, int periodic) {
    if (i >= 0 && i < n) return i;
    return periodic && (i == -1 || i == n) ? (i + n) % n : -1;
}

static __device__ inline size_t cell_at(const pf_shape &s, int x, int y, int z) {
    return ((size_t)z * (size_t)s.ny + (size_t)y) * (size_t)s.nx + (size_t)x;
}

static __device__ inline beside beside_of(const pf_shape &s, int x, int y, int z) {
    beside n;
    n.w = cell_at(s, next_to(x, -1, s.nx, s.periodic_x), y, z);
    n.e = cell_at(s, next_to(x, 1, s.nx, s.periodic_x), y, z);
    n.d = cell_at(s, x, y, next_to(z, -1, s.nz, s.periodic_z));
    n.u = cell_at(s, x, y, next_to(z, 1, s.nz, s.periodic_z));
    n.b = cell_at(s, x, next_to(y, -1, s.ny, 1), z);
    n.f = cell_at(s, x, next_to(y, 1, s.ny, 1), z);
    return n;
}

/* One stage of lithium. */
template <int FORM>
struct lithium_pass {
    static constexpr int OPEN = SEI_PF_OPEN_LI;
    pf_constants k;
    pf_real b, w, rate;
    const uint8_t *mask;
    const pf_real *bracket, *source, *y1, *y2; /* source NULL: none */
    pf_real *y;

    __device__ void move(size_t by) {
        mask += by;
        bracket += by;
        source = source == nullptr ? nullptr : source + by;
        y1 += by;
        y2 += by;
        y += by;
    }
    template <bool DEEP>
    __device__ pf_real potential(size_t at, const beside &n) const {
        if ((mask[at] & SEI_PF_ACTIVE) == 0) return k.mu_exterior;
        const pf_real here = y1[at];
        const pf_real west = y1[n.w] - here, east = y1[n.e] - here, down = y1[n.d] - here, up = y1[n.u] - here;
        pf_real spread = 0;
        if (DEEP)
            spread = pf_sum6(west, east, down, up, y1[n.b] - here, y1[n.f] - here);
        else
            spread = pf_sum4(west, east, down, up);
        return pf_mu_li(&k, FORM, here, spread, bracket[at]);
    }
    __device__ void update(size_t at, pf_real spread, int bits) const {
        const pf_real before = y1[at];
        pf_real next = pf_stage(before, y2[at], b, rate, spread);
        if (source != nullptr && (bits & SEI_PF_RIM) != 0) next = pf_fed(&k, next, before, w, source[at]);
        y[at] = next;
    }
};

/* One step of the vacancies, and the bracket that goes with them. */
struct vacancy_pass {
    static constexpr int OPEN = SEI_PF_OPEN_VACANCY;
    pf_constants k;
    pf_real factor;
    int form, direction;
    const uint8_t *mask;
    const pf_real *li_old, *li_new, *c, *noise; /* noise NULL: none */
    pf_real *c_new, *bracket;

    __device__ void move(size_t by) {
        mask += by;
        li_old += by;
        li_new += by;
        c += by;
        noise = noise == nullptr ? nullptr : noise + by;
        c_new += by;
        bracket += by;
    }
    __device__ pf_real across(pf_real here, int bits, size_t to) const {
        return (bits & mask[to] & OPEN) != 0 ? c[to] - here : 0;
    }
    template <bool DEEP>
    __device__ pf_real potential(size_t at, const beside &n) const {
        const int bits = mask[at];
        const pf_real here = c[at];
        const pf_real west = across(here, bits, n.w), east = across(here, bits, n.e);
        const pf_real down = across(here, bits, n.d), up = across(here, bits, n.u);
        pf_real spread = 0;
        if (DEEP)
            spread = pf_sum6(west, east, down, up, across(here, bits, n.b), across(here, bits, n.f));
        else
            spread = pf_sum4(west, east, down, up);
        return pf_mu_v(&k, here, li_new[at], spread, bits);
    }
    __device__ void update(size_t at, pf_real spread, int bits) const {
        pf_real next = PF_FMA(factor, spread, c[at]);
        if (direction != 0) {
            const pf_real g = noise == nullptr ? 0 : noise[at];
            next = pf_react(&k, direction, next, li_new[at] - li_old[at], g, bits);
        }
        c_new[at] = next;
        bracket[at] = pf_bracket(&k, form, next, bits);
    }
};

/* The difference of two potentials across a face that both sides leave open. */
static __device__ inline pf_real flow(pf_real here, pf_real there, int open_here, int open_there) {
    return (open_here & open_there) != 0 ? there - here : 0;
}

template <class PASS>
__global__ void __launch_bounds__(FLAT_THREADS) flat_kernel(pf_shape s, PASS pass) {
    SEI_SHARED(pf_real, mu, [FLAT_Z + 2][FLAT_X + 2]);
    SEI_SHARED(uint8_t, open, [FLAT_Z + 2][FLAT_X + 2]);
    const unsigned member = blockIdx.x / s.n_tiles;
    if (s.live[member] == 0) return;
    pass.move((size_t)member * s.cells);
    const int tile = s.tiles[blockIdx.x % s.n_tiles], t = (int)threadIdx.x;
    const int i = t % (FLAT_X + 2), k = t / (FLAT_X + 2);
    const int x = place_of(tile % s.tiles_x * FLAT_X - 1 + i, s.nx, s.periodic_x);
    const int z = place_of(tile / s.tiles_x * FLAT_Z - 1 + k, s.nz, s.periodic_z);
    const bool exists = k < FLAT_Z + 2 && x >= 0 && z >= 0;
    const size_t at = exists ? cell_at(s, x, 0, z) : 0;
    const int bits = exists ? pass.mask[at] : 0;
    if (k < FLAT_Z + 2) {
        mu[k][i] = exists ? pass.template potential<false>(at, beside_of(s, x, 0, z)) : 0;
        open[k][i] = (uint8_t)(bits & PASS::OPEN);
    }
    __syncthreads();
    const bool inner = i > 0 && i <= FLAT_X && k > 0 && k <= FLAT_Z;
    /* beyond the field's last cell the tile holds its wrapped first one */
    if (!inner || (bits & SEI_PF_ACTIVE) == 0 || tile % s.tiles_x * FLAT_X + i > s.nx || tile / s.tiles_x * FLAT_Z + k > s.nz)
        return;
    const pf_real here = mu[k][i];
    const int mine = open[k][i];
    const pf_real west = flow(here, mu[k][i - 1], mine, open[k][i - 1]), east = flow(here, mu[k][i + 1], mine, open[k][i + 1]);
    const pf_real down = flow(here, mu[k - 1][i], mine, open[k - 1][i]), up = flow(here, mu[k + 1][i], mine, open[k + 1][i]);
    pass.update(at, pf_sum4(west, east, down, up), bits);
}

template <class PASS>
__global__ void __launch_bounds__(DEEP_THREADS, 2) deep_kernel(pf_shape s, PASS pass) {
    SEI_SHARED(pf_real, mu, [4][DEEP_Y + 2][DEEP_X + 2]);
    SEI_SHARED(uint8_t, open, [4][DEEP_Y + 2][DEEP_X + 2]);
    const unsigned member = blockIdx.x / s.n_tiles;
    if (s.live[member] == 0) return;
    pass.move((size_t)member * s.cells);
    const int tile = s.tiles[blockIdx.x % s.n_tiles], t = (int)threadIdx.x;
    const int i = t % (DEEP_X + 2), j = t / (DEEP_X + 2);
    const int x0 = tile % s.tiles_x * DEEP_X, y0 = tile / s.tiles_x % s.tiles_y * DEEP_Y;
    const int z0 = tile / s.tiles_x / s.tiles_y * DEEP_Z, z1 = z0 + DEEP_Z < s.nz ? z0 + DEEP_Z : s.nz;
    const bool takes_part = j < DEEP_Y + 2;
    const int x = place_of(x0 - 1 + i, s.nx, s.periodic_x), y = place_of(y0 - 1 + j, s.ny, 1);
    const bool column = takes_part && x >= 0 && y >= 0;
    const bool inner = column && i > 0 && i <= DEEP_X && j > 0 && j <= DEEP_Y && x0 + i <= s.nx && y0 + j <= s.ny;
    for (int p = z0 - 1; p <= z1; ++p) {
        const int z = place_of(p, s.nz, s.periodic_z), above = (p + 4) % 4;
        const bool exists = column && z >= 0;
        if (takes_part) {
            const size_t at = exists ? cell_at(s, x, y, z) : 0;
            mu[above][j][i] = exists ? pass.template potential<true>(at, beside_of(s, x, y, z)) : 0;
            open[above][j][i] = (uint8_t)(exists ? pass.mask[at] & PASS::OPEN : 0);
        }
        __syncthreads(); /* the plane written next is the fourth, which nobody reads any more */
        if (p <= z0 || !inner) continue;
        const size_t at = cell_at(s, x, y, p - 1);
        const int bits = pass.mask[at];
        if ((bits & SEI_PF_ACTIVE) == 0) continue;
        const int middle = (p + 3) % 4, below = (p + 2) % 4;
        const pf_real here = mu[middle][j][i];
        const int mine = open[middle][j][i];
        const pf_real west = flow(here, mu[middle][j][i - 1], mine, open[middle][j][i - 1]);
        const pf_real east = flow(here, mu[middle][j][i + 1], mine, open[middle][j][i + 1]);
        const pf_real back = flow(here, mu[middle][j - 1][i], mine, open[middle][j - 1][i]);
        const pf_real front = flow(here, mu[middle][j + 1][i], mine, open[middle][j + 1][i]);
        const pf_real down = flow(here, mu[below][j][i], mine, open[below][j][i]);
        const pf_real up = flow(here, mu[above][j][i], mine, open[above][j][i]);
        pass.update(at, pf_sum6(west, east, down, up, back, front), bits);
    }
}

__global__ void bracket_kernel(pf_shape s, pf_constants k, int form, const uint8_t *mask, const pf_real *c_v, pf_real *bracket) {
    const size_t at = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= s.cells * s.members) return;
    bracket[at] = (mask[at] & SEI_PF_ACTIVE) != 0 ? pf_bracket(&k, form, c_v[at], mask[at]) : 0;
}

/* S of the cells at a wetted rim, and the source that every other cell has: none. */
__global__ void source_kernel(pf_shape s, double k_s, double dx, const uint8_t *masks, const pf_real *vacancies,
                              pf_real *source) {
    const size_t at = (size_t)blockIdx.x * blockDim.x + threadIdx.x;
    if (at >= s.cells * s.members) return;
    const size_t member = at / s.cells, cell = at % s.cells;
    if (s.live[member] == 0) return;
    if ((masks[at] & SEI_PF_RIM) == 0) {
        source[at] = 0;
        return;
    }
    const uint8_t *mask = masks + member * s.cells;
    const pf_real *c = vacancies + member * s.cells;
    const int x = (int)(cell % (size_t)s.nx), y = (int)(cell / (size_t)s.nx % (size_t)s.ny);
    const int z = (int)(cell / (size_t)s.nx / (size_t)s.ny);
    const beside n = beside_of(s, x, y, z);
    const size_t pairs[3][2] = {{n.w, n.e}, {n.d, n.u}, {n.b, n.f}};
    double difference[3] = {0, 0, 0};
    for (int axis = 0; axis < 3; ++axis) {
        const size_t low = pairs[axis][0], high = pairs[axis][1];
        const double under = (double)c[(mask[low] & SEI_PF_ACTIVE) != 0 ? low : cell];
        const double over = (double)c[(mask[high] & SEI_PF_ACTIVE) != 0 ? high : cell];
        difference[axis] = over - under;
    }
    source[at] = (pf_real)(k_s * sei_pf_gradient(difference, dx));
}

/* A warp a row: the sum of c_Li in the warp's 32 parts, and whether a value left its range. */
__global__ void __launch_bounds__(REPORT_THREADS)
    report_kernel(pf_shape s, const uint8_t *mask, const pf_real *li, const pf_real *vacancy, double *sums, int *bad) {
    const unsigned lane = threadIdx.x % 32;
    const size_t row = (size_t)blockIdx.x * (REPORT_THREADS / 32) + threadIdx.x / 32, rows = (size_t)s.ny * (size_t)s.nz;
    const bool exists = row < rows * s.members;
    double part = 0;
    bool out = false;
    for (size_t i = lane; exists && i < (size_t)s.nx; i += 32) {
        const size_t at = row * (size_t)s.nx + i;
        const int bits = mask[at];
        if ((bits & SEI_PF_ACTIVE) == 0) continue;
        const double c = (double)li[at], v = (double)vacancy[at];
        out = out || !(c >= -0.5 && c <= 1.5 && v >= -0.5 && v <= 1.5);
        if ((bits & SEI_PF_WETTED) == 0) part += c;
    }
    double sum = 0;
    for (int other = 0; other < 32; ++other) sum += __shfl_sync(0xffffffffU, part, other);
    const unsigned any = __ballot_sync(0xffffffffU, out);
    if (!exists || lane != 0) return;
    sums[row] = sum;
    if (any != 0) atomicAdd(&bad[row / rows], 1);
}

/* ---- the host's side */

template <class PASS>
static sei_status launch_pass(sei_pf_device_run *r, const char *name, const PASS &pass) {
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_extent(r->device, name, (size_t)r->shape.n_tiles * r->shape.members, &blocks));
    if (blocks == 0) return SEI_OK;
    if (r->shape.ny > 1) {
        SEI_LAUNCH_ON(r->stream, deep_kernel<PASS>, blocks, DEEP_THREADS, 0, r->shape, pass);
    } else {
        SEI_LAUNCH_ON(r->stream, flat_kernel<PASS>, blocks, FLAT_THREADS, 0, r->shape, pass);
    }
    return sei_cuda_launched(r->device, name);
}

template <int FORM>
static sei_status launch_stage(sei_pf_device_run *r, const sei_pf_stage &stage, int y1, int y2, int y) {
    lithium_pass<FORM> pass;
    pass.k = pf_constants_of(&r->work.k);
    pass.b = (pf_real)stage.b;
    pass.w = (pf_real)stage.w;
    pass.rate = (pf_real)(stage.w * r->work.k.m_li_dx2);
    pass.mask = r->mask;
    pass.bracket = static_cast<const pf_real *>(r->bracket);
    pass.source = r->fed ? static_cast<const pf_real *>(r->source) : nullptr;
    pass.y1 = static_cast<const pf_real *>(r->li[y1]);
    pass.y2 = static_cast<const pf_real *>(r->li[y2]);
    pass.y = static_cast<pf_real *>(r->li[y]);
    return launch_pass(r, "lithium", pass);
}

static sei_status launch_vacancy(sei_pf_device_run *r, int li_new) {
    vacancy_pass pass;
    pass.k = pf_constants_of(&r->work.k);
    pass.factor = (pf_real)(r->work.tau * r->work.k.m_v_dx2);
    pass.form = r->work.k.form;
    pass.direction = r->work.k.direction;
    pass.mask = r->mask;
    pass.li_old = static_cast<const pf_real *>(r->li[0]);
    pass.li_new = static_cast<const pf_real *>(r->li[li_new]);
    pass.c = static_cast<const pf_real *>(r->vacancy[0]);
    pass.noise = r->work.noise == nullptr ? nullptr : static_cast<const pf_real *>(r->noise);
    pass.c_new = static_cast<pf_real *>(r->vacancy[1]);
    pass.bracket = static_cast<pf_real *>(r->bracket);
    return launch_pass(r, "vacancy", pass);
}

/* The launches of one macro step; the fields' names change as in macro_step.c. */
static sei_status launch_macro_step(sei_pf_device_run *r) {
    for (int j = 0; j < r->work.stages; ++j) {
        const int y = j % 2 == 0 ? 1 : 2, y1 = j == 0 ? 0 : 3 - y, y2 = j < 2 ? 0 : y;
        const sei_pf_stage &stage = r->work.stage[j];
        switch (r->work.k.form) {
            case SEI_PHASEFIELD_ADDITIVE: SEI_RETURN(launch_stage<SEI_PHASEFIELD_ADDITIVE>(r, stage, y1, y2, y)); break;
            case SEI_PHASEFIELD_DECOUPLED: SEI_RETURN(launch_stage<SEI_PHASEFIELD_DECOUPLED>(r, stage, y1, y2, y)); break;
            case SEI_PHASEFIELD_LITERAL: SEI_RETURN(launch_stage<SEI_PHASEFIELD_LITERAL>(r, stage, y1, y2, y)); break;
            default: SEI_RETURN(launch_stage<SEI_PHASEFIELD_QUARTIC>(r, stage, y1, y2, y)); break;
        }
    }
    const int last = r->work.stages % 2 == 1 ? 1 : 2;
    if (r->work.vacancies_move) SEI_RETURN(launch_vacancy(r, last));
    sei_pf_device_rotate(r, last);
    return SEI_OK;
}

static sei_status launch_bracket(sei_pf_device_run *r) {
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_extent(r->device, "bracket", (r->shape.cells * r->shape.members + 255) / 256, &blocks));
    const pf_constants k = pf_constants_of(&r->work.k);
    SEI_LAUNCH_PLAIN(bracket_kernel, blocks, 256, r->shape, k, r->work.k.form, r->mask,
                     static_cast<const pf_real *>(r->vacancy[0]), static_cast<pf_real *>(r->bracket));
    return sei_cuda_launched(r->device, "bracket");
}

static sei_status launch_source(sei_pf_device_run *r) {
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_extent(r->device, "source", (r->shape.cells * r->shape.members + 255) / 256, &blocks));
    SEI_LAUNCH_PLAIN(source_kernel, blocks, 256, r->shape, r->k_s, r->dx, r->mask, static_cast<const pf_real *>(r->vacancy[0]),
                     static_cast<pf_real *>(r->source));
    return sei_cuda_launched(r->device, "source");
}

static sei_status launch_report(sei_pf_device_run *r) {
    const size_t rows = (size_t)r->shape.ny * (size_t)r->shape.nz * r->shape.members, per_block = REPORT_THREADS / 32;
    unsigned blocks = 0;
    SEI_RETURN(sei_cuda_extent(r->device, "report", (rows + per_block - 1) / per_block, &blocks));
    SEI_LAUNCH(report_kernel, blocks, REPORT_THREADS, 0, r->shape, r->mask, static_cast<const pf_real *>(r->li[0]),
               static_cast<const pf_real *>(r->vacancy[0]), r->sums, r->bad);
    return sei_cuda_launched(r->device, "report");
}
