#include "mcuq_app.h"

#include <stddef.h>
#include <string.h>

#include "mcuq_frame.h"
#include "mcuq_port.h"

#ifndef MCUQ_CHIP
#ifdef ESP_PLATFORM
#include "sdkconfig.h"
#define MCUQ_CHIP CONFIG_IDF_TARGET
#else
#define MCUQ_CHIP "host"
#endif
#endif

enum { SILENCE_US = 500000 }; /* within a frame; longer means that bytes were lost */

/* The request being received. */
static struct {
    const mcuq_model *const *models;
    int32_t model_count;
    mcuq_frame_search search;
    mcuq_frame frame;
    int32_t in_payload;
    uint32_t received;     /* bytes of payload and CRC so far */
    uint32_t arguments[2]; /* words in front of the inputs */
    uint8_t crc[4];
    uint32_t last_byte; /* microseconds */
} app;

/* The sequence that a model which remembers is in, and how long its last run took. */
static struct {
    const mcuq_model *model;
    uint32_t position;   /* of the next run */
    int32_t is_answered; /* the last run put out the model's outputs, and they are still there */
    uint32_t microseconds;
    uint32_t cycles;
} sequence;

/* What the step hook does during a run. */
static struct {
    uint8_t request; /* 0: nothing */
    uint32_t step;
    uint32_t start; /* cycles */
} tracing;

/* Words in front of the inputs of a request of this type; negative: it has no payload at all. */
static int32_t words_of(const mcuq_model *model, uint8_t type) {
    const int32_t has_inputs = type == MCUQ_FRAME_STEP || type == MCUQ_FRAME_RUN || type == MCUQ_FRAME_LAYERS;
    return has_inputs ? (type == MCUQ_FRAME_STEP) + (model->reset != NULL) : -1;
}

static int32_t words(const mcuq_model *model) {
    return words_of(model, app.frame.type);
}

/* --- answers ------------------------------------------------------------------------------------------------- */

static void begin(uint8_t type, uint32_t length) {
    const mcuq_frame frame = {type, app.frame.model, app.frame.sequence, length};
    mcuq_frame_begin(&frame);
}

static void answer_empty(uint8_t type) {
    begin(type, 0);
    mcuq_frame_end();
}

static void refuse(const char *why) {
    begin(MCUQ_FRAME_REFUSED, (uint32_t)strlen(why));
    mcuq_frame_write(why, (int32_t)strlen(why));
    mcuq_frame_end();
}

static void put_word(uint32_t value) {
    const uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16), (uint8_t)(value >> 24)};
    mcuq_frame_write(bytes, 4);
}

/* The lines of a hello, `key value\n`: measured with write = 0, then written. Returns their bytes. */
static uint32_t hello_lines(const mcuq_model *model, int32_t write) {
    const char step_digits[] = {(char)('0' + model->steps / 1000 % 10), (char)('0' + model->steps / 100 % 10),
                                (char)('0' + model->steps / 10 % 10), (char)('0' + model->steps % 10), 0};
    const char count_digits[] = {(char)('0' + app.model_count / 10 % 10), (char)('0' + app.model_count % 10), 0};
    static const char *const counted[] = {"nothing", "cycles", "instructions"};
    const char *const lines[][2] = {
        {"counts", counted[mcuq_port_counts]},
        {"protocol", "1"},
        {"version", MCUQ_VERSION_TEXT},
        {"chip", MCUQ_CHIP},
        {"models", count_digits},
        {"name", model->name},
        {"hash", model->hash},
        {"steps", step_digits},
        {"signature", model->signature},
    };
    uint32_t bytes = 0;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const char *const parts[] = {lines[i][0], " ", lines[i][1], "\n"};
        for (size_t k = 0; k < 4; k++) {
            bytes += (uint32_t)strlen(parts[k]);
            if (write) {
                mcuq_frame_write(parts[k], (int32_t)strlen(parts[k]));
            }
        }
    }
    return bytes;
}

static void answer_hello(const mcuq_model *model) {
    begin(MCUQ_FRAME_HELLO | MCUQ_FRAME_ANSWER, hello_lines(model, 0));
    hello_lines(model, 1);
    mcuq_frame_end();
}

static void answer_memory(void) {
    const mcuq_port_memory_info memory = mcuq_port_memory();
    begin(MCUQ_FRAME_MEMORY | MCUQ_FRAME_ANSWER, 8);
    put_word(memory.free_heap);
    put_word(memory.stack_used);
    mcuq_frame_end();
}

