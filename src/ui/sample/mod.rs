//! A door with made-up answers, for tests of the window alone.

mod fleet;
mod issues;
mod lists;
mod live;
mod logs;
mod report;
mod tables;

pub(super) use live::{crashed as crashed_board, lost as lost_board, replayed as replayed_board};
pub(super) use logs::key as log_key;
pub(super) use logs::other_key as other_log;
pub(super) use report::{bare_report, report};
pub(super) use tables::held as held_sample;

use super::data::{Answer, Door};
use super::shared_time::Span;
use crate::engine::command::Command;
use crate::engine::event::Event;
use crate::engine::fleet::census::Census;
use crate::engine::fleet::compared::{ComparedVersion, Standing};
use crate::engine::fleet::totals::Totals;
use crate::engine::fleet::view::{
    Band, DeviceTimeline, FleetSummary, Histogram, Looping, RankedDevice, VersionRow,
};
use crate::engine::fleet_import::HeldSample;
use crate::engine::job::{JobId, JobOutcome, JobStatus};
use crate::engine::live::board::LiveView;
use crate::engine::loadable::Loadable;
use crate::engine::logs::view::LogKey;
use crate::engine::metric_edit::KnownBefore;
use crate::engine::queries::captures::CaptureRow;
use crate::engine::queries::crash_detail::{CrashDetail, IssueOfCrash};
use crate::engine::queries::crash_globals::{CrashGlobals, GlobalRow};
use crate::engine::queries::crash_list::CrashRow;
use crate::engine::queries::crash_memory::MemoryRow;
use crate::engine::queries::device_logs::DeviceLogs;
use crate::engine::queries::filter_sets::NamedFilters;
use crate::engine::queries::find::Found;
use crate::engine::queries::fleet_state::VitalRows;
use crate::engine::queries::import_report::ImportReport;
use crate::engine::queries::issue_detail::IssueDetail;
use crate::engine::queries::issue_list::{Issue, IssueHistory};
use crate::engine::queries::log_copy::{CopiedRows, LogCopyQuery};
use crate::engine::queries::log_find::{FoundRow, LogFindQuery, found};
use crate::engine::queries::log_go_to::{GoTo, LogGoToQuery, go_to};
use crate::engine::queries::log_gutter::{Gutter, LogGutterQuery, gutter};
use crate::engine::queries::log_list::ListedLog;
use crate::engine::queries::log_marks::LogMarks;
use crate::engine::queries::log_rows::{LogPage, LogRowsQuery};
use crate::engine::queries::log_summary::LogOverview;
use crate::engine::queries::log_templates::{LogMessages, LogTemplatesQuery};
use crate::engine::queries::overview::Overview;
use crate::engine::queries::present_links::PresentLinks;
use crate::engine::queries::sample_reports::SampleReport;
use crate::engine::queries::source_lines::{SourceLines, SourceOf};
use crate::engine::queries::symbol_library::SymbolLibraryView;
use crate::engine::queries::symbolize_text::SymbolizedText;
use crate::engine::queries::variable_diff::{DifferenceRow, VariableDiff};
use crate::engine::recent::RecentWorkspace;
use crate::model::addr::TargetAddr;
use crate::model::metric::MetricKind;
use crate::model::report::{CrashReport, Local, Unavailable};
use issues::{all_issues, issue_detail, row};
use lists::{capture, library, overview, report_files, source, symbolized};
use report::local;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// Which of the four states every answer is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Ready,
    Empty,
    Loading,
    Error,
}

pub(super) struct FakeDoor {
    pub(super) mode: Mode,
    pub(super) sent: Rc<RefCell<Vec<Command>>>,
    pub(super) cancelled: Rc<RefCell<Vec<JobId>>>,
    pub(super) jobs: Vec<JobStatus>,
    pub(super) live: RefCell<Arc<LiveView>>,
    pub(super) held: RefCell<Option<Arc<HeldSample>>>,
    events: RefCell<Vec<Event>>,
}

impl FakeDoor {
    pub(super) fn new(mode: Mode) -> Self {
        Self {
            mode,
            sent: Rc::default(),
            cancelled: Rc::default(),
            jobs: Vec::new(),
            live: RefCell::new(Arc::new(live::view(mode))),
            held: RefCell::default(),
            events: RefCell::default(),
        }
    }

    fn answer<T>(&self, full: impl FnOnce() -> T, empty: impl FnOnce() -> T) -> Answer<T> {
        match self.mode {
            Mode::Ready => Loadable::Ready(Arc::new(full())),
            Mode::Empty => Loadable::Ready(Arc::new(empty())),
            Mode::Loading => Loadable::Pending { previous: None },
            Mode::Error => Loadable::Failed {
                error: "FS-STORE-002: the workspace file cannot be read at byte 16384. What was shown before is kept; open a copy of the file to go on.".to_owned(),
                previous: None,
            },
        }
    }
}

