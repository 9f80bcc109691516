//! Stack walks and RTOS threads, on anything with registers and memory.
//!
//! Must never do: tell a live target from a dump.

mod abi;
mod code;
pub mod exception_frame;
mod frame_pointer;
pub mod rtos;
mod scan;
pub mod vectors;
pub mod walk;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;
