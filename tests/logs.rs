//! `fieldscope logs` on real logs: the same rows as ripgrep or a plain loop finds, decoded rows as their own tools print
//! them, damage said and nothing lost.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "common/logs_command.rs"]
mod logs_command;

use logs_command::{logs, printed};
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn json(arguments: &[&str]) -> Vec<Value> {
    let text = printed(&[arguments, &["--json"]].concat());
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Seeded lines of every kind: coloured, with noise, with other endings, larger than a block together.
fn generated(folder: &Path) -> PathBuf {
    let mut state: u64 = 7;
    let mut random = move |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    };
    let mut bytes = Vec::new();
    for n in 0..40_000_u64 {
        let level = "VDIWE".as_bytes()[random(5) as usize] as char;
        let module = ["wifi", "net", "flash"][random(3) as usize];
        let head = format!("{level} ({}) {module}: ", n * 7);
        let text = match random(6) {
            0 => "HardFault here".to_owned(),
            1 => format!("value {} ok", random(1000)),
            2 => String::new(),
            3 => "ünï cödé".to_owned(),
            _ => format!("{:x}", random(u64::MAX)),
        };
        match random(12) {
            0 => bytes.extend(format!("\x1b[0;31m{head}{text}\x1b[0m\n").bytes()),
            1 => bytes.extend(format!("{head}{text}\r\n").bytes()),
            2 => bytes.extend([b"noise \xff\xfe\0".as_slice(), text.as_bytes(), b"\n"].concat()),
            3 => bytes.extend(b"\n"),
            4 => bytes.extend(format!("    at {text}\n").bytes()),
            5 => bytes.extend(format!("Hard\x1b[1mFault split {text}\n").bytes()),
            _ => bytes.extend(format!("{head}{text}\n").bytes()),
        }
    }
    bytes.extend(b"I (1) end: without a line end");
    let path = folder.join("generated.log");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn the_rows_that_match_are_those_that_a_plain_loop_finds() {
    let folder = tempfile::tempdir().unwrap();
    let path = generated(folder.path());
    let name = path.to_str().unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let lines: Vec<&[u8]> = bytes.split(|byte| *byte == b'\n').collect();
    assert_eq!(printed(&[name, "--count"]).trim(), lines.len().to_string());
    for pattern in [
        "HardFault",
        "value [0-9]{3} ok",
        "^E ",
        "ok$",
        "(?i)hardfault",
        "nowhere",
        "\\x1b",
    ] {
        let regex = regex::bytes::Regex::new(pattern).unwrap();
        let n_raw = lines.iter().filter(|line| regex.is_match(line)).count();
        assert_eq!(
            printed(&[name, "--raw", "--count", "--grep", pattern]).trim(),
            n_raw.to_string(),
            "{pattern}"
        );
        let n_inverted = lines.len() - n_raw;
        let inverted = printed(&[name, "--raw", "--count", "--invert", "--grep", pattern]);
        assert_eq!(inverted.trim(), n_inverted.to_string(), "{pattern}");
        let found = logs(&[name, "--raw", "--grep", pattern]).stdout;
        let expected: Vec<&[u8]> = lines
            .iter()
            .copied()
            .filter(|line| regex.is_match(line))
            .collect();
        let found: Vec<&[u8]> = found
            .strip_suffix(b"\n")
            .unwrap_or(&found)
            .split(|byte| *byte == b'\n')
            .collect();
        assert!(expected == found || expected.is_empty(), "{pattern}");
    }
    // Colours do not hide a text that is split by them.
    let n_raw: u64 = printed(&[name, "--raw", "--count", "--fixed", "HardFault"])
        .trim()
        .parse()
        .unwrap();
    let n_plain: u64 = printed(&[name, "--count", "--fixed", "HardFault"])
        .trim()
        .parse()
        .unwrap();
    assert!(n_plain > n_raw, "{n_plain} {n_raw}");
    // Nothing is lost: raw output is the file.
    let mut all = logs(&[name, "--raw"]).stdout;
    assert!(all.pop().is_some());
    all.push(bytes[bytes.len() - 1]);
    assert!(all == bytes);
}

#[test]
fn ripgrep_counts_the_same() {
    if Command::new("rg").arg("--version").output().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = generated(folder.path());
    for pattern in [
        "HardFault",
        "^I .*[0-9a-f]{12}",
        "value \\d+ ok\\r?$",
        "^$",
        "split",
    ] {
        let rg = Command::new("rg")
            .args(["-a", "-c", "--no-config", pattern])
            .arg(&path)
            .output()
            .unwrap();
        let expected = String::from_utf8(rg.stdout).unwrap();
        let ours = printed(&[
            path.to_str().unwrap(),
            "--raw",
            "--count",
            "--grep",
            pattern,
        ]);
        assert_eq!(ours.trim(), expected.trim(), "{pattern}");
    }
}

#[test]
fn levels_modules_and_places_of_rows_are_those_of_the_whole_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = generated(folder.path());
    let name = path.to_str().unwrap();
    let all = json(&[name]);
    assert!(
        all.iter()
            .enumerate()
            .all(|(n, row)| row["row"] == n as u64 && row["schema"] == "fieldscope.log/1")
    );
    let order = ["trace", "debug", "info", "warn", "error", "fatal"];
    let rank = |row: &Value| {
        row["level"]
            .as_str()
            .and_then(|level| order.iter().position(|known| *known == level))
    };
    let expected: Vec<&Value> = all
        .iter()
        .filter(|row| rank(row) >= Some(3) && row["module"] == "net")
        .collect();
    let found = json(&[name, "--level", "warn", "--module", "net"]);
    assert_eq!(found.iter().collect::<Vec<_>>(), expected);
    assert!(found.len() > 1000);
    // A line without a head has the level of its record.
    let at = all
        .iter()
        .position(|row| row["kind"] == "continuation" && !row["level"].is_null())
        .unwrap();
    let head = all[..at]
        .iter()
        .rev()
        .find(|row| row["kind"] != "continuation")
        .unwrap();
    assert_eq!(all[at]["level"], head["level"]);
    assert_eq!(all[at]["uptime_ns"], head["uptime_ns"]);
    let head: Vec<Value> = json(&[name, "--head", "7"]);
    assert_eq!(head, all[..7]);
    let tail: Vec<Value> = json(&[name, "--tail", "7"]);
    assert_eq!(tail, all[all.len() - 7..]);
}

