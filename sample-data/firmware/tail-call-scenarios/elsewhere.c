/* 10: a tail call to a function of another unit, so that its call site names a declaration. */
#include "tailcall.h"

extern volatile uint32_t n_stores;

NOINLINE void elsewhere(uint32_t *at, uint32_t value) {
    n_stores = value + 60;
    store(at, value + 9);
}
