//! One panic print while it is put together.

use super::words;
use crate::model::{
    arch::Arch,
    coredump::{AssertText, CapturedThread, Coredump},
    memory::MemoryMap,
    register_file::RegisterFile,
    registers::{Reg, RegisterSet},
    warning::Warning,
};
use regex::{Captures, Regex};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The device prints a caller as the address of its call: 3 bytes before the return address.
const CALL_BYTES: u32 = 3;
/// More pairs than the device prints.
const MOST_PAIRS: usize = 256;
/// More text than a reason has.
const LONGEST_REASON: usize = 300;
/// More cores than any chip has.
const MOST_CORES: u32 = 4;

/// What was printed so far.
#[derive(Default)]
pub(super) struct Print {
    reason: Option<String>,
    details: Vec<String>,
    assert: Option<AssertText>,
    sha256: Option<String>,
    crashed_core: Option<u32>,
    current_core: Option<u32>,
    cores: BTreeMap<u32, Core>,
    tasks: BTreeMap<u32, String>,
    task: Option<String>,
    memory: MemoryMap,
    pseudo_cause: Option<u32>,
    is_finished: bool,
}

/// What was printed of one core.
#[derive(Default)]
struct Core {
    values: Vec<(String, u32)>,
    backtrace: Vec<(u32, u32)>,
    is_corrupted: bool,
    is_continued: bool,
}

impl Print {
    /// True when the line belongs to something else: the next boot, a core dump, the next print.
    pub(super) fn is_ended_by(&self, text: &str) -> bool {
        let is_other = ["rst:0x", "ESP-ROM:", "CORE DUMP START", "Rebooting..."]
            .iter()
            .any(|mark| text.contains(mark));
        let has_trace = self.cores.values().any(|core| !core.backtrace.is_empty());
        let begins_anew = text.contains("Guru Meditation Error")
            || text.contains("watchdog got triggered")
            || text.contains("Brownout detector")
            || text.contains("assert failed: ")
            || text.contains("abort() was called");
        is_other
            || (begins_anew && (has_trace || self.is_finished))
            || (text.contains("Guru Meditation Error") && self.reason.is_some())
    }

    /// Takes what a line says; false when that is nothing.
    pub(super) fn add(&mut self, text: &str) -> bool {
        self.add_verdict(text)
            || self.add_registers(text)
            || self.add_backtrace(text)
            || self.add_stack_words(text)
            || self.add_details(text)
    }

    fn add_verdict(&mut self, text: &str) -> bool {
        let guru = captures(&words::GURU, text).or_else(|| captures(&words::OLD_GURU, text));
        if let Some(found) = guru {
            let reason = group(&found, "reason");
            self.crashed_core = number(&found, "core");
            self.current_core = self.crashed_core;
            self.pseudo_cause = reason.as_deref().and_then(words::pseudo_cause);
            self.reason = reason;
            return true;
        }
        if let Some(assert) = words::failed_assertion(text) {
            self.reason
                .get_or_insert_with(|| "assert failed".to_owned());
            self.assert = Some(assert);
            return true;
        }
        if let Some(found) = captures(&words::ERROR_CHECK, text) {
            let said = group(&found, "said").unwrap_or_default();
            self.reason = Some(format!("ESP_ERROR_CHECK failed: {said}"));
            return true;
        }
        if let Some(found) = captures(&words::ABORT, text) {
            // An assertion or an error check ends in abort(): the first words say more.
            let said = group(&found, "said");
            self.reason = self.reason.take().or(said);
            return true;
        }
        match words::VERDICTS.iter().find(|said| text.contains(**said)) {
            Some(said) => {
                self.reason.get_or_insert_with(|| (*said).to_owned());
                true
            }
            None => false,
        }
    }

    fn add_registers(&mut self, text: &str) -> bool {
        if let Some(found) = captures(&words::CORE, text) {
            self.current_core = number(&found, "core").filter(|core| *core < MOST_CORES);
            return true;
        }
        let Some(pattern) = words::REGISTER.as_ref() else {
            return false;
        };
        let mut found_any = false;
        for found in pattern.captures_iter(text) {
            let (Some(name), Some(value)) = (group(&found, "name"), hex(&found, "value")) else {
                continue;
            };
            let is_register =
                RegisterFile::Xtensa.by_name(&name).is_some() || riscv_register(&name).is_some();
            if !is_register || name.starts_with("EPC") {
                continue;
            }
            let core = self.core();
            if !core.values.iter().any(|(known, _)| *known == name) {
                core.values.push((name, value));
                found_any = true;
            }
        }
        found_any
    }

