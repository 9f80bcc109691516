//! For benches: how long each frame took, written to the file that `FIELDSCOPE_FRAME_LOG` names, one JSON object a line.
//!
//! `frame`: processor and wall time of our part of one frame, and of the whole thread since the frame before (drawing
//! included), in microseconds. `shown`: the first frame is on screen, as nanoseconds since 1970, so that whoever started
//! the process can count from there. `still`: nothing is on its way any more.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::time::{Duration, Instant, SystemTime};

/// The log; does nothing when it was not asked for.
#[derive(Debug, Default)]
pub struct FrameLog {
    file: Option<BufWriter<File>>,
    n_frames: u64,
    began: Option<(Instant, Duration)>,
    was_busy: bool,
}

impl FrameLog {
    /// Asked for by the environment, or not.
    pub fn from_environment() -> Self {
        let file = std::env::var_os("FIELDSCOPE_FRAME_LOG")
            .and_then(|path| File::create(path).ok())
            .map(BufWriter::new);
        Self {
            file,
            was_busy: true,
            ..Self::default()
        }
    }

    /// True when frames are logged: the window then draws a second one at once.
    pub fn is_on(&self) -> bool {
        self.file.is_some()
    }

    /// Our part of a frame begins.
    pub fn begin(&mut self) {
        if self.file.is_none() {
            return;
        }
        let now = (Instant::now(), thread_time());
        if self.n_frames == 1 {
            let since_epoch = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            self.write(&format!(
                "{{\"event\":\"shown\",\"unix_ns\":{}}}",
                since_epoch.as_nanos()
            ));
        }
        if let Some((wall, thread)) = self.began {
            let (wall, thread) = (
                now.0.saturating_duration_since(wall),
                now.1.saturating_sub(thread),
            );
            self.write(&format!(
                "{{\"event\":\"between\",\"frame\":{},\"thread_us\":{},\"wall_us\":{}}}",
                self.n_frames,
                thread.as_micros(),
                wall.as_micros()
            ));
        }
        // What was just written is no part of the frame.
        self.began = Some((Instant::now(), thread_time()));
    }

    /// Our part of a frame ends.
    pub fn end(&mut self, is_busy: bool) {
        let Some((wall, thread)) = self.began.filter(|_| self.file.is_some()) else {
            return;
        };
        self.n_frames = self.n_frames.saturating_add(1);
        let line = format!(
            "{{\"event\":\"frame\",\"frame\":{},\"cpu_us\":{},\"wall_us\":{},\"busy\":{is_busy}}}",
            self.n_frames,
            thread_time().saturating_sub(thread).as_micros(),
            wall.elapsed().as_micros()
        );
        self.write(&line);
        if self.was_busy && !is_busy {
            self.write("{\"event\":\"still\"}");
        }
        self.was_busy = is_busy;
    }

    fn write(&mut self, line: &str) {
        if let Some(file) = &mut self.file
            && writeln!(file, "{line}")
                .and_then(|()| file.flush())
                .is_err()
        {
            self.file = None;
        }
    }
}

/// Processor time of this thread.
#[cfg(target_os = "linux")]
fn thread_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(secs, nanos)
}

/// Where it cannot be asked for, wall time stands in for it: never less.
#[cfg(not(target_os = "linux"))]
fn thread_time() -> Duration {
    use std::sync::OnceLock;
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed()
}
