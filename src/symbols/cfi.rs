//! One step up the stack by call-frame information (DWARF 5, section 6.4; AADWARF32).
//!
//! Reads `.debug_frame` and `.eh_frame`, for the families of [`RegisterFile`].

use super::cfi_expression::{self, ExpressionError};
use super::debug_info::{DebugInfo, Reader};
use crate::model::arch::Arch;
use crate::model::memory::Memory;
use crate::model::register_file::RegisterFile;
use crate::model::registers::{Reg, RegValue, RegisterSet};
use gimli::{
    BaseAddresses, CfaRule, CieOrFde, DebugFrame, EhFrame, FrameDescriptionEntry, RegisterRule,
    UnwindContext, UnwindSection, UnwindTableRow,
};
use std::cell::RefCell;
use std::ops::Range;

/// The most entries that are read from one section.
const MOST_ENTRIES: usize = 1_000_000;
/// `EXC_RETURN` and `FNC_RETURN` values are no addresses: they keep their low bit.
const FIRST_MAGIC_RETURN: u64 = 0xFEFF_FFFE;

/// The caller of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CfiStep {
    /// Registers as the caller will see them when it goes on.
    pub caller: RegisterSet,
    /// Canonical frame address: the stack pointer of the caller.
    pub cfa: u64,
    /// The return address is undefined by rule: this is the outermost function.
    pub end_of_stack: bool,
    /// The function serves an exception: its caller was interrupted, not called.
    pub is_signal_frame: bool,
    /// A rule says where the return address is kept. If not, it is what the return address register holds: true before the
    /// function's first call, and lost after it (the compiler knew that the function does not return).
    pub is_return_address_kept: bool,
}

/// Why there is no step.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CfiError {
    /// No entry covers the address.
    #[error("no call-frame information for this address")]
    NoEntry,
    /// The return address lies in memory that was not captured.
    #[error("memory at 0x{0:08x} was not captured")]
    MemoryNotCaptured(u64),
    /// A register that the rule needs is not known.
    #[error("register {} is not known", .1.name(*.0))]
    RegisterNotKnown(Reg, RegisterFile),
    /// The information contradicts itself.
    #[error("damaged call-frame information: {0}")]
    Malformed(String),
}

/// The entries of both sections, sorted by address.
pub(super) struct UnwindTables<'a> {
    debug_frame: DebugFrame<Reader<'a>>,
    eh_frame: EhFrame<Reader<'a>>,
    bases: BaseAddresses,
    entries: Vec<Entry>,
    /// Greatest end of `entries[..=i]`.
    furthest_end: Vec<u64>,
    context: RefCell<UnwindContext<usize>>,
}

struct Entry {
    range: Range<u64>,
    offset: usize,
    is_eh: bool,
}

impl DebugInfo<'_> {
    /// The caller of the frame with `regs`. `lookup` is its program counter, or its return address minus one.
    ///
    /// Registers that a callee must keep (r4-r11, s16-s31) keep their value where no rule says otherwise;
    /// those it may overwrite become [`RegValue::Clobbered`], and so does LR. The program counter has
    /// its Thumb bit cleared, except for `EXC_RETURN` and `FNC_RETURN` values, which are kept whole.
    pub fn unwind_step(
        &self,
        lookup: u64,
        regs: &RegisterSet,
        memory: &dyn Memory,
    ) -> Result<CfiStep, CfiError> {
        if !self.has_known_registers() {
            return Err(CfiError::NoEntry);
        }
        let tables = self.unwind_tables();
        let entry = tables.find(lookup).ok_or(CfiError::NoEntry)?;
        let mut context = tables
            .context
            .try_borrow_mut()
            .map_err(|_busy| CfiError::Malformed("unwinding inside unwinding".to_owned()))?;
        let machine = Machine {
            regs,
            memory,
            big_endian: self.file().is_big_endian(),
        };
        if entry.is_eh {
            let section = &tables.eh_frame;
            machine.step(section, &tables.bases, entry, lookup, &mut context)
        } else {
            let section = &tables.debug_frame;
            machine.step(section, &tables.bases, entry, lookup, &mut context)
        }
    }

    /// True for a processor whose registers have names and conventions here.
    fn has_known_registers(&self) -> bool {
        let arch = self.file().arch();
        arch.is_cortex_m() || arch == Arch::Riscv32
    }

    /// True when call-frame information covers `addr`.
    pub fn has_unwind_entry(&self, addr: u64) -> bool {
        self.unwind_tables().find(addr).is_some()
    }
}

