//! Strings, each kept once and known by its number.

use super::checked::checksum;
use super::layout::NONE;

/// A set of strings, as the file holds it: all text together, and where each one ends.
#[derive(Debug, Default)]
pub(super) struct Strings {
    text: Vec<u8>,
    ends: Vec<u32>,
    /// Open addressing: numbers of strings, `NONE` where there is none; its length is a power of two.
    slots: Vec<u32>,
    is_full: bool,
}

impl Strings {
    /// The number of a string; `NONE` of no string, or when there is no room for more.
    pub(super) fn number(&mut self, text: Option<&str>) -> u32 {
        text.map_or(NONE, |text| self.number_of(text.as_bytes()))
    }

    /// All strings, in the order of their numbers.
    pub(super) fn iter(&self) -> impl Iterator<Item = &[u8]> + '_ {
        (0..self.ends.len()).map(|number| self.get(number).unwrap_or_default())
    }

    /// True when a string was left out.
    pub(super) fn is_full(&self) -> bool {
        self.is_full
    }

    /// The text and the ends.
    pub(super) fn into_parts(self) -> (Vec<u8>, Vec<u32>) {
        (self.text, self.ends)
    }

    /// The number of a string.
    pub(super) fn number_of(&mut self, text: &[u8]) -> u32 {
        if self.slots.len() < self.ends.len().saturating_mul(2).max(64) {
            self.grow();
        }
        let slot = self.slot_of(text);
        let known = self.slots.get(slot).copied().unwrap_or(NONE);
        if known != NONE {
            return known;
        }
        let end = u32::try_from(self.text.len().saturating_add(text.len()));
        let (Ok(end), Ok(number)) = (end, u32::try_from(self.ends.len())) else {
            self.is_full = true;
            return NONE;
        };
        self.text.extend_from_slice(text);
        self.ends.push(end);
        if let Some(place) = self.slots.get_mut(slot) {
            *place = number;
        }
        number
    }

    fn get(&self, number: usize) -> Option<&[u8]> {
        let position = |n: usize| self.ends.get(n).and_then(|end| usize::try_from(*end).ok());
        let start = match number.checked_sub(1) {
            Some(before) => position(before)?,
            None => 0,
        };
        self.text.get(start..position(number)?)
    }

    /// The slot that holds a string, or the free one where it belongs.
    fn slot_of(&self, text: &[u8]) -> usize {
        let mask = self.slots.len().saturating_sub(1);
        let hash = checksum(text);
        let mut slot = usize::try_from(hash & 0xFFFF_FFFF).unwrap_or_default() & mask;
        // There are twice as many slots as strings, so there is always a free one.
        for _step in 0..=mask {
            let number = self.slots.get(slot).copied().unwrap_or(NONE);
            let is_it = |n: u32| usize::try_from(n).ok().and_then(|n| self.get(n)) == Some(text);
            if number == NONE || is_it(number) {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let n_slots = self.slots.len().saturating_mul(4).max(256);
        self.slots = vec![NONE; n_slots];
        for number in 0..self.ends.len() {
            let slot = self.slot_of(self.get(number).unwrap_or_default());
            if let (Some(place), Ok(number)) = (self.slots.get_mut(slot), u32::try_from(number)) {
                *place = number;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Strings;

    #[test]
    fn equal_strings_have_one_number() {
        let mut strings = Strings::default();
        let words: Vec<String> = (0..5000).map(|n| format!("name {}", n % 1700)).collect();
        let numbers: Vec<u32> = words.iter().map(|w| strings.number(Some(w))).collect();
        for (word, number) in words.iter().zip(&numbers) {
            assert_eq!(strings.number(Some(word)), *number);
            assert_eq!(strings.iter().nth(*number as usize), Some(word.as_bytes()));
        }
        assert_eq!(strings.iter().count(), 1700);
        let empty = strings.number(Some(""));
        assert_eq!(strings.number(Some("")), empty);
        assert_eq!(strings.number(None), u32::MAX);
    }
}
