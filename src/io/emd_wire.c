/*
 * Arrays on their way from the reading child to its parent: messages of a kind, a length and a body. The parent believes
 * nothing: every length is compared with what it expects before anything is read or allocated.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/alloc.h"
#include "io/emd.h"
#include "io/sandbox.h"

enum { MOST_FACTS = 2000, MOST_ANGLES = 1 << 22, PART_BYTES = 4 << 20 };
typedef enum message_kind { MESSAGE_ARRAY = 0x5e10, MESSAGE_DATA, MESSAGE_VALID, MESSAGE_END } message_kind;

typedef struct message {
    uint64_t kind, count;
} message;

typedef struct array_message {
    sei_stack header; /* its pointers and bools mean nothing here: a foreign byte is no bool */
    uint8_t aligned, is_volume;
    sei_dtype wire;
    uint8_t with_data, with_valid, with_order, with_dose;
    uint64_t n_facts;
} array_message;

typedef struct end_message {
    int32_t outcome;
    char text[1024];
} end_message;

static sei_status put(int pipe, message_kind kind, uint64_t count, const void *body, size_t bytes) {
    const message head = {(uint64_t)kind, count};
    const sei_status status = sei_sandbox_put(pipe, &head, sizeof head);
    return status == SEI_OK && bytes > 0 ? sei_sandbox_put(pipe, body, bytes) : status;
}

typedef struct sender {
    int pipe;
    size_t element;
} sender;

static sei_status send_begin(void *self, const sei_stack *stack, sei_dtype wire, bool with_data, bool with_valid) {
    sender *s = self;
    sei_status status = SEI_OK;
    array_message body;
    memset(&body, 0, sizeof body);
    body.header = *stack;
    body.aligned = stack->aligned;
    body.is_volume = stack->is_volume;
    body.wire = wire;
    body.with_data = with_data;
    body.with_valid = with_valid;
    body.with_order = stack->order != NULL;
    body.with_dose = stack->dose_e_per_nm2 != NULL;
    body.n_facts = stack->facts.count;
    s->element = sei_dtype_size(wire);
    SEI_TRY(put(s->pipe, MESSAGE_ARRAY, 1, &body, sizeof body));
    SEI_TRY(sei_sandbox_put(s->pipe, stack->tilt_deg, stack->n_angles * sizeof *stack->tilt_deg));
    const size_t tilts = (size_t)stack->nz;
    if (body.with_order) SEI_TRY(sei_sandbox_put(s->pipe, stack->order, tilts * sizeof *stack->order));
    if (body.with_dose) SEI_TRY(sei_sandbox_put(s->pipe, stack->dose_e_per_nm2, tilts * sizeof *stack->dose_e_per_nm2));
    SEI_TRY(sei_sandbox_put(s->pipe, stack->facts.items, stack->facts.count * sizeof *stack->facts.items));
done:
    return status;
}

static sei_status send_data(void *self, const void *values, size_t count) {
    const sender *s = self;
    return put(s->pipe, MESSAGE_DATA, count, values, count * s->element);
}

static sei_status send_valid(void *self, const uint8_t *values, size_t count) {
    const sender *s = self;
    return put(s->pipe, MESSAGE_VALID, count, values, count);
}

static sei_status send_end(int pipe, sei_status outcome) {
    end_message body;
    memset(&body, 0, sizeof body);
    body.outcome = (int32_t)outcome;
    snprintf(body.text, sizeof body.text, "%s", outcome == SEI_OK ? "" : sei_last_error());
    return put(pipe, MESSAGE_END, 1, &body, sizeof body);
}

void sei_emd_send_all(int pipe, void *context) {
    const sei_emd_job *job = context;
    sender self = {.pipe = pipe};
    const sei_emd_sink sink = {&self, send_begin, send_data, send_valid};
    const sei_status outcome = sei_emd_read_into(job, &sink);
    if (send_end(pipe, outcome) != SEI_OK) return; /* the parent is gone */
}

static sei_status bad_answer(void) {
    return sei_fail(SEI_ERR_ENVIRONMENT, "the reader's answer makes no sense");
}

/* A text field that came over the pipe ends somewhere. */
#define END_TEXT(field) ((field)[sizeof(field) - 1] = 0)

