//! What the filters of a log let through and where "go to" leads, against what is known of every line because it was written
//! here.

use fieldscope::engine::logs::dictionaries::from_elfs;
use fieldscope::engine::logs::filter::{Chip, FilterStack, LogFilter};
use fieldscope::engine::logs::session::{CrashPlace, LogSession};
use fieldscope::engine::logs::view::{DensityAxis, LogKey};
use fieldscope::engine::queries::log_go_to::{GoTo, LogGoToQuery, go_to};
use fieldscope::engine::queries::log_gutter::{LogGutterQuery, gutter};
use fieldscope::engine::queries::log_rows::{LogRowsQuery, page};
use fieldscope::engine::queries::log_summary::overview;
use fieldscope::model::log::LogLevel;
use fieldscope::model::progress::Unattended;

const SECOND: i64 = 1_000_000_000;

/// A line, and what is known of it.
#[derive(Clone, Debug, Default)]
struct Line {
    text: String,
    level: Option<LogLevel>,
    module: &'static str,
    /// Boots that were told of up to here.
    n_boots: usize,
    /// Nanoseconds since its boot.
    uptime: Option<i64>,
    /// Index of the crash that it is a line of.
    crash: Option<usize>,
}

struct Written {
    lines: Vec<Line>,
    crashes: Vec<CrashPlace>,
}

/// Some megabytes of an ESP32: boots, traces of many lines, times out of order, crashes, data without a time.
fn written() -> Written {
    let modules = ["wifi", "sensor", "app", "net"];
    let levels = [
        ('E', LogLevel::Error),
        ('W', LogLevel::Warn),
        ('I', LogLevel::Info),
        ('D', LogLevel::Debug),
        ('V', LogLevel::Trace),
    ];
    let (mut lines, mut crashes) = (Vec::<Line>::new(), Vec::new());
    let (mut state, mut n_boots, mut millis, mut offset) = (7_u64, 0_usize, 500_i64, 0_u64);
    let push = |lines: &mut Vec<Line>, offset: &mut u64, line: Line| {
        *offset += line.text.len() as u64 + 1;
        lines.push(line);
    };
    for n in 0..45_000_u64 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let random = state >> 33;
        let (letter, level) = levels[(random % 5) as usize];
        let module = modules[(random / 5 % 4) as usize];
        millis += (random % 90).cast_signed();
        // Now and then a task prints what it noted before.
        let printed = (millis - if random.is_multiple_of(97) { 400 } else { 0 }).max(0);
        let record = Line {
            text: format!(
                "{letter} ({printed}) {module}: step {n} at 0x{:08x} of the work, {random}",
                0x0800_0000 + n % 5000 * 4
            ),
            level: Some(level),
            module,
            n_boots,
            uptime: Some(printed * 1_000_000),
            crash: None,
        };
        push(&mut lines, &mut offset, record.clone());
        // Sometimes more lines than are looked at together.
        let n_more = if n.is_multiple_of(2500) {
            150
        } else {
            random % 23 / 21
        };
        for more in 0..n_more {
            let text = format!("    trace line {more} of {n}");
            push(
                &mut lines,
                &mut offset,
                Line {
                    text,
                    ..record.clone()
                },
            );
        }
        if n % 5000 != 4999 {
            continue;
        }
        let mut head = record;
        if n % 10_000 == 9999 {
            // Lines of a dump are lines of no record, and so are those behind them.
            head = Line {
                text: String::new(),
                n_boots,
                ..Line::default()
            };
            let (start, id) = (offset, crashes.len());
            for text in [
                "Guru Meditation Error: Core  0 panic'ed (LoadProhibited). Exception was unhandled.",
                "EXCVADDR: 0x00000000  LBEG    : 0x400014fd",
            ] {
                let line = Line {
                    text: text.to_owned(),
                    crash: Some(id),
                    ..head.clone()
                };
                push(&mut lines, &mut offset, line);
            }
            crashes.push(CrashPlace {
                offset: start,
                len: offset - start,
                crash: 40 + id.cast_signed() as i64,
                headline: "a load from nowhere".to_owned(),
            });
        }
        n_boots += 1;
        millis = 3;
        let banner = if crashes.len() % 2 == 1 {
            // It belongs to no record.
            head = Line::default();
            "*** demo boot, build id a1e688c0ffee1234 ***"
        } else {
            // It goes on with the record before, whose time is of another boot.
            "    Reset reason: watchdog"
        };
        for text in [banner, "    on the demo board"] {
            let line = Line {
                text: text.to_owned(),
                n_boots,
                uptime: None,
                ..head.clone()
            };
            push(&mut lines, &mut offset, line);
        }
    }
    Written { lines, crashes }
}

