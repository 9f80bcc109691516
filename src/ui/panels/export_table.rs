//! Takes the table behind a chart, or a picture of the screen, out of the window.

use crate::engine::command::Command;
use crate::engine::queries::fleet_tables::FleetArgs;
use crate::engine::queries::tables::TableArgs;
use crate::engine::table_export::{TableExport, WrittenFormat};
use crate::ui::command::UiCommand;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{button, field, text};
use egui::{Id, Ui};
use std::path::PathBuf;

/// A table that a screen shows.
pub(super) struct Source {
    /// On screen: `The band of wifi_rssi_dbm`.
    pub(super) label: String,
    /// Name of the query that prints it.
    pub(super) query: &'static str,
    /// What it is asked.
    pub(super) args: FleetArgs,
}

/// How it is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Format {
    #[default]
    Csv,
    Parquet,
    Png,
}

impl Format {
    const ALL: [Self; 3] = [Self::Csv, Self::Parquet, Self::Png];

    fn label(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Parquet => "Parquet",
            Self::Png => "PNG",
        }
    }

    fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Png => "png",
        }
    }

    /// How a table is written; `None` of a picture.
    fn of_table(self) -> Option<WrittenFormat> {
        match self {
            Self::Csv => Some(WrittenFormat::Csv),
            Self::Parquet => Some(WrittenFormat::Parquet),
            Self::Png => None,
        }
    }
}

/// What is asked before something is written.
#[derive(Clone, Debug, Default)]
struct Asked {
    /// Which of the tables.
    at: usize,
    format: Format,
    /// What is typed into the path field.
    path: String,
    was_without_dialog: bool,
}

/// The export of a screen.
#[derive(Default)]
pub(super) struct Exporter {
    asked: Option<Asked>,
    chosen: Option<PathBuf>,
}

/// How it goes on.
enum Next {
    Stay,
    Close,
    Write(PathBuf),
}

impl Exporter {
    /// Asks what, how and where to.
    pub(super) fn begin(&mut self) {
        self.asked.get_or_insert_with(Asked::default);
    }

    /// The file that was chosen in the desktop's dialog, which asked before it named one that exists.
    pub(super) fn export_to(&mut self, path: PathBuf) {
        self.chosen = Some(path);
    }

    /// Draws the question while it is open.
    pub(super) fn ui(&mut self, ctx: &mut ViewContext<'_>, ui: &Ui, sources: &[Source]) {
        let chosen = self.chosen.take();
        let Some(asked) = &mut self.asked else {
            return;
        };
        let modal = egui::Modal::new(Id::unique("export a table")).show(ui.ctx(), |ui| {
            ui.set_width(460.0);
            asked_ui(ctx, ui, asked, sources)
        });
        let (replaces, is_closed) = (chosen.is_some(), modal.should_close());
        let path = match (chosen, modal.inner) {
            (Some(path), _) | (None, Next::Write(path)) => Some(path),
            (None, Next::Close) => {
                self.asked = None;
                return;
            }
            (None, Next::Stay) => None,
        };
        let Some(path) = path else {
            if is_closed {
                self.asked = None;
            }
            return;
        };
        match (asked.format.of_table(), sources.get(asked.at)) {
            (Some(format), Some(source)) => {
                let export = TableExport {
                    query: source.query,
                    args: TableArgs {
                        fleet: source.args.clone(),
                        ..TableArgs::default()
                    },
                    format,
                    path,
                    replaces,
                };
                ctx.send(Command::ExportTable(Box::new(export)));
            }
            (Some(_), None) => {}
            (None, _) => ctx.ui(UiCommand::SavePicture { path, replaces }),
        }
        self.asked = None;
    }
}

fn asked_ui(ctx: &mut ViewContext<'_>, ui: &mut Ui, asked: &mut Asked, sources: &[Source]) -> Next {
    let mut next = Next::Stay;
    text::title(ui, "Export what is shown");
    ui.add_space(size::S);
    ui.horizontal(|ui| {
        for format in Format::ALL {
            if ui.radio(asked.format == format, format.label()).clicked() {
                asked.format = format;
            }
        }
    });
    ui.add_space(size::S);
    let is_picture = asked.format == Format::Png;
    if is_picture {
        text::small(ui, "The screen as it is, without what lies around it.");
    } else {
        for (at, source) in sources.iter().enumerate() {
            if ui.radio(asked.at == at, &source.label).clicked() {
                asked.at = at;
            }
        }
        if let Some(source) = sources.get(asked.at) {
            let command = format!(
                "The same as fieldscope export {} {}.",
                asked.format.ending(),
                source.query
            );
            text::small(ui, command);
        }
    }
    ui.add_space(size::M);
    let width = ui.available_width();
    let hint = "a path: /tmp/band.csv";
    let field = field::line(ui, &mut asked.path, "Path to export to", hint, width);
    if ctx.no_dialog && !asked.was_without_dialog {
        field.request_focus();
    }
    asked.was_without_dialog = ctx.no_dialog;
    let entered = field.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    if ctx.no_dialog {
        let why = "No file dialog on this desktop: paste a path instead.";
        text::label(ui, why, font::small(), tokens(ui).warn);
    }
    ui.add_space(size::M);
    let wanted = asked.path.trim().trim_matches('"').to_owned();
    let can_write = is_picture || asked.at < sources.len();
    ui.horizontal(|ui| {
        if button::primary(ui, "Choose where…").clicked() && can_write {
            let source = sources.get(asked.at).filter(|_| !is_picture);
            let stem = source.map_or("screen", |source| source.query);
            let name = format!("{stem}.{}", asked.format.ending());
            ctx.ui(UiCommand::ChooseTableFile(name));
        }
        let can_write = can_write && !wanted.is_empty();
        let write = ui
            .add_enabled_ui(can_write, |ui| button::quiet(ui, "Export to the path"))
            .inner;
        if can_write && (write.clicked() || entered) {
            next = Next::Write(PathBuf::from(&wanted));
        }
        if button::quiet(ui, "Close").clicked() {
            next = Next::Close;
        }
    });
    next
}
