//! The door to the engine: questions that are answered at once (perhaps with "not yet") and commands.
//!
//! A trait, so that tests can put the window before answers that are still on their way or have failed.

use super::shared_time::Span;
use crate::engine::Engine;
use crate::engine::command::Command;
use crate::engine::event::{Event, Wake};
use crate::engine::fleet::census::Census;
use crate::engine::fleet::compared::{ComparedVersion, Standing};
use crate::engine::fleet::totals::Totals;
use crate::engine::fleet::view::{
    Band, DeviceTimeline, FleetSummary, Histogram, Looping, RankedDevice, VersionRow,
};
use crate::engine::fleet_import::HeldSample;
use crate::engine::index_cache::IndexCache;
use crate::engine::job::{JobId, JobStatus};
use crate::engine::live::board::LiveView;
use crate::engine::loadable::Loadable;
use crate::engine::logs::view::LogKey;
use crate::engine::metric_edit::KnownBefore;
use crate::engine::queries::captures::{CaptureRow, CapturesQuery};
use crate::engine::queries::crash_detail::{CrashDetail, CrashDetailQuery};
use crate::engine::queries::crash_globals::{CrashGlobals, CrashGlobalsQuery};
use crate::engine::queries::crash_memory::{CrashMemoryQuery, MemoryRow};
use crate::engine::queries::device_logs::{DeviceLogs, DeviceLogsQuery};
use crate::engine::queries::device_timeline::DeviceTimelineQuery;
use crate::engine::queries::filter_sets::{FilterSetsQuery, NamedFilters};
use crate::engine::queries::find::{FindQuery, Found};
use crate::engine::queries::fleet_compared::{ComparedQuery, SpreadsQuery, StandingQuery};
use crate::engine::queries::fleet_state::{CensusQuery, VitalRows, VitalsQuery};
use crate::engine::queries::fleet_totals::TotalsQuery;
use crate::engine::queries::follow_pointer::FollowPointerQuery;
use crate::engine::queries::heartbeats::{
    BandQuery, FleetSummaryQuery, HistogramQuery, RankingQuery, VersionsQuery,
};
use crate::engine::queries::import_report::{ImportReport, ImportReportQuery};
use crate::engine::queries::issue_detail::{IssueDetail, IssueDetailQuery};
use crate::engine::queries::issue_list::{Issue, IssueHistory, IssueHistoryQuery, IssueListQuery};
use crate::engine::queries::log_copy::{CopiedRows, LogCopyQuery};
use crate::engine::queries::log_find::{FoundRow, LogFindQuery};
use crate::engine::queries::log_go_to::{GoTo, LogGoToQuery};
use crate::engine::queries::log_gutter::{Gutter, LogGutterQuery};
use crate::engine::queries::log_list::{ListedLog, LogListQuery};
use crate::engine::queries::log_marks::{LogMarks, LogMarksQuery};
use crate::engine::queries::log_of_crash::LogOfCrashQuery;
use crate::engine::queries::log_rows::{LogPage, LogRowsQuery};
use crate::engine::queries::log_summary::{LogOverview, LogSummaryQuery};
use crate::engine::queries::log_tail::LogTailQuery;
use crate::engine::queries::log_templates::{LogMessages, LogTemplatesQuery};
use crate::engine::queries::metric_list::MetricEditedQuery;
use crate::engine::queries::overview::{Overview, OverviewQuery};
use crate::engine::queries::present_links::{PresentLinks, PresentLinksQuery};
use crate::engine::queries::recent::RecentQuery;
use crate::engine::queries::sample_reports::{SampleReport, SampleReportsQuery};
use crate::engine::queries::source_lines::{SourceLines, SourceLinesQuery, SourceOf};
use crate::engine::queries::symbol_library::{SymbolLibraryQuery, SymbolLibraryView};
use crate::engine::queries::symbolize_text::{SymbolizeTextQuery, SymbolizedText};
use crate::engine::queries::variable_diff::{VariableDiff, VariableDiffQuery};
use crate::engine::recent::RecentWorkspace;
use crate::engine::workspace::Workspace;
use crate::model::addr::TargetAddr;
use crate::model::report::Local;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};

