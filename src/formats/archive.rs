//! Zip archives from strangers: unpacked in memory, within limits, never by a path of theirs.
//!
//! Layout: PKWARE APPNOTE.TXT 6.3, sections 4.3.7 (local header) and 4.3.12 (directory). The directory stands at the
//! end; when it is cut off, the local headers are walked instead.
//!
//! Sizes are counted while inflating. What a header claims is never believed.

use super::{
    bytes::{Bytes, u32_at},
    lines::as_u64,
};
use crate::model::{
    progress::{Cancelled, Progress},
    warning::Warning,
};
use std::io::{Cursor, Read};

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
const EMPTY_ARCHIVE: &[u8] = b"PK\x05\x06";
/// Read at once while inflating.
const CHUNK: usize = 64 * 1024;
/// Small files may well compress better than the limit on the ratio.
const RATIO_COUNTS_FROM: u64 = 1 << 20;

/// No archive of logs and dumps as a whole packs better.
const USUAL_RATIO: u64 = 20;
/// Longer paths are refused: thousands of entries in an archive within repeat the path that leads to it.
const LONGEST_PATH: usize = 1024;
/// So much of a refused path is kept.
const LONGEST_REFUSED_PATH: usize = 200;

/// How much an archive may make us do.
#[derive(Clone, Debug)]
pub struct ArchiveLimits {
    /// Entries, those of archives within included.
    pub max_entries: usize,
    /// Bytes of all entries together, unpacked.
    pub max_total_bytes: u64,
    /// Bytes that any archive may unpack to; a larger one may to a usual multiple of its size.
    pub small_total_bytes: u64,
    /// Unpacked bytes per packed byte, of one entry.
    pub max_ratio: u64,
    /// Archives within archives: 1 unpacks only the outermost.
    pub max_depth: usize,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            max_entries: 20_000,
            max_total_bytes: 2 << 30,
            small_total_bytes: 192 << 20,
            max_ratio: 200,
            max_depth: 3,
        }
    }
}

/// One unpacked file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveEntry {
    /// Its path in the archive, with `/`, never absolute, never with `..`.
    pub path: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// One entry that was not unpacked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Its path as the archive has it; empty for the archive as a whole.
    pub path: String,
    /// Why, in words.
    pub reason: String,
}

/// What came out of an archive.
#[derive(Clone, Debug, Default)]
pub struct Unpacked {
    /// Files, in the order of the archive.
    pub entries: Vec<ArchiveEntry>,
    /// What was left out.
    pub refused: Vec<Refused>,
    /// What was wrong with the archive.
    pub warnings: Vec<Warning>,
}

/// True when the bytes begin like a zip archive.
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(LOCAL_HEADER) || bytes.starts_with(EMPTY_ARCHIVE)
}

/// Unpacks a zip archive and the archives in it.
pub fn unpack_zip(
    bytes: &[u8],
    limits: &ArchiveLimits,
    progress: &dyn Progress,
) -> Result<Unpacked, Cancelled> {
    let usual = as_u64(bytes.len()).saturating_mul(USUAL_RATIO);
    let mut unpacking = Unpacking {
        limits,
        progress,
        largest_total: usual
            .max(limits.small_total_bytes)
            .min(limits.max_total_bytes),
        out: Unpacked::default(),
        n_bytes: 0,
        n_entries: 0,
        is_full: false,
    };
    unpacking.archive(bytes, "", 1)?;
    Ok(unpacking.out)
}

struct Unpacking<'a> {
    limits: &'a ArchiveLimits,
    progress: &'a dyn Progress,
    largest_total: u64,
    out: Unpacked,
    n_bytes: u64,
    n_entries: usize,
    is_full: bool,
}

/// How the reading of one entry ended.
enum Inflated {
    Whole(Vec<u8>),
    /// The data end or break off here.
    Partial(Vec<u8>, String),
    Refused(String),
}

