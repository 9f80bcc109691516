//! Where the user is: screen, crash, thread, frame, tab; and the way back.

use super::panels::PanelId;
use super::shared_time::{SharedTime, TimeMove};
use crate::engine::logs::view::LogKey;

/// Tabs of the inspector on the crash screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum InspectorTab {
    /// Arguments and locals of the frame.
    #[default]
    Locals,
    /// Registers at the fault.
    Registers,
    /// Memory as hex.
    Memory,
    /// Globals, with search.
    Globals,
    /// Variables that differ from the start of the program or from another crash.
    Changed,
    /// Queues, mutexes and timers, with who waits.
    Rtos,
    /// Heaps.
    Heap,
    /// Interrupts and memory protection.
    Interrupts,
}

impl InspectorTab {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Locals,
        Self::Registers,
        Self::Memory,
        Self::Globals,
        Self::Changed,
        Self::Rtos,
        Self::Heap,
        Self::Interrupts,
    ];

    /// Name on screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Locals => "Locals",
            Self::Registers => "Registers",
            Self::Memory => "Memory",
            Self::Globals => "Globals",
            Self::Changed => "Changed",
            Self::Rtos => "RTOS",
            Self::Heap => "Heap",
            Self::Interrupts => "Interrupts",
        }
    }
}

/// A place that back and forward return to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Screen.
    pub panel: PanelId,
    /// Crash that is open.
    pub crash: Option<i64>,
    /// Capture whose import report is open.
    pub capture: Option<i64>,
    /// Number of the fleet sample whose import report is open.
    pub sample: Option<usize>,
    /// Key of the issue that is open.
    pub issue: Option<String>,
    /// Log that is open.
    pub log: Option<LogKey>,
    /// Serial number of the device that is open.
    pub device: Option<String>,
}

/// Where a jump into a log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogJump {
    /// To a crash, in whichever log has it.
    Crash(i64),
    /// To a time on the axis of a log, nanoseconds.
    Time(LogKey, i64),
}

/// The one selection that every panel shares.
#[derive(Debug)]
pub struct Nav {
    /// Where we are.
    pub place: Place,
    /// Thread in the report.
    pub thread_idx: usize,
    /// Frame in the thread.
    pub frame_idx: usize,
    /// Tab of the inspector.
    pub tab: InspectorTab,
    /// Key of the issue that the open one is compared with.
    pub compared: Option<String>,
    /// Crash of the open issue that has the focus.
    pub issue_crash: Option<i64>,
    /// Address that the memory view was sent to, until it has gone there.
    pub memory_address: Option<u64>,
    /// A jump into a log: its number, and where to.
    pub log_jump: Option<(u64, LogJump)>,
    /// What all charts and logs show of the same instant.
    pub time: SharedTime,
    /// The symbolizer is to read the addresses of the open crash.
    pub pastes_crash: bool,
    back: Vec<Place>,
    forward: Vec<Place>,
}

/// How many places are remembered.
const MAX_HISTORY: usize = 100;

impl Default for Nav {
    fn default() -> Self {
        let place = Place {
            panel: PanelId::Home,
            crash: None,
            capture: None,
            sample: None,
            issue: None,
            log: None,
            device: None,
        };
        Self {
            place,
            thread_idx: 0,
            frame_idx: 0,
            tab: InspectorTab::Locals,
            compared: None,
            issue_crash: None,
            memory_address: None,
            log_jump: None,
            time: SharedTime::default(),
            pastes_crash: false,
            back: Vec::new(),
            forward: Vec::new(),
        }
    }
}

impl Nav {
    /// Goes to a place and remembers the one before.
    pub fn go(&mut self, place: Place) {
        if place == self.place {
            return;
        }
        self.forward.clear();
        self.back.push(self.place.clone());
        if self.back.len() > MAX_HISTORY {
            self.back.remove(0);
        }
        self.arrive(place);
    }

    /// Goes to a screen, keeping what is open.
    pub fn go_panel(&mut self, panel: PanelId) {
        self.go(Place {
            panel,
            ..self.place.clone()
        });
    }

    /// Opens a crash.
    pub fn open_crash(&mut self, crash: i64) {
        self.go(Place {
            panel: PanelId::Crash,
            crash: Some(crash),
            ..self.place.clone()
        });
    }

    /// Opens an issue; `None` shows the list alone.
    pub fn open_issue(&mut self, issue: Option<String>) {
        self.go(Place {
            panel: PanelId::Issues,
            issue,
            ..self.place.clone()
        });
    }

    /// Opens a log.
    pub fn open_log(&mut self, log: LogKey) {
        self.go(Place {
            panel: PanelId::Logs,
            log: Some(log),
            ..self.place.clone()
        });
    }

    /// Opens a device by its serial number.
    pub fn open_device(&mut self, device: String) {
        self.go(Place {
            panel: PanelId::Device,
            device: Some(device),
            ..self.place.clone()
        });
    }

    /// Shows a crash in its log.
    pub fn show_in_log(&mut self, crash: i64) {
        self.jump_to_log(LogJump::Crash(crash));
        self.go_panel(PanelId::Logs);
    }

    /// Opens a log at a time of its axis, nanoseconds.
    pub fn open_log_at(&mut self, log: LogKey, axis_ns: i64) {
        self.jump_to_log(LogJump::Time(log.clone(), axis_ns));
        self.open_log(log);
    }

    fn jump_to_log(&mut self, to: LogJump) {
        let number = self.log_jump.as_ref().map_or(0, |(number, _)| *number);
        self.log_jump = Some((number.wrapping_add(1), to));
    }

    /// Changes the time that all screens share.
    pub fn move_time(&mut self, change: TimeMove) {
        self.time.take(change);
    }

    /// Opens an import report.
    pub fn open_capture(&mut self, capture: i64) {
        self.go(Place {
            panel: PanelId::Import,
            capture: Some(capture),
            sample: None,
            ..self.place.clone()
        });
    }

    /// Opens the import report of a fleet sample.
    pub fn open_sample(&mut self, sample: usize) {
        self.go(Place {
            panel: PanelId::Import,
            sample: Some(sample),
            ..self.place.clone()
        });
    }

    /// Returns to the place before, if there is one.
    pub fn go_back(&mut self) {
        if let Some(place) = self.back.pop() {
            self.forward.push(self.place.clone());
            self.arrive(place);
        }
    }

    /// Undoes a step back.
    pub fn go_forward(&mut self) {
        if let Some(place) = self.forward.pop() {
            self.back.push(self.place.clone());
            self.arrive(place);
        }
    }

    fn arrive(&mut self, place: Place) {
        if place.crash != self.place.crash {
            self.thread_idx = 0;
            self.frame_idx = 0;
            self.memory_address = None;
        }
        if place.issue != self.place.issue {
            self.compared = None;
            self.issue_crash = None;
        }
        self.place = place;
    }
}

#[cfg(test)]
mod tests {
    use super::{Nav, PanelId};

    #[test]
    fn back_returns_to_where_i_was_and_another_crash_starts_at_its_first_frame() {
        let mut nav = Nav::default();
        nav.open_crash(7);
        nav.frame_idx = 3;
        nav.open_crash(8);
        assert_eq!((nav.place.crash, nav.frame_idx), (Some(8), 0));
        nav.go_back();
        assert_eq!(nav.place.crash, Some(7));
        nav.go_back();
        assert_eq!(nav.place.panel, PanelId::Home);
        nav.go_back();
        nav.go_forward();
        nav.go_forward();
        assert_eq!(nav.place.crash, Some(8));
    }
}
