//! A Cortex-M behind the memory access port of its debug port (ARM Debug Interface v5, chapter 8; ARMv7-M ARM, C1.6).

use super::chip::{self, CPUID, Wanted};
use super::words::{broken, not_attached};
use crate::live::LinkError;
use crate::live::target::{ASKED, Act, Cost, Read, RunState, Snapshot, Target};
use crate::model::registers::{Reg, RegisterSet};
use probe_rs::architecture::arm::dp::DpAddress;
use probe_rs::architecture::arm::{ArmDebugInterface, ArmError, FullyQualifiedApAddress};
use std::time::{Duration, Instant};

/// Debug halting control and status register, and what its bits say (C1.6.2).
const DHCSR: u64 = 0xE000_EDF0;
const S_REGRDY: u32 = 1 << 16;
const S_HALT: u32 = 1 << 17;
const S_LOCKUP: u32 = 1 << 19;
/// What a write to it begins with, and its bits.
const DBGKEY: u32 = 0xA05F_0000;
const C_DEBUGEN: u32 = 1;
const C_HALT: u32 = 1 << 1;
const C_STEP: u32 = 1 << 2;
const C_MASKINTS: u32 = 1 << 3;
/// Debug core register selector and data registers (C1.6.3, C1.6.4).
const DCRSR: u64 = 0xE000_EDF4;
const DCRDR: u64 = 0xE000_EDF8;
/// Debug fault status register (B3.2.18): why the core halted.
const DFSR: u64 = 0xE000_ED30;
const REASONS: [(u32, &str); 5] = [
    (1 << 1, "a breakpoint"),
    (1 << 2, "a watchpoint"),
    (1 << 3, "a vector catch"),
    (1 << 4, "an external request"),
    (1, ASKED),
];
/// Application interrupt and reset control register: a reset of the system (B3.2.6).
const AIRCR: u64 = 0xE000_ED0C;
const SYSRESETREQ: u32 = 0x05FA_0004;
/// Media and floating-point feature register 0: 0 without an FPU.
const MVFR0: u64 = 0xE000_EF40;
/// Registers by their selectors (C1.6.3).
const CORE_REGISTERS: [(u32, Reg); 19] = [
    (0, Reg(0)),
    (1, Reg(1)),
    (2, Reg(2)),
    (3, Reg(3)),
    (4, Reg(4)),
    (5, Reg(5)),
    (6, Reg(6)),
    (7, Reg(7)),
    (8, Reg(8)),
    (9, Reg(9)),
    (10, Reg(10)),
    (11, Reg(11)),
    (12, Reg(12)),
    (13, Reg::SP),
    (14, Reg::LR),
    (15, Reg::PC),
    (16, Reg::XPSR),
    (17, Reg::MSP),
    (18, Reg::PSP),
];
/// CONTROL, FAULTMASK, BASEPRI and PRIMASK, a byte each from the highest.
const SPECIAL: u32 = 20;
const FPSCR: u32 = 33;
const FIRST_FLOAT: u32 = 64;
/// A register is there, or a halt is done, within this time.
const PATIENCE: Duration = Duration::from_millis(100);

pub(super) struct CortexM {
    name: String,
    interface: Box<dyn ArmDebugInterface>,
    port: FullyQualifiedApAddress,
    cpuid: u32,
    /// It stands because it was asked to: what DFSR says is of an earlier stop.
    is_asked: bool,
    cost: Cost,
}

