//! Large inputs that repeat what a reader looks for: the work stays in proportion to the bytes.
//!
//! 64 MB each in the long run, which is optimised; half a megabyte otherwise.

use super::cases::Random;
use super::{examined, reports};
use super::{formats, limits};
use fieldscope::engine::matching::Matched;

/// No format gives more dumps of one file.
const MOST_DUMPS: usize = 10_000;
/// Formats that find dumps in text.
const N_TEXT_FORMATS: usize = 3;

/// True in the long runs, which are built with optimisations.
fn is_optimised() -> bool {
    super::setting("").is_some_and(|value| value == "all")
}

/// Bytes of an input.
fn size() -> usize {
    if is_optimised() { 64 << 20 } else { 512 << 10 }
}

/// `make(n)` again and again until there are enough bytes.
fn repeated(make: impl Fn(usize) -> String) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size() + 4096);
    let mut n = 0;
    while bytes.len() < size() {
        bytes.extend_from_slice(make(n).as_bytes());
        n += 1;
    }
    bytes
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02X}").unwrap();
        text
    })
}

fn words(words: &[u32]) -> String {
    hex(&words
        .iter()
        .flat_map(|w| w.to_le_bytes())
        .collect::<Vec<u8>>())
}

fn number(n: usize) -> u32 {
    u32::try_from(n).unwrap()
}

/// Reads a large input and holds it against the limits.
fn check(what: &str, bytes: &[u8]) {
    let longest = limits::longest(is_optimised());
    let (cost, wrong) = limits::check(what, longest, &|| {
        let examined = examined("stress.log", bytes.to_vec());
        let n_dumps: usize = examined.files.iter().map(|file| file.n_dumps).sum();
        assert!(n_dumps <= MOST_DUMPS * N_TEXT_FORMATS, "{n_dumps} dumps");
        let n_boots = examined.files.iter().map(|f| f.scan.boots.len()).max();
        assert!(n_boots.unwrap_or(0) <= MOST_DUMPS, "{n_boots:?} boots");
        if examined.crashes.len() <= 3 {
            let _reports = reports(&examined, &Matched::default());
        }
    });
    println!("{what}, {} MB: {cost}", bytes.len() >> 20);
    let wrong = wrong.filter(|_| std::env::var_os("FIELDSCOPE_HOSTILE_LIST").is_none());
    assert_eq!(wrong, None);
}

/// A Zephyr dump with memory, as lines of hex.
fn zephyr_lines(start: u32, len: u32) -> [String; 3] {
    let header = format!("5A45010003000501{}", words(&[0]));
    let registers = format!(
        "4101002400{}",
        words(&[1, 2, 3, 4, 5, 6, 0x0800_0100, 7, start])
    );
    let memory = format!("4D0100{}", words(&[start, start + len]));
    [header, registers, memory]
}

#[test]
fn all_zeros_are_read_in_time() {
    check("zeros", &vec![0; size()]);
}

#[test]
fn random_noise_is_read_in_time() {
    let mut random = Random(0x0DD5_EED5);
    let noise: Vec<u8> = std::iter::repeat_with(|| random.next().to_le_bytes())
        .take(size() / 8)
        .flatten()
        .collect();
    check("noise", &noise);
    // As one of printable characters.
    let letters: Vec<u8> = noise.iter().map(|byte| 0x20 + byte % 0x5f).collect();
    check("letters", &letters);
}

#[test]
fn lines_of_a_megabyte_are_read_in_time() {
    for part in [
        "pc=0x08001234 ",
        "63430300 ",
        "#CD:",
        "x",
        " ",
        "0x",
        "CFSR",
        "Booting ",
        "\u{1b}[",
    ] {
        let mut bytes = repeated(|_| part.to_owned());
        for end in bytes.chunks_mut(1 << 20) {
            *end.last_mut().unwrap() = b'\n';
        }
        check(&format!("long lines of {part:?}"), &bytes);
    }
}

#[test]
fn repeated_crashcatcher_signatures_are_read_in_time() {
    check(
        "signatures of CrashCatcher",
        &repeated(|_| "63430300\n".to_owned()),
    );
    check(
        "other signatures of CrashCatcher",
        &repeated(|n| format!("{n} 63430200\nx\n")),
    );
    check(
        "CrashCatcher without end",
        &repeated(|n| {
            if n == 0 {
                "63430300\n".to_owned()
            } else {
                "00000000\n".to_owned()
            }
        }),
    );
    // Every dump starts with the same registers and has one more region elsewhere.
    check(
        "CrashCatcher dumps of one fault",
        &repeated(|n| {
            let at = 0x2000_0000 + number(n) * 8;
            let mut text = "63430300\n".to_owned();
            for row in [
                &[0; 4][..],
                &[5; 4],
                &[6; 4],
                &[7; 4],
                &[8; 4],
                &[at, at + 4, number(n)],
            ] {
                text += &words(row);
                text.push('\n');
            }
            text
        }),
    );
    // Many regions of one dump.
    check(
        "regions of CrashCatcher",
        &repeated(|n| {
            let at = 0x2000_0000 + number(n) * 8;
            if n % 100_000 == 0 {
                let mut text = "63430300\n".to_owned();
                for row in [0u32; 21].chunks(4) {
                    text += &words(row);
                    text.push('\n');
                }
                return text;
            }
            format!("{}\n", words(&[at, at + 4, 7]))
        }),
    );
}

