//! Zephyr core dumps: the binary form, as the flash back end stores it and as the text form spells it in hex.
//!
//! Layout: Zephyr documentation, "Core Dump", section "File Format"; `include/zephyr/debug/coredump.h`.
//!
//! | block | fields |
//! |---|---|
//! | header | "ZE", u16 version (1, 2), u16 target, u8 log2 of pointer bits, u8 flag (bit 0: a CRC ends it), u32 reason |
//! | A | u16 version, u16 length; registers of the crashed CPU (see `registers`) |
//! | M | u16 version, start, end (pointer size each), the bytes |
//! | T | u16 version, u16 length, a copy of `_kernel` |
//! | F | u16 version, u16 length of the registers, u32 CPU, pointer to its thread, registers as in A (one a frozen CPU) |
//! | C | u16 version, u32 CRC-32 (IEEE) of all before |
//!
//! A read-out flash partition has before it "CD", u16 version, u32 size, u16 flags, u16 sum of all bytes, i32 error,
//! padded to the flash's write size.
//!
//! Deviation that was seen: the stored SP is the exception frame's address in Zephyr 3.4 and the value before the
//! exception later, with the same block version. It is kept as unknown.

mod image;
mod reasons;
mod registers;

use super::{
    Carrier, Confidence, Decoded, Format,
    bytes::{Bytes, crc32, u16_at, u32_at},
    fault_memory,
    lines::as_u64,
};
use crate::model::{
    arch::Arch,
    coredump::{CapturedThread, Coredump, SpMeaning},
    progress::{Cancelled, Progress},
    registers::RegisterSet,
    warning::Warning,
};
pub(super) use image::Image;
use registers::{ARM64, Block, CORTEX_M, RISCV, X86, X86_64, XTENSA};
use std::borrow::Cow;

const HEADER_SIZE: usize = 12;
/// The header of a flash partition has 16 bytes; write sizes of flash that the dump behind that header is aligned to.
const PARTITION_PADDED: [usize; 7] = [16, 32, 64, 128, 256, 512, 1024];
/// More memory blocks than any device dumps; bounds the work on a broken file.
const MOST_REGIONS: usize = 1024;
/// More CPUs than any device has.
const MOST_CPUS: usize = 32;

/// Zephyr core dump, binary.
pub(super) struct Zephyr;

impl Format for Zephyr {
    fn id(&self) -> &'static str {
        "zephyr"
    }
    fn label(&self) -> &'static str {
        "Zephyr core dump"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["bin", "dump"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::WholeFile
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        if begins_dump(bytes) || partition(bytes).is_some() {
            Confidence::Certain
        } else {
            Confidence::No
        }
    }
    fn decode(&self, bytes: &[u8], progress: &dyn Progress) -> Result<Decoded, Cancelled> {
        progress.tick(0, as_u64(bytes.len()))?;
        let (start, body) = partition(bytes).unwrap_or((0, bytes));
        let image = Image {
            bytes: Cow::Borrowed(body),
            start,
            ..Image::default()
        };
        let (mut dump, used) = read(&image, "zephyr");
        if start > 0 {
            check_partition(bytes, start, &mut dump);
        }
        dump.source = 0..as_u64(start.saturating_add(used));
        Ok(Decoded {
            understood: vec![dump.source.clone()],
            coredumps: vec![dump],
            ..Decoded::default()
        })
    }
}

/// A dump's header, as far as there is something to know it by.
fn begins_dump(bytes: &[u8]) -> bool {
    let known_version = u16_at(bytes, 2).is_some_and(|v| (1..=9).contains(&v));
    let known_target = u16_at(bytes, 4).is_some_and(|t| (1..=9).contains(&t));
    let known_width = bytes.get(6).is_some_and(|w| matches!(w, 5 | 6));
    bytes.starts_with(b"ZE") && known_version && known_target && known_width
}

/// Where the dump begins in a read-out flash partition, and its bytes.
fn partition(bytes: &[u8]) -> Option<(usize, &[u8])> {
    if !bytes.starts_with(b"CD") || u16_at(bytes, 2) != Some(1) {
        return None;
    }
    let size = usize::try_from(u32_at(bytes, 4)?).ok()?;
    let start = PARTITION_PADDED
        .into_iter()
        .find(|start| bytes.get(*start..).is_some_and(begins_dump))?;
    let body = bytes.get(start..)?;
    Some((start, body.get(..size).unwrap_or(body)))
}