impl Written {
    fn session(&self) -> LogSession {
        let mut text = String::new();
        for line in &self.lines {
            text += &line.text;
            text.push('\n');
        }
        assert!(text.len() > 5 << 19, "several blocks, {}", text.len());
        LogSession::open(
            "uart.log",
            text.into_bytes().into(),
            from_elfs(&[]),
            self.crashes.clone(),
            &Unattended,
        )
        .unwrap()
        .of_device(Some("DA143532".to_owned()))
    }

    /// Where each boot begins on the axis: where the one before it ended.
    fn starts(&self) -> Vec<i64> {
        let n = self.lines.last().unwrap().n_boots;
        let mut starts = vec![0];
        for boot in 0..n {
            let of_boot = self.lines.iter().filter(|line| line.n_boots == boot);
            let longest = of_boot.filter_map(|line| line.uptime).max();
            // Not at the same time as its last line.
            starts.push(starts[boot] + longest.map_or(0, |longest| longest + 1));
        }
        starts
    }

    fn axis(&self) -> Vec<Option<i64>> {
        let starts = self.starts();
        let lines = self.lines.iter();
        lines
            .map(|line| Some(line.uptime? + starts[line.n_boots]))
            .collect()
    }

    /// Lines that a filter lets through, looked at one by one.
    fn naive(&self, filter: &LogFilter) -> Vec<u64> {
        let axis = self.axis();
        let crash_rows: Vec<(u64, u64)> = (0..self.crashes.len())
            .map(|id| {
                let of_crash = |line: &Line| line.crash == Some(id);
                let first = self.lines.iter().position(of_crash).unwrap();
                let last = self.lines.iter().rposition(of_crash).unwrap();
                (first as u64, last as u64)
            })
            .collect();
        let is_in = |(row, line): (u64, &Line)| match filter {
            LogFilter::Level { at_least } => line.level.is_some_and(|level| level >= *at_least),
            LogFilter::Module { names } => names.iter().any(|name| name == line.module),
            LogFilter::Device { serials } => serials.iter().any(|serial| serial == "DA143532"),
            LogFilter::Boot { first, last } => line
                .n_boots
                .checked_sub(1)
                .is_some_and(|boot| (*first..=*last).contains(&(boot as u32))),
            LogFilter::Text {
                text,
                match_case: true,
            } => line.text.contains(text.as_str()),
            LogFilter::Text { text, .. } => line.text.to_lowercase().contains(&text.to_lowercase()),
            LogFilter::Regex { pattern, .. } => {
                regex::Regex::new(pattern).unwrap().is_match(&line.text)
            }
            LogFilter::Time { from_ns, to_ns } => {
                axis[row as usize].is_some_and(|ns| (*from_ns..=*to_ns).contains(&ns))
            }
            LogFilter::Rows { first, last } => (*first..=*last).contains(&row),
            LogFilter::NearCrash { n_before, n_after } => crash_rows.iter().any(|(first, last)| {
                row + n_before >= *first && row <= last.saturating_add(*n_after)
            }),
            LogFilter::Template { .. } | LogFilter::OnlyHere { .. } => false,
        };
        let rows = (0..).zip(&self.lines);
        rows.filter(|line| is_in(*line))
            .map(|(row, _)| row)
            .collect()
    }
}

