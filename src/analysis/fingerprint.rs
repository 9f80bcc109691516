//! The key that groups crashes into an issue, version 1, with its reasons.
//!
//! Tiers, never mixed: 0 the place of a failed assertion; 1 the class of the fault and up to five functions of the
//! application; 2 without symbols, the class and addresses within one build. The key is `v1:`, the tier, `:` and the
//! first 16 hex digits of the SHA-256 of what went in, line by line.
//!
//! The class is coarse on purpose: the same crash seen with fault registers (a log) and without (a bare core) must
//! get the same key, so that a bus fault, a memory fault and a null pointer are all "access".
//!
//! Functions that left the stack by a tail call do not count: another level of optimisation has other ones, and keys that
//! were made before such frames were shown stay what they were.

use super::crash_facts::first_frame;
use super::fault_rules::assert_location;
use super::known_functions::{Role, role};
use super::recursion::{collapse, recursion};
use crate::model::report::{CrashReport, FaultKind, Fingerprint, Frame, FrameTrust};
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// The version of the rule below. Change it with any change of what goes into a key.
pub const FINGERPRINT_VERSION: u32 = 1;

/// Frames of the application that go into a key.
const N_FRAMES: usize = 5;

/// The grouping key of a crash; `None` when nothing is known of where it happened.
pub fn fingerprint(report: &CrashReport) -> Option<Fingerprint> {
    let thread = report
        .threads
        .iter()
        .find(|t| t.crashed)
        .or(report.threads.first());
    let frames = thread.map_or(&[][..], |thread| thread.frames.as_slice());
    let class = class(report, frames)?;
    if let Some(place) = report.fault.as_ref().and_then(assert_location) {
        return Some(make(
            0,
            "place of the failed assertion",
            class,
            vec![place.to_owned()],
            Vec::new(),
            None,
        ));
    }
    let (used, ignored) = named_frames(frames, class);
    if !used.is_empty() {
        let rule = format!("fault class `{class}` + {}", counted(used.len()));
        return Some(make(1, &rule, class, used, ignored, None));
    }
    let (used, ignored) = unnamed_frames(frames, ignored);
    if used.is_empty() {
        return None;
    }
    let build = report.build_id.as_ref().map_or_else(
        || "unknown build".to_owned(),
        |id| format!("build {}", id.short()),
    );
    let rule = format!(
        "fault class `{class}` + {} without symbols, in {build}",
        counted(used.len())
    );
    Some(make(2, &rule, class, used, ignored, Some(&build)))
}

fn counted(n: usize) -> String {
    if n == 1 {
        "1 frame".to_owned()
    } else {
        format!("{n} frames")
    }
}

fn make(
    tier: u8,
    rule: &str,
    class: &str,
    used: Vec<String>,
    ignored: Vec<String>,
    build: Option<&str>,
) -> Fingerprint {
    let mut hasher = Sha256::new();
    for line in [class]
        .into_iter()
        .chain(build)
        .chain(used.iter().map(String::as_str))
    {
        hasher.update(line.as_bytes());
        hasher.update(b"\n");
    }
    let mut key = format!("v{FINGERPRINT_VERSION}:{tier}:");
    for byte in hasher.finalize().iter().take(8) {
        let _infallible = write!(key, "{byte:02x}");
    }
    Fingerprint {
        version: FINGERPRINT_VERSION,
        key,
        rule: rule.to_owned(),
        frames_used: used,
        frames_ignored: ignored,
    }
}

/// The coarse class: what stays the same whether or not the fault registers were captured.
fn class(report: &CrashReport, frames: &[Frame]) -> Option<&'static str> {
    let Some(fault) = &report.fault else {
        return (!frames.is_empty()).then_some("stopped");
    };
    // The faulting "frame" is no code: the program jumped there, whatever the processor called it.
    let is_jump = frames
        .get(first_frame(frames))
        .is_some_and(|frame| frame.function.is_none())
        && frames.iter().any(|frame| frame.function.is_some());
    Some(match fault.kind {
        FaultKind::NoExecute => "jump",
        FaultKind::BusFault
        | FaultKind::MemoryFault
        | FaultKind::NullPointer
        | FaultKind::UsageFault
            if is_jump =>
        {
            "jump"
        }
        FaultKind::BusFault
        | FaultKind::MemoryFault
        | FaultKind::NullPointer
        | FaultKind::Unaligned => "access",
        FaultKind::UndefinedInstruction | FaultKind::IllegalInstruction => "undefined",
        FaultKind::DivideByZero => "divide",
        FaultKind::StackOverflow => "stack_overflow",
        FaultKind::Assert => "assert",
        FaultKind::Panic => "panic",
        FaultKind::Abort => "abort",
        FaultKind::Watchdog => "watchdog",
        FaultKind::BrownOut => "brown_out",
        FaultKind::Lockup => "lockup",
        FaultKind::UsageFault => "usage",
        FaultKind::Unknown => "unknown",
    })
}

