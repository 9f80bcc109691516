//! An ELF that comes after the crash: what waited for it gets its names; another build's changes nothing.

mod common;

use common::{Place, fixture};
use serde_json::Value;
use std::fs;

const ELF_ID: &str = "8631d12a50f997b81a875cd8f0b1c6ef9bb95b50";
const BROOK_ID: &str = "30736562ef112b4efff1f313eef680cc24b91af5";
const SPLIT_ID: &str = "b159081d8da7da37908f88b2d01c9cf579e29bc1";

fn import(place: &Place, names: &[&str]) -> Value {
    let mut words = vec!["import".to_owned(), "--json".to_owned()];
    words.extend(names.iter().map(|name| fixture(name)));
    place.run(&words).json()
}

fn add(place: &Place, elf: &str) -> Value {
    place.run(&["symbols", "add", elf, "--json"]).json()
}

/// The crashes, each as the cells of some columns.
fn crashes(place: &Place, columns: &[&str]) -> Vec<Vec<Value>> {
    let table = place.run(&["query", "crashes", "--json"]).json();
    let names = table["columns"].as_array().expect("columns");
    let place_of = |column: &&str| names.iter().position(|n| n == column).expect("the column");
    let at: Vec<usize> = columns.iter().map(place_of).collect();
    let rows = table["rows"].as_array().expect("rows");
    rows.iter()
        .map(|row| at.iter().map(|i| row[*i].clone()).collect())
        .collect()
}

fn missing(place: &Place) -> Vec<Value> {
    place.run(&["symbols", "missing", "--json"]).json_lines()
}

#[test]
fn a_crash_without_its_elf_waits_and_gets_its_names_when_the_elf_is_added() {
    let place = Place::new();
    let summary = import(
        &place,
        &["qemu-bare/an386-1.core", "qemu-bare/an386-1.uart"],
    );
    assert_eq!(
        (&summary["n_crashes"], &summary["n_without_symbols"]),
        (&1.into(), &1.into())
    );
    let state = ["symbolized", "verified", "function", "build_id"];
    assert_eq!(
        crashes(&place, &state),
        [[Value::from(false), false.into(), Value::Null, ELF_ID.into()]]
    );
    let waiting = missing(&place);
    assert_eq!(
        (waiting.len(), &waiting[0]["build_id"]),
        (1, &ELF_ID.into())
    );
    let before = crashes(&place, &["fingerprint"]);

    // Another build's ELF is kept and changes nothing.
    let other = add(&place, &fixture("qemu-bare/an385.elf"));
    assert_eq!(other["n_improved"], 0);
    assert_eq!(crashes(&place, &state)[0][0], false);
    assert_eq!(crashes(&place, &["fingerprint"]), before);
    assert_eq!(missing(&place), waiting);

    let right = add(&place, &fixture("qemu-bare/an386.elf"));
    assert_eq!(
        (&right["n_improved"], &right["files"][0]["build_id"]),
        (&1.into(), &ELF_ID.into())
    );
    assert_eq!(
        crashes(&place, &state),
        [[
            Value::from(true),
            true.into(),
            "store".into(),
            ELF_ID.into()
        ]]
    );
    assert!(missing(&place).is_empty());
    assert_ne!(
        crashes(&place, &["fingerprint"]),
        before,
        "a key with names replaces the one without"
    );
    let summary = crashes(&place, &["summary"]).remove(0).remove(0);
    assert_eq!(
        summary,
        "`store` wrote 0xDEADBEEF to 0xF000003B, where nothing is (precise bus fault), main.c:39"
    );

    // Added again, it improves nothing more and is there once.
    assert_eq!(
        add(&place, &fixture("qemu-bare/an386.elf"))["n_improved"],
        0
    );
    assert_eq!(
        place.run(&["symbols", "list", "--json"]).json_lines().len(),
        2
    );
}