impl Unpacking<'_> {
    fn archive(&mut self, bytes: &[u8], prefix: &str, depth: usize) -> Result<(), Cancelled> {
        self.progress.tick(0, as_u64(bytes.len()))?;
        match zip::ZipArchive::new(Cursor::new(bytes)) {
            Ok(archive) => self.by_directory(archive, bytes.len(), prefix, depth),
            Err(_no_directory) => self.by_local_headers(bytes, prefix, depth),
        }
    }

    fn by_directory(
        &mut self,
        mut archive: zip::ZipArchive<Cursor<&[u8]>>,
        len: usize,
        prefix: &str,
        depth: usize,
    ) -> Result<(), Cancelled> {
        if self.n_entries.saturating_add(archive.len()) > self.limits.max_entries {
            self.refuse(
                prefix.trim_end_matches('/'),
                &format!(
                    "the archive holds {} entries; at most {} are unpacked. Unpack it yourself and import the part that matters",
                    archive.len(),
                    self.limits.max_entries
                ),
            );
            return Ok(());
        }
        let total = as_u64(len);
        for index in 0..archive.len() {
            if self.is_full {
                return Ok(());
            }
            self.n_entries = self.n_entries.saturating_add(1);
            let done = as_u64(index)
                .saturating_mul(total)
                .checked_div(as_u64(archive.len()));
            self.progress.tick(done.unwrap_or(0), total)?;
            let name = match archive.name_for_index(index) {
                Some(Ok(name)) => name.into_owned(),
                _ => format!("entry {index}"),
            };
            let mut entry = match archive.by_index(index) {
                Ok(entry) => entry,
                Err(error) => {
                    self.refuse(
                        &format!("{prefix}{name}"),
                        &format!("it cannot be read: {error}"),
                    );
                    continue;
                }
            };
            if entry.is_dir() {
                continue;
            }
            if entry.is_symlink() {
                self.refuse(
                    &format!("{prefix}{name}"),
                    "it is a symbolic link, which could point anywhere",
                );
                continue;
            }
            let packed = entry.compressed_size();
            self.entry(&name, &mut entry, packed, prefix, depth)?;
        }
        Ok(())
    }

    /// Without a directory: every local header, in the order of the bytes.
    fn by_local_headers(
        &mut self,
        bytes: &[u8],
        prefix: &str,
        depth: usize,
    ) -> Result<(), Cancelled> {
        self.out.warnings.push(Warning::at(
            "FS-ZIP-001",
            as_u64(bytes.len()),
            format!(
                "the archive{} has no directory at its end: it is cut off; the files that are whole, and the beginning of the last one, were read",
                if prefix.is_empty() { String::new() } else { format!(" {}", prefix.trim_end_matches('/')) }
            ),
        ));
        let mut at: usize = 0;
        while let Some(found) = bytes
            .get(at..)
            .and_then(|rest| memchr::memmem::find(rest, LOCAL_HEADER))
        {
            let start = at.saturating_add(found);
            at = start.saturating_add(LOCAL_HEADER.len());
            let Some(header) = LocalHeader::read(bytes, start) else {
                continue;
            };
            self.n_entries = self.n_entries.saturating_add(1);
            if self.n_entries > self.limits.max_entries || self.is_full {
                self.refuse(
                    prefix.trim_end_matches('/'),
                    &format!(
                        "the archive holds more than {} entries; the rest was left out",
                        self.limits.max_entries
                    ),
                );
                return Ok(());
            }
            self.progress.tick(as_u64(start), as_u64(bytes.len()))?;
            let data = bytes.get(header.data_at..).unwrap_or(&[]);
            let packed_len = header.packed_len(data);
            let packed = data.get(..packed_len).unwrap_or(data);
            if !header.name.ends_with('/') {
                let is_short = header.claimed > packed.len();
                let len = as_u64(packed.len());
                match header.method {
                    0 if is_short => {
                        let mut reader = packed.chain(CutOff);
                        self.entry(&header.name, &mut reader, len, prefix, depth)?;
                    }
                    0 => self.entry(&header.name, &mut &*packed, len, prefix, depth)?,
                    8 => {
                        let mut reader = flate2::read::DeflateDecoder::new(packed);
                        self.entry(&header.name, &mut reader, len, prefix, depth)?;
                    }
                    n => self.refuse(
                        &format!("{prefix}{}", header.name),
                        &format!("its compression method ({n}) is not supported"),
                    ),
                }
            }
            at = header.data_at.saturating_add(packed_len).max(at);
        }
        Ok(())
    }

    fn entry(
        &mut self,
        name: &str,
        reader: &mut dyn Read,
        packed: u64,
        prefix: &str,
        depth: usize,
    ) -> Result<(), Cancelled> {
        let path = match safe_path(name) {
            Ok(path) if prefix.len().saturating_add(path.len()) > LONGEST_PATH => {
                self.refuse(&format!("{prefix}{name}"), "its path is too long");
                return Ok(());
            }
            Ok(path) => format!("{prefix}{path}"),
            Err(reason) => {
                self.refuse(&format!("{prefix}{name}"), reason);
                return Ok(());
            }
        };
        let bytes = match self.inflate(reader, packed)? {
            Inflated::Whole(bytes) => bytes,
            Inflated::Partial(bytes, why) if bytes.is_empty() => {
                self.refuse(&path, &why);
                return Ok(());
            }
            Inflated::Partial(bytes, why) => {
                self.out.warnings.push(Warning::new(
                    "FS-ZIP-002",
                    format!(
                        "{path} is only partly there ({why}); its first {} bytes were read",
                        bytes.len()
                    ),
                ));
                bytes
            }
            Inflated::Refused(reason) => {
                self.refuse(&path, &reason);
                return Ok(());
            }
        };
        if !is_zip(&bytes) {
            self.out.entries.push(ArchiveEntry { path, bytes });
            return Ok(());
        }
        if depth >= self.limits.max_depth {
            self.refuse(
                &path,
                "it is an archive within too many archives; unpack it yourself and import it",
            );
            return Ok(());
        }
        self.archive(&bytes, &format!("{path}/"), depth.saturating_add(1))
    }

    fn inflate(&mut self, reader: &mut dyn Read, packed: u64) -> Result<Inflated, Cancelled> {
        let mut bytes = Vec::new();
        let mut chunk = vec![0; CHUNK];
        let largest = packed
            .saturating_mul(self.limits.max_ratio)
            .max(RATIO_COUNTS_FROM);
        loop {
            let n = match reader.read(&mut chunk) {
                Ok(0) => return Ok(Inflated::Whole(bytes)),
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Inflated::Partial(bytes, error.to_string())),
            };
            self.n_bytes = self.n_bytes.saturating_add(as_u64(n));
            bytes.extend_from_slice(chunk.get(..n).unwrap_or(&[]));
            let unpacked = as_u64(bytes.len());
            self.progress.tick(unpacked.min(largest), largest)?;
            if self.n_bytes > self.largest_total {
                self.is_full = true;
                return Ok(Inflated::Refused(format!(
                    "the archive unpacks to more than {} MB; this file and what follows were left out",
                    self.largest_total.div_ceil(1 << 20)
                )));
            }
            if unpacked > largest {
                return Ok(Inflated::Refused(format!(
                    "it unpacks to more than {} times its size, as no capture does (a zip bomb)",
                    self.limits.max_ratio
                )));
            }
        }
    }

    fn refuse(&mut self, path: &str, reason: &str) {
        let path = if path.len() > LONGEST_REFUSED_PATH {
            let mut short: String = path.chars().take(LONGEST_REFUSED_PATH).collect();
            short.push('\u{2026}');
            short
        } else {
            path.to_owned()
        };
        self.out.refused.push(Refused {
            path,
            reason: reason.to_owned(),
        });
    }
}

