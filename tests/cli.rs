//! What scripts rely on: exit codes, one line on standard error, the JSON, the symbol index beside the answer.

mod common;

use common::{Answer, Place, fixture};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

const CORE: &str = "qemu-bare/an386-1.core";
const UART: &str = "qemu-bare/an386-1.uart";
const ELF: &str = "qemu-bare/an386.elf";
const ELF_ID: &str = "8631d12a50f997b81a875cd8f0b1c6ef9bb95b50";
const OTHER_ELF: &str = "qemu-bare/an385.elf";
const OTHER_ID: &str = "bfaef1852414bf528c5b681f9b25f05daf34b33d";

/// An argument: a fixture, or as it stands.
fn arguments(words: &[&str]) -> Vec<String> {
    let is_fixture = |word: &str| word.starts_with("qemu-") || word.starts_with("sample/");
    words
        .iter()
        .map(|word| {
            if is_fixture(word) {
                fixture(word)
            } else {
                (*word).to_owned()
            }
        })
        .collect()
}

fn run(place: &Place, words: &[&str]) -> Answer {
    place.run(&arguments(words))
}

/// Runs with a text on standard input.
fn run_with_input(place: &Place, words: &[&str], input: &[u8]) -> (Option<i32>, Vec<u8>) {
    let mut child = place
        .command()
        .args(arguments(words))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(input).expect("the text is taken");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), output.stdout)
}

#[test]
fn a_wrong_call_or_input_ends_with_2_one_line_on_standard_error_and_nothing_on_standard_output() {
    let place = Place::new();
    fs::write(place.path("noise.bin"), b"\x01\x02\x03 no dump at all").unwrap();
    fs::write(place.path("empty.bin"), b"").unwrap();
    fs::write(place.path("quiet.log"), "[1] INF app: all is well\n").unwrap();
    fs::create_dir(place.path("empty-folder")).unwrap();
    fs::write(
        place.path("newer.fieldscope"),
        b"this is no workspace, it is a letter",
    )
    .unwrap();
    let cases: &[(&[&str], &[&str])] = &[
        (&["backtrace"], &["<INPUT>", "--help"]),
        (
            &["backtrace", "noise.bin", "--fail-on-crash"],
            &["no crash"],
        ),
        (&["backtrace", "quiet.log"], &["no crash", "quiet.log"]),
        (&["backtrace", "gone.core"], &["No such file", "gone.core"]),
        (
            &["backtrace", "noise.bin"],
            &["no crash", "noise.bin", "coredump"],
        ),
        (&["backtrace", "empty.bin"], &["no crash", "empty.bin"]),
        (&["backtrace", "empty-folder"], &["no crash"]),
        (&["backtrace", ELF], &["no crash", "an386.elf"]),
        (
            &["backtrace", CORE, UART, "--elf", OTHER_ELF],
            &[ELF_ID, OTHER_ID],
        ),
        (&["backtrace", CORE, "--elf", "gone.elf"], &["gone.elf"]),
        (
            &["backtrace", CORE, "--elf", "noise.bin"],
            &["noise.bin", "not an ELF"],
        ),
        (&["backtrace", CORE, "--elf", CORE], &["core file"]),
        (&["backtrace", UART, "--crash", "7"], &["7", "1"]),
        (
            &["backtrace", UART, "--crash", "first"],
            &["--crash", "first"],
        ),
        (
            &["backtrace", UART, "--crash", "0", "--all"],
            &["--all", "--crash"],
        ),
        (
            &["symbolize", "--elf", ELF, "0x212", "main"],
            &["main", "address"],
        ),
        (&["symbolize", "--elf", "gone.elf", "0x212"], &["gone.elf"]),
        (&["query", "nonsense"], &["nonsense", "crashes", "captures"]),
        (&["import", "gone.core"], &["gone.core"]),
        (&["import", "empty-folder"], &["empty-folder", "no files"]),
        (&["import"], &["<PATH>"]),
        (
            &["symbols", "add", "noise.bin"],
            &["noise.bin", "not an ELF"],
        ),
        (&["symbols", "add", "gone.elf"], &["gone.elf"]),
        (&["symbols", "add", "empty-folder"], &["no ELF"]),
        (
            &["query", "crashes", "--workspace", "newer.fieldscope"],
            &["newer.fieldscope"],
        ),
        (&["query", "crashes", "--frobnicate"], &["--frobnicate"]),
    ];
    for (words, needles) in cases {
        let answer = run(&place, words);
        assert_eq!(answer.code, Some(2), "{words:?}: {answer:?}");
        assert_eq!(answer.out, "", "{words:?}");
        assert_eq!(answer.err.lines().count(), 1, "{words:?}: {answer:?}");
        assert!(answer.err.starts_with("fieldscope: "), "{answer:?}");
        for needle in *needles {
            assert!(
                answer.err.contains(needle),
                "{words:?}: no {needle} in {answer:?}"
            );
        }
        for code in ["FS-IN-", "FS-SYM-", "FS-WS-"] {
            assert!(
                answer.err.matches(code).count() <= 1,
                "{words:?}: {answer:?}"
            );
        }
    }
}

