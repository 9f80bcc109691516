//! ELF core files of 32-bit little-endian processors: what GDB, QEMU and converters of other dumps write.
//!
//! Layout: System V gABI chapters 4 and 5; notes as Linux writes them (`elf_prstatus`, arch/arm/include/asm/elf.h and
//! arch/riscv/include/uapi/asm/ptrace.h), which GDB keeps for bare metal as well. One line a processor in [`MACHINES`].
//!
//! | note | type | description |
//! |---|---|---|
//! | CORE NT_PRSTATUS | 1 | u16 signal at 12, u32 pid at 24, registers from 72. ARM: r0-r15, cpsr, orig_r0. RISC-V: pc, x1-x31 |
//! | CORE NT_FPREGSET | 2 | ARM: s0-s31 and fpscr (132 bytes) or d0-d31 and fpscr (260 bytes). RISC-V: f0-f31, fcsr |
//! | CORE NT_PRPSINFO | 3 | file name, 16 bytes at 28 |
//! | LINUX NT_ARM_VFP | 0x400 | d0-d31, fpscr; belongs to the PRSTATUS before it |
//! | GNU NT_GNU_BUILD_ID | 3 | the id |
//! | FIELDSCOPE | 1 | ours: u32 address of the exception frame that the registers are of, u32 bits of those of r0 to r15 that are known |

use super::{
    Carrier, Confidence, Decoded, Format,
    bytes::{Bytes, u16_at, u32_at},
    elf_core_writer::{FOUND_NOTE, N_GENERAL},
    esp, fault_memory,
    lines::as_u64,
};
use crate::model::{
    arch::Arch,
    build_id::BuildId,
    coredump::{CapturedThread, Coredump, SpMeaning},
    progress::{Cancelled, Progress},
    register_file::RegisterFile,
    registers::{Reg, RegValue, RegisterSet},
    warning::Warning,
};

const ET_CORE: u16 = 4;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const HEADER_SIZE: usize = 52;
const PROGRAM_HEADER_SIZE: usize = 32;
/// More segments than any core of a microcontroller has.
const MOST_SEGMENTS: usize = 1024;
const MOST_THREADS: usize = 4096;

/// A processor whose cores are read.
struct Machine {
    /// `e_machine`.
    number: u16,
    arch: Arch,
    /// The registers of `NT_PRSTATUS`, which begin at [`REGISTERS_AT`].
    registers: fn(&[u8]) -> Option<RegisterSet>,
    /// Adds those of `NT_FPREGSET` (or of `NT_ARM_VFP`).
    floats: fn(&[u8], &mut RegisterSet),
}

/// Every processor, by number.
const MACHINES: [Machine; 2] = [
    Machine {
        number: 40,
        arch: Arch::Arm,
        registers: arm_registers,
        floats: arm_floats,
    },
    Machine {
        number: 243,
        arch: Arch::Riscv32,
        registers: riscv_registers,
        floats: riscv_floats,
    },
];

/// Where the registers begin in `NT_PRSTATUS` of a 32-bit processor.
const REGISTERS_AT: usize = 72;

/// ELF core.
pub(super) struct ElfCore;

/// What the first bytes of an ELF file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ElfKind {
    Core,
    /// An executable, a shared object or an object file.
    Code,
}

/// Whether the bytes are ELF, and which kind.
pub(super) fn elf_kind(bytes: &[u8]) -> Option<ElfKind> {
    if !bytes.starts_with(b"\x7fELF") {
        return None;
    }
    let big_endian = bytes.get(5) == Some(&2);
    let kind = u16_at(bytes, 16)?;
    let kind = if big_endian { kind.swap_bytes() } else { kind };
    Some(if kind == ET_CORE {
        ElfKind::Core
    } else {
        ElfKind::Code
    })
}

