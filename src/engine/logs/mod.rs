//! Logs: opened, indexed, filtered, searched and shown row by row, of any size.
//!
//! The question and answer types of the window and the command line stand in [`view`]; [`filter`] says what a stack of
//! filter chips is.

pub mod addresses;
pub mod dictionaries;
pub mod export;
pub mod filter;
pub mod filter_file;
pub mod follow;
pub mod matcher;
pub mod merge;
pub mod moment;
pub mod offset;
pub mod open_log;
pub mod print;
pub mod query_text;
pub mod recognise;
pub mod row_set;
pub mod rows;
pub mod selection;
pub mod session;
pub mod shown;
pub mod spans;
pub mod start;
pub mod stored;
pub mod tail;
pub mod templates;
pub mod view;
pub mod wall_clock;

use super::examine::is_manifest;
use super::file_bytes::FileBytes;
use super::input::Inputs;
use super::parallel;
use super::separate_debug::{ElfFile, join_split_files};
use super::source_map::SourceMapping;
use crate::formats::archive;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::shapes::facts;
use crate::formats::log::{LOG_FORMATS, LogFormat, by_id, detect};
use crate::formats::scan::looks_like_text;
use crate::model::progress::{Cancelled, Progress};
use dictionaries::{from_files, looks_like_database};
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

/// A log format, for whoever only passes it on.
pub type LogFormatRef = &'static dyn LogFormat;

/// What decodes logs, for whoever only passes it on.
pub type LogDictionariesRef = LogDictionaries;

/// The log format with this id.
pub fn log_format(id: &str) -> Option<LogFormatRef> {
    by_id(id)
}

/// Ids of all log formats.
pub fn log_format_ids() -> Vec<&'static str> {
    LOG_FORMATS.iter().map(|format| format.id()).collect()
}

/// True for a log that says nothing without its dictionary: it is no text, or there are frames among its lines.
pub fn needs_dictionary(log: &[u8]) -> bool {
    let head = log.get(..64 << 10).unwrap_or(log);
    !looks_like_text(log) || detect(head, "", &LogDictionaries::default()).id() != "text"
}

/// True for a file that holds other files.
pub fn is_archive(path: &Path) -> bool {
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(archive::HEAD_BYTES as u64).read_to_end(&mut head))
        .is_ok_and(|_len| archive::Container::of(&head).is_some())
}

/// The logs among the files of an input, by name, and what decodes them.
type LogsAndDictionaries = (Vec<(String, FileBytes)>, LogDictionaries);

/// Finds the logs among files by their content: text, and binary logs that an ELF or a database of the same input describes.
pub fn logs_among(
    inputs: Inputs,
    source_map: &[SourceMapping],
    progress: &dyn Progress,
) -> Result<LogsAndDictionaries, Cancelled> {
    let parsed = parallel::in_order(&inputs.files, progress, |file, _progress| {
        let is_elf = file.bytes.starts_with(b"\x7fELF");
        Ok(is_elf
            .then(|| ElfFile::parse(&file.path, &file.bytes).ok())
            .flatten())
    })?;
    let (mut elfs, mut split_files) = (Vec::new(), Vec::new());
    for file in parsed.into_iter().flatten() {
        match file {
            ElfFile::Linked(file) => elfs.push(Arc::new(*file)),
            ElfFile::Split(file) => split_files.push(Arc::new(*file)),
        }
    }
    join_split_files(&mut elfs, &split_files);
    let (databases, others): (Vec<_>, Vec<_>) = inputs
        .files
        .into_iter()
        .partition(|file| looks_like_database(&file.bytes));
    let databases = databases.iter();
    let databases = databases.map(|file| (file.path.as_str(), &*file.bytes));
    let dictionaries = from_files(&elfs, databases, source_map);
    let is_log = |bytes: &[u8], name: &str| {
        let head = bytes.get(..64 << 10).unwrap_or(bytes);
        let is_decoded = detect(head, name, &dictionaries).id() != "text";
        !bytes.starts_with(b"\x7fELF")
            && (is_decoded || looks_like_text(bytes))
            && !is_manifest(name)
    };
    let logs = others
        .into_iter()
        .filter(|file| is_log(&file.bytes, &file.path))
        .map(|file| (file.path, file.bytes))
        .collect();
    Ok((logs, dictionaries))
}

/// Bytes of a text line before its message.
fn head_len(line: &[u8]) -> usize {
    facts(line).message.start
}
