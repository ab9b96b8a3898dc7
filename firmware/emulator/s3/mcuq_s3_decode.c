#include "mcuq_s3.h"

#include <stddef.h>

enum { CACHED = 512, LETTERS = 26 };

typedef struct {
    const char *bits;
    int32_t unit;
} word_form;

#define FORM(name, text, unit, bits) {bits, unit},
static const word_form forms[] = {MCUQ_S3_WORDS(FORM)};

/* What stands in brackets: bits `high` to `low` of an operand. Returns the text behind. */
static const char *range(const char *text, int32_t *high, int32_t *low) {
    int32_t value = 0;
    for (text++; *text >= '0' && *text <= '9'; text++) {
        value = 10 * value + *text - '0';
    }
    *high = *low = value;
    if (*text == ':') {
        value = 0;
        for (text++; *text >= '0' && *text <= '9'; text++) {
            value = 10 * value + *text - '0';
        }
        *low = value;
    }
    return text + 1;
}

/* Compare a word with a form; its operands go to `fields` by letter, their numbers of bits to `widths`. */
static int32_t matches(const char *bits, uint32_t word, int32_t length, int32_t *fields, int32_t *widths) {
    int32_t position = length;
    for (int32_t i = 0; i < LETTERS; i++) {
        fields[i] = widths[i] = 0;
    }
    while (*bits != 0) {
        if (*bits == ' ') {
            bits++;
        } else if (*bits == '0' || *bits == '1') {
            position--;
            if (position < 0 || (word >> position & 1u) != (uint32_t)(*bits - '0')) {
                return 0;
            }
            bits++;
        } else {
            const int32_t letter = *bits - 'a';
            int32_t high, low;
            bits = range(bits + 1, &high, &low);
            position -= high - low + 1;
            if (position < 0) {
                return 0;
            }
            fields[letter] |= (int32_t)(word >> position & ((1u << (high - low + 1)) - 1u)) << low;
            widths[letter] = high + 1 > widths[letter] ? high + 1 : widths[letter];
        }
    }
    return position == 0;
}

static void fill(mcuq_s3_decoded *decoded, const int32_t *fields, const int32_t *widths, int32_t unit) {
    const int32_t width = widths['i' - 'a'];
    int32_t i = fields['i' - 'a'];
    if (unit > 2 && i >> (width - 1) != 0) {
        i -= 1 << width;
    }
    decoded->i = i * unit;
    decoded->u = fields['u' - 'a'];
    decoded->z = fields['z' - 'a'];
    decoded->v = fields['v' - 'a'];
    decoded->x = fields['x' - 'a'];
    decoded->y = fields['y' - 'a'];
    decoded->s = fields['s' - 'a'];
    decoded->t = fields['t' - 'a'];
    decoded->a = fields['a' - 'a'];
    decoded->d = fields['d' - 'a'];
    decoded->n = fields['n' - 'a'];
}

const mcuq_s3_decoded *mcuq_s3_decode(uint32_t word) {
    static mcuq_s3_decoded cache[CACHED];
    const int32_t bytes = (word & 14u) == 14u ? 4 : 3;
    int32_t fields[LETTERS], widths[LETTERS];
    if (bytes == 3) {
        word &= 0xffffffu;
    }
    mcuq_s3_decoded *const decoded = &cache[(word ^ word >> 9 ^ word >> 17) % CACHED];
    if (decoded->word == word && decoded->bytes == bytes) {
        return decoded;
    }
    for (int32_t name = 0; name < MCUQ_S3_COUNT; name++) {
        if (matches(forms[name].bits, word, 8 * bytes, fields, widths)) {
            decoded->word = word;
            decoded->bytes = bytes;
            decoded->name = name;
            fill(decoded, fields, widths, forms[name].unit);
            return decoded;
        }
    }
    return NULL;
}