static uint32_t total(const int32_t *bytes, int32_t count) {
    uint32_t sum = 0;
    for (int32_t i = 0; i < count; i++) {
        sum += (uint32_t)bytes[i];
    }
    return sum;
}

/* --- sequences ------------------------------------------------------------------------------------------------ */

static uint32_t position(void) {
    return app.arguments[app.frame.type == MCUQ_FRAME_STEP];
}

/* Whether a run at this position is possible now, or its outputs are still there. */
static int32_t is_in_sequence(const mcuq_model *model) {
    if (model->reset == NULL || position() == 0) {
        return 1;
    }
    const int32_t is_again = sequence.is_answered && app.frame.type == MCUQ_FRAME_RUN;
    return sequence.model == model &&
           (position() == sequence.position || (is_again && position() + 1 == sequence.position));
}

/* Run the model on its inputs, unless this run has been answered already. */
static void run(const mcuq_model *model) {
    if (model->reset != NULL && position() > 0 && position() != sequence.position) {
        return;
    }
    if (model->reset != NULL && position() == 0) {
        model->reset();
    }
    const uint32_t microseconds = mcuq_port_microseconds();
    const uint32_t cycles = mcuq_port_cycles();
    mcuq_run_model(model, NULL);
    sequence.cycles = mcuq_port_cycles() - cycles;
    sequence.microseconds = mcuq_port_microseconds() - microseconds;
    sequence.model = model;
    sequence.position = position() + 1;
    sequence.is_answered = app.frame.type == MCUQ_FRAME_RUN;
}

static void answer_run(const mcuq_model *model) {
    run(model);
    begin(MCUQ_FRAME_RUN | MCUQ_FRAME_ANSWER, 8 + total(model->output_bytes, model->output_count));
    put_word(sequence.microseconds);
    put_word(sequence.cycles);
    for (int32_t i = 0; i < model->output_count; i++) {
        mcuq_frame_write(mcuq_model_output(model, i), model->output_bytes[i]);
    }
    mcuq_frame_end();
}

#ifdef MCUQ_TRACE

void mcuq_after_step(int32_t index, const void *output, int32_t bytes) {
    const uint32_t cycles = mcuq_port_cycles() - tracing.start;
    if (tracing.request == MCUQ_FRAME_LAYERS) {
        put_word((uint32_t)bytes);
        put_word(mcuq_crc32(0, output, bytes));
        put_word(cycles);
    } else if (tracing.request == MCUQ_FRAME_STEP && tracing.step == (uint32_t)index) {
        begin(MCUQ_FRAME_STEP | MCUQ_FRAME_ANSWER, (uint32_t)bytes);
        mcuq_frame_write(output, bytes);
        mcuq_frame_end();
    }
    tracing.start = mcuq_port_cycles();
}

static void answer_traced(const mcuq_model *model) {
    if (app.frame.type == MCUQ_FRAME_STEP && app.arguments[0] >= (uint32_t)model->steps) {
        refuse("no such step");
        return;
    }
    if (app.frame.type == MCUQ_FRAME_LAYERS) {
        begin(MCUQ_FRAME_LAYERS | MCUQ_FRAME_ANSWER, 12 * (uint32_t)model->steps);
    }
    tracing.request = app.frame.type;
    tracing.step = app.arguments[0];
    tracing.start = mcuq_port_cycles();
    run(model);
    tracing.request = 0;
    if (app.frame.type == MCUQ_FRAME_LAYERS) {
        mcuq_frame_end();
    }
}

#else

static void answer_traced(const mcuq_model *model) {
    (void)model;
    (void)tracing;
    refuse("this firmware was compiled without MCUQ_TRACE");
}

#endif

static void serve(void) {
    const mcuq_model *const model = app.models[app.frame.model];
    if (words(model) >= 0 && !is_in_sequence(model)) {
        refuse("out of sequence");
        return;
    }
    answer_empty(MCUQ_FRAME_ACCEPTED);
    switch (app.frame.type) {
    case MCUQ_FRAME_HELLO:
        answer_hello(model);
        break;
    case MCUQ_FRAME_MEMORY:
        answer_memory();
        break;
    case MCUQ_FRAME_RUN:
        answer_run(model);
        break;
    default:
        answer_traced(model);
        break;
    }
}

/* --- requests ------------------------------------------------------------------------------------------------ */

