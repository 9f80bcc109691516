//! What devices say in words around a fault: assertions, reasons, thread names, printed call stacks.
//!
//! Each list below is one place to add a wording; the samples in the tests are the specification.

use crate::formats::lines::{lines_before, readable};
use crate::model::coredump::AssertText;
use regex::{Captures, Regex};
use std::sync::LazyLock;

/// So many lines before a dump may lie between it and the assertion that caused it.
const LINES_BEFORE_A_DUMP: usize = 30;

/// A list of patterns, compiled when first needed. One that does not compile is left out (a test compares).
type Patterns = LazyLock<Vec<Regex>>;

fn compile(sources: &[&str]) -> Vec<Regex> {
    sources.iter().filter_map(|s| Regex::new(s).ok()).collect()
}

/// Where an assertion stands: `f` is the file, `l` the line.
const LOCATION_SOURCES: &[&str] = &[
    r#"(?P<f>(?:\b[A-Za-z]:[\\/])?[\w./\\+~-]*\w\.(?:c|cc|cpp|cxx|h|hh|hpp|ino|rs|s|S))["']?[:+]\s?(?P<l>\d+)"#,
    r#"(?P<f>(?:\b[A-Za-z]:[\\/])?[\w./\\+~-]*\w\.(?:c|cc|cpp|cxx|h|hh|hpp|ino|rs|s|S))["']?[,:]?\s*(?:on |at )?(?i:line):?\s*(?:number:?)?\s*(?P<l>\d+)"#,
    r#"(?i:line):?\s*(?P<l>\d+)[,;]?\s*(?:of |in )?(?i:file)?:?\s*["']?(?P<f>(?:\b[A-Za-z]:[\\/])?[\w./\\+~-]*\w\.(?:c|cc|cpp|cxx|h|hh|hpp|ino|rs|s|S))"#,
];
static LOCATIONS: Patterns = LazyLock::new(|| compile(LOCATION_SOURCES));

/// What was asserted: `m` is the condition or the message.
const MESSAGE_SOURCES: &[&str] = &[
    r"\[(?P<m>.+)\]\s*@",
    r#"(?i)assert(?:ion)?\s+["'`](?P<m>.+?)["'`]\s+failed"#,
    r"\((?P<m>.+)\)\s+assertion failed",
    r"(?i)assertion failed:?\s+(?P<m>.+?)(?::?\s+at file|,\s*file|\s+at\s|\s+in\s|$)",
    r"panicked at '(?P<m>.+)',",
    r"(?i)assert(?:ion)? failed in (?P<m>function \w+)",
];
static MESSAGES: Patterns = LazyLock::new(|| compile(MESSAGE_SOURCES));

/// The assertion that the lines before a dump tell of, nearest first.
pub(in crate::formats) fn assert_before(bytes: &[u8], start: usize) -> Option<AssertText> {
    let lines = lines_before(bytes, start, LINES_BEFORE_A_DUMP, 0);
    for line in lines.iter().rev() {
        let text = readable(line.text);
        if text.contains("#CD:") || is_boot(&text) {
            return None;
        }
        if let Some(found) = assertion(&text) {
            return Some(found);
        }
    }
    None
}

/// A line that a device prints when it starts: nothing before it belongs to what comes after.
pub(super) fn is_boot(text: &str) -> bool {
    (text.contains("***") && (text.contains("oot") || text.contains("uild id")))
        || text.contains("Rebooting")
}

/// The failed assertion (or panic with a place) that a line tells of.
pub(super) fn assertion(text: &str) -> Option<AssertText> {
    let is_panic = text.contains("panicked at");
    if !is_panic
        && !contains_ignoring_case(text, "assert")
        && !text.contains("Wrong parameters value")
    {
        return None;
    }
    let location = LOCATIONS.iter().find_map(|p| p.captures(text));
    let file = location.as_ref().and_then(|c| group(c, "f"));
    let line = location.as_ref().and_then(|c| group(c, "l"));
    let message = MESSAGES
        .iter()
        .find_map(|p| p.captures(text).and_then(|c| group(&c, "m")))
        .filter(|m| file.as_ref().is_none_or(|f| !m.contains(f.as_str())))
        .map(|m| m.trim_matches([':', ' ', '"']).to_owned())
        .filter(|m| !m.is_empty() && m != "at");
    // "asserting the reset line" is no failed assertion: a place or the word "failed" must be there.
    if file.is_none() && (message.is_none() || !contains_ignoring_case(text, "fail")) {
        return None;
    }
    Some(AssertText {
        message,
        file,
        line: line.and_then(|l| l.parse().ok()),
    })
}

fn group(captures: &Captures<'_>, name: &str) -> Option<String> {
    captures.name(name).map(|m| m.as_str().to_owned())
}

