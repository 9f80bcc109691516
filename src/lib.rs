//! Fieldscope: a native debugging workbench for firmware.
//!
//! The modules are the layers, lowest first; each may use those above it in this list as far as
//! `tests/layers.rs` allows. ARCHITECTURE.md draws the map.

pub mod analysis;
pub mod arch;
pub mod cli;
pub mod engine;
pub mod formats;
pub mod live;
pub mod model;
pub mod store;
pub mod symbols;
#[cfg(feature = "gui")]
pub mod ui;
pub mod unwind;