impl Door for FakeDoor {
    fn overview(&self) -> Answer<Overview> {
        self.answer(|| overview(3), || overview(0))
    }

    fn recent(&self) -> Answer<Vec<RecentWorkspace>> {
        let recent = |name: &str, holds: &str, finding: Option<&str>, at: &str| RecentWorkspace {
            path: PathBuf::from(format!("/cases/{name}.fieldscope")),
            opened_at: at.to_owned(),
            holds: holds.to_owned(),
            finding: finding.map(str::to_owned),
        };
        self.answer(
            || {
                vec![
                    recent(
                        "customer-4711",
                        "1 device, 3 boots, 2 crashes",
                        Some("`prv_write_page` wrote 0x2A to a null pointer + 4"),
                        "2026-11-23T12:00:00Z",
                    ),
                    recent(
                        "overnight rigs",
                        "30 devices, 4 crashes",
                        Some("The stack of task `sensor` overflowed"),
                        "2026-11-22T10:00:00Z",
                    ),
                    recent(
                        "desk nRF52840",
                        "1 device, 9 boots",
                        None,
                        "2026-11-09T12:00:00Z",
                    ),
                ]
            },
            Vec::new,
        )
    }

    fn issues(&self, find: &str) -> Answer<Vec<Issue>> {
        let matching = || {
            all_issues()
                .into_iter()
                .filter(|issue| issue.title.contains(find))
                .collect()
        };
        self.answer(matching, Vec::new)
    }

    fn issue(&self, key: &str) -> Answer<IssueDetail> {
        match all_issues().iter().position(|issue| issue.key == key) {
            Some(at) => self.answer(|| issue_detail(at), || issue_detail(at)),
            None => Loadable::Failed {
                error: "This issue is no longer there: it was merged into another one.".to_owned(),
                previous: None,
            },
        }
    }

    fn issue_history(&self) -> Answer<IssueHistory> {
        let history = || IssueHistory {
            undo: Some("merge “Hard fault” into “prv_write_page”".to_owned()),
            redo: None,
        };
        self.answer(history, IssueHistory::default)
    }

    fn crash(&self, id: i64) -> Answer<CrashDetail> {
        let memory = vec![(0x2000_0000, 0x4000)];
        let detail = |report: CrashReport| CrashDetail {
            row: row(id),
            report,
            memory: memory.clone(),
            issue: Some(IssueOfCrash::from(all_issues().remove(0))),
        };
        self.answer(|| detail(report()), || detail(bare_report()))
    }

    fn memory(&self, _crash: i64, start: u64, n_rows: u64) -> Answer<Vec<MemoryRow>> {
        let rows = (0..n_rows)
            .map(|i| MemoryRow {
                address: TargetAddr(start + 16 * i),
                bytes: (0..16u8)
                    .map(|j| (i < 40).then_some(j.wrapping_mul(7).wrapping_add(32)))
                    .collect(),
                symbol: (i == 2).then(|| "ring+16".to_owned()),
            })
            .collect();
        self.answer(|| rows, Vec::new)
    }

    fn follow(&self, _crash: i64, _type_name: &str, _target: TargetAddr) -> Answer<Local> {
        self.answer(
            || local("", "uint8_t", Some("0x4c")),
            || local("", "uint8_t", None),
        )
    }

    fn globals(&self, _crash: i64, find: &str) -> Answer<CrashGlobals> {
        let all = [
            ("g_log_region", "log_region_t *", "0x20000a10"),
            ("g_uptime_ms", "uint32_t", "64211"),
            ("ring", "uint8_t [64]", "\"LOG1\\000...\""),
        ];
        let variables: Vec<GlobalRow> = all
            .iter()
            .filter(|(name, ..)| name.contains(find))
            .map(|(name, ty, value)| GlobalRow {
                address: Some(TargetAddr(0x2000_0a10)),
                place: None,
                value: local(name, ty, Some(value)),
            })
            .collect();
        self.answer(
            || CrashGlobals {
                n_found: variables.len(),
                variables,
            },
            || CrashGlobals {
                variables: Vec::new(),
                n_found: 0,
            },
        )
    }

    fn variable_diff(
        &self,
        _crash: i64,
        _against: Option<i64>,
        find: &str,
    ) -> Answer<VariableDiff> {
        let row = |name: &str, before: &str, after: Result<&str, Unavailable>| DifferenceRow {
            name: name.to_owned(),
            type_name: Some("uint32_t".to_owned()),
            file: Some("link.c:12".to_owned()),
            address: TargetAddr(0x2000_0a10),
            before: Ok(before.to_owned()),
            after: after.map(str::to_owned),
        };
        let rows = vec![
            row("g_uptime_ms", "0", Ok("64211")),
            row("link.stats.retries", "0", Ok("17")),
            row("ring[3].head", "0x0", Err(Unavailable::MemoryNotCaptured)),
        ];
        let diff = || VariableDiff {
            rows: rows
                .into_iter()
                .filter(|row| row.name.contains(find))
                .collect(),
            n_compared: 212,
            n_different: 3,
            n_unavailable: 4,
            ..VariableDiff::default()
        };
        self.answer(diff, VariableDiff::default)
    }

