//! The demo bundle that is part of the program.

use std::sync::Arc;

/// What the capture is called.
pub const NAME: &str = "demo-bundle.zip";

/// The bundle: two products, several crashes, their ELF files.
pub fn bytes() -> Arc<[u8]> {
    Arc::from(include_bytes!("../../sample-data/demo-bundle.zip").as_slice())
}