#[test]
fn exit_codes_say_what_a_script_has_to_know() {
    let place = Place::new();
    fs::write(place.path("quiet.log"), "[1] INF app: all is well\n").unwrap();
    let cases: &[(&[&str], i32)] = &[
        (&["backtrace", CORE, UART, "--elf", ELF], 0),
        (
            &["backtrace", CORE, UART, "--elf", ELF, "--fail-on-crash"],
            1,
        ),
        (&["backtrace", CORE, UART, "--fail-on-crash"], 1),
        (&["backtrace", CORE, UART], 3),
        (&["backtrace", UART, "--markdown"], 3),
        (&["symbolize", "--elf", ELF, "0x40000000"], 0),
        (&["import", "quiet.log", "--fail-on-crash"], 0),
        (&["backtrace", "quiet.log", "--fail-on-crash"], 0),
        (&["import", UART, CORE, ELF, "--fail-on-crash"], 1),
        (&["query", "crashes"], 0),
        (&["symbols", "list"], 0),
        (&["symbols", "missing"], 0),
        (&["--help"], 0),
        (&["--version"], 0),
        (&["backtrace", "--help"], 0),
        (&["completions", "bash"], 0),
        (&["completions", "zsh"], 0),
        (&["completions", "fish"], 0),
    ];
    for (words, code) in cases {
        let answer = run(&place, words);
        assert_eq!(answer.code, Some(*code), "{words:?}: {answer:?}");
        assert_eq!(answer.err, "", "{words:?}");
    }
}

#[test]
fn help_version_and_completions_are_answers_on_standard_output() {
    let place = Place::new();
    let help = run(&place, &["--help"]).out;
    let commands = [
        "backtrace",
        "completions",
        "import",
        "query",
        "screenshot",
        "symbolize",
        "symbols",
    ];
    for command in commands {
        assert!(help.contains(command), "{command} in {help}");
    }
    let version = run(&place, &["--version"]).out;
    assert_eq!(
        version.trim(),
        concat!("fieldscope ", env!("CARGO_PKG_VERSION"))
    );
    assert!(
        run(&place, &["completions", "bash"])
            .out
            .contains("backtrace")
    );
    // The list of commands and the help of each say the same.
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed: Vec<(&str, &str)> = listed
        .map_while(|line| line.trim().split_once("  "))
        .map(|(name, what)| (name, what.trim()))
        .filter(|(name, _)| *name != "help")
        .collect();
    assert!(listed.len() >= commands.len(), "{help}");
    for (command, what) in listed {
        let of_command = run(&place, &[command, "--help"]).out;
        assert!(of_command.starts_with(what), "{command}: {of_command}");
    }
    assert_eq!(run(&place, &["man", "--out", "pages"]).code, Some(0));
    let page = fs::read_to_string(place.path("pages/fieldscope.1")).unwrap();
    for command in commands {
        assert!(
            page.contains(&format!("fieldscope\\-{command}(1)")),
            "{command} in {page}"
        );
        let name = format!("pages/fieldscope-{command}.1");
        assert!(place.path(&name).is_file(), "{name}");
    }
}

