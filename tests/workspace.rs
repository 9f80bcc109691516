//! What a workspace makes of captures: one crash from several sources, the same bytes once, bundles with and
//! without a manifest.

mod common;

use common::{Place, fixture};
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::workspace::Workspace;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::path::Path;

const ELF_ID: &str = "8631d12a50f997b81a875cd8f0b1c6ef9bb95b50";

fn table(place: &Place, name: &str) -> Vec<serde_json::Map<String, Value>> {
    let table = place.run(&["query", name, "--json"]).json();
    let columns: Vec<String> = serde_json::from_value(table["columns"].clone()).expect("columns");
    let rows: Vec<Vec<Value>> = serde_json::from_value(table["rows"].clone()).expect("rows");
    rows.into_iter()
        .map(|row| columns.iter().cloned().zip(row).collect())
        .collect()
}

/// A zip of some fixtures and one more file.
fn write_zip(path: &Path, fixtures: &[(&str, &str)], extra: &[(&str, &[u8])]) {
    let mut zip = zip::ZipWriter::new(fs::File::create(path).expect("a file"));
    let options = zip::write::SimpleFileOptions::default();
    let files = fixtures
        .iter()
        .map(|(name, from)| (*name, fs::read(fixture(from)).expect("a fixture")));
    for (name, bytes) in files.chain(extra.iter().map(|(name, bytes)| (*name, bytes.to_vec()))) {
        zip.start_file(name, options).expect("an entry");
        zip.write_all(&bytes).expect("its bytes");
    }
    zip.finish().expect("the directory");
}

#[test]
fn a_core_and_the_uart_log_of_one_fault_are_one_crash_with_memory_and_fault_registers() {
    let mut checked = 0;
    for folder in ["qemu-bare", "qemu-freertos", "sample"] {
        for entry in fs::read_dir(fixture(folder)).unwrap() {
            let path = entry.unwrap().path();
            let uart = path.with_extension("uart");
            if path.extension().is_none_or(|e| e != "core") || !uart.exists() {
                continue;
            }
            let place = Place::new();
            let (core, uart) = (path.display().to_string(), uart.display().to_string());
            // In either order.
            let words = ["backtrace", &core, &uart, "--json"];
            let report = place.run(&words).json();
            assert_eq!(report["n_crashes"], 1, "{core}");
            let other_order = place.run(&["backtrace", &uart, &core, "--json"]).json();
            assert_eq!(other_order["n_crashes"], 1, "{core}");
            for key in ["registers", "kind", "address"] {
                assert_eq!(other_order["fault"][key], report["fault"][key], "{core}");
            }
            let alone = place.run(&["backtrace", &core, "--json"]).json();
            assert!(
                report["sources"].as_array().unwrap().len() >= 2,
                "{core}: {}",
                report["sources"]
            );
            assert_eq!(
                report["threads"][0]["frames"][0]["pc"], alone["threads"][0]["frames"][0]["pc"],
                "{core}"
            );
            checked += 1;
        }
    }
    assert!(checked >= 25, "only {checked} pairs");
}

#[test]
fn sources_imported_together_are_one_row_and_keep_every_byte() {
    let place = Place::new();
    let names = [
        "sample/brook-an386-bad-pointer.core.mt",
        "sample/brook-an386-bad-pointer.uart",
        "sample/brook-an386.elf",
    ];
    let mut words = vec!["import".to_owned(), "--json".to_owned()];
    words.extend(names.map(fixture));
    let summary = place.run(&words).json();
    assert_eq!(
        (&summary["n_files"], &summary["n_crashes"]),
        (&3.into(), &1.into())
    );
    let crashes = table(&place, "crashes");
    assert_eq!(crashes.len(), 1);
    assert_eq!(
        (&crashes[0]["verified"], &crashes[0]["kind"]),
        (&true.into(), &"bus_fault".into())
    );
    let size: u64 = names
        .iter()
        .map(|n| fs::metadata(fixture(n)).unwrap().len())
        .sum();
    assert_eq!(table(&place, "captures")[0]["size_bytes"], size);
}

