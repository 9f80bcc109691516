//! A debug probe on a Cortex-M: CMSIS-DAP, J-Link, ST-Link and others, by probe-rs.
//!
//! Observing reads memory through the memory access port while the core runs. A `Session` of probe-rs halts cores when it attaches and
//! when it is dropped, so none is opened: the debug port is powered up, and nothing else is done to the chip.

mod chip;
mod cortex_m;
mod words;

use super::target::{ON_FAULT, RTT};
use super::{Field, FieldKind, Link, LinkError, LinkKind, Present, Settings, Target};
use cortex_m::CortexM;
use probe_rs::architecture::arm::dp::DpAddress;
use probe_rs::architecture::arm::sequences::DefaultArmSequence;
use probe_rs::probe::list::{Accessibility, Lister};
use probe_rs::probe::{DebugProbeInfo, DebugProbeSelector, Probe, WireProtocol};
use std::time::Duration;
use words::{NOT_ALLOWED, not_attached, not_opened};

/// Which chip.
pub const CHIP: Field = Field {
    id: "chip",
    title: "Chip",
    kind: FieldKind::Text,
    default: "auto",
    help: "Its name, as in nRF52840_xxAA or STM32F405RG, to be sure that it is that one; auto takes any Cortex-M",
};
/// Which probe.
pub const PROBE: Field = Field {
    id: "probe",
    title: "Probe",
    kind: FieldKind::Text,
    default: "auto",
    help: "VID:PID or VID:PID:SERIAL, as the list of probes says; auto takes the only one",
};
/// Which wires.
pub const PROTOCOL: Field = Field {
    id: "protocol",
    title: "Protocol",
    kind: FieldKind::Choice(&["SWD", "JTAG"]),
    default: "SWD",
    help: "How probe and chip are wired",
};
/// How fast.
pub const SPEED: Field = Field {
    id: "speed",
    title: "Speed",
    kind: FieldKind::Number(1, 50_000),
    default: "4000",
    help: "Kilohertz; long or loose wires need less",
};

/// The kind of link.
pub struct DebugProbe;

impl LinkKind for DebugProbe {
    fn id(&self) -> &'static str {
        "probe"
    }

    fn title(&self) -> &'static str {
        "Debug probe"
    }

    fn fields(&self) -> &'static [Field] {
        &[CHIP, PROBE, PROTOCOL, SPEED, RTT, ON_FAULT]
    }

    fn present(&self) -> Vec<Present> {
        let probes = Lister::new().list_all_with_access();
        let present = probes.into_iter().map(|item| Present {
            title: title(&item.info),
            settings: Settings::default().with(PROBE.id, selector(&item.info)),
            problem: (item.accessibility == Accessibility::PermissionDenied)
                .then(|| format!("this user may not open it: {NOT_ALLOWED}")),
        });
        present.collect()
    }

    fn describe(&self, settings: &Settings) -> String {
        match (settings.text(&PROBE), settings.text(&CHIP)) {
            ("auto", "auto") => "Debug probe".to_owned(),
            ("auto", chip) => format!("Debug probe, {chip}"),
            (probe, "auto") => format!("Debug probe {probe}"),
            (probe, chip) => format!("Debug probe {probe}, {chip}"),
        }
    }

    fn open(&self, settings: &Settings) -> Result<Box<dyn Link>, LinkError> {
        let wanted = chip::wanted(settings.checked(&CHIP)?)?;
        let protocol = match settings.checked(&PROTOCOL)? {
            "JTAG" => WireProtocol::Jtag,
            _ => WireProtocol::Swd,
        };
        let speed = settings.number(&SPEED)?;
        let info = chosen(settings.checked(&PROBE)?)?;
        let name = title(&info);
        let probe = opened(&info, &name, protocol, speed)?;
        let interface = probe.try_into_arm_debug_interface(DefaultArmSequence::create());
        let mut interface = interface.map_err(|(_probe, error)| not_attached(&name, &error))?;
        let selected = interface.select_debug_port(DpAddress::Default);
        selected.map_err(|error| not_attached(&name, &error))?;
        let core = CortexM::find(name, interface, wanted.as_ref())?;
        Ok(Box::new(OpenProbe(core)))
    }
}

fn title(info: &DebugProbeInfo) -> String {
    match &info.serial_number {
        Some(serial) => format!("{}, {serial}", info.identifier),
        None => info.identifier.clone(),
    }
}

fn selector(info: &DebugProbeInfo) -> String {
    let ids = format!("{:04x}:{:04x}", info.vendor_id, info.product_id);
    match &info.serial_number {
        Some(serial) => format!("{ids}:{serial}"),
        None => ids,
    }
}

/// The probe that is asked for, or the only one.
fn chosen(asked: &str) -> Result<DebugProbeInfo, LinkError> {
    let lister = Lister::new();
    let wanted: Option<DebugProbeSelector> = match asked {
        "auto" => None,
        asked => Some(asked.parse().map_err(|_no_selector| LinkError::Setting {
            field: PROBE.id,
            why: format!("{asked} is no probe; write VID:PID or VID:PID:SERIAL, as in 1366:0101"),
        })?),
    };
    let mut probes = lister.list(wanted.as_ref());
    if probes.len() > 1 {
        let names: Vec<String> = probes.iter().map(selector).collect();
        return Err(LinkError::Setting {
            field: PROBE.id,
            why: format!("there are {}: say which", names.join(" and ")),
        });
    }
    probes.pop().ok_or_else(|| LinkError::NotThere {
        what: match asked {
            "auto" => "a debug probe".to_owned(),
            asked => format!("the debug probe {asked}"),
        },
    })
}

fn opened(
    info: &DebugProbeInfo,
    name: &str,
    protocol: WireProtocol,
    speed: u32,
) -> Result<Probe, LinkError> {
    let failed = |error| not_opened(name, &error);
    let mut probe = info.open().map_err(failed)?;
    probe.select_protocol(protocol).map_err(failed)?;
    // One that has no such speed takes the next one, or says that it cannot choose.
    let _chosen = probe.set_speed(speed);
    probe.attach_to_unspecified().map_err(|error| match error {
        probe_rs::Error::Probe(error) => not_opened(name, &error),
        other => LinkError::Failed {
            what: name.to_owned(),
            said: other.to_string(),
        },
    })?;
    Ok(probe)
}

struct OpenProbe(CortexM);

impl Link for OpenProbe {
    /// A probe has no console: what the program says comes by RTT, which is memory.
    fn receive(&mut self, wait: Duration, _into: &mut Vec<u8>) -> Result<(), LinkError> {
        std::thread::sleep(wait);
        Ok(())
    }

    fn send(&mut self, _bytes: &[u8]) -> Result<(), LinkError> {
        Err(LinkError::NotOffered {
            what: self.0.name().to_owned(),
            service: "it has no console to send text to".to_owned(),
        })
    }

    fn target(&mut self) -> Option<&mut dyn Target> {
        Some(&mut self.0)
    }
}
