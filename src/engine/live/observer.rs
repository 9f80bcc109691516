//! What is looked at while a processor runs: which build it is, whether it faulted, and the numbers that are watched.

use super::fault_watch::{Fault, FaultWatch, reads as fault_reads};
use super::rtt::Rtt;
use super::unsent::UnsentWatch;
use super::watch::Watch;
use super::watch_list::{self, Listed, WatchList};
use crate::formats::recording::{LinkState, WatchValue, WatchedNumber};
use crate::live::{Act, Allowed, Cost, LinkError, Read, RunState, Target};
use crate::model::build_id::BuildId;
use crate::symbols::identity::{BuildIdKind, build_id_in_notes};
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A fault is noticed within this time.
const FAULT_WATCH_EVERY: Duration = Duration::from_millis(250);
/// Looks that are due within this time are one.
const TOGETHER: Duration = Duration::from_millis(4);
/// A number that lies across two words is read again until two reads agree, at most so often.
const TEAR_TRIES: usize = 3;
/// Code of an ELF file without a build id that is held against the board's memory.
const COMPARED_BYTES: usize = 1 << 10;
/// Said where a fault is told and not explained.
const NOT_EXPLAINED: &str = "explaining the fault without a halt";
const ALLOW_HALT: &str =
    "Allow a short halt at a fault, and the registers of the next one are read";
/// Bytes that a processor of 32 bits writes at once.
const WORD_BYTES: usize = 4;

/// What is to be looked at, the same for all links of a session.
#[derive(Clone, Default)]
pub struct Observing {
    /// ELF files of the firmware.
    pub elfs: Vec<Arc<SymbolFile>>,
    /// Numbers to be watched.
    pub watches: WatchList,
}

/// What was seen.
pub(super) enum Seen {
    /// Something about the board.
    State(LinkState),
    /// What is watched from now on.
    Numbers(Vec<WatchedNumber>),
    /// Values of watched numbers, by their places.
    Values(Vec<(u16, Option<WatchValue>)>),
    /// An ELF core of the board.
    Core(Vec<u8>),
    /// What the SDK has not sent, as it would send it.
    Pulled(Vec<u8>),
    /// What the program wrote for a channel of RTT.
    Rtt(u8, Vec<u8>),
}

/// Looks at one processor.
pub(super) struct Observer<'o> {
    observing: &'o Observing,
    allowed: Allowed,
    numbers: Vec<Listed>,
    /// Of the list of numbers; `None`: it is to be announced.
    revision: Option<u64>,
    /// ELF files that hold for what runs.
    elfs: Vec<Arc<SymbolFile>>,
    faults: FaultWatch,
    /// The build that the board runs, once it is known to be that of an ELF file.
    build: Option<BuildId>,
    faults_due: Instant,
    /// When each number is to be looked at next.
    due: Vec<Instant>,
    is_halted: bool,
    rtt: Option<Rtt>,
    unsent: UnsentWatch,
    /// The board runs another build: nothing of the ELF files holds for it.
    is_wrong_elf: bool,
}

impl<'o> Observer<'o> {
    pub(super) fn new(observing: &'o Observing, allowed: Allowed) -> Self {
        let now = Instant::now();
        Self {
            observing,
            allowed,
            numbers: Vec::new(),
            revision: None,
            elfs: Vec::new(),
            faults: FaultWatch::new(Vec::new()),
            build: None,
            faults_due: now,
            due: Vec::new(),
            is_halted: false,
            rtt: None,
            unsent: UnsentWatch::new(&[]),
            is_wrong_elf: false,
        }
    }

    /// When there is something to look at next.
    pub(super) fn next(&self) -> Instant {
        let others = self.rtt.iter().map(Rtt::due).chain(self.unsent.due());
        let look = self.next_look();
        others.min().map_or(look, |due| due.min(look))
    }

    /// When numbers or faults are to be looked at next.
    fn next_look(&self) -> Instant {
        let watched = self.due.iter().zip(&self.numbers);
        let watched = watched.filter(|(_, listed)| listed.is_watched && !self.is_wrong_elf);
        let watches = watched.map(|(due, _)| *due);
        let first = watches.min();
        first.map_or(self.faults_due, |due| due.min(self.faults_due))
    }

