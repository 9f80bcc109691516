//! Broken input: every fixture cut off at 64-byte steps and with flipped bits, through import, backtrace with
//! locals and symbolize. No panic (a caught one counts), nothing over 2 s or 512 MB, and what is left of an answer
//! says where it was cut off.
//!
//! By default a seeded part that takes about `FIELDSCOPE_HOSTILE_SECONDS` (20) seconds;
//! `FIELDSCOPE_HOSTILE=all` runs every case (`scripts/check.sh hostile`), on `FIELDSCOPE_HOSTILE_THREADS` threads.
//! `FIELDSCOPE_HOSTILE_ONLY` names fixtures by a part of their path. `FIELDSCOPE_HOSTILE_SEEDS` names a folder that the
//! intact inputs are written to that no fixture has as a file: scripts/fuzz.sh starts from them.
#![expect(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test fails by panicking and says what it ran"
)]

#[path = "hostile/cases.rs"]
mod cases;
#[expect(unreachable_pub, reason = "public in the package that it belongs to")]
#[path = "../fuzz/src/elf_builder.rs"]
mod elf_builder;
#[path = "esp/builder.rs"]
mod esp_dumps;
#[path = "hostile/formats.rs"]
mod formats;
#[path = "hostile/limits.rs"]
mod limits;
#[path = "hostile/overlaps.rs"]
mod overlaps;
#[path = "hostile/stress.rs"]
mod stress;

use cases::{Case, Kind, Variant};
use fieldscope::engine::examine::{Examined, examine};
use fieldscope::engine::import::import_bytes;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::Matched;
use fieldscope::engine::reports::{Depth, report, with_symbols};
use fieldscope::engine::symbolize::Symbolizer;
use fieldscope::engine::workspace::Workspace;
use fieldscope::model::memory::MemoryMap;
use fieldscope::model::progress::Unattended;
use fieldscope::model::registers::{Reg, RegisterSet};
use fieldscope::model::report::CrashReport;
use fieldscope::symbols::debug_info::DebugInfo;
use fieldscope::symbols::globals::{globals, read_global};
use fieldscope::symbols::index::SymbolIndex;
use fieldscope::symbols::symbol_file::SymbolFile;
use fieldscope::symbols::symbol_set::SymbolSet;
use fieldscope::symbols::variables::{FrameContext, ValueLimits, locals};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// One in so many variants is also written to a workspace: a disk is slower than all else.
const IMPORT_EVERY: usize = 64;
/// A run stops after so many failures.
const MOST_FAILURES: usize = 40;

/// Scans and joins one named input.
fn examined(name: &str, bytes: Vec<u8>) -> Examined {
    let inputs = Inputs::from_bytes(name, bytes.into(), &Unattended).unwrap();
    examine(inputs, &Unattended).unwrap()
}

/// Every crash of an input, read with these symbols and printed.
fn reports(examined: &Examined, matched: &Matched) -> Vec<CrashReport> {
    let cache = IndexCache::disabled();
    let report_of = |index| report(examined, index, matched, &cache, Depth::Locals).unwrap();
    let reports: Vec<CrashReport> = (0..examined.crashes.len()).map(report_of).collect();
    for report in &reports {
        assert!(!fieldscope::engine::render::text(report).is_empty());
    }
    reports
}

/// A broken capture with its good ELF.
fn read_capture(case: &Case, variant: Variant, bytes: Vec<u8>, whole: &Intact) {
    let n_bytes = bytes.len();
    let examined = examined(&case.name, bytes);
    let matched = Matched {
        files: case.elf.iter().cloned().collect(),
        ..Matched::default()
    };
    let reports = reports(&examined, &matched);
    if let Some(file) = examined.files.first() {
        let head = file.input.bytes.get(..4096).unwrap_or(&file.input.bytes);
        let text = String::from_utf8_lossy(head);
        with_symbols(&matched, &IndexCache::disabled(), |symbols| {
            let _segments = Symbolizer::new(symbols, &[]).text(&text);
        });
    }
    if let Variant::Cut(_) = variant {
        whole.expect_a_warning(n_bytes, &examined, &reports);
    }
}

/// Where the dumps of an intact capture lie.
struct Intact {
    dumps: Vec<Range<u64>>,
    /// A text whose line was cut off in the middle shows it; one that was cut off between lines does not.
    is_text: bool,
    bytes: Vec<u8>,
}