impl<'a> UnwindTables<'a> {
    pub(super) fn new(info: &DebugInfo<'a>) -> Self {
        let file = info.file();
        let mut debug_frame = DebugFrame::from(DebugInfo::section_reader(file, ".debug_frame"));
        debug_frame.set_address_size(file.address_bytes());
        let mut eh_frame = EhFrame::from(DebugInfo::section_reader(file, ".eh_frame"));
        eh_frame.set_address_size(file.address_bytes());
        let mut bases = BaseAddresses::default();
        if let Some(addr) = file.section_address(".eh_frame") {
            bases = bases.set_eh_frame(addr);
        }
        if let Some(addr) = file.section_address(".text") {
            bases = bases.set_text(addr);
        }
        let mut entries = Vec::new();
        collect(info, &debug_frame, &bases, false, &mut entries);
        collect(info, &eh_frame, &bases, true, &mut entries);
        entries.sort_by_key(|e| (e.range.start, e.is_eh, e.offset));
        let mut furthest = 0;
        let furthest_end = entries
            .iter()
            .map(|e| {
                furthest = e.range.end.max(furthest);
                furthest
            })
            .collect();
        Self {
            debug_frame,
            eh_frame,
            bases,
            entries,
            furthest_end,
            context: RefCell::new(UnwindContext::new()),
        }
    }

    /// The entry that covers `addr`: the one that starts closest before it.
    fn find(&self, addr: u64) -> Option<&Entry> {
        let after = self.entries.partition_point(|e| e.range.start <= addr);
        let mut best: Option<&Entry> = None;
        for index in (0..after).rev() {
            let entry = self.entries.get(index)?;
            if self.furthest_end.get(index).is_none_or(|end| *end <= addr)
                || best.is_some_and(|b| entry.range.start < b.range.start)
            {
                break;
            }
            if entry.range.contains(&addr) {
                best = Some(entry);
            }
        }
        best
    }
}

/// Lists the entries of a section that describe code on the device.
fn collect<'a, S: UnwindSection<Reader<'a>>>(
    info: &DebugInfo<'a>,
    section: &S,
    bases: &BaseAddresses,
    is_eh: bool,
    into: &mut Vec<Entry>,
) where
    S::Offset: gimli::UnwindOffset<usize>,
{
    let live = info.live();
    let mut iter = section.entries(bases);
    for _entry in 0..MOST_ENTRIES {
        let partial = match iter.next() {
            Ok(Some(CieOrFde::Fde(partial))) => partial,
            Ok(Some(CieOrFde::Cie(_shared))) => continue,
            Ok(None) | Err(_) => break,
        };
        let Ok(fde) = partial.parse(|s, b, o| s.cie_from_offset(b, o)) else {
            continue;
        };
        let start = fde.initial_address();
        let Some(end) = start.checked_add(fde.len()) else {
            continue;
        };
        let range = start..end;
        if live.holds(&range) && (start != 0 || live.is_live_block_at_zero(fde.len())) {
            into.push(Entry {
                range,
                offset: fde.offset(),
                is_eh,
            });
        }
    }
}

/// The state that rules are applied to.
pub(super) struct Machine<'m> {
    pub(super) regs: &'m RegisterSet,
    pub(super) memory: &'m dyn Memory,
    pub(super) big_endian: bool,
}