/// An answer shared with the engine's cache.
pub type Answer<T> = Loadable<Arc<T>>;

/// What the window asks and orders.
pub trait Door {
    /// The workspace at a glance.
    fn overview(&self) -> Answer<Overview>;
    /// Workspaces opened lately.
    fn recent(&self) -> Answer<Vec<RecentWorkspace>>;
    /// Issues with a crash that holds a text.
    fn issues(&self, find: &str) -> Answer<Vec<Issue>>;
    /// One issue, and what looks like it.
    fn issue(&self, key: &str) -> Answer<IssueDetail>;
    /// What can be undone.
    fn issue_history(&self) -> Answer<IssueHistory>;
    /// One crash.
    fn crash(&self, crash: i64) -> Answer<CrashDetail>;
    /// Memory of a crash.
    fn memory(&self, crash: i64, start: u64, n_rows: u64) -> Answer<Vec<MemoryRow>>;
    /// What a pointer points to.
    fn follow(&self, crash: i64, type_name: &str, target: TargetAddr) -> Answer<Local>;
    /// Globals whose name holds a text.
    fn globals(&self, crash: i64, find: &str) -> Answer<CrashGlobals>;
    /// Variables that differ from another crash, or from their values at start.
    fn variable_diff(&self, crash: i64, against: Option<i64>, find: &str) -> Answer<VariableDiff>;
    /// Source around a line.
    fn source(&self, of: &SourceOf, file: &str, line: u32) -> Answer<SourceLines>;
    /// The symbol library.
    fn symbols(&self) -> Answer<SymbolLibraryView>;
    /// Logs, those of the newest capture first.
    fn logs(&self) -> Answer<Vec<ListedLog>>;
    /// A log at a glance.
    fn log_overview(&self, log: &LogKey, n_buckets: u32) -> Answer<LogOverview>;
    /// Rows of a log.
    fn log_rows(&self, query: &LogRowsQuery) -> Answer<LogPage>;
    /// The messages of a log.
    fn log_messages(&self, query: &LogTemplatesQuery) -> Answer<LogMessages>;
    /// Rows of a log as text.
    fn log_copy(&self, query: &LogCopyQuery) -> Answer<CopiedRows>;
    /// A place in a log.
    fn log_find(&self, query: &LogFindQuery) -> Answer<FoundRow>;
    /// What is marked in a log.
    fn log_marks(&self, log: &LogKey) -> Answer<LogMarks>;
    /// Saved filters, by name.
    fn filter_sets(&self) -> Answer<Vec<NamedFilters>>;
    /// A place in a log, in words.
    fn log_go_to(&self, query: &LogGoToQuery) -> Answer<GoTo>;
    /// The marks beside the scroll bar of a log.
    fn log_gutter(&self, query: &LogGutterQuery) -> Answer<Gutter>;
    /// The log that tells of a crash.
    fn log_of_crash(&self, crash: i64) -> Answer<Option<LogKey>>;
    /// All heartbeats at a glance.
    fn fleet_summary(&self) -> Answer<FleetSummary>;
    /// Quantiles of a metric over devices, by hour or by day, of one version or of all.
    fn fleet_band(&self, metric: &str, by_day: bool, version: Option<&str>) -> Answer<Band>;
    /// How many values of a metric there are by hour or by day, their sums and extremes.
    fn fleet_totals(&self, metric: &str, by_day: bool, version: Option<&str>) -> Answer<Totals>;
    /// What is known of each version in a span of time.
    fn fleet_versions(&self, span_ns: Span) -> Answer<(Vec<VersionRow>, Looping)>;
    /// Who reports, at the end of a span of time or of all.
    fn fleet_census(&self, span_ns: Option<Span>) -> Answer<Census>;
    /// Battery drain and time connected, of all devices and of each version.
    fn fleet_vitals(&self, span_ns: Option<Span>) -> Answer<Vec<VitalRows>>;
    /// A metric in each version, held against the one before.
    fn fleet_compared(&self, metric: &str, span_ns: Option<Span>) -> Answer<Vec<ComparedVersion>>;
    /// Where a device stands among all.
    fn fleet_standing(
        &self,
        metric: &str,
        serial: &str,
        span_ns: Option<Span>,
    ) -> Answer<Option<Standing>>;
    /// How the values of a metric are spread in each version.
    fn fleet_spreads(
        &self,
        metric: &str,
        span_ns: Option<Span>,
    ) -> Answer<Vec<(String, Histogram)>>;
    /// What was known of a metric before a person said what it is; `None` where nobody did.
    fn metric_before_edit(&self, metric: &str) -> Answer<Option<KnownBefore>>;
    /// How the values of a metric are spread, of one version or of all.
    fn fleet_histogram(
        &self,
        metric: &str,
        version: Option<&str>,
        span_ns: Option<Span>,
    ) -> Answer<Histogram>;
    /// The devices with the most or the least of a metric.
    fn fleet_ranking(
        &self,
        metric: &str,
        from_top: bool,
        span_ns: Option<Span>,
    ) -> Answer<Vec<RankedDevice>>;
    /// One device along its time, with some metrics.
    fn device_timeline(&self, serial: &str, metrics: &[String]) -> Answer<DeviceTimeline>;
    /// The logs of a device along its time.
    fn device_logs(&self, serial: &str) -> Answer<DeviceLogs>;
    /// Captures, newest first.
    fn captures(&self) -> Answer<Vec<CaptureRow>>;
    /// What an import found.
    fn import_report(&self, capture: i64) -> Answer<ImportReport>;
    /// A pasted text with its addresses answered; `build` chooses the symbols.
    fn symbolize(&self, text: &str, build: Option<&str>) -> Answer<SymbolizedText>;
    /// Things by name.
    fn find(&self, text: &str) -> Answer<Found>;
    /// What there is to say of the board that is listened to.
    fn live(&self) -> Arc<LiveView>;
    /// What a board could be reached by.
    fn present_links(&self) -> Answer<PresentLinks>;
    /// The last rows of a log.
    fn log_tail(&self, log: &LogKey, count: u32) -> Answer<LogPage>;
    /// The fleet sample that waits until somebody says whether it is imported.
    fn held_sample(&self) -> Option<Arc<HeldSample>>;
    /// Fleet samples that were imported, newest first.
    fn sample_reports(&self) -> Answer<Vec<SampleReport>>;
    /// Jobs, newest first.
    fn jobs(&self) -> Vec<JobStatus>;
    /// True while what is appended to a file appears in its log.
    fn is_followed(&self, path: &Path) -> bool;
    /// The folder that is watched.
    fn watched_folder(&self) -> Option<PathBuf>;
    /// True while a job runs or an answer is being made.
    fn is_busy(&self) -> bool;
    /// What happened since the last call.
    fn drain_events(&self) -> Vec<Event>;
    /// Says that a frame was drawn: answers that no panel asks for any more are given up.
    fn frame_drawn(&self);
    /// Orders work.
    fn submit(&self, command: Command) -> JobId;
    /// Stops a job.
    fn cancel(&self, job: JobId);
    /// Asks everything again.
    fn reload(&self);
    /// Notes the workspace and what it holds now among the recent ones.
    fn remember(&self);
    /// Changes to another workspace.
    fn open_workspace(&self, path: &Path);
    /// Ends what must not be cut off: the window is being closed. Waits for it.
    fn leave(&self);
}

