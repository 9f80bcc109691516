//! Every issue of the workspace: crashes that have one cause, with counts.

use super::crash_list::{CrashRow, n_devices};
use crate::analysis::issue_title::issue_title;
use crate::engine::context::QueryContext;
use crate::engine::query::{Query, QueryError};
use crate::engine::workspace_rows::crash_row;
use crate::model::report::FaultKind;
use crate::store::ids::CrashId;
use crate::store::issues::IssueGroup;
use std::collections::{BTreeMap, BTreeSet};

/// Asks for all issues with a crash that holds `find` (in any letter case); all of them when it is empty.
#[derive(Clone, Debug, Default)]
pub struct IssueListQuery {
    /// What a crash, a title or a note must hold.
    pub find: String,
}

/// Crashes that have one cause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// Names it, for good.
    pub key: String,
    /// The title a person gave it, else the headline of its newest named crash without addresses.
    pub title: String,
    /// A person gave the title.
    pub is_titled: bool,
    /// A person closed it.
    pub is_closed: bool,
    /// What a person noted.
    pub note: Option<String>,
    /// A person merged or split it.
    pub is_by_hand: bool,
    /// Class of the fault of the newest crash.
    pub kind: Option<FaultKind>,
    /// Different crashes, newest first; a dump that came in two captures is there once.
    pub crashes: Vec<CrashRow>,
    /// Devices, each unknown one counted.
    pub n_devices: usize,
    /// Crashes whose symbols were at hand.
    pub n_named: usize,
    /// Versions it was seen in, the one with most crashes first.
    pub versions: Vec<VersionCount>,
    /// Fingerprints of its crashes.
    pub fingerprints: Vec<String>,
    /// When it was seen first.
    pub first_seen: Seen,
    /// When it was seen last.
    pub last_seen: Seen,
}

/// One version of an issue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionCount {
    /// Version, or the build where no version is known; `None` where neither is.
    pub version: Option<String>,
    /// Crashes.
    pub n_crashes: usize,
    /// Devices.
    pub n_devices: usize,
}

/// A time and what it is the time of.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    /// RFC 3339.
    pub at: String,
    /// True for the time of the capture, false for the time of the import, where nothing says when it was captured.
    pub is_captured: bool,
}

impl Seen {
    /// What it is the time of.
    pub fn what(&self) -> &'static str {
        if self.is_captured {
            "capture time"
        } else {
            "import time"
        }
    }

    /// Of one crash.
    pub fn of(row: &CrashRow) -> Self {
        match &row.captured_at {
            Some(at) => Self {
                at: at.clone(),
                is_captured: true,
            },
            None => Self {
                at: row.imported_at.clone(),
                is_captured: false,
            },
        }
    }
}

impl Issue {
    /// True when the crash, or the same dump in another capture, is in it.
    pub fn holds_crash(&self, crash: &CrashRow) -> bool {
        self.crashes.iter().any(|row| {
            row.id == crash.id || (row.dump_key.is_some() && row.dump_key == crash.dump_key)
        })
    }

    /// The crash that stands for it: the newest one with names, else the newest.
    pub fn representative(&self) -> Option<&CrashRow> {
        let named = self.crashes.iter().find(|row| row.is_symbolized);
        named.or_else(|| self.crashes.first())
    }
}

impl Query for IssueListQuery {
    type Output = Vec<Issue>;

    fn run(&self, context: &QueryContext) -> Result<Vec<Issue>, QueryError> {
        let needle = self.find.trim().to_lowercase();
        let mut issues: Vec<Issue> = context
            .reader()?
            .issues()?
            .into_iter()
            .filter_map(issue)
            .filter_map(|issue| narrowed(issue, &needle))
            .collect();
        tell_apart(context, &mut issues)?;
        // Closed ones last, then the most frequent first; equal ones stay newest first.
        issues.sort_by_key(|issue| (issue.is_closed, std::cmp::Reverse(issue.crashes.len())));
        Ok(issues)
    }
}

