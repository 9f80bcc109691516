//! CrashCatcher, for Cortex-M: hex text anywhere in a log, and the same bytes as a file.
//!
//! Layout (CrashCatcher's hex dump, format versions 2.0 and 3.0). Bytes in the order of memory, 16 a line, each
//! item beginning a line of its own:
//!
//! | item | bytes |
//! |---|---|
//! | signature | `63430300` (v3) or `63430200` (v2) |
//! | flags | u32, bit 0: floating-point registers follow |
//! | r0-r3, r4-r11, r12 | words |
//! | sp | as it was before the exception |
//! | lr, pc, xpsr | words |
//! | v3: msp, psp, PSR of the handler; v2: PSR of the handler | words |
//! | with flag bit 0: s0-s31, fpscr | words |
//! | regions, repeated | u32 start, u32 end, then the bytes |
//!
//! ARMv7-M and later add 0xE000ED28..0xE000ED3C (fault status) as the last region. `ACCE55ED` after it means that
//! the catcher's own stack overflowed while it dumped.

use super::{
    Carrier, Confidence, Decoded, Format,
    bytes::Bytes,
    fault_memory,
    fault_print::words,
    is_full,
    lines::{Line, LineSearch, as_u64, hex_digit, line_at, line_start, lines_before, plain},
    literals::Literals,
};
use crate::model::{
    arch::Arch,
    coredump::{CapturedThread, Coredump, SpMeaning},
    progress::{Cancelled, Progress},
    registers::{Reg, RegisterSet},
    warning::Warning,
};

const SIGNATURE: &str = "63430";
static ANCHORS: Literals = Literals::new(&[SIGNATURE]);
/// The banner stands within so many lines of the dump.
const BANNER_LINES: usize = 6;
/// So many lines without hex end a dump.
const MOST_LINES_BETWEEN: usize = 64;
const MOST_REGIONS: usize = 1024;
/// More memory than such a device has; over a serial line it would take an hour.
const LARGEST_DUMP: usize = 16 * 1024 * 1024;
const SENTINEL: u32 = 0xACCE_55ED;

/// CrashCatcher hex text.
pub(super) struct CrashCatcher;

/// CrashCatcher dump that a device stored as bytes.
pub(super) struct CrashCatcherBinary;

impl Format for CrashCatcherBinary {
    fn id(&self) -> &'static str {
        "crashcatcher-binary"
    }
    fn label(&self) -> &'static str {
        "CrashCatcher dump, binary"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["bin", "crash", "dmp"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::WholeFile
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        // Signature, version 2.0 or 3.0, and a word of flags of which one is known.
        match bytes.get(..8) {
            Some([b'c', b'C', 2 | 3, 0, 0 | 1, 0, 0, 0]) => Confidence::Certain,
            _ => Confidence::No,
        }
    }
    fn decode(&self, bytes: &[u8], progress: &dyn Progress) -> Result<Decoded, Cancelled> {
        progress.tick(0, as_u64(bytes.len()))?;
        let collected = Collected {
            bytes: bytes.to_vec(),
            end: bytes.len(),
            ..Collected::default()
        };
        let mut dump = read(&collected);
        dump.format = self.id();
        dump.source = 0..as_u64(bytes.len());
        Ok(Decoded {
            understood: vec![dump.source.clone()],
            coredumps: vec![dump],
            ..Decoded::default()
        })
    }
}

impl Format for CrashCatcher {
    fn id(&self) -> &'static str {
        "crashcatcher"
    }
    fn label(&self) -> &'static str {
        "CrashCatcher dump"
    }
    fn extensions(&self) -> &'static [&'static str] {
        &["log", "txt", "uart"]
    }
    fn carrier(&self) -> Carrier {
        Carrier::Text
    }
    fn sniff(&self, bytes: &[u8], _name: &str) -> Confidence {
        let mut hits = memchr::memmem::find_iter(bytes, SIGNATURE.as_bytes()).take(1000);
        let line = |hit| line_at(bytes, line_start(bytes, hit, 0));
        match hits.find_map(|hit| signature_line(&line(hit)?)) {
            Some(_) => Confidence::Certain,
            None => Confidence::No,
        }
    }
    fn literals(&self) -> Option<&'static Literals> {
        Some(&ANCHORS)
    }
    fn records(&self, mut search: LineSearch<'_>) -> Result<Decoded, Cancelled> {
        let mut decoded = Decoded::default();
        let bytes = search.bytes;
        while let Some(hit) = search.next()? {
            if is_full(&mut decoded, hit.at) {
                break;
            }
            let Some(signature) = signature_line(&hit.line) else {
                continue;
            };
            let collected = collect(bytes, &signature);
            search.at = collected.end.max(search.at);
            let mut dump = read(&collected);
            dump.source = as_u64(signature.start)..as_u64(collected.end);
            dump.assert = words::assert_before(bytes, signature.start);
            if is_breakpoint(bytes, signature.start) {
                dump.reason = Some("breakpoint (BKPT instruction)".to_owned());
            }
            decoded.understood.push(dump.source.clone());
            decoded.coredumps.push(dump);
        }
        Ok(decoded)
    }
}

