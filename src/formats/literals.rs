//! Literals that a format looks for before anything else.

use regex::bytes::Regex;
use std::sync::OnceLock;

/// Some literals, searched for at once.
pub struct Literals {
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

/// Length of the longest.
pub(super) fn longest(texts: &[&str]) -> usize {
    texts.iter().map(|text| text.len()).max().unwrap_or(0)
}

/// Finds any of them.
pub(super) fn any_of(texts: &[&str]) -> Option<Regex> {
    let escaped: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
    Regex::new(&format!("(?-u){}", escaped.join("|"))).ok()
}
