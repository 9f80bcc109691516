//! Literals that a format looks for before anything else, and one pass over a text for those of several formats: most logs hold
//! none of most formats, and a pass for each would cost as much as all else that is done with a log.

use super::{Format, lines::next_hit};
use crate::model::progress::{Cancelled, Progress};
use regex::bytes::Regex;
use std::sync::OnceLock;

/// Some literals, searched for at once.
pub(super) struct Literals {
    texts: &'static [&'static str],
    search: OnceLock<Option<Regex>>,
}

impl Literals {
    /// For these literals.
    pub(super) const fn new(texts: &'static [&'static str]) -> Self {
        Self {
            texts,
            search: OnceLock::new(),
        }
    }

    /// The literals.
    pub(super) fn texts(&self) -> &'static [&'static str] {
        self.texts
    }

    /// Length of the longest.
    pub(super) fn longest(&self) -> usize {
        longest(self.texts)
    }

    /// Where the first of them begins.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<usize> {
        let search = self.search.get_or_init(|| any_of(self.texts));
        search.as_ref()?.find(bytes).map(|hit| hit.start())
    }
}

fn longest(texts: &[&str]) -> usize {
    texts.iter().map(|text| text.len()).max().unwrap_or(0)
}

fn any_of(texts: &[&str]) -> Option<Regex> {
    let escaped: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
    Regex::new(&format!("(?-u){}", escaped.join("|"))).ok()
}

/// Formats with more places than this in a text look for them by themselves.
const MOST_PLACES: usize = 10_000;

/// Where literals of each format stand in a text, in order; `None` for a format that has none, or whose literals stand in too many
/// places to be remembered.
pub(super) fn places(
    bytes: &[u8],
    formats: &[&dyn Format],
    progress: &dyn Progress,
) -> Result<Vec<Option<Vec<usize>>>, Cancelled> {
    let mut places: Vec<Option<Vec<usize>>> = formats
        .iter()
        .map(|format| (!format.literals().is_empty()).then(Vec::new))
        .collect();
    let mut at = 0;
    loop {
        // Formats that are given up are no longer looked for.
        let sought = formats.iter().zip(&places);
        let sought = sought.filter(|(_, places)| places.is_some());
        let texts: Vec<&str> = sought
            .flat_map(|(format, _)| format.literals())
            .copied()
            .collect();
        let Some(search) = any_of(&texts).filter(|_| !texts.is_empty()) else {
            return Ok(vec![None; formats.len()]);
        };
        let find = |window: &[u8]| search.find(window).map(|hit| hit.start());
        let mut is_given_up = false;
        while let Some(hit) = next_hit(bytes, at, longest(&texts), &find, progress)? {
            let found = bytes.get(hit..).unwrap_or(&[]);
            for (format, places) in formats.iter().zip(&mut places) {
                let is_here = |text: &&str| found.starts_with(text.as_bytes());
                if let Some(known) = places
                    && format.literals().iter().any(is_here)
                {
                    known.push(hit);
                    if known.len() > MOST_PLACES {
                        *places = None;
                        is_given_up = true;
                    }
                }
            }
            // One literal may begin in another: the search goes on behind its first byte.
            at = hit.saturating_add(1);
            if is_given_up {
                break;
            }
        }
        if !is_given_up {
            return Ok(places);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_PLACES, places};
    use crate::formats::lines::STEP;
    use crate::formats::{Carrier, FORMATS, Format};
    use crate::model::progress::Unattended;

    fn formats() -> Vec<&'static dyn Format> {
        let formats = FORMATS.iter().copied();
        formats.filter(|f| f.carrier() == Carrier::Text).collect()
    }

    #[test]
    fn every_literal_is_found_wherever_it_stands() {
        let formats = formats();
        let (mut n_formats, mut n_literals) = (0, 0);
        for (index, format) in formats.iter().enumerate() {
            n_formats += usize::from(!format.literals().is_empty());
            for literal in format.literals() {
                n_literals += 1;
                for before in [0, 1, STEP - 2, STEP, STEP + 1] {
                    let mut bytes = vec![b'-'; before];
                    bytes.extend_from_slice(literal.as_bytes());
                    bytes.extend_from_slice(b" and ");
                    let second = bytes.len();
                    bytes.extend_from_slice(literal.as_bytes());
                    let found = places(&bytes, &formats, &Unattended).unwrap();
                    let own = found[index].as_ref().unwrap();
                    assert!(
                        own.contains(&before) && own.contains(&second),
                        "{literal} {own:?}"
                    );
                }
            }
        }
        assert!(n_formats >= 5 && n_literals > 15);
        let found = places(b"nothing of any", &formats, &Unattended).unwrap();
        for (format, places) in formats.iter().zip(found) {
            assert_eq!(places, (!format.literals().is_empty()).then(Vec::new));
        }
    }

    #[test]
    fn a_format_with_too_many_places_does_not_hide_the_others() {
        let formats = formats();
        let of = |id| formats.iter().position(|f| f.id() == id).unwrap();
        let mut bytes = b"epc ".repeat(MOST_PLACES * 2);
        let marked = bytes.len();
        bytes.extend_from_slice(b"#CD:");
        let found = places(&bytes, &formats, &Unattended).unwrap();
        assert_eq!(found[of("riscv-print")], None);
        assert_eq!(found[of("zephyr-text")], Some(vec![marked]));
    }
}