#[test]
fn the_same_bytes_again_are_already_here() {
    let place = Place::new();
    let pair = [
        ("one.core", "qemu-bare/an386-1.core"),
        ("one.uart", "qemu-bare/an386-1.uart"),
    ];
    write_zip(&place.path("bundle.zip"), &pair, &[]);
    fs::create_dir(place.path("folder")).unwrap();
    for (name, from) in pair {
        fs::copy(fixture(from), place.path("folder").join(name)).unwrap();
    }
    fs::copy(fixture("qemu-bare/an386-2.core"), place.path("loose.core")).unwrap();
    for (input, n_captures) in [("bundle.zip", 1), ("loose.core", 2)] {
        let first = place.run(&["import", input, "--json"]).json();
        assert_eq!(first["n_already_here"], 0, "{input}");
        let again = place.run(&["import", input, "--json"]).json();
        assert_eq!(again["n_already_here"], 1, "{input}");
        assert_eq!(again["captures"], first["captures"], "{input}");
        assert!(
            place
                .run(&["import", input])
                .out
                .starts_with("Already here"),
            "{input}"
        );
        assert_eq!(table(&place, "captures").len(), n_captures, "{input}");
    }
    // The same files in a folder instead of an archive, or packed anew: the same capture.
    let folder = place.run(&["import", "folder", "--json"]).json();
    assert_eq!(folder["n_already_here"], 1);
    // With one file more it is another capture, and its crash is the one that was seen before.
    write_zip(
        &place.path("more.zip"),
        &pair,
        &[("notes.txt", b"seen on the bench")],
    );
    let more = place.run(&["import", "more.zip", "--json"]).json();
    assert_eq!(
        (&more["n_already_here"], &more["n_crashes"]),
        (&0.into(), &1.into())
    );
    let crashes = table(&place, "crashes");
    let seen: Vec<&Value> = crashes.iter().map(|crash| &crash["captures"]).collect();
    assert_eq!(seen, [&json!(2), &json!(1)], "{crashes:?}");
    let issues = table(&place, "issues");
    assert!(
        issues.iter().all(|issue| issue["crashes"] == 1),
        "{issues:?}"
    );
}

#[test]
fn bundles_are_read_by_content_and_by_manifest() {
    let files = [
        ("dumps/a.core", "qemu-bare/an386-1.core"),
        ("fw/app.elf", "qemu-bare/an386.elf"),
    ];
    let manifest = json!({
        "schema": "fieldscope.bundle/1",
        "captured_at": "2026-03-01T10:00:00Z",
        "device": {"serial": "SN-0042", "hardware": "rev C"},
        "software": {"type": "main", "version": "1.4.2", "build_id": ELF_ID},
        "files": [{"path": "dumps/a.core", "kind": "coredump"}],
        "notes": "returned by a customer",
        "something_new": {"kept": true},
    })
    .to_string();
    for is_folder in [true, false] {
        for has_manifest in [true, false] {
            let place = Place::new();
            let extra = [("fieldscope.json", manifest.as_bytes())];
            let extra = if has_manifest { &extra[..] } else { &[] };
            let input = if is_folder { "bundle" } else { "bundle.zip" };
            if is_folder {
                for (name, from) in files {
                    let to = place.path("bundle").join(name);
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    fs::copy(fixture(from), to).unwrap();
                }
                for (name, bytes) in extra {
                    fs::write(place.path("bundle").join(name), bytes).unwrap();
                }
            } else {
                write_zip(&place.path(input), &files, extra);
            }
            let answer = place.run(&["backtrace", input, "--json"]);
            let report = answer.json();
            let case = format!("folder {is_folder}, manifest {has_manifest}: {report}");
            // The core names no build: only the manifest does, and nothing is picked by guess.
            assert_eq!(report["verified"], has_manifest, "{case}");
            assert_eq!(
                answer.code,
                Some(if has_manifest { 0 } else { 3 }),
                "{case}"
            );
            let summary = place.run(&["import", input, "--json"]).json();
            assert_eq!(summary["not_understood"], json!([]), "{case}");
            let capture = table(&place, "captures").remove(0);
            let crash = table(&place, "crashes").remove(0);
            let said = [
                &capture["device"],
                &capture["version"],
                &crash["version"],
                &crash["symbolized"],
            ];
            if has_manifest {
                assert_eq!(
                    said,
                    [
                        &json!("SN-0042"),
                        &json!("1.4.2"),
                        &json!("1.4.2"),
                        &json!(true)
                    ],
                    "{case}"
                );
            } else {
                assert_eq!(
                    said,
                    [&Value::Null, &Value::Null, &Value::Null, &json!(false)],
                    "{case}"
                );
            }
        }
    }
}

