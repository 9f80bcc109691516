//! What a file is and what is in it: the one entry for bytes of unknown kind.
//!
//! Detection is by content; a name breaks ties only. Records of text formats are taken out of any text,
//! and of binary files that hold text, however many there are.

use super::watch::Watched;
use super::{
    Carrier, Confidence, Decoded, FORMATS, Format, archive,
    boots::{self, BootRecord},
    elf_core::{ElfKind, elf_kind},
    lines::as_u64,
    survey::{Survey, Surveyed},
};
use crate::model::{
    coredump::Coredump,
    device_message::DeviceMessage,
    progress::{Cancelled, Progress},
    warning::Warning,
};
use std::ops::Range;

/// Everything that was found in one file.
#[derive(Clone, Debug, Default)]
pub struct FileScan {
    /// Id of the format of the file as a whole, or `text`, `symbols` (an ELF with code), `zip`, `tar`, `gzip`, `zstd`, `unknown`.
    pub format: &'static str,
    /// Dumps, in the order of the file.
    pub coredumps: Vec<Coredump>,
    /// Boots, in the order of the file.
    pub boots: Vec<BootRecord>,
    /// What devices say of themselves, in the order of the file, without logs.
    pub messages: Vec<DeviceMessage>,
    /// Numbers that were looked at while a program ran.
    pub watched: Vec<Watched>,
    /// It is an ELF file with code: symbols for dumps.
    pub symbols: bool,
    /// Lines of text, when it is text.
    pub n_lines: Option<u64>,
    /// Bytes that were decoded into records.
    pub understood: Vec<Range<u64>>,
    /// Bytes that nobody could read. Text without records is not among them: it is kept as a log.
    pub not_understood: Vec<Range<u64>>,
    /// What was wrong with the file outside any one dump.
    pub warnings: Vec<Warning>,
}

/// Finds out what the bytes are and takes out all there is.
pub fn scan(name: &str, bytes: &[u8], progress: &dyn Progress) -> Result<FileScan, Cancelled> {
    scan_with(name, bytes, progress, &|steps| one_by_one(steps, progress))
}

/// As [`scan`]; the passes over a text are made by `run`.
pub fn scan_with(
    name: &str,
    bytes: &[u8],
    progress: &dyn Progress,
    run: &RunSteps<'_>,
) -> Result<FileScan, Cancelled> {
    progress.tick(0, as_u64(bytes.len()))?;
    let whole = 0..as_u64(bytes.len());
    if bytes.is_empty() {
        return Ok(FileScan {
            format: "unknown",
            warnings: vec![Warning::new("FS-SCAN-001", "the file is empty")],
            ..FileScan::default()
        });
    }
    if elf_kind(bytes) == Some(ElfKind::Code) {
        return Ok(FileScan {
            format: "symbols",
            symbols: true,
            understood: vec![whole],
            ..FileScan::default()
        });
    }
    if let Some(container) = archive::Container::of(bytes) {
        return Ok(FileScan {
            format: container.id(),
            ..FileScan::default()
        });
    }
    if let Some(format) = whole_file_format(bytes, name) {
        let decoded = format.decode(bytes, progress)?;
        let mut scan = FileScan {
            format: format.id(),
            ..FileScan::default()
        };
        merge(&mut scan, decoded);
        scan.not_understood = gaps(&scan.understood, whole.end);
        return Ok(scan);
    }
    scan_text(bytes, run)
}

fn whole_file_format(bytes: &[u8], name: &str) -> Option<&'static dyn Format> {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    FORMATS
        .iter()
        .filter(|f| f.carrier() == Carrier::WholeFile)
        .map(|f| {
            let is_named = f
                .extensions()
                .iter()
                .any(|e| e.eq_ignore_ascii_case(extension));
            (f.sniff(bytes, name), is_named, *f)
        })
        .filter(|(confidence, _, _)| *confidence >= Confidence::Likely)
        .max_by_key(|(confidence, is_named, _)| (*confidence, *is_named))
        .map(|(_, _, format)| format)
}

/// A part of the work on a text, which can be done beside the others.
pub enum Step<'b> {
    /// What is looked for everywhere, in a piece. Pieces are in the order of the text and together all of it.
    Piece(&'b Pieces<'b>, Range<usize>),
    /// Records of a format, whose literals stand at these places, if that is known.
    Format(&'static dyn Format, &'b [u8], Option<Vec<usize>>),
}

