//! What a board could be reached by now, and what was used last. Nothing is opened.

use crate::engine::context::QueryContext;
use crate::engine::live::LINKS;
use crate::engine::live::choice::{LinkChoice, last_used};
use crate::engine::query::{Query, QueryError};
use std::time::{SystemTime, UNIX_EPOCH};

/// Asks what is present. The answer is made anew each second, for as long as somebody asks.
#[derive(Clone, Debug)]
pub struct PresentLinksQuery;

/// Links that could be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PresentLinks {
    /// What is present, by the system's own lists.
    pub present: Vec<PresentLink>,
    /// The links that were used last in this workspace.
    pub last: Vec<LinkChoice>,
}

/// Something that a link could be opened to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentLink {
    /// What people call it.
    pub title: String,
    /// What opens it; other settings keep their defaults.
    pub choice: LinkChoice,
    /// Why it cannot be opened as it is, and what to do.
    pub problem: Option<String>,
}

impl Query for PresentLinksQuery {
    type Output = PresentLinks;

    fn run(&self, context: &QueryContext) -> Result<PresentLinks, QueryError> {
        let present = LINKS.iter().flat_map(|kind| {
            let present = kind.present().into_iter();
            present.map(|present| PresentLink {
                title: present.title,
                problem: present.problem,
                choice: LinkChoice::new(*kind, present.settings),
            })
        });
        Ok(PresentLinks {
            present: present.collect(),
            last: last_used(context)?,
        })
    }

    fn own_revision(&self, _context: &QueryContext) -> u64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        now.map_or(0, |since| since.as_secs())
    }
}