impl Machine<'_> {
    fn step<'a, S: UnwindSection<Reader<'a>>>(
        &self,
        section: &S,
        bases: &BaseAddresses,
        entry: &Entry,
        lookup: u64,
        context: &mut UnwindContext<usize>,
    ) -> Result<CfiStep, CfiError>
    where
        S::Offset: From<usize>,
    {
        let malformed = |error: gimli::Error| CfiError::Malformed(error.to_string());
        let fde = section
            .fde_from_offset(bases, entry.offset.into(), |s, b, o| {
                s.cie_from_offset(b, o)
            })
            .map_err(malformed)?;
        let row = fde
            .unwind_info_for_address(section, bases, context, lookup)
            .map_err(malformed)?;
        self.apply(section, &fde, row)
    }

    fn apply<'a, S: UnwindSection<Reader<'a>>>(
        &self,
        section: &S,
        fde: &FrameDescriptionEntry<Reader<'a>>,
        row: &UnwindTableRow<usize>,
    ) -> Result<CfiStep, CfiError> {
        let encoding = fde.cie().encoding();
        let mask = if encoding.address_size >= 8 {
            u64::MAX
        } else {
            u64::from(u32::MAX)
        };
        let cfa = match row.cfa() {
            CfaRule::RegisterAndOffset { register, offset } => {
                let reg = Reg(register.0);
                self.regs
                    .known(reg)
                    .ok_or(CfiError::RegisterNotKnown(reg, self.regs.file()))?
                    .wrapping_add_signed(*offset)
                    & mask
            }
            CfaRule::Expression(expression) => {
                let expression = expression
                    .get(section)
                    .map_err(|e| CfiError::Malformed(e.to_string()))?;
                cfi_expression::evaluate(expression, encoding, None, self)
                    .map_err(CfiError::from)?
                    & mask
            }
        };
        let rules = Rules {
            machine: self,
            section,
            fde,
            cfa,
            mask,
        };
        let mut caller = self.kept();
        let return_column = Reg(fde.cie().return_address_register().0);
        let mut return_address = None;
        let mut end_of_stack = false;
        for (register, rule) in row.registers() {
            let reg = Reg(register.0);
            if reg == return_column && *rule == RegisterRule::Undefined {
                end_of_stack = true;
                continue;
            }
            let value = rules.value(reg, rule);
            if reg == return_column {
                return_address = Some(value.clone());
            }
            caller.set(reg, value.unwrap_or(RegValue::NotStored));
        }
        caller.set_sp(cfa);
        if end_of_stack {
            caller.set(caller.file().pc(), RegValue::NotStored);
            return Ok(CfiStep {
                caller,
                cfa,
                end_of_stack,
                is_signal_frame: false,
                is_return_address_kept: false,
            });
        }
        let is_return_address_kept = return_address.is_some();
        let return_address = match return_address {
            Some(Ok(RegValue::Known(value))) => value,
            Some(Err(error)) => return Err(error),
            Some(Ok(RegValue::NotStored | RegValue::Clobbered)) => {
                return Err(CfiError::RegisterNotKnown(return_column, self.regs.file()));
            }
            None => self
                .regs
                .known(return_column)
                .ok_or(CfiError::RegisterNotKnown(return_column, self.regs.file()))?,
        };
        let is_magic = (FIRST_MAGIC_RETURN..=u64::from(u32::MAX)).contains(&return_address);
        let pc = if is_magic && caller.file().has_thumb_bit() {
            return_address
        } else {
            return_address & !1
        };
        caller.set_pc(pc);
        Ok(CfiStep {
            caller,
            cfa,
            end_of_stack,
            is_signal_frame: fde.is_signal_trampoline(),
            is_return_address_kept,
        })
    }

    /// The registers before any rule: what the calling convention lets a function change is lost.
    fn kept(&self) -> RegisterSet {
        let file = self.regs.file();
        let mut kept = RegisterSet::new(file);
        for (reg, value) in self.regs.iter() {
            let is_lost = file.is_call_clobbered(reg);
            kept.set(reg, if is_lost { RegValue::Clobbered } else { value });
        }
        for n in 0..32 {
            if file.is_call_clobbered(Reg(n)) {
                kept.set(Reg(n), RegValue::Clobbered);
            }
        }
        kept
    }
}