impl Format for ElfCore {
    fn id(&self) -> &'static str {
        "elf-core"
    }
    fn label(&self) -> &'static str {
        "ELF core"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["core", "elf"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::WholeFile
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        match elf_kind(bytes) {
            Some(ElfKind::Core) => Confidence::Certain,
            _ => Confidence::No,
        }
    }
    fn decode(&self, bytes: &[u8], progress: &dyn Progress) -> Result<Decoded, Cancelled> {
        progress.tick(0, as_u64(bytes.len()))?;
        let mut decoded = Decoded::default();
        let number = core_machine(bytes);
        let machine = MACHINES.iter().find(|m| Some(m.number) == number);
        // 32 bits, little-endian
        let is_read = bytes.get(4) == Some(&1) && bytes.get(5) == Some(&1);
        match machine.filter(|_| is_read) {
            _ if esp::elf_body::is_esp_core(bytes) => {
                let dump = esp::elf_body::read_core_file(bytes, self.id());
                decoded.coredumps.push(dump);
                decoded.understood.push(0..as_u64(bytes.len()));
            }
            Some(machine) => {
                decoded.coredumps.push(read(bytes, machine, progress)?);
                decoded.understood.push(0..as_u64(bytes.len()));
            }
            None => decoded.warnings.push(not_supported(number)),
        }
        Ok(decoded)
    }
}

fn core_machine(bytes: &[u8]) -> Option<u16> {
    let machine = u16_at(bytes, 18)?;
    Some(if bytes.get(5) == Some(&2) {
        machine.swap_bytes()
    } else {
        machine
    })
}

fn not_supported(machine: Option<u16>) -> Warning {
    let name = match machine {
        Some(3) => "x86".to_owned(),
        Some(40) => "ARM, 64-bit or big-endian".to_owned(),
        Some(62) => "x86-64".to_owned(),
        Some(94) => "Xtensa".to_owned(),
        Some(183) => "AArch64".to_owned(),
        Some(243) => "RISC-V, 64-bit or big-endian".to_owned(),
        Some(n) => format!("machine {n}"),
        None => "cut off in its header".to_owned(),
    };
    Warning::at(
        "FS-CORE-001",
        18,
        format!(
            "this ELF core cannot be read, its processor is not supported yet: {name}; the file is kept"
        ),
    )
}

struct Segment {
    kind: u32,
    offset: u64,
    addr: u64,
    file_size: u64,
    memory_size: u64,
    header_at: u64,
}

fn read(bytes: &[u8], machine: &Machine, progress: &dyn Progress) -> Result<Coredump, Cancelled> {
    let total = as_u64(bytes.len());
    let mut dump = Coredump::new("elf-core", machine.arch);
    dump.source = 0..total;
    let segments = segments(bytes, &mut dump.warnings);
    let mut bytes_read: u64 = 0;
    let mut signals = Vec::new();
    for segment in &segments {
        progress.tick(segment.offset.min(total), total)?;
        let Some(data) = data_of(bytes, segment, &mut dump.warnings) else {
            continue;
        };
        // Notes and memory together: a thousand headers over the same bytes would be read a thousand times.
        bytes_read = bytes_read.saturating_add(as_u64(data.len()));
        if bytes_read > total {
            dump.warnings.push(Warning::at(
                "FS-CORE-002",
                segment.header_at,
                "the segments of this core overlap in the file; the ones from here on were left out",
            ));
            break;
        }
        if segment.kind == PT_NOTE {
            read_notes(data, segment.offset, machine, &mut dump, &mut signals);
            continue;
        }
        dump.memory.insert(segment.addr, data);
        if segment.memory_size > segment.file_size {
            dump.warnings.push(Warning::at(
                "FS-CORE-003",
                segment.header_at,
                format!(
                    "of the memory at 0x{:08x} only {} of {} bytes are in the core; the rest counts as not captured",
                    segment.addr, segment.file_size, segment.memory_size
                ),
            ));
        }
    }
    if dump.threads.is_empty() {
        dump.warnings.push(Warning::at(
            "FS-CORE-004",
            total,
            "this core holds no registers (no NT_PRSTATUS note); only its memory can be shown",
        ));
    }
    put_crashed_thread_first(&mut dump, &signals);
    fault_memory::add_from_memory(&mut dump.fault, &dump.memory);
    Ok(dump)
}