/// The engine behind the door; it can be exchanged for that of another workspace.
pub struct EngineDoor {
    engine: RefCell<Engine>,
    opening: RefCell<Option<Receiver<Result<Engine, String>>>>,
    wake: Wake,
    cache: IndexCache,
    remembers: bool,
}

impl EngineDoor {
    /// Opens a workspace: the one named, or the user's own.
    pub fn open(path: Option<&Path>, cache: IndexCache, wake: Wake) -> Result<Self, String> {
        let workspace = Workspace::open(path, cache.clone()).map_err(|error| error.to_string())?;
        let engine = Engine::new(workspace, Arc::clone(&wake));
        Ok(Self {
            engine: RefCell::new(engine),
            opening: RefCell::default(),
            wake,
            cache,
            remembers: false,
        })
    }

    /// Lists the workspace among the user's recent ones from now on. (A picture or a test leaves no trace there.)
    pub fn remembering(self) -> Self {
        Self {
            remembers: true,
            ..self
        }
    }

    /// The engine, for what no question covers (tests, benches).
    pub fn engine(&self) -> Engine {
        self.engine.borrow().clone()
    }

    /// Takes over the engine of another workspace once it is open.
    fn finish_opening(&self) -> Option<Event> {
        let mut opening = self.opening.borrow_mut();
        let result = opening.as_ref()?.try_recv().ok()?;
        *opening = None;
        match result {
            Ok(engine) => {
                let before = self.engine.replace(engine);
                // A board is listened to for the workspace that it was connected in: its recording goes there.
                if before.live().running().is_some() {
                    before.submit(Command::Disconnect);
                }
                Some(Event::DataChanged { revision: 0 })
            }
            Err(error) => Some(Event::Notice(error)),
        }
    }
}