/// The end of a stored entry whose bytes are not all there.
struct CutOff;

impl Read for CutOff {
    fn read(&mut self, _buf: &mut [u8]) -> std::io::Result<usize> {
        Err(std::io::Error::new(
            std::io::ErrorKind::UnexpectedEof,
            "the archive ends within it",
        ))
    }
}

struct LocalHeader {
    name: String,
    method: u16,
    /// The packed size that the header claims; 0 when it stands behind the data.
    claimed: usize,
    is_size_behind: bool,
    data_at: usize,
}

impl LocalHeader {
    fn read(bytes: &[u8], start: usize) -> Option<Self> {
        let mut at = Bytes::new(bytes.get(start..)?);
        _ = at.take(6)?; // signature, version
        let flags = at.u16()?;
        let method = at.u16()?;
        _ = at.take(8)?; // time, date, CRC
        let claimed = at.u32()?;
        _ = at.u32()?; // unpacked size: not believed
        let name_len = at.u16()?;
        let extra_len = at.u16()?;
        let name = String::from_utf8_lossy(at.take(name_len.into())?).into_owned();
        _ = at.take(extra_len.into())?;
        let is_encrypted = flags & 1 != 0;
        Some(Self {
            name,
            method: if is_encrypted { u16::MAX } else { method },
            claimed: usize::try_from(claimed).ok()?,
            // Bit 3, or a size that only the extra field of zip64 holds.
            is_size_behind: flags & 8 != 0 || claimed == u32::MAX,
            data_at: start.saturating_add(at.offset()),
        })
    }

    /// The packed bytes that are there.
    fn packed_len(&self, data: &[u8]) -> usize {
        if self.is_size_behind && self.claimed == 0 || self.claimed == usize::MAX {
            // Up to the next header; the inflater stops by itself before that.
            return next_header(data).unwrap_or(data.len());
        }
        self.claimed.min(data.len())
    }
}

