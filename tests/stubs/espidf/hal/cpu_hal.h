/* espressif/esp-idf v4.4 components/hal/include/hal/cpu_hal.h; gone in v5. */
#if STUB_IDF_MAJOR >= 5
#error "no such file"
#endif

#include <stdint.h>

uint32_t cpu_ll_get_cycle_count(void);

#define cpu_hal_get_cycle_count() cpu_ll_get_cycle_count()