fn contains_ignoring_case(text: &str, lower: &str) -> bool {
    // This runs for every line around a print: only places with the right first letter are compared.
    let (bytes, lower) = (text.as_bytes(), lower.as_bytes());
    let Some(first) = lower.first() else {
        return true;
    };
    memchr::memchr2_iter(*first, first.to_ascii_uppercase(), bytes).any(|at| {
        let end = at.saturating_add(lower.len());
        bytes
            .get(at..end)
            .is_some_and(|w| w.eq_ignore_ascii_case(lower))
    })
}

/// What one line adds to the description of a fault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// The kind of fault ("bus fault").
    pub(super) title: Option<String>,
    /// Why ("precise data bus error"); several may follow each other.
    pub(super) detail: Option<String>,
    /// The RTOS's own verdict ("CPU exception").
    pub(super) verdict: Option<String>,
    /// Of which thread.
    pub(super) thread: Option<String>,
    /// Its control block.
    pub(super) thread_id: Option<u64>,
    /// Call stack addresses.
    pub(super) stack: Vec<u64>,
    /// Bits of CFSR and HFSR that the words stand for.
    pub(super) cfsr: u32,
    pub(super) hfsr: u32,
    /// Bits of SFSR (ARMv8-M).
    pub(super) sfsr: u32,
    /// A stack overflow: more certain than any register.
    pub(super) is_stack_overflow: bool,
}

/// Words of Zephyr's fault handler that stand for one bit of CFSR, as (words, bit in a memory fault or alone, bit in a bus fault).
const ZEPHYR_CAUSES: &[(&str, u32, u32)] = &[
    ("Attempt to execute undefined instruction", 16, 16),
    ("Data Access Violation", 1, 1),
    ("Division by zero", 25, 25),
    ("Floating-point lazy state preservation error", 5, 13),
    ("Illegal load of EXC_RETURN into PC", 18, 18),
    ("Illegal use of the EPSR", 17, 17),
    ("Imprecise data bus error", 10, 10),
    ("Instruction Access Violation", 0, 0),
    ("Instruction bus error", 8, 8),
    ("No coprocessor instructions", 19, 19),
    ("Precise data bus error", 9, 9),
    ("Stack overflow (context area not valid)", 20, 20),
    ("Unaligned memory access", 24, 24),
    ("Unstacking error", 3, 11),
    ("Stacking error", 4, 12),
];

/// Words of Zephyr's handler of secure faults, each for one bit of SFSR.
const ZEPHYR_SECURE_CAUSES: &[(&str, u32)] = &[
    ("Attribution unit violation", 3),
    ("Invalid entry point", 0),
    ("Invalid exception return", 2),
    ("Invalid integrity signature", 1),
    ("Invalid transition from secure", 4),
    ("Lazy state error", 7),
    ("Lazy state preservation error", 5),
];

const THREAD_SOURCES: &[&str] = &[
    r"Current thread:\s*0x(?P<id>[0-9a-fA-F]{1,16})(?:\s*\((?P<n>[^)]+)\))?",
    r"Current thread ID = 0x(?P<id>[0-9a-fA-F]{1,16})",
    r"Executing thread ID \(thread\):\s*0x(?P<id>[0-9a-fA-F]{1,16})",
    r"hard fault on thread:\s*(?P<n>\S+)",
    r"(?:Fault|Assert) on thread (?P<n>\S+)",
    r"\btask(?:\(CPU\d+\))?:\s*(?P<n>\S+)",
    r#"Active thread:\s*\d+\s+"(?P<n>[^"]+)""#,
];
static THREADS: Patterns = LazyLock::new(|| compile(THREAD_SOURCES));

const STACK_OVERFLOW_SOURCES: &[&str] = &[
    r#"(?i)stack\s?overflow(?:ed)?(?:\s+detected)?\s+(?:in|on|of|by|for)\s+(?:the\s+)?(?:task|thread)?\s*[:=]?\s*["'(]?(?P<n>[A-Za-z_][\w.-]*(?: [A-Z][\w.-]*)?)"#,
    r#"(?i)stack\s?overflow(?:ed)?(?:\s+detected)?\s*[:!=]\s*(?:task|thread)?\s*[:=]?\s*["'(]?(?P<n>[A-Za-z_][\w.-]*)"#,
    r"(?i)stack\s?overflow",
];
static STACK_OVERFLOWS: Patterns = LazyLock::new(|| compile(STACK_OVERFLOW_SOURCES));

