//! The build matrix (`scripts/matrix.sh`): one program in C, C++ and Rust by every compiler at hand, stopped at its crash
//! on QEMU. The crashed thread's frames and variables against gdb's, with llvm-symbolizer as second vote for functions,
//! lines and inlines. Where gdb is wrong, `differences.txt` beside the archive says so with the reason, and how often.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, and says what it compared"
)]

use fieldscope::engine::examine::examine;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::match_named;
use fieldscope::engine::reports::{Depth, report};
use fieldscope::model::progress::Unattended;
use fieldscope::model::report::{CrashReport, Frame, Local, Unavailable};
use fieldscope::symbols::symbol_file::SymbolFile;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The files of one build by their endings.
type Files = BTreeMap<String, Vec<u8>>;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/matrix")
}

/// Builds by name: from the archive, or from a folder that scripts/matrix.sh --keep left.
fn builds() -> BTreeMap<String, Files> {
    let mut found: BTreeMap<String, Files> = BTreeMap::new();
    let mut add = |name: &str, bytes: Vec<u8>| {
        let endings = ["elf", "core", "gdb.json", "llvm.json"];
        if let Some((stem, ending)) = name.split_once('.')
            && endings.contains(&ending)
        {
            let build = found.entry(stem.to_owned()).or_default();
            build.insert(ending.to_owned(), bytes);
        }
    };
    if let Some(kept) = std::env::var_os("MATRIX_DIR") {
        for entry in std::fs::read_dir(kept).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            add(&name, std::fs::read(path).unwrap());
        }
    } else {
        let packed = std::fs::File::open(folder().join("matrix.tar.zst")).unwrap();
        let mut decoder = zstd::Decoder::new(packed).unwrap();
        decoder.window_log_max(27).unwrap();
        let mut archive = tar::Archive::new(decoder);
        for entry in archive.entries().unwrap() {
            let mut entry = entry.unwrap();
            let name = entry.path().unwrap().to_str().unwrap().to_owned();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            add(&name, bytes);
        }
    }
    found.retain(|_name, files| files.len() == 4);
    found
}

fn read(name: &str, files: &Files) -> CrashReport {
    let place = tempfile::tempdir().unwrap();
    let core = place.path().join("dump.core");
    std::fs::write(&core, &files["core"]).unwrap();
    let inputs = Inputs::read(&[core], &Unattended).unwrap();
    let examined = examine(inputs, &Unattended).unwrap();
    assert_eq!(examined.crashes.len(), 1, "{name}");
    let elf = SymbolFile::parse(name, files["elf"].clone()).unwrap();
    let crash = examined.crashes.first().unwrap();
    let id = crash.build_id.as_ref().map(|(id, _)| id);
    let matched = match_named(id, &crash.joined.dump.memory, &[Arc::new(elf)]).unwrap();
    let cache = IndexCache::disabled();
    report(&examined, 0, &matched, &cache, Depth::Locals).unwrap()
}

/// How a part of a build compares.
#[derive(Clone, Copy, Default)]
struct Score {
    equal: usize,
    better: usize,
    worse: usize,
}

/// One known difference: `build | frame or variable | gdb's | ours | reason`, the first four regular expressions.
struct Known {
    line: String,
    patterns: [regex::Regex; 4],
    reason: String,
}

fn known_differences() -> Vec<Known> {
    let text = std::fs::read_to_string(folder().join("differences.txt")).unwrap();
    let lines = text
        .lines()
        .filter(|l| !l.starts_with('#') && !l.trim().is_empty());
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
            let [build, place, gdb, ours, reason] = parts.as_slice() else {
                panic!("five columns: {line}");
            };
            let pattern = |text: &str| regex::Regex::new(&format!("^(?:{text})$")).unwrap();
            Known {
                line: line.to_owned(),
                patterns: [pattern(build), pattern(place), pattern(gdb), pattern(ours)],
                reason: (*reason).to_owned(),
            }
        })
        .collect()
}

/// Counts what was found different, and keeps what nothing explains.
struct Judge {
    known: Vec<Known>,
    used: BTreeMap<usize, usize>,
    wrong: Vec<String>,
    /// Frames in which llvm-symbolizer says what we say and gdb does not.
    llvm: usize,
}

impl Judge {
    /// Whether a difference is one where we are known to be right.
    fn is_better(&mut self, build: &str, place: &str, gdb: &str, ours: &str) -> bool {
        let texts = [build, place, gdb, ours];
        let found = self.known.iter().position(|known| {
            let mut pairs = known.patterns.iter().zip(texts);
            pairs.all(|(pattern, text)| pattern.is_match(text))
        });
        if let Some(index) = found {
            *self.used.entry(index).or_default() += 1;
        } else {
            self.wrong
                .push(format!("{build} {place}: gdb {gdb}, ours {ours}"));
        }
        found.is_some()
    }

    fn score(&mut self, score: &mut Score, place: [&str; 2], gdb: &str, ours: &str) {
        if gdb == ours {
            score.equal += 1;
        } else if self.is_better(place[0], place[1], gdb, ours) {
            score.better += 1;
        } else {
            score.worse += 1;
        }
    }
}

