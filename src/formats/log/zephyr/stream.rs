//! Messages one after the other, without delimiters: which layout they have, where the next one begins after damage.

use super::database::ZephyrDatabase;
use super::layout::{Fault, LONGEST_MESSAGE, Layout, Sent};
use std::ops::Range;

/// Where a stream is damaged, so many bytes are searched for the next message.
pub(super) const SEARCHED: usize = 4096;
/// So many messages in a row are looked at to tell one layout from another.
const CHAIN: usize = 4;
/// So many places that look like a message are tried in a search. More are no damage but an input that was made to cost time.
const MOST_TRIED: usize = 256;

/// What stands at a place of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A message or a note of dropped ones.
    Whole { layout: Layout, len: usize },
    /// A message that goes on behind the bytes.
    Cut,
    /// Neither.
    Nothing,
}

/// A stream with what is known of its build.
#[derive(Clone, Copy)]
pub(super) struct Stream<'a> {
    pub(super) database: Option<&'a ZephyrDatabase>,
}

impl<'a> Stream<'a> {
    /// The layouts that messages may have.
    pub(super) fn layouts(self) -> impl Iterator<Item = Layout> + Clone + 'a {
        let known = self
            .database
            .map(|database| database.layouts.iter().copied());
        let any = self.database.is_none().then(Layout::all);
        known.into_iter().flatten().chain(any.into_iter().flatten())
    }

    /// What stands at the beginning of `bytes`. A message whose format string is known is one; others are believed when another
    /// message follows, or nothing does.
    pub(super) fn at(self, bytes: &[u8]) -> Found {
        let mut best: Option<(usize, Layout, usize)> = None;
        let mut is_cut = false;
        for layout in self.layouts() {
            match layout.parse(bytes) {
                Ok((sent, len)) => {
                    let is_known = self.is_known(&sent, layout);
                    let n_data = match &sent {
                        Sent::Message(message) => message.data.len(),
                        Sent::Dropped(_) => 0,
                    };
                    let package_end = len.saturating_sub(n_data);
                    let damaged_end = self.damaged_end(bytes, package_end..len, layout);
                    let len = damaged_end.unwrap_or(len);
                    let rest = bytes.get(len..).unwrap_or(&[]);
                    let n_behind = chain(rest, layout);
                    let is_believed = is_known || n_behind > 0 || is_short(rest, layout);
                    let weight = usize::from(is_known).saturating_mul(CHAIN + 1);
                    let weight = weight.saturating_add(n_behind);
                    if is_believed && best.is_none_or(|(most, _, _)| weight > most) {
                        best = Some((weight, layout, len));
                    }
                }
                Err(Fault::Short { package_end }) => {
                    let damaged_end = package_end
                        .and_then(|end| self.damaged_end(bytes, end..bytes.len(), layout));
                    match damaged_end {
                        Some(len) if best.is_none() => best = Some((0, layout, len)),
                        Some(_) => {}
                        None => is_cut = true,
                    }
                }
                Err(Fault::None) => {}
            }
        }
        match best {
            Some((_, layout, len)) => Found::Whole { layout, len },
            // With a message inside it that is sure, it does not go on to the end.
            None if is_cut && bytes.len() < LONGEST_MESSAGE && self.next(bytes).is_none() => {
                Found::Cut
            }
            None => Found::Nothing,
        }
    }

    /// The first place behind the beginning, of those that are searched, where a message stands that is sure.
    pub(super) fn next(self, bytes: &[u8]) -> Option<usize> {
        self.first_sure(bytes, 1..SEARCHED, &self.layouts())
    }

    /// The first of these places where a message stands that is sure, in one of these layouts.
    fn first_sure(
        self,
        bytes: &[u8],
        places: Range<usize>,
        layouts: &(impl Iterator<Item = Layout> + Clone),
    ) -> Option<usize> {
        let searched = bytes.get(..places.end).unwrap_or(bytes);
        let searched = searched.get(places.start..)?;
        let mut n_left = MOST_TRIED;
        // Messages, and notes of dropped ones, begin with their type.
        for at in memchr::memchr2_iter(0, 1, searched) {
            let at = at.saturating_add(places.start);
            let rest = bytes.get(at..)?;
            for layout in layouts.clone() {
                if layout.parse(rest).err() == Some(Fault::None) {
                    continue;
                }
                if self.is_sure_in(rest, layout) {
                    return Some(at);
                }
                n_left = n_left.checked_sub(1)?;
            }
        }
        None
    }

    /// True where a message begins whose format string is known, or several do.
    pub(super) fn is_sure(self, bytes: &[u8]) -> bool {
        self.layouts().any(|layout| self.is_sure_in(bytes, layout))
    }

    fn is_sure_in(self, bytes: &[u8], layout: Layout) -> bool {
        let Ok((sent, len)) = layout.parse(bytes) else {
            return false;
        };
        let rest = bytes.get(len..).unwrap_or(&[]);
        match sent {
            Sent::Message(_) if self.is_known(&sent, layout) => true,
            Sent::Message(_) => chain(rest, layout) > 0,
            Sent::Dropped(_) => chain(rest, layout) > 1,
        }
    }

    /// True when the format string is at hand.
    fn is_known(self, sent: &Sent<'_>, layout: Layout) -> bool {
        let Sent::Message(message) = sent else {
            return false;
        };
        let Some(database) = self.database else {
            return false;
        };
        message.package.copied_format(layout).is_some()
            || database.string(message.package.format).is_some()
    }

    /// False where no message can begin, looking at a few bytes only.
    pub(super) fn may_begin(self, bytes: &[u8]) -> bool {
        self.layouts()
            .any(|layout| layout.parse(bytes).err() != Some(Fault::None))
    }

    /// Where the data of a message ends whose length was damaged: where a message begins inside it that is sure. Data does not
    /// look like messages.
    fn damaged_end(self, bytes: &[u8], data: Range<usize>, layout: Layout) -> Option<usize> {
        if data.is_empty() {
            return None;
        }
        let behind = bytes.get(data.start..)?;
        if chain(behind, layout) > 0 {
            return Some(data.start);
        }
        let places = 1..data.len().min(SEARCHED);
        let at = self.first_sure(behind, places, &std::iter::once(layout))?;
        Some(data.start.saturating_add(at))
    }
}

/// True at the end, and where a message is cut off by it.
fn is_short(bytes: &[u8], layout: Layout) -> bool {
    matches!(layout.parse(bytes), Err(Fault::Short { .. }))
}

/// How many messages follow each other, [`CHAIN`] at most. Notes of dropped ones do not count: three bytes are soon like one.
fn chain(bytes: &[u8], layout: Layout) -> usize {
    let mut rest = bytes;
    let mut n: usize = 0;
    for _ in 0..CHAIN {
        let Ok((sent, len)) = layout.parse(rest) else {
            break;
        };
        n = n.saturating_add(usize::from(matches!(sent, Sent::Message(_))));
        rest = rest.get(len..).unwrap_or(&[]);
    }
    n
}