#[test]
fn without_symbols_the_partial_result_is_printed_and_the_code_is_3() {
    let place = Place::new();
    let answer = run(&place, &["backtrace", CORE, UART, "--json"]);
    assert_eq!(answer.code, Some(3));
    let report = answer.json();
    assert_eq!(report["build_id"], ELF_ID);
    assert_eq!(report["elf_build_id"], Value::Null);
    assert_eq!(report["fault"]["registers"]["bfar"], "0xf000003b");
    assert_eq!(report["threads"][0]["frames"][0]["pc"], "0x00000212");
    assert_eq!(report["threads"][0]["frames"][0]["function"], Value::Null);
    assert_eq!(report["warnings"][0]["code"], "FS-SYM-002");

    let words = run(&place, &["symbolize", "0x212"]);
    assert_eq!(words.code, Some(3), "{words:?}");
    assert_eq!(words.out, "0x00000212 ??\n");
    assert_eq!(words.err.lines().count(), 1, "{words:?}");
    let (code, out) = run_with_input(&place, &["symbolize"], b"pc 0x00000212 here\n");
    assert_eq!(code, Some(3));
    assert_eq!(String::from_utf8(out).unwrap(), "pc 0x00000212 here\n");
}

#[test]
fn captured_constants_that_differ_from_the_elf_refuse_it() {
    let place = Place::new();
    let elf = fs::read(fixture(ELF)).unwrap();
    let mut code = section(&elf, ".text")[..64].to_vec();
    let same = with_load(&fs::read(fixture(CORE)).unwrap(), 0x124, &code);
    code[9] ^= 0x40;
    let other = with_load(&fs::read(fixture(CORE)).unwrap(), 0x124, &code);
    fs::write(place.path("same.core"), same).unwrap();
    fs::write(place.path("other.core"), other).unwrap();

    let report = run(&place, &["backtrace", "same.core", "--elf", ELF, "--json"]).json();
    assert_eq!(report["verified"], false, "equal bytes are no proof");
    assert_eq!(codes(&report), ["FS-SYM-006"]);
    let answer = run(&place, &["backtrace", "other.core", "--elf", ELF]);
    assert_eq!(
        (answer.code, answer.out.as_str()),
        (Some(2), ""),
        "{answer:?}"
    );
    assert!(
        answer.err.contains("0x0000012d") && answer.err.contains(ELF_ID),
        "{answer:?}"
    );
}

#[test]
fn a_short_build_id_matches_by_prefix_and_says_so() {
    let place = Place::new();
    let log = fs::read_to_string(fixture(UART)).unwrap();
    let short = log.replace(ELF_ID, &ELF_ID[..12]);
    assert_ne!(short, log);
    fs::write(place.path("short.uart"), short).unwrap();
    let report = run(
        &place,
        &["backtrace", "short.uart", CORE, "--elf", ELF, "--json"],
    )
    .json();
    assert_eq!(report["build_id"], ELF_ID[..12]);
    assert_eq!(report["elf_build_id"], ELF_ID);
    assert!(
        codes(&report).contains(&"FS-SYM-007".to_owned()),
        "{report}"
    );
    let refused = run(
        &place,
        &["backtrace", "short.uart", CORE, "--elf", OTHER_ELF],
    );
    assert_eq!(refused.code, Some(2));
}

#[test]
fn several_elf_files_serve_one_call_each_where_its_addresses_are() {
    let place = Place::new();
    let hearth = "sample/hearth-f405.elf";
    let at = symbol(&fs::read(fixture(hearth)).unwrap(), "main");
    let far = format!("0x{at:08x}");
    let both = [
        "symbolize",
        "--elf",
        ELF,
        "--elf",
        hearth,
        "--json",
        "0x212",
        &far,
    ];
    let names: Vec<Value> = run(&place, &both)
        .json_lines()
        .iter()
        .map(|line| line["frames"][0]["function"].clone())
        .collect();
    assert_eq!(names, ["store", "main"]);
    // The main ELF of a crash is the one whose id it names, wherever it stands in the call.
    let report = run(
        &place,
        &[
            "backtrace",
            CORE,
            UART,
            "--elf",
            hearth,
            "--elf",
            ELF,
            "--json",
        ],
    )
    .json();
    assert_eq!(
        (&report["elf_build_id"], &report["verified"]),
        (&Value::from(ELF_ID), &Value::from(true))
    );
}

