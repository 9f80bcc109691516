//! RISC-V trap prints: registers and trap status as text, in the wording of Zephyr, `NuttX`, U-Boot, Rust's `riscv-rt` and of
//! firmwares of their own.
//!
//! A print is a group of neighbouring lines with values of RISC-V registers. It counts when it has the program counter of the
//! trap (`mepc`) and its cause, or that program counter and eight more registers. What ESP-IDF prints is `esp_panic`'s.

use super::registers::{LONGEST_NAME, hex_value, next_name, value_start};
use super::words::{self, Said};
use super::{stack_words, torn_end};
use crate::arch::riscv::{cause_name, exception_by_name};
use crate::formats::lines::{Line, LineSearch, as_u64, lines_before, lines_from, readable};
use crate::formats::literals::Literals;
use crate::formats::{Carrier, Confidence, Decoded, Format, is_full};
use crate::model::{
    arch::Arch,
    coredump::{AssertText, CapturedThread, Coredump, FaultRegisters, SpMeaning},
    progress::Cancelled,
    register_file::RegisterFile,
    registers::{Reg, RegisterSet},
};

/// Literals, one of which stands in every print.
static ANCHORS: Literals = Literals::new(&["mcause", "MCAUSE", "epc", "EPC"]);

/// So many lines of a print may stand before its first anchor and after it.
const MOST_LINES_BEFORE: usize = 40;
const MOST_LINES_AFTER: usize = 80;
/// So many lines without a value may stand between two with one.
const LARGEST_GAP: usize = 4;
/// Words that belong to a print stand within so many lines of it.
const CONTEXT: usize = 8;
/// General registers that make a print without a cause one.
const MANY_REGISTERS: usize = 8;
/// What ESP-IDF's prints hold.
const ESP_WORDS: [&str; 3] = ["Guru Meditation", "register dump:", "MHARTID"];

/// Names of trap registers as they are printed, in lower case. Sorted.
const TRAP_NAMES: [(&str, &str); 12] = [
    ("badaddr", "mtval"),
    ("cause", "mcause"),
    ("epc", "mepc"),
    ("mbadaddr", "mtval"),
    ("mcause", "mcause"),
    ("mepc", "mepc"),
    ("mstatus", "mstatus"),
    ("mtval", "mtval"),
    ("scause", "mcause"),
    ("sepc", "mepc"),
    ("stval", "mtval"),
    ("tval", "mtval"),
];

/// What a printed name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    General(Reg),
    Trap(&'static str),
}

/// RISC-V trap print.
pub(in crate::formats) struct RiscvPrint;

impl Format for RiscvPrint {
    fn id(&self) -> &'static str {
        "riscv-print"
    }
    fn label(&self) -> &'static str {
        "RISC-V trap print in a log"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["log", "txt", "uart"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::Text
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        let head = bytes.get(..1 << 20).unwrap_or(bytes);
        match ANCHORS.find(head) {
            Some(_) => Confidence::Maybe,
            None => Confidence::No,
        }
    }
    fn literals(&self) -> Option<&'static Literals> {
        Some(&ANCHORS)
    }
    fn records(&self, mut search: LineSearch<'_>) -> Result<Decoded, Cancelled> {
        let mut decoded = Decoded::default();
        let whole = search.bytes;
        let bytes = torn_end::without_half_value(whole);
        search.bytes = bytes;
        // No line before this offset is looked at again.
        let mut floor: usize = 0;
        while let Some(hit) = search.next()? {
            if is_full(&mut decoded, hit.at) {
                break;
            }
            if !in_line(&readable(hit.line.text)).iter().any(is_trap) {
                continue;
            }
            let print = Print::around(bytes, hit.line.start, floor);
            search.at = print.end.max(search.at);
            if let Some(mut dump) = print.into_coredump(bytes, floor) {
                let end = usize::try_from(dump.source.end).unwrap_or(search.at);
                floor = end.max(search.at);
                search.at = floor;
                torn_end::note(whole, &mut dump);
                decoded.understood.push(dump.source.clone());
                decoded.coredumps.push(dump);
            }
        }
        Ok(decoded)
    }
}