fn segments(bytes: &[u8], warnings: &mut Vec<Warning>) -> Vec<Segment> {
    let table = u32_at(bytes, 28).unwrap_or(0);
    let entry_size = u16_at(bytes, 42).map_or(PROGRAM_HEADER_SIZE, usize::from);
    let count = u16_at(bytes, 44).map_or(0, usize::from);
    if bytes.len() < HEADER_SIZE {
        warnings.push(Warning::at(
            "FS-CORE-005",
            as_u64(bytes.len()),
            "the core is cut off in its header; nothing could be read from it",
        ));
        return Vec::new();
    }
    let mut found = Vec::new();
    for index in 0..count.min(MOST_SEGMENTS) {
        let at = usize::try_from(table)
            .unwrap_or(usize::MAX)
            .saturating_add(index.saturating_mul(entry_size.max(PROGRAM_HEADER_SIZE)));
        let Some(segment) = segment_at(bytes, at) else {
            warnings.push(Warning::at(
                "FS-CORE-005",
                as_u64(bytes.len()),
                format!("the core is cut off: {index} of its {count} segment headers are there"),
            ));
            break;
        };
        if matches!(segment.kind, PT_LOAD | PT_NOTE) {
            found.push(segment);
        }
    }
    if count > MOST_SEGMENTS {
        warnings.push(Warning::at(
            "FS-CORE-006",
            44,
            format!("the core claims {count} segments; the first {MOST_SEGMENTS} were read"),
        ));
    }
    // Notes first: they are small, and a cut-off file has them in front.
    found.sort_by_key(|s| s.kind != PT_NOTE);
    found
}

fn segment_at(bytes: &[u8], at: usize) -> Option<Segment> {
    let mut fields = Bytes::new(bytes.get(at..)?);
    let kind = fields.u32()?;
    let offset = fields.u32()?;
    let addr = fields.u32()?;
    _ = fields.u32()?; // physical address
    let file_size = fields.u32()?;
    let memory_size = fields.u32()?;
    _ = fields.take(8)?; // flags, alignment
    Some(Segment {
        kind,
        offset: offset.into(),
        addr: addr.into(),
        file_size: file_size.into(),
        memory_size: memory_size.into(),
        header_at: as_u64(at),
    })
}

fn data_of<'a>(
    bytes: &'a [u8],
    segment: &Segment,
    warnings: &mut Vec<Warning>,
) -> Option<&'a [u8]> {
    if segment.file_size == 0 {
        return None;
    }
    let what = if segment.kind == PT_NOTE {
        "notes"
    } else {
        "memory"
    };
    let start = usize::try_from(segment.offset).ok()?;
    let wanted = usize::try_from(segment.file_size).ok()?;
    let rest = bytes.get(start..).unwrap_or(&[]);
    let data = rest.get(..wanted).unwrap_or(rest);
    if data.len() < wanted {
        warnings.push(Warning::at(
            "FS-CORE-005",
            as_u64(bytes.len()),
            format!(
                "the core is cut off: {} of {wanted} bytes of {what} at 0x{:08x} are there; what is left was read",
                data.len(),
                segment.addr
            ),
        ));
    }
    Some(data)
}

