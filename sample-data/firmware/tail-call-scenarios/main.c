/* Tail calls, one scenario a crash: each ends in a store to an address that no board answers at, in `store`. Start-up
 * code and linker script are those of ../matrix; `elsewhere` stands in another unit. */
#include "tailcall.h"

/* Which one: written by the debugger before main runs. */
volatile uint32_t scenario = 1;

volatile uint32_t n_stores;

NOINLINE void store(uint32_t *at, uint32_t value) {
    n_stores++;
    *at = value;
    n_stores--;
}

/* 1: one tail call. */
NOINLINE void one(uint32_t *at, uint32_t value) {
    n_stores = value;
    store(at, value + 1);
}

/* 2: a chain of two; 12 begins at its second link. */
NOINLINE void second(uint32_t *at, uint32_t value) {
    n_stores = value * 3;
    store(at, value + 7);
}
NOINLINE void first(uint32_t *at, uint32_t value) {
    uint32_t doubled = value * 2;
    n_stores = doubled;
    second(at, doubled);
}

/* 3: two ways that share nothing. */
NOINLINE void left(uint32_t *at, uint32_t value) {
    n_stores = value + 11;
    store(at, value + 1);
}
NOINLINE void right(uint32_t *at, uint32_t value) {
    n_stores = value + 12;
    store(at, value + 2);
}
NOINLINE void fork(uint32_t *at, uint32_t value) {
    if (value & 1) left(at, value);
    else right(at, value);
}

/* 4: two ways in the middle: the first and the last tail call are sure. */
NOINLINE void join(uint32_t *at, uint32_t value) {
    n_stores = value + 20;
    store(at, value + 3);
}
NOINLINE void by_left(uint32_t *at, uint32_t value) {
    n_stores = value + 21;
    join(at, value + 1);
}
NOINLINE void by_right(uint32_t *at, uint32_t value) {
    n_stores = value + 22;
    join(at, value + 2);
}
NOINLINE void middle(uint32_t *at, uint32_t value) {
    if (value & 1) by_left(at, value);
    else by_right(at, value);
}
NOINLINE void stem(uint32_t *at, uint32_t value) {
    n_stores = value + 23;
    middle(at, value + 4);
}

/* 5: the call goes through a pointer, so that nobody knows what it called. */
step_fn *volatile chosen_step = one;

/* 6: the tail call goes through a pointer. */
step_fn *volatile chosen_store = store;
NOINLINE void by_pointer(uint32_t *at, uint32_t value) {
    n_stores = value + 30;
    chosen_store(at, value);
}

/* 7: a circle of tail calls. */
NOINLINE void pong(uint32_t *at, uint32_t value);
NOINLINE void ping(uint32_t *at, uint32_t value) {
    n_stores = value + 40;
    if (value == 0) store(at, value);
    else pong(at, value - 1);
}
NOINLINE void pong(uint32_t *at, uint32_t value) {
    n_stores = value + 41;
    ping(at, value);
}

/* 8: a dead end beside the way. */
NOINLINE void harmless(uint32_t *at, uint32_t value) {
    n_stores = value + (uint32_t)(uintptr_t)at;
}
NOINLINE void either(uint32_t *at, uint32_t value) {
    if (value == 77) harmless(at, value);
    else store(at, value);
}

/* 9: the tail call stands in an inlined function. */
static inline __attribute__((always_inline)) void inlined_step(uint32_t *at, uint32_t value) {
    n_stores = value + 50;
    store(at, value + 5);
}
NOINLINE void with_inlined(uint32_t *at, uint32_t value) {
    n_stores = value + 51;
    inlined_step(at, value + 6);
}

/* 11: one of the ways leads to a function without debug information. */
NOINLINE void maybe_library(uint32_t *at, uint32_t value) {
    if (value == 77) observe(at);
    else store(at, value);
}

NOINLINE uint32_t run(uint32_t number) {
    uint32_t value = unknown_number(), *at = (uint32_t *)(uintptr_t)nowhere();
    switch (number) {
    case 1: one(at, value); break;
    case 2: first(at, value); break;
    case 3: fork(at, value); break;
    case 4: stem(at, value); break;
    case 5: chosen_step(at, value); break;
    case 6: by_pointer(at, value); break;
    case 7: ping(at, value); break;
    case 8: either(at, value); break;
    case 9: with_inlined(at, value); break;
    case 10: elsewhere(at, value); break;
    case 11: maybe_library(at, value); break;
    case 12: second(at, value); break;
    default: store(at, value); break;
    }
    n_stores++;
    return value;
}

int main(void) {
    uint32_t value = run(scenario);
    observe(&value);
    return 0;
}
