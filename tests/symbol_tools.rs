//! The cache of symbol indexes and the mapping of source paths, as the command line has them.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod common;

use common::{Place, fixture};
use serde_json::Value;
use std::fs;
use std::io::Write as _;
use std::process::Stdio;

const ELF: &str = "qemu-bare/an386.elf";
const ELF_ID: &str = "8631d12a50f997b81a875cd8f0b1c6ef9bb95b50";
const OTHER_ELF: &str = "qemu-bare/an385.elf";
const OTHER_ID: &str = "bfaef1852414bf528c5b681f9b25f05daf34b33d";

fn listing(place: &Place) -> Value {
    place.run(&["symbols", "cache", "list", "--json"]).json()
}

#[test]
fn the_cache_is_filled_listed_and_cleared() {
    let place = Place::new();
    let (elf, other) = (fixture(ELF), fixture(OTHER_ELF));
    let empty = listing(&place);
    assert_eq!(empty["schema"], "fieldscope.symbols.cache/1");
    assert_eq!(empty["folder"], place.path("cache").to_str().unwrap());
    assert_eq!(
        (&empty["cap_bytes"], &empty["size_bytes"]),
        (&(2_u64 << 30).into(), &0.into())
    );

    let added = place.run(&["symbols", "cache", "add", &elf, &other, "--json"]);
    assert_eq!(added.code, Some(0), "{}", added.err);
    let lines: Vec<Value> = added
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for (line, id) in lines.iter().zip([ELF_ID, OTHER_ID]) {
        assert_eq!(line["schema"], "fieldscope.symbols.cache.added/1");
        assert_eq!(
            (&line["build_id"], &line["is_new"]),
            (&id.into(), &true.into())
        );
    }
    let again = place
        .run(&["symbols", "cache", "add", &elf, "--json"])
        .json();
    assert_eq!(again["is_new"], false);
    assert!(
        !place.path("home/data").exists(),
        "no workspace is made for it"
    );

    let list = listing(&place);
    let indexes = list["indexes"].as_array().unwrap();
    assert_eq!(indexes.len(), 2);
    let of = |id: &str| {
        indexes
            .iter()
            .find(|index| index["build_id"] == id)
            .unwrap()
    };
    assert_eq!(of(ELF_ID)["elf"], elf.as_str());
    assert_eq!(of(OTHER_ID)["elf"], other.as_str());
    let on_disk = |index: &Value| {
        let short = index["build_id"].as_str().unwrap()[..8].to_owned();
        let files = fs::read_dir(place.path("cache"))
            .unwrap()
            .map(|entry| entry.unwrap());
        let is_it = |name: String| name.starts_with(&short) && name.ends_with(".fsindex");
        files
            .filter(|file| is_it(file.file_name().into_string().unwrap()))
            .map(|file| file.metadata().unwrap().len())
            .sum::<u64>()
    };
    for index in indexes {
        assert_eq!(index["size_bytes"], on_disk(index));
        let used = humantime::parse_rfc3339(index["last_used"].as_str().unwrap()).unwrap();
        assert!(used.elapsed().unwrap().as_secs() < 600);
    }
    let text = place.run(&["symbols", "cache", "list"]).out;
    assert!(text.contains(ELF_ID) && text.contains(&elf), "{text}");
    assert!(
        text.contains("2 indexes in ") && text.contains("of 2048.0 MB (FIELDSCOPE_CACHE_MB)"),
        "{text}"
    );

    let none = place.run(&["symbols", "cache", "clear", "0123456789abcdef"]);
    assert_eq!((none.code, none.out.as_str()), (Some(2), ""));
    assert!(
        none.err.contains("0123456789abcdef") && none.err.lines().count() == 1,
        "{}",
        none.err
    );
    let cleared = place
        .run(&["symbols", "cache", "clear", &ELF_ID[..10], "--json"])
        .json();
    assert_eq!(cleared["schema"], "fieldscope.symbols.cache.cleared/1");
    assert_eq!(cleared["n_removed"], 1);
    assert_eq!(cleared["freed_bytes"], of(ELF_ID)["size_bytes"]);
    assert_eq!(listing(&place)["indexes"][0]["build_id"], OTHER_ID);
    let rest = place.run(&["symbols", "cache", "clear"]);
    assert!(rest.out.starts_with("1 index removed, "), "{}", rest.out);
    assert_eq!(
        fs::read_dir(place.path("cache")).unwrap().count(),
        0,
        "the notes go with the indexes"
    );
}

#[test]
fn a_wrong_call_of_the_cache_ends_with_2_and_one_line() {
    let place = Place::new();
    let core = fixture("qemu-bare/an386-1.core");
    let elf = fixture(ELF);
    let cases: &[(&[&str], &str)] = &[
        (&["clear", "xyz"], "xyz is not a build id"),
        (&["add"], "<ELF>"),
        (&["add", "gone.elf"], "gone.elf"),
        (&["add", &core], "is a core file"),
        (&["list", "--no-cache"], "--no-cache"),
        (&["add", &elf, "--no-cache"], "--no-cache"),
    ];
    for (words, told) in cases {
        let words = [&["symbols", "cache"], *words].concat();
        let answer = place.run(&words);
        assert_eq!(
            (answer.code, answer.out.as_str()),
            (Some(2), ""),
            "{words:?}"
        );
        assert!(
            answer.err.contains(told) && answer.err.lines().count() == 1,
            "{}",
            answer.err
        );
    }
    // A folder that cannot be made.
    fs::write(place.path("file"), "").unwrap();
    let output = place
        .command()
        .env("FIELDSCOPE_CACHE", place.path("file/cache"))
        .args(["symbols", "cache", "add", &elf])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("could not be kept"));
}

