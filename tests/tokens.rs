//! Tokenized text against Pigweed's own detokenizer (`scripts/make-token-fixtures`), with a database in each form.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use fieldscope::formats::log::tokens::{TokenDatabase, detokenize};
use fieldscope::symbols::log_parts::log_parts;
use fieldscope::symbols::symbol_file::SymbolFile;

fn fixture(name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    std::fs::read(format!("{root}/tests/fixtures/tokens/{name}")).unwrap()
}

fn database(name: &str) -> TokenDatabase {
    if name == "elf" {
        let elf = SymbolFile::parse("tokens.elf", fixture("tokens.elf")).unwrap();
        return TokenDatabase::from_elf(&log_parts(&elf)).unwrap();
    }
    TokenDatabase::parse(&fixture(&format!("tokens.{name}"))).unwrap()
}

#[test]
fn every_line_reads_as_pigweed_reads_it() {
    let log = String::from_utf8(fixture("console.log")).unwrap();
    for name in ["csv", "bin", "elf"] {
        let database = database(name);
        let expected = String::from_utf8(fixture(&format!("console.{name}.txt"))).unwrap();
        assert_eq!(log.lines().count(), expected.lines().count());
        let mut n_changed = 0;
        for (line, expected) in log.lines().zip(expected.lines()) {
            let found = detokenize(line, &database).text;
            assert_eq!(found, expected, "{name}: {line}");
            n_changed += usize::from(found != line);
        }
        assert!(n_changed > 100, "{name}: {n_changed}");
    }
}

#[test]
fn no_cut_or_changed_database_panics() {
    for name in ["tokens.csv", "tokens.bin"] {
        let bytes = fixture(name);
        for at in 0..bytes.len() {
            let _cut = TokenDatabase::parse(bytes.get(..at).unwrap());
            for bit in 0..8 {
                let mut changed = bytes.clone();
                *changed.get_mut(at).unwrap() ^= 1 << bit;
                if let Some(database) = TokenDatabase::parse(&changed) {
                    let _text = detokenize("$AAAAAA== $#00000001", &database);
                }
            }
        }
    }
}
