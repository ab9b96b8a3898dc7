/* For ESP-IDF, an emulated chip and this computer. */
#include "camera.h"

#ifdef ESP_PLATFORM
void app_main(void) {
    camera_run();
}
#else
int main(void) {
    camera_run();
    return 0;
}
#endif
