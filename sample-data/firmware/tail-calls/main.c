/* Functions that end with a call: they are off the stack when the crash comes, and the debug information alone knows that
 * they were there. WAY says which way leads to the crash; start-up code is the build matrix's. */
#include <stdint.h>

uint32_t unknown_number(void);
uint32_t nowhere(void);
void observe(const void *what);

#define APART __attribute__((noinline, noclone))

APART static uint32_t last(uint32_t n) {
    observe(&n);
    *(volatile uint32_t *)nowhere() = n;
    return n;
}

#if WAY == 1 /* one tail call */
APART static uint32_t first(uint32_t n) { return last(n + 1); }
#elif WAY == 2 /* two in a row, the first one with an inlined function in it */
APART static uint32_t second(uint32_t n) { return last(n * 3); }
static inline uint32_t inlined(uint32_t n) { return second(n ^ 5); }
APART static uint32_t first(uint32_t n) { return inlined(n + 1); }
#elif WAY == 3 /* two ways from the beginning: nothing is certain */
APART static uint32_t left(uint32_t n) { return last(n * 5); }
APART static uint32_t right(uint32_t n) { return last(n * 7); }
APART static uint32_t first(uint32_t n) { return n & 1 ? left(n + 2) : right(n + 3); }
#elif WAY == 4 /* two ways in the middle: the first function is certain */
APART static uint32_t left(uint32_t n) { return last(n * 5); }
APART static uint32_t right(uint32_t n) { return last(n * 7); }
APART static uint32_t middle(uint32_t n) { return n & 1 ? left(n + 2) : right(n + 3); }
APART static uint32_t first(uint32_t n) { return middle(n + 1); }
#elif WAY == 5 /* through a pointer: where it leads is not written down */
static uint32_t (*volatile handler)(uint32_t) = last;
APART static uint32_t first(uint32_t n) { return handler(n + 1); }
#elif WAY == 6 /* both ways end with the same function: that one is certain */
APART static uint32_t common(uint32_t n) { return last(n + 9); }
APART static uint32_t left(uint32_t n) { return common(n * 5); }
APART static uint32_t right(uint32_t n) { return common(n * 7); }
APART static uint32_t first(uint32_t n) { return n & 1 ? left(n + 2) : right(n + 3); }
#endif

APART static uint32_t outer(uint32_t n) {
    uint32_t kept = n * 11;
    uint32_t got = first(n);
    return got + kept;
}

int main(void) {
    uint32_t n = outer(unknown_number());
    return (int)outer(n);
}
