//! The file that a live session leaves.

use super::rtt::CHANNELS_MAX;
use crate::formats::recording::{
    CORE, Kind, LinkState, Look, Session, Stream, WatchValue, header, session_record, state_record,
    stream_record, traffic_record,
};
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a power cut may take.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// More links than this are not opened at once: they are the streams from 0 on.
pub(super) const LINKS_MAX: u8 = 16;
/// RTT channels are numbered from here on, eight for each link.
const FIRST_RTT: u8 = LINKS_MAX;
/// What the SDK behind a link has not sent, by their links.
const FIRST_UNSENT: u8 = 144;
/// Streams of looks are numbered from here on, by their links.
pub(super) const FIRST_WATCH: u8 = 192;
/// Cores are numbered from here on.
const FIRST_CORE: u8 = 208;
const _: () = assert!(
    FIRST_RTT + LINKS_MAX * CHANNELS_MAX <= FIRST_UNSENT
        && FIRST_UNSENT + LINKS_MAX <= FIRST_WATCH
        && FIRST_WATCH + LINKS_MAX <= FIRST_CORE
);

/// The stream of an RTT channel of a link.
pub(super) fn rtt_stream(link: u8, channel: u8) -> u8 {
    FIRST_RTT + (link % LINKS_MAX) * CHANNELS_MAX + channel % CHANNELS_MAX
}

/// The stream of what the SDK behind a link has not sent.
pub(super) fn unsent_stream(link: u8) -> u8 {
    FIRST_UNSENT + link % LINKS_MAX
}

/// Appends to a recording. What was appended is with the system at once, so that a crash of the program loses nothing, and on the
/// disk within a second.
pub struct Recorder {
    path: PathBuf,
    file: File,
    begun: Instant,
    synced: Instant,
    is_synced: bool,
    n_bytes: u64,
    n_cores: u8,
}

impl Recorder {
    /// Begins a recording in a file that is not there yet.
    pub fn create(path: &Path, started_at: String) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let now = Instant::now();
        let mut recorder = Self {
            path: path.to_owned(),
            file: File::create_new(path)?,
            begun: now,
            synced: now,
            is_synced: true,
            n_bytes: 0,
            n_cores: 0,
        };
        recorder.append(&header())?;
        recorder.append(&session_record(&Session {
            started_at,
            recorded_by: concat!("fieldscope ", env!("CARGO_PKG_VERSION")).to_owned(),
        }))?;
        Ok(recorder)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of streams, without what the recording itself takes.
    pub fn n_bytes(&self) -> u64 {
        self.n_bytes
    }

    /// Announces a stream.
    pub fn stream(&mut self, number: u8, stream: &Stream) -> io::Result<()> {
        let now = self.time_ns(Instant::now());
        self.append(&stream_record(number, now, stream))
    }

    /// Bytes that came at a time.
    pub fn received(&mut self, number: u8, at: Instant, bytes: &[u8]) -> io::Result<()> {
        self.traffic(Kind::Received, number, at, bytes)
    }

    /// Bytes that were sent at a time.
    pub fn sent(&mut self, number: u8, at: Instant, bytes: &[u8]) -> io::Result<()> {
        self.traffic(Kind::Sent, number, at, bytes)
    }

    /// What became of the link of a stream.
    pub fn state(&mut self, number: u8, at: Instant, state: &LinkState) -> io::Result<()> {
        self.append(&state_record(number, self.time_ns(at), state))
    }

    /// What was seen of numbers at a time; answers with the record.
    pub fn looked(
        &mut self,
        number: u8,
        at: Instant,
        values: Vec<(u16, Option<WatchValue>)>,
    ) -> io::Result<Look> {
        let ns = self.time_ns(at);
        let look = Look { ns, values };
        let mut line = serde_json::to_vec(&look).unwrap_or_default();
        line.push(b'\n');
        self.append(&traffic_record(Kind::Received, number, ns, &line))?;
        Ok(look)
    }

    /// An ELF core that was made of a board: a stream of its own, and a file beside the recording for other debuggers.
    pub fn core(&mut self, at: Instant, of: &str, core: &[u8]) -> io::Result<PathBuf> {
        let number = FIRST_CORE.saturating_add(self.n_cores);
        self.n_cores = self.n_cores.saturating_add(1);
        let ns = self.time_ns(at);
        let stream = Stream {
            link: CORE.to_owned(),
            title: of.to_owned(),
            ..Stream::default()
        };
        self.append(&stream_record(number, ns, &stream))?;
        self.append(&traffic_record(Kind::Received, number, ns, core))?;
        // Another session may have left one of that name.
        let names = (u32::from(self.n_cores)..).map(|n| format!("{n}.core"));
        let mut paths = names.map(|name| self.path.with_extension(name));
        let path = paths.find(|path| !path.exists());
        let path = path.ok_or(io::ErrorKind::AlreadyExists)?;
        std::fs::write(&path, core)?;
        Ok(path)
    }

    /// Brings to the disk what is not there, once in a second.
    pub fn keep(&mut self) -> io::Result<()> {
        if !self.is_synced && self.synced.elapsed() >= SYNC_EVERY {
            self.sync()?;
        }
        Ok(())
    }

    /// Ends the recording: all of it is on the disk when this returns.
    pub fn finish(mut self) -> io::Result<PathBuf> {
        self.sync()?;
        Ok(self.path)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        self.synced = Instant::now();
        self.is_synced = true;
        Ok(())
    }

    fn traffic(&mut self, kind: Kind, number: u8, at: Instant, bytes: &[u8]) -> io::Result<()> {
        self.n_bytes += bytes.len() as u64;
        self.append(&traffic_record(kind, number, self.time_ns(at), bytes))
    }

    fn append(&mut self, record: &[u8]) -> io::Result<()> {
        self.is_synced = false;
        self.file.write_all(record)
    }

    fn time_ns(&self, at: Instant) -> i64 {
        let since = at.saturating_duration_since(self.begun);
        i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
    }
}

/// Where a session is recorded when nobody says: in the folder `recordings` beside the workspace, by its beginning.
pub fn recording_beside(workspace: &Path, started_at: &str) -> PathBuf {
    let name: String = started_at
        .chars()
        .map(|c| if c == ':' { '-' } else { c })
        .collect();
    let folder = workspace.parent().unwrap_or(Path::new(""));
    folder.join("recordings").join(format!("{name}.fscap"))
}
