//! ESP-IDF core dumps in files of their own: the dump itself, its flash partition, a whole flash image, base64 text.
//!
//! A partition holds the dump from its first byte, then erased flash (0xFF). A flash image has its partition table at 0x8000
//! (or at another multiple of 0x1000): entries of 32 bytes, 0xAA 0x50, u8 type, u8 subtype, u32 offset, u32 length, 16 bytes
//! name; a dump's partition is of type 1, subtype 3.

use super::base64;
use super::body;
use super::image::Image;
use super::{Header, LARGEST_DUMP};
use crate::formats::{
    Carrier, Confidence, Decoded, Format,
    lines::{as_u64, readable},
};
use crate::model::{
    coredump::Coredump,
    progress::{Cancelled, Progress},
    warning::Warning,
};
use std::ops::Range;

const ENTRY_LEN: usize = 32;
const MOST_ENTRIES: usize = 96;
const ENTRY_MAGIC: [u8; 2] = [0xAA, 0x50];
const TYPE_DATA: u8 = 1;
const SUBTYPE_COREDUMP: u8 = 3;
/// Where partition tables are looked for.
const TABLES: Range<usize> = 0x1000..0x2_0000;
/// Base64 of a header takes so many characters at most, on its first lines.
const HEAD_LINES: usize = 8;
const HEAD_BYTES: usize = 4096;

/// ESP-IDF core dump in a file of its own.
pub(in crate::formats) struct EspCore;

impl Format for EspCore {
    fn id(&self) -> &'static str {
        "esp-core"
    }
    fn label(&self) -> &'static str {
        "ESP-IDF core dump"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["b64", "bin", "core"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::WholeFile
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        let is_dump = Header::read(&Image::new(bytes, 0)).is_some();
        if is_dump || coredump_partition(bytes).is_some() || is_base64(bytes) {
            Confidence::Certain
        } else {
            Confidence::No
        }
    }
    fn decode(&self, bytes: &[u8], progress: &dyn Progress) -> Result<Decoded, Cancelled> {
        progress.tick(0, as_u64(bytes.len()))?;
        let mut decoded = Decoded::default();
        decoded.understood.push(0..as_u64(bytes.len()));
        if Header::read(&Image::new(bytes, 0)).is_some() {
            let end = bytes.len().min(LARGEST_DUMP);
            add_dump(bytes, 0..end, &mut decoded);
        } else if let Some(partition) = coredump_partition(bytes) {
            read_partition(bytes, partition, &mut decoded);
        } else {
            read_base64(bytes, &mut decoded);
        }
        Ok(decoded)
    }
}

fn add_dump(bytes: &[u8], at: Range<usize>, decoded: &mut Decoded) -> bool {
    let piece = bytes.get(at.clone()).unwrap_or_default();
    let read = body::read(&Image::new(piece, as_u64(at.start)), "esp-core");
    let is_dump = read.is_some();
    if let Some((mut dump, len)) = read {
        dump.source = as_u64(at.start)..as_u64(at.start.saturating_add(len));
        push(dump, decoded);
    }
    is_dump
}

fn push(dump: Coredump, decoded: &mut Decoded) {
    decoded.coredumps.push(dump);
}

fn read_partition(bytes: &[u8], partition: Range<usize>, decoded: &mut Decoded) {
    let start = as_u64(partition.start);
    let head = bytes.get(partition.start..partition.start.saturating_add(4));
    let warning = match head {
        None => {
            let message =
                "the flash image ends before its core dump partition; read the flash as a whole";
            Some(Warning::at("FS-ESP-012", start, message))
        }
        Some([0xFF, 0xFF, 0xFF, 0xFF]) => {
            let message =
                "the core dump partition of this flash image is erased: the device stored no crash";
            Some(Warning::at("FS-ESP-012", start, message))
        }
        Some(_) => {
            let end = partition.end.min(bytes.len());
            (!add_dump(bytes, partition.start..end, decoded)).then(|| {
                let message = "the core dump partition of this flash image holds no dump that can be read; if the \
                               flash is encrypted, read the partition through the device";
                Warning::at("FS-ESP-012", start, message)
            })
        }
    };
    decoded.warnings.extend(warning);
}

/// The range of the core dump partition, by the first partition table that has one.
fn coredump_partition(bytes: &[u8]) -> Option<Range<usize>> {
    // The usual place first.
    std::iter::once(0x8000)
        .chain(TABLES.step_by(0x1000))
        .take_while(|_| bytes.len() > TABLES.start)
        .find_map(|table| partition_in(bytes, table))
}

fn partition_in(bytes: &[u8], table: usize) -> Option<Range<usize>> {
    for n in 0..MOST_ENTRIES {
        let at = table.checked_add(n.checked_mul(ENTRY_LEN)?)?;
        let entry = bytes.get(at..at.checked_add(ENTRY_LEN)?)?;
        let [m0, m1, kind, subtype, o0, o1, o2, o3, l0, l1, l2, l3, ..] = entry else {
            return None;
        };
        if [*m0, *m1] != ENTRY_MAGIC {
            return None;
        }
        if (*kind, *subtype) == (TYPE_DATA, SUBTYPE_COREDUMP) {
            let start = usize::try_from(u32::from_le_bytes([*o0, *o1, *o2, *o3])).ok()?;
            let len = usize::try_from(u32::from_le_bytes([*l0, *l1, *l2, *l3])).ok()?;
            let end = start.checked_add(len.min(LARGEST_DUMP))?;
            return (start > table).then_some(start..end);
        }
    }
    None
}

/// True when the file is base64 of a dump: no other line at its beginning, and a header that makes sense.
fn is_base64(bytes: &[u8]) -> bool {
    let mut head = Image::empty();
    let beginning = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
    for (at, line) in lines(beginning).take(HEAD_LINES) {
        // A file without line ends is one line: the beginning of it says enough.
        let start = line.get(..256).unwrap_or(line);
        match base64::decode(start) {
            Some(piece) => head.push(&piece, at),
            None => return false,
        }
        if head.len() >= 64 {
            break;
        }
    }
    Header::read(&head).is_some()
}

/// Lines with something on them, and where they begin.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let mut at: usize = 0;
    bytes.split(|byte| *byte == b'\n').filter_map(move |line| {
        let start = at;
        at = at.saturating_add(line.len()).saturating_add(1);
        let text = line.trim_ascii();
        (!text.is_empty()).then_some((as_u64(start), text))
    })
}

fn read_base64(bytes: &[u8], decoded: &mut Decoded) {
    let mut collected = super::console::Collected::default();
    for (at, line) in lines(bytes) {
        if collected.is_full() {
            break;
        }
        match base64::decode(line) {
            Some(piece) => collected.push(piece, at),
            None => collected.push_damaged(line, at),
        }
    }
    let first_line = lines(bytes)
        .next()
        .map(|(_, line)| line)
        .unwrap_or_default();
    let (image, damage) = collected.into_image();
    match body::read(&image, "esp-core") {
        Some((mut dump, _)) => {
            dump.source = 0..as_u64(bytes.len());
            dump.warnings.extend(damage);
            push(dump, decoded);
        }
        None => decoded.warnings.push(Warning::at(
            "FS-ESP-001",
            0,
            format!(
                "the base64 text that begins with {:?} is no core dump that can be read",
                readable(first_line.get(..16).unwrap_or(first_line))
            ),
        )),
    }
}