#[test]
fn a_folder_of_elf_files_serves_every_crash_that_waits() {
    let place = Place::new();
    let mut names = Vec::new();
    for board in ["an385", "an386", "an505"] {
        for crash in 1..=7 {
            names.push(format!("qemu-bare/{board}-{crash}.core"));
            names.push(format!("qemu-bare/{board}-{crash}.uart"));
        }
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let summary = import(&place, &names);
    assert_eq!(
        (&summary["n_crashes"], &summary["n_without_symbols"]),
        (&21.into(), &21.into())
    );
    let wanted: Vec<u64> = missing(&place)
        .iter()
        .filter_map(|m| m["n_crashes"].as_u64())
        .collect();
    assert_eq!(wanted, [7, 7, 7]);

    fs::create_dir_all(place.path("elves/deeper")).unwrap();
    for (board, to) in [
        ("an385", "a.elf"),
        ("an386", "deeper/b.axf"),
        ("an505", "deeper/c.out"),
    ] {
        fs::copy(
            fixture(&format!("qemu-bare/{board}.elf")),
            place.path("elves").join(to),
        )
        .unwrap();
    }
    fs::write(place.path("elves/readme.txt"), "not an ELF").unwrap();
    let added = add(&place, "elves");
    assert_eq!(
        (
            added["files"].as_array().unwrap().len(),
            &added["n_improved"]
        ),
        (3, &21.into())
    );
    assert!(
        crashes(&place, &["symbolized", "verified"])
            .iter()
            .flatten()
            .all(|cell| cell == true)
    );

    // What was imported with its symbols at once says the same.
    let at_once = Place::new();
    import(&at_once, &["qemu-bare"]);
    let said = ["summary", "fingerprint", "function", "kind"];
    let sorted = |place: &Place| {
        let mut rows: Vec<String> = crashes(place, &said)
            .iter()
            .map(|row| format!("{row:?}"))
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(sorted(&place), sorted(&at_once));
}

#[test]
fn an_elf_that_comes_with_a_later_capture_serves_the_crash_that_waited() {
    let place = Place::new();
    import(
        &place,
        &["qemu-bare/an386-1.core", "qemu-bare/an386-1.uart"],
    );
    import(&place, &["qemu-bare/an386.elf"]);
    assert_eq!(
        crashes(&place, &["symbolized", "function"]),
        [[Value::from(true), "store".into()]]
    );
    assert!(missing(&place).is_empty());
}

#[test]
fn symbols_named_with_the_import_are_used_at_once() {
    let place = Place::new();
    let words = [
        "import".to_owned(),
        fixture("qemu-bare/an386-1.core"),
        fixture("qemu-bare/an386-1.uart"),
        "--symbols".to_owned(),
        fixture("qemu-bare/an386.elf"),
    ];
    assert_eq!(place.run(&words).code, Some(0));
    assert_eq!(crashes(&place, &["function"]), [["store"]]);
}

#[test]
fn an_elf_of_the_workspace_serves_backtrace_and_symbolize() {
    let place = Place::new();
    add(&place, &fixture("qemu-bare/an386.elf"));
    let words = [
        "backtrace".to_owned(),
        fixture("qemu-bare/an386-1.uart"),
        "--json".to_owned(),
    ];
    let answer = place.run(&words);
    assert_eq!(
        (answer.code, &answer.json()["verified"]),
        (Some(0), &true.into())
    );
    assert_eq!(
        place.run(&["symbolize", "212"]).out,
        "0x00000212 store at main.c:39\n"
    );
}

#[test]
fn compressed_debug_sections_are_read_from_end_to_end() {
    let place = Place::new();
    let elf = fs::read(fixture("sample/brook-an386.elf")).unwrap();
    assert!(
        is_compressed(&elf),
        "the fixture is what this test is about"
    );
    import(
        &place,
        &[
            "sample/brook-an386-bad-pointer.core",
            "sample/brook-an386-bad-pointer.uart",
        ],
    );
    assert_eq!(missing(&place)[0]["build_id"], BROOK_ID);
    assert_eq!(
        add(&place, &fixture("sample/brook-an386.elf"))["n_improved"],
        1
    );
    let row = crashes(&place, &["symbolized", "summary"]).remove(0);
    assert_eq!(row[0], true);
    assert!(row[1].as_str().unwrap().contains("main.c:"), "{row:?}");
}

#[test]
fn a_separate_debug_file_is_found_beside_the_elf_and_in_build_id_folders() {
    let hex = SPLIT_ID.split_at(2);
    let build_id_file = format!(".build-id/{}/{}.debug", hex.0, hex.1);
    for debug_at in ["split.debug", ".debug/split.debug", &build_id_file] {
        let place = Place::new();
        let symbols = place.path("symbols");
        let debug = symbols.join(debug_at);
        fs::create_dir_all(debug.parent().unwrap()).unwrap();
        fs::copy(fixture("symbols/split.elf"), symbols.join("split.elf")).unwrap();
        crash_of_split(&place);

        // Alone it has no names at all.
        let elf = symbols.join("split.elf").display().to_string();
        let at = place.run(&["symbolize", "--no-cache", "--elf", &elf, CALL]);
        assert!(at.out.contains("??"), "{at:?}");
        fs::copy(fixture("symbols/split.debug"), &debug).unwrap();
        let at = place.run(&["symbolize", "--elf", &elf, CALL]);
        assert!(at.out.contains("main.c:"), "{debug_at}: {at:?}");

        let words = ["backtrace", "split.log", "--elf", &elf, "--json"];
        let frame = &place.run(&words).json()["threads"][0]["frames"][0];
        assert_eq!(
            (&frame["function"], &frame["file"]),
            (&FUNCTION.into(), &"main.c".into()),
            "{debug_at}"
        );

        place.run(&["import", "split.log"]);
        assert_eq!(crashes(&place, &["symbolized"]), [[Value::from(false)]]);
        // The file, or the folder with both.
        for path in [elf.as_str(), "symbols"] {
            place.run(&["symbols", "add", path]);
            let row = crashes(&place, &["symbolized", "function"]).remove(0);
            assert_eq!(
                row,
                [Value::from(true), FUNCTION.into()],
                "{debug_at}, {path}"
            );
        }
    }
}

#[test]
fn an_elf_and_its_debug_file_in_one_bundle_serve_its_crash() {
    for (elf, debug) in [("a.elf", "b.debug"), ("b.elf", "a.debug")] {
        let place = Place::new();
        fs::create_dir(place.path("bundle")).unwrap();
        crash_of_split(&place);
        fs::copy(fixture("symbols/split.elf"), place.path("bundle").join(elf)).unwrap();
        fs::copy(
            fixture("symbols/split.debug"),
            place.path("bundle").join(debug),
        )
        .unwrap();
        fs::rename(place.path("split.log"), place.path("bundle/split.log")).unwrap();
        let report = place.run(&["backtrace", "bundle", "--json"]).json();
        let frame = &report["threads"][0]["frames"][0];
        assert_eq!(
            (&frame["function"], &frame["file"]),
            (&FUNCTION.into(), &"main.c".into()),
            "{elf}"
        );
        place.run(&["import", "bundle"]);
        assert_eq!(
            crashes(&place, &["symbolized", "function"]),
            [[Value::from(true), FUNCTION.into()]]
        );
    }
}

/// An address in `FUNCTION` of the small firmware.
const CALL: &str = "0x0000001a";
const FUNCTION: &str = "measure";

/// A log with the fault print of a crash in the firmware whose debug file is separate.
fn crash_of_split(place: &Place) {
    let log = format!(
        "*** small boot, build id {SPLIT_ID} ***\n[10] ERR fault: CFSR=00008200 HFSR=40000000 BFAR=f0000000 \
         MMFAR=00000000 EXC_RETURN=fffffff9 SP=20000f00\nPC={} LR=ffffffff R0=f0000000 R1=00000001 R2=00000002 \
         R3=00000003 R12=00000000 xPSR=01000000\n",
        CALL.trim_start_matches("0x")
    );
    fs::write(place.path("split.log"), log).unwrap();
}

fn is_compressed(elf: &[u8]) -> bool {
    use object::{Object as _, ObjectSection as _};
    let file = object::File::parse(elf).unwrap();
    let info = file.section_by_name(".debug_info").unwrap();
    info.compressed_file_range().unwrap().format != object::CompressionFormat::None
}
