//! Messages of an open log: counted, folded, compared with a good run and exported, each held against a plain way to the same
//! answer: a loop over all rows, or what `fieldscope logs` prints.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

#[path = "common/device_log.rs"]
mod device_log;

use device_log::{Numbers, device_log};
use fieldscope::engine::Engine;
use fieldscope::engine::command::Command as Order;
use fieldscope::engine::context::QueryContext;
use fieldscope::engine::index_cache::IndexCache;
use fieldscope::engine::job::JobOutcome;
use fieldscope::engine::logs::dictionaries::from_elfs;
use fieldscope::engine::logs::export::{Export, ExportFormat, export};
use fieldscope::engine::logs::filter::{Chip, FilterStack, LogFilter};
use fieldscope::engine::logs::session::LogSession;
use fieldscope::engine::logs::templates::{Groups, assign};
use fieldscope::engine::logs::view::{LogKey, LogRow, LogTemplate};
use fieldscope::engine::queries::log_copy::{CopyHeading, LogCopyQuery, copied};
use fieldscope::engine::queries::log_find::{LogFindQuery, Wanted, found};
use fieldscope::engine::queries::log_list::LogListQuery;
use fieldscope::engine::queries::log_rows::{LogRowsQuery, page};
use fieldscope::engine::queries::log_templates::{LogTemplatesQuery, TemplateOrder};
use fieldscope::engine::query::{Query, QueryError};
use fieldscope::engine::workspace::Workspace;
use fieldscope::model::log::LogLevel;
use fieldscope::model::progress::{Cancelled, Progress, Unattended};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

const NAME: &str = "uart.log";

fn key() -> LogKey {
    LogKey::OnDisk { path: NAME.into() }
}

fn open(bytes: &[u8]) -> LogSession {
    LogSession::open(
        NAME,
        bytes.to_vec().into(),
        from_elfs(&[]),
        Vec::new(),
        &Unattended,
    )
    .unwrap()
}

fn chip(filter: LogFilter, negated: bool) -> Chip {
    Chip {
        filter,
        negated,
        is_off: false,
    }
}

fn text_filter(text: &str) -> LogFilter {
    LogFilter::Text {
        text: text.to_owned(),
        match_case: true,
    }
}

/// Every row that is listed.
fn listed(log: &LogSession, stack: &FilterStack) -> Vec<LogRow> {
    let mut rows = Vec::new();
    loop {
        let query = LogRowsQuery {
            key: key(),
            stack: stack.clone(),
            first: rows.len() as u64,
            count: 1000,
            find: None,
        };
        let page = page(log, &query).unwrap();
        if page.rows.rows.is_empty() {
            assert_eq!(page.counts.n_visible, rows.len() as u64);
            return rows;
        }
        rows.extend(page.rows.rows);
    }
}

/// The template of each row of a log, by a loop over all of them.
fn templates_of(log: &LogSession) -> (Vec<Option<usize>>, Vec<LogTemplate>) {
    let all = FilterStack {
        shows_data: true,
        ..FilterStack::default()
    };
    let mut groups = Groups::default();
    let of_rows: Vec<Option<usize>> = listed(log, &all)
        .iter()
        .map(|row| groups.add(row.row, &row.record))
        .collect();
    let assigned = assign(&groups, &Groups::default());
    let template = |group: &Option<usize>| assigned.of_group[(*group)?];
    (of_rows.iter().map(template).collect(), assigned.templates)
}

/// Folds by a loop: the rows that are listed, and how many are folded into each.
fn folded(rows: &[LogRow], templates: &[Option<usize>], unfolded: &[u64]) -> Vec<(u64, u64)> {
    let mut runs: Vec<Vec<u64>> = Vec::new();
    let mut last = None;
    for row in rows {
        let template = templates[usize::try_from(row.row).unwrap()];
        let begins = template.is_none() || template != last || row.starts_boot.is_some();
        if begins {
            runs.push(Vec::new());
        }
        runs.last_mut().unwrap().push(row.row);
        last = template;
    }
    let mut listed = Vec::new();
    for run in runs {
        if unfolded.iter().any(|row| run.contains(row)) {
            listed.extend(run.iter().map(|row| (*row, 0)));
        } else {
            listed.push((run[0], run.len() as u64 - 1));
        }
    }
    listed
}

