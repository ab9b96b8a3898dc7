/* Frames over a serial line that loses, changes, repeats and invents bytes.
 *
 *   offset  bytes  little-endian
 *        0      2  0xA5 0x4D
 *        2      1  type
 *        3      1  model index
 *        4      4  sequence number, chosen by the host, repeated in the answer
 *        8      4  payload length
 *       12      4  CRC-32 of the 12 bytes before
 *       16      n  payload
 *     16+n      4  CRC-32 of header and payload
 *
 * A damaged header is searched for the next sync byte by byte, so noise costs at most one frame.
 *
 * To a model that remembers (mcuq_model.reset), runs are a sequence, and a uint32 says at which position of it these
 * inputs are: 0 resets the model; the next one goes on; a run that has just been answered is answered again without
 * running, for its answer may have been lost; any other position is refused as "out of sequence". */
#ifndef MCUQ_FRAME_H
#define MCUQ_FRAME_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { MCUQ_FRAME_HEADER_BYTES = 16 };

enum {
    MCUQ_FRAME_HELLO = 1,  /* -> text: what is in this firmware */
    MCUQ_FRAME_RUN = 2,    /* [position,] inputs -> microseconds, cycles (see mcuq_port_counts), outputs */
    MCUQ_FRAME_LAYERS = 3, /* [position,] inputs -> per step: bytes, CRC-32 of the output, cycles (uint32) */
    MCUQ_FRAME_STEP = 4,   /* step (uint32), [position,] inputs -> that step's output */
    MCUQ_FRAME_MEMORY = 5, /* -> free heap, stack used (uint32) */

    MCUQ_FRAME_ANSWER = 0x40,   /* set in the answer to a request */
    MCUQ_FRAME_ACCEPTED = 0x80, /* the request has arrived whole and is being worked on; no payload */
    MCUQ_FRAME_BOOTED = 0x81,   /* sent once at start; no payload */
    MCUQ_FRAME_REFUSED = 0x82   /* payload: why, as text */
};

typedef struct {
    uint8_t type;
    uint8_t model;
    uint32_t sequence;
    uint32_t length;
} mcuq_frame;

/* CRC-32 as in zlib, continued from `crc` (0 at the start). */
uint32_t mcuq_crc32(uint32_t crc, const void *data, int32_t bytes);

/* Write a frame's header; the payload follows through mcuq_frame_write, then mcuq_frame_end. */
void mcuq_frame_begin(const mcuq_frame *frame);
void mcuq_frame_write(const void *data, int32_t bytes);
void mcuq_frame_end(void);

/* Parser: feed bytes, ask what to do. Holds no payload; the payload goes where the caller says. */
typedef struct {
    uint8_t header[MCUQ_FRAME_HEADER_BYTES];
    int32_t filled;
} mcuq_frame_search;

/* Take one byte; return 1 and fill `frame` when it completes a header whose CRC is right. */
int32_t mcuq_frame_search_byte(mcuq_frame_search *search, uint8_t byte, mcuq_frame *frame);

#ifdef __cplusplus
}
#endif

#endif
