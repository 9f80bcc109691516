//! Zip archives.
//!
//! Layout: PKWARE APPNOTE.TXT 6.3, sections 4.3.7 (local header) and 4.3.12 (directory). The directory stands at the
//! end; when it is cut off, the local headers are walked instead.

use super::{CutOff, Unpacking};
use crate::formats::{
    bytes::{Bytes, u32_at},
    lines::as_u64,
};
use crate::model::{progress::Cancelled, warning::Warning};
use std::io::{Cursor, Read as _};

const LOCAL_HEADER: &[u8] = b"PK\x03\x04";
const EMPTY_ARCHIVE: &[u8] = b"PK\x05\x06";

/// True when the bytes begin like a zip archive.
pub(super) fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(LOCAL_HEADER) || bytes.starts_with(EMPTY_ARCHIVE)
}

impl Unpacking<'_> {
    pub(super) fn zip(
        &mut self,
        bytes: &[u8],
        prefix: &str,
        depth: usize,
    ) -> Result<(), Cancelled> {
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
            if self.is_one_too_many(prefix) {
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
