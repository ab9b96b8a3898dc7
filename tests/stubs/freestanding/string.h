/* For a compiler that comes without a C library. */
#ifndef STUB_STRING_H
#define STUB_STRING_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

int memcmp(const void *a, const void *b, size_t bytes);
void *memcpy(void *to, const void *from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int strcmp(const char *a, const char *b);
size_t strlen(const char *text);

#ifdef __cplusplus
}
#endif

#endif
