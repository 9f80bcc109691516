//! Reading the tables of a sample on a thread of their own, while what was read is used.

use super::{FleetSample, SampleTable, TableReport};
use crate::formats::table::events::events;
use crate::formats::table::heartbeats::wide;
use crate::formats::table::long::long;
use crate::formats::table::mapping::TableUse;
use crate::formats::table::reader::Table;
use crate::formats::table::{BadRows, TableError};
use crate::model::progress::{Cancelled, Progress};
use crate::model::series::{FleetEvent, HeartbeatBatch};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::Duration;

/// Batches that wait to be used.
const WAITING: usize = 1;
/// A cancel is passed on at least this often.
const TICK: Duration = Duration::from_millis(20);

/// Some of what the tables hold.
pub(super) enum Part {
    Heartbeats(Box<HeartbeatBatch>),
    Events(Vec<FleetEvent>),
}

/// Passed from the thread that reads.
enum Message {
    /// And how many bytes of the tables were read.
    Part(Part, u64),
    Report(TableReport),
}

/// Why the tables were not read to their end.
#[derive(Debug)]
pub(super) enum Stopped<E> {
    Cancelled,
    /// Whoever uses the rows cannot go on.
    Use(E),
    Bug,
}

impl<E> From<Cancelled> for Stopped<E> {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// Tells a thread of an import whether to go on.
#[derive(Default)]
pub(super) struct Stop(AtomicBool);

impl Stop {
    pub(super) fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Progress for Stop {
    fn tick(&self, _done: u64, _total: u64) -> Result<(), Cancelled> {
        if self.0.load(Ordering::Relaxed) {
            Err(Cancelled)
        } else {
            Ok(())
        }
    }
}

/// Gives all rows of all tables to `each`, with the number of bytes that were read so far; answers what was wrong with them.
pub(super) fn read<E>(
    sample: &FleetSample,
    progress: &dyn Progress,
    mut each: impl FnMut(Part, u64) -> Result<(), E>,
) -> Result<Vec<TableReport>, Stopped<E>> {
    let total = sample.n_bytes();
    let stop = Stop::default();
    let (sender, receiver) = mpsc::sync_channel(WAITING);
    std::thread::scope(|scope| {
        let reader = std::thread::Builder::new().name("read tables".to_owned());
        let reader = reader.spawn_scoped(scope, || {
            let sender = sender;
            let mut before = 0;
            for table in in_order_of_reading(&sample.tables) {
                // Only a cancel ends it early, and then nobody listens.
                if read_table(table, before, &sender, &stop).is_err() {
                    return;
                }
                before += table.bytes.len() as u64;
            }
        });
        let Ok(reader) = reader else {
            return Err(Stopped::Bug);
        };
        let mut reports: Vec<TableReport> = Vec::new();
        let mut done = 0;
        let mut receive = || loop {
            progress.tick(done, total)?;
            match receiver.recv_timeout(TICK) {
                Ok(Message::Part(part, at)) => {
                    done = at;
                    each(part, at).map_err(Stopped::Use)?;
                }
                Ok(Message::Report(report)) => reports.push(report),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        };
        let received: Result<(), Stopped<E>> = receive();
        stop.stop();
        // A thread that waits for room sees that nobody listens.
        drop(receiver);
        let joined = reader.join();
        received?;
        joined.map_err(|_panic| Stopped::Bug)?;
        reports.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(reports)
    })
}

/// Events come last: devices are numbered as they come, and a table of heartbeats mostly has them in an order. Devices that are
/// beside one another in their table are then beside one another in the file.
fn in_order_of_reading(tables: &[SampleTable]) -> Vec<&SampleTable> {
    let mut tables: Vec<&SampleTable> = tables.iter().collect();
    tables.sort_by_key(|table| table.mapping.table_use == TableUse::Events);
    tables
}

fn read_table(
    input: &SampleTable,
    before: u64,
    sender: &SyncSender<Message>,
    progress: &dyn Progress,
) -> Result<(), Cancelled> {
    let mut report = TableReport {
        path: input.path.clone(),
        format: input.format,
        mapped_by: input.mapped_by.clone(),
        mapping: input.mapping.clone(),
        n_rows: 0,
        bad_rows: BadRows::default(),
        warnings: Vec::new(),
    };
    let send = |message| sender.send(message).map_err(|_nobody| Cancelled);
    let read = Table::open(&input.bytes, input.format).and_then(|mut table| {
        table.want(&input.mapping);
        while let Some(chunk) = table.next_chunk(&mut report.bad_rows, progress)? {
            report.n_rows += chunk.n_rows as u64;
            let columns = table.columns();
            let bad = &mut report.bad_rows;
            let at = before + table.position();
            match input.mapping.table_use {
                TableUse::Wide => send(Message::Part(
                    Part::Heartbeats(Box::new(wide(chunk, columns, &input.mapping, bad))),
                    at,
                ))?,
                TableUse::Long => {
                    for batch in long(&chunk, columns, &input.mapping, bad) {
                        send(Message::Part(Part::Heartbeats(Box::new(batch)), at))?;
                    }
                }
                TableUse::Events => send(Message::Part(
                    Part::Events(events(&chunk, columns, &input.mapping, bad)),
                    at,
                ))?,
            }
        }
        report.warnings.extend(table.take_warnings());
        Ok(())
    });
    match read {
        Ok(()) => {}
        Err(TableError::Cancelled(cancelled)) => return Err(cancelled),
        Err(TableError::Unreadable(warning)) => report.warnings.push(warning),
    }
    send(Message::Report(report))
}
