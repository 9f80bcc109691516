//! Which sequences of three bytes a text has, in few bits: what is not among them is not in the text.
//!
//! Of a text the sequences are noted that begin at every second byte: half the work. Of two that follow each other in what is
//! searched for, the text has noted at least one, wherever it stands.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;

/// Bits of a set. An eighth of a megabyte of log has some thousand different sequences.
const N_BITS: usize = 1 << 15;
/// Bytes of a sequence.
const LEN: usize = 3;
/// Longer texts are looked for by their first sequences.
const MOST_WANTED: usize = 64;

/// The sequences of a text; capitals do not count. A byte each: setting one is a single store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grams(Vec<u8>);

impl Default for Grams {
    fn default() -> Self {
        Self(vec![0; N_BITS])
    }
}

impl Grams {
    /// Notes every second sequence of a text.
    pub(super) fn add(&mut self, text: &[u8]) {
        let mut rest = text;
        // Seven sequences begin at the even bytes of sixteen and end in them.
        while let Some(sixteen) = rest.first_chunk::<16>() {
            let mut bytes = lower(u128::from_le_bytes(*sixteen));
            for _ in 0..7 {
                self.note(bytes);
                bytes >>= 16;
            }
            rest = rest.get(14..).unwrap_or(&[]);
        }
        for gram in rest.windows(LEN).step_by(2) {
            self.note(number(gram));
        }
    }

    /// Notes every sequence of a text.
    pub(super) fn add_all(&mut self, text: &[u8]) {
        for gram in text.windows(LEN) {
            self.note(number(gram));
        }
    }

    #[cfg(test)]
    pub(super) fn has_all_of(&self, other: &Self) -> bool {
        let mut pairs = self.0.iter().zip(other.0.iter());
        pairs.all(|(mine, theirs)| mine >= theirs)
    }

    #[inline]
    fn note(&mut self, gram: u128) {
        if let Some(seen) = self.0.get_mut(bit(gram)) {
            *seen = 1;
        }
    }
}

/// A sequence in the low bytes of a number, small letters.
fn number(gram: &[u8]) -> u128 {
    let bytes = gram.iter().rev();
    lower(bytes.fold(0, |number, byte| (number << 8) | u128::from(*byte)))
}

/// ASCII capitals made small, sixteen bytes at a time.
#[inline]
fn lower(bytes: u128) -> u128 {
    const EACH: u128 = u128::MAX / 255;
    let low = bytes & (0x7f * EACH);
    // The high bit of each byte says: at least A (0x41); above Z (0x5a).
    let from_a = low + (0x80 - 0x41) * EACH;
    let above_z = low + (0x7f - 0x5a) * EACH;
    let is_capital = !bytes & (from_a ^ above_z) & (0x80 * EACH);
    bytes | (is_capital >> 2)
}

/// The bit of a sequence, which stands in the low three bytes.
#[inline]
fn bit(gram: u128) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "three bytes of it are wanted"
    )]
    let gram = gram as u32 & 0x00ff_ffff;
    (gram.wrapping_mul(0x9e37_79b1) >> (32 - N_BITS.trailing_zeros())) as usize
}

/// Parts of a text whose sets are stored together: half a gigabyte, so that a question about a large log reads few rows.
pub(super) const MOST_TOGETHER: usize = 4096;
/// Bits of the sets that are stored in one row.
const SLICE_BITS: usize = 8;

/// The sets of some parts, by bit: a question is about few bits of many parts.
pub(super) struct Slices {
    n_parts: usize,
    /// For each 64 parts a word for each bit: a part is added from one end to the other.
    words: Vec<u64>,
}

impl Default for Slices {
    fn default() -> Self {
        Self {
            n_parts: 0,
            words: vec![0; N_BITS * MOST_TOGETHER / 64],
        }
    }
}

impl Slices {
    /// Parts in it.
    pub(super) fn n_parts(&self) -> usize {
        self.n_parts
    }

    /// Adds the set of the next part. No more than [`MOST_TOGETHER`] have room.
    pub(super) fn add(&mut self, grams: &Grams) {
        let (group, bit) = (self.n_parts / 64, self.n_parts % 64);
        let words = self.words.chunks_exact_mut(N_BITS).nth(group);
        for (word, seen) in words.unwrap_or_default().iter_mut().zip(&grams.0) {
            *word |= u64::from(*seen) << bit;
        }
        self.n_parts += 1;
    }

    /// Takes out what is to be stored: the number of each row, and its bytes.
    pub(super) fn drain(&mut self, mut each: impl FnMut(usize, &[u8])) {
        let n_groups = self.n_parts.div_ceil(64);
        let mut row = vec![[0; 8]; SLICE_BITS * n_groups];
        for slice in 0..N_BITS / SLICE_BITS {
            let groups = self.words.chunks_exact_mut(N_BITS).take(n_groups);
            for (group, words) in groups.enumerate() {
                // The words of a slice stand side by side: one line of the cache.
                let words = words.chunks_exact_mut(SLICE_BITS).nth(slice);
                let places = row.iter_mut().skip(group).step_by(n_groups);
                for (place, word) in places.zip(words.unwrap_or_default()) {
                    *place = mem::take(word).to_le_bytes();
                }
            }
            each(slice, row.as_flattened());
        }
        self.n_parts = 0;
    }
}