fn is_trap((slot, _): &(Slot, u32)) -> bool {
    matches!(slot, Slot::Trap(_))
}

/// Every register value in a line.
fn in_line(text: &str) -> Vec<(Slot, u32)> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at: usize = 0;
    while let Some((name, after)) = next_name(bytes, at) {
        at = after;
        let Some(slot) = slot_of(name) else {
            continue;
        };
        let Some(value_at) = value_start(bytes, after) else {
            continue;
        };
        let rest = bytes.get(value_at..).unwrap_or(&[]);
        if let Some((value, length)) = value_of(slot, rest) {
            found.push((slot, value));
            at = value_at.saturating_add(length);
        }
    }
    found
}

fn slot_of(name: &[u8]) -> Option<Slot> {
    // On the stack: this runs for every word of a line.
    let mut lower = [0; LONGEST_NAME];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let name = std::str::from_utf8(lower).ok()?;
    if let Ok(index) = TRAP_NAMES.binary_search_by_key(&name, |(known, _)| known) {
        return TRAP_NAMES.get(index).map(|(_, key)| Slot::Trap(key));
    }
    let reg = RegisterFile::Riscv.by_name(name)?;
    let is_general = (1..32).contains(&reg.0) || reg == Reg::RISCV_PC;
    is_general.then_some(Slot::General(reg))
}

/// The value at the start of `rest` and its length. `mcause` is often printed as a decimal number, the others in hex.
fn value_of(slot: Slot, rest: &[u8]) -> Option<(u32, usize)> {
    let bare = match slot {
        Slot::General(_) => 8..=8,
        Slot::Trap(_) => 1..=8,
    };
    let (value, length) = hex_value(rest, Some(bare))?;
    let text = std::str::from_utf8(rest.get(..length)?).ok()?;
    match slot {
        Slot::Trap("mcause") if length < 8 => Some((text.parse().unwrap_or(value), length)),
        _ => Some((value, length)),
    }
}

/// One print while it is put together.
struct Print {
    start: usize,
    end: usize,
    registers: RegisterSet,
    fault: FaultRegisters,
    said: Said,
    assert: Option<AssertText>,
    is_of_esp: bool,
    is_of_another_task: bool,
}

impl Print {
    fn around(bytes: &[u8], anchor: usize, floor: usize) -> Self {
        let before = lines_before(bytes, anchor, MOST_LINES_BEFORE, floor);
        let start = first_line(&before).unwrap_or(anchor);
        let mut print = Self {
            start,
            end: start,
            registers: RegisterSet::new(RegisterFile::Riscv),
            fault: FaultRegisters::default(),
            said: Said::default(),
            assert: None,
            is_of_esp: false,
            is_of_another_task: false,
        };
        let mut gap: usize = 0;
        for line in lines_from(bytes, start, MOST_LINES_AFTER) {
            let text = readable(line.text);
            let found = in_line(&text);
            if found.is_empty() {
                gap = gap.saturating_add(1);
                if gap > LARGEST_GAP || words::is_boot(&text) || text.contains("#CD:") {
                    break;
                }
                continue;
            }
            if print.is_repeated_by(&found) {
                break;
            }
            gap = 0;
            print.add(&text, &found);
            print.end = line.next;
        }
        print
    }

    /// True when `found` are the values of the next print.
    fn is_repeated_by(&self, found: &[(Slot, u32)]) -> bool {
        found.iter().any(|(slot, value)| match slot {
            Slot::Trap(name @ ("mepc" | "mcause")) => {
                self.fault.get(name).is_some_and(|old| old != *value)
            }
            Slot::General(reg @ Reg(10)) => self
                .registers
                .known(*reg)
                .is_some_and(|old| old != u64::from(*value)),
            _ => false,
        })
    }

    fn add(&mut self, text: &str, found: &[(Slot, u32)]) {
        for (slot, value) in found {
            match slot {
                Slot::Trap(name) => {
                    _ = self.fault.values.entry(name).or_insert(*value);
                }
                Slot::General(reg) => {
                    if self.registers.known(*reg).is_none() {
                        self.registers.set_known(*reg, *value);
                    }
                }
            }
        }
        self.is_of_esp |= ESP_WORDS.iter().any(|words| text.contains(words));
        self.is_of_another_task |= text.contains("taskdump") || text.contains("dump_task");
    }

