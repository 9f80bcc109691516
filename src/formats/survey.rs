//! One pass over a text for all that is looked for everywhere in it: the literals of all formats, line ends, and what is no text.
//!
//! A large text is read from memory once: what takes time is the way from there to the processor, not the looking. A piece fits
//! what is near to it, so that all searches after the first find it there.

use super::{Format, lines::as_u64, literals, scan::junk};
use regex::bytes::Regex;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes that are looked at at once.
pub(super) const PIECE_BYTES: usize = 256 * 1024;
/// Formats with more places than this in a text look for them by themselves.
const MOST_PLACES: usize = 10_000;
/// A search for several literals is fast for three bytes of each: shorter ones are looked for apart from the others.
const SHORT_BYTES: usize = 2;

/// What is looked for in a text.
pub(super) struct Survey<'b> {
    bytes: &'b [u8],
    formats: Vec<Sought>,
    groups: Vec<Group>,
    is_text: bool,
}

/// A format, and in how many places its literals were seen.
struct Sought {
    format: &'static dyn Format,
    n_places: AtomicUsize,
}

/// Formats whose literals are looked for at once.
struct Group {
    /// Their places in [`Survey::formats`].
    formats: Vec<usize>,
    search: Mutex<Option<Arc<Search>>>,
}

struct Search {
    formats: Vec<usize>,
    any: Option<Regex>,
    longest: usize,
}

fn texts(format: &dyn Format) -> &'static [&'static str] {
    format.literals().map_or(&[], |literals| literals.texts())
}

/// What is in one piece.
#[derive(Default)]
pub(super) struct Surveyed {
    /// Format and place of each literal, in order.
    places: Vec<(usize, usize)>,
    n_line_ends: u64,
    junk: Vec<Range<u64>>,
}

/// What is in a text.
pub(super) struct Whole {
    /// Of each format, in the order in which they were asked for: where its literals stand, in order. `None` where there are too
    /// many to be remembered.
    pub(super) places: Vec<Option<Vec<usize>>>,
    /// Ends of lines.
    pub(super) n_line_ends: u64,
    /// What is no text; of a text alone.
    pub(super) junk: Vec<Range<u64>>,
}