#[test]
fn the_cap_of_the_environment_is_shown_and_kept() {
    let place = Place::new();
    let run = |words: &[&str]| {
        let output = place
            .command()
            .env("FIELDSCOPE_CACHE_MB", "0")
            .args(words)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    run(&["symbols", "cache", "add", &fixture(ELF)]);
    run(&["symbols", "cache", "add", &fixture(OTHER_ELF)]);
    let list: Value = serde_json::from_str(&run(&["symbols", "cache", "list", "--json"])).unwrap();
    assert_eq!(list["cap_bytes"], 0);
    let ids: Vec<&Value> = list["indexes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|index| &index["build_id"])
        .collect();
    assert_eq!(ids, [OTHER_ID], "the fresh one stays");
}

#[test]
fn help_names_what_the_cache_can_do() {
    let place = Place::new();
    let help = place.run(&["symbols", "cache", "--help"]).out;
    for word in ["list", "add", "clear", "FIELDSCOPE_CACHE_MB"] {
        assert!(help.contains(word), "{help}");
    }
    for command in ["symbolize", "query", "backtrace", "logs"] {
        assert!(
            place
                .run(&[command, "--help"])
                .out
                .contains("--source-map <FROM=TO>"),
            "{command}"
        );
    }
    let script = place.run(&["completions", "bash"]).out;
    assert!(script.contains("cache"));
}

#[test]
fn symbolize_maps_source_paths_with_and_without_an_index() {
    let place = Place::new();
    let elf = fixture(ELF);
    let map = |file: &str| format!("{file}=/home/me/src/{file}");
    let address = "0x00000212";
    let plain = place
        .run(&["symbolize", "--elf", &elf, address, "--json", "--no-cache"])
        .json();
    let file = plain["frames"][0]["file"].as_str().unwrap();
    let expected = format!("/home/me/src/{file}");
    // The first call opens the ELF, the second one the index that the first one wrote.
    for _call in 0..2 {
        let words = [
            "symbolize",
            "--elf",
            &elf,
            address,
            "--source-map",
            &map(file),
        ];
        let mapped = place.run(&[&words[..], &["--json"]].concat()).json();
        assert_eq!(mapped["frames"][0]["file"], expected.as_str());
        assert_eq!(mapped["frames"][0]["line"], plain["frames"][0]["line"]);
        let text = place.run(&words).out;
        assert!(text.contains(&format!(" at {expected}:")), "{text}");
    }
    assert_eq!(listing(&place)["indexes"].as_array().unwrap().len(), 1);
    // A text, short and as long as it takes to make an index for it.
    for (n, switch) in [(3, "--no-cache"), (30_000, "--no-cache"), (3, "--json")] {
        let mut child = place
            .command()
            .args([
                "symbolize",
                "--elf",
                &elf,
                switch,
                "--source-map",
                &map(file),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let text = format!("pc={address}\n").repeat(n);
        let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert_eq!(text.lines().count(), n);
        assert!(
            text.lines().all(|line| line.contains(&expected)),
            "{}",
            &text[..200]
        );
    }
    let wrong = place.run(&[
        "symbolize",
        "--elf",
        &elf,
        address,
        "--source-map",
        "nowhere",
    ]);
    assert_eq!((wrong.code, wrong.out.as_str()), (Some(2), ""));
}

#[test]
fn query_maps_source_paths() {
    let place = Place::new();
    let (core, elf) = (fixture("qemu-bare/an386-1.core"), fixture(ELF));
    let uart = fixture("qemu-bare/an386-1.uart");
    place.run(&["import", &core, &uart, "--symbols", &elf, "--json"]);
    let crashes = place.run(&["query", "crashes", "--json"]).json();
    let id = crashes["rows"][0][0].to_string();
    let words = ["query", "variable-diff", "--crash", &id, "--json"];
    let files = |answer: &Value| -> Vec<String> {
        let columns = answer["columns"].as_array().unwrap();
        let column = columns.iter().position(|name| name == "file").unwrap();
        let rows = answer["rows"].as_array().unwrap().iter();
        rows.filter_map(|row| Some(row[column].as_str()?.to_owned()))
            .collect()
    };
    let plain = files(&place.run(&words).json());
    let first = plain.first().expect("a variable that differs");
    let map = format!("{first}=/home/me/src/first.c");
    let mapped = files(
        &place
            .run(&[&words[..], &["--source-map", &map]].concat())
            .json(),
    );
    let expected: Vec<String> = plain
        .iter()
        .map(|file| {
            if file == first {
                "/home/me/src/first.c".to_owned()
            } else {
                file.clone()
            }
        })
        .collect();
    assert_eq!(mapped, expected);
}

#[test]
fn logs_map_the_source_paths_of_defmt() {
    let place = Place::new();
    let (log, elf) = (
        fixture("defmt/cistern-rzcobs.bin"),
        fixture("defmt/cistern-rzcobs.elf"),
    );
    let words = ["logs", &log, "--elf", &elf, "--json", "--head", "1"];
    let plain = place.run(&words).json();
    let file = plain["source_file"].as_str().unwrap();
    let map = format!("{file}=/home/me/main.rs");
    let mapped = place
        .run(&[&words[..], &["--source-map", &map]].concat())
        .json();
    assert_eq!(mapped["source_file"], "/home/me/main.rs");
    assert_eq!(mapped["source_line"], plain["source_line"]);
}
