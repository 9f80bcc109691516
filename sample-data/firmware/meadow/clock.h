/* Hours are shortened: a minute of the station takes a sixth of a second. */
#pragma once
#include <stdint.h>
#define MS_PER_TICK 360u
#define MINUTES(n) ((n) * 60u * 1000u / MS_PER_TICK) /* in ticks */
#define HOURS(n) MINUTES((n) * 60u)