    fn add_backtrace(&mut self, text: &str) -> bool {
        let Some(found) = captures(&words::BACKTRACE, text) else {
            return false;
        };
        let pairs = group(&found, "pairs").unwrap_or_default();
        let backtrace: Vec<(u32, u32)> = words::PAIR
            .as_ref()
            .map(|pattern| {
                let pairs = pattern.captures_iter(&pairs).take(MOST_PAIRS);
                pairs
                    .filter_map(|pair| Some((hex(&pair, "pc")?, hex(&pair, "sp")?)))
                    .collect()
            })
            .unwrap_or_default();
        let core = self.core();
        if core.backtrace.is_empty() {
            core.backtrace = backtrace;
            core.is_corrupted = text.contains("CORRUPTED");
            core.is_continued = text.contains("CONTINUES");
        }
        true
    }

    fn add_stack_words(&mut self, text: &str) -> bool {
        let Some(found) = captures(&words::STACK_WORDS, text) else {
            return false;
        };
        let Some(addr) = hex(&found, "addr") else {
            return false;
        };
        let printed = group(&found, "words").unwrap_or_default();
        let mut bytes = Vec::new();
        for word in printed.split_whitespace() {
            let value = word.get(2..).and_then(|w| u32::from_str_radix(w, 16).ok());
            let Some(value) = value else { break };
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        self.memory.insert(addr.into(), &bytes);
        true
    }

    fn add_details(&mut self, text: &str) -> bool {
        if let Some(found) = captures(&words::SHA256, text) {
            self.sha256 = group(&found, "hash").map(|hash| hash.to_ascii_lowercase());
            self.is_finished = true;
            return true;
        }
        if let Some(found) = captures(&words::DEBUG_REASON, text) {
            self.details.extend(group(&found, "said"));
            self.task = captures(&words::CANARY, text).and_then(|c| group(&c, "task"));
            return true;
        }
        if let Some(found) = captures(&words::DETECTED, text) {
            self.task = group(&found, "task");
            return true;
        }
        if let Some(found) = captures(&words::ERROR_PLACE, text) {
            self.assert = Some(AssertText {
                message: None,
                file: group(&found, "file"),
                line: group(&found, "line").and_then(|l| l.parse().ok()),
            });
            return true;
        }
        if let (Some(found), Some(assert)) = (
            captures(&words::ERROR_EXPRESSION, text),
            self.assert.as_mut(),
        ) {
            assert.message = group(&found, "message");
            return true;
        }
        if let Some(found) = captures(&words::NEXT_BACKTRACE, text) {
            self.current_core = number(&found, "core").filter(|core| *core < MOST_CORES);
            return true;
        }
        if let Some(found) = captures(&words::STARVED, text) {
            let said = group(&found, "task").map(|task| format!("{task} did not reset it"));
            if self.details.len() < 8 {
                self.details.extend(said);
            }
            return true;
        }
        if let Some(found) = captures(&words::RUNNING, text) {
            if let (Some(core), Some(task)) = (number(&found, "core"), group(&found, "task")) {
                self.tasks.entry(core).or_insert(task);
            }
            return true;
        }
        text.contains("Stack memory:") || text.contains("Exception was unhandled")
    }

    fn core(&mut self) -> &mut Core {
        self.cores
            .entry(self.current_core.unwrap_or(0))
            .or_default()
    }

    /// The finished crash, or `None` when the lines tell of none.
    pub(super) fn into_coredump(self) -> Option<Coredump> {
        let has_place = self
            .cores
            .values()
            .any(|core| !core.backtrace.is_empty() || core.values.len() >= 3);
        if !has_place && self.reason.is_none() {
            return None;
        }
        // Words alone are a crash only where they can be nothing else.
        let is_reset = self
            .reason
            .as_deref()
            .is_some_and(|reason| words::VERDICTS.contains(&reason));
        if !has_place && !is_reset && self.assert.is_none() {
            return None;
        }
        let is_riscv = self.cores.values().any(Core::is_riscv);
        let arch = if is_riscv {
            Arch::Riscv32
        } else {
            Arch::Xtensa
        };
        let mut dump = Coredump::new("esp-panic", arch);
        let crashed = self
            .crashed_core
            .filter(|core| self.cores.contains_key(core))
            .or_else(|| self.cores.keys().next().copied());
        for (number, core) in &self.cores {
            let is_crashed = Some(*number) == crashed;
            let cause = self.pseudo_cause.filter(|_| is_crashed);
            let thread = CapturedThread {
                name: self.name_of(*number, is_crashed),
                registers: core.registers(arch.register_file(), cause),
                ..CapturedThread::default()
            };
            if is_crashed {
                dump.threads.insert(0, thread);
                dump.printed_stack = core.printed_stack();
                dump.warnings.extend(core.warning());
            } else {
                dump.threads.push(thread);
            }
        }
        dump.thread_name = dump.threads.first().and_then(|t| t.name.clone());
        dump.memory = self.memory;
        dump.elf_sha256 = self.sha256;
        dump.assert = self.assert;
        let mut reason = self.reason.unwrap_or_default();
        for detail in &self.details {
            if reason.len() < LONGEST_REASON {
                let between = if reason.is_empty() { "" } else { ": " };
                reason = format!("{reason}{between}{detail}");
            }
        }
        dump.reason = (!reason.is_empty()).then_some(reason);
        Some(dump)
    }

    fn name_of(&self, core: u32, is_crashed: bool) -> Option<String> {
        let running = self.tasks.get(&core).cloned();
        let named = self.task.clone().filter(|_| is_crashed);
        named.or(running)
    }
}

impl Core {
    fn is_riscv(&self) -> bool {
        self.values.iter().any(|(name, _)| name == "MEPC")
    }

