/* A unit between the other two. */
#include "ring.h"

struct level_state { int16_t lowest, highest; int64_t sum; };
struct level_state level_state = {.lowest = 32000, .highest = -32000};

static __attribute__((noinline)) int32_t nested(struct ring *ring, union reading reading, unsigned depth) {
    unsigned square = depth * depth;
    observe(&square);
    int32_t result;
    if (depth == 0) {
        uint32_t put = ring_put(ring, reading, SOURCE_SOUTH);
        result = (int32_t)put + (int32_t)square;
    } else {
        result = nested(ring, reading, depth - 1) + (int32_t)square;
    }
    observe(ring);
    return result;
}

int32_t level_record(struct ring *ring, int16_t level, const char *label) {
    int32_t limited = clamp(level * 3, -500, 500);
    union reading reading = {.half = {(int16_t)limited, level}};
    if (level < level_state.lowest) level_state.lowest = level;
    if (level > level_state.highest) level_state.highest = level;
    level_state.sum += limited;
    observe(&reading);
    int32_t answer = nested(ring, reading, 2);
    observe(label);
    return answer + limited;
}
