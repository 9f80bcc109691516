//! Sources of one fault become one crash: a fault print, a dump and a core of the same boot of the same device.
//!
//! Two sources are the same fault when they hold the same captured memory; or their program counters and all core
//! registers that both know are equal (at least three of r0-r3, r12, LR, xPSR); or, when no frame could be stored and
//! a program counter is missing, their stack pointers agree and they come from one file or from files of one name; or
//! a print stands right before a dump with the same program counter; or a device says of both that they are of the same
//! moment of the same boot (the device-side SDK). Two boots in one file are two crashes, whatever
//! their registers.

use crate::model::build_id::BuildId;
use crate::model::coredump::Coredump;
use crate::model::memory::Memory as _;
use crate::model::registers::{Reg, RegValue, RegisterSet};
use std::collections::BTreeMap;
use std::ops::Range;

/// One capture as it was found in one file.
#[derive(Clone, Debug)]
pub struct SourceDump {
    /// Name of the file, with or without folders.
    pub file: String,
    /// Which boot of that file, if the file tells boots apart.
    pub boot: Option<usize>,
    /// The build id of that boot's banner.
    pub boot_build_id: Option<BuildId>,
    /// What was captured.
    pub dump: Coredump,
}

/// One crash with everything that its sources know.
#[derive(Clone, Debug)]
pub struct JoinedDump {
    /// Memory of one source, registers and fault status of all.
    pub dump: Coredump,
    /// Who said where the build id in `dump` comes from.
    pub build_id_from: Option<BuildIdFrom>,
    /// The sources in the order given.
    pub sources: Vec<DumpSource>,
}

/// Where a build id comes from, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuildIdFrom {
    /// The header or a note of the dump.
    Capture,
    /// The banner of the same boot.
    BootBanner,
}

/// One source of a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpSource {
    /// Its index in the list that was joined.
    pub index: usize,
    /// The file.
    pub file: String,
    /// The format id.
    pub format: &'static str,
    /// Its bytes in the file.
    pub range: Range<u64>,
    /// Its boot in the file.
    pub boot: Option<usize>,
    /// True when an earlier source holds the same capture: it was seen twice, not a second crash.
    pub is_repeat: bool,
}

/// How many crashes a capture is compared with for each way of finding them.
const MAX_CANDIDATES: usize = 64;

/// How many sources of one crash a capture is compared with.
const MAX_MEMBERS: usize = 32;

/// A print this close before a dump belongs to it.
const MAX_GAP_BYTES: u64 = 8 << 10;

/// Registers that a fault print shows and every dump holds.
const COMPARED: [Reg; 7] = [Reg(0), Reg(1), Reg(2), Reg(3), Reg(12), Reg::LR, Reg::XPSR];

/// How many of them must be known to both, and equal.
const MIN_EQUAL: usize = 3;

/// What lies between the address of an exception frame and the stack pointer before it: basic or with floating point,
/// with or without the alignment word (ARMv7-M, B1.5.7).
const FRAME_SIZES: [u64; 4] = [0x20, 0x24, 0x68, 0x6C];

/// Joins captures given in the order of their files and of their places in them.
///
/// A log may hold any number of prints, so that each is compared with a bounded number of crashes only: the latest
/// `MAX_CANDIDATES` with its program counter or its stack pointer.
pub fn join(dumps: Vec<SourceDump>) -> Vec<JoinedDump> {
    let mut groups: Vec<Vec<Member>> = Vec::new();
    let mut index_by_pc: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut index_by_sp: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut index_by_moment: BTreeMap<Moment, Vec<usize>> = BTreeMap::new();
    for (index, source) in dumps.into_iter().enumerate() {
        let source = Member::new(index, source);
        let (pc, sp) = (source.pc, source.sp);
        let moment = source.moment.clone();
        let by_pc = pc.and_then(|pc| index_by_pc.get(&pc));
        let by_sp = sp.into_iter().flat_map(agreeing_pointers);
        let mut candidates: Vec<usize> = by_sp
            .filter_map(|sp| index_by_sp.get(&sp))
            .chain(by_pc)
            .chain(
                moment
                    .as_ref()
                    .and_then(|moment| index_by_moment.get(moment)),
            )
            .flat_map(|found| found.iter().rev().take(MAX_CANDIDATES).copied())
            .collect();
        candidates.sort_unstable();
        candidates.dedup();
        // The best match, of equal ones the latest: a dump follows its print.
        let best = candidates
            .into_iter()
            .filter_map(|at| Some((group_match(groups.get(at)?, &source)?, at)))
            .max();
        let at = best.map_or(groups.len(), |(_, at)| at);
        for (key, index) in [(pc, &mut index_by_pc), (sp, &mut index_by_sp)] {
            let Some(key) = key else { continue };
            let known = index.entry(key).or_default();
            if known.last() != Some(&at) {
                known.push(at);
            }
        }
        if let Some(moment) = moment {
            index_by_moment.entry(moment).or_default().push(at);
        }
        match groups.get_mut(at) {
            Some(group) => group.push(source),
            None => groups.push(vec![source]),
        }
    }
    groups.into_iter().filter_map(merge).collect()
}