/// The banner before a dump tells a breakpoint in the code from a crash.
fn is_breakpoint(bytes: &[u8], start: usize) -> bool {
    lines_before(bytes, start, BANNER_LINES, 0)
        .iter()
        .any(|line| memchr::memmem::find(line.text, b"BREAKPOINT ENCOUNTERED").is_some())
}

struct Signature {
    start: usize,
    next: usize,
    /// What stands before the hex in every line of the dump, with runs of digits made equal.
    prefix: Vec<u8>,
}

/// The signature, if it is all that stands on the line after a prefix.
fn signature_line(line: &Line<'_>) -> Option<Signature> {
    let text = plain(line.text);
    let (prefix, hex) = split(&text);
    is_signature(hex).then(|| Signature {
        start: line.start,
        next: line.next,
        prefix: shape(prefix).collect(),
    })
}

fn is_signature(hex: &[u8]) -> bool {
    matches!(hex, b"63430300" | b"63430200")
}

/// The last word of a line and what stands before it.
fn split(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.trim_ascii_end();
    let space = line.iter().rposition(u8::is_ascii_whitespace);
    line.split_at_checked(space.map_or(0, |n| n.saturating_add(1)))
        .unwrap_or((line, &[]))
}

/// Digits differ from line to line in a time stamp; the rest of a prefix does not.
fn shape(prefix: &[u8]) -> impl Iterator<Item = u8> {
    let mut follows_digit = false;
    prefix.trim_ascii().iter().filter_map(move |byte| {
        let is_digit = byte.is_ascii_digit();
        let is_left_out = is_digit && follows_digit;
        follows_digit = is_digit;
        (!is_left_out).then_some(if is_digit { b'0' } else { *byte })
    })
}

#[derive(Default)]
struct Collected {
    bytes: Vec<u8>,
    /// Of text: from offset in `bytes` to offset in the file, one a line.
    origin: Vec<(usize, usize)>,
    /// Offset in the file after the last line that belongs to the dump.
    end: usize,
    /// File offset of the first line that was no whole hex, though it stood where hex should.
    damaged: Option<usize>,
}

impl Collected {
    fn file_offset(&self, at: usize) -> u64 {
        if self.origin.is_empty() {
            return as_u64(at);
        }
        let index = self.origin.partition_point(|(start, _)| *start <= at);
        let found = index.checked_sub(1).and_then(|i| self.origin.get(i));
        as_u64(found.map_or(self.end, |(_, offset)| *offset))
    }
}

fn collect(bytes: &[u8], signature: &Signature) -> Collected {
    let mut collected = Collected {
        end: signature.next,
        ..Collected::default()
    };
    // The version is kept: one layout differs from the other.
    let mut at = signature.start;
    let mut n_other_lines: usize = 0;
    while n_other_lines < MOST_LINES_BETWEEN && collected.bytes.len() < LARGEST_DUMP {
        let Some(line) = line_at(bytes, at) else {
            break;
        };
        let is_first = at == signature.start;
        at = line.next;
        let text = plain(line.text);
        let (prefix, hex) = split(&text);
        if is_signature(hex) && !is_first {
            break;
        }
        let fits =
            (2..=64).contains(&hex.len()) && shape(prefix).eq(signature.prefix.iter().copied());
        if !fits {
            n_other_lines = n_other_lines.saturating_add(1);
            continue;
        }
        let from = collected.bytes.len();
        if !push_hex(&mut collected.bytes, hex) {
            let nearly =
                hex.len() >= 16 && hex.iter().filter(|b| !b.is_ascii_hexdigit()).count() <= 4;
            if nearly {
                collected.damaged = Some(line.start);
                break;
            }
            n_other_lines = n_other_lines.saturating_add(1);
            continue;
        }
        n_other_lines = 0;
        collected.origin.push((from, line.start));
        collected.end = line.next;
    }
    collected
}