fn next_header(data: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(data, b"PK").find(|at| {
        matches!(
            u32_at(data, *at),
            Some(0x0403_4B50 | 0x0807_4B50 | 0x0201_4B50)
        )
    })
}

/// The path with `/` and without empty steps, or why it is refused.
fn safe_path(name: &str) -> Result<String, &'static str> {
    let name = name.replace('\\', "/");
    if name.chars().any(char::is_control) {
        return Err("its name holds control characters");
    }
    if name.starts_with('/') {
        return Err("its path is absolute");
    }
    let mut steps = Vec::new();
    for step in name.split('/') {
        match step {
            "" | "." => {}
            ".." => return Err("its path leads out of the archive (..)"),
            step if steps.is_empty() && step.as_bytes().get(1) == Some(&b':') => {
                return Err("its path begins with a drive letter");
            }
            step => steps.push(step),
        }
    }
    if steps.is_empty() {
        return Err("it has no name");
    }
    Ok(steps.join("/"))
}

#[cfg(test)]
#[expect(clippy::format_collect, reason = "test inputs are small")]
mod tests {
    use super::{ArchiveLimits, Unpacked, is_zip, unpack_zip};
    use crate::model::progress::Unattended;
    use std::io::{Cursor, Write as _};
    use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

    fn zip_of(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        for (name, bytes) in files {
            writer.start_file(*name, options).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn unpacked(bytes: &[u8], limits: &ArchiveLimits) -> Unpacked {
        unpack_zip(bytes, limits, &Unattended).unwrap()
    }

    fn paths(unpacked: &Unpacked) -> Vec<&str> {
        unpacked.entries.iter().map(|e| e.path.as_str()).collect()
    }

    /// Replaces a name by another of the same length, in the local header and in the directory.
    fn renamed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
        assert_eq!(from.len(), to.len());
        let mut bytes = bytes.to_vec();
        while let Some(at) = memchr::memmem::find(&bytes, from.as_bytes()) {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        bytes
    }

    #[test]
    fn files_and_archives_within_come_out_with_their_paths() {
        let inner = zip_of(&[("deep.log", b"deep")], CompressionMethod::Deflated);
        let bytes = zip_of(
            &[("a/./b.log", b"hello"), ("more.zip", &inner)],
            CompressionMethod::Deflated,
        );
        assert!(is_zip(&bytes));
        let out = unpacked(&bytes, &ArchiveLimits::default());
        assert_eq!(paths(&out), ["a/b.log", "more.zip/deep.log"]);
        assert_eq!(out.entries[1].bytes, b"deep");
        assert!(out.refused.is_empty() && out.warnings.is_empty());
        let shallow = ArchiveLimits {
            max_depth: 1,
            ..ArchiveLimits::default()
        };
        let out = unpacked(&bytes, &shallow);
        assert_eq!(out.refused[0].path, "more.zip");
    }

    #[test]
    fn paths_that_lead_out_are_refused_in_words() {
        let plain = zip_of(
            &[("aa/bb/evil", b"x"), ("good", b"y")],
            CompressionMethod::Stored,
        );
        for (evil, reason) in [
            ("../../evil", ".."),
            ("..\\..\\evil", ".."),
            ("/a/bb/evil", "absolute"),
            ("C:/bb/evil", "drive letter"),
            ("C:\\bb\\evil", "drive letter"),
            ("a\0/bb/evil", "control characters"),
        ] {
            let out = unpacked(
                &renamed(&plain, "aa/bb/evil", evil),
                &ArchiveLimits::default(),
            );
            assert_eq!(paths(&out), ["good"], "{evil}");
            assert!(
                out.refused[0].reason.contains(reason),
                "{evil}: {}",
                out.refused[0].reason
            );
        }
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        writer
            .add_symlink("link", "/etc/passwd", SimpleFileOptions::default())
            .unwrap();
        let out = unpacked(
            &writer.finish().unwrap().into_inner(),
            &ArchiveLimits::default(),
        );
        assert!(out.entries.is_empty());
        assert!(out.refused[0].reason.contains("symbolic link"));
    }

    #[test]
    fn a_bomb_and_an_archive_that_is_too_large_are_stopped_while_inflating() {
        let zeros = vec![0; 8 << 20];
        let bomb = zip_of(
            &[("bomb", &zeros), ("after", b"x")],
            CompressionMethod::Deflated,
        );
        let out = unpacked(&bomb, &ArchiveLimits::default());
        assert_eq!(paths(&out), ["after"]);
        assert!(out.refused[0].reason.contains("zip bomb"));
        let small = ArchiveLimits {
            max_total_bytes: 1 << 20,
            max_ratio: 1 << 20,
            ..ArchiveLimits::default()
        };
        let out = unpacked(&bomb, &small);
        assert!(out.entries.is_empty());
        assert!(out.refused[0].reason.contains("more than 1 MB"));
    }

    #[test]
    fn a_small_archive_may_not_fill_the_memory_with_many_files_of_an_allowed_ratio() {
        // Each file packs 1:100, which a file of a little text and many zeros may; all together they are a bomb.
        let mut part = vec![0; 64 << 10];
        let mut state = 1u32;
        for byte in part.iter_mut().take(500) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = state.to_le_bytes()[3];
        }
        let names: Vec<String> = (0..60).map(|n| format!("{n}.log")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &part[..])).collect();
        let bytes = zip_of(&files, CompressionMethod::Deflated);
        let limits = ArchiveLimits {
            small_total_bytes: 2 << 20,
            ..ArchiveLimits::default()
        };
        let out = unpacked(&bytes, &limits);
        let n_bytes: usize = out.entries.iter().map(|e| e.bytes.len()).sum();
        assert!((1 << 20..=2 << 20).contains(&n_bytes), "{n_bytes}");
        assert!(out.refused[0].reason.contains("2 MB"), "{:?}", out.refused);
        let default = unpacked(&bytes, &ArchiveLimits::default());
        assert_eq!(default.entries.len(), 60);
    }