/// A source with what it is compared by, looked up once: a log may hold thousands of prints of one place.
struct Member {
    /// Its index in the list that is joined.
    index: usize,
    source: SourceDump,
    has_registers: bool,
    pc: Option<u64>,
    sp: Option<u64>,
    /// When it was captured, as the device itself says.
    moment: Option<Moment>,
    /// Values of `COMPARED`.
    compared: [Option<u64>; COMPARED.len()],
    /// The name of the file without folders and ending.
    stem: String,
}

/// Serial number, boot and milliseconds since boot. A boot ends with a crash: it has one.
type Moment = (Option<String>, u64, Option<u64>);

fn moment(dump: &Coredump) -> Option<Moment> {
    let sender = dump.sender.as_ref()?;
    Some((sender.serial.clone(), sender.boot?, sender.uptime_ms))
}

impl Member {
    fn new(index: usize, source: SourceDump) -> Self {
        let registers = registers(&source.dump);
        Self {
            index,
            has_registers: registers.is_some(),
            pc: pc(&source.dump),
            sp: registers.and_then(RegisterSet::sp),
            moment: moment(&source.dump),
            compared: COMPARED.map(|reg| registers.and_then(|known| known.known(reg))),
            stem: stem(&source.file).to_owned(),
            source,
        }
    }

    fn dump(&self) -> &Coredump {
        &self.source.dump
    }

    /// The values that both know, in pairs.
    fn compared_with(&self, other: &Self) -> impl Iterator<Item = (u64, u64)> {
        let pairs = self.compared.into_iter().zip(other.compared);
        pairs.filter_map(|(a, b)| a.zip(b))
    }
}

/// The stack pointers that [`sp_agrees`] takes for `sp`.
fn agreeing_pointers(sp: u64) -> impl Iterator<Item = u64> {
    let below = FRAME_SIZES
        .into_iter()
        .filter_map(move |size| sp.checked_sub(size));
    let above = FRAME_SIZES
        .into_iter()
        .filter_map(move |size| sp.checked_add(size));
    std::iter::once(sp).chain(below).chain(above)
}

/// How strongly a source belongs to a group; the variants are in rising order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Match {
    StackPointer,
    Registers,
    RegistersAndName,
    SamePlace,
    SameMoment,
    SameCapture,
}

fn group_match(group: &[Member], source: &Member) -> Option<Match> {
    let mut best = None;
    for member in group.iter().take(MAX_MEMBERS) {
        if is_same_capture(member.dump(), source.dump()) {
            return Some(Match::SameCapture);
        }
        if contradict(member, source) {
            return None;
        }
        best = best.max(pair_match(member, source));
    }
    best
}

/// The same bytes were captured: one dump, seen twice.
fn is_same_capture(a: &Coredump, b: &Coredump) -> bool {
    !a.memory.is_empty() && a.memory == b.memory && a.threads == b.threads && a.format == b.format
}

/// True when two sources cannot be of one fault.
fn contradict(a: &Member, b: &Member) -> bool {
    if let (Some(x), Some(y)) = (&a.moment, &b.moment) {
        return x != y || builds_differ(&a.source, &b.source);
    }
    let is_other_boot = a.source.boot != b.source.boot && a.source.file == b.source.file;
    is_other_boot
        || registers_differ(a, b)
        || builds_differ(&a.source, &b.source)
        // Files of one name hold one crash: a core and its log were captured moments apart.
        || (a.stem != b.stem && stacks_differ(a.dump(), b.dump()))
}

fn builds_differ(a: &SourceDump, b: &SourceDump) -> bool {
    matches!((build_id(a), build_id(b)), (Some(a), Some(b)) if !a.matches(b))
}

fn build_id(source: &SourceDump) -> Option<&BuildId> {
    source
        .dump
        .build_id
        .as_ref()
        .or(source.boot_build_id.as_ref())
}

fn registers(dump: &Coredump) -> Option<&RegisterSet> {
    dump.threads.first().map(|thread| &thread.registers)
}

