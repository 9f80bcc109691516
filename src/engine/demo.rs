//! The demo bundle that is part of the program.

use crate::model::build_id::BuildId;
use std::sync::Arc;

/// What the capture is called.
pub const NAME: &str = "demo-bundle.zip";

/// The bundle: two products, several crashes, their ELF files.
pub fn bytes() -> Arc<[u8]> {
    Arc::from(include_bytes!("../../sample-data/demo-bundle.zip").as_slice())
}

/// The build ids of the two products.
const BUILDS: [&str; 2] = [
    "30736562ef112b4efff1f313eef680cc24b91af5",
    "5f1b49ac3f7f539168415a2f1050e7bf5ee16b53",
];

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../sample-data/firmware/", $name)))),*]
    };
}

/// What they were built from, by the names that their ELF files use.
static SOURCES: &[(&str, &str)] = sources![
    "brook/main.c",
    "common/board.c",
    "common/console.c",
    "common/coredump_crashcatcher.c",
    "common/coredump_zephyr.c",
    "common/fault.c",
    "common/start.c",
    "hearth/main.c",
];

/// The text of a source file, for the builds of the demo alone.
pub fn source(build: &BuildId, file: &str) -> Option<&'static str> {
    let is_ours = BUILDS.contains(&build.to_string().as_str());
    let found = SOURCES.iter().find(|(name, _)| *name == file);
    found.filter(|_| is_ours).map(|(_, text)| *text)
}
