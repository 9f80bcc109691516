//! The fixtures and the ways to break them.

use super::esp_dumps;
use fieldscope::formats::recording;
use fieldscope::symbols::symbol_file::SymbolFile;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zip::write::SimpleFileOptions;

/// Bytes between two places of cutting off.
const CUT_STEP: usize = 64;
/// Flipped-bit variants of each fixture.
const FLIPS: u64 = 1000;
/// Most bits flipped in one variant.
const MOST_FLIPPED: usize = 8;

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The capture, read with its intact ELF.
    Capture,
    /// The ELF, a good capture is read with it.
    Elf,
}

/// A fixture to be broken and what it is read with.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// What is broken.
    pub(crate) bytes: Vec<u8>,
    /// The intact ELF.
    pub(crate) elf: Option<Arc<SymbolFile>>,
    /// For a broken ELF: captures that are read with it.
    pub(crate) captures: Vec<(String, Vec<u8>)>,
}

impl Case {
    /// The ending of its name.
    pub(crate) fn kind_of_file(&self) -> &str {
        self.name.rsplit('.').next().unwrap()
    }
}

/// The package is Fieldscope's, or that of `fuzz/` in it.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = package.ancestors().map(|f| f.join("tests/fixtures"));
    folders.find(|folder| folder.is_dir()).unwrap()
}

fn names_in(folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(root().join(folder)).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // No folder: the sources of a firmware.
        .filter(|name| name.contains('.'))
        .collect();
    names.sort();
    names
}

/// The bytes of a fixture.
pub(crate) fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(root().join(path)).unwrap()
}

/// Every fixture: captures, ELF files, and archives made of them.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for folder in [
        "qemu-bare",
        "qemu-freertos",
        "qemu-riscv",
        "sample",
        "zephyr",
    ] {
        cases.extend(boards(folder));
    }
    for folder in ["symbols", "types"] {
        let names = names_in(folder);
        let elfs = names.iter().filter(|name| {
            let ending = name.rsplit('.').next().unwrap();
            ["elf", "debug"].contains(&ending)
        });
        cases.extend(elfs.map(|name| Case {
            name: format!("{folder}/{name}"),
            kind: Kind::Elf,
            bytes: fixture(&format!("{folder}/{name}")),
            elf: None,
            captures: Vec::new(),
        }));
    }
    cases.extend(archives());
    cases.push(recording());
    cases.extend(esp());
    cases.extend(super::formats::all());
    cases
}

/// Dumps of ESP-IDF in every carrier, and a panic print; no ELF is read with them.
fn esp() -> Vec<Case> {
    let mut inputs: Vec<(String, Vec<u8>)> = Vec::new();
    for (version, bytes) in esp_dumps::xtensa_dumps() {
        if [0x002, 0x102, 0x104].contains(&version) {
            inputs.push((format!("esp/{version:03x}.bin"), bytes));
        }
    }
    let last = inputs.last().unwrap().1.clone();
    let text = esp_dumps::base64_lines(&last).join("\n") + "\n";
    inputs.push(("esp/104.b64".to_owned(), text.into_bytes()));
    let log = format!(
        "{}{}",
        esp_dumps::PANIC,
        esp_dumps::console(&last, "I (9) ")
    );
    inputs.push(("esp/104.uart".to_owned(), log.into_bytes()));
    let case = |(name, bytes)| Case {
        name,
        kind: Kind::Capture,
        bytes,
        elf: None,
        captures: Vec::new(),
    };
    inputs.into_iter().map(case).collect()
}

/// The captures of a folder, and its ELF files, each with its first capture of each kind.
fn boards(folder: &str) -> Vec<Case> {
    let names = names_in(folder);
    let mut elfs: BTreeMap<String, Arc<SymbolFile>> = BTreeMap::new();
    for name in names
        .iter()
        .filter(|name| name.rsplit('.').next() == Some("elf"))
    {
        let bytes = fixture(&format!("{folder}/{name}"));
        let file = SymbolFile::parse(name, bytes).unwrap();
        elfs.insert(name.trim_end_matches(".elf").to_owned(), Arc::new(file));
    }
    let mut cases = Vec::new();
    let mut captures: BTreeMap<String, BTreeMap<String, (String, Vec<u8>)>> = BTreeMap::new();
    for name in &names {
        let (stem, kind) = name.split_once('.').unwrap();
        if !["core", "core.mt", "uart"].contains(&kind) {
            continue;
        }
        // `an386-1.core` is read with `an386.elf`.
        let board = std::iter::successors(Some(stem), |s| s.rsplit_once('-').map(|(head, _)| head))
            .find(|board| elfs.contains_key(*board))
            .unwrap();
        let bytes = fixture(&format!("{folder}/{name}"));
        let of_board = captures.entry(board.to_owned()).or_default();
        of_board
            .entry(kind.to_owned())
            .or_insert_with(|| (name.clone(), bytes.clone()));
        cases.push(Case {
            name: format!("{folder}/{name}"),
            kind: Kind::Capture,
            bytes,
            elf: Some(Arc::clone(&elfs[board])),
            captures: Vec::new(),
        });
    }
    for (board, file) in elfs {
        let captures = captures.remove(&board).unwrap_or_default();
        cases.push(Case {
            name: format!("{folder}/{board}.elf"),
            kind: Kind::Elf,
            bytes: fixture(&format!("{folder}/{board}.elf")),
            elf: Some(file),
            captures: captures.into_values().collect(),
        });
    }
    cases
}

