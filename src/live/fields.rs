//! What a link has to be told.

use super::LinkError;
use std::collections::BTreeMap;

/// One field of the form of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name in settings and on the command line.
    pub id: &'static str,
    /// Its name in a form.
    pub title: &'static str,
    /// What may stand in it.
    pub kind: FieldKind,
    /// What stands in it at first; empty: it has to be filled in.
    pub default: &'static str,
    /// One sentence.
    pub help: &'static str,
}

/// What may stand in a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// Any text.
    Text,
    /// A whole number from one to another.
    Number(u32, u32),
    /// A whole number from one to another, or this word.
    NumberOr(u32, u32, &'static str),
    /// One of these.
    Choice(&'static [&'static str]),
}

/// What stands in the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings(BTreeMap<&'static str, String>);

impl Settings {
    /// With one more.
    #[must_use]
    pub fn with(mut self, field: &'static str, value: impl Into<String>) -> Self {
        self.0.insert(field, value.into());
        self
    }

    /// What stands in a field, or its default.
    pub fn text<'s>(&'s self, field: &'s Field) -> &'s str {
        self.0.get(field.id).map_or(field.default, String::as_str)
    }

    /// The same, where it may stand there.
    pub fn checked<'s>(&'s self, field: &'s Field) -> Result<&'s str, LinkError> {
        let text = self.text(field).trim();
        let wrong = |why| LinkError::Setting {
            field: field.id,
            why,
        };
        match field.kind {
            _ if text.is_empty() => Err(wrong("it has to be said".to_owned())),
            FieldKind::Choice(choices) if !choices.contains(&text) => {
                Err(wrong(format!("{text} is none of {}", choices.join(", "))))
            }
            FieldKind::NumberOr(_, _, word) if text == word => Ok(text),
            FieldKind::Number(..) | FieldKind::NumberOr(..) => {
                self.number(field).map(|_number| text)
            }
            FieldKind::Text | FieldKind::Choice(_) => Ok(text),
        }
    }

    /// The number in a field.
    pub fn number(&self, field: &Field) -> Result<u32, LinkError> {
        let text = self.text(field).trim();
        let (least, greatest) = match field.kind {
            FieldKind::Number(least, greatest) | FieldKind::NumberOr(least, greatest, _) => {
                (least, greatest)
            }
            FieldKind::Text | FieldKind::Choice(_) => (0, u32::MAX),
        };
        let number = text.parse().ok();
        number
            .filter(|number| (least..=greatest).contains(number))
            .ok_or_else(|| LinkError::Setting {
                field: field.id,
                why: format!("{text} is no whole number from {least} to {greatest}"),
            })
    }
}
