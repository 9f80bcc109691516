//! Dumps of probe-rs (`probe-rs` debugger, "Take a core dump"): registers and memory of a halted core as `MessagePack`.
//!
//! Layout: `CoreDump` of probe-rs, `probe-rs/src/core/dump.rs`, as serde writes it: a map with the names of the fields,
//! or an array of them in this order.
//!
//! | field | content |
//! |---|---|
//! | registers | map of register number to `{"U32": n}`, `{"U64": n}` or `{"U128": ..}` |
//! | data | array of `[{"start", "end"}, bytes]`; the bytes are an array of numbers or binary |
//! | `instruction_set` | `Thumb2`, `RV32C`, `Xtensa`, ... |
//! | `supports_native_64bit_access`, `core_type`, `fpu_support`, `floating_point_register_count` | `core_type` is `armv7m`, `riscv`, `xtensa`, ... |
//!
//! Register numbers: Cortex-M as in DCRSR (16 xPSR, 17 MSP, 18 PSP, 20 CONTROL, FAULTMASK, BASEPRI and PRIMASK, 33
//! FPSCR, 64-95 s0-s31); RISC-V the debug specification's (0x1000 + x, 0x1020 + f, below that CSRs; dpc is the PC);
//! Xtensa a0-a15, 0x100 + special register, 0xFF00 PC, 0xFF01 PS. A live halt: SP is what the core had.

use super::{
    Carrier, Confidence, Decoded, Format, fault_memory,
    lines::as_u64,
    msgpack::{Item, MessagePack},
};
use crate::model::{
    arch::Arch,
    coredump::{CapturedThread, Coredump, SpMeaning},
    progress::{Cancelled, Progress},
    register_file::RegisterFile,
    registers::{Reg, RegisterSet},
    warning::Warning,
};

/// The fields in the order of the array form.
const FIELDS: [&[u8]; 7] = [
    b"registers",
    b"data",
    b"instruction_set",
    b"supports_native_64bit_access",
    b"core_type",
    b"fpu_support",
    b"floating_point_register_count",
];
/// No core has more.
const MOST_REGISTERS: u32 = 4096;
/// More pieces of memory than anybody asks for; bounds the work on a broken file.
const MOST_REGIONS: u32 = 1024;

/// RISC-V, `dpc`: the PC of a halted hart.
const DPC: u64 = 0x7B1;

/// probe-rs core dump.
pub(super) struct ProbeRs;

impl Format for ProbeRs {
    fn id(&self) -> &'static str {
        "probe-rs"
    }
    fn label(&self) -> &'static str {
        "probe-rs core dump"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["coredump"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::WholeFile
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        let mut reader = MessagePack::new(bytes);
        match reader.next() {
            Some(Item::Map(5..=15)) => match reader.next() {
                Some(Item::Bytes(key)) if FIELDS.contains(&key) => Confidence::Certain,
                _ => Confidence::No,
            },
            // Without names: a map of numbers to {"U32": ..} is telling enough.
            Some(Item::Array(5..=15)) if begins_with_registers(&mut reader) => Confidence::Certain,
            _ => Confidence::No,
        }
    }
    fn decode(&self, bytes: &[u8], progress: &dyn Progress) -> Result<Decoded, Cancelled> {
        progress.tick(0, as_u64(bytes.len()))?;
        let mut read = Read::default();
        let mut reader = MessagePack::new(bytes);
        let is_whole = read.fields(&mut reader).is_some();
        let mut dump = read.into_coredump();
        dump.source = 0..as_u64(bytes.len());
        if !is_whole {
            dump.warnings.push(Warning::at(
                "FS-PROBE-001",
                as_u64(reader.offset()),
                "the dump is cut off or broken here; what came before was read",
            ));
        }
        Ok(Decoded {
            understood: vec![dump.source.clone()],
            coredumps: vec![dump],
            ..Decoded::default()
        })
    }
}

