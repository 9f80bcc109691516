//! Logs merged by time: the order is that of a plain stable merge, filters let through what a plain loop over it does, and the
//! command line prints what `sort -s -m` makes of logs whose lines begin with a time.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "common/device_log.rs"]
mod device_log;
#[path = "common/logs_command.rs"]
mod logs_command;

use device_log::{Numbers, device_log};
use fieldscope::engine::Engine;
use fieldscope::engine::command::Command as EngineCommand;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::job::JobOutcome;
use fieldscope::engine::logs::dictionaries::from_elfs;
use fieldscope::engine::logs::export::{Export, ExportFormat};
use fieldscope::engine::logs::filter::{Chip, FilterStack, LogFilter};
use fieldscope::engine::logs::merge::{MergedSession, Opened};
use fieldscope::engine::logs::session::{CrashPlace, LogSession};
use fieldscope::engine::logs::shown::ShownLog;
use fieldscope::engine::logs::view::{LogKey, LogRow, MergedLog};
use fieldscope::engine::queries::log_find::{LogFindQuery, Wanted, found};
use fieldscope::engine::queries::log_list::LogListQuery;
use fieldscope::engine::queries::log_marks::LogMarksQuery;
use fieldscope::engine::queries::log_rows::{LogRowsQuery, page};
use fieldscope::engine::queries::log_summary::overview;
use fieldscope::engine::workspace::Workspace;
use fieldscope::model::log::LogLevel;
use fieldscope::model::progress::Unattended;
use logs_command::{logs, printed};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

fn session(name: &str, text: &str) -> LogSession {
    let bytes = text.as_bytes().to_vec().into();
    LogSession::open(name, bytes, from_elfs(&[]), Vec::new(), &Unattended).unwrap()
}

fn merged(logs: Vec<(LogSession, i64)>) -> MergedSession {
    let opened = logs
        .into_iter()
        .enumerate()
        .map(|(n, (log, offset_ns))| Opened {
            name: format!("log {n}"),
            log: Arc::new(log),
            offset_ns,
        });
    MergedSession::new(opened.collect(), &Unattended).unwrap()
}

/// All rows that a stack lets through.
fn shown(log: &dyn ShownLog, stack: &FilterStack) -> Vec<LogRow> {
    let mut rows = Vec::new();
    loop {
        let page = page(
            log,
            &LogRowsQuery {
                key: LogKey::OnDisk { path: "x".into() },
                stack: stack.clone(),
                first: rows.len() as u64,
                count: 1000,
                find: None,
            },
        )
        .unwrap();
        let n = page.rows.n_visible;
        rows.extend(page.rows.rows);
        if rows.len() as u64 >= n {
            return rows;
        }
    }
}

fn chip(filter: LogFilter, negated: bool) -> Chip {
    Chip {
        filter,
        negated,
        is_off: false,
    }
}

/// A log of uptimes with lines that are late, lines without a time, and times that several lines have; and what each line says.
fn uptime_log(random: &mut Numbers, n: u64, name: &str) -> (String, Vec<Option<i64>>) {
    let (mut text, mut times) = (String::new(), Vec::new());
    // Far from 0, so that no late line looks like a restart.
    let mut now: i64 = 100_000;
    for line in 0..n {
        now += random.below(40).cast_signed();
        match random.below(12) {
            0 => {
                text += &format!("plain line {line} of {name}\n");
                times.push(None);
            }
            1 => {
                let late = now - random.below(900).cast_signed();
                text += &format!("W ({late}) {name}: late {line}\n");
                times.push(Some(late * 1_000_000));
            }
            2 => {
                text += &format!("E ({now}) {name}: error {line}\n");
                times.push(Some(now * 1_000_000));
            }
            _ => {
                text += &format!("I ({now}) {name}: line {line}\n");
                times.push(Some(now * 1_000_000));
            }
        }
    }
    (text, times)
}

