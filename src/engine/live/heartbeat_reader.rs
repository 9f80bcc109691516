//! Heartbeats in what comes over a link, as values of metrics: named by the ELF of the build that they are of.

use super::board::BoardBuild;
use super::metrics::LiveMetrics;
use crate::engine::context::QueryContext;
use crate::engine::metric_row::{MetricRow, MetricValue};
use crate::formats::recording::UNSENT;
use crate::formats::scan::looks_like_text;
use crate::formats::sdk::definitions::{self, DefinedMetric, METRICS_SECTION};
use crate::formats::sdk::{SdkCarrier, read};
use crate::model::build_id::BuildId;
use crate::model::device_message::{DeviceMessage, Heartbeat, MessageBody};
use crate::model::metric::MetricDefinition;
use crate::model::progress::Unattended;
use std::collections::{BTreeMap, VecDeque};

/// A message is looked for so far back: its parts may stand between other lines.
const BACK: usize = 256 << 10;
/// Heartbeats that wait for their ELF.
const WAITING_MAX: usize = 600;

/// Messages that may come a second time: sent, and read out of the board's memory.
const TWICE_MAX: usize = 64;

/// The builds that boards say they run, as far as their ELF files are at hand.
#[derive(Default)]
pub(super) struct Builds {
    known: BTreeMap<BuildId, Option<Build>>,
    last: Option<BuildId>,
    is_new: bool,
    /// The last heartbeats, and whether they were read out of a memory.
    lately: VecDeque<(bool, DeviceMessage)>,
}

struct Build {
    elf: String,
    metrics: Vec<DefinedMetric>,
}

/// Finds heartbeats.
#[derive(Default)]
pub(super) struct HeartbeatReader {
    /// They were read out of the board's memory.
    is_pulled: bool,
    n_read: usize,
    /// Where the last message ended: they are found in the order of their ends.
    last_end: u64,
    /// When each came, nanoseconds since the session began.
    waiting: VecDeque<(i64, DeviceMessage)>,
}

impl Builds {
    /// Notes that a board says that it runs a build.
    pub(super) fn note(&mut self, context: &QueryContext, build: &BuildId) {
        if self.last.as_ref() != Some(build) {
            self.last = Some(build.clone());
            self.is_new = true;
        }
        if !self.known.contains_key(build) {
            self.known.insert(build.clone(), find(context, build));
        }
    }

    /// Looks again for what was not at hand; true when something is by now.
    pub(super) fn look_again(&mut self, context: &QueryContext) -> bool {
        let mut is_new = false;
        for (id, build) in self.known.iter_mut().filter(|(_, build)| build.is_none()) {
            *build = find(context, id);
            is_new |= build.is_some();
        }
        is_new
    }

    /// True once after a board said something new.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.is_new)
    }

    /// What the board runs.
    pub(super) fn shown(&self, context: &QueryContext) -> BoardBuild {
        let Some(id) = &self.last else {
            let only = context.build_for_text(None, "").ok();
            let only = only.and_then(|(matched, _why)| matched.files.into_iter().next());
            return only.map_or(BoardBuild::Unknown, |elf| BoardBuild::Assumed {
                elf: file_name(elf.name()),
            });
        };
        let build = id.short();
        match self.known.get(id) {
            Some(Some(known)) => BoardBuild::Matching {
                build,
                elf: known.elf.clone(),
            },
            _ => BoardBuild::Missing { build },
        }
    }

    /// True for a heartbeat that came already in the other way.
    fn came(&mut self, is_pulled: bool, message: &DeviceMessage) -> bool {
        let mut lately = self.lately.iter();
        let came = lately.any(|(was_pulled, other)| {
            *was_pulled != is_pulled && other.sender == message.sender && other.body == message.body
        });
        if !came {
            self.lately.push_back((is_pulled, message.clone()));
            let n_extra = self.lately.len().saturating_sub(TWICE_MAX);
            self.lately.drain(..n_extra);
        }
        came
    }

    fn metrics(&self, message: &DeviceMessage) -> Option<&[DefinedMetric]> {
        let build = message.sender.build_id.as_ref()?;
        Some(&self.known.get(build)?.as_ref()?.metrics)
    }
}