fn begins_with_registers(reader: &mut MessagePack<'_>) -> bool {
    matches!(reader.next(), Some(Item::Map(1..=MOST_REGISTERS)))
        && matches!(reader.next(), Some(Item::Number(Some(0..=0xFFFF))))
        && matches!(reader.next(), Some(Item::Map(1)))
        && matches!(reader.next(), Some(Item::Bytes(b"U32" | b"U64" | b"U128")))
}

/// What was read so far. The processor is known after the registers only.
#[derive(Default)]
struct Read {
    registers: Vec<(u64, u64)>,
    memory: crate::model::memory::MemoryMap,
    core_type: String,
    instruction_set: String,
}

impl Read {
    fn fields(&mut self, reader: &mut MessagePack<'_>) -> Option<()> {
        match reader.next()? {
            Item::Map(n) => {
                for _ in 0..n {
                    let Item::Bytes(key) = reader.next()? else {
                        return None;
                    };
                    self.field(key, reader)?;
                }
            }
            Item::Array(n) => {
                let mut names = FIELDS.iter();
                for _ in 0..n {
                    self.field(names.next().copied().unwrap_or_default(), reader)?;
                }
            }
            Item::Other | Item::Bool(_) | Item::Number(_) | Item::Bytes(_) => return None,
        }
        Some(())
    }

    fn field(&mut self, name: &[u8], reader: &mut MessagePack<'_>) -> Option<()> {
        match name {
            b"registers" => self.registers(reader),
            b"data" => self.memory(reader),
            b"instruction_set" => {
                self.instruction_set = text(reader)?;
                Some(())
            }
            b"core_type" => {
                self.core_type = text(reader)?;
                Some(())
            }
            _ => reader.skip(),
        }
    }

    fn registers(&mut self, reader: &mut MessagePack<'_>) -> Option<()> {
        let Item::Map(n) = reader.next()? else {
            return None;
        };
        for _ in 0..n.min(MOST_REGISTERS) {
            let number = number(reader)?;
            let Item::Map(1) = reader.next()? else {
                return None;
            };
            reader.skip()?; // "U32", "U64", "U128": the value tells
            if let Item::Number(Some(value)) = reader.next()? {
                self.registers.push((number, value));
            }
        }
        (n <= MOST_REGISTERS).then_some(())
    }

    fn memory(&mut self, reader: &mut MessagePack<'_>) -> Option<()> {
        let Item::Array(n) = reader.next()? else {
            return None;
        };
        for _ in 0..n.min(MOST_REGIONS) {
            let Item::Array(2) = reader.next()? else {
                return None;
            };
            let start = match reader.next()? {
                Item::Array(2) => {
                    let start = number(reader)?;
                    reader.skip()?;
                    start
                }
                Item::Map(fields) => {
                    let mut start = None;
                    for _ in 0..fields {
                        match reader.next()? {
                            Item::Bytes(b"start") => start = Some(number(reader)?),
                            _ => reader.skip()?,
                        }
                    }
                    start?
                }
                _ => return None,
            };
            match reader.next()? {
                Item::Bytes(bytes) => self.memory.insert(start, bytes),
                Item::Array(len) => self.byte_by_byte(start, len, reader)?,
                Item::Other | Item::Bool(_) | Item::Number(_) | Item::Map(_) => return None,
            }
        }
        (n <= MOST_REGIONS).then_some(())
    }

    /// Memory as an array of numbers; what is there of it is kept.
    fn byte_by_byte(&mut self, start: u64, len: u32, reader: &mut MessagePack<'_>) -> Option<()> {
        let mut bytes = Vec::new();
        let mut is_whole = Some(());
        for _ in 0..len {
            let byte = match reader.next() {
                Some(Item::Number(Some(value))) => u8::try_from(value).ok(),
                _ => None,
            };
            let Some(byte) = byte else {
                is_whole = None;
                break;
            };
            bytes.push(byte);
        }
        self.memory.insert(start, &bytes);
        is_whole
    }