/// All pieces of a text.
pub struct Pieces<'b>(Survey<'b>);

/// What a [`Step`] found.
pub struct Found(What);

enum What {
    Piece(Surveyed),
    Records(Decoded),
}

impl Step<'_> {
    /// Does it.
    pub fn run(&self, progress: &dyn Progress) -> Result<Found, Cancelled> {
        let what = match self {
            Step::Piece(Pieces(survey), piece) => {
                progress.tick(0, survey.n_bytes())?;
                What::Piece(survey.look(piece))
            }
            Step::Format(format, bytes, Some(places)) => {
                What::Records(format.decode_at(bytes, places, progress)?)
            }
            Step::Format(format, bytes, None) => What::Records(format.decode(bytes, progress)?),
        };
        Ok(Found(what))
    }

    /// The piece of the text, of a step that looks at one.
    pub fn piece(&self) -> Option<Range<usize>> {
        match self {
            Step::Piece(_, piece) => Some(piece.clone()),
            Step::Format(..) => None,
        }
    }
}

/// Runs steps, in whatever order, and gives what they found in theirs.
pub type RunSteps<'r> = dyn Fn(&[Step<'_>]) -> Result<Vec<Found>, Cancelled> + 'r;

fn scan_text(bytes: &[u8], run: &RunSteps<'_>) -> Result<FileScan, Cancelled> {
    let is_text = looks_like_text(bytes);
    let mut scan = FileScan {
        format: if is_text { "text" } else { "unknown" },
        ..FileScan::default()
    };
    let formats = FORMATS.iter().copied();
    let formats = formats.filter(|format| format.carrier() == Carrier::Text);
    let (sought, others): (Vec<_>, Vec<_>) = formats.partition(|f| f.literals().is_some());
    let pieces = Pieces(Survey::new(bytes, &sought, is_text));
    let steps: Vec<Step<'_>> = pieces
        .0
        .pieces()
        .map(|piece| Step::Piece(&pieces, piece))
        .collect();
    let found = run(&steps)?.into_iter().filter_map(|found| match found.0 {
        What::Piece(piece) => Some(piece),
        What::Records(_) => None,
    });
    let mut whole = pieces.0.whole(found);
    let of_sought = sought.into_iter().zip(std::mem::take(&mut whole.places));
    let of_sought = of_sought
        .filter(|(_, places)| places.as_ref().is_none_or(|places| !places.is_empty()))
        .map(|(format, places)| Step::Format(format, bytes, places));
    let of_others = others.into_iter();
    let of_others = of_others.map(|format| Step::Format(format, bytes, None));
    let steps: Vec<Step<'_>> = of_sought.chain(of_others).collect();
    for found in run(&steps)? {
        if let What::Records(decoded) = found.0 {
            merge(&mut scan, decoded);
        }
    }
    scan.coredumps.sort_by_key(|dump| dump.source.start);
    boots::join_sent(&mut scan.boots);
    scan.understood = united(std::mem::take(&mut scan.understood));
    if !is_text {
        scan.not_understood = gaps(&scan.understood, as_u64(bytes.len()));
        return Ok(scan);
    }
    let has_open_line = bytes.last().is_some_and(|b| *b != b'\n');
    scan.n_lines = Some(whole.n_line_ends.saturating_add(u64::from(has_open_line)));
    scan.not_understood = united(whole.junk);
    scan.not_understood.truncate(MOST_RANGES);
    let understood = &scan.understood;
    scan.not_understood.retain(|range| {
        let mut understood = understood.iter();
        !understood.any(|u| u.start <= range.start && range.end <= u.end)
    });
    Ok(scan)
}

/// Runs steps one after the other.
fn one_by_one(steps: &[Step<'_>], progress: &dyn Progress) -> Result<Vec<Found>, Cancelled> {
    let n_steps = as_u64(steps.len());
    let numbered = (0..).zip(steps);
    numbered
        .map(|(step, work)| {
            work.run(&Part {
                progress,
                step,
                n_steps,
            })
        })
        .collect()
}

fn merge(scan: &mut FileScan, decoded: Decoded) {
    scan.coredumps.extend(decoded.coredumps);
    scan.boots.extend(decoded.boots);
    scan.messages.extend(decoded.messages);
    scan.watched.extend(decoded.watched);
    scan.understood.extend(decoded.understood);
    scan.warnings.extend(decoded.warnings);
}

/// One of several passes over the same bytes, as progress of the whole.
struct Part<'a> {
    progress: &'a dyn Progress,
    step: u64,
    n_steps: u64,
}

