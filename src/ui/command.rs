//! Every action of the window, once: label, help and key. Buttons, palette and key list all derive from here.

use super::nav::InspectorTab;
use super::panels::PanelId;
use super::shared_time::TimeMove;
use crate::engine::job::JobId;
use crate::engine::logs::view::LogKey;
use egui::{Key, KeyboardShortcut, Modifiers};
use std::path::PathBuf;

/// Something that a person can do in the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UiCommand {
    /// Go to a screen.
    Go(PanelId),
    /// Open one crash.
    OpenCrash(i64),
    /// Open one issue.
    OpenIssue(String),
    /// Show the issues without an open one.
    LeaveIssue,
    /// Compare the open issue with another one, or with none.
    CompareIssue(Option<String>),
    /// A crash of the open issue has the focus.
    SelectIssueCrash(i64),
    /// Merge the issue that is compared into the open one.
    MergeIssue,
    /// Split the crash that has the focus off the open issue.
    SplitCrash,
    /// Close the open issue, or open it again.
    CloseIssue,
    /// Take the last change back: of the issues, or of bookmarks and saved filters where logs are shown.
    UndoIssues,
    /// Make it again.
    RedoIssues,
    /// Stop a job.
    Cancel(JobId),
    /// Change to another workspace.
    OpenWorkspace(PathBuf),
    /// Open the import report of one capture.
    OpenCapture(i64),
    /// Open one log.
    OpenLog(LogKey),
    /// Put the small demo fleet into the workspace and show it.
    OpenDemoFleet,
    /// Open one device.
    OpenDevice(String),
    /// Change the time that charts and logs share.
    Time(TimeMove),
    /// Open the log that covers the time of the cursor.
    OpenLogHere,
    /// Open a log at a time of its axis, nanoseconds.
    OpenLogAt(LogKey, i64),
    /// Show the open crash on the timeline of its device.
    ShowOnTimeline,
    /// Draw a device over the band of all, in one metric.
    OverFleet {
        /// Serial number of the device.
        device: String,
        /// The metric.
        metric: String,
    },
    /// Draw all devices behind the lanes of one, or no longer.
    WithFleet,
    /// Say what the shown metric is: its unit and kind.
    EditMetric,
    /// Show the open crash in its log.
    ShowInLog,
    /// Open the import report of a fleet sample.
    OpenSample(usize),
    /// Choose files to import.
    OpenFiles,
    /// Choose a folder to import.
    OpenFolder,
    /// Choose a folder to watch.
    WatchFolder,
    /// Choose a log file to follow.
    FollowLogFile,
    /// Follow this log file.
    FollowLog(PathBuf),
    /// Follow a log file no longer.
    StopFollowing(PathBuf),
    /// Do something with the board that is listened to.
    Live(LiveCommand),
    /// Keep the last line of the log in sight.
    LogFollowEnd,
    /// Wrap the long lines of the log, or no longer.
    LogWrap,
    /// Choose logs to merge with the one that is open.
    LogMerge,
    /// Make the selected line of merged logs the same moment as a line of another log.
    LogAlign,
    /// Take the offsets of merged logs away.
    LogResetOffsets,
    /// Go to the next error of the log.
    LogNextError,
    /// Go to the error before.
    LogPreviousError,
    /// Go to the next line of the log that holds the text.
    LogFindNext,
    /// Go to the line before.
    LogFindPrevious,
    /// Bookmark the selected line of the log, or remove its bookmark.
    LogBookmark,
    /// Go to the next bookmark that is shown.
    LogNextBookmark,
    /// Go to the bookmark before.
    LogPreviousBookmark,
    /// Copy the bookmarks of the log as Markdown.
    LogCopyBookmarks,
    /// Save the filters that are on under a name.
    LogSaveFilters,
    /// Write all saved filters to a file.
    ExportFilters,
    /// Take in saved filters from a file.
    ImportFilters,
    /// Open the menu that adds a filter to the log.
    LogAddFilter,
    /// Filter the log by what is selected in it.
    LogFilterSelection,
    /// Take the last change of the filters back.
    LogUndoFilter,
    /// Make it again.
    LogRedoFilter,
    /// Go to a place of the log.
    LogGoTo,
    /// Fold the repeated messages of the log, or no longer.
    LogFold,
    /// Unfold the selected row, or fold it.
    LogUnfold,
    /// Show the messages that the log is made of.
    LogMessages,
    /// Choose a log to compare with.
    LogCompare,
    /// Write what is shown of the log to a file.
    LogExport,
    /// Choose the file, with this name to begin with.
    ChooseExportFile(String),
    /// Write it there.
    LogExportTo(PathBuf),
    /// Write the table behind a chart, or a picture, to a file.
    ExportShown,
    /// Choose the file, with this name to begin with.
    ChooseTableFile(String),
    /// Write the table there.
    ExportTableTo(PathBuf),
    /// Write a picture of the screen to a file.
    SavePicture {
        /// The file.
        path: PathBuf,
        /// A file that is there is replaced: somebody agreed to that.
        replaces: bool,
    },
    /// Choose symbol files.
    AddSymbols,
    /// Choose a folder with sources for the prefix named.
    MapSource(String),
    /// Open the demo.
    OpenDemo,
    /// Find anything.
    Find,
    /// All commands.
    Palette,
    /// Show one thread of the crash.
    SelectThread(usize),
    /// Show one frame of the thread.
    SelectFrame(usize),
    /// Show one tab of the inspector.
    SelectTab(InspectorTab),
    /// Show memory at an address.
    GoToMemory(u64),
    /// Towards the innermost frame.
    FrameUp,
    /// Towards the outermost frame.
    FrameDown,
    /// The next thread.
    NextThread,
    /// The next crash of the same capture.
    NextCrash,
    /// The crash before.
    PreviousCrash,
    /// Copy the crash as text.
    CopyText,
    /// Copy the crash as Markdown.
    CopyMarkdown,
    /// Move the focus to the next part of the screen.
    NextPart,
    /// Move the focus to the part before.
    PreviousPart,
    /// Back to where I was.
    Back,
    /// Forward again.
    Forward,
    /// Read the same sources again.
    Reload,
    /// Larger.
    ZoomIn,
    /// Smaller.
    ZoomOut,
    /// As it was.
    ZoomReset,
    /// The keys of this window.
    KeyHelp,
    /// Theme, zoom, keys.
    Settings,
    /// Background work.
    Jobs,
    /// Use the theme of the system, dark or light in turn.
    NextTheme,
}

