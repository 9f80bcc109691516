//! A capture: everything that came from one place at one time. What goes in and what comes out.

pub use crate::store::packing::PlainText;
use crate::{
    model::{build_id::BuildId, warning::Warning},
    store::{
        capture_series::NewSeries,
        crash::NewCrash,
        devices::NewDevice,
        ids::{CaptureId, DeviceId},
        sha256::Sha256,
        symbol_files::NewCaptureSymbols,
    },
};
use serde::{Deserialize, Serialize};

/// A capture to be stored, with all that was found in it. Stored wholly or not at all.
#[derive(Clone, Debug, Default)]
pub struct NewCapture<'a> {
    /// The name on screen: `customer-17.zip`.
    pub name: String,
    /// Where it came from: a path, or words.
    pub origin: String,
    /// The time now, RFC 3339 in UTC.
    pub imported_at: String,
    /// When it was captured, if something says so.
    pub captured_at: Option<String>,
    /// Whose it is.
    pub device: NewDevice,
    /// What ran, as the manifest says.
    pub software: Software,
    /// The manifest's text, unknown keys included.
    pub manifest: Option<String>,
    /// Free text.
    pub notes: Option<String>,
    /// Its files; at least one, each path once.
    pub files: Vec<NewFile<'a>>,
    /// The import report, in the order to be shown.
    pub findings: Vec<Finding>,
    /// Boots in the order they happened.
    pub boots: Vec<Boot>,
    /// Crashes in the order they were found.
    pub crashes: Vec<NewCrash>,
    /// Symbol files among its files.
    pub symbol_files: Vec<NewCaptureSymbols>,
    /// Heartbeats and events of its devices.
    pub series: NewSeries,
}

/// What ran on the device, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Software {
    /// `main`, `bootloader`.
    pub software_type: Option<String>,
    /// `1.4.2`.
    pub version: Option<String>,
    /// Its build id.
    pub build_id: Option<BuildId>,
}

/// A file to be stored.
#[derive(Clone, Debug)]
pub struct NewFile<'a> {
    /// The path inside the capture, with forward slashes.
    pub path: String,
    /// Its bytes, or their name.
    pub content: Content<'a>,
    /// What it is.
    pub kind: FileKind,
    /// Id of its format: `elf-core`, `text`, `unknown`.
    pub format: String,
    /// Lines, of a text.
    pub n_lines: Option<u64>,
    /// How much of it was understood.
    pub status: FileStatus,
    /// When it was last changed where it came from, nanoseconds since 1970, if known.
    pub modified_ns: Option<i64>,
}

/// The bytes of a file, or only their name.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Kept, exactly.
    Kept(&'a [u8]),
    /// Kept; this is their hash, and this is how they are read, if they are a text.
    Hashed(&'a [u8], Sha256, Option<PlainText>),
    /// Too large to keep twice: only the hash and the size are.
    NamedOnly {
        /// The hash of the bytes.
        sha256: Sha256,
        /// How many there are.
        size: u64,
    },
}

/// What a file of a capture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileKind {
    /// Text with log lines, perhaps with dumps among them.
    Log,
    /// Registers and memory.
    Coredump,
    /// Metrics by interval.
    Heartbeats,
    /// Boots, crashes, updates.
    Events,
    /// An ELF with the names of a build.
    Symbols,
    /// Anything else.
    Other,
}

/// How much of a file was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// All of it.
    Understood,
    /// The findings say what was not.
    Partly,
    /// Kept and listed.
    NotUnderstood,
}

/// One line of the import report.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// The file inside the capture.
    pub path: String,
    /// What happened to it.
    pub kind: FindingKind,
    /// First byte concerned; `None` when it is about the whole file.
    pub offset: Option<u64>,
    /// Bytes concerned.
    pub length: Option<u64>,
    /// The stable code of a warning: `FS-CORE-003`.
    pub code: Option<String>,
    /// One sentence.
    pub message: String,
}

impl Finding {
    /// The warning of a decoder, as a line about `path`.
    pub fn from_warning(path: &str, warning: &Warning) -> Self {
        Self {
            path: path.to_owned(),
            kind: FindingKind::Repaired,
            offset: warning.offset,
            length: None,
            code: Some(warning.code.clone()),
            message: warning.message.clone(),
        }
    }
}

/// What happened to a part of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Understood.
    Found,
    /// Not understood, kept byte for byte.
    Kept,
    /// Broken, read as far as it goes.
    Repaired,
    /// Left out, for the reason given.
    Skipped,
    /// Not let in.
    Refused,
}

/// One run between resets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Boot {
    /// The file that tells of it.
    pub path: String,
    /// Where in that file.
    pub offset: u64,
    /// The build that ran.
    pub build_id: Option<BuildId>,
    /// Its version.
    pub version: Option<String>,
    /// Why the run before it ended.
    pub reset_reason: Option<String>,
    /// The line that says so.
    pub text: String,
}

/// How an import ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddOutcome {
    /// New, and on the disk.
    Added(CaptureId),
    /// The same files were imported before; nothing was changed.
    AlreadyHere(CaptureId),
    /// The same files were imported and removed before: it is back, as it was.
    Restored(CaptureId),
}

impl AddOutcome {
    /// The capture, new or old.
    pub fn capture(self) -> CaptureId {
        match self {
            Self::Added(id) | Self::AlreadyHere(id) | Self::Restored(id) => id,
        }
    }
}

/// A stored capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaptureRow {
    /// Its id.
    pub id: CaptureId,
    /// The name on screen.
    pub name: String,
    /// Where it came from.
    pub origin: String,
    /// When it was imported.
    pub imported_at: String,
    /// When it was captured, if known.
    pub captured_at: Option<String>,
    /// The hash over its files.
    pub content_hash: Sha256,
    /// Whose it is.
    pub device: DeviceId,
    /// The device's serial number.
    pub serial: Option<String>,
    /// The device's hardware.
    pub hardware: Option<String>,
    /// What ran, as the manifest says.
    pub software: Software,
    /// Free text.
    pub notes: Option<String>,
    /// Number of files.
    pub n_files: u64,
    /// Their bytes together.
    pub size: u64,
    /// Number of boots.
    pub n_boots: u64,
    /// Number of crashes.
    pub n_crashes: u64,
    /// When it was removed; `None` of one that is here.
    pub removed_at: Option<String>,
}

/// A stored file of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// The path inside the capture.
    pub path: String,
    /// The hash of its bytes.
    pub sha256: Sha256,
    /// Bytes.
    pub size: u64,
    /// True when the bytes are stored, and not only their hash.
    pub is_kept: bool,
    /// What it is.
    pub kind: FileKind,
    /// Id of its format.
    pub format: String,
    /// Lines, of a text.
    pub n_lines: Option<u64>,
    /// How much of it was understood.
    pub status: FileStatus,
    /// When it was last changed where it came from, nanoseconds since 1970, if known.
    pub modified_ns: Option<i64>,
}

/// What an import found, kept and refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// The capture.
    pub capture: CaptureRow,
    /// Its files by path.
    pub files: Vec<FileRow>,
    /// The findings in the order of the import.
    pub findings: Vec<Finding>,
    /// Boots in the order they happened.
    pub boots: Vec<Boot>,
    /// The manifest's text.
    pub manifest: Option<String>,
}
