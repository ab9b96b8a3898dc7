/* espressif/esp-idf v5.5 components/soc/esp32s3/include/soc/gpio_num.h and components/hal/include/hal/gpio_types.h */
#ifndef STUB_DRIVER_GPIO_H
#define STUB_DRIVER_GPIO_H

typedef enum { GPIO_NUM_NC = -1, GPIO_NUM_0 = 0, GPIO_NUM_MAX = 49 } gpio_num_t; /* there: each by its name */
typedef enum { GPIO_DRIVE_CAP_0 = 0, GPIO_DRIVE_CAP_MAX = 4 } gpio_drive_cap_t;

#endif