/// Lines of a few messages in runs of random lengths.
fn runs(numbers: &mut Numbers, n_lines: u64) -> Vec<u8> {
    let mut log = Vec::new();
    let mut n: u64 = 0;
    while n < n_lines {
        let kind = numbers.below(9);
        for _ in 0..=numbers.below(6) {
            n += 1;
            let line = match kind {
                0 => format!("I ({n}) net: packet {n} sent\n"),
                1 => format!("W ({n}) net: retry {} of 5\n", n % 5),
                2 => format!("E ({n}) flash: sector {n} failed, code -{}\n", n % 3),
                3 => "#CD:5a450100030005000300000000\n".to_owned(),
                4 => format!(
                    "I ({n}) link: state is {}\n",
                    if n.is_multiple_of(3) { "up" } else { "down" }
                ),
                5 if numbers.below(4) == 0 => {
                    "*** demo boot, build id a1e688c0ffee1234 ***\n".to_owned()
                }
                6 => "\n".to_owned(),
                _ => format!("D ({n}) sensor: batch {n}, 64 values\n"),
            };
            log.extend_from_slice(line.as_bytes());
        }
    }
    log
}

/// Stacks of filters that folding has to be right under.
fn stacks(templates: &[LogTemplate]) -> Vec<FilterStack> {
    let mut chips = vec![
        vec![],
        vec![chip(text_filter("7"), false)],
        vec![
            chip(text_filter("retry"), true),
            chip(text_filter("1"), true),
        ],
        vec![chip(
            LogFilter::Level {
                at_least: LogLevel::Warn,
            },
            false,
        )],
        vec![chip(LogFilter::Boot { first: 1, last: 2 }, false)],
        vec![chip(
            LogFilter::Module {
                names: vec!["net".to_owned()],
            },
            false,
        )],
    ];
    let some = templates.iter().step_by(2).take(3);
    chips.extend(some.map(|template| {
        let LogTemplate { id, text, .. } = template.clone();
        vec![chip(LogFilter::Template { id, text }, true)]
    }));
    let stack = |(n, chips): (usize, Vec<Chip>)| FilterStack {
        chips,
        shows_data: n.is_multiple_of(2),
        ..FilterStack::default()
    };
    chips.into_iter().enumerate().map(stack).collect()
}

fn assert_folds(log: &LogSession, numbers: &mut Numbers) {
    let (of_rows, templates) = templates_of(log);
    for stack in stacks(&templates) {
        let rows = listed(log, &stack);
        for n_unfolded in [0, 3] {
            // Blocks of data have a fold of their own.
            let mut messages = rows
                .iter()
                .filter(|row| row.n_folded == 0)
                .map(|row| row.row);
            let unfolded: Vec<u64> = (0..n_unfolded)
                .filter_map(|_| {
                    let n = numbers.below(rows.len().max(1) as u64 / 3 + 1);
                    messages.nth(usize::try_from(n).unwrap())
                })
                .collect();
            let folds = FilterStack {
                folds: true,
                unfolded: unfolded.clone(),
                ..stack.clone()
            };
            let expected = folded(&rows, &of_rows, &unfolded);
            let shown = listed(log, &folds);
            let is_data = |row: &LogRow| of_rows[usize::try_from(row.row).unwrap()].is_none();
            let n_folded = |row: &LogRow| if is_data(row) { 0 } else { row.n_folded };
            let shown_pairs: Vec<(u64, u64)> =
                shown.iter().map(|row| (row.row, n_folded(row))).collect();
            assert_eq!(shown_pairs, expected, "{folds:?}");
            let n: u64 = shown.iter().map(|row| 1 + n_folded(row)).sum();
            assert_eq!(n, rows.len() as u64);
            // Each row leads to the place where it is listed, or to what it is folded into.
            for row in rows.iter().step_by(17) {
                let query = LogFindQuery {
                    key: key(),
                    stack: folds.clone(),
                    wanted: Wanted::Row(row.row),
                    from: 0,
                    forward: true,
                };
                let at = found(log, &query).unwrap().at.unwrap();
                let holds = shown[usize::try_from(at).unwrap()].row;
                let next = shown.get(usize::try_from(at).unwrap() + 1);
                assert!(holds <= row.row && next.is_none_or(|next| row.row < next.row));
            }
        }
    }
}

