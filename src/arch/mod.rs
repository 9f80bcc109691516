//! Facts per processor: registers, exception frames, fault status bits.
//!
//! Must never do: read memory, know a symbol.

pub mod cortex_m;
pub mod fault_bits;
pub mod mpu;
pub mod nvic;
pub mod riscv;
pub mod xtensa;
