//! Rows that a filter lets through: a bit for each row of the log, and counts that lead from "the nth shown" to the row and
//! back in a few steps. 100 million rows take 12.5 MB.

/// Rows in a word.
const WORD: u64 = 64;
/// Words between two counts.
const STEP: usize = 64;

/// A set of rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
    /// Rows before each `STEP`th word.
    before: Vec<u64>,
    n_rows: u64,
    n_set: u64,
}

impl RowSet {
    /// No row of `n_rows`.
    pub fn empty(n_rows: u64) -> Self {
        let n_words = usize::try_from(n_rows.div_ceil(WORD)).unwrap_or(0);
        let mut set = Self {
            words: vec![0; n_words],
            n_rows,
            ..Self::default()
        };
        set.count();
        set
    }

    /// All of `n_rows`.
    pub fn all(n_rows: u64) -> Self {
        let mut set = Self::empty(n_rows);
        set.invert();
        set
    }

    /// These rows of `n_rows`; the order does not matter.
    pub fn of(n_rows: u64, rows: impl IntoIterator<Item = u64>) -> Self {
        let mut set = Self::empty(n_rows);
        for row in rows {
            if row < n_rows
                && let Some(word) = set.words.get_mut(index(row / WORD))
            {
                *word |= 1 << (row % WORD);
            }
        }
        set.count();
        set
    }

    /// Forgets what is known of the rows from `first` on: of these there are now so many that the set is of `n_rows`, and
    /// it has the ones named. Rows before `first` in `rows` are left out.
    pub fn regrow(&mut self, first: u64, n_rows: u64, rows: impl IntoIterator<Item = u64>) {
        let first = first.min(self.n_rows);
        self.words.resize(index(n_rows.div_ceil(WORD)), 0);
        self.n_rows = n_rows;
        let word = index(first / WORD);
        if let Some(word) = self.words.get_mut(word) {
            *word &= (1_u64 << (first % WORD)).wrapping_sub(1);
        }
        for word in self.words.iter_mut().skip(word.saturating_add(1)) {
            *word = 0;
        }
        for row in rows {
            if (first..n_rows).contains(&row)
                && let Some(word) = self.words.get_mut(index(row / WORD))
            {
                *word |= 1 << (row % WORD);
            }
        }
        self.count();
    }

    /// The rows that both have.
    pub fn intersect(&mut self, other: &Self) {
        for (index, word) in self.words.iter_mut().enumerate() {
            *word &= other.words.get(index).copied().unwrap_or(0);
        }
        self.count();
    }

    /// True when both have the same of the rows before this one.
    pub fn agrees_before(&self, other: &Self, row: u64) -> bool {
        let n_whole = index(row / WORD);
        let below = (1_u64 << (row % WORD)).wrapping_sub(1);
        let part = |set: &Self| set.words.get(n_whole).copied().unwrap_or(0) & below;
        row <= self.n_rows
            && row <= other.n_rows
            && self.words.get(..n_whole) == other.words.get(..n_whole)
            && part(self) == part(other)
    }

    /// Adds the rows of a range that the other one has.
    pub fn unite_within(&mut self, other: &Self, range: std::ops::Range<u64>) {
        let end = range.end.min(self.n_rows);
        let mut row = range.start;
        while row < end {
            let word = row / WORD;
            let next = word.saturating_add(1).saturating_mul(WORD).min(end);
            let below = |row: u64| (1_u64 << (row % WORD)).wrapping_sub(1);
            let until = if next.is_multiple_of(WORD) {
                u64::MAX
            } else {
                below(next)
            };
            let theirs = other.words.get(index(word)).copied().unwrap_or(0);
            if let Some(mine) = self.words.get_mut(index(word)) {
                *mine |= theirs & until & !below(row);
            }
            row = next;
        }
        self.count();
    }