/// Adds the bytes that the hex stands for; false, and nothing is added, when it is not whole.
fn push_hex(bytes: &mut Vec<u8>, hex: &[u8]) -> bool {
    let from = bytes.len();
    let (pairs, odd) = hex.as_chunks();
    for [high, low] in pairs {
        match (hex_digit(*high), hex_digit(*low)) {
            (Some(high), Some(low)) => bytes.push(high << 4 | low),
            _ => break,
        }
    }
    let is_whole = odd.is_empty() && bytes.len().saturating_sub(from) == pairs.len();
    if !is_whole {
        bytes.truncate(from);
    }
    is_whole
}

fn read(collected: &Collected) -> Coredump {
    let mut dump = Coredump::new("crashcatcher", Arch::Arm);
    let mut at = Bytes::new(&collected.bytes);
    let mut registers = RegisterSet::default();
    let complete = read_registers(&mut at, &mut registers, &mut dump).is_some();
    if registers.iter().next().is_some() {
        dump.threads.push(CapturedThread {
            registers,
            sp_meaning: SpMeaning::Popped,
            stack: None,
            ..CapturedThread::default()
        });
    }
    if complete {
        read_regions(collected, &mut at, &mut dump);
    } else {
        dump.warnings.push(Warning::at(
            "FS-CATCHER-001",
            as_u64(collected.end),
            "the dump is cut off among its registers; those that are there were read",
        ));
    }
    if let Some(damaged) = collected.damaged {
        dump.warnings.push(Warning::at(
            "FS-CATCHER-002",
            as_u64(damaged),
            "a line of the dump was damaged on the way; what came before it was read",
        ));
    }
    fault_memory::add_from_memory(&mut dump.fault, &dump.memory);
    dump
}

/// `None` when the input ends first; what was read until then is in `registers`.
fn read_registers(
    at: &mut Bytes<'_>,
    registers: &mut RegisterSet,
    dump: &mut Coredump,
) -> Option<()> {
    let version = at.u32()?.to_le_bytes()[2];
    let has_floats = at.u32()? & 1 != 0;
    let general = (0..=12).map(Reg::r);
    let special = [Reg::SP, Reg::LR, Reg::PC, Reg::XPSR];
    for reg in general.chain(special) {
        registers.set_known(reg, at.u32()?);
    }
    if version >= 3 {
        registers.set_known(Reg::MSP, at.u32()?);
        registers.set_known(Reg::PSP, at.u32()?);
    }
    dump.reason = exception_words(at.u32()?);
    if has_floats {
        for n in 0..32 {
            registers.set_known(Reg::s(n), at.u32()?);
        }
        registers.set_known(Reg::FPSCR, at.u32()?);
    }
    Some(())
}

/// The exception that called the catcher, from the IPSR part of the handler's PSR.
fn exception_words(handler_psr: u32) -> Option<String> {
    let name = match handler_psr & 0x1FF {
        2 => "NMI",
        3 => "HardFault",
        4 => "MemManage fault",
        5 => "BusFault",
        6 => "UsageFault",
        7 => "SecureFault",
        12 => "DebugMonitor",
        _ => return None,
    };
    Some(name.to_owned())
}

fn read_regions(collected: &Collected, at: &mut Bytes<'_>, dump: &mut Coredump) {
    for _ in 0..MOST_REGIONS {
        let region_at = at.offset();
        let Some(start) = at.u32() else {
            if at.remaining() > 0 {
                dump.warnings.push(cut_off(collected));
            }
            return;
        };
        if start == SENTINEL || start.swap_bytes() == SENTINEL {
            dump.warnings.push(Warning::at(
                "FS-CATCHER-003",
                collected.file_offset(region_at),
                "the dump ends with ACCE55ED: the stack of the dumping code itself overflowed, so that memory of the application may have been overwritten; give CrashCatcher a larger stack",
            ));
            return;
        }
        let Some(end) = at.u32() else {
            dump.warnings.push(cut_off(collected));
            return;
        };
        let Some(len) = end.checked_sub(start).and_then(|n| usize::try_from(n).ok()) else {
            dump.warnings.push(Warning::at(
                "FS-CATCHER-004",
                collected.file_offset(region_at),
                "the dump is broken here: a memory region ends before it starts; what came before was read",
            ));
            return;
        };
        let data = at.take_up_to(len);
        dump.memory.insert(start.into(), data);
        if data.len() < len {
            dump.warnings.push(cut_off(collected));
            return;
        }
    }
}