    fn source(&self, _of: &SourceOf, file: &str, line: u32) -> Answer<SourceLines> {
        let missing = || SourceLines::NotHere {
            tried: vec![file.to_owned()],
        };
        self.answer(
            || {
                if file.ends_with("flash.c") {
                    source(file, line)
                } else {
                    missing()
                }
            },
            missing,
        )
    }

    fn symbols(&self) -> Answer<SymbolLibraryView> {
        self.answer(library, || SymbolLibraryView {
            builds: Vec::new(),
            missing: Vec::new(),
        })
    }

    fn logs(&self) -> Answer<Vec<ListedLog>> {
        self.answer(logs::listed, Vec::new)
    }

    fn log_overview(&self, log: &LogKey, n_buckets: u32) -> Answer<LogOverview> {
        self.answer(|| logs::log_overview(log, n_buckets), LogOverview::default)
    }

    fn log_rows(&self, query: &LogRowsQuery) -> Answer<LogPage> {
        self.answer(
            || logs::log_page(query),
            || logs::log_page(&logs::nothing()),
        )
    }

    fn log_messages(&self, query: &LogTemplatesQuery) -> Answer<LogMessages> {
        self.answer(|| logs::log_messages(query), LogMessages::default)
    }

    fn log_copy(&self, query: &LogCopyQuery) -> Answer<CopiedRows> {
        self.answer(|| logs::log_copy(query), CopiedRows::default)
    }

    fn log_find(&self, query: &LogFindQuery) -> Answer<FoundRow> {
        let find = || found(&*logs::shown(&query.key), query).unwrap_or_default();
        self.answer(find, FoundRow::default)
    }

    fn log_marks(&self, _log: &LogKey) -> Answer<LogMarks> {
        self.answer(logs::marks, LogMarks::default)
    }

    fn filter_sets(&self) -> Answer<Vec<NamedFilters>> {
        self.answer(logs::filter_sets, Vec::new)
    }

    fn log_go_to(&self, query: &LogGoToQuery) -> Answer<GoTo> {
        let go = || go_to(&*logs::shown(&query.key), query).unwrap_or_default();
        self.answer(go, GoTo::default)
    }

    fn log_gutter(&self, query: &LogGutterQuery) -> Answer<Gutter> {
        let gutter = || gutter(&*logs::shown(&query.key), query).unwrap_or_default();
        self.answer(gutter, Gutter::default)
    }

    fn log_of_crash(&self, _crash: i64) -> Answer<Option<LogKey>> {
        self.answer(|| Some(logs::key()), || None)
    }

    fn fleet_summary(&self) -> Answer<FleetSummary> {
        self.answer(fleet::summary, FleetSummary::default)
    }

    fn fleet_band(&self, metric: &str, by_day: bool, version: Option<&str>) -> Answer<Band> {
        self.answer(|| fleet::band(metric, by_day, version), Band::default)
    }

    fn fleet_totals(&self, metric: &str, by_day: bool, version: Option<&str>) -> Answer<Totals> {
        self.answer(|| fleet::totals(metric, by_day, version), Totals::default)
    }

    fn fleet_versions(&self, span_ns: Span) -> Answer<(Vec<VersionRow>, Looping)> {
        self.answer(|| fleet::versions(span_ns), Default::default)
    }

    fn fleet_census(&self, _span_ns: Option<Span>) -> Answer<Census> {
        self.answer(fleet::census, Census::default)
    }

    fn fleet_vitals(&self, _span_ns: Option<Span>) -> Answer<Vec<VitalRows>> {
        self.answer(fleet::vitals, Vec::new)
    }

    fn fleet_compared(&self, metric: &str, span_ns: Option<Span>) -> Answer<Vec<ComparedVersion>> {
        self.answer(|| fleet::compared(metric, span_ns), Vec::new)
    }

    fn fleet_standing(
        &self,
        _metric: &str,
        _serial: &str,
        _span_ns: Option<Span>,
    ) -> Answer<Option<Standing>> {
        let standing = Standing {
            n_devices: 60,
            mean: 0.62,
            above: 96.6,
        };
        self.answer(|| Some(standing), || None)
    }

    fn fleet_spreads(
        &self,
        metric: &str,
        span_ns: Option<Span>,
    ) -> Answer<Vec<(String, Histogram)>> {
        let versions = ["1.4.0", "1.4.1", "1.4.2", "1.4.3"];
        let spread = |version: &str| {
            let spread = fleet::histogram(metric, Some(version), span_ns);
            (version.to_owned(), spread)
        };
        self.answer(|| versions.into_iter().map(spread).collect(), Vec::new)
    }

