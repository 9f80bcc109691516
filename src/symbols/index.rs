//! The symbol index: every address of an ELF answered beforehand, kept on disk.
//!
//! A cold lookup reads one small file and searches it, without parsing debug information.
//!
//! Layout, version 1, little-endian. Nothing in it is trusted: checksum, sizes and every reference are checked.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `FSINDEX` and the version |
//! | 8 | key: which ELF, see [`key`] |
//! | 8 | checksum of everything behind it |
//! | 4, 4, 4, 4 | number of spans, frames, strings; bytes of text |
//! | spans x 12 | u64 first address, u32 frame (innermost) or `NONE` |
//! | frames x 36 | u32 function, qualified, file (strings or `NONE`), line, column (0: unknown), flags, unit (or `NONE`), entry, next frame (of a lower number) or `NONE` |
//! | strings x 4 | u32 end of each string in the text |
//! | text | UTF-8 |

use super::debug_info::{DebugInfo, Scope, SourceFrame};
use super::identity::BuildIdKind;
use super::symbol_file::SymbolFile;
use crate::model::progress::{Cancelled, Progress};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

const MAGIC: [u8; 8] = *b"FSINDEX\x01";
const HEADER_BYTES: usize = 40;
const SPAN_BYTES: usize = 12;
const FRAME_BYTES: usize = 36;
const NONE: u32 = u32::MAX;
const FLAG_INLINED: u32 = 1;
/// No chain of inlined functions is longer.
const DEEPEST: usize = 300;
/// An index larger than this is not worth reading.
const LARGEST_BYTES: u64 = 1 << 30;
/// How many addresses are answered between two calls of `tick`.
const TICK_ADDRESSES: usize = 4096;

/// All answers for one ELF.
pub struct SymbolIndex {
    bytes: Vec<u8>,
    n_spans: usize,
    n_frames: usize,
    n_strings: usize,
}

impl SymbolIndex {
    /// Asks for every address of an ELF.
    pub fn build(info: &DebugInfo<'_>, progress: &dyn Progress) -> Result<Self, Cancelled> {
        let mut builder = Builder::default();
        let boundaries =
            info.boundaries(|done, total| progress.tick(done, total.saturating_mul(2)))?;
        let total = boundaries.len() as u64;
        let mut last = None;
        for (done, addr) in boundaries.into_iter().enumerate() {
            if done % TICK_ADDRESSES == 0 {
                progress.tick(total.saturating_add(done as u64), total.saturating_mul(2))?;
            }
            let frame = builder.chain(&info.parsed_source_frames(addr));
            if last != Some(frame) {
                builder.spans.push((addr, frame));
                last = Some(frame);
            }
        }
        let bytes = builder.encode(key(info.file()));
        Ok(Self::decode(bytes).unwrap_or_else(Self::empty))
    }