/// The last part of a path of a function or file: outside of angle brackets, braces and parentheses.
fn last_part(name: &str, separator: &str) -> String {
    let mut depth = 0_i32;
    let mut start = 0;
    for (at, c) in name.char_indices() {
        match c {
            '<' | '{' | '(' => depth += 1,
            '>' | '}' | ')' => depth -= 1,
            _ if depth == 0
                && name
                    .get(at..)
                    .is_some_and(|rest| rest.starts_with(separator)) =>
            {
                start = at + separator.len();
            }
            _ => {}
        }
    }
    name.get(start..).unwrap_or(name).to_owned()
}

/// `read_sensor main.c:12 inlined`.
fn shown(function: Option<&str>, file: Option<&str>, line: Option<u64>, inlined: bool) -> String {
    let mut text = last_part(function.unwrap_or("?"), "::");
    if let (Some(file), Some(line)) = (file, line) {
        _ = write!(text, " {}:{line}", last_part(file, "/"));
    }
    if inlined {
        text.push_str(" inlined");
    }
    text
}

fn shown_gdb(frame: &Value) -> String {
    let inlined = frame["inlined"].as_bool().unwrap();
    shown(
        frame["function"].as_str(),
        frame["file"].as_str(),
        frame["line"].as_u64(),
        inlined,
    )
}

fn shown_ours(frame: &Frame) -> String {
    shown(
        frame.function.as_deref(),
        frame.file.as_deref(),
        frame.line.map(u64::from),
        frame.inlined,
    )
}

/// gdb writes the hash of a crate behind its name: `matrix[e0841fc42a09b53a]::ARENA`.
fn without_hash(text: &str) -> String {
    let hash = regex::Regex::new(r"\[[0-9a-f]{16}\]::").unwrap();
    hash.replace_all(text, "::").into_owned()
}

fn gdb_value(variable: &Value) -> String {
    match (variable["value"].as_str(), variable["unavailable"].as_str()) {
        (Some(text), _) => without_hash(text),
        (None, Some(why)) => format!("<{why}>"),
        (None, None) => "<nothing>".to_owned(),
    }
}

fn our_value(local: &Local) -> String {
    match (&local.value, local.unavailable) {
        (Some(text), _) => text.clone(),
        (None, Some(Unavailable::OptimizedOut)) => "<optimized_out>".to_owned(),
        (None, Some(Unavailable::RegisterNotStored)) => "<register_not_stored>".to_owned(),
        (None, Some(Unavailable::MemoryNotCaptured)) => "<memory_not_captured>".to_owned(),
        (None, None) => "<nothing>".to_owned(),
    }
}

/// Frames up to each one that is not inlined.
fn groups<T>(frames: &[T], is_inlined: impl Fn(&T) -> bool) -> Vec<&[T]> {
    frames.split_inclusive(|frame| !is_inlined(frame)).collect()
}

/// A function's own name, without what each tool adds to it: path, template arguments, parameters.
fn bare(name: &str) -> String {
    let last = last_part(name, "::");
    let end = last.find(['<', '(', '[']).filter(|at| *at > 0);
    let bare = last.get(..end.unwrap_or(last.len())).unwrap_or(&last);
    bare.trim_end_matches("::").to_owned()
}

/// Whether llvm-symbolizer has the same functions in the same order. Its lines do not count: where flash begins at 0 it
/// takes them from functions that the linker dropped.
fn llvm_agrees(llvm: &Value, ours: &[Frame]) -> bool {
    let theirs = llvm.as_array().map_or(&[][..], Vec::as_slice);
    theirs.len() == ours.len()
        && theirs.iter().zip(ours).all(|(their, our)| {
            let function = bare(their[0].as_str().unwrap_or_default());
            function == bare(our.function.as_deref().unwrap_or_default())
        })
}

fn compare(name: &str, files: &Files, judge: &mut Judge) -> [Score; 3] {
    let gdb: Value = serde_json::from_slice(&files["gdb.json"]).unwrap();
    let llvm: Value = serde_json::from_slice(&files["llvm.json"]).unwrap();
    let ours = read(name, files);
    let mut scores = [Score::default(); 3];
    let theirs = gdb["frames"].as_array().unwrap();
    let theirs = groups(theirs, |frame| frame["inlined"].as_bool().unwrap());
    let frames = &ours.threads.first().unwrap().frames;
    let ours = groups(frames, |frame| frame.inlined);
    for index in 0..theirs.len().max(ours.len()) {
        let their = theirs.get(index).copied().unwrap_or_default();
        let our = ours.get(index).copied().unwrap_or_default();
        let expected: Vec<String> = their.iter().map(shown_gdb).collect();
        let found: Vec<String> = our.iter().map(shown_ours).collect();
        let place = format!("#{index}");
        if expected == found {
            scores[0].equal += expected.len();
        } else if their
            .first()
            .is_some_and(|t| llvm_agrees(&llvm[t["pc"].as_str().unwrap()], our))
        {
            scores[0].better += found.len();
            judge.llvm += found.len();
        } else {
            judge.score(
                &mut scores[0],
                [name, &place],
                &expected.join(", "),
                &found.join(", "),
            );
        }
        for frame in their {
            let function = last_part(frame["function"].as_str().unwrap_or("?"), "::");
            let same = |our: &&Frame| our.function.as_deref().map(bare) == Some(bare(&function));
            if let Some(our) = our.iter().find(same) {
                let place = format!("{place} {function}");
                compare_variables(name, &place, frame, our, &mut scores, judge);
            }
        }
    }
    scores
}