/// What is needed to apply the rules of one row.
struct Rules<'r, 'a, S> {
    machine: &'r Machine<'r>,
    section: &'r S,
    fde: &'r FrameDescriptionEntry<Reader<'a>>,
    cfa: u64,
    mask: u64,
}

impl<'a, S: UnwindSection<Reader<'a>>> Rules<'_, 'a, S> {
    fn value(&self, reg: Reg, rule: &RegisterRule<usize>) -> Result<RegValue, CfiError> {
        let evaluate = |expression: &gimli::UnwindExpression<usize>| {
            let expression = expression
                .get(self.section)
                .map_err(|e| CfiError::Malformed(e.to_string()))?;
            let encoding = self.fde.cie().encoding();
            cfi_expression::evaluate(expression, encoding, Some(self.cfa), self.machine)
                .map(|v| v & self.mask)
                .map_err(CfiError::from)
        };
        match rule {
            RegisterRule::SameValue => Ok(self.machine.regs.get(reg)),
            RegisterRule::Offset(offset) => {
                self.load(reg, self.cfa.wrapping_add_signed(*offset) & self.mask)
            }
            RegisterRule::ValOffset(offset) => Ok(RegValue::Known(
                self.cfa.wrapping_add_signed(*offset) & self.mask,
            )),
            RegisterRule::Register(other) => Ok(self.machine.regs.get(Reg(other.0))),
            RegisterRule::Expression(expression) => self.load(reg, evaluate(expression)?),
            RegisterRule::ValExpression(expression) => evaluate(expression).map(RegValue::Known),
            RegisterRule::Constant(value) => Ok(RegValue::Known(*value)),
            RegisterRule::Undefined | RegisterRule::Architectural => Ok(RegValue::Clobbered),
        }
    }

    fn load(&self, reg: Reg, addr: u64) -> Result<RegValue, CfiError> {
        // d registers take eight bytes; everything else on this architecture takes a word.
        let is_arm = self.machine.regs.file() == RegisterFile::Arm;
        let size = if is_arm && matches!(reg.0, 256..=287) {
            8
        } else {
            u8::try_from(self.mask.count_ones() / 8).unwrap_or(4)
        };
        self.machine
            .load(addr, size)
            .map(RegValue::Known)
            .map_err(CfiError::MemoryNotCaptured)
    }
}

impl Machine<'_> {
    /// A number of `size` bytes (1 to 8), or the address that was not captured.
    pub(super) fn load(&self, addr: u64, size: u8) -> Result<u64, u64> {
        let mut bytes = [0_u8; 8];
        let size = usize::from(size.clamp(1, 8));
        let wanted = if self.big_endian {
            bytes.get_mut(8 - size..)
        } else {
            bytes.get_mut(..size)
        };
        self.memory
            .read(addr, wanted.unwrap_or_default())
            .map_err(|missing| missing.addr)?;
        Ok(if self.big_endian {
            u64::from_be_bytes(bytes)
        } else {
            u64::from_le_bytes(bytes)
        })
    }
}

impl From<ExpressionError> for CfiError {
    fn from(error: ExpressionError) -> Self {
        match error {
            ExpressionError::MemoryNotCaptured(addr) => Self::MemoryNotCaptured(addr),
            ExpressionError::RegisterNotKnown(reg, file) => Self::RegisterNotKnown(reg, file),
            ExpressionError::Malformed(why) => Self::Malformed(why),
        }
    }
}
