//! Compressed sections: `SHF_COMPRESSED` (gABI, "Section Compression") and the older `.zdebug_*` of GNU.

use super::elf_image::{ElfImage, Section};
use object::elf;
use object::read::{CompressedData, CompressionFormat};

/// The most that is unpacked from one section.
const LARGEST_UNPACKED_BYTES: u64 = 1 << 30;
/// Deflate cannot pack better than 1032 to 1; zstd can, but debug information never does.
const LARGEST_RATIO: u64 = 1100;

/// The bytes of a section as they are, or unpacked, or why they cannot be.
pub enum Contents {
    /// Not compressed: use the file's bytes.
    Plain,
    /// Unpacked.
    Unpacked(Vec<u8>),
    /// Damaged, in words.
    Damaged(String),
}

/// Unpacks a section if it is compressed. `bytes` are the section's bytes in the file.
pub fn unpack(section: &Section, bytes: &[u8], tables: &ElfImage) -> Contents {
    let data = if section.flags & u64::from(elf::SHF_COMPRESSED) != 0 {
        gabi(bytes, tables)
    } else if section.name.starts_with(".zdebug") && bytes.starts_with(b"ZLIB") {
        gnu(bytes)
    } else {
        return Contents::Plain;
    };
    let Some(data) = data else {
        return Contents::Damaged("its compression header is damaged".to_owned());
    };
    let packed = data.data.len() as u64;
    if data.uncompressed_size > LARGEST_UNPACKED_BYTES
        || data.uncompressed_size > packed.saturating_mul(LARGEST_RATIO)
    {
        return Contents::Damaged(format!(
            "it claims to unpack from {packed} to {} bytes",
            data.uncompressed_size
        ));
    }
    match data.decompress() {
        Ok(unpacked) => Contents::Unpacked(unpacked.into_owned()),
        Err(error) => Contents::Damaged(error.to_string()),
    }
}

/// `Elf32_Chdr` {u32 type, size, align}; `Elf64_Chdr` {u32 type, reserved; u64 size, align}.
fn gabi<'a>(bytes: &'a [u8], tables: &ElfImage) -> Option<CompressedData<'a>> {
    let u32_at = |at: usize| {
        let raw: [u8; 4] = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if tables.big_endian {
            u32::from_be_bytes(raw)
        } else {
            u32::from_le_bytes(raw)
        })
    };
    let (size, data_at) = if tables.is_64 {
        let (first, second) = (u64::from(u32_at(8)?), u64::from(u32_at(12)?));
        let size = if tables.big_endian {
            (first << 32) | second
        } else {
            (second << 32) | first
        };
        (size, 24)
    } else {
        (u64::from(u32_at(4)?), 12)
    };
    let format = match u32_at(0)? {
        elf::ELFCOMPRESS_ZLIB => CompressionFormat::Zlib,
        elf::ELFCOMPRESS_ZSTD => CompressionFormat::Zstandard,
        _ => return None,
    };
    Some(CompressedData {
        format,
        data: bytes.get(data_at..)?,
        uncompressed_size: size,
    })
}

/// "ZLIB", u64 size (most significant byte first), zlib stream.
fn gnu(bytes: &[u8]) -> Option<CompressedData<'_>> {
    let size: [u8; 8] = bytes.get(4..12)?.try_into().ok()?;
    Some(CompressedData {
        format: CompressionFormat::Zlib,
        data: bytes.get(12..)?,
        uncompressed_size: u64::from_be_bytes(size),
    })
}
