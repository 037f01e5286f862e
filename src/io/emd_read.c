/* EMD files: Berkeley EMD 0.2 and EMD 1.0, read in a confined child; Velox files are named. */
#include <string.h>
#include <strings.h>

#include "core/alloc.h"
#include "io/emd.h"
#include "io/sandbox.h"

static bool is_wanted(const sei_format_read *options, const char *name) {
    for (size_t i = 0; i < options->n_wanted; ++i) {
        if (strcasecmp(options->wanted[i], name) == 0) return true;
    }
    return options->n_wanted == 0;
}

/* Refuses a file without arrays that can be read, by what it is. */
static sei_status check_kind(const sei_emd_job *job, const sei_emd_contents *contents) {
    if (contents->kind == SEI_EMD_VELOX && !job->options->headers_only)
        return sei_fail(SEI_ERR_INPUT,
                        "%s: a Velox EMD (version %s) with %zu image(s), found by its /Version; expected a Berkeley EMD: "
                        "export it from Velox as TIFF or MRC",
                        job->path, contents->version, contents->count);
    if (contents->kind == SEI_EMD_OTHER && contents->version[0] != 0)
        return sei_fail(SEI_ERR_INPUT,
                        "%s: HDF5 of format '%s', expected an EMD (no group has emd_group_type); convert it to EMD", job->path,
                        contents->version);
    if (contents->kind == SEI_EMD_OTHER)
        return sei_fail(SEI_ERR_INPUT,
                        "%s: HDF5, but not an EMD: no group has the attribute emd_group_type = 1 or \"array\"; convert it "
                        "to EMD, TIFF or MRC",
                        job->path);
    return SEI_OK;
}

static sei_status read_array(const sei_h5_in *in, const sei_emd_contents *contents, const sei_emd_found *found,
                             size_t *memory_left, bool *mask_given, const sei_emd_sink *sink) {
    sei_stack stack = {0};
    sei_emd_layout layout;
    size_t bytes = 0;
    sei_status status = SEI_OK;
    SEI_TRY(sei_emd_describe(in, contents, found, &stack, &layout));
    const bool with_data = !in->headers_only;
    const bool with_valid =
        with_data && !*mask_given && !found->emd1 && contents->kind == SEI_EMD_BERKELEY && sei_emd_has_mask(in);
    if (with_data) {
        SEI_TRY(sei_checked_bytes(stack.nx, stack.ny, stack.nz, sizeof(float) + with_valid, &bytes));
        if (bytes > *memory_left) {
            status = sei_fail(SEI_ERR_MEMORY, "%s: '%s' needs %.2f GiB, %.2f GiB are free; choose fewer channels or bin them",
                              in->path, found->name, (double)bytes / 1073741824.0, (double)*memory_left / 1073741824.0);
            goto done;
        }
        *memory_left -= bytes;
    }
    SEI_TRY(sink->begin(sink->self, &stack, layout.wire, with_data, with_valid));
    if (with_data) SEI_TRY(sei_emd_read_numbers(in, found->data, &layout, sink));
    if (with_valid) SEI_TRY(sei_emd_read_mask(in, &stack, sink));
    *mask_given = *mask_given || with_valid;
done:
    sei_stack_free(&stack);
    return status;
}

sei_status sei_emd_read_into(const sei_emd_job *job, const sei_emd_sink *sink) {
    sei_h5_in in;
    sei_emd_contents contents = {0};
    size_t memory_left = job->memory_bytes;
    bool mask_given = false;
    sei_status status = sei_h5_open(job->path, job->fd, &in);
    if (status != SEI_OK) return status;
    in.grant = job->grant;
    in.headers_only = job->options->headers_only;
    SEI_TRY(sei_emd_scan(&in, &contents));
    SEI_TRY(check_kind(job, &contents));
    for (size_t i = 0; i < contents.count; ++i) {
        if (is_wanted(job->options, contents.items[i].name))
            SEI_TRY(read_array(&in, &contents, &contents.items[i], &memory_left, &mask_given, sink));
    }
done:
    sei_emd_contents_free(&contents);
    sei_h5_close(&in);
    return status;
}

