//! Functions that left the stack by a tail call, against gdb's answer (`scripts/make-tail-call-fixtures`).
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use fieldscope::engine::examine::examine;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::match_named;
use fieldscope::engine::reports::{Depth, report};
use fieldscope::model::progress::Unattended;
use fieldscope::model::report::{CrashReport, Frame};
use fieldscope::symbols::symbol_file::SymbolFile;
use serde_json::Value;
use std::sync::Arc;

const WAYS: [&str; 6] = [
    "one",
    "two",
    "fork",
    "fork-behind",
    "pointer",
    "fork-before",
];
const BUILDS: [&str; 3] = ["gcc-v7m", "gcc-rv32", "clang-v8m"];

fn fixture(name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    std::fs::read(format!("{root}/tests/fixtures/tail-calls/{name}")).unwrap()
}

fn read(build: &str, way: &str) -> CrashReport {
    let stem = format!("{build}-{way}");
    let core = fixture(&format!("{stem}.core"));
    let inputs = Inputs::from_bytes("crash.core", core.into(), &Unattended).unwrap();
    let examined = examine(inputs, &Unattended).unwrap();
    let elf = SymbolFile::parse("app.elf", fixture(&format!("{stem}.elf"))).unwrap();
    let dump = &examined.crashes[0].joined.dump;
    let matched = match_named(None, &dump.memory, &[Arc::new(elf)]).unwrap();
    let cache = IndexCache::disabled();
    report(&examined, 0, &matched, &cache, Depth::Locals).unwrap()
}

fn names(frames: &[Frame], tail_calls: bool) -> Vec<&str> {
    let of_kind = frames.iter().filter(|frame| frame.tail_call == tail_calls);
    of_kind
        .map(|frame| frame.function.as_deref().unwrap())
        .collect()
}

#[test]
fn what_is_certain_is_shown_and_nothing_else() {
    // By the source: which functions must have run, whatever the way.
    let certain: [&[&str]; 6] = [
        &["first"],
        &["second", "inlined", "first"],
        &[],
        &["first"],
        &[],
        &["common"],
    ];
    for build in BUILDS {
        for (way, expected) in WAYS.iter().zip(certain) {
            let report = read(build, way);
            let frames = &report.threads[0].frames;
            assert_eq!(names(frames, true), expected, "{build} {way}");
            assert_eq!(
                names(frames, false),
                ["last", "outer", "main"],
                "{build} {way}"
            );
        }
    }
}

/// gdb shows the innermost inlined function of such a frame only, and does not know clang's form of the marks.
#[test]
fn gdb_shows_the_same_frames_at_the_same_places() {
    for build in BUILDS {
        for way in WAYS {
            let answer = fixture(&format!("{build}-{way}.gdb.json"));
            let answer: Value = serde_json::from_slice(&answer).unwrap();
            let report = read(build, way);
            let mut ours = report.threads[0].frames.iter().peekable();
            let mut more = Vec::new();
            for theirs in answer["frames"].as_array().unwrap() {
                let frame = loop {
                    let frame = ours.next().unwrap();
                    if Some(frame.function.as_deref().unwrap()) == theirs["function"].as_str() {
                        break frame;
                    }
                    more.push(frame.function.as_deref().unwrap());
                };
                assert_eq!(Value::from(frame.line), theirs["line"], "{build} {way}");
                assert_eq!(
                    Value::from(frame.pc.to_string()),
                    theirs["pc"],
                    "{build} {way}"
                );
                // gdb puts clang's folder of compilation in front.
                let file = theirs["file"].as_str().unwrap();
                assert!(
                    file.ends_with(frame.file.as_deref().unwrap()),
                    "{build} {way}"
                );
            }
            assert_eq!(ours.next(), None, "{build} {way}");
            if build.starts_with("gcc") {
                let outer_of_inline: &[&str] = if way == "two" { &["first"] } else { &[] };
                assert_eq!(more, outer_of_inline, "{build} {way}");
            }
        }
    }
}

#[test]
fn values_of_a_function_that_is_gone_are_not_invented() {
    for build in BUILDS {
        let report = read(build, "one");
        let frames = &report.threads[0].frames;
        let first = frames.iter().find(|frame| frame.tail_call).unwrap();
        let n = first.locals.iter().find(|local| local.name == "n").unwrap();
        // unknown_number gives 3; gcc's call site of `first` says so, clang's does not.
        assert!(
            n.value.is_none() || n.value.as_deref() == Some("3"),
            "{build}: {n:?}"
        );
    }
}

#[test]
fn the_group_of_a_crash_does_not_depend_on_them() {
    let report = read("gcc-v7m", "two");
    let fingerprint = serde_json::to_value(&report.fingerprint).unwrap();
    let text = fingerprint.to_string();
    assert!(
        text.contains("first: left the stack by a tail call"),
        "{text}"
    );
}
