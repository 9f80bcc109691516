//! What links to a processor reach, on boards that QEMU emulates: numbers a second, bytes of RTT a second, and what that costs.
//! `scripts/bench.sh links` runs it.
//!
//! links SECONDS WATCHED.elf RTT.elf

#[expect(dead_code, reason = "tests use the rest of it")]
#[path = "../tests/common/qemu.rs"]
mod qemu;
#[expect(dead_code, reason = "tests use the rest of it")]
#[path = "../tests/common/sim_probe.rs"]
mod sim_probe;

use fieldscope::engine::live::{
    Heard, LiveSession, Observing, Recorder, Settings, Watch, WatchList, cost_in_words, link_kind,
};
use fieldscope::symbols::symbol_file::SymbolFile;
use qemu::{GdbBoard, NUMBERS, free_address};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn main() {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().expect("links SECONDS WATCHED.elf RTT.elf");
    let time = Duration::from_secs(next().parse().expect("seconds"));
    let (watched, rtt) = (PathBuf::from(next()), PathBuf::from(next()));
    for kind in ["gdb", "probe"] {
        let board = GdbBoard::start("mps2-an386", &watched, &free_address());
        let elfs = vec![open(&watched)];
        let watches = NUMBERS.map(|name| Watch::find(&elfs, &format!("{name}@100")).expect(name));
        let observing = Observing {
            watches: WatchList::new(watches.to_vec()),
            elfs,
        };
        let (mut n_looks, mut n_values) = (0_u64, 0_u64);
        let cost = run(kind, &board, observing, "", time, |heard| {
            if let Heard::Looked(_, look) = heard {
                n_looks += 1;
                n_values += look
                    .values
                    .iter()
                    .filter(|(_, value)| value.is_some())
                    .count() as u64;
            }
        });
        let rate = n_looks as f64 / time.as_secs_f64();
        println!("{kind}: 20 numbers {rate:.1} times a second of 100, {n_values} values; {cost}");
    }
    for kind in ["gdb", "probe"] {
        let board = GdbBoard::start("mps2-an385", &rtt, &free_address());
        let observing = Observing {
            elfs: vec![open(&rtt)],
            ..Observing::default()
        };
        let mut bytes: Vec<u8> = Vec::new();
        let cost = run(kind, &board, observing, "rtt", time, |heard| {
            if let Heard::Received(16, more) = heard {
                bytes.extend_from_slice(more);
            }
        });
        let rows = bytes
            .split_inclusive(|byte| *byte == b'\n')
            .filter(|row| row.ends_with(b"\n"));
        let n_wrong = (0_u32..)
            .zip(rows)
            .filter(|(n, row)| *row != format!("row {n:08} of RTT\n").as_bytes())
            .count();
        let rate = bytes.len() as f64 / time.as_secs_f64() / 1e6;
        println!(
            "{kind}: RTT {rate:.2} MB/s, {} bytes, {n_wrong} rows wrong or missing; {cost}",
            bytes.len()
        );
    }
}

fn open(elf: &Path) -> Arc<SymbolFile> {
    let bytes = std::fs::read(elf).expect("an ELF file");
    Arc::new(SymbolFile::parse(&elf.display().to_string(), bytes).expect("an ELF file"))
}

/// Observes a board for a time; what that cost, in words.
fn run(
    kind: &str,
    board: &GdbBoard,
    observing: Observing,
    allowed: &'static str,
    time: Duration,
    heard: impl FnMut(Heard<'_>),
) -> String {
    let mut settings = Settings::default().with("address", &board.address);
    if kind == "probe" {
        sim_probe::plug_in("bench", &board.address);
        settings = Settings::default().with("probe", "ffff:0001:bench");
    }
    if !allowed.is_empty() {
        settings = settings.with(allowed, "on");
    }
    let folder = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::create(
        &folder.path().join("s.fscap"),
        "2026-11-29T20:00:00Z".to_owned(),
    );
    let session =
        LiveSession::open(vec![(link_kind(kind).expect("a kind"), settings)]).expect("a link");
    let end = Instant::now() + time;
    let session = session.observing(observing);
    let summary = session.run(
        recorder.expect("a recording"),
        move || Instant::now() >= end,
        heard,
    );
    cost_in_words(&summary.expect("a session").cost.expect("a cost"), time)
}
