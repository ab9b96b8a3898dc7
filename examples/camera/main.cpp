// For Arduino.
#include <Arduino.h>

#include "camera.h"

void setup() {
    Serial.begin(115200);
    delay(1000); // let a serial monitor attach
    camera_run();
}

void loop() {
}
