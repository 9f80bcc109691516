//! Walks and thread lists against gdb's answers for the fixtures, and on stacks made up for the purpose.

use super::abi;
use super::code::Code;
use super::fixture::{
    Core, core, info, symbol_file, symbol_file_hiding, symbol_file_without_cfi, text,
};
use super::rtos::{self, RtosThread, RtosThreads};
use super::walk::{PhysicalFrame, Start, StopReason, Walk, WalkInput, WalkLimits, walk};
use crate::model::{
    arch::Arch,
    memory::{Memory, MemoryMap, Overlay},
    registers::{Reg, RegValue, RegisterSet},
    report::{FrameTrust, ThreadState},
};
use crate::symbols::{symbol_file::SymbolFile, symbol_set::SymbolSet};
use std::ops::Range;

const FREERTOS: &str = "qemu-freertos/an386.elf";

fn set(file: &SymbolFile) -> SymbolSet<'_> {
    SymbolSet {
        infos: vec![info(file)],
    }
}

fn walk_from(
    registers: &RegisterSet,
    symbols: &SymbolSet<'_>,
    memory: &dyn Memory,
    stack: Option<Range<u64>>,
    start: Start,
) -> Walk {
    walk(&WalkInput {
        registers,
        arch: Arch::ArmV7M,
        symbols,
        memory,
        stack,
        limits: WalkLimits::default(),
        start,
    })
}

/// One line of a backtrace: function, the address if it is printed, whether a signal frame came before.
#[derive(Debug, PartialEq)]
struct Line {
    function: String,
    pc: Option<u64>,
    after_signal: bool,
}

/// The lines of gdb's last backtrace in `text`, without the frames that gdb makes up beyond a task's entry.
fn gdb_lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut after_signal = false;
    for line in text.lines().filter(|line| line.starts_with('#')) {
        let (number, rest) = line
            .strip_prefix('#')
            .and_then(|l| l.split_once(' '))
            .unwrap();
        if number == "0" {
            lines.clear();
        }
        let rest = rest.trim();
        if rest.starts_with("<signal handler called>") {
            after_signal = true;
            continue;
        }
        let (pc, rest) = match rest.strip_prefix("0x") {
            Some(rest) => {
                let (pc, rest) = rest.split_once(" in ").unwrap();
                (Some(u64::from_str_radix(pc, 16).unwrap()), rest)
            }
            None => (None, rest),
        };
        let function = rest.split_once(" (").unwrap().0.to_owned();
        if function == "vPortEnableVFP" {
            break;
        }
        lines.push(Line {
            function,
            pc,
            after_signal,
        });
        after_signal = false;
    }
    lines
}

/// The same for a walk, with inlined functions as lines of their own.
fn our_lines(walk: &Walk, symbols: &SymbolSet<'_>) -> Vec<(Line, u64)> {
    let mut lines = Vec::new();
    for frame in &walk.frames {
        let names: Vec<String> = match symbols.for_address(frame.lookup) {
            Some(info) => info
                .source_frames(frame.lookup)
                .into_iter()
                .filter_map(|f| f.function)
                .collect(),
            None => Vec::new(),
        };
        let names = if names.is_empty() {
            vec!["??".to_owned()]
        } else {
            names
        };
        for (n, function) in names.into_iter().enumerate() {
            lines.push((
                Line {
                    function,
                    pc: None,
                    after_signal: n == 0 && frame.interrupted.is_some(),
                },
                frame.pc,
            ));
        }
    }
    lines
}

fn assert_like_gdb(what: &str, walk: &Walk, symbols: &SymbolSet<'_>, gdb: &str) {
    let expected = gdb_lines(gdb);
    let ours = our_lines(walk, symbols);
    let functions = |lines: Vec<&Line>| -> Vec<(String, bool)> {
        lines
            .into_iter()
            .map(|l| (l.function.clone(), l.after_signal))
            .collect()
    };
    assert_eq!(
        functions(ours.iter().map(|(line, _)| line).collect()),
        functions(expected.iter().collect()),
        "{what}: {:?}",
        walk.stop
    );
    for ((_, pc), line) in ours.iter().zip(&expected) {
        assert!(
            line.pc.is_none_or(|expected| expected == *pc),
            "{what}: {line:?} at {pc:x}"
        );
    }
}

