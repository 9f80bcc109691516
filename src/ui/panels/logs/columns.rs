//! How the list is shown: which columns, how large, wrapped or cut.

use super::Logs;
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size};
use crate::ui::widgets::{button, text};
use egui::Ui;

/// Sizes of text in rows, in points.
const TEXT_SIZES: std::ops::RangeInclusive<f32> = 8.0..=24.0;
/// As designed.
const TEXT_SIZE: f32 = 12.0;
/// A list that is narrower than this has no room for modules and boots.
const WIDE: f32 = 640.0;

/// A column before the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// The log that the row is of, when several are merged.
    Log,
    /// Number of the line in the file.
    Line,
    /// Boot it belongs to.
    Boot,
    /// Time.
    Time,
    /// How serious.
    Level,
    /// Module that wrote it.
    Module,
}

impl Column {
    /// All, in their order on screen.
    pub(super) const ALL: [Self; 6] = [
        Self::Log,
        Self::Line,
        Self::Boot,
        Self::Time,
        Self::Level,
        Self::Module,
    ];

    fn label(self) -> &'static str {
        match self {
            Self::Log => "Log",
            Self::Line => "Line number",
            Self::Boot => "Boot",
            Self::Time => "Time",
            Self::Level => "Level",
            Self::Module => "Module",
        }
    }

    /// Characters it has room for, with the space behind it.
    fn n_chars(self) -> f32 {
        match self {
            Self::Line => 11.0,
            Self::Boot => 5.0,
            Self::Time => 13.5,
            Self::Level => 7.0,
            Self::Log | Self::Module => 16.0,
        }
    }
}

/// How the list is shown.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Look {
    /// Columns that are shown.
    pub(super) columns: Vec<Column>,
    /// Several logs are merged: each row says which it is of.
    pub(super) names_logs: bool,
    /// Long messages go on in further lines.
    pub(super) wraps: bool,
    /// Size of the text in rows.
    pub(super) text_size: f32,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            columns: vec![Column::Time, Column::Level, Column::Module],
            names_logs: false,
            wraps: false,
            text_size: TEXT_SIZE,
        }
    }
}

/// Where each column is, measured from the left edge of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Places {
    /// From and to, with the space behind it.
    pub(super) columns: Vec<(Column, f32, f32)>,
    /// Where the message begins.
    pub(super) message: f32,
}

impl Look {
    /// Height of a row of one line.
    pub(super) fn row_height(&self) -> f32 {
        (self.text_size * 22.0 / TEXT_SIZE).round()
    }

    /// Divides a row of this width.
    pub(super) fn places(&self, ui: &Ui, width: f32) -> Places {
        let zero = ui.painter().layout_no_wrap(
            "0".to_owned(),
            font::log(self.text_size),
            egui::Color32::WHITE,
        );
        let mut places = Places {
            columns: Vec::new(),
            message: GUTTER,
        };
        for column in Column::ALL {
            let is_narrow = width < WIDE && matches!(column, Column::Module | Column::Boot);
            let is_shown = match column {
                Column::Log => self.names_logs,
                _ => self.columns.contains(&column),
            };
            if !is_shown || is_narrow {
                continue;
            }
            let end = places.message + zero.size().x * column.n_chars();
            places.columns.push((column, places.message, end));
            places.message = end;
        }
        places
    }

    pub(super) fn resize(&mut self, by: f32) {
        self.text_size = (self.text_size + by).clamp(*TEXT_SIZES.start(), *TEXT_SIZES.end());
    }
}

/// Room for marks at the left of a row.
pub(super) const GUTTER: f32 = 18.0;

impl Logs {
    /// The menu that changes how the list is shown.
    pub(super) fn view_menu_ui(&mut self, ctx: &mut ViewContext<'_>, ui: &mut Ui) {
        let button = button::quiet(ui, "View")
            .on_hover_text("Columns, wrapping, folding, export, following a file");
        egui::Popup::menu(&button)
            .close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside)
            .show(|ui| {
                ui.set_width(220.0);
                text::small(ui, "columns");
                let choices = Column::ALL.into_iter();
                for column in choices.filter(|column| *column != Column::Log) {
                    let mut is_shown = self.look.columns.contains(&column);
                    if ui.checkbox(&mut is_shown, column.label()).changed() {
                        self.look.columns.retain(|other| *other != column);
                        if is_shown {
                            self.look.columns.push(column);
                        }
                    }
                }
                ui.add_space(size::S);
                text::small(ui, "messages");
                ui.checkbox(&mut self.look.wraps, "Wrap long messages (W)");
                let mut folds = self.stack.folds;
                if ui
                    .checkbox(&mut folds, "Fold repeated messages (Shift+Z)")
                    .changed()
                {
                    ctx.ui(UiCommand::LogFold);
                }
                if ui
                    .checkbox(
                        &mut self.stack.shows_data,
                        "Every line of dumps and hex blocks",
                    )
                    .changed()
                {
                    self.changed();
                }
                ui.add_space(size::S);
                button::command(ui, ctx, &UiCommand::LogExport);
                button::command(ui, ctx, &UiCommand::FollowLogFile);
                ui.add_space(size::S);
                text::small(ui, "size of the text");
                ui.horizontal(|ui| {
                    if button::quiet(ui, "Smaller").clicked() {
                        self.look.resize(-1.0);
                    }
                    text::mono(ui, format!("{:.0}", self.look.text_size));
                    if button::quiet(ui, "Larger").clicked() {
                        self.look.resize(1.0);
                    }
                });
            });
    }
}