/// The program counter; a zero is what a capture without a frame holds.
fn pc(dump: &Coredump) -> Option<u64> {
    registers(dump)?
        .pc()
        .map(|pc| pc & !1)
        .filter(|pc| *pc != 0)
}

fn registers_differ(a: &Member, b: &Member) -> bool {
    if !a.has_registers || !b.has_registers {
        return false;
    }
    match (a.pc, b.pc) {
        (Some(x), Some(y)) if x != y => return true,
        // Without a frame the other registers are garbage or zero.
        (None, _) | (_, None) => return sp_differs(a, b),
        _ => {}
    }
    sp_differs(a, b) || a.compared_with(b).any(|(x, y)| x != y)
}

fn sp_differs(a: &Member, b: &Member) -> bool {
    matches!((a.sp, b.sp), (Some(x), Some(y)) if !sp_agrees(x, y))
}

fn sp_agrees(a: u64, b: u64) -> bool {
    a == b || FRAME_SIZES.contains(&a.abs_diff(b))
}

/// Both hold the top of the stack and it differs: the same code crashed twice in the same way.
fn stacks_differ(a: &Coredump, b: &Coredump) -> bool {
    let Some(sp) = registers(a).and_then(RegisterSet::sp) else {
        return false;
    };
    let (mut left, mut right) = ([0; 64], [0; 64]);
    a.memory.read(sp, &mut left).is_ok() && b.memory.read(sp, &mut right).is_ok() && left != right
}

fn pair_match(a: &Member, b: &Member) -> Option<Match> {
    if a.moment.is_some() && a.moment == b.moment {
        return Some(Match::SameMoment);
    }
    if !a.has_registers || !b.has_registers {
        return None;
    }
    let same_file = a.source.file == b.source.file;
    let same_name = same_file || a.stem == b.stem;
    match (a.pc, b.pc) {
        (Some(x), Some(y)) if x == y => {
            let gap = b.dump().source.start.checked_sub(a.dump().source.end);
            let is_next = same_file && gap.is_some_and(|gap| gap <= MAX_GAP_BYTES);
            if is_next && a.dump().memory.is_empty() {
                Some(Match::SamePlace)
            } else if a.compared_with(b).count() < MIN_EQUAL {
                None
            } else if same_name {
                Some(Match::RegistersAndName)
            } else {
                Some(Match::Registers)
            }
        }
        (Some(_), Some(_)) => None,
        _ => {
            let agree = matches!((a.sp, b.sp), (Some(x), Some(y)) if sp_agrees(x, y));
            (agree && same_name).then_some(Match::StackPointer)
        }
    }
}

/// The name of a file without folders and ending: `an386-1` of `out/an386-1.core.mt`.
fn stem(file: &str) -> &str {
    let name = file.rsplit(['/', '\\']).next().unwrap_or(file);
    name.split('.')
        .next()
        .filter(|stem| !stem.is_empty())
        .unwrap_or(name)
}

fn merge(group: Vec<Member>) -> Option<JoinedDump> {
    let mut sources: Vec<DumpSource> = Vec::new();
    for (at, member) in group.iter().enumerate() {
        let dump = member.dump();
        sources.push(DumpSource {
            index: member.index,
            file: member.source.file.clone(),
            format: dump.format,
            range: dump.source.clone(),
            boot: member.source.boot,
            is_repeat: group
                .iter()
                .take(at.min(MAX_MEMBERS))
                .any(|earlier| is_same_capture(earlier.dump(), dump)),
        });
    }
    let boot_build_id = group
        .iter()
        .find_map(|member| member.source.boot_build_id.clone());
    let mut dumps: Vec<Coredump> = group.into_iter().map(|member| member.source.dump).collect();
    // The one with most memory leads, of equal ones the first.
    let lead = dumps
        .iter()
        .enumerate()
        .max_by_key(|(at, dump)| (captured_bytes(dump), dump.threads.len(), usize::MAX - at))
        .map(|(at, _)| at)?;
    let mut dump = dumps.remove(lead);
    for other in dumps {
        absorb(&mut dump, other);
    }
    let build_id_from = if dump.build_id.is_some() {
        Some(BuildIdFrom::Capture)
    } else {
        dump.build_id = boot_build_id;
        dump.build_id.as_ref().map(|_| BuildIdFrom::BootBanner)
    };
    Some(JoinedDump {
        dump,
        build_id_from,
        sources,
    })
}

fn captured_bytes(dump: &Coredump) -> u64 {
    dump.memory.regions().iter().fold(0, |sum, region| {
        sum.saturating_add(region.bytes.len() as u64)
    })
}

