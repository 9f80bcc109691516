//! Stack walks and RTOS threads, on anything with registers and memory.
//!
//! Must never do: tell a live target from a dump.
