/* Sums of two operands by table, see mcuq_mac16_sum.h. */
#include "mcuq_mac16_isa.h"

#if MCUQ_MAC16

#include "mcuq_mac16_sum_asm.h"

    function mcuq_mac16_sum_run, 0
    sums
    end_function mcuq_mac16_sum_run

#endif
