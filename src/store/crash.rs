//! A crash of a capture. What goes in and what comes out.

use crate::{
    model::{
        addr::TargetAddr,
        arch::Arch,
        build_id::BuildId,
        report::{CrashReport, FaultKind},
    },
    store::{
        capture::Software,
        devices::NewDevice,
        ids::{CaptureId, CrashId, DeviceId},
    },
};
use serde::{Deserialize, Serialize};

/// A crash to be stored with its capture.
#[derive(Clone, Debug, PartialEq)]
pub struct NewCrash {
    /// What could be said about it so far. Lists, filters and groups are made from it.
    pub report: CrashReport,
    /// True when a symbol file was used; false while it waits for one.
    pub symbolized: bool,
    /// The boot it ended, as an index into the capture's boots.
    pub boot: Option<u32>,
    /// Names the dump by its bytes: captures with the same key saw the same crash.
    pub dump_key: Option<String>,
    /// Where its bytes are, to decode it again.
    pub sources: Vec<CrashSource>,
    /// Whose it is, when the manifest says so of its file; the capture's own device otherwise.
    pub device: NewDevice,
    /// What ran, when the manifest says so of its file.
    pub software: Software,
    /// When the first record of its file was made, RFC 3339.
    pub started_at: Option<String>,
}

/// Bytes of a file of the capture that tell of a crash.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CrashSource {
    /// The path inside the capture.
    pub path: String,
    /// Id of the format that read it.
    pub format: String,
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// A better report of a stored crash, after symbols arrived or a decoder improved.
#[derive(Clone, Debug, PartialEq)]
pub struct CrashUpdate {
    /// Which crash.
    pub crash: CrashId,
    /// The whole new report.
    pub report: CrashReport,
    /// True when a symbol file was used.
    pub symbolized: bool,
}

/// The key that groups crashes; keys of different versions are never compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FingerprintKey {
    /// Version of the rule.
    pub version: u32,
    /// The key.
    pub key: String,
}

/// Which crashes to list: all that agree with every field that is set.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CrashFilter {
    /// Of this capture.
    pub capture: Option<CaptureId>,
    /// Of this device.
    pub device: Option<DeviceId>,
    /// Of this group.
    pub fingerprint: Option<FingerprintKey>,
    /// Of this class.
    pub kind: Option<FaultKind>,
    /// Whose build id agrees with this one, either being a prefix of the other.
    pub build_id: Option<BuildId>,
    /// With names, or without.
    pub symbolized: Option<bool>,
    /// With this text in summary, thread, capture, device, version or a function on the stack.
    pub text: Option<String>,
}

/// A stored crash, as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrashRow {
    /// Its id.
    pub id: CrashId,
    /// Names it by its bytes, in every capture and after an import anew.
    pub identity: String,
    /// The capture that holds it.
    pub capture: CaptureId,
    /// The capture's name.
    pub capture_name: String,
    /// When that was imported.
    pub imported_at: String,
    /// When its file began or its capture was made, if something says so.
    pub captured_at: Option<String>,
    /// The device.
    pub device: DeviceId,
    /// The device's serial number.
    pub serial: Option<String>,
    /// Which crash of the capture, from 0.
    pub ordinal: u64,
    /// The boot it ended.
    pub boot: Option<u32>,
    /// Names the dump by its bytes.
    pub dump_key: Option<String>,
    /// Captures that hold this very crash, this one included.
    pub n_seen: u64,
    /// The build id it carries.
    pub build_id: Option<BuildId>,
    /// The version that ran: what its build, its boot or (without a build id) its manifest says.
    pub version: Option<String>,
    /// The build id of the ELF that was used.
    pub elf_build_id: Option<BuildId>,
    /// True when both ids agree.
    pub verified: bool,
    /// True when a symbol file was used.
    pub symbolized: bool,
    /// The processor.
    pub arch: Arch,
    /// The class of the fault; `None` when nothing says that it was one.
    pub kind: Option<FaultKind>,
    /// The headline.
    pub summary: Option<String>,
    /// Where it stopped.
    pub pc: Option<TargetAddr>,
    /// The function there.
    pub function: Option<String>,
    /// The thread that crashed.
    pub thread: Option<String>,
    /// The grouping key.
    pub fingerprint: Option<FingerprintKey>,
    /// Where its bytes are.
    pub sources: Vec<CrashSource>,
}
