#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
    char *t = to;
    for (const char *f = from; size--;) *t++ = *f++;
    return to;
}

void *memset(void *to, int value, size_t size) {
    for (char *t = to; size--;) *t++ = (char)value;
    return to;
}

int memcmp(const void *a, const void *b, size_t size) {
    for (const unsigned char *x = a, *y = b; size--; x++, y++)
        if (*x != *y) return *x - *y;
    return 0;
}

size_t strlen(const char *text) {
    size_t n = 0;
    while (text[n]) n++;
    return n;
}

char *strcpy(char *restrict to, const char *restrict from) {
    char *t = to;
    while ((*t++ = *from++)) { }
    return to;
}
