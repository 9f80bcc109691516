//! Core dumps of ESP-IDF as a device writes them. Shares no code with the reader.
#![allow(
    dead_code,
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "every test that uses the builder uses a part of it, and its inputs are small"
)]

use sha2::{Digest as _, Sha256};

/// A task: control block, captured part of its stack, registers as in its note.
#[derive(Clone)]
pub(crate) struct Task {
    pub(crate) tcb: u32,
    pub(crate) name: &'static str,
    pub(crate) priority: u32,
    /// Where its stack begins; the captured part is the upper end of it.
    pub(crate) stack_start: u32,
    pub(crate) stack_low: u32,
    pub(crate) stack: Vec<u8>,
    /// The register words of `NT_PRSTATUS`.
    pub(crate) registers: Vec<u32>,
}

/// Bytes of a control block.
pub(crate) const TCB_LEN: usize = 0x60;

impl Task {
    pub(crate) fn tcb_bytes(&self) -> Vec<u8> {
        let mut tcb = vec![0; TCB_LEN];
        put(&mut tcb, 0, self.stack_low);
        put(&mut tcb, 44, self.priority);
        put(&mut tcb, 48, self.stack_start);
        tcb[52..52 + self.name.len()].copy_from_slice(self.name.as_bytes());
        tcb
    }
}

/// What the notes of a dump say.
#[derive(Clone, Default)]
pub(crate) struct Notes {
    pub(crate) app_sha256: Option<String>,
    pub(crate) crashed_tcb: u32,
    /// EXCCAUSE and EXCVADDR.
    pub(crate) cause: Option<(u32, u32)>,
    pub(crate) panic_details: Option<&'static str>,
}