#[test]
fn bare_metal_crashes_have_the_frames_that_gdb_finds() {
    for board in ["an385", "an386", "an505"] {
        let file = symbol_file(&format!("qemu-bare/{board}.elf"));
        let symbols = set(&file);
        for crash in [1, 2, 4, 5, 6, 7] {
            let what = format!("qemu-bare/{board}-{crash}");
            let Core { threads, memory } = core(&format!("{what}.core"));
            let memory = Overlay {
                first: &memory,
                second: file.constants(),
            };
            let walk = walk_from(&threads[0], &symbols, &memory, None, Start::Context);
            assert_like_gdb(&what, &walk, &symbols, &text(&format!("{what}.gdb.txt")));
            assert_eq!(walk.stop, StopReason::ThreadEntry, "{what}");
            assert_eq!(walk.frames[0].trust, FrameTrust::Context);
            let interrupted: Vec<&str> = walk
                .frames
                .iter()
                .filter_map(|f| f.interrupted.as_deref())
                .collect();
            let expected: &[&str] = if crash == 4 { &["SysTick"] } else { &[] };
            assert_eq!(interrupted, expected, "{what}");
            assert!(walk.warnings.is_empty(), "{what}: {:?}", walk.warnings);
        }
    }
}

#[test]
fn a_jump_to_nowhere_keeps_the_caller_from_lr() {
    let file = symbol_file("qemu-bare/an386.elf");
    let symbols = set(&file);
    let Core { threads, memory } = core("qemu-bare/an386-7.core");
    let walk = walk_from(&threads[0], &symbols, &memory, None, Start::Context);
    let pcs: Vec<(u64, FrameTrust)> = walk
        .frames
        .iter()
        .map(|f| (f.pc, f.trust))
        .take(3)
        .collect();
    assert_eq!(
        pcs,
        [
            (0xE000_0000, FrameTrust::Context),
            (0x564, FrameTrust::Context),
            (0x622, FrameTrust::Cfi)
        ]
    );
    assert_eq!(walk.frames[0].sp, walk.frames[1].sp);
    assert_eq!(walk.frames[1].registers.known(Reg::r(3)), Some(0xE000_0001));
    assert_eq!(walk.frames[1].registers.get(Reg::LR), RegValue::Clobbered);
}

#[test]
fn a_stack_overflow_without_a_frame_is_recovered_by_scanning_and_marked() {
    for board in ["an385", "an386", "an505"] {
        let file = symbol_file(&format!("qemu-bare/{board}.elf"));
        let symbols = set(&file);
        let Core { threads, memory } = core(&format!("qemu-bare/{board}-3.core"));
        let walk = walk_from(&threads[0], &symbols, &memory, None, Start::Context);
        let functions: Vec<String> = our_lines(&walk, &symbols)
            .into_iter()
            .map(|(line, _)| line.function)
            .collect();
        assert_eq!(walk.stop, StopReason::ThreadEntry, "{board} {functions:?}");
        assert!(
            functions.iter().filter(|f| *f == "recurse").count() >= 60,
            "{board} {functions:?}"
        );
        assert!(
            functions.ends_with(&["handle_cmd".into(), "loop".into(), "main".into()]),
            "{board} {functions:?}"
        );
        assert!(
            walk.frames
                .iter()
                .skip(1)
                .all(|f| f.trust == FrameTrust::Scan)
        );
        assert!(
            walk.warnings.iter().any(|w| w.code == "FS-UNW-005"),
            "{board} {:?}",
            walk.warnings
        );
    }
}