#[test]
fn a_defmt_stream_is_printed_as_defmt_print_prints_it() {
    let (elf, stream) = (fixture("defmt/defmt-fw.elf"), fixture("defmt/defmt.bin"));
    let rows = json(&[stream.to_str().unwrap(), "--elf", elf.to_str().unwrap()]);
    let expected = std::fs::read_to_string(fixture("defmt/defmt.txt")).unwrap();
    assert_eq!(rows.len(), expected.lines().count());
    for (row, line) in rows.iter().zip(expected.lines()) {
        assert!(
            line.ends_with(row["message"].as_str().unwrap()),
            "{line}: {row}"
        );
        assert_eq!(row["format"], "defmt-rzcobs");
    }
    // Without the ELF every frame is there, says what it needs, and the exit code is that of missing symbols.
    let output = logs(&[stream.to_str().unwrap(), "--json"]);
    assert_eq!(output.status.code(), Some(3));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text.lines().count(), rows.len());
    assert!(
        text.lines()
            .all(|line| line.contains("\"undecoded\"") && line.contains("add that ELF"))
    );
}

#[test]
fn tokens_are_read_with_a_database_and_left_alone_without() {
    let log = fixture("tokens/console.log");
    let log = log.to_str().unwrap();
    for (flag, name, answer) in [
        ("--database", "tokens.csv", "console.csv.txt"),
        ("--database", "tokens.bin", "console.bin.txt"),
        ("--elf", "tokens.elf", "console.elf.txt"),
    ] {
        let database = fixture("tokens").join(name);
        let expected = std::fs::read_to_string(fixture("tokens").join(answer)).unwrap();
        assert_eq!(
            printed(&[log, flag, database.to_str().unwrap()]),
            expected,
            "{name}"
        );
    }
    assert_eq!(printed(&[log]), std::fs::read_to_string(log).unwrap());
}

