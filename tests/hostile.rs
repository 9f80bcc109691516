//! Broken input: every fixture cut off at 64-byte steps and with flipped bits, through import, backtrace with
//! locals and symbolize. No panic (a caught one counts), nothing over 2 s or 512 MB.
//!
//! By default a seeded part that takes about `FIELDSCOPE_HOSTILE_SECONDS` (20) seconds;
//! `FIELDSCOPE_HOSTILE=all` runs every case (`scripts/check.sh hostile`).

use fieldscope::engine::examine::examine;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::input::Inputs;
use fieldscope::engine::matching::Matched;
use fieldscope::engine::reports::{Depth, report, with_symbols};
use fieldscope::engine::symbolize::Symbolizer;
use fieldscope::model::progress::Unattended;
use fieldscope::symbols::symbol_file::SymbolFile;
use std::alloc::{GlobalAlloc, Layout, System};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// No single input may take longer.
const LONGEST: Duration = Duration::from_secs(2);
/// No single input may need more memory than this above what was there before.
const MOST_BYTES: usize = 512 << 20;
/// Bytes between two places of cutting off.
const CUT_STEP: usize = 64;
/// Flipped-bit variants of each fixture.
const FLIPS: usize = 1000;

/// Counts what is allocated, so that a limit can be checked.
struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[expect(unsafe_code, reason = "an allocator that counts has to be one")]
// SAFETY: every call is passed on to the system allocator unchanged; only counters are added.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = ALLOCATED.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller's promise about `layout` is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        ALLOCATED.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: `ptr` came from `alloc` above with this layout.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A fixture and the ELF it is read with.
struct Case {
    path: PathBuf,
    elf: PathBuf,
}

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut cases = Vec::new();
    for folder in ["qemu-bare", "qemu-freertos", "sample"] {
        let Ok(entries) = std::fs::read_dir(root.join(folder)) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let kind = name.split_once('.').map_or("", |(_, ending)| ending);
            if !["core", "core.mt", "uart", "elf", "log", "txt"].contains(&kind) {
                continue;
            }
            // `an386-1.core` is read with `an386.elf`.
            let stem = name.split('.').next().unwrap();
            let elf = std::iter::successors(Some(stem), |s| s.rsplit_once('-').map(|(head, _)| head))
                .map(|stem| root.join(folder).join(format!("{stem}.elf")))
                .find(|elf| elf.exists());
            if let Some(elf) = elf {
                cases.push(Case { path, elf });
            }
        }
    }
    cases.sort_by(|a, b| a.path.cmp(&b.path));
    cases
}

/// A small generator: the same seed gives the same flips everywhere (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }
}

/// Everything the product does with an input, in process.
fn exercise(name: &str, bytes: Vec<u8>, elf: &Arc<SymbolFile>) {
    let is_elf = name.ends_with(".elf");
    if is_elf && let Ok(broken) = SymbolFile::parse(name, bytes.clone()) {
        let matched = Matched { files: vec![Arc::new(broken)], ..Matched::default() };
        with_symbols(&matched, &IndexCache::disabled(), |symbols| {
            let mut symbolizer = Symbolizer::new(symbols);
            for address in (0..0x3000u64).step_by(0x40).chain([0x1000_0212, 0x2000_0000]) {
                let _frames = symbolizer.address(address);
            }
        });
    }
    let inputs = Inputs::from_bytes(name, bytes.into(), &Unattended).unwrap();
    let examined = examine(inputs, &Unattended).unwrap();
    let matched = Matched { files: vec![Arc::clone(elf)], ..Matched::default() };
    for index in 0..examined.crashes.len() {
        let report = report(&examined, index, &matched, &IndexCache::disabled(), Depth::Locals);
        let text = fieldscope::engine::render::text(&report.expect("a listed crash has a report"));
        assert!(!text.is_empty());
    }
    with_symbols(&matched, &IndexCache::disabled(), |symbols| {
        if let Some(file) = examined.files.first() {
            let text = String::from_utf8_lossy(file.input.bytes.get(..4096).unwrap_or(&file.input.bytes));
            let _segments = Symbolizer::new(symbols).text(&text);
        }
    });
}