    /// Writes it: first beside its place, then moved there, so that no reader meets half of it.
    pub fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let part = path.with_file_name(name);
        let written = std::fs::File::create(&part)
            .and_then(|mut file| file.write_all(&self.bytes))
            .and_then(|()| std::fs::rename(&part, path));
        if written.is_err() {
            // The half-written file is of no use; that it cannot be removed changes nothing.
            let _removed = std::fs::remove_file(&part);
        }
        written
    }

    /// Reads the index of `file`; `None` when there is none, or it is damaged, of another version or of another build.
    pub fn open(path: &Path, file: &SymbolFile) -> Option<Self> {
        let len = std::fs::metadata(path).ok()?.len();
        if len > LARGEST_BYTES {
            return None;
        }
        let bytes = std::fs::read(path).ok()?;
        (u64_at(&bytes, 8)? == key(file)).then_some(())?;
        Self::decode(bytes)
    }

    /// What an index of `file` is called in a cache folder.
    pub fn file_name(file: &SymbolFile) -> String {
        format!("{}-{:016x}.fsindex", file.build_id().short(), key(file))
    }

    /// The answer for an address, as [`DebugInfo::source_frames`] gives it.
    pub fn lookup(&self, addr: u64) -> Vec<SourceFrame> {
        let mut frames = Vec::new();
        let mut next = self.span_at(addr).unwrap_or(NONE);
        while next != NONE && frames.len() < DEEPEST {
            let Some((frame, after)) = self.frame(next) else {
                break;
            };
            frames.push(frame);
            // Chains only lead downwards, so that none can be endless.
            if after != NONE && after >= next {
                break;
            }
            next = after;
        }
        frames
    }

    /// Bytes that it takes in memory and on disk.
    pub fn size_bytes(&self) -> usize {
        self.bytes.len()
    }

    fn empty() -> Self {
        Self {
            bytes: Vec::new(),
            n_spans: 0,
            n_frames: 0,
            n_strings: 0,
        }
    }

    fn decode(bytes: Vec<u8>) -> Option<Self> {
        if !bytes.starts_with(&MAGIC) || u64_at(&bytes, 16)? != checksum(bytes.get(24..)?) {
            return None;
        }
        let count = |at| u32_at(&bytes, at).and_then(|n| usize::try_from(n).ok());
        let index = Self {
            n_spans: count(24)?,
            n_frames: count(28)?,
            n_strings: count(32)?,
            bytes: Vec::new(),
        };
        let text = index.text_start()?.checked_add(count(36)?)?;
        (text == bytes.len()).then_some(Self { bytes, ..index })
    }

    fn frames_start(&self) -> Option<usize> {
        self.n_spans
            .checked_mul(SPAN_BYTES)?
            .checked_add(HEADER_BYTES)
    }

    fn strings_start(&self) -> Option<usize> {
        self.n_frames
            .checked_mul(FRAME_BYTES)?
            .checked_add(self.frames_start()?)
    }

    fn text_start(&self) -> Option<usize> {
        self.n_strings
            .checked_mul(4)?
            .checked_add(self.strings_start()?)
    }

    /// The frame of the last span that starts at or before `addr`.
    fn span_at(&self, addr: u64) -> Option<u32> {
        let start_of = |i: usize| u64_at(&self.bytes, HEADER_BYTES + i * SPAN_BYTES);
        let (mut low, mut high) = (0, self.n_spans);
        while low < high {
            let middle = low + (high - low) / 2;
            if start_of(middle)? <= addr {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        u32_at(
            &self.bytes,
            HEADER_BYTES + low.checked_sub(1)? * SPAN_BYTES + 8,
        )
    }

    fn frame(&self, number: u32) -> Option<(SourceFrame, u32)> {
        let number = usize::try_from(number)
            .ok()
            .filter(|n| *n < self.n_frames)?;
        let at = self
            .frames_start()?
            .checked_add(number.checked_mul(FRAME_BYTES)?)?;
        let field = |n: usize| u32_at(&self.bytes, at + n * 4);
        let known = |n: u32| (n != 0).then_some(n);
        let unit = field(6)?;
        let frame = SourceFrame {
            function: self.string(field(0)?),
            qualified: self.string(field(1)?),
            file: self.string(field(2)?),
            line: known(field(3)?),
            column: known(field(4)?),
            inlined: field(5)? & FLAG_INLINED != 0,
            scope: (unit != NONE).then_some(Scope {
                unit: usize::try_from(unit).ok()?,
                entry: gimli::UnitOffset(usize::try_from(field(7)?).ok()?),
            }),
        };
        Some((frame, field(8)?))
    }

    fn string(&self, number: u32) -> Option<String> {
        let number = usize::try_from(number)
            .ok()
            .filter(|n| *n < self.n_strings)?;
        let ends = self.strings_start()?;
        let end_of =
            |n: usize| u32_at(&self.bytes, ends + n * 4).and_then(|end| usize::try_from(end).ok());
        let start = match number.checked_sub(1) {
            Some(before) => end_of(before)?,
            None => 0,
        };
        let text = self.bytes.get(self.text_start()?..)?;
        let text = text.get(start..end_of(number)?)?;
        std::str::from_utf8(text).ok().map(str::to_owned)
    }
}

/// Which ELF an index is of: build id, and the sizes of its debug sections (a stripped copy has the same
/// build id). Without a linker's build id, which covers debug information too, their contents as well.
pub fn key(file: &SymbolFile) -> u64 {
    let mut identity = Vec::new();
    identity.extend_from_slice(file.build_id().as_bytes());
    for name in [
        ".debug_info",
        ".debug_abbrev",
        ".debug_line",
        ".debug_line_str",
        ".debug_ranges",
        ".debug_rnglists",
        ".debug_str",
    ] {
        let section = file.debug_section(name);
        identity.extend_from_slice(&(section.len() as u64).to_le_bytes());
        if file.build_id_kind() == BuildIdKind::SectionHash {
            identity.extend_from_slice(&checksum(section).to_le_bytes());
        }
    }
    let n_symbols = file.symbols().iter().count() as u64;
    identity.extend_from_slice(&n_symbols.to_le_bytes());
    checksum(&identity)
}

/// Finds damage, nothing more: eight bytes at a time, multiplied and rotated.
fn checksum(bytes: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut sum = (bytes.len() as u64).wrapping_mul(FACTOR);
    let mut chunks = bytes.chunks_exact(8);
    let mut add = |word: u64| {
        sum = (sum ^ word).wrapping_mul(FACTOR).rotate_left(29);
    };
    for chunk in &mut chunks {
        add(u64_at(chunk, 0).unwrap_or(0));
    }
    for byte in chunks.remainder() {
        add(u64::from(*byte));
    }
    sum ^ (sum >> 31)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let raw = bytes.get(at..at.checked_add(4)?)?;
    raw.try_into().ok().map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let raw = bytes.get(at..at.checked_add(8)?)?;
    raw.try_into().ok().map(u64::from_le_bytes)
}

#[derive(Default)]
struct Builder {
    spans: Vec<(u64, u32)>,
    frames: Vec<[u32; 9]>,
    frame_numbers: BTreeMap<[u32; 9], u32>,
    strings: Vec<String>,
    string_numbers: BTreeMap<String, u32>,
}

impl Builder {
    /// The number of the innermost frame.
    fn chain(&mut self, frames: &[SourceFrame]) -> u32 {
        // Outermost first, so that a frame always has a higher number than the one it leads to.
        let mut next = NONE;
        let skipped = frames.len().saturating_sub(DEEPEST);
        for frame in frames.iter().skip(skipped).rev() {
            let number = |n: usize| u32::try_from(n).unwrap_or(NONE);
            let fields = [
                self.text(frame.function.as_deref()),
                self.text(frame.qualified.as_deref()),
                self.text(frame.file.as_deref()),
                frame.line.unwrap_or(0),
                frame.column.unwrap_or(0),
                if frame.inlined { FLAG_INLINED } else { 0 },
                frame.scope.map_or(NONE, |s| number(s.unit)),
                frame.scope.map_or(0, |s| number(s.entry.0)),
                next,
            ];
            next = if let Some(known) = self.frame_numbers.get(&fields) {
                *known
            } else {
                let new = number(self.frames.len());
                self.frames.push(fields);
                self.frame_numbers.insert(fields, new);
                new
            };
        }
        next
    }

    fn text(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return NONE };
        if let Some(known) = self.string_numbers.get(text) {
            return *known;
        }
        let new = u32::try_from(self.strings.len()).unwrap_or(NONE);
        self.strings.push(text.to_owned());
        self.string_numbers.insert(text.to_owned(), new);
        new
    }

    fn encode(&self, key: u64) -> Vec<u8> {
        let mut body = Vec::new();
        let text_len: usize = self.strings.iter().map(String::len).sum();
        for count in [
            self.spans.len(),
            self.frames.len(),
            self.strings.len(),
            text_len,
        ] {
            body.extend_from_slice(&u32::try_from(count).unwrap_or(NONE).to_le_bytes());
        }
        for (addr, frame) in &self.spans {
            body.extend_from_slice(&addr.to_le_bytes());
            body.extend_from_slice(&frame.to_le_bytes());
        }
        for field in self.frames.iter().flatten() {
            body.extend_from_slice(&field.to_le_bytes());
        }
        let mut end = 0_usize;
        for text in &self.strings {
            end = end.saturating_add(text.len());
            body.extend_from_slice(&u32::try_from(end).unwrap_or(NONE).to_le_bytes());
        }
        for text in &self.strings {
            body.extend_from_slice(text.as_bytes());
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&key.to_le_bytes());
        bytes.extend_from_slice(&checksum(&body).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }
}