/// What can be done with a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiveCommand {
    /// Open the links again that were used last.
    Connect,
    /// End the session.
    Disconnect,
    /// Write a line to the board.
    Send,
    /// Pause its log, or follow it again.
    Follow,
    /// Open the crash that came last.
    OpenCrash,
    /// Let the processor stand.
    Halt,
    /// Choose a recording and tell it again.
    Replay,
    /// Let a replay stand, or go on.
    Pause,
    /// Let a replay go on to the next thing that happened.
    NextEvent,
}

/// How an action is shown and called.
#[derive(Debug)]
pub struct CommandInfo {
    /// The action.
    pub command: UiCommand,
    /// Words on a button and in the palette; `…` when more input follows.
    pub label: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// Keys, the first one shown.
    pub keys: &'static [KeyboardShortcut],
}

const CTRL: Modifiers = Modifiers::COMMAND;
const CTRL_SHIFT: Modifiers = Modifiers::COMMAND.plus(Modifiers::SHIFT);
const NONE: Modifiers = Modifiers::NONE;

const fn key(modifiers: Modifiers, key: Key) -> KeyboardShortcut {
    KeyboardShortcut::new(modifiers, key)
}

macro_rules! commands {
    ($($command:expr, $label:literal, $help:literal, [$($key:expr),*];)*) => {
        &[$(CommandInfo { command: $command, label: $label, help: $help, keys: &[$($key),*] }),*]
    };
}

