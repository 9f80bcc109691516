//! Source paths of an ELF mapped to folders of this computer: kept in the workspace, or given with a command.

use super::context::QueryContext;
use super::query::QueryError;
use crate::model::report::CrashReport;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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

impl SourceMapping {
    /// `file` with the prefix exchanged; `None` when it does not begin with it. A prefix ends between two folders.
    pub fn apply(&self, file: &str) -> Option<String> {
        let rest = file.strip_prefix(&self.from)?;
        let is_separator = |c: char| c == '/' || c == '\\';
        let ends_a_folder =
            rest.is_empty() || rest.starts_with(is_separator) || self.from.ends_with(is_separator);
        if !ends_a_folder {
            return None;
        }
        let to = self.to.trim_end_matches(is_separator);
        let rest = rest.trim_start_matches(is_separator);
        Some(if rest.is_empty() {
            to.to_owned()
        } else {
            format!("{to}/{rest}")
        })
    }
}

impl std::str::FromStr for SourceMapping {
    type Err = String;

    /// `FROM=TO`; the first `=` divides.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('=') {
            Some((from, to)) if !from.is_empty() && !to.is_empty() => Ok(Self {
                from: from.to_owned(),
                to: to.to_owned(),
            }),
            _ => Err(
                "give FROM=TO: the folder as the ELF names it, and the one on this computer"
                    .to_owned(),
            ),
        }
    }
}

/// The path by the first mapping that fits; else as it is.
pub fn mapped<'a>(file: &'a str, mappings: &[SourceMapping]) -> Cow<'a, str> {
    let by_first = mappings.iter().find_map(|mapping| mapping.apply(file));
    by_first.map_or(Cow::Borrowed(file), Cow::Owned)
}

/// The path of something that may have one.
pub fn map_file(file: &mut Option<String>, mappings: &[SourceMapping]) {
    if let Some(path) = file
        && let Cow::Owned(other) = mapped(path, mappings)
    {
        *path = other;
    }
}

/// Maps the source paths of every frame.
pub fn map_report(report: &mut CrashReport, mappings: &[SourceMapping]) {
    let frames = report.threads.iter_mut().flat_map(|t| t.frames.iter_mut());
    for frame in frames {
        map_file(&mut frame.file, mappings);
    }
}

/// All mappings, the one made last first. A list that cannot be read counts as empty.
pub fn read(context: &QueryContext) -> Result<Vec<SourceMapping>, QueryError> {
    let text = context.reader()?.setting(SETTING)?;
    Ok(text
        .and_then(|t| serde_json::from_str(&t).ok())
        .unwrap_or_default())
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

#[cfg(test)]
mod tests {
    use super::{SourceMapping, mapped};

    #[test]
    fn a_prefix_is_exchanged_between_two_folders_only() {
        for (mapping, file, expected) in [
            (
                "/build=/home/me/src",
                "/build/main.c",
                "/home/me/src/main.c",
            ),
            (
                "/build/=/home/me/src/",
                "/build/a/b.c",
                "/home/me/src/a/b.c",
            ),
            ("/build=/home/me", "/builder/main.c", "/builder/main.c"),
            ("C:\\fw=/fw", "C:\\fw\\main.c", "/fw/main.c"),
            ("fw/main.c=main.c", "fw/main.c", "main.c"),
        ] {
            let mapping: SourceMapping = mapping.parse().unwrap();
            assert_eq!(mapped(file, &[mapping]), expected);
        }
        for wrong in ["", "a", "=b", "a="] {
            assert!(wrong.parse::<SourceMapping>().is_err(), "{wrong}");
        }
    }
}
