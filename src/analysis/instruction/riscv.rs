//! One instruction of RV32. Operands as the disassembler writes them; what they do: The RISC-V Instruction Set Manual,
//! volume I.

use super::{Access, AccessKind, DecodedInstruction, number_of, written};
use crate::model::addr::TargetAddr;
use crate::model::memory::Memory;
use crate::model::register_file::RegisterFile;
use crate::model::registers::{Reg, RegisterSet};
use capstone::arch::riscv::{ArchExtraMode, ArchMode};
use capstone::prelude::{BuildsCapstone as _, BuildsCapstoneExtraMode as _, Capstone};

/// x0, which always reads as 0.
const ZERO: Reg = Reg(0);
/// The stack pointer.
const SP: Reg = Reg(2);

/// Loads and stores of one element: name without the prefix `c.` and without the suffix `sp`.
const ACCESSES: &[(&str, AccessKind, u64)] = &[
    ("fld", AccessKind::Read, 8),
    ("flw", AccessKind::Read, 4),
    ("fsd", AccessKind::Write, 8),
    ("fsw", AccessKind::Write, 4),
    ("lb", AccessKind::Read, 1),
    ("lbu", AccessKind::Read, 1),
    ("lh", AccessKind::Read, 2),
    ("lhu", AccessKind::Read, 2),
    ("lw", AccessKind::Read, 4),
    ("sb", AccessKind::Write, 1),
    ("sh", AccessKind::Write, 2),
    ("sw", AccessKind::Write, 4),
];

/// Decodes the instruction at `addr` (bit 0 is ignored); `None` when its bytes are not in memory.
pub(super) fn decode(
    addr: u64,
    memory: &dyn Memory,
    registers: &RegisterSet,
) -> Option<DecodedInstruction> {
    let addr = addr & !1;
    let bytes = instruction_bytes(addr, memory)?;
    let text = disassemble(addr, &bytes).unwrap_or_else(|| undefined_text(&bytes));
    let access = access_of(&text, registers);
    let operands = operand_values(&text, registers);
    written(addr, &bytes, text, operands, access)
}

/// Two bytes, or four when the lowest two bits are set.
fn instruction_bytes(addr: u64, memory: &dyn Memory) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 2];
    memory.read(addr, &mut bytes).ok()?;
    if bytes.first().is_some_and(|low| low & 3 == 3) {
        let mut second = [0; 2];
        memory.read(addr.checked_add(2)?, &mut second).ok()?;
        bytes.extend_from_slice(&second);
    }
    Some(bytes)
}

fn disassemble(addr: u64, bytes: &[u8]) -> Option<String> {
    let engine = Capstone::new()
        .riscv()
        .mode(ArchMode::RiscV32)
        .extra_mode([ArchExtraMode::RiscVC].into_iter())
        .build()
        .ok()?;
    let found = engine.disasm_count(bytes, addr, 1).ok()?;
    let first = found.iter().next()?;
    if first.bytes().len() != bytes.len() {
        return None;
    }
    let mnemonic = first.mnemonic()?;
    Some(match first.op_str().unwrap_or("") {
        "" => mnemonic.to_owned(),
        operands => format!("{mnemonic} {operands}"),
    })
}

fn undefined_text(bytes: &[u8]) -> String {
    let value = bytes
        .iter()
        .rev()
        .fold(0_u32, |value, byte| value << 8 | u32::from(*byte));
    let width = bytes.len().saturating_mul(2);
    format!(".insn 0x{value:0width$x}")
}

/// By its ABI name; `ft0` and its like are floating-point registers, which hold no address.
fn register(name: &str) -> Option<Reg> {
    RegisterFile::Riscv.by_name(name)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
}

fn value_of(reg: Reg, registers: &RegisterSet) -> Option<u64> {
    if reg == ZERO {
        return Some(0);
    }
    registers.known(reg)
}

fn operand_values(text: &str, registers: &RegisterSet) -> Vec<(String, Option<TargetAddr>)> {
    let operands = text.split_once(' ').map_or("", |(_, rest)| rest);
    let mut out: Vec<(String, Option<TargetAddr>)> = Vec::new();
    for word in words(operands) {
        let Some(reg) = register(word).filter(|reg| *reg != ZERO) else {
            continue;
        };
        let name = RegisterFile::Riscv.name(reg);
        if !out.iter().any(|(seen, _)| *seen == name) {
            out.push((name, registers.known(reg).map(TargetAddr)));
        }
    }
    out
}

