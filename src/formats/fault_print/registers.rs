//! Register names and values in one line of text, whoever printed it.
//!
//! A name from the table, an optional alias or remark (`r15/pc`, `LR [R14]`, `CFSR (0xE000ED28)`), `:` or `=`,
//! and a value: `0x` and up to eight hex digits, or exactly eight hex digits.

use crate::model::registers::Reg;
use std::ops::RangeInclusive;

/// What a printed name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Register(Reg),
    /// A whole fault register, by its key.
    Fault(&'static str),
    /// A part of CFSR, by its lowest bit.
    FaultPart(u32),
    /// `fp`: r7 or r11, depending on which of them is printed by number.
    FramePointer,
}

/// One value in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) slot: Slot,
    pub(super) value: u32,
}

/// Names as they are printed, in lower case and without a prefix of [`PREFIXES`].
const NAMES: &[(&str, Slot)] = &[
    ("afaults", Slot::Fault("afsr")),
    ("afsr", Slot::Fault("afsr")),
    ("basepri", Slot::Register(Reg::BASEPRI)),
    ("bfar", Slot::Fault("bfar")),
    ("bfaultaddr", Slot::Fault("bfar")),
    ("bfsr", Slot::FaultPart(8)),
    ("cfaults", Slot::Fault("cfsr")),
    ("cfsr", Slot::Fault("cfsr")),
    ("control", Slot::Register(Reg::CONTROL)),
    ("dfaults", Slot::Fault("dfsr")),
    ("dfsr", Slot::Fault("dfsr")),
    ("exc_ret", Slot::Register(Reg::EXC_RETURN)),
    ("exc_return", Slot::Register(Reg::EXC_RETURN)),
    ("excreturn", Slot::Register(Reg::EXC_RETURN)),
    ("faultmask", Slot::Register(Reg::FAULTMASK)),
    ("fp", Slot::FramePointer),
    ("fpscr", Slot::Register(Reg::FPSCR)),
    ("hfaults", Slot::Fault("hfsr")),
    ("hfsr", Slot::Fault("hfsr")),
    ("icsr", Slot::Fault("icsr")),
    ("ip", Slot::Register(Reg(12))),
    ("lr", Slot::Register(Reg::LR)),
    ("mfsr", Slot::FaultPart(0)),
    ("mmar", Slot::Fault("mmfar")),
    ("mmfar", Slot::Fault("mmfar")),
    ("mmfaultaddr", Slot::Fault("mmfar")),
    ("mmfsr", Slot::FaultPart(0)),
    ("msp", Slot::Register(Reg::MSP)),
    ("pc", Slot::Register(Reg::PC)),
    ("primask", Slot::Register(Reg::PRIMASK)),
    ("psp", Slot::Register(Reg::PSP)),
    ("psr", Slot::Register(Reg::XPSR)),
    ("sb", Slot::Register(Reg(9))),
    ("sfar", Slot::Fault("sfar")),
    ("sfsr", Slot::Fault("sfsr")),
    ("shcsr", Slot::Fault("shcsr")),
    ("sl", Slot::Register(Reg(10))),
    ("sp", Slot::Register(Reg::SP)),
    ("ufsr", Slot::FaultPart(16)),
    ("xpsr", Slot::Register(Reg::XPSR)),
];

/// Prefixes that handlers give the names of their variables.
const PREFIXES: &[&str] = &["stacked_", "scb_", "cfsr_", "reg_", "_"];

/// Longer words are no register names.
pub(super) const LONGEST_NAME: usize = 24;

/// Words between a name and its value that change nothing.
const FILLERS: &[&str] = &["address", "addr", "at", "is", "reg", "register", "value"];