/// The order that a stable sort of all rows makes, each with the highest time so far of its log.
fn naive(logs: &[(&[Option<i64>], i64)]) -> Vec<(usize, u64)> {
    let mut all = Vec::new();
    for (log, (times, offset)) in logs.iter().enumerate() {
        let mut now = times.iter().flatten().next().copied().unwrap_or(i64::MIN);
        for (row, time) in times.iter().enumerate() {
            now = time.map_or(now, |time| now.max(time));
            all.push((now.saturating_add(*offset), log, row as u64));
        }
    }
    all.sort_unstable();
    all.into_iter().map(|(_, log, row)| (log, row)).collect()
}

#[test]
fn the_order_is_that_of_a_plain_stable_merge() {
    let mut random = Numbers(11);
    for round in 0..40_u64 {
        let n_logs = 2 + random.below(4) as usize;
        let mut logs = Vec::new();
        for log in 0..n_logs {
            let n = random.below(if round == 0 { 30_000 } else { 400 });
            let (text, times) = uptime_log(&mut random, n, &format!("m{log}"));
            let offset = (random.below(20_000).cast_signed() - 10_000) * 1_000_000;
            logs.push((text, times, offset));
        }
        let sessions = logs
            .iter()
            .map(|(text, _, offset)| (session("a.log", text), *offset));
        let view = merged(sessions.collect());
        let times: Vec<_> = logs
            .iter()
            .map(|(_, times, offset)| (times.as_slice(), *offset))
            .collect();
        let expected = naive(&times);
        let rows = shown(&view, &FilterStack::default());
        assert_eq!(view.summary().n_rows, expected.len() as u64);
        for (position, (row, (log, own))) in rows.iter().zip(&expected).enumerate() {
            assert_eq!(
                (row.log, row.row, row.position),
                (*log, *own, position as u64),
                "round {round}"
            );
            assert_eq!(view.place_of(position as u64), Some((*log, *own)));
            assert_eq!(view.position(*log, *own), position as u64);
            let (times, offset) = times[*log];
            assert_eq!(row.axis_ns, times[*own as usize].map(|ns| ns + offset));
            // Out of order is what is earlier than the line with a time above it in its own log.
            let above = times[..*own as usize].iter().rev().flatten().next();
            let is_late =
                times[*own as usize].is_some_and(|ns| above.is_some_and(|above| ns < *above));
            assert_eq!(row.is_out_of_order, is_late, "row {own} of log {log}");
        }
        assert_eq!(rows.len(), expected.len());
        // Another offset leads to the same as merging anew.
        let offsets: Vec<i64> = (0..n_logs)
            .map(|n| n.cast_signed() as i64 * -777_000_000)
            .collect();
        let moved = view.with_offsets(&offsets, &Unattended).unwrap();
        let times: Vec<_> = times
            .iter()
            .zip(&offsets)
            .map(|((times, _), offset)| (*times, *offset))
            .collect();
        assert_eq!(
            shown(&moved, &FilterStack::default())
                .iter()
                .map(|row| (row.log, row.row))
                .collect::<Vec<_>>(),
            naive(&times)
        );
    }
}

#[test]
fn every_row_of_a_real_log_is_there_once_and_in_the_order_of_its_file() {
    let text = String::from_utf8_lossy(&device_log(300_000)).into_owned();
    let alone = session("a.log", &text);
    let (other, _) = uptime_log(&mut Numbers(3), 2000, "other");
    let view = merged(vec![
        (session("a.log", &text), 0),
        (session("b.log", &other), 0),
    ]);
    let stack = FilterStack {
        shows_data: true,
        ..FilterStack::default()
    };
    let rows = shown(&view, &stack);
    let own: Vec<&LogRow> = rows.iter().filter(|row| row.log == 0).collect();
    let expected = shown(&alone, &stack);
    assert_eq!(own.len(), expected.len());
    for (row, expected) in own.into_iter().zip(&expected) {
        let as_alone = LogRow {
            position: row.row,
            axis_ns: expected.axis_ns,
            ..row.clone()
        };
        assert_eq!(as_alone, *expected);
    }
    // Folded data is folded here too.
    let n_folded = |log: &dyn ShownLog| {
        shown(log, &FilterStack::default())
            .iter()
            .map(|row| row.n_folded)
            .sum::<u64>()
    };
    assert!(n_folded(&alone) > 0);
    assert_eq!(n_folded(&view), n_folded(&alone));
}

