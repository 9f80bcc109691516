//! The nouns of the product: plain data that every layer speaks.
//!
//! Must never do: read a file, know a format, compute an answer.

pub mod addr;
pub mod arch;
pub mod build_id;
pub mod coredump;
pub mod device_message;
pub mod log;
pub mod log_parts;
pub mod memory;
pub mod metric;
pub mod progress;
pub mod register_file;
pub mod registers;
pub mod report;
pub mod rtos_objects;
pub mod series;
pub mod target_state;
pub mod warning;
