//! Live sessions: links that are open, everything that comes over them recorded.
//!
//! A session does not decode: whoever listens does, and the recording is imported as any other input is. What a live session
//! shows and what its recording shows later are therefore the same.

pub mod board;
pub mod choice;
mod control;
mod crash_watch;
mod fault_frame;
mod fault_watch;
mod heartbeat_reader;
mod link_log;
mod link_thread;
pub(super) mod listener;
pub mod metrics;
mod observer;
mod pace;
mod pulled;
mod recorder;
mod replay;
mod rtt;
mod session;
mod teller;
mod unsent;
mod watch;
mod watch_list;
pub(in crate::engine) mod watched_names;

pub use crate::formats::recording::{
    LinkState, Look, Stream, Unsent, WatchValue, WatchedNumber, is_recording,
};
pub use crate::live::{
    Cost, Field, FieldKind, LINKS, LinkError, LinkKind, Present, Settings, link_kind,
};
pub use control::{Order, Orders};
pub use observer::{Observing, cost_in_words};
pub use pace::{Pace, Position, SPEED_MAX, SPEED_MIN};
pub use recorder::{Recorder, recording_beside};
pub use replay::{ReplayEvent, Script, is_link, replay, streams_of};
pub use session::{LiveError, LiveSession, LiveSummary};
pub use teller::Heard;
pub use unsent::unsent_in_words;
pub use watch::Watch;
pub use watch_list::WatchList;