/* Grows the list by a copy of the header, with room for its data. */
static sei_status collect_begin(void *self, const sei_stack *header, sei_dtype wire, bool with_data, bool with_valid) {
    sei_emd_collector *c = self;
    sei_stack stack = *header;
    size_t data_bytes = 0;
    sei_status status = SEI_OK;
    void *items = c->stacks.items;
    stack.data = NULL;
    stack.tilt_deg = NULL;
    stack.order = NULL;
    stack.dose_e_per_nm2 = NULL;
    stack.valid = NULL;
    stack.facts = (sei_facts){0};
    SEI_TRY(sei_facts_copy(&header->facts, &stack.facts));
    if (header->tilt_deg != NULL) {
        SEI_TRY(SEI_NEW(stack.tilt_deg, (int64_t)header->n_angles, 1, 1));
        memcpy(stack.tilt_deg, header->tilt_deg, header->n_angles * sizeof *stack.tilt_deg);
    }
    if (header->order != NULL) {
        SEI_TRY(SEI_NEW(stack.order, header->nz, 1, 1));
        memcpy(stack.order, header->order, (size_t)header->nz * sizeof *stack.order);
    }
    if (header->dose_e_per_nm2 != NULL) {
        SEI_TRY(SEI_NEW(stack.dose_e_per_nm2, header->nz, 1, 1));
        memcpy(stack.dose_e_per_nm2, header->dose_e_per_nm2, (size_t)header->nz * sizeof *stack.dose_e_per_nm2);
    }
    SEI_TRY(sei_checked_bytes(header->nx, header->ny, header->nz, (with_data ? sizeof(float) : 0) + with_valid, &data_bytes));
    if (data_bytes > c->memory_bytes) {
        status = sei_fail(SEI_ERR_MEMORY, "'%s' needs %zu bytes, more than are free", header->name, data_bytes);
        goto done;
    }
    c->memory_bytes -= data_bytes;
    if (with_data) SEI_TRY(SEI_NEW(stack.data, header->nx, header->ny, header->nz));
    if (with_valid) SEI_TRY(SEI_NEW(stack.valid, header->nx, header->ny, header->nz));
    SEI_TRY(sei_realloc(&items, (c->stacks.count + 1) * sizeof stack));
    c->stacks.items = items;
    c->stacks.items[c->stacks.count++] = stack;
    c->wire = wire;
    c->data_done = c->valid_done = 0;
    return SEI_OK;
done:
    sei_stack_free(&stack);
    return status;
}

static sei_status collect_data(void *self, const void *values, size_t count) {
    sei_emd_collector *c = self;
    sei_stack *stack = &c->stacks.items[c->stacks.count - 1];
    int64_t rounded = 0;
    sei_to_float(c->wire, values, count, stack->data + c->data_done, &rounded);
    stack->rounded += rounded;
    c->data_done += count;
    return SEI_OK;
}

static sei_status collect_valid(void *self, const uint8_t *values, size_t count) {
    sei_emd_collector *c = self;
    uint8_t *to = c->stacks.items[c->stacks.count - 1].valid + c->valid_done;
    for (size_t i = 0; i < count; ++i) to[i] = values[i] != 0;
    c->valid_done += count;
    return SEI_OK;
}

sei_emd_sink sei_emd_collect(sei_emd_collector *collector) {
    return (sei_emd_sink){collector, collect_begin, collect_data, collect_valid};
}

/* What both sides of the fork see. */
typedef struct session {
    sei_emd_job job;
    sei_emd_sink sink;
} session;

static void in_child(int pipe, void *context) {
    sei_emd_send_all(pipe, &((session *)context)->job);
}
static sei_status in_parent(int pipe, void *context) {
    return sei_emd_receive(pipe, &((session *)context)->sink);
}

static sei_status read_emd(const char *path, const sei_format_read *options, sei_stacks *out) {
    sei_infile file = {.fd = -1};
    sei_emd_collector collector = {.memory_bytes = sei_memory_available()};
    session both = {.sink = sei_emd_collect(&collector)};
    sei_status status = sei_infile_open(path, &file);
    if (status != SEI_OK) return status;
    both.job = (sei_emd_job){path, file.fd, options, collector.memory_bytes, sei_sandbox_grant};
    const sei_sandbox_job job = {.file = &file, .library = "HDF5", .work = in_child, .receive = in_parent, .context = &both};
    sei_h5_lock();
    status = sei_sandbox_run(&job);
    sei_h5_unlock();
    SEI_TRY(status);
    *out = collector.stacks;
    collector.stacks = (sei_stacks){0};
done:
    sei_stacks_free(&collector.stacks);
    sei_infile_close(&file);
    return status;
}

static bool recognise(const unsigned char *head, size_t head_bytes, int64_t file_bytes, const char *path) {
    static const unsigned char signature[] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};
    (void)file_bytes, (void)path;
    if (head_bytes >= sizeof signature && memcmp(head, signature, sizeof signature) == 0) return true;
    return head_bytes >= 512 + sizeof signature && memcmp(head + 512, signature, sizeof signature) == 0; /* after a user block */
}

const sei_format sei_format_hdf5 = {"HDF5", recognise, read_emd};
