//! What an ESP-IDF panic says in words. Each pattern is one wording; the samples in the tests are the specification.

use crate::model::coredump::AssertText;
use regex::Regex;
use std::sync::LazyLock;

type Pattern = LazyLock<Option<Regex>>;

macro_rules! pattern {
    ($name:ident, $source:expr) => {
        pub(super) static $name: Pattern = LazyLock::new(|| Regex::new($source).ok());
    };
}

// `Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.`
pattern!(
    GURU,
    r"Guru Meditation Error: Core\s*(?P<core>\d+)\s*panic'ed \((?P<reason>[^)]{1,80})\)"
);
// `Guru Meditation Error of type StoreProhibited occurred on core  0. Exception was unhandled.` (version 3.0)
pattern!(
    OLD_GURU,
    r"Guru Meditation Error of type (?P<reason>[\w ]{1,40}) occurred on core\s*(?P<core>\d+)"
);
// `Core  1 register dump:`
pattern!(CORE, r"Core\s*(?P<core>\d+) register dump:");
// `PC      : 0x400d1234  PS      : 0x00060430`
pattern!(
    REGISTER,
    r"(?P<name>[A-Z][A-Z0-9/]{0,8})\s*:\s?0x(?P<value>[0-9a-fA-F]{8})\b"
);
// `Backtrace: 0x400d1234:0x3ffb4f50 0x400d2345:0x3ffb4f70  |<-CORRUPTED`
pattern!(
    BACKTRACE,
    r"Backtrace:\s*(?P<pairs>(?:0x[0-9a-fA-F]{8}:0x[0-9a-fA-F]{8}\s*)+)"
);
pattern!(PAIR, r"0x(?P<pc>[0-9a-fA-F]{8}):0x(?P<sp>[0-9a-fA-F]{8})");
// `3fc8f9f0: 0x00000000 0x3fc8fa10 ...`
pattern!(
    STACK_WORDS,
    r"\b(?P<addr>[0-9a-fA-F]{8}):(?P<words>(?:\s+0x[0-9a-fA-F]{8}){1,16})"
);
pattern!(SHA256, r"ELF file SHA256:\s*(?P<hash>[0-9a-fA-F]{8,64})\b");
// `abort() was called at PC 0x400d66b9 on core 0`
pattern!(
    ABORT,
    r"(?P<said>abort\(\) was called at PC 0x(?P<pc>[0-9a-fA-F]{8}) on core\s*\d+)"
);
// `assert failed: app_main hello_world_main.c:24 (x == 1)`
pattern!(
    ASSERT,
    r"assert failed: (?P<function>\S.*?) (?P<file>\S+?):(?P<line>\d{1,7})(?: \((?P<message>.*)\))?"
);
// `ESP_ERROR_CHECK failed: esp_err_t 0x102 (ESP_ERR_INVALID_ARG) at 0x400d1234`, then `file: "x.c" line 12`, `expression: f()`
pattern!(
    ERROR_CHECK,
    r"ESP_ERROR_CHECK failed: (?P<said>esp_err_t 0x[0-9a-fA-F]+(?: \(\w+\))?)"
);
pattern!(
    ERROR_PLACE,
    r#"file: "(?P<file>[^"]{1,200})" line (?P<line>\d{1,7})"#
);
pattern!(ERROR_EXPRESSION, r"^\s*expression: (?P<message>.+)$");
pattern!(DEBUG_REASON, r"Debug exception reason:\s*(?P<said>.*\S)");
pattern!(
    CANARY,
    r"Stack canary watchpoint triggered \((?P<task>[^)]{1,32})\)"
);
// `Detected in task "main" at 0x420069b4`
pattern!(DETECTED, r#"Detected in task "(?P<task>[^"]{1,32})""#);
// `CPU 0: main`
pattern!(RUNNING, r"CPU (?P<core>\d): (?P<task>\S.{0,31})$");
// ` - IDLE0 (CPU 0)`, ` - IDLE (CPU 0)`
pattern!(STARVED, r"-\s+(?P<task>\S+) \(CPU (?P<core>\d)");
// `Print CPU 1 backtrace`, `Print CPU 0 (current core) backtrace`
pattern!(
    NEXT_BACKTRACE,
    r"Print CPU (?P<core>\d)(?: \(current core\))? (?:backtrace|registers)"
);

/// Lines that say all by themselves.
pub(super) const VERDICTS: [&str; 4] = [
    "Brownout detector was triggered",
    "Stack smashing protect failure!",
    "Task watchdog got triggered",
    "Stack protection fault",
];

/// The failed assertion that a line tells of.
pub(in crate::formats) fn failed_assertion(text: &str) -> Option<AssertText> {
    let found = ASSERT.as_ref()?.captures(text)?;
    let group = |name: &str| found.name(name).map(|m| m.as_str().to_owned());
    Some(AssertText {
        message: group("message").filter(|m| !m.is_empty()),
        file: group("file"),
        line: group("line").and_then(|l| l.parse().ok()),
    })
}

/// A reason that is no exception of the processor: ESP-IDF counts them from 64 on in its dumps.
pub(super) fn pseudo_cause(reason: &str) -> Option<u32> {
    const REASONS: [&str; 8] = [
        "Unknown reason",
        "Unhandled debug exception",
        "Double exception",
        "Unhandled kernel exception",
        "Coprocessor exception",
        "Interrupt wdt timeout on CPU0",
        "Interrupt wdt timeout on CPU1",
        "Cache disabled but cached memory region accessed",
    ];
    let known = REASONS.iter().position(|known| *known == reason);
    let known = known.or_else(|| reason.starts_with("Cache ").then_some(7));
    known.and_then(|n| u32::try_from(n).ok()?.checked_add(64))
}