    fn value(&self, wanted: &str) -> Option<u32> {
        let known = self.values.iter().find(|(name, _)| name == wanted);
        known.map(|(_, value)| *value)
    }

    /// How far the printed addresses lie before the real ones: old versions printed these.
    fn offset(&self) -> u32 {
        let pc = self.value("PC").or_else(|| self.value("MEPC"));
        match (pc, self.backtrace.first()) {
            (Some(pc), Some((first, _))) if pc == *first => 0,
            _ => CALL_BYTES,
        }
    }

    fn printed_stack(&self) -> Vec<u64> {
        let offset = if self.is_riscv() { 0 } else { self.offset() };
        let addresses = self.backtrace.iter().map(|(pc, _)| pc);
        addresses
            .map(|pc| u64::from(pc.saturating_add(offset)))
            .collect()
    }

    fn registers(&self, file: RegisterFile, pseudo_cause: Option<u32>) -> RegisterSet {
        let mut registers = RegisterSet::new(file);
        for (name, value) in &self.values {
            let reg = match file {
                RegisterFile::Riscv => riscv_register(name),
                _ => file.by_name(name),
            };
            if let Some(reg) = reg {
                registers.set_known(reg, *value);
            }
        }
        if file == RegisterFile::Riscv
            && let Some(pc) = registers.known(Reg::MEPC)
        {
            registers.set_pc(pc);
        }
        if let Some((_, sp)) = self.backtrace.first()
            && registers.pc().is_none()
        {
            if let Some(pc) = self.printed_stack().first() {
                registers.set_pc(*pc);
            }
            registers.set_sp((*sp).into());
        }
        if let (Some(cause), RegisterFile::Xtensa) = (pseudo_cause, file) {
            registers.set_known(Reg::EXCCAUSE, cause);
        }
        registers
    }

    fn warning(&self) -> Option<Warning> {
        let message = if self.is_corrupted {
            "The device found its stack damaged behind the last frame that it printed: the callers beyond are not known."
        } else if self.is_continued {
            "The device printed only the first frames of its stack: the callers beyond are not known."
        } else {
            return None;
        };
        Some(Warning::new("FS-ESP-020", message))
    }
}

/// RISC-V registers as ESP-IDF calls them.
fn riscv_register(name: &str) -> Option<Reg> {
    match name {
        "S0/FP" => Some(Reg(8)),
        "PC" => None,
        _ => RegisterFile::Riscv.by_name(name),
    }
}

fn captures<'t>(pattern: &LazyLock<Option<Regex>>, text: &'t str) -> Option<Captures<'t>> {
    pattern.as_ref()?.captures(text)
}

fn group(found: &Captures<'_>, name: &str) -> Option<String> {
    found.name(name).map(|m| m.as_str().trim().to_owned())
}

fn hex(found: &Captures<'_>, name: &str) -> Option<u32> {
    u32::from_str_radix(found.name(name)?.as_str(), 16).ok()
}

fn number(found: &Captures<'_>, name: &str) -> Option<u32> {
    found.name(name)?.as_str().parse().ok()
}
