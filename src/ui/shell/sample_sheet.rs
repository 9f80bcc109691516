//! The sheet before a fleet sample is imported: what it would bring, and what each column is taken as.

use crate::engine::command::{Command, LOOK_AGAIN};
use crate::engine::fleet_import::words::{
    TIME_UNITS, in_time_unit, mapped_by_words, place_words, role_without_unit, role_words,
    roles_of, time_unit_of, unit_words, use_words,
};
use crate::engine::fleet_import::{
    ColumnKind, ColumnMapping, HeldSample, MappedBy, Mapping, Role, SampleColumn, TableReport,
    TableUse,
};
use crate::model::metric::MetricKind;
use crate::ui::context::ViewContext;
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{button, field, text};
use crate::ui::words;
use egui::{Align, ComboBox, Id, Key, Layout, Role as Accessible, ScrollArea, Ui, WidgetInfo};
use std::collections::BTreeMap;

/// Width of the sheet, where the window has it.
const WIDTH: f32 = 920.0;
/// What of the height of the window lies around the list of columns.
const AROUND: f32 = 400.0;
const USES: [TableUse; 3] = [TableUse::Wide, TableUse::Long, TableUse::Events];
/// From so many columns on, they can be searched.
const MANY_COLUMNS: usize = 12;
/// Rows that would be left out, told one by one.
const BAD_ROWS: usize = 2;
/// Greatest height of the menu of what a column is: all of it fits above or below its row.
const MENU: f32 = 320.0;
/// A field in a row.
const FIELD_HEIGHT: f32 = size::CONTROL + 2.0;

/// Where the cells of a row begin, as shares of the width.
const CELLS: [f32; 6] = [0.0, 0.25, 0.43, 0.66, 0.86, 1.0];

/// The sheet, while there is a sample to ask about.
#[derive(Default)]
pub struct SampleSheet {
    /// The sample that it is of.
    sample: Option<u64>,
    /// The one that was answered last: it goes as soon as the engine takes note.
    answered: Option<u64>,
    /// The table that is shown.
    at: usize,
    search: String,
    /// As its tables would have been read, and as a person says, by their paths.
    first: BTreeMap<String, Mapping>,
    now: BTreeMap<String, Mapping>,
}

/// What was decided.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Stay,
    Import,
    CountAgain,
    Leave,
}

impl SampleSheet {
    /// Draws it, if a sample waits.
    pub fn ui(&mut self, view: &mut ViewContext<'_>, ctx: &egui::Context) {
        let held = view.door.held_sample();
        let Some(held) = held.filter(|held| self.answered != Some(held.id)) else {
            return;
        };
        if self.sample != Some(held.id) {
            let tables = held.preflight.tables.iter();
            let mappings: BTreeMap<String, Mapping> = tables
                .map(|table| (table.path.clone(), table.mapping.clone()))
                .collect();
            // Most want to see the heartbeats first.
            let tables = held.preflight.tables.iter().enumerate();
            let largest = tables.max_by_key(|(_, table)| table.n_rows);
            *self = Self {
                sample: Some(held.id),
                at: largest.map_or(0, |(at, _)| at),
                answered: self.answered,
                first: mappings.clone(),
                now: mappings,
                ..Self::default()
            };
        }
        // Enter in a field ends what is typed there, and does not import.
        let is_free = ctx.memory(|memory| memory.focused().is_none());
        let window = ctx.content_rect();
        let modal = egui::Modal::new(Id::unique("import a sample")).show(ctx, |ui| {
            ui.set_width(WIDTH.min(window.width() - 64.0));
            let frame = egui::Frame::new().inner_margin(size::S);
            frame.show(ui, |ui| self.sheet_ui(view, ui, &held)).inner
        });
        // A click beside it must not throw away what was said.
        let is_escaped = modal.should_close() && !modal.backdrop_response.clicked();
        let mut next = modal.inner;
        if is_escaped {
            next = Next::Leave;
        } else if next == Next::Stay
            && is_free
            && self.wrong().is_none()
            && ctx.input(|input| input.key_pressed(Key::Enter))
        {
            next = Next::Import;
        }
        self.carry_out(view, held.id, next);
    }

    fn carry_out(&mut self, view: &mut ViewContext<'_>, sample: u64, next: Next) {
        let chosen = || self.chosen();
        match next {
            Next::Stay => return,
            Next::CountAgain => {
                let chosen = chosen();
                view.send(Command::LookAtSample { sample, chosen });
                return;
            }
            Next::Import => {
                let chosen = chosen();
                view.send(Command::ImportSample { sample, chosen });
            }
            Next::Leave => view.send(Command::LeaveSample { sample }),
        }
        self.answered = Some(sample);
    }

