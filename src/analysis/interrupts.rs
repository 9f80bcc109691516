//! The interrupt controller at the crash, from registers that the capture holds as memory.

use crate::arch::cortex_m::{FIRST_IRQ, XPSR_EXCEPTION, exception_name};
use crate::arch::nvic;
use crate::model::coredump::FaultRegisters;
use crate::model::memory::Memory;
use crate::model::registers::{Reg, RegisterSet};
use crate::model::target_state::{InterruptLine, InterruptView};
use std::collections::BTreeSet;

/// Where the state is read from.
pub struct InterruptSource<'a> {
    /// Captured memory over the constants of the ELF.
    pub memory: &'a dyn Memory,
    /// ICSR and SHCSR, wherever they were captured.
    pub fault: &'a FaultRegisters,
    /// The registers at the fault: masks, and the exception that was being handled.
    pub registers: &'a RegisterSet,
    /// The vector table of the ELF, for a capture without VTOR.
    pub vector_table: Option<u64>,
    /// The symbol at an address, with an offset.
    pub describe: &'a dyn Fn(u64) -> Option<String>,
    /// The address of a symbol.
    pub address_of: &'a dyn Fn(&str) -> Option<u64>,
}

/// Words of each NVIC register, as many as there can be.
const WORDS: u32 = nvic::MAX_IRQS.div_ceil(32);

/// What was active, pending and enabled; `None` when the capture holds none of the controller's registers.
pub fn interrupt_view(source: &InterruptSource<'_>) -> Option<InterruptView> {
    let enabled = interrupts(source.memory, nvic::ENABLED);
    let pending = interrupts(source.memory, nvic::PENDING);
    let active = interrupts(source.memory, nvic::ACTIVE);
    let icsr = source.fault.get("icsr");
    let shcsr = source.fault.get("shcsr");
    if enabled.is_none() && pending.is_none() && active.is_none() && icsr.is_none() {
        return None;
    }
    let (icsr, shcsr) = (icsr.unwrap_or(0), shcsr.unwrap_or(0));
    let mut being_handled: BTreeSet<u32> = active.into_iter().flatten().collect();
    being_handled.extend(nvic::active_in_shcsr(shcsr));
    being_handled.insert(nvic::running_in_icsr(icsr));
    being_handled.extend(exception_at_fault(source.registers));
    being_handled.remove(&0);
    let mut waiting: BTreeSet<u32> = pending.into_iter().flatten().collect();
    waiting.extend(nvic::pending_in(shcsr, icsr));
    let lines = |numbers: BTreeSet<u32>| {
        let mut lines: Vec<InterruptLine> = numbers.into_iter().map(|n| line(source, n)).collect();
        lines.sort_by_key(|line| (nvic::urgency(line.number, line.priority), line.number));
        lines
    };
    Some(InterruptView {
        active: lines(being_handled),
        pending: lines(waiting),
        enabled: lines(enabled.into_iter().flatten().collect()),
        masked: masked(source.registers),
    })
}

/// The exception that the code at the fault was serving.
fn exception_at_fault(registers: &RegisterSet) -> Option<u32> {
    let xpsr = u32::try_from(registers.known(Reg::XPSR)?).ok()?;
    Some(xpsr & XPSR_EXCEPTION)
}