/* Why a header cannot be served, or NULL. After this the payload is known to fit where it goes. */
static const char *objection(const mcuq_frame *frame) {
    if (frame->type < MCUQ_FRAME_HELLO || frame->type > MCUQ_FRAME_MEMORY) {
        return "unknown request";
    }
    if (frame->model >= app.model_count) {
        return "no such model";
    }
    const mcuq_model *const model = app.models[frame->model];
    const int32_t in_front = words_of(model, frame->type);
    if (in_front >= 0 && !mcuq_can_run(model)) {
        return "no memory for the arena";
    }
    const uint32_t payload = in_front < 0 ? 0 : 4 * (uint32_t)in_front + total(model->input_bytes, model->input_count);
    return frame->length == payload ? NULL : "wrong payload length";
}

/* Where the next received byte belongs, and how many fit there. */
static uint8_t *destination(int32_t *room) {
    const mcuq_model *const model = app.models[app.frame.model];
    int32_t at = (int32_t)app.received;
    if (app.received >= app.frame.length) {
        at -= (int32_t)app.frame.length;
        *room = 4 - at;
        return app.crc + at;
    }
    if (at < 4 * words(model)) {
        *room = 1;
        return NULL; /* words are assembled byte by byte */
    }
    at -= 4 * words(model);
    int32_t i = 0;
    while (at >= model->input_bytes[i]) {
        at -= model->input_bytes[i++];
    }
    *room = model->input_bytes[i] - at;
    return (uint8_t *)mcuq_model_input(model, i) + at;
}

static int32_t is_intact(void) {
    const mcuq_model *const model = app.models[app.frame.model];
    uint32_t crc = mcuq_crc32(0, app.search.header, MCUQ_FRAME_HEADER_BYTES);
    for (int32_t i = 0; i < words(model); i++) {
        const uint32_t word = app.arguments[i];
        const uint8_t bytes[4] = {(uint8_t)word, (uint8_t)(word >> 8), (uint8_t)(word >> 16), (uint8_t)(word >> 24)};
        crc = mcuq_crc32(crc, bytes, 4);
    }
    for (int32_t i = 0; i < model->input_count && words(model) >= 0; i++) {
        crc = mcuq_crc32(crc, mcuq_model_input(model, i), model->input_bytes[i]);
    }
    const uint32_t sent =
        app.crc[0] | (uint32_t)app.crc[1] << 8 | (uint32_t)app.crc[2] << 16 | (uint32_t)app.crc[3] << 24;
    return crc == sent;
}

/* Read into the payload; return what the port returned. */
static int32_t read_payload(void) {
    int32_t room = 0;
    uint8_t byte = 0;
    uint8_t *const target = destination(&room);
    const int32_t count = mcuq_port_read(target ? target : &byte, room);
    if (count <= 0) {
        return count;
    }
    if (target == NULL) {
        app.arguments[app.received / 4] |= (uint32_t)byte << (8 * (app.received % 4));
    }
    app.received += (uint32_t)count;
    if (app.received == app.frame.length + 4) {
        app.in_payload = 0;
        if (is_intact()) {
            serve();
        } else {
            refuse("damaged payload");
        }
    }
    return count;
}

/* Read one byte of a header; return what the port returned. */
static int32_t read_header(void) {
    uint8_t byte;
    const int32_t count = mcuq_port_read(&byte, 1);
    if (count > 0 && mcuq_frame_search_byte(&app.search, byte, &app.frame)) {
        const char *const why = objection(&app.frame);
        app.in_payload = why == NULL;
        app.received = 0;
        app.arguments[0] = 0;
        app.arguments[1] = 0;
        if (why != NULL) {
            refuse(why);
        }
    }
    return count;
}

int32_t mcuq_app_poll(void) {
    for (;;) {
        const int32_t count = app.in_payload ? read_payload() : read_header();
        const uint32_t now = mcuq_port_microseconds();
        if (count > 0) {
            app.last_byte = now;
            continue;
        }
        if (now - app.last_byte > SILENCE_US) {
            if (app.in_payload) {
                refuse("cut short");
            }
            app.in_payload = 0;
            app.search.filled = 0;
            app.last_byte = now;
        }
        return count;
    }
}

void mcuq_app_start(const mcuq_model *const *models, int32_t count) {
    app.models = models;
    app.model_count = count;
    for (int32_t i = 0; i < count; i++) {
        mcuq_self_test(models[i]);
    }
    const mcuq_frame booted = {MCUQ_FRAME_BOOTED, 0, 0, 0};
    mcuq_frame_begin(&booted);
    mcuq_frame_end();
}