    /// What a person said of tables.
    fn chosen(&self) -> BTreeMap<String, Mapping> {
        let changed = self
            .now
            .iter()
            .filter(|(path, mapping)| self.first.get(*path) != Some(*mapping));
        changed
            .map(|(path, mapping)| (path.clone(), mapping.clone()))
            .collect()
    }

    /// Why it cannot be imported as it is said to be.
    fn wrong(&self) -> Option<String> {
        self.now.iter().find_map(|(path, mapping)| {
            let why = mapping.wrong()?;
            Some(format!("{}: {why}", words::file_name(path)))
        })
    }

    fn sheet_ui(&mut self, view: &mut ViewContext<'_>, ui: &mut Ui, held: &HeldSample) -> Next {
        let preflight = &held.preflight;
        text::small(ui, format!("Import {}?", held.name));
        text::title(ui, preflight.sentence());
        text::muted(ui, detail(held));
        if let Some(when) = &held.imported_at {
            let day = when.split('T').next().unwrap_or(when);
            let again = format!(
                "It was imported on {day} and read in the same way: importing it again changes nothing."
            );
            text::body(ui, again);
        }
        ui.add_space(size::M);
        if preflight.tables.len() > 1 {
            ui.horizontal_wrapped(|ui| {
                for (at, table) in preflight.tables.iter().enumerate() {
                    let label = table_words(table);
                    if ui.selectable_label(self.at == at, label).clicked() {
                        self.at = at;
                        self.search.clear();
                    }
                }
            });
            ui.add_space(size::S);
        }
        let table = preflight.tables.get(self.at).or(preflight.tables.first());
        if let Some(table) = table {
            let columns = held.columns.get(&table.path).map_or(&[][..], Vec::as_slice);
            self.table_ui(ui, table, columns);
        }
        ui.add_space(size::M);
        self.end_ui(view, ui, held)
    }

    fn table_ui(&mut self, ui: &mut Ui, table: &TableReport, columns: &[SampleColumn]) {
        let Some(mapping) = self.now.get_mut(&table.path) else {
            return;
        };
        let first = self.first.get(&table.path);
        let is_changed = first != Some(mapping);
        ui.horizontal(|ui| {
            text::body(ui, "One row is");
            use_ui(ui, mapping, first, columns);
            let said = if is_changed {
                "changed here; kept for tables with the same columns".to_owned()
            } else {
                mapped_by_words(&table.mapped_by)
            };
            text::small(ui, format!("{} · {said}", table.format.name()));
            if let Some(first) = first.filter(|_| is_changed)
                && button::link(ui, "Undo the changes").clicked()
            {
                mapping.clone_from(first);
            }
            if mapping.columns.len() > MANY_COLUMNS {
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let hint = format!("find among {} columns", mapping.columns.len());
                    field::line(ui, &mut self.search, "Find a column", &hint, 190.0);
                });
            }
        });
        ui.add_space(size::S);
        let width = ui.available_width() - size::M;
        let starts = CELLS.map(|share| share * width);
        cells(ui, starts, |ui, at| {
            let heads = ["Column", "First value", "Taken as", "Called", "Unit"];
            text::small(ui, heads.get(at).copied().unwrap_or_default());
        });
        let wanted = self.search.trim().to_lowercase();
        let shown: Vec<usize> = (mapping.columns.iter().enumerate())
            .filter(|(_, column)| column.column.to_lowercase().contains(&wanted))
            .map(|(at, _)| at)
            .collect();
        let height = (ui.ctx().content_rect().height() - AROUND).clamp(90.0, 420.0);
        ScrollArea::vertical()
            .id_salt(("columns", &table.path))
            .max_height(height)
            .auto_shrink([false, true])
            .show_rows(ui, FIELD_HEIGHT, shown.len(), |ui, range| {
                let range = shown.get(range).unwrap_or_default();
                for at in range {
                    if let Some(own) = mapping.columns.get_mut(*at) {
                        let known = columns.iter().find(|column| column.name == own.column);
                        column_ui(ui, starts, mapping.table_use, own, known);
                    }
                }
            });
        ui.add_space(size::S);
        notes_ui(ui, table, is_changed);
    }

    fn end_ui(&self, view: &ViewContext<'_>, ui: &mut Ui, held: &HeldSample) -> Next {
        let tables = held.preflight.tables.iter();
        let is_counted = tables
            .clone()
            .all(|table| self.now.get(&table.path) == Some(&table.mapping));
        let mut jobs = view.door.jobs().into_iter();
        let is_counting = jobs.any(|job| job.outcome.is_none() && job.label == LOOK_AGAIN);
        let wrong = self.wrong();
        if let Some(wrong) = &wrong {
            text::label(ui, wrong.clone(), font::body(), tokens(ui).warn);
            ui.add_space(size::XS);
        } else if !is_counted {
            text::small(
                ui,
                "The numbers above are of the columns as they were read first.",
            );
            ui.add_space(size::XS);
        }
        let mut next = Next::Stay;
        ui.horizontal(|ui| {
            let import = |ui: &mut Ui| button::primary(ui, "Import");
            let import = ui.add_enabled_ui(wrong.is_none(), import).inner;
            if import.on_hover_text("Enter").clicked() {
                next = Next::Import;
            }
            if is_counting {
                text::muted(ui, "Counting again…");
            } else if !is_counted && wrong.is_none() && button::quiet(ui, "Count again").clicked() {
                next = Next::CountAgain;
            }
            let help = "The same for `fieldscope import`: save it as fleet.json beside the tables.";
            let copy = button::quiet(ui, "Copy as fleet.json").on_hover_text(help);
            if copy.clicked() {
                ui.ctx().copy_text(HeldSample::manifest_of(&self.now));
            }
            let leave = button::quiet(ui, "Cancel").on_hover_text("Escape. Nothing is imported.");
            if leave.clicked() {
                next = Next::Leave;
            }
        });
        next
    }
}

