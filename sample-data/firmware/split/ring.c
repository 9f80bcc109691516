/* The unit with the fault. */
#include "ring.h"

static struct ring rings[2];
uint32_t n_opened;

struct ring *ring_open(const char *name) {
    struct ring *ring = &rings[n_opened++ & 1];
    ring->name = name;
    ring->next = &ring->slots[1];
    return ring;
}

static inline __attribute__((always_inline)) void write_word(volatile uint32_t *to, uint32_t value) {
    uint32_t doubled = value * 2;
    *to = doubled;
}

static __attribute__((noinline)) void publish(uint32_t where, const struct slot *slot, bool sure) {
    uint8_t history[3] = {slot->reading.byte[0], (uint8_t)slot->age, 9};
    observe(history);
    if (sure) write_word((volatile uint32_t *)where, slot->reading.word);
    observe(slot);
}

uint32_t ring_put(struct ring *ring, union reading reading, enum source source) {
    struct slot *slot = ring->next;
    slot->reading = reading;
    slot->source = source;
    slot->fresh = 1;
    slot->age += 5;
    ring->total += reading.word;
    publish(nowhere(), slot, slot->fresh);
    ring->next = slot == &ring->slots[RING_SLOTS - 1] ? ring->slots : slot + 1;
    return slot->reading.word + slot->age;
}