    #[test]
    fn a_long_path_is_refused_and_not_repeated_for_each_entry_below_it() {
        let inner = zip_of(&[("a", b"1"), ("b", b"2")], CompressionMethod::Stored);
        let (long, longer) = ("n".repeat(1023) + "/", "m".repeat(60_000));
        let long_name = format!("{long}x.zip");
        let bytes = zip_of(
            &[(&longer, &inner), (&long_name, &inner), ("ok.zip", &inner)],
            CompressionMethod::Stored,
        );
        let out = unpacked(&bytes, &ArchiveLimits::default());
        assert_eq!(paths(&out), ["ok.zip/a", "ok.zip/b"]);
        assert_eq!(out.refused.len(), 2);
        assert!(
            out.refused
                .iter()
                .all(|r| r.path.len() < 300 && r.reason.contains("too long"))
        );
    }

    #[test]
    fn too_many_entries_are_refused() {
        let names: Vec<String> = (0..300).map(|n| format!("{n}")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
        let bytes = zip_of(&files, CompressionMethod::Stored);
        let limits = ArchiveLimits {
            max_entries: 299,
            ..ArchiveLimits::default()
        };
        let out = unpacked(&bytes, &limits);
        assert!(out.entries.is_empty());
        assert!(
            out.refused[0].reason.contains("300 entries"),
            "{}",
            out.refused[0].reason
        );
    }

    #[test]
    fn a_cut_off_archive_gives_whole_files_and_the_beginning_of_the_last() {
        let text: String = (0..4000)
            .map(|n| format!("line {n} {}\n", n * n % 977))
            .collect();
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let bytes = zip_of(
                &[("first.log", b"first"), ("second.log", text.as_bytes())],
                method,
            );
            let out = unpacked(&bytes[..bytes.len() / 2], &ArchiveLimits::default());
            assert_eq!(paths(&out), ["first.log", "second.log"], "{method:?}");
            assert_eq!(out.entries[0].bytes, b"first");
            let part = &out.entries[1].bytes;
            assert!(
                part.len() > 1000 && text.as_bytes().starts_with(part),
                "{method:?}"
            );
            let codes: Vec<&str> = out.warnings.iter().map(|w| w.code.as_str()).collect();
            assert_eq!(codes, ["FS-ZIP-001", "FS-ZIP-002"]);
        }
    }

    #[test]
    fn no_truncation_and_no_flipped_bit_stops_the_unpacking() {
        let text = "an ordinary log line 123\n".repeat(60);
        let inner = zip_of(&[("x", text.as_bytes())], CompressionMethod::Deflated);
        let mut bytes = zip_of(
            &[("a", text.as_bytes()), ("b.zip", &inner)],
            CompressionMethod::Deflated,
        );
        for end in 0..bytes.len() {
            _ = unpacked(&bytes[..end], &ArchiveLimits::default());
        }
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            _ = unpacked(&bytes, &ArchiveLimits::default());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