fn cut_off(collected: &Collected) -> Warning {
    Warning::at(
        "FS-CATCHER-005",
        as_u64(collected.end),
        "the dump is cut off inside a memory region; what came before was read",
    )
}

#[cfg(test)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::format_collect,
    reason = "test inputs are small"
)]
pub(super) mod tests {
    use super::{CrashCatcher, CrashCatcherBinary};
    use crate::formats::{Confidence, Decoded, Format as _};
    use crate::model::{
        coredump::SpMeaning, memory::Memory as _, progress::Unattended, registers::Reg,
    };

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|b| format!("{b:02X}")).collect()
    }

    fn words(words: &[u32]) -> Vec<String> {
        let bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
        bytes.chunks(16).map(hex).collect()
    }

    /// Prints a dump the way the device does.
    pub(crate) fn print(version: u8, floats: bool, regions: &[(u32, &[u8])]) -> Vec<String> {
        let mut lines = vec![hex(&[0x63, 0x43, version, 0])];
        lines.extend(words(&[u32::from(floats)]));
        for item in [&[0u32, 1, 2, 3][..], &[4, 5, 6, 7, 8, 9, 10, 11], &[12]] {
            lines.extend(words(item));
        }
        lines.extend(words(&[0x2000_3000]));
        lines.extend(words(&[0x0800_0101, 0x0800_0200, 0x2100_0000]));
        if version == 3 {
            lines.extend(words(&[0x2000_8000, 0x2000_2FE0, 3]));
        } else {
            lines.extend(words(&[3]));
        }
        if floats {
            lines.extend(words(&(100..132).collect::<Vec<u32>>()));
            lines.extend(words(&[0x0300_0000]));
        }
        for (start, bytes) in regions {
            lines.extend(words(&[*start, *start + bytes.len() as u32]));
            lines.extend(bytes.chunks(16).map(hex));
        }
        lines
    }

    pub(crate) const SCS: &[u8] = &[
        0, 0x82, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0x3b, 0, 0, 0xf0,
    ];

    fn sample(version: u8, floats: bool) -> Vec<String> {
        let stack: Vec<u8> = (0..64).collect();
        print(
            version,
            floats,
            &[(0x2000_3000, &stack), (0xE000_ED28, SCS)],
        )
    }

    fn decode(text: &str) -> Decoded {
        CrashCatcher.decode(text.as_bytes(), &Unattended).unwrap()
    }

    #[test]
    fn both_versions_with_and_without_floats_are_read_from_the_middle_of_a_log() {
        for (version, floats) in [(2, false), (2, true), (3, false), (3, true)] {
            let text = format!(
                "[12] INF app: value 12345678\r\nCRASH ENCOUNTERED\r\nEnable logging and then press any key to start dump.\r\n\r\n{}\r\nEnd of dump\r\n[13] INF boot\r\n",
                sample(version, floats).join("\r\n")
            );
            assert_eq!(CrashCatcher.sniff(text.as_bytes(), ""), Confidence::Certain);
            let decoded = decode(&text);
            let dump = &decoded.coredumps[0];
            let regs = &dump.threads[0].registers;
            assert_eq!(regs.pc(), Some(0x0800_0200));
            assert_eq!(regs.sp(), Some(0x2000_3000));
            assert_eq!(regs.known(Reg::r(11)), Some(11));
            assert_eq!(regs.known(Reg::XPSR), Some(0x2100_0000));
            assert_eq!(regs.known(Reg::PSP), (version == 3).then_some(0x2000_2FE0));
            assert_eq!(regs.known(Reg::s(31)), floats.then_some(131));
            assert_eq!(dump.threads[0].sp_meaning, SpMeaning::Popped);
            assert_eq!(dump.reason.as_deref(), Some("HardFault"));
            assert_eq!(dump.fault.get("cfsr"), Some(0x8200));
            assert_eq!(dump.fault.get("bfar"), Some(0xF000_003B));
            assert_eq!(dump.memory.read_u8(0x2000_303F), Ok(63));
            assert!(dump.warnings.is_empty(), "{:?}", dump.warnings);
        }
    }

    #[test]
    fn a_log_prefix_before_every_line_and_lines_between_do_no_harm() {
        let mut log = vec!["[98] ASSERT main.c:19".to_owned()];
        for (n, line) in sample(3, false).iter().enumerate() {
            log.push(format!("[{}] E crash: {line}", 99 + n));
            log.push(format!("[{}] I net: sent 00000031", 99 + n));
        }
        let decoded = decode(&log.join("\n"));
        assert_eq!(decoded.coredumps.len(), 1);
        let dump = &decoded.coredumps[0];
        assert_eq!(dump.fault.get("hfsr"), Some(0x4000_0000));
        assert_eq!(
            dump.assert.as_ref().unwrap().file.as_deref(),
            Some("main.c")
        );
        assert!(dump.warnings.is_empty(), "{:?}", dump.warnings);
    }

    #[test]
    fn an_overflow_of_the_catchers_own_stack_is_told() {
        let mut lines = sample(3, false);
        lines.push("ACCE55ED".to_owned());
        let decoded = decode(&lines.join("\n"));
        assert_eq!(decoded.coredumps[0].warnings[0].code, "FS-CATCHER-003");
    }

    #[test]
    fn cut_off_and_damaged_dumps_keep_what_came_before() {
        let lines = sample(3, false);
        let two = format!("{}\n{}", lines[..5].join("\n"), lines[..12].join("\n"));
        let decoded = decode(&two);
        assert_eq!(decoded.coredumps.len(), 2, "each signature begins a dump");
        assert_eq!(decoded.coredumps[0].warnings[0].code, "FS-CATCHER-001");
        assert_eq!(
            decoded.coredumps[0].threads[0].registers.known(Reg::r(3)),
            Some(3)
        );
        let second = &decoded.coredumps[1];
        assert_eq!(second.warnings[0].code, "FS-CATCHER-005");
        assert!(second.memory.read_u8(0x2000_3000).is_ok());
        assert!(second.memory.read_u8(0x2000_303F).is_err());
        let damaged = lines.join("\n").replacen("1011", "10?1", 1);
        let decoded = decode(&damaged);
        let codes: Vec<&str> = decoded.coredumps[0]
            .warnings
            .iter()
            .map(|w| w.code.as_str())
            .collect();
        assert_eq!(codes, ["FS-CATCHER-005", "FS-CATCHER-002"]);
    }

    #[test]
    fn a_dump_stored_as_bytes_is_read_like_its_text() {
        let text = sample(3, true).join("\n");
        let bytes: Vec<u8> = sample(3, true)
            .concat()
            .as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect();
        assert_eq!(CrashCatcherBinary.sniff(&bytes, ""), Confidence::Certain);
        let read = |bytes: &[u8]| {
            let decoded = CrashCatcherBinary.decode(bytes, &Unattended).unwrap();
            decoded.coredumps.into_iter().next().unwrap()
        };
        let (binary, hex) = (read(&bytes), &decode(&text).coredumps[0]);
        assert_eq!(binary.threads, hex.threads);
        assert_eq!(binary.memory, hex.memory);
        assert_eq!(binary.fault, hex.fault);
        assert_eq!(binary.warnings, []);
        for end in 8..bytes.len() {
            let cut = read(&bytes[..end]);
            let is_between_regions = cut.warnings.is_empty();
            assert!(is_between_regions || cut.warnings[0].offset == Some(end as u64));
        }
        assert_eq!(
            CrashCatcherBinary.sniff(b"cC\x04\0\0\0\0\0", ""),
            Confidence::No
        );
    }

    #[test]
    fn a_breakpoint_is_no_crash_and_a_dump_that_was_sent_twice_is_two_captures() {
        let dump = sample(3, false).join("\r\n");
        let banner = "Enable logging and then press any key to start dump.\r\n\r\n";
        let text = format!(
            "\r\n\r\nBREAKPOINT ENCOUNTERED\r\n{banner}{dump}\r\n\r\nEnd of dump\r\n\r\n\r\nCRASH ENCOUNTERED\r\n{banner}{dump}\r\n"
        );
        let decoded = decode(&text);
        let reasons: Vec<_> = decoded
            .coredumps
            .iter()
            .map(|d| d.reason.as_deref())
            .collect();
        assert_eq!(
            reasons,
            [Some("breakpoint (BKPT instruction)"), Some("HardFault")]
        );
        assert_eq!(decoded.coredumps[0].memory, decoded.coredumps[1].memory);
    }
}
