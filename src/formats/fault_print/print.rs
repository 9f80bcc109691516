//! One fault print while it is put together.

use super::{
    CONTEXT_AFTER, CONTEXT_BEFORE, LATE_STATUS_WITHIN,
    registers::{self, Found, Slot},
    stack_words,
    words::{self, Said},
};
use crate::formats::lines::{as_u64, lines_before, lines_from, readable};
use crate::model::{
    arch::Arch,
    coredump::{AssertText, CapturedThread, Coredump, FaultRegisters, SpMeaning},
    registers::{Reg, RegisterSet},
    warning::Warning,
};

/// Bits of CFSR that two kinds of fault share a wording for, as (memory fault, bus fault).
const SHARED_WORDINGS: [(u32, u32); 3] = [(3, 11), (4, 12), (5, 13)];

/// The values and the words of one print.
pub(super) struct Print {
    start: usize,
    end: usize,
    registers: RegisterSet,
    frame_pointer: Option<u32>,
    fault: FaultRegisters,
    cfsr_parts: Option<u32>,
    sp_meaning: SpMeaning,
    said: Said,
    details: Vec<String>,
    assert: Option<AssertText>,
    is_of_another_task: bool,
    /// The values of each line that had PC, r0 or CFSR.
    key_lines: Vec<Vec<Found>>,
}

/// Handlers print PC up to so often in one print: among the registers, as the place of the fault, in a call stack.
const MOST_KEY_LINES: usize = 8;

impl Print {
    pub(super) fn new(start: usize) -> Self {
        Self {
            start,
            end: start,
            registers: RegisterSet::default(),
            frame_pointer: None,
            fault: FaultRegisters::default(),
            cfsr_parts: None,
            sp_meaning: SpMeaning::Unknown,
            said: Said::default(),
            details: Vec::new(),
            assert: None,
            is_of_another_task: false,
            key_lines: Vec::new(),
        }
    }

    pub(super) fn has_fault_status(&self) -> bool {
        self.cfsr_parts.is_some() || !self.fault.is_empty()
    }

    /// True when `found` are the values of the next print: PC, r0 or CFSR again, with another value, or a whole line
    /// of values again. A device in a reboot loop prints the same fault over and over.
    pub(super) fn is_repeated_by(&self, found: &[Found]) -> bool {
        let has_other_value = found.iter().any(|f| match f.slot {
            Slot::Register(reg @ (Reg::PC | Reg(0))) => self
                .registers
                .known(reg)
                .is_some_and(|old| old != u64::from(f.value)),
            Slot::Fault("cfsr") => self.fault.get("cfsr").is_some_and(|old| old != f.value),
            _ => false,
        });
        let is_line_again = || found.len() >= 2 && self.key_lines.iter().any(|line| line == found);
        let is_full = || self.key_lines.len() >= MOST_KEY_LINES;
        has_other_value || (has_key(found) && (is_line_again() || is_full()))
    }

    /// Adds the values of a line that ends at `end`. What is known stays.
    pub(super) fn add(&mut self, text: &str, found: &[Found], end: usize) {
        self.end = end;
        if has_key(found) {
            self.key_lines.push(found.to_vec());
        }
        let has_exc_return = found
            .iter()
            .any(|f| f.slot == Slot::Register(Reg::EXC_RETURN));
        for Found { slot, value } in found {
            match slot {
                Slot::Register(reg) => {
                    if self.registers.known(*reg).is_none() {
                        self.registers.set_known(*reg, *value);
                        if *reg == Reg::SP {
                            self.sp_meaning = sp_meaning(text, has_exc_return);
                        }
                    }
                }
                Slot::Fault(name) => {
                    _ = self.fault.values.entry(name).or_insert(*value);
                }
                Slot::FaultPart(bit) => {
                    let part = value.checked_shl(*bit).unwrap_or(0);
                    self.cfsr_parts = Some(self.cfsr_parts.unwrap_or(0) | part);
                }
                Slot::FramePointer => self.frame_pointer = self.frame_pointer.or(Some(*value)),
            }
        }
        // NuttX prints the registers of every other task as well; these did not crash.
        if text.contains("taskdump") || text.contains("dump_task") {
            self.is_of_another_task = true;
        }
    }

    /// Fault status that is printed some lines after the registers. Answers where the search goes on.
    pub(super) fn add_late_status(&mut self, bytes: &[u8], from: usize) -> usize {
        let mut next = from;
        for line in lines_from(bytes, from, LATE_STATUS_WITHIN) {
            let text = readable(line.text);
            let found = registers::in_line(&text, false);
            let is_next_print = found.iter().any(|f| f.slot == Slot::Register(Reg::PC));
            if is_next_print || words::is_boot(&text) || text.contains("#CD:") {
                break;
            }
            if text.contains("SCB") && !found.is_empty() {
                self.add(&text, &found, line.next);
                next = line.next;
            }
        }
        next
    }

