//! `fieldscope logs --templates`: the messages that a log is made of, and those that a good run does not have.

use super::exit::Failure;
use super::logs::LogsArgs;
use crate::engine::logs::open_log::OpenLog;
use crate::engine::logs::selection::Selection;
use crate::engine::logs::templates::Groups;
use crate::engine::logs::view::LogTemplate;
use crate::engine::queries::log_templates::{TemplateOrder, only_here, sorted};
use crate::model::log::LogLevel;
use crate::model::progress::Progress;
use serde::Serialize;
use std::io::Write;

/// The `schema` of a template.
const TEMPLATE_SCHEMA: &str = "fieldscope.log_template/1";

/// A template, as `fieldscope.log_template/1`.
#[derive(Serialize)]
struct JsonTemplate<'a> {
    schema: &'static str,
    log: &'a str,
    /// 16 hexadecimal digits; the same for the same text.
    id: String,
    template: &'a str,
    level: Option<&'static str>,
    n_rows: u64,
    first_row: u64,
    last_row: u64,
}

/// Prints the templates of each log: the most frequent or the rarest first; what a good run does not have, in the order of the
/// log.
/// How many rows are in none, because what decodes them is missing.
pub(super) fn print(
    args: &LogsArgs,
    wanted: &Selection,
    logs: impl Iterator<Item = (String, OpenLog)>,
    good: impl Iterator<Item = (String, OpenLog)>,
    out: &mut dyn Write,
    progress: &dyn Progress,
) -> Result<u64, Failure> {
    let mut n_undecoded: u64 = 0;
    let mut known = Groups::default();
    for (_, log) in good {
        // What is wanted of the log (a boot of it, a level) says nothing of the good run: all of it counts.
        known.append(log.groups(&Selection::default(), progress)?, 0);
    }
    for (name, log) in logs {
        let groups = log.groups(wanted, progress)?;
        if log.dictionaries().sources.is_empty() {
            n_undecoded = n_undecoded.saturating_add(groups.n_undecoded());
        }
        let mut list = match (args.good.is_some(), args.rarest) {
            (true, true) => only_here(&groups, &known, TemplateOrder::Rare),
            (true, false) => only_here(&groups, &known, TemplateOrder::Log),
            (false, true) => sorted(&groups, TemplateOrder::Rare),
            (false, false) => sorted(&groups, TemplateOrder::Frequent),
        };
        list.truncate(args.head.unwrap_or(usize::MAX));
        if args.json {
            print_json(&name, &list, out)?;
        } else {
            print_table(&name, &list, args, out)?;
        }
    }
    Ok(n_undecoded)
}

fn print_json(name: &str, list: &[LogTemplate], out: &mut dyn Write) -> std::io::Result<()> {
    for template in list {
        let json = JsonTemplate {
            schema: TEMPLATE_SCHEMA,
            log: name,
            id: format!("{:016x}", template.id),
            template: &template.text,
            level: template.level.map(LogLevel::name),
            n_rows: template.n_rows,
            first_row: template.first_row,
            last_row: template.last_row,
        };
        serde_json::to_writer(&mut *out, &json)?;
        writeln!(out)?;
    }
    Ok(())
}

fn print_table(
    name: &str,
    list: &[LogTemplate],
    args: &LogsArgs,
    out: &mut dyn Write,
) -> std::io::Result<()> {
    let what = match (list.is_empty(), args.good.is_some()) {
        (true, true) => "the good run has all of its messages",
        (true, false) => "no messages",
        (false, true) => "messages that the good run does not have",
        (false, false) if args.rarest => "messages, the rarest first",
        (false, false) => "messages, the most frequent first",
    };
    writeln!(out, "{name}: {what}")?;
    if !list.is_empty() {
        writeln!(
            out,
            "{:>10}  {:>10}  {:<5}  message",
            "rows", "first line", "level"
        )?;
    }
    for template in list {
        let level = template.level.map_or("", LogLevel::name);
        writeln!(
            out,
            "{:>10}  {:>10}  {level:<5}  {}",
            template.n_rows,
            template.first_row.saturating_add(1),
            template.text
        )?;
    }
    Ok(())
}