/// All actions without a parameter, in the order of the palette.
pub static COMMANDS: &[CommandInfo] = commands![
    UiCommand::OpenFiles, "Open files…", "Import dumps, logs, bundles and symbol files, any mix.", [key(CTRL, Key::O)];
    UiCommand::OpenFolder, "Open folder…", "Import everything in a folder.", [key(CTRL_SHIFT, Key::O)];
    UiCommand::WatchFolder, "Watch folder…", "Import what appears in a folder, until you stop it.", [];
    UiCommand::FollowLogFile, "Follow a log file…", "Open a log that is still being written; what is appended appears.", [];
    UiCommand::AddSymbols, "Add symbol files…", "Add ELF files, so that addresses get names.", [];
    UiCommand::OpenDemoFleet, "Make a demo fleet", "400 devices for a week, with a planted regression to find.", [];
    UiCommand::OpenDemo, "Open the demo", "Look at crashes of two sample firmwares.", [];
    UiCommand::Go(PanelId::Home), "Go to Home", "Where files are dropped and workspaces opened.", [key(CTRL, Key::Num1)];
    UiCommand::Go(PanelId::Crash), "Go to Crash", "The crash that is open.", [key(CTRL, Key::Num2)];
    UiCommand::Go(PanelId::Issues), "Go to Issues", "Crashes by their cause: how many, where, since when.", [key(CTRL, Key::Num3)];
    UiCommand::Go(PanelId::Logs), "Go to Logs", "Every line of a log, decoded, with filters and where it crashed.", [key(CTRL, Key::Num4)];
    UiCommand::Go(PanelId::Live), "Go to Live", "A board that is listened to: its log, what it measures, whether it is there.", [key(CTRL, Key::L)];
    UiCommand::Go(PanelId::Symbols), "Go to Symbols", "Builds with symbols, and those that crashes wait for.", [key(CTRL, Key::Num5)];
    UiCommand::Go(PanelId::Device), "Go to Device", "One device along its time: versions, events, what it measured.", [key(CTRL, Key::Num8)];
    UiCommand::Go(PanelId::Fleet), "Go to Fleet", "Many devices: the band of a metric, versions side by side, outliers.", [key(CTRL, Key::Num9)];
    UiCommand::Go(PanelId::Symbolizer), "Go to Symbolizer", "Paste a text, read its addresses as names.", [key(CTRL, Key::Num6)];
    UiCommand::Go(PanelId::Import), "Go to Import report", "What was found, kept and not understood.", [key(CTRL, Key::Num7)];
    UiCommand::Time(TimeMove::Forward), "Cursor forward", "Move the cursor of the charts to the next sample.", [key(NONE, Key::ArrowRight)];
    UiCommand::Time(TimeMove::Back), "Cursor back", "Move the cursor of the charts to the sample before.", [key(NONE, Key::ArrowLeft)];
    UiCommand::Time(TimeMove::FarForward), "Cursor far forward", "Move the cursor of the charts on by ten samples.", [key(Modifiers::SHIFT, Key::ArrowRight)];
    UiCommand::Time(TimeMove::FarBack), "Cursor far back", "Move the cursor of the charts back by ten samples.", [key(Modifiers::SHIFT, Key::ArrowLeft)];
    UiCommand::Time(TimeMove::Closer), "Zoom the charts in", "Show less time, around the cursor.", [key(NONE, Key::Plus), key(NONE, Key::Equals)];
    UiCommand::Time(TimeMove::Wider), "Zoom the charts out", "Show more time, around the cursor.", [key(NONE, Key::Minus)];
    UiCommand::Time(TimeMove::Fit), "Show all of the time", "Charts show everything there is.", [key(NONE, Key::Num0)];
    UiCommand::Time(TimeMove::Choose(None)), "Choose no time", "Numbers are of all there is again, not of the time that was chosen with Shift and a drag.", [];
    UiCommand::OpenLogHere, "Open the log here", "Go to the line of the device's log at the cursor of its timeline.", [];
    UiCommand::ShowOnTimeline, "Show on the device's timeline", "Go to the device of the open crash, at the time when it crashed.", [key(Modifiers::SHIFT, Key::L)];
    UiCommand::ShowInLog, "Show the crash in its log", "Go to the line of the log where the open crash begins.", [key(NONE, Key::L)];
    UiCommand::Live(LiveCommand::Connect), "Connect the board again", "Open the links that were used last in this workspace, and listen.", [key(NONE, Key::R)];
    UiCommand::Live(LiveCommand::Disconnect), "Disconnect", "End the live session and take its recording into the workspace.", [];
    UiCommand::Live(LiveCommand::Send), "Send a line to the board…", "Write a line that goes to the board over its link.", [];
    UiCommand::Live(LiveCommand::Follow), "Pause or follow the live log", "Keep what is in sight of the log of the board, or show its end again; Space does the same.", [];
    UiCommand::Live(LiveCommand::Halt), "Halt the board", "Let its processor stand; the first time it shows what can be done to the board.", [key(Modifiers::CTRL.plus(Modifiers::ALT), Key::H)];
    UiCommand::Live(LiveCommand::OpenCrash), "Open the crash", "Take what the board sent into the workspace and open the crash that came last; the session goes on.", [];
    UiCommand::Live(LiveCommand::Replay), "Replay a recording…", "Choose a recording of a live session (.fscap) and see it again as it was.", [];
    UiCommand::Live(LiveCommand::Pause), "Pause the replay", "Let the replay of a recording stand, or go on.", [key(NONE, Key::P)];
    UiCommand::Live(LiveCommand::NextEvent), "Next event", "Let the replay go on to the next thing that happened: a crash, a lost link, a halt.", [key(Modifiers::SHIFT, Key::P)];
    UiCommand::LogFollowEnd, "Follow the end of the log", "Keep the last line in sight as the log grows; scrolling up ends it.", [key(NONE, Key::F)];
    UiCommand::LogFindNext, "Next match in the log", "Go to the next line that holds what stands in the search field.", [key(NONE, Key::F3)];
    UiCommand::LogFindPrevious, "Previous match in the log", "Go to the line before that holds it.", [key(Modifiers::SHIFT, Key::F3)];
    UiCommand::LogNextError, "Next error in the log", "Go to the next error or worse.", [key(NONE, Key::E)];
    UiCommand::LogPreviousError, "Previous error in the log", "Go to the error before.", [key(Modifiers::SHIFT, Key::E)];
    UiCommand::LogWrap, "Wrap long lines", "Show long messages of a log on several lines, or cut them.", [key(NONE, Key::W)];
    UiCommand::LogBookmark, "Bookmark the line", "Set a bookmark at the selected line of the log, or remove it.", [key(NONE, Key::B)];
    UiCommand::LogNextBookmark, "Next bookmark", "Go to the next bookmarked line of the log that is shown.", [key(NONE, Key::F2)];
    UiCommand::LogPreviousBookmark, "Previous bookmark", "Go to the bookmarked line before.", [key(Modifiers::SHIFT, Key::F2)];
    UiCommand::LogCopyBookmarks, "Copy bookmarks as Markdown", "Put the bookmarks of the log with their notes on the clipboard.", [];
    UiCommand::LogSaveFilters, "Save these filters as…", "Keep the filters of the log under a name in the workspace.", [];
    UiCommand::ExportFilters, "Export filters…", "Write all saved filters to a file, for a colleague or the command line.", [];
    UiCommand::ImportFilters, "Import filters…", "Take in saved filters from such a file.", [];
    UiCommand::LogGoTo, "Go to…", "Go to a line, a time, a boot, an address or a byte of the log.", [key(CTRL, Key::G)];
    UiCommand::LogAddFilter, "Add filter…", "Show only some lines of the log: by text, level, module, device, boot, crash or time.", [key(CTRL_SHIFT, Key::A)];
    UiCommand::LogFilterSelection, "Filter by the selection", "Show only lines with the text that is marked in the selected line, else those of its module.", [key(CTRL_SHIFT, Key::F)];
    UiCommand::LogUndoFilter, "Undo the last change of the filters", "Show what the log showed before.", [key(CTRL, Key::Z)];
    UiCommand::LogRedoFilter, "Redo the change of the filters", "Make the change again that was taken back last.", [key(CTRL_SHIFT, Key::Z)];
    UiCommand::LogFold, "Fold repeated messages", "Show lines of one message that follow each other as one row, or each of them.", [key(Modifiers::SHIFT, Key::Z)];
    UiCommand::LogUnfold, "Unfold or fold the line", "Show the lines that are folded into the selected one, or fold them again.", [key(NONE, Key::Z)];
    UiCommand::LogMessages, "Messages of the log", "Which messages a log is made of, and how often each occurs.", [];
    UiCommand::LogCompare, "Compare with a good run…", "Which messages of a log another one does not have.", [];
    UiCommand::LogExport, "Export what is shown…", "Write the lines of a log that the filters let through to a file.", [];
    UiCommand::WithFleet, "Device with the fleet", "Draw all devices behind the lanes of the open device, or no longer.", [];
    UiCommand::EditMetric, "Unit and kind of the metric…", "Say what the metric on the Fleet screen is; that outlives later imports.", [];
    UiCommand::ExportShown, "Export table or picture…", "Write the table behind a chart as CSV or Parquet, or the screen as PNG.", [key(CTRL_SHIFT, Key::E)];
    UiCommand::LogMerge, "Merge with another log…", "Show the lines of several logs in one list, by their times.", [];
    UiCommand::LogAlign, "Align the selected line…", "Make it the same moment as a line of another log: merged logs are moved to match.", [];
    UiCommand::LogResetOffsets, "Reset the offsets of merged logs", "Show each log at the times that it says itself.", [];
    UiCommand::Find, "Find anything…", "A crash, function, device or build by name.", [key(CTRL, Key::K)];
    UiCommand::Palette, "All commands…", "This list.", [key(CTRL_SHIFT, Key::P)];
    UiCommand::FrameUp, "Frame up", "Select the frame above, towards the fault.", [key(CTRL, Key::ArrowUp)];
    UiCommand::FrameDown, "Frame down", "Select the frame below, towards the caller.", [key(CTRL, Key::ArrowDown)];
    UiCommand::NextThread, "Next thread", "Show the next thread of this crash.", [key(NONE, Key::T)];
    UiCommand::NextCrash, "Next crash", "Open the next crash of the same capture.", [key(NONE, Key::N)];
    UiCommand::PreviousCrash, "Previous crash", "Open the crash before this one in the same capture.", [key(Modifiers::SHIFT, Key::N)];
    UiCommand::MergeIssue, "Merge with the issue compared", "Compare with the most similar issue; once compared, make one issue of both.", [key(NONE, Key::M)];
    UiCommand::SplitCrash, "Split the crash off", "Take the crash with the focus out of the open issue into one of its own.", [key(NONE, Key::S)];
    UiCommand::CloseIssue, "Close or open the issue", "A closed issue moves to the end of the list.", [key(NONE, Key::X)];
    UiCommand::UndoIssues, "Undo", "Take the last change back: of the issues, or of bookmarks and saved filters where logs are shown.", [key(NONE, Key::U)];
    UiCommand::RedoIssues, "Redo", "Make the change again that was taken back last.", [key(Modifiers::SHIFT, Key::U)];
    UiCommand::CopyText, "Copy as text", "Put the crash, or the selected lines of a log, on the clipboard as plain text.", [key(CTRL, Key::C)];
    UiCommand::CopyMarkdown, "Copy as Markdown", "Put the crash, or the selected lines of a log, on the clipboard for a ticket.", [key(CTRL_SHIFT, Key::C)];
    UiCommand::NextPart, "Next part of the screen", "Move the focus to the next part.", [key(NONE, Key::F6)];
    UiCommand::PreviousPart, "Previous part of the screen", "Move the focus to the part before.", [key(Modifiers::SHIFT, Key::F6)];
    UiCommand::Back, "Back", "Return to what was shown before.", [key(Modifiers::ALT, Key::ArrowLeft)];
    UiCommand::Forward, "Forward", "Undo a step back.", [key(Modifiers::ALT, Key::ArrowRight)];
    UiCommand::Reload, "Reload", "Read the same sources again and keep the view.", [key(NONE, Key::F5)];
    UiCommand::ZoomIn, "Larger", "Make everything larger.", [key(CTRL, Key::Plus), key(CTRL, Key::Equals)];
    UiCommand::ZoomOut, "Smaller", "Make everything smaller.", [key(CTRL, Key::Minus)];
    UiCommand::ZoomReset, "Normal size", "Undo the zoom.", [key(CTRL, Key::Num0)];
    UiCommand::NextTheme, "Next theme", "System, dark, light.", [];
    UiCommand::Jobs, "Jobs", "What runs in the background, with a way to stop it.", [];
    UiCommand::KeyHelp, "Keys", "The keys of this window.", [key(NONE, Key::Questionmark), key(NONE, Key::F1)];
    UiCommand::Settings, "Settings…", "Theme, size and single-letter keys.", [];
];

