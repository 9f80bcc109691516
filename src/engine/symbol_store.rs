//! Finding an ELF in the symbol library of a workspace, for commands that need no more of it.

use super::context::QueryContext;
use super::index_cache::IndexCache;
use super::workspace::{Workspace, default_path};
use crate::model::build_id::BuildId;
use crate::symbols::symbol_file::SymbolFile;
use std::path::Path;
use std::sync::Arc;

/// How a user names a build.
#[derive(Clone, Debug, Default)]
pub struct BuildChoice {
    /// By software version.
    pub version: Option<String>,
    /// By build id or its beginning, hex.
    pub build_id: Option<String>,
}

/// Why there is no such build.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoSuchBuild(String);

/// The ELF of a build from the workspace, if there is a workspace and the build is in it.
pub fn find_in_workspace(workspace: Option<&Path>, id: &BuildId) -> Option<Arc<SymbolFile>> {
    open(workspace)?.symbol_file(id)
}

/// The ELF files that a user means: a build id, a version, or everything when only one build is there.
pub fn find_for_choice(
    workspace: Option<&Path>,
    choice: &BuildChoice,
) -> Result<Vec<Arc<SymbolFile>>, NoSuchBuild> {
    let none = |what: &str| {
        NoSuchBuild(format!(
            "FS-SYM-003: {what}. Give --elf FILE, or add it with fieldscope symbols add"
        ))
    };
    let context =
        open(workspace).ok_or_else(|| none("there is no workspace to take symbols from"))?;
    let reader = context.reader().map_err(|error| none(&error.to_string()))?;
    let id = if let Some(hex) = &choice.build_id {
        BuildId::from_hex(hex)
            .ok_or_else(|| none(&format!("{hex} is not a build id (at least 8 hex digits)")))?
    } else if let Some(version) = &choice.version {
        let builds = reader.builds().map_err(|error| none(&error.to_string()))?;
        let mut ids: Vec<BuildId> = builds
            .into_iter()
            .filter(|build| build.version.as_ref() == Some(version))
            .filter_map(|build| build.build_id)
            .collect();
        ids.sort();
        ids.dedup();
        match ids.as_slice() {
            [one] => one.clone(),
            [] => {
                return Err(none(&format!(
                    "no build of version {version} is in the workspace"
                )));
            }
            several => {
                let list: Vec<String> = several.iter().map(BuildId::to_string).collect();
                return Err(none(&format!(
                    "version {version} has several builds ({}); name one with --build-id",
                    list.join(", ")
                )));
            }
        }
    } else {
        let (matched, _) = context
            .build_for_text(None, "")
            .map_err(|error| NoSuchBuild(error.to_string()))?;
        return Ok(matched.files);
    };
    let file = context.symbol_file(&id).ok_or_else(|| {
        none(&format!(
            "the ELF of build {id} is not in the symbol library"
        ))
    })?;
    Ok(vec![file])
}

/// The workspace to read from; nothing is created by asking.
fn open(workspace: Option<&Path>) -> Option<QueryContext> {
    let path = workspace.map(Path::to_path_buf).or_else(default_path)?;
    if !path.is_file() {
        return None;
    }
    let opened = Workspace::open_to_read(&path, IndexCache::disabled()).ok()?;
    Some(opened.context())
}