#[test]
fn repeated_zephyr_marks_are_read_in_time() {
    check(
        "begins of Zephyr dumps",
        &repeated(|_| "#CD:BEGIN#\n".to_owned()),
    );
    check(
        "ends of Zephyr dumps",
        &repeated(|_| "#CD:END#\n".to_owned()),
    );
    check(
        "odd lines of Zephyr dumps",
        &repeated(|n| match n % 64 {
            0 => "#CD:BEGIN#\n".to_owned(),
            1 => format!("#CD:{}\n", "5A".repeat(2000)),
            _ => "#CD:0\n".to_owned(),
        }),
    );
    check(
        "damaged lines of a Zephyr dump",
        &repeated(|n| match n {
            0 => "#CD:BEGIN#\n".to_owned(),
            1..4 => format!("#CD:{}\n", zephyr_lines(0x2000_0000, 0x7FFF_0000)[n - 1]),
            _ => "#CD:0?1?2?3?4?5?6?7?8?9?0?1?2?3?4?5?\n".to_owned(),
        }),
    );
    let [header, registers, memory] = zephyr_lines(0x2000_0000, 4);
    check(
        "Zephyr dumps",
        &repeated(|n| {
            format!(
                "#CD:BEGIN#\n#CD:{header}\n#CD:{registers}\n#CD:{memory}\n#CD:{}\n#CD:END#\n",
                words(&[number(n)])
            )
        }),
    );
    check(
        "CPUs of a Zephyr dump",
        &repeated(|n| match n {
            0 => format!("#CD:BEGIN#\n#CD:{header}\n"),
            _ => format!("#CD:4601000400{}\n", words(&[1, 2, 3])),
        }),
    );
    check(
        "blocks of a Zephyr dump",
        &repeated(|n| match n {
            0 => format!("#CD:BEGIN#\n#CD:{header}\n"),
            _ => format!("#CD:{registers}\n"),
        }),
    );
}

#[test]
fn repeated_fault_prints_and_boots_are_read_in_time() {
    let print = |n: usize| {
        format!(
            "Hard fault\r\npc=0x{:08x} lr=0x08000001 r0=0x00000000 sp=0x20000{:03x}\r\nCFSR=0x00008200 HFSR=0x40000000\r\n",
            n * 2,
            n % 0xFF0
        )
    };
    check(
        "fault prints",
        &(0..100_000).map(print).collect::<String>().into_bytes(),
    );
    check("many fault prints", &repeated(print));
    check("the same fault print", &repeated(|_| print(1)));
    check("program counters", &repeated(|n| format!("pc=0x{n:08x}\n")));
    check(
        "fault status",
        &repeated(|_| "CFSR=0x00008200\n".to_owned()),
    );
    check(
        "stack words",
        &repeated(|n| match n % 2000 {
            0 => print(n),
            _ => format!(
                "up_stackdump: {:08x}: 00000000 00000000 00000000 00000000\n",
                0x2000_0000 + n * 32
            ),
        }),
    );
    check(
        "addresses and data",
        &repeated(|n| match n % 1000 {
            999 => print(n),
            _ => format!("addr: {:08x}    data: 00000000\n", 0x2000_0000 + n * 8),
        }),
    );
    check(
        "boots",
        &repeated(|n| format!("*** Booting Zephyr OS build v3.4.{n} ***\n")),
    );
    check(
        "boots and fault prints",
        &repeated(|n| format!("*** Booting Zephyr OS build v3.4.{n} ***\n{}", print(n))),
    );
    check("build ids", &repeated(|n| format!("build id: {n:040x}\n")));
    check(
        "asserts",
        &repeated(|n| format!("ASSERTION FAIL [x == {n}] @ main.c:{n}\n")),
    );
}

/// An ELF core of 32-bit ARM with these segments: kind, file offset, address, size.
fn core(segments: &[[u32; 4]], data: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x01\x01\x01".to_vec();
    bytes.resize(16, 0);
    let half = |bytes: &mut Vec<u8>, n: u16| bytes.extend(n.to_le_bytes());
    let word = |bytes: &mut Vec<u8>, n: u32| bytes.extend(n.to_le_bytes());
    half(&mut bytes, 4);
    half(&mut bytes, 40);
    for n in [1, 0, 52, 0, 0] {
        word(&mut bytes, n);
    }
    for n in [52, 32, u16::try_from(segments.len()).unwrap(), 0, 0, 0] {
        half(&mut bytes, n);
    }
    for [kind, offset, addr, size] in segments {
        for n in [*kind, *offset, *addr, *addr, *size, *size, 7, 4] {
            word(&mut bytes, n);
        }
    }
    bytes.extend(data);
    bytes
}