/// The entry of an action, if it has one.
pub fn info(command: &UiCommand) -> Option<&'static CommandInfo> {
    COMMANDS.iter().find(|info| info.command == *command)
}

/// True for a key that a person may hit while typing: no Ctrl, no Alt, not a function key.
pub fn is_single_letter(shortcut: &KeyboardShortcut) -> bool {
    let plain = !shortcut.modifiers.command && !shortcut.modifiers.ctrl && !shortcut.modifiers.alt;
    let letter = shortcut.logical_key.symbol_or_name().chars().count() == 1;
    plain && letter
}

/// The key as it is written on screen: `Ctrl+Shift+O`.
pub fn key_text(shortcut: &KeyboardShortcut) -> String {
    let mut text = String::new();
    for (held, name) in [
        (
            shortcut.modifiers.command || shortcut.modifiers.ctrl,
            "Ctrl+",
        ),
        (shortcut.modifiers.alt, "Alt+"),
        (shortcut.modifiers.shift, "Shift+"),
    ] {
        if held {
            text.push_str(name);
        }
    }
    text.push_str(match shortcut.logical_key {
        Key::ArrowUp => "Up",
        Key::ArrowDown => "Down",
        Key::ArrowLeft => "Left",
        Key::ArrowRight => "Right",
        Key::Questionmark => "?",
        Key::Plus => "+",
        Key::Minus => "-",
        other => other.name(),
    });
    text
}