impl Door for EngineDoor {
    fn overview(&self) -> Answer<Overview> {
        self.engine.borrow().query(OverviewQuery)
    }

    fn recent(&self) -> Answer<Vec<RecentWorkspace>> {
        self.engine.borrow().query(RecentQuery)
    }

    fn issues(&self, find: &str) -> Answer<Vec<Issue>> {
        self.engine.borrow().query(IssueListQuery {
            find: find.to_owned(),
        })
    }

    fn issue(&self, key: &str) -> Answer<IssueDetail> {
        self.engine.borrow().query(IssueDetailQuery {
            key: key.to_owned(),
        })
    }

    fn issue_history(&self) -> Answer<IssueHistory> {
        self.engine.borrow().query(IssueHistoryQuery)
    }

    fn crash(&self, crash: i64) -> Answer<CrashDetail> {
        self.engine.borrow().query(CrashDetailQuery { crash })
    }

    fn memory(&self, crash: i64, start: u64, n_rows: u64) -> Answer<Vec<MemoryRow>> {
        self.engine.borrow().query(CrashMemoryQuery {
            crash,
            start,
            n_rows,
        })
    }

    fn follow(&self, crash: i64, type_name: &str, target: TargetAddr) -> Answer<Local> {
        let query = FollowPointerQuery {
            crash,
            type_name: type_name.to_owned(),
            address: target,
        };
        self.engine.borrow().query(query)
    }

    fn globals(&self, crash: i64, find: &str) -> Answer<CrashGlobals> {
        self.engine.borrow().query(CrashGlobalsQuery {
            crash,
            find: find.to_owned(),
        })
    }

    fn variable_diff(&self, crash: i64, against: Option<i64>, find: &str) -> Answer<VariableDiff> {
        self.engine.borrow().query(VariableDiffQuery {
            crash,
            against,
            find: find.to_owned(),
        })
    }

    fn source(&self, of: &SourceOf, file: &str, line: u32) -> Answer<SourceLines> {
        self.engine.borrow().query(SourceLinesQuery {
            of: of.clone(),
            file: file.to_owned(),
            line,
        })
    }

    fn symbols(&self) -> Answer<SymbolLibraryView> {
        self.engine.borrow().query(SymbolLibraryQuery)
    }

    fn logs(&self) -> Answer<Vec<ListedLog>> {
        self.engine.borrow().query(LogListQuery)
    }

    fn log_overview(&self, log: &LogKey, n_buckets: u32) -> Answer<LogOverview> {
        self.engine.borrow().query(LogSummaryQuery {
            key: log.clone(),
            n_buckets,
        })
    }

    fn log_rows(&self, query: &LogRowsQuery) -> Answer<LogPage> {
        self.engine.borrow().query(query.clone())
    }

    fn log_messages(&self, query: &LogTemplatesQuery) -> Answer<LogMessages> {
        self.engine.borrow().query(query.clone())
    }

