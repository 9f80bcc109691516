//! Live sessions of the window: links are opened, listened to and recorded on threads of their own, until somebody ends it. Then
//! the recording is taken into the workspace.

mod replay;

use crate::engine::Engine;
use crate::engine::command::{Command, Control};
use crate::engine::event::EventSender;
use crate::engine::file_bytes::Access;
use crate::engine::import::import_paths;
use crate::engine::import_summary::ImportSummary;
use crate::engine::job::{JobContext, JobError, JobResult, bug_text};
use crate::engine::live::board::{Board, Ended, LiveView, Phase, Refused, SoFar};
use crate::engine::live::choice::{LinkChoice, remember};
use crate::engine::live::listener::{Listener, Show};
use crate::engine::live::{
    LinkError, LiveSession, Observing, Order, Orders, Recorder, Watch, WatchList, recording_beside,
    watched_names,
};
use crate::engine::workspace;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::SystemTime;

/// The live session of an engine: one at a time.
#[derive(Clone, Default)]
pub(in crate::engine) struct Desk {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    running: Mutex<Option<Running>>,
    view: Mutex<Arc<LiveView>>,
}

/// A session that goes on.
struct Running {
    is_over: Arc<AtomicBool>,
    orders: Vec<Orders>,
    recording: PathBuf,
    watches: WatchList,
    thread: JoinHandle<Over>,
    /// What comes is told out of a recording: nothing new is left when it ends.
    is_replay: bool,
}

/// How a session ended.
struct Over {
    /// What went wrong, if anything did.
    trouble: Option<String>,
    /// Nothing but what became of the links is in the recording.
    is_empty: bool,
}

impl Over {
    /// It ended with a bug; what was recorded stays.
    fn with_bug(panic: &(dyn std::any::Any + Send)) -> Self {
        Self {
            trouble: Some(bug_text(panic)),
            is_empty: false,
        }
    }
}

impl Desk {
    /// What there is to say of live sessions. Never waits.
    pub(in crate::engine) fn view(&self) -> Arc<LiveView> {
        Arc::clone(&lock(&self.inner.view))
    }

    /// Carries out a command of live sessions.
    pub(in crate::engine) fn run(
        &self,
        engine: &Engine,
        command: &Command,
        job: &JobContext,
    ) -> JobResult {
        match command {
            Command::Connect { links } => self.connect(engine, links),
            Command::Disconnect => self.disconnect(engine, job),
            Command::SendToBoard { link, bytes } => self.send(*link, bytes),
            Command::Control { link, what } => self.control(engine, *link, what),
            Command::Watch { asked } => self.watch(engine, asked),
            Command::Unwatch { name } => self.unwatch(engine, name),
            Command::TakeSoFar => self.take_so_far(engine, job),
            Command::Replay { path, from_ns } => self.replay(engine, path, *from_ns, job),
            other => Err(JobError::Failed(format!(
                "{} is nothing of a live session.",
                other.label()
            ))),
        }
    }

    /// Opens links and listens to them from now on.
    fn connect(&self, engine: &Engine, links: &[LinkChoice]) -> JobResult {
        let mut running = lock(&self.inner.running);
        if running.is_some() {
            return Err(JobError::Failed(
                "A board is connected already. Disconnect it first.".to_owned(),
            ));
        }
        self.change(|view| view.opening = links.iter().map(LinkChoice::title).collect());
        engine.events.wake();
        let begun = self.begin(engine, links);
        self.change(|view| view.opening.clear());
        let titles: Vec<String> = links.iter().map(LinkChoice::title).collect();
        *running = Some(begun?);
        drop(running);
        // Where nothing can be kept, the links have to be chosen again next time.
        _ = remember(&engine.workspace().context(), links);
        Ok(format!("Connected to {}", titles.join(" and ")))
    }

