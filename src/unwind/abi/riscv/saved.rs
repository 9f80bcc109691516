//! Where code has put the registers that it found: the code from the beginning of a function to an address in it is
//! followed, and every word that it stores is kept with what it came from.
//!
//! That is how a function without call-frame information gives back its caller, and a trap entry, which is written by
//! hand in every firmware and RTOS, what it interrupted. Branches are tried both ways until one leads to the address.

use super::instruction::{Op, decode};
use crate::model::registers::{Reg, RegValue, RegisterSet};
use crate::unwind::code::Code;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Instructions that are followed at most, over all ways.
const MAX_STEPS: usize = 1024;
/// Ways that wait to be tried at most.
const MAX_WAYS: usize = 16;
/// Stores that are kept.
const MAX_STORES: usize = 96;

/// Places and finds of a search.
const MAX_PLACES: u64 = 4096;
const MAX_FOUND: usize = 8;
/// `mstatus.MPP`: machine mode was interrupted.
const MSTATUS_MPP: u32 = 3 << 11;
/// Bits of `mstatus` that a 32-bit core never sets.
const MSTATUS_RESERVED: u32 = 0x7F80_0000;

/// Number of the return address.
const RA: u8 = 1;
/// Number of the stack pointer.
const SP: usize = 2;
/// Number of the global pointer.
const GP: usize = 3;
/// `mscratch` and `mepc`, the numbers in the instruction.
const MSCRATCH: u16 = 0x340;
const MEPC: u16 = 0x341;
/// Numbers of [`Reg`] for control and status registers begin here.
const FIRST_CSR: u16 = 4096;

/// What a value was when the code began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    /// Nothing: the value is a number.
    Number,
    /// A general register, by number.
    Register(u8),
    /// A control and status register.
    Csr(u16),
}

/// A value: its origin and what was added to it. `None` for a value that cannot be told.
type Value = Option<(Origin, u32)>;

/// The state of the code on one way.
#[derive(Clone)]
struct State {
    at: u64,
    registers: [Value; 32],
    csrs: BTreeMap<u16, Value>,
    /// (address, value), the latest last.
    stores: Vec<((Origin, u32), Value)>,
}

/// What the code had done when it reached an address.
pub(super) struct Saved {
    state: State,
    known: BTreeMap<Origin, u32>,
}

/// Follows the code from `start` until `target`; variables are found through `gp`, which never changes. `None` when no way
/// leads there.
pub(super) fn follow(
    start: u64,
    target: u64,
    gp: Option<u64>,
    code: &Code<'_, '_>,
) -> Option<Saved> {
    let mut registers = [None; 32];
    for (n, slot) in (0..32).zip(registers.iter_mut()) {
        *slot = Some((
            if n == 0 {
                Origin::Number
            } else {
                Origin::Register(n)
            },
            0,
        ));
    }
    if let Some(gp) = gp.and_then(|gp| u32::try_from(gp).ok())
        && let Some(slot) = registers.get_mut(GP)
    {
        *slot = Some((Origin::Number, gp));
    }
    let mut ways = vec![State {
        at: start,
        registers,
        csrs: BTreeMap::new(),
        stores: Vec::new(),
    }];
    let mut steps = 0;
    let mut indirect = None;
    let mut branched = BTreeSet::new();
    while let Some(mut state) = ways.pop() {
        loop {
            if state.at == target {
                return Some(Saved {
                    state,
                    known: BTreeMap::new(),
                });
            }
            steps += 1;
            if steps > MAX_STEPS {
                return None;
            }
            let Some((op, length)) = fetch(state.at, code) else {
                break;
            };
            let next = state.at.wrapping_add(length);
            match op {
                Op::Branch { target: other } => {
                    // Each branch is tried both ways once: a loop adds nothing.
                    if !branched.insert(state.at) {
                        break;
                    }
                    if ways.len() < MAX_WAYS {
                        let mut taken = state.clone();
                        taken.at = other;
                        ways.push(taken);
                    }
                    state.at = next;
                }
                Op::Jump {
                    rd: 0,
                    target: other,
                } => {
                    if !branched.insert(state.at) {
                        break;
                    }
                    state.at = other;
                }
                Op::Jump { rd, .. } | Op::JumpRegister { rd, .. } if rd != 0 => {
                    state.call();
                    state.at = next;
                }
                Op::JumpRegister { rs, .. } if rs != RA => {
                    // A table of jumps: where it leads is not followed, but what was saved before is.
                    indirect = indirect.or(Some(state));
                    break;
                }
                Op::Jump { .. } | Op::JumpRegister { .. } | Op::TrapReturn => break,
                _ => {
                    state.apply(op, code);
                    state.at = next;
                }
            }
        }
    }
    indirect.map(|state| Saved {
        state,
        known: BTreeMap::new(),
    })
}