    fn log_copy(&self, query: &LogCopyQuery) -> Answer<CopiedRows> {
        self.engine.borrow().query(query.clone())
    }

    fn log_find(&self, query: &LogFindQuery) -> Answer<FoundRow> {
        self.engine.borrow().query(query.clone())
    }

    fn log_marks(&self, log: &LogKey) -> Answer<LogMarks> {
        self.engine
            .borrow()
            .query(LogMarksQuery { key: log.clone() })
    }

    fn filter_sets(&self) -> Answer<Vec<NamedFilters>> {
        self.engine.borrow().query(FilterSetsQuery)
    }

    fn log_go_to(&self, query: &LogGoToQuery) -> Answer<GoTo> {
        self.engine.borrow().query(query.clone())
    }

    fn log_gutter(&self, query: &LogGutterQuery) -> Answer<Gutter> {
        self.engine.borrow().query(query.clone())
    }

    fn log_of_crash(&self, crash: i64) -> Answer<Option<LogKey>> {
        self.engine.borrow().query(LogOfCrashQuery { crash })
    }

    fn fleet_summary(&self) -> Answer<FleetSummary> {
        self.engine.borrow().query(FleetSummaryQuery)
    }

    fn fleet_band(&self, metric: &str, by_day: bool, version: Option<&str>) -> Answer<Band> {
        self.engine.borrow().query(BandQuery {
            metric: metric.to_owned(),
            by_day,
            version: version.map(str::to_owned),
        })
    }

    fn fleet_totals(&self, metric: &str, by_day: bool, version: Option<&str>) -> Answer<Totals> {
        self.engine.borrow().query(TotalsQuery {
            metric: metric.to_owned(),
            by_day,
            version: version.map(str::to_owned),
        })
    }

    fn fleet_versions(&self, span_ns: Span) -> Answer<(Vec<VersionRow>, Looping)> {
        self.engine.borrow().query(VersionsQuery { span_ns })
    }

    fn fleet_census(&self, span_ns: Option<Span>) -> Answer<Census> {
        self.engine.borrow().query(CensusQuery { span_ns })
    }

    fn fleet_vitals(&self, span_ns: Option<Span>) -> Answer<Vec<VitalRows>> {
        self.engine.borrow().query(VitalsQuery {
            span_ns,
            hardware: None,
        })
    }

    fn fleet_compared(&self, metric: &str, span_ns: Option<Span>) -> Answer<Vec<ComparedVersion>> {
        self.engine.borrow().query(ComparedQuery {
            metric: metric.to_owned(),
            span_ns,
        })
    }

    fn fleet_standing(
        &self,
        metric: &str,
        serial: &str,
        span_ns: Option<Span>,
    ) -> Answer<Option<Standing>> {
        self.engine.borrow().query(StandingQuery {
            metric: metric.to_owned(),
            serial: serial.to_owned(),
            span_ns,
        })
    }

    fn fleet_spreads(
        &self,
        metric: &str,
        span_ns: Option<Span>,
    ) -> Answer<Vec<(String, Histogram)>> {
        self.engine.borrow().query(SpreadsQuery {
            metric: metric.to_owned(),
            span_ns,
        })
    }

    fn metric_before_edit(&self, metric: &str) -> Answer<Option<KnownBefore>> {
        self.engine.borrow().query(MetricEditedQuery {
            metric: metric.to_owned(),
        })
    }

    fn fleet_histogram(
        &self,
        metric: &str,
        version: Option<&str>,
        span_ns: Option<Span>,
    ) -> Answer<Histogram> {
        self.engine.borrow().query(HistogramQuery {
            metric: metric.to_owned(),
            version: version.map(str::to_owned),
            span_ns,
        })
    }

    fn fleet_ranking(
        &self,
        metric: &str,
        from_top: bool,
        span_ns: Option<Span>,
    ) -> Answer<Vec<RankedDevice>> {
        self.engine.borrow().query(RankingQuery {
            metric: metric.to_owned(),
            from_top,
            span_ns,
        })
    }