/// The sum in the header of a partition. What is cut off is told by the dump itself.
fn check_partition(bytes: &[u8], start: usize, dump: &mut Coredump) {
    let size = u32_at(bytes, 4).and_then(|n| usize::try_from(n).ok());
    let end = size.and_then(|size| start.checked_add(size));
    let Some(body) = end.and_then(|end| bytes.get(start..end)) else {
        return;
    };
    let sum = body
        .iter()
        .fold(0_u16, |sum, byte| sum.wrapping_add(u16::from(*byte)));
    let error = u32_at(bytes, 12).filter(|error| *error != 0);
    if u16_at(bytes, 10) != Some(sum) {
        dump.warnings
            .push(Warning::at("FS-ZEPHYR-006", 10, SUM_DIFFERS));
    }
    if error.is_some() {
        dump.warnings.push(Warning::at(
            "FS-ZEPHYR-011",
            12,
            "the device could not write the whole dump to its flash; what it had written was read",
        ));
    }
}

const SUM_DIFFERS: &str = "the check sum of the dump does not match: bytes of it were lost or changed on the way; read it with doubt";

/// Reads one dump from the start of the image; also says how many bytes it took.
pub(super) fn read(image: &Image<'_>, format: &'static str) -> (Coredump, usize) {
    let mut dump = Coredump::new(format, Arch::Arm);
    let mut at = Bytes::new(&image.bytes);
    let Some(header) = read_header(&mut at) else {
        dump.warnings.push(Warning::at(
            "FS-ZEPHYR-001",
            image.file_offset(0),
            "a Zephyr dump begins here, but its header is cut off or broken; nothing could be read from it",
        ));
        return (dump, image.bytes.len());
    };
    dump.arch = header.arch();
    dump.reason = Some(reasons::words(header.target, header.reason));
    let mut reader = Reader {
        image,
        header: &header,
        at,
        n_regions: 0,
        crashed: None,
        frozen: Vec::new(),
        unknown_registers: None,
    };
    reader.read_blocks(&mut dump);
    reader.settle(&mut dump);
    let at = reader.at;
    fault_memory::add_from_memory(&mut dump.fault, &dump.memory);
    (dump, at.offset())
}

struct Header {
    target: u16,
    pointer_bytes: usize,
    has_crc: bool,
    reason: u32,
}

fn read_header(at: &mut Bytes<'_>) -> Option<Header> {
    if at.remaining() < HEADER_SIZE || at.take(2)? != b"ZE" {
        return None;
    }
    _ = at.u16()?; // version: 2 added nothing that matters here
    let target = at.u16()?;
    let pointer_bytes = match at.u8()? {
        5 => 4,
        6 => 8,
        _ => return None,
    };
    Some(Header {
        target,
        pointer_bytes,
        has_crc: at.u8()? & 1 != 0,
        reason: at.u32()?,
    })
}

impl Header {
    fn arch(&self) -> Arch {
        match (self.target, self.pointer_bytes) {
            (X86_64, _) => Arch::X86_64,
            (CORTEX_M, _) => Arch::Arm,
            (RISCV, 4) => Arch::Riscv32,
            (XTENSA, _) => Arch::Xtensa,
            (ARM64, _) => Arch::Aarch64,
            _ => Arch::Other,
        }
    }

    fn target_name(&self) -> String {
        match self.target {
            X86 => "an x86".to_owned(),
            X86_64 => "an x86-64".to_owned(),
            CORTEX_M => "a Cortex-M".to_owned(),
            RISCV if self.pointer_bytes == 8 => "a 64-bit RISC-V".to_owned(),
            RISCV => "a RISC-V".to_owned(),
            XTENSA => "an Xtensa".to_owned(),
            ARM64 => "an ARM64".to_owned(),
            n => format!("a processor with the number {n}"),
        }
    }

    fn pointer(&self, at: &mut Bytes<'_>) -> Option<u64> {
        if self.pointer_bytes == 8 {
            at.u64()
        } else {
            at.u32().map(u64::from)
        }
    }
}