#[test]
fn the_json_of_a_backtrace_has_every_key_of_the_contract() {
    let place = Place::new();
    let inputs = [
        [
            "qemu-freertos/an386-1.core.mt",
            "qemu-freertos/an386-1.uart",
            "qemu-freertos/an386.elf",
        ],
        [CORE, UART, ELF],
        [
            "sample/brook-an386-cc-timer.uart",
            "sample/brook-an386-cc-timer.core",
            "sample/brook-an386-cc.elf",
        ],
    ];
    for [dump, log, elf] in inputs {
        let report = run(
            &place,
            &["backtrace", dump, log, "--elf", elf, "--locals", "--json"],
        )
        .json();
        check_report(&report);
        assert_eq!(report["n_crashes"], 1, "{dump}");
        assert_eq!(report["fault"]["kind"], "bus_fault", "{dump}");
        // The log of the FreeRTOS firmware names no build.
        assert_eq!(report["verified"], !dump.contains("freertos"), "{dump}");
    }
    // What is missing is null, never 0 or absent.
    check_report(&run(&place, &["backtrace", CORE, "--json"]).json());
}

#[test]
fn all_crashes_are_printed_one_object_a_line() {
    let place = Place::new();
    let lines = run(&place, &["backtrace", "qemu-bare", "--all", "--json"]).json_lines();
    assert_eq!(lines.len(), 21, "seven crashes on three boards");
    for (index, report) in lines.iter().enumerate() {
        check_report(report);
        assert_eq!(
            (&report["crash_index"], &report["n_crashes"]),
            (&index.into(), &21.into())
        );
    }
    let third = run(
        &place,
        &["backtrace", "qemu-bare", "--crash", "3", "--json"],
    )
    .json();
    assert_eq!(third, lines[3]);
    let text = run(&place, &["backtrace", "qemu-bare"]).out;
    assert!(text.contains("20 more in this input: --all"), "{text}");
}

#[test]
fn the_text_of_a_backtrace_is_as_it_was() {
    let place = Place::new();
    fs::copy(fixture(ELF), place.path("an386.elf")).unwrap();
    let words = ["backtrace", CORE, UART, "--elf", "an386.elf", "--locals"];
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/backtrace-an386-1.txt");
    let now = run(&place, &words).out;
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        fs::write(&kept, &now).unwrap();
    }
    assert_eq!(
        now,
        fs::read_to_string(kept).unwrap(),
        "UPDATE_SNAPSHOTS=1 takes the new one"
    );
}

#[test]
fn source_paths_are_mapped_as_asked() {
    let place = Place::new();
    let words = ["backtrace", CORE, "--elf", ELF, "--json"];
    let plain: Value = serde_json::from_str(&run(&place, &words).out).unwrap();
    let file = plain["threads"][0]["frames"][0]["file"].as_str().unwrap();
    let mapping = format!("{file}=/home/me/src/main.c");
    let mapped = [&words[..], &["--source-map", &mapping]].concat();
    let mapped: Value = serde_json::from_str(&run(&place, &mapped).out).unwrap();
    assert_eq!(
        mapped["threads"][0]["frames"][0]["file"],
        "/home/me/src/main.c"
    );
    let wrong = [&words[..], &["--source-map", "nowhere"]].concat();
    assert_eq!(run(&place, &wrong).code, Some(2));
}

#[test]
fn markdown_is_for_a_ticket() {
    let place = Place::new();
    let words = ["backtrace", CORE, UART, "--elf", ELF, "--markdown"];
    let text = run(&place, &words).out;
    let first = text.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("**`store` wrote 0xDEADBEEF") && first.ends_with("**"),
        "{text}"
    );
    for part in [
        "\n- CFSR",
        "\n```\nThread ",
        "#0  0x00000212 store(",
        "\nFingerprint `v1:",
    ] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
}

