//! Tar archives: POSIX ustar and pax, GNU, and the old form without a magic number.
//!
//! Layout: POSIX.1-2017, `pax`, "ustar Interchange Format": a header of 512 bytes, the file padded to 512, and two blocks
//! of zeros at the end. The header's sum counts its own field as spaces.

use super::{CutOff, Unpacking};
use crate::formats::lines::as_u64;
use crate::model::{progress::Cancelled, warning::Warning};
use std::io::{Cursor, Read as _};
use tar::EntryType;

const BLOCK: usize = 512;
const SUM_AT: std::ops::Range<usize> = 148..156;

/// True when the bytes begin with the header of a tar entry.
pub(super) fn is_tar(bytes: &[u8]) -> bool {
    let Some(header) = bytes.get(..BLOCK) else {
        return false;
    };
    let stored = header.get(SUM_AT).and_then(|field| {
        let digits: Vec<u8> = field
            .iter()
            .copied()
            .skip_while(|b| *b == b' ')
            .take_while(|b| (b'0'..=b'7').contains(b))
            .collect();
        u64::from_str_radix(std::str::from_utf8(&digits).ok()?, 8).ok()
    });
    let sum = header.iter().enumerate().fold(0, |sum: u64, (at, byte)| {
        let byte = if SUM_AT.contains(&at) { b' ' } else { *byte };
        sum.saturating_add(byte.into())
    });
    let has_name = header.first().is_some_and(|b| *b != 0);
    has_name && stored == Some(sum)
}

impl Unpacking<'_> {
    pub(super) fn tar(
        &mut self,
        bytes: &[u8],
        prefix: &str,
        depth: usize,
    ) -> Result<(), Cancelled> {
        let total = as_u64(bytes.len());
        let mut archive = tar::Archive::new(Cursor::new(bytes));
        let mut is_broken = !ends_with_zeros(bytes);
        if let Ok(entries) = archive.entries() {
            for entry in entries {
                let Ok(mut entry) = entry else {
                    is_broken = true;
                    break;
                };
                if self.is_one_too_many(prefix) {
                    return Ok(());
                }
                let start = entry.raw_file_position();
                self.progress.tick(start.min(total), total)?;
                let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                let refusal = match entry.header().entry_type() {
                    EntryType::Regular | EntryType::Continuous => None,
                    EntryType::Directory | EntryType::XGlobalHeader => continue,
                    EntryType::Symlink => Some("it is a symbolic link, which could point anywhere"),
                    EntryType::Link => Some("it is a link to another file of the archive"),
                    EntryType::GNUSparse => Some("it is stored with holes, which is not supported"),
                    _ => Some("it is no file"),
                };
                if let Some(reason) = refusal {
                    self.refuse(&format!("{prefix}{name}"), reason);
                    continue;
                }
                let size = entry.size();
                if size > total.saturating_sub(start) {
                    is_broken = true;
                    let mut reader = entry.chain(CutOff);
                    self.entry(&name, &mut reader, total, prefix, depth)?;
                } else {
                    self.entry(&name, &mut entry, size, prefix, depth)?;
                }
            }
        }
        if is_broken {
            self.out.warnings.push(Warning::at(
                "FS-TAR-001",
                total,
                format!(
                    "the archive{} is cut off or damaged; the files before that place were read",
                    if prefix.is_empty() {
                        String::new()
                    } else {
                        format!(" {}", prefix.trim_end_matches('/'))
                    }
                ),
            ));
        }
        Ok(())
    }
}

fn ends_with_zeros(bytes: &[u8]) -> bool {
    let tail = bytes.len().saturating_sub(BLOCK);
    bytes
        .get(tail..)
        .is_some_and(|block| block.iter().all(|b| *b == 0))
}

#[cfg(test)]
mod tests {
    use crate::formats::archive::{ArchiveLimits, Container, Unpacked, unpack};
    use crate::model::progress::Unattended;
    use std::io::Write as _;

