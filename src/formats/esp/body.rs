//! One dump: its header, its checksum, its body.

use super::image::Image;
use super::{Body, Checksum, Header, bin_body, elf_body};
use crate::model::{coredump::Coredump, warning::Warning};
use sha2::{Digest as _, Sha256};

/// Reads the dump at the beginning of the image; `None` when there is none. With it, how many bytes it takes.
pub(super) fn read(image: &Image<'_>, format: &'static str) -> Option<(Coredump, usize)> {
    let header = Header::read(image)?;
    let mut dump = Coredump::new(format, header.arch);
    let len = header.total_len.min(image.len());
    let body_end = header
        .total_len
        .saturating_sub(header.checksum.len())
        .min(image.len());
    if len < header.total_len {
        dump.warnings.push(Warning::at(
            "FS-ESP-003",
            image.place(len),
            format!(
                "the dump is cut off: {len} of its {} bytes are there; what is left was read",
                header.total_len
            ),
        ));
    } else if image.is_whole() && !is_checksum_right(image, body_end, header.checksum) {
        let name = match header.checksum {
            Checksum::Crc32 => "CRC-32",
            Checksum::Sha256 => "SHA-256",
        };
        dump.warnings.push(Warning::at(
            "FS-ESP-002",
            image.place(body_end),
            format!(
                "the {name} of this {} dump is wrong: some of it was damaged on the way, and any value may be wrong",
                header.chip
            ),
        ));
    }
    match header.body {
        Body::Elf => elf_body::read(image, header.len..body_end, &mut dump),
        Body::Tasks => bin_body::read(image, header.len..body_end, &header, &mut dump),
    }
    Some((dump, len))
}

fn is_checksum_right(image: &Image<'_>, end: usize, checksum: Checksum) -> bool {
    let covered = image.first(end);
    let stored = image.get(end..end.saturating_add(checksum.len()));
    match checksum {
        Checksum::Crc32 => {
            let mut crc = flate2::Crc::new();
            crc.update(covered);
            stored == Some(&crc.sum().to_le_bytes())
        }
        Checksum::Sha256 => stored == Some(Sha256::digest(covered).as_slice()),
    }
}
