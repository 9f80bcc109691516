//! The messages that the log is made of: how often each occurs, and which of them another log does not have.

use super::Logs;
use super::row::level_color;
use crate::engine::logs::filter::LogFilter;
use crate::engine::logs::view::{LogKey, LogTemplate};
use crate::engine::queries::log_templates::{LogMessages, LogTemplatesQuery, TemplateOrder};
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::row::{CellStyle, tall_row};
use crate::ui::widgets::{button, state, text};
use crate::ui::words;
use egui::{Align, Ui};

/// What the lower part of the side shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Side {
    /// The modules of the log.
    #[default]
    Modules,
    /// Its messages.
    Messages,
    /// Its lines with a bookmark.
    Bookmarks,
}

/// Which messages are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Part {
    #[default]
    All,
    OnlyHere,
    OnlyThere,
}

/// How messages are listed.
#[derive(Clone, Debug, Default)]
pub(super) struct Messages {
    order: TemplateOrder,
    /// The log that is compared with.
    good: Option<LogKey>,
    part: Part,
    /// The list of logs to compare with is to be opened.
    opens_logs: bool,
    /// They are counted: what needs them can be asked.
    pub(super) are_known: bool,
}

impl Logs {
    /// The messages, asked for as long as something on screen needs them.
    fn ask_messages(
        &self,
        ctx: &ViewContext<'_>,
        key: &LogKey,
    ) -> crate::ui::data::Answer<LogMessages> {
        ctx.door.log_messages(&LogTemplatesQuery {
            key: key.clone(),
            good: self.messages.good.clone(),
            order: self.messages.order,
        })
    }

    /// True while what is shown cannot be told without the messages.
    fn filters_by_message(&self) -> bool {
        let by_message = |filter: &LogFilter| {
            matches!(
                filter,
                LogFilter::Template { .. } | LogFilter::OnlyHere { .. }
            )
        };
        self.stack.chips.iter().any(|chip| by_message(&chip.filter))
    }

    /// Rows are asked for only once the messages are counted that they depend on: it may take long, and can be given up.
    pub(super) fn await_messages(&mut self, ctx: &ViewContext<'_>, key: &LogKey) {
        if self.is_merged() {
            // Each log counts its own when a filter asks for them.
            self.messages.are_known = true;
            return;
        }
        if !self.stack.folds && !self.filters_by_message() {
            return;
        }
        let answer = self.ask_messages(ctx, key);
        // An error is told by the rows.
        let are_known = answer.value().is_some() || answer.error().is_some();
        if are_known != self.messages.are_known {
            self.messages.are_known = are_known;
            if self.stack.folds {
                self.changed();
            }
        }
    }

    /// True while no row can be shown because messages are being counted.
    pub(super) fn waits_for_messages(&self) -> bool {
        self.filters_by_message() && !self.messages.are_known
    }

    /// Shows the messages; with `compares` the list of logs to compare with as well.
    pub(super) fn show_messages(&mut self, compares: bool) {
        self.side = Side::Messages;
        self.messages.opens_logs |= compares;
    }

    /// Draws the list; the filter that was chosen.
    pub(super) fn messages_ui(
        &mut self,
        ctx: &ViewContext<'_>,
        ui: &mut Ui,
        key: &LogKey,
    ) -> Option<LogFilter> {
        if self.is_merged() {
            state::empty(
                ui,
                "Messages are counted of one log",
                "Here several are merged. Open one of them to see its messages.",
            );
            return None;
        }
        let answer = self.ask_messages(ctx, key);
        let mut filter = None;
        state::padded(ui, |ui| {
            self.order_ui(ctx, ui, key);
            let compared = answer
                .value()
                .and_then(|messages| messages.compared.as_ref());
            if let (Some(good), Some(compared)) = (self.messages.good.clone(), compared) {
                let counts = (compared.only_here.len(), compared.only_there.len());
                filter = self.parts_ui(ui, &good, counts);
            }
        });
        let part = self.messages.part;
        state::answer(ui, &answer, "Counting messages…", |ui, messages| {
            let (list, is_here) = match (&messages.compared, part) {
                (Some(compared), Part::OnlyHere) => (&compared.only_here, true),
                (Some(compared), Part::OnlyThere) => (&compared.only_there, false),
                _ => (&messages.all, true),
            };
            if list.is_empty() {
                let (what, why) = nothing(messages, part);
                state::empty(ui, what, why);
            }
            if let Some(template) = list_ui(ui, list, is_here) {
                filter = Some(LogFilter::Template {
                    id: template.id,
                    text: template.text.clone(),
                });
            }
        });
        filter
    }

