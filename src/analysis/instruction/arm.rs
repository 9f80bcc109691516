//! One Thumb instruction. Register lists and addressing modes: `ARMv7-M` Architecture Reference Manual, A7.7.

use super::{Access, AccessKind, DecodedInstruction, number_of, written};
use crate::model::addr::TargetAddr;
use crate::model::memory::Memory;
use crate::model::registers::{Reg, RegisterSet};
use capstone::arch::arm::{ArchExtraMode, ArchMode};
use capstone::prelude::{BuildsCapstone as _, BuildsCapstoneExtraMode as _, Capstone};

/// Decodes the Thumb instruction at `addr` (bit 0 is ignored); `None` when its bytes are not in memory.
pub(super) fn decode(
    addr: u64,
    memory: &dyn Memory,
    registers: &RegisterSet,
) -> Option<DecodedInstruction> {
    let addr = addr & !1;
    let bytes = instruction_bytes(addr, memory)?;
    let (text, length) = disassemble(addr, &bytes).unwrap_or_else(|| undefined_text(&bytes));
    let access = access_of(&text, addr, registers);
    let operands = operand_values(&text, registers);
    written(addr, bytes.get(..length)?, text, operands, access)
}

/// Two bytes, or four when the first half-word starts a 32-bit instruction (A5.1: 0b11101, 0b11110, 0b11111).
fn instruction_bytes(addr: u64, memory: &dyn Memory) -> Option<Vec<u8>> {
    let mut bytes = vec![0; 2];
    memory.read(addr, &mut bytes).ok()?;
    let high = bytes.get(1).copied().unwrap_or(0);
    if high >= 0xE8 {
        let mut second = [0; 2];
        memory.read(addr.checked_add(2)?, &mut second).ok()?;
        bytes.extend_from_slice(&second);
    }
    Some(bytes)
}

fn disassemble(addr: u64, bytes: &[u8]) -> Option<(String, usize)> {
    let engine = Capstone::new()
        .arm()
        .mode(ArchMode::Thumb)
        .extra_mode([ArchExtraMode::MClass, ArchExtraMode::V8].into_iter())
        .build()
        .ok()?;
    let found = engine.disasm_count(bytes, addr, 1).ok()?;
    let first = found.iter().next()?;
    let mnemonic = first.mnemonic()?;
    let operands = first.op_str().unwrap_or("");
    let text = if operands.is_empty() {
        mnemonic.to_owned()
    } else {
        format!("{mnemonic} {}", plain_names(operands))
    };
    Some((text, first.bytes().len()))
}

fn undefined_text(bytes: &[u8]) -> (String, usize) {
    let half = |at: usize| {
        let low = bytes.get(at).copied().unwrap_or(0);
        let high = bytes.get(at + 1).copied().unwrap_or(0);
        u16::from_le_bytes([low, high])
    };
    if bytes.len() >= 4 {
        (format!(".inst.w 0x{:04x}{:04x}", half(0), half(2)), 4)
    } else {
        (format!(".inst.n 0x{:04x}", half(0)), 2)
    }
}

/// `sb`, `sl`, `fp`, `ip` as the register table calls them.
fn plain_names(operands: &str) -> String {
    let mut out = String::with_capacity(operands.len());
    let mut word = String::new();
    let flush = |word: &mut String, out: &mut String| {
        out.push_str(match word.as_str() {
            "sb" => "r9",
            "sl" => "r10",
            "fp" => "r11",
            "ip" => "r12",
            other => other,
        });
        word.clear();
    };
    for c in operands.chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            word.push(c);
        } else {
            flush(&mut word, &mut out);
            out.push(c);
        }
    }
    flush(&mut word, &mut out);
    out
}

