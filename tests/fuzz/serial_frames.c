/* libFuzzer: the firmware's application against a line that flips, drops, repeats and invents bytes.
 *
 * The data are instructions: frames with right checksums, which further bytes damage, noise, and silence. Nothing that
 * is said back may be malformed, and no run may be answered whose frame did not arrive as it was sent. */
#include <stdlib.h>
#include <string.h>

#include "mcuq_app.c"

enum { MOST_FRAMES = 64, INPUT = 5, LONGEST = 64, STREAM = 1 << 14 };

/* --- two models: one adds 1 to its inputs, one counts its runs --------------------------------------------------- */

static int8_t input_a[INPUT], output_a[INPUT], input_b[INPUT], output_b[1];
static void *const inputs_a[] = {input_a}, *const outputs_a[] = {output_a};
static void *const inputs_b[] = {input_b}, *const outputs_b[] = {output_b};
static const int32_t five[] = {INPUT}, one[] = {1};
static uint8_t counted;

static void run_a(void *arena, const void *const *inputs, void *const *outputs) {
    (void)arena;
    for (int32_t i = 0; i < INPUT; i++) {
        ((uint8_t *)outputs[0])[i] = (uint8_t)(((const uint8_t *)inputs[0])[i] + 1);
    }
    mcuq_after_step(0, outputs[0], INPUT);
}

static void run_b(void *arena, const void *const *inputs, void *const *outputs) {
    (void)arena;
    (void)inputs;
    *(uint8_t *)outputs[0] = ++counted;
    mcuq_after_step(0, outputs[0], 1);
}

static void reset_b(void) {
    counted = 0;
}

static const mcuq_model model_a = {"a", "0",  "x -> y", 1,     0,        MCUQ_ARENA_STATIC,
                                   1,   1,    five,     five,  inputs_a, outputs_a,
                                   0,   NULL, NULL,     run_a, NULL,     NULL};
static const mcuq_model model_b = {"b", "0",  "x -> y", 1,     0,        MCUQ_ARENA_STATIC,
                                   1,   1,    five,     one,   inputs_b, outputs_b,
                                   0,   NULL, NULL,     run_b, NULL,     reset_b};
static const mcuq_model *const both[] = {&model_a, &model_b};

/* --- the line ---------------------------------------------------------------------------------------------------- */

static uint8_t stream[STREAM], said[1 << 18];
static int32_t stream_bytes, stream_at, said_bytes;
static uint32_t now_us;

const int32_t mcuq_port_counts = MCUQ_COUNTS_NOTHING;

int32_t mcuq_port_read(void *data, int32_t bytes) {
    const int32_t left = stream_bytes - stream_at;
    const int32_t count = bytes < left ? bytes : left;
    memcpy(data, stream + stream_at, (size_t)count);
    stream_at += count;
    return count;
}

void mcuq_port_write(const void *data, int32_t bytes) {
    if (bytes < 0 || said_bytes + bytes > (int32_t)sizeof said) {
        abort();
    }
    memcpy(said + said_bytes, data, (size_t)bytes);
    said_bytes += bytes;
}

uint32_t mcuq_port_microseconds(void) {
    return now_us;
}

uint32_t mcuq_port_cycles(void) {
    return now_us;
}

mcuq_port_memory_info mcuq_port_memory(void) {
    const mcuq_port_memory_info memory = {1, 2};
    return memory;
}

void *mcuq_port_arena(int32_t bytes, int32_t external) {
    (void)bytes;
    (void)external;
    return NULL;
}

/* --- what is sent ------------------------------------------------------------------------------------------------ */

static struct {
    uint8_t type, model, is_intact;
    uint32_t position;
    uint8_t inputs[INPUT];
} sent[MOST_FRAMES];
static int32_t sent_count;

static const uint8_t *data_at, *data_end;

static uint8_t next(void) {
    return data_at < data_end ? *data_at++ : 0;
}

static void send(const uint8_t *bytes, int32_t count) {
    if (stream_bytes + count <= STREAM) {
        memcpy(stream + stream_bytes, bytes, (size_t)count);
        stream_bytes += count;
    }
}