impl Progress for Part<'_> {
    fn tick(&self, done: u64, total: u64) -> Result<(), Cancelled> {
        let before = self.step.saturating_mul(total);
        let done = before.saturating_add(done).checked_div(self.n_steps);
        self.progress.tick(done.unwrap_or(total), total)
    }
}

/// Ranges sorted, with overlapping and touching ones made one.
fn united(mut ranges: Vec<Range<u64>>) -> Vec<Range<u64>> {
    ranges.sort_by_key(|r| (r.start, r.end));
    let mut out: Vec<Range<u64>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match out.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => out.push(range),
        }
    }
    out
}

/// What lies between `ranges` up to `end`.
fn gaps(ranges: &[Range<u64>], end: u64) -> Vec<Range<u64>> {
    let mut out = Vec::new();
    let mut at = 0;
    for range in united(ranges.to_vec()) {
        if range.start > at {
            out.push(at..range.start);
        }
        at = at.max(range.end);
    }
    if at < end {
        out.push(at..end);
    }
    out
}

/// Looked at this many bytes at the beginning, in the middle and at the end.
const SAMPLE: usize = 64 * 1024;

/// True for text, also with a burst of noise in it.
pub fn looks_like_text(bytes: &[u8]) -> bool {
    let middle = (bytes.len() / 2).saturating_sub(SAMPLE / 2);
    let samples = [0, middle, bytes.len().saturating_sub(SAMPLE)];
    let mut n_bytes: usize = 0;
    let mut n_junk: usize = 0;
    for start in samples {
        let end = start.saturating_add(SAMPLE).min(bytes.len());
        let sample = bytes.get(start..end).unwrap_or(&[]);
        if sample.is_ascii() && n_control(sample) == 0 {
            n_bytes = n_bytes.saturating_add(sample.len());
            continue;
        }
        for piece in sample.chunks(PIECE) {
            n_bytes = n_bytes.saturating_add(piece.len());
            if is_junk(piece) {
                n_junk = n_junk.saturating_add(piece.len());
            }
        }
    }
    // A log with a burst of noise is a log.
    n_junk.saturating_mul(2) < n_bytes
}

/// The grain in which text and noise are told apart.
const PIECE: usize = 256;
/// Blocks of this size are looked at as a whole first.
const BLOCK: usize = 64 * 1024;
const MOST_RANGES: usize = 1000;

/// Ranges of a part of a text that are no text. `start` is where the part begins.
pub(super) fn junk(bytes: &[u8], start: u64) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut at = start;
    for block in bytes.chunks(BLOCK) {
        let mut piece_start = at;
        at = at.saturating_add(as_u64(block.len()));
        if block.is_ascii() && n_control(block) == 0 {
            continue;
        }
        for piece in block.chunks(PIECE) {
            let piece_end = piece_start.saturating_add(as_u64(piece.len()));
            if is_junk(piece) {
                ranges.push(piece_start..piece_end);
            }
            piece_start = piece_end;
        }
    }
    united(ranges)
}

/// Bytes that no log holds on purpose. Every byte of a log passes here: written so that many are compared at once.
fn n_control(bytes: &[u8]) -> usize {
    const AT_ONCE: usize = 128;
    let is_control = |b: u8| {
        let is_low = u8::from(b < 0x20) | u8::from(b == 0x7f);
        let is_usual = u8::from(b == b'\t')
            | u8::from(b == b'\n')
            | u8::from(b == b'\r')
            | u8::from(b == 0x1b)
            | u8::from(b == 0x08)
            | u8::from(b == 0x0c);
        is_low & !is_usual
    };
    let of = |piece: &[u8]| {
        piece
            .iter()
            .fold(0_u8, |n, b| n.wrapping_add(is_control(*b)))
    };
    bytes
        .chunks(AT_ONCE)
        .map(|piece| usize::from(of(piece)))
        .sum()
}