fn rows_of(log: &LogSession, chip: &Chip) -> Vec<u64> {
    let rows = log.rows_of(chip, &Unattended).unwrap().unwrap();
    (0..rows.len()).map(|n| rows.nth(n).unwrap()).collect()
}

#[test]
fn every_filter_lets_through_what_a_plain_loop_finds() {
    let written = written();
    let log = written.session();
    let starts = written.starts();
    let second = starts[1];
    let strings = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<_>>()
    };
    let text = |text: &str, match_case| LogFilter::Text {
        text: text.to_owned(),
        match_case,
    };
    let regex = |pattern: &str| LogFilter::Regex {
        pattern: pattern.to_owned(),
        match_case: true,
    };
    let time = |from_ns, to_ns| LogFilter::Time { from_ns, to_ns };
    let filters = [
        LogFilter::Level {
            at_least: LogLevel::Warn,
        },
        LogFilter::Level {
            at_least: LogLevel::Fatal,
        },
        LogFilter::Module {
            names: strings(&["wifi", "app"]),
        },
        LogFilter::Module {
            names: strings(&["nobody"]),
        },
        LogFilter::Device {
            serials: strings(&["XX", "DA143532"]),
        },
        LogFilter::Device {
            serials: strings(&["XX"]),
        },
        LogFilter::Boot { first: 0, last: 0 },
        LogFilter::Boot { first: 1, last: 99 },
        LogFilter::Boot { first: 3, last: 1 },
        text("TRACE LINE 7", false),
        text("TRACE LINE 7", true),
        text("step 11", true),
        regex(r"step \d*7 at"),
        regex(r"^ {4}trace"),
        // Inside a boot, across two, at the very first and last, empty, the wrong way round, everything.
        time(20 * SECOND, 31 * SECOND),
        time(second - 2 * SECOND, second + 2 * SECOND),
        time(second, second),
        time(i64::MIN, 500_000_000),
        time(starts[4], i64::MAX),
        time(5, 4),
        time(i64::MIN, i64::MAX),
        LogFilter::Rows {
            first: 63,
            last: 64,
        },
        LogFilter::Rows {
            first: 20_000,
            last: u64::MAX,
        },
        LogFilter::Rows { first: 9, last: 3 },
        LogFilter::NearCrash {
            n_before: 0,
            n_after: 0,
        },
        LogFilter::NearCrash {
            n_before: 70,
            n_after: 3,
        },
        LogFilter::NearCrash {
            n_before: 1,
            n_after: u64::MAX,
        },
    ];
    let mut n_found = 0;
    for filter in filters {
        let expected = written.naive(&filter);
        n_found += u64::from(!expected.is_empty());
        let chip = Chip::from(filter);
        let found = rows_of(&log, &chip);
        if let Some((a, b)) = found.iter().zip(&expected).find(|(a, b)| a != b) {
            let text = |row: &u64| &written.lines[*row as usize].text;
            panic!("{chip:?}: {a} {} instead of {b} {}", text(a), text(b));
        }
        assert_eq!(found.len(), expected.len(), "{chip:?}");
        let negated = Chip {
            negated: true,
            ..chip
        };
        let others: Vec<u64> = (0..written.lines.len() as u64)
            .filter(|row| expected.binary_search(row).is_err())
            .collect();
        assert_eq!(rows_of(&log, &negated), others, "{negated:?}");
    }
    assert!(n_found > 18);
}