/// Every register value in a line. `short_values`: hex of any length is taken without `0x` as well.
pub(super) fn in_line(text: &str, short_values: bool) -> Vec<Found> {
    let bytes = text.as_bytes();
    let mut found = Vec::new();
    let mut at: usize = 0;
    while let Some((name, after)) = next_name(bytes, at) {
        at = after;
        let Some(slot) = slot_at(bytes, name, after) else {
            continue;
        };
        let Some((value, end)) = value_after(bytes, after, short_values) else {
            continue;
        };
        found.push(Found { slot, value });
        at = end.max(after);
        // A row of eight words after R0 or R8: the registers from there on.
        if let Slot::Register(Reg(first @ (0 | 8))) = slot {
            let row = row_of_words(bytes, end);
            if row.len() == 7 {
                for (n, value) in (first.saturating_add(1)..).zip(row) {
                    found.push(Found {
                        slot: Slot::Register(Reg::r(n)),
                        value,
                    });
                }
            }
        }
    }
    found
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The next identifier from `at` and where it ends.
pub(super) fn next_name(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let mut start = at;
    loop {
        let byte = *bytes.get(start)?;
        let follows_word = start
            .checked_sub(1)
            .and_then(|before| bytes.get(before))
            .is_some_and(|b| is_word(*b));
        if (byte.is_ascii_alphabetic() || byte == b'_') && !follows_word {
            break;
        }
        start = start.saturating_add(1);
    }
    let rest = bytes.get(start..)?;
    let len = rest.iter().position(|b| !is_word(*b)).unwrap_or(rest.len());
    Some((rest.get(..len)?, start.saturating_add(len)))
}

fn slot_at(bytes: &[u8], name: &[u8], after: usize) -> Option<Slot> {
    // On the stack: this runs for every word of a line.
    let mut lower = [0; LONGEST_NAME];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let mut name = std::str::from_utf8(lower).ok()?;
    for prefix in PREFIXES {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    if let Ok(index) = NAMES.binary_search_by_key(&name, |(key, _)| key) {
        return NAMES.get(index).map(|(_, slot)| *slot);
    }
    let rest = bytes.get(after..).unwrap_or(&[]);
    match name {
        // Zephyr: "Faulting instruction address (r15/pc): 0x...".
        "instruction" if rest.starts_with(b" address") => Some(Slot::Register(Reg::PC)),
        // "s[ 0]:  0x..."
        "s" if rest.first() == Some(&b'[') => {
            let close = rest.iter().take(6).position(|b| *b == b']')?;
            let index = std::str::from_utf8(rest.get(1..close)?).ok()?;
            float(index.trim().parse().ok()?)
        }
        // nRF5 SDK: "HARD FAULT at 0x...": where it happened.
        "fault" if rest.starts_with(b" at 0x") && hard_before(bytes, after) => {
            Some(Slot::Register(Reg::PC))
        }
        _ => numbered(name),
    }
}

fn hard_before(bytes: &[u8], after_fault: usize) -> bool {
    let end = after_fault.saturating_sub("fault".len());
    let before = bytes.get(end.saturating_sub(5)..end).unwrap_or(&[]);
    before.eq_ignore_ascii_case(b"hard ")
}

fn numbered(name: &str) -> Option<Slot> {
    let (letter, digits) = name.split_at_checked(1)?;
    if digits.is_empty() || digits.len() > 2 {
        return None;
    }
    let number: u16 = digits.parse().ok()?;
    match letter {
        "r" if number <= 15 => Some(Slot::Register(Reg::r(number))),
        "s" => float(number),
        _ => None,
    }
}

fn float(number: u16) -> Option<Slot> {
    (number < 32).then(|| Slot::Register(Reg::s(number)))
}

/// The value after a name and where it ends.
fn value_after(bytes: &[u8], after: usize, short_values: bool) -> Option<(u32, usize)> {
    let mut at = after;
    let mut has_separator = false;
    // Bounded: each turn goes on by at least one byte, and a value stands near its name.
    while at.saturating_sub(after) < 48 {
        let rest = bytes.get(at..)?;
        match rest.first()? {
            b' ' | b'\t' | b')' => at = at.saturating_add(1),
            b':' | b'=' => {
                has_separator = true;
                at = at.saturating_add(1);
            }
            b'[' | b'(' => {
                let close = rest
                    .iter()
                    .take(28)
                    .position(|b| matches!(b, b']' | b')'))?;
                at = at.saturating_add(close).saturating_add(1);
            }
            b'/' if !has_separator => {
                let (_, end) = next_name(bytes, at)?;
                at = end;
            }
            _ => {
                if let Some(value) = hex_value(rest, bare_digits(has_separator, short_values)) {
                    return Some((value.0, at.saturating_add(value.1)));
                }
                let len = rest.iter().position(|b| !is_word(*b)).unwrap_or(rest.len());
                let word = std::str::from_utf8(rest.get(..len)?)
                    .ok()?
                    .to_ascii_lowercase();
                if has_separator || !FILLERS.contains(&word.as_str()) {
                    return None;
                }
                at = at.saturating_add(len);
            }
        }
    }
    None
}

/// Where a value begins after a name: behind an alias or remark (`/x1`, `(x10)`) and a separator.
pub(super) fn value_start(bytes: &[u8], after: usize) -> Option<usize> {
    let mut at = after;
    let mut has_separator = false;
    // Bounded: each turn goes on by at least one byte, and a value stands near its name.
    while at.saturating_sub(after) < 32 {
        match bytes.get(at)? {
            b':' | b'=' if !has_separator => has_separator = true,
            b' ' | b'\t' => {}
            b'/' if !has_separator => {
                let (_, end) = next_name(bytes, at)?;
                at = end;
                continue;
            }
            b'(' if !has_separator => {
                let rest = bytes.get(at..)?;
                at = at.saturating_add(rest.iter().take(28).position(|b| *b == b')')?);
            }
            _ => return has_separator.then_some(at),
        }
        at = at.saturating_add(1);
    }
    None
}

/// How many digits a value without `0x` may have.
#[expect(
    clippy::fn_params_excessive_bools,
    reason = "two facts that have no name of their own"
)]
fn bare_digits(has_separator: bool, short_values: bool) -> Option<RangeInclusive<usize>> {
    match (has_separator, short_values) {
        (true, true) => Some(1..=8),
        (true, false) => Some(8..=8),
        // Nothing: a number after a word is just a number.
        (false, _) => None,
    }
}

