#include "mcuq_matmul_s8.h"

#include "mcuq_fixedpoint.h"

/* One pair of matrices. */
static int8_t *matrix(const mcuq_matmul_s8_params *p, const int8_t *a, const int8_t *b, int8_t *output) {
    const int32_t row_a = p->transposed_a ? 1 : p->depth;
    const int32_t step_a = p->transposed_a ? p->rows : 1;
    const int32_t column_b = p->transposed_b ? p->depth : 1;
    const int32_t step_b = p->transposed_b ? 1 : p->columns;
    for (int32_t i = 0; i < p->rows; i++) {
        for (int32_t j = 0; j < p->columns; j++) {
            int32_t acc = 0;
            for (int32_t k = 0; k < p->depth; k++) {
                acc += (a[i * row_a + k * step_a] - p->zero_point_a) * (b[j * column_b + k * step_b] - p->zero_point_b);
            }
            const int32_t scaled = mcuq_requantize(acc, p->output_multiplier, p->output_shift);
            *output++ = mcuq_clamp_s8(scaled + p->output_zero_point, p->activation_min, p->activation_max);
        }
    }
    return output;
}

void mcuq_matmul_s8(const mcuq_matmul_s8_params *params, const int8_t *a, const int8_t *b, int8_t *output,
                    void *scratch) {
    const mcuq_matmul_s8_params *const p = params;
    (void)scratch;
    for (int32_t i = 0; i < p->batch[0]; i++) {
        for (int32_t j = 0; j < p->batch[1]; j++) {
            for (int32_t k = 0; k < p->batch[2]; k++) {
                for (int32_t l = 0; l < p->batch[3]; l++) {
                    const int32_t *const s = p->strides_a;
                    const int32_t *const t = p->strides_b;
                    const int32_t at_a = i * s[0] + j * s[1] + k * s[2] + l * s[3];
                    const int32_t at_b = i * t[0] + j * t[1] + k * t[2] + l * t[3];
                    output = matrix(p, a + at_a * p->rows * p->depth, b + at_b * p->depth * p->columns, output);
                }
            }
        }
    }
}
