//! Threads that pack cells while more rows are read and blocks are written.

use super::cell::{Piece, gathered, merged};
use super::codec::{Decoder, Encoder};
use super::key::CellKey;
use super::loaded::StoredCell;
use crate::store::error::StoreError;
use std::collections::BTreeSet;
use std::ops::Range;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

/// Threads at most.
const PACKERS_MAX: usize = 8;

/// A cell that is to be packed, with what is stored of it.
pub(super) type Work = (CellKey, Vec<Piece>, Option<StoredCell>);

/// Cells that one thread packs at once.
struct Part {
    cells: Vec<Work>,
    n_bytes: usize,
}

/// Blocks to be written, and ids of those that they take the place of. All bytes of all blocks lie one after the other: there are
/// many blocks, and giving back the memory of each would take longer than writing it.
#[derive(Default)]
pub(super) struct Packed {
    bytes: Vec<u8>,
    blocks: Vec<PackedBlock>,
    pub(super) gone: Vec<i64>,
}

#[derive(Clone, Debug)]
struct PackedBlock {
    id: i64,
    summary: Range<usize>,
    data: Range<usize>,
}

impl Packed {
    /// Bytes of its blocks.
    pub(super) fn n_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Id, summary and data of each block.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (i64, &[u8], &[u8])> {
        self.blocks.iter().map(|block| {
            let part = |range: &Range<usize>| self.bytes.get(range.clone()).unwrap_or_default();
            (block.id, part(&block.summary), part(&block.data))
        })
    }

    fn push(&mut self, bytes: &[u8]) -> Range<usize> {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len()
    }
}

/// What a thread answers: bytes of the rows that it packed, and the blocks.
type Answer = (usize, std::thread::Result<Result<Packed, StoreError>>);

/// Threads that pack; started when there is work for them, ended when this is dropped.
#[derive(Default)]
pub(super) struct Packers {
    channels: Option<Channels>,
    threads: Vec<JoinHandle<()>>,
    n_parts: usize,
    n_bytes: usize,
    is_given_up: Arc<AtomicBool>,
}

struct Channels {
    work: Sender<Part>,
    shared: Arc<Mutex<Receiver<Part>>>,
    answer: Sender<Answer>,
    answers: Receiver<Answer>,
}

impl Packers {
    /// Bytes of rows that were given and are not packed.
    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Gives cells to the next thread that has nothing to do. An error where the system gives no thread at all.
    pub(super) fn give(&mut self, cells: Vec<Work>, n_bytes: usize) -> Result<(), StoreError> {
        let channels = self.channels.get_or_insert_with(|| {
            let (work, shared) = channel();
            let (answer, answers) = channel();
            Channels {
                work,
                shared: Arc::new(Mutex::new(shared)),
                answer,
                answers,
            }
        });
        self.n_parts += 1;
        self.n_bytes += n_bytes;
        let n_threads = std::thread::available_parallelism().map_or(1, |n| n.get());
        if self.threads.len() < n_threads.min(PACKERS_MAX).min(self.n_parts) {
            let (shared, answer) = (Arc::clone(&channels.shared), channels.answer.clone());
            let is_given_up = Arc::clone(&self.is_given_up);
            let run = move || pack_parts(&shared, &answer, &is_given_up);
            let thread = std::thread::Builder::new().name("pack heartbeats".to_owned());
            match thread.spawn(run) {
                Ok(thread) => self.threads.push(thread),
                // Those that there are do the work.
                Err(_) if !self.threads.is_empty() => {}
                Err(error) => {
                    return Err(StoreError::Unusable {
                        what: format!("the system starts no thread: {error}"),
                    });
                }
            }
        }
        // The receiver lives as long as this.
        let _is_sent = channels.work.send(Part { cells, n_bytes }).is_ok();
        Ok(())
    }

    /// Blocks that are ready.
    pub(super) fn take(&mut self) -> Result<Option<Packed>, StoreError> {
        let answer = self.channels.as_ref();
        let answer = answer.and_then(|channels| channels.answers.try_recv().ok());
        self.taken(answer)
    }

    /// The next blocks; waits for them. `None` when everything was taken.
    pub(super) fn wait(&mut self) -> Result<Option<Packed>, StoreError> {
        let answer = self.channels.as_ref().filter(|_| self.n_parts > 0);
        let answer = answer.and_then(|channels| channels.answers.recv().ok());
        self.taken(answer)
    }

    fn taken(&mut self, answer: Option<Answer>) -> Result<Option<Packed>, StoreError> {
        let Some((n_bytes, packed)) = answer else {
            return Ok(None);
        };
        self.n_parts -= 1;
        self.n_bytes -= n_bytes;
        match packed {
            Ok(packed) => packed.map(Some),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Packers {
    fn drop(&mut self) {
        self.is_given_up.store(true, Ordering::Relaxed);
        self.channels = None;
        for thread in self.threads.drain(..) {
            // A panic was told with its answer.
            let _has_ended = thread.join().is_ok();
        }
    }
}

/// Packs parts until there are none to come.
fn pack_parts(shared: &Mutex<Receiver<Part>>, answer: &Sender<Answer>, is_given_up: &AtomicBool) {
    let mut coders = None;
    loop {
        let part = shared.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Part { cells, n_bytes }) = part else {
            return;
        };
        if is_given_up.load(Ordering::Relaxed) {
            return;
        }
        let pack = || {
            let (encoder, decoder) = match &mut coders {
                Some(coders) => coders,
                none => none.insert((Encoder::new()?, Decoder::new()?)),
            };
            packed(&cells, encoder, decoder)
        };
        let packed = std::panic::catch_unwind(AssertUnwindSafe(pack));
        // The rows may be the last of their batches: what they take is free before the answer says so.
        drop(cells);
        if answer.send((n_bytes, packed)).is_err() {
            return;
        }
    }
}

fn packed(
    cells: &[Work],
    encoder: &mut Encoder,
    decoder: &mut Decoder,
) -> Result<Packed, StoreError> {
    let pieces: Vec<&[Piece]> = cells
        .iter()
        .map(|(_, pieces, _)| pieces.as_slice())
        .collect();
    let (mut all, mut result) = (Vec::new(), Packed::default());
    for ((cell, _, stored), mut rows) in cells.iter().zip(gathered(&pieces)) {
        if let Some(stored) = stored {
            rows.insert(0, stored.unpacked(*cell, decoder)?);
        }
        let blocks = merged(rows).blocks(*cell, encoder)?;
        let kept: BTreeSet<i64> = blocks.iter().map(|block| block.id).collect();
        let before = stored.iter().flat_map(StoredCell::ids);
        result.gone.extend(before.filter(|id| !kept.contains(id)));
        all.push(blocks);
    }
    let blocks = || all.iter().flatten();
    let n_bytes = blocks().map(|block| block.summary.len() + block.data.len());
    result.bytes.reserve_exact(n_bytes.sum());
    result.blocks.reserve_exact(blocks().count());
    for block in blocks() {
        let (summary, data) = (result.push(&block.summary), result.push(&block.data));
        let id = block.id;
        result.blocks.push(PackedBlock { id, summary, data });
    }
    Ok(result)
}