/// `IRQ 9 (pump_isr, priority 0x40)`.
pub fn line_text(line: &InterruptLine) -> String {
    let details: Vec<String> = [
        line.handler.as_ref().map(|name| format!("`{name}`")),
        line.priority
            .map(|priority| format!("priority 0x{priority:02X}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if details.is_empty() {
        line.name.clone()
    } else {
        format!("{} ({})", line.name, details.join(", "))
    }
}

/// The exception numbers of the bits that are set from `address` on; `None` when not even the first word was captured.
fn interrupts(memory: &dyn Memory, address: u64) -> Option<Vec<u32>> {
    memory.read_u32(address).ok()?;
    let found = (0..WORDS)
        .map_while(|index| {
            let word = memory.read_u32(address + 4 * u64::from(index)).ok()?;
            Some(nvic::interrupts_in_word(index, word))
        })
        .flatten()
        .collect();
    Some(found)
}

fn line(source: &InterruptSource<'_>, number: u32) -> InterruptLine {
    InterruptLine {
        number,
        name: exception_name(number),
        handler: handler(source, number),
        priority: nvic::priority_address(number)
            .and_then(|addr| source.memory.read_u8(addr).ok())
            .map(u32::from),
    }
}

/// The function whose address stands in the vector table.
fn handler(source: &InterruptSource<'_>, number: u32) -> Option<String> {
    let table = source
        .memory
        .read_u32(nvic::VTOR)
        .ok()
        .map(u64::from)
        .or(source.vector_table)?;
    let entry = source
        .memory
        .read_u32(table.checked_add(4 * u64::from(number))?)
        .ok()?;
    let entry = u64::from(entry & !1);
    // One handler often serves several exceptions under the name of each.
    let own = format!("{}_Handler", exception_name(number));
    if (source.address_of)(&own).is_some_and(|addr| addr & !1 == entry) {
        return Some(own);
    }
    let name = (source.describe)(entry)?;
    (number < FIRST_IRQ + nvic::MAX_IRQS && !name.contains('+')).then_some(name)
}

/// What holds interrupts back (`ARMv7-M` ARM B1.4.3).
fn masked(registers: &RegisterSet) -> Option<String> {
    let is_set = |reg| registers.known(reg).is_some_and(|value| value & 1 != 0);
    let base = registers
        .known(Reg::BASEPRI)
        .map(|value| value & 0xFF)
        .filter(|value| *value != 0);
    let words: Vec<String> = [
        is_set(Reg::FAULTMASK).then(|| "FAULTMASK is set: only NMI can run".to_owned()),
        is_set(Reg::PRIMASK).then(|| "PRIMASK is set: no interrupt can run".to_owned()),
        base.map(|value| {
            format!("BASEPRI 0x{value:02X}: interrupts of this priority number and above wait")
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!words.is_empty()).then(|| words.join("; "))
}

#[cfg(test)]
mod tests {
    use super::{InterruptSource, interrupt_view, line_text};
    use crate::model::coredump::FaultRegisters;
    use crate::model::memory::MemoryMap;
    use crate::model::registers::{Reg, RegisterSet};
    use crate::model::target_state::InterruptView;

    fn view(
        memory: &MemoryMap,
        fault: &FaultRegisters,
        registers: &RegisterSet,
    ) -> Option<InterruptView> {
        interrupt_view(&InterruptSource {
            memory,
            fault,
            registers,
            vector_table: Some(0),
            address_of: &|_| None,
            describe: &|addr| {
                (addr == 0x500)
                    .then(|| "pump_isr".to_owned())
                    .or((addr == 0x602).then(|| "uart_isr+2".to_owned()))
            },
        })
    }

    #[test]
    fn active_pending_and_enabled_lines_have_names_handlers_and_priorities() {
        let mut memory = MemoryMap::default();
        memory.insert(0xE000_E100, &[0, 0x12, 0, 0]);
        memory.insert(0xE000_E200, &[0, 0x10, 0, 0]);
        memory.insert(0xE000_E300, &[0, 0x02, 0, 0]);
        memory.insert(0xE000_E400, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0xA0]);
        let mut vectors = [0_u8; 120];
        vectors[4 * 25..4 * 26].copy_from_slice(&0x501_u32.to_le_bytes());
        vectors[4 * 28..4 * 29].copy_from_slice(&0x603_u32.to_le_bytes());
        memory.insert(0, &vectors);
        let mut fault = FaultRegisters::default();
        fault.values.insert("icsr", 0x0400_0003);
        let mut registers = RegisterSet::default();
        registers.set_known(Reg::XPSR, 0x0100_0019_u32);
        registers.set_known(Reg::BASEPRI, 0x80_u32);
        let view = view(&memory, &fault, &registers).unwrap();
        let text = |lines: &[_]| lines.iter().map(line_text).collect::<Vec<_>>().join("; ");
        assert_eq!(
            text(&view.active),
            "HardFault; IRQ 9 (`pump_isr`, priority 0x40)"
        );
        assert_eq!(text(&view.pending), "IRQ 12 (priority 0xA0); SysTick");
        assert_eq!(
            text(&view.enabled),
            "IRQ 9 (`pump_isr`, priority 0x40); IRQ 12 (priority 0xA0)"
        );
        assert_eq!(
            view.masked.as_deref(),
            Some("BASEPRI 0x80: interrupts of this priority number and above wait")
        );
    }

    #[test]
    fn a_capture_without_the_controllers_registers_has_no_view() {
        let registers = RegisterSet::default();
        assert_eq!(
            view(
                &MemoryMap::default(),
                &FaultRegisters::default(),
                &registers
            ),
            None
        );
    }
}
