//! Every local of every frame of the fixture crashes against what gdb printed for it.

use super::debug_info::DebugInfo;
use super::symbol_file::SymbolFile;
use super::symbol_set::SymbolSet;
use super::variables::{FrameContext, ValueLimits, locals};
use crate::model::memory::{Memory as _, MemoryMap};
use crate::model::registers::{Reg, RegisterSet};
use crate::model::report::{Local, Unavailable};

/// A test's own reader of ELF cores: one register set a thread, and memory.
pub(super) fn read_core(bytes: &[u8]) -> (Vec<RegisterSet>, MemoryMap) {
    let half = |at: usize| usize::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()));
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let size = |at: usize| usize::try_from(word(at)).unwrap();
    let mut threads = Vec::new();
    let mut memory = MemoryMap::default();
    for i in 0..half(44) {
        let header = size(28) + i * half(42);
        let (kind, offset, length) = (word(header), size(header + 4), size(header + 16));
        if kind == 1 {
            memory.insert(u64::from(word(header + 8)), &bytes[offset..offset + length]);
        } else if kind == 4 {
            let mut at = offset;
            while at < offset + length {
                let name = size(at).next_multiple_of(4);
                let description = at + 12 + name;
                if word(at + 8) == 1 {
                    let mut regs = RegisterSet::default();
                    for n in 0..16_u16 {
                        let value = word(description + 72 + usize::from(n) * 4);
                        regs.set_known(Reg::r(n), value);
                    }
                    threads.push(regs);
                }
                at = description + size(at + 4).next_multiple_of(4);
            }
        }
    }
    (threads, memory)
}

struct Physical {
    lookup: u64,
    registers: RegisterSet,
    cfa: Option<u64>,
}

/// A test's own walk: call-frame information, exception frames, and the link register of a wild jump.
fn walk(set: &SymbolSet<'_>, start: &RegisterSet, memory: &MemoryMap) -> Vec<Physical> {
    let mut found: Vec<Physical> = Vec::new();
    let mut registers = start.clone();
    let mut called = false;
    while let Some(pc) = registers.pc()
        && found.len() < 40
    {
        if pc >= 0xFFFF_FF00 {
            let sp = registers.sp().unwrap();
            let word = |i: u64| memory.read_u32(sp + 4 * i).unwrap_or(0);
            for (i, n) in [0, 1, 2, 3, 12, 14, 15].into_iter().enumerate() {
                registers.set_known(Reg::r(n), word(i as u64));
            }
            let size = if pc & 0x10 == 0 { 0x68 } else { 0x20 };
            let pad = if word(7) & 0x200 == 0 { 0 } else { 4 };
            registers.set_known(Reg::SP, sp + size + pad);
            called = false;
            continue;
        }
        let lookup = if called { pc.saturating_sub(1) } else { pc };
        let mut frame = Physical {
            lookup,
            registers: registers.clone(),
            cfa: None,
        };
        let step = set
            .for_address(lookup)
            .map(|info| info.unwind_step(lookup, &registers, memory));
        match step {
            Some(Ok(step)) => {
                frame.cfa = Some(step.cfa);
                registers = step.caller;
            }
            // A jump into nowhere: the link register still says where from.
            None if found.is_empty() => {
                let lr = registers.known(Reg::LR).unwrap();
                registers.set_known(Reg::PC, lr & !1);
            }
            // Nothing to go by: this frame is the last one.
            _ => {
                found.push(frame);
                break;
            }
        }
        let stuck = found
            .last()
            .is_some_and(|f| f.lookup == lookup && f.cfa == frame.cfa);
        found.push(frame);
        if stuck || registers.pc() == Some(0) {
            break;
        }
        called = true;
    }
    found
}

type FrameLocals = (String, Vec<Local>);

/// Function and locals of each frame, innermost first, inlined ones as frames of their own.
fn our_frames(set: &SymbolSet<'_>, physical: &[Physical], memory: &MemoryMap) -> Vec<FrameLocals> {
    let mut outermost_first = Vec::new();
    add_frames(set, physical, memory, None, &mut outermost_first);
    outermost_first.into_iter().rev().flatten().collect()
}

/// From the outside in, so that each frame can point to its caller.
fn add_frames<'s>(
    set: &SymbolSet<'s>,
    physical: &[Physical],
    memory: &MemoryMap,
    caller: Option<&FrameContext<'_, 's>>,
    found: &mut Vec<Vec<FrameLocals>>,
) {
    let Some((frame, inner)) = physical.split_last() else {
        return;
    };
    let context = FrameContext {
        lookup: frame.lookup,
        registers: &frame.registers,
        cfa: frame.cfa,
        memory,
        caller,
        symbols: set,
    };
    let info = set.for_address(frame.lookup);
    let frames = info.map(|info| info.source_frames(frame.lookup));
    let here = frames
        .unwrap_or_default()
        .into_iter()
        .map(|source| {
            let limits = ValueLimits::default();
            // Assembler code has no entry and no variables.
            let variables = source.scope.map_or_else(Vec::new, |scope| {
                locals(info.unwrap(), scope, &context, &limits)
            });
            (source.function.unwrap_or_default(), variables)
        })
        .collect();
    found.push(here);
    add_frames(set, inner, memory, Some(&context), found);
}