fn read_notes(
    data: &[u8],
    file_offset: u64,
    machine: &Machine,
    dump: &mut Coredump,
    signals: &mut Vec<u16>,
) {
    let mut notes = Bytes::new(data);
    let mut n_threads_left_out: usize = 0;
    while notes.remaining() >= 12 {
        let at = file_offset.saturating_add(as_u64(notes.offset()));
        let note = (notes.u32(), notes.u32(), notes.u32());
        let (Some(name_size), Some(desc_size), Some(kind)) = note else {
            break;
        };
        let name = take_padded(&mut notes, name_size);
        let desc = take_padded(&mut notes, desc_size);
        let (Some(name), Some(desc)) = (name, desc) else {
            dump.warnings.push(Warning::at(
                "FS-CORE-007",
                at,
                "a note of this core is cut off or broken; the notes from here on were left out",
            ));
            break;
        };
        let name = name.strip_suffix(b"\0").unwrap_or(name);
        match (name, kind) {
            (b"CORE", 1) if dump.threads.len() >= MOST_THREADS => {
                n_threads_left_out = n_threads_left_out.saturating_add(1);
            }
            (b"CORE", 1) => match thread(desc, machine) {
                Some((thread, signal)) => {
                    dump.threads.push(thread);
                    signals.push(signal);
                }
                None => dump.warnings.push(Warning::at(
                    "FS-CORE-008",
                    at,
                    "a register note (NT_PRSTATUS) is too short to hold the registers and was left out",
                )),
            },
            (b"CORE", 2) | (b"LINUX", 0x400) => {
                if let Some(thread) = dump.threads.last_mut() {
                    (machine.floats)(desc, &mut thread.registers);
                }
            }
            (b"CORE", 3) => dump.thread_name = text(desc.get(28..44).unwrap_or(&[])),
            _ if (name, kind) == FOUND_NOTE => found_in_memory(desc, at, dump),
            (b"GNU", 3) => dump.build_id = BuildId::from_bytes(desc),
            _ => {}
        }
    }
    if n_threads_left_out > 0 {
        dump.warnings.push(Warning::at(
            "FS-CORE-009",
            file_offset,
            format!("the core holds more than {MOST_THREADS} threads; {n_threads_left_out} were left out"),
        ));
    }
}

/// The registers before this note were found in memory: those that it does not name are none.
fn found_in_memory(desc: &[u8], at: u64, dump: &mut Coredump) {
    let (Some(addr), Some(known), Some(thread)) =
        (u32_at(desc, 0), u32_at(desc, 4), dump.threads.last_mut())
    else {
        return;
    };
    for n in (0..N_GENERAL).filter(|n| known >> n & 1 == 0) {
        thread.registers.set(Reg::r(n), RegValue::NotStored);
    }
    dump.warnings.push(Warning::at(
        "FS-CORE-010",
        at,
        format!(
            "the processor was not halted: the registers are those of the exception frame at 0x{addr:08x}, which fits the fault; r4 to r11 are not in it"
        ),
    ));
}

/// The crashed thread is the first, unless only a later one carries a signal.
fn put_crashed_thread_first(dump: &mut Coredump, signals: &[u16]) {
    let crashed = signals.iter().position(|signal| *signal != 0);
    if let Some(index) = crashed.filter(|index| *index < dump.threads.len()) {
        let thread = dump.threads.remove(index);
        dump.threads.insert(0, thread);
    }
    dump.reason = crashed
        .and_then(|index| signals.get(index))
        .and_then(|s| signal_words(*s));
    if let (1, Some(name)) = (dump.threads.len(), dump.thread_name.clone()) {
        if let Some(thread) = dump.threads.first_mut() {
            thread.name = Some(name);
        }
    } else {
        // A process name, which says nothing of any one of several threads.
        dump.thread_name = None;
    }
}

/// Signals that tell of a crash. Others (SIGINT, SIGTRAP) are of the debugger that wrote the core.
fn signal_words(signal: u16) -> Option<String> {
    let name = match signal {
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        11 => "SIGSEGV",
        _ => return None,
    };
    Some(format!("signal {signal} ({name})"))
}

fn take_padded<'a>(notes: &mut Bytes<'a>, size: u32) -> Option<&'a [u8]> {
    let size = usize::try_from(size).ok()?;
    let data = notes.take(size)?;
    let padding = size.wrapping_neg() & 3;
    _ = notes.take_up_to(padding);
    Some(data)
}

fn thread(desc: &[u8], machine: &Machine) -> Option<(CapturedThread, u16)> {
    let signal = u16_at(desc, 12)?;
    let pid = u32_at(desc, 24)?;
    let thread = CapturedThread {
        id: Some(pid.into()),
        name: None,
        registers: (machine.registers)(desc.get(REGISTERS_AT..)?)?,
        sp_meaning: SpMeaning::Popped,
        stack: None,
    };
    Some((thread, signal))
}

fn arm_registers(bytes: &[u8]) -> Option<RegisterSet> {
    let mut words = Bytes::new(bytes);
    let mut registers = RegisterSet::default();
    for n in 0..16 {
        registers.set_known(Reg::r(n), words.u32()?);
    }
    registers.set_known(Reg::XPSR, words.u32()?);
    Some(registers)
}