    fn device_timeline(&self, serial: &str, metrics: &[String]) -> Answer<DeviceTimeline> {
        self.engine.borrow().query(DeviceTimelineQuery {
            serial: serial.to_owned(),
            metrics: metrics.to_vec(),
        })
    }

    fn device_logs(&self, serial: &str) -> Answer<DeviceLogs> {
        self.engine.borrow().query(DeviceLogsQuery {
            serial: serial.to_owned(),
        })
    }

    fn captures(&self) -> Answer<Vec<CaptureRow>> {
        self.engine.borrow().query(CapturesQuery)
    }

    fn import_report(&self, capture: i64) -> Answer<ImportReport> {
        self.engine.borrow().query(ImportReportQuery { capture })
    }

    fn symbolize(&self, text: &str, build: Option<&str>) -> Answer<SymbolizedText> {
        let query = SymbolizeTextQuery {
            text: text.to_owned(),
            build_id: build.map(str::to_owned),
        };
        self.engine.borrow().query(query)
    }

    fn find(&self, text: &str) -> Answer<Found> {
        self.engine.borrow().query(FindQuery {
            text: text.to_owned(),
        })
    }

    fn live(&self) -> Arc<LiveView> {
        self.engine.borrow().live()
    }

    fn present_links(&self) -> Answer<PresentLinks> {
        self.engine.borrow().query(PresentLinksQuery)
    }

    fn log_tail(&self, log: &LogKey, count: u32) -> Answer<LogPage> {
        let key = log.clone();
        self.engine.borrow().query(LogTailQuery { key, count })
    }

    fn held_sample(&self) -> Option<Arc<HeldSample>> {
        self.engine.borrow().held_sample()
    }

    fn sample_reports(&self) -> Answer<Vec<SampleReport>> {
        self.engine.borrow().query(SampleReportsQuery)
    }

    fn jobs(&self) -> Vec<JobStatus> {
        self.engine.borrow().jobs()
    }

    fn is_followed(&self, path: &Path) -> bool {
        self.engine.borrow().is_followed(path)
    }

    fn watched_folder(&self) -> Option<PathBuf> {
        self.engine.borrow().watched_folder()
    }

    fn is_busy(&self) -> bool {
        self.opening.borrow().is_some() || !self.engine.borrow().is_idle()
    }

    fn drain_events(&self) -> Vec<Event> {
        let mut events = self.engine.borrow().drain_events();
        events.extend(self.finish_opening());
        events
    }

    fn frame_drawn(&self) {
        self.engine.borrow().frame_drawn();
    }

    fn submit(&self, command: Command) -> JobId {
        self.engine.borrow().submit(command)
    }

    fn cancel(&self, job: JobId) {
        self.engine.borrow().cancel(job);
    }

    fn reload(&self) {
        let engine = self.engine.borrow();
        engine.workspace().context().forget_opened();
        engine.data_changed();
    }

    fn remember(&self) {
        if !self.remembers {
            return;
        }
        let engine = self.engine();
        // A list that cannot be written is only shorter.
        let _forgotten = std::thread::Builder::new()
            .name("remember workspace".to_owned())
            .spawn(move || engine.workspace().remember())
            .is_err();
    }

    fn open_workspace(&self, path: &Path) {
        let (sender, receiver) = channel();
        let (path, cache, wake) = (
            path.to_path_buf(),
            self.cache.clone(),
            Arc::clone(&self.wake),
        );
        let open = move || {
            let opened = Workspace::open(Some(&path), cache)
                .map(|workspace| {
                    workspace.remember();
                    Engine::new(workspace, Arc::clone(&wake))
                })
                .map_err(|error| error.to_string());
            // The window may be gone by now.
            drop(sender.send(opened));
            wake();
        };
        if std::thread::Builder::new()
            .name("open workspace".to_owned())
            .spawn(open)
            .is_ok()
        {
            *self.opening.borrow_mut() = Some(receiver);
        }
    }

    fn leave(&self) {
        let engine = self.engine();
        if engine.live().running().is_some() {
            let job = engine.submit(Command::Disconnect);
            engine.wait(job);
        }
    }
}
