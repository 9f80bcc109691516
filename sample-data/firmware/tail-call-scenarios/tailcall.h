/* What the two units of the tail-call firmware know of each other, and of the start-up code (../matrix/start.c). */
#include <stdint.h>

#define NOINLINE __attribute__((noinline, noclone))

typedef void step_fn(uint32_t *at, uint32_t value);

step_fn one, first, second, left, right, fork, join, by_left, by_right, middle, stem, by_pointer, ping, pong, harmless, either,
    with_inlined, maybe_library, store, elsewhere;
uint32_t run(uint32_t number);

void observe(const void *what);
uint32_t unknown_number(void);
uint32_t nowhere(void);