#[test]
fn cores_with_overlapping_segments_and_many_threads_are_read_in_time() {
    let n_bytes = u32::try_from(size()).unwrap();
    let start = 52 + 32 * 1024;
    let note = |words_of_name: &[u32], kind: u32, desc: &[u8]| {
        let mut note = Vec::new();
        for n in [number(words_of_name.len() * 4), number(desc.len()), kind] {
            note.extend(n.to_le_bytes());
        }
        for n in words_of_name {
            note.extend(n.to_le_bytes());
        }
        note.extend(desc);
        note
    };
    // Notes that say nothing, all over the file, and each segment holds all of them.
    let empty = note(&[], 0, &[]).repeat(size() / 12);
    check(
        "one note segment many times",
        &core(&[[4, start, 0, n_bytes]; 1024], &empty),
    );
    let name = [u32::from_le_bytes(*b"CORE"), 0];
    let mut status = vec![0; 148];
    status[72 + 15 * 4..][..4].copy_from_slice(&0x0800_0100u32.to_le_bytes());
    status[72 + 13 * 4..][..4].copy_from_slice(&0x2000_0000u32.to_le_bytes());
    let threads = note(&name, 1, &status).repeat(size() / 200);
    check(
        "threads",
        &core(
            &[[4, start, 0, u32::try_from(threads.len()).unwrap()]; 1024],
            &threads,
        ),
    );
    let steps: Vec<[u32; 4]> = (0..1024)
        .map(|n| {
            [
                1,
                start + n,
                0x2000_0000u32.wrapping_sub(n * 0x10_0000),
                n_bytes / 2,
            ]
        })
        .collect();
    check("overlapping memory", &core(&steps, &vec![7; size()]));
}

#[test]
fn hostile_archives_are_refused_or_partly_read_in_time() {
    let file = |name: &str, bytes: &[u8]| (name.to_owned(), bytes.to_vec());
    // Zeros shrink to a thousandth.
    check(
        "a bomb",
        &super::cases::zip_of(&[file("bomb.log", &vec![0; size() * 4])]),
    );
    let many: Vec<_> = (0..100_000.min(size() / 600))
        .map(|n| file(&format!("{n}.log"), b""))
        .collect();
    check("many entries", &super::cases::zip_of(&many));
    let log = super::cases::fixture("qemu-bare/an386-1.uart");
    let away = super::cases::zip_of(&[
        file("../../escape.uart", &log),
        file("/abs.uart", &log),
        file("ok.uart", &log),
    ]);
    let found = super::examined("away.zip", away.clone());
    let kept: Vec<&str> = found.files.iter().map(|f| f.input.path.as_str()).collect();
    assert_eq!(kept, ["ok.uart"]);
    assert_eq!(found.refused.len(), 2, "{:?}", found.refused);
    check("paths that lead away", &away);
    // The same for the other containers.
    let zeros = vec![0; size() * 4];
    check("a gzip bomb", &formats::gzip(&zeros));
    check("a zstd bomb", &zstd::encode_all(&zeros[..], 3).unwrap());
    let tar = formats::tar_of(&[("zeros.log", &zeros)]);
    check("a tar of zeros", &tar[..size()]);
    check("a gzip bomb of a tar", &formats::gzip(&tar));
    let names: Vec<String> = (0..size() / 512).map(|n| format!("{n}")).collect();
    let files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b""[..])).collect();
    check("many entries of a tar", &formats::tar_of(&files));
    let mut layers = log.clone();
    for _ in 0..20 {
        layers = formats::gzip(&layers);
    }
    check("layers of gzip", &layers);
    // An archive in an archive in an archive.
    let mut nested = away;
    for _ in 0..20 {
        nested = super::cases::zip_of(&[file("in.zip", &nested)]);
    }
    check("archives in archives", &nested);
}

#[test]
fn large_dumps_of_probe_rs_are_read_in_time() {
    let head = |key: &[u8; 4]| {
        let mut bytes = vec![0x85, 0xA9];
        bytes.extend(b"registers");
        bytes.extend([0x81, 15, 0x81, 0xA3]);
        bytes.extend(b"U32");
        bytes.extend([1, 0xA4]);
        bytes.extend(key);
        bytes
    };
    // One byte after the other, and pieces of memory without end.
    let mut bytes = head(b"data");
    bytes.extend([
        0xDD, 0, 0, 0xFF, 0xFF, 0x92, 0x92, 0, 0, 0xDD, 0xFF, 0xFF, 0xFF, 0xFF,
    ]);
    bytes.resize(size(), 7);
    check("a dump of probe-rs without end", &bytes);
    let mut bytes = head(b"data");
    bytes.extend([0xDD, 0, 0xFF, 0xFF, 0xFF]);
    while bytes.len() < size() {
        bytes.extend([0x92, 0x92, 0, 0, 0x91, 1]);
    }
    check("pieces of a dump of probe-rs", &bytes);
    let nested = [head(b"else"), vec![0x91; size()]].concat();
    check("arrays in arrays of a dump of probe-rs", &nested);
}