    /// A ustar archive, written by hand.
    fn tar_of(files: &[(&str, u8, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (name, kind, bytes) in files {
            let mut header = vec![0; 512];
            header[..name.len()].copy_from_slice(name.as_bytes());
            header[100..108].copy_from_slice(b"0000644\0");
            let size = format!("{:011o}\0", bytes.len());
            header[124..136].copy_from_slice(size.as_bytes());
            header[148..156].fill(b' ');
            header[156] = *kind;
            header[257..265].copy_from_slice(b"ustar\x0000");
            let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            out.extend(header);
            out.extend(*bytes);
            out.resize(out.len().next_multiple_of(512), 0);
        }
        out.resize(out.len() + 1024, 0);
        out
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    fn unpacked(name: &str, bytes: &[u8]) -> Unpacked {
        unpack(name, bytes, &ArchiveLimits::default(), &Unattended).unwrap()
    }

    fn paths(unpacked: &Unpacked) -> Vec<&str> {
        unpacked.entries.iter().map(|e| e.path.as_str()).collect()
    }

    #[test]
    fn tars_plain_and_compressed_and_within_each_other_come_out() {
        let inner = tar_of(&[("deep.log", b'0', b"deep")]);
        let tar = tar_of(&[
            ("./a/b.log", b'0', b"hello"),
            ("dir/", b'5', b""),
            ("in.tar.gz", b'0', &gzip(&inner)),
            ("note.txt.gz", b'0', &gzip(b"note")),
        ]);
        let zst = zstd::encode_all(&tar[..], 3).unwrap();
        for (name, bytes) in [
            ("x.tar", tar.clone()),
            ("x.tgz", gzip(&tar)),
            ("x.tar.zst", zst),
        ] {
            assert!(Container::of(&bytes).is_some());
            let out = unpacked(name, &bytes);
            assert_eq!(
                paths(&out),
                ["a/b.log", "in.tar.gz/deep.log", "note.txt"],
                "{name}"
            );
            assert_eq!(out.entries[1].bytes, b"deep");
            assert_eq!((&out.refused, &out.warnings), (&Vec::new(), &Vec::new()));
        }
        let log = unpacked("logs/console.log.gz", &gzip(b"a line"));
        assert_eq!(paths(&log), ["console.log"]);
        assert_eq!(Container::of(&[0; 1024]), None);
    }

    #[test]
    fn paths_and_links_that_lead_out_are_refused() {
        let out = unpacked(
            "x.tar",
            &tar_of(&[
                ("../../evil", b'0', b"x"),
                ("/abs", b'0', b"x"),
                ("link", b'2', b""),
                ("hard", b'1', b""),
                ("pipe", b'6', b""),
                ("good", b'0', b"y"),
            ]),
        );
        assert_eq!(paths(&out), ["good"]);
        assert_eq!(out.refused.len(), 5);
        assert!(out.refused[0].reason.contains(".."));
        assert!(out.refused[2].reason.contains("symbolic link"));
    }

    #[test]
    fn a_cut_off_tar_gives_whole_files_and_the_beginning_of_the_last() {
        let text: String = (0..4000)
            .map(|n| format!("line {n} {}\n", n * n % 977))
            .collect();
        let tar = tar_of(&[("a.log", b'0', b"first"), ("b.log", b'0', text.as_bytes())]);
        for bytes in [tar[..tar.len() / 2].to_vec(), gzip(&tar)[..8000].to_vec()] {
            let out = unpacked("x.tar", &bytes);
            assert_eq!(paths(&out), ["a.log", "b.log"]);
            let part = &out.entries[1].bytes;
            assert!(part.len() > 1000 && text.as_bytes().starts_with(part));
            assert!(out.warnings.iter().any(|w| w.code == "FS-TAR-001"));
        }
    }

    #[test]
    fn bombs_are_stopped_and_layers_of_compression_counted() {
        let zeros = vec![0; 64 << 20];
        let out = unpacked("x.log.gz", &gzip(&zeros));
        assert!(out.entries.is_empty());
        assert!(out.refused[0].reason.contains("bomb"), "{:?}", out.refused);
        let mut layers = b"core".to_vec();
        for _ in 0..6 {
            layers = gzip(&layers);
        }
        let out = unpacked("x.gz", &layers);
        assert!(out.refused[0].reason.contains("too many archives"));
    }

    #[test]
    fn no_truncation_and_no_flipped_bit_stops_the_unpacking() {
        let tar = tar_of(&[
            ("a", b'0', &b"an ordinary line\n".repeat(40)),
            ("b", b'0', b"x"),
        ]);
        for mut bytes in [
            tar.clone(),
            gzip(&tar),
            zstd::encode_all(&tar[..], 1).unwrap(),
        ] {
            for end in 0..bytes.len() {
                _ = unpacked("x", &bytes[..end]);
            }
            for bit in 0..bytes.len() * 8 {
                bytes[bit / 8] ^= 1 << (bit % 8);
                _ = unpacked("x", &bytes);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}