    /// Its rows from `first` on, in order.
    pub fn iter_from(&self, first: u64) -> impl Iterator<Item = u64> + '_ {
        let start = index(first / WORD);
        let words = self.words.iter().enumerate().skip(start);
        words.flat_map(move |(at, word)| {
            let base = (at as u64).saturating_mul(WORD);
            let mut left = *word;
            if at == start {
                left &= !(1_u64 << (first % WORD)).wrapping_sub(1);
            }
            std::iter::from_fn(move || {
                let bit = u64::from(left.trailing_zeros());
                if left == 0 {
                    return None;
                }
                left &= left.wrapping_sub(1);
                Some(base.saturating_add(bit))
            })
        })
    }

    /// The rows that it does not have.
    pub fn invert(&mut self) {
        for word in &mut self.words {
            *word = !*word;
        }
        let rest = self.n_rows % WORD;
        if rest > 0
            && let Some(last) = self.words.last_mut()
        {
            *last &= (1_u64 << rest).wrapping_sub(1);
        }
        self.count();
    }

    /// Its rows, from the first to the last.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let words = (0_u64..).step_by(64).zip(&self.words);
        words.flat_map(|(first, word)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = u64::from((left != 0).then(|| left.trailing_zeros())?);
                left &= left.wrapping_sub(1);
                Some(first.saturating_add(bit))
            })
        })
    }

    fn count(&mut self) {
        self.before.clear();
        let mut n: u64 = 0;
        for (index, word) in self.words.iter().enumerate() {
            if index % STEP == 0 {
                self.before.push(n);
            }
            n = n.saturating_add(u64::from(word.count_ones()));
        }
        self.n_set = n;
    }

    /// How many rows there are.
    pub fn len(&self) -> u64 {
        self.n_set
    }

    /// True without a row.
    pub fn is_empty(&self) -> bool {
        self.n_set == 0
    }

    /// True when it has the row.
    pub fn contains(&self, row: u64) -> bool {
        let word = self.words.get(index(row / WORD));
        word.is_some_and(|word| word & (1 << (row % WORD)) != 0)
    }

    /// The `n`th row, from 0.
    pub fn nth(&self, n: u64) -> Option<u64> {
        if n >= self.n_set {
            return None;
        }
        let step = self
            .before
            .partition_point(|before| *before <= n)
            .checked_sub(1)?;
        let mut left = n.checked_sub(*self.before.get(step)?)?;
        let first = step.saturating_mul(STEP);
        for (offset, word) in self.words.get(first..)?.iter().enumerate() {
            let ones = u64::from(word.count_ones());
            if left < ones {
                let mut word = *word;
                for _ in 0..left {
                    word &= word.wrapping_sub(1);
                }
                let word_index = u64::try_from(first.saturating_add(offset)).ok()?;
                return Some(
                    word_index
                        .saturating_mul(WORD)
                        .saturating_add(u64::from(word.trailing_zeros())),
                );
            }
            left = left.saturating_sub(ones);
        }
        None
    }

    /// How many rows come before `row`: its place among those shown, or where it would be.
    pub fn rank(&self, row: u64) -> u64 {
        let row = row.min(self.n_rows);
        let word_index = index(row / WORD);
        let step = word_index / STEP;
        let Some(before) = self.before.get(step) else {
            return self.n_set;
        };
        let first = step.saturating_mul(STEP);
        let whole = self.words.get(first..word_index).unwrap_or(&[]);
        let n_whole: u64 = whole.iter().map(|word| u64::from(word.count_ones())).sum();
        let mask = (1_u64 << (row % WORD)).wrapping_sub(1);
        let part = self.words.get(word_index).copied().unwrap_or(0) & mask;
        before
            .saturating_add(n_whole)
            .saturating_add(u64::from(part.count_ones()))
    }
}

fn index(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::RowSet;

    #[test]
    fn the_nth_row_and_its_place_lead_to_each_other() {
        let mut state: u64 = 3;
        for (n_rows, density) in [(0, 1), (1, 1), (64, 2), (1000, 7), (20_000, 3), (20_000, 1)] {
            let rows: Vec<u64> = (0..n_rows)
                .filter(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1);
                    (state >> 33).is_multiple_of(density)
                })
                .collect();
            let set = RowSet::of(n_rows, rows.iter().copied());
            assert_eq!(set.len(), rows.len() as u64);
            assert!(set.iter().eq(rows.iter().copied()));
            for (n, row) in rows.iter().enumerate() {
                assert_eq!(set.nth(n as u64), Some(*row));
                assert_eq!(set.rank(*row), n as u64);
                assert!(set.contains(*row));
            }
            assert_eq!(set.nth(rows.len() as u64), None);
            assert_eq!(set.rank(n_rows + 5), set.len());
            let mut others = set.clone();
            others.invert();
            assert_eq!(others.len(), n_rows - set.len());
            others.intersect(&set);
            assert!(others.is_empty());
        }
    }

    #[test]
    fn rows_of_a_range_are_taken_over_and_listed_in_order() {
        let thirds = RowSet::of(1000, (0..1000).filter(|row| row % 3 == 0));
        for (from, to) in [
            (0, 0),
            (0, 1000),
            (5, 6),
            (6, 7),
            (63, 65),
            (64, 128),
            (100, 2000),
        ] {
            let mut set = RowSet::of(1000, [1, 999]);
            set.unite_within(&thirds, from..to);
            let expected: Vec<u64> = (0..1000)
                .filter(|row| [1, 999].contains(row) || (row % 3 == 0 && (from..to).contains(row)))
                .collect();
            assert_eq!(set.iter_from(0).collect::<Vec<_>>(), expected);
            assert_eq!(set.len(), expected.len() as u64);
            let behind: Vec<u64> = expected.into_iter().filter(|row| *row >= from).collect();
            assert_eq!(set.iter_from(from).collect::<Vec<_>>(), behind);
        }
    }

    #[test]
    fn the_last_of_a_hundred_million_rows_is_found_at_once() {
        let mut set = RowSet::empty(100_000_000);
        set.invert();
        assert_eq!(set.nth(99_999_999), Some(99_999_999));
        assert_eq!(set.rank(99_999_999), 99_999_999);
    }
}