/// Writes a word.
pub(crate) fn put(bytes: &mut [u8], at: usize, word: u32) {
    bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn len(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap()
}

/// An Xtensa task that an exception stopped: its frame on the stack, then the chain of windows.
///
/// `chain` is (program counter, bytes of the frame), innermost first.
pub(crate) fn xtensa_task(
    tcb: u32,
    name: &'static str,
    stack_low: u32,
    chain: &[(u32, u32)],
    cause: (u32, u32),
) -> Task {
    const FRAME: u32 = 0x80;
    let mut sps = vec![stack_low + FRAME];
    for (_, size) in chain {
        sps.push(sps.last().unwrap() + size);
    }
    let end = sps.last().unwrap() + 0x40;
    let mut stack = vec![0xA5; (end - stack_low) as usize];
    // What a callee keeps to return to chain[n].
    let return_value = |n: usize| {
        chain
            .get(n)
            .map_or(0, |(pc, _)| 0x8000_0000 | (pc & 0x3FFF_FFFF))
    };
    for (n, sp) in sps.iter().enumerate() {
        let area = (sp - stack_low) as usize - 16;
        let outer = sps.get(n + 1).copied().unwrap_or(0);
        put(&mut stack, area, return_value(n + 2));
        put(&mut stack, area + 4, outer);
        put(&mut stack, area + 8, 0x0200 + u32::try_from(n).unwrap());
        put(&mut stack, area + 12, 0x0300);
    }
    let mut frame = vec![
        0x4008_2758,
        chain[0].0,
        0x0006_0030,
        return_value(1),
        sps[0],
    ];
    frame.extend((2..16).map(|n| 0x1000 + n));
    frame.extend([0x10, cause.0, cause.1, 0x4000_C349, 0x4000_C36B, 0]);
    for (n, word) in frame.iter().enumerate() {
        put(&mut stack, n * 4, *word);
    }
    let mut registers = vec![0; 129];
    registers[0] = chain[0].0;
    registers[1] = 0x0006_0020;
    registers[64] = return_value(1);
    registers[65] = sps[0];
    for n in 2..16 {
        registers[64 + n] = 0x1000 + u32::try_from(n).unwrap();
    }
    Task {
        tcb,
        name,
        priority: 1,
        stack_start: stack_low - 0x800,
        stack_low,
        stack,
        registers,
    }
}

fn note(name: &str, kind: u32, desc: &[u8]) -> Vec<u8> {
    let mut padded = name.as_bytes().to_vec();
    padded.resize((name.len() + 4) & !3, 0);
    let mut out = words(&[len(&padded), len(desc), kind]);
    out.extend(padded);
    out.extend(desc);
    out.resize((out.len() + 3) & !3, 0);
    out
}

/// The ELF core of versions 1.x. `machine`: 94 Xtensa, 243 RISC-V.
pub(crate) fn elf_core(machine: u16, version: u32, tasks: &[Task], notes: &Notes) -> Vec<u8> {
    let mut status = Vec::new();
    for task in tasks {
        let mut desc = vec![0; 72];
        put(&mut desc, 24, task.tcb);
        desc.extend(words(&task.registers));
        desc.resize(desc.len().max(0xCC), 0);
        status.extend(note("CORE", 1, &desc));
    }
    let mut info = version.to_le_bytes().to_vec();
    let mut hash = notes.app_sha256.clone().unwrap_or_default().into_bytes();
    hash.resize(66, 0);
    info.extend(hash);
    let mut extra = vec![notes.crashed_tcb];
    if let Some((cause, address)) = notes.cause {
        extra.extend([232, cause, 238, address]);
        extra.resize(37, 0);
    }
    extra.push(0);
    let mut own = note("ESP_CORE_DUMP_INFO", 8266, &info);
    own.extend(note("ESP_EXTRA_INFO", 677, &words(&extra)));
    if let Some(details) = notes.panic_details {
        own.extend(note("ESP_PANIC_DETAILS", 679, details.as_bytes()));
    }
    let mut segments: Vec<(u32, u32, Vec<u8>)> = vec![(4, 0, status)];
    for task in tasks {
        segments.push((1, task.tcb, task.tcb_bytes()));
        segments.push((1, task.stack_low, task.stack.clone()));
    }
    segments.push((4, 0, own));
    let mut elf = vec![0x7F, b'E', b'L', b'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    elf.extend(4_u16.to_le_bytes());
    elf.extend(machine.to_le_bytes());
    elf.extend(words(&[1, 0, 52, 0, 0]));
    let count = u16::try_from(segments.len()).unwrap();
    for half in [52, 32, count, 0, 0, 0] {
        elf.extend(half.to_le_bytes());
    }
    let mut offset = 52 + 32 * u32::from(count);
    for (kind, addr, bytes) in &segments {
        let size = len(bytes);
        elf.extend(words(&[*kind, offset, *addr, *addr, size, size, 6, 0]));
        offset += size;
    }
    for (_, _, bytes) in &segments {
        elf.extend(bytes);
    }
    elf
}

/// The tasks and segments of versions 0.x.
pub(crate) fn task_list(tasks: &[Task], segments: &[(u32, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for task in tasks {
        let end = task.stack_low + len(&task.stack);
        out.extend(words(&[task.tcb, task.stack_low, end]));
        out.extend(task.tcb_bytes());
        out.extend(&task.stack);
    }
    for (addr, bytes) in segments {
        out.extend(words(&[*addr, len(bytes)]));
        out.extend(*bytes);
    }
    out
}

/// Header, body, checksum. `version`: chip << 16, major << 8, minor.
pub(crate) fn dump(version: u32, n_tasks: u32, n_segments: u32, body: &[u8]) -> Vec<u8> {
    let is_elf = version & 0xFF00 != 0;
    let tasks = if is_elf {
        [0, 0, 0]
    } else {
        [n_tasks, 0x60, n_segments]
    };
    let header: Vec<u32> = match version & 0xFFFF {
        0x001 => vec![tasks[0], tasks[1]],
        0x002 | 0x100 | 0x101 => tasks.to_vec(),
        0x104 => vec![3],
        _ => [tasks.as_slice(), &[3]].concat(),
    };
    let has_sha = matches!(version & 0xFFFF, 0x101 | 0x103 | 0x104);
    let checksum_len = if has_sha { 32 } else { 4 };
    let total = 8 + 4 * header.len() + body.len() + checksum_len;
    let mut out = words(&[u32::try_from(total).unwrap(), version]);
    out.extend(words(&header));
    out.extend(body);
    if has_sha {
        let digest = Sha256::digest(&out);
        out.extend_from_slice(&digest);
    } else {
        out.extend(crc32(&out).to_le_bytes());
    }
    out
}

/// CRC-32 of IEEE 802.3, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = !0_u32;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            };
        }
    }
    !crc
}

/// The lines that a console prints, without the marks.
pub(crate) fn base64_lines(dump: &[u8]) -> Vec<String> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let encode = |piece: &[u8]| {
        let mut line = String::new();
        for group in piece.chunks(3) {
            let mut bits = 0_u32;
            for n in 0..3 {
                bits = bits << 8 | u32::from(group.get(n).copied().unwrap_or(0));
            }
            for n in 0..4 {
                let digit = DIGITS[(bits >> (18 - 6 * n)) as usize & 63];
                line.push(if n > group.len() {
                    '='
                } else {
                    char::from(digit)
                });
            }
        }
        line
    };
    // The device writes the header by itself, then the body.
    let (head, rest) = dump.split_at(dump.len().min(24));
    std::iter::once(encode(head))
        .chain(rest.chunks(48).map(encode))
        .collect()
}