/// Kinds of fault as words, with the name they get; the first one that a line holds counts.
const TITLES: &[(&str, &str)] = &[
    ("mpu fault", "memory management fault"),
    ("memmanage", "memory management fault"),
    ("mem manage fault", "memory management fault"),
    ("memory manage", "memory management fault"),
    ("bus fault", "bus fault"),
    ("busfault", "bus fault"),
    ("usage fault", "usage fault"),
    ("usagefault", "usage fault"),
    ("secure fault", "secure fault"),
    ("hard fault", "hard fault"),
    ("hardfault", "hard fault"),
];

/// What a line says of a fault. Lines that say nothing give the default.
pub(super) fn said(text: &str) -> Said {
    let mut said = Said::default();
    if text.len() < 6 {
        return said;
    }
    zephyr_cause(text, &mut said);
    verdict(text, &mut said);
    if said.detail.is_none()
        && contains_ignoring_case(text, "stack")
        && contains_ignoring_case(text, "overflow")
    {
        stack_overflow(text, &mut said);
    }
    let lower = text.to_ascii_lowercase();
    said.title = TITLES
        .iter()
        .find(|(words, _)| lower.contains(words))
        .map(|(_, title)| (*title).to_owned());
    // One of these stands in whatever the patterns find; few lines have it.
    let may_name_a_thread = text.contains("hread") || text.contains("task");
    for pattern in THREADS.iter().filter(|_| may_name_a_thread) {
        if let Some(found) = pattern.captures(text) {
            said.thread = said.thread.or_else(|| group(&found, "n"));
            said.thread_id = group(&found, "id").and_then(|id| u64::from_str_radix(&id, 16).ok());
            break;
        }
    }
    said.stack = call_stack(text);
    said
}

fn zephyr_cause(text: &str, said: &mut Said) {
    let cause = ZEPHYR_CAUSES
        .iter()
        .find(|(words, _, _)| text.contains(words));
    if let Some((words, bit, bus_bit)) = cause {
        said.detail = Some(words.to_ascii_lowercase());
        said.cfsr = 1 << bit;
        if bit != bus_bit {
            // Which of the two is decided by the title before it; see `settle`.
            said.cfsr |= 1 << bus_bit;
        }
    }
    let cause = ZEPHYR_SECURE_CAUSES
        .iter()
        .find(|(words, _)| text.contains(words));
    if let Some((words, bit)) = cause {
        said.detail = Some(words.to_ascii_lowercase());
        said.sfsr = 1 << bit;
    }
    if text.contains("Fault escalation (see below)") {
        said.hfsr = 1 << 30;
    }
    if text.contains("Bus fault on vector table read") {
        said.hfsr = 1 << 1;
    }
    // Printed only when the valid bit is set.
    if text.contains("MMFAR Address:") {
        said.cfsr |= 1 << 7;
    }
    if text.contains("BFAR Address:") {
        said.cfsr |= 1 << 15;
    }
}

fn verdict(text: &str, said: &mut Said) {
    if let Some((_, rest)) = text.split_once("ZEPHYR FATAL ERROR ") {
        let words = rest.split_once(':').map_or(rest, |(_, words)| words);
        let words = words.split(" on CPU").next().unwrap_or(words);
        said.verdict = Some(words.trim().to_owned());
    } else if let Some((_, kind)) = text.split_once("FaultType:") {
        said.verdict = Some(kind.trim().to_owned());
    } else if text.contains(" is caused by ") {
        said.detail = Some(text.trim().to_owned());
    } else if let Some((_, cause)) = text.split_once("Cause:") {
        said.detail = Some(cause.trim().to_owned());
    } else if let Some((_, rest)) = text.split_once("PANIC!!!") {
        said.verdict = Some(
            format!("panic: {}", rest.trim())
                .trim_end_matches([':', ' '])
                .to_owned(),
        );
    } else if text.contains("RIOT kernel panic") {
        said.verdict = Some("kernel panic".to_owned());
    } else if let Some((_, rest)) = text.split_once("Unhandled interrupt (") {
        said.verdict = rest.split(')').next().map(|n| match n {
            "3" => "unhandled exception 3 (hard fault)".to_owned(),
            n => format!("unhandled interrupt {n}"),
        });
    }
}

fn stack_overflow(text: &str, said: &mut Said) {
    let Some(found) = STACK_OVERFLOWS.iter().find_map(|p| p.captures(text)) else {
        return;
    };
    said.is_stack_overflow = true;
    said.thread = found.name("n").map(|m| m.as_str().to_owned());
    said.detail = Some(match &said.thread {
        Some(name) => format!("stack overflow in {name}"),
        None => "stack overflow".to_owned(),
    });
}

