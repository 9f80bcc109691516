//! Every answer against the stored one of GNU tools (`tests/fixtures/oracle/answers.py`).

use super::super::debug_info::DebugInfo;
use super::{fixture, open};

/// (function, file, line) of each frame, innermost first.
type Frames = Vec<(Option<String>, Option<String>, Option<u32>)>;

/// Reads what `answers.py` printed.
fn parse_answers(text: &str) -> Vec<(u64, Frames)> {
    let mut answers: Vec<(u64, Frames)> = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(hex) = line.strip_prefix("0x") {
            answers.push((u64::from_str_radix(hex, 16).unwrap(), Vec::new()));
            continue;
        }
        let place = lines.next().unwrap();
        let (file, number) = place.rsplit_once(':').unwrap();
        let known = |text: &str| (text != "??").then(|| text.to_owned());
        answers
            .last_mut()
            .unwrap()
            .1
            .push((known(line), known(file), number.parse().ok()));
    }
    answers
}

fn ours(info: &DebugInfo<'_>, addr: u64) -> Frames {
    let frames = info.source_frames(addr);
    assert!(
        frames.iter().rev().skip(1).all(|f| f.inlined),
        "all but the last are inlined at {addr:#x}"
    );
    frames
        .iter()
        .map(|f| (f.function.clone(), f.file.clone(), f.line))
        .collect()
}

/// Aliases of one function (`__addsf3|__aeabi_fadd`) are equally right.
fn agree(expected: &Frames, got: &Frames) -> bool {
    let same_function = |e: &Option<String>, g: &Option<String>| match (e, g) {
        (Some(e), Some(g)) => e.split('|').any(|name| name == g),
        (e, g) => e == g,
    };
    expected.len() == got.len()
        && expected
            .iter()
            .zip(got)
            .all(|(e, g)| same_function(&e.0, &g.0) && e.1 == g.1 && e.2 == g.2)
}

fn check(elf: &str, answers: &str) {
    let file = open(elf);
    let info = DebugInfo::new(&file);
    let answers = parse_answers(&std::fs::read_to_string(fixture(answers)).unwrap());
    let mut wrong = Vec::new();
    for (addr, expected) in &answers {
        let got = ours(&info, *addr);
        if !agree(expected, &got) {
            wrong.push(format!(
                "{addr:#x}\n  expected  {expected:?}\n  ours      {got:?}"
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{elf}: {} of {} differ\n{}",
        wrong.len(),
        answers.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
}

#[test]
fn bare_metal_firmware_agrees_with_gnu_tools() {
    check("qemu-bare/an385.elf", "oracle/an385.answers.txt");
    check("qemu-bare/an386.elf", "oracle/an386.answers.txt");
    check("qemu-bare/an505.elf", "oracle/an505.answers.txt");
}

#[test]
fn freertos_firmware_agrees_with_gnu_tools() {
    check(
        "qemu-freertos/an386.elf",
        "oracle/freertos-an386.answers.txt",
    );
}

#[test]
fn every_version_of_dwarf_agrees_with_gnu_tools_and_dropped_functions_stay_dropped() {
    for version in 2..=5 {
        check(
            &format!("symbols/dwarf{version}.elf"),
            &format!("symbols/dwarf{version}.answers.txt"),
        );
    }
    for same in ["zlib", "zlib-gnu", "no-build-id", "split"] {
        check(&format!("symbols/{same}.elf"), "symbols/dwarf5.answers.txt");
    }
}
