//! What was wrong with an input, not more often than anybody reads it.

use crate::formats::lines::as_u64;
use crate::model::warning::Warning;

/// More warnings than this are counted.
const MOST: usize = 1000;

/// Warnings about an input.
#[derive(Default)]
pub(super) struct Noted {
    warnings: Vec<Warning>,
    n_more: u64,
}

impl Noted {
    /// Notes what is wrong at the byte at `offset`.
    pub(super) fn add(&mut self, code: &str, offset: usize, message: impl Into<String>) {
        if self.warnings.len() < MOST {
            self.warnings
                .push(Warning::at(code, as_u64(offset), message));
        } else {
            self.n_more = self.n_more.saturating_add(1);
        }
    }

    /// All of them, in the order of the input as it was read.
    pub(super) fn into_warnings(mut self) -> Vec<Warning> {
        if self.n_more > 0 {
            let n = self.n_more;
            self.warnings.push(Warning::new("FS-SDK-009", format!("{n} more places with damaged or lost messages of the device-side SDK are not listed")));
        }
        self.warnings
    }
}
