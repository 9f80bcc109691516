//! The ELF core that an ESP-IDF dump holds from version 1.0 on, and that Espressif's tools write to files.
//!
//! A `PT_NOTE` with one `NT_PRSTATUS` a task (its id is the address of the task's control block), `PT_LOAD`s with the control
//! block and the stack of each task and what else was captured, a `PT_NOTE` with ESP-IDF's own notes (see `notes`).

use super::image::Image;
use super::notes::Notes;
use super::{FAKE, MOST_SEGMENTS, MOST_TASKS, NO_TASK, frames, tcb};
use crate::formats::esp_panic::failed_assertion;
use crate::model::{
    arch::Arch,
    coredump::{CapturedThread, Coredump},
    register_file::RegisterFile,
    registers::RegisterSet,
    warning::Warning,
};
use std::ops::Range;

const EM_XTENSA: u16 = 94;
const EM_RISCV: u16 = 243;
const PT_LOAD: u32 = 1;
const PT_NOTE: u32 = 4;
const NT_PRSTATUS: u32 = 1;
/// Most notes of a dump.
const MOST_NOTES: usize = 8192;

/// True for a core file that an ESP wrote: of Xtensa, or with ESP-IDF's notes.
pub(in crate::formats) fn is_esp_core(bytes: &[u8]) -> bool {
    let is_little_32 = bytes.get(4..6) == Some(&[1, 1]);
    let machine = bytes.get(18..20);
    is_little_32
        && (machine == Some(&EM_XTENSA.to_le_bytes())
            || (machine == Some(&EM_RISCV.to_le_bytes())
                && memchr::memmem::find(bytes, b"ESP_CORE_DUMP_INFO").is_some()))
}

/// Reads a core file that [`is_esp_core`].
pub(in crate::formats) fn read_core_file(bytes: &[u8], format: &'static str) -> Coredump {
    let is_xtensa = bytes.get(18..20) == Some(&EM_XTENSA.to_le_bytes());
    let arch = if is_xtensa {
        Arch::Xtensa
    } else {
        Arch::Riscv32
    };
    let mut dump = Coredump::new(format, arch);
    dump.source = 0..u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    read(&Image::new(bytes, 0), 0..bytes.len(), &mut dump);
    dump
}

struct Segment {
    kind: u32,
    file: Range<usize>,
    addr: u32,
}

/// Reads the core that lies at `core` in the image.
pub(super) fn read(image: &Image<'_>, core: Range<usize>, dump: &mut Coredump) {
    let file = match image.u16(core.start.saturating_add(18)) {
        Some(EM_XTENSA) => RegisterFile::Xtensa,
        Some(EM_RISCV) => RegisterFile::Riscv,
        _ => dump.arch.register_file(),
    };
    dump.arch = match file {
        RegisterFile::Xtensa => Arch::Xtensa,
        RegisterFile::Riscv => Arch::Riscv32,
        RegisterFile::Arm => dump.arch,
    };
    let mut notes = Notes::default();
    let mut n_read: usize = 0;
    for segment in segments(image, &core, dump) {
        let wanted = segment.file.len();
        let there = segment.file.start..segment.file.end.min(core.end);
        n_read = n_read.saturating_add(there.len());
        if n_read > core.len() {
            dump.warnings.push(Warning::at(
                "FS-ESP-005",
                image.place(segment.file.start),
                "the segments of this dump overlap; the ones from here on were left out",
            ));
            break;
        }
        if segment.kind == PT_NOTE {
            read_notes(image, there, file, dump, &mut notes);
            continue;
        }
        let n_captured = if there.is_empty() || FAKE.contains(&segment.addr) {
            there.len()
        } else {
            image.capture(there, segment.addr.into(), &mut dump.memory)
        };
        if n_captured < wanted && image.is_whole() {
            dump.warnings.push(Warning::at(
                "FS-ESP-004",
                image.place(segment.file.start),
                format!(
                    "the dump is cut off: {n_captured} of {wanted} bytes of memory at 0x{:08x} are there",
                    segment.addr
                ),
            ));
        }
    }
    apply(notes, dump);
    finish_threads(dump);
}

fn segments(image: &Image<'_>, core: &Range<usize>, dump: &mut Coredump) -> Vec<Segment> {
    let at = |offset: usize| core.start.saturating_add(offset);
    let table = image.u32(at(28)).and_then(|o| usize::try_from(o).ok());
    let count = image.u16(at(44)).map(u32::from);
    let (Some(table), Some(count)) = (table, count) else {
        dump.warnings.push(Warning::at(
            "FS-ESP-004",
            image.place(core.start),
            "the head of the dump's ELF core is missing or damaged; nothing of it could be read",
        ));
        return Vec::new();
    };
    let entry_len = image.u16(at(42)).map_or(32, usize::from).max(32);
    let mut found = Vec::new();
    for n in 0..count.min(MOST_SEGMENTS) {
        let entry = usize::try_from(n)
            .unwrap_or(usize::MAX)
            .saturating_mul(entry_len)
            .saturating_add(at(table));
        let word = |n: usize| image.u32(entry.saturating_add(n.saturating_mul(4)));
        let (Some(kind), Some(offset), Some(addr), Some(len)) =
            (word(0), word(1), word(2), word(4))
        else {
            dump.warnings.push(Warning::at(
                "FS-ESP-004",
                image.place(entry),
                format!("the head of segment {n} of {count} is missing or damaged; what it holds is lost"),
            ));
            if entry >= core.end {
                break;
            }
            continue;
        };
        let start = usize::try_from(offset).map_or(usize::MAX, at);
        let end = start.saturating_add(usize::try_from(len).unwrap_or(usize::MAX));
        if matches!(kind, PT_LOAD | PT_NOTE) && len > 0 {
            found.push(Segment {
                kind,
                file: start..end,
                addr,
            });
        }
    }
    found
}