/// The program counter stands in the place of x0.
fn riscv_registers(bytes: &[u8]) -> Option<RegisterSet> {
    let mut words = Bytes::new(bytes);
    let mut registers = RegisterSet::new(RegisterFile::Riscv);
    registers.set_known(Reg::RISCV_PC, words.u32()?);
    for n in 1..32 {
        registers.set_known(Reg(n), words.u32()?);
    }
    Some(registers)
}

/// f0-f31 of four or eight bytes each, then fcsr.
fn riscv_floats(desc: &[u8], registers: &mut RegisterSet) {
    let mut words = Bytes::new(desc);
    let is_double = desc.len() >= 32 * 8;
    if desc.len() < 32 * 4 {
        return;
    }
    for n in 32..64 {
        let value = if is_double {
            words.u64()
        } else {
            words.u32().map(u64::from)
        };
        if let Some(value) = value {
            registers.set_known(Reg(n), value);
        }
    }
}

fn arm_floats(desc: &[u8], registers: &mut RegisterSet) {
    let mut words = Bytes::new(desc);
    match desc.len() {
        132 => {
            for n in 0..32 {
                if let Some(value) = words.u32() {
                    registers.set_known(Reg::s(n), value);
                }
            }
        }
        260.. => {
            for n in 0..32 {
                if let Some(value) = words.u64() {
                    registers.set_known(Reg(256 + n), value);
                }
            }
        }
        _ => return,
    }
    if let Some(fpscr) = words.u32() {
        registers.set_known(Reg::FPSCR, fpscr);
    }
}

fn text(bytes: &[u8]) -> Option<String> {
    let end = memchr::memchr(0, bytes).unwrap_or(bytes.len());
    let text = String::from_utf8_lossy(bytes.get(..end)?).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::single_range_in_vec_init,
    reason = "the sizes of test inputs are small, and one range is meant"
)]
mod tests {
    use super::ElfCore;
    use crate::formats::{Decoded, Format as _};
    use crate::model::{
        arch::Arch, coredump::Coredump, memory::Memory as _, progress::Unattended, registers::Reg,
    };

    fn fixture(name: &str) -> Vec<u8> {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");
        std::fs::read(format!("{root}{name}")).unwrap()
    }

    fn decode(bytes: &[u8]) -> Decoded {
        ElfCore.decode(bytes, &Unattended).unwrap()
    }

    fn only(bytes: &[u8]) -> Coredump {
        let mut decoded = decode(bytes);
        assert_eq!(decoded.coredumps.len(), 1);
        decoded.coredumps.remove(0)
    }

    /// Builds a core by hand: `notes` and one memory segment.
    fn core(notes: &[(&str, u32, Vec<u8>)], addr: u32, memory: &[u8], memory_size: u32) -> Vec<u8> {
        let mut blob = Vec::new();
        for (name, kind, desc) in notes {
            let mut name = name.as_bytes().to_vec();
            name.push(0);
            for word in [name.len() as u32, desc.len() as u32, *kind] {
                blob.extend(word.to_le_bytes());
            }
            for part in [&name, desc] {
                blob.extend(part);
                while !blob.len().is_multiple_of(4) {
                    blob.push(0);
                }
            }
        }
        let mut out = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        for half in [4u16, 40] {
            out.extend(half.to_le_bytes());
        }
        for word in [1u32, 0, 52, 0, 0x0500_0000] {
            out.extend(word.to_le_bytes());
        }
        for half in [52u16, 32, 2, 0, 0, 0] {
            out.extend(half.to_le_bytes());
        }
        let notes_at = 52 + 64u32;
        let n_notes = blob.len() as u32;
        let n_memory = memory.len() as u32;
        for word in [4, notes_at, 0, 0, n_notes, n_notes, 4, 4] {
            out.extend(u32::to_le_bytes(word));
        }
        for word in [1, notes_at + n_notes, addr, 0, n_memory, memory_size, 6, 4] {
            out.extend(u32::to_le_bytes(word));
        }
        out.extend(blob);
        out.extend(memory);
        out
    }

