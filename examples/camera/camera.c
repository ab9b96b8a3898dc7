#include "camera.h"

#include <stddef.h>
#include <string.h>

#include "mcuq_port.h"
#include "picture.h"

int32_t camera_label(camera_read_row read_row, void *camera) {
    static uint8_t row[PICTURE_ROW_BYTES]; /* all that there is of the frame */
    picture_begin(NULL);
    for (int32_t y = 0; y < PICTURE_ROWS; y++) {
        if (read_row(camera, row) != 0) {
            return -1;
        }
        picture_push_rows(NULL, row, 1);
    }
    int8_t scores[PICTURE_OUTPUT_SIZE];
    if (picture_finish(NULL, scores) != MCUQ_OK) {
        return -1;
    }
    int32_t best = 0;
    for (int32_t i = 1; i < PICTURE_OUTPUT_SIZE; i++) {
        best = scores[i] > scores[best] ? i : best;
    }
    return best;
}

/* A frame in flash in place of a sensor. */
static int32_t read_flash(void *camera, uint8_t *row) {
    const uint8_t **const next = camera;
    memcpy(row, *next, PICTURE_ROW_BYTES);
    *next += PICTURE_ROW_BYTES;
    return 0;
}

static void print(const char *text) {
    mcuq_port_write(text, (int32_t)strlen(text));
}

static void print_number(int32_t number) {
    char digits[11];
    size_t at = sizeof digits;
    digits[--at] = 0;
    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    print(digits + at);
}

void camera_run(void) {
    for (int32_t i = 0; i < frame_count; i++) {
        const uint8_t *next = frames + i * PICTURE_ROWS * PICTURE_ROW_BYTES;
        const int32_t label = camera_label(read_flash, &next);
        print("frame ");
        print_number(i);
        print(label < 0 ? ": no label" : ": label ");
        if (label >= 0) {
            print_number(label);
        }
        print("\n");
    }
}
