//! Logs: opened, indexed, filtered, searched and shown row by row, of any size.
//!
//! The question and answer types of the window and the command line stand in [`view`]; [`filter`] says what a stack of
//! filter chips is.

pub mod filter;
pub mod view;