struct Expected {
    name: String,
    list: String,
    priority: u32,
    stack: Range<u64>,
    unused: u64,
    pc: Option<u64>,
    running: bool,
}

fn expected_threads(name: &str) -> Vec<Expected> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).unwrap(),
        None => text.parse().unwrap(),
    };
    text(name)
        .lines()
        .skip(1)
        .map(|line| {
            let (left, right) = line.split_once(" prio ").unwrap();
            let (name, list) = left
                .trim_start_matches('*')
                .trim()
                .rsplit_once(' ')
                .unwrap();
            let words: Vec<&str> = right.split_whitespace().collect();
            let after = |key: &str| {
                words
                    .iter()
                    .position(|w| *w == key)
                    .map(|at| number(words[at + 1]))
            };
            let (low, high) = words[2].split_once("..").unwrap();
            Expected {
                name: name.trim().to_owned(),
                list: list.to_owned(),
                priority: words[0].parse().unwrap(),
                stack: number(low)..number(high),
                unused: after("hwm").unwrap(),
                pc: after("pc"),
                running: left.starts_with('*'),
            }
        })
        .collect()
}

fn assert_like_walk(what: &str, thread: &RtosThread, expected: &Expected) {
    assert_eq!(
        thread.name.as_deref(),
        Some(expected.name.as_str()),
        "{what}"
    );
    let state = match expected.list.as_str() {
        _ if expected.running => ThreadState::Running,
        list if list.starts_with("ready") => ThreadState::Ready,
        // the only one there waits for the queue without a limit
        "xDelayedTaskList1" | "xSuspendedTaskList" => ThreadState::Blocked,
        other => panic!("{other}"),
    };
    assert_eq!(thread.state, state, "{what}");
    assert_eq!(thread.priority, Some(expected.priority), "{what}");
    assert_eq!(thread.stack, Some(expected.stack.clone()), "{what}");
    assert_eq!(thread.stack_unused_min, Some(expected.unused), "{what}");
    assert_eq!(
        thread.saved.as_ref().and_then(RegisterSet::pc),
        expected.pc,
        "{what}"
    );
}

fn freertos(crash: u32, file: &SymbolFile) -> (RegisterSet, MemoryMap, RtosThreads) {
    let Core {
        mut threads,
        memory,
    } = core(&format!("qemu-freertos/an386-{crash}.core"));
    let overlay = Overlay {
        first: &memory,
        second: file.constants(),
    };
    let found = rtos::threads(&set(file), &overlay).unwrap();
    (threads.remove(0), memory, found)
}

#[test]
fn freertos_tasks_are_those_of_an_independent_walk_and_their_frames_those_of_gdb() {
    let file = symbol_file(FREERTOS);
    let symbols = set(&file);
    for crash in [1, 4, 8] {
        let (context, memory, found) = freertos(crash, &file);
        let memory = Overlay {
            first: &memory,
            second: file.constants(),
        };
        let expected = expected_threads(&format!("qemu-freertos/an386-{crash}.threads.txt"));
        assert_eq!(found.threads.len(), expected.len());
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
        let gdb = text(&format!("qemu-freertos/an386-{crash}.gdb.txt"));
        let mut lwp = 1;
        for (thread, expected) in found.threads.iter().zip(&expected) {
            let what = format!("crash {crash}, task {}", expected.name);
            assert_like_walk(&what, thread, expected);
            let number = if expected.running {
                1
            } else {
                lwp += 1;
                lwp
            };
            let (registers, start) = match &thread.saved {
                Some(saved) => (saved, Start::SavedByRtos),
                None => (&context, Start::Context),
            };
            let walk = walk_from(registers, &symbols, &memory, thread.stack.clone(), start);
            let answer = gdb
                .split("\nThread ")
                .find(|part| part.starts_with(&format!("{number} ")))
                .unwrap();
            assert_like_gdb(&what, &walk, &symbols, answer);
            assert_eq!(walk.stop, StopReason::ThreadEntry, "{what}");
            assert!(walk.warnings.is_empty(), "{what}: {:?}", walk.warnings);
        }
    }
}