static int32_t put(uint8_t *at, uint32_t value) {
    for (int32_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
    return 4;
}

/* Build a frame whose checksums are right, remember it, damage it as the data say, and send it. */
static void send_frame(void) {
    uint8_t frame[LONGEST] = {0xA5, 0x4D};
    uint8_t damaged[LONGEST];
    const int32_t number = sent_count++;
    sent[number].type = frame[2] = (uint8_t)(next() % 7);
    sent[number].model = frame[3] = (uint8_t)(next() % 3);
    sent[number].position = next() % 4;
    const mcuq_model *const model = both[frame[3] % 2];
    const int32_t in_front = words_of(model, frame[2]);
    int32_t length = 16;
    for (int32_t i = 0; i < in_front; i++) { /* a step's number, then the position */
        length += put(frame + length, i == 0 && frame[2] == MCUQ_FRAME_STEP ? next() % 3u : sent[number].position);
    }
    for (int32_t i = 0; in_front >= 0 && i < INPUT; i++) {
        sent[number].inputs[i] = frame[length++] = next();
    }
    length += next() % 8 == 7 ? next() % 4 : 0;
    put(frame + 4, (uint32_t)number);
    put(frame + 8, (uint32_t)length - 16);
    put(frame + 12, mcuq_crc32(0, frame, 12));
    length += put(frame + length, mcuq_crc32(0, frame, length));
    memcpy(damaged, frame, sizeof frame);
    for (int32_t flips = next() % 4; flips > 0; flips--) { /* up to 3 bits, which a CRC-32 always notices */
        damaged[next() % length] ^= (uint8_t)(1 << next() % 8);
    }
    const uint8_t fate = next();
    sent[number].is_intact = memcmp(frame, damaged, sizeof frame) == 0;
    send(damaged, fate % 8 == 7 ? fate / 8 % length : length);
    if (fate % 8 == 6) {
        send(damaged, length);
    }
}

/* --- what comes back --------------------------------------------------------------------------------------------- */

static void require(int32_t holds) {
    if (!holds) {
        abort();
    }
}

/* A run is answered by what its inputs give, and only if its frame was not damaged. */
static void check_run(uint32_t sequence, const uint8_t *payload, uint32_t length) {
    require(sequence < (uint32_t)sent_count && sent[sequence].is_intact && sent[sequence].type == MCUQ_FRAME_RUN);
    if (sent[sequence].model == 1) {
        require(length == 9 && payload[8] == sent[sequence].position + 1);
        return;
    }
    require(length == 8 + INPUT);
    for (int32_t i = 0; i < INPUT; i++) {
        require(payload[8 + i] == (uint8_t)(sent[sequence].inputs[i] + 1));
    }
}

static void check_said(void) {
    for (int32_t at = 0; at < said_bytes;) {
        const uint8_t *const frame = said + at;
        require(said_bytes - at >= 20 && frame[0] == 0xA5 && frame[1] == 0x4D);
        uint32_t words[3];
        for (int32_t i = 0; i < 3; i++) {
            const uint8_t *const word = frame + 4 + 4 * i;
            words[i] = word[0] | (uint32_t)word[1] << 8 | (uint32_t)word[2] << 16 | (uint32_t)word[3] << 24;
        }
        require(words[1] <= (uint32_t)(said_bytes - at - 20) && words[2] == mcuq_crc32(0, frame, 12));
        const int32_t end = 16 + (int32_t)words[1];
        uint8_t crc[4];
        put(crc, mcuq_crc32(0, frame, end));
        require(memcmp(crc, frame + end, 4) == 0);
        if (frame[2] == (MCUQ_FRAME_RUN | MCUQ_FRAME_ANSWER)) {
            check_run(words[0], frame + 16, words[1]);
        }
        at += end + 4;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    memset(&app, 0, sizeof app);
    memset(&sequence, 0, sizeof sequence);
    data_at = data;
    data_end = data + size;
    sent_count = 0;
    said_bytes = 0;
    mcuq_app_start(both, 2);
    said_bytes = 0;
    while (data_at < data_end && sent_count < MOST_FRAMES) {
        const uint8_t kind = next();
        stream_bytes = 0;
        stream_at = 0;
        if (kind % 8 == 0) {
            for (int32_t left = next() % 24; left > 0; left--) {
                const uint8_t noise = next();
                send(&noise, 1);
            }
        } else if (kind % 8 == 1) {
            now_us += 2 * SILENCE_US;
        } else {
            send_frame();
        }
        while (stream_at < stream_bytes) {
            mcuq_app_poll();
        }
        mcuq_app_poll();
    }
    check_said();
    return 0;
}
