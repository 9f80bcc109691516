//! Zephyr core dumps: the binary form, as the flash back end stores it and as the text form spells it in hex.
//!
//! Layout: Zephyr documentation, "Core Dump", section "File Format"; the Cortex-M block is `arm_arch_block`.
//!
//! | block | fields |
//! |---|---|
//! | header | "ZE", u16 version (1, 2), u16 target (3 = Cortex-M), u8 log2 of pointer bits, u8 flag (bit 0: a CRC ends it), u32 reason |
//! | A | u16 version, u16 length; v1: r0-r3 r12 lr pc xpsr sp; v2: + r4-r11; v3: + u32 callee valid, u32 callee offset |
//! | M | u16 version, start, end (pointer size each), the bytes |
//! | T | u16 version, u16 length, a copy of the kernel's own bookkeeping |
//! | F | u16 version, u16 length, u32 cpu, pointer to the thread, registers |
//! | C | u16 version, u32 CRC-32 (IEEE) of all before |
//!
//! Deviations that were seen: the stored SP is the exception frame's address in Zephyr 3.4 and the value before the
//! exception later, with the same block version; r4-r11 of a v2 block are zero unless the firmware was built with
//! extra exception information. Both are kept as unknown.

use super::{
    Carrier, Confidence, Decoded, Format,
    bytes::{Bytes, u16_at},
    fault_memory,
    lines::as_u64,
};
use crate::model::{
    arch::Arch,
    coredump::{CapturedThread, Coredump, SpMeaning},
    progress::{Cancelled, Progress},
    registers::{Reg, RegisterSet},
    warning::Warning,
};
use std::ops::Range;

const HEADER_SIZE: usize = 12;
const TARGET_CORTEX_M: u16 = 3;
/// More memory blocks than any device dumps; bounds the work on a broken file.
const MOST_REGIONS: usize = 1024;

/// The bytes of a dump, with where they came from.
#[derive(Clone, Debug, Default)]
pub(super) struct Image {
    pub(super) bytes: Vec<u8>,
    /// Bytes that could not be read: their value here means nothing.
    pub(super) holes: Vec<Range<usize>>,
    /// From image offset to offset in the input file, ascending; one entry a line of text.
    pub(super) origin: Vec<(usize, u64)>,
}

impl Image {
    fn file_offset(&self, at: usize) -> u64 {
        let index = self.origin.partition_point(|(start, _)| *start <= at);
        match index.checked_sub(1).and_then(|i| self.origin.get(i)) {
            Some((_, offset)) => *offset,
            None => as_u64(at),
        }
    }

    /// Marks bytes as unreadable. They lie at the end of the image or behind it.
    pub(super) fn add_hole(&mut self, mut hole: Range<usize>) {
        while let Some(last) = self.holes.last().filter(|last| last.end >= hole.start) {
            hole = last.start.min(hole.start)..last.end.max(hole.end);
            _ = self.holes.pop();
        }
        self.holes.push(hole);
    }

    fn is_hole(&self, range: &Range<usize>) -> bool {
        let index = self.holes.partition_point(|hole| hole.end <= range.start);
        self.holes
            .get(index)
            .is_some_and(|hole| hole.start < range.end)
    }
}

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
        let known_version = u16_at(bytes, 2).is_some_and(|v| (1..=9).contains(&v));
        let known_target = u16_at(bytes, 4).is_some_and(|t| (1..=9).contains(&t));
        let known_width = bytes.get(6).is_some_and(|w| matches!(w, 5 | 6));
        if bytes.starts_with(b"ZE") && known_version && known_target && known_width {
            Confidence::Certain
        } else {
            Confidence::No
        }
    }
    fn decode(&self, bytes: &[u8], progress: &dyn Progress) -> Result<Decoded, Cancelled> {
        progress.tick(0, as_u64(bytes.len()))?;
        let image = Image {
            bytes: bytes.to_vec(),
            ..Image::default()
        };
        let (mut dump, used) = read(&image, "zephyr");
        dump.source = 0..as_u64(used);
        Ok(Decoded {
            understood: vec![dump.source.clone()],
            coredumps: vec![dump],
            ..Decoded::default()
        })
    }
}