/// A dump on a console, every line behind `prefix`.
pub(crate) fn console(dump: &[u8], prefix: &str) -> String {
    let mut lines = vec!["================= CORE DUMP START =================".to_owned()];
    lines.extend(base64_lines(dump));
    lines.push("================= CORE DUMP END =================".to_owned());
    lines
        .iter()
        .map(|line| format!("{prefix}{line}\r\n"))
        .collect()
}

/// The chain of frames of the Xtensa samples: the application, the ROM, the application, the start of the task.
pub(crate) const CHAIN: [(u32, u32); 5] = [
    (0x400D_1234, 0x20),
    (0x400D_5678, 0x30),
    (0x4000_7C78, 0x20),
    (0x400D_9ABC, 0x40),
    (0x4008_5910, 0x20),
];

/// Three tasks of an ESP32; the first one crashed by a load from 0x14.
pub(crate) fn xtensa_tasks() -> Vec<Task> {
    vec![
        xtensa_task(0x3FFA_FBA0, "main", 0x3FFB_4E00, &CHAIN, (28, 0x14)),
        xtensa_task(0x3FFA_FCF8, "net", 0x3FFB_6000, &CHAIN[1..], (0xFFFF, 0)),
        xtensa_task(0x3FFA_FE50, "IDLE0", 0x3FFB_7000, &CHAIN[4..], (0xFFFF, 0)),
    ]
}

/// A dump of these tasks in every version.
pub(crate) fn xtensa_dumps() -> Vec<(u32, Vec<u8>)> {
    let tasks = xtensa_tasks();
    let notes = Notes {
        app_sha256: Some("1b43c5e74".to_owned()),
        crashed_tcb: tasks[0].tcb,
        cause: Some((28, 0x14)),
        panic_details: None,
    };
    let mut dumps = Vec::new();
    for version in [0x001, 0x002, 0x003, 0x100, 0x101, 0x102, 0x103, 0x104] {
        let body = match version {
            0x001 => task_list(&tasks, &[]),
            0x002 | 0x003 => task_list(&tasks, &[(0x3FFB_0000, b"segment!".as_slice())]),
            _ => elf_core(94, version, &tasks, &notes),
        };
        let n_segments = u32::from(matches!(version, 0x002 | 0x003));
        dumps.push((version, dump(version, 3, n_segments, &body)));
    }
    dumps
}

/// What a device prints before it prints such a dump.
pub(crate) const PANIC: &str = "\
Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.\r
\r
Core  0 register dump:\r
PC      : 0x400d1234  PS      : 0x00060030  A0      : 0x800d5678  A1      : 0x3ffb4e80  \r
A2      : 0x00001002  A3      : 0x00001003  A4      : 0x00001004  A5      : 0x00001005  \r
A6      : 0x00001006  A7      : 0x00001007  A8      : 0x00001008  A9      : 0x00001009  \r
A10     : 0x0000100a  A11     : 0x0000100b  A12     : 0x0000100c  A13     : 0x0000100d  \r
A14     : 0x0000100e  A15     : 0x0000100f  SAR     : 0x00000010  EXCCAUSE: 0x0000001c  \r
EXCVADDR: 0x00000014  LBEG    : 0x4000c349  LEND    : 0x4000c36b  LCOUNT  : 0x00000000  \r
\r
\r
Backtrace: 0x400d1231:0x3ffb4e80 0x400d5675:0x3ffb4ea0\r
\r
\r
ELF file SHA256: 1b43c5e74\r
\r
";