#[test]
fn the_lane_counts_every_line_once_where_its_time_is() {
    let written = written();
    let log = written.session();
    let axis = written.axis();
    let density = overview(&log, 37).unwrap().density;
    assert_eq!(density.axis, DensityAxis::Uptime);
    let times = || axis.iter().flatten().copied();
    let span = (times().min().unwrap(), times().max().unwrap());
    assert_eq!(density.span, span);
    assert_eq!(density.boots, written.starts()[1..]);
    assert_eq!(
        density.n_without,
        axis.iter().filter(|ns| ns.is_none()).count() as u64
    );
    let mut expected = vec![[0_u32; 7]; 37];
    for (line, ns) in written.lines.iter().zip(&axis) {
        let Some(ns) = ns else { continue };
        let bucket = i128::from(ns - span.0) * 37 / i128::from(span.1 - span.0 + 1);
        let level = line.level.map_or(6, LogLevel::index);
        expected[bucket as usize][level] += 1;
    }
    assert_eq!(density.buckets, expected);
    for (place, crash) in density.crashes.iter().zip(0..) {
        let first = written
            .lines
            .iter()
            .position(|line| line.crash == Some(crash))
            .unwrap();
        // It says no time itself: where the last line before it was.
        assert_eq!(Some(place), axis[..first].iter().flatten().next_back());
    }
    // Rows say the same place.
    let query = LogRowsQuery {
        key: key(),
        stack: FilterStack {
            shows_data: true,
            ..FilterStack::default()
        },
        first: 0,
        count: 1000,
        find: None,
    };
    let boot = written.lines.iter().position(|line| line.n_boots == 1);
    for first in [0, boot.unwrap() as u64 - 300] {
        let query = LogRowsQuery {
            first,
            ..query.clone()
        };
        for row in page(&log, &query).unwrap().rows.rows {
            assert_eq!(row.axis_ns, axis[row.row as usize], "{row:?}");
        }
    }
}

fn key() -> LogKey {
    LogKey::OnDisk {
        path: "uart.log".into(),
    }
}

fn went(log: &LogSession, stack: &FilterStack, text: &str, from: u64) -> GoTo {
    let query = LogGoToQuery {
        key: key(),
        stack: stack.clone(),
        text: text.to_owned(),
        from,
    };
    go_to(log, &query).unwrap()
}

#[test]
fn go_to_leads_to_the_line_that_a_plain_loop_finds() {
    let written = written();
    let log = written.session();
    let all = FilterStack {
        shows_data: true,
        ..FilterStack::default()
    };
    let row = |text: &str, from: u64| went(&log, &all, text, from).row;
    let lines = &written.lines;
    let first = |is_it: &dyn Fn(&Line) -> bool| lines.iter().position(is_it).map(|row| row as u64);
    assert_eq!(row("1", 0), Some(0));
    assert_eq!(row(" 12,345 ", 0), Some(12_344));
    assert_eq!(row("line 12345", 0), Some(12_344));
    assert_eq!(row("boot 2", 0), first(&|line| line.n_boots == 2));
    // A time counts within the boot of the selected line.
    for (boot, text, ns) in [
        (0, "12.5 s", 12_500_000_000),
        (0, "00:01:02", 62 * SECOND),
        (2, "12.5", 12_500_000_000),
        (3, "0:01:02.003", 62_003_000_000),
    ] {
        let from = first(&|line| line.n_boots == boot && line.uptime.is_some()).unwrap();
        let since = first(&|line| line.n_boots == boot && line.uptime >= Some(ns));
        assert_eq!(row(text, from), since, "{text} in boot {boot}");
    }
    let named = first(&|line| line.n_boots == 3 && line.uptime >= Some(70 * SECOND));
    assert_eq!(row("boot 3, 70 s", 5), named);
    // So long after the selected line.
    let axis = written.axis();
    let from = 8000;
    let ns = axis[from].unwrap() + 5 * SECOND;
    let after = (from..lines.len()).find(|row| axis[*row] >= Some(ns));
    assert_eq!(row("+5 s", from as u64), after.map(|row| row as u64));
    // A byte is in the line that holds it.
    let mut offset = 0;
    for (n, line) in (0..).zip(lines).take(300) {
        assert_eq!(row(&format!("@{offset}"), 0), Some(n));
        offset += line.text.len() + 1;
        assert_eq!(row(&format!("@0x{:x}", offset - 1), 0), Some(n));
    }
    // An address: the next line that names it, and round again.
    let named: Vec<u64> = (0..)
        .zip(lines)
        .filter(|(_, line)| line.text.contains("0x08000010 "))
        .map(|(row, _)| row)
        .collect();
    assert!(named.len() > 3);
    for (from, to) in named.iter().zip(named.iter().cycle().skip(1)) {
        assert_eq!(row("0x8000010", *from), Some(*to));
    }
    let last = went(&log, &all, "0x08000010", named[1]);
    assert!(
        last.says.ends_with(&format!("3 of {}.", named.len())),
        "{}",
        last.says
    );
    // What there is not is said.
    for (text, said) in [
        ("0", "There is no line 0"),
        ("999999", "There is no line 999999: this log has lines 1 to"),
        ("boot 10", "There is no boot 10: this log has 9"),
        ("@99999999", "There is no byte 99999999"),
        ("@x", "is no byte"),
        ("0x12345678", "No line names 0x12345678."),
        ("0xzz", "is no address"),
        ("99:00:00", "No boot of this log ran for 356400.000 s."),
        ("boot 2, 99:00:00", "Boot 2 is over before"),
        ("2024-01-31", "This log has no dates."),
        ("yesterday", "yesterday is no place in a log."),
        ("", "Write a line"),
    ] {
        let answer = went(&log, &all, text, 0);
        assert_eq!(answer.at, None, "{text}");
        assert!(answer.says.contains(said), "{text}: {}", answer.says);
    }
}