fn register(name: &str) -> Option<Reg> {
    match name {
        "sp" => return Some(Reg::SP),
        "lr" => return Some(Reg::LR),
        "pc" => return Some(Reg::PC),
        _ => {}
    }
    let number: u16 = name.get(1..)?.parse().ok()?;
    match (name.get(..1)?, number) {
        ("r", 0..=12) => Some(Reg::r(number)),
        ("s", 0..=31) => Some(Reg::s(number)),
        ("d", 0..=31) => Some(Reg(256 + number)),
        _ => None,
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
}

fn operand_values(text: &str, registers: &RegisterSet) -> Vec<(String, Option<TargetAddr>)> {
    let operands = text.split_once(' ').map_or("", |(_, rest)| rest);
    let mut out: Vec<(String, Option<TargetAddr>)> = Vec::new();
    for word in words(operands) {
        let Some(reg) = register(word) else { continue };
        let name = reg.arm_name();
        if reg != Reg::PC && !out.iter().any(|(seen, _)| *seen == name) {
            out.push((name, registers.known(reg).map(TargetAddr)));
        }
    }
    out
}

fn access_of(text: &str, addr: u64, registers: &RegisterSet) -> Access {
    let (mnemonic, operands) = text.split_once(' ').unwrap_or((text, ""));
    let name = mnemonic.split('.').next().unwrap_or(mnemonic);
    let by_list =
        |kind, base, descending, list| list_access(kind, base, descending, list, registers);
    match name {
        "udf" => Access {
            number: number(operands),
            ..Access::of(AccessKind::Undefined)
        },
        "" => Access::of(AccessKind::Undefined), // `.inst`
        "bkpt" => Access {
            number: number(operands),
            ..Access::of(AccessKind::Breakpoint)
        },
        "sdiv" | "udiv" => division(operands, registers),
        "bx" | "blx" | "bxns" | "blxns" => jump(operands, registers),
        "push" | "vpush" => by_list(AccessKind::Write, "sp", true, operands),
        "pop" | "vpop" => by_list(AccessKind::Read, "sp", false, operands),
        "stm" | "stmia" | "stmdb" | "vstm" | "vstmia" | "vstmdb" => {
            let (base, list) = operands.split_once(',').unwrap_or((operands, ""));
            by_list(AccessKind::Write, base, name.ends_with("db"), list)
        }
        "ldm" | "ldmia" | "ldmdb" | "vldm" | "vldmia" | "vldmdb" => {
            let (base, list) = operands.split_once(',').unwrap_or((operands, ""));
            by_list(AccessKind::Read, base, name.ends_with("db"), list)
        }
        "tbb" => memory_access(AccessKind::Read, 1, operands, addr, registers),
        "tbh" => memory_access(AccessKind::Read, 2, operands, addr, registers),
        _ if operands.contains('[') => {
            // `strex rd, rt, [rn]`: rd is the result, not a value that is stored.
            let is_exclusive = name.starts_with("strex") || name.starts_with("stlex");
            let stored = operands.split_once(", ").filter(|_| is_exclusive);
            let operands = stored.map_or(operands, |(_, rest)| rest);
            match element_size(name, operands) {
                Some((kind, size)) => memory_access(kind, size, operands, addr, registers),
                None => Access::of(AccessKind::None),
            }
        }
        _ if name.starts_with('v') => Access::of(AccessKind::FloatingPoint),
        _ => Access::of(AccessKind::None),
    }
}

/// Direction and element size of a single or double load or store.
fn element_size(name: &str, operands: &str) -> Option<(AccessKind, u64)> {
    let (kind, rest) = if let Some(rest) = name.strip_prefix("ldr").or(name.strip_prefix("lda")) {
        (AccessKind::Read, rest)
    } else if let Some(rest) = name.strip_prefix("str").or(name.strip_prefix("stl")) {
        (AccessKind::Write, rest)
    } else if name.starts_with("vldr") {
        return Some((AccessKind::Read, vector_size(operands)));
    } else if name.starts_with("vstr") {
        return Some((AccessKind::Write, vector_size(operands)));
    } else {
        return None;
    };
    let rest = rest
        .strip_prefix("ex")
        .or(rest.strip_prefix('s'))
        .unwrap_or(rest);
    Some((
        kind,
        match rest.chars().next() {
            Some('b') => 1,
            Some('h') => 2,
            _ => 4,
        },
    ))
}

fn vector_size(operands: &str) -> u64 {
    if operands.starts_with('d') { 8 } else { 4 }
}

fn number(operands: &str) -> Option<u32> {
    let digits = operands.trim().strip_prefix('#')?;
    let value = number_of(digits)?;
    u32::try_from(value).ok()
}

fn division(operands: &str, registers: &RegisterSet) -> Access {
    let names: Vec<&str> = words(operands).collect();
    // `sdiv rd, rn, rm`; the two-operand form divides the first by the second.
    let inputs = names.len().saturating_sub(2);
    Access {
        values: names
            .get(inputs..)
            .unwrap_or_default()
            .iter()
            .map(|name| register(name).and_then(|reg| registers.known(reg)))
            .collect(),
        ..Access::of(AccessKind::Divide)
    }
}

fn jump(operands: &str, registers: &RegisterSet) -> Access {
    let base = register(operands.trim());
    if base.is_none() {
        return Access::of(AccessKind::None); // a branch to a label cannot go wrong by a value
    }
    Access {
        address: base.and_then(|reg| registers.known(reg)),
        ..Access::of(AccessKind::Jump)
    }
}

fn list_access(
    kind: AccessKind,
    base: &str,
    descending: bool,
    list: &str,
    registers: &RegisterSet,
) -> Access {
    let base = register(base.trim().trim_end_matches('!'));
    let names: Vec<Reg> = words(list).filter_map(register).collect();
    let element: u64 = if names.first().is_some_and(|reg| (256..288).contains(&reg.0)) {
        8
    } else {
        4
    };
    let size = element.saturating_mul(names.len() as u64);
    let start = base.and_then(|reg| registers.known(reg));
    Access {
        kind,
        address: start.map(|at| {
            if descending {
                at.wrapping_sub(size) & 0xFFFF_FFFF
            } else {
                at
            }
        }),
        size,
        element,
        values: if kind == AccessKind::Write {
            names.iter().map(|reg| registers.known(*reg)).collect()
        } else {
            Vec::new()
        },
        is_on_stack: base == Some(Reg::SP),
        number: None,
    }
}

fn memory_access(
    kind: AccessKind,
    element: u64,
    operands: &str,
    addr: u64,
    registers: &RegisterSet,
) -> Access {
    let (before, rest) = operands.split_once('[').unwrap_or((operands, ""));
    let (inside, _after) = rest.split_once(']').unwrap_or((rest, ""));
    let transferred: Vec<Reg> = words(before).filter_map(register).collect();
    let count = transferred.len().clamp(1, 2) as u64;
    let mut parts = inside.split(',').map(str::trim);
    let base = parts.next().and_then(register);
    // After the bracket stands a post-index: the access itself is at the base.
    let address = base
        .and_then(|reg| base_value(reg, addr, element, registers))
        .and_then(|start| offset(parts, registers).map(|by| start.wrapping_add_signed(by)))
        .map(|at| at & 0xFFFF_FFFF);
    let mask = 1u64
        .checked_shl(u32::try_from(element * 8).unwrap_or(64))
        .map_or(u64::MAX, |bit| bit - 1);
    Access {
        kind,
        address,
        size: element.saturating_mul(count),
        element,
        values: if kind == AccessKind::Write {
            transferred
                .iter()
                .map(|reg| registers.known(*reg).map(|value| value & mask))
                .collect()
        } else {
            Vec::new()
        },
        is_on_stack: base == Some(Reg::SP),
        number: None,
    }
}

/// The base of an address; relative to the program counter it is 4 further, and a literal's is word aligned.
fn base_value(reg: Reg, addr: u64, element: u64, registers: &RegisterSet) -> Option<u64> {
    if reg != Reg::PC {
        return registers.known(reg);
    }
    let pc = addr.wrapping_add(4);
    Some(if element < 4 { pc } else { pc & !3 })
}

/// What is added to the base inside the brackets; `None` when an index register is not known.
fn offset<'a>(parts: impl Iterator<Item = &'a str>, registers: &RegisterSet) -> Option<i64> {
    let mut total: i64 = 0;
    for part in parts {
        if let Some(digits) = part.strip_prefix('#') {
            total = total.wrapping_add(number_of(digits)?);
        } else if let Some(shift) = part.strip_prefix("lsl #") {
            let by = u32::try_from(number_of(shift)?)
                .ok()
                .filter(|by| *by < 32)?;
            total = total.wrapping_shl(by);
        } else {
            let value = registers.known(register(part)?)?;
            total = i64::try_from(value & 0xFFFF_FFFF).ok()?;
        }
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::super::{AccessKind, DecodedInstruction, decode_instruction};
    use crate::model::memory::MemoryMap;
    use crate::model::registers::{Reg, RegisterSet};

    fn decode(bytes: &[u8]) -> DecodedInstruction {
        let mut memory = MemoryMap::default();
        memory.insert(0x354, bytes);
        let mut regs = RegisterSet::default();
        for n in 0..13_u16 {
            regs.set_known(Reg::r(n), 0x2000_0000_u32 + u32::from(n) * 0x100 + 0x10);
        }
        regs.set_known(Reg::r(1), 13_u32);
        regs.set_known(Reg::r(3), 2_u32);
        regs.set_known(Reg::SP, 0x2000_8000_u32);
        regs.set_known(Reg::LR, 0x0000_0401_u32);
        decode_instruction(0x355, &memory, &regs).unwrap()
    }

    /// (bytes, text, kind, address, size, first value)
    type Case = (
        &'static [u8],
        &'static str,
        AccessKind,
        Option<u64>,
        u64,
        Option<u64>,
    );

    use AccessKind::{
        Breakpoint, Divide, FloatingPoint, Jump, None as Nothing, Read, Undefined, Write,
    };

    const CASES: &[Case] = &[
        (
            &[0x01, 0x60],
            "str r1, [r0]",
            Write,
            Some(0x2000_0010),
            4,
            Some(13),
        ),
        (
            &[0x00, 0x68],
            "ldr r0, [r0]",
            Read,
            Some(0x2000_0010),
            4,
            None,
        ),
        (
            &[0x41, 0x71],
            "strb r1, [r0, #5]",
            Write,
            Some(0x2000_0015),
            1,
            Some(13),
        ),
        (
            &[0x41, 0x81],
            "strh r1, [r0, #0xa]",
            Write,
            Some(0x2000_001A),
            2,
            Some(13),
        ),
        (
            &[0xD0, 0x56],
            "ldrsb r0, [r2, r3]",
            Read,
            Some(0x2000_0212),
            1,
            None,
        ),
        (
            &[0x01, 0x93],
            "str r3, [sp, #4]",
            Write,
            Some(0x2000_8004),
            4,
            Some(2),
        ),
        (
            &[0x10, 0xB5],
            "push {r4, lr}",
            Write,
            Some(0x2000_7FF8),
            8,
            Some(0x2000_0410),
        ),
        (
            &[0x10, 0xBD],
            "pop {r4, pc}",
            Read,
            Some(0x2000_8000),
            8,
            None,
        ),
        (
            &[0x5D, 0xF8, 0x04, 0xFB],
            "ldr pc, [sp], #4",
            Read,
            Some(0x2000_8000),
            4,
            None,
        ),
        (
            &[0x4D, 0xF8, 0x04, 0xED],
            "str lr, [sp, #-0x4]!",
            Write,
            Some(0x2000_7FFC),
            4,
            Some(0x401),
        ),
        (
            &[0x50, 0xF8, 0x23, 0x10],
            "ldr.w r1, [r0, r3, lsl #2]",
            Read,
            Some(0x2000_0018),
            4,
            None,
        ),
        (
            &[0xC4, 0xE9, 0x02, 0x13],
            "strd r1, r3, [r4, #8]",
            Write,
            Some(0x2000_0418),
            8,
            Some(13),
        ),
        (
            &[0x8E, 0xE8, 0x0F, 0x00],
            "stm.w lr, {r0, r1, r2, r3}",
            Write,
            Some(0x401),
            16,
            Some(0x2000_0010),
        ),
        (
            &[0x0F, 0xCB],
            "ldm r3, {r0, r1, r2, r3}",
            Read,
            Some(2),
            16,
            None,
        ),
        (
            &[0x1E, 0x4B],
            "ldr r3, [pc, #0x78]",
            Read,
            Some(0x3D0),
            4,
            None,
        ),
        (
            &[0xDF, 0xE8, 0x03, 0xF0],
            "tbb [pc, r3]",
            Read,
            Some(0x35A),
            1,
            None,
        ),
        (
            &[0x91, 0xFB, 0xF3, 0xF1],
            "sdiv r1, r1, r3",
            Divide,
            None,
            0,
            Some(13),
        ),
        (&[0x01, 0xDE], "udf #1", Undefined, None, 0, None),
        (&[0x00, 0xBE], "bkpt #0", Breakpoint, None, 0, None),
        (&[0x98, 0x47], "blx r3", Jump, Some(2), 0, None),
        (&[0x70, 0x47], "bx lr", Jump, Some(0x401), 0, None),
        (
            &[0x84, 0xED, 0x02, 0x8B],
            "vstr d8, [r4, #8]",
            Write,
            Some(0x2000_0418),
            8,
            None,
        ),
        (
            &[0x94, 0xED, 0x01, 0x0A],
            "vldr s0, [r4, #4]",
            Read,
            Some(0x2000_0414),
            4,
            None,
        ),
        (
            &[0x2D, 0xED, 0x04, 0x8B],
            "vpush {d8, d9}",
            Write,
            Some(0x2000_7FF0),
            16,
            None,
        ),
        (
            &[0x20, 0xEE, 0x20, 0x0A],
            "vmul.f32 s0, s0, s1",
            FloatingPoint,
            None,
            0,
            None,
        ),
        (&[0x0A, 0x46], "mov r2, r1", Nothing, None, 0, None),
        (
            &[0x46, 0xE8, 0x00, 0x13],
            "strex r3, r1, [r6]",
            Write,
            Some(0x2000_0610),
            4,
            Some(13),
        ),
    ];

    #[test]
    fn every_kind_of_access_is_computed_from_the_registers() {
        for (bytes, text, kind, address, size, value) in CASES {
            let got = decode(bytes);
            assert_eq!(got.instruction.text, *text);
            assert_eq!(got.length, bytes.len() as u64, "{text}");
            assert_eq!(got.access.kind, *kind, "{text}");
            assert_eq!(got.access.address, *address, "{text}");
            assert_eq!(got.access.size, *size, "{text}");
            assert_eq!(
                got.access.values.first().copied().flatten(),
                *value,
                "{text}"
            );
        }
    }

    #[test]
    fn a_store_of_several_registers_knows_which_value_goes_where() {
        let strd = decode(&[0xC4, 0xE9, 0x02, 0x13]).access;
        assert_eq!(strd.value_at(0x2000_0418), Some(13));
        assert_eq!(strd.value_at(0x2000_041C), Some(2));
        assert!(strd.covers(0x2000_041F) && !strd.covers(0x2000_0420));
    }

    #[test]
    fn bytes_without_an_instruction_are_undefined_and_missing_bytes_are_none() {
        let got = decode(&[0xFF, 0xFF, 0xFF, 0xFF]);
        assert_eq!(got.access.kind, AccessKind::Undefined);
        assert_eq!(got.instruction.bytes, "ffffffff");
        assert!(decode_instruction(0x10, &MemoryMap::default(), &RegisterSet::default()).is_none());
    }

    #[test]
    fn operands_show_values_and_unknown_registers_stay_unknown() {
        let mut memory = MemoryMap::default();
        memory.insert(0x354, &[0x01, 0x60]);
        let mut regs = RegisterSet::default();
        regs.set_known(Reg::r(1), 13_u32);
        let got = decode_instruction(0x354, &memory, &regs).unwrap();
        let shown: Vec<String> = got
            .instruction
            .operands
            .iter()
            .map(|(name, value)| format!("{name} {value:?}"))
            .collect();
        assert_eq!(shown, ["r1 Some(0x0000000d)", "r0 None"]);
        assert_eq!(got.access.address, None);
        assert_eq!(got.access.values, [Some(13)]);
    }
}
