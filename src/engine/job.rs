//! Jobs: long work on named threads, with progress, cancel, and a panic that becomes a failed job.

use super::event::{Event, EventSender};
use crate::model::progress::{Cancelled, Progress};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Progress reaches the window at most this often.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);
/// Finished jobs that are remembered for the jobs list.
const REMEMBERED: usize = 50;

/// A job of this engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub u64);

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// Done, with one sentence of what came out.
    Done(String),
    /// Stopped by the user; what had been stored stays.
    Cancelled,
    /// Failed, with what happened and what to do.
    Failed(String),
}

/// One line of the jobs list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobStatus {
    /// Which job.
    pub id: JobId,
    /// What it does: `Import demo-bundle.zip`.
    pub label: String,
    /// Units done.
    pub done: u64,
    /// Units in all; 0 while that is not known.
    pub total: u64,
    /// What is counted: `bytes`, `files`, `crashes`.
    pub unit: &'static str,
    /// `None` while it runs.
    pub outcome: Option<JobOutcome>,
    /// What it is working on right now.
    pub detail: String,
}

/// What a job may return.
pub type JobResult = Result<String, JobError>;

/// Why a job did not finish.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// The user cancelled it.
    #[error("cancelled")]
    Cancelled,
    /// It failed, in words.
    #[error("{0}")]
    Failed(String),
}

impl From<Cancelled> for JobError {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Every job that runs or ran lately.
#[derive(Clone, Default)]
pub struct Jobs {
    inner: Arc<JobsInner>,
}

#[derive(Default)]
struct JobsInner {
    next: AtomicU64,
    table: Mutex<BTreeMap<JobId, Entry>>,
    changed: Condvar,
}

struct Entry {
    status: JobStatus,
    cancel: Arc<AtomicBool>,
}

/// Passed to the work: progress, cancellation and what it is busy with.
pub struct JobContext {
    id: JobId,
    jobs: Jobs,
    cancel: Arc<AtomicBool>,
    events: EventSender,
    last: Mutex<Option<Instant>>,
}

impl Jobs {
    /// Runs `work` on a thread of its own.
    pub fn start(
        &self,
        events: &EventSender,
        label: &str,
        unit: &'static str,
        work: impl FnOnce(&JobContext) -> JobResult + Send + 'static,
    ) -> JobId {
        let id = JobId(self.inner.next.fetch_add(1, Ordering::Relaxed) + 1);
        let cancel = Arc::new(AtomicBool::new(false));
        let status = JobStatus {
            id,
            label: label.to_owned(),
            done: 0,
            total: 0,
            unit,
            outcome: None,
            detail: String::new(),
        };
        self.table().insert(
            id,
            Entry {
                status,
                cancel: Arc::clone(&cancel),
            },
        );
        let context = JobContext {
            id,
            jobs: self.clone(),
            cancel,
            events: events.clone(),
            last: Mutex::new(None),
        };
        events.send(Event::JobStarted(id));
        let run = move || {
            let outcome = match catch_unwind(AssertUnwindSafe(|| work(&context))) {
                Ok(Ok(sentence)) => JobOutcome::Done(sentence),
                Ok(Err(JobError::Cancelled)) => JobOutcome::Cancelled,
                Ok(Err(JobError::Failed(error))) => JobOutcome::Failed(error),
                Err(panic) => JobOutcome::Failed(bug_text(panic.as_ref())),
            };
            context.jobs.finish(id, &outcome);
            context.events.send(Event::JobFinished { job: id, outcome });
        };
        if let Err(error) = std::thread::Builder::new()
            .name(format!("job {label}"))
            .spawn(run)
        {
            let outcome = JobOutcome::Failed(format!("no thread could be started for it: {error}"));
            self.finish(id, &outcome);
            events.send(Event::JobFinished { job: id, outcome });
        }
        id
    }

    /// Asks a job to stop; it does at its next step.
    pub fn cancel(&self, id: JobId) {
        if let Some(entry) = self.table().get(&id) {
            entry.cancel.store(true, Ordering::Relaxed);
        }
    }

    /// Asks all jobs to stop.
    pub fn cancel_all(&self) {
        self.table()
            .values()
            .for_each(|entry| entry.cancel.store(true, Ordering::Relaxed));
    }

    /// Every job, newest first.
    pub fn list(&self) -> Vec<JobStatus> {
        self.table()
            .values()
            .rev()
            .map(|entry| entry.status.clone())
            .collect()
    }

