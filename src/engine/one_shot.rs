//! A question to files, without a workspace: what `fieldscope backtrace` asks.

use super::examine::{Examined, examine};
use super::index_cache::IndexCache;
use super::input::{InputError, Inputs};
use super::matching::{Matched, Mismatch};
use super::reports::{Depth, SymbolChoice, report};
use super::separate_debug::join_split_files;
use super::symbol_store::find_in_workspace;
use crate::model::progress::{Cancelled, Progress};
use crate::model::report::CrashReport;
use crate::model::warning::Warning;
use crate::symbols::error::SymbolError;
use crate::symbols::image::Hold;
use crate::symbols::symbol_file::{LoadOptions, SymbolFile};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An opened ELF, for whoever only passes it on.
pub type SymbolFileRef = Arc<SymbolFile>;

/// Files that were left out of an input are named up to this many.
const LEFT_OUT_SHOWN: usize = 8;

/// Examined input, and the symbols for it.
pub struct OneShot {
    examined: Examined,
    choice: SymbolChoice,
    cache: IndexCache,
    used: RefCell<Vec<Arc<SymbolFile>>>,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum OneShotError {
    /// The input cannot be read.
    #[error("{0}")]
    Input(String),
    /// A named symbol file cannot be used.
    #[error(transparent)]
    Symbols(#[from] SymbolError),
    /// A named symbol file is another build's.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// There is no such crash.
    #[error("there is no crash {index}: the input holds {n_crashes}, counted from 0")]
    NoSuchCrash {
        /// The index asked for.
        index: usize,
        /// How many there are.
        n_crashes: usize,
    },
    /// Cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

impl OneShot {
    /// Reads inputs and the named symbol files.
    pub fn open(
        inputs: &[PathBuf],
        mut named: Vec<Arc<SymbolFile>>,
        cache: IndexCache,
        progress: &dyn Progress,
    ) -> Result<Self, OneShotError> {
        let inputs = Inputs::read(inputs, progress).map_err(|error| match error {
            InputError::Cancelled(cancelled) => OneShotError::Cancelled(cancelled),
            InputError::Unreadable { .. } => OneShotError::Input(error.to_string()),
        })?;
        let examined = examine(inputs, progress)?;
        join_split_files(&mut named, &examined.split_files);
        let available = examined.symbol_files.clone();
        Ok(Self {
            examined,
            choice: SymbolChoice { named, available },
            cache,
            used: RefCell::default(),
        })
    }

    /// How many crashes the input holds.
    pub fn n_crashes(&self) -> usize {
        self.examined.crashes.len()
    }

    /// True when every file was read and is of a known kind, so that "no crash" is an answer.
    pub fn is_understood(&self) -> bool {
        let files = &self.examined.files;
        !files.is_empty()
            && self.examined.refused.is_empty()
            && files.iter().all(|file| file.scan.format != "unknown")
    }

    /// What the input held instead of a crash, and what to do.
    pub fn nothing_found(&self) -> String {
        let files = &self.examined.files;
        let names: Vec<String> = files
            .iter()
            .take(3)
            .map(|f| format!("{} ({})", f.input.path, f.scan.format))
            .collect();
        let refused = self
            .examined
            .refused
            .first()
            .map(|r| format!("; {}: {}", r.path, r.reason));
        format!(
            "FS-IN-001: no crash found in {}{}. Give a coredump, a log with a dump or fault print in it, or a bundle",
            if names.is_empty() {
                "an empty input".to_owned()
            } else {
                names.join(", ")
            },
            refused.unwrap_or_default()
        )
    }

    /// The report of one crash. `workspace` is asked for symbols that neither the call nor the input has.
    pub fn report(
        &self,
        index: usize,
        depth: Depth,
        workspace: Option<&Path>,
    ) -> Result<CrashReport, OneShotError> {
        let none = || OneShotError::NoSuchCrash {
            index,
            n_crashes: self.n_crashes(),
        };
        let crash = self.examined.crashes.get(index).ok_or_else(none)?;
        let mut matched = self.choice.for_crash(crash)?;
        if let (true, Some((id, _))) = (matched.files.is_empty(), &crash.build_id)
            && let Some(file) = find_in_workspace(workspace, id)
        {
            matched = Matched {
                files: vec![file],
                verified: true,
                warnings: matched.warnings,
            };
        }
        self.used.borrow_mut().extend(matched.files.iter().cloned());
        let mut report =
            report(&self.examined, index, &matched, &self.cache, depth).ok_or_else(none)?;
        report.warnings.extend(self.left_out());
        Ok(report)
    }

    /// What could not be read of the input: the crash may be explained by it.
    fn left_out(&self) -> Vec<Warning> {
        let refused = &self.examined.refused;
        let mut warnings: Vec<Warning> = refused
            .iter()
            .take(LEFT_OUT_SHOWN)
            .map(|r| Warning::new("FS-IN-004", format!("Not read: {}: {}", r.path, r.reason)))
            .collect();
        if refused.len() > LEFT_OUT_SHOWN {
            let more = refused.len() - LEFT_OUT_SHOWN;
            warnings.push(Warning::new(
                "FS-IN-004",
                format!("Not read: {more} more files. Importing the input lists them."),
            ));
        }
        warnings.extend(self.examined.warnings.iter().cloned());
        warnings
    }

    /// Keeps the indexes of the symbol files that were used, so that the next call is faster.
    pub fn keep_indexes(&self, progress: &dyn Progress) -> Result<(), Cancelled> {
        for file in self.used.borrow().iter() {
            self.cache.keep(file, progress)?;
        }
        Ok(())
    }
}

/// Opens symbol files that a user named.
/// `debug_dirs` are searched for separate debug files, besides the folder of each file.
pub fn open_symbol_files(
    paths: &[PathBuf],
    debug_dirs: &[PathBuf],
) -> Result<Vec<Arc<SymbolFile>>, SymbolError> {
    let options = LoadOptions {
        debug_dirs,
        hold: Hold::Brief,
    };
    paths
        .iter()
        .map(|path| SymbolFile::open(path, &options).map(Arc::new))
        .collect()
}
