//! Logs that are no text, on their whole way: from a file with its database or ELF, from a bundle, and in the workspace, where the
//! ELF may come later. What their rows say is tested where each format is.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::queries::log_list::LogListQuery;
use fieldscope::engine::workspace::Workspace;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A log, the files that decode it, one of the rows, and the folder of the fixtures.
struct Log {
    folder: &'static str,
    name: &'static str,
    format: &'static str,
    /// Options that decode it.
    with: &'static [(&'static str, &'static str)],
    says: &'static str,
    /// What a row says that waits for its dictionary.
    waits: &'static str,
}

const LOGS: [Log; 4] = [
    Log {
        folder: "defmt",
        name: "defmt.bin",
        format: "defmt-rzcobs",
        with: &[("--elf", "defmt-fw.elf")],
        says: "about to fault",
        waits: "add that ELF",
    },
    Log {
        folder: "esp-binary-log",
        name: "plain.bin",
        format: "esp-binary",
        with: &[("--elf", "app.elf")],
        says: "flow 101 ml/s, level 2.11 m",
        waits: "ELF of the application",
    },
    Log {
        folder: "zephyr-dictionary",
        name: "arm.plain.bin",
        format: "zephyr-dict",
        with: &[("--elf", "arm.elf"), ("--database", "arm.json")],
        says: "*** Booting Zephyr OS build v4.0.0 ***",
        waits: "log_dictionary.json",
    },
    Log {
        folder: "zephyr-dictionary",
        name: "arm.plain.hex",
        format: "zephyr-dict-hex",
        with: &[("--elf", "arm.elf"), ("--database", "arm.json")],
        says: "*** Booting Zephyr OS build v4.0.0 ***",
        waits: "log_dictionary.json",
    },
];

impl Log {
    fn path(&self, name: &str) -> PathBuf {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        fixtures.join(self.folder).join(name)
    }
}

fn fieldscope(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .args(arguments)
        .arg("--no-cache")
        .output()
        .unwrap()
}

