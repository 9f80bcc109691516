//! What the fuzz targets share: see `harness.rs`, which tests/regressions.rs uses as well.

pub mod elf_builder;
pub mod harness;
pub mod logs;
pub mod sdk_lines;
pub mod tables;