/// A walk over the blocks of one dump.
struct Reader<'a> {
    image: &'a Image<'a>,
    header: &'a Header,
    at: Bytes<'a>,
    n_regions: usize,
    /// Registers of the `A` block.
    crashed: Option<RegisterSet>,
    /// Threads of the `F` blocks.
    frozen: Vec<CapturedThread>,
    /// Version of a block of registers that could not be read.
    unknown_registers: Option<(usize, u16)>,
}

impl Reader<'_> {
    fn read_blocks(&mut self, dump: &mut Coredump) {
        while self.at.remaining() > 0 {
            let start = self.at.offset();
            let read = match self.at.u8() {
                Some(b'A') => self.crashed_cpu(),
                Some(b'F') => self.other_cpu(),
                Some(b'M') => {
                    self.n_regions = self.n_regions.saturating_add(1);
                    if self.n_regions > MOST_REGIONS {
                        dump.warnings.push(self.warning(
                            "FS-ZEPHYR-007",
                            start,
                            format!("the dump holds more than {MOST_REGIONS} pieces of memory; the rest was left out"),
                        ));
                        return;
                    }
                    self.memory(dump)
                }
                Some(b'T') => self.kernel(dump),
                Some(b'C') => {
                    self.crc(start, dump);
                    return;
                }
                _ => {
                    dump.warnings.push(self.warning(
                        "FS-ZEPHYR-004",
                        start,
                        "the dump is broken here: no block begins where one should; what came before was read",
                    ));
                    return;
                }
            };
            if read.is_none() {
                dump.warnings.push(self.warning(
                    "FS-ZEPHYR-005",
                    self.image.bytes.len(),
                    "the dump is cut off inside a block; what came before was read",
                ));
                return;
            }
        }
        if self.header.has_crc {
            dump.warnings.push(self.warning(
                "FS-ZEPHYR-005",
                self.at.offset(),
                "the dump ends without its check sum: it is cut off; what is left was read",
            ));
        }
    }

    fn warning(&self, code: &str, at: usize, message: impl Into<String>) -> Warning {
        Warning::at(code, self.image.file_offset(at), message)
    }

    /// Puts the CPUs into the dump, the crashed one first.
    fn settle(&mut self, dump: &mut Coredump) {
        let (crashed, frozen) = (self.crashed.take(), std::mem::take(&mut self.frozen));
        if let Some((at, version)) = self.unknown_registers {
            let name = self.header.target_name();
            dump.warnings.push(self.warning(
                "FS-ZEPHYR-002",
                at,
                format!("the registers are of {name} (version {version} of the block), which is not supported; only the memory of the dump was read"),
            ));
        } else if crashed.is_none() {
            dump.warnings.push(self.warning(
                "FS-ZEPHYR-003",
                0,
                "the dump holds no registers of the crashed CPU; only its memory can be shown",
            ));
        }
        // Without the crashed one none of the others may stand first.
        if crashed.is_some() || !frozen.is_empty() {
            dump.threads.push(CapturedThread {
                registers: crashed.unwrap_or_default(),
                sp_meaning: self.sp_meaning(),
                ..CapturedThread::default()
            });
        }
        dump.threads.extend(frozen);
    }

    fn sp_meaning(&self) -> SpMeaning {
        match self.header.target {
            CORTEX_M => SpMeaning::Unknown,
            _ => SpMeaning::Popped,
        }
    }

    fn crashed_cpu(&mut self) -> Option<()> {
        let version = self.at.u16()?;
        let len = self.at.u16()?;
        let registers = self.registers(version, len)?;
        if self.crashed.is_none() {
            self.crashed = registers;
        }
        Some(())
    }

    fn other_cpu(&mut self) -> Option<()> {
        let version = self.at.u16()?;
        let len = self.at.u16()?;
        let _cpu = self.at.u32()?;
        let thread = self.header.pointer(&mut self.at)?;
        let registers = self.registers(version, len)?;
        if let Some(registers) = registers
            && self.frozen.len() < MOST_CPUS
        {
            self.frozen.push(CapturedThread {
                id: Some(thread),
                registers,
                sp_meaning: self.sp_meaning(),
                ..CapturedThread::default()
            });
        }
        Some(())
    }

    /// `None` at the end of the dump; `Some(None)` when the layout is not known.
    #[expect(
        clippy::option_option,
        reason = "cut off and not supported are two things"
    )]
    fn registers(&mut self, version: u16, len: u16) -> Option<Option<RegisterSet>> {
        let start = self.at.offset();
        let data = self.at.take(len.into())?;
        let registers = registers::read(
            self.header.target,
            &Block {
                image: self.image,
                start,
                data,
                version,
            },
        );
        if registers.is_none() {
            self.unknown_registers.get_or_insert((start, version));
        }
        Some(registers)
    }

    /// A copy of `_kernel`; where it lay is known to the ELF only.
    fn kernel(&mut self, dump: &mut Coredump) -> Option<()> {
        let _version = self.at.u16()?;
        let len = self.at.u16()?;
        let start = self.at.offset();
        let data = self.at.take(len.into())?;
        if !self
            .image
            .is_hole(&(start..start.saturating_add(data.len())))
        {
            dump.kernel.get_or_insert_with(|| data.to_vec());
        }
        Some(())
    }

    fn memory(&mut self, dump: &mut Coredump) -> Option<()> {
        let _version = self.at.u16()?;
        let start = self.header.pointer(&mut self.at)?;
        let end = self.header.pointer(&mut self.at)?;
        let data_at = self.at.offset();
        let wanted = usize::try_from(end.checked_sub(start)?).ok()?;
        let data = self.at.take_up_to(wanted);
        insert_around_holes(self.image, data_at, start, data, dump);
        (data.len() == wanted).then_some(())
    }

    fn crc(&mut self, start: usize, dump: &mut Coredump) {
        let stored = self.at.u16().and_then(|_version| self.at.u32());
        let Some(stored) = stored else {
            dump.warnings.push(self.warning(
                "FS-ZEPHYR-006",
                start,
                "the check sum at the end of the dump is cut off; the dump was read as it is",
            ));
            return;
        };
        // Firmwares differ in whether the three bytes of this block's own header are counted.
        let matches = [start, start.saturating_add(3)]
            .iter()
            .any(|end| crc32(self.image.bytes.get(..*end).unwrap_or(&[])) == stored);
        if !matches {
            dump.warnings
                .push(self.warning("FS-ZEPHYR-006", start, SUM_DIFFERS));
        }
    }
}