static sei_status receive_array(int pipe, const sei_emd_sink *sink, sei_stack *stack, array_message *body) {
    sei_status status = SEI_OK;
    sei_facts raw = {0};
    *stack = (sei_stack){0};
    SEI_TRY(sei_sandbox_take(pipe, body, sizeof *body));
    const sei_stack *h = &body->header;
    size_t bytes = 0;
    if (h->nx < 1 || h->ny < 1 || h->nz < 1 || sei_checked_bytes(h->nx, h->ny, h->nz, sizeof(double), &bytes) != SEI_OK ||
        sei_dtype_size(body->wire) == 0 || sei_dtype_size(h->stored) == 0 || body->n_facts > MOST_FACTS ||
        (h->n_angles != 0 && h->n_angles != (size_t)h->nz) || h->nz > MOST_ANGLES)
        return bad_answer();
    *stack = *h;
    stack->aligned = body->aligned != 0;
    stack->is_volume = body->is_volume != 0;
    stack->data = NULL;
    stack->tilt_deg = NULL;
    stack->order = NULL;
    stack->dose_e_per_nm2 = NULL;
    stack->valid = NULL;
    stack->facts = (sei_facts){0};
    END_TEXT(stack->name);
    END_TEXT(stack->unit);
    if (h->n_angles > 0) {
        SEI_TRY(SEI_NEW(stack->tilt_deg, h->nz, 1, 1));
        SEI_TRY(sei_sandbox_take(pipe, stack->tilt_deg, (size_t)h->nz * sizeof *stack->tilt_deg));
    }
    if (body->with_order) {
        SEI_TRY(SEI_NEW(stack->order, h->nz, 1, 1));
        SEI_TRY(sei_sandbox_take(pipe, stack->order, (size_t)h->nz * sizeof *stack->order));
    }
    if (body->with_dose) {
        SEI_TRY(SEI_NEW(stack->dose_e_per_nm2, h->nz, 1, 1));
        SEI_TRY(sei_sandbox_take(pipe, stack->dose_e_per_nm2, (size_t)h->nz * sizeof *stack->dose_e_per_nm2));
    }
    SEI_TRY(SEI_NEW(raw.items, (int64_t)body->n_facts, 1, 1));
    SEI_TRY(sei_sandbox_take(pipe, raw.items, (size_t)body->n_facts * sizeof *raw.items));
    for (size_t i = 0; i < body->n_facts; ++i) {
        END_TEXT(raw.items[i].key);
        END_TEXT(raw.items[i].value);
        END_TEXT(raw.items[i].source);
        SEI_TRY(sei_facts_set(&stack->facts, raw.items[i].key, raw.items[i].value, raw.items[i].source));
    }
    SEI_TRY(sink->begin(sink->self, stack, body->wire, body->with_data, body->with_valid));
done:
    sei_facts_free(&raw);
    return status;
}

/* Values in parts that fit the buffer; `left` counts what the array still lacks. */
static sei_status receive_values(int pipe, uint64_t count, size_t element, uint64_t *left, void *buffer, const sei_emd_sink *sink,
                                 bool valid) {
    sei_status status = SEI_OK;
    if (count > *left) return bad_answer();
    *left -= count;
    while (count > 0) {
        const size_t part = count < PART_BYTES / element ? (size_t)count : PART_BYTES / element;
        SEI_TRY(sei_sandbox_take(pipe, buffer, part * element));
        SEI_TRY(valid ? sink->valid(sink->self, buffer, part) : sink->data(sink->self, buffer, part));
        count -= part;
    }
done:
    return status;
}

static sei_status receive_end(int pipe, bool complete) {
    end_message body;
    const sei_status status = sei_sandbox_take(pipe, &body, sizeof body);
    if (status != SEI_OK) return status;
    END_TEXT(body.text);
    if (body.outcome == SEI_OK) return complete ? SEI_OK : bad_answer();
    if (body.outcome == SEI_ERR_MEMORY) return sei_fail(SEI_ERR_MEMORY, "%s", body.text);
    return sei_fail(SEI_ERR_INPUT, "%s", body.text);
}

sei_status sei_emd_receive(int pipe, const sei_emd_sink *sink) {
    sei_status status = SEI_OK;
    sei_stack stack = {0};
    array_message body = {.wire = SEI_DTYPE_UNKNOWN};
    void *buffer = NULL;
    uint64_t data_left = 0;
    uint64_t valid_left = 0;
    size_t arrays = 0;
    SEI_TRY(sei_alloc(PART_BYTES, &buffer));
    for (;;) {
        message head;
        SEI_TRY(sei_sandbox_take(pipe, &head, sizeof head));
        if (head.kind == MESSAGE_END) {
            status = receive_end(pipe, data_left == 0 && valid_left == 0);
            goto done;
        }
        if (head.kind == MESSAGE_ARRAY && data_left == 0 && valid_left == 0 && ++arrays <= SEI_EMD_MOST_ARRAYS) {
            sei_stack_free(&stack);
            SEI_TRY(receive_array(pipe, sink, &stack, &body));
            const uint64_t count = (uint64_t)(stack.nx * stack.ny * stack.nz);
            data_left = body.with_data ? count : 0;
            valid_left = body.with_valid ? count : 0;
        } else if (head.kind == MESSAGE_DATA) {
            SEI_TRY(receive_values(pipe, head.count, sei_dtype_size(body.wire), &data_left, buffer, sink, false));
        } else if (head.kind == MESSAGE_VALID) {
            SEI_TRY(receive_values(pipe, head.count, 1, &valid_left, buffer, sink, true));
        } else {
            status = bad_answer();
            goto done;
        }
    }
done:
    sei_stack_free(&stack);
    sei_free(buffer);
    return status;
}
