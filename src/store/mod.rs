//! The workspace: one SQLite file. The only folder that knows SQL.
//!
//! Must never do: decode bytes, know a symbol.
//!
//! [`open::Store`] writes, [`reader::Reader`] reads on a connection of its own. A write is one
//! transaction that is on the disk when the call returns, so a killed process or a power cut loses
//! nothing that was reported as done, and half-done work is as if it had not begun.

pub mod blobs;
pub mod builds;
pub mod capture;
mod capture_add;
mod capture_read;
pub mod capture_remove;
pub mod capture_series;
mod connection;
mod copy;
pub mod crash;
mod crash_read;
mod crash_write;
#[cfg(test)]
mod damage_tests;
pub mod devices;
pub mod error;
pub mod find;
mod grams;
mod idle;
pub mod ids;
pub mod issues;
mod lock;
pub mod log_marks;
mod migrations;
mod network;
pub mod open;
pub mod overview;
mod packing;
mod read_ahead;
pub mod reader;
mod rows;
pub mod series;
mod settings;
pub mod sha256;
mod step_log;
mod straight;
pub mod symbol_files;
#[cfg(test)]
mod testing;
pub mod text_parts;
