//! A debug probe in software, behind the public traits of probe-rs: a serial wire debug port and one memory access port (ARM Debug
//! Interface v5), whose memory and core are those of a board that QEMU emulates. probe-rs itself runs unmodified in front of it.

use fieldscope::live::{Act, Link, Read, Settings, link_kind};
use fieldscope::model::registers::{Reg, RegisterSet};
use probe_rs::CoreStatus;
use probe_rs::architecture::arm::sequences::ArmDebugSequence;
use probe_rs::architecture::arm::{
    ArmCommunicationInterface, ArmDebugInterface, ArmError, DapError, DapProbe, RawDapAccess,
    RegisterAddress,
};
use probe_rs::probe::list::ProbeListItem;
use probe_rs::probe::{
    DebugProbe, DebugProbeError, DebugProbeInfo, DebugProbeSelector, ProbeCreationError,
    ProbeFactory, WireProtocol,
};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, Once};

/// What a probe answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answers {
    #[default]
    Right,
    /// The port is always busy.
    Wait,
    /// The port refuses: a transfer before this one went wrong.
    Fault,
    /// Nothing answers: no power, or a wire is off.
    Nothing,
    /// The probe itself is unplugged.
    Unplugged,
    /// The chip is locked: its port has no memory behind it.
    Locked,
}

/// What the test and the probe share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    pub(crate) answers: Answers,
    /// Words that were written through the memory access port.
    pub(crate) written: Vec<(u32, u32)>,
    /// Words that were read through it.
    pub(crate) n_read: u64,
    address: String,
}

static PROBES: Mutex<BTreeMap<String, Arc<Mutex<Shared>>>> = Mutex::new(BTreeMap::new());
static REGISTERED: Once = Once::new();

/// A probe on the board behind a GDB server, by its serial number.
pub(crate) fn plug_in(serial: &str, address: &str) -> Arc<Mutex<Shared>> {
    REGISTERED.call_once(|| {
        probe_rs::plugin::register_plugin(probe_rs::plugin::Plugin {
            probe_drivers: &[&Factory],
            ..Default::default()
        });
    });
    let shared = Arc::new(Mutex::new(Shared {
        address: address.to_owned(),
        ..Shared::default()
    }));
    let mut probes = PROBES.lock().unwrap();
    probes.insert(serial.to_owned(), Arc::clone(&shared));
    shared
}

#[derive(Debug)]
struct Factory;

impl fmt::Display for Factory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Software probe")
    }
}

impl ProbeFactory for Factory {
    fn open(&self, selector: &DebugProbeSelector) -> Result<Box<dyn DebugProbe>, DebugProbeError> {
        let missing = || DebugProbeError::ProbeCouldNotBeCreated(ProbeCreationError::NotFound);
        let serial = selector.serial_number.clone().ok_or_else(missing)?;
        let shared = PROBES.lock().unwrap().get(&serial).cloned();
        let shared = shared.ok_or_else(missing)?;
        let address = {
            let shared = shared.lock().unwrap();
            if shared.answers == Answers::Unplugged {
                return Err(missing());
            }
            shared.address.clone()
        };
        let settings = Settings::default().with("address", address);
        let board = link_kind("gdb").unwrap().open(&settings).unwrap();
        Ok(Box::new(SimProbe {
            shared,
            board,
            port: Port::default(),
            ahead: BTreeMap::new(),
            halted: None,
            dcrdr: 0,
            demcr: 0,
        }))
    }

    fn list_probes(&self) -> Vec<ProbeListItem> {
        let probes = PROBES.lock().unwrap();
        let there = probes
            .iter()
            .filter(|(_, shared)| shared.lock().unwrap().answers != Answers::Unplugged);
        there
            .map(|(serial, _)| {
                ProbeListItem::accessible(DebugProbeInfo::new(
                    "Software probe",
                    0xffff,
                    1,
                    Some(serial.clone()),
                    &Self,
                    None,
                    false,
                ))
            })
            .collect()
    }
}

/// Registers of the ports.
#[derive(Debug, Default)]
struct Port {
    select: u32,
    control: u32,
    csw: u32,
    tar: u32,
}

struct SimProbe {
    shared: Arc<Mutex<Shared>>,
    board: Box<dyn Link>,
    port: Port,
    /// Words that were read ahead of a block, all at one moment.
    ahead: BTreeMap<u32, u32>,
    /// The registers of the core while it stands.
    halted: Option<RegisterSet>,
    dcrdr: u32,
    demcr: u32,
}