#[test]
fn freertos_tasks_say_what_they_wait_on() {
    let file = symbol_file(FREERTOS);
    let (_, _, found) = freertos(1, &file);
    let waits: Vec<(&str, Option<&str>)> = found
        .threads
        .iter()
        .map(|t| (t.name.as_deref().unwrap(), t.waits_on.as_deref()))
        .collect();
    assert_eq!(
        waits,
        [
            ("IDLE", None),
            ("cmd", None),
            ("Tmr Svc", Some("queue TmrQ until tick 64250")),
            ("sensor", Some("delay until tick 64260")),
            ("net", Some("delay until tick 67160")),
            ("logger", Some("queue readings")),
        ]
    );
}

#[test]
fn after_a_task_stack_overflow_the_lists_are_followed_as_far_as_they_can_be_trusted() {
    let file = symbol_file(FREERTOS);
    let symbols = set(&file);
    let (context, memory, found) = freertos(3, &file);
    let names: Vec<(Option<&str>, ThreadState)> = found
        .threads
        .iter()
        .map(|t| (t.name.as_deref(), t.state))
        .collect();
    assert!(
        names.contains(&(Some("IDLE"), ThreadState::Ready)),
        "{names:?}"
    );
    assert!(
        names.contains(&(Some("cmd"), ThreadState::Running)),
        "{names:?}"
    );
    assert!(
        found.warnings.iter().any(|w| w.code == "FS-RTOS-003"
            && w.message.contains("pxReadyTasksLists")
            || w.message.contains("xDelayedTaskList")),
        "{:?}",
        found.warnings
    );
    let cmd = found
        .threads
        .iter()
        .find(|t| t.name.as_deref() == Some("cmd"))
        .unwrap();
    // the frames of `blow` have holes in which the fill survives
    assert!(cmd.stack_unused_min < Some(32), "it ran over");
    assert!(cmd.stack_used(context.sp().unwrap()) > Some(2048));
    let walk = walk_from(
        &context,
        &symbols,
        &memory,
        cmd.stack.clone(),
        Start::Context,
    );
    let functions: Vec<String> = our_lines(&walk, &symbols)
        .into_iter()
        .map(|(line, _)| line.function)
        .collect();
    assert!(
        functions.iter().filter(|f| *f == "blow").count() >= 16,
        "{functions:?}"
    );
    assert_eq!(functions.last().map(String::as_str), Some("cmdtask"));
    assert_eq!(walk.stop, StopReason::ThreadEntry);
}

/// Memory at 0x20000400 and registers for a made-up stack.
struct Made {
    registers: RegisterSet,
    memory: MemoryMap,
}

const BASE: u32 = 0x2000_0400;
/// After the call of `vTaskDelay` in `sensor`.
const IN_SENSOR: u32 = 0x565;
/// First instruction after the prologue's pushes play no role: stopped in `vTaskDelay`.
const IN_DELAY: u32 = 0x10CC;
const TASK_EXIT: u32 = 0x2389;
const SYSTICK: u32 = 0x2464;
const HARD_FAULT: u32 = 0x320;

fn made(pc: u32, lr: Option<u32>, words: &[u32], more: &[(Reg, u32)]) -> Made {
    let mut registers = RegisterSet::default();
    registers.set_known(Reg::PC, pc);
    registers.set_known(Reg::SP, BASE);
    if let Some(lr) = lr {
        registers.set_known(Reg::LR, lr);
    }
    for (reg, value) in more {
        registers.set_known(*reg, *value);
    }
    let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    let mut memory = MemoryMap::default();
    memory.insert(BASE.into(), &bytes);
    Made { registers, memory }
}

