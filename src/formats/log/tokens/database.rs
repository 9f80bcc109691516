//! Token databases: the section `.pw_tokenizer.entries` of an ELF, CSV, and the binary form (`pw_tokenizer`, "Token
//! databases").
//!
//! | where | layout |
//! |---|---|
//! | ELF section | entries of u32 magic 0xBAA98DEE, u32 token, u32 length of the domain, u32 length of the string, both with their NUL |
//! | CSV | token in hex, date of removal or spaces, optional domain, string; quoted where needed |
//! | binary | `TOKENS\0\0`, u32 count, u32 0, entries of u32 token and u32 date (day, month, year as bytes 0, 1, 2-3; all ones: in use), then the strings, each with its NUL |

use crate::model::log_parts::ElfLogParts;
use std::collections::BTreeMap;

const ENTRY_MAGIC: [u8; 4] = 0xBAA9_8DEE_u32.to_le_bytes();
const BINARY_MAGIC: &[u8] = b"TOKENS\0\0";
const SECTION: &str = ".pw_tokenizer.entries";
/// A database of a firmware has some thousand.
const MOST_ENTRIES: usize = 4_000_000;

/// Strings by their token.
#[derive(Clone, Debug, Default)]
pub struct TokenDatabase {
    by_token: BTreeMap<u32, Vec<Entry>>,
    n_entries: usize,
}

/// One string.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The format string.
    pub(super) text: Box<str>,
    /// The domain that the token is of; empty is the usual one.
    domain: Box<str>,
    /// When it was removed: year, month and day as one number; `None` while it is in use.
    pub(super) removed: Option<u32>,
}

impl TokenDatabase {
    /// The strings of an ELF; `None` when it has none.
    pub fn from_elf(parts: &ElfLogParts) -> Option<Self> {
        let mut database = Self::default();
        for (name, _, bytes) in &parts.sections {
            if name.starts_with(SECTION) {
                database.add_section(bytes);
            }
        }
        (database.n_entries > 0).then_some(database)
    }

    /// A database file, in either form; `None` when it is neither.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut database = Self::default();
        if bytes.starts_with(BINARY_MAGIC) {
            database.add_binary(bytes)?;
        } else {
            database.add_csv(std::str::from_utf8(bytes).ok()?);
        }
        (database.n_entries > 0).then_some(database)
    }

    /// Adds all strings of another database.
    pub fn merge(&mut self, other: &Self) {
        for (token, entries) in &other.by_token {
            for entry in entries {
                self.add(*token, entry.clone());
            }
        }
    }

    /// Number of strings.
    pub fn len(&self) -> usize {
        self.n_entries
    }

    /// True without a string.
    pub fn is_empty(&self) -> bool {
        self.n_entries == 0
    }

    /// The strings with this token, of any domain.
    pub(super) fn entries(&self, token: u32) -> impl Iterator<Item = &Entry> + '_ {
        self.by_token.get(&token).into_iter().flatten()
    }

    /// The string with this token in a domain, if there is only one.
    pub(super) fn only(&self, domain: &str, token: u32) -> Option<&str> {
        let is_space = |c: char| c.is_ascii_whitespace();
        let domain: String = domain.chars().filter(|c| !is_space(*c)).collect();
        let mut found = self.entries(token).filter(|entry| *entry.domain == *domain);
        let first = found.next()?;
        found.next().is_none().then_some(&*first.text)
    }

    fn add(&mut self, token: u32, entry: Entry) {
        if self.n_entries >= MOST_ENTRIES {
            return;
        }
        let entries = self.by_token.entry(token).or_default();
        if !entries.contains(&entry) {
            entries.push(entry);
            self.n_entries = self.n_entries.saturating_add(1);
        }
    }

    /// Entries that are damaged are passed over: the next magic is searched.
    fn add_section(&mut self, bytes: &[u8]) {
        let mut at: usize = 0;
        while let Some(found) = bytes
            .get(at..)
            .and_then(|rest| memchr::memmem::find(rest, &ENTRY_MAGIC))
        {
            let start = at.saturating_add(found);
            at = match section_entry(bytes.get(start..).unwrap_or(&[])) {
                Some((token, entry, len)) => {
                    self.add(token, entry);
                    start.saturating_add(len)
                }
                None => start.saturating_add(1),
            };
        }
    }

    fn add_binary(&mut self, bytes: &[u8]) -> Option<()> {
        let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
        let count = usize::try_from(word(8)?).ok()?.min(bytes.len() / 8);
        let mut strings = bytes.get(count.saturating_mul(8).saturating_add(16)..)?;
        for index in 0..count {
            let at = index.saturating_mul(8).saturating_add(16);
            let (token, date) = (word(at)?, word(at.saturating_add(4))?);
            let Some(end) = memchr::memchr(0, strings) else {
                break;
            };
            let (text, behind) = strings.split_at_checked(end)?;
            strings = behind.get(1..).unwrap_or(&[]);
            let [day, month, low, high] = date.to_le_bytes();
            let year = u32::from(u16::from_le_bytes([low, high]));
            let entry = Entry {
                text: String::from_utf8_lossy(text).into(),
                domain: "".into(),
                removed: (date != u32::MAX)
                    .then(|| date_number(year, u32::from(month), u32::from(day))),
            };
            self.add(token, entry);
        }
        Some(())
    }

    fn add_csv(&mut self, text: &str) {
        for fields in CsvRows(text) {
            let (token, date, domain, string) = match fields.as_slice() {
                [token, date, domain, string] => (token, date, domain.as_str(), string),
                [token, date, string] => (token, date, "", string),
                _ => continue,
            };
            let token = token.trim();
            if token.is_empty() || token.len() > 8 {
                continue;
            }
            let Ok(token) = u32::from_str_radix(token, 16) else {
                continue;
            };
            let entry = Entry {
                text: string.as_str().into(),
                domain: domain
                    .chars()
                    .filter(|c| !c.is_whitespace())
                    .collect::<String>()
                    .into(),
                removed: csv_date(date.trim()),
            };
            self.add(token, entry);
        }
    }
}

