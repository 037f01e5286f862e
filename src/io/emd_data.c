/* The numbers of an array, block by block, turned to [z][y][x]. */
#include <string.h>

#include "core/alloc.h"
#include "io/emd.h"

static const size_t BLOCK_BYTES = (size_t)16 << 20;
static const size_t CACHE_MOST = (size_t)1 << 30;

/* Copies a block of `slices` images from the stored order of axes to [z][y][x]; strides in elements. */
static void turn(const char *from, char *to, size_t element, int64_t slices, int64_t ny, int64_t nx,
                 const size_t stride[SEI_EMD_AXES]) {
    for (int64_t z = 0; z < slices; ++z) {
        for (int64_t y = 0; y < ny; ++y) {
            const char *row = from + ((size_t)z * stride[0] + (size_t)y * stride[1]) * element;
            for (int64_t x = 0; x < nx; ++x, to += element) memcpy(to, row + (size_t)x * stride[2] * element, element);
        }
    }
}

/* One layer of chunks across the whole array, so that each chunk is decompressed once. */
static size_t chunk_cache(hid_t dataset, const sei_emd_layout *layout, int slow) {
    hsize_t chunk[H5S_MAX_RANK];
    size_t bytes = sei_dtype_size(layout->wire) * 2;
    const hid_t creation = H5Dget_create_plist(dataset);
    const bool chunked =
        creation >= 0 && H5Pget_layout(creation) == H5D_CHUNKED && H5Pget_chunk(creation, H5S_MAX_RANK, chunk) == layout->rank;
    if (creation >= 0) H5Pclose(creation);
    if (!chunked) return 0;
    for (int i = 0; i < layout->rank; ++i) {
        const hsize_t n = i == slow ? chunk[i] : (layout->size[i] + chunk[i] - 1) / chunk[i] * chunk[i];
        if (__builtin_mul_overflow(bytes, (size_t)n, &bytes)) return CACHE_MOST;
    }
    return bytes < CACHE_MOST ? bytes : CACHE_MOST;
}

/* Opens with a chunk cache of `bytes` (0: HDF5's own). */
static hid_t open_cached(const sei_h5_in *in, const char *name, size_t bytes) {
    const hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    if (access < 0) return -1;
    sei_h5_no_external(access);
    if (bytes > 0) H5Pset_chunk_cache(access, 12421, bytes, 1.0);
    const hid_t dataset = H5Dopen2(in->file, name, access);
    H5Pclose(access);
    return dataset;
}