#[derive(Debug, PartialEq)]
enum Expected {
    Value(String),
    OptimizedOut,
    NoRegister,
}

/// Parses `bt full` as stored: function and variables of each frame, arguments included.
fn gdb_frames(text: &str) -> Vec<(String, Vec<(String, Expected)>)> {
    let mut found: Vec<(String, Vec<(String, Expected)>)> = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix('#') {
            let (number, rest) = rest.split_once(' ').unwrap();
            if number == "0" {
                found.clear();
            }
            let rest = rest.trim_start();
            if rest.starts_with('<') {
                continue;
            }
            let rest = match rest.split_once(" in ") {
                Some((address, rest)) if address.starts_with("0x") => rest,
                _ => rest,
            };
            let (name, rest) = rest.split_once(" (").unwrap();
            let arguments = rest.rsplit_once(") at ").map_or("", |(list, _place)| list);
            if name == "??" {
                continue;
            }
            let variables = split_arguments(arguments)
                .into_iter()
                .map(|argument| {
                    let (name, value) = argument
                        .split_once('=')
                        .unwrap_or_else(|| panic!("{argument} in {line}"));
                    let same = format!("{name}@entry=");
                    let value = value.strip_prefix(same.as_str()).unwrap_or(value);
                    (name.to_owned(), expected(value))
                })
                .collect();
            found.push((name.to_owned(), variables));
        } else if let Some(variable) = line.strip_prefix("        ")
            && let Some((name, value)) = variable.split_once(" = ")
        {
            let frame = found.last_mut().unwrap();
            frame.1.push((name.to_owned(), expected(value)));
        }
    }
    found
}

fn expected(value: &str) -> Expected {
    if value == "<optimized out>" {
        Expected::OptimizedOut
    } else if value.starts_with("<error reading variable") {
        Expected::NoRegister
    } else {
        Expected::Value(value.to_owned())
    }
}

fn split_arguments(list: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    let mut quote = None;
    let mut escaped = false;
    let mut depth = 0;
    for c in list.chars() {
        match (quote, c) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if c == open => quote = None,
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '<' | '(') => depth += 1,
            (None, '}' | '>' | ')') => depth -= 1,
            _ => {}
        }
        if c == ',' && quote.is_none() && depth == 0 {
            add_argument(&mut found, std::mem::take(&mut current));
        } else if !(current.is_empty() && c == ' ') {
            current.push(c);
        }
    }
    if !current.is_empty() {
        add_argument(&mut found, current);
    }
    found
}

/// The segments of one string are separated like arguments.
fn add_argument(found: &mut Vec<String>, text: String) {
    match found.last_mut() {
        Some(last) if text.starts_with(['"', '\'']) => {
            last.push_str(", ");
            last.push_str(&text);
        }
        _ if text == "..." => {}
        _ => found.push(text),
    }
}

/// Compares one thread; returns what differs and how many variables were compared.
fn compare(ours: &[FrameLocals], gdb: &str, place: &str, wrong: &mut Vec<String>) -> usize {
    let mut n = 0;
    let theirs = gdb_frames(gdb);
    for (i, (function, variables)) in theirs.iter().enumerate() {
        // The entry of a task returns into whatever stood there: gdb names a neighbour.
        if function == "vPortEnableVFP" {
            continue;
        }
        let Some((name, locals)) = ours.get(i) else {
            wrong.push(format!("{place} #{i} {function}: no frame of ours"));
            continue;
        };
        if name != function {
            wrong.push(format!("{place} #{i}: {name} where gdb has {function}"));
            continue;
        }
        for (variable, expected) in variables {
            n += 1;
            let found = locals.iter().find(|l| &l.name == variable);
            let right = match (found, expected) {
                // gdb takes a function that the linker dropped (to address 0) for what is there.
                (Some(_), Expected::Value(text))
                    if text.contains("<xTaskGenericNotifyFromISR+") =>
                {
                    true
                }
                (Some(l), Expected::Value(text)) => l.value.as_ref() == Some(text),
                (Some(l), Expected::OptimizedOut) => {
                    l.unavailable == Some(Unavailable::OptimizedOut) && l.value.is_none()
                }
                // What a callee pushed is on the stack: then the value is there for the taking.
                (Some(l), Expected::NoRegister) => {
                    l.unavailable == Some(Unavailable::RegisterNotStored) || l.value.is_some()
                }
                // Where we recover the value and it is still the one at entry, it is said once.
                (None, Expected::Value(text)) => variable
                    .strip_suffix("@entry")
                    .and_then(|name| locals.iter().find(|l| l.name == name))
                    .is_some_and(|l| l.value.as_ref() == Some(text)),
                (None, _) => false,
            };
            if !right {
                wrong.push(format!(
                    "{place} #{i} {function} {variable}: {expected:?}, ours {:?}",
                    found.map(|l| (&l.value, l.unavailable))
                ));
            }
        }
        for local in locals {
            if !variables.iter().any(|(name, _)| *name == local.name) {
                wrong.push(format!(
                    "{place} #{i} {function}: {} = {:?} is not in gdb's list",
                    local.name, local.value
                ));
            }
        }
    }
    n
}