    /// The finished dump, or `None` when there is too little to be a fault print.
    pub(super) fn into_coredump(mut self, bytes: &[u8], floor: usize) -> Option<Coredump> {
        if self.is_of_another_task || !self.may_count() {
            return None;
        }
        let mut dump = Coredump::new("fault-print", Arch::Arm);
        let values_start = self.start;
        self.listen_before(bytes, values_start, floor);
        self.listen_within(bytes, values_start);
        self.listen_after(bytes);
        if !self.counts() {
            return None;
        }
        self.settle(&mut dump);
        let (before, after) = stack_words::around(bytes, values_start, self.end, floor);
        for words in before.iter().chain(&after) {
            words.insert_into(&mut dump.memory);
        }
        if let Some(first) = before.first().filter(|w| w.starts_at_sp) {
            // CmBacktrace lists the stack from the value of SP before the exception on.
            if self.registers.sp().is_none() {
                self.registers.set_known(Reg::SP, first.addr);
                self.sp_meaning = SpMeaning::Popped;
            }
        }
        self.start = before.first().map_or(self.start, |w| self.start.min(w.at));
        self.end = after.last().map_or(self.end, |w| self.end.max(w.next));
        if !(0..16).all(|n| self.registers.known(Reg::r(n)).is_none())
            || self.registers.iter().next().is_some()
        {
            dump.threads.push(CapturedThread {
                id: self.said.thread_id,
                name: self.said.thread.clone(),
                registers: self.registers,
                sp_meaning: self.sp_meaning,
                stack: None,
            });
        }
        dump.thread_name = self.said.thread;
        dump.printed_stack = self.said.stack;
        dump.fault = self.fault;
        dump.assert = self.assert;
        dump.source = as_u64(self.start)..as_u64(self.end);
        Some(dump)
    }

    fn n_values(&self) -> usize {
        self.registers
            .iter()
            .count()
            .saturating_add(self.fault.values.len())
            .saturating_add(usize::from(self.cfsr_parts.is_some()))
    }

    fn may_count(&self) -> bool {
        let has_status = self.cfsr_parts.is_some()
            || self.fault.get("cfsr").is_some()
            || self.fault.get("hfsr").is_some();
        let needed = if has_status { 2 } else { 3 };
        (has_status || self.registers.pc().is_some()) && self.n_values() >= needed
            // A PC with words that say why is a print of the older Zephyr.
            || self.registers.pc().is_some()
    }

    fn counts(&self) -> bool {
        let has_status = self.cfsr_parts.is_some()
            || self.fault.get("cfsr").is_some()
            || self.fault.get("hfsr").is_some();
        let is_said_to_be_a_fault = self.said.title.is_some()
            || self.said.verdict.is_some()
            || !self.details.is_empty()
            || self.assert.is_some();
        let has_general = (0..=12).any(|n| self.registers.known(Reg::r(n)).is_some())
            || self.registers.known(Reg::XPSR).is_some();
        let has_pc = self.registers.pc().is_some();
        (has_status && self.n_values() >= 2)
            || (has_pc && self.n_values() >= 3 && (has_general || is_said_to_be_a_fault))
            || (has_pc && self.said.title.is_some() && is_said_in_full(&self.said, &self.details))
    }

    fn listen_before(&mut self, bytes: &[u8], start: usize, floor: usize) {
        let lines = lines_before(bytes, start, CONTEXT_BEFORE, floor);
        // Only what comes after the last boot.
        let from = lines
            .iter()
            .rposition(|line| words::is_boot(&readable(line.text)))
            .map_or(0, |n| n.saturating_add(1));
        for line in lines.get(from..).unwrap_or(&[]) {
            let text = readable(line.text);
            let heard = self.listen(&text);
            if let Some(assert) = words::assertion(&text) {
                self.assert = Some(assert);
                self.start = self.start.min(line.start);
            } else if heard {
                self.start = self.start.min(line.start);
            }
        }
    }

    fn listen_within(&mut self, bytes: &[u8], start: usize) {
        let mut at = start;
        for line in lines_from(bytes, start, super::MOST_LINES_AFTER) {
            if line.next > self.end {
                break;
            }
            at = line.next;
            let text = readable(line.text);
            _ = self.listen(&text);
            if self.assert.is_none() {
                self.assert = words::assertion(&text);
            }
        }
        self.end = self.end.max(at);
    }