fn walk_made(file: &SymbolFile, made: &Made, stack: Option<Range<u64>>) -> Walk {
    walk_from(
        &made.registers,
        &set(file),
        &made.memory,
        stack,
        Start::Context,
    )
}

fn summary(walk: &Walk) -> Vec<(u64, FrameTrust, Option<&str>)> {
    walk.frames
        .iter()
        .map(|f| (f.pc, f.trust, f.interrupted.as_deref()))
        .collect()
}

/// r0 r1 r2 r3 r12 lr pc xPSR.
fn hardware_frame(lr: u32, pc: u32, xpsr: u32) -> [u32; 8] {
    [10, 11, 12, 13, 14, lr, pc, xpsr]
}

#[test]
fn frame_records_are_followed_where_there_is_no_call_frame_information() {
    let file = symbol_file_without_cfi(FREERTOS);
    for pointer in [Reg::r(7), Reg::r(11)] {
        let stack = [0, 0, BASE + 24, IN_SENSOR, 0, 0, 0, TASK_EXIT];
        let made = made(IN_DELAY, None, &stack, &[(pointer, BASE + 8)]);
        let walk = walk_made(&file, &made, None);
        assert_eq!(
            summary(&walk),
            [
                (0x10CC, FrameTrust::Context, None),
                (0x564, FrameTrust::FramePointer, None)
            ]
        );
        assert_eq!(walk.frames[1].sp, Some(u64::from(BASE) + 16));
        assert_eq!(walk.stop, StopReason::ThreadEntry);
    }
}

#[test]
fn a_word_that_follows_a_call_is_found_by_the_scan_and_one_that_does_not_is_no_frame() {
    let file = symbol_file_without_cfi(FREERTOS);
    let made = made(
        IN_DELAY,
        None,
        &[0x10CD, 0x2001, 0, IN_SENSOR, 0, 0, 0x10CD],
        &[],
    );
    let walk = walk_made(&file, &made, None);
    assert_eq!(
        summary(&walk),
        [
            (0x10CC, FrameTrust::Context, None),
            (0x564, FrameTrust::Scan, None)
        ]
    );
    assert_eq!(walk.frames[1].sp, Some(u64::from(BASE) + 16));
    assert_eq!(walk.stop, StopReason::NoMoreFrames);
}

#[test]
fn an_exception_from_a_thread_is_popped_from_psp() {
    for file in [symbol_file(FREERTOS), symbol_file_without_cfi(FREERTOS)] {
        let mut stack = vec![0; 16];
        stack.extend(hardware_frame(IN_SENSOR, IN_DELAY, 0x0100_0000));
        stack.extend([0; 8]);
        let psp = BASE + 64;
        let made = made(
            SYSTICK,
            Some(0xFFFF_FFFD),
            &stack,
            &[(Reg::PSP, psp), (Reg::XPSR, 0x0100_000F)],
        );
        let walk = walk_made(&file, &made, None);
        assert_eq!(
            summary(&walk)[1],
            (0x10CC, FrameTrust::ExceptionFrame, Some("SysTick"))
        );
        assert_eq!(walk.frames[1].sp, Some(u64::from(psp) + 0x20));
        assert_eq!(walk.frames[1].registers.known(Reg::r(12)), Some(14));
        assert!(walk.warnings.is_empty(), "{:?}", walk.warnings);
    }
}

#[test]
fn without_psp_the_frame_is_looked_for_on_the_threads_stack_or_its_absence_is_said() {
    let file = symbol_file(FREERTOS);
    let mut stack = vec![0xA5A5_A5A5; 16];
    stack.extend(hardware_frame(IN_SENSOR, SYSTICK, 0x0100_0000));
    stack.extend([0xA5A5_A5A5; 16]);
    let made = made(SYSTICK, Some(0xFFFF_FFFD), &stack, &[]);
    let area = u64::from(BASE) + 16..u64::from(BASE) + 4 * stack.len() as u64;
    let walk = walk_made(&file, &made, Some(area));
    assert_eq!(
        summary(&walk)[1],
        (u64::from(SYSTICK), FrameTrust::Scan, Some("SysTick"))
    );
    assert!(walk.warnings.iter().any(|w| w.code == "FS-UNW-003"));

    let walk = walk_made(&file, &made, None);
    assert_eq!(walk.frames.len(), 1);
    assert_eq!(walk.stop, StopReason::NoMoreFrames);
    assert!(walk.warnings[0].message.contains("PSP"));
}

