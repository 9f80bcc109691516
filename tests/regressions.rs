//! Inputs that a fuzz target once found something with: each is named after what was wrong, and runs with every test.
//!
//! `tests/fixtures/regressions/TARGET/NAME`; the targets are those of fuzz/ (docs/fuzzing.md).
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking"
)]

#[path = "../fuzz/src/elf_builder.rs"]
mod elf_builder;
#[path = "../fuzz/src/harness.rs"]
mod harness;
#[path = "../fuzz/src/logs.rs"]
mod logs;
#[path = "../fuzz/src/sdk_lines.rs"]
mod sdk_lines;
#[path = "../fuzz/src/tables.rs"]
mod tables;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

/// What an input may take in a debug build on a busy machine.
const LONGEST: Duration = Duration::from_mins(1);

#[test]
fn what_fuzzing_found_stays_fixed() {
    // The package is Fieldscope's, or that of `fuzz/` in it.
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = package
        .ancestors()
        .map(|folder| folder.join("tests/fixtures/regressions"));
    let folder = folders.find(|folder| folder.is_dir()).unwrap();
    let mut failed = Vec::new();
    for target in sorted(&folder) {
        let name = target.file_name().unwrap().to_str().unwrap().to_owned();
        if !target.is_dir() {
            continue;
        }
        for input in sorted(&target) {
            let bytes = std::fs::read(&input).unwrap();
            let started = Instant::now();
            let ended = catch_unwind(AssertUnwindSafe(|| harness::run(&name, &bytes)));
            if ended.is_err() || started.elapsed() > LONGEST {
                failed.push(input);
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_target_takes_nothing_and_noise() {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[0]
    })
    .take(3000)
    .collect();
    for (name, _) in harness::TARGETS {
        harness::run(name, &[]);
        for end in [1, 7, 64, 1000, 3000] {
            harness::run(name, &noise[..end]);
        }
    }
}

fn sorted(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
