//! A link that somebody chose, and the links that were used last in a workspace.

use super::{LinkError, LinkKind, Settings, link_kind};
use crate::engine::context::QueryContext;
use crate::engine::query::QueryError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The setting of the workspace that holds the links that were used last.
const SETTING: &str = "live_links";

/// A link that is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkChoice {
    /// Id of its kind.
    pub kind: String,
    /// What stands in its form.
    pub settings: Settings,
}

/// The same as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    kind: String,
    settings: BTreeMap<String, String>,
}

impl LinkChoice {
    /// A link of a kind.
    pub fn new(kind: &dyn LinkKind, settings: Settings) -> Self {
        Self {
            kind: kind.id().to_owned(),
            settings,
        }
    }

    /// Its kind, if this program knows it.
    pub fn known_kind(&self) -> Option<&'static dyn LinkKind> {
        link_kind(&self.kind)
    }

    /// What it is called: `/dev/ttyUSB0, 115200 baud, 8N1`.
    pub fn title(&self) -> String {
        let kind = self.known_kind();
        kind.map_or_else(|| self.kind.clone(), |kind| kind.describe(&self.settings))
    }

    /// The kind, once everything in the form may stand there.
    pub fn checked(&self) -> Result<&'static dyn LinkKind, LinkError> {
        let kind = self.known_kind().ok_or_else(|| LinkError::NotThere {
            what: self.kind.clone(),
        })?;
        for field in kind.fields() {
            self.settings.checked(field)?;
        }
        Ok(kind)
    }
}

/// The links that were used last. A list that cannot be read counts as empty.
pub fn last_used(context: &QueryContext) -> Result<Vec<LinkChoice>, QueryError> {
    let text = context.reader()?.setting(SETTING)?;
    let kept: Vec<Kept> = text
        .and_then(|text| serde_json::from_str(&text).ok())
        .unwrap_or_default();
    let known = kept.into_iter().filter_map(|kept| {
        let kind = link_kind(&kept.kind)?;
        let mut settings = Settings::default();
        for field in kind.fields() {
            if let Some(value) = kept.settings.get(field.id) {
                settings = settings.with(field.id, value);
            }
        }
        Some(LinkChoice::new(kind, settings))
    });
    Ok(known.collect())
}

/// Keeps the links that are used now.
pub(in crate::engine) fn remember(
    context: &QueryContext,
    links: &[LinkChoice],
) -> Result<(), QueryError> {
    let kept = links.iter().filter_map(|link| {
        let fields = link.known_kind()?.fields().iter();
        let settings = fields.map(|field| {
            let value = link.settings.text(field).to_owned();
            (field.id.to_owned(), value)
        });
        Some(Kept {
            kind: link.kind.clone(),
            settings: settings.collect(),
        })
    });
    let kept: Vec<Kept> = kept.collect();
    let text = serde_json::to_string(&kept)
        .map_err(|error| QueryError::Unanswerable(error.to_string()))?;
    context.store().set_setting(SETTING, &text)?;
    Ok(())
}