impl CortexM {
    /// The first access port behind which a Cortex-M answers.
    pub(super) fn find(
        name: String,
        mut interface: Box<dyn ArmDebugInterface>,
        wanted: Option<&Wanted>,
    ) -> Result<Self, LinkError> {
        let ports = interface.access_ports(DpAddress::Default);
        let ports = ports.map_err(|error| not_attached(&name, &error))?;
        let n_ports = ports.len();
        for port in ports {
            let cpuid = interface
                .memory_interface(&port)
                .and_then(|mut memory| memory.read_word_32(CPUID));
            let Ok(cpuid) = cpuid else {
                continue;
            };
            if !chip::is_core(cpuid) {
                continue;
            }
            if let Some(why) = wanted.and_then(|wanted| chip::mismatch(cpuid, wanted)) {
                return Err(LinkError::NotOffered {
                    what: name,
                    service: why,
                });
            }
            return Ok(Self {
                name,
                interface,
                port,
                cpuid,
                is_asked: false,
                cost: Cost::default(),
            });
        }
        let service = if n_ports == 0 {
            "the chip answers and lets nothing be read: it is locked against debugging, or in a deep sleep. Unlock it with its maker's tool, \
             which erases it, or wake it up"
        } else {
            "no Cortex-M answers behind the chip's access ports: it is locked against debugging, asleep, or another kind of core"
        };
        Err(LinkError::NotOffered {
            what: name,
            service: service.to_owned(),
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Does something with the memory, and counts the time.
    fn with_memory<T>(
        &mut self,
        work: impl FnOnce(
            &mut dyn probe_rs::architecture::arm::memory::ArmMemoryInterface,
        ) -> Result<T, ArmError>,
    ) -> Result<Option<T>, LinkError> {
        let begun = Instant::now();
        let done = self
            .interface
            .memory_interface(&self.port)
            .and_then(|mut memory| work(&mut *memory));
        self.cost.busy += begun.elapsed();
        match done {
            Ok(value) => Ok(Some(value)),
            Err(error) => broken(&self.name, &error).map_or(Ok(None), Err),
        }
    }

    fn word(&mut self, addr: u64) -> Result<Option<u32>, LinkError> {
        self.with_memory(|memory| memory.read_word_32(addr))
    }

    fn set_word(&mut self, addr: u64, value: u32) -> Result<(), LinkError> {
        let written = self.with_memory(|memory| memory.write_word_32(addr, value))?;
        written.ok_or_else(|| LinkError::NotOffered {
            what: self.name.clone(),
            service: format!("the chip does not let {addr:#010x} be written"),
        })
    }

    /// Waits for bits of DHCSR.
    fn wait_for(&mut self, bits: u32, are_set: bool) -> Result<bool, LinkError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let status = self.word(DHCSR)?.unwrap_or(0);
            if (status & bits != 0) == are_set {
                return Ok(true);
            }
            if Instant::now() >= until {
                return Ok(false);
            }
        }
    }

    fn register(&mut self, selector: u32) -> Result<Option<u32>, LinkError> {
        self.set_word(DCRSR, selector)?;
        if !self.wait_for(S_REGRDY, true)? {
            return Ok(None);
        }
        self.word(DCRDR)
    }

    /// The registers of a core that stands.
    fn registers(&mut self) -> Result<RegisterSet, LinkError> {
        let mut set = RegisterSet::default();
        for (selector, reg) in CORE_REGISTERS {
            if let Some(value) = self.register(selector)? {
                set.set_known(reg, value);
            }
        }
        if let Some(special) = self.register(SPECIAL)? {
            let [primask, basepri, faultmask, control] = special.to_le_bytes();
            for (reg, value) in [
                (Reg::PRIMASK, primask),
                (Reg::BASEPRI, basepri),
                (Reg::FAULTMASK, faultmask),
                (Reg::CONTROL, control),
            ] {
                set.set_known(reg, value);
            }
        }
        if self.word(MVFR0)?.is_some_and(|features| features != 0) {
            for (selector, n) in (FIRST_FLOAT..).zip(0..32) {
                if let Some(value) = self.register(selector)? {
                    set.set_known(Reg::s(n), value);
                }
            }
            if let Some(value) = self.register(FPSCR)? {
                set.set_known(Reg::FPSCR, value);
            }
        }
        Ok(set)
    }
}

impl Target for CortexM {
    fn describe(&self) -> String {
        chip::name(self.cpuid)
    }

    fn halts_to_read(&self) -> bool {
        false
    }

    fn state(&mut self) -> Result<RunState, LinkError> {
        let Some(status) = self.word(DHCSR)? else {
            return Ok(RunState::Running);
        };
        if status & S_LOCKUP != 0 {
            return Ok(RunState::Halted {
                why: "a lockup: it faulted inside of the handler of a fault".to_owned(),
            });
        }
        if status & S_HALT == 0 {
            return Ok(RunState::Running);
        }
        if self.is_asked {
            return Ok(RunState::Halted {
                why: ASKED.to_owned(),
            });
        }
        let reasons = self.word(DFSR)?.unwrap_or(0);
        let reason = REASONS.iter().find(|(bit, _)| reasons & bit != 0);
        Ok(RunState::Halted {
            why: reason
                .map_or("an unknown reason", |(_, why)| why)
                .to_owned(),
        })
    }

    fn snapshot(
        &mut self,
        mut reads: Vec<Read>,
        with_registers: bool,
    ) -> Result<Snapshot, LinkError> {
        for read in &mut reads {
            let mut bytes = vec![0; read.n_bytes];
            let addr = read.addr;
            let was_read = self.with_memory(|memory| memory.read(addr, &mut bytes))?;
            self.cost.n_reads += 1;
            if was_read.is_some() {
                self.cost.n_bytes += bytes.len() as u64;
                read.bytes = Some(bytes);
            }
        }
        let mut registers = None;
        // DCRSR has no meaning while the core runs.
        if with_registers && self.word(DHCSR)?.is_some_and(|status| status & S_HALT != 0) {
            registers = Some(self.registers()?);
        }
        Ok(Snapshot { registers, reads })
    }

    fn act(&mut self, act: &Act) -> Result<(), LinkError> {
        let enabled = DBGKEY | C_DEBUGEN;
        match act {
            Act::Halt | Act::Step => self.is_asked = true,
            Act::Run | Act::Reset => self.is_asked = false,
            Act::Write { .. } => {}
        }
        match act {
            Act::Halt => {
                self.set_word(DHCSR, enabled | C_HALT)?;
                self.cost.n_halts += 1;
                if !self.wait_for(S_HALT, true)? {
                    return Err(LinkError::NotOffered {
                        what: self.name.clone(),
                        service: "the core does not halt: it is asleep or in reset".to_owned(),
                    });
                }
                Ok(())
            }
            Act::Run => self.set_word(DHCSR, enabled),
            Act::Step => {
                // Interrupts may be masked only while the core stands (C1.6.2).
                self.set_word(DHCSR, enabled | C_HALT | C_MASKINTS)?;
                self.set_word(DHCSR, enabled | C_STEP | C_MASKINTS)?;
                self.wait_for(S_HALT, true)?;
                Ok(())
            }
            Act::Reset => self.set_word(AIRCR, SYSRESETREQ),
            Act::Write { addr, bytes } => {
                let written = self.with_memory(|memory| memory.write(*addr, bytes))?;
                written.ok_or_else(|| LinkError::NotOffered {
                    what: self.name.clone(),
                    service: format!("the chip does not let {addr:#010x} be written"),
                })
            }
        }
    }

    fn cost(&self) -> Cost {
        self.cost
    }
}