    fn prstatus(pid: u32, signal: u16, first: u32) -> Vec<u8> {
        let mut desc = vec![0; 148];
        desc[12..14].copy_from_slice(&signal.to_le_bytes());
        desc[24..28].copy_from_slice(&pid.to_le_bytes());
        for n in 0..17 {
            desc[72 + n * 4..76 + n * 4].copy_from_slice(&(first + n as u32).to_le_bytes());
        }
        desc
    }

    #[test]
    fn a_core_with_one_thread_gives_its_registers_and_memory() {
        let dump = only(&fixture("qemu-bare/an386-6.core"));
        assert_eq!(dump.threads.len(), 1);
        assert_eq!(dump.threads[0].registers.pc(), Some(0x212));
        assert_eq!(
            dump.threads[0].registers.known(Reg::r(1)),
            Some(0xF000_0100)
        );
        assert_eq!(dump.memory.regions().len(), 1);
        assert_eq!(dump.memory.ranges(), [0x2000_0000..0x2000_24C8]);
        assert!(dump.warnings.is_empty(), "{:?}", dump.warnings);
    }

    #[test]
    fn a_core_of_riscv_has_the_program_counter_in_front() {
        let dump = only(&fixture("qemu-riscv/rill-virt-null-write.core"));
        assert_eq!(dump.arch, Arch::Riscv32);
        let registers = &dump.threads[0].registers;
        let machine: serde_json::Value =
            serde_json::from_slice(&fixture("qemu-riscv/rill-virt-null-write.machine.json"))
                .unwrap();
        for (name, value) in machine["registers"].as_object().unwrap() {
            let reg = registers.file().by_name(name).unwrap();
            let value = value.as_str().unwrap().trim_start_matches("0x");
            assert_eq!(
                registers.known(reg),
                u64::from_str_radix(value, 16).ok(),
                "{name}"
            );
        }
        assert!(dump.warnings.is_empty(), "{:?}", dump.warnings);
    }

    #[test]
    fn floating_point_registers_of_riscv_are_of_one_or_two_words() {
        let mut wide = vec![0; 32 * 8 + 4];
        wide[8..16].copy_from_slice(&7u64.to_le_bytes());
        let mut narrow = vec![0; 32 * 4 + 4];
        narrow[4..8].copy_from_slice(&7u32.to_le_bytes());
        for floats in [wide, narrow, vec![0; 12]] {
            let is_short = floats.len() == 12;
            let mut desc = prstatus(1, 11, 0x100);
            desc.resize(204, 0);
            let mut bytes = core(&[("CORE", 1, desc), ("CORE", 2, floats)], 0, &[], 0);
            bytes[18] = 243;
            let dump = only(&bytes);
            let f1 = dump.threads[0].registers.known(Reg(33));
            assert_eq!(f1, (!is_short).then_some(7));
            assert_eq!(dump.threads[0].registers.pc(), Some(0x100));
        }
    }

    #[test]
    fn every_task_of_a_core_with_many_notes_is_a_thread() {
        let dump = only(&fixture("qemu-freertos/an386-1.core.mt"));
        assert_eq!(dump.threads.len(), 6);
        assert_eq!(dump.threads[0].registers.pc(), Some(0x354));
        assert!(dump.threads.iter().all(|t| t.registers.sp().is_some()));
    }

