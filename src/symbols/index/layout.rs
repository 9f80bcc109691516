//! The layout of an index file, version 2, little-endian. Positions are computed with checks: a count is believed only
//! when the file is exactly as long as all counts together say.
//!
//! | bytes | what |
//! |---|---|
//! | 8 | `FSINDEX` and the version |
//! | 8 | key: which ELF, see [`super::key`] |
//! | 8 | length of the file |
//! | 8 | checksum of everything from here to the data |
//! | 4 | flags: 1 = the lowest bit of a code address says "Thumb" |
//! | 4, 4, 4, 4, 4 | number of regions, spans, contexts, strings; 0 |
//! | 8 | bytes of text |
//! | regions x 24 | u64 first address, u64 end, u32 first span, u32 number of spans; sorted, disjoint: the code |
//! | blocks x 8 | checksum of each 16 KiB of the data, see [`super::checked`] |
//! | | data: |
//! | spans/256 x 4 | start of every 256th span |
//! | spans x 4 | start, from the start of its region |
//! | spans x 16 | u32 context or `NONE`, file (string or `NONE`), line, column (0: unknown) |
//! | contexts x 32 | u32 function, qualified (strings or `NONE`), unit (or `NONE`), entry, context that it is inlined into (of a lower number, or `NONE`), and file, line, column of the call there |
//! | strings x 4 | u32 end of each string in the text |
//! | text | UTF-8 |

use super::checked::{BLOCK_BYTES, checksum};
use std::ops::Range;

/// First bytes; the last one is the version.
pub(super) const MAGIC: [u8; 8] = *b"FSINDEX\x02";
const FIXED_BYTES: usize = 64;
/// Where what the header's checksum covers begins.
const COVERED_FROM: usize = 32;
const REGION_BYTES: usize = 24;
/// Bytes of a record of a span.
pub(super) const RECORD_BYTES: usize = 16;
/// Bytes of a context.
pub(super) const CONTEXT_BYTES: usize = 32;
/// Every so many spans, the start of one is repeated in a table that stays in the processor's cache.
pub(super) const SAMPLE_EVERY: usize = 256;
/// No string, no context, no unit.
pub(super) const NONE: u32 = u32::MAX;
/// The lowest bit of a code address says "Thumb".
pub(super) const FLAG_THUMB: u32 = 1;

/// Where everything is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    pub(super) key: u64,
    pub(super) flags: u32,
    n_spans: usize,
    n_contexts: usize,
    n_strings: usize,
    text_bytes: usize,
    starts: usize,
    records: usize,
    contexts: usize,
    strings: usize,
    text: usize,
    /// First byte of the checksums.
    pub(super) checks: usize,
    /// First byte of the data.
    pub(super) data: usize,
}

/// One stretch of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) first: usize,
    pub(super) n_spans: usize,
}

/// How much there is of everything.
#[derive(Clone, Copy, Debug)]
struct Counts {
    regions: usize,
    spans: usize,
    contexts: usize,
    strings: usize,
    text: usize,
}

impl Counts {
    /// Layout, and the length of the file.
    fn layout(self, key: u64, flags: u32) -> Option<(Layout, usize)> {
        let behind = |at: usize, n: usize, each: usize| at.checked_add(n.checked_mul(each)?);
        let n_samples = self.spans.div_ceil(SAMPLE_EVERY);
        // The checksums need the length of the data, which does not depend on where it is.
        let place = |data: usize| -> Option<[usize; 6]> {
            let starts = behind(data, n_samples, 4)?;
            let records = behind(starts, self.spans, 4)?;
            let contexts = behind(records, self.spans, RECORD_BYTES)?;
            let strings = behind(contexts, self.contexts, CONTEXT_BYTES)?;
            let text = behind(strings, self.strings, 4)?;
            let end = behind(text, self.text, 1)?;
            Some([starts, records, contexts, strings, text, end])
        };
        let [.., data_len] = place(0)?;
        let checks = behind(FIXED_BYTES, self.regions, REGION_BYTES)?;
        let data = behind(checks, data_len.div_ceil(BLOCK_BYTES), 8)?;
        let [starts, records, contexts, strings, text, end] = place(data)?;
        let layout = Layout {
            key,
            flags,
            n_spans: self.spans,
            n_contexts: self.contexts,
            n_strings: self.strings,
            text_bytes: self.text,
            starts,
            records,
            contexts,
            strings,
            text,
            checks,
            data,
        };
        Some((layout, end))
    }
}