#[test]
fn a_pipe_is_answered_line_by_line_and_a_bundle_gives_its_logs() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .args(["logs", "-", "--level", "warn", "--no-cache"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    for n in 0..3 {
        write!(input, "I (1) a: no\nE (2) a: yes {n}\nW (3").unwrap();
        line.clear();
        std::io::BufRead::read_line(&mut output, &mut line).unwrap();
        assert_eq!(line, format!("E (2) a: yes {n}\n"));
        writeln!(input, ") b: later").unwrap();
        line.clear();
        std::io::BufRead::read_line(&mut output, &mut line).unwrap();
        assert_eq!(line, "W (3) b: later\n");
    }
    drop(input);
    assert!(child.wait().unwrap().success());
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data/demo-bundle.zip");
    let n_lines: u64 = printed(&[bundle.to_str().unwrap(), "--count"])
        .trim()
        .parse()
        .unwrap();
    assert!(n_lines > 100, "{n_lines}");
}

#[test]
fn a_wrong_call_is_one_line_and_exit_code_2() {
    let log = fixture("tokens/console.log");
    let log = log.to_str().unwrap();
    for (arguments, word) in [
        (vec!["nowhere.log"], "nowhere.log"),
        (vec![log, "--grep", "a("], "a("),
        (vec![log, "--format", "xyz"], "defmt-rzcobs"),
        (vec![log, "--boot", "x"], "boot"),
        (vec![log, "--invert"], "--grep"),
        (vec![log, "--database", log], "no database of a log"),
        (vec!["-", "--count"], "--count"),
    ] {
        let output = logs(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty());
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(
            error.lines().count() == 1 && error.contains(word),
            "{error}"
        );
    }
}

#[test]
fn a_growing_file_is_followed_and_a_new_one_under_its_name_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live.log");
    std::fs::write(&path, "I (1) a: first\n").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .args(["logs", path.to_str().unwrap(), "--follow", "--no-cache"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut next = || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut output, &mut line).unwrap();
        line
    };
    assert_eq!(next(), "I (1) a: first\n");
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap();
    write!(file, "I (2) a: sec").unwrap();
    file.flush().unwrap();
    std::thread::sleep(std::time::Duration::from_millis(300));
    writeln!(file, "ond").unwrap();
    assert_eq!(next(), "I (2) a: second\n");
    // Cut short and written anew, and replaced by another file.
    std::fs::write(&path, "I (3) a: cut\n").unwrap();
    assert_eq!(next(), "I (3) a: cut\n");
    let other = folder.path().join("other.log");
    std::fs::write(
        &other,
        "I (4) a: this is another file, and longer than the one before it\n",
    )
    .unwrap();
    std::fs::rename(&other, &path).unwrap();
    assert_eq!(
        next(),
        "I (4) a: this is another file, and longer than the one before it\n"
    );
    child.kill().unwrap();
    let mut errors = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut errors).unwrap();
    assert!(
        errors.contains("shorter") && errors.contains("replaced"),
        "{errors}"
    );
    let _status = child.wait().unwrap();
}

#[test]
fn strange_files_are_read_to_their_end() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let long = write(
        "long.log",
        &[
            b"I (1) a: ".as_slice(),
            &vec![b'x'; 20 << 20],
            b"HardFault\nI (2) a: next\n",
        ]
        .concat(),
    );
    assert_eq!(printed(&[&long, "--count"]).trim(), "2");
    assert_eq!(
        printed(&[&long, "--count", "--fixed", "HardFault"]).trim(),
        "1"
    );
    assert_eq!(json(&[&long, "--tail", "1"])[0]["message"], "next");
    let short = write("short.log", &b"\n".repeat(1_000_000));
    assert_eq!(printed(&[&short, "--count"]).trim(), "1000000");
    assert_eq!(
        printed(&[&short, "--count", "--grep", "^$"]).trim(),
        "1000000"
    );
    let binary: Vec<u8> = (0..300_000_u32)
        .flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let binary = write("binary.log", &binary);
    assert_eq!(
        logs(&[&binary, "--format", "text", "--raw"]).status.code(),
        Some(0)
    );
    let _rows = json(&[&binary, "--format", "text"]);
    let empty = write("empty.log", b"");
    assert_eq!(printed(&[&empty, "--count"]).trim(), "0");
    assert_eq!(printed(&[&empty]), "");
}