    fn begin(&self, engine: &Engine, links: &[LinkChoice]) -> Result<Running, JobError> {
        let refused = |error: LinkError| {
            let words = error.to_string();
            let links = links.to_vec();
            self.change(|view| view.refused = Some(Arc::new(Refused { links, error })));
            JobError::Failed(format!("Not connected: {words}."))
        };
        let failed = |error: io::Error, what: String| {
            refused(LinkError::Failed {
                what,
                said: error.to_string(),
            })
        };
        let mut to_open = Vec::with_capacity(links.len());
        for link in links {
            let kind = link.checked().map_err(refused)?;
            to_open.push((kind, link.settings.clone()));
        }
        if to_open.is_empty() {
            return Err(JobError::Failed("No link was chosen.".to_owned()));
        }
        let session = LiveSession::open(to_open).map_err(refused)?;
        let elfs = watched_names::elfs(&engine.workspace().context());
        let asked = watched_names::asked(&engine.workspace().context());
        let watches = WatchList::new(watched_names::found(&elfs, &asked));
        let session = session.observing(Observing {
            elfs,
            watches: watches.clone(),
        });
        let streams = session.streams().collect();
        let orders = (0..links.len()).filter_map(|at| session.orders(at));
        let orders: Vec<_> = orders.collect();
        let context = engine.workspace().context();
        let started_at = workspace::now();
        let recording = recording_beside(context.path(), &started_at);
        let of_file = |error| failed(error, format!("The recording {}", recording.display()));
        let recorder = Recorder::create(&recording, started_at).map_err(of_file)?;
        let show = self.fresh_view(engine);
        let listener = Listener::new(context, &streams, &recording, watches.clone(), None, show);
        let mut listener = listener.map_err(of_file)?;
        listener.begin();
        let run = move |over: &AtomicBool| listen(session, recorder, listener, over);
        let (is_over, thread) = start(engine, run)
            .map_err(|error| failed(error, "A thread for the session".to_owned()))?;
        Ok(Running {
            is_over,
            orders,
            recording,
            watches,
            thread,
            is_replay: false,
        })
    }

    /// What was shown before is gone; shows what comes.
    fn fresh_view(&self, engine: &Engine) -> Show {
        engine.workspace().context().live_logs().forget_links();
        self.change(|view| {
            view.refused = None;
            view.board = None;
        });
        let desk = self.clone();
        let events = engine.events.clone();
        Box::new(move |board| desk.show(board, &events))
    }

    /// Ends the session and takes its recording into the workspace.
    fn disconnect(&self, engine: &Engine, job: &JobContext) -> JobResult {
        let Some(running) = lock(&self.inner.running).take() else {
            return Ok("No board is connected".to_owned());
        };
        self.change_board(|board| board.phase = Phase::Ending);
        engine.events.wake();
        running.is_over.store(true, Ordering::Relaxed);
        let ended = running.thread.join();
        let ended = ended.unwrap_or_else(|panic| Over::with_bug(panic.as_ref()));
        let trouble = ended.trouble;
        let path = running.recording.display();
        // With nothing in it there is nothing to import, and a recording that is told again was imported when it was made.
        let taken = if ended.is_empty || running.is_replay {
            Ok(None)
        } else {
            self.take_in(engine, running.recording.clone(), job)
                .map(Some)
        };
        let (capture, problem, said) = match taken {
            Ok(Some(summary)) => {
                let capture = summary.captures.first().copied();
                (capture, trouble, Ok(summary.sentence()))
            }
            Ok(None) if running.is_replay => (None, trouble, Ok("The replay was ended".to_owned())),
            Ok(None) => (
                None,
                trouble,
                Ok("Disconnected; nothing had come".to_owned()),
            ),
            Err(error) => {
                let why =
                    format!("{path} was not taken into the workspace: {error}. Import it later.");
                (None, Some(why), Err(error))
            }
        };
        self.change_board(|board| {
            board.phase = Phase::Ended(Ended {
                at: SystemTime::now(),
                capture,
                trouble: problem,
            });
        });
        engine.events.wake();
        said
    }

    /// Takes what was recorded so far into the workspace, so that its crash can be looked at while the session goes on.
    fn take_so_far(&self, engine: &Engine, job: &JobContext) -> JobResult {
        let recording = lock(&self.inner.running)
            .as_ref()
            .map(|running| running.recording.clone());
        let Some(recording) = recording else {
            return Err(JobError::Failed(
                "No board is connected. Its recording is in the workspace.".to_owned(),
            ));
        };
        let n_crashes = self
            .view()
            .board
            .as_deref()
            .map_or(0, |board| board.crashes.len());
        let summary = self.take_in(engine, recording, job)?;
        if let Some(capture) = summary.captures.first().copied() {
            self.change_board(|board| board.so_far = Some(SoFar { capture, n_crashes }));
        }
        Ok(summary.sentence())
    }

    /// Imports the recording as it is now; what was imported of it before is replaced, so that no crash counts twice.
    fn take_in(
        &self,
        engine: &Engine,
        recording: PathBuf,
        job: &JobContext,
    ) -> Result<ImportSummary, JobError> {
        let workspace = engine.workspace();
        let access = Access::Copy(workspace.folder());
        let summary = import_paths(workspace, &[recording], access, job)?;
        let before = self.view().board.as_deref().and_then(|board| board.so_far);
        if let Some(before) = before.filter(|before| !summary.captures.contains(&before.capture)) {
            workspace
                .remove_capture(before.capture)
                .map_err(|error| JobError::Failed(error.to_string()))?;
        }
        Ok(summary)
    }