    fn into_coredump(self) -> Coredump {
        let arch = self.arch();
        let mut dump = Coredump::new("probe-rs", arch);
        dump.memory = self.memory;
        let mut registers = match arch {
            Arch::Riscv32 => RegisterSet::new(RegisterFile::Riscv),
            Arch::Xtensa => RegisterSet::new(RegisterFile::Xtensa),
            _ => RegisterSet::default(),
        };
        for (number, value) in self.registers {
            match arch {
                Arch::Riscv32 => riscv(&mut registers, number, value),
                Arch::Xtensa => xtensa(&mut registers, number, value),
                Arch::Arm | Arch::ArmV6M | Arch::ArmV7M | Arch::ArmV8M => {
                    cortex_m(&mut registers, number, value);
                }
                Arch::Aarch64 | Arch::X86_64 | Arch::Other => {}
            }
        }
        if registers.iter().next().is_some() {
            dump.threads.push(CapturedThread {
                registers,
                sp_meaning: SpMeaning::Popped,
                ..CapturedThread::default()
            });
        } else {
            dump.warnings.push(Warning::new(
                "FS-PROBE-002",
                match self.core_type.as_str() {
                    "" => "the dump does not say which processor it is of; only its memory was read".to_owned(),
                    core => format!("the dump has no registers that are known here (its processor is called {core}); only its memory was read"),
                },
            ));
        }
        fault_memory::add_from_memory(&mut dump.fault, &dump.memory);
        dump
    }

    fn arch(&self) -> Arch {
        let core = self.core_type.to_ascii_lowercase();
        match core.as_str() {
            "armv6m" => Arch::ArmV6M,
            "armv7m" | "armv7em" => Arch::ArmV7M,
            "armv8m" => Arch::ArmV8M,
            "armv8a" => Arch::Aarch64,
            "riscv" | "riscv32" => Arch::Riscv32,
            "xtensa" => Arch::Xtensa,
            // Cut off before it: the numbers of the registers tell.
            "" => match self.instruction_set.as_str() {
                "RV32" | "RV32C" => Arch::Riscv32,
                "Xtensa" => Arch::Xtensa,
                _ if self.registers.iter().any(|(n, _)| *n == 0xFF00) => Arch::Xtensa,
                _ if self.registers.iter().any(|(n, _)| *n == DPC) => Arch::Riscv32,
                _ => Arch::Arm,
            },
            _ => Arch::Other,
        }
    }
}

fn number(reader: &mut MessagePack<'_>) -> Option<u64> {
    match reader.next()? {
        Item::Number(value) => value,
        _ => None,
    }
}

fn text(reader: &mut MessagePack<'_>) -> Option<String> {
    match reader.next()? {
        Item::Bytes(bytes) => {
            Some(String::from_utf8_lossy(bytes.get(..64).unwrap_or(bytes)).into_owned())
        }
        _ => None,
    }
}

/// A register number that is one of ours plus `first`.
fn numbered(number: u64, first: u64, our_first: u16) -> Option<Reg> {
    let n = u16::try_from(number.checked_sub(first)?).ok()?;
    our_first.checked_add(n).map(Reg)
}

fn cortex_m(registers: &mut RegisterSet, number: u64, value: u64) {
    let reg = match number {
        0..=15 => numbered(number, 0, 0),
        16 => Some(Reg::XPSR),
        17 => Some(Reg::MSP),
        18 => Some(Reg::PSP),
        20 => {
            for (reg, shift) in [
                (Reg::CONTROL, 24),
                (Reg::FAULTMASK, 16),
                (Reg::BASEPRI, 8),
                (Reg::PRIMASK, 0),
            ] {
                registers.set_known(reg, (value >> shift) & 0xFF);
            }
            None
        }
        33 => Some(Reg::FPSCR),
        64..=95 => numbered(number, 64, Reg::s(0).0),
        _ => None,
    };
    if let Some(reg) = reg {
        registers.set_known(reg, value);
    }
}