    /// The finished dump, or `None` when there is too little to be a trap print.
    fn into_coredump(mut self, bytes: &[u8], floor: usize) -> Option<Coredump> {
        self.listen(bytes, floor);
        if self.is_of_esp || self.is_of_another_task {
            return None;
        }
        let n_general = (1..32)
            .filter(|n| self.registers.known(Reg(*n)).is_some())
            .count();
        let pc = self
            .fault
            .get("mepc")
            .map(u64::from)
            .or_else(|| self.registers.pc())?;
        if self.fault.get("mcause").is_none() && n_general < MANY_REGISTERS {
            return None;
        }
        self.registers.set_pc(pc & !1);
        let mut dump = Coredump::new("riscv-print", Arch::Riscv32);
        let (before, after) = stack_words::around(bytes, self.start, self.end, floor);
        for words in before.iter().chain(&after) {
            words.insert_into(&mut dump.memory);
        }
        let start = before.first().map_or(self.start, |w| self.start.min(w.at));
        let end = after.last().map_or(self.end, |w| self.end.max(w.next));
        dump.reason = match self.fault.get("mcause") {
            Some(mcause) => Some(cause_name(mcause)),
            None => self.said.verdict.take(),
        };
        dump.threads.push(CapturedThread {
            id: self.said.thread_id,
            name: self.said.thread.clone(),
            registers: self.registers,
            sp_meaning: SpMeaning::Popped,
            stack: None,
        });
        dump.thread_name = self.said.thread;
        dump.printed_stack = self.said.stack;
        dump.fault = self.fault;
        dump.assert = self.assert;
        dump.source = as_u64(start)..as_u64(end.min(bytes.len()));
        Some(dump)
    }

    /// Takes over what the lines around and within the print say in words.
    fn listen(&mut self, bytes: &[u8], floor: usize) {
        let before = lines_before(bytes, self.start, CONTEXT, floor);
        // Only what comes after the last boot.
        let from = before
            .iter()
            .rposition(|line| words::is_boot(&readable(line.text)))
            .map_or(0, |n| n.saturating_add(1));
        for line in before.get(from..).unwrap_or(&[]) {
            if self.hear(&readable(line.text)) {
                self.start = self.start.min(line.start);
            }
        }
        for line in lines_from(bytes, self.start, MOST_LINES_BEFORE + MOST_LINES_AFTER) {
            if line.start >= self.end {
                break;
            }
            _ = self.hear(&readable(line.text));
        }
        for line in lines_from(bytes, self.end, CONTEXT) {
            let text = readable(line.text);
            if words::is_boot(&text) || text.contains("#CD:") || !in_line(&text).is_empty() {
                break;
            }
            if self.hear(&text) {
                self.end = line.next;
            }
        }
    }

    /// False when the line says nothing.
    fn hear(&mut self, text: &str) -> bool {
        self.is_of_esp |= ESP_WORDS.iter().any(|words| text.contains(words));
        let assert = words::assertion(text);
        let line = words::said(text);
        let cause = cause_in_words(text);
        let says = assert.is_some() || line != Said::default() || cause.is_some();
        if self.assert.is_none() {
            self.assert = assert;
        }
        if let Some(cause) = cause {
            _ = self.fault.values.entry("mcause").or_insert(cause);
        }
        self.said.verdict = self.said.verdict.take().or(line.verdict);
        self.said.thread = self.said.thread.take().or(line.thread);
        self.said.thread_id = self.said.thread_id.or(line.thread_id);
        if self.said.stack.is_empty() {
            self.said.stack = line.stack;
        }
        says
    }
}