/// `hb.parquet · 1,680,000 rows`.
fn table_words(table: &TableReport) -> String {
    let rows = words::count(table.n_rows, "row", "rows");
    format!("{} · {rows}", words::file_name(&table.path))
}

/// Of what it is a sample, and what else there is.
fn detail(held: &HeldSample) -> String {
    let preflight = &held.preflight;
    let mut parts = vec![match preflight.population {
        Some(n) => format!("A sample of {}.", words::count(n, "device", "devices")),
        None => "Population unknown: rates only.".to_owned(),
    }];
    let n_bad: u64 = preflight.tables.iter().map(|table| table.bad_rows.n).sum();
    if n_bad > 0 {
        let rows = words::count(n_bad, "row or value", "rows or values");
        parts.push(format!("{rows} cannot be read and would be left out."));
    }
    for refused in preflight.refused.iter().take(3) {
        let name = words::file_name(&refused.path);
        parts.push(format!("{name} cannot be read: {}.", refused.reason));
    }
    if held.n_other_files > 0 {
        let files = words::count(held.n_other_files as u64, "other file", "other files");
        parts.push(format!("{files} beside the tables become a capture."));
    }
    parts.extend(
        preflight
            .warnings
            .iter()
            .map(|warning| format!("{}.", warning.message)),
    );
    parts.join(" ")
}

fn use_ui(ui: &mut Ui, mapping: &mut Mapping, first: Option<&Mapping>, columns: &[SampleColumn]) {
    let mut chosen = mapping.table_use;
    let combo = ComboBox::from_id_salt("what a row is")
        .selected_text(use_words(chosen))
        .show_ui(ui, |ui| {
            for table_use in USES {
                ui.selectable_value(&mut chosen, table_use, use_words(table_use));
            }
        });
    let name = || WidgetInfo::labeled(Accessible::ComboBox, true, "What a row is");
    combo.response.widget_info(name);
    if chosen == mapping.table_use {
        return;
    }
    *mapping = match first.filter(|first| first.table_use == chosen) {
        Some(first) => first.clone(),
        None => mapping.used_as(chosen, columns),
    };
}

/// A row of cells of which each begins at its place.
fn cells(ui: &mut Ui, starts: [f32; 6], mut cell: impl FnMut(&mut Ui, usize)) {
    let size = egui::vec2(ui.available_width(), FIELD_HEIGHT);
    let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
    for (at, (from, to)) in starts.iter().zip(starts.iter().skip(1)).enumerate() {
        let own = egui::Rect::from_min_max(
            egui::pos2(rect.left() + from, rect.top()),
            egui::pos2(rect.left() + to - size::S, rect.bottom()),
        );
        let layout = Layout::left_to_right(Align::Center);
        let builder = egui::UiBuilder::new()
            .max_rect(own)
            .layout(layout)
            .id_salt(at);
        let mut ui = ui.new_child(builder);
        ui.set_clip_rect(own.intersect(ui.clip_rect()));
        cell(&mut ui, at);
    }
}

