#pragma once

#include <cstdint>

namespace esphome::mcuq {

/// A model as mcuq wrote it: its one input and output, and what may be done with them.
struct Functions {
    int32_t inputs;  ///< elements of the input
    int32_t outputs; ///< elements of the output
    int32_t arena_bytes;
    void *(*input)(); ///< where the input's integers go: int8_t or uint8_t, as the model has them
    void (*set)(int32_t index, float value); ///< quantizes one element of the input
    void (*run)();                           ///< uses the input up
    float (*get)(int32_t index);             ///< one element of the output, dequantized
    const char *const *class_names;          ///< in the order of the outputs; nullptr: they have none
    float threshold;                         ///< of a single output: from here on it says yes, the second class
};

} // namespace esphome::mcuq
