//! Live sessions: links that are open, everything that comes over them recorded.
//!
//! A session does not decode: whoever listens does, and the recording is imported as any other input is. What a live session
//! shows and what its recording shows later are therefore the same.

pub mod board;
pub mod choice;
mod crash_watch;
mod heartbeat_reader;
mod link_log;
pub(super) mod listener;
pub mod metrics;
mod recorder;
mod replay;
mod session;
mod teller;

pub use crate::formats::recording::{LinkState, Stream, is_recording};
pub use crate::live::{Field, FieldKind, LINKS, LinkError, LinkKind, Present, Settings, link_kind};
pub use recorder::{Recorder, recording_beside};
pub use replay::{replay, streams_of};
pub use session::{LiveError, LiveSession, LiveSummary};
pub use teller::Heard;
