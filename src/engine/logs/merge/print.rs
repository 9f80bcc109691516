//! Prints merged logs, in their order and from one end to the other: what `fieldscope logs A B` does.

use super::MergedSession;
use crate::engine::logs::open_log::wanted_lines::WantedLines;
use crate::engine::logs::open_log::{LogError, LogStyle, OpenLog, Part};
use crate::engine::logs::row_set::RowSet;
use crate::engine::logs::selection::Selection;
use crate::engine::logs::shown::ShownLog as _;
use crate::model::progress::Progress;
use std::collections::VecDeque;
use std::io::Write;

/// Rows between two looks at whether it is cancelled.
const TICK: u64 = 1 << 14;

/// The lines of one log that are wanted and were not printed yet.
struct Source<'a> {
    name: &'a str,
    lines: WantedLines<'a>,
    ready: VecDeque<(u64, Vec<u8>)>,
    /// Its row at the next of its positions.
    row: u64,
}

impl Source<'_> {
    /// The line of a row, if it is wanted.
    fn line_of(&mut self, row: u64, progress: &dyn Progress) -> Result<Option<Vec<u8>>, LogError> {
        while self.ready.is_empty() && self.lines.first_row() <= row {
            if !self.lines.more(&mut self.ready, progress)? {
                break;
            }
        }
        // Rows that were left out are wanted no more.
        while self.ready.front().is_some_and(|(next, _)| *next < row) {
            self.ready.pop_front();
        }
        let is_next = self.ready.front().is_some_and(|(next, _)| *next == row);
        Ok(is_next
            .then(|| self.ready.pop_front())
            .flatten()
            .map(|(_, line)| line))
    }
}

/// What was printed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrintedRows {
    /// Rows.
    pub n_rows: u64,
    /// Those of each log that could not be decoded.
    pub n_undecoded: Vec<u64>,
}

/// What of merged logs is printed.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// By what each row says.
    pub selection: &'a Selection,
    /// Only these positions; `None`: any.
    pub positions: Option<&'a RowSet>,
}

/// Prints the wanted rows of merged logs, each with the name of its log in front, or with the key `log`.
pub fn print(
    merged: &MergedSession,
    wanted: Wanted<'_>,
    style: LogStyle,
    part: Part,
    out: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<PrintedRows, LogError> {
    let logs: Vec<OpenLog> = merged
        .logs()
        .map(|opened| {
            let log = &opened.log;
            OpenLog::new(
                log.bytes().clone(),
                &opened.name,
                Some(log.format()),
                log.dictionaries().clone(),
            )
        })
        .collect();
    let mut sources: Vec<Source<'_>> = merged
        .logs()
        .zip(&logs)
        .map(|(opened, log)| Source {
            name: &opened.name,
            lines: log.wanted_lines(wanted.selection, style, &opened.name),
            ready: VecDeque::new(),
            row: 0,
        })
        .collect();
    let n_rows = merged.summary().n_rows;
    let most = match part {
        Part::All => usize::MAX,
        Part::Head(n) | Part::Tail(n) => n,
    };
    let mut n_printed: usize = 0;
    let mut last: VecDeque<Vec<u8>> = VecDeque::new();
    for (position, log) in (0_u64..).zip(merged.order()) {
        if position.is_multiple_of(TICK) {
            progress.tick(position, n_rows)?;
        }
        if n_printed >= most && !matches!(part, Part::Tail(_)) {
            break;
        }
        let Some(source) = sources.get_mut(log) else {
            continue;
        };
        let row = source.row;
        source.row = row.saturating_add(1);
        if wanted
            .positions
            .is_some_and(|positions| !positions.contains(position))
        {
            continue;
        }
        let Some(line) = source.line_of(row, progress)? else {
            continue;
        };
        let mut printed = Vec::with_capacity(line.len().saturating_add(32));
        if style != LogStyle::Json {
            printed.extend_from_slice(source.name.as_bytes());
            printed.extend_from_slice(b": ");
        }
        printed.extend_from_slice(&line);
        if printed.last() != Some(&b'\n') {
            // The last line of a file may have no end; another log's line may follow.
            printed.push(b'\n');
        }
        if let Part::Tail(most) = part {
            last.push_back(printed);
            if last.len() > most {
                last.pop_front();
            }
        } else {
            out.write_all(&printed)?;
            n_printed = n_printed.saturating_add(1);
        }
    }
    for line in &last {
        out.write_all(line)?;
    }
    Ok(PrintedRows {
        n_rows: n_printed.saturating_add(last.len()) as u64,
        n_undecoded: sources
            .iter()
            .map(|source| source.lines.n_undecoded())
            .collect(),
    })
}
