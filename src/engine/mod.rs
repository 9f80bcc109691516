//! The only door to everything below: commands, queries, jobs, events.
//!
//! Must never do: know egui or a terminal.

pub mod cached_indexes;
pub mod command;
pub mod context;
pub mod demo;
pub mod demo_fleet;
pub mod event;
pub mod examine;
pub mod file_bytes;
pub mod fleet;
pub mod fleet_import;
pub mod growing_copy;
mod hash_in_turn;
pub mod heartbeats;
pub mod import;
mod import_summary;
pub mod index_cache;
pub mod input;
mod issues;
pub mod job;
mod jobs;
pub mod live;
mod live_logs;
pub mod loadable;
mod log_marks;
mod log_opening;
pub mod logs;
pub mod matching;
mod merged_logs;
pub mod metric_edit;
pub mod metric_row;
pub mod name_source;
pub mod named_text;
pub mod one_shot;
mod opened_logs;
mod parallel;
#[cfg(feature = "gui")]
pub mod picture;
pub mod queries;
pub mod query;
pub mod recent;
pub mod render;
pub mod render_rtos;
pub mod reports;
pub mod sdk;
mod sent_series;
mod separate_debug;
pub mod settings;
pub mod source_map;
pub mod symbol_store;
pub mod symbolize;
pub mod table_export;
pub mod text_stream;
pub mod whole_file;
pub mod workspace;
mod workspace_rows;

use command::Command;
use event::{Event, EventReceiver, EventSender, Wake};
use job::{JobId, JobOutcome, JobStatus, Jobs};
use loadable::Loadable;
use query::{Query, QueryCache};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use workspace::Workspace;

/// The engine of one window: a workspace, its jobs, its query cache.
#[derive(Clone)]
pub struct Engine {
    workspace: Workspace,
    jobs: Jobs,
    queries: QueryCache,
    events: EventSender,
    receiver: Arc<EventReceiver>,
    revision: Arc<AtomicU64>,
    watch: jobs::watch::Watch,
    follows: jobs::follow::Follows,
    desk: jobs::live::Desk,
    held: fleet_import::HeldSamples,
}

impl Engine {
    /// Over an open workspace; `wake` is called from the engine's threads whenever there is something to draw.
    pub fn new(workspace: Workspace, wake: Wake) -> Self {
        let (events, receiver) = event::channel(wake);
        Self {
            workspace,
            jobs: Jobs::default(),
            queries: QueryCache::new(),
            events,
            receiver: Arc::new(receiver),
            revision: Arc::new(AtomicU64::new(1)),
            watch: jobs::watch::Watch::default(),
            follows: jobs::follow::Follows::default(),
            desk: jobs::live::Desk::default(),
            held: fleet_import::HeldSamples::default(),
        }
    }

    /// The workspace, for what needs no job.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Starts the job that carries out a command.
    pub fn submit(&self, command: Command) -> JobId {
        let label = command.label();
        let engine = self.clone();
        self.jobs
            .start(&self.events, &label, command.unit(), move |job| {
                let outcome = jobs::run(&engine, &command, job);
                // Even a cancelled import of several captures may have stored some.
                engine.data_changed();
                outcome
            })
    }

    /// Asks a job to stop.
    pub fn cancel(&self, job: JobId) {
        self.jobs.cancel(job);
    }

    /// Every job, newest first.
    pub fn jobs(&self) -> Vec<JobStatus> {
        self.jobs.list()
    }

    /// Waits for a job: tests and the command line.
    pub fn wait(&self, job: JobId) -> Option<JobOutcome> {
        self.jobs.wait(job)
    }

    /// True when no job runs and no answer is on its way.
    pub fn is_idle(&self) -> bool {
        self.jobs.is_idle() && self.queries.is_idle()
    }

    /// What happened since the last call. Never waits.
    pub fn drain_events(&self) -> Vec<Event> {
        self.receiver.drain()
    }

    /// The present answer to a question. Never waits.
    pub fn query<Q: Query>(&self, query: Q) -> Loadable<Arc<Q::Output>> {
        let context = self.workspace.context();
        let revision = self.revision.load(Ordering::Relaxed);
        let revision = revision.saturating_add(query.own_revision(&context));
        self.queries.ask(query, revision, &context, &self.events)
    }

    /// Says that a frame was drawn: answers that none of the last frames asked for are given up.
    pub fn frame_drawn(&self) {
        self.queries.frame_drawn();
    }

    /// Makes every answer out of date.
    pub fn data_changed(&self) {
        let revision = self.revision.fetch_add(1, Ordering::Relaxed) + 1;
        self.events.send(Event::DataChanged { revision });
    }

    /// True while what is appended to a file appears in its log.
    pub fn is_followed(&self, path: &std::path::Path) -> bool {
        self.follows.is_followed(path)
    }

    /// What there is to say of the board that is listened to. Never waits.
    pub fn live(&self) -> Arc<live::board::LiveView> {
        self.desk.view()
    }

    /// The fleet sample that waits until somebody says whether it is imported.
    pub fn held_sample(&self) -> Option<Arc<fleet_import::HeldSample>> {
        self.held.first()
    }

    /// The folder that is watched, if one is.
    pub fn watched_folder(&self) -> Option<std::path::PathBuf> {
        self.watch.folder()
    }
}
