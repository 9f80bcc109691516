//! A coredump of the SDK, and an event that tells of a crash, as a capture of a stopped target.

use crate::model::arch::Arch;
use crate::model::coredump::{AssertText, CapturedThread, Coredump};
use crate::model::device_message::{DeviceEvent, DeviceMessage, EventKind, Reason, SentCoredump};
use crate::model::register_file::RegisterFile;
use crate::model::registers::{Reg, RegValue, RegisterSet};
use crate::model::warning::Warning;

const CORTEX_M: u64 = 1;
const RISCV32: u64 = 2;

/// Registers of a Cortex-M in the order in which they are sent; fault status follows.
const CORTEX_M_REGISTERS: [Reg; 20] = [
    Reg(0),
    Reg(1),
    Reg(2),
    Reg(3),
    Reg(4),
    Reg(5),
    Reg(6),
    Reg(7),
    Reg(8),
    Reg(9),
    Reg(10),
    Reg(11),
    Reg(12),
    Reg::SP,
    Reg::LR,
    Reg::PC,
    Reg::XPSR,
    Reg::MSP,
    Reg::PSP,
    Reg::EXC_RETURN,
];
const CORTEX_M_FAULT: [&str; 6] = ["cfsr", "hfsr", "dfsr", "mmfar", "bfar", "afsr"];
/// pc, then x1 to x31, then these.
const RISCV_FAULT: [&str; 3] = ["mcause", "mtval", "mstatus"];
const N_RISCV_REGISTERS: u16 = 32;
/// What [`Reason`] calls a failed assertion.
const ASSERT: Reason = Reason(8);
/// The id of the format of a crash that only an event tells of.
const FORMAT_OF_EVENT: &str = "sdk-event";

/// The capture that a message holds, if it holds one. `format` is the id of the format that it came in.
pub(super) fn captured(
    message: &DeviceMessage,
    sent: &SentCoredump,
    format: &'static str,
) -> Coredump {
    let mut dump = new(message, format, sent.reason);
    let mut registers = RegisterSet::default();
    match sent.architecture {
        Some(CORTEX_M) => {
            dump.arch = Arch::Arm;
            let fault = sent.registers.iter().skip(CORTEX_M_REGISTERS.len());
            set(
                &mut registers,
                CORTEX_M_REGISTERS.into_iter().zip(&sent.registers),
            );
            set_fault(&mut dump, CORTEX_M_FAULT.into_iter().zip(fault));
        }
        Some(RISCV32) => {
            dump.arch = Arch::Riscv32;
            registers = RegisterSet::new(RegisterFile::Riscv);
            let general = (1..N_RISCV_REGISTERS).map(Reg);
            set(
                &mut registers,
                std::iter::once(Reg::RISCV_PC)
                    .chain(general)
                    .zip(&sent.registers),
            );
            let fault = sent.registers.iter().skip(usize::from(N_RISCV_REGISTERS));
            set_fault(&mut dump, RISCV_FAULT.into_iter().zip(fault));
            // The program counter of a trap is `mepc`.
            set_fault(&mut dump, std::iter::once("mepc").zip(&sent.registers));
        }
        other => {
            dump.arch = Arch::Other;
            let number = other.map_or_else(|| "not named".to_owned(), |n| format!("number {n}"));
            dump.warnings.push(Warning::at(
                "FS-SDK-010",
                message.place.start,
                format!("the processor of this coredump is {number}, which this version of Fieldscope does not know: its memory is kept, its registers are not read"),
            ));
        }
    }
    if registers.iter().next().is_some() {
        dump.threads.push(CapturedThread {
            registers,
            ..CapturedThread::default()
        });
    }
    for (address, bytes) in &sent.memory {
        dump.memory.insert(*address, bytes);
    }
    if let Some(n_bytes) = sent.n_left_out.filter(|n| *n > 0) {
        dump.warnings.push(Warning::at(
            "FS-SDK-011",
            message.place.start,
            format!("the device left out {n_bytes} bytes of memory, because its coredump is bounded; what lay in them counts as not captured"),
        ));
    }
    if !sent.is_whole {
        dump.warnings.push(Warning::at(
            "FS-SDK-012",
            message.place.start,
            "this coredump did not arrive whole: lines were lost or the device restarted; what is missing counts as not captured",
        ));
    }
    dump
}

/// The crash that an event tells of.
pub(super) fn told(message: &DeviceMessage, event: &DeviceEvent) -> Option<Coredump> {
    if !matches!(event.kind, EventKind::Crash | EventKind::Assert) {
        return None;
    }
    let mut dump = new(message, FORMAT_OF_EVENT, event.reason);
    let mut registers = RegisterSet::default();
    let code = |address: u64| address & !1;
    set(
        &mut registers,
        [(Reg::PC, &event.pc.map(code)), (Reg::LR, &event.lr)].into_iter(),
    );
    if event.kind == EventKind::Assert {
        dump.assert.get_or_insert(NO_TEXT);
        dump.reason.get_or_insert_with(|| ASSERT.words());
    }
    dump.threads.push(CapturedThread {
        registers,
        ..CapturedThread::default()
    });
    Some(dump)
}

const NO_TEXT: AssertText = AssertText {
    message: None,
    file: None,
    line: None,
};

fn new(message: &DeviceMessage, format: &'static str, reason: Option<Reason>) -> Coredump {
    let mut dump = Coredump::new(format, Arch::Arm);
    dump.source = message.place.clone();
    dump.build_id.clone_from(&message.sender.build_id);
    dump.sender = Some(Box::new(message.sender.clone()));
    dump.reason = reason.map(Reason::words);
    dump.assert = (reason == Some(ASSERT)).then_some(NO_TEXT);
    dump
}

fn set<'a>(registers: &mut RegisterSet, values: impl Iterator<Item = (Reg, &'a Option<u64>)>) {
    for (reg, value) in values {
        if let Some(value) = value {
            registers.set(reg, RegValue::Known(*value));
        }
    }
}

fn set_fault<'a>(
    dump: &mut Coredump,
    values: impl Iterator<Item = (&'static str, &'a Option<u64>)>,
) {
    for (name, value) in values {
        if let Some(value) = value.and_then(|value| u32::try_from(value).ok()) {
            dump.fault.values.insert(name, value);
        }
    }
}
