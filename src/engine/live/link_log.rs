//! What came over one link: a log that grows, like one of a file that is followed, and how fast it grows.

use crate::engine::context::QueryContext;
use crate::engine::file_bytes::FileBytes;
use crate::engine::growing_copy::GrowingCopy;
use crate::engine::live_logs::{self, Growing};
use crate::engine::logs::session::LogSession;
use crate::engine::logs::view::LogKey;
use crate::model::progress::Unattended;
use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The rate is that of so long.
const RATE_OVER: Duration = Duration::from_secs(2);

/// The log of a link.
pub(super) struct LinkLog {
    path: PathBuf,
    title: String,
    copy: GrowingCopy,
    log: Option<Arc<LogSession>>,
    /// When bytes came in the last seconds, and how many.
    lately: VecDeque<(Instant, u64)>,
    is_new: bool,
}

impl LinkLog {
    /// An empty one. No file has this path: it is a name that no other log has.
    pub(super) fn new(context: &QueryContext, path: PathBuf, title: &str) -> io::Result<Self> {
        Ok(Self {
            path,
            title: title.to_owned(),
            copy: GrowingCopy::in_folder(context.folder())?,
            log: None,
            lately: VecDeque::new(),
            is_new: false,
        })
    }

    /// Takes bytes that came.
    pub(super) fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.lately.push_back((Instant::now(), bytes.len() as u64));
        self.is_new = true;
        self.copy.append(bytes)
    }

    /// Bytes that came.
    pub(super) fn n_bytes(&self) -> u64 {
        self.copy.len()
    }

    /// Bytes a second.
    pub(super) fn bytes_per_second(&mut self) -> u64 {
        while let Some((at, _)) = self.lately.front()
            && at.elapsed() > RATE_OVER
        {
            self.lately.pop_front();
        }
        let n_bytes: u64 = self.lately.iter().map(|(_, n)| n).sum();
        n_bytes / RATE_OVER.as_secs()
    }

    /// Its key, once something came.
    pub(super) fn key(&self) -> Option<LogKey> {
        let path = self.path.clone();
        self.log.as_ref().map(|_log| LogKey::OnDisk { path })
    }

    /// The log as it was shown last.
    pub(super) fn log(&self) -> Option<&LogSession> {
        self.log.as_deref()
    }

    /// It is opened anew when it is shown next: more is known of its format strings.
    pub(super) fn reopen(&mut self) {
        self.is_new |= self.log.is_some();
        self.log = None;
    }

    /// Shows what came; the bytes, if there are new ones.
    pub(super) fn show(&mut self, context: &QueryContext) -> io::Result<Option<FileBytes>> {
        if !std::mem::take(&mut self.is_new) {
            return Ok(None);
        }
        let bytes = self.copy.bytes()?;
        let name = self.path.display().to_string();
        let growing = Growing {
            name: &name,
            restarts: &[],
        };
        let log = match &self.log {
            Some(before) => live_logs::grown(context, before, &growing, bytes.clone(), &Unattended),
            None => live_logs::open(context, &growing, bytes.clone(), &Unattended),
        };
        // Nobody can cancel it, so there is always an answer.
        let log = log.map_err(|_cancelled| io::Error::other("cancelled"))?;
        let log = Arc::new(log);
        let logs = context.live_logs();
        logs.set_of_link(&self.path, &self.title, Arc::clone(&log));
        self.log = Some(log);
        Ok(Some(bytes))
    }
}