#[test]
fn a_line_that_the_filters_hide_is_told_from_the_one_that_is_shown() {
    let written = written();
    let log = written.session();
    let level = LogFilter::Level {
        at_least: LogLevel::Error,
    };
    let shown = written.naive(&level);
    let stack = FilterStack {
        chips: vec![level.into()],
        shows_data: true,
        ..FilterStack::default()
    };
    let is_hidden = |row: &u64| shown.binary_search(row).is_err();
    let hidden = (0..10_000).find(is_hidden).unwrap();
    let answer = went(&log, &stack, &(hidden + 1).to_string(), 0);
    assert_eq!(answer.row, Some(hidden));
    assert_eq!(
        answer.at,
        Some(shown.iter().take_while(|row| **row < hidden).count() as u64)
    );
    assert!(answer.says.contains("hide it"), "{}", answer.says);
    let answer = went(&log, &stack, &(shown[5] + 1).to_string(), 0);
    assert_eq!((answer.row, answer.at), (Some(shown[5]), Some(5)));
    assert!(!answer.says.contains("hide"), "{}", answer.says);
}

#[test]
fn a_broken_expression_is_said_at_its_chip_and_the_others_go_on() {
    let written = written();
    let log = written.session();
    let level = LogFilter::Level {
        at_least: LogLevel::Error,
    };
    let broken = LogFilter::Regex {
        pattern: "a(".to_owned(),
        match_case: true,
    };
    let n = written.naive(&level).len() as u64;
    let query = LogRowsQuery {
        key: key(),
        stack: FilterStack {
            chips: vec![broken.into(), level.into()],
            shows_data: true,
            ..FilterStack::default()
        },
        first: 0,
        count: 1,
        find: None,
    };
    let counts = page(&log, &query).unwrap().counts;
    assert_eq!(counts.n_visible, n);
    let error = counts.errors[0].as_deref().unwrap();
    assert!(error.contains("unclosed group, at character 2"), "{error}");
    assert_eq!(counts.errors[1], None);
}

#[test]
fn when_nothing_is_shown_each_filter_says_what_the_others_would_show() {
    let written = written();
    let log = written.session();
    let error = LogFilter::Level {
        at_least: LogLevel::Error,
    };
    let chips = [
        error.clone(),
        LogFilter::Text {
            text: "nowhere".to_owned(),
            match_case: true,
        },
        LogFilter::Boot { first: 0, last: 0 },
    ];
    let both = written.naive(&error).into_iter();
    let of_boot = written.naive(&chips[2]);
    let n_both = both
        .filter(|row| of_boot.binary_search(row).is_ok())
        .count() as u64;
    let query = LogRowsQuery {
        key: key(),
        stack: FilterStack {
            chips: chips.map(Chip::from).to_vec(),
            shows_data: true,
            ..FilterStack::default()
        },
        first: 0,
        count: 1,
        find: None,
    };
    let counts = page(&log, &query).unwrap().counts;
    assert_eq!((counts.n_visible, counts.without), (0, vec![0, n_both, 0]));
    assert!(n_both > 0);
}