    fn metric_before_edit(&self, metric: &str) -> Answer<Option<KnownBefore>> {
        let before = KnownBefore {
            unit: Some("ms".to_owned()),
            kind: MetricKind::Gauge,
            is_defined: true,
        };
        let is_edited = metric == "main_task_ms";
        self.answer(|| is_edited.then_some(before), || None)
    }

    fn fleet_histogram(
        &self,
        metric: &str,
        version: Option<&str>,
        span_ns: Option<Span>,
    ) -> Answer<Histogram> {
        self.answer(
            || fleet::histogram(metric, version, span_ns),
            Histogram::default,
        )
    }

    fn fleet_ranking(
        &self,
        metric: &str,
        from_top: bool,
        span_ns: Option<Span>,
    ) -> Answer<Vec<RankedDevice>> {
        self.answer(|| fleet::ranking(metric, from_top, span_ns), Vec::new)
    }

    fn device_timeline(&self, serial: &str, metrics: &[String]) -> Answer<DeviceTimeline> {
        self.answer(|| fleet::timeline(serial, metrics), DeviceTimeline::default)
    }

    fn device_logs(&self, _serial: &str) -> Answer<DeviceLogs> {
        self.answer(fleet::logs, DeviceLogs::default)
    }

    fn captures(&self) -> Answer<Vec<CaptureRow>> {
        // The second time it is asked after an import, one more is there.
        let mut rows = vec![capture(1, "customer-4711.zip"), capture(0, "an386-1.core")];
        if self
            .sent
            .borrow()
            .iter()
            .any(|command| matches!(command, Command::Import { .. }))
        {
            rows.insert(0, capture(2, "dropped.zip"));
        }
        self.answer(|| rows, Vec::new)
    }

    fn import_report(&self, capture_id: i64) -> Answer<ImportReport> {
        let (files, findings) = report_files();
        self.answer(
            || ImportReport {
                capture: capture(capture_id, "customer-4711.zip"),
                files,
                findings,
            },
            || ImportReport {
                capture: capture(capture_id, "empty.zip"),
                files: Vec::new(),
                findings: Vec::new(),
            },
        )
    }

    fn symbolize(&self, text: &str, _build: Option<&str>) -> Answer<SymbolizedText> {
        self.answer(|| symbolized(text), || symbolized(""))
    }

    fn find(&self, text: &str) -> Answer<Found> {
        let crashes: Vec<CrashRow> = all_issues()
            .into_iter()
            .flat_map(|issue| issue.crashes)
            .filter(|row| row.summary.contains(text))
            .collect();
        self.answer(
            || Found {
                crashes,
                captures: Vec::new(),
            },
            || Found {
                crashes: Vec::new(),
                captures: Vec::new(),
            },
        )
    }

    fn jobs(&self) -> Vec<JobStatus> {
        self.jobs.clone()
    }

    fn is_followed(&self, _path: &Path) -> bool {
        false
    }

    fn watched_folder(&self) -> Option<PathBuf> {
        None
    }

    fn is_busy(&self) -> bool {
        self.mode == Mode::Loading
    }

    fn live(&self) -> Arc<LiveView> {
        Arc::clone(&self.live.borrow())
    }

    fn present_links(&self) -> Answer<PresentLinks> {
        self.answer(live::present, PresentLinks::default)
    }

    fn log_tail(&self, log: &LogKey, count: u32) -> Answer<LogPage> {
        self.answer(|| live::tail(log, count), LogPage::default)
    }

    fn drain_events(&self) -> Vec<Event> {
        std::mem::take(&mut *self.events.borrow_mut())
    }

    fn frame_drawn(&self) {}

    fn held_sample(&self) -> Option<Arc<HeldSample>> {
        self.held.borrow().clone()
    }

    fn sample_reports(&self) -> Answer<Vec<SampleReport>> {
        self.answer(tables::reports, Vec::new)
    }

    fn submit(&self, command: Command) -> JobId {
        if matches!(
            command,
            Command::ImportSample { .. } | Command::LeaveSample { .. }
        ) {
            self.held.replace(None);
        }
        self.sent.borrow_mut().push(command);
        let outcome = JobOutcome::Done("1 crash found.".to_owned());
        self.events.borrow_mut().push(Event::JobFinished {
            job: JobId(1),
            outcome,
        });
        JobId(1)
    }

    fn cancel(&self, job: JobId) {
        self.cancelled.borrow_mut().push(job);
    }

    fn reload(&self) {}

    fn remember(&self) {}

    fn open_workspace(&self, _path: &Path) {}

    fn leave(&self) {}
}
