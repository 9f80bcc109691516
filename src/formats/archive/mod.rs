//! Archives from strangers: unpacked in memory, within limits, never by a path of theirs. One file a container.
//!
//! Containers may lie in each other. A compressed file (gzip, zstd) is an archive of one file; of a tar it is one
//! archive with it. Sizes are counted while inflating: what a header claims is never believed.

mod compressed;
mod recording;
mod tar;
mod zip;

use super::lines::as_u64;
use super::recording::is_recording;
use crate::model::{
    progress::{Cancelled, Progress},
    warning::Warning,
};
use std::io::Read;

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

/// What holds files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// One file, gzip.
    Gzip,
    /// A live session: a file a stream.
    Recording,
    /// Many files, one behind the other.
    Tar,
    /// Many files with a directory.
    Zip,
    /// One file, Zstandard.
    Zstd,
}

/// No container is known by later bytes than these.
pub const HEAD_BYTES: usize = 512;

impl Container {
    /// The container that the bytes begin like.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        if zip::is_zip(bytes) {
            Some(Self::Zip)
        } else if bytes.starts_with(compressed::GZIP) {
            Some(Self::Gzip)
        } else if bytes.starts_with(compressed::ZSTD) {
            Some(Self::Zstd)
        } else if is_recording(bytes) {
            Some(Self::Recording)
        } else if tar::is_tar(bytes) {
            Some(Self::Tar)
        } else {
            None
        }
    }

    /// Its id, as formats have one.
    pub fn id(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Recording => "fscap",
            Self::Tar => "tar",
            Self::Zip => "zip",
            Self::Zstd => "zstd",
        }
    }
}

/// Unpacks an archive called `name` and the archives in it.
pub fn unpack(
    name: &str,
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
    match Container::of(bytes) {
        Some(Container::Gzip | Container::Zstd) => unpacking.compressed_input(name, bytes)?,
        Some(container) => unpacking.archive(container, bytes, "", 1)?,
        None => {}
    }
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
    /// Unpacks a container whose files get `prefix` before their paths.
    fn archive(
        &mut self,
        container: Container,
        bytes: &[u8],
        prefix: &str,
        depth: usize,
    ) -> Result<(), Cancelled> {
        self.progress.tick(0, as_u64(bytes.len()))?;
        match container {
            Container::Zip => self.zip(bytes, prefix, depth),
            Container::Tar => self.tar(bytes, prefix, depth),
            Container::Recording => self.recording(bytes, prefix, depth),
            Container::Gzip | Container::Zstd => {
                self.compressed(container, bytes, prefix.trim_end_matches('/'), depth)
            }
        }
    }

    /// Counts an entry; true when there were too many.
    fn is_one_too_many(&mut self, prefix: &str) -> bool {
        self.n_entries = self.n_entries.saturating_add(1);
        let is_over = self.n_entries > self.limits.max_entries || self.is_full;
        if is_over {
            self.refuse(
                prefix.trim_end_matches('/'),
                &format!(
                    "the archive holds more than {} entries; the rest was left out",
                    self.limits.max_entries
                ),
            );
        }
        is_over
    }

    /// Unpacks one file out of an archive, and what is in it if it is one itself.
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
        match self.inflate_to(&path, reader, packed)? {
            Some(bytes) => self.unpacked(path, bytes, depth),
            None => Ok(()),
        }
    }

    /// The bytes of a file, or a refusal.
    fn inflate_to(
        &mut self,
        path: &str,
        reader: &mut dyn Read,
        packed: u64,
    ) -> Result<Option<Vec<u8>>, Cancelled> {
        Ok(match self.inflate(reader, packed)? {
            Inflated::Whole(bytes) => Some(bytes),
            Inflated::Partial(bytes, why) if bytes.is_empty() => {
                self.refuse(path, &why);
                None
            }
            Inflated::Partial(bytes, why) => {
                self.out.warnings.push(Warning::new(
                    "FS-ZIP-002",
                    format!(
                        "{path} is only partly there ({why}); its first {} bytes were read",
                        bytes.len()
                    ),
                ));
                Some(bytes)
            }
            Inflated::Refused(reason) => {
                self.refuse(path, &reason);
                None
            }
        })
    }

    /// Keeps a file, or unpacks it when it is an archive.
    fn unpacked(&mut self, path: String, bytes: Vec<u8>, depth: usize) -> Result<(), Cancelled> {
        let Some(container) = Container::of(&bytes) else {
            self.out.entries.push(ArchiveEntry { path, bytes });
            return Ok(());
        };
        if depth >= self.limits.max_depth {
            self.refuse(
                &path,
                "it is an archive within too many archives; unpack it yourself and import it",
            );
            return Ok(());
        }
        self.archive(
            container,
            &bytes,
            &format!("{path}/"),
            depth.saturating_add(1),
        )
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
    use super::{ArchiveLimits, Container, Unpacked, unpack};
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
        unpack("capture", bytes, limits, &Unattended).unwrap()
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
        assert_eq!(Container::of(&bytes), Some(Container::Zip));
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