#[test]
fn rows_fold_as_in_a_loop_over_all_of_them() {
    let mut numbers = Numbers(11);
    for n_lines in [0, 1, 7, 90, 800] {
        let log = open(&runs(&mut numbers, n_lines));
        assert_folds(&log, &mut numbers);
    }
    assert_folds(&open(&device_log(60_000)), &mut numbers);
}

#[test]
fn a_log_that_grows_folds_as_the_finished_one() {
    let mut numbers = Numbers(5);
    let mut whole = runs(&mut numbers, 700);
    // Into the second and the third block of the index.
    let line = b"I (1) pad: nothing to see here, move on\n";
    whole.extend(line.repeat((1 << 20) / line.len() + 50));
    whole.extend(runs(&mut numbers, 600));
    whole.extend(line.repeat((1 << 20) / line.len()));
    whole.extend(runs(&mut numbers, 300));
    let mut log = open(&whole[..3]);
    let mut at = 3;
    while at < whole.len() {
        let step = if at < (1 << 20) && whole.len() - at > (3 << 19) {
            300_007
        } else {
            150_001
        };
        at = (at + step).min(whole.len());
        log = log
            .grown(whole[..at].to_vec().into(), &[], &Unattended)
            .unwrap();
        let fresh = open(&whole[..at]);
        let (known, wanted) = (
            log.messages(&Unattended).unwrap(),
            fresh.messages(&Unattended).unwrap(),
        );
        assert_eq!(known.assigned(), wanted.assigned());
        let templates = wanted.assigned().templates.clone();
        for stack in stacks(&templates) {
            let folds = FilterStack {
                folds: true,
                ..stack
            };
            let of = |log: &LogSession| log.listed(&folds, &Unattended).unwrap().unwrap().listed;
            assert!(of(&log) == of(&fresh), "{folds:?} at {at}");
        }
    }
}

/// The list says how many rows a message has, and a filter of it shows as many; also when the log went on and other messages
/// made its text another one.
#[test]
fn a_filter_of_a_message_shows_as_many_rows_as_the_list_says() {
    let log = open(&device_log(200_000));
    let index = log.messages(&Unattended).unwrap();
    assert!(index.assigned().templates.len() > 5);
    let rows_of = |log: &LogSession, id: u64, text: &str| {
        let text = text.to_owned();
        let filter = LogFilter::Template { id, text };
        log.rows_of(&chip(filter, false), &Unattended)
            .unwrap()
            .unwrap()
            .len()
    };
    for template in &index.assigned().templates {
        assert_eq!(
            rows_of(&log, template.id, &template.text),
            template.n_rows,
            "{template:?}"
        );
    }
    let before = b"I (1) link: state is up\nI (2) link: state is up\n";
    let log = open(before);
    let template = log.messages(&Unattended).unwrap().assigned().templates[0].clone();
    assert_eq!(
        (template.text.as_str(), template.n_rows),
        ("link: state is up", 2)
    );
    let after = [
        &before[..],
        b"I (3) link: state is down\nI (4) link: state is up\n",
    ]
    .concat();
    let log = log.grown(after.into(), &[], &Unattended).unwrap();
    let now = log.messages(&Unattended).unwrap().assigned().templates[0].clone();
    assert_eq!((now.text.as_str(), now.n_rows), ("link: state is *", 4));
    // The filter that was made before means what it said then.
    assert_eq!(rows_of(&log, template.id, &template.text), 3);
    assert_eq!(rows_of(&log, now.id, &now.text), 4);
}

#[test]
fn counting_messages_stops_when_nobody_wants_them() {
    struct Impatient;
    impl Progress for Impatient {
        fn tick(&self, _done: u64, _total: u64) -> Result<(), Cancelled> {
            Err(Cancelled)
        }
    }
    let log = open(&device_log(50_000));
    assert!(log.messages(&Impatient).is_err());
    assert!(
        !log.messages(&Unattended)
            .unwrap()
            .assigned()
            .templates
            .is_empty()
    );
}