fn access_of(text: &str, registers: &RegisterSet) -> Access {
    let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
    let name = mnemonic.strip_prefix("c.").unwrap_or(mnemonic);
    match name {
        ".insn" | "unimp" => Access::of(AccessKind::Undefined),
        "ebreak" => Access::of(AccessKind::Breakpoint),
        "jr" | "jalr" | "ret" => jump(name, operands, registers),
        _ => match name.split_once('.') {
            Some((atomic, size)) => atomic_access(atomic, size, operands, registers),
            None => plain_access(name, operands, registers),
        },
    }
}

fn plain_access(name: &str, operands: &str, registers: &RegisterSet) -> Access {
    // `lwsp` and its like; no other name of the table ends so.
    let name = name.strip_suffix("sp").unwrap_or(name);
    let known = ACCESSES.binary_search_by_key(&name, |(known, _, _)| known);
    let entry = known.ok().and_then(|index| ACCESSES.get(index));
    let Some((_, kind, size)) = entry else {
        return Access::of(AccessKind::None);
    };
    memory_access(*kind, *size, operands, registers)
}

/// `amoadd.w rd, rs2, (rs1)`, `sc.w rd, rs2, (rs1)`, `lr.w rd, (rs1)`.
fn atomic_access(name: &str, size: &str, operands: &str, registers: &RegisterSet) -> Access {
    let element = if size.starts_with('d') { 8 } else { 4 };
    let stored = operands.split_once(',').map_or("", |(_, rest)| rest);
    match name {
        "lr" => memory_access(AccessKind::Read, element, operands, registers),
        "sc" | "amoswap" => memory_access(AccessKind::Write, element, stored, registers),
        _ if name.starts_with("amo") => Access {
            // What is written depends on what was there.
            values: vec![None],
            ..memory_access(AccessKind::Write, element, stored, registers)
        },
        _ => Access::of(AccessKind::None),
    }
}

/// `rt, offset(base)`.
fn memory_access(
    kind: AccessKind,
    element: u64,
    operands: &str,
    registers: &RegisterSet,
) -> Access {
    let (transferred, place) = operands.split_once(',').unwrap_or((operands, ""));
    let (offset, base) = place.trim().split_once('(').unwrap_or((place, ""));
    let base = register(base.trim_end_matches(')').trim());
    let offset = match offset.trim() {
        "" => Some(0),
        digits => number_of(digits),
    };
    let address = base
        .and_then(|reg| value_of(reg, registers))
        .zip(offset)
        .map(|(start, offset)| start.wrapping_add_signed(offset) & 0xFFFF_FFFF);
    let mask = match element {
        1 => 0xFF,
        2 => 0xFFFF,
        4 => 0xFFFF_FFFF,
        _ => u64::MAX,
    };
    let value = register(transferred.trim()).and_then(|reg| value_of(reg, registers));
    Access {
        kind,
        address,
        size: element,
        element,
        values: if kind == AccessKind::Write {
            vec![value.map(|value| value & mask)]
        } else {
            Vec::new()
        },
        is_on_stack: base == Some(SP),
        number: None,
    }
}

