//! Logs of the workspace that are merged: the last few views stay open, and the offsets of logs are kept.

use super::context::QueryContext;
use super::logs::merge::{MOST_LOGS, MergedSession, Opened};
use super::logs::session::LogSession;
use super::logs::view::{LogKey, MergedLog};
use super::query::QueryError;
use crate::model::progress::Unattended;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The setting of the workspace that holds the offsets.
const SETTING: &str = "log_offsets";
/// Views that stay open.
const KEPT_VIEWS: usize = 2;
/// Offsets that are kept; the ones set last.
const MOST_OFFSETS: usize = 1000;

/// Views of several logs.
#[derive(Default)]
pub(super) struct MergedLogs {
    kept: Mutex<Kept>,
    /// Held while a view is made: what two questions ask for at the same time is made once.
    making: Mutex<()>,
}

#[derive(Default)]
struct Kept {
    views: Vec<View>,
    /// Grows whenever they are forgotten: a view that was begun before is not kept.
    epoch: u64,
}

#[derive(Clone)]
struct View {
    keys: Vec<LogKey>,
    session: Arc<MergedSession>,
}

impl MergedLogs {
    /// These logs, merged.
    pub(super) fn get(
        &self,
        context: &QueryContext,
        logs: &[MergedLog],
    ) -> Result<Arc<MergedSession>, QueryError> {
        if logs.len() > MOST_LOGS {
            return Err(QueryError::Unanswerable(format!(
                "FS-LOG-008: {} logs are too many to be merged. Merge at most {MOST_LOGS}.",
                logs.len()
            )));
        }
        let _making = self.making.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody who only wants to forget waits for what is made.
        let (views, epoch) = {
            let kept = self.lock();
            (kept.views.clone(), kept.epoch)
        };
        let keys: Vec<LogKey> = logs.iter().map(|log| log.key.clone()).collect();
        let offsets: Vec<i64> = logs.iter().map(|log| log.offset_ns).collect();
        let mut opened = Vec::with_capacity(logs.len());
        for log in logs {
            opened.push(match part_of(&views, &log.key) {
                Some(known) => known,
                None => context.log(&log.key)?,
            });
        }
        let is_same = |view: &&View| {
            let own = view.session.logs().map(|part| &part.log);
            view.keys == keys && own.zip(&opened).all(|(own, log)| Arc::ptr_eq(own, log))
        };
        let known = views.iter().find(is_same).cloned();
        let session = match known {
            Some(view)
                if view
                    .session
                    .logs()
                    .map(|part| part.offset_ns)
                    .eq(offsets.iter().copied()) =>
            {
                return Ok(view.session);
            }
            Some(view) => view.session.with_offsets(&offsets, &Unattended)?,
            None => {
                let names = short_names(context, &keys)?;
                let parts = names.into_iter().zip(opened).zip(&offsets);
                let parts = parts.map(|((name, log), offset_ns)| Opened {
                    name,
                    log,
                    offset_ns: *offset_ns,
                });
                MergedSession::new(parts.collect(), &Unattended)?
            }
        };
        let session = Arc::new(session);
        let mut kept = self.lock();
        if kept.epoch == epoch {
            kept.views.retain(|view| view.keys != keys);
            let view = View {
                keys,
                session: Arc::clone(&session),
            };
            kept.views.insert(0, view);
            kept.views.truncate(KEPT_VIEWS);
        }
        Ok(session)
    }

    /// Forgets what is open: the workspace changed.
    pub(super) fn forget(&self) {
        let mut kept = self.lock();
        kept.views.clear();
        kept.epoch = kept.epoch.wrapping_add(1);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A log that a view holds open. One that grows is asked for anew.
fn part_of(views: &[View], key: &LogKey) -> Option<Arc<LogSession>> {
    if !matches!(key, LogKey::InCapture { .. }) {
        return None;
    }
    views.iter().find_map(|view| {
        let mut parts = view.keys.iter().zip(view.session.logs());
        parts
            .find(|(own, _)| *own == key)
            .map(|(_, part)| Arc::clone(&part.log))
    })
}

/// A name for each log, as short as tells them apart: its device, else its file, else both.
fn short_names(context: &QueryContext, keys: &[LogKey]) -> Result<Vec<String>, QueryError> {
    let captures = context.reader()?.captures()?;
    let names: Vec<[String; 3]> = keys
        .iter()
        .map(|key| match key {
            LogKey::InCapture { capture, path } => {
                let row = captures.iter().find(|row| row.id.0 == *capture);
                let device = row.and_then(|row| row.serial.clone()).unwrap_or_default();
                let capture = row.map_or_else(|| capture.to_string(), |row| row.name.clone());
                [device, file_name(path), format!("{path} of {capture}")]
            }
            LogKey::OnDisk { path } => {
                let path = path.display().to_string();
                [String::new(), file_name(&path), path]
            }
            LogKey::Merged { .. } => Default::default(),
        })
        .collect();
    let tells_apart = |index: &usize| {
        let of_index = names.iter().filter_map(|names| names.get(*index));
        let distinct: BTreeSet<&String> = of_index.filter(|name| !name.is_empty()).collect();
        distinct.len() == names.len()
    };
    let index = [0, 1].into_iter().find(tells_apart).unwrap_or(2);
    Ok(names
        .into_iter()
        .map(|names| names.into_iter().nth(index).unwrap_or_default())
        .collect())
}

fn file_name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

/// The offsets that were set in this workspace. A list that cannot be read counts as empty.
pub(super) fn offsets(context: &QueryContext) -> Result<Vec<MergedLog>, QueryError> {
    let text = context.reader()?.setting(SETTING)?;
    Ok(text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default())
}

/// Keeps the offsets of logs; 0 takes one away.
pub(super) fn set_offsets(context: &QueryContext, logs: &[MergedLog]) -> Result<(), QueryError> {
    let mut all = offsets(context)?;
    all.retain(|known| logs.iter().all(|log| known.key != log.key));
    let set = logs.iter().filter(|log| log.offset_ns != 0);
    all.splice(0..0, set.cloned());
    all.truncate(MOST_OFFSETS);
    let text =
        serde_json::to_string(&all).map_err(|error| QueryError::Unanswerable(error.to_string()))?;
    context.store().set_setting(SETTING, &text)?;
    Ok(())
}
