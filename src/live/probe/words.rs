//! Errors of probe-rs, as what they mean and what to do.

use crate::live::LinkError;
use probe_rs::architecture::arm::{ArmError, DapError};
use probe_rs::probe::{DebugProbeError, ProbeCreationError};
use std::error::Error;
use std::io;

/// What to do where the system does not let a probe be opened.
pub(super) const NOT_ALLOWED: &str = if cfg!(target_os = "linux") {
    "install the udev rules for debug probes (https://probe.rs/files/69-probe-rs.rules into /etc/udev/rules.d) and plug it in again"
} else if cfg!(windows) {
    "install the driver of its maker, or WinUSB with Zadig"
} else {
    "ask whoever administers this computer"
};
/// Behind an error stand at most so many others.
const SOURCES_MAX: usize = 8;

/// Why a probe was not opened.
pub(super) fn not_opened(name: &str, error: &DebugProbeError) -> LinkError {
    let what = name.to_owned();
    if let Some(kind) = io_kind(error) {
        match kind {
            io::ErrorKind::PermissionDenied => {
                return LinkError::NotAllowed {
                    what,
                    fix: NOT_ALLOWED.to_owned(),
                };
            }
            io::ErrorKind::ResourceBusy | io::ErrorKind::WouldBlock => {
                return LinkError::InUse { what, holder: None };
            }
            io::ErrorKind::NotConnected | io::ErrorKind::NotFound | io::ErrorKind::BrokenPipe => {
                return LinkError::Gone { what };
            }
            _ => {}
        }
    }
    match error {
        DebugProbeError::ProbeCouldNotBeCreated(ProbeCreationError::NotFound) => {
            LinkError::NotThere { what }
        }
        DebugProbeError::ProbeCouldNotBeCreated(ProbeCreationError::CouldNotOpen) => {
            LinkError::NotAllowed {
                what,
                fix: NOT_ALLOWED.to_owned(),
            }
        }
        DebugProbeError::TargetNotFound => LinkError::NoChip {
            what,
            said: said(error),
        },
        _ => LinkError::Failed {
            what,
            said: said(error),
        },
    }
}

/// Why the chip behind a probe cannot be reached.
pub(super) fn not_attached(name: &str, error: &ArmError) -> LinkError {
    if let ArmError::Probe(error) = error {
        return not_opened(name, error);
    }
    LinkError::NoChip {
        what: name.to_owned(),
        said: said(error),
    }
}

/// What a failed read of memory means: `None` when it is of that memory alone, and the link goes on.
pub(super) fn broken(name: &str, error: &ArmError) -> Option<LinkError> {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    for _ in 0..SOURCES_MAX {
        let Some(error) = source else {
            break;
        };
        if let Some(dap) = error.downcast_ref::<DapError>() {
            return match dap {
                // The bus says that there is nothing, or that it takes too long.
                DapError::FaultResponse | DapError::WaitResponse => None,
                _ => Some(LinkError::NoChip {
                    what: name.to_owned(),
                    said: dap.to_string(),
                }),
            };
        }
        if let Some(probe) = error.downcast_ref::<DebugProbeError>()
            && !matches!(probe, DebugProbeError::BatchError(_))
        {
            return Some(not_opened(name, probe));
        }
        source = error.source();
    }
    match error {
        ArmError::Timeout
        | ArmError::OutOfBounds
        | ArmError::AddressOutOf32BitAddressSpace
        | ArmError::MemoryNotAligned(_)
        | ArmError::AccessPort { .. } => None,
        other => Some(LinkError::NoChip {
            what: name.to_owned(),
            said: said(other),
        }),
    }
}

fn io_kind(error: &DebugProbeError) -> Option<io::ErrorKind> {
    let mut source: Option<&(dyn Error + 'static)> = Some(error);
    for _ in 0..SOURCES_MAX {
        let error = source?;
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        source = error.source();
    }
    None
}

/// An error with what is behind it.
fn said(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    for _ in 0..SOURCES_MAX {
        let Some(error) = source else {
            break;
        };
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{}: {more}", said.trim_end_matches('.'));
        }
        source = error.source();
    }
    said
}