/// Runs one variant; what is wrong with it, if anything.
fn check(what: &str, name: &str, bytes: Vec<u8>, elf: &Arc<SymbolFile>) -> Option<String> {
    let before = ALLOCATED.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let started = Instant::now();
    let outcome = catch_unwind(AssertUnwindSafe(|| exercise(name, bytes, elf)));
    let (took, peak) = (started.elapsed(), PEAK.load(Ordering::Relaxed).saturating_sub(before));
    if outcome.is_err() {
        return Some(format!("{name}, {what}: panicked"));
    }
    if took > LONGEST {
        return Some(format!("{name}, {what}: took {took:?}"));
    }
    (peak > MOST_BYTES).then(|| format!("{name}, {what}: needed {peak} bytes"))
}

#[test]
fn no_broken_fixture_panics_or_takes_long() {
    let is_all = std::env::var("FIELDSCOPE_HOSTILE").is_ok_and(|v| v == "all");
    let seconds = std::env::var("FIELDSCOPE_HOSTILE_SECONDS").ok().and_then(|s| s.parse().ok());
    let budget = Duration::from_secs(seconds.unwrap_or(20));
    let cases = cases();
    assert!(cases.len() >= 60, "only {} fixtures were found", cases.len());
    let started = Instant::now();
    let share = budget / u32::try_from(cases.len()).unwrap();
    let mut wrong = Vec::new();
    let mut n_run = 0u64;
    for (index, case) in cases.iter().enumerate() {
        let name = case.path.file_name().unwrap().to_str().unwrap();
        let bytes = std::fs::read(&case.path).unwrap();
        let elf = Arc::new(SymbolFile::parse("fixture.elf", std::fs::read(&case.elf).unwrap()).unwrap());
        let mut random = Random(0x5EED_0000 + index as u64 + 1);
        let mut cuts: Vec<usize> = (0..bytes.len()).step_by(CUT_STEP).collect();
        let mut flips: Vec<u64> = (0..FLIPS).map(|_| random.next()).collect();
        if !is_all {
            // A seeded order, so that a short run still looks everywhere.
            for list_len in [cuts.len(), flips.len()] {
                let swaps: Vec<(usize, usize)> =
                    (1..list_len).map(|i| (i, random.below(i + 1))).collect();
                if list_len == cuts.len() {
                    swaps.into_iter().for_each(|(a, b)| cuts.swap(a, b));
                } else {
                    swaps.into_iter().for_each(|(a, b)| flips.swap(a, b));
                }
            }
        }
        let case_started = Instant::now();
        let is_over = |n: usize| !is_all && n >= 4 && case_started.elapsed() > share;
        let mut variants = cuts.into_iter().map(Variant::Cut).zip_longest(flips.into_iter().map(Variant::Flips));
        let mut n = 0;
        while let Some(variant) = variants.next().filter(|_| !is_over(n)) {
            n += 1;
            n_run += 1;
            let (what, broken) = variant.apply(&bytes);
            wrong.extend(check(&what, name, broken, &elf));
            if wrong.len() > 20 {
                break;
            }
        }
    }
    println!("{n_run} broken inputs in {:?}", started.elapsed());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// One way to break an input.
enum Variant {
    Cut(usize),
    Flips(u64),
}

impl Variant {
    fn apply(&self, bytes: &[u8]) -> (String, Vec<u8>) {
        match self {
            Self::Cut(at) => (format!("cut at {at}"), bytes[..*at].to_vec()),
            Self::Flips(seed) => {
                let mut random = Random(*seed | 1);
                let mut broken = bytes.to_vec();
                for _ in 0..1 + random.below(8) {
                    let at = random.below(broken.len());
                    broken[at] ^= 1 << random.below(8);
                }
                (format!("flips of seed {seed}"), broken)
            }
        }
    }
}

/// Takes turns between two iterators until both are empty.
trait ZipLongest: Iterator<Item = Variant> + Sized {
    fn zip_longest(self, other: impl Iterator<Item = Variant>) -> impl Iterator<Item = Variant> {
        let (mut a, mut b, mut turn) = (self.fuse(), other.fuse(), false);
        std::iter::from_fn(move || {
            turn = !turn;
            if turn { a.next().or_else(|| b.next()) } else { b.next().or_else(|| a.next()) }
        })
    }
}

impl<I: Iterator<Item = Variant>> ZipLongest for I {}