/// Titles that several issues share get the first caller that differs.
fn tell_apart(context: &QueryContext, issues: &mut [Issue]) -> Result<(), QueryError> {
    let mut by_title: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (idx, issue) in issues.iter().enumerate() {
        by_title.entry(issue.title.clone()).or_default().push(idx);
    }
    let reader = context.reader()?;
    for idxs in by_title.into_values().filter(|idxs| idxs.len() > 1) {
        let mut stacks = Vec::new();
        for idx in &idxs {
            let crash = issues.get(*idx).and_then(Issue::representative);
            stacks.push(match crash {
                Some(row) => reader.crash_functions(CrashId(row.id))?,
                None => Vec::new(),
            });
        }
        let depth = stacks.iter().map(Vec::len).max().unwrap_or(0);
        let names = |at: usize| stacks.iter().map(move |stack| stack.get(at));
        let differs = |at: &usize| {
            let mut all = names(*at);
            let first = all.next();
            all.any(|name| Some(name) != first)
        };
        let Some(at) = (1..depth).find(differs) else {
            continue;
        };
        for (idx, stack) in idxs.iter().zip(&stacks) {
            if let (Some(issue), Some(caller)) = (issues.get_mut(*idx), stack.get(at))
                && !issue.is_titled
            {
                issue.title = format!("{}, called by `{caller}`", issue.title);
            }
        }
    }
    Ok(())
}

/// The issue with the crashes that hold `needle`; all of them when its title or note does.
fn narrowed(mut issue: Issue, needle: &str) -> Option<Issue> {
    let holds = |text: &str| text.to_lowercase().contains(needle);
    if holds(&issue.title) || issue.note.as_deref().is_some_and(holds) || holds(&issue.key) {
        return Some(issue);
    }
    issue.crashes.retain(|row| row.holds(needle));
    (!issue.crashes.is_empty()).then(|| counted(issue))
}

fn issue(group: IssueGroup) -> Option<Issue> {
    let mut crashes: Vec<CrashRow> = group.crashes.into_iter().map(crash_row).collect();
    crashes.sort_by_key(|row| std::cmp::Reverse(row.id));
    // The same bytes in two captures are one crash seen twice: its newest capture stands for it.
    let mut dumps = BTreeSet::new();
    crashes.retain(|row| {
        row.dump_key
            .as_ref()
            .is_none_or(|key| dumps.insert(key.clone()))
    });
    let newest = crashes.first()?;
    let named = crashes
        .iter()
        .find(|row| row.is_symbolized)
        .unwrap_or(newest);
    let title = issue_title(&named.summary);
    Some(counted(Issue {
        key: group.key,
        is_titled: group.title.is_some(),
        title: group.title.unwrap_or(title),
        is_closed: group.closed,
        note: group.note,
        is_by_hand: group.by_hand,
        kind: named.kind,
        n_devices: 0,
        n_named: 0,
        versions: Vec::new(),
        fingerprints: group.fingerprints.into_iter().map(|f| f.key).collect(),
        first_seen: Seen::default(),
        last_seen: Seen::default(),
        crashes,
    }))
}

fn counted(mut issue: Issue) -> Issue {
    let crashes = &issue.crashes;
    issue.n_devices = n_devices(crashes);
    issue.n_named = crashes.iter().filter(|row| row.is_symbolized).count();
    let mut versions: BTreeMap<Option<String>, Vec<&CrashRow>> = BTreeMap::new();
    for row in crashes {
        versions.entry(version_of(row)).or_default().push(row);
    }
    issue.versions = versions
        .into_iter()
        .map(|(version, rows)| VersionCount {
            version,
            n_crashes: rows.len(),
            n_devices: n_devices(rows),
        })
        .collect();
    issue
        .versions
        .sort_by_key(|version| std::cmp::Reverse(version.n_crashes));
    let seen = || crashes.iter().map(Seen::of);
    issue.first_seen = seen().min().unwrap_or_default();
    issue.last_seen = seen().max().unwrap_or_default();
    issue
}

fn version_of(row: &CrashRow) -> Option<String> {
    let build = row.build_id.as_ref();
    row.version
        .clone()
        .or_else(|| build.map(|id| format!("build {}", id.chars().take(8).collect::<String>())))
}

/// Asks what can be undone and done again.
#[derive(Clone, Debug)]
pub struct IssueHistoryQuery;

/// What can be undone and done again, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssueHistory {
    /// The last step.
    pub undo: Option<String>,
    /// The step that was undone last.
    pub redo: Option<String>,
}

impl Query for IssueHistoryQuery {
    type Output = IssueHistory;

    fn run(&self, context: &QueryContext) -> Result<IssueHistory, QueryError> {
        let history = context.reader()?.issue_history()?;
        Ok(IssueHistory {
            undo: history.undo,
            redo: history.redo,
        })
    }
}