impl Intact {
    fn new(case: &Case) -> Self {
        let is_archive = ["gz", "tar", "zip", "zst"].contains(&case.kind_of_file());
        let is_one_file = !is_archive && case.kind == Kind::Capture;
        let examined = examined(&case.name, case.bytes.clone());
        let sources = examined.crashes.iter().flat_map(|c| &c.joined.sources);
        Self {
            dumps: sources
                .filter(|_| is_one_file)
                .map(|source| source.range.clone())
                .collect(),
            is_text: case.kind_of_file() == "uart",
            bytes: case.bytes.clone(),
        }
    }

    /// A capture that was cut off inside a dump says so and says where, if anything was read from it.
    fn expect_a_warning(&self, cut: usize, examined: &Examined, reports: &[CrashReport]) {
        let at = cut as u64;
        // Without the end of its last line a dump is whole.
        let is_lost = |end: u64| {
            let rest = self.bytes[cut..].iter().zip(at..end);
            rest.into_iter()
                .any(|(byte, _)| !byte.is_ascii_whitespace())
        };
        let is_inside = self
            .dumps
            .iter()
            .any(|d| d.start < at && at < d.end && is_lost(d.end));
        let ends_in_a_line = cut > 0 && !matches!(self.bytes[cut - 1], b'\n' | b'\r');
        if !is_inside || reports.is_empty() || (self.is_text && !ends_in_a_line) {
            return;
        }
        let last = examined.crashes.iter().flat_map(|c| &c.joined.sources);
        if last.map(|source| source.range.end).max() < self.dumps.iter().map(|d| d.start).max() {
            return; // nothing was read of the dump that was cut off
        }
        let warnings = reports.iter().flat_map(|report| &report.warnings);
        let n_with_place = warnings.filter(|w| w.offset.is_some()).count();
        assert!(
            n_with_place > 0,
            "cut off at {cut}, and no warning says where"
        );
    }
}

/// A broken ELF by itself and with good captures.
fn read_elf(case: &Case, bytes: Vec<u8>, captures: &[Examined]) {
    let Ok(broken) = SymbolFile::parse(&case.name, bytes.clone()) else {
        return;
    };
    let broken = Arc::new(broken);
    let matched = Matched {
        files: vec![Arc::clone(&broken)],
        ..Matched::default()
    };
    for capture in captures {
        let _reports = reports(capture, &matched);
    }
    with_symbols(&matched, &IndexCache::disabled(), |symbols| {
        use_everything(&symbols.infos[0], symbols);
        let mut symbolizer = Symbolizer::new(symbols, &[]);
        let around =
            symbolizer.text("pc 0x00000212, lr 08000101, [<10000210>] called from 0x2e4\n");
        assert!(!around.is_empty());
    });
    // As a capture: it may not look like an ELF any more.
    let _examined = examined(&case.name, bytes);
}

/// Everything that is asked of debug information, at many places of the code.
fn use_everything(info: &DebugInfo<'_>, symbols: &SymbolSet<'_>) {
    let limits = ValueLimits::default();
    for global in globals(info).iter().take(300) {
        let _value = read_global(info, global, info.file().initial_data(), symbols, &limits);
    }
    let _index = SymbolIndex::build(info.file(), &Unattended).unwrap();
    let mut registers = RegisterSet::default();
    for n in 0..16 {
        registers.set_known(Reg::r(n), 0x2000_0100 + u64::from(n) * 8);
    }
    let mut memory = MemoryMap::default();
    memory.insert(0x2000_0000, &[0x20; 0x1000]);
    let ranges = info.file().code_ranges().take(8);
    let places = ranges.flat_map(|range| {
        let step = ((range.end - range.start) / 24).max(2);
        (range.start..range.end)
            .step_by(usize::try_from(step).unwrap())
            .take(24)
    });
    for lookup in places {
        let caller = FrameContext {
            lookup,
            registers: &registers,
            cfa: Some(0x2000_0200),
            memory: &memory,
            caller: None,
            symbols,
        };
        let frame = FrameContext {
            cfa: Some(0x2000_0180),
            caller: Some(&caller),
            ..caller
        };
        let _described = symbols.describe(lookup);
        for source in info.source_frames(lookup) {
            if let Some(scope) = source.scope {
                let _locals = locals(info, scope, &frame, &limits);
            }
        }
    }
}

/// What the runs share.
struct Run {
    is_all: bool,
    /// How long one input may take.
    longest: Duration,
    /// How long each case may run.
    share: Duration,
    n_done: AtomicUsize,
    wrong: Mutex<Vec<String>>,
}

