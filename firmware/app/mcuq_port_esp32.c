/* What Arduino and ESP-IDF have in common: where an arena comes from that is not static data. */
#if defined(ESP_PLATFORM)

#include "esp_heap_caps.h"

#include "mcuq_port.h"

enum { ALIGNMENT = 16 };

void *mcuq_port_arena(int32_t bytes, int32_t external) {
    static void *arenas[2];
    static int32_t sizes[2];
    const int32_t which = external ? 1 : 0;
    if (sizes[which] < bytes) {
        heap_caps_free(arenas[which]);
        arenas[which] = heap_caps_aligned_alloc(ALIGNMENT, (size_t)bytes,
                                                MALLOC_CAP_8BIT | (external ? MALLOC_CAP_SPIRAM : MALLOC_CAP_INTERNAL));
        sizes[which] = arenas[which] ? bytes : 0;
    }
    return arenas[which];
}

#else

typedef int mcuq_port_esp32_is_empty; /* ISO C wants a declaration */

#endif
