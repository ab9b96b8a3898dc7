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
    uint32_t received; /* bytes of payload and CRC so far */
    uint32_t argument; /* the step asked for */
    uint8_t crc[4];
    uint32_t last_byte; /* microseconds */
} app;

/* What the step hook does during a run. */
static struct {
    uint8_t request; /* 0: nothing */
    uint32_t step;
    uint32_t start; /* cycles */
} tracing;

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
    const char *const lines[][2] = {
        {"protocol", "1"},     {"version", MCUQ_VERSION_TEXT}, {"chip", MCUQ_CHIP},    {"models", count_digits},
        {"name", model->name}, {"hash", model->hash},          {"steps", step_digits}, {"signature", model->signature},
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

static void answer_run(const mcuq_model *model) {
    const uint32_t microseconds = mcuq_port_microseconds();
    const uint32_t cycles = mcuq_port_cycles();
    mcuq_run_model(model, (const void *const *)model->inputs);
    const uint32_t cycles_taken = mcuq_port_cycles() - cycles;
    const uint32_t microseconds_taken = mcuq_port_microseconds() - microseconds;
    begin(MCUQ_FRAME_RUN | MCUQ_FRAME_ANSWER, 8 + total(model->output_bytes, model->output_count));
    put_word(microseconds_taken);
    put_word(cycles_taken);
    for (int32_t i = 0; i < model->output_count; i++) {
        mcuq_frame_write(model->outputs[i], model->output_bytes[i]);
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
    if (app.frame.type == MCUQ_FRAME_STEP && app.argument >= (uint32_t)model->steps) {
        refuse("no such step");
        return;
    }
    if (app.frame.type == MCUQ_FRAME_LAYERS) {
        begin(MCUQ_FRAME_LAYERS | MCUQ_FRAME_ANSWER, 12 * (uint32_t)model->steps);
    }
    tracing.request = app.frame.type;
    tracing.step = app.argument;
    tracing.start = mcuq_port_cycles();
    mcuq_run_model(model, (const void *const *)model->inputs);
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

/* Bytes in front of the inputs; negative: the type has no payload at all. */
static int32_t argument_bytes(uint8_t type) {
    return type == MCUQ_FRAME_STEP ? 4 : type == MCUQ_FRAME_RUN || type == MCUQ_FRAME_LAYERS ? 0 : -1;
}

/* Why a header cannot be served, or NULL. After this the payload is known to fit where it goes. */
static const char *objection(const mcuq_frame *frame) {
    if (frame->type < MCUQ_FRAME_HELLO || frame->type > MCUQ_FRAME_MEMORY) {
        return "unknown request";
    }
    if (frame->model >= app.model_count) {
        return "no such model";
    }
    const mcuq_model *const model = app.models[frame->model];
    const int32_t argument = argument_bytes(frame->type);
    if (argument >= 0 && !mcuq_can_run(model)) {
        return "no memory for the arena";
    }
    const uint32_t inputs = argument < 0 ? 0 : (uint32_t)argument + total(model->input_bytes, model->input_count);
    return frame->length == inputs ? NULL : "wrong payload length";
}

/* Where the next received byte belongs, and how many fit there. */
static uint8_t *destination(int32_t *room) {
    const mcuq_model *const model = app.models[app.frame.model];
    int32_t position = (int32_t)app.received;
    if (app.received >= app.frame.length) {
        position -= (int32_t)app.frame.length;
        *room = 4 - position;
        return app.crc + position;
    }
    if (app.frame.type == MCUQ_FRAME_STEP) {
        if (position < 4) {
            *room = 1;
            return NULL; /* the argument is assembled byte by byte */
        }
        position -= 4;
    }
    int32_t i = 0;
    while (position >= model->input_bytes[i]) {
        position -= model->input_bytes[i++];
    }
    *room = model->input_bytes[i] - position;
    return (uint8_t *)model->inputs[i] + position;
}

static int32_t is_intact(void) {
    const mcuq_model *const model = app.models[app.frame.model];
    uint32_t crc = mcuq_crc32(0, app.search.header, MCUQ_FRAME_HEADER_BYTES);
    if (app.frame.type == MCUQ_FRAME_STEP) {
        const uint8_t bytes[4] = {(uint8_t)app.argument, (uint8_t)(app.argument >> 8), (uint8_t)(app.argument >> 16),
                                  (uint8_t)(app.argument >> 24)};
        crc = mcuq_crc32(crc, bytes, 4);
    }
    for (int32_t i = 0; i < model->input_count && argument_bytes(app.frame.type) >= 0; i++) {
        crc = mcuq_crc32(crc, model->inputs[i], model->input_bytes[i]);
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
        app.argument |= (uint32_t)byte << (8 * app.received);
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
        app.argument = 0;
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