/// A hex value at the start of `rest`, and its length.
pub(super) fn hex_value(rest: &[u8], bare: Option<RangeInclusive<usize>>) -> Option<(u32, usize)> {
    let prefixed = rest.starts_with(b"0x") || rest.starts_with(b"0X");
    let skip = if prefixed { 2 } else { 0 };
    let digits = rest.get(skip..)?;
    let len = digits
        .iter()
        .position(|b| !is_word(*b))
        .unwrap_or(digits.len());
    let allowed = if prefixed { 1..=8 } else { bare? };
    let right_length = allowed.contains(&len);
    let digits = digits.get(..len).filter(|_| right_length)?;
    let text = std::str::from_utf8(digits).ok()?;
    if !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let value = u32::from_str_radix(text, 16).ok()?;
    Some((value, skip.saturating_add(len)))
}

/// Words of eight hex digits, separated by spaces, up to the first thing that is none.
pub(super) fn row_of_words(bytes: &[u8], from: usize) -> Vec<u32> {
    let text = std::str::from_utf8(bytes.get(from..).unwrap_or(&[])).unwrap_or("");
    text.split_ascii_whitespace()
        .map_while(|word| {
            let word = word.strip_prefix("0x").unwrap_or(word);
            let is_hex = word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit());
            is_hex.then(|| u32::from_str_radix(word, 16).ok()).flatten()
        })
        .take(16)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Found, NAMES, Slot, in_line};
    use crate::model::registers::Reg;

    #[test]
    fn the_names_are_sorted() {
        assert!(NAMES.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn names_and_values_are_found_in_every_spelling() {
        let pc = Slot::Register(Reg::PC);
        let cases: &[(&str, Slot, u32)] = &[
            ("PC=10000212", pc, 0x1000_0212),
            ("  PC [R15] = 0x800", pc, 0x800),
            (
                "E: Faulting instruction address (r15/pc): 0x1000070a",
                pc,
                0x1000_070A,
            ),
            ("Faulting instruction address = 0xd8a", pc, 0xD8A),
            ("<error> app: HARD FAULT at 0x00026A28", pc, 0x26A28),
            ("stacked_pc: 0x0000beef,", pc, 0xBEEF),
            ("SCB->CFSR:0x00000082", Slot::Fault("cfsr"), 0x82),
            ("SCB_CFSR_UFSR:0x100 UNALIGNED", Slot::FaultPart(16), 0x100),
            ("BFAR Address: 0x50008158", Slot::Fault("bfar"), 0x5000_8158),
            (
                "CFSR (0xE000ED28) = 0x00008200",
                Slot::Fault("cfsr"),
                0x8200,
            ),
            (
                "exception sp 0x2000bcc0",
                Slot::Register(Reg::SP),
                0x2000_BCC0,
            ),
            ("r03: 0x20003a9c", Slot::Register(Reg(3)), 0x2000_3A9C),
            ("s[ 7]:  0x3f800000", Slot::Register(Reg::s(7)), 0x3F80_0000),
            ("xPSR : 2101000B", Slot::Register(Reg::XPSR), 0x2101_000B),
            ("\"pc\": \"0x1\" pc:0x00000438", pc, 0x438),
        ];
        for (line, slot, value) in cases {
            let found = in_line(line, false);
            assert!(
                found.contains(&Found {
                    slot: *slot,
                    value: *value
                }),
                "{line}: {found:?}"
            );
        }
        let row = in_line(
            "R8: 00000000 20001800 00000000 00000009 0000000a 20001a08 08001235 08001238",
            false,
        );
        assert_eq!(row.len(), 8);
        assert_eq!(row[7].slot, pc);
    }

    #[test]
    fn other_numbers_are_no_registers() {
        for line in [
            "x0: 0xffffffffffffffff pc: 0x0000000040012345",
            "rpc=12345678 tcpc: 00000000",
            "ip=192.168.0.1",
            "PC : [<c0008000>]",
            "pc 12345678",
            "R16=00000000 R1=123",
        ] {
            assert_eq!(in_line(line, false), [], "{line}");
        }
        assert_eq!(in_line("R1 = 1f", true).len(), 1);
    }
}
