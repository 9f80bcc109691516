//! Log entries in a text that is read line by line: what the line says in which a message with entries ends.

use super::chunk::Chunk;
use super::line_carrier::{MARK, chunk_at};
use super::message;
use super::reassembly::{LOGS, Message};
use crate::formats::lines::lines_before;
use crate::model::build_id::BuildId;
use crate::model::device_message::{MessageBody, SentLogs};
use std::ops::Range;

/// A message is put together from so many lines before its last one.
const MOST_LINES: usize = 256;
/// No queue of a device holds a larger message; bounds what each row of it costs.
const MOST_BYTES: usize = 16 << 10;
/// The version of the wire format.
const VERSION: u8 = 1;

/// A line with a chunk of log entries.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::formats) enum LogsLine {
    /// The message goes on in a later line.
    Part,
    /// The message ends here; its build and its entries, if all of it arrived.
    End(Option<(Option<BuildId>, SentLogs)>),
}

/// What a line says of log entries; `None` when it has no part of such a message.
pub(in crate::formats) fn logs_line(log: &[u8], line: Range<usize>) -> Option<LogsLine> {
    let last = logs_chunk(log, &line)?;
    if !last.is_last {
        return Some(LogsLine::Part);
    }
    let data = data_ending_with(log, line.start, last);
    let message = data.and_then(|data| message::decode(&Message::whole(LOGS, &data)).message);
    let end = message.and_then(|message| match message.body {
        MessageBody::Logs(logs) => Some((message.sender.build_id, logs)),
        _ => None,
    });
    Some(LogsLine::End(end))
}

/// The chunk of log entries in a line.
fn logs_chunk(log: &[u8], line: &Range<usize>) -> Option<Chunk> {
    chunk_in(log, line).filter(|chunk| chunk.version == VERSION && chunk.kind == LOGS)
}

/// The first chunk in a line that is whole.
fn chunk_in(log: &[u8], line: &Range<usize>) -> Option<Chunk> {
    let upto = log.get(..line.end)?;
    let mut marks = memchr::memmem::find_iter(upto.get(line.start..)?, MARK);
    marks.find_map(|at| chunk_at(upto, line.start.saturating_add(at))?.chunk)
}

/// The bytes of a message whose last chunk stands in the line at `start`.
fn data_ending_with(log: &[u8], start: usize, last: Chunk) -> Option<Vec<u8>> {
    let mut missing = usize::try_from(last.offset).ok()?;
    if missing > MOST_BYTES {
        return None;
    }
    let sequence = last.sequence;
    let mut parts = vec![last.payload];
    if missing > 0 {
        let lines = lines_before(log, start, MOST_LINES, 0);
        for line in lines.iter().rev() {
            let Some(chunk) = chunk_in(log, &(line.start..line.next)) else {
                continue;
            };
            let offset = usize::try_from(chunk.offset).ok()?;
            if (chunk.version, chunk.kind, chunk.sequence) != (VERSION, LOGS, sequence) {
                return None;
            }
            // Some transports repeat.
            if offset >= missing {
                continue;
            }
            if offset.checked_add(chunk.payload.len())? != missing {
                return None;
            }
            parts.push(chunk.payload);
            missing = offset;
            if missing == 0 {
                break;
            }
        }
    }
    (missing == 0).then(|| parts.into_iter().rev().flatten().collect())
}