    /// Looks at who it is: asked whenever the link was opened.
    pub(super) fn begin(&mut self, target: &mut dyn Target) -> Result<LinkState, LinkError> {
        let now = Instant::now();
        self.faults_due = now;
        self.due.fill(now);
        self.is_halted = false;
        self.rtt = self.allowed.rtt.then(Rtt::new);
        self.build = None;
        self.revision = None;
        let (mut board, mut elf, mut differs_at) = (None, None, None);
        let mut matching = Vec::new();
        for file in &self.observing.elfs {
            let own = file.build_id().to_string();
            let id = board_id(target, file)?;
            if let Some(id) = id.filter(|_| file.build_id_kind() == BuildIdKind::Gnu) {
                if *file.build_id() == id {
                    // A boot loader and an application have an id each.
                    matching.push(Arc::clone(file));
                    if self.build.is_none() {
                        (board, elf) = (Some(own.clone()), Some(own));
                        self.build = Some(id);
                    }
                    continue;
                }
                board.get_or_insert(id.to_string());
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
        self.elfs = match (self.is_wrong_elf, matching.is_empty()) {
            (true, _) => Vec::new(),
            (false, true) => self.observing.elfs.clone(),
            (false, false) => matching,
        };
        self.faults = FaultWatch::new(self.elfs.clone());
        let before = std::mem::replace(&mut self.unsent, UnsentWatch::new(&[]));
        self.unsent = UnsentWatch::new(&self.elfs).after(before);
        Ok(state)
    }

    /// The numbers as they are in the build that runs: what was found in another one lies elsewhere.
    fn of_this_build(&self, numbers: Vec<Listed>) -> Vec<Listed> {
        let is_of = |watch: &Watch| {
            let mut elfs = self.elfs.iter();
            elfs.any(|file| Some(file.build_id()) == watch.build())
        };
        let of_build = numbers.into_iter().map(|mut listed| {
            if !is_of(&listed.watch) {
                match Watch::find(&self.elfs, listed.watch.asked()) {
                    Ok(found) => listed.watch = found,
                    Err(_not_here) => listed.is_watched = false,
                }
            }
            listed
        });
        of_build.collect()
    }

    /// Looks at what is due.
    pub(super) fn look(
        &mut self,
        target: &mut dyn Target,
        mut tell: impl FnMut(Seen),
    ) -> Result<(), LinkError> {
        if let Some((revision, numbers)) = self.observing.watches.since(self.revision) {
            self.revision = Some(revision);
            self.due.resize(numbers.len(), Instant::now());
            self.numbers = self.of_this_build(numbers);
            if !self.numbers.is_empty() {
                tell(Seen::Numbers(watch_list::numbers(&self.numbers)));
            }
        }
        if let Some(rtt) = &mut self.rtt {
            for came in rtt.look(target, &self.elfs)? {
                tell(Seen::Rtt(came.channel, came.bytes));
            }
        }
        let news = self.unsent.look(target, self.build.as_ref())?;
        if let Some(unsent) = news.unsent {
            tell(Seen::State(LinkState::Unsent(unsent)));
        }
        if !news.lines.is_empty() {
            tell(Seen::Pulled(news.lines));
        }
        let now = Instant::now();
        if self.next_look() > now {
            return Ok(());
        }
        // What is due in a moment is looked at together: a link that halts to read then halts once.
        let soon = now + TOGETHER;
        let looks_for_faults = self.faults_due <= soon;
        let due: Vec<usize> = if self.is_wrong_elf {
            Vec::new()
        } else {
            let is_due = |at: &usize| {
                let is_watched = self
                    .numbers
                    .get(*at)
                    .is_some_and(|listed| listed.is_watched);
                is_watched && self.due.get(*at).is_some_and(|due| *due <= soon)
            };
            (0..self.due.len()).filter(is_due).collect()
        };
        if !looks_for_faults && due.is_empty() {
            return Ok(());
        }
        let halts = target.halts_to_read();
        let mut reads: Vec<Read> = due
            .iter()
            .filter_map(|at| self.numbers.get(*at))
            .map(|listed| Read::new(listed.watch.address(), listed.watch.n_bytes()))
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
                let watch = &self.numbers.get(*at)?.watch;
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
            if let (Some(due), Some(Listed { watch, .. })) =
                (self.due.get_mut(*at), self.numbers.get(*at))
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
            if must_halt && !self.allowed.halt_on_fault {
                let build = self.build.as_ref();
                match self.faults.core_without_halt(target, build, fault.signal)? {
                    Ok(core) => tell(Seen::Core(core)),
                    Err(why) => tell(Seen::State(LinkState::Refused {
                        why: format!("{NOT_EXPLAINED}: {why}. {ALLOW_HALT}"),
                    })),
                }
                return Ok(());
            }
            if must_halt {
                match target.act(&Act::Halt) {
                    // The fault is told all the same, and the link goes on.
                    Err(LinkError::NotOffered { service: why, .. }) => {
                        tell(Seen::State(LinkState::Refused { why }));
                        return Ok(());
                    }
                    halted => halted?,
                }
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

#[cfg(test)]
mod tests {
    use super::{TEAR_TRIES, settle};
    use crate::live::{Act, Cost, LinkError, Read, RunState, Snapshot, Target};

    /// A program that writes both words of a number, and is read between the two every other time until it rests.
    struct Writing {
        n_reads: u32,
        rests_after: u32,
    }

    impl Target for Writing {
        fn describe(&self) -> String {
            String::new()
        }

        fn halts_to_read(&self) -> bool {
            false
        }

        fn state(&mut self) -> Result<RunState, LinkError> {
            Ok(RunState::Running)
        }

        fn snapshot(&mut self, mut reads: Vec<Read>, _: bool) -> Result<Snapshot, LinkError> {
            self.n_reads += 1;
            let word = self.n_reads.min(self.rests_after).to_le_bytes();
            for read in &mut reads {
                read.bytes = Some(word.repeat(read.n_bytes / 4));
            }
            Ok(Snapshot {
                registers: None,
                reads,
            })
        }

        fn act(&mut self, _: &Act) -> Result<(), LinkError> {
            Ok(())
        }

        fn cost(&self) -> Cost {
            Cost::default()
        }
    }

    fn settled(rests_after: u32, n_bytes: usize) -> Option<Vec<u8>> {
        let mut target = Writing {
            n_reads: 0,
            rests_after,
        };
        let asked = [Read::new(0, n_bytes)];
        let mut reads = target.snapshot(asked.to_vec(), false).unwrap().reads;
        settle(&mut target, &asked, &mut reads).unwrap();
        reads.remove(0).bytes
    }

    #[test]
    fn what_was_written_while_it_was_read_is_read_again_or_missing() {
        assert_eq!(settled(2, 8), Some(2_u32.to_le_bytes().repeat(2)));
        assert_eq!(
            settled(u32::MAX, 8),
            None,
            "it does not come to rest in {TEAR_TRIES} reads"
        );
        assert_eq!(
            settled(u32::MAX, 4),
            Some(1_u32.to_le_bytes().to_vec()),
            "one word cannot be torn"
        );
    }
}