#[test]
fn filters_let_through_what_a_plain_loop_does_and_counts_add_up() {
    let mut random = Numbers(5);
    let logs: Vec<_> = (0..3)
        .map(|n| uptime_log(&mut random, 3000, &format!("m{n}")))
        .collect();
    let sessions: Vec<_> = logs
        .iter()
        .enumerate()
        .map(|(n, (text, _))| {
            (
                session("a.log", text),
                n.cast_signed() as i64 * 1_000_000_000,
            )
        })
        .collect();
    let view = merged(sessions);
    let all = shown(&view, &FilterStack::default());
    let text = |text: &str| LogFilter::Text {
        text: text.to_owned(),
        match_case: true,
    };
    type Wants = Box<dyn Fn(&LogRow) -> bool>;
    let cases: Vec<(LogFilter, Wants)> = vec![
        (
            LogFilter::Level {
                at_least: LogLevel::Warn,
            },
            Box::new(|row| {
                row.record
                    .level
                    .is_some_and(|level| level >= LogLevel::Warn)
            }),
        ),
        (
            text("line 1"),
            Box::new(|row| row.record.message.contains("line 1")),
        ),
        (
            LogFilter::Module {
                names: vec!["m1".to_owned()],
            },
            Box::new(|row| row.record.module == "m1"),
        ),
        (
            LogFilter::Time {
                from_ns: 110_000_000_000,
                to_ns: 120_500_000_000,
            },
            Box::new(|row| {
                row.axis_ns
                    .is_some_and(|ns| (110_000_000_000..=120_500_000_000).contains(&ns))
            }),
        ),
        (
            LogFilter::Regex {
                pattern: "(late|of m2)".to_owned(),
                match_case: true,
            },
            Box::new(|row| {
                row.record.message.contains("of m2") || row.record.message.contains("late")
            }),
        ),
    ];
    for (filter, wants) in &cases {
        for negated in [false, true] {
            let stack = FilterStack {
                chips: vec![chip(filter.clone(), negated)],
                ..FilterStack::default()
            };
            let expected: Vec<u64> = all
                .iter()
                .filter(|row| wants(row) != negated)
                .map(|row| row.position)
                .collect();
            let rows = shown(&view, &stack);
            assert!(
                rows.iter()
                    .map(|row| row.position)
                    .eq(expected.iter().copied()),
                "{filter:?}"
            );
            assert!(!rows.is_empty(), "{filter:?}");
            let own = view.logs().map(|part| {
                let chip = match filter {
                    LogFilter::Time { .. } => return None,
                    _ => &stack.chips[0],
                };
                Some(part.log.rows_of(chip, &Unattended).unwrap().unwrap().len())
            });
            if let Some(counts) = own.collect::<Option<Vec<u64>>>() {
                assert_eq!(counts.iter().sum::<u64>(), expected.len() as u64);
            }
            // The next match is found from wherever one looks.
            let next = found(
                &view,
                &LogFindQuery {
                    key: LogKey::OnDisk { path: "x".into() },
                    stack: stack.clone(),
                    wanted: Wanted::LineOf {
                        log: rows[0].log,
                        row: rows[0].row,
                    },
                    from: 0,
                    forward: true,
                },
            );
            assert_eq!(next.unwrap().at, Some(0));
        }
    }
    let both = FilterStack {
        chips: cases
            .iter()
            .take(2)
            .map(|(filter, _)| chip(filter.clone(), false))
            .collect(),
        ..FilterStack::default()
    };
    let n_both = all
        .iter()
        .filter(|row| cases[0].1(row) && cases[1].1(row))
        .count();
    assert_eq!(shown(&view, &both).len(), n_both);
    // The lane counts every row at its time, and says how many have none.
    let lane = overview(&view, 50).unwrap().density;
    let (from, to) = view.summary().span_ns.unwrap();
    assert_eq!(lane.span, (from, to));
    let mut expected = vec![[0_u32; 7]; 50];
    for row in all.iter().filter(|row| row.axis_ns.is_some()) {
        let at = i128::from(row.axis_ns.unwrap() - from) * 50 / (i128::from(to - from) + 1);
        expected[usize::try_from(at).unwrap()][row.record.level.map_or(6, LogLevel::index)] += 1;
    }
    assert_eq!(
        lane.n_without,
        all.iter().filter(|row| row.axis_ns.is_none()).count() as u64
    );
    assert_eq!(lane.buckets, expected);
    // The first row of a time or a later one, as a plain loop finds it.
    for n in 0..40 {
        let wanted = from + (to - from) / 39 * n - 1;
        let first = all
            .iter()
            .filter(|row| row.axis_ns.is_some_and(|ns| ns >= wanted))
            .min_by_key(|row| row.position);
        let found = view.first_row_since(wanted, 0..all.len() as u64);
        assert_eq!(
            found,
            first.map(|row| (row.position, row.axis_ns.unwrap())),
            "{wanted}"
        );
    }
}