#[test]
fn the_second_call_uses_the_index_that_the_first_one_wrote() {
    let place = Place::new();
    let words = ["backtrace", CORE, UART, "--elf", ELF, "--locals", "--json"];
    let without = run(&place, &[&words[..], &["--no-cache"]].concat());
    assert!(!place.path("cache").exists(), "--no-cache writes nothing");
    let first = run(&place, &words);
    let kept = fs::read_dir(place.path("cache")).unwrap();
    let kept = kept.map(|entry| entry.unwrap().path());
    let mut kept = kept.filter(|path| path.extension().is_some_and(|e| e == "fsindex"));
    let index = kept.next().unwrap();
    assert!(kept.next().is_none(), "one index for one ELF");
    let written = fs::metadata(&index).unwrap().modified().unwrap();
    let second = run(&place, &words);
    assert_eq!(first.out, without.out);
    assert_eq!(second.out, first.out);
    assert_eq!(
        fs::metadata(&index).unwrap().modified().unwrap(),
        written,
        "a good index stays"
    );

    let good = fs::read(&index).unwrap();
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    for broken in [
        b"".to_vec(),
        b"not an index".to_vec(),
        good[..good.len() / 2].to_vec(),
        flipped,
    ] {
        fs::write(&index, &broken).unwrap();
        let answer = run(&place, &words);
        assert_eq!(answer.code, Some(0), "{answer:?}");
        assert_eq!(answer.out, first.out, "an index of {} bytes", broken.len());
        assert_eq!(
            fs::read(&index).unwrap(),
            good,
            "a broken index is written again"
        );
    }
    // A cache that cannot be written costs time, not the answer.
    fs::remove_dir_all(place.path("cache")).unwrap();
    fs::write(place.path("cache"), b"a file where the folder should be").unwrap();
    assert_eq!(run(&place, &words).out, first.out);
}

#[test]
fn symbolize_prints_a_line_an_address_with_inlines() {
    let place = Place::new();
    let words = [
        "symbolize",
        "--elf",
        ELF,
        "--json",
        "0x212",
        "213",
        "0x40000000",
    ];
    let lines = run(&place, &words).json_lines();
    assert_eq!(lines.len(), 3);
    for line in &lines {
        assert_eq!(line["schema"], "fieldscope.symbol/1");
        check_address(&line["address"]);
        for frame in line["frames"].as_array().expect("frames") {
            check_keys(
                frame,
                &["function", "qualified", "file", "line", "column", "inlined"],
            );
        }
    }
    assert_eq!(lines[0]["address"], "0x00000212");
    assert_eq!(lines[0]["frames"][0]["function"], "store");
    assert_eq!(
        lines[0]["frames"], lines[1]["frames"],
        "the Thumb bit names the same instruction"
    );
    assert_eq!(lines[2]["frames"], Value::Array(Vec::new()));
}

#[test]
fn symbolize_keeps_the_text_around_the_addresses() {
    let place = Place::new();
    let text = b"\x1b[31mE (12) panic: PC=00000212 LR=0x0000023f\x1b[0m\r\nR0=20001fb8 \xff\xfe raw\nlast 0x00000212";
    let (code, out) = run_with_input(&place, &["symbolize", "--elf", ELF, "-"], text);
    assert_eq!(code, Some(0));
    let expected: &[u8] = b"\x1b[31mE (12) panic: PC=00000212 (store at main.c:39) LR=0x0000023f (parse_packet at main.c:40)\x1b[0m\r\nR0=20001fb8 \xff\xfe raw\nlast 0x00000212 (store at main.c:39)";
    assert_eq!(
        String::from_utf8_lossy(&out),
        String::from_utf8_lossy(expected)
    );
    assert_eq!(out, expected);
    let (_, lines) = run_with_input(&place, &["symbolize", "--elf", ELF, "--json"], text);
    assert_eq!(String::from_utf8(lines).unwrap().lines().count(), 3);
}

#[test]
fn symbolize_reads_the_64_bit_elf_of_this_very_test() {
    let place = Place::new();
    let program = std::env::current_exe().unwrap();
    let bytes = fs::read(&program).unwrap();
    let function = "the_64_bit_function_that_is_looked_up";
    std::hint::black_box(the_64_bit_function_that_is_looked_up(3));
    let at = symbol_holding(&bytes, function);
    let words = [
        "symbolize".into(),
        "--no-cache".into(),
        "--json".into(),
        "--elf".into(),
    ];
    let mut words: Vec<String> = words.to_vec();
    words.push(program.display().to_string());
    words.push(format!("0x{at:x}"));
    let line = place.run(&words).json();
    let frame = &line["frames"].as_array().unwrap().last().cloned().unwrap();
    let qualified = frame["qualified"].as_str().unwrap();
    assert!(qualified.ends_with(function), "{line}");
    assert!(
        frame["file"].as_str().unwrap().ends_with("cli.rs"),
        "{line}"
    );
    assert!(frame["line"].as_u64().unwrap() > 1, "{line}");
}