pub(super) fn fixture(path: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");
    std::fs::read(format!("{root}{path}")).unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn locals_of_every_bare_metal_crash_are_those_that_gdb_prints() {
    let mut wrong = Vec::new();
    let mut n = 0;
    for board in ["an385", "an386", "an505"] {
        let elf = fixture(&format!("qemu-bare/{board}.elf"));
        let file = SymbolFile::parse(board, elf).unwrap();
        let set = SymbolSet {
            infos: vec![DebugInfo::new(&file)],
        };
        for crash in [1, 2, 4, 5, 6, 7] {
            let stem = format!("qemu-bare/{board}-{crash}");
            let (threads, memory) = read_core(&fixture(&format!("{stem}.core")));
            let gdb = String::from_utf8(fixture(&format!("{stem}.gdb.txt"))).unwrap();
            let physical = walk(&set, &threads[0], &memory);
            let ours = our_frames(&set, &physical, &memory);
            n += compare(&ours, &gdb, &stem, &mut wrong);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {n}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(n > 150, "only {n} variables compared");
}

#[test]
fn locals_of_every_task_are_those_that_gdb_prints() {
    let mut wrong = Vec::new();
    let mut n = 0;
    let file = SymbolFile::parse("an386", fixture("qemu-freertos/an386.elf")).unwrap();
    let set = SymbolSet {
        infos: vec![DebugInfo::new(&file)],
    };
    for crash in [1, 4, 8] {
        let stem = format!("qemu-freertos/an386-{crash}");
        let (threads, memory) = read_core(&fixture(&format!("{stem}.core.mt")));
        let gdb = String::from_utf8(fixture(&format!("{stem}.gdb.txt"))).unwrap();
        for section in gdb.split("\nThread ").skip(1) {
            let id: usize = section.split(' ').next().unwrap().parse().unwrap();
            let physical = walk(&set, &threads[id - 1], &memory);
            let ours = our_frames(&set, &physical, &memory);
            n += compare(&ours, section, &format!("{stem} thread {id}"), &mut wrong);
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {n}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(n > 100, "only {n} variables compared");
}

/// The registers that tests/fixtures/types/frames.py makes up for its thread `k`.
fn made_up_registers(k: u64, pc: u64) -> RegisterSet {
    let mut regs = RegisterSet::default();
    for n in 0..13_u16 {
        let value = match n {
            1 => k * 3,
            2 => 0x41 + k % 26,
            5 => 1000 + k,
            _ => 0x2000_0000 + 0x40 * u64::from(n) + 0x14 * k,
        };
        regs.set_known(Reg::r(n), value);
    }
    regs.set_known(Reg::SP, 0x2000_1000 + 8 * k);
    regs.set_known(Reg::LR, 0x565_u64);
    regs.set_known(Reg::PC, pc);
    regs
}

#[test]
fn variables_all_over_a_firmware_are_those_that_gdb_prints() {
    let mut wrong = Vec::new();
    let mut n = 0;
    let file = SymbolFile::parse("an386", fixture("qemu-freertos/an386.elf")).unwrap();
    let set = SymbolSet {
        infos: vec![DebugInfo::new(&file)],
    };
    let (_threads, memory) = read_core(&fixture("qemu-freertos/an386-1.core"));
    let gdb = String::from_utf8(fixture("oracle/freertos-an386.frames.txt")).unwrap();
    for section in gdb.split("Thread ").skip(1) {
        let id: u64 = section.split(' ').next().unwrap().parse().unwrap();
        let pc = 0x320 + (id - 1) * 0x1e;
        let physical = walk(&set, &made_up_registers(id - 1, pc), &memory);
        let ours = our_frames(&set, &physical, &memory);
        n += compare(&ours, section, &format!("{pc:#x}"), &mut wrong);
    }
    assert!(
        wrong.is_empty(),
        "{} of {n}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(n > 500, "only {n} variables compared");
}
