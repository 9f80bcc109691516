//! What devices sent with the device-side SDK, as rows of the workspace: their heartbeats in the words of their ELF files, and what
//! happened to them, each with a time.
//!
//! It is made of what a capture holds and of nothing else, so that the same capture gives the same rows whenever it is asked: when it
//! is imported, and again when an ELF arrives that names what heartbeats measure.

mod boots;
mod clock;
mod columns;
mod events;
mod pulled;
#[cfg(test)]
mod tests;
mod watched;

use super::examine::{Examined, ExaminedFile};
use super::logs::moment::{Written, written};
use crate::formats::scan::looks_like_text;
use crate::formats::sdk::definitions::DefinedMetric;
use crate::model::build_id::BuildId;
use crate::model::device_message::MessageBody;
use crate::model::progress::{Cancelled, Progress};
use crate::store::capture::{Finding, FindingKind};
use crate::store::capture_series::{NO_SERIAL, NewSeries, WaitingBuild};
use boots::{BootRun, Said, boot_runs, said};
use clock::{BootTime, FileTimes, Sources, TimeSource, TimedLines, boot_times};
use columns::{LeftOut, Placed, batch};
use events::Events;
use pulled::SentToo;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The code of heartbeats that wait for an ELF.
const WAITS: &str = "FS-SDK-020";
/// Heartbeats of a batch.
const ROWS_A_BATCH: usize = 4096;

/// What the ELF of a build calls metrics; `None` while it is missing.
pub(super) type Definitions<'d> = &'d dyn Fn(&BuildId) -> Option<Vec<DefinedMetric>>;

/// What devices sent.
#[derive(Debug, Default)]
pub(super) struct SentSeries {
    /// To be stored.
    pub(super) new: NewSeries,
    /// What is to be said of it.
    pub(super) findings: Vec<Finding>,
    /// The serial number of the one device that all messages are of, and its hardware.
    pub(super) device: Option<(String, Option<String>)>,
    pub(super) n_heartbeats: u64,
    pub(super) n_events: u64,
}

impl SentSeries {
    /// What a summary says of it, with the file that it is about. Builds that are missing have a sentence of their own there.
    pub(super) fn notes(&self) -> impl Iterator<Item = String> + '_ {
        let is_note = |finding: &&Finding| finding.code.as_deref() != Some(WAITS);
        self.findings.iter().filter(is_note).map(|finding| {
            if finding.path.is_empty() {
                return finding.message.clone();
            }
            format!("{}: {}", finding.path, finding.message)
        })
    }
}

/// Heartbeats of one build.
#[derive(Default)]
struct OfBuild<'m> {
    rows: Vec<Placed<'m>>,
}

/// Reads the messages of a capture. `imported_at` is the time of the import (RFC 3339), the last resort of what has no other.
pub(super) fn sent_series(
    examined: &Examined,
    imported_at: &str,
    definitions: Definitions<'_>,
    progress: &dyn Progress,
) -> Result<SentSeries, Cancelled> {
    let mut sent = SentSeries::default();
    let mut builds: BTreeMap<Option<BuildId>, OfBuild<'_>> = BTreeMap::new();
    let mut events = Events::default();
    let mut rows_taken: BTreeMap<(String, i64), (Option<u64>, Option<u64>)> = BTreeMap::new();
    let mut devices = BTreeMap::new();
    let sent_too = SentToo::new(examined);
    for file in &examined.files {
        if file.scan.messages.is_empty() {
            continue;
        }
        let read = FileRead::of(examined, file, imported_at, progress)?;
        for (serial, (runs, times)) in &read.devices {
            for (run, time) in runs.iter().zip(times) {
                let of_run = run.messages.iter().filter_map(|index| read.all.get(*index));
                let of_run = of_run.filter(|said| !sent_too.has(file, said.message));
                events.add_run(of_run.clone(), time);
                for said in of_run {
                    let hardware = devices.entry(serial.clone()).or_insert(None);
                    if said.identity.hardware.is_some() {
                        hardware.clone_from(&said.identity.hardware);
                    }
                    let MessageBody::Heartbeat(heartbeat) = &said.message.body else {
                        continue;
                    };
                    let sender = &said.message.sender;
                    let mut at = time.of(said).0;
                    // Two intervals that end in one second are two rows; the same one, sent again, is the same row.
                    let who = (sender.boot, sender.uptime_ms);
                    while *rows_taken.entry((serial.clone(), at)).or_insert(who) != who {
                        at = at.saturating_add(1);
                    }
                    let of_build = builds.entry(said.build_id().cloned()).or_default();
                    of_build.rows.push(Placed {
                        identity: Arc::clone(&said.identity),
                        time_ns: at,
                        heartbeat,
                    });
                    sent.n_heartbeats = sent.n_heartbeats.saturating_add(1);
                }
            }
        }
        sent.findings.extend(read.findings());
    }
    let mut left_out = LeftOut::default();
    for (build, of_build) in &builds {
        let metrics = build.as_ref().and_then(definitions);
        if metrics.is_none() {
            sent.new.waiting.push(WaitingBuild {
                build_id: build.clone(),
                n_heartbeats: of_build.rows.len() as u64,
            });
        }
        let metrics = metrics.unwrap_or_default();
        for rows in of_build.rows.chunks(ROWS_A_BATCH) {
            progress.tick(0, 0)?;
            sent.new
                .heartbeats
                .push(batch(rows, &metrics, &mut left_out));
        }
        let described = metrics.into_iter().map(|metric| metric.definition);
        sent.new.metrics.extend(described);
    }
    sent.new.events = events.into_events();
    sent.n_events = sent.new.events.len() as u64;
    sent.device = match devices.len() {
        1 => devices
            .pop_first()
            .filter(|(serial, _)| serial != NO_SERIAL),
        _ => None,
    };
    let serial = sent.device.as_ref().map_or(NO_SERIAL, |(serial, _)| serial);
    let watched = examined.files.iter().flat_map(|file| &file.scan.watched);
    for watched in watched {
        progress.tick(0, 0)?;
        if let Some((metrics, batches)) = watched::batches(watched, serial) {
            sent.new.metrics.extend(metrics);
            sent.new.heartbeats.extend(batches);
        }
    }
    sent.findings
        .extend(findings_of_builds(&sent.new, left_out));
    Ok(sent)
}