fn read_notes(
    image: &Image<'_>,
    segment: Range<usize>,
    file: RegisterFile,
    dump: &mut Coredump,
    notes: &mut Notes,
) {
    let mut at = segment.start;
    for _ in 0..MOST_NOTES {
        let word = |n: usize| {
            image
                .u32(at.saturating_add(n.saturating_mul(4)))
                .and_then(|w| usize::try_from(w).ok())
        };
        let Some(body) = at.checked_add(12).filter(|body| *body <= segment.end) else {
            return;
        };
        let (Some(name_len), Some(desc_len), Some(kind)) = (word(0), word(1), word(2)) else {
            break;
        };
        let desc = name_len
            .checked_next_multiple_of(4)
            .and_then(|len| body.checked_add(len));
        let end = desc.and_then(|desc| desc.checked_add(desc_len));
        let (Some(desc), Some(end)) = (desc, end) else {
            break;
        };
        if end > segment.end {
            break;
        }
        let is_core = image
            .get(body..body.saturating_add(4))
            .is_some_and(|name| name == b"CORE");
        if is_core && u32::try_from(kind) == Ok(NT_PRSTATUS) {
            add_thread(image, desc, desc_len, file, dump);
        } else if let Ok(kind) = u32::try_from(kind) {
            notes.add(image, kind, desc..end);
        }
        let Some(next) = end.checked_next_multiple_of(4) else {
            return;
        };
        at = next;
        if at >= segment.end {
            return;
        }
    }
    dump.warnings.push(Warning::at(
        "FS-ESP-006",
        image.place(at),
        "a note of this dump is cut off or damaged; the notes from here on were left out",
    ));
}

fn add_thread(image: &Image<'_>, desc: usize, len: usize, file: RegisterFile, dump: &mut Coredump) {
    let most = usize::try_from(MOST_TASKS).unwrap_or(usize::MAX);
    if dump.threads.len() >= most {
        return;
    }
    match frames::from_note(image, desc, len, file) {
        Some((id, registers)) => dump.threads.push(CapturedThread {
            id: Some(id.into()),
            registers,
            ..CapturedThread::default()
        }),
        None => dump.warnings.push(Warning::at(
            "FS-ESP-006",
            image.place(desc),
            "the registers of a task are damaged or too short; the task was left out",
        )),
    }
}

fn apply(notes: Notes, dump: &mut Coredump) {
    dump.elf_sha256 = notes.app_sha256;
    match notes.crashed_task {
        Some(NO_TASK) => add_unstored_task(dump),
        Some(tcb) => {
            let wanted = Some(u64::from(tcb));
            match dump.threads.iter().position(|thread| thread.id == wanted) {
                Some(index) => {
                    let thread = dump.threads.remove(index);
                    dump.threads.insert(0, thread);
                }
                None if tcb != 0 && !dump.threads.is_empty() => add_unstored_task(dump),
                None => {}
            }
        }
        None => {}
    }
    if let (Some(cause), Some(thread)) = (notes.exccause, dump.threads.first_mut())
        && thread.registers.file() == RegisterFile::Xtensa
    {
        frames::set_cause(
            &mut thread.registers,
            cause,
            notes.excvaddr.unwrap_or_default(),
        );
    }
    dump.assert = notes.panic_details.as_deref().and_then(failed_assertion);
    dump.reason = notes.panic_details;
    if notes.in_interrupt {
        dump.warnings.push(Warning::new(
            "FS-ESP-009",
            "The crash happened in an interrupt: the frames of the crashed task are those of the interrupt handler.",
        ));
    }
    for tcb in notes.damaged_tasks {
        dump.warnings.push(Warning::new(
            "FS-ESP-008",
            format!(
                "The device found the control block or the stack of the task at 0x{tcb:08x} damaged and stored \
                 a placeholder: its frames say nothing."
            ),
        ));
    }
}

/// The task that crashed is not in the dump; the first one of the dump is another.
pub(super) fn add_unstored_task(dump: &mut Coredump) {
    dump.threads.insert(
        0,
        CapturedThread {
            registers: RegisterSet::new(dump.arch.register_file()),
            ..CapturedThread::default()
        },
    );
    dump.warnings.push(Warning::new(
        "FS-ESP-007",
        "The device did not store the task that crashed (it was too damaged): only the other tasks can be shown.",
    ));
}

/// Names, stacks, and what the stacks say of the registers.
pub(super) fn finish_threads(dump: &mut Coredump) {
    let Coredump {
        threads, memory, ..
    } = dump;
    for (index, thread) in threads.iter_mut().enumerate() {
        let Some(id) = thread.id else { continue };
        let saved = tcb::saved_sp(memory, id);
        if let (Some(saved), true) = (saved, index > 0)
            && frames::is_solicited(memory, saved, &thread.registers)
            && let Some(registers) = frames::from_stack(memory, saved, thread.registers.file())
        {
            thread.registers = registers;
        }
        let Some(sp) = thread.registers.sp() else {
            continue;
        };
        // The captured piece of the stack begins with the frame that the exception left.
        let piece = memory.regions().partition_point(|r| r.end() <= sp);
        let frame = memory.regions().get(piece).map(|r| r.start);
        if let Some(frame) = frame.filter(|frame| *frame <= sp && index == 0) {
            frames::add_riscv_cause(&mut thread.registers, memory, frame);
        }
        thread.name = tcb::name(memory, id);
        thread.stack = tcb::stack(memory, id, sp);
    }
    if dump.threads.is_empty() && !dump.memory.is_empty() {
        dump.warnings.push(Warning::new(
            "FS-ESP-006",
            "The dump holds no registers of any task; only its memory can be shown.",
        ));
    }
}