impl fmt::Debug for SimProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimProbe")
    }
}

const DHCSR: u32 = 0xE000_EDF0;
const DCRSR: u32 = 0xE000_EDF4;
const DCRDR: u32 = 0xE000_EDF8;
const DEMCR: u32 = 0xE000_EDFC;
/// Bytes that one look at the board brings.
const AHEAD: u32 = 1024;

impl SimProbe {
    fn answers(&self) -> Result<(), ArmError> {
        match self.shared.lock().unwrap().answers {
            Answers::Right | Answers::Locked => Ok(()),
            Answers::Wait => Err(DapError::WaitResponse.into()),
            Answers::Fault => Err(DapError::FaultResponse.into()),
            Answers::Nothing => Err(DapError::NoAcknowledge.into()),
            Answers::Unplugged => {
                let gone = std::io::Error::from(std::io::ErrorKind::NotConnected);
                Err(DebugProbeError::Usb(gone).into())
            }
        }
    }

    fn read(&mut self, addr: u32) -> Result<u32, ArmError> {
        self.shared.lock().unwrap().n_read += 1;
        match addr {
            DHCSR => {
                let halted = u32::from(self.halted.is_some());
                return Ok(1 << 16 | halted << 17 | halted << 1);
            }
            DCRDR => return Ok(self.dcrdr),
            DEMCR => return Ok(self.demcr),
            _ => {}
        }
        if let Some(word) = self.ahead.get(&addr) {
            return Ok(*word);
        }
        // A block as long as the board has memory there, else the word alone.
        for n_bytes in [AHEAD, 64, 4] {
            let read = Read::new(addr.into(), n_bytes as usize);
            let target = self.board.target().unwrap();
            let snapshot = target.snapshot(vec![read], false).unwrap();
            if let Some(bytes) = &snapshot.reads[0].bytes {
                let words = bytes
                    .chunks_exact(4)
                    .map(|word| u32::from_le_bytes(word.try_into().unwrap()));
                self.ahead = (0..).map(|n| addr + 4 * n).zip(words).collect();
                return Ok(self.ahead[&addr]);
            }
        }
        Err(DapError::FaultResponse.into())
    }

    fn write(&mut self, addr: u32, bytes: &[u8]) {
        let mut word = [0; 4];
        word[..bytes.len()].copy_from_slice(bytes);
        let value = u32::from_le_bytes(word);
        self.shared.lock().unwrap().written.push((addr, value));
        self.ahead.clear();
        let target = self.board.target().unwrap();
        match addr {
            DHCSR => {
                if value & 2 != 0 {
                    target.act(&Act::Halt).unwrap();
                    self.halted = target.snapshot(Vec::new(), true).unwrap().registers;
                } else if value & 4 != 0 {
                    target.act(&Act::Step).unwrap();
                    self.halted = target.snapshot(Vec::new(), true).unwrap().registers;
                } else {
                    target.act(&Act::Run).unwrap();
                    self.halted = None;
                }
            }
            DCRSR => {
                let selector = value & 0x7f;
                let reg = match selector {
                    0..=15 => Reg(selector as u16),
                    16 => Reg::XPSR,
                    17 => Reg::MSP,
                    18 => Reg::PSP,
                    33 => Reg::FPSCR,
                    64..=95 => Reg::s((selector - 64) as u16),
                    _ => Reg::CONTROL,
                };
                let known = self
                    .halted
                    .as_ref()
                    .and_then(|registers| registers.known(reg));
                self.dcrdr = known.unwrap_or(0) as u32;
            }
            DCRDR => self.dcrdr = value,
            DEMCR => self.demcr = value,
            _ => {
                let act = Act::Write {
                    addr: addr.into(),
                    bytes: bytes.to_vec(),
                };
                target.act(&act).unwrap();
            }
        }
    }

    fn increment(&mut self) {
        if self.port.csw >> 4 & 3 == 1 {
            self.port.tar = self.port.tar.wrapping_add(1 << (self.port.csw & 7));
        }
    }
}

impl DapProbe for SimProbe {}

