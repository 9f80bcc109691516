//! What is looked at while a processor runs: which build it is, whether it faulted, and the numbers that are watched.

use super::fault_watch::{Fault, FaultWatch, reads as fault_reads};
use super::watch::Watch;
use crate::formats::recording::{LinkState, WatchValue};
use crate::live::{Act, Cost, LinkError, Read, RunState, Target};
use crate::model::build_id::BuildId;
use crate::symbols::identity::{BuildIdKind, build_id_in_notes};
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A fault is noticed within this time.
const FAULT_WATCH_EVERY: Duration = Duration::from_millis(250);
/// A number that lies across two words is read again until two reads agree, at most so often.
const TEAR_TRIES: usize = 3;
/// Code of an ELF file without a build id that is held against the board's memory.
const COMPARED_BYTES: usize = 1 << 10;
/// Bytes that a processor of 32 bits writes at once.
const WORD_BYTES: usize = 4;

/// What is to be looked at, the same for all links of a session.
#[derive(Clone, Default)]
pub struct Observing {
    /// ELF files of the firmware.
    pub elfs: Vec<Arc<SymbolFile>>,
    /// Numbers to be watched.
    pub watches: Vec<Watch>,
    /// A processor that faulted may be halted for a moment, where its registers cannot be read otherwise. Without that it is only
    /// observed.
    pub halts_on_fault: bool,
}

/// What was seen.
pub(super) enum Seen {
    /// Something about the board.
    State(LinkState),
    /// Values of watched numbers, by their places.
    Values(Vec<(u16, Option<WatchValue>)>),
    /// An ELF core of the board.
    Core(Vec<u8>),
}

/// Looks at one processor.
pub(super) struct Observer<'o> {
    observing: &'o Observing,
    faults: FaultWatch<'o>,
    /// The build that the board runs, once it is known to be that of an ELF file.
    build: Option<BuildId>,
    faults_due: Instant,
    /// When each number is to be looked at next.
    due: Vec<Instant>,
    is_halted: bool,
    /// The board runs another build: nothing of the ELF files holds for it.
    is_wrong_elf: bool,
}

impl<'o> Observer<'o> {
    pub(super) fn new(observing: &'o Observing) -> Self {
        let now = Instant::now();
        Self {
            observing,
            faults: FaultWatch::new(&observing.elfs),
            build: None,
            faults_due: now,
            due: vec![now; observing.watches.len()],
            is_halted: false,
            is_wrong_elf: false,
        }
    }

    /// When there is something to look at next.
    pub(super) fn next(&self) -> Instant {
        let watches = self
            .due
            .iter()
            .copied()
            .filter(|_| !self.is_wrong_elf)
            .min();
        watches.map_or(self.faults_due, |due| due.min(self.faults_due))
    }

    /// Looks at who it is: asked whenever the link was opened.
    pub(super) fn begin(&mut self, target: &mut dyn Target) -> Result<LinkState, LinkError> {
        let now = Instant::now();
        self.faults_due = now;
        self.due.fill(now);
        self.is_halted = false;
        self.build = None;
        let (mut board, mut elf, mut differs_at) = (None, None, None);
        for file in &self.observing.elfs {
            let own = file.build_id().to_string();
            let id = board_id(target, file)?;
            if let Some(id) = id.filter(|_| file.build_id_kind() == BuildIdKind::Gnu) {
                let is_own = *file.build_id() == id;
                board = Some(id.to_string());
                if is_own {
                    elf = Some(own);
                    self.build = Some(id);
                    break;
                }
            } else if board.is_none() {
                differs_at = difference(target, file)?;
            }
            elf.get_or_insert(own);
        }
        let state = LinkState::Identified {
            chip: target.describe(),
            differs_at: differs_at.filter(|_| board.is_none()),
            board,
            elf,
        };
        self.is_wrong_elf = state.is_wrong_elf();
        let elfs = if self.is_wrong_elf {
            &[]
        } else {
            self.observing.elfs.as_slice()
        };
        self.faults = FaultWatch::new(elfs);
        Ok(state)
    }

    /// Looks at what is due.
    pub(super) fn look(
        &mut self,
        target: &mut dyn Target,
        mut tell: impl FnMut(Seen),
    ) -> Result<(), LinkError> {
        let now = Instant::now();
        let looks_for_faults = self.faults_due <= now;
        let due: Vec<usize> = if self.is_wrong_elf {
            Vec::new()
        } else {
            let is_due = |at: &usize| self.due.get(*at).is_some_and(|due| *due <= now);
            (0..self.due.len()).filter(is_due).collect()
        };
        if !looks_for_faults && due.is_empty() {
            return Ok(());
        }
        let halts = target.halts_to_read();
        let mut reads: Vec<Read> = due
            .iter()
            .filter_map(|at| self.observing.watches.get(*at))
            .map(|watch| Read::new(watch.address(), watch.n_bytes()))
            .collect();
        let n_watched = reads.len();
        if looks_for_faults {
            reads.extend(fault_reads());
        }
        let asked = reads.clone();
        let mut snapshot = target.snapshot(reads, looks_for_faults && halts)?;
        if !halts {
            settle(target, &asked, &mut snapshot.reads)?;
        }
        let status = snapshot
            .reads
            .split_off(n_watched.min(snapshot.reads.len()));
        if n_watched > 0 {
            let values = due.iter().zip(&snapshot.reads).filter_map(|(at, read)| {
                let watch = self.observing.watches.get(*at)?;
                let value = read.bytes.as_deref().and_then(|bytes| watch.value(bytes));
                Some((u16::try_from(*at).ok()?, value))
            });
            tell(Seen::Values(values.collect()));
            self.reschedule(&due, now);
        }
        if looks_for_faults {
            self.faults_due = now + FAULT_WATCH_EVERY;
            let state = target.state()?;
            let fault = self
                .faults
                .look(&status, snapshot.registers.as_ref(), &state);
            self.tell_of_fault(target, fault, &state, &mut tell)?;
        }
        Ok(())
    }

