#ifndef STUB_FREERTOS_QUEUE_H
#define STUB_FREERTOS_QUEUE_H

typedef struct QueueDefinition *QueueHandle_t;

#endif