#[test]
fn f3_leaves_a_fold_and_rows_are_copied_as_they_are_listed() {
    let text = "I (1) net: packet 1 sent\nI (2) net: packet 2 sent\nI (3) net: packet 3 sent\n\
                E (4) flash: `worn` out\nI (5) net: packet 5 sent\n";
    let log = open(text.as_bytes());
    let stack = FilterStack {
        folds: true,
        ..FilterStack::default()
    };
    let next = |from: u64, forward: bool| {
        let query = LogFindQuery {
            key: key(),
            stack: stack.clone(),
            wanted: Wanted::Match(Chip::from(LogFilter::Text {
                text: "packet".to_owned(),
                match_case: false,
            })),
            from,
            forward,
        };
        found(&log, &query).unwrap().at
    };
    assert_eq!(
        (next(0, true), next(2, true), next(2, false)),
        (Some(2), Some(0), Some(0))
    );
    let mut query = LogCopyQuery {
        key: key(),
        stack,
        first: 0,
        count: 2,
        heading: None,
    };
    let lines = "I (1) net: packet 1 sent\n    … 2 more lines of the same message\nE (4) flash: `worn` out\n";
    let copy = copied(&log, &query, &Unattended).unwrap();
    assert_eq!(
        (copy.text.as_str(), copy.n_rows, copy.n_left),
        (lines, 2, 0)
    );
    query.heading = Some(CopyHeading {
        log: "uart_0.log".to_owned(),
        device: Some("DA143532".to_owned()),
    });
    let copy = copied(&log, &query, &Unattended).unwrap();
    let expected = format!("**uart\\_0.log**, device DA143532, lines 1-4\n\n```text\n{lines}```\n");
    assert_eq!(copy.text, expected);
}

#[test]
fn a_filter_that_cannot_be_read_hides_nothing_of_a_copy_or_an_export() {
    let text = "I (1) net: one\nE (2) net: two\nI (3) net: three\n";
    let log = open(text.as_bytes());
    let broken = LogFilter::Regex {
        pattern: "(".to_owned(),
        match_case: false,
    };
    let stack = FilterStack {
        chips: vec![chip(broken, false), chip(text_filter(": t"), false)],
        ..FilterStack::default()
    };
    let shown = "E (2) net: two\nI (3) net: three\n";
    assert_eq!(listed(&log, &stack).len(), 2);
    let query = LogCopyQuery {
        key: key(),
        stack: stack.clone(),
        first: 0,
        count: 9,
        heading: None,
    };
    assert_eq!(copied(&log, &query, &Unattended).unwrap().text, shown);
    let folder = tempfile::tempdir().unwrap();
    let order = Export {
        stack,
        format: ExportFormat::Text,
        path: folder.path().join("shown.log"),
        replaces: false,
    };
    assert_eq!(export(&log, &order, &Unattended).unwrap(), 2);
    assert_eq!(std::fs::read_to_string(&order.path).unwrap(), shown);
}

