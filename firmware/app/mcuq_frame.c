#include "mcuq_frame.h"

#include <string.h>

#include "mcuq_port.h"

enum { SYNC_0 = 0xA5, SYNC_1 = 0x4D };

static uint32_t sent_crc; /* of the frame being written, header included */

uint32_t mcuq_crc32(uint32_t crc, const void *data, int32_t bytes) {
    static const uint32_t nibbles[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    const uint8_t *byte = data;
    crc = ~crc;
    for (int32_t i = 0; i < bytes; i++) {
        crc ^= byte[i];
        crc = (crc >> 4) ^ nibbles[crc & 15];
        crc = (crc >> 4) ^ nibbles[crc & 15];
    }
    return ~crc;
}

static void put32(uint8_t *at, uint32_t value) {
    for (int32_t i = 0; i < 4; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint32_t get32(const uint8_t *at) {
    return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void mcuq_frame_begin(const mcuq_frame *frame) {
    uint8_t header[MCUQ_FRAME_HEADER_BYTES] = {SYNC_0, SYNC_1, frame->type, frame->model};
    put32(header + 4, frame->sequence);
    put32(header + 8, frame->length);
    put32(header + 12, mcuq_crc32(0, header, 12));
    sent_crc = 0;
    mcuq_frame_write(header, MCUQ_FRAME_HEADER_BYTES);
}

void mcuq_frame_write(const void *data, int32_t bytes) {
    sent_crc = mcuq_crc32(sent_crc, data, bytes);
    mcuq_port_write(data, bytes);
}

void mcuq_frame_end(void) {
    uint8_t crc[4];
    put32(crc, sent_crc);
    mcuq_port_write(crc, 4);
}

/* Whether the bytes so far can be the start of a header. */
static int32_t is_prefix(const mcuq_frame_search *search) {
    return (search->filled < 1 || search->header[0] == SYNC_0) && (search->filled < 2 || search->header[1] == SYNC_1);
}

static void drop_first(mcuq_frame_search *search) {
    search->filled--;
    memmove(search->header, search->header + 1, (size_t)search->filled);
}

int32_t mcuq_frame_search_byte(mcuq_frame_search *search, uint8_t byte, mcuq_frame *frame) {
    search->header[search->filled++] = byte;
    while (!is_prefix(search)) {
        drop_first(search);
    }
    if (search->filled < MCUQ_FRAME_HEADER_BYTES) {
        return 0;
    }
    if (mcuq_crc32(0, search->header, 12) != get32(search->header + 12)) {
        do {
            drop_first(search);
        } while (!is_prefix(search));
        return 0;
    }
    frame->type = search->header[2];
    frame->model = search->header[3];
    frame->sequence = get32(search->header + 4);
    frame->length = get32(search->header + 8);
    search->filled = 0;
    return 1;
}
