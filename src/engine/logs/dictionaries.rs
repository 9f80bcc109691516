//! Dictionaries of logs, out of ELF files and database files.

use crate::engine::source_map::{SourceMapping, mapped};
use crate::formats::log::defmt::DefmtTable;
use crate::formats::log::dictionaries::LogDictionaries;
use crate::formats::log::esp_binary::EspImage;
use crate::formats::log::sdk::SdkTexts;
use crate::formats::log::tokens::TokenDatabase;
use crate::formats::log::zephyr::ZephyrDatabase;
use crate::formats::sdk::definitions::LOGS_SECTION;
use crate::symbols::log_parts::log_parts;
use crate::symbols::symbol_file::SymbolFile;
use std::sync::Arc;

/// So many bytes at the beginning tell a database from other files.
const DATABASE_HEAD_BYTES: usize = 1 << 20;

/// What these ELF files say of logs. Of several with format strings of defmt the first counts: its ids mean something else
/// in another build.
pub fn from_elfs(files: &[Arc<SymbolFile>]) -> LogDictionaries {
    from_elfs_mapped(files, &[])
}

/// The same, with the source paths of the ELF files shown by the mappings.
pub fn from_elfs_mapped(
    files: &[Arc<SymbolFile>],
    source_map: &[SourceMapping],
) -> LogDictionaries {
    let mut dictionaries = LogDictionaries::default();
    for file in files {
        let mut parts = log_parts(file);
        for place in &mut parts.places {
            place.file = mapped(&place.file, source_map).into_owned();
        }
        let mut is_used = false;
        if dictionaries.defmt.is_none()
            && let Some(table) = DefmtTable::from_elf(&parts)
        {
            dictionaries.defmt = Some(Arc::new(table));
            is_used = true;
        }
        if dictionaries.zephyr.is_none()
            && let Some(database) = ZephyrDatabase::from_elf(&parts)
        {
            dictionaries.zephyr = Some(Arc::new(database));
            is_used = true;
        }
        if let Some(image) = EspImage::from_elf(&parts) {
            let mut all = dictionaries.esp.as_deref().cloned().unwrap_or_default();
            is_used |= all.add(image);
            dictionaries.esp = Some(Arc::new(all));
        }
        if let Some((address, section)) = file.section(LOGS_SECTION) {
            let mut all: SdkTexts = dictionaries.sdk.as_deref().cloned().unwrap_or_default();
            all.add(file.build_id(), address, section);
            dictionaries.sdk = Some(Arc::new(all));
            is_used = true;
        }
        if let Some(database) = TokenDatabase::from_elf(&parts) {
            add_tokens(&mut dictionaries, &database);
            is_used = true;
        }
        if is_used {
            dictionaries.sources.push(file.name().to_owned());
        }
    }
    dictionaries
}

/// What ELF files and database files that came together say of logs.
pub fn from_files<'f>(
    elfs: &[Arc<SymbolFile>],
    databases: impl Iterator<Item = (&'f str, &'f [u8])>,
    source_map: &[SourceMapping],
) -> LogDictionaries {
    let mut dictionaries = from_elfs_mapped(elfs, source_map);
    for (name, bytes) in databases {
        // What looked like one and is none says nothing.
        let _is_one = add_database(&mut dictionaries, name, bytes);
    }
    dictionaries
}

/// True for the beginning of a database file, as far as it can be told from other text: the JSON of Zephyr's build, Pigweed's
/// tokens in both forms.
pub fn looks_like_database(bytes: &[u8]) -> bool {
    let head = bytes.get(..DATABASE_HEAD_BYTES).unwrap_or(bytes);
    let is_json = head.trim_ascii_start().starts_with(b"{")
        && [
            &b"\"log_subsys\""[..],
            b"\"string_mappings\"",
            b"\"kconfigs\"",
        ]
        .iter()
        .any(|key| memchr::memmem::find(head, key).is_some());
    let is_csv = match head.split_at_checked(8) {
        Some((token, rest)) => token.iter().all(u8::is_ascii_hexdigit) && rest.starts_with(b","),
        None => false,
    };
    (is_json && ZephyrDatabase::parse(bytes).is_some())
        || (is_csv || head.starts_with(b"TOKENS\0\0")) && TokenDatabase::parse(bytes).is_some()
}

/// Adds a database file; false when it is none.
pub fn add_database(dictionaries: &mut LogDictionaries, name: &str, bytes: &[u8]) -> bool {
    if let Some(mut database) = ZephyrDatabase::parse(bytes) {
        // It says for sure how messages are laid out; the ELF knows what their time stamps count.
        if let Some(elf) = &dictionaries.zephyr {
            database.complete(elf);
        }
        dictionaries.zephyr = Some(Arc::new(database));
    } else if let Some(database) = TokenDatabase::parse(bytes) {
        add_tokens(dictionaries, &database);
    } else {
        return false;
    }
    dictionaries.sources.push(name.to_owned());
    true
}

fn add_tokens(dictionaries: &mut LogDictionaries, database: &TokenDatabase) {
    let mut all = dictionaries.tokens.as_deref().cloned().unwrap_or_default();
    all.merge(database);
    dictionaries.tokens = Some(Arc::new(all));
}