fn insert_around_holes(
    image: &Image<'_>,
    data_at: usize,
    addr: u64,
    data: &[u8],
    dump: &mut Coredump,
) {
    let data_end = data_at.saturating_add(data.len());
    let first = image.holes.partition_point(|hole| hole.end <= data_at);
    let mut holes = image.holes.iter().skip(first);
    let mut from = data_at;
    while from < data_end && dump.memory.regions().len() < MOST_REGIONS {
        let hole = holes
            .next()
            .filter(|hole| hole.start < data_end)
            .map_or(data_end..data_end, Clone::clone);
        let piece =
            data.get(from.saturating_sub(data_at)..hole.start.max(from).saturating_sub(data_at));
        if let Some(piece) = piece.filter(|p| !p.is_empty()) {
            let offset = as_u64(from.saturating_sub(data_at));
            dump.memory.insert(addr.saturating_add(offset), piece);
        }
        from = hole.end.max(from);
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::single_range_in_vec_init,
    reason = "the sizes of test inputs are small, and one range is meant"
)]
pub(super) mod tests {
    use super::Zephyr;
    use crate::formats::{Confidence, Format as _};
    use crate::model::{
        arch::Arch,
        coredump::{Coredump, SpMeaning},
        memory::Memory as _,
        progress::Unattended,
        registers::{Reg, RegValue},
    };

    /// Writes a dump; `words` are those of the A block.
    pub(crate) fn build(
        version: u16,
        words: &[u32],
        memory: &[(u32, &[u8])],
        crc: bool,
    ) -> Vec<u8> {
        let mut out = b"ZE".to_vec();
        out.extend([2, 0, 3, 0, 5, u8::from(crc), 25, 0, 0, 0, b'A']);
        out.extend(version.to_le_bytes());
        out.extend((words.len() as u16 * 4).to_le_bytes());
        for word in words {
            out.extend(word.to_le_bytes());
        }
        for (addr, bytes) in memory {
            out.extend([b'M', 1, 0]);
            out.extend(addr.to_le_bytes());
            out.extend((addr + bytes.len() as u32).to_le_bytes());
            out.extend(*bytes);
        }
        if crc {
            let sum = bitwise_crc32(&out);
            out.extend([b'C', 1, 0]);
            out.extend(sum.to_le_bytes());
        }
        out
    }