impl<'b> Survey<'b> {
    /// Of formats that have literals.
    pub(super) fn new(bytes: &'b [u8], formats: &[&'static dyn Format], is_text: bool) -> Self {
        let sought = formats.iter().map(|format| Sought {
            format: *format,
            n_places: AtomicUsize::new(0),
        });
        let is_short = |index: &usize| {
            let format = formats.get(*index);
            let mut literals = format.into_iter().flat_map(|format| texts(*format));
            literals.any(|literal| literal.len() <= SHORT_BYTES)
        };
        let (short, long): (Vec<usize>, Vec<usize>) = (0..formats.len()).partition(is_short);
        let groups = [long, short].into_iter().map(|formats| Group {
            formats,
            search: Mutex::new(None),
        });
        Self {
            bytes,
            formats: sought.collect(),
            groups: groups.collect(),
            is_text,
        }
    }

    /// Length of the text.
    pub(super) fn n_bytes(&self) -> u64 {
        as_u64(self.bytes.len())
    }

    /// The pieces, which together are the text.
    pub(super) fn pieces(&self) -> impl Iterator<Item = Range<usize>> {
        let end = self.bytes.len();
        (0..end)
            .step_by(PIECE_BYTES)
            .map(move |start| start..start.saturating_add(PIECE_BYTES).min(end))
    }

    /// Looks at one piece.
    pub(super) fn look(&self, piece: &Range<usize>) -> Surveyed {
        let mut seen = Surveyed::default();
        for group in &self.groups {
            self.find(group, piece, &mut seen.places);
        }
        let bytes = self.bytes.get(piece.clone()).unwrap_or_default();
        if self.is_text {
            seen.n_line_ends = as_u64(memchr::memchr_iter(b'\n', bytes).count());
            seen.junk = junk(bytes, as_u64(piece.start));
        }
        seen
    }

    fn find(&self, group: &Group, piece: &Range<usize>, places: &mut Vec<(usize, usize)>) {
        let Some(search) = self.search(group) else {
            return;
        };
        let Some(any) = &search.any else { return };
        // A literal may reach over the end of the piece.
        let end = piece.end.saturating_add(search.longest.saturating_sub(1));
        let end = end.min(self.bytes.len());
        let mut at = piece.start;
        while let Some(hit) = self.bytes.get(at..end).and_then(|rest| any.find(rest)) {
            let hit = at.saturating_add(hit.start());
            if hit >= piece.end {
                break;
            }
            let found = self.bytes.get(hit..).unwrap_or_default();
            for index in &search.formats {
                let Some(sought) = self.formats.get(*index) else {
                    continue;
                };
                let mut literals = texts(sought.format).iter();
                if literals.any(|literal| found.starts_with(literal.as_bytes())) {
                    sought.n_places.fetch_add(1, Ordering::Relaxed);
                    places.push((*index, hit));
                }
            }
            // One literal may begin in another: the search goes on behind its first byte.
            at = hit.saturating_add(1);
        }
    }

    /// The search for a group. Formats that are given up are no longer looked for.
    fn search(&self, group: &Group) -> Option<Arc<Search>> {
        let sought = group.formats.iter().filter(|index| {
            let format = self.formats.get(**index);
            format.is_some_and(|format| format.n_places.load(Ordering::Relaxed) <= MOST_PLACES)
        });
        let formats: Vec<usize> = sought.copied().collect();
        if formats.is_empty() {
            return None;
        }
        let mut kept = group.search.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(search) = kept.as_ref().filter(|search| search.formats == formats) {
            return Some(search.clone());
        }
        let known = formats.iter().filter_map(|index| self.formats.get(*index));
        let texts: Vec<&str> = known
            .flat_map(|sought| texts(sought.format))
            .copied()
            .collect();
        let search = Arc::new(Search {
            any: literals::any_of(&texts),
            longest: literals::longest(&texts),
            formats,
        });
        *kept = Some(search.clone());
        Some(search)
    }

    /// Puts the pieces together, which are all and in order.
    pub(super) fn whole(&self, pieces: impl IntoIterator<Item = Surveyed>) -> Whole {
        let places = self.formats.iter().map(|sought| {
            let n_places = sought.n_places.load(Ordering::Relaxed);
            (n_places <= MOST_PLACES).then(Vec::new)
        });
        let mut whole = Whole {
            places: places.collect(),
            n_line_ends: 0,
            junk: Vec::new(),
        };
        for piece in pieces {
            whole.n_line_ends = whole.n_line_ends.saturating_add(piece.n_line_ends);
            whole.junk.extend(piece.junk);
            for (index, place) in piece.places {
                if let Some(Some(places)) = whole.places.get_mut(index) {
                    places.push(place);
                }
            }
        }
        whole
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_PLACES, PIECE_BYTES, Survey, texts};
    use crate::formats::{Carrier, FORMATS, Format};

    fn formats() -> Vec<&'static dyn Format> {
        let formats = FORMATS.iter().copied();
        let formats = formats.filter(|f| f.carrier() == Carrier::Text);
        formats.filter(|f| f.literals().is_some()).collect()
    }

    fn places(bytes: &[u8], formats: &[&'static dyn Format]) -> Vec<Option<Vec<usize>>> {
        let survey = Survey::new(bytes, formats, true);
        let pieces: Vec<_> = survey.pieces().map(|piece| survey.look(&piece)).collect();
        survey.whole(pieces).places
    }

    #[test]
    fn every_literal_is_found_wherever_it_stands() {
        let formats = formats();
        let mut n_literals = 0;
        for (index, format) in formats.iter().enumerate() {
            for literal in texts(*format) {
                n_literals += 1;
                for before in [0, 1, PIECE_BYTES - 2, PIECE_BYTES - 1, PIECE_BYTES] {
                    let mut bytes = vec![b'-'; before];
                    bytes.extend_from_slice(literal.as_bytes());
                    bytes.extend_from_slice(b" and ");
                    let second = bytes.len();
                    bytes.extend_from_slice(literal.as_bytes());
                    let found = places(&bytes, &formats);
                    let own = found[index].as_ref().unwrap();
                    assert!(own.is_sorted());
                    let n_here = own.iter().filter(|place| **place == before).count();
                    assert!(n_here == 1 && own.contains(&second), "{literal} {own:?}");
                }
            }
        }
        assert!(formats.len() >= 6 && n_literals > 30);
        for places in places(b"nothing of any", &formats) {
            assert_eq!(places, Some(Vec::new()));
        }
    }

    #[test]
    fn a_format_with_too_many_places_does_not_hide_the_others() {
        let formats = formats();
        let of = |id| formats.iter().position(|f| f.id() == id).unwrap();
        // The second piece is looked at without what is given up in the first.
        let mut bytes = b"epc ".repeat(PIECE_BYTES / 2);
        let marked = bytes.len();
        assert!(marked > MOST_PLACES * 4);
        bytes.extend_from_slice(b"#CD:");
        let found = places(&bytes, &formats);
        assert_eq!(found[of("riscv-print")], None);
        assert_eq!(found[of("zephyr-text")], Some(vec![marked]));
    }

    #[test]
    fn line_ends_and_junk_are_those_of_the_text() {
        let mut bytes = b"all is well\n".repeat(60_000);
        let from = bytes.len().next_multiple_of(256);
        bytes.resize(from, b'.');
        bytes.extend([0x80; 512]);
        bytes.extend_from_slice(&b"all is well\n".repeat(10));
        let survey = Survey::new(&bytes, &formats(), true);
        let pieces: Vec<_> = survey.pieces().map(|piece| survey.look(&piece)).collect();
        assert!(pieces.len() > 2);
        let whole = survey.whole(pieces);
        assert_eq!(whole.n_line_ends, 60_010);
        let from = from as u64;
        assert_eq!(whole.junk, std::slice::from_ref(&(from..from + 512)));
    }
}