#[inline(never)]
fn the_64_bit_function_that_is_looked_up(value: u64) -> u64 {
    std::hint::black_box(value).wrapping_mul(7)
}

#[test]
fn symbolize_takes_a_build_of_the_workspace_by_id_or_version() {
    let place = Place::new();
    run(&place, &["symbols", "add", ELF]);
    run(&place, &["symbols", "add", OTHER_ELF]);
    let by = |words: &[&str]| run(&place, &[&["symbolize"], words, &["0x212"]].concat());
    assert_eq!(
        by(&["--build-id", ELF_ID]).out,
        "0x00000212 store at main.c:39\n"
    );
    assert_eq!(
        by(&["--build-id", &ELF_ID[..10]]).out,
        "0x00000212 store at main.c:39\n"
    );
    for words in [
        &["--build-id", "0123456789"][..],
        &["--version", "9.9"],
        &[],
    ] {
        let none = by(words);
        assert_eq!(none.code, Some(3), "{words:?}: {none:?}");
        assert_eq!(none.err.lines().count(), 1, "{words:?}: {none:?}");
        assert_eq!(none.out, "0x00000212 ??\n", "{words:?}");
    }
}

#[test]
fn the_answers_of_a_workspace_are_json_with_a_schema() {
    let place = Place::new();
    let summary = run(&place, &["import", CORE, UART, "--json"]).json();
    let keys = [
        "captures",
        "n_already_here",
        "n_files",
        "n_boots",
        "n_crashes",
        "n_without_symbols",
        "crashes",
    ];
    check_keys(&summary, &keys);
    assert_eq!(summary["schema"], "fieldscope.import/1");
    assert_eq!(
        (&summary["n_files"], &summary["n_crashes"]),
        (&2.into(), &1.into())
    );

    let missing = run(&place, &["symbols", "missing", "--json"]).json();
    assert_eq!(
        (&missing["build_id"], &missing["n_crashes"]),
        (&ELF_ID.into(), &1.into())
    );
    let added = run(&place, &["symbols", "add", ELF, "--json"]).json();
    assert_eq!(
        (&added["files"][0]["build_id"], &added["n_improved"]),
        (&ELF_ID.into(), &1.into())
    );
    let list = run(&place, &["symbols", "list", "--json"]).json();
    assert_eq!(list["build_id"], ELF_ID);
    for (answer, schema) in [(&missing, "missing"), (&added, "added"), (&list, "build")] {
        assert_eq!(answer["schema"], format!("fieldscope.symbols.{schema}/1"));
    }

    for name in ["captures", "crashes", "issues"] {
        let table = run(&place, &["query", name, "--json"]).json();
        check_keys(
            &table,
            &["n_devices", "device_hours", "interval", "columns", "rows"],
        );
        assert_eq!(
            (&table["schema"], &table["name"]),
            (&"fieldscope.query/1".into(), &name.into())
        );
        let columns = table["columns"].as_array().unwrap();
        let rows = table["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{table}");
        assert!(columns.iter().all(Value::is_string));
        assert_eq!(rows[0].as_array().unwrap().len(), columns.len());
    }
    let crashes = run(&place, &["query", "crashes", "--json", "--find", "STORE"]).json();
    assert_eq!(
        crashes["rows"].as_array().unwrap().len(),
        1,
        "a search knows no case"
    );
    let none = run(
        &place,
        &["query", "crashes", "--json", "--find", "nothing like it"],
    )
    .json();
    assert_eq!(none["rows"].as_array().unwrap().len(), 0);
}