fn is_junk(piece: &[u8]) -> bool {
    if n_control(piece).saturating_mul(20) > piece.len() {
        return true;
    }
    if piece.is_ascii() {
        return false;
    }
    // A character cut at the edge of the piece gives at most two replacements.
    let n_replaced = String::from_utf8_lossy(piece)
        .matches(char::REPLACEMENT_CHARACTER)
        .count();
    n_replaced > 2 && n_replaced.saturating_mul(10) > piece.len()
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::single_range_in_vec_init,
    reason = "the sizes of test inputs are small, and one range is meant"
)]
mod tests {
    use super::{FileScan, scan};
    use crate::formats::{crashcatcher, zephyr, zephyr_text};
    use crate::model::{
        coredump::SpMeaning,
        progress::{Cancelled, Progress, Unattended},
    };
    use std::path::PathBuf;

    fn fixtures(extensions: &[&str]) -> Vec<(String, Vec<u8>)> {
        let root = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"));
        let mut found = Vec::new();
        for folder in ["qemu-bare", "qemu-freertos"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                if extensions.iter().any(|e| name.ends_with(e)) {
                    found.push((format!("{folder}/{name}"), std::fs::read(&path).unwrap()));
                }
            }
        }
        found.sort();
        assert!(!found.is_empty());
        found
    }

    fn scanned(name: &str, bytes: &[u8]) -> FileScan {
        scan(name, bytes, &Unattended).unwrap()
    }

    #[test]
    fn every_console_log_has_one_boot_one_fault_print_and_its_build_id() {
        for (name, bytes) in fixtures(&[".uart"]) {
            let found = scanned(&name, &bytes);
            assert_eq!(found.format, "text", "{name}");
            assert_eq!(found.coredumps.len(), 1, "{name}");
            // The banner of the FreeRTOS firmware says neither that it boots nor which build it is.
            let n_boots = usize::from(name.starts_with("qemu-bare"));
            assert_eq!(found.boots.len(), n_boots, "{name}: {:?}", found.boots);
            assert!(found.boots.iter().all(|b| b.build_id.is_some()), "{name}");
            assert!(found.n_lines.unwrap() > 10);
            assert_eq!(found.not_understood, [], "{name}");
            let dump = &found.coredumps[0];
            assert_eq!(dump.format, "fault-print");
            assert!(dump.fault.get("cfsr").is_some_and(|v| v != 0), "{name}");
            assert_eq!(dump.fault.get("hfsr"), Some(0x4000_0000));
            let thread = &dump.threads[0];
            assert_eq!(thread.sp_meaning, SpMeaning::ExceptionFrame);
            // Crash 3 leaves no exception frame: status and SP only.
            assert_eq!(
                thread.registers.pc().is_some(),
                !name.contains("-3."),
                "{name}"
            );
            assert_eq!(
                dump.assert.is_some(),
                name.contains("freertos/an386-8"),
                "{name}"
            );
            let text = String::from_utf8_lossy(&bytes);
            let print = text
                .get(dump.source.start as usize..dump.source.end as usize)
                .unwrap();
            assert!(
                print.contains("CFSR=") && !print.contains("#FD:"),
                "{name}: {print}"
            );
        }
    }

    #[test]
    fn every_core_agrees_with_the_console_log_of_the_same_fault() {
        let logs = fixtures(&[".uart"]);
        for (name, bytes) in fixtures(&[".core", ".core.mt"]) {
            let found = scanned("renamed.txt", &bytes);
            assert_eq!(found.format, "elf-core", "{name}");
            assert_eq!(found.coredumps[0].warnings, [], "{name}");
            let stem = name.split('.').next().unwrap();
            let log = logs.iter().find(|(n, _)| n.starts_with(stem)).unwrap();
            let print = &scanned("", &log.1).coredumps[0].threads[0];
            if let Some(pc) = print.registers.pc() {
                let thread = &found.coredumps[0].threads[0];
                assert_eq!(thread.registers.pc(), Some(pc), "{name}");
                let frame = print.registers.sp().unwrap();
                assert!(
                    thread.registers.sp().unwrap() >= frame + 0x20,
                    "{name}: popped"
                );
            }
        }
    }

    #[test]
    fn a_log_with_every_kind_of_dump_gives_all_in_its_order() {
        let binary = zephyr::tests::build(
            1,
            &zephyr::tests::frame_words(),
            &[(0x2000_0000, &[7; 40])],
            true,
        );
        let print = "HardFault: CFSR=0x00010000 HFSR=0x40000000\r\npc=0x08001234 lr=0x08000001 r0=0x00000000\r\n";
        let mut log = "*** Booting Zephyr OS build v3.4.0 ***\r\n[1] app: up\r\n".to_owned();
        log += &zephyr_text::tests::print(&binary, "E: ").join("\r\n");
        log += "\r\n*** Booting Zephyr OS build v3.4.0 ***\r\n";
        log += &crashcatcher::tests::print(3, true, &[(0xE000_ED28, crashcatcher::tests::SCS)])
            .join("\r\n");
        log += "\r\n[9] app: up\r\n";
        log += print;
        let mut bytes = log.into_bytes();
        let text_end = bytes.len() as u64;
        bytes.extend((0..2048u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()));
        bytes.resize(bytes.len().next_multiple_of(256), 1);
        let binary_end = bytes.len();
        bytes.extend("[10] app: up\r\n".repeat(2000).as_bytes());
        let found = scanned("x.bin", &bytes);
        let formats: Vec<_> = found.coredumps.iter().map(|d| d.format).collect();
        assert_eq!(formats, ["zephyr-text", "crashcatcher", "fault-print"]);
        assert_eq!(found.boots.len(), 2);
        assert_eq!(found.not_understood.len(), 1);
        let junk = &found.not_understood[0];
        assert!(
            junk.start.abs_diff(text_end) <= 256 && junk.end.abs_diff(binary_end as u64) <= 256
        );
    }

    #[test]
    fn the_kind_is_known_from_the_content_whatever_the_name() {
        let (_, elf) = fixtures(&[".elf"]).remove(0);
        let found = scanned("crash.log", &elf);
        assert!(found.symbols && found.coredumps.is_empty());
        assert_eq!(found.format, "symbols");
        let binary = zephyr::tests::build(1, &zephyr::tests::frame_words(), &[], true);
        assert_eq!(scanned("notes.txt", &binary).format, "zephyr");
        let noise: Vec<u8> = (0..5000u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let found = scanned("a.log", &noise);
        assert_eq!(
            (found.format, found.not_understood),
            ("unknown", vec![0..5000])
        );
        assert_eq!(scanned("", b"").warnings[0].code, "FS-SCAN-001");
    }

    #[test]
    fn a_scan_stops_when_it_is_cancelled() {
        struct Cancel;
        impl Progress for Cancel {
            fn tick(&self, done: u64, _total: u64) -> Result<(), Cancelled> {
                if done > 0 { Err(Cancelled) } else { Ok(()) }
            }
        }
        let bytes = b"an ordinary line\n".repeat(100_000);
        assert!(scan("a.log", &bytes, &Cancel).is_err());
    }

    /// Captures to be broken: fixtures, and one of each text dump.
    fn victims() -> Vec<(String, Vec<u8>)> {
        // One board of each kind: the formats do not depend on the board.
        let mut all = fixtures(&[
            "an386-1.core",
            "an386-3.core",
            ".core.mt",
            "an386-1.uart",
            "an505-3.uart",
            "an386-8.uart",
        ]);
        let words: Vec<u32> = (0..19).collect();
        let binary = zephyr::tests::build(3, &words, &[(0x2000_0000, &[7; 300])], true);
        all.push((
            "zephyr.log".into(),
            zephyr_text::tests::print(&binary, "<err> ")
                .join("\n")
                .into(),
        ));
        all.push(("zephyr.bin".into(), binary));
        let catcher = crashcatcher::tests::print(3, true, &[(0x2000_0000, &[9; 300])]);
        all.push(("catcher.log".into(), catcher.join("\r\n").into()));
        all
    }

    #[test]
    fn no_truncation_of_any_capture_stops_the_scan() {
        for (name, bytes) in victims() {
            // Small steps where the structure is, larger ones in the middle of large memory.
            let ends = (0..bytes.len().min(4096))
                .step_by(64)
                .chain((4096..bytes.len()).step_by(1024));
            for end in ends {
                let found = scanned(&name, &bytes[..end]);
                assert!(
                    found.coredumps.iter().all(|d| d.source.end <= end as u64),
                    "{name} at {end}"
                );
            }
        }
    }

    #[test]
    fn no_flipped_bit_stops_the_scan() {
        let mut state: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize
        };
        for (name, mut bytes) in victims() {
            let n_flips = if bytes.len() > 20_000 { 60 } else { 300 };
            for _ in 0..n_flips {
                let at = random() % bytes.len();
                let bit = 1u8 << (random() % 8);
                bytes[at] ^= bit;
                _ = scanned(&name, &bytes);
                bytes[at] ^= bit;
            }
        }
    }
}