/// `addr2line -e x.elf -a -f 08000a60 08000141` (`CmBacktrace`) and `[BackTrace|17|0]:  0xc0f946e ...` (`NuttX`).
fn call_stack(text: &str) -> Vec<u64> {
    let addresses = if let Some((_, rest)) = text.split_once("addr2line -e ") {
        rest
    } else if let Some((_, rest)) = text.split_once("[BackTrace|") {
        rest.split_once("]:").map_or("", |(_, words)| words)
    } else {
        return Vec::new();
    };
    addresses
        .split_ascii_whitespace()
        .filter_map(|word| {
            let digits = word.strip_prefix("0x").unwrap_or(word);
            let is_address = (6..=8).contains(&digits.len());
            is_address
                .then(|| u64::from_str_radix(digits, 16).ok())
                .flatten()
        })
        .take(64)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{
        LOCATION_SOURCES, LOCATIONS, MESSAGE_SOURCES, MESSAGES, STACK_OVERFLOW_SOURCES,
        STACK_OVERFLOWS, THREAD_SOURCES, THREADS, assertion, said,
    };

    #[test]
    fn every_pattern_compiles() {
        assert_eq!(LOCATIONS.len(), LOCATION_SOURCES.len());
        assert_eq!(MESSAGES.len(), MESSAGE_SOURCES.len());
        assert_eq!(THREADS.len(), THREAD_SOURCES.len());
        assert_eq!(STACK_OVERFLOWS.len(), STACK_OVERFLOW_SOURCES.len());
    }

    #[test]
    fn assertions_are_understood_in_every_wording() {
        let cases = [
            ("ASSERT main.c:19", None, Some("main.c"), Some(19)),
            (
                "ASSERTION FAIL [buf != NULL] @ WEST_TOPDIR/app/src/net.c:212",
                Some("buf != NULL"),
                Some("WEST_TOPDIR/app/src/net.c"),
                Some(212),
            ),
            (
                r#"assertion "n < 8" failed: file "ring.c", line 40, function: push"#,
                Some("n < 8"),
                Some("ring.c"),
                Some(40),
            ),
            (
                "Assert failed in function open_port at drivers/uart.c:88",
                Some("function open_port"),
                Some("drivers/uart.c"),
                Some(88),
            ),
            (
                "(thread != RT_NULL) assertion failed at function:resume, line number:120 ",
                Some("thread != RT_NULL"),
                None,
                None,
            ),
            (
                "up_assert: Assertion failed at file:armv7-m/fault.c line: 134 task: init",
                None,
                Some("armv7-m/fault.c"),
                Some(134),
            ),
            (
                "Assertion failed (a == b): at file: mm/free.c:243 task(CPU0): nsh process",
                Some("(a == b)"),
                Some("mm/free.c"),
                Some(243),
            ),
            (
                "Wrong parameters value: file ../Src/main.c on line 77",
                None,
                Some("../Src/main.c"),
                Some(77),
            ),
            (
                "vAssertCalled: Line 512, file queue.c",
                None,
                Some("queue.c"),
                Some(512),
            ),
            (
                "panicked at src/main.rs:31:5:",
                None,
                Some("src/main.rs"),
                Some(31),
            ),
            (
                r"ASSERT C:\work\fw\app.c:7",
                None,
                Some(r"C:\work\fw\app.c"),
                Some(7),
            ),
        ];
        for (text, message, file, line) in cases {
            let found = assertion(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(found.message.as_deref(), message, "{text}");
            assert_eq!(found.file.as_deref(), file, "{text}");
            assert_eq!(found.line, line, "{text}");
        }
        for text in [
            "asserting the reset line",
            "assert",
            "main.c:19 opened",
            "assertions: on",
        ] {
            assert_eq!(assertion(text), None, "{text}");
        }
    }

    #[test]
    fn threads_and_stack_overflows_are_named() {
        let cases = [
            ("E: Current thread: 0x20000a10 (main)", Some("main")),
            ("hard fault on thread: tshell", Some("tshell")),
            ("Fault on thread sensor", Some("sensor")),
            ("STACK OVERFLOW in net", Some("net")),
            (
                "***ERROR*** A stack overflow in task Tmr Svc has been detected.",
                Some("Tmr Svc"),
            ),
            ("Stack overflow on thread: logger!", Some("logger")),
            ("stack overflow: logger", Some("logger")),
            ("Active thread: 2 \"pinger\"", Some("pinger")),
            ("stack overflow detected", None),
        ];
        for (text, name) in cases {
            assert_eq!(said(text).thread.as_deref(), name, "{text}");
        }
        assert!(said("Stack overflow in net").is_stack_overflow);
        assert!(!said("Stack overflow (context area not valid)").is_stack_overflow);
        let stack =
            said("Show more call stack info by run: addr2line -e a.elf -afpiC 08000a60 08000141")
                .stack;
        assert_eq!(stack, [0x0800_0A60, 0x0800_0141]);
    }
}