#[test]
fn asking_one_shot_questions_leaves_nothing_in_the_home_of_the_user() {
    let place = Place::new();
    run(
        &place,
        &["backtrace", CORE, UART, "--elf", ELF, "--no-cache"],
    );
    run(&place, &["symbolize", "--elf", ELF, "0x212", "--no-cache"]);
    run(&place, &["symbolize", "0x212"]);
    let left: Vec<_> = fs::read_dir(place.path("home")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

// ---- the contract of a report ----

#[track_caller]
fn check_keys(object: &Value, keys: &[&str]) {
    let has: BTreeSet<&str> = object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    for key in keys {
        assert!(has.contains(key), "{key} is missing in {object}");
    }
}

#[track_caller]
fn check_address(value: &Value) {
    let text = value
        .as_str()
        .unwrap_or_else(|| panic!("{value} is no address"));
    let digits = text.strip_prefix("0x").expect("it begins with 0x");
    assert!(digits.len() >= 8, "{text}");
    assert!(
        digits
            .chars()
            .all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c)),
        "{text}"
    );
}

#[track_caller]
fn check_null_or(value: &Value, is_right: impl Fn(&Value) -> bool) {
    assert!(value.is_null() || is_right(value), "{value}");
}

#[track_caller]
fn check_one_of(value: &Value, known: &str) {
    let word = value.as_str().expect("a word");
    assert!(
        known.split(' ').any(|k| k == word),
        "{word} is none of: {known}"
    );
}

const KINDS: &str = "bus_fault memory_fault usage_fault undefined_instruction divide_by_zero unaligned stack_overflow null_pointer no_execute assert panic watchdog abort illegal_instruction unknown";
const STATES: &str = "running ready blocked suspended deleted unknown";
const TRUSTS: &str = "context cfi exception_frame frame_pointer scan";
const UNAVAILABLE: &str = "optimized_out register_not_stored memory_not_captured";

/// `fieldscope.backtrace/1`, as contracts demand it.
#[track_caller]
fn check_report(report: &Value) {
    check_keys(
        report,
        &[
            "crash_index",
            "n_crashes",
            "arch",
            "build_id",
            "elf_build_id",
            "verified",
            "fault",
            "fingerprint",
            "threads",
            "warnings",
        ],
    );
    assert_eq!(report["schema"], "fieldscope.backtrace/1");
    assert!(report["crash_index"].is_u64() && report["n_crashes"].is_u64());
    assert!(report["arch"].is_string() && report["verified"].is_boolean());
    check_null_or(&report["build_id"], Value::is_string);
    check_null_or(&report["elf_build_id"], Value::is_string);
    let fault = &report["fault"];
    if !fault.is_null() {
        check_keys(fault, &["kind", "address", "summary", "registers"]);
        check_one_of(&fault["kind"], KINDS);
        assert!(fault["summary"].is_string());
        if !fault["address"].is_null() {
            check_address(&fault["address"]);
        }
        fault["registers"]
            .as_object()
            .expect("registers")
            .values()
            .for_each(check_address);
    }
    let fingerprint = &report["fingerprint"];
    if !fingerprint.is_null() {
        check_keys(
            fingerprint,
            &["version", "key", "frames_used", "frames_ignored"],
        );
        assert!(fingerprint["version"].is_u64() && fingerprint["key"].is_string());
        assert!(fingerprint["frames_used"].is_array() && fingerprint["frames_ignored"].is_array());
    }
    for warning in report["warnings"].as_array().expect("warnings") {
        check_keys(warning, &["code", "message", "offset"]);
        assert!(
            warning["code"].as_str().unwrap().starts_with("FS-"),
            "{warning}"
        );
        check_null_or(&warning["offset"], Value::is_u64);
    }
    let threads = report["threads"].as_array().expect("threads");
    for (index, thread) in threads.iter().enumerate() {
        assert_eq!(
            thread["crashed"],
            index == 0,
            "the crashed thread is the first"
        );
        check_thread(thread);
    }
}