/// What `fieldscope logs` prints.
fn printed(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_fieldscope"))
        .arg("logs")
        .args(arguments)
        .arg("--no-cache")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    output.stdout
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

/// A workspace with one capture.
struct Opened {
    engine: Engine,
    folder: tempfile::TempDir,
    keys: Vec<LogKey>,
}

impl Opened {
    fn of(files: &[&Path]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.fieldscope");
        let workspace = Workspace::open(Some(&path), IndexCache::disabled()).unwrap();
        let engine = Engine::new(workspace, Arc::new(|| {}));
        let paths = files.iter().map(|path| path.to_path_buf()).collect();
        let job = engine.submit(Order::Import { paths, asks: true });
        assert!(matches!(engine.wait(job), Some(JobOutcome::Done(_))));
        let logs = engine.workspace().run(&LogListQuery).unwrap();
        let keys = logs.into_iter().map(|log| log.key).collect();
        Self {
            engine,
            folder,
            keys,
        }
    }

    fn exported(&self, chips: Vec<Chip>, format: ExportFormat) -> Vec<u8> {
        let path = self.folder.path().join("exported");
        let export = Export {
            // How it is shown makes no difference.
            stack: FilterStack {
                chips,
                folds: true,
                ..FilterStack::default()
            },
            format,
            path: path.clone(),
            replaces: false,
        };
        let order = Order::ExportLog {
            key: self.keys[0].clone(),
            export: Box::new(export),
        };
        let outcome = self.engine.wait(self.engine.submit(order)).unwrap();
        assert!(matches!(outcome, JobOutcome::Done(_)), "{outcome:?}");
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        bytes
    }
}

/// Filters of the command line with the chips that are the same in the window.
fn filters() -> Vec<(Vec<&'static str>, Vec<Chip>)> {
    let text = |text: &str, match_case| LogFilter::Text {
        text: text.to_owned(),
        match_case,
    };
    let regex = |pattern: &str, match_case| LogFilter::Regex {
        pattern: pattern.to_owned(),
        match_case,
    };
    let level = |at_least| LogFilter::Level { at_least };
    let names = |names: &[&str]| LogFilter::Module {
        names: names.iter().map(|name| (*name).to_owned()).collect(),
    };
    let one = |filter| vec![chip(filter, false)];
    vec![
        (vec![], vec![]),
        (vec!["--level", "warn"], one(level(LogLevel::Warn))),
        (vec!["--level", "fatal"], one(level(LogLevel::Fatal))),
        (vec!["--module", "wifi"], one(names(&["wifi"]))),
        (
            vec!["--module", "app", "--module", "sensor"],
            one(names(&["app", "sensor"])),
        ),
        (
            vec!["--boot", "1"],
            one(LogFilter::Boot { first: 1, last: 1 }),
        ),
        (
            vec!["--boot", "0-2"],
            one(LogFilter::Boot { first: 0, last: 2 }),
        ),
        (vec!["--fixed", "retry 1"], one(text("retry 1", true))),
        (vec!["--fixed", "ÜBER", "-i"], one(text("ÜBER", false))),
        (vec!["--grep", r"\d*7\b"], one(regex(r"\d*7\b", true))),
        (vec!["--grep", "e$"], one(regex("e$", true))),
        (vec!["--grep", "^i", "-i"], one(regex("^i", false))),
        (
            vec!["--grep", "[0-9]$", "--invert"],
            vec![chip(regex("[0-9]$", true), true)],
        ),
        (
            vec!["--fixed", "a", "--invert"],
            vec![chip(text("a", true), true)],
        ),
        (
            vec![
                "--level", "info", "--grep", "e$", "--boot", "0-9", "--module", "wifi",
            ],
            vec![
                chip(level(LogLevel::Info), false),
                chip(regex("e$", true), false),
                chip(LogFilter::Boot { first: 0, last: 9 }, false),
                chip(names(&["wifi"]), false),
            ],
        ),
        (
            vec!["--level", "info", "--grep", "[a-z]$", "--invert"],
            vec![
                chip(level(LogLevel::Info), false),
                chip(regex("[a-z]$", true), true),
            ],
        ),
    ]
}

#[test]
fn an_export_is_what_the_command_line_prints_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    let device = folder.path().join("device.log");
    let mut bytes = device_log(1_300_000);
    bytes.extend(b"\nW (5) wifi: the end of the line\r\nI (6) wifi: done 7\r\n");
    std::fs::write(&device, bytes).unwrap();
    let defmt = (
        fixture("defmt/cistern-rzcobs.bin"),
        fixture("defmt/cistern-rzcobs.elf"),
    );
    let tokens = (fixture("tokens/console.log"), fixture("tokens/tokens.csv"));
    let (elf, csv) = (defmt.1.to_str().unwrap(), tokens.1.to_str().unwrap());
    let logs: [(&Path, Option<&Path>, Vec<&str>); 3] = [
        (&device, None, vec![]),
        (&defmt.0, Some(&defmt.1), vec!["--elf", elf]),
        (&tokens.0, Some(&tokens.1), vec!["--database", csv]),
    ];
    for (path, dictionary, with) in &logs {
        let files: Vec<&Path> = [Some(*path), *dictionary].into_iter().flatten().collect();
        let opened = Opened::of(&files);
        assert_eq!(opened.keys.len(), 1, "{:?}", opened.keys);
        let mut n_empty = 0;
        for (options, chips) in filters() {
            let name = path.to_str().unwrap();
            let arguments = [&[name], &with[..], &options[..]].concat();
            let expected = printed(&arguments);
            n_empty += usize::from(expected.is_empty());
            let text = opened.exported(chips.clone(), ExportFormat::Text);
            assert!(text == expected, "{arguments:?}");
            let expected = printed(&[&arguments[..], &["--json"]].concat());
            let json = opened.exported(chips, ExportFormat::JsonLines);
            assert!(json == expected, "{arguments:?} --json");
        }
        assert!(n_empty < 10, "{n_empty} filters of {path:?} show nothing");
    }
}

