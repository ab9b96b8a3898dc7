#include "mcuq_add_s8_tables_mac16.h"

#include "mcuq_mac16_table_sum.h"

void mcuq_add_s8_tables_mac16(const mcuq_add_s8_tables_mac16_params *params, const int8_t *a, const int8_t *b,
                              int8_t *output, void *scratch) {
    const mcuq_add_s8_tables_mac16_params *const p = params;
    const mcuq_mac16_sum sum = {a,
                                b,
                                output,
                                p->elements,
                                p->table_a,
                                p->table_b,
                                p->output_multiplier,
                                -p->output_shift,
                                p->output_zero_point,
                                p->activation_min,
                                p->activation_max};
    (void)scratch;
    mcuq_mac16_table_sum_run(&sum);
}
