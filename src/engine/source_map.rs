//! Source paths of an ELF mapped to folders of this computer, kept in the workspace.

use super::context::QueryContext;
use super::query::QueryError;
use serde::{Deserialize, Serialize};

/// The setting that holds the list.
const SETTING: &str = "source_map";

/// One mapping.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceMapping {
    /// Prefix as the ELF has it.
    pub from: String,
    /// Folder on this computer.
    pub to: String,
}

/// All mappings, the one made last first. A list that cannot be read counts as empty.
pub fn read(context: &QueryContext) -> Result<Vec<SourceMapping>, QueryError> {
    let text = context.reader()?.setting(SETTING)?;
    Ok(text.and_then(|t| serde_json::from_str(&t).ok()).unwrap_or_default())
}

/// Adds a mapping in front.
pub(super) fn add(context: &QueryContext, mapping: SourceMapping) -> Result<(), QueryError> {
    let mut all = read(context)?;
    all.retain(|old| old.from != mapping.from);
    all.insert(0, mapping);
    let text = serde_json::to_string(&all).map_err(|e| QueryError::Unanswerable(e.to_string()))?;
    context.store().set_setting(SETTING, &text)?;
    Ok(())
}
