//! Which files of an input are logs that are no plain text, and which are the dictionaries of logs.

use super::dictionaries::{from_files, looks_like_database};
use crate::engine::examine::{ExaminedFile, is_manifest};
use crate::formats::log::detect;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;

/// Format of a file that decodes logs.
pub const DICTIONARY: &str = "log-dictionary";
/// So many bytes tell the format of a log.
const HEAD_BYTES: usize = 64 << 10;

/// Gives the files that are logs or dictionaries of logs their format. What a scan found out already stays.
pub fn recognise(files: &mut [ExaminedFile], elfs: &[Arc<SymbolFile>]) {
    for file in files.iter_mut() {
        let is_open = matches!(file.scan.format, "text" | "unknown");
        if is_open && looks_like_database(&file.input.bytes) {
            file.scan.format = DICTIONARY;
            file.scan.n_lines = None;
            file.scan.not_understood.clear();
        }
    }
    // ELF files are looked through only where there is something that they may explain.
    let is_binary = |file: &ExaminedFile| file.scan.format == "unknown";
    let with = if files.iter().any(is_binary) {
        let databases = files.iter().filter(|file| file.scan.format == DICTIONARY);
        let databases = databases.map(|file| (file.input.path.as_str(), &*file.input.bytes));
        from_files(elfs, databases, &[])
    } else {
        LogDictionaries::default()
    };
    let without = LogDictionaries::default();
    for file in files {
        let bytes = &*file.input.bytes;
        let with = match file.scan.format {
            "unknown" => &with,
            // What stands among lines of text is recognised by itself.
            "text" => &without,
            _ => continue,
        };
        if is_manifest(&file.input.path) {
            continue;
        }
        let head = bytes.get(..HEAD_BYTES).unwrap_or(bytes);
        let format = detect(head, &file.input.path, with).id();
        if format != "text" {
            file.scan.format = format;
            file.scan.n_lines = None;
            file.scan.not_understood.clear();
        }
    }
}