/// The first line with values that belongs to the print whose anchor follows `before`.
fn first_line(before: &[Line<'_>]) -> Option<usize> {
    let mut first = None;
    let mut gap: usize = 0;
    for line in before.iter().rev() {
        let text = readable(line.text);
        if words::is_boot(&text) {
            break;
        }
        let found = in_line(&text);
        if found.iter().any(is_trap) {
            break; // an anchor that did not make a print, or another print's
        }
        if found.is_empty() {
            gap = gap.saturating_add(1);
            if gap > LARGEST_GAP {
                break;
            }
        } else {
            gap = 0;
            first = Some(line.start);
        }
    }
    first
}

/// `Exception 'Load access fault'`, `EXCEPTION: Store/AMO access fault`, `Unhandled exception: Illegal instruction`.
fn cause_in_words(text: &str) -> Option<u32> {
    let lower = text.to_ascii_lowercase();
    let (_, rest) = lower.split_once("exception")?;
    let rest = rest.trim_start_matches([':', ' ', '\'', '"']);
    let rest = rest.replace("store/amo", "store");
    let end = rest
        .find(|c: char| !(c.is_ascii_alphabetic() || c == ' '))
        .unwrap_or(rest.len());
    let words = rest.get(..end)?.trim();
    exception_by_name(words)
}

#[cfg(test)]
mod tests {
    use super::{RiscvPrint, TRAP_NAMES, in_line};
    use crate::formats::Format as _;
    use crate::model::{
        coredump::Coredump, memory::Memory as _, progress::Unattended, registers::Reg,
    };

    fn all(text: &str) -> Vec<Coredump> {
        RiscvPrint
            .decode(text.as_bytes(), &Unattended)
            .unwrap()
            .coredumps
    }

    /// Style, print, mepc, mcause, mtval, (register, value), thread.
    type Sample = (
        &'static str,
        &'static str,
        u64,
        Option<u32>,
        Option<u32>,
        (u16, u64),
        Option<&'static str>,
    );

    const SAMPLES: &[Sample] = &[
        (
            "own firmware",
            "[00:00:01.100] INF shell: command 1\r\n[00:00:01.100] ERR fault: mcause=00000007 mtval=00000004 mepc=800008d2 mstatus=00001880\r\n[00:00:01.100] ERR fault: ra=800008fc sp=801008a0 gp=80100d10 tp=00000000 s0=80100000 s1=00000005\r\n[00:00:01.100] ERR fault: a0=00000004 a1=0000003b a2=00000000 a3=00000000 a4=00000000 a5=0000003b a6=00000000 a7=00000000\r\n#CD:BEGIN#\r\n",
            0x8000_08D2,
            Some(7),
            Some(4),
            (10, 4),
            None,
        ),
        (
            "Zephyr",
            "[00:00:00.010,000] <err> os: \n[00:00:00.010,000] <err> os:  mcause: 5, Load access fault\n[00:00:00.010,000] <err> os:   mtval: 1008\n[00:00:00.010,000] <err> os:      a0: 00000008    t0: 00000010\n[00:00:00.010,000] <err> os:      a1: 80008410    t1: 0000000f\n[00:00:00.010,000] <err> os:      ra: 80000bcc\n[00:00:00.010,000] <err> os:    mepc: 80000b62\n[00:00:00.010,000] <err> os: mstatus: 00001880\n[00:00:00.010,000] <err> os: \n[00:00:00.010,000] <err> os: >>> ZEPHYR FATAL ERROR 0: CPU exception on CPU 0\n[00:00:00.010,000] <err> os: Current thread: 0x80002468 (sensor)\n[00:00:00.020,000] <err> os: Halting system\n",
            0x8000_0B62,
            Some(5),
            Some(0x1008),
            (5, 0x10),
            Some("sensor"),
        ),
        (
            "NuttX",
            "riscv_exception: EXCEPTION: Store/AMO access fault. MCAUSE: 00000007, EPC: 8000a2c6, MTVAL: 00000000\nriscv_exception: PANIC!!! Exception = 00000007\n_assert: Current Version: NuttX  12.0\n_assert: Assertion failed panic: at file: common/riscv_exception.c:90 task: nsh_main 0x8000a1fe\nup_dump_register: EPC: 8000a2c6\nup_dump_register: A0: 00000000 A1: 80030aa8 A2: 00000001 A3: 80030aa8\nup_dump_register: A4: 0000000d A5: 00000000 A6: 00000001 A7: 00000000\nup_dump_register: SP: 80033a10 FP: 00000000 TP: 00000000 RA: 8000a2b4\nstack_dump: 0x80033a10: 00000000 80030aa8 00000001 8000a2b4\n",
            0x8000_A2C6,
            Some(7),
            Some(0),
            (2, 0x8003_3A10),
            Some("nsh_main"),
        ),
        (
            "riscv-rt",
            "Exception 'Load access fault' mepc=0x42000fa0, mtval=0x00000000\nPC=0x42000fa0         RA/x1=0x42000a2a        SP/x2=0x3fcd0000        GP/x3=0x3fc80f00\nT0/x5=0x40000000        T1/x6=0x00000001        A0/x10=0x00000007\n",
            0x4200_0FA0,
            Some(5),
            Some(0),
            (1, 0x4200_0A2A),
            None,
        ),
        (
            "U-Boot",
            "Unhandled exception: Illegal instruction\nEPC: 80201234 RA: 80200010 TVAL: 00000000\nSP:  87f00000 GP:  80300000 TP:  00000000\n",
            0x8020_1234,
            Some(2),
            Some(0),
            (2, 0x87F0_0000),
            None,
        ),
        (
            "numbers in decimal",
            "Unhandled trap mcause: 11 mepc: 0x80000100\n",
            0x8000_0100,
            Some(11),
            None,
            (0, 0),
            None,
        ),
    ];

    #[test]
    fn every_style_gives_the_registers_at_the_trap() {
        assert!(TRAP_NAMES.is_sorted());
        for (style, text, mepc, mcause, mtval, (reg, value), thread) in SAMPLES {
            let dumps = all(text);
            assert_eq!(dumps.len(), 1, "{style}");
            let dump = &dumps[0];
            let registers = &dump.threads[0].registers;
            assert_eq!(registers.pc(), Some(*mepc), "{style}");
            assert_eq!(dump.fault.get("mcause"), *mcause, "{style}");
            assert_eq!(dump.fault.get("mtval"), *mtval, "{style}");
            if *reg != 0 {
                assert_eq!(registers.known(Reg(*reg)), Some(*value), "{style}");
            }
            assert_eq!(dump.thread_name.as_deref(), *thread, "{style}");
            let end = usize::try_from(dump.source.end).unwrap();
            assert!(
                end <= text.len() && !text[..end].contains("#CD:"),
                "{style}"
            );
        }
    }

    #[test]
    fn stack_words_and_the_place_of_an_assertion_are_kept() {
        let dump = all(SAMPLES[2].1).remove(0);
        assert_eq!(dump.memory.read_u32(0x8003_3A14), Ok(0x8003_0AA8));
        assert_eq!(dump.assert.unwrap().line, Some(90));
        assert_eq!(dump.reason.as_deref(), Some("store access fault"));
    }

    #[test]
    fn two_prints_are_two_and_those_of_others_none() {
        let two = format!(
            "{}[00:00:02.000] INF x: y\r\n{}",
            SAMPLES[0].1,
            SAMPLES[0].1.replace("800008d2", "80000900")
        );
        assert_eq!(all(&two).len(), 2);
        for text in [
            "Guru Meditation Error: Core  0 panic'ed (Load access fault). Exception was unhandled.\n\nCore  0 register dump:\nMEPC    : 0x42006b1c  RA      : 0x42006b1c  SP      : 0x3fc90f10\nMSTATUS : 0x00001881  MTVEC   : 0x40380001  MCAUSE  : 0x00000005  MTVAL   : 0x00000000\nMHARTID : 0x00000000\n",
            "mepc is written by the trap\n",
            "EPC: 80201234\n",
            "CFSR=00008200 PC=10000212 mcause none\n",
        ] {
            assert_eq!(all(text).len(), 0, "{text}");
        }
    }

    #[test]
    fn a_print_that_is_cut_anywhere_gives_less_and_never_fails() {
        for (_, text, ..) in SAMPLES {
            for end in 0..text.len() {
                if let Some(part) = text.get(..end) {
                    assert!(all(part).len() <= 1);
                }
            }
        }
    }

    #[test]
    fn names_of_other_registers_are_none() {
        assert_eq!(
            in_line("a0 is 00000001, b0=00000002 x40=00000003 zero=00000004"),
            []
        );
    }
}
