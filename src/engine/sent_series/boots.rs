//! Whose a message is, and which boot it is of.

use crate::formats::manifest::Manifest;
use crate::model::build_id::BuildId;
use crate::model::device_message::{DeviceEvent, DeviceMessage, EventKind, MessageBody, Reason};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A device as its messages name it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// Serial number, empty where it does not say.
    pub(super) serial: String,
    pub(super) hardware: Option<String>,
    pub(super) version: Option<String>,
    /// What the manifest says of messages that name no build.
    build_id: Option<BuildId>,
}

/// A message, and who sent it.
pub(super) struct Said<'m> {
    pub(super) message: &'m DeviceMessage,
    pub(super) identity: Arc<Identity>,
}

impl Said<'_> {
    /// The build that it is of.
    pub(super) fn build_id(&self) -> Option<&BuildId> {
        let own = self.message.sender.build_id.as_ref();
        own.or(self.identity.build_id.as_ref())
    }

    /// True when it was sent after a reset and tells of the boot before.
    pub(super) fn tells_of_the_boot_before(&self) -> bool {
        match &self.message.body {
            MessageBody::Coredump(_) => true,
            MessageBody::Event(event) => {
                matches!(event.kind, EventKind::Crash | EventKind::Assert)
            }
            _ => false,
        }
    }
}

/// One run of a device between two resets, as far as one file tells of it.
#[derive(Default)]
pub(super) struct BootRun {
    /// The device's count of it, from 1 since power was last lost.
    pub(super) number: Option<u64>,
    /// Indexes of its messages, in the order in which they came.
    pub(super) messages: Vec<usize>,
    /// Why the device started.
    pub(super) reason: Option<Reason>,
    /// How long the boot before lasted, milliseconds.
    pub(super) previous_uptime_ms: Option<u64>,
    /// The greatest uptime that was heard of, milliseconds.
    pub(super) last_uptime_ms: u64,
    /// The uptime of the first message that was sent as soon as it was made.
    pub(super) first_uptime_ms: Option<u64>,
    /// The greatest uptime of such messages.
    last_live_uptime_ms: u64,
}

/// The messages of a file with who sent them. Short messages are of the device of those before them; what no message says, the
/// manifest may.
pub(super) fn said<'m>(
    messages: &'m [DeviceMessage],
    manifest: Option<&Manifest>,
    path: &str,
) -> Vec<Said<'m>> {
    let file = manifest.and_then(|manifest| manifest.file(path));
    let of_manifest = |of_file: fn(&crate::formats::manifest::ManifestFile) -> Option<String>,
                       of_all: fn(&Manifest) -> Option<String>| {
        file.and_then(of_file).or_else(|| manifest.and_then(of_all))
    };
    let named = Identity {
        serial: of_manifest(|file| file.serial.clone(), |all| all.serial.clone())
            .unwrap_or_default(),
        hardware: of_manifest(|file| file.hardware.clone(), |all| all.hardware.clone()),
        version: of_manifest(
            |file| file.software_version.clone(),
            |all| all.software_version.clone(),
        ),
        build_id: file
            .and_then(|file| file.build_id.clone())
            .or_else(|| manifest?.build_id.clone()),
    };
    let first = messages.iter().find_map(|message| own(message, &named));
    let mut last = Arc::new(first.unwrap_or_else(|| named.clone()));
    let mut all = Vec::with_capacity(messages.len());
    for message in messages {
        if let Some(identity) = own(message, &named)
            && identity != *last
        {
            last = Arc::new(identity);
        }
        all.push(Said {
            message,
            identity: Arc::clone(&last),
        });
    }
    all
}

/// Who sent a message, if it says so.
fn own(message: &DeviceMessage, named: &Identity) -> Option<Identity> {
    let sender = &message.sender;
    let is_short = sender.serial.is_none()
        && sender.hardware.is_none()
        && sender.software_type.is_none()
        && sender.software_version.is_none();
    if is_short {
        return None;
    }
    let serial = sender.serial.as_deref().map(str::trim);
    let serial = serial.filter(|serial| !serial.is_empty());
    Some(Identity {
        serial: serial.map_or_else(|| named.serial.clone(), str::to_owned),
        hardware: sender.hardware.clone().or_else(|| named.hardware.clone()),
        version: sender
            .software_version
            .clone()
            .or_else(|| named.version.clone()),
        build_id: named.build_id.clone(),
    })
}

/// The boots of each device of a file, in the order in which they happened.
pub(super) fn boot_runs(all: &[Said<'_>]) -> BTreeMap<String, Vec<BootRun>> {
    let mut devices: BTreeMap<String, Vec<BootRun>> = BTreeMap::new();
    for (index, said) in all.iter().enumerate() {
        let serial = said.identity.serial.as_str();
        if !devices.contains_key(serial) {
            devices.insert(serial.to_owned(), Vec::new());
        }
        if let Some(runs) = devices.get_mut(serial) {
            let at = if said.tells_of_the_boot_before() {
                run_before(runs, said.message)
            } else {
                run_now(runs, said.message)
            };
            if let Some(run) = runs.get_mut(at) {
                add(run, index, said);
            }
        }
    }
    devices
}

fn add(run: &mut BootRun, index: usize, said: &Said<'_>) {
    run.messages.push(index);
    let uptime = said.message.sender.uptime_ms.unwrap_or(0);
    run.last_uptime_ms = run.last_uptime_ms.max(uptime);
    if !said.tells_of_the_boot_before() {
        run.first_uptime_ms.get_or_insert(uptime);
        run.last_live_uptime_ms = run.last_live_uptime_ms.max(uptime);
    }
    if let Some(event) = boot_event(said.message) {
        run.reason = run.reason.or(event.reason);
        let previous = event.previous_uptime_ms.filter(|ms| *ms > 0);
        run.previous_uptime_ms = run.previous_uptime_ms.or(previous);
    }
}

fn boot_event(message: &DeviceMessage) -> Option<&DeviceEvent> {
    match &message.body {
        MessageBody::Event(event) if event.kind == EventKind::Boot => Some(event),
        _ => None,
    }
}

/// The run of a message that was sent as soon as it was made: the last one, or one that begins with it.
fn run_now(runs: &mut Vec<BootRun>, message: &DeviceMessage) -> usize {
    let sender = &message.sender;
    let goes_on = runs.last().is_some_and(|run| {
        let is_same = run.number.is_none() || sender.boot.is_none() || run.number == sender.boot;
        let uptime = sender.uptime_ms.unwrap_or(run.last_live_uptime_ms);
        is_same && uptime >= run.last_live_uptime_ms
    });
    if !goes_on {
        runs.push(BootRun::default());
    }
    let last = runs.len().saturating_sub(1);
    if let Some(run) = runs.get_mut(last) {
        run.number = run.number.or(sender.boot);
    }
    last
}

/// The run of a message that may have been kept over a reset: the last one of its number, which may have left nothing else.
fn run_before(runs: &mut Vec<BootRun>, message: &DeviceMessage) -> usize {
    let number = message.sender.boot;
    let known = runs
        .iter()
        .rposition(|run| number.is_none() || run.number == number);
    if let Some(at) = known {
        return at;
    }
    // The device sends what it kept when it has begun anew, but before it says so, or after.
    let follows = |run: &BootRun| number.and_then(|number| number.checked_add(1)) == run.number;
    let at = match runs.last() {
        Some(last) if follows(last) => runs.len().saturating_sub(1),
        _ => runs.len(),
    };
    runs.insert(
        at,
        BootRun {
            number,
            ..BootRun::default()
        },
    );
    at
}