#[test]
fn the_marks_beside_the_bar_are_every_match_and_error_at_its_place() {
    let written = written();
    let log = written.session();
    let shown_by = LogFilter::Module {
        names: vec!["wifi".to_owned()],
    };
    let sought = LogFilter::Text {
        text: "step 12".to_owned(),
        match_case: false,
    };
    let shown = written.naive(&shown_by);
    let query = LogGutterQuery {
        key: key(),
        stack: FilterStack {
            chips: vec![shown_by.into()],
            shows_data: true,
            ..FilterStack::default()
        },
        find: Some(sought.clone().into()),
        n_buckets: 50,
    };
    let found = gutter(&log, &query).unwrap();
    assert_eq!(found.n_buckets, 50);
    let error = LogFilter::Level {
        at_least: LogLevel::Error,
    };
    for (filter, marks) in [(sought, found.matches), (error, found.errors)] {
        let rows = written.naive(&filter);
        let mut expected: Vec<(u32, u64, u64)> = Vec::new();
        for (at, row) in (0_u64..).zip(&shown) {
            if rows.binary_search(row).is_err() {
                continue;
            }
            // The part whose rows begin at or before it.
            let bucket = (0..50)
                .rfind(|bucket| bucket * shown.len() as u64 / 50 <= at)
                .unwrap() as u32;
            match expected.last_mut() {
                Some(last) if last.0 == bucket => last.2 += 1,
                _ => expected.push((bucket, at, 1)),
            }
        }
        let marks: Vec<_> = marks
            .iter()
            .map(|mark| (mark.bucket, mark.at, mark.n))
            .collect();
        assert_eq!(marks, expected);
    }
}

#[test]
fn a_log_without_times_lies_along_its_lines() {
    let text = "one\ntwo\nthree\nfour\n";
    let log = LogSession::open(
        "a.log",
        text.as_bytes().to_vec().into(),
        from_elfs(&[]),
        Vec::new(),
        &Unattended,
    )
    .unwrap();
    let density = overview(&log, 2).unwrap().density;
    assert_eq!((density.axis, density.span), (DensityAxis::Rows, (0, 3)));
    assert_eq!(density.buckets, [[0, 0, 0, 0, 0, 0, 2]; 2]);
    let all = FilterStack::default();
    let answer = went(&log, &all, "12.5 s", 0);
    assert!(answer.says.contains("say no time"), "{}", answer.says);
}

#[test]
fn dates_are_found_in_a_log_that_has_them() {
    let text = "2024-01-31T12:00:00.000Z I net: a\n2024-01-31T12:00:01.500Z E net: b\n2024-02-01T00:00:00.000Z I net: c\n";
    let log = LogSession::open(
        "a.log",
        text.as_bytes().to_vec().into(),
        from_elfs(&[]),
        Vec::new(),
        &Unattended,
    )
    .unwrap();
    let all = FilterStack::default();
    assert_eq!(overview(&log, 2).unwrap().density.axis, DensityAxis::Wall);
    for (place, row) in [
        ("2024-01-31T12:00:01Z", Some(1)),
        ("2024-02-01", Some(2)),
        ("12:00:01", Some(1)),
        ("2024-01-31 14:00:01.5+02:00", Some(1)),
        ("+2 s", Some(2)),
        ("2024-03-01", None),
    ] {
        let answer = went(&log, &all, place, 0);
        assert_eq!(answer.row, row, "{place}: {}", answer.says);
    }
    let answer = went(&log, &all, "2024-03-01", 0);
    assert_eq!(
        answer.says,
        "No line is at 2024-03-01 00:00:00.000 or later: the log ends at 2024-02-01 00:00:00.000."
    );
}