    /// CRC-32 the slow way, from its polynomial.
    fn bitwise_crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |c, _| {
                (c >> 1) ^ (0xEDB8_8320 * (c & 1))
            })
        })
    }

    pub(crate) fn frame_words() -> Vec<u32> {
        vec![
            0xA0,
            0xA1,
            0xA2,
            0xA3,
            0xAC,
            0x0800_0101,
            0x0800_0200,
            0x0100_0000,
            0x2000_0FC0,
        ]
    }

    fn only(bytes: &[u8]) -> Coredump {
        assert_eq!(Zephyr.sniff(bytes, ""), Confidence::Certain);
        let mut decoded = Zephyr.decode(bytes, &Unattended).unwrap();
        decoded.coredumps.remove(0)
    }

    #[test]
    fn version_one_has_no_callee_registers_and_version_two_may_not_have_stored_them() {
        let one = only(&build(
            1,
            &frame_words(),
            &[(0x2000_0000, &[1, 2, 3, 4])],
            false,
        ));
        let mut words = frame_words();
        words.extend([0; 8]);
        let two = only(&build(2, &words, &[], false));
        for dump in [&one, &two] {
            let thread = &dump.threads[0];
            assert_eq!(thread.registers.pc(), Some(0x0800_0200));
            assert_eq!(thread.registers.sp(), Some(0x2000_0FC0));
            assert_eq!(thread.registers.known(Reg::r(12)), Some(0xAC));
            assert_eq!(thread.registers.get(Reg::r(7)), RegValue::NotStored);
            assert_eq!(thread.sp_meaning, SpMeaning::Unknown);
            assert_eq!(dump.reason.as_deref(), Some("precise bus fault"));
            assert!(dump.warnings.is_empty(), "{:?}", dump.warnings);
        }
        assert_eq!(one.memory.read_u32(0x2000_0000), Ok(0x0403_0201));
    }

    #[test]
    fn stored_callee_registers_are_known_and_version_three_says_so_itself() {
        let mut words = frame_words();
        words.extend([4, 5, 6, 7, 0, 9, 10, 11]);
        let two = only(&build(2, &words, &[], false));
        assert_eq!(two.threads[0].registers.known(Reg::r(8)), Some(0));
        words.splice(9.., [0, 0, 0, 0, 0, 0, 0, 0, 1, 0x20]);
        let three = only(&build(3, &words, &[], false));
        assert_eq!(three.threads[0].registers.known(Reg::r(4)), Some(0));
        words[17] = 0;
        let three = only(&build(3, &words, &[], false));
        assert_eq!(
            three.threads[0].registers.get(Reg::r(4)),
            RegValue::NotStored
        );
    }

    #[test]
    fn fault_registers_in_memory_are_found_and_the_check_sum_is_checked() {
        let scs = [0x00, 0x82, 0, 0, 0, 0, 0, 0x40];
        let mut bytes = build(1, &frame_words(), &[(0xE000_ED28, &scs)], true);
        let dump = only(&bytes);
        assert_eq!(dump.fault.get("cfsr"), Some(0x8200));
        assert_eq!(dump.fault.get("hfsr"), Some(0x4000_0000));
        assert_eq!(dump.fault.get("bfar"), None);
        assert!(dump.warnings.is_empty(), "{:?}", dump.warnings);
        bytes[20] ^= 1;
        assert_eq!(only(&bytes).warnings[0].code, "FS-ZEPHYR-006");
    }

    #[test]
    fn a_cut_off_dump_keeps_the_part_of_the_memory_that_is_there() {
        let bytes = build(1, &frame_words(), &[(0x2000_0000, &[7; 64])], true);
        let cut = &bytes[..bytes.len() - 7 - 16];
        let dump = only(cut);
        assert_eq!(dump.memory.ranges(), [0x2000_0000..0x2000_0030]);
        assert_eq!(dump.warnings[0].code, "FS-ZEPHYR-005");
        assert_eq!(dump.warnings[0].offset, Some(cut.len() as u64));
    }

    #[test]
    fn processors_that_are_not_supported_are_named() {
        let mut bytes = build(1, &[0; 9], &[(0x2000_0000, &[1, 2, 3, 4])], false);
        bytes[4] = 6;
        let dump = only(&bytes);
        assert_eq!(dump.arch, Arch::Aarch64);
        assert!(dump.threads.is_empty());
        assert!(!dump.memory.is_empty());
        let codes: Vec<&str> = dump.warnings.iter().map(|w| w.code.as_str()).collect();
        assert_eq!(codes, ["FS-ZEPHYR-002"]);
        assert!(dump.warnings[0].message.contains("ARM64"));
    }

    /// The kernel's bookkeeping and two CPUs that were stopped for the dump.
    fn with_cpus() -> Vec<u8> {
        let mut out = build(1, &frame_words(), &[], false);
        out.extend([b'T', 1, 0, 8, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
        for cpu in [1u32, 2] {
            let words: Vec<u32> = frame_words().iter().map(|w| w + cpu * 16).collect();
            out.extend([b'F', 1, 0]);
            out.extend((words.len() as u16 * 4).to_le_bytes());
            out.extend(cpu.to_le_bytes());
            out.extend((0x2000_4000 + cpu * 0x100).to_le_bytes());
            out.extend(words.iter().flat_map(|w| w.to_le_bytes()));
        }
        out.extend([b'M', 1, 0]);
        out.extend([0x2000_0000u32, 0x2000_0004].map(u32::to_le_bytes).concat());
        out.extend([9; 4]);
        out
    }

    #[test]
    fn the_kernel_and_every_other_cpu_are_read() {
        let dump = only(&with_cpus());
        assert_eq!(dump.warnings, []);
        assert_eq!(dump.kernel, Some((1..=8).collect()));
        let pcs: Vec<_> = dump.threads.iter().map(|t| t.registers.pc()).collect();
        assert_eq!(pcs, [0x200, 0x210, 0x220].map(|n| Some(0x0800_0000 + n)));
        let ids: Vec<_> = dump.threads.iter().map(|t| t.id).collect();
        assert_eq!(ids, [None, Some(0x2000_4100), Some(0x2000_4200)]);
        assert_eq!(dump.memory.read_u32(0x2000_0000), Ok(0x0909_0909));
        // Without the crashed CPU none of the others takes its place.
        let mut orphans = with_cpus();
        orphans.drain(12..12 + 5 + 36);
        let dump = only(&orphans);
        assert_eq!(dump.threads[0].registers.pc(), None);
        assert_eq!(dump.threads.len(), 3);
        assert_eq!(dump.warnings[0].code, "FS-ZEPHYR-003");
    }

    #[test]
    fn a_read_out_flash_partition_is_a_dump() {
        let dump = build(1, &frame_words(), &[(0x2000_0000, &[7; 64])], false);
        let sum = dump.iter().fold(0u16, |s, b| s.wrapping_add((*b).into()));
        for padded in [16, 64, 256] {
            let mut bytes = b"CD\x01\0".to_vec();
            bytes.extend((dump.len() as u32).to_le_bytes());
            bytes.extend([0, 0]);
            bytes.extend(sum.to_le_bytes());
            bytes.extend([0; 4]);
            bytes.resize(padded, 0xFF);
            bytes.extend(&dump);
            bytes.resize(4096, 0xFF);
            let read = only(&bytes);
            assert_eq!(read.warnings, [], "{padded}");
            assert_eq!(read.threads[0].registers.pc(), Some(0x0800_0200));
            assert_eq!(read.source, 0..(padded + dump.len()) as u64);
            let cut = only(&bytes[..padded + 100]);
            assert_eq!(cut.warnings[0].code, "FS-ZEPHYR-005");
            assert_eq!(cut.warnings[0].offset, Some(padded as u64 + 100));
            bytes[padded + 80] ^= 1;
            assert_eq!(only(&bytes).warnings[0].code, "FS-ZEPHYR-006");
        }
    }
}
