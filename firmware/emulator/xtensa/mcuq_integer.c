/* Integer arithmetic that GCC calls by name and the ESP8266's libgcc leaves to that chip's ROM.
 *
 * An ESP32 has instructions for all of it, so its code is shorter here and there than what is counted. Dividing by zero
 * stops the chip, as the ESP32's instruction does. */
#include "mcuq_integer.h"

uint64_t __muldi3(uint64_t a, uint64_t b) {
    const uint32_t a_low = (uint32_t)a & 0xffff;
    const uint32_t a_high = (uint32_t)a >> 16;
    const uint32_t b_low = (uint32_t)b & 0xffff;
    const uint32_t b_high = (uint32_t)b >> 16;
    const uint32_t low = a_low * b_low;
    const uint32_t middle = a_high * b_low + (low >> 16); /* less than 2^32 - 2^16 */
    const uint32_t carried = a_low * b_high + (middle & 0xffff);
    const uint32_t high = a_high * b_high + (middle >> 16) + (carried >> 16);
    const uint32_t crossed = (uint32_t)(a >> 32) * (uint32_t)b + (uint32_t)a * (uint32_t)(b >> 32);
    return (uint64_t)(high + crossed) << 32 | (carried << 16 | (low & 0xffff));
}

/* Quotient and remainder, bit by bit from the first that can be set. */
static uint32_t divide(uint32_t dividend, uint32_t divisor, uint32_t *remainder) {
    uint32_t quotient = 0;
    if (divisor == 0) {
        __builtin_trap();
    }
    if (dividend >= divisor) {
        for (int32_t shift = __builtin_clz(divisor) - __builtin_clz(dividend); shift >= 0; shift--) {
            if (dividend >= divisor << shift) {
                dividend -= divisor << shift;
                quotient |= 1u << shift;
            }
        }
    }
    *remainder = dividend;
    return quotient;
}

uint64_t __udivdi3(uint64_t a, uint64_t b) {
    uint64_t quotient = 0;
    int32_t shift = 0;
    if (b == 0) {
        __builtin_trap();
    }
    while (b >> 63 == 0 && b << 1 <= a) {
        b <<= 1;
        shift++;
    }
    for (; shift >= 0; shift--, b >>= 1) {
        quotient <<= 1;
        if (a >= b) {
            a -= b;
            quotient |= 1;
        }
    }
    return quotient;
}

static uint32_t magnitude(int32_t value) {
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

static int32_t with_sign(uint32_t value, int32_t negative) {
    return (int32_t)(negative ? 0u - value : value);
}

uint32_t __udivsi3(uint32_t a, uint32_t b) {
    uint32_t remainder;
    return divide(a, b, &remainder);
}

uint32_t __umodsi3(uint32_t a, uint32_t b) {
    uint32_t remainder;
    divide(a, b, &remainder);
    return remainder;
}

/* INT32_MIN / -1, which C leaves undefined, is INT32_MIN. */
int32_t __divsi3(int32_t a, int32_t b) {
    uint32_t remainder;
    return with_sign(divide(magnitude(a), magnitude(b), &remainder), (a < 0) != (b < 0));
}

int32_t __modsi3(int32_t a, int32_t b) {
    uint32_t remainder;
    divide(magnitude(a), magnitude(b), &remainder);
    return with_sign(remainder, a < 0);
}