    #[test]
    fn a_thread_with_a_signal_comes_first_and_floats_belong_to_the_note_before_them() {
        let mut vfp = Vec::new();
        for n in 0..32u64 {
            vfp.extend((n << 32 | 0x1000 | n).to_le_bytes());
        }
        vfp.extend(0x0300_0000u32.to_le_bytes());
        let mut psinfo = vec![0; 124];
        psinfo[28..32].copy_from_slice(b"demo");
        let bytes = core(
            &[
                ("CORE", 1, prstatus(7, 0, 0x100)),
                ("CORE", 1, prstatus(8, 11, 0x200)),
                ("LINUX", 0x400, vfp),
                ("CORE", 3, psinfo),
                ("GNU", 3, (1..=20).collect()),
            ],
            0x2000_0000,
            &[1, 2, 3, 4],
            64,
        );
        let dump = only(&bytes);
        assert_eq!(dump.threads[0].id, Some(8));
        assert_eq!(dump.threads[0].registers.known(Reg::s(2)), Some(0x1001));
        assert_eq!(dump.threads[0].registers.known(Reg::s(3)), Some(1));
        assert_eq!(
            dump.threads[0].registers.known(Reg(287)),
            Some(31 << 32 | 0x101F)
        );
        assert_eq!(
            dump.threads[0].registers.known(Reg::FPSCR),
            Some(0x0300_0000)
        );
        assert_eq!(dump.threads[1].registers.known(Reg::s(2)), None);
        assert_eq!(dump.reason.as_deref(), Some("signal 11 (SIGSEGV)"));
        assert_eq!(dump.build_id.unwrap().short(), "01020304");
        assert!(
            dump.memory.read_u32(0x2000_0004).is_err(),
            "never read as zero"
        );
        assert_eq!(dump.warnings[0].code, "FS-CORE-003");
    }

    #[test]
    fn a_cut_off_core_keeps_what_is_there_and_says_where_it_ends() {
        let bytes = fixture("qemu-bare/an386-1.core");
        let dump = only(&bytes[..0x11c + 0x100]);
        assert_eq!(dump.threads.len(), 1);
        assert_eq!(dump.memory.ranges(), [0x2000_0000..0x2000_0100]);
        assert_eq!(dump.warnings[0].code, "FS-CORE-005");
        assert_eq!(dump.warnings[0].offset, Some(0x21c));
        assert!(only(&bytes[..40]).threads.is_empty());
    }

    #[test]
    fn a_core_of_another_processor_is_named_and_kept() {
        let mut bytes = core(&[], 0, &[], 0);
        bytes[18] = 8;
        let decoded = decode(&bytes);
        assert!(decoded.coredumps.is_empty());
        assert!(
            decoded.warnings[0]
                .message
                .contains("not supported yet: machine 8")
        );
    }

    #[test]
    fn segments_that_all_point_at_the_same_bytes_do_not_multiply_them() {
        let mut bytes = core(
            &[("CORE", 1, prstatus(1, 0, 0))],
            0x2000_0000,
            &[7; 4096],
            4096,
        );
        let header = bytes[84..116].to_vec();
        let table = bytes.len() as u32;
        for n in 0..1000u32 {
            let mut header = header.clone();
            header[8..12].copy_from_slice(&(0x3000_0000 + n * 0x2000).to_le_bytes());
            bytes.extend(header);
        }
        bytes[28..32].copy_from_slice(&table.to_le_bytes());
        bytes[44..46].copy_from_slice(&1000u16.to_le_bytes());
        let dump = only(&bytes);
        let captured: usize = dump.memory.regions().iter().map(|r| r.bytes.len()).sum();
        assert!(captured <= bytes.len());
        assert_eq!(dump.warnings[0].code, "FS-CORE-002");
    }

    #[test]
    fn notes_that_all_point_at_the_same_bytes_are_read_once() {
        let blob: Vec<(&str, u32, Vec<u8>)> = (1..=50)
            .map(|pid| ("CORE", 1, prstatus(pid, 0, 0)))
            .collect();
        let mut bytes = core(&blob, 0x2000_0000, &[7; 64], 64);
        let header = bytes[52..84].to_vec();
        let table = bytes.len() as u32;
        bytes.extend(header.repeat(1000));
        bytes[28..32].copy_from_slice(&table.to_le_bytes());
        bytes[44..46].copy_from_slice(&1000u16.to_le_bytes());
        let dump = only(&bytes);
        assert!(dump.threads.len() < 1000, "{}", dump.threads.len());
        assert!(dump.warnings.iter().any(|w| w.code == "FS-CORE-002"));
    }

    #[test]
    fn a_core_cut_off_in_its_header_says_where() {
        let bytes = fixture("qemu-bare/an386-1.core");
        for len in [20, 40, 44, 51] {
            let dump = only(&bytes[..len]);
            assert_eq!(dump.warnings[0].code, "FS-CORE-005");
            assert!(dump.warnings.iter().all(|w| w.offset == Some(len as u64)));
        }
    }
}
