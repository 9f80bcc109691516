//! Recordings of live sessions (`.fscap`): whatever came over each link, whatever was sent, and what became of the links, each
//! with its time. The layout stands in docs/recording-format.md.
//!
//! A recording is only ever appended to, so that one that was cut off anywhere, by a killed process or a power cut, has everything
//! up to there. What is damaged is skipped: the next record is known by its mark and its checksum.

mod layout;
mod read;
mod write;

pub use layout::{
    CORE, Kind, LinkState, Look, MAGIC, Record, Session, Stream, UNSENT, Unsent, WATCH, WatchValue,
    WatchedNumber,
};
pub use read::{Recording, is_recording};
pub use write::{header, session_record, state_record, stream_record, traffic_record};

#[cfg(test)]
mod tests;