#[test]
fn a_bad_manifest_is_a_warning_and_the_rest_is_read() {
    for manifest in [
        "",
        "{",
        "[1, 2]",
        "{\"software\": 7, \"device\": []}",
        "\u{feff}{}",
        "{\"schema\": \"other/9\"}",
    ] {
        let place = Place::new();
        let files = [
            ("a.core", "qemu-bare/an386-1.core"),
            ("a.uart", "qemu-bare/an386-1.uart"),
        ];
        write_zip(
            &place.path("b.zip"),
            &files,
            &[("fieldscope.json", manifest.as_bytes())],
        );
        let summary = place.run(&["import", "b.zip", "--json"]).json();
        assert_eq!(
            (&summary["n_crashes"], &summary["n_files"]),
            (&1.into(), &3.into()),
            "{manifest}"
        );
    }
}

#[test]
fn a_cut_off_core_is_imported_for_what_is_left_of_it() {
    let place = Place::new();
    let core = fs::read(fixture("qemu-bare/an386-1.core")).unwrap();
    fs::write(place.path("cut.core"), &core[..core.len() / 2]).unwrap();
    let words = [
        "backtrace".to_owned(),
        "cut.core".to_owned(),
        "--elf".to_owned(),
        fixture("qemu-bare/an386.elf"),
        "--json".to_owned(),
    ];
    let report = place.run(&words).json();
    assert_eq!(report["threads"][0]["frames"][0]["function"], "store");
    let warnings = report["warnings"].as_array().unwrap();
    assert!(
        warnings.iter().any(|w| w["offset"].is_u64()),
        "{warnings:?}"
    );
    assert_eq!(
        place.run(&["import", "cut.core", "--json"]).json()["n_crashes"],
        1
    );
}

#[test]
fn every_crash_of_the_demo_has_names_and_a_cause() {
    let place = Place::new();
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/demo-bundle.zip");
    let answer = place.run(&["import", &demo.display().to_string(), "--json"]);
    assert_eq!(answer.code, Some(0));
    assert_eq!(answer.json()["not_understood"], json!([]));
    let crashes = table(&place, "crashes");
    assert!(crashes.len() >= 8);
    for crash in crashes {
        assert_eq!(
            (&crash["symbolized"], &crash["verified"]),
            (&true.into(), &true.into()),
            "{crash:?}"
        );
        assert_ne!(crash["kind"], "unknown", "{crash:?}");
    }
}

#[test]
fn a_workspace_that_somebody_else_writes_to_is_read_and_not_written_in_words() {
    let place = Place::new();
    let path = place.path("shared.fieldscope");
    let words = [
        "import",
        "--workspace",
        "shared.fieldscope",
        &fixture("qemu-bare/an386-1.uart"),
    ];
    assert_eq!(place.run(&words).code, Some(3));
    let other = Workspace::open(Some(&path), IndexCache::disabled()).unwrap();
    let again = [
        "import",
        "--workspace",
        "shared.fieldscope",
        &fixture("qemu-bare/an386-2.uart"),
    ];
    let refused = place.run(&again);
    assert_eq!(
        (refused.code, refused.out.as_str()),
        (Some(2), ""),
        "{refused:?}"
    );
    assert_eq!(refused.err.lines().count(), 1, "{refused:?}");
    let said = refused.err.to_lowercase();
    assert!(
        said.contains("read") && said.contains("another"),
        "{refused:?}"
    );
    let asked = place
        .run(&[
            "query",
            "crashes",
            "--json",
            "--workspace",
            "shared.fieldscope",
        ])
        .json();
    assert_eq!(asked["rows"].as_array().unwrap().len(), 1);
    drop(other);
    assert_eq!(place.run(&again).code, Some(3));
}

#[test]
fn a_workspace_of_a_newer_version_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let words = [
        "import",
        "--workspace",
        "new.fieldscope",
        &fixture("qemu-bare/an386-1.uart"),
    ];
    place.run(&words);
    let path = place.path("new.fieldscope");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "user_version", 9999)
        .unwrap();
    connection.close().unwrap();
    let before = fs::read(&path).unwrap();
    for words in [
        &words[..],
        &["query", "crashes", "--workspace", "new.fieldscope"],
    ] {
        let answer = place.run(words);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (Some(2), ""),
            "{answer:?}"
        );
        assert!(
            answer.err.contains("newer") && answer.err.lines().count() == 1,
            "{answer:?}"
        );
    }
    assert!(fs::read(&path).unwrap() == before, "the file was touched");
}
