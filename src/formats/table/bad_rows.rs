//! Rows that could not be used, and why: a count of all and the first of them.

use serde::{Deserialize, Serialize};

/// So many are told one by one.
const MOST_TOLD: usize = 100;

/// A row that was left out, or a value of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRow {
    /// From 0, without a header.
    pub row: u64,
    /// From 1, in a text.
    pub line: Option<u64>,
    /// Where the row begins in the file, in bytes, in a text.
    pub offset: Option<u64>,
    /// What is wrong with it.
    pub what: String,
}

/// The rows of one table that could not be used, wholly or in part.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BadRows {
    /// How many, those that are not told one by one too.
    pub n: u64,
    /// The first of them.
    pub first: Vec<BadRow>,
}

impl BadRows {
    pub fn add(&mut self, bad: BadRow) {
        self.n += 1;
        if self.first.len() < MOST_TOLD {
            self.first.push(bad);
        }
    }

    /// Takes over those of a later part of the table.
    pub fn append(&mut self, other: Self) {
        self.n += other.n;
        let room = MOST_TOLD.saturating_sub(self.first.len());
        self.first.extend(other.first.into_iter().take(room));
    }
}
