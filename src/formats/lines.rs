//! Lines of text logs: where they begin and end, and how to look at them cheaply.
//!
//! A log may be large and mostly irrelevant: formats search for a literal first and look at whole lines
//! only around a hit.

use super::literals::Literals;
use crate::model::progress::{Cancelled, Progress};
use std::borrow::Cow;

/// No line of a dump or a fault print is longer; longer ones are not looked at.
pub(super) const LONGEST_LINE: usize = 4096;

/// How often a search reports progress, in bytes.
pub(super) const STEP: usize = 256 * 1024;

/// One line: `start..end` without its line ending, `next` where the following line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'a> {
    pub(super) start: usize,
    pub(super) next: usize,
    pub(super) text: &'a [u8],
}

/// The line that begins at `start`; `None` at the end of the input.
pub(super) fn line_at(bytes: &[u8], start: usize) -> Option<Line<'_>> {
    let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
    // A longer line is cut in pieces: no hit may cost more than its surroundings.
    let rest = rest.get(..=LONGEST_LINE).unwrap_or(rest);
    let (len, next) = match memchr::memchr(b'\n', rest) {
        Some(n) => (n, n.saturating_add(1)),
        None => (rest.len(), rest.len()),
    };
    let mut text = rest.get(..len).unwrap_or(&[]);
    while let Some((b'\r', shorter)) = text.split_last() {
        text = shorter;
    }
    Some(Line {
        start,
        next: start.saturating_add(next),
        text,
    })
}

/// Where the line begins that holds the byte at `offset`, not before `floor`; of an overlong line, somewhere in it.
pub(super) fn line_start(bytes: &[u8], offset: usize, floor: usize) -> usize {
    let floor = offset.saturating_sub(LONGEST_LINE).max(floor).min(offset);
    bytes
        .get(floor..offset)
        .and_then(|before| memchr::memrchr(b'\n', before))
        .map_or(floor, |n| floor.saturating_add(n).saturating_add(1))
}

/// The `count` lines before the line that begins at `start`, not before `floor`, nearest last.
pub(super) fn lines_before(
    bytes: &[u8],
    start: usize,
    count: usize,
    floor: usize,
) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut at = start;
    while lines.len() < count && at > floor {
        let before = line_start(bytes, at.saturating_sub(1), floor);
        if before < floor {
            break;
        }
        if let Some(line) = line_at(bytes, before) {
            lines.push(line);
        }
        at = before;
    }
    lines.reverse();
    lines
}

/// The `count` lines from `start`.
pub(super) fn lines_from(bytes: &[u8], start: usize, count: usize) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut at = start;
    while lines.len() < count {
        let Some(line) = line_at(bytes, at) else {
            break;
        };
        at = line.next;
        lines.push(line);
    }
    lines
}

/// The next place from `from` where `find` hits. `longest` is the length of the longest literal it looks for.
pub(super) fn next_hit(
    bytes: &[u8],
    from: usize,
    longest: usize,
    find: &dyn Fn(&[u8]) -> Option<usize>,
    progress: &dyn Progress,
) -> Result<Option<usize>, Cancelled> {
    let total = as_u64(bytes.len());
    let mut at = from;
    while at < bytes.len() {
        progress.tick(as_u64(at), total)?;
        let end = at
            .saturating_add(STEP)
            .saturating_add(longest)
            .min(bytes.len());
        let window = bytes.get(at..end).unwrap_or(&[]);
        if let Some(hit) = find(window) {
            return Ok(Some(at.saturating_add(hit)));
        }
        at = at.saturating_add(STEP);
    }
    Ok(None)
}

/// A walk over the lines of a text that hold a literal, in its order, each line once.
pub struct LineSearch<'a> {
    pub(super) bytes: &'a [u8],
    /// The search goes on here; nothing before it is looked at again.
    pub(super) at: usize,
    anchors: Anchors<'a>,
    progress: &'a dyn Progress,
}

/// Where the literals stand that a walk goes to.
enum Anchors<'a> {
    /// Have to be searched.
    Wanted(&'static Literals),
    /// Were searched: every place, in order.
    Known(&'a [usize]),
}

/// A line with a literal.
pub(super) struct Hit<'a> {
    /// The line (of an overlong one, the piece around the literal).
    pub(super) line: Line<'a>,
    /// Offset of the literal.
    pub(super) at: usize,
}