#[test]
fn nested_exceptions_are_each_noted_on_the_frame_that_they_interrupted() {
    for file in [symbol_file(FREERTOS), symbol_file_without_cfi(FREERTOS)] {
        let mut stack = hardware_frame(0xFFFF_FFF9, SYSTICK, 0x0100_000F).to_vec();
        stack.extend(hardware_frame(IN_SENSOR, IN_DELAY, 0x0100_0000));
        stack.extend([0; 8]);
        let made = made(
            HARD_FAULT,
            Some(0xFFFF_FFF1),
            &stack,
            &[(Reg::XPSR, 0x0100_0003)],
        );
        let walk = walk_made(&file, &made, None);
        assert_eq!(
            summary(&walk)[..3],
            [
                (u64::from(HARD_FAULT), FrameTrust::Context, None),
                (
                    u64::from(SYSTICK),
                    FrameTrust::ExceptionFrame,
                    Some("HardFault")
                ),
                (0x10CC, FrameTrust::ExceptionFrame, Some("SysTick")),
            ]
        );
    }
}

#[test]
fn a_secure_context_below_the_frame_gives_back_r4_to_r11() {
    let file = symbol_file(FREERTOS);
    let mut stack = vec![0xFEFA_125B, 0];
    stack.extend(0x40..0x48);
    stack.extend(hardware_frame(IN_SENSOR, IN_DELAY, 0x0100_0000));
    stack.extend([0; 8]);
    let made = made(SYSTICK, Some(0xFFFF_FFF9), &stack, &[(Reg::r(4), 0xBAD)]);
    let walk = walk_made(&file, &made, None);
    assert_eq!(walk.frames[1].pc, 0x10CC);
    assert_eq!(walk.frames[1].registers.known(Reg::r(4)), Some(0x40));
    assert_eq!(walk.frames[1].interrupted.as_deref(), Some("SysTick"));
    assert_eq!(walk.frames[1].sp, Some(u64::from(BASE) + 0x48));
}

#[test]
fn a_deep_recursion_lists_its_first_and_last_frames_and_counts_the_others() {
    const FRAMES: usize = 1000;
    let file = symbol_file("qemu-bare/an386.elf");
    // `recurse`: push {lr}; sub sp, #76
    let stack: Vec<u32> = (0..FRAMES)
        .flat_map(|n| {
            let mut frame = [0; 20];
            frame[19] = if n + 1 == FRAMES { 0 } else { 0x26D };
            frame
        })
        .collect();
    let made = made(0x26C, None, &stack, &[]);
    let walk = walk_made(&file, &made, None);
    assert_eq!(walk.frames.len(), 256);
    assert_eq!(walk.stop, StopReason::EndOfStack);
    assert_eq!(walk.warnings[0].code, "FS-UNW-006");
    assert!(walk.warnings[0].message.starts_with("744 frames"));
}

/// Deterministic numbers for made-up stacks.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from(self.0 >> 32).unwrap()
    }

    /// A word of the kinds that stacks hold.
    fn word(&mut self) -> u32 {
        match self.next() % 8 {
            0 => self.next() % 0x2D74,
            1 => (self.next() % 0x2D74) | 1,
            2 => IN_SENSOR,
            3 => BASE + self.next() % 0x800 / 4 * 4,
            4 => [
                0xFFFF_FFF1,
                0xFFFF_FFF9,
                0xFFFF_FFFD,
                0xFFFF_FFE9,
                0xFFFF_FFED,
            ][(self.next() % 5) as usize],
            5 => 0x0100_0000 | (self.next() % 16),
            6 => 0xFEFA_125B,
            _ => self.next(),
        }
    }
}