impl Layout {
    /// Reads the header; `None` when it is damaged or of another version.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, Vec<Region>)> {
        if !bytes.starts_with(&MAGIC) || u64_at(bytes, 16)? != bytes.len() as u64 {
            return None;
        }
        let count = |at| u32_at(bytes, at).and_then(|n| usize::try_from(n).ok());
        let counts = Counts {
            regions: count(36)?,
            spans: count(40)?,
            contexts: count(44)?,
            strings: count(48)?,
            text: usize::try_from(u64_at(bytes, 56)?).ok()?,
        };
        let (layout, end) = counts.layout(u64_at(bytes, 8)?, u32_at(bytes, 32)?)?;
        if end != bytes.len()
            || checksum(bytes.get(COVERED_FROM..layout.data)?) != u64_at(bytes, 24)?
        {
            return None;
        }
        let regions: Vec<Region> = bytes
            .get(FIXED_BYTES..layout.checks)?
            .chunks_exact(REGION_BYTES)
            .filter_map(|raw| {
                let number = |at| u32_at(raw, at).and_then(|n| usize::try_from(n).ok());
                Some(Region {
                    start: u64_at(raw, 0)?,
                    end: u64_at(raw, 8)?,
                    first: number(16)?,
                    n_spans: number(20)?,
                })
            })
            .collect();
        let inside = |r: &Region| r.first.saturating_add(r.n_spans) <= counts.spans;
        regions.iter().all(inside).then_some((layout, regions))
    }

    /// Position of the start of a sample.
    pub(super) fn sample(&self, number: usize) -> Option<usize> {
        let n_samples = self.n_spans.div_ceil(SAMPLE_EVERY);
        element(self.data, number, n_samples, 4)
    }

    /// Position of the start of a span.
    pub(super) fn start(&self, span: usize) -> Option<usize> {
        element(self.starts, span, self.n_spans, 4)
    }

    /// Position of the record of a span.
    pub(super) fn record(&self, span: usize) -> Option<usize> {
        element(self.records, span, self.n_spans, RECORD_BYTES)
    }

    /// Position of a context.
    pub(super) fn context(&self, number: usize) -> Option<usize> {
        element(self.contexts, number, self.n_contexts, CONTEXT_BYTES)
    }

    /// Position of the end of a string.
    pub(super) fn string_end(&self, number: usize) -> Option<usize> {
        element(self.strings, number, self.n_strings, 4)
    }

    /// Position of a part of the text.
    pub(super) fn text(&self, start: usize, len: usize) -> Option<usize> {
        (start.checked_add(len)? <= self.text_bytes).then(|| self.text + start)
    }
}

fn element(first: usize, number: usize, n: usize, each: usize) -> Option<usize> {
    (number < n).then(|| first + number * each)
}

/// Everything that goes into a file.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) regions: Vec<Region>,
    pub(super) starts: Vec<u32>,
    pub(super) records: Vec<[u32; 4]>,
    pub(super) contexts: Vec<[u32; 8]>,
    pub(super) string_ends: Vec<u32>,
    pub(super) text: Vec<u8>,
}

impl Content {
    /// The bytes of the file; `None` when there is too much of anything.
    pub(super) fn encode(self, key: u64, flags: u32) -> Option<Vec<u8>> {
        let counts = Counts {
            regions: self.regions.len(),
            spans: self.starts.len(),
            contexts: self.contexts.len(),
            strings: self.string_ends.len(),
            text: self.text.len(),
        };
        let (layout, end) = counts.layout(key, flags)?;
        let number = |n: usize| u32::try_from(n).ok();
        let mut bytes = Vec::with_capacity(end);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&key.to_le_bytes());
        bytes.extend_from_slice(&(end as u64).to_le_bytes());
        bytes.extend_from_slice(&[0; 8]);
        bytes.extend_from_slice(&flags.to_le_bytes());
        for n in [
            counts.regions,
            counts.spans,
            counts.contexts,
            counts.strings,
        ] {
            bytes.extend_from_slice(&number(n)?.to_le_bytes());
        }
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&(counts.text as u64).to_le_bytes());
        for region in &self.regions {
            bytes.extend_from_slice(&region.start.to_le_bytes());
            bytes.extend_from_slice(&region.end.to_le_bytes());
            bytes.extend_from_slice(&number(region.first)?.to_le_bytes());
            bytes.extend_from_slice(&number(region.n_spans)?.to_le_bytes());
        }
        bytes.resize(layout.data, 0);
        let samples = self.starts.iter().step_by(SAMPLE_EVERY);
        for n in samples.chain(&self.starts) {
            bytes.extend_from_slice(&n.to_le_bytes());
        }
        drop(self.starts);
        for n in self.records.iter().flatten() {
            bytes.extend_from_slice(&n.to_le_bytes());
        }
        drop(self.records);
        for n in self.contexts.iter().flatten().chain(&self.string_ends) {
            bytes.extend_from_slice(&n.to_le_bytes());
        }
        bytes.extend_from_slice(&self.text);
        let (head, data) = bytes.split_at_mut_checked(layout.data)?;
        let checks = head.get_mut(layout.checks..)?.chunks_exact_mut(8);
        for (check, block) in checks.zip(data.chunks(BLOCK_BYTES)) {
            check.copy_from_slice(&checksum(block).to_le_bytes());
        }
        let sum = checksum(head.get(COVERED_FROM..)?);
        head.get_mut(24..32)?.copy_from_slice(&sum.to_le_bytes());
        Some(bytes)
    }
}

/// A number of the file.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let raw = bytes.get(at..at.checked_add(4)?)?;
    raw.try_into().ok().map(u32::from_le_bytes)
}

/// A number of the file.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    let raw = bytes.get(at..at.checked_add(8)?)?;
    raw.try_into().ok().map(u64::from_le_bytes)
}

/// Length of a range of addresses, if it fits an offset.
pub(super) fn fits_offset(range: &Range<u64>) -> bool {
    u32::try_from(range.end.saturating_sub(range.start)).is_ok()
}