    fn order_ui(&mut self, ctx: &ViewContext<'_>, ui: &mut Ui, key: &LogKey) {
        ui.horizontal_wrapped(|ui| {
            for (order, label) in [
                (TemplateOrder::Frequent, "Frequent"),
                (TemplateOrder::Rare, "Rarest"),
                (TemplateOrder::Log, "In order"),
            ] {
                let help = match order {
                    TemplateOrder::Frequent => "The most frequent message first",
                    TemplateOrder::Rare => "The rarest message first",
                    TemplateOrder::Log => "In the order in which they appear in the log",
                };
                let response = ui.selectable_label(self.messages.order == order, label);
                if response.on_hover_text(help).clicked() {
                    self.messages.order = order;
                }
            }
            let logs = ctx.door.logs();
            let listed = logs.value().map_or(&[][..], |logs| logs.as_slice());
            let button = button::link(ui, "Compare with…")
                .on_hover_text("Which messages does a good run not have?");
            let opens = std::mem::take(&mut self.messages.opens_logs);
            let menu = egui::Popup::menu(&button);
            let menu = if opens {
                menu.open_memory(Some(egui::SetOpenCommand::Bool(true)))
            } else {
                menu
            };
            menu.show(|ui| {
                ui.set_min_width(220.0);
                let others = listed.iter().filter(|log| log.key != *key);
                let mut n_others: u64 = 0;
                for log in others {
                    n_others = n_others.saturating_add(1);
                    let label = format!("{}  ({})", words::file_name(&log.name), log.capture);
                    if ui.selectable_label(false, label).clicked() {
                        self.messages.good = Some(log.key.clone());
                        self.messages.part = Part::OnlyHere;
                        ui.close();
                    }
                }
                if n_others == 0 {
                    text::muted(ui, "There is no other log. Import the log of a good run.");
                }
            });
        });
    }

    /// What came of the comparison; the filter that was chosen.
    fn parts_ui(
        &mut self,
        ui: &mut Ui,
        good: &LogKey,
        (n_here, n_there): (usize, usize),
    ) -> Option<LogFilter> {
        let mut filter = None;
        ui.horizontal_wrapped(|ui| {
            text::small(
                ui,
                format!("compared with {}", words::file_name(&good.name())),
            );
            if button::link(ui, "Stop")
                .on_hover_text("Compare no longer")
                .clicked()
            {
                self.messages.good = None;
                self.messages.part = Part::All;
            }
        });
        ui.horizontal_wrapped(|ui| {
            for (part, label) in [
                (
                    Part::OnlyHere,
                    format!("Only here {}", words::number(n_here as u64)),
                ),
                (
                    Part::OnlyThere,
                    format!("Only there {}", words::number(n_there as u64)),
                ),
                (Part::All, "All".to_owned()),
            ] {
                if ui
                    .selectable_label(self.messages.part == part, label)
                    .clicked()
                {
                    self.messages.part = part;
                }
            }
        });
        if n_here > 0
            && self.messages.part == Part::OnlyHere
            && button::link(ui, "Show only their lines").clicked()
        {
            filter = Some(LogFilter::OnlyHere { good: good.clone() });
        }
        filter
    }
}

/// Why there is nothing in a list.
fn nothing(messages: &LogMessages, part: Part) -> (&'static str, &'static str) {
    match part {
        Part::OnlyHere => (
            "Nothing is only here",
            "The other log has all of these messages.",
        ),
        Part::OnlyThere => (
            "Nothing is only there",
            "This log has all messages of the other one.",
        ),
        Part::All if messages.n_undecoded > 0 => (
            "No messages",
            "Rows that are not decoded do not say theirs. Add the ELF of the build to the symbols.",
        ),
        Part::All => ("No messages", "The log has no line with a text."),
    }
}

/// Draws the messages; the one that was clicked. Those of another log cannot be.
fn list_ui<'a>(ui: &mut Ui, list: &'a [LogTemplate], is_here: bool) -> Option<&'a LogTemplate> {
    let mut clicked = None;
    ui.spacing_mut().item_spacing.y = 0.0;
    egui::ScrollArea::vertical()
        .id_salt("messages")
        .auto_shrink(false)
        .show_rows(ui, size::TALL_ROW, list.len(), |ui, range| {
            for template in list.get(range).unwrap_or(&[]) {
                let response = message_ui(ui, template);
                if is_here && response.clicked() {
                    clicked = Some(template);
                }
            }
        });
    clicked
}

fn message_ui(ui: &mut Ui, template: &LogTemplate) -> egui::Response {
    let count = words::count(template.n_rows, "line", "lines");
    let level = template.level.map_or("", |level| level.name());
    let name = format!("Message {}, {level} {count}", template.text);
    tall_row(ui, false, &name, |row| {
        let width = row.width();
        let mut upper = row.half(true);
        upper.mono(size::M, width - size::M, &template.text);
        let is_cut = upper.is_cut;
        let mut lower = row.half(false);
        let color = match template.level {
            Some(level) => level_color(row.tokens, level),
            None => row.tokens.faint,
        };
        let style = |color, align| CellStyle {
            font: font::small(),
            color,
            align,
        };
        lower.text(size::M, 80.0, level, &style(color, Align::Min));
        let counted = style(row.tokens.muted, Align::Max);
        lower.text(80.0, width - size::M, &count, &counted);
        row.is_cut |= is_cut;
    })
}