fn fetch(at: u64, code: &Code<'_, '_>) -> Option<(Op, u64)> {
    let low = code.half_word(at)?;
    decode(at, low, code.half_word(at.checked_add(2)?))
}

impl State {
    fn get(&self, n: u8) -> Value {
        self.registers.get(usize::from(n)).copied().flatten()
    }

    fn set(&mut self, n: u8, value: Value) {
        if let Some(slot) = self.registers.get_mut(usize::from(n)).filter(|_| n != 0) {
            *slot = value;
        }
    }

    /// A call returns with what a callee must keep.
    fn call(&mut self) {
        let file = crate::model::register_file::RegisterFile::Riscv;
        for n in (0..32_u8).filter(|n| file.is_call_clobbered(Reg((*n).into()))) {
            self.set(n, None);
        }
    }

    fn apply(&mut self, op: Op, code: &Code<'_, '_>) {
        match op {
            Op::AddImmediate { rd, rs, imm } => {
                let value = self.get(rs);
                self.set(rd, plus(value, imm.cast_unsigned()));
            }
            Op::Add { rd, rs1, rs2 } => {
                let sum = match (self.get(rs1), self.get(rs2)) {
                    (value, Some((Origin::Number, n))) | (Some((Origin::Number, n)), value) => {
                        plus(value, n)
                    }
                    _ => None,
                };
                self.set(rd, sum);
            }
            Op::Constant { rd, value } => self.set(rd, Some((Origin::Number, value))),
            Op::LoadWord { rd, base, offset } => {
                let loaded = plus(self.get(base), offset.cast_unsigned())
                    .and_then(|address| self.load(address, code));
                self.set(rd, loaded);
            }
            Op::StoreWord { rs, base, offset } => {
                if let Some(address) = plus(self.get(base), offset.cast_unsigned())
                    && self.stores.len() < MAX_STORES
                {
                    self.stores.push((address, self.get(rs)));
                }
            }
            Op::Csr { rd, csr, written } => {
                let old = self
                    .csrs
                    .get(&csr)
                    .copied()
                    .unwrap_or(Some((Origin::Csr(csr), 0)));
                if let Some(rs) = written {
                    let new = self.get(rs);
                    self.csrs.insert(csr, new);
                }
                self.set(rd, old);
            }
            Op::Other { rd } => self.set(rd, None),
            Op::Branch { .. } | Op::Jump { .. } | Op::JumpRegister { .. } | Op::TrapReturn => {}
        }
    }

    /// The word at `address`: what this code stored there, else a variable of the firmware.
    fn load(&self, address: (Origin, u32), code: &Code<'_, '_>) -> Value {
        if let Some((_, value)) = self.stores.iter().rev().find(|(at, _)| *at == address) {
            return *value;
        }
        let (Origin::Number, addr) = address else {
            return None;
        };
        let word = code.memory.read_u32(addr.into()).ok()?;
        Some((Origin::Number, word))
    }
}

fn plus(value: Value, n: u32) -> Value {
    value.map(|(origin, sum)| (origin, sum.wrapping_add(n)))
}

impl Saved {
    /// True for code that keeps what an ordinary function may lose: the temporaries t0 to t6 as they were found.
    pub(super) fn is_trap_entry(&self) -> bool {
        let is_temporary = |n: &u8| matches!(n, 5..=7 | 28..=31);
        let n_temporaries = self
            .state
            .stores
            .iter()
            .filter(|(_, value)| matches!(value, Some((Origin::Register(n), 0)) if is_temporary(n)))
            .count();
        n_temporaries >= 2
    }

    /// True when the return address of the caller was stored.
    pub(super) fn has_return_address(&self) -> bool {
        let stores = &self.state.stores;
        stores
            .iter()
            .any(|(_, v)| *v == Some((Origin::Register(1), 0)))
    }

