//! Drain: a tree of fixed depth that puts groups of messages together.

use super::{Group, id_of};
use crate::engine::logs::view::LogTemplate;
use crate::model::log::LogLevel;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A group joins a template that shares at least this part of its words, of [`SHARED_OF`].
const SHARED: usize = 1;
const SHARED_OF: usize = 2;
/// First words that are told apart among messages of one length.
const MOST_CHILDREN: usize = 1000;
/// Templates in a leaf that a group is compared with.
const MOST_COMPARED: usize = 500;

/// A template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cluster {
    words: Vec<String>,
    text: String,
    n_rows: u64,
    first_row: u64,
    last_row: u64,
    n_by_level: [u64; 7],
}

impl Cluster {
    /// The text with `*` for what varies.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Takes the rows of another one too.
    pub(super) fn count(&mut self, other: &Self) {
        let rows = other.first_row..=other.last_row;
        self.count_rows(other.n_rows, &rows, other.n_by_level);
    }

    fn count_rows(&mut self, n_rows: u64, rows: &RangeInclusive<u64>, n_by_level: [u64; 7]) {
        self.n_rows = self.n_rows.saturating_add(n_rows);
        self.first_row = self.first_row.min(*rows.start());
        self.last_row = self.last_row.max(*rows.end());
        for (all, n) in self.n_by_level.iter_mut().zip(n_by_level) {
            *all = all.saturating_add(n);
        }
    }

    /// What there is to show of it.
    pub(super) fn template(&self) -> LogTemplate {
        let levels = (0_usize..).zip(self.n_by_level);
        let most = levels.max_by_key(|(level, n)| (*n, *level));
        LogTemplate {
            id: id_of(&self.text),
            text: self.text.clone(),
            level: most.and_then(|(level, _)| LogLevel::ALL.get(level).copied()),
            n_rows: self.n_rows,
            first_row: self.first_row,
            last_row: self.last_row,
        }
    }
}

/// The templates of a log so far. What it says depends on the order of the groups: that of their first rows.
#[derive(Default)]
pub(super) struct Drain {
    clusters: Vec<Cluster>,
    /// By number of words and first word.
    leaves: BTreeMap<(usize, String), Vec<usize>>,
    n_children: BTreeMap<usize, usize>,
}

impl Drain {
    /// Adds a group; the place of its template among the templates.
    pub(super) fn add(&mut self, group: &Group) -> usize {
        let at = self.place(group);
        if let Some(cluster) = self.clusters.get_mut(at) {
            let rows = group.first_row..=group.last_row;
            cluster.count_rows(group.n_rows, &rows, group.n_by_level);
        }
        at
    }

    /// All templates, in the order of their first group.
    pub(super) fn clusters(&self) -> impl ExactSizeIterator<Item = &Cluster> {
        self.clusters.iter()
    }

    fn place(&mut self, group: &Group) -> usize {
        let words: Vec<&str> = group.text.split(' ').collect();
        let first = words.first().copied().unwrap_or("");
        let first = if first.contains(super::mask::VARIES) {
            "*"
        } else {
            first
        };
        let mut leaf = (words.len(), first.to_owned());
        if !self.leaves.contains_key(&leaf) {
            let n = self.n_children.entry(words.len()).or_default();
            if *n >= MOST_CHILDREN {
                "*".clone_into(&mut leaf.1);
            } else {
                *n = n.saturating_add(1);
            }
        }
        let members = self.leaves.entry(leaf).or_default();
        let compared = members.iter().take(MOST_COMPARED);
        let best = compared
            .filter_map(|at| Some((*at, shared(self.clusters.get(*at)?, &words))))
            .max_by_key(|(at, (shared, _))| (*shared, std::cmp::Reverse(*at)));
        if let Some((at, (n_shared, n_constant))) = best
            && n_shared.saturating_mul(SHARED_OF) >= n_constant.saturating_mul(SHARED)
            && n_shared > 0
        {
            if let Some(cluster) = self.clusters.get_mut(at) {
                join(cluster, &words);
            }
            return at;
        }
        let at = self.clusters.len();
        members.push(at);
        self.clusters.push(Cluster {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            text: group.text.clone(),
            n_rows: 0,
            first_row: group.first_row,
            last_row: group.last_row,
            n_by_level: [0; 7],
        });
        at
    }
}

/// True when a constant part is the text of a template, where each `*` may stand for any word.
pub(super) fn fits(template: &str, constant: &str) -> bool {
    let mut words = constant.split(' ');
    let is_same = template
        .split(' ')
        .all(|mine| words.next().is_some_and(|word| mine == "*" || mine == word));
    is_same && words.next().is_none()
}

/// Constant words that a template has in the same places, and the places that are not `*` in both.
fn shared(cluster: &Cluster, words: &[&str]) -> (usize, usize) {
    let pairs = cluster.words.iter().zip(words);
    pairs.fold((0, 0), |(shared, constant), (mine, word)| {
        if mine == "*" && *word == "*" {
            return (shared, constant);
        }
        let is_same = mine == word && mine != "*";
        (
            shared.saturating_add(usize::from(is_same)),
            constant.saturating_add(1),
        )
    })
}

fn join(cluster: &mut Cluster, words: &[&str]) {
    let mut is_changed = false;
    for (mine, word) in cluster.words.iter_mut().zip(words) {
        if mine != word && mine != "*" {
            "*".clone_into(mine);
            is_changed = true;
        }
    }
    if is_changed {
        cluster.text = cluster.words.join(" ");
    }
}