/// `jr rs`, `jalr rs`, `jalr rd, rs, offset`, `jalr rd, offset(rs)`, `ret`.
fn jump(name: &str, operands: &str, registers: &RegisterSet) -> Access {
    let base = match name {
        "ret" => Some(Reg(1)),
        _ => words(operands).filter_map(register).last(),
    };
    let offset = operands
        .split([',', '('])
        .find_map(|part| number_of(part.trim()))
        .unwrap_or(0);
    Access {
        address: base
            .and_then(|reg| value_of(reg, registers))
            .map(|to| to.wrapping_add_signed(offset) & 0xFFFF_FFFF),
        ..Access::of(AccessKind::Jump)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AccessKind, DecodedInstruction, decode_instruction};
    use super::ACCESSES;
    use crate::model::memory::MemoryMap;
    use crate::model::register_file::RegisterFile;
    use crate::model::registers::{Reg, RegisterSet};

    use AccessKind::{Breakpoint, Jump, None as Nothing, Read, Undefined, Write};

    /// xN holds N * 0x1000 + 0x10; a1 (x11) holds 13.
    fn decode(bytes: &[u8]) -> DecodedInstruction {
        let mut memory = MemoryMap::default();
        memory.insert(0x8000_0100, bytes);
        let mut regs = RegisterSet::new(RegisterFile::Riscv);
        for n in 1..32_u16 {
            regs.set_known(Reg(n), u32::from(n) * 0x1000 + 0x10);
        }
        regs.set_known(Reg(11), 13_u32);
        decode_instruction(0x8000_0101, &memory, &regs).unwrap()
    }

    /// (bytes, kind, address, size, first value); encodings by riscv64-unknown-elf-as 2.40.
    const CASES: &[(u32, AccessKind, Option<u64>, u64, Option<u64>)] = &[
        (0x00b5_2223, Write, Some(0xA014), 4, Some(13)), // sw a1, 4(a0)
        (0x00b5_10a3, Write, Some(0xA011), 2, Some(13)), // sh a1, 1(a0)
        (0xfeb5_0fa3, Write, Some(0xA00F), 1, Some(13)), // sb a1, -1(a0)
        (0x0005_2023, Write, Some(0xA010), 4, Some(0)),  // sw zero, 0(a0)
        (0xff84_2503, Read, Some(0x8008), 4, None),      // lw a0, -8(s0)
        (0x0005_4503, Read, Some(0xA010), 1, None),      // lbu a0, 0(a0)
        (0xc14c, Write, Some(0xA014), 4, Some(13)),      // c.sw a1, 4(a0)
        (0xde06, Write, Some(0x204C), 4, Some(0x1010)),  // c.swsp ra, 60(sp)
        (0x4532, Read, Some(0x201C), 4, None),           // c.lwsp a0, 12(sp)
        (0x00c5_a52f, Write, Some(13), 4, None),         // amoadd.w a0, a2, (a1)
        (0x1005_a52f, Read, Some(13), 4, None),          // lr.w a0, (a1)
        (0x0002_80e7, Jump, Some(0x5010), 0, None),      // jalr ra, 0(t0)
        (0x8282, Jump, Some(0x5010), 0, None),           // c.jr t0
        (0x8082, Jump, Some(0x1010), 0, None),           // c.ret
        (0x9002, Breakpoint, None, 0, None),             // c.ebreak
        (0x0010_0073, Breakpoint, None, 0, None),        // ebreak
        (0x0000_0073, Nothing, None, 0, None),           // ecall
        (0xffff_ffff, Undefined, None, 0, None),
        (0x02c5_c533, Nothing, None, 0, None), // div a0, a1, a2: traps never
        (0x952e, Nothing, None, 0, None),      // c.add a0, a1
    ];

    #[test]
    fn every_kind_of_access_is_computed_from_the_registers() {
        assert!(ACCESSES.is_sorted_by_key(|(name, _, _)| *name));
        for (word, kind, address, size, value) in CASES {
            let bytes = word.to_le_bytes();
            let length = if word & 3 == 3 { 4 } else { 2 };
            let got = decode(&bytes[..length]);
            let text = &got.instruction.text;
            assert_eq!(got.length, length as u64, "{text}");
            assert_eq!(got.access.kind, *kind, "{text}");
            assert_eq!(got.access.address, *address, "{text}");
            assert_eq!(got.access.size, *size, "{text}");
            let first = got.access.values.first().copied().flatten();
            assert_eq!(first, *value, "{text}");
        }
        assert!(decode(&0xde06_u16.to_le_bytes()).access.is_on_stack);
    }

    #[test]
    fn bytes_that_are_missing_give_nothing() {
        let empty = RegisterSet::new(RegisterFile::Riscv);
        assert!(decode_instruction(0x10, &MemoryMap::default(), &empty).is_none());
        let mut memory = MemoryMap::default();
        memory.insert(0x10, &[0x23, 0x22]);
        assert!(decode_instruction(0x10, &memory, &empty).is_none(), "half");
        memory.insert(0x10, &0x00b5_2223_u32.to_le_bytes());
        let got = decode_instruction(0x10, &memory, &empty).unwrap();
        assert_eq!(got.access.address, None);
        assert_eq!(got.instruction.operands.len(), 2);
    }
}