#[test]
fn restarts_are_no_disorder_and_boots_and_crashes_keep_their_places() {
    let mut first = String::from("*** demo boot, build id a1e688c0ffee1234 ***\n");
    for n in 0..50 {
        first += &format!("I ({}) app: first boot {n}\n", 1000 + n * 100);
    }
    let crash_at = first.len() as u64;
    first += "HardFault: CFSR=0x00008200 HFSR=0x40000000\n    PC=0x08003abc LR=0x08001235\n";
    let crash_len = first.len() as u64 - crash_at;
    first += "*** demo boot, build id a1e688c0ffee1234 ***\n";
    for n in 0..50 {
        first += &format!("I ({}) app: second boot {n}\n", n * 100);
    }
    // No line tells of this restart: the uptime does, by staying low.
    let mut second = String::new();
    for n in 0..50 {
        second += &format!("I ({}) radio: before {n}\n", 5000 + n * 100);
    }
    for n in 0..50 {
        second += &format!("I ({}) radio: after {n}\n", n * 100);
    }
    let crashes = vec![CrashPlace {
        offset: crash_at,
        len: crash_len,
        crash: 9,
        headline: "it crashed".to_owned(),
    }];
    let bytes = first.into_bytes().into();
    let one = LogSession::open("a.log", bytes, from_elfs(&[]), crashes, &Unattended).unwrap();
    let n_first = one.summary().n_rows;
    let view = merged(vec![(session("b.log", &second), 0), (one, 0)]);
    let summary = view.summary();
    let rows = shown(
        &view,
        &FilterStack {
            shows_data: true,
            ..FilterStack::default()
        },
    );
    assert_eq!(rows.len() as u64, n_first + 100);
    assert_eq!(summary.boots.len(), 2);
    for (index, boot) in summary.boots.iter().enumerate() {
        assert_eq!(
            (boot.log, rows[boot.row as usize].starts_boot),
            (1, Some(index))
        );
    }
    let crash = &summary.crashes[0];
    assert!(
        rows[crash.row as usize]
            .record
            .message
            .contains("HardFault")
    );
    assert_eq!((crash.log, rows[crash.row as usize].crash), (1, Some(0)));
    let near = FilterStack {
        chips: vec![chip(
            LogFilter::NearCrash {
                n_before: 3,
                n_after: 3,
            },
            false,
        )],
        ..FilterStack::default()
    };
    let positions: Vec<u64> = shown(&view, &near).iter().map(|row| row.position).collect();
    assert_eq!(positions.first(), Some(&(crash.row - 3)));
    assert_eq!(positions.last(), Some(&(crash.row + crash.n_rows + 2)));
    // Of the second boot of the second log: the boot with index 1.
    let boot = FilterStack {
        chips: vec![chip(LogFilter::Boot { first: 1, last: 1 }, false)],
        ..FilterStack::default()
    };
    assert_eq!(shown(&view, &boot).len(), 51);
    // After the restart that no line tells of, times go on from where they were, and only its first line is marked.
    let after: Vec<&LogRow> = rows
        .iter()
        .filter(|row| row.record.message.starts_with("after"))
        .collect();
    assert!(
        after
            .windows(2)
            .all(|pair| pair[0].axis_ns < pair[1].axis_ns)
    );
    assert_eq!(after[0].axis_ns, Some(9_900_000_000));
    let late: Vec<u64> = rows
        .iter()
        .filter(|row| row.is_out_of_order)
        .map(|row| row.row)
        .collect();
    assert_eq!(late, [50]);
    assert!(
        summary.parts[0].clock.contains("starts again once"),
        "{}",
        summary.parts[0].clock
    );
}

