//! Tests of the whole folder at its door: real ELFs in, answers out.

mod cfi;
mod dropped;
mod hostile;
mod index;
mod library;
mod oracle;
mod variants;

use super::symbol_file::{LoadOptions, SymbolFile};
use std::path::PathBuf;

/// A file below `tests/fixtures`.
fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn open(name: &str) -> SymbolFile {
    SymbolFile::open(&fixture(name), &LoadOptions::default()).unwrap()
}