fn column_ui(
    ui: &mut Ui,
    starts: [f32; 6],
    table_use: TableUse,
    own: &mut ColumnMapping,
    known: Option<&SampleColumn>,
) {
    let name = own.column.clone();
    ui.push_id(&name, |ui| {
        cells(ui, starts, |ui, at| match at {
            0 => cut_text(ui, &name, true),
            1 => {
                let example = known.and_then(|column| column.example.as_deref());
                cut_text(ui, example.unwrap_or("–"), false);
            }
            2 => role_ui(ui, table_use, own, known),
            3 if matches!(own.role, Role::Metric(_)) => {
                let mut called = own.metric_name().to_owned();
                let label = format!("Name of {name}");
                let width = ui.available_width() - 20.0;
                if field::line(ui, &mut called, &label, "a name", width).changed() {
                    own.name = (called != own.column).then_some(called);
                }
            }
            4 if matches!(own.role, Role::Metric(kind) if kind != MetricKind::Text) => {
                let mut unit = own.unit.clone().unwrap_or_default();
                let label = format!("Unit of {name}");
                let width = ui.available_width() - 20.0;
                if field::line(ui, &mut unit, &label, "none", width).changed() {
                    own.unit = Some(unit).filter(|unit| !unit.trim().is_empty());
                }
            }
            4 if known.is_some_and(|column| !matches!(column.kind, ColumnKind::Time(_))) => {
                time_unit_ui(ui, own);
            }
            _ => {}
        });
    });
}

/// What the numbers of a time or an interval count.
fn time_unit_ui(ui: &mut Ui, own: &mut ColumnMapping) {
    let Some(mut unit) = time_unit_of(own.role) else {
        return;
    };
    let combo = ComboBox::from_id_salt("unit of time")
        .selected_text(unit_words(unit))
        .width(ui.available_width() - 20.0)
        .show_ui(ui, |ui| {
            for other in TIME_UNITS {
                ui.selectable_value(&mut unit, other, unit_words(other));
            }
        });
    let label = format!("Unit of {}", own.column);
    let name = || WidgetInfo::labeled(Accessible::ComboBox, true, &label);
    combo.response.widget_info(name);
    own.role = in_time_unit(own.role, unit);
}

fn cut_text(ui: &mut Ui, words: &str, is_strong: bool) {
    let t = tokens(ui);
    let color = if is_strong { t.text } else { t.muted };
    let words = egui::RichText::new(words)
        .font(font::mono_small())
        .color(color);
    ui.add(egui::Label::new(words).truncate());
}

fn role_ui(
    ui: &mut Ui,
    table_use: TableUse,
    own: &mut ColumnMapping,
    known: Option<&SampleColumn>,
) {
    let Some(known) = known else {
        text::small(ui, role_words(own.role));
        return;
    };
    let before = own.role;
    let combo = ComboBox::from_id_salt("role")
        .selected_text(role_without_unit(before))
        .width(ui.available_width() - size::S)
        .height(MENU)
        .show_ui(ui, |ui| {
            for role in roles_of(table_use, known, before) {
                ui.selectable_value(&mut own.role, role, role_without_unit(role));
            }
        });
    let label = format!("What {} is", own.column);
    let name = || WidgetInfo::labeled(Accessible::ComboBox, true, &label);
    combo.response.widget_info(name);
    if !matches!(own.role, Role::Metric(_)) {
        own.name = None;
        own.unit = None;
    }
}

/// What was assumed, and what would be left out.
fn notes_ui(ui: &mut Ui, table: &TableReport, is_changed: bool) {
    let t = tokens(ui);
    // Notes are of the columns as they were first.
    let notes = table.mapping.notes.iter().filter(|_| !is_changed);
    let warnings = table.warnings.iter().map(|warning| &warning.message);
    for note in notes.chain(warnings).take(3) {
        text::label(ui, note.clone(), font::small(), t.muted);
    }
    let bad = &table.bad_rows;
    for row in bad.first.iter().take(BAD_ROWS) {
        let words = format!("{}: {}", place_words(row), row.what);
        text::label(ui, words, font::small(), t.warn);
    }
    let n_more = bad.n.saturating_sub(BAD_ROWS as u64);
    if n_more > 0 {
        let more = words::number(n_more);
        text::small(
            ui,
            format!("and {more} more: the import report lists the first of them"),
        );
    }
    if table.mapped_by == MappedBy::Manifest && is_changed {
        text::small(ui, "What is said here counts before fleet.json.");
    }
}
