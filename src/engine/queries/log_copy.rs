//! Rows of a log as text for the clipboard: as they are listed, for a ticket in Markdown.

use crate::engine::context::QueryContext;
use crate::engine::logs::filter::FilterStack;
use crate::engine::logs::shown::ShownLog;
use crate::engine::logs::view::LogKey;
use crate::engine::query::{Query, QueryError};
use crate::model::progress::Progress;
use std::fmt::Write as _;

/// Rows that are copied at most: more are exported.
pub const MOST_COPIED: u64 = 20_000;
/// Bytes that are copied at most.
const MOST_BYTES: usize = 8 << 20;

/// Asks for rows as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogCopyQuery {
    /// The log.
    pub key: LogKey,
    /// What is shown of it.
    pub stack: FilterStack,
    /// The first row, counted among those listed.
    pub first: u64,
    /// How many.
    pub count: u64,
    /// In a fenced block of Markdown under a heading.
    pub heading: Option<CopyHeading>,
}

/// What stands above rows that are copied as Markdown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyHeading {
    /// Name of the log.
    pub log: String,
    /// The device, if known.
    pub device: Option<String>,
}

/// Rows as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopiedRows {
    /// The text.
    pub text: String,
    /// Rows in it.
    pub n_rows: u64,
    /// Rows that were too many.
    pub n_left: u64,
}

impl Query for LogCopyQuery {
    type Output = CopiedRows;

    fn run(&self, context: &QueryContext) -> Result<CopiedRows, QueryError> {
        let log = context.log_for(&self.key, &self.stack)?;
        copied(&*log, self, context.progress())
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        context.opened_logs().revision(&self.key)
    }
}

/// Rows of an open log as text. What is folded into a row is counted behind it, as on screen.
pub fn copied(
    log: &dyn ShownLog,
    query: &LogCopyQuery,
    progress: &dyn Progress,
) -> Result<CopiedRows, QueryError> {
    let listed = log
        .listed(&query.stack, progress)?
        .map_err(|error| QueryError::Unanswerable(format!("FS-LOG-001: {error}.")))?;
    let end = query
        .first
        .saturating_add(query.count)
        .min(listed.n_listed());
    let mut copied = CopiedRows::default();
    let (mut rows, mut boots) = (None, None);
    for n in query.first..end {
        if copied.n_rows >= MOST_COPIED || copied.text.len() >= MOST_BYTES {
            break;
        }
        progress.tick(copied.n_rows, query.count)?;
        let Some((row, line)) = listed.nth(n).and_then(|row| Some((row, log.line(row)?))) else {
            break;
        };
        copied.text.push_str(&String::from_utf8_lossy(&line));
        copied.text.push('\n');
        let is_open = query.stack.shows_data || query.stack.unfolded.contains(&row);
        let n_data = if is_open { 0 } else { log.n_folded_into(row) };
        // Writing to a string does not fail.
        match (listed.n_folded(row), n_data) {
            (0, 0) => {}
            (0, n) => _ = writeln!(copied.text, "    … {n} more lines of data"),
            (n, _) => _ = writeln!(copied.text, "    … {n} more lines of the same message"),
        }
        copied.n_rows = copied.n_rows.saturating_add(1);
        rows = Some(span(rows, row));
        if let Some(boot) = log.row(row, None).and_then(|row| row.boot) {
            boots = Some(span(boots, u64::from(boot)));
        }
    }
    copied.n_left = end
        .saturating_sub(query.first)
        .saturating_sub(copied.n_rows);
    if let Some(heading) = &query.heading {
        copied.text = markdown(heading, rows, boots, &copied.text);
    }
    Ok(copied)
}

fn span(known: Option<(u64, u64)>, n: u64) -> (u64, u64) {
    known.map_or((n, n), |(first, last)| (first.min(n), last.max(n)))
}

/// `lines 3-7`, counted from 1.
fn numbers(one: &str, span: Option<(u64, u64)>) -> Option<String> {
    let (first, last) = span?;
    let (first, last) = (first.saturating_add(1), last.saturating_add(1));
    Some(if first == last {
        format!("{one} {first}")
    } else {
        format!("{one}s {first}-{last}")
    })
}

/// A heading line and a fenced block; the fence is longer than any in the text.
fn markdown(
    heading: &CopyHeading,
    rows: Option<(u64, u64)>,
    boots: Option<(u64, u64)>,
    text: &str,
) -> String {
    let mut longest: usize = 0;
    let mut run: usize = 0;
    for c in text.chars() {
        run = if c == '`' { run.saturating_add(1) } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.saturating_add(1).max(3));
    let parts = [
        Some(format!("**{}**", escaped(&heading.log))),
        heading
            .device
            .as_ref()
            .map(|device| format!("device {}", escaped(device))),
        numbers("boot", boots),
        numbers("line", rows),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    format!("{}\n\n{fence}text\n{text}{fence}\n", parts.join(", "))
}

/// Names hold characters that Markdown takes for marks.
fn escaped(name: &str) -> String {
    let mut escaped = String::new();
    for c in name.chars() {
        if matches!(c, '*' | '_' | '`' | '[' | ']' | '<' | '>' | '\\' | '#') {
            escaped.push('\\');
        }
        escaped.push(if c == '\n' { ' ' } else { c });
    }
    escaped
}