fn riscv(registers: &mut RegisterSet, number: u64, value: u64) {
    let reg = match number {
        DPC => Some(Reg::RISCV_PC),
        0x300..=0x3FF | 0xF11..=0xF15 => numbered(number, 0, 4096),
        0x1001..=0x101F => numbered(number, 0x1000, 0),
        0x1020..=0x103F => numbered(number, 0x1020, 32),
        _ => None,
    };
    if let Some(reg) = reg {
        registers.set_known(reg, value);
    }
}

fn xtensa(registers: &mut RegisterSet, number: u64, value: u64) {
    let reg = match number {
        0..=15 => numbered(number, 0, 0),
        0x100 => Some(Reg::LBEG),
        0x101 => Some(Reg::LEND),
        0x102 => Some(Reg::LCOUNT),
        0x103 => Some(Reg::SAR),
        0x148 => Some(Reg::WINDOWBASE),
        0x1E8 => Some(Reg::EXCCAUSE),
        0x1EE => Some(Reg::EXCVADDR),
        0xFF00 => Some(Reg::XTENSA_PC),
        0xFF01 => Some(Reg::PS),
        _ => None,
    };
    if let Some(reg) = reg {
        registers.set_known(reg, value);
    }
}

#[cfg(test)]
#[expect(clippy::cast_possible_truncation, reason = "test inputs are small")]
pub(super) mod tests {
    use super::ProbeRs;
    use crate::formats::{Confidence, Format as _};
    use crate::model::{
        arch::Arch, coredump::Coredump, memory::Memory as _, progress::Unattended, registers::Reg,
    };

    fn text(out: &mut Vec<u8>, text: &str) {
        out.push(0xA0 + text.len() as u8);
        out.extend(text.as_bytes());
    }

    fn number(out: &mut Vec<u8>, n: u32) {
        match n {
            0..=0x7F => out.push(n as u8),
            0x80..=0xFF => out.extend([0xCC, n as u8]),
            _ => {
                out.push(0xCE);
                out.extend(n.to_be_bytes());
            }
        }
    }

    /// Writes a dump as serde would, with or without the names of the fields.
    pub(crate) fn build(
        core: &str,
        registers: &[(u32, u32)],
        memory: &[(u32, &[u8])],
        is_named: bool,
    ) -> Vec<u8> {
        let mut out = vec![if is_named { 0x87 } else { 0x97 }];
        let name = |out: &mut Vec<u8>, name: &str| {
            if is_named {
                text(out, name);
            }
        };
        name(&mut out, "registers");
        out.extend([0xDE, 0, registers.len() as u8]);
        for (n, value) in registers {
            number(&mut out, *n);
            out.push(0x81);
            text(&mut out, "U32");
            number(&mut out, *value);
        }
        name(&mut out, "data");
        out.push(0x90 + memory.len() as u8);
        for (start, bytes) in memory {
            let end = start + bytes.len() as u32;
            out.push(0x92);
            out.push(if is_named { 0x82 } else { 0x92 });
            name(&mut out, "start");
            number(&mut out, *start);
            name(&mut out, "end");
            number(&mut out, end);
            out.extend([0xDC, (bytes.len() >> 8) as u8, bytes.len() as u8]);
            bytes.iter().for_each(|b| number(&mut out, u32::from(*b)));
        }
        name(&mut out, "instruction_set");
        text(&mut out, "Thumb2");
        name(&mut out, "supports_native_64bit_access");
        out.push(0xC2);
        name(&mut out, "core_type");
        text(&mut out, core);
        name(&mut out, "fpu_support");
        out.push(0xC3);
        name(&mut out, "floating_point_register_count");
        out.push(32);
        out
    }

