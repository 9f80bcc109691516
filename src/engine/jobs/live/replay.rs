//! A recording that is told again in the window, as if its board were there.

use super::{Desk, Over, Running, lock, start};
use crate::engine::Engine;
use crate::engine::file_bytes::{Access, FileBytes};
use crate::engine::job::{JobContext, JobError, JobResult};
use crate::engine::live::board::Replay;
use crate::engine::live::listener::Listener;
use crate::engine::live::{Heard, Pace, Script, WatchList, is_link, is_recording, replay};
use crate::model::warning::Warning;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// After its end it is looked so often whether somebody ended it.
const TICK: Duration = Duration::from_millis(50);

impl Desk {
    /// Tells a recording again, from its beginning; a replay that goes on is ended.
    pub(super) fn replay(
        &self,
        engine: &Engine,
        path: &Path,
        from_ns: i64,
        job: &JobContext,
    ) -> JobResult {
        let failed = |why: String| JobError::Failed(format!("No replay: {why}."));
        let is_replay = lock(&self.inner.running).as_ref().map(|it| it.is_replay);
        match is_replay {
            Some(false) => {
                return Err(failed(
                    "a board is connected. Disconnect it first".to_owned(),
                ));
            }
            Some(true) => drop(self.disconnect(engine, job)?),
            None => {}
        }
        let name = path.display();
        let context = engine.workspace().context();
        let bytes = FileBytes::of_file(path, Access::Copy(context.folder()), job)
            .map_err(|error| failed(format!("{error}: {name}")))?;
        if !is_recording(&bytes) {
            return Err(failed(format!(
                "{name} is no recording of a live session (.fscap)"
            )));
        }
        let script = Script::of(&bytes, job).map_err(|_cancelled| JobError::Cancelled)?;
        let mut links = script.streams.clone();
        links.retain(|number, _| is_link(*number));
        let told = Arc::new(Replay {
            script,
            pace: Pace::new(Some(1.0)),
        });
        if from_ns > 0 {
            told.pace.go_to(from_ns);
        }
        let mut running = lock(&self.inner.running);
        if running.is_some() {
            return Err(failed("a board was connected meanwhile".to_owned()));
        }
        let show = self.fresh_view(engine);
        let watches = WatchList::default();
        let listener = Listener::new(
            context,
            &links,
            path,
            watches.clone(),
            Some(Arc::clone(&told)),
            show,
        );
        let listener = listener.map_err(|error| failed(error.to_string()))?;
        let run = move |over: &AtomicBool| tell(&bytes, &told, listener, over);
        let (is_over, thread) = start(engine, run).map_err(|error| failed(error.to_string()))?;
        *running = Some(Running {
            is_over,
            orders: Vec::new(),
            recording: path.to_owned(),
            watches,
            thread,
            is_replay: true,
        });
        Ok(format!("Replaying {name}"))
    }
}

/// Tells all of it, and stays at its end until somebody ends it.
fn tell(bytes: &FileBytes, told: &Replay, mut listener: Listener, over: &AtomicBool) -> Over {
    listener.begin();
    let is_over = || over.load(Ordering::Relaxed);
    let warnings = replay(bytes, &told.pace, is_over, |heard| listener.hear(heard));
    while !is_over() {
        listener.hear(Heard::Silence);
        std::thread::sleep(TICK);
    }
    let damage = warnings.first().map(|warning: &Warning| {
        let offset = warning.offset.unwrap_or_default();
        format!("At byte {offset} of the recording: {}.", warning.message)
    });
    Over {
        trouble: listener.finish().or(damage),
        is_empty: true,
    }
}