/// Nanoseconds since 1970 of a time with its date.
fn full_time(text: &str) -> Option<i64> {
    match written(text) {
        Some(Written::Dated(ns)) => Some(ns),
        _ => None,
    }
}

fn findings_of_builds(new: &NewSeries, left_out: LeftOut) -> Vec<Finding> {
    let mut findings: Vec<Finding> = new
        .waiting
        .iter()
        .map(|build| {
            let n = build.n_heartbeats;
            let who = if n == 1 {
                "1 heartbeat has".to_owned()
            } else {
                format!("{n} heartbeats have")
            };
            let message = match &build.build_id {
                Some(id) => format!(
                    "{who} no names for what is measured yet: the ELF of build {id} is not at hand, or defines no metrics. Add it to the symbols."
                ),
                None => format!(
                    "{who} no names for what is measured: the messages name no build. Say it in the manifest of the bundle."
                ),
            };
            finding("", FindingKind::Skipped, Some(WAITS), message)
        })
        .collect();
    if left_out.n > 0 {
        findings.push(finding(
            "",
            FindingKind::Skipped,
            Some("FS-SDK-021"),
            format!(
                "{} values of metrics are not of the type that the ELF says, or too large for 64 bits, and were not stored.",
                left_out.n
            ),
        ));
    }
    findings
}

fn finding(path: &str, kind: FindingKind, code: Option<&str>, message: String) -> Finding {
    Finding {
        path: path.to_owned(),
        kind,
        offset: None,
        length: None,
        code: code.map(str::to_owned),
        message,
    }
}

/// One file with who sent its messages and when.
struct FileRead<'m> {
    path: &'m str,
    all: Vec<Said<'m>>,
    /// By serial number: boots and when they were.
    devices: BTreeMap<String, (Vec<BootRun>, Vec<BootTime>)>,
    times: FileTimes,
}

impl<'m> FileRead<'m> {
    fn of(
        examined: &'m Examined,
        file: &'m ExaminedFile,
        imported_at: &str,
        progress: &dyn Progress,
    ) -> Result<Self, Cancelled> {
        let manifest = examined.manifest.as_ref();
        let path = file.input.path.as_str();
        let all = said(&file.scan.messages, manifest, path);
        let begun = manifest.and_then(|manifest| manifest.file(path)?.started_at.as_deref());
        let captured = manifest.and_then(|manifest| manifest.captured_at.as_deref());
        let times = FileTimes {
            begun_ns: begun.and_then(full_time),
            captured_ns: captured.and_then(full_time),
            changed_ns: file.input.modified_ns,
            imported_ns: full_time(imported_at).unwrap_or_default(),
        };
        let is_text = looks_like_text(&file.input.bytes);
        let lines: OnceCell<TimedLines> = OnceCell::new();
        let mut read_lines = || -> Result<&TimedLines, Cancelled> {
            if let Some(lines) = lines.get() {
                return Ok(lines);
            }
            let bytes: &[u8] = if is_text { &file.input.bytes } else { &[] };
            let found = TimedLines::of(bytes, progress)?;
            Ok(lines.get_or_init(|| found))
        };
        let mut devices = BTreeMap::new();
        for (serial, runs) in boot_runs(&all) {
            let boots = boot_times(&runs, &all, &mut read_lines, &times)?;
            devices.insert(serial, (runs, boots));
        }
        Ok(Self {
            path,
            all,
            devices,
            times,
        })
    }

    /// What is said of times that no clock of the device says.
    fn findings(&self) -> Vec<Finding> {
        let mut sources = Sources::default();
        for (runs, times) in self.devices.values() {
            for (run, time) in runs.iter().zip(times) {
                let mut of_run = run.messages.iter().filter_map(|index| self.all.get(*index));
                let is_stored = |said: &Said<'_>| {
                    !matches!(
                        said.message.body,
                        MessageBody::Device(_) | MessageBody::Logs(_)
                    )
                };
                if of_run.any(|said| is_stored(said) && time.of(said).1 != TimeSource::Clock) {
                    sources.note(time);
                }
            }
        }
        let sentences = sources.sentences(&self.times).into_iter();
        sentences
            .map(|(source, sentence)| match source {
                TimeSource::Clock | TimeSource::BootClock | TimeSource::Lines => {
                    finding(self.path, FindingKind::Found, None, sentence)
                }
                _ => finding(
                    self.path,
                    FindingKind::Repaired,
                    Some("FS-SDK-022"),
                    sentence,
                ),
            })
            .collect()
    }
}