    /// Watches a number, in this session and in those that come.
    fn watch(&self, engine: &Engine, asked: &str) -> JobResult {
        let context = engine.workspace().context();
        let failed = |why: String| JobError::Failed(format!("Not watched: {why}."));
        let found = Watch::find(&watched_names::elfs(&context), asked).map_err(failed)?;
        let name = found.number.name.clone();
        if let Some(running) = lock(&self.inner.running).as_ref()
            && !running.watches.add(found)
        {
            return Err(failed("there are too many numbers".to_owned()));
        }
        let mut all = watched_names::asked(&context);
        all.retain(|other| watched_names::name_of(other) != name);
        all.push(asked.to_owned());
        let kept = watched_names::remember(&context, &all);
        kept.map_err(|error| JobError::Failed(error.to_string()))?;
        Ok(format!("{name} is watched"))
    }

    /// Watches a number no longer.
    fn unwatch(&self, engine: &Engine, name: &str) -> JobResult {
        let context = engine.workspace().context();
        if let Some(running) = lock(&self.inner.running).as_ref() {
            running.watches.remove(name);
        }
        let mut all = watched_names::asked(&context);
        all.retain(|other| watched_names::name_of(other) != name);
        let kept = watched_names::remember(&context, &all);
        kept.map_err(|error| JobError::Failed(error.to_string()))?;
        Ok(format!("{name} is watched no longer"))
    }

    /// Sends bytes over a link of the session.
    fn send(&self, link: usize, bytes: &[u8]) -> JobResult {
        let running = lock(&self.inner.running);
        let orders = running.as_ref().and_then(|it| it.orders.get(link));
        let is_sent = orders.is_some_and(|orders| orders.give(Order::Send(bytes.to_vec())));
        if !is_sent {
            return Err(JobError::Failed(
                "Nothing was sent: no board is connected.".to_owned(),
            ));
        }
        Ok(format!("{} bytes sent", bytes.len()))
    }

    /// Does something to the processor behind a link.
    fn control(&self, engine: &Engine, link: usize, asked: &Control) -> JobResult {
        let failed = |why: String| JobError::Failed(format!("Not done: {why}."));
        let order = match asked {
            Control::Halt => Order::Halt,
            Control::Run => Order::Run,
            Control::Step => Order::Step,
            Control::Reset => Order::Reset,
            Control::Undo => Order::Undo,
            Control::Write(text) if !text.contains('=') => {
                return Err(failed(
                    "write NAME = VALUE, as in state.rssi = -57".to_owned(),
                ));
            }
            Control::Write(text) => {
                let elfs = watched_names::elfs(&engine.workspace().context());
                Order::of(text, &elfs).map_err(failed)?
            }
        };
        let running = lock(&self.inner.running);
        let orders = running.as_ref().and_then(|it| it.orders.get(link));
        if !orders.is_some_and(|orders| orders.give(order)) {
            return Err(failed("no board is connected".to_owned()));
        }
        Ok("The board was asked".to_owned())
    }

    fn show(&self, board: Board, events: &EventSender) {
        self.change(|view| {
            let before = view.board.as_deref();
            let so_far = before.and_then(|before| before.so_far);
            let phase = before.map_or(Phase::Live, |before| before.phase.clone());
            view.board = Some(Arc::new(Board {
                phase,
                so_far,
                ..board
            }));
        });
        events.wake();
    }

    fn change_board(&self, change: impl FnOnce(&mut Board)) {
        self.change(|view| {
            if let Some(board) = &mut view.board {
                change(Arc::make_mut(board));
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut LiveView)) {
        change(Arc::make_mut(&mut *lock(&self.inner.view)));
    }
}

/// Runs a session on a thread of its own; what ends it.
fn start(
    engine: &Engine,
    run: impl FnOnce(&AtomicBool) -> Over + Send + 'static,
) -> io::Result<(Arc<AtomicBool>, JoinHandle<Over>)> {
    let is_over = Arc::new(AtomicBool::new(false));
    let over = Arc::clone(&is_over);
    let engine = engine.clone();
    let run = move || {
        let ended = catch_unwind(AssertUnwindSafe(|| run(&over)));
        let ended = ended.unwrap_or_else(|panic| Over::with_bug(panic.as_ref()));
        if !over.load(Ordering::Relaxed) {
            // It ended by itself.
            engine.submit(Command::Disconnect);
        }
        ended
    };
    let thread = std::thread::Builder::new().name("live session".to_owned());
    Ok((is_over, thread.spawn(run)?))
}

/// Listens until it is over.
fn listen(
    session: LiveSession<'static>,
    recorder: Recorder,
    mut listener: Listener,
    over: &AtomicBool,
) -> Over {
    let is_over = || over.load(Ordering::Relaxed);
    let ended = session.run(recorder, is_over, |heard| listener.hear(heard));
    let trouble = listener.finish();
    match ended {
        Ok(summary) => Over {
            trouble,
            is_empty: summary.is_empty(),
        },
        Err(error) => Over {
            trouble: Some(format!("{error}.")),
            is_empty: false,
        },
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
