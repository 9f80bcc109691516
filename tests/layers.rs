//! The layers of ARCHITECTURE.md, enforced: every `use` and path of `src/` is parsed, and an arrow that is
//! not in [`LAYERS`] is a failure. A new arrow is a reviewed line here.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use syn::visit::Visit;

/// Folder, and the folders it may use (besides itself and the ones that everybody may use).
const LAYERS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("arch", &["model"]),
    ("symbols", &["model"]),
    ("unwind", &["symbols", "arch", "model"]),
    ("store", &["model"]),
    ("formats", &["arch", "model"]),
    ("live", &["model"]),
    ("analysis", &["unwind", "symbols", "arch", "model"]),
    (
        "engine",
        &[
            "analysis", "formats", "live", "store", "unwind", "symbols", "arch", "model",
        ],
    ),
    ("cli", &["engine", "model"]),
    ("ui", &["engine", "model"]),
];

/// Crates with one home: nobody else names them.
const HOMES: &[(&str, &[&str])] = &[
    ("rusqlite", &["store"]),
    ("egui", &["ui"]),
    ("eframe", &["ui"]),
    ("rfd", &["ui"]),
    ("gimli", &["symbols"]),
    ("object", &["symbols"]),
    ("capstone", &["analysis"]),
    ("zip", &["formats"]),
    ("tar", &["formats"]),
    ("parquet", &["formats"]),
    ("snap", &["formats"]),
    ("clap", &["cli"]),
    ("probe_rs", &["live"]),
    ("serialport", &["live"]),
];

struct Paths<'a> {
    names: &'a mut BTreeSet<(bool, String)>,
}

impl Paths<'_> {
    fn add(&mut self, segments: &[String]) {
        match segments {
            [first, second, ..] if first == "crate" || first == "fieldscope" => {
                self.names.insert((true, second.clone()));
            }
            [first, ..] => {
                self.names.insert((false, first.clone()));
            }
            [] => {}
        }
    }

    fn add_tree(&mut self, prefix: &[String], tree: &syn::UseTree) {
        match tree {
            syn::UseTree::Path(path) => {
                let mut prefix = prefix.to_vec();
                prefix.push(path.ident.to_string());
                self.add_tree(&prefix, &path.tree);
            }
            syn::UseTree::Group(group) => {
                group
                    .items
                    .iter()
                    .for_each(|item| self.add_tree(prefix, item));
            }
            syn::UseTree::Name(name) => {
                let mut path = prefix.to_vec();
                path.push(name.ident.to_string());
                self.add(&path);
            }
            syn::UseTree::Rename(rename) => {
                let mut path = prefix.to_vec();
                path.push(rename.ident.to_string());
                self.add(&path);
            }
            syn::UseTree::Glob(_) => self.add(prefix),
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if segments.len() > 1 {
            self.add(&segments);
        }
        syn::visit::visit_path(self, path);
    }
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// What is wrong with one file of `folder`.
fn violations(folder: &str, source: &str) -> Vec<String> {
    let file = syn::parse_file(source).expect("the source parses");
    let mut names = BTreeSet::new();
    Paths { names: &mut names }.visit_file(&file);
    let allowed = LAYERS
        .iter()
        .find(|(name, _)| *name == folder)
        .expect("a known folder")
        .1;
    let mut wrong = Vec::new();
    for (is_ours, name) in names {
        if is_ours {
            let is_layer = LAYERS.iter().any(|(layer, _)| *layer == name);
            if is_layer && name != folder && !allowed.contains(&name.as_str()) {
                wrong.push(format!("{folder} uses {name}"));
            }
        } else if let Some((_, homes)) = HOMES.iter().find(|(krate, _)| *krate == name)
            && !homes.contains(&folder)
        {
            wrong.push(format!("{folder} names the crate {name}"));
        }
    }
    wrong
}

#[test]
fn every_folder_uses_only_the_layers_below_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    let mut n_files = 0;
    for (folder, _) in LAYERS {
        for path in rust_files(&src.join(folder)) {
            n_files += 1;
            let source = std::fs::read_to_string(&path).unwrap();
            wrong.extend(
                violations(folder, &source)
                    .into_iter()
                    .map(|v| format!("{}: {v}", path.display())),
            );
        }
    }
    assert!(n_files > LAYERS.len(), "the folders were found");
    assert!(
        wrong.is_empty(),
        "arrows that are not in LAYERS:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn an_upward_arrow_is_found() {
    assert_eq!(
        violations("symbols", "use crate::engine::Engine;"),
        ["symbols uses engine"]
    );
    assert_eq!(
        violations("model", "fn f() { crate::store::open() }"),
        ["model uses store"]
    );
    assert_eq!(
        violations("cli", "use crate::{model::addr::TargetAddr, ui::run};"),
        ["cli uses ui"]
    );
    assert_eq!(
        violations("engine", "use rusqlite::Connection;"),
        ["engine names the crate rusqlite"]
    );
    assert!(violations("unwind", "use crate::symbols::SymbolSet; use super::walk;").is_empty());
}

#[test]
fn every_folder_of_the_source_has_a_layer() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(src).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(
                LAYERS.iter().any(|(layer, _)| *layer == name),
                "{name} has no line in LAYERS"
            );
        }
    }
}