impl<'a> LineSearch<'a> {
    /// Searches from the beginning.
    pub(super) fn new(
        bytes: &'a [u8],
        literals: &'static Literals,
        progress: &'a dyn Progress,
    ) -> Self {
        Self {
            bytes,
            at: 0,
            anchors: Anchors::Wanted(literals),
            progress,
        }
    }

    /// Goes to the lines with `places`, where literals stand: all of them, in order.
    pub(super) fn at_places(
        bytes: &'a [u8],
        places: &'a [usize],
        progress: &'a dyn Progress,
    ) -> Self {
        Self {
            bytes,
            at: 0,
            anchors: Anchors::Known(places),
            progress,
        }
    }

    /// The next line; the search then goes on behind it.
    pub(super) fn next(&mut self) -> Result<Option<Hit<'a>>, Cancelled> {
        let floor = self.at;
        let hit = match self.anchors {
            Anchors::Wanted(literals) => {
                let find = |window: &[u8]| literals.find(window);
                next_hit(self.bytes, floor, literals.longest(), &find, self.progress)?
            }
            Anchors::Known(places) => {
                let next = places.partition_point(|place| *place < floor);
                places.get(next).copied()
            }
        };
        Ok(hit.and_then(|at| {
            let line = line_at(self.bytes, line_start(self.bytes, at, floor))?;
            self.at = line.next.max(at.saturating_add(1));
            Some(Hit { line, at })
        }))
    }
}

/// The line as text: terminal escapes removed, bytes that are no text replaced. Overlong lines are empty.
pub(super) fn readable(line: &[u8]) -> Cow<'_, str> {
    match plain(line) {
        Cow::Borrowed(line) => String::from_utf8_lossy(line),
        Cow::Owned(line) => Cow::Owned(String::from_utf8_lossy(&line).into_owned()),
    }
}

/// The line without terminal escapes. Overlong lines are empty.
pub(super) fn plain(line: &[u8]) -> Cow<'_, [u8]> {
    if line.len() > LONGEST_LINE {
        Cow::Borrowed(&[])
    } else if memchr::memchr(0x1b, line).is_none() {
        Cow::Borrowed(line)
    } else {
        Cow::Owned(without_escapes(line))
    }
}

/// Removes `ESC [ ... letter` (ECMA-48, section 5.4) and lone escapes.
fn without_escapes(line: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(line.len());
    let mut bytes = line.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != 0x1b {
            out.push(byte);
        } else if bytes.peek() == Some(&b'[') {
            _ = bytes.next();
            for next in bytes.by_ref() {
                if (0x40..=0x7e).contains(&next) {
                    break;
                }
            }
        }
    }
    out
}

/// The value of a hex digit.
pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte & 0xF),
        b'a'..=b'f' | b'A'..=b'F' => Some((byte & 0xF).saturating_add(9)),
        _ => None,
    }
}

/// A byte count as an offset in a file.
pub(super) fn as_u64(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{line_at, lines_before, next_hit, readable};
    use crate::model::progress::Unattended;

    #[test]
    fn lines_end_at_newlines_and_lose_their_carriage_returns() {
        let bytes = b"one\r\ntwo\n\nlast";
        assert_eq!(line_at(bytes, 0).unwrap().text, b"one");
        assert_eq!(line_at(bytes, 5).unwrap().text, b"two");
        assert_eq!(line_at(bytes, 10).unwrap().text, b"last");
        assert_eq!(line_at(bytes, 14), None);
        let before: Vec<&[u8]> = lines_before(bytes, 10, 2, 0)
            .iter()
            .map(|l| l.text)
            .collect();
        assert_eq!(before, [&b"two"[..], b""]);
        assert!(lines_before(bytes, 10, 5, 10).is_empty());
    }

    #[test]
    fn a_hit_across_a_step_is_found_and_escapes_are_removed() {
        let mut bytes = vec![b'x'; super::STEP - 2];
        bytes.extend_from_slice(b"#CD:");
        let find = |window: &[u8]| memchr::memmem::find(window, b"#CD:");
        let hit = next_hit(&bytes, 0, 4, &find, &Unattended).unwrap();
        assert_eq!(hit, Some(super::STEP - 2));
        assert_eq!(readable(b"\x1b[1;31mE: fault\x1b[0m"), "E: fault");
    }
}