/// Adds what `other` knows and `dump` does not.
fn absorb(dump: &mut Coredump, other: Coredump) {
    // Without a stored frame a core holds zeros where the registers of the frame would be.
    let frame_is_elsewhere = pc(dump).is_none() && pc(&other).is_some();
    if other.memory != dump.memory {
        for region in other.memory.regions() {
            dump.memory.insert(region.start, &region.bytes);
        }
    }
    for (name, value) in other.fault.values {
        dump.fault.values.entry(name).or_insert(value);
    }
    match (dump.threads.first_mut(), other.threads.into_iter().next()) {
        (Some(thread), Some(known)) => {
            for (reg, value) in known.registers.iter() {
                let missing = thread.registers.get(reg) == RegValue::NotStored
                    || (frame_is_elsewhere && (reg == Reg::PC || COMPARED.contains(&reg)));
                if missing && value != RegValue::NotStored {
                    thread.registers.set(reg, value);
                    if reg == Reg::SP {
                        thread.sp_meaning = known.sp_meaning;
                    }
                }
            }
            thread.name = thread.name.take().or(known.name);
            thread.id = thread.id.or(known.id);
        }
        (None, Some(known)) => dump.threads.push(known),
        (_, None) => {}
    }
    dump.build_id = dump.build_id.take().or(other.build_id);
    dump.elf_sha256 = dump.elf_sha256.take().or(other.elf_sha256);
    dump.sender = dump.sender.take().or(other.sender);
    dump.kernel = dump.kernel.take().or(other.kernel);
    dump.reason = dump.reason.take().or(other.reason);
    dump.assert = dump.assert.take().or(other.assert);
    dump.thread_name = dump.thread_name.take().or(other.thread_name);
    if dump.arch == crate::model::arch::Arch::Arm {
        dump.arch = other.arch;
    }
    dump.warnings.extend(other.warnings);
}

#[cfg(test)]
mod tests {
    use super::{BuildIdFrom, SourceDump, join};
    use crate::model::arch::Arch;
    use crate::model::build_id::BuildId;
    use crate::model::coredump::{CapturedThread, Coredump, SpMeaning};
    use crate::model::registers::{Reg, RegisterSet};

    /// Registers as `pc,sp,r0,r1,r2,r3,r12,lr,xpsr` in hex, `-` for one that is missing.
    fn source(
        file: &str,
        at: u64,
        boot: Option<usize>,
        regs: &str,
        memory: Option<u8>,
    ) -> SourceDump {
        let order = [
            Reg::PC,
            Reg::SP,
            Reg(0),
            Reg(1),
            Reg(2),
            Reg(3),
            Reg(12),
            Reg::LR,
            Reg::XPSR,
        ];
        let mut registers = RegisterSet::default();
        for (reg, text) in order.into_iter().zip(regs.split(',')) {
            if text != "-" {
                registers.set_known(reg, u64::from_str_radix(text, 16).unwrap());
            }
        }
        let mut dump = Coredump::new(
            if memory.is_some() {
                "elf-core"
            } else {
                "fault-print"
            },
            Arch::Arm,
        );
        dump.source = at..at + 200;
        dump.threads.push(CapturedThread {
            registers,
            ..CapturedThread::default()
        });
        if let Some(fill) = memory {
            dump.memory.insert(0x2000_0000, &[fill; 0x4000]);
        } else {
            dump.fault.values.insert("cfsr", 0x8200);
            dump.threads[0].sp_meaning = SpMeaning::ExceptionFrame;
        }
        SourceDump {
            file: file.to_owned(),
            boot,
            boot_build_id: None,
            dump,
        }
    }

    const PRINT: &str = "354,20003588,f0000000,d,d,2000362d,a5a5a5a5,3bd,21000000";
    const CORE: &str = "354,200035f0,f0000000,d,d,2000362d,a5a5a5a5,3bd,21000000";
    const OTHER: &str = "354,200035f0,f0000000,e,d,2000362d,a5a5a5a5,3bd,21000000";
    const LOST_PRINT: &str = "-,1ffd7530,-,-,-,-,-,-,-";
    const LOST_CORE: &str = "0,1ffd7550,0,0,0,0,0,0,0";
    const SHORT: &str = "354,-,f0000000,-,-,-,-,-,-";

    #[track_caller]
    fn check(name: &str, sources: Vec<SourceDump>, expected: &[&[usize]]) {
        let got: Vec<Vec<usize>> = join(sources)
            .iter()
            .map(|joined| joined.sources.iter().map(|source| source.index).collect())
            .collect();
        assert_eq!(got, expected, "{name}");
    }