/// Standard output of a call that ends with this code.
fn said(arguments: &[&str], code: i32) -> String {
    let output = fieldscope(arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A log with an ELF or a database, and the same in a bundle, say the same; without, each row says what it waits for.
#[test]
fn a_file_and_a_bundle_say_the_same() {
    for log in &LOGS {
        let file = log.path(log.name);
        let alone = said(&["logs", text(&file), "--json"], 3);
        assert!(alone.contains(log.waits), "{}: {alone}", log.name);
        assert!(alone.contains(&format!("\"format\":\"{}\"", log.format)));
        said(&["logs", text(&file), "--templates"], 3);
        for (option, with) in log.with {
            let dictionary = log.path(with);
            let of_file = said(&["logs", text(&file), option, text(&dictionary)], 0);
            assert!(of_file.contains(log.says), "{}: {of_file}", log.name);
            let bundle = tempfile::tempdir().unwrap();
            std::fs::copy(&file, bundle.path().join("capture.bin")).unwrap();
            std::fs::copy(&dictionary, bundle.path().join(with)).unwrap();
            let of_bundle = said(&["logs", text(bundle.path())], 0);
            assert!(of_bundle == of_file, "{} with {with}", log.name);
        }
    }
}

/// An imported bundle keeps what decodes its log; a log that came alone is decoded when its ELF is added.
#[test]
fn a_log_of_the_workspace_is_decoded_at_once_or_when_the_elf_comes() {
    for log in &LOGS {
        let file = log.path(log.name);
        for (option, with) in log.with {
            let dictionary = log.path(with);
            let expected = said(&["logs", text(&file), option, text(&dictionary)], 0);
            let folder = tempfile::tempdir().unwrap();
            let workspace = folder.path().join("w.fieldscope");
            let workspace = ["--workspace", text(&workspace)];
            let bundle = folder.path().join("bundle");
            std::fs::create_dir(&bundle).unwrap();
            std::fs::copy(&file, bundle.join(log.name)).unwrap();
            std::fs::copy(&dictionary, bundle.join(with)).unwrap();
            said(&[&["import", text(&bundle)], &workspace[..]].concat(), 0);
            let stored = ["logs", log.name, "--capture", "1"];
            let stored = [&stored, &workspace[..]].concat();
            assert!(said(&stored, 0) == expected, "{} with {with}", log.name);
            // The window lists the log, and nothing else, and decodes it.
            let path = folder.path().join("w.fieldscope");
            let opened = Workspace::open_to_read(&path, IndexCache::disabled()).unwrap();
            let listed = opened.context().run(&LogListQuery).unwrap();
            let names: Vec<&str> = listed.iter().map(|log| log.name.as_str()).collect();
            assert_eq!(names.len(), 1, "{names:?}");
            let session = opened.context().log(&listed[0].key).unwrap();
            assert_eq!(session.summary().n_undecoded, 0, "{}", log.name);
            assert!(session.summary().n_rows > 10);
        }
        let (_, elf) = log.with[0];
        let elf = log.path(elf);
        let expected = said(&["logs", text(&file), "--elf", text(&elf)], 0);
        let folder = tempfile::tempdir().unwrap();
        let workspace = folder.path().join("w.fieldscope");
        let workspace = ["--workspace", text(&workspace)];
        said(&[&["import", text(&file)], &workspace[..]].concat(), 0);
        let stored = ["logs", log.name, "--capture", "1"];
        let stored = [&stored, &workspace[..]].concat();
        let waiting = said(&stored, 3);
        assert!(!waiting.contains(log.says), "{}", log.name);
        said(
            &[&["symbols", "add", text(&elf)], &workspace[..]].concat(),
            0,
        );
        assert!(said(&stored, 0) == expected, "{}", log.name);
    }
}

/// A console of an ESP32 is text with frames of two programs: each is decoded with its own ELF, in a bundle and in the workspace.
#[test]
fn a_boot_loader_and_an_application_each_have_their_elf() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/esp-binary-log");
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    std::fs::create_dir_all(bundle.join("build/bootloader")).unwrap();
    for (name, to) in [
        ("console.bin", "console.log"),
        ("app.elf", "build/app.elf"),
        ("bootloader.elf", "build/bootloader/bootloader.elf"),
    ] {
        std::fs::copy(fixtures.join(name), bundle.join(to)).unwrap();
    }
    let of_bundle = said(&["logs", text(&bundle)], 0);
    let mut from = 0;
    for line in [
        "ESP-ROM:esp32c3-api1-20210207",
        "ESP-IDF v6.0 2nd stage bootloader",
        "pressure -12 kPa is above 4000000000",
        "Guru Meditation Error",
        "Loaded app from partition at offset 0x10000",
    ] {
        let at = of_bundle.get(from..).unwrap().find(line);
        assert!(at.is_some(), "{line} in {of_bundle}");
        from += at.unwrap();
    }
    let workspace = folder.path().join("w.fieldscope");
    let workspace = ["--workspace", text(&workspace)];
    said(&[&["import", text(&bundle)], &workspace[..]].concat(), 0);
    let stored = ["logs", "console.log", "--capture", "1"];
    assert!(said(&[&stored, &workspace[..]].concat(), 0) == of_bundle);
}

/// A large text of the workspace is searched in parts only when its lines are what is shown of them: tokens are decoded first.
#[test]
fn a_text_of_tokens_is_found_by_what_the_tokens_say() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokens");
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("bundle");
    std::fs::create_dir(&bundle).unwrap();
    std::fs::copy(fixtures.join("tokens.csv"), bundle.join("tokens.csv")).unwrap();
    let console = std::fs::read(fixtures.join("console.log")).unwrap();
    let n_times = (17 << 20) / console.len() + 1;
    std::fs::write(bundle.join("console.log"), console.repeat(n_times)).unwrap();
    let workspace = folder.path().join("w.fieldscope");
    let workspace = ["--workspace", text(&workspace)];
    said(&[&["import", text(&bundle)], &workspace[..]].concat(), 0);
    // What Pigweed's detokenizer says of the same lines.
    let expected = std::fs::read_to_string(fixtures.join("console.csv.txt")).unwrap();
    let wanted = "a longer text with spaces";
    let n_expected = expected
        .lines()
        .filter(|line| line.contains(wanted))
        .count()
        * n_times;
    assert!(n_expected > 100);
    let search = [
        "logs",
        "console.log",
        "--capture",
        "1",
        "--count",
        "--fixed",
        wanted,
    ];
    let found = said(&[&search, &workspace[..]].concat(), 0);
    assert_eq!(found.trim(), n_expected.to_string());
}

/// Frames carry no build id: what the dictionary of another build cannot explain is said, and every row is still printed.
#[test]
fn rows_that_another_build_wrote_are_said() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/zephyr-dictionary");
    let (log, other) = (fixtures.join("arm.plain.bin"), fixtures.join("arm-v1.elf"));
    let output = fieldscope(&["logs", text(&log), "--elf", text(&other)]);
    assert_eq!(output.status.code(), Some(0));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains("rows were not decoded with"), "{errors}");
    assert!(errors.contains("arm-v1.elf"), "{errors}");
    let own = fieldscope(&["logs", text(&log), "--elf", text(&fixtures.join("arm.elf"))]);
    assert_eq!(String::from_utf8(own.stderr).unwrap(), "");
}