/// What a text has that is searched for.
pub(super) struct Wanted {
    bits: Vec<usize>,
}

impl Wanted {
    /// Of what is searched for.
    pub(super) fn of(needle: &[u8]) -> Self {
        let grams = needle.windows(LEN).take(MOST_WANTED);
        Self {
            bits: grams.map(|gram| bit(number(gram))).collect(),
        }
    }

    /// The rows that a question needs.
    pub(super) fn slices(&self) -> impl Iterator<Item = usize> {
        self.bits.iter().map(|bit| bit / SLICE_BITS)
    }

    /// Which of `n_parts` parts may hold it, by their rows; a row that is missing or damaged excludes nothing.
    pub(super) fn may_hold(&self, n_parts: usize, rows: &BTreeMap<usize, Vec<u8>>) -> Vec<bool> {
        let n_bytes = n_parts.div_ceil(64) * 8;
        let parts_with = |bit: &usize| {
            let row = rows.get(&(bit / SLICE_BITS))?;
            let place: Range<usize> = bit % SLICE_BITS * n_bytes..(bit % SLICE_BITS + 1) * n_bytes;
            row.get(place).filter(|_| row.len() == n_bytes * SLICE_BITS)
        };
        let mut found = vec![0xff_u8; n_bytes];
        for pair in self.bits.windows(2) {
            if let [one, next] = pair
                && let (Some(one), Some(next)) = (parts_with(one), parts_with(next))
            {
                for (found, (one, next)) in found.iter_mut().zip(one.iter().zip(next)) {
                    *found &= one | next;
                }
            }
        }
        let bits = found
            .iter()
            .flat_map(|byte| (0..8).map(move |n| byte >> n & 1 == 1));
        bits.take(n_parts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{Grams, N_BITS, SLICE_BITS, Slices, Wanted, bit, lower, number};
    use crate::store::testing;
    use std::collections::BTreeMap;

    type Rows = BTreeMap<usize, Vec<u8>>;

    /// The rows of a text that has nothing and of one that has these.
    fn rows_of(grams: &Grams) -> Rows {
        let mut slices = Slices::default();
        slices.add(&Grams::default());
        slices.add(grams);
        let mut rows = Rows::new();
        slices.drain(|number, bytes| {
            rows.insert(number, bytes.to_vec());
        });
        rows
    }

    fn may_hold(rows: &Rows, needle: &[u8]) -> bool {
        let found = Wanted::of(needle).may_hold(2, rows);
        assert!(needle.len() < 4 || !found[0]);
        found[1]
    }

    #[test]
    fn what_is_in_a_text_is_never_excluded() {
        let noise = testing::noise(3000);
        let text: Vec<u8> = noise.iter().map(|byte| byte % 40 + 60).collect();
        let (mut n_excluded, mut n) = (0, 0);
        for len in [0, 1, 2, 3, 4, 5, 7, 16, 20, 21, 33, 400, 401] {
            for start in [0, 37, 74, 555] {
                let part = &text[start..start + len];
                let mut grams = Grams::default();
                grams.add(part);
                let rows = rows_of(&grams);
                for needle_len in (0..=len.min(30)).step_by(3) {
                    for at in (0..=(len - needle_len).min(60)).step_by(7) {
                        let needle = &part[at..at + needle_len];
                        assert!(may_hold(&rows, needle), "{needle:?} of {part:?}");
                        assert!(may_hold(&rows, &needle.to_ascii_uppercase()));
                    }
                }
                n += 1;
                n_excluded += usize::from(!may_hold(&rows, &text[2000..2010]));
            }
        }
        assert!(n_excluded + 2 > n, "{n_excluded} of {n}");
    }

    #[test]
    fn every_second_sequence_is_noted_whatever_the_length() {
        let text = testing::noise(100);
        for len in 0..=text.len() {
            let (mut some, mut one_by_one) = (Grams::default(), Grams::default());
            some.add(&text[..len]);
            for gram in text[..len].windows(3).step_by(2) {
                one_by_one.note(number(gram));
            }
            assert!(some == one_by_one, "{len}");
        }
    }

    #[test]
    fn capitals_are_small_letters_and_nothing_else_is() {
        for byte in 0..=255_u8 {
            assert_eq!(
                lower(u128::from(byte) << 64),
                u128::from(byte.to_ascii_lowercase()) << 64
            );
        }
        assert_eq!(bit(number(b"AbZ")), bit(number(b"aBz")));
    }

    #[test]
    fn rows_that_are_missing_or_damaged_exclude_nothing() {
        let damaged = (0..N_BITS / SLICE_BITS)
            .map(|row| (row, vec![0; 5]))
            .collect();
        for rows in [BTreeMap::new(), damaged] {
            assert_eq!(Wanted::of(b"anything").may_hold(3, &rows), [true; 3]);
        }
    }
}