/// Functions that go into a tier 1 key, and the frames left out, each with its reason.
///
/// Frames found by scanning may be left over from earlier calls. They count only when there is nothing better; in a
/// stack overflow the functions of the recursion count, which many words on the stack agree on.
fn named_frames(frames: &[Frame], class: &str) -> (Vec<String>, Vec<String>) {
    let mut candidates: Vec<(String, FrameTrust)> = Vec::new();
    let mut ignored = Vec::new();
    let start = first_frame(frames);
    let mut interrupted = false;
    for (index, frame) in frames.iter().enumerate() {
        // Which code an interrupt met is chance.
        interrupted |= index > start && frame.interrupted.is_some();
        let shown = frame.qualified.as_deref().or(frame.function.as_deref());
        let Some(name) = shown else {
            ignored.push(format!("{}: no symbol", frame.pc));
            continue;
        };
        let plain = plain_name(name);
        let reason = if index < start {
            Some(Role::FaultHandler.label())
        } else if interrupted {
            Some("interrupted code")
        } else if frame.inlined {
            Some("inlined into the function below")
        } else if frame.tail_call {
            // Whether it is on the stack depends on the optimiser, not on the cause.
            Some("left the stack by a tail call")
        } else {
            role(frame.function.as_deref().unwrap_or(name))
                .or_else(|| role(&plain))
                .map(Role::label)
        };
        match reason {
            Some(reason) => ignored.push(format!("{plain}: {reason}")),
            None => candidates.push((plain, frame.trust)),
        }
    }
    let has_trusted = candidates
        .iter()
        .any(|(_, trust)| *trust != FrameTrust::Scan);
    if class == "stack_overflow" {
        let names: Vec<&str> = candidates.iter().map(|(name, _)| name.as_str()).collect();
        if let Some(run) = recursion(&names) {
            let mut circle: Vec<String> = run.names.iter().map(|name| (*name).to_owned()).collect();
            circle.sort(); // where the circle was cut is chance
            for (name, _) in &candidates {
                if !circle.contains(name) {
                    ignored.push(format!("{name}: not part of the recursion"));
                }
            }
            ignored.push(format!(
                "{}: repeated {} times",
                circle.join(", "),
                run.repeats
            ));
            return (circle, ignored);
        }
    }
    let mut kept: Vec<&str> = Vec::new();
    for (name, trust) in &candidates {
        if has_trusted && *trust == FrameTrust::Scan {
            ignored.push(format!("{name}: found by scanning"));
        } else {
            kept.push(name);
        }
    }
    let mut used: Vec<String> = Vec::new();
    for run in collapse(&kept) {
        if run.repeats > 1 {
            ignored.push(format!(
                "{}: repeated {} times, counted once",
                run.names.join(", "),
                run.repeats
            ));
        }
        for name in run.names {
            if used.len() < N_FRAMES {
                used.push(name.to_owned());
            } else {
                ignored.push(format!("{name}: beyond the first {N_FRAMES}"));
            }
        }
    }
    (used, ignored)
}

/// Addresses for a tier 2 key. Firmware runs where it was linked, so that an address with the build is stable.
fn unnamed_frames(frames: &[Frame], already_ignored: Vec<String>) -> (Vec<String>, Vec<String>) {
    let usable = |frame: &&Frame| {
        let is_of_crash = !frame.fault_handler && !frame.inlined && !frame.tail_call;
        frame.function.is_none() && frame.pc.0 != 0 && is_of_crash
    };
    let has_trusted = frames
        .iter()
        .filter(usable)
        .any(|frame| frame.trust != FrameTrust::Scan);
    let used: Vec<String> = frames
        .iter()
        .filter(usable)
        .filter(|frame| !has_trusted || frame.trust != FrameTrust::Scan)
        .take(N_FRAMES)
        .map(|frame| frame.pc.to_string())
        .collect();
    let ignored = already_ignored
        .into_iter()
        .filter(|line| !used.iter().any(|pc| line.starts_with(pc.as_str())))
        .collect();
    (used, ignored)
}

