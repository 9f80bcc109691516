//! Go to: a line, a time, a boot, an address or a byte of a log, as a person writes it.

use super::log_find::{FoundRow, next_match};
use crate::engine::context::QueryContext;
use crate::engine::logs::filter::{FilterStack, LogFilter};
use crate::engine::logs::moment::{Moments, Written, written};
use crate::engine::logs::session::ListedRows;
use crate::engine::logs::shown::ShownLog;
use crate::engine::logs::view::{DensityAxis, LogKey};
use crate::engine::query::{Query, QueryError};
use crate::model::progress::Unattended;

/// What can be written.
const FORMS: &str = "Write a line (1234), a time (12:34:56.789, 12.345 s, +5 s, 2024-01-31), boot 2, an address (0x0800abcd) or a byte (@1234).";

/// Asks where a place is.
#[derive(Clone, Debug)]
pub struct LogGoToQuery {
    /// The log.
    pub key: LogKey,
    /// What is shown of it.
    pub stack: FilterStack,
    /// The place, in words.
    pub text: String,
    /// The row that is selected, counted among those shown: `+5 s` counts from it, an address is looked for behind it.
    pub from: u64,
}

/// Where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoTo {
    /// Its row in the log.
    pub row: Option<u64>,
    /// That row among those shown, or the nearest that is.
    pub at: Option<u64>,
    /// What was found, or why nothing was: a sentence.
    pub says: String,
}

impl Query for LogGoToQuery {
    type Output = GoTo;

    fn run(&self, context: &QueryContext) -> Result<GoTo, QueryError> {
        go_to(&*context.log_for(&self.key, &self.stack)?, self)
    }

    fn own_revision(&self, context: &QueryContext) -> u64 {
        context.opened_logs().revision(&self.key)
    }
}

/// A row that was found, and what is said of it.
type Answer = Result<(u64, String), String>;

/// A place in an open log.
pub fn go_to(log: &dyn ShownLog, query: &LogGoToQuery) -> Result<GoTo, QueryError> {
    let n_rows = log.summary().n_rows;
    let shown = log
        .listed(&query.stack, &Unattended)?
        .map_err(|error| QueryError::Unanswerable(format!("FS-LOG-001: {error}.")))?;
    let cursor = shown.nth(query.from).unwrap_or(query.from);
    let text = query.text.trim();
    let answer = if n_rows == 0 {
        Err("The log is empty.".to_owned())
    } else if let Some(byte) = text.strip_prefix('@') {
        byte_place(log, byte)
    } else if let Some(boot) = text.strip_prefix("boot ").and_then(number) {
        boot_place(log, boot)
    } else if let Some(digits) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return address_place(log, &shown, query, digits);
    } else if let Some(line) = number(text.trim_start_matches("line ").trim_start_matches("row ")) {
        line_place(log, line)
    } else {
        time_place(log, text, cursor)
    };
    Ok(match answer {
        Ok((row, says)) => on_screen(log, query, &shown, row, &says),
        Err(says) => GoTo {
            says,
            ..GoTo::default()
        },
    })
}

/// `1234`, `1,234`.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    let is_number = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b',');
    is_number
        .then(|| text.replace(',', "").parse().ok())
        .flatten()
}

fn line_place(log: &dyn ShownLog, line: u64) -> Answer {
    let n_rows = log.summary().n_rows;
    match line.checked_sub(1) {
        Some(row) if row < n_rows => Ok((row, String::new())),
        _ => Err(format!(
            "There is no line {line}: this log has lines 1 to {n_rows}."
        )),
    }
}

fn byte_place(log: &dyn ShownLog, text: &str) -> Answer {
    let text = text.trim();
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let offset = match hex {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => number(text),
    };
    let n_bytes = log.summary().n_bytes.0;
    match offset {
        None => Err(format!("@{text} is no byte. Write @1234 or @0x4d2.")),
        Some(offset) if offset >= n_bytes => Err(format!(
            "There is no byte {offset}: this log has {n_bytes} bytes, counted from 0."
        )),
        Some(offset) => match log.position_at(offset) {
            Some(row) => Ok((row, format!("It holds byte {offset}."))),
            None => Err(
                "A byte is of one log, and here several are merged. Open one of them.".to_owned(),
            ),
        },
    }
}

fn boot_place(log: &dyn ShownLog, boot: u64) -> Answer {
    let boots = &log.summary().boots;
    let index = boot
        .checked_sub(1)
        .and_then(|index| usize::try_from(index).ok());
    match index.and_then(|index| boots.get(index)) {
        Some(found) => Ok((found.row, format!("Boot {boot} begins there."))),
        None => Err(match boots.len() {
            0 => format!("There is no boot {boot}: no line of this log tells of a boot."),
            n => format!("There is no boot {boot}: this log has {n}, counted from 1."),
        }),
    }
}

/// The next row that names an address. With its prefix it may be written with any zeros; without it, in full width.
fn address_place(
    log: &dyn ShownLog,
    shown: &ListedRows,
    query: &LogGoToQuery,
    digits: &str,
) -> Result<GoTo, QueryError> {
    let Ok(address) = u64::from_str_radix(&digits.replace('_', ""), 16) else {
        let says = format!("0x{digits} is no address. Write 0x0800abcd.");
        return Ok(GoTo {
            says,
            ..GoTo::default()
        });
    };
    let filter = LogFilter::Regex {
        pattern: format!(r"\b(?:0x0*{address:x}|{address:08x}|{address:016x})\b"),
        match_case: false,
    };
    let found: FoundRow = next_match(log, shown, &filter.into(), query.from, true)?;
    let row = found.at.and_then(|at| shown.nth(at));
    let says = match (row, found.of) {
        (Some(row), Some((n, of))) => {
            let line = row.saturating_add(1);
            format!("Line {line} names 0x{address:08x}: {n} of {of}.")
        }
        _ if query.stack.chips.is_empty() => format!("No line names 0x{address:08x}."),
        _ => format!("No line that the filters show names 0x{address:08x}."),
    };
    Ok(GoTo {
        row,
        at: found.at,
        says,
    })
}

