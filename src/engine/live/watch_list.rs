//! The numbers that are watched, which may change while a session goes on.

use super::watch::Watch;
use crate::formats::recording::WatchedNumber;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A number keeps its place: what was recorded of it refers to that.
const NUMBERS_MAX: usize = 1000;

/// The list. Copies are of the same list.
#[derive(Clone, Default)]
pub struct WatchList(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    numbers: Vec<Listed>,
    revision: u64,
}

/// One number.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) watch: Watch,
    /// False of one that is watched no longer.
    pub(super) is_watched: bool,
}

impl WatchList {
    /// These numbers.
    pub fn new(watches: Vec<Watch>) -> Self {
        let list = Self::default();
        for watch in watches {
            list.add(watch);
        }
        list
    }

    /// Watches a number from now on; one of the same name is watched so from now on. False where there are too many.
    pub fn add(&self, watch: Watch) -> bool {
        let mut inner = self.lock();
        let name = &watch.number.name;
        let mut before = inner.numbers.iter_mut();
        let before = before.find(|listed| listed.watch.number.name == *name);
        if let Some(before) = before {
            *before = Listed {
                watch,
                is_watched: true,
            };
        } else if inner.numbers.len() < NUMBERS_MAX {
            inner.numbers.push(Listed {
                watch,
                is_watched: true,
            });
        } else {
            return false;
        }
        inner.revision += 1;
        true
    }

    /// Watches a number no longer.
    pub fn remove(&self, name: &str) {
        let mut inner = self.lock();
        for listed in &mut inner.numbers {
            if listed.watch.number.name == name {
                listed.is_watched = false;
            }
        }
        inner.revision += 1;
    }

    /// Names of the numbers that are watched.
    pub fn names(&self) -> Vec<String> {
        let inner = self.lock();
        let watched = inner.numbers.iter().filter(|listed| listed.is_watched);
        watched
            .map(|listed| listed.watch.number.name.clone())
            .collect()
    }

    /// All numbers, if the list is another one than that of a revision.
    pub(super) fn since(&self, revision: Option<u64>) -> Option<(u64, Vec<Listed>)> {
        let inner = self.lock();
        (revision != Some(inner.revision)).then(|| (inner.revision, inner.numbers.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The numbers as they are announced.
pub(super) fn numbers(listed: &[Listed]) -> Vec<WatchedNumber> {
    listed
        .iter()
        .map(|listed| listed.watch.number.clone())
        .collect()
}
