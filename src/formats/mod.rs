//! Bytes to records: one file a format, one registry.
//!
//! Must never do: open a file, need a symbol.