impl Run {
    fn run(&self, index: usize, case: &Case) {
        let started = Instant::now();
        let whole = Intact::new(case);
        let captures: Vec<Examined> = case
            .captures
            .iter()
            .map(|(name, bytes)| examined(name, bytes.clone()))
            .collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hostile.fieldscope");
        let workspace = Workspace::open(Some(&path), IndexCache::disabled()).unwrap();
        let seed = 0x5EED_0001 + index as u64;
        for (n, variant) in Variant::all(case, seed).into_iter().enumerate() {
            let is_over = !self.is_all && n >= 4 && started.elapsed() > self.share;
            if is_over || self.wrong.lock().unwrap().len() > MOST_FAILURES {
                break;
            }
            self.n_done.fetch_add(1, Ordering::Relaxed);
            let what = format!("{}, {variant:?}", case.name);
            let bytes = variant.apply(&case.bytes);
            let (_cost, wrong) = limits::check(&what, self.longest, &|| match case.kind {
                Kind::Capture => read_capture(case, variant, bytes.clone(), &whole),
                Kind::Elf => read_elf(case, bytes.clone(), &captures),
            });
            self.wrong.lock().unwrap().extend(wrong);
            if n.is_multiple_of(IMPORT_EVERY) && !bytes.is_empty() {
                let (_cost, wrong) =
                    limits::check(&format!("import of {what}"), self.longest, &|| {
                        let imported =
                            import_bytes(&workspace, &case.name, bytes.clone().into(), &Unattended);
                        assert!(imported.is_ok(), "{imported:?}");
                    });
                self.wrong.lock().unwrap().extend(wrong);
            }
        }
        if self.is_all {
            println!("{}: {:.1} s", case.name, started.elapsed().as_secs_f64());
        }
    }
}

fn setting(name: &str) -> Option<String> {
    std::env::var(format!("FIELDSCOPE_HOSTILE{name}")).ok()
}

#[test]
fn no_broken_fixture_panics_or_takes_long() {
    let is_all = setting("").is_some_and(|value| value == "all");
    let seconds = setting("_SECONDS")
        .and_then(|s| s.parse().ok())
        .unwrap_or(20);
    let n_threads: u32 = setting("_THREADS")
        .and_then(|s| s.parse().ok())
        .unwrap_or(1);
    let mut cases = cases::all();
    assert!(
        cases.len() >= 170,
        "only {} fixtures were found",
        cases.len()
    );
    if let Some(part) = setting("_ONLY") {
        cases.retain(|case| case.name.contains(&part));
    }
    let n_cases = u32::try_from(cases.len()).unwrap();
    let run = Run {
        is_all,
        longest: limits::longest(is_all),
        share: Duration::from_secs(seconds) * n_threads / n_cases,
        n_done: AtomicUsize::new(0),
        wrong: Mutex::default(),
    };
    let started = Instant::now();
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _thread in 0..n_threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    run.run(case_number(&case.name), case);
                }
            });
        }
    });
    println!(
        "{} broken inputs in {:?}; {}",
        run.n_done.load(Ordering::Relaxed),
        started.elapsed(),
        limits::worst()
    );
    let wrong = run.wrong.into_inner().unwrap();
    let mut by_kind: BTreeMap<String, usize> = BTreeMap::new();
    for line in &wrong {
        let kind = line.rsplit(": ").next().unwrap_or(line);
        *by_kind.entry(kind.to_owned()).or_default() += 1;
    }
    assert!(wrong.is_empty(), "{}\n{by_kind:#?}", wrong.join("\n"));
}

#[test]
fn made_inputs_are_known_by_their_content_and_become_seeds() {
    let is_made = |case: &Case| case.name.starts_with("made/") || case.name.starts_with("esp/");
    let made: Vec<Case> = cases::all().into_iter().filter(is_made).collect();
    assert!(made.len() >= 14, "{} inputs", made.len());
    for case in &made {
        let examined = examined(&case.name, case.bytes.clone());
        assert!(!examined.crashes.is_empty(), "{}", case.name);
    }
    if let Some(folder) = setting("_SEEDS") {
        std::fs::create_dir_all(&folder).unwrap();
        for case in made {
            let path = std::path::Path::new(&folder).join(case.name.replace('/', "_"));
            std::fs::write(path, case.bytes).unwrap();
        }
    }
}

/// The same number for a fixture whichever others run.
fn case_number(name: &str) -> usize {
    name.bytes().fold(7, |sum: usize, byte| {
        (sum * 31 + usize::from(byte)) % 1_000_003
    })
}