#[test]
fn a_log_of_the_workspace_is_searched_part_by_part_with_the_same_answer() {
    let folder = tempfile::tempdir().unwrap();
    let small = std::fs::read(generated(folder.path())).unwrap();
    let mut large = Vec::new();
    while large.len() < 18 << 20 {
        large.extend_from_slice(&small);
    }
    large.extend_from_slice(b"I (1) net: \x1b[31mthe nee\x1b[0mdle is here\r\n");
    // A line that is longer than a part, with something to find at its end.
    large.extend(std::iter::repeat_n(b'x', 5 << 20));
    large.extend_from_slice(b" far away\n");
    large.extend_from_slice(&small);
    let file = folder.path().join("large.log");
    std::fs::write(&file, &large).unwrap();
    let workspace = folder.path().join("w.fieldscope");
    let imported = Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .args(["import", "--no-cache", "--workspace"])
        .args([&workspace, &file])
        .output()
        .unwrap();
    assert_eq!(imported.status.code(), Some(0));
    let (file, workspace) = (file.to_str().unwrap(), workspace.to_str().unwrap());
    let stored = ["large.log", "--capture", "1", "--workspace", workspace];
    for asked in [
        &["--fixed", "needle"][..],
        &["--fixed", "the nee", "--raw"],
        &["--fixed", "needle", "--raw"],
        &["--fixed", "far away", "--count"],
        &["--fixed", "HardFault", "--count"],
        &["--fixed", "HardFault", "--head", "3"],
        &["--fixed", "HardFault", "--tail", "3"],
        &["--fixed", "nothing like it"],
        &["--fixed", "HardFault", "--level", "error", "--count"],
        &["--grep", "value [0-9]+ ok", "--count"],
        &["--fixed", "needle", "--json"],
        &["--head", "4"],
    ] {
        let of_file = logs(&[&[file][..], asked].concat());
        let of_workspace = logs(&[&stored[..], asked].concat());
        assert_eq!(of_workspace.status.code(), Some(0), "{asked:?}");
        assert!(of_workspace.stdout == of_file.stdout, "{asked:?}");
        let is_answer =
            !asked.contains(&"nothing like it") && asked != ["--fixed", "needle", "--raw"];
        assert_eq!(!of_workspace.stdout.is_empty(), is_answer, "{asked:?}");
    }
    let unknown = logs(&["large.log", "--capture", "7", "--workspace", workspace]);
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("FS-LOG-004"));
}

#[test]
fn templates_count_every_message_once_and_a_good_run_takes_away_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let good = generated(folder.path());
    let bad = folder.path().join("bad.log");
    let mut bytes = std::fs::read(&good).unwrap();
    let n_before = bytes.split(|byte| *byte == b'\n').count();
    for n in 0..7 {
        bytes.extend(
            format!(
                "\nE ({}) flash: erase of sector {n} failed, code -{n}",
                n * 9
            )
            .bytes(),
        );
    }
    std::fs::write(&bad, bytes).unwrap();
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());

    let found = json(&[bad, "--templates"]);
    let n_rows: u64 = found.iter().map(|t| t["n_rows"].as_u64().unwrap()).sum();
    let is_message = |row: &&Value| {
        matches!(row["kind"].as_str(), Some("record" | "continuation")) && row["message"] != ""
    };
    let rows = json(&[bad]);
    assert_eq!(n_rows, rows.iter().filter(is_message).count() as u64);
    let counts: Vec<_> = found.iter().map(|t| t["n_rows"].as_u64()).collect();
    assert!(counts.is_sorted_by(|a, b| a >= b));
    // What ripgrep would count: "value 123 ok" of one module, whatever the number.
    let regex = regex::Regex::new(r"^value \d+ ok$").unwrap();
    let in_net =
        |row: &&Value| row["module"] == "net" && regex.is_match(row["message"].as_str().unwrap());
    let expected = rows.iter().filter(in_net).count();
    let net = found
        .iter()
        .find(|t| t["template"] == "net: value * ok")
        .unwrap();
    assert_eq!(net["n_rows"], expected);

    let new = json(&[bad, "--templates", "--good", good]);
    assert_eq!(new.len(), 1, "{new:?}");
    assert_eq!(
        new[0]["template"],
        "flash: erase of sector * failed, code -*"
    );
    assert_eq!(new[0]["n_rows"], 7);
    assert_eq!(new[0]["level"], "error");
    assert_eq!(new[0]["first_row"], n_before);
    let none = printed(&[good, "--templates", "--good", bad]);
    assert!(
        none.contains("the good run has all of its messages"),
        "{none}"
    );
}