fn find(context: &QueryContext, id: &BuildId) -> Option<Build> {
    let file = context.symbol_file(id)?;
    let metrics = file.section(METRICS_SECTION);
    let metrics = metrics.map_or_else(Vec::new, |(at, section)| definitions::metrics(at, section));
    Some(Build {
        elf: file_name(file.name()),
        metrics,
    })
}

fn file_name(path: &str) -> String {
    let name = path.rsplit(['/', '\\']).next();
    name.unwrap_or(path).to_owned()
}

impl HeartbeatReader {
    /// Of a stream of this kind ([`Stream::link`](crate::formats::recording::Stream::link)).
    pub(super) fn of(kind: &str) -> Self {
        Self {
            is_pulled: kind == UNSENT,
            ..Self::default()
        }
    }

    /// Reads what is new of all that came.
    pub(super) fn read(
        &mut self,
        context: &QueryContext,
        bytes: &[u8],
        now_ns: i64,
        builds: &mut Builds,
        metrics: &mut LiveMetrics,
    ) {
        let from = self.n_read.saturating_sub(BACK);
        self.n_read = bytes.len();
        let new = bytes.get(from..).unwrap_or(&[]);
        let carrier = if looks_like_text(new) {
            SdkCarrier::Lines
        } else {
            SdkCarrier::Cobs
        };
        // Nobody cancels it.
        let Ok(found) = read(new, carrier, &Unattended) else {
            return;
        };
        for message in found.messages {
            let end = message.place.end.saturating_add(from as u64);
            if end <= self.last_end {
                continue;
            }
            self.last_end = end;
            if let Some(build) = &message.sender.build_id {
                builds.note(context, build);
            }
            let is_heartbeat = matches!(message.body, MessageBody::Heartbeat(_));
            if !is_heartbeat || builds.came(self.is_pulled, &message) {
                continue;
            }
            if let Some(defined) = builds.metrics(&message) {
                push(defined, &message, now_ns, metrics);
            } else {
                self.waiting.push_back((now_ns, message));
                let n_extra = self.waiting.len().saturating_sub(WAITING_MAX);
                self.waiting.drain(..n_extra);
            }
        }
    }

    /// Reads the heartbeats that waited for their ELF.
    pub(super) fn read_waiting(&mut self, builds: &Builds, metrics: &mut LiveMetrics) {
        let waiting = std::mem::take(&mut self.waiting);
        for (at, message) in waiting {
            match builds.metrics(&message) {
                Some(defined) => push(defined, &message, at, metrics),
                None => self.waiting.push_back((at, message)),
            }
        }
    }

    /// Heartbeats whose ELF is not at hand.
    pub(super) fn n_waiting(&self) -> u64 {
        self.waiting.len() as u64
    }
}

fn push(defined: &[DefinedMetric], message: &DeviceMessage, at: i64, metrics: &mut LiveMetrics) {
    let MessageBody::Heartbeat(heartbeat) = &message.body else {
        return;
    };
    for metric in defined {
        push_one(metric, heartbeat, at, metrics);
    }
}

fn push_one(metric: &DefinedMetric, heartbeat: &Heartbeat, at: i64, metrics: &mut LiveMetrics) {
    let sent = MetricValue::in_heartbeat(metric, heartbeat);
    let definition: &MetricDefinition = &metric.definition;
    let row = MetricRow::of_metric(definition, sent, &MetricRow::default());
    let name = definition.name.as_str();
    let value = match &row.value {
        Some(MetricValue::Integer(number)) => Some(*number as f64),
        Some(MetricValue::Float(number)) => Some(*number),
        Some(MetricValue::Text(text)) => {
            metrics.push_text(name, at, text);
            return;
        }
        None => None,
    };
    let range = definition.min.zip(definition.max);
    metrics.push(name, definition.unit.as_deref(), range, at, value);
    if let Some(words) = &row.value_name {
        metrics.say(name, words);
    }
}