    fn listen_after(&mut self, bytes: &[u8]) {
        // With a verdict before the values, a verdict after them is the next print's.
        let had_verdict = self.said.verdict.is_some();
        for line in lines_from(bytes, self.end, CONTEXT_AFTER) {
            let text = readable(line.text);
            let has_values = !registers::in_line(&text, false).is_empty();
            if has_values || words::is_boot(&text) || text.contains("#CD:") {
                break;
            }
            if had_verdict && text.contains("FATAL ERROR") {
                break;
            }
            if text.contains("*****") {
                break; // the next print's title
            }
            if self.listen(&text) {
                self.end = line.next;
            }
        }
    }

    /// Takes over what a line says; false when it says nothing.
    fn listen(&mut self, text: &str) -> bool {
        let line = words::said(text);
        if line == Said::default() {
            return false;
        }
        if let Some(title) = line.title {
            // The more exact title wins: "hard fault" is what others escalate to.
            let is_better = self
                .said
                .title
                .as_deref()
                .is_none_or(|old| old == "hard fault");
            if is_better {
                self.said.title = Some(title);
            }
        }
        if let Some(detail) = line.detail.filter(|d| !self.details.contains(d)) {
            self.details.push(detail);
        }
        self.said.verdict = self.said.verdict.take().or(line.verdict);
        self.said.thread = self.said.thread.take().or(line.thread);
        self.said.thread_id = self.said.thread_id.or(line.thread_id);
        if self.said.stack.is_empty() {
            self.said.stack = line.stack;
        }
        self.said.cfsr |= line.cfsr;
        self.said.hfsr |= line.hfsr;
        self.said.sfsr |= line.sfsr;
        self.said.is_stack_overflow |= line.is_stack_overflow;
        true
    }

    /// Turns what was heard into the dump's fields.
    fn settle(&mut self, dump: &mut Coredump) {
        if let (Some(parts), None) = (self.cfsr_parts, self.fault.get("cfsr")) {
            _ = self.fault.values.insert("cfsr", parts);
        }
        if let Some(value) = self.frame_pointer {
            // r11 by number means that fp is r7 (Thumb); else fp is r11.
            let reg = match self.registers.known(Reg::r(11)) {
                Some(_) => Reg::r(7),
                None => Reg::r(11),
            };
            if self.registers.known(reg).is_none() {
                self.registers.set_known(reg, value);
            }
        }
        let is_bus = self.said.title.as_deref() == Some("bus fault");
        for (memory_bit, bus_bit) in SHARED_WORDINGS {
            let both = 1 << memory_bit | 1 << bus_bit;
            if self.said.cfsr & both == both {
                self.said.cfsr &= !(if is_bus {
                    1 << memory_bit
                } else {
                    1 << bus_bit
                });
            }
        }
        if self.said.sfsr != 0 {
            _ = self.fault.values.entry("sfsr").or_insert(self.said.sfsr);
        }
        if self.said.cfsr != 0 && self.fault.get("cfsr").is_none() {
            _ = self.fault.values.insert("cfsr", self.said.cfsr);
            if self.said.hfsr != 0 {
                _ = self.fault.values.entry("hfsr").or_insert(self.said.hfsr);
            }
            dump.warnings.push(Warning::at(
                "FS-PRINT-001",
                as_u64(self.start),
                "the device printed its fault status in words only; CFSR was put together from them, bits that it did not mention count as clear",
            ));
        }
        dump.reason = self.reason();
    }

    fn reason(&self) -> Option<String> {
        if self.said.is_stack_overflow {
            return self
                .details
                .iter()
                .find(|d| d.starts_with("stack overflow"))
                .cloned();
        }
        let details = self.details.join(", ");
        match (&self.said.title, details.is_empty()) {
            (Some(title), false) => Some(format!("{title}: {details}")),
            (None, false) => Some(details),
            (Some(title), true) => Some(title.clone()),
            (None, true) => self.said.verdict.clone(),
        }
    }
}

/// Has one of the values that tell a print from the next.
fn has_key(found: &[Found]) -> bool {
    found.iter().any(|f| {
        matches!(
            f.slot,
            Slot::Register(Reg::PC | Reg(0)) | Slot::Fault("cfsr")
        )
    })
}

fn is_said_in_full(said: &Said, details: &[String]) -> bool {
    said.thread_id.is_some() || said.verdict.is_some() || !details.is_empty()
}

fn sp_meaning(text: &str, has_exc_return: bool) -> SpMeaning {
    // A handler that prints EXC_RETURN beside SP has the stack pointer it was called with: the frame.
    if has_exc_return || text.contains("exception sp") {
        return SpMeaning::ExceptionFrame;
    }
    // NuttX keeps SP from before the interrupt in its register frame.
    if text.contains("registerdump") || text.contains("dump_register") {
        return SpMeaning::Popped;
    }
    SpMeaning::Unknown
}
