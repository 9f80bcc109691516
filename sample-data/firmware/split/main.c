/* Three units, each with a .dwo file of its own: a level goes into a ring and the ring writes to nowhere. */
#include "ring.h"

static const char *const names[] = {"tank", "a name that is longer"};

static __attribute__((noinline)) long long run(uint32_t rounds, long long start, volatile int *counter) {
    long long value = start;
    struct ring *ring = ring_open(names[rounds & 1]);
    for (uint32_t i = 0; i < rounds; i++) {
        int16_t level = (int16_t)(40 - 30 * (int)i);
        *counter += level;
        value += level_record(ring, level, names[0]);
    }
    return value;
}

int main(void) {
    volatile int counter = 7;
    long long answer = run(unknown_number(), 1ll << 40, &counter);
    observe(&answer);
    for (;;) { }
}