#[test]
fn the_axis_is_the_wall_clock_when_every_log_can_say_it() {
    let wall =
        "2024-03-01T12:00:01.000Z I (1000) app: one\n2024-03-01T12:00:03.250Z I (3000) app: two\n";
    let of_day = "[12:00:02.000] I (77) app: three\n[12:00:04.000] I (99) app: four\n";
    let uptime = "I (500) app: five\nI (2500) app: six\n";
    let at = |seconds: i64| (1_709_294_400 + seconds) * 1_000_000_000;
    let view = merged(vec![(session("a", wall), 0), (session("b", of_day), 0)]);
    assert!(view.summary().is_wall_clock);
    let rows = shown(&view, &FilterStack::default());
    let messages: Vec<&str> = rows.iter().map(|row| row.record.message.as_str()).collect();
    assert_eq!(messages, ["one", "three", "two", "four"]);
    assert_eq!(rows[1].axis_ns, Some(at(2)));
    // Uptime alone says no date: then all count from their starts.
    let view = merged(vec![(session("a", wall), 0), (session("c", uptime), 0)]);
    assert!(!view.summary().is_wall_clock);
    let rows = shown(&view, &FilterStack::default());
    let times: Vec<Option<i64>> = rows.iter().map(|row| row.axis_ns).collect();
    assert_eq!(
        times,
        [
            Some(500_000_000),
            Some(1_000_000_000),
            Some(2_500_000_000),
            Some(3_250_000_000)
        ]
    );
    // With the time of its first record it does, with the error of that.
    let known = session("c", uptime).with_start(Some((at(2), 1_000_000_000)));
    let view = merged(vec![(session("a", wall), 0), (known, 0)]);
    assert!(view.summary().is_wall_clock);
    assert!(
        view.summary().parts[1].clock.contains("± 1 s"),
        "{}",
        view.summary().parts[1].clock
    );
    let rows = shown(&view, &FilterStack::default());
    assert_eq!(rows[1].axis_ns, Some(at(2)));
    assert_eq!(rows[3].axis_ns, Some(at(4)));
    // A log without times stands first and does not keep the others from saying theirs.
    let view = merged(vec![
        (session("a", wall), 0),
        (session("d", "no\ntimes\n"), 5),
    ]);
    assert!(view.summary().is_wall_clock);
    let rows = shown(&view, &FilterStack::default());
    assert_eq!(
        rows.iter().map(|row| row.log).collect::<Vec<_>>(),
        [1, 1, 0, 0]
    );
}

#[test]
fn a_boot_says_when_it_began_by_lines_with_both_times() {
    let text = "*** demo boot, build id a1e688c0ffee1234 ***\n\
        2024-03-01T12:00:01.000Z I (1000) app: one\n\
        2024-03-01T12:00:02.040Z I (2000) app: two\n";
    let boots = session("a", text).summary().boots.clone();
    assert_eq!(
        boots[0].started_ns,
        Some((1_709_294_400_000_000_000, 40_000_000))
    );
    let alone = "*** demo boot, build id a1e688c0ffee1234 ***\nI (1500) app: one\n";
    let known = session("a", alone).with_start(Some((1_709_294_400_000_000_000, 7)));
    let started = known.summary().boots[0].started_ns;
    assert_eq!(started, Some((1_709_294_398_500_000_000, 7)));
}