/// Reads one dump from the start of the image; also says how many bytes it took.
pub(super) fn read(image: &Image, format: &'static str) -> (Coredump, usize) {
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
    dump.reason = Some(reason_words(header.reason));
    if header.target != TARGET_CORTEX_M {
        dump.warnings.push(Warning::at(
            "FS-ZEPHYR-002",
            image.file_offset(4),
            format!(
                "the dump is of {}, which is not supported yet; only its memory was read",
                header.target_name()
            ),
        ));
    }
    read_blocks(image, &header, &mut at, &mut dump);
    if header.has_crc
        && !dump.warnings.iter().any(|w| w.code == "FS-ZEPHYR-006")
        && !ends_with_crc(image, &at)
    {
        dump.warnings.push(Warning::at(
            "FS-ZEPHYR-005",
            image.file_offset(at.offset()),
            "the dump ends without its check sum: it is cut off; what is left was read",
        ));
    }
    if dump.threads.is_empty() && header.target == TARGET_CORTEX_M {
        dump.warnings.push(Warning::at(
            "FS-ZEPHYR-003",
            image.file_offset(0),
            "the dump holds no registers; only its memory can be shown",
        ));
    }
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
        match self.target {
            2 => Arch::X86_64,
            TARGET_CORTEX_M => Arch::Arm,
            4 => Arch::Riscv32,
            5 => Arch::Xtensa,
            6 => Arch::Aarch64,
            _ => Arch::Other,
        }
    }

    fn target_name(&self) -> String {
        match self.target {
            1 => "an x86".to_owned(),
            2 => "an x86-64".to_owned(),
            4 => "a RISC-V".to_owned(),
            5 => "an Xtensa".to_owned(),
            6 => "an ARM64".to_owned(),
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

/// Whether the seven bytes before `at` are a CRC block.
fn ends_with_crc(image: &Image, at: &Bytes<'_>) -> bool {
    let start = at.offset().checked_sub(7);
    start.and_then(|s| image.bytes.get(s)).copied() == Some(b'C')
}

fn read_blocks(image: &Image, header: &Header, at: &mut Bytes<'_>, dump: &mut Coredump) {
    let mut n_regions: usize = 0;
    while at.remaining() > 0 {
        let start = at.offset();
        let block = at.u8();
        let read = match block {
            Some(b'A') => arch_block(image, at, dump, header.target == TARGET_CORTEX_M),
            Some(b'M') => {
                n_regions = n_regions.saturating_add(1);
                if n_regions > MOST_REGIONS {
                    dump.warnings.push(Warning::at(
                        "FS-ZEPHYR-007",
                        image.file_offset(start),
                        format!("the dump holds more than {MOST_REGIONS} pieces of memory; the rest was left out"),
                    ));
                    return;
                }
                memory_block(image, header, at, dump)
            }
            Some(b'T' | b'F') => sized_block(at).map(drop),
            Some(b'C') => {
                crc_block(image, at, start, dump);
                return;
            }
            _ => {
                dump.warnings.push(Warning::at(
                    "FS-ZEPHYR-004",
                    image.file_offset(start),
                    "the dump is broken here: no block begins where one should; what came before was read",
                ));
                return;
            }
        };
        if read.is_none() {
            dump.warnings.push(Warning::at(
                "FS-ZEPHYR-005",
                image.file_offset(image.bytes.len()),
                "the dump is cut off inside a block; what came before was read",
            ));
            return;
        }
    }
}

/// u16 version, u16 length, the data.
fn sized_block<'a>(at: &mut Bytes<'a>) -> Option<(u16, &'a [u8])> {
    let version = at.u16()?;
    let len = at.u16()?;
    Some((version, at.take(len.into())?))
}

fn arch_block(
    image: &Image,
    at: &mut Bytes<'_>,
    dump: &mut Coredump,
    is_cortex_m: bool,
) -> Option<()> {
    let start = at.offset();
    let (version, data) = sized_block(at)?;
    if !is_cortex_m {
        return Some(());
    }
    let mut registers = RegisterSet::default();
    let order = [0, 1, 2, 3, 12, 14, 15]
        .map(Reg::r)
        .into_iter()
        .chain([Reg::XPSR, Reg::SP])
        .chain((4..=11).map(Reg::r));
    let data_start = start.saturating_add(4);
    let mut words = Bytes::new(data);
    for reg in order {
        let from = data_start.saturating_add(words.offset());
        let Some(value) = words.u32() else { break };
        if !image.is_hole(&(from..from.saturating_add(4))) {
            registers.set_known(reg, value);
        }
    }
    let callee_valid = words.u32();
    if !callee_registers_are_real(version, callee_valid, &registers) {
        // Zero because never stored: absent, so that no one takes them for values.
        let known: Vec<(Reg, _)> = registers
            .iter()
            .filter(|(reg, _)| !(4..=11).contains(&reg.0))
            .collect();
        registers = RegisterSet::default();
        for (reg, value) in known {
            registers.set(reg, value);
        }
    }
    dump.threads.push(CapturedThread {
        id: None,
        name: None,
        registers,
        sp_meaning: SpMeaning::Unknown,
        stack: None,
    });
    Some(())
}

fn callee_registers_are_real(
    version: u16,
    valid_flag: Option<u32>,
    registers: &RegisterSet,
) -> bool {
    match valid_flag {
        Some(flag) if version >= 3 => flag != 0,
        _ => (4..=11).any(|n| registers.known(Reg::r(n)).is_some_and(|v| v != 0)),
    }
}

fn memory_block(
    image: &Image,
    header: &Header,
    at: &mut Bytes<'_>,
    dump: &mut Coredump,
) -> Option<()> {
    _ = at.u16()?;
    let start = header.pointer(at)?;
    let end = header.pointer(at)?;
    let data_at = at.offset();
    let wanted = usize::try_from(end.checked_sub(start)?).ok()?;
    let data = at.take_up_to(wanted);
    insert_around_holes(image, data_at, start, data, dump);
    if data.len() < wanted {
        return None;
    }
    Some(())
}

fn insert_around_holes(image: &Image, data_at: usize, addr: u64, data: &[u8], dump: &mut Coredump) {
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

fn crc_block(image: &Image, at: &mut Bytes<'_>, start: usize, dump: &mut Coredump) {
    let stored = at.u16().and_then(|_version| at.u32());
    let Some(stored) = stored else {
        dump.warnings.push(Warning::at(
            "FS-ZEPHYR-006",
            image.file_offset(start),
            "the check sum at the end of the dump is cut off; the dump was read as it is",
        ));
        return;
    };
    // Firmwares differ in whether the three bytes of this block's own header are counted.
    let matches = [start, start.saturating_add(3)]
        .iter()
        .any(|end| crc32(image.bytes.get(..*end).unwrap_or(&[])) == stored);
    if !matches {
        dump.warnings.push(Warning::at(
            "FS-ZEPHYR-006",
            image.file_offset(start),
            "the check sum of the dump does not match: bytes of it were lost or changed on the way; read it with doubt",
        ));
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The reason code of the header (`enum k_fatal_error_reason`, and the architecture's own from 16 on).
fn reason_words(code: u32) -> String {
    match code {
        0 => "CPU exception".to_owned(),
        1 => "unhandled interrupt".to_owned(),
        2 => "stack check failed (stack overflow)".to_owned(),
        3 => "kernel oops".to_owned(),
        4 => "kernel panic".to_owned(),
        16 => "memory management fault".to_owned(),
        17 => "memory fault while stacking".to_owned(),
        18 => "memory fault while unstacking".to_owned(),
        19 => "memory fault: data access".to_owned(),
        20 => "memory fault: instruction access".to_owned(),
        21 => "memory fault while saving floating-point state".to_owned(),
        22 => "bus fault".to_owned(),
        23 => "bus fault while stacking".to_owned(),
        24 => "bus fault while unstacking".to_owned(),
        25 => "precise bus fault".to_owned(),
        26 => "imprecise bus fault".to_owned(),
        27 => "bus fault: instruction fetch".to_owned(),
        28 => "bus fault while saving floating-point state".to_owned(),
        29 => "usage fault".to_owned(),
        30 => "usage fault: divide by zero".to_owned(),
        31 => "usage fault: unaligned access".to_owned(),
        32 => "usage fault: stack limit violated (stack overflow)".to_owned(),
        33 => "usage fault: no coprocessor".to_owned(),
        34 => "usage fault: illegal EXC_RETURN".to_owned(),
        35 => "usage fault: illegal EPSR".to_owned(),
        36 => "usage fault: undefined instruction".to_owned(),
        37 => "secure fault".to_owned(),
        n => format!("fatal error, reason {n}"),
    }
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::single_range_in_vec_init,
    reason = "the sizes of test inputs are small, and one range is meant"
)]
pub(super) mod tests {
    use super::{Zephyr, reason_words};
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
    fn other_processors_are_named_and_reasons_are_words() {
        let mut bytes = build(1, &[0; 9], &[], false);
        bytes[4] = 4;
        let dump = only(&bytes);
        assert_eq!(dump.arch, Arch::Riscv32);
        assert!(dump.threads.is_empty());
        assert!(dump.warnings[0].message.contains("RISC-V"));
        assert_eq!(reason_words(2), "stack check failed (stack overflow)");
        assert_eq!(reason_words(99), "fatal error, reason 99");
    }
}