    /// True when none runs.
    pub fn is_idle(&self) -> bool {
        self.table()
            .values()
            .all(|entry| entry.status.outcome.is_some())
    }

    /// Waits until a job has ended.
    pub fn wait(&self, id: JobId) -> Option<JobOutcome> {
        let mut table = self.table();
        loop {
            match table.get(&id) {
                None => return None,
                Some(Entry {
                    status:
                        JobStatus {
                            outcome: Some(outcome),
                            ..
                        },
                    ..
                }) => {
                    return Some(outcome.clone());
                }
                Some(_) => {
                    table = self
                        .inner
                        .changed
                        .wait(table)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn finish(&self, id: JobId, outcome: &JobOutcome) {
        let mut table = self.table();
        if let Some(entry) = table.get_mut(&id) {
            entry.status.outcome = Some(outcome.clone());
        }
        let finished: Vec<JobId> = table
            .iter()
            .filter(|(_, e)| e.status.outcome.is_some())
            .map(|(id, _)| *id)
            .collect();
        for old in finished
            .iter()
            .take(finished.len().saturating_sub(REMEMBERED))
        {
            table.remove(old);
        }
        drop(table);
        self.inner.changed.notify_all();
    }

    fn table(&self) -> MutexGuard<'_, BTreeMap<JobId, Entry>> {
        self.inner
            .table
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl JobContext {
    /// Says what the job is busy with.
    pub fn detail(&self, text: impl Into<String>) {
        if let Some(entry) = self.jobs.table().get_mut(&self.id) {
            entry.status.detail = text.into();
        }
    }

    /// The sender of events, for jobs that change the workspace.
    pub fn events(&self) -> &EventSender {
        &self.events
    }
}

impl Progress for JobContext {
    fn tick(&self, done: u64, total: u64) -> Result<(), Cancelled> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(Cancelled);
        }
        let now = Instant::now();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|at| now.duration_since(at) >= PROGRESS_INTERVAL) {
            *last = Some(now);
            if let Some(entry) = self.jobs.table().get_mut(&self.id) {
                entry.status.done = done;
                entry.status.total = total;
            }
            self.events.send(Event::JobProgress(self.id));
        }
        Ok(())
    }
}

/// The text of a caught panic: a bug of ours, said as such.
pub fn bug_text(panic: &(dyn std::any::Any + Send)) -> String {
    let what = panic
        .downcast_ref::<&str>()
        .map(|s| (*s).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("FS-BUG-001: a bug in Fieldscope: {what}. The input is untouched; please report it.")
}

#[cfg(test)]
mod tests {
    use super::{JobError, JobOutcome, Jobs};
    use crate::engine::event::{Event, channel};
    use crate::model::progress::Progress as _;
    use std::sync::Arc;

    #[test]
    fn a_job_reports_its_outcome_even_when_it_panics() {
        let (sender, receiver) = channel(Arc::new(|| {}));
        let jobs = Jobs::default();
        let good = jobs.start(&sender, "good", "files", |_| Ok("3 files".into()));
        let bad = jobs.start(&sender, "bad", "files", |_| panic!("index 7"));
        let failed = jobs.start(&sender, "failed", "files", |_| {
            Err(JobError::Failed("disk".into()))
        });
        assert_eq!(jobs.wait(good), Some(JobOutcome::Done("3 files".into())));
        assert!(
            matches!(jobs.wait(bad), Some(JobOutcome::Failed(text)) if text.contains("index 7"))
        );
        assert_eq!(jobs.wait(failed), Some(JobOutcome::Failed("disk".into())));
        let finished = std::iter::repeat_with(|| receiver.drain())
            .flatten()
            .filter(|e| matches!(e, Event::JobFinished { .. }))
            .take(3)
            .count();
        assert_eq!(finished, 3);
    }

    #[test]
    fn a_cancelled_job_stops_at_its_next_step() {
        let (sender, _receiver) = channel(Arc::new(|| {}));
        let jobs = Jobs::default();
        let id = jobs.start(&sender, "endless", "steps", |job| {
            for step in 0.. {
                job.tick(step, 0)?;
                std::thread::yield_now();
            }
            Ok(String::new())
        });
        jobs.cancel(id);
        assert_eq!(jobs.wait(id), Some(JobOutcome::Cancelled));
        assert!(jobs.is_idle());
    }
}