/// Lines that begin with an ISO time, in order; `sort` can merge them too.
fn iso_log(folder: &Path, name: &str, seed: u64, n: u64) -> String {
    let mut random = Numbers(seed);
    let mut millis = 0;
    let mut text = String::new();
    for line in 0..n {
        millis += random.below(700);
        let (seconds, part) = (millis / 1000, millis % 1000);
        let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
        text += &format!(
            "2024-03-01T{hours:02}:{minutes:02}:{:02}.{part:03}Z I ({millis}) {name}: line {line}\n",
            seconds % 60
        );
    }
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_command_line_prints_what_sort_merges() {
    let folder = tempfile::tempdir().unwrap();
    let a = iso_log(folder.path(), "a", 1, 20_000);
    let b = iso_log(folder.path(), "b", 2, 30_000);
    let sorted = Command::new("sort")
        .args(["-s", "-m", "-k", "1,1", &a, &b])
        .env("LC_ALL", "C")
        .output()
        .unwrap();
    let sorted = String::from_utf8(sorted.stdout).unwrap();
    let ours = printed(&[&a, &b]);
    let without_names: String = ours
        .lines()
        .map(|line| {
            let rest = line.strip_prefix(&a).or(line.strip_prefix(&b)).unwrap();
            format!("{}\n", rest.strip_prefix(": ").unwrap())
        })
        .collect();
    assert_eq!(sorted.lines().count(), 50_000);
    assert!(without_names == sorted);
    // Every line says its own log.
    let is_own = |line: &str| line.starts_with(&a) == line.contains(" a: line");
    assert!(ours.lines().all(is_own));
    let lines: Vec<&str> = ours.lines().collect();
    assert_eq!(
        printed(&[&a, &b, "--head", "7"])
            .lines()
            .collect::<Vec<_>>(),
        &lines[..7]
    );
    assert_eq!(
        printed(&[&a, &b, "--tail", "5"])
            .lines()
            .collect::<Vec<_>>(),
        &lines[lines.len() - 5..]
    );
    assert_eq!(printed(&[&a, &b, "--count"]), "50000\n");
    let some: Vec<&str> = lines
        .iter()
        .filter(|line| line.ends_with('7'))
        .copied()
        .collect();
    assert_eq!(
        printed(&[&a, &b, "--grep", "7$"])
            .lines()
            .collect::<Vec<_>>(),
        some
    );
    assert_eq!(
        printed(&[&a, &b, "--grep", "7$", "--count"]),
        format!("{}\n", some.len())
    );
    // JSON rows say the same, with the number of each row in its log.
    let mut next = [0_u64; 2];
    for (line, json) in lines.iter().zip(printed(&[&a, &b, "--json"]).lines()) {
        let json: Value = serde_json::from_str(json).unwrap();
        let log = json["log"].as_str().unwrap();
        assert_eq!(*line, format!("{log}: {}", json["raw"].as_str().unwrap()));
        let n = &mut next[usize::from(log == b)];
        assert_eq!(json["row"], *n);
        *n += 1;
    }
    assert_eq!(next, [20_000, 30_000]);
    // Filters of the window let through the same rows.
    let filters = folder.path().join("filters.json");
    let write = |pattern: &str| {
        let json = format!(
            r#"{{"schema": "fieldscope.filters/1", "sets": [{{"name": "sevens", "stack": {{"chips":
            [{{"filter": {{"by": "regex", "pattern": "{pattern}", "match_case": true}}}}]}}}}]}}"#
        );
        std::fs::write(&filters, json).unwrap();
        filters.to_str().unwrap().to_owned()
    };
    let set = write("7$");
    assert_eq!(
        printed(&[&a, &b, "--filters", &set])
            .lines()
            .collect::<Vec<_>>(),
        some
    );
    let set = write("(7$");
    assert_eq!(logs(&[&a, &b, "--filters", &set]).status.code(), Some(2));
    // An offset moves one log: here behind all of the other.
    let moved = printed(&[&a, &b, "--offset", &format!("{a}=24h")]);
    assert!(moved.lines().take(30_000).all(|line| line.starts_with(&b)));
    let moved = printed(&[&a, &b, "--offset", &format!("{b}=-1 d")]);
    assert!(moved.lines().take(30_000).all(|line| line.starts_with(&b)));
    // Of one path nothing is different.
    assert_eq!(printed(&[&a]), std::fs::read_to_string(&a).unwrap());
}