/// The window compares with another log of the workspace as `--good` does, and shows the lines of what is only here.
#[test]
fn a_good_run_takes_away_the_same_as_on_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (
        folder.path().join("good.log"),
        folder.path().join("bad.log"),
    );
    let mut numbers = Numbers(3);
    std::fs::write(&good, runs(&mut numbers, 500)).unwrap();
    let mut bytes = device_log(30_000);
    bytes.push(b'\n');
    bytes.extend(runs(&mut numbers, 500));
    std::fs::write(&bad, bytes).unwrap();
    let opened = Opened::of(&[&bad, &good]);
    let key_of = |name: &str| {
        let mut keys = opened.keys.iter();
        keys.find(|key| key.name().ends_with(name)).unwrap().clone()
    };
    let query = LogTemplatesQuery {
        key: key_of("bad.log"),
        good: Some(key_of("good.log")),
        order: TemplateOrder::Log,
    };
    let answer = opened.engine.workspace().run(&query).unwrap();
    let compared = answer.compared.unwrap();
    let on_command_line = |of: &Path, without: &Path| -> Vec<(String, u64)> {
        let (of, without) = (of.to_str().unwrap(), without.to_str().unwrap());
        let lines = printed(&[of, "--templates", "--good", without, "--json"]);
        let lines = String::from_utf8(lines).unwrap();
        let line = |line: &str| -> (String, u64) {
            let json: serde_json::Value = serde_json::from_str(line).unwrap();
            let id = json["id"].as_str().unwrap().to_owned();
            (id, json["n_rows"].as_u64().unwrap())
        };
        lines.lines().map(line).collect()
    };
    let pairs = |list: &[LogTemplate]| -> Vec<(String, u64)> {
        let pair = |template: &LogTemplate| (format!("{:016x}", template.id), template.n_rows);
        list.iter().map(pair).collect()
    };
    assert_eq!(pairs(&compared.only_here), on_command_line(&bad, &good));
    assert_eq!(pairs(&compared.only_there), on_command_line(&good, &bad));
    assert!(!compared.only_here.is_empty());
    let only_here = LogFilter::OnlyHere {
        good: key_of("good.log"),
    };
    let stack = FilterStack {
        chips: vec![chip(only_here, false)],
        ..FilterStack::default()
    };
    let log = opened
        .engine
        .workspace()
        .context()
        .log_for(&query.key, &stack)
        .unwrap();
    let shown = log
        .listed(&stack, &Unattended)
        .unwrap()
        .unwrap()
        .let_through
        .unwrap();
    let n: u64 = compared
        .only_here
        .iter()
        .map(|template| template.n_rows)
        .sum();
    assert_eq!(shown.len(), n);
}

/// A question whose answer never comes.
#[derive(Clone, Debug)]
struct Endless;

impl Query for Endless {
    type Output = ();

    fn run(&self, context: &QueryContext) -> Result<(), QueryError> {
        loop {
            context.progress().tick(0, 0)?;
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn an_answer_that_no_frame_asks_for_is_given_up() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("w.fieldscope");
    let workspace = Workspace::open(Some(&path), IndexCache::disabled()).unwrap();
    let engine = Engine::new(workspace, Arc::new(|| {}));
    for _ in 0..2 {
        for _ in 0..20 {
            assert!(engine.query(Endless).is_pending());
            engine.frame_drawn();
        }
        std::thread::sleep(Duration::from_millis(20));
        assert!(!engine.is_idle());
        for _ in 0..5 {
            engine.frame_drawn();
        }
        let patience = Instant::now() + Duration::from_secs(20);
        while !engine.is_idle() {
            assert!(Instant::now() < patience, "it goes on for nobody");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}