/// A function name without what changes from build to build: hashes, closure numbers, template arguments, clones.
pub(super) fn plain_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut depth = 0_u32;
    let mut previous = ' ';
    for c in name.chars() {
        match c {
            // `operator<`, `operator->` and `->` are no brackets.
            '<' if !out.ends_with("operator") && !out.ends_with("operator<") => {
                if depth == 0 {
                    out.push('<');
                }
                depth += 1;
            }
            '>' if depth > 0 && previous != '-' => {
                depth -= 1;
                if depth == 0 {
                    out.push('>');
                }
            }
            _ if depth == 0 => out.push(c),
            _ => {}
        }
        previous = c;
    }
    let mut plain = out.as_str();
    if let Some(at) = plain.rfind("::h") {
        let hash = plain.get(at + 3..).unwrap_or("");
        if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) {
            plain = plain.get(..at).unwrap_or(plain);
        }
    }
    for clone in [
        ".isra.",
        ".constprop.",
        ".part.",
        ".cold",
        ".lto_priv.",
        ".llvm.",
    ] {
        plain = plain.split_once(clone).map_or(plain, |(before, _)| before);
    }
    // Parameters: symbol tables have them, debug information does not.
    if !plain.starts_with('(') && !plain.contains("operator()") && !plain.contains("(anonymous") {
        plain = plain.split_once('(').map_or(plain, |(before, _)| before);
    }
    without_closure_numbers(plain.trim_end())
}

/// `{closure#3}` and `{{closure}}` are `{closure}`.
fn without_closure_numbers(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('#') {
        out.push_str(before);
        rest = after.trim_start_matches(|c: char| c.is_ascii_digit());
    }
    out.push_str(rest);
    out.replace("{{closure}}", "{closure}")
}

#[cfg(test)]
mod tests {
    use super::{fingerprint, plain_name};
    use crate::analysis::fault_rules::testing::{Scene, frame};
    use crate::model::addr::TargetAddr;
    use crate::model::arch::Arch;
    use crate::model::build_id::BuildId;
    use crate::model::report::{
        BACKTRACE_SCHEMA, CrashReport, Fault, Fingerprint, Frame, FrameTrust, Thread, ThreadState,
    };

    fn report(fault: Option<Fault>, frames: Vec<Frame>) -> CrashReport {
        CrashReport {
            schema: BACKTRACE_SCHEMA.to_owned(),
            crash_index: 0,
            n_crashes: 1,
            arch: Arch::ArmV7M,
            build_id: BuildId::from_hex("8631d12a50f997b8"),
            elf_build_id: None,
            verified: false,
            fault,
            fingerprint: None,
            threads: vec![Thread {
                name: None,
                id: None,
                state: ThreadState::Running,
                priority: None,
                waits_on: None,
                crashed: true,
                stack_base: None,
                stack_size: None,
                stack_used: None,
                stack_unused_min: None,
                frames,
                stopped: None,
            }],
            warnings: Vec::new(),
            registers: Vec::new(),
            sources: Vec::new(),
            ..CrashReport::blank(Arch::ArmV7M)
        }
    }

    /// A scene's fault with frames given as `name` or `?` for a scanned one, `!` for one without a name.
    fn of(scene: Scene, names: &str) -> Fingerprint {
        let frames: Vec<Frame> = names
            .split_whitespace()
            .map(|name| match name.strip_prefix('?') {
                Some(name) => frame(name, "main.c:1", FrameTrust::Scan),
                None if name == "!" => frame("", "", FrameTrust::Context),
                None => frame(name, "main.c:1", FrameTrust::Cfi),
            })
            .collect();
        let scene = scene.frames(frames.clone());
        fingerprint(&report(scene.explain(), frames)).unwrap()
    }

