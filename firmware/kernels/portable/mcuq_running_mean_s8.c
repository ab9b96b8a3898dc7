#include "mcuq_running_mean_s8.h"

#include <string.h>

#include "mcuq_fixedpoint.h"

enum { WORD = 4 };

static int32_t load(const int8_t *from) {
    int32_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static void store(int8_t *to, int32_t value) {
    memcpy(to, &value, sizeof value);
}

/* One channel of a new row and of the row that it replaces, which are kept as x ^ zero point: the change of its sum. */
static int32_t change(const mcuq_running_mean_s8_params *p, const int8_t *x, int8_t *old) {
    const int32_t count = p->columns * p->channels;
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i += p->channels) {
        sum += x[i] - (old[i] ^ p->input_zero_point);
        old[i] = (int8_t)(x[i] ^ p->input_zero_point);
    }
    return sum;
}

static int8_t mean(const mcuq_running_mean_s8_params *p, int32_t sum) {
    int32_t y;
    if (p->divides) {
        const int32_t count = p->window * p->columns, total = sum + count * p->input_zero_point;
        y = (total > 0 ? total + count / 2 : total - count / 2) / count;
    } else {
        y = mcuq_requantize(sum, p->output_multiplier, p->output_shift) + p->output_zero_point;
    }
    return mcuq_clamp_s8(y, p->activation_min, p->activation_max);
}

void mcuq_running_mean_s8(const mcuq_running_mean_s8_params *params, const int8_t *input, const int8_t *kept,
                          int8_t *output, int8_t *kept_out, void *scratch) {
    const mcuq_running_mean_s8_params *const p = params;
    const int32_t row = p->columns * p->channels, head = WORD * (p->channels + 1);
    int8_t *const place = kept_out + WORD * p->channels, *const ring = kept_out + head;
    int32_t slot = load(kept + WORD * p->channels);
    (void)scratch;
    if (kept_out != kept) {
        memcpy(kept_out, kept, (size_t)(head + p->window * row));
    }
    for (int32_t k = 0; k < p->rows; k++, input += row) {
        int8_t *sum = kept_out;
        for (int32_t c = 0; c < p->channels; c++, sum += WORD) {
            store(sum, load(sum) + change(p, input + c, ring + slot * row + c));
        }
        slot = slot + 1 < p->window ? slot + 1 : 0;
    }
    store(place, slot);
    for (int32_t c = 0; c < p->channels; c++) {
        output[c] = mean(p, load(kept_out + WORD * c));
    }
}