impl RawDapAccess for SimProbe {
    fn raw_read_register(&mut self, register: RegisterAddress) -> Result<u32, ArmError> {
        self.answers()?;
        if !register.is_ap() {
            return Ok(match (register.a2_and_3(), self.port.select & 0xf) {
                // DPIDR: a serial wire debug port of version 1, made by Arm.
                (0, _) => 0x2BA0_1477,
                // CTRL/STAT: what is to be powered up is.
                (4, 0) => self.port.control | (self.port.control & 0x5000_0000) << 1,
                _ => 0,
            });
        }
        if self.port.select >> 24 != 0 || self.shared.lock().unwrap().answers == Answers::Locked {
            return Ok(0);
        }
        let bank = self.port.select & 0xf0;
        match bank as u8 | register.a2_and_3() {
            0x00 => Ok(self.port.csw),
            0x04 => Ok(self.port.tar),
            0x0c => {
                let word = self.read(self.port.tar & !3)?;
                self.increment();
                Ok(word)
            }
            banked @ (0x10 | 0x14 | 0x18 | 0x1c) => {
                self.read((self.port.tar & !0xf) + u32::from(banked & 0xc))
            }
            0xf8 => Ok(0xE00F_F003),
            // IDR: a memory access port on an AHB.
            0xfc => Ok(0x2477_0011),
            _ => Ok(0),
        }
    }

    fn raw_write_register(
        &mut self,
        register: RegisterAddress,
        value: u32,
    ) -> Result<(), ArmError> {
        self.answers()?;
        if !register.is_ap() {
            match register.a2_and_3() {
                4 if self.port.select.trailing_zeros() >= 4 => {
                    self.port.control = value & 0x5000_0f00;
                }
                8 => self.port.select = value,
                _ => {}
            }
            return Ok(());
        }
        if self.port.select >> 24 != 0 {
            return Ok(());
        }
        match (self.port.select & 0xf0) as u8 | register.a2_and_3() {
            0x00 => self.port.csw = value & 0x3f | 0x4300_0040,
            0x04 => {
                // A new look: what was read ahead is of the look before.
                self.ahead.clear();
                self.port.tar = value;
            }
            0x0c => {
                let (addr, size) = (self.port.tar, 1_usize << (self.port.csw & 7));
                let lane = (addr & 3) as usize;
                let bytes = value.to_le_bytes();
                self.write(addr, &bytes[lane..lane + size]);
                self.increment();
            }
            banked @ (0x10 | 0x14 | 0x18 | 0x1c) => {
                let addr = (self.port.tar & !0xf) + u32::from(banked & 0xc);
                self.write(addr, &value.to_le_bytes());
            }
            _ => {}
        }
        Ok(())
    }

    fn jtag_sequence(&mut self, _: u8, _: bool, _: u64) -> Result<(), DebugProbeError> {
        Ok(())
    }

    fn swj_sequence(&mut self, _: u8, _: u64) -> Result<(), DebugProbeError> {
        Ok(())
    }

    fn swj_pins(&mut self, pins: u32, _: u32, _: u32) -> Result<u32, DebugProbeError> {
        Ok(pins)
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }

    fn core_status_notification(&mut self, _: CoreStatus) -> Result<(), DebugProbeError> {
        Ok(())
    }
}

impl DebugProbe for SimProbe {
    fn get_name(&self) -> &'static str {
        "Software probe"
    }

    fn speed_khz(&self) -> u32 {
        4000
    }

    fn set_speed(&mut self, speed: u32) -> Result<u32, DebugProbeError> {
        Ok(speed)
    }

    fn attach(&mut self) -> Result<(), DebugProbeError> {
        Ok(())
    }

    fn detach(&mut self) -> Result<(), probe_rs::Error> {
        Ok(())
    }

    fn target_reset(&mut self) -> Result<(), DebugProbeError> {
        panic!("the board was reset")
    }

    fn target_reset_assert(&mut self) -> Result<(), DebugProbeError> {
        panic!("the board was reset")
    }

    fn target_reset_deassert(&mut self) -> Result<(), DebugProbeError> {
        panic!("the board was reset")
    }

    fn select_protocol(&mut self, _: WireProtocol) -> Result<(), DebugProbeError> {
        Ok(())
    }

    fn active_protocol(&self) -> Option<WireProtocol> {
        Some(WireProtocol::Swd)
    }

    fn has_arm_interface(&self) -> bool {
        true
    }

    fn try_as_dap_probe(&mut self) -> Option<&mut dyn DapProbe> {
        Some(self)
    }

    fn try_get_arm_debug_interface<'probe>(
        self: Box<Self>,
        sequence: Arc<dyn ArmDebugSequence>,
    ) -> Result<Box<dyn ArmDebugInterface + 'probe>, (Box<dyn DebugProbe>, ArmError)> {
        Ok(ArmCommunicationInterface::create(self, sequence, false))
    }

    fn into_probe(self: Box<Self>) -> Box<dyn DebugProbe> {
        self
    }
}