fn compare_variables(
    name: &str,
    place: &str,
    frame: &Value,
    our: &Frame,
    scores: &mut [Score; 3],
    judge: &mut Judge,
) {
    let [_frames, locals, types] = scores;
    let mut left: Vec<&Local> = our.locals.iter().collect();
    // What it was at entry gdb tells elsewhere.
    left.retain(|local| !local.name.ends_with("@entry"));
    for variable in frame["locals"].as_array().unwrap() {
        let variable_name = variable["name"].as_str().unwrap();
        let place = format!("{place} {variable_name}");
        let expected = gdb_value(variable);
        let Some(at) = left.iter().position(|local| local.name == variable_name) else {
            judge.score(locals, [name, &place], &expected, "no such variable");
            continue;
        };
        let local = left.remove(at);
        judge.score(locals, [name, &place], &expected, &our_value(local));
        let ty = local.type_name.as_deref().unwrap_or("?");
        let place = format!("type of {place}");
        judge.score(
            types,
            [name, &place],
            variable["type"].as_str().unwrap(),
            ty,
        );
    }
    for local in left {
        let place = format!("{place} {}", local.name);
        judge.score(
            locals,
            [name, &place],
            "no such variable",
            &our_value(local),
        );
    }
}

#[test]
fn every_build_of_the_matrix_reads_as_gdb_reads_it_or_better() {
    let mut judge = Judge {
        known: known_differences(),
        used: BTreeMap::new(),
        wrong: Vec::new(),
        llvm: 0,
    };
    let builds = builds();
    let mut table = String::new();
    let mut sums = [Score::default(); 3];
    for (name, files) in &builds {
        let scores = compare(name, files, &mut judge);
        _ = write!(table, "| {name} ");
        for (sum, score) in sums.iter_mut().zip(scores) {
            _ = write!(
                table,
                "| {} | {} | {} ",
                score.equal, score.better, score.worse
            );
            sum.equal += score.equal;
            sum.better += score.better;
            sum.worse += score.worse;
        }
        table.push_str("|\n");
    }
    _ = write!(table, "| **{} builds** ", builds.len());
    for sum in sums {
        _ = write!(table, "| {} | {} | {} ", sum.equal, sum.better, sum.worse);
    }
    table.push_str("|\n\n");
    for (index, known) in judge.known.iter().enumerate() {
        let n = judge.used.get(&index).copied().unwrap_or(0);
        _ = writeln!(table, "- {n} times: {}", known.reason);
    }
    let llvm = judge.llvm;
    _ = writeln!(
        table,
        "- {llvm} frames: gdb leaves out inlined functions, lines or names of what was linked into place; llvm-symbolizer's functions are ours"
    );
    println!("{table}");
    if let Some(path) = std::env::var_os("MATRIX_TABLE") {
        std::fs::write(path, &table).unwrap();
    }
    let n = judge.wrong.len();
    assert!(
        n == 0,
        "{n} differences without a reason:\n{}",
        judge.wrong.join("\n")
    );
    let whole = std::env::var_os("MATRIX_DIR").is_none();
    for (index, known) in judge.known.iter().enumerate().filter(|_| whole) {
        assert!(
            judge.used.contains_key(&index),
            "explains nothing any more: {}",
            known.line
        );
    }
    assert!(!whole || builds.len() >= 60, "{} builds", builds.len());
}

#[test]
fn a_rust_panic_is_told_with_its_message_and_place() {
    let wanted = [
        ("bounds", "panicked at main.rs:128: index out of bounds"),
        ("explicit", "`finish` panicked, main.rs:182"),
        ("expect", "panicked"),
        (
            "overflow",
            "panicked at main.rs:188: attempt to add with overflow",
        ),
        (
            "unwrap",
            "panicked at main.rs:168: called `Option::unwrap()` on a `None` value",
        ),
    ];
    let builds = builds();
    let mut wrong = Vec::new();
    for (panic, wanted) in wanted {
        let ending = format!("-panic-{panic}");
        let (name, files) = builds
            .iter()
            .find(|(name, _)| name.ends_with(&ending))
            .unwrap();
        let fault = read(name, files).fault.unwrap();
        println!("{name}: {}", fault.summary);
        if fault.kind.label() != "panic" || !fault.summary.contains(wanted) {
            wrong.push(format!("{name}: {}", fault.summary));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
