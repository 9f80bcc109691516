//! The form of a kind of link: made of its fields, whatever they are.

use crate::engine::live::choice::LinkChoice;
use crate::engine::live::{Field, FieldKind, LinkError, LinkKind, Settings};
use crate::ui::theme::{font, size, tokens};
use crate::ui::widgets::{field as fields, text};
use egui::Ui;
use std::collections::BTreeMap;

/// Width of a field.
const WIDE: f32 = 300.0;
const NARROW: f32 = 150.0;

/// What stands in the forms, by kind and field.
#[derive(Default)]
pub(super) struct Forms {
    texts: BTreeMap<(&'static str, &'static str), String>,
    /// Somebody tried to connect with it: what is missing is said from then on.
    is_tried: bool,
}

impl Forms {
    /// Fills a form with the settings of a link.
    pub(super) fn fill(&mut self, choice: &LinkChoice) {
        let Some(kind) = choice.known_kind() else {
            return;
        };
        for field in kind.fields() {
            let value = choice.settings.text(field).to_owned();
            self.texts.insert((kind.id(), field.id), value);
        }
        self.is_tried = false;
    }

    /// The link that a form describes, if everything in it may stand there.
    pub(super) fn choice(&mut self, kind: &'static dyn LinkKind) -> Option<LinkChoice> {
        self.is_tried = true;
        let choice = LinkChoice::new(kind, self.settings(kind));
        choice.checked().is_ok().then_some(choice)
    }

    /// Forgets the place of the link that was added, so that another one can be said.
    pub(super) fn clear_required(&mut self, kind: &dyn LinkKind) {
        for field in kind
            .fields()
            .iter()
            .filter(|field| field.default.is_empty())
        {
            self.texts.remove(&(kind.id(), field.id));
        }
        self.is_tried = false;
    }

    fn settings(&self, kind: &dyn LinkKind) -> Settings {
        let mut settings = Settings::default();
        for field in kind.fields() {
            if let Some(text) = self.texts.get(&(kind.id(), field.id)) {
                settings = settings.with(field.id, text.trim());
            }
        }
        settings
    }

    /// Draws the form. `refused` is why the last links could not be opened.
    pub(super) fn ui(
        &mut self,
        ui: &mut Ui,
        kind: &'static dyn LinkKind,
        refused: Option<&LinkError>,
    ) -> Entered {
        let settings = self.settings(kind);
        let mut entered = Entered(false);
        for row in rows(kind.fields(), ui.available_width()) {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing = egui::vec2(size::L, 0.0);
                for field in row {
                    let wrong = self.wrong(field, &settings, refused);
                    let text = self.texts.entry((kind.id(), field.id));
                    let text = text.or_insert_with(|| field.default.to_owned());
                    ui.vertical(|ui| {
                        ui.set_width(width(field));
                        entered.0 |= field_ui(ui, field, text, wrong.as_deref());
                    });
                }
            });
            ui.add_space(size::M);
        }
        entered
    }

    /// What is wrong with what stands in a field; nothing of a field that nobody came to yet.
    fn wrong(
        &self,
        field: &Field,
        settings: &Settings,
        refused: Option<&LinkError>,
    ) -> Option<String> {
        let is_untouched = settings.text(field).trim().is_empty() && !self.is_tried;
        let why = |error: &LinkError| match error {
            LinkError::Setting { field: of, why } if *of == field.id => Some(why.clone()),
            _ => None,
        };
        match settings.checked(field) {
            Err(_) if is_untouched => None,
            Err(error) => why(&error),
            Ok(_) => refused.and_then(why),
        }
    }
}

fn width(field: &Field) -> f32 {
    match field.kind {
        FieldKind::Text => WIDE,
        FieldKind::Number(..) | FieldKind::NumberOr(..) | FieldKind::Choice(_) => NARROW,
    }
}

/// The fields in rows that fit a width; each row has at least one.
fn rows(fields: &[Field], available: f32) -> Vec<Vec<&Field>> {
    let mut rows: Vec<Vec<&Field>> = Vec::new();
    let mut taken = 0.0;
    for field in fields {
        taken += width(field) + size::L;
        match rows.last_mut() {
            Some(row) if taken - size::L <= available => row.push(field),
            _ => {
                rows.push(vec![field]);
                taken = width(field) + size::L;
            }
        }
    }
    rows
}

/// Whether Enter was pressed in a field.
pub(super) struct Entered(pub(super) bool);

/// A field with its name above and its help or what is wrong below; true when Enter was pressed in it.
fn field_ui(ui: &mut Ui, field: &Field, text: &mut String, wrong: Option<&str>) -> bool {
    let (t, width) = (tokens(ui), width(field));
    text::label(ui, field.title, font::strong(), t.text);
    ui.add_space(size::XS);
    let is_entered = match field.kind {
        FieldKind::Choice(choices) => {
            let combo = egui::ComboBox::from_id_salt(field.id)
                .selected_text(text.as_str())
                .width(width)
                .show_ui(ui, |ui| {
                    for choice in choices {
                        ui.selectable_value(text, (*choice).to_owned(), *choice);
                    }
                });
            _ = combo.response.accessible_name(field.title);
            false
        }
        FieldKind::Text | FieldKind::Number(..) | FieldKind::NumberOr(..) => {
            let response = fields::line(ui, text, field.title, "", width);
            response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter))
        }
    };
    ui.add_space(size::XS);
    match wrong {
        Some(why) => text::label(ui, crate::ui::words::sentence(why), font::small(), t.warn),
        None => text::small(ui, field.help),
    };
    is_entered
}
