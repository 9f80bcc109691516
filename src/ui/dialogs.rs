//! File dialogs, off the frame: asked on a thread of their own, answered through a channel.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// What a dialog is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Files to import.
    ImportFiles,
    /// A folder to import.
    ImportFolder,
    /// A folder to watch.
    WatchFolder,
    /// A log file to follow.
    FollowLog,
    /// A recording to replay.
    Recording,
    /// Symbol files.
    SymbolFiles,
    /// Where saved filters go.
    ExportFilters,
    /// A file with saved filters.
    ImportFilters,
    /// A file to write a log to, with a name to begin with.
    ExportLog(String),
    /// A file to write a table or a picture to, with a name to begin with.
    ExportTable(String),
    /// A folder with sources, for the prefix named.
    SourceFolder(String),
}

/// How a dialog ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Chosen.
    Picked(Vec<PathBuf>),
    /// Closed without a choice.
    Cancelled,
    /// This desktop shows no dialog.
    Unavailable,
}

/// Something that shows file dialogs.
pub trait Dialogs {
    /// Shows one; the answer comes later. `wake` is called when it is there.
    fn ask(&mut self, ask: Ask, wake: Box<dyn Fn() + Send>);
    /// An answer that has come.
    fn poll(&mut self) -> Option<(Ask, Outcome)>;
}

/// The desktop's own dialogs.
pub struct DesktopDialogs {
    sender: Sender<(Ask, Outcome)>,
    receiver: Receiver<(Ask, Outcome)>,
}

/// Nobody closes a dialog faster than this: it never opened.
const FASTEST_PERSON: Duration = Duration::from_millis(200);

impl Default for DesktopDialogs {
    fn default() -> Self {
        let (sender, receiver) = channel();
        Self { sender, receiver }
    }
}

impl Dialogs for DesktopDialogs {
    fn ask(&mut self, ask: Ask, wake: Box<dyn Fn() + Send>) {
        let sender = self.sender.clone();
        let waiting = ask.clone();
        let spawned = std::thread::Builder::new()
            .name("file-dialog".to_owned())
            .spawn(move || {
                let started = Instant::now();
                let outcome = match show(&ask) {
                    Some(paths) => Outcome::Picked(paths),
                    None if started.elapsed() < FASTEST_PERSON => Outcome::Unavailable,
                    None => Outcome::Cancelled,
                };
                // The window may have closed in the meantime: then nobody waits.
                drop(sender.send((ask, outcome)));
                wake();
            });
        if spawned.is_err() {
            drop(self.sender.send((waiting, Outcome::Unavailable)));
        }
    }

    fn poll(&mut self) -> Option<(Ask, Outcome)> {
        self.receiver.try_recv().ok()
    }
}

/// Shows why no window opened, where nobody would read it on standard error: on Windows after a double-click.
pub fn tell(message: &str) {
    if cfg!(windows) && !std::io::stderr().is_terminal() {
        rfd::MessageDialog::new()
            .set_level(rfd::MessageLevel::Error)
            .set_title("Fieldscope")
            .set_description(message)
            .show();
    }
}

fn show(ask: &Ask) -> Option<Vec<PathBuf>> {
    let dialog = rfd::FileDialog::new().set_title(match ask {
        Ask::ImportFiles => "Open files",
        Ask::ImportFolder => "Open folder",
        Ask::WatchFolder => "Watch folder",
        Ask::FollowLog => "Follow a log file",
        Ask::Recording => "Replay a recording",
        Ask::SymbolFiles => "Add symbol files",
        Ask::ExportFilters => "Export filters",
        Ask::ImportFilters => "Import filters",
        Ask::ExportLog(_) | Ask::ExportTable(_) => "Export what is shown",
        Ask::SourceFolder(_) => "Map a source folder",
    });
    match ask {
        Ask::ImportFiles | Ask::SymbolFiles => dialog.pick_files(),
        Ask::Recording => dialog
            .add_filter("Recordings of live sessions", &["fscap"])
            .pick_file()
            .map(|path| vec![path]),
        Ask::FollowLog | Ask::ImportFilters => dialog.pick_file().map(|path| vec![path]),
        Ask::ExportFilters => dialog
            .set_file_name("filters.json")
            .save_file()
            .map(|path| vec![path]),
        Ask::ExportLog(name) | Ask::ExportTable(name) => dialog
            .set_file_name(name)
            .save_file()
            .map(|path| vec![path]),
        Ask::ImportFolder | Ask::WatchFolder | Ask::SourceFolder(_) => {
            dialog.pick_folder().map(|path| vec![path])
        }
    }
}
