//! The menu of a row: filters that come from what it says.

use super::Logs;
use crate::engine::logs::filter::{Chip, LogFilter};
use crate::engine::logs::view::LogRow;
use crate::ui::widgets::text;
use crate::ui::words;
use egui::Ui;

/// Characters of a message that a menu shows.
const SHOWN: usize = 32;

/// What was chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// A filter.
    Filter(Chip),
    /// The span that is shown begins at this row.
    From,
    /// It ends there.
    Until,
}

/// The entries; what was chosen. `marked` is the text that is marked in this row.
pub(super) fn menu_ui(ui: &mut Ui, row: &LogRow, marked: Option<&str>) -> Option<Choice> {
    let mut choice = None;
    let record = &row.record;
    let mut pair = |ui: &mut Ui, what: &str, filter: LogFilter| {
        for (word, negated) in [("Only", false), ("Not", true)] {
            if ui.button(format!("{word} {what}")).clicked() {
                let chip = Chip {
                    negated,
                    ..Chip::from(filter.clone())
                };
                choice = Some(Choice::Filter(chip));
            }
        }
        ui.separator();
    };
    if !record.module.is_empty() {
        let names = vec![record.module.clone()];
        pair(
            ui,
            &format!("module {}", record.module),
            LogFilter::Module { names },
        );
    }
    if let Some(boot) = row.boot {
        let filter = LogFilter::Boot {
            first: boot,
            last: boot,
        };
        pair(ui, &format!("boot {}", words::boot(boot)), filter);
    }
    let said = marked.unwrap_or(&record.message).trim();
    if !said.is_empty() && !row.is_cut {
        let mut short: String = said.chars().take(SHOWN).collect();
        if short.len() < said.len() {
            short.push('\u{2026}');
        }
        let filter = LogFilter::Text {
            text: said.to_owned(),
            match_case: true,
        };
        pair(ui, &format!("lines with \"{short}\""), filter);
    }
    if let Some(level) = record.level {
        if ui
            .button(format!("Only level {} and above", level.name()))
            .clicked()
        {
            let filter = LogFilter::Level { at_least: level };
            choice = Some(Choice::Filter(filter.into()));
        }
        if ui
            .button(format!("Not level {} and above", level.name()))
            .clicked()
        {
            let filter = LogFilter::Level { at_least: level };
            let chip = Chip {
                negated: true,
                ..Chip::from(filter)
            };
            choice = Some(Choice::Filter(chip));
        }
        ui.separator();
    }
    text::small(
        ui,
        format!("line {}", words::number(row.row.saturating_add(1))),
    );
    if ui.button("From here").clicked() {
        choice = Some(Choice::From);
    }
    if ui.button("Until here").clicked() {
        choice = Some(Choice::Until);
    }
    choice
}

impl Logs {
    /// Carries out what was chosen.
    pub(super) fn chosen(&mut self, choice: Choice, row: &LogRow) {
        match choice {
            Choice::Filter(chip) => self.add_chip(chip),
            Choice::From => self.bound(row, true),
            Choice::Until => self.bound(row, false),
        }
    }

    /// The span begins or ends at a row: by its time, or by its number when it has none. A span that is there is moved.
    fn bound(&mut self, row: &LogRow, is_from: bool) {
        let mut spans = self.stack.chips.iter_mut().filter(|chip| !chip.negated);
        if let Some(ns) = row.axis_ns {
            let span = spans.find_map(|chip| match &mut chip.filter {
                LogFilter::Time { from_ns, to_ns } => {
                    chip.is_off = false;
                    Some((from_ns, to_ns))
                }
                _ => None,
            });
            match span {
                Some((from_ns, to_ns)) => {
                    *(if is_from { from_ns } else { to_ns }) = ns;
                    self.changed();
                }
                None => self.add(LogFilter::Time {
                    from_ns: if is_from { ns } else { i64::MIN },
                    to_ns: if is_from { i64::MAX } else { ns },
                }),
            }
            return;
        }
        let span = spans.find_map(|chip| match &mut chip.filter {
            LogFilter::Rows { first, last } => {
                chip.is_off = false;
                Some((first, last))
            }
            _ => None,
        });
        match span {
            Some((first, last)) => {
                *(if is_from { first } else { last }) = row.position;
                self.changed();
            }
            None => self.add(LogFilter::Rows {
                first: if is_from { row.position } else { 0 },
                last: if is_from { u64::MAX } else { row.position },
            }),
        }
    }

    /// Filters by the selection: the marked text of the selected row, else its module, else what it says.
    pub(super) fn filter_by_selection(&mut self) {
        let Some(row) = self.selected.as_ref().and_then(|it| it.row.clone()) else {
            return;
        };
        let marked = self.marked.as_ref().filter(|(at, _)| *at == row.position);
        if let Some((_, text)) = marked {
            let text = text.clone();
            self.add(LogFilter::Text {
                text,
                match_case: true,
            });
        } else if !row.record.module.is_empty() {
            self.add(LogFilter::Module {
                names: vec![row.record.module],
            });
        } else if !row.record.message.trim().is_empty() {
            self.add(LogFilter::Text {
                text: row.record.message.trim().to_owned(),
                match_case: true,
            });
        }
    }
}