#[test]
fn whatever_the_stack_holds_a_walk_ends() {
    let files = [symbol_file(FREERTOS), symbol_file_without_cfi(FREERTOS)];
    for seed in 1..=1000_u64 {
        let file = &files[(seed % 2) as usize];
        let mut noise = Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let words: Vec<u32> = (0..512).map(|_| noise.word()).collect();
        let more = [
            (Reg::PSP, noise.word()),
            (Reg::r(7), BASE + noise.next() % 256 / 4 * 4),
            (Reg::XPSR, 0x0100_0000 | (noise.next() % 32)),
        ];
        let (pc, lr) = (noise.word(), noise.word());
        let mut made = made(pc, Some(lr), &words, &more);
        if seed % 5 == 0 {
            made.registers.set_known(Reg::SP, noise.word());
        }
        let stack = (seed % 3 == 0).then(|| u64::from(BASE)..u64::from(BASE) + 2048);
        let walk = walk_made(file, &made, stack);
        assert!(walk.frames.len() <= 256, "seed {seed}");
        let sps: Vec<Option<u64>> = walk.frames.iter().map(|f: &PhysicalFrame| f.sp).collect();
        assert!(
            walk.frames
                .windows(2)
                .all(|pair| (pair[0].pc, pair[0].sp) != (pair[1].pc, pair[1].sp)),
            "seed {seed} {sps:?}"
        );
    }
}

#[test]
fn whatever_memory_holds_the_task_lists_end() {
    let file = symbol_file(FREERTOS);
    let Core { memory, .. } = core("qemu-freertos/an386-1.core");
    let region = memory.regions()[0].clone();
    for seed in 1..=50_u64 {
        let mut noise = Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut bytes = region.bytes.clone();
        for _ in 0..400 {
            // the kernel's variables and the heap with the control blocks
            let at = 0x2000 + noise.next() as usize % 0x2400;
            bytes[at] ^= 1 << (noise.next() % 8);
        }
        let mut damaged = MemoryMap::default();
        let cut = if seed % 4 == 0 {
            noise.next() as usize % bytes.len()
        } else {
            bytes.len()
        };
        damaged.insert(region.start, &bytes[..cut]);
        let found = rtos::threads(&set(&file), &damaged).unwrap();
        assert!(found.threads.len() < 2048, "seed {seed}");
    }
}

#[test]
fn a_stripped_elf_says_which_structure_is_missing_and_another_firmware_has_no_tasks() {
    let file = symbol_file_hiding(FREERTOS, b".debug_info\0");
    let found = rtos::threads(&set(&file), &MemoryMap::default()).unwrap();
    assert!(found.threads.is_empty());
    assert_eq!(found.warnings[0].code, "FS-RTOS-001");
    assert!(
        found.warnings[0].message.contains("`xLIST.xListEnd`"),
        "{:?}",
        found.warnings
    );
    let file = symbol_file("qemu-bare/an386.elf");
    assert!(rtos::threads(&set(&file), &MemoryMap::default()).is_none());
}

#[test]
fn code_without_symbols_is_no_code() {
    let symbols = SymbolSet::default();
    let memory = MemoryMap::default();
    let code = Code {
        symbols: &symbols,
        memory: &memory,
        abi: abi::of(Arch::ArmV7M),
    };
    assert!(code.return_address(0x0800_0101).is_none() && !code.is_entry(0x100));
    let made = made(0x0800_0100, Some(0x0800_0201), &[0; 8], &[]);
    let walk = walk_from(
        &made.registers,
        &symbols,
        &made.memory,
        None,
        Start::Context,
    );
    assert_eq!(walk.frames[0].pc, 0x0800_0100);
}