    fn only(bytes: &[u8]) -> Coredump {
        assert_eq!(ProbeRs.sniff(bytes, ""), Confidence::Certain);
        ProbeRs
            .decode(bytes, &Unattended)
            .unwrap()
            .coredumps
            .remove(0)
    }

    pub(crate) const CORTEX_M: [(u32, u32); 8] = [
        (15, 0x0800_0200),
        (13, 0x2000_1000),
        (14, 0xFFFF_FFED),
        (16, 0x2100_0003),
        (18, 0x2000_0800),
        (20, 0x0400_4001),
        (33, 0xF95C),
        (95, 0x3F80_0000),
    ];

    #[test]
    fn registers_and_memory_of_each_processor_are_read_in_both_forms() {
        for is_named in [true, false] {
            let bytes: Vec<u8> = (0..=255).collect();
            let dump = only(&build(
                "armv7m",
                &CORTEX_M,
                &[(0x2000_0000, &bytes)],
                is_named,
            ));
            assert_eq!(dump.arch, Arch::ArmV7M);
            assert_eq!(dump.warnings, []);
            let regs = &dump.threads[0].registers;
            assert_eq!(regs.pc(), Some(0x0800_0200));
            assert_eq!(regs.known(Reg::PSP), Some(0x2000_0800));
            assert_eq!(regs.known(Reg::CONTROL), Some(4));
            assert_eq!(regs.known(Reg::BASEPRI), Some(0x40));
            assert_eq!(regs.known(Reg::PRIMASK), Some(1));
            assert_eq!(regs.known(Reg::s(31)), Some(0x3F80_0000));
            assert_eq!(dump.memory.read_u32(0x2000_00FC), Ok(0xFFFE_FDFC));
        }
        let riscv = [(0x7B1, 0x4200_0010), (0x1002, 0x3FC8_0000), (0x342, 7)];
        let dump = only(&build("riscv", &riscv, &[], true));
        let regs = &dump.threads[0].registers;
        assert_eq!(
            (regs.pc(), regs.sp()),
            (Some(0x4200_0010), Some(0x3FC8_0000))
        );
        assert_eq!(regs.known(Reg::MCAUSE), Some(7));
        let xtensa = [
            (0xFF00, 0x4037_8400),
            (1, 0x3FC9_0000),
            (0xFF01, 0x0006_0030),
        ];
        let dump = only(&build("xtensa", &xtensa, &[], true));
        let regs = &dump.threads[0].registers;
        assert_eq!(
            (regs.pc(), regs.sp()),
            (Some(0x4037_8400), Some(0x3FC9_0000))
        );
        let other = only(&build("armv8a", &CORTEX_M, &[], true));
        assert_eq!(other.warnings[0].code, "FS-PROBE-002");
    }

    #[test]
    fn a_dump_that_is_cut_off_keeps_what_came_before() {
        let whole = build("armv7m", &CORTEX_M, &[(0x2000_0000, &[7; 300])], true);
        for end in 40..whole.len() {
            let dump = only(&whole[..end]);
            let first = dump.warnings.first().unwrap();
            assert_eq!(first.code, "FS-PROBE-001", "{end}");
            assert!(first.offset.unwrap() <= end as u64);
            assert_eq!(dump.threads[0].registers.pc(), Some(0x0800_0200));
        }
        let half = only(&whole[..whole.len() - 200]);
        assert_eq!(half.memory.read_u8(0x2000_0000), Ok(7));
        assert_eq!(
            half.threads[0].registers.known(Reg::s(31)),
            Some(0x3F80_0000)
        );
    }

    #[test]
    fn other_message_pack_is_not_taken() {
        for bytes in [
            &[0x87, 0xA1, b'x', 1][..],
            &[0x97, 1, 2, 3],
            &[0x80],
            b"",
            &[0xC1],
        ] {
            assert_eq!(ProbeRs.sniff(bytes, "x.coredump"), Confidence::No);
        }
    }
}