    #[test]
    fn the_same_crash_has_one_key_with_and_without_fault_registers() {
        let bad = Scene::bad_store;
        let jump = || Scene::new(&[]).reg(15, 0xE000_0000);
        let assert = || Scene::new(&[0x03, 0xDE]);
        for (bare, full, names, first) in [
            (
                bad(),
                bad().fault("cfsr", 0x8200).fault("bfar", 0xF000_0000),
                "poke step cmdtask",
                "v1:1:",
            ),
            (
                jump(),
                jump().fault("cfsr", 1),
                "! handle_cmd loop",
                "v1:1:",
            ),
            (
                assert(),
                assert().assert(None, "main.c", 1).fault("cfsr", 0x1_0000),
                "assert_fail cmdtask",
                "v1:0:",
            ),
        ] {
            let (bare, full) = (of(bare, names), of(full, names));
            assert_eq!(bare.key, full.key, "{names}");
            assert!(
                full.key.starts_with(first) && full.key.len() == 21,
                "{}",
                full.key
            );
        }
    }

    #[test]
    fn frames_are_used_or_ignored_with_a_reason() {
        let got = of(
            Scene::bad_store(),
            "memcpy a b b b c d e f Reset_Handler ?old",
        );
        assert_eq!(got.frames_used, ["a", "b", "c", "d", "e"]);
        assert_eq!(
            got.frames_ignored,
            [
                "memcpy: C library memory or string function",
                "Reset_Handler: start of a thread or of the program",
                "old: found by scanning",
                "b: repeated 3 times, counted once",
                "f: beyond the first 5",
            ]
        );
        assert_eq!(got.rule, "fault class `access` + 5 frames");
    }

    #[test]
    fn a_recursion_counts_by_its_functions_alone() {
        let overflow = || Scene::new(&[]).fault("cfsr", 0x9200);
        let one = of(overflow(), "! ?recurse ?recurse ?recurse ?recurse ?loop");
        let other = of(
            overflow(),
            "! ?recurse ?recurse ?recurse ?handle_cmd ?old ?loop",
        );
        assert_eq!(one.frames_used, ["recurse"]);
        assert_eq!(one.key, other.key);
        assert_ne!(
            one.key,
            of(Scene::bad_store(), "recurse").key,
            "the class counts"
        );
    }

    #[test]
    fn code_that_an_interrupt_met_does_not_count() {
        let frames = |met: &str| {
            let mut last = frame(met, "main.c:77", FrameTrust::ExceptionFrame);
            last.interrupted = Some("SysTick".to_owned());
            vec![
                frame("store", "main.c:39", FrameTrust::Context),
                frame("SysTick_Handler", "main.c:74", FrameTrust::Cfi),
                last,
            ]
        };
        let key =
            |met: &str| fingerprint(&report(Scene::bad_store().explain(), frames(met))).unwrap();
        assert_eq!(key("loop").key, key("idle_work").key);
        assert_eq!(key("loop").frames_used, ["store", "SysTick_Handler"]);
    }

    #[test]
    fn without_symbols_addresses_and_the_build_make_the_key() {
        let mut frames = vec![
            frame("", "", FrameTrust::Context),
            frame("", "", FrameTrust::Scan),
        ];
        frames[0].pc = TargetAddr(0x0800_1234);
        let mut crash = report(None, frames);
        let got = fingerprint(&crash).unwrap();
        assert!(got.key.starts_with("v1:2:"));
        assert_eq!(got.frames_used, ["0x08001234"]);
        crash.build_id = BuildId::from_hex("0011223344");
        assert_ne!(fingerprint(&crash).unwrap().key, got.key);
    }

    #[test]
    fn names_lose_what_changes_from_build_to_build() {
        for (name, plain) in [
            ("poke.isra.0", "poke"),
            ("app::run::h0123456789abcdef", "app::run"),
            ("app::run::{closure#3}", "app::run::{closure}"),
            (
                "app::run::{{closure}}::h0123456789abcdef",
                "app::run::{closure}",
            ),
            (
                "ring::Buffer<u8, 16>::push(unsigned char)",
                "ring::Buffer<>::push",
            ),
            ("Pair::operator<(Pair const&)", "Pair::operator<"),
            ("<app::T as core::fmt::Debug>::fmt", "<>::fmt"),
            ("main", "main"),
        ] {
            assert_eq!(plain_name(name), plain, "{name}");
        }
    }
}