    /// Works out what the registers were when the code began, from those at the address that was reached. In the
    /// innermost frame these hold for certain; in another one callees may have used the scratch registers since.
    pub(super) fn resolve(&mut self, now: &RegisterSet, is_innermost: bool, code: &Code<'_, '_>) {
        let word = |reg| now.known(reg).and_then(|v| u32::try_from(v).ok());
        // Every callee gives back the stack pointer.
        let sp = self.state.registers.get(SP).copied().flatten();
        self.learn(sp, word(Reg(2)));
        for (csr, value) in self.state.csrs.clone() {
            if csr == MSCRATCH {
                self.learn(value, word(Reg::MSCRATCH));
            }
        }
        self.read_stores(code);
        let file = now.file();
        for n in 1..32_u8 {
            let kept = is_innermost || !file.is_call_clobbered(Reg(n.into()));
            let is_untouched = self.state.get(n) == Some((Origin::Register(n), 0));
            if kept && is_untouched && !self.is_stored(n) {
                self.learn(self.state.get(n), word(Reg(n.into())));
            }
        }
    }

    /// Reads what was stored where it is known; each turn may tell where further stores are.
    fn read_stores(&mut self, code: &Code<'_, '_>) {
        for _ in 0..4 {
            let before = self.known.len();
            for (address, value) in self.state.stores.clone() {
                let stored = self
                    .number(Some(address))
                    .and_then(|addr| code.memory.read_u32(addr.into()).ok());
                self.learn(value, stored);
            }
            if self.known.len() == before {
                break;
            }
        }
    }

    fn is_stored(&self, n: u8) -> bool {
        let stores = &self.state.stores;
        stores
            .iter()
            .any(|(_, v)| *v == Some((Origin::Register(n), 0)))
    }

    fn learn(&mut self, value: Value, number: Option<u32>) {
        if let (Some((origin, sum)), Some(number)) = (value, number)
            && origin != Origin::Number
        {
            // The first is the nearest to the beginning: later stores may hold what was put there since.
            self.known.entry(origin).or_insert(number.wrapping_sub(sum));
        }
    }

    fn number(&self, value: Value) -> Option<u32> {
        let (origin, sum) = value?;
        match origin {
            Origin::Number => Some(sum),
            _ => Some(self.known.get(&origin)?.wrapping_add(sum)),
        }
    }

    /// Looks for what this code has saved in `area`, when the stack pointer it saved is lost: the highest place whose words
    /// are a program counter in code and the status of machine mode. Below the live one lie stale ones.
    pub(super) fn search(&self, area: &Range<u64>, code: &Code<'_, '_>) -> Vec<Self> {
        let end = area.end & !15;
        let n_places = (end.saturating_sub(area.start) / 16).min(MAX_PLACES);
        (0..n_places)
            .filter_map(|n| u32::try_from(end - 16 * n).ok())
            .filter_map(|sp| {
                let mut found = Self {
                    state: self.state.clone(),
                    known: BTreeMap::from([(Origin::Register(2), sp)]),
                };
                found.read_stores(code);
                let in_code = found.mepc().is_some_and(|pc| code.contains(pc.into()));
                let ra = found.known.get(&Origin::Register(1)).copied()?;
                let is_return = ra == 0 || code.return_address(ra).is_some();
                let mstatus = found.csr(Reg::MSTATUS)? & (MSTATUS_MPP | MSTATUS_RESERVED);
                (in_code && is_return && mstatus == MSTATUS_MPP).then_some(found)
            })
            .take(MAX_FOUND)
            .collect()
    }

    /// A control and status register as it was when the code began.
    pub(super) fn csr(&self, reg: Reg) -> Option<u32> {
        let number = reg.0.checked_sub(FIRST_CSR)?;
        self.known.get(&Origin::Csr(number)).copied()
    }

    /// The stack pointer as it was when the code began.
    pub(super) fn sp(&self) -> Option<u32> {
        self.known.get(&Origin::Register(2)).copied()
    }

    /// The program counter that a trap entry saved.
    pub(super) fn mepc(&self) -> Option<u32> {
        self.known.get(&Origin::Csr(MEPC)).copied()
    }

    /// The general registers as they were when the code began; what is not known is `missing`.
    pub(super) fn registers(&self, missing: RegValue) -> RegisterSet {
        let mut registers = RegisterSet::new(crate::model::register_file::RegisterFile::Riscv);
        for n in 1..32_u8 {
            let value = self.known.get(&Origin::Register(n));
            registers.set(
                Reg(n.into()),
                value.map_or(missing, |v| RegValue::Known((*v).into())),
            );
        }
        registers
    }
}