#[track_caller]
fn check_thread(thread: &Value) {
    check_keys(
        thread,
        &[
            "name",
            "id",
            "state",
            "priority",
            "waits_on",
            "crashed",
            "stack_base",
            "stack_size",
            "stack_used",
            "stack_unused_min",
            "frames",
        ],
    );
    check_one_of(&thread["state"], STATES);
    check_null_or(&thread["name"], Value::is_string);
    check_null_or(&thread["waits_on"], Value::is_string);
    for number in ["priority", "stack_size", "stack_used", "stack_unused_min"] {
        check_null_or(&thread[number], Value::is_u64);
    }
    for address in ["id", "stack_base"] {
        if !thread[address].is_null() {
            check_address(&thread[address]);
        }
    }
    for frame in thread["frames"].as_array().expect("frames") {
        check_keys(
            frame,
            &[
                "pc",
                "sp",
                "function",
                "qualified",
                "file",
                "line",
                "column",
                "inlined",
                "trust",
                "interrupted",
                "locals",
            ],
        );
        check_address(&frame["pc"]);
        if !frame["sp"].is_null() {
            check_address(&frame["sp"]);
        }
        check_one_of(&frame["trust"], TRUSTS);
        assert!(frame["inlined"].is_boolean());
        for text in ["function", "qualified", "file", "interrupted"] {
            check_null_or(&frame[text], Value::is_string);
        }
        for number in ["line", "column"] {
            check_null_or(&frame[number], |n| n.as_u64().is_some_and(|n| n > 0));
        }
        for local in frame["locals"].as_array().expect("locals") {
            check_keys(local, &["name", "type", "value", "argument", "unavailable"]);
            assert!(
                local["name"].is_string() && local["argument"].is_boolean(),
                "{local}"
            );
            check_null_or(&local["type"], Value::is_string);
            match &local["unavailable"] {
                Value::Null => assert!(local["value"].is_string(), "{local}"),
                why => {
                    check_one_of(why, UNAVAILABLE);
                    assert!(local["value"].is_null(), "{local}");
                }
            }
        }
    }
}

fn codes(report: &Value) -> Vec<String> {
    let warnings = report["warnings"].as_array().expect("warnings");
    warnings
        .iter()
        .map(|w| w["code"].as_str().expect("a code").to_owned())
        .collect()
}

// ---- a few bytes of ELF, read and written without the product's own reader ----

fn u32_at(bytes: &[u8], at: usize) -> usize {
    let raw: [u8; 4] = bytes[at..at + 4].try_into().expect("four bytes");
    u32::from_le_bytes(raw) as usize
}

/// The bytes of a section of a little-endian ELF32, found with the `object` crate.
fn section<'a>(elf: &'a [u8], name: &str) -> &'a [u8] {
    use object::{Object as _, ObjectSection as _};
    let file = object::File::parse(elf).expect("an ELF");
    file.section_by_name(name)
        .expect("the section")
        .data()
        .expect("its bytes")
}

fn symbol(elf: &[u8], name: &str) -> u64 {
    use object::{Object as _, ObjectSymbol as _};
    let file = object::File::parse(elf).expect("an ELF");
    file.symbols()
        .find(|s| s.name() == Ok(name))
        .expect("the symbol")
        .address()
}

fn symbol_holding(elf: &[u8], part: &str) -> u64 {
    use object::{Object as _, ObjectSymbol as _};
    let file = object::File::parse(elf).expect("an ELF");
    let found = file.symbols().find(|s| {
        s.kind() == object::SymbolKind::Text
            && s.name()
                .is_ok_and(|name| name.contains(part) && !name.contains("closure"))
    });
    found.expect("the symbol").address()
}

/// A core file with one more `PT_LOAD`: its program headers are written anew behind everything else.
fn with_load(core: &[u8], address: u32, bytes: &[u8]) -> Vec<u8> {
    let (headers, count) = (u32_at(core, 28), usize::from(core[44]));
    let mut out = core.to_vec();
    out.resize(out.len().next_multiple_of(4), 0);
    let data_at = u32::try_from(out.len()).expect("small");
    out.extend_from_slice(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
    let new_headers = u32::try_from(out.len()).expect("small");
    out.extend_from_slice(&core[headers..headers + count * 32]);
    let len = u32::try_from(bytes.len()).expect("small");
    for word in [1, data_at, address, 0, len, len, 5, 4] {
        out.extend_from_slice(&word.to_le_bytes());
    }
    out[28..32].copy_from_slice(&new_headers.to_le_bytes());
    out[44] += 1;
    out
}