    #[test]
    fn what_is_one_crash_and_what_is_two() {
        check(
            "a core and the print of the same fault, files in either order",
            vec![
                source("x/a-1.core", 0, None, CORE, Some(1)),
                source("x/a-1.uart", 900, Some(0), PRINT, None),
            ],
            &[&[0, 1]],
        );
        check(
            "the names may differ when the registers agree",
            vec![
                source("log.txt", 900, Some(0), PRINT, None),
                source("dump.bin", 0, None, CORE, Some(1)),
            ],
            &[&[0, 1]],
        );
        check(
            "the same place with other registers is another crash",
            vec![
                source("log.txt", 900, Some(0), PRINT, None),
                source("dump.bin", 0, None, OTHER, Some(1)),
            ],
            &[&[0], &[1]],
        );
        check(
            "two boots of one file are two crashes even with equal registers; the dump goes to the later",
            vec![
                source("log.txt", 900, Some(0), PRINT, None),
                source("log.txt", 9900, Some(1), PRINT, None),
                source("dump.bin", 0, None, CORE, Some(1)),
            ],
            &[&[0], &[1, 2]],
        );
        check(
            "a stack overflow without a frame joins by its stack pointer within one name",
            vec![
                source("a-3.uart", 900, Some(0), LOST_PRINT, None),
                source("a-3.core", 0, None, LOST_CORE, Some(1)),
            ],
            &[&[0, 1]],
        );
        check(
            "but not across names",
            vec![
                source("a-3.uart", 900, Some(0), LOST_PRINT, None),
                source("b-3.core", 0, None, LOST_CORE, Some(1)),
            ],
            &[&[0], &[1]],
        );
        check(
            "a short print right before a dump belongs to it",
            vec![
                source("log.txt", 900, Some(0), SHORT, None),
                source("log.txt", 1200, Some(0), CORE, Some(1)),
            ],
            &[&[0, 1]],
        );
        check(
            "far before it, it does not",
            vec![
                source("log.txt", 900, Some(0), SHORT, None),
                source("log.txt", 90_000, Some(0), CORE, Some(1)),
            ],
            &[&[0], &[1]],
        );
        check(
            "the same dump in two files is one crash seen twice",
            vec![
                source("a.core", 0, None, CORE, Some(1)),
                source("copy.core", 0, None, CORE, Some(1)),
            ],
            &[&[0, 1]],
        );
        check(
            "equal registers over different stacks are two crashes",
            vec![
                source("a.core", 0, None, CORE, Some(1)),
                source("b.core", 0, None, CORE, Some(2)),
            ],
            &[&[0], &[1]],
        );
        check("nothing", Vec::new(), &[]);
    }

    #[test]
    fn a_log_full_of_equal_prints_is_one_crash_a_boot() {
        let prints = |boots: usize| {
            (0..1000)
                .map(move |n| source("log.txt", 300 * n as u64, Some(n % boots), PRINT, None))
                .collect::<Vec<_>>()
        };
        assert_eq!(join(prints(1)).len(), 1);
        assert!(join(prints(1000)).len() == 1000);
    }

    #[test]
    fn a_joined_crash_has_the_memory_of_one_and_the_fault_registers_of_the_other() {
        let mut print = source("a-1.uart", 900, Some(0), PRINT, None);
        print.boot_build_id = BuildId::from_hex("8631d12a");
        print.dump.reason = Some("fault".to_owned());
        print.dump.threads[0]
            .registers
            .set_known(Reg::EXC_RETURN, 0xFFFF_FFEDu32);
        let joined = join(vec![print, source("a-1.core", 0, None, CORE, Some(1))]).remove(0);
        assert_eq!(joined.dump.format, "elf-core");
        assert_eq!(joined.dump.fault.get("cfsr"), Some(0x8200));
        assert_eq!(joined.dump.memory.regions().len(), 1);
        assert_eq!(joined.dump.reason.as_deref(), Some("fault"));
        let regs = &joined.dump.threads[0].registers;
        assert_eq!(
            regs.sp(),
            Some(0x2000_35F0),
            "the stack pointer stays that of the memory"
        );
        assert_eq!(regs.known(Reg::EXC_RETURN), Some(0xFFFF_FFED));
        assert_eq!(joined.dump.threads[0].sp_meaning, SpMeaning::Popped);
        assert_eq!(joined.build_id_from, Some(BuildIdFrom::BootBanner));
        assert_eq!(joined.dump.build_id, BuildId::from_hex("8631d12a"));
        let repeats: Vec<bool> = joined
            .sources
            .iter()
            .map(|source| source.is_repeat)
            .collect();
        assert_eq!(repeats, [false, false]);
    }
}
