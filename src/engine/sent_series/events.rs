//! What happened to devices: boots with their reset reason, crashes, asserts, disconnects, and what the product calls an event.

use super::boots::{Identity, Said};
use super::clock::BootTime;
use crate::model::device_message::{DeviceEvent, EventKind, MessageBody, Reason, SentCoredump};
use crate::model::series::FleetEvent;
use std::collections::BTreeMap;

/// What [`Reason`] calls a failed assertion.
const ASSERT: Reason = Reason(8);

/// Which event a row of the table is: time, device, kind, cause.
type Key = (i64, String, String, String);
/// What tells two events of one key apart: boot and time since it.
type Moment = (Option<u64>, Option<u64>);

/// Events so far.
#[derive(Default)]
pub(super) struct Events {
    taken: BTreeMap<Key, Moment>,
    found: Vec<FleetEvent>,
}

impl Events {
    /// Adds what happened in one boot. A crash is told of by an event and by a coredump, and either may be lost.
    pub(super) fn add_run<'a, 'm: 'a>(
        &mut self,
        of_run: impl Iterator<Item = &'a Said<'m>> + Clone,
        time: &BootTime,
    ) {
        let is_crash = |said: &Said<'_>| matches!(&said.message.body, MessageBody::Event(event) if is_crash(event));
        let has_crash = of_run.clone().any(is_crash);
        for said in of_run {
            let told = match &said.message.body {
                MessageBody::Event(event) => Some(told(event)),
                MessageBody::Coredump(dump) if !has_crash => Some(kept(dump)),
                _ => None,
            };
            if let Some((kind, cause)) = told {
                self.add(said, time.of(said).0, kind, cause);
            }
        }
    }

    /// The same event, told again, is one; another one in the same second is a nanosecond later.
    fn add(&mut self, said: &Said<'_>, mut time_ns: i64, kind: String, cause: Option<String>) {
        let sender = &said.message.sender;
        let moment = (sender.boot, sender.uptime_ms);
        let Identity {
            serial,
            hardware,
            version,
            ..
        } = &*said.identity;
        loop {
            let key = (
                time_ns,
                serial.clone(),
                kind.clone(),
                cause.clone().unwrap_or_default(),
            );
            match self.taken.get(&key) {
                Some(other) if *other == moment => return,
                Some(_) => time_ns = time_ns.saturating_add(1),
                None => {
                    self.taken.insert(key, moment);
                    break;
                }
            }
        }
        self.found.push(FleetEvent {
            serial: serial.clone(),
            time_ns,
            kind,
            version: version.clone(),
            hardware: hardware.clone(),
            issue: cause,
        });
    }

    pub(super) fn into_events(self) -> Vec<FleetEvent> {
        self.found
    }
}

fn is_crash(event: &DeviceEvent) -> bool {
    matches!(event.kind, EventKind::Crash | EventKind::Assert)
}

/// Kind and cause of an event.
fn told(event: &DeviceEvent) -> (String, Option<String>) {
    let reason = event.reason.filter(|reason| *reason != Reason::UNKNOWN);
    let code = event.code.filter(|code| *code != 0);
    let cause = match event.kind {
        EventKind::Boot | EventKind::Crash | EventKind::Assert => reason.map(Reason::id),
        _ => code.map(|code| format!("code {code}")),
    };
    (event.kind.name(), cause)
}

/// The same of a crash whose event did not arrive.
fn kept(dump: &SentCoredump) -> (String, Option<String>) {
    let kind = match dump.reason {
        Some(ASSERT) => EventKind::Assert,
        _ => EventKind::Crash,
    };
    let reason = dump.reason.filter(|reason| *reason != Reason::UNKNOWN);
    (kind.name(), reason.map(Reason::id))
}
