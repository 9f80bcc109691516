//! Text that ends in the middle of a line: what stands there may be half a value.

use crate::formats::lines::{LONGEST_LINE, as_u64};
use crate::model::{coredump::Coredump, warning::Warning};

/// So many bytes before the end tell how the device prints its values.
const TAIL: usize = 2048;
/// Digits of a 32-bit value.
const DIGITS: usize = 8;

/// The text without a value that was cut off at its end. `0x0000` among values of eight digits is no zero.
pub(super) fn without_half_value(bytes: &[u8]) -> &[u8] {
    let Some(last) = last_value(bytes) else {
        return bytes;
    };
    let head = bytes.get(..last).unwrap_or(bytes);
    let tail = head.get(head.len().saturating_sub(TAIL)..).unwrap_or(head);
    let mut n_whole: usize = 0;
    for at in memchr::memmem::find_iter(tail, b"0x") {
        let digits = tail.get(at.saturating_add(2)..).unwrap_or(&[]);
        let n_digits = digits.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        if n_digits != DIGITS {
            return bytes; // this device prints values without leading zeros
        }
        n_whole = n_whole.saturating_add(1);
    }
    if n_whole < 2 { bytes } else { head }
}

/// Where the `0x` of a value of less than eight digits stands that ends the text.
fn last_value(bytes: &[u8]) -> Option<usize> {
    let n_digits = bytes
        .iter()
        .rev()
        .take(DIGITS)
        .take_while(|b| b.is_ascii_hexdigit())
        .count();
    // `0x0`: the zero of the prefix is a digit as well, the x is none.
    let digits_at = bytes.len().saturating_sub(n_digits);
    let start = digits_at.checked_sub(2)?;
    (n_digits < DIGITS && bytes.get(start..digits_at) == Some(b"0x")).then_some(start)
}

/// Says so when the text ends in the middle of a line of the dump, or of the one behind it.
pub(super) fn note(bytes: &[u8], dump: &mut Coredump) {
    let end = usize::try_from(dump.source.end).unwrap_or(usize::MAX);
    let Some(behind) = bytes.get(end.min(bytes.len())..) else {
        return;
    };
    let is_open = bytes.last().is_some_and(|b| !matches!(b, b'\n' | b'\r'));
    // A dump far before the end costs no search for the end of the line.
    if !is_open || behind.len() > LONGEST_LINE || memchr::memchr(b'\n', behind).is_some() {
        return;
    }
    dump.warnings.push(Warning::at(
        "FS-PRINT-002",
        as_u64(bytes.len()),
        "the text ends here without an end of line, so that this print may be cut off; what came before was read",
    ));
}

#[cfg(test)]
mod tests {
    use super::without_half_value;
    use crate::formats::Format as _;
    use crate::formats::fault_print::FaultPrint;
    use crate::model::coredump::Coredump;
    use crate::model::progress::Unattended;
    use crate::model::registers::Reg;

    const PRINT: &str =
        "HardFault\npc=0x08001234 lr=0x08000001 r0=0x00000007\nCFSR=0x00008200 HFSR=0x40000000\n";

    fn only(text: &str) -> Option<Coredump> {
        FaultPrint
            .decode(text.as_bytes(), &Unattended)
            .unwrap()
            .coredumps
            .pop()
    }

    #[test]
    fn half_a_value_at_the_end_of_the_text_is_no_value() {
        // `CFSR=0x0000` of a text cut off in the value used to be read as a status of zero.
        let whole = only(PRINT).unwrap();
        assert_eq!(whole.warnings, []);
        let mut n_with_cfsr = 0;
        for end in 0..PRINT.len() {
            let text = PRINT.get(..end).unwrap();
            let Some(dump) = only(text) else {
                continue;
            };
            for name in ["cfsr", "hfsr"] {
                let value = dump.fault.get(name);
                assert!(value.is_none() || value == whole.fault.get(name), "{end}");
                n_with_cfsr += usize::from(value.is_some());
            }
            for reg in [Reg::PC, Reg::LR, Reg::r(0)] {
                let value = dump.threads[0].registers.known(reg);
                let is_whole = value == whole.threads[0].registers.known(reg);
                assert!(value.is_none() || is_whole, "{end}: {reg:?}");
            }
            let offset = dump.warnings.first().and_then(|w| w.offset);
            if !text.ends_with('\n') {
                assert_eq!(offset, Some(end as u64), "{text:?}");
            }
        }
        assert!(n_with_cfsr > 10);
    }

    #[test]
    fn short_values_of_a_device_that_prints_no_leading_zeros_stay() {
        let text = b"pc=0x8001234 lr=0x8000001 CFSR=0x8200";
        assert_eq!(without_half_value(text), text);
        let dump = only(std::str::from_utf8(text).unwrap()).unwrap();
        assert_eq!(dump.fault.get("cfsr"), Some(0x8200));
        assert_eq!(dump.warnings[0].code, "FS-PRINT-002");
        for (text, kept) in [
            (
                "a=0x00000001 b=0x00000002 c=0x",
                "a=0x00000001 b=0x00000002 c=",
            ),
            (
                "a=0x00000001 b=0x00000002 c=0x0",
                "a=0x00000001 b=0x00000002 c=",
            ),
            (
                "a=0x00000001 b=0x00000002 c=0x00000003",
                "a=0x00000001 b=0x00000002 c=0x00000003",
            ),
            ("c=0x12", "c=0x12"),
            ("0x", "0x"),
            ("", ""),
        ] {
            assert_eq!(without_half_value(text.as_bytes()), kept.as_bytes());
        }
    }
}