sei_status sei_emd_read_numbers(const sei_h5_in *in, const char *name, const sei_emd_layout *layout, const sei_emd_sink *sink) {
    const size_t element = sei_dtype_size(layout->wire);
    const int slow = layout->axis_of[0];
    int64_t size[SEI_EMD_AXES];
    size_t stride[SEI_EMD_AXES] = {0, 0, 0};
    size_t image = 0;
    size_t total = 0;
    hsize_t start[SEI_EMD_AXES + 1] = {0};
    hsize_t count[SEI_EMD_AXES + 1];
    void *stored = NULL;
    void *turned = NULL;
    hid_t space = -1;
    hid_t memory = -1;
    hid_t dataset = -1;
    sei_status status = SEI_OK;
    bool in_order = true;
    for (int i = 0; i < SEI_EMD_AXES; ++i) size[i] = layout->axis_of[i] < 0 ? 1 : (int64_t)layout->size[layout->axis_of[i]];
    for (int i = 1, last = slow; i < SEI_EMD_AXES; ++i) {
        in_order = in_order && (layout->axis_of[i] < 0 || layout->axis_of[i] > last);
        if (layout->axis_of[i] >= 0) last = layout->axis_of[i];
    }
    SEI_TRY(sei_checked_bytes(1, size[1], size[2], element, &image));
    SEI_TRY(sei_checked_bytes(size[0], size[1], size[2], element, &total));
    int64_t block = (int64_t)(BLOCK_BYTES / image);
    if (block < 1) block = 1;
    if (block > size[0]) block = size[0];
    dataset = open_cached(in, name, 0);
    if (dataset < 0) {
        status = sei_h5_refuse(in, "'%s' cannot be opened", name);
        goto done;
    }
    const size_t cache = chunk_cache(dataset, layout, slow);
    if (in->grant != NULL) in->grant(3 * cache + 4 * (size_t)block * image + BLOCK_BYTES, 2 + (int64_t)(total >> 20));
    if (cache > 0) {
        H5Dclose(dataset);
        dataset = open_cached(in, name, cache);
    }
    SEI_TRY(sei_alloc((size_t)block * image, &stored));
    if (!in_order) SEI_TRY(sei_alloc((size_t)block * image, &turned));
    space = dataset < 0 ? -1 : H5Dget_space(dataset);
    if (space < 0) {
        status = sei_h5_refuse(in, "'%s' cannot be opened", name);
        goto done;
    }
    for (int64_t z = 0; z < size[0]; z += block) {
        const int64_t slices = z + block <= size[0] ? block : size[0] - z;
        for (int i = 0; i < layout->rank; ++i) count[i] = layout->size[i];
        if (slow >= 0) {
            start[slow] = (hsize_t)z;
            count[slow] = (hsize_t)slices;
        }
        memory = layout->rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(layout->rank, count, NULL);
        if (memory < 0 || (layout->rank > 0 && H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0) ||
            H5Dread(dataset, sei_h5_native(layout->wire), memory, space, H5P_DEFAULT, stored) < 0) {
            status = sei_h5_refuse(in, "'%s' cannot be read from image %lld on; the file is damaged", name, (long long)z + 1);
            goto done;
        }
        H5Sclose(memory);
        memory = -1;
        if (!in_order) {
            size_t below = 1;
            for (int i = layout->rank - 1; i >= 0; below *= (size_t)count[i--]) {
                for (int k = 0; k < SEI_EMD_AXES; ++k) {
                    if (layout->axis_of[k] == i) stride[k] = below;
                }
            }
            turn(stored, turned, element, slices, size[1], size[2], stride);
        }
        SEI_TRY(sink->data(sink->self, in_order ? stored : turned, (size_t)slices * (image / element)));
    }
done:
    if (memory >= 0) H5Sclose(memory);
    if (space >= 0) H5Sclose(space);
    if (dataset >= 0) H5Dclose(dataset);
    sei_free(stored);
    sei_free(turned);
    return status;
}

static const char MASK[] = "/seitomo/valid";

bool sei_emd_has_mask(const sei_h5_in *in) {
    return H5Lexists(in->file, "/seitomo", in->links) > 0 && H5Lexists(in->file, MASK, in->links) > 0;
}

static sei_status mask_part(void *self, const void *values, size_t count) {
    const sei_emd_sink *sink = self;
    return sink->valid(sink->self, values, count);
}

sei_status sei_emd_read_mask(const sei_h5_in *in, const sei_stack *stack, const sei_emd_sink *sink) {
    sei_emd_layout layout = {.axis_of = {0, 1, 2}};
    sei_emd_sink part = {.self = (void *)sink, .data = mask_part};
    sei_dtype stored = SEI_DTYPE_UNKNOWN;
    hid_t dataset = -1;
    sei_status status = SEI_OK;
    SEI_TRY(sei_h5_open_numbers(in, MASK, &dataset, &layout.rank, layout.size, &layout.wire, &stored));
    H5Dclose(dataset);
    if (layout.rank != 3 || layout.wire != SEI_DTYPE_U8 || (int64_t)layout.size[0] != stack->nz ||
        (int64_t)layout.size[1] != stack->ny || (int64_t)layout.size[2] != stack->nx) {
        return sei_fail(SEI_ERR_INPUT, "%s: '%s' does not fit '%s' of %lld x %lld x %lld", in->path, MASK, stack->name,
                        (long long)stack->nx, (long long)stack->ny, (long long)stack->nz);
    }
    status = sei_emd_read_numbers(in, MASK, &layout, &part);
done:
    return status;
}