/// True for a key that a text field has a meaning of its own for: undo and redo.
fn is_of_text(shortcut: KeyboardShortcut) -> bool {
    shortcut.modifiers.command && shortcut.logical_key == Key::Z
}

/// Which keys act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acting {
    /// All.
    All,
    /// Letters without Ctrl are switched off.
    NoLetters,
    /// A person is writing: neither letters nor keys that change what is written.
    NotWriting,
}

/// The actions whose keys were pressed.
pub fn pressed(input: &mut egui::InputState, acting: Acting) -> Vec<UiCommand> {
    let mut commands = Vec::new();
    for info in COMMANDS.iter().rev() {
        for shortcut in info.keys {
            let is_left = is_single_letter(shortcut) && acting != Acting::All
                || is_of_text(*shortcut) && acting == Acting::NotWriting;
            if is_left {
                continue;
            }
            let copies = matches!(info.command, UiCommand::CopyText);
            if !copies && consume(input, *shortcut) {
                commands.push(info.command.clone());
            }
        }
    }
    commands
}

/// Ctrl+Shift+O must not count as Ctrl+O: the modifiers have to be exactly these.
fn consume(input: &mut egui::InputState, shortcut: KeyboardShortcut) -> bool {
    let mut hit = false;
    let shifted = matches!(shortcut.logical_key, Key::Questionmark | Key::Plus);
    input.events.retain(|event| {
        let egui::Event::Key {
            key,
            pressed: true,
            modifiers,
            ..
        } = event
        else {
            return true;
        };
        let mut held = *modifiers;
        if shifted {
            held.shift = false;
        }
        let matches = *key == shortcut.logical_key && held.matches_exact(shortcut.modifiers);
        hit |= matches;
        !matches
    });
    hit
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, key_text};
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn no_two_actions_share_a_key_or_a_name() {
        let mut keys = BTreeMap::new();
        let mut labels = BTreeSet::new();
        for info in COMMANDS {
            assert!(labels.insert(info.label), "{} is there twice", info.label);
            assert!(info.help.ends_with('.'), "{}", info.label);
            for shortcut in info.keys {
                let before = keys.insert(key_text(shortcut), info.label);
                assert_eq!(
                    before,
                    None,
                    "{} is also {}",
                    key_text(shortcut),
                    info.label
                );
            }
        }
    }
}
