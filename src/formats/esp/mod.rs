//! ESP-IDF core dumps: the header, the versions, the chips; each body and each carrier has a file here.
//!
//! Layout: ESP-IDF, `components/espcoredump` (`esp_core_dump_types.h`, `core_dump_elf.c`, `core_dump_binary.c`), and the
//! readers of Espressif's `esp-coredump`. Little-endian.
//!
//! | offset | field |
//! |---|---|
//! | 0 | u32 length of everything, checksum included |
//! | 4 | u32 version: chip << 16, major << 8, minor |
//! | 8 | u32 tasks, 12 u32 bytes of a task control block (not in 1.4) |
//! | 16 | u32 memory segments (not in 0.1 and 1.4) |
//! | 20 | u32 chip revision (0.3, 1.2, 1.3; in 1.4 at 8) |
//!
//! | version | body | checksum | header |
//! |---|---|---|---|
//! | 0.1 | tasks | CRC-32 | 16 bytes |
//! | 0.2 | tasks, segments | CRC-32 | 20 |
//! | 0.3 | tasks, segments | CRC-32 | 24 |
//! | 1.0, 1.1 | ELF core | CRC-32, SHA-256 | 20 |
//! | 1.2, 1.3 | ELF core | CRC-32, SHA-256 | 24 |
//! | 1.4 | ELF core | SHA-256 | 12 |

mod base64;
mod bin_body;
mod body;
pub(super) mod console;
pub(super) mod elf_body;
pub(super) mod flash;
mod frames;
mod image;
mod notes;
mod tcb;

use crate::model::{arch::Arch, register_file::RegisterFile};
use image::Image;

/// No dump of a device is longer: it would not fit into its flash.
const LARGEST_DUMP: usize = 64 << 20;
/// More tasks than a microcontroller runs.
const MOST_TASKS: u32 = 1024;
const MOST_SEGMENTS: u32 = 4096;

/// What stands in a dump whose first task could not be stored.
const NO_TASK: u32 = 0xDEAD_BEEF;
/// Stacks and control blocks of tasks that were too damaged to store are given addresses in this range.
const FAKE: std::ops::Range<u32> = 0x2000_0000..0x3000_0000;

/// Chips by the number in the version.
const CHIPS: [(u32, &str, Arch); 14] = [
    (0, "ESP32", Arch::Xtensa),
    (2, "ESP32-S2", Arch::Xtensa),
    (5, "ESP32-C3", Arch::Riscv32),
    (9, "ESP32-S3", Arch::Xtensa),
    (12, "ESP32-C2", Arch::Riscv32),
    (13, "ESP32-C6", Arch::Riscv32),
    (16, "ESP32-H2", Arch::Riscv32),
    (18, "ESP32-P4", Arch::Riscv32),
    (20, "ESP32-C61", Arch::Riscv32),
    (23, "ESP32-C5", Arch::Riscv32),
    (25, "ESP32-H21", Arch::Riscv32),
    (28, "ESP32-H4", Arch::Riscv32),
    (32, "ESP32-S31", Arch::Riscv32),
    (0xFFFF, "Linux simulation", Arch::Other),
];

/// What follows the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Body {
    /// Tasks, each with its control block and stack, then memory segments.
    Tasks,
    /// An ELF core file.
    Elf,
}

/// How the dump ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Checksum {
    Crc32,
    Sha256,
}

impl Checksum {
    fn len(self) -> usize {
        match self {
            Self::Crc32 => 4,
            Self::Sha256 => 32,
        }
    }
}

/// The header of a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Header {
    /// Bytes of the whole dump.
    total_len: usize,
    /// Bytes of the header.
    len: usize,
    body: Body,
    checksum: Checksum,
    chip: &'static str,
    arch: Arch,
    n_tasks: u32,
    tcb_len: u32,
    n_segments: u32,
}

impl Header {
    /// The header at the beginning of `image`, if every field of it makes sense.
    fn read(image: &Image<'_>) -> Option<Self> {
        let total_len = usize::try_from(image.u32(0)?).ok()?;
        let version = image.u32(4)?;
        let (len, body, checksum) = match version & 0xFFFF {
            0x001 => (16, Body::Tasks, Checksum::Crc32),
            0x002 => (20, Body::Tasks, Checksum::Crc32),
            0x003 => (24, Body::Tasks, Checksum::Crc32),
            0x100 => (20, Body::Elf, Checksum::Crc32),
            0x101 => (20, Body::Elf, Checksum::Sha256),
            0x102 => (24, Body::Elf, Checksum::Crc32),
            0x103 => (24, Body::Elf, Checksum::Sha256),
            0x104 => (12, Body::Elf, Checksum::Sha256),
            _ => return None,
        };
        let (_, chip, arch) = CHIPS.iter().find(|(id, _, _)| *id == version >> 16)?;
        if total_len < len + checksum.len() || total_len > LARGEST_DUMP {
            return None;
        }
        let mut header = Self {
            total_len,
            len,
            body,
            checksum,
            chip,
            arch: *arch,
            n_tasks: 0,
            tcb_len: 0,
            n_segments: 0,
        };
        if body == Body::Tasks {
            header.n_tasks = image.u32(8)?;
            header.tcb_len = image.u32(12)?;
            header.n_segments = if len > 16 { image.u32(16)? } else { 0 };
            let is_sane = (1..=MOST_TASKS).contains(&header.n_tasks)
                && (48..=8192).contains(&header.tcb_len)
                && header.n_segments <= MOST_SEGMENTS;
            return is_sane.then_some(header);
        }
        // A byte of the magic may lie in a damaged line; a wrong one may not.
        let magic = [0x7F, b'E', b'L', b'F'];
        let fits = (len..)
            .zip(magic)
            .all(|(at, byte)| image.byte(at).is_none_or(|found| found == byte));
        fits.then_some(header)
    }

    fn registers(&self) -> RegisterFile {
        self.arch.register_file()
    }
}