fn time_place(log: &dyn ShownLog, text: &str, cursor: u64) -> Answer {
    let moments = log.moments();
    let named = moments.boot_prefix(text).map(|(boot, _)| boot);
    if named.is_none() && written(text).is_none() {
        return Err(if text.is_empty() {
            FORMS.to_owned()
        } else {
            format!("{text} is no place in a log. {FORMS}")
        });
    }
    let near = log.place_on_axis(cursor).unwrap_or(moments.span.0);
    let wanted = moments.read(text, near)?;
    let n_rows = log.summary().n_rows;
    // Within one boot an uptime counts on; the boot behind it begins at 0 again.
    let is_of_boot = moments.axis == DensityAxis::Uptime
        && matches!(
            written(text),
            Some(Written::SinceBoot(_) | Written::OfDay(_)) | None
        );
    if is_of_boot {
        return in_boots(log, &moments, wanted, near, named);
    }
    let first = match written(text) {
        Some(Written::After(ns)) if ns >= 0 => cursor,
        _ => 0,
    };
    match log.first_row_since(wanted, first..n_rows) {
        Some((row, ns)) => Ok((row, said_of(&moments, wanted, ns))),
        None => Err(format!(
            "No line is at {} or later: the log ends at {}.",
            moments.text(wanted),
            moments.text(moments.span.1)
        )),
    }
}

/// Looks for an uptime in the boot of the selected row, then in those behind it, then from the first one on.
fn in_boots(
    log: &dyn ShownLog,
    moments: &Moments,
    wanted: i64,
    near: i64,
    named: Option<usize>,
) -> Answer {
    let n_rows = log.summary().n_rows;
    let boots = &log.summary().boots;
    // The boot that the time was placed in: by its number, or by the selected row. Part 0 comes before the first boot.
    let of_cursor = moments.boots.partition_point(|start| *start <= near);
    let own = named.map_or(of_cursor, |boot| boot.saturating_add(1));
    let start_of = |part: usize| match part.checked_sub(1) {
        Some(boot) => moments.boots.get(boot).copied(),
        None => Some(0),
    };
    let rows_of = |part: usize| {
        let row = |part: usize| {
            let boot = part.checked_sub(1)?;
            boots.get(boot).map(|boot| boot.row)
        };
        row(part).unwrap_or(0)..row(part.saturating_add(1)).unwrap_or(n_rows)
    };
    let uptime = wanted.saturating_sub(start_of(own).unwrap_or(0));
    let n_parts = boots.len().saturating_add(1);
    for step in 0..n_parts {
        let part = own.saturating_add(step).checked_rem(n_parts).unwrap_or(0);
        let here = start_of(part).unwrap_or(0).saturating_add(uptime);
        if let Some((row, ns)) = log.first_row_since(here, rows_of(part)) {
            let said = said_of(moments, here, ns);
            return Ok((
                row,
                if step == 0 {
                    said
                } else {
                    format!("Boot {own} is over before that. {said}")
                },
            ));
        }
        if named.is_some() {
            break;
        }
    }
    let time = Moments {
        boots: Vec::new(),
        ..moments.clone()
    };
    let time = time.text(uptime);
    Err(if named.is_some() {
        format!("Boot {own} is over before {time}.")
    } else if boots.len() > 1 {
        format!("No boot of this log ran for {time}.")
    } else {
        format!(
            "No line is at {time} or later: the log ends at {}.",
            moments.text(moments.span.1)
        )
    })
}

fn said_of(moments: &Moments, wanted: i64, found: i64) -> String {
    if wanted == found {
        format!("Its time is {}.", moments.text(found))
    } else {
        format!(
            "It is the first one since then; its time is {}.",
            moments.text(found)
        )
    }
}

/// Where a row is among those shown.
fn on_screen(
    log: &dyn ShownLog,
    query: &LogGoToQuery,
    shown: &ListedRows,
    row: u64,
    says: &str,
) -> GoTo {
    let line = row.saturating_add(1);
    let answer = |at: Option<u64>, hidden: &str| GoTo {
        row: Some(row),
        at,
        says: format!("Line {line}. {says}{hidden}").trim_end().to_owned(),
    };
    let place = shown.place_of(row);
    if shown.nth(place) == Some(row) {
        return answer(Some(place), "");
    }
    if shown.is_let_through(row) {
        return answer(Some(place), " It is folded into the row that is selected.");
    }
    let head = log.head_of_data(row);
    if !query.stack.shows_data && head != row && shown.is_let_through(head) {
        return answer(
            Some(shown.place_of(head)),
            " It is folded into the block of data that is selected.",
        );
    }
    match shown.n_listed() {
        0 => answer(None, " The filters hide every line."),
        n if place >= n => answer(
            Some(n.saturating_sub(1)),
            " The filters hide it and all behind it: the last line shown is selected.",
        ),
        _ => answer(
            Some(place),
            " The filters hide it: the next line shown is selected.",
        ),
    }
}