    fn reschedule(&mut self, due: &[usize], now: Instant) {
        for at in due {
            if let (Some(due), Some(watch)) =
                (self.due.get_mut(*at), self.observing.watches.get(*at))
            {
                // What is behind is not made up for: looks that come late would come all at once.
                let next = *due + watch.every;
                *due = if next > now { next } else { now + watch.every };
            }
        }
    }

    fn tell_of_fault(
        &mut self,
        target: &mut dyn Target,
        fault: Option<Fault>,
        state: &RunState,
        tell: &mut impl FnMut(Seen),
    ) -> Result<(), LinkError> {
        if let Some(fault) = fault {
            tell(Seen::State(LinkState::Faulted { what: fault.what }));
            let must_halt = !target.halts_to_read() && *state == RunState::Running;
            if must_halt && !self.observing.halts_on_fault {
                return Ok(());
            }
            if must_halt {
                target.act(&Act::Halt)?;
                let what = "halted, to read the registers of the fault".to_owned();
                tell(Seen::State(LinkState::Acted { what }));
            }
            let core = self.faults.core(target, self.build.as_ref(), fault.signal);
            if must_halt {
                target.act(&Act::Run)?;
                let what = "left running".to_owned();
                tell(Seen::State(LinkState::Acted { what }));
            }
            if let Some(core) = core? {
                tell(Seen::Core(core));
            }
        } else if let RunState::Halted { why } = state
            && !self.is_halted
        {
            tell(Seen::State(LinkState::Halted { why: why.clone() }));
        }
        self.is_halted = matches!(state, RunState::Halted { .. });
        Ok(())
    }
}

/// The build id in the board's memory, where the ELF file has its own.
fn board_id(target: &mut dyn Target, file: &SymbolFile) -> Result<Option<BuildId>, LinkError> {
    let Some((address, note)) = file.section(".note.gnu.build-id") else {
        return Ok(None);
    };
    let bytes = read(target, address, note.len())?;
    Ok(bytes.and_then(|bytes| build_id_in_notes(&bytes)))
}

/// Where the board's memory is not what the ELF file says that it cannot change: its first bytes of code.
fn difference(target: &mut dyn Target, file: &SymbolFile) -> Result<Option<u64>, LinkError> {
    let Some(code) = file.code_ranges().next() else {
        return Ok(None);
    };
    let own = file.constants().bytes_from(code.start).unwrap_or_default();
    let own = own.get(..own.len().min(COMPARED_BYTES)).unwrap_or_default();
    let Some(bytes) = read(target, code.start, own.len())? else {
        return Ok(None);
    };
    let at = own.iter().zip(&bytes).position(|(own, byte)| own != byte);
    Ok(at.map(|at| code.start + at as u64))
}

fn read(
    target: &mut dyn Target,
    address: u64,
    n_bytes: usize,
) -> Result<Option<Vec<u8>>, LinkError> {
    let snapshot = target.snapshot(vec![Read::new(address, n_bytes)], false)?;
    Ok(snapshot
        .reads
        .into_iter()
        .next()
        .and_then(|read| read.bytes))
}

/// Reads what lies across two words again until two reads agree: the program may have written between them. What does not come to
/// rest is missing.
fn settle(target: &mut dyn Target, asked: &[Read], reads: &mut [Read]) -> Result<(), LinkError> {
    for (asked, read) in asked.iter().zip(reads) {
        if asked.n_bytes <= WORD_BYTES || asked.n_bytes > 2 * WORD_BYTES || read.bytes.is_none() {
            continue;
        }
        let mut is_settled = false;
        for _ in 0..TEAR_TRIES {
            let again = target.snapshot(vec![asked.clone()], false)?;
            let again = again.reads.into_iter().next().and_then(|read| read.bytes);
            is_settled = again == read.bytes;
            if is_settled {
                break;
            }
            read.bytes = again;
        }
        if !is_settled {
            read.bytes = None;
        }
    }
    Ok(())
}

/// What looking cost, in a sentence: `412 reads of 12,360 bytes; halted 103 times, for 0.2 s in all (1.3 %)`.
pub fn cost_in_words(cost: &Cost, of: Duration) -> String {
    let share = |time: Duration| 100.0 * time.as_secs_f64() / of.as_secs_f64().max(1e-9);
    let reads = format!(
        "{} reads, {} bytes, the link busy {:.1} % of the time",
        cost.n_reads,
        cost.n_bytes,
        share(cost.busy)
    );
    if cost.n_halts == 0 {
        return format!("{reads}; the processor was never halted");
    }
    format!(
        "{reads}; the processor was halted {} times, for {:.3} s in all ({:.1} %)",
        cost.n_halts,
        cost.halted.as_secs_f64(),
        share(cost.halted)
    )
}