#[test]
fn what_several_logs_cannot_do_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let a = iso_log(folder.path(), "a", 1, 10);
    let b = iso_log(folder.path(), "b", 2, 10);
    for (arguments, expected) in [
        (
            vec![a.as_str(), "--offset", "a=2s"],
            "--offset moves one of several logs",
        ),
        (vec![&a, &b, "--offset", "c=2s"], "none of the logs"),
        (vec![&a, &b, "--offset", "a"], "PATH=DURATION"),
        (vec![&a, &b, "--offset", "a=soon"], "no span of time"),
        (vec![&a, &b, "--follow"], "--follow works on one log"),
        (vec![&a, &b, "--templates"], "--templates works on one log"),
        (vec![&a, "-"], "standard input cannot be merged"),
        (vec![&a, "/nowhere/at/all"], "/nowhere/at/all"),
    ] {
        let output = logs(&arguments);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(0), "{arguments:?}");
        assert!(errors.contains(expected), "{arguments:?}: {errors}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
    // What the times are is said beside the rows.
    let output = logs(&[&a, &b]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("merged by wall clock"), "{said}");
}

#[test]
fn logs_of_a_capture_are_placed_by_its_manifest_and_offsets_are_kept_in_the_workspace() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("rig");
    std::fs::create_dir(&bundle).unwrap();
    let manifest = r#"{"schema": "fieldscope.bundle/1", "files": [
        {"path": "a.log", "kind": "log", "started_at": "2024-03-01T12:00:00Z"},
        {"path": "b.log", "kind": "log", "started_at": "2024-03-01T12:00:01.5Z"}]}"#;
    std::fs::write(bundle.join("fieldscope.json"), manifest).unwrap();
    std::fs::write(
        bundle.join("a.log"),
        "I (100) app: one\nI (2100) app: two\n",
    )
    .unwrap();
    std::fs::write(
        bundle.join("b.log"),
        "I (70000) app: three\nI (71000) app: four\n",
    )
    .unwrap();
    let workspace = folder.path().join("w.fieldscope");
    let file = workspace.to_str().unwrap();
    let imported = Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .args([
            "import",
            bundle.to_str().unwrap(),
            "--workspace",
            file,
            "--no-cache",
        ])
        .output()
        .unwrap();
    assert_eq!(imported.status.code(), Some(0), "{imported:?}");
    let merged = || {
        let output = logs(&["a.log", "b.log", "--capture", "rig", "--workspace", file]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let messages: Vec<String> = String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| line.rsplit(' ').next().unwrap().to_owned())
            .collect();
        (messages, said)
    };
    let (messages, said) = merged();
    // 12:00:00, 12:00:01.5, 12:00:02, 12:00:02.5
    assert_eq!(messages, ["one", "three", "two", "four"]);
    assert!(
        said.contains("wall clock") && said.contains("± 1 s") && said.contains("± 100 ms"),
        "{said}"
    );
    let opened = Workspace::open(Some(&workspace), IndexCache::disabled()).unwrap();
    let engine = Engine::new(opened, Arc::new(|| {}));
    let key = |path: &str| LogKey::InCapture {
        capture: 1,
        path: path.to_owned(),
    };
    let set = |offset_ns: i64| {
        let logs = vec![MergedLog {
            key: key("b.log"),
            offset_ns,
        }];
        let job = engine.submit(EngineCommand::SetLogOffsets { logs });
        engine.wait(job);
    };
    set(-2_000_000_000);
    let listed = engine.workspace().context().run(&LogListQuery).unwrap();
    let of = |path: &str| {
        listed
            .iter()
            .find(|log| log.key == key(path))
            .unwrap()
            .offset_ns
    };
    assert_eq!((of("a.log"), of("b.log")), (0, -2_000_000_000));
    // What the window asks is what the command line prints.
    let question = LogRowsQuery {
        key: LogKey::Merged {
            logs: ["a.log", "b.log"]
                .map(|path| MergedLog {
                    key: key(path),
                    offset_ns: of(path),
                })
                .to_vec(),
        },
        stack: FilterStack::default(),
        first: 0,
        count: 10,
        find: None,
    };
    let answer = engine.workspace().context().run(&question).unwrap();
    let shown: Vec<String> = answer
        .rows
        .rows
        .iter()
        .map(|row| row.record.message.clone())
        .collect();
    let (messages, said) = merged();
    assert_eq!(messages, ["three", "one", "four", "two"]);
    assert_eq!(shown, messages);
    assert!(said.contains("Offset -2 s."), "{said}");
    set(0);
    assert_eq!(merged().0, ["one", "three", "two", "four"]);
    // What is exported from the window is what the command line prints.
    let export = |stack: FilterStack, format: ExportFormat| {
        let path = folder.path().join("exported");
        let export = Export {
            stack,
            format,
            path: path.clone(),
            replaces: true,
        };
        let job = engine.submit(EngineCommand::ExportLog {
            key: LogKey::Merged {
                logs: merged_key(&[("a.log", 0), ("b.log", 0)]),
            },
            export: Box::new(export),
        });
        let outcome = engine.wait(job).unwrap();
        assert!(matches!(outcome, JobOutcome::Done(_)), "{outcome:?}");
        std::fs::read(&path).unwrap()
    };
    let asked = ["a.log", "b.log", "--capture", "rig", "--workspace", file];
    for (arguments, format) in [
        (&[][..], ExportFormat::Text),
        (&["--json"], ExportFormat::JsonLines),
        (&["--grep", "t[wh]"], ExportFormat::Text),
    ] {
        let printed = logs(&[&asked, arguments].concat()).stdout;
        let mut stack = FilterStack::default();
        if arguments.len() == 2 {
            stack.chips.push(chip(
                LogFilter::Regex {
                    pattern: arguments[1].to_owned(),
                    match_case: true,
                },
                false,
            ));
        }
        let exported = String::from_utf8(export(stack, format)).unwrap();
        // The window names a log as shortly as tells it from the others.
        assert_eq!(exported, String::from_utf8(printed).unwrap());
    }
    // A bookmark is of one log, and stands at its line among the others.
    let add = |log: &str, offset: u64| {
        let job = engine.submit(EngineCommand::AddBookmark {
            log: key(log),
            offset,
        });
        engine.wait(job);
    };
    add("b.log", 0);
    add("a.log", 20);
    let context = engine.workspace().context();
    let question = LogMarksQuery {
        key: LogKey::Merged {
            logs: merged_key(&[("a.log", 0), ("b.log", 0)]),
        },
    };
    let marks = context.run(&question).unwrap();
    let places: Vec<_> = marks
        .bookmarks
        .iter()
        .map(|mark| (mark.position, mark.row, mark.key.clone().unwrap()))
        .collect();
    assert_eq!(places, [(1, 0, key("b.log")), (2, 1, key("a.log"))]);
    let question = LogFindQuery {
        key: question.key,
        stack: FilterStack::default(),
        wanted: Wanted::Bookmark,
        from: 1,
        forward: true,
    };
    assert_eq!(context.run(&question).unwrap().at, Some(2));
    let page = LogRowsQuery {
        key: question.key,
        stack: FilterStack::default(),
        first: 0,
        count: 10,
        find: None,
    };
    let rows = context.run(&page).unwrap().rows.rows.clone();
    let marked: Vec<bool> = rows.iter().map(|row| row.bookmark).collect();
    assert_eq!(marked, [false, true, true, false]);
}

fn merged_key(logs: &[(&str, i64)]) -> Vec<MergedLog> {
    let logs = logs.iter().map(|(path, offset_ns)| MergedLog {
        key: LogKey::InCapture {
            capture: 1,
            path: (*path).to_owned(),
        },
        offset_ns: *offset_ns,
    });
    logs.collect()
}