fn date_number(year: u32, month: u32, day: u32) -> u32 {
    year.saturating_mul(10_000)
        .saturating_add(month.saturating_mul(100))
        .saturating_add(day)
}

/// `2020-01-31`.
fn csv_date(text: &str) -> Option<u32> {
    let mut parts = text.split('-').map(str::parse::<u32>);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(Ok(year)), Some(Ok(month)), Some(Ok(day)), None) => {
            Some(date_number(year, month, day))
        }
        _ => None,
    }
}

/// Token, string, and how many bytes the entry takes.
fn section_entry(bytes: &[u8]) -> Option<(u32, Entry, usize)> {
    let word = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let token = word(4)?;
    let domain_len = usize::try_from(word(8)?).ok()?;
    let text_len = usize::try_from(word(12)?).ok()?;
    let (domain, behind) = bytes.get(16..)?.split_at_checked(domain_len)?;
    let text = behind.get(..text_len)?;
    let entry = Entry {
        text: without_nul(text),
        domain: without_nul(domain),
        removed: None,
    };
    let len = domain_len.saturating_add(text_len).saturating_add(16);
    Some((token, entry, len))
}

fn without_nul(text: &[u8]) -> Box<str> {
    let end = memchr::memchr(0, text).unwrap_or(text.len());
    String::from_utf8_lossy(text.get(..end).unwrap_or(&[])).into()
}

/// The rows of a CSV text (RFC 4180).
struct CsvRows<'a>(&'a str);

impl Iterator for CsvRows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        if self.0.is_empty() {
            return None;
        }
        let mut fields = vec![String::new()];
        let mut is_quoted = false;
        let mut chars = self.0.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            let Some(field) = fields.last_mut() else {
                break;
            };
            match char {
                '"' if is_quoted && chars.peek().is_some_and(|(_, next)| *next == '"') => {
                    _ = chars.next();
                    field.push('"');
                }
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => fields.push(String::new()),
                '\r' if !is_quoted => {}
                '\n' if !is_quoted => {
                    self.0 = self.0.get(at.saturating_add(1)..).unwrap_or("");
                    return Some(fields);
                }
                other => field.push(other),
            }
        }
        self.0 = "";
        Some(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::{CsvRows, TokenDatabase};
    use crate::model::log_parts::ElfLogParts;

    #[test]
    fn the_rows_of_a_csv_may_hold_quotes_and_line_ends() {
        let rows: Vec<_> = CsvRows("1,\"a \"\"b\"\", c\"\r\n2,\"two\nlines\"\n3").collect();
        assert_eq!(
            rows,
            [vec!["1", "a \"b\", c"], vec!["2", "two\nlines"], vec!["3"]]
        );
    }

    #[test]
    fn damaged_entries_of_a_section_cost_only_themselves() {
        let mut bytes = Vec::new();
        for (token, text) in [(1_u32, "one"), (2, "two"), (3, "three")] {
            bytes.extend(super::ENTRY_MAGIC);
            bytes.extend(token.to_le_bytes());
            bytes.extend(1_u32.to_le_bytes());
            bytes.extend(u32::try_from(text.len() + 1).unwrap().to_le_bytes());
            bytes.push(0);
            bytes.extend(text.as_bytes());
            bytes.push(0);
        }
        let of = |bytes: Vec<u8>| {
            let sections = vec![(".pw_tokenizer.entries".to_owned(), 0, bytes)];
            TokenDatabase::from_elf(&ElfLogParts {
                sections,
                ..ElfLogParts::default()
            })
        };
        let sound = of(bytes.clone()).unwrap();
        assert_eq!(sound.len(), 3);
        assert_eq!(sound.only("", 3), Some("three"));
        // The length of the second string reaches beyond the end.
        bytes[16 + 5 + 12 + 2] = 0xff;
        assert_eq!(of(bytes).unwrap().len(), 2);
        assert!(TokenDatabase::parse(b"TOKENS\0\0\xff\xff\xff\xff").is_none());
        assert!(TokenDatabase::parse(b"\xff\xfe").is_none());
    }
}