/// Archives of one board each: ELF, core, log and manifest.
fn archives() -> Vec<Case> {
    let boards = [
        ("qemu-bare", "an386", "an386-1"),
        ("qemu-freertos", "an386", "an386-4"),
        ("qemu-riscv", "weir-virt", "weir-virt-null-write"),
        ("sample", "brook-an386-cc", "brook-an386-cc-float"),
        ("sample", "hearth-f405", "hearth-f405-assert"),
    ];
    let mut cases = Vec::new();
    for (folder, board, capture) in boards {
        let elf = fixture(&format!("{folder}/{board}.elf"));
        let file = Arc::new(SymbolFile::parse("fixture.elf", elf.clone()).unwrap());
        let manifest = format!(
            r#"{{"schema":"fieldscope.bundle/1","build_id":"{}"}}"#,
            file.build_id()
        );
        let files = [
            (
                format!("{capture}.core"),
                fixture(&format!("{folder}/{capture}.core")),
            ),
            (
                format!("{capture}.uart"),
                fixture(&format!("{folder}/{capture}.uart")),
            ),
            ("manifest.json".to_owned(), manifest.into_bytes()),
            (format!("{board}.elf"), elf),
        ];
        // An ELF inside makes every variant slow; one archive is enough for that.
        let files = if folder == "qemu-bare" {
            &files[..]
        } else {
            &files[..3]
        };
        cases.push(Case {
            name: format!("{folder}/{capture}.zip"),
            kind: Kind::Capture,
            bytes: zip_of(files),
            elf: Some(file),
            captures: Vec::new(),
        });
    }
    cases
}

/// A live session in which a board crashed.
fn recording() -> Case {
    let stream = recording::Stream {
        link: "uart".to_owned(),
        title: "/dev/ttyUSB0, 115200 baud, 8N1".to_owned(),
        numbers: Vec::new(),
    };
    let mut bytes = recording::header();
    bytes.extend(recording::session_record(&recording::Session {
        started_at: "2026-11-29T20:00:00Z".to_owned(),
        recorded_by: "fieldscope".to_owned(),
    }));
    bytes.extend(recording::stream_record(0, 0, &stream));
    for (time_ns, part) in (0..).zip(fixture("qemu-bare/an386-1.uart").chunks(1000)) {
        let part = recording::traffic_record(recording::Kind::Received, 0, time_ns, part);
        bytes.extend(part);
    }
    let numbers = ["rssi", "state"].map(|name| recording::WatchedNumber {
        name: name.to_owned(),
        unit: Some("dBm".to_owned()),
        values: vec![(0, "DOWN".to_owned()), (1, "UP".to_owned())],
    });
    let watch = recording::Stream::of_numbers(numbers.to_vec());
    bytes.extend(recording::stream_record(64, 50, &watch));
    for ns in 50..90 {
        let look = format!("{{\"ns\":{ns},\"values\":[[0,-57.5],[1,null]]}}\n");
        bytes.extend(recording::traffic_record(
            recording::Kind::Received,
            64,
            ns,
            look.as_bytes(),
        ));
    }
    bytes.extend(recording::state_record(0, 99, &recording::LinkState::Ended));
    let elf = SymbolFile::parse("fixture.elf", fixture("qemu-bare/an386.elf")).unwrap();
    Case {
        name: "qemu-bare/an386-1.fscap".to_owned(),
        kind: Kind::Capture,
        bytes,
        elf: Some(Arc::new(elf)),
        captures: Vec::new(),
    }
}

/// A zip file of named bytes, every second one compressed.
pub(crate) fn zip_of(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (n, (name, bytes)) in files.iter().enumerate() {
        let method = if n.is_multiple_of(2) {
            zip::CompressionMethod::Deflated
        } else {
            zip::CompressionMethod::Stored
        };
        let options = SimpleFileOptions::default().compression_method(method);
        zip.start_file(name.as_str(), options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A small generator: the same seed gives the same numbers everywhere (xorshift64*).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// The next number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }

    /// The same things in another order.
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for i in (1..things.len()).rev() {
            things.swap(i, self.below(i + 1));
        }
    }
}

/// One way to break an input.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Variant {
    /// Cut off after so many bytes.
    Cut(usize),
    /// Bits flipped, by seed.
    Flips(u64),
}

impl Variant {
    /// Every way to break a case, cuts and flips in turns.
    pub(crate) fn all(case: &Case, seed: u64) -> Vec<Self> {
        let mut random = Random(seed);
        let mut cuts: Vec<Self> = (0..case.bytes.len())
            .step_by(CUT_STEP)
            .map(Self::Cut)
            .collect();
        let mut flips: Vec<Self> = (0..FLIPS).map(|_| Self::Flips(random.next())).collect();
        // In a seeded order, so that a short run looks everywhere.
        random.shuffle(&mut cuts);
        random.shuffle(&mut flips);
        let n_both = cuts.len().min(flips.len());
        let mut rest = cuts.split_off(n_both);
        rest.extend(flips.split_off(n_both));
        let turns = cuts
            .into_iter()
            .zip(flips)
            .flat_map(|(cut, flip)| [cut, flip]);
        turns.chain(rest).collect()
    }

    /// The broken bytes.
    pub(crate) fn apply(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Cut(at) => bytes[..at].to_vec(),
            Self::Flips(seed) => {
                let mut random = Random(seed | 1);
                let mut broken = bytes.to_vec();
                for _ in 0..=random.below(MOST_FLIPPED) {
                    let at = random.below(broken.len());
                    broken[at] ^= 1 << random.below(8);
                }
                broken
            }
        }
    }
}
